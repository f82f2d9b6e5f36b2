"""How a run came to where it is: its history as curves, a panel each, on Axes of yours."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any

import numpy as np

from minigan.autodiff import Tensor
from minigan.gans.losses import Loss
from minigan.lab.style import CRITIC, DATA, FAINT, GENERATOR, MODES, legend_above, title
from minigan.lab.train import W1_SAMPLES

Curves = dict[str, np.ndarray]  # by the names of the history's columns
LARGEST = {"JS (½KL + ½KL, nats)": (log(2), "log 2: disjoint supports")}  # what an estimated divergence cannot exceed


def curves(history: Sequence[Sequence[float]], columns: Sequence[str]) -> Curves:
    """The history by column, (rows,) each; what is not finite is NaN, a gap in its curve."""
    rows = np.array(history, dtype=float).reshape(-1, len(columns))
    return dict(zip(columns, np.where(np.isfinite(rows), rows, np.nan).T, strict=True))


def draw_distances(ax: Any, table: Curves, estimate: bool = True) -> None:
    """Exact W₁, the sampling floor (a median and 90 % of the draws), and the critic's estimate if it is of W₁.

    The axis is linear up to the floor, where differences are noise, and logarithmic above it.
    """
    title(ax, "Distance to the data", f"W₁ of {W1_SAMPLES} samples to {W1_SAMPLES} data")
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
    title(ax, "The critic's estimate", f"a lower bound on {of}")
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
    title(ax, "Quality of the samples", "solid: a quarter of its share or more")
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
    title(ax, "Losses", "one batch each; dotted: all scores 0")
    _curve(ax, table, "generator_loss", "generator", color=GENERATOR)
    _curve(ax, table, "critic_loss", "critic", color=CRITIC, linestyle="--")
    zero = Tensor(np.zeros((1, 1)))
    ax.axhline(loss.generator(zero).item(), color=GENERATOR, linestyle=":")
    ax.axhline(loss.critic(zero, zero).item(), color=CRITIC, linestyle=":")
    _over_steps(ax, table, "loss (scaled data units)" if loss.power else "loss (nats)")
    legend_above(ax)


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
