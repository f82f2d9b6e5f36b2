"""Every loss by name."""

from minigan.gans.losses.energy import energy_based
from minigan.gans.losses.f_gan import f_gan, is_piecewise_linear
from minigan.gans.losses.likelihood import negative_log_likelihood, reverse_kl
from minigan.gans.losses.loss import Loss, without_critic
from minigan.gans.losses.loss_sensitive import generalised_loss_sensitive, loss_sensitive
from minigan.gans.losses.matching import matched_features, nearest_sample
from minigan.gans.losses.relativistic import relativistic, relativistic_average
from minigan.gans.losses.scores import hinge, least_squares, minimax, non_saturating, wasserstein, zero_sum
from minigan.gans.losses.semi_supervised import semi_supervised
from minigan.registry import Registry
from minigan.theory.family import DIVERGENCES
from minigan.theory.fdivergence import FDivergence


def f_gan_losses(f: FDivergence) -> dict[str, Loss]:
    """The losses of a divergence: by its usual activation, and by T = f′(eᵛ) where that has a slope to learn by."""
    losses = {f"f-{f.name}": f_gan(f)}
    if not is_piecewise_linear(f):
        losses[f"f-{f.name}-ratio"] = f_gan(f, "ratio")
    return losses


LOSSES: Registry[Loss] = Registry("loss", {
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
    "imle": without_critic(nearest_sample),
    "mle": without_critic(negative_log_likelihood, explicit=True),
    "reverse-kl": without_critic(reverse_kl, explicit=True),
    **{name: loss for f in DIVERGENCES.values() for name, loss in f_gan_losses(f).items()},
})
