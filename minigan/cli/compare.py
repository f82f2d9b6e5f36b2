"""``minigan compare``: several systems on the same data, for many seeds, in one table."""

import argparse
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minigan.cli.common import (
    INTERRUPTED,
    REFUSED,
    add_settings,
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
from minigan.lab.checkpoint import RunError
from minigan.lab.style import plural
from minigan.studies import page, summary
from minigan.studies.design import Plan, plan
from minigan.studies.presets import PRESETS
from minigan.studies.study import StudyError, carry_out


def add(commands: Any) -> None:
    compare = command(commands, "compare", compare_command,
                      "train several recipes for several seeds and print one table")
    compare.add_argument("--recipes", metavar="A,B,...",
                         help="the recipes, separated by commas, or the preset's variants (default: the preset's list)")
    compare.add_argument("--seeds", type=seeds, metavar="N",
                         help="how many seeds, from --seed on, or which: 3,7,11 (default: the preset's number)")
    compare.add_argument("--preset", default="own", metavar="NAME", help="a named configuration, over the recipes' "
                         f"settings and under those given here [{', '.join(PRESETS)}] (default: %(default)s)")
    compare.add_argument("--quick", action="store_true", help="the preset's reduced budget: to look, not to quote")
    compare.add_argument("--jobs", type=count(1, 10_001), metavar="N", help="recipes trained at the same time, each by "
                         "one process on one BLAS thread (default: as many as there are processors)")
    compare.add_argument("--out", type=Path, metavar="DIR", help="the study's folder; what it has already is not "
                         "trained again (default: runs/compare-DATA, numbered if that exists)")
    add_settings(compare, without=("recipe",))


def seeds(text: str) -> int | tuple[int, ...]:
    """How many, or which: 3,7,11."""
    return tuple(map(count(0), text.split(","))) if "," in text else count(1, 10_001)(text)


def compare_command(args: argparse.Namespace) -> int:
    given = given_settings(args)
    data = given.pop("data", None)
    try:
        recipes = [name.strip() for name in (args.recipes or "").split(",") if name.strip()]
        todo = plan(recipes, data, args.seeds, given, args.preset, args.quick)
        named = ["compare", *([] if args.preset == "own" else [args.preset]), todo.data.name]
        folder = args.out or free_folder("-".join([*named, "quick"] if args.quick else named))
        check_folder(folder)
        check_pictures()
        folder.mkdir(parents=True, exist_ok=True)
    except REFUSED as error:
        return fail(error)
    again = f"{page.command_of(todo, data)} --out {shlex.quote(str(folder))}"
    seeds = plural(len(todo.seeds), "seed")
    print(f"{', '.join(todo.methods)} on {todo.data.name}, {seeds} each; study folder {folder}")
    for note in todo.data.notes:
        print(f"data: {note}")
    try:
        with _progress(todo) as show:
            study = carry_out(todo, args.jobs, folder, show)
    except RunError as error:
        return fail(error)
    except StudyError as error:
        return fail(error, status=1)
    except (OSError, MemoryError) as error:
        return fail(f"{reason(error)}. What is done is kept; to go on: {again}", status=1)
    except KeyboardInterrupt:
        return fail(f"stopped, saved; to go on: {again}", status=INTERRUPTED)
    print_table(summary.cells(study))
    for row in study.rows:
        if row["failed"]:
            print(f"failed: {row['recipe']}, seed {row['seed']}: {row['failed']}")
    page.write(study, folder, page.command_of(todo, data))
    print(f"wrote {folder}/summary.md, summary.csv, table.csv, comparison.png, and of each recipe "
          "samples.npz, table.csv, config.toml")
    return 0


@contextmanager
def _progress(todo: Plan) -> Iterator[Callable[[Mapping[str, int]], None]]:
    """What shows the steps done of each recipe still to be trained, in a bar over all of them; none: no bar."""
    steps = {name: config.steps for name, config in todo.methods.items()}
    with progress_bar(0, "step", delay=1e-3) as bar:

        def show(done: Mapping[str, int]) -> None:
            bar.total = sum(steps[name] for name in done)
            under_way = [f"{name} {n / steps[name]:.0%}" for name, n in done.items() if 0 < n < steps[name]]
            bar.set_postfix_str(", ".join(under_way), refresh=False)
            bar.update(sum(done.values()) - bar.n)

        yield show
