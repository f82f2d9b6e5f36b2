"""How time, memory and building grow with the problem: WGAN-GP, float32, one thread.

    cost ≈ c · sizeᵖ,    p the slope of log cost over log size, by least squares

over the larger half of the sizes, where what a call costs whatever its arrays' size is least. Nothing should grow
faster than what it is counted against (p ≤ 1): time against the multiplications of the matrix products, memory
against the arrays of a step, building against the length of what is built.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median, quantiles
from typing import Any

import numpy as np

from tests.benchmarks.contenders import floor
from tests.benchmarks.problem import SIZES, Problem, problem
from tests.benchmarks.table import markdown as as_markdown
from tests.benchmarks.timing import Timing, Worker, interleaved

RESOLUTION = 0.1  # of an exponent
ROUNDS, SECONDS = 12, 0.1  # of a line: every value so many times, for about so long
DEPTHS, UNROLLS, SEEDS = (1, 2, 3, 4, 6, 8), (0, 1, 2, 4, 6, 8), (1, 2, 4, 8, 16, 32)
HEADINGS = ("what", "as this grows", "values", "cost", "against", "exponent (quartiles)", "at most linear")

Case = tuple[Problem, dict[str, Any]]  # a problem, and settings of the contender
Facts = dict[str, float]  # what a contender of contenders/programs.py describes


@dataclass(frozen=True)
class Line:
    """What one thing costs at each value of another; ``rounds``: the costs as measured in each round."""

    what: str
    grows: str
    values: Sequence[int]
    rounds: Sequence[Sequence[float]]
    sizes: Sequence[float]  # what the cost is counted against
    units: tuple[str, str]  # of the cost and of the size

    @property
    def costs(self) -> list[float]:
        return [median(costs) for costs in zip(*self.rounds, strict=True)]

    @property
    def exponents(self) -> tuple[float, float, float]:
        """The median over the rounds, and the quartiles."""
        ps = [exponent(self.sizes, costs) for costs in self.rounds]
        low, _, high = quantiles(ps, n=4, method="inclusive") if len(ps) > 1 else ps * 3
        return median(ps), low, high

    @property
    def linear(self) -> bool:
        return self.exponents[0] <= 1 + RESOLUTION

    def row(self) -> list[str]:
        p, low, high = self.exponents
        spread = f" ({low:.2f} to {high:.2f})" if len(self.rounds) > 1 else ""
        return [self.what, self.grows, _list(self.values), f"{_list(self.costs)} {self.units[0]}",
                f"{_list(self.sizes)} {self.units[1]}", f"{p:.2f}{spread}", "yes" if self.linear else "**no**"]


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """p of cost ≈ c · sizeᵖ, over the larger half of the sizes."""
    half = len(sizes) // 2
    return float(np.polyfit(np.log(sizes[half:]), np.log(costs[half:]), 1)[0])


# -- what grows -----------------------------------------------------------------------------------
S = problem("S")
GROWING: dict[str, tuple[Sequence[int], Callable[[int], Case]]] = {
    "width": ((64, 128, 192, 256, 384, 512), lambda n: (replace(S, width=n), {})),
    "depth": (DEPTHS, lambda n: (replace(S, depth=n), {})),
    "batch": ((64, 128, 256, 512, 768, 1024), lambda n: (replace(S, batch=n), {})),
    "seeds": (SEEDS, lambda n: (S, {"seeds": n})),
}
BUILT: dict[str, tuple[Sequence[int], Callable[[int], Case]]] = {
    "depth": (DEPTHS, lambda n: (replace(S, depth=n), {})),
    "unrolled steps": (UNROLLS, lambda n: (S, {"unroll": n})),
}


def work(case: Case) -> float:
    """The multiplications of one iteration's matrix products."""
    return case[1].get("seeds", 1) * floor.multiplications(case[0])


def arrays(case: Case) -> float:
    """The bytes of one step's arrays: batch × width × depth of activations, and the parameters of both players."""
    p = case[0]
    layers = [*pairwise(p.generator_sizes), *pairwise(p.critic_sizes)]
    numbers = p.batch * p.width * p.depth + sum((m + 1) * n for m, n in layers)
    return case[1].get("seeds", 1) * numbers * np.dtype(p.dtype).itemsize


# -- measuring ------------------------------------------------------------------------------------
def measured(name: str, cases: Sequence[Case], quick: bool) -> tuple[list[Timing], list[Facts]]:
    """Timings of all cases in the same rounds, and what each says of itself."""
    with ExitStack() as stack:
        workers = [Worker("programs", p, name=name, **settings) for p, settings in cases]
        for worker in workers:
            stack.callback(worker.close)
        for worker in workers:
            worker.wait()
        facts = [worker.ask(describe=1) for worker in workers]
        rounds, seconds = (2, SECONDS / 4) if quick else (ROUNDS, SECONDS)
        return interleaved(workers, rounds, seconds, [1] * len(workers)), facts


def table(quick: bool = False) -> list[Line]:
    lines = []
    for grows, (values, case) in GROWING.items():
        cases = [case(n) for n in values]
        timings, facts = measured("Sized", cases, quick)
        lines += [
            Line("time", grows, values, _rounds(timings, 1e-6), [work(c) / 1e6 for c in cases],
                 ("µs an iteration", "million multiplications")),
            Line("memory", grows, values, [[f["nbytes"] / 1e3 for f in facts]], [arrays(c) / 1e3 for c in cases],
                 ("kB of buffers", "kB of a step's arrays")),
        ]
    for grows, (values, case) in BUILT.items():
        timings, facts = measured("Build", [case(n) for n in values], quick)
        lines.append(Line("building", grows, values, _rounds(timings, 1e-3), [f["calls"] for f in facts],
                          ("ms", "calls")))
    return lines


def peaks(sizes: Sequence[str] = tuple(SIZES)) -> list[list[str]]:
    """For each size: MB at the peak of replayed and of eager iterations, their ratio, and at the peak of recording."""
    rows = []
    for size in sizes:
        replayed, eager = (_described(Worker("programs", problem(size), name="Peak", eager=e)) for e in (False, True))
        rows.append([size, *(f"{x / 1e6:.3g}" for x in (replayed["iterating"], eager["iterating"])),
                     f"{replayed['iterating'] / eager['iterating']:.2f}", f"{replayed['recording'] / 1e6:.3g}"])
    return rows


def _described(worker: Worker) -> Facts:
    try:
        return worker.wait().ask(describe=1)
    finally:
        worker.close()


def _rounds(timings: Sequence[Timing], unit: float) -> list[list[float]]:
    return [[s / unit for s in seconds] for seconds in zip(*(t.seconds for t in timings), strict=True)]


# -- as Markdown ----------------------------------------------------------------------------------
def markdown(quick: bool = False) -> str:
    peak = ("size", "iterating, replay (MB)", "iterating, eager (MB)", "replay / eager", "recording (MB)")
    return "\n\n".join([
        as_markdown(HEADINGS, [line.row() for line in table(quick)]),
        "The most memory that arrays and objects hold at once (tracemalloc; parameters and optimiser included):",
        as_markdown(peak, peaks(["S"] if quick else tuple(SIZES))),
    ])


def _list(numbers: Sequence[float]) -> str:
    return ", ".join(f"{x:.3g}" if x < 1000 else f"{x:.0f}" for x in numbers)


if __name__ == "__main__":
    import sys

    print(markdown("--quick" in sys.argv))
