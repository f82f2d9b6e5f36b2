"""Text as a table of numbers, whoever wrote it: its separator, decimal mark and header are found, and told.

Nothing is dropped in silence: no comment, no short line, no cell that is not a number as a whole. Lines count from 1 as
in an editor; rows and columns count from 1, the header left out.
"""

import csv
import io
import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from minigan.lab.describe import column, describe, distinct_names, doubts, listed, shape_told
from minigan.lab.table import EXACT, Table, rounding_told

SEPARATORS = {"\t": "tab", ";": "';'", ",": "','", " ": "blanks"}
SWAP = str.maketrans(",.", ".,")  # so that a decimal comma is a point, and a point what no number has
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
GAPS = {"", "na", "n/a", "#n/a", "null", "none", "nan", "-", "?", "."}  # ways to write that a value is missing

Records = Iterator[tuple[int, list[str]]]  # (line it begins on, cells)


@dataclass(frozen=True)
class Dialect:
    """How a text writes a table."""

    name: str  # of the file
    separator: str
    comma: bool = False  # is the decimal mark
    names: tuple[str, ...] | None = None
    body: int = 1  # the line on which the numbers begin
    asked: str = ""  # what to add to a fault in the first line

    def records(self, text: str) -> Records:
        """(line, cells) of each record of a text that begins on the line ``body``."""
        rows = csv.reader(io.StringIO(text), delimiter=self.separator, skipinitialspace=True, strict=True)
        line = self.body
        try:
            for cells in rows:
                yield line, cells
                line = self.body + rows.line_num
        except csv.Error as error:
            raise ValueError(f"{self.name}, line {line:,}: {error} (of a quoted cell that begins there)") from error

    def place(self, line: int, row: int, j: int) -> str:
        return f"{self.name}, line {line:,} (row {row + 1:,}), {column(j, self.names)}"


def parse(text: str, name: str, ending: str = ".csv", header: str = "auto") -> Table:
    """The table that a text (line ends \\n) holds; see ``read_table``. name: of its file, for messages."""
    text = _without_end(text)
    if not text.strip():
        raise ValueError(f"{name} has no rows")
    excel = re.match(r"sep=(.)\n", text)  # its way to name the separator
    text = text[5:] if excel else text  # the line stays, and is blank
    dialect = Dialect(name, excel[1] if excel else _separator(text, name, ending))
    if dialect.separator == " ":
        text = re.sub(r"(?m)^ | $", "", re.sub(r"[ \t]+", " ", text))
    dialect, body, said = _split_header(dialect, text, header)
    if not body:
        raise ValueError(f"{name} has a header and no rows")
    mark = re.search("[.,]", body) if dialect.separator != "," else None
    dialect = replace(dialect, comma=mark is not None and mark[0] == ",")
    values, notes = _parse_body(dialect, body.translate(SWAP) if dialect.comma else body)
    if len(values) < 2:
        raise ValueError(f"{name} must have 2 rows at least, got 1")
    separator = SEPARATORS.get(dialect.separator, repr(dialect.separator))
    told = "; ".join([f"{name}: {shape_told(values, dialect.names)}",
                      f"separator {separator}{', decimal comma' * dialect.comma}", said])
    hint = _header_told(values) if header == "auto" and dialect.names is None else []
    notes = [told, *notes, *hint, *describe(values, dialect.names)]
    return Table(values, dialect.names, tuple(notes), doubts(values, dialect.names))


def _without_end(text: str) -> str:
    """Without the blank lines at the end; empty cells of the last row stay."""
    end = text.find("\n", len(text.rstrip()))
    return text if end < 0 else text[:end]


def _separator(text: str, name: str, ending: str) -> str:
    """What most of the first lines have outside of quotes: a tab, else a semicolon, a comma, blanks.

    csv.Sniffer guesses too much: of "10\\n20\\n30" it takes the 0 for the separator.
    """
    lines = [line.strip(" ") for line in re.sub(r'"[^"]*"', '""', text[:100_000]).split("\n")[:50]]
    lines = [line for line in lines if line]
    found = next((s for s in SEPARATORS if 2 * sum(s in line for line in lines) > len(lines)), None)
    if ending == ".tsv" and found in (";", ","):
        raise ValueError(f"{name} has no tabs, but {SEPARATORS[found]}: call it .csv if that separates its columns")
    grouped = [re.fullmatch(r"[+-]?\d{1,3}( \d{3})+([.,]\d+)?", line) for line in lines[1:]]
    if found == " " and grouped and all(grouped):
        raise ValueError(f"{name}: blanks separate columns, or thousands? Write {lines[1]!r} without a doubt")
    return found or ("\t" if ending == ".tsv" else ",")


def _split_header(dialect: Dialect, text: str, header: str) -> tuple[Dialect, str, str]:
    """The dialect with names, the text of the rows, and what was taken for a header."""
    start = text.rfind("\n", 0, len(text) - len(text.lstrip())) + 1  # of the first line that is not blank
    first, text = replace(dialect, body=1 + text.count("\n", 0, start)), text[start:]
    _, cells = next(records := first.records(text))
    words = [cells[0].lstrip("# "), *cells[1:]]
    if header == "auto" and _asks(words):
        raise ValueError(f"{first.name}, line {first.body}: {', '.join(cells)!r} is neither words nor numbers: "
                         "say header = yes, or no")
    if header == "no" or (header == "auto" and not _is_header(words)):
        asked = " (if this line is a header, say header = yes)" if header == "auto" else ""
        said = f"no header (its first line is {listed(cells)})" if header == "auto" else "no header, as you say"
        return replace(first, asked=asked), text, said
    marked = re.sub(r"^#\s+", "", cells[0])  # numpy.savetxt writes "# x,y", and "# x y" of which # is a cell
    names, notes = distinct_names(cells[1:] if marked == "#" and dialect.separator == " " else [marked, *cells[1:]])
    after = next(records, None)
    rest = "" if after is None else text.split("\n", after[0] - first.body)[-1]
    said = "; ".join(["the first line was taken for a header" + ", as you say" * (header == "yes"), *notes])
    return replace(first, names=names, body=first.body if after is None else after[0]), rest, said


def _is_header(cells: list[str]) -> bool:
    """Words, and no number among them."""
    number = any(_holds(float, cell.replace(",", ".")) for cell in cells)
    return not number and any(cell.strip().lower() not in GAPS for cell in cells)


def _asks(cells: list[str]) -> bool:
    """Whether a header's cells all begin as numbers do: 1.0x is a typo rather than a name."""
    return _is_header(cells) and all(re.match(r"\s*[+-]?[.,]?\d", cell) for cell in cells)


def _holds(number: Callable[[str], float], cell: str) -> bool:
    try:
        number(cell)
    except ValueError:
        return False
    return True


def _header_told(values: np.ndarray) -> list[str]:
    """A hint where the first row could be names: it counts (0, 1, 2; 2020, 2021), or it alone has whole numbers."""
    first, rest = values[0], values[1:]
    counts = values.shape[1] > 1 and (np.diff(first) == 1).all() and not (np.diff(rest[0]) == 1).all()
    if (first % 1 == 0).all() and (counts or (rest % 1 != 0).all()):
        return [f"the first line ({', '.join(f'{v:.0f}' for v in first)}) was taken for numbers: if it is a header, "
                "say header = yes"]
    return []


def _parse_body(dialect: Dialect, text: str) -> tuple[np.ndarray, list[str]]:
    d = len(dialect.names) if dialect.names else len(next(dialect.records(text))[1])
    flat, blank = _flat(dialect, text, d, float if "_" not in text else _strict)  # float() reads 1_0 as 10
    if not np.isfinite(flat).all():
        _flat(dialect, text, d, _strict)  # which raises, with the place
    notes = [f"blank lines left out: {len(blank):,}, the first is line {blank[0]:,}"] if blank else []
    if dialect.comma and not re.search(r"\.(?!\d{3}(?!\d))", text):
        notes.append("every decimal comma has three digits behind it: if it is a mark of thousands, take it out")
    if (np.abs(flat) >= EXACT).any():
        notes += rounding_told(_whole(dialect, text))
    return flat.reshape(-1, d), notes


def _flat(dialect: Dialect, text: str, d: int, number: Callable[[str], float]) -> tuple[np.ndarray, list[int]]:
    """All numbers, row by row, and the lines that are blank."""
    values, blank = array("d"), []
    for line, cells in dialect.records(text):
        if len(cells) == d:
            try:
                values.extend(map(number, cells))
            except ValueError as error:
                raise _fault(dialect, line, len(values) // d, cells) from error
        elif d > 1 and not "".join(cells).strip():
            blank.append(line)
        else:
            raise _uneven(dialect, line, len(values) // d, cells, d)
    return np.frombuffer(values), blank


def _strict(cell: str) -> float:
    """The finite number that a cell is; ValueError for whatever else float() takes."""
    value = float(cell)
    if not NUMBER.fullmatch(cell.strip()) or not np.isfinite(value):
        raise ValueError(cell)
    return value


def _fault(dialect: Dialect, line: int, row: int, cells: list[str]) -> ValueError:
    """What is wrong with the first cell of a row that is no number."""
    j = next(j for j, cell in enumerate(cells) if not _holds(_strict, cell))
    cell = cells[j]
    written, mark = (cell.translate(SWAP), ".") if dialect.comma else (cell, ",")
    if not cell.strip():
        why = "the cell is empty"
    elif NUMBER.fullmatch(cell.strip()):
        why = f"{written!r} is beyond what float64 holds"
    elif cell.strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
        why = f"{written!r} is not finite"
    else:
        known = f" with a decimal {'comma' if dialect.comma else 'point'}" if mark in written else ""
        why = f"{written!r} is not a number{known}"
    return ValueError(f"{dialect.place(line, row, j)}: {why}" + dialect.asked * (line == dialect.body))


def _uneven(dialect: Dialect, line: int, row: int, cells: list[str], d: int) -> ValueError:
    if d == 1 and not "".join(cells).strip():
        return ValueError(f"{dialect.place(line, row, 0)}: the cell is empty")
    why = "; a decimal comma needs another separator than the comma" * (len(cells) > d and dialect.separator == ",")
    cell = f"{len(cells)} cell{'s' * (len(cells) != 1)}"
    return ValueError(f"{dialect.name}, line {line:,} (row {row + 1:,}) has {cell}, but the first line has {d}{why}")


def _whole(dialect: Dialect, text: str) -> Iterator[tuple[str, int]]:
    """The whole numbers of 16 digits and more that are written out, and their places."""
    row = 0
    for line, cells in dialect.records(text):
        for j, cell in enumerate(cells):
            if re.fullmatch(r"\s*[+-]?\d{16,}\s*", cell, re.ASCII):
                yield dialect.place(line, row, j), int(cell)
        row += bool(cells)
