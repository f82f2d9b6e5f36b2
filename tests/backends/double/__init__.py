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

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from tests.backends.double.modules import MODULES
from tests.backends.double.waits import counting
from tests.backends.double.wheel import cupy

__all__ = ["counting", "cupy", "install", "installed"]


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
