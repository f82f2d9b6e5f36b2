"""``python -m tests.benchmarks [--quick] [--out FOLDER] [--rounds N] [--only iteration,growth,seeds,theory]``

What runs, then the gradients of all contenders compared, then what an iteration takes, how that grows, many
networks at once, and distances beside SciPy's and POT's: Markdown on stdout, and with --out speed.md, speed.json
(every round) and speed.png.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import sleep
from typing import Any

from tqdm import tqdm

from tests.benchmarks import growth, seeds, table, theory
from tests.benchmarks.check import Check, allowed, checks
from tests.benchmarks.contenders import ENTRIES, Entry
from tests.benchmarks.picture import picture
from tests.benchmarks.problem import Problem, problem
from tests.benchmarks.timing import Result, Worker, measure

SECTIONS = ("iteration", "growth", "seeds", "theory")
ROUNDS = 7
SECONDS, QUICK_SECONDS = 0.2, 0.06  # of a contender in a round
PROBLEMS = [
    *(problem(size, "wgan-gp", activation) for activation in ("relu", "tanh") for size in "SML"),
    *(problem(size, "gan") for size in "SML"),
    problem("S", "gan", "tanh"),
]
TOO_BUSY = ": **too many. Two threads wait for each other, and may take a hundred times as long as one**"
LIBRARIES = ("numpy", "torch", "jax", "autograd")


@dataclass
class Report:
    """Printed as it grows; ``save`` writes it all."""

    text: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)  # for speed.json
    measured: list[tuple[Problem, list[Result]]] = field(default_factory=list)

    def add(self, markdown: str) -> None:
        self.text.append(markdown)
        print(markdown, end="\n\n", flush=True)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "speed.md").write_text("\n\n".join(self.text) + "\n", encoding="utf-8")
        (folder / "speed.json").write_text(json.dumps(self.data, indent=1, ensure_ascii=False), encoding="utf-8")
        picture(self.measured, folder / "speed.png")


# -- what runs ----------------------------------------------------------------------------------------
def versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "not installed"
    return found


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def blas() -> str:
    """NumPy's, in a process that has two threads and no say about the kernel."""
    worker = Worker("floor", Problem(width=8, batch=8), threads=2)
    try:
        libraries = worker.wait().ask(blas=1)
    finally:
        worker.close()
    return "; ".join(f"{x['internal_api']} {x['version']}, kernel {x.get('architecture', 'unknown')}, "
                     f"at most {x['num_threads']} threads ({x.get('threading_layer', 'unknown')})" for x in libraries)


def others(seconds: float = 1.0) -> str:
    """How many cores other programs keep busy, while this one sleeps."""
    def worked() -> float:
        user, nice, system, _, _, *rest = map(int, stat.read_text().split("\n")[0].split()[1:9])
        return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")

    stat = Path("/proc/stat")
    if not stat.exists():
        return "unknown"
    before = worked()
    sleep(seconds)
    cores = (worked() - before) / seconds
    return f"{cores:.2f} cores" + (TOO_BUSY if cores > 0.1 else "")


def what_runs() -> dict[str, str]:
    return {"date": date.today().isoformat(), "processor": f"{processor()}, {os.cpu_count()} cores",
            "system": platform.platform(), "other programs": others(), **versions(), "NumPy's BLAS": blas()}


# -- the parts ----------------------------------------------------------------------------------------
def check(report: Report, entries: Sequence[Entry], problems: Sequence[Problem]) -> list[Check]:
    made = checks(entries, problems)
    report.add("## Gradients: the largest difference from minigan's over its largest entry\n\n" + table.checked(made))
    report.data["checks"] = [{"contender": c.label, "reason": c.reason, "refused": c.refused, "differences": [
        asdict(p) | {"difference": difference} for p, difference in c.differences.items()]} for c in made]
    return made


def time(report: Report, entries: Sequence[Entry], problems: Sequence[Problem], rounds: int, seconds: float) -> None:
    """A table for each problem, then the summary."""
    report.add(f"## One iteration: medians of {rounds} rounds")
    rows = report.data["iterations"] = []
    for given in tqdm(problems, desc="problems", file=sys.stderr, disable=None):
        some = [entry for entry in entries if table.size(given) in entry.sizes or table.size(given) not in "SML"]
        results = measure(some, given, rounds, seconds)
        report.measured.append((given, results))
        report.add(f"### {table.title(given)}\n\n{table.iterations(results)}")
        rows += [asdict(given) | {"contender": r.label, "threads": r.threads, "reason": r.reason,
                                  "seconds": r.timing.seconds if r.timing else []} for r in results]
    report.add("## minigan beside its peers and the floor, each with its best number of threads\n\n"
               + table.summary(report.measured))


def run(sections: Sequence[str], quick: bool, rounds: int) -> tuple[Report, int]:
    """The report, and the exit status: 1 if a contender computes something else."""
    report, status = Report(), 0
    report.data["what runs"] = what_runs()
    report.add("# Speed\n\n" + "\n".join(f"- {name}: {value}" for name, value in report.data["what runs"].items()))
    if "iteration" in sections:
        entries = [entry for entry in ENTRIES if entry.quick or not quick]
        problems = PROBLEMS[:2] if quick else PROBLEMS
        made = check(report, entries, problems)
        status = int(any(c.refused for c in made))
        time(report, allowed(entries, made), problems, rounds, QUICK_SECONDS if quick else SECONDS)
    for name, module in (("growth", growth), ("seeds", seeds), ("theory", theory)):
        if name in sections:
            report.data[name] = module.markdown(quick)
            report.add(f"## {module.__doc__.splitlines()[0].rstrip('.')}\n\n{report.data[name]}")
    report.add(f"Other programs, afterwards: {others()}")
    return report, status


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="How fast minigan is.")
    parser.add_argument("--quick", action="store_true", help="WGAN-GP at S and M, in two minutes")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write speed.md, speed.json and speed.png there")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of every contender (at least 2; {ROUNDS})")
    parser.add_argument("--only", type=lambda names: names.split(","), metavar=",".join(SECTIONS),
                        help="these parts (all; with --quick the first)")
    args = parser.parse_args(arguments)
    sections = args.only or (SECTIONS[:1] if args.quick else SECTIONS)
    if not {*sections} <= {*SECTIONS} or args.rounds < 2:
        parser.error(f"--only takes some of {', '.join(SECTIONS)}; --rounds at least 2")
    report, status = run(sections, args.quick, args.rounds)
    if args.out:
        report.save(args.out)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
