"""``run(name)``: what a demo found. It runs once, in a folder of its own, and must leave its picture there."""

import inspect
import re
import runpy
from functools import cache
from pathlib import Path

import pytest

DEMOS = Path(__file__).parents[2] / "demos"
# One and a half to nine seconds each: they train. With what is said of them, they wait for pytest --all.
SLOW = {"clipping_and_penalty", "comparison", "ebgan_energy", "historical_averaging", "imle", "lsgan_pull",
        "mode_collapse", "vanishing_gradient"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == Path(__file__).parent and demos_of(item) & SLOW:
            item.add_marker(pytest.mark.slow(f"demos that train: {', '.join(sorted(SLOW))}"))


def demos_of(item):
    """The names of the demos that a test runs, in its source or its parameters."""
    given = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return {*re.findall(r'"(\w+)"', inspect.getsource(item.function)), *(x for x in given if isinstance(x, str))}


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
