"""One flat vector θ for a whole network, and the layers as views into it.

θ ← θ − η∇θ is one line, clipping is one line, a checkpoint is one array, whatever the depth.
"""

from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple, Protocol

from minigan.arrays import Generator, HostArray
from minigan.autodiff import Tensor, split
from minigan.autodiff.functions import as_tensor


@dataclass(frozen=True)
class Layout:
    """Where each array of ``shapes`` lies in a flat vector of ``size`` numbers."""

    shapes: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> int:
        return sum(self.sizes)

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(prod(shape) for shape in self.shapes)

    def views(self, theta: Any) -> list[Tensor]:
        """theta: (..., size) → the arrays, each (..., *shape); leading axes are independent networks.

        Raises ValueError, naming both sizes, if theta does not have ``size`` parameters.
        """
        theta = as_tensor(theta)
        if theta.ndim == 0 or theta.shape[-1] != self.size:
            raise ValueError(f"these shapes hold {self.size} parameters, and theta has shape {theta.shape}")
        pieces = split(theta, sizes=self.sizes)
        return [v.reshape(theta.shape[:-1] + shape) for v, shape in zip(pieces, self.shapes, strict=True)]


class Run(NamedTuple):
    """What a network makes of a batch, one row a sample."""

    outputs: Tensor  # (..., batch, d_out)
    hidden: tuple[Tensor, ...]  # each hidden layer's activations, (..., batch, n)


class Network(Protocol):
    """What every network here can do: a pure function of (θ, x), or of (θ, z) for a generator."""

    sizes: tuple[int, ...]  # (d_in, ..., d_out)

    @property
    def size(self) -> int:
        """The number of parameters: theta is (..., size)."""
        return self.layout.size

    @property
    def layout(self) -> Layout:
        """Where each array lies in θ."""

    @property
    def weights(self) -> tuple[int, ...]:
        """Which of ``layout.shapes`` are matrices W of a product h W: biases (1, n) and gains are not."""

    @property
    def couples_samples(self) -> bool:
        """Whether, without a reference, the output of a row depends on the other rows of its batch."""

    @property
    def needs_reference(self) -> bool:
        """Whether ``run`` wants a reference, in training too."""

    def init(self, rng: Generator, method: str = "he", gain: float = 1.0, dtype: Any = "float32") -> HostArray:
        """A fresh θ of shape (size,)."""

    def run(self, theta: Any, x: Any, reference: Any = None) -> Run:
        """theta (..., size), x (..., batch, d_in), normalised or compared by the reference (..., m, d_in)."""

    def __call__(self, theta: Any, x: Any, reference: Any = None) -> Tensor:
        """The outputs of ``run``: (..., batch, d_out)."""
        return self.run(theta, x, reference).outputs


def checked_batch(x: Any, dim: int, name: str = "inputs") -> Tensor:
    """x as a tensor; ValueError, naming both shapes, if it is not (..., batch, dim)."""
    x = as_tensor(x)
    if x.ndim < 2 or x.shape[-1] != dim:
        raise ValueError(f"this network takes {name} of shape (..., batch, {dim}), got {x.shape}")
    return x
