"""A double of CuPy over NumPy, for machines without a GPU: it refuses what CuPy refuses and counts what waits.

    with double.installed() as cupy, double.counting() as counts:
        train()
    assert counts.syncs == 0, counts.waited

It computes each function by NumPy's of the same name, so results have NumPy's bits and NumPy's memory layouts. Which
names and parameters there are is the real wheel's business: cupy_surface.json, written by cupy_surface.py. What the
signatures do not tell (host operands, casts, waits) stands here by hand, from CuPy's sources.

Stricter than CuPy, on purpose:
- NumPy's functions of device arrays are refused; CuPy answers some of them through ``__array_function__``.
- A float64 (complex128) scalar of NumPy beside an array is refused; CuPy lets it promote float32 silently.
- A host array is refused by every function; CuPy hands some of them back as host arrays (``cupy.sum(host)``).
- What the double does not have and CuPy does raises NotImplementedError.
"""

from __future__ import annotations

import json
import operator
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from inspect import signature
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

TABLE = json.loads(Path(__file__).with_name("cupy_surface.json").read_text())
DTYPES = "?bBhHiIlLqQefdFD"
NO_IMPLICIT = ("Implicit conversion to a NumPy array is not allowed. "
               "Please use `.get()` to construct a NumPy array explicitly.")

# Functions and methods that wait for the device: they need a size or a check on the host, or cuSOLVER waits inside.
# (CuPy's sources say "synchronize!" there.) Conversions, masks and ``where(condition)`` count themselves.
WAITS = frozenset((
    "nonzero", "argwhere", "flatnonzero", "extract", "compress", "place", "choose", "trim_zeros", "delete", "isin",
    "unique", "unique_values", "unique_counts", "unique_inverse", "unique_all", "intersect1d", "setdiff1d", "setxor1d",
    "union1d", "bincount", "histogram", "histogram2d", "histogramdd", "digitize", "nanmin", "nanmax", "mask_indices",
    "ravel_multi_index", "shares_memory", "array2string", "array_repr", "array_str", "save", "savez",
    "savez_compressed", "savetxt", "item", "tolist", "tobytes", "tofile", "dump", "dumps", "eigh", "eigvalsh", "svd",
    "lstsq", "pinv", "matrix_rank", "cholesky", "solve", "inv", "qr", "cond", "tensorinv", "tensorsolve"))
# These wait only for a device array in that place: number of samples, bounds, repeats, quantiles.
WAITS_FOR = {"arange": (0, 1, 2), "repeat": (1,), "percentile": (1,), "quantile": (1,), "average": (2,)}
# NumPy answers with a Python bool or int, CuPy with a 0-d array.
ARRAYS = {"array_equal", "allclose", "array_equiv", "count_nonzero"}
# A host array is welcome: it is only looked at, or it is what is wanted.
HOST = {"can_cast", "full_like", "iscomplexobj", "isrealobj", "isscalar", "ndim", "ones_like", "result_type", "shape",
        "zeros_like"}
# Left out: they would hand host arrays to the caller's function, or read host memory and files.
LEFT_OUT = frozenset((
    "apply_along_axis", "apply_over_axes", "fromfunction", "piecewise", "vectorize", "load", "loadtxt", "genfromtxt",
    "fromfile", "frombuffer", "fromstring", "fromiter", "from_dlpack"))


# -- what is counted --------------------------------------------------------------------------
@dataclass
class Counts:
    """Where the host waited for the device, and where host data were copied to it: "name at file:line < caller"."""

    waited: list[str] = field(default_factory=list)
    uploaded: list[str] = field(default_factory=list)

    @property
    def syncs(self) -> int:
        return len(self.waited)

    @property
    def uploads(self) -> int:
        return len(self.uploaded)


_counting: list[Counts] = []


@contextmanager
def counting() -> Iterator[Counts]:
    """Count within the block; blocks may be nested."""
    _counting.append(Counts())
    try:
        yield _counting[-1]
    finally:
        _counting.pop()


def _wait(name: str) -> None:
    for counts in _counting:
        counts.waited.append(_here(name))


def _upload(name: str) -> None:
    for counts in _counting:
        counts.uploaded.append(_here(name))


def _here(name: str) -> str:
    frame = sys._getframe(2)
    while frame.f_back and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    callers = [frame, frame.f_back, frame.f_back and frame.f_back.f_back]
    return f"{name} at " + " < ".join(f"{Path(f.f_code.co_filename).name}:{f.f_lineno}" for f in callers if f)


# -- between the two sides --------------------------------------------------------------------
def _new(host: np.ndarray, base: ndarray | None = None) -> ndarray:
    if host.dtype.char not in DTYPES:
        raise ValueError(f"Unsupported dtype {host.dtype}")
    array = object.__new__(ndarray)
    array._host, array.base = host, base
    if base is None:
        _pool.live += host.nbytes
    return array


def _call(function: Callable, args: tuple, kwargs: dict[str, Any], host: bool = False) -> Any:
    """The function of the arrays inside. host: NumPy's arrays may be among them."""
    known: dict[int, ndarray] = {}

    def bare(x: Any) -> Any:
        if isinstance(x, ndarray):
            known[id(x._host)] = x
            return x._host
        if isinstance(x, np.ndarray) and not host:
            raise TypeError(f"Unsupported type {type(x)}")
        return type(x)([bare(y) for y in x]) if type(x) in (tuple, list) else x

    args, kwargs = bare(args), {name: bare(x) for name, x in kwargs.items()}
    with np.errstate(all="ignore"):  # a device raises no flags, whatever the host asks for
        return _wrapped(function(*args, **kwargs), known)


def _wrapped(x: Any, known: dict[int, ndarray]) -> Any:
    """On the device: an output that was given is itself, a view knows its base, a number is a 0-d array."""
    if isinstance(x, tuple | list):  # of linalg plain tuples, without NumPy's names
        kind = tuple if type(x).__module__.startswith("numpy.linalg") else getattr(type(x), "_make", type(x))
        return kind([_wrapped(y, known) for y in x])
    if not isinstance(x, np.ndarray | np.generic):
        return x
    if id(x) in known:
        return known[id(x)]
    x = np.asarray(x)
    source = next((a for a in known.values() if np.may_share_memory(a._host, x)), None)
    return _new(x, source if source is None or source.base is None else source.base)


def _operand(x: Any) -> None:
    """TypeError unless a kernel takes it: an array, or a number."""
    if isinstance(x, np.float64 | np.complex128):
        raise TypeError(f"{type(x)} beside an array would promote float32; give a Python number (CuPy takes it)")
    if not isinstance(x, ndarray | bool | int | float | complex | np.number | np.bool_):
        raise TypeError(f"Unsupported type {type(x)}")


def _checker(name: str, parameters: str) -> Callable[..., None]:
    """A function of CuPy's parameters that does nothing, so that Python says what is wrong with a call."""
    check = eval(f"lambda {parameters}: None")
    check.__name__ = check.__qualname__ = name
    return check


def _function(name: str, parameters: str, function: Callable) -> Callable:
    """NumPy's function with CuPy's parameters, waits and refusals."""
    check = _checker(name, parameters)
    ours = list(signature(check).parameters)
    try:
        theirs = list(signature(function).parameters)
    except ValueError:  # some methods of NumPy's
        theirs = []
    # Where CuPy has NumPy's parameters in another order (argmax's third is dtype, not out), NumPy gets them by name.
    moved = next((k for k, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b and b in ours[1:]), 99)

    def call(*args: Any, **kwargs: Any) -> Any:
        check(*args, **kwargs)
        if name in WAITS or any(isinstance(x, ndarray) for k, x in enumerate(args) if k in WAITS_FOR.get(name, ())):
            _wait(name)
        if kwargs.get("kind") not in (None, "stable"):
            raise ValueError("kind can only be None or 'stable'")
        kwargs |= zip(ours[moved:], args[moved:], strict=False)
        y = _call(function, args[:moved], kwargs, host=name in HOST)
        return _new(np.asarray(y)) if name in ARRAYS and not isinstance(y, ndarray) else y

    call.__name__, call.__module__ = name, "cupy"
    return call


# -- ufuncs -----------------------------------------------------------------------------------
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
            _operand(x)
        if any(not isinstance(y, ndarray | None) for y in outs):
            raise TypeError("Output arguments type must be cupy.ndarray")
        return _call(self._run, inputs, {"out": outs, "dtype": dtype, "casting": casting})

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
        return _call(getattr(self._function, name), args, {}, host=name == "at")

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
            _upload(f"{self.name}.at")
        self._method("at", a, a._key(indices, f"{self.name}.at")[0], b)


def _gufunc(name: str, nin: int, parameters: str) -> Callable:
    check, function = _checker(name, parameters), getattr(np, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        check(*args, **kwargs)
        if len(args) > nin:
            raise TypeError(f"_try_fastcall_{name}() got multiple values for argument 'out'")
        for x in args:
            if not isinstance(x, ndarray):
                raise TypeError(f"Argument has incorrect type (expected cupy._core.core._ndarray_base, got {type(x)})")
        return _call(function, args, kwargs)

    return call


# -- arrays -----------------------------------------------------------------------------------
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
    """Memory of the device: NumPy has no way in. What differs from NumPy's by its signature alone comes below."""

    __slots__ = ("__weakref__", "_host", "base")
    __module__ = "cupy"
    __array_priority__ = 100
    __hash__ = None

    def __new__(cls, shape: Any, dtype: Any = float, *, order: str = "C") -> Any:
        return empty(shape, dtype, order)

    def __del__(self) -> None:
        if self.base is None:
            _pool.live -= self._host.nbytes

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
        _wait("get")
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
        _upload("set")
        self._host[...] = arr

    def fill(self, value: Any) -> None:
        with np.errstate(all="ignore"):
            self._host.fill(_scalar(value, "fill"))

    # NumPy's way in, closed
    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise TypeError(NO_IMPLICIT)

    def __array_function__(self, func: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        raise TypeError(f"numpy.{func.__name__}: {NO_IMPLICIT}")

    def __array_ufunc__(self, function: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, np.generic) for x in inputs) and method == "__call__":  # np.float32(2) * x comes here too
            return getattr(cupy, function.__name__)(*inputs, **kwargs)
        for x in [*inputs, *kwargs.get("out", ())]:
            _operand(x)
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
                _upload(name)
                parts[k] = np.asarray(part, None if np.size(part) else int)
        arrays = [part for part in parts if isinstance(part, np.ndarray)]
        masks = [part for part in arrays if part.dtype.kind == "b"]
        if masks:
            _wait(f"{name}, by a mask")
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
        y = _wrapped(self._host[index], {id(self._host): self})
        return _new(y._host.copy()) if copies and y.base is not None else y

    def __setitem__(self, key: Any, value: Any) -> None:
        index, scatters = self._key(key, "setitem")
        if isinstance(value, np.ndarray | list | tuple) and scatters:
            _upload("setitem")
        with np.errstate(all="ignore"):
            self._host[index] = value if scatters and not isinstance(value, ndarray) else _scalar(value, "fill")

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
        return _call(np.ndarray.view, (self,) if dtype is None else (self, dtype), {})

    def astype(self, dtype: Any, order: str = "K", casting: None = None, subok: None = None, copy: bool = True) -> Any:
        if casting is not None or subok is not None:
            raise TypeError(f"{'casting' if casting is not None else 'subok'} is not supported yet")
        return _call(np.ndarray.astype, (self, dtype), {"order": order, "copy": copy})

    def __copy__(self) -> ndarray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> ndarray:
        return self.copy()


def _scalar(value: Any, name: str) -> Any:
    """A device array's memory, or one number: CuPy refuses host arrays here, and with another error than elsewhere."""
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim):
        raise ValueError(f"non-scalar numpy.ndarray cannot be used for {name}")
    return value._host if isinstance(value, ndarray) else value


def _converter(name: str, convert: Callable) -> Callable:
    def method(self: ndarray, *args: Any) -> Any:
        if self.size == 1 or name not in ("__float__", "__int__", "__complex__", "__bool__"):
            _wait(name.strip("_"))  # else NumPy's error, before there is anything to wait for
        return convert(self._host, *args)

    return method


def _operator(symbol: Callable, swapped: bool = False) -> Callable:
    def method(self: ndarray, other: Any) -> Any:
        if getattr(other, "__array_ufunc__", 0) is None or (
                symbol in (operator.eq, operator.ne) and type(other).__eq__ is object.__eq__):
            return NotImplemented
        if isinstance(other, np.ndarray) and other.ndim == 0 and symbol in COMPARISONS:
            other = other.item()
        _operand(other)
        if symbol is operator.matmul and not isinstance(other, ndarray):
            raise TypeError(f"Cannot convert {type(other).__name__} to cupy._core.core._ndarray_base")
        return _call(symbol, (other, self) if swapped else (self, other), {})

    return method


COMPARISONS = [getattr(operator, name) for name in ("lt", "le", "eq", "ne", "gt", "ge")]
for _symbol in COMPARISONS:
    setattr(ndarray, f"__{_symbol.__name__}__", _operator(_symbol))
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lshift", "rshift", "and", "or", "xor",
              "matmul"):
    _symbol = getattr(operator, f"__{_name}__")
    setattr(ndarray, f"__{_name}__", _operator(_symbol))
    setattr(ndarray, f"__r{_name}__", _operator(_symbol, swapped=True))
    if _name != "matmul":  # x @= y makes a new array
        setattr(ndarray, f"__i{_name}__", _operator(getattr(operator, f"__i{_name}__")))
ndarray.__divmod__, ndarray.__rdivmod__ = _operator(divmod), _operator(divmod, swapped=True)
for _symbol in (operator.neg, operator.pos, operator.abs, operator.invert):
    setattr(ndarray, f"__{_symbol.__name__}__", lambda self, _symbol=_symbol: _call(_symbol, (self,), {}))
for _name, _convert in {"float": float, "int": int, "complex": complex, "bool": bool, "bytes": bytes, "str": str,
                        "repr": repr, "format": format}.items():
    setattr(ndarray, f"__{_name}__", _converter(f"__{_name}__", _convert))


def _attribute(name: str) -> property:
    if name in ("T", "mT", "real", "imag"):
        return property(lambda self: _call(getattr, (self, name), {}))
    return property(lambda self: getattr(self._host, name))


for _name, _entry in TABLE["classes"]["ndarray"].items():
    if _name in vars(ndarray) or not hasattr(np.ndarray, _name):
        continue
    if _entry == "attribute" and _name != "flat":
        setattr(ndarray, _name, _attribute(_name))
    elif _entry.startswith("function") and callable(getattr(np.ndarray, _name)):  # NumPy 2.0's ptp is not
        _parameters = ", ".join(["self", *filter(None, [_entry.removeprefix("function").strip()])])
        setattr(ndarray, _name, _function(_name, _parameters, getattr(np.ndarray, _name)))


# -- functions that differ from NumPy's by more than their signature -------------------------------
def array(obj: Any, dtype: Any = None, copy: bool = True, order: str = "K", subok: bool = False, ndmin: int = 0, *,
          blocking: bool = False) -> ndarray:
    return _as_array(obj, dtype, True if copy else None, order, ndmin)


def asarray(a: Any, dtype: Any = None, order: str | None = None, *, copy: bool | None = None,
            blocking: bool = False) -> ndarray:
    return _as_array(a, dtype, copy, order or "K", 0)


def _as_array(x: Any, dtype: Any, copy: bool | None, order: str, ndmin: int) -> ndarray:
    options = {"dtype": dtype, "order": order, "ndmin": ndmin}
    if _has_device(x):
        return _call(np.array, (x,), {"copy": copy, **options})
    _upload("array")
    return _new(np.array(x, copy=True, **options))


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
    return _new(host)


def copyto(dst: ndarray, src: Any, casting: str = "same_kind", where: Any = None) -> None:
    if not isinstance(dst, ndarray) or not isinstance(where, ndarray | bool | None):
        raise TypeError(f"Unsupported type {type(dst if not isinstance(dst, ndarray) else where)}")
    given = {} if where is None else {"where": where}
    _call(np.copyto, (dst, _scalar(src, "copyto")), {"casting": casting, **given}, host=True)


def take(a: ndarray, indices: Any, axis: int | None = None, out: ndarray | None = None) -> ndarray:
    if not isinstance(a, ndarray) or not isinstance(out, ndarray | None):
        raise TypeError(NO_IMPLICIT if out is None else "Cannot convert numpy.ndarray to cupy.ndarray")
    if out is not None and out.dtype != a.dtype:
        raise TypeError("Output dtype mismatch")
    if isinstance(indices, list | tuple | np.ndarray):
        _upload("take")
        indices = np.asarray(indices, dtype=int)
    return _call(np.take, (a, indices), {"axis": axis, "out": out, "mode": "wrap"}, host=True)


def put(a: ndarray, ind: Any, v: Any, mode: str = "wrap") -> None:
    if mode == "raise":
        _wait("put")
    return _call(np.put, (a, ind, v), {"mode": mode}, host=True)


def where(condition: ndarray, x: Any = None, y: Any = None) -> Any:
    if (x is None) != (y is None):
        raise ValueError("Must provide both 'x' and 'y' or neither.")
    if x is None:
        return cupy.nonzero(condition)
    if not hasattr(condition, "astype"):
        raise AttributeError(f"'{type(condition).__name__}' object has no attribute 'astype'")
    for value in (condition, x, y):
        _operand(value)
    return _call(np.where, (condition, x, y), {})


def clip(a: ndarray, a_min: Any, a_max: Any, out: ndarray | None = None) -> ndarray:
    for bound in (a_min, a_max):
        _operand(0 if bound is None else bound)
    return _call(np.clip, (a, a_min, a_max), {"out": out})


def may_share_memory(a: ndarray, b: ndarray, max_work: None = None) -> bool:
    if max_work is not None:
        raise NotImplementedError("Only supported for `max_work` is `None`")
    return _call(np.may_share_memory, (a, b), {})


def get_array_module(*args: Any) -> ModuleType:
    return cupy if any(isinstance(x, ndarray) for x in args) else np


class BitGenerator:
    """NumPy's numbers, whatever the name: a device has others."""

    def __init__(self, seed: Any = None):
        self._host = np.random.Philox(seed)


class Generator:
    __module__ = "cupy.random"

    def __init__(self, bit_generator: BitGenerator):
        self._host = np.random.Generator(bit_generator._host)


def default_rng(seed: Any = None) -> Generator:
    return Generator(seed if isinstance(seed, BitGenerator) else BitGenerator(seed))


def _draw(name: str, parameters: str) -> Callable:
    check = _checker(name, f"self, {parameters}")

    def method(self: Generator, *args: Any, **kwargs: Any) -> ndarray:
        check(self, *args, **kwargs)
        draw, given = getattr(self._host, name), dict(zip(list(signature(check).parameters)[1:], args, strict=False))
        given |= kwargs
        dtype = given.pop("dtype", None) if name == "uniform" else None  # which NumPy's has not
        out = given.get("out")
        if isinstance(out, ndarray) and given.get("size") is None and name in ("random", "standard_exponential"):
            # The trap of traps: without a size CuPy draws one number here, and writes it everywhere.
            given["out"] = empty((), out.dtype)
            out[...] = _call(draw, (), given)
            return out
        y = _call(draw, (), given)
        y = y if isinstance(y, ndarray) else _new(np.asarray(y))
        return y if dtype is None else y.astype(dtype)

    return method


for _name, _entry in TABLE["classes"]["Generator"].items():
    setattr(Generator, _name, _draw(_name, _entry.removeprefix("function ")))


# -- the device --------------------------------------------------------------------------------
class CUDARuntimeError(RuntimeError):
    pass


class Pool:
    """The memory pool: about how many bytes live."""

    live = 0

    def used_bytes(self) -> int:
        return self.live

    total_bytes = used_bytes

    def free_all_blocks(self) -> None:
        pass


class Device:
    compute_capability, mem_info = "90", (1 << 33, 1 << 34)

    def __init__(self, device: int = 0):
        if device != 0:
            raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        self.id = device

    def use(self) -> Device:
        return self

    def synchronize(self) -> None:
        _wait("Device.synchronize")

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device)

    __hash__ = object.__hash__


class Stream:
    null: Stream

    def __init__(self, null: bool = False, non_blocking: bool = False, ptds: bool = False):
        self.ptr = 0

    def synchronize(self) -> None:
        _wait("Stream.synchronize")

    def record(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record()
        return event

    use, __enter__, __exit__ = Device.use, Device.__enter__, Device.__exit__


class Event:
    done = True

    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False):
        self.time = 0.0

    def record(self, stream: Stream | None = None) -> None:
        self.time = time.perf_counter()

    def synchronize(self) -> None:
        _wait("Event.synchronize")


Stream.null = Stream()
_pool = Pool()
RUNTIME = {
    "CUDARuntimeError": CUDARuntimeError,
    "getDeviceCount": lambda: 1,
    "getDevice": lambda: 0,
    "setDevice": lambda device: None,
    "deviceSynchronize": lambda: _wait("deviceSynchronize"),
    "streamSynchronize": lambda stream: _wait("streamSynchronize"),
    "runtimeGetVersion": lambda: 12090,
    "driverGetVersion": lambda: 12090,
    "getDeviceProperties": lambda device: {"name": b"double", "totalGlobalMem": 1 << 34, "major": 9, "minor": 0},
    "memGetInfo": lambda: Device.mem_info,
}


# -- the modules -------------------------------------------------------------------------------
def _module(name: str, **members: Any) -> ModuleType:
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)

    def missing(attribute: str) -> Any:
        if attribute in TABLE["modules"].get(name, ()):
            raise NotImplementedError(f"the double has no {name}.{attribute}; CuPy has")
        raise AttributeError(f"module '{name}' has no attribute '{attribute}'")

    vars(module).update(members, __getattr__=missing)
    return module


def _from_table(name: str, host: ModuleType, **members: Any) -> ModuleType:
    """CuPy's module: those members, and what of its names NumPy's has too."""
    for key, entry in TABLE["modules"][name].items():
        kind, _, rest = entry.partition(" ")
        theirs = getattr(host, key, None)
        if key in members or key in LEFT_OUT or (theirs is None and key != "newaxis"):
            continue
        if kind == "ufunc":
            nin, nout, *methods = rest.split()
            members[key] = ufunc(theirs, int(nin), int(nout), methods)
        elif kind == "gufunc":
            nin, _, parameters = rest.split(maxsplit=2)
            members[key] = _gufunc(key, int(nin), parameters)
        elif kind == "function":
            members[key] = _function(key, rest, theirs)
        elif (isinstance(theirs, float | None) or key in ("dtype", "finfo", "iinfo", "s_", "index_exp")
              or (kind == "class" and issubclass(theirs, np.generic | Exception))):
            members[key] = theirs
    return _module(name, **members)


_runtime = _module("cupy.cuda.runtime", **RUNTIME)
_cuda = _module(
    "cupy.cuda", runtime=_runtime, Device=Device, Stream=Stream, Event=Event, is_available=lambda: True,
    get_current_stream=lambda: Stream.null, get_elapsed_time=lambda start, end: 1e3 * (end.time - start.time))
_linalg = _from_table("cupy.linalg", np.linalg)
_random = _module("cupy.random", Generator=Generator, default_rng=default_rng, BitGenerator=BitGenerator,
                  **dict.fromkeys(("MRG32k3a", "Philox4x3210", "XORWOW"), BitGenerator))
_strides = _from_table("cupy.lib.stride_tricks", np.lib.stride_tricks)
_lib = _module("cupy.lib", stride_tricks=_strides)
cupy = _from_table(
    "cupy", np, __version__=TABLE["version"], ndarray=ndarray, ufunc=ufunc, linalg=_linalg, random=_random, lib=_lib,
    cuda=_cuda, exceptions=np.exceptions, array=array, asarray=asarray, asanyarray=asarray, asnumpy=asnumpy,
    empty=empty, empty_like=empty_like, copyto=copyto, take=take, put=put, where=where, clip=clip,
    may_share_memory=may_share_memory, get_array_module=get_array_module, is_available=lambda: True,
    get_default_memory_pool=lambda: _pool, get_default_pinned_memory_pool=lambda: Pool())
MODULES = {module.__name__: module for module in (cupy, _cuda, _runtime, _linalg, _random, _lib, _strides)}


def install(monkeypatch: Any) -> ModuleType:
    """Make ``import cupy`` find the double until the test ends (a pytest monkeypatch)."""
    for name, module in MODULES.items():
        monkeypatch.setitem(sys.modules, name, module)
    return cupy


@contextmanager
def installed() -> Iterator[ModuleType]:
    """The same, within the block."""
    before = {name: sys.modules.get(name) for name in MODULES}
    sys.modules.update(MODULES)
    try:
        yield cupy
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
