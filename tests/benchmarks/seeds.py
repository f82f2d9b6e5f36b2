"""Sixteen independent GANs at S: how many network-iterations a second, by each way of running them.

    throughput = networks in one iteration / seconds of that iteration,
    ratio      = throughput / throughput of one after another, round by round: its median and quartiles

Every way has its turn in every round. A process has one thread, and a core of its own, unless a row says otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from tests.benchmarks.problem import Problem, problem
from tests.benchmarks.table import markdown as as_markdown
from tests.benchmarks.timing import Cannot, Worker, interleaved

SEEDS = 16
ROUNDS, SECONDS = 12, 0.25
HEADINGS = ("how", "processes × threads", "network-iterations a second", "against one after another (quartiles)")


@dataclass(frozen=True, eq=False)
class Way:
    """A row: a contender, in how many processes at once, with how many threads each, on how many networks each."""

    how: str
    module: str = "training"
    name: str = "Contender"
    settings: dict[str, Any] = field(default_factory=dict)
    processes: int = 1
    threads: int = 1
    networks: int = 1  # in one iteration of one process

    def start(self, given: Problem) -> Worker:
        kind = Worker if self.processes == 1 else Together
        more = {} if self.processes == 1 else {"processes": self.processes}
        return kind(self.module, given, self.threads, self.name, **self.settings, **more)


class Together(Worker):
    """Several processes that take the same request at once, each on cores of its own while there are enough."""

    def __init__(self, module: str, given: Problem, threads: int = 1, name: str = "Contender", processes: int = 2,
                 **settings: Any):
        self.threads = threads
        self.workers = [Worker(module, given, threads, name, **settings) for _ in range(processes)]
        if hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))
            for k, worker in enumerate(self.workers):
                mine = {cores[(k * threads + i) % len(cores)] for i in range(threads)}
                os.sched_setaffinity(worker.process.pid, mine)

    def wait(self) -> Worker:
        try:
            for worker in self.workers:
                worker.wait()
        except Cannot:
            self.close()
            raise
        return self

    def ask(self, **request: Any) -> float:
        """Seconds from the first question to the last answer."""
        start = perf_counter()
        for worker in self.workers:
            worker.send(**request)
        for worker in self.workers:
            worker.answer()
        return perf_counter() - start

    def close(self) -> None:
        for worker in self.workers:
            worker.close()


WAYS = [
    Way("one after another"),
    Way(f"batched: {SEEDS} rows of a leading axis", name="Batched", settings={"seeds": SEEDS}, networks=SEEDS),
    *(Way(f"JAX, vmap over {SEEDS}", "jax_jit", "Vmapped", {"seeds": SEEDS}, threads=n, networks=SEEDS)
      for n in (1, 2)),
    Way("one after another, in each process", processes=2),
    Way(f"batched: {SEEDS // 2} rows in each process", name="Batched", settings={"seeds": SEEDS // 2}, processes=2,
        networks=SEEDS // 2),
]


def table(quick: bool = False, ways: Sequence[Way] = WAYS) -> list[list[str]]:
    """A row of strings for each way; the first is what the others are compared with."""
    running: list[tuple[Way, Worker]] = []
    reasons: dict[Way, str] = {}
    with ExitStack() as stack:
        for way in ways:
            worker = way.start(problem("S"))
            try:
                running.append((way, worker.wait()))
                stack.callback(worker.close)
            except Cannot as reason:
                reasons[way] = str(reason)
        rounds, seconds = (2, SECONDS / 5) if quick else (ROUNDS, SECONDS)
        timings = interleaved([worker for _, worker in running], rounds, seconds, [1] * len(running))
    found = dict(zip([way for way, _ in running], timings, strict=True))
    first = ways[0]

    def row(way: Way) -> list[str]:
        where = f"{way.processes} × {way.threads}"
        if way in reasons:
            return [way.how, where, reasons[way], ""]
        networks = way.processes * way.networks / (first.processes * first.networks)
        ratios = [networks * x for x in found[first].over(found[way])]
        rate = way.processes * way.networks / found[way].median
        return [way.how, where, f"{rate:.0f}", "{:.2f} ({:.2f} to {:.2f})".format(*ratios)]

    return [row(way) for way in ways]


def markdown(quick: bool = False) -> str:
    return as_markdown(HEADINGS, table(quick))


if __name__ == "__main__":
    import sys

    print(markdown("--quick" in sys.argv))
