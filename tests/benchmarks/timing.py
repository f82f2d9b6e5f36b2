"""Paired timings: every round runs every contender once, forwards then backwards, each in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.benchmarks.problem import Problem

ROOT = Path(__file__).resolve().parents[2]
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
SLOW = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # if set, they choose another kernel than a user's NumPy does


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
                                        stderr=subprocess.DEVNULL, text=True, env=env, preexec_fn=_pin(threads))
        self.threads = threads

    def wait(self) -> Worker:
        """When it has started; Cannot if it will not."""
        answer = self._read()
        if answer != "ready":
            self.close()
            raise Cannot(answer["cannot"])
        return self

    def ask(self, **request: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise Cannot(f"the process ended with status {self.process.wait()}")
        return json.loads(line)

    def iterations(self, seconds: float, multiple: int = 1) -> int:
        """About how many iterations take so long, once warm."""
        n, took = multiple, self.ask(run=multiple)
        while took < seconds / 4:
            n *= 2
            took = self.ask(run=n)
        return max(1, round(n * seconds / took / multiple)) * multiple

    def close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


def _pin(threads: int) -> Any:
    """Keep the process to so many cores: JAX takes its number of threads from there."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, set(cores[-threads:]))


@dataclass
class Timing:
    """Seconds an iteration, a round each."""

    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(self.seconds)

    def over(self, other: Timing) -> tuple[float, float, float]:
        """This time over the other's: the median of the rounds' ratios, and their quartiles."""
        ratios = [a / b for a, b in zip(self.seconds, other.seconds, strict=True)]
        low, _, high = quantiles(ratios, n=4, method="inclusive")
        return median(ratios), low, high


def interleaved(workers: Sequence[Worker], rounds: int, seconds: float, multiples: Sequence[int]) -> list[Timing]:
    """rounds times: every worker for about so many seconds, in this order and then in the other."""
    counts = [worker.iterations(seconds, multiple) for worker, multiple in zip(workers, multiples, strict=True)]
    timings = [Timing() for _ in workers]
    for k in range(rounds):
        order = range(len(workers)) if k % 2 == 0 else reversed(range(len(workers)))
        for i in order:
            timings[i].seconds.append(workers[i].ask(run=counts[i]) / counts[i])
    return timings
