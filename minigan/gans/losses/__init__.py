"""What each player minimises: what a loss is, then a file a family, then every loss by name."""

from minigan.gans.losses.critic_output import Batch, CriticOutput, scored
from minigan.gans.losses.distance import W1, Distance, distance_of
from minigan.gans.losses.f_gan import f_gan
from minigan.gans.losses.loss import BATCH_AXES, Loss, of_scores
from minigan.gans.losses.scores import (
    discriminator,
    jensen_shannon_estimate,
    minimax_generator,
    non_saturating_generator,
    wasserstein_critic,
    wasserstein_estimate,
    wasserstein_generator,
)
from minigan.gans.losses.table import LOSSES

__all__ = [
    "BATCH_AXES", "LOSSES", "W1", "Batch", "CriticOutput", "Distance", "Loss", "discriminator", "distance_of", "f_gan",
    "jensen_shannon_estimate", "minimax_generator", "non_saturating_generator", "of_scores", "scored",
    "wasserstein_critic", "wasserstein_estimate", "wasserstein_generator",
]
