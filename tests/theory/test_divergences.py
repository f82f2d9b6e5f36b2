"""The family and what follows from any row, against scipy, decimals and by hand; extremes; bad input.

Densities are in test_densities.py, Gaussians in test_fits.py, arithmetic of many digits in exact.py.
"""

import subprocess
import sys
from decimal import Decimal
from math import e, inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, spatial, special, stats

from minigan.autodiff import Tensor, check, grad
from minigan.testing.strategies import pairs, pairs_with_common_support
from minigan.theory import divergences, family
from minigan.theory.divergences import (
    GAN,
    HELLINGER,
    JEFFREYS,
    JS,
    KL,
    LE_CAM,
    NEYMAN,
    PEARSON,
    REVERSE_KL,
    TOTAL_VARIATION,
    alpha,
    biconjugate,
    conjugate,
    divergence,
    divergence_between,
    extended_conjugate,
    jensen_shannon,
    jensen_shannon_unit,
    kl,
    optimal_critic,
    perspective,
    probabilities,
    push_forward,
    skew,
    skew_jensen_shannon,
    total_variation,
    variational_bound,
    variational_bound_between,
)
from tests.theory.exact import PAIRS, ROWS, every_row, exact_divergence

P, Q = np.array([0.2, 0.5, 0.3]), np.array([0.6, 0.1, 0.3])
DIGITS = [*ROWS, alpha(5), alpha(20), alpha(-20), alpha(1e-9), alpha(1e-25), skew(1e-10), skew(1 - 1e-12), skew(1e-20)]
OWN = family.FDivergence(
    name="quartic", summary="(u − 1)⁴", source="", f=lambda u: (u - 1) ** 4, f_prime=lambda u: 4 * (u - 1) ** 3,
    conjugate=lambda t: t, activation=lambda v: v, at_zero=1.0, slope=inf,
    integrand=perspective(lambda u: (u - 1) ** 4))


def normal(mu, sigma):
    return stats.norm(mu, sigma).logpdf


# The rows


@every_row
def test_f_is_normalised_convex_and_its_slope_is_right(row):
    assert row.f(1.0) == 0
    u = np.logspace(-3, 3, 61)
    middle = row.f((u[1:] + u[:-1]) / 2)
    assert (middle <= (row.f(u[1:]) + row.f(u[:-1])) / 2 + 1e-12).all()
    smooth = np.abs(u - 1) > 1e-3
    h = 1e-6 * u
    np.testing.assert_allclose(row.f_prime(u)[smooth], ((row.f(u + h) - row.f(u - h)) / (2 * h))[smooth],
                               rtol=1e-6, atol=1e-6)


@every_row
def test_the_limits_beside_f_are_its_limits(row):
    near, far = row.f(np.array([1e-24, 1e-28])), row.f(np.array([1e24, 1e28])) / [1e24, 1e28]
    for values, limit in [(near, row.at_zero), (far, row.slope)]:
        if limit < inf:
            assert values[1] == pytest.approx(limit, abs=1e-6)
        else:
            assert values[1] > values[0] + 1
    assert row.domain == (-inf, row.slope) and row.bound == row.at_zero + row.slope


@every_row
def test_activation_is_increasing_into_the_domain(row):
    v = np.linspace(-30, 30, 121)
    t = row.activation(v)
    assert (np.diff(t) >= 0).all() and (np.diff(t) > 0)[40:80].all()
    assert ((t <= row.slope) if row.closed else (t < row.slope) | (v > 25)).all()
    # So does f'(e^v), for every row, and there f* needs no formula of its own
    u = np.exp(v[np.abs(v) < 12])
    np.testing.assert_allclose(row.conjugate(row.f_prime(u)), u * row.f_prime(u) - row.f(u), rtol=2e-5, atol=2e-5)


@every_row
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_row_takes_tensors_of_either_precision(row, dtype):
    v = np.array([-3.0, -1.0, 0.3, 0.5, 2.0], dtype=dtype)
    u = np.array([0.1, 0.5, 1.5, 3.0], dtype=dtype)
    for f, x in [(row.f, u), (row.f_prime, u), (row.activation, v), (lambda v: row.conjugate(row.activation(v)), v)]:
        y = f(Tensor(x))
        assert y.dtype == f(x).dtype == dtype
        np.testing.assert_allclose(y.value, f(x), rtol=1e-6)
        if dtype == "float64":
            check(f, [x], order=2)


def test_alpha_conjugates_gradient_is_finite_where_the_sup_sits_at_zero():
    for row in (alpha(1.5), alpha(3.0), PEARSON, TOTAL_VARIATION):
        t = Tensor(np.array([-50.0, -3.0]))
        slope = grad(row.conjugate(t).sum(), t)
        np.testing.assert_allclose(slope.value, 0, atol=1e-6)
        assert np.isfinite(grad(slope.sum(), t).value).all()


def test_jeffreys_conjugate_is_the_tables_with_lambert_w():
    t = np.linspace(-20, 20, 41)
    w = special.lambertw(np.exp(1 - t)).real
    np.testing.assert_allclose(JEFFREYS.conjugate(t), w + 1 / w + t - 2, rtol=1e-12, atol=1e-12)
    far = np.array([-1e6, -700.0, 500.0])
    omega = special.wrightomega(1 - far).real
    np.testing.assert_allclose(JEFFREYS.conjugate(far), 1 / omega - 1 - np.log(omega), rtol=1e-12)


def test_alpha_passes_into_its_limits_without_losing_digits():
    assert divergence(alpha(1), P, Q) == pytest.approx(kl(P, Q), rel=1e-14)
    for eps in (1e-6, 1e-9, 1e-12):
        assert divergence(alpha(1 + eps), P, Q) == pytest.approx(kl(P, Q), rel=10 * eps + 1e-13)
        assert divergence(alpha(eps), P, Q) == pytest.approx(kl(Q, P), rel=10 * eps + 1e-13)
    with pytest.raises(ValueError, match="alpha must be finite"):
        alpha(inf)


def test_the_gan_row_is_the_gans_own_loss():
    v = np.linspace(-8, 8, 17)
    D = special.expit(v)
    np.testing.assert_allclose(GAN.activation(v), np.log(D))
    np.testing.assert_allclose(GAN.conjugate(GAN.activation(v)), -np.log(1 - D) - 2 * log(2))


# Probability vectors


@given(pairs())
def test_vectors_agree_with_scipy(pair):
    p, q = pair
    assert kl(p, q) == pytest.approx(special.rel_entr(p, q).sum(), rel=1e-9, abs=1e-12)
    m = (p + q) / 2
    both = special.rel_entr(p, m).sum() + special.rel_entr(q, m).sum()
    assert jensen_shannon(p, q) == pytest.approx(both / 2, rel=1e-9, abs=1e-12)
    with np.errstate(invalid="ignore"):  # scipy's root of a JS that rounds to −1e-17
        root = np.nan_to_num(spatial.distance.jensenshannon(p, q, 2))
    assert jensen_shannon(p, q, base=2) == pytest.approx(root**2, abs=1e-7)
    assert total_variation(p, q) == pytest.approx(np.abs(p - q).sum() / 2, abs=1e-15)


@given(st.sampled_from(ROWS), pairs())
def test_the_range_is_respected_to_the_last_bit(row, pair):
    assert 0 <= divergence(row, *pair) <= row.bound


@given(st.sampled_from(ROWS), pairs_with_common_support())
def test_f_and_the_rows_own_integrand_are_two_ways_to_one_value(row, pair):
    p, q = (x[pair[0] > 0] for x in pair)
    own = row.integrand(np.log(p), np.log(q)).sum()
    assert divergence(row, p, q) == pytest.approx(own, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize(("row", "p", "q", "expected"), [
    (KL, [0.5, 0.5], [1, 0], inf),
    (KL, [1, 0], [0.5, 0.5], log(2)),
    (REVERSE_KL, [1, 0], [0.5, 0.5], inf),
    (PEARSON, [1, 0, 0], [0.5, 0.5, 0], 1.0),
    (PEARSON, [0.5, 0.5], [1, 0], inf),
    (NEYMAN, [0.5, 0.5], [1, 0], 1.0),
    (HELLINGER, [1, 0], [0, 1], 1.0),
    (JS, [1, 0, 0], [0, 0, 1], log(2)),
    (alpha(0.5), [1, 0], [0, 1], 4.0),
    (skew(0.1), [1, 0], [0, 1], -0.1 * log(0.1) - 0.9 * log(0.9)),
], ids=lambda x: getattr(x, "name", None))
def test_zeros_by_hand(row, p, q, expected):
    assert divergence(row, p, q) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("least", [5e-324, 1e-300, 1e-160, 1e-20])
def test_near_zeros_do_not_overflow(least):
    p, q = np.array([1.0, least]), np.array([least, 1.0])
    with np.errstate(all="raise", under="ignore"):
        assert kl(p, q) == pytest.approx(-log(least), rel=1e-12)
        assert divergence(JEFFREYS, p, q) == pytest.approx(-2 * log(least), rel=1e-12)
        assert jensen_shannon(p, q) == pytest.approx(log(2))
    for row in ROWS:
        assert 0 < divergence(row, p, q) <= row.bound  # inf where 1/least is, and never nan


def test_nearly_equal_vectors_are_not_at_a_negative_distance():
    rng = np.random.default_rng(0)
    for _ in range(200):
        p = rng.dirichlet(np.ones(50))
        q = p * (1 + 1e-8 * rng.standard_normal(50))
        q /= q.sum()
        for row in ROWS:
            # ½ f''(1) χ², to the round-off of 1e-16 that the docstring promises; TV is of first order
            assert 0 <= divergence(row, p, q) < (1e-7 if row is TOTAL_VARIATION else 1e-14)
    mass = np.array([0.1] * 10)  # sums to 0.9999999999999999
    assert jensen_shannon(np.append(mass, np.zeros(10)), np.append(np.zeros(10), mass)) <= log(2)


def test_float32_stays_close():
    p, q = P.astype("float32"), Q.astype("float32")
    assert kl(p, q) == pytest.approx(kl(P, Q), rel=1e-5)
    assert optimal_critic(KL, p, q).dtype == "float32"


def test_jensen_shannon_says_its_convention_and_unit():
    value = jensen_shannon(P, Q)
    assert jensen_shannon(P, Q, base=2) == pytest.approx(value / log(2))
    assert jensen_shannon(P, Q, halved=False) == 2 * value
    assert jensen_shannon_unit() == "½KL(p‖m) + ½KL(q‖m), nats"
    assert jensen_shannon_unit(base=2, halved=False) == "KL(p‖m) + KL(q‖m), bits"
    assert "log 7" in jensen_shannon_unit(base=7) and jensen_shannon(P, Q, base=e) == value
    for base in (1, 0, -2, inf, float("nan")):
        with pytest.raises(ValueError, match="base of a logarithm"):
            jensen_shannon(P, Q, base=base)


def test_skew_is_the_mutual_information_of_a_sample_and_its_source():
    for weight in (1e-3, 0.2, 0.5, 0.99):
        joint = np.concatenate([weight * P, (1 - weight) * Q])
        independent = np.kron([weight, 1 - weight], weight * P + (1 - weight) * Q)
        assert skew_jensen_shannon(P, Q, weight) == pytest.approx(kl(joint, independent), abs=1e-14)
    for weight in (0, 1, -0.5, float("nan")):
        with pytest.raises(ValueError, match="weight of P"):
            skew(weight)


# Bounds, critics, conjugates


@every_row
def test_the_optimal_critic_is_exact_at_zeros_too(row):
    p, q = np.array([0.5, 0.5, 0, 0]), np.array([0.25, 0, 0.75, 0])
    T = optimal_critic(row, p, q)
    assert T[3] == row.f_prime(1.0) and T[1] == row.slope
    assert variational_bound(row, T, p, q) == pytest.approx(divergence(row, p, q), abs=1e-12)
    assert variational_bound(row, optimal_critic(row, P, Q), P, Q) == pytest.approx(divergence(row, P, Q), rel=1e-12)


@pytest.mark.parametrize("row", [HELLINGER, JS, GAN, REVERSE_KL, alpha(0.5), skew(0.9)], ids=lambda row: row.name)
def test_an_extreme_ratio_does_not_push_the_critic_out_of_the_domain(row):
    p, q = np.array([1.0, 1e-60]), np.array([1e-60, 1.0])
    bound = variational_bound(row, optimal_critic(row, p, q), p, q)
    assert bound == pytest.approx(divergence(row, p, q), rel=1e-9)


def test_a_critic_outside_the_domain_proves_nothing():
    for T in ([0.6, 0.1, 0.1], [inf, 0, 0]):
        assert variational_bound(TOTAL_VARIATION, T, P, Q) == -inf
    assert variational_bound(GAN, [0.0, -1.0, -1.0], P, Q) == -inf  # 0 = f'(∞) is not in an open dom f*
    assert variational_bound_between(JS, lambda x: 0 * x + 1.0, normal(0, 1), normal(1, 1)) == -inf


def test_the_tables_pearson_conjugate_gives_away_some_of_the_bound():
    T = np.array([-3.0, 0.0, 0.0])  # f*(−3) is −1, and −0.75 in the table: still a bound, but a lower one
    p, q = np.array([0.0, 0.5, 0.5]), np.array([0.5, 0.25, 0.25])
    assert variational_bound(PEARSON, T, p, q) == pytest.approx(0.5)
    assert (p @ T - q @ (T + T**2 / 4)) == pytest.approx(0.375)
    assert extended_conjugate(PEARSON, [-3.0])[0] == -1


@pytest.mark.parametrize(("row", "end"), [
    (NEYMAN, 2.0), (TOTAL_VARIATION, 0.5), (LE_CAM, 1.5), (alpha(-0.5), 2.0), (alpha(-3), 1 / 3),
    (HELLINGER, inf), (GAN, inf), (JS, inf), (REVERSE_KL, inf), (alpha(0.5), inf), (alpha(0), inf),
], ids=lambda x: getattr(x, "name", None))
def test_the_right_end_of_the_domain(row, end):
    assert extended_conjugate(row, [row.slope])[0] == pytest.approx(end)
    assert extended_conjugate(row, [-inf])[0] == -row.at_zero
    if end < inf:  # the search stops where ut − f(u) is all rounding; further on it would find 4 for Neyman's 2
        assert conjugate(row.f, [row.slope])[0] == pytest.approx(end, abs=1e-4)


def test_the_numerical_conjugate_serves_any_f():
    t = np.linspace(-2, 2, 9)
    x = np.linspace(-10, 10, 401)
    np.testing.assert_allclose(conjugate(lambda x: 0.5 * x * x, t, x), 0.5 * t * t, atol=1e-12)
    np.testing.assert_allclose(conjugate(np.abs, np.array([-0.5, 0.0, 1.0]), x), 0, atol=1e-12)
    np.testing.assert_allclose(conjugate(np.exp, t[5:], x), (t * np.log(t, where=t > 0, out=0 * t) - t)[5:])
    assert conjugate(lambda u: u, [2.0]) == inf


def kinks(u):
    return np.abs(np.abs(u - 2) - 1)


# f of several wells, on the default grid: sup_u {ut − f(u)} by hand (of two wells the right one, at 3 + …)
@pytest.mark.parametrize(("f", "t", "expected"), [
    (kinks, [0.1, 0.15], [0.3, 0.45]), (kinks, [-0.5, 2.0], [-0.5, inf]),  # at the corners 1 and 3
    (lambda u: (u - 1) ** 2 * (u - 3) ** 2, [0.1], [0.300617378]), (lambda u: -u**2, [1.0, 0, -1], [inf] * 3),
    (np.log, [-1.0], [inf]), (lambda u: 1 + u**0.01, [0.0, -1.0], [-1.0, -1.0]),  # sups as u → 0
    (lambda u: u - 3 * np.exp(-((u - 5) / 0.2) ** 2), [0.5], [0.500833449]),  # a well between two points of u
])
def test_the_numerical_conjugate_climbs_every_peak(f, t, expected):
    np.testing.assert_allclose(conjugate(f, t), expected, rtol=1e-8)


def test_the_numerical_conjugate_of_a_constant_and_at_infinity():
    np.testing.assert_array_equal(conjugate(lambda u: 5.0, [-1.0, 0.0, 1.0]), [-5, -5, inf])
    np.testing.assert_array_equal(conjugate(KL.f, [inf, -inf, np.nan]), [inf, -inf, np.nan])
    np.testing.assert_allclose(conjugate(lambda u: np.where((u > 1) & (u < 2), u * u, inf), [3.0, 9]), [2.25, 14])


@pytest.mark.parametrize("u", [[1.0, 0.0], [0.0, 0.0], [[0.0, 1.0]], [], [0.0, inf]])
def test_where_to_look_must_be_an_interval(u):
    with pytest.raises(ValueError, match="u must be finite numbers"):
        conjugate(np.exp, [1.0], u)


def test_the_numerical_conjugate_is_that_of_all_points():
    """Waves, where each step of the default u holds several: the highest of three million points."""
    x, t = np.linspace(1e-3, 150, 3_000_001), [20.0, 101.0, 200.0]
    f = lambda u: u * u + 3 * np.sin(u)  # noqa: E731
    y = f(x)
    np.testing.assert_allclose(conjugate(f, t), [(s * x - y).max() for s in t], rtol=1e-8)


def test_more_peaks_than_can_be_told_apart_are_refused():
    with pytest.raises(ValueError, match="give a finer u, over an interval"):
        conjugate(lambda u: u + np.sin(u), [1.0])
    f = lambda u: u + np.sin(u)  # noqa: E731
    np.testing.assert_allclose(conjugate(f, [1.0], np.linspace(0, 30, 91)), [1.0])  # −sin u


def test_the_biconjugate_of_two_wells_fills_what_lies_between():
    np.testing.assert_allclose(biconjugate(kinks, [0.5, 2.0, 5.0]), [0.5, 0, 2], atol=1e-12)
    assert biconjugate(lambda u: -u**2, [1.0], slopes=np.linspace(-2, 2, 5)) == -inf  # no line lies below


def test_the_biconjugate_at_the_domains_end_and_outside():
    np.testing.assert_allclose(biconjugate(KL.f, [-1.0, 0.0, 2.0]), [inf, KL.at_zero, 2 * np.log(2)], atol=1e-12)
    np.testing.assert_allclose(biconjugate(lambda u: -np.log(u), [0.0, 1e-25]), [inf, 25 * np.log(10)])


def test_the_biconjugate_of_a_concave_piece_is_its_chord():
    u = np.array([0.1, 0.5, 0.9])
    np.testing.assert_allclose(biconjugate(lambda x: -x * x, u, np.linspace(0, 1, 33)), -u, atol=1e-12)


def test_a_row_of_ones_own():
    assert divergence(OWN, P, Q) == pytest.approx((Q * (P / Q - 1) ** 4).sum())
    assert divergence_between(OWN, normal(0, 1), normal(0, 1.1)) == pytest.approx(
        integrate.quad(lambda x: stats.norm(0, 1.1).pdf(x) * (stats.norm.pdf(x) / stats.norm(0, 1.1).pdf(x) - 1) ** 4,
                       -20, 20)[0], rel=1e-7)


@pytest.mark.parametrize("row", [HELLINGER, GAN, JS, REVERSE_KL, alpha(0.25), alpha(0), alpha(0.5), skew(0.2)],
                         ids=lambda row: row.name)
def test_the_numerical_conjugate_is_infinite_at_an_open_end(row):
    assert conjugate(row.f, [row.slope])[0] == inf  # the growth towards it may be a root, or a logarithm
    assert np.isfinite(conjugate(row.f, [row.slope - 1e-3])).all()


@pytest.mark.parametrize(("row", "rel"), [(NEYMAN, 1e-8), (LE_CAM, 1e-8), (TOTAL_VARIATION, 1e-12), (alpha(-3), 1e-8),
                                          (alpha(-0.5), 1e-6), (alpha(-0.1), 1e-4), (alpha(-0.01), 1e-3)],
                         ids=lambda x: getattr(x, "name", None))
def test_the_numerical_conjugate_finds_the_limit_at_a_closed_end(row, rel):
    assert conjugate(row.f, [row.slope])[0] == pytest.approx(extended_conjugate(row, [row.slope])[0], rel=rel)


def test_a_limit_that_rounding_hides_is_refused():
    with pytest.raises(ValueError, match="is a limit that f's rounding hides"):
        conjugate(lambda u: u - np.log(np.log(u + 3.0)) ** 0.5, [1.0])


def test_a_critic_at_minus_infinity_proves_nothing_where_p_is():
    p, q = np.array([0.5, 0.5]), np.array([0.5, 0.5])
    for row in ROWS:
        assert variational_bound(row, [-inf, row.f_prime(1.0)], p, q) == -inf
        bound = variational_bound(row, [-inf, row.f_prime(1.0)], np.array([0.0, 1.0]), q)  # there T* = f'(0)
        assert not np.isnan(bound) and bound <= divergence(row, [0.0, 1.0], q)


@every_row
@pytest.mark.parametrize("least", [1e-310, 1e-200, 1e-30])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_optimal_critic_of_an_extreme_ratio_is_a_bound(row, least, dtype):
    p, q = np.array([1.0, least]).astype(dtype), np.array([0.5, 0.5], dtype=dtype)
    for pair in ((p, q), (q, p)):
        T = optimal_critic(row, *pair)
        assert T.dtype == dtype and not np.isnan(T).any()
        bound = variational_bound(row, T, *pair)
        value = divergence(row, *pair)
        assert bound <= value * (1 + 1e-6)
        if np.isfinite(T).all() and (np.abs(T) < 1e30).all():  # f' itself, and not the least float
            assert bound == pytest.approx(value, rel=1e-4)


# Of any precision


@pytest.mark.parametrize(("row", "p", "q", "dtype", "value"), [  # in decimals, of 60 digits
    (alpha(3), [1, 1e-10], [1, 1e-25], "float32", 1.67e19),
    (PEARSON, [0.5, 0.5], [0.9995, 0.0005], "float16", 499),
    (alpha(20), [1, 1e-280], [1, 1e-296], "float64", 2.63e21),
    (alpha(-19), [1, 1e-296], [1, 1e-280], "float64", 2.63e21),
    (NEYMAN, [1, 1e-30], [1, 1e-20], "float32", 1e-10),
    (alpha(20), [1, 1e-320], [1, 1e-310], "float64", 1e-310 / 20),  # of subnormal numbers
    (alpha(3), [0.5, 0.5], [1.0, 1e-160], "float64", 0.125e320),
])
def test_powers_do_not_overflow(row, p, q, dtype, value):
    p, q = np.array(p, dtype=dtype), np.array(q, dtype=dtype)
    exact = exact_divergence(row, p, q)
    assert divergence(row, p, q) == pytest.approx(float(exact), rel=1e-11)
    assert float(exact) == pytest.approx(value, rel=5e-2)


@pytest.mark.parametrize("kind", PAIRS)
def test_every_row_to_nearly_all_digits(kind):
    rng = np.random.default_rng(15)
    for dtype in ("float64", "float32", "float16"):
        for _ in range(2):
            p, q = (x.astype(dtype) for x in PAIRS[kind](rng))
            for row in DIGITS:
                exact = float(min(exact_divergence(row, p, q), Decimal(row.bound)))
                assert divergence(row, p, q) == pytest.approx(exact, rel=1e-12, abs=0), (row.name, dtype, p, q)


@pytest.mark.slow("thousands of pairs in decimals")
@pytest.mark.parametrize("seed", range(20))
def test_many_pairs_to_nearly_all_digits(seed):
    rng = np.random.default_rng(seed)
    for kind in PAIRS:
        for _ in range(15):
            p, q = (x.astype(rng.choice(["float64", "float32"])) for x in PAIRS[kind](rng))
            for row in DIGITS:
                exact = float(min(exact_divergence(row, p, q), Decimal(row.bound)))
                assert divergence(row, p, q) == pytest.approx(exact, rel=1e-12, abs=0), (row.name, p, q)


def test_a_million_entries_are_summed_in_blocks():
    rng = np.random.default_rng(0)
    p, q = rng.random((2, 100_003))
    p[5], q[-3] = 0.0, 1e-300  # one block of them takes the logarithms
    p, q = p / p.sum(), q / q.sum()
    assert kl(p, q) == pytest.approx(special.rel_entr(p, q).sum(), rel=1e-12)
    assert jensen_shannon(p, q) == pytest.approx(spatial.distance.jensenshannon(p, q) ** 2, rel=1e-12)


def test_an_f_of_ones_own_that_overflows_says_so():
    with pytest.raises(OverflowError, match=r"f\(p/q\) overflows.* write the integrand in log p and log q"):
        divergence(OWN, [1.0, 1e-90], [1.0, 1e-300])
    assert divergence(OWN, [1.0, 1e-90], [1.0, 1e-140]) == pytest.approx(1e60, rel=1e-12)


# What may not go in


@pytest.mark.parametrize(("p", "message"), [
    ([0.5, 0.6], "p must sum to 1, not to 1.1"),
    ([1.5, -0.5], "the least is -0.5"),
    ([np.nan, 1.0], "no nan"),
    ([inf, 0.0], "not to inf"),
    ([], "must be a vector"),
    ([[1.0, 0.0]], r"not of shape \(1, 2\)"),
    (1.0, r"not of shape \(\)"),
    ([1.0], r"different shapes: p \(1,\), q \(2,\)"),
])
def test_what_is_no_pair_of_probability_vectors_is_refused(p, message):
    for function in (kl, jensen_shannon, lambda p, q: skew_jensen_shannon(p, q, 0.3)):
        with pytest.raises(ValueError, match=message):
            function(p, [0.5, 0.5])


def test_other_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"T \(2,\), p \(3,\), q \(3,\)"):
        variational_bound(KL, [0.0, 1.0], P, Q)
    with pytest.raises(ValueError, match="T must not be nan"):
        variational_bound(KL, [0.0, 1.0, np.nan], P, Q)
    with pytest.raises(ValueError, match=r"kernel of shape \(2, 2\) does not fit p of shape \(3,\)"):
        push_forward(P, np.eye(2))
    with pytest.raises(ValueError, match="a row of the kernel must sum to 1"):
        push_forward(P, np.ones((3, 2)))
    with pytest.raises(ValueError, match="0 or more"):
        optimal_critic(KL, [-1.0], [1.0])
    assert probabilities([1, 0], "p").dtype == float


@pytest.mark.parametrize("call", [
    lambda x: kl(x, P), lambda x: kl(P, x), lambda x: jensen_shannon(P, x), lambda x: skew_jensen_shannon(x, P, 0.2),
    lambda x: optimal_critic(KL, x, P), lambda x: variational_bound(KL, x, P, P), lambda x: push_forward(x, np.eye(3)),
    lambda x: extended_conjugate(KL, x), lambda x: conjugate(KL.f, x), lambda x: biconjugate(KL.f, x),
    lambda x: probabilities(x, "x"),
])
def test_lists_are_taken_and_masked_entries_text_and_tensors_are_not(call):
    np.testing.assert_array_equal(call([0.2, 0.5, 0.3]), call(P))
    with pytest.raises(ValueError, match="1 masked entries of 3"):
        call(np.ma.masked_array(P, [False, True, False]))
    with pytest.raises(TypeError, match="real numbers"):
        call(["a", "b", "c"])
    with pytest.raises(TypeError, match="is a Tensor"):
        call(Tensor(P))


def test_importing_the_theory_of_divergences_needs_numpy_alone():
    code = "import sys, minigan.theory.divergences, minigan.theory.fits; assert 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert divergences.kl.args == (KL,)
