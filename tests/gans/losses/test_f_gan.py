"""f-GAN: the best critic's estimate is the divergence, no critic's is more, in either form and in float32.

Exact expectations: P and Q have rational masses, and a batch repeats each atom as often.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import brentq

from minigan.autodiff import Tensor, grad, sigmoid
from minigan.gans.losses import LOSSES
from minigan.gans.losses.critic_output import scored
from minigan.gans.losses.f_gan import ACTIVATIONS, f_gan, usual
from minigan.theory.divergences import conjugate, divergence
from minigan.theory.family import (
    DIVERGENCES,
    GAN,
    HELLINGER,
    JS,
    KL,
    NEYMAN,
    REVERSE_KL,
    TOTAL_VARIATION,
    alpha,
    expm1,
    log,
    skew,
)
from minigan.theory.fdivergence import Form
from tests.batches import of_mass

P, Q = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.1, 0.3, 0.2, 0.4])
FORMS = [(row, how) for row in DIVERGENCES.values() for how in ACTIVATIONS if (row, how) != (TOTAL_VARIATION, "ratio")]
OWN = [(row, how) for row in (skew(0.3), alpha(2.5), alpha(0.3), alpha(1.0), alpha(0.0)) for how in ACTIVATIONS]
every_form = pytest.mark.parametrize(("row", "how"), FORMS, ids=lambda x: getattr(x, "name", x))
every_form_and_own = pytest.mark.parametrize(("row", "how"), FORMS + OWN, ids=lambda x: getattr(x, "name", x))


def best(row, how: str, p=P, q=Q) -> np.ndarray:
    """The v with T(v) = f′(p/q): log p/q, or the usual activation inverted."""
    if how == "ratio":
        return np.log(p / q)
    if row is TOTAL_VARIATION:
        return 40.0 * np.sign(p - q)
    return np.array([brentq(lambda v, t=t: row.activation(v) - t, -60, 60, xtol=1e-13) for t in row.f_prime(p / q)])


@pytest.mark.parametrize("row", DIVERGENCES.values(), ids=lambda row: row.name)
def test_each_row_of_the_family_has_both_forms_but_total_variation(row) -> None:
    assert set(row.forms) == ({"usual"} if row is TOTAL_VARIATION else {"usual", "ratio"}), (
        f"minigan/theory/family.py: give the row {row.name!r} its forms=, T(v) and f*(T(v)) written out in v, which "
        "composed of its other formulas would lose digits in float32")


@every_form
def test_each_form_is_the_rows_own_formulas(row, how: str) -> None:
    form, v = ACTIVATIONS[how](row), np.linspace(-5, 5, 41)
    T = row.activation(v) if how == "usual" else row.f_prime(np.exp(v))
    np.testing.assert_allclose(form.T(v), T, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(form.cost(v), row.conjugate(T), rtol=1e-10, atol=1e-10)
    low, high = row.domain
    assert ((form.T(v) > low) & (form.T(v) <= high)).all()
    if form.log_ratio is not None:
        reached = form.log_ratio(v) > -30  # below, the sup sits at u = 0, and T is under f′(0)
        u = np.exp(form.log_ratio(v[reached]))
        np.testing.assert_allclose(row.f_prime(u), T[reached], rtol=1e-8, atol=1e-8)


@every_form
def test_the_cost_is_the_conjugate_found_numerically(row, how: str) -> None:
    form, v = ACTIVATIONS[how](row), np.linspace(-3, 3, 9)
    np.testing.assert_allclose(form.cost(v), conjugate(row.f, form.T(v)), rtol=1e-6, atol=1e-7)


@every_form_and_own
def test_the_estimate_is_the_divergence_at_the_best_critic(row, how: str) -> None:
    loss, v = f_gan(row, how), best(row, how)
    real, fake = of_mass(v, P), of_mass(v, Q)
    found = loss.estimate(real, fake).item()
    assert found == pytest.approx(divergence(row, P, Q), rel=1e-10)
    assert loss.critic(scored(real.value), scored(fake.value)).item() == -found
    if loss.verdict:
        np.testing.assert_allclose(loss.verdict(Tensor(v)).value, P / (P + Q), rtol=1e-9)


@every_form_and_own
@given(scores=arrays(float, 4, elements=st.floats(-8, 8)))
def test_and_no_critic_says_more(row, how: str, scores: np.ndarray) -> None:
    found = f_gan(row, how).estimate(of_mass(scores, P), of_mass(scores, Q)).item()
    assert found <= divergence(row, P, Q) + 1e-12 * (1 + abs(found))


@every_form_and_own
def test_at_the_boundary_p_is_q(row, how: str) -> None:
    """T = f′(1): E T − E f*(T) = f′(1) − f*(f′(1)) = f(1) = 0 for P = Q, and nothing more is to be had."""
    loss = f_gan(row, how)
    s = Tensor(np.full((3, 1), loss.boundary))
    assert loss.estimate(s, s).item() == pytest.approx(0, abs=1e-12)
    slopes = [sum(g.value.sum() for g in grad(loss.estimate(x, y), [x, y]))
              for x, y in [(Tensor(s.value + h), Tensor(s.value + h)) for h in (-1e-4, 0.0, 1e-4)]]
    if row is not TOTAL_VARIATION:  # whose every T in [−½, ½] is as good
        assert slopes[0] > 0 > slopes[2] and abs(slopes[1]) < 1e-9


@every_form
def test_the_generators(row, how: str) -> None:
    rng = np.random.default_rng(0)
    real, fake = (scored(rng.normal(size=(6, 1))) for _ in range(2))
    T = row.activation(fake.scores.value) if how == "usual" else row.f_prime(np.exp(fake.scores.value))
    saturating = f_gan(row, how).generator(real, fake).item()
    assert saturating == pytest.approx(-np.mean(row.conjugate(T)), rel=1e-9)  # algorithm 1
    other = f_gan(row, how, non_saturating=True)
    assert other.generator(real, fake).item() == pytest.approx(-np.mean(T), rel=1e-9)  # section 3.2
    assert other.critic(real, fake).item() == f_gan(row, how).critic(real, fake).item()
    assert (grad(other.generator(real, fake), fake.scores).value < 0).all()


# Numbers
def assert_exact_in_float32(form: Form, largest: float = 29.0) -> None:
    """T, f*(T) and their slopes at |v| up to ``largest``: float32 agrees with float64, tiny slopes included."""
    v = np.linspace(-largest, largest, 59)
    for f in (form.T, form.cost):
        wide, narrow = Tensor(v), Tensor(v.astype("float32"))
        y = f(narrow)
        slope, exact = grad(y.sum(), narrow), grad(f(wide).sum(), wide).value
        assert y.dtype == slope.dtype == "float32"
        np.testing.assert_allclose(y.value, f(wide).value, rtol=2e-5, atol=2e-6)
        np.testing.assert_allclose(slope.value, exact, rtol=5e-5, atol=1e-30)


@every_form
def test_exact_in_float32(row, how: str) -> None:
    assert_exact_in_float32(ACTIVATIONS[how](row))


@every_form
def test_slopes_in_float64(row, how: str) -> None:
    """Against central differences, where these have digits."""
    form, v = ACTIVATIONS[how](row), np.linspace(-4, 4, 34)
    for f in (form.T, form.cost):
        x = Tensor(v)
        np.testing.assert_allclose(grad(f(x).sum(), x).value, (f(v + 1e-5) - f(v - 1e-5)) / 2e-5, rtol=1e-6, atol=1e-9)


def composed(row) -> Form:
    return Form(row.activation, lambda v: row.conjugate(row.activation(v)), None)


@pytest.mark.parametrize(("row", "largest"), [(NEYMAN, 29.0), (HELLINGER, 29.0), (alpha(0.5), 29.0), (GAN, 300.0)],
                         ids=lambda x: getattr(x, "name", x))
def test_the_formulas_composed_are_not(row, largest: float) -> None:
    """f*(T) of a rounded T, which is the end of dom f*, where f* or its slope is infinite."""
    assert_exact_in_float32(usual(row), largest)
    with np.errstate(all="ignore"), pytest.raises(AssertionError):
        assert_exact_in_float32(composed(row), largest)


# Questions that make no sense
def test_total_variation_has_no_ratio_form() -> None:
    with pytest.raises(ValueError, match="slope is 0"):
        f_gan(TOTAL_VARIATION, "ratio")


def test_an_unknown_activation() -> None:
    with pytest.raises(ValueError, match="did you mean 'ratio'"):
        f_gan(KL, "ration")


# Mistakes
def assert_estimates(row, loss) -> None:
    """The largest that the estimate becomes, Σᵢ max_v {pᵢ T(v) − qᵢ f*(T(v))}, is D_f."""
    v, zero = Tensor(np.linspace(-30, 30, 6001)[:, None, None]), Tensor(np.zeros((6001, 1, 1)))
    start = loss.estimate(zero, zero).value
    T, cost = loss.estimate(v, zero).value - start, start - loss.estimate(zero, v).value
    largest = start[0] + sum(np.max(p * T - q * cost) for p, q in zip(P, Q, strict=True))
    assert largest == pytest.approx(divergence(row, P, Q), rel=1e-4)


WRONG = {
    "f* of KL without its −1": (KL, replace(KL, forms={}, conjugate=lambda t: expm1(t) + 1.0)),
    "no activation where dom f* ends": (GAN, replace(GAN, forms={}, activation=lambda v: 1.0 * v)),
    "a sigmoid for every f": (KL, replace(KL, forms={}, activation=sigmoid)),
    "JS with its logs lost": (JS, replace(JS, forms={}, conjugate=lambda t: -log(-expm1(t)))),
    "real and fake swapped": (KL, REVERSE_KL),
}


@every_form
def test_ours_are_f_gans(row, how: str) -> None:
    assert_estimates(row, f_gan(row, how))


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_f_gan_is_rejected(mistake: str) -> None:
    row, wrong = WRONG[mistake]
    with np.errstate(all="ignore"), pytest.raises(AssertionError):
        assert_estimates(row, f_gan(wrong))


def test_the_rows_of_the_table() -> None:
    for name, row in DIVERGENCES.items():
        assert LOSSES[f"f-{name}"].estimates and LOSSES[f"f-{name}"].score == "score v(x)"
        assert name == "total-variation" or LOSSES[f"f-{name}-ratio"].estimates == LOSSES[f"f-{name}"].estimates
        assert row.bound > 0
