"""Integrals over the line: against closed forms, QUADPACK and by hand; singularities, tails, widths, bad input."""

from math import inf, log, pi, sqrt

import numpy as np
import pytest
from hypothesis import given
from scipy import integrate, special, stats

from minigan.testing.strategies import gaussians
from minigan.theory import fits, optimal, quadrature
from minigan.theory.divergences import (
    DIVERGENCES,
    HELLINGER,
    JS,
    KL,
    NEYMAN,
    PEARSON,
    REVERSE_KL,
    TOTAL_VARIATION,
    alpha,
    divergence_between,
    variational_bound_between,
)
from tests.theory.exact import every_row

pytestmark = pytest.mark.filterwarnings("ignore:(divide by zero|invalid value):RuntimeWarning")


def normal(mu, sigma):
    return stats.norm(mu, sigma).logpdf


def uniform(x):
    return np.where((x >= 0) & (x <= 1), 0.0, -inf)


def arcsine(x):
    return -log(pi) - 0.5 * np.log(x) - 0.5 * np.log1p(-x)


def power(s, pole=0.0, low=0.0, high=1.0):
    """|x − pole|^s on (low, high), normalised."""
    mass = ((high - pole) ** (s + 1) + (pole - low) ** (s + 1)) / (s + 1)
    return lambda x: s * np.log(np.abs(x - pole)) - log(mass)


def beta(a, b, low=0.0, width=1.0):
    """Of the distances to both ends, which a float has to all digits."""
    def log_density(x):
        near, far = (x - low) / width, (low + width - x) / width
        return special.xlogy(a - 1, near) + special.xlogy(b - 1, far) - special.betaln(a, b) - log(width)

    return log_density


def beta_alpha(al, a, b, c, d):
    """D_α of Beta(a, b) and Beta(c, d), by ∫p^α q^{1−α} = B(·, ·)/(B(a, b)^α B(c, d)^{1−α})."""
    A, B = al * a + (1 - al) * c, al * b + (1 - al) * d
    if A <= 0 or B <= 0:
        return inf
    exponent = special.betaln(A, B) - al * special.betaln(a, b) - (1 - al) * special.betaln(c, d)
    return np.expm1(exponent) / (al * (al - 1))


def beta_kl(a, b, c, d):
    return (special.betaln(c, d) - special.betaln(a, b) + (a - c) * special.digamma(a) + (b - d) * special.digamma(b)
            + (c - a + d - b) * special.digamma(a + b))


@given(gaussians(), gaussians())
def test_gaussians_from_1e_3_to_1e3_agree_with_their_closed_forms(first, second):
    (m1, s1), (m2, s2) = first, second
    with np.errstate(over="ignore"):
        for row, a, factor in [(KL, 1, 1), (REVERSE_KL, 0, 1), (HELLINGER, 0.5, 0.25), (alpha(0.3), 0.3, 1)]:
            closed = factor * fits.alpha_gaussians(a, m1, s1, m2, s2)
            value = divergence_between(row, lambda x: -0.5 * ((x - m1) / s1) ** 2 - log(s1 * sqrt(2 * np.pi)),
                                       lambda x: -0.5 * ((x - m2) / s2) ** 2 - log(s2 * sqrt(2 * np.pi)))
            assert value == pytest.approx(closed, rel=1e-8, abs=1e-12)


@every_row
def test_densities_agree_with_quadpack(row):
    log_p, log_q = stats.norm(0, 1).logpdf, stats.logistic(0.5, 0.8).logpdf  # q has the heavier tails

    def integrand(x):
        return np.exp(log_q(x)) * row.f(np.exp(log_p(x) - log_q(x)))

    value = divergence_between(row, log_p, log_q)
    if np.isinf(value):  # p²/q is integrable, q²/p is not
        assert row in (NEYMAN, DIVERGENCES["alpha(-0.5)"])
    else:
        expected = integrate.quad(integrand, -35, 35, points=[-2.0, -1.0, 0, 1.0, 2.0], limit=200, epsabs=1e-12)[0]
        assert value == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("row", "log_p", "log_q", "expected"), [
    (KL, normal(0, 1), stats.cauchy().logpdf, 0.2592445324888622),  # ½ log(π/2) − ½ + E log(1 + x²)
    (KL, stats.cauchy().logpdf, normal(0, 1), inf),
    (KL, stats.uniform(0, 1).logpdf, stats.uniform(0, 2).logpdf, log(2)),
    (KL, stats.uniform(0, 2).logpdf, stats.uniform(0, 1).logpdf, inf),
    (TOTAL_VARIATION, stats.uniform(0, 1).logpdf, stats.uniform(0.25, 1).logpdf, 0.25),
    (JS, stats.uniform(0, 1).logpdf, stats.uniform(1, 1).logpdf, log(2)),
    (KL, stats.expon().logpdf, stats.expon(0, 0.5).logpdf, 1 - log(2)),
    (TOTAL_VARIATION, normal(0, 1), normal(1, 1), 2 * stats.norm.cdf(0.5) - 1),
    (PEARSON, normal(0, sqrt(2)), normal(0, 1), inf),
    (PEARSON, normal(0, 1.4), normal(0, 1), 2 * fits.alpha_gaussians(2, 0, 1.4, 0, 1)),
])
def test_densities_by_hand(row, log_p, log_q, expected):
    with np.errstate(divide="ignore"):
        assert divergence_between(row, log_p, log_q) == pytest.approx(expected, rel=1e-9)


def test_a_density_may_be_singular_at_the_end_of_its_interval():
    beta, parabola = stats.beta(0.5, 0.5).logpdf, stats.beta(2, 2).logpdf
    exact = special.betaln(2, 2) - special.betaln(0.5, 0.5) - 1.5 * 2 * (special.digamma(0.5) - special.digamma(1))
    assert divergence_between(KL, beta, parabola, 0, 1) == pytest.approx(exact, abs=1e-5)


def test_a_hidden_peak_is_an_error_until_it_is_named():
    log_p = fits.mixture_log_density([0.0, 300.0], [1.0, 1e-3])
    with pytest.raises(ValueError, match=r"integrates to 0\.5.* name its peaks"):
        divergence_between(KL, log_p, normal(0, 100))
    value = divergence_between(KL, log_p, normal(0, 100), points=(300.0,))
    parts = [log(0.5) + fits.kl_gaussians(m, s, 0, 100) for m, s in ((0, 1), (300, 1e-3))]
    assert value == pytest.approx(sum(parts) / 2, rel=1e-9)


@pytest.mark.parametrize(("options", "message"), [
    ({"log_p": lambda x: -x * x}, "integrates to 1.77245"),
    ({"log_p": lambda x: np.full_like(x, np.nan)}, "nan at x"),
    ({"log_p": lambda x: 0.0}, "must have that shape"),
    ({"low": 1.0, "high": 1.0}, "is empty"),
    ({"low": 0.0, "high": 1.0, "points": (2.0,)}, r"\[2.0\] are not in"),
    ({"points": (inf,)}, "are not in"),
])
def test_densities_that_are_none_are_refused(options, message):
    arguments = {"log_p": normal(0, 1), "log_q": normal(0, 1)} | options
    with pytest.raises(ValueError, match=message):
        divergence_between(KL, **arguments)


def test_quadrature_finds_kinks_jumps_and_infinities():
    def g(x):
        return np.stack([np.abs(x - 0.3), np.where(x > 0.7, 1.0, 0.0), np.where(x > 0.99, inf, 1.0), np.log(x)])

    np.testing.assert_allclose(quadrature.integrate(g, np.array([0.0, 1.0])), [0.29, 0.3, inf, -1], rtol=1e-9)
    with pytest.raises(ValueError, match=r"in doubt .* has a pole near x = 0"):
        quadrature.integrate(lambda x: 1 / x[None], np.array([0.0, 1.0]))
    assert quadrature.integrate(lambda x: np.where(x > 0.5, inf, -inf)[None], np.array([0.0, 1.0]))[0] == -inf
    with pytest.raises(ValueError, match="nan"):
        quadrature.integrate(lambda x: np.full((1, len(x)), np.nan), np.array([0.0, 1.0]))


# Singularities: infinite or not, at ends, within, at infinity


@pytest.mark.parametrize(("row", "log_p", "log_q", "low", "high"), [
    (PEARSON, stats.expon.logpdf, stats.gamma(2).logpdf, 0, inf),  # e⁻ˣ/x
    (PEARSON, lambda x: -x, lambda x: np.log(x) - x, 0, inf),
    (PEARSON, uniform, power(1), 0, 1),
    (NEYMAN, power(1), uniform, 0, 1),
    (PEARSON, arcsine, uniform, 0, 1),
    (alpha(3), power(-0.5), uniform, 0, 1),
    (PEARSON, power(-0.5), uniform, 0, 1),  # 1/x, but for a constant
    (PEARSON, beta(1, 0.5, 5, 2), beta(1, 1, 5, 2), 5, 7),  # at 7
    (KL, uniform, lambda x: -1 / x - log(0.14849550677592205), 0, 1),
    (PEARSON, lambda x: 0 * x - log(2), power(2, 0, -1, 1), -1, 1),  # within, and not named
    (PEARSON, uniform, power(2, 0.3), 0, 1),
    (PEARSON, uniform, power(1, 0.3), 0, 1),
    (PEARSON, power(-0.5, 0.3), uniform, 0, 1),
    (alpha(3), power(-0.5, 0.7), uniform, 0, 1),
    (PEARSON, uniform, lambda x: np.log(2 * np.sin(50 * pi * x) ** 2), 0, 1),  # fifty of them
    (PEARSON, lambda x: -2 * np.log(x), lambda x: log(2) - 3 * np.log(x), 1, inf),  # 1/x
    (KL, stats.cauchy.logpdf, stats.norm.logpdf, -inf, inf),
    (alpha(-1), stats.norm.logpdf, stats.cauchy.logpdf, -inf, inf),
])
def test_infinite_is_infinite(row, log_p, log_q, low, high):
    assert divergence_between(row, log_p, log_q, low, high) == inf


@pytest.mark.parametrize(("row", "log_p", "log_q", "low", "high", "expected"), [
    (KL, arcsine, uniform, 0, 1, log(4 / pi)),
    (REVERSE_KL, arcsine, uniform, 0, 1, log(pi) - 1),
    (HELLINGER, arcsine, uniform, 0, 1, beta_alpha(0.5, 0.5, 0.5, 1, 1) / 4),
    (alpha(1.5), power(-0.5), uniform, 0, 1, (0.5**1.5 * 4 - 1) / 0.75),
    (KL, beta(0.5, 0.5, 5, 1), beta(1, 1, 5, 1), 5, 6, log(4 / pi)),
    (KL, lambda x: -log(pi) - 0.5 * np.log(1 - x * x), lambda x: 0 * x - log(2), -1, 1, log(4 / pi)),  # rounded there
    (KL, uniform, power(2, 0.3), 0, 1,
     -log(3 / (0.7**3 + 0.3**3)) - 2 * (0.7 * (log(0.7) - 1) + 0.3 * (log(0.3) - 1))),
    (alpha(1.5), power(-0.5, 0.3), uniform, 0, 1,
     ((2 * sqrt(0.7) + 2 * sqrt(0.3)) ** -1.5 * 4 * (0.7**0.25 + 0.3**0.25) - 1) / 0.75),
    (KL, lambda x: np.log(-np.log(x)), uniform, 0, 1, 1 - np.euler_gamma),
    (KL, power(-0.98), uniform, 0, 1, log(0.02) + 0.98 / 0.02),
    (KL, lambda x: log(0.02) - 0.98 * np.log1p(-x), uniform, 0, 1, log(0.02) + 0.98 / 0.02),
    (KL, stats.expon.logpdf, stats.gamma(2).logpdf, 0, inf, np.euler_gamma),
    (KL, lambda x: log(0.05) - 1.05 * np.log(x), lambda x: -2 * np.log(x), 1, inf, log(0.05) + 19),  # heavy tails
    (PEARSON, lambda x: log(2) - 3 * np.log(x), lambda x: -2 * np.log(x), 1, inf, 1 / 3),
    (KL, normal(0, 1e-55), normal(0, 2e-55), -inf, inf, log(2) - 3 / 8),
    (KL, normal(0, 1e58), normal(0, 2e58), -inf, inf, log(2) - 3 / 8),
    (KL, normal(0, 1e-30), normal(0, 1e20), -inf, inf, 50 * log(10) - 0.5),
    (TOTAL_VARIATION, stats.norm.logpdf, stats.uniform(-1, 2).logpdf, -inf, inf,
     stats.norm.sf(1) + integrate.quad(lambda x: abs(stats.norm.pdf(x) - 0.5), 0, 1)[0]),  # jumps that are not named
])
def test_finite_is_found_to_nearly_all_digits(row, log_p, log_q, low, high, expected):
    assert divergence_between(row, log_p, log_q, low, high) == pytest.approx(expected, rel=2e-11)


@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.slow("more seeds")) for s in range(1, 20))])
def test_beta_laws_of_any_ends(seed):
    rng = np.random.default_rng(seed)
    for _ in range(15):
        a, b, c, d = 10 ** rng.uniform(-0.7, 0.8, 4)  # terms up to |x − c|^−0.8, −0.95 for the powers
        al, low, width = rng.choice([-0.5, 0.5, 1.5]), rng.choice([0, 1, -7.25]), rng.choice([0.5, 2, 1e-3])
        laws = beta(a, b, low, width), beta(c, d, low, width)
        found = divergence_between(KL, *laws, low, low + width)
        assert found == pytest.approx(beta_kl(a, b, c, d), rel=2e-8), (a, b, c, d, low, width)
        expected = beta_alpha(al, a, b, c, d)
        ends = al * np.array([a, b]) + (1 - al) * np.array([c, d])
        if abs(ends).min() > 0.1:
            found = divergence_between(alpha(al), *laws, low, low + width)
            assert found == pytest.approx(expected, rel=2e-8), (al, a, b, c, d, low, width)


def test_what_no_octave_tells_is_refused():
    def slow(x):  # p²/q = 1/(x log²(e²/x)) converges, as 1/k; 1/(x log(e²/x)) does not
        return -0.5 * np.log(x) - np.log(2 - np.log(x)) - log(mass)

    mass = integrate.quad(lambda s: np.exp(-s / 2) / (2 + s), 0, inf)[0]
    with pytest.raises(ValueError, match=r"whether and to what the integral converges near x = .* is not to be told"):
        divergence_between(PEARSON, slow, uniform, 0, 1)
    mass = integrate.quad(lambda s: np.exp(-s / 2) / np.sqrt(2 + s), 0, inf)[0]
    with pytest.raises(ValueError, match="is not to be told"):
        divergence_between(PEARSON, lambda x: slow(x) + 0.5 * np.log(2 - np.log(x)), uniform, 0, 1)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="too rough"):
        variational_bound_between(JS, lambda x: -rng.random(x.shape), uniform, uniform, 0, 1)


@pytest.mark.parametrize(("row", "shift", "expected", "rel"), [
    (KL, 1e-9, 5e-19, 1e-6), (KL, 1e-6, 5e-13, 1e-9), (JS, 1e-6, 1.25e-13, 1e-9), (HELLINGER, 1e-6, 1.25e-13, 1e-9),
    (PEARSON, 1e-6, 1e-12, 1e-9), (TOTAL_VARIATION, 1e-6, 1e-6 / sqrt(2 * pi), 1e-9),
])
def test_tiny_values_are_right_to_the_rounding_of_the_log_densities(row, shift, expected, rel):
    assert divergence_between(row, normal(0, 1), normal(shift, 1)) == pytest.approx(expected, rel=rel, abs=0)


def test_other_integrals_over_singular_densities():
    bound = variational_bound_between(KL, lambda x: 1 + arcsine(x), arcsine, uniform, 0, 1)
    assert bound == pytest.approx(log(4 / pi), rel=1e-11)
    value = optimal.optimal_value_between(arcsine, uniform, 0, 1)
    assert value == pytest.approx(2 * divergence_between(JS, arcsine, uniform, 0, 1) - 2 * log(2), rel=1e-11)
    assert fits.fit_forward_kl(arcsine, 0, 1) == pytest.approx((0.5, sqrt(1 / 8)), rel=1e-11)
    assert fits.fit_forward_kl(stats.t(2.05).logpdf)[1] == pytest.approx(sqrt(2.05 / 0.05), rel=1e-11)
    with pytest.raises(ValueError, match="no finite variance"):
        fits.fit_forward_kl(stats.t(2).logpdf)


def test_a_density_may_be_nan_at_its_very_end():
    assert divergence_between(KL, lambda x: 0 * np.log(x) - x, stats.gamma(2).logpdf, 0, inf) == pytest.approx(
        np.euler_gamma, rel=1e-11)  # 0 · log 0


def test_ends_and_points_of_any_type():
    assert divergence_between(KL, arcsine, uniform, np.int64(0), np.float32(1)) == pytest.approx(log(4 / pi), rel=1e-11)
    assert divergence_between(PEARSON, uniform, power(2, 0.25), 0, 1, points=(np.float32(0.25),)) == inf
