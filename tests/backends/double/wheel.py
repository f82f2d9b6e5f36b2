"""What the real wheel has, by its table, and what the table does not tell, by hand; the module that users see."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

TABLE = json.loads((Path(__file__).parents[1] / "cupy_surface.json").read_text())
cupy = ModuleType("cupy")  # filled by modules.py, when all that is in it exists

DTYPES = "?bBhHiIlLqQefdFD"
NO_IMPLICIT = ("Implicit conversion to a NumPy array is not allowed. "
               "Please use `.get()` to construct a NumPy array explicitly.")

# Functions and methods that wait for the device: they need a size or a check on the host, or cuSOLVER waits inside.
# (CuPy's sources say "synchronize!" there.) Conversions, masks and ``where(condition)`` count themselves.
WAITS = frozenset((
    "nonzero", "argwhere", "flatnonzero", "extract", "compress", "place", "choose", "trim_zeros", "delete", "isin",
    "unique", "unique_values", "unique_counts", "unique_inverse", "unique_all", "intersect1d", "setdiff1d", "setxor1d",
    "union1d", "bincount", "histogram", "histogram2d", "histogramdd", "digitize", "nanmin", "nanmax", "mask_indices",
    "ravel_multi_index", "shares_memory", "array2string", "array_repr", "array_str", "save", "savez",
    "savez_compressed", "savetxt", "item", "tolist", "tobytes", "tofile", "dump", "dumps", "eigh", "eigvalsh", "svd",
    "lstsq", "pinv", "matrix_rank", "cholesky", "solve", "inv", "qr", "cond", "tensorinv", "tensorsolve"))
# These wait only for a device array in that place: number of samples, bounds, repeats, quantiles.
WAITS_FOR = {"arange": (0, 1, 2), "repeat": (1,), "percentile": (1,), "quantile": (1,), "average": (2,)}
# NumPy answers with a Python bool or int, CuPy with a 0-d array.
ARRAYS = {"array_equal", "allclose", "array_equiv", "count_nonzero"}
# A host array is welcome: it is only looked at, or it is what is wanted.
HOST = {"can_cast", "full_like", "iscomplexobj", "isrealobj", "isscalar", "ndim", "ones_like", "result_type", "shape",
        "zeros_like"}
# Left out: they would hand host arrays to the caller's function, or read host memory and files.
LEFT_OUT = frozenset((
    "apply_along_axis", "apply_over_axes", "fromfunction", "piecewise", "vectorize", "load", "loadtxt", "genfromtxt",
    "fromfile", "frombuffer", "fromstring", "fromiter", "from_dlpack"))


def checker(name: str, parameters: str) -> Callable[..., None]:
    """A function of CuPy's parameters that does nothing, so that Python says what is wrong with a call."""
    check = eval(f"lambda {parameters}: None")
    check.__name__ = check.__qualname__ = name
    return check
