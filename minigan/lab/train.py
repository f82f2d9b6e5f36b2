"""Training: algorithms 1 and 2 of the notes.

    for each step:
        n critic steps:    draw x, z;   w ← optimiser(w, ∇_w L_D);   w ← project(w)
        one generator step:   draw z;   θ ← optimiser(θ, ∇_θ L_G)

``iterate`` is that loop's body. The steps themselves are in ``gans/players.py``, recorded in ``steps.py``; what
they draw is in ``batches.py``, what they start from in ``state.py``, what is measured on the way in ``history.py``.

Several seeds train at once as rows of a leading axis of everything: θ (seeds, size), x (seeds, batch, d). Row r
has its own random streams and is the run of its seed alone; a row that breaks down does not stop the others.

Source: Goodfellow et al. (2014), algorithm 1; Arjovsky et al. (2017), algorithm 1; `xu`, algorithms 1 and 2.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minigan import arrays
from minigan.arrays import Array
from minigan.lab import memory
from minigan.lab.checkpoint import FORMAT, pack_streams, unpack_streams
from minigan.lab.config import Config
from minigan.lab.data import Data
from minigan.lab.history import COLUMNS, measure
from minigan.lab.model import Model, build_game, build_players
from minigan.lab.signs import Warned, warnings
from minigan.lab.state import EVALUATED, STREAMS, initial_state
from minigan.lab.steps import MONITORED, QUIET, Steps
from minigan.nets import SCHEDULES


class TrainingError(ArithmeticError):
    """A loss or a parameter is not finite any more: which, whose, and at which step."""


class Training:
    """A run in progress: its state, its random streams, its steps, its history.

    ``for _ in training.run(): ...`` trains and pauses after each step; ``history`` gains a row (COLUMNS)
    whenever one is due. All that a continued run needs is in ``checkpoint()``. ``eager=True`` builds the
    graph anew each step instead of replaying it: slower, the same bits, and a debugger sees every value.

    seeds: train these at once instead of config.seed alone; then ``histories`` and ``models`` have an entry each,
    and ``failed`` says which have broken down.
    """

    def __init__(self, config: Config, data: Data, eager: bool = False, seeds: Sequence[int] | None = None):
        config = resolved(config, data)
        self.config, self.data = config, data
        self.seeds = (config.seed,) if seeds is None else tuple(seeds)
        if not self.seeds or len({*self.seeds}) < len(self.seeds):
            raise ValueError(f"seeds must be different from each other, and at least one: {self.seeds}")
        self.lead = () if seeds is None else (len(self.seeds),)  # of every array
        self.step = 0  # that the generator has taken
        self.histories: list[list[list[float]]] = [[] for _ in self.seeds]
        self.failed: dict[int, str] = {}
        self.streams = [arrays.streams(seed, *STREAMS) for seed in self.seeds]
        self.game = build_game(config, data.dim, data.log_density)
        memory.refuse_run(config, self.game, len(self.seeds))
        self.players = build_players(config, self.game)
        rows = [initial_state(config, self.game, data, streams["init"]) for streams in self.streams]
        state = {name: np.stack([row[name] for row in rows]) if self.lead else rows[0][name] for name in rows[0]}
        state["nonfinite"] = np.zeros((len(MONITORED), *self.lead), config.dtype)
        self.xp = arrays.library(config.device)
        self.state: dict[str, Array] = {name: self.xp.asarray(value) for name, value in state.items()}
        self.steps = Steps(config, data, self.players, self.state, self.seeds, self.streams, self.lead, eager)

    # -- the loop ----------------------------------------------------------------------------
    def run(self) -> Iterator[None]:
        """Train to the last step, pausing after each; TrainingError at a value that is not finite."""
        while self.step < self.config.steps:
            self.iterate()
            if self.due():
                self.check_health()
                for row, history in zip(self.measure(), self.histories, strict=True):
                    history.append(row)
            yield

    def iterate(self) -> None:
        """Algorithm 1: n critic steps on fresh batches, then a step of the generator."""
        steps, n = self.steps, self.critic_steps()
        self.set_numbers()
        with np.errstate(**QUIET):
            if self.step == 0:
                steps.take(steps.pretrain, self.step, of_critic=True)  # on data alone, before the game (EBGAN)
            steps.take(steps.critic(n), self.step, of_critic=True)  # n times: draw x, z; w ← project(w − η ∇_w L_D)
            steps.numbers["t.w"][...] = steps.critic_count + 1  # of the critic's next step, to unroll it
            steps.take(steps.generator, self.step)  # draw z; θ ← θ − η ∇_θ L_G, or what the optimiser makes of it
        if self.config.update != "alternating":
            steps.critic_count += 1  # both stepped at once
        self.step += 1

    def set_numbers(self) -> None:
        """What changes from step to step without being drawn: t, the learning rates η, instance noise's σ."""
        config, numbers, share = self.config, self.steps.numbers, self.step / self.config.steps
        rate = SCHEDULES[config.schedule](share)
        numbers["eta.w"][...], numbers["eta.theta"][...] = rate * config.lr_critic, rate * config.lr_generator
        if config.instance_noise:
            numbers["sigma"][...] = config.instance_noise * SCHEDULES[config.noise_schedule](share)
        numbers["t.theta"][...] = self.step + 1

    def critic_steps(self) -> int:
        """n, or the burst of WGAN's published schedule: before the first 25 steps and every 500th."""
        bursting = self.step < 25 or self.step % 500 == 0
        return max(self.config.burst, self.config.critic_steps) if bursting else self.config.critic_steps

    @property
    def programs(self) -> tuple[list[Callable[[], Any]], Callable[[], Any]]:
        """The steps of one iteration without their draws: the critic's, one after another, and the generator's."""
        (generator,) = self.steps.generator
        return [step.program for step in self.steps.critic(self.config.critic_steps)], generator.program

    # -- what has come of it so far ------------------------------------------------------------
    def due(self) -> bool:
        """Whether a measurement is due: config.evaluations of them, spread evenly, the last step included."""
        n, total = self.config.evaluations, self.config.steps
        return self.step * n // total > (self.step - 1) * n // total

    def check_health(self) -> None:
        """Note the seeds that are not finite; TrainingError, naming the first step, whose and what, if none is left."""
        first_steps = arrays.to_host(self.state["nonfinite"]).reshape(len(MONITORED), -1)
        for seed, steps in zip(self.seeds, first_steps.T, strict=True):
            if steps.any():
                step = steps[steps > 0].min()
                what = MONITORED[int(np.flatnonzero(steps == step)[0])]
                self.failed[seed] = f"at step {int(step)} the {what} stopped being finite"
        if len(self.failed) == len(self.seeds):
            raise TrainingError(f"{self.failed[self.seeds[0]]}; "
                                "try smaller learning rates, or another recipe or penalty weight")

    def measure(self) -> list[list[float]]:
        """A row of the history for each seed: losses as players see them; NaN if it failed."""
        losses = {name: arrays.to_host(self.state[name]).reshape(-1) for name in ("critic_loss", "generator_loss")}
        rows = []
        for r, (seed, model) in enumerate(zip(self.seeds, self.models, strict=True)):
            row = {"step": self.step, **{name: values[r] for name, values in losses.items()}}
            if seed not in self.failed:
                row |= measure(model, self.data, self.streams[r]["metrics"], self.step)
            rows.append([float(row.get(name, np.nan)) for name in COLUMNS])
        return rows

    @property
    def history(self) -> list[list[float]]:
        """The measurements so far, of the first seed: rows of COLUMNS."""
        return self.histories[0]

    @property
    def warnings(self) -> list[Warned]:
        """What the measurements so far warn of, of the first seed: see ``signs.py``."""
        modes = self.data.mixture.modes if self.data.mixture else ()
        return warnings(self.history, self.config, len(modes), self.data.scaling.length)

    @property
    def models(self) -> list[Model]:
        """The players as they are now, for each seed."""
        host = {name: arrays.to_host(x).copy() for name, x in self.state.items() if name in EVALUATED}
        rows = [{name: x[r] for name, x in host.items()} for r in range(len(self.seeds))] if self.lead else [host]
        return [Model(replace(self.config, seed=seed), self.data.scaling, row, self.data.names)
                for seed, row in zip(self.seeds, rows, strict=True)]

    @property
    def model(self) -> Model:
        """The players as they are now, of the first seed."""
        return self.models[0]

    # -- stopping and going on -----------------------------------------------------------------
    def checkpoint(self) -> dict[str, np.ndarray]:
        """Everything that the rest of the run depends on, as arrays."""
        state = {f"state.{name}": arrays.to_host(value).copy() for name, value in self.state.items()}
        return {
            "format": np.array(FORMAT), "step": np.array(self.step), "critic_count": np.array(self.steps.critic_count),
            "history": np.array(self.histories, dtype=float).reshape(len(self.seeds), -1, len(COLUMNS)),
            "streams": pack_streams(self.streams), **state,
        }

    def restore(self, checkpoint: dict[str, Any]) -> None:
        """Go on from a checkpoint, as if there had been no stop: the very same bits follow."""
        for name, value in self.state.items():
            value[...] = self.xp.asarray(checkpoint[f"state.{name}"])
        self.step, self.steps.critic_count = int(checkpoint["step"]), int(checkpoint["critic_count"])
        self.histories = [[list(row) for row in history] for history in checkpoint["history"]]
        unpack_streams(checkpoint["streams"], self.streams)


def resolved(config: Config, data: Data) -> Config:
    """The configuration with what it leaves to the data: how they are scaled, the noise's dimension, the classes."""
    chosen: dict[str, Any] = {"standardize": data.scaling.kind, "latent": config.latent or max(2, data.dim)}
    if config.loss.head.name == "classes" and not config.classes:
        if not data.classes:
            raise ValueError(f"{data.name} has no classes: give labels y with the points, or take a toy with modes")
        chosen["classes"] = data.classes
    return replace(config, **chosen)
