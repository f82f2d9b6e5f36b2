"""The systems' losses (G15, G16, G26–G28): what each is worth at its best critic, what it is blind to.

Laws are laid out as batches: an atom of probability k/24 is there k times, so that the mean over the batch, which
is all that a loss of the package takes, is the expectation itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from math import log
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor, grad, relu
from minigan.autodiff.functions import as_tensor
from minigan.claims.claim import SCALE, SIGN, SWAPPED, Check, Lab, at_least, at_most, claim, dropped, equals, wrong
from minigan.claims.routes import log_normal
from minigan.gans.losses import BATCH_AXES, LOSSES
from minigan.gans.losses.batch import Batch, CriticOutput, scored
from minigan.nets import MLP
from minigan.theory import divergences, optimal

ATOMS, SIZE = 5, 24


def player(name: str, which: str) -> Callable[..., Tensor]:
    """The critic's or the generator's loss of a row: (real, fake, its constants) to a tensor."""
    return lambda real, fake, **constants: getattr(LOSSES[name].with_constants(**constants), which)(real, fake)


def estimate(name: str) -> Callable[..., Tensor]:
    """What a row's critic says of a distance."""
    return lambda real, fake, **constants: LOSSES[name].with_constants(**constants).estimate(real.scores, fake.scores)


def laws(lab: Lab, empty: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Two laws on the atoms, in 24ths; some atoms are perhaps empty, and the laws differ."""
    while True:
        p, q = (lab.rng.multinomial(SIZE - (not empty) * ATOMS, lab.rng.dirichlet(np.ones(ATOMS))) for _ in "pq")
        if (p != q).any():
            return (p, q) if empty else (p + 1, q + 1)


def batch(lab: Lab, values: np.ndarray, counts: np.ndarray) -> Batch:
    """values (..., atoms) -> the scores of a batch that holds atom i counts[i] times."""
    return scored(lab.array(np.repeat(to_host(values), counts, axis=-1)[..., None]))


def slope_by_atom(loss: Tensor, real: Batch, fake: Batch, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The derivative of the loss by the score of each atom, of a ``batch`` of p and one of q: 0 at the best critic."""
    slopes = np.concatenate([to_host(g.value)[:, 0] for g in grad(loss, [real.scores, fake.scores])])
    return np.bincount(np.concatenate([np.repeat(np.arange(len(p)), counts) for counts in (p, q)]), slopes)


def pointed(points: Any, scores: Callable[[Tensor], Tensor] | None = None, features: Any = None) -> Batch:
    """A batch of points, with a critic's scores or features of them."""
    x = as_tensor(points)

    def look() -> CriticOutput:
        s, f = (x if scores is None else scores(x)), (x if features is None else as_tensor(features))
        return CriticOutput(s, s, f, f)

    return Batch(x, look)


# -- energies and margins ---------------------------------------------------------------------
@claim("G15", "min over D ≥ 0 of E D(x) + E max(0, m − D(G(z))) = m (1 − TV), at D* = m where p_g > p_r, else 0; "
       "= m iff p_g = p_r", note="advanced", paper="Zhao et al. (2017), lemma 1, theorems 1–2",
       computes={"critic": player("ebgan", "critic"), "generator": player("ebgan", "generator"),
                 "estimate": estimate("ebgan"), "optimal_energy": optimal.optimal_energy,
                 "energy_value": optimal.energy_value, "energy_value_between": optimal.energy_value_between},
       faults={"critic": [SCALE, SIGN, SWAPPED, dropped("max(0, ·) (E3)", lambda real, fake, margin: (
                   real.scores.mean(BATCH_AXES) + margin - fake.scores.mean(BATCH_AXES))),
                   dropped("each fake's own hinge", lambda real, fake, margin: (
                       real.scores.mean(BATCH_AXES) + relu(margin - fake.scores.mean(BATCH_AXES))))],
               "generator": [SCALE, SIGN, SWAPPED],
               "estimate": [SCALE, SIGN, SWAPPED, wrong("1 − TV", lambda f: lambda *a, **k: 1.0 - f(*a, **k))],
               "optimal_energy": [SCALE, SIGN, SWAPPED],
               # not SWAPPED: the overlap is symmetric
               "energy_value": [SCALE, SIGN, dropped("the margin", lambda p, q, m: optimal.energy_value(p, q)),
                                wrong("m TV", lambda f: lambda p, q, m: m - f(p, q, m))],
               "energy_value_between": [SCALE, SIGN, dropped("the margin", lambda p, q, margin: (
                   optimal.energy_value_between(p, q)))]})
def energies(f: Any, lab: Lab) -> Iterator[Check]:
    from scipy.special import ndtr

    for _ in range(3):
        (p, q), m = laws(lab), float(lab.rng.uniform(0.5, 3))
        tv = 0.5 * np.abs(p - q).sum() / SIZE

        def value(D: np.ndarray) -> Any:
            return f.critic(batch(lab, D, p), batch(lab, D, q), margin=m).value

        # V is linear in each D(x) between 0 and m, and increases from there: the least is at a corner of [0, m]ⁿ
        corners = m * np.array(list(product([0, 1], repeat=ATOMS)))
        yield equals(f"the least over D in {{0, {m:.2f}}}⁵", value(corners).min(), m * (1 - tv))
        yield equals("the closed form", f.energy_value(lab.array(p / SIZE), lab.array(q / SIZE), m), m * (1 - tv))
        with np.errstate(divide="ignore"):
            best = f.optimal_energy(*(lab.array(np.log(x / SIZE)) for x in (p, q)), m)
        yield equals("D*", best, np.where(p < q, m, 0))
        yield equals("V(D*)", value(best), m * (1 - tv))
        D = lab.rng.uniform(0, 3 * m, (20, ATOMS))
        yield equals("V of other D", value(D), (D @ p + np.maximum(m - D, 0) @ q) / SIZE)
        yield at_least("V(D) ≥ m (1 − TV)", value(D), m * (1 - tv))
        yield equals("1 − V(D*)/m = TV", f.estimate(batch(lab, best, p), batch(lab, best, q), margin=m).value, tv)
        yield at_most("1 − V(D)/m ≤ TV", f.estimate(batch(lab, D, p), batch(lab, D, q), margin=m).value, tv)
        pays = [f.generator(batch(lab, best, p), batch(lab, best, law)).value for law in (q, p)]
        yield equals("the generator pays E D*(G(z))", pays[0], m * q[p < q].sum() / SIZE)
        yield equals("m TV more than it would if it made the data", pays[0] - pays[1], m * tv)
        level = np.full(ATOMS, lab.rng.uniform(0, m))  # p_g = p_r, and D any constant up to m: nobody gains by moving
        yield equals("p_g = p_r: V = m", f.critic(batch(lab, level, p), batch(lab, level, p), margin=m).value, m)
        others = f.critic(batch(lab, D, p), batch(lab, D, p), margin=m).value
        yield at_least("there: no D has less", others, m)
        yield equals("there: every law of G pays the same", f.generator(
            batch(lab, level, p), batch(lab, level, q)).value, level[0])
    for mu, m in zip(lab.rng.uniform(0.2, 4, 3), lab.rng.uniform(0.5, 3, 3), strict=True):
        v = f.energy_value_between(log_normal(0, 1), log_normal(mu, 1), margin=float(m))
        yield equals(f"N(0,1), N({mu:.2f},1): m ∫ min(p, q) = 2m Φ(−μ/2)", v, 2 * m * ndtr(-mu / 2), rtol=1e-8)


def by_distance_of_means(real: Batch, fake: Batch, margin: float, lam: float) -> Tensor:
    """One margin for the whole batch."""
    delta = (real.points - fake.points).mean(-2, keepdims=True)
    gaps = margin * (relu(delta) + relu(-delta)).sum(-1, keepdims=True) + real.scores - fake.scores
    return real.scores.mean(BATCH_AXES) + lam * relu(gaps).mean(BATCH_AXES)


@claim("G16", "LS-GAN's E L(x) + λ E max(0, mΔ + L(x) − L(x̃)) = E L(x) + λ GLS at slope 0; GLS at slope 1 = m E Δ + "
       "WGAN with f = −L", note="advanced", paper="Qi (2020)",
       computes={"critic": player("ls-gan", "critic"), "generalised": player("gls-gan", "critic"),
                 "generator": player("ls-gan", "generator"), "wasserstein": player("wasserstein", "critic")},
       faults={"critic": [SCALE, SIGN, SWAPPED, dropped("each pair's margin", by_distance_of_means),
                          dropped("E L(x)", lambda real, fake, margin, lam: lam * player("gls-gan", "critic")(
                              real, fake, margin=margin, slope=0.0)),
                          dropped("max(0, ·)", lambda real, fake, margin, lam: (
                               real.scores.mean(BATCH_AXES)
                               + lam * player("gls-gan", "critic")(real, fake, margin=margin, slope=1.0)))],
               "generalised": [SCALE, SIGN, SWAPPED, dropped("the leak", lambda real, fake, margin, slope: player(
                   "gls-gan", "critic")(real, fake, margin=margin, slope=0.0)), dropped("the margin", lambda real, fake,
                   margin, slope: player("gls-gan", "critic")(real, fake, margin=0.0, slope=slope))],
               "generator": [SCALE, SIGN, SWAPPED], "wasserstein": [SCALE, SIGN, SWAPPED]})
def loss_sensitive(f: Any, lab: Lab) -> Iterator[Check]:
    n, d = 12, 2
    x, fakes = lab.rng.normal(size=(n, d)), lab.rng.normal(0.5, 1, (n, d))
    margin, lam = float(lab.rng.uniform(0.2, 0.5)), float(lab.rng.uniform(1, 5))
    delta = np.abs(x - fakes).sum(axis=1)

    def both(loss: Callable[..., Tensor], score: Callable[[Tensor], Tensor], w: Tensor, **constants: float) -> Any:
        y = loss(pointed(lab.array(x), score), pointed(lab.array(fakes), score), **constants)
        return y.value, grad(y, w).value

    a = lab.rng.normal(0, 3, d)
    w, L, L_fake = Tensor(lab.array(a[:, None])), x @ a, fakes @ a
    gaps = margin * delta + L - L_fake
    hinged = np.where(gaps > 0, 1.0, 0.0)
    value, slope = both(f.critic, lambda x: x @ w, w, margin=margin, lam=lam)
    yield equals("L = w·x: E L(x) + λ E max(0, mΔ + L(x) − L(x̃))", value, (L + lam * hinged * gaps).mean())
    yield equals("∇w", slope, (x + lam * hinged[:, None] * (x - fakes)).mean(axis=0)[:, None])
    for leak in (-1.0, 0.0, 0.3, 1.0):
        value, slope = both(f.generalised, lambda x: x @ w, w, margin=margin, slope=leak)
        rate = np.where(gaps > 0, 1.0, leak)
        yield equals(f"slope {leak:g}: E max(a, νa)", value, (rate * gaps).mean())
        yield equals(f"slope {leak:g}: ∇w", slope, (rate[:, None] * (x - fakes)).mean(axis=0)[:, None])

    net = MLP((d, 7, 1), "tanh")  # and of a critic that is not linear
    w = Tensor(lab.array(net.init(lab.rng, gain=3.0, dtype=float)))

    def score(x: Any) -> Tensor:
        return net(w, x)

    whole = both(f.critic, score, w, margin=margin, lam=lam)
    none, half, full = (both(f.generalised, score, w, margin=margin, slope=slope) for slope in (0.0, 0.5, 1.0))
    alone = score(lab.array(x)).mean()
    yield equals("slope 0: λ times it is LS-GAN without E L(x)", lam * none[0] + alone.value, whole[0])
    yield equals("slope 0: gradients in w", lam * none[1] + grad(alone, w).value, whole[1])
    wgan = both(f.wasserstein, lambda x: -score(x), w)
    yield equals("slope 1: WGAN's, and m E Δ", full[0], wgan[0] + margin * float(delta.mean()))
    yield equals("slope 1: gradients in w are WGAN's", full[1], wgan[1])
    yield equals("slope ½: half way", half[1], 0.5 * (none[1] + full[1]))
    far = lab.rng.normal(100, 1, (n, d))  # L(x̃) far above L(x): slope 0 leaves such fakes alone, and a leak does not
    for leak, expected in [(0.0, 0.0), (0.5, -0.5)]:
        L_far = Tensor(lab.array(1000 + far[:, :1]))
        y = f.generalised(pointed(lab.array(x), lambda x: x[..., :1]), pointed(lab.array(far), lambda _: L_far),
                          margin=margin, slope=leak)
        yield equals(f"slope {leak:g}, L(x̃) high enough: ∂/∂L(x̃)", grad(y, L_far).value, np.full((n, 1), expected / n))
    pays = f.generator(pointed(lab.array(x), lambda x: x[..., :1]), pointed(lab.array(fakes), lambda x: x[..., :1]))
    yield equals("the generator pays E L(G(z))", pays.value, fakes[:, 0].mean())


# -- other divergences ------------------------------------------------------------------------
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


def one_piece(real: Batch, fake: Batch, name: str) -> Tensor:
    """Pearson's f* as in f-GAN's table: t + t²/4, also below −2."""
    t = fake.scores
    return (t + 0.25 * t**2).mean(BATCH_AXES) - real.scores.mean(BATCH_AXES) if name == "pearson" else f_gan("critic")(
        real, fake, name)


@claim("G26", "f-GAN: E T(x) − E f*(T(G(z))) ≤ D_f(p_r‖p_g), equal at T* = f′(p_r/p_g); T = activation(v) or f′(eᵛ)",
       note="advanced", paper="Nowozin et al. (2016), eqs. 4–6, table 6; Nguyen et al. (2010), lemma 1",
       computes={"critic": f_gan("critic"), "generator": f_gan("generator"),
                 "estimate": lambda real, fake, name: estimate(f"f-{name}")(real, fake)},
       faults={"critic": [SCALE, SIGN, SWAPPED, dropped("the second piece of Pearson's f*", one_piece),
                          wrong("D = σ(v) for every f", lambda f: lambda real, fake, name: f(real, fake, "gan")),
                          wrong("the usual activation always", lambda f: lambda real, fake, name: f(
                              real, fake, name.removesuffix("-ratio")))],
               "generator": [SCALE, SIGN, SWAPPED, dropped("f*", lambda real, fake, name:
                   -fake.scores.mean(BATCH_AXES))],
               "estimate": [SCALE, SIGN, SWAPPED]})
def f_gans(f: Any, lab: Lab) -> Iterator[Check]:
    for name, row in divergences.DIVERGENCES.items():
        p, q = laws(lab, empty=False)
        D = float((q / SIZE * row.f(p / q)).sum())
        v = np.stack([lab.rng.normal(0, 1.5, ATOMS), [-3, -2.5, 0, 1, 2]])  # f* of Pearson has its other piece below −2
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


@claim("G27", "min over s of E max(0, 1 − s(x)) + E max(0, 1 + s(G(z))) = 2 (1 − TV), at s* = sign(p_r − p_g)",
       note="advanced", paper="Lim & Ye (2017); Miyato et al. (2018), eqs. 16–17",
       computes={"critic": player("hinge", "critic"), "generator": player("hinge", "generator"),
                 "estimate": estimate("hinge"), "energy_value": optimal.energy_value},
       faults={"critic": [SCALE, SIGN, SWAPPED, dropped("each sample's own hinge", lambda real, fake: relu(
                   1.0 - real.scores.mean(BATCH_AXES)) + relu(1.0 + fake.scores.mean(BATCH_AXES))),
                   dropped("max(0, ·)", lambda real, fake:
                       2.0 + fake.scores.mean(BATCH_AXES) - real.scores.mean(BATCH_AXES))],
               "generator": [SCALE, SIGN, SWAPPED, wrong("hinged too", lambda f: lambda real, fake: relu(
                   1.0 - fake.scores).mean(BATCH_AXES))],
               "estimate": [SCALE, SIGN, SWAPPED], "energy_value": [SCALE, SIGN]})
def hinges(f: Any, lab: Lab) -> Iterator[Check]:
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


@claim("G28", "relativistic losses see s up to a constant; paired: min = log 2 − JS(P⊗Q‖Q⊗P), at s* = log p_r/p_g",
       note="beyond the notes", paper="Jolicoeur-Martineau (2019), eqs. 8–11; Goodfellow et al. (2014), theorem 1",
       computes={"paired": player("relativistic", "critic"), "average": player("relativistic-average", "critic"),
                 "paired_generator": player("relativistic", "generator"), "estimate": estimate("relativistic"),
                 "average_generator": player("relativistic-average", "generator")},
       faults={"paired": [SCALE, SIGN, SWAPPED, dropped("the other sample", player("non-saturating", "critic"))],
               "average": [SCALE, SIGN, SWAPPED, dropped("the averages", player("non-saturating", "critic")),
                           wrong("pairs", lambda f: lambda real, fake: (
                               2.0 * player("relativistic", "critic")(real, fake)))],
               "paired_generator": [SCALE, SIGN, SWAPPED, dropped("the data", player("non-saturating", "generator"))],
               "average_generator": [SCALE, SIGN, SWAPPED, dropped("the data's half", lambda real, fake: (
                   0.5 * LOSSES["relativistic-average"].generator(real, fake)))],
               "estimate": [SCALE, SIGN, SWAPPED]})
def relativistic(f: Any, lab: Lab) -> Iterator[Check]:
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
        "average_generator": np.logaddexp(0, real.mean() - fake).mean() + np.logaddexp(0, real - fake.mean()).mean(),
    }
    for name, by_hand in expected.items():
        loss, alike = getattr(f, name), (2 if "average" in name else 1) * log(2)
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
    i, j = (k.ravel() for k in np.meshgrid(np.repeat(range(ATOMS), p), np.repeat(range(ATOMS), q), indexing="ij"))
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
