"""What W₁ sees and JS does not (W3, W9): laws that come nearer without meeting."""

from __future__ import annotations

from math import inf, log
from typing import Any

import numpy as np

from minigan.claims.claim import Checks, Lab, claim, equals
from minigan.claims.faults import SCALE, SIGN, SQUARED, SWAPPED, UNHALVED
from minigan.claims.transport.programs import on_common_support
from minigan.theory import divergences, transport


@claim("W3", "parallel lines: W₁ = |θ|, dW₁/dθ = sign θ; KL = ∞, JS = log 2, dJS/dθ = 0 for θ ≠ 0; all 0 at 0",
       note="weng", paper="Arjovsky, Chintala & Bottou (2017), example 1",
       computes={"wasserstein_assignment": transport.wasserstein_assignment, "kl": divergences.kl,
                 "js": divergences.jensen_shannon})
def parallel_lines(f: Any, lab: Lab) -> Checks:
    height = lab.rng.random((32, 1))

    def line(theta: float) -> np.ndarray:
        return np.hstack([np.full_like(height, theta), height])

    def laws(theta: float) -> list:
        return [lab.array(p) for p in on_common_support(line(0), line(theta))]

    step = 1e-3
    for theta in (-2.0, -0.5, 1e-2, 0.5, *lab.rng.uniform(0.1, 1, 2)):
        yield equals(f"W₁ at θ = {theta:.3g}", f.wasserstein_assignment(line(0), line(theta)), abs(theta))
        after, before = (f.wasserstein_assignment(line(0), line(theta + s)) for s in (step, -step))
        yield equals(f"dW₁/dθ at θ = {theta:.3g}", (after - before) / (2 * step), np.sign(theta))
        p, q = laws(theta)
        yield equals("KL both ways", [f.kl(p, q), f.kl(q, p)], [inf, inf])
        yield equals("JS", f.js(p, q), log(2))
        yield equals("dJS/dθ", np.subtract(f.js(*laws(theta + step)), f.js(*laws(theta - step))), 0.0)
    p, q = laws(0)
    at_zero = [f.wasserstein_assignment(line(0), line(0)), f.kl(p, q), f.js(p, q)]
    yield equals("W₁, KL, JS at θ = 0", at_zero, [0, 0, 0])
    # Half of P moved over to Q's line: the three values that are neither 0 nor ∞
    p, q = lab.array([0.5, 0.5]), lab.array([0.0, 1.0])
    yield equals("half-way, KL(Q‖P)", f.kl(q, p), log(2))
    yield equals("half-way, KL(P‖Q)", f.kl(p, q), inf)
    yield equals("half-way, JS", f.js(p, q), (log(2) + log(2 / 3)) / 4 + log(4 / 3) / 2)

parallel_lines.must_notice(
    wasserstein_assignment=[SCALE, SIGN, SQUARED],
    kl=[SCALE, SIGN, SWAPPED],
    js=[SCALE, SIGN, UNHALVED])


@claim("W9", "δ_{1/n} → δ₀: W₁ = 1/n → 0, while JS = log 2 and TV = 1 for every n", note="xu",
       paper="Arjovsky, Chintala & Bottou (2017), theorem 2; Villani (2009), theorem 6.9",
       computes={"wasserstein_1d": transport.wasserstein_1d, "js": divergences.jensen_shannon,
                 "tv": divergences.total_variation})
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

weak_topology.must_notice(
    wasserstein_1d=[SCALE, SIGN, SQUARED],
    js=[SCALE, SIGN, UNHALVED],
    tv=[SCALE, SIGN, UNHALVED])
