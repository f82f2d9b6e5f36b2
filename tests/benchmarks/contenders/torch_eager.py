"""PyTorch, an operation at a time: a tape of the forward pass, walked backwards, and its own Adam."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, cached_property
from time import perf_counter

import torch
from torch.nn.functional import softplus

from tests.benchmarks.problem import BETA1, BETA2, EPS, LR, PENALTY, Layers, Problem

Parameters = list[torch.Tensor]  # W1, b1, W2, b2, ...
ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh}
ADAMS = {"fused": {"fused": True}, "foreach": {"foreach": True}, "plain": {"foreach": False}}


class Contender:
    """Autograd does not look into the other player: ``frozen_*`` are the same memory, without a history."""

    name = "PyTorch eager"

    def __init__(self, problem: Problem, adam: str | None = None) -> None:
        """adam: a name of ADAMS; None: the one that ``fastest_adam`` finds for this problem, once it is wanted."""
        self.problem, self.phi, self._adam = problem, ACTIVATIONS[problem.activation], adam
        self.theta, self.w = (
            [torch.tensor(x, requires_grad=True) for layer in net for x in layer] for net in problem.layers()
        )
        self.frozen_theta, self.frozen_w = ([x.detach() for x in net] for net in (self.theta, self.w))
        self.draws = {name: torch.tensor(x) for name, x in problem.draws().items()}
        self.ones = self.draws["real"].new_ones(problem.batch, 1)
        self.signs = torch.cat([-self.ones, self.ones])  # −1 for the real half of the scores, 1 for the fake one

    @cached_property
    def adam(self) -> str:
        return self._adam or fastest_adam(self.problem)

    @cached_property
    def adams(self) -> tuple[torch.optim.Adam, ...]:
        """The generator's and the critic's."""
        return tuple(torch.optim.Adam(net, lr=LR, betas=(BETA1, BETA2), eps=EPS, **ADAMS[self.adam])
                     for net in (self.theta, self.w))

    def net(self, parameters: Parameters, x: torch.Tensor) -> torch.Tensor:
        *hidden, weight, bias = parameters
        for w, b in zip(hidden[::2], hidden[1::2], strict=True):
            x = self.phi(torch.addmm(b, x, w))
        return torch.addmm(bias, x, weight)

    def critic_loss(self, k: int) -> torch.Tensor:
        """Real and fake in one pass of the critic; the points of the penalty in another."""
        real = self.draws["real"][k]
        fake = self.net(self.frozen_theta, self.draws["z"][k])
        scores = self.signs * self.net(self.w, torch.cat([real, fake]))
        if self.problem.recipe == "gan":
            return softplus(scores).sum() / self.problem.batch
        x_hat = torch.lerp(fake, real, self.draws["eps"][k]).requires_grad_()
        (slope,) = torch.autograd.grad(self.net(self.w, x_hat), x_hat, self.ones, create_graph=True)
        excess = torch.linalg.vector_norm(slope, dim=1) - 1.0
        return scores.sum() / self.problem.batch + PENALTY * (excess * excess).mean()

    def generator_loss(self) -> torch.Tensor:
        scores = self.net(self.frozen_w, self.net(self.theta, self.draws["z_last"]))
        return softplus(-scores).mean() if self.problem.recipe == "gan" else -scores.mean()

    def critic_gradient(self, k: int) -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(self.critic_loss(k), self.w)

    def generator_gradient(self) -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(self.generator_loss(), self.theta)

    def gradients(self) -> tuple[Layers, Layers]:
        return as_layers(self.generator_gradient()), as_layers(self.critic_gradient(0))

    def iterate(self, n: int) -> None:
        """``autograd.grad``, not ``backward``: nothing to set to zero, no gradient of x̂ (4% less at S)."""
        generator_adam, critic_adam = self.adams
        for _ in range(n):
            for k in range(self.problem.critic_steps):
                step(critic_adam, self.w, self.critic_gradient(k))
            step(generator_adam, self.theta, self.generator_gradient())

    def layers(self) -> tuple[Layers, Layers]:
        return as_layers(self.frozen_theta), as_layers(self.frozen_w)

    def describe(self) -> str:
        return f"PyTorch {torch.__version__}, Adam {self.adam}, threads: {torch.get_num_threads()}"


def step(adam: torch.optim.Adam, parameters: Parameters, gradient: tuple[torch.Tensor, ...]) -> None:
    for x, g in zip(parameters, gradient, strict=True):
        x.grad = g
    adam.step()


@cache
def fastest_adam(problem: Problem, iterations: int = 5, rounds: int = 3) -> str:
    """Which of ADAMS makes an iteration of this problem shortest: the best of a few rounds, taken in turn."""
    contenders = [Contender(problem, name) for name in ADAMS]
    best = dict.fromkeys(ADAMS, float("inf"))
    for contender in contenders:
        contender.iterate(1)
    for _ in range(rounds):
        for contender in contenders:
            start = perf_counter()
            contender.iterate(iterations)
            best[contender.adam] = min(best[contender.adam], perf_counter() - start)
    return min(best, key=best.__getitem__)


def as_layers(parameters: Iterable[torch.Tensor]) -> Layers:
    """Copies, in NumPy."""
    arrays = [x.numpy().copy() for x in parameters]
    return list(zip(arrays[::2], arrays[1::2], strict=True))
