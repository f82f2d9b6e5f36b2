"""Functions that differ from NumPy's by more than their signature."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from tests.backends.double.arrays import ndarray, scalar
from tests.backends.double.calls import call, new, operand
from tests.backends.double.waits import upload, wait
from tests.backends.double.wheel import NO_IMPLICIT, cupy


def array(obj: Any, dtype: Any = None, copy: bool = True, order: str = "K", subok: bool = False, ndmin: int = 0, *,
          blocking: bool = False) -> ndarray:
    return _as_array(obj, dtype, True if copy else None, order, ndmin)


def asarray(a: Any, dtype: Any = None, order: str | None = None, *, copy: bool | None = None,
            blocking: bool = False) -> ndarray:
    return _as_array(a, dtype, copy, order or "K", 0)


def _as_array(x: Any, dtype: Any, copy: bool | None, order: str, ndmin: int) -> ndarray:
    options = {"dtype": dtype, "order": order, "ndmin": ndmin}
    if _has_device(x):
        return call(np.array, (x,), {"copy": copy, **options})
    upload("array")
    return new(np.array(x, copy=True, **options))


def _has_device(x: Any) -> bool:
    return any(map(_has_device, x)) if isinstance(x, list | tuple) else isinstance(x, ndarray)


def asnumpy(a: Any, stream: Any = None, order: str = "C", out: Any = None, *, blocking: bool = True) -> np.ndarray:
    return a.get(stream, order, out, blocking) if isinstance(a, ndarray) else np.asarray(a, order=order)


def empty(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    return _poisoned(np.empty(shape, dtype, order))


def empty_like(prototype: Any, dtype: Any = None, order: str = "K", subok: None = None, shape: Any = None) -> ndarray:
    like = prototype._host if isinstance(prototype, ndarray) else prototype
    return _poisoned(np.empty_like(like, dtype, order, shape=shape))


def _poisoned(host: np.ndarray) -> ndarray:
    """NaN, or -1, or True: what nobody has written must not look like a result."""
    host.fill(True if host.dtype.kind == "b" else np.frombuffer(b"\xff" * host.dtype.itemsize, host.dtype)[0])
    return new(host)


def copyto(dst: ndarray, src: Any, casting: str = "same_kind", where: Any = None) -> None:
    if not isinstance(dst, ndarray) or not isinstance(where, ndarray | bool | None):
        raise TypeError(f"Unsupported type {type(dst if not isinstance(dst, ndarray) else where)}")
    given = {} if where is None else {"where": where}
    call(np.copyto, (dst, scalar(src, "copyto")), {"casting": casting, **given}, host=True)


def take(a: ndarray, indices: Any, axis: int | None = None, out: ndarray | None = None) -> ndarray:
    if not isinstance(a, ndarray) or not isinstance(out, ndarray | None):
        raise TypeError(NO_IMPLICIT if out is None else "Cannot convert numpy.ndarray to cupy.ndarray")
    if out is not None and out.dtype != a.dtype:
        raise TypeError("Output dtype mismatch")
    if isinstance(indices, list | tuple | np.ndarray):
        upload("take")
        indices = np.asarray(indices, dtype=int)
    return call(np.take, (a, indices), {"axis": axis, "out": out, "mode": "wrap"}, host=True)


def put(a: ndarray, ind: Any, v: Any, mode: str = "wrap") -> None:
    if mode == "raise":
        wait("put")
    return call(np.put, (a, ind, v), {"mode": mode}, host=True)


def where(condition: ndarray, x: Any = None, y: Any = None) -> Any:
    if (x is None) != (y is None):
        raise ValueError("Must provide both 'x' and 'y' or neither.")
    if x is None:
        return cupy.nonzero(condition)
    if not hasattr(condition, "astype"):
        raise AttributeError(f"'{type(condition).__name__}' object has no attribute 'astype'")
    for value in (condition, x, y):
        operand(value)
    return call(np.where, (condition, x, y), {})


def clip(a: ndarray, a_min: Any, a_max: Any, out: ndarray | None = None) -> ndarray:
    for bound in (a_min, a_max):
        operand(0 if bound is None else bound)
    return call(np.clip, (a, a_min, a_max), {"out": out})


def may_share_memory(a: ndarray, b: ndarray, max_work: None = None) -> bool:
    if max_work is not None:
        raise NotImplementedError("Only supported for `max_work` is `None`")
    return call(np.may_share_memory, (a, b), {})


def get_array_module(*args: Any) -> ModuleType:
    return cupy if any(isinstance(x, ndarray) for x in args) else np
