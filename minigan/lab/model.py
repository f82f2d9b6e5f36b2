"""A trained pair of players: draw samples, score points, ask for the critic's slope. In data units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigan.autodiff import Tensor, grad
from minigan.gans.recipes import recipe
from minigan.lab.config import Config
from minigan.nets import MLP


def networks(config: Config, dim: int) -> tuple[MLP, MLP]:
    """G: latent → dim and D: dim → 1, of the configuration's widths."""
    return (
        MLP((config.latent, *config.generator, dim), config.activation),
        MLP((dim, *config.critic, 1), config.activation),
    )


@dataclass(frozen=True)
class Model:
    """G and D with their parameters, and the scaling between what they see and the data."""

    config: Config
    shift: np.ndarray  # (dim,)
    scale: float
    theta: np.ndarray
    w: np.ndarray

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """n draws G(z), z ~ N(0, I): (n, dim) in data units, in the dtype of θ."""
        generator, _ = networks(self.config, len(self.shift))
        z = rng.standard_normal((n, self.config.latent), dtype=self.theta.dtype)
        return (generator(self.theta, z).value * self.scale + self.shift).astype(self.theta.dtype)

    def critic(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The critic's scores (n,) and their gradient (n, dim) at points (n, dim), in data units.

        A Wasserstein critic's score has the unit of x, so that its slope is the same in any unit; a
        discriminator's score is a logit, log D/(1 − D), and has none.
        """
        _, critic = networks(self.config, len(self.shift))
        unit = self.scale ** recipe(self.config.recipe).loss.power
        seen = Tensor(((x - self.shift) / self.scale).astype(self.w.dtype))
        scores = critic(self.w, seen)
        slope = grad(scores.sum(), seen)
        return scores.value[:, 0] * unit, slope.value * (unit / self.scale)

    def estimate(self, real: np.ndarray, fake: np.ndarray) -> float:
        """What the critic's value on these samples says of the distance: W₁ in data units, or JS in nats."""
        scores = (Tensor(self.critic(x)[0][:, None]) for x in (real, fake))
        return recipe(self.config.recipe).loss.estimate(*scores).item()
