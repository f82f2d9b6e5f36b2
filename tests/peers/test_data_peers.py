"""A user's data as the libraries that hold them give them: pandas, Polars, PyTorch, JAX."""

import io
import re
from typing import Any

import numpy as np
import pytest

from minigan.lab.read import read_table
from minigan.lab.table import as_table

X = np.random.default_rng(0).normal(size=(30, 2))


# pandas
@pytest.fixture
def pd() -> Any:
    return pytest.importorskip("pandas", reason="a peer: pip install 'minigan[peers]'")


def test_a_frame_of_mixed_numbers(pd: Any) -> None:
    frame = pd.DataFrame({
        "whole": pd.array([1, 2, 3], dtype="Int64"), "flag": [True, False, True], "float": [0.5, 1, 2],
        "maybe": pd.array([True, False, False], dtype="boolean"), "small": np.float32([1, 2, 4]),
        "real": pd.array([1.5, 2, 3], dtype="Float64"), "thin": pd.arrays.SparseArray([0, 1.0, 0]),
        "objects": pd.Series([1, 2.5, True], dtype=object)})
    table = as_table(frame)
    assert table.names == tuple(frame.columns)
    np.testing.assert_array_equal(table.values.T, [
        [1, 2, 3], [1, 0, 1], [0.5, 1, 2], [1, 0, 0], [1, 2, 4], [1.5, 2, 3], [0, 1, 0], [1, 2.5, 1]])
    assert as_table(pd.DataFrame(X)).names is None
    assert as_table(pd.Series([1, 2], name="q")).names == ("q",)
    np.testing.assert_array_equal(as_table(frame.iloc[::-1]).values, table.values[::-1])
    twice = as_table(pd.DataFrame([[1, 2], [3, 5]], columns=["a", "a"]))
    assert twice.names == ("a", "a.2") and twice.values.tolist() == [[1, 2], [3, 5]]


@pytest.mark.parametrize(("column", "error"), [
    (lambda pd: pd.array([1, None], dtype="Int64"), "row 2, column 2 (odd): a value is missing (1 in this column)"),
    (lambda pd: [1, np.nan], "row 2, column 2 (odd): a value is missing"),
    (lambda pd: ["x", "y"], "row 1, column 2 (odd): 'x' is not a number"),
    (lambda pd: pd.array(["x", "y"], dtype="string"), "row 1, column 2 (odd): 'x' is not a number"),
    (lambda pd: pd.Series([1, "1 000"], dtype=object), "row 2, column 2 (odd): '1 000' is not a number"),
    (lambda pd: pd.Categorical([1, 2]), "column 2 (odd) holds categories"),
    (lambda pd: pd.to_datetime(["2020", "2021"]), "column 2 (odd): '2020-01-01"),
    (lambda pd: pd.to_datetime(["2020", "2021"]).tz_localize("UTC"), "column 2 (odd): Timestamp('2020-01-01"),
    (lambda pd: pd.to_timedelta([1, 2]), "is a span of time, not a number"),
    (lambda pd: pd.period_range("2020", periods=2, freq="D"), "column 2 (odd): Period('2020-01-01'"),
    (lambda pd: [1j, 2], "column 2 (odd): '1j' is a complex number"),
])
def test_columns_that_are_no_numbers(pd: Any, column: Any, error: str) -> None:
    with pytest.raises(ValueError, match=re.escape(error)):
        as_table(pd.DataFrame({"fine": [1, 2], "odd": column(pd)}))


@pytest.mark.parametrize(("options", "header", "start"), [
    ({"index": False}, "auto", 0), ({}, "auto", 1), ({"index": False, "sep": ";", "decimal": ","}, "auto", 0),
    ({"index": False, "sep": "\t"}, "auto", 0), ({"index": False, "header": False}, "auto", 0),
    ({"index": False, "encoding": "utf-8-sig", "quoting": 1, "compression": "gzip"}, "auto", 0),
    ({"index": False, "sep": " "}, "auto", 0)])
def test_files_that_pandas_writes(pd: Any, tmp_path, options: dict[str, Any], header: str, start: int) -> None:
    path = tmp_path / "f.csv"
    pd.DataFrame(X, columns=["age", "größe"]).to_csv(path, **options)
    table = read_table(path, header)
    np.testing.assert_array_equal(table.values[:, start:], X)
    assert table.names == (None if options.get("header") is False else ("column 1",) * start + ("age", "größe"))
    assert ("is it an index?" in " ".join(table.doubts)) == (start == 1)


def test_a_file_of_a_frame_without_names(pd: Any, tmp_path) -> None:
    path = tmp_path / "f.csv"
    pd.DataFrame(X).to_csv(path, index=False)
    assert "the first line (0, 1) was taken for numbers" in read_table(path).notes[1]
    table = read_table(path, "yes")
    np.testing.assert_array_equal(table.values, X)
    assert table.names == ("0", "1")
    back = pd.read_csv(io.StringIO(path.read_text()))
    np.testing.assert_array_equal(back.to_numpy(), table.values)


# Polars
def test_a_frame_of_polars() -> None:
    pl = pytest.importorskip("polars", reason="a peer: pip install 'minigan[peers]'")
    table = as_table(pl.DataFrame({"a": [1, 3], "b": [True, False]}))
    assert table.values.tolist() == [[1, 1], [3, 0]] and table.names == ("a", "b")
    assert as_table(pl.Series("a", [1, 3])).names == ("a",)
    for column, error in [([1, None], "row 2, column 1 (a): a value is missing"), (["x", "y"], "'x' is not a number"),
                          (pl.Series(["x", "y"], dtype=pl.Categorical), "'x' is not a number"),
                          (pl.Series([1, 2]).cast(pl.Date), "'1970-01-02' is a date")]:
        with pytest.raises(ValueError, match=re.escape(error)):
            as_table(pl.DataFrame({"a": column}))


# Tensors
def test_tensors_of_torch() -> None:
    torch = pytest.importorskip("torch", reason="a peer: pip install 'minigan[peers]'")
    x = [[1.5, 2.0], [3.0, 5.0]]
    for options in ({}, {"dtype": torch.bfloat16}, {"dtype": torch.float16}, {"requires_grad": True}):
        assert as_table(torch.tensor(x, **options)).values.tolist() == x
    assert as_table(torch.tensor(x) > 2).values.tolist() == [[0, 0], [1, 1]]
    assert "9007199254740993 becomes" in as_table(torch.tensor([[2**53 + 1], [1]])).notes[0], "not through float64"
    for odd, error in [(torch.tensor(x).to_sparse(), "is sparse (torch Tensor)"),
                       (torch.tensor([[1j]]), "complex number"),
                       (torch.ones(3), "x.reshape(-1, 1)"), (torch.tensor([[1, torch.nan]]), "row 1, column 2")]:
        with pytest.raises(ValueError, match=re.escape(error)):
            as_table(odd)


def test_arrays_of_jax() -> None:
    jnp = pytest.importorskip("jax.numpy", reason="a peer: pip install 'minigan[peers]'")
    x = [[1.5, 2.0], [3.0, 5.0]]
    for dtype in (jnp.float32, jnp.bfloat16, jnp.float16):
        assert as_table(jnp.array(x, dtype)).values.tolist() == x
    with pytest.raises(ValueError, match="row 1, column 2"):
        as_table(jnp.array([[1, jnp.nan]]))
