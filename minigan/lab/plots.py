"""The picture of a run, panel by panel: what was drawn, what the critic sees, how it went.

Every ``draw_...`` puts one panel on Axes of yours; ``report`` puts them together, ``save`` writes the
PNG. Matplotlib is imported when a picture is made and not before; no pyplot, no display, no global state.

One colour for each actor, each with a line style of its own so that grey print can tell them apart:
the data black and grey, the generator blue, the critic vermilion (Okabe and Ito's colour-blind safe hues).
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
from minigan.lab.toys import Toy
from minigan.lab.train import W1_SAMPLES

DATA, FAINT, GENERATOR, CRITIC, MODES = "black", "#9a9a9a", "#0072B2", "#D55E00", "#00734F"
SURFACE = ["#ffffff", "#fdf0d5", "#f7d595", "#E69F00"]  # white to Okabe and Ito's orange: dark arrows stay legible
STYLE = {
    "font.size": 10.5, "axes.titlesize": 12.5, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.titlepad": 22, "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "legend.frameon": True, "legend.framealpha": 0.9, "legend.edgecolor": "white", "legend.fontsize": 10,
    "lines.linewidth": 1.6, "grid.color": "#e6e6e6", "grid.linewidth": 0.8,
}
DPI = 130
SHOWN = 2_000  # data points in a panel
LARGEST = {"JS (nats)": (log(2), "log 2: disjoint supports")}  # the value of a divergence that nothing exceeds

Curves = dict[str, np.ndarray]  # by the names of the history's columns


def report(
    model: Model, data: Data, samples: np.ndarray, history: Sequence[Sequence[float]], columns: Sequence[str]
) -> Any:
    """The matplotlib Figure of a finished run. Above: where it ended; below: how it came there.

    samples: (n, dim), data units; history: the rows of train.COLUMNS, NaN where not measured.
    """
    from matplotlib.figure import Figure

    table, loss = curves(history, columns), recipe(model.config.recipe).loss
    above = [
        partial(draw_samples, data=data, samples=samples),
        partial(draw_critic, model=model, data=data, samples=samples),
        partial(draw_slopes if loss.power else draw_verdicts, model=model, data=data, samples=samples),
    ]
    below = [
        partial(draw_distances, table=table, estimate=bool(loss.power)),
        *([] if loss.power else [partial(draw_bound, table=table, what=loss.estimates)]),
        *([] if data.toy is None or data.toy.modes is None else [partial(draw_quality, table=table, toy=data.toy)]),
        partial(draw_losses, table=table, loss=loss),
    ]
    with _style():
        figure = Figure(figsize=(16, 9), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.12, h_pad=0.06)
        figure.suptitle(_headline(model, data, table), fontsize=17, fontweight="bold", parse_math=False)
        for part, panels in zip(figure.subfigures(2, 1, height_ratios=(6, 5)), (above, below), strict=True):
            for draw, ax in zip(panels, part.subplots(1, len(panels), squeeze=False)[0], strict=True):
                draw(ax)
    return figure


def save(figure: Any, path: Path) -> None:
    """Write a PNG whole or not at all; the same figure gives the same bytes, for it holds no time and no version."""
    buffer = io.BytesIO()
    with _style():
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    replace(Path(path), buffer.getvalue())


def curves(history: Sequence[Sequence[float]], columns: Sequence[str]) -> Curves:
    """The history by column, (rows,) each; what is not finite is NaN, a gap in its curve."""
    rows = np.array(history, dtype=float).reshape(-1, len(columns))
    return dict(zip(columns, np.where(np.isfinite(rows), rows, np.nan).T, strict=True))


# -- where it ended --------------------------------------------------------------------------------


def draw_samples(ax: Any, data: Data, samples: np.ndarray) -> None:
    """Samples over data: points in the first two coordinates, or densities on the line."""
    scores = data.modes(samples)
    of = f" of {data.dim}" if data.dim > 2 else ""
    told = [f"the first two{of} coordinates"] if of else []
    if scores:
        found = f"{scores['modes_solid']:.0f} of {len(data.toy.modes)} modes solid"  # type: ignore[union-attr]
        told.append(f"{100 * scores['high_quality']:.1f} % within 3σ of a mode, {found}")
    _title(ax, "Data and samples", "; ".join(told) or f"{len(samples):,} samples of the generator")
    if data.dim == 1:
        _densities(ax, data, samples)
    else:
        _clouds(ax, data, samples)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=1.6, ncols=2, markerscale=4, handletextpad=0.4)


def _clouds(ax: Any, data: Data, samples: np.ndarray) -> None:
    real = _fresh(data)
    ax.scatter(*real[:, :2].T, s=7, color=FAINT, linewidths=0, label="data")
    ax.scatter(*samples[:, :2].T, s=7, color=GENERATOR, alpha=0.6, linewidths=0, label="samples G(z)")
    _plane(ax, data, samples)
    toy = data.toy
    if toy is not None and toy.modes is not None and toy.sigma is not None and data.dim == 2:
        from matplotlib.patches import Circle

        if 6 * toy.sigma > 0.01 * np.ptp(ax.get_xlim()):  # or nobody could see them
            for mu in toy.modes:
                ax.add_patch(Circle(mu, 3 * toy.sigma, fill=False, color=DATA, linewidth=0.8))


def _densities(ax: Any, data: Data, samples: np.ndarray) -> None:
    (low, high), = _box(data, samples)
    bins = np.linspace(low, high, 81)
    ax.hist(samples[:, 0], bins, density=True, color=GENERATOR, alpha=0.55, label="samples G(z)")
    if data.toy is not None and data.toy.log_density is not None:
        x = np.linspace(low, high, 801)
        ax.plot(x, np.exp(data.toy.log_density(x[:, None])), color=DATA, label="the data's density")
    else:
        ax.hist(_fresh(data)[:, 0], bins, density=True, histtype="step", color=DATA, linewidth=1.4, label="data")
    ax.set(xlabel="x", ylabel="density", xlim=(low, high))


def draw_critic(ax: Any, model: Model, data: Data, samples: np.ndarray) -> None:
    """The critic's scores and their gradient: a surface with arrows, or two curves on the line."""
    about = ""
    if recipe(model.config.recipe).loss.power:
        about = f"median ‖∇f‖ between data and samples: {np.median(slopes(model, data, samples)):.2f}"
    _title(ax, "The critic: " + _score(model), about)
    (_slope_curve if data.dim == 1 else _surface)(ax, model, data, samples)


def _surface(ax: Any, model: Model, data: Data, samples: np.ndarray) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    limits = _box(data, samples)
    x, y = np.meshgrid(*(np.linspace(*side, 121) for side in limits))
    heights = model.critic(_slice(x, y, data))[0].reshape(x.shape)
    cmap = LinearSegmentedColormap.from_list("critic", SURFACE)
    filled = ax.contourf(x, y, heights, levels=16, cmap=cmap)
    ax.contour(x, y, heights, levels=filled.levels, colors="#7a5200", linewidths=0.4, linestyles="solid")
    u, v = np.meshgrid(*(np.linspace(*side, 41)[1::2] for side in limits))
    slope = model.critic(_slice(u, v, data))[1][:, :2]
    typical = max(float(np.quantile(np.linalg.norm(slope, axis=1), 0.9)), 1e-12)
    arrows = ax.quiver(u, v, *slope.T, angles="xy", pivot="mid", color=DATA, width=0.003, scale=22 * typical)
    ax.quiverkey(arrows, 1.06, 1.1, float(f"{typical:.0e}"), f"slope {typical:.1g}", labelpos="W")
    ax.scatter(*_fresh(data)[:400, :2].T, s=9, color=DATA, edgecolors="white", linewidths=0.4)
    ax.figure.colorbar(filled, cax=ax.inset_axes((1.03, 0, 0.04, 1)), label=_score(model))
    _plane(ax, data, samples)


def _slope_curve(ax: Any, model: Model, data: Data, samples: np.ndarray) -> None:
    (low, high), = _box(data, samples)
    x = np.linspace(low, high, 801)
    score, slope = model.critic(x[:, None])
    lines = ax.plot(x, score, color=CRITIC, label=_score(model))
    ax.set(xlabel="x", ylabel=_score(model), xlim=(low, high))
    beside = ax.twinx()
    lines += beside.plot(x, slope[:, 0], color=DATA, linestyle="--", linewidth=1.1, label="slope")
    beside.set_ylabel("slope")
    beside.spines["right"].set_visible(True)
    ax.legend(handles=lines)


def draw_slopes(ax: Any, model: Model, data: Data, samples: np.ndarray) -> None:
    """A histogram of ‖∇f‖ on the segments between data and samples: an optimal critic has slope 1 there."""
    norms = slopes(model, data, samples)
    ax.hist(norms, 60, density=True, color=CRITIC, alpha=0.6)
    ax.axvline(1.0, color=DATA, linestyle="--", linewidth=1.2, label="1: W₁'s own critic")
    _title(ax, "The critic's slope", "on segments between data and samples")
    ax.set(xlabel="‖∇f(x̂)‖", ylabel="density")
    ax.legend()


def draw_verdicts(ax: Any, model: Model, data: Data, samples: np.ndarray) -> None:
    """Histograms of D = σ(s) on data and on samples: both are ½ where the critic cannot tell them apart."""
    bins = np.linspace(0, 1, 51)
    for x, kind in [(_fresh(data), {"color": DATA, "histtype": "step", "label": "data", "linewidth": 1.4}),
                    (samples, {"color": GENERATOR, "alpha": 0.55, "label": "samples G(z)"})]:
        d = 1 / (1 + np.exp(-model.critic(x)[0]))
        ax.hist(d, bins, density=True, **kind)
    ax.axvline(0.5, color=DATA, linestyle="--", linewidth=1.2)
    _title(ax, "The critic's verdict", "½: it cannot tell")
    ax.set(xlabel="D(x) = σ(s(x))", ylabel="density", xlim=(0, 1))
    ax.legend()


def slopes(model: Model, data: Data, samples: np.ndarray) -> np.ndarray:
    """‖∇f(x̂)‖, (n,), at x̂ = εx + (1 − ε)G(z), ε ~ U[0, 1]: where the gradient penalty looks."""
    rng = np.random.default_rng(1)
    eps = rng.random((len(samples), 1))
    return np.linalg.norm(model.critic(eps * data.sample(rng, len(samples)) + (1 - eps) * samples)[1], axis=1)


# -- how it came there -----------------------------------------------------------------------------


def draw_distances(ax: Any, table: Curves, estimate: bool = True) -> None:
    """Exact W₁, the critic's estimate of it if it makes one, and the sampling floor."""
    _title(ax, "Distance to the data", f"exact W₁ between {W1_SAMPLES} data and {W1_SAMPLES} samples")
    _curve(ax, table, "w1", "exact W₁", color=GENERATOR)
    if estimate:
        _curve(ax, table, "estimate", "critic: E f(x) − E f(G(z)) ≤ K·W₁", color=CRITIC, linestyle="--")
    floor = _finite(table["w1_floor"])
    if len(floor):
        low, middle, high = np.quantile(floor, (0.05, 0.5, 0.95))
        ax.axhspan(low, high, color=FAINT, alpha=0.3, linewidth=0)
        ax.axhline(middle, color=DATA, linestyle=":", label="floor: data to data")
    _logarithmic(ax, [*_finite(table["w1"]), *floor, *(_finite(table["estimate"]) if estimate else [])])
    _steps(ax, table, "W₁ (data units)")


def draw_bound(ax: Any, table: Curves, what: str) -> None:
    """The critic's estimate of a divergence, beside the largest value that this can have."""
    _title(ax, "The critic's estimate", f"a lower bound on {what}")
    _curve(ax, table, "estimate", "critic", color=CRITIC, linestyle="--")
    if what in LARGEST:
        ax.axhline(LARGEST[what][0], color=DATA, linestyle=":", label=LARGEST[what][1])
    _steps(ax, table, what)


def draw_quality(ax: Any, table: Curves, toy: Toy) -> None:
    """% of samples within 3σ of a mode, and the modes solid, all k of them level with 100 %."""
    from scipy.special import gammainc

    k = len(toy.modes)  # type: ignore[arg-type]
    _title(ax, "Quality of the samples", "a solid mode holds a quarter of its share at least")
    _curve(ax, table | {"%": 100 * table["high_quality"]}, "%", "% within 3σ of a mode", color=GENERATOR)
    ceiling = 100 * gammainc(toy.dim / 2, 3**2 / 2)  # χ² with dim degrees of freedom, below 9
    ax.axhline(ceiling, color=DATA, linestyle=":", label=f"ceiling: {ceiling:.2f} %")
    beside = ax.twinx()
    _curve(beside, table, "modes_solid", f"modes solid, of {k}", color=MODES, linestyle="--")
    beside.set_ylabel(f"modes solid, of {k}", color=MODES)
    beside.yaxis.get_major_locator().set_params(integer=True)
    beside.spines["right"].set_visible(True)
    for axis, top in [(ax, 100), (beside, k)]:
        axis.set_ylim(-0.03 * top, 1.08 * top)
    _steps(ax, table, "% within 3σ of a mode", beside)


def draw_losses(ax: Any, table: Curves, loss: Loss) -> None:
    """What each player minimises, and where it would be if the critic gave every point the score 0."""
    _title(ax, "Losses", "of one batch; dotted: if every score were 0")
    _curve(ax, table, "generator_loss", "generator", color=GENERATOR)
    _curve(ax, table, "critic_loss", "critic", color=CRITIC, linestyle="--")
    zero = Tensor(np.zeros((1, 1)))
    ax.axhline(loss.generator(zero).item(), color=GENERATOR, linestyle=":")
    ax.axhline(loss.critic(zero, zero).item(), color=CRITIC, linestyle=":")
    _steps(ax, table, "loss (scaled data units)" if loss.power else "loss (nats)")


# -- shared ----------------------------------------------------------------------------------------


def _style() -> AbstractContextManager:
    """Matplotlib's own defaults and STYLE, whatever the user's matplotlibrc says, until the end of the block."""
    from matplotlib import style

    return style.context(["default", STYLE])


def _headline(model: Model, data: Data, table: Curves) -> str:
    return f"{model.config.recipe} on {data.name}: {model.config.steps:,} steps, seed {model.config.seed}"


def _score(model: Model) -> str:
    return "score f(x)" if recipe(model.config.recipe).loss.power else "logit s(x)"


def _title(ax: Any, text: str, about: str) -> None:
    ax.set_title(text)
    ax.annotate(about, (0, 1), xytext=(0, 6), xycoords="axes fraction", textcoords="offset points", color="#444444")


def _curve(ax: Any, table: Curves, column: str, label: str, **look: Any) -> None:
    marker = "o" if len(table["step"]) < 20 else None
    missing = "" if len(_finite(table[column])) else " (not measured)"
    ax.plot(table["step"], table[column], label=label + missing, marker=marker, markersize=4, **look)


def _steps(ax: Any, table: Curves, label: str, beside: Any = None) -> None:
    """The axes of a curve over steps, and a legend of all that is on them."""
    ax.set(xlabel="generator steps", ylabel=label, xlim=(0, 1.02 * max(1, *_finite(table["step"]))))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.xaxis.get_major_locator().set_params(nbins=5, integer=True)
    ax.grid(True)
    ax.legend(handles=[line for each in (ax, beside) if each for line in each.get_legend_handles_labels()[0]])


def _logarithmic(ax: Any, values: list[float]) -> None:
    """A logarithmic axis from the smallest to the largest value; linear around 0 if there are values below."""
    if not values:
        return
    low, high = min(values), max(values)
    if low > 0:
        ax.set_yscale("log", subs=())
        ax.set_ylim(low / 1.3, high * 1.3)
    else:
        ax.set_yscale("symlog", linthresh=high / 100, linscale=0.5)
        ax.set_ylim(1.3 * low - high / 200, high * 1.3)


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def _fresh(data: Data) -> np.ndarray:
    """Data for the eye: always the same draw."""
    return data.sample(np.random.default_rng(0), SHOWN)


def _slice(x: np.ndarray, y: np.ndarray, data: Data) -> np.ndarray:
    """Points (n, dim) with these first two coordinates, the others at the data's mean."""
    points = np.tile(data.shift, (x.size, 1))
    points[:, 0], points[:, 1] = x.ravel(), y.ravel()
    return points


def _box(data: Data, samples: np.ndarray) -> list[tuple[float, float]]:
    """Where to look, by coordinate: all data and all but 1 % of the samples on a side; a square in the plane."""
    real = _fresh(data)[:, :2]
    low = np.minimum(real.min(axis=0), np.quantile(samples[:, :2], 0.01, axis=0))
    high = np.maximum(real.max(axis=0), np.quantile(samples[:, :2], 0.99, axis=0))
    half = 0.6 * (high - low).max() or 1.0
    return [(float(c - half), float(c + half)) for c in (low + high) / 2]


def _plane(ax: Any, data: Data, samples: np.ndarray) -> None:
    x, y = _box(data, samples)
    ax.set(xlabel="x₁", ylabel="x₂", xlim=x, ylim=y, aspect="equal")
