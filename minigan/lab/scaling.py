"""How data are centred and scaled for the networks, and in which unit a distance between them then is.

    what the networks see = (x − shift)/scale        x = scale · (what they give) + shift

Everything outside the networks is in data units, float64: there x + 1.6e9 keeps its digits. Distances are computed on
what the networks see, where neither 1e-200 nor 1e200 leaves the range of squares, and multiplied by ``length``.
"""

from dataclasses import dataclass

import numpy as np

LARGEST = 1e300  # samples far from the data, and differences, are numbers yet
SCALINGS = ("auto", "columns", "whole", "none")


@dataclass(frozen=True)
class Scaling:
    """A shift and a scale for each column; ``kind`` says whether the columns share one scale (see ``fit_scaling``).

    A constant column has scale 0, so that it comes back exactly.
    """

    kind: str
    shift: np.ndarray  # (d,)
    scale: np.ndarray  # (d,)

    @property
    def apart(self) -> bool:
        """Whether columns were scaled apart, so that no data unit is left in which a distance could be."""
        return self.kind == "columns" and len(self.shift) > 1

    @property
    def length(self) -> float:
        """The length 1 of the networks, in ``unit``."""
        return 1.0 if self.apart else float(self.scale.max()) or 1.0

    @property
    def unit(self) -> str:
        """Of distances and of slopes: where columns were scaled apart, the standard deviation of each."""
        return "standard deviations" if self.apart else "data units"

    def to_net(self, x: np.ndarray) -> np.ndarray:
        """What the networks see of x (..., d), in float64. Distances of points grow by 1/length."""
        return (x - self.shift) / self.divisor

    @property
    def divisor(self) -> np.ndarray | float:
        """``scale`` without its zeros, as a constant column has no spread; one number, if columns share it."""
        return np.where(self.scale > 0, self.scale, 1.0) if self.apart else self.length

    def to_data(self, y: np.ndarray) -> np.ndarray:
        """Back from what the networks give, (..., d), to data units, in float64."""
        return np.asarray(y, dtype=np.float64) * self.scale + self.shift


def fit_scaling(x: np.ndarray, kind: str) -> Scaling:
    """The scaling of points x (n, d), of any size.

    columns: shift their means and scale their standard deviations, each its own. whole: one scale for all, the root
    mean square deviation of a coordinate, which keeps the geometry. none: shift 0, scale 1. ValueError beyond LARGEST.
    """
    if not np.abs(x).max() < LARGEST:
        raise ValueError(f"the data reach to {np.abs(x).max():.3g}, where float64 ends: divide them by a power of ten")
    if kind == "none":
        return Scaling(kind, np.zeros(x.shape[1]), np.ones(x.shape[1]))
    exponent = np.frexp(np.abs(x).max(axis=0))[1]  # x/2ᵏ is at most 1 and exact, and so are its squares no overflow
    shift = np.ldexp(np.ldexp(x, -exponent).mean(axis=0), exponent)
    constant = (x == x[0]).all(axis=0)
    shift[constant] = x[0, constant]  # a mean is rounded
    spread = np.frexp(np.abs(x - shift).max(axis=0))[1]
    spread = spread if kind == "columns" else np.full_like(spread, spread.max())
    variance = (np.ldexp(x - shift, -spread) ** 2).mean(axis=0)
    if kind == "whole":
        variance[:] = variance.mean()
    return Scaling(kind, shift, np.where(constant, 0.0, np.ldexp(np.sqrt(variance), spread)))
