"""The demos of the game find what is known from elsewhere: closed forms, scipy, plain loops, the theory's bounds."""

from math import log, pi, sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.spatial.distance import jensenshannon
from scipy.special import expit
from scipy.stats import cauchy, kstest, norm, wasserstein_distance

from minigan.theory.dynamics import GAMES, UPDATES, radius, trajectory


# -- optimal_discriminator ------------------------------------------------------------------------
def p(x):
    return 0.5 * norm.pdf(x, -2, 0.6) + 0.5 * norm.pdf(x, 1.5, 0.6)


def q(x):
    return norm.pdf(x, 0, 1.2)


def worth(D, x):
    """V(D) by the trapezoid rule."""
    return np.trapezoid(p(x) * np.log(D) + q(x) * np.log1p(-D), x)


def test_the_best_discriminator_is_p_over_p_plus_q_and_worth_the_divergence(run):
    found, fine = run("optimal_discriminator"), np.linspace(-12, 12, 40_001)
    assert_allclose(found["D_star"], p(found["x"]) / (p(found["x"]) + q(found["x"])), rtol=1e-10)
    V = quad(lambda x: p(x) * np.log(p(x) / (p(x) + q(x))) + q(x) * np.log(q(x) / (p(x) + q(x))), -12, 12, limit=200)[0]
    assert found["V_star"] == pytest.approx(V, rel=1e-8)
    assert found["js"] == pytest.approx(jensenshannon(p(fine), q(fine)) ** 2, rel=1e-6)
    assert found["V_star"] == pytest.approx(2 * found["js"] - 2 * log(2), rel=1e-12)


def test_a_trained_discriminator_comes_near_it_from_below(run):
    found = run("optimal_discriminator")
    x, D, V = found["x"], found["D"], found["V"]
    assert (found["V_star"] > V).all()
    assert abs(V[0] + 2 * log(2)) < 0.05 and found["V_star"] - V[-1] < 0.006
    assert (np.diff(V[1:]) > -0.005).all()
    assert_allclose(V, [worth(d, x) for d in D], atol=2e-3)  # x reaches to where p and q are 0.0003 in all
    assert np.trapezoid(0.5 * (p(x) + q(x)) * abs(D[-1] - found["D_star"]), x) < 0.025
    seen = p(x) + q(x) > 0.1
    assert abs(D[-1] - found["D_star"])[seen].max() < 0.08 < abs(D[0] - found["D_star"])[seen].max()


# -- saturation -----------------------------------------------------------------------------------
def test_slopes_of_the_discriminator_and_of_the_critic(run):
    found = run("saturation")
    x, D = found["x"], expit(12.5 - 5 * found["x"])  # log p − log q of N(0, 1) and N(5, 1)
    assert_allclose(found["D_star"], D, rtol=1e-9)
    assert_allclose(found["log(1 − D)"], 5 * D, rtol=1e-8)
    assert_allclose(found["−log D"], 5 * expit(5 * x - 12.5), rtol=1e-8)
    assert_allclose(found["f"], 1, rtol=1e-9)
    fakes = abs(x - 5) < 2
    assert found["log(1 − D)"][x == 5.0] == pytest.approx(1.9e-5, rel=0.03)
    assert found["log(1 − D)"][fakes].min() < 1e-8 and found["f"][fakes].min() > 0.99


def test_the_critic_attains_the_distance(run):
    found = run("saturation")
    a, b = (norm.pdf(found["x"], m) for m in (0, 5))
    w1 = wasserstein_distance(found["x"], found["x"], a, b)
    assert found["w1"] == pytest.approx(w1, rel=1e-9) and w1 == pytest.approx(5, rel=1e-3)
    assert found["f_star"] @ (a / a.sum() - b / b.sum()) == pytest.approx(w1, rel=1e-9)


# -- vanishing_gradient ---------------------------------------------------------------------------
def test_one_gradient_vanishes_one_grows_one_stays(run):
    found = run("vanishing_gradient")
    orders = {name: np.log10(found[name][..., 0] / found[name][..., -1])
              for name in ("saturating", "non-saturating", "wasserstein")}
    assert orders["saturating"].min() > 1.5
    assert orders["non-saturating"].max() < -0.5
    assert abs(orders["wasserstein"]).max() < 0.7
    assert log(2) - 0.01 < found["js"][..., -1].min() <= found["js"].max() <= log(2)


# -- heavy_tails ----------------------------------------------------------------------------------
def test_the_trick_is_cauchy_and_the_others_are_not(run):
    found, rng = run("heavy_tails"), np.random.default_rng(0)
    n = len(found["trick"])
    eps, r = 0.01 * rng.standard_normal(n), 0.02 * rng.standard_normal(n)
    assert_allclose(found["trick"], -r / eps, rtol=1e-12)
    assert_allclose(found["minimax"], -r / (1 - eps), rtol=1e-12)
    assert_allclose(found["sigmoid"], -(1 - expit(log(0.01) + eps / 0.01)) * r / 0.01, rtol=1e-10)
    sure = sqrt(log(2e6) / 2)  # P(sup|F_n − F| > sure/√n) < 1e-6: Dvoretzky, Kiefer, Wolfowitz, Massart
    assert found["scale"] == 2
    assert kstest(found["trick"], cauchy(0, 2).cdf).statistic < sure / sqrt(n)
    assert kstest(found["means of 1000"], cauchy(0, 2).cdf).statistic < sure / 10  # no narrower
    assert kstest(found["sigmoid"] / sqrt(1000), cauchy(0, 2).cdf).statistic > 0.4
    assert (abs(found["trick"]) > 100).mean() == pytest.approx(2 * 2 / pi / 100, rel=0.12)
    assert abs(found["minimax"]).max() < 0.12 and abs(found["sigmoid"]).max() < 12 < 1e4 < abs(found["trick"]).max()


def test_the_running_mean_does_not_settle(run):
    found = run("heavy_tails")
    assert_allclose(found["mean"][[0, 9, -1]], [found["trick"][:k].mean() for k in (1, 10, None)], rtol=1e-9)
    assert np.ptp(found["mean"][10_000:]) > 1
    settled = np.cumsum(found["sigmoid"])[10_000:] / np.arange(10_001, 100_001)
    assert np.ptp(settled) < 0.1


# -- xy_game --------------------------------------------------------------------------------------
ETA = 0.25
TURN = np.array([[0, -1], [1, 0]])  # (x, y)˙ = (−y, x)
STEPS = {
    "simultaneous": np.eye(2) + ETA * TURN,
    "alternating": np.array([[1, -ETA], [ETA, 1 - ETA**2]]),
    "extragradient": np.eye(2) + ETA * TURN @ (np.eye(2) + ETA * TURN),
    "runge-kutta": sum((np.linalg.matrix_power(ETA * TURN, k) / d for k, d in enumerate((1, 1, 2, 6, 24))),
                       np.zeros((2, 2))),
}
FACTORS = {
    "simultaneous": sqrt(1 + ETA**2), "alternating": 1, "extragradient": sqrt(1 - ETA**2 + ETA**4),
    "runge-kutta": abs(1 + 1j * ETA - ETA**2 / 2 - 1j * ETA**3 / 6 + ETA**4 / 24),
    "optimistic": max(abs(np.roots([1, -1 - 2j * ETA, 1j * ETA]))),  # λ² = (1 + 2iη) λ − iη
}


@pytest.mark.parametrize("name", STEPS)
def test_paths_of_the_xy_game_are_powers_of_a_matrix(run, name):
    path = run("xy_game")["paths"][name]
    powers = [np.linalg.matrix_power(STEPS[name], t) @ [0, 1] for t in range(len(path))]
    assert_allclose(path, powers, rtol=1e-9, atol=1e-12)


def test_optimistic_steps_are_a_recurrence(run):
    path = run("xy_game")["paths"]["optimistic"]
    x = [np.array([0.0, 1.0])] * 2
    for _ in path[1:]:
        x.append(x[-1] + ETA * TURN @ (2 * x[-1] - x[-2]))
    assert_allclose(path, x[1:], rtol=1e-9, atol=1e-12)


def test_factors_of_the_xy_game(run):
    found = run("xy_game")
    assert found["paths"].keys() == found["factors"].keys() == FACTORS.keys()
    for name, factor in FACTORS.items():
        assert found["factors"][name] == pytest.approx(factor, rel=1e-9), name
    assert found["factors"]["simultaneous"] > 1 > found["factors"]["extragradient"] > found["factors"]["optimistic"]


# -- dirac_gan ------------------------------------------------------------------------------------
def pair(real, imaginary):
    return [complex(real, -imaginary), complex(real, imaginary)]


FLOW = {  # f′(0) = ½, f″(0) = −¼; γ = 0.3, σ = 0.7
    "GAN": pair(0, 0.5), "GAN, alternating": pair(0, 0.5), "WGAN, clipped": pair(0, 1), "Non-saturating": pair(0, 0.5),
    "R1 = R2": pair(-0.15, sqrt(0.25 - 0.15**2)), "Instance noise": pair(-0.1225, sqrt(0.25 - 0.1225**2)),
    "Consensus": pair(-0.25, 0.5),
}


@pytest.mark.parametrize("name", FLOW)
def test_eigenvalues_of_the_dirac_gan(run, name):
    found = run("dirac_gan")
    assert_allclose(found["flow"][name], FLOW[name], atol=1e-9)
    size = 1 if "alternating" in name else abs(1 + 0.2 * FLOW[name][0])
    assert_allclose(abs(found["step"][name]), size, rtol=1e-9)
    settles = radius(found["paths"][name])[-1] < 1e-3
    assert settles == (size < 1)


# Least and largest distance over the last 100 of 500 steps (claim G13)
LAST = {"GAN": (3.09, 3.10), "GAN, alternating": (1.34, 1.42), "WGAN, clipped": (1.00, 1.27), "WGAN-GP": (1.41, 1.83),
        "Non-saturating": (0.63, 0.64)}


@pytest.mark.parametrize("name", LAST)
def test_who_circles_the_dirac_gan(run, name):
    r = radius(run("dirac_gan")["paths"][name])
    assert len(r) == 501 and r[0] == pytest.approx(sqrt(2))
    assert_allclose([r[-100:].min(), r[-100:].max()], LAST[name], atol=0.0075)


def test_the_non_saturating_loss_is_a_case_of_its_own(run):
    r = radius(run("dirac_gan")["paths"]["Non-saturating"])
    assert r[-100:].mean() == pytest.approx(sqrt(2 * 0.2), rel=0.02)
    flow = radius(trajectory(GAMES["non-saturating"], UPDATES["runge-kutta"], np.ones(2), 5000, 0.2))
    assert flow[-1] == pytest.approx(sqrt(8 / 1000), rel=0.01)  # t = 5000 h


def test_r1_comes_home(run):
    assert radius(run("dirac_gan")["paths"]["R1 = R2"])[-1] == pytest.approx(2.6e-6, abs=5e-8)


# -- unrolling ------------------------------------------------------------------------------------
def looked_ahead(k, theta, psi, h=0.2):
    """f(ψ_k(θ) θ), f(t) = −log(1 + e^{−t}): of complex θ too."""
    for _ in range(k):
        psi = psi + h * theta / (1 + np.exp(psi * theta))
    return -np.log1p(np.exp(-psi * theta))


@pytest.mark.parametrize("k", [0, 1, 5])
def test_unrolled_paths_are_plain_loops(run, k):
    path = run("unrolling")["paths"][k]
    x = [np.array([1.0, 1.0])]
    for _ in path[1:]:
        theta, psi = x[-1]
        slope = looked_ahead(k, theta + 1e-30j, psi).imag / 1e-30  # a complex step: the derivative, to rounding
        x.append(np.array([theta - 0.2 * slope, psi + 0.2 * theta * expit(-psi * theta)]))
    assert_allclose(path, x, rtol=1e-8, atol=1e-11)


def test_looking_ahead_is_friction_and_ten_steps_are_critical(run):
    factors, a = run("unrolling")["factors"], 0.5 * 0.2  # h f′(0)
    for k, factor in factors.items():
        by_hand = np.linalg.eigvals([[1 - 2 * k * a**2, -a], [a, 1]])
        assert factor == pytest.approx(abs(by_hand).max(), abs=1e-7), k
        if k < 10:
            assert factor == pytest.approx(sqrt(1 + a**2 - 2 * k * a**2), rel=1e-9), k
    assert min(factors, key=factors.get) == 10 and factors[10] == pytest.approx(1 - a, abs=1e-7)
    assert factors[0] > 1 > factors[1]


def test_the_bowl_becomes_a_hole(run):
    found = run("unrolling")
    values = np.array(list(found["values"].values()))
    for k, V in found["values"].items():
        assert_allclose(V, looked_ahead(k, found["theta"], 0 * found["theta"]) - log(2), rtol=1e-9)
    assert_allclose(found["values"][0], -2 * log(2), rtol=1e-12)
    assert_allclose(values[:, found["theta"] == 0], -2 * log(2), rtol=1e-12)
    assert (np.diff(values, axis=0)[:, found["theta"] != 0] > 0).all() and values.max() < -log(2)
    assert found["values"][100][0] > -log(2) - 0.01


# -- historical_averaging -------------------------------------------------------------------------
REINS = (0.0, 0.02, 0.025, 0.03, 0.1, 0.3, 1.0)


@pytest.mark.parametrize("lam", REINS)
def test_averages_of_the_past_by_hand(run, lam):
    x = [np.array([1.0, 0.0])]
    for _ in range(80):  # with the mean of all that was, summed afresh
        x.append(x[-1] + 0.1 * (TURN @ x[-1] - 2 * lam * (x[-1] - np.mean(x, axis=0))))
    assert_allclose(run("historical_averaging")["radius"][lam][:81], np.hypot(*np.transpose(x)), rtol=1e-9)


@pytest.mark.parametrize("lam", REINS[:4])
def test_the_rein_holds_from_a_quarter_of_eta_on(run, lam):
    r = run("historical_averaging")["radius"][lam]
    rate = (r[3000] / r[2000]) ** 1e-3
    assert rate == pytest.approx(sqrt((1 - 0.2 * lam) ** 2 + 0.01), abs=1e-5)
    if lam != 0.025:  # η/4 itself is the limit as η → 0
        assert (rate < 1) == (lam > 0.025)


@pytest.mark.parametrize("lam", REINS[4:])
def test_in_the_end_the_past_is_a_weight(run, lam):
    r = run("historical_averaging")["radius"][lam]
    assert np.log2(r[10_000] / r[5000]) == pytest.approx(-1 / (1 + 4 * lam**2), rel=0.01)
