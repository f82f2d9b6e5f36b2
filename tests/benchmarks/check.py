"""Before anything is timed: every contender computes what minigan computes.

    difference = max over the players of  maxᵢ |gᵢ − rᵢ| / maxᵢ |rᵢ|,    r minigan's ``grad`` of the losses,

at the parameters as they start. In float64 it is rounding. In float32 ReLU has another reason to differ: a unit with
|a| ≈ 1e-8 is on here and off there, and one such mask moves a gradient by percents.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.benchmarks.contenders import Entry
from tests.benchmarks.problem import Problem
from tests.benchmarks.timing import AT_ONCE, Cannot, Worker

BOUNDS = {("float64", "relu"): 1e-9, ("float64", "tanh"): 1e-9, ("float32", "relu"): 3e-2, ("float32", "tanh"): 1e-3}
REFERENCE = Entry("minigan's grad", "training", "Reference")
Gradients = list[list[np.ndarray]]  # of each problem: a flat vector for each player


@dataclass(frozen=True)
class Check:
    """Of one contender: its difference for each problem, or the reason why there is none."""

    label: str
    differences: dict[Problem, float]
    reason: str = ""

    @property
    def largest(self) -> dict[tuple[str, str], float]:
        """For each (dtype, activation): over the problems. NaN counts as more than any number."""
        found: dict[tuple[str, str], list[float]] = {}
        for given, difference in self.differences.items():
            found.setdefault((given.dtype, given.activation), []).append(difference)
        return {key: float(np.max(values)) for key, values in found.items()}

    @property
    def refused(self) -> bool:
        return any(not difference <= BOUNDS[key] for key, difference in self.largest.items())


def checks(entries: Sequence[Entry], problems: Sequence[Problem]) -> list[Check]:
    """Of all that have gradients; entries of one class share a check, which bears the first one's name."""
    kinds = {(entry.module, entry.name): entry for entry in reversed(entries) if entry.checked}
    given = [replace(p, dtype=dtype) for dtype in ("float32", "float64") for p in problems]  # JAX's x64 comes to stay
    with TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        expected = gradients(REFERENCE, given, Path(folder))

        def check(entry: Entry) -> Check:
            try:
                found = gradients(entry, given, Path(folder))
            except Cannot as reason:
                return Check(entry.label, {}, str(reason))
            return Check(entry.label, {p: difference(g, r) for p, g, r in zip(given, found, expected, strict=True)})

        return list(pool.map(check, reversed(kinds.values())))


def gradients(entry: Entry, problems: Sequence[Problem], folder: Path) -> Gradients:
    """By one process, problem after problem."""
    worker = Worker(entry.module, problems[0], name=entry.name)
    try:
        worker.wait()
        return [_read(worker, given, folder / f"{entry.module}.{entry.name}.npz") for given in problems]
    finally:
        worker.close()


def _read(worker: Worker, given: Problem, path: Path) -> list[np.ndarray]:
    worker.ask(problem=vars(given))
    with np.load(worker.ask(gradients=str(path))) as arrays:
        flat = [arrays[name].ravel() for name in arrays.files]
    half = 2 * (len(given.generator_sizes) - 1)  # W and b of each of the generator's layers
    return [np.concatenate(flat[:half]), np.concatenate(flat[half:])]


def difference(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> float:
    return float(np.max([np.abs(g - r).max() / np.abs(r).max() for g, r in zip(found, expected, strict=True)]))


def allowed(entries: Sequence[Entry], made: Sequence[Check]) -> list[Entry]:
    """Those that may be timed: not of a class that was refused."""
    labels = {check.label for check in made if check.refused}
    wrong = {(entry.module, entry.name) for entry in entries if entry.label in labels}
    return [entry for entry in entries if (entry.module, entry.name) not in wrong]
