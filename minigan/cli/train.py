"""``minigan train``: train one system and leave a run folder."""

import argparse
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minigan.cli.common import (
    INTERRUPTED,
    REFUSED,
    add_settings,
    blas_threads,
    check_folder,
    check_pictures,
    command,
    fail,
    free_folder,
    given_settings,
    reason,
)
from minigan.cli.output import print_table, progress_bar
from minigan.cli.parser import count
from minigan.gans.losses import W1
from minigan.lab import run
from minigan.lab.config import Config, configure, refuse_unread
from minigan.lab.curves import drift
from minigan.lab.history import COLUMNS
from minigan.lab.report import Report
from minigan.lab.train import Training, TrainingError
from minigan.studies.presets import PRESETS, preset


def add(commands: Any) -> None:
    train = command(commands, "train", train_command, "train a GAN and leave a run folder")
    train.add_argument("--out", type=Path, metavar="DIR",
                       help="the run folder (default: runs/RECIPE-DATA-seedSEED, numbered if that exists)")
    train.add_argument("--resume", type=Path, metavar="RUN",
                       help="continue the run in this folder, with its own settings, from its last checkpoint; "
                       "on another --device if you like, or to more --steps in all")
    train.add_argument("--preset", metavar="NAME", help="a named configuration, over the recipe's settings and under "
                       f"those given here [{', '.join(PRESETS)}] (default: none; its recipe: the first of its list)")
    train.add_argument("--eager", action="store_true",
                       help="build the graph anew each step instead of replaying it, for a debugger (default: off)")
    train.add_argument("--threads", type=count(1, 1025), metavar="N",
                       help="BLAS threads; more than one pays for layers of 256 and wider (default: what "
                            "OPENBLAS_NUM_THREADS, MKL_NUM_THREADS or OMP_NUM_THREADS say, else 1)")
    add_settings(train)


def train_command(args: argparse.Namespace) -> int:
    given = given_settings(args)
    try:
        if args.resume is not None:
            others = [name for name in ("out", "preset") if getattr(args, name) is not None]
            device, steps = given.pop("device", None), given.pop("steps", None)
            if given or others:
                refused = ", ".join(f"--{name.replace('_', '-')}" for name in [*given, *others])
                return fail(f"--resume continues a run with its own settings: leave out {refused}")
            check_pictures()
            folder, training = args.resume, run.resume(args.resume, eager=args.eager, device=device, steps=steps)
        else:
            method, config = _configuration(args.preset, given)
            folder = args.out or free_folder(f"{method}-{Path(config.data).stem}-seed{config.seed}")
            check_folder(folder)
            check_pictures()
            training = run.start(config, config.data, folder, eager=args.eager)
    except REFUSED as error:
        return fail(error)
    config = training.config
    print(f"{config.recipe} on {config.data}, seed {config.seed}: {config.steps} steps; run folder {folder}")
    resume = shlex.join(["minigan", "train", "--resume", str(folder)])
    for note in training.data.notes:
        print(f"data: {note}")
    try:
        bar = progress_bar(config.steps, "step", initial=training.step)
        with blas_threads(args.threads), bar:
            done = run.drive(training, folder, partial(_advance, bar, {warned.name for warned in training.warnings}))
    except TrainingError as error:
        return fail(f"{error}. The last good checkpoint is kept in {folder}", status=1)
    except (OSError, MemoryError) as error:
        return fail(f"{reason(error)}. What was saved before is kept; to continue: {resume}", status=1)
    if not done:
        return fail(f"stopped at step {training.step}, saved; to continue: {resume}", status=INTERRUPTED)
    _print_report(run.finish(training, folder))
    print(f"wrote {folder}/report.png, scores.csv, samples.npz, history.csv, checkpoint.npz, config.toml")
    return 0


def _configuration(name: str | None, given: dict[str, Any]) -> tuple[str, Config]:
    """The method's name and its settings: a recipe's, or a preset's for that recipe (or variant of one)."""
    if name is None:
        config = configure(given.pop("recipe", Config.recipe), **given)
        return config.recipe, config
    row = preset(name)
    method = given.pop("recipe", row.recipes[0])
    config = row.configure(method, **given)
    refuse_unread([config], given)
    return f"{name}-{method}", config


def _advance(bar: Any, told: set[str], training: Training) -> None:
    """The progress bar a step on, with the latest measurements beside it; above it each warning, once."""
    from tqdm import tqdm

    if training.due():
        for warned in training.warnings:
            if warned.name not in told:
                tqdm.write(f"warning: {warned}", file=sys.stderr)
                told.add(warned.name)
        bar.set_postfix_str(_latest(training), refresh=False)
    bar.update()


def _latest(training: Training) -> str:
    """Losses, what the critic makes of it beside the exact W₁, and the modes, as last measured."""
    row = dict(zip(COLUMNS, training.history[-1], strict=True))
    loss = training.config.loss
    losses = {"D": "critic_loss"} if loss.critic else {}
    losses |= {} if drift(loss) else {"G": "generator_loss"}
    parts = ["loss " + " ".join(f"{player} {_brief(row[column])}" for player, column in losses.items())]
    if loss.critic and not np.isnan(row["estimate"]):
        of = loss.estimates
        parts.append(f"{'f(x) − f(G(z))' if of in (None, W1) else f'{of.label} est.'} {_brief(row['estimate'])}")
    parts.append(f"exact W₁ {_brief(row['w1'])}")
    if not np.isnan(row["modes_solid"]):
        parts.append(f"{row['modes_solid']:.0f} modes ({row['modes_found']:.0f} found), {row['high_quality']:.0%} hq")
    return ", ".join(parts)


def _brief(value: float) -> str:
    """Three digits after the point, where the number has any."""
    return f"{value:.3f}" if 5e-4 <= abs(value) < 1e6 or value == 0 else f"{value:.2e}"


FORMATS = {"modes_found": ".0f", "modes_solid": ".0f", "high_quality": ".1%", "reverse_kl": ".4f", "w1": ".3g",
           "marginal": ".3f", "correlation": ".3f", "memorised": ".1%"}  # of the closing table's columns


def _print_report(report: Report) -> None:
    """The table, what it is of, and what to make of it."""
    columns = [name for name in FORMATS if name in report.columns]
    print(report.heading)
    print_table([["samples", *columns]] + [[row["samples"], *(_cell(row, name) for name in columns)]
                                           for row in report.table])
    for line in (*report.words, *report.judged):
        print(line)
    for warned in report.warned:
        print(f"warning: {warned}")


def _cell(row: dict[str, Any], name: str) -> str:
    return format(row[name], FORMATS[name]) if name in row else "–"
