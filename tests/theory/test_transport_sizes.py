"""Transport of weights, costs and points of any sizes: nothing is lost, or it is said. Exact values in fractions."""

from fractions import Fraction
from math import exp, hypot, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats

from minigan.testing.strategies import point_clouds
from minigan.theory import entropic, program
from minigan.theory.transport import (
    emd,
    emds,
    ground_cost,
    kantorovich_dual,
    sinkhorn,
    sliced_wasserstein,
    wasserstein_1d,
    wasserstein_assignment,
)

INF = float("inf")


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


def test_a_problem_that_was_called_infeasible() -> None:
    """exp(10 N(0, 1)) at 8 places; the value is also that of HiGHS without presolve, which finds it."""
    rng, i = np.random.default_rng(20), np.arange(8.0)
    a, b = (w / w.sum() for w in (np.exp(10 * rng.normal(size=8)) for _ in "ab"))
    assert emd(abs(i[:, None] - i), a, b).value == pytest.approx(0.87340066678, rel=1e-10)


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


@pytest.mark.parametrize("size", [2.0, 10.0, 1e3, 1e6, 1e9])
def test_huge_costs_that_are_paid_are_proved(size) -> None:
    """Three rows, four columns: .2 must go to a forbidden cell. The prices follow by hand from the routes."""
    cost = np.array([[0.8, 0.1, 0.8, size], [size, 0.9, size, 0.5], [size, 0.7, size, 0.6]])
    t = emd(cost, [0.4, 0.2, 0.4], [0.2, 0.2, 0.4, 0.2])  # .4 of .8, .2 of size, .2 of .5 or .6, .2 of .7 or .9
    assert t.value == pytest.approx(0.4 * 0.8 + 0.2 * size + 0.2 * 0.7 + 0.2 * 0.5, rel=1e-14)
    assert t.dual == pytest.approx(t.value, rel=1e-12)


@pytest.mark.parametrize("size", [2.0, 1e3, 1e6])
def test_random_problems_with_half_the_cells_forbidden(size) -> None:
    """``emd`` refuses what it cannot prove: some in a thousand, when rounding got into the prices."""
    rng = np.random.default_rng(8)
    for _ in range(300):
        n, m = rng.integers(3, 8, size=2)
        cost = np.where(rng.random((n, m)) < 0.5, size, rng.integers(1, 10, (n, m)) / 10)
        a, b = (w / w.sum() for w in (rng.integers(1, 4, n), rng.integers(1, 4, m)))
        t = emd(cost, a, b)
        assert kantorovich_dual(t.psi, cost, a, b) == pytest.approx(t.value, rel=1e-9)


@pytest.mark.parametrize("forbidden", [1e3, 1e16, 1e100])
@pytest.mark.parametrize("light", [0.0, 1e-300, 1e-20, 1e-12])
def test_a_point_that_holds_next_to_nothing_does_not_spoil_the_prices(forbidden, light) -> None:
    a, b, cost = [1 / 3, 2 / 3], [1 - light, light], np.array([[0.3, forbidden], [0.7, forbidden]])
    expected = (0.3 + 2 * 0.7) / 3 + light * (forbidden - 0.7)  # the second row sends it
    for t in (emd(cost, a, b), [*emds(cost, a, [[0.5, 0.5], b])][1]):
        assert t.value == pytest.approx(expected, rel=1e-12)
        assert t.dual == pytest.approx(expected, rel=1e-12)
        assert t.psi[1] - t.psi[0] == pytest.approx(0.4, rel=1e-12)
        assert t.plan.sum(axis=0)[1] == pytest.approx(light, rel=1e-12)
        assert kantorovich_dual(t.psi, cost, a, b) == pytest.approx(expected, rel=1e-12)
        assert kantorovich_dual(t.psi_c, cost.T, b, a) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("light", [0.0, 1e-20])
def test_sinkhorns_prices_do_not_mind_a_point_of_next_to_no_mass(light, turned) -> None:
    a, b, cost = [1 / 3, 2 / 3], [1 - light, light], np.array([[0.3, 1e16], [0.7, 1e16]])
    t = sinkhorn(cost.T.copy(), b, a, 0.01) if turned else sinkhorn(cost, a, b, 0.01)
    assert t.value == pytest.approx(1.7 / 3 + light * 1e16, rel=1e-12)
    assert t.dual == pytest.approx(t.value, rel=1e-12)


def test_outliers_of_small_weights() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        x, y, b = rng.normal(size=(10, 2)), rng.normal(size=(10, 2)), rng.random(10)
        y[0], b[0] = 10.0 ** rng.integers(3, 9), 10.0 ** -rng.integers(6, 20)
        t = emd(ground_cost(x, y, 2), None, b := b / b.sum())
        assert t.dual == pytest.approx(t.value, rel=1e-9)
        np.testing.assert_allclose(t.plan.sum(axis=0), b, rtol=1e-12)


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
