"""A property for each claim of the game, on random inputs: pairs with zeros, Gaussians of any scale, random play."""

from math import inf, log, pi, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.spatial.distance import jensenshannon
from scipy.special import expit, log_expit, ndtr, softmax, xlogy
from scipy.stats import kstest

from minigan import autodiff as ad
from minigan.autodiff import Tensor, grad, softplus
from minigan.gans import losses
from minigan.testing.strategies import (
    disjoint_pairs,
    gaussians,
    mixtures,
    pairs,
    pairs_with_common_support,
    probability_vectors,
)
from minigan.theory import dynamics, optimal

HERMITE, WEIGHTS = np.polynomial.hermite_e.hermegauss(100)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
MEANS, SCALES = st.floats(-2, 2), st.floats(0.7, 1.4)
STARTS = st.tuples(st.floats(-2, 2), st.floats(-2, 2)).filter(lambda x: np.hypot(*x) > 0.1)
RATES = st.floats(0.01, 0.3)
SEEDS = st.integers(0, 2**32 - 1)


def log_normal(mu, sigma):
    return lambda x: -0.5 * ((x - mu) * (1 / sigma)) ** 2 - log(sigma * sqrt(2 * pi))


def logs(*vectors):
    with np.errstate(divide="ignore"):
        return [np.log(v) for v in vectors]


def js(p, q):
    with np.errstate(invalid="ignore"):  # scipy's root of a JS that rounds to −1e-17
        return np.nan_to_num(jensenshannon(p, q)) ** 2


@given(pairs(), SEEDS)
def test_G1_nothing_pays_more_than_the_ratio(pair, seed) -> None:
    p, q = pair
    D = optimal.optimal_discriminator(*logs(p, q))
    some = p + q > 0
    np.testing.assert_allclose(D[some], (p / np.where(some, p + q, 1))[some], rtol=1e-9)
    best = (xlogy(p, D) + xlogy(q, optimal.optimal_discriminator(*logs(q, p)))).sum()  # 1 − D, to the last digit
    others = np.random.default_rng(seed).uniform(1e-9, 1 - 1e-9, (50, len(p)))
    assert (xlogy(p, others) + xlogy(q, 1 - others)).sum(axis=1).max() <= best + 1e-12


@given(pairs())
def test_G2_the_value_is_jensen_shannon(pair) -> None:
    assert optimal.optimal_value(*pair) == pytest.approx(2 * js(*pair) - 2 * log(2), abs=1e-12)


@given(gaussians())
def test_G2_shifted_gaussians_of_any_scale(law) -> None:
    """JS depends on (μ₁ − μ₂)/σ alone: at one σ apart it is .1114215, whether σ is 1e-3 or 1e3."""
    mu, sigma = law
    v = optimal.optimal_value_between(log_normal(mu, sigma), log_normal(mu + sigma, sigma))
    assert v == pytest.approx(-1.1634514, abs=1e-6)


@given(pairs())
def test_G3_the_least_is_at_the_data(pair) -> None:
    p, q = pair
    positive = p[p > 0]
    assert (optimal.optimal_discriminator(*logs(positive, positive)) == 0.5).all()
    assert optimal.optimal_value(p, p) == pytest.approx(-2 * log(2))
    tv = 0.5 * np.abs(p - q).sum()
    assert optimal.optimal_value(p, q) >= -2 * log(2) + tv**2 - 1e-9


@given(mixtures())
def test_G3_densities(mixture) -> None:
    means, sigma, weights = mixture
    parts = [log_normal(float(m), sigma) for m in means[:, 0]]

    def log_p(x):
        return np.logaddexp.reduce([log(w) + part(x) for w, part in zip(weights, parts, strict=True)])

    v = optimal.optimal_value_between(log_p, log_p, points=sorted({float(m) for m in means[:, 0]}))
    assert v == pytest.approx(-2 * log(2), rel=1e-7)


@given(pairs(), st.data())
def test_G4_no_discriminator_does_better(pair, data) -> None:
    p, q = pair
    s = np.array(data.draw(st.lists(st.floats(-30, 30), min_size=len(p), max_size=len(p))))
    v, best = optimal.value(s, p, q), optimal.optimal_value(p, q)
    assert v == pytest.approx(p @ log_expit(s) + q @ log_expit(-s), rel=1e-9)
    assert v <= best + 1e-12
    assert optimal.value(optimal.optimal_logit(*logs(p, q)), p, q) == pytest.approx(best, rel=1e-9, abs=1e-12)


@given(MEANS, SCALES, st.floats(-3, 3), st.floats(-2, 2))
def test_G4_on_the_line(mu, sigma, slope, shift) -> None:
    log_p, log_q = log_normal(0, 1), log_normal(mu, sigma)
    v = optimal.value_between(lambda x: slope * x + shift, log_p, log_q)
    assert v <= optimal.optimal_value_between(log_p, log_q) + 1e-9


@given(pairs_with_common_support(), st.floats(1.5, 100))
def test_G5_the_base_scales_the_value_alone(pair, base) -> None:
    p, q = pair
    p, q = p[p > 0], q[p > 0]
    in_base = (p * np.log(p / (p + q)) / log(base) + q * np.log(q / (p + q)) / log(base)).sum()
    assert optimal.optimal_value(p, q) / log(base) == pytest.approx(in_base, rel=1e-9)
    D = optimal.optimal_discriminator(*logs(p, q))
    grid = np.clip(D[:, None] * np.linspace(0.8, 1.2, 81), 1e-300, 1 - 1e-15)
    pays = (p[:, None] * np.log(grid) + q[:, None] * np.log1p(-grid)) / log(base)
    best = p * np.log(D) / log(base) + q * np.where(D < 1, np.log1p(-np.minimum(D, 1 - 1e-16)), 0) / log(base)
    assert (pays.max(axis=1) <= best + 1e-12).all()


@given(st.floats(2, 60), st.floats(1.05, 3), st.floats(-2, 2), st.floats(0.1, 1), SEEDS)
def test_G6_the_bound_of_a_discriminator_near_perfect(k, wall, shift, width, seed) -> None:
    z = np.random.default_rng(seed).random(30)
    x = shift + width * z
    D = expit(k * (x - shift - width * wall))
    eps = float((D + k * D * (1 - D)).max())
    assume(eps < 1)
    g = optimal.generator_gradient(lambda x: -softplus(k * (x - (shift + width * wall))), lambda t, z: t[0] + t[1] * z,
                                   np.array([shift, width]), z)
    assert np.linalg.norm(g) <= optimal.saturation_bound(sqrt((1 + z**2).mean()), eps) * (1 + 1e-12)


@given(st.floats(1e-8, 0.02))
def test_G6_a_steep_discriminator_breaks_it(eps) -> None:
    g = optimal.generator_gradient(lambda x: ad.log1p(-eps * ad.sigmoid(x * (1 / eps**2))), lambda t, z: t + z,
                                   np.zeros(1), np.zeros(1))
    assert abs(g[0]) > 100 * optimal.saturation_bound(1.0, eps)


@given(MEANS, SCALES, MEANS, SCALES)
def test_G7_non_saturating_is_reverse_kl_less_two_js(m, s, mu, sigma) -> None:
    log_r, log_g = log_normal(m, s), log_normal(mu, sigma)
    g = optimal.generator_gradient(lambda x: softplus(log_g(x) - log_r(x)), lambda t, z: t + sigma * z,
                                   np.array(mu), HERMITE, WEIGHTS)
    kl = (mu - m) / s**2
    js_slope = quad(lambda x: 0.5 * (x - mu) / sigma**2 * np.exp(log_g(x)) * (
        log_g(x) - np.logaddexp(log_g(x), log_r(x)) + log(2)), -20, 20, limit=200, epsabs=1e-11)[0]
    assert g == pytest.approx(kl - 2 * js_slope, rel=1e-5, abs=1e-6)


@given(SEEDS, st.floats(0.01, 10), st.floats(0.01, 10), st.floats(-5, 5).filter(lambda J: abs(J) > 0.01))
def test_G8_noisy_discriminators_give_cauchy_gradients(seed, sd_eps, sd_r, J) -> None:
    rng, n = np.random.default_rng(seed), 10_000
    eps, r = sd_eps * rng.standard_normal(n), sd_r * rng.standard_normal(n)
    g = optimal.generator_gradient(lambda x: -ad.log(ad.absolute(eps + r * x)), lambda t, z: J * t, np.zeros(n), None,
                                   np.ones(n))
    np.testing.assert_allclose(g, -J * r / eps, rtol=1e-9)
    bound = sqrt(log(2 / 1e-9) / 2)
    scale = abs(J) * sd_r / sd_eps
    assert kstest(g, "cauchy", args=(0, scale)).statistic <= bound / sqrt(n)
    means = g.reshape(-1, 10).mean(axis=1)
    assert kstest(means, "cauchy", args=(0, scale)).statistic <= bound / sqrt(n / 10)


@given(pairs(), st.floats(-3, 3))
def test_G9_least_squares_is_pearson(pair, c) -> None:
    p, q = pair
    some = p + q > 0
    chi2 = ((p - q)[some] ** 2 / (p + q)[some]).sum()
    assert 2 * optimal.least_squares_value(p, q, c - 1, c + 1, c) == pytest.approx(chi2, abs=1e-9)
    D = optimal.optimal_discriminator(*logs(p[some], q[some]), real=c + 1, fake=c - 1)
    np.testing.assert_allclose(D, c + ((p - q)[some] / (p + q)[some]), atol=1e-9)


@given(st.floats(-800, 800), st.floats(-3, 3))
def test_G10_where_each_loss_goes_flat(s, c) -> None:
    def slope(loss):
        score = Tensor(np.array([[s]]))
        return float(grad(loss(score), score).value[0, 0])

    assert slope(losses.minimax_generator) == pytest.approx(-expit(s), rel=1e-9)
    assert slope(losses.non_saturating_generator) == pytest.approx(-expit(-s), rel=1e-9)
    assert slope(lambda x: (0.5 * (x - c) ** 2).mean(losses.BATCH_AXES)) == pytest.approx(s - c)


@given(pairs(), st.floats(1e-3, 0.49), st.floats(1e-3, 0.49))
def test_G11_smoothed_labels(pair, alpha, beta) -> None:
    p, q = (x[pair[0] + pair[1] > 0] for x in pair)
    one = optimal.optimal_discriminator(*logs(p, q), real=1 - alpha, fake=0.0)
    two = optimal.optimal_discriminator(*logs(p, q), real=1 - alpha, fake=beta)
    np.testing.assert_allclose(one, (1 - alpha) * p / (p + q), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(two, ((1 - alpha) * p + beta * q) / (p + q), rtol=1e-9, atol=1e-300)
    # the smoothed cross-entropy is flat there: p(b/D − (1−b)/(1−D)) + q(a/D − (1−a)/(1−D)) = 0
    for D, b, a in ((one, 1 - alpha, 0.0), (two, 1 - alpha, beta)):
        np.testing.assert_allclose((p * b + q * a) * (1 - D), (p * (1 - b) + q * (1 - a)) * D, atol=1e-12)


@given(STARTS, RATES, st.integers(1, 60))
def test_G12_the_radius_grows_by_the_same_factor(start, eta, steps) -> None:
    r = dynamics.radius(dynamics.trajectory(dynamics.XY, dynamics.UPDATES["simultaneous"], np.array(start), steps, eta))
    np.testing.assert_allclose(r[1:] / r[:-1], sqrt(1 + eta**2), rtol=1e-12)


@given(STARTS, RATES)
def test_G12_alternating_steps_stay_and_the_flow_turns(start, eta) -> None:
    path = dynamics.trajectory(dynamics.XY, dynamics.UPDATES["alternating"], np.array(start), 300, eta)
    x, y = path[:, 0], path[:, 1]
    np.testing.assert_allclose(x**2 + y**2 - eta * x * y, start[0] ** 2 + start[1] ** 2 - eta * start[0] * start[1])
    path = dynamics.trajectory(dynamics.XY, dynamics.UPDATES["runge-kutta"], np.array(start), 100, 0.01)
    np.testing.assert_allclose(dynamics.radius(path), np.hypot(*start), rtol=1e-9)
    J = dynamics.step_jacobian(dynamics.XY, dynamics.UPDATES["alternating"], eta, np.array(start))
    np.testing.assert_allclose(np.abs(dynamics.eigenvalues(J)), 1, rtol=1e-12)


@given(st.floats(0.01, 0.4), st.floats(0.05, 1.5), st.floats(0.05, 1.5))
def test_G13_eigenvalues_of_the_dirac_gan(h, gamma, sigma) -> None:
    origin, rules = np.zeros(2), dynamics.UPDATES

    def modulus(game, rule="simultaneous"):
        return np.abs(dynamics.eigenvalues(dynamics.step_jacobian(game, rules[rule], h, origin))).max()

    for game in (dynamics.GAN, dynamics.NON_SATURATING):
        assert modulus(game) == pytest.approx(sqrt(1 + h**2 / 4), rel=1e-12)
        assert modulus(game, "alternating") == pytest.approx(1, rel=1e-7)
        assert modulus(game, "runge-kutta") == pytest.approx(1, rel=1e-4)
        assert modulus(game, "extragradient") < 1 and modulus(game, "optimistic") < 1
    assert modulus(dynamics.wgan()) == pytest.approx(sqrt(1 + h**2), rel=1e-12)
    penalties = [(dynamics.zero_centered_penalty(gamma), gamma), (dynamics.instance_noise(sigma), sigma**2 / 2)]
    for penalty, decay in penalties:
        J = dynamics.jacobian(penalty, origin)
        np.testing.assert_allclose(J, [[0, -0.5], [0.5, -decay]], rtol=1e-6, atol=1e-12)
        assert dynamics.eigenvalues(J).real.max() < 0
        if decay < 1 and h < 3.9 * decay:  # below 4: inside the circle. A complex pair, |λ|² = 1 − h·decay + h²/4
            assert modulus(penalty) == pytest.approx(sqrt(1 - h * decay + h**2 / 4), rel=1e-6)
            assert modulus(penalty) < 1
    np.testing.assert_allclose(dynamics.jacobian(dynamics.with_consensus(dynamics.GAN, gamma), origin),
                               [[-gamma / 4, -0.5], [0.5, -gamma / 4]], rtol=1e-9, atol=1e-12)


@given(STARTS)
def test_G13_wgan_does_not_settle_and_r1_does(start) -> None:
    def end(name):
        return dynamics.radius(dynamics.trajectory(dynamics.GAMES[name], dynamics.UPDATES["simultaneous"],
                                                   np.array(start), 1200, 0.2))[-100:]

    assert end("r1").max() < 1e-3
    for name in ("wgan", "wgan-gp"):
        assert end(name).min() > 0.5 and end(name).max() < 3


@given(STARTS, st.floats(0.05, 0.15), st.one_of(st.floats(0, 0.7), st.floats(1.3, 3)))
def test_G14_averaging_damps_above_a_quarter_of_the_step(start, eta, ratio) -> None:
    lam = ratio * eta / 4
    rate = log((1 - 2 * lam * eta) ** 2 + eta**2) / 2
    steps = int(2 / abs(rate))  # while r changes by e^±2: later a decay is held up by the mean, which falls as 1/t
    averaging = dynamics.historical_averaging(lam)
    r = dynamics.radius(dynamics.trajectory(dynamics.XY, averaging, np.array(start), steps, eta))
    assert log(r[-1] / r[0]) == pytest.approx(rate * steps, abs=0.7)
    assert (r[-1] < r[0]) == (ratio > 1)


@given(st.floats(0.05, 3), gaussians())
def test_G22_noise_makes_the_supports_overlap(distance, law) -> None:
    mu, sigma = law
    log_p, log_q = log_normal(mu, sigma), log_normal(mu + distance * sigma, sigma)
    value = optimal.optimal_value_between(log_p, log_q)
    assert 0.5 * (log(4) + value) < log(2) - 1e-4
    g = optimal.generator_gradient(lambda x: -softplus(log_p(x) - log_q(x)), lambda t, z: t + sigma * z,
                                   np.array(mu + distance * sigma), HERMITE, WEIGHTS)
    h = 1e-3 * sigma
    ends = [optimal.optimal_value_between(log_p, log_normal(mu + distance * sigma + d, sigma)) for d in (-h, h)]
    assert g * sigma == pytest.approx((ends[1] - ends[0]) / 2e-3, rel=1e-3, abs=1e-5)
    assert g * sigma > 0.01  # towards the data, however small σ is


@given(disjoint_pairs())
def test_G22_without_it_there_is_nothing_to_follow(pair) -> None:
    assert optimal.optimal_value(*pair) == 0  # JS = log 2, wherever the supports are


@given(st.lists(st.floats(-800, 800), min_size=1, max_size=6))
def test_G23_the_semi_supervised_discriminator(logits) -> None:
    D = optimal.semi_supervised_discriminator(np.array(logits))
    assert pytest.approx(softmax([*logits, 0.0])[:-1].sum(), rel=1e-9, abs=1e-300) == D


@given(st.integers(1, 6).flatmap(lambda n: st.tuples(
    probability_vectors(n), st.lists(probability_vectors(n), min_size=3, max_size=3), probability_vectors(3))))
def test_G24_a_mixture_is_no_further_than_the_mean(case) -> None:
    p, qs, w = case
    mixture = optimal.optimal_value(p, w @ np.array(qs))
    assert mixture <= sum(w_i * optimal.optimal_value(p, q) for w_i, q in zip(w, qs, strict=True)) + 1e-9


@given(st.integers(2, 5), st.integers(1, 4))
def test_G24_equal_shares_of_disjoint_modes_beat_each_alone(generators, modes) -> None:
    p = np.full(generators * modes + 1, 1 / (generators * modes + 1))  # one mode that none of them has
    shares = [np.bincount(k * modes + np.arange(modes), minlength=len(p)) / modes for k in range(generators)]
    assert optimal.optimal_value(p, np.mean(shares, axis=0)) < min(optimal.optimal_value(p, q) for q in shares) - 1e-3


@given(st.integers(6, 40))
def test_G24_a_single_mode_as_an_equal_partner_does_harm(n) -> None:
    p, one = np.full(n, 1 / n), np.eye(n)[-1]
    rest = (1 - one) / (n - 1)
    assert optimal.optimal_value(p, (rest + one) / 2) > optimal.optimal_value(p, rest)
    assert optimal.optimal_value(p, ((n - 1) * rest + one) / n) == pytest.approx(-2 * log(2))  # in its own share: none


@given(SEEDS, gaussians(), st.booleans())
def test_G25_inverse_transform(seed, law, logistic) -> None:
    mu, sigma = law
    standard = expit if logistic else ndtr

    def cdf(x):
        return standard((x - mu) / sigma)

    u = np.random.default_rng(seed).random(2000)
    x = optimal.inverse_transform(cdf, u, mu - 800 * sigma, mu + 800 * sigma)
    assert kstest(x, cdf).statistic <= sqrt(log(2 / 1e-9) / 2 / len(u))
    np.testing.assert_allclose(cdf(x), u, rtol=1e-6)
    assert (np.argsort(x) == np.argsort(u)).all() and x.max() < inf
