"""JAX: an iteration, or a hundred, is one program of XLA; ``Vmapped`` is many networks in one program.

The quickest of what was tried, WGAN-GP at S / M on one thread: lax.scan over the critic's steps (0.44 / 9.8 ms;
unrolled: 0.50 / 9.8), and one vector for a player's parameters (a pytree of layers: 0.50 / 9.9; the same at 100 a
call). jax.nn.relu and jnp.where are equally quick.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.flatten_util import ravel_pytree

from tests.benchmarks.problem import BETA1, BETA2, EPS, LR, PENALTY, Layers, Problem

Parameters = list[tuple[jax.Array, jax.Array]]
Arrays = dict[str, jax.Array]
State = dict[str, Arrays]  # of "theta" and "w": the parameters x, Adam's m and v, and the count t of steps
ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}
TINY = 1e-30  # under the root: without it a slope of 0 has the derivative nan


class Program:
    """The problem as pure functions of its state and draws."""

    def __init__(self, problem: Problem) -> None:
        if problem.dtype == "float64":
            jax.config.update("jax_enable_x64", True)
        self.problem, self.phi = problem, ACTIVATIONS[problem.activation]
        theta, w = problem.layers()
        self.theta_layers, self.w_layers = ravel_pytree(theta)[1], ravel_pytree(w)[1]  # vector -> layers

    def start(self, seed: int = 0) -> tuple[State, Arrays]:
        theta, w = (ravel_pytree(net)[0] for net in self.problem.layers(seed))
        state = {name: {"x": x, "m": jnp.zeros_like(x), "v": jnp.zeros_like(x), "t": jnp.zeros((), jnp.int32)}
                 for name, x in (("theta", theta), ("w", w))}
        return state, jax.tree.map(jnp.asarray, self.problem.draws(seed + 1))

    def net(self, layers: Parameters, x: jax.Array) -> jax.Array:
        *hidden, (weight, bias) = layers
        for w, b in hidden:
            x = self.phi(x @ w + b)
        return x @ weight + bias

    def critic_loss(self, w: jax.Array, theta: jax.Array, draw: Arrays) -> jax.Array:
        """Real and fake in one pass of the critic; the points of the penalty in another."""
        f = partial(self.net, self.w_layers(w))
        real, fake, eps = draw["real"], self.net(self.theta_layers(theta), draw["z"]), draw["eps"]
        real_scores, fake_scores = jnp.split(f(jnp.concatenate([real, fake])), 2)
        if self.problem.recipe == "gan":
            return jax.nn.softplus(-real_scores).mean() + jax.nn.softplus(fake_scores).mean()
        slope = jax.grad(lambda x: f(x).sum())(eps * real + (1.0 - eps) * fake)
        excess = jnp.sqrt((slope * slope).sum(axis=1) + TINY) - 1.0
        return fake_scores.mean() - real_scores.mean() + PENALTY * (excess * excess).mean()

    def generator_loss(self, theta: jax.Array, w: jax.Array, z: jax.Array) -> jax.Array:
        scores = self.net(self.w_layers(w), self.net(self.theta_layers(theta), z))
        return jax.nn.softplus(-scores).mean() if self.problem.recipe == "gan" else -scores.mean()

    def gradients(self, state: State, draws: Arrays) -> tuple[Parameters, Parameters]:
        theta, w = state["theta"]["x"], state["w"]["x"]
        first = {name: draws[name][0] for name in ("real", "z", "eps")}
        return (self.theta_layers(jax.grad(self.generator_loss)(theta, w, draws["z_last"])),
                self.w_layers(jax.grad(self.critic_loss)(w, theta, first)))

    def iteration(self, state: State, draws: Arrays) -> State:
        theta = state["theta"]

        def critic_step(w: Arrays, draw: Arrays) -> tuple[Arrays, None]:
            return adam(w, jax.grad(self.critic_loss)(w["x"], theta["x"], draw)), None

        w, _ = lax.scan(critic_step, state["w"], {name: draws[name] for name in ("real", "z", "eps")})
        return {"theta": adam(theta, jax.grad(self.generator_loss)(theta["x"], w["x"], draws["z_last"])), "w": w}

    def layers(self, state: State) -> tuple[Parameters, Parameters]:
        return self.theta_layers(state["theta"]["x"]), self.w_layers(state["w"]["x"])


def adam(player: Arrays, g: jax.Array) -> Arrays:
    """θ − η m̂ / (√v̂ + ε)."""
    t, dtype = player["t"] + 1, g.dtype
    m, v = BETA1 * player["m"] + (1.0 - BETA1) * g, BETA2 * player["v"] + (1.0 - BETA2) * g * g
    c = jnp.sqrt(1.0 - BETA2 ** t.astype(dtype))
    rate = LR * c / (1.0 - BETA1 ** t.astype(dtype))
    return {"x": player["x"] - rate * m / (jnp.sqrt(v) + EPS * c), "m": m, "v": v, "t": t}


class Contender:
    """iterations_per_call: how many are one call; ``iterate`` then takes multiples of it."""

    def __init__(self, problem: Problem, iterations_per_call: int = 1) -> None:
        self.program, self.per_call = Program(problem), iterations_per_call
        self.name = "JAX jit" if iterations_per_call == 1 else f"JAX jit, {iterations_per_call} a call"
        self.state, self.draws = self.program.start()
        self.call = compiled(self.program.iteration, iterations_per_call)

    def gradients(self) -> tuple[Layers, Layers]:
        return to_numpy(jax.jit(self.program.gradients)(self.state, self.draws))

    def iterate(self, n: int) -> None:
        for _ in range(-(-n // self.per_call)):
            self.state = self.call(self.state, self.draws)
        jax.block_until_ready(self.state)

    def layers(self) -> tuple[Layers, Layers]:
        return to_numpy(self.program.layers(self.state))

    def describe(self) -> str:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return (f"JAX {jax.__version__} on {jax.devices()[0]}, Adam by hand, iterations a call: {self.per_call}, "
                f"cores: {cores}, XLA_FLAGS: {os.environ.get('XLA_FLAGS', 'none')}")


class Vmapped(Contender):
    """``seeds`` networks, each with its own initial layers and draws, in step. The arrays of ``layers`` are stacks."""

    def __init__(self, problem: Problem, seeds: int, iterations_per_call: int = 1) -> None:
        super().__init__(problem, iterations_per_call)
        self.name, self.seeds = f"{self.name}, vmap over {seeds}", seeds
        starts = [self.program.start(seed) for seed in range(seeds)]
        self.state, self.draws = jax.tree.map(lambda *xs: jnp.stack(xs), *starts)
        self.call = compiled(jax.vmap(self.program.iteration), iterations_per_call)

    def gradients(self) -> tuple[Layers, Layers]:
        return to_numpy(jax.jit(jax.vmap(self.program.gradients))(self.state, self.draws))

    def layers(self) -> tuple[Layers, Layers]:
        return to_numpy(jax.vmap(self.program.layers)(self.state))


def compiled(iteration: Callable[[State, Arrays], State], count: int) -> Any:
    """``count`` iterations as one program, which may overwrite the state that it is given."""
    def several(state: State, draws: Arrays) -> State:
        return lax.fori_loop(0, count, lambda _, state: iteration(state, draws), state)

    return jax.jit(iteration if count == 1 else several, donate_argnums=0)


def to_numpy(nets: tuple[Parameters, Parameters]) -> tuple[Layers, Layers]:
    return jax.tree.map(np.array, nets)
