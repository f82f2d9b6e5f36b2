"""Matching the data: the means of a critic's features, or the data points themselves."""

from dataclasses import replace

from minigan.autodiff import Tensor
from minigan.gans.losses.critic_output import Batch
from minigan.gans.losses.loss import Loss
from minigan.gans.losses.scores import non_saturating


def feature_matching(real: Batch, fake: Batch) -> Tensor:
    """‖E f(x) − E f(G(z))‖₂², f a hidden layer of the critic: 0 iff these moments agree.

    Source: Salimans et al. (2016), section 3.1. Checked by: G19.
    """
    apart = real.features.mean(-2) - fake.features.mean(-2)
    return (apart * apart).sum(-1)


def nearest_sample(real: Batch, fake: Batch) -> Tensor:
    """E_x min_j ‖x − G(z_j)‖₂²: every datum has a near sample, so no mode is dropped (the other way round one may be).

    Differences, not ‖x‖² − 2⟨x, x̃⟩ + ‖x̃‖²: 0 where a sample hits its datum.
    Source: Li & Malik (2018), algorithm 1. Checked by: G18.
    """
    apart = real.points[..., :, None, :] - fake.points[..., None, :, :]
    return -(-(apart * apart).sum(-1)).max(-1).mean(-1)


def matched_features(smoothing: float = 0.0) -> Loss:
    """A generator that matches the features of a discriminator trained as ever. smoothing: as in ``non_saturating``."""
    return replace(non_saturating(smoothing), generator=feature_matching, family=matched_features)
