"""Duality (W2, W7, W8): the cheapest plan costs what the best critic pays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import exp
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor
from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.faults import SCALE, SIGN, SWAPPED, changed, dropped, wrong
from minigan.claims.transport.programs import (
    CRITIC_FAULTS,
    EQUAL_WEIGHTS,
    VALUE_FAULTS,
    VALUE_SCALED,
    best_critic,
    best_lipschitz,
    by_permutations,
    shares,
)
from minigan.gans.losses import wasserstein_estimate
from minigan.theory import lipschitz, transport


@claim("W2", "inf ⟨D, Γ⟩ = sup Σaψ + Σbψᶜ; Γ1 = a, Γᵀ1 = b; Γ > 0 only where ψ + ψᶜ = D", note="advanced",
       paper="Kantorovich (1942); Peyré & Cuturi (2019), proposition 2.4",
       computes={"emd": transport.emd, "sinkhorn": transport.sinkhorn})
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

PLAN_FAULTS = [
    VALUE_SCALED,
    EQUAL_WEIGHTS,
    changed("value and dual swapped, × −1", lambda t: replace(t, value=-t.dual, dual=-t.value)),
    changed("dual × 1.05", lambda t: replace(t, dual=1.05 * t.dual)),
    changed("the independent plan", lambda t: replace(t, plan=np.outer(t.plan.sum(1), t.plan.sum(0)))),
    changed("potentials × −1", lambda t: replace(t, psi=-t.psi, psi_c=-t.psi_c)),
    changed("potentials × 1.05", lambda t: replace(t, psi=1.05 * t.psi, psi_c=1.05 * t.psi_c)),
]
duality.must_notice(emd=PLAN_FAULTS, sinkhorn=PLAN_FAULTS)


@claim("W7", "W₁ = max over 1-Lipschitz ψ of E_P ψ − E_Q ψ, since then ψᶜ = −ψ; W_p^p/p = max of E_P ψ + E_Q ψᶜ",
       note="xu", paper="Villani (2009), theorem 5.10, case 5.16",
       computes={"c_transform": transport.c_transform, "kantorovich_dual": transport.kantorovich_dual,
                 "kantorovich_potential": lipschitz.kantorovich_potential})
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
        directions /= np.linalg.norm(directions, axis=0)
        psi = np.tanh(both @ directions + lab.rng.normal(size=3)).mean(axis=1)
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

kantorovich_rubinstein.must_notice(
    c_transform=[SCALE, SIGN,
                 wrong("sup for inf", lambda f, psi, cost: -f(-psi, -cost)),
                 wrong("C + ψ", lambda f, psi, cost: f(-psi, cost))],
    kantorovich_dual=[SCALE, SIGN,
                      wrong("a and b swapped", lambda f, psi, cost, a, b: f(psi, cost, b, a)),
                      dropped("the transform", lambda psi, cost, a, b: float((a * psi).sum()))],
    kantorovich_potential=[*CRITIC_FAULTS,
                           wrong("P and Q swapped", lambda f, x, y, a, b: f(y, x, b, a)),
                           wrong("equal weights", lambda f, x, y, a, b: f(x, y))])


@claim("W8", "sup over ‖f‖_L ≤ K of E_P f − E_Q f = K W₁; a family within gives at most that", note="xu, weng",
       paper="Arjovsky, Chintala & Bottou (2017), eqs. 2–3",
       computes={"emd": transport.emd, "wasserstein_estimate": wasserstein_estimate})
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

k_lipschitz.must_notice(
    emd=VALUE_FAULTS,
    wasserstein_estimate=[SCALE, SIGN, SWAPPED])
