"""Minibatch discrimination: a critic that compares the samples of a batch notices when they are all alike."""

from typing import Any

from minigan.autodiff import Tensor, absolute, exp, transpose
from minigan.autodiff.functions import as_tensor, swap


def minibatch_features(M: Any, reference: Any = None) -> Tensor:
    """oᵦ(xᵢ) = Σ_{j≠i} exp(−‖Mᵢᵦ − Mⱼᵦ‖₁), over the rest of the batch; given a reference batch, over all its rows.

    M: (..., batch, B, C), B kernels of C numbers for each sample, reference: (..., m, B, C) → (..., batch, B).
    n equal rows give n − 1, rows far apart 0: a sample is not counted as its own neighbour, as in the
    authors' code; the paper's sum over all j is this plus 1, which the next layer's bias absorbs. A sum,
    not a mean, so it grows with the batch: a reference has as many rows as a sample was compared with in
    training, n − 1, if the next layer is to see the same scale. Takes a few arrays of batch · m · B · C numbers.

    Source: Salimans et al. (2016), section 3.2. Checked by: G20.
    """
    M = as_tensor(M)
    others = M if reference is None else as_tensor(reference)
    if M.ndim < 3 or others.ndim < 3 or M.shape[-2:] != others.shape[-2:]:
        raise ValueError(f"M and a reference must be (..., batch, B, C), with equal B and C; "
                         f"got shapes {M.shape} and {others.shape}")
    rows, columns = _samples_last(M), _samples_last(others)
    differences = rows.reshape(*rows.shape, 1) - columns.reshape(*columns.shape[:-1], 1, columns.shape[-1])
    features = swap(exp(-absolute(differences).sum(-3)).sum(-1))  # (..., B, batch) → (..., batch, B)
    return features - 1.0 if reference is None else features  # without the sample itself, exp(−‖Mᵢ − Mᵢ‖) = 1


def _samples_last(M: Tensor) -> Tensor:
    """(..., batch, B, C) → (..., B, C, batch): sums over C then run over whole rows."""
    k = M.ndim - 3
    return transpose(M, axes=(*range(k), k + 1, k + 2, k))
