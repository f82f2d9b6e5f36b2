"""The steps of a run, recorded as programs.

A step reads batches (x, z, ε, …), drawn anew for each (``batches.py``), and numbers (t, η, σ). A call of a generator
costs more than what it draws, so batches are drawn for up to AT_ONCE steps together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from minigan import arrays
from minigan.arrays import Array
from minigan.autodiff import Tensor, equal, isfinite, replay, stack
from minigan.gans.players import Players
from minigan.lab.batches import batch_draws, batch_shapes
from minigan.lab.config import Config
from minigan.lab.data import Data

NUMBERS = ("t.w", "t.theta", "eta.w", "eta.theta", "sigma")  # inputs that are no draws
# Of these the first step at which each was not finite is kept, in the state: it tells whose fault it was
MONITORED = ("critic's loss", "generator's loss", "critic's parameters", "generator's parameters")
# What is not finite is monitored; and BLAS may flag a lane of garbage that enters no result
QUIET: dict[str, Any] = {"over": "ignore", "invalid": "ignore", "divide": "ignore"}
AT_ONCE = 64  # steps at most that are drawn for together

StepFunction = Callable[[dict[str, Tensor], dict[str, Tensor]], tuple[dict, dict]]


@dataclass(frozen=True)
class Step:
    """A recorded step: the program, how to draw what it reads, and where that and the numbers go."""

    program: Callable[[], Any]
    draws: list[Callable[[int], Any]]  # of n steps' batches at once
    batches: list[tuple[Array, Array]]  # (an input of the program, the batches (n, ...) drawn for it)
    numbers: list[tuple[Array, np.ndarray]]  # (an input on the device, the number on the host), where they differ


class Steps:
    """Every step of a run: ``pretrain``, ``critic(n)`` and ``generator``, lists of steps for ``take``.

    streams: of each seed, by purpose (see ``state.py``); lead: (seeds,), the leading axis of every array, or ().
    ``numbers`` holds t, η and σ on the host, 0-d; ``inputs`` all that a step reads, on the device.
    """

    def __init__(self, config: Config, data: Data, players: Players, state: dict[str, Array],
                 seeds: Sequence[int], streams: list[dict[str, np.random.Generator]], lead: tuple[int, ...],
                 eager: bool):
        self.config, self.data, self.state, self.seeds, self.streams = config, data, state, seeds, streams
        self.lead, self.eager = lead, eager
        self.critic_count = 0  # steps that the critic has taken
        self.xp = arrays.library(config.device)
        self.noise: list[Any] = [arrays.Stream(row["noise"]) for row in streams]  # where each seed's comes from
        self.shapes = batch_shapes(config, players.game.generator.sizes[0], data.dim)
        self.numbers = {name: np.ones((), config.dtype) for name in NUMBERS}
        self.inputs = {name: self.xp.ones((*lead, *shape), dtype=config.dtype) for name, shape in self.shapes.items()}
        self.inputs |= {name: self.xp.asarray(value) for name, value in self.numbers.items()}
        if not config.instance_noise:
            del self.inputs["sigma"]
        ahead = config.pretrain
        self.pretrain = [self._record(players.pretrain_step, ahead)] * ahead if ahead else []
        self._last_critic: list[Step] = []  # of an iteration; the loss of those before it nobody sees
        self._first_critic: list[Step] = []
        alternating = config.update == "alternating"
        if alternating and config.critic_steps:
            most = max(config.critic_steps, config.burst)
            self._last_critic = [self._record(players.critic_step, most)]
            if most > 1:
                self._first_critic = [self._record(without_loss(players.critic_step))]
        self.generator = [self._record(monitored(players.generator_step if alternating else players.joint_step))]

    def critic(self, n: int) -> list[Step]:
        """n steps of the critic, one after another; none if the players step together."""
        return [*self._first_critic * (n - 1), *self._last_critic]

    def take(self, steps: list[Step], at: int, of_critic: bool = False) -> None:
        """One after another. at: the generator's steps so far; of_critic: they count as the critic's, t.w grows."""
        for start in range(0, len(steps), AT_ONCE):
            group, last = steps[start : start + AT_ONCE], steps[-1]
            if self.config.device_rng:  # a stream of its own for each step: a run resumes anywhere
                key = (at, self.critic_count, int(of_critic))
                self.noise[:] = [arrays.device_stream(self.xp, seed, *key) for seed in self.seeds]
            for draw in last.draws:
                draw(len(group))
            batches = [(into, self.xp.asarray(x[: len(group), ...])) for into, x in last.batches]
            for k, step in enumerate(group):
                if of_critic:
                    self.critic_count += 1
                    self.numbers["t.w"][...] = self.critic_count
                for into, x in batches:
                    into[...] = x[k, ...]
                for device, host in step.numbers:
                    device[...] = float(host)
                step.program()

    def _record(self, step: StepFunction, most: int = 1) -> Step:
        """most: how many such steps there are one after another."""
        with np.errstate(**QUIET):
            program = (replay.eager if self.eager else replay.record)(step, self.state, self.inputs)
            reads = program.reads if isinstance(program, replay.Program) else replay.reads(
                step, self.state, self.inputs)
        shapes = {name: shape for name, shape in self.shapes.items() if name in reads}
        lead, n = len(self.lead), min(most, AT_ONCE)
        drawn = {name: self._library_of(name).empty((*self.lead, n, *shape), dtype=self.config.dtype)
                 for name, shape in shapes.items()}
        draws: list[Callable[[int], Any]] = []
        for r, streams in enumerate(self.streams):
            of_seed = {name: x[r, ...] if lead else x for name, x in drawn.items()}
            draws += batch_draws(of_seed, self.config, self.data, streams["data"], partial(self.noise.__getitem__, r))
        batches = [(self.inputs[name], arrays.namespace(x).moveaxis(x, lead, 0)) for name, x in drawn.items()]
        numbers = [(self.inputs[name], self.numbers[name]) for name in NUMBERS if name in reads]
        return Step(program, draws, batches, [(device, host) for device, host in numbers if device is not host])

    def _library_of(self, name: str) -> Any:
        """Where a batch is drawn: data on the host, noise on the device if that is asked for."""
        return self.xp if self.config.device_rng and name not in ("real", "labels") else np


def without_loss(critic_step: StepFunction) -> StepFunction:
    """The step without the value of its loss, which then need not be computed; its gradient is."""

    def step(state: dict[str, Tensor], inputs: dict[str, Tensor]) -> tuple[dict, dict]:
        new, report = critic_step(state, inputs)
        return {name: x for name, x in new.items() if name != "critic_loss"}, report

    return step


def monitored(step: StepFunction) -> StepFunction:
    """The step, and in ``nonfinite`` the first count t at which each of MONITORED was not finite; 0: it always was."""

    def watched(state: dict[str, Tensor], inputs: dict[str, Tensor]) -> tuple[dict, dict]:
        new, report = step(state, inputs)
        now = state | new
        values = stack([now["critic_loss"], now["generator_loss"], now["w"].sum(-1), now["theta"].sum(-1)])
        first = equal(state["nonfinite"], 0.0) * (1.0 - isfinite(values))
        return new | {"nonfinite": state["nonfinite"] + first * inputs["t.theta"]}, report

    return watched
