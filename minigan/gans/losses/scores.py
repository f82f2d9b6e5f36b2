"""Losses that look at the critic's scores alone: logistic, least squares, Wasserstein, hinge.

With a discriminator D = σ(s) on logits s,

    log D = −softplus(−s),      log(1 − D) = −softplus(s),

so no probability is ever formed, clipped or logged: at s = 12, where D = 0.99999 and 1 − D has lost
its digits, the loss and its gradient are still exact. Scores are (..., batch, 1); a loss is the mean
over the batch, of shape (...), one value for each leading row.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import log

from minigan.autodiff import Tensor, maximum, minimum, relu, sigmoid, softplus
from minigan.gans.losses.distance import W1, distance_of
from minigan.gans.losses.loss import BATCH_AXES, Loss, Scores, of_scores
from minigan.theory.family import JS, LE_CAM, TOTAL_VARIATION


def discriminator(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """−V(D, G) = −E log D(x) − E log(1 − D(G(z))) = E softplus(−s_real) + E softplus(s_fake).

    Source: Goodfellow et al. (2014), eq. 1; `xu`, algorithm 1.
    """
    return softplus(-real_scores).mean(BATCH_AXES) + softplus(fake_scores).mean(BATCH_AXES)


def smoothed_discriminator(real_scores: Tensor, fake_scores: Tensor, smoothing: float) -> Tensor:
    """−E [(1−α) log D(x) + α log(1 − D(x))] − E log(1 − D(G(z))), α = ``smoothing``: the real label alone is 1 − α.

    D* = (1 − α) p/(p + q); smoothing the fake label too would put q in the numerator. Since
    softplus(s) = softplus(−s) + s, the loss is the plain one + α E s_real.
    Source: Salimans et al. (2016), section 3.4. Checked by: G11, E11.
    """
    return discriminator(real_scores, fake_scores) + smoothing * real_scores.mean(BATCH_AXES)


def minimax_generator(fake_scores: Tensor) -> Tensor:
    """E log(1 − D(G(z))) = −E softplus(s_fake): saturates (slope → 0) where D is sure of a fake.

    Source: Goodfellow et al. (2014), eq. 1.
    """
    return -softplus(fake_scores).mean(BATCH_AXES)


def non_saturating_generator(fake_scores: Tensor) -> Tensor:
    """−E log D(G(z)) = E softplus(−s_fake): slope → 1 where D is sure of a fake.

    Source: Goodfellow et al. (2014), section 3.
    """
    return softplus(-fake_scores).mean(BATCH_AXES)


def jensen_shannon_estimate(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """½ (log 4 + V(D, G)) ≤ JS(p_r ‖ p_g), with equality at D = D*. In nats.

    Source: Goodfellow et al. (2014), theorem 1; `weng`, "What does the loss function represent?".
    """
    return 0.5 * (log(4.0) - discriminator(real_scores, fake_scores))


def wasserstein_critic(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """E f(G(z)) − E f(x): the critic maximises E f(x) − E f(G(z)).

    Source: Arjovsky et al. (2017), eq. 3; `xu`, algorithm 2.
    """
    return fake_scores.mean(BATCH_AXES) - real_scores.mean(BATCH_AXES)


def wasserstein_generator(fake_scores: Tensor) -> Tensor:
    """−E f(G(z)): the sign of ∇θ W₁ = −E ∇θ f(G(z)) (`xu`'s algorithm 2 prints the other one).

    Source: Arjovsky et al. (2017), theorem 3.
    """
    return -fake_scores.mean(BATCH_AXES)


def wasserstein_estimate(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """E f(x) − E f(G(z)) ≤ K W₁(p_r, p_g) for a K-Lipschitz critic f. In units of x, if K = 1.

    Source: Arjovsky et al. (2017), eq. 2 (Kantorovich–Rubinstein duality).
    """
    return real_scores.mean(BATCH_AXES) - fake_scores.mean(BATCH_AXES)


def hinge_critic(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """E max(0, 1 − s_real) + E max(0, 1 + s_fake): each sample's own hinge, inside the mean.

    Its minimum over all critics is 2 ∫ min(p, q) = 2 (1 − TV). Source: Lim & Ye (2017), eq. 12.
    """
    return relu(1.0 - real_scores).mean(BATCH_AXES) + relu(1.0 + fake_scores).mean(BATCH_AXES)


def hinge_estimate(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """1 − ½ L_D ≤ TV(p_r, p_g) = ½ ∫ |p − q|, with equality at s = sign(p − q)."""
    return 1.0 - 0.5 * hinge_critic(real_scores, fake_scores)


def least_squares_critic(real_scores: Tensor, fake_scores: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """½ E (D(x) − b)² + ½ E (D(G(z)) − a)², D = s itself: best at D* = (b p + a q)/(p + q).

    Source: Mao et al. (2017), eq. 2. Checked by: G9.
    """
    return 0.5 * (((real_scores - b) ** 2).mean(BATCH_AXES) + ((fake_scores - a) ** 2).mean(BATCH_AXES))


def least_squares_generator(fake_scores: Tensor, c: float = 1.0) -> Tensor:
    """½ E (D(G(z)) − c)². Source: Mao et al. (2017), eq. 2. Checked by: G9, G10."""
    return 0.5 * ((fake_scores - c) ** 2).mean(BATCH_AXES)


def least_squares_estimate(real_scores: Tensor, fake_scores: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """1 − 4 L_D/(b − a)² ≤ ½ ∫ (p − q)²/(p + q), Le Cam's divergence, with equality at D*.

    At D* the value is L_D = ½ (b − a)² ∫ pq/(p + q), and Le Cam's divergence is 1 − 2 ∫ pq/(p + q).
    """
    return 1.0 - (4.0 / (b - a) ** 2) * least_squares_critic(real_scores, fake_scores, a, b)


# -- the rows ---------------------------------------------------------------------------------

def minimax(smoothing: float = 0.0) -> Loss:
    """Both players of V(D, G). smoothing: α of the real label 1 − α, in [0, 1)."""
    return _logistic(minimax_generator, smoothing, minimax)


def zero_sum(smoothing: float = 0.0) -> Loss:
    """``minimax`` with both terms of V(D, G) for the generator: L_G = V = −L_D.

    E log D(x) has no θ in it, unless D is looked ahead at: after k steps against G, w_k depends on θ. An unrolled
    generator that leaves that term out does not see its rival leave the data, and collapses all the same.
    Source: Metz et al. (2017), eq. 1 and 4.
    """
    row = _logistic(minimax_generator, smoothing, zero_sum)
    critic = logistic_critic(smoothing)
    return replace(row, generator=lambda real, fake: -critic(real.scores, fake.scores))


def non_saturating(smoothing: float = 0.0) -> Loss:
    """The same discriminator, and −log D for the generator. smoothing: as in ``minimax``."""
    return _logistic(non_saturating_generator, smoothing, non_saturating)


def logistic_critic(smoothing: float) -> Scores:
    """The discriminator with the real label 1 − ``smoothing``; ValueError unless that is in (0, 1]."""
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing must be at least 0 and below 1, not {smoothing}")
    return partial(smoothed_discriminator, smoothing=smoothing) if smoothing else discriminator


def _logistic(generator: Callable[[Tensor], Tensor], smoothing: float, family: Callable[[float], Loss]) -> Loss:
    share = 1.0 - smoothing  # D* = share · p/(p + q)
    return Loss(
        *of_scores(logistic_critic(smoothing), generator),
        # the plain value, smoothing or not: a lower bound for every D
        jensen_shannon_estimate, distance_of(JS), boundary=log(share / (2.0 - share)),
        verdict=(lambda s: minimum(sigmoid(s) * (1.0 / share), 1.0)) if smoothing else sigmoid,
        constants={"smoothing": smoothing}, family=family,
    )


def wasserstein() -> Loss:
    """A critic of W₁, as far as something keeps it 1-Lipschitz."""
    return Loss(*of_scores(wasserstein_critic, wasserstein_generator), wasserstein_estimate, W1,
                power=1, score="score f(x)", boundary=None, verdict=None, unbounded=True)


def hinge() -> Loss:
    """The hinge loss. Source: Lim & Ye (2017), eq. 12, 13; Miyato et al. (2018), eq. 16, 17."""
    return Loss(*of_scores(hinge_critic, wasserstein_generator), hinge_estimate, distance_of(TOTAL_VARIATION),
                score="score f(x)", verdict=None)


def least_squares(a: float = 0.0, b: float = 1.0, c: float = 1.0) -> Loss:
    """LSGAN: the labels a of a fake, b of a datum, c of what the generator wants its fakes to be called; a ≠ b."""
    if a == b:
        raise ValueError(f"the labels a and b must differ, and both are {a:g}")
    return Loss(
        *of_scores(partial(least_squares_critic, a=a, b=b), partial(least_squares_generator, c=c)),
        partial(least_squares_estimate, a=a, b=b), distance_of(LE_CAM),
        score="score D(x)", boundary=0.5 * (a + b),
        verdict=lambda s: minimum(maximum((s - a) * (1.0 / (b - a)), 0.0), 1.0),
        constants={"a": a, "b": b, "c": c}, family=least_squares,
    )
