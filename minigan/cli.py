"""The command line: ``minigan train``, ``list``, ``sample``, ``verify``. Nothing is computed here."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import Field
from pathlib import Path
from typing import Any

import numpy as np

from minigan import __version__
from minigan.arrays import DeviceError, library, to_host
from minigan.gans.recipes import RECIPES
from minigan.lab import run
from minigan.lab.config import NAMES, configure
from minigan.lab.estimator import GAN
from minigan.lab.toys import TOYS
from minigan.lab.train import COLUMNS, Training, TrainingError

INTERRUPTED = 130  # the exit status of a program stopped by Ctrl-C


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; the exit status: 0 done, 1 the run failed, 2 a bad request, 130 stopped by Ctrl-C."""
    args = _parser().parse_args(argv)
    return args.command(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="minigan", description="The mathematics of GANs, runnable.")
    parser.add_argument("--version", action="version", version=f"minigan {__version__}")
    commands = parser.add_subparsers(title="commands", required=True)

    train = _command(commands, "train", train_command, "train a GAN and leave a run folder")
    train.add_argument("--out", type=Path, metavar="DIR",
                       help="the run folder (default: runs/RECIPE-DATA-seedSEED, numbered if that exists)")
    train.add_argument("--resume", type=Path, metavar="RUN",
                       help="continue the run in this folder, with its own settings, from its last checkpoint")
    train.add_argument("--eager", action="store_true",
                       help="build the graph anew each step instead of replaying it, for a debugger (default: off)")
    train.add_argument("--threads", type=int, metavar="N",
                       help="BLAS threads; more than one pays for layers of 256 and wider (default: what "
                            "OPENBLAS_NUM_THREADS, MKL_NUM_THREADS or OMP_NUM_THREADS say, else 1)")
    settings = train.add_argument_group("settings")
    for setting in NAMES.values():
        _add_setting(settings, setting)

    verify = _command(commands, "verify", verify_command, "check every equation of the notes")
    verify.add_argument("patterns", nargs="*", metavar="ID",
                        help="which claims: W3, 'G*', errata (default: all of them)")
    verify.add_argument("--seed", type=int, default=0, help="of the claims' random inputs (default: %(default)s)")
    verify.add_argument("--json", type=Path, metavar="FILE", help="write the checks there as well")
    verify.add_argument("--markdown", type=Path, metavar="FILE", help="write them there as a page")
    verify.add_argument("--verbose", action="store_true", help="print every step that a claim computes")
    verify.add_argument("--self-test", action="store_true",
                        help="plant faults in what the claims compute, and see that each claim notices its own")
    verify.add_argument("--device", default="cpu", help="where to compute [cpu, cuda] (default: %(default)s)")

    _command(commands, "list", list_command, "print the recipes and the data sets")

    sample = _command(commands, "sample", sample_command, "draw from the generator of a run")
    sample.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    sample.add_argument("-n", type=int, default=1000, help="how many samples (default: %(default)s)")
    sample.add_argument("--seed", type=int, help="of the draws (default: the run's own stream)")
    sample.add_argument("--out", type=Path, required=True, metavar="FILE",
                        help="where to write them: .npy, .npz (as `samples`) or .csv")
    return parser


def _command(commands: Any, name: str, function: Callable, about: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
    parser.set_defaults(command=function)
    return parser


def _add_setting(group: Any, setting: Field) -> None:
    """A flag for a row of the configuration; its default, and which recipes prefer another."""
    about, default = setting.metadata["about"], setting.default
    others = [f"{name}: {_text(row.settings[setting.name])}"
              for name, row in RECIPES.items() if setting.name in row.settings]
    names = setting.metadata["choices"]
    options = f" [{', '.join(names)}]" if names and setting.name != "recipe" else ""
    text = f"{about}{options} (default: {'; '.join([_text(default), *others])})".replace("%", "%%")
    flag = f"--{setting.name.replace('_', '-')}"
    kind: dict[str, Any]
    if isinstance(default, bool):
        kind = {"action": argparse.BooleanOptionalAction}
    elif isinstance(default, tuple):
        kind = {"type": int, "nargs": "+", "metavar": "N"}
    else:
        kind = {"type": type(default), "metavar": type(default).__name__.upper()}
    group.add_argument(flag, dest=setting.name, default=argparse.SUPPRESS, help=text, **kind)


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _fail(message: object, status: int = 2) -> int:
    print(f"minigan: {message}", file=sys.stderr)
    return status


# -- train --------------------------------------------------------------------------------------
def train_command(args: argparse.Namespace) -> int:
    given = {name: getattr(args, name) for name in NAMES if hasattr(args, name)}
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    try:
        if args.resume is not None:
            if given or args.out is not None:
                return _fail("--resume continues a run with its own settings: leave out "
                             + ", ".join(f"--{name.replace('_', '-')}" for name in [*given, *["out"] * bool(args.out)]))
            folder, training = args.resume, run.resume(args.resume, eager=args.eager)
        else:
            config = configure(given.pop("recipe", "wgan-gp"), **given)
            folder = args.out or _free_folder(f"{config.recipe}-{Path(config.data).stem}-seed{config.seed}")
            training = run.start(config, config.data, folder, eager=args.eager)
    except (ValueError, DeviceError) as error:
        return _fail(error)
    config = training.config
    print(f"{config.recipe} on {config.data}, seed {config.seed}: {config.steps} steps; run folder {folder}")
    resume = f"minigan train --resume {folder}"
    try:
        with _blas_threads(args.threads):
            bar = _Bar(training)
            done = run.drive(training, folder, bar)
            bar.bar.close()
    except TrainingError as error:
        return _fail(f"{error}. The last good checkpoint is kept in {folder}", status=1)
    if not done:
        return _fail(f"stopped at step {training.step}, saved; to continue: {resume}", status=INTERRUPTED)
    run.finish(training, folder)
    _print_table(run.table(training))
    print(f"wrote {folder}/report.png, samples.npz, history.csv, checkpoint.npz, config.toml")
    return 0


def _free_folder(name: str) -> Path:
    names = [name, *(f"{name}-{k}" for k in range(2, 10_000))]
    return next(folder for folder in (Path("runs", n) for n in names) if not folder.exists())


def _blas_threads(asked: int | None) -> AbstractContextManager:
    """The BLAS at the asked number of threads. Unasked, one: on small layers threads only wait for each other."""
    from threadpoolctl import threadpool_limits

    if asked is None and any(name in os.environ for name in THREAD_VARIABLES):
        return nullcontext()
    return threadpool_limits(1 if asked is None else asked, user_api="blas")


THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class _Bar:
    """A progress bar over the steps, with the latest measurements beside it."""

    def __init__(self, training: Training):
        from tqdm import tqdm

        self.bar = tqdm(total=training.config.steps, initial=training.step, unit="step", dynamic_ncols=True)
        self.rows = len(training.history)

    def __call__(self, training: Training) -> None:
        if len(training.history) > self.rows:
            self.rows = len(training.history)
            self.bar.set_postfix_str(_latest(training), refresh=False)
        self.bar.update()


def _latest(training: Training) -> str:
    """Losses, the critic's estimate beside the exact W₁, and the modes, as last measured."""
    row = dict(zip(COLUMNS, training.history[-1], strict=True))
    estimated = training.game.recipe.loss.estimates
    text = (f"loss D {row['critic_loss']:.3f} G {row['generator_loss']:.3f}, "
            f"{estimated} est. {row['estimate']:.3f}, exact W₁ {row['w1']:.3f}")
    if not np.isnan(row["modes_solid"]):
        text += f", {row['modes_solid']:.0f} modes ({row['modes_found']:.0f} found), {row['high_quality']:.0%} hq"
    return text


def _print_table(rows: list[dict[str, Any]]) -> None:
    formats = {"samples": "", "modes_found": ".0f", "modes_solid": ".0f", "high_quality": ".1%",
               "reverse_kl": ".4f", "w1": ".3f"}
    columns = [name for name in formats if name in rows[0]]
    cells = [columns] + [[format(row[name], formats[name]) for name in columns] for row in rows]
    widths = [max(len(line[k]) for line in cells) for k in range(len(columns))]
    for line in cells:
        print("  ".join(f"{cell:<{w}}" if k == 0 else f"{cell:>{w}}"
                        for k, (cell, w) in enumerate(zip(line, widths, strict=True))))


# -- list and sample ------------------------------------------------------------------------------
def list_command(args: argparse.Namespace) -> int:
    for title, rows in [("Recipes (--recipe)", RECIPES), ("Data sets (--data)", TOYS)]:
        print(title)
        for name, row in rows.items():  # type: ignore[attr-defined]
            print(f"  {name:<14}{row.summary} [{row.source}]")
    return 0


def sample_command(args: argparse.Namespace) -> int:
    try:
        if args.n < 1:
            return _fail(f"-n must be at least 1, got {args.n}")
        if args.out.suffix not in WRITERS:
            return _fail(f"--out must end in {', '.join(WRITERS)}; got {args.out.name}")
        samples = GAN.load(args.run).sample(args.n, args.seed)
    except ValueError as error:
        return _fail(error)
    WRITERS[args.out.suffix](args.out, samples)
    print(f"wrote {args.n} samples to {args.out}")
    return 0


WRITERS: dict[str, Callable[[Path, np.ndarray], None]] = {
    ".npy": lambda path, x: np.save(path, x, allow_pickle=False),
    ".npz": lambda path, x: np.savez(path, samples=x),
    ".csv": lambda path, x: np.savetxt(path, x, delimiter=",", fmt="%.9g"),
}


# -- verify ---------------------------------------------------------------------------------------
def verify_command(args: argparse.Namespace) -> int:
    from minigan import claims

    try:
        chosen, xp = claims.select(args.patterns), library(args.device)
    except (ValueError, DeviceError) as error:
        return _fail(error)
    if args.self_test:
        return _print_self_test(_progress(chosen, lambda claim: (claim, claims.self_test(claim, args.seed))))
    verdicts = _progress(chosen, lambda claim: claims.verify(claim, args.seed, xp))
    for verdict in verdicts:
        _print_verdict(verdict, args.verbose)
    if args.json is not None:
        text = json.dumps([_as_json(v) for v in verdicts], indent=1, ensure_ascii=False)
        args.json.write_text(text + "\n", encoding="utf-8")
    if args.markdown is not None:
        args.markdown.write_text(claims.markdown(verdicts), encoding="utf-8")
    failed = [v.claim.id for v in verdicts if not v.passed]
    print(f"{len(verdicts) - len(failed)} of {len(verdicts)} claims hold"
          + f"; failed: {', '.join(failed)}" * bool(failed))
    return 1 if failed else 0


def _progress(claims: Sequence[Any], work: Callable[[Any], Any]) -> list[Any]:
    from tqdm import tqdm

    with _blas_threads(None):
        return [work(claim) for claim in tqdm(claims, unit="claim", leave=False, dynamic_ncols=True)]


def _print_verdict(verdict: Any, verbose: bool) -> None:
    claim, worst = verdict.claim, verdict.worst
    print(f"{'pass' if verdict.passed else 'FAIL'}  {claim.id:<4} {claim.statement}  [{claim.note}; {claim.paper}]")
    if verdict.raised:
        print(f"           raised {verdict.raised}")
    if claim.truth:
        print(f"           true is: {claim.truth}")
    for check in verdict.checks if verbose else [worst] * (worst is not None):
        mark = "" if check.passed else "  <-- fails"
        print(f"           {check.what}: computed {_number(check.computed)} {check.relation} expected "
              f"{_number(check.expected)}, error {check.error:.1e} (allowed {check.tolerance:.1e}){mark}")


def _print_self_test(results: list[tuple[Any, list[tuple[str, str, bool]]]]) -> int:
    """The table of planted faults: which claim, in which function, noticed or missed."""
    missed = 0
    for claim, rows in results:
        for name, fault, noticed in rows:
            missed += not noticed
            print(f"{'noticed' if noticed else 'MISSED '}  {claim.id:<4} {name}: {fault}")
    total = sum(len(rows) for _, rows in results)
    print(f"{total - missed} of {total} planted faults noticed")
    return 1 if missed else 0


def _number(x: Any) -> str:
    values = np.asarray(to_host(x), dtype=float).ravel()
    shown = ", ".join(f"{v:.7g}" for v in values[:6])
    return shown if np.ndim(x) == 0 else f"[{shown}{', ...' * (len(values) > 6)}]"


def _as_json(verdict: Any) -> dict[str, Any]:
    def plain(x: Any) -> Any:  # JSON has no infinity and no nan
        values = [v if np.isfinite(v) else str(v) for v in np.asarray(to_host(x), dtype=float).ravel().tolist()]
        return values[0] if np.ndim(x) == 0 else values

    claim = verdict.claim
    checks = [
        {"what": c.what, "computed": plain(c.computed), "relation": c.relation, "expected": plain(c.expected),
         "error": plain(c.error), "tolerance": c.tolerance, "passed": c.passed}
        for c in verdict.checks
    ]
    return {"id": claim.id, "statement": claim.statement, "note": claim.note, "paper": claim.paper,
            "passed": verdict.passed, "raised": verdict.raised, "checks": checks}
