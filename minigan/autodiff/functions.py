"""Functions made of primitives: comparisons, logs and sigmoids that stay finite, other shapes.

Nothing here has a derivative rule of its own: ``grad`` sees only primitives. ``reductions.py``, ``products.py`` and
``indexing.py`` go on.
"""

from collections.abc import Iterable
from operator import index
from typing import Any

from minigan import arrays
from minigan.arrays import HOST, PRECISION, DType, is_array, is_scalar, namespace
from minigan.autodiff import primitives
from minigan.autodiff.primitive import python_numbers
from minigan.autodiff.primitives import (
    cast,
    concat,
    constant_power,
    convert,
    equal,
    greater,
    greater_equal,
    maximum,
    minimum,
    relu,
    softplus,
)
from minigan.autodiff.tensor import Axis, Tensor, holds_tensors, named

# what ``minigan.autodiff`` shows
__all__ = ["astype", "clip", "expand_dims", "leaky_relu", "less", "less_equal", "log_sigmoid", "not_equal", "power",
           "ravel", "reshape", "squeeze", "stack", "swap", "transpose"]

named(concat)


def as_tensor(x: Any, like: Tensor | None = None) -> Tensor:
    """x itself if it is a tensor, a stack of a list of tensors; else a constant leaf, in the library of ``like``.

    A number, or a list of numbers, has the dtype of ``like`` too.
    """
    if isinstance(x, Tensor):
        return x
    if holds_tensors(x):
        return stack(x)
    return Tensor(x if like is None else namespace(like._value).asarray(x, dtype=like.dtype))


def axes_of(x: Tensor, axis: Axis) -> tuple[int, ...]:
    """The axes meant, counted from the front; ValueError if there is no such axis, or one twice."""
    given = range(x.ndim) if axis is None else [index(k) for k in (axis if isinstance(axis, tuple | list) else (axis,))]
    if any(not -x.ndim <= k < x.ndim for k in given):
        raise ValueError(f"axis {axis} does not exist in shape {x.shape}")
    axes = tuple(sorted({k % x.ndim for k in given}))
    if len(axes) < len(given):
        raise ValueError(f"axis {axis} names an axis of shape {x.shape} twice")
    return axes


def first_tensor(xs: Iterable[Any]) -> Tensor | None:
    """The first tensor in a list, or in the lists in it; None if there is none."""
    for x in xs:
        found = x if isinstance(x, Tensor) else first_tensor(x) if isinstance(x, list | tuple) else None
        if found is not None:
            return found
    return None


# -- elementwise ----------------------------------------------------------------------------
@named
def less(a: Any, b: Any) -> Tensor:
    """The mask of a < b, as 0 or 1."""
    return greater(b, a)


@named
def less_equal(a: Any, b: Any) -> Tensor:
    """The mask of a ≤ b, as 0 or 1."""
    return greater_equal(b, a)


@named
def not_equal(a: Any, b: Any) -> Tensor:
    """The mask of a ≠ b, as 0 or 1; nan differs from all."""
    return equal(equal(a, b), 0.0)


@named
def both(a: Any, b: Any) -> Tensor:
    """a & b: the mask where both masks are 1. TypeError unless they are masks (comparisons)."""
    _check_masks("&", a, b)
    return greater(a * b, 0.0)


@named
def either(a: Any, b: Any) -> Tensor:
    """a | b: the mask where one of the masks is 1. TypeError unless they are masks (comparisons)."""
    _check_masks("|", a, b)
    return greater(a + b, 0.0)


@named
def neither(a: Any) -> Tensor:
    """~a: the mask where the mask is 0. TypeError unless it is a mask (a comparison)."""
    _check_masks("~", a)
    return equal(a, 0.0)


def _check_masks(sign: str, *xs: Any) -> None:
    if not all(isinstance(x, Tensor) and x.is_mask for x in xs):
        raise TypeError(f"{sign} is of masks, what comparisons of tensors make: (t > 0) & (t < 1)")


@named
def power(x: Any, p: Any) -> Tensor:
    """xᵖ, right at x = 0 to any order: x⁰ = 1 and x¹ = x everywhere, 0ᵖ = 0 for p > 0.

    Where p is a number, x², x¹ and x⁰ are x x, x and 1, and so are those that differentiation ends at.
    """
    if is_array(p) and p.ndim == 0 and arrays.on_host(namespace(p)) and isinstance(x, Tensor):
        p = p.item() if isinstance(p, HOST.generic) or p.dtype == x.dtype or p.dtype.kind in "iu" else p
    if not (is_scalar(p) and isinstance(x, Tensor)) or x.dtype not in PRECISION:
        return primitives.power(x, p)
    short = {0: lambda: Tensor(namespace(x._value).ones(x.shape, dtype=x.dtype)), 1: lambda: x, 2: lambda: x * x}
    return short[int(p)]() if p in short else constant_power(x, exponent=float(p))


@named
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
    """min(max(x, a_min), a_max), None for no bound; on a bound the derivative is 1.

    ``min`` and ``max`` are other names of the bounds, as NumPy has them. TypeError for a bound under both.
    """
    if (a_min is not None and min is not None) or (a_max is not None and max is not None):
        raise TypeError("clip: a bound is given twice, as a_min and min or as a_max and max")
    low, high = (b if a is None else a for a, b in ((a_min, min), (a_max, max)))
    x = as_tensor(x)
    x = x if low is None else maximum(x, low)
    return x if high is None else minimum(x, high)


def log_sigmoid(x: Any) -> Tensor:
    """log σ(x) = −softplus(−x): −log D of a logit, without ever forming D."""
    return -softplus(-as_tensor(x))


def leaky_relu(x: Any, slope: float = 0.2) -> Tensor:
    """max(x, slope·x) for 0 ≤ slope ≤ 1; at 0 the derivative is ``slope``."""
    x = as_tensor(x)
    return relu(x) * (1.0 - slope) + x * slope


@named
def astype(x: Any, dtype: Any) -> Tensor:
    """x in another dtype. The derivative passes from float to float; integers have none.

    Raises TypeError between real and complex numbers, and for float16, in which nothing here is computed.
    """
    x, dtype = as_tensor(x), DType(dtype)
    if dtype == x.dtype:
        return x
    if dtype.kind not in "fiub" or (dtype.kind == "f" and dtype not in PRECISION) or x.dtype.kind == "c":
        raise TypeError(f"astype: {x.dtype} does not become {dtype}; choose float32, float64, an integer or bool")
    return (cast if dtype.kind == x.dtype.kind == "f" and x.dtype in PRECISION else convert)(x, dtype=dtype)


# -- shapes ----------------------------------------------------------------------------------
@named
def reshape(x: Any, *numbers: Any, shape: Any = None) -> Tensor:
    """The same values in another shape, as numbers or a tuple; −1: what is left."""
    return primitives.reshape(as_tensor(x), shape=_tuple(numbers if shape is None else (shape,)))


@named
def transpose(x: Any, *numbers: Any, axes: Any = None) -> Tensor:
    """The axes in the order given, as numbers or a tuple; in reverse if none is."""
    x = as_tensor(x)
    given = numbers if axes is None else (axes,)
    order = _tuple(given) if given and given[0] is not None else tuple(reversed(range(x.ndim)))
    return primitives.transpose(x, axes=order)


def _tuple(given: tuple[Any, ...]) -> tuple[int, ...]:
    """(2, 3), ((2, 3),) or ([2, 3],) as (2, 3)."""
    numbers = given[0] if len(given) == 1 and not hasattr(given[0], "__index__") else given
    return tuple(index(n) for n in numbers)


@named
def ravel(x: Any) -> Tensor:
    """All entries along one axis, row after row."""
    return reshape(x, -1)


@named
def squeeze(x: Any, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Without the axes of length one, or without those given. ValueError if one of them is longer."""
    x = as_tensor(x)
    gone = axes_of(x, axis) if axis is not None else tuple(k for k in range(x.ndim) if x.shape[k] == 1)
    if any(x.shape[k] != 1 for k in gone):
        raise ValueError(f"squeeze: axis {axis} of shape {x.shape} is not of length one")
    return reshape(x, tuple(n for k, n in enumerate(x.shape) if k not in gone))


@named
def expand_dims(x: Any, axis: int) -> Tensor:
    """With a new axis of length one, which then is axis number ``axis``."""
    x = as_tensor(x)
    if not hasattr(axis, "__index__") or not -x.ndim - 1 <= axis <= x.ndim:
        raise ValueError(f"expand_dims: axis {axis} does not fit a shape of {x.ndim + 1} axes")
    k = index(axis) % (x.ndim + 1)
    return reshape(x, (*x.shape[:k], 1, *x.shape[k:]))


@named
def stack(xs: Iterable[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape along a new axis; lists of them, of lists too. ValueError if there are none."""
    given = list(xs)
    if not given:
        raise ValueError("stack: an empty list of tensors")
    like = first_tensor(given)
    tensors = [as_tensor(x, like if python_numbers(x) else None) for x in given]
    if len({x.shape for x in tensors}) > 1:
        raise ValueError(f"stack: tensors of several shapes, {', '.join(str(x.shape) for x in tensors)}")
    return concat([expand_dims(x, axis) for x in tensors], axis=index(axis) % (tensors[0].ndim + 1))


def swap(x: Any) -> Tensor:
    """The transpose of the last two axes, a view."""
    x = as_tensor(x)
    return primitives.transpose(x, axes=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))
