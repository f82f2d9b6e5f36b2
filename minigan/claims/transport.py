"""Transport, W1–W17: Wasserstein distances, their dual, Lipschitz critics, penalties, the sampling floor.

Expected values come from closed forms, quadrature, scipy, brute force over permutations, finite
differences, or the linear program over critics below, which shares nothing with the one over plans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import permutations
from math import exp, inf, log, pi, prod, sqrt
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor, grad, relu, safe_norm, stop_gradient
from minigan.autodiff import sqrt as root
from minigan.claims.claim import (
    SCALE,
    SIGN,
    SWAPPED,
    Check,
    Fault,
    Lab,
    at_least,
    at_most,
    claim,
    dropped,
    equals,
    wrong,
)
from minigan.gans.lipschitz import clip_weights, gradient_penalty
from minigan.gans.losses import (
    minimax_generator,
    non_saturating_generator,
    wasserstein_estimate,
    wasserstein_generator,
)
from minigan.lab.metrics import sampling_floor
from minigan.lab.toys import TOYS
from minigan.nets import MLP
from minigan.nets.mlp import ELEMENTWISE
from minigan.theory import divergences, lipschitz, transport

Checks = Iterator[Check]


def changed(what: str, change: Callable) -> Fault:
    """A fault in the answer, where it is not a number."""
    return wrong(what, lambda f: lambda *args, **options: change(f(*args, **options)))


CRITIC_FAULTS = [
    changed("scale", lambda psi: lambda z: 1.05 * psi(z)),
    changed("sign", lambda psi: lambda z: -psi(z)),
]
PLAN_FAULTS = [
    changed("value × 1.05", lambda t: replace(t, value=1.05 * t.value)),
    changed("value and dual swapped, × −1", lambda t: replace(t, value=-t.dual, dual=-t.value)),
    changed("dual × 1.05", lambda t: replace(t, dual=1.05 * t.dual)),
    changed("the independent plan", lambda t: replace(t, plan=np.outer(t.plan.sum(1), t.plan.sum(0)))),
    changed("potentials × −1", lambda t: replace(t, psi=-t.psi, psi_c=-t.psi_c)),
    changed("potentials × 1.05", lambda t: replace(t, psi=1.05 * t.psi, psi_c=1.05 * t.psi_c)),
    wrong("equal weights", lambda f: lambda cost, a, b, *rest: f(cost, *(np.full(len(w), 1 / len(w)) for w in (a, b)),
                                                                  *rest)),
]


def best_critic(cost: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """max Σ aψ + Σ bφ over ψᵢ + φⱼ ≤ Cᵢⱼ, as scipy solves it: the other side of every transport here."""
    from scipy.optimize import linprog

    n, m = cost.shape
    rows, columns = np.repeat(np.eye(n), m, axis=0), np.tile(np.eye(m), (n, 1))
    found = linprog(-np.concat([a, b]), A_ub=np.hstack([rows, columns]), b_ub=cost.ravel(), bounds=(None, None))
    return float(-found.fun)


def best_lipschitz(distance: np.ndarray, excess: np.ndarray, K: float) -> float:
    """max Σ excessᵢ fᵢ over |fᵢ − fⱼ| ≤ K dᵢⱼ: the supremum over K-Lipschitz functions on these points."""
    from scipy.optimize import linprog

    n = len(distance)
    i, j = np.nonzero(~np.eye(n, dtype=bool))
    differences = np.eye(n)[i] - np.eye(n)[j]
    found = linprog(-excess, A_ub=differences, b_ub=K * distance[i, j], A_eq=np.eye(n)[:1], b_eq=[0],
                    bounds=(None, None))
    return float(-found.fun)


def by_permutations(x: np.ndarray, y: np.ndarray, p: float = 1) -> float:
    """W_p of two small samples of one size, all pairings tried."""
    gaps = np.linalg.norm(x[:, None] - y, axis=2) ** p
    rows = np.arange(len(x))
    return min(float(gaps[rows, list(order)].mean()) for order in permutations(rows)) ** (1 / p)


def plane(ticks: np.ndarray) -> np.ndarray:
    """The square grid of these coordinates, (k², 2)."""
    return np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)


def shares(lab: Lab, n: Any) -> np.ndarray:
    return lab.rng.dirichlet(np.ones(n))


def on_common_support(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two empirical laws as probability vectors over the points of either."""
    points, index = np.unique(np.concat([x, y]), axis=0, return_inverse=True)
    return tuple(np.bincount(part, minlength=len(points)) / len(part)  # type: ignore[return-value]
                 for part in np.split(index.ravel(), [len(x)]))


@claim("W1", "δᵢ₊₁ = δᵢ + Pᵢ₊₁ − Qᵢ₊₁, W₁ = Σ|δᵢ|: 0, 2, 2, −1, 0 and cost 5", note="weng",
       paper="Peyré & Cuturi (2019), remark 2.30",
       computes={"earth_movers_piles": transport.earth_movers_piles, "wasserstein_1d": transport.wasserstein_1d},
       faults={"earth_movers_piles": [
                   SCALE, SIGN, SWAPPED,
                   wrong("δᵢ + Pᵢ − Qᵢ as printed (E19)",
                         lambda f: lambda p, q: f(np.roll(to_host(p), 1), np.roll(to_host(q), 1)))],
               "wasserstein_1d": [SCALE, SIGN, dropped("weights", lambda x, y, *rest: transport.wasserstein_1d(x, y))]})
def piles(f: Any, lab: Lab) -> Checks:
    from scipy.stats import wasserstein_distance

    P, Q = np.array([3, 2, 1, 4]), np.array([1, 2, 4, 3])
    delta = f.earth_movers_piles(lab.array(P), lab.array(Q))
    yield equals("δ of the four piles", delta, [0, 2, 2, -1, 0])
    yield equals("Σ|δ|", abs(to_host(delta)).sum(), 5)
    at = lab.array(range(4))
    yield equals("10 W₁(P/10, Q/10)", 10 * f.wasserstein_1d(at, at, 1, lab.array(P / 10), lab.array(Q / 10)), 5)
    yield equals("10 W₁, by scipy", abs(to_host(delta)).sum(), 10 * wasserstein_distance(range(4), range(4), P, Q))
    for _ in range(5):
        n = lab.rng.integers(2, 9)
        P, Q = (lab.rng.multinomial(20, shares(lab, n)) for _ in "PQ")
        cost = abs(to_host(f.earth_movers_piles(lab.array(P), lab.array(Q)))).sum()
        yield equals(f"Σ|δ|, {n} random piles", cost, 20 * wasserstein_distance(range(n), range(n), P, Q))


@claim("W2", "inf ⟨D, Γ⟩ = sup Σaψ + Σbψᶜ; Γ1 = a, Γᵀ1 = b; Γ > 0 only where ψ + ψᶜ = D", note="advanced",
       paper="Kantorovich (1942); Peyré & Cuturi (2019), proposition 2.4",
       computes={"emd": transport.emd, "sinkhorn": transport.sinkhorn},
       faults={"emd": PLAN_FAULTS, "sinkhorn": PLAN_FAULTS})
def duality(f: Any, lab: Lab) -> Checks:
    for p in (1, 2, 1):
        n, m = lab.rng.integers(2, 7, 2)
        x, y, a, b = lab.rng.normal(size=(n, 2)), lab.rng.normal(size=(m, 2)), shares(lab, n), shares(lab, m)
        cost = np.linalg.norm(x[:, None] - y, axis=2) ** p
        optimum = best_critic(cost, a, b)
        exact = f.emd(cost, a, b)
        smooth = f.sinkhorn(*map(lab.array, (cost, a, b)), 0.01)
        yield equals("min ⟨D, Γ⟩ = max over critics", exact.value, optimum)
        yield equals("Σaψ + Σbψᶜ", exact.dual, optimum)
        yield at_least("Sinkhorn's plan costs more", smooth.value, optimum)
        yield at_most("by ε H at most", smooth.value, optimum - 0.01 * float((a * np.log(a)).sum()), 1e-6)
        yield at_most("Sinkhorn's potential pays less", smooth.dual, optimum)
        for name, t in (("program", exact), ("Sinkhorn", smooth)):
            plan, psi, psi_c = map(to_host, (t.plan, t.psi, t.psi_c))
            yield at_least(f"Γ ≥ 0 ({name})", plan, 0.0)
            yield equals(f"Γ1 = a ({name})", plan.sum(axis=1), a)
            yield equals(f"Γᵀ1 = b ({name})", plan.sum(axis=0), b)
            yield equals(f"⟨D, Γ⟩ ({name})", t.value, (plan * cost).sum())
            yield at_most(f"ψ + ψᶜ ≤ D ({name})", psi[:, None] + psi_c, cost)
            yield equals(f"its value ({name})", t.dual, a @ psi + b @ psi_c)
        yield equals("Γ (D − ψ − ψᶜ) = 0", exact.plan * (cost - exact.psi[:, None] - exact.psi_c), 0.0, atol=1e-9)
    # Two points a unit apart: half the mass stays, in the ratio e^{1/ε} : 1
    both, unit = np.array([0.5, 0.5]), np.array([[0.0, 1.0], [1.0, 0.0]])
    moved = f.sinkhorn(*map(lab.array, (unit, both, both)), 1.0)
    yield equals("Sinkhorn on two points, ε = 1", moved.value, 1 / (1 + exp(1)))
    yield equals("its gap", moved.gap, 1 / (1 + exp(1)))
    x, y = lab.rng.normal(size=(2, 5, 2))
    fifth = np.full(5, 0.2)
    cost = np.linalg.norm(x[:, None] - y, axis=2)
    yield equals("best of 5! pairings", f.emd(cost, fifth, fifth).value, by_permutations(x, y))


@claim("W3", "parallel lines: W₁ = |θ|, dW₁/dθ = sign θ; KL = ∞, JS = log 2, dJS/dθ = 0 for θ ≠ 0; all 0 at 0",
       note="weng", paper="Arjovsky, Chintala & Bottou (2017), example 1",
       computes={"wasserstein_assignment": transport.wasserstein_assignment,
                 "kl": divergences.kl, "js": divergences.jensen_shannon},
       faults={"wasserstein_assignment": [SCALE, SIGN, wrong("squared", lambda f: lambda x, y: f(x, y) ** 2)],
               "kl": [SCALE, SIGN, SWAPPED], "js": [SCALE, SIGN, wrong("without the ½", lambda f: lambda p, q:
                                                                      2 * f(p, q))]})
def parallel_lines(f: Any, lab: Lab) -> Checks:
    height = lab.rng.random((32, 1))

    def line(theta: float) -> np.ndarray:
        return np.hstack([np.full_like(height, theta), height])

    def laws(theta: float) -> list:
        return [lab.array(p) for p in on_common_support(line(0), line(theta))]

    step = 1e-3
    for theta in (-2.0, -0.5, 1e-2, 0.5, *lab.rng.uniform(0.1, 1, 2)):
        yield equals(f"W₁ at θ = {theta:.3g}", f.wasserstein_assignment(line(0), line(theta)), abs(theta))
        slope = np.subtract(*(f.wasserstein_assignment(line(0), line(theta + s)) for s in (step, -step))) / (2 * step)
        yield equals(f"dW₁/dθ at θ = {theta:.3g}", slope, np.sign(theta))
        p, q = laws(theta)
        yield equals("KL both ways", [f.kl(p, q), f.kl(q, p)], [inf, inf])
        yield equals("JS", f.js(p, q), log(2))
        yield equals("dJS/dθ", np.subtract(f.js(*laws(theta + step)), f.js(*laws(theta - step))), 0.0)
    p, q = laws(0)
    yield equals("W₁, KL, JS at θ = 0", [f.wasserstein_assignment(line(0), line(0)), f.kl(p, q), f.js(p, q)], [0, 0, 0])
    # Half of P moved over to Q's line: the three values that are neither 0 nor ∞
    p, q = lab.array([0.5, 0.5]), lab.array([0.0, 1.0])
    yield equals("half-way, KL(Q‖P)", f.kl(q, p), log(2))
    yield equals("half-way, KL(P‖Q)", f.kl(p, q), inf)
    yield equals("half-way, JS", f.js(p, q), (log(2) + log(2 / 3)) / 4 + log(4 / 3) / 2)


@claim("W4", "on the line W_p^p = ∫₀¹ |F⁻¹ − G⁻¹|^p du, and W₁ = ∫ |F − G| dx", note="xu",
       paper="Santambrogio (2015), proposition 2.17",
       computes={"wasserstein_1d": transport.wasserstein_1d,
                 "wasserstein_assignment": transport.wasserstein_assignment},
       faults={"wasserstein_1d": [
                   SCALE, SIGN, SWAPPED,
                   dropped("weights", lambda x, y, p=1, *rest: transport.wasserstein_1d(x, y, p)),
                   wrong("no root", lambda f: lambda x, y, p=1, *rest: f(x, y, p, *rest) ** p)],
               "wasserstein_assignment": [
                   SCALE, SIGN, dropped("p", lambda x, y, p=1: transport.wasserstein_assignment(x, y)),
                   wrong("no sorting", lambda f: lambda x, y, p=1: float((abs(x - y) ** p).mean() ** (1 / p)))]})
def on_the_line(f: Any, lab: Lab) -> Checks:
    from scipy.stats import wasserstein_distance

    for _ in range(4):
        n, m = lab.rng.integers(1, 8, 2)
        x, y = lab.rng.integers(-3, 4, n) * 1.0, lab.rng.normal(size=m)  # x with duplicates
        a, b = shares(lab, n), shares(lab, m)
        arrays = [lab.array(v) for v in (x, y, a, b)]

        def quantile(p: float) -> float:
            return f.wasserstein_1d(*arrays[:2], p, *arrays[2:])

        ends = np.unique(np.concat([x, y]))
        F, G = ((w[:, None] * (v[:, None] <= ends[:-1])).sum(axis=0) for v, w in ((x, a), (y, b)))
        yield equals("W₁ = ∫|F − G|", quantile(1), (abs(F - G) * np.diff(ends)).sum())
        yield equals("W₁, by scipy", quantile(1), wasserstein_distance(x, y, a, b))
        for p in (1, 2, 3.5):
            yield equals(f"W_{p:g}, by program", quantile(p), best_critic(abs(x[:, None] - y) ** p, a, b) ** (1 / p))
    x, y = lab.rng.normal(size=(2, 5, 1))
    for p in (1, 2, 4):
        best = by_permutations(x, y, p)
        found = f.wasserstein_1d(*map(lab.array, (x[:, 0], y[:, 0])), p)
        yield equals(f"W_{p}, equal weights, 5! pairings", found, best)
        yield equals(f"W_{p}, sorted assignment", f.wasserstein_assignment(x, y, p), best)


@claim("W5", "W₂²(N(μ,Σ), N(ν,T)) = ‖μ − ν‖² + tr(Σ + T − 2(Σ^½ T Σ^½)^½); N(0,1), N(μ,1): W₁ = W₂ = |μ|",
       note="xu", paper="Olkin & Pukelsheim (1982); Bhatia, Jain & Lim (2019), theorem 1",
       computes={"gaussian_w2": transport.gaussian_w2, "wasserstein_1d": transport.wasserstein_1d},
       faults={"gaussian_w2": [
                   SCALE, SIGN, wrong("μ + ν", lambda f: lambda m, S, n, T: f(m, S, -n, T)),
                   dropped("the covariances", lambda m, S, n, T: float(np.linalg.norm(to_host(m - n)))),
                   wrong("Σ^½ − T^½, as if they commuted", lambda f: lambda m, S, n, T: sqrt(
                       ((m - n) ** 2).sum() + ((psd_root(S) - psd_root(T)) ** 2).sum()))],
               "wasserstein_1d": [SCALE, SIGN, wrong("no root", lambda f: lambda x, y, p: f(x, y, p) ** p)]})
def gaussians(f: Any, lab: Lab) -> Checks:
    from scipy.linalg import sqrtm
    from scipy.special import ndtri

    for d in (2, 2, 4):
        A, B = lab.rng.normal(size=(2, d, d))
        mu, nu, S, T = *lab.rng.normal(size=(2, d)), A @ A.T, B @ B.T
        half = sqrtm(S)
        bures = np.trace(S + T - 2 * np.real(sqrtm(half @ T @ half)))
        w2 = f.gaussian_w2(*map(lab.array, (mu, S, nu, T)))
        yield equals(f"W₂², d = {d}, scipy's roots", w2**2, ((mu - nu) ** 2).sum() + bures, rtol=1e-7)
        if d == 2:  # tr √M = √(tr M + 2 √det M)
            trace = sqrt(np.trace(S @ T) + 2 * sqrt(np.linalg.det(S @ T)))
            yield equals("W₂², plane, by determinant", w2**2,
                         ((mu - nu) ** 2).sum() + np.trace(S + T) - 2 * trace, rtol=1e-7)
            x = mu + lab.rng.normal(size=(500, 2)) @ A.T
            y = nu + lab.rng.normal(size=(500, 2)) @ B.T
            spread = sqrt(np.trace(S) + np.trace(T))
            sampled = transport.wasserstein_assignment(x, y, 2)
            yield equals("W₂ of 500 samples each, ± .12 of their spread", w2, sampled, rtol=0, atol=0.12 * spread)
    m1, m2, s1, s2 = *lab.rng.normal(size=2), *lab.rng.uniform(0.1, 3, 2)
    line = [lab.array(v) for v in ([m1], [[s1**2]], [m2], [[s2**2]])]
    yield equals("on the line: √((μ−ν)² + (σ−τ)²)", f.gaussian_w2(*line), sqrt((m1 - m2) ** 2 + (s1 - s2) ** 2))
    u, weights = np.polynomial.legendre.leggauss(400)
    quantiles = [m + s * ndtri((u + 1) / 2) for m, s in ((m1, s1), (m2, s2))]
    squared = (weights / 2 * (quantiles[0] - quantiles[1]) ** 2).sum()
    yield equals("W₂² = ∫ (F⁻¹ − G⁻¹)², quadrature", f.gaussian_w2(*line) ** 2, squared, rtol=1e-3)
    for mu in (0.5, -3.0):
        x = np.sort(ndtri((np.arange(1000) + 0.5) / 1000))
        yield equals(f"N(0,1), N({mu:g},1): W₂", f.gaussian_w2(*map(lab.array, ([0], [[1]], [mu], [[1]]))), abs(mu))
        for p in (1, 2):
            yield equals(f"its quantiles' W_{p}", f.wasserstein_1d(*map(lab.array, (x, x + mu)), p), abs(mu))


def psd_root(S: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(to_host(S))
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


@claim("W6", "W_p is a metric; W_p ≤ W_q for p ≤ q; W₁ ≤ diam · TV; TV ≤ √(KL/2); sliced W_p ≤ W_p", note="xu",
       paper="Villani (2009), definition 6.1, remark 6.6, theorem 6.15; Pinsker (1964)",
       computes={"emd": transport.emd, "sliced_wasserstein": transport.sliced_wasserstein,
                 "tv": divergences.total_variation, "kl": divergences.kl},
       faults={"emd": [changed("value × 1.05", lambda t: replace(t, value=1.05 * t.value)),
                       changed("value × −1", lambda t: replace(t, value=-t.value)),
                       wrong("equal weights", lambda f: lambda cost, a, b: f(cost)),
                       wrong("the independent plan", lambda f: lambda cost, a, b: replace(
                           f(cost, a, b), value=float(a @ cost @ b)))],
               "sliced_wasserstein": [SCALE, SIGN,
                                      dropped("the directions' lengths", lambda x, y, theta, p, *w: float(np.mean(
                                          [transport.wasserstein_1d(x @ t, y @ t, p, *w) ** p for t in theta])
                                          ** (1 / p)))],
               "tv": [SCALE, SIGN, wrong("without the ½", lambda f: lambda p, q: 2 * f(p, q))],
               "kl": [SCALE, SIGN, SWAPPED]})
def metric(f: Any, lab: Lab) -> Checks:
    slack = 1e-9
    for _ in range(3):
        n = int(lab.rng.integers(2, 6))
        x = lab.rng.normal(size=(n, 2))
        distance = np.linalg.norm(x[:, None] - x, axis=2)
        P, Q, R = (shares(lab, n) for _ in "PQR")
        p, q = map(lab.array, (P, Q))

        def W(a: np.ndarray, b: np.ndarray, order: float) -> float:
            return np.power(f.emd(distance**order, a, b).value, 1 / order)

        orders = [W(P, Q, order) for order in (1, 2, 3)]
        for order, value in zip((1, 2, 3), orders, strict=True):
            yield equals(f"W_{order}(P, Q) = W_{order}(Q, P)", W(Q, P, order), value)
            yield at_most(f"W_{order}, triangle", value, W(P, R, order) + W(R, Q, order), slack)
            yield equals(f"W_{order}(P, P)", W(P, P, order), 0.0, atol=1e-4)  # a root of a rounding
        yield at_most("W₁ ≤ W₂ ≤ W₃", orders[:-1], orders[1:], slack)
        yield at_least("P ≠ Q: W₁ ≥ min d · TV > 0", orders[0], (distance + 9 * np.eye(n)).min() * f.tv(p, q), slack)
        yield at_most("W₁ ≤ diam · TV", orders[0], distance.max() * f.tv(p, q), slack)
        yield equals("TV = max over events of P − Q", f.tv(p, q), np.maximum(P - Q, 0).sum())
        yield at_most("TV ≤ √(KL/2)", f.tv(p, q), np.sqrt(f.kl(p, q) / 2), slack)
        theta = lab.rng.normal(size=(20, 2))
        sliced = f.sliced_wasserstein(*map(lab.array, (x, x, theta)), 2, p, q)
        yield at_most("sliced W₂ ≤ W₂", sliced, orders[1], slack)
    # Equalities: a translation, two points, three in a row, and nearly fair coins
    x, shift, n = lab.rng.normal(size=(4, 2)), lab.rng.normal(size=2), 4
    far = np.linalg.norm(shift)
    cost, quarter = np.linalg.norm(x[:, None] - x - shift, axis=2), np.full(n, 1 / n)
    yield equals("a shift: W₁, W₂", np.power([f.emd(cost**k, quarter, quarter).value for k in (1, 2)], [1, 1 / 2]),
                 far)
    theta = lab.rng.normal(size=(20, 2))
    along = theta @ shift / np.linalg.norm(theta, axis=1)
    yield equals("a shift: sliced W₂", f.sliced_wasserstein(*map(lab.array, (x, x + shift, theta)), 2),
                 sqrt((along**2).mean()))
    P, Q = shares(lab, 2), shares(lab, 2)
    two = f.emd(far * (1 - np.eye(2)), P, Q).value
    yield equals("two points: W₁ = diam · TV", [two, far * f.tv(*map(lab.array, (P, Q)))], far * abs(P[0] - Q[0]))
    one, row = np.eye(3), abs(np.subtract.outer([0.0, 1, 3], [0.0, 1, 3]))
    yield equals("three in a row: 1 + 2 = 3", [f.emd(row, one[i], one[j]).value for i, j in ((0, 1), (1, 2), (0, 2))],
                 [1, 2, 3])
    coin, fair = lab.array([0.5 + 1e-4, 0.5 - 1e-4]), lab.array([0.5, 0.5])
    yield equals("a nearly fair coin: TV = √(KL/2)", [f.tv(coin, fair), np.sqrt(f.kl(coin, fair) / 2)], 1e-4, rtol=1e-6)
    yield equals("KL of a coin", f.kl(lab.array([0.75, 0.25]), fair), log(2) + 0.75 * log(0.75) + 0.25 * log(0.25))


@claim("W7", "W₁ = max over 1-Lipschitz ψ of E_P ψ − E_Q ψ, since then ψᶜ = −ψ; W_p^p/p = max of E_P ψ + E_Q ψᶜ",
       note="xu", paper="Villani (2009), theorem 5.10, case 5.16",
       computes={"c_transform": transport.c_transform, "kantorovich_dual": transport.kantorovich_dual,
                 "kantorovich_potential": lipschitz.kantorovich_potential},
       faults={"c_transform": [SCALE, SIGN, wrong("sup for inf", lambda f: lambda psi, cost: -f(-psi, -cost)),
                               wrong("C + ψ", lambda f: lambda psi, cost: f(-psi, cost))],
               "kantorovich_dual": [SCALE, SIGN,
                                    wrong("a and b swapped", lambda f: lambda psi, c, a, b: f(psi, c, b, a)),
                                    dropped("the transform", lambda psi, c, a, b: float((a * psi).sum()))],
               "kantorovich_potential": [
                   *CRITIC_FAULTS,
                   wrong("P and Q swapped", lambda f: lambda x, y, a, b: f(y, x, b, a)),
                   wrong("equal weights", lambda f: lambda x, y, a, b: f(x, y))]})
def kantorovich_rubinstein(f: Any, lab: Lab) -> Checks:
    for _ in range(3):
        n, dim = int(lab.rng.integers(2, 7)), int(lab.rng.integers(1, 3))
        x, y = lab.rng.normal(size=(2, n, dim))
        a, b = shares(lab, n), shares(lab, n)
        both = np.concat([x, y])
        distance = np.linalg.norm(both[:, None] - both, axis=2)
        w1 = best_critic(distance[:n, n:], a, b)
        # Any smooth 1-Lipschitz function: a mean of tanh along unit directions
        directions = lab.rng.normal(size=(dim, 3))
        psi = np.tanh(both @ (directions / np.linalg.norm(directions, axis=0)) + lab.rng.normal(size=3)).mean(axis=1)
        yield equals("1-Lipschitz: ψᶜ = −ψ", f.c_transform(*map(lab.array, (psi, distance))), -psi)
        steep = 3 * distance[0]
        yield equals("ψᶜ, as the infimum it is", f.c_transform(*map(lab.array, (steep, distance))),
                     [min(distance[i, j] - steep[i] for i in range(2 * n)) for j in range(2 * n)])
        yield at_most("any of them: E_P ψ − E_Q ψ ≤ W₁", a @ psi[:n] - b @ psi[n:], w1, 1e-9)
        best = f.kantorovich_potential(x, y, a, b)
        yield at_most("the best is 1-Lipschitz", lipschitz.lipschitz_on_grid(both, best(both)), 1.0, 1e-9)
        yield equals("the best one: E_P ψ − E_Q ψ = W₁", a @ best(x) - b @ best(y), w1)
        for p in (1, 2, 3):
            cost = distance[:n, n:] ** p / p
            optimum = best_critic(cost, a, b)
            weights = [lab.array(w) for w in (a, b)]
            for _ in range(3):
                trial = lab.rng.normal(size=n)
                value = a @ trial + b @ (cost - trial[:, None]).min(axis=0)
                yield equals("a trial's value", f.kantorovich_dual(*map(lab.array, (trial, cost)), *weights), value)
                yield at_most(f"any ψ, below W_{p}^{p}/{p}", value, optimum, 1e-9)
            psi = transport.emd(cost, a, b).psi
            found = f.kantorovich_dual(*map(lab.array, (psi, cost)), *weights)
            yield equals(f"the best ψ: W_{p}^{p}/{p}", found, optimum)


@claim("W8", "sup over ‖f‖_L ≤ K of E_P f − E_Q f = K W₁; a family within gives at most that", note="xu, weng",
       paper="Arjovsky, Chintala & Bottou (2017), eqs. 2–3",
       computes={"emd": transport.emd, "wasserstein_estimate": wasserstein_estimate},
       faults={"emd": [changed("value × 1.05", lambda t: replace(t, value=1.05 * t.value)),
                       changed("value × −1", lambda t: replace(t, value=-t.value)),
                       wrong("equal weights", lambda f: lambda cost, a, b: f(cost))],
               "wasserstein_estimate": [SCALE, SIGN, SWAPPED]})
def k_lipschitz(f: Any, lab: Lab) -> Checks:
    n = 4
    for K in (0.5, 1.0, 3.0):
        x, y, a, b = *lab.rng.normal(size=(2, n, 2)), shares(lab, n), shares(lab, n)
        both = np.concat([x, y])
        distance = np.linalg.norm(both[:, None] - both, axis=2)
        supremum = best_lipschitz(distance, np.concat([a, -b]), K)
        yield equals(f"sup over {K:g}-Lipschitz = {K:g} W₁", K * f.emd(distance[:n, n:], a, b).value, supremum)
        w1, shift = by_permutations(x, y), lab.rng.normal(size=2)
        for name, family in (("linear", lambda s: s), ("tanh", np.tanh), ("sin", np.sin)):
            w = lab.rng.normal(size=(2, 200))
            w *= K / np.linalg.norm(w, axis=0)

            def estimates(real: np.ndarray, fake: np.ndarray, w: np.ndarray, phi: Callable) -> np.ndarray:
                scores = (Tensor(lab.array(phi(points @ w).T[..., None])) for points in (real, fake))
                return to_host(f.wasserstein_estimate(*scores).value)

            found = estimates(x, y, w, family)
            yield equals(f"{name}: E f(x) − E f(y)", found, family(x @ w).mean(axis=0) - family(y @ w).mean(axis=0))
            yield at_most(f"200 {name} critics ≤ {K:g} W₁", found, K * w1)
        towards = -K * shift[:, None] / np.linalg.norm(shift)
        yield equals("a shift: linear attains K W₁", estimates(x, x + shift, towards, lambda s: s),
                     K * np.linalg.norm(shift))
    # ±1 against 0: no linear critic tells them apart, though W₁ = 1
    w = lab.rng.normal(size=(1, 50))
    yield equals("±1 against 0: linear critics see", estimates(np.array([[-1.0], [1.0]]), np.zeros((2, 1)), w,
                                                               lambda s: s), 0.0)
    yield equals("±1 against 0: W₁", f.emd(np.ones((2, 1)), np.array([0.5, 0.5]), np.array([1.0])).value, 1.0)


@claim("W9", "δ_{1/n} → δ₀: W₁ = 1/n → 0, while JS = log 2 and TV = 1 for every n", note="xu",
       paper="Arjovsky, Chintala & Bottou (2017), theorem 2; Villani (2009), theorem 6.9",
       computes={"wasserstein_1d": transport.wasserstein_1d, "js": divergences.jensen_shannon,
                 "tv": divergences.total_variation},
       faults={"wasserstein_1d": [SCALE, SIGN, wrong("squared", lambda f: lambda x, y, p=1: f(x, y, p) ** 2)],
               "js": [SCALE, SIGN, wrong("without the ½", lambda f: lambda p, q: 2 * f(p, q))],
               "tv": [SCALE, SIGN, wrong("without the ½", lambda f: lambda p, q: 2 * f(p, q))]})
def weak_topology(f: Any, lab: Lab) -> Checks:
    for n in (1, 10, 10**3, 10**6, 10**12):
        x, y = np.array([1 / n]), np.zeros(1)
        for p in (1, 2):
            yield equals(f"W_{p}(δ_1/{n:g}, δ₀)", n * f.wasserstein_1d(*map(lab.array, (x, y)), p), 1.0)
        laws = [lab.array(p) for p in on_common_support(x[:, None], y[:, None])]
        yield equals(f"JS and TV, n = {n:g}", [f.js(*laws), f.tv(*laws)], [log(2), 1.0])
    # ... and all of them 0 in the limit itself
    laws = [lab.array(p) for p in on_common_support(np.zeros((1, 1)), np.zeros((1, 1)))]
    yield equals("W₁, JS, TV of δ₀ and δ₀", [f.wasserstein_1d(*map(lab.array, (y, y))), f.js(*laws), f.tv(*laws)],
                 [0, 0, 0])


@claim("W10", "∇θ W₁(P, G_θ) = −E_z ∇θ ψ(G_θ(z)), ψ the optimal critic held fixed", note="xu",
       paper="Arjovsky, Chintala & Bottou (2017), theorem 3",
       computes={"kantorovich_potential": lipschitz.kantorovich_potential,
                 "wasserstein_generator": wasserstein_generator},
       faults={"kantorovich_potential": [
                   *CRITIC_FAULTS, SWAPPED, changed("flat", lambda psi: lambda z: 0 * psi(z)),
                   dropped("the mean: a vertex of the program", lambda x, y: partial(
                       lipschitz._extended, x, transport.emd(transport.ground_cost(x, y)).psi))],
               "wasserstein_generator": [SCALE, SIGN, dropped("the mean", lambda scores: -scores.sum())]})
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


def exact_w1(x: np.ndarray, y: np.ndarray) -> float:
    from scipy.optimize import linear_sum_assignment

    gaps = np.linalg.norm(x[:, None] - y, axis=2)
    return float(gaps[linear_sum_assignment(gaps)].mean())


@claim("W11", "the optimal critic climbs with slope 1, straight from y to x, on each segment that the plan couples",
       note="xu", paper="Gulrajani et al. (2017), proposition 1",
       computes={"kantorovich_potential": lipschitz.kantorovich_potential, "emd": transport.emd},
       faults={"kantorovich_potential": [
                   *CRITIC_FAULTS,
                   SWAPPED, changed("flat", lambda psi: lambda z: 0 * psi(z))],
               "emd": [changed("potentials × −1", lambda t: replace(t, psi=-t.psi)),
                       changed("potentials × 1.05", lambda t: replace(t, psi=1.05 * t.psi)),
                       wrong("cost squared", lambda f: lambda cost, a, b: f(cost**2, a, b))]})
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


@claim("W12", "|w| ≤ c ⇒ Lip(f_w) ≤ Πσ₁(Wₗ) ≤ Π c√(mₗnₗ) = K; the clipped critic's estimate ≤ K W₁", note="xu, weng",
       paper="Arjovsky, Chintala & Bottou (2017), algorithm 1; Gulrajani et al. (2017), section 3",
       computes={"clip_weights": clip_weights, "lipschitz_bound": lipschitz.lipschitz_bound,
                 "clipping_bound": lipschitz.clipping_bound, "lipschitz_on_grid": lipschitz.lipschitz_on_grid,
                 "wasserstein_estimate": wasserstein_estimate},
       faults={"clip_weights": [SCALE, SIGN, wrong("one side only", lambda f: lambda w, c: -relu(c - w) + c),
                                dropped("the clip", lambda w, c: Tensor(w))],
               "lipschitz_bound": [SCALE, SIGN, wrong("smallest singular values", lambda f: lambda weights: prod(
                   np.linalg.norm(to_host(W), -2) for W in weights))],
               "clipping_bound": [SCALE, SIGN, dropped("the sizes", lambda sizes, c: c ** (len(sizes) - 1))],
               "lipschitz_on_grid": [SCALE, SIGN, dropped("the distance", lambda x, y: float(np.ptp(to_host(y))))],
               "wasserstein_estimate": [SCALE, SIGN, SWAPPED]})
def clipped(f: Any, lab: Lab) -> Checks:
    sizes, c = (2, 5, 4, 1), 0.1
    K = f.clipping_bound(sizes, c)
    yield equals("K = .1³ √(10 · 20 · 4)", K, 0.1**3 * sqrt(800))
    square = lab.array(plane(np.linspace(-2, 2, 13)))
    x, y = lab.rng.normal(size=(2, 64, 2)) + [[[0.0, 0.0]], [[1.0, 1.0]]]
    w1 = exact_w1(x, y)
    for activation in ELEMENTWISE:
        net = MLP(sizes, activation)
        raw = lab.rng.normal(size=net.size)
        theta = f.clip_weights(lab.array(raw), c).value
        yield equals(f"clip(w, −c, c), {activation}", theta, np.where(abs(raw) > c, c * np.sign(raw), raw))
        weights = [weight.value for weight, _ in net.layers(theta)]
        bound = f.lipschitz_bound(weights)
        measured = f.lipschitz_on_grid(square, net(theta, square).value[:, 0])
        yield at_most("measured slope ≤ Πσ₁", measured, bound)
        yield at_most("Πσ₁ ≤ K", bound, K)
        real, fake = (net(theta, lab.array(points)) for points in (x, y))
        estimate = f.wasserstein_estimate(real, fake).item()
        yield equals("E f(x) − E f(y)", estimate, float(real.value.mean() - fake.value.mean()))
        yield at_most("E f(x) − E f(y) ≤ K W₁", estimate, K * w1)
    # All weights c, inputs positive: nothing is lost between the layers, and every ≤ is =
    net = MLP(sizes, "relu")
    shapes = net.layout.shapes
    theta = f.clip_weights(lab.array(np.concat([np.full(shape, 9.0 * (k % 2 == 0)).ravel()
                                                for k, shape in enumerate(shapes)])), c).value
    weights = [weight.value for weight, _ in net.layers(theta)]
    line = lab.array(np.linspace(1, 2, 5)[:, None] * [1.0, 1.0])
    yield equals("all weights c: Πσ₁ = K", f.lipschitz_bound(weights), K)
    yield equals("all weights c: the slope is K", f.lipschitz_on_grid(line, net(theta, line).value[:, 0]), K)
    estimate = f.wasserstein_estimate(net(theta, line + 1), net(theta, line)).item()
    yield equals("all weights c: the estimate is K W₁", estimate, K * sqrt(2))


def measured_rate(errors: np.ndarray, first: int, last: int) -> float:
    """The factor a step by which errors fall, between two steps."""
    return float((errors[last] / errors[first]) ** (1 / (last - first)))


@claim("W13", "σ₁(W/σ₁(W)) = 1; power iteration: v errs as (σ₂/σ₁)^{2k}, σ as (σ₂/σ₁)^{4k}, from below; Lip ≤ Πσ₁",
       note="advanced", paper="Miyato et al. (2018), eqs. 6–8, algorithm 1; Golub & Van Loan (2013), section 7.3",
       computes={"layer_norms": lipschitz.layer_norms, "lipschitz_bound": lipschitz.lipschitz_bound,
                 "power_iteration": lipschitz.power_iteration},
       faults={"layer_norms": [changed("scale", lambda norms: [1.05 * s for s in norms]),
                               changed("sign", lambda norms: [-s for s in norms]),
                               dropped("the largest: any singular value (E4)", lambda weights: [
                                   float(np.linalg.norm(to_host(W), -2)) for W in weights]),
                               dropped("the spectrum: Frobenius", lambda weights: [
                                   float(np.linalg.norm(to_host(W))) for W in weights])],
               "lipschitz_bound": [SCALE, SIGN, wrong("sum", lambda f: lambda weights: sum(f([W]) for W in weights))],
               "power_iteration": [
                   changed("σ × 1.05", lambda s: (*s[:2], 1.05 * s[2])), changed("σ × −1", lambda s: (*s[:2], -s[2])),
                   changed("σ²", lambda s: (*s[:2], s[2] ** 2)),
                   changed("u not normalised", lambda s: (2 * s[0], *s[1:])),
                   wrong("v not advanced", lambda f: lambda u, v, W: (f(u, v, W)[0], v, f(u, v, W)[2])),
                   wrong("two steps at once", lambda f: lambda u, v, W: f(*f(u, v, W)[:2], W))]})
def spectral_norm(f: Any, lab: Lab) -> Checks:
    for _ in range(3):
        m, n = lab.rng.integers(2, 7, 2)
        left, right = (np.linalg.qr(lab.rng.normal(size=(k, k)))[0][:, : min(m, n)] for k in (m, n))
        sigma = np.sort(lab.rng.uniform(0.5, 5, min(m, n)))[::-1]
        W = (left * sigma) @ right.T
        yield equals("σ₁ of a matrix made with it", f.layer_norms([lab.array(W)]), [sigma[0]])
        yield equals("σ₁(W/σ₁)", f.layer_norms([lab.array(W / sigma[0])]), [1.0])
        yield equals("and by SVD", f.layer_norms([lab.array(W)]), [np.linalg.svd(W)[1][0]])
        net = MLP((int(m), int(n), 3, 1), str(lab.rng.choice(list(ELEMENTWISE))))
        theta = net.init(lab.rng, dtype="float64")
        weights = [weight.value for weight, _ in net.layers(lab.array(theta))]
        x = lab.array(lab.rng.normal(size=(60, m)))
        bound = f.lipschitz_bound(weights)
        yield equals("Πσ₁", bound, prod(np.linalg.svd(to_host(A))[1][0] for A in weights))
        measured = lipschitz.lipschitz_on_grid(x, net(lab.array(theta), x).value[:, 0])
        yield at_most("slopes of a net ≤ Πσ₁", measured, bound)
    first, second = np.diag([3.0, 1.0]), np.array([[2.0], [0.0]])
    points = np.linspace(1, 2, 5)[:, None] * [1.0, 0.0]
    values = (np.maximum(points @ first, 0) @ second)[:, 0]
    yield equals("Lip = Πσ₁ = 6", [f.lipschitz_bound([lab.array(first), lab.array(second)]),
                                   lipschitz.lipschitz_on_grid(points, values)], 6.0)
    # W of rank 2: the angle of v to the first singular vector has tan ∝ (σ₂/σ₁)^{2k}, with no remainder
    left, right = (np.linalg.qr(lab.rng.normal(size=(k, 2)))[0] for k in (5, 4))
    one, two = 2.0, float(lab.rng.uniform(1.2, 1.7))
    W, ratio = lab.array((left * [one, two]) @ right.T), two / one
    u, v = lab.array(left @ [0.3, 1.0]), lab.array(right @ [0.0, 1.0])
    tangents, errors = [], []
    for k in range(9):
        u, v, sigma_k = f.power_iteration(u, v, W)
        along = right.T @ to_host(v)
        tangents.append(abs(along[1] / along[0]))
        errors.append(one - sigma_k)
        yield at_most(f"σ ≤ σ₁, step {k + 1}", sigma_k, one)
        yield equals("σ = uᵀWv, ‖u‖ = ‖v‖ = 1", [sigma_k, *map(np.linalg.norm, map(to_host, (u, v)))],
                     [float(u @ W @ v), 1.0, 1.0])
        cosine = 1 / sqrt(1 + tangents[-1] ** 2)
        yield equals("σ = ‖Wv‖", sigma_k, sqrt(one**2 * cosine**2 + two**2 * (1 - cosine**2)))
    yield equals("v's tangent, each step ×(σ₂/σ₁)²", np.divide(tangents[1:], tangents[:-1]), ratio**2)
    yield equals("v's first tangent", tangents[0], two / one / 0.3)
    for _ in range(6):  # far enough for the leading term
        u, v, sigma_k = f.power_iteration(u, v, W)
        errors.append(one - sigma_k)
    yield equals("σ's error, each step ×(σ₂/σ₁)⁴", measured_rate(np.array(errors), 9, 14), ratio**4, rtol=0.05)
    # A start that misses the first vector never finds it: σ₂, with the same confidence
    u, v, sigma_k = f.power_iteration(lab.array(left[:, 1]), lab.array(right[:, 1]), W)
    yield equals("u ⊥ u₁: σ = σ₂ < σ₁, so it certifies nothing", sigma_k, two)


@claim("W14", "‖f‖_L = sup ‖∇f‖ on a convex domain; C¹ is not enough (x²), nor needed (|x|)", note="weng, advanced",
       paper="Rudin (1976), theorem 9.19",
       computes={"lipschitz_on_grid": lipschitz.lipschitz_on_grid},
       faults={"lipschitz_on_grid": [
           SCALE, SIGN, SWAPPED, dropped("the distance", lambda x, y: float(abs(np.diff(to_host(y))).max())),
           wrong("coordinatewise distance", lambda f: lambda x, y: f(x, y) if x.ndim == 1 else float(max(
               abs(y[i] - y[j]) / abs(x[i] - x[j]).max() for i in range(len(x)) for j in range(i))))]})
def steepness(f: Any, lab: Lab) -> Checks:
    x = np.linspace(-4, 4, 8001)
    h = x[1] - x[0]
    for name, values, slope in (("sin", np.sin(x), 1.0), ("tanh", np.tanh(x), 1.0), ("σ", 1 / (1 + np.exp(-x)), 0.25),
                                ("softplus", np.logaddexp(0, x), 1 / (1 + exp(-4))), ("|x|", abs(x), 1.0)):
        order = lab.rng.permutation(len(x))  # in any order
        found = f.lipschitz_on_grid(*map(lab.array, (x[order], values[order])))
        yield equals(f"{name} on [−4, 4]: sup |f′|", found, slope, rtol=h)
    for R in (1, 10, 100, 1000):
        ticks = np.linspace(-R, R, 201)
        found = f.lipschitz_on_grid(*map(lab.array, (ticks, ticks**2)))
        yield equals(f"x² on [−{R}, {R}]: 2R − h, no end to it", found, 2 * R - R / 100)
    ends = np.array([-1e-3, 0.0, 1e-3])
    yield equals("|x| at 0: slopes −1 and 1, no derivative", np.diff(abs(ends)) / np.diff(ends), [-1, 1])
    yield equals("|x| is 1-Lipschitz there", f.lipschitz_on_grid(*map(lab.array, (ends, abs(ends)))), 1.0)
    # The plane: a linear function along its own gradient, and any other below its sup ‖∇f‖
    grid = plane(np.arange(9.0))
    yield equals("3x + 4y", f.lipschitz_on_grid(*map(lab.array, (grid, grid @ [3.0, 4.0]))), 5.0)
    A = lab.rng.normal(size=(2, 2))
    disc = grid / 4 - 1
    quadratic, steepest = ((disc @ A) ** 2).sum(axis=1) / 2, np.linalg.norm(disc @ A @ A.T, axis=1).max()
    found = f.lipschitz_on_grid(*map(lab.array, (disc, quadratic)))
    yield at_most("a quadratic: ≤ sup ‖∇f‖", found, steepest)
    yield equals("… and all pairs' slopes", found, max(
        abs(quadratic[i] - quadratic[j]) / np.linalg.norm(disc[i] - disc[j]) for i in range(81) for j in range(i)))
    # Not convex: ∇f = 0 on both intervals, and the constant is that of the gap
    apart = np.array([0.0, 1.0, 1.1, 2.0])
    yield equals("0 on [0, 1], 1 on [1.1, 2]: ∇f = 0, ‖f‖_L = 10",
                 f.lipschitz_on_grid(*map(lab.array, (apart, [0.0, 0, 1, 1]))), 10.0)


def batch_norm_penalty(critic: Callable, x_hat: Any, *one_sided: bool) -> Tensor:
    slopes = grad(critic(x_hat).sum(), x_hat)
    return (safe_norm(slopes.reshape(-1)) - 1.0) ** 2


def unsafe_penalty(critic: Callable, x_hat: Any, *one_sided: bool) -> Tensor:
    slopes = grad(critic(x_hat).sum(), x_hat)
    excess = root((slopes * slopes).sum(-1)) - 1.0
    return (excess * excess if not one_sided else relu(excess) * relu(excess)).mean(-1)


@claim("W15", "f = w·x: λ E(‖∇f‖ − 1)² = λ(‖w‖ − 1)²; finite slope at w = 0; one-sided: 0 for ‖w‖ ≤ 1",
       note="xu, advanced", paper="Gulrajani et al. (2017), eq. 3; Petzka et al. (2018), eq. 9",
       computes={"gradient_penalty": gradient_penalty},
       faults={"gradient_penalty": [
           SCALE, SIGN, dropped("each sample's norm: the batch's", batch_norm_penalty),
           dropped("the safe norm", unsafe_penalty),
           wrong("one-sided always", lambda f: lambda critic, x, one_sided=False: f(critic, x, True)),
           wrong("two-sided always", lambda f: lambda critic, x, one_sided=False: f(critic, x)),
           wrong("never reaches w", lambda f: lambda *args: stop_gradient(f(*args)))]})
def penalty(f: Any, lab: Lab) -> Checks:
    lam = 10.0
    for lead, batch, d in (((), 1, 1), ((), 7, 3), ((2,), 5, 2), ((2, 3), 4, 8)):
        x = Tensor(lab.array(lab.rng.normal(size=(*lead, batch, d))))
        for size in (0.5, 1.0, 3.0):
            w0 = lab.rng.normal(size=d)
            w0 *= size / np.linalg.norm(w0)
            w = Tensor(lab.array(w0[:, None]))

            def linear(points: Tensor) -> Tensor:
                return points @ w

            two, one = lam * f.gradient_penalty(linear, x), lam * f.gradient_penalty(linear, x, True)
            yield equals(f"λ(‖w‖ − 1)², ‖w‖ = {size}, {x.shape}", two.value, np.full(lead, 10 * (size - 1) ** 2))
            yield equals("one-sided", one.value, np.full(lead, 10 * max(0.0, size - 1) ** 2))
            slopes = [to_host(grad(value.sum(), w).value)[:, 0] / prod(lead) for value in (two, one)]
            yield equals("∇w: 2λ(1 − 1/‖w‖) w", slopes[0], 20 * (1 - 1 / size) * w0, atol=1e-10)
            yield equals("one-sided ∇w", slopes[1], 20 * max(0.0, 1 - 1 / size) * w0, atol=1e-10)
        zero = Tensor(lab.array(np.zeros((d, 1))))
        flat = f.gradient_penalty(lambda points: points @ zero, x)
        yield equals("the zero critic: 1", flat.value, np.ones(lead))
        yield equals("its gradient, finite", grad(flat.sum(), zero).value, np.zeros((d, 1)))
    # ∇f = a ⊙ x differs from sample to sample: the mean of their own norms, not the norm of the batch
    x0, a = lab.rng.normal(size=(6, 3)), lab.rng.normal(size=3)
    curved = f.gradient_penalty(lambda points: (points * points * lab.array(a)).sum(-1, keepdims=True) * 0.5,
                                Tensor(lab.array(x0)))
    yield equals("f = ½Σax²", curved.value, ((np.linalg.norm(a * x0, axis=1) - 1) ** 2).mean())


@claim("W16", "N(0,1), N(5,1): |∂ₓ log(1 − D*)| and |D*′| vanish where D* is sure; |ψ′| = 1 on the whole line",
       note="xu", paper="Arjovsky, Chintala & Bottou (2017), figure 2",
       computes={"potential_slope_1d": lipschitz.potential_slope_1d, "minimax_generator": minimax_generator},
       faults={"potential_slope_1d": [SCALE, SIGN, SWAPPED,
                                      wrong("F, G themselves", lambda f: lambda F, G: f(np.exp(F), np.exp(G))),
                                      dropped("the sign: F − G", lambda F, G: np.exp(to_host(G)) - np.exp(to_host(F)))],
               "minimax_generator": [SCALE, SIGN, dropped("1 − D: −log D", non_saturating_generator)]})
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
    yield at_most("|∂ₓ log(1 − D*)| ≤ μ D* for fakes", abs(saturating[sure]), mu * D[sure], 1e-9)
    yield at_most("… at most 5 σ(−12.5) = 1.9e-5", abs(saturating[sure]).max(), 1.9e-5)
    yield equals("|D*′| = μ D*(1 − D*)", abs(np.gradient(D, x)[1:-1]), (mu * D * (1 - D))[1:-1], atol=0.1)
    yield at_most("|D*′| beyond 2.5 of the midpoint", (mu * D * (1 - D))[abs(x - mu / 2) >= 2.5], 1.9e-5)
    slope = f.potential_slope_1d(lab.array(log_ndtr(x)), lab.array(log_ndtr(x - mu)))
    yield equals("ψ′ on the whole line", slope, np.full(len(x), -1.0))
    yield at_least("|ψ′| / |∂ₓ log(1 − D*)|, for fakes", abs(to_host(slope))[sure] / abs(exact[sure] + 1e-300), 5e4)
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


@claim("W17", "E W₁(p̂ₙ, p̂′ₙ) > 0 falls with n: .156 ± .048 at n = 256, .086 ± .026 at 1024 on the ring", note="xu",
       paper="Dudley (1969); Fournier & Guillin (2015), theorem 1",
       computes={"wasserstein_assignment": transport.wasserstein_assignment, "sampling_floor": sampling_floor},
       faults={"wasserstein_assignment": [SCALE, SIGN,
                                          wrong("no assignment", lambda f: lambda x, y: float(
                                              np.linalg.norm(x - y, axis=1).mean()))],
               "sampling_floor": [changed("scale", lambda s: (1.05 * s[0], 1.05 * s[1])),
                                  changed("sign", lambda s: (-s[0], s[1])),
                                  changed("sd of the mean", lambda s: (s[0], s[1] / 4)),
                                  wrong("one sample, twice", lambda f: lambda sample, rng, n, repeats: (0.0, 0.0))]})
def floor(f: Any, lab: Lab) -> Checks:
    x, y, shift = *lab.rng.normal(size=(2, 6, 2)), lab.rng.normal(size=2)
    yield equals("all 6! pairings", f.wasserstein_assignment(x, y), by_permutations(x, y))
    yield equals("a shifted sample", f.wasserstein_assignment(x, x + shift), np.linalg.norm(shift))
    ring, unit = TOYS["ring8"], TOYS["ring8-unit"]
    seed = int(lab.rng.integers(2**32))
    rng = np.random.default_rng(seed)
    draws = [exact_w1(ring.sample(rng, 32), ring.sample(rng, 32)) for _ in range(4)]
    yield equals("mean and sd of four draws, n = 32", f.sampling_floor(ring.sample, np.random.default_rng(seed), 32, 4),
                 [np.mean(draws), np.std(draws, ddof=1)])
    floors = {}
    # Within four standard errors of the mean of so many draws (of an sd: 1/√(2·20) of it, thrice for its tail)
    for n, repeats, mean, sd, on_unit in ((256, 20, 0.156, 0.048, 0.11), (1024, 8, 0.086, 0.026, 0.05)):
        rng = np.random.default_rng(seed)
        found, spread = floors[n] = f.sampling_floor(ring.sample, rng, n, repeats)
        error = 4 * sd / sqrt(repeats)
        yield equals(f"the floor at n = {n}", found, mean, rtol=0, atol=error)
        yield equals("its sd", spread, sd, rtol=0, atol=3 * sd / sqrt(repeats))
        yield equals(f"radius 1, about {on_unit}", found * 1.414 / 2, on_unit, rtol=0, atol=error * 1.414 / 2 + 0.01)
    yield at_most("it falls with n", floors[1024][0], floors[256][0])
    rngs = [np.random.default_rng(seed) for _ in range(2)]
    halves = [f.sampling_floor(data.sample, rng, 64, 4)[0] for data, rng in zip((ring, unit), rngs, strict=True)]
    yield equals("radius 1 is the ring × 1.414/2", halves[1], halves[0] * 1.414 / 2)
