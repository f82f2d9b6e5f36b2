"""Generators (G24, G25): several that share the modes, and one that is F⁻¹."""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.faults import SCALE, SIGN, changed, wrong
from minigan.claims.routes import js_of, within_dkw
from minigan.theory import optimal


@claim("G24", "JS(p‖Σ wᵢqᵢ) ≤ Σ wᵢ JS(p‖qᵢ); equal shares of disjoint modes beat each alone, unequal ones need not",
       note="advanced", paper="Cover & Thomas (2006), theorem 2.7.2; Hoang et al. (2018)",
       computes={"optimal_value": optimal.optimal_value})
def mixtures(f: Any, lab: Lab) -> Checks:
    from scipy.spatial.distance import jensenshannon

    def js(p: np.ndarray, q: np.ndarray) -> float:
        return js_of(f.optimal_value(lab.array(p), lab.array(q)))

    for _ in range(3):
        p, *qs = lab.rng.dirichlet(np.full(8, 0.5), 5)
        w = lab.rng.dirichlet(np.ones(4))
        yield equals("JS of the mixture (scipy)", js(p, w @ qs), jensenshannon(p, w @ qs) ** 2)
        yield at_most("≤ the mean of the JS", js(p, w @ qs), w @ [js(p, q) for q in qs])
        yield equals("equality for one generator, four times", js(p, w @ ([qs[0]] * 4)), js(p, qs[0]))

    def over(*modes: int) -> np.ndarray:
        return np.bincount(modes, minlength=8) / len(modes)

    p, share = over(*range(8)), [over(0, 1), over(2, 3), over(4, 5), over(6, 7)]
    for count in (1, 2, 4):
        m = 2 * count
        exact = 0.5 * log(16 / (8 + m)) + 0.5 * (m / 8 * log(2 * m / (8 + m)) + (8 - m) / 8 * log(2))
        yield equals(f"{m} of 8 modes: JS", js(p, np.mean(share[:count], axis=0)), exact)
    yield equals("modes covered by 1, 2, 4 of them", [np.count_nonzero(sum(share[:k])) for k in (1, 2, 4)], [2, 4, 8])
    yield at_most("two disjoint equal shares are nearer than each", js(p, (share[0] + share[1]) / 2),
                  min(js(p, share[0]), js(p, share[1])) - 0.1)
    seven, one = over(*range(7)), over(7)
    yield equals("7 modes alone: JS", js(p, seven), jensenshannon(p, seven) ** 2)
    half = (seven + one) / 2
    yield equals("7 modes and 1 mode, mixed equally: JS", js(p, half), jensenshannon(p, half) ** 2)
    yield at_least("all 8 are covered, and the mixture is further", js(p, half), js(p, seven) + 0.04)

mixtures.must_notice(
    optimal_value=[SCALE, SIGN,
                   changed("a concave V", lambda v: sqrt(max(v + 2 * log(2), 0)) - 2 * log(2)),
                   changed("squared", lambda v: -(v**2))])


@claim("G25", "U ~ U(0, 1) ⇒ F⁻¹(U) ~ F, F⁻¹(u) = inf{x: F(x) ≥ u}", note="xu",
       paper="Devroye (1986), theorem II.2.1", computes={"inverse_transform": optimal.inverse_transform})
def inverse_transform_sampling(f: Any, lab: Lab) -> Checks:
    from scipy.special import ndtr, ndtri

    u = lab.rng.random(20_000)
    sample = f.inverse_transform(lambda x: -lab.xp.expm1(-2 * lab.xp.maximum(x, 0)), lab.array(u), -1.0, 60.0)
    yield equals("exponential: −log(1 − u)/2", sample, -np.log1p(-u) / 2)
    yield within_dkw("20,000 of them ~ Exp(2)", to_host(sample), lambda x: -np.expm1(-2 * x))
    sample = f.inverse_transform(ndtr, u, -40.0, 40.0)
    yield equals("normal: scipy's ndtri", sample, ndtri(u))
    yield within_dkw("20,000 of them ~ N(0, 1)", sample, ndtr)
    steps = lab.array([0.1, 0.25, 0.26, 1.0])
    stairs = f.inverse_transform(lambda x: 0.25 * (x >= 1) + 0.75 * (x >= 2), steps, 0.0, 3.0)
    yield equals("P(1) = ¼, P(2) = ¾: the jumps", stairs, [1, 1, 2, 2])

inverse_transform_sampling.must_notice(
    inverse_transform=[SCALE, SIGN,
                       wrong("1 − u", lambda f, F, u, *ends: f(F, 1 - u, *ends)),
                       wrong("F² for F", lambda f, F, *rest: f(lambda x: F(x) ** 2, *rest))])
