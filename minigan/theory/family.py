"""The family of f-divergences, a row each: f convex on (0, ∞) with f(1) = 0, for D_f(P‖Q) = ∫ q f(p/q).

Beside f stand its slope f′, its conjugate f*(t) = sup_{u ≥ 0} {ut − f(u)}, and how a critic's raw score v is
mapped into dom f*. They take arrays of any library and tensors alike, so that a loss can be made of them; what
follows from any row is in ``divergences.py``. In nats. Checked by: D5–D9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from math import log as ln
from typing import Any

import numpy as np

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

    @property
    def domain(self) -> tuple[float, float]:
        """dom f* = (−∞, f′(∞)), the right end included if ``closed``."""
        return -inf, self.slope

    @property
    def bound(self) -> float:
        """sup D_f = f(0) + f′(∞), attained by disjoint supports. Source: Liese & Vajda (2006), theorem 5."""
        return self.at_zero + self.slope


def perspective(f: Formula) -> Callable[[Array, Array], Array]:
    """q f(p/q) of log p and log q: an ``integrand`` for an f of your own with f′(1) = 0, as long as p/q is finite."""
    return lambda a, b: exp(b) * f(exp(a - b))


_FGAN = "Nowozin et al. (2016), tables 1, 2 and 6"

KL = FDivergence(
    name="kl", summary="u log u", source=_FGAN,
    f=lambda u: u * log(u),
    f_prime=lambda u: log(u) + 1.0,
    conjugate=lambda t: exp(t - 1.0),
    activation=lambda v: 1.0 * v,
    at_zero=0.0, slope=inf,
    integrand=lambda a, b: exp(a) * (a - b) - exp(a) + exp(b),
)
REVERSE_KL = FDivergence(
    name="reverse-kl", summary="−log u", source=_FGAN,
    f=lambda u: -log(u),
    f_prime=lambda u: -1.0 / u,
    conjugate=lambda t: -1.0 - log(-t),
    activation=lambda v: -exp(-v),
    at_zero=inf, slope=0.0,
    integrand=lambda a, b: KL.integrand(b, a),
)
PEARSON = FDivergence(
    name="pearson", summary="(u − 1)²", source=f"{_FGAN}, whose f* lacks the second piece: −1 for t ≤ −2",
    f=lambda u: (u - 1.0) ** 2,
    f_prime=lambda u: 2.0 * (u - 1.0),
    conjugate=lambda t: maximum(t, -2.0) * (1.0 + 0.25 * maximum(t, -2.0)),
    activation=lambda v: 1.0 * v,
    at_zero=1.0, slope=inf,
    integrand=lambda a, b: (exp(a - 0.5 * b) - exp(0.5 * b)) ** 2,
)
NEYMAN = FDivergence(
    name="neyman", summary="(1 − u)²/u", source=_FGAN,
    f=lambda u: (1.0 - u) * (1.0 / u - 1.0),
    f_prime=lambda u: 1.0 - 1.0 / (u * u),
    conjugate=lambda t: 2.0 - 2.0 * sqrt(1.0 - t),
    activation=lambda v: 1.0 - exp(-v),
    at_zero=inf, slope=1.0, closed=True,
    integrand=lambda a, b: PEARSON.integrand(b, a),
)
HELLINGER = FDivergence(
    name="squared-hellinger", summary="½ (√u − 1)²", source=f"{_FGAN}, there without the ½",
    f=lambda u: 0.5 * (sqrt(u) - 1.0) ** 2,
    f_prime=lambda u: 0.5 - 0.5 / sqrt(u),
    conjugate=lambda t: t / (1.0 - 2.0 * t),
    activation=lambda v: 0.5 - 0.5 * exp(-v),
    at_zero=0.5, slope=0.5,
    integrand=lambda a, b: 0.5 * (exp(0.5 * a) - exp(0.5 * b)) ** 2,
)
GAN = FDivergence(  # f′(p/q) = log D*, and f* is −log(1 − D) but for the constant
    name="gan", summary="u log u − (u + 1) log(u + 1) + 2 log 2", source=f"{_FGAN}, there without the constant",
    f=lambda u: 2 * ln(2) - u * log1p(1.0 / u) - log1p(u),  # no difference of two large logs
    f_prime=lambda u: -log1p(1.0 / u),
    conjugate=lambda t: -log(-expm1(t)) - 2 * ln(2),
    activation=lambda v: -softplus(-v),
    at_zero=2 * ln(2), slope=0.0,
    integrand=lambda a, b: 2.0 * JS.integrand(a, b),
)


def skew(pi: float) -> FDivergence:
    """JS_π: π u log u − m log m, m = πu + 1 − π. JS_π(P‖Q) = π KL(P‖M) + (1 − π) KL(Q‖M), M = πP + (1 − π)Q.

    π is the weight of P: JS_½ = JS, and JS_π = the mutual information of a sample and which of the two it is from.
    ValueError unless 0 < π < 1. Source: Huszár (2015). Checked by: D15.
    """
    if not 0 < pi < 1:
        raise ValueError(f"the weight of P must be between 0 and 1, not {pi}")
    rho = 1.0 - pi
    top = -pi * ln(pi)
    return FDivergence(
        name=f"js({pi:g})", summary="π u log u − m log m, m = πu + 1 − π", source="Huszár (2015)",
        f=lambda u: pi * u * log(u) - (1.0 + pi * (u - 1.0)) * log1p(pi * (u - 1.0)),
        f_prime=lambda u: -pi * log1p(rho * (1.0 / u - 1.0)),
        # 1 − π e^{t/π}, by expm1: at the end of the domain it is all rounding, and must not turn negative
        conjugate=lambda t: rho * (ln(rho) - log(-expm1(minimum(t / pi + ln(pi), -1e-17)))),
        activation=lambda v: top - pi * softplus(-v),
        at_zero=-rho * ln(rho), slope=top,
        integrand=lambda a, b: -pi * exp(a) * namespace(a).logaddexp(0.0 * a + ln(pi), ln(rho) + b - a)
        - rho * exp(b) * namespace(a).logaddexp(0.0 * b + ln(rho), ln(pi) + a - b),
    )


JS: FDivergence = FDivergence(**(vars(skew(0.5)) | {
    "name": "js", "summary": "½ [u log u − (u + 1) log((u + 1)/2)]", "source": f"{_FGAN}, there without the ½"}))
TOTAL_VARIATION = FDivergence(
    name="total-variation", summary="½ |u − 1|", source=f"{_FGAN}; f* there lacks the second piece: −½ for t ≤ −½",
    f=lambda u: 0.5 * absolute(u - 1.0),
    f_prime=lambda u: 0.5 * sign(u - 1.0),
    conjugate=lambda t: maximum(t, -0.5),
    activation=lambda v: 0.5 * tanh(v),
    at_zero=0.5, slope=0.5, closed=True,
    integrand=lambda a, b: 0.5 * absolute(exp(a) - exp(b)),
)


def _log_omega(z: Any) -> Any:
    """y with eʸ + y = z: eʸ is Lambert's W(eᶻ), Wright's ω(z), with no eᶻ to overflow.

    Newton's method, from the side where it is monotone; by operations alone, so that tensors can take it.
    """
    y = minimum(z, log(maximum(z, 1.0)))
    for _ in range(6):  # the start is within 0.4, and each step squares that
        y = y - (exp(y) + y - z) / (exp(y) + 1.0)
    return y


JEFFREYS = FDivergence(
    name="jeffreys", summary="(u − 1) log u", source=_FGAN,
    f=lambda u: (u - 1.0) * log(u),
    f_prime=lambda u: log(u) + 1.0 - 1.0 / u,
    # W + 1/W + t − 2, W = W(e^{1−t}) = 1/u: the table's, with W + log W = 1 − t put in so that nothing cancels
    conjugate=lambda t: expm1(-_log_omega(1.0 - t)) - _log_omega(1.0 - t),
    activation=lambda v: 1.0 * v,
    at_zero=inf, slope=inf,
    integrand=lambda a, b: (exp(a) - exp(b)) * (a - b),
)
LE_CAM = FDivergence(
    name="le-cam", summary="½ (u − 1)²/(u + 1)", source="Le Cam (1986); f* and activation: ours",
    f=lambda u: 0.5 * (u - 1.0) * (1.0 - 2.0 / (u + 1.0)),
    f_prime=lambda u: 0.5 - 2.0 / (u + 1.0) ** 2,
    conjugate=lambda t: 2.0 - maximum(t, -1.5) - 2.0 * sqrt(1.0 - 2.0 * maximum(t, -1.5)),
    activation=lambda v: 0.5 - 2.0 * exp(-2.0 * softplus(v)),  # f′(eᵛ)
    at_zero=0.5, slope=0.5, closed=True,
    integrand=lambda a, b: 0.5 * (exp(a) + exp(b)) * tanh(0.5 * (a - b)) ** 2,
)


def _power(x: Any, k: float) -> Any:
    """(e^{kx} − 1)/k, and its limit x at k = 0: of x = log u, (uᵏ − 1)/k."""
    return expm1(k * x) / k if k else 1.0 * x


def _excess(a: Array, x: Array, k: float) -> Array:
    """eᵃ (e^{kx} − 1)/k, though eᵃ underflow and e^{kx} overflow."""
    small = exp(a) * _power(minimum(k * x, 1.0) / k if k else x, k)
    return namespace(a).where(k * x < 1.0, small, (exp(a + k * x) - exp(a)) / (k or 1.0))


def alpha(a: float) -> FDivergence:
    """D_α: (u^α − 1 − α(u − 1))/(α(α − 1)), and its limits u log u − (u − 1) at α = 1, −log u + (u − 1) at α = 0.

    α = 2: ½ Pearson, −1: ½ Neyman, ½: 4 H², 1 and 0: the two KLs. D_α(P‖Q) = D_{1−α}(Q‖P).
    Written with (uᵏ − 1)/k, which passes into log u, so that no digits are lost near the limits.
    Source: Cichocki & Amari (2010); Nowozin et al. (2016), table 6, activation.
    """
    if not abs(a) < inf:
        raise ValueError(f"alpha must be finite, not {a}")
    a = float(a) if abs(a) > 1e-30 else 0.0  # nearer, αx underflows, and the limit is the same to all digits
    k = a - 1.0

    def f(u: Any) -> Any:  # one formula twice: each form divides by what is not small
        return (u * _power(log(u), k) - (u - 1.0)) / a if a >= 0.5 else (_power(log(u), a) - (u - 1.0)) / k

    def integrand(log_p: Array, log_q: Array) -> Array:
        v = log_p - log_q
        excess = _excess(log_p, v, k) / a if a >= 0.5 else _excess(log_q, v, a) / k
        return excess - (exp(log_p) - exp(log_q)) / (a if a >= 0.5 else k)

    def conjugate(t: Any) -> Any:
        if not k:
            return expm1(t)
        # u = (1 + kt)^{1/k}, floored at 0 (at ε if α > 1: then the sup sits at u = 0, and so small a u is nearly
        # that, and has a derivative)
        floor = float(np.finfo(getattr(t, "dtype", float)).eps) if a > 1 else 0.0
        return _power(log1p(maximum(k * t, floor - 1.0)) / k, a)

    return FDivergence(
        name=f"alpha({a:g})", summary="(u^α − 1 − α(u − 1))/(α(α − 1))",
        source="Cichocki & Amari (2010); Nowozin et al. (2016), table 6",
        f=f, f_prime=lambda u: _power(log(u), k), conjugate=conjugate,
        activation=(lambda v: 1.0 * v) if a >= 1 else (lambda v: 1.0 / (1.0 - a) - softplus(-v)),
        at_zero=1 / a if a > 0 else inf, slope=1 / (1 - a) if a < 1 else inf, closed=a < 0, integrand=integrand,
    )


DIVERGENCES: dict[str, FDivergence] = {row.name: row for row in (
    KL, REVERSE_KL, PEARSON, NEYMAN, HELLINGER, GAN, JS, TOTAL_VARIATION, JEFFREYS, LE_CAM,
    alpha(-0.5), alpha(0.5), alpha(1.5), alpha(3.0))}
