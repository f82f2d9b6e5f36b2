"""A classifier of K classes that is a discriminator too: the fake class is one more, of logit 0.

With logits l of the K classes, Z = Σ exp(l_k) and the score s = log Z, D = Z/(Z + 1) = σ(s) is the share of the
real classes, so every logistic loss applies as it is.
"""

from dataclasses import replace

from minigan.autodiff import Tensor, maximum
from minigan.gans.losses.critic_output import Batch
from minigan.gans.losses.heads import CLASSES
from minigan.gans.losses.loss import Loss
from minigan.gans.losses.scores import logistic_critic, non_saturating


def cross_entropy(real: Batch) -> Tensor | float:
    """−Σ_k y_k log softmax(l)_k, the mean over the labelled samples; 0 where there is none.

    y: one-hot rows, zero where a sample has no label, so that log Z counts once for each label.
    Source: Salimans et al. (2016), section 5. Checked by: G23.
    """
    if real.labels is None:
        return 0.0
    surprise = (real.labels * (real.scores - real.outputs)).sum((-2, -1))  # Σ y (log Z − l)
    return surprise / maximum(real.labels.sum((-2, -1)), 1.0)


def semi_supervised(smoothing: float = 0.0) -> Loss:
    """K + 1 classes: −E log D(x) − E log(1 − D(G(z))) + cross entropy, and the non-saturating generator.

    smoothing: as in ``non_saturating``, of the real label against the fake class.
    """
    critic = logistic_critic(smoothing)
    return replace(
        non_saturating(smoothing), critic=lambda real, fake: critic(real.scores, fake.scores) + cross_entropy(real),
        score="logit s(x) = log Z(x)", head=CLASSES, family=semi_supervised,
    )
