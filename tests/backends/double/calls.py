"""Between the two sides: NumPy's function of the arrays inside, and its answer on the device again."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from tests.backends.double.device import pool
from tests.backends.double.waits import wait
from tests.backends.double.wheel import ARRAYS, DTYPES, HOST, WAITS, WAITS_FOR, checker, cupy


def new(host: np.ndarray, base: Any = None) -> Any:
    if host.dtype.char not in DTYPES:
        raise ValueError(f"Unsupported dtype {host.dtype}")
    array = object.__new__(cupy.ndarray)
    array._host, array.base = host, base
    if base is None:
        pool.live += host.nbytes
    return array


def call(function: Callable, args: tuple, kwargs: dict[str, Any], host: bool = False) -> Any:
    """The function of the arrays inside. host: NumPy's arrays may be among them."""
    known: dict[int, Any] = {}

    def bare(x: Any) -> Any:
        if isinstance(x, cupy.ndarray):
            known[id(x._host)] = x
            return x._host
        if isinstance(x, np.ndarray) and not host:
            raise TypeError(f"Unsupported type {type(x)}")
        return type(x)([bare(y) for y in x]) if type(x) in (tuple, list) else x

    args, kwargs = bare(args), {name: bare(x) for name, x in kwargs.items()}
    with np.errstate(all="ignore"):  # a device raises no flags, whatever the host asks for
        return wrapped(function(*args, **kwargs), known)


def wrapped(x: Any, known: dict[int, Any]) -> Any:
    """On the device: an output that was given is itself, a view knows its base, a number is a 0-d array."""
    if isinstance(x, tuple | list):  # of linalg plain tuples, without NumPy's names
        kind = tuple if type(x).__module__.startswith("numpy.linalg") else getattr(type(x), "_make", type(x))
        return kind([wrapped(y, known) for y in x])
    if not isinstance(x, np.ndarray | np.generic):
        return x
    if id(x) in known:
        return known[id(x)]
    x = np.asarray(x)
    source = next((a for a in known.values() if np.may_share_memory(a._host, x)), None)
    return new(x, source if source is None or source.base is None else source.base)


def operand(x: Any) -> None:
    """TypeError unless a kernel takes it: an array, or a number."""
    if isinstance(x, np.float64 | np.complex128):
        raise TypeError(f"{type(x)} beside an array would promote float32; give a Python number (CuPy takes it)")
    if not isinstance(x, cupy.ndarray | bool | int | float | complex | np.number | np.bool_):
        raise TypeError(f"Unsupported type {type(x)}")


def function(name: str, parameters: str, function: Callable) -> Callable:
    """NumPy's function with CuPy's parameters, waits and refusals."""
    check = checker(name, parameters)
    ours = list(signature(check).parameters)
    try:
        theirs = list(signature(function).parameters)
    except ValueError:  # some methods of NumPy's
        theirs = []
    # Where CuPy has NumPy's parameters in another order (argmax's third is dtype, not out), NumPy gets them by name.
    moved = next((k for k, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b and b in ours[1:]), 99)

    def checked(*args: Any, **kwargs: Any) -> Any:
        check(*args, **kwargs)
        looked_at = [x for k, x in enumerate(args) if k in WAITS_FOR.get(name, ())]
        if name in WAITS or any(isinstance(x, cupy.ndarray) for x in looked_at):
            wait(name)
        if kwargs.get("kind") not in (None, "stable"):
            raise ValueError("kind can only be None or 'stable'")
        kwargs |= zip(ours[moved:], args[moved:], strict=False)
        y = call(function, args[:moved], kwargs, host=name in HOST)
        return new(np.asarray(y)) if name in ARRAYS and not isinstance(y, cupy.ndarray) else y

    checked.__name__, checked.__module__ = name, "cupy"
    return checked
