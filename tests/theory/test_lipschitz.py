"""The best critic, the slope of functions and networks, power iteration: closed forms and numpy's SVD."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigan.testing.strategies import point_clouds, probability_vectors
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


def test_an_unused_datum_has_a_potential_too() -> None:
    x, y = np.array([[0.0], [50.0]]), np.array([[1.0]])
    psi = kantorovich_potential(x, y, np.array([1.0, 0.0]))
    assert psi(x[:1]) - psi(y) == pytest.approx(1)
    assert abs(psi(x)[1] - psi(y)[0]) <= 49 + 1e-12


def test_slope_on_the_line() -> None:
    F, G = np.log([0.5, 0.9, 0.2]), np.log([0.6, 0.9, 0.1])
    assert potential_slope_1d(F, G).tolist() == [1, 0, -1]
    assert potential_slope_1d(np.array([-np.inf]), np.array([-1.0])) == 1  # no mass of P yet


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
    (lambda: kantorovich_potential(np.eye(2), np.eye(3)), "different dimensions"),
    (lambda: kantorovich_potential(np.eye(2), np.eye(2), np.array([0.5, 0.6])), "sum to 1"),
])
def test_what_is_refused_is_named(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()
