"""Kernels are chosen for speed: whichever is chosen, the values are those of the plain call."""

import numpy as np
import pytest

from minigan.autodiff import PRIMITIVES
from minigan.autodiff.kernels import ROW

RNG = np.random.default_rng(11)
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])


def call(name, *values, out=None, **static):
    function, *args = PRIMITIVES[name].call(np, out, *values, **static)
    y = function(*args)
    return y if out is None else out


def both_ways(name, *values, **static):
    """The value with and without ``out``: the same bits."""
    free = call(name, *values, **static)
    into = call(name, *values, out=np.full_like(free, np.nan), **static)
    assert free.tobytes() == into.tobytes() and free.dtype == values[0].dtype
    return free


@BOTH
@pytest.mark.parametrize(
    "shape", [(0, 3), (5,), (3, 7), (64, 64), (128, 64), (ROW,), (2 * ROW,), (256, 128), (257, 100)])
def test_relu(shape, dtype):
    x = RNG.standard_normal(shape).astype(dtype)
    np.testing.assert_array_equal(both_ways("relu", x), np.where(x > 0, x, 0))
    np.testing.assert_array_equal(both_ways("relu", x.T), np.where(x > 0, x, 0).T)


@BOTH
@pytest.mark.parametrize(
    ("m", "n"), [(1, 9), (2, 1), (64, 64), (256, 128), (256, 129), (17, 8192), (997, 37), (1000, 100)])
def test_a_row_under_a_batch(m, n, dtype):
    a, b = RNG.standard_normal((m, n)).astype(dtype), RNG.standard_normal((1, n)).astype(dtype)
    np.testing.assert_array_equal(both_ways("add", a, b), a + b)
    over = a.copy()
    assert call("add", over, b, out=over).tobytes() == (a + b).tobytes(), "in place"


@BOTH
@pytest.mark.parametrize("name", ["greater", "greater_equal", "equal", "isfinite"])
def test_masks_are_floats(name, dtype):
    a = RNG.integers(-2, 3, (40, 50)).astype(dtype)
    values = (a,) if name == "isfinite" else (a, np.zeros((), dtype))
    np.testing.assert_array_equal(both_ways(name, *values), getattr(np, name)(*values).astype(dtype))


@BOTH
@pytest.mark.parametrize("shape", [(64, 1, 64), (1, 1, 1), (5, 1, 3), (64, 64, 64), (128, 64, 64), (128, 96, 96),
                                   (70, 33, 40), (512, 128, 128), (3, 2, 4)], ids=str)
def test_products_with_every_flag(shape, dtype):
    m, k, n = shape
    a, b = RNG.standard_normal((m, k)).astype(dtype), RNG.standard_normal((k, n)).astype(dtype)
    exact = a.astype("float64") @ b.astype("float64")
    bound = 8 * np.finfo(dtype).eps * (np.abs(a).astype("float64") @ np.abs(b).astype("float64"))
    for ta, tb in [(False, False), (True, False), (False, True), (True, True)]:
        left, right = a.T.copy() if ta else a, b.T.copy() if tb else b
        y = both_ways("matmul", left, right, ta=ta, tb=tb)
        assert (np.abs(y - exact) <= bound).all()


def test_a_product_does_not_depend_on_who_looks_at_the_operands():
    """The copy of a small transposed operand is made anew at each call."""
    a, b = RNG.standard_normal((64, 64)), RNG.standard_normal((64, 64))
    out = np.empty((64, 64))
    function, *args = PRIMITIVES["matmul"].call(np, out, a, b, tb=True)
    function(*args)
    b *= 2
    function(*args)
    np.testing.assert_allclose(out, a @ b.T, rtol=1e-12, atol=1e-12)


def test_the_shared_zeros_cannot_be_written():
    x = np.ones(64)
    _, _, zeros = PRIMITIVES["relu"].call(np, x, x)
    with pytest.raises(ValueError, match="read-only"):
        zeros[...] = 1.0


def test_an_outer_product_into_a_part_with_gaps():
    """The same bits, signs of zeros included."""
    a, b = np.array([[0.0], [-1.0], [2.0]]), np.array([[-1.0, 0.0]])
    whole = np.full((3, 5), np.nan)
    call("matmul", a, b, out=whole[:, 1:3])
    assert whole[:, 1:3].tobytes() == call("matmul", a, b).tobytes()
    assert np.isnan(whole[:, [0, 3, 4]]).all()
