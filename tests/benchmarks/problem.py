"""What is timed: one iteration of a GAN, given to every contender in the same numbers.

WGAN-GP: five critic steps (second order, Adam), then one generator step. Non-saturating: one and one.
The recipe's settings are those of ``minigan train``, with constant learning rates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

LATENT = DIM = 2
PENALTY, LR, BETA1, BETA2, EPS = 0.1, 2e-3, 0.5, 0.99, 1e-8
CRITIC_STEPS = {"wgan-gp": 5, "gan": 1}
SIZES = {"S": (2, 64, 64), "M": (3, 128, 256), "L": (3, 512, 256)}  # hidden layers, width, batch

Layers = list[tuple[np.ndarray, np.ndarray]]  # (W (m, n), b (1, n)) a layer


@dataclass(frozen=True)
class Problem:
    """One row of the benchmark. ``critic_steps`` batches of draws, and one more of noise for the generator."""

    recipe: str = "wgan-gp"  # or "gan": the non-saturating one
    depth: int = 2
    width: int = 64
    batch: int = 64
    activation: str = "relu"  # or "tanh"
    dtype: str = "float32"

    @property
    def critic_steps(self) -> int:
        return CRITIC_STEPS[self.recipe]

    @property
    def generator_sizes(self) -> tuple[int, ...]:
        return (LATENT, *(self.width,) * self.depth, DIM)

    @property
    def critic_sizes(self) -> tuple[int, ...]:
        return (DIM, *(self.width,) * self.depth, 1)

    def layers(self, seed: int = 0) -> tuple[Layers, Layers]:
        """(generator, critic): He's weights, and small biases, so that their gradients are seen to be right."""
        rng = np.random.default_rng(seed)

        def net(sizes: tuple[int, ...]) -> Layers:
            return [
                ((rng.standard_normal((m, n)) * np.sqrt(2 / m)).astype(self.dtype),
                 (rng.standard_normal((1, n)) * 0.1).astype(self.dtype))
                for m, n in pairwise(sizes)
            ]

        return net(self.generator_sizes), net(self.critic_sizes)

    def draws(self, seed: int = 1) -> dict[str, np.ndarray]:
        """real, z (critic_steps, batch, 2), eps (critic_steps, batch, 1), and the generator's z_last (batch, 2)."""
        rng = np.random.default_rng(seed)
        k, n = self.critic_steps, self.batch
        angle = 2 * np.pi * rng.integers(8, size=(k, n)) / 8  # eight points on a circle, a little blurred
        real = np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        real += 0.01 * rng.standard_normal(real.shape)
        drawn = {"real": real, "z": rng.standard_normal((k, n, LATENT)), "eps": rng.random((k, n, 1)),
                 "z_last": rng.standard_normal((n, LATENT))}
        return {name: x.astype(self.dtype) for name, x in drawn.items()}


def problem(size: str, recipe: str = "wgan-gp", activation: str = "relu", dtype: str = "float32") -> Problem:
    """A row of SIZES as a problem."""
    depth, width, batch = SIZES[size]
    return replace(Problem(recipe=recipe, activation=activation, dtype=dtype), depth=depth, width=width, batch=batch)
