"""docs/arrays.md: its example of a library to add is one that trains."""

import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from minigan import arrays
from tests.gans.tiny import training

PAGE = (Path(__file__).parents[2] / "docs" / "arrays.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"```python\n(import mylib\n.*?)```", PAGE, re.DOTALL)[1]


class Array(np.ndarray):
    """An array of mylib's, which is NumPy but for a few names."""

    def to_numpy(self):
        return self.view(np.ndarray)


Array.__module__ = "mylib"


def an_array_of_mylib(function):
    """NumPy's functions that forget the subclass, reminded."""
    return lambda *args, **kwargs: np.asanyarray(function(*args, **kwargs)).view(Array)


@pytest.fixture
def mylib(monkeypatch):
    mylib = ModuleType("mylib")
    for name in dir(np):
        if not name.startswith("_") and name not in ("concatenate", "greater"):
            setattr(mylib, name, getattr(np, name))
    for name in ("asarray", "array", "zeros", "ones", "empty", "broadcast_to", "where", "expm1"):
        setattr(mylib, name, an_array_of_mylib(getattr(np, name)))
    mylib.concat, mylib.greater = an_array_of_mylib(np.concatenate), lambda a, b: np.greater(a, b)
    mylib.device_name, mylib.generator = lambda: "this one", np.random.default_rng
    monkeypatch.setitem(sys.modules, "mylib", mylib)
    for table in (arrays.LIBRARIES, arrays.DEVICES):
        for key in ("mylib", "mine"):
            monkeypatch.setitem(table, key, None)
            monkeypatch.delitem(table, key)
    return mylib


@pytest.mark.parametrize("device_rng", [False, True])
def test_the_example_adds_a_library(mylib, device_rng):
    with pytest.raises(arrays.DeviceError, match="unknown device 'mine'"):
        arrays.library("mine")
    exec(EXAMPLE, {})
    run = training("wgan-gp", device="mine", device_rng=device_rng)
    on_numpy = training("wgan-gp")
    for _ in range(2):
        run.iterate()
        on_numpy.iterate()
    assert all(type(x) is Array for x in run.state.values())
    same = all((arrays.to_host(run.state[name]) == x).all() for name, x in on_numpy.state.items())
    assert same is not device_rng
    assert arrays.facts(run.xp) == {"device": "this one"}
