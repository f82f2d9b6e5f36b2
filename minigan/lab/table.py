"""A user's own data as a table of numbers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minigan.arrays import to_host


@dataclass(frozen=True)
class Table:
    """n points in d columns; notes: sentences for the user, of what was read and what looks odd."""

    values: np.ndarray  # (n, d), float64, finite
    names: tuple[str, ...] | None = None  # of the columns, if they have any
    notes: tuple[str, ...] = ()
    labels: np.ndarray | None = None  # (n,), classes 0, 1, ..., −1 where it is not known; if points have any


def as_table(x: Any, what: str = "the data") -> Table:
    """x as a table of 2 points at least; ValueError says what is wrong with it."""
    array = np.asarray(to_host(x))
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{what} must be numbers, got an array of dtype {array.dtype}")
    if array.ndim != 2 or array.shape[1] < 1:
        raise ValueError(f"{what} must have shape (n, d): n points in d columns, got shape {array.shape}")
    if len(array) < 2:
        raise ValueError(f"{what} must have 2 points at least, got {len(array)}")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise ValueError(f"{what} must be finite: {array[tuple(bad[0])]} at row {bad[0][0]}, column {bad[0][1]} "
                         f"({len(bad)} such entries)")
    return Table(array.astype(np.float64))


def is_file_name(source: str | Path) -> bool:
    """Whether a source names a file, and no toy."""
    return isinstance(source, Path) or Path(source).suffix in (".npy", ".csv")


def read_table(path: str | Path, header: str = "auto") -> Table:
    """The table in a file .npy or .csv; ValueError names the file and the fault."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"no such data file: {path}")
    try:
        if path.suffix == ".npy":
            return as_table(np.load(path, allow_pickle=False), path.name)
        rows = path.read_text(encoding="utf-8-sig").splitlines()
        try:
            float("".join(rows[:1]).split(",")[0])
        except ValueError:  # a name, and no number
            rows = rows[1:]
        if not rows:
            raise ValueError("it has no rows")
        array = np.loadtxt(rows, delimiter=",", ndmin=2)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path.name} does not hold a table of numbers: {error}") from error
    return as_table(array, path.name)
