"""Claims as a page of Markdown: what is said, what is true, and the numbers, computed here and now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.claims.claim import Verdict

ERRATA = """# Errata of the notes

Where the five lecture notes are wrong, or disagree, each with a counterexample in numbers. Written by
`minigan verify errata --markdown docs/errata.md`, from the claims that `minigan verify` checks. In nats unless
said otherwise.
"""
CLAIMS = """# Claims

Written by `minigan verify --markdown FILE`. In nats unless said otherwise.
"""


def markdown(verdicts: Sequence[Verdict]) -> str:
    """The page: a section a claim, a row a check."""
    errata = all(v.claim.truth for v in verdicts)
    return (ERRATA if errata else CLAIMS) + "".join(_section(verdict) for verdict in verdicts)


def _section(verdict: Verdict) -> str:
    claim = verdict.claim
    notes = ", ".join(f"`{name.strip()}`" for name in claim.note.split(","))
    said = f"**It says:** {claim.statement}.\n\n**True is:** {claim.truth}." if claim.truth else f"{claim.statement}"
    rows = "".join(f"| {_cell(c.what)} | {_numbers(c.computed)} | {c.relation} | {_numbers(c.expected)} |\n"
                   for c in verdict.checks)
    return (f"\n## {claim.id} ({notes})\n\n{said} Source: {claim.paper}.\n\n"
            f"| check | computed | | expected |\n| --- | --- | --- | --- |\n{rows}")


def _cell(text: str) -> str:
    return text.replace("|", "∣")


def _numbers(x: Any) -> str:
    values = np.asarray(to_host(x), dtype=float)
    shown = [f"{0.0 if abs(v) < 1e-9 else v:.4g}" for v in values.ravel()]  # rounding is the machine's own
    return ", ".join(shown[:8]) + ", ..." * (len(shown) > 8)
