"""Numerical checks of any differentiable function, at orders 1 and 2, in random directions.

For a random direction v and cotangent u the two sides of

    d/dε ⟨u, f(x + εv)⟩ at 0   =   ⟨∇ₓ⟨u, f(x)⟩, v⟩

are computed separately: the right one by ``grad``, the left one by the complex step
Im f(x + iεv)/ε (exact to rounding, for analytic f) or by central differences. Order 2
is the same check of the function (x, u) ↦ ∇ₓ⟨u, f(x)⟩.

Source: Squire & Trapp (1998) for the complex step; Chainer's check_double_backward.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from types import ModuleType
from typing import Any

from minigan.arrays import HOST, HostArray, as_array, namespace, to_host
from minigan.autodiff.grad import grad
from minigan.autodiff.tensor import Tensor


class GradientError(AssertionError):
    """A derivative disagrees with its numerical value."""


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

    f: tensors to a tensor (or a list of them). xs: arrays of the library to check; they are taken in
    float64, which the comparison needs, and compared on the host. analytic: f is complex-differentiable,
    so take the complex step; a form through |x| or max is silently wrong under it, and wants the default
    central differences, at a point away from its kinks. rtol: the allowed |difference| relative to
    |u||J||v| as seen.
    """
    given = [as_array(x) for x in xs]
    xp, points = namespace(*given), [HOST.array(to_host(x), dtype=float) for x in given]
    for k in range(max(order, 1)):
        rng = HOST.random.default_rng(seed + k)
        for _ in range(directions):
            vs = [rng.standard_normal(x.shape) for x in points]
            tensors = [Tensor(xp.asarray(x)) for x in points]
            ys = listed(f(*tensors))
            us = [rng.standard_normal(y.shape) for y in ys]
            gradients = [to_host(g.value) for g in grad(paired(ys, [xp.asarray(u) for u in us]), tensors)]
            claimed = sum(float((g * v).sum()) for g, v in zip(gradients, vs, strict=True))
            measured = _directional(f, xp, points, vs, us, analytic)
            # all three in the units of f: a derivative of 1e-20 is checked as strictly as one of 1
            scale = max(_norms(gradients, vs), abs(measured), 1e-4 * _norms(us, [to_host(y.value) for y in ys]))
            error = abs(claimed - measured)
            if not error <= rtol * scale:
                raise GradientError(
                    f"derivative of order {k + 1}: grad says {claimed:.9g}, the "
                    f"{'complex step' if analytic else 'central difference'} says {measured:.9g} "
                    f"(difference {error:.2g}, allowed {rtol:g} of {scale:.3g})"
                )
        us = [rng.standard_normal(y.shape) for y in _outputs(f, xp, points)]
        f, points = _derivative(f, len(points)), [*points, *us]


def _norms(xs: Sequence[HostArray], ys: Sequence[HostArray]) -> float:
    return float(sum(HOST.linalg.norm(x) * HOST.linalg.norm(y) for x, y in zip(xs, ys, strict=True)))


def _derivative(f: Callable[..., Any], n: int) -> Callable[..., list[Tensor]]:
    """The function (x, u) ↦ ∇ₓ⟨u, f(x)⟩, whose derivative is the second derivative of f."""
    return lambda *args: grad(paired(listed(f(*args[:n])), args[n:]), list(args[:n]))


def listed(ys: Any) -> list[Any]:
    """The outputs of a function, of which most have one and ``split`` has several."""
    return list(ys) if isinstance(ys, list | tuple) else [ys]


def paired(ys: Sequence[Tensor], us: Sequence[Any]) -> Tensor:
    """Σ ⟨u, y⟩ over the outputs."""
    return reduce(add, [(y * u).sum() for y, u in zip(ys, us, strict=True)])


def _outputs(f: Callable[..., Any], xp: ModuleType, points: Sequence[HostArray]) -> list[HostArray]:
    return [to_host(y.value) for y in listed(f(*[Tensor(xp.asarray(x)) for x in points]))]


def _directional(f: Callable, xp: ModuleType, points: Sequence, vs: Sequence, us: Sequence, analytic: bool) -> float:
    """d/dε Σ⟨u, f(x + εv)⟩ at ε = 0, from values of f alone."""

    def along(step: complex) -> complex:
        ys = _outputs(f, xp, [x + step * v for x, v in zip(points, vs, strict=True)])
        return sum((u * y).sum() for u, y in zip(us, ys, strict=True))

    if analytic:
        return float(HOST.imag(along(1e-30j)) / 1e-30)
    # Two central differences, extrapolated: error O(h⁴) + O(ulp/h) (Richardson)
    h = 1e-3
    coarse, fine = [(along(s) - along(-s)).real / (2 * s) for s in (h, h / 2)]
    return float((4 * fine - coarse) / 3)
