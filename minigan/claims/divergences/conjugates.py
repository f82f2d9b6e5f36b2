"""Conjugates (D7–D9) and the bound that they give (D10, D11): no critic beats T*, a coarser one gets less."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from minigan.arrays import Array, to_host
from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.divergences.atoms import P_Q_SWAPPED, Vector, normal, on_grid, own, random_pairs, rows_with_own
from minigan.claims.faults import SCALE, SIGN, instead, wrong
from minigan.theory import divergences
from minigan.theory.divergences import DIVERGENCES, GAN, HELLINGER, JS, KL, PEARSON, REVERSE_KL, TOTAL_VARIATION, alpha

# f-GAN's table has the first piece of Pearson's f* alone
ONE_PIECE = wrong("the piece at u = 0 left out",
                  lambda f, row, t: t + t**2 / 4 if row is PEARSON else f(row, t))


@claim("D7", "f*(t) = sup_{u ≥ 0} {ut − f(u)};  (x log x)* = e^{t−1}", note="advanced",
       paper="Nowozin et al. (2016), eq. 2 and table 6",
       computes={"extended_conjugate": divergences.extended_conjugate, "conjugate": divergences.conjugate})
def conjugates(f: Any, lab: Lab) -> Checks:
    t = lab.array([-30.0, -3.0, -1.0, 0.0, 1.0, 4.0])
    yield equals("(x log x)* = e^{t−1}, the row's", f.extended_conjugate(KL, t), np.exp(to_host(t) - 1))
    searched = f.conjugate(lambda u: u * np.log(u), to_host(t))
    yield equals("(x log x)* = e^{t−1}, searched", searched, np.exp(to_host(t) - 1))
    three = lab.array([-3.0, -2.0, 2.0])
    yield equals("Pearson at t = −3, −2, 2: −1, not −0.75; −1; 3", f.extended_conjugate(PEARSON, three), [-1, -1, 3])
    yield equals("and searched", f.conjugate(PEARSON.f, to_host(three)), [-1, -1, 3])
    yield equals("TV at t = −3, −½, ½, 0.6", f.extended_conjugate(TOTAL_VARIATION, lab.array([-3, -0.5, 0.5, 0.6])),
                 [-0.5, -0.5, 0.5, inf])
    for row in DIVERGENCES.values():
        right = min(row.slope, 5.0)
        t = np.concatenate([right - 10.0 ** lab.rng.uniform(-2, 1.5, 6), [right - 100]])
        yield equals(f"{row.name}: f* = sup, t < f′(∞)", f.extended_conjugate(row, lab.array(t)), f.conjugate(row.f, t))
        if row.slope < inf:
            out = np.array([row.slope + 0.01, row.slope + 10])
            yield equals(f"{row.name}: f* = ∞, t > f′(∞)", f.extended_conjugate(row, lab.array(out)), [inf, inf])
            yield equals(f"{row.name}: and searched", f.conjugate(row.f, out), [inf, inf])
        if row.closed:  # the sup is a limit there, and a search stops short of it
            end = np.array([row.slope])
            yield equals(f"{row.name}: at t = f′(∞)", f.extended_conjugate(row, lab.array(end)),
                         f.conjugate(row.f, end), rtol=1e-4)

conjugates.must_notice(
    extended_conjugate=[SCALE, SIGN, ONE_PIECE],
    conjugate=[SCALE, SIGN, instead("f(0) for f*(t)", lambda g, t: 0.0 * t)])


def f_of(row: divergences.FDivergence, u: Array) -> Array:
    """f(u)."""
    return row.f(u)


def slope_of(row: divergences.FDivergence, u: Array) -> Array:
    """f′(u)."""
    return row.f_prime(u)


@claim("D8", "f(u) + f*(t) ≥ ut, = iff t ∈ ∂f(u);  f*(f′(u)) = u f′(u) − f(u)", note="advanced",
       paper="Rockafellar (1970), theorem 23.5",
       computes={"extended_conjugate": divergences.extended_conjugate, "f": f_of, "slope": slope_of})
def fenchel_young(f: Any, lab: Lab) -> Checks:
    for row in DIVERGENCES.values():
        u = lab.array(10 ** lab.rng.uniform(-2, 2, 8))
        t = lab.array(min(row.slope, 4.0) - 10 ** lab.rng.uniform(-1, 1, 8))
        gap = f.f(row, u)[:, None] + f.extended_conjugate(row, t)[None, :] - u[:, None] * t[None, :]
        yield at_least(f"{row.name}: f(u) + f*(t) − ut ≥ 0", gap, 0.0, slack=1e-10)
        s = f.slope(row, u)
        yield equals(f"{row.name}: f*(f′(u)) = u f′(u) − f(u)", f.extended_conjugate(row, s),
                     to_host(u * s - f.f(row, u)))
        h = 1e-5 * u
        if row is not TOTAL_VARIATION:
            rise = (row.f(u + h) - row.f(u - h)) / (2 * h)
            yield equals(f"{row.name}: f′ by differences", s, to_host(rise), rtol=1e-6)
    t = lab.array([-0.5, -0.2, 0.0, 0.3, 0.5])
    yield equals("TV's kink at u = 1: every t in [−½, ½]", f.extended_conjugate(TOTAL_VARIATION, t), to_host(t))
    t = lab.array([-9.0, -3.0, -2.0])
    yield equals("Pearson's end u = 0: every t ≤ −2", 1 + f.extended_conjugate(PEARSON, t), [0, 0, 0])
    yield at_least("a t that is no subgradient: strictly more", f.f(KL, lab.array([2.0]))
                   + f.extended_conjugate(KL, lab.array([1.0])) - 2.0, 0.38)

fenchel_young.must_notice(
    extended_conjugate=[SCALE, SIGN, ONE_PIECE],
    f=[SCALE, SIGN, wrong("½ left in or out", lambda f, row, u: 2 * f(row, u))],
    slope=[SCALE, SIGN, wrong("1/u for u", lambda slope, row, u: slope(row, 1 / u))])


def double_well(x: Array) -> Array:
    """(x² − 1)²."""
    return (x * x - 1) ** 2


@claim("D9", "f** = f for convex f; else f** is the convex hull of f", note="advanced",
       paper="Rockafellar (1970), theorem 12.2",
       computes={"biconjugate": divergences.biconjugate, "conjugate": divergences.conjugate})
def biconjugates(f: Any, lab: Lab) -> Checks:
    for row in DIVERGENCES.values():
        u = 10 ** lab.rng.uniform(-2, 2, 5)
        yield equals(f"{row.name}: f** = f", f.biconjugate(row.f, u), row.f(u))
    x, t = np.linspace(-3, 3, 241), np.linspace(-90, 90, 241)
    inner = lab.rng.uniform(-1, 1, 5)
    outer = np.concatenate([lab.rng.uniform(1, 2, 3), lab.rng.uniform(-2, -1, 3)])
    yield equals("(x² − 1)²: f** = 0 on [−1, 1]", f.biconjugate(double_well, inner, x, t), np.zeros(5))
    yield equals("(x² − 1)²: f** = f outside", f.biconjugate(double_well, outer, x, t), double_well(outer))
    # at t = f′(2) = 24 the sup sits at x = 2: 48 − 9
    yield equals("(x² − 1)²: f*(24) = 39, f*(0) = 0, f*(−24) = 39",
                 f.conjugate(double_well, np.array([24.0, 0, -24]), x), [39, 0, 39])

biconjugates.must_notice(
    biconjugate=[SCALE, SIGN, instead("f for f**", lambda g, u, *grids: g(u))],
    conjugate=[SCALE, SIGN,
               wrong("inf for sup", lambda conjugate, g, t, *u: -conjugate(lambda x: -g(x), -t, *u))])


CRITICS_P_Q_SWAPPED = wrong("P and Q swapped", lambda f, row, T, p, q, **options: f(row, T, q, p, **options))


@claim("D10", "E_P[T] − E_Q[f*(T)] ≤ D_f(P‖Q), = at T* = f′(p/q)", note="advanced",
       paper="Nguyen et al. (2010), lemma 1; Nowozin et al. (2016), eq. 4–5",
       computes={"variational_bound": divergences.variational_bound,
                 "optimal_critic": divergences.optimal_critic,
                 "variational_bound_between": divergences.variational_bound_between})
def variational_bounds(f: Any, lab: Lab) -> Checks:
    for row in rows_with_own():
        for p, q in random_pairs(lab, 2):
            D = own(row.name, p, q)
            T = f.optimal_critic(row, p, q)
            yield equals(f"{row.name}: tight at T*", f.variational_bound(row, T, p, q), D)
            u, h = p / q, 1e-6
            rise = (row.f(u * (1 + h)) - row.f(u * (1 - h))) / (2 * h * u)
            yield equals(f"{row.name}: T* = f′(p/q), by differences", T, to_host(rise), rtol=1e-6, atol=1e-6)
            for _ in range(3):
                T = row.activation(lab.array(lab.rng.normal(0, 1, len(p))))
                yield at_most(f"{row.name}: a random T", f.variational_bound(row, T, p, q), D)
    log_p, log_q = normal(0, 1), normal(1, 1)
    p, q = (x + 1e-300 for x in on_grid(log_p, log_q, low=-14, high=15))
    for row in (KL, REVERSE_KL, PEARSON, HELLINGER, GAN, JS, alpha(0.5)):
        def critic(x: Vector) -> Vector:
            u = np.exp(np.clip(log_p(x) - log_q(x), -300, 300))  # the ratio alone: in the tails p and q underflow
            return f.optimal_critic(row, u, np.ones_like(u))

        yield equals(f"{row.name}: N(0,1), N(1,1), tight at T*, ∫",
                     f.variational_bound_between(row, critic, log_p, log_q), own(row.name, p, q), atol=1e-6)
        slack = f.variational_bound_between(row, lambda x: row.activation(0.5 - x**2 / 9), log_p, log_q)
        yield at_most(f"{row.name}: another T, ∫", slack, own(row.name, p, q))

variational_bounds.must_notice(
    variational_bound=[SCALE, SIGN, CRITICS_P_Q_SWAPPED,
                       instead("T for f*(T)", lambda row, T, p, q: float(((p - q) * T).sum()))],
    optimal_critic=[SCALE, SIGN, P_Q_SWAPPED],
    variational_bound_between=[SCALE, SIGN, CRITICS_P_Q_SWAPPED])


@claim("D11", "A critic of limited capacity gives a smaller bound", note="advanced",
       paper="Nowozin et al. (2016), section 2.2",
       computes={"variational_bound": divergences.variational_bound,
                 "optimal_critic": divergences.optimal_critic})
def limited_capacity(f: Any, lab: Lab) -> Checks:
    for row in (KL, REVERSE_KL, PEARSON, HELLINGER, GAN, JS):
        p, q = (lab.array(x) for x in lab.rng.dirichlet(np.ones(16), 2))
        bounds = []
        for blocks in (1, 2, 4, 8, 16):  # nested families: T constant on each block of atoms
            of = np.repeat(np.arange(blocks), 16 // blocks)
            P, Q = p.reshape(blocks, -1).sum(axis=1), q.reshape(blocks, -1).sum(axis=1)
            best = f.variational_bound(row, f.optimal_critic(row, P, Q)[of], p, q)
            yield equals(f"{row.name}, {blocks} blocks: the best T gives D of the blocks", best, own(row.name, P, Q))
            other = row.activation(lab.array(lab.rng.normal(0, 1, blocks)))[of]
            yield at_most(f"{row.name}, {blocks} blocks: another T less", f.variational_bound(row, other, p, q), best)
            bounds.append(best)
        yield at_least(f"{row.name}: each family at least the one before", np.diff(bounds), 0.0)
        yield equals(f"{row.name}: no capacity, no bound", bounds[0], 0.0)
        yield equals(f"{row.name}: full capacity, D itself", bounds[-1], own(row.name, p, q))

limited_capacity.must_notice(
    variational_bound=[SCALE, SIGN, CRITICS_P_Q_SWAPPED],
    optimal_critic=[SCALE, SIGN, P_Q_SWAPPED])
