"""The best discriminator (G1–G5), also under smoothed labels (G11) and labels of classes (G23)."""

from __future__ import annotations

from collections.abc import Callable
from math import exp as e
from math import inf, log
from typing import Any

import numpy as np

from minigan import autodiff as ad
from minigan.autodiff import Tensor, grad, sigmoid, softplus
from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.faults import SCALE, SIGN, SWAPPED, changed, dropped, instead, wrong
from minigan.claims.game.batches import batch, laws, player, slope_by_atom
from minigan.claims.routes import (
    jensen_shannon_by_hand,
    js_of,
    js_shifted,
    largest_at,
    log_normal,
    probability_pairs,
    quad,
)
from minigan.gans import losses
from minigan.gans.losses import BATCH_AXES
from minigan.gans.losses.critic_output import Batch, CriticOutput
from minigan.gans.losses.heads import CLASSES
from minigan.nets import MLP, adam
from minigan.theory import optimal

GOODFELLOW = "Goodfellow et al. (2014)"


def _trained_discriminator(loss: Callable[[Tensor, Tensor], Tensor], real: Any, fake: Any, lab: Lab) -> Callable:
    """Logits of an MLP 1–24–1 after 800 full-batch steps of Adam on the loss."""
    net = MLP((1, 24, 1), "tanh")
    theta = lab.array(net.init(lab.rng, "xavier", dtype=float))
    state = {"theta": theta, "m": lab.xp.zeros_like(theta), "v": lab.xp.zeros_like(theta)}

    def step(old: dict[str, Tensor], inputs: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        g = grad(loss(net(old["theta"], real), net(old["theta"], fake)), old["theta"])
        new_theta, memory = adam(old["theta"], g, {"m": old["m"], "v": old["v"]}, inputs["t"], 0.02)
        return {"theta": new_theta, **memory}, {}

    program = ad.record(step, state, {"t": lab.array(1.0)})
    for t in range(1, 801):
        program(t=lab.array(float(t)))
    return lambda x: net(state["theta"], x).value[:, 0]


@claim("G1", "argmax_D p_r log D + p_g log(1 − D) = p_r/(p_r + p_g)", note="weng, xu",
       paper=f"{GOODFELLOW}, prop. 1",
       computes={"optimal_discriminator": optimal.optimal_discriminator,
                 "discriminator": losses.discriminator})
def best_discriminator(f: Any, lab: Lab) -> Checks:
    from scipy.special import ndtri

    for a, b in lab.rng.uniform(0.05, 5, (4, 2)):
        computed = f.optimal_discriminator(lab.array([log(a)]), lab.array([log(b)]))
        best = largest_at(lambda y: a * np.log(y) + b * np.log1p(-y))
        yield equals(f"argmax {a:.3f} log y + {b:.3f} log(1 − y)", computed, [best], rtol=1e-6)
    edge = f.optimal_discriminator(lab.array([-inf, 0.0, 300.0, -inf]), lab.array([0.0, -inf, -500.0, -inf]))
    yield equals("D* where only one has mass, and ½ where none has", edge, [0, 1, 1, 0.5])

    ranks = (np.arange(256) + 0.5) / 256
    real, fake = (lab.array(m + s * ndtri(ranks)[:, None]) for m, s in [(-1, 1), (1, 0.7)])
    net, x = _trained_discriminator(f.discriminator, real, fake, lab), np.linspace(-2.5, 2.2, 41)
    p, q = np.exp(log_normal(-1, 1)(x)), np.exp(log_normal(1, 0.7)(x))
    trained = 1 / (1 + lab.xp.exp(-net(lab.array(x[:, None]))))
    yield equals("an MLP after 800 steps, N(−1, 1) against N(1, 0.49)", trained, p / (p + q), atol=0.03, rtol=0)
    formula = f.optimal_discriminator(lab.array(log_normal(-1, 1)(x)), lab.array(log_normal(1, 0.7)(x)))
    yield equals("the formula at the same points", formula, p / (p + q))

best_discriminator.must_notice(
    optimal_discriminator=[SCALE, SIGN, SWAPPED],
    # not SCALE: a loss's factor moves no minimiser
    discriminator=[SIGN, SWAPPED, dropped("the fake term", lambda real, fake: softplus(-real).mean())])


@claim("G2", "V(D*, G) = 2 JS(p_r‖p_g) − 2 log 2", note="weng, xu", paper=f"{GOODFELLOW}, theorem 1",
       computes={"optimal_value": optimal.optimal_value,
                 "optimal_value_between": optimal.optimal_value_between})
def value_is_jensen_shannon(f: Any, lab: Lab) -> Checks:
    from scipy.spatial.distance import jensenshannon

    for p, q in probability_pairs(lab, 4):
        v = f.optimal_value(lab.array(p), lab.array(q))
        yield equals("Σ: V(D*) = 2 JS − 2 log 2 (JS: scipy)", v, 2 * jensenshannon(p, q) ** 2 - 2 * log(2))
    yield equals("disjoint: V = 0, JS = log 2", f.optimal_value(lab.array([0.3, 0.7, 0]), lab.array([0, 0, 1])), 0)
    v = f.optimal_value_between(log_normal(0, 1), log_normal(1, 1))
    yield equals("N(0,1), N(1,1): V(D*)", v, 2 * js_shifted() - 2 * log(2))
    yield equals("JS = ½ (log 4 + V)", js_of(v), js_shifted())
    for mu, sigma in zip(lab.rng.normal(0, 2, 3), lab.rng.uniform(0.3, 3, 3), strict=True):
        log_p, log_q = log_normal(0, 1), log_normal(mu, sigma)
        yield equals(f"N(0,1), N({mu:.2f}, {sigma:.2f}²): ∫ (JS: QUADPACK)", f.optimal_value_between(log_p, log_q),
                     2 * jensen_shannon_by_hand(log_p, log_q) - 2 * log(2), rtol=1e-8)

VALUE_FAULTS = [  # not SWAPPED: JS is symmetric
    SCALE, SIGN,
    changed("without − 2 log 2", lambda v: v + 2 * log(2)),
    changed("JS without its ½", lambda v: 2 * v + 2 * log(2)),
]
value_is_jensen_shannon.must_notice(optimal_value=VALUE_FAULTS, optimal_value_between=VALUE_FAULTS)


@claim("G3", "p_g = p_r ⇒ D* = ½, V(D*, G) = −2 log 2, the least over G", note="weng, xu",
       paper=f"{GOODFELLOW}, theorem 1",
       computes={"optimal_discriminator": optimal.optimal_discriminator,
                 "optimal_value": optimal.optimal_value,
                 "optimal_value_between": optimal.optimal_value_between})
def equilibrium(f: Any, lab: Lab) -> Checks:
    for p, q in probability_pairs(lab, 4):
        p = np.maximum(p, 1e-9) / np.maximum(p, 1e-9).sum()
        yield equals("D* at p_g = p_r", f.optimal_discriminator(lab.array(np.log(p)), lab.array(np.log(p))), 0.5)
        yield equals("V at p_g = p_r", f.optimal_value(lab.array(p), lab.array(p)), -2 * log(2))
        # JS ≥ ½ TV², from Pinsker's inequality for both halves: any other p_g is strictly worse
        tv = 0.5 * np.abs(p - q).sum()
        yield at_least("elsewhere V ≥ −2 log 2 + TV²", f.optimal_value(lab.array(p), lab.array(q)), tv**2 - 2 * log(2))
    mu, sigma = lab.rng.normal(), lab.rng.uniform(0.1, 5)
    v = f.optimal_value_between(log_normal(mu, sigma), log_normal(mu, sigma))
    yield equals(f"both N({mu:.2f}, {sigma:.2f}²)", v, -2 * log(2), rtol=1e-8)

equilibrium.must_notice(  # not SWAPPED: p_g = p_r
    optimal_discriminator=[SCALE, SIGN, instead("p_r/p_g", lambda p, q: np.exp(p - q))],
    optimal_value=[SCALE, SIGN, instead("a constant", lambda p, q: -2 * log(2))],
    optimal_value_between=[SCALE, SIGN])


@claim("G4", "V(D, G) ≤ V(D*, G) for every D", note="weng, xu", paper=f"{GOODFELLOW}, proposition 1",
       computes={"value": optimal.value, "optimal_value": optimal.optimal_value,
                 "value_between": optimal.value_between})
def no_discriminator_does_better(f: Any, lab: Lab) -> Checks:
    for p, q in probability_pairs(lab, 3):
        p, q = (np.maximum(x, 1e-3) / np.maximum(x, 1e-3).sum() for x in (p, q))
        best = f.optimal_value(lab.array(p), lab.array(q))
        s = lab.rng.normal(0, 3, (20, len(p)))
        values = np.array([f.value(lab.array(row), lab.array(p), lab.array(q)) for row in s])
        D = 1 / (1 + np.exp(-s))
        yield equals("V = Σ p log D + q log(1 − D)", values, np.log(D) @ p + np.log(1 - D) @ q)
        yield at_most("20 random D: V(D)", values, best)
        yield equals("equality at D*", f.value(lab.array(np.log(p / q)), lab.array(p), lab.array(q)), best)
    log_p, log_q, k = log_normal(0, 1), log_normal(1, 1), lab.rng.uniform(0.2, 3)
    v = f.value_between(lambda x: k * (0.2 - x), log_p, log_q)
    by_hand = quad(lambda x: -e(log_p(x)) * np.logaddexp(0, k * (x - 0.2))
                   - e(log_q(x)) * np.logaddexp(0, k * (0.2 - x)))
    yield equals(f"N(0,1), N(1,1), D = σ({k:.2f}(0.2 − x))", v, by_hand, rtol=1e-8)
    yield at_most("V(D) ≤ V(D*)", v, 2 * js_shifted() - 2 * log(2))
    yield equals("at s* = ½ − x", f.value_between(lambda x: 0.5 - x, log_p, log_q),
                 2 * js_shifted() - 2 * log(2))

no_discriminator_does_better.must_notice(
    value=[SCALE, SIGN,
           wrong("D for 1 − D", lambda value, s, p, q: value(-s, p, q)),
           wrong("p_r and p_g swapped", lambda value, s, p, q: value(s, q, p))],
    optimal_value=[SCALE, SIGN],
    value_between=[SCALE, SIGN,
                   wrong("D for 1 − D", lambda value, s, p, q: value(lambda x: -s(x), p, q))])


@claim("G5", "log_b scales V by 1/ln b; argmax_D stays p_r/(p_r + p_g)", note="weng",
       paper=f"{GOODFELLOW}, prop. 1",
       computes={"value": optimal.value, "optimal_value": optimal.optimal_value,
                 "optimal_discriminator": optimal.optimal_discriminator})
def base_of_the_logarithm(f: Any, lab: Lab) -> Checks:
    for p, q in probability_pairs(lab, 2):
        p, q = (np.maximum(x, 1e-3) / np.maximum(x, 1e-3).sum() for x in (p, q))
        D = f.optimal_discriminator(lab.array(np.log(p)), lab.array(np.log(q)))
        best = [largest_at(lambda y: a * np.log10(y) + b * np.log10(1 - y))
                for a, b in zip(p, q, strict=True)]
        yield equals("argmax of p log₁₀ D + q log₁₀(1 − D)", D, best, rtol=1e-6)
        v10 = float(p @ np.log10(p / (p + q)) + q @ np.log10(q / (p + q)))
        yield equals("V(D*) / ln 10", f.optimal_value(lab.array(p), lab.array(q)) / log(10), v10)
        s = lab.rng.normal(size=len(p))
        v10 = float(-p @ np.log10(1 + np.exp(-s)) - q @ np.log10(1 + np.exp(s)))
        yield equals("V(D) / ln 10 at another D", f.value(lab.array(s), lab.array(p), lab.array(q)) / log(10), v10)

BASE_10 = changed("base 10", lambda v: v / log(10))
base_of_the_logarithm.must_notice(
    value=[SCALE, SIGN, BASE_10],
    optimal_value=[SCALE, SIGN, BASE_10],
    optimal_discriminator=[SCALE, SIGN, SWAPPED])


SALIMANS = "Salimans et al. (2016)"


@claim("G11", "smoothing: one-sided D* = (1−α) p_r/(p_r+p_g); two-sided ((1−α) p_r + β p_g)/(p_r+p_g)",
       note="weng", paper=f"{SALIMANS}, section 3.4",
       computes={"optimal_discriminator": optimal.optimal_discriminator,
                 "critic": player("non-saturating", "critic")})
def label_smoothing(f: Any, lab: Lab) -> Checks:
    for a, b in lab.rng.uniform(0.05, 1, (3, 2)):
        alpha, beta = lab.rng.uniform(0.05, 0.4, 2).tolist()
        for name, real, fake in [("one-sided", 1 - alpha, 0.0), ("two-sided", 1 - alpha, beta)]:
            D = f.optimal_discriminator(lab.array([log(a)]), lab.array([log(b)]), real=real, fake=fake)
            best = largest_at(lambda y: (a * real + b * fake) * np.log(y)
                              + (a * (1 - real) + b * (1 - fake)) * np.log1p(-y))
            yield equals(f"{name}: argmax of the smoothed cross-entropy", D, [best], rtol=1e-6)
            yield equals(f"{name}: the formula", D, [(real * a + fake * b) / (a + b)])
    only_fakes = lab.array([-inf]), lab.array([0.0])
    # A fake where no datum is: one-sided it is still called 0; two-sided D* stops at β, and peaks at the fakes
    yield equals("one-sided 0.9: D* where p_r = 0", f.optimal_discriminator(*only_fakes, real=0.9, fake=0.0), 0)
    yield equals("two-sided 0.9, 0.1: D* where p_r = 0", f.optimal_discriminator(*only_fakes, real=0.9, fake=0.1), 0.1)
    p, q = laws(lab, empty=False)
    D = (1 - alpha) * p / (p + q)
    real, fake = (batch(lab, np.log(D / (1 - D)), counts) for counts in (p, q))
    loss = f.critic(real, fake, smoothing=alpha)
    cost = -(p @ ((1 - alpha) * np.log(D) + alpha * np.log(1 - D)) + q @ np.log(1 - D)) / p.sum()
    yield equals("the critic's loss at one-sided D*", loss.value, cost)
    yield equals("is flat there", slope_by_atom(loss, real, fake, p, q), np.zeros(len(p)))


def fakes_smoothed_too(critic: Callable, real: Batch, fake: Batch, smoothing: float) -> Tensor:
    return critic(real, fake, smoothing=smoothing) - smoothing * fake.scores.mean(BATCH_AXES)

label_smoothing.must_notice(
    optimal_discriminator=[
        SCALE, SIGN, SWAPPED,
        dropped("the labels", lambda p, q, real, fake: optimal.optimal_discriminator(p, q)),
        dropped("the fake label", lambda p, q, real, fake: optimal.optimal_discriminator(p, q, real))],
    critic=[SCALE, SIGN, SWAPPED,
            dropped("the label",
                    lambda real, fake, smoothing: losses.discriminator(real.scores, fake.scores)),
            wrong("two-sided", fakes_smoothed_too)])


@claim("G23", "D = Z/(Z + 1), Z = Σ_k e^{l_k}: softmax over K + 1 classes, the last logit 0", note="weng",
       paper=f"{SALIMANS}, section 5",
       computes={"discriminator": optimal.semi_supervised_discriminator, "score": CLASSES.score,
                 "critic": player("semi-supervised", "critic")})
def semi_supervised(f: Any, lab: Lab) -> Checks:
    from scipy.special import softmax

    for k in (1, 2, 10):
        logits = lab.rng.normal(0, 5, (8, k))
        everything = softmax(np.concatenate([logits, np.zeros((8, 1))], axis=1), axis=1)
        yield equals(f"K = {k}: Σ of the real classes' shares", f.discriminator(lab.array(logits)),
                     everything[:, :-1].sum(axis=1))
    extremes = lab.array([[1000.0, 0.0], [-1000.0, -1000.0], [0.0, -inf], [-inf, -inf]])
    yield equals("logits of ±1000, −∞: no overflow", f.discriminator(extremes), [1, 0, 0.5, 0])
    yield equals("K zeros: K/(K + 1)", f.discriminator(lab.array(np.zeros((1, 9)))), 0.9)

    n, k = 6, 3
    logits, classes = lab.rng.normal(0, 2, (2, n, k)), lab.rng.integers(0, k, n)
    labels = np.eye(k)[classes] * (np.arange(n) < 4)[:, None]  # the last two are not labelled
    data, fakes = (softmax(np.concatenate([x, np.zeros((n, 1))], axis=1), axis=1) for x in logits)

    def seen(outputs: np.ndarray, labels: Any = None) -> Batch:
        x = Tensor(lab.array(outputs))
        return Batch(x, lambda: CriticOutput(f.score(x, x), x, x, x), labels)

    real, fake = seen(logits[0], Tensor(lab.array(labels))), seen(logits[1])
    yield equals("σ(score) = D", sigmoid(real.scores).value[:, 0], f.discriminator(lab.array(logits[0])))
    named = -np.log(data[range(4), classes[:4]] / (1 - data[:4, -1])).mean()  # given that it is no fake
    yield equals("−E log p(y|x, no fake) − E log D(x) − E log(1 − D(G(z)))", f.critic(real, fake).value,
                 named - np.log(1 - data[:, -1]).mean() - np.log(fakes[:, -1]).mean())


def among_all_classes(critic: Callable, real: Batch, fake: Batch) -> Tensor:
    """−log p(y|x) among K + 1 classes: −log D(x) more for each datum that has a label."""
    labels: Any = real.labels
    not_fake = softplus(-real.scores) * labels.sum(-1, keepdims=True)
    return critic(real, fake) + not_fake.sum(BATCH_AXES) / labels.sum(BATCH_AXES)


def one_class_more(discriminator: Callable, logits: Any) -> Any:
    return discriminator(np.concatenate([logits, np.zeros_like(logits[..., :1])], axis=-1))

semi_supervised.must_notice(
    discriminator=[SCALE, SIGN,
                   dropped("the + 1", lambda logits: np.ones(logits.shape[:-1])),
                   changed("the fake's share", lambda D: 1 - D),
                   wrong("the fake class counted as real", one_class_more)],
    score=[SCALE, SIGN, instead("the largest logit", lambda outputs, x: outputs.max(-1, keepdims=True))],
    critic=[SCALE, SIGN,
            dropped("the labels", lambda real, fake: losses.discriminator(real.scores, fake.scores)),
            wrong("labels among K + 1 classes", among_all_classes)])
