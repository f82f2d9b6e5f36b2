"""minigan as ``growth.py`` looks at it: how large its programs are, what building them takes, its peak of memory.

``describe`` gives numbers by name here, as ``growth.py`` reads them.
"""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np

from minigan.lab.config import Config, configure
from minigan.lab.data import data_from
from minigan.lab.train import Training
from tests.benchmarks.contenders import training
from tests.benchmarks.problem import Problem


def sizes(run: Training) -> dict[str, int]:
    """Bytes of buffers and number of calls of all programs of a run: the critic's steps repeat some of them."""
    critic, generator = run.programs
    programs = {id(program): program for program in [*critic, generator]}.values()
    return {"nbytes": sum(p.nbytes for p in programs), "calls": sum(len(p.calls) for p in programs)}


class Sized(training.Contender):
    """Iterations, and the sizes of the programs that take them. ``seeds=range(n)``: batched."""

    def __init__(self, problem: Problem, seeds: int = 0):
        super().__init__(problem, seeds=range(seeds) if seeds else None)

    def describe(self) -> dict[str, int]:  # type: ignore[override]
        return sizes(self.training)


class Build:
    """An iteration is the whole of ``Training(...)``: nearly all of it is ``record``, of each of its programs.

    unroll: None for the problem's own recipe; k for "unrolled", which looks k critic steps ahead.
    """

    def __init__(self, problem: Problem, unroll: int | None = None):
        hidden = (problem.width,) * problem.depth
        self.config: Config = training.config(problem) if unroll is None else configure(
            "unrolled", unroll=unroll, generator=hidden, critic=hidden, batch=problem.batch, dtype=problem.dtype)
        self.data = data_from("ring8", rng=np.random.default_rng(0))

    def build(self, **settings: Any) -> Training:
        return Training(self.config, self.data, **settings)

    def iterate(self, n: int) -> None:
        for _ in range(n):
            self.build()

    def describe(self) -> dict[str, int]:
        return sizes(self.build())


class Peak(Build):
    """The most bytes held at once, while the programs are recorded and while iterations run, as tracemalloc counts.

    It counts every array of NumPy and every Python object of the run, and nothing else. The peak of the process
    would not do: it holds the interpreter and BLAS's workspace, about 50 MB, and it never forgets the recording.
    """

    def __init__(self, problem: Problem, eager: bool = False):
        super().__init__(problem)
        self.eager = eager

    def describe(self) -> dict[str, int]:
        tracemalloc.start()
        run = self.build(eager=self.eager)
        held, recording = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(3):
            run.iterate()
        _, iterating = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return {"held": held, "recording": recording, "iterating": iterating}
