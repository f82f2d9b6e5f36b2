"""The family of f-divergences (D5, D6, D12): not negative, each its own closed form, data processing."""

from __future__ import annotations

from math import e, exp, fsum, inf, log, sqrt
from typing import Any

import numpy as np

from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.divergences.atoms import (
    P_Q_SWAPPED,
    Q_ZERO_DROPPED,
    bound,
    normal,
    own,
    random_pairs,
    rows_with_own,
)
from minigan.claims.faults import SCALE, SIGN, instead, wrong
from minigan.theory import divergences, fits
from minigan.theory.divergences import GAN, HELLINGER, KL, PEARSON, TOTAL_VARIATION


@claim("D5", "D_f(P‖Q) ≥ 0, and = 0 iff P = Q (f strictly convex at 1)", note="advanced",
       paper="Csiszár (1967)", computes={"divergence": divergences.divergence})
def not_negative(f: Any, lab: Lab) -> Checks:
    for row in rows_with_own():
        yield equals(f"{row.name}: f(1) = 0", row.f(1.0), 0.0)
        for p, q in random_pairs(lab, 2):
            yield equals(f"{row.name}: D(P‖P) = 0", f.divergence(row, p, p), 0.0)
            D = f.divergence(row, p, q)
            yield at_least(f"{row.name}: D(P‖Q) ≥ 0", D, 0.0, slack=0)
            yield equals(f"{row.name}: D(P‖Q) = Σ q f(p/q)", D, own(row.name, p, q))
            nearly = p + 1e-9 * (q - p)  # where round-off could turn the sign
            yield at_least(f"{row.name}: D(P‖≈P) ≥ 0", f.divergence(row, p, nearly), 0.0, slack=0)

not_negative.must_notice(
    divergence=[SCALE, SIGN,
                wrong("f-GAN's GAN row, f(1) = −2 log 2",
                      lambda f, row, p, q: f(row, p, q) - 2 * log(2) * (row is GAN))])


@claim("D6", "The family: each D_f from f is its own closed form", note="advanced",
       paper="Nowozin et al. (2016), tables 1 and 6; Cichocki & Amari (2010)",
       computes={"divergence": divergences.divergence, "divergence_between": divergences.divergence_between,
                 "alpha": divergences.alpha, "alpha_gaussians": fits.alpha_gaussians})
def the_family(f: Any, lab: Lab) -> Checks:
    for row in rows_with_own():
        for p, q in random_pairs(lab, 2):
            yield equals(f"{row.name}: Σ q f(p/q)", f.divergence(row, p, q), own(row.name, p, q))
        (m1, m2), (s1, s2) = lab.rng.uniform(-0.5, 0.5, 2), lab.rng.uniform(0.95, 1.05, 2)
        x = np.linspace(-14, 14, 4001)
        densities = [np.exp(normal(m, s)(x)) * (x[1] - x[0]) for m, s in ((m1, s1), (m2, s2))]
        # |p − q| has kinks, where the grid's sum is of second order
        rtol = 1e-5 if row is TOTAL_VARIATION else 1e-9
        yield equals(f"{row.name}: ∫ of Gaussians", f.divergence_between(row, normal(m1, s1), normal(m2, s2)),
                     own(row.name, *densities), rtol=rtol)
        # P = (½, ½, 0), Q = (½, 0, ½): the sum is ½ (f′(∞) + f(0)), and so ∞ unless both are finite
        p, q = lab.array([0.5, 0.5, 0.0]), lab.array([0.5, 0.0, 0.5])
        yield equals(f"{row.name}: half in common", f.divergence(row, p, q), 0.5 * bound(row.name))
    between = f.divergence_between
    unit = normal(0, 1), normal(1, 1)
    yield equals("N(0,1), N(1,1): Pearson = e − 1", between(PEARSON, *unit), e - 1)
    yield equals("N(0,1), N(1,1): H² = 1 − e^{−1/8}", between(HELLINGER, *unit), 1 - exp(-1 / 8))
    yield equals("KL((1,0)‖(½,½)), q f(0) + …", f.divergence(KL, lab.array([1.0, 0]), lab.array([0.5, 0.5])), log(2))
    yield equals("Pearson of Gaussians, σ_p² = 2σ_q²: ∞", between(PEARSON, normal(0, sqrt(2)), normal(0, 1)), inf)
    yield equals("Pearson of Gaussians, σ_p² > 2σ_q²: ∞", between(PEARSON, normal(0, 1.5), normal(0.3, 1)), inf)
    yield equals("and in closed form", f.alpha_gaussians(2, 0, 1.5, 0.3, 1), inf)
    for p, q in random_pairs(lab, 2):
        half = f.divergence(f.alpha(0.5), p, q)
        yield equals("α = ½: 4 H²", half, 4 * own("squared-hellinger", p, q))
        yield equals("α = 2: ½ Pearson", f.divergence(f.alpha(2), p, q), 0.5 * own("pearson", p, q))
        yield equals("α = −1: ½ Neyman", f.divergence(f.alpha(-1), p, q), 0.5 * own("neyman", p, q))
        for a in (1, 1 - 1e-9):
            yield equals("α → 1: KL", f.divergence(f.alpha(a), p, q), own("kl", p, q), rtol=1e-6)
        for a in (0, 1e-9):
            yield equals("α → 0: reverse KL", f.divergence(f.alpha(a), p, q), own("reverse-kl", p, q), rtol=1e-6)
    for a in (-0.5, 0.3, 1.5, 3.0):
        m1, s1, m2, s2 = 0.2, 0.9, -0.7, 1.1
        x = np.linspace(-25, 25, 5001)
        integral = fsum(np.exp(a * normal(m1, s1)(x) + (1 - a) * normal(m2, s2)(x)) * (x[1] - x[0]))
        yield equals(f"α = {a:g}: Gaussians in closed form", f.alpha_gaussians(a, m1, s1, m2, s2),
                     (integral - 1) / (a * (a - 1)))

the_family.must_notice(
    divergence=[SCALE, SIGN, P_Q_SWAPPED, Q_ZERO_DROPPED],
    divergence_between=[SCALE, SIGN, P_Q_SWAPPED],
    alpha=[wrong("1 − α for α", lambda f, a: f(1 - a)), instead("Pearson for every α", lambda a: PEARSON)],
    alpha_gaussians=[SCALE, SIGN, wrong("P and Q swapped", lambda f, a, *pair: f(a, *pair[2:], *pair[:2]))])


@claim("D12", "D_f(PK‖QK) ≤ D_f(P‖Q);  D_f is jointly convex", note="advanced",
       paper="Liese & Vajda (2006), theorem 14",
       computes={"divergence": divergences.divergence, "push_forward": divergences.push_forward})
def data_processing(f: Any, lab: Lab) -> Checks:
    for row in rows_with_own():
        p, q, r, s = (lab.array(x) for x in lab.rng.dirichlet(np.ones(5), 4))
        K = lab.array(lab.rng.dirichlet(np.ones(5), 5))
        D = f.divergence(row, p, q)
        yield at_most(f"{row.name}: after a kernel", f.divergence(row, f.push_forward(p, K), f.push_forward(q, K)), D)
        shuffle = lab.array(np.eye(5)[lab.rng.permutation(5)])
        yield equals(f"{row.name}: a permutation loses nothing", own(row.name, f.push_forward(p, shuffle),
                                                                   f.push_forward(q, shuffle)), D)
        weight = lab.rng.uniform(0.1, 0.9)
        mixed = f.divergence(row, weight * p + (1 - weight) * r, weight * q + (1 - weight) * s)
        both = weight * D + (1 - weight) * f.divergence(row, r, s)
        yield at_most(f"{row.name}: of mixtures ≤ mixture of D", mixed, both)
        empty = lab.array(np.zeros(5))
        apart = [lab.xp.concatenate([weight * x, empty]) + lab.xp.concatenate([empty, (1 - weight) * y])
                 for x, y in ((p, r), (q, s))]
        yield equals(f"{row.name}: = if told apart", f.divergence(row, *apart), both)
        yield equals(f"{row.name}: D", D, own(row.name, p, q))
    p, K = lab.array([0.25, 0.75]), lab.array([[0.5, 0.5, 0], [0.2, 0, 0.8]])
    yield equals("(¼, ¾) K", f.push_forward(p, K), [0.275, 0.125, 0.6])

data_processing.must_notice(
    divergence=[SCALE, SIGN, P_Q_SWAPPED],
    push_forward=[SCALE, SIGN,
                  instead("Kᵀ for K", lambda p, K: K @ p),
                  instead("not applied", lambda p, K: p)])
