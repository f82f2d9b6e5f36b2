"""The floors of the house: imports run downwards only, heavy libraries stay out of the engine rooms."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "minigan"
# From the ground up. A module may import from floors below its own (and from its own room).
FLOORS = ["registry", "arrays", "autodiff", "nets", "theory", "gans", "lab", "studies", "devices", "claims", "testing",
          "cli"]
# the storeys of autodiff
INSIDE = ["kernels", "tensor", "primitives", "functions", "grad", "replay", "check"]
HEAVY = {"scipy", "matplotlib", "mpl_toolkits", "tqdm"}
MODULES = sorted(PACKAGE.rglob("*.py"))
every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())


def room(path):
    """('autodiff', 'grad') of minigan/autodiff/grad.py."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts if len(parts) > 1 else (*parts, "")


def imports(path, top_level=False):
    """The dotted names that a module imports, anywhere or at its top level only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {
        node for f in ast.walk(tree)
        if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or is_type_checking(f)
        for node in ast.walk(f)
    }
    for node in ast.walk(tree):
        if top_level and node in inner:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def test_the_plan_names_every_room():
    rooms = {room(path)[0] for path in MODULES} - {"__init__", "__main__"}
    assert rooms <= set(FLOORS)
    assert {room(path)[1] for path in MODULES if room(path)[0] == "autodiff"} == {*INSIDE, "__init__"}


@every_module
def test_imports_run_downwards(path):
    floor, module = room(path)[:2]
    if floor in ("__init__", "__main__"):  # the roof: it shows what is below
        return
    for name in imports(path):
        package, _, rest = name.partition(".")
        if package != "minigan" or not rest:
            continue
        other, _, inside = rest.partition(".")
        if other not in FLOORS:
            continue
        assert FLOORS.index(other) <= FLOORS.index(floor), f"{path.name} is on floor {floor} and imports {name}"
        if other == floor == "autodiff" and module != "__init__":
            storey = inside.partition(".")[0]
            assert storey in INSIDE, f"{path.name} imports {name} through the room's own front door"
            assert INSIDE.index(storey) < INSIDE.index(module) or storey == module == "replay", (
                f"{path.name} imports {name}, above it")


@every_module
def test_the_engine_rooms_do_without_heavy_libraries(path):
    if room(path)[0] in ("arrays", "autodiff", "nets", "gans", "__init__"):
        assert not {name.partition(".")[0] for name in imports(path, top_level=True)} & HEAVY


@every_module
def test_only_arrays_names_the_libraries_of_devices(path):
    named = re.findall(r"\b(cupy|dpnp)\b", path.read_text(encoding="utf-8"), re.IGNORECASE)
    assert room(path)[0] == "arrays" or not named


@every_module
def test_the_engine_the_nets_and_the_games_do_not_name_numpy(path):
    if room(path)[0] in ("autodiff", "nets", "gans"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not {"np", "numpy"} & (names | {name.partition(".")[0] for name in imports(path)})
