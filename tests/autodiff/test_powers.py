"""x^p at x = 0 and at whole p, to third order, where p xᵖ⁻¹ with p = 0 would be 0 · ∞."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.autodiff import Tensor, check, grad, hvp, power, record, relu

X = np.array([-1.5, 0.0, 2.0])


def derivatives(f, x, orders):
    x = Tensor(x)
    y, found = f(x), []
    for _ in range(orders):
        y = grad(y.sum(), x)
        found.append(y.value)
    return found


def falling(n, k):
    """n (n − 1) ⋯ (n − k + 1)."""
    return np.prod([n - j for j in range(k)])


@pytest.mark.parametrize("kind", [int, float, np.float64, np.int64, np.float32, lambda n: np.array(float(n))],
                         ids=["int", "float", "float64", "int64", "float32", "0-d"])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
def test_whole_powers_of_numbers(n, kind):
    for k, found in enumerate(derivatives(lambda x: x ** kind(n), X, 6), start=1):
        expected = falling(n, k) * X ** (n - k) if k <= n else np.zeros(3)
        np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_whole_powers_that_are_tensors(n):
    p = Tensor(np.full(3, float(n)))
    for k, found in enumerate(derivatives(lambda x: power(x, p), X, 5), start=1):
        expected = falling(n, k) * X ** (n - k) if k <= n else np.zeros(3)
        np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("n", [-2, -1])
def test_negative_powers(n):
    x = np.array([-1.5, 2.0])
    for k, found in enumerate(derivatives(lambda x: x**n, x, 4), start=1):
        np.testing.assert_allclose(found, falling(n, k) * x ** (n - k), rtol=1e-13)


def test_a_sweep_of_powers_that_includes_the_whole_ones():
    p = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0])
    with np.errstate(divide="ignore"):  # √x has an infinite slope at 0
        first, second, third = derivatives(lambda x: power(x[0] * np.ones(6), Tensor(p)), [4.0], 3)
        np.testing.assert_allclose(first, sum(p * 4.0 ** (p - 1)))
        np.testing.assert_allclose(third, sum(p * (p - 1) * (p - 2) * 4.0 ** (p - 3)), rtol=1e-13)
        x = Tensor(np.zeros(6))
        first = grad(power(x, Tensor(p)).sum(), x)
        np.testing.assert_array_equal(first.value, [0, np.inf, 1, 0, 0, 0])
        second = grad(first.sum(), x)
        np.testing.assert_array_equal(second.value, [0, -np.inf, 0, np.inf, 2, 0])


def test_zero_to_the_p_does_not_depend_on_p():
    p = Tensor(np.array([0.5, 1.0, 2.0, 7.0]))
    g = p
    for _ in range(3):
        g = grad((power(0.0, p) if g is p else g).sum(), p)
        np.testing.assert_array_equal(g.value, np.zeros(4))


def test_both_arguments_at_zero():
    """∂²/∂a∂p aᵖ = aᵖ⁻¹ (1 + p log a): at a = 0 that is 0 for p = 2, and −∞ for p = 1."""
    a, p = Tensor(np.zeros(2)), Tensor(np.array([2.0, 1.0]))
    da = grad(power(a, p).sum(), a)
    np.testing.assert_array_equal(da.value, [0, 1])
    np.testing.assert_array_equal(grad(da.sum(), p).value, [0, -np.inf])
    dp = grad(power(a, p).sum(), p)
    np.testing.assert_array_equal(grad(dp.sum(), a).value, [0, -np.inf])


@given(a=st.floats(0.2, 3.0), p=st.floats(-2.0, 3.0))
def test_both_derivatives_away_from_zero(a, p):
    check(power, [np.array([a]), np.array([p])], order=3, directions=1)


def test_a_relu_to_the_first():
    assert hvp(lambda x: (relu(x) ** 1.0).sum(), X, np.ones(3)).value.tolist() == [0.0, 0.0, 0.0]
    assert hvp(lambda x: (relu(x) ** 2.0).sum(), X, np.ones(3)).value.tolist() == [0.0, 0.0, 2.0]


def test_what_is_not_finite():
    x = Tensor(np.array([np.inf, np.nan]))
    np.testing.assert_array_equal((x**0).value, [1, 1])
    np.testing.assert_array_equal((x**1).value, [np.inf, np.nan])
    np.testing.assert_array_equal((x**2).value, [np.inf, np.nan])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("p", [0, 1, 2, 2.5, np.float64(3.0), Tensor])
def test_the_dtype_stays(p, dtype):
    x = Tensor(np.array([0.5, 2.0], dtype))
    y = x ** (Tensor(np.array([1.0, 2.0], dtype)) if p is Tensor else p)
    assert y.dtype == grad(y.sum(), x).dtype == dtype


def test_a_power_that_is_an_input():
    def step(s, i):
        y = (s["x"] ** i["p"]).sum()
        return {"x": grad(y, s["x"])}, {"dp": grad(y, i["p"])}

    x, p = np.array([0.0, 2.0]), np.array(1.0)
    program = record(step, {"x": x}, {"p": p})
    assert program()["dp"] == 2 * np.log(2.0) and x.tolist() == [1.0, 1.0]
    program(p=np.array(0.0))
    assert x.tolist() == [0.0, 0.0]
