"""Two networks and a recipe: what the critic and what the generator minimises, as graphs.

No ``detach`` is needed anywhere: ``grad`` follows only the paths to what it is asked for, so the
critic's gradient never enters the generator, though both are in one graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minigan.autodiff import Tensor, concat, split
from minigan.autodiff.functions import as_tensor
from minigan.gans.recipes import Recipe

Network = Callable[[Any, Any], Tensor]  # (parameters, x) -> outputs, row by row


@dataclass(frozen=True)
class Game:
    """G(z; θ) against D(x; w). Shapes: z (..., batch, k), real (..., batch, d), eps (..., batch, 1)."""

    recipe: Recipe
    generator: Network
    critic: Network
    penalty: float = 0.0  # λ

    def critic_loss(self, w: Any, theta: Any, real: Any, z: Any, eps: Any) -> Tensor:
        """L_D = loss(D(x), D(G(z))) + λ penalty, of shape (...)."""
        real, fake = as_tensor(real), self.generator(theta, z)
        n = real.shape[-2], fake.shape[-2]
        # one pass for both: rows do not see each other
        real_scores, fake_scores = split(self.critic(w, concat([real, fake], axis=-2)), sizes=n, axis=-2)
        penalty = self.recipe.penalty(lambda x: self.critic(w, x), real, fake, as_tensor(eps))
        return self.recipe.loss.critic(real_scores, fake_scores) + self.penalty * penalty

    def generator_loss(self, theta: Any, w: Any, z: Any) -> Tensor:
        """L_G = loss(D(G(z))), of shape (...)."""
        return self.recipe.loss.generator(self.critic(w, self.generator(theta, z)))
