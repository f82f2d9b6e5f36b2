"""How the play goes (G12–G14): the xy game, the Dirac-GAN under every method, historical averaging."""

from __future__ import annotations

from collections.abc import Callable
from math import exp as e
from math import sqrt
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.faults import SCALE, SIGN, changed, dropped, wrong
from minigan.theory import dynamics


def a_step_late(trajectory: Callable, game: Any, update: Any, start: Any, steps: int, eta: float) -> Any:
    return trajectory(game, update, start, steps + 1, eta)[1:]


def half_the_rate(trajectory: Callable, game: Any, update: Any, start: Any, steps: int, eta: float) -> Any:
    return trajectory(game, update, start, steps, eta / 2)


TRAJECTORY_FAULTS = [SCALE, SIGN,
                     wrong("the first step left out", a_step_late), wrong("η halved", half_the_rate)]
JACOBIAN_FAULTS = [SCALE, SIGN, changed("transposed", lambda J: J.T)]
ONE_FOR_ALL = wrong("simultaneous steps whatever is asked",
                    lambda f, game, update, *rest: f(game, dynamics.UPDATES["simultaneous"], *rest))


@claim("G12", "min_x max_y xy: r′ = √(1 + η²) r each simultaneous step; alternating steps bounded; the flow keeps r",
       note="weng", paper="Goodfellow (2016), section 8.2",
       computes={"trajectory": dynamics.trajectory, "step_jacobian": dynamics.step_jacobian})
def bilinear_game(f: Any, lab: Lab) -> Checks:
    rules = dynamics.UPDATES
    path = f.trajectory(dynamics.XY, rules["simultaneous"], lab.array([1.0, 0.0]), 100, 0.1)
    yield equals("radius after 100 steps of 0.1, from 1", dynamics.radius(path)[-1], 1.01**50)
    eta, corners = lab.rng.uniform(0.05, 0.3), np.array([[1, -1, 1, -1], [1, 1, -1, -1]])
    start = corners * lab.rng.uniform(0.5, 2, 4)
    path = f.trajectory(dynamics.XY, rules["simultaneous"], lab.array(start), 50, eta)
    grown = np.hypot(*start) * (1 + eta**2) ** (np.arange(51)[:, None] / 2)
    yield equals("r_t = (1 + η²)^{t/2} r_0 from all four quadrants", dynamics.radius(path), grown)
    yield equals("x₁ = x − ηy, y₁ = y + ηx", path[1], [start[0] - eta * start[1], start[1] + eta * start[0]])

    path = f.trajectory(dynamics.XY, rules["alternating"], lab.array(start), 2000, eta)
    x, y = path[:, 0], path[:, 1]
    x0, y0 = start
    kept = x0**2 + y0**2 - eta * x0 * y0  # an ellipse
    yield equals("alternating: x² + y² − ηxy stays, 2000 steps", x**2 + y**2 - eta * x * y, np.tile(kept, (2001, 1)))
    bound = np.tile(kept / (1 - eta / 2), (2001, 1))
    yield at_most("so r² ≤ that/(1 − η/2)", dynamics.radius(path) ** 2, bound, slack=1e-9)

    t = 0.01 * np.arange(1001)[:, None]
    path = f.trajectory(dynamics.XY, rules["runge-kutta"], lab.array(start), 1000, 0.01)
    yield equals("the flow turns: x = x₀ cos t − y₀ sin t", path[:, 0], x0 * np.cos(t) - y0 * np.sin(t), rtol=1e-8)
    yield equals("and keeps the radius", dynamics.radius(path), np.tile(np.hypot(x0, y0), (1001, 1)), rtol=1e-8)

    at = lab.array(start[:, 0])
    yield equals("J of a simultaneous step", f.step_jacobian(dynamics.XY, rules["simultaneous"], eta, at),
                 [[1, -eta], [eta, 1]])
    yield equals("J of an alternating step", f.step_jacobian(dynamics.XY, rules["alternating"], eta, at),
                 [[1, -eta], [eta, 1 - eta**2]])

bilinear_game.must_notice(
    trajectory=[*TRAJECTORY_FAULTS, ONE_FOR_ALL],
    step_jacobian=[*JACOBIAN_FAULTS, ONE_FOR_ALL])


def logistic(t: float) -> float:
    return 1 / (1 + e(-t))


# (v_θ, v_ψ) of θ and ψ, differentiated by hand: f′(t) = σ(−t); γ = .3, λ = 1
WRITTEN_OUT: dict[str, tuple[Callable[[float, float], float], Callable[[float, float], float]]] = {
    "gan": (lambda t, p: -p * logistic(-p * t), lambda t, p: t * logistic(-p * t)),
    "non-saturating": (lambda t, p: -p * logistic(p * t), lambda t, p: t * logistic(-p * t)),
    "r1": (lambda t, p: -p * logistic(-p * t), lambda t, p: t * logistic(-p * t) - 0.3 * p),
    "wgan": (lambda t, p: -p, lambda t, p: t),
    "wgan-gp": (lambda t, p: -p, lambda t, p: t - p + np.sign(p)),
}


def written_out(name: str, steps: int, h: float, alternating: bool = False) -> np.ndarray:
    """r after 0 … so many steps from (1, 1), in Python's floats."""
    v_theta, v_psi = WRITTEN_OUT[name]
    clip = 1.0 if name == "wgan" else np.inf
    theta = psi = 1.0
    r = [np.hypot(theta, psi)]
    for _ in range(steps):
        moved = theta + h * v_theta(theta, psi)
        psi = psi + h * v_psi(moved if alternating else theta, psi)
        theta, psi = moved, min(max(psi, -clip), clip)
        r.append(np.hypot(theta, psi))
    return np.array(r)


@claim("G13", "Dirac-GAN: GAN, WGAN and WGAN-GP do not settle; R1, R2, instance noise and consensus do",
       note="weng", paper="Mescheder et al. (2018), sections 2–3; Mescheder et al. (2017)",
       computes={"trajectory": dynamics.trajectory, "jacobian": dynamics.jacobian,
                 "step_jacobian": dynamics.step_jacobian})
def dirac_gan(f: Any, lab: Lab) -> Checks:
    games, rules = dynamics.GAMES, dynamics.UPDATES
    simultaneous, alternating = rules["simultaneous"], rules["alternating"]
    origin, start, h, gamma, sigma = lab.array([0.0, 0.0]), lab.array([1.0, 1.0]), 0.2, 0.3, 0.7
    # ∂v at the equilibrium, by hand, with f′(0) = ½ and f″(0) = −¼
    by_hand = {
        "gan": [[0, -0.5], [0.5, 0]], "non-saturating": [[0, -0.5], [0.5, 0]], "wgan": [[0, -1], [1, 0]],
        "r1": [[0, -0.5], [0.5, -gamma]], "r2": [[0, -0.5], [0.5, -gamma]],
        "instance-noise": [[0, -0.5], [0.5, -0.5 * sigma**2]],
        "consensus": [[-0.25, -0.5], [0.5, -0.25]],  # J − γ JᵀJ
    }
    for name, j in by_hand.items():
        yield equals(f"{name}: ∂v at 0", f.jacobian(games[name], origin), j, rtol=1e-8)
    modulus = {
        name: np.abs(dynamics.eigenvalues(f.step_jacobian(games[name], simultaneous, h, origin)))
        for name in ("gan", "non-saturating", "r1", "r2", "instance-noise", "consensus")
    }
    for name in ("gan", "non-saturating"):
        yield equals(f"{name}, simultaneous: |λ| = √(1 + h²/4)", modulus[name], [sqrt(1 + h**2 / 4)] * 2)
    step = f.step_jacobian(games["gan"], alternating, h, origin)
    yield equals("alternating: J", step, [[1, -h / 2], [h / 2, 1 - h**2 / 4]])
    yield equals("alternating: |λ|", np.abs(dynamics.eigenvalues(step)), [1, 1])
    yield equals("r1: |λ|² = 1 − hγ + h²/4", modulus["r1"] ** 2, [1 - h * gamma + h**2 / 4] * 2)
    for name in ("r1", "r2", "instance-noise", "consensus"):
        yield at_most(f"{name}: |λ| < 1", modulus[name], 0.99)
    for name, rule in [("extra-gradient", rules["extragradient"]), ("optimistic", rules["optimistic"])]:
        step = f.step_jacobian(games["gan"], rule, h, origin)
        yield at_most(f"{name}: |λ| < 1", np.abs(dynamics.eigenvalues(step)), 0.996)

    radii = {
        name: to_host(dynamics.radius(f.trajectory(games[name], simultaneous, start, 500, h)))
        for name in ("gan", "non-saturating", "r1", "r2", "wgan", "wgan-gp", "instance-noise", "consensus")
    }
    first, moved = f.trajectory(games["gan"], simultaneous, start, 1, h), h / (1 + e(1))
    yield equals("h f′(1) = h/(1 + e): the first step", first, [[1, 1], [1 - moved, 1 + moved]])
    played = {name: written_out(name, 500, h) for name in WRITTEN_OUT}
    yield equals("500 steps from (1, 1): r = 1.414 to 3.10", radii["gan"][[0, -1]], played["gan"][[0, -1]])
    yield equals("non-saturating: to .64, slowly", radii["non-saturating"][-1], played["non-saturating"][-1])
    for name in ("r1", "r2"):
        yield equals(f"{name}, γ = .3: to 2.6e-6", radii[name][-1], played["r1"][-1])
    for name in ("wgan", "wgan-gp"):
        found, expected = ([r[-100:].min(), r[-100:].max()] for r in (radii[name], played[name]))
        yield equals(f"{name} orbits: least and largest r of the last 100", found, expected)
    for name in ("instance-noise", "consensus"):
        yield at_most(f"{name}: r after 500 steps", radii[name][-1], 1e-3)
    path = f.trajectory(games["gan"], alternating, start, 500, h)
    yield equals("alternating: r = 1.42", dynamics.radius(path)[-1],
                 written_out("gan", 500, h, alternating=True)[-1])
    flow = dynamics.radius(f.trajectory(games["gan"], rules["runge-kutta"], start, 500, h))
    yield equals("the flow of the GAN keeps its radius", flow, np.full(501, sqrt(2)), rtol=1e-4)
    path = f.trajectory(dynamics.wgan_gp(20.0), simultaneous, start, 50, h)
    yield at_least("WGAN-GP with λ(|ψ| − 1)², λ = 10 diverges: r after 50 steps", dynamics.radius(path)[-1],
                   1e20)


def high_on_the_data(trajectory: Callable, game: dynamics.ScalarGame, *rest: Any) -> Any:
    def generator(theta: Any, psi: Any) -> Any:
        return game.generator(theta, -psi)

    def critic(theta: Any, psi: Any) -> Any:
        return game.critic(theta, -psi)

    return trajectory(dynamics.ScalarGame(generator, critic, "", game.clip), *rest)


def unclipped(trajectory: Callable, game: dynamics.ScalarGame, *rest: Any) -> Any:
    return trajectory(dynamics.ScalarGame(game.generator, game.critic, ""), *rest)

dirac_gan.must_notice(
    trajectory=[*TRAJECTORY_FAULTS, ONE_FOR_ALL,
                wrong("D high on the data", high_on_the_data), wrong("unclipped", unclipped)],
    jacobian=JACOBIAN_FAULTS,
    step_jacobian=[*JACOBIAN_FAULTS, ONE_FOR_ALL])


@claim("G14", "historical averaging λ‖θ − θ̄‖² damps the xy game iff λ > η/4 (η → 0)", note="weng",
       paper="Salimans et al. (2016), section 3.3",
       computes={"trajectory": dynamics.trajectory, "historical_averaging": dynamics.historical_averaging,
                 "step_jacobian": dynamics.step_jacobian})
def averaging(f: Any, lab: Lab) -> Checks:
    eta, start = 0.1, lab.rng.normal(0, 1, 2)
    start /= np.hypot(*start)
    for lam, reverse in [(0.02, False), (0.03, True)]:
        path = f.trajectory(dynamics.XY, f.historical_averaging(lam), lab.array(start), 4000, eta)
        x = [start]
        for _ in range(60):  # with the mean of all that was, summed afresh
            v = np.array([-x[-1][1], x[-1][0]])
            x.append(x[-1] + eta * (v - 2 * lam * (x[-1] - np.mean(x, axis=0))))
        yield equals(f"λ = {lam}: the first 60 steps", path[:61], x)
        r, rate = dynamics.radius(path), sqrt((1 - 2 * lam * eta) ** 2 + eta**2)
        # while x̄ is small beside x; a decay is slowed later on, x̄ falling only as 1/t
        yield equals(f"λ = {lam}: steps 3000–4000, r′/r = √((1 − 2λη)² + η²)", (r[4000] / r[3000]) ** 1e-3, rate,
                     rtol=2e-6)
        J = f.step_jacobian(dynamics.XY, f.historical_averaging(lam), eta, lab.array(start))
        yield equals(f"λ = {lam}: J of a late step", J[:2, :2], [[1 - 2 * lam * eta, -eta], [eta, 1 - 2 * lam * eta]])
        yield (at_most if reverse else at_least)(f"λ = {lam} {'shrinks' if reverse else 'grows'}", r[4000],
                                                 0.1 if reverse else 10)
    for eta in (0.1, 0.01, 0.001):
        J = f.step_jacobian(dynamics.XY, f.historical_averaging(eta / 4), eta, lab.array(start))[:2, :2]
        radius = np.abs(dynamics.eigenvalues(J))
        yield equals(f"η = {eta}, λ = η/4: |λ|² = 1 + η⁴/4", radius**2 - 1, [eta**4 / 4] * 2, atol=1e-14)

averaging.must_notice(
    trajectory=TRAJECTORY_FAULTS,
    historical_averaging=[wrong("λ for 2λ", lambda f, lam: f(lam / 2)),
                          wrong("pushed away from the past", lambda f, lam: f(-lam)),
                          dropped("the average", lambda lam: dynamics.UPDATES["simultaneous"])],
    step_jacobian=JACOBIAN_FAULTS)
