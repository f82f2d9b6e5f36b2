"""Random numbers: NumPy's, drawn as CuPy draws them."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from tests.backends.double.arrays import ndarray
from tests.backends.double.calls import call, new
from tests.backends.double.functions import empty
from tests.backends.double.wheel import TABLE, checker


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
    check = checker(name, f"self, {parameters}")

    def method(self: Generator, *args: Any, **kwargs: Any) -> ndarray:
        check(self, *args, **kwargs)
        draw, given = getattr(self._host, name), dict(zip(list(signature(check).parameters)[1:], args, strict=False))
        given |= kwargs
        dtype = given.pop("dtype", None) if name == "uniform" else None  # which NumPy's has not
        out = given.get("out")
        if isinstance(out, ndarray) and given.get("size") is None and name in ("random", "standard_exponential"):
            # The trap of traps: without a size CuPy draws one number here, and writes it everywhere.
            given["out"] = empty((), out.dtype)
            out[...] = call(draw, (), given)
            return out
        y = call(draw, (), given)
        y = y if isinstance(y, ndarray) else new(np.asarray(y))
        return y if dtype is None else y.astype(dtype)

    return method


for _name, _entry in TABLE["classes"]["Generator"].items():
    setattr(Generator, _name, _draw(_name, _entry.removeprefix("function ")))
