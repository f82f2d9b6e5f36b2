"""Faults: mistakes to plant in what a claim computes, so that it may show that it notices.

A mistake is written as the wrong function itself: it gets the right one first, and then that one's arguments.

    wrong("P and Q exchanged", lambda kl, p, q: kl(q, p))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True)
class Fault:
    """A mistake: its name, and (the right function, its arguments ...) to what is answered instead."""

    name: str
    answer: Callable[..., Any]

    def planted(self, right: Callable) -> Callable:
        """The wrong function in place of the right one."""
        return partial(self.answer, right)


wrong = Fault


def instead(what: str, other: Callable) -> Fault:
    """Another function altogether."""
    return Fault(what, lambda right, *args, **options: other(*args, **options))


def dropped(what: str, other: Callable) -> Fault:
    """Another function, which lacks something."""
    return instead(f"dropped {what}", other)


def changed(what: str, change: Callable[[Any], Any]) -> Fault:
    """A mistake in the answer."""
    return Fault(what, lambda right, *args, **options: change(right(*args, **options)))


def shifted(by: float) -> Fault:
    return changed(f"{by:+g}", lambda y: y + by)


SCALE = changed("scale", lambda y: 1.05 * y)
SIGN = changed("sign", lambda y: -1 * y)
SWAPPED = wrong("swapped arguments", lambda f, a, b, *rest, **options: f(b, a, *rest, **options))
SQUARED = changed("squared", lambda y: y**2)
UNHALVED = changed("without the ½", lambda y: 2 * y)
