"""How the outputs of a critic's network become a score: one number a sample.

A head is a row. Shapes: outputs (..., batch, k), x (..., batch, d), the score (..., batch, 1).
"""

from collections.abc import Callable
from dataclasses import dataclass

from minigan.autodiff import Tensor, absolute, logsumexp, safe_norm
from minigan.registry import Registry


@dataclass(frozen=True)
class Head:
    """A row. outputs: (dimension of x, classes of the data) -> k; score: (outputs, x) -> (..., batch, 1)."""

    name: str
    outputs: Callable[[int, int], int]
    score: Callable[[Tensor, Tensor], Tensor]
    summary: str


def _one_a_class(dim: int, classes: int) -> int:
    """k = K. ValueError where the data have no classes."""
    if classes < 1:
        raise ValueError(f"this critic has an output for each class of the data, and these data have {classes} classes")
    return classes


SCALAR = Head("scalar", lambda dim, classes: 1, lambda outputs, x: outputs, "s = the one output")

# A loss that falls without end as every score falls is bounded by it. Not softplus, which dies: once every output is
# far below 0 neither player has a gradient any more.
POSITIVE = Head("positive", lambda dim, classes: 1, lambda outputs, x: absolute(outputs), "s = |output| ≥ 0")

# An autoencoder. Source: Zhao et al. (2017), eq. 3.
ENERGY = Head("energy", lambda dim, classes: dim, lambda outputs, x: safe_norm(outputs - x, -1, keepdims=True),
              "s = ‖outputs − x‖₂, how badly an autoencoder repeats x")

# Logits l of K classes beside a fake class of logit 0: σ(s) = Z/(Z + 1) with Z = Σ exp(l_k) = eˢ.
# Source: Salimans et al. (2016), section 5. Checked by: G23.
CLASSES = Head("classes", _one_a_class, lambda outputs, x: logsumexp(outputs, -1, keepdims=True),
               "s = log Σ exp(l_k), so that D = Z/(Z + 1)")

HEADS: Registry[Head] = Registry("head", {head.name: head for head in (SCALAR, POSITIVE, ENERGY, CLASSES)})
