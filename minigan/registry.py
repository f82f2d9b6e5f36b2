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
    if isinstance(name, str) and name in rows:
        return rows[name]
    raise ValueError(not_among(name, rows, what))


def not_among(name: object, names: Iterable[str], what: str) -> str:
    """What to say of a name that is none of these."""
    names = list(names)
    near = nearest(name, names)
    hint = f"; did you mean {near!r}?" if near else "."
    return f"unknown {what} {name!r}{hint} There are: {', '.join(names)}"


def nearest(name: object, names: Iterable[str], cutoff: float = 0.4) -> str | None:
    """The name most like it, whatever its capitals and whether _ or - joins its words; None if none is like it."""
    known = {_plain(known): known for known in names}
    near = get_close_matches(_plain(name), known, n=1, cutoff=cutoff)
    return known[near[0]] if near else None


def _plain(name: object) -> str:
    return str(name).lower().replace("_", "-")
