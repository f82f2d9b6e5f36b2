"""Arrays, lists and frames of a stranger become points, or an error says where they are no numbers."""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from minigan.lab.describe import describe, distinct_names, doubts
from minigan.lab.table import Table, as_table, same_columns

X = [[1.5, 2.0], [0.0, 1.0]]


class Column(np.lib.mixins.NDArrayOperatorsMixin):
    """A column of a frame, as pandas has them."""

    def __init__(self, values: Any, missing: Any = (), dtype: str = "", name: Any = None):
        self.values, self.missing, self.dtype, self.name = np.asarray(values), missing, dtype, name

    def isna(self) -> np.ndarray:
        return np.isin(np.arange(len(self.values)), self.missing)

    def to_numpy(self) -> np.ndarray:
        return self.values


@dataclass
class Pandas:
    """A frame: pairs, for a name may stand twice."""

    pairs: list[tuple[Any, Column]]
    iloc: None = None

    @property
    def columns(self) -> list[Any]:
        return [name for name, _ in self.pairs]

    def items(self) -> list[tuple[Any, Column]]:
        return self.pairs


@dataclass
class Polars:
    columns: list[str]
    held: list[Column]

    def get_columns(self) -> list[Column]:
        return self.held


def frame(**columns: Any) -> Pandas:
    return Pandas([(name, x if isinstance(x, Column) else Column(x)) for name, x in columns.items()])


class Metres(np.ndarray):
    """Numbers with a unit."""


@pytest.mark.parametrize("x", [
    X, tuple(map(tuple, X)), np.array(X), np.array(X, np.float16), np.array(X, np.longdouble), np.array(X, object),
    np.asfortranarray(X), np.ma.array(X), np.array(X)[::-1][::-1], [np.array(row) for row in X],
    [[Decimal("1.5"), Fraction(2)], [False, True]], [[np.float32(1.5), np.int8(2)], [np.bool_(False), 1]],
])
def test_numbers_of_every_kind(x: Any) -> None:
    table = as_table(x)
    assert table.values.tolist() == X and table.values.dtype == np.float64
    assert (table.names, table.notes, table.labels) == (None, (), None)


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.uint64])
def test_booleans_and_whole_numbers(dtype: Any) -> None:
    assert as_table(np.array([[0, 1], [1, 0]], dtype)).values.tolist() == [[0, 1], [1, 0]]


def test_the_table_is_a_copy_and_a_table_is_itself() -> None:
    x = np.array(X)
    table = as_table(x)
    x[:] = 7
    assert table.values.tolist() == X and as_table(table) is table


@pytest.mark.parametrize("x", [
    {"a": [1.5, 0], "b": [2, 1]}, frame(a=[1.5, 0], b=[2, 1]), Polars(["a", "b"], [Column([1.5, 0]), Column([2, 1])]),
    np.array([(1.5, 2), (0, 1)], [("a", float), ("b", int)]), np.rec.array([(1.5, 2), (0, 1)], names="a,b"),
    frame(a=np.array([1.5, 0], object), b=[np.int8(2), np.int8(1)]),
])
def test_columns_with_names(x: Any) -> None:
    assert as_table(x).values.tolist() == X and as_table(x).names == ("a", "b")


def test_names_of_a_frame() -> None:
    one, two = Column([1, 3]), Column([2.5, 4])
    assert as_table(Pandas([(0, one), (1, two)])).names is None, "pandas numbers columns without names"
    assert as_table(Pandas([(2020, one), (2021, two)])).names == ("2020", "2021")
    assert as_table(Pandas([(("a", 1), one), (("a", 2), two)])).names == ("a.1", "a.2")
    twice = as_table(Pandas([("a", one), ("a", two)]))
    assert twice.names == ("a", "a.2") and twice.notes == ("a name that stands twice: column 2 is called a.2",)
    assert as_table(Column([1, 2], name="q")).values.tolist() == [[1], [2]]
    assert as_table(Column([1, 2], name="q")).names == ("q",) and as_table(Column([1, 2])).names is None


@pytest.mark.parametrize(("names", "expected"), [
    (["a", "a", "a"], ("a", "a.2", "a.3")), (["a", "a", "a.2"], ("a", "a.3", "a.2")),
    ([" a  b\n", ""], ("a b", "column 2")),
    (["column 2", ""], ("column 2", "column 3")), (["", "column 1"], ("column 2", "column 1")),
])
def test_each_name_once(names: list[str], expected: tuple[str, ...]) -> None:
    assert distinct_names(names)[0] == expected and len(distinct_names(names)[1]) == 1


@pytest.mark.parametrize(("x", "error"), [
    ([1, 2, 3], "got list of shape (3,); x.reshape(-1, 1) has 3 points in one column, x.reshape(1, -1) one point"),
    (np.zeros((2, 3, 4)), "must have shape (n, d): n points in d columns, got ndarray of shape (2, 3, 4); "
                          "x.reshape(len(x), -1) has a row for each"),
    (5, "got int of shape ()"), ("abc", "got str of shape ()"), (None, "got NoneType of shape ()"),
    ({1, 2}, "got set of shape ()"),
    (np.zeros((3, 0)), "0 feature(s) (shape=(3, 0)) while a minimum of 1 is required"), ({}, "0 feature(s)"),
    (np.zeros((1, 3)), "the data must have 2 points at least, got 1 sample"),
    (np.zeros((0, 3)), "the data must have 2 points at least, got 0 samples"),
    ([[1, 2], [3]], "the data (list) is no array of numbers: its rows have 1, 2 entries"),
    ([[1, 2], [3, np.nan]], "the data, row 2, column 2: all must be finite in float64, but this is NaN (1 such entry)"),
    (np.array([[1, np.inf], [-np.inf, 2]], "f4"), "row 1, column 2: all must be finite in float64, but this is inf (2"),
    (np.array([[1, np.longdouble("1e4000")], [1, 2]]), "column 2: all must be finite in float64, but this is 1e+4000"),
    ([[1, 10**400], [1, 2]], "row 1, column 2: all must be finite in float64, but this is 1000"),
    ([[1, "2"], [3, 4]], "the data, row 1, column 2: '2' is not a number"),
    ([[1, None], [3, 4]], "the data, row 1, column 2: a value is missing"),
    ([[1, {"a": 1}], [3, 4]], "the data, row 1, column 2: {'a': 1} is not a number"),
    ([["a", "b"], ["c", "d"]], "the data, row 1, column 1: 'a' is not a number"),
    (np.array([["a", "b"], ["c", "d"]]), "the data, row 1, column 1: 'a' is text, not a number"),
    (np.array([[b"a"], [b"b"]]), "is bytes, not a number"),
    (np.array([[1j], [2]]), "a complex number (Complex data not supported), not a number"),
    (np.array([["2020-01-01"], ["2021-01-01"]], "M8[D]"), "'2020-01-01' is a date, not a number"),
    (np.array([[1], [2]], "m8[D]"), "'1 days' is a span of time, not a number"),
    (np.ma.array(X, mask=[[0, 1], [0, 1]]), "the data has 2 masked entries: fill them, or leave out their rows"),
    (np.ma.array([(1, 2), (0, 1)], mask=[(0, 1), (0, 0)], dtype="f8,f8"), "the data has 1 masked entries"),
    ({"a": np.ma.array([1, 2], mask=[1, 0])}, "the data, column 1 (a) has 1 masked entries"),
    (scipy.sparse.csr_array(np.eye(3)), "the data is sparse (scipy csr_array): give it in full: x.toarray()"),
    (scipy.sparse.dok_array(np.eye(3)), "the data is sparse (scipy dok_array)"),
    (scipy.sparse.coo_matrix(np.eye(3)), "the data is sparse (scipy coo_matrix)"),
    (np.zeros((3, 2)).view(Metres), "Metres, which means more than its numbers: give np.asarray(x), in one unit"),
    (frame(age=[1, 2], income=Column([3, 4], missing=[1])), "row 2, column 2 (income): a value is missing (1 in this"),
    (frame(age=[1, 2], name=np.array(["a", "b"], object)), "the data, row 1, column 2 (name): 'a' is not a number"),
    (frame(when=np.array(["2020", "2021"], "M8[ns]")), "column 1 (when): '2020-01-01T00:00:00.000000000' is a date"),
    (frame(size=Column([1, 2], dtype="category")), "the data, column 1 (size) holds categories: give one column of"),
    (frame(age=[1, 2], income=[3, np.inf]), "the data, row 2, column 2 (income): all must be finite"),
    (frame(wait=np.array([1, 2], "m8[s]")), "column 1 (wait): '1 seconds' is a span of time"),
    ({"a": [1, 2], "b": [3, 4, 5]}, "the data must have columns of one length, got lengths 2, 3"),
    ({"a": [1, 2], "b": [3, "x"]}, "the data, row 2, column 2 (b): 'x' is not a number"),
    ({"a": [[1, 2], [3, 4]]}, "the data, column 1 (a) must be one column, got shape (2, 2)"),
])
def test_what_is_no_table_is_refused_with_its_place(x: Any, error: str) -> None:
    with pytest.raises(ValueError, match=re.escape(error)):
        as_table(x)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_a_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match="a numpy matrix, which means more than its numbers"):
        as_table(np.matrix(X))


@pytest.mark.parametrize(("x", "told"), [
    (np.array([[1, 2**53 + 1], [3, 4]]), "the data, row 1, column 2: 9007199254740993 becomes 9007199254740992"),
    (np.array([[1, 3], [2**64 - 1, 4]], np.uint64), "column 1: 18446744073709551615 becomes 18446744073709551616"),
    ([[1, 2**70 + 1], [3, 4]], "row 1, column 2: 1180591620717411303425 becomes 1180591620717411303424"),
    (frame(id=np.array([5, 2**53 + 1])), "the data, row 2, column 1 (id): 9007199254740993 becomes"),
])
def test_whole_numbers_that_float64_does_not_hold_are_told(x: Any, told: str) -> None:
    assert told in as_table(x).notes[0]


@pytest.mark.parametrize("x", [[[2**53, 1], [2, 3]], np.array([[-(2**63)], [1]]), [[2**70, 2], [1.5, 2]]])
def test_whole_numbers_that_it_holds_are_not(x: Any) -> None:
    assert as_table(x).notes == ()


# What looks odd
NORMAL = np.random.default_rng(0).normal(size=(2000, 2))


def test_an_outlier_is_told_with_its_column_and_ratio() -> None:
    x = NORMAL.copy()
    x[7, 1] = 1e6
    ratio = np.ptp(x[:, 1]) / np.subtract(*np.percentile(x[:, 1], [75, 25]))
    for factor in (1, 1e302, 1e-300):  # whose range is beyond float64, or which are near its end
        (doubt,) = as_table(x * factor).doubts
        assert doubt.startswith(f"column 2 has a range of {ratio:.3g} times its interquartile range")
    assert "has a range of inf times" in doubts(np.array([[-1.0], [0], [1e-310], [2e-310], [1]]))[0]
    assert doubts(x, ("age", "income"))[0].startswith("column 2 (income) has a range of 7.")


@pytest.mark.parametrize("x", [
    NORMAL, np.exp(NORMAL), np.random.default_rng(0).exponential(size=(2000, 1)), NORMAL > 2, np.zeros((2, 1)),
    np.c_[NORMAL[:, 0], np.maximum(NORMAL[:, 1], 1)], np.arange(20)[:, None] + 3, [[0, 1], [1, 2], [2, 9]]])
def test_data_that_are_not_odd(x: Any) -> None:
    assert as_table(x).notes == as_table(x).doubts == ()


def test_far_entries_beside_many_zeros_are_told() -> None:
    x = np.abs(NORMAL[:, :1]) * (NORMAL[:, :1] > 1)
    x[3] = 1e6
    assert "column 1 has a range of" in as_table(x).doubts[0]


def test_constant_columns_indices_and_repeated_rows_are_told() -> None:
    rows = np.arange(2000.0)
    shuffled = np.random.default_rng(1).permutation(rows) + 1
    x, names = np.c_[rows, NORMAL[:, 0], shuffled, 0 * rows + 3.5], ("id", "x", "no", "size")
    assert describe(x, names) == ("constant: column 4 (size), 3.5: samples have exactly that",)
    assert doubts(x, names) == (
        "column 1 (id) counts 0 … 1999: is it an index? Leave it out, or it is learned like all else",
        "column 3 (no) counts 1 … 2000: is it an index? Leave it out, or it is learned like all else")
    assert describe(np.repeat(NORMAL[:20], 3, axis=0)) == ("40 of 60 rows repeat an earlier one",)
    assert describe(np.array([[0.0, 0.5], [-0.0, 0.5], [1, 0.5]]))[1] == "1 of 3 rows repeat an earlier one"


# The same columns again
def test_the_same_columns() -> None:
    assert same_columns([[1, 2]], ("a", "b"), 2).tolist() == [[1, 2]], "one point will do, and no names"
    assert same_columns(frame(a=[1, 2], b=[3, 4]), ("a", "b"), 2).tolist() == [[1, 3], [2, 4]]
    assert same_columns(frame(a=[1, 2], b=[3, 4]), None, 2).tolist() == [[1, 3], [2, 4]]
    assert same_columns(Table(np.eye(2)), ("a", "b"), 2).tolist() == np.eye(2).tolist()


@pytest.mark.parametrize(("x", "error"), [
    ([[1, 2, 3]], "X has 3 features, but GAN is expecting 2 features as input"),
    (frame(b=[1, 2], a=[3, 4]), "the columns of X are in another order than those that were learned from: got b, a; "
                                "expected a, b"),
    (frame(a=[1, 2], c=[3, 4]), "the columns of X are not those that were learned from: got a, c; expected a, b"),
    ([1, 2], "X must have shape (n, d)"),
])
def test_other_columns_are_refused(x: Any, error: str) -> None:
    with pytest.raises(ValueError, match=re.escape(error)):
        same_columns(x, ("a", "b"), 2)
