"""How fast f changes along a direction, from values of f alone: d/dε f(x + εv) at 0, entry by entry.

By the complex step Im f(x + iεv)/ε, exact to rounding for analytic f; or by central differences, each entry with a
step of its own, of which the two halves say themselves that it is good: 1e-4 for most, far less beside a
singularity. Steps are powers of two and directions have few digits, so that x ± hv is exact.

Source: Squire & Trapp (1998) for the complex step; Ridders (1982) for the choice of a step.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from types import ModuleType
from typing import Any, NamedTuple

from minigan.arrays import HOST, PRECISION, HostArray, finfo, to_host
from minigan.autodiff.tensor import Tensor

FLOOR = 1e-4  # of f's value: a smaller slope is compared with that, as differences see it through rounding
STEP = 2.0**-13  # the first that is tried, in units of the point
NEXT = [8.0**-k for k in (*range(11), -1, -2)]  # and the next, in units of the first


class Direction(NamedTuple):
    """x + εv: an array for each argument; the ε to try, their unit, and what to call it."""

    vs: list[HostArray]
    steps: list[float]
    unit: float
    words: str = ""


class Slope(NamedTuple):
    """Of one output, entry by entry: its slope, how far that may be off, the size of the values, the step."""

    value: HostArray
    error: HostArray
    size: HostArray
    step: HostArray


class Point(NamedTuple):
    """A function, and where it is looked at: arrays on the host, which it gets as tensors of the library xp.

    sizes: of its outputs, entry by entry, what they are made of: their rounding may be that of larger numbers.
    """

    f: Callable[..., Any]
    xp: ModuleType
    xs: list[HostArray]
    sizes: list[HostArray]

    def graph(self, xs: Sequence[HostArray]) -> tuple[list[Tensor], list[Tensor]]:
        """The arguments, and the outputs computed of them."""
        tensors = [Tensor(self.xp.asarray(x)) for x in xs]
        ys = listed(self.f(*tensors))
        if not ys:
            raise TypeError("check: f gives an empty list")
        for y in ys:
            if not isinstance(y, Tensor) or PRECISION.get(y.dtype) != HOST.dtype(float):
                found = f"one of dtype {y.dtype}" if isinstance(y, Tensor) else type(y).__name__
                raise TypeError(f"check: f gives a tensor in float64, as its points are, or a list, got {found}")
        return tensors, ys

    def along(self, direction: Direction, step: complex) -> list[HostArray]:
        """The values at x + step·v: nan, maybe, beyond the edge of where f is defined."""
        xs = [x + step * v for x, v in zip(self.xs, direction.vs, strict=True)]
        return [to_host(y.value) for y in self.graph(xs)[1]]


def listed(ys: Any) -> list[Any]:
    """The outputs of a function, of which most have one and ``split`` has several."""
    return list(ys) if isinstance(ys, list | tuple) else [ys]


def direction(rng: Any, points: Sequence[HostArray], n: int, proportional: bool) -> Direction:
    """v ~ N(0, I), or that times |x|: then each coordinate counts, be it as small as it may.

    What follows the first n points are cotangents, in which f is linear: always in proportion.
    """
    sizes = HOST.concatenate([abs(x[x != 0]) for x in points[:n]])
    size, smallest = [float(_power_of_two(x)) for x in (HOST.median(sizes), sizes.min())] if sizes.size else [1.0, 1.0]
    vs = []
    for k, x in enumerate(points):
        v = HOST.rint(128 * rng.standard_normal(x.shape)) / 128
        v = HOST.where(v == 0, 1 / 128, v)
        lengths = _power_of_two(HOST.where(x == 0, size if k < n else 1.0, abs(x)))
        vs.append(v * lengths if proportional or k >= n else v)
    if proportional:
        return Direction(vs, [STEP * s for s in NEXT], 1.0, " of |x|")
    unit = max(size, 1.0)
    return Direction(vs, [STEP * unit * s for s in NEXT] + [STEP * min(smallest, 1.0) * s for s in (1.0, 1 / 8)], unit)


def _power_of_two(x: Any) -> Any:
    return HOST.exp2(HOST.floor(HOST.log2(x)))


def complex_step(at: Point, direction: Direction, values: Sequence[HostArray]) -> list[Slope]:
    smallest = min([1.0, *(float(abs(x[x != 0]).min()) for x in at.xs if x.any())])
    h = 1e-20 * max(smallest, 1e-200)
    return [Slope(HOST.imag(z) / h, HOST.zeros(y.shape), HOST.maximum(abs(y), size), HOST.full(y.shape, h))
            for z, y, size in zip(at.along(direction, h * 1j), values, at.sizes, strict=True)]


def differences(at: Point, direction: Direction, values: Sequence[HostArray], enough: float) -> list[Slope]:
    """Two central differences, extrapolated: error O(h⁴) + O(ulp/h) (Richardson), for each entry at the best h.

    enough: the relative error with which no further step is tried. Two steps that disagree have it not. Where none
    has (x³ at 0) it is relative to the chord of the longest step.
    """
    length = direction.unit
    best: list[Slope] = []
    least: list[Slope] = []
    before: list[Slope] = []
    for h in direction.steps:
        latest = _difference(at, direction, values, h)
        found = [a._replace(error=a.error + abs(a.value - b.value))
                 for a, b in zip(latest, before or latest, strict=True)]
        before = latest
        best = [_chosen((_doubt(a, length) > enough) & (_doubt(b, length) < _doubt(a, length)), b, a)
                for a, b in zip(best or found, found, strict=True)]
        least = [_chosen(b.error < a.error, b, a) for a, b in zip(least or found, found, strict=True)]
        if all((_doubt(slope, length) <= enough).all() for slope in best):
            return best
    chords = _chords(at, direction, values)
    least = [slope._replace(size=HOST.maximum(slope.size, chord / FLOOR))
             for slope, chord in zip(least, chords, strict=True)]
    return [_chosen((_doubt(a, length) > enough) & (_doubt(b, length) <= enough)
                    & (abs(b.value - a.value) <= 10 * a.error), b, a) for a, b in zip(best, least, strict=True)]


def _chosen(where: HostArray, a: Slope, b: Slope) -> Slope:
    return Slope(*(HOST.where(where, x, y) for x, y in zip(a, b, strict=True)))


def _chords(at: Point, direction: Direction, values: Sequence[HostArray]) -> list[HostArray]:
    """|f(x ± hv) − f(x)|/h, the smaller of the two, by the longest step."""
    h = max(direction.steps)
    both = [[abs(near - y) / h for near, y in zip(at.along(direction, step), values, strict=True)] for step in (h, -h)]
    return [HOST.nan_to_num(HOST.fmin(a, b), posinf=0.0) for a, b in zip(*both, strict=True)]


def _difference(at: Point, direction: Direction, values: Sequence[HostArray], h: float) -> list[Slope]:
    ends = zip(*(at.along(direction, step) for step in (h, -h, h / 2, -h / 2)), strict=True)
    slopes = []
    for y, least, (a, b, c, d) in zip(values, at.sizes, ends, strict=True):
        coarse, fine = (a - b) / (2 * h), (c - d) / h
        value, size = (4 * fine - coarse) / 3, reduce(HOST.maximum, map(abs, (a, b, c, d, y)), least)
        rounding = 2 * finfo(y.dtype).eps * size
        error = abs(value - fine) + rounding / h
        bend, half = a - 2 * y + b, c - 2 * y + d  # h²f″ and a quarter of it, or the ends do not belong to x
        lost = ~HOST.isfinite(error) | (abs(bend - 4 * half) > 1.5 * abs(bend) + 16 * rounding)
        slopes.append(Slope(HOST.where(lost, 0.0, value), HOST.where(lost, HOST.inf, error),
                            HOST.where(lost, HOST.maximum(abs(y), least), size), HOST.full(y.shape, h)))
    return slopes


def _doubt(slope: Slope, length: float) -> HostArray:
    """The error, relative to the slope, or to what rounding leaves of it."""
    unit = HOST.maximum(abs(slope.value), FLOOR * slope.size / length)
    relative = slope.error / HOST.where(unit > 0, unit, 1.0)
    return HOST.where(unit > 0, relative, HOST.where(slope.error > 0, HOST.inf, 0.0))
