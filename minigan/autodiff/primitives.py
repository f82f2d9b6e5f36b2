"""The operations: each forward beside its derivative rule, and the rules are made of operations.

A rule ``(g, y, *inputs) -> cotangent`` gives the vector-Jacobian product ∂⟨g, f(x)⟩/∂x.
Because it is written with these very primitives, its answer is a graph again, and a
second derivative needs nothing new. Which kernel runs (a ones-vector product for a
column sum, an outer multiply for a product of inner size 1) is decided here, so that
eager execution and replay make the same call.

Arguments that are not tensors go by keyword: ``reshape(x, shape=(2, 3))``,
``transpose(x, axes=(1, 0))``, ``matmul(a, b, tb=True)``.

Source: Griewank & Walther, Evaluating Derivatives (2008), ch. 3 (reverse mode).
"""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType, ModuleType
from typing import Any

from minigan import arrays
from minigan.arrays import Array, namespace, shares_memory
from minigan.autodiff.tensor import Primitive, Tensor


def _ufunc(name: str) -> Any:
    """The kernel of an elementwise operation: the array library's function of that name."""

    def call(xp: ModuleType, out: Array, *values: Array) -> tuple:
        return getattr(xp, name), *values, out

    return call


# -- elementwise, smooth ----------------------------------------------------------------
add = Primitive("add", call=_ufunc("add"), elementwise=True,
                rules=[lambda g, y, a, b: g, lambda g, y, a, b: g])
subtract = Primitive("subtract", call=_ufunc("subtract"), elementwise=True,
                     rules=[lambda g, y, a, b: g, lambda g, y, a, b: -g])
multiply = Primitive("multiply", call=_ufunc("multiply"), elementwise=True,
                     rules=[lambda g, y, a, b: g * b, lambda g, y, a, b: g * a])
divide = Primitive("divide", call=_ufunc("divide"), elementwise=True,
                   rules=[lambda g, y, a, b: g / b, lambda g, y, a, b: -(g * y / b)])
power = Primitive("power", call=_ufunc("power"), elementwise=True,
                  rules=[lambda g, y, a, p: g * p * a ** (p - 1.0), lambda g, y, a, p: g * y * log(a)])
negative = Primitive("negative", call=_ufunc("negative"), elementwise=True, rules=[lambda g, y, x: -g])
exp = Primitive("exp", call=_ufunc("exp"), elementwise=True, rules=[lambda g, y, x: g * y])
log: Primitive = Primitive("log", call=_ufunc("log"), elementwise=True, rules=[lambda g, y, x: g / x])
log1p = Primitive("log1p", call=_ufunc("log1p"), elementwise=True, rules=[lambda g, y, x: g / (1.0 + x)])
expm1 = Primitive("expm1", call=_ufunc("expm1"), elementwise=True, rules=[lambda g, y, x: g * (y + 1.0)])
sqrt = Primitive("sqrt", call=_ufunc("sqrt"), elementwise=True, rules=[lambda g, y, x: g * (0.5 / y)])
sin = Primitive("sin", call=_ufunc("sin"), elementwise=True, rules=[lambda g, y, x: g * cos(x)])
cos: Primitive = Primitive("cos", call=_ufunc("cos"), elementwise=True, rules=[lambda g, y, x: -(g * sin(x))])
tanh = Primitive("tanh", call=_ufunc("tanh"), elementwise=True, rules=[lambda g, y, x: g * (1.0 - y * y)])


def _sigmoid(xp: ModuleType, x: Array, out: Array) -> Array:
    # 1/(1 + e^-x): relatively exact for x << 0 too. e^-x is capped where it would overflow.
    out = xp.negative(x, xp.empty_like(x) if out is None else out)
    if out.dtype.kind == "f":
        xp.minimum(out, 700.0 if out.dtype.itemsize == 8 else 87.0, out=out)
    xp.exp(out, out)
    xp.add(out, 1.0, out)
    return xp.reciprocal(out, out)


sigmoid = Primitive("sigmoid", call=lambda xp, out, x: (_sigmoid, xp, x, out), elementwise=True,
                    rules=[lambda g, y, x: g * (y * (1.0 - y))])
# log(1 + e^x) as log(e^x + e^0): no overflow, and the slope at 0 is exactly 1/2
softplus = Primitive("softplus", call=lambda xp, out, x: (xp.logaddexp, x, _zero(xp, x), out),
                     elementwise=True, analytic=False, rules=[lambda g, y, x: g * sigmoid(x)])


# -- elementwise, with kinks --------------------------------------------------------------
# A mask is 0 or 1 in the dtype of x, and its derivative is zero: no path runs through it,
# so the double backward of a ReLU network never visits its forward.
def _zero(xp: ModuleType, x: Array) -> Array:
    return xp.zeros((), dtype=x.dtype)  # an array: a Python 0 costs np.maximum more


def _mask(name: str) -> Any:
    return lambda xp, out, *values: (_mask_kernel, getattr(xp, name), values, out)


def _mask_kernel(function: Any, values: tuple[Array, ...], out: Array) -> Array:
    return function(*values).astype(values[0].dtype) if out is None else function(*values, out=out)


def _extremum(name: str) -> Any:
    return lambda xp, out, a, b: (_extremum_kernel, getattr(xp, name), a, b, out)


def _extremum_kernel(function: Any, a: Array, b: Array, out: Array) -> Array:
    return function(a, b, out=out)  # NumPy deprecates a positional `out` here, and only here


greater = Primitive("greater", call=_mask("greater"), elementwise=True, analytic=False)
greater_equal = Primitive("greater_equal", call=_mask("greater_equal"), elementwise=True, analytic=False)
equal = Primitive("equal", call=_mask("equal"), elementwise=True, analytic=False)
isfinite = Primitive("isfinite", call=_mask("isfinite"), elementwise=True, analytic=False)
sign = Primitive("sign", call=_ufunc("sign"), elementwise=True, analytic=False)
# At a tie the first argument takes the whole cotangent: one of the subgradients.
maximum = Primitive("maximum", call=_extremum("maximum"), elementwise=True, analytic=False,
                    rules=[lambda g, y, a, b: g * greater_equal(a, b), lambda g, y, a, b: g * greater(b, a)])
minimum = Primitive("minimum", call=_extremum("minimum"), elementwise=True, analytic=False,
                    rules=[lambda g, y, a, b: g * greater_equal(b, a), lambda g, y, a, b: g * greater(a, b)])
relu = Primitive("relu", call=lambda xp, out, x: (_extremum_kernel, xp.maximum, x, _zero(xp, x), out),
                 elementwise=True, analytic=False, rules=[lambda g, y, x: g * greater(x, 0.0)])  # relu'(0) = 0
absolute = Primitive("absolute", call=_ufunc("absolute"), elementwise=True, analytic=False,
                     rules=[lambda g, y, x: g * sign(x)])  # |0|' = 0


def _where(xp: ModuleType, mask: Array, a: Array, b: Array, out: Array) -> Array:
    chosen = xp.where(mask, a, b)
    if out is None:
        return chosen
    out[...] = chosen  # `out` may be one of the inputs, so not by two masked copies
    return out


# The cotangent is selected, not multiplied by a mask: an infinite slope of the branch not
# taken must not become inf * 0 = nan.
where: Primitive = Primitive("where", call=lambda xp, out, *args: (_where, xp, *args, out),
                  elementwise=True, discrete=(0,), analytic=False,
                  rules=[None, lambda g, y, m, a, b: where(m, g, 0.0), lambda g, y, m, a, b: where(m, 0.0, g)])


# -- linear algebra -----------------------------------------------------------------------
def _matmul(xp: ModuleType, out: Array, a: Array, b: Array, ta: bool = False, tb: bool = False) -> tuple:
    if a.ndim < 2 or b.ndim < 2:
        raise ValueError(f"matmul wants matrices (2 axes or more), got shapes {a.shape} and {b.shape}")
    left = a.mT if ta else a  # BLAS takes the transpose as a flag: no copy
    right = b.mT if tb else b
    if left.shape[-1] != right.shape[-2]:
        flags = f" with ta={ta}, tb={tb}" if ta or tb else ""
        raise ValueError(f"matmul: inner sizes of shapes {a.shape} and {b.shape}{flags} differ")
    if left.shape[-1] == 1:  # inner size 1: an outer multiply, cheaper than a GEMM
        return xp.multiply, left, right, out
    if _same_layout(left, right.mT) and shares_memory(a, b):
        return _gram, xp, left, right, out
    return arrays.matmul(xp), left, right, out


def _same_layout(a: Array, b: Array) -> bool:
    return (a.shape[-2:], a.strides[-2:]) == (b.shape[-2:], b.strides[-2:])


def _gram(xp: ModuleType, left: Array, right: Array, out: Array) -> Array:
    # NumPy computes a aᵀ of one array by another kernel (syrk), with other bits than for two equal
    # arrays, and replay makes one of two equal expressions.
    return arrays.matmul(xp)(left, right.copy(order="K"), out)


# Y = A B on the last two axes, A = aᵀ if ta else a, B = bᵀ if tb else b:  ∂A = G Bᵀ,  ∂B = Aᵀ G
matmul: Primitive = Primitive("matmul", call=_matmul, dense=True, rules=[
    lambda g, y, a, b, ta=False, tb=False: matmul(b, g, ta=tb, tb=True) if ta else matmul(g, b, tb=not tb),
    lambda g, y, a, b, ta=False, tb=False: matmul(g, a, ta=True, tb=ta) if tb else matmul(a, g, ta=not ta),
])


# -- reductions: they keep their axes (functions.py drops them by a reshape) -----------------
def _sum(xp: ModuleType, out: Array, x: Array, axis: tuple[int, ...]) -> tuple:
    if x.ndim > 1 and axis == (x.ndim - 2,):  # column sums: a row of ones times x
        return arrays.matmul(xp), xp.ones((1, x.shape[-2]), dtype=x.dtype), x, out
    if x.ndim > 1 and axis == (x.ndim - 1,):  # row sums: x times a column of ones
        return arrays.matmul(xp), x, xp.ones((x.shape[-1], 1), dtype=x.dtype), out
    return xp.add.reduce, x, axis, None, out, True


reduce_sum = Primitive("reduce_sum", call=_sum, dense=True,
                       rules=[lambda g, y, x, axis: broadcast_to(g, shape=x.shape)])
reduce_max = Primitive("reduce_max", call=lambda xp, out, x, axis: (xp.max, x, axis, out, True), analytic=False,
                       rules=[lambda g, y, x, axis: _shared(g, equal(x, y), axis)])


def _shared(g: Tensor, winners: Tensor, axis: tuple[int, ...]) -> Tensor:
    return g / reduce_sum(winners, axis=axis) * winners  # ties share the cotangent


# -- the same values seen differently: no work in replay -------------------------------------
def _basic(key: tuple) -> tuple:
    if any(isinstance(k, bool) or not isinstance(k, int | slice | EllipsisType | None) for k in key):
        raise TypeError("a tensor is indexed by integers, slices, None and ...; use take(x, indices) for an array")
    return key if Ellipsis in key else (*key, Ellipsis)  # with ... one element is a view too, not a scalar


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    forward = [k % len(axes) for k in axes]
    return tuple(forward.index(k) for k in range(len(axes)))


def _split(x: Array, sizes: tuple[int, ...], axis: int = -1) -> list[Array]:
    if sum(sizes) != x.shape[axis]:
        raise ValueError(f"split: sizes {sizes} add up to {sum(sizes)}, and axis {axis} of shape {x.shape} does not")
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    before = (slice(None),) * (axis % x.ndim)
    return [x[(*before, slice(i, i + n))] for i, n in zip(starts, sizes, strict=True)]


def _join(gs: list[Tensor | None], x: Tensor, sizes: tuple[int, ...], axis: int) -> list[Tensor]:
    shape, xp, axis = x.shape, namespace(x._value), axis % x.ndim
    zeros = [Tensor(xp.zeros((*shape[:axis], n, *shape[axis + 1 :]), dtype=x.dtype)) for n in sizes]
    return [concat([z if g is None else g for g, z in zip(gs, zeros, strict=True)], axis=axis)]


reshape: Primitive = Primitive("reshape", view=lambda x, shape: x.reshape(shape),
                    rules=[lambda g, y, x, shape: reshape(g, shape=x.shape)])
transpose: Primitive = Primitive("transpose", view=lambda x, axes: x.transpose(axes),
                      rules=[lambda g, y, x, axes: transpose(g, axes=_inverse(axes))])
broadcast_to: Primitive = Primitive("broadcast_to", view=lambda x, shape: namespace(x).broadcast_to(x, shape),
                         rules=[lambda g, y, x, shape: g])
getitem = Primitive("getitem", view=lambda x, key: x[_basic(key)],
                    rules=[lambda g, y, x, key: embed(g, key=key, shape=x.shape)])
stop_gradient = Primitive("stop_gradient", view=lambda x: x)
# one tensor to a list of them: pieces of the given sizes along an axis
split = Primitive("split", view=_split, joint=lambda gs, y, x, sizes, axis=-1: _join(gs, x, sizes, axis))


# -- values moved -----------------------------------------------------------------------------
def _copy(xp: ModuleType, x: Array, out: Array) -> Array:
    if out is None:
        return xp.array(x, order="C")
    xp.copyto(out, x)
    return out


def _embed(xp: ModuleType, g: Array, key: tuple, shape: tuple[int, ...], out: Array) -> Array:
    out = xp.empty(shape, dtype=g.dtype) if out is None else out
    out[...] = 0.0
    out[_basic(key)] = g
    return out


def _take(xp: ModuleType, out: Array, x: Array, indices: Array, axis: int = 0) -> tuple:
    if indices.dtype.kind not in "iu":
        raise TypeError(f"take: indices must be integers, got dtype {indices.dtype}")
    return xp.take, x, indices, axis, out


def _scatter_add(xp: ModuleType, g: Array, indices: Array, axis: int, n: int, out: Array) -> Array:
    if out is None:
        out = xp.empty((*g.shape[:axis], n, *g.shape[axis + indices.ndim :]), dtype=g.dtype)
    out[...] = 0.0
    xp.add.at(out, (slice(None),) * axis + (indices,), g)
    return out


copy = Primitive("copy", call=lambda xp, out, x: (_copy, xp, x, out), rules=[lambda g, y, x: g])
_concat = Primitive("concat", call=lambda xp, out, *xs, axis: (xp.concatenate, xs, axis, out),
                    joint=lambda gs, y, *xs, axis: split(gs[0], sizes=tuple(x.shape[axis] for x in xs), axis=axis))
# zeros with g written at x[key]: the adjoint of slicing
embed: Primitive = Primitive("embed", call=lambda xp, out, g, key, shape: (_embed, xp, g, key, shape, out),
                  rules=[lambda g, y, x, key, shape: getitem(g, key=key)])
# x[..., indices, ...] along an axis, for an integer array of indices
take = Primitive("take", call=_take, discrete=(1,), rules=[
    lambda g, y, x, i, axis=0: scatter_add(g, i, axis=axis % x.ndim, n=x.shape[axis]), None])
# out[..., i, ...] += g for every index i, repeated ones adding up: the adjoint of take
scatter_add: Primitive = Primitive("scatter_add", discrete=(1,),
                                   rules=[lambda g, y, x, i, axis, n: take(g, i, axis=axis), None],
                                   call=lambda xp, out, g, i, axis, n: (_scatter_add, xp, g, i, axis, n, out))


def concat(xs: Sequence[Any], axis: int = -1) -> Tensor:
    """The tensors of a list one after another along ``axis``: the adjoint of ``split``."""
    return _concat(*xs, axis=axis)
