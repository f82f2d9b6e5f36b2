"""What the README shows works as shown, and so do the examples in docstrings."""

import doctest
import re
from pathlib import Path

import pytest

import minigan
from minigan.cli import main
from minigan.gans import RECIPES
from minigan.testing import PropertyError

TEXT = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.S)


def test_the_python_examples_run(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--steps", "20", "--evaluations", "1"]) == 0  # the run that the examples load
    names: dict = {"__name__": "readme"}
    for block in BLOCKS:
        promised = re.search(r"# PropertyError: .*", block, re.S)
        if promised is None:
            exec(compile(block, "README.md", "exec"), names)
            continue
        with pytest.raises(PropertyError) as error:
            exec(compile(block, "README.md", "exec"), names)
        shown = promised[0].replace("# PropertyError: ", "").replace("\n# ", "\n").strip()
        assert str(error.value).strip() == shown
    assert len(BLOCKS) == 3 and names["new"].shape == (1000, 2) and names["dw"].shape == (4417,)


def test_every_recipe_is_in_the_table() -> None:
    assert all(f"| `{name}` |" in TEXT for name in RECIPES)


def test_the_table_of_contents_names_every_room() -> None:
    """minigan's docstring: each file of the package is there, and what is there exists."""
    folder = Path(minigan.__file__).parent
    contents = str(minigan.__doc__)
    for path in folder.rglob("*.py"):
        room = path.relative_to(folder)
        whole = room.parts[0] in ("claims", "testing")
        if path.name not in ("__init__.py", "__main__.py"):
            assert (f"{room.parts[0]}/" if whole else path.name) in contents, room
    for room in re.findall(r"\.\.\. (\w+/\w+\.py)", contents):
        assert (folder / room).exists(), room
    assert doctest.testmod(minigan).failed == 0
