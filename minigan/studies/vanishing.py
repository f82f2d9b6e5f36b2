"""A generator stands still, a fresh critic learns against it, and the generator's gradient is watched.

    ‖∇_θ L_G(θ, w_t)‖₂,    θ as it is after a budget of training,    w₀ fresh,    w_t after t steps of Adam on L_D

Where the laws of the data and of the fakes live on different surfaces, the discriminator comes ever nearer to a
perfect one: E log(1 − D(G(z))) then saturates and its gradient dies, by orders of magnitude; that of −E log D(G(z))
grows; and a Wasserstein critic, the better it is, has the better gradient to give.
Source: Arjovsky & Bottou (2017), theorem 2.4, figures 2 and 3; Arjovsky et al. (2017), section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from minigan import arrays
from minigan.autodiff import Tensor, grad, record, safe_norm
from minigan.gans.game import Game
from minigan.gans.losses import LOSSES
from minigan.gans.players import Players
from minigan.lab.config import Config, configure
from minigan.lab.data import Data, data_from
from minigan.lab.model import build_game
from minigan.lab.state import STREAMS
from minigan.lab.style import DATA, new_figure, plural, style, title
from minigan.lab.train import Training, TrainingError, resolved
from minigan.nets import OPTIMIZERS
from minigan.studies.intervals import Estimate, interval_over

# On top of a run's own streams, so that nothing of the frozen phase was seen in the training before it
FRESH = ("fresh critic", "its data", "its noise", "the watched batch")
# Adam's β₁ = ½, β₂ as in DCGAN, whose critics the paper watched; z in the plane
SETTINGS = {"schedule": "constant", "beta2": 0.999, "latent": 2}
WATCHED = 512  # samples whose gradient is measured: always the same ones


@dataclass(frozen=True)
class Opponent:
    """A row: a critic that learns afresh, and the generators' losses whose gradients are watched against it."""

    loss: str  # of LOSSES: what the critic minimises
    estimates: str  # what its estimate is called in the result
    watched: dict[str, str]  # curve -> the generator's loss, of LOSSES
    penalty_kind: str = "none"
    penalty: float = 0.0


# The saturating and the non-saturating generator face the same discriminator
OPPONENTS = (
    Opponent("non-saturating", "js", {"saturating": "minimax", "non-saturating": "non-saturating"}),
    Opponent("wasserstein", "w1", {"wasserstein": "wasserstein"}, "two-sided", 10.0),
)
# For looking and for tests: a few seconds
QUICK: dict[str, Any] = {
    "budgets": (30, 100, 300), "steps": 500, "seeds": range(3), "every": 25, "batch": 32, "lr_critic": 3e-3,
    "generator": (32, 32), "critic": (32, 32),
}
TITLES = {"saturating": "E log(1 − D(G(z))): saturating", "non-saturating": "−E log D(G(z)): non-saturating",
          "wasserstein": "−E f(G(z)): Wasserstein"}
SHADES = ("#8cc4ea", "#0072B2", "#003a5c")  # the generator's blue, the darker the longer it was trained


def spots(rng: np.random.Generator, n: int, side: int = 8) -> np.ndarray:
    """Pictures of a spot of light: n rows of side² pixels exp(−‖p − c‖²/2r²), c ~ U[−0.7, 0.7]², r = 2/side.

    Pixels p on a grid over [−1, 1]². Like photographs, they lie on a thin surface (setup of 2 dimensions) in a large
    space, and the surface that a generator makes misses it.
    """
    grid, centres = np.linspace(-1, 1, side), rng.uniform(-0.7, 0.7, (n, 2, 1))
    across, down = np.exp(-0.5 * ((grid - centres) * (side / 2)) ** 2).transpose(1, 0, 2)
    return (down[:, :, None] * across[:, None, :]).reshape(n, side * side)


def vanishing_gradients(
    budgets: Sequence[int] = (100, 1_000, 2_500), steps: int = 4_000, seeds: Sequence[int] = range(10),
    data: Any = spots, every: int = 50, **settings: Any
) -> dict[str, np.ndarray]:
    """The norms of the generator's gradient while a fresh critic learns against it.

    budgets: generator steps of the plain ``gan`` after which it is frozen, ascending (the paper's 1, 10, 25 epochs);
    steps: of each fresh critic; every: so many critic steps apart it is measured; data: see ``data_from``; settings:
    of the configuration, such as ``critic=(32, 32)``; they hold for the training before and for the fresh critics.

    Returns arrays by name: ``budgets`` (b,), ``seeds`` (s,), ``steps`` (t,), the norms ``saturating``,
    ``non-saturating`` and ``wasserstein`` (b, s, t), what the critics then estimate, ``js`` (nats) and ``w1`` (scaled
    units, as far as the slope is 1), (b, s, t), and ``theta`` (b, s, size), the generators. Norms are in scaled units.

    All budgets and seeds are rows of one batched program a critic. The frozen phase is in float64: what falls there is
    the gradient and not the precision, for in float32 σ(s) is 0 from s = −104 on. Rows of one seed share draws.
    ValueError for budgets that do not ascend; TrainingError if a training breaks down.
    """
    budgets, seeds = tuple(budgets), tuple(seeds)
    if not budgets or budgets[0] < 1 or any(a >= b for a, b in pairwise(budgets)):
        raise ValueError(f"budgets must be positive and ascend, not {budgets}")
    points = data_from(data)
    config = resolved(configure("gan", **{"steps": budgets[-1], **SETTINGS, **settings}), points)
    theta = frozen_generators(config, points, budgets, seeds)
    frozen = replace(config, dtype="float64")
    found = {"budgets": np.array(budgets), "seeds": np.array(seeds), "theta": theta,
             "steps": np.arange(0, steps + 1, every)}
    for opponent in OPPONENTS:
        found |= train_against(opponent, frozen, points, theta, seeds, found["steps"])
    return found


def frozen_generators(config: Config, data: Data, budgets: Sequence[int], seeds: Sequence[int]) -> np.ndarray:
    """θ after each budget of generator steps, of each seed: (budgets, seeds, size), float64: one training, halted."""
    training = Training(config, data, seeds=seeds)
    halts = []
    for budget in budgets:
        while training.step < budget:
            training.iterate()
        halts.append(arrays.to_host(training.state["theta"]).astype("float64"))
    training.check_health()
    if training.failed:
        raise TrainingError(f"of the generators to be frozen, some broke down: {training.failed}")
    return np.stack(halts)


class Setup(NamedTuple):
    """A fresh critic before frozen generators: the players, their state, what a step reads, whence it is drawn."""

    players: Players
    state: dict[str, np.ndarray]
    inputs: dict[str, np.ndarray]
    streams: list[dict[str, np.random.Generator]]  # one a seed


def set_up(opponent: Opponent, config: Config, data: Data, theta: np.ndarray, seeds: Sequence[int]) -> Setup:
    """All that is needed to let a critic learn from its beginning against θ (..., seeds, size)."""
    match: Game = replace(build_game(config, data.dim), loss=LOSSES[opponent.loss], penalty_kind=opponent.penalty_kind,
                          penalty=opponent.penalty)
    adam = OPTIMIZERS["adam"]
    players = Players(game=match, optimizer="adam", settings={name: getattr(config, name) for name in adam.settings})
    streams = [arrays.streams(seed, *STREAMS, *FRESH) for seed in seeds]
    lead = theta.shape[:-1]
    fresh = np.stack([match.critic.init(s["fresh critic"], config.init, config.gain, config.dtype) for s in streams])
    w = np.broadcast_to(fresh, (*lead, match.critic.size)).copy()
    state = {"theta": theta.copy(), "w": w, "critic_loss": np.zeros(lead)}
    state |= {f"w.{slot}": value for slot, value in adam.init(w).items()}
    n, latent = config.batch, match.generator.sizes[0]
    inputs = {"real": np.ones((*lead, n, data.dim)), "z": np.ones((*lead, n, latent)), "eps": np.ones((*lead, n, 1)),
              "t.w": np.ones(()), "eta.w": np.full((), config.lr_critic)}
    return Setup(players, state, inputs, streams)


def train_against(
    opponent: Opponent, config: Config, data: Data, theta: np.ndarray, seeds: Sequence[int], at: np.ndarray
) -> dict[str, np.ndarray]:
    """The watched norms and the critic's estimate at the critic steps ``at``, ascending: (budgets, seeds, t) each."""
    setup = set_up(opponent, config, data, theta, seeds)
    step = record(setup.players.critic_step, setup.state, setup.inputs)
    watch = watcher(opponent, setup, data)
    rows: dict[str, list[np.ndarray]] = {name: [] for name in (*opponent.watched, opponent.estimates)}
    for t in range(at[-1] + 1):
        if t in at:
            for name, value in watch().items():
                rows[name].append(value.copy())
        draw_batches(setup, data)
        setup.inputs["t.w"][...] = t + 1
        step()
    if not np.array_equal(setup.state["theta"], theta):
        raise RuntimeError("the generators were to stand still, and moved")
    return {name: np.stack(values, axis=-1) for name, values in rows.items()}


def draw_batches(setup: Setup, data: Data, of_data: str = "its data", of_noise: str = "its noise") -> None:
    """A critic step's batch for each seed, the same for all its budgets; from which of FRESH its parts come."""
    for r, streams in enumerate(setup.streams):
        x = np.empty(setup.inputs["real"].shape[-2:])
        data.draw(streams[of_data], x)
        drawn = {"real": x, "z": streams[of_noise].standard_normal(setup.inputs["z"].shape[-2:])}
        if "eps" in setup.inputs:
            drawn["eps"] = streams[of_noise].random(setup.inputs["eps"].shape[-2:])
        for name, batch in drawn.items():
            setup.inputs[name][..., r, :, :] = batch


def watcher(opponent: Opponent, setup: Setup, data: Data) -> Any:
    """A program that gives ‖∇_θ L_G‖ of each watched loss, and the critic's estimate, as the critic is now."""
    match, lead = setup.players.game, setup.state["theta"].shape[:-1]
    inputs = {name: np.empty((*lead, WATCHED, setup.inputs[name].shape[-1])) for name in ("real", "z")}
    draw_batches(setup._replace(inputs=inputs), data, "the watched batch", "the watched batch")

    def measure(state: dict[str, Tensor], given: dict[str, Tensor]) -> tuple[dict, dict]:
        real, fake = match.batches(state, given)
        report = {opponent.estimates: match.loss.estimate(real.scores, fake.scores)}
        for name, loss in opponent.watched.items():
            report[name] = safe_norm(grad(LOSSES[loss].generator(real, fake).sum(), state["theta"]), -1)
        return {}, report

    return record(measure, setup.state, inputs)


# -- what it says ------------------------------------------------------------------------------------
def fall(norms: np.ndarray) -> Estimate:
    """Orders of magnitude by which norms (b, s, t) fall from the first to the last: log₁₀ first/last, (b,)."""
    return interval_over(np.log10(norms[..., 0] / norms[..., -1]), axis=-1)


def vanishing_table(found: dict[str, np.ndarray]) -> list[list[str]]:
    """Header and rows: for each loss and budget the first norm, the last, and the orders of magnitude of its fall."""
    rows = [["loss of G", "G frozen after", "‖∇θ‖ at first", "‖∇θ‖ at last", "falls by orders of magnitude"]]
    for name, text in TITLES.items():
        orders = fall(found[name])
        for row, budget in enumerate(found["budgets"]):
            ends = (10 ** np.log10(found[name][row, :, t]).mean() for t in (0, -1))
            first, last = (f"{float(f'{norm:.2g}'):g}" for norm in ends)  # two digits, and no 1.1e+02
            mean, low, high = (f"{part[row]:.2f}".replace("-", "−") for part in orders)
            between = "" if np.isnan(orders.low[row]) else f" [{low}, {high}]"  # few seeds have none
            rows.append([text, f"{budget:,}", first, last, mean + between])
    return rows


def draw_vanishing(found: dict[str, np.ndarray], figure: Any = None) -> Any:
    """The matplotlib Figure (of its own, or the one given): a panel for each loss, a line for each budget.

    Lines are geometric means over the seeds, bands their 95 % intervals; of too few seeds, thin lines each of them.
    """
    budgets, seeds, at = found["budgets"], found["seeds"], found["steps"]
    with style():
        figure = new_figure(layout="constrained") if figure is None else figure
        figure.set_size_inches(13, 4.6)
        figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
        figure.suptitle("The generator's gradient while a fresh critic learns", fontsize=15, fontweight="bold")
        panels = figure.subplots(1, len(TITLES), sharey=True)
        for ax, (name, text) in zip(panels, TITLES.items(), strict=True):
            title(ax, text, _told(found, name))
            for row, budget in enumerate(budgets):
                line = Estimate(*(10**part for part in interval_over(np.log10(found[name][row]), axis=-2)))
                shade = SHADES[row * (len(SHADES) - 1) // max(len(budgets) - 1, 1)]
                if np.isnan(line.low).all():
                    ax.plot(at, found[name][row].T, color=shade, alpha=0.4, linewidth=0.7)
                ax.fill_between(at, line.low, line.high, color=shade, alpha=0.25, linewidth=0)
                ax.plot(at, line.mean, color=shade, label=f"after {budget:,} steps", linewidth=1.8)
            ax.set(yscale="log", xlabel="steps of the fresh critic, G frozen", xlim=(0, at[-1]))
            ax.xaxis.set_major_formatter("{x:,.0f}")
            ax.xaxis.get_major_locator().set_params(nbins=4)
            ax.grid(True)
        panels[0].set_ylabel(f"‖∇θ‖ of G's loss ({plural(len(seeds), 'seed')})")
        panels[0].legend(title="G frozen", labelcolor=DATA)
    return figure


def _told(found: dict[str, np.ndarray], name: str) -> str:
    """By how much it fell or rose, over the budgets."""
    orders = fall(found[name]).mean
    low, high = np.abs(orders).min(), np.abs(orders).max()
    if high < 0.5:
        return f"changes by {high:.1f} orders of magnitude at most"
    return f"{'falls' if orders.mean() > 0 else 'rises'} by {low:.1f} to {high:.1f} orders of magnitude"
