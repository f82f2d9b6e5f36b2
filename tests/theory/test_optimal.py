"""D*, what it is worth, the generator's gradients, sampling by F⁻¹: against scipy, closed forms and by hand."""

from math import inf, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.spatial.distance import jensenshannon
from scipy.special import expit, log_expit, ndtr, ndtri, softmax

from minigan.autodiff import softplus
from minigan.testing.strategies import disjoint_pairs, gaussians, mixtures, pairs, probability_vectors
from minigan.theory import optimal
from minigan.theory.divergences import TOTAL_VARIATION, divergence_between

LOG_DENSITIES = st.one_of(st.floats(-700, 700), st.just(-inf))


def log_normal(mu, sigma):
    return lambda x: -0.5 * ((x - mu) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)


@given(st.lists(st.tuples(LOG_DENSITIES, LOG_DENSITIES), min_size=1, max_size=6))
def test_the_discriminator_is_a_probability_everywhere(rows) -> None:
    log_p, log_q = np.array(rows).T
    D = optimal.optimal_discriminator(log_p, log_q)
    assert ((D >= 0) & (D <= 1)).all()
    np.testing.assert_allclose(D + optimal.optimal_discriminator(log_q, log_p), 1, rtol=1e-12)
    some = (log_p > -inf) | (log_q > -inf)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(D[some], expit(log_p[some] - log_q[some]), rtol=1e-12, atol=1e-300)
    assert (D[~some] == 0.5).all()


def test_labels_and_precision() -> None:
    D = optimal.optimal_discriminator(np.zeros(3, dtype="float32"), np.array([-1, 0, 1], dtype="float32"), 0.9, 0.1)
    assert D.dtype == np.float32
    np.testing.assert_allclose(D, 0.1 + 0.8 * expit([1, 0, -1]), rtol=1e-6)
    far = optimal.optimal_discriminator(np.array([-700.0]), np.array([0.0]))
    np.testing.assert_allclose(far, np.exp(-700), rtol=1e-12)  # σ as 1 − σ(−s) would have no digit left


@given(pairs(), st.data())
def test_the_value_is_what_it_says(pair, data) -> None:
    p, q = pair
    s = np.array(data.draw(st.lists(st.floats(-50, 50), min_size=len(p), max_size=len(p))))
    v = optimal.value(s, p, q)
    assert v <= 0
    np.testing.assert_allclose(v, p @ log_expit(s) + q @ log_expit(-s), rtol=1e-12)
    assert v <= optimal.optimal_value(p, q) + 1e-12


def test_a_sure_discriminator_that_is_wrong_pays_infinitely() -> None:
    p, q = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    assert optimal.value(np.array([-inf, inf]), p, q) == -inf
    assert optimal.value(np.array([0.0, inf]), p, q) == pytest.approx(-1.5 * log(2))  # sure, and right


@given(pairs())
def test_the_optimal_value_is_scipys(pair) -> None:
    p, q = pair
    v = optimal.optimal_value(p, q)
    assert -2 * log(2) - 1e-9 <= v <= 0
    with np.errstate(invalid="ignore"):  # scipy's root of a JS that rounds to −1e-17
        root = np.nan_to_num(jensenshannon(p, q))
    np.testing.assert_allclose(v, 2 * root**2 - 2 * log(2), atol=1e-12)


@given(disjoint_pairs())
def test_disjoint_is_exactly_zero(pair) -> None:
    assert optimal.optimal_value(*pair) == 0


@given(gaussians(), gaussians())
def test_densities_of_any_scale(first, second) -> None:
    log_p, log_q = log_normal(*first), log_normal(*second)
    v = optimal.optimal_value_between(log_p, log_q)
    assert -2 * log(2) - 1e-9 <= v <= 1e-12
    np.testing.assert_allclose(v, optimal.optimal_value_between(log_q, log_p), atol=1e-9)
    if second[1] / 3 < first[1] < 3 * second[1] and abs(first[0] - second[0]) < 20 * first[1]:
        low = min(m - 40 * s for m, s in (first, second))
        high = max(m + 40 * s for m, s in (first, second))

        def by_hand(x):
            a, b = log_p(x), log_q(x)
            return -np.exp(a) * np.logaddexp(0, b - a) - np.exp(b) * np.logaddexp(0, a - b)

        expected = quad(by_hand, low, high, points=[first[0], second[0]], limit=500, epsabs=1e-12)[0]
        np.testing.assert_allclose(v, expected, atol=1e-8)


@given(mixtures(), mixtures())
def test_mixtures_on_the_line(first, second) -> None:
    def log_density(mixture):
        means, sigma, weights = mixture
        parts = [log_normal(m, sigma) for m in means[:, 0]]
        return lambda x: np.logaddexp.reduce([log(w) + part(x) for w, part in zip(weights, parts, strict=True)])

    peaks = [*first[0][:, 0], *second[0][:, 0]]
    v = optimal.optimal_value_between(log_density(first), log_density(second), points=peaks)
    grid = np.linspace(-12, 12, 4001)
    fine = np.unique(np.concatenate([m + s * grid for means, s, _ in (first, second) for m in means[:, 0]]))
    a, b = (log_density(m)(fine) for m in (first, second))
    terms = -np.exp(a) * np.logaddexp(0, b - a) - np.exp(b) * np.logaddexp(0, a - b)
    np.testing.assert_allclose(v, np.trapezoid(terms, fine), atol=1e-4)


def test_jumps_and_touching_supports() -> None:
    def uniform(low, high):
        return lambda x: np.where((x >= low) & (x < high), -log(high - low), -inf)

    between = optimal.optimal_value_between
    assert between(uniform(0, 1), uniform(1, 2), -1, 3, points=[0, 1, 2]) == pytest.approx(0, abs=1e-12)
    assert between(uniform(0, 1), uniform(0, 1), -1, 3, points=[0, 1]) == pytest.approx(-2 * log(2))
    # half of each in common, where p = q: V = 2 · ½ log ½ = −log 2
    assert between(uniform(0, 1), uniform(0.5, 1.5), -1, 3, points=[0, 0.5, 1, 1.5]) == pytest.approx(-log(2))


@given(pairs(), st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3))
def test_least_squares(pair, a, b, c) -> None:
    p, q = pair
    some = p + q > 0
    D = np.where(some, (b * p + a * q) / np.where(some, p + q, 1), 0)
    expected = 0.5 * (p @ (D - c) ** 2 + q @ (D - c) ** 2)
    np.testing.assert_allclose(optimal.least_squares_value(p, q, a, b, c), expected, rtol=1e-9, atol=1e-12)
    assert optimal.least_squares_value(p, q) >= 0


def test_least_squares_between_agrees_with_its_sum() -> None:
    x = np.linspace(-15, 16, 20001)
    p, q = (np.exp(log_normal(m, 1)(x)) for m in (0, 1))
    by_sum = optimal.least_squares_value(p / p.sum(), q / q.sum(), -0.5, 1.5, 0.25)
    between = optimal.least_squares_value_between(log_normal(0, 1), log_normal(1, 1), a=-0.5, b=1.5, c=0.25)
    assert between == pytest.approx(by_sum, rel=1e-9)


@given(pairs(), st.floats(0.01, 100))
def test_the_energy_game_is_worth_the_overlap(pair, m) -> None:
    p, q = pair
    with np.errstate(divide="ignore"):
        D = optimal.optimal_energy(np.log(p), np.log(q), m)
    np.testing.assert_array_equal(D[np.abs(p - q) > 1e-12 * p], np.where(p < q, m, 0)[np.abs(p - q) > 1e-12 * p])
    v = optimal.energy_value(p, q, m)
    np.testing.assert_allclose(v, p @ D + q @ np.maximum(m - D, 0), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(v, m * (1 - 0.5 * np.abs(p - q).sum()), rtol=1e-9, atol=1e-12 * m)
    assert optimal.energy_value(p, p, m) == pytest.approx(m, rel=1e-12)
    assert optimal.optimal_energy(np.zeros(1, "float32"), np.ones(1, "float32")).dtype == np.float32


@given(gaussians(), gaussians(), st.floats(0.1, 10))
def test_the_energy_game_on_the_line(first, second, m) -> None:
    v = optimal.energy_value_between(log_normal(*first), log_normal(*second), margin=m)
    tv = divergence_between(TOTAL_VARIATION, log_normal(*first), log_normal(*second))
    assert v == pytest.approx(m * (1 - tv), abs=1e-8 * m)
    mu, sigma = first
    v = optimal.energy_value_between(log_normal(mu, sigma), log_normal(mu + 2 * sigma, sigma), margin=m)
    assert v == pytest.approx(2 * m * ndtr(-1.0), rel=1e-8)  # they cross half way: TV = 1 − 2 Φ(−1)


def test_the_gradient_holds_the_discriminator_fixed() -> None:
    z = np.array([-1.0, 0.5, 2.0])
    g = optimal.generator_gradient(lambda x: softplus(-3.0 * x), lambda t, z: t[0] + t[1] * z, np.array([0.2, 0.7]), z)
    slope = -3 * expit(-3 * (0.2 + 0.7 * z))
    np.testing.assert_allclose(g, [slope.mean(), (slope * z).mean()], rtol=1e-12)
    weights = np.array([0.5, 0.25, 0.25])
    g = optimal.generator_gradient(lambda x: softplus(-3.0 * x), lambda t, z: t[0] + t[1] * z, np.array([0.2, 0.7]),
                                   z, weights)
    np.testing.assert_allclose(g, [weights @ slope, weights @ (slope * z)], rtol=1e-12)
    single = optimal.generator_gradient(lambda x: -softplus(x), lambda t, z: t + z, np.zeros(1, "float32"),
                                        np.zeros(2, "float32"))
    assert single.dtype == np.float32


@given(st.lists(st.lists(st.floats(-800, 800), min_size=3, max_size=3), min_size=1, max_size=4))
def test_semi_supervised_is_softmax(rows) -> None:
    logits = np.array(rows)
    D = optimal.semi_supervised_discriminator(logits)
    full = softmax(np.concatenate([logits, np.zeros((len(logits), 1))], axis=1), axis=1)
    np.testing.assert_allclose(D, full[:, :3].sum(axis=1), rtol=1e-9, atol=1e-300)
    assert ((D >= 0) & (D <= 1)).all()


def test_semi_supervised_at_infinity() -> None:
    logits = np.array([[inf, 0.0], [-inf, -inf], [0.0, -inf], [1000.0, inf]])
    np.testing.assert_array_equal(optimal.semi_supervised_discriminator(logits), [1, 0, 0.5, 1])


@given(st.floats(0, 0.999), st.floats(0, 1e6))
def test_the_bound(eps, m) -> None:
    assert optimal.saturation_bound(m, eps) == pytest.approx(m * (1 / (1 - eps) - 1), rel=1e-9, abs=1e-9)


@given(st.lists(st.floats(1e-12, 1 - 1e-12), min_size=1, max_size=5), gaussians())
def test_inverse_transform_of_gaussians(u, law) -> None:
    mu, sigma = law
    x = optimal.inverse_transform(lambda x: ndtr((x - mu) / sigma), np.array(u), mu - 40 * sigma, mu + 40 * sigma)
    np.testing.assert_allclose(ndtr((x - mu) / sigma), u, rtol=1e-6)
    np.testing.assert_allclose((x - mu) / sigma, ndtri(u), rtol=1e-4, atol=1e-9 * (1 + abs(mu) / sigma))


@given(probability_vectors(), st.lists(st.floats(1e-9, 1 - 1e-9), min_size=1, max_size=5))
def test_inverse_transform_of_a_staircase(p, u) -> None:
    total = np.minimum(np.cumsum(p), 1)
    total[-1] = 1.0

    def cdf(x):
        steps = np.searchsorted(np.arange(len(p)), x, side="right")
        return np.concatenate([[0.0], total])[steps]

    u = np.concatenate([u, total[total > 0]])  # at a jump's own height the jump is the answer: inf {x : F(x) ≥ u}
    x = optimal.inverse_transform(cdf, u, -1.0, len(p) + 1.0)
    np.testing.assert_allclose(x, np.searchsorted(total, u), atol=1e-12)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: optimal.optimal_logit(np.zeros(2), np.zeros(3)), r"\(2,\).*\(3,\)"),
    (lambda: optimal.optimal_logit(np.array([nan]), np.zeros(1)), "nan"),
    (lambda: optimal.optimal_logit(np.array([0.0]), np.array([inf])), "inf"),
    (lambda: optimal.value(np.zeros(1), np.array([0.5, 0.5]), np.array([0.5, 0.5])), r"logits .*\(1,\).*\(2,\)"),
    (lambda: optimal.value(np.array([nan, 0]), np.array([0.5, 0.5]), np.array([0.5, 0.5])), "logits must not be nan"),
    (lambda: optimal.optimal_value(np.array([0.5, 0.6]), np.array([0.5, 0.5])), r"p must sum to 1.*1\.1"),
    (lambda: optimal.optimal_value(np.array([0.5, 0.5]), np.array([-0.5, 1.5])), "q must .*-0.5"),
    (lambda: optimal.optimal_value(np.array([0.5, nan]), np.array([0.5, 0.5])), "nan"),
    (lambda: optimal.optimal_value(np.zeros(0), np.zeros(0)), r"\(0,\)"),
    (lambda: optimal.optimal_value(np.array([1.0]), np.array([0.5, 0.5])), r"\(1,\).*\(2,\)"),
    (lambda: optimal.least_squares_value(np.array([0.5, 0.4]), np.array([0.5, 0.5])), "sum to 1"),
    (lambda: optimal.optimal_value_between(log_normal(0, 1), log_normal(0, 1), -1, 1), "0.68.*not to 1"),
    (lambda: optimal.optimal_value_between(lambda x: x + nan, log_normal(0, 1)), "nan"),
    (lambda: optimal.energy_value(np.array([0.5, 0.4]), np.array([0.5, 0.5])), "sum to 1"),
    (lambda: optimal.energy_value(np.array([1.0]), np.array([1.0]), 0.0), "margin.*not 0"),
    (lambda: optimal.optimal_energy(np.zeros(2), np.zeros(2), nan), "margin.*nan"),
    (lambda: optimal.optimal_energy(np.zeros(2), np.zeros(3)), r"\(2,\).*\(3,\)"),
    (lambda: optimal.energy_value_between(log_normal(0, 1), log_normal(0, 1), -1, 1), "0.68.*not to 1"),
    (lambda: optimal.saturation_bound(1.0, 1.0), "eps < 1"),
    (lambda: optimal.saturation_bound(1.0, nan), "eps"),
    (lambda: optimal.saturation_bound(-1.0, 0.5), "m = -1"),
    (lambda: optimal.semi_supervised_discriminator(np.zeros((2, 0))), r"\(2, 0\)"),
    (lambda: optimal.semi_supervised_discriminator(np.array([nan])), "nan"),
    (lambda: optimal.inverse_transform(ndtr, np.array([0.5, nan]), -9.0, 9.0), "nan"),
    (lambda: optimal.inverse_transform(ndtr, np.array([0.9]), -9.0, 1.0), r"F\(-9\) and F\(1\)"),
    (lambda: optimal.inverse_transform(ndtr, np.array([0.9]), -inf, inf), "finite range"),
])
def test_what_is_refused(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("call", [
    lambda x: optimal.optimal_logit(x, x), lambda x: optimal.value(x, [0.2, 0.8], [0.5, 0.5]),
    lambda x: optimal.optimal_value(x, x), lambda x: optimal.energy_value(x, [0.5, 0.5]),
    lambda x: optimal.semi_supervised_discriminator(x), lambda x: optimal.inverse_transform(ndtr, x, -9.0, 9.0),
])
def test_lists_are_taken_and_masked_entries_are_not(call) -> None:
    np.testing.assert_array_equal(call([0.2, 0.8]), call(np.array([0.2, 0.8])))
    with pytest.raises(ValueError, match="1 masked entries of 2"):
        call(np.ma.masked_array([0.2, 0.8], [False, True]))
