"""Every primitive: its value against NumPy and SciPy, its rule against numbers, its dtype, its kinks."""

import operator
from dataclasses import replace

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from minigan.autodiff import (
    PRIMITIVES,
    Primitive,
    Tensor,
    check,
    concat,
    grad,
    greater,
    log_sigmoid,
    matmul,
    maximum,
    minimum,
    power,
    relu,
    reshape,
    sigmoid,
    softplus,
    split,
    sqrt,
    take,
    tanh,
    transpose,
    where,
)
from minigan.autodiff.check import listed
from minigan.devices.primitives import of_primitive
from tests.primitive_rows import KINKS, RNG, ROWS, TAKEN, Y, assert_float32

every_row = pytest.mark.parametrize("row", ROWS, ids=[f"{k}-{row.name}" for k, row in enumerate(ROWS)])


@pytest.mark.parametrize("name", PRIMITIVES)
def test_a_primitive_has_rows_and_a_rule_unless_they_say_that_it_is_flat(name):
    flat = {row.flat for row in of_primitive(name, ROWS)}
    assert flat == {not any(PRIMITIVES[name].differentiable(k) for k in range(3))}


def test_a_primitive_without_a_row_is_told_where_to_put_it():
    with pytest.raises(LookupError, match=r"minigan/devices/primitives\.py has no row for 'sinh': add row\('sinh'"):
        of_primitive("sinh", ROWS)


@every_row
def test_value(row):
    computed, expected = listed(row(*row.inputs)), listed(row.value(*row.inputs))
    for y, reference in zip(computed, expected, strict=True):
        assert y.shape == reference.shape and y.dtype == np.float64
        np.testing.assert_allclose(y.value, reference, rtol=1e-14)


@every_row
def test_rule_at_orders_1_and_2(row):
    if row.flat:
        xs = [Tensor(x) for x in row.inputs]
        assert all(not g.value.any() and g.shape == x.shape for g, x in zip(grad(row(*xs).sum(), xs), xs, strict=True))
    else:
        check(row, row.inputs, order=2, analytic=PRIMITIVES[row.name].analytic)


@pytest.mark.parametrize("row", [row for row in ROWS if PRIMITIVES[row.name].analytic and not row.flat],
                         ids=lambda row: row.name)
def test_an_analytic_row_agrees_with_central_differences_too(row):
    check(row, row.inputs, order=1, analytic=False)


@every_row
def test_float32_stays_float32(row):
    assert_float32(row, row.inputs)


@pytest.mark.parametrize("row", [row for row in ROWS if PRIMITIVES[row.name].elementwise], ids=lambda row: row.name)
def test_float32_stays_float32_where_numpy_makes_scalars(row):
    assert_float32(replace(row, before=tuple(m[0, 0] for m in row.before)), [x.flat[0] for x in row.inputs])


def test_numpy_scalars_alone_keep_their_precision():
    one = np.float32(1.0)
    for y in (tanh(one), maximum(one, 0.0), power(2, one), log_sigmoid(one), where(one > 0, one, 2)):
        assert y.dtype == np.float32
    assert tanh(1).dtype == tanh(1.0).dtype == tanh(np.int64(1)).dtype == np.float64


@pytest.mark.parametrize("row", [row for row in ROWS if PRIMITIVES[row.name].elementwise], ids=lambda row: row.name)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (1, 0), (1, 1, 1)], ids=str)
def test_elementwise_on_small_shapes(row, shape):
    if row.name == "where":
        row = replace(row, before=(np.ones(shape, bool),))
    xs = [Tensor(np.full(shape, x.flat[0])) for x in row.inputs]
    y = row(*xs)
    assert y.shape == shape
    assert [g.shape for g in grad(y.sum(), xs)] == [shape] * len(xs)


# -- broadcasting -------------------------------------------------------------------------------
BROADCASTING = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv, "power": power,
    "maximum": lambda a, b: maximum(a, 5.0 - b), "minimum": lambda a, b: minimum(a, 5.0 - b),
    "where": lambda a, b: where(greater(a, 5.0 - b), a, b),
}


@pytest.mark.parametrize("name", BROADCASTING)
@given(shapes=mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3), seed=st.integers(0, 99))
def test_broadcasting(name, shapes, seed):
    rng = np.random.default_rng(seed)
    # a in {1, 2, 3, 4}, b in {1, 2, 3, 4} + 1/3: no ties, also against 5 - b
    a, b = [rng.integers(1, 5, shape) + shift for shape, shift in zip(shapes.input_shapes, (0.0, 1 / 3), strict=True)]
    assert BROADCASTING[name](Tensor(a), Tensor(b)).shape == shapes.result_shape
    check(BROADCASTING[name], [a, b], order=2, directions=1)


def test_broadcasting_an_axis_of_one_against_an_empty_one():
    a, b = Tensor(np.zeros((0, 3))), Tensor(np.ones((1, 1)))
    da, db = grad((a * b).sum(), [a, b])
    assert da.shape == (0, 3) and db.value.tolist() == [[0.0]]


@pytest.mark.parametrize("key", [
    (None,), (..., None), (slice(None), None, slice(2)), (1, None, ..., None), (None, 2, 3)], ids=str)
def test_a_new_axis_in_an_index(key):
    np.testing.assert_array_equal(Tensor(Y)[key].value, Y[key])
    check(lambda y: y[key] ** 2, [Y], order=2, analytic=True)


# -- matmul -------------------------------------------------------------------------------------
@pytest.mark.parametrize("lead", [((), ()), ((3,), ()), ((), (3,)), ((2, 1), (3,)), ((1,), (2,))], ids=str)
@pytest.mark.parametrize("inner", [1, 4])
@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
def test_matmul(lead, inner, ta, tb):
    rng = np.random.default_rng(5)
    a = rng.standard_normal((*lead[0], *((inner, 2) if ta else (2, inner))))
    b = rng.standard_normal((*lead[1], *((3, inner) if tb else (inner, 3))))
    expected = np.einsum(f"...{'ki' if ta else 'ik'},...{'jk' if tb else 'kj'}->...ij", a, b)
    np.testing.assert_allclose(matmul(a, b, ta=ta, tb=tb).value, expected, rtol=1e-12, atol=1e-14)
    check(lambda a, b: matmul(a, b, ta=ta, tb=tb), [a, b], order=2, analytic=True, directions=1)


@pytest.mark.parametrize("m, k, n", [(1, 1, 1), (1, 5, 1), (5, 1, 1), (1, 1, 5), (2, 0, 3)])
def test_matmul_of_thin_matrices(m, k, n):
    a, b = np.ones((m, k)), np.ones((k, n))
    assert matmul(a, b).value.tolist() == [[float(k)] * n] * m
    check(matmul, [a, b], order=2, analytic=True)


def test_matmul_with_itself():
    a = np.random.default_rng(0).standard_normal((5, 3))
    gram = Tensor(a)
    np.testing.assert_allclose(matmul(gram, gram, tb=True).value, a @ a.T, rtol=1e-13)
    check(lambda a: matmul(a, a, tb=True), [a], order=2, analytic=True)
    check(lambda a: a @ transpose(a, axes=(1, 0)), [a], order=2, analytic=True)


# -- adjoints: ⟨f(x), u⟩ = ⟨x, f*(u)⟩ -------------------------------------------------------------
@pytest.mark.parametrize("axis, sizes", [(0, (1, 2)), (1, (3, 1)), (-1, (2, 0, 2)), (-2, (3,))])
def test_split_and_concat_are_adjoint_and_inverse(axis, sizes):
    x = Tensor(Y)
    pieces = split(x, sizes=sizes, axis=axis)
    assert [p.shape[axis] for p in pieces] == list(sizes)
    np.testing.assert_array_equal(concat(pieces, axis=axis).value, Y)
    us = [RNG.standard_normal(p.shape) for p in pieces]
    total = sum((p * u).sum() for p, u in zip(pieces, us, strict=True))
    np.testing.assert_array_equal(grad(total, x).value, np.concatenate(us, axis))
    back = grad(concat(pieces, axis=axis), pieces, cotangent=Y)
    for g, p in zip(back, pieces, strict=True):
        np.testing.assert_array_equal(g.value, p.value)


@pytest.mark.parametrize("axis, indices", TAKEN, ids=str)
def test_take_and_scatter_add_are_adjoint(axis, indices):
    i = np.asarray(indices)
    x = Tensor(Y)
    y = take(x, i, axis=axis)
    np.testing.assert_array_equal(y.value, np.take(Y, i, axis))
    u = RNG.standard_normal(y.shape)
    expected = np.zeros_like(Y)
    np.add.at(expected, (slice(None),) * (axis % 2) + (i,), u)
    np.testing.assert_allclose(grad(y, x, cotangent=u).value, expected)
    check(lambda x: take(x, i, axis=axis) ** 3, [Y], order=2, analytic=True)


def test_take_by_a_python_integer_or_a_list():
    x = Tensor(np.arange(6.0).reshape(3, 2))
    assert take(x, 1).value.tolist() == [2.0, 3.0]
    assert take(x, [1, 1]).value.tolist() == [[2.0, 3.0]] * 2


# -- the documented derivatives at kinks --------------------------------------------------------------
@pytest.mark.parametrize("f, at, expected", KINKS)
def test_convention_at_a_kink(f, at, expected):
    x = Tensor(np.array(at))
    g = grad(f(x).sum(), x)
    np.testing.assert_array_equal(g.value, expected)
    assert np.isfinite(grad((g * g).sum(), x).value).all()


def test_where_does_not_multiply_the_untaken_slope():
    """d/dx of x > 0 ? √x : 0 at 0 is 0, not 0·∞ = nan (the division itself may warn: it has been made)."""
    x = Tensor(np.array([0.0, 4.0]))
    with np.errstate(divide="ignore", invalid="ignore"):
        y = where(greater(x, 0.0), x, 0.0)
        g = grad(where(greater(y, 0.0), y, 1.0).sum(), x)
        assert g.value.tolist() == [0.0, 1.0]
        slope = where(np.array([False, True]), 1.0 / x, 7.0)
        u = grad(slope.sum(), [slope.node.inputs[1]])[0]
    assert u.value.tolist() == [0.0, 1.0]


def test_where_takes_a_mask_of_any_kind():
    a, b = Tensor(np.ones(2, np.float32)), Tensor(np.zeros(2, np.float32))
    for mask in (np.array([True, False]), np.array([1, 0]), greater(np.array([1.0, -1.0], np.float32), b)):
        assert where(mask, a, b).value.tolist() == [1.0, 0.0]
    assert where(True, a, b).value.tolist() == [1.0, 1.0]
    assert where(greater(b, a), 1.0, np.float64(2.0)).dtype == np.float32


# -- accuracy in the tails -----------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid_is_relatively_exact_in_the_tail(dtype):
    x = np.array([-80.0, -40.0, -20.0, -1.0, 0.0, 1.0, 30.0], dtype)
    np.testing.assert_allclose(sigmoid(x).value, scipy.special.expit(x.astype(float)), rtol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("f", [sigmoid, softplus, tanh, log_sigmoid, relu])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("huge", [1e4, 1e30])
def test_no_overflow_at_huge_arguments(f, dtype, huge):  # warnings are errors here
    x = Tensor(np.array([-huge, huge], dtype))
    first = grad(f(x).sum(), x)
    second = grad(first.sum(), x)
    assert all(np.isfinite(t.value).all() for t in (f(x), first, second))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softplus_and_its_slope(dtype):
    x = np.array([-1e4, -30.0, -1e-3, 0.0, 1e-3, 30.0, 1e4], dtype)
    wide = x.astype(np.longdouble)
    expected = np.maximum(wide, 0) + np.log1p(np.exp(-np.abs(wide)))
    np.testing.assert_allclose(softplus(x).value, expected.astype(float), rtol=10 * np.finfo(dtype).eps)
    t = Tensor(x)
    # below e^-87 in float32 (e^-700 in float64) the logistic function stays at that value
    floor = {"float32": 2e-38, "float64": 1e-304}[dtype]
    slope = grad(softplus(t).sum(), t).value
    np.testing.assert_allclose(slope, scipy.special.expit(x), rtol=20 * np.finfo(dtype).eps, atol=floor)


# -- errors ------------------------------------------------------------------------------------------
T = Tensor(np.ones((2, 3)))
INTEGERS = np.arange(3)


@pytest.mark.parametrize("call, error, words", [
    (lambda: T + np.ones(4), ValueError, r"\(2,3\).*\(4,\)"),
    (lambda: T @ np.ones((2, 3)), ValueError, r"inner sizes.*\(2, 3\).*\(2, 3\)"),
    (lambda: matmul(T, np.ones((2, 3)), ta=True, tb=True), ValueError, r"\(2, 3\).*\(2, 3\) with ta=True, tb=True"),
    (lambda: T @ np.ones(2), ValueError, r"inner sizes.*\(2, 3\) and \(2,\)"),
    (lambda: T @ 2.0, ValueError, r"vectors or matrices.*\(2, 3\), \(\)"),
    (lambda: T + INTEGERS, TypeError, r"add wants float32 or float64, and argument 1 has dtype int64"),
    (lambda: INTEGERS * T, TypeError, "multiply wants float"),
    (lambda: T * np.ones(3, np.float32), TypeError, "float64 and float32"),
    (lambda: T * np.ones(3, np.float16), TypeError, "float16"),
    (lambda: T * np.array(2.0, np.float32), TypeError, "precision"),
    (lambda: concat([T, np.ones((2, 1), np.float32)]), TypeError, "precision"),
    (lambda: split(T, sizes=(1, 1)), ValueError, r"sizes \(1, 1\).*\(2, 3\)"),
    (lambda: T[np.array([0.0, 1.0])], TypeError, "integers, slices.*float64"),
    (lambda: T[True], TypeError, "integers, slices.*bool"),
    (lambda: T["a"], TypeError, "integers, slices"),
    (lambda: T[np.array([True, False, True])], IndexError, "boolean index"),
    (lambda: T[5], IndexError, "out of bounds"),
    (lambda: take(T, [0.5]), TypeError, "integers"),
    (lambda: take(T, [2]), IndexError, "out of bounds"),
    (lambda: T.sum(axis=2), ValueError, r"axis 2.*\(2, 3\)"),
    (lambda: T.max(axis=-3), ValueError, r"axis -3.*\(2, 3\)"),
    (lambda: reshape(T, shape=(4,)), ValueError, r"size 6.*\(4,\)"),
    (lambda: Tensor("two"), TypeError, "numbers"),
    (lambda: Tensor(T), TypeError, "already"),
    (lambda: sqrt("two"), TypeError, "numbers"),
    (lambda: list(T), TypeError, "not iterable"),
])
def test_a_clear_error(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_taken_name_is_refused():
    """Else a second "add" would silently change + for the whole process."""
    add = PRIMITIVES["add"]
    with pytest.raises(ValueError, match="there is a primitive 'add' already"):
        Primitive("add", call=PRIMITIVES["subtract"].call, elementwise=True)
    assert PRIMITIVES["add"] is add and float(Tensor(1.0) + 2.0) == 3.0
