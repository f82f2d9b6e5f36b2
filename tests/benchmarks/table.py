"""What was measured, as Markdown: a table for each problem, and the ratios beside what they aim at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.benchmarks.check import BOUNDS, Check
from tests.benchmarks.contenders import AGAIN, EAGER, FLOOR, JAX, MINIGAN
from tests.benchmarks.problem import SIZES, Problem
from tests.benchmarks.timing import Result, Timing

RECIPES = {"wgan-gp": "WGAN-GP", "gan": "non-saturating"}
Interval = tuple[float, float, float]  # median and quartiles


@dataclass(frozen=True)
class Comparison:
    """A column of the summary: minigan's time over another's, or the inverse, with so many threads or the best."""

    heading: str
    other: str
    threads: int | None = None  # None: each with the number of threads that is best for it
    inverse: bool = False  # their time over ours: more is better

    def ratio(self, results: Sequence[Result]) -> Interval | None:
        ours, theirs = (best(results, label, self.threads) for label in (MINIGAN, self.other))
        if ours is None or theirs is None:
            return None
        return theirs.over(ours) if self.inverse else ours.over(theirs)

    def reached(self, ratio: float, aim: float) -> bool:
        return ratio >= aim if self.inverse else ratio <= aim


COMPARISONS = (
    Comparison("times as fast as PyTorch eager", EAGER, inverse=True),
    Comparison("of JAX's time", JAX),
    Comparison("of the floor's time, one thread", FLOOR, threads=1),
)
AIMS: dict[tuple[str, str], tuple[float | None, ...]] = {  # (recipe, size), with ReLU -> of each comparison
    ("wgan-gp", "S"): (7, 1.15, 2.2),
    ("wgan-gp", "M"): (2, 1.12, 1.25),
    ("wgan-gp", "L"): (1.3, 1.12, 1.12),
    ("gan", "S"): (6, 0.9, None),
}


def best(results: Iterable[Result], label: str, threads: int | None = None) -> Timing | None:
    """The quickest timing of that label, or the one with so many threads."""
    timings = [r.timing for r in results if r.label == label and r.timing and threads in (None, r.threads)]
    return min(timings, key=lambda timing: timing.median, default=None)


def size(problem: Problem) -> str:
    """S, M or L."""
    shape = (problem.depth, problem.width, problem.batch)
    return next((name for name, given in SIZES.items() if given == shape), "{}×{}, batch {}".format(*shape))


def title(problem: Problem) -> str:
    return f"{RECIPES[problem.recipe]}, {size(problem)}, {problem.activation}"


# -- tables -----------------------------------------------------------------------------------------
def iterations(results: Sequence[Result]) -> str:
    """Of one problem."""
    ours = best(results, MINIGAN)

    def row(r: Result) -> list[str]:
        if r.timing is None:
            return [r.label, str(r.threads), f"n/a: {r.reason}", "", ""]
        alone = sum(r.label == other.label for other in results) == 1
        mark = "" if alone or r.timing is not best(results, r.label) else " (best)"
        low, high = r.timing.quartiles
        ratio = interval(r.timing.over(ours)) if ours else ""
        return [r.label, f"{r.threads}{mark}", f"{r.timing.median * 1e6:.0f}", f"{low * 1e6:.0f} to {high * 1e6:.0f}",
                ratio]

    return markdown(["contender", "threads", "µs an iteration", "quartiles", "over minigan's best (quartiles)"],
                    [row(r) for r in results])


def summary(measured: Sequence[tuple[Problem, Sequence[Result]]]) -> str:
    """The ratios beside their aims, and the resolution: how far minigan is from itself."""
    rows, same = [], []
    for problem, results in measured:
        aims = AIMS.get((problem.recipe, size(problem))) if problem.activation == "relu" else None
        if aims:
            cells = [cell(c, c.ratio(results), aim) for c, aim in zip(COMPARISONS, aims, strict=True)]
            rows.append([title(problem), *cells])
        again = Comparison("", AGAIN, threads=1, inverse=True).ratio(results)
        if again is not None:
            same.append(f"{title(problem)}: {interval(again)}")
    resolution = f"The resolution, minigan again over minigan, one thread: {'; '.join(same) or 'not measured'}."
    return "\n\n".join([markdown(["problem", *(c.heading for c in COMPARISONS)], rows)] * bool(rows) + [resolution])


def cell(comparison: Comparison, ratio: Interval | None, aim: float | None) -> str:
    if ratio is None:
        return "n/a"
    if aim is None:
        return interval(ratio)
    mark = "reached" if comparison.reached(ratio[0], aim) else "**missed**"
    return f"{interval(ratio)}; aim {'≥' if comparison.inverse else '≤'} {aim}: {mark}"


def checked(made: Sequence[Check]) -> str:
    """The largest differences of gradients from minigan's."""
    def row(check: Check) -> list[str]:
        numbers = [f"{check.largest[key]:.1e}" if key in check.largest else "" for key in BOUNDS]
        verdict = f"n/a: {check.reason}" if check.reason else "**refused**" if check.refused else "the same"
        return [check.label, *numbers, verdict]

    headings = [f"{dtype}, {activation} (at most {bound:g})" for (dtype, activation), bound in BOUNDS.items()]
    return markdown(["contender", *headings, "gradients"], [row(check) for check in made])


def interval(numbers: Interval) -> str:
    return "{:.2f} ({:.2f} to {:.2f})".format(*numbers)


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells must not have a | of their own."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(x.replace("|", "¦") for x in line) + " |" for line in lines)
