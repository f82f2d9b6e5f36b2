"""How two players with one number each move: games (``scalar_games.py``) on which all can be computed to the end.

A ``ScalarGame`` says what each player minimises, an ``Update`` how the two step; any game goes with any update, and
what is derived from them (velocities, paths, Jacobians) asks ``grad`` alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

import numpy as np

from minigan.arrays import Array, namespace, to_host
from minigan.autodiff import Tensor, grad, maximum, minimum, record
from minigan.autodiff.functions import as_tensor
from minigan.registry import Registry
from minigan.theory.numbers import as_numbers
from minigan.theory.scalar_games import (  # noqa: F401 (whoever plays finds the games here too)
    GAMES,
    GAN,
    NON_SATURATING,
    XY,
    ScalarGame,
    instance_noise,
    velocity,
    wgan,
    wgan_gp,
    with_consensus,
    zero_centered_penalty,
)

__all__ = [
    "GAMES", "UPDATES", "ScalarGame", "Update", "eigenvalues", "jacobian", "radius", "step_jacobian",
    "trajectory", "velocity",
]

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


def trajectory(game: ScalarGame, update: Update, start: Array, steps: int, eta: float) -> Array:
    """(θ₀, ψ₀), …, (θ_n, ψ_n): shape (steps + 1, 2, ...) for a start of floats (2, ...), each place its own run.

    A game that diverges ends in inf or nan: that is its answer. ValueError for a start of another shape or not
    finite, a negative number of steps, or a step size that is not positive.
    Checked by: G12, G13, G14.
    """
    start = _point(start, eta)
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
    path = as_numbers(path, "path")
    if path.ndim < 2 or path.shape[1] != 2:
        raise ValueError(f"a trajectory has shape (n, 2, ...), not {path.shape}")
    return namespace(path).hypot(path[:, 0], path[:, 1])


def jacobian(game: ScalarGame, at: Array) -> Array:
    """∂(v_θ, v_ψ)/∂(θ, ψ), (2, 2), at a point (2,). The flow is stable there if Re λ < 0 for both its eigenvalues.

    Clipping does not enter it. ValueError where the velocity jumps, as WGAN-GP's at ψ = 0: it has no Jacobian there.
    Source: Mescheder et al. (2018), section 2.1. Checked by: G13.
    """
    at = _smooth_point(game, at)
    point = {"theta": Tensor(at[0:1]), "psi": Tensor(at[1:2])}
    return _jacobian(dict(zip(point, velocity(game, **point), strict=True)), point)


def step_jacobian(game: ScalarGame, update: Update, eta: float, at: Array, t: float = inf) -> Array:
    """∂x′/∂x of one step of the update, (m, m), at a point (2,): x = (θ, ψ), then what the update remembers.

    Near an equilibrium the steps converge at the rate max |λ| < 1 of its eigenvalues (and may not if it is ≥ 1).
    t is the step's number, from 1; t = inf leaves what averages over the past where it is. ValueError where the
    velocity jumps. Source: Mescheder et al. (2018), section 2.1 (a fixed-point iteration). Checked by: G12, G13, G14.
    """
    at = _smooth_point(game, at, eta)
    if not t >= 1:
        raise ValueError(f"steps are numbered from 1: t cannot be {t}")
    x = {"theta": Tensor(at[0:1]), "psi": Tensor(at[1:2])}
    memory = update.start(partial(velocity, game), x["theta"], x["psi"])
    state = x | {name: Tensor(y.value) for name, y in memory.items()}
    return _jacobian(_step(game, update, eta, state, as_tensor(t, like=x["theta"])), state)


def eigenvalues(j: Array) -> np.ndarray:
    """The λ with det(J − λI) = 0, (m,) complex, in order of their real, then imaginary parts. On the host."""
    return np.sort_complex(np.linalg.eigvals(to_host(as_numbers(j, "j"))))


def _step(game: ScalarGame, update: Update, eta: float, state: dict[str, Tensor], t: Tensor) -> dict[str, Tensor]:
    memory = {name: x for name, x in state.items() if name not in ("theta", "psi")}
    theta, psi, memory = update.step(partial(velocity, game), state["theta"], state["psi"], memory, t, eta)
    return {"theta": theta, "psi": minimum(maximum(psi, -game.clip), game.clip), **memory}


def _jacobian(outputs: dict[str, Tensor], inputs: dict[str, Tensor]) -> Array:
    xp = namespace(*[x.value for x in inputs.values()])
    rows = [xp.stack([g.value[0] for g in grad(outputs[name], list(inputs.values()))]) for name in inputs]
    return xp.stack(rows)


def _point(point: Array, eta: float = 1.0) -> Array:
    """A point of the game as floats (2, ...); ValueError if it is none, or the step size is none."""
    point = as_numbers(point, "a point of the game")
    if point.ndim < 1 or point.shape[0] != 2 or 0 in point.shape:
        raise ValueError(f"a point of the game is an array (θ, ψ) of shape (2, ...), not {point.shape}")
    if not bool(namespace(point).isfinite(point).all()):
        raise ValueError("a point of the game must be finite")
    if not 0 < eta < inf:
        raise ValueError(f"the step size eta must be positive and finite, not {eta}")
    return point


def _smooth_point(game: ScalarGame, at: Array, eta: float = 1.0) -> Array:
    """A point (2,) where the velocity is continuous; ValueError if it is none."""
    at = _point(at, eta)
    if at.shape != (2,):
        raise ValueError(f"a Jacobian is at one point, of shape (2,), not {at.shape}")
    x = to_host(at).astype(float)
    sides = x[:, None] + 1e-9 * np.maximum(abs(x), 1)[:, None] * [[1, -1, 0, 0], [0, 0, 1, -1]]
    v = np.concat([v.value for v in velocity(game, Tensor(sides[0:1]), Tensor(sides[1:2]))])
    if (abs(v[:, ::2] - v[:, 1::2]) > 1e-3 * (1 + abs(v).max())).any():
        raise ValueError(f"the velocity jumps at {x.tolist()}: there is no Jacobian")
    return at
