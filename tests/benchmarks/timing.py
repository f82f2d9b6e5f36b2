"""Paired timings: every round runs every contender once, forwards then backwards, each in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median, quantiles
from time import sleep
from typing import Any

from tests.benchmarks.contenders import Entry
from tests.benchmarks.problem import Problem

ROOT = Path(__file__).resolve().parents[2]
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
SLOW = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # if set, they choose another kernel than a user's NumPy does
AT_ONCE = 2  # processes that start, and compile, at the same time
PAUSE = 0.12  # seconds: so long after a product OpenBLAS's idle threads keep a core busy
# Iterations of one process in all rounds together: after some thousands PyTorch's v holds denormal numbers, and an
# iteration of the non-saturating GAN at S takes it 10% more (minigan keeps them out, JAX takes them for 0).
MOST = 5_000


class Cannot(Exception):
    """A contender that is not installed, or that refuses the problem: why."""


class Worker:
    """A contender on a problem, in a process that may use so many threads (and so many cores)."""

    def __init__(self, module: str, problem: Problem, threads: int = 1, name: str = "Contender", **settings: Any):
        env = {key: value for key, value in os.environ.items() if key not in SLOW}
        env |= dict.fromkeys(THREADS, str(threads))
        command = [sys.executable, "-m", "tests.benchmarks.worker",
                   *(json.dumps(x) for x in (module, name, asdict(problem), settings))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
                                        stderr=subprocess.DEVNULL, text=True, env=env)
        _pin(self.process.pid, threads)
        self.threads = threads

    def wait(self) -> Worker:
        """When it has started; Cannot if it will not."""
        try:
            self.answer()
        except Cannot:
            self.close()
            raise
        return self

    def ask(self, **request: Any) -> Any:
        """Its answer; Cannot if it refuses."""
        self.send(**request)
        return self.answer()

    def send(self, **request: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise Cannot(f"the process ended with status {self.process.wait()}")
        answer = json.loads(line)
        if isinstance(answer, dict) and "cannot" in answer:
            raise Cannot(answer["cannot"])
        return answer

    def iterations(self, seconds: float, multiple: int = 1) -> int:
        """About how many iterations take so long, once warm."""
        n, took = multiple, self.ask(run=multiple)
        while took < seconds / 4:
            n *= 2
            took = self.ask(run=n)
        return max(1, round(n * seconds / took / multiple)) * multiple

    def rest(self) -> None:
        """Until its threads sleep, and the next worker has the cores to itself."""
        if self.threads > 1:
            sleep(PAUSE)

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def _pin(pid: int, threads: int) -> None:
    """Keep the process to so many cores: JAX takes its number of threads from there. It has only just begun."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, sorted(os.sched_getaffinity(0))[-threads:])


@dataclass
class Timing:
    """Seconds an iteration, a round each."""

    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        return _quartiles(self.seconds)

    def over(self, other: Timing) -> tuple[float, float, float]:
        """This time over the other's: the median of the rounds' ratios, and their quartiles."""
        ratios = [a / b for a, b in zip(self.seconds, other.seconds, strict=True)]
        return median(ratios), *_quartiles(ratios)


def _quartiles(numbers: Sequence[float]) -> tuple[float, float]:
    low, _, high = quantiles(numbers, n=4, method="inclusive")
    return low, high


def interleaved(workers: Sequence[Worker], rounds: int, seconds: float, multiples: Sequence[int]) -> list[Timing]:
    """rounds times: every worker for about so many seconds, in this order and then in the other."""
    counts = []
    for worker, multiple in zip(workers, multiples, strict=True):
        most = max(1, MOST // rounds // multiple) * multiple
        counts.append(min(worker.iterations(seconds, multiple), most))
        worker.rest()
    timings = [Timing() for _ in workers]
    for k in range(rounds):
        order = range(len(workers)) if k % 2 == 0 else reversed(range(len(workers)))
        for i in order:
            timings[i].seconds.append(workers[i].ask(run=counts[i]) / counts[i])
            workers[i].rest()
    return timings


@dataclass(frozen=True)
class Result:
    """What came of a contender with so many threads: a timing, or the reason why there is none."""

    label: str
    threads: int
    timing: Timing | None = None
    reason: str = ""


def measure(entries: Sequence[Entry], problem: Problem, rounds: int, seconds: float) -> list[Result]:
    """Every contender with each of its numbers of threads, all in the same rounds, in processes that end here."""
    given = [(entry, threads) for entry in entries for threads in entry.threads]
    with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as pool:

        def warm(entry: Entry, threads: int) -> Worker | str:
            """Started, and run once: some compile then. Or why not."""
            try:
                worker = Worker(entry.module, problem, threads, entry.name, **entry.settings)
                stack.callback(worker.close)
                worker.wait().ask(run=entry.multiple)
                return worker
            except Cannot as reason:
                return str(reason)

        started = list(pool.map(warm, *zip(*given, strict=True)))
        running = [k for k, worker in enumerate(started) if isinstance(worker, Worker)]
        timings = dict(zip(running, interleaved([started[k] for k in running], rounds, seconds,
                                                [given[k][0].multiple for k in running]), strict=True))
        return [Result(entry.label, threads, timings.get(k), "" if k in timings else str(started[k]))
                for k, (entry, threads) in enumerate(given)]
