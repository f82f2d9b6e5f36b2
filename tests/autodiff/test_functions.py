"""Functions of primitives: their values against SciPy, and that they stay finite where folklore's forms do not."""

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as st_arrays

from minigan.autodiff import (
    Tensor,
    check,
    grad,
    leaky_relu,
    log_sigmoid,
    logsumexp,
    max,
    mean,
    safe_norm,
    softmax,
    square_norm,
    stack,
    sum,
    swap,
)

INF = np.inf
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])
X = np.random.default_rng(3).standard_normal((3, 4))


# -- logsumexp, softmax -------------------------------------------------------------------------------
@BOTH
@pytest.mark.parametrize("entries", [
    [-INF, -INF], [-INF, 0.0], [INF, 0.0], [INF, -INF], [INF, INF], [1e37, 1e37], [1e37, -1e37], [-1e37, -2e37],
    [1000.0, 1000.0], [-1000.0, -1001.0], [0.0], [-INF], [2.0, 2.0, 2.0]], ids=str)
def test_logsumexp_of_infinite_and_huge_entries(entries, dtype):
    x = np.array(entries, dtype)
    with np.errstate(all="ignore"):
        expected = scipy.special.logsumexp(x)
    y = logsumexp(x)  # warnings are errors here: no log 0, no ∞ − ∞
    assert y.dtype == dtype
    np.testing.assert_allclose(y.value, expected, rtol=4 * np.finfo(dtype).eps)


@BOTH
def test_logsumexp_of_the_largest_entries(dtype):
    largest = np.finfo(dtype).max
    np.testing.assert_allclose(logsumexp(np.array([largest, largest / 2])).value, largest)
    np.testing.assert_allclose(logsumexp(np.array([-largest, -largest])).value, -largest)


def test_the_gradient_of_logsumexp_at_impossible_entries():
    x = Tensor(np.array([[0.0, -INF], [-INF, -INF]]))
    assert grad(logsumexp(x, axis=1)[0], x).value.tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert grad(logsumexp(x, axis=1).sum(), x).value.tolist() == [[1.0, 0.0], [0.0, 0.0]]


@given(x=st_arrays(float, st.tuples(st.integers(1, 3), st.integers(1, 4)), elements=st.floats(-1e3, 1e3)),
       axis=st.sampled_from([None, 0, 1, -1, (0, 1)]), keepdims=st.booleans())
def test_logsumexp_and_softmax_against_scipy(x, axis, keepdims):
    y = logsumexp(x, axis, keepdims)
    expected = np.asarray(scipy.special.logsumexp(x, axis, keepdims=keepdims))
    assert y.shape == expected.shape
    np.testing.assert_allclose(y.value, expected, rtol=1e-13, atol=1e-13)
    if isinstance(axis, int):
        np.testing.assert_allclose(softmax(x, axis).value, scipy.special.softmax(x, axis), rtol=1e-11, atol=1e-300)


# -- log_sigmoid, leaky_relu ----------------------------------------------------------------------------
@BOTH
def test_log_sigmoid(dtype):
    x = np.array([-1e4, -100.0, -3.0, 0.0, 3.0, 30.0, 1e4], dtype)
    np.testing.assert_allclose(log_sigmoid(x).value, scipy.special.log_expit(x.astype(float)),
                               rtol=4 * np.finfo(dtype).eps, atol=0)
    t = Tensor(x)
    slope = grad(log_sigmoid(t).sum(), t)
    np.testing.assert_allclose(slope.value, scipy.special.expit(-x.astype(float)), rtol=1e-5, atol=2e-38)
    assert slope.dtype == dtype and slope.value[0] == 1.0


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.2, 1.0])
def test_leaky_relu(slope):
    x = Tensor(np.array([-2.0, 0.0, 3.0]))
    y = leaky_relu(x, slope)
    np.testing.assert_allclose(y.value, [-2 * slope, 0, 3], rtol=1e-15)
    np.testing.assert_allclose(grad(y.sum(), x).value, [slope, slope, 1])
    assert leaky_relu(np.ones(2, np.float32), slope).dtype == np.float32


# -- norms ----------------------------------------------------------------------------------------------
@BOTH
def test_safe_norm_is_finite_at_zero_to_second_order(dtype):
    """The gradient penalty (‖∇‖ − 1)² of a dead critic: √ has slope ∞ at 0, and ∞ · 0 is nan."""
    x = Tensor(np.array([[0.0, 0.0], [3.0, 4.0], [1e-30, 0.0]], dtype))
    y = safe_norm(x, axis=1)
    first = grad(y.sum(), x)
    penalty = grad(((y - 1.0) ** 2).sum(), x)
    second = grad((first * first).sum() + (penalty * penalty).sum(), x)
    for tensor in (y, first, penalty, second):
        assert tensor.dtype == dtype and np.isfinite(tensor.value).all()
    np.testing.assert_allclose(y.value, [0, 5, 0], atol=1e-9)
    np.testing.assert_allclose(first.value[:2], [[0, 0], [0.6, 0.8]], rtol=1e-6)
    assert not second.value[0].any()


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_norms_against_numpy(axis, keepdims):
    expected = np.sqrt(np.sum(X * X, axis=axis, keepdims=keepdims))
    np.testing.assert_allclose(safe_norm(X, axis, keepdims).value, expected)
    np.testing.assert_allclose(square_norm(X, axis, keepdims).value, expected**2)


# -- the rest -------------------------------------------------------------------------------------------
def test_reductions_as_functions():
    for f, reference in [(sum, np.sum), (mean, np.mean), (max, np.max)]:
        np.testing.assert_allclose(f(X, axis=0).value, reference(X, axis=0))
        np.testing.assert_allclose(f(X).value, reference(X))
        assert f(np.ones((2, 3), np.float32), 1, keepdims=True).dtype == np.float32


def test_stack_and_swap():
    np.testing.assert_array_equal(stack([X, 2 * X]).value, np.stack([X, 2 * X]))
    np.testing.assert_array_equal(swap(X[None]).value, X.T[None])


@pytest.mark.parametrize("f, analytic", [
    (logsumexp, False),
    (lambda x: logsumexp(x, axis=0), False),
    (softmax, False),
    (log_sigmoid, False),
    (leaky_relu, False),
    (safe_norm, False),
    (lambda x: safe_norm(x, axis=None), False),
    (square_norm, True),
    (mean, True),
    (lambda x: stack([x, x * x]), True),
    (swap, True),
])
def test_derivatives_at_orders_1_and_2(f, analytic):
    check(f, [X], order=2, analytic=analytic)
