"""Rows by name: a taken name is refused, and a misspelt one is answered with the nearest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from difflib import get_close_matches
from typing import Any, TypeVar

Row = TypeVar("Row")


class Registry(dict[str, Row]):
    """A dictionary of rows that grows but never changes one: ``rows[name] = row`` raises ValueError if name is taken.

    A second row of a known name would silently change the first for the whole process. what: the rows' kind in the
    singular ("recipe"), for messages. To replace a row on purpose, delete it first.
    """

    def __init__(self, what: str, rows: Mapping[str, Row] | Iterable[tuple[str, Row]] = ()):
        super().__init__()
        self.what = what
        self.update(rows)

    def refuse_taken(self, name: str) -> None:
        if name in self:
            raise ValueError(f"there is a {self.what} {name!r} already: choose another name")

    def __setitem__(self, name: str, row: Row) -> None:
        self.refuse_taken(name)
        super().__setitem__(name, row)

    # written with rows[name] = row, as dict's own are not
    update, setdefault = MutableMapping.update, MutableMapping.setdefault

    def __ior__(self, rows: Any) -> Registry[Row]:  # type: ignore[override,misc]
        self.update(rows)
        return self


def choose(name: str, rows: Mapping[str, Row], what: str) -> Row:
    """rows[name]; a ValueError that suggests the nearest name and lists all, if there is none."""
    if name in rows:
        return rows[name]
    near = get_close_matches(str(name), rows, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"unknown {what} {name!r}{hint} There are: {', '.join(rows)}")
