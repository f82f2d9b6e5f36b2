"""The demos of the distances find what is known from elsewhere: closed forms, scipy, the theory's inequalities."""

from itertools import combinations
from math import inf, log, sqrt

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import linear_sum_assignment
from scipy.stats import norm, wasserstein_distance


def kl_between(p, q, points):
    """∫ p log(p/q) by QUADPACK, of two scipy log-densities."""
    return quad(lambda x: np.exp(p(x)) * (p(x) - q(x)), -15, 15, points=points, limit=500, epsabs=1e-11)[0]


def gauss(mu, sigma):
    return norm(mu, sigma).logpdf


def mixture(means, sigmas, weights):
    return lambda x: np.logaddexp.reduce([
        log(w) + norm.logpdf(x, m, s) for m, s, w in zip(means, sigmas, weights, strict=True)])


# -- gaussians_kl_js ------------------------------------------------------------------------------
@pytest.mark.parametrize("name, expected", [
    ("kl_pq", [0.5, log(2) + 2 / 8 - 1 / 2]),
    ("kl_qp", [0.5, -log(2) + 5 / 2 - 1 / 2]),  # E9: ½ both ways for weng's pair, and not for the other
])
def test_kl_of_gaussians_is_the_closed_form(run, name, expected):
    np.testing.assert_allclose(run("gaussians_kl_js")[name], expected, atol=1e-10)


def test_js_of_gaussians(run):
    js = run("gaussians_kl_js")["js"]
    p, q = gauss(0, 1), gauss(1, 2)

    def m(x):
        return np.logaddexp(p(x), q(x)) - log(2)

    by_hand = 0.5 * kl_between(p, m, [0, 1]) + 0.5 * kl_between(q, m, [0, 1])
    np.testing.assert_allclose(js, [0.1114215, by_hand], atol=5e-8)
    assert max(js) < log(2)


# -- conjugates -----------------------------------------------------------------------------------
STAR = {
    "kl": lambda t: np.exp(t - 1),
    "reverse-kl": lambda t: -1 - np.log(-t),
    "pearson": lambda t: np.where(t < -2, -1, t + t**2 / 4),
    "neyman": lambda t: 2 - 2 * np.sqrt(1 - t),
    "squared-hellinger": lambda t: t / (1 - 2 * t),
    "gan": lambda t: -np.log(1 - np.exp(t)) - 2 * log(2),
    "total-variation": lambda t: np.maximum(t, -0.5),
    "le-cam": lambda t: np.where(t < -1.5, -0.5, 2 - t - 2 * np.sqrt(np.maximum(1 - 2 * t, 0))),
}


@pytest.mark.parametrize("name", STAR)
def test_conjugates_are_the_papers(run, name):
    found = run("conjugates")
    np.testing.assert_allclose(found["formula"][name], STAR[name](found["t"][name]), rtol=1e-9, atol=1e-12)


def test_every_formula_is_the_sup(run):
    found = run("conjugates")
    assert len(found["formula"]) == 14
    for name, formula in found["formula"].items():
        np.testing.assert_allclose(found["sup"][name], formula, rtol=1e-7, atol=1e-9, err_msg=name)


def test_the_double_well_becomes_its_convex_hull(run):
    x, hull = (run("conjugates")[name] for name in ("x", "hull"))
    np.testing.assert_allclose(hull, np.where(abs(x) < 1, 0, (x**2 - 1) ** 2), atol=1e-8)


# -- moment_matching ------------------------------------------------------------------------------
TWO_PEAKS = mixture([-2, 2], [0.5, 0.5], [0.5, 0.5])


def test_the_forward_fit_has_the_moments(run):
    found = run("moment_matching")
    np.testing.assert_allclose(found["forward"], [0, sqrt(4.25)], atol=1e-9)
    by_quadrature = kl_between(TWO_PEAKS, gauss(0, sqrt(4.25)), [-2, 2])
    np.testing.assert_allclose(found["forward_kl"], by_quadrature, atol=1e-8)


@pytest.mark.parametrize("k, near, low, high", [(0, -2, 0.69, log(2)), (1, 2, 0.69, log(2)), (2, 0, log(2), 2)])
def test_the_reverse_fit_has_three_local_minima(run, k, near, low, high):
    """One component alone costs log 2 at most; the Gaussian over both costs more, and is a minimum too."""
    (mu, sigma), value = (run("moment_matching")[name][k] for name in ("reverse", "reverse_kl"))

    def reverse(m, s):
        return kl_between(gauss(m, s), TWO_PEAKS, [m - s, m, m + s])

    assert abs(mu - near) < 0.001 and low < value < high
    np.testing.assert_allclose(value, reverse(mu, sigma), atol=1e-8)
    for m, s in [(0.02, 1), (-0.02, 1), (0, 1.02), (0, 0.98), (0.02, 1.02), (-0.02, 0.98)]:
        assert reverse(mu + m, sigma * s) > value + 1e-5


# -- parallel_lines -------------------------------------------------------------------------------
@pytest.mark.parametrize("name, apart", [("kl", inf), ("js", log(2)), ("tv", 1.0)])
def test_divergences_jump_where_the_lines_part(run, name, apart):
    found = run("parallel_lines")
    expected = np.where(found["theta"] == 0, 0, apart)
    assert (found["theta"] == 0).sum() == 1
    np.testing.assert_allclose(found[name], expected, atol=1e-12)


def test_w1_is_how_far_they_are(run):
    found = run("parallel_lines")
    np.testing.assert_allclose(found["w1"], abs(found["theta"]), atol=1e-12)


def test_only_w1_leads_home(run):
    found = run("parallel_lines")
    np.testing.assert_allclose(found["descent_js"], 0.93, atol=0)
    path = found["descent_w1"]
    np.testing.assert_allclose(path[:19], 0.93 - 0.05 * np.arange(19), atol=1e-9)
    assert abs(path[19:]).max() < 0.05  # η away from the kink at most


# -- four_piles -----------------------------------------------------------------------------------
def test_the_four_piles(run):
    found = run("four_piles")
    P, Q = [3, 2, 1, 4], [1, 2, 4, 3]
    np.testing.assert_array_equal(found["delta"], [0, 2, 2, -1, 0])
    assert found["cost"] == 5
    np.testing.assert_array_equal(found["states"], [P, [1, 4, 1, 4], [1, 2, 3, 4], Q])
    np.testing.assert_allclose(found["w1"], wasserstein_distance(range(4), range(4), P, Q), atol=1e-12)


# -- transport_plan -------------------------------------------------------------------------------
def test_the_plan_is_the_best_assignment_of_the_18_eighteenths(run):
    found = run("transport_plan")
    x, y = np.repeat(found["x"], 3, axis=0), np.repeat(found["y"], 2, axis=0)
    distance = np.linalg.norm(x[:, None] - y, axis=2)
    best = distance[linear_sum_assignment(distance)].mean()
    for name in ("primal", "dual", "critic"):
        np.testing.assert_allclose(found[name], best, atol=1e-9, err_msg=name)


def test_the_plan_has_the_marginals_and_complementary_slackness(run):
    found = run("transport_plan")
    plan, slack = found["plan"], found["slack"]
    np.testing.assert_allclose(plan.sum(axis=1), np.full(6, 1 / 6), atol=1e-9)
    np.testing.assert_allclose(plan.sum(axis=0), np.full(9, 1 / 9), atol=1e-9)
    assert slack.min() > -1e-9 and slack.max() > 0.1
    assert (plan * slack).max() < 1e-10


def test_the_critic_falls_with_slope_1_where_the_plan_goes(run):
    found = run("transport_plan")
    distance = np.linalg.norm(found["x"][:, None] - found["y"], axis=2)
    assert (found["drop"] <= distance + 1e-9).all()
    used = found["plan"] > 1e-9
    np.testing.assert_allclose(found["drop"][used], distance[used], atol=1e-9)


def test_no_two_lines_of_the_plan_cross(run):
    """Else exchanging their ends would be shorter, by the triangle inequality."""
    found = run("transport_plan")
    lines = [(found["x"][i], found["y"][j]) for i, j in np.argwhere(found["plan"] > 1e-9)]

    def side(a, b, c):
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    for (a, b), (c, d) in combinations(lines, 2):
        assert not (side(a, b, c) * side(a, b, d) < -1e-12 and side(c, d, a) * side(c, d, b) < -1e-12)


def test_on_the_line_the_plan_is_monotone(run):
    """∫ |F⁻¹ − G⁻¹|² du by a fine midpoint rule, which is not how the program found it."""
    found = run("transport_plan")
    u = (np.arange(200_000) + 0.5) / 200_000
    inverse = [found["s"][np.searchsorted(np.cumsum(w) / w.sum(), u)] for w in (found["a"], found["b"])]
    np.testing.assert_allclose(found["w2_squared"], ((inverse[0] - inverse[1]) ** 2).mean(), atol=1e-4)
    i, j = np.nonzero(found["line_plan"] > 1e-8)
    assert (np.maximum.accumulate(j) == j).all() and (np.diff(i) >= 0).all()


# -- f_gan_divergences ----------------------------------------------------------------------------
TARGET = mixture([-1.5, 2.0], [0.5, 0.8], [0.6, 0.4])
OWN = {  # the integrand of each, of p and q
    "pearson": lambda p, q: (p - q) ** 2 / q,
    "kl": lambda p, q: p * np.log(p / q),
    "gan": lambda p, q: p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q)),
    "squared-hellinger": lambda p, q: 0.5 * (np.sqrt(p) - np.sqrt(q)) ** 2,
    "total-variation": lambda p, q: 0.5 * abs(p - q),
    "reverse-kl": lambda p, q: q * np.log(q / p),
    "neyman": lambda p, q: (p - q) ** 2 / p,
}


def own(name, mu, sigma):
    """D_f(p‖N(μ, σ²)) as a trapezoid sum of its own formula."""
    x = np.linspace(-12, 14, 5201)
    return np.trapezoid(OWN[name](np.exp(TARGET(x)), norm.pdf(x, mu, sigma)), x)


@pytest.mark.parametrize("name", OWN)
def test_no_gaussian_is_nearer(run, name):
    mu, sigma, value = run("f_gan_divergences")["fit"][name]
    np.testing.assert_allclose(value, own(name, mu, sigma), rtol=1e-5)
    near = [(mu + m, sigma * s) for m in (-0.03, 0, 0.03) for s in (0.97, 1, 1.03) if (m, s) != (0, 1)]
    coarse = [(m, s) for m in np.linspace(-2.5, 3, 12) for s in np.linspace(0.4, 2.6, 12)]
    with np.errstate(all="ignore"):  # a narrow q may underflow where p does not
        assert all(not own(name, *q) <= value for q in near + coarse)


def test_the_fits_cover_or_pick(run):
    fits = run("f_gan_divergences")["fit"]
    variance = 0.6 * (0.25 + 1.5**2) + 0.4 * (0.64 + 2**2) - 0.1**2
    np.testing.assert_allclose(fits["kl"][:2], [-0.1, sqrt(variance)], atol=1e-3)  # the moments
    assert all(fits[name][1] > 1.7 for name in ("pearson", "kl", "gan", "squared-hellinger"))  # as wide as p
    assert all(fits[name][1] < 0.55 and abs(fits[name][0] + 1.5) < 0.05 for name in ("reverse-kl", "neyman"))


SLOPE = {  # f′ and u² f″, by hand
    "pearson": (lambda u: 2 * (u - 1), lambda u: 2 * u**2),
    "kl": (lambda u: np.log(u) + 1, lambda u: u),
    "gan": (lambda u: np.log(u / (1 + u)), lambda u: u / (1 + u)),
    "squared-hellinger": (lambda u: 0.5 - 0.5 * u**-0.5, lambda u: 0.25 * u**0.5),
    "total-variation": (lambda u: 0.5 * np.sign(u - 1), None),
    "reverse-kl": (lambda u: -1 / u, np.ones_like),
    "neyman": (lambda u: 1 - u**-2, lambda u: 2 / u),
}


@pytest.mark.parametrize("name", SLOPE)
def test_the_critic_and_the_pull(run, name):
    found = run("f_gan_divergences")
    u = np.exp(found["v"])
    critic, pull = SLOPE[name]
    np.testing.assert_allclose(found["T"][name], critic(u), rtol=1e-9, atol=1e-12)
    if pull is None:
        assert name not in found["pull"]
    else:
        np.testing.assert_allclose(found["pull"][name], pull(u), rtol=1e-9)


def test_the_other_pull_is_one_minus_d(run):
    found = run("f_gan_divergences")
    np.testing.assert_allclose(found["pull_log_d"], 1 / (1 + np.exp(found["v"])), rtol=1e-9)
