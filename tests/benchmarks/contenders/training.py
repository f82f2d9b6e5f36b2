"""minigan, as ``minigan train`` runs it: draws, bookkeeping and all; and the recorded steps alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigan.autodiff import Tensor, grad
from minigan.lab.config import Config, configure
from minigan.lab.data import data_from
from minigan.lab.train import Training
from minigan.nets.params import Layout
from tests.benchmarks.problem import BETA1, BETA2, LATENT, LR, PENALTY, Layers, Problem


def config(problem: Problem, **settings: Any) -> Config:
    """The configuration that makes ``minigan train`` solve this problem."""
    hidden = (problem.width,) * problem.depth
    return configure(
        problem.recipe, generator=hidden, critic=hidden, batch=problem.batch, activation=problem.activation,
        latent=LATENT, dtype=problem.dtype, penalty=PENALTY, lr_critic=LR, lr_generator=LR, beta1=BETA1, beta2=BETA2,
        critic_steps=problem.critic_steps, schedule="constant", steps=10**8, **settings)


class Contender:
    name = "minigan"

    def __init__(self, problem: Problem, **settings: Any):
        self.problem = problem
        self.training = Training(config(problem), data_from("ring8", rng=np.random.default_rng(0)), **settings)
        for name, layers in zip(("theta", "w"), problem.layers(), strict=True):
            self.training.state[name][...] = np.concatenate([x.ravel() for layer in layers for x in layer])

    def gradients(self) -> tuple[Layers, Layers]:
        """By the very programs that are timed: one step from 0 leaves (1 − β₁) g in Adam's first moment."""
        state, draws = self.training.state, self.problem.draws()
        first = {name: draws[name][0] for name in ("real", "z", "eps")}
        before = {name: x.copy() for name, x in state.items()}
        (critic, *_), generator = self.training.programs
        nets = []
        for player, program, inputs in (("theta", generator, {"z": draws["z_last"]}), ("w", critic, first)):
            program(**inputs)
            net = {"theta": self.training.game.generator, "w": self.training.game.critic}[player]
            nets.append(_layers(state[f"{player}.m"] / (1 - BETA1), net.layout))
            for name, x in before.items():
                state[name][...] = x
        return nets[0], nets[1]

    def iterate(self, n: int) -> None:
        for _ in range(n):
            self.training.iterate()

    def describe(self) -> str:
        return f"NumPy {np.__version__}"


def _layers(theta: np.ndarray, layout: Layout) -> Layers:
    arrays = [x.value for x in layout.views(theta)]
    return list(zip(arrays[::2], arrays[1::2], strict=True))


class Reference(Contender):
    """What all others are compared with: ``grad`` of the losses, as the game writes them."""

    def gradients(self) -> tuple[Layers, Layers]:
        """(∂L_G/∂θ with z_last, ∂L_D/∂w with the first batch) at the parameters as they start."""
        game, draws = self.training.game, self.problem.draws()
        state = {name: Tensor(self.training.state[name]) for name in ("theta", "w")}
        first = {name: draws[name][0] for name in ("real", "z", "eps")}
        g_theta = grad(game.generator_loss(state, first | {"z": draws["z_last"]}), state["theta"])
        g_w = grad(game.critic_loss(state, first), state["w"])
        return _layers(g_theta.value, game.generator.layout), _layers(g_w.value, game.critic.layout)


class Steps(Contender):
    """The recorded steps alone: the draws are those of the first iteration, as they are for the peers."""

    name = "minigan, steps alone"

    def iterate(self, n: int) -> None:
        self.training.iterate()
        critic, generator = self.training.programs
        for _ in range(n - 1):
            for step in critic:
                step()
            generator()


class Eager(Contender):
    """The graph built anew at each step: what replay saves."""

    name = "minigan, eager"

    def __init__(self, problem: Problem):
        super().__init__(problem, eager=True)


class Batched(Contender):
    """Several seeds through one program, along a leading axis of θ."""

    name = "minigan, batched"

    def __init__(self, problem: Problem, seeds: int = 16):
        super().__init__(problem, seeds=range(seeds))
