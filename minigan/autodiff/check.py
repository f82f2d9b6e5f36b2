"""Numerical checks of any differentiable function, at orders 1 and 2, in random directions.

For a random direction v and cotangent u the two sides of

    ⟨u, d/dε f(x + εv) at 0⟩   =   ⟨∇ₓ⟨u, f(x)⟩, v⟩

are computed separately: the right one by ``grad``, the left one from values of f (``slopes.py``). Order 2 is the
same check of the function (x, u) ↦ ∇ₓ⟨u, f(x)⟩.

Every entry of every output counts alike, as u is in units of what was measured of it; and so does every coordinate
of x, as directions are in turn of one size and in proportion to x.

Source: Chainer's check_double_backward.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from types import ModuleType
from typing import Any, NamedTuple

from minigan.arrays import HOST, HostArray, as_array, is_array, namespace, to_host
from minigan.autodiff.grad import grad
from minigan.autodiff.primitive import NotAnalytic
from minigan.autodiff.slopes import FLOOR, Direction, Point, Slope, complex_step, differences, direction, listed
from minigan.autodiff.tensor import Tensor

LEAST = 1e-8  # of the largest: what is smaller counts in proportion, as it may be what rounding leaves of zero


class GradientError(AssertionError):
    """A derivative disagrees with its numerical value."""


class Sides(NamedTuple):
    """What is compared, in which units, and how far the measurement may be off; own: the units without the claim's."""

    claimed: float
    measured: float
    scale: float
    doubt: float
    own: float

    def agree(self, rtol: float) -> bool:
        return abs(self.claimed - self.measured) <= rtol * self.scale


def check(
    f: Callable[..., Any],
    xs: Sequence[Any],
    order: int = 2,
    *,
    analytic: bool = False,
    rtol: float = 1e-6,
    directions: int = 3,
    seed: int = 0,
) -> None:
    """Check the derivatives of f at the points xs, to the given order; raise GradientError if wrong.

    f: tensors to a tensor (or a list of them). xs: a list of arrays of the library to check; they are taken in
    float64, which the comparison needs, and compared on the host. analytic: f is complex-differentiable,
    so take the complex step; a form through |x| or max is not, and wants the default central differences, at a
    point away from its kinks. rtol: the allowed |difference| relative to ‖∇ₓ⟨u, f⟩ ∘ v‖; a slope of less than
    1e-10 of f's value is too small to be seen.

    Order 2 differentiates what ``grad`` said at order 1, so a path that ``stop_gradient`` cuts where its slope is 0,
    at a zero of x, is not seen: check at points without zeros.

    GradientError too if grad is not finite, if no difference settles (a kink, a singularity, noise), or if f is
    not as analytic as was said. TypeError or ValueError for points that are no finite real arrays, for an f that
    gives no tensors or is not finite there, for arguments with which nothing would be checked.
    """
    if order < 1 or directions < 1 or not 0 < rtol < 1:
        raise ValueError(f"check: order {order}, directions {directions} and rtol {rtol:g} would check nothing; "
                         "they are at least 1, at least 1, and between 0 and 1")
    xp, points = _points(xs)
    n = len(points)
    sizes: list[HostArray] = []
    with HOST.errstate(all="ignore"):  # what is not finite is reported below
        for k in range(1, order + 1):
            us, sizes = _check_order(Point(f, xp, points, sizes), n, k, analytic, rtol, directions, seed + k - 1)
            f, points = _derivative(f, len(points)), [*points, *us]


def _check_order(
    at: Point, n: int, order: int, analytic: bool, rtol: float, directions: int, seed: int
) -> tuple[list[HostArray], list[HostArray]]:
    """Compare the first derivatives of a function of n points and of cotangents.

    The cotangents with which to go on, and of what size the derivatives are that come then.
    """
    rng, says = HOST.random.default_rng(seed), f"derivative of order {order}: grad says"
    graph = at.graph(at.xs)
    values = [to_host(y.value) for y in graph[1]]
    if not _finite(*values):
        what = "f" if order == 1 else f"the derivative of order {order - 1}"
        raise ValueError(f"check: {what} is not finite at the point: there is nothing to compare")
    at = at._replace(sizes=at.sizes or [HOST.zeros(y.shape) for y in values])
    doubts = []
    for d in range(directions):
        v = direction(rng, at.xs, n, proportional=d % 2 == 1)
        us = [rng.standard_normal(y.shape) for y in values]
        slopes = _complex_step(at, v, values, order) if analytic else differences(at, v, values, 0.1 * rtol)
        if analytic and d == 0:
            _check_analytic(at, v, values, slopes, rtol, order)
        units = _units(values, slopes)
        us = [u / unit for u, unit in zip(us, units, strict=True)]
        sides = _sides(graph, us, slopes, v, says)
        if sides.agree(rtol) and sides.doubt <= rtol * sides.scale:
            doubts.append("")
            continue
        how = "the complex step" if analytic else f"the central difference with step {_steps(slopes)}{v.words}"
        found = f"{says} {sides.claimed:.9g}, {how} says {sides.measured:.9g}"
        if analytic or not _wavers(at, v, values, us, sides, rtol):
            raise GradientError(f"{found} (difference {abs(sides.claimed - sides.measured):.2g}, allowed {rtol:g} of "
                                f"{sides.scale:.3g}){_whose(graph, us, slopes, v, rtol)}")
        doubts.append(f"{found}, and with other steps something else: is the point at a kink or a singularity, "
                      "or f not smooth to rounding?")
    if all(doubts):
        raise GradientError(doubts[0])
    largest = max([float(unit.max()) for unit in units if unit.size], default=1.0)
    us = [u * largest for u in us]
    parts = [abs(u) * HOST.maximum(abs(y), size) for u, y, size in zip(us, values, at.sizes, strict=True)]
    whole = max([float(part.max()) for part in parts if part.size], default=0.0)
    return us, [whole / HOST.maximum(abs(x), 1.0) if k < n else whole / HOST.where(x == 0, 1.0, abs(x))
                for k, x in enumerate(at.xs)]


def _points(xs: Any) -> tuple[ModuleType, list[HostArray]]:
    if is_array(xs) or isinstance(xs, Tensor) or not hasattr(xs, "__iter__"):
        raise TypeError("check: xs is a list, of an array for each argument of f: check(f, [x])")
    given = [x.value if isinstance(x, Tensor) else as_array(x) for x in xs]
    if not given:
        raise ValueError("check: xs is empty: f has no argument")
    hosts = [to_host(x) for x in given]
    for k, x in enumerate(hosts):
        if x.dtype.kind not in "fiu":
            raise TypeError(f"check: xs[{k}] has dtype {x.dtype}, and a derivative is with respect to real numbers; "
                            "let f hold what else it needs")
        if not _finite(x):
            raise ValueError(f"check: xs[{k}] is not finite")
    return namespace(*given), [HOST.array(x, dtype=float) for x in hosts]


def _units(values: Sequence[HostArray], slopes: Sequence[Slope]) -> list[HostArray]:
    """What an entry of the outputs is measured in: its slope, where that is to be told apart from rounding."""
    largest = max([float(abs(x).max()) for x in (*values, *(s.value for s in slopes)) if x.size], default=0.0)
    units = [HOST.maximum(abs(s.value) + FLOOR * s.size, LEAST * largest) for s in slopes]
    return [HOST.where(unit > 1e-290, unit, 1.0) for unit in units]  # 1 over it is finite


def _sides(
    graph: tuple[list[Tensor], list[Tensor]], us: list[HostArray], slopes: list[Slope], v: Direction, says: str = ""
) -> Sides:
    tensors, ys = graph
    xp = namespace(*[t.value for t in tensors])
    gradients = [to_host(g.value) for g in grad(paired(ys, [xp.asarray(u) for u in us]), tensors)]
    for k, g in enumerate(gradients):
        if not _finite(g):
            raise GradientError(f"{says} {g[~HOST.isfinite(g)][0]} for an entry of argument {k}")
    terms = [g * direction for g, direction in zip(gradients, v.vs, strict=True)]
    measured, own, doubt = _measured(us, slopes)
    return Sides(_sum(terms), measured, max(_norm(terms), abs(measured), own), doubt, own)


def _measured(us: list[HostArray], slopes: list[Slope]) -> tuple[float, float, float]:
    """⟨u, slope⟩, the scale that it has by itself, and how far it may be off."""
    pairs = list(zip(us, slopes, strict=True))
    terms = [u * s.value for u, s in pairs]
    errors = [u * HOST.where(u == 0, 0.0, s.error) for u, s in pairs]  # 0 · ∞ is nan
    return _sum(terms), max(_norm(terms), FLOOR * _norm([u * s.size for u, s in pairs])), _norm(errors)


def _wavers(at: Point, v: Direction, values: list[HostArray], us: list[HostArray], sides: Sides, rtol: float) -> bool:
    """Whether a measurement that is not what grad says is not what it says itself with other steps."""
    again, own, doubt = _measured(us, _again(at, v, values, rtol))
    alike = abs(again - sides.measured) <= 0.1 * abs(sides.claimed - sides.measured)
    return not (sides.doubt <= rtol * sides.own and doubt <= rtol * own and alike)


def _whose(
    graph: tuple[list[Tensor], list[Tensor]], us: list[HostArray], slopes: list[Slope], v: Direction, rtol: float
) -> str:
    """Which of several outputs are wrong by themselves."""
    alone = [[u if j == k else HOST.zeros(u.shape) for j, u in enumerate(us)] for k in range(len(us))]
    wrong = [str(k) for k, part in enumerate(alone) if not _sides(graph, part, slopes, v).agree(rtol)]
    return f", in output {', '.join(wrong)} of {len(us)}" if len(us) > 1 and wrong else ""


def _steps(slopes: list[Slope]) -> str:
    steps = HOST.concatenate([slope.step.ravel() for slope in slopes])
    return " to ".join(dict.fromkeys(f"{h:.0e}" for h in (steps.min(), steps.max()))) if steps.size else "0"


def _complex_step(at: Point, v: Direction, values: Sequence[HostArray], order: int) -> list[Slope]:
    try:
        return complex_step(at, v, values)
    except NotAnalytic as error:
        raise GradientError(f"derivative of order {order}: the complex step fails: {error}; leave analytic=True out"
                            ) from error


def _check_analytic(
    at: Point, v: Direction, values: list[HostArray], slopes: list[Slope], rtol: float, order: int
) -> None:
    """Central differences, where they know, agree with the complex step of an analytic function, to a few digits."""
    for k, (z, x) in enumerate(zip(slopes, differences(at, v, values, 0.1 * rtol), strict=True)):
        apart = abs(z.value - x.value)
        unit = HOST.maximum(abs(x.value), FLOOR * x.size)
        wrong = (x.error <= rtol * unit) & (apart > 1e-3 * unit) & (x.step > _least_step(at, v))
        if wrong.any():
            wrong &= abs(_again(at, v, values, rtol)[k].value - x.value) < 0.1 * apart
        if wrong.any():
            raise GradientError(
                f"derivative of order {order}: the complex step says {z.value[wrong][0]:.9g} and the "
                f"central difference {x.value[wrong][0]:.9g}: f is not analytic (|x|, max, a mask); "
                "leave analytic=True out"
            )


def _least_step(at: Point, v: Direction) -> float:
    """Below which some coordinate of x would not move as it should."""
    ratios = [float((abs(x) / abs(w)).max()) for x, w in zip(at.xs, v.vs, strict=True) if x.size]
    return 1e-12 * max(ratios, default=0.0)


def _again(at: Point, v: Direction, values: list[HostArray], rtol: float) -> list[Slope]:
    return differences(at, v._replace(steps=[0.7 * h for h in v.steps]), values, 0.1 * rtol)


def _derivative(f: Callable[..., Any], n: int) -> Callable[..., list[Tensor]]:
    """The function (x, u) ↦ ∇ₓ⟨u, f(x)⟩, whose derivative is the second derivative of f."""
    return lambda *args: grad(paired(listed(f(*args[:n])), args[n:]), list(args[:n]))


def paired(ys: Sequence[Tensor], us: Sequence[Any]) -> Tensor:
    """Σ ⟨u, y⟩ over the outputs."""
    return reduce(add, [(y * u).sum() for y, u in zip(ys, us, strict=True)])


def _finite(*xs: HostArray) -> bool:
    return all(HOST.isfinite(x).all() for x in xs)


def _sum(xs: Sequence[HostArray]) -> float:
    return float(sum(x.sum() for x in xs))


def _norm(xs: Sequence[HostArray]) -> float:
    return float(HOST.sqrt(sum(HOST.linalg.norm(x.ravel()) ** 2 for x in xs)))
