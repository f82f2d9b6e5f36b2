"""The picture of a study: every method's samples side by side, and below what was measured, seed by seed.

In the manner of ``lab/picture.py``: what is drawn is what the tables say. Of each method the samples are those of the
seed with the median W₁, neither its best nor whichever came first. Shape and place tell things apart before colour
does: a circle is a mean with its interval, a dot a seed, a hollow diamond the modes merely found. The axis of W₁ ends
where a runaway would ruin it; what lies beyond is a triangle on its end.
"""

from collections.abc import Sequence
from math import ceil, inf
from typing import Any

import numpy as np

from minigan.lab.clouds import circle_modes
from minigan.lab.data import Data
from minigan.lab.reference import draw_reference
from minigan.lab.style import DATA, FAINT, GENERATOR, new_figure, plural, style, title
from minigan.lab.view import shown_data
from minigan.studies.design import Row, Study, as_published
from minigan.studies.intervals import LEAST, Estimate
from minigan.studies.summary import METRICS, summarize

WIDTH, ACROSS = 10, 5  # inches, legible at the 800 pixels of a page's column; panels of samples in a line
GREY = "#6e6e6e"
MADE_BY = {"ceiling": DATA, "null": GREY}  # a yardstick is not a generator's


def draw_comparison(study: Study) -> Any:
    """The matplotlib Figure. Above: samples of each median seed over the data; below: every seed's metrics."""
    rows, clouds = summarize(study), _median_clouds(study)
    lines = ceil(len(clouds) / ACROSS)
    across = ceil(len(clouds) / lines)
    panels, strip = lines * (WIDTH / across + 0.4), 1.5 + 0.33 * len(rows)
    with style():
        figure: Any = new_figure(figsize=(WIDTH, 0.8 + panels + strip), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
        figure.suptitle(headline(study) + "\n", fontsize=13, fontweight="bold", parse_math=False)
        above, below = figure.subfigures(2, 1, height_ratios=(panels, strip))
        for ax, (x, row) in zip(above.subplots(lines, across, squeeze=False).flat, clouds, strict=False):
            draw_cloud(ax, study.plan.data, x, row)
        for ax in above.axes[len(clouds):]:
            ax.set_axis_off()
        draw_metrics(below, study, rows)
    return figure


def _median_clouds(study: Study) -> list[tuple[np.ndarray, Row]]:
    """Of each method, then of each yardstick: the samples of the seed with the median W₁, and its row."""
    plan = study.plan
    n = next(iter(plan.methods.values())).samples
    found = [(name, study.median_row(name)) for name in dict.fromkeys(row["recipe"] for row in study.rows)]
    return [(study.results[name].samples[plan.seeds.index(row["seed"])] if name in study.results
             else draw_reference(plan.data, row["seed"], n).yardsticks[name], row) for name, row in found]


def headline(study: Study) -> str:
    """What was compared, on which budget, and which seeds are shown."""
    plan = study.plan
    steps = sorted({config.steps for config in plan.methods.values()})
    parts = [f"{plan.data.name}: {' or '.join(f'{k:,}' for k in steps)} steps",
             plural(len(plan.seeds), "seed")]
    if plan.preset.name != "own":
        changed = not plan.quick and not as_published(plan)
        parts.append(f"preset {plan.preset.name}, changed" if changed else f"preset {plan.preset.name}")
    if plan.quick:
        parts.append("a quick look")
    shown = "" if len(plan.seeds) == 1 else "\nof each, the seed with the median W₁ is shown"
    return "; ".join(parts) + shown


# -- samples ------------------------------------------------------------------------------------------
def draw_cloud(ax: Any, data: Data, x: np.ndarray, row: Row) -> None:
    """Samples (n, d) of one method over the data: points in the first two coordinates, histograms on the line."""
    name = row["recipe"]
    real = shown_data(data)
    low, high = real.min(axis=0), real.max(axis=0)
    half = 0.62 * (high - low)[:2].max() or 1.0
    box = [((a + b) / 2 - half, (a + b) / 2 + half) for a, b in zip(low[:2], high[:2], strict=True)]
    if row["failed"]:
        about = "this seed failed"
    elif "modes_solid" in row:
        k = len(data.mixture.modes)
        about = f"{row['modes_solid']:.0f} of {k} solid, {100 * row['high_quality']:.0f} % hq"
    else:
        about = f"W₁ {row['w1']:.3f}"
    title(ax, name, about)
    ax.set_title(name, fontsize=12.5 if len(name) <= 16 else 9.5)
    ax.set(xticks=[], yticks=[], xlim=box[0])
    for spine in ax.spines.values():
        spine.set(visible=True, color=FAINT)
    colour, fine = MADE_BY.get(name, GENERATOR), x[np.isfinite(x).all(axis=1)]
    if data.dim == 1:
        bins = np.linspace(*box[0], 61)
        for points, options in [(real, {"color": FAINT, "fill": True}), (fine, {"color": colour, "linewidth": 1.6})]:
            counts = np.histogram(points[:, 0], bins)[0]  # of all points, those outside too
            ax.stairs(counts / (max(len(points), 1) * (bins[1] - bins[0])), bins, **options)
    else:
        ax.set(ylim=box[1], aspect="equal")
        ax.scatter(*real[:, :2].T, s=7, color=FAINT, linewidths=0)
        ax.scatter(*fine[:, :2].T, s=5, color=colour, alpha=0.7, linewidths=0)
        circle_modes(ax, data, linewidth=0.6)
    remark = {"transform": ax.transAxes, "va": "bottom", "fontsize": 9.5,
              "bbox": {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}}
    ax.text(0.02, 0.02, f"seed {row['seed']}", ha="left", **remark)
    outside = np.any([(fine[:, k] < a) | (fine[:, k] > b) for k, (a, b) in enumerate(box)], axis=0)
    share = outside.sum() / max(len(fine), 1)
    if share >= 0.005:
        ax.text(0.98, 0.02, f"{100 * share:.0f} % outside", ha="right", **remark)


# -- metrics ------------------------------------------------------------------------------------------
def draw_metrics(figure: Any, study: Study, rows: Sequence[dict[str, Any]]) -> None:
    """A panel for each metric, a line in it for each method: its seeds, their mean and its interval."""
    from matplotlib.ticker import MaxNLocator

    dots = "dots: seeds; bar: mean, 95 %" if len(study.plan.seeds) >= LEAST else "dots: seeds; circle: mean"
    end = end_of_axis([row["w1"] for row in study.rows if "w1" in row], rows[-1]["w1"].mean)
    unit = study.plan.data.scaling.unit
    panels = [("w1", f"Exact W₁, in {unit}", f"{dots}; ▶ beyond the axis", end)]
    if "modes_solid" in rows[0]:
        k = len(study.plan.data.mixture.modes)
        panels = [("modes_solid", f"Modes, of {k}", "● solid   ◇ found: one sample", k),
                  ("high_quality", "% within 3σ of a mode", dots, 100),
                  ("w1", "Exact W₁", f"in {unit}; ▶ beyond", end)]
    where = {row["recipe"]: len(rows) - 1 - k for k, row in enumerate(rows)}  # from the top
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for ax, (metric, name, about, most) in zip(axes, panels, strict=True):
        title(ax, name, about)
        _draw_metric(ax, study, rows, where, metric, most)
        ax.set(yticks=list(where.values()), yticklabels=list(where), ylim=(-0.6, len(rows) - 0.4))
        ax.tick_params(axis="y", length=0)
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=metric == "modes_solid", steps=[1, 2, 5, 10]))
        ax.grid(axis="x")
        ax.axhline(len(rows) - len(study.results) - 0.5, color=FAINT, linewidth=0.8)  # below it, the yardsticks
        ax.set_xlim(-0.015 * most, 1.02 * most)


def end_of_axis(seeds: Sequence[float], null: float) -> float:
    """Where the axis of W₁ ends: at the largest of all seeds, yardsticks' too, unless that is a runaway.

    A runaway is farther from the data than twice the null, which is noise on their box, or than ten times the median
    (the null itself may be: an outlier among the data makes the box wide).
    """
    known = [value for value in seeds if value > 0]  # of a single point all are 0
    return 1.01 * min(max(known), 2 * null or inf, 10 * float(np.median(known))) if known else 1.0


def _draw_metric(
    ax: Any, study: Study, rows: Sequence[dict[str, Any]], where: dict[str, int], metric: str, end: float
) -> None:
    factor = METRICS[metric].factor
    for row in rows:
        name, y, colour = row["recipe"], where[row["recipe"]], MADE_BY.get(row["recipe"], GENERATOR)
        seeds = [factor * other[metric] for other in study.rows if other["recipe"] == name and metric in other]
        places, counts = np.unique(np.minimum(seeds, end), return_counts=True)  # larger where several agree
        for value, count in zip(places, counts, strict=True):
            marker = ">" if value == end and max(seeds) > end else "o"
            ax.plot(value, y + 0.26, marker, color=colour, markersize=2.6 * np.sqrt(count), alpha=0.5,
                    markeredgewidth=0, clip_on=False)
        _draw_estimate(ax, row[metric], factor, y, "o", colour, colour, 2.6, end)
        if metric == "modes_solid":
            _draw_estimate(ax, row["modes_found"], 1.0, y - 0.26, "D", colour, "white", 1.2, end)


def _draw_estimate(
    ax: Any, estimate: Estimate, factor: float, y: float, marker: str, colour: str, face: str, width: float, end: float
) -> None:
    """A mean and the bar of its interval; beyond the end of the axis, a triangle there and the number."""
    if not np.isnan(estimate.low):
        ax.plot([factor * estimate.low, factor * estimate.high], [y, y], color=colour, linewidth=width,
                solid_capstyle="butt")
    mean = factor * estimate.mean
    ax.plot(min(mean, end), y, ">" if mean > end else marker, color=colour, markersize=5.5, markerfacecolor=face,
            clip_on=False, zorder=3)
    if mean > end:
        ax.annotate(f"{mean:.3g}", (end, y), xytext=(-6, -1), textcoords="offset points", ha="right", va="center",
                    fontsize=9.5, color=colour, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
