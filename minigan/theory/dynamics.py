"""Two players with one number each: the games on which what a method does can be computed to the end.

    θ̇ = v_θ(θ, ψ) = −∂L_θ(θ, ψ)/∂θ,        ψ̇ = v_ψ(θ, ψ) = −∂L_ψ(θ, ψ)/∂ψ

A ``ScalarGame`` says what each player minimises, an ``Update`` how the two step; any game goes with any update, and
what is derived from them (velocities, paths, Jacobians) asks ``grad`` alone.

In the Dirac-GAN the data are δ₀, the generator makes δ_θ and the critic is D(x) = ψ x, so that ∇D = ψ everywhere
and (0, 0) is the equilibrium. Signs are those of Mescheder et al. (2018, ICML): with f(t) = −log(1 + e^{−t}) =
−softplus(−t) the critic maximises f(ψθ) + f(0) and the generator minimises it, so D is high on the *fakes*. The
other sign mirrors the plane in ψ: the same eigenvalues, other paths from the same start.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

import numpy as np

from minigan.arrays import Array, namespace, to_host
from minigan.autodiff import Tensor, absolute, copy, grad, maximum, minimum, record, softplus
from minigan.autodiff.functions import as_tensor
from minigan.registry import Registry

__all__ = [
    "GAMES", "UPDATES", "ScalarGame", "Update", "eigenvalues", "jacobian", "radius", "step_jacobian",
    "trajectory", "velocity",
]

Loss = Callable[[Tensor, Tensor], Tensor]  # (θ, ψ) -> what a player minimises, of the same shape


@dataclass(frozen=True)
class ScalarGame:
    """A row: what the player of θ (the generator) and the player of ψ (the critic) minimise.

    clip: ψ ← clip(ψ, −clip, clip) after every step.
    """

    generator: Loss
    critic: Loss
    source: str
    clip: float = inf


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

    E by 40-point Gauss–Hermite quadrature.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)

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

Field = Callable[[Tensor, Tensor], Sequence[Tensor]]  # (θ, ψ) -> (v_θ, v_ψ)
Memory = dict[str, Tensor]


@dataclass(frozen=True)
class Update:
    """A row: one step (v, θ, ψ, memory, t, η) → (θ′, ψ′, memory′), t = 1, 2, …, and the memory it starts with."""

    step: Callable[[Field, Tensor, Tensor, Memory, Tensor, float], tuple[Tensor, Tensor, Memory]]
    source: str
    start: Callable[[Field, Tensor, Tensor], Memory] = lambda v, theta, psi: {}


def _simultaneous(v: Field, theta: Tensor, psi: Tensor, memory: Memory, t: Tensor, eta: float) -> tuple:
    """x′ = x + η v(x)."""
    v_theta, v_psi = v(theta, psi)
    return theta + eta * v_theta, psi + eta * v_psi, memory


def _alternating(v: Field, theta: Tensor, psi: Tensor, memory: Memory, t: Tensor, eta: float) -> tuple:
    """θ′ = θ + η v_θ(θ, ψ), then ψ′ = ψ + η v_ψ(θ′, ψ): the critic answers the generator's new place."""
    theta = theta + eta * v(theta, psi)[0]
    return theta, psi + eta * v(theta, psi)[1], memory


def _extragradient(v: Field, theta: Tensor, psi: Tensor, memory: Memory, t: Tensor, eta: float) -> tuple:
    """x′ = x + η v(x + η v(x)): the step from x, the direction from a step ahead."""
    v_theta, v_psi = v(theta, psi)
    v_theta, v_psi = v(theta + eta * v_theta, psi + eta * v_psi)
    return theta + eta * v_theta, psi + eta * v_psi, memory


def _optimistic(v: Field, theta: Tensor, psi: Tensor, memory: Memory, t: Tensor, eta: float) -> tuple:
    """xₜ₊₁ = xₜ + 2η v(xₜ) − η v(xₜ₋₁)."""
    v_theta, v_psi = v(theta, psi)
    return (theta + eta * (2.0 * v_theta - memory["v_theta"]), psi + eta * (2.0 * v_psi - memory["v_psi"]),
            {"v_theta": v_theta, "v_psi": v_psi})


def _runge_kutta(v: Field, theta: Tensor, psi: Tensor, memory: Memory, t: Tensor, eta: float) -> tuple:
    """x′ = x + (η/6)(k₁ + 2k₂ + 2k₃ + k₄): the flow ẋ = v(x) over a time η, to O(η⁵)."""
    k = [v(theta, psi)]
    for ahead in (0.5, 0.5, 1.0):
        k.append(v(theta + ahead * eta * k[-1][0], psi + ahead * eta * k[-1][1]))
    mean = [(k[0][i] + 2.0 * (k[1][i] + k[2][i]) + k[3][i]) * (1 / 6) for i in (0, 1)]
    return theta + eta * mean[0], psi + eta * mean[1], memory


def historical_averaging(lam: float) -> Update:
    """xₜ₊₁ = xₜ + η (v(xₜ) − 2λ(xₜ − x̄ₜ)), x̄ₜ = (1/t) Σ_{i≤t} xᵢ: each player also minimises λ‖x − x̄‖².

    x̄ is the past, hence a constant for the gradient. It falls as 1/t at best, and in the end so does x.
    Checked by: G14.
    """

    def step(v: Field, theta: Tensor, psi: Tensor, memory: Memory, t: Tensor, eta: float) -> tuple:
        players = zip((theta, psi), memory.values(), v(theta, psi), strict=True)
        new = [x + eta * (v_x - 2.0 * lam * (x - mean)) for x, mean, v_x in players]
        means = {name: mean + (x - mean) / (t + 1.0) for (name, mean), x in zip(memory.items(), new, strict=True)}
        return new[0], new[1], means

    return Update(step, "Salimans et al. (2016), section 3.3",
                  lambda v, theta, psi: {"mean_theta": theta, "mean_psi": psi})


UPDATES = Registry("update", {
    "simultaneous": Update(_simultaneous, "Mescheder et al. (2018), section 2.2"),
    "alternating": Update(_alternating, "Mescheder et al. (2018), section 2.2; Goodfellow et al. (2014), algorithm 1"),
    "extragradient": Update(_extragradient, "Korpelevich (1976); Gidel et al. (2019), section 3.2"),
    "optimistic": Update(_optimistic, "Popov (1980); Daskalakis et al. (2018), section 3",
                         lambda v, theta, psi: dict(zip(("v_theta", "v_psi"), v(theta, psi), strict=True))),
    "runge-kutta": Update(_runge_kutta, "Qin et al. (2020), the continuous flow"),
})


def velocity(game: ScalarGame, theta: Tensor, psi: Tensor) -> list[Tensor]:
    """(v_θ, v_ψ) = (−∂L_θ/∂θ, −∂L_ψ/∂ψ), tensors of the shape of θ and ψ, and differentiable.

    Partial derivatives: of copies. An alternating step's θ′ depends on ψ, and a gradient in ψ itself would run
    through the generator's step as well, which damps the game and is no longer alternating descent.
    """
    theta, psi = copy(theta), copy(psi)
    return [-grad(game.generator(theta, psi).sum(), theta), -grad(game.critic(theta, psi).sum(), psi)]


def trajectory(game: ScalarGame, update: Update, start: Array, steps: int, eta: float) -> Array:
    """(θ₀, ψ₀), …, (θ_n, ψ_n): shape (steps + 1, 2, ...) for a start of floats (2, ...), each place its own run.

    A game that diverges ends in inf or nan: that is its answer. ValueError for a start of another shape or not
    finite, a negative number of steps, or a step size that is not positive.
    Checked by: G12, G13, G14.
    """
    _check(start, eta)
    if steps < 0:
        raise ValueError(f"a trajectory has 0 steps or more, not {steps}")
    xp = namespace(start)
    path = xp.empty((steps + 1, *start.shape), dtype=start.dtype)
    path[0] = start
    theta, psi = Tensor(start[0:1]), Tensor(start[1:2])
    memory = update.start(partial(velocity, game), theta, psi)
    state = {name: xp.array(x.value) for name, x in {"theta": theta, "psi": psi, **memory}.items()}
    with np.errstate(over="ignore", invalid="ignore"):
        program = record(lambda old, inputs: (_step(game, update, eta, old, inputs["t"]), {}), state,
                         {"t": xp.ones((), dtype=start.dtype)})
        for t in range(1, steps + 1):
            program(t=xp.asarray(t, dtype=start.dtype))
            path[t, 0:1], path[t, 1:2] = state["theta"], state["psi"]
    return path


def radius(path: Array) -> Array:
    """√(θ² + ψ²) of each point of a trajectory (n, 2, ...): shape (n, ...). The equilibrium is at 0."""
    return namespace(path).hypot(path[:, 0], path[:, 1])


def jacobian(game: ScalarGame, at: Array) -> Array:
    """∂(v_θ, v_ψ)/∂(θ, ψ), (2, 2), at a point (2,). The flow is stable there if Re λ < 0 for both its eigenvalues.

    Clipping does not enter it. Source: Mescheder et al. (2018), section 2.1. Checked by: G13.
    """
    _check(at, 1.0)
    point = {"theta": Tensor(at[0:1]), "psi": Tensor(at[1:2])}
    return _jacobian(dict(zip(point, velocity(game, **point), strict=True)), point)


def step_jacobian(game: ScalarGame, update: Update, eta: float, at: Array, t: float = inf) -> Array:
    """∂x′/∂x of one step of the update, (m, m), at a point (2,): x = (θ, ψ), then what the update remembers.

    Near an equilibrium the steps converge at the rate max |λ| < 1 of its eigenvalues (and may not if it is ≥ 1).
    t is the step's number; t = inf leaves what averages over the past where it is.
    Source: Mescheder et al. (2018), section 2.1 (a fixed-point iteration). Checked by: G12, G13, G14.
    """
    _check(at, eta)
    x = {"theta": Tensor(at[0:1]), "psi": Tensor(at[1:2])}
    memory = update.start(partial(velocity, game), x["theta"], x["psi"])
    state = x | {name: Tensor(y.value) for name, y in memory.items()}
    return _jacobian(_step(game, update, eta, state, as_tensor(t, like=x["theta"])), state)


def eigenvalues(j: Array) -> np.ndarray:
    """The λ with det(J − λI) = 0, (m,) complex, in order of their real, then imaginary parts. On the host."""
    return np.sort_complex(np.linalg.eigvals(to_host(j)))


def _step(game: ScalarGame, update: Update, eta: float, state: dict[str, Tensor], t: Tensor) -> dict[str, Tensor]:
    memory = {name: x for name, x in state.items() if name not in ("theta", "psi")}
    theta, psi, memory = update.step(partial(velocity, game), state["theta"], state["psi"], memory, t, eta)
    return {"theta": theta, "psi": minimum(maximum(psi, -game.clip), game.clip), **memory}


def _jacobian(outputs: dict[str, Tensor], inputs: dict[str, Tensor]) -> Array:
    xp = namespace(*[x.value for x in inputs.values()])
    rows = [xp.stack([g.value[0] for g in grad(outputs[name], list(inputs.values()))]) for name in inputs]
    return xp.stack(rows)


def _check(point: Array, eta: float) -> None:
    shape: tuple[int, ...] = getattr(point, "shape", ())
    if len(shape) < 1 or shape[0] != 2 or 0 in shape:
        raise ValueError(f"a point of the game is an array (θ, ψ) of shape (2, ...), not {shape}")
    if not bool(namespace(point).isfinite(point).all()):
        raise ValueError("a point of the game must be finite")
    if not 0 < eta < inf:
        raise ValueError(f"the step size eta must be positive and finite, not {eta}")
