"""Distances beside SciPy's and POT's: the same numbers, in one process, in turn.

Every round runs all of a row, and a ratio is that of a round; the table shows the median and the quartiles. Seconds
are those that the process had of its processors, so that what else the machine does hardly counts.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from time import process_time
from typing import Any

import numpy as np

from minigan import theory
from tests.benchmarks.table import markdown as as_markdown
from tests.benchmarks.timing import Timing

ROUNDS, SECONDS = 7, 0.05  # and for about so long each time
SIZES = {"entries": 10**6, "points": 1000, "samples": 2000}
HEADINGS = ("what", "minigan, ms", "beside", "its ms", "minigan's over its (quartiles)", "at most")

Call = Callable[[dict[str, Any]], Any]  # what is timed, of the row's arrays


@dataclass(frozen=True)
class Row:
    """``ours`` and ``theirs`` are given the same arrays; ``most``: the ratio that is aimed at, if one is."""

    what: str
    arrays: Callable[[np.random.Generator, dict[str, int]], dict[str, Any]]
    ours: Call
    theirs: dict[str, Call]  # "library: function" -> the call
    most: float | None = 1.3


def _laws(rng: np.random.Generator, sizes: dict[str, int]) -> dict[str, Any]:
    p, q = rng.random((2, sizes["entries"]))
    return {"p": p / p.sum(), "q": q / q.sum()}


def _on_the_line(rng: np.random.Generator, sizes: dict[str, int]) -> dict[str, Any]:
    x, y = rng.standard_normal((2, sizes["entries"]))
    return {"x": x, "y": y + 0.5} | _laws(rng, sizes)


def _clouds(size: str, weights: str, dim: int = 2) -> Callable[..., dict[str, Any]]:
    """Two clouds of normal points, their distances, and weights."""
    def arrays(rng: np.random.Generator, sizes: dict[str, int]) -> dict[str, Any]:
        n = sizes[size]
        x, y = rng.standard_normal((2, n, dim))
        a, b = rng.dirichlet(np.ones(n), size=2) if weights == "any" else np.full((2, n), 1 / n)
        return {"x": x, "y": y, "a": a, "b": b, "cost": theory.ground_cost(x, y)}

    return arrays


def _of(name: str) -> Any:
    """A function of another library, by its whole name."""
    module, _, function = name.rpartition(".")
    return getattr(import_module(module), function)


def _pots(name: str, **options: Any) -> Call:
    return lambda g: _of(f"ot.{name}")(*(g[k] for k in ("a", "b", "cost")), **options)


ROWS = (
    Row("kl", _laws, lambda g: theory.kl(g["p"], g["q"]),
        {"scipy: rel_entr": lambda g: _of("scipy.special.rel_entr")(g["p"], g["q"]).sum()}),
    Row("jensen_shannon", _laws, lambda g: theory.jensen_shannon(g["p"], g["q"]),
        {"scipy: jensenshannon": lambda g: _of("scipy.spatial.distance.jensenshannon")(g["p"], g["q"]) ** 2}),
    Row("ground_cost", _clouds("points", "any"), lambda g: theory.ground_cost(g["x"], g["y"]),
        {"scipy: cdist": lambda g: _of("scipy.spatial.distance.cdist")(g["x"], g["y"])}),
    Row("ground_cost, p = 2", _clouds("points", "any"), lambda g: theory.ground_cost(g["x"], g["y"], 2),
        {"scipy: cdist": lambda g: _of("scipy.spatial.distance.cdist")(g["x"], g["y"], "sqeuclidean")}),
    Row("wasserstein_1d", _on_the_line, lambda g: theory.wasserstein_1d(g["x"], g["y"]),
        {"scipy: wasserstein_distance": lambda g: _of("scipy.stats.wasserstein_distance")(g["x"], g["y"]),
         "ot: wasserstein_1d": lambda g: _of("ot.wasserstein_1d")(g["x"], g["y"])}),
    Row("wasserstein_1d, weights", _on_the_line, lambda g: theory.wasserstein_1d(g["x"], g["y"], 1, g["p"], g["q"]),
        {"scipy: wasserstein_distance":
            lambda g: _of("scipy.stats.wasserstein_distance")(g["x"], g["y"], g["p"], g["q"]),
         "ot: wasserstein_1d": lambda g: _of("ot.wasserstein_1d")(g["x"], g["y"], g["p"], g["q"])}),
    *(Row(f"sinkhorn, ε = {epsilon:g}", _clouds("points", "any"),
          lambda g, epsilon=epsilon: theory.sinkhorn(g["cost"], g["a"], g["b"], epsilon),
          {"ot: sinkhorn": _pots("sinkhorn", reg=epsilon, numItermax=10_000, stopThr=1e-9, warn=False)})
      for epsilon in (1, 0.1)),
    Row("emd, equal weights", _clouds("samples", "equal"), lambda g: theory.emd(g["cost"]),
        {"scipy: linear_sum_assignment": lambda g: _of("scipy.optimize.linear_sum_assignment")(g["cost"])}, 1.2),
    Row("emd, any weights", _clouds("points", "any"), lambda g: theory.emd(g["cost"], g["a"], g["b"]),
        {"ot: emd2": _pots("emd2", numItermax=10**7)}, None),
)


def table(quick: bool = False, rows: Sequence[Row] = ROWS, sizes: dict[str, int] = SIZES) -> list[list[str]]:
    """A line for each row and each other library; a ratio above what is aimed at is in bold."""
    return [line for row in rows for line in _lines(row, row.arrays(np.random.default_rng(0), sizes), quick)]


def _lines(row: Row, arrays: dict[str, Any], quick: bool) -> list[list[str]]:
    present = {label: call for label, call in row.theirs.items() if find_spec(label.partition(":")[0])}
    seconds = _rounds([row.ours, *present.values()], arrays, 2 if quick else ROUNDS)
    ours, found = seconds[0], dict(zip(present, seconds[1:], strict=True))
    most = "" if row.most is None else f"{row.most:g}"

    def line(label: str) -> list[str]:
        if label not in found:
            return [row.what, f"{1e3 * ours.median:.3g}", label, "not installed", "", most]
        ratio = "{:.2f} ({:.2f} to {:.2f})".format(*ours.over(found[label]))
        missed = row.most is not None and ours.over(found[label])[0] > row.most
        return [row.what, f"{1e3 * ours.median:.3g}", label, f"{1e3 * found[label].median:.3g}",
                f"**{ratio}**" if missed else ratio, most]

    return [line(label) for label in row.theirs]


def _rounds(calls: Sequence[Call], arrays: dict[str, Any], rounds: int) -> list[Timing]:
    seconds: list[list[float]] = [[] for _ in calls]
    with warnings.catch_warnings():  # a library that warns of the backends that it does not find
        warnings.simplefilter("ignore")
        for call in calls:  # once to load what it needs
            call(arrays)
        times = [max(1, round(SECONDS / max(1e-6, _seconds(call, arrays, 1)))) for call in calls]
        for _ in range(rounds):
            for call, n, mine in zip(calls, times, seconds, strict=True):
                mine.append(_seconds(call, arrays, n))
    return [Timing(mine) for mine in seconds]


def _seconds(call: Call, arrays: dict[str, Any], times: int) -> float:
    """Of one call, over so many."""
    start = process_time()
    for _ in range(times):
        call(arrays)
    return (process_time() - start) / times


def markdown(quick: bool = False) -> str:
    sizes = ", ".join(f"{n:,} {what}" for what, n in SIZES.items())
    said = f"{sizes}; one thread if the environment says so. In **bold**: above what is aimed at."
    return f"{said}\n\n{as_markdown(HEADINGS, table(quick))}"


if __name__ == "__main__":
    import sys

    print(markdown("--quick" in sys.argv))
