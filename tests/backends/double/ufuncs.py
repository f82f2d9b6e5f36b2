"""Ufuncs and gufuncs: NumPy's, refusing what CuPy's refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.backends.double.arrays import ndarray
from tests.backends.double.calls import call, operand
from tests.backends.double.waits import upload
from tests.backends.double.wheel import checker, cupy


class ufunc:
    """One of NumPy's, refusing what CuPy's refuses."""

    def __init__(self, function: Callable, nin: int, nout: int, methods: list[str]):
        self._function, self._methods = function, methods
        self.nin, self.nout, self.nargs = nin, nout, nin + nout
        self.name = self.__name__ = f"cupy_{function.__name__}"

    def __call__(self, *args: Any, out: Any = None, dtype: Any = None, casting: str = "same_kind", **wrong: Any) -> Any:
        if wrong:
            raise TypeError(f"Wrong arguments {list(wrong)}")  # `where` among them
        if not self.nin <= len(args) <= self.nargs:
            raise TypeError(f"Wrong number of arguments for {self.name!r}. It must be either {self.nin} or "
                            f"{self.nargs} (with outputs), but given {len(args)}.")
        inputs, outs = args[: self.nin], args[self.nin :]
        if out is not None and outs:
            raise ValueError("Cannot specify 'out' as both a positional and keyword argument")
        outs = outs or (out if isinstance(out, tuple) else (out,) * (out is not None))
        for x in [*inputs, *[y for y in outs if y is not None]]:
            operand(x)
        if any(not isinstance(y, ndarray | None) for y in outs):
            raise TypeError("Output arguments type must be cupy.ndarray")
        return call(self._run, inputs, {"out": outs, "dtype": dtype, "casting": casting})

    def _run(self, *inputs: Any, out: tuple, dtype: Any, casting: str) -> Any:
        if isinstance(self._function, np.ufunc):
            given = {"out": (*out, *[None] * (self.nout - len(out)))} if out else {}
            return self._function(*inputs, dtype=dtype, casting=casting, **given)
        y = np.asarray(self._function(*inputs), dtype)  # fix, i0, sinc: functions in NumPy
        if not out or out[0] is None:
            return y
        np.copyto(out[0], y, casting=casting)
        return out[0]

    def _method(self, name: str, *args: Any) -> Any:
        if name not in self._methods:
            raise NotImplementedError(f"`{self.name}.{name}` is not supported yet")
        return call(getattr(self._function, name), args, {}, host=name == "at")

    def reduce(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        return self._method("reduce", array, axis, dtype, out, keepdims)

    def accumulate(self, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        return self._method("accumulate", array, axis, dtype, out)

    def reduceat(self, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        return self._method("reduceat", array, indices, axis, dtype, out)

    def outer(self, A: Any, B: Any, **kwargs: Any) -> Any:
        A, B = (x if isinstance(x, ndarray) else cupy.array(x) for x in (A, B))
        return self(A.reshape(A.shape + (1,) * B.ndim), B, **kwargs)

    def at(self, a: ndarray, indices: Any, b: Any = None) -> None:
        if self.name == "cupy_add" and a.dtype.char not in "iIlLqQefd":  # what atomicAdd takes
            raise TypeError("cupy.add.at only supports int32, int64, float16, float32, float64, uint32, uint64 "
                            "as data type")
        if isinstance(b, np.ndarray | list):
            upload(f"{self.name}.at")
        self._method("at", a, a._key(indices, f"{self.name}.at")[0], b)


def gufunc(name: str, nin: int, parameters: str) -> Callable:
    check, function = checker(name, parameters), getattr(np, name)

    def checked(*args: Any, **kwargs: Any) -> Any:
        check(*args, **kwargs)
        if len(args) > nin:
            raise TypeError(f"_try_fastcall_{name}() got multiple values for argument 'out'")
        for x in args:
            if not isinstance(x, ndarray):
                raise TypeError(f"Argument has incorrect type (expected cupy._core.core._ndarray_base, got {type(x)})")
        return call(function, args, kwargs)

    return checked
