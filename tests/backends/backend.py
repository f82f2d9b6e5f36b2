"""The array libraries that the suite of this folder runs on: a row each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from minigan import arrays
from minigan.autodiff import Tensor


@dataclass(frozen=True)
class Backend:
    """A row. bits: it computes NumPy's bits; replays: it has views of memory, which replay needs."""

    name: str
    device: str
    bits: bool = False
    replays: bool = True
    analytic: bool = True  # it mixes real and complex numbers, as the complex step wants
    methods: bool = True  # its arrays have NumPy's methods and functions, as the theory wants them
    slow: bool = False  # a call takes a tenth of a millisecond or more

    @property
    def xp(self) -> Any:
        return arrays.library(self.device)

    def array(self, x: Any, dtype: Any = None) -> Any:
        return self.xp.asarray(np.asarray(x, dtype=dtype))

    def has(self, row: Any) -> bool:
        """Whether it can compute a row: the array API has no slices beside arrays of indices, nor sums at them."""
        return self.methods or row.name not in ("gather", "scatter")

    def tensor(self, x: Any, dtype: Any = None) -> Tensor:
        return Tensor(self.array(x, dtype))

    def assert_equal(self, computed: Any, expected: Any, rtol: float = 1e-13, atol: float = 0.0) -> None:
        """What NumPy gives for the very same calls: shape and dtype, and its bits where the library has them."""
        exact = self.bits
        assert_close(computed, expected, 0.0 if exact else rtol, 0.0 if exact else atol)


def assert_close(computed: Any, expected: Any, rtol: float = 1e-12, atol: float = 0.0) -> None:
    """An array or tensor of any library against values on the host: shape, dtype, every number."""
    computed = arrays.to_host(getattr(computed, "value", computed))
    expected = np.asarray(getattr(expected, "value", expected))
    assert (computed.shape, computed.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(computed, expected, rtol=rtol, atol=atol)


BACKENDS = {row.name: row for row in [
    Backend("numpy", "cpu", bits=True),
    Backend("strict", "strict", bits=True, replays=False, analytic=False, methods=False),
    Backend("double", "cuda", bits=True),
    Backend("dpnp", "sycl", slow=True),
    Backend("cupy", "cuda"),
]}
# What must be there, or its tests fail; those of other libraries are left out where this machine has none
REQUIRED = os.environ.get("MINIGAN_BACKENDS", "numpy strict double").split()


@contextmanager
def available(name: str) -> Iterator[Backend]:
    """The backend of that name, ready to use; DeviceError where this machine has no such library or device."""
    from tests.backends import double, strict

    with {"strict": strict.registered, "double": double.installed}.get(name, nullcontext)():
        arrays.library(BACKENDS[name].device)
        yield BACKENDS[name]


def present(names: Iterable[str], ready: Callable[[str], Any] = available) -> list[Any]:
    """The names as parameters of a fixture, each marked with what this machine lacks for it."""
    return [pytest.param(name, marks=pytest.mark.lacking(lacking(name, ready))) for name in names]


def lacking(name: str, ready: Callable[[str], Any] = available) -> str:
    try:
        with ready(name):
            return ""
    except arrays.DeviceError as error:
        return "" if name in REQUIRED else f"{name}: {error}"
