"""Where the host waits for the device, and where it sends it data."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Counts:
    """Where the host waited for the device, and where host data were copied to it: "name at file:line < caller"."""

    waited: list[str] = field(default_factory=list)
    uploaded: list[str] = field(default_factory=list)

    @property
    def syncs(self) -> int:
        return len(self.waited)

    @property
    def uploads(self) -> int:
        return len(self.uploaded)


_counting: list[Counts] = []
HERE = str(Path(__file__).parent)


@contextmanager
def counting() -> Iterator[Counts]:
    """Count within the block; blocks may be nested."""
    _counting.append(Counts())
    try:
        yield _counting[-1]
    finally:
        _counting.pop()


def wait(name: str) -> None:
    for counts in _counting:
        counts.waited.append(_here(name))


def upload(name: str) -> None:
    for counts in _counting:
        counts.uploaded.append(_here(name))


def _here(name: str) -> str:
    frame = sys._getframe(2)
    while frame.f_back and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    callers = [frame, frame.f_back, frame.f_back and frame.f_back.f_back]
    return f"{name} at " + " < ".join(f"{Path(f.f_code.co_filename).name}:{f.f_lineno}" for f in callers if f)
