"""The array libraries that the suite of this folder runs on: a row each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigan import arrays


@dataclass(frozen=True)
class Backend:
    """A row. bits: it computes NumPy's bits; replays: it has views of memory, which replay needs."""

    name: str
    device: str
    bits: bool = False
    replays: bool = True
    analytic: bool = True  # it mixes real and complex numbers, as the complex step wants

    @property
    def xp(self) -> Any:
        return arrays.library(self.device)

    def array(self, x: Any, dtype: Any = None) -> Any:
        return self.xp.asarray(np.asarray(x, dtype=dtype))

    def assert_equal(self, computed: Any, expected: Any, rtol: float = 1e-13, atol: float = 0.0) -> None:
        """Values and dtype; NumPy's bits where the library has them."""
        computed = arrays.to_host(getattr(computed, "value", computed))
        expected = np.asarray(expected)
        assert (computed.shape, computed.dtype) == (expected.shape, expected.dtype)
        if self.bits:
            rtol = atol = 0.0
        np.testing.assert_allclose(computed, expected, rtol=rtol, atol=atol)


BACKENDS = {row.name: row for row in [
    Backend("numpy", "cpu", bits=True),
    Backend("strict", "strict", bits=True, replays=False, analytic=False),
    Backend("double", "cuda", bits=True),
    Backend("dpnp", "sycl"),
    Backend("cupy", "cuda"),
]}
# What must be there, or the test fails: elsewhere a library that is missing is skipped
REQUIRED = os.environ.get("MINIGAN_BACKENDS", "numpy strict double").split()


@contextmanager
def available(row: Backend) -> Iterator[Backend]:
    """The backend, ready to use; DeviceError where this machine has no such library or device."""
    from backends import double, strict

    with {"strict": strict.registered, "double": double.installed}.get(row.name, nullcontext)():
        arrays.library(row.device)
        yield row
