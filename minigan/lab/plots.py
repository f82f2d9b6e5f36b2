"""The picture of a run, panel by panel: where it ended, what the critic sees, how it came there.

Every ``draw_...`` puts one panel on Axes of yours; ``report`` puts them together, ``save`` writes the
PNG. Matplotlib is imported when a picture is made and not before; no pyplot, no display, no global state.

One colour for each actor, and a line style, so that grey print tells them apart too: the data black and
grey, the generator blue, the critic vermilion (of Okabe & Ito's palette, which colour-blind eyes can tell).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from minigan.autodiff import Tensor
from minigan.gans.losses import Loss
from minigan.gans.recipes import recipe
from minigan.lab.checkpoint import replace
from minigan.lab.data import Data
from minigan.lab.model import Model
from minigan.lab.train import W1_SAMPLES

Curves = dict[str, np.ndarray]  # by the names of the history's columns

DATA, FAINT, GENERATOR, CRITIC, MODES = "black", "#b8b8b8", "#0072B2", "#D55E00", "#00734F"
SURFACE = ("#ffffff", "#fdf0d5", "#f7d595", "#e69f00")  # light at either end: dark arrows stay legible
STYLE = {
    "font.size": 10.5, "axes.titlesize": 12.5, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.titlepad": 22, "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "legend.framealpha": 0.9, "legend.edgecolor": "none", "legend.fontsize": 10, "legend.borderpad": 0.2,
    "legend.columnspacing": 1, "legend.handlelength": 1.7, "legend.handletextpad": 0.5,
    "grid.color": "#e6e6e6", "grid.linewidth": 0.8,
}
DPI = 130
SHOWN = 2_000  # data points in a panel
LARGEST = {"JS (nats)": (log(2), "log 2: disjoint supports")}  # what an estimated divergence cannot exceed


def report(
    model: Model, data: Data, samples: np.ndarray, history: Sequence[Sequence[float]], columns: Sequence[str]
) -> Any:
    """The matplotlib Figure of a finished run. Above: where it ended; below: how it came there.

    samples: (n, dim), data units; history: rows of train.COLUMNS, NaN where nothing was measured.
    """
    from matplotlib.figure import Figure

    table, loss = curves(history, columns), recipe(model.config.recipe).loss
    points: dict[str, Any] = {"data": data, "samples": samples}
    above = [
        partial(draw_samples, **points),
        partial(draw_critic, model=model, **points),
        partial(draw_slopes if loss.power else draw_verdicts, model=model, **points),
    ]
    below = [
        partial(draw_distances, table=table, estimate=bool(loss.power)),
        *([] if loss.power else [partial(draw_bound, table=table, of=loss.estimates)]),
        *([] if not _modes(data) else [partial(draw_quality, table=table, k=_modes(data), dim=data.dim)]),
        partial(draw_losses, table=table, loss=loss),
    ]
    steps, seed = model.config.steps, model.config.seed
    headline = f"{model.config.recipe} on {data.name}: {steps:,} step{'s' * (steps != 1)}, seed {seed}"
    with _style():
        figure: Any = Figure(figsize=(16, 9), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.12, h_pad=0.06)
        figure.suptitle(headline, fontsize=17, fontweight="bold", parse_math=False)
        for part, panels in zip(figure.subfigures(2, 1, height_ratios=(6, 5)), (above, below), strict=True):
            for draw, ax in zip(panels, part.subplots(1, len(panels), squeeze=False)[0], strict=True):
                draw(ax)
    return figure


def save(figure: Any, path: Path) -> None:
    """Write a PNG, whole or not at all. The same input gives the same bytes: no time, no version inside."""
    buffer = io.BytesIO()
    with _style():
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    replace(Path(path), buffer.getvalue())


def curves(history: Sequence[Sequence[float]], columns: Sequence[str]) -> Curves:
    """The history by column, (rows,) each; what is not finite is NaN, a gap in its curve."""
    rows = np.array(history, dtype=float).reshape(-1, len(columns))
    return dict(zip(columns, np.where(np.isfinite(rows), rows, np.nan).T, strict=True))


def segments(data: Data, samples: np.ndarray) -> np.ndarray:
    """x̂ = εx + (1 − ε)G(z), ε ~ U[0, 1], (n, dim): where a gradient penalty looks."""
    rng = np.random.default_rng(1)
    eps = rng.random((len(samples), 1))
    return eps * data.sample(rng, len(samples)) + (1 - eps) * samples


# -- where it ended --------------------------------------------------------------------------------


def draw_samples(ax: Any, data: Data, samples: np.ndarray) -> None:
    """Samples over data: densities on the line, else points, in the first two coordinates."""
    about = f"{len(samples):,} samples"
    if k := _modes(data):
        found = data.modes(samples)
        about = f"{100 * found['high_quality']:.1f} % within 3σ of a mode, {found['modes_solid']} of {k} modes solid"
    _title(ax, "Data and samples", (f"x₁ and x₂ of {data.dim}; " if data.dim > 2 else "") + about)
    (_densities if data.dim == 1 else _clouds)(ax, data, samples)
    _legend_above(ax, markerscale=3)


def _clouds(ax: Any, data: Data, samples: np.ndarray) -> None:
    from matplotlib.patches import Circle

    ax.scatter(*_look(data)[:, :2].T, s=10, color=FAINT, linewidths=0, label="data")
    ax.scatter(*samples[:, :2].T, s=6, color=GENERATOR, alpha=0.75, linewidths=0, label="samples")
    _plane(ax, _box(data, samples))
    toy: Any = data.toy
    if _modes(data) and data.dim == 2 and 6 * toy.sigma > 0.01 * np.ptp(ax.get_xlim()):  # or nobody could see them
        for mu in toy.modes:
            ax.add_patch(Circle(mu, 3 * toy.sigma, fill=False, color=DATA, linewidth=0.8))


def _densities(ax: Any, data: Data, samples: np.ndarray) -> None:
    (low, high), = _box(data, samples)
    bins = np.linspace(low, high, 81)
    if data.toy is not None and data.toy.log_density is not None:
        x = np.linspace(low, high, 801)
        ax.plot(x, np.exp(data.toy.log_density(x[:, None])), color=DATA, label="data, exact")
    else:
        ax.hist(_look(data)[:, 0], bins, density=True, histtype="step", color=DATA, linewidth=1.4, label="data")
    ax.hist(samples[:, 0], bins, density=True, color=GENERATOR, alpha=0.55, label="samples")
    ax.set(xlabel="x", ylabel="density", xlim=(low, high))


def draw_critic(ax: Any, model: Model, data: Data, samples: np.ndarray) -> None:
    """The critic's scores and their gradient: a surface with arrows, or two curves on the line."""
    scores, slope = model.critic(segments(data, samples))
    usual = float(np.median(np.linalg.norm(slope, axis=1)))
    name, about = "logit s(x)", ["thick: D = ½"]
    if recipe(model.config.recipe).loss.power:
        name, about = "score f(x)", [f"median ‖∇f‖ between data and samples {usual:.2f}"]
    if data.dim > 2:
        about = [about[0].replace(" between data and samples", ""), "slice through the data's mean"]
    _title(ax, f"The critic: {name}", "; ".join(about))
    if data.dim == 1:
        _line(ax, model, _box(data, samples)[0], name)
    else:
        _surface(ax, model, data, _box(data, samples), name, float(scores.min()), float(f"{1.5 * usual:.1e}") or 1.0)


def _surface(
    ax: Any, model: Model, data: Data, box: list[tuple[float, float]], name: str, low: float, longest: float
) -> None:
    """Levels from ``low``, as nothing holds a critic far from the data; arrows of the ``longest`` slope at most."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import MaxNLocator

    x, y = np.meshgrid(*(np.linspace(*side, 121) for side in box))
    points = np.tile(_look(data).mean(axis=0), (x.size, 1))
    points[:, 0], points[:, 1] = x.ravel(), y.ravel()
    scores, slope = model.critic(points)
    heights = scores.reshape(x.shape).astype(float)
    bottom, top = np.quantile(heights, (0.1, 0.995))
    levels = MaxNLocator(16).tick_values(min(low, bottom), top)
    colours = LinearSegmentedColormap.from_list("critic", SURFACE)
    filled = ax.contourf(x, y, heights, levels, cmap=colours, extend="both")
    ax.figure.colorbar(filled, cax=ax.inset_axes((1.03, 0, 0.04, 1)), label=name, format="{x:.7g}")
    ax.contour(x, y, heights, levels, colors="#7a5200", linewidths=0.4, linestyles="solid")
    if name.startswith("logit") and heights.min() < 0 < heights.max():
        ax.contour(x, y, heights, [0], colors=CRITIC, linewidths=2)
    u, v, *arrow = (part.reshape(x.shape)[3::6, 3::6] for part in (x, y, *slope.T[:2]))
    cut = longest / np.maximum(np.hypot(*arrow), longest)
    arrows = ax.quiver(u, v, *(part * cut for part in arrow), angles="xy", pivot="mid", width=0.003, scale=21 * longest)
    ax.quiverkey(arrows, 1.05, 1.1, longest, f"slope {longest:g} or more", labelpos="W")
    if data.dim == 2:
        ax.scatter(*_look(data)[:400].T, s=9, color=DATA, edgecolors="white", linewidths=0.4)
    _plane(ax, box)


def _line(ax: Any, model: Model, side: tuple[float, float], name: str) -> None:
    x = np.linspace(*side, 801)
    score, slope = model.critic(x[:, None])
    lines = ax.plot(x, score, color=CRITIC, label=name.split()[0])
    if name.startswith("logit"):
        ax.axhline(0, color=CRITIC, linewidth=2.5, alpha=0.4)
    ax.set(xlabel="x", ylabel=name, xlim=side)
    beside = ax.twinx()
    lines += beside.plot(x, slope[:, 0], color=DATA, linestyle="--", linewidth=1.1, label="slope (right)")
    beside.set_ylabel("slope")
    beside.yaxis.set_major_formatter("{x:.7g}")
    beside.spines["right"].set_visible(True)
    _legend_above(ax, handles=lines)


def draw_slopes(ax: Any, model: Model, data: Data, samples: np.ndarray) -> None:
    """A histogram of ‖∇f‖ on the segments between data and samples; W₁'s critic has slope 1 at most."""
    norms = np.linalg.norm(model.critic(segments(data, samples))[1], axis=1)
    top = max(1.2, 1.1 * float(np.quantile(norms, 0.995)))
    ax.hist(norms, np.linspace(0, top, 61), density=True, color=CRITIC, alpha=0.6)
    ax.axvline(1, color=DATA, linestyle="--", label="1: the Lipschitz bound")
    _title(ax, "The critic's slope", "on segments between data and samples")
    ax.set(xlabel="‖∇f(x̂)‖", ylabel="density", xlim=(0, top))
    _legend_above(ax)


def draw_verdicts(ax: Any, model: Model, data: Data, samples: np.ndarray) -> None:
    """Histograms of D = σ(s) on data and on samples: ½ on both where they cannot be told apart."""
    for x, look in [(_look(data), {"label": "data", "color": DATA, "histtype": "step", "linewidth": 1.4}),
                    (samples, {"label": "samples", "color": GENERATOR, "alpha": 0.55})]:
        verdict = 0.5 + 0.5 * np.tanh(0.5 * model.critic(x)[0])  # σ without overflow
        ax.hist(verdict, np.linspace(0, 1, 51), density=True, **look)
    ax.axvline(0.5, color=DATA, linestyle="--")
    _title(ax, "The critic's verdict", "probability that a point is data; ½: it cannot tell")
    ax.set(xlabel="D(x) = σ(s(x))", ylabel="density", xlim=(0, 1))
    _legend_above(ax)


# -- how it came there -----------------------------------------------------------------------------


def draw_distances(ax: Any, table: Curves, estimate: bool = True) -> None:
    """Exact W₁, the sampling floor (a median and 90 % of the draws), and the critic's estimate if it is of W₁.

    The axis is linear up to the floor, where differences are noise, and logarithmic above it.
    """
    _title(ax, "Distance to the data", f"W₁ of {W1_SAMPLES} samples to {W1_SAMPLES} data")
    _curve(ax, table, "w1", "exact W₁", color=GENERATOR)
    if estimate:
        _curve(ax, table, "estimate", "critic: E f(x) − E f(G(z)) ≤ K·W₁", color=CRITIC, linestyle="--")
    floor = _finite(table["w1_floor"])
    low, middle, high = np.quantile(floor, (0.05, 0.5, 0.95)) if len(floor) else (0, 0, 0)
    if middle > 0:
        ax.axhspan(low, high, color=FAINT, alpha=0.4, linewidth=0)
        ax.axhline(middle, color=DATA, linestyle=":", label="floor: data to data")
        _bent(ax, middle, np.concatenate([floor, _finite(table["w1"]), _finite(table["estimate"]) if estimate else []]))
    _over_steps(ax, table, "W₁ (data units)")
    ax.legend()


def draw_bound(ax: Any, table: Curves, of: str) -> None:
    """The critic's estimate of a divergence, and the largest value that it can have."""
    _title(ax, "The critic's estimate", f"a lower bound on {of}")
    ax.axhline(0, color=FAINT, linewidth=1)
    _curve(ax, table, "estimate", "critic", color=CRITIC, linestyle="--")
    if of in LARGEST:
        ax.axhline(LARGEST[of][0], color=DATA, linestyle=":", label=LARGEST[of][1])
    _over_steps(ax, table, of)
    ax.legend()


def draw_quality(ax: Any, table: Curves, k: int, dim: int) -> None:
    """% of samples within 3σ of one of k modes, and solid modes: all k are level with 100 %.

    The ceiling is F_χ²(9; dim), what the data themselves score where the modes are far apart.
    """
    from scipy.special import gammainc

    percent = {"step": table["step"], "quality": 100 * table["high_quality"], "solid": 100 / k * table["modes_solid"]}
    ceiling = 100 * float(gammainc(dim / 2, 9 / 2))
    _title(ax, "Quality of the samples", "solid: a quarter of its share or more")
    _curve(ax, percent, "quality", "% within 3σ of a mode", color=GENERATOR)
    _curve(ax, percent, "solid", "modes solid (right)", color=MODES, linestyle="--", linewidth=1.2)
    ax.axhline(ceiling, color=DATA, linestyle=":", label=f"ceiling: {ceiling:.2f} %")
    ax.set_ylim(-3, 108)
    beside = ax.secondary_yaxis("right", functions=(lambda p: p * k / 100, lambda modes: modes * 100 / k))
    beside.set_ylabel(f"modes solid, of {k}", color=MODES)
    beside.yaxis.get_major_locator().set_params(integer=True)
    _over_steps(ax, table, "% within 3σ of a mode")
    ax.legend()


def draw_losses(ax: Any, table: Curves, loss: Loss) -> None:
    """What each player minimises, and where that is if every point has the score 0."""
    _title(ax, "Losses", "one batch each; dotted: all scores 0")
    _curve(ax, table, "generator_loss", "generator", color=GENERATOR)
    _curve(ax, table, "critic_loss", "critic", color=CRITIC, linestyle="--")
    zero = Tensor(np.zeros((1, 1)))
    ax.axhline(loss.generator(zero).item(), color=GENERATOR, linestyle=":")
    ax.axhline(loss.critic(zero, zero).item(), color=CRITIC, linestyle=":")
    _over_steps(ax, table, "loss (scaled data units)" if loss.power else "loss (nats)")
    _legend_above(ax)


# -- shared ----------------------------------------------------------------------------------------


def _style() -> AbstractContextManager:
    """Within: matplotlib's own defaults and STYLE, whatever the reader's matplotlibrc says."""
    from matplotlib import style

    return style.context(["default", STYLE])


def _title(ax: Any, text: str, about: str) -> None:
    ax.set_title(text)
    for axis in (ax.xaxis, ax.yaxis):  # no power of ten over the axis, where the text stands
        axis.set_major_formatter("{x:.7g}")
    ax.annotate(about, (0, 1), xytext=(0, 6), xycoords="axes fraction", textcoords="offset points", color="#444444")


def _legend_above(ax: Any, **options: Any) -> None:
    """A legend beside the title, where it hides nothing."""
    from matplotlib.transforms import offset_copy

    above = offset_copy(ax.transAxes, ax.figure, y=18, units="points")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), bbox_transform=above, ncols=2, frameon=False, borderaxespad=0,
              **options)


def _curve(ax: Any, table: Curves, column: str, label: str, **look: Any) -> None:
    marker = "o" if len(table["step"]) < 20 else None
    missing = "" if len(_finite(table[column])) else ": –"
    ax.plot(table["step"], table[column], label=label + missing, marker=marker, markersize=4, **look)


def _over_steps(ax: Any, table: Curves, label: str) -> None:
    ax.set(xlabel="generator steps", ylabel=label, xlim=(0, 1.02 * max([1, *table["step"]])))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.xaxis.get_major_locator().set_params(nbins=5, integer=True)
    ax.grid(True)


def _bent(ax: Any, bend: float, values: np.ndarray) -> None:
    """A y axis that is linear up to ``bend`` and logarithmic above it, ticked at 0 and at 1, 2, 5, 10, ..."""
    low, high = min(0, max(values.min(), -bend)), max(values.max(), 2 * bend)
    powers = 10.0 ** np.arange(np.floor(np.log10(bend)), np.log10(high) + 1)
    ticks = np.outer(powers, (1, 2, 5) if len(powers) < 5 else (1,)).ravel()
    ticks = np.append(0, ticks[(bend <= ticks) & (ticks <= 1.3 * high)])
    ax.set_yscale("symlog", linthresh=bend, linscale=0.6)
    ax.set_ylim(low - 0.1 * bend, 1.3 * high)
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_yticks([], minor=True)


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def _modes(data: Data) -> int:
    """k, how many modes the data are known to have; 0 where none are known."""
    return 0 if data.toy is None or data.toy.modes is None else len(data.toy.modes)


def _look(data: Data) -> np.ndarray:
    """Data for the eye: always the same draw."""
    return data.sample(np.random.default_rng(0), SHOWN)


def _box(data: Data, samples: np.ndarray) -> list[tuple[float, float]]:
    """Where to look, by coordinate: all data, and the samples but for 1 % on a side; in the plane a square."""
    real = _look(data)[:, :2]
    low = np.minimum(real.min(axis=0), np.quantile(samples[:, :2], 0.01, axis=0))
    high = np.maximum(real.max(axis=0), np.quantile(samples[:, :2], 0.99, axis=0))
    half = 0.6 * (high - low).max() or 1.0
    return [(float(c - half), float(c + half)) for c in (low + high) / 2]


def _plane(ax: Any, box: list[tuple[float, float]]) -> None:
    ax.set(xlabel="x₁", ylabel="x₂", xlim=box[0], ylim=box[1], aspect="equal")
