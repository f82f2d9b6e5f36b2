"""Numerical checks of any differentiable function, at orders 1 and 2, in random directions.

For a random direction v and cotangent u the two sides of

    d/dε ⟨u, f(x + εv)⟩ at 0   =   ⟨∇ₓ⟨u, f(x)⟩, v⟩

are computed separately: the right one by ``grad``, the left one by the complex step
Im f(x + iεv)/ε (exact to rounding, for analytic f) or by central differences. Order 2
is the same check of the function (x, u) ↦ ∇ₓ⟨u, f(x)⟩.

Source: Squire & Trapp (1998) for the complex step; Chainer's check_double_backward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    points = [HOST.array(to_host(x), dtype=float) for x in given]
    _check(f, namespace(*given), points, order, analytic, rtol, directions, seed)


def _check(f: Callable, xp: ModuleType, points: list[HostArray], order: int, analytic: bool, rtol: float,
           directions: int, seed: int) -> None:
    rng = HOST.random.default_rng(seed)
    for _ in range(directions):
        vs = [rng.standard_normal(x.shape) for x in points]
        ys = _outputs(f, xp, points)
        us = [rng.standard_normal(y.shape) for y in ys]
        gradients = grad_of(f, xp, points, us)
        claimed = sum(float((g * v).sum()) for g, v in zip(gradients, vs, strict=True))
        measured = _directional(f, xp, points, vs, us, analytic)
        # all three in the units of f: a derivative of 1e-20 is checked as strictly as one of 1
        scale = max(_norms(gradients, vs), abs(measured), 1e-4 * _norms(us, ys))
        error = abs(claimed - measured)
        if not error <= rtol * scale:
            raise GradientError(
                f"derivative of order {getattr(f, 'order', 1)}: grad says {claimed:.9g}, the "
                f"{'complex step' if analytic else 'central difference'} says {measured:.9g} "
                f"(difference {error:.2g}, allowed {rtol:g} of {scale:.3g})"
            )
    if order > 1:
        us = [rng.standard_normal(y.shape) for y in _outputs(f, xp, points)]
        _check(_Derivative(f, len(points)), xp, [*points, *us], order - 1, analytic, rtol, directions, seed + 1)


def _norms(xs: Sequence[HostArray], ys: Sequence[HostArray]) -> float:
    return float(sum(HOST.linalg.norm(x) * HOST.linalg.norm(y) for x, y in zip(xs, ys, strict=True)))


class _Derivative:
    """The function (x, u) ↦ ∇ₓ⟨u, f(x)⟩, whose derivative is the second derivative of f."""

    def __init__(self, f: Callable, n: int):
        self.f, self.n, self.order = f, n, getattr(f, "order", 1) + 1

    def __call__(self, *args: Tensor) -> list[Tensor]:
        xs, us = list(args[: self.n]), args[self.n :]
        return grad(_paired(self.f(*xs), us), xs)


def _paired(ys: Any, us: Sequence[Any]) -> Tensor:
    """Σ ⟨u, y⟩ over the outputs."""
    ys = list(ys) if isinstance(ys, list | tuple) else [ys]
    total = (ys[0] * us[0]).sum()
    for y, u in zip(ys[1:], us[1:], strict=True):
        total = total + (y * u).sum()
    return total


def _outputs(f: Callable, xp: ModuleType, points: Sequence[HostArray]) -> list[HostArray]:
    ys = f(*[Tensor(xp.asarray(x)) for x in points])
    return [to_host(y.value) for y in (ys if isinstance(ys, list | tuple) else [ys])]


def grad_of(f: Callable, xp: ModuleType, points: Sequence[HostArray], us: Sequence[HostArray]) -> list[HostArray]:
    """∇ₓ⟨u, f(x)⟩, computed by the library xp, as arrays on the host."""
    xs = [Tensor(xp.asarray(x)) for x in points]
    return [to_host(g.value) for g in grad(_paired(f(*xs), [xp.asarray(u) for u in us]), xs)]


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
