"""The files of a run folder: replaced whole or not at all, with no time, no path and no pickle in them.

So the same seed writes the same bytes, and a run that is killed resumes from its last checkpoint.
"""

import csv
import io
import json
import os
import struct
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

FORMAT = 4  # of the checkpoint; a reader refuses another


class RunError(ValueError):
    """A folder is not a run of ours, or not one that can be used as asked."""


Given = ParamSpec("Given")
Found = TypeVar("Found")
# What a damaged file makes of being read, beside the errors that say so
DAMAGE = (AttributeError, IndexError, KeyError, NotImplementedError, OverflowError, TypeError, struct.error, zlib.error)


def reads_folder(function: Callable[Concatenate[Path, Given], Found]) -> Callable[Concatenate[Path, Given], Found]:
    """The function of a run folder, which raises a RunError that names it for whatever is wrong in there."""

    @wraps(function)
    def read(folder: Path, *args: Given.args, **options: Given.kwargs) -> Found:
        try:
            return function(folder, *args, **options)
        except RunError:
            raise
        except ValueError as error:
            raise RunError(f"{folder}: {error}") from error
        except DAMAGE as error:
            raise RunError(f"{folder} is damaged: {type(error).__name__}, {error}") from error

    return read


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole: a crash leaves the old one or the new one."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except OSError:  # the disk is full, say
        beside.unlink(missing_ok=True)
        raise


def write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """An .npz without pickles."""
    buffer = io.BytesIO()
    held: dict[str, Any] = {name: np.asarray(x) for name, x in arrays.items()}
    if pickled := [name for name, x in held.items() if x.dtype.hasobject]:  # NumPy 2.0 has no allow_pickle to say so
        raise ValueError(f"arrays of objects are not written: {', '.join(pickled)}")
    np.savez(buffer, **held)
    write_whole(path, buffer.getvalue())


def _read(path: Path, parse: Callable[[bytes], Any]) -> Any:
    """A file of a run folder; RunError if it is not there, or does not hold what it should."""
    try:
        return parse(path.read_bytes())
    except FileNotFoundError as error:
        raise RunError(f"{path.parent} is not a run folder: it has no {path.name}") from error
    except NotADirectoryError as error:
        raise RunError(f"{path.parent} is a file, not a run folder") from error
    except (ValueError, OSError, EOFError, SyntaxError, MemoryError, zipfile.BadZipFile, *DAMAGE) as error:
        raise RunError(f"{path} cannot be read: {error}") from error


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    return _read(path, lambda content: dict(np.load(io.BytesIO(content), allow_pickle=False)))


def read_checkpoint(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of Training.checkpoint; RunError if they are of another format."""
    arrays = read_arrays(folder / "checkpoint.npz")
    if int(arrays.get("format", 0)) != FORMAT:
        raise RunError(f"{folder / 'checkpoint.npz'} is not a checkpoint of this version's format ({FORMAT})")
    return arrays


def write_toml(path: Path, values: dict[str, Any]) -> None:
    import tomli_w

    write_whole(path, tomli_w.dumps(values).encode())


def read_toml(path: Path) -> dict[str, Any]:
    return _read(path, lambda content: tomllib.loads(content.decode()))


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table as CSV. Floats keep all their digits; nan, what was not measured, is left empty."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [columns, *(["" if value != value else value for value in row] for row in rows)])
    write_whole(path, text.getvalue().encode())


def pack_streams(streams: list[dict[str, np.random.Generator]]) -> np.ndarray:
    """The states of random streams, a dictionary for each seed, as one string."""
    return np.array(json.dumps([{name: rng.bit_generator.state for name, rng in row.items()} for row in streams]))


def unpack_streams(packed: np.ndarray, streams: list[dict[str, np.random.Generator]]) -> None:
    for row, states in zip(streams, json.loads(str(packed)), strict=True):
        for name, state in states.items():
            row[name].bit_generator.state = state
