"""Losses of scores (G26–G28): f-GAN of every f, the hinge, relativistic critics."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import log
from typing import Any

import numpy as np

from minigan.autodiff import Tensor, grad, relu
from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.faults import SCALE, SIGN, SWAPPED, dropped, instead, wrong
from minigan.claims.game.batches import ATOMS, SIZE, batch, estimate, laws, player
from minigan.gans.losses import BATCH_AXES, LOSSES
from minigan.gans.losses.critic_output import Batch, scored
from minigan.theory import divergences, optimal


def f_gan(which: str) -> Callable[..., Tensor]:
    return lambda real, fake, name: player(f"f-{name}", which)(real, fake)


def raw_score(row: divergences.FDivergence, u: np.ndarray) -> np.ndarray:
    """v with activation(v) = f′(u), by bisection; ±300 where f′(u) is an end of dom f*."""
    low, high = np.full(u.shape, -300.0), np.full(u.shape, 300.0)
    for _ in range(100):
        middle = (low + high) / 2
        below = row.activation(middle) < row.f_prime(u)
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return high


@claim("G26", "f-GAN: E T(x) − E f*(T(G(z))) ≤ D_f(p_r‖p_g), equal at T* = f′(p_r/p_g); T = activation(v) or f′(eᵛ)",
       note="advanced", paper="Nowozin et al. (2016), eqs. 4–6, table 6; Nguyen et al. (2010), lemma 1",
       computes={"critic": f_gan("critic"), "generator": f_gan("generator"),
                 "estimate": lambda real, fake, name: estimate(f"f-{name}")(real, fake)})
def f_gans(f: Any, lab: Lab) -> Checks:
    rows = {name: row for name, row in divergences.DIVERGENCES.items() if f"f-{name}" in LOSSES}
    for name, row in rows.items():
        p, q = laws(lab, empty=False)
        D = float((q / SIZE * row.f(p / q)).sum())
        # f* of Pearson has its other piece below −2
        v = np.stack([lab.rng.normal(0, 1.5, ATOMS), [-3, -2.5, 0, 1, 2]])
        ways = {name: (raw_score(row, p / q), row.activation(v))}
        if f"f-{name}-ratio" in LOSSES:
            ways[f"{name}-ratio"] = (np.log(p / q), row.f_prime(np.exp(v)))
        for way, (best, T) in ways.items():
            real, fake = batch(lab, best, p), batch(lab, best, q)
            yield equals(f"{way}: −L_D at T*", -f.critic(real, fake, way).value, D, rtol=1e-8, atol=1e-9)
            yield equals(f"{way}: the estimate at T*", f.estimate(real, fake, way).value, D, rtol=1e-8, atol=1e-9)
            conjugate = divergences.conjugate(row.f, T.ravel()).reshape(T.shape)  # the sup, numerically
            by_hand = (T @ p - conjugate @ q) / SIZE
            real, fake = batch(lab, v, p), batch(lab, v, q)
            yield equals(f"{way}: −L_D at other T", -f.critic(real, fake, way).value, by_hand, rtol=1e-6, atol=1e-7)
            yield at_most(f"{way}: at most D_f", f.estimate(real, fake, way).value, D, slack=1e-9 * (1 + abs(D)))
            yield equals(f"{way}: the generator's part", f.generator(real, fake, way).value, -(conjugate @ q) / SIZE,
                         rtol=1e-6, atol=1e-7)


def one_piece(real: Batch, fake: Batch, name: str) -> Tensor:
    """Pearson's f* as in f-GAN's table: t + t²/4, also below −2."""
    if name != "pearson":
        return f_gan("critic")(real, fake, name)
    t = fake.scores
    return (t + 0.25 * t**2).mean(BATCH_AXES) - real.scores.mean(BATCH_AXES)

f_gans.must_notice(
    critic=[SCALE, SIGN, SWAPPED,
            dropped("the second piece of Pearson's f*", one_piece),
            wrong("D = σ(v) for every f", lambda critic, real, fake, name: critic(real, fake, "gan")),
            wrong("the usual activation always",
                  lambda critic, real, fake, name: critic(real, fake, name.removesuffix("-ratio")))],
    generator=[SCALE, SIGN, SWAPPED, dropped("f*", lambda real, fake, name: -fake.scores.mean(BATCH_AXES))],
    estimate=[SCALE, SIGN, SWAPPED])


@claim("G27", "min over s of E max(0, 1 − s(x)) + E max(0, 1 + s(G(z))) = 2 (1 − TV), at s* = sign(p_r − p_g)",
       note="advanced", paper="Lim & Ye (2017); Miyato et al. (2018), eqs. 16–17",
       computes={"critic": player("hinge", "critic"), "generator": player("hinge", "generator"),
                 "estimate": estimate("hinge"), "energy_value": optimal.energy_value})
def hinges(f: Any, lab: Lab) -> Checks:
    for _ in range(3):
        p, q = laws(lab)
        tv = 0.5 * np.abs(p - q).sum() / SIZE

        def value(s: np.ndarray) -> Any:
            return f.critic(batch(lab, s, p), batch(lab, s, q)).value

        corners = np.array(list(product([-1, 1], repeat=ATOMS)))  # linear in each s(x) between, and more beyond
        yield equals("the least over s in {−1, 1}⁵", value(corners).min(), 2 - 2 * tv)
        best = np.sign(p - q)
        yield equals("at s*", value(best), 2 - 2 * tv)
        energies = f.energy_value(lab.array(p / SIZE), lab.array(q / SIZE), 2.0)
        yield equals("EBGAN with m = 2, D = 1 − s", energies, 2 - 2 * tv)
        s = lab.rng.normal(0, 2, (20, ATOMS))
        yield equals("other s", value(s), (np.maximum(1 - s, 0) @ p + np.maximum(1 + s, 0) @ q) / SIZE)
        yield at_least("no less", value(s), 2 - 2 * tv)
        yield equals("1 − ½ L_D = TV", f.estimate(batch(lab, best, p), batch(lab, best, q)).value, tv)
        yield at_most("1 − ½ L_D ≤ TV", f.estimate(batch(lab, s, p), batch(lab, s, q)).value, tv)
        pays = [f.generator(batch(lab, best, p), batch(lab, best, law)).value for law in (q, p)]
        yield equals("the generator pays −E s*(G(z))", pays[0], -(q @ best) / SIZE)
        yield equals("2 TV more than it would if it made the data", pays[0] - pays[1], 2 * tv)
    data, fakes = (batch(lab, np.array([-3.0, -0.5, 3.0]), np.ones(3, dtype=int)) for _ in "pq")
    slopes = grad(f.critic(data, fakes), [data.scores, fakes.scores])
    yield equals("the slope on data at −3, −½, 3: none beyond the margin", slopes[0].value[:, 0], [-1 / 3, -1 / 3, 0])
    yield equals("on fakes there", slopes[1].value[:, 0], [0, 1 / 3, 1 / 3])
    pull = grad(f.generator(data, fakes), fakes.scores).value
    yield equals("the generator's: the same everywhere", pull[:, 0], [-1 / 3] * 3)


def hinges_of_the_means(real: Batch, fake: Batch) -> Tensor:
    return relu(1.0 - real.scores.mean(BATCH_AXES)) + relu(1.0 + fake.scores.mean(BATCH_AXES))


def no_hinges(real: Batch, fake: Batch) -> Tensor:
    return 2.0 + fake.scores.mean(BATCH_AXES) - real.scores.mean(BATCH_AXES)

hinges.must_notice(
    critic=[SCALE, SIGN, SWAPPED,
            dropped("each sample's own hinge", hinges_of_the_means),
            dropped("max(0, ·)", no_hinges)],
    generator=[SCALE, SIGN, SWAPPED,
               instead("hinged too", lambda real, fake: relu(1.0 - fake.scores).mean(BATCH_AXES))],
    estimate=[SCALE, SIGN, SWAPPED],
    energy_value=[SCALE, SIGN])


@claim("G28", "relativistic losses see s up to a constant; paired: min = log 2 − JS(P⊗Q‖Q⊗P), at s* = log p_r/p_g",
       note="beyond the notes",
       paper="Jolicoeur-Martineau (2019), eqs. 8–11; Goodfellow et al. (2014), theorem 1",
       computes={"paired": player("relativistic", "critic"),
                 "average": player("relativistic-average", "critic"),
                 "paired_generator": player("relativistic", "generator"),
                 "estimate": estimate("relativistic"),
                 "average_generator": player("relativistic-average", "generator")})
def relativistic(f: Any, lab: Lab) -> Checks:
    from scipy.spatial.distance import jensenshannon

    n = 10
    real, fake = lab.rng.normal(0.5, 2, n), lab.rng.normal(-0.5, 2, n)
    once = np.ones(n, dtype=int)

    def of(loss: Callable[..., Tensor], real: np.ndarray, fake: np.ndarray) -> Any:
        return loss(batch(lab, real, once), batch(lab, fake, once)).value

    expected = {
        "paired": np.logaddexp(0, fake - real).mean(),
        "paired_generator": np.logaddexp(0, real - fake).mean(),
        "average": np.logaddexp(0, fake.mean() - real).mean() + np.logaddexp(0, fake - real.mean()).mean(),
        "average_generator":
            np.logaddexp(0, real.mean() - fake).mean() + np.logaddexp(0, real - fake.mean()).mean(),
    }
    for name, by_hand in expected.items():
        loss, alike = getattr(f, name), 2 * log(2) if "average" in name else log(2)
        yield equals(f"{name}: the formula", of(loss, real, fake), by_hand)
        yield equals(f"{name}: s + 5 is the same critic", of(loss, real + 5, fake + 5), by_hand)
        c = float(lab.rng.normal(0, 9))
        yield equals(f"{name}: data and fakes alike", of(loss, np.full(n, c), np.full(n, c)), alike)
        sides = [batch(lab, s, once) for s in (real, fake)]
        on_data, on_fakes = (g.value.sum() for g in grad(loss(*sides), [side.scores for side in sides]))
        yield equals(f"{name}: so the slopes sum to 0", on_data + on_fakes, 0)
        bound = (at_least, 1e-3, "lowered") if "generator" in name else (at_most, -1e-3, "raised")
        yield bound[0](f"{name}: the data's scores are to be {bound[2]}", on_data, bound[1])

    p, q = laws(lab)
    # every pair of a datum and a fake, each as often as P⊗Q has it
    data, fakes = (np.repeat(range(ATOMS), counts) for counts in (p, q))
    i, j = (k.ravel() for k in np.meshgrid(data, fakes, indexing="ij"))
    pair, mirrored = np.outer(p, q).ravel() / SIZE**2, np.outer(q, p).ravel() / SIZE**2
    js = jensenshannon(pair, mirrored) ** 2

    def paired(s: np.ndarray) -> tuple[Any, Any]:
        batches = [scored(lab.array(s[..., k, None])) for k in (i, j)]
        return f.paired(*batches).value, f.estimate(*batches).value

    both = np.log(np.maximum(p, 1e-9) / np.maximum(q, 1e-9)) * (p + q > 0)
    best, distance = paired(both)
    yield equals("all pairs at s* = log p/q: log 2 − JS(P⊗Q‖Q⊗P)", best, log(2) - js, rtol=1e-6)
    yield equals("the estimate there", distance, js, rtol=1e-6, atol=1e-9)
    others = paired(both + lab.rng.normal(0, 1, (20, ATOMS)))
    yield at_least("no less at other s", others[0], log(2) - js)
    yield at_most("and no more than JS", others[1], js)


def half_of_the_average(real: Batch, fake: Batch) -> Tensor:
    return 0.5 * LOSSES["relativistic-average"].generator(real, fake)


def twice_the_pairs(real: Batch, fake: Batch) -> Tensor:
    return 2.0 * player("relativistic", "critic")(real, fake)

relativistic.must_notice(
    paired=[SCALE, SIGN, SWAPPED, dropped("the other sample", player("non-saturating", "critic"))],
    average=[SCALE, SIGN, SWAPPED,
             dropped("the averages", player("non-saturating", "critic")),
             instead("pairs", twice_the_pairs)],
    paired_generator=[SCALE, SIGN, SWAPPED, dropped("the data", player("non-saturating", "generator"))],
    estimate=[SCALE, SIGN, SWAPPED],
    average_generator=[SCALE, SIGN, SWAPPED, dropped("the data's half", half_of_the_average)])
