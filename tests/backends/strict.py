"""array-api-strict as a library of minigan's: the array API standard, nothing more, on a second device.

Its arrays have no methods, no strides, no ``out``, no conversion to NumPy's; those of its second device refuse to
meet those of the first. So code that works on it relies on nothing that the standard does not promise. It has no
views of memory, hence no replay: steps run eagerly. This is the worked example of ``docs/arrays.md``.
"""

from contextlib import contextmanager
from functools import partial

import array_api_strict as strict
import numpy as np

from minigan.arrays import DEVICES, LIBRARIES, Library, dtype, written

DEVICE = strict.Device("device1")


def to_host(x):
    return np.asarray(x.to_device(strict.Device("CPU_DEVICE")))


def differences(strict):
    """NumPy's names and signatures, in terms of the standard's."""
    elementwise = {name: written(getattr(strict, standard(name)), f.nin) for name, f in vars(np).items()
                   if isinstance(f, np.ufunc) and hasattr(strict, standard(name))}
    made = {name: partial(create, getattr(strict, name)) for name in ("zeros", "ones", "empty", "asarray")}
    return elementwise | made | {
        "add": Add(),
        "array": lambda x, order=None: strict.asarray(x, copy=True),
        "where": lambda mask, a, b: strict.where(strict.astype(mask, strict.bool), a, b),
        "max": lambda x, axis, out, keepdims: written(partial(strict.max, axis=axis, keepdims=keepdims), 1)(x, out),
        "concatenate": lambda xs, axis=0, out=None: written(partial(strict.concat, axis=axis), 1)(xs, out),
        "take": take,
        "cumsum": lambda x, axis, dtype=None, out=None: written(partial(strict.cumulative_sum, axis=axis), 1)(x, out),
        "copyto": lambda out, x: out.__setitem__(..., x),
        "may_share_memory": lambda a, b: np.may_share_memory(memory(a), memory(b)),
    }


def standard(name):
    """The standard's name of a ufunc of NumPy's: pow, abs, atan of power, absolute, arctan."""
    return {"power": "pow", "absolute": "abs"}.get(name, name.replace("arc", "a"))


def create(function, *args, dtype=None, **others):
    """On the second device; the standard's dtypes are its own."""
    native = None if dtype is None else getattr(strict, np.dtype(getattr(dtype, "_np_dtype", dtype)).name)
    return function(*args, dtype=native, device=DEVICE, **others)


class Add:
    """The sum of two, and a ufunc's two other sums."""

    def __call__(self, a, b, out=None):
        return written(strict.add, 2)(a, b, out)

    def reduce(self, x, axis, dtype, out, keepdims):
        return written(partial(strict.sum, axis=axis, keepdims=keepdims), 1)(x, out)

    def at(self, x, key, g):
        np.add.at(memory(x), tuple(memory(k) if hasattr(k, "device") else k for k in key), memory(g))


def take(x, indices, axis, out=None):
    """The standard takes along one axis of indices; NumPy along any shape of them."""
    axis %= x.ndim
    flat = strict.take(x, strict.reshape(indices, (-1,)), axis=axis)
    return written(strict.reshape, 2)(flat, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1:]), out)


def memory(x):
    """NumPy's array behind one: for what the standard has no name for."""
    return x._array


@contextmanager
def registered():
    """A row of ``LIBRARIES`` and a name of ``DEVICES``: that is all it takes."""
    LIBRARIES["array_api_strict"] = Library(
        "array-api-strict", to_host, facts=lambda strict: {"device": str(DEVICE)},
        stream=lambda strict, seed: Stream(np.random.default_rng(seed)), differences=differences)
    DEVICES["strict"] = "array_api_strict"
    yield
    del LIBRARIES["array_api_strict"], DEVICES["strict"]


class Stream:
    """Random numbers, made on the host: the standard has none."""

    def __init__(self, rng):
        self.rng = rng

    def random(self, out):
        out[...] = create(strict.asarray, self.rng.random(out.shape), dtype=dtype(out))

    def standard_normal(self, out):
        out[...] = create(strict.asarray, self.rng.standard_normal(out.shape), dtype=dtype(out))
