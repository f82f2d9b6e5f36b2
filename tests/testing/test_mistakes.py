"""Every known mistake is rejected, and by the property that says what is wrong."""

import ast
from pathlib import Path

import pytest

from minigan.testing import PropertyError, critics, divergences, losses, norms, penalties, samplers, terms
from tests.selection import slow_but
from tests.testing.mistakes import ROWS

# The first of each family is tried in the quick suite too
FIRST = {family: mistake for family, mistake, *_ in reversed(ROWS)}


@pytest.mark.parametrize(("mistake", "family", "property", "call"), slow_but(
    FIRST.values(), [(mistake, family, *rest) for family, mistake, *rest in ROWS],
    "mistakes that minigan.testing must catch"), ids=[row[1] for row in ROWS])
def test_is_caught(mistake, family, property, call, record_property) -> None:
    with pytest.raises(PropertyError) as error:
        call()
    assert error.value.property in (property if isinstance(property, tuple) else (property,)), str(error.value)
    assert "raised" not in error.value.found, f"caught by accident: {error.value}"
    record_property("mistake", (family, mistake, error.value.property))


def test_no_mistake_has_the_name_of_another() -> None:
    assert len({row[1] for row in ROWS}) == len(ROWS)


def test_every_property_catches_something() -> None:
    """The names of the rows, read off the source: a property that no mistake can break checks nothing."""
    modules = (critics, divergences, losses, norms, penalties, samplers, terms)
    names = {name for module in modules for name in named(module)}
    expected = [row[2] for row in ROWS]
    flat = {name for entry in expected for name in (entry if isinstance(entry, tuple) else (entry,))}
    debatable = {"the best critic is not sure"}  # warns: test_losses.py
    assert names - debatable <= flat, names - debatable - flat
    assert len(names) > 40


def named(module):
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        a_row = isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Property", "law")
        debatable = a_row and any(keyword.arg == "debatable" for keyword in node.keywords)
        if a_row and not debatable and isinstance(node.args[0], ast.Constant):
            yield node.args[0].value
