"""The small games: velocities, steps, paths and Jacobians against closed forms, plain loops and scipy."""

from math import inf, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp
from scipy.special import expit

from minigan.autodiff import Tensor, grad
from minigan.theory import dynamics
from minigan.theory.dynamics import GAMES, UPDATES, historical_averaging, jacobian, radius, step_jacobian, trajectory

H, GAMMA, SIGMA = 0.2, 0.3, 0.7


def slope(t):  # f′ of f(t) = −log(1 + e^{−t})
    return expit(-t)


def noisy(function):
    return quad(lambda e: function(e) * np.exp(-0.5 * (e / SIGMA) ** 2) / (SIGMA * sqrt(2 * np.pi)), -8, 8,
                epsabs=1e-12)[0]


def gan(t, p):
    return np.array([-slope(p * t) * p, slope(p * t) * t])


def gan_jacobian(t, p):
    bent = -expit(p * t) * expit(-p * t)  # f″
    return np.array([[-bent * p * p, -slope(p * t) - bent * p * t], [slope(p * t) + bent * p * t, bent * t * t]])


# (v_θ, v_ψ) by hand
FIELDS = {
    "xy": lambda t, p: np.array([-p, t]),
    "gan": gan,
    "non-saturating": lambda t, p: np.array([-slope(-p * t) * p, slope(p * t) * t]),
    "wgan": lambda t, p: np.array([-p, t]),
    "wgan-gp": lambda t, p: np.array([-p, t - np.sign(p) * (abs(p) - 1)]),
    "r1": lambda t, p: gan(t, p) - [0, GAMMA * p],
    "r2": lambda t, p: gan(t, p) - [0, GAMMA * p],
    "instance-noise": lambda t, p: np.array([-p * noisy(lambda e: slope(p * (t + e))),
                                             noisy(lambda e: slope(p * (t + e)) * (t + e)) - noisy(
                                                 lambda e: e * slope(-p * e))]),
    "consensus": lambda t, p: gan(t, p) - gan_jacobian(t, p).T @ gan(t, p),
}
POINTS = st.tuples(st.floats(-3, 3), st.floats(-3, 3))


def test_every_game_has_a_field_by_hand() -> None:
    assert FIELDS.keys() == GAMES.keys()
    assert all(row.source for row in [*GAMES.values(), *UPDATES.values()])


@pytest.mark.parametrize("name", FIELDS)
@given(point=POINTS)
def test_velocities(name, point) -> None:
    v = dynamics.velocity(GAMES[name], *(Tensor(np.array([x])) for x in point))
    np.testing.assert_allclose([float(x.value[0]) for x in v], FIELDS[name](*point), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("rule", [*UPDATES, "historical-averaging"])
def test_jacobians_are_finite_differences(name, rule) -> None:
    update, game = UPDATES.get(rule, historical_averaging(0.05)), GAMES[name]
    at, eps = np.array([0.6, -0.4]), 1e-5
    v = [np.array([float(x.value[0]) for x in dynamics.velocity(game, *(Tensor(np.array([y])) for y in at + d))])
         for d in (eps * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]]))]
    measured = np.stack([v[0] - v[1], v[2] - v[3]], axis=1) / (2 * eps)
    np.testing.assert_allclose(jacobian(game, at), measured, rtol=1e-7, atol=1e-8)

    J = step_jacobian(game, update, H, at, t=1.0)
    shifts = at[:, None] + eps * np.array([[1, -1, 0, 0], [0, 0, 1, -1]])
    ends = trajectory(game, update, shifts, 1, H)[1]
    measured = np.stack([ends[:, 0] - ends[:, 1], ends[:, 2] - ends[:, 3]], axis=1) / (2 * eps)
    # A trajectory starts the memory at the point itself: what moves the point moves the memory with it
    start = np.eye(2)
    if rule == "optimistic":
        start = np.concatenate([start, jacobian(game, at)])
    if rule == "historical-averaging":
        start = np.concatenate([start, np.eye(2)])
    np.testing.assert_allclose((J @ start)[:2], measured, rtol=1e-6, atol=1e-8)


def test_eigenvalues_at_the_equilibrium() -> None:
    origin = np.zeros(2)
    bent = -0.25
    for name, expected in [
        ("gan", [-0.5j, 0.5j]), ("wgan", [-1j, 1j]),
        ("r1", [-GAMMA / 2 - np.sqrt(GAMMA**2 / 4 - 0.25 + 0j), -GAMMA / 2 + np.sqrt(GAMMA**2 / 4 - 0.25 + 0j)]),
        ("instance-noise", [bent * SIGMA**2 - np.sqrt(bent**2 * SIGMA**4 - 0.25 + 0j),
                            bent * SIGMA**2 + np.sqrt(bent**2 * SIGMA**4 - 0.25 + 0j)]),
        ("consensus", [-0.25 - 0.5j, -0.25 + 0.5j]),
    ]:
        np.testing.assert_allclose(dynamics.eigenvalues(jacobian(GAMES[name], origin)), np.sort_complex(expected),
                                   atol=1e-9, err_msg=name)
    strong = dynamics.eigenvalues(jacobian(dynamics.zero_centered_penalty(2.0), origin))  # γ > 2 f′: real
    np.testing.assert_allclose(strong, [-1 - sqrt(0.75), -1 + sqrt(0.75)], rtol=1e-12)


def by_hand(v, rule, x, steps, eta, clip=inf):
    """The update rules as plain loops."""
    path, before = [np.array(x)], v(*x)
    for _ in range(steps):
        x = path[-1]
        if rule == "simultaneous":
            x = x + eta * v(*x)
        elif rule == "alternating":
            t = x[0] + eta * v(*x)[0]
            x = np.array([t, x[1] + eta * v(t, x[1])[1]])
        elif rule == "extragradient":
            x = x + eta * v(*(x + eta * v(*x)))
        elif rule == "optimistic":
            now = v(*x)
            x, before = x + 2 * eta * now - eta * before, now
        elif rule == "runge-kutta":
            k1 = v(*x)
            k2 = v(*(x + eta / 2 * k1))
            k3 = v(*(x + eta / 2 * k2))
            x = x + eta / 6 * (k1 + 2 * k2 + 2 * k3 + v(*(x + eta * k3)))
        path.append(np.array([x[0], np.clip(x[1], -clip, clip)]))
    return np.array(path)


@pytest.mark.parametrize("rule", UPDATES)
@pytest.mark.parametrize("name", [name for name in FIELDS if name != "instance-noise"])
def test_paths_are_the_plain_loops(name, rule) -> None:
    start = np.array([0.9, -1.1])
    path = trajectory(GAMES[name], UPDATES[rule], start, 40, H)
    np.testing.assert_allclose(path, by_hand(FIELDS[name], rule, start, 40, H, GAMES[name].clip), rtol=1e-9, atol=1e-12)


def test_an_alternating_step_does_not_look_through_the_other_player() -> None:
    """The gradient in ψ of L_ψ(θ′(ψ), ψ) has another term: it damps xy, and is not alternating descent."""
    theta, psi = Tensor(np.array([1.0])), Tensor(np.array([1.0]))
    new_theta = theta - H * psi
    through = float(grad(dynamics.XY.critic(new_theta, psi).sum(), psi).value[0])
    apart = -float(dynamics.velocity(dynamics.XY, new_theta, psi)[1].value[0])
    assert apart == pytest.approx(-0.8) and through == pytest.approx(-0.6)
    x = radius(trajectory(dynamics.XY, UPDATES["alternating"], np.ones(2), 5000, H))
    assert x.min() > 1.2 and x.max() < 1.5


def test_the_flow_is_scipys() -> None:
    path = trajectory(GAMES["non-saturating"], UPDATES["runge-kutta"], np.ones(2), 200, 0.05)
    exact = solve_ivp(lambda t, x: FIELDS["non-saturating"](*x), (0, 10), [1, 1], rtol=1e-10, atol=1e-12).y[:, -1]
    np.testing.assert_allclose(path[-1], exact, atol=1e-7)


@given(st.lists(POINTS, min_size=1, max_size=4), st.sampled_from(sorted(GAMES)), st.sampled_from(sorted(UPDATES)))
def test_a_batch_is_its_single_runs(points, name, rule) -> None:
    starts = np.array(points).T
    together = trajectory(GAMES[name], UPDATES[rule], starts, 10, H)
    assert together.shape == (11, 2, len(points))
    for k in range(len(points)):
        alone = trajectory(GAMES[name], UPDATES[rule], np.ascontiguousarray(starts[:, k]), 10, H)
        np.testing.assert_allclose(together[..., k], alone, rtol=1e-12, atol=1e-14)


def test_precision_shapes_and_no_steps() -> None:
    for name in GAMES:
        for rule in [*UPDATES.values(), historical_averaging(0.1)]:
            path = trajectory(GAMES[name], rule, np.ones((2, 2, 3), dtype="float32"), 2, H)
            assert path.dtype == np.float32 and path.shape == (3, 2, 2, 3)
    start = np.array([3.0, 4.0])
    np.testing.assert_array_equal(trajectory(dynamics.XY, UPDATES["alternating"], start, 0, H), [start])
    assert radius(trajectory(dynamics.XY, UPDATES["alternating"], start, 0, H)) == [5.0]


def test_clipping_holds_and_divergence_is_an_answer() -> None:
    path = trajectory(dynamics.wgan(0.3), UPDATES["simultaneous"], np.ones(2), 100, H)
    assert np.abs(path[1:, 1]).max() == 0.3
    lost = radius(trajectory(dynamics.wgan_gp(20.0), UPDATES["simultaneous"], np.ones(2), 2000, H))
    assert lost[50] > 1e20 and not np.isfinite(lost[-1])


MASKED = np.ma.masked_array([1.0, 0.0], [False, True])


def test_lists_and_whole_numbers_are_a_start() -> None:
    path = trajectory(dynamics.XY, UPDATES["simultaneous"], [1, 0], 2, 0.1)
    np.testing.assert_allclose(path, [[1, 0], [1, 0.1], [0.99, 0.2]])


@pytest.mark.parametrize(("width", "rtol"), [(0.7, 1e-12), (5.0, 1e-12), (10.0, 1e-9), (25.0, 1e-4), (1e4, 0.02)])
def test_instance_noise_of_any_width(width, rtol) -> None:
    """Against a sum of 2.4 million terms: 40-point Gauss–Hermite was off by 1e-7 at 2, 2 % at 10."""
    e = np.linspace(-12, 12, 2_400_001)
    phi = np.exp(-e * e / 2)
    phi /= phi.sum()
    for theta, psi in [(0.3, 1.0), (-1.1, -3.0)]:
        sigma = width / abs(psi)
        fooled, noisy = psi * (theta * sigma + sigma * e), psi * sigma * e
        expected = [-psi * (phi @ expit(-fooled)), (phi @ (fooled * expit(-fooled) - noisy * expit(noisy))) / psi]
        point = (Tensor(np.array([x])) for x in (theta * sigma, psi))
        found = [v.value[0] for v in dynamics.velocity(dynamics.instance_noise(sigma), *point)]
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * max(abs(psi), sigma))


@pytest.mark.parametrize("lam", [0.0, 0.05, 0.4])
def test_historical_averaging_pulls_to_the_mean_of_all_that_was(lam) -> None:
    path = trajectory(GAMES["gan"], historical_averaging(lam), np.array([1.0, -0.5]), 30, H)
    x = [path[0]]
    for _ in range(30):
        x.append(x[-1] + H * (gan(*x[-1]) - 2 * lam * (x[-1] - np.mean(x, axis=0))))
    np.testing.assert_allclose(path, x, rtol=1e-10)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: trajectory(dynamics.XY, UPDATES["simultaneous"], np.ones(3), 1, H), r"\(3,\)"),
    (lambda: trajectory(dynamics.XY, UPDATES["simultaneous"], np.ones((2, 0)), 1, H), r"\(2, 0\)"),
    (lambda: trajectory(dynamics.XY, UPDATES["simultaneous"], np.array([1, nan]), 1, H), "finite"),
    (lambda: trajectory(dynamics.XY, UPDATES["simultaneous"], np.ones(2), -1, H), "not -1"),
    (lambda: trajectory(dynamics.XY, UPDATES["simultaneous"], np.ones(2), 1, 0.0), "eta"),
    (lambda: trajectory(dynamics.XY, UPDATES["simultaneous"], np.ones(2), 1, nan), "eta"),
    (lambda: jacobian(dynamics.XY, np.ones((3, 2))), r"\(3, 2\)"),
    (lambda: jacobian(dynamics.XY, np.ones((2, 3))), r"one point, of shape \(2,\), not \(2, 3\)"),
    (lambda: jacobian(GAMES["wgan-gp"], np.zeros(2)), "the velocity jumps"),
    (lambda: step_jacobian(GAMES["wgan-gp"], UPDATES["alternating"], H, np.array([1.0, 0.0])), "the velocity jumps"),
    (lambda: step_jacobian(dynamics.XY, historical_averaging(0.1), H, np.ones(2), t=0), "numbered from 1"),
    (lambda: dynamics.wgan(-1.0), "clip ≥ 0, not -1"),
    (lambda: dynamics.wgan(nan), "clip ≥ 0, not nan"),
    (lambda: radius(np.ones((4, 3))), r"not \(4, 3\)"),
    (lambda: trajectory(dynamics.XY, UPDATES["simultaneous"], MASKED, 1, H), "point of the game has 1 masked"),
    (lambda: dynamics.eigenvalues(np.ma.masked_array(np.eye(2), np.eye(2))), "j has 2 masked"),
    (lambda: radius(np.ma.masked_array(np.ones((3, 2)), np.eye(3, 2))), "path has 2 masked"),
    (lambda: step_jacobian(dynamics.XY, UPDATES["simultaneous"], -1.0, np.ones(2)), "eta"),
])
def test_what_is_refused(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()
