"""``minigan train``: train one system and leave a run folder."""

import argparse
import shlex
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
from minigan.lab import run
from minigan.lab.config import Config, configure, refuse_unread
from minigan.lab.history import COLUMNS
from minigan.lab.report import critic_distance, final_table
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
    try:
        bar = progress_bar(config.steps, "step", initial=training.step)
        with blas_threads(args.threads), bar:
            done = run.drive(training, folder, partial(_advance, bar))
    except TrainingError as error:
        return fail(f"{error}. The last good checkpoint is kept in {folder}", status=1)
    except (OSError, MemoryError) as error:
        return fail(f"{reason(error)}. What was saved before is kept; to continue: {resume}", status=1)
    if not done:
        return fail(f"stopped at step {training.step}, saved; to continue: {resume}", status=INTERRUPTED)
    run.finish(training, folder)
    _print_scores(final_table(training))
    distance = critic_distance(training)
    if distance:
        print("the critic: E f(x) − E f(G(z)) = {estimate:.3f}; steepest slope seen {slope:.3f}, so W₁ ≈ {w1:.3f}; "
              "certified Lip(f) ≤ {bound:.3g}, so W₁ ≥ {at_least:.3g}".format(**distance))
    print(f"wrote {folder}/report.png, samples.npz, history.csv, checkpoint.npz, config.toml")
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


def _advance(bar: Any, training: Training) -> None:
    """The progress bar a step on, with the latest measurements beside it."""
    if training.due():
        bar.set_postfix_str(_latest(training), refresh=False)
    bar.update()


def _latest(training: Training) -> str:
    """Losses, the critic's estimate beside the exact W₁, and the modes, as last measured."""
    row = dict(zip(COLUMNS, training.history[-1], strict=True))
    loss = training.config.loss
    critic_loss = f"D {row['critic_loss']:.3f} G " if loss.critic else ""
    parts = [f"loss {critic_loss}{row['generator_loss']:.3f}"]
    if loss.estimates and not np.isnan(row["estimate"]):
        parts.append(f"{loss.estimates.label} est. {row['estimate']:.3f}")
    parts.append(f"exact W₁ {row['w1']:.3f}")
    if not np.isnan(row["modes_solid"]):
        parts.append(f"{row['modes_solid']:.0f} modes ({row['modes_found']:.0f} found), {row['high_quality']:.0%} hq")
    return ", ".join(parts)


def _print_scores(rows: list[dict[str, Any]]) -> None:
    formats = {"samples": "", "modes_found": ".0f", "modes_solid": ".0f", "high_quality": ".1%",
               "reverse_kl": ".4f", "w1": ".3f"}
    columns = [name for name in formats if name in rows[0]]
    print_table([columns] + [[format(row[name], formats[name]) for name in columns] for row in rows])
