"""On the line (W1, W4): piles, quantiles and distribution functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.claims.claim import Checks, Lab, claim, equals
from minigan.claims.faults import SCALE, SIGN, SWAPPED, dropped, instead, wrong
from minigan.claims.transport.programs import best_critic, by_permutations, shares
from minigan.theory import transport


@claim("W1", "δᵢ₊₁ = δᵢ + Pᵢ₊₁ − Qᵢ₊₁, W₁ = Σ|δᵢ|: 0, 2, 2, −1, 0 and cost 5", note="weng",
       paper="Peyré & Cuturi (2019), remark 2.30",
       computes={"earth_movers_piles": transport.earth_movers_piles,
                 "wasserstein_1d": transport.wasserstein_1d})
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

piles.must_notice(
    earth_movers_piles=[SCALE, SIGN, SWAPPED,
                        wrong("δᵢ + Pᵢ − Qᵢ as printed (E19)",
                              lambda f, p, q: f(np.roll(to_host(p), 1), np.roll(to_host(q), 1)))],
    wasserstein_1d=[SCALE, SIGN, dropped("weights", lambda x, y, *rest: transport.wasserstein_1d(x, y))])


@claim("W4", "on the line W_p^p = ∫₀¹ |F⁻¹ − G⁻¹|^p du, and W₁ = ∫ |F − G| dx", note="xu",
       paper="Santambrogio (2015), proposition 2.17",
       computes={"wasserstein_1d": transport.wasserstein_1d,
                 "wasserstein_assignment": transport.wasserstein_assignment})
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

on_the_line.must_notice(
    wasserstein_1d=[SCALE, SIGN, SWAPPED,
                    dropped("weights", lambda x, y, p=1, *rest: transport.wasserstein_1d(x, y, p)),
                    wrong("no root", lambda f, x, y, p=1, *rest: f(x, y, p, *rest) ** p)],
    wasserstein_assignment=[SCALE, SIGN,
                            dropped("p", lambda x, y, p=1: transport.wasserstein_assignment(x, y)),
                            instead("no sorting",
                                    lambda x, y, p=1: float((abs(x - y) ** p).mean() ** (1 / p)))])
