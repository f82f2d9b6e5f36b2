"""Relativistic losses: not how real a sample is, but how much more real than one of the other kind.

They see differences of scores alone: s and s + c are one critic, so no score is the boundary.
"""

from math import log

from minigan.autodiff import Tensor, softplus
from minigan.gans.losses.distance import Distance
from minigan.gans.losses.loss import BATCH_AXES, Loss, Scores, contrast
from minigan.theory.family import JS


def paired_critic(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """−E log σ(s(x) − s(G(z))) = E softplus(s(G(z)) − s(x)), over pairs of a real and a fake sample.

    Source: Jolicoeur-Martineau (2019), section 4.1 (RSGAN).
    """
    return softplus(pairs(fake_scores, real_scores)).mean(BATCH_AXES)


def paired_estimate(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """log 2 − L_D ≤ JS(P⊗Q ‖ Q⊗P), P⊗Q the law of a pair (x, G(z)), with equality at s = log p/q. In nats.

    s(x) − s(y) is a logit that tells such a pair from the same the other way round, and each is the other's mirror.
    """
    return log(2.0) - paired_critic(real_scores, fake_scores)


def average_critic(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """−E log σ(s(x) − E s(G(z))) − E log(1 − σ(s(G(z)) − E s(x))).

    Source: Jolicoeur-Martineau (2019), section 4.2 (RaSGAN).
    """
    real_mean, fake_mean = (scores.mean(BATCH_AXES, keepdims=True) for scores in (real_scores, fake_scores))
    return softplus(fake_mean - real_scores).mean(BATCH_AXES) + softplus(fake_scores - real_mean).mean(BATCH_AXES)


def pairs(first: Tensor, second: Tensor) -> Tensor:
    """first − second, sample by sample; ValueError unless the batches are equally large."""
    if first.shape[-2] != second.shape[-2]:
        raise ValueError(f"a loss of pairs wants batches of one size, not scores of shapes {first.shape} and "
                         f"{second.shape}")
    return first - second


def relativistic() -> Loss:
    """RSGAN. The generator: −E log σ(s(G(z)) − s(x))."""
    return _mirrored(paired_critic, paired_estimate, Distance("JS of pairs (P⊗Q ‖ Q⊗P, nats)", JS.bound))


def relativistic_average() -> Loss:
    """RaSGAN. The fakes are in both terms, and so is θ."""
    return _mirrored(average_critic, contrast, None)


def _mirrored(critic: Scores, estimate: Scores, estimates: Distance | None) -> Loss:
    """The generator minimises the critic's loss, real and fake exchanged."""
    return Loss(
        lambda real, fake: critic(real.scores, fake.scores), lambda real, fake: critic(fake.scores, real.scores),
        estimate, estimates, score="score s(x), up to a constant", boundary=None, verdict=None,
    )
