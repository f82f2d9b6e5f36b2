"""Every system on the smallest game: data δ₀, generator δ_θ, critic D(x) = ψx. Fields and convergence in closed form.

Here D is high on the data; in ``theory.dynamics`` it is high on the fakes, so that its ψ is minus ours.
Source: Mescheder et al. (2018), section 2 and 3. Checked by: G13.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit, ndtri

from minigan.autodiff import Tensor, grad, record
from minigan.autodiff.functions import as_tensor
from minigan.gans import LOSSES, RECIPES, Game
from minigan.gans.players import Players
from minigan.lab.config import configure
from minigan.nets import MLP, OPTIMIZERS, Gaussian, Run
from minigan.theory import dynamics
from minigan.theory.dynamics import GAMES, UPDATES
from minigan.theory.family import DIVERGENCES
from tests.gans.faults import (
    FromAStepAhead,
    NoStepAhead,
    OneAheadOfTheOther,
    PullDetached,
    Pushed,
    UnrollDetached,
    of_players,
)
from tests.gans.tiny import tensors

H = 0.2
POINTS = [(0.7, -0.9), (-1.2, 0.4), (0.3, 1.8), (-0.8, -1.5)]  # (θ, ψ)


@dataclass(frozen=True)
class One:
    """A network of one parameter, for a game: θ itself, or ψx."""

    f: Callable
    couples_samples: bool = False
    needs_reference: bool = False

    def run(self, parameter, x, reference=None):
        return Run(self.f(as_tensor(parameter), as_tensor(x)), ())


def _at(parameter: Tensor) -> Tensor:
    """(..., 1) → (..., 1, 1): one sample of one coordinate."""
    return parameter.reshape(*parameter.shape[:-1], 1, 1)


POINT = One(lambda theta, z: _at(theta) + 0.0 * z)  # G(z) = θ
SLOPE = One(lambda psi, x: x @ _at(psi))  # D(x) = ψx


def linear(loss: str, **more) -> Game:
    return Game(loss=LOSSES[loss], generator=POINT, critic=SLOPE, **more)


def batch(rows: tuple[int, ...] = (), n: int = 1, **more) -> dict:
    zeros = np.zeros((*rows, n, 1))
    return {"real": zeros, "z": zeros, "eps": zeros + 0.3, "delta": zeros, **more}


def velocity(game: Game, theta: float, psi: float, **more) -> np.ndarray:
    """(−∂L_G/∂θ, −∂L_D/∂ψ) by grad."""
    state = {"theta": Tensor(np.array([theta])), "w": Tensor(np.array([psi])), **more}
    inputs = batch()
    return -np.array([grad(game.generator_loss(state, inputs), state["theta"]).item(),
                      grad(game.critic_loss(state, inputs), state["w"]).item()])


def theirs(game: dynamics.ScalarGame, theta: float, psi: float) -> np.ndarray:
    """The closed-form field, in our signs."""
    v_theta, v_psi = (x.item() for x in dynamics.velocity(game, *(Tensor(np.array([x])) for x in (theta, -psi))))
    return np.array([v_theta, -v_psi])


def near(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


# Fields that dynamics.py has
R1 = dynamics.zero_centered_penalty(0.3)
FIELDS = {
    "gan-minimax": (linear("minimax"), GAMES["gan"]),
    "gan": (linear("non-saturating"), GAMES["non-saturating"]),
    "wgan": (linear("wasserstein"), GAMES["wgan"]),
    "wgan-gp": (linear("wasserstein", penalty_kind="two-sided", penalty=0.5), dynamics.wgan_gp(1.0)),
    "r1": (linear("minimax", penalty_kind="r1", penalty=0.3), R1),
    "r2": (linear("minimax", penalty_kind="r2", penalty=0.3), R1),
    "r1, non-saturating": (linear("non-saturating", penalty_kind="r1", penalty=0.3),
                           dynamics.ScalarGame(GAMES["non-saturating"].generator, R1.critic, "")),
    # f-GANs whose f is GAN's: 2 JS − the constants; ½ of it; and the relativistic pair, which sees s(x) = 0
    "fgan-gan": (linear("f-gan"), GAMES["gan"]),
    "relativistic": (linear("relativistic"), GAMES["non-saturating"]),
    "label smoothing, of δ₀": (replace(linear("minimax"), loss=LOSSES["minimax"].with_constants(smoothing=0.1)),
                               GAMES["gan"]),
    "semi-supervised, one class": (linear("semi-supervised"), GAMES["non-saturating"]),
}


@pytest.mark.parametrize("name", FIELDS)
@given(theta=st.floats(-3, 3), psi=st.floats(-3, 3).filter(lambda x: abs(x) > 1e-3))
@settings(max_examples=15, derandomize=True)
def test_fields_are_those_of_the_theory(name: str, theta: float, psi: float) -> None:
    game, closed = FIELDS[name]
    near(velocity(game, theta, psi), theirs(closed, theta, psi))


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_with_d_high_on_the_fakes_is_rejected(name: str) -> None:
    """The sign of ψ matters: the field mirrored otherwise is another one."""
    game, closed = FIELDS[name]
    theta, psi = POINTS[0]
    v = [x.item() for x in dynamics.velocity(closed, Tensor(np.array([theta])), Tensor(np.array([psi])))]
    with pytest.raises(AssertionError):
        near(velocity(game, theta, psi), v)


# Fields by hand: (θ, ψ) -> (v_θ, v_ψ), with t = ψθ the fake's score
def relu_slope(x: float) -> float:
    return float(x > 0)


def lecam(t: float) -> float:
    return 4 * expit(t) ** 2 * expit(-t)


def jeffreys(t: float) -> float:
    """u with f′(u) = log u + 1 − 1/u = t."""
    return brentq(lambda u: np.log(u) + 1 - 1 / u - t, 1e-6, 1e6, xtol=1e-14)


def below(a: float) -> Callable[[float], float]:
    """T = 1/(1 − α) − softplus(−v), u = ((1 − α) softplus(−v))^{1/(α − 1)}: df*/dv = u σ(−v)."""
    return lambda t: ((1 - a) * np.logaddexp(0, -t)) ** (1 / (a - 1)) * expit(-t)


def above(a: float) -> Callable[[float], float]:
    return lambda t: max(0.0, 1 + (a - 1) * t) ** (1 / (a - 1))


def by_envelope(row) -> Callable[[float], float]:
    """u T′(v), u where f′(u) = T(v): the sup of f* sits there; 0 if at u = 0. T′ by five points."""
    def slope(v: float) -> float:
        if row.activation(v) <= row.f_prime(exp(-60)):
            return 0.0
        u = exp(brentq(lambda log_u: row.f_prime(np.exp(log_u)) - row.activation(v), -60, 60, xtol=1e-14))
        T, h = [row.activation(v + k * 1e-3) for k in (-2, -1, 1, 2)], 1e-3
        return u * (T[0] - 8 * T[1] + 8 * T[2] - T[3]) / (12 * h)

    return slope


# d/dv f*(T(v)) of each f with its usual activation
BY_FORMULA = {
    "kl": lambda t: exp(t - 1), "reverse-kl": lambda t: 1.0, "pearson": lambda t: max(0.0, 1 + t / 2),
    "neyman": lambda t: exp(-t / 2), "squared-hellinger": lambda t: exp(t) / 2, "gan": expit,
    "js": lambda t: expit(t) / 2, "total-variation": lambda t: 0.5 / np.cosh(t) ** 2, "jeffreys": jeffreys,
    "le-cam": lecam, **{f"alpha({a:g})": below(a) if a < 1 else above(a) for a in (-0.5, 0.5, 1.5, 3.0)},
}
COSTS = {name: BY_FORMULA.get(name) or by_envelope(row) for name, row in DIVERGENCES.items()}
LAM, ETA = 0.7, 0.1
MEANS = {"theta": 0.25, "w": -0.5}
BY_HAND: dict[str, tuple[Game, Callable]] = {
    "hinge": (linear("hinge"), lambda x, p: (p, -relu_slope(1 + p * x) * x)),
    "lsgan": (linear("lsgan"), lambda x, p: (-(p * x - 1) * p, -p * x * x)),
    "lsgan-pearson": (linear("lsgan-pearson"), lambda x, p: (-p * x * p, -(p * x + 1) * x)),
    "wgan-lp": (linear("wasserstein", penalty_kind="one-sided", penalty=LAM),
                lambda x, p: (p, -x - 2 * LAM * max(0, abs(p) - 1) * np.sign(p))),
    "dragan": (linear("non-saturating", penalty_kind="dragan", penalty=LAM),
               lambda x, p: (expit(-p * x) * p, -expit(p * x) * x - 2 * LAM * (abs(p) - 1) * np.sign(p))),
    "relativistic-average": (linear("relativistic-average"),
                             lambda x, p: (2 * expit(-p * x) * p, -2 * expit(p * x) * x)),
    # E D(x) = 0: the real label's −α E s(x) has no slope, and L is softplus or |·| of the outputs ψx
    "ls-gan": (linear("ls-gan"), lambda x, p: (
        -np.sign(p * x) * p, 10 * relu_slope(abs(x) - abs(p * x)) * np.sign(p * x) * x)),
    "gls-gan": (linear("gls-gan", penalty_kind="none"), lambda x, p: (
        -p, (1 if abs(x) - p * x > 0 else 0.5) * x)),
    # |ψx − x|: the margin is 1
    "ebgan": (linear("ebgan"), lambda x, p: (
        -abs(p - 1) * np.sign(x), relu_slope(1 - abs((p - 1) * x)) * np.sign(p - 1) * abs(x))),
    "feature-matching": (linear("feature-matching"), lambda x, p: (-2 * x, -expit(p * x) * x)),  # features: x
    **{f"fgan-{name}": (linear(f"f-{name}"), lambda x, p, cost=cost: (cost(p * x) * p, -cost(p * x) * x))
       for name, cost in COSTS.items()},
}


@pytest.mark.parametrize("name", [name for name in BY_FORMULA if name != "total-variation"])  # whose f′ has no inverse
def test_a_cost_that_is_not_in_the_table_is_right_too(name: str) -> None:
    for v in (-1.3, -0.2, 0.7, 1.1):
        assert by_envelope(DIVERGENCES[name])(v) == pytest.approx(BY_FORMULA[name](v), rel=1e-9)


@pytest.mark.parametrize("name", BY_HAND)
def test_fields_are_those_derived_by_hand(name: str) -> None:
    game, field = BY_HAND[name]
    for theta, psi in POINTS:
        near(velocity(game, theta, psi), field(theta, psi))


PLAIN = {  # the fields of the losses alone
    **{name: (lambda x, p, closed=closed: theirs(closed, x, p)) for name, (_, closed) in FIELDS.items()},
    **{name: field for name, (_, field) in BY_HAND.items()},
    "non-saturating": lambda x, p: theirs(GAMES["non-saturating"], x, p),
    "minimax": lambda x, p: theirs(GAMES["gan"], x, p), "zero-sum": lambda x, p: theirs(GAMES["gan"], x, p),
    "wasserstein": lambda x, p: (p, -x),
    "semi-supervised": lambda x, p: theirs(GAMES["non-saturating"], x, p), "ebgan-pt": BY_HAND["ebgan"][1],
    **{f"f-{name}": BY_HAND[f"fgan-{name}"][1] for name in COSTS},
}
PULLS = {  # −∂/∂ψ of each penalty, the slope being ψ everywhere
    "none": lambda p: 0.0, "two-sided": lambda p: -2 * (abs(p) - 1) * np.sign(p),
    "dragan": lambda p: -2 * (abs(p) - 1) * np.sign(p),
    "one-sided": lambda p: -2 * max(0, abs(p) - 1) * np.sign(p), "r1": lambda p: -p, "r2": lambda p: -p,
}


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipes_field(name: str) -> None:
    """Its loss and its penalty at its own weight. What else it may have is below, or asks for hidden layers."""
    row, config = RECIPES[name], configure(name)
    if row.loss.critic is None:
        return  # below
    loss = row.loss.with_constants(pull_away=0.0) if name == "ebgan-pt" else row.loss  # one sample has no pairs
    game = Game(loss=loss, generator=POINT, critic=SLOPE, penalty_kind=config.penalty_kind, penalty=config.penalty)
    known = next(key for key, value in LOSSES.items() if value is row.loss)
    assert known in PLAIN, f"tests/gans/test_linear.py: the field of {known!r} by hand, in BY_HAND (f-GANs: COSTS)"
    for theta, psi in POINTS:
        # the datum is at 0, where the energy |ψx − x| has its kink, whose slope is taken as 0
        pull = 0.0 if row.loss.head.name == "energy" else config.penalty * PULLS[config.penalty_kind](psi)
        near(velocity(game, theta, psi), np.array(PLAIN[known](theta, psi)) + [0, pull])


def test_historical_averaging_pulls_to_the_past() -> None:
    """v − 2λ(x − x̄), as dynamics.historical_averaging takes it."""
    means = {f"{p}.mean": Tensor(np.array([m])) for p, m in MEANS.items()}
    for theta, psi in POINTS:
        found = velocity(linear("non-saturating", historical_weight=LAM), theta, psi, **means)
        pull = 2 * LAM * (np.array([theta, psi]) - list(MEANS.values()))
        near(found, theirs(GAMES["non-saturating"], theta, psi) - pull)


def test_spectral_norm_leaves_the_sign_of_the_slope() -> None:
    """ψ/σ(ψ) = ±1: v_ψ = 0, and K times the sign for the generator."""
    critic = MLP((1, 1))
    game = Game(loss=LOSSES["wasserstein"], generator=POINT, critic=critic, spectral_norm=3.0)
    for theta, psi in POINTS:
        s = Tensor(np.array([1.0, np.sign(psi)]))  # u, v
        state = {"theta": Tensor(np.array([theta])), "w": Tensor(np.array([psi, 0.0])), "w.s": s}
        near(grad(game.generator_loss(state, batch()), state["theta"]).value, [-3 * np.sign(psi)])
        near(grad(game.critic_loss(state, batch()), state["w"]).value, [0, 0])


def test_instance_noise_by_quadrature() -> None:
    """A row of runs for each of 40 nodes: the losses are means over samples, so E is their weighted sum."""
    sigma, (nodes, weights) = 0.7, np.polynomial.hermite_e.hermegauss(40)
    weights, noise = weights / weights.sum(), nodes[:, None, None]
    game = linear("minimax")
    inputs = batch((40,)) | {"sigma": np.array(sigma), "noise.real": noise, "noise.fake": noise}
    for theta, psi in POINTS:
        state = {"theta": Tensor(np.full((40, 1), theta)), "w": Tensor(np.full((40, 1), psi))}
        found = [-(weights @ grad(loss(state, inputs).sum(), state[p]).value[:, 0])
                 for p, loss in [("theta", game.generator_loss), ("w", game.critic_loss)]]
        near(found, theirs(dynamics.instance_noise(sigma), theta, psi))


def test_packs_of_two() -> None:
    """D(x₁, x₂) = ψ₁x₁ + ψ₂x₂ of a fake pack (θ, θ)."""
    game = Game(loss=LOSSES["non-saturating"], generator=POINT, critic=MLP((2, 1)), pack=2)
    for theta, psi in POINTS:
        state = {"theta": Tensor(np.array([theta])), "w": Tensor(np.array([psi, 0.3, 0.0]))}
        t, inputs = (psi + 0.3) * theta, batch(n=2)
        near(grad(game.generator_loss(state, inputs), state["theta"]).value, [-expit(-t) * (psi + 0.3)])
        near(grad(game.critic_loss(state, inputs), state["w"]).value[:2], [expit(t) * theta] * 2)


def test_mlps_of_one_layer_are_these_networks() -> None:
    """MLP((1, 1)) with weight 0 and bias θ, and with weight ψ and bias 0: the same field, and a weight that stays 0."""
    for name, (game, closed) in FIELDS.items():
        if game.loss.head.name != "scalar":
            continue
        whole = Game(**vars(game) | {"generator": MLP((1, 1)), "critic": MLP((1, 1))})
        for theta, psi in POINTS:
            state = {"theta": Tensor(np.array([0.0, theta])), "w": Tensor(np.array([psi, 0.0]))}
            v_theta = -grad(whole.generator_loss(state, batch()), state["theta"]).value
            v_psi = -grad(whole.critic_loss(state, batch()), state["w"]).value[0]
            assert v_theta[0] == 0, name
            near([v_theta[1], v_psi], theirs(closed, theta, psi))


@pytest.mark.parametrize("k", [0, 1, 3])
def test_unrolling_a_bilinear_game(k: int) -> None:
    """WGAN: ψ_k = ψ − kηθ, L_G = −ψ_k θ, so v_θ = ψ − 2kηθ; detached it would be ψ − kηθ."""
    players = Players(game=linear("wasserstein"), optimizer="sgd", unroll=k)
    for theta, psi in POINTS:
        near(stepped(players, theta, psi, ETA)[0], theta + ETA * (psi - 2 * k * ETA * theta))
        detached = stepped(of_players(UnrollDetached)(players), theta, psi, ETA)[0]
        near(detached, theta + ETA * (psi - k * ETA * theta))
        assert k == 0 or abs(detached - theta - ETA * (psi - 2 * k * ETA * theta)) > 1e-4


def stepped(players: Players, theta: float, psi: float, eta: float) -> tuple[float, float]:
    """(θ′, ψ′) of one step of each from one state."""
    state = {"theta": np.array([theta]), "w": np.array([psi])}
    inputs = tensors(batch() | numbers(eta))
    if players.update == "alternating":
        new = players.critic_step(tensors(state), inputs)[0] | players.generator_step(tensors(state), inputs)[0]
    else:
        new = players.joint_step(tensors(state), inputs)[0]
    return new["theta"].item(), new["w"].item()


def numbers(eta: float) -> dict:
    return {f"{name}.{p}": np.full((), x) for name, x in (("t", 1.0), ("eta", eta)) for p in ("w", "theta")}


@pytest.mark.parametrize("name", ["gan", "wgan", "r1"])
def test_consensus_is_that_of_the_theory(name: str) -> None:
    """v − γ ∇ ½‖v‖², for both."""
    game, closed = FIELDS[{"gan": "gan-minimax"}.get(name, name)]
    for (theta, psi), gamma in zip(POINTS, (0.5, 1.0, 2.0, 10.0), strict=True):
        expected = np.array([theta, psi]) + ETA * theirs(dynamics.with_consensus(closed, gamma), theta, psi)
        for update in ("simultaneous", "alternating"):
            players = Players(game=game, optimizer="sgd", consensus_weight=gamma, update=update)
            near(stepped(players, theta, psi, ETA), expected)
            for wrong in (PullDetached, Pushed):
                with pytest.raises(AssertionError):
                    near(stepped(of_players(wrong)(players), theta, psi, ETA), expected)


# Paths
def path(players: Players, start: tuple[float, float], steps: int, eta: float, **more) -> np.ndarray:
    """(θ, ψ) at each step of recorded programs, (steps + 1, 2); ψ in the signs of the theory."""
    state = {"theta": np.array([start[0]]), "w": np.array([-start[1]]), "critic_loss": np.zeros(()),
             "generator_loss": np.zeros(())}
    for player in ("theta", "w"):
        state |= {f"{player}.{slot}": np.zeros(1) for slot in OPTIMIZERS[players.optimizer].slots}
        state |= {f"{player}.mean": state[player].copy()} if players.game.historical_weight else {}
    inputs = batch(**more) | numbers(eta)
    if players.update == "alternating":  # the generator first, as in the theory
        programs = [record(step, state, inputs) for step in (players.generator_step, players.critic_step)]
    else:
        programs = [record(players.joint_step, state, inputs)]
    places = [(state["theta"][0], -state["w"][0])]
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(1, steps + 1):
            inputs["t.w"][...] = inputs["t.theta"][...] = t
            for program in programs:
                program()
            places.append((state["theta"][0], -state["w"][0]))
    return np.array(places)


def play(name: str, update: str = "simultaneous", **more) -> Players:
    return Players(game=FIELDS[name][0], optimizer="sgd", update=update, **more)


OPTIMISTIC = Players(game=linear("minimax"), optimizer="optimistic", update="simultaneous")
PATHS = {  # players of ours, a game and an update of the theory
    "simultaneous gan": (play("gan-minimax"), GAMES["gan"], "simultaneous"),
    "alternating gan": (play("gan-minimax", "alternating"), GAMES["gan"], "alternating"),
    "extragradient gan": (play("gan-minimax", "extragradient"), GAMES["gan"], "extragradient"),
    "extragradient wgan": (play("wgan", "extragradient"), dynamics.wgan(np.inf), "extragradient"),
    "optimistic gan": (OPTIMISTIC, GAMES["gan"], "optimistic"),
    "non-saturating": (play("gan"), GAMES["non-saturating"], "simultaneous"),
    "alternating r1": (play("r1", "alternating"), R1, "alternating"),
    "clipped wgan": (play("wgan", clip=1.0), dynamics.wgan(1.0), "simultaneous"),
    "wgan-gp": (play("wgan-gp"), dynamics.wgan_gp(1.0), "simultaneous"),
    "consensus": (play("gan-minimax", consensus_weight=1.0), GAMES["consensus"], "simultaneous"),
    "alternating consensus": (play("gan-minimax", "alternating", consensus_weight=1.0), GAMES["consensus"],
                              "alternating"),
}


@pytest.mark.parametrize("name", PATHS)
def test_paths_are_those_of_the_theory(name: str) -> None:
    players, game, update = PATHS[name]
    start = np.array([0.9, -1.1])
    near(path(players, start, 60, H), dynamics.trajectory(game, UPDATES[update], start, 60, H))


def test_historical_averaging_is_that_of_the_theory() -> None:
    start = np.array([0.9, -1.1])
    players = Players(game=linear("minimax", historical_weight=0.05), optimizer="sgd", update="simultaneous")
    near(path(players, start, 60, H),
         dynamics.trajectory(GAMES["gan"], dynamics.historical_averaging(0.05), start, 60, H))


@pytest.mark.parametrize(("name", "wrong"), [
    ("extragradient gan", FromAStepAhead), ("extragradient gan", NoStepAhead), ("simultaneous gan", OneAheadOfTheOther),
    ("consensus", PullDetached),
])
def test_wrong_steps_leave_the_path(name: str, wrong: type) -> None:
    players, game, update = PATHS[name]
    start = np.array([0.9, -1.1])
    with pytest.raises(AssertionError):
        near(path(of_players(wrong)(players), start, 20, H), dynamics.trajectory(game, UPDATES[update], start, 20, H))


def test_a_bilinear_game_in_closed_form() -> None:
    """z = θ + iψ turns: z′ = (1 + iη) z simultaneously, (1 − η² + iη) z by extra-gradient (from δ_θ, ψ unclipped)."""
    start, eta, n = (0.6, -0.8), 0.3, 40
    for update, factor in [("simultaneous", 1 + 1j * eta), ("extragradient", 1 - eta**2 + 1j * eta)]:
        z = complex(*start) * factor ** np.arange(n + 1)
        near(path(play("wgan", update), start, n, eta), np.stack([z.real, z.imag], axis=1))
    optimistic = replace(OPTIMISTIC, game=linear("wasserstein"))
    still = path(optimistic, start, 400, eta)
    assert np.hypot(*still[-1]) < 1e-3 < 1e3 < np.hypot(*path(play("wgan"), start, 200, eta)[-1])


# The table of Mescheder et al. (2018): h = 0.2 from (1, 1), 500 steps
def radii(players: Players, **more) -> np.ndarray:
    return np.hypot(*path(players, (1.0, 1.0), 500, H, **more).T)


def test_the_convergence_table() -> None:
    assert radii(play("gan-minimax"))[[0, -1]] == pytest.approx([sqrt(2), 3.10], abs=5e-3)
    assert radii(play("gan"))[-1] == pytest.approx(0.64, abs=5e-3)
    for name in ("r1", "r2"):
        assert radii(play(name))[-1] == pytest.approx(2.6e-6, abs=5e-8)
    for name, ends, more in [("wgan", (1.00, 1.27), {"clip": 1.0}), ("wgan-gp", (1.41, 1.83), {})]:
        orbit = radii(play(name, **more))[-100:]
        assert (orbit.min(), orbit.max()) == pytest.approx(ends, abs=5e-3)
    assert radii(play("gan-minimax", "alternating"))[-1] == pytest.approx(1.42, abs=5e-3)
    for settled in (play("gan-minimax", consensus_weight=1.0), play("gan-minimax", "extragradient"),
                    OPTIMISTIC):
        r = radii(settled)
        assert r[-1] < 0.25 * r[0] and r[-1] == r.min()
    assert radii(play("gan-minimax", consensus_weight=1.0))[-1] < 1e-3


def test_instance_noise_settles_and_the_wgan_gp_of_a_large_weight_diverges() -> None:
    """Noise at 200 quantiles, both signs of each."""
    noise = ndtri((np.arange(400) + 0.5) / 400)[:, None]
    players = play("gan-minimax")
    r = radii(players, n=400, **{"sigma": np.array(0.7), "noise.real": noise, "noise.fake": noise})
    assert r[-1] < 1e-3
    exact = dynamics.trajectory(dynamics.instance_noise(0.7), UPDATES["simultaneous"], np.ones(2), 500, H)
    np.testing.assert_allclose(r, dynamics.radius(exact), atol=0.02)
    penalised = linear("wasserstein", penalty_kind="two-sided", penalty=10.0)
    large = Players(game=penalised, optimizer="sgd", update="simultaneous")
    assert radii(large)[50] > 1e20


# Systems without a critic
def test_imle_mle_and_reverse_kl_on_one_point() -> None:
    """L = θ²; a Gaussian N(μ, e^{2ℓ}): −E log q at x = 0, and KL(N(μ, e^{2ℓ}) ‖ N(0, 1)) by z = ±1."""
    theta = Tensor(np.array([0.7]))
    near(grad(linear("imle").generator_loss({"theta": theta, "w": theta}, batch()), theta).value, [1.4])
    for mu, ell in POINTS:
        theta, variance = Tensor(np.array([mu, ell])), exp(2 * ell)
        state = {"theta": theta, "w": theta}
        fit = Game(loss=LOSSES["mle"], generator=Gaussian(1), critic=SLOPE)
        near(grad(fit.generator_loss(state, batch()), theta).value, [mu / variance, 1 - mu**2 / variance])
        back = Game(loss=LOSSES["reverse-kl"], generator=Gaussian(1), critic=SLOPE,
                    target=lambda x: -0.5 * (x * x).sum(-1))
        two = batch(n=2) | {"z": np.array([[1.0], [-1.0]])}  # moments of N(0, 1)
        near(grad(back.generator_loss(state, two), theta).value, [mu, variance - 1])
