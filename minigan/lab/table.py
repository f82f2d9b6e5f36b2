"""A user's own data as a table of numbers: arrays, lists, data frames, tensors. What has no one meaning is refused.

Rows and columns count from 1 in every message, as the lines of a file do in an editor.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.lab.describe import column, describe, distinct_names, doubts

EXACT = 2**53  # float64 holds every whole number up to it
KINDS = {"c": "a complex number (Complex data not supported)",  # scikit-learn's words, which its checks look for
         "M": "a date", "m": "a span of time", "U": "text", "T": "text", "S": "bytes"}

Place = Callable[[int, int], str]  # (row, column), counted from 0 → "the data, row 4, column 2 (income)"


@dataclass(frozen=True)
class Table:
    """n points in d columns; notes, doubts: sentences for the user, of what was read and of what may not be meant."""

    values: np.ndarray  # (n, d), float64, finite
    names: tuple[str, ...] | None = None  # of the columns, if they have any
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    labels: np.ndarray | None = None  # (n,), classes 0, 1, ..., −1 where it is not known; if points have any


def as_table(x: Any, what: str = "the data", least: int = 2) -> Table:
    """x as a table of ``least`` points at least: a row is a point, a column a coordinate. The values are a copy.

    x is an array of NumPy, JAX, PyTorch or a device's library, lists of lists, a data frame (of pandas, Polars or
    Arrow), one column of a frame, a dictionary of columns, or an array with named fields. Booleans are 0 and 1. A
    one-dimensional array or list is refused, for it might be one point as well as one column; a frame's column can only
    be a column. what: its name in messages.

    Raises ValueError, with row, column and its name, for all that is no finite number: missing values, text, dates,
    categories, complex numbers; and for what would lose its meaning: masked entries, sparse matrices, np.matrix, units.
    """
    if isinstance(x, Table):
        return x
    _refuse_what_loses_meaning(x, what)
    pairs = _columns(x)
    names, notes = (None, ()) if pairs is None else _names([name for name, _ in pairs])
    if pairs is None:
        values, rounded = to_numbers(_matrix(x, what), lambda i, j: f"{what}, row {i + 1:,}, {column(j)}")
    else:
        values, rounded = _side_by_side([entries for _, entries in pairs], names, what)
    if values.shape[1] < 1:  # in scikit-learn's words, which its checks look for
        raise ValueError(f"{what} must have shape (n, d): 0 feature(s) (shape={values.shape}) while a minimum of 1 "
                         "is required.")
    if len(values) < least:
        raise ValueError(f"{what} must have {least} points at least, got {len(values)} "
                         f"sample{'s' * (len(values) != 1)}")
    return Table(values, names, (*notes, *rounded, *describe(values, names)), doubts(values, names))


def same_columns(x: Any, names: Sequence[str] | None, d: int, what: str = "X") -> np.ndarray:
    """x as points (n, d), n ≥ 1, of the columns that were learned from.

    ValueError for another number of columns and, where both have names, for other names or another order of them.
    """
    table = as_table(x, what, least=1)
    found = table.values.shape[1]
    if found != d:  # in scikit-learn's words
        raise ValueError(f"{what} has {found} features, but GAN is expecting {d} features as input")
    if table.names and names and table.names != tuple(names):
        how = "in another order than" if sorted(table.names) == sorted(names) else "not"
        raise ValueError(f"the columns of {what} are {how} those that were learned from: "
                         f"got {', '.join(table.names)}; expected {', '.join(names)}")
    return table.values


def to_numbers(block: np.ndarray, place: Place) -> tuple[np.ndarray, list[str]]:
    """An array (n, d) of any kind of number as float64, and a note if float64 cannot hold its whole numbers.

    Raises ValueError for what is no finite number, with its place.
    """
    if block.dtype.kind == "O":
        values = np.array([[_number(v, place, i, j) for j, v in enumerate(row)] for i, row in enumerate(block)])
        values = values.reshape(block.shape).astype(np.float64)
    elif block.dtype.kind in "biuf" or block.dtype.type.__module__.startswith("ml_dtypes"):  # bfloat16 and float8
        with np.errstate(over="ignore"):
            values = block.astype(np.float64)
    else:
        entry = str(block.flat[0]) if block.size else block.dtype
        raise ValueError(f"{place(0, 0)}: {entry!r:.60} is {KINDS.get(block.dtype.kind, block.dtype)}, not a number")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        i, j = map(int, bad[0])
        entry = str(block[i, j]).replace("nan", "NaN")
        raise ValueError(f"{place(i, j)}: all must be finite in float64, but this is {entry:.40} "
                         f"({len(bad):,} such entr{'y' if len(bad) == 1 else 'ies'})")
    if block.dtype.kind not in "iuO":
        return values, []
    large = ((i, j) for i, j in np.argwhere(np.abs(values) >= EXACT) if block[i, j] % 1 == 0)
    return values, rounding_told(((place(i, j), int(block[i, j])) for i, j in large))


def rounding_told(whole: Any) -> list[str]:
    """A note on the first of some (place, whole number) that float64 does not hold."""
    for where, number in whole:
        if int(float(number)) != number:
            return [f"{where}: {number} becomes {int(float(number))}: above 2⁵³ float64 holds no more digits"]
    return []


# -- columns with names --------------------------------------------------------------------------
def _columns(x: Any) -> list[tuple[Any, Any]] | None:
    """(name, entries) of whatever has columns, known by what it can do, not by importing it; None of all else."""
    fields = getattr(getattr(x, "dtype", None), "names", None)
    if isinstance(x, dict):
        return list(x.items())
    if isinstance(x, np.ndarray):
        return [(name, np.asarray(x[name])) for name in fields] if fields else None
    if hasattr(x, "iloc") and hasattr(x, "columns"):  # pandas, where a name may stand twice
        return list(x.items())
    if hasattr(x, "get_columns") and hasattr(x, "columns"):  # Polars
        return list(zip(x.columns, x.get_columns(), strict=True))
    if hasattr(x, "column_names") and hasattr(x, "columns"):  # Arrow
        return list(zip(x.column_names, x.columns, strict=True))
    if hasattr(x, "to_numpy") and hasattr(x, "name") and getattr(x, "ndim", 1) == 1:  # one column of pandas or Polars
        return [(0 if x.name in (None, "") else x.name, x)]
    return None


def _names(given: list[Any]) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    given = [".".join(map(str, name)) if isinstance(name, tuple) else name for name in given]  # pandas' levels
    numbered = given == list(range(len(given)))  # pandas' way to call columns that have no names
    return (None, ()) if numbered else distinct_names(given)


def _side_by_side(columns: list[Any], names: Sequence[str] | None, what: str) -> tuple[np.ndarray, list[str]]:
    found, notes = [], []
    for k, entries in enumerate(columns):
        def place(i: int, j: int, k: int = k) -> str:
            return f"{what}, row {i + 1:,}, {column(k, names)}"
        values, rounded = to_numbers(_one_column(entries, place, f"{what}, {column(k, names)}"), place)
        found.append(values)
        notes += rounded
    lengths = {len(values) for values in found}
    if len(lengths) > 1:
        raise ValueError(f"{what} must have columns of one length, got lengths {', '.join(map(str, sorted(lengths)))}")
    return np.concatenate(found, axis=1) if found else np.empty((0, 0)), notes


def _one_column(entries: Any, place: Place, what: str) -> np.ndarray:
    """(n, 1); refused: missing entries, and categories, whose codes are no numbers to reckon with."""
    if str(getattr(entries, "dtype", "")) == "category":
        raise ValueError(f"{what} holds categories: give one column of 0 and 1 for each, or leave it out")
    _refuse_what_loses_meaning(entries, what)
    gaps = getattr(entries, "isna", None) or getattr(entries, "is_null", None)
    missing = np.flatnonzero(np.asarray(gaps() if gaps else []))
    if len(missing):
        raise ValueError(f"{place(int(missing[0]), 0)}: a value is missing ({len(missing):,} in this column)")
    array: Any = entries.to_numpy() if hasattr(entries, "to_numpy") else _array(entries, what)
    if array.ndim != 1:
        raise ValueError(f"{what} must be one column, got shape {array.shape}")
    return array[:, None]


def _number(entry: Any, place: Place, i: int, j: int) -> float:
    """An entry of an array of objects."""
    if not isinstance(entry, Real | Decimal | np.bool_):
        gone = entry is None or type(entry).__name__ in ("NAType", "NaTType")
        raise ValueError(f"{place(i, j)}: {'a value is missing' if gone else f'{entry!r:.60} is not a number'}")
    try:
        return float(entry)
    except OverflowError:  # of an int
        return np.inf


# -- arrays --------------------------------------------------------------------------------------
def _matrix(x: Any, what: str) -> np.ndarray:
    array = _array(x, what)
    if array.ndim == 2:
        return array
    n = len(array) if array.ndim else 0
    way = "; x.reshape(len(x), -1) has a row for each" if array.ndim > 2 else ""
    if array.ndim == 1:
        way = f"; x.reshape(-1, 1) has {n} points in one column, x.reshape(1, -1) one point"
    raise ValueError(f"{what} must have shape (n, d): n points in d columns, "
                     f"got {type(x).__name__} of shape {array.shape}{way}")


def _array(x: Any, what: str) -> np.ndarray:
    """x on the host, of whatever dtype."""
    torch = sys.modules.get("torch")
    if torch and isinstance(x, torch.Tensor):
        x = x.detach().cpu()
        x = x.double() if x.is_floating_point() else x  # NumPy has no bfloat16
    try:
        array = np.asarray(to_host(x))
        text = array.dtype.kind in "USO" and isinstance(x, list | tuple)  # of a list, so that what is no text is seen
        return np.array(x, dtype=object) if text else array
    except Exception as error:  # whatever a library raises
        lengths = {len(row) for row in x if hasattr(row, "__len__")} if isinstance(x, list | tuple) else {}
        why = f"its rows have {', '.join(map(str, sorted(lengths)))} entries" if len(lengths) > 1 else str(error)
        raise ValueError(f"{what} ({type(x).__name__}) is no array of numbers: {why}") from error


def _refuse_what_loses_meaning(x: Any, what: str) -> None:
    """ValueError for arrays that say more than their numbers, which np.asarray would drop."""
    kind = f"{type(x).__module__.partition('.')[0]} {type(x).__name__}"
    masked = np.count_nonzero(np.ma.getmaskarray(x).tolist()) if isinstance(x, np.ma.MaskedArray) else 0  # or of fields
    if masked:
        raise ValueError(f"{what} has {masked:,} masked entries: fill them, or leave out their rows")
    if isinstance(x, np.ndarray) and type(x) not in (np.ndarray, np.memmap, np.ma.MaskedArray, np.recarray):
        raise ValueError(f"{what} is a {kind}, which means more than its numbers: give np.asarray(x), in one unit")
    if hasattr(x, "tocsr") or hasattr(x, "todense") or "sparse" in str(getattr(x, "layout", "")):
        raise ValueError(f"{what} is sparse ({kind}): give it in full: x.toarray(), x.todense() or x.to_dense()")
