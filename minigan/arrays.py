"""Floor 0: which array library, which dtype, which random stream, which device.

Every other room takes ``xp`` from the arrays it is given and keeps to the names and signatures that NumPy >= 2.0
and CuPy >= 14 share. What differs between libraries stands here, a row of ``LIBRARIES`` for each;
``docs/arrays.md`` adds one, step by step. The file is long because it is the only one: whoever asks whether the
package treats a library apart has nowhere else to look.
"""

import importlib
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from itertools import combinations
from types import ModuleType
from typing import Any

import numpy as np

Array = Any  # an ndarray of NumPy, CuPy, ... : whatever library the user brought
HOST = np  # the library of the host, where numbers are drawn and looked at
HostArray = np.ndarray
DType = np.dtype
Generator = np.random.Generator
SeedSequence = np.random.SeedSequence
finfo = np.finfo

# The real precision of each floating dtype: what "float32 stays float32" compares.
PRECISION = {np.dtype(d): np.finfo(d).dtype for d in ("float32", "float64", "complex64", "complex128")}
DTYPES = ("float32", "float64")


class DeviceError(RuntimeError):
    """A device was asked for that this machine cannot give."""


# -- the libraries: a row each -------------------------------------------------------------------
@dataclass(frozen=True)
class Library:
    """A row: an array library, how to get it, and where it parts from NumPy.

    facts: the imported module → what is known of the device, its name under "device"; raises if none answers.
    differences: the module → what stands in place of its own functions, under NumPy's names and signatures.
    stream: the module and a seed → ``random(out)``, which fills an array from U[0, 1) on the device, and
    ``standard_normal(out)``, which fills it from N(0, 1).
    memory: the module → bytes of the device that it holds, by what they are; {} if it cannot say.
    full_products: how to have float32 products in full where the library may shorten their numbers (TF32).
    """

    install: str
    to_host: Callable[[Array], HostArray]
    facts: Callable[[Any], dict[str, str]]
    stream: Callable[[Any, SeedSequence], Any]
    differences: Callable[[Any], dict[str, Any]] = lambda module: {}
    synchronize: Callable[[Any], Any] = lambda module: None  # wait until the device is done
    memory: Callable[[Any], dict[str, int]] = lambda module: {}
    full_products: str = ""


class _Adapted(ModuleType):
    """A library, with the differences of its row in place of its own functions; CuPy's names come as they are asked."""

    def __init__(self, module: ModuleType, differences: dict[str, Any]):
        super().__init__(module.__name__)
        self.__dict__.update(differences, _module=module)

    def __getattr__(self, name: str) -> Any:
        value = self.__dict__[name] = getattr(self._module, name)  # kept: replay asks for it at every call
        return value


class Stream:
    """A generator with NumPy's interface, to fill arrays with."""

    def __init__(self, generator: Any):
        self.generator = generator

    def random(self, out: Array) -> None:
        self.generator.random(out.shape, out=out, dtype=out.dtype)  # without a size CuPy draws one number for all

    def standard_normal(self, out: Array) -> None:
        self.generator.standard_normal(out.shape, out=out, dtype=out.dtype)


def written(function: Callable, operands: int) -> Callable:
    """``function`` of so many operands, with NumPy's ``out``: any array, of another dtype too, or an operand."""

    def into(*args: Any, out: Array = None) -> Array:
        out = args[operands] if len(args) > operands else out
        y = function(*args[:operands])
        if out is None:
            return y
        out[...] = y
        return out

    return into


# CuPy
def _cuda_facts(cupy: Any) -> dict[str, str]:
    runtime = cupy.cuda.runtime
    if not runtime.getDeviceCount():
        raise RuntimeError("this machine has no CUDA device")
    properties = runtime.getDeviceProperties(cupy.cuda.Device().id)
    return {"device": properties["name"].decode(), "CUDA runtime": str(runtime.runtimeGetVersion()),
            "CUDA driver": str(runtime.driverGetVersion())}


def _cuda_memory(cupy: Any) -> dict[str, int]:
    pool = cupy.get_default_memory_pool()
    return {"in use": pool.used_bytes(), "pool": pool.total_bytes()}


# dpnp: Intel's arrays, on any SYCL device
def _sycl_facts(dpnp: Any) -> dict[str, str]:
    device = dpnp.empty(0).sycl_device
    return {"device": device.name, "driver": f"{device.backend.name} {device.driver_version}"}


MASKS = {"greater": 2, "greater_equal": 2, "equal": 2, "isfinite": 1}
NOT_IN_PLACE = {"maximum": 2, "minimum": 2, "logaddexp": 2}
# Over an operand or over gaps it takes another kernel for these, whose last bits are others
NOT_THE_SAME = {"sin": 1, "cos": 1, "tanh": 1, "exp": 1, "expm1": 1, "log": 1, "sqrt": 1, "reciprocal": 1, "divide": 2,
                "power": 2}


def _dpnp_differences(dpnp: Any) -> dict[str, Any]:
    operands = MASKS | NOT_IN_PLACE | NOT_THE_SAME
    return {
        **{name: written(getattr(dpnp, name), count) for name, count in operands.items()},
        "add": _DpnpAdd(dpnp),
        "take": lambda x, indices, axis=None, out=None: dpnp.take(x, indices, axis=axis, out=out),
        "concatenate": lambda xs, axis=0, out=None: dpnp.concatenate(xs, axis=axis, out=out),
        "may_share_memory": _spans_overlap,
    }


class _DpnpAdd:
    """dpnp.add, with the methods of a ufunc that the kernels call."""

    def __init__(self, dpnp: Any):
        self.dpnp = dpnp

    def __call__(self, a: Array, b: Array, out: Array = None) -> Array:
        return self.dpnp.add(a, b, out=out)

    def reduce(self, x: Array, axis: Any, dtype: Any, out: Array, keepdims: bool) -> Array:
        return self.dpnp.sum(x, axis=axis, dtype=dtype, out=out, keepdims=keepdims)

    def at(self, x: Array, key: tuple, g: Array) -> None:
        """x[key] += g, repeated entries adding up: a product with the matrix [position = k] of the key."""
        *before, indices = key
        axis, dpnp = len(before), self.dpnp
        if not (all(isinstance(k, slice) and k == slice(None) for k in before) and hasattr(indices, "dtype")):
            places = dpnp.reshape(dpnp.arange(x.size), x.shape)[key]  # along all axes, as one
            flat = dpnp.reshape(dpnp.ascontiguousarray(x), (-1,))
            self.at(flat, (dpnp.reshape(places, (-1,)),), dpnp.reshape(dpnp.broadcast_to(g, places.shape), (-1,)))
            x[...] = dpnp.reshape(flat, x.shape)
            return
        n = x.shape[axis]
        one_hot = (dpnp.reshape(indices % n, (-1, 1)) == dpnp.arange(n)).astype(x.dtype)  # −1 is the last
        rows = dpnp.moveaxis(dpnp.reshape(g, (*g.shape[:axis], indices.size, *x.shape[axis + 1 :])), axis, 0)
        total = dpnp.tensordot(one_hot, dpnp.ascontiguousarray(rows), axes=([0], [0]))
        x[...] += dpnp.moveaxis(total, 0, axis)


def _spans_overlap(a: Array, b: Array) -> bool:
    (a_start, a_stop), (b_start, b_stop) = _span(a), _span(b)
    return a.size > 0 and b.size > 0 and a_start < b_stop and b_start < a_stop


def _span(x: Array) -> tuple[int, int]:
    """The first byte of an array of unified shared memory, and the byte after its last."""
    memory = x.__sycl_usm_array_interface__
    start = memory["data"][0] + memory["offset"] * x.itemsize
    reach = [(n - 1) * step for n, step in zip(x.shape, x.strides, strict=True)]
    return start + sum(r for r in reach if r < 0), start + sum(r for r in reach if r > 0) + x.itemsize


class _DpnpStream:
    def __init__(self, dpnp: Any, seed: SeedSequence):
        self.dpnp, self.state = dpnp, dpnp.random.RandomState(int(seed.generate_state(1)[0]))

    def random(self, out: Array) -> None:
        out[...] = self.state.random_sample(out.shape)
        out[...] = self.dpnp.minimum(out, 1.0 - float(np.finfo(out.dtype).epsneg))  # rounded to float32 it may be 1

    def standard_normal(self, out: Array) -> None:
        out[...] = self.state.standard_normal(out.shape)


def _find_opencl() -> None:
    """Where the wheel ``intel-opencl-rt`` is installed, tell the loader of OpenCL where its driver lies."""
    try:
        files = metadata.files("intel-opencl-rt") or []
    except metadata.PackageNotFoundError:
        return
    for file in files:
        if file.name in ("libintelocl.so", "intelocl64.dll"):
            os.environ.setdefault("OCL_ICD_FILENAMES", str(file.locate()))


LIBRARIES: dict[str, Library] = {
    "numpy": Library("numpy", np.asarray, lambda numpy: {"device": platform.processor() or platform.machine()},
                     stream=lambda numpy, seed: Stream(Generator(np.random.Philox(seed)))),
    "cupy": Library(
        "'minigan[cuda12]' (or cuda13)", lambda x: x.get(), _cuda_facts,
        stream=lambda cupy, seed: Stream(cupy.random.Generator(cupy.random.Philox4x3210(seed))),
        differences=lambda cupy: {"matmul": lambda a, b, out=None: cupy.matmul(a, b, out=out)},  # not by position
        synchronize=lambda cupy: cupy.cuda.Device().synchronize(), memory=_cuda_memory,
        full_products="set the environment variable CUPY_TF32=0"),
    "dpnp": Library(
        "'minigan[sycl]'", lambda x: x.asnumpy(),
        facts=_sycl_facts, stream=_DpnpStream, differences=_dpnp_differences,
        synchronize=lambda dpnp: dpnp.empty(0).sycl_queue.wait(),
        full_products="set the environment variable MKL_BLAS_COMPUTE_MODE=STANDARD"),
}
DEVICES = {"cpu": "numpy", "cuda": "cupy", "sycl": "dpnp"}  # --device → the library whose arrays live there


# -- which library -------------------------------------------------------------------------------
def namespace(*arrays: Array) -> ModuleType:
    """The array library ``xp`` of the arrays; TypeError if they come from several.

    Looked up among the modules already imported: whoever brings a CuPy array has imported CuPy.
    """
    first = type(arrays[0])
    if all(type(x) is first for x in arrays[1:]):
        return np if first is np.ndarray else _library(first)
    libraries = {_library(type(x)).__name__: None for x in arrays}
    if len(libraries) > 1:
        raise TypeError(f"arrays of several libraries in one expression: {', '.join(libraries)}; "
                        "move them to one library first (arrays.to_host, or that library's asarray)")
    return _library(first)


def _library(kind: type) -> ModuleType:
    module = sys.modules.get(_root(kind))
    if module is None or not hasattr(module, "asarray"):
        raise TypeError(f"{kind.__module__}.{kind.__qualname__} is not an array of a known library")
    return _adapted(module)


def _root(kind: type) -> str:
    root = kind.__module__.partition(".")[0]
    return "numpy" if root == "builtins" else root


@cache
def _adapted(module: ModuleType) -> ModuleType:
    differences = LIBRARIES[module.__name__].differences(module) if module.__name__ in LIBRARIES else {}
    return _Adapted(module, differences) if differences else module


def library(device: str) -> ModuleType:
    """The array library behind a device name: 'cpu' is NumPy, 'cuda' is CuPy, 'sycl' is dpnp.

    Raises DeviceError if the library is missing or sees no such device.
    """
    if device not in DEVICES:
        raise DeviceError(f"unknown device {device!r}: choose one of {', '.join(DEVICES)}")
    name = DEVICES[device]
    row = LIBRARIES[name]
    if device == "sycl":
        _find_opencl()
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise DeviceError(f"device {device!r} needs {name}, which is not installed ({error}): "
                          f"pip install {row.install}, or use --device cpu") from error
    try:
        row.facts(module)
    except Exception as error:  # whatever a driver raises
        raise DeviceError(f"{name} is installed but no such device answers ({error}); use --device cpu") from error
    return _adapted(module)


def facts(xp: ModuleType) -> dict[str, str]:
    """What is known of the device behind a library: its name under "device"."""
    return LIBRARIES[xp.__name__].facts(xp)


def synchronize(xp: ModuleType) -> None:
    """Wait until the device has done all that it was asked to."""
    LIBRARIES[xp.__name__].synchronize(xp)


def memory(xp: ModuleType) -> dict[str, int]:
    """Bytes of the device that the library holds, by what they are; {} if it cannot say."""
    return LIBRARIES[xp.__name__].memory(xp)


def full_products(xp: ModuleType) -> str:
    """How to have float32 products in full, where the library may shorten their numbers."""
    return LIBRARIES[xp.__name__].full_products


def on_host(xp: ModuleType) -> bool:
    """Whether the library is NumPy, whose own ways kernels may use to be fast."""
    return xp is np


# -- what an array is ----------------------------------------------------------------------------
def is_array(x: object) -> bool:
    """True for an array (or NumPy scalar) of any library; False for numbers, lists, tensors."""
    return isinstance(x, np.ndarray | np.generic) or (hasattr(x, "__dlpack__") and hasattr(x, "dtype"))


def is_scalar(x: object) -> bool:
    """True for a number, NumPy's scalars too: np.sqrt(2.) is a float64, and must not promote float32."""
    return isinstance(x, int | float | np.floating | np.integer)


_REFUSED = {"MaskedArray": "x.filled(a number), or the entries that count, x.compressed()", "matrix": "np.asarray(x)"}


def as_array(value: Any) -> Array:
    """The array itself; of numbers and lists of them an array on the host. TypeError for anything else.

    Masked arrays are refused (which entries count would be lost), and np.matrix (its * is a product of matrices).
    """
    if is_array(value):  # NumPy scalars, the results of 0-d operations, become 0-d arrays again
        for kind in type(value).__mro__ if type(value) is not np.ndarray else ():
            if kind.__name__ in _REFUSED:
                raise TypeError(f"a {kind.__name__} is not taken: give {_REFUSED[kind.__name__]}")
        return np.asarray(value) if isinstance(value, np.generic) else value
    array = np.asarray(value)
    if array.dtype.kind not in "fciub":
        raise TypeError(f"a tensor holds numbers; {type(value).__name__} {value!r:.60} does not convert to them")
    return array


def to_host(x: Array) -> HostArray:
    """The same values as a NumPy array (a copy only where the device differs). TypeError for masked entries."""
    if type(x).__name__ == "MaskedArray" and x.mask.any():
        raise TypeError(f"{x.mask.sum()} of {x.size} entries of a MaskedArray are masked: give "
                        f"{_REFUSED['MaskedArray']}")
    row = LIBRARIES.get(_root(type(x)))
    return np.asarray(x) if row is None else row.to_host(x)


def dtype(x: Array) -> DType:
    """The dtype of an array, as NumPy's."""
    found = x.dtype
    return found if isinstance(found, np.dtype) else np.dtype(str(found).rpartition(".")[2])


# -- memory --------------------------------------------------------------------------------------
def is_broadcast(x: Array) -> bool:
    """Whether several entries of the array are one number in memory."""
    return any(step == 0 and n > 1 for step, n in zip(_strides(x), x.shape, strict=False))


def same_layout(a: Array, b: Array) -> bool:
    """Whether two (stacks of) matrices have their entries in the same places."""
    return (a.shape[-2:], _strides(a)[-2:]) == (b.shape[-2:], _strides(b)[-2:])


def _strides(x: Array) -> tuple[int, ...]:
    return getattr(x, "strides", ())  # a library need not tell


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


def overlaps(xs: Sequence[Array]) -> Iterator[tuple[int, int]]:
    """The pairs i < j of arrays that may overlap in memory; on the host without asking of each pair."""
    if not all(type(x) is HostArray for x in xs):
        yield from ((i, j) for i, j in combinations(range(len(xs)), 2) if shares_memory(xs[i], xs[j]))
        return
    begun: list[tuple[int, int]] = []  # (end, index) of those that reach beyond where we are
    for (start, end), k in sorted((np.lib.array_utils.byte_bounds(x), k) for k, x in enumerate(xs) if x.size):
        begun = [(stop, j) for stop, j in begun if stop > start]
        yield from ((min(j, k), max(j, k)) for _, j in begun)
        begun.append((end, k))


# -- random streams ------------------------------------------------------------------------------
def streams(seed: int, *names: str) -> dict[str, Generator]:
    """Independent random streams of one seed, one for each name, in the order given.

    Noise, data, metrics never share a stream, so that looking does not change training.
    """
    children = SeedSequence(seed).spawn(len(names))
    return {name: Generator(np.random.PCG64(child)) for name, child in zip(names, children, strict=True)}


def device_stream(xp: ModuleType, *key: int) -> Any:
    """A fresh random stream on the device, a function of the key alone; see ``Library.stream``.

    A key for each step needs no state between steps, and a run resumes anywhere with the same numbers.
    """
    return LIBRARIES[xp.__name__].stream(xp, SeedSequence(key))
