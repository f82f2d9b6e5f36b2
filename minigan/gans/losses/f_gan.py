"""f-GAN: a critic of any f-divergence, D_f(P‖Q) = sup over T of E_P T − E_Q f*(T), and a generator that lowers it.

A network gives a raw score v, any real number, and T(v) must lie in dom f*. Two ways there:

    "usual"   T = the row's output activation, as in the paper's table
    "ratio"   T = f′(eᵛ), f*(T) = eᵛ f′(eᵛ) − f(eᵛ): v stands for log p/q, whatever f is

Composing the row's formulas would lose the digits of f*(T(v)) where T is within rounding of the end of dom f*, and
its slope there (1/(1 − 2T) at T = ½), so both are written out in v, row by row. In float32 every row is finite, slopes
included, for |v| ≤ 29 (e^{3v} of α = 3 overflows at 29.6), and the logistic ones (GAN, JS, Le Cam) for every v.
Source: Nowozin et al. (2016), sections 2.2–3.2. Checked by: D7, D8, D10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log as ln
from typing import Any

from minigan.autodiff import Tensor, sigmoid
from minigan.gans.losses.distance import distance_of
from minigan.gans.losses.loss import BATCH_AXES, Loss, of_scores
from minigan.registry import choose
from minigan.theory import family
from minigan.theory.family import FDivergence, Formula, exp, log, maximum, minimum, softplus


@dataclass(frozen=True)
class Form:
    """A raw score v as a critic of D_f."""

    T: Formula  # v -> T in dom f*
    cost: Formula  # v -> f*(T(v))
    log_ratio: Formula | None  # v -> the log p/q of which T = f′(p/q); None if T does not tell


def _same(v: Any) -> Any:
    return 1.0 * v


def _log_softplus(v: Any) -> Any:
    """log log(1 + eᵛ), which is v where eᵛ is small, also where it underflows."""
    return minimum(v + 30.0, 0.0) + log(softplus(maximum(v, -30.0)))


def _power(k: float) -> Form:
    """Of D_α, k = α − 1: f′(u) = (uᵏ − 1)/k and u f′(u) − f(u) = (u^α − 1)/α."""
    a = k + 1.0
    return Form(lambda v: (exp(k * v) - 1.0) / k, lambda v: (exp(a * v) - 1.0) / a, _same)


def _below(a: float) -> Form:
    """Of D_α, α < 1, T = 1/(1 − α) − softplus(−v): 1 + (α − 1) T = (1 − α) softplus(−v) = u^{α−1}."""
    def log_ratio(v: Any) -> Any:
        return (ln(1.0 - a) + _log_softplus(-v)) / (a - 1.0)

    return Form(lambda v: 1.0 / (1.0 - a) - softplus(-v), lambda v: (exp(a * log_ratio(v)) - 1.0) / a, log_ratio)


def _above(a: float) -> Form:
    """Of D_α, α > 1, T = v."""
    conjugate = family.alpha(a).conjugate
    return Form(_same, conjugate, lambda v: log(maximum(1.0 + (a - 1.0) * v, 1e-30)) / (a - 1.0))


def _half_tanh(v: Any) -> Any:
    """½ tanh v = σ(2v) − ½."""
    return exp(-softplus(-2.0 * v)) - 0.5


_ALPHAS = (-0.5, 0.5, 1.5, 3.0)  # those of DIVERGENCES
# exp(v) − 1 and not expm1(v): the slope is what a critic learns by, and that of expm1, y + 1, has lost its digits
# where y is near −1. σ(v) as exp(−softplus(−v)), for the same reason.
RATIO = {
    "kl": Form(lambda v: v + 1.0, exp, _same),
    "reverse-kl": Form(lambda v: -exp(-v), lambda v: v - 1.0, _same),
    "pearson": Form(lambda v: 2.0 * exp(v) - 2.0, lambda v: exp(2.0 * v) - 1.0, _same),
    "neyman": Form(lambda v: 1.0 - exp(-2.0 * v), lambda v: 2.0 - 2.0 * exp(-v), _same),
    "squared-hellinger": Form(lambda v: 0.5 - 0.5 * exp(-0.5 * v), lambda v: 0.5 * exp(0.5 * v) - 0.5, _same),
    "gan": Form(lambda v: -softplus(-v), lambda v: softplus(v) - 2 * ln(2), _same),
    "js": Form(lambda v: 0.5 * ln(2) - 0.5 * softplus(-v), lambda v: 0.5 * softplus(v) - 0.5 * ln(2), _same),
    "jeffreys": Form(lambda v: v + 1.0 - exp(-v), lambda v: v - 1.0 + exp(v), _same),
    "le-cam": Form(  # ½ − 2σ(−v)² and 2σ(v)² − ½
        lambda v: 0.5 - 2.0 * exp(-2.0 * softplus(v)), lambda v: 2.0 * exp(-2.0 * softplus(-v)) - 0.5, _same),
    **{family.alpha(a).name: _power(a - 1.0) for a in _ALPHAS},
}
USUAL = {
    # the activation is f′(eᵛ) itself
    **{name: RATIO[name] for name in ("reverse-kl", "gan", "js", "le-cam")},
    "kl": Form(_same, lambda v: exp(v - 1.0), lambda v: v - 1.0),
    "pearson": Form(_same, family.PEARSON.conjugate, lambda v: log(maximum(1.0 + 0.5 * v, 1e-30))),
    "neyman": Form(lambda v: 1.0 - exp(-v), lambda v: 2.0 - 2.0 * exp(-0.5 * v), lambda v: 0.5 * v),
    "squared-hellinger": Form(lambda v: 0.5 - 0.5 * exp(-v), lambda v: 0.5 * exp(v) - 0.5, lambda v: 2.0 * v),
    "total-variation": Form(_half_tanh, _half_tanh, None),
    "jeffreys": Form(_same, family.JEFFREYS.conjugate, lambda v: -family._log_omega(1.0 - v)),
    **{family.alpha(a).name: _below(a) if a < 1 else _above(a) for a in _ALPHAS},
}


def is_piecewise_linear(row: FDivergence) -> bool:
    """Whether f′ is a step function: it takes few values."""
    steps = range(-20, 21)
    return len({float(row.f_prime(2.0 ** (0.25 * k))) for k in steps}) < len(steps) // 2


def usual(row: FDivergence) -> Form:
    """T = the activation of the row. Of a row not in ``USUAL`` its own formulas, composed."""
    return USUAL.get(row.name) or Form(row.activation, lambda v: row.conjugate(row.activation(v)), None)


def ratio(row: FDivergence) -> Form:
    """T = f′(eᵛ). Of a row not in ``RATIO`` its own formulas, composed: fewer digits, and eᵛ must not overflow.

    ValueError for a piecewise linear f, such as total variation's with f′ = ±½: no critic can learn through it.
    """
    if is_piecewise_linear(row):
        raise ValueError(f"the f of {row.name} is piecewise linear: f′ is made of steps, its slope is 0, and no "
                         "critic can learn T = f′(eᵛ); use its usual activation")
    return RATIO.get(row.name) or Form(
        lambda v: row.f_prime(exp(v)), lambda v: exp(v) * row.f_prime(exp(v)) - row.f(exp(v)), _same)


ACTIVATIONS: dict[str, Callable[[FDivergence], Form]] = {"usual": usual, "ratio": ratio}


def f_gan(divergence: FDivergence, activation: str = "usual", non_saturating: bool = False) -> Loss:
    """The critic minimises −(E T(x) − E f*(T(G(z)))), the generator −E f*(T(G(z))), of D_f(data ‖ model).

    activation: "usual" or "ratio", see above. non_saturating: the generator maximises E T(G(z)) instead, which keeps
    its slope where the critic is sure of a fake. ValueError for an unknown activation.
    Source: Nowozin et al. (2016), eq. 6 and algorithm 1; section 3.2. Checked by: D10.
    """
    form = choose(activation, ACTIVATIONS, "activation")(divergence)

    def estimate(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
        """E T(x) − E f*(T(G(z))) ≤ D_f(data ‖ model)."""
        return form.T(real_scores).mean(BATCH_AXES) - form.cost(fake_scores).mean(BATCH_AXES)

    def critic(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
        return -estimate(real_scores, fake_scores)

    def generator(fake_scores: Tensor) -> Tensor:
        return -(form.T if non_saturating else form.cost)(fake_scores).mean(BATCH_AXES)

    log_ratio = form.log_ratio
    return Loss(
        *of_scores(critic, generator), estimate, distance_of(divergence),
        score="log-ratio v(x)" if activation == "ratio" else "score v(x)", boundary=_undecided(divergence, form),
        verdict=None if log_ratio is None else lambda v: sigmoid(log_ratio(v)),
    )


def _undecided(row: FDivergence, form: Form) -> float | None:
    """The v at which T = f′(1), by bisection (T increases); None if T does not get there."""
    target, low, high = float(row.f_prime(1.0)), -64.0, 64.0
    if not float(form.T(low)) <= target <= float(form.T(high)):
        return None
    for _ in range(100):
        middle = 0.5 * (low + high)
        value = float(form.T(middle))
        if value == target:
            return middle
        low, high = (middle, high) if value < target else (low, middle)
    return 0.5 * (low + high)
