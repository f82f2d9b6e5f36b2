"""Loss-sensitive GANs: the critic is a loss L(x), lower on a datum than on a fake by as much as they are apart.

Pairs (x, x̃ = G(z)) of one batch, Δ = ‖x − x̃‖₁, and the gap  m Δ(x, x̃) + L(x) − L(x̃)  that should not be positive.
"""

from minigan.autodiff import Tensor, absolute, maximum, relu
from minigan.gans.losses.critic_output import Batch
from minigan.gans.losses.heads import POSITIVE
from minigan.gans.losses.loss import BATCH_AXES, Loss, contrast
from minigan.gans.losses.relativistic import pairs


def gap(real: Batch, fake: Batch, margin: float) -> Tensor:
    """m ‖x − x̃‖₁ + L(x) − L(x̃), (..., batch, 1)."""
    return margin * absolute(pairs(real.points, fake.points)).sum(-1, keepdims=True) + (real.scores - fake.scores)


def loss_sensitive_critic(real: Batch, fake: Batch, margin: float = 1.0, lam: float = 10.0) -> Tensor:
    """E L(x) + λ E max(0, m Δ + L(x) − L(x̃)), for L ≥ 0. Source: Qi (2020). Checked by: G16."""
    return real.scores.mean(BATCH_AXES) + lam * relu(gap(real, fake, margin)).mean(BATCH_AXES)


def generalised_critic(real: Batch, fake: Batch, margin: float = 1.0, slope: float = 0.5) -> Tensor:
    """E C(m Δ + L(x) − L(x̃)), C(a) = max(a, ν a), ν = ``slope`` ≤ 1.

    ν = 0: LS-GAN's hinge; ν = 1: WGAN's critic f = −L, and m E Δ, which no critic can change; ν = −1: |a|.
    Source: Qi (2020), GLS-GAN. Checked by: G16.
    """
    a = gap(real, fake, margin)
    return maximum(a, slope * a).mean(BATCH_AXES)


def generator_loss(real: Batch, fake: Batch) -> Tensor:
    """E L(G(z)). Source: Qi (2020)."""
    return fake.scores.mean(BATCH_AXES)


def loss_sensitive(margin: float = 1.0, lam: float = 10.0) -> Loss:
    """LS-GAN. The head keeps L ≥ 0, as the theory has it: E L(x) would else fall without end."""
    if margin < 0 or lam <= 0:
        raise ValueError(f"margin must not be negative and lam must be above 0; they are {margin} and {lam}")
    return Loss(
        lambda real, fake: loss_sensitive_critic(real, fake, margin, lam), generator_loss, contrast, None,
        power=1, score="loss L(x)", boundary=None, verdict=None, head=POSITIVE,
        constants={"margin": margin, "lam": lam}, family=loss_sensitive,
    )


def generalised_loss_sensitive(margin: float = 1.0, slope: float = 0.5) -> Loss:
    """GLS-GAN. Of gaps alone, so L is known up to a constant."""
    if margin < 0 or slope > 1:
        raise ValueError(f"margin must not be negative and slope not above 1; they are {margin} and {slope}")
    return Loss(
        lambda real, fake: generalised_critic(real, fake, margin, slope), generator_loss, contrast, None,
        power=1, score="loss L(x), up to a constant", boundary=None, verdict=None, unbounded=slope > 0,
        constants={"margin": margin, "slope": slope}, family=generalised_loss_sensitive,
    )
