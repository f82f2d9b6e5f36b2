"""A contender in a process of its own, so that no two libraries share threads: ``python -m tests.benchmarks.worker``.

It reads a line of JSON a request, and answers in a line of JSON: {"describe": 1}, {"run": n} -> seconds,
{"gradients": "a path"} -> what was written there, {"memory": 1} -> the peak of this process, in bytes.
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


def main() -> None:
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # whatever a library prints
        module, name, problem, settings = (json.loads(x) for x in sys.argv[1:5])
        try:
            kind = getattr(importlib.import_module(f"tests.benchmarks.contenders.{module}"), name)
            contender = kind(Problem(**problem), **settings)
            answer: Any = "ready"
        except (ImportError, RuntimeError) as error:
            answer = {"cannot": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
        print(json.dumps(answer), file=out, flush=True)
        if answer == "ready":
            for line in sys.stdin:
                print(json.dumps(_answer(contender, json.loads(line))), file=out, flush=True)


def _answer(contender: Any, request: dict[str, Any]) -> Any:
    ((what, value),) = request.items()
    if what == "describe":
        return contender.describe()
    if what == "gradients":
        nets = contender.gradients()
        np.savez(value, *[x for net in nets for layer in net for x in layer])
        return value
    if what == "memory":
        import resource

        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = perf_counter()
    contender.iterate(value)
    return perf_counter() - start


if __name__ == "__main__":
    main()
