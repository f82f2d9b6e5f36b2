"""HIPS autograd: NumPy traced anew at every call, and Adam by hand.

In float32 the gradients of its np.mean, np.maximum and np.where are float64 (under NumPy 2 a factor that is a float64
scalar or array, such as a count or a mask, decides), so these formulas do without them.
"""

from __future__ import annotations

from importlib.metadata import version
from math import sqrt
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import elementwise_grad, grad
from autograd.extend import defvjp, primitive

from tests.benchmarks.problem import BETA1, BETA2, EPS, LR, PENALTY, Layers, Problem


@primitive
def tanh(x: Any) -> Any:
    """autograd's own derivative, g / cosh², takes another function and a power."""
    return np.tanh(x)


defvjp(tanh, lambda y, x: lambda g: g * (1.0 - y * y))
Parameters = list[np.ndarray]  # W1, b1, W2, b2, ...
ACTIVATIONS = {"relu": lambda x: x * (x > 0), "tanh": tanh}


TINY = 1e-30  # under the root: without it a slope of 0 has the derivative nan


class Contender:
    """Each player's parameters are one array for Adam, and W1, b1, W2, ... for autograd: views into it."""

    name = "HIPS autograd"

    def __init__(self, problem: Problem) -> None:
        self.problem, self.phi = problem, ACTIVATIONS[problem.activation]
        self.theta, self.w = (Player(net) for net in problem.layers())
        self.draws = problem.draws()
        self.signs = np.repeat([[-1.0], [1.0]], problem.batch, axis=0).astype(problem.dtype)  # real, fake
        self.critic_gradient, self.generator_gradient = grad(self.critic_loss), grad(self.generator_loss)

    def net(self, parameters: Parameters, x: Any) -> Any:
        *hidden, weight, bias = parameters
        for w, b in zip(hidden[::2], hidden[1::2], strict=True):
            x = self.phi(anp.dot(x, w) + b)
        return anp.dot(x, weight) + bias

    def critic_loss(self, w: Parameters, k: int) -> Any:
        """Real and fake in one pass of the critic; the points of the penalty in another."""
        real, eps = self.draws["real"][k], self.draws["eps"][k]
        fake = self.net(self.theta.views, self.draws["z"][k])
        scores = self.signs * self.net(w, np.concatenate([real, fake]))
        if self.problem.recipe == "gan":
            return anp.sum(softplus(scores)) / self.problem.batch
        slope = elementwise_grad(lambda x: self.net(w, x))(eps * real + (1.0 - eps) * fake)
        excess = anp.sqrt(anp.sum(slope * slope, axis=1) + TINY) - 1.0
        return (anp.sum(scores) + PENALTY * anp.sum(excess * excess)) / self.problem.batch

    def generator_loss(self, theta: Parameters) -> Any:
        scores = -self.net(self.w.views, self.net(theta, self.draws["z_last"]))
        return anp.sum(softplus(scores) if self.problem.recipe == "gan" else scores) / self.problem.batch

    def gradients(self) -> tuple[Layers, Layers]:
        return as_layers(self.generator_gradient(self.theta.views)), as_layers(self.critic_gradient(self.w.views, 0))

    def iterate(self, n: int) -> None:
        for _ in range(n):
            for k in range(self.problem.critic_steps):
                self.w.step(self.critic_gradient(self.w.views, k))
            self.theta.step(self.generator_gradient(self.theta.views))

    def layers(self) -> tuple[Layers, Layers]:
        return as_layers(self.theta.views), as_layers(self.w.views)

    def describe(self) -> str:
        return f"autograd {version('autograd')} on NumPy {np.__version__}, Adam by hand, threads: the BLAS's"


class Player:
    """Parameters and Adam. An array a layer is mostly quicker for autograd than slices of one (gan, M: 4.3 ms; 5.4)."""

    def __init__(self, net: Layers) -> None:
        arrays = [x for layer in net for x in layer]
        self.flat = np.concatenate([x.ravel() for x in arrays])
        ends = np.cumsum([x.size for x in arrays])[:-1]
        self.views = [part.reshape(x.shape) for part, x in zip(np.split(self.flat, ends), arrays, strict=True)]
        self.m, self.v, self.t = np.zeros_like(self.flat), np.zeros_like(self.flat), 0

    def step(self, gradient: Parameters) -> None:
        """θ ← θ − η m̂ / (√v̂ + ε), with the corrections drawn to the front."""
        g = np.concatenate([x.ravel() for x in gradient])
        self.t += 1
        self.m += (1.0 - BETA1) * (g - self.m)
        self.v *= BETA2
        self.v += (1.0 - BETA2) * np.square(g)
        c = sqrt(1.0 - BETA2**self.t)
        root = np.sqrt(self.v)
        root += EPS * c
        self.flat -= LR * c / (1.0 - BETA1**self.t) * np.divide(self.m, root, out=root)


def softplus(x: Any) -> Any:
    return anp.logaddexp(x, 0.0)


def as_layers(parameters: Parameters) -> Layers:
    """Copies."""
    arrays = [x.copy() for x in parameters]
    return list(zip(arrays[::2], arrays[1::2], strict=True))
