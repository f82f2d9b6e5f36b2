"""Sums, means, largest entries and norms over axes: made of primitives that keep their axes.

``axis``: a number, a tuple of numbers, or None for all; ``keepdims``: a reduced axis stays, of length one.
"""

from math import prod as product
from operator import index
from typing import Any

from minigan.arrays import HOST, finfo
from minigan.autodiff import primitives
from minigan.autodiff.functions import as_tensor, axes_of, ravel
from minigan.autodiff.primitive import PRIMITIVES
from minigan.autodiff.primitives import concat, exp, log, maximum, minimum, sqrt, stop_gradient, where
from minigan.autodiff.tensor import Axis, Tensor, named

# what ``minigan.autodiff`` shows; sum, max and min, which are Python's names too, are imported by name
__all__ = ["cumsum", "logsumexp", "mean", "norm", "prod", "safe_norm", "softmax", "square_norm", "std", "var"]


def _reduce(name: str, x: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    if not isinstance(keepdims, bool | HOST.bool):
        raise TypeError(f"keepdims is True or False, not {keepdims!r}")
    axes = axes_of(x, axis)
    long = tuple(k for k in axes if x.shape[k] != 1)  # an axis of one has nothing to reduce
    y = PRIMITIVES[name](x, axis=long) if long else x
    rest = tuple(n for k, n in enumerate(x.shape) if k not in axes)
    return y if keepdims or not axes else primitives.reshape(y, shape=rest)


def _count(what: str, x: Tensor, axis: Axis) -> int:
    n = product(x.shape[k] for k in axes_of(x, axis))
    if not n:
        raise ValueError(f"{what} of nothing: shape {x.shape} over axis {axis}")
    return n


def _degrees(x: Tensor, axis: Axis, ddof: int) -> int:
    if x.dtype.kind == "c":
        raise TypeError("a variance of complex numbers is not computed: take that of their real and imaginary parts")
    n = _count("a variance", x, axis)
    if n <= ddof:
        raise ValueError(f"a variance of {n} numbers with ddof = {ddof}: shape {x.shape} over axis {axis}")
    return n - ddof


@named
def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Σ x."""
    return _reduce("reduce_sum", as_tensor(x), axis, keepdims)


@named
def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """(1/n) Σ x. ValueError if there is nothing to take the mean of."""
    x = as_tensor(x)
    return sum(x, axis, keepdims) * (1.0 / _count("a mean", x, axis))


@named
def var(x: Any, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
    """Σ (x − x̄)² / (n − ddof), as NumPy: ddof = 0 is the mean square, ddof = 1 the unbiased estimate."""
    x = as_tensor(x)
    n = _degrees(x, axis, ddof)
    return square_norm(x - mean(x, axis, keepdims=True), axis, keepdims) * (1.0 / n)


@named
def std(x: Any, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
    """√var(x); its derivative is 0 (a subgradient) where all x are equal."""
    x = as_tensor(x)
    n = _degrees(x, axis, ddof)
    x = x - stop_gradient(max(x, axis, keepdims=True))  # equal numbers are 0 then, and so is their mean: exactly
    return norm(x - mean(x, axis, keepdims=True), axis, keepdims) * (1.0 / n**0.5)


@named
def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """max x; ties share the derivative equally."""
    x = as_tensor(x)
    _count("a maximum", x, axis)
    return _reduce("reduce_max", x, axis, keepdims)


@named
def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """min x = −max(−x); ties share the derivative equally."""
    return -max(-as_tensor(x), axis, keepdims)


@named
def prod(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Π x, by halves: its derivative, the product of the others, needs no division and is right at 0."""
    x = as_tensor(x)
    axes = axes_of(x, axis)
    for k in axes:
        before = (slice(None),) * k
        while x.shape[k] > 1:
            half = x.shape[k] // 2
            left, right = x[(*before, slice(half))], x[(*before, slice(half, 2 * half))]
            odd = [x[(*before, slice(2 * half, None))]] if x.shape[k] % 2 else []
            x = concat([left * right, *odd], axis=k) if odd else left * right
    if not all(x.shape[k] for k in axes):
        x = sum(x, axes, keepdims=True) + 1.0  # a product of nothing
    return x if keepdims else x.sum(axes)  # over axes of one: a reshape


@named
def cumsum(x: Any, axis: int | None = None) -> Tensor:
    """y_i = Σ_{j ≤ i} x_j along an axis; of all entries, row after row, if none is given."""
    x = as_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    return primitives.cumsum(x, axis=axes_of(x, index(axis))[0])


@named
def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """log Σ eˣ, shifted by the largest entry, so that nothing overflows; its gradient is softmax.

    All entries -inf give -inf, one +inf gives +inf.
    """
    x = as_tensor(x)
    largest = float(finfo(x.dtype).max)
    m = stop_gradient(max(x, axis, keepdims=True))
    total = exp(x - maximum(minimum(m, largest), -largest)).sum(axis, keepdims=True)
    y = log(maximum(total, 1.0)) + m  # the largest entry alone gives 1, unless it is -inf: no log 0 then
    return y if keepdims else y.sum(axis)  # over axes of one: a reshape


@named
def softmax(x: Any, axis: int = -1) -> Tensor:
    """eˣ / Σ eˣ along an axis."""
    x = as_tensor(x)
    return exp(x - logsumexp(x, axis, keepdims=True))


def norm(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """‖x‖₂ = √Σ x² over the axes given (of all entries, for None), at any scale, with the derivative 0 where x = 0.

    It is scaled by the largest entry, so that no square overflows or vanishes; ``safe_norm`` is quicker.
    """
    x = as_tensor(x)
    largest = stop_gradient(minimum(max(abs(x), axis, keepdims=True), float(finfo(x.dtype).max)))
    scale = where(largest, largest, 1.0)
    u = x / scale
    root = sqrt(maximum(sum(u * u, axis, keepdims=True), 1.0))  # the largest entry alone gives 1, unless all are 0
    y = largest * root
    return y if keepdims else y.sum(axis)  # over axes of one: a reshape


def safe_norm(x: Any, axis: Axis = -1, keepdims: bool = False) -> Tensor:
    """‖x‖₂ along an axis, with the derivative zero (a subgradient) where x = 0.

    √s has an infinite slope at s = 0 and inf · 0 is nan: the known fault of gradient penalties.
    Here s is floored at √tiny (1e-19 in float32), below which ‖x‖ reads as the floor's root
    and its slope as zero, at first and second order.
    """
    x = as_tensor(x)
    floor = float(finfo(x.dtype).tiny) ** 0.5
    return sqrt(maximum(sum(x * x, axis, keepdims), floor))


def square_norm(x: Any, axis: Axis = -1, keepdims: bool = False) -> Tensor:
    """‖x‖₂² = Σ x²."""
    x = as_tensor(x)
    return sum(x * x, axis, keepdims)
