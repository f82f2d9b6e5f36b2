"""``run(name)``: what a demo found. It runs once, in a folder of its own, and must leave its picture there."""

import runpy
from functools import cache
from pathlib import Path

import pytest

DEMOS = Path(__file__).parents[2] / "demos"


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    import matplotlib.pyplot as pyplot

    @cache
    def found(name):
        folder = tmp_path_factory.mktemp(name)
        with pytest.MonkeyPatch.context() as patch, pyplot.rc_context():  # a demo's style stays its own
            patch.chdir(folder)
            patch.setenv("MPLBACKEND", "Agg")
            patch.setattr("sys.argv", [f"{name}.py"])
            pyplot.switch_backend("agg")
            names = runpy.run_path(str(DEMOS / f"{name}.py"), run_name="__main__")
        pyplot.close("all")
        picture = (folder / f"{name}.png").read_bytes()
        assert picture.startswith(b"\x89PNG") and len(picture) > 20_000
        return names["found"]

    return found
