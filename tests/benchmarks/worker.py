"""A contender in a process of its own, so that no two libraries share threads: ``python -m tests.benchmarks.worker``.

It reads a line of JSON a request, and answers in a line of JSON (REQUESTS says which); {"cannot": why} if it cannot.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from time import perf_counter
from typing import Any

import numpy as np

from tests.benchmarks.problem import Problem


class Server:
    def __init__(self, module: str, name: str, problem: dict[str, Any], settings: dict[str, Any]):
        """module: a file of contenders, or a module's whole name."""
        where = module if "." in module else f"tests.benchmarks.contenders.{module}"
        self.kind = getattr(importlib.import_module(where), name)
        self.settings = settings
        self.problem(problem)

    def problem(self, fields: dict[str, Any]) -> str:
        """The contender made anew, for this problem."""
        self.contender = self.kind(Problem(**fields), **self.settings)
        return "ready"

    def run(self, iterations: int) -> float:
        """The seconds that they take."""
        start = perf_counter()
        self.contender.iterate(iterations)
        return perf_counter() - start

    def gradients(self, path: str) -> str:
        """Written there: the generator's W1, b1, W2, ..., then the critic's."""
        np.savez(path, *[x for net in self.contender.gradients() for layer in net for x in layer])
        return path

    def describe(self, _: Any) -> Any:
        return self.contender.describe()

    def memory(self, _: Any) -> int:
        """The peak of this process, in bytes."""
        import resource

        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def blas(self, _: Any) -> list[dict[str, Any]]:
        """Which one this NumPy has, the kernel that it chose, and its threads."""
        from threadpoolctl import threadpool_info

        return [library for library in threadpool_info() if library["user_api"] == "blas"]


REQUESTS = ("problem", "run", "gradients", "describe", "memory", "blas")  # {one of them: its argument}


def answer(function: Any, *args: Any) -> Any:
    try:
        return function(*args)
    except (ImportError, RuntimeError) as error:
        return {"cannot": f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"}


def main() -> None:
    out = sys.stdout

    def say(what: Any) -> None:
        print(json.dumps(what), file=out, flush=True)

    with contextlib.redirect_stdout(sys.stderr):  # whatever a library prints
        server = answer(Server, *(json.loads(x) for x in sys.argv[1:5]))
        say("ready" if isinstance(server, Server) else server)
        for line in sys.stdin if isinstance(server, Server) else ():
            ((what, value),) = json.loads(line).items()
            assert what in REQUESTS
            say(answer(getattr(server, what), value))


if __name__ == "__main__":
    main()
