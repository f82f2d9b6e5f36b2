"""D1 to D17 with inputs drawn at random: zeros, near-zeros, scales from 1e-3 to 1e3, supports that touch."""

from dataclasses import replace
from itertools import pairwise
from math import fsum, inf, isinf, log, sqrt

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigan.claims import CLAIMS, verify
from minigan.claims.divergences.atoms import OWN, bound, normal, own, uniform
from minigan.gans.losses import LOSSES
from minigan.testing.strategies import (
    disjoint_pairs,
    gaussians,
    markov_kernels,
    mixtures,
    pairs,
    pairs_with_common_support,
    probability_vectors,
)
from minigan.theory import divergences, fits
from minigan.theory.divergences import (
    DIVERGENCES,
    HELLINGER,
    JS,
    KL,
    PEARSON,
    REVERSE_KL,
    TOTAL_VARIATION,
    biconjugate,
    conjugate,
    divergence,
    divergence_between,
    extended_conjugate,
    jensen_shannon,
    kl,
    optimal_critic,
    push_forward,
    skew_jensen_shannon,
    squared_hellinger,
    total_variation,
    variational_bound,
)

rows = st.sampled_from(list(DIVERGENCES.values()))
scores = st.lists(st.floats(-5, 5), min_size=8, max_size=8).map(np.array)
on_half_line = st.floats(-4, 4).map(lambda x: 10**x)
alphas = st.one_of(st.floats(-3, 3), st.sampled_from([0.0, 1.0, 0.5, -1.0, 2.0, 1e-12, 1 - 1e-12]))


def close(value: float, expected: float, rtol: float = 1e-9, atol: float = 1e-9) -> bool:
    return value == expected or abs(value - expected) <= atol + rtol * abs(expected)


def positive(p, q):
    """The atoms that both have."""
    return p[(p > 0) & (q > 0)], q[(p > 0) & (q > 0)]


def kl_by_hand(p, q) -> float:
    return inf if ((q == 0) & (p > 0)).any() else own("kl", *positive(p, q))


@pytest.mark.parametrize("name", DIVERGENCES)
def test_every_row_of_the_family_has_its_own_sum_here_and_its_loss(name):
    """Without one the claims pass it by: what is missing, and in which file, the error says."""
    half = np.array([0.5, 0.5])
    assert own(name, half, half) == pytest.approx(0, abs=1e-15)
    assert bound(name) == DIVERGENCES[name].at_zero + DIVERGENCES[name].slope
    assert f"f-{name}" in LOSSES


@pytest.mark.slow("claims tried in more places than their own check")
def test_a_row_without_its_own_sum_breaks_no_claim_and_is_asked_for(monkeypatch):
    monkeypatch.setitem(DIVERGENCES, "mine", replace(PEARSON, name="mine"))
    for id in ("D5", "D6", "D7", "D8", "D9", "D10", "D12", "G26"):
        assert verify(CLAIMS[id]).passed
    with pytest.raises(ValueError, match=r"minigan/claims/divergences/atoms\.py: OWN has no row 'mine'; add 'mine'"):
        own("mine", np.array([1.0]), np.array([1.0]))


@given(pairs(), gaussians(), gaussians())
def test_D1_kl_is_its_sum_and_its_integral(pair, first, second):
    assert close(kl(*pair), kl_by_hand(*pair))
    (m1, s1), (m2, s2) = first, second
    closed = log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5
    assert close(fits.kl_gaussians(m1, s1, m2, s2), closed)
    assert close(divergence_between(KL, normal(m1, s1), normal(m2, s2)), closed)


@given(pairs())
def test_D2_kl_is_infinite_exactly_where_q_lacks_mass(pair):
    p, q = pair
    assert isinf(kl(p, q)) == bool(((q == 0) & (p > 0)).any())
    assert close(divergences.reverse_kl(q, p), kl(p, q))


@given(pairs(), gaussians(), gaussians())
def test_D3_js_is_symmetric_and_bounded(pair, first, second):
    p, q = pair
    js = jensen_shannon(p, q)
    assert 0 <= js <= log(2) and 0 <= jensen_shannon(p, q, base=2) <= 1
    assert close(js, jensen_shannon(q, p), atol=1e-12)
    assert js < log(2) or not (np.minimum(p, q) > 1e-15).any()
    one, two = normal(*first), normal(*second)
    there, back = divergence_between(JS, one, two), divergence_between(JS, two, one)
    assert 0 <= there <= log(2) and close(there, back)


@given(pairs())
def test_D4_the_unhalved_js_is_twice_js_and_the_games_value(pair):
    p, q = pair
    value = fsum(x * log(x / (x + y)) if x else 0.0 for x, y in zip(p, q, strict=True))
    value += fsum(y * log(y / (x + y)) if y else 0.0 for x, y in zip(p, q, strict=True))
    assert close(jensen_shannon(p, q, halved=False), value + 2 * log(2))
    assert jensen_shannon(p, q, halved=False) == 2 * jensen_shannon(p, q)


@given(rows, pairs(), st.floats(0, 1e-6))
def test_D5_no_divergence_is_negative(row, pair, step):
    p, q = pair
    assert divergence(row, p, q) >= 0
    assert divergence(row, p, p) <= 1e-15
    assert divergence(row, p, (1 - step) * p + step * q) >= 0
    if np.abs(p - q).max() > 1e-3:
        assert divergence(row, p, q) > 1e-8


@given(rows, pairs_with_common_support(), alphas)
def test_D6_each_divergence_is_its_own_closed_form(row, pair, a):
    p, q = positive(*pair)
    if row.name in OWN:
        assert close(divergence(row, p, q), own(row.name, p, q), rtol=1e-8)
    ratios = p / q
    assume(ratios.max() < 1e20 and ratios.min() > 1e-20)
    if min(abs(a), abs(a - 1)) > 1e-3:
        expected = (fsum(np.exp(a * np.log(p) + (1 - a) * np.log(q))) - 1) / (a * (a - 1))
        assert close(divergence(divergences.alpha(a), p, q), expected, rtol=1e-6)
    else:
        limit = "kl" if a > 0.5 else "reverse-kl"
        assert close(divergence(divergences.alpha(a), p, q), own(limit, p, q), rtol=0.1)
    assert close(divergence(divergences.alpha(a), p, q), divergence(divergences.alpha(1 - a), q, p), rtol=1e-7)


@given(rows, st.lists(st.floats(-3, 1.5), min_size=1, max_size=4))
def test_D7_the_closed_conjugate_is_the_supremum(row, distances):
    t = min(row.slope, 5.0) - 10.0 ** np.array(distances)
    np.testing.assert_allclose(extended_conjugate(row, t), conjugate(row.f, t), rtol=1e-8, atol=1e-9)


@given(rows, on_half_line, scores)
def test_D8_fenchel_young(row, u, v):
    t = row.activation(v)
    gap = row.f(np.array(u)) + extended_conjugate(row, t) - u * t
    assert (gap >= -1e-9 * (1 + np.abs(u * t) + np.abs(row.f(np.array(u))))).all()
    s = row.f_prime(np.array([u]))
    equality = u * s - row.f(np.array([u]))
    np.testing.assert_allclose(extended_conjugate(row, s), equality, rtol=1e-6, atol=1e-7 * (1 + np.abs(u * s).max()))


@pytest.mark.slow("claims tried in more places than their own check")
@given(rows, st.floats(-2, 2).map(lambda x: 10**x), st.floats(-0.99, 0.99), st.floats(-2, 2))
@settings(max_examples=15)
def test_D9_the_biconjugate_is_the_convex_hull(row, u, inside, tilt):
    np.testing.assert_allclose(biconjugate(row.f, np.array([u])), row.f(np.array([u])), rtol=1e-6, atol=1e-9)
    # A tilted double well: its hull over [−1, 1] is the line below both
    x, t = np.linspace(-3, 3, 121), np.linspace(-60, 60, 121)
    hull = biconjugate(lambda x: (x * x - 1) ** 2 + tilt * x, np.array([inside]), x, t)
    np.testing.assert_allclose(hull, tilt * inside, atol=1e-8)


@given(rows, pairs(8), scores)
def test_D10_every_critic_gives_a_lower_bound(row, pair, v):
    p, q = pair
    D = divergence(row, p, q)
    assert variational_bound(row, row.activation(v), p, q) <= D + 1e-9 * (1 + abs(D))
    u, w = positive(p, q)
    if (np.abs(np.log(u / w)) < 18).all():  # beyond, T* rounds to the end of dom f*
        assert close(variational_bound(row, optimal_critic(row, p, q), p, q), D, rtol=1e-6, atol=1e-6)


@given(rows, pairs(8))
def test_D11_a_coarser_critic_sees_less(row, pair):
    p, q = (0.999 * x + 0.001 / 8 for x in pair)
    bounds = []
    for blocks in (1, 2, 4, 8):
        P, Q = p.reshape(blocks, -1).sum(axis=1), q.reshape(blocks, -1).sum(axis=1)
        bounds.append(variational_bound(row, np.repeat(optimal_critic(row, P, Q), 8 // blocks), p, q))
    assert all(a <= b + 1e-6 * (1 + abs(b)) for a, b in pairwise(bounds))
    assert close(bounds[-1], divergence(row, p, q), rtol=1e-6, atol=1e-6)


@given(rows, pairs(5), pairs(5), markov_kernels(5, 3), st.floats(0, 1))
def test_D12_data_processing_and_joint_convexity(row, pair, other, kernel, weight):
    p, q = pair
    D = divergence(row, p, q)
    processed = divergence(row, push_forward(p, kernel), push_forward(q, kernel))
    assert processed <= D * (1 + 1e-9) + 1e-12
    ends = weight * D if weight else 0.0
    ends += (1 - weight) * divergence(row, *other) if weight < 1 else 0.0
    mixed = [weight * x + (1 - weight) * y for x, y in zip(pair, other, strict=True)]
    assert divergence(row, *mixed) <= ends * (1 + 1e-9) + 1e-12


@given(mixtures())
def test_D13_the_forward_fit_has_the_targets_moments(mixture):
    means, sigma, weights = mixture
    means = means[:, 0]
    mu, deviation = fits.fit_forward_kl(fits.mixture_log_density(means, sigma, weights), points=tuple(means))
    mean = weights @ means
    assert close(mu, mean, atol=1e-8)
    assert close(deviation, sqrt(sigma**2 + weights @ (means - mean) ** 2), rtol=1e-7)


@given(st.floats(0.2, 1), st.floats(4, 8), st.floats(0.1, 0.9), st.sampled_from([0, 1]))
@settings(max_examples=15)
def test_D14_the_reverse_fit_takes_one_peak(sigma, distance, weight, peak):
    means = np.array([-0.5, 0.5]) * distance * 2 * sigma  # 8 to 16 deviations apart
    log_p = fits.mixture_log_density(means, sigma, [weight, 1 - weight])
    mu, deviation = fits.fit_reverse_kl(log_p, means[peak] + 0.3 * sigma, 0.8 * sigma)
    assert abs(mu - means[peak]) < 0.01 * sigma and abs(deviation / sigma - 1) < 0.01
    reached = divergence_between(KL, normal(mu, deviation), log_p, points=tuple(means))
    assert reached == pytest.approx(-log([weight, 1 - weight][peak]), abs=0.01)


@given(pairs_with_common_support(), st.floats(0.01, 0.99))
def test_D15_js_pi_lies_between_and_reaches_both_kls(pair, weight):
    p, q = positive(*pair)
    middle = weight * p + (1 - weight) * q
    expected = weight * own("kl", p, middle) + (1 - weight) * own("kl", q, middle)
    assert close(skew_jensen_shannon(p, q, weight), expected, atol=1e-12)
    assert skew_jensen_shannon(p, q, weight) <= min(weight * kl(p, q), (1 - weight) * kl(q, p)) + 1e-12
    p, q = 0.99 * p + 0.01 * q, 0.99 * q + 0.01 * p  # ratios of 1/99 to 99: the limit is near at π = 1e-7
    assert close(skew_jensen_shannon(p, q, 1e-7) / 1e-7, kl(p, q), rtol=1e-3, atol=1e-6)
    assert close(skew_jensen_shannon(p, q, 1 - 1e-7) / 1e-7, kl(q, p), rtol=1e-3, atol=1e-6)


@given(disjoint_pairs(), st.floats(1e-3, 1e3), st.floats(0, 1e3))
def test_D16_disjoint_supports_however_far(pair, width, gap):
    p, q = pair
    assert kl(p, q) == kl(q, p) == inf
    for value, expected in [(jensen_shannon(p, q), log(2)), (total_variation(p, q), 1), (squared_hellinger(p, q), 1)]:
        assert value <= expected and close(value, expected, atol=1e-12)
    start = width + gap  # gap 0: they touch
    two = uniform(0.0, width), uniform(start, start + width)
    options = {"low": 0.0, "high": start + width, "points": (width, start)}
    assert divergence_between(KL, *two, **options) == divergence_between(REVERSE_KL, *two, **options) == inf
    for row, expected in [(JS, log(2)), (TOTAL_VARIATION, 1), (HELLINGER, 1)]:
        assert close(divergence_between(row, *two, **options), expected)


@given(st.floats(-1e3, 1e3), st.floats(-3, 3).map(lambda x: 10**x))
def test_D17_noise_makes_kl_finite(theta, sigma):
    expected = theta**2 / (2 * sigma**2)
    assert close(fits.kl_gaussians(0, sigma, theta, sigma), expected)
    assert close(fits.kl_gaussians(theta, sigma, 0, sigma), expected)
    assert close(divergence_between(KL, normal(0, sigma), normal(theta, sigma)), expected)
    assert close(divergence_between(REVERSE_KL, normal(0, sigma), normal(theta, sigma)), expected)


@given(probability_vectors())
def test_a_pair_of_one_is_at_distance_zero(p):
    assert all(divergence(row, p, p) <= 1e-15 for row in DIVERGENCES.values())
    assert divergence(PEARSON, p, p) == 0
