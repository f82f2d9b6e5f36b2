"""``minigan list``: the recipes by group, the data sets, the presets."""

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from minigan.cli.common import REFUSED, check_file, command, fail
from minigan.gans.recipes import RECIPES, Recipe
from minigan.lab.toys import TOYS
from minigan.studies.presets import PRESETS

LEARNS = ("With its defaults each learns the ring of 8, all modes and above 80 % high quality for most seeds, "
          "unless it says what it shows")


def add(commands: Any) -> None:
    parser = command(commands, "list", list_command, "print the recipes, the data sets and the presets")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write them there as a page instead")


def list_command(args: argparse.Namespace) -> int:
    if args.markdown is not None:
        try:
            check_file(args.markdown)
        except REFUSED as error:
            return fail(error)
        args.markdown.write_text(page(), encoding="utf-8")
        return 0
    print(f"Recipes (--recipe). {LEARNS}.")
    for group, rows in groups().items():
        print(f" {group}")
        _print_rows(rows)
    print("Data sets (--data), or a file .npy or .csv")
    _print_rows(TOYS)
    print("Presets (--preset)")
    _print_rows(PRESETS)
    return 0


def groups() -> dict[str, dict[str, Recipe]]:
    """The recipes by their group, in order."""
    found: dict[str, dict[str, Recipe]] = {}
    for name, row in RECIPES.items():
        found.setdefault(row.group, {})[name] = row
    return found


def page() -> str:
    """Every system, data set and preset as a Markdown page."""
    lines = ["# Every system", "", "Written by `minigan list --markdown docs/systems.md`; the rows are in "
             "`minigan/gans/recipes.py`, the formulas of their losses beside the code in `minigan/gans/`.", "",
             "*Constants* are numbers of the loss's formula (`--constants margin=2`); *settings* are what a recipe "
             "changes of the defaults (`minigan train --help`).", "",
             f"{LEARNS}. The numbers: [](comparison.md).", ""]
    for group, recipes in groups().items():
        lines += _section(f"{group[0].upper()}{group[1:]}", ["recipe", "what", "source", "constants", "settings"], [
            [f"`{name}`", _what(row), row.source, _pairs(row.loss.constants), _pairs(row.settings)]
            for name, row in recipes.items()])
    for title, table in (("Data sets", TOYS), ("Presets", PRESETS)):
        lines += _section(title, ["name", "what", "source"],
                          [[f"`{name}`", row.summary, row.source] for name, row in table.items()])
    return "\n".join(lines)


def _section(title: str, header: list[str], rows: Iterable[list[str]]) -> list[str]:
    """The lines of a heading and its table."""
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    table = [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *escaped)]
    return [f"## {title}", "", *table, ""]


def _what(row: Recipe) -> str:
    return f"{row.summary}. **Shows:** {row.shows}" if row.shows else row.summary


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value if isinstance(value, str | tuple) else f'{value:g}'}"
                     for name, value in values.items())


def _print_rows(rows: Any) -> None:
    width = max(map(len, [*RECIPES, *TOYS, *PRESETS]))
    for name, row in rows.items():
        source = f" [{row.source}]" if row.source else ""
        print(f"  {name:<{width}}  {row.summary}{source}")
        if getattr(row, "shows", ""):
            print(f"  {'':<{width}}    shows: {row.shows}")
