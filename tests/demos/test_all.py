"""Every demo runs and draws its picture, and a test compares what it found."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DEMOS = sorted(path.stem for path in (HERE.parents[1] / "demos").glob("*.py"))
ABOUT = "".join((HERE / f"test_{group}.py").read_text(encoding="utf-8") for group in ("distances", "game", "family"))


@pytest.mark.parametrize("name", DEMOS)
def test_it_runs_and_draws_and_is_compared(name, run):
    assert run(name)
    assert re.search(rf'"{name}"', ABOUT), f"no test looks at what {name} found"
