"""A library's primitives, compared with the host's: |ŷ − y| ≤ bound, with the bound of ``primitives.py``."""

from collections.abc import Iterator
from math import inf, isnan
from typing import Any

import numpy as np

from minigan import arrays
from minigan.autodiff import eager, record
from minigan.devices.primitives import ORDERS, Row

Measured = tuple[float, float, str]  # error, bound, note


def worst(xp: Any, some: list[Row], shortened: dict[str, float]) -> Measured:
    """(error, bound, where) of the worst by its bound, of all rows, dtypes and orders, eager and replayed.

    shortened: the dtypes, and how many times less exact products are in this library (TF32: 2¹³). Raises if a dtype or
    a shape is another, if replay gives other bits than eager execution, or if the host is wrong itself.
    """
    measured = [
        (error, row.bound(order) * (less if row.sums(order) else 1.0),
         f"{ORDERS[order]} at {row.where}, {dtype}" if error else "")
        for row in some for dtype, less in shortened.items() for order, error in _errors(xp, row, dtype)
    ]
    return max(measured, default=(0.0, 0.0, ""),
               key=lambda found: inf if isnan(found[0]) else found[0] / (found[1] or 1e-300))


def _errors(xp: Any, row: Row, dtype: str) -> Iterator[tuple[int, float]]:
    """(order, error in ε of the largest entry) of each value and derivative."""
    try:
        expected = row.expected
        inputs = {name: xp.asarray(x.astype(dtype)) for name, x in row.given.items()}
        ways: list[Any] = [run(row.step(xp), {}, dict(inputs))() for run in (eager, record)]
        for (order, k), right in expected.items():
            computed = [way[order, k] for way in ways]
            for y in computed:
                assert_dtype(y, dtype, f"the {ORDERS[order]}")
            now, again = (arrays.to_host(y) for y in computed)
            if row.ordered and not np.array_equal(now, again, equal_nan=True):
                raise ArithmeticError(f"the {ORDERS[order]} has other bits replayed than executed eagerly")
            error = np.max([distance(now, right), distance(again, right)])  # of nan, nan: Python's max may lose it
            yield order, float(error / arrays.finfo(dtype).eps)
    except Exception as problem:  # whatever a library raises: say of which row
        problem.add_note(f"(at {row.where}, {dtype})")
        raise


def distance(y: np.ndarray, expected: np.ndarray) -> float:
    """max |y − expected| / max |expected|; of zeros the absolute error."""
    if y.shape != expected.shape:
        raise ValueError(f"shape {y.shape} instead of {expected.shape}")
    scale = np.abs(expected).max(initial=0.0)
    return float(np.abs(y - expected.astype(float)).max(initial=0.0) / (scale or 1.0))


def assert_dtype(x: Any, dtype: str, what: str) -> None:
    if arrays.dtype(x) != dtype:
        raise TypeError(f"{what} came out as {arrays.dtype(x)}, not {dtype}")
