"""What an f-divergence is: a row of formulas, of f convex on (0, ∞) with f(1) = 0, for D_f(P‖Q) = ∫ q f(p/q).

Beside f stand its slope f′, its conjugate f*(t) = sup_{u ≥ 0} {ut − f(u)}, and how a critic's raw score v is
mapped into dom f*. They take arrays of any library and tensors alike, so that a loss can be made of them; the
elementwise functions here, ``exp`` and the others, do so.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from math import log as ln
from typing import Any

from minigan import autodiff
from minigan.arrays import Array, namespace
from minigan.autodiff import Tensor

Formula = Callable[[Any], Any]  # elementwise, of an array or a tensor


def _function(name: str) -> Callable[..., Any]:
    """The function of that name from wherever x comes: minigan.autodiff for a tensor, else its array library."""

    def call(x: Any, *others: Any) -> Any:
        return getattr(autodiff if isinstance(x, Tensor) else namespace(x), name)(x, *others)

    return call


absolute, exp, expm1, log, log1p, maximum, minimum, sign, sqrt, tanh = map(
    _function, ["absolute", "exp", "expm1", "log", "log1p", "maximum", "minimum", "sign", "sqrt", "tanh"])


def softplus(x: Any) -> Any:
    """log(1 + eˣ), without overflow."""
    return autodiff.softplus(x) if isinstance(x, Tensor) else namespace(x).logaddexp(x, 0.0)


# eˣ − 1 − x = x²/2 · (1 + x/3 · (1 + x/4 · (1 + ...))): to round-off for |x| < 0.1
_TERMS = range(11, 2, -1)


def exp_excess(x: Array) -> Array:
    """eˣ − 1 − x ≥ 0 of an array, to nearly all digits near 0 too: what convexity leaves of exp, its tangent off."""
    def series() -> Array:
        small, y = minimum(maximum(x, -0.1), 0.1), 1.0
        for n in _TERMS:
            y = 1.0 + small * (y * (1 / n))
        return 0.5 * small * small * y

    return choose(abs(x) < 0.1, series, lambda: expm1(x) - x)


def choose(near: Array, inside: Callable[[], Array], outside: Callable[[], Array]) -> Array:
    """Entry by entry the first where ``near``, else the second, which is not computed if no entry asks for it."""
    return inside() if bool(near.all()) else namespace(near).where(near, inside(), outside())


# What a row's integrand is made of, in a = log p and b = log q, so that near p = q no digits cancel and far from it
# nothing overflows
def minus(a: Array, b: Array) -> Array:
    """eᵃ − eᵇ."""
    return choose(a - b < 1.0, lambda: exp(b) * expm1(minimum(a - b, 1.0)), lambda: exp(a) - exp(b))


def tangent_off(a: Array, m: Array, w: Array) -> Array:
    """p log(p/m) − p + m = p (eʷ − 1 − w) of log p, log m and w = log(m/p)."""
    return choose(w < 1.0, lambda: exp(a) * exp_excess(minimum(w, 1.0)), lambda: exp(m) - exp(a) * (1.0 + w))


def log_mix(w: Array, rho: float, pi: float) -> Array:
    """log(ρ + π eʷ), ρ + π = 1."""
    return choose(abs(w) < 1.0, lambda: log1p(pi * expm1(minimum(maximum(w, -1.0), 1.0))),
                  lambda: namespace(w).logaddexp(0.0 * w + ln(rho), ln(pi) + w))


@dataclass(frozen=True)
class Form:
    """A raw score v, any real number, as a critic of D_f."""

    T: Formula  # v -> T in dom f*
    cost: Formula  # v -> f*(T(v))
    log_ratio: Formula | None  # v -> the log p/q of which T = f′(p/q); None if T does not tell


@dataclass(frozen=True, kw_only=True)
class FDivergence:
    """A row. f, f_prime: of u > 0 (their limits at 0 and ∞ stand beside them); conjugate: of t in dom f*."""

    name: str
    summary: str  # f in one line
    f: Formula
    f_prime: Formula  # f′; at a kink, one of the subgradients
    conjugate: Formula  # f*, second piece included: where t ≤ f′(0) the sup sits at u = 0 and f*(t) = −f(0)
    activation: Formula  # increasing, from any real v into dom f*. So is v ↦ f′(eᵛ), for every row
    at_zero: float  # f(0) = lim f(u), u → 0: what an atom with p = 0 < q costs, per unit of q
    slope: float  # f′(∞) = lim f(u)/u: what an atom with q = 0 < p costs, per unit of p
    closed: bool = False  # whether f*(f′(∞)) is finite: dom f* is t ≤ f′(∞), else t < f′(∞)
    # D's own formula: q f(p/q) − f′(1)(p − q) ≥ 0 of log p and log q, where p/q itself may overflow
    integrand: Callable[[Array, Array], Array]
    source: str
    # "usual": T = the activation; "ratio": T = f′(eᵛ). What is left out is composed of the formulas above: a row with
    # one of them replaced has to leave out both
    forms: dict[str, Form] = field(default_factory=dict)

    @property
    def domain(self) -> tuple[float, float]:
        """dom f* = (−∞, f′(∞)), the right end included if ``closed``."""
        return -inf, self.slope

    @property
    def bound(self) -> float:
        """sup D_f = f(0) + f′(∞), attained by disjoint supports. Source: Liese & Vajda (2006), theorem 5."""
        return self.at_zero + self.slope


def perspective(f: Formula) -> Callable[[Array, Array], Array]:
    """q f(p/q) of log p and log q: an ``integrand`` for an f of your own with f′(1) = 0.

    OverflowError where p and q are positive and f(p/q) is beyond what a float holds, though q f(p/q) may not be.
    """
    def integrand(a: Array, b: Array) -> Array:
        xp = namespace(a)
        y = f(exp(a - b))
        if bool(((a > -inf) & (b > -inf) & ~xp.isfinite(y)).any()):
            raise OverflowError(f"f(p/q) overflows, at log(p/q) from {float((a - b).min()):.4g} to "
                                f"{float((a - b).max()):.4g}: write the integrand in log p and log q instead")
        return exp(b) * y

    return integrand
