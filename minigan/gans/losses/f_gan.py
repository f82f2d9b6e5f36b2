"""f-GAN: a critic of any f-divergence, D_f(P‖Q) = sup over T of E_P T − E_Q f*(T), and a generator that lowers it.

A network gives a raw score v, any real number, and T(v) must lie in dom f*. Two ways there:

    "usual"   T = the row's output activation, as in the paper's table
    "ratio"   T = f′(eᵛ), f*(T) = eᵛ f′(eᵛ) − f(eᵛ): v stands for log p/q, whatever f is

Composing the row's formulas would lose the digits of f*(T(v)) where T is within rounding of the end of dom f*, and
its slope there (1/(1 − 2T) at T = ½), so both are written out in v in the row's ``forms``. In float32 every row is
finite, slopes included, for |v| ≤ 29 (e^{3v} of α = 3 overflows at 29.6), and the logistic ones (GAN, JS, Le Cam)
for every v.
Source: Nowozin et al. (2016), sections 2.2–3.2. Checked by: D7, D8, D10.
"""

from collections.abc import Callable

from minigan.autodiff import Tensor, sigmoid
from minigan.gans.losses.distance import distance_of
from minigan.gans.losses.loss import BATCH_AXES, Loss, of_scores
from minigan.registry import choose
from minigan.theory.fdivergence import FDivergence, Form, exp


def is_piecewise_linear(row: FDivergence) -> bool:
    """Whether f′ is a step function: it takes few values."""
    steps = range(-20, 21)
    return len({float(row.f_prime(2.0 ** (0.25 * k))) for k in steps}) < len(steps) // 2


def usual(row: FDivergence) -> Form:
    """T = the activation of the row. Of a row without that form its other formulas, composed."""
    return row.forms.get("usual") or Form(row.activation, lambda v: row.conjugate(row.activation(v)), None)


def ratio(row: FDivergence) -> Form:
    """T = f′(eᵛ). Of a row without that form its other formulas, composed: fewer digits, eᵛ must not overflow.

    ValueError for a piecewise linear f, such as total variation's with f′ = ±½: no critic can learn through it.
    """
    if is_piecewise_linear(row):
        raise ValueError(f"the f of {row.name} is piecewise linear: f′ is made of steps, its slope is 0, and no "
                         "critic can learn T = f′(eᵛ); use its usual activation")
    return row.forms.get("ratio") or Form(
        lambda v: row.f_prime(exp(v)), lambda v: exp(v) * row.f_prime(exp(v)) - row.f(exp(v)), lambda v: 1.0 * v)


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

    lowered, log_ratio = form.T if non_saturating else form.cost, form.log_ratio
    return Loss(
        *of_scores(lambda real, fake: -estimate(real, fake), lambda fake: -lowered(fake).mean(BATCH_AXES)),
        estimate, distance_of(divergence),
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
