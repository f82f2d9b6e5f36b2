"""What every checker is made of: a property is a row, and Hypothesis looks for inputs that break it.

    Property("zero at P = Q", "D(p, p) = 0", {"p": probability_vectors()}, lambda p: equal("D(p, p)", D(p, p), 0))

``run`` tries every row and then raises one ``PropertyError``, which lists those that fail, each with its smallest
counterexample. What a caller skips, and what fails but is debatable, is a warning. The draws depend on the seed
alone, so that a verdict can be repeated.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy

from minigan.arrays import to_host
from minigan.registry import choose

Skip = Mapping[str, str] | Collection[str]  # names of properties, or name -> why it is left out


@dataclass(frozen=True)
class Property:
    """A row. ``holds`` raises ``Wrong`` at inputs where it does not; ``examples`` caps the number of draws.

    An input named p_q is a pair, and reported as "p, q = (..., ...)". debatable: why one may do otherwise on
    purpose; who breaks the row is then warned, not refused.
    """

    name: str
    formula: str
    inputs: Mapping[str, SearchStrategy]
    holds: Callable[..., None]
    examples: int | None = None
    debatable: str = ""


@dataclass(frozen=True)
class Finding:
    """``property`` is broken: at ``counterexample`` the function does what ``found`` says, not ``formula``."""

    property: str
    formula: str
    counterexample: Mapping[str, Any]
    found: str

    def __str__(self) -> str:
        inputs = [f"    {name.replace('_', ', ')} = {show(value)}" for name, value in self.counterexample.items()]
        return "\n".join([
            f"the property {self.property!r}",
            f"  expected: {self.formula}",
            *(["  smallest counterexample:", *inputs] if inputs else []),
            f"  found: {self.found}",
        ])


class PropertyError(AssertionError):
    """Your function breaks properties: ``findings``, a ``Finding`` each. ``held``: the names of those that it keeps.

    skipped: name -> why. hint: what explains the findings, if anything known does. property, formula, counterexample
    and found are the first finding's.
    """

    def __init__(
        self, subject: str, findings: Sequence[Finding], held: Sequence[str], skipped: Mapping[str, str],
        hint: str = "",
    ):
        self.findings, self.held, self.skipped, self.hint = tuple(findings), tuple(held), dict(skipped), hint
        first = self.findings[0]
        self.property, self.formula = first.property, first.formula
        self.counterexample, self.found = first.counterexample, first.found
        super().__init__("\n".join([
            f"{subject} breaks " + "\nand ".join(map(str, self.findings)),
            *([f"These hold: {', '.join(map(repr, self.held))}"] if held else []),
            *(f"Skipped: {name!r} ({why})" for name, why in self.skipped.items()),
            *([hint] if hint else []),
        ]))


class Debatable(UserWarning):
    """A property fails, but one may do so on purpose; the message says why."""


class Skipped(UserWarning):
    """A property was left out at the caller's wish."""


class Wrong(Exception):
    """The property does not hold at these inputs; the message says what was found."""


def run(
    subject: Sequence[Callable], properties: Sequence[Property], examples: int, seed: int, skip: Skip = (),
    hint: Callable[[], str] = lambda: "",
) -> list[str]:
    """The names of the properties that hold as far as the examples go; a ``PropertyError`` if any other fails.

    skip: names of properties that are not tried, or a dictionary that says why; each is a ``Skipped`` warning.
    hint: what may explain the findings, in words; asked only if there are any. ValueError for a name in ``skip`` that
    no property here has, and for fewer than one example. TypeError for examples that are no whole number.
    """
    if isinstance(examples, bool) or not isinstance(examples, int | np.integer):
        raise TypeError(f"examples must be a whole number, not {examples!r}")
    if examples < 1:
        raise ValueError(f"examples must be at least 1, not {examples}: without any nothing is checked")
    title = ", ".join(show(f) for f in subject)
    skipped = _reasons(skip, properties)
    findings, held = [], []
    for name, why in skipped.items():
        warnings.warn(f"{title}: skipped the property {name!r}: {why}", Skipped, stacklevel=3)
    for row in properties:
        if row.name in skipped:
            continue
        broken = _smallest(row, min(examples, row.examples or examples) if row.inputs else 1, seed)
        if broken is None:
            held.append(row.name)
        elif row.debatable:
            finding = Finding(row.name, row.formula, *broken)
            warnings.warn(f"{title} breaks {finding}\n  debatable, not wrong: {row.debatable}", Debatable, stacklevel=3)
        else:
            findings.append(Finding(row.name, row.formula, *broken))
    if findings:
        raise PropertyError(title, findings, held, skipped, hint())
    return held


def _reasons(skip: Skip, properties: Sequence[Property]) -> dict[str, str]:
    """Name -> why it is skipped."""
    known = {row.name: row for row in properties}
    names = [skip] if isinstance(skip, str) else skip
    reasons = skip if isinstance(skip, Mapping) else dict.fromkeys(names, "the caller said so")
    return {choose(name, known, "property").name: why for name, why in reasons.items()}


def _smallest(row: Property, examples: int, seed: int) -> tuple[dict[str, Any], str] | None:
    """The smallest inputs that Hypothesis finds to break the row, and what is found there."""
    failures: list[tuple[dict[str, Any], str]] = []

    # The caller's own profile must not change a verdict, nor a database of examples from an earlier one
    @hypothesis_seed(seed)
    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=False, print_blob=False,
        report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.target, Phase.shrink),
    )
    @given(st.fixed_dictionaries(dict(row.inputs)))
    def attempt(inputs: dict[str, Any]) -> None:
        found = _found(row, inputs)
        if found:
            failures.append((inputs, found))  # Hypothesis ends on the smallest
            raise Wrong

    try:
        attempt()
    except Wrong:
        return failures[-1]
    except Flaky:
        return failures[-1][0], f"{failures[-1][1]} (but not every time: the same inputs give different values)"
    return None


def _found(row: Property, inputs: Mapping[str, Any]) -> str:
    """What is wrong at these inputs; empty if nothing is. Whatever a stranger's function raises is a finding."""
    # A copy, so that a function that writes into its arguments spoils neither the search nor the report
    try:
        with np.errstate(all="ignore"):  # log 0 on the way to 0 log 0 is nobody's fault
            row.holds(**deepcopy(dict(inputs)))
    except Wrong as wrong:
        return str(wrong)
    except Exception as error:  # a stranger's function may raise anything: that is the finding
        return f"it raised {type(error).__name__}: {error}"
    return ""


def require(condition: Any, found: str) -> None:
    """``Wrong`` unless the condition is true."""
    if not condition:
        raise Wrong(found)


def number(what: str, value: Any) -> float:
    """The one number that ``value`` holds; ``Wrong`` if it is an array of several, or nan."""
    require(value is not None, f"{what} is None: nothing was returned")
    array = np.asarray(to_host(value), dtype=float)
    require(array.size == 1, f"{what} has shape {array.shape}, not one number")
    require(not np.isnan(array).any(), f"{what} is nan")
    return float(array.reshape(()))


def array(what: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """``value`` as float64 of that shape; ``Wrong`` if it has another, or holds a nan."""
    values = np.asarray(to_host(value), dtype=float)
    require(values.shape == shape, f"{what} has shape {values.shape}, not {shape}")
    require(not np.isnan(values).any(), f"{what} = {show(values)} holds a nan")
    return values


def equal(
    what: str, value: Any, expected: Any, rtol: float = 1e-9, atol: float = 1e-9, hint: Callable[[], str] | None = None
) -> None:
    """|value − expected| ≤ atol + rtol max|expected|, infinities where they are expected; else ``Wrong``."""
    expected = np.asarray(expected, dtype=float)
    found = np.asarray(number(what, value)) if expected.ndim == 0 else array(what, value, expected.shape)
    size = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
    close = (found == expected) | (np.abs(found - expected) <= atol + rtol * size)
    require(close.all(), f"{what} = {show(found)}, expected {show(expected)}{hint() if hint else ''}")


def at_most(what: str, value: Any, bound: float, rtol: float = 1e-9, atol: float = 1e-9) -> None:
    """value ≤ bound + atol + rtol |bound|; else ``Wrong``."""
    found = number(what, value)
    slack = atol + (rtol * abs(bound) if np.isfinite(bound) else 0.0)
    require(found <= bound + slack, f"{what} = {show(found)}, expected at most {show(bound)}")


def show(value: Any) -> str:
    """Numbers to ten digits, arrays as lists of them, functions by name."""
    if isinstance(value, tuple):
        return "(" + ", ".join(show(v) for v in value) + ")"
    if isinstance(value, np.ndarray) and value.ndim:
        return "[" + ", ".join(show(v) for v in value) + "]"
    if isinstance(value, float | np.floating | np.ndarray):
        return f"{float(value):.10g}"
    if isinstance(value, partial):
        return show(value.func)
    return getattr(value, "__name__", None) or repr(value)
