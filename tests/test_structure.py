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
INSIDE = ["kernels", "tensor", "primitive", "primitives", "functions", "reductions", "products", "indexing",
          "numpy_functions", "grad", "replay", "slopes", "check"]
REPLAY = ["given", "graph", "places", "buffers", "plan", "run", "record"]  # and of its room
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
    assert {path.stem for path in MODULES if room(path)[:2] == ("autodiff", "replay")} == {*REPLAY, "__init__"}


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
            if storey == module == "replay" and path.stem != "__init__":
                assert REPLAY.index(inside.split(".")[1]) < REPLAY.index(path.stem), f"{path.name} imports {name}"
                continue
            assert INSIDE.index(storey) < INSIDE.index(module) or storey == module == "replay", (
                f"{path.name} imports {name}, above it")


def files(name):
    """The file behind a dotted name: a module's own, or else of the package that shows it."""
    parts = name.split(".")[1:]
    for k in range(len(parts), -1, -1):
        for path in (PACKAGE.joinpath(*parts[:k]).with_suffix(".py"), PACKAGE.joinpath(*parts[:k], "__init__.py")):
            if (k and path.is_file()) or path == PACKAGE / "__init__.py":
                return path
    raise AssertionError(name)


def circle(edges):
    """Some files that import each other in a circle, or []."""
    done, under_way = set(), []

    def visit(path):
        if path in under_way:
            return under_way[under_way.index(path) :]
        if path in done:
            return []
        under_way.append(path)
        for other in edges[path]:
            if found := visit(other):
                return found
        done.add(under_way.pop())
        return []

    for path in edges:
        if found := visit(path):
            return found
    return []


def test_no_files_import_each_other_in_a_circle():
    """Imports within functions and for type checkers count too."""
    edges = {path: {files(name) for name in imports(path) if name.partition(".")[0] == "minigan"} - {path}
             for path in MODULES}
    assert sum(map(len, edges.values())) > 300  # they are found
    assert [path.relative_to(PACKAGE).as_posix() for path in circle(edges)] == []


def test_a_circle_is_found():
    assert circle({1: [2, 3], 2: [4], 3: [], 4: [3]}) == []
    assert set(circle({1: [2, 3], 2: [4], 3: [], 4: [3, 2]})) == {2, 4}


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
