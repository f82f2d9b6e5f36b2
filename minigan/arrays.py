"""Floor 0: which array library, which dtype, which random stream, which device.

Every other room takes ``xp`` from the arrays it is given and keeps to the names
that NumPy >= 2.0 and CuPy >= 14 share. What differs between libraries stands here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

Array = Any  # an ndarray of NumPy, CuPy, ... : whatever library the user brought

# The real precision of each floating dtype: what "float32 stays float32" compares.
PRECISION = {np.dtype(d): np.finfo(d).dtype for d in ("float32", "float64", "complex64", "complex128")}
DTYPES = ("float32", "float64")
DEVICES = ("cpu", "cuda")


class DeviceError(RuntimeError):
    """A device was asked for that this machine cannot give."""


def namespace(*arrays: Array) -> ModuleType:
    """The array library ``xp`` of the arrays; TypeError if they come from several.

    The library is looked up among the modules already imported, never imported to
    be asked about: whoever brings a CuPy array has imported CuPy.
    """
    first = type(arrays[0])
    if all(type(x) is first for x in arrays[1:]):
        return np if first is np.ndarray else _library(first)
    libraries = {_library(type(x)).__name__: None for x in arrays}
    if len(libraries) > 1:
        raise TypeError(
            f"arrays of several libraries in one expression: {', '.join(libraries)}; "
            "move them to one library first (arrays.to_host, or that library's asarray)"
        )
    return _library(first)


def _library(kind: type) -> ModuleType:
    root = kind.__module__.partition(".")[0]
    module = sys.modules.get("numpy" if root == "builtins" else root)
    if module is None or not hasattr(module, "asarray"):
        raise TypeError(f"{kind.__module__}.{kind.__qualname__} is not an array of a known library")
    return module


def is_array(x: object) -> bool:
    """True for an array (or NumPy scalar) of any library; False for numbers, lists, tensors."""
    return isinstance(x, np.ndarray | np.generic) or (hasattr(x, "__dlpack__") and hasattr(x, "dtype"))


def library(device: str) -> ModuleType:
    """The array library behind a device name: 'cpu' is NumPy, 'cuda' is CuPy.

    Raises DeviceError if the library is missing or sees no such device.
    """
    if device == "cpu":
        return np
    if device != "cuda":
        raise DeviceError(f"unknown device {device!r}: choose one of {', '.join(DEVICES)}")
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        raise DeviceError(
            "device 'cuda' needs CuPy, which is not installed: "
            "pip install 'minigan[cuda12]' (or cuda13), or use --device cpu"
        ) from error
    try:
        found = cupy.cuda.runtime.getDeviceCount()
    except (cupy.cuda.runtime.CUDARuntimeError, ImportError, OSError) as error:
        raise DeviceError(f"CuPy is installed but no CUDA device answers ({error}); use --device cpu") from error
    if not found:
        raise DeviceError("CuPy is installed but this machine has no CUDA device; use --device cpu")
    return cupy


def to_host(x: Array) -> np.ndarray:
    """The same values as a NumPy array (a copy only where the device differs)."""
    return x.get() if hasattr(x, "get") else np.asarray(x)


def matmul(xp: ModuleType) -> Callable[[Array, Array, Array], Array]:
    """The library's matrix product as a function (a, b, out); CuPy takes ``out`` by keyword alone."""
    return xp.matmul if xp is np else lambda a, b, out: xp.matmul(a, b, out=out)


def on_host(xp: ModuleType) -> bool:
    """Whether the library is NumPy, whose own ways kernels may use to be fast."""
    return xp is np


def arrange(flat: Array, like: Array) -> Array:
    """View the start of a flat buffer with the shape and the order of axes of ``like``.

    Equal layouts, so that every kernel takes the same path eagerly and in replay.
    """
    order = sorted(range(like.ndim), key=lambda axis: -abs(like.strides[axis]))
    view = flat[: like.size].reshape([like.shape[axis] for axis in order])
    return view.transpose([order.index(axis) for axis in range(like.ndim)])


def aligned_buffer(xp: ModuleType, nbytes: int) -> Array:
    """A flat buffer of bytes; on the host it starts on a 64-byte line, as SIMD loads like it."""
    if xp is not np:
        return xp.empty(nbytes, dtype="uint8")
    raw = np.empty(nbytes + 64, dtype="uint8")
    start = -raw.ctypes.data % 64
    return raw[start : start + nbytes]


def shares_memory(a: Array, b: Array) -> bool:
    """True if the two arrays may overlap in memory (bounds only, no search)."""
    return bool(namespace(a, b).may_share_memory(a, b))


def streams(seed: int, *names: str) -> dict[str, np.random.Generator]:
    """Independent random streams of one seed, one for each name, in the order given.

    Noise, data, metrics never share a stream, so that looking does not change training.
    """
    children = np.random.SeedSequence(seed).spawn(len(names))
    return {name: np.random.Generator(np.random.PCG64(child)) for name, child in zip(names, children, strict=True)}
