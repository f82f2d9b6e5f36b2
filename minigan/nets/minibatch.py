"""Minibatch discrimination: a critic that compares the samples of a batch notices when they are all alike."""

from __future__ import annotations

from typing import Any

from minigan.autodiff import Tensor, absolute, exp, transpose
from minigan.autodiff.functions import as_tensor


def minibatch_features(M: Any, company: Any = None) -> Tensor:
    """oᵦ(xᵢ) = Σ_{j≠i} exp(−‖Mᵢᵦ − Mⱼᵦ‖₁), over the batch-mates; given a company, over all its rows.

    M: (..., batch, B, C), B kernels of C numbers for each sample, company: (..., m, B, C) → (..., batch, B).
    n equal rows give n − 1, rows far apart 0: a sample is not counted as its own neighbour, as in the
    authors' code; the paper's sum over all j is this plus 1, which the next layer's bias absorbs. A sum,
    not a mean, so it grows with the batch: a company has as many rows as a sample had mates in training,
    n − 1, if the next layer is to see the same scale. Takes a few arrays of batch · m · B · C numbers.

    Source: Salimans et al. (2016), section 3.2. Checked by: G20.
    """
    M = as_tensor(M)
    mates = M if company is None else as_tensor(company)
    if M.ndim < 3 or mates.ndim < 3 or M.shape[-2:] != mates.shape[-2:]:
        raise ValueError(f"M and its company must be (..., batch, B, C) alike, got shapes {M.shape} and {mates.shape}")
    rows, columns = _samples_last(M), _samples_last(mates)
    apart = absolute(rows.reshape(*rows.shape, 1) - columns.reshape(*columns.shape[:-1], 1, columns.shape[-1]))
    alike = exp(-apart.sum(-3)).sum(-1)  # (..., B, batch)
    features = transpose(alike, axes=(*range(alike.ndim - 2), alike.ndim - 1, alike.ndim - 2))
    return features - 1.0 if company is None else features  # exp(−‖Mᵢ − Mᵢ‖) = 1 is not a mate


def _samples_last(M: Tensor) -> Tensor:
    """(..., batch, B, C) → (..., B, C, batch): sums over C then run over whole rows."""
    k = M.ndim - 3
    return transpose(M, axes=(*range(k), k + 1, k + 2, k))
