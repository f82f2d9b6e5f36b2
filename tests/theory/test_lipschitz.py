"""The best critic, the slope of functions and networks, power iteration: closed forms, numpy's SVD, exact fractions."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import inf, isinf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigan.testing.strategies import point_clouds, probability_vectors
from minigan.theory import lipschitz
from minigan.theory.lipschitz import (
    clipping_bound,
    kantorovich_potential,
    layer_norms,
    lipschitz_bound,
    lipschitz_on_grid,
    potential_slope_1d,
    power_iteration,
)
from minigan.theory.transport import emd, ground_cost

seeds = st.integers(0, 2**32 - 1)
matrices = arrays(float, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.floats(-1e3, 1e3, width=32))


@given(st.data())
def test_the_potential_is_lipschitz_and_attains_w1(data) -> None:
    d = data.draw(st.integers(1, 3))
    x, y = (data.draw(point_clouds(d=d)) for _ in "xy")
    a, b = (data.draw(probability_vectors(len(points))) for points in (x, y))
    psi, exact = kantorovich_potential(x, y, a, b), emd(ground_cost(x, y), a, b)
    size = max(ground_cost(x, y).max(), 1e-300)
    assert a @ psi(x) - b @ psi(y) == pytest.approx(exact.dual, abs=1e-8 * size)
    z = np.concat([x, y, data.draw(point_clouds(6, d))])
    values = psi(z)
    far = ground_cost(z, z)
    assert (abs(values[:, None] - values) <= far + 1e-9 * max(far.max(), size)).all()


@pytest.mark.parametrize("low, high", [(-4, 9), (-3, 8), (-2.9, 7.7)])
def test_the_potential_on_a_grid_where_many_costs_are_equal_but_for_rounding(low, high):
    x = np.linspace(low, high, 131)[:, None]
    a, b = (w / w.sum() for w in (np.exp(-0.5 * (x[:, 0] - mean) ** 2) for mean in (0, 5)))
    psi = kantorovich_potential(x, x, a, b)(x)
    np.testing.assert_allclose(a @ psi - b @ psi, emd(ground_cost(x, x), a, b).value, rtol=1e-9)
    assert np.abs(np.diff(psi) / np.diff(x[:, 0])).max() <= 1 + 1e-9


def test_the_potential_is_smooth_at_the_fakes() -> None:
    """A vertex of the dual program ties at n − 1 fakes: half of these one-sided slopes would differ."""
    rng = np.random.default_rng(0)
    for _ in range(10):
        x, y, e = *rng.normal(size=(2, 12, 2)), rng.normal(size=2) * 1e-7
        psi = kantorovich_potential(x, y)
        np.testing.assert_allclose(psi(y + e) - psi(y), psi(y) - psi(y - e), atol=1e-12)


def test_the_potential_of_a_plan_that_is_a_little_everywhere(monkeypatch) -> None:
    """A plan that was moved onto its marginals: as a product, what was missing is spread over all pairs."""
    x, y = np.random.default_rng(1).normal(size=(2, 9, 2))
    z = np.concat([x, y])
    psi = kantorovich_potential(x, y)(z)
    monkeypatch.setattr(lipschitz, "emd", lambda cost, a, b: replace(t := emd(cost, a, b), plan=t.plan + 1e-18))
    np.testing.assert_allclose(kantorovich_potential(x, y)(z), psi, atol=1e-9)


@pytest.mark.parametrize("far", [1e6, 1e12, 1e15])
@pytest.mark.parametrize("light", [0.0, 1e-15, 1e-12, 1e-6])
@pytest.mark.parametrize("turned", [False, True])
def test_the_potential_is_optimal_beside_a_far_point_of_little_weight(far, light, turned) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 20, 2))
    y[0], a, b = far, np.full(20, 1 / 20), np.full(20, (1 - light) / 19)
    b[0] = light
    near = emd(ground_cost(x, y[1:])).value
    psi = kantorovich_potential(y, x, b, a) if turned else kantorovich_potential(x, y, a, b)
    best = emd(ground_cost(x, y), a, b).value
    earned = a @ psi(x) - b @ psi(y)
    assert (-earned if turned else earned) == pytest.approx(best, rel=1e-9)
    assert best == pytest.approx(near + light * far * 2**0.5, rel=1e-3)


def test_an_unused_datum_has_a_potential_too() -> None:
    x, y = np.array([[0.0], [50.0]]), np.array([[1.0]])
    psi = kantorovich_potential(x, y, np.array([1.0, 0.0]))
    assert psi(x[:1]) - psi(y) == pytest.approx(1)
    assert abs(psi(x)[1] - psi(y)[0]) <= 49 + 1e-12


def test_slope_on_the_line() -> None:
    F, G = np.log([0.5, 0.9, 0.2]), np.log([0.6, 0.9, 0.1])
    assert potential_slope_1d(F, G).tolist() == [1, 0, -1]
    assert potential_slope_1d(np.array([-np.inf]), np.array([-1.0])) == 1  # no mass of P yet
    assert potential_slope_1d([-inf, -inf, -1.0], [-inf, -1.0, -inf]).tolist() == [0, 1, -1]  # nor of either: F = G = 0


# Slopes of values on points


@given(point_clouds(), seeds)
def test_the_constant_of_values_on_points(x, seed) -> None:
    x = np.unique(np.round(x), axis=0)
    f = np.random.default_rng(seed).normal(size=len(x))
    pairs = [abs(f[i] - f[j]) / np.linalg.norm(x[i] - x[j]) for i in range(len(x)) for j in range(i)]
    assert lipschitz_on_grid(x, f) == pytest.approx(max(pairs, default=0))
    if x.shape[1] == 1:
        assert lipschitz_on_grid(x[:, 0], f) == pytest.approx(max(pairs, default=0))


@pytest.mark.parametrize("points", [np.array([0.0, 1, 0]), np.array([[0.0, 0], [1, 0], [0, 0]])])
def test_one_point_with_two_values_is_a_jump(points) -> None:
    assert lipschitz_on_grid(points, np.array([5.0, 6, 5])) == 1
    assert lipschitz_on_grid(points, np.array([5.0, 5, 5])) == 0
    assert lipschitz_on_grid(points, np.array([5.0, 5, 6])) == np.inf
    assert lipschitz_on_grid(points[:1], np.array([3.0])) == 0


# Networks


@given(st.lists(matrices, min_size=1, max_size=3))
def test_layer_norms_are_numpys(weights) -> None:
    expected = [np.linalg.norm(W, 2) for W in weights]
    assert layer_norms(weights) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert lipschitz_bound(weights) == pytest.approx(np.prod(expected), rel=1e-9, abs=1e-12)


@given(st.lists(st.integers(1, 6), min_size=2, max_size=4), st.floats(0, 10), seeds)
def test_clipping_bounds_the_product(sizes, c, seed) -> None:
    rng = np.random.default_rng(seed)
    shapes = list(pairwise(sizes))
    bound = clipping_bound(sizes, c)
    assert lipschitz_bound([rng.uniform(-c, c, shape) for shape in shapes]) <= bound * (1 + 1e-12)
    assert lipschitz_bound([np.full(shape, c) for shape in shapes]) == pytest.approx(bound, rel=1e-9, abs=1e-12)


@given(matrices, seeds)
def test_power_iteration_rises_to_the_norm_and_never_above(W, seed) -> None:
    rng = np.random.default_rng(seed)
    u, v, largest, before = rng.normal(size=W.shape[0]), rng.normal(size=W.shape[1]), np.linalg.norm(W, 2), 0.0
    for _ in range(10):
        u, v, sigma = power_iteration(u, v, W)
        assert before * (1 - 1e-9) <= sigma <= largest * (1 + 1e-9)
        before = sigma
    for _ in range(300):
        u, v, sigma = power_iteration(u, v, W)
    assert sigma >= largest * 0.98
    assert u @ W @ v == pytest.approx(sigma, rel=1e-9, abs=1e-12)


def test_power_iteration_keeps_dtype_and_survives_zero() -> None:
    u, v = np.array([3.0, 4.0], "float32"), np.array([1.0, 0.0, 0.0], "float32")
    zero_u, zero_v, sigma = power_iteration(u, v, np.zeros((2, 3), "float32"))
    assert sigma == 0 and (zero_u == u).all() and (zero_v == v).all()  # and iteration can go on from there
    found = power_iteration(u, v, np.ones((2, 3), "float32"))
    assert found[0].dtype == found[1].dtype == np.float32 and found[2] == pytest.approx(6**0.5)
    assert u.tolist() == [3, 4], "a pure function"


def least(W) -> bool:
    """Whether W is positive semidefinite, in exact fractions: Cholesky's pivots, without its roots."""
    for k in range(len(W)):
        if W[k][k] <= 0:
            return W[k][k] == 0 and not any(W[k][k:]) and least([row[k + 1 :] for row in W[k + 1 :]])
        for i in range(k + 1, len(W)):
            share = W[i][k] / W[k][k]
            W[i] = [x - share * y for x, y in zip(W[i], W[k], strict=True)]
    return True


def reaches(bound: float, W, scale: Fraction = Fraction(1)) -> bool:
    """bound ≥ scale σ₁(W), exactly: bound² I − scale² WᵀW is positive semidefinite."""
    A = [[Fraction(float(x)) * scale for x in row] for row in (W if W.shape[1] <= W.shape[0] else W.T)]
    n = len(A[0])
    return least([[Fraction(float(bound)) ** 2 * (i == j) - sum(row[i] * row[j] for row in A) for j in range(n)]
                  for i in range(n)])


SCALES = {"float64": [0], "float32": [0], "far apart": [-300, 300], "subnormal": [-322], "large": [306]}


@pytest.mark.parametrize("kind", SCALES)
def test_a_bound_is_never_below_rounding_included(kind: str) -> None:
    """In exact fractions; and not idle: a bare SVD is below in one of three, and 1e-12 less of the bound fails."""
    rng, below, tight = np.random.default_rng(1), 0, []
    for _ in range(60):
        W = rng.normal(size=rng.integers(1, 6, 2)) * 10.0 ** rng.choice(SCALES[kind])
        W = W.astype("float32") if kind == "float32" else W
        (norm,) = layer_norms([W])
        assert reaches(norm, W)
        below += not reaches(np.linalg.svd(W, compute_uv=False).max(), W)
        tight.append(reaches(norm * (1 - 1e-12), W))
    assert kind == "subnormal" or (below > 15 and not any(tight))


@pytest.mark.parametrize("W, square", [
    (np.ones((300, 200)), 60_000), (np.full((7, 5), 0.1, "float32"), 35 * Fraction(float(np.float32(0.1))) ** 2),
    (np.kron(np.kron([[1, 1], [1, -1]], [[1, 1], [1, -1]]), np.kron(np.eye(16), [[1, 1], [1, -1]])), 8),
    (np.eye(100), 1), (np.zeros((3, 2)), 0), ([[3, 0], [0, 4]], 16), (np.array([[2**53 + 1]]), (2**53 + 1) ** 2),
])
def test_norms_known_exactly(W, square) -> None:
    (norm,) = layer_norms([W])
    assert 0 <= Fraction(norm) ** 2 - square <= square * Fraction(1e-9)


def test_a_product_does_not_vanish_between() -> None:
    """1e-200 · 1e-200 is 0 in float64, and no bound."""
    small, large = 1e-200 * np.eye(2), 1e200 * np.eye(2)
    assert 1 <= lipschitz_bound([small, small, large, large]) <= 1 + 1e-12
    assert 1 <= lipschitz_bound([large, large, small, small]) <= 1 + 1e-12
    assert 0 < lipschitz_bound([small] * 3) <= 1e-300
    assert isinf(lipschitz_bound([large] * 2)) and lipschitz_bound([large, large, np.zeros((2, 2))]) == 0
    assert isinf(layer_norms([np.full((2, 2), 1.7e308)])[0])  # σ₁ = 3.4e308
    assert 0 < clipping_bound((1, 1, 1, 1), 1e-200) <= 1e-300 and isinf(clipping_bound((1, 1, 1), 1e200))
    assert clipping_bound((3, 2, 1), 0.0) == 0 and isinf(clipping_bound((3, 2, 1), inf))


@given(st.lists(st.integers(1, 300), min_size=2, max_size=5), st.floats(1e-60, 1e60))
def test_the_clipping_bound_is_never_below(sizes, c) -> None:
    squares = Fraction(1)
    for m, n in pairwise(sizes):
        squares *= Fraction(c) ** 2 * m * n
    assert squares <= Fraction(clipping_bound(sizes, c)) ** 2 <= squares * Fraction(1 + 1e-12)


@pytest.mark.parametrize("dtype, scale", [
    ("float64", 1e-300), ("float64", 1e-160), ("float64", 1e160), ("float64", 1e306),
    ("float32", 1e-22), ("float32", 1e-30), ("float32", 1e20), ("float32", 1e37),
])
def test_power_iteration_at_any_scale(dtype: str, scale: float) -> None:
    rng = np.random.default_rng(0)
    W = (rng.normal(size=(5, 4)) * scale).astype(dtype)
    largest = np.linalg.norm(W.astype(float) / scale, 2)
    u, v = rng.normal(size=5).astype(dtype), rng.normal(size=4).astype(dtype)
    for _ in range(300):
        u, v, sigma = power_iteration(u, v, W)
        assert sigma / scale <= largest * (1 + 1e-14)
    assert sigma / scale == pytest.approx(largest, rel=1e-12 if dtype == "float64" else 1e-6)
    assert u.dtype == v.dtype == dtype
    assert np.linalg.norm(u) == pytest.approx(1) and np.linalg.norm(v) == pytest.approx(1)


def test_power_iteration_of_directions_of_any_length() -> None:
    W = np.diag([3.0, 1e-200])
    assert power_iteration(np.array([0.0, 1.0]), np.ones(2), W)[2] == pytest.approx(1e-200)  # Wᵀu is tiny, not 0
    assert power_iteration([1e300, 1e300], [0, 0], W)[2] == pytest.approx(3)
    _, v, sigma = power_iteration(np.array([0.0, 1.0]), np.array([5.0, 0.0]), np.diag([3.0, 0.0]))
    assert v.tolist() == [5, 0] and sigma == 3, "a v that is kept: σ = ‖Wv‖/‖v‖"


def test_from_a_start_at_the_second_vector_rounding_leads_to_the_first() -> None:
    """σ₂ for log(1/ε)/2 log(σ₁/σ₂) = 44 steps or so: 20 % less or more; then σ₁."""
    rng = np.random.default_rng(3)
    left, right = (np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(2))
    W = left @ np.diag([1.5, 1.0, 0.1, 0.1]) @ right.T
    u, v, found = left[:, 1], right[:, 1], []
    for _ in range(100):
        u, v, sigma = power_iteration(u, v, W)
        found.append(sigma)
    leaves = log(1 / np.finfo(float).eps) / (2 * log(1.5))
    assert found[int(0.8 * leaves)] == pytest.approx(1, rel=1e-3) and found[-1] == pytest.approx(1.5)
    assert sum(sigma < 1.25 for sigma in found) == pytest.approx(leaves, rel=0.2)


def test_slopes_of_any_scale_or_an_error() -> None:
    assert lipschitz_on_grid([0, 1e-300], [0, 1e-300]) == 1
    assert lipschitz_on_grid([-8e307, 8e307], [0, 1.6e308]) == 1
    for x, f in [([-1.7e308, 1.7e308], [0, 1]), ([0, 1], [-1.7e308, 1.7e308]), ([0, 1e-310], [0, 1])]:
        with pytest.raises(OverflowError, match="scale the points or the values"):
            lipschitz_on_grid(x, f)


MASKED = np.ma.masked_array(np.eye(2), [[False, False], [False, True]])


@pytest.mark.parametrize(("call", "message"), [
    (lambda: lipschitz_on_grid(np.zeros(3), np.zeros(2)), r"shapes \(3,\) and \(2,\)"),
    (lambda: lipschitz_on_grid(np.zeros(0), np.zeros(0)), r"shapes \(0,\) and \(0,\)"),
    (lambda: lipschitz_on_grid(np.zeros(1), np.array([np.nan])), "must be finite"),
    (lambda: layer_norms([np.zeros(3)]), r"must have shape \(m, n\), not \(3,\)"),
    (lambda: lipschitz_bound([np.array([[np.inf]])]), r"\(1, 1\) must be finite"),
    (lambda: clipping_bound((3,), 1.0), "two sizes or more"),
    (lambda: clipping_bound((3, 1), -1.0), "c is not negative"),
    (lambda: clipping_bound((3, 1), np.nan), "c is not negative"),
    (lambda: power_iteration(np.zeros(2), np.zeros(2), np.zeros((2, 3))), r"v \(2,\) do not fit W \(2, 3\)"),
    (lambda: power_iteration(np.array([1, np.nan]), np.ones(2), np.eye(2)), "u and v must be finite"),
    (lambda: lipschitz_bound([]), "a matrix or more"),
    (lambda: potential_slope_1d(np.zeros(2), np.zeros((2, 1))), r"not shapes \(2,\) and \(2, 1\)"),
    (lambda: potential_slope_1d(np.array([np.nan]), np.zeros(1)), "no nan"),
    (lambda: layer_norms([MASKED]), "weights has 1 masked entries"),
    (lambda: power_iteration(MASKED[1], np.ones(2), np.eye(2)), "u has 1 masked"),
    (lambda: lipschitz_on_grid(MASKED, np.zeros(2)), "points has 1 masked"),
    (lambda: kantorovich_potential(np.eye(2), MASKED), "y has 1 masked"),
    (lambda: kantorovich_potential(np.eye(2), np.eye(2))(MASKED), "z has 1 masked"),
    (lambda: potential_slope_1d(MASKED[0], MASKED[1]), "log_cdf_q has 1 masked"),
    (lambda: kantorovich_potential(np.eye(2), np.eye(3)), "different dimensions"),
    (lambda: kantorovich_potential(np.eye(2), np.eye(2), np.array([0.5, 0.6])), "sum to 1"),
])
def test_what_is_refused_is_named(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_sizes_are_whole_numbers_and_weights_real() -> None:
    with pytest.raises(TypeError, match="whole numbers, not"):
        clipping_bound((2.5, 1), 1.0)
    with pytest.raises(TypeError, match="real numbers, not complex"):
        lipschitz_bound([1j * np.eye(2)])


def test_lists_are_taken() -> None:
    assert lipschitz_bound([[[3, 0], [0, 4]], [[2], [0]]]) == pytest.approx(8)
    assert kantorovich_potential([[0], [2]], [[1], [3]])([[0.0]]).shape == (1,)
    assert power_iteration([1, 0], [0, 1], [[2, 0], [0, 1]])[2] == pytest.approx(2)
