"""Directives of the book: a formula beside the code that computes it and the claim that checks it.

``{equation} ID``       a row of equations.toml: the numbered formula, its code, its claims with their numbers
``{equation-index}``    every equation in a table
``{claims}``            every claim with all its checks, in a table each
``{claim}`ID` ``        a link to a claim

Code is cut from the source and claims are run once a build, so nothing here can go stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import book
from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective, SphinxRole

from minigan import claims

PAGES = "_source/"  # where the pages of highlighted source are: part of the site, with an anchor for each line


class source_link(nodes.inline):
    """A link to a line of a page of source, made one by ``resolve``: only HTML has these pages."""


@cache
def verdict(id: str) -> claims.Verdict:
    """The claim, run; once a build. ExtensionError if it does not hold."""
    found = claims.verify(claims.select([id])[0])
    if not found.passed:
        raise ExtensionError(f"claim {id} does not hold: {found.raised or found.worst}")
    return found


# -- pieces of a page -------------------------------------------------------------------------
def text(content: str, *classes: str) -> nodes.inline:
    return nodes.inline("", content, classes=list(classes))


def row(*cells: Any) -> nodes.row:
    """Cells are text, or nodes."""
    made = nodes.row()
    for cell in cells:
        parts = cell if isinstance(cell, list) else [cell]
        paragraph = nodes.paragraph("", "", *[nodes.Text(part) if isinstance(part, str) else part for part in parts])
        made += nodes.entry("", paragraph)
    return made


def table(head: list[str], rows: list[nodes.row], *classes: str) -> nodes.table:
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    group += nodes.thead("", row(*head))
    group += nodes.tbody("", *rows)
    return nodes.table("", group, classes=[*classes])


def digits(v: float) -> str:
    """To seven digits; rounding errors of a 0 are its machine's own."""
    return f"{0.0 if abs(v) < 1e-9 else v:.7g}"


def check_row(check: Any, *before: Any) -> nodes.row:
    """Up to four numbers of each side."""
    shown = claims.comparison(check, digits, ", …", 4)
    return row(*before, check.what, *(cell.replace("-", "−").replace("inf", "∞") for cell in shown))


def reference(document: str, label: str, content: str, kind: str = "ref") -> addnodes.pending_xref:
    """A link that Sphinx resolves, and complains about if it cannot."""
    made = addnodes.pending_xref("", refdomain="std", reftype=kind, reftarget=label, refexplicit=True, refwarn=True)
    made["refdoc"] = document
    made += nodes.inline("", content, classes=["xref", "std"])
    return made


def anchor(env: Any, id: str, content: str) -> None:
    """Make the place with this id known to ``reference``."""
    domain = env.domains["std"]
    domain.anonlabels[id] = env.docname, id
    domain.labels[id] = env.docname, id, content


def place_link(excerpt: book.Excerpt) -> source_link:
    made = source_link("", "", text(f"{excerpt.path}:{excerpt.line}", "place"))
    made["page"] = f"{PAGES}{excerpt.path.removesuffix('.py')}.html#L-{excerpt.line}"
    return made


def claim_link(document: str, id: str) -> addnodes.pending_xref:
    return reference(document, f"claim-{id.lower()}", id)


def commas(parts: list[nodes.Node]) -> list[nodes.Node]:
    return [piece for part in parts for piece in (nodes.Text(", "), part)][1:]


def demo_links(document: str, equation: book.Equation) -> list[nodes.Node]:
    """To the pages of the gallery; the name alone where a demo is not there."""
    return [reference(document, f"/gallery/{name}", name.replace("_", " "), "doc")
            if (book.ROOT / "demos" / f"{name}.py").exists() else text(name.replace("_", " "))
            for name in equation.demos]


# -- directives -------------------------------------------------------------------------------
class EquationDirective(SphinxDirective):
    """The formula with its number; what computes it; what checks it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        try:
            equation = book.equations()[self.arguments[0]]
        except KeyError:
            raise self.error(f"no equation {self.arguments[0]!r} in equations.toml") from None
        self.env.note_dependency(str(book.DOCS / "equations.toml"))
        card = nodes.container(classes=["equation"], is_div=True)
        self.set_source_info(card)
        card += self.formula(equation)
        card += self.origin(equation)
        for place in equation.code:
            card += self.code(place)
        if equation.claims:
            card += self.checks(equation)
        for id in equation.errata:
            card += self.erratum(id)
        return [card]

    def formula(self, equation: book.Equation) -> nodes.math_block:
        id = f"equation-{equation.id}"
        made = nodes.math_block(equation.latex, equation.latex, number=equation.number, label=equation.id, nowrap=False,
                                docname=self.env.docname, ids=[id])
        domain = self.env.domains["math"]
        if equation.id in domain.equations:
            raise self.error(f"equation {equation.id} stands on {domain.equations[equation.id][0]} already")
        domain.equations[equation.id] = (self.env.docname, equation.number)
        self.state.document.note_explicit_target(made)
        anchor(self.env, id, f"({equation.number})")
        return made

    def origin(self, equation: book.Equation) -> nodes.paragraph:
        """Which notes display it, and the demos."""
        made = nodes.paragraph("", "", text(equation.name, "name"), classes=["origin"])
        notes = [*equation.notes, *(f"{note} (in words)" for note in equation.words)]
        if notes:
            made += text("  notes: " + ", ".join(notes))
        if equation.demos:
            made += [text("  demo: "), *commas(demo_links(self.env.docname, equation))]
        if equation.remark:
            made += text(f". {equation.remark}" if notes or equation.demos else f": {equation.remark}")
        return made

    def code(self, place: str) -> nodes.container:
        excerpt = book.excerpt(place)
        self.env.note_dependency(str(book.ROOT / excerpt.path))
        block = nodes.literal_block(excerpt.text, excerpt.text, language="python", force=False)
        block["highlight_args"] = {"hl_lines": list(excerpt.marked)}
        caption = nodes.caption("", "", place_link(excerpt))
        return nodes.container("", caption, block, literal_block=True, classes=["literal-block-wrapper"])

    def checks(self, equation: book.Equation) -> nodes.table:
        rows = []
        for id in equation.claims:
            start = equation.shows.get(id, "")
            chosen = next((check for check in verdict(id).checks if check.what.startswith(start)), None)
            if chosen is None:
                raise self.error(f"claim {id} has no check that begins {start!r}")
            rows.append(check_row(chosen, claim_link(self.env.docname, id)))
        return table(["claim", "one of its checks", "computed", "", "expected"], rows, "checks")

    def erratum(self, id: str) -> nodes.paragraph:
        claim = claims.select([id])[0]
        truth = f" ({claim.note}). Printed: {claim.statement}. True: {claim.truth}."
        return nodes.paragraph("", "", text("Erratum ", "name"), claim_link(self.env.docname, id), text(truth),
                               classes=["erratum"])


class EquationIndex(SphinxDirective):
    """Number, name, notes, code, claims, demo."""

    def run(self) -> list[nodes.Node]:
        page = self.env.docname
        rows = []
        for equation in book.equations().values():
            notes = ", ".join([*equation.notes, *(f"({note})" for note in equation.words)])
            errata = [claim_link(page, id) for id in equation.errata]
            rows.append(row(
                reference(page, f"equation-{equation.id}", equation.number), equation.name, notes,
                commas([place_link(book.excerpt(place)) for place in equation.code]) or "",
                commas([claim_link(page, id) for id in equation.claims] + errata) or "",
                commas(demo_links(page, equation)) or ""))
        self.env.note_dependency(str(book.DOCS / "equations.toml"))
        return [table(["", "equation", "notes", "code", "claims", "demo"], rows, "index")]


class ClaimsDirective(SphinxDirective):
    """A section a claim."""

    def run(self) -> list[nodes.Node]:
        return list(self.sections())

    def sections(self) -> Iterator[nodes.Node]:
        used: dict[str, list[book.Equation]] = {}
        for equation in book.equations().values():
            for id in (*equation.claims, *equation.errata):
                used.setdefault(id, []).append(equation)
        for claim in claims.select([]):
            id = f"claim-{claim.id.lower()}"
            section = nodes.section("", nodes.title("", claim.id), ids=[id], names=[id])
            anchor(self.env, id, claim.id)
            statement = f"Printed: {claim.statement}. True: {claim.truth}." if claim.truth else f"{claim.statement}."
            paragraph = nodes.paragraph("", statement)
            paragraph += nodes.Text(f" Notes: {claim.note}. Source: {claim.paper}.")
            if claim.id in used:
                paragraph += [nodes.Text(" In the book: "), *commas([
                    reference(self.env.docname, f"equation-{e.id}", f"({e.number})") for e in used[claim.id]]),
                    nodes.Text(".")]
            section += paragraph
            section += table(["check", "computed", "", "expected"],
                             [check_row(check) for check in verdict(claim.id).checks], "checks")
            yield section


class ClaimRole(SphinxRole):
    """{claim}`G6`."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        claims.select([self.text])
        return [claim_link(self.env.docname, self.text)], []


class CodeRole(SphinxRole):
    """{code}`minigan.gans.lipschitz.gradient_penalty :: grad(scores`: a link to the line, which must be there."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        return [place_link(book.excerpt(self.text))], []


# -- pages of source --------------------------------------------------------------------------
def resolve(app: Sphinx, doctree: nodes.document, document: str) -> None:
    """Links to source are links in HTML, and to the pages that ``collect`` makes."""
    for node in list(doctree.findall(source_link)):
        if app.builder.format == "html":
            page, _, anchor = node["page"].partition("#")
            uri = app.builder.get_relative_uri(document, page.removesuffix(".html")) + f"#{anchor}"
            node.replace_self(nodes.reference("", "", *node.children, refuri=uri, internal=True))
        else:
            node.replace_self(nodes.inline("", "", *node.children))


def collect(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """A page for each file of the package, highlighted, an anchor a line."""
    formatter = HtmlFormatter(linenos="inline", lineanchors="L", anchorlinenos=True, wrapcode=True)
    for path in sorted((book.ROOT / "minigan").rglob("*.py")):
        name = path.relative_to(book.ROOT).as_posix()
        body = highlight(path.read_text(encoding="utf-8"), PythonLexer(), formatter)
        yield PAGES + name.removesuffix(".py"), {"title": name, "body": f"<h1>{name}</h1>\n{body}"}, "page.html"


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(source_link)
    app.add_directive("equation", EquationDirective)
    app.add_directive("equation-index", EquationIndex)
    app.add_directive("claims", ClaimsDirective)
    app.add_role("claim", ClaimRole())
    app.add_role("source", CodeRole())
    app.connect("doctree-resolved", resolve)
    app.connect("html-collect-pages", collect)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
