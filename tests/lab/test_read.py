"""Files of a stranger: what is in them is read, or an error says where it is not a number."""

import gzip
import io
import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.lab.read import is_file_name, read_table
from minigan.lab.table import Table


@pytest.fixture
def read(tmp_path):
    def written_and_read(content: str | bytes, name: str = "f.csv", header: str = "auto") -> Table:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(tmp_path / name, header)
    return written_and_read


def saved(*arrays: np.ndarray, **more: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **more) if more else np.save(file, *arrays, allow_pickle=True)
    return file.getvalue()


X = [[1.5, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(("content", "name"), [
    ("a,b\n1.5,2\n3,4\n", "f.csv"), ("a;b\n1,5;2\n3;4\n", "f.csv"), ("a\tb\n1,5\t2\n3\t4\n", "f.tsv"),
    ("a\tb\n1.5\t2\n3\t4\n", "f.csv"), ("\ufeffa,b\r\n1.5,2\r\n3,4\r\n", "F.CSV"), ("a,b\r1.5,2\r3,4", "f.csv"),
    ('"a","b"\n"1.5","2"\n"3","4"\n', "f.csv"), ('a, "b"\n1.5, "2"\n+3, 4.\n\n\n', "f.csv"),
    ("a b\n1.5 2\n3 4\n", "f.txt"), ("# a b\n1.500e+00 2.0\n3 4\n", "f.csv"), ("# a,b\n1.5,2\n3,4\n", "f.csv"),
    ("sep=;\na;b\n1,5;2\n3;4\n", "f.csv"), ("\n \na,b\n1.5,2\n3,4\n", "f.csv"),
    (gzip.compress(b"a,b\n1.5,2\n3,4\n", mtime=0), "f.csv.gz"),
    (gzip.compress(b"a\tb\n1.5\t2\n3\t4\n", mtime=0), "F.TSV.GZ"),
])
def test_one_table_in_many_dialects(read, content: str | bytes, name: str) -> None:
    table = read(content, name)
    assert table.values.tolist() == X and table.values.dtype == np.float64 and table.names == ("a", "b")
    assert table.notes[0].startswith(f"{name}: 2 rows, 2 columns (a, b); separator ") and len(table.notes) == 1
    assert table.notes[0].endswith("the first line was taken for a header")
    assert ("decimal comma" in table.notes[0]) == (isinstance(content, str) and "1,5" in content)


@pytest.mark.parametrize(("content", "told"), [
    ("a,b\n1,2\n3,5\n", "f.csv: 2 rows, 2 columns (a, b); separator ','; the first line was taken for a header"),
    ("a;b\n1,5;2\n3;5", "f.csv: 2 rows, 2 columns (a, b); separator ';', decimal comma; the first line was taken for a "
                        "header"),
    ("1\n20\n30\n", "f.csv: 3 rows, 1 column; separator ','; no header (its first line is 1)"),
    (f"{','.join(map(str, range(1, 15)))}\n" * 2, "f.csv: 2 rows, 14 columns; separator ','; no header (its first line "
                                                   "is 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, …)"),
])
def test_what_was_read_is_told(read, content: str, told: str) -> None:
    assert read(content).notes[0] == told


@pytest.mark.parametrize("line", ["0,1", "2020,2021"])
def test_a_header_of_numbers(read, line: str) -> None:
    first, content = [float(cell) for cell in line.split(",")], f"{line}\n.5,.25\n1.5,2\n"
    for header in ("auto", "no", "yes"):
        table = read(content, header=header)
        assert table.values.tolist() == [first] * (header != "yes") + [[0.5, 0.25], [1.5, 2]]
        assert table.names == (tuple(line.split(",")) if header == "yes" else None)
        assert ("say header = yes" in " ".join(table.notes)) == (header == "auto")
    assert "as you say" in table.notes[0]


def test_a_column_under_a_number_is_hinted_at_and_plain_whole_numbers_are_not(read) -> None:
    assert "was taken for numbers" in read("0\n.5\n.25\n").notes[1]
    assert not [note for note in read("1,2\n3,4\n5,7\n").notes + read("0,1\n1,2\n7,8\n").notes if "taken for n" in note]


@pytest.mark.parametrize(("content", "names"), [
    (",a\n1,2\n3,4\n", ("column 1", "a")), ("a,a\n1,2\n3,4\n", ("a", "a.2")),
    ("a,a.2,a\n1,2,5\n3,4,6\n", ("a", "a.2", "a.3")),
    ('"a,b","c\nd"\n1,2\n3,4\n', ("a,b", "c d")), ('"say ""a""",b\n1,2\n3,4\n', ('say "a"', "b")),
    ("#n,größe\n1,2\n3,4\n", ("#n", "größe")), ("a_1,b\n1,2\n3,4\n", ("a_1", "b")),
    ("column 2,\n1,2\n3,4\n", ("column 2", "column 3")),
])
def test_names_of_columns(read, content: str, names: tuple[str, ...]) -> None:
    assert read(content).names == names


@pytest.mark.parametrize(("content", "error"), [
    # the first row is never taken for a header by a typo, and nothing is cut
    ("1.0x,2\n3,4\n", "f.csv, line 1 (row 1), column 1: '1.0x' is not a number (if this line is a header, say header "
                      "= yes)"),
    (",2\n3,4\n", "f.csv, line 1 (row 1), column 1: the cell is empty (if this line is a header, say header = yes)"),
    ("1 000,5\n3,4\n", "f.csv, line 1 (row 1), column 1: '1 000' is not a number (if"),
    ("1 000,5;2\n1;2\n", "f.csv, line 1 (row 1), column 1: '1 000,5' is not a number (if"),
    (",0,1\n0,1.5,2\n1,2,3\n", "f.csv, line 1 (row 1), column 1: the cell is empty (if this line is a header, say"),
    ("1,2#3\n3,4\n", "f.csv, line 1 (row 1), column 2: '2#3' is not a number"),
    ("1,2\n# 5,6\n3,4\n", "f.csv, line 2 (row 2), column 1: '# 5' is not a number"),
    ("# 5,6\n1,2\n3,4\n", "f.csv, line 1 (row 1), column 1: '# 5' is not a number"),
    ("#5\n1\n3\n", "f.csv, line 1 (row 1), column 1: '#5' is not a number"),
    ("1.0x\n3\n4\n", "f.csv, line 1: '1.0x' is neither words nor numbers: say header = yes, or no"),
    ("NA,NA\n1,2\n3,4\n", "f.csv, line 1 (row 1), column 1: 'NA' is not a number"),
    ("nan,nan\n1,2\n3,4\n", "f.csv, line 1 (row 1), column 1: 'nan' is not finite"),
    # row, column and its name
    ("age,income\n1,2\n3,4x\n", "f.csv, line 3 (row 2), column 2 (income): '4x' is not a number"),
    ('a,"in\ncome"\n1,2\n\n3,x\n', "f.csv, line 5 (row 2), column 2 (in come): 'x' is not a number"),
    ("a,b\n1,2\n3,\n", "f.csv, line 3 (row 2), column 2 (b): the cell is empty"),
    ("a,b\n1,2\n3\n", "f.csv, line 3 (row 2) has 1 cell, but the first line has 2"),
    ("a,b\n1,2\n3,1,234\n", "f.csv, line 3 (row 2) has 3 cells, but the first line has 2; a decimal comma needs"),
    ("a\n1\n\n3\n", "f.csv, line 3 (row 2), column 1 (a): the cell is empty"),
    ("a,b\n1,2\n3,inf\n", "f.csv, line 3 (row 2), column 2 (b): 'inf' is not finite"),
    ("a,b\n1,2\n3,-1e999\n", "f.csv, line 3 (row 2), column 2 (b): '-1e999' is beyond what float64 holds"),
    ("a,b\n1,2\n3,1_0\n", "f.csv, line 3 (row 2), column 2 (b): '1_0' is not a number"),
    ("a,b\n1,2\n3,0x10\n", "f.csv, line 3 (row 2), column 2 (b): '0x10' is not a number"),
    ("a;b\n1;2\n1.000,5;4\n", "line 3 (row 2), column 1 (a): '1.000,5' is not a number with a decimal point"),
    ("a;b\n1,5;2\n1.5;4\n", "f.csv, line 3 (row 2), column 1 (a): '1.5' is not a number with a decimal comma"),
    ('a,b\n1,2\n"1,234",4\n', "f.csv, line 3 (row 2), column 1 (a): '1,234' is not a number with a decimal point"),
    ("when,b\n2020-01-01,2\n2020-01-02,4\n", "f.csv, line 2 (row 1), column 1 (when): '2020-01-01' is not a number"),
    ("1,2\n3,4\x1a", "f.csv, line 2 (row 2), column 2: '4\\x1a' is not a number"),
    ('a,"b\n1,2\n3,4\n', "f.csv, line 1: unexpected end of data (of a quoted cell that begins there)"),
    ('a,b\n1,"2"3\n3,4\n', "f.csv, line 2: ',' expected after '\"' (of a quoted cell that begins there)"),
    ("1 000\n2 000\n", "f.csv: blanks separate columns, or thousands?"),
    ("", "f.csv has no rows"), (" \n\n", "f.csv has no rows"), ("a,b\n", "f.csv has a header and no rows"),
    ("a,b\n1,2\n", "f.csv must have 2 rows at least, got 1"),
    ("a,b\n1,2\n".encode("utf-16"), "f.csv is UTF-16 text, or none at all: save it as UTF-8"),
    ("a,b\nx,2\né,2\n".encode("latin-1"), "f.csv, line 3: byte 0xe9 is not UTF-8 text: save it as UTF-8"),
    (b"\x1f\x8b broken", "f.csv cannot be read: "),
])
def test_what_is_no_table_is_refused_with_its_place(read, content: str | bytes, error: str) -> None:
    with pytest.raises(ValueError, match=re.escape(error)):
        read(content)


def test_a_blank_line_in_the_middle_is_told(read) -> None:
    table = read("a,b\n1,2\n\n \n3,5\n\n")
    assert table.values.tolist() == [[1, 2], [3, 5]]
    assert table.notes[1] == "blank lines left out: 2, the first is line 3"


def test_a_comma_that_may_be_of_thousands_is_told(read) -> None:
    assert "every decimal comma has three digits behind it" in read("1,234;5\n2,345;6\n").notes[1]
    assert len(read("1,234;5\n2,34;7\n").notes) == 1


def test_a_long_whole_number_is_told(read) -> None:
    assert "f.csv, line 2 (row 1), column 2 (id): 12345678901234567891 becomes 12345678901234567168" in read(
        "a,id\n1,12345678901234567891\n2,3\n").notes[1]
    assert len(read("a,id\n1,9007199254740992\n2,3\n").notes) == 1, "2⁵³ is exact"


def test_a_tsv_without_tabs(read) -> None:
    assert read("1.5\n2\n", "f.tsv").values.tolist() == [[1.5], [2]]
    with pytest.raises(ValueError, match=r"f\.tsv has no tabs, but ',': call it \.csv if"):
        read("1,5\n2,5\n", "f.tsv")


@pytest.mark.parametrize(("content", "name"), [
    (saved(np.array(X)), "f.npy"), (saved(x=np.array(X)), "f.npz"),
    (gzip.compress(saved(np.array(X)), mtime=0), "F.NPY.GZ")])
def test_arrays_of_numpy(read, content: bytes, name: str) -> None:
    table = read(content, name)
    assert table.values.tolist() == X and table.notes == (f"{name}: 2 rows, 2 columns",)


@pytest.mark.parametrize(("content", "name", "error"), [
    (saved(x=np.ones(3), y=np.ones(3)), "f.npz", "f.npz does not hold a table of numbers: it must hold one array, but "
                                                 "holds x, y"),
    (saved(np.array([[{}, 1]], dtype=object)), "f.npy", "it holds Python objects, which are not unpickled"),
    (saved(np.array([[1, np.nan], [2, 3]])), "f.npy", "f.npy, row 1, column 2: all must be finite in float64, but"),
    (saved(np.ones(3)), "f.npy", "f.npy must have shape (n, d): n points in d columns, got ndarray of shape (3,)"),
    (saved(np.ones((3, 2)))[:-8], "f.npy", "f.npy does not hold a table of numbers: "),
    (b"1,2\n", "f.npy", "f.npy is not a file of NumPy's: it begins with b'1,2\\n'"),
    (b"PK\x03\x04 broken", "f.npz", "f.npz does not hold a table of numbers: "),
    (b"", "f.npy", "f.npy is not a file of NumPy's"),
    (b"", "f.xlsx", "f.xlsx: files of the ending .xlsx are not read, but .csv, .tsv, .txt, .dat, .npy, .npz"),
])
def test_arrays_that_are_no_table(read, content: bytes, name: str, error: str) -> None:
    with pytest.raises(ValueError, match=re.escape(error)):
        read(content, name)


def test_files_that_are_not_there(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"no such data file: nowhere\.csv"):
        read_table("nowhere.csv")
    with pytest.raises(ValueError, match="is a folder: name a file in it"):
        read_table(tmp_path)
    with pytest.raises(ValueError, match="header must be one of auto, yes, no, got 'maybe'"):
        read_table("nowhere.csv", "maybe")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1.5,2\n3,4\n")))
    table = read_table("-")
    assert table.values.tolist() == X and table.notes[0].startswith("standard input: 2 rows, 2 columns (a, b)")


def test_what_names_a_file() -> None:
    files = ["-", "a.csv", "A.CSV", "a.csv.gz", "./x", "x/y", r"x\y", "my.xlsx", Path("ring8")]
    assert all(map(is_file_name, files)) and not any(map(is_file_name, ["ring8", "swiss-roll", "r.5", "fgan(0.5)"]))


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NAMES = (st.text(st.characters(exclude_categories="CZ")) | st.text(st.sampled_from('ab"; ,\t\n'))).map("n".__add__)


@st.composite
def texts(draw):
    """A table and a text of it, in any dialect."""
    d = draw(st.integers(1, 4))
    x = draw(st.lists(st.lists(FLOATS, min_size=d, max_size=d), min_size=2, max_size=8))
    names = draw(st.none() | st.lists(NAMES, min_size=d, max_size=d, unique_by=lambda name: " ".join(name.split())))
    separator, ending = draw(st.sampled_from([",", ";", "\t"])), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    mark = "," if separator != "," and d > 1 and draw(st.booleans()) else "."
    quote = draw(st.sampled_from(["", '"']))

    def cell(v: float) -> str:
        written = draw(st.sampled_from([repr(v), f"{v:.17g}", f"{v:+.17e}", f" {v:.18G} "]))
        return quote + written.replace(".", mark) + quote

    lines = [separator.join(map(cell, row)) for row in x]
    if names:
        lines.insert(0, separator.join('"' + name.replace('"', '""') + '"' for name in names))
    text = draw(st.sampled_from(["", "\ufeff"])) + ending.join(lines) + ending * draw(st.integers(0, 3))
    raw = gzip.compress(text.encode(), mtime=0) if draw(st.booleans()) else text.encode()
    return x, names, raw, ".tsv" if separator == "\t" else ".csv"


@given(written=texts())
def test_whatever_the_dialect_the_numbers_come_back_exactly(tmp_path_factory, written) -> None:
    x, names, raw, ending = written
    path = tmp_path_factory.getbasetemp() / f"dialect{ending}"
    path.write_bytes(raw)
    table = read_table(path)
    assert table.values.tolist() == x
    assert table.names == (tuple(" ".join(name.split()) for name in names) if names else None)


CELLS = st.text(st.sampled_from("0123456789+-.,e xn_#'\";\t\n"), max_size=30)


@given(text=CELLS)
def test_any_text_is_read_as_what_it_says_or_refused(tmp_path_factory, text: str) -> None:
    """Every digit of the text is in a number or in a name: none is lost."""
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(text)
    try:
        table = read_table(path)
    except ValueError:
        return
    cells = [cell for cell in re.split("[,;\t\n ]", text.replace('"', "")) if cell]
    assert np.isfinite(table.values).all()
    assert table.names or len(cells) >= table.values.size


@pytest.mark.slow("reads a million rows, in seconds")
def test_a_million_rows(read) -> None:
    x = np.random.default_rng(0).normal(size=(10**6, 2))
    content = "\n".join(f"{a!r},{b!r}" for a, b in x.tolist())
    began = time.perf_counter()
    assert (read(content).values == x).all()
    assert time.perf_counter() - began < 30
