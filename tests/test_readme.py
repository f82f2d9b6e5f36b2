"""What the README shows works as shown, and so do the examples in docstrings."""

import doctest
import re
from pathlib import Path

import pytest

import minigan
from minigan.cli import main
from minigan.cli.listing import page
from minigan.gans import LOSSES, RECIPES
from minigan.testing import PropertyError
from minigan.theory import DIVERGENCES

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def python_blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.S)


GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")


def test_the_python_examples_run(short_measurements, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--steps", "20", "--evaluations", "1"]) == 0  # the run that the examples load
    names: dict = {"__name__": "readme"}
    for block in [*python_blocks(TEXT), *python_blocks(GUIDE)]:
        promised = re.search(r"# PropertyError: .*", block, re.S)
        if promised is None:
            exec(compile(block, "README.md or docs/guide.md", "exec"), names)
            continue
        with pytest.raises(PropertyError) as error:
            exec(compile(block, "README.md or docs/guide.md", "exec"), names)
        shown = promised[0].replace("# PropertyError: ", "").replace("\n# ", "\n").strip()
        assert str(error.value).strip() == shown
    assert names["samples"].shape == names["new"].shape == (1000, 2) and names["dw"].shape == (4417,)


@pytest.mark.slow("examples of the pages that take seconds")
def test_a_system_of_your_own(short_measurements, tmp_path: Path, monkeypatch, capsys) -> None:
    """docs/own-recipe.md runs as it stands, and what it makes trains and is saved like any other."""
    monkeypatch.chdir(tmp_path)
    tables, names = (RECIPES, LOSSES, DIVERGENCES), {"__name__": "own"}
    known = [set(table) for table in tables]
    try:
        for block in python_blocks((ROOT / "docs" / "own-recipe.md").read_text(encoding="utf-8")):
            exec(compile(block, "own-recipe.md", "exec"), names)
        printed = capsys.readouterr().out
        assert "a gradient penalty needs each score to depend on its own sample" in printed
        assert "the f-GAN of f(u) = π u log u" in printed
        for name in ("hinge-r1", "expgan"):
            minigan.GAN(name, steps=20, evaluations=1).fit("ring8", folder=tmp_path / name)
            assert minigan.GAN.load(tmp_path / name).sample(5).shape == (5, 2)
    finally:
        for table, names_before in zip(tables, known, strict=True):
            for name in table.keys() - names_before:
                del table[name]


def test_every_recipe_is_named() -> None:
    """But for the f-GAN of a divergence that is new: the README says that there is one for each."""
    f_gans = {f"fgan-{name}" for name in DIVERGENCES}
    assert "one a row of `minigan.theory.DIVERGENCES`" in TEXT
    unnamed = [name for name in RECIPES if f"`{name}`" not in TEXT and name not in f_gans]
    assert not unnamed, f"README.md, the table of systems: a place for {', '.join(unnamed)}"
    assert set(re.findall(r"`(fgan-[^`]+)`", TEXT)) <= f_gans


def test_the_page_of_systems_is_the_table_of_recipes() -> None:
    same = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8") == page()
    assert same, "write docs/systems.md anew: minigan list --markdown docs/systems.md"


def test_a_recipe_that_does_not_learn_the_ring_says_what_it_shows() -> None:
    """As the page measured it: to learn it is all modes solid and above 80 % high quality, for most seeds."""
    text = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8").partition("## At the full budget")[2]
    rows = re.findall(r"^\| (\S+) +\| (\d) of (\d) +\| ([\d, ]+?) +\| ([\d., ]+?) +\|$", text, re.M)
    measured = {name: numbers for name, *numbers in rows}
    assert set(RECIPES) - set(measured) == {"minibatch"}  # it takes hours
    assert "not measured" in RECIPES["minibatch"].shows
    for name, (learned, seeds, solid, quality) in measured.items():
        found = [(int(k), float(q)) for k, q in zip(solid.split(", "), quality.split(", "), strict=True)]
        assert len(found) == int(seeds), name
        assert int(learned) == sum(k == 8 and q > 80 for k, q in found), name
        assert bool(RECIPES[name].shows) == (2 * int(learned) <= int(seeds)), f"{name}: what does it show?"
    assert all(row.shows in page() for row in RECIPES.values())


def test_the_table_of_contents_names_every_room(short_measurements) -> None:
    """minigan's docstring: each file of the package is there, and what is there exists."""
    folder = Path(minigan.__file__).parent
    contents = str(minigan.__doc__)
    for path in folder.rglob("*.py"):
        room = path.relative_to(folder)
        whole = room.parts[0] in ("claims", "testing", "cli")
        if path.name not in ("__init__.py", "__main__.py"):
            named = (f"{room.parts[0]}/" if whole else path.name) in contents
            assert named, f"a line for {room} in the docstring of minigan/__init__.py"
    for room in re.findall(r"\.\.\. (\w+/\w+\.py)", contents):
        assert (folder / room).exists(), room
    assert doctest.testmod(minigan).failed == 0
