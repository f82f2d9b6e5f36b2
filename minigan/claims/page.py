"""Claims as a page of Markdown: what is said, what is true, and the numbers, computed here and now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.claims.claim import Check, Verdict

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
    rows = "".join(f"| {_cell(c.what)} | {' | '.join(comparison(c, _digits, ', ...', 8))} |\n" for c in verdict.checks)
    return (f"\n## {claim.id} ({notes})\n\n{said} Source: {claim.paper}.\n\n"
            f"| check | computed | | expected |\n| --- | --- | --- | --- |\n{rows}")


def _cell(text: str) -> str:
    return text.replace("|", "∣")


def comparison(check: Check, printed: Callable[[float], str], more: str, most: int) -> tuple[str, str, str]:
    """(computed, sign, expected) as ``printed`` writes numbers, the first few of an array; a tolerance beside an ≈."""
    sign = check.holds_as(printed)
    tolerance = "" if sign == check.relation else f" (± {check.tolerance:.2g})"

    def written(x: Any) -> str:
        values = np.asarray(to_host(x), dtype=float).ravel()
        return ", ".join(map(printed, values[:most].tolist())) + more * (len(values) > most)

    return written(check.computed), sign, written(check.expected) + tolerance


def _digits(v: float) -> str:
    return f"{0.0 if abs(v) < 1e-9 else v:.4g}"  # what is below is rounding, and the machine's own
