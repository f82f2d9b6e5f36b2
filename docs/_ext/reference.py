"""``python docs/_ext/reference.py`` writes docs/reference.md: the public names of each wing, in their own words.

A function or a class says what it is in the first line of its docstring, a table of rows or a number in the comment
beside or above its assignment. A test compares the page with what this makes of the package.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from minigan.autodiff import Primitive
from minigan.registry import Registry
from minigan.theory import FDivergence

PAGE = Path(__file__).parents[1] / "reference.md"
WINGS = ("minigan", "minigan.autodiff", "minigan.nets", "minigan.theory", "minigan.gans", "minigan.gans.losses",
         "minigan.lab", "minigan.studies", "minigan.devices", "minigan.claims", "minigan.testing")
HEAD = """\
# Reference

Written by `python docs/_ext/reference.py`, from what each wing's `__all__` names: import from the wing
(`from minigan.theory import divergence`), not from its files.

What is stable: the names on this page, their arguments by keyword, the names of recipes, losses, data sets, presets
and settings, and the files of a run folder; the [changelog](CHANGELOG.md) names every change of one. What is not: the
files inside a wing, whatever begins with an underscore, the plan that `replay` makes of a program, and the last digits
of a result from one version to the next (within one they depend on the seed alone).
"""


def public(wing: str) -> Iterator[tuple[str, str]]:
    """(what to write before the colon, what it is) of each public name of a wing, in order."""
    module = import_module(wing)
    things = {name: getattr(module, name) for name in [*module.__all__, *getattr(module, "BY_NAME", [])]}
    numpys = [name for name, thing in things.items()
              if isinstance(thing, Primitive) and hasattr(np, name) and name != "split"]  # ours takes sizes
    if numpys:
        yield ", ".join(numpys), "NumPy's, each with its derivative rule"
    for name, thing in things.items():
        if name not in numpys:
            yield f"{name}{_signature(thing)}", what(thing, name, module)


def what(thing: Any, name: str, module: ModuleType) -> str:
    """The first line of its docstring; of a table, a number or a primitive the comment at its assignment."""
    if inspect.isroutine(thing) or inspect.isclass(thing) or inspect.ismodule(thing):
        return (inspect.getdoc(thing) or "").partition("\n")[0]
    if isinstance(thing, FDivergence):
        return f"the row of f(u) = {thing.summary}"
    said = _comment(name, module)
    if isinstance(thing, Registry):
        return f"every {thing.what} by its name"
    if not said and isinstance(thing, dict | tuple):
        return ", ".join(f"{key!r}" for key in thing)
    return said


def _signature(thing: Any) -> str:
    """The names of the arguments of a function."""
    if isinstance(thing, Primitive) or inspect.isclass(thing) or not callable(thing):
        return ""
    kinds = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    names = [kinds.get(p.kind, "") + p.name for p in inspect.signature(thing).parameters.values()]
    return f"({', '.join(names)})"


def _comment(name: str, module: ModuleType) -> str:
    """What the comment beside the name's assignment says, in whichever file of the wing it is, or else above it."""
    for path in sorted(Path(str(module.__file__)).parent.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.parse(text).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                beside = lines[node.lineno - 1].partition("  # ")[2]
                above = list(_above(lines, node.lineno - 1))
                return beside or " ".join(reversed(above))
    return ""


def _above(lines: list[str], n: int) -> Iterator[str]:
    while n > 0 and lines[n - 1].startswith("# ") and not lines[n - 1].startswith("# --"):
        n -= 1
        yield lines[n][2:]


def page() -> str:
    """docs/reference.md."""
    parts = [HEAD]
    for wing in WINGS:
        parts.append(f"## `{wing}`\n")
        title = (import_module(wing).__doc__ or "").partition("\n")[0]
        parts.append(f"{_escaped(title)}\n")
        parts.append("\n".join(f"- `{name}`: {_escaped(text)}" for name, text in public(wing)) + "\n")
    return "\n".join(parts)


def _escaped(text: str) -> str:
    """Stars, dollars and angle brackets are meant."""
    for mark in "*$<[":
        text = text.replace(mark, f"\\{mark}")
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
