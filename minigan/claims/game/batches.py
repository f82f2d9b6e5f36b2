"""Two laws laid out as batches: an atom of probability k/24 is there k times.

So the mean over the batch, which is all that a loss of the package takes, is the expectation itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor, grad
from minigan.autodiff.functions import as_tensor
from minigan.claims.claim import Lab
from minigan.gans.losses import LOSSES
from minigan.gans.losses.critic_output import Batch, CriticOutput, scored

ATOMS, SIZE = 5, 24


def player(name: str, which: str) -> Callable[..., Tensor]:
    """The critic's or the generator's loss of a row: (real, fake, its constants) to a tensor."""
    def loss(real: Batch, fake: Batch, **constants: float) -> Tensor:
        return getattr(LOSSES[name].with_constants(**constants), which)(real, fake)

    return loss


def estimate(name: str) -> Callable[..., Tensor]:
    """What a row's critic says of a distance."""
    def of(real: Batch, fake: Batch, **constants: float) -> Tensor:
        return LOSSES[name].with_constants(**constants).estimate(real.scores, fake.scores)

    return of


def laws(lab: Lab, empty: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Two laws on the atoms, in 24ths; some atoms are perhaps empty, and the laws differ."""
    while True:
        least = 0 if empty else 1
        p, q = (lab.rng.multinomial(SIZE - least * ATOMS, lab.rng.dirichlet(np.ones(ATOMS))) for _ in "pq")
        if (p != q).any():
            return p + least, q + least


def batch(lab: Lab, values: np.ndarray, counts: np.ndarray) -> Batch:
    """values (..., atoms) -> the scores of a batch that holds atom i counts[i] times."""
    return scored(lab.array(np.repeat(to_host(values), counts, axis=-1)[..., None]))


def slope_by_atom(loss: Tensor, real: Batch, fake: Batch, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The derivative of the loss by the score of each atom, of a ``batch`` of p and one of q: 0 at the best critic."""
    slopes = np.concatenate([to_host(g.value)[:, 0] for g in grad(loss, [real.scores, fake.scores])])
    return np.bincount(np.concatenate([np.repeat(np.arange(len(p)), counts) for counts in (p, q)]), slopes)


def pointed(points: Any, scores: Callable[[Tensor], Tensor] | None = None, features: Any = None) -> Batch:
    """A batch of points, with a critic's scores or features of them."""
    x = as_tensor(points)

    def look() -> CriticOutput:
        s, f = (x if scores is None else scores(x)), (x if features is None else as_tensor(features))
        return CriticOutput(s, s, f, f)

    return Batch(x, look)
