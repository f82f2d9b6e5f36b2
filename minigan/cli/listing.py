"""``minigan list``: the recipes by group, the data sets, the presets."""

from __future__ import annotations

import argparse
from typing import Any

from minigan.cli.common import command
from minigan.gans.recipes import RECIPES
from minigan.lab.presets import PRESETS
from minigan.lab.toys import TOYS


def add(commands: Any) -> None:
    command(commands, "list", list_command, "print the recipes, the data sets and the presets")


def list_command(args: argparse.Namespace) -> int:
    groups: dict[str, dict[str, Any]] = {}
    for name, row in RECIPES.items():
        groups.setdefault(row.group, {})[name] = row
    print("Recipes (--recipe)")
    for group, rows in groups.items():
        print(f" {group}")
        _print_rows(rows)
    print("Data sets (--data), or a file .npy or .csv")
    _print_rows(TOYS)
    print("Presets (--preset)")
    _print_rows(PRESETS)
    return 0


def _print_rows(rows: Any) -> None:
    width = max(map(len, [*RECIPES, *TOYS, *PRESETS]))
    for name, row in rows.items():
        print(f"  {name:<{width}}  {row.summary}" + f" [{row.source}]" * bool(row.source))
