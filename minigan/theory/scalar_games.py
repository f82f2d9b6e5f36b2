"""Two players with one number each: what each minimises, in a row a game, and the velocity that it gives them.

    θ̇ = v_θ(θ, ψ) = −∂L_θ(θ, ψ)/∂θ,        ψ̇ = v_ψ(θ, ψ) = −∂L_ψ(θ, ψ)/∂ψ

In the Dirac-GAN the data are δ₀, the generator makes δ_θ and the critic is D(x) = ψ x, so that ∇D = ψ everywhere
and (0, 0) is the equilibrium. Signs are those of Mescheder et al. (2018, ICML): with f(t) = −log(1 + e^{−t}) =
−softplus(−t) the critic maximises f(ψθ) + f(0) and the generator minimises it, so D is high on the *fakes*. The
other sign mirrors the plane in ψ: the same eigenvalues, other paths from the same start.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np

from minigan.autodiff import Tensor, absolute, copy, grad, softplus
from minigan.autodiff.functions import as_tensor
from minigan.registry import Registry

__all__ = ["GAMES", "ScalarGame", "velocity"]

Loss = Callable[[Tensor, Tensor], Tensor]  # (θ, ψ) -> what a player minimises, of the same shape


@dataclass(frozen=True)
class ScalarGame:
    """A row: what the player of θ (the generator) and the player of ψ (the critic) minimise.

    clip: ψ ← clip(ψ, −clip, clip) after every step; ValueError if it is negative.
    """

    generator: Loss
    critic: Loss
    source: str
    clip: float = inf

    def __post_init__(self) -> None:
        if not self.clip >= 0:
            raise ValueError(f"ψ is clipped to [−clip, clip] with clip ≥ 0, not {self.clip}")


def wgan(c: float = 1.0) -> ScalarGame:
    """f(t) = t: L_θ = ψθ, L_ψ = −ψθ, |ψ| ≤ c by clipping."""
    return ScalarGame(lambda theta, psi: psi * theta, lambda theta, psi: -psi * theta,
                "Mescheder et al. (2018), section 3.1; Arjovsky et al. (2017), algorithm 1", clip=c)


def wgan_gp(lam: float = 1.0) -> ScalarGame:
    """L_ψ = −ψθ + (λ/2)(|ψ| − 1)². Its kink at ψ = 0 runs through the equilibrium, which has no Jacobian."""
    return ScalarGame(lambda theta, psi: psi * theta,
                lambda theta, psi: 0.5 * lam * (absolute(psi) - 1.0) ** 2 - psi * theta,
                "Mescheder et al. (2018), section 3.1; Gulrajani et al. (2017), eq. 3")


def zero_centered_penalty(gamma: float = 0.3) -> ScalarGame:
    """L_ψ = −f(ψθ) + (γ/2) ψ²: R1 and R2, which here are one, ∇D being ψ on the data and on the fakes alike."""
    return ScalarGame(lambda theta, psi: -softplus(-psi * theta),
                lambda theta, psi: softplus(-psi * theta) + 0.5 * gamma * psi**2,
                "Mescheder et al. (2018), sections 3.3 and 4.1")


def instance_noise(sigma: float = 0.7) -> ScalarGame:
    """L_ψ = −E f(ψ(θ + ε)) − E f(−ψε), L_θ = E f(ψ(θ + ε)), ε ~ N(0, σ²): noise on the fakes and on the data.

    E by the trapezoid rule on 201 points to 9σ. The velocities err by rounding while |ψ|σ ≤ 7; by 1e-10 |ψ| at 10,
    1e-4 |ψ| at 25, 1e-3 |ψ| at 50 and 1 % of |ψ| beyond.
    """
    nodes = np.linspace(-9, 9, 201)  # its error falls as e^{−2π²/|ψ|σh}: a logistic's poles lie iπ/|ψ|σ away
    weights = np.exp(-0.5 * nodes**2)

    def expect(function: Callable[[Tensor], Tensor], theta: Tensor) -> Tensor:
        eps, w = (as_tensor(x, like=theta) for x in (sigma * nodes, weights / weights.sum()))
        return (function(eps) * w).sum(-1)

    def fooled(theta: Tensor, psi: Tensor) -> Tensor:
        column, slope = (x.reshape((*x.shape, 1)) for x in (theta, psi))
        return expect(lambda eps: softplus(-slope * (column + eps)), theta)

    def noisy(theta: Tensor, psi: Tensor) -> Tensor:
        return expect(lambda eps: softplus(psi.reshape((*psi.shape, 1)) * eps), theta)

    return ScalarGame(lambda theta, psi: -fooled(theta, psi), lambda theta, psi: fooled(theta, psi) + noisy(theta, psi),
                "Mescheder et al. (2018), section 3.2; Sønderby et al. (2017)")


def velocity(game: ScalarGame, theta: Tensor, psi: Tensor) -> list[Tensor]:
    """(v_θ, v_ψ) = (−∂L_θ/∂θ, −∂L_ψ/∂ψ), tensors of the shape of θ and ψ, and differentiable.

    Partial derivatives: of copies. An alternating step's θ′ depends on ψ, and a gradient in ψ itself would run
    through the generator's step as well, which damps the game and is no longer alternating descent.
    """
    theta, psi = copy(theta), copy(psi)
    return [-grad(game.generator(theta, psi).sum(), theta), -grad(game.critic(theta, psi).sum(), psi)]


def with_consensus(game: ScalarGame, gamma: float = 1.0) -> ScalarGame:
    """Each player also minimises (γ/2)‖v‖², v the velocity of both: v ← v − γ ∇ ½‖v‖².

    The gradient runs through v: it is a second derivative of the losses.
    """

    def penalty(theta: Tensor, psi: Tensor) -> Tensor:
        return 0.5 * gamma * sum((v**2 for v in velocity(game, theta, psi)), start=as_tensor(0.0, like=theta))

    return ScalarGame(lambda theta, psi: game.generator(theta, psi) + penalty(theta, psi),
                lambda theta, psi: game.critic(theta, psi) + penalty(theta, psi),
                "Mescheder et al. (2017, The Numerics of GANs)", game.clip)


XY = ScalarGame(lambda x, y: x * y, lambda x, y: -x * y, "Goodfellow (2016), section 8.2; `weng`, Fig. 3")
GAN = ScalarGame(lambda theta, psi: -softplus(-psi * theta), lambda theta, psi: softplus(-psi * theta),
           "Mescheder et al. (2018), section 2.2")
NON_SATURATING = ScalarGame(lambda theta, psi: softplus(psi * theta), GAN.critic,
                      "Goodfellow et al. (2014), section 3; Mescheder et al. (2018), section 2.2")

# At the settings whose paths are published (γ, σ as in the figures of Mescheder et al., λ = 1, c = 1)
GAMES = Registry("scalar game", {
    "xy": XY,
    "gan": GAN,
    "non-saturating": NON_SATURATING,
    "wgan": wgan(),
    "wgan-gp": wgan_gp(),
    "r1": zero_centered_penalty(),
    "r2": zero_centered_penalty(),
    "instance-noise": instance_noise(),
    "consensus": with_consensus(GAN),
})
