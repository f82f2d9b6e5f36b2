"""Each property of what keeps a state is broken by some mistake in these tests: its name stands there."""

import ast
from pathlib import Path

import pytest

from minigan.testing import averages, normalization, optimizers, steps
from tests.testing import test_norms, test_optimizers, test_steps

TESTS = [test_norms, test_optimizers, test_steps]
UNBROKEN = {"each rate", "buffers of others", "order", "equal samples", "samples far apart"}  # told by their words


def constants(module):
    return {node.value for node in ast.walk(tree(module)) if isinstance(node, ast.Constant)}


def tree(module):
    return ast.parse(Path(module.__file__).read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", [averages, normalization, optimizers, steps], ids=lambda module: module.__name__)
def test_every_property_is_broken_by_some_mistake(module) -> None:
    rows = [node for node in ast.walk(tree(module)) if isinstance(node, ast.Call)
            and getattr(node.func, "id", "") in ("Property", "row") and isinstance(node.args[0], ast.Constant)]
    names = {row.args[0].value for row in rows} - UNBROKEN
    caught = set().union(*map(constants, TESTS), {"batch-mates do not matter", "the reference matters", "shift"})
    assert names and names <= caught, names - caught
