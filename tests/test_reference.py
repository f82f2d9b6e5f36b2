"""The doors for users: docs/reference.md is what the package says of its public names; one version."""

import re
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import minigan

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))
import reference  # noqa: E402

sys.path.remove(str(ROOT / "docs" / "_ext"))

WINGS = sorted(".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "minigan").rglob("__init__.py"))
HIDDEN = ("minigan.cli", "minigan.autodiff.replay")  # a command, and a room whose names its wing shows


def test_the_page_is_what_the_package_says() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "python docs/_ext/reference.py writes it"


def test_every_wing_is_on_it() -> None:
    rooms = {wing for wing in WINGS if wing.startswith("minigan.claims.")}  # one door for all the chapters
    assert {*reference.WINGS} == {*WINGS} - {*HIDDEN} - rooms


@pytest.mark.parametrize("wing", reference.WINGS)
def test_every_public_name_says_what_it_is(wing: str) -> None:
    silent = [name for name, text in reference.public(wing) if not text]
    assert not silent, f"{wing}: no first line of a docstring, and no comment at the assignment, says what these are"
    assert import_module(wing).__all__ and (import_module(wing).__doc__ or "").strip()


def test_the_version_stands_in_one_place() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in settings["project"]["dynamic"] and "version" not in settings["project"]
    source = ROOT / settings["tool"]["hatch"]["version"]["path"]
    assert re.findall(r'^__version__ = "(.+?)"', source.read_text(encoding="utf-8"), re.M) == [minigan.__version__]


def test_the_changelog_tells_of_this_version() -> None:
    text = (ROOT / "docs" / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", text, re.M)[:2] == ["Unreleased", minigan.__version__]
