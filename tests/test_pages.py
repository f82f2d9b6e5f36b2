"""The pages of docs/ do what they show: their code runs and prints that, and what they quote of the package is there.

Of the pages in ``RUN`` every ```` ```python ```` block runs, in order, in one namespace, and what it prints is
compared with the ```` ```text ```` block after it (own-recipe.md is run by test_readme.py, arrays.md by
backends/test_docs.py). Of every page the ``>>>`` examples in fences run as doctests, in that namespace too. A
``{code-block}`` whose caption is a file of the package is a quotation of it. Other fences are for reading.
"""

import contextlib
import doctest
import io
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from minigan.arrays import DEVICES, LIBRARIES
from minigan.autodiff import PRIMITIVES
from minigan.claims import CLAIMS
from minigan.gans import LOSSES, RECIPES
from minigan.lab import TOYS
from minigan.theory.family import DIVERGENCES
from tests.selection import slow_but

ROOT = Path(__file__).parents[1]
RUN = ("from-nothing", "penalty-by-hand", "engine", "CONTRIBUTING")
PAGES = sorted((ROOT / "docs").glob("*.md"))
OURS = [ROOT / "docs" / f"{name}.md" for name in RUN]
FENCE = re.compile(r"^(`{3,})(\S[^\n]*)\n(.*?)^\1[ ]*$", re.M | re.S)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?")
PICTURE = re.compile(r"[ .:*#]*")


class Fence(NamedTuple):
    language: str
    text: str
    line: int  # of its first line in the page


def fences(page: Path) -> list[Fence]:
    text = page.read_text(encoding="utf-8")
    return [Fence(m[2].strip(), m[3], text.count("\n", 0, m.start(3)) + 1) for m in FENCE.finditer(text)]


def by_name(page: Path) -> str:
    return page.stem


@pytest.fixture
def registries():
    """A page may add rows; they are gone afterwards."""
    tables = [PRIMITIVES, CLAIMS, RECIPES, LOSSES, DIVERGENCES, LIBRARIES, DEVICES, TOYS]
    before = [dict(table) for table in tables]
    yield
    for table, rows in zip(tables, before, strict=True):
        table.clear()
        table.update(rows)


def examples(fence: Fence, page: Path, names: dict) -> None:
    """Run a fence of ``>>>`` examples in the page's namespace."""
    test = doctest.DocTestParser().get_doctest(fence.text, names, page.name, str(page), fence.line - 1)
    test.globs = names  # not a copy: the next fence goes on from here
    said = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    assert runner.run(test, out=said.write, clear_globs=False).failed == 0, said.getvalue()


def alike(printed: str, shown: str) -> bool:
    """The same words; numbers to the last digits, which are another machine's; a picture in letters, all but a few."""
    lines = list(zip(printed.rstrip().splitlines(), shown.rstrip().splitlines(), strict=True))
    rows = [(a.ljust(80), b.ljust(80)) for a, b in lines if PICTURE.fullmatch(a) and PICTURE.fullmatch(b)]
    if sum(x != y for a, b in rows for x, y in zip(a, b, strict=True)) > 2 * len(rows):
        return False
    for a, b in lines:
        if PICTURE.fullmatch(a) and PICTURE.fullmatch(b):
            continue
        if NUMBER.sub("", a).split() != NUMBER.sub("", b).split():
            return False
        if not np.allclose(*([float(x) for x in NUMBER.findall(s)] for s in (a, b)), rtol=0.03, atol=0.02):
            return False
    return True


LONG = [page for page in PAGES if page.stem in ("checkers", "from-nothing")]


@pytest.mark.parametrize("page", slow_but(
    [page for page in PAGES if page not in LONG], PAGES, "examples of the pages that take seconds"), ids=by_name)
def test_a_page_does_what_it_shows(page: Path, registries, short_measurements, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict = {"__name__": page.stem}
    printed = None
    with np.printoptions(precision=6, suppress=False, linewidth=100):
        for fence in fences(page):
            if ">>>" in fence.text and not fence.language.startswith("{code-block}"):
                examples(fence, page, names)
            elif page.stem in RUN and fence.language == "python":
                with contextlib.redirect_stdout(io.StringIO()) as out:
                    exec(compile("\n" * (fence.line - 1) + fence.text, str(page), "exec"), names)
                printed = out.getvalue()
            elif page.stem in RUN and fence.language == "text":
                assert printed is not None and alike(printed, fence.text), f"{page.name}:{fence.line} prints\n{printed}"
                printed = None


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_what_a_page_quotes_is_in_the_file_it_names(page: Path) -> None:
    for fence in fences(page):
        caption = re.match(r":caption: (\S+\.(?:py|md|toml))\n", fence.text)
        if caption is None:
            continue
        lines, quoted = ([line.strip() for line in text.splitlines() if line.strip()]
                         for text in ((ROOT / caption[1]).read_text(encoding="utf-8"), fence.text[caption.end() :]))
        assert any(lines[i : i + len(quoted)] == quoted for i in range(len(lines))), f"{page.name}:{fence.line}"


@pytest.mark.parametrize("page", OURS, ids=by_name)
def test_a_page_points_at_what_exists(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), target
    for name in re.findall(r"`((?:minigan|tests|docs|demos)/[\w/.-]+)`", text):
        assert (ROOT / name).exists(), name


COUNTS = {"one": 1, "two": 2}


def test_an_addition_touches_as_many_files_as_contributing_counts() -> None:
    """"... two files ...:" stands above a table of as many files, which are there; no addition takes more."""
    page = (ROOT / "docs" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tables = re.findall(r"\b(one|two) files?\b[^|]*:\n\n\| file \|[^\n]*\n\| --- [^\n]*\n((?:\|[^\n]*\n)+)", page)
    assert len(tables) == len(re.findall(r"^\| file \|", page, re.M)) >= 3
    for count, rows in tables:
        files = re.findall(r"^\| `([^`]+)`", rows, re.M)
        assert len(files) == len(rows.splitlines()) == COUNTS[count]
        assert all((ROOT / file).exists() for file in files)


def test_the_engine_from_nothing_is_as_short_as_it_says() -> None:
    page = ROOT / "docs" / "from-nothing.md"
    code = "".join(fence.text for fence in fences(page) if fence.language == "python")
    lines = sum(bool(line.strip()) for line in code.splitlines())
    assert f"{lines} lines of Python" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(("printed", "shown", "same"), [
    ("a 1.00", "a 1.01", True),
    ("a 1.00", "a 1.10", False),
    ("a 1.00", "b 1.00", False),
    ("  .:*#\n 500", "  .:#*\n 501", True),
    ("  ...####\n", "####...  \n", False),
])
def test_what_counts_as_printing_the_same(printed: str, shown: str, same: bool) -> None:
    assert alike(printed, shown) is same
