"""The book's table of equations points at what is there. Sphinx need not be installed."""

import re
import sys
from functools import cache
from pathlib import Path

import pytest

from minigan.claims import CLAIMS, verify

DOCS = Path(__file__).parents[1] / "docs"
DEMOS = DOCS.parent / "demos"

sys.path.insert(0, str(DOCS / "_ext"))
import book  # noqa: E402

sys.path.remove(str(DOCS / "_ext"))

EQUATIONS = book.equations()
PLACES = sorted({place for equation in EQUATIONS.values() for place in equation.code})
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}
DIRECTIVE = re.compile(r"^```\{equation\} (\S+)$", re.M)
every_equation = pytest.mark.parametrize("equation", EQUATIONS.values(), ids=lambda equation: equation.id)


@pytest.mark.parametrize("place", PLACES)
def test_every_place_in_the_code_is_there(place: str) -> None:
    """The name is defined in that module, the text occurs in it once, and the excerpt shows it, marked."""
    excerpt = book.excerpt(place)
    lines = (DOCS.parent / excerpt.path).read_text(encoding="utf-8").splitlines()
    wanted = place.partition("::")[2].strip()
    assert '"""' not in excerpt.text and len(excerpt.text.splitlines()) <= 30
    if wanted:
        assert wanted in lines[excerpt.line - 1]
        assert [wanted in excerpt.text.splitlines()[n - 1] for n in excerpt.marked] == [True]
    else:
        assert place.rpartition(".")[2] in lines[excerpt.line - 1]


@pytest.mark.parametrize(("place", "message"), [
    ("minigan.theory.divergences.no_such", "defines no no_such"),
    ("minigan.no_such.divergence", "no such module"),
    ("nowhere.at.all", "no such module"),
    ("minigan.gans.lipschitz.gradient_penalty :: no such line", "on 0 lines"),
    ("minigan.gans.lipschitz.gradient_penalty :: slope", "on 2 lines"),
])
def test_a_place_that_is_not_there_is_an_error(place: str, message: str) -> None:
    with pytest.raises(LookupError, match=message):
        book.excerpt(place)


def test_a_long_function_is_shown_around_the_line() -> None:
    excerpt = book.excerpt("minigan.theory.simplex.Tree.enter :: leaving = min")
    text = excerpt.text.splitlines()
    assert text[0].startswith("def enter(") and "    ..." in text and len(text) < 15
    assert "leaving = min" in text[excerpt.marked[0] - 1]


@every_equation
def test_an_equation_stands_on_one_page_its_chapters(equation: book.Equation) -> None:
    assert [name for name, text in PAGES.items() for id in DIRECTIVE.findall(text) if id == equation.id] == [
        equation.chapter]


def test_the_pages_know_no_other_equations() -> None:
    assert {id for text in PAGES.values() for id in DIRECTIVE.findall(text)} == EQUATIONS.keys()


@every_equation
def test_an_equation_is_computed_or_says_why_not_and_is_claimed(equation: book.Equation) -> None:
    assert equation.code or equation.remark
    assert equation.claims and {*equation.claims, *equation.errata} <= CLAIMS.keys()
    assert equation.notes or equation.words or equation.remark.startswith("Beyond the notes")
    assert all(id.startswith("E") for id in equation.errata) and equation.shows.keys() <= {*equation.claims}


@every_equation
def test_its_errata_are_of_notes_that_have_it(equation: book.Equation) -> None:
    for id in equation.errata:
        of = {note.strip() for note in CLAIMS[id].note.split(",")}
        assert of & {*equation.notes, *equation.words}, f"{id} is of {of}"


def test_every_erratum_is_told_in_a_chapter() -> None:
    chapters = "".join(PAGES[name] for name in book.CHAPTERS)
    told = {id for equation in EQUATIONS.values() for id in equation.errata} | set(re.findall(r"`(E\d+)`", chapters))
    assert {id for id in CLAIMS if id.startswith("E")} <= told


def test_every_claim_about_the_notes_is_used() -> None:
    """By an equation, or named in a chapter."""
    text = "".join(PAGES[name] for name in (*book.CHAPTERS, "reliability", "engine", "index"))
    used = {id for equation in EQUATIONS.values() for id in (*equation.claims, *equation.errata)}
    assert {id for id in CLAIMS if id[0] in "DGWE"} <= used | set(re.findall(r"\{claim\}`(\w+)`", text))


@pytest.mark.slow("each claim once more, for what the book shows of it")
def test_the_checks_to_be_shown_exist() -> None:
    verdict = cache(lambda id: verify(CLAIMS[id]))
    for equation in EQUATIONS.values():
        for id, wanted in equation.shows.items():
            assert any(check.what.startswith(wanted) for check in verdict(id).checks), (equation.id, id, wanted)


@pytest.mark.parametrize("name", sorted({name for equation in EQUATIONS.values() for name in equation.demos}))
def test_its_demos_are_there(name: str) -> None:
    assert (DEMOS / f"{name}.py").exists()


def test_claims_and_lines_named_in_the_prose_are_there() -> None:
    for name, text in PAGES.items():
        assert set(re.findall(r"\{claim\}`(\w+)`", text)) <= CLAIMS.keys(), name
        for place in re.findall(r"\{source\}`([^`]+)`", text):
            book.excerpt(" ".join(place.split()))


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = {line for block in re.findall(r"```\{toctree\}\n(.*?)```", PAGES["index"], re.S)
              for line in block.splitlines() if line and not line.startswith(":")}
    assert listed == (PAGES.keys() - {"index"}) | {"gallery/index"}


def test_the_readers_questions_are_headings() -> None:
    for question, link in re.findall(r"^\| ([^|?]+\?) \| \[\]\((\S+)\) \|$", PAGES["index"], re.M):
        page, _, anchor = link.partition(".md#")
        headings = re.findall(r"^#+ (.+)$", PAGES[page], re.M)
        slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in slugs, question


def test_mathematics_is_rendered_without_a_script() -> None:
    """All the LaTeX of the table; that of the pages is converted, and complained about, when the site is built."""
    for name in ("latex2mathml", "sphinx"):
        pytest.importorskip(name, reason="the book: pip install 'minigan[docs]'")
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        from mathml import mathml
    finally:
        sys.path.remove(str(DOCS / "_ext"))
    for equation in EQUATIONS.values():
        assert mathml(equation.latex, "block").startswith('<math display="block"')
    with pytest.raises(ValueError, match="is not known"):
        mathml(r"\nosuchcommand x", "inline")
