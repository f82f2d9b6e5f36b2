"""A claim: one equation of the notes, computed by this package and compared with another route to its value.

    @claim("D1", "KL(p‖q) = Σ p log(p/q)", note="weng", paper="Kullback & Leibler (1951)",
           computes={"kl": divergences.kl})
    def kl_of_gaussians(f, lab):
        yield equals("N(0,1) to N(1,2)", f.kl(p, q), log(2) + 2 / 8 - 1 / 2)

    kl_of_gaussians.must_notice(kl=[SCALE, SIGN, SWAPPED])

The body asks only ``f`` for what is on trial, so that ``self_test`` can plant a fault in it (``faults.py``): a claim
that does not notice is no check. ``lab`` gives it its random generator and puts arrays on the device.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import ModuleType, SimpleNamespace
from typing import Any
from zlib import crc32

import numpy as np

from minigan.arrays import Array, to_host
from minigan.claims.faults import Fault
from minigan.registry import Registry


@dataclass(frozen=True)
class Check:
    """One comparison: computed ``relation`` expected, to the tolerance. Arrays are compared entry by entry."""

    what: str
    computed: Any
    relation: str  # "=", "≤" or "≥"
    expected: Any
    tolerance: float

    @property
    def error(self) -> float:
        """By how much the relation is violated: 0 if it holds, inf if a value is nan or the shapes differ."""
        a, b = (np.asarray(to_host(x), dtype=float) for x in (self.computed, self.expected))
        if a.shape != b.shape and a.size != 1 and b.size != 1:
            return np.inf
        same = (a == b) & ~np.isnan(a)  # infinities of one sign are equal
        with np.errstate(invalid="ignore"):
            gap = {"=": np.abs(a - b), "≤": np.maximum(a - b, 0), "≥": np.maximum(b - a, 0)}[self.relation]
        gap = np.where(same, 0.0, np.where(np.isnan(gap), np.inf, gap))
        return float(gap.max(initial=0.0))

    @property
    def passed(self) -> bool:
        return bool(self.error <= self.tolerance)  # of NumPy numbers, too, a bool that JSON has

    def holds_as(self, printed: Callable[[float], str]) -> str:
        """The sign that may stand between the numbers so printed, every entry: =, ≤ or ≥ only if the digits say so.

        Else ≈, ≲ or ≳: to the tolerance, which is to be printed beside it; of a check that fails ≠, ≰ or ≱.
        """
        if not self.passed:
            return {"=": "≠", "≤": "≰", "≥": "≱"}[self.relation]
        pairs = np.broadcast_arrays(*(np.asarray(to_host(x), dtype=float) for x in (self.computed, self.expected)))
        compare = {"=": float.__eq__, "≤": float.__le__, "≥": float.__ge__}[self.relation]
        exact = all(compare(float(printed(a)), float(printed(b)))
                    for a, b in zip(*(x.ravel().tolist() for x in pairs), strict=True) if a != b)
        return self.relation if exact else {"=": "≈", "≤": "≲", "≥": "≳"}[self.relation]


def equals(what: str, computed: Any, expected: Any, rtol: float = 1e-9, atol: float = 1e-12) -> Check:
    """computed = expected, to rtol of the largest |expected| or atol."""
    finite = np.abs(np.asarray(to_host(expected), dtype=float))
    size = float(finite[np.isfinite(finite)].max(initial=0.0))
    return Check(what, computed, "=", expected, max(atol, rtol * size))


def at_most(what: str, computed: Any, bound: Any, slack: float = 1e-12) -> Check:
    """computed ≤ bound. Add an ``equals`` where the bound is attained: an inequality alone proves little."""
    return Check(what, computed, "≤", bound, slack)


def at_least(what: str, computed: Any, bound: Any, slack: float = 1e-12) -> Check:
    """computed ≥ bound."""
    return Check(what, computed, "≥", bound, slack)


@dataclass
class Lab:
    """What a claim works with: its own random generator, and the device its arrays live on."""

    rng: np.random.Generator
    xp: ModuleType = np

    def array(self, x: Any, dtype: Any = float) -> Array:
        return self.xp.asarray(np.asarray(x, dtype=dtype))


Checks = Iterator[Check]
Body = Callable[[Any, Lab], Checks]


@dataclass(frozen=True)
class Claim:
    """A row: what is claimed, where it is from, what of ours computes it, which faults it must notice."""

    id: str
    statement: str
    note: str
    paper: str
    computes: dict[str, Callable]
    body: Body
    truth: str = ""  # of an erratum: what is true instead
    faults: dict[str, Sequence[Fault]] = field(default_factory=dict)

    def must_notice(self, **faults: Sequence[Fault]) -> None:
        """name=[faults to plant there], for each function on trial. ValueError for another name, or without a fault."""
        if faults.keys() != self.computes.keys() or not all(faults.values()):
            raise ValueError(f"claim {self.id}: faults are to be planted in each of {', '.join(self.computes)}, "
                             f"and in nothing else")
        self.faults.update(faults)

    def run(self, seed: int = 0, xp: ModuleType = np, planted: dict[str, Callable] | None = None) -> list[Check]:
        """The checks, on this seed's random inputs; ``planted`` replaces some of what it computes."""
        rng = np.random.default_rng([seed, crc32(self.id.encode())])
        return list(self.body(SimpleNamespace(**(self.computes | (planted or {}))), Lab(rng, xp)))


CLAIMS: Registry[Claim] = Registry("claim")  # by id, as the chapters register them
CHAPTERS = "DGWEX"  # divergences, the game, transport, errata; X for an example


def claim(
    id: str, statement: str, *, note: str, paper: str, computes: dict[str, Callable], truth: str = "",
) -> Callable[[Body], Claim]:
    """Register the function below as the claim's body. ValueError if the id is taken, or is none."""
    if not re.fullmatch(f"[{CHAPTERS}][1-9][0-9]*", id):
        raise ValueError(f"claim {id}: an id is a letter of {CHAPTERS} and a number, as W3 is")

    def register(body: Body) -> Claim:
        CLAIMS[id] = Claim(id, statement, note, paper, computes, body, truth)
        return CLAIMS[id]

    return register


@dataclass(frozen=True)
class Verdict:
    """A claim that has been run: its checks, or what it raised."""

    claim: Claim
    checks: list[Check] = field(default_factory=list)
    raised: str = ""

    @property
    def passed(self) -> bool:
        return not self.raised and bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def worst(self) -> Check | None:
        """The check that comes nearest to failing, or fails worst."""
        return max(self.checks, key=lambda c: (not c.passed, c.error / max(c.tolerance, 1e-300)), default=None)


def verify(claim: Claim, seed: int = 0, xp: ModuleType = np) -> Verdict:
    """Run a claim. An exception is a failure of the claim, not of the program."""
    try:
        with np.errstate(all="ignore"):
            return Verdict(claim, claim.run(seed, xp))
    except Exception as error:  # whatever a body raises, the other claims still run
        return Verdict(claim, raised=f"{type(error).__name__}: {error}")


NO_FAULTS = Fault("no fault is planted", lambda right, *args, **options: right(*args, **options))


def self_test(claim: Claim, seed: int = 0) -> list[tuple[str, str, bool]]:
    """(function, fault, noticed) for each fault of the claim: planted, does it fail? No fault is one that is missed."""
    return [(name, fault.name, _notices(claim, {name: fault.planted(right)}, seed))
            for name, right in claim.computes.items() for fault in claim.faults.get(name, [NO_FAULTS])]


def _notices(claim: Claim, planted: dict[str, Callable], seed: int) -> bool:
    try:
        with np.errstate(all="ignore"):
            return not all(check.passed for check in claim.run(seed, planted=planted))
    except (ArithmeticError, ValueError, TypeError, AssertionError, np.linalg.LinAlgError):
        return True


def select(patterns: Sequence[str]) -> list[Claim]:
    """The claims whose id matches a pattern (W3, 'G*', errata); all without patterns. ValueError if none does."""
    wanted = ["E*" if pattern == "errata" else pattern for pattern in patterns]
    for pattern in wanted:
        if not any(fnmatchcase(id, pattern.upper()) for id in CLAIMS):
            raise ValueError(f"no claim matches {pattern!r}; the ids are {', '.join(CLAIMS)}")
    chosen = [c for c in CLAIMS.values() if not wanted or any(fnmatchcase(c.id, p.upper()) for p in wanted)]
    return sorted(chosen, key=lambda c: (CHAPTERS.index(c.id[0]), int(c.id[1:])))
