"""Normalisation of a layer's pre-activations: â = (a − μ)/√(σ² + ε), by the statistics of one or another set.

| batch norm | μ, σ² of one unit over the batch |
| layer norm | of one sample over the layer's units |
| virtual batch norm | of one unit over a fixed reference batch and the sample itself |

The learned scale γ and shift b are the network's, â ↦ γ ⊙ â + b. All variances are 1/n Σ (a − μ)².
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minigan.autodiff import Tensor, sqrt
from minigan.autodiff.functions import as_tensor

EPS = 1e-5  # ε, in units of a²: a unit that is constant over the batch must not be divided by 0


def batch_norm(a: Any, reference: Any = None, eps: float = EPS) -> Tensor:
    """(a − μ)/√(σ² + ε), μ and σ² of each unit over the reference batch; without one, over a's own batch.

    a: (..., batch, n), reference: (..., m, n). With its own statistics a row's output depends on its
    whole batch, so that a gradient by a sample is not that of its own score (no gradient penalty).
    ValueError for statistics of a single row: they would make 0 of whatever it holds.

    Source: Ioffe & Szegedy (2015), algorithm 1.
    """
    a = as_tensor(a)
    mean, variance = _moments(a if reference is None else as_tensor(reference), -2, "a batch")
    return (a - mean) / sqrt(variance + eps)


def layer_norm(a: Any, eps: float = EPS) -> Tensor:
    """(a − μ)/√(σ² + ε), μ and σ² of each sample over the units of its layer. a: (..., batch, n).

    Source: Ba et al. (2016), eq. 3.
    """
    a = as_tensor(a)
    mean, variance = _moments(a, -1, "a layer")
    return (a - mean) / sqrt(variance + eps)


def virtual_batch_norm(a: Any, reference: Any, eps: float = EPS) -> Tensor:
    """(a − μ)/√(σ² + ε), μ and σ² of each unit over the m rows of the reference batch and this sample: m + 1 values.

    With μᵣ, σᵣ² the reference's and d = a − μᵣ, that is μ = (m μᵣ + a)/(m + 1) and
        a − μ = d m/(m + 1),    σ² = (σᵣ² + d²/(m + 1)) m/(m + 1),
    where the difference of the means of a² and a would lose its digits. a: (..., batch, n),
    reference: (..., m, n). A sample's output does not depend on the rest of its batch.

    Source: Salimans et al. (2016), section 3.5.
    """
    a, reference = as_tensor(a), as_tensor(reference)
    m = reference.shape[-2]
    mean, variance = _moments(reference, -2, "a reference batch")
    d, share = a - mean, m / (m + 1)
    return d * share / sqrt((variance + d * d * (1.0 / (m + 1))) * share + eps)


def _moments(a: Tensor, axis: int, what: str) -> tuple[Tensor, Tensor]:
    if a.shape[axis] < 2:
        raise ValueError(f"the variance of {what} needs two values or more, got shape {a.shape}")
    mean = a.mean(axis, keepdims=True)
    d = a - mean
    return mean, (d * d).mean(axis, keepdims=True)


@dataclass(frozen=True)
class Norm:
    """A row: how a layer normalises a batch, and a reference batch that goes through the net with it."""

    batch: Callable[[Tensor, Tensor | None], Tensor]  # (a, the reference's a or None) -> â
    reference: Callable[[Tensor], Tensor]  # the reference's a -> its â
    gain: bool = True  # a learned scale γ goes with it
    uses_reference: bool = False  # if it is given one
    needs_reference: bool = False  # in training too
    couples_samples: bool = False  # those of a batch, without a reference


NORMS = {
    "none": Norm(lambda a, reference: a, lambda a: a, gain=False),
    "batch": Norm(batch_norm, batch_norm, uses_reference=True, couples_samples=True),
    "layer": Norm(lambda a, reference: layer_norm(a), layer_norm),
    "virtual": Norm(virtual_batch_norm, batch_norm, uses_reference=True, needs_reference=True),
}
