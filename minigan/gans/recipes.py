"""A system is a row: a loss, how the critic is kept Lipschitz, and settings that work on toys.

The code that trains does not ask which row it has: a recipe without a penalty has the penalty
``nothing``, one without clipping the projection ``anywhere``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from minigan.autodiff import Tensor
from minigan.gans.lipschitz import Critic, clip_weights, gradient_penalty, interpolate
from minigan.gans.losses import LOSSES, Loss
from minigan.names import choose


def two_sided(critic: Critic, real: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """E (‖∇f(x̂)‖ − 1)² on the segments between real and fake."""
    return gradient_penalty(critic, interpolate(real, fake, eps))


def one_sided(critic: Critic, real: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """E max(0, ‖∇f(x̂)‖ − 1)² on the segments between real and fake."""
    return gradient_penalty(critic, interpolate(real, fake, eps), one_sided=True)


def nothing(critic: Critic, real: Tensor, fake: Tensor, eps: Tensor) -> float:
    """0."""
    return 0.0


def anywhere(w: Tensor, c: float) -> Tensor:
    """w."""
    return w


@dataclass(frozen=True)
class Recipe:
    """A row. ``settings``: what it changes of the configuration's defaults."""

    name: str
    summary: str
    source: str
    loss: Loss
    penalty: Callable[[Critic, Tensor, Tensor, Tensor], Any] = nothing  # (critic, real, fake, eps) -> (...)
    project: Callable[[Tensor, float], Tensor] = anywhere  # (w, c) -> w, after each critic step
    settings: dict[str, Any] = field(default_factory=dict)


RECIPES = {
    row.name: row
    for row in [
        Recipe(
            "gan", "the original GAN with the non-saturating generator loss −E log D(G(z))",
            "Goodfellow et al. (2014)", LOSSES["non-saturating"],
            settings={"critic_steps": 1, "lr_critic": 1e-3, "lr_generator": 1e-3},
        ),
        Recipe(
            "gan-minimax", "the original GAN as a minimax game: the generator minimises E log(1 − D(G(z)))",
            "Goodfellow et al. (2014), eq. 1", LOSSES["minimax"],
            settings={"critic_steps": 1, "lr_critic": 1e-3, "lr_generator": 1e-3},
        ),
        Recipe(
            "wgan", "Wasserstein GAN, the critic's weights clipped to [−c, c]",
            "Arjovsky et al. (2017), algorithm 1", LOSSES["wasserstein"], project=clip_weights,
            settings={"optimizer": "rmsprop", "lr_critic": 5e-4, "lr_generator": 5e-4, "burst": 100},
        ),
        Recipe(
            "wgan-gp", "Wasserstein GAN with the gradient penalty λ E (‖∇f(x̂)‖ − 1)²",
            "Gulrajani et al. (2017), algorithm 1", LOSSES["wasserstein"], penalty=two_sided,
        ),
        Recipe(
            "wgan-lp", "the same, one-sided: λ E max(0, ‖∇f(x̂)‖ − 1)² leaves slopes below 1 alone",
            "Petzka et al. (2018), eq. 9", LOSSES["wasserstein"], penalty=one_sided,
        ),
    ]
}


def recipe(name: str) -> Recipe:
    """The row of that name; ValueError, with the nearest name, if there is none."""
    return choose(name, RECIPES, "recipe")
