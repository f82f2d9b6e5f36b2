"""The picture of a run, panel by panel: where it ended, what the critic sees, how it came there.

Every ``draw_...`` puts one panel on Axes of yours; ``draw_report`` puts them together, ``save_picture`` writes the
PNG. Matplotlib is imported when a picture is made and not before; no pyplot, no display, no global state.
"""

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor
from minigan.gans.losses import W1
from minigan.lab.checkpoint import write_whole
from minigan.lab.curves import curves, draw_distances, draw_estimate, draw_losses, draw_quality
from minigan.lab.data import Data
from minigan.lab.history import W1_SAMPLES
from minigan.lab.model import Model
from minigan.lab.reference import draw_reference
from minigan.lab.style import (
    CRITIC,
    DATA,
    DPI,
    FAINT,
    GENERATOR,
    SURFACE,
    legend_above,
    new_figure,
    plural,
    style,
    title,
)

SHOWN = 2_000  # data points in a panel


def draw_report(
    model: Model, data: Data, samples: np.ndarray, history: Sequence[Sequence[float]], columns: Sequence[str]
) -> Any:
    """The matplotlib Figure of a finished run. Above: where it ended; below: how it came there.

    samples: (n, dim), data units; history: rows of history.COLUMNS, NaN where nothing was measured.
    """
    table, loss = curves(history, columns), model.config.loss
    points: dict[str, Any] = {"data": data, "samples": samples}
    of_w1 = loss.estimates == W1  # what the critic says is a distance to be drawn with W₁
    above = [partial(draw_samples, **points)]
    below = [partial(draw_distances, table=table, estimate=of_w1, n=min(samples.shape[0], W1_SAMPLES))]
    if loss.critic is not None:
        judged = draw_scores if loss.verdict is None else draw_verdicts
        above += [partial(draw, model=model, **points) for draw in (draw_critic, draw_slopes if of_w1 else judged)]
        if not of_w1:
            below.append(partial(draw_estimate, table=table, loss=loss, pack=model.config.pack))
    if data.mixture:
        below.append(partial(draw_quality, table=table, k=len(data.mixture.modes), dim=data.dim))
    below.append(partial(draw_losses, table=table, loss=loss))
    if loss.critic is None:
        above.append(below.pop(0))
    config = model.config
    headline = f"{config.recipe} on {data.name}: {plural(config.steps, 'step')}, seed {config.seed}"
    with style():
        figure: Any = new_figure(figsize=(16, 9), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.12, h_pad=0.06)
        figure.suptitle(headline, fontsize=17, fontweight="bold", parse_math=False)
        for part, panels in zip(figure.subfigures(2, 1, height_ratios=(6, 5)), (above, below), strict=True):
            for draw, ax in zip(panels, part.subplots(1, len(panels), squeeze=False)[0], strict=True):
                draw(ax)
    return figure


def save_picture(figure: Any, path: Path) -> None:
    """Write a PNG, whole or not at all. The same input gives the same bytes: no time, no version inside."""
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    write_whole(Path(path), buffer.getvalue())


def segments(data: Data, samples: np.ndarray) -> np.ndarray:
    """x̂ = εx + (1 − ε)G(z), ε ~ U[0, 1], (n, dim): where a gradient penalty looks."""
    real = shown_data(data, len(samples))
    fake = to_host(samples)[:len(real)]
    eps = np.random.default_rng(1).random((len(real), 1))
    return eps * real + (1 - eps) * fake


def draw_samples(ax: Any, data: Data, samples: np.ndarray) -> None:
    """Samples over data: densities on the line, else points, in the first two coordinates."""
    samples = to_host(samples)
    about = f"{len(samples):,} samples"
    if data.mixture:
        found, of = data.modes(samples), len(data.mixture.modes)
        about = f"{100 * found['high_quality']:.1f} % within 3σ of a mode, {found['modes_solid']} of {of} modes solid"
    title(ax, "Data and samples", f"x₁ and x₂ of {data.dim}; {about}" if data.dim > 2 else about)
    (_densities if data.dim == 1 else _clouds)(ax, data, samples)
    legend_above(ax, markerscale=3)


def _clouds(ax: Any, data: Data, samples: np.ndarray) -> None:
    ax.scatter(*shown_data(data)[:, :2].T, s=10, color=FAINT, linewidths=0, label="data")
    ax.scatter(*samples[:, :2].T, s=6, color=GENERATOR, alpha=0.75, linewidths=0, label="samples")
    _plane(ax, _box(data, samples))
    circle_modes(ax, data, linewidth=0.8)


def circle_modes(ax: Any, data: Data, linewidth: float) -> None:
    """3σ about each mode in the plane, unless nobody could see that."""
    from matplotlib.patches import Circle

    toy = data.mixture
    if toy and data.dim == 2 and 6 * toy.sigma > 0.01 * np.ptp(ax.get_xlim()):
        for mu in toy.modes:
            ax.add_patch(Circle(mu, 3 * toy.sigma, fill=False, color=DATA, linewidth=linewidth))


def _densities(ax: Any, data: Data, samples: np.ndarray) -> None:
    (low, high), = _box(data, samples)
    bins = np.linspace(low, high, 81)
    if data.toy is not None and data.toy.log_density is not None:
        x = np.linspace(low, high, 801)
        ax.plot(x, np.exp(data.toy.log_density(x[:, None])), color=DATA, label="data, exact")
    else:
        ax.hist(shown_data(data)[:, 0], bins, density=True, histtype="step", color=DATA, linewidth=1.4, label="data")
    ax.hist(samples[:, 0], bins, density=True, color=GENERATOR, alpha=0.55, label="samples")
    ax.set(xlabel="x", ylabel="density", xlim=(low, high))


def draw_critic(ax: Any, model: Model, data: Data, samples: np.ndarray) -> None:
    """The critic's scores and their gradient: a surface with arrows, or two curves on the line."""
    config, loss = model.config, model.config.loss
    scores, slope = model.critic(segments(data, samples))
    usual = float(np.median(np.linalg.norm(slope, axis=1)))
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
    if data.dim == 1:
        _line(ax, model, _box(data, samples)[0])
    else:
        _surface(ax, model, data, _box(data, samples), scores, float(f"{1.5 * usual:.1e}") or 1.0)


def _surface(
    ax: Any, model: Model, data: Data, box: list[tuple[float, float]], between: np.ndarray, longest: float
) -> None:
    """Levels where the scores ``between`` data and samples are and little beyond, as nothing holds a critic elsewhere.

    Arrows of the ``longest`` slope at most.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import MaxNLocator

    x, y = np.meshgrid(*(np.linspace(*side, 121) for side in box))
    points = np.tile(shown_data(data).mean(axis=0), (x.size, 1))
    points[:, 0], points[:, 1] = x.ravel(), y.ravel()
    # in pieces: a critic that compares each point with a batch of data takes memory for all of them
    scores, slope = map(np.concatenate, zip(*map(model.critic, np.array_split(points, 29)), strict=True))
    heights = scores.reshape(x.shape).astype(float)
    bottom, top = np.quantile(heights, (0.1, 0.9))
    levels = MaxNLocator(16).tick_values(min(between.min(), bottom), max(between.max(), top))
    colours = LinearSegmentedColormap.from_list("critic", SURFACE)
    filled = ax.contourf(x, y, heights, levels, cmap=colours, extend="both")
    ax.figure.colorbar(filled, cax=ax.inset_axes((1.03, 0, 0.04, 1)), label=model.config.loss.score, format="{x:.7g}")
    ax.contour(x, y, heights, levels, colors="#7a5200", linewidths=0.4, linestyles="solid")
    boundary = model.config.loss.boundary
    if boundary is not None and heights.min() < boundary < heights.max():
        ax.contour(x, y, heights, [boundary], colors=CRITIC, linewidths=2, linestyles="solid")
    u, v, *arrow = (part.reshape(x.shape)[3::6, 3::6] for part in (x, y, *slope.T[:2]))
    cut = longest / np.maximum(np.hypot(*arrow), longest)
    arrows = ax.quiver(u, v, *(part * cut for part in arrow), angles="xy", pivot="mid", width=0.003, scale=21 * longest)
    ax.quiverkey(arrows, 1.05, -0.12, longest, f"slope {longest:g} or more", labelpos="W")
    if data.dim == 2:
        ax.scatter(*shown_data(data)[:400].T, s=9, color=DATA, edgecolors="white", linewidths=0.4)
    _plane(ax, box)


def _line(ax: Any, model: Model, side: tuple[float, float]) -> None:
    x, loss = np.linspace(*side, 801), model.config.loss
    score, slope = model.critic(x[:, None])
    ax.plot(x, score, color=CRITIC)
    if loss.boundary is not None:
        ax.axhline(loss.boundary, color=CRITIC, linewidth=2.5, alpha=0.4)
    ax.set(xlabel="x", xlim=side)
    ax.set_ylabel(loss.score, color=CRITIC)
    slope_axis = ax.twinx()
    slope_axis.plot(x, slope[:, 0], color=DATA, linestyle="--", linewidth=1.1)
    slope_axis.set_ylabel("slope (dashed)")
    slope_axis.yaxis.set_major_formatter("{x:.7g}")
    slope_axis.spines["right"].set_visible(True)


def draw_slopes(ax: Any, model: Model, data: Data, samples: np.ndarray) -> None:
    """A histogram of ‖∇f‖ on the segments between data and samples; W₁'s critic has slope 1 at most."""
    norms = np.linalg.norm(model.critic(segments(data, samples))[1], axis=1)
    top = max(1.2, 1.1 * float(np.quantile(norms, 0.995)))
    ax.hist(norms, np.linspace(0, top, 61), density=True, color=CRITIC, alpha=0.6)
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
    scores = np.concatenate([model.judge(x) for x in (shown_data(data), samples)]).astype(float)
    low, high = np.quantile(scores, (0.005, 0.995))
    room = 0.05 * (high - low) or 0.5
    _two_histograms(ax, model, data, samples, np.linspace(low - room, high + room, 61), lambda scores: scores)
    if boundary is not None:
        ax.axvline(boundary, color=DATA, linestyle="--")
    ax.set(xlabel=model.config.loss.score)


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


def shown_data(data: Data, n: int = SHOWN) -> np.ndarray:
    """Data for the eye: always the same draw, of which no sample knows; of a table its rows, each once."""
    if data.table is not None:
        rows = data.table.values
        return np.random.default_rng(0).permutation(rows)[:n]
    return draw_reference(data, 0, n).real


def _box(data: Data, samples: np.ndarray) -> list[tuple[float, float]]:
    """Where to look, by coordinate: all data, and the samples but for 1 % on a side; in the plane a square."""
    real, fake = shown_data(data)[:, :2], to_host(samples)[:, :2]
    low = np.minimum(real.min(axis=0), np.quantile(fake, 0.01, axis=0))
    high = np.maximum(real.max(axis=0), np.quantile(fake, 0.99, axis=0))
    half = 0.6 * (high - low).max() or 1.0
    return [(float(c - half), float(c + half)) for c in (low + high) / 2]


def _plane(ax: Any, box: list[tuple[float, float]]) -> None:
    ax.set(xlabel="x₁", ylabel="x₂", xlim=box[0], ylim=box[1], aspect="equal")
