"""The table of distances beside other libraries, at tiny sizes: that all compute the same. No test looks at a time."""

from importlib.util import find_spec

import numpy as np
import pytest

from tests.benchmarks import theory

TINY = {"entries": 30, "points": 6, "samples": 7}
# what of ours the others answer with
COMPARED = {"sinkhorn": lambda t: t.plan, "emd, equal weights": lambda t: t.plan, "emd, any weights": lambda t: t.value}


@pytest.mark.parametrize("row", theory.ROWS, ids=lambda row: row.what)
def test_they_compute_the_same(row) -> None:
    arrays = row.arrays(np.random.default_rng(0), TINY)
    ours = row.ours(arrays)
    ours = next((f(ours) for start, f in COMPARED.items() if row.what.startswith(start)), ours)
    for label, call in row.theirs.items():
        if not find_spec(label.partition(":")[0]):
            continue
        theirs = call(arrays)
        if label.endswith("linear_sum_assignment"):  # the routes
            theirs = np.eye(len(ours))[theirs[1]] / len(ours)
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


def test_every_row_has_its_lines_and_who_is_missing_is_said() -> None:
    missing = theory.Row("kl", theory.ROWS[0].arrays, theory.ROWS[0].ours, {"no_such_library: f": print})
    lines = theory.table(True, [theory.ROWS[0], missing], TINY)
    assert [line[0] for line in lines] == ["kl", "kl"] and lines[1][3] == "not installed"
    assert float(lines[0][1]) > 0 and "to" in lines[0][4] and lines[0][5] == "1.3"
