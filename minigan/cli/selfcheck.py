"""``minigan selfcheck``: one command that settles whether everything works on this device."""

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from minigan.arrays import DEVICES, library
from minigan.cli.common import INTERRUPTED, REFUSED, blas_threads, check_file, command, fail
from minigan.cli.output import write_json
from minigan.registry import choose


def add(commands: Any) -> None:
    check = command(commands, "selfcheck", selfcheck_command, "check that everything works on a device")
    check.add_argument("--device", default="cpu",
                       help=f"where to compute [{', '.join(DEVICES)}] (default: %(default)s)")
    check.add_argument("--sizes", default="S", metavar="S,M,L",
                       help="networks to time, small to large; empty: none (default: %(default)s)")
    check.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well")


def selfcheck_command(args: argparse.Namespace) -> int:
    from minigan.devices import SIZES, Check, about, selfcheck

    sizes = [size for size in args.sizes.replace(" ", "").split(",") if size]
    try:
        for size in sizes:
            choose(size, SIZES, "size")
        facts, results = about(library(args.device)), selfcheck(args.device, sizes)
        check_file(args.json)  # not after minutes
    except REFUSED as error:
        return fail(error)
    print(f"minigan selfcheck on {args.device}: {facts['device']}")
    print(", ".join(f"{name} {value}" for name, value in facts.items() if name != "device"))
    start = time.perf_counter()
    finished, stopped = _run(results)
    checks = [result for result in finished if isinstance(result, Check)]
    failed = [check for check in checks if not check.passed]
    if stopped:
        status, verdict, rest = INTERRUPTED, "stopped", "; the rest has not been run"
    else:
        status, verdict, rest = (1, "failed", "") if failed else (0, "passed", "")
    if args.json is not None:
        write_json(args.json, {"verdict": verdict, "device": args.device, "about": facts,
                               "results": [_document(result) for result in finished]})
    count = f"{len(failed)} of {len(checks)} checks failed" if failed else f"all {len(checks)} checks passed"
    seconds = time.perf_counter() - start
    print(f"\n{verdict.upper()}: {count} on {args.device} ({facts['device']}) in {seconds:.0f} s{rest}")
    for check in failed:
        numbers = f"error {check.error:.2g} > {check.bound:.2g} ({check.unit}). "
        print(f"  {check.group}, {check.name}: {check.raised or numbers + check.note}")
    return status


HEADINGS = {  # a group of checks, and in what its errors are measured
    "arithmetic": "arithmetic: errors in ε, the gap between 1 and the next number",
    "primitives": "primitives and their derivatives, eager and replayed: errors in ε of the largest entry",
    "random numbers": "random numbers of the device: moments and correlations, in standard errors",
    "training": "training: parameters against NumPy's, replayed against eager: relative; resumed: numbers that differ",
    "time": "time of a wgan-gp iteration (5 critic steps, 1 generator step), in turns with NumPy: medians, [range]",
}


def _run(results: Iterator[Any]) -> tuple[list[Any], bool]:
    """The results, each printed as it comes under the heading of its group; and whether Ctrl-C stopped them."""
    finished: list[Any] = []
    try:
        with blas_threads(None):
            for result in results:
                if not finished or result.group != finished[-1].group:
                    print(f"\n{HEADINGS[result.group]}", flush=True)
                line = _check(result) if hasattr(result, "passed") else _timing(result)
                print(f"  {line}", flush=True)
                finished.append(result)
    except KeyboardInterrupt:
        return finished, True
    return finished, False


def _check(check: Any) -> str:
    """pass  tanh   2.5 ≤ 24   where that was."""
    if check.raised:
        numbers, note = "  raised", check.raised
    elif check.passed and check.error == check.bound == 0.0:
        numbers, note = "   exact", check.note
    else:
        relation = "≤" if check.passed else ">"
        bound = "" if np.isinf(check.bound) else f"{relation} {check.bound:.2g}"
        numbers, note = f"{check.error:>8.2g} {bound}", check.note
    return f"{'pass' if check.passed else 'FAIL'}  {check.name:<24} {numbers:<17} {note}".rstrip()


def _timing(t: Any) -> str:
    memory = ", ".join(f"{name} {n / 1e6:.2f}" for name, n in {"buffers": t.nbytes, **t.memory}.items())
    return (f"{t.size}  {t.ms:9.3f} ms   NumPy {t.ms_numpy:9.3f} ms   ratio {t.ratio:.2f} [{min(t.ratios):.2f}, "
            f"{max(t.ratios):.2f}]   {t.calls} calls   MB: {memory}")


def _document(result: Any) -> dict[str, Any]:
    verdict = {"passed": bool(result.passed)} if hasattr(result, "passed") else {"ratio": result.ratio}
    return asdict(result) | verdict
