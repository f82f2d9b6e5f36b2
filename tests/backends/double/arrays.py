"""Arrays: memory of the device that NumPy has no way into, its indices, and the ways there and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.backends.double.calls import call, new, operand, wrapped
from tests.backends.double.device import Device, pool
from tests.backends.double.waits import upload, wait
from tests.backends.double.wheel import NO_IMPLICIT, TABLE, cupy


class Flags:
    def __init__(self, array: ndarray):
        flags = array._host.flags
        self.c_contiguous, self.f_contiguous = flags.c_contiguous, flags.f_contiguous
        self.forc, self.fnc, self.owndata = flags.forc, flags.fnc, array.base is None

    def __getitem__(self, name: str) -> bool:
        if name not in ("C_CONTIGUOUS", "F_CONTIGUOUS", "OWNDATA"):
            raise KeyError(f"{name} is not defined for cupy.ndarray.flags")
        return getattr(self, name.lower())


class ndarray:
    """Memory of the device: NumPy has no way in. What differs from NumPy's by its signature alone: operators.py."""

    __slots__ = ("__weakref__", "_host", "base")
    __module__ = "cupy"
    __array_priority__ = 100
    __hash__ = None

    def __new__(cls, shape: Any, dtype: Any = float, *, order: str = "C") -> Any:
        return cupy.empty(shape, dtype, order)

    def __del__(self) -> None:
        if self.base is None:
            pool.live -= self._host.nbytes

    def __getattr__(self, name: str) -> Any:
        if name in TABLE["classes"]["ndarray"]:
            raise NotImplementedError(f"the double has no ndarray.{name}; CuPy has")
        raise AttributeError(f"'ndarray' object has no attribute '{name}'")

    # what it is; NumPy's answers, but for these
    shape = property(lambda self: self._host.shape, lambda self, shape: setattr(self._host, "shape", shape))
    flags = property(Flags)
    data = property(lambda self: SimpleNamespace(ptr=self._host.ctypes.data, device_id=0, device=Device(0)))
    device = property(lambda self: Device(0))

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Iterator[ndarray]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[k] for k in range(len(self)))

    # from the device: every one of these waits
    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> np.ndarray:
        wait("get")
        if out is None:
            return self._host.copy(order)
        if not isinstance(out, np.ndarray) or out.dtype != self.dtype:
            raise TypeError(f"{getattr(out, 'dtype', type(out))} array cannot be obtained from {self.dtype} array")
        if out.shape != self.shape:
            raise ValueError(f"Shape mismatch. Expected shape: {self.shape}, actual shape: {out.shape}")
        np.copyto(out, self._host)
        return out

    def __reduce__(self) -> tuple:
        return cupy.array, (self.get(),)

    # to the device
    def set(self, arr: np.ndarray, stream: Any = None) -> None:
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if arr.dtype != self.dtype:
            raise TypeError(f"{arr.dtype} array cannot be set to {self.dtype} array")
        if arr.shape != self.shape:
            raise ValueError(f"Shape mismatch. Old shape: {self.shape}, new shape: {arr.shape}")
        if not self._host.flags.forc:
            raise RuntimeError("Cannot set to non-contiguous array")
        upload("set")
        self._host[...] = arr

    def fill(self, value: Any) -> None:
        with np.errstate(all="ignore"):
            self._host.fill(scalar(value, "fill"))

    # NumPy's way in, closed
    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise TypeError(NO_IMPLICIT)

    def __array_function__(self, func: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        raise TypeError(f"numpy.{func.__name__}: {NO_IMPLICIT}")

    def __array_ufunc__(self, function: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, np.generic) for x in inputs) and method == "__call__":  # np.float32(2) * x comes here too
            return getattr(cupy, function.__name__)(*inputs, **kwargs)
        for x in [*inputs, *kwargs.get("out", ())]:
            operand(x)
        raise TypeError(f"numpy.{function.__name__}: {NO_IMPLICIT}")

    def __dlpack__(self, **kwargs: Any) -> Any:
        raise NotImplementedError("the double does not export its memory")

    # indices
    def _key(self, key: Any, name: str) -> tuple[tuple, bool]:
        """The index for NumPy: its integer arrays wrap around; and whether any array is in it, so that it copies."""
        parts = list(key) if isinstance(key, tuple) else [key]
        for k, part in enumerate(parts):
            if isinstance(part, ndarray):
                parts[k] = part._host
            elif isinstance(part, np.ndarray | list | range | bool | np.bool_):
                upload(name)
                parts[k] = np.asarray(part, None if np.size(part) else int)
        arrays = [part for part in parts if isinstance(part, np.ndarray)]
        masks = [part for part in arrays if part.dtype.kind == "b"]
        if masks:
            wait(f"{name}, by a mask")
        if not any(part is Ellipsis for part in parts):
            parts.append(Ellipsis)  # so that one element is a view too
        spans = [0 if part is None or part is Ellipsis else part.ndim if any(part is x for x in masks) else 1
                 for part in parts]
        axis = 0
        for k, part in enumerate(parts):
            if isinstance(part, np.ndarray) and part.dtype.kind in "iu" and axis < self.ndim:
                parts[k] = part % max(self.shape[axis], 1)
            axis += self.ndim - sum(spans) if part is Ellipsis else spans[k]
        return tuple(parts), bool(arrays)

    def __getitem__(self, key: Any) -> ndarray:
        index, copies = self._key(key, "getitem")
        y = wrapped(self._host[index], {id(self._host): self})
        return new(y._host.copy()) if copies and y.base is not None else y

    def __setitem__(self, key: Any, value: Any) -> None:
        index, scatters = self._key(key, "setitem")
        if isinstance(value, np.ndarray | list | tuple) and scatters:
            upload("setitem")
        with np.errstate(all="ignore"):
            self._host[index] = value if scatters and not isinstance(value, ndarray) else scalar(value, "fill")

    def take(self, indices: Any, axis: int | None = None, out: Any = None) -> ndarray:
        return cupy.take(self, indices, axis, out)

    def put(self, indices: Any, values: Any, mode: str = "wrap") -> None:
        cupy.put(self, indices, values, mode)

    def scatter_add(self, slices: Any, value: Any) -> None:
        cupy.add.at(self, slices, value)

    # as another dtype
    def view(self, dtype: Any = None, type: Any = None) -> ndarray:
        if type is not None:
            raise ValueError("Type must be a sub-type of ndarray type")
        return call(np.ndarray.view, (self,) if dtype is None else (self, dtype), {})

    def astype(self, dtype: Any, order: str = "K", casting: None = None, subok: None = None, copy: bool = True) -> Any:
        if casting is not None or subok is not None:
            raise TypeError(f"{'casting' if casting is not None else 'subok'} is not supported yet")
        return call(np.ndarray.astype, (self, dtype), {"order": order, "copy": copy})

    def __copy__(self) -> ndarray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> ndarray:
        return self.copy()


def scalar(value: Any, name: str) -> Any:
    """A device array's memory, or one number: CuPy refuses host arrays here, and with another error than elsewhere."""
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim):
        raise ValueError(f"non-scalar numpy.ndarray cannot be used for {name}")
    return value._host if isinstance(value, ndarray) else value
