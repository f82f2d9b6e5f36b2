"""The operations: each forward beside its derivative rule, and the rules are made of operations.

A rule ``(g, y, *inputs) -> cotangent`` gives the vector-Jacobian product ∂⟨g, f(x)⟩/∂x.
Because it is written with these very primitives, its answer is a graph again, and a
second derivative needs nothing new. Which call of the array library computes it stands in
``kernels.py``: eager execution and replay make the same one.

Arguments that are not tensors follow them, best by keyword: ``broadcast_to(x, shape=(2, 3))``,
``split(x, sizes=(1, 2))``, ``matmul(a, b, tb=True)``.

Source: Griewank & Walther, Evaluating Derivatives (2008), ch. 3 (reverse mode).
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from minigan.arrays import Array, namespace
from minigan.autodiff import kernels
from minigan.autodiff.primitive import Primitive
from minigan.autodiff.tensor import Tensor

# what ``minigan.autodiff`` shows; the others are behind functions, operators, indices and methods
__all__ = [
    "absolute", "alias", "arctan", "broadcast_to", "concat", "copy", "cos", "equal", "exp", "expm1", "greater",
    "greater_equal", "isfinite", "log", "log1p", "maximum", "minimum", "relu", "sigmoid", "sign", "sin", "softplus",
    "split", "sqrt", "stop_gradient", "take", "tanh", "where",
]

# -- elementwise, smooth ----------------------------------------------------------------
add = Primitive("add", call=kernels.add, elementwise=True,
                rules=[lambda g, y, a, b: g, lambda g, y, a, b: g])
subtract = Primitive("subtract", call=kernels.ufunc("subtract"), elementwise=True,
                     rules=[lambda g, y, a, b: g, lambda g, y, a, b: -g])
multiply = Primitive("multiply", call=kernels.ufunc("multiply"), elementwise=True,
                     rules=[lambda g, y, a, b: g * b, lambda g, y, a, b: g * a])
divide = Primitive("divide", call=kernels.ufunc("divide"), elementwise=True,
                   rules=[lambda g, y, a, b: g / b, lambda g, y, a, b: -(g * y / b)])
# aᵖ (log a)ᵏ, a family that is closed under derivatives: k = 0 is aᵖ. Both are read as limits where a = 0.
power: Primitive = Primitive("power", call=kernels.power, elementwise=True, rules=[
    lambda g, y, a, p, logs=0: g * _slope(a, p, logs), lambda g, y, a, p, logs=0: g * power(a, p, logs=logs + 1)])
# xᶜ for a number c: c xᶜ⁻¹ ends at a constant if c is a whole number
constant_power: Primitive = Primitive("constant_power", elementwise=True, call=kernels.constant_power, rules=[
    lambda g, y, x, exponent: g * exponent * x ** (exponent - 1)])
negative = Primitive("negative", call=kernels.ufunc("negative"), elementwise=True, rules=[lambda g, y, x: -g])
exp = Primitive("exp", call=kernels.ufunc("exp"), elementwise=True, rules=[lambda g, y, x: g * y])
log: Primitive = Primitive("log", call=kernels.ufunc("log"), elementwise=True, rules=[lambda g, y, x: g / x])
log1p = Primitive("log1p", call=kernels.ufunc("log1p"), elementwise=True, rules=[lambda g, y, x: g / (1.0 + x)])
expm1 = Primitive("expm1", call=kernels.ufunc("expm1"), elementwise=True, rules=[lambda g, y, x: g * (y + 1.0)])
sqrt = Primitive("sqrt", call=kernels.ufunc("sqrt"), elementwise=True, rules=[lambda g, y, x: g * (0.5 / y)])
sin = Primitive("sin", call=kernels.ufunc("sin"), elementwise=True, rules=[lambda g, y, x: g * cos(x)])
cos: Primitive = Primitive("cos", call=kernels.ufunc("cos"), elementwise=True, rules=[lambda g, y, x: -(g * sin(x))])
tanh = Primitive("tanh", call=kernels.ufunc("tanh"), elementwise=True, rules=[lambda g, y, x: g * (1.0 - y * y)])
arctan = Primitive("arctan", call=kernels.ufunc("arctan"), elementwise=True,
                   rules=[lambda g, y, x: g / (1.0 + x * x)])
# 1/(1 + e^{−x})
sigmoid = Primitive("sigmoid", call=kernels.sigmoid, elementwise=True, rules=[lambda g, y, x: g * (y * (1.0 - y))])
# log(1 + e^x) as log(e^x + e^0): no overflow, and the slope at 0 is exactly 1/2
softplus = Primitive("softplus", call=lambda xp, out, x: (xp.logaddexp, x, kernels.zero(xp, x), out),
                     elementwise=True, analytic=False, rules=[lambda g, y, x: g * sigmoid(x)])


def _slope(a: Tensor, p: Tensor, logs: int) -> Tensor:
    """d/da aᵖ (log a)ᵏ = p aᵖ⁻¹ (log a)ᵏ + k aᵖ⁻¹ (log a)ᵏ⁻¹; the first is 0 for p = 0, also where a⁻¹ is infinite."""
    inside = where(equal(a, 0.0) * equal(p, 0.0), 1.0, a)
    first = p * power(inside, p - 1.0, logs=logs)
    return first + logs * power(a, p - 1.0, logs=logs - 1) if logs else first


# -- elementwise, with kinks --------------------------------------------------------------
# A mask is 0 or 1 in the dtype of x, and its derivative is zero: no path runs through it,
# so the double backward of a ReLU network never visits its forward.
MASK: dict[str, Any] = {"elementwise": True, "in_place": False, "analytic": False, "mask": True, "ordered": True}
greater = Primitive("greater", call=kernels.mask("greater"), rules=[None, None], **MASK)
greater_equal = Primitive("greater_equal", call=kernels.mask("greater_equal"), rules=[None, None], **MASK)
equal = Primitive("equal", call=kernels.mask("equal"), rules=[None, None], **MASK | {"ordered": False})
isfinite = Primitive("isfinite", call=kernels.mask("isfinite"), rules=[None], **MASK | {"ordered": False})
sign = Primitive("sign", call=kernels.ufunc("sign"), elementwise=True, analytic=False, ordered=True, rules=[None])
# At a tie the first argument takes the whole cotangent: one of the subgradients.
maximum = Primitive("maximum", call=kernels.extremum("maximum"), elementwise=True, analytic=False, ordered=True,
                    rules=[lambda g, y, a, b: g * greater_equal(a, b), lambda g, y, a, b: g * greater(b, a)])
minimum = Primitive("minimum", call=kernels.extremum("minimum"), elementwise=True, analytic=False, ordered=True,
                    rules=[lambda g, y, a, b: g * greater_equal(b, a), lambda g, y, a, b: g * greater(a, b)])
# max(0, x)
relu = Primitive("relu", call=kernels.relu, elementwise=True, analytic=False, ordered=True,
                 rules=[lambda g, y, x: g * greater(y, 0.0)])  # relu'(0) = 0; y > 0 iff x > 0, and x need not be kept
absolute = Primitive("absolute", call=kernels.ufunc("absolute"), elementwise=True, analytic=False, ordered=True,
                     rules=[lambda g, y, x: g * sign(x)])  # |0|' = 0


# The cotangent is selected, not multiplied by a mask: an infinite slope of the branch not
# taken must not become inf * 0 = nan.
where: Primitive = Primitive("where", call=kernels.where, elementwise=True, discrete=(0,), analytic=False,
                  rules=[None, lambda g, y, m, a, b: where(m, g, 0.0), lambda g, y, m, a, b: where(m, 0.0, g)])


# -- linear algebra -----------------------------------------------------------------------
# Y = A B on the last two axes, A = aᵀ if ta else a, B = bᵀ if tb else b:  ∂A = G Bᵀ,  ∂B = Aᵀ G
matmul: Primitive = Primitive("matmul", call=kernels.matmul, dense=True, rules=[
    lambda g, y, a, b, ta=False, tb=False: matmul(b, g, ta=tb, tb=True) if ta else matmul(g, b, tb=not tb),
    lambda g, y, a, b, ta=False, tb=False: matmul(g, a, ta=True, tb=ta) if tb else matmul(a, g, ta=not ta),
])


# -- reductions: they keep their axes (functions.py drops them by a reshape) -----------------
reduce_sum = Primitive("reduce_sum", call=kernels.reduce_sum, dense=True,
                       rules=[lambda g, y, x, axis: broadcast_to(g, shape=x.shape)])
reduce_max = Primitive("reduce_max", call=lambda xp, out, x, axis: (xp.max, x, axis, out, True), analytic=False,
                       ordered=True,
                       rules=[lambda g, y, x, axis: _shared(g, equal(x, y), axis)])


# Σ_{j ≤ i} x_j along an axis; its adjoint sums from the other end
cumsum: Primitive = Primitive("cumsum", call=lambda xp, out, x, axis: (xp.cumsum, x, axis, None, out),
                              rules=[lambda g, y, x, axis: _from_the_end(g, axis)])


def _from_the_end(g: Tensor, axis: int) -> Tensor:
    backwards = (slice(None),) * axis + (slice(None, None, -1),)
    return getitem(cumsum(getitem(g, key=backwards), axis=axis), key=backwards)


def _shared(g: Tensor, winners: Tensor, axis: tuple[int, ...]) -> Tensor:
    return g / reduce_sum(winners, axis=axis) * winners  # ties share the cotangent


# -- the same values seen differently: no work in replay -------------------------------------
def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(axes)), key=lambda k: axes[k] % len(axes)))


def _split(x: Array, sizes: tuple[int, ...], axis: int = -1) -> list[Array]:
    if sum(sizes) != x.shape[axis] or min(sizes, default=0) < 0:
        raise ValueError(f"split: sizes {sizes} add up to {sum(sizes)}, and axis {axis} of shape {x.shape} does not")
    before = (slice(None),) * (axis % x.ndim)
    return [x[(*before, slice(end - n, end), ...)] for end, n in zip(accumulate(sizes), sizes, strict=True)]


def _join(gs: list[Tensor | None], x: Tensor, sizes: tuple[int, ...], axis: int) -> list[Tensor]:
    shape, xp, axis = x.shape, namespace(x._value), axis % x.ndim
    zeros = [Tensor(xp.zeros((*shape[:axis], n, *shape[axis + 1 :]), dtype=x.dtype)) for n in sizes]
    return [concat([z if g is None else g for g, z in zip(gs, zeros, strict=True)], axis=axis)]


reshape: Primitive = Primitive("reshape", view=lambda x, shape: namespace(x).reshape(x, shape),
                    rules=[lambda g, y, x, shape: reshape(g, shape=x.shape)])
transpose: Primitive = Primitive("transpose", view=lambda x, axes: namespace(x).permute_dims(x, axes),
                      rules=[lambda g, y, x, axes: transpose(g, axes=_inverse(axes))])
broadcast_to: Primitive = Primitive("broadcast_to", view=lambda x, shape: namespace(x).broadcast_to(x, shape),
                         rules=[lambda g, y, x, shape: g])
getitem = Primitive("getitem", view=lambda x, key: x[kernels.basic(key)],
                    rules=[lambda g, y, x, key: embed(g, key=key, shape=x.shape)])
# x, of which no derivative is ever taken
stop_gradient = Primitive("stop_gradient", view=lambda x: x, rules=[None])
# x under another name: a derivative with respect to it is partial, whatever else depends on x
alias = Primitive("alias", view=lambda x: x, rules=[lambda g, y, x: g])
# one tensor to a list of them: pieces of the given sizes along an axis
split = Primitive("split", view=_split, rules=[None],
                  joint=lambda gs, y, x, sizes, axis=-1: _join(gs, x, sizes, axis))


# -- values moved -----------------------------------------------------------------------------
copy = Primitive("copy", call=kernels.copy, rules=[lambda g, y, x: g])
# another float dtype; and of or to integers, which have no derivative
cast: Primitive = Primitive("cast", call=kernels.convert, elementwise=True, in_place=False, analytic=False,
                            rules=[lambda g, y, x, dtype: cast(g, dtype=x.dtype)])
convert = Primitive("convert", call=kernels.convert, elementwise=True, in_place=False, analytic=False,
                    discrete=(0,), rules=[None])
_concat = Primitive("concat", variadic=True, call=lambda xp, out, *xs, axis: (xp.concatenate, xs, axis, out),
                    joint=lambda gs, y, *xs, axis: split(gs[0], sizes=tuple(x.shape[axis] for x in xs), axis=axis))
# zeros with g written at x[key]: the adjoint of slicing
embed: Primitive = Primitive("embed", call=kernels.embed, rules=[lambda g, y, x, key, shape: getitem(g, key=key)])
# x[..., indices, ...] along an axis, for an integer array of indices
take = Primitive("take", call=kernels.take, discrete=(1,), rules=[
    lambda g, y, x, i, axis=0: scatter_add(g, i, axis=axis % x.ndim, n=x.shape[axis]), None])
# out[..., i, ...] += g for every index i, repeated ones adding up: the adjoint of take
scatter_add: Primitive = Primitive("scatter_add", call=kernels.scatter_add, discrete=(1,),
                                   rules=[lambda g, y, x, i, axis, n: take(g, i, axis=axis), None])
# x[key] where the key has arrays of integers in it (their places in ``key`` are kernels.HOLE), and its adjoint:
# zeros with g added at x[key], repeated entries adding up
AT: dict[str, Any] = {"variadic": True, "discrete": range(1, 65)}
gather = Primitive("gather", call=kernels.gather, **AT, rules=[
    lambda g, y, x, *at, key: scatter(g, *at, key=key, shape=x.shape)])
scatter: Primitive = Primitive("scatter", call=kernels.scatter, **AT, rules=[
    lambda g, y, x, *at, key, shape: gather(g, *at, key=key)])


def concat(xs: Sequence[Any], axis: int = -1) -> Tensor:
    """The tensors of a list one after another along ``axis``: the adjoint of ``split``."""
    if not len(xs):
        raise ValueError("concat: an empty list of tensors")
    return _concat(*xs, axis=axis)
