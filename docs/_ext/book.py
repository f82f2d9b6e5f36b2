"""The table of equations (``docs/equations.toml``) and what its rows point at. Without Sphinx: the tests read it too.

A place in the code is written ``minigan.theory.divergences.divergence`` or, to point at one line of it,
``minigan.theory.divergences.divergence :: by_f = q``: a name defined in a module, and a text that occurs in its
source once. The source is read as it stands now, so what the book shows cannot drift from what runs.
"""

from __future__ import annotations

import ast
import textwrap
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
CHAPTERS = ("divergences", "game", "failures", "transport", "lipschitz", "family")
NOTES = {
    "xu": "Peng Xu, “From GAN to Wasserstein GAN”",
    "weng": "Lilian Weng, “From GAN to WGAN”",
    "advanced": "“Advanced Theory and Problems of GAN”",
    "blog": "a post on GAN, DCGAN and WGAN",
}
AROUND = 3  # lines on either side of the one that is pointed at


@dataclass(frozen=True)
class Equation:
    """A row. Where a note is wrong, ``latex`` is the corrected formula and ``errata`` says what it corrects."""

    id: str  # its anchor
    name: str
    chapter: str
    number: str  # 3.2: the second of the third chapter
    latex: str
    notes: tuple[str, ...] = ()  # that display it
    words: tuple[str, ...] = ()  # that state it in words
    code: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    shows: dict[str, str] = field(default_factory=dict)  # claim -> the beginning of the check to be shown
    errata: tuple[str, ...] = ()
    demos: tuple[str, ...] = ()
    remark: str = ""


@dataclass(frozen=True)
class Excerpt:
    """Lines of a file of the package."""

    place: str
    path: str  # minigan/theory/divergences.py
    line: int  # of the line pointed at, or of the definition
    text: str
    marked: tuple[int, ...]  # which lines of the text, counted from 1


@cache
def equations() -> dict[str, Equation]:
    """The rows by their ids, in the order of the book. ValueError for an unknown key, chapter or note."""
    rows = tomllib.loads((DOCS / "equations.toml").read_text(encoding="utf-8"))["equation"]
    found: dict[str, Equation] = {}
    counts = dict.fromkeys(CHAPTERS, 0)
    for row in sorted(rows, key=lambda row: CHAPTERS.index(row["chapter"])):
        counts[row["chapter"]] += 1
        number = f"{CHAPTERS.index(row['chapter']) + 1}.{counts[row['chapter']]}"
        row = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        equation = Equation(number=number, **row)
        if equation.id in found or {*equation.notes, *equation.words} - NOTES.keys():
            raise ValueError(f"equation {equation.id}: the id is taken, or a note has no such name")
        found[equation.id] = equation
    return found


@cache
def _module(name: str) -> tuple[Path, str, ast.Module]:
    path = ROOT.joinpath(*name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = path.read_text(encoding="utf-8")
    return path, text, ast.parse(text)


def _definition(place: str) -> tuple[Path, list[str], ast.stmt]:
    """Where a dotted name is defined. LookupError if it is not."""
    parts = place.split(".")
    modules = [k for k in range(1, len(parts)) if ROOT.joinpath(*parts[:k]).with_suffix(".py").exists()]
    if not modules:
        raise LookupError(f"{place}: no such module")
    path, text, node = _module(".".join(parts[: modules[-1]]))
    for name in parts[modules[-1] :]:
        node = next((child for child in ast.walk(node) if child is not node and name in _names(child)), None)
        if node is None:
            raise LookupError(f"{place}: {path.name} defines no {name}")
    return path, text.splitlines(), node


def _names(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


def excerpt(place: str) -> Excerpt:
    """The code of a place, without its docstring; of a long one, its first line and the neighbours of the line meant.

    LookupError if the name is not defined there, or the text does not occur in it exactly once.
    """
    name, _, mark = (part.strip() for part in place.partition("::"))
    path, lines, node = _definition(name)
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    code = list(range(first, (node.end_lineno or first) + 1))
    body = getattr(node, "body", [])
    head = [n for n in code if n < body[0].lineno] if body else code[:1]
    if len(body) > 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        code = [n for n in code if not body[0].lineno <= n <= (body[0].end_lineno or 0)]
        while not lines[code[len(head)] - 1].strip():
            del code[len(head)]
    marked = [n for n in code if mark and mark in lines[n - 1]]
    if mark and len(marked) != 1:
        raise LookupError(f"{name}: {mark!r} occurs on {len(marked)} lines, not on one")
    shown = code
    if marked and len(code) > 2 * AROUND + 6:
        i = code.index(marked[0])
        near = code[max(len(head), i - AROUND) : i + AROUND + 1]
        while not lines[near[0] - 1].strip():
            del near[0]
        while not lines[near[-1] - 1].strip():
            del near[-1]
        shown = sorted({*head, *near})
    text: list[str] = []
    marks: list[int] = []
    for before, n in zip([None, *shown], shown, strict=False):
        if before is not None and code.index(n) != code.index(before) + 1:
            indent = len(lines[n - 1]) - len(lines[n - 1].lstrip())
            text.append(" " * indent + "...")
        text.append(lines[n - 1])
        if n in marked:
            marks.append(len(text))
    line = marked[0] if marked else node.lineno
    return Excerpt(name, path.relative_to(ROOT).as_posix(), line, textwrap.dedent("\n".join(text)), tuple(marks))
