"""Transport, W1–W17: Wasserstein distances, their dual, Lipschitz critics, penalties, the sampling floor.

Expected values come from closed forms, quadrature, scipy, brute force over permutations, finite
differences, or the linear program over critics below, which shares nothing with the one over plans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import permutations
from math import exp, inf, log, pi, prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

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
from minigan.nets import ACTIVATIONS, MLP
from minigan.theory import divergences, lipschitz, transport

Checks = Iterator[Check]


def changed(what: str, change: Callable) -> Fault:
    """A fault in the answer, where it is not a number."""
    return wrong(what, lambda f: lambda *args, **options: change(f(*args, **options)))


PLAN_FAULTS = [
    changed("value × 1.05", lambda t: replace(t, value=1.05 * t.value)),
    changed("value − dual swapped", lambda t: replace(t, value=-t.dual, dual=-t.value)),
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


def shares(lab: Lab, n: int) -> np.ndarray:
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
                 "kl": divergences.kl, "js": divergences.js},
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
            yield equals(f"W_{p:g}^{p:g}, by program", quantile(p) ** p, best_critic(abs(x[:, None] - y) ** p, a, b))
    x, y = lab.rng.normal(size=(2, 5, 1))
    for p in (1, 2, 4):
        best = by_permutations(x, y, p)
        yield equals(f"W_{p}, equal weights, 5! pairings", f.wasserstein_1d(*map(lab.array, (x[:, 0], y[:, 0])), p), best)
        yield equals(f"W_{p}, sorted assignment", f.wasserstein_assignment(x, y, p), best)


@claim("W5", "W₂²(N(μ,Σ), N(ν,T)) = ‖μ − ν‖² + tr(Σ + T − 2(Σ^½ T Σ^½)^½); N(0,1), N(μ,1): W₁ = W₂ = |μ|", note="xu",
       paper="Olkin & Pukelsheim (1982); Bhatia, Jain & Lim (2019), theorem 1",
       computes={"gaussian_w2": transport.gaussian_w2, "wasserstein_1d": transport.wasserstein_1d},
       faults={"gaussian_w2": [
                   SCALE, SIGN, wrong("mean and mean swapped in sign", lambda f: lambda m, S, n, T: f(m, S, -n, T)),
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
            # The best map is linear and pushes one sample on the other's law: W₂ of 500 and 500 points
            x = mu + lab.rng.normal(size=(500, 2)) @ A.T
            y = nu + lab.rng.normal(size=(500, 2)) @ B.T
            spread = sqrt(np.trace(S) + np.trace(T))
            sampled = transport.wasserstein_assignment(x, y, 2)
            yield equals("W₂ of 500 samples each, ± .2 of their spread", w2, sampled, rtol=0, atol=0.2 * spread)
    m1, s1, m2, s2 = *lab.rng.normal(size=2), *lab.rng.uniform(0.1, 3, 2)
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
                 "tv": divergences.tv, "kl": divergences.kl},
       faults={"emd": [changed("value × 1.05", lambda t: replace(t, value=1.05 * t.value)),
                       changed("value × −1", lambda t: replace(t, value=-t.value)),
                       wrong("equal weights", lambda f: lambda cost, a, b: f(cost)),
                       wrong("the independent plan", lambda f: lambda cost, a, b: replace(
                           f(cost, a, b), value=float(a @ cost @ b)))],
               "sliced_wasserstein": [SCALE, SIGN,
                                      wrong("directions not of length 1", lambda f: lambda x, y, t, *rest: f(
                                          x @ t[:1].T, y @ t[:1].T, lab_one(t), *rest))],
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
            return f.emd(distance**order, a, b).value ** (1 / order)

        orders = [W(P, Q, order) for order in (1, 2, 3)]
        for order, value in zip((1, 2, 3), orders, strict=True):
            yield equals(f"W_{order}(P, Q) = W_{order}(Q, P)", W(Q, P, order), value)
            yield at_most(f"W_{order}, triangle", value, W(P, R, order) + W(R, Q, order), slack)
            yield equals(f"W_{order}(P, P)", W(P, P, order), 0.0, atol=1e-4)  # a root of a rounding
        yield at_most("W₁ ≤ W₂ ≤ W₃", orders[:-1], orders[1:], slack)
        yield at_least("P ≠ Q: W₁ ≥ min d · TV > 0", orders[0], (distance + 9 * np.eye(n)).min() * f.tv(p, q), slack)
        yield at_most("W₁ ≤ diam · TV", orders[0], distance.max() * f.tv(p, q), slack)
        yield equals("TV = max over events of P − Q", f.tv(p, q), np.maximum(P - Q, 0).sum())
        yield at_most("TV ≤ √(KL/2)", f.tv(p, q), sqrt(f.kl(p, q) / 2), slack)
        theta = lab.rng.normal(size=(20, 2))
        sliced = f.sliced_wasserstein(*map(lab.array, (x, x, theta)), 2, p, q)
        yield at_most("sliced W₂ ≤ W₂", sliced, orders[1], slack)
    # Equalities: a translation, two points, three in a row, and nearly fair coins
    x, shift, n = lab.rng.normal(size=(4, 2)), lab.rng.normal(size=2), 4
    far = np.linalg.norm(shift)
    cost, quarter = np.linalg.norm(x[:, None] - x - shift, axis=2), np.full(n, 1 / n)
    yield equals("a shift: W₁, W₂", [f.emd(cost**k, quarter, quarter).value ** (1 / k) for k in (1, 2)], [far, far])
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
    yield equals("a nearly fair coin: TV = √(KL/2)", [f.tv(coin, fair), sqrt(f.kl(coin, fair) / 2)], 1e-4, rtol=1e-6)
    yield equals("KL of a coin", f.kl(lab.array([0.75, 0.25]), fair), log(2) + 0.75 * log(0.75) + 0.25 * log(0.25))
