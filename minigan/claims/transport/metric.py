"""A distance between laws (W5, W6): of Gaussians in closed form, a metric, and its inequalities."""

from __future__ import annotations

from dataclasses import replace
from math import log, sqrt
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.faults import SCALE, SIGN, SWAPPED, UNHALVED, dropped, instead, wrong
from minigan.claims.transport.programs import VALUE_FAULTS, shares
from minigan.theory import divergences, fits, transport


@claim("W5", "W₂²(N(μ,Σ), N(ν,T)) = ‖μ − ν‖² + tr(Σ + T − 2(Σ^½ T Σ^½)^½); N(0,1), N(μ,1): W₁ = W₂ = |μ|",
       note="xu", paper="Olkin & Pukelsheim (1982); Bhatia, Jain & Lim (2019), theorem 1",
       computes={"gaussian_w2": fits.gaussian_w2, "wasserstein_1d": transport.wasserstein_1d})
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


def as_if_commuting(m: Any, S: Any, n: Any, T: Any) -> float:
    """√(‖μ − ν‖² + ‖Σ^½ − T^½‖²)."""
    return sqrt(((m - n) ** 2).sum() + ((psd_root(S) - psd_root(T)) ** 2).sum())

gaussians.must_notice(
    gaussian_w2=[SCALE, SIGN,
                 wrong("μ + ν", lambda f, m, S, n, T: f(m, S, -n, T)),
                 dropped("the covariances", lambda m, S, n, T: float(np.linalg.norm(to_host(m - n)))),
                 instead("Σ^½ − T^½, as if they commuted", as_if_commuting)],
    wasserstein_1d=[SCALE, SIGN, wrong("no root", lambda f, x, y, p: f(x, y, p) ** p)])


@claim("W6", "W_p is a metric; W_p ≤ W_q for p ≤ q; W₁ ≤ diam · TV; TV ≤ √(KL/2); sliced W_p ≤ W_p", note="xu",
       paper="Villani (2009), definition 6.1, remark 6.6, theorem 6.15; Pinsker (1964)",
       computes={"emd": transport.emd, "sliced_wasserstein": transport.sliced_wasserstein,
                 "tv": divergences.total_variation, "kl": divergences.kl})
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
    shifted = [np.power(f.emd(cost**k, quarter, quarter).value, 1 / k) for k in (1, 2)]
    yield equals("a shift: W₁, W₂", shifted, far)
    theta = lab.rng.normal(size=(20, 2))
    along = theta @ shift / np.linalg.norm(theta, axis=1)
    yield equals("a shift: sliced W₂", f.sliced_wasserstein(*map(lab.array, (x, x + shift, theta)), 2),
                 sqrt((along**2).mean()))
    P, Q = shares(lab, 2), shares(lab, 2)
    two = f.emd(far * (1 - np.eye(2)), P, Q).value
    yield equals("two points: W₁ = diam · TV", [two, far * f.tv(*map(lab.array, (P, Q)))], far * abs(P[0] - Q[0]))
    one, row = np.eye(3), abs(np.subtract.outer([0.0, 1, 3], [0.0, 1, 3]))
    steps = [f.emd(row, one[i], one[j]).value for i, j in ((0, 1), (1, 2), (0, 2))]
    yield equals("three in a row: 1 + 2 = 3", steps, [1, 2, 3])
    coin, fair = lab.array([0.5 + 1e-4, 0.5 - 1e-4]), lab.array([0.5, 0.5])
    sides = [f.tv(coin, fair), np.sqrt(f.kl(coin, fair) / 2)]
    yield equals("a nearly fair coin: TV = √(KL/2)", sides, 1e-4, rtol=1e-6)
    yield equals("KL of a coin", f.kl(lab.array([0.75, 0.25]), fair),
                 log(2) + 0.75 * log(0.75) + 0.25 * log(0.25))


def along_long_directions(x: Any, y: Any, theta: Any, p: float, *weights: Any) -> float:
    """Sliced W_p by directions that are not brought to length 1."""
    costs = [transport.wasserstein_1d(x @ t, y @ t, p, *weights) ** p for t in theta]
    return float(np.mean(costs) ** (1 / p))

metric.must_notice(
    emd=[*VALUE_FAULTS,
         wrong("the independent plan",
               lambda emd, cost, a, b: replace(emd(cost, a, b), value=float(a @ cost @ b)))],
    sliced_wasserstein=[SCALE, SIGN, dropped("the directions' lengths", along_long_directions)],
    tv=[SCALE, SIGN, UNHALVED],
    kl=[SCALE, SIGN, SWAPPED])
