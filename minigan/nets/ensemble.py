"""A mixture of generators with equal shares: q = (1/K) Σₖ qₖ."""

from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

from minigan.arrays import HOST, Generator, HostArray
from minigan.autodiff import Tensor, concat, transpose
from minigan.autodiff.functions import as_tensor
from minigan.nets.params import Layout, Network, Run, checked_batch


@dataclass(frozen=True)
class Ensemble(Network):
    """``count`` networks of one kind: row i of the batch goes to network i mod count.

    θ is the networks' parameters one after the other. Where a network couples samples, they are its own. A batch
    that ``count`` does not divide would give unequal shares: where the rows do not see each other it is
    filled up and the surplus dropped, else ValueError.
    Source: Goodfellow (2016), section 5.2; Arora et al. (2017), section 4.
    """

    net: Network
    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"an ensemble has one network or more, not {self.count}")

    sizes = property(attrgetter("net.sizes"))
    couples_samples = property(attrgetter("net.couples_samples"))
    needs_reference = property(attrgetter("net.needs_reference"))

    @cached_property
    def layout(self) -> Layout:
        return Layout(self.net.layout.shapes * self.count)

    @cached_property
    def weights(self) -> tuple[int, ...]:
        n = len(self.net.layout.shapes)
        return tuple(k * n + i for k in range(self.count) for i in self.net.weights)

    def init(self, rng: Generator, method: str = "he", gain: float = 1.0, dtype: Any = "float32") -> HostArray:
        """A fresh θ of shape (size,): independent draws, or the networks would stay one."""
        return HOST.concatenate([self.net.init(rng, method, gain, dtype) for _ in range(self.count)])

    def run(self, theta: Any, x: Any, reference: Any = None) -> Run:
        """Outputs and hidden layers, row by row in the order of x. Every network sees the whole reference."""
        theta, x = as_tensor(theta), checked_batch(x, self.sizes[0])
        if theta.ndim == 0 or theta.shape[-1] != self.size:
            raise ValueError(f"this ensemble has {self.size} parameters, and theta has shape {theta.shape}")
        n = x.shape[-2]
        missing = -n % self.count
        if missing and self.couples_samples and reference is None:
            raise ValueError(f"a batch of {n} rows does not go into {self.count} equal shares")
        theta = theta.reshape(*theta.shape[:-1], self.count, self.net.size)
        if reference is not None:
            reference = checked_batch(reference, self.sizes[0], "a reference")
            reference = reference.reshape(*reference.shape[:-2], 1, *reference.shape[-2:])
        if missing:
            x = concat([x, *[x[..., -1:, :]] * missing], axis=-2)
        dealt = x.reshape(*x.shape[:-2], x.shape[-2] // self.count, self.count, x.shape[-1])
        run = self.net.run(theta, _swapped(dealt), reference)
        return Run(_gathered(run.outputs, n), tuple(_gathered(h, n) for h in run.hidden))


def _gathered(y: Tensor, n: int) -> Tensor:
    """(..., count, b, d) → the first n of (..., b · count, d)."""
    y = _swapped(y)
    *lead, b, count, d = y.shape
    y = y.reshape(*lead, b * count, d)
    return y if b * count == n else y[..., :n, :]


def _swapped(x: Tensor) -> Tensor:
    k = x.ndim - 3
    return transpose(x, axes=(*range(k), k + 1, k, k + 2))
