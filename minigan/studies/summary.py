"""What a study says: means over seeds with their intervals, as a table for the eye, a CSV and a page.

The interval is the percentile bootstrap's of the mean over seeds: 10,000 resamples of the seeds, the 2.5 and the
97.5 % quantile of their means, from a fixed random stream. Chosen once, for every metric and study: BCa is not
defined where all seeds agree, and they often do. Source: Efron & Tibshirani (1993), section 13.3.
"""

from __future__ import annotations

import csv
import io
import platform
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigan import __version__
from minigan.lab.checkpoint import write_whole
from minigan.lab.config import NAMES, as_dict
from minigan.studies.design import YARDSTICKS, Plan, Row, Study
from minigan.studies.presets import PUBLISHED, published

LEVEL, RESAMPLES = 0.95, 10_000


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
}
SHOWN = ("modes_found", "modes_solid", "high_quality", "reverse_kl", "w1")  # in the table for the eye
# they say where and how often one looks, not what is trained
LOOKING = {"evaluations", "device", "seed"}


class Estimate(NamedTuple):
    """A mean over seeds and its 95 % interval; nan where there is none: of one seed there is no interval."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float]) -> Estimate:
    """The mean of the values and the interval of it; those that are nan were not measured and do not count."""
    from scipy.stats import bootstrap

    x = np.asarray(values, dtype=float)
    x = x[~np.isnan(x)]
    if len(x) < 2:
        return Estimate(float(x[0]) if len(x) else np.nan, np.nan, np.nan)
    if (x == x[0]).all():  # and no rounding of the means
        return Estimate(float(x[0]), float(x[0]), float(x[0]))
    found = bootstrap((x,), np.mean, confidence_level=LEVEL, n_resamples=RESAMPLES, method="percentile",
                      random_state=np.random.default_rng(0)).confidence_interval
    return Estimate(float(x.mean()), float(found.low), float(found.high))


def summarize(study: Study) -> list[dict[str, Any]]:
    """A row for each method, then the ceiling and the null baseline: recipe, seeds, failed, seconds, and an Estimate
    of each metric over the seeds that did not fail."""
    rows: dict[str, list[Row]] = {name: [] for name in (*study.results, *YARDSTICKS)}
    for row in study.rows:
        rows[row["recipe"]].append(row)
    seconds = {name: result.seconds for name, result in study.results.items()}
    return [
        {"recipe": name, "seeds": len(some), "failed": sum(bool(row["failed"]) for row in some),
         "seconds": seconds.get(name, np.nan),
         **{metric: interval([row[metric] for row in some if metric in row]) for metric in _measured(study)}}
        for name, some in rows.items()
    ]


def _measured(study: Study) -> list[str]:
    """The metrics that this study's data have."""
    return [name for name in METRICS if any(name in row for row in study.rows)]


# -- tables ---------------------------------------------------------------------------------------
def cells(study: Study) -> list[list[str]]:
    """The table for the eye, its header first."""
    metrics = [name for name in SHOWN if name in _measured(study)]
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
    metrics = [name for name in METRICS if any(name in row for row in rows)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["recipe", "seed", "failed", *metrics])
    writer.writerows([[row["recipe"], row["seed"], row["failed"],
                       *(repr(float(row[name])) if name in row else "" for name in metrics)] for row in rows])
    write_whole(path, text.getvalue().encode())


def read_rows(path: Path) -> list[Row]:
    """What ``write_rows`` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{"recipe": row["recipe"], "seed": int(row["seed"]), "failed": row["failed"],
                 **{name: float(row[name]) for name in METRICS if row.get(name)}} for row in csv.DictReader(file)]


def _write_summary(path: Path, study: Study) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    metrics = _measured(study)
    writer.writerow(["recipe", "seeds", "failed", *(f"{m}{end}" for m in metrics for end in ("", "_low", "_high")),
                     "seconds"])
    for row in summarize(study):
        numbers = [value for metric in metrics for value in row[metric]] + [row["seconds"]]
        writer.writerow([row["recipe"], row["seeds"], row["failed"],
                         *("" if np.isnan(value) else repr(float(value)) for value in numbers)])
    write_whole(path, text.getvalue().encode())


# -- the page ---------------------------------------------------------------------------------------
def write(study: Study, folder: Path, command: str | None = None) -> None:
    """table.csv, summary.csv, summary.md, comparison.png, in the folder of the study."""
    from minigan.lab.picture import save_picture
    from minigan.studies.picture import draw_comparison

    write_rows(folder / "table.csv", study.rows)
    _write_summary(folder / "summary.csv", study)
    write_whole(folder / "summary.md", page(study, command).encode())
    save_picture(draw_comparison(study), folder / "comparison.png")


def page(study: Study, command: str | None = None) -> str:
    """The study as Markdown: the table, what is in it, every setting, and how to make it again."""
    plan = study.plan
    parts = [
        f"# {plan.data.name}: {', '.join(plan.methods)}",
        _budget(plan),
        f"```sh\n{command or command_of(plan)}\n```",
        markdown(cells(study)),
        _legend(plan),
        *_failures(study),
        *_beside_published(study),
        "## Settings",
        *_settings(plan),
        f"minigan {__version__}, {_versions()}",
    ]
    return "\n\n".join(parts) + "\n"


def _legend(plan: Plan) -> str:
    n = next(iter(plan.methods.values())).samples
    told = [
        f"Means over the seeds {', '.join(map(str, plan.seeds))}, those that failed left out and counted, with "
        f"{100 * LEVEL:g} % intervals: the percentile bootstrap of the mean over seeds, {RESAMPLES:,} resamples.",
        f"Of each seed, {n:,} samples are measured; exact W₁, in data units, on the first {min(n, 1024):,} of them.",
        "*Ceiling*: fresh samples of the data. *Null*: uniform noise on the data's box.",
    ]
    if plan.data.toy is not None and plan.data.toy.modes is not None:
        told.append("*Found*: one sample within 3σ of the mode. *Solid*: 1/(4k) of the samples, for k modes. *High "
                    "quality*: within 3σ of a mode. *Reverse KL*: of the shares of the modes, in nats, each sample "
                    "counted at its nearest one.")
    return " ".join(told)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its header first, padded to be read as it is."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def command_of(plan: Plan, data: str | None = None) -> str:
    """The command line that makes this study again; data: the file, where they are from one."""
    words = ["minigan", "compare", "--preset", plan.preset.name, *["--quick"] * plan.quick,
             "--data", data or plan.data.name, "--recipes", ",".join(plan.methods), "--seeds", str(len(plan.seeds)),
             *(["--seed", str(plan.seeds[0])] if plan.seeds[0] else [])]
    for name, value in plan.given.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        else:
            words += [flag, *map(str, value if isinstance(value, tuple | list) else (value,))]
    return shlex.join(words)


def _budget(plan: Plan) -> str:
    told = f"Preset `{plan.preset.name}`: {plan.preset.summary}."
    told += f" Source: {plan.preset.source}." if plan.preset.source else ""
    told += f" Reduced budget: {plan.preset.reduced}." if plan.preset.reduced else ""
    if plan.quick:
        changed = ", ".join(f"{name} {value}" for name, value in plan.preset.quick.items())
        told += f" **A quick look, reduced further ({changed}): not to be quoted.**"
    return told


def _failures(study: Study) -> list[str]:
    return [f"Failed: {row['recipe']}, seed {row['seed']}: {row['failed']}." for row in study.rows if row["failed"]]


def as_published(plan: Plan) -> bool:
    """Whether the preset's settings were left as they are, but for how often one looks."""
    return not plan.quick and not set(plan.given) - LOOKING


def _beside_published(study: Study) -> list[str]:
    plan = study.plan
    tables = published(plan.preset.name, plan.data.name)
    if not tables:
        return []
    if not as_published(plan):
        changed = sorted({*plan.given, *(plan.preset.quick if plan.quick else ())} - LOOKING)
        return [f"Not the published configuration ({', '.join(changed)} differ), so the published numbers "
                "do not stand beside these."]
    ours = {row["recipe"]: row for row in summarize(study)}
    rows = [["method", "table", "modes found", "ours", "% high quality", "ours", "reverse KL within 3σ", "ours"]]
    for title, table in tables.items():
        for method, there in table.items():
            here = [written(m, ours[method][m]) if method in ours else "" for m in
                    ("modes_found", "high_quality", "reverse_kl_near")]
            error = [f" ± {value:g}" for value in there.error] or ["", ""]
            kl = "" if there.reverse_kl is None else f"{there.reverse_kl:g}{error[1]}"
            rows.append([method, title, f"{there.modes_found:g}{error[0]}", here[0],
                         f"{100 * there.high_quality:.4g}", here[1], kl, here[2]])
    sources = "; ".join(f"{title}: {PUBLISHED[title].source}, {PUBLISHED[title].runs} runs" for title in tables)
    return ["## Beside the published numbers", markdown(rows),
            f"{sources}; 2,500 samples each. PacGAN's KL is of the samples within 3σ, and so is ours here."]


def _settings(plan: Plan) -> list[str]:
    """What all methods share, and a table of what they do not: the optimiser of each is always in it."""
    settings = {name: as_dict(config) for name, config in plan.methods.items()}
    first = next(iter(settings.values()))
    always = {"optimizer", "lr_critic", "lr_generator"}
    differ = [key for key in NAMES if key not in ("data", "seed")
              and (key in always or any(row[key] != first[key] for row in settings.values()))]
    shared = ", ".join(f"{key} {_plain(first[key])}" for key in NAMES if key not in (*differ, "seed", "recipe"))
    return ["The same for all: " + shared + ".", "Of each method:",
            markdown([["method", *differ]] + [[name, *(_plain(row[key]) for key in differ)]
                                              for name, row in settings.items()])]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _versions() -> str:
    import scipy

    return f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}"


__all__ = ["Estimate", "cells", "command_of", "interval", "page", "read_rows", "summarize", "write", "write_rows"]
