"""What the commands print and write: tables, progress bars, JSON."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NOT_FINITE = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}  # JSON has no such numbers: they become text


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """A table, its header first: names to the left, numbers to the right."""
    first, *others = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *numbers in rows:
        print("  ".join([name.ljust(first), *map(str.rjust, numbers, others)]).rstrip())


def progress_bar(*args: Any, **options: Any) -> Any:
    """tqdm's, as wide as the terminal; imported when the first is wanted."""
    from tqdm import tqdm

    return tqdm(*args, dynamic_ncols=True, **options)


def write_json(path: Path, document: Any) -> None:
    finite = json.loads(json.dumps(document), parse_constant=NOT_FINITE.get)
    path.write_text(json.dumps(finite, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
