"""The picture of a run, panel by panel: where it ended, what the critic sees, how it came there.

Every ``draw_...`` puts one panel on Axes of yours; ``draw_report`` puts them together, ``save_picture`` writes the
PNG. Matplotlib is imported when a picture is made and not before; no pyplot, no display, no global state.
"""

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor
from minigan.gans.losses import W1
from minigan.lab.checkpoint import write_whole
from minigan.lab.clouds import Draw, draw_correlations, draw_samples, tiles
from minigan.lab.curves import Curves, curves, draw_distances, draw_estimate, draw_losses, draw_quality, drift
from minigan.lab.data import Data
from minigan.lab.history import W1_SAMPLES
from minigan.lab.metrics import norms
from minigan.lab.model import Model
from minigan.lab.reference import reference_size
from minigan.lab.report import Report
from minigan.lab.style import CRITIC, DATA, DPI, GENERATOR, SURFACE, legend_above, new_figure, plural, style, title
from minigan.lab.view import View, factor_of, power_of_ten, shown_data, view_of

ACROSS, TILE, LINE = 6, 2.7, 0.24  # tiles in a line, and how high one is, and a line of words, in inches
CENTRED = " − its mean on data"  # what is known up to a constant


def draw_report(
    model: Model, data: Data, samples: np.ndarray, history: Sequence[Sequence[float]], columns: Sequence[str],
    report: Report | None = None,
) -> Any:
    """The matplotlib Figure of a finished run. Above: where it ended; below: how it came there; words of its report.

    samples: (n, d), data units; history: rows of history.COLUMNS, NaN where nothing was measured.
    """
    table, config, samples = curves(history, columns), model.config, to_host(samples)
    clouds = tiles(data, samples) if data.dim > 2 else []
    bands = [*(clouds[k:k + ACROSS] for k in range(0, len(clouds), ACROSS)), *_panels(model, data, samples, table)]
    heights = [TILE] * (len(bands) - 2) + [4.7, 3.9]
    headline = f"{config.recipe} on {data.name}: {plural(config.steps, 'step')}, seed {config.seed}"
    words = [] if report is None else in_short(report)
    words += ["pairs of columns, and each column alone: data grey or black, samples blue"] if clouds else []
    heights[0] += LINE * len(words)
    with style():
        figure: Any = new_figure(figsize=(16, sum(heights) + 0.4), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.12, h_pad=0.06)
        figure.suptitle(headline, fontsize=17, fontweight="bold", parse_math=False)
        parts = figure.subfigures(len(bands), 1, height_ratios=heights, squeeze=False)[:, 0]
        if words:
            parts[0].suptitle("\n".join(words), x=0.012, ha="left", fontsize=11.5, parse_math=False)
        for part, panels in zip(parts, bands, strict=True):
            across = ACROSS if panels[0] in clouds else len(panels)
            axes = part.subplots(1, across, squeeze=False)[0]
            for draw, ax in zip(panels, axes, strict=False):
                draw(ax)
            for ax in axes[len(panels):]:
                ax.set_axis_off()
    return figure


def _panels(model: Model, data: Data, samples: np.ndarray, table: Curves) -> tuple[list[Draw], list[Draw]]:
    """Where it ended, of all columns together and of the critic; how it came there."""
    loss = model.config.loss
    points: dict[str, Any] = {"data": data, "samples": samples}
    of_w1 = loss.estimates == W1  # what the critic says is a distance to be drawn with W₁
    n = min(reference_size(data, len(samples)), W1_SAMPLES)
    above: list[Draw] = [partial(draw_correlations if data.dim > 2 else draw_samples, **points)]
    below: list[Draw] = [partial(draw_distances, table=table, estimate=of_w1, n=n, unit=data.scaling.unit)]
    if loss.critic is not None:
        judged = draw_scores if loss.verdict is None else draw_verdicts
        above += [partial(draw, model=model, **points) for draw in (draw_critic, draw_slopes if of_w1 else judged)]
        if not of_w1:
            below.append(partial(draw_estimate, table=table, loss=loss, pack=model.config.pack, unit=data.scaling.unit))
    if data.mixture:
        below.append(partial(draw_quality, table=table, k=len(data.mixture.modes), dim=data.dim))
    below.append(partial(draw_losses, table=table, loss=loss, length=data.scaling.length))
    if loss.critic is None:
        above.append(below.pop(0))
    return above, below


def in_short(report: Report) -> list[str]:
    """What the report says, in a few lines for the picture."""
    generator = report.table[0]
    yardsticks = ", ".join(f"{row['samples']} {row['w1']:.3g}" for row in report.table[1:])
    lines = [f"{report.distance}: {generator['w1']:.3g}; {yardsticks}", *report.judged]
    lines += [f"warning: {warned.name} ({warned.when}): {warned.measured}" for warned in report.warned]
    return [line for text in lines for line in wrap(text, 175)]


def save_picture(figure: Any, path: Path) -> None:
    """Write a PNG, whole or not at all. The same input gives the same bytes: no time, no version inside."""
    buffer = io.BytesIO()
    with style():
        settle(figure)
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    write_whole(Path(path), buffer.getvalue())


def settle(figure: Any) -> None:
    """Lay the figure out, and round where everything came to lie: the solver's last bit is not always the same."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(9))
    for ax in figure.axes:
        ax.set_position([round(side, 9) for side in ax.get_position(original=True).bounds])


def segments(data: Data, samples: np.ndarray) -> np.ndarray:
    """x̂ = εx + (1 − ε)G(z), ε ~ U[0, 1], (n, dim): where a gradient penalty looks."""
    real = shown_data(data, len(samples))
    fake = to_host(samples)[:len(real)]
    eps = np.random.default_rng(1).random((len(real), 1))
    return eps * real + (1 - eps) * fake


def draw_critic(ax: Any, model: Model, data: Data, samples: np.ndarray) -> None:
    """The critic's scores and their gradient: a surface with arrows, or two curves on the line."""
    config, loss = model.config, model.config.loss
    scores, slope = model.critic(segments(data, samples))
    usual = float(np.median(norms(slope)))
    if loss.boundary is None:
        where = "" if data.dim > 2 else " between data and samples"
        about = [f"median slope{where} {usual:.2g}"]
    else:
        about = [f"thick: {loss.boundary:.2g}, where it cannot tell".replace("-", "−")]
    if data.dim > 2:
        about.append("slice through the data's mean")
    if config.pack > 1:
        about.append(f"packs of {config.pack} equal points")
    if model.game.critic.couples_samples:
        about.append("each point among data")
    title(ax, f"The critic: {loss.score}", "; ".join(about))
    view, shown = view_of(data), shown_scores(model, model.critic(shown_data(data))[0], scores)
    if data.dim == 1:
        _line(ax, model, view, view.box(data, samples, [0])[0], shown)
    else:
        box = view.box(data, samples, [0, 1])
        _surface(ax, model, data, view, box, scores, float(f"{1.5 * usual:.1e}") or 1.0, shown)


class ShownScores(NamedTuple):
    """How scores are written on an axis: (s − mean)/factor, and what that is called."""

    label: str
    mean: float
    factor: float

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        return np.asarray((scores - self.mean) / self.factor)


def shown_scores(model: Model, of_data: np.ndarray, scores: np.ndarray) -> ShownScores:
    """Less E f(x), if the critic is known up to a constant; in a power of ten, if they have the unit of odd data."""
    loss = model.config.loss
    mean = float(of_data.mean()) if drift(loss) else 0.0
    factor = factor_of(float(np.ptp(scores)) / 10) if loss.power and np.ptp(scores) > 0 else 1.0
    label = loss.score + (CENTRED if drift(loss) else "")
    return ShownScores(label if factor == 1 else f"({label}) / {power_of_ten(factor)}", mean, factor)


def _surface(
    ax: Any, model: Model, data: Data, view: View, box: np.ndarray, between: np.ndarray, longest: float,
    shown: ShownScores,
) -> None:
    """Levels where the scores ``between`` data and samples are and little beyond, as nothing holds a critic elsewhere.

    Arrows of the ``longest`` slope at most. They point as the networks see it, and so does the square of the axes.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import MaxNLocator

    grid = np.meshgrid(*(np.linspace(float(side[0]), float(side[1]), 121) for side in box))
    shape, seen = grid[0].shape, np.column_stack([side.ravel() for side in grid])
    points = np.tile(shown_data(data).mean(axis=0), (len(seen), 1))
    points[:, :2] = view.to_data(seen, slice(2))
    x, y = (side.reshape(shape) for side in view.of_net(seen, slice(2)).T)
    # in pieces: a critic that compares each point with a batch of data takes memory for all of them
    scores, slope = map(np.concatenate, zip(*map(model.critic, np.array_split(points, 29)), strict=True))
    heights, between = shown(scores).reshape(shape), shown(between)
    bottom, top = np.quantile(heights, (0.1, 0.9))
    levels = MaxNLocator(16).tick_values(min(between.min(), bottom), max(between.max(), top))
    colours = LinearSegmentedColormap.from_list("critic", SURFACE)
    filled = ax.contourf(x, y, heights, levels, cmap=colours, extend="both")
    ax.figure.colorbar(filled, cax=ax.inset_axes((1.03, 0, 0.04, 1)), label=shown.label, format="{x:.7g}")
    ax.contour(x, y, heights, levels, colors="#7a5200", linewidths=0.4, linestyles="solid")
    boundary = model.config.loss.boundary
    if boundary is not None and heights.min() < boundary < heights.max():
        ax.contour(x, y, heights, [boundary], colors=CRITIC, linewidths=2, linestyles="solid")
    u, v, *arrow = (part.reshape(shape)[3::6, 3::6] for part in (x, y, *slope.T[:2]))
    cut = longest / np.maximum(np.hypot(*arrow), longest)
    arrows = ax.quiver(u, v, *(part * cut for part in arrow), angles="uv", pivot="mid", width=0.003, scale=21 * longest)
    per = "/sd" if data.scaling.apart and not model.config.loss.power else ""
    ax.quiverkey(arrows, 1.05, -0.12, longest, f"slope {longest:g}{per} or more", labelpos="W")
    if data.dim == 2:
        ax.scatter(*view(shown_data(data))[:400].T, s=9, color=DATA, edgecolors="white", linewidths=0.4)
    ax.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()), box_aspect=1)
    ax.set_xlabel("", loc="left")  # the arrow's length is told on the right
    view.name_axes(ax, 0, 1)


def _line(ax: Any, model: Model, view: View, side: np.ndarray, shown: ShownScores) -> None:
    seen, loss = np.linspace(float(side[0]), float(side[1]), 801)[:, None], model.config.loss
    score, slope = model.critic(view.to_data(seen))
    x = view.of_net(seen)[:, 0]
    ax.plot(x, shown(score), color=CRITIC)
    if loss.boundary is not None:
        ax.axhline(loss.boundary, color=CRITIC, linewidth=2.5, alpha=0.4)
    ax.set(xlim=(x[0], x[-1]))
    view.name_axes(ax, 0)
    ax.set_ylabel(shown.label, color=CRITIC)
    slope_axis = ax.twinx()
    slope_axis.plot(x, slope[:, 0], color=DATA, linestyle="--", linewidth=1.1)
    slope_axis.set_ylabel("slope (dashed)")
    slope_axis.yaxis.set_major_formatter("{x:.7g}")
    slope_axis.spines["right"].set_visible(True)


def draw_slopes(ax: Any, model: Model, data: Data, samples: np.ndarray) -> None:
    """A histogram of ‖∇f‖ on the segments between data and samples; W₁'s critic has slope 1 at most."""
    slopes = norms(model.critic(segments(data, samples))[1])
    top = max(1.2, 1.1 * float(np.quantile(slopes, 0.995)))
    ax.hist(slopes, np.linspace(0, top, 61), density=True, color=CRITIC, alpha=0.6)
    ax.axvline(1, color=DATA, linestyle="--", label="1: the Lipschitz bound")
    title(ax, "The critic's slope", "on segments between data and samples")
    ax.set(xlabel="‖∇f(x̂)‖", ylabel="density", xlim=(0, top))
    legend_above(ax)


def draw_verdicts(ax: Any, model: Model, data: Data, samples: np.ndarray) -> None:
    """Histograms of P(data | x) on data and on samples: ½ on both where they cannot be told apart."""
    verdict: Any = model.config.loss.verdict
    title(ax, "The critic's verdict", "that a point is data; ½: it cannot tell" + _judged_in(model))
    _two_histograms(ax, model, data, samples, np.linspace(0, 1, 51), lambda scores: verdict(Tensor(scores)).value)
    ax.axvline(0.5, color=DATA, linestyle="--")
    ax.set(xlabel="P(data | x)", xlim=(0, 1))


def draw_scores(ax: Any, model: Model, data: Data, samples: np.ndarray) -> None:
    """Histograms of the scores on data and on samples, where a score is not a probability."""
    boundary = model.config.loss.boundary
    title(ax, "The critic's scores", ("alike where it cannot tell" if boundary is None else "dashed: it cannot tell")
          + _judged_in(model))
    of_data, of_samples = (model.judge(x) for x in (shown_data(data), samples))
    shown = shown_scores(model, of_data, np.append(of_data, of_samples))
    scores = shown(np.append(of_data, of_samples))
    low, high = np.quantile(scores, (0.005, 0.995))
    room = 0.05 * (high - low) or 0.5
    _two_histograms(ax, model, data, samples, np.linspace(low - room, high + room, 61), shown)
    if boundary is not None:
        ax.axvline(boundary, color=DATA, linestyle="--")
    ax.set(xlabel=shown.label)


def _two_histograms(ax: Any, model: Model, data: Data, samples: np.ndarray, bins: np.ndarray, of: Any) -> None:
    for x, options in [(shown_data(data), {"label": "data", "color": DATA, "histtype": "step", "linewidth": 1.4}),
                    (samples, {"label": "samples", "color": GENERATOR, "alpha": 0.55})]:
        ax.hist(of(model.judge(x)), bins, density=True, **options)
    ax.set(ylabel="density")
    ax.xaxis.get_major_locator().set_params(nbins=5)
    legend_above(ax)


def _judged_in(model: Model) -> str:
    """What the critic sees a point in."""
    packs = f"; packs of {model.config.pack}" if model.config.pack > 1 else ""
    return packs + ("; batches of one kind" if model.game.critic.couples_samples else "")
