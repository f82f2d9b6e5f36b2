"""Energies (G15, G16): EBGAN sees total variation, LS-GAN lies between it and WGAN."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from minigan.autodiff import Tensor, grad, relu
from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.faults import SCALE, SIGN, SWAPPED, changed, dropped, wrong
from minigan.claims.game.batches import ATOMS, SIZE, batch, estimate, laws, player, pointed
from minigan.claims.routes import log_normal
from minigan.gans.losses import BATCH_AXES
from minigan.gans.losses.critic_output import Batch
from minigan.nets import MLP
from minigan.theory import optimal


@claim("G15", "min over D ≥ 0 of E D(x) + E max(0, m − D(G(z))) = m (1 − TV), at D* = m where p_g > p_r, else 0; "
       "= m iff p_g = p_r", note="advanced", paper="Zhao et al. (2017), lemma 1, theorems 1–2",
       computes={"critic": player("ebgan", "critic"), "generator": player("ebgan", "generator"),
                 "estimate": estimate("ebgan"), "optimal_energy": optimal.optimal_energy,
                 "energy_value": optimal.energy_value, "energy_value_between": optimal.energy_value_between})
def energies(f: Any, lab: Lab) -> Checks:
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


def unhinged(real: Batch, fake: Batch, margin: float) -> Tensor:
    return real.scores.mean(BATCH_AXES) + margin - fake.scores.mean(BATCH_AXES)


def hinge_of_the_mean(real: Batch, fake: Batch, margin: float) -> Tensor:
    return real.scores.mean(BATCH_AXES) + relu(margin - fake.scores.mean(BATCH_AXES))

energies.must_notice(
    critic=[SCALE, SIGN, SWAPPED,
            dropped("max(0, ·) (E3)", unhinged),
            dropped("each fake's own hinge", hinge_of_the_mean)],
    generator=[SCALE, SIGN, SWAPPED],
    estimate=[SCALE, SIGN, SWAPPED, changed("1 − TV", lambda tv: 1.0 - tv)],
    optimal_energy=[SCALE, SIGN, SWAPPED],
    # not SWAPPED: the overlap is symmetric
    energy_value=[SCALE, SIGN,
                  dropped("the margin", lambda p, q, m: optimal.energy_value(p, q)),
                  wrong("m TV", lambda f, p, q, m: m - f(p, q, m))],
    energy_value_between=[SCALE, SIGN,
                          dropped("the margin", lambda p, q, margin: optimal.energy_value_between(p, q))])


@claim("G16", "LS-GAN's E L(x) + λ E max(0, mΔ + L(x) − L(x̃)) = E L(x) + λ GLS at slope 0; GLS at slope 1 = m E Δ + "
       "WGAN with f = −L", note="advanced", paper="Qi (2020)",
       computes={"critic": player("ls-gan", "critic"), "generalised": player("gls-gan", "critic"),
                 "generator": player("ls-gan", "generator"), "wasserstein": player("wasserstein", "critic")})
def loss_sensitive(f: Any, lab: Lab) -> Checks:
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
    none, half, full = (both(f.generalised, score, w, margin=margin, slope=leak) for leak in (0.0, 0.5, 1.0))
    alone = score(lab.array(x)).mean()
    yield equals("slope 0: λ times it is LS-GAN without E L(x)", lam * none[0] + alone.value, whole[0])
    yield equals("slope 0: gradients in w", lam * none[1] + grad(alone, w).value, whole[1])
    wgan = both(f.wasserstein, lambda x: -score(x), w)
    yield equals("slope 1: WGAN's, and m E Δ", full[0], wgan[0] + margin * float(delta.mean()))
    yield equals("slope 1: gradients in w are WGAN's", full[1], wgan[1])
    yield equals("slope ½: half way", half[1], 0.5 * (none[1] + full[1]))

    def by_first(points: np.ndarray) -> Batch:
        """L(x) = x₀."""
        return pointed(lab.array(points), lambda x: x[..., :1])

    # L(x̃) far above L(x): slope 0 leaves such fakes alone, and a leak does not
    far = lab.rng.normal(100, 1, (n, d))
    for leak, expected in [(0.0, 0.0), (0.5, -0.5)]:
        L_far = Tensor(lab.array(1000 + far[:, :1]))
        y = f.generalised(by_first(x), pointed(lab.array(far), lambda _: L_far), margin=margin, slope=leak)
        yield equals(f"slope {leak:g}, L(x̃) high enough: ∂/∂L(x̃)", grad(y, L_far).value,
                     np.full((n, 1), expected / n))
    pays = f.generator(by_first(x), by_first(fakes))
    yield equals("the generator pays E L(G(z))", pays.value, fakes[:, 0].mean())


def by_distance_of_means(real: Batch, fake: Batch, margin: float, lam: float) -> Tensor:
    """One margin for the whole batch."""
    delta = (real.points - fake.points).mean(-2, keepdims=True)
    gaps = margin * (relu(delta) + relu(-delta)).sum(-1, keepdims=True) + real.scores - fake.scores
    return real.scores.mean(BATCH_AXES) + lam * relu(gaps).mean(BATCH_AXES)


GLS = player("gls-gan", "critic")


def the_hinges_alone(real: Batch, fake: Batch, margin: float, lam: float) -> Tensor:
    return lam * GLS(real, fake, margin=margin, slope=0.0)


def without_hinges(real: Batch, fake: Batch, margin: float, lam: float) -> Tensor:
    return real.scores.mean(BATCH_AXES) + lam * GLS(real, fake, margin=margin, slope=1.0)

loss_sensitive.must_notice(
    critic=[SCALE, SIGN, SWAPPED,
            dropped("each pair's margin", by_distance_of_means),
            dropped("E L(x)", the_hinges_alone),
            dropped("max(0, ·)", without_hinges)],
    generalised=[SCALE, SIGN, SWAPPED,
                 dropped("the leak", lambda real, fake, margin, slope: GLS(real, fake, margin=margin, slope=0.0)),
                 dropped("the margin", lambda real, fake, margin, slope: GLS(real, fake, margin=0.0, slope=slope))],
    generator=[SCALE, SIGN, SWAPPED],
    wasserstein=[SCALE, SIGN, SWAPPED])
