"""What each player minimises: every loss by name.

``loss.py`` what a row is · ``scores.py`` logistic, least squares, Wasserstein, hinge · ``relativistic.py`` ·
``energy.py`` EBGAN · ``loss_sensitive.py`` LS-GAN · ``semi_supervised.py`` K + 1 classes · ``matching.py`` feature
matching, IMLE · ``likelihood.py`` forward and reverse KL · ``f_gan.py`` every f-divergence.
"""

from __future__ import annotations

from minigan.gans.energy import energy_based
from minigan.gans.f_gan import f_gan
from minigan.gans.likelihood import maximum_likelihood, reverse_kl_fit
from minigan.gans.loss import BATCH, Loss, of_scores
from minigan.gans.loss_sensitive import generalised_loss_sensitive, loss_sensitive
from minigan.gans.matching import imle, matched_features
from minigan.gans.relativistic import relativistic, relativistic_average
from minigan.gans.scores import (
    discriminator,
    hinge,
    jensen_shannon_estimate,
    least_squares,
    minimax,
    minimax_generator,
    non_saturating,
    non_saturating_generator,
    wasserstein,
    wasserstein_critic,
    wasserstein_estimate,
    wasserstein_generator,
    zero_sum,
)
from minigan.gans.semi_supervised import semi_supervised
from minigan.theory.family import DIVERGENCES, TOTAL_VARIATION

__all__ = [
    "BATCH", "LOSSES", "Loss", "discriminator", "f_gan", "jensen_shannon_estimate", "minimax_generator",
    "non_saturating_generator", "of_scores", "wasserstein_critic", "wasserstein_estimate", "wasserstein_generator",
]

LOSSES: dict[str, Loss] = {
    "minimax": minimax(),
    "zero-sum": zero_sum(),
    "non-saturating": non_saturating(),
    "lsgan": least_squares(),
    "lsgan-pearson": least_squares(a=-1.0, b=1.0, c=0.0),
    "wasserstein": wasserstein(),
    "hinge": hinge(),
    "ebgan": energy_based(),
    "ebgan-pt": energy_based(pull_away=0.1),
    "ls-gan": loss_sensitive(),
    "gls-gan": generalised_loss_sensitive(),
    "relativistic": relativistic(),
    "relativistic-average": relativistic_average(),
    "semi-supervised": semi_supervised(),
    "feature-matching": matched_features(),
    "imle": imle(),
    "mle": maximum_likelihood(),
    "reverse-kl": reverse_kl_fit(),
    **{f"f-{name}": f_gan(row) for name, row in DIVERGENCES.items()},
    **{f"f-{name}-ratio": f_gan(row, "ratio") for name, row in DIVERGENCES.items() if row is not TOTAL_VARIATION},
}
