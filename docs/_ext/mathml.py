"""Mathematics as MathML, made while the site is built: no script, and no request to any host.

``latex2mathml`` parses the LaTeX. What browsers and it do not agree on is put right here, on the tree: limits under
max and sup, letters whose style browsers no longer take from an attribute, spaces after names such as log. The font,
STIX Two Math (SIL Open Font License), is copied from the installed package ``ziamath`` into the built site.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from shutil import copyfile
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

LIMITS = {"max", "min", "sup", "inf", "arg\u2009max", "arg\u2009min"}  # what they range over stands below, in a display
NAMES = {"log", "exp", "tr", "sign", "dom", "clip", "mean", "Lip"}  # a thin space follows, but before a bracket
BRACKETS = set("([{|‖⟨")
ENDS = set(")]}|‖⟩∣")  # a minus after one of these is between two terms; after another operator it is a sign
SCRIPT = {"N": "𝒩", "L": "ℒ", "U": "𝒰", "X": "𝒳"}  # what \\mathcal is used for


def mathml(latex: str, display: str) -> str:
    """A <math> element; ValueError, with the LaTeX, if a command is not understood."""
    text = " ".join(latex.split())
    # split is the environment that latex2mathml knows; aligned is the one that LaTeX allows within a display
    text = re.sub(r"\\(begin|end)\{(aligned|gathered)\}", r"\\\1{split}", text)
    if display == "block" and r"\begin" not in text and (r"\\" in text or "&" in text):  # as Sphinx's own renderers do
        text = rf"\begin{{split}}{text}\end{{split}}"
    text = re.sub(r"\\arg\s*\\(max|min)", r"\\mathrm{arg\\,\1}", text)
    text = re.sub(r"(?<!\\)\\ ", r"\\;", text)
    text = re.sub(r"\\(big|Big|bigg|Bigg)[lrm]?\s*\\\|", r"\\|", text.replace(r"\!", ""))
    try:
        root = ElementTree.fromstring(convert(text, display=display))
    except Exception as error:
        raise ValueError(f"{error!r} in the LaTeX {latex!r}") from error
    for tag in root.iter():
        tag.tag = tag.tag.rpartition("}")[2]
    _repair(root, display == "block")
    if "\\" in "".join(root.itertext()):
        raise ValueError(f"a command of the LaTeX {latex!r} is not known")
    root.set("alttext", " ".join(latex.split()))
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _repair(parent: ElementTree.Element, block: bool) -> None:
    for before, tag in zip([None, *parent], list(parent), strict=False):
        _repair(tag, block)
        _word(tag)
        text = tag.text or ""
        if tag.tag == "mo" and text in ("∞", "∅"):
            tag.tag = "mi"
        first = before is None or (before.tag == "mo" and before.text not in ENDS)
        if tag.tag == "mo" and text in ("−", "+") and first:
            tag.set("form", "prefix")
        if tag.tag == "mo" and text == "/":
            tag.attrib.update(lspace="0.08em", rspace="0.08em")
        if tag.get("mathvariant") == "script":
            tag.text, _ = SCRIPT[text], tag.attrib.pop("mathvariant")
        if tag.get("mathvariant") == "bold":
            tag.text, _ = "".join(_bold(c) for c in text), tag.attrib.pop("mathvariant")
        if tag.tag in ("mi", "mo") and text == "~":
            tag.tag, tag.text = "mo", "∼"
        if tag.tag == "mi" and text in ("‖", "⟨", "⟩", "∣"):
            tag.tag = "mo"
        if tag.tag == "mo" and text in ("‖", "|", "∣") and "stretchy" not in tag.attrib:
            tag.set("stretchy", "false")
        if tag.tag in ("mo", "mi") and text in ("‖", "∣", "|"):
            tag.attrib.update(lspace="0.05em", rspace="0.05em")
        if tag.tag == "mo" and (text in NAMES or text in LIMITS):
            tag.tag = "mi"
        if tag.tag == "mtd":
            tag.set("style", f"text-align: {tag.attrib.pop('columnalign', 'center')}")
    if parent.tag == "msub" and block and _name(parent[0]) in LIMITS:
        parent.tag = "munder"
    for i in reversed(range(len(parent) - 1)):
        if parent.tag not in ("mrow", "mtd"):
            continue
        if _name(parent[i]) in NAMES | LIMITS and _first(parent[i + 1]) not in BRACKETS:
            parent.insert(i + 1, ElementTree.Element("mspace", width="0.17em"))
        if _name(parent[i + 1]) in NAMES | LIMITS and (parent[i].tag != "mo" or parent[i].text in ENDS):
            parent.insert(i + 1, ElementTree.Element("mspace", width="0.17em"))


def _word(tag: ElementTree.Element) -> None:
    """The letters of \\mathrm{KL} as one name, <mi>KL</mi>."""
    letters = [child for child in tag if child.tag != "mspace"]
    if tag.tag == "mrow" and letters and all(child.get("mathvariant") == "normal" for child in letters):
        name = "".join("\u2009" if child.tag == "mspace" else child.text or "" for child in tag)
        tag.clear()
        tag.tag, tag.text = "mi", name
        if len(name) == 1:
            tag.set("mathvariant", "normal")


def _name(tag: ElementTree.Element) -> str:
    """log of log, and of log₂."""
    if tag.tag in ("msub", "munder", "msup"):
        return _name(tag[0])
    return tag.text or "" if tag.tag in ("mi", "mo") else ""


def _first(tag: ElementTree.Element) -> str:
    return "".join(tag.itertext()).strip()[:1] or " "


def _bold(letter: str) -> str:
    """𝟏 of 1, 𝐱 of x."""
    for first, bold in (("0", 0x1D7CE), ("A", 0x1D400), ("a", 0x1D41A)):
        if 0 <= ord(letter) - ord(first) < (10 if first == "0" else 26):
            return chr(bold + ord(letter) - ord(first))
    return letter


def _rendered(node: nodes.Element, display: str) -> str:
    try:
        return mathml(node.astext(), display)
    except ValueError as error:
        logging.getLogger(__name__).warning(str(error), location=node)
        return f"<code>{escape(node.astext())}</code>"


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(_rendered(node, "inline"))
    raise nodes.SkipNode


def _block(self: Any, node: nodes.math_block) -> None:
    number = f'<span class="eqno">({escape(str(node["number"]))})</span>' if node.get("number") else ""
    self.body.append(self.starttag(node, "div", CLASS="math-display"))
    self.body.append(f'<div class="formula">{_rendered(node, "block")}</div>{number}</div>\n')
    raise nodes.SkipNode


def _font(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        import ziamath

        font = Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf"
        copyfile(font, Path(app.outdir) / "_static" / font.name)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", _font)
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
