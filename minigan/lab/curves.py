"""How a run came to where it is: its history as curves, a panel each, on Axes of yours."""

from collections.abc import Sequence
from math import isclose, isfinite
from typing import Any

import numpy as np

from minigan.autodiff import Tensor
from minigan.gans.losses import Loss
from minigan.gans.losses.critic_output import Batch, CriticOutput
from minigan.lab.history import W1_SAMPLES
from minigan.lab.style import CRITIC, DATA, FAINT, GENERATOR, MODES, legend_above, title
from minigan.lab.view import factor_of, power_of_ten

Curves = dict[str, np.ndarray]  # by the names of the history's columns


def curves(history: Sequence[Sequence[float]], columns: Sequence[str]) -> Curves:
    """The history by column, (rows,) each; what is not finite is NaN, a gap in its curve."""
    rows = np.array(history, dtype=float).reshape(-1, len(columns))
    return dict(zip(columns, np.where(np.isfinite(rows), rows, np.nan).T, strict=True))


def draw_distances(
    ax: Any, table: Curves, estimate: bool = True, n: int = W1_SAMPLES, unit: str = "data units"
) -> None:
    """Exact W₁, the sampling floor (a median and 90 % of the draws), and the critic's estimate if it is of W₁.

    n: samples that the exact W₁ is computed of; unit: of it.
    The critic's value is at most Lip(f) W₁, so it is drawn divided by the steepest slope seen.
    The axis is linear up to the floor, where differences are noise, and logarithmic above it.
    """
    title(ax, "Distance to the data", f"W₁ of {n} samples to {n} data")
    shown = {"exact W₁": table["w1"]}
    if estimate:
        with np.errstate(divide="ignore", invalid="ignore"):  # a flat critic estimates nothing
            shown["critic: (E f(x) − E f(G(z))) / max ‖∇f‖"] = np.where(
                table["slope"] > 0, table["estimate"] / table["slope"], np.nan)
    factor = factor_of(float(np.median(_finite(table["w1"])))) if np.any(table["w1"] > 0) else 1.0
    looks = ({"color": GENERATOR}, {"color": CRITIC, "linestyle": "--"})
    for (label, values), options in zip(shown.items(), looks, strict=False):
        _curve(ax, table, values / factor, label, **options)
    floor = _finite(table["w1_floor"]) / factor
    low, middle, high = np.quantile(floor, (0.05, 0.5, 0.95)) if len(floor) else (0, 0, 0)
    label = f"W₁ ({unit if factor == 1 else f'{power_of_ten(factor)} {unit}'})"
    if middle > 0:
        ax.axhspan(low, high, color=FAINT, alpha=0.4, linewidth=0)
        ax.axhline(middle, color=DATA, linestyle=":", label="floor: data to data")
        _bent(ax, middle, np.concatenate([floor, *(_finite(values) / factor for values in shown.values())]))
        label += ", log above the floor"
    _over_steps(ax, table, label)
    ax.legend()


def draw_estimate(ax: Any, table: Curves, loss: Loss, pack: int = 1, unit: str = "data units") -> None:
    """The critic's estimate of a divergence, and the largest value that it can have; or how far the mean scores are."""
    of = loss.estimates
    if of is None:
        label = f"difference ({unit})" if loss.power else "difference"
        title(ax, "The critic's contrast", "mean score of data − of samples")
    else:
        label = of.label
        packs = "" if pack == 1 else f", packs of {pack}"
        title(ax, "The critic's estimate", f"at most {of.label}{packs}")
    ax.axhline(0, color=FAINT, linewidth=1)
    _curve(ax, table, table["estimate"], "critic", color=CRITIC, linestyle="--")
    values = _finite(table["estimate"])
    if of is not None and isfinite(of.largest):
        ax.axhline(of.largest, color=DATA, linestyle=":", label=f"{of.largest_name}: disjoint supports")
        values = np.append(values, of.largest)
    if of is not None and len(values):  # an early critic's -50 would leave no room for the rest
        low, high = max(values.min(), -max(values.max(), np.quantile(np.abs(values), 0.8))), values.max()
        margin = 0.05 * (high - min(low, 0)) or 1.0
        ax.set_ylim(min(low, 0) - margin, max(high, 0) + margin)
    _over_steps(ax, table, label)
    ax.legend()


def draw_quality(ax: Any, table: Curves, k: int, dim: int) -> None:
    """% of samples within 3σ of one of k modes, and solid modes: all k are level with 100 %.

    The ceiling is F_χ²(9; dim), what the data themselves score where the modes are far apart.
    """
    from scipy.special import gammainc

    ceiling = 100 * float(gammainc(dim / 2, 9 / 2))
    title(ax, "Quality of the samples", "solid: a quarter of its share or more")
    _curve(ax, table, 100 * table["high_quality"], "% within 3σ of a mode", color=GENERATOR)
    _curve(ax, table, 100 / k * table["modes_solid"], "modes solid (right)", color=MODES, linestyle="--", linewidth=1.2)
    ax.axhline(ceiling, color=DATA, linestyle=":", label=f"ceiling: {ceiling:.2f} %")
    ax.set_ylim(-3, 108)
    modes_axis = ax.secondary_yaxis("right", functions=(lambda p: p * k / 100, lambda modes: modes * 100 / k))
    modes_axis.set_ylabel(f"modes solid, of {k}", color=MODES)
    modes_axis.yaxis.get_major_locator().set_params(integer=True)
    _over_steps(ax, table, "% within 3σ of a mode")
    ax.legend()


def draw_losses(ax: Any, table: Curves, loss: Loss, length: float = 1.0) -> None:
    """What each player minimises, and where that is if the critic gives every point one score and so cannot tell.

    Where the generator's loss is known up to a constant, as L_G = −E f(G(z)) is, the data's is taken off it:
    E f(x) − E f(G(z)), the critic's contrast. length: the unit of the scaled data, see ``Scaling``.
    """
    players = {"generator": (table["generator_loss"], {"color": GENERATOR})}
    if a := drift(loss):
        players = {"generator": (-a * table["estimate"] / length**loss.power, {"color": GENERATOR})}
    if loss.critic is not None:
        players["critic"] = (table["critic_loss"], {"color": CRITIC, "linestyle": "--"})
    blind = undecided(loss)
    about = "generator's less its value on data" if a else "one batch each"
    title(ax, "Losses", about + ("; dotted: a blind critic" if blind else ""))
    for player, (values, options) in players.items():
        _curve(ax, table, values, player, **options)
        if player in blind:
            ax.axhline(blind[player], color=options["color"], linestyle=":")
    _over_steps(ax, table, "loss (scaled data units)" if loss.power else "loss")
    legend_above(ax)


def undecided(loss: Loss) -> dict[str, float]:
    """What each player's loss is where every score is the boundary; if there is none, if any constant gives the same.

    Without a player for whom it does not, or whose loss depends on more than scores.
    """
    if loss.critic is None:
        return {}
    known: dict[str, float] = {}
    for player, objective in {"generator": loss.generator, "critic": loss.critic}.items():
        one, other = (objective(*[_constant(score)] * 2).item()
                      for score in ((0.0, 2.0**-10) if loss.boundary is None else (loss.boundary, loss.boundary)))
        if one == other:  # and no NaN, of what is not a score
            known[player] = one
    return known


def drift(loss: Loss) -> float:
    """a = ±1 in L_G(s + c) = L_G(s) + a c, where no c added to every score changes the critic's loss; else 0.

    Then the generator's loss is known up to a constant, which wanders and means nothing: a critic of W₁.
    """
    if loss.critic is None:
        return 0.0
    one, other = ([_scored(np.array(scores) + c) for scores in ([0.3, -0.7], [1.2, 0.1])] for c in (0.0, 4.0))
    same = isclose(loss.critic(*one).item(), loss.critic(*other).item(), abs_tol=1e-9)
    a = (loss.generator(*other).item() - loss.generator(*one).item()) / 4.0
    return round(a) if same and isclose(abs(a), 1.0) else 0.0


def _scored(scores: np.ndarray) -> Batch:
    """Points at 0 of these scores, of which nothing else is known."""
    column, unknown = Tensor(scores[:, None]), Tensor(np.full((len(scores), 1), np.nan))
    return Batch(Tensor(np.zeros((len(scores), 1))), lambda: CriticOutput(column, unknown, unknown, unknown))


def _constant(score: float) -> Batch:
    """Points of one score, of which nothing else is known."""
    scores, unknown = Tensor(np.full((2, 1), score)), Tensor(np.full((2, 1), np.nan))
    return Batch(unknown, lambda: CriticOutput(scores, unknown, unknown, unknown))


def _curve(ax: Any, table: Curves, values: np.ndarray, label: str, **options: Any) -> None:
    marker = "o" if len(table["step"]) < 20 else None
    missing = "" if len(_finite(values)) else ": –"
    ax.plot(table["step"], values, label=label + missing, marker=marker, markersize=4, **options)


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
