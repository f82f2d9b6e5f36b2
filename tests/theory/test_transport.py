"""Transport against scipy, closed forms and brute force; the extremes; and what is refused."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, stats

from minigan.autodiff import Tensor
from minigan.testing.strategies import gaussians, point_clouds, probability_vectors
from minigan.theory.fits import gaussian_w2
from minigan.theory.transport import (
    c_transform,
    earth_movers_piles,
    emd,
    emds,
    ground_cost,
    kantorovich_dual,
    sinkhorn,
    sliced_wasserstein,
    wasserstein_1d,
    wasserstein_assignment,
)

sizes, seeds = st.integers(1, 6), st.integers(0, 2**32 - 1)
exponents = st.sampled_from([1, 1.5, 2, 3])
NAN, INF = float("nan"), float("inf")
LINE, PLANE, HALF = np.array([0.0, 1.0]), np.eye(2), np.array([0.5, 0.5])


@st.composite
def measures(draw, dims=(1, 2, 3)):
    """Two weighted point clouds in one space: duplicates, zeros and near-zeros among them."""
    n, m, d = draw(sizes), draw(sizes), draw(st.sampled_from(dims))
    x, y = draw(point_clouds(n, d)), draw(point_clouds(m, d))
    return x, y, draw(probability_vectors(n)), draw(probability_vectors(m))


def scale(*arrays) -> float:
    """The size of the points: what tolerances are relative to."""
    return max(1e-9, *(float(abs(x).max()) for x in arrays))


# On the line


@given(measures(dims=(1,)))
def test_w1_on_the_line_is_scipys(given_measures) -> None:
    x, y, a, b = given_measures
    expected = stats.wasserstein_distance(x[:, 0], y[:, 0], a, b)
    assert wasserstein_1d(x[:, 0], y[:, 0], 1, a, b) == pytest.approx(expected, abs=1e-11 * scale(x, y))


@given(measures(dims=(1,)), exponents)
def test_w_p_on_the_line_is_the_programs(given_measures, p) -> None:
    x, y, a, b = given_measures
    found = emd(ground_cost(x, y, p), a, b)
    lower, upper = (max(v, 0) ** (1 / p) for v in (found.dual, found.value))
    # the p-th root of a mass of 1e-15 is no longer small, so the bounds get one too
    slack = scale(x, y) * 1e-9 ** (1 / p)
    assert lower - slack <= wasserstein_1d(x[:, 0], y[:, 0], p, a, b) <= upper + slack


@given(point_clouds(d=1), seeds, st.sampled_from([1, 2, 7, INF]))
def test_w_p_on_the_line_pairs_in_order(x, seed, p) -> None:
    x, y = x[:, 0], np.random.default_rng(seed).normal(size=len(x))
    gaps = abs(np.sort(x) - np.sort(y))
    expected = np.linalg.norm(gaps, p) / (len(x) ** (1 / p))
    assert wasserstein_1d(x, y, p) == pytest.approx(expected, rel=1e-12)


def test_rounding_of_the_weights_is_no_mass() -> None:
    """Ten times .1 accumulate to .9999999999999999: at p = 20 that alone would cost .16 · 9."""
    x = np.arange(10.0)
    for p in (1, 2, 20, INF):
        assert wasserstein_1d(x, x, p, np.full(10, 0.1)) < 1e-12
        assert wasserstein_1d(x, x[::-1], p, None, np.full(10, 0.1)) < 1e-12


@pytest.mark.parametrize("size", [1e-300, 1e-3, 1, 1e3, 1e300])
@pytest.mark.parametrize("p", [1, 2, 50, INF])
def test_no_power_overflows(size, p) -> None:
    x = np.array([0.0, 1.0]) * size
    assert wasserstein_1d(x, x + size, p) == pytest.approx(size)
    if p < INF:
        plane = np.stack([x, 0 * x], axis=1)
        assert wasserstein_assignment(plane, plane + [size, 0], p) == pytest.approx(size)


def test_zero_weights_do_not_count() -> None:
    x, w = np.array([-50.0, 0, 1, 99]), np.array([0, 0.5, 0.5, 0])
    assert wasserstein_1d(x, np.array([0.0, 1]), 1, w) == 0
    assert wasserstein_1d(x, np.array([0.0, 1]), INF, w) == 0


# Assignment and the program


@given(st.integers(1, 5), st.integers(1, 3), seeds, exponents)
def test_assignment_is_the_best_of_all_pairings(n, d, seed, p) -> None:
    x, y = np.random.default_rng(seed).integers(-2, 3, size=(2, n, d)) * 1.0
    gaps = np.linalg.norm(x[:, None] - y, axis=2) ** p
    best = min(gaps[range(n), order].mean() for order in permutations(range(n))) ** (1 / p)
    assert wasserstein_assignment(x, y, p) == pytest.approx(best, abs=1e-12)
    assert emd(gaps).value ** (1 / p) == pytest.approx(best, abs=1e-6)


@given(measures(), exponents)
def test_the_program_certifies_itself(given_measures, p) -> None:
    x, y, a, b = given_measures
    cost = ground_cost(x, y, p)
    t, unit = emd(cost, a, b), max(cost.max(), 1e-300)
    assert abs(t.gap) <= 1e-8 * unit
    assert (t.plan >= 0).all()
    np.testing.assert_allclose(t.plan.sum(axis=1), a, atol=1e-9)
    np.testing.assert_allclose(t.plan.sum(axis=0), b, atol=1e-9)
    assert (t.psi[:, None] + t.psi_c <= cost + 1e-12 * unit).all()
    high = c_transform(t.psi_c, cost.T)  # ψ is as high as ψᶜ allows, massless points too
    np.testing.assert_allclose(t.psi, high, rtol=0, atol=1e-14 * unit)
    assert t.dual == pytest.approx(a @ t.psi + b @ t.psi_c, abs=1e-12 * unit)
    assert t.value == pytest.approx((t.plan * cost).sum(), abs=1e-12 * unit)


@pytest.mark.parametrize("size", [1e-12, 1e-3, 1e3, 1e12])
def test_the_program_has_no_scale(size) -> None:
    cost = np.random.default_rng(0).random((5, 6))
    assert emd(size * cost).value == pytest.approx(size * emd(cost).value, rel=1e-9)
    assert emd(cost - 3).value == pytest.approx(emd(cost).value - 3, rel=1e-9)  # costs may be negative


# Sinkhorn


@given(measures(), st.sampled_from([1e-2, 0.1, 1.0]), st.sampled_from([0, 1, 200]))
def test_sinkhorn_is_certified_whether_it_converged_or_not(given_measures, epsilon, iterations) -> None:
    x, y, a, b = given_measures
    cost = ground_cost(x, y)
    unit = max(cost.max(), 1e-300)
    t = sinkhorn(cost, a, b, epsilon * unit, max_iterations=iterations)
    exact, slack = emd(cost, a, b), 1e-8 * unit
    assert t.dual - slack <= exact.dual and exact.value <= t.value + slack
    assert t.gap >= -slack
    assert (t.plan >= 0).all()
    np.testing.assert_allclose(t.plan.sum(axis=1), a, atol=1e-14)
    np.testing.assert_allclose(t.plan.sum(axis=0), b, atol=1e-14)
    assert (t.psi[:, None] + t.psi_c <= cost + 1e-12 * unit).all()
    high = c_transform(t.psi_c, cost.T)  # ψ is as high as ψᶜ allows, massless points too
    np.testing.assert_allclose(t.psi, high, rtol=0, atol=1e-14 * unit)


def test_sinkhorn_is_the_textbooks_where_that_does_not_underflow() -> None:
    rng = np.random.default_rng(1)
    cost, a, b = rng.random((5, 7)), rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(7))
    K, v = np.exp(-cost / 0.1), np.ones(7)
    for _ in range(2000):
        u = a / (K @ v)
        v = b / (K.T @ u)
    np.testing.assert_allclose(sinkhorn(cost, a, b, 0.1, tolerance=1e-14).plan, u[:, None] * K * v, atol=1e-12)


def test_sinkhorn_tends_to_the_program() -> None:
    rng = np.random.default_rng(2)
    cost = ground_cost(rng.normal(size=(8, 2)), rng.normal(size=(8, 2)))
    gaps = [sinkhorn(cost, None, None, epsilon).gap for epsilon in (1, 0.1, 0.01, 1e-3)]
    assert gaps == sorted(gaps, reverse=True) and gaps[-1] < 1e-3
    assert np.isfinite(sinkhorn(1e3 * cost, None, None, 1e-2, max_iterations=50).value)  # e^{-10^5}: the log domain


# The dual


@given(measures(), seeds)
def test_three_transforms_are_one_and_two_only_raise(given_measures, seed) -> None:
    x, y, a, b = given_measures
    cost, psi = ground_cost(x, y, 2), np.random.default_rng(seed).normal(size=len(x))
    once = c_transform(psi, cost)
    twice = c_transform(once, cost.T)
    slack = 1e-9 * scale(cost, psi)
    assert (twice >= psi - slack).all()
    np.testing.assert_allclose(c_transform(twice, cost), once, atol=slack)
    assert kantorovich_dual(psi, cost, a, b) <= kantorovich_dual(twice, cost, a, b) + slack
    assert kantorovich_dual(twice, cost, a, b) <= emd(cost, a, b).value + 1e-8 * scale(cost) + slack


# Gaussians


@given(gaussians(), gaussians())
def test_gaussians_on_the_line(one, two) -> None:
    (mu, sigma), (nu, tau) = one, two
    found = gaussian_w2([mu], [[sigma**2]], [nu], [[tau**2]])
    assert found == pytest.approx(np.hypot(mu - nu, sigma - tau), rel=1e-9, abs=1e-12)


@given(st.integers(1, 5), seeds, st.floats(-3, 3), st.floats(-3, 3))
def test_gaussians_by_matrix_roots(d, seed, log_s, log_t) -> None:
    rng = np.random.default_rng(seed)
    A, B, mu, nu = *rng.normal(size=(2, d, d)), *rng.normal(size=(2, d))
    S, T = 10 ** (2 * log_s) * A @ A.T, 10 ** (2 * log_t) * B @ B.T
    half = linalg.sqrtm(S).real
    squared = ((mu - nu) ** 2).sum() + np.trace(S + T) - 2 * np.trace(linalg.sqrtm(half @ T @ half).real)
    size = np.trace(S) + np.trace(T) + 1
    assert gaussian_w2(mu, S, nu, T) ** 2 == pytest.approx(squared, rel=1e-6, abs=1e-6 * size)
    assert gaussian_w2(nu, T, mu, S) == pytest.approx(gaussian_w2(mu, S, nu, T), rel=1e-6, abs=1e-9 * size)
    assert gaussian_w2(mu, S, mu, S) <= 1e-7 * size


def test_near_gaussians_do_not_cancel_and_singular_ones_work() -> None:
    zero, eye = np.zeros(2), np.eye(2)
    near = gaussian_w2(zero, eye, zero, (1 + 1e-9) ** 2 * eye)
    assert near == pytest.approx(np.sqrt(2) * 1e-9, rel=1e-6)
    point, line = np.zeros((2, 2)), np.diag([4.0, 0.0])
    assert gaussian_w2([3, 4], point, zero, point) == pytest.approx(5)  # two Diracs
    assert gaussian_w2(zero, line, zero, point) == pytest.approx(2)
    assert gaussian_w2(zero, line, zero, line[::-1, ::-1]) == pytest.approx(np.sqrt(8))  # orthogonal: no overlap


# Slices and piles


@given(measures(), seeds, exponents)
def test_slices_are_below_and_do_not_mind_the_directions_length(given_measures, seed, p) -> None:
    x, y, a, b = given_measures
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=(4, x.shape[1]))
    sliced = sliced_wasserstein(x, y, theta, p, a, b)
    assert sliced <= max(emd(ground_cost(x, y, p), a, b).value, 0) ** (1 / p) + scale(x, y) * 1e-9 ** (1 / p)
    assert sliced_wasserstein(x, y, -7 * theta, p, a, b) == pytest.approx(sliced, abs=1e-4 * scale(x, y))
    if x.shape[1] == 1:
        slack = scale(x, y) * 1e-9 ** (1 / p)
        assert sliced == pytest.approx(wasserstein_1d(x[:, 0], y[:, 0], p, a, b), abs=slack)


def test_piles_take_whole_numbers_of_any_type() -> None:
    P, Q = [3, 2, 1, 4], [1, 2, 4, 3]
    for dtype in (int, "uint8", float):  # 1 − 4 is 253 in uint8
        assert earth_movers_piles(np.array(P, dtype), np.array(Q, dtype)).tolist() == [0, 2, 2, -1, 0]


# What is taken, and what is refused

MASKED = np.ma.array([[0.0, 1.0], [1.0, 0.0]], mask=[[0, 1], [0, 0]])


@pytest.mark.parametrize("call", [
    lambda bad: emd(bad), lambda bad: sinkhorn(bad, None, None, 1.0), lambda bad: c_transform([0, 0], bad),
    lambda bad: c_transform(bad[0], PLANE), lambda bad: kantorovich_dual(bad[0], PLANE), lambda bad: emd(PLANE, bad[0]),
    lambda bad: next(emds(PLANE, None, [bad[0]])), lambda bad: emds(bad, None, []), lambda bad: ground_cost(bad, PLANE),
    lambda bad: wasserstein_1d(bad[0], LINE), lambda bad: wasserstein_1d(LINE, LINE, 1, bad[0]),
    lambda bad: sliced_wasserstein(PLANE, bad, PLANE), lambda bad: sliced_wasserstein(PLANE, PLANE, bad),
    lambda bad: wasserstein_assignment(PLANE, bad), lambda bad: earth_movers_piles(bad[0], LINE),
])
def test_masked_entries_text_and_tensors_are_refused_by_name(call) -> None:
    with pytest.raises(ValueError, match="masked entries"):
        call(MASKED)
    with pytest.raises(TypeError, match="must hold real numbers, not <U"):
        call([["0", "1"], ["1", "0"]])
    with pytest.raises(TypeError, match="is a Tensor, whose gradient would be lost"):
        call(Tensor(np.eye(2)))


def test_lists_are_taken() -> None:
    cost, half = [[0, 2], [1, 0]], [0.5, 0.5]
    assert emd(cost, half, [1, 0]).value == 0.5 and [t.value for t in emds(cost, half, [[1, 0], half])] == [0.5, 0]
    assert sinkhorn(cost, half, half, 0.01).value == pytest.approx(0)
    assert c_transform([0, 1], cost).tolist() == [0, -1] and kantorovich_dual([0, 1], cost) == 0
    assert ground_cost([[0, 3]], [[4, 0]]).tolist() == [[5]] and wasserstein_1d([0, 1], [3, 2], 1, half, half) == 2
    assert sliced_wasserstein([[0, 0]], [[1, 0]], [[1, 0]]) == 1 and wasserstein_assignment([[0, 0]], [[0, 2]]) == 2
    assert earth_movers_piles([1, 0], [0, 1]).tolist() == [0, 1, 0]



@pytest.mark.parametrize("bad", [[0.5, 0.4], [1.5, -0.5], [NAN, 1], [1.0], [], [INF, 0], [[0.5, 0.5]]])
@pytest.mark.parametrize("call", [
    lambda w: wasserstein_1d(LINE, LINE, 1, w), lambda w: wasserstein_1d(LINE, LINE, 1, None, w),
    lambda w: emd(PLANE, w, HALF), lambda w: emd(PLANE, HALF, w), lambda w: sinkhorn(PLANE, w, None, 1.0),
    lambda w: kantorovich_dual(LINE, PLANE, HALF, w), lambda w: sliced_wasserstein(PLANE, PLANE, PLANE, 1, w),
])
def test_what_are_no_weights(call, bad) -> None:
    with pytest.raises(ValueError, match=r"must|sum to 1"):
        call(np.array(bad, dtype=float))


@pytest.mark.parametrize(("call", "message"), [
    (lambda: wasserstein_1d(np.array([]), LINE), r"x must have shape \(n, dim\), not \(0, 1\)"),
    (lambda: wasserstein_1d(PLANE, LINE), r"x must be points on the line, of shape \(n,\), not \(2, 2\)"),
    (lambda: wasserstein_1d(np.array([0.0, NAN]), LINE), "1 of 2 points are not finite"),
    (lambda: wasserstein_1d(LINE, LINE, 0.5), "p must be at least 1, not 0.5"),
    (lambda: wasserstein_1d(LINE, LINE, NAN), "p must be at least 1"),
    (lambda: wasserstein_assignment(PLANE, PLANE[:1]), r"equal size and dimension, not \(2, 2\) and \(1, 2\)"),
    (lambda: wasserstein_assignment(PLANE, LINE), r"y must have shape \(n, dim\), not \(2,\)"),
    (lambda: wasserstein_assignment(PLANE, PLANE, INF), "p must be finite here"),
    (lambda: ground_cost(PLANE, LINE[:, None]), r"\(2, 2\) and \(2, 1\) have different dimensions"),
    (lambda: emd(LINE), r"cost must have shape \(n, m\), not \(2,\)"),
    (lambda: emd(np.zeros((0, 2))), r"cost must have shape \(n, m\), not \(0, 2\)"),
    (lambda: emd(np.array([[INF]])), "must be finite"),
    (lambda: sinkhorn(PLANE, None, None, 0.0), "epsilon must be positive and finite, not 0.0"),
    (lambda: c_transform(np.zeros(3), PLANE), r"potential of shape \(3,\) .* cost \(2, 2\)"),
    (lambda: c_transform(np.array([0, INF]), PLANE), "the potential must be finite"),
    (lambda: gaussian_w2(LINE, PLANE, np.zeros(3), np.eye(3)), "dimensions 2 and 3"),
    (lambda: gaussian_w2(LINE, np.eye(3), LINE, PLANE), r"not \(2,\) and \(3, 3\)"),
    (lambda: gaussian_w2(LINE, -PLANE, LINE, PLANE), "covariance of x must be symmetric and positive semi-definite"),
    (lambda: gaussian_w2(LINE, PLANE, LINE, np.array([[1, 0.5], [0, 1]])), "covariance of y must be symmetric"),
    (lambda: gaussian_w2(np.array([NAN, 0]), PLANE, LINE, PLANE), "of x must be finite"),
    (lambda: sliced_wasserstein(PLANE, PLANE, np.zeros((1, 2))), "a direction has length 0"),
    (lambda: sliced_wasserstein(PLANE, PLANE, np.ones((1, 3))), r"directions \(1, 3\) have different dimensions"),
    (lambda: earth_movers_piles(LINE, np.ones(3)), r"shapes \(2,\) and \(3,\)"),
    (lambda: earth_movers_piles(np.array([]), np.array([])), r"shapes \(0,\) and \(0,\)"),
    (lambda: earth_movers_piles(LINE, 2 * LINE), "equal totals, not 1 and 2"),
    (lambda: earth_movers_piles(-LINE, -LINE), "must not be negative or nan"),
])
def test_what_is_refused_is_named(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()
