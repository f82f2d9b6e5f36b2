"""PyTorch, compiled: derivatives of derivatives by torch.func, an iteration as one C++ program of torch.compile.

The quickest of what was tried, WGAN-GP at S / M on one thread: the whole iteration in one program (at S 0.75 ms; a
program for a critic step and one for the generator's: 1.16), called from C++ (from Python: 1.02), x @ W + b (0.69 /
10.4; addmm: 0.74 / 11.5), the new state copied over the old (at S 0.71; handed back: 0.77), an array a layer (0.73 /
10.0; a player in one vector: 0.75 / 10.3). It takes 20 to 30 s to compile, at the first iteration. Not for this:
freezing (of weights that do not change) and CUDA graphs.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.func import grad
from torch.nn.functional import softplus

from tests.benchmarks.contenders.torch_eager import ACTIVATIONS, Parameters, as_layers
from tests.benchmarks.problem import BETA1, BETA2, EPS, LR, PENALTY, Layers, Problem


class Player(NamedTuple):
    """Parameters, Adam's moments, and the count of steps.

    t is of shape (1,): of this program, PyTorch 2.13 loses the writing over a 0-d t, silently.
    """

    x: Parameters
    m: Parameters
    v: Parameters
    t: torch.Tensor


class Contender:
    name = "PyTorch compiled"

    def __init__(self, problem: Problem) -> None:
        self.problem, self.phi = problem, ACTIVATIONS[problem.activation]
        self.theta, self.w = (start([torch.tensor(x) for layer in net for x in layer]) for net in problem.layers())
        self.draws = {name: torch.tensor(x) for name, x in problem.draws().items()}
        torch._dynamo.reset()  # or the ninth of a process is one recompilation too many; an older one compiles again
        self.call = torch.compile(self.iteration, fullgraph=True, dynamic=False, options={"cpp_wrapper": True})

    def net(self, parameters: Parameters, x: torch.Tensor) -> torch.Tensor:
        *hidden, weight, bias = parameters
        for w, b in zip(hidden[::2], hidden[1::2], strict=True):
            x = self.phi(x @ w + b)
        return x @ weight + bias

    def critic_loss(self, w: Parameters, theta: Parameters, real: torch.Tensor, z: torch.Tensor, eps: torch.Tensor
                    ) -> torch.Tensor:
        """Real and fake in one pass of the critic; the points of the penalty in another."""
        fake = self.net(theta, z)
        real_scores, fake_scores = self.net(w, torch.cat([real, fake])).chunk(2)
        if self.problem.recipe == "gan":
            return softplus(-real_scores).mean() + softplus(fake_scores).mean()
        slope = grad(lambda x: self.net(w, x).sum())(eps * real + (1.0 - eps) * fake)
        excess = torch.linalg.vector_norm(slope, dim=1) - 1.0
        return fake_scores.mean() - real_scores.mean() + PENALTY * (excess * excess).mean()

    def generator_loss(self, theta: Parameters, w: Parameters, z: torch.Tensor) -> torch.Tensor:
        scores = self.net(w, self.net(theta, z))
        return softplus(-scores).mean() if self.problem.recipe == "gan" else -scores.mean()

    def iteration(self, theta: Player, w: Player, draws: dict[str, torch.Tensor]) -> None:
        """In place."""
        trained = w
        for draw in zip(draws["real"], draws["z"], draws["eps"], strict=True):
            trained = adam(trained, grad(self.critic_loss)(trained.x, theta.x, *draw))
        overwrite(theta, adam(theta, grad(self.generator_loss)(theta.x, trained.x, draws["z_last"])))
        overwrite(w, trained)

    def gradients(self) -> tuple[Layers, Layers]:
        """Of the same formulas, not compiled."""
        theta, w, draws = self.theta.x, self.w.x, self.draws
        critic = grad(self.critic_loss)(w, theta, draws["real"][0], draws["z"][0], draws["eps"][0])
        return as_layers(grad(self.generator_loss)(theta, w, draws["z_last"])), as_layers(critic)

    def iterate(self, n: int) -> None:
        try:
            for _ in range(n):
                self.call(self.theta, self.w, self.draws)
        except torch._dynamo.exc.TorchDynamoException as error:
            what = f"{self.problem.recipe} with {self.problem.activation}"
            raise RuntimeError(f"torch.compile cannot compile {what}: {error}") from error

    def layers(self) -> tuple[Layers, Layers]:
        return as_layers(self.theta.x), as_layers(self.w.x)

    def describe(self) -> str:
        return (f"PyTorch {torch.__version__}, torch.compile of a whole iteration with Inductor's C++ wrapper, "
                f"Adam by hand, threads: {torch.get_num_threads()}")


def start(x: Parameters) -> Player:
    return Player(x, [torch.zeros_like(a) for a in x], [torch.zeros_like(a) for a in x], x[0].new_zeros(1))


def overwrite(player: Player, new: Player) -> None:
    for old, x in zip((*player.x, *player.m, *player.v, player.t), (*new.x, *new.m, *new.v, new.t), strict=True):
        old.copy_(x)


def adam(player: Player, gradient: Parameters) -> Player:
    """θ − η m̂ / (√v̂ + ε)."""
    t = player.t + 1.0
    c = torch.sqrt(1.0 - BETA2**t)
    rate = LR * c / (1.0 - BETA1**t)
    m = [BETA1 * m + (1.0 - BETA1) * g for m, g in zip(player.m, gradient, strict=True)]
    v = [BETA2 * v + (1.0 - BETA2) * g * g for v, g in zip(player.v, gradient, strict=True)]
    x = [x - rate * m / (torch.sqrt(v) + EPS * c) for x, m, v in zip(player.x, m, v, strict=True)]
    return Player(x, m, v, t)
