"""Transport against scipy, closed forms and brute force; the extremes; and what is refused."""

from fractions import Fraction
from itertools import permutations
from math import exp, hypot, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, optimize, special, stats

from minigan.autodiff import Tensor
from minigan.testing.strategies import gaussians, point_clouds, probability_vectors
from minigan.theory import entropic, program
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
    np.testing.assert_array_equal(t.psi, c_transform(t.psi_c, cost.T))  # as high as ψᶜ allows, massless points too
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
    np.testing.assert_array_equal(t.psi, c_transform(t.psi_c, cost.T))  # as high as ψᶜ allows, massless points too


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


# Sizes: nothing is lost, or it is said


def exact_gap(t, cost, a, b) -> tuple[float, float]:
    """(value − dual, the largest error of a marginal), with the plan, the prices and the weights taken as fractions."""
    a, b = ([Fraction(w) / sum(map(Fraction, ws)) for w in ws] for ws in (a.tolist(), b.tolist()))
    plan = [[Fraction(x) for x in row] for row in t.plan.tolist()]
    value = sum(x * Fraction(c) for row, costs in zip(plan, cost.tolist(), strict=True)
                for x, c in zip(row, costs, strict=True))
    dual = sum(w * Fraction(z) for ws, prices in ((a, t.psi), (b, t.psi_c))
               for w, z in zip(ws, prices.tolist(), strict=True))
    sums = [sum(row) for row in plan] + [sum(column) for column in zip(*plan, strict=True)]
    return float(value - dual), max(abs(float(s - w)) for s, w in zip(sums, a + b, strict=True))


@pytest.mark.parametrize("seed", range(20))
def test_weights_over_nine_decades(seed) -> None:
    """On the line the distance is known, and the plan is proved in fractions."""
    rng = np.random.default_rng(seed)
    a, b = np.exp(10 * rng.normal(size=(2, 8)))
    a, b, i = a / a.sum(), b / b.sum(), np.arange(8.0)
    cost = abs(i[:, None] - i)
    t, expected = emd(cost, a, b), stats.wasserstein_distance(i, i, a, b)
    assert t.value == pytest.approx(expected, rel=1e-12)
    gap, wrong = exact_gap(t, cost, a, b)
    assert abs(gap) <= 1e-14 * expected and wrong <= 1e-16
    np.testing.assert_allclose(t.plan.sum(axis=1), a, rtol=1e-13)  # the smallest too
    np.testing.assert_allclose(t.plan.sum(axis=0), b, rtol=1e-13)


@pytest.mark.parametrize("tiny", [1e-12, 1e-20, 1e-300])
def test_every_mass_counts(tiny) -> None:
    assert wasserstein_1d([0.0, 5.0], [0.0], INF, [1, tiny]) == 5
    assert wasserstein_1d([0.0, 5.0, 10.0], [0.0, 10.0], INF, [0.5, tiny, 0.5]) == 5
    assert wasserstein_1d([0.0, 5.0], [0.0], 1, [1, tiny]) == pytest.approx(5 * tiny, rel=1e-12)
    assert emd([[0.0], [5.0]], [1, tiny], [1]).value == pytest.approx(5 * tiny, rel=1e-12)
    assert emd([[0.0], [1 / tiny]], [1, tiny], [1]).value == pytest.approx(1 / (1 + tiny), rel=1e-14)


def test_a_far_point_without_mass_does_not_matter() -> None:
    x = np.array([0.0, 1, 2, 1e8])
    cost = (x[:, None] - (x + 0.5)) ** 2
    a, b = np.array([0.3, 0.3, 0.4, 0]), np.array([0.1, 0.5, 0.4, 0])
    t = emd(cost, a, b)
    assert t.value == pytest.approx(0.8 * 0.5**2 + 0.2 * 1.5**2, rel=1e-12)  # .2 of the first goes one further
    assert t.value == pytest.approx(wasserstein_1d(x, x + 0.5, 2, a, b) ** 2, rel=1e-12)
    assert abs(t.gap) < 1e-12


@pytest.mark.parametrize("size", [1e3, 1e10, 1e15, 1e100, 1e300])
@pytest.mark.parametrize("kind", ["any weights", "equal weights", "blocks that add up but for rounding"])
def test_forbidden_cells_cost_nothing_if_no_mass_need_go_there(size, kind) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.dirichlet(np.ones(6), size=2) if kind == "any weights" else np.full((2, 6), 1 / 6)
    forbidden = rng.random((6, 6)) < 0.35
    np.fill_diagonal(forbidden, False)
    if kind.startswith("blocks"):
        forbidden = np.kron([[0, 1], [1, 0]], np.ones((3, 3))) > 0
        a, b = (np.concatenate([0.3 * one / one.sum(), 0.7 * two / two.sum()]) for one, two in rng.random((2, 2, 3)))
    cost = np.where(forbidden, size, rng.random((6, 6)))
    routes = np.argwhere(~forbidden)  # the program without those cells, by SciPy
    sums = np.array([[i == r for i, _ in routes] for r in range(6)] + [[j == c for _, j in routes] for c in range(6)])
    expected = optimize.linprog(cost[~forbidden], A_eq=sums[:-1], b_eq=np.concatenate([a, b])[:-1]).fun
    t = emd(cost, a, b)
    assert t.value == pytest.approx(expected, rel=1e-9)
    assert abs(t.gap) <= 1e-14 and not t.plan[forbidden].any()


def test_a_cost_that_must_be_paid_is_paid() -> None:
    t = emd([[1.0, 1e12], [1e12, 2.0]], [0.5, 0.5], [0.25, 0.75])
    assert t.value == pytest.approx(0.25 * 1 + 0.25 * 1e12 + 0.5 * 2, rel=1e-15)


def test_assignments_of_costs_too_unlike_for_scipys_are_solved_in_whole_numbers(monkeypatch) -> None:
    """A pairing that is not the best is not proved, so that the exact method has its turn."""
    cost = np.random.default_rng(0).random((7, 7))
    best = emd(cost).value
    monkeypatch.setattr(optimize, "linear_sum_assignment", lambda cost: (np.arange(7), np.arange(7)))
    t = emd(cost)
    assert t.value == pytest.approx(best, rel=1e-14) and t.value < cost.trace() / 7
    assert np.count_nonzero(t.plan) == 7


def test_what_is_not_proved_is_not_answered(monkeypatch) -> None:
    cost = np.random.default_rng(0).random((4, 5))
    found = program.optimal_tree(cost, np.full(4, 1 / 4), np.full(5, 1 / 5))
    monkeypatch.setattr(program, "optimal_tree", lambda *problem: found)
    with pytest.raises(RuntimeError, match=r"shape \(4, 5\) is not proved optimal: it costs .* prices are .* below"):
        emd(1 - cost)


def test_several_at_once_are_each_alone() -> None:
    rng = np.random.default_rng(0)
    cost, a, bs = rng.random((20, 30)), rng.dirichlet(np.ones(20)), rng.dirichlet(np.ones(30), size=4)
    bs[2, :10] = 0
    bs /= bs.sum(axis=1, keepdims=True)
    for together, b in zip(emds(cost, a, bs), bs, strict=True):
        alone = emd(cost, a, b)
        assert together.value == pytest.approx(alone.value, rel=1e-14)
        np.testing.assert_allclose(together.plan, alone.plan, atol=1e-15)  # costs at random: the best plan is one


@pytest.mark.slow("300 and 700 points of any weights, 500 of equal ones, beside SciPy's program and assignment")
@pytest.mark.parametrize(("n", "m", "dim"), [(300, 300, 1), (150, 700, 2), (500, 500, 2)])
def test_many_points(n, m, dim) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, dim)), rng.normal(size=(m, dim))
    cost, a, b = ground_cost(x, y, 2), *(rng.dirichlet(np.ones(k)) for k in (n, m))
    t = emd(cost, a, b)
    assert abs(t.gap) <= 1e-13 * t.value
    if dim == 1:
        assert t.value == pytest.approx(wasserstein_1d(x[:, 0], y[:, 0], 2, a, b) ** 2, rel=1e-11)
    if n == m:
        rows, columns = optimize.linear_sum_assignment(cost)
        assert emd(cost).value == pytest.approx(cost[rows, columns].mean(), rel=1e-13)


@given(point_clouds(d=2), point_clouds(d=2), st.sampled_from([0.5, 1, 1.5, 2, 3]))
def test_ground_cost_is_the_distance(x, y, p) -> None:
    expected = np.array([[hypot(*(u - v)) ** p for v in y] for u in x])
    if expected.max() > 1e-300:
        np.testing.assert_allclose(ground_cost(x, y, p), expected, rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e-100, 1, 1e100, 1e160, 1e307])
def test_distances_of_any_size_beside_each_other(size) -> None:
    near = 1e-200 if size > 1e-100 else size / 7
    cost = ground_cost([[0.0, 0.0], [near, 0.0]], [[0.0, 0.0], [3 * size, 4 * size]])
    np.testing.assert_allclose(cost, [[0, 5 * size], [near, np.hypot(3 * size - near, 4 * size)]], rtol=1e-15)


def test_what_a_float_cannot_hold_is_said() -> None:
    for call in (lambda: ground_cost([[1.7e308]], [[-1.7e308]]), lambda: ground_cost([[1e200]], [[0.0]], 2),
                 lambda: ground_cost([[1e-200]], [[0.0]], 2), lambda: wasserstein_1d([1.7e308], [-1.7e308]),
                 lambda: wasserstein_assignment([[1.7e308, 0]], [[-1.7e308, 0]]),
                 lambda: sliced_wasserstein([[1.7e308, 0]], [[-1.7e308, 0]], [[1, 0]])):
        with pytest.raises(OverflowError, match=r"the (largest|smallest) float"):
            call()
    assert wasserstein_1d([0, 0, 0, 1.7e308], [0, 0, 0, -1.7e308]) == pytest.approx(1.7e308 / 2)
    assert wasserstein_assignment([[1.7e308, 0], [0, 0]], [[1e308, 0], [0, 0]]) == pytest.approx(0.35e308)
    with pytest.raises(ValueError, match=r"no number beyond 1e\+301 .* for a forbidden cell"):
        emd([[1e305, 1.0]])


def test_assignment_by_high_powers_sees_small_gaps() -> None:
    """(1e-8)^50 of the largest gap is no float; the pairing that matters is found all the same."""
    x, y = np.array([[1e7, 0.0], [0, 0], [0, 0.3]]), np.array([[0, 0.3], [1e7, 0.1], [0, 0.1]])
    assert wasserstein_assignment(x, y, 50) == pytest.approx(0.1 * (2 / 3) ** (1 / 50), rel=1e-12)


def test_directions_of_any_length() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 9, 2))
    theta = np.array([[1.0, 1], [2, -1], [0, 1]])
    expected = sliced_wasserstein(x, y, theta)
    assert expected > 0.1
    for size in (1e-300, 1e-155, 1e155, 1e308 / 2):
        assert sliced_wasserstein(x, y, theta * size) == pytest.approx(expected, rel=1e-14)


def in_fractions(x, y, p, a, b) -> float:
    """W_p on the line by the north-west corner rule, in fractions: the exact value for these floats."""
    a, b = ([Fraction(w) / sum(map(Fraction, ws)) for w in ws] for ws in (a.tolist(), b.tolist()))
    left, right = (sorted((Fraction(z), w) for z, w in zip(zs.tolist(), ws, strict=True) if w)[::-1]
                   for zs, ws in ((x, a), (y, b)))
    pieces = []
    while left and right:
        (u, v), (w, z) = left.pop(), right.pop()
        pieces.append((min(v, z), abs(u - w)))
        left += [(u, v - z)] * (v > z)
        right += [(w, z - v)] * (z > v)
    if p == INF:
        return float(max(gap for _, gap in pieces))
    total = sum(mass * gap**p for mass, gap in pieces)
    return exp((log(total.numerator) - log(total.denominator)) / p) if total else 0.0


@pytest.mark.parametrize("p", [1, 2, 3, 7, INF])
@pytest.mark.parametrize("weights", ["any", "decades", "64ths", "one tiny", "none"])
def test_on_the_line_it_is_exact(weights, p) -> None:
    rng = np.random.default_rng(11)
    for k in range(8):
        n, m = rng.integers(1, 12, size=2)
        size = 10.0 ** rng.integers(-40, 40) if k % 2 else 1.0
        x, y = rng.normal(size=n).round(1) * size, rng.normal(size=m).round(1) * size
        a, b = {"any": lambda n: rng.dirichlet(np.ones(n)), "decades": lambda n: np.exp(10 * rng.normal(size=n)),
                "64ths": lambda n: rng.multinomial(64, np.ones(n) / n) / 64, "none": np.ones,
                "one tiny": lambda n: np.where(np.arange(n) == n // 2, 1e-30, 1.0)}[weights](n), None
        b = rng.multinomial(64, np.ones(m) / m) / 64
        a = a / a.sum()
        given_a = None if weights == "none" else a
        expected = in_fractions(x, y, p, a, b)
        assert wasserstein_1d(x, y, p, given_a, b) == pytest.approx(expected, rel=1e-11, abs=1e-300)


@pytest.mark.parametrize("epsilon", [1e-4, 0.004, 0.1, 1.0])
def test_sinkhorn_is_the_log_domains(epsilon) -> None:
    """Whatever ε and the weights: its factors are kept in range, and the log domain's steps are the same."""
    rng = np.random.default_rng(0)
    cost, a, b = rng.random((6, 9)), rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(9))
    a[2], b[3] = 1e-300, 0
    a, b = a / a.sum(), b / b.sum()
    psi = np.zeros(6)
    for _ in range(300):
        phi = -epsilon * special.logsumexp((psi[:, None] - cost) / epsilon, b=a[:, None], axis=0)
        psi = -epsilon * special.logsumexp((phi - cost) / epsilon, b=b, axis=1)
    plan = np.exp((psi[:, None] + phi - cost) / epsilon) * a[:, None] * b
    found = sinkhorn(cost, a, b, epsilon, max_iterations=300, tolerance=0)
    np.testing.assert_allclose(found.plan.sum(axis=1), a, rtol=1e-12)
    with np.errstate(divide="ignore"):  # log 0
        kernel, f, g, _ = entropic._scaled(cost, a, b, epsilon, 300, 0, far=epsilon < 0.01)
    np.testing.assert_allclose(f[:, None] * kernel * g, plan, rtol=1e-7, atol=1e-99)


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


# What is refused


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
