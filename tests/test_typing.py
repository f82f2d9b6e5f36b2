"""A user's type checker sees the package's types: what is right passes, what is wrong is an error."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = """\
import numpy as np
import minigan
from minigan.autodiff import Tensor, grad
from minigan.gans import Recipe, recipe
from minigan.theory import divergence, family

reveal_type(minigan.GAN("gan").sample(3))  # numpy.ndarray[
reveal_type(minigan.GAN("gan").fit("ring8"))  # minigan.lab.estimator.GAN
reveal_type(recipe("gan"))  # minigan.gans.recipes.Recipe
reveal_type(grad(Tensor(1.0), [Tensor(1.0)]))  # list[minigan.autodiff.tensor.Tensor]
reveal_type(divergence(family.KL, np.ones(1), np.ones(1)))  # float
reveal_type(minigan.__version__)  # str

minigan.GAN("gan").sample("three")  # error [arg-type]
minigan.GAN(3)  # error [arg-type]
minigan.GAN("gan").samples(3)  # error [attr-defined]
Recipe("mine")  # error [call-arg]
divergence("kl", np.ones(1), np.ones(1))  # error [arg-type]
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> dict[int, str]:
    """What mypy says of the program, by line, the package found as an installed one is."""
    pytest.importorskip("mypy", reason="mypy is not installed: pip install 'minigan[test]'")
    folder = tmp_path_factory.mktemp("user")
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "MYPYPATH"} | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-m", "mypy", "--config-file=", "program.py"], cwd=folder,
                         env=environment, capture_output=True, text=True, check=False)
    lines = re.findall(r"^program\.py:(\d+): (.*)$", run.stdout, re.M)
    assert lines, run.stdout + run.stderr
    return {int(line): text for line, text in lines}


@pytest.mark.parametrize(("line", "expected"), [
    (n, line.partition("  # ")[2]) for n, line in enumerate(PROGRAM.splitlines(), 1) if "  # " in line])
def test_a_users_type_checker(line: int, expected: str, said: dict[int, str]) -> None:
    kind, _, code = expected.partition(" ")
    if kind == "error":
        assert said[line].startswith("error: ") and said[line].endswith(code)
    else:
        assert said[line].startswith("note: Revealed type is ") and expected in said[line]
