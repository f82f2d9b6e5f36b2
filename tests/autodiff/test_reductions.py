"""Reductions against NumPy, with their derivatives at orders 1 and 2, also where they have folklore's faults."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigan.autodiff import Tensor, check, cumsum, grad, hvp, max, mean, min, norm, prod, std, sum, var

X = np.random.default_rng(3).standard_normal((3, 4, 2))
AXES = [None, 0, 1, -1, (0, 2), (1, 0, 2), [0, 1], np.int64(1), ()]
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])
REDUCTIONS = {"sum": sum, "mean": mean, "max": max, "min": min, "prod": prod, "var": var, "std": std}


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_against_numpy(name, axis, keepdims):
    f, numpys = REDUCTIONS[name], getattr(np, name)
    axes = tuple(axis) if isinstance(axis, list) else axis
    expected = numpys(X, axis=axes, keepdims=keepdims)
    for y in (f(X, axis, keepdims=keepdims), getattr(Tensor(X), name)(axis=axis, keepdims=keepdims)):
        assert y.shape == np.shape(expected)
        np.testing.assert_allclose(y.value, expected, rtol=1e-12, atol=1e-15)
    if str(axes) != "()" or name not in ("var", "std"):  # of one number each: 0, and a kink
        check(lambda x: f(x, axis, keepdims=keepdims), [X], order=2, directions=1)


@pytest.mark.parametrize("ddof", [0, 1, 2])
def test_degrees_of_freedom(ddof):
    np.testing.assert_allclose(var(X, 0, ddof=ddof).value, X.var(0, ddof=ddof))
    np.testing.assert_allclose(std(X, 1, ddof=ddof).value, X.std(1, ddof=ddof))


@BOTH
def test_the_standard_deviation_of_equal_numbers_has_a_finite_slope(dtype):
    """A batch that has collapsed: √ has slope ∞ at 0."""
    x = Tensor(np.full(5, 0.7, dtype))
    first = grad(std(x) * 3.0, x)
    assert np.abs(first.value).max() < 3 and np.isfinite(hvp(std, x, np.ones(5, dtype)).value).all()
    np.testing.assert_array_equal(grad(std(Tensor(np.full(4, 0.5, dtype))), x).value, np.zeros(5))


def test_equal_numbers_have_no_slope_at_any_order():
    """Σ x/n of equal numbers is not exactly that number, and 1 over the rounding would be huge."""
    for x in (np.full(7, 0.1, np.float32), np.full(5, 0.7)):
        t = Tensor(x)
        first = grad(std(t), t)
        assert not first.value.any() and not grad(first[0], t).value.any()


def test_a_long_column_in_float32_keeps_its_digits():
    np.testing.assert_allclose(mean(np.full((10**6, 1), 0.1, np.float32)).value, 0.1, rtol=1e-6)


# -- norm -----------------------------------------------------------------------------------------------
@BOTH
@pytest.mark.parametrize("power", [-150, -40, -22, -10, 0, 10, 22, 40, 150])
def test_a_norm_at_any_scale(power, dtype):
    power = power if dtype == "float64" else power // 5
    scale = 10.0**power
    x = Tensor((np.array([[3.0, -4.0], [0.0, 0.0], [5.0, 12.0]]) * scale).astype(dtype))
    y = norm(x, axis=1)
    np.testing.assert_allclose(y.value.astype(float), np.array([5.0, 0.0, 13.0]) * scale, rtol=1e-6)
    slope = grad(y.sum(), x)
    np.testing.assert_allclose(slope.value, [[0.6, -0.8], [0, 0], [5 / 13, 12 / 13]], rtol=1e-6)
    assert y.dtype == slope.dtype == dtype and np.isfinite(grad((slope * slope).sum(), x).value).all()


def test_norms_of_one_number_and_of_what_is_not_finite():
    x = Tensor(np.array([-2.0, 0.0]))
    np.testing.assert_array_equal(grad(norm(x[:1]) + norm(x[1:]), x).value, [-1, 0])
    with np.errstate(invalid="ignore"):
        assert norm(Tensor([np.inf, 1.0])).item() == np.inf and np.isnan(norm(Tensor([np.nan, 1.0])).item())


@pytest.mark.parametrize("axis", [None, 0, (0, 2), -1], ids=str)
def test_norm_against_its_square(axis):
    np.testing.assert_allclose(norm(X, axis).value, np.sqrt((X**2).sum(axis)), rtol=1e-14)
    check(lambda x: norm(x, axis), [X], order=2, directions=1)


# -- prod, cumsum -----------------------------------------------------------------------------------------
@given(x=arrays(float, st.integers(1, 9), elements=st.sampled_from([-2.0, -1.0, 0.0, 0.5, 3.0])))
def test_the_derivative_of_a_product_is_the_product_of_the_others(x):
    """With zeros too, where Π x / xᵢ would be 0/0; and of the second order, the product of the rest."""
    n = len(x)
    others = np.array([np.prod(np.delete(x, i)) for i in range(n)])
    rest = np.array([[np.prod(np.delete(x, [i, j])) * (i != j) for j in range(n)] for i in range(n)])
    t = Tensor(x)
    np.testing.assert_allclose(grad(prod(t), t).value, others)
    np.testing.assert_allclose(np.stack([hvp(prod, t, e).value for e in np.eye(n)]), rest)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_cumsum(axis):
    np.testing.assert_allclose(cumsum(X, axis).value, np.cumsum(X, axis), rtol=1e-14)
    u = np.random.default_rng(0).standard_normal(cumsum(X, axis).shape)
    t, k = Tensor(X), 0 if axis is None else axis
    np.testing.assert_allclose(grad(cumsum(t, axis), t, cotangent=u).value,
                               np.flip(np.cumsum(np.flip(u, k), k), k).reshape(X.shape), rtol=1e-13)
    check(lambda x: cumsum(x, axis) ** 2, [X], order=2, analytic=True, directions=1)


def test_of_nothing():
    empty = Tensor(np.zeros((0, 3)))
    assert sum(empty, 0).value.tolist() == [0.0] * 3 and prod(empty, 0).value.tolist() == [1.0] * 3
    assert cumsum(empty, 0).shape == (0, 3) and grad(prod(empty, 0).sum(), empty).shape == (0, 3)
    assert mean(empty, 1).shape == (0,)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: mean(np.zeros((0, 3))), r"a mean of nothing: shape \(0, 3\) over axis None"),
    (lambda: mean(np.zeros((2, 0)), axis=1), r"a mean of nothing: shape \(2, 0\) over axis 1"),
    (lambda: var([]), "a variance of nothing"),
    (lambda: std(np.ones((1, 2)), 0, ddof=1), r"a variance of 1 numbers with ddof = 1: shape \(1, 2\)"),
    (lambda: max(np.zeros(0)), "a maximum of nothing"),
    (lambda: sum(X, 3), r"axis 3 does not exist in shape \(3, 4, 2\)"),
    (lambda: sum(X, (0, -3)), "twice"),
    (lambda: prod(X, -4), "axis -4"),
    (lambda: cumsum(X, 5), "axis 5"),
])
def test_a_clear_error(call, words):
    with pytest.raises(ValueError, match=words):
        call()
