"""Batches for trying losses on, of arrays or tensors: points, what a critic's network says of them, their densities."""

import numpy as np

from minigan.autodiff import Tensor, square_norm
from minigan.autodiff.functions import as_tensor
from minigan.gans.losses.critic_output import Batch, CriticOutput
from minigan.gans.losses.heads import SCALAR

DIM, CLASSES, WIDE, NARROW = 2, 3, 4, 3


def draw(rng, head=SCALAR, n=5, rows=(), dtype=float):
    """points, outputs, features, code of a batch."""
    widths = DIM, head.outputs(DIM, CLASSES), WIDE, NARROW
    return [rng.normal(size=(*rows, n, k)).astype(dtype) for k in widths]


def log_p(x):
    """N(0, I), up to a constant."""
    return -0.5 * square_norm(x)


def log_q(x):
    """N(1, 4I), up to a constant."""
    return -0.125 * square_norm(x - 1.0)


def batch_of(points, outputs, features, code, head=SCALAR, labels=None) -> Batch:
    points, outputs, features, code = map(as_tensor, (points, outputs, features, code))
    output = CriticOutput(head.score(outputs, points), outputs, features, code)
    return Batch(points, lambda: output, None if labels is None else as_tensor(labels), log_p, log_q)


def both(loss, *arrays, labels=None) -> tuple[Batch, Batch]:
    """A real and a fake batch, of the eight arrays of two draws."""
    return batch_of(*arrays[:4], head=loss.head, labels=labels), batch_of(*arrays[4:], head=loss.head)


def of_mass(values, masses, n=20) -> Tensor:
    """Scores (n, 1) in which the value of atom i occurs n·massᵢ times: a batch whose means are exact expectations."""
    counts = np.rint(n * np.asarray(masses)).astype(int)
    assert counts.sum() == n and np.allclose(counts / n, masses)
    return Tensor(np.repeat(np.asarray(values, float), counts)[:, None])
