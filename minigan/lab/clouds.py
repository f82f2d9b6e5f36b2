"""Samples over data: a cloud of two columns, the density of one, and of more columns pairs, margins, correlations."""

from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.lab.data import Data
from minigan.lab.metrics import correlations
from minigan.lab.style import DATA, FAINT, GENERATOR, legend_above, title
from minigan.lab.view import shown_data, view_of

PAIRED, MARGINS = 4, 12  # columns at most that are drawn in pairs; alone
Draw = Callable[[Any], None]


def draw_samples(ax: Any, data: Data, samples: np.ndarray) -> None:
    """Samples over data: densities on the line, else points, in the first two coordinates."""
    samples = to_host(samples)
    about = f"{len(samples):,} samples"
    if data.mixture:
        found, of = data.modes(samples), len(data.mixture.modes)
        about = f"{100 * found['high_quality']:.1f} % within 3σ of a mode, {found['modes_solid']} of {of} modes solid"
    title(ax, "Data and samples", about)
    if data.dim == 1:
        draw_density(ax, data, samples)
    else:
        draw_cloud(ax, data, samples)
        circle_modes(ax, data, linewidth=0.8)
    legend_above(ax, markerscale=3, handlelength=1, handletextpad=0.2)


def tiles(data: Data, samples: np.ndarray) -> list[Draw]:
    """Of more than two columns: each pair of the first ones, and each alone. Each tile puts itself on Axes."""
    columns: dict[str, Any] = {"data": data, "samples": to_host(samples)}
    pairs = combinations(range(min(data.dim, PAIRED)), 2)
    return [*(partial(draw_cloud, pair=pair, **columns) for pair in pairs),
            *(partial(draw_density, column=k, **columns) for k in range(min(data.dim, MARGINS)))]


def draw_cloud(ax: Any, data: Data, samples: np.ndarray, pair: tuple[int, int] = (0, 1)) -> None:
    """Points in two coordinates, in a square of what the networks see."""
    view, columns = view_of(data), [*pair]
    ax.scatter(*view(shown_data(data))[:, columns].T, s=10, color=FAINT, linewidths=0, label="data")
    ax.scatter(*view(samples)[:, columns].T, s=6, color=GENERATOR, alpha=0.75, linewidths=0, label="samples")
    (*xlim,), (*ylim,) = view.of_net(view.box(data, samples, columns).T, columns).T
    ax.set(xlim=xlim, ylim=ylim, box_aspect=1)
    view.name_axes(ax, *pair)
    few_ticks(ax, 3 if data.dim > 2 else 7)


def draw_density(ax: Any, data: Data, samples: np.ndarray, column: int = 0) -> None:
    """Histograms of one coordinate; the data's density, where it is known."""
    view = view_of(data)
    low, high = view.of_net(view.box(data, samples, [column]).T, [column]).ravel()
    bins, real, fake = np.linspace(low, high, 81), view(shown_data(data))[:, column], view(samples)[:, column]
    if data.dim == 1 and data.toy is not None and data.toy.log_density is not None:
        x = np.linspace(low, high, 801)
        factor, offset = view.factor[0], view.offset[0]
        ax.plot(x, np.exp(data.toy.log_density(x[:, None] * factor + offset)) * factor, color=DATA, label="data, exact")
    else:
        ax.hist(real, bins, density=True, histtype="step", color=DATA, linewidth=1.4, label="data")
    ax.hist(fake, bins, density=True, color=GENERATOR, alpha=0.55, label="samples")
    ax.set(ylabel="density", xlim=(low, high))
    view.name_axes(ax, column)
    few_ticks(ax, 3 if data.dim > 2 else 7)


def draw_correlations(ax: Any, data: Data, samples: np.ndarray) -> None:
    """Pearson's r of every two columns: of the samples over that of the data, alike on the diagonal."""
    known = shown_data(data) if data.table is None else data.table.values
    real, fake = (correlations(x) for x in (known, to_host(samples)))
    pairs = np.triu_indices(data.dim, 1)
    r, of_samples = np.nan_to_num(real[pairs]), np.nan_to_num(fake[pairs])
    worst, names = int(np.abs(r - of_samples).argmax()), view_of(data).names
    title(ax, "Correlations", f"a dot for each pair of columns; worst: {_short(names[pairs[0][worst]])}, "
          f"{_short(names[pairs[1][worst]])}")
    ax.plot([-1, 1], [-1, 1], color=FAINT)
    ax.scatter(r, of_samples, s=26, color=GENERATOR, linewidths=0)
    ax.scatter(r[worst], of_samples[worst], s=110, facecolor="none", edgecolor=DATA)
    ax.set(xlabel="r of the data", ylabel="r of the samples", xlim=(-1.08, 1.08), ylim=(-1.08, 1.08), box_aspect=1)
    ax.grid(True)


def circle_modes(ax: Any, data: Data, linewidth: float) -> None:
    """3σ about each mode in the plane, unless nobody could see that."""
    from matplotlib.patches import Circle

    toy = data.mixture
    if toy and data.dim == 2 and 6 * toy.sigma > 0.01 * np.ptp(ax.get_xlim()):
        for mu in toy.modes:
            ax.add_patch(Circle(mu, 3 * toy.sigma, fill=False, color=DATA, linewidth=linewidth))


def few_ticks(ax: Any, nbins: int) -> None:
    """As many as fit, written out: no power of ten beside the axis, where nobody looks for it."""
    for axis in (ax.xaxis, ax.yaxis):
        axis.get_major_locator().set_params(nbins=nbins)
        axis.set_major_formatter("{x:.7g}")


def _short(name: str) -> str:
    return name if len(name) <= 14 else name[:13] + "…"
