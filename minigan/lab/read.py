"""A user's file as a table of numbers: .csv, .tsv, .txt, .dat, .npy, .npz, plain or .gz, and text on standard input."""

import gzip
import io
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minigan.lab.describe import shape_told
from minigan.lab.table import Table, as_table
from minigan.lab.text import parse

TEXTS, ARRAYS = ("", ".csv", ".tsv", ".txt", ".dat"), (".npy", ".npz")  # "": standard input, /dev/fd/63
HEADERS = ("auto", "yes", "no")


def is_file_name(source: str | Path) -> bool:
    """Whether a source names a file, and no toy: a Path, "-", or a name with a folder or an ending of letters."""
    return isinstance(source, Path) or source == "-" or bool(re.search(r"[/\\]|\.[A-Za-z]\w*$", source))


def read_table(path: str | Path, header: str = "auto") -> Table:
    """The table in a file; "-" is text on standard input. The notes say what was read, and what looks odd.

    header: yes, no, or auto: the first line is a header if it has words and no cell that is a number. What separates
    is a comma, semicolon, tab or blanks; the decimal mark may be a comma unless that separates. An .npz has one array.

    Raises ValueError that names the file, the line and the column of what is no table of finite numbers.
    """
    if header not in HEADERS:
        raise ValueError(f"header must be one of {', '.join(HEADERS)}, got {header!r}")
    name = "standard input" if str(path) == "-" else Path(path).name
    ending = Path(name.lower().removesuffix(".gz")).suffix if str(path) != "-" else ""
    if ending not in TEXTS + ARRAYS:
        raise ValueError(f"{name}: files of the ending {ending} are not read, but {', '.join(TEXTS[1:] + ARRAYS)}, "
                         "plain or with .gz, and text on standard input (-)")
    raw = _bytes(path, name)
    if ending not in ARRAYS:
        return parse(_decode(raw, name), name, ending, header)
    table = as_table(_array(raw, name), name)
    return replace(table, notes=(f"{name}: {shape_told(table.values, table.names)}", *table.notes))


# -- bytes ---------------------------------------------------------------------------------------
def _bytes(path: str | Path, name: str) -> bytes:
    try:
        raw = sys.stdin.buffer.read() if str(path) == "-" else Path(path).read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except FileNotFoundError as error:
        raise ValueError(f"no such data file: {path}") from error
    except IsADirectoryError as error:
        raise ValueError(f"{path} is a folder: name a file in it") from error
    except Exception as error:  # whatever a damaged file, or a stream that is closed, raises
        raise ValueError(f"{name} cannot be read: {error}") from error


def _array(raw: bytes, name: str) -> Any:
    if not raw.startswith((b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06")):
        raise ValueError(f"{name} is not a file of NumPy's: it begins with {raw[:6]!r}")
    try:
        held = np.load(io.BytesIO(raw), allow_pickle=False)
        if isinstance(held, np.ndarray):
            return held
        if len(held.files) != 1:
            raise ValueError(f"it must hold one array, but holds {', '.join(held.files) or 'none'}")
        return held[held.files[0]]
    except Exception as error:  # whatever a damaged file makes NumPy raise
        pickled = "pickle" in str(error)
        why = "it holds Python objects, which are not unpickled: save numbers" if pickled else str(error)
        raise ValueError(f"{name} does not hold a table of numbers: {why}") from error


def _decode(raw: bytes, name: str) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in raw[:2]:
        raise ValueError(f"{name} is UTF-16 text, or none at all: save it as UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{name}, line {line:,}: byte {raw[error.start]:#04x} is not UTF-8 text: "
                         "save it as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")
