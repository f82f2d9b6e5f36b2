"""Against mode collapse (G18–G20, G29, G31): hitting every datum, matching features, seeing the whole batch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import comb
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor, absolute, concat, grad, maximum, safe_norm, swap
from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.faults import SCALE, SIGN, SQUARED, SWAPPED, changed, dropped, instead, wrong
from minigan.claims.game.batches import player, pointed
from minigan.gans.game import packed
from minigan.gans.losses import BATCH_AXES, energy
from minigan.gans.losses.critic_output import Batch, CriticOutput
from minigan.nets.minibatch import minibatch_features
from minigan.theory import divergences

SALIMANS = "Salimans et al. (2016)"


def differences(real: Batch, fake: Batch) -> Tensor:
    """x − G(z) of every pair."""
    return real.points[..., :, None, :] - fake.points[..., None, :, :]


@claim("G18", "E_x min_j ‖x − G(z_j)‖² = 0 iff every datum is hit; a mode of share s that no sample comes within r of "
       "costs ≥ s r²", note="xu", paper="Li & Malik (2018), algorithm 1",
       computes={"generator": player("imle", "generator")})
def implicit_likelihood(f: Any, lab: Lab) -> Checks:
    from scipy.spatial.distance import cdist

    n, m, d = 9, 14, 3
    x, fakes = lab.rng.normal(size=(n, d)), lab.rng.normal(size=(m, d))
    samples = Tensor(lab.array(fakes))
    loss = f.generator(pointed(lab.array(x)), pointed(samples))
    squares = cdist(x, fakes, "sqeuclidean")
    yield equals("the mean of the least squared distances", loss.value, squares.min(axis=1).mean())
    by_hand = np.zeros((m, d))
    for i, j in enumerate(squares.argmin(axis=1)):
        by_hand[j] += 2 / n * (fakes[j] - x[i])
    yield equals("each datum pulls its nearest sample, and no other", grad(loss, samples).value, by_hand)

    def cost(data: np.ndarray, samples: np.ndarray) -> Any:
        return f.generator(pointed(lab.array(data)), pointed(lab.array(samples))).value

    yield equals("every datum hit, and samples elsewhere besides: 0", cost(x, np.concatenate([fakes, x[::-1]])), 0)
    rest = np.concatenate([fakes, x[1:]])
    yield equals("one datum missed: its distance", cost(x, rest), cdist(x[:1], rest, "sqeuclidean").min() / n)
    angles = 2 * np.pi * np.arange(8) / 8
    ring = np.repeat(np.stack([np.cos(angles), np.sin(angles)], axis=1), 3, axis=0)
    side = 4 * np.sin(np.pi / 8) ** 2  # squared, between neighbours
    for dropped_modes in ([], [0], [0, 4], [1, 3, 5, 7]):  # each with its neighbours still there
        kept = np.delete(ring, [3 * k + i for k in dropped_modes for i in range(3)], axis=0)
        share = len(dropped_modes) / 8
        yield equals(f"{len(dropped_modes)} of 8 modes dropped: share · distance²", cost(ring, kept), share * side)
    collapsed = np.tile(ring[:1], (24, 1))
    yield equals("all samples on one mode: E ‖x − x₁‖² = 2", cost(ring, collapsed), 2)
    yield equals("asked the other way round, nothing is amiss", cost(collapsed, ring), 0)


def to_the_nearest(real: Batch, fake: Batch) -> Tensor:
    """E min ‖x − G(z)‖, not squared."""
    return -(-safe_norm(differences(real, fake))).max(-1).mean(-1)


def to_all(real: Batch, fake: Batch) -> Tensor:
    return (differences(real, fake) ** 2).sum(-1).mean((-2, -1))

implicit_likelihood.must_notice(
    generator=[SCALE, SIGN, SWAPPED,
               dropped("the square", to_the_nearest),
               instead("the mean for the nearest", to_all)])


@claim("G19", "‖E f(x) − E f(G(z))‖² is 0 iff the moments E f agree, whatever else of the laws does not",
       note="weng", paper="Salimans et al. (2016), section 3.1",
       computes={"generator": player("feature-matching", "generator")})
def feature_matching(f: Any, lab: Lab) -> Checks:
    def cost(real: np.ndarray, fake: np.ndarray) -> Any:
        return f.generator(*(pointed(lab.array(h), features=lab.array(h)) for h in (real, fake))).value

    real, fake = lab.rng.normal(size=(3, 12, 4)), lab.rng.normal(size=(3, 12, 4))
    yield equals("Σ (difference of the means)², each run its own", cost(real, fake), (
        (real.mean(axis=1) - fake.mean(axis=1)) ** 2).sum(axis=1))
    yield equals("batches with the same means: 0", cost(real, fake + (real - fake).mean(axis=1, keepdims=True)), 0)
    yield equals("the same batch, reordered: 0", cost(real, real[:, ::-1]), 0)
    h = Tensor(lab.array(fake))
    loss = f.generator(pointed(lab.array(real), features=lab.array(real)), pointed(h, features=h))
    yield equals("all fakes are pushed alike", grad(loss.sum(), h).value,
                 np.broadcast_to(2 / 12 * (fake.mean(axis=1) - real.mean(axis=1))[:, None], fake.shape))

    def moments(x: Any, order: int) -> np.ndarray:
        return np.stack([np.asarray(x, dtype=float) ** k for k in range(1, order + 1)], axis=1)

    coin, rare = [-1] * 4 + [1] * 4, [-2, 0, 0, 0, 0, 0, 0, 2]  # mean 0, variance 1; E x⁴ = 1 and 4
    for order, expected in [(1, 0), (2, 0), (3, 0), (4, 9)]:
        yield equals(f"±1 against 0, ±2 (¾, ⅛, ⅛), moments to order {order}", cost(
            moments(coin, order), moments(rare, order)), expected)


def of_each_sample(real: Batch, fake: Batch) -> Tensor:
    return ((real.features - fake.features) ** 2).sum(-1).mean(-1)

feature_matching.must_notice(  # not SWAPPED: a distance
    generator=[SCALE, SIGN,
               dropped("the square",
                       lambda real, fake: safe_norm(real.features.mean(-2) - fake.features.mean(-2))),
               instead("the mean of distances", of_each_sample),
               wrong("the mean over features", lambda f, real, fake: f(real, fake) / real.features.shape[-1])])


@claim("G20", "o(xᵢ) = Σ_{j≠i} exp(−‖Mᵢ − Mⱼ‖₁): n − 1 for n equal rows (n with itself), 0 for rows far apart",
       note="weng", paper=f"{SALIMANS}, section 3.2", computes={"features": minibatch_features})
def minibatch_discrimination(f: Any, lab: Lab) -> Checks:
    from scipy.spatial.distance import cdist

    n, B, C = 7, 3, 4
    M, others = lab.rng.normal(0, 0.4, (2, n, B, C)), lab.rng.normal(0, 0.4, (2, 5, B, C))

    def features(M: np.ndarray, *company: np.ndarray) -> Any:
        return f.features(*(Tensor(lab.array(x)) for x in (M, *company))).value

    def alike(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.stack([np.exp(-cdist(x[:, b], y[:, b], "cityblock")).sum(axis=1) for b in range(B)], axis=1)

    yield equals("Σ exp(−‖Mᵢ − Mⱼ‖₁), each kernel and each run its own", features(M), [alike(m, m) - 1 for m in M])
    yield equals("among others", features(M, others), [alike(m, o) for m, o in zip(M, others, strict=True)])
    collapsed = np.tile(M[0, :1], (n, 1, 1))
    yield equals("n equal rows: n − 1", features(collapsed), np.full((n, B), n - 1))
    yield equals("in a company of n equal rows: n", features(collapsed[:1], collapsed), np.full((1, B), n))
    yield equals("rows far apart: 0", features(1e3 * M[0]), np.zeros((n, B)))
    half = np.concatenate([collapsed[:4], 1e3 * M[0, 4:]])  # a mode that four of seven rows fell into
    yield equals("4 equal rows among 7", features(half), np.repeat([[3.0], [0.0]], [4, 3], axis=0) * np.ones(B))


def over_all_kernels(features: Callable, M: Tensor, *company: Tensor) -> Tensor:
    o = features(M, *company)
    return o.mean(-1, keepdims=True) + 0.0 * o

minibatch_discrimination.must_notice(
    features=[SCALE, SIGN,
              wrong("the mean", lambda f, M, *company: f(M, *company) / M.shape[-3]),
              changed("itself too", lambda o: o + 1.0),
              wrong("over all kernels", over_all_kernels),
              wrong("‖·‖₁²", lambda f, M, *company: f(M * absolute(M), *company))])


@claim("G29", "packing: TV(pᵐ, qᵐ) ≤ 1 − (1 − TV)ᵐ, attained where q drops modes of p, not where it errs on all",
       note="xu", paper="Lin et al. (2018), section 3",
       computes={"packed": packed, "total_variation": divergences.total_variation})
def packing(f: Any, lab: Lab) -> Checks:
    modes, drop = 8, 2
    p, keep = np.full(modes, 1 / modes), modes - drop
    dropped_modes = np.where(np.arange(modes) < keep, 1 / keep, 0)
    tau = drop / modes
    erring = p * (1 + 2 * tau * (-1.0) ** np.arange(modes))  # too often or too rarely by the same share
    for m in (1, 2, 3, 4):
        # each pack of m samples, as the critic gets them, and how often each law makes it
        packs = np.array(list(product(range(modes), repeat=m)))
        seen = f.packed(Tensor(lab.array(packs.reshape(-1, 1))), m)
        yield equals(f"packs of {m}: as they come", seen.value, packs)
        P, Q, R = (law[to_host(seen.value).astype(int)].prod(axis=1) for law in (p, dropped_modes, erring))
        tv = [f.total_variation(lab.array(P), lab.array(x)) for x in (Q, R)]
        yield equals(f"packs of {m}, 2 of 8 modes dropped: 1 − (6/8)ᵐ", tv[0], 1 - (1 - tau) ** m)
        binomial = sum(comb(m, k) / 2**m * abs(1 - (1 + 2 * tau) ** k * (1 - 2 * tau) ** (m - k))
                       for k in range(m + 1))
        yield equals(f"packs of {m}, every mode wrong by half: a binomial sum", tv[1], binomial / 2)
        if m > 1:
            yield at_least(f"packs of {m}: collapse is seen more clearly, by", tv[0] - tv[1], 0.05)
        first, second = lab.rng.dirichlet(np.ones(5), 2)
        one = 0.5 * np.abs(first - second).sum()
        many = f.total_variation(*(lab.array(law[np.array(list(product(range(5), repeat=m)))].prod(axis=1))
                                   for law in (first, second)))
        yield at_most(f"packs of {m}, any two laws: ≤ 1 − (1 − TV)ᵐ", many, 1 - (1 - one) ** m)
        yield at_least("and no less than alone", many, one)

packing.must_notice(
    packed=[SCALE, SIGN,
            wrong("the last first", lambda f, x, m: f(x[::-1], m)),
            instead("far samples packed", lambda x, m: swap(x.reshape(m, x.shape[-2] // m)))],
    total_variation=[SCALE, SIGN, SQUARED])  # not SWAPPED: it is symmetric


@claim("G31", "PT = mean over i ≠ j of cos²(Sᵢ, Sⱼ): 1 iff all codes are parallel, 0 iff all are orthogonal; lengths "
       "and signs do not matter", note="advanced", paper="Zhao et al. (2017), eq. 4",
       computes={"pull_away": energy.pull_away, "generator": player("ebgan-pt", "generator")})
def pull_away(f: Any, lab: Lab) -> Checks:
    def term(codes: np.ndarray) -> Any:
        return f.pull_away(Tensor(lab.array(codes))).value

    codes = lab.rng.normal(size=(3, 6, 4))
    unit = codes / np.linalg.norm(codes, axis=-1, keepdims=True)
    pairs = [(i, j) for i in range(6) for j in range(6) if i != j]
    by_hand = np.mean([(unit[:, i] * unit[:, j]).sum(-1) ** 2 for i, j in pairs], axis=0)
    yield equals("random codes, each run its own", term(codes), by_hand)
    yield equals("other lengths and signs", term(codes * lab.rng.normal(size=(3, 6, 1))), by_hand)
    yield equals("parallel codes: 1", term(lab.rng.normal(size=(6, 1)) * codes[0, 0]), 1)
    yield equals("orthogonal codes: 0", term(np.linalg.qr(lab.rng.normal(size=(5, 5)))[0]), 0)
    simplex = np.eye(4) - 0.25  # 4 directions in 3 dimensions, cosines −⅓
    yield equals("the corners of a simplex: (−⅓)²", term(simplex), 1 / 9)
    for weight in (0.0, 0.1, 0.7):
        h, energies = Tensor(lab.array(codes[0])), Tensor(lab.array(np.abs(codes[0, :, :1])))
        fake = Batch(h, lambda: CriticOutput(energies, energies, h, h))
        loss = f.generator(fake, fake, pull_away=weight)
        yield equals(f"E D(G(z)) + {weight:g} PT", loss.value, np.abs(codes[0, :, 0]).mean() + weight * by_hand[0])


def mean_cosine(codes: Tensor) -> Tensor:
    """The mean over i ≠ j of cos(Sᵢ, Sⱼ), not squared."""
    n = codes.shape[-2]
    unit = codes / safe_norm(codes, -1, keepdims=True)
    return ((unit[..., :, None, :] * unit[..., None, :, :]).sum((-3, -2, -1)) - n) / (n * (n - 1))


def itself_too(term: Callable, codes: Tensor) -> Tensor:
    n = codes.shape[-2]
    return term(codes) * (1 - 1 / n) + 1 / n


def without_lengths(codes: Tensor) -> Tensor:
    """Of codes with a one at their end, whose cosines depend on how long they are."""
    return energy.pull_away(concat([codes, maximum(codes * 0.0, 1.0)], axis=-1))


def pulled_together(generator: Callable, real: Batch, fake: Batch, **constants: float) -> Tensor:
    return 2.0 * fake.scores.mean(BATCH_AXES) - generator(real, fake, **constants)

pull_away.must_notice(
    pull_away=[SCALE, SIGN,
               dropped("the square", mean_cosine),
               wrong("each code with itself too", itself_too),
               dropped("the lengths", without_lengths)],
    generator=[SCALE, SIGN,
               dropped("the term", lambda real, fake, **constants: fake.scores.mean(BATCH_AXES)),
               wrong("pulled together", pulled_together)])
