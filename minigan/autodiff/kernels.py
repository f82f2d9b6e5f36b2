"""Which call of the array library computes an operation: what makes one call fast.

``kernel(xp, out, *arrays, **static)`` answers with a function and its arguments, writing to ``out``, or
allocating where ``out`` is None. Eager execution makes that call at once and replay makes it many times: the
same kernel, so the same bits. The choices below are of speed alone (measured by ``python -m tests.benchmarks``);
``primitives.py`` says what each operation is.
"""

from collections.abc import Callable
from functools import cache, partial
from types import ModuleType
from typing import Any

from minigan import arrays
from minigan.arrays import Array, DType, shares_memory

Call = tuple  # (function, *arguments)
LONG = 1 << 16  # numbers: BLAS adds them up one after another, and float32 has no digits left for more
ROW = 8192  # numbers: NumPy copies a broadcast operand into a buffer of so many, unless its rows are as long


# -- elementwise ----------------------------------------------------------------------------
def ufunc(name: str) -> Callable[..., Call]:
    """The array library's function of that name."""
    return lambda xp, out, *values: (getattr(xp, name), *values, out)


def extremum(name: str) -> Callable[..., Call]:
    """maximum or minimum, with ``out`` by keyword: NumPy deprecates a positional one here, and only here."""
    return lambda xp, out, a, b: (
        getattr(xp, name) if out is None else partial(getattr(xp, name), out=out), a, b)


def mask(name: str) -> Callable[..., Call]:
    """A comparison, as 0 or 1 in the dtype of its first operand."""
    return lambda xp, out, *values: (
        (_as_float, xp, getattr(xp, name), *values) if out is None else (getattr(xp, name), *values, out))


def _as_float(xp: ModuleType, function: Any, *values: Array) -> Array:
    return xp.asarray(function(*values), dtype=values[0].dtype)


def zero(xp: ModuleType, x: Array) -> Array:
    return xp.zeros((), dtype=x.dtype)  # an array: a Python 0 costs np.maximum more


def relu(xp: ModuleType, out: Array, x: Array) -> Call:
    """max(x, 0), against a row of zeros: NumPy is twice as fast on two contiguous operands as on one and a number."""
    if not arrays.on_host(xp) or x.size == 0 or not _contiguous(x, out) or (x.size > ROW and x.size % ROW):
        return extremum("maximum")(xp, out, x, zero(xp, x))
    shape = (x.size,) if x.size <= ROW else (x.size // ROW, ROW)
    zeros = _zeros(xp, shape[-1], x.dtype)
    if out is None:
        return _reshaped, xp.maximum, x.reshape(shape), zeros, x.shape
    return partial(xp.maximum, out=out.reshape(shape)), x.reshape(shape), zeros


@cache
def _zeros(xp: ModuleType, width: int, dtype: Any) -> Array:
    """Zeros that everybody shares, so that they stay in the cache."""
    zeros = xp.zeros(width, dtype=dtype)
    zeros.flags.writeable = False
    return zeros


def _reshaped(function: Any, a: Array, b: Array, shape: tuple[int, ...]) -> Array:
    return function(a, b).reshape(shape)


def add(xp: ModuleType, out: Array, a: Array, b: Array) -> Call:
    """a + b; a bias row b (1, n) under a batch a (m, n) is laid out k times first, so that rows are long enough."""
    wide = a.ndim == 2 and b.shape == (1, a.shape[1]) and a.size > 2 * ROW
    if not (wide and arrays.on_host(xp) and _contiguous(a, b, out)):
        return xp.add, a, b, out
    m, n = a.shape
    k = next((k for k in range(-(-ROW // n), m) if m % k == 0), m)
    tile = xp.empty((k, n), dtype=b.dtype)
    into = None if out is None else out.reshape(-1, k * n)
    return _add_row, xp, a.reshape(-1, k * n), b, tile, tile.reshape(-1), into, m


def _add_row(xp: ModuleType, a: Array, b: Array, tile: Array, row: Array, out: Array, m: int) -> Array:
    xp.copyto(tile, b)
    y = xp.add(a, row, out)
    return y if out is not None else y.reshape(m, -1)


def _contiguous(*xs: Array) -> bool:
    return all(x is None or x.flags.c_contiguous for x in xs)


_CAP = {DType("float32"): 87.0, DType("float64"): 700.0}  # e to this is finite


def sigmoid(xp: ModuleType, out: Array, x: Array) -> Call:
    return _sigmoid, xp, x, out


def _sigmoid(xp: ModuleType, x: Array, out: Array) -> Array:
    # 1/(1 + e^-x): relatively exact for x << 0 too. e^-x is capped where it would overflow.
    out = xp.negative(x, xp.empty_like(x) if out is None else out)
    if (cap := _CAP.get(arrays.dtype(out))) is not None:
        xp.minimum(out, cap, out=out)
    xp.exp(out, out)
    xp.add(out, 1.0, out)
    return xp.reciprocal(out, out)


def power(xp: ModuleType, out: Array, a: Array, p: Array, logs: int = 0) -> Call:
    return (_power_of_logs, xp, a, p, logs, out) if logs else (xp.power, a, p, out)


def _power_of_logs(xp: ModuleType, a: Array, p: Array, logs: int, out: Array) -> Array:
    """aᵖ (log a)ᵏ; at a = 0 its limit: 0 for p > 0, else (−∞)ᵏ."""
    none, one, infinite = (xp.asarray(c, dtype=a.dtype) for c in (0.0, 1.0, (-float("inf")) ** logs))
    zero = xp.equal(a, none)
    inside = xp.where(zero, one, a)
    y = xp.power(inside, p)
    for _ in range(logs):  # not (log a)ᵏ, a power in which a complex step would drown
        y = xp.multiply(y, xp.log(inside))
    if arrays.dtype(a).kind == "f":
        y = xp.where(zero, xp.where(xp.greater(p, none), none, infinite), y)
    if out is None:
        return y
    out[...] = y
    return out


def constant_power(xp: ModuleType, out: Array, x: Array, exponent: float) -> Call:
    return xp.power, x, xp.asarray(exponent, dtype=x.dtype), out


def where(xp: ModuleType, out: Array, *args: Array) -> Call:
    return _where, xp, *args, out


def _where(xp: ModuleType, mask: Array, a: Array, b: Array, out: Array) -> Array:
    chosen = xp.where(mask, a, b)
    if out is None:
        return chosen
    out[...] = chosen  # `out` may be one of the inputs, so not by two masked copies
    return out


# -- products and sums ------------------------------------------------------------------------
def matmul(xp: ModuleType, out: Array, a: Array, b: Array, ta: bool = False, tb: bool = False) -> Call:
    if a.ndim < 2 or b.ndim < 2:
        raise ValueError(f"the matmul of these shapes wants matrices (2 axes or more), got {a.shape} and {b.shape}")
    left = a.mT if ta else a  # BLAS takes the transpose as a flag: no copy
    right = b.mT if tb else b
    if left.shape[-1] != right.shape[-2]:
        flags = f" with ta={ta}, tb={tb}" if ta or tb else ""
        raise ValueError(f"matmul: inner sizes of shapes {a.shape} and {b.shape}{flags} differ")
    if left.shape[-1] == 1 and max(left.ndim, right.ndim) > 2:  # np.matmul has no fast way for an outer product
        return xp.multiply, left, right, out
    # NumPy computes a aᵀ of one array by another kernel (syrk), with other bits than for two equal
    # arrays, and replay makes one of two equal expressions.
    gram = arrays.same_layout(left, right.mT) and shares_memory(a, b)
    if gram or (tb and arrays.on_host(xp) and _small(left, right)):
        scratch = xp.empty_like(right) if gram else xp.empty(right.shape, dtype=right.dtype)
        return _with_a_copy, xp.copyto, scratch, right, *_product(xp, left, scratch, out)
    return _product(xp, left, right, out)


def _product(xp: ModuleType, left: Array, right: Array, out: Array) -> Call:
    """np.matmul; or np.dot, which makes the same BLAS call of matrices in 0.3 µs less, but fills ``out`` with 0 first.

    An outer product is np.dot's too, as np.matmul has no fast way for it.
    """
    (m, k), n = left.shape[-2:], right.shape[-1]
    if not (arrays.on_host(xp) and left.ndim == right.ndim == 2 and (m * n <= ROW or k == 1)):
        return xp.matmul, left, right, out
    return (xp.dot, left, right, out) if _contiguous(out) else (_dot_into, xp, left, right, out)


def _dot_into(xp: ModuleType, left: Array, right: Array, out: Array) -> None:
    out[...] = xp.dot(left, right)


def _with_a_copy(copyto: Any, scratch: Array, right: Array, product: Any, *args: Array) -> Array:
    copyto(scratch, right)
    return product(*args)


def _small(left: Array, right: Array) -> bool:
    """Whether OpenBLAS multiplies without packing: then A Bᵀ takes half as long again as A B, and a copy of Bᵀ pays."""
    (m, k), n = left.shape[-2:], right.shape[-1]
    return min(m, k, n) >= 32 and k * n <= 96**2 and m * k * n <= 100**3


def reduce_sum(xp: ModuleType, out: Array, x: Array, axis: tuple[int, ...]) -> Call:
    thin = x.ndim > 1 and x.shape[-1] == 1 and x.shape[-2] > LONG
    if x.ndim > 1 and axis == (x.ndim - 2,) and not thin:  # column sums: a row of ones times x
        return _product(xp, xp.ones((1, x.shape[-2]), dtype=x.dtype), x, out)
    if x.ndim > 1 and axis == (x.ndim - 1,):  # row sums: x times a column of ones
        return _product(xp, x, xp.ones((x.shape[-1], 1), dtype=x.dtype), out)
    return xp.add.reduce, x, axis, None, out, True


# -- values moved -----------------------------------------------------------------------------
HOLE = "array"  # in a key: here goes the next array of integers


def basic(key: tuple) -> tuple:
    """An index of integers, slices and ...: it selects a view."""
    return key if Ellipsis in key else (*key, Ellipsis)  # with ... one element is a view too, not a scalar


def gather(xp: ModuleType, out: Array, x: Array, *at: Array, key: tuple) -> Call:
    return _gather, x, _filled(key, at), out


def _gather(x: Array, key: tuple, out: Array) -> Array:
    if out is None:
        return x[key]
    out[...] = x[key]
    return out


def scatter(xp: ModuleType, out: Array, g: Array, *at: Array, key: tuple, shape: tuple[int, ...]) -> Call:
    return _scatter, xp, g, _filled(key, at), shape, out


def _scatter(xp: ModuleType, g: Array, key: tuple, shape: tuple[int, ...], out: Array) -> Array:
    out = xp.empty(shape, dtype=g.dtype) if out is None else out
    out[...] = 0.0
    xp.add.at(out, key, g)
    return out


def _filled(key: tuple, at: tuple[Array, ...]) -> tuple:
    """The key with the arrays in its holes."""
    arrays_in_order = iter(at)
    return tuple(next(arrays_in_order) if isinstance(k, str) else k for k in key)


def convert(xp: ModuleType, out: Array, x: Array, dtype: Any) -> Call:
    return _convert, xp, x, dtype, out


def _convert(xp: ModuleType, x: Array, dtype: Any, out: Array) -> Array:
    if out is None:
        return xp.asarray(x, dtype=dtype)
    out[...] = x
    return out


def copy(xp: ModuleType, out: Array, x: Array) -> Call:
    return (partial(xp.array, order="C"), x) if out is None else (xp.copyto, out, x)


def embed(xp: ModuleType, out: Array, g: Array, key: tuple, shape: tuple[int, ...]) -> Call:
    return _embed, xp, g, basic(key), shape, out


def _embed(xp: ModuleType, g: Array, key: tuple, shape: tuple[int, ...], out: Array) -> Array:
    out = xp.empty(shape, dtype=g.dtype) if out is None else out
    out[...] = 0.0
    out[key] = g
    return out


def take(xp: ModuleType, out: Array, x: Array, indices: Array, axis: int = 0) -> Call:
    if arrays.dtype(indices).kind not in "iu":
        raise TypeError(f"take: indices must be integers, got dtype {indices.dtype}")
    return xp.take, x, indices, axis, out


def scatter_add(xp: ModuleType, out: Array, g: Array, indices: Array, axis: int, n: int) -> Call:
    return _scatter_add, xp, g, indices, axis, n, out


def _scatter_add(xp: ModuleType, g: Array, indices: Array, axis: int, n: int, out: Array) -> Array:
    if out is None:
        out = xp.empty((*g.shape[:axis], n, *g.shape[axis + indices.ndim :]), dtype=g.dtype)
    out[...] = 0.0
    xp.add.at(out, (slice(None),) * axis + (indices,), g)
    return out
