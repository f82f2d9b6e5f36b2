"""EBGAN: a critic whose score is an energy D(x) ≥ 0, low on the data: how badly an autoencoder repeats x."""

from functools import partial

from minigan.autodiff import Tensor, matmul, relu, safe_norm
from minigan.gans.losses.critic_output import Batch
from minigan.gans.losses.distance import distance_of
from minigan.gans.losses.heads import ENERGY
from minigan.gans.losses.loss import BATCH_AXES, Loss
from minigan.theory.family import TOTAL_VARIATION


def energy_critic(real_scores: Tensor, fake_scores: Tensor, margin: float = 1.0) -> Tensor:
    """E D(x) + E max(0, m − D(G(z))), each fake's own hinge (`advanced` prints it without the 0).

    Source: Zhao et al. (2017), eq. 1. Checked by: G15, E3.
    """
    return real_scores.mean(BATCH_AXES) + relu(margin - fake_scores).mean(BATCH_AXES)


def energy_estimate(real_scores: Tensor, fake_scores: Tensor, margin: float = 1.0) -> Tensor:
    """1 − L_D/m ≤ TV(p_r, p_g) for every energy D ≥ 0, with equality at the best one: 0 where p > q, else m.

    Source: Zhao et al. (2017), proof of theorem 1. Checked by: G15.
    """
    return 1.0 - (1.0 / margin) * energy_critic(real_scores, fake_scores, margin)


def mean_energy(scores: Tensor) -> Tensor:
    """E D: what the generator minimises of its fakes, and an autoencoder of the data alone.

    Source: Zhao et al. (2017), eq. 2.
    """
    return scores.mean(BATCH_AXES)


def pull_away(codes: Tensor) -> Tensor:
    """PT(S) = 1/(N(N−1)) Σ_{i≠j} cos²(Sᵢ, Sⱼ), between 0 and 1: 1 for a batch that points one way.

    codes: (..., N, c) -> (...). ValueError for N = 1. A row of zeros is orthogonal to all.
    Source: Zhao et al. (2017), eq. 4.
    """
    n = codes.shape[-2]
    if n < 2:
        raise ValueError(f"the pull-away term is of pairs, and codes of shape {codes.shape} have one row")
    unit = codes / safe_norm(codes, -1, keepdims=True)
    cosines = matmul(unit, unit, tb=True)
    itself = (unit * unit).sum(-1)  # the diagonal
    return ((cosines * cosines).sum((-2, -1)) - (itself * itself).sum(-1)) * (1.0 / (n * (n - 1)))


def energy_based(margin: float = 1.0, pull_away: float = 0.0) -> Loss:
    """EBGAN. margin: m > 0, in (scaled) data units; pull_away: PT's weight in the generator's loss, 0.1 in EBGAN-PT."""
    if margin <= 0 or pull_away < 0:
        raise ValueError(f"margin must be above 0 and pull_away not below it; they are {margin} and {pull_away}")
    return Loss(
        lambda real, fake: energy_critic(real.scores, fake.scores, margin),
        partial(energy_generator, weight=pull_away),
        partial(energy_estimate, margin=margin), distance_of(TOTAL_VARIATION), score="energy D(x), scaled units",
        # at equilibrium D may be any constant in [0, m]: no energy says "I cannot tell"
        boundary=None, verdict=None, head=ENERGY, pretrain=lambda real: mean_energy(real.scores),
        constants={"margin": margin, "pull_away": pull_away}, family=energy_based,
    )


def energy_generator(real: Batch, fake: Batch, weight: float) -> Tensor:
    """E D(G(z)), and with a weight of it the pull-away term."""
    energy = mean_energy(fake.scores)
    return energy + weight * pull_away(fake.code) if weight else energy
