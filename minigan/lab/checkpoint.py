"""The run folder: config.toml, history.csv, checkpoint.npz, samples.npz, report.png.

Files are replaced whole or not at all, hold no time and no path, and no pickle: the same
seed writes the same bytes, and a run that is killed resumes from its last checkpoint.
"""

from __future__ import annotations

import csv
import io
import json
import os
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = 3  # of the checkpoint; a reader refuses another


class RunError(ValueError):
    """A folder is not a run of ours, or not one that can be used as asked."""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole: a crash leaves the old one or the new one."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(content)
    os.replace(beside, path)


def write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """An .npz without pickles."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_whole(path, buffer.getvalue())


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except FileNotFoundError as error:
        raise RunError(f"{path.parent} is not a run folder: it has no {path.name}") from error
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} cannot be read: {error}") from error


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
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(f"{path.parent} is not a run folder: it has no {path.name}") from error
    except tomllib.TOMLDecodeError as error:
        raise RunError(f"{path} cannot be read: {error}") from error


def write_history(path: Path, columns: list[str], rows: list[list[float]]) -> None:
    """A table of numbers; what was not measured is left empty. Floats keep all their digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([["" if np.isnan(v) else repr(float(v)) for v in row] for row in rows])
    write_whole(path, text.getvalue().encode())


def pack_streams(streams: list[dict[str, np.random.Generator]]) -> np.ndarray:
    """The states of random streams, a dictionary for each seed, as one string."""
    return np.array(json.dumps([{name: rng.bit_generator.state for name, rng in row.items()} for row in streams]))


def unpack_streams(packed: np.ndarray, streams: list[dict[str, np.random.Generator]]) -> None:
    for row, states in zip(streams, json.loads(str(packed)), strict=True):
        for name, state in states.items():
            row[name].bit_generator.state = state
