"""Functions made of primitives: reductions that drop axes, logs and norms that stay finite.

Nothing here has a derivative rule of its own: ``grad`` sees only primitives.
"""

from collections.abc import Iterable
from typing import Any

from minigan.arrays import finfo, namespace
from minigan.autodiff.primitives import (
    concat,
    exp,
    log,
    maximum,
    minimum,
    relu,
    reshape,
    softplus,
    sqrt,
    stop_gradient,
    transpose,
)
from minigan.autodiff.tensor import Axis, Tensor

# what ``minigan.autodiff`` shows
__all__ = ["leaky_relu", "log_sigmoid", "logsumexp", "max", "mean", "safe_norm", "softmax", "square_norm", "stack",
           "sum", "swap"]


def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Σ over the axes given (None: all)."""
    return as_tensor(x).sum(axis, keepdims)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """(1/n) Σ over the axes given (None: all)."""
    return as_tensor(x).mean(axis, keepdims)


def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """max over the axes given (None: all); ties share the derivative equally."""
    return as_tensor(x).max(axis, keepdims)


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """log Σ eˣ, shifted by the largest entry, so that nothing overflows; its gradient is softmax.

    All entries -inf give -inf, one +inf gives +inf.
    """
    x = as_tensor(x)
    largest = float(finfo(x.dtype).max)
    m = stop_gradient(x.max(axis, keepdims=True))
    total = exp(x - maximum(minimum(m, largest), -largest)).sum(axis, keepdims=True)
    y = log(maximum(total, 1.0)) + m  # the largest entry alone gives 1, unless it is -inf: no log 0 then
    return y if keepdims else y.sum(axis)  # over axes of one: a reshape


def softmax(x: Any, axis: int = -1) -> Tensor:
    """eˣ / Σ eˣ along an axis."""
    x = as_tensor(x)
    return exp(x - logsumexp(x, axis, keepdims=True))


def log_sigmoid(x: Any) -> Tensor:
    """log σ(x) = −softplus(−x): −log D of a logit, without ever forming D."""
    return -softplus(-as_tensor(x))


def leaky_relu(x: Any, slope: float = 0.2) -> Tensor:
    """max(x, slope·x) for 0 ≤ slope ≤ 1; at 0 the derivative is ``slope``."""
    x = as_tensor(x)
    return relu(x) * (1.0 - slope) + x * slope


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


def stack(xs: Iterable[Any]) -> Tensor:
    """Tensors of one shape along a new first axis."""
    tensors = [as_tensor(x) for x in xs]
    return concat([reshape(x, shape=(1, *x.shape)) for x in tensors], axis=0)


def swap(x: Any) -> Tensor:
    """The transpose of the last two axes, a view."""
    x = as_tensor(x)
    return transpose(x, axes=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def as_tensor(x: Any, like: Tensor | None = None) -> Tensor:
    """x itself if it is a tensor, else a constant leaf: a number in the dtype and library of ``like``."""
    if isinstance(x, Tensor):
        return x
    return Tensor(x if like is None else namespace(like._value).asarray(x, dtype=like.dtype))
