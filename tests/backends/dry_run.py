"""Real CuPy without a GPU: every call is made on real ``cupy.ndarray`` objects and gets as far as the missing driver.

The arrays lie over host memory, so shapes, strides, views, dtypes and flags are CuPy's own work. A function that
would compute raises CUDARuntimeError (or ImportError, for a CUDA library that is not there); NumPy then finishes it
on the same memory, so that a whole training runs. A TypeError or an AttributeError is CuPy's refusal, and nobody
catches it. What CuPy looks at only after it has asked for the device takes a GPU (``minigan selfcheck``).
"""

import sys
from collections import Counter
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import cupy
import numpy as np

NO_DRIVER = (cupy.cuda.runtime.CUDARuntimeError, ImportError)
REACHED: Counter[str] = Counter()  # how often each function got as far as the driver


class Array(cupy.ndarray):
    """A real CuPy array over host memory. What it cannot do without a driver, NumPy finishes."""

    def __getitem__(self, key):
        return finished("__getitem__", super().__getitem__, lambda key: host(self)[key], key)

    def __setitem__(self, key, value):
        finished("__setitem__", super().__setitem__, host(self).__setitem__, key, value)

    def get(self):
        return finished("get", super().get, lambda: host(self).copy())


Array.__module__ = "cupy"  # where ``arrays.namespace`` looks


def device(x):
    """A copy of a host array as CuPy sees it, with the same strides."""
    x = np.array(x)
    memory = np.frombuffer(bytearray(max(x.nbytes, 1)), "u1")
    np.ndarray(x.shape, x.dtype, memory, 0, x.strides)[...] = x
    unowned = cupy.cuda.UnownedMemory(memory.ctypes.data, memory.nbytes, memory, device_id=0)
    return Array(x.shape, x.dtype, cupy.cuda.MemoryPointer(unowned, 0), x.strides)


def host(x):
    """NumPy's view of the same memory."""
    if not isinstance(x, cupy.ndarray):
        return type(x)(map(host, x)) if isinstance(x, list | tuple) else x
    memory = x.data.mem._owner
    return np.ndarray(x.shape, x.dtype, memory, x.data.ptr - memory.ctypes.data, x.strides)


def finished(name, real, by_hand, *args, **kwargs):
    """What the real function makes of the arguments; where it stops at the driver, what NumPy does."""
    try:
        return real(*args, **kwargs)
    except NO_DRIVER as error:
        assert not isinstance(error, ImportError) or "lib" in str(error), error
        REACHED[name] += 1
    given = [x for x in [*args, *kwargs.values()] if isinstance(x, cupy.ndarray)]
    hosts = {id(x): host(x) for x in given}
    y = by_hand(*[hosts.get(id(x), host(x)) for x in args], **{k: hosts.get(id(x), host(x)) for k, x in kwargs.items()})
    for x in given:
        if hosts[id(x)] is y:
            return x
    return device(y) if isinstance(y, np.ndarray | np.generic) and name != "get" else y


class Function:
    """A function of CuPy's, and a ufunc's methods."""

    def __init__(self, name, real, numpy):
        self.name, self.real, self.numpy = name, real, numpy

    def __call__(self, *args, **kwargs):
        return finished(self.name, self.real, self.numpy, *args, **kwargs)

    def __getattr__(self, method):
        return Function(f"{self.name}.{method}", getattr(self.real, method), getattr(self.numpy, method))


class Module(ModuleType):
    """CuPy's namespace, its functions finished by NumPy."""

    def __init__(self):
        super().__init__("cupy")
        self.ndarray, self.__version__ = Array, cupy.__version__
        runtime = SimpleNamespace(getDeviceCount=lambda: 1, runtimeGetVersion=lambda: 0, driverGetVersion=lambda: 0,
                                  getDeviceProperties=lambda k: {"name": b"no GPU"})
        self.cuda = SimpleNamespace(runtime=runtime, Device=lambda: SimpleNamespace(id=0, synchronize=lambda: None))

    def __getattr__(self, name):
        return Function(name, getattr(cupy, name), getattr(np, name))


@contextmanager
def installed():
    REACHED.clear()
    before = sys.modules["cupy"]
    sys.modules["cupy"] = Module()
    try:
        yield sys.modules["cupy"]
    finally:
        sys.modules["cupy"] = before
