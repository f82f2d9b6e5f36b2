"""What each player minimises, on the critic's raw scores.

With a discriminator D = σ(s) on logits s,

    log D = −softplus(−s),      log(1 − D) = −softplus(s),

so no probability is ever formed, clipped or logged: at s = 12, where D = 0.99999 and 1 − D has lost
its digits, the loss and its gradient are still exact. Scores are (..., batch, 1); a loss is the mean
over the batch, of shape (...), one value for each leading row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log

from minigan.autodiff import Tensor, softplus

BATCH = (-2, -1)  # the axes of one run's scores


def discriminator(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """−V(D, G) = −E log D(x) − E log(1 − D(G(z))) = E softplus(−s_real) + E softplus(s_fake).

    Source: Goodfellow et al. (2014), eq. 1; `xu`, algorithm 1.
    """
    return softplus(-real_scores).mean(BATCH) + softplus(fake_scores).mean(BATCH)


def minimax_generator(fake_scores: Tensor) -> Tensor:
    """E log(1 − D(G(z))) = −E softplus(s_fake): saturates (slope → 0) where D is sure of a fake.

    Source: Goodfellow et al. (2014), eq. 1.
    """
    return -softplus(fake_scores).mean(BATCH)


def non_saturating_generator(fake_scores: Tensor) -> Tensor:
    """−E log D(G(z)) = E softplus(−s_fake): slope → 1 where D is sure of a fake.

    Source: Goodfellow et al. (2014), section 3.
    """
    return softplus(-fake_scores).mean(BATCH)


def jensen_shannon_estimate(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """½ (log 4 + V(D, G)) ≤ JS(p_r ‖ p_g), with equality at D = D*. In nats.

    Source: Goodfellow et al. (2014), theorem 1; `weng`, "What does the loss function represent?".
    """
    return 0.5 * (log(4.0) - discriminator(real_scores, fake_scores))


def wasserstein_critic(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """E f(G(z)) − E f(x): the critic maximises E f(x) − E f(G(z)).

    Source: Arjovsky et al. (2017), eq. 3; `xu`, algorithm 2.
    """
    return fake_scores.mean(BATCH) - real_scores.mean(BATCH)


def wasserstein_generator(fake_scores: Tensor) -> Tensor:
    """−E f(G(z)): the sign of ∇θ W₁ = −E ∇θ f(G(z)) (`xu`'s algorithm 2 prints the other one).

    Source: Arjovsky et al. (2017), theorem 3.
    """
    return -fake_scores.mean(BATCH)


def wasserstein_estimate(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """E f(x) − E f(G(z)) ≤ K W₁(p_r, p_g) for a K-Lipschitz critic f. In units of x, if K = 1.

    Source: Arjovsky et al. (2017), eq. 2 (Kantorovich–Rubinstein duality).
    """
    return real_scores.mean(BATCH) - fake_scores.mean(BATCH)


@dataclass(frozen=True)
class Loss:
    """A row: what the critic and the generator minimise, and what the critic's value estimates."""

    critic: Callable[[Tensor, Tensor], Tensor]  # (real_scores, fake_scores) -> (...)
    generator: Callable[[Tensor], Tensor]  # fake_scores -> (...)
    estimate: Callable[[Tensor, Tensor], Tensor]  # (real_scores, fake_scores) -> (...)
    estimates: str  # of what
    power: int = 0  # the estimate in data units is the estimate times scale ** power


LOSSES = {
    "minimax": Loss(discriminator, minimax_generator, jensen_shannon_estimate, "JS (½KL + ½KL, nats)"),
    "non-saturating": Loss(discriminator, non_saturating_generator, jensen_shannon_estimate, "JS (½KL + ½KL, nats)"),
    "wasserstein": Loss(wasserstein_critic, wasserstein_generator, wasserstein_estimate, "W₁", power=1),
}
