"""What the commands share: flags made from the table of settings, messages, run folders, what is tried first."""

import argparse
import os
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import Field
from pathlib import Path
from typing import Any

from minigan.arrays import DeviceError
from minigan.cli.parser import number, whole
from minigan.gans.recipes import RECIPES
from minigan.lab.config import ERRANDS, NAMES
from minigan.lab.style import new_figure, style

REFUSED = (ValueError, DeviceError, OSError, MemoryError, ImportError)  # what a request may be refused with
NUMBERS: dict[type, Callable[[str], Any]] = {int: whole, float: number}
INTERRUPTED = 130  # the exit status of a program stopped by Ctrl-C
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def command(commands: Any, name: str, function: Callable, about: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
    parser.set_defaults(command=function)
    return parser


def add_settings(parser: argparse.ArgumentParser, without: Collection[str] = ()) -> None:
    """A flag for each row of the configuration, in groups."""
    for errand, names in ERRANDS.items():
        group = parser.add_argument_group(errand)
        for name in names:
            if name not in without:
                _add_setting(group, NAMES[name])


def given_settings(args: argparse.Namespace) -> dict[str, Any]:
    """The settings that the user gave, as the configuration holds them."""
    given = {name: getattr(args, name) for name in NAMES if hasattr(args, name)}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def _add_setting(group: Any, setting: Field) -> None:
    """A flag for a row of the configuration; its default, and which recipes prefer another."""
    about, default = setting.metadata["about"], setting.default
    names = setting.metadata["choices"]
    choices = f" [{', '.join(names)}]" if names and setting.name != "recipe" else ""
    defaults = "; ".join([_text(default), *_preferred(setting.name)])
    options: dict[str, Any]
    if isinstance(default, bool):
        options = {"action": argparse.BooleanOptionalAction}
    elif not isinstance(default, tuple):
        options = {"type": NUMBERS.get(type(default), str), "metavar": type(default).__name__.upper()}
    elif "str" in str(setting.type):
        options = {"type": str, "nargs": "+", "metavar": "NAME=VALUE"}
    else:
        options = {"type": whole, "nargs": "+", "metavar": "N"}
    group.add_argument(f"--{setting.name.replace('_', '-')}", dest=setting.name, default=argparse.SUPPRESS,
                       help=f"{about}{choices} (default: {defaults})".replace("%", "%%"), **options)


def _preferred(name: str) -> list[str]:
    """The values that recipes prefer, and which: ``1 for gan, gan-minimax and 33 more``."""
    recipes_of: dict[str, list[str]] = {}
    for recipe, row in RECIPES.items():
        if name in row.settings:
            recipes_of.setdefault(_text(row.settings[name]), []).append(recipe)
    return [f"{value} for {_first_three(recipes)}" for value, recipes in recipes_of.items()]


def _first_three(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _text(value: Any) -> str:
    return (" ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)


def fail(message: object, status: int = 2) -> int:
    print(f"minigan: {reason(message)}", file=sys.stderr)
    return status


def reason(error: object) -> str:
    """What an error says, in words: of a file, which one."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return f"not enough memory: {error}"
    return str(error)


def check_folder(folder: Path) -> None:
    """ValueError unless it is a folder to write in, or can become one."""
    above = next(path for path in (folder, *folder.parents) if path.exists())
    if not above.is_dir():
        raise ValueError(f"{above} is a file, not a folder")
    if not os.access(above, os.W_OK | os.X_OK):
        raise ValueError(f"nothing can be written in {above}: permission denied")


def check_file(path: Path | None) -> None:
    """ValueError unless the file, if one is asked for, can be written; its folder is made."""
    if path is None:
        return
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not a file")
    check_folder(path.parent)
    if path.exists() and not os.access(path, os.W_OK):
        raise ValueError(f"{path} cannot be written: permission denied")
    path.parent.mkdir(parents=True, exist_ok=True)


def check_pictures() -> None:
    """ImportError or ValueError if matplotlib cannot draw: before the training, not after it."""
    with style():
        new_figure()


def free_folder(name: str) -> Path:
    """runs/NAME, numbered if that exists."""
    names = [name, *(f"{name}-{k}" for k in range(2, 10_000))]
    return next(folder for folder in (Path("runs", n) for n in names) if not folder.exists())


def blas_threads(asked: int | None) -> AbstractContextManager:
    """The BLAS at the asked number of threads. Unasked, one: on small layers threads only wait for each other."""
    from threadpoolctl import threadpool_limits

    if asked is None and any(name in os.environ for name in THREAD_VARIABLES):
        return nullcontext()
    return threadpool_limits(1 if asked is None else asked, user_api="blas")
