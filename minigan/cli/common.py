"""What the commands share: flags made from the table of settings, messages, tables, BLAS threads."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import Field
from pathlib import Path
from typing import Any

from minigan.gans.recipes import RECIPES
from minigan.lab.config import NAMES

INTERRUPTED = 130  # the exit status of a program stopped by Ctrl-C
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def command(commands: Any, name: str, function: Callable, about: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
    parser.set_defaults(command=function)
    return parser


def add_settings(parser: argparse.ArgumentParser, without: Collection[str] = ()) -> None:
    """A flag for each row of the configuration."""
    group = parser.add_argument_group("settings")
    for name, setting in NAMES.items():
        if name not in without:
            _add_setting(group, setting)


def given_settings(args: argparse.Namespace) -> dict[str, Any]:
    """The settings that the user gave, as the configuration holds them."""
    given = {name: getattr(args, name) for name in NAMES if hasattr(args, name)}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def _add_setting(group: Any, setting: Field) -> None:
    """A flag for a row of the configuration; its default, and which recipes prefer another."""
    about, default = setting.metadata["about"], setting.default
    names = setting.metadata["choices"]
    options = f" [{', '.join(names)}]" if names and setting.name != "recipe" else ""
    text = f"{about}{options} (default: {'; '.join([_text(default), *_preferred(setting.name)])})".replace("%", "%%")
    flag = f"--{setting.name.replace('_', '-')}"
    kind: dict[str, Any]
    if isinstance(default, bool):
        kind = {"action": argparse.BooleanOptionalAction}
    elif isinstance(default, tuple):
        of = str if "str" in str(setting.type) else int
        kind = {"type": of, "nargs": "+", "metavar": "NAME=VALUE" if of is str else "N"}
    else:
        kind = {"type": type(default), "metavar": type(default).__name__.upper()}
    group.add_argument(flag, dest=setting.name, default=argparse.SUPPRESS, help=text, **kind)


def _preferred(name: str) -> list[str]:
    """The values that recipes prefer, and which: ``1 for gan, gan-minimax and 33 more``."""
    who: dict[str, list[str]] = {}
    for recipe, row in RECIPES.items():
        if name in row.settings:
            who.setdefault(_text(row.settings[name]), []).append(recipe)
    return [f"{value} for {', '.join(some[:3])}" + f" and {len(some) - 3} more" * (len(some) > 3)
            for value, some in who.items()]


def _text(value: Any) -> str:
    return (" ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)


def fail(message: object, status: int = 2) -> int:
    print(f"minigan: {message}", file=sys.stderr)
    return status


def free_folder(name: str) -> Path:
    """runs/NAME, numbered if that exists."""
    names = [name, *(f"{name}-{k}" for k in range(2, 10_000))]
    return next(folder for folder in (Path("runs", n) for n in names) if not folder.exists())


def print_cells(cells: Sequence[Sequence[str]]) -> None:
    """A table, its header first: names to the left, numbers to the right."""
    widths = [max(len(line[k]) for line in cells) for k in range(len(cells[0]))]
    for line in cells:
        padded = [f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)]
        print("  ".join([f"{line[0]:<{widths[0]}}", *padded[1:]]).rstrip())


def blas_threads(asked: int | None) -> AbstractContextManager:
    """The BLAS at the asked number of threads. Unasked, one: on small layers threads only wait for each other."""
    from threadpoolctl import threadpool_limits

    if asked is None and any(name in os.environ for name in THREAD_VARIABLES):
        return nullcontext()
    return threadpool_limits(1 if asked is None else asked, user_api="blas")
