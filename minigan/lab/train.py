"""Training: algorithms 1 and 2 of the notes, over recorded steps.

    for each step:
        n critic steps:    draw x, z;   w ← optimiser(w, ∇_w L_D);   w ← project(w)
        one generator step:   draw z;   θ ← optimiser(θ, ∇_θ L_G)

Source: Goodfellow et al. (2014), algorithm 1; Arjovsky et al. (2017), algorithm 1; `xu`, algorithms 1 and 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigan import arrays
from minigan.arrays import Array
from minigan.autodiff import Tensor, equal, grad, isfinite, record, stack
from minigan.autodiff.replay import eager as run_eagerly
from minigan.gans.game import Game
from minigan.gans.recipes import recipe
from minigan.lab import metrics
from minigan.lab.checkpoint import FORMAT, pack_streams, unpack_streams
from minigan.lab.config import Config
from minigan.lab.data import Data
from minigan.lab.model import Model, networks
from minigan.nets import OPTIMIZERS, SCHEDULES

# One stream for each purpose: looking at a run (scaling, metrics, samples) does not change it.
STREAMS = ("init", "data", "noise", "metrics", "samples")
VITALS = ("critic's loss", "generator's loss", "critic's parameters", "generator's parameters")
W1_SAMPLES = 512  # for the exact W₁ during a run: its assignment takes time cubic in this
COLUMNS = [
    "step", "critic_loss", "generator_loss", "estimate", "w1", "w1_floor",
    "modes_found", "modes_solid", "high_quality", "reverse_kl",
]


class TrainingError(ArithmeticError):
    """A loss or a parameter is not finite any more: which, whose, and at which step."""


class Training:
    """A run in progress: its state, its random streams, its two steps, its history.

    ``for _ in training.run(): ...`` trains and pauses after each step; ``history`` gains a row (COLUMNS)
    whenever one is due. All that a continued run needs is in ``checkpoint()``. ``eager=True`` builds the
    graph anew each step instead of replaying it: slower, the same bits, and a debugger sees every value.
    """

    def __init__(self, config: Config, data: Data, eager: bool = False):
        self.config, self.data = config, data
        self.step, self.critic_count = 0, 0  # steps taken by the generator and by the critic
        self.history: list[list[float]] = []
        self.streams = arrays.streams(config.seed, *STREAMS)
        self.xp = arrays.library(config.device)
        self.generator, self.critic = networks(config, data.dim)
        self.game = Game(recipe(config.recipe), self.generator, self.critic, config.penalty)
        self.state = self._initial_state()
        self._host, self._device = self._inputs()
        make = run_eagerly if eager else record
        self._step_critic = make(self.critic_step, self.state, self._device)
        to_generator = {name: self._device[name] for name in ("z", "t", "eta")}
        self._step_generator = make(self.generator_step, self.state, to_generator)

    # -- the two steps -----------------------------------------------------------------------
    def critic_step(self, state: dict[str, Tensor], inputs: dict[str, Tensor]) -> tuple[dict, dict]:
        """w ← project(optimiser(w, ∇_w L_D)): one step of the critic, as a graph."""
        loss = self.game.critic_loss(state["w"], state["theta"], inputs["real"], inputs["z"], inputs["eps"])
        new = self._update("w", loss, state, inputs)
        new["w"] = self.game.recipe.project(new["w"], self.config.clip)
        return new | {"critic_loss": loss}, {}

    def generator_step(self, state: dict[str, Tensor], inputs: dict[str, Tensor]) -> tuple[dict, dict]:
        """θ ← optimiser(θ, ∇_θ L_G): one step of the generator, as a graph; and the first bad step."""
        loss = self.game.generator_loss(state["theta"], state["w"], inputs["z"])
        new = self._update("theta", loss, state, inputs)
        vitals = stack([state["critic_loss"], loss, state["w"].sum(-1), new["theta"].sum(-1)])
        first = equal(state["bad"], 0.0) * (1.0 - isfinite(vitals))
        return new | {"generator_loss": loss, "bad": state["bad"] + first * inputs["t"]}, {}

    def _update(self, player: str, loss: Tensor, state: dict, inputs: dict) -> dict[str, Tensor]:
        optimizer = OPTIMIZERS[self.config.optimizer]
        slots = {slot: state[f"{player}.{slot}"] for slot in optimizer.slots}
        settings = {name: getattr(self.config, name) for name in optimizer.settings}
        gradient = grad(loss.sum(), state[player])
        new, slots = optimizer.step(state[player], gradient, slots, inputs["t"], inputs["eta"], **settings)
        return {player: new, **{f"{player}.{slot}": value for slot, value in slots.items()}}

    # -- what they work on -------------------------------------------------------------------
    def _initial_state(self) -> dict[str, Array]:
        config = self.config
        state: dict[str, Any] = {}
        for player, net in [("theta", self.generator), ("w", self.critic)]:
            state[player] = net.init(self.streams["init"], config.init, config.gain, config.dtype)
            slots = OPTIMIZERS[config.optimizer].init(state[player])
            state.update((f"{player}.{slot}", value) for slot, value in slots.items())
        for name in ("critic_loss", "generator_loss"):
            state[name] = np.zeros((), config.dtype)
        state["bad"] = np.zeros(len(VITALS), config.dtype)  # the first step at which each was not finite
        return {name: self.xp.asarray(value) for name, value in state.items()}

    def _inputs(self) -> tuple[dict[str, np.ndarray], dict[str, Array]]:
        """The inputs of a step on the host, where they are drawn in place, and on the device."""
        config = self.config
        shapes: dict[str, tuple[int, ...]] = {
            "real": (config.batch, self.data.dim), "z": (config.batch, config.latent), "eps": (config.batch, 1),
            "t": (), "eta": (),
        }
        host = {name: np.ones(shape, config.dtype) for name, shape in shapes.items()}
        return host, {name: self.xp.asarray(value) for name, value in host.items()}

    def _send(self, *names: str) -> None:
        for name in names:
            if self._device[name] is not self._host[name]:
                self._device[name][...] = self.xp.asarray(self._host[name])

    # -- the loop ----------------------------------------------------------------------------
    def run(self) -> Iterator[None]:
        """Train to the last step, pausing after each; TrainingError at a value that is not finite."""
        while self.step < self.config.steps:
            self.iterate()
            if self.due():
                self.check_health()
                self.history.append(self.measure())
            yield

    def iterate(self) -> None:
        """One step of the generator, after its critic steps."""
        config, host, noise = self.config, self._host, self.streams["noise"]
        rate = SCHEDULES[config.schedule](self.step / config.steps)
        host["eta"][...] = rate * config.lr_critic
        for _ in range(self.critic_steps()):
            self.critic_count += 1
            host["t"][...] = self.critic_count
            self.data.draw(self.streams["data"], host["real"])
            noise.standard_normal(out=host["z"], dtype=host["z"].dtype)
            noise.random(out=host["eps"], dtype=host["eps"].dtype)
            self._send("real", "z", "eps", "t", "eta")
            self._step_critic()
        self.step += 1
        host["t"][...] = self.step
        host["eta"][...] = rate * config.lr_generator
        noise.standard_normal(out=host["z"], dtype=host["z"].dtype)
        self._send("z", "t", "eta")
        self._step_generator()

    def critic_steps(self) -> int:
        """n, or the burst of WGAN's published schedule: before the first 25 steps and every 500th."""
        bursting = self.step < 25 or self.step % 500 == 0
        return max(self.config.burst, self.config.critic_steps) if bursting else self.config.critic_steps

    def due(self) -> bool:
        """Whether a measurement is due: config.evaluations of them, spread evenly, the last step included."""
        n, total = self.config.evaluations, self.config.steps
        return self.step * n // total > (self.step - 1) * n // total

    def check_health(self) -> None:
        """Raise TrainingError if anything has not been finite, naming the first step, whose, and what."""
        bad = arrays.to_host(self.state["bad"])
        if bad.any():
            step = bad[bad > 0].min()
            what = VITALS[int(np.flatnonzero(bad == step)[0])]
            raise TrainingError(
                f"at step {int(step)} the {what} stopped being finite; "
                "try smaller learning rates, or another recipe or penalty weight"
            )

    def measure(self) -> list[float]:
        """A row of the history, from the stream for metrics: distances in data units, losses as players see them."""
        rng, data, model = self.streams["metrics"], self.data, self.model
        n = max(self.config.samples, W1_SAMPLES)
        fake, real, again = model.sample(rng, n), data.sample(rng, n), data.sample(rng, W1_SAMPLES)
        row = {
            "step": self.step,
            **{name: float(self.state[name]) for name in ("critic_loss", "generator_loss")},
            "estimate": model.estimate(real, fake),
            "w1": metrics.wasserstein_1(real[:W1_SAMPLES], fake[:W1_SAMPLES]),
            "w1_floor": metrics.wasserstein_1(real[:W1_SAMPLES], again),
            **data.modes(fake[: self.config.samples]),
        }
        return [float(row.get(name, np.nan)) for name in COLUMNS]

    @property
    def model(self) -> Model:
        """The players as they are now."""
        theta, w = (arrays.to_host(self.state[name]).copy() for name in ("theta", "w"))
        return Model(self.config, self.data.shift, self.data.scale, theta, w)

    # -- stopping and going on -----------------------------------------------------------------
    def checkpoint(self) -> dict[str, np.ndarray]:
        """Everything that the rest of the run depends on, as arrays."""
        state = {f"state.{name}": arrays.to_host(value).copy() for name, value in self.state.items()}
        return {
            "format": np.array(FORMAT), "step": np.array(self.step), "critic_count": np.array(self.critic_count),
            "history": np.array(self.history, dtype=float).reshape(-1, len(COLUMNS)),
            "streams": pack_streams(self.streams), **state,
        }

    def restore(self, checkpoint: dict[str, Any]) -> None:
        """Go on from a checkpoint, as if there had been no stop: the very same bits follow."""
        for name, value in self.state.items():
            value[...] = self.xp.asarray(checkpoint[f"state.{name}"])
        self.step, self.critic_count = int(checkpoint["step"]), int(checkpoint["critic_count"])
        self.history = [list(row) for row in checkpoint["history"]]
        unpack_streams(checkpoint["streams"], self.streams)
