"""A Gaussian as a generator: x = μ + L z, an explicit model whose density is known."""

from dataclasses import dataclass
from functools import cached_property
from math import log, pi
from typing import Any, ClassVar

from minigan.arrays import Generator, HostArray
from minigan.autodiff import Tensor, concat, exp, split
from minigan.nets.params import Layout, Network, Run, checked_batch


@dataclass(frozen=True)
class Gaussian(Network):
    """N(μ, L Lᵀ) on R^dim, L lower triangular with diagonal e^ℓ > 0: every Gaussian with a density, once.

    θ = (μ, ℓ, the rows of L left of the diagonal), of size dim (dim + 3)/2. ``model(theta, z)``:
    theta (..., size), z (..., batch, dim) from N(0, I) → x of z's shape. Rows do not mix.
    """

    dim: int
    couples_samples: ClassVar[bool] = False
    needs_reference: ClassVar[bool] = False
    weights: ClassVar[tuple[int, ...]] = ()

    def __post_init__(self) -> None:
        if self.dim < 1:
            raise ValueError(f"a Gaussian has one dimension or more, not {self.dim}")

    sizes = property(lambda model: (model.dim, model.dim))

    @cached_property
    def layout(self) -> Layout:
        """μ, ℓ, then Lᵢⱼ for j < i, a column for each row i = 2, ..., dim."""
        return Layout(((1, self.dim), (1, self.dim), *[(i, 1) for i in range(1, self.dim)]))

    def init(self, rng: Generator, method: str = "he", gain: float = 1.0, dtype: Any = "float32") -> HostArray:
        """A fresh θ of shape (size,): μ ~ N(0, gain²/4), ℓ near −1, the rest near 0. No layer for a method to scale.

        Off the centre, and narrower than data of deviation 1: from N(0, I) the reverse KL to two modes finds the
        stationary point between them, and locks onto neither.
        """
        start = 0.1 * gain * rng.standard_normal(self.size)
        start[: self.dim] *= 5.0
        start[self.dim : 2 * self.dim] -= 1.0
        return start.astype(dtype)

    def run(self, theta: Any, z: Any, reference: Any = None) -> Run:
        """xᵢ = μᵢ + e^ℓᵢ zᵢ + Σ_{j<i} Lᵢⱼ zⱼ."""
        z = checked_batch(z, self.dim)
        mean, log_diagonal, *rows = self.layout.views(theta)
        first, *rest = split(mean + exp(log_diagonal) * z, sizes=(1,) * self.dim)
        sums = [x + z[..., :i] @ row for i, (x, row) in enumerate(zip(rest, rows, strict=True), 1)]
        return Run(concat([first, *sums]), ())

    def log_density(self, theta: Any, x: Any) -> Tensor:
        """log q(x) = −½‖z‖² − Σ ℓᵢ − (dim/2) log 2π in nats, z = L⁻¹(x − μ) by forward substitution.

        theta (..., size), x (..., batch, dim) → (..., batch).
        """
        x = checked_batch(x, self.dim)
        mean, log_diagonal, *rows = self.layout.views(theta)
        pieces = (1,) * self.dim
        d, scale = split(x - mean, sizes=pieces), split(exp(-log_diagonal), sizes=pieces)
        z = d[0] * scale[0]
        for i, row in enumerate(rows, 1):
            z = concat([z, (d[i] - z @ row) * scale[i]])
        return -0.5 * (z * z).sum(-1) - log_diagonal.sum(-1) - 0.5 * self.dim * log(2.0 * pi)
