"""What a study says in numbers: means over seeds with their intervals, as a table for the eye and as CSV."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigan.lab.checkpoint import write_table
from minigan.lab.reference import YARDSTICKS
from minigan.studies.design import Row, Study
from minigan.studies.intervals import Estimate, interval


class Metric(NamedTuple):
    """A row: a column's title, how its numbers are written, and the factor before they are."""

    title: str
    format: str
    factor: float = 1.0


METRICS = {
    "modes_found": Metric("modes found", ".1f"),
    "modes_solid": Metric("modes solid", ".1f"),
    "high_quality": Metric("% high quality", ".1f", 100.0),
    "reverse_kl": Metric("reverse KL (nats)", ".3f"),
    "reverse_kl_near": Metric("reverse KL within 3σ (nats)", ".3f"),
    "w1": Metric("exact W₁", ".4f"),
    "memorised": Metric("% near a training row", ".1f", 100.0),
}
SHOWN = ("modes_found", "modes_solid", "high_quality", "reverse_kl", "w1", "memorised")  # in the table for the eye


def summarize(study: Study) -> list[dict[str, Any]]:
    """A row for each method, then the ceiling and the null baseline: recipe, seeds, failed, seconds, and an Estimate
    of each metric over the seeds that did not fail."""
    rows: dict[str, list[Row]] = {row["recipe"]: [] for row in study.rows}
    for row in study.rows:
        rows[row["recipe"]].append(row)
    seconds = {name: result.seconds for name, result in study.results.items()}
    return [
        {"recipe": name, "seeds": len(of_method), "failed": sum(bool(row["failed"]) for row in of_method),
         "seconds": seconds.get(name, np.nan),
         **{metric: interval([row[metric] for row in of_method if metric in row]) for metric in measured(study.rows)}}
        for name, of_method in rows.items()
    ]


def measured(rows: Sequence[Row]) -> list[str]:
    """The metrics that these rows have."""
    return [name for name in METRICS if any(name in row for row in rows)]


# -- tables ---------------------------------------------------------------------------------------
def cells(study: Study) -> list[list[str]]:
    """The table for the eye, its header first."""
    metrics = [name for name in SHOWN if name in measured(study.rows)]
    header = ["recipe", *(METRICS[name].title for name in metrics), "failed", "seconds"]
    rows = [header]
    for row in summarize(study):
        trained = row["recipe"] not in YARDSTICKS
        about = [f"{row['failed']} of {row['seeds']}", f"{row['seconds']:.0f}"] if trained else ["", ""]
        rows.append([row["recipe"], *(written(name, row[name]) for name in metrics), *about])
    return rows


def written(metric: str, estimate: Estimate) -> str:
    """7.9 [7.6, 8.0]; without an interval where there is none, and – where nothing was measured."""
    mean, low, high = (format(value * METRICS[metric].factor, METRICS[metric].format) for value in estimate)
    if np.isnan(estimate.mean):
        return "–"
    return mean if np.isnan(estimate.low) else f"{mean} [{low}, {high}]"


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """The long table as CSV: recipe, seed, failed, and every metric, with all its digits; empty: not measured."""
    about, metrics = ("recipe", "seed", "failed"), measured(rows)
    write_table(path, [*about, *metrics],
                [[*(row[name] for name in about), *(float(row.get(name, np.nan)) for name in metrics)] for row in rows])


def read_rows(path: Path) -> list[Row]:
    """What ``write_rows`` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{"recipe": row["recipe"], "seed": int(row["seed"]), "failed": row["failed"],
                 **{name: float(row[name]) for name in METRICS if row.get(name)}} for row in csv.DictReader(file)]


def write_summary(path: Path, study: Study) -> None:
    about, metrics = ("recipe", "seeds", "failed"), measured(study.rows)
    ends = [f"{metric}{end}" for metric in metrics for end in ("", "_low", "_high")]
    write_table(path, [*about, *ends, "seconds"],
                [[*(row[name] for name in about), *(float(value) for metric in metrics for value in row[metric]),
                  row["seconds"]] for row in summarize(study)])


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its header first, padded to be read as it is."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])
