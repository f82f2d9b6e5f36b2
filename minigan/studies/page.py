"""What a study leaves in its folder: the tables, the picture, and a page that says how to make it again."""

import platform
import shlex
from pathlib import Path
from typing import Any

import numpy as np

from minigan import __version__
from minigan.lab.checkpoint import write_whole
from minigan.lab.config import NAMES, as_dict
from minigan.lab.data import Data
from minigan.lab.metrics import W1_SAMPLES
from minigan.lab.picture import save_picture
from minigan.lab.reference import draw_reference
from minigan.lab.style import plural
from minigan.studies.design import LOOKING, Plan, Study, as_published
from minigan.studies.intervals import LEAST, LEVEL, RESAMPLES
from minigan.studies.picture import draw_comparison
from minigan.studies.presets import PUBLISHED, published
from minigan.studies.summary import cells, markdown, summarize, write_rows, write_summary, written


def write(study: Study, folder: Path, command: str | None = None) -> None:
    """table.csv, summary.csv, summary.md, comparison.png, in the folder of the study."""
    write_rows(folder / "table.csv", study.rows)
    write_summary(folder / "summary.csv", study)
    write_whole(folder / "summary.md", page(study, command).encode())
    save_picture(draw_comparison(study), folder / "comparison.png")


def page(study: Study, command: str | None = None) -> str:
    """The study as Markdown: the table, what is in it, every setting, and how to make it again."""
    import scipy

    plan = study.plan
    parts = [
        f"# {plan.data.name}: {', '.join(plan.methods)}",
        _budget(plan),
        f"```sh\n{command or command_of(plan)}\n```",
        markdown(cells(study)),
        _legend(plan),
        *(f"Failed: {row['recipe']}, seed {row['seed']}: {row['failed']}." for row in study.rows if row["failed"]),
        *_beside_published(study),
        "## Settings",
        *_settings(plan),
        f"minigan {__version__}, Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}",
    ]
    return "\n\n".join(parts) + "\n"


def _legend(plan: Plan) -> str:
    n, data = next(iter(plan.methods.values())).samples, plan.data
    real = draw_reference(data, plan.seeds[0], n).real
    text = [
        f"Means over the seeds {', '.join(map(str, plan.seeds))}, those that failed left out and counted.",
        _intervals(len(plan.seeds)),
        f"Of each seed, {n:,} samples are measured; exact W₁, in {data.scaling.unit}, on the first "
        f"{min(len(real), W1_SAMPLES):,} of them.",
        _ceiling(data), "*Null*: uniform noise on the data's box.",
    ]
    if data.mixture:
        text.append("*Found*: one sample within 3σ of the mode. *Solid*: 1/(4k) of the samples, for k modes. *High "
                    "quality*: within 3σ of a mode. *Reverse KL*: of the shares of the modes, in nats, each sample "
                    "counted at its nearest one, over the seeds of which half of the samples or more are at a mode.")
    return " ".join(text)


def _ceiling(data: Data) -> str:
    """What a perfect generator is measured by, in the table."""
    if data.points is None:
        return "*Ceiling*: fresh samples of the data."
    if data.held is None:
        return "No ceiling: no rows are held out, so a generator that has learned them by heart seems perfect."
    return (f"*Ceiling*: {plural(len(data.points), 'row')} of the training against {len(data.held):,} held out, as all "
            "are: a generator that has the first by heart scores as well. *Near a training row*: nearer than half of "
            "the rows held out are; of fresh data 50 %.")


def _intervals(seeds: int) -> str:
    """What stands in brackets, or why nothing does."""
    if seeds < LEAST:
        return f"No intervals: a {100 * LEVEL:g} % one takes {LEAST} seeds. What each seed gave is in table.csv."
    unlike = 1 - (1 - LEVEL) ** (1 / seeds)  # a share p of other seeds is missed by n with probability (1 − p)ⁿ
    return (f"In brackets {100 * LEVEL:g} % intervals of the mean, where at least {LEAST} seeds did not fail: the "
            f"bootstrap's expanded percentiles, {RESAMPLES:,} resamples. An interval of one value, as [8.0, 8.0], says "
            f"that all seeds agree: {seeds} do, once in 20 times, even if {100 * unlike:.0f} % of all would not.")


def command_of(plan: Plan, data: str | None = None) -> str:
    """The command line that makes this study again; data: the file, where they are from one."""
    words = ["minigan", "compare", "--preset", plan.preset.name]
    if plan.quick:
        words.append("--quick")
    words += ["--data", data or plan.data.name, "--recipes", ",".join(plan.methods), *_flags(plan.seeds)]
    for name, value in plan.given.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        else:
            words += [flag, *map(str, value if isinstance(value, tuple | list) else (value,))]
    return shlex.join(words)


def _flags(seeds: tuple[int, ...]) -> list[str]:
    """The flags that give these seeds: their number and the first, or all where they do not follow one another."""
    first, n = seeds[0], len(seeds)
    if seeds != tuple(range(first, first + n)):
        return ["--seeds", ",".join(map(str, seeds))]
    return ["--seeds", str(n), *(["--seed", str(first)] if first else [])]


def _budget(plan: Plan) -> str:
    text = f"Preset `{plan.preset.name}`: {plan.preset.summary}."
    text += f" Source: {plan.preset.source}." if plan.preset.source else ""
    text += f" Reduced budget: {plan.preset.reduced}." if plan.preset.reduced else ""
    if plan.quick:
        changed = ", ".join(f"{name} {value}" for name, value in plan.preset.quick.items())
        text += f" **A quick look, reduced further ({changed}): not to be quoted.**"
    return text


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
        for method, theirs in table.items():
            own = [written(m, ours[method][m]) if method in ours else "" for m in
                    ("modes_found", "high_quality", "reverse_kl_near")]
            error = [f" ± {value:g}" for value in theirs.error] or ["", ""]
            kl = "" if theirs.reverse_kl is None else f"{theirs.reverse_kl:g}{error[1]}"
            rows.append([method, title, f"{theirs.modes_found:g}{error[0]}", own[0],
                         f"{100 * theirs.high_quality:.4g}", own[1], kl, own[2]])
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
