"""The family of f-divergences, a row each: f convex on (0, ∞) with f(1) = 0, for D_f(P‖Q) = ∫ q f(p/q).

What a row is stands in ``fdivergence.py``, what follows from any row in ``divergences.py``. In nats.
Checked by: D5–D9.

A ``Form`` is written out in v, for float32. exp(v) − 1 and not expm1(v): the slope is what a critic learns by, and
that of expm1, y + 1, has lost its digits where y is near −1. σ(v) as exp(−softplus(−v)), for the same reason.
"""

from math import copysign, inf
from math import log as ln
from math import log1p as ln1p
from typing import Any

import numpy as np

from minigan.arrays import Array, namespace
from minigan.registry import Registry
from minigan.theory.fdivergence import (
    FDivergence,
    Form,
    absolute,
    choose,
    exp,
    exp_excess,
    expm1,
    log,
    log1p,
    log_mix,
    maximum,
    minimum,
    minus,
    sign,
    softplus,
    sqrt,
    tangent_off,
    tanh,
)

__all__ = ["DIVERGENCES", "GAN", "HELLINGER", "JEFFREYS", "JS", "KL", "LE_CAM", "NEYMAN", "PEARSON", "REVERSE_KL",
           "TOTAL_VARIATION", "alpha", "skew"]

_FGAN = "Nowozin et al. (2016), tables 1, 2 and 6"


def _same(v: Any) -> Any:
    return 1.0 * v


def _both(form: Form) -> dict[str, Form]:
    """The forms of a row whose activation is f′(eᵛ) itself."""
    return {"usual": form, "ratio": form}


KL = FDivergence(
    name="kl", summary="u log u", source=_FGAN,
    f=lambda u: u * log(u),
    f_prime=lambda u: log(u) + 1.0,
    conjugate=lambda t: exp(t - 1.0),
    activation=lambda v: 1.0 * v,
    at_zero=0.0, slope=inf,
    integrand=lambda a, b: tangent_off(a, b, b - a),
    forms={"usual": Form(_same, lambda v: exp(v - 1.0), lambda v: v - 1.0),
           "ratio": Form(lambda v: v + 1.0, exp, _same)},
)
REVERSE_KL = FDivergence(
    name="reverse-kl", summary="−log u", source=_FGAN,
    f=lambda u: -log(u),
    f_prime=lambda u: -1.0 / u,
    conjugate=lambda t: -1.0 - log(-t),
    activation=lambda v: -exp(-v),
    at_zero=inf, slope=0.0,
    integrand=lambda a, b: KL.integrand(b, a),
    forms=_both(Form(lambda v: -exp(-v), lambda v: v - 1.0, _same)),
)
PEARSON: FDivergence = FDivergence(
    name="pearson", summary="(u − 1)²", source=f"{_FGAN}, whose f* lacks the second piece: −1 for t ≤ −2",
    f=lambda u: (u - 1.0) ** 2,
    f_prime=lambda u: 2.0 * (u - 1.0),
    conjugate=lambda t: maximum(t, -2.0) * (1.0 + 0.25 * maximum(t, -2.0)),
    activation=lambda v: 1.0 * v,
    at_zero=1.0, slope=inf,
    integrand=lambda a, b: minus(a - 0.5 * b, 0.5 * b) ** 2,
    forms={"usual": Form(_same, lambda v: PEARSON.conjugate(v), lambda v: log(maximum(1.0 + 0.5 * v, 1e-30))),
           "ratio": Form(lambda v: 2.0 * exp(v) - 2.0, lambda v: exp(2.0 * v) - 1.0, _same)},
)
NEYMAN = FDivergence(
    name="neyman", summary="(1 − u)²/u", source=_FGAN,
    f=lambda u: (1.0 - u) * (1.0 / u - 1.0),
    f_prime=lambda u: 1.0 - 1.0 / (u * u),
    conjugate=lambda t: 2.0 - 2.0 * sqrt(1.0 - t),
    activation=lambda v: 1.0 - exp(-v),
    at_zero=inf, slope=1.0, closed=True,
    integrand=lambda a, b: PEARSON.integrand(b, a),
    forms={"usual": Form(lambda v: 1.0 - exp(-v), lambda v: 2.0 - 2.0 * exp(-0.5 * v), lambda v: 0.5 * v),
           "ratio": Form(lambda v: 1.0 - exp(-2.0 * v), lambda v: 2.0 - 2.0 * exp(-v), _same)},
)
HELLINGER = FDivergence(
    name="squared-hellinger", summary="½ (√u − 1)²", source=f"{_FGAN}, there without the ½",
    f=lambda u: 0.5 * (sqrt(u) - 1.0) ** 2,
    f_prime=lambda u: 0.5 - 0.5 / sqrt(u),
    conjugate=lambda t: t / (1.0 - 2.0 * t),
    activation=lambda v: 0.5 - 0.5 * exp(-v),
    at_zero=0.5, slope=0.5,
    integrand=lambda a, b: 0.5 * minus(0.5 * a, 0.5 * b) ** 2,
    forms={"usual": Form(lambda v: 0.5 - 0.5 * exp(-v), lambda v: 0.5 * exp(v) - 0.5, lambda v: 2.0 * v),
           "ratio": Form(lambda v: 0.5 - 0.5 * exp(-0.5 * v), lambda v: 0.5 * exp(0.5 * v) - 0.5, _same)},
)
GAN = FDivergence(  # f′(p/q) = log D*, and f* is −log(1 − D) but for the constant
    name="gan", summary="u log u − (u + 1) log(u + 1) + 2 log 2", source=f"{_FGAN}, there without the constant",
    f=lambda u: 2 * ln(2) - u * log1p(1.0 / u) - log1p(u),  # no difference of two large logs
    f_prime=lambda u: -log1p(1.0 / u),
    conjugate=lambda t: -log(-expm1(t)) - 2 * ln(2),
    activation=lambda v: -softplus(-v),
    at_zero=2 * ln(2), slope=0.0,
    integrand=lambda a, b: 2.0 * JS.integrand(a, b),
    forms=_both(Form(lambda v: -softplus(-v), lambda v: softplus(v) - 2 * ln(2), _same)),
)


def skew(pi: float) -> FDivergence:
    """JS_π: π u log u − m log m, m = πu + 1 − π. JS_π(P‖Q) = π KL(P‖M) + (1 − π) KL(Q‖M), M = πP + (1 − π)Q.

    π is the weight of P: JS_½ = JS, and JS_π = the mutual information of a sample and which of the two it is from.
    ValueError unless 0 < π < 1. Source: Huszár (2015). Checked by: D15.
    """
    if not 0 < pi < 1:
        raise ValueError(f"the weight of P must be between 0 and 1, not {pi}")
    rho, log_rho = 1.0 - pi, ln1p(-pi)
    top = -pi * ln(pi)

    def integrand(a: Array, b: Array) -> Array:
        m = namespace(a).logaddexp(ln(pi) + a, log_rho + b)
        return (pi * tangent_off(a, m, log_mix(b - a, pi, rho))
                + rho * tangent_off(b, m, log_mix(a - b, rho, pi)))

    return FDivergence(
        name=f"js({pi:g})", summary="π u log u − m log m, m = πu + 1 − π", source="Huszár (2015)",
        f=lambda u: pi * u * log(u) - (1.0 + pi * (u - 1.0)) * log1p(pi * (u - 1.0)),
        f_prime=lambda u: -pi * log1p(rho * (1.0 / u - 1.0)),
        # 1 − π e^{t/π}, by expm1: at the end of the domain it is all rounding, and must not turn negative
        conjugate=lambda t: rho * (log_rho - log(-expm1(minimum(t / pi + ln(pi), -1e-17)))),
        activation=lambda v: top - pi * softplus(-v),
        at_zero=-rho * log_rho, slope=top,
        integrand=integrand,
    )


JS: FDivergence = FDivergence(**(vars(skew(0.5)) | {
    "name": "js", "summary": "½ [u log u − (u + 1) log((u + 1)/2)]", "source": f"{_FGAN}, there without the ½",
    "forms": _both(Form(
        lambda v: 0.5 * ln(2) - 0.5 * softplus(-v), lambda v: 0.5 * softplus(v) - 0.5 * ln(2), _same))}))


def _half_tanh(v: Any) -> Any:
    """½ tanh v = σ(2v) − ½."""
    return exp(-softplus(-2.0 * v)) - 0.5


TOTAL_VARIATION = FDivergence(
    name="total-variation", summary="½ |u − 1|", source=f"{_FGAN}; f* there lacks the second piece: −½ for t ≤ −½",
    f=lambda u: 0.5 * absolute(u - 1.0),
    f_prime=lambda u: 0.5 * sign(u - 1.0),
    conjugate=lambda t: maximum(t, -0.5),
    activation=lambda v: 0.5 * tanh(v),
    at_zero=0.5, slope=0.5, closed=True,
    integrand=lambda a, b: 0.5 * absolute(minus(a, b)),
    forms={"usual": Form(_half_tanh, _half_tanh, None)},
)


def _log_omega(z: Any) -> Any:
    """y with eʸ + y = z: eʸ is Lambert's W(eᶻ), Wright's ω(z), with no eᶻ to overflow.

    Newton's method, from the side where it is monotone; by operations alone, so that tensors can take it.
    """
    y = minimum(z, log(maximum(z, 1.0)))
    for _ in range(6):  # the start is within 0.4, and each step squares that
        y = y - (exp(y) + y - z) / (exp(y) + 1.0)
    return y


JEFFREYS: FDivergence = FDivergence(
    name="jeffreys", summary="(u − 1) log u", source=_FGAN,
    f=lambda u: (u - 1.0) * log(u),
    f_prime=lambda u: log(u) + 1.0 - 1.0 / u,
    # W + 1/W + t − 2, W = W(e^{1−t}) = 1/u: the table's, with W + log W = 1 − t put in so that nothing cancels
    conjugate=lambda t: expm1(-_log_omega(1.0 - t)) - _log_omega(1.0 - t),
    activation=lambda v: 1.0 * v,
    at_zero=inf, slope=inf,
    integrand=lambda a, b: minus(a, b) * (a - b),
    forms={"usual": Form(_same, lambda v: JEFFREYS.conjugate(v), lambda v: -_log_omega(1.0 - v)),
           "ratio": Form(lambda v: v + 1.0 - exp(-v), lambda v: v - 1.0 + exp(v), _same)},
)
LE_CAM = FDivergence(
    name="le-cam", summary="½ (u − 1)²/(u + 1)", source="Le Cam (1986); f* and activation: ours",
    f=lambda u: 0.5 * (u - 1.0) * (1.0 - 2.0 / (u + 1.0)),
    f_prime=lambda u: 0.5 - 2.0 / (u + 1.0) ** 2,
    conjugate=lambda t: 2.0 - maximum(t, -1.5) - 2.0 * sqrt(1.0 - 2.0 * maximum(t, -1.5)),
    activation=lambda v: 0.5 - 2.0 * exp(-2.0 * softplus(v)),  # f′(eᵛ)
    at_zero=0.5, slope=0.5, closed=True,
    integrand=lambda a, b: 0.5 * (exp(a) + exp(b)) * tanh(0.5 * (a - b)) ** 2,
    forms=_both(Form(  # ½ − 2σ(−v)² and 2σ(v)² − ½
        lambda v: 0.5 - 2.0 * exp(-2.0 * softplus(v)), lambda v: 2.0 * exp(-2.0 * softplus(-v)) - 0.5, _same)),
)


def _power(x: Any, k: float) -> Any:
    """(e^{kx} − 1)/k, and its limit x at k = 0: of x = log u, (uᵏ − 1)/k."""
    return expm1(k * x) / k if k else 1.0 * x


def _power_of_score(x: Any, k: float) -> Any:
    """``_power`` with the slope exact, e^{kx}, where kx may be far below 0."""
    return (exp(k * x) - 1.0) / k if abs(k) > 0.1 else _power(x, k)


def _log_softplus(v: Any) -> Any:
    """log log(1 + eᵛ), which is v where eᵛ is small, also where it underflows."""
    return minimum(v + 30.0, 0.0) + log(softplus(maximum(v, -30.0)))


def _excess(a: Array, x: Array, k: float, over: float) -> Array:
    """eᵃ (e^{kx} − 1)/(k over), though eᵃ underflow and e^{kx} overflow."""
    small = exp(a) * _power(minimum(k * x, 1.0) / k if k else x, k) / over
    scale = (k or 1.0) * over
    large = copysign(1.0, scale) * exp(a + k * x - ln(abs(scale))) - exp(a) / scale
    return namespace(a).where(k * x < 1.0, small, large)


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
        # near p = q: with x = log(q/p), e = 1 − α, or with P and Q in each other's place: e is at most ½
        mass, x, e = (log_p, -v, -k) if a >= 0.5 else (log_q, v, a)
        radius = 1.0 / max(1.0, -e)

        def near() -> Array:
            y = minimum(maximum(x, -radius), radius)
            return exp(mass) * (exp_excess(y) - (exp_excess(e * y) / e if e else 0.0)) / (1.0 - e)

        def far() -> Array:
            excess = _excess(log_p, v, k, a) if a >= 0.5 else _excess(log_q, v, a, k)
            return excess - (exp(log_p) - exp(log_q)) / (a if a >= 0.5 else k)

        return choose(abs(v) < radius, near, far)

    def conjugate(t: Any) -> Any:
        if not k:
            return expm1(t)
        # u = (1 + kt)^{1/k}, floored at 0 (at ε if α > 1: then the sup sits at u = 0, and so small a u is nearly
        # that, and has a derivative)
        floor = float(np.finfo(getattr(t, "dtype", float)).eps) if a > 1 else 0.0
        log_power = log1p(maximum(k * t, floor - 1.0))
        if k < 0:  # as t → −∞, where kt overflows, log(kt) = log 10¹⁵ + log(kt/10¹⁵)
            log_power = log1p(minimum(maximum(k * t, -1.0), 1e15)) + log(maximum(t / (1e15 / k), 1.0))
        return _power(log_power / k, a)

    def log_ratio(v: Any) -> Any:
        """log u of f′(u) = T: 1 + kT = uᵏ, which is (1 − α) softplus(−v) if α < 1."""
        if a >= 1:
            return log(maximum(1.0 + k * v, 1e-30)) / k if k else 1.0 * v
        return (ln(1.0 - a) + _log_softplus(-v)) / k

    activation = _same if a >= 1 else (lambda v: 1.0 / (1.0 - a) - softplus(-v))
    cost = conjugate if a >= 1 else (lambda v: _power_of_score(log_ratio(v), a))
    return FDivergence(
        name=f"alpha({a:g})", summary="(u^α − 1 − α(u − 1))/(α(α − 1))",
        source="Cichocki & Amari (2010); Nowozin et al. (2016), table 6",
        f=f, f_prime=lambda u: _power(log(u), k), conjugate=conjugate, activation=activation,
        at_zero=1 / a if a > 0 else inf, slope=1 / (1 - a) if a < 1 else inf, closed=a < 0, integrand=integrand,
        forms={"usual": Form(activation, cost, log_ratio),  # u f′(u) − f(u) = (u^α − 1)/α
               "ratio": Form(lambda v: _power_of_score(v, k), lambda v: _power_of_score(v, a), _same)},
    )


DIVERGENCES = Registry("divergence", {row.name: row for row in (
    KL, REVERSE_KL, PEARSON, NEYMAN, HELLINGER, GAN, JS, TOTAL_VARIATION, JEFFREYS, LE_CAM,
    alpha(-0.5), alpha(0.5), alpha(1.5), alpha(3.0))})
