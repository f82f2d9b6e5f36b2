"""t[key]: as NumPy reads a key, and with the derivative.

Numbers, slices, ``...`` and new axes select a view. Arrays of integers (lists, tensors of integers) pick entries, an
array of booleans or a mask (``t[t > 0]``) those where it is true.
"""

from operator import index
from types import EllipsisType
from typing import Any

from minigan import arrays
from minigan.arrays import HOST, is_array, namespace
from minigan.autodiff.functions import as_tensor, reshape
from minigan.autodiff.kernels import HOLE
from minigan.autodiff.primitive import PRIMITIVES
from minigan.autodiff.primitives import gather
from minigan.autodiff.tensor import Tensor, holds_tensors, named


@named
def getitem(x: Any, key: Any) -> Tensor:
    """x[key]. Raises IndexError for a key that does not fit, TypeError for one that is none.

    How many entries a mask picks depends on values: while a step is recorded it must be a constant array
    (TracingError otherwise; ``where(mask, x, 0.0)`` is of one shape always).
    """
    x = as_tensor(x)
    parts = [_part(x, k) for k in (key if isinstance(key, tuple) else (key,))]
    at = [part for part in parts if isinstance(part, Tensor)]
    if any(part.dtype.kind == "b" for part in at):
        parts = _places(x, parts)
        at = [part for part in parts if isinstance(part, Tensor)]
    if at:
        return gather(x, *at, key=tuple(HOLE if isinstance(part, Tensor) else part for part in parts))
    y = PRIMITIVES["getitem"](x, key=tuple(part for part in parts if part is not None))
    if any(part is None for part in parts):  # a new axis selects nothing: it is a reshape
        return reshape(y, HOST.broadcast_to(0.0, x.shape)[tuple(parts)].shape)
    return y


def _part(x: Tensor, k: Any) -> Any:
    """One entry of a key: a number, slice, None or ...; arrays as tensors."""
    if k is None or isinstance(k, EllipsisType):
        return k
    if isinstance(k, slice):
        return slice(*(None if n is None else index(n) for n in (k.start, k.stop, k.step)))
    if hasattr(k, "__index__") and not isinstance(k, bool | HOST.bool) and not (is_array(k) and k.ndim):
        return index(k)
    return _array(x, k)


def _array(x: Tensor, k: Any) -> Tensor:
    """An array of integers, or of booleans, as a constant on the device of x; a tensor of integers is itself."""
    if isinstance(k, Tensor) and k.dtype.kind in "iu":
        return k
    if holds_tensors(k):
        k = HOST.asarray([e.value if isinstance(e, Tensor) else e for e in k])
    mask = isinstance(k, Tensor) and k.is_mask
    array = k.value if isinstance(k, Tensor) else k if is_array(k) else HOST.asarray(k)
    if mask or (array.size == 0 and not is_array(k)):  # [] picks nothing, and is no float
        array = array.astype(bool if mask else HOST.intp)
    if arrays.dtype(array).kind not in "iub" or (arrays.dtype(array).kind == "b" and array.ndim == 0):
        raise TypeError("a tensor is indexed by integers, slices, None, ..., arrays of integers or of booleans and "
                        f"masks (t[t > 0], t[(t > 0) & (t < 1)]); got dtype {array.dtype}")
    return Tensor(namespace(x._value).array(array))  # a copy: it may change before grad is called


def _places(x: Tensor, parts: list[Any]) -> list[Any]:
    """The key with integers in place of booleans: the places where they are true, one array for each of their axes.

    Raises IndexError, NumPy's own, if a mask has not the shape of the axes that it is for.
    """
    HOST.broadcast_to(0.0, x.shape)[tuple(arrays.to_host(k._value) if isinstance(k, Tensor) else k for k in parts)]
    spelled = list[Any]()
    for k in parts:
        boolean = isinstance(k, Tensor) and k.dtype.kind == "b"
        spelled += [Tensor(n) for n in namespace(k._value).nonzero(k._value)] if boolean else [k]
    return spelled
