"""One flat vector θ for a whole network, and the layers as views into it.

θ ← θ − η∇θ is one line, clipping is one line, a checkpoint is one array, whatever the depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

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
