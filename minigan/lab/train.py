"""Training: algorithms 1 and 2 of the notes, over recorded steps.

    for each step:
        n critic steps:    draw x, z;   w ← optimiser(w, ∇_w L_D);   w ← project(w)
        one generator step:   draw z;   θ ← optimiser(θ, ∇_θ L_G)

Several seeds train at once as rows of a leading axis of everything: θ (seeds, size), x (seeds, batch, d). Row r
has its own random streams and is the run of its seed alone; a row that breaks down does not stop the others.

Source: Goodfellow et al. (2014), algorithm 1; Arjovsky et al. (2017), algorithm 1; `xu`, algorithms 1 and 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minigan import arrays
from minigan.arrays import Array
from minigan.autodiff import Tensor, equal, isfinite, replay, stack
from minigan.gans.players import Players
from minigan.gans.spectral import initial_state, settled
from minigan.lab import metrics
from minigan.lab.checkpoint import FORMAT, pack_streams, unpack_streams
from minigan.lab.config import Config
from minigan.lab.data import Data
from minigan.lab.model import Model, game
from minigan.nets import OPTIMIZERS, SCHEDULES

# One stream for each purpose: looking at a run (scaling, metrics, samples) does not change it.
STREAMS = ("init", "data", "noise", "metrics", "samples")
NUMBERS = ("t.w", "t.theta", "eta.w", "eta.theta", "sigma")  # inputs that are no draws
VITALS = ("critic's loss", "generator's loss", "critic's parameters", "generator's parameters")
W1_SAMPLES = 512  # for the exact W₁ during a run: its assignment takes time cubic in this
NORM_SAMPLES = 1_000  # whose statistics batch norm uses in evaluation
COLUMNS = [
    "step", "critic_loss", "generator_loss", "estimate", "slope", "w1", "w1_floor",
    "modes_found", "modes_solid", "high_quality", "reverse_kl",
]
# The vitals tell what is not finite, and whose; and BLAS may flag a lane of garbage that enters no result.
QUIET: dict[str, Any] = {"over": "ignore", "invalid": "ignore", "divide": "ignore"}
AT_ONCE = 64  # steps at most that are drawn for together


def _without_loss(critic_step: Callable) -> Callable:
    """The step without the value of its loss, which then need not be computed; its gradient is."""

    def step(state: dict[str, Tensor], inputs: dict[str, Tensor]) -> tuple[dict, dict]:
        new, report = critic_step(state, inputs)
        return {name: x for name, x in new.items() if name != "critic_loss"}, report

    return step


@dataclass(frozen=True)
class Step:
    """A recorded step: the program, how to draw what it reads, and where that and the numbers go."""

    program: Callable[[], Any]
    draws: list[Callable[[int], Any]]  # of n steps' batches at once: a call costs more than what it draws
    batches: list[tuple[Array, Array]]  # (an input of the program, the batches (n, ...) drawn for it)
    numbers: list[tuple[Array, np.ndarray]]  # (an input on the device, the number on the host), where they differ


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
        if config.loss.head.name == "classes" and not config.classes:
            config = replace(config, classes=data.classes)
            if not data.classes:
                raise ValueError(f"{data.name} has no classes: give labels y with the points, or take a toy with modes")
        self.config, self.data = config, data
        self.seeds = (config.seed,) if seeds is None else tuple(seeds)
        if not self.seeds or len({*self.seeds}) < len(self.seeds):
            raise ValueError(f"seeds must be different from each other, and at least one: {self.seeds}")
        self.lead = () if seeds is None else (len(self.seeds),)  # of every array
        self.step, self.critic_count = 0, 0  # steps taken by the generator and by the critic
        self.histories: list[list[list[float]]] = [[] for _ in self.seeds]
        self.failed: dict[int, str] = {}
        self.streams = [arrays.streams(seed, *STREAMS) for seed in self.seeds]
        self.xp = arrays.library(config.device)
        self._noise: list[Any] = [arrays.Stream(row["noise"]) for row in self.streams]  # where each seed's comes from
        self.game = game(config, data.dim, data.log_density)
        settings = {name: getattr(config, name) for name in OPTIMIZERS[config.optimizer].settings}
        self.players = Players(self.game, config.optimizer, settings, config.clip, config.ema, config.unroll,
                               config.unroll_optimizer, config.unroll_rate, config.consensus, config.update)
        rows = [self._initial_state(streams) for streams in self.streams]
        stacked = {name: np.stack([row[name] for row in rows]) if self.lead else rows[0][name] for name in rows[0]}
        # the first step at which each was not finite
        stacked["bad"] = np.zeros((len(VITALS), *self.lead), config.dtype)
        self.state: dict[str, Array] = {name: self.xp.asarray(value) for name, value in stacked.items()}
        self._host = {name: np.ones((), config.dtype) for name in NUMBERS}
        self._device = {name: self.xp.ones((*self.lead, *shape), dtype=config.dtype)
                        for name, shape in self._shapes().items()}
        self._device |= {name: self.xp.asarray(value) for name, value in self._host.items()}
        if not config.instance_noise:
            del self._device["sigma"]
        self._pretrain = self._recorded(self.players.pretrain_step, eager, config.pretrain) if config.pretrain else None
        self._critic: list[Step] = []  # the last critic step of an iteration, and those before, whose loss nobody sees
        alternating = config.update == "alternating"
        if alternating and config.critic_steps:
            most = max(config.critic_steps, config.burst)
            self._critic.append(self._recorded(self.players.critic_step, eager, most))
            if most > 1:
                self._critic.append(self._recorded(_without_loss(self.players.critic_step), eager))
        generator_step = self.players.generator_step if alternating else self.players.joint_step
        self._generator = self._recorded(self._watched(generator_step), eager)

    # -- the steps, recorded -------------------------------------------------------------------
    def _recorded(self, step: Callable, eager: bool, most: int = 1) -> Step:
        """most: how many such steps there are one after another."""
        with np.errstate(**QUIET):
            program = (replay.eager if eager else replay.record)(step, self.state, self._device)
            reads = program.reads if isinstance(program, replay.Program) else replay.reads(
                step, self.state, self._device)
        shapes = {name: shape for name, shape in self._shapes().items() if name in reads}
        lead, n = len(self.lead), min(most, AT_ONCE)
        drawn = {name: self._library_of(name).empty((*self.lead, n, *shape), dtype=self.config.dtype)
                 for name, shape in shapes.items()}
        draws = [draw for r in range(len(self.seeds)) for draw in self._draws(
            {name: x[r, ...] if lead else x for name, x in drawn.items()}, r)]
        batches = [(self._device[name], arrays.namespace(x).moveaxis(x, lead, 0)) for name, x in drawn.items()]
        numbers = [(self._device[name], self._host[name]) for name in NUMBERS if name in reads]
        return Step(program, draws, batches, [(device, host) for device, host in numbers if device is not host])

    @property
    def programs(self) -> tuple[list[Callable[[], Any]], Callable[[], Any]]:
        """The steps of one iteration without their draws: the critic's, one after another, and the generator's."""
        return [step.program for step in self._critics(self.config.critic_steps)], self._generator.program

    def _watched(self, step: Callable) -> Callable:
        """The step, and the first count t at which a loss or a parameter of either player is not finite."""

        def watched(state: dict[str, Tensor], inputs: dict[str, Tensor]) -> tuple[dict, dict]:
            new, report = step(state, inputs)
            now = state | new
            vitals = stack([now["critic_loss"], now["generator_loss"], now["w"].sum(-1), now["theta"].sum(-1)])
            first = equal(state["bad"], 0.0) * (1.0 - isfinite(vitals))
            return new | {"bad": state["bad"] + first * inputs["t.theta"]}, report

        return watched

    # -- what they work on -------------------------------------------------------------------
    def _initial_state(self, streams: dict[str, np.random.Generator]) -> dict[str, np.ndarray]:
        """Of one seed: parameters, their optimisers' slots, and what the stabilisers keep."""
        config, rng = self.config, streams["init"]
        state: dict[str, Any] = {}
        players = {"theta": self.game.generator, "w": self.game.critic}
        for player, net in players.items():
            state[player] = net.init(rng, config.init, config.gain, config.dtype)
            slots = OPTIMIZERS[config.optimizer].init(state[player])
            state.update((f"{player}.{slot}", value) for slot, value in slots.items())
        for name in ("critic_loss", "generator_loss"):
            state[name] = np.zeros((), config.dtype)
        if config.spectral_norm:
            state["w.s"] = settled(self.game.critic, state["w"], initial_state(self.game.critic, rng, config.dtype))
        if config.history:
            state |= {f"{player}.mean": state[player].copy() for player in players}
        if config.ema:
            state["theta.ema"] = state["theta"].copy()
        if config.generator_norm in ("batch", "virtual"):
            n = config.batch if config.generator_norm == "virtual" else NORM_SAMPLES
            state["theta.reference"] = rng.standard_normal((n, self.game.generator.sizes[0])).astype(config.dtype)
        if config.critic_norm in ("batch", "virtual") or config.minibatch:
            n = config.batch - (config.minibatch > 0)  # minibatch discrimination: as many as a sample has mates
            reference = np.empty((n * config.pack, self.data.dim), config.dtype)
            self.data.draw(rng, reference)
            state["w.reference"] = reference.reshape(n, -1)
        return state

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """The inputs of a step, whichever it may read (see ``gans/game.py``), in the order in which they are drawn."""
        config, n, d = self.config, self.config.batch, self.data.dim
        drawn: dict[str, tuple[int, ...]] = {"real": (n * config.pack, d)}
        if config.loss.head.name == "classes":
            drawn["labels"] = (n * config.pack, config.classes)
        drawn |= {"z": (n * config.pack, self.game.generator.sizes[0]), "eps": (n, 1), "delta": (n, config.pack * d)}
        if config.instance_noise:
            drawn |= {"noise.real": drawn["real"], "noise.fake": drawn["real"]}
        return drawn

    def _library_of(self, name: str) -> Any:
        """Where a batch is drawn: data on the host, noise on the device if that is asked for."""
        return self.xp if self.config.device_rng and name not in ("real", "labels") else np

    def _draws(self, batches: dict[str, Array], r: int) -> list[Callable[[int], Any]]:
        """Calls that fill the first n of the batches of seed r, each (steps, samples, numbers), in place."""
        data = self.streams[r]["data"]

        def rows(name: str, n: int) -> np.ndarray:
            return batches[name][:n].reshape(-1, batches[name].shape[-1])

        def noise(method: str, name: str) -> Callable[[int], Any]:
            return lambda n: getattr(self._noise[r], method)(batches[name][:n, ...])

        points: list[Callable[[int], Any]] = []
        if "labels" in batches:
            points = [lambda n: self.data.draw_labelled(data, rows("real", n), rows("labels", n), self.config.labelled)]
        elif "real" in batches:
            points = [lambda n: self.data.draw(data, rows("real", n))]
        rest = [name for name in batches if name not in ("real", "labels")]
        return points + [noise("random" if name == "eps" else "standard_normal", name) for name in rest]

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
        """One step of the generator, after its critic steps; before the first, the critic's pretraining."""
        config, host = self.config, self._host
        rate = SCHEDULES[config.schedule](self.step / config.steps)
        host["eta.w"][...], host["eta.theta"][...] = rate * config.lr_critic, rate * config.lr_generator
        if config.instance_noise:
            host["sigma"][...] = config.instance_noise * SCHEDULES[config.noise_schedule](self.step / config.steps)
        host["t.theta"][...] = self.step + 1
        with np.errstate(**QUIET):
            if self._pretrain is not None and self.step == 0:
                self._take([self._pretrain] * config.pretrain, counted=True)
            self._take(self._critics(self.critic_steps()), counted=True)
            host["t.w"][...] = self.critic_count + 1  # of the critic's next step, to unroll it
            self._take([self._generator])
        self.critic_count += not self._critic
        self.step += 1

    def _critics(self, n: int) -> list[Step]:
        """n steps of the critic, one after another; none if the players step together."""
        return [*self._critic[1:] * (n - 1), *self._critic[:1]]

    def _take(self, steps: list[Step], counted: bool = False) -> None:
        """One after another, the draws for many of them at once. counted: they are the critic's, and its t.w grows."""
        for start in range(0, len(steps), AT_ONCE):
            some, last = steps[start : start + AT_ONCE], steps[-1]
            if self.config.device_rng:  # a stream of its own for each step: a run resumes anywhere
                key = (self.step, self.critic_count, int(counted))
                self._noise = [arrays.device_stream(self.xp, seed, *key) for seed in self.seeds]
            for draw in last.draws:
                draw(len(some))
            batches = [(into, self.xp.asarray(x[: len(some), ...])) for into, x in last.batches]
            for k, step in enumerate(some):
                if counted:
                    self.critic_count += 1
                    self._host["t.w"][...] = self.critic_count
                for into, x in batches:
                    into[...] = x[k, ...]
                for device, host in step.numbers:
                    device[...] = float(host)
                step.program()

    def critic_steps(self) -> int:
        """n, or the burst of WGAN's published schedule: before the first 25 steps and every 500th."""
        bursting = self.step < 25 or self.step % 500 == 0
        return max(self.config.burst, self.config.critic_steps) if bursting else self.config.critic_steps

    def due(self) -> bool:
        """Whether a measurement is due: config.evaluations of them, spread evenly, the last step included."""
        n, total = self.config.evaluations, self.config.steps
        return self.step * n // total > (self.step - 1) * n // total

    def check_health(self) -> None:
        """Note the seeds that are not finite; TrainingError, naming the first step, whose and what, if none is left."""
        bad = arrays.to_host(self.state["bad"]).reshape(len(VITALS), -1)
        for seed, steps in zip(self.seeds, bad.T, strict=True):
            if steps.any():
                step = steps[steps > 0].min()
                what = VITALS[int(np.flatnonzero(steps == step)[0])]
                self.failed[seed] = f"at step {int(step)} the {what} stopped being finite"
        if len(self.failed) == len(self.seeds):
            raise TrainingError(f"{self.failed[self.seeds[0]]}; "
                                "try smaller learning rates, or another recipe or penalty weight")

    def measure(self) -> list[list[float]]:
        """A row of the history for each seed: distances in data units, losses as players see them; NaN if it failed."""
        losses = {name: arrays.to_host(self.state[name]).reshape(-1) for name in ("critic_loss", "generator_loss")}
        rows = []
        for r, (seed, model) in enumerate(zip(self.seeds, self.models, strict=True)):
            row = {"step": self.step, **{name: values[r] for name, values in losses.items()}}
            if seed not in self.failed:
                row |= self._measure(model, self.streams[r]["metrics"])
            rows.append([float(row.get(name, np.nan)) for name in COLUMNS])
        return rows

    def _measure(self, model: Model, rng: np.random.Generator) -> dict[str, float]:
        data, n = self.data, max(self.config.samples, W1_SAMPLES)
        fake, real, again = model.sample(rng, n), data.sample(rng, n), data.sample(rng, W1_SAMPLES)
        some = slice(W1_SAMPLES)
        seen = {} if self.config.loss.critic is None else {
            "estimate": model.estimate(real, fake), "slope": model.slope(real[some], fake[some])}
        return seen | {
            "w1": metrics.wasserstein_1(real[some], fake[some]),
            "w1_floor": metrics.wasserstein_1(real[some], again),
            **data.modes(fake[: self.config.samples]),
        }

    @property
    def history(self) -> list[list[float]]:
        """The measurements so far, of the first seed: rows of COLUMNS."""
        return self.histories[0]

    @property
    def models(self) -> list[Model]:
        """The players as they are now, for each seed."""
        host = {name: arrays.to_host(x).copy() for name, x in self.state.items() if name in EVALUATED}
        rows = [{name: x[r] for name, x in host.items()} for r in range(len(self.seeds))] if self.lead else [host]
        return [Model(replace(self.config, seed=seed), self.data.shift, self.data.scale, row)
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
            "format": np.array(FORMAT), "step": np.array(self.step), "critic_count": np.array(self.critic_count),
            "history": np.array(self.histories, dtype=float).reshape(len(self.seeds), -1, len(COLUMNS)),
            "streams": pack_streams(self.streams), **state,
        }

    def restore(self, checkpoint: dict[str, Any]) -> None:
        """Go on from a checkpoint, as if there had been no stop: the very same bits follow."""
        for name, value in self.state.items():
            value[...] = self.xp.asarray(checkpoint[f"state.{name}"])
        self.step, self.critic_count = int(checkpoint["step"]), int(checkpoint["critic_count"])
        self.histories = [[list(row) for row in history] for history in checkpoint["history"]]
        unpack_streams(checkpoint["streams"], self.streams)


# what of the state a model needs: the critic's own moments, say, are training's business
EVALUATED = ("theta", "w", "theta.ema", "w.s", "theta.reference", "w.reference")
