"""Against mode collapse (G17–G20, G29, G31): looking ahead, hitting every datum, seeing the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from math import comb
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor, absolute, concat, grad, maximum, safe_norm, stop_gradient, swap
from minigan.claims.claim import SCALE, SIGN, SWAPPED, Check, Lab, at_least, at_most, claim, dropped, equals, wrong
from minigan.claims.systems import player, pointed
from minigan.gans.game import Game, packed
from minigan.gans.losses import BATCH_AXES, LOSSES, energy
from minigan.gans.losses.batch import Batch, CriticOutput
from minigan.gans.players import Players
from minigan.nets import MLP
from minigan.nets.minibatch import minibatch_features
from minigan.theory import divergences

SALIMANS = "Salimans et al. (2016)"


# -- looking ahead ------------------------------------------------------------------------------
def detached(f: Callable) -> Callable:
    """The steps ahead are made, and the gradient does not run through them."""
    def ahead(players: Players, state: Any, inputs: Any) -> Any:
        return state | {"w": stop_gradient(f(players, state, inputs)["w"])}

    return ahead


def kept(f: Callable) -> Callable:
    """The critic is left where the look ahead ended."""
    def step(players: Players, state: Any, inputs: Any) -> Any:
        new, report = f(players, state, inputs)
        return new | {"w": players.unrolled(state, inputs)["w"]}, report

    return step


def shorter(f: Callable) -> Callable:
    return lambda players, *rest: f(replace(players, unroll=max(players.unroll - 1, 0)), *rest)


def looked_ahead(k: int, inner: str, theta: np.ndarray, state: dict, inputs: dict) -> Any:
    """L_G after k critic steps, for D = σ(w₀x + w₁), G = θ₀z + θ₁: written out, and analytic in θ."""
    def sigmoid(s: Any) -> Any:
        return 1 / (1 + np.exp(-s))

    x, fake, w = inputs["real"][:, 0], theta[0] * inputs["z"][:, 0] + theta[1], state["w"].astype(complex)
    m, v, beta1, beta2 = state["w.m"].astype(complex), state["w.v"].astype(complex), 0.5, 0.9
    for i in range(k):
        on_data, on_fakes = sigmoid(w[0] * x + w[1]) - 1, sigmoid(w[0] * fake + w[1])
        g = np.array([(on_data * x).mean() + (on_fakes * fake).mean(), on_data.mean() + on_fakes.mean()])
        if inner == "adam":
            t = float(inputs["t.w"]) + i
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
            g = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + 1e-8)
        w = w - float(inputs["eta.w"]) * g
    return np.log1p(np.exp(-(w[0] * fake + w[1]))).mean()


@claim("G17", "unrolling: L_G(θ, w_k(θ)), w_k after k critic steps from w, dL_G/dθ runs through them; k = 0: the GAN",
       note="xu", paper="Metz et al. (2017), eqs. 3–6",
       computes={"unrolled": Players.unrolled, "generator_loss": Game.generator_loss,
                 "generator_step": Players.generator_step},
       faults={"unrolled": [wrong("detached", detached), wrong("a step too few", shorter),
                            dropped("the steps", lambda players, state, inputs: state),
                            wrong("the critic's worst steps", lambda f: lambda players, state, inputs: f(
                                players, state, inputs | {"eta.w": -inputs["eta.w"]}))],
               "generator_loss": [SCALE, SIGN],
               "generator_step": [wrong("the looked-ahead critic kept", kept), wrong("a step too few", shorter)]})
def unrolling(f: Any, lab: Lab) -> Iterator[Check]:
    rng, n, pair = lab.rng, 8, MLP((1, 1))
    state = {"theta": rng.normal(size=2), "w": rng.normal(size=2), "w.m": 0.1 * rng.normal(size=2),
             "w.v": rng.uniform(0.1, 1, 2), "theta.m": np.zeros(2), "theta.v": np.zeros(2)}
    inputs = {"real": rng.normal(2, 1, (n, 1)), "z": rng.normal(size=(n, 1)), "t.w": 7.0, "eta.w": 0.4,
              "t.theta": 3.0, "eta.theta": 0.1}

    def on_device(arrays: dict) -> dict:
        return {name: Tensor(lab.array(x)) for name, x in arrays.items()}

    for inner, settings, looks in [("sgd", {}, range(6)), ("adam", {"beta1": 0.5, "beta2": 0.9}, (0, 1, 3))]:
        for k in looks:
            players = Players(game=Game(loss=LOSSES["non-saturating"], generator=pair, critic=pair), optimizer=inner,
                              settings=settings, unroll=k)
            at, given = on_device(state), on_device(inputs)
            loss = f.generator_loss(players.game, f.unrolled(players, at, given), given)
            steps = 1e-30j * np.eye(2) + state["theta"]  # complex steps: the derivative, to rounding
            by_hand = [looked_ahead(k, inner, theta, state, inputs) for theta in steps]
            slope = np.imag(by_hand) / 1e-30
            yield equals(f"{inner}, k = {k}: L_G", loss.value, np.real(by_hand[0]))
            yield equals(f"{inner}, k = {k}: dL_G/dθ", grad(loss, at["theta"]).value, slope)
            if k == 0:
                plain = players.game.generator_loss(at, given)
                yield equals("k = 0: the GAN's own gradient", grad(plain, at["theta"]).value, slope)
            new = f.generator_step(players, at, given)[0]
            yield equals(f"{inner}, k = {k}: the critic stays", new.get("w", at["w"]).value, state["w"])
            if inner == "sgd":
                yield equals(f"k = {k}: θ − η dL_G/dθ", new["theta"].value, state["theta"] - 0.1 * slope)

    G, D = MLP((2, 5, 2), "tanh"), MLP((2, 6, 1), "tanh")
    theta, v = G.init(rng, dtype=float), rng.normal(size=G.size)
    given = on_device({"real": rng.normal(1, 1, (n, 2)), "z": rng.normal(size=(n, 2)), "t.w": 1.0, "eta.w": 0.5})
    w = lab.array(D.init(rng, gain=2.0, dtype=float))
    for k in range(1, 6):
        players = Players(game=Game(loss=LOSSES["non-saturating"], generator=G, critic=D), optimizer="sgd", unroll=k)

        def loss_at(theta: Any, players: Players = players) -> tuple[Tensor, Tensor]:
            at = {"theta": Tensor(lab.array(theta)), "w": Tensor(w)}
            return f.generator_loss(players.game, f.unrolled(players, at, given), given), at["theta"]

        h = 1e-4
        ends = [float(loss_at(theta + s * v)[0].value) for s in (-2 * h, -h, h, 2 * h)]
        difference = (8 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / (12 * h)
        slope = (grad(*loss_at(theta)).value * lab.array(v)).sum()
        yield equals(f"with hidden layers, k = {k}: finite differences", slope, difference, rtol=1e-7, atol=1e-9)


# -- no critic, or its features ------------------------------------------------------------------
@claim("G18", "E_x min_j ‖x − G(z_j)‖² = 0 iff every datum is hit; a mode of share s that no sample comes within r of "
       "costs ≥ s r²", note="xu", paper="Li & Malik (2018), algorithm 1",
       computes={"generator": player("imle", "generator")},
       faults={"generator": [SCALE, SIGN, SWAPPED, dropped("the square", lambda real, fake: -(-safe_norm(
                   real.points[..., :, None, :] - fake.points[..., None, :, :])).max(-1).mean(-1)),
                   wrong("the mean for the nearest", lambda f: lambda real, fake: (
                       (real.points[..., :, None, :] - fake.points[..., None, :, :]) ** 2).sum(-1).mean((-2, -1)))]})
def implicit_likelihood(f: Any, lab: Lab) -> Iterator[Check]:
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


@claim("G19", "‖E f(x) − E f(G(z))‖² is 0 iff the moments E f agree, whatever else of the laws does not", note="weng",
       paper="Salimans et al. (2016), section 3.1", computes={"generator": player("feature-matching", "generator")},
       # not SWAPPED: a distance
       faults={"generator": [SCALE, SIGN, dropped("the square", lambda real, fake: safe_norm(
                   real.features.mean(-2) - fake.features.mean(-2))), wrong("the mean of distances", lambda f: lambda
                   real, fake: ((real.features - fake.features) ** 2).sum(-1).mean(-1)), wrong("the mean over features",
                   lambda f: lambda real, fake: f(real, fake) / real.features.shape[-1])]})
def feature_matching(f: Any, lab: Lab) -> Iterator[Check]:
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


# -- seeing the whole batch ---------------------------------------------------------------------
@claim("G20", "o(xᵢ) = Σ_{j≠i} exp(−‖Mᵢ − Mⱼ‖₁): n − 1 for n equal rows (n with itself), 0 for rows far apart",
       note="weng", paper=f"{SALIMANS}, section 3.2", computes={"features": minibatch_features},
       faults={"features": [SCALE, SIGN,
                            wrong("the mean", lambda f: lambda M, company=None: f(M, company) / M.shape[-3]),
                            wrong("itself too", lambda f: lambda M, company=None: f(M, company) + 1.0),
                            wrong("over all kernels", lambda f: lambda M, company=None: f(M, company).mean(
                                -1, keepdims=True) + 0.0 * f(M, company)),
                            wrong("‖·‖₁²", lambda f: lambda M, company=None: f(M * absolute(M), company))]})
def minibatch_discrimination(f: Any, lab: Lab) -> Iterator[Check]:
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


@claim("G29", "packing: TV(pᵐ, qᵐ) ≤ 1 − (1 − TV)ᵐ, attained where q drops modes of p, not where it errs on all",
       note="xu", paper="Lin et al. (2018), section 3",
       computes={"packed": packed, "total_variation": divergences.total_variation},
       faults={"packed": [SCALE, SIGN, wrong("the last first", lambda f: lambda x, m: f(x[::-1], m)),
                          wrong("far samples packed", lambda f: lambda x, m: swap(x.reshape(m, x.shape[-2] // m)))],
               # not SWAPPED: it is symmetric
               "total_variation": [SCALE, SIGN, wrong("squared", lambda f: lambda p, q: f(p, q) ** 2)]})
def packing(f: Any, lab: Lab) -> Iterator[Check]:
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
        often = [comb(m, k) / 2**m * abs(1 - (1 + 2 * tau) ** k * (1 - 2 * tau) ** (m - k)) for k in range(m + 1)]
        yield equals(f"packs of {m}, every mode wrong by half: a binomial sum", tv[1], sum(often) / 2)
        if m > 1:
            yield at_least(f"packs of {m}: collapse is seen more clearly, by", tv[0] - tv[1], 0.05)
        first, second = lab.rng.dirichlet(np.ones(5), 2)
        one = 0.5 * np.abs(first - second).sum()
        many = f.total_variation(*(lab.array(law[np.array(list(product(range(5), repeat=m)))].prod(axis=1))
                                   for law in (first, second)))
        yield at_most(f"packs of {m}, any two laws: ≤ 1 − (1 − TV)ᵐ", many, 1 - (1 - one) ** m)
        yield at_least("and no less than alone", many, one)


@claim("G31", "PT = mean over i ≠ j of cos²(Sᵢ, Sⱼ): 1 iff all codes are parallel, 0 iff all are orthogonal; lengths "
       "and signs do not matter", note="advanced", paper="Zhao et al. (2017), eq. 4",
       computes={"pull_away": energy.pull_away, "generator": player("ebgan-pt", "generator")},
       faults={"pull_away": [SCALE, SIGN, dropped("the square", lambda codes: cosines(codes, 1)),
                             wrong("each code with itself too", lambda f: lambda codes: (
                                 f(codes) * (1 - 1 / codes.shape[-2]) + 1 / codes.shape[-2])),
                             dropped("the lengths", lambda codes: energy.pull_away(concat(
                                 [codes, maximum(codes * 0.0, 1.0)], axis=-1)))],
               "generator": [SCALE, SIGN, dropped("the term", lambda real, fake, **k: fake.scores.mean(BATCH_AXES)),
                             wrong("pulled together", lambda f: lambda real, fake, **k: (
                                 2.0 * fake.scores.mean(BATCH_AXES) - f(real, fake, **k)))]})
def pull_away(f: Any, lab: Lab) -> Iterator[Check]:
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


def cosines(codes: Tensor, power: int) -> Tensor:
    """The mean over i ≠ j of cosᵏ."""
    n = codes.shape[-2]
    unit = codes / safe_norm(codes, -1, keepdims=True)
    return (((unit[..., :, None, :] * unit[..., None, :, :]).sum(-1) ** power).sum((-2, -1)) - n) / (n * (n - 1))
