"""The best critic (W10, W11, W16): its slope along the plan, and the gradient that it gives to a generator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import exp, pi, sqrt
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor, grad, safe_norm
from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.faults import SCALE, SIGN, SWAPPED, changed, dropped, wrong
from minigan.claims.transport.programs import CRITIC_FAULTS, FLAT, exact_w1, plane
from minigan.gans.losses import minimax_generator, non_saturating_generator, wasserstein_generator
from minigan.nets import MLP
from minigan.theory import lipschitz, transport


@claim("W10", "∇θ W₁(P, G_θ) = −E_z ∇θ ψ(G_θ(z)), ψ the optimal critic held fixed", note="xu",
       paper="Arjovsky, Chintala & Bottou (2017), theorem 3",
       computes={"kantorovich_potential": lipschitz.kantorovich_potential,
                 "wasserstein_generator": wasserstein_generator})
def generator_gradient(f: Any, lab: Lab) -> Checks:
    n, net = 12, MLP((2, 4, 2), "tanh")
    for _ in range(2):
        x, z = lab.rng.normal(size=(2, n, 2))
        theta = net.init(lab.rng, dtype="float64")

        def fakes(theta: np.ndarray) -> np.ndarray:
            return to_host(net(lab.array(theta), lab.array(z)).value)

        psi = Tensor(lab.array(f.kantorovich_potential(x, fakes(theta))(x)))
        w = Tensor(lab.array(theta))
        y = net(w, lab.array(z)).reshape(n, 1, 2)
        scores = (psi - safe_norm(y - lab.array(x))).max(axis=1, keepdims=True)  # ψ(y) = maxᵢ ψᵢ − ‖y − xᵢ‖
        found = to_host(psi.value).mean() - to_host(scores.value).mean()
        yield equals("E ψ(x) − E ψ(G(z)) = W₁", found, exact_w1(x, fakes(theta)))
        gradient = to_host(grad(f.wasserstein_generator(scores), w).value)
        step = 1e-6 * np.eye(net.size)
        slopes = [exact_w1(x, fakes(theta + s)) - exact_w1(x, fakes(theta - s)) for s in step]
        yield equals("−E ∇θ ψ(G(z)) = differences of exact W₁", gradient, np.divide(slopes, 2e-6), rtol=1e-6)


def a_vertex(x: np.ndarray, y: np.ndarray) -> Callable:
    """One solution of the program, not the mean of all."""
    return partial(lipschitz._extended, x, transport.emd(transport.ground_cost(x, y)).psi)

generator_gradient.must_notice(
    kantorovich_potential=[*CRITIC_FAULTS, SWAPPED, FLAT,
                           dropped("the mean: a vertex of the program", a_vertex)],
    wasserstein_generator=[SCALE, SIGN, dropped("the mean", lambda scores: -scores.sum())])


@claim("W11", "the optimal critic climbs with slope 1, straight from y to x, on each segment that the plan couples",
       note="xu", paper="Gulrajani et al. (2017), proposition 1",
       computes={"kantorovich_potential": lipschitz.kantorovich_potential, "emd": transport.emd})
def slope_one(f: Any, lab: Lab) -> Checks:
    x, y = lab.rng.normal(size=(5, 2)), lab.rng.normal(size=(4, 2)) + [1.0, 0.0]
    psi = f.kantorovich_potential(x, y)
    plan = transport.emd(np.linalg.norm(x[:, None] - y, axis=2)).plan
    i, j = np.nonzero(plan > 1e-9)
    t = np.linspace(0.05, 0.95, 19)[:, None, None]
    between = (t * x[i] + (1 - t) * y[j]).reshape(-1, 2)
    h = 1e-6
    gradient = np.stack([(psi(between + e) - psi(between - e)) / (2 * h) for e in h * np.eye(2)], axis=1)
    direction = (x[i] - y[j]) / np.linalg.norm(x[i] - y[j], axis=1, keepdims=True)
    yield equals("‖∇ψ‖ on the segments", np.linalg.norm(gradient, axis=1), 1.0, rtol=1e-6)
    yield equals("∇ψ = (x − y)/‖x − y‖", gradient, np.tile(direction, (len(t), 1)), rtol=1e-5)
    around = plane(np.linspace(-3, 4, 15))
    yield at_most("slopes everywhere else", lipschitz.lipschitz_on_grid(around, psi(around)), 1.0, 1e-9)
    # The program itself, its points all of the segments: mass at their ends alone
    ends = np.linspace(0, 1, 7)[:, None]
    x, y = lab.rng.normal(size=(4, 2)), lab.rng.normal(size=(4, 2))
    rows, columns = np.nonzero(transport.emd(np.linalg.norm(x[:, None] - y, axis=2)).plan > 1e-9)
    points = np.concat([ends * x[k] + (1 - ends) * y[m] for k, m in zip(rows, columns, strict=True)])
    a = np.where(np.arange(len(points)) % 7 == 6, 0.25, 0.0)
    b = np.where(np.arange(len(points)) % 7 == 0, 0.25, 0.0)
    found = f.emd(np.linalg.norm(points[:, None] - points, axis=2), a, b).psi.reshape(-1, 7)
    lengths = np.linalg.norm(x[rows] - y[columns], axis=1)
    yield equals("Δψ between neighbours of the grid", np.diff(found) / (lengths[:, None] / 6), 1.0, rtol=1e-7)

slope_one.must_notice(
    kantorovich_potential=[*CRITIC_FAULTS, SWAPPED, FLAT],
    emd=[changed("potentials × −1", lambda t: replace(t, psi=-t.psi)),
         changed("potentials × 1.05", lambda t: replace(t, psi=1.05 * t.psi)),
         wrong("cost squared", lambda emd, cost, a, b: emd(cost**2, a, b))])


@claim("W16", "N(0,1), N(5,1): |∂ₓ log(1 − D*)| and |D*′| vanish where D* is sure; |ψ′| = 1 on the whole line",
       note="xu", paper="Arjovsky, Chintala & Bottou (2017), figure 2",
       computes={"potential_slope_1d": lipschitz.potential_slope_1d, "minimax_generator": minimax_generator})
def two_gaussians(f: Any, lab: Lab) -> Checks:
    from scipy.special import log_ndtr
    from scipy.stats import norm

    mu = 5.0
    x = np.linspace(-10, 15, 251)
    p, q = norm.pdf(x), norm.pdf(x - mu)
    D = p / (p + q)
    points = Tensor(lab.array(x[:, None]))
    logit = ((points - mu) * (points - mu) - points * points) * 0.5  # log p − log q
    saturating = to_host(grad(len(x) * f.minimax_generator(logit), points).value)[:, 0]
    # (log q/(p + q))′ from the densities' own derivatives −x p and −(x − μ) q
    exact = -(x - mu) + (x * p + (x - mu) * q) / (p + q)
    yield equals("∂ₓ log(1 − D*)", saturating, exact, rtol=1e-9, atol=1e-9)
    sure = x >= mu  # the fakes' side of their own mean
    least_slope = mu / (1 + exp(mu**2 / 2))  # μ σ(−μ²/2), at the fakes' mean
    yield at_most("|∂ₓ log(1 − D*)| ≤ μ D* for fakes", abs(saturating[sure]), mu * D[sure], 1e-9)
    yield at_most("… at most 5 σ(−12.5) = 1.9e-5", abs(saturating[sure]).max(), least_slope)
    yield equals("|D*′| = μ D*(1 − D*)", abs(np.gradient(D, x)[1:-1]), (mu * D * (1 - D))[1:-1], atol=0.1)
    yield at_most("|D*′| beyond 2.5 of the midpoint", (mu * D * (1 - D))[abs(x - mu / 2) >= 2.5], least_slope)
    slope = f.potential_slope_1d(lab.array(log_ndtr(x)), lab.array(log_ndtr(x - mu)))
    yield equals("ψ′ on the whole line", slope, np.full(len(x), -1.0))
    yield at_least("|ψ′| / |∂ₓ log(1 − D*)|, for fakes", abs(to_host(slope))[sure] / abs(exact[sure] + 1e-300),
                   1 / least_slope, slack=1e-6 / least_slope)
    gap = norm.cdf(x - mu) - norm.cdf(x)
    yield equals("∫ψ′(G − F) = W₁ = 5", np.trapezoid(to_host(slope) * gap, x), 5.0, rtol=1e-6)
    # The program's own potentials, on a grid of the two densities
    near = (x > -4) & (x < 9)  # further out the masses are below the program's tolerance
    grid = x[near][::5]
    a, b = (density[near][::5] / density[near][::5].sum() for density in (p, q))
    psi = lipschitz.kantorovich_potential(grid[:, None], grid[:, None], a, b)(grid[:, None])
    yield equals("Δψ/Δx of the program's ψ", np.diff(psi) / np.diff(grid), np.full(len(grid) - 1, -1.0))
    # Unequal widths: ψ = −|x|, climbing to the narrow one, and W₁ = (3 − 1) √(2/π)
    wide = f.potential_slope_1d(lab.array(log_ndtr(x)), lab.array(log_ndtr(x / 3)))
    yield equals("N(0,1), N(0,9): ψ′ = −sign x", wide, -np.sign(np.round(x, 9)))
    fine = np.linspace(-40, 40, 20001)
    steep = to_host(f.potential_slope_1d(lab.array(log_ndtr(fine)), lab.array(log_ndtr(fine / 3))))
    yield equals("∫ψ′(G − F) = 2√(2/π)", np.trapezoid(steep * (norm.cdf(fine / 3) - norm.cdf(fine)), fine),
                 2 * sqrt(2 / pi), rtol=1e-5)

two_gaussians.must_notice(
    potential_slope_1d=[SCALE, SIGN, SWAPPED,
                        wrong("F, G themselves", lambda f, F, G: f(np.exp(F), np.exp(G))),
                        dropped("the sign: F − G", lambda F, G: np.exp(to_host(G)) - np.exp(to_host(F)))],
    minimax_generator=[SCALE, SIGN, dropped("1 − D: −log D", non_saturating_generator)])
