"""How data units are written on axes, whatever the numbers, and where to look.

    on the axis = (x − offset)/factor, both 0 and 1 unless ticks would be unreadable: 1.6e9 + x, 1e38, 1e-200
"""

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.lab.data import Data, column_names
from minigan.lab.reference import draw_reference
from minigan.lab.scaling import Scaling

SHOWN = 2_000  # data points in a panel
FAR = 1e3  # an offset is taken off numbers this many times as large as they differ
SMALL, LARGE = 1e-3, 1e6  # what is less, or more, is counted in a power of ten
FINE = 0.05  # so are coordinates that differ by less
LONGEST = 18  # letters of a column's name on an axis
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class View:
    """Of each column its name, and the offset and the factor of its axis."""

    scaling: Scaling
    names: list[str]
    offset: np.ndarray  # (d,)
    factor: np.ndarray  # (d,)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Points (n, d), in data units, as the axes have them."""
        return (to_host(x) - self.offset) / self.factor

    def of_net(self, y: np.ndarray, columns: Any = slice(None)) -> np.ndarray:
        """The same of what the networks see, (..., columns): no digit is lost between shift and offset."""
        moved = y * self._divisors[columns] + (self.scaling.shift - self.offset)[columns]
        return np.asarray(moved / self.factor[columns])

    def to_data(self, y: np.ndarray, columns: Any = slice(None)) -> np.ndarray:
        """The same in data units. Unlike ``Scaling.to_data`` it leaves a constant column's place."""
        return np.asarray(y * self._divisors[columns] + self.scaling.shift[columns])

    @property
    def _divisors(self) -> np.ndarray:
        return np.broadcast_to(self.scaling.divisor, self.scaling.shift.shape)

    def label(self, column: int) -> str:
        """x₁; x₁ − 1,600,000,000; x₁ / 10³⁸; (x₁ − 2e+40) / 10³⁸."""
        words = " ".join(self.names[column].split())
        name = words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"
        offset, factor = float(self.offset[column]), float(self.factor[column])
        moved = f"{name} − {offset:,.15g}".replace("− -", "+ ") if offset else name
        if factor == 1:
            return moved
        return f"{f'({moved})' if offset else moved} / {power_of_ten(factor)}"

    def name_axes(self, ax: Any, *columns: int) -> None:
        """The x axis after the first of the columns, and the y axis after a second; no letter is mathematics."""
        for axis, column in zip((ax.xaxis, ax.yaxis), columns, strict=False):
            axis.set_label_text(self.label(column), parse_math=False)

    def box(self, data: Data, samples: np.ndarray, columns: list[int]) -> np.ndarray:
        """Where to look, (columns, 2), as the networks see it: all data, and the samples but for 1 % on a side.

        A square there, so that a direction is what it looks like, whether the columns share a unit or not.
        """
        real, fake = (self.scaling.to_net(x)[:, columns] for x in (shown_data(data), to_host(samples)))
        low = np.minimum(real.min(axis=0), np.quantile(fake, 0.01, axis=0))
        high = np.maximum(real.max(axis=0), np.quantile(fake, 0.99, axis=0))
        half = 0.6 * (high - low).max() or 1.0 / self.scaling.length
        return np.asarray([(c - half, c + half) for c in (low + high) / 2])


def view_of(data: Data) -> View:
    """The view that suits the data."""
    real = shown_data(data)
    axes = np.array([offset_and_factor(*ends) for ends in zip(real.min(axis=0), real.max(axis=0), strict=True)])
    return View(data.scaling, column_names(data.names, data.dim), *axes.T)


def offset_and_factor(low: float, high: float) -> tuple[float, float]:
    """Such that ticks between low and high are short and differ: an offset of few digits, a power of ten."""
    apart, size = high - low, max(abs(low), abs(high))
    if apart == 0:
        return (low, 1.0) if size > FAR else (0.0, 1.0)
    step = 10.0 ** ceil(log10(apart))
    offset = round((low + high) / 2 / step) * step if size > FAR * apart else 0.0
    return offset, factor_of(apart, FINE)


def factor_of(size: float, small: float = SMALL) -> float:
    """The power of ten that numbers of this size are counted in; 1 for those that read well as they are."""
    return 1.0 if small <= size < LARGE else 10.0 ** floor(log10(size))


def power_of_ten(factor: float) -> str:
    return "10" + str(round(log10(factor))).translate(SUPERSCRIPTS)


def shown_data(data: Data, n: int = SHOWN) -> np.ndarray:
    """Data for the eye: always the same draw, of which no sample knows; of a table its rows, each once."""
    if data.table is not None:
        rows = data.table.values
        return np.random.default_rng(0).permutation(rows)[:n]
    return draw_reference(data, 0, n).real
