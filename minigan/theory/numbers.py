"""What may be called numbers: every function of this wing takes its arrays through here."""

from typing import Any

import numpy as np

from minigan.arrays import Array, DType, dtype, is_array, namespace
from minigan.autodiff import Tensor

__all__: list[str] = []  # for the functions of this wing


def as_numbers(x: Any, name: str, precision: DType | type | None = None) -> Array:
    """x as an array of real floating numbers, of its own library; of a number or a list of them NumPy's.

    precision: the dtype asked for; None: x's own, float64 for whole numbers and booleans.
    What NumPy would convert in silence is refused by name: masked entries (ValueError: their values are not
    meant); text, objects, complex numbers, and tensors, whose gradient would be lost (TypeError). nan and ∞ are
    numbers here; who wants them finite says so.
    """
    _check_entries(x, name)
    if not is_array(x):
        x = _from_list(x, name)
    kind = dtype(x).kind
    if kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, not {dtype(x)}")
    wanted = precision if precision is not None else (None if kind == "f" else float)
    return namespace(x).asarray(x, dtype=wanted)


def _check_entries(x: Any, name: str) -> None:
    """Refuse masked entries and tensors, in lists too: of those np.asarray keeps the values alone."""
    if isinstance(x, list | tuple):
        for row in x:
            _check_entries(row, name)
    if isinstance(x, np.ma.MaskedArray) and np.ma.count_masked(x):
        raise ValueError(f"{name} has {np.ma.count_masked(x)} masked entries of {x.size}: leave them out "
                         f"(x.compressed()), or give what they count as (x.filled(value))")
    if isinstance(x, Tensor):
        raise TypeError(f"{name} is a Tensor, whose gradient would be lost here: pass its value (tensor.value)")


def _from_list(x: Any, name: str) -> Array:
    try:
        return np.asarray(x)
    except (TypeError, ValueError) as error:  # ragged lists; arrays that live on a device
        raise ValueError(f"{name} does not convert to an array of numbers: {error}") from error
