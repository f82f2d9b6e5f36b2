"""Looking a row up by name, with an error that helps."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

Row = TypeVar("Row")


def choose(name: str, rows: Mapping[str, Row], what: str) -> Row:
    """rows[name]; a ValueError that suggests the nearest name and lists all, if there is none."""
    if name in rows:
        return rows[name]
    near = get_close_matches(str(name), rows, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"unknown {what} {name!r}{hint} There are: {', '.join(rows)}")
