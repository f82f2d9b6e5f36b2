"""CuPy's modules, put together: what is written by hand, and what of the table's names NumPy's modules have too."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np

from tests.backends.double import device, functions, random
from tests.backends.double.calls import function
from tests.backends.double.operators import ndarray
from tests.backends.double.ufuncs import gufunc, ufunc
from tests.backends.double.wheel import LEFT_OUT, TABLE, cupy


def _filled(module: ModuleType, **members: Any) -> ModuleType:
    """With those members; what the real one has beside them is said to be missing here."""
    name = module.__name__

    def missing(attribute: str) -> Any:
        if attribute in TABLE["modules"].get(name, ()):
            raise NotImplementedError(f"the double has no {name}.{attribute}; CuPy has")
        raise AttributeError(f"module '{name}' has no attribute '{attribute}'")

    vars(module).update(members, __spec__=ModuleSpec(name, None), __getattr__=missing)
    return module


def _like_numpys(module: ModuleType, host: ModuleType, **members: Any) -> ModuleType:
    """With those members, and what of the table's names NumPy's module has too."""
    for key, entry in TABLE["modules"][module.__name__].items():
        kind, _, rest = entry.partition(" ")
        theirs = getattr(host, key, None)
        if key in members or key in LEFT_OUT or (theirs is None and key != "newaxis"):
            continue
        if kind == "ufunc":
            nin, nout, *methods = rest.split()
            members[key] = ufunc(theirs, int(nin), int(nout), methods)
        elif kind == "gufunc":
            nin, _, parameters = rest.split(maxsplit=2)
            members[key] = gufunc(key, int(nin), parameters)
        elif kind == "function":
            members[key] = function(key, rest, theirs)
        elif (isinstance(theirs, float | None) or key in ("dtype", "finfo", "iinfo", "s_", "index_exp")
              or (kind == "class" and issubclass(theirs, np.generic | Exception))):
            members[key] = theirs
    return _filled(module, **members)


WRITTEN = ("array", "asarray", "asnumpy", "empty", "empty_like", "copyto", "take", "put", "where", "clip",
           "may_share_memory", "get_array_module")
runtime = _filled(ModuleType("cupy.cuda.runtime"), **device.RUNTIME)
cuda = _filled(
    ModuleType("cupy.cuda"), runtime=runtime, Device=device.Device, Stream=device.Stream, Event=device.Event,
    is_available=lambda: True, get_current_stream=lambda: device.Stream.null,
    get_elapsed_time=lambda start, end: 1e3 * (end.time - start.time))
linalg = _like_numpys(ModuleType("cupy.linalg"), np.linalg)
generators = _filled(
    ModuleType("cupy.random"), Generator=random.Generator, default_rng=random.default_rng,
    BitGenerator=random.BitGenerator,
    **dict.fromkeys(("MRG32k3a", "Philox4x3210", "XORWOW"), random.BitGenerator))
strides = _like_numpys(ModuleType("cupy.lib.stride_tricks"), np.lib.stride_tricks)
lib = _filled(ModuleType("cupy.lib"), stride_tricks=strides)
_like_numpys(
    cupy, np, __version__=TABLE["version"], ndarray=ndarray, ufunc=ufunc, linalg=linalg, random=generators, lib=lib,
    cuda=cuda, exceptions=np.exceptions, **{name: getattr(functions, name) for name in WRITTEN},
    asanyarray=functions.asarray, is_available=lambda: True, get_default_memory_pool=lambda: device.pool,
    get_default_pinned_memory_pool=lambda: device.Pool())
MODULES = {module.__name__: module for module in (cupy, cuda, runtime, linalg, generators, strides, lib)}
