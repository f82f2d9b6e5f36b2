"""The game (G): what the best discriminator is and is worth, which gradients a generator gets, how the play goes.

Reserved for the systems that are not built yet: G15 (EBGAN), G16 (loss-sensitive GAN), G17 (unrolling), G18 (IMLE),
G19 (feature matching), G20 (minibatch discrimination), G21 (virtual batch normalisation).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import exp as e
from math import inf, log, pi, sqrt
from typing import Any

import numpy as np

from minigan import autodiff as ad
from minigan.arrays import to_host
from minigan.autodiff import Tensor, grad, sigmoid, softplus
from minigan.claims.claim import (
    SCALE,
    SIGN,
    SWAPPED,
    Check,
    Lab,
    at_least,
    at_most,
    claim,
    dropped,
    equals,
    wrong,
)
from minigan.gans import losses
from minigan.nets import MLP, adam
from minigan.theory import dynamics, optimal

GOODFELLOW = "Goodfellow et al. (2014)"
ARJOVSKY = "Arjovsky & Bottou (2017)"
MESCHEDER = "Mescheder et al. (2018)"
SALIMANS = "Salimans et al. (2016)"
JS_SHIFTED = 0.1114215  # JS(N(0,1), N(1,1)), in nats, with the ½
HERMITE, HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(80)  # E over N(0, 1)
HERMITE_WEIGHTS = HERMITE_WEIGHTS / HERMITE_WEIGHTS.sum()


def log_normal(mu: float, sigma: float) -> Callable[[Any], Any]:
    """log N(x; μ, σ²), of arrays and of tensors."""
    return lambda x: -0.5 * ((x - mu) * (1 / sigma)) ** 2 - log(sigma * sqrt(2 * pi))


def quad(integrand: Callable[[float], float], low: float = -40.0, high: float = 40.0, *points: float) -> float:
    """∫ by QUADPACK: the other route."""
    from scipy.integrate import quad as quadpack

    return float(quadpack(integrand, low, high, points=points or None, limit=400, epsabs=1e-13, epsrel=1e-12)[0])


def jensen_shannon_by_hand(log_p: Callable, log_q: Callable, low: float = -40.0, high: float = 40.0) -> float:
    """½ KL(p‖m) + ½ KL(q‖m), m = (p + q)/2, by QUADPACK."""
    def integrand(x: float) -> float:
        m = np.logaddexp(log_p(x), log_q(x)) - log(2)
        return sum(0.5 * np.exp(d(x)) * (d(x) - m) for d in (log_p, log_q) if d(x) > -700)

    return quad(integrand, low, high)


def js_of(v: float) -> float:
    """JS = ½ (log 4 + V(D*, G))."""
    return 0.5 * (log(4) + v)


def largest_at(f: Callable[[float], float]) -> float:
    """argmax over (0, 1) of a unimodal f, numerically."""
    from scipy.optimize import minimize_scalar

    return float(minimize_scalar(lambda y: -f(y), bounds=(0, 1), method="bounded", options={"xatol": 1e-11}).x)


def within_dkw(what: str, sample: np.ndarray, cdf: Callable[[np.ndarray], np.ndarray]) -> Check:
    """sup |F_n − F| ≤ √(log(2/δ)/2n), δ = 1e-9: Dvoretzky–Kiefer–Wolfowitz, with Massart's constant."""
    from scipy.stats import kstest

    return at_most(what, kstest(sample, cdf).statistic, sqrt(log(2 / 1e-9) / (2 * len(sample))))


def probability_pairs(lab: Lab, count: int, n: int = 6) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Random probability vectors on n points, each missing some."""
    for _ in range(count):
        p, q = (np.where(lab.rng.random(n) < 0.25, 0, lab.rng.exponential(size=n)) + 1e-12 for _ in "pq")
        p[p < 1e-9], q[q < 1e-9] = 0, 0
        p[0], q[-1] = 1 / n, 1 / n
        yield p / p.sum(), q / q.sum()


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


@claim("G1", "argmax_D p_r log D + p_g log(1 − D) = p_r/(p_r + p_g)", note="weng, xu", paper=f"{GOODFELLOW}, prop. 1",
       computes={"optimal_discriminator": optimal.optimal_discriminator, "discriminator": losses.discriminator},
       faults={"optimal_discriminator": [SCALE, SIGN, SWAPPED],
               # not SCALE: a loss's factor moves no minimiser
               "discriminator": [SIGN, SWAPPED, dropped("the fake term", lambda r, f: softplus(-r).mean())]})
def best_discriminator(f: Any, lab: Lab) -> Iterator[Check]:
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


@claim("G2", "V(D*, G) = 2 JS(p_r‖p_g) − 2 log 2", note="weng, xu", paper=f"{GOODFELLOW}, theorem 1",
       computes={"optimal_value": optimal.optimal_value, "optimal_value_between": optimal.optimal_value_between},
       # not SWAPPED: JS is symmetric
       faults={name: [SCALE, SIGN, wrong("without − 2 log 2", lambda f: lambda p, q: 2 * log(2) + f(p, q)),
                      wrong("JS without its ½", lambda f: lambda p, q: 2 * f(p, q) + 2 * log(2))]
               for name in ("optimal_value", "optimal_value_between")})
def value_is_jensen_shannon(f: Any, lab: Lab) -> Iterator[Check]:
    from scipy.spatial.distance import jensenshannon

    for p, q in probability_pairs(lab, 4):
        v = f.optimal_value(lab.array(p), lab.array(q))
        yield equals("Σ: V(D*) = 2 JS − 2 log 2 (JS: scipy)", v, 2 * jensenshannon(p, q) ** 2 - 2 * log(2))
    yield equals("disjoint: V = 0, JS = log 2", f.optimal_value(lab.array([0.3, 0.7, 0]), lab.array([0, 0, 1])), 0)
    v = f.optimal_value_between(log_normal(0, 1), log_normal(1, 1))
    yield equals("N(0,1), N(1,1): V(D*)", v, -1.1634514, atol=5e-8)
    yield equals("JS = ½ (log 4 + V)", js_of(v), JS_SHIFTED, atol=5e-8)
    for mu, sigma in zip(lab.rng.normal(0, 2, 3), lab.rng.uniform(0.3, 3, 3), strict=True):
        log_p, log_q = log_normal(0, 1), log_normal(mu, sigma)
        yield equals(f"N(0,1), N({mu:.2f}, {sigma:.2f}²): ∫ (JS: QUADPACK)", f.optimal_value_between(log_p, log_q),
                     2 * jensen_shannon_by_hand(log_p, log_q) - 2 * log(2), rtol=1e-8)


@claim("G3", "p_g = p_r ⇒ D* = ½, V(D*, G) = −2 log 2, the least over G", note="weng, xu",
       paper=f"{GOODFELLOW}, theorem 1",
       computes={"optimal_discriminator": optimal.optimal_discriminator, "optimal_value": optimal.optimal_value,
                 "optimal_value_between": optimal.optimal_value_between},
       # not SWAPPED: p_g = p_r
       faults={"optimal_discriminator": [SCALE, SIGN, wrong("p_r/p_g", lambda f: lambda p, q: np.exp(p - q))],
               "optimal_value": [SCALE, SIGN, wrong("a constant", lambda f: lambda p, q: -2 * log(2))],
               "optimal_value_between": [SCALE, SIGN]})
def equilibrium(f: Any, lab: Lab) -> Iterator[Check]:
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


@claim("G4", "V(D, G) ≤ V(D*, G) for every D", note="weng, xu", paper=f"{GOODFELLOW}, proposition 1",
       computes={"value": optimal.value, "optimal_value": optimal.optimal_value,
                 "value_between": optimal.value_between},
       faults={"value": [SCALE, SIGN, wrong("D for 1 − D", lambda f: lambda s, p, q: f(-s, p, q)),
                         wrong("p_r and p_g swapped", lambda f: lambda s, p, q: f(s, q, p))],
               "optimal_value": [SCALE, SIGN],
               "value_between": [SCALE, SIGN,
                                 wrong("D for 1 − D", lambda f: lambda s, p, q: f(lambda x: -s(x), p, q))]})
def no_discriminator_does_better(f: Any, lab: Lab) -> Iterator[Check]:
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
    yield at_most("V(D) ≤ V(D*)", v, -1.1634513)
    yield equals("at s* = ½ − x", f.value_between(lambda x: 0.5 - x, log_p, log_q), -1.1634514, atol=5e-8)


@claim("G5", "log_b scales V by 1/ln b; argmax_D stays p_r/(p_r + p_g)", note="weng", paper=f"{GOODFELLOW}, prop. 1",
       computes={"value": optimal.value, "optimal_value": optimal.optimal_value,
                 "optimal_discriminator": optimal.optimal_discriminator},
       faults={"value": [SCALE, SIGN, wrong("base 10", lambda f: lambda *a: f(*a) / log(10))],
               "optimal_value": [SCALE, SIGN, wrong("base 10", lambda f: lambda *a: f(*a) / log(10))],
               "optimal_discriminator": [SCALE, SIGN, SWAPPED]})
def base_of_the_logarithm(f: Any, lab: Lab) -> Iterator[Check]:
    for p, q in probability_pairs(lab, 2):
        p, q = (np.maximum(x, 1e-3) / np.maximum(x, 1e-3).sum() for x in (p, q))
        D = f.optimal_discriminator(lab.array(np.log(p)), lab.array(np.log(q)))
        best = [largest_at(lambda y: a * np.log10(y) + b * np.log10(1 - y)) for a, b in zip(p, q, strict=True)]
        yield equals("argmax of p log₁₀ D + q log₁₀(1 − D)", D, best, rtol=1e-6)
        v10 = float(p @ np.log10(p / (p + q)) + q @ np.log10(q / (p + q)))
        yield equals("V(D*) / ln 10", f.optimal_value(lab.array(p), lab.array(q)) / log(10), v10)
        s = lab.rng.normal(size=len(p))
        v10 = float(-p @ np.log10(1 + np.exp(-s)) - q @ np.log10(1 + np.exp(s)))
        yield equals("V(D) / ln 10 at another D", f.value(lab.array(s), lab.array(p), lab.array(q)) / log(10), v10)


GRADIENT_FAULTS = [SCALE, SIGN, wrong("sum for mean", lambda f: lambda loss, g, theta, z, weights=None: f(
    loss, g, theta, z, np.ones(len(z)))), wrong("θ read backwards", lambda f: lambda *a, **k: f(*a, **k)[::-1])]
# In the body of a claim that weighs its points itself
WEIGHTED_FAULTS = [SCALE, SIGN, dropped("the weights", lambda loss, g, theta, z, weights: optimal.generator_gradient(
    loss, g, theta, z))]


@claim("G6", "|D − D*| + |∇(D − D*)| ≤ ε ⇒ ‖∇θ E log(1 − D(g_θ))‖ ≤ M ε/(1 − ε); ε must hold the slope too",
       note="xu, weng", paper=f"{ARJOVSKY}, theorem 2.4",
       computes={"generator_gradient": optimal.generator_gradient, "saturation_bound": optimal.saturation_bound},
       faults={"generator_gradient": GRADIENT_FAULTS,
               "saturation_bound": [SCALE, SIGN, SWAPPED, dropped("1 − ε", lambda m, eps: m * eps)]})
def saturation(f: Any, lab: Lab) -> Iterator[Check]:
    z, theta, wall = (np.arange(50) + 0.5) / 50, np.array([0.0, 1.0]), lab.rng.uniform(1.2, 1.8)
    m = sqrt((1 + z**2).mean())  # J = (1, z)
    norms = []
    for k in (4.0, 8.0, 16.0, 32.0):  # data at x ≥ 2, fakes in [0, 1]: D nears 1 on the one, 0 on the other
        g = f.generator_gradient(lambda x: -softplus(k * (x - wall)), lambda t, z: t[0] + t[1] * z,
                                 lab.array(theta), lab.array(z))
        D = 1 / (1 + np.exp(-k * (z - wall)))
        yield equals(f"∇θ E log(1 − D), slope {k:g}", g, [-(k * D).mean(), -(k * D * z).mean()])
        eps = float((D + k * D * (1 - D)).max())
        norms.append(float(np.linalg.norm(to_host(g))))
        if eps < 1:
            yield at_most(f"norm ≤ M ε/(1 − ε), ε = {eps:.2g}", norms[-1], f.saturation_bound(m, eps))
    yield at_most("the norms fall as D gets better", norms[1:], norms[:-1])
    yield equals("M ε/(1 − ε) at M = 2, ε = .2", f.saturation_bound(2.0, 0.2), 0.5)

    def slope(log_one_minus_d: Callable[[Tensor], Tensor]) -> float:  # of one fake, at θ = 0
        zero = lab.array([0.0])
        return abs(float(f.generator_gradient(log_one_minus_d, lambda t, z: t + z, zero, zero)[0]))

    for eps in (1e-2, 1e-4, 1e-6):
        near = slope(lambda x: ad.log1p(-(eps**2 + eps * x)))  # D = ε², ∇D = ε
        ratio = near / f.saturation_bound(1.0, eps + eps**2)
        yield equals(f"the bound is attained as ε → 0: ratio at {eps:g}", ratio, 1, rtol=2.1 * eps)
        steep = slope(lambda x: ad.log1p(-eps * sigmoid(x * (1 / eps**2))))  # D = ε/2, ∇D = 1/4ε
        yield equals(f"a steep D, ≤ {eps:g} everywhere: ‖∇θ‖", steep, 1 / (4 * eps) / (1 - eps / 2))
        yield at_least("over the bound if ε held |D − D*| alone", steep, 2000 * f.saturation_bound(1.0, eps))


@claim("G7", "∇θ E[−log D*(g_θ)], D* fixed at θ₀, = ∇θ [KL(p_g‖p_r) − 2 JS(p_g‖p_r)] at θ₀", note="xu",
       paper=f"{ARJOVSKY}, theorem 2.5", computes={"generator_gradient": optimal.generator_gradient},
       faults={"generator_gradient": [*WEIGHTED_FAULTS, wrong("log(1 − D) for −log D", lambda f: lambda loss, *a: f(
           lambda x: ad.log(-ad.expm1(-loss(x))), *a))]})
def non_saturating_gradient(f: Any, lab: Lab) -> Iterator[Check]:
    from scipy.special import expit

    means, scales = lab.rng.uniform(-1, 1, (3, 2)), lab.rng.uniform(0.8, 1.25, (3, 2))
    for (mu, m), (sigma, s) in [*zip(means, scales, strict=True), ((1.0, 0.0), (1.0, 1.0))]:
        log_r, log_g = log_normal(m, s), log_normal(mu, sigma)
        g = f.generator_gradient(lambda x: softplus(log_g(x) - log_r(x)), lambda t, z: t[0] + t[1] * z,
                                 lab.array([mu, sigma]), lab.array(HERMITE), lab.array(HERMITE_WEIGHTS))
        kl = np.array([(mu - m) / s**2, sigma / s**2 - 1 / sigma])  # of the closed form of two Gaussians

        def js(score: Callable[[float], float]) -> float:  # ½ ∫ ∂q log(q/m): the derivative under the integral
            return quad(lambda x: 0.5 * score(x) * e(log_g(x)) * (
                log_g(x) - np.logaddexp(log_g(x), log_r(x)) + log(2)))

        js_slopes = np.array([js(lambda x: (x - mu) / sigma**2), js(lambda x: (x - mu) ** 2 / sigma**3 - 1 / sigma)])
        name = f"N({m:.2f}, {s:.2f}²) ← N({mu:.2f}, {sigma:.2f}²)"
        yield equals(f"{name}: ∇(KL − 2 JS)", g, kl - 2 * js_slopes, rtol=1e-6)
    # In the last of these D* moves with θ: then E[−log D*] has another gradient
    D_moves = quad(lambda x: (x - mu) / sigma**2 * e(log_g(x)) * (
        np.logaddexp(0, log_g(x) - log_r(x)) + expit(log_g(x) - log_r(x))))
    yield at_least("not the gradient of E[−log D*_θ] with a moving D*", abs(float(g[0]) - D_moves), 0.1)


@claim("G8", "D = ε, ∇D = r both noise ⇒ ∇θ[−log D(g_θ)] = −J r/ε is Cauchy: no mean, no variance", note="xu",
       paper=f"{ARJOVSKY}, theorem 2.6", computes={"generator_gradient": optimal.generator_gradient},
       faults={"generator_gradient": [SCALE, SIGN, dropped("1/D", lambda loss, g, theta, z, weights:
               optimal.generator_gradient(lambda x: ad.exp(loss(x)), g, theta, z, weights))]})
def cauchy_gradients(f: Any, lab: Lab) -> Iterator[Check]:
    n, J, sd_eps, sd_r = 200_000, 2.0, 0.1, 0.3
    eps, r = sd_eps * lab.rng.standard_normal(n), sd_r * lab.rng.standard_normal(n)
    D = (lab.array(eps), lab.array(r))
    # One θ for each draw. D may be negative, as their noise may: −log|D| has the slope −∇D/D all the same
    g = f.generator_gradient(lambda x: -ad.log(ad.absolute(D[0] + D[1] * x)), lambda t, z: J * t + z,
                             lab.xp.zeros(n), lab.xp.zeros(n), lab.xp.ones(n))
    yield equals("−J r/ε, each draw", g * D[0], -J * r)
    draws, scale = to_host(g), J * sd_r / sd_eps

    def cauchy(x: np.ndarray) -> np.ndarray:
        return 0.5 + np.arctan(x / scale) / pi

    yield within_dkw(f"{n} draws ~ Cauchy(0, {scale:g})", draws, cauchy)
    for size in (10, 100, 1000):  # a mean that settled would narrow by √size
        yield within_dkw(f"means of {size} draws ~ the same law", draws.reshape(-1, size).mean(axis=1), cauchy)


@claim("G9", "LSGAN: D* = (b p_r + a p_g)/(p_r + p_g); b − c = 1, b − a = 2 ⇒ 2C = ∫(p_r − p_g)²/(p_r + p_g)",
       note="advanced", paper="Mao et al. (2017), eqs. 5–11",
       computes={"optimal_discriminator": optimal.optimal_discriminator,
                 "least_squares_value": optimal.least_squares_value,
                 "least_squares_value_between": optimal.least_squares_value_between,
                 "generator_gradient": optimal.generator_gradient},
       faults={"optimal_discriminator": [SCALE, SIGN, SWAPPED, wrong("a, b swapped", lambda f: lambda p, q, real, fake:
                                                                     f(p, q, fake, real))],
               # no SWAPPED below: the value is symmetric in p_r, p_g
               "least_squares_value": [SCALE, SIGN, dropped("c", lambda p, q, a, b, c: optimal.least_squares_value(
                   p, q, a, b, 0.0))],
               "least_squares_value_between": [SCALE, SIGN], "generator_gradient": WEIGHTED_FAULTS})
def least_squares(f: Any, lab: Lab) -> Iterator[Check]:
    for p, q in probability_pairs(lab, 3):
        p, q = (np.maximum(x, 1e-6) / np.maximum(x, 1e-6).sum() for x in (p, q))
        a, b = lab.rng.normal(0, 2, 2)
        D = f.optimal_discriminator(lab.array(np.log(p)), lab.array(np.log(q)), real=b, fake=a)
        # argmin of p (D − b)² + q (D − a)², a parabola: by its three values at −1, 0, 1
        low, mid, high = (p * (t - b) ** 2 + q * (t - a) ** 2 for t in (-1, 0, 1))
        yield equals("argmin_D p_r (D − b)² + p_g (D − a)²", D, (low - high) / (2 * (low + high - 2 * mid)))
        c = lab.rng.normal()
        C = f.least_squares_value(lab.array(p), lab.array(q), a=c - 1, b=c + 1, c=c)
        yield equals("2C = χ²(2p_g ‖ p_r + p_g)", 2 * C, (((2 * q - (p + q)) ** 2) / (p + q)).sum())
    log_p, z, w = log_normal(0, 1), lab.array(HERMITE), lab.array(HERMITE_WEIGHTS)

    def D_star(x: Any) -> Any:  # labels ±1 for N(0, 1) against N(1, 1): tanh(s*/2) with s* = ½ − x
        return np.tanh((0.5 - x) / 2)

    C = f.least_squares_value_between(log_p, log_normal(1, 1), a=-1.0, b=1.0, c=0.0)
    chi2 = quad(lambda x: (e(log_p(x)) - e(log_normal(1, 1)(x))) ** 2 / (e(log_p(x)) + e(log_normal(1, 1)(x))), -20, 20)
    yield equals("N(0,1), N(1,1): 2C = ∫(p_r − p_g)²/(p_r + p_g)", 2 * C, chi2, rtol=1e-8)
    yield equals("… = 0.4081085", 2 * C, 0.40810853, atol=5e-9)
    fixed = f.generator_gradient(lambda x: 0.5 * ad.tanh(0.5 * (0.5 - x)) ** 2, lambda t, z: t + z,
                                 lab.array(1.0), z, w)

    def moves(x: float) -> float:  # ∂p_g/∂θ at θ = 1
        return (x - 1) * e(log_normal(1, 1)(x))

    yield equals("D* fixed: ½ ∫ ∂p_g D*²", fixed, quad(lambda x: 0.5 * moves(x) * D_star(x) ** 2), rtol=1e-6)
    h = 1e-3
    slope = np.diff([f.least_squares_value_between(log_p, log_normal(1 + d, 1), a=-1.0, b=1.0, c=0.0) for d in (-h, h)])
    envelope = quad(lambda x: -0.5 * moves(x) * (2 * D_star(x) + D_star(x) ** 2))
    yield equals("∇C = −½ ∫ ∂p_g (2D* + D*²)", slope[0] / (2 * h), envelope, rtol=1e-5)
    yield at_least("the generator's gradient is not ∇C", abs(float(fixed) - envelope), 0.1)


def _least_squares_generator(fake_scores: Tensor, c: float) -> Tensor:
    """½ E (D(G(z)) − c)², D unbounded. Source: Mao et al. (2017), eq. 2."""
    return (0.5 * (fake_scores - c) ** 2).mean(losses.BATCH)


@claim("G10", "slopes in the fake's score: minimax → 0 at −∞, non-saturating → 0 at +∞, LSGAN 0 only at D = c",
       note="xu, weng", paper=f"{GOODFELLOW}, section 3; Mao et al. (2017), section 3.2",
       computes={"minimax": losses.minimax_generator, "non_saturating": losses.non_saturating_generator,
                 "least_squares": _least_squares_generator, "generator_gradient": optimal.generator_gradient},
       faults={"minimax": [SCALE, SIGN, wrong("−log D", lambda f: losses.non_saturating_generator)],
               "non_saturating": [SCALE, SIGN, wrong("log(1 − D)", lambda f: losses.minimax_generator)],
               "least_squares": [SCALE, SIGN, wrong("label 0", lambda f: lambda s, c: f(s, 0.0))],
               "generator_gradient": [SCALE, SIGN, wrong("mean", lambda f: lambda loss, g, theta, z, w: f(
                   loss, g, theta, z))]})
def where_losses_go_flat(f: Any, lab: Lab) -> Iterator[Check]:
    s = np.concatenate([[-700.0, -40.0, 0.0, 40.0, 700.0], lab.rng.normal(0, 4, 20)])

    def slopes(loss: Callable[[Tensor], Tensor]) -> Any:  # one run for each score: they do not mix
        column = lab.array(s[:, None, None])
        return f.generator_gradient(loss, lambda t, z: t, column, None, lab.xp.ones(len(s)))[:, 0, 0]

    minimax, non_saturating = slopes(f.minimax), slopes(f.non_saturating)
    yield equals("minimax at −700, −40, 0, 40, 700", minimax[:5], [0, 0, -0.5, -1, -1])
    yield equals("non-saturating there", non_saturating[:5], [-1, -1, -0.5, 0, 0])
    D = 1 / (1 + np.exp(-s[5:]))
    yield equals("minimax: −D", minimax[5:], -D)
    yield equals("non-saturating: −(1 − D)", non_saturating[5:], D - 1)
    yield equals("one another's mirror: they sum to −1", minimax + non_saturating, -1)
    c = lab.rng.uniform(0.5, 2)
    pull = slopes(lambda x: f.least_squares(x, c))
    yield equals("LSGAN: D − c, however far the fake", pull, s - c)
    at_c = f.generator_gradient(lambda x: f.least_squares(x, c), lambda t, z: t, lab.array([[c]]), None, lab.array(1.0))
    yield equals("LSGAN at D = c", at_c, 0)
    yield at_least("a far fake (D = −40) is pulled 40 times as hard as minimax ever pulls", -pull[1], 40)


@claim("G11", "smoothing: one-sided D* = (1−α) p_r/(p_r+p_g); two-sided ((1−α) p_r + β p_g)/(p_r+p_g)", note="weng",
       paper=f"{SALIMANS}, section 3.4", computes={"optimal_discriminator": optimal.optimal_discriminator},
       faults={"optimal_discriminator": [SCALE, SIGN, SWAPPED, dropped("the labels", lambda p, q, real, fake:
               optimal.optimal_discriminator(p, q)), dropped("the fake label", lambda p, q, real, fake:
               optimal.optimal_discriminator(p, q, real))]})
def label_smoothing(f: Any, lab: Lab) -> Iterator[Check]:
    for a, b in lab.rng.uniform(0.05, 1, (3, 2)):
        alpha, beta = lab.rng.uniform(0.05, 0.4, 2)
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


TRAJECTORY_FAULTS = [SCALE, SIGN, wrong("the first step left out", lambda f: lambda game, update, start, steps, eta: f(
    game, update, start, steps + 1, eta)[1:]), wrong("η halved", lambda f: lambda game, update, start, steps, eta: f(
        game, update, start, steps, eta / 2))]
ONE_FOR_ALL = wrong("simultaneous steps whatever is asked", lambda f: lambda game, update, *rest: f(
    game, dynamics.UPDATES["simultaneous"], *rest))
JACOBIAN_FAULTS = [SCALE, SIGN, wrong("transposed", lambda f: lambda *a, **k: f(*a, **k).T)]


@claim("G12", "min_x max_y xy: r′ = √(1 + η²) r each simultaneous step; alternating steps bounded; the flow keeps r",
       note="weng", paper="Goodfellow (2016), section 8.2",
       computes={"trajectory": dynamics.trajectory, "step_jacobian": dynamics.step_jacobian},
       faults={"trajectory": [*TRAJECTORY_FAULTS, ONE_FOR_ALL], "step_jacobian": [*JACOBIAN_FAULTS, ONE_FOR_ALL]})
def bilinear_game(f: Any, lab: Lab) -> Iterator[Check]:
    rules = dynamics.UPDATES
    path = f.trajectory(dynamics.XY, rules["simultaneous"], lab.array([1.0, 0.0]), 100, 0.1)
    yield equals("radius after 100 steps of 0.1, from 1", dynamics.radius(path)[-1], 1.64463, atol=5e-6)
    eta, start = lab.rng.uniform(0.05, 0.3), np.array([[1, -1, 1, -1], [1, 1, -1, -1]]) * lab.rng.uniform(0.5, 2, 4)
    path = f.trajectory(dynamics.XY, rules["simultaneous"], lab.array(start), 50, eta)
    grown = np.hypot(*start) * (1 + eta**2) ** (np.arange(51)[:, None] / 2)
    yield equals("r_t = (1 + η²)^{t/2} r_0 from all four quadrants", dynamics.radius(path), grown)
    yield equals("x₁ = x − ηy, y₁ = y + ηx", path[1], [start[0] - eta * start[1], start[1] + eta * start[0]])

    x, y = (path := f.trajectory(dynamics.XY, rules["alternating"], lab.array(start), 2000, eta))[:, 0], path[:, 1]
    x0, y0 = start
    kept = x0**2 + y0**2 - eta * x0 * y0  # an ellipse
    yield equals("alternating: x² + y² − ηxy stays, 2000 steps", x**2 + y**2 - eta * x * y, np.tile(kept, (2001, 1)))
    bound = np.tile(kept / (1 - eta / 2), (2001, 1))
    yield at_most("so r² ≤ that/(1 − η/2)", dynamics.radius(path) ** 2, bound, slack=1e-9)

    t = 0.01 * np.arange(1001)[:, None]
    path = f.trajectory(dynamics.XY, rules["runge-kutta"], lab.array(start), 1000, 0.01)
    yield equals("the flow turns: x = x₀ cos t − y₀ sin t", path[:, 0], x0 * np.cos(t) - y0 * np.sin(t), rtol=1e-8)
    yield equals("and keeps the radius", dynamics.radius(path), np.tile(np.hypot(x0, y0), (1001, 1)), rtol=1e-8)

    at = lab.array(start[:, 0])
    yield equals("J of a simultaneous step", f.step_jacobian(dynamics.XY, rules["simultaneous"], eta, at),
                 [[1, -eta], [eta, 1]])
    yield equals("J of an alternating step", f.step_jacobian(dynamics.XY, rules["alternating"], eta, at),
                 [[1, -eta], [eta, 1 - eta**2]])


@claim("G13", "Dirac-GAN: GAN, WGAN and WGAN-GP do not settle; R1, R2, instance noise and consensus do", note="weng",
       paper=f"{MESCHEDER}, sections 2–3; Mescheder et al. (2017)",
       computes={"trajectory": dynamics.trajectory, "jacobian": dynamics.jacobian,
                 "step_jacobian": dynamics.step_jacobian},
       faults={"trajectory": [*TRAJECTORY_FAULTS, ONE_FOR_ALL, wrong("D high on the data", lambda f: lambda g, *a: f(
                   dynamics.Game(lambda t, p: g.generator(t, -p), lambda t, p: g.critic(t, -p), "", g.clip), *a)),
                   wrong("unclipped", lambda f: lambda g, *a: f(dynamics.Game(g.generator, g.critic, ""), *a))],
               "jacobian": JACOBIAN_FAULTS, "step_jacobian": [*JACOBIAN_FAULTS, ONE_FOR_ALL]})
def dirac_gan(f: Any, lab: Lab) -> Iterator[Check]:
    games, rules = dynamics.GAMES, dynamics.UPDATES
    simultaneous, alternating, origin, h = rules["simultaneous"], rules["alternating"], lab.array([0.0, 0.0]), 0.2
    gamma, sigma = 0.3, 0.7
    # ∂v at the equilibrium, by hand, with f′(0) = ½ and f″(0) = −¼
    by_hand = {
        "gan": [[0, -0.5], [0.5, 0]], "non-saturating": [[0, -0.5], [0.5, 0]], "wgan": [[0, -1], [1, 0]],
        "r1": [[0, -0.5], [0.5, -gamma]], "r2": [[0, -0.5], [0.5, -gamma]],
        "instance-noise": [[0, -0.5], [0.5, -0.5 * sigma**2]],
        "consensus": [[-0.25, -0.5], [0.5, -0.25]],  # J − γ JᵀJ
    }
    for name, j in by_hand.items():
        yield equals(f"{name}: ∂v at 0", f.jacobian(games[name], origin), j, rtol=1e-8)
    modulus = {
        name: np.abs(dynamics.eigenvalues(f.step_jacobian(games[name], rule, h, origin)))
        for name, rule in [("gan", simultaneous), ("non-saturating", simultaneous), ("r1", simultaneous),
                           ("r2", simultaneous), ("instance-noise", simultaneous), ("consensus", simultaneous)]
    }
    for name in ("gan", "non-saturating"):
        yield equals(f"{name}, simultaneous: |λ| = √(1 + h²/4)", modulus[name], [1.004988] * 2, atol=5e-7)
    step = f.step_jacobian(games["gan"], alternating, h, origin)
    yield equals("alternating: J", step, [[1, -h / 2], [h / 2, 1 - h**2 / 4]])
    yield equals("alternating: |λ|", np.abs(dynamics.eigenvalues(step)), [1, 1])
    yield equals("r1: |λ|² = 1 − hγ + h²/4", modulus["r1"] ** 2, [1 - h * gamma + h**2 / 4] * 2)
    for name in ("r1", "r2", "instance-noise", "consensus"):
        yield at_most(f"{name}: |λ| < 1", modulus[name], 0.99)
    yield at_most("extra-gradient: |λ| < 1", np.abs(dynamics.eigenvalues(
        f.step_jacobian(games["gan"], rules["extragradient"], h, origin))), 0.996)
    yield at_most("optimistic: |λ| < 1", np.abs(dynamics.eigenvalues(
        f.step_jacobian(games["gan"], rules["optimistic"], h, origin))), 0.996)

    radii = {}
    for name, rule in [("gan", simultaneous), ("non-saturating", simultaneous), ("r1", simultaneous),
                       ("r2", simultaneous), ("wgan", simultaneous), ("wgan-gp", simultaneous),
                       ("instance-noise", simultaneous), ("consensus", simultaneous)]:
        radii[name] = dynamics.radius(f.trajectory(games[name], rule, lab.array([1.0, 1.0]), 500, h))
    first = f.trajectory(games["gan"], simultaneous, lab.array([1.0, 1.0]), 1, h)
    yield equals("h f′(1) = h/(1 + e): the first step", first, [[1, 1], [1 - h / (1 + e(1)), 1 + h / (1 + e(1))]])
    yield equals("500 steps from (1, 1): r = 1.414 to 3.10", radii["gan"][[0, -1]], [sqrt(2), 3.10], atol=5e-3, rtol=0)
    yield equals("non-saturating: to .64, slowly", radii["non-saturating"][-1], 0.64, atol=5e-3, rtol=0)
    for name in ("r1", "r2"):
        yield equals(f"{name}, γ = .3: to 2.6e-6", radii[name][-1], 2.6e-6, atol=5e-8, rtol=0)
    for name, low, high in [("wgan", 1.00, 1.27), ("wgan-gp", 1.41, 1.83)]:
        orbit = radii[name][-100:]
        ends = lab.xp.stack([orbit.min(), orbit.max()])
        yield equals(f"{name} orbits: least and largest r of the last 100", ends, [low, high], atol=5e-3, rtol=0)
    for name in ("instance-noise", "consensus"):
        yield at_most(f"{name}: r after 500 steps", radii[name][-1], 1e-3)
    path = f.trajectory(games["gan"], alternating, lab.array([1.0, 1.0]), 500, h)
    yield equals("alternating: r = 1.42", dynamics.radius(path)[-1], 1.42, atol=5e-3, rtol=0)
    flow = dynamics.radius(f.trajectory(games["gan"], rules["runge-kutta"], lab.array([1.0, 1.0]), 500, h))
    yield equals("the flow of the GAN keeps its radius", flow, np.full(501, sqrt(2)), rtol=1e-4)
    path = f.trajectory(dynamics.wgan_gp(20.0), simultaneous, lab.array([1.0, 1.0]), 50, h)
    yield at_least("WGAN-GP with λ(|ψ| − 1)², λ = 10 diverges: r after 50 steps", dynamics.radius(path)[-1], 1e20)


@claim("G14", "historical averaging λ‖θ − θ̄‖² damps the xy game iff λ > η/4 (η → 0)", note="weng",
       paper=f"{SALIMANS}, section 3.3",
       computes={"trajectory": dynamics.trajectory, "historical_averaging": dynamics.historical_averaging,
                 "step_jacobian": dynamics.step_jacobian},
       faults={"trajectory": TRAJECTORY_FAULTS, "step_jacobian": JACOBIAN_FAULTS,
               "historical_averaging": [wrong("λ for 2λ", lambda f: lambda lam: f(lam / 2)),
                                        wrong("pushed away from the past", lambda f: lambda lam: f(-lam)),
                                        dropped("the average", lambda lam: dynamics.UPDATES["simultaneous"])]})
def averaging(f: Any, lab: Lab) -> Iterator[Check]:
    eta, start = 0.1, lab.rng.normal(0, 1, 2)
    start /= np.hypot(*start)
    for lam, reverse in [(0.02, False), (0.03, True)]:
        path = f.trajectory(dynamics.XY, f.historical_averaging(lam), lab.array(start), 4000, eta)
        x = [start]
        for _ in range(60):  # with the mean of all that was, summed afresh
            v = np.array([-x[-1][1], x[-1][0]])
            x.append(x[-1] + eta * (v - 2 * lam * (x[-1] - np.mean(x, axis=0))))
        yield equals(f"λ = {lam}: the first 60 steps", path[:61], x)
        r, rate = dynamics.radius(path), sqrt((1 - 2 * lam * eta) ** 2 + eta**2)
        # while x̄ is small beside x; a decay is slowed later on, x̄ falling only as 1/t
        yield equals(f"λ = {lam}: steps 3000–4000, r′/r = √((1 − 2λη)² + η²)", (r[4000] / r[3000]) ** 1e-3, rate,
                     rtol=2e-6)
        J = f.step_jacobian(dynamics.XY, f.historical_averaging(lam), eta, lab.array(start))
        yield equals(f"λ = {lam}: J of a late step", J[:2, :2], [[1 - 2 * lam * eta, -eta], [eta, 1 - 2 * lam * eta]])
        yield (at_most if reverse else at_least)(f"λ = {lam} {'shrinks' if reverse else 'grows'}", r[4000],
                                                 0.1 if reverse else 10)
    for eta in (0.1, 0.01, 0.001):
        J = f.step_jacobian(dynamics.XY, f.historical_averaging(eta / 4), eta, lab.array(start))[:2, :2]
        radius = np.abs(dynamics.eigenvalues(J))
        yield equals(f"η = {eta}, λ = η/4: |λ|² = 1 + η⁴/4", radius**2 - 1, [eta**4 / 4] * 2, atol=1e-14)


@claim("G22", "instance noise: JS(p_r ∗ N‖p_g ∗ N) < log 2, and the generator gets ∇θ V(D*) = 2 ∇θ JS ≠ 0", note="weng",
       paper="Sønderby et al. (2017), section 3; Arjovsky & Bottou (2017), section 3",
       computes={"optimal_value": optimal.optimal_value, "optimal_value_between": optimal.optimal_value_between,
                 "generator_gradient": optimal.generator_gradient},
       faults={"optimal_value": [SCALE, SIGN, wrong("p_g read as p_r", lambda f: lambda p, q: f(p, p))],
               "optimal_value_between": [SCALE, SIGN], "generator_gradient": WEIGHTED_FAULTS})
def instance_noise(f: Any, lab: Lab) -> Iterator[Check]:
    from scipy.special import ndtr

    delta = lab.array([1.0])
    yield equals("δ₀, δ₀: JS", js_of(f.optimal_value(delta, delta)), 0)
    for apart in (1, 3, 5):  # δ at 0 and δ at 1, 3, 5: as far as JS can tell, all the same
        p, q = np.eye(6)[[0, apart]]
        yield equals(f"δ₀, δ_{apart}: JS", js_of(f.optimal_value(lab.array(p), lab.array(q))), log(2))
    for ratio, sigma in [(1.0, 1.0), *zip(lab.rng.uniform(0.3, 2.5, 3), lab.rng.uniform(0.4, 2, 3), strict=True)]:
        theta = ratio * sigma
        log_p, log_q = log_normal(0, sigma), log_normal(theta, sigma)
        js = js_of(f.optimal_value_between(log_p, log_q))
        name = f"δ₀, δ_{theta:.2f} in noise of {sigma:.2f}"
        yield equals(f"{name}: JS", js, jensen_shannon_by_hand(log_p, log_q), rtol=1e-7)
        yield at_most(f"{name}: JS < log 2", js, log(2) - 1e-4)
        g = f.generator_gradient(lambda x: -softplus(log_p(x) - log_q(x)), lambda t, z: t + sigma * z,
                                 lab.array(theta), lab.array(HERMITE), lab.array(HERMITE_WEIGHTS))
        slope = quad(lambda x: (x - theta) / sigma**2 * e(log_q(x)) * (
            log_q(x) - np.logaddexp(log_q(x), log_p(x))))
        yield equals(f"{name}: ∇θ E log(1 − D*) = 2 dJS/dθ", g, slope, rtol=1e-6)
        yield at_least(f"{name}: it pulls towards the data", float(g), 1e-3)
    yield equals("θ = σ = 1: JS", js_of(f.optimal_value_between(log_normal(0, 1), log_normal(1, 1))), JS_SHIFTED,
                 atol=5e-8)

    def blurred(low: float) -> Callable[[Any], Any]:  # U(low, low + 1) ∗ N(0, ¼)
        return lambda x: np.log(ndtr(-np.abs(x - low - 0.5) / 0.5 + 1) - ndtr(-np.abs(x - low - 0.5) / 0.5 - 1))

    js = js_of(f.optimal_value_between(blurred(0.0), blurred(2.0), -15.0, 18.0))
    by_hand = jensen_shannon_by_hand(blurred(0.0), blurred(2.0), -10, 13)
    yield equals("U(0,1), U(2,3) in noise of ½: JS", js, by_hand, rtol=1e-7)
    yield at_most("below log 2", js, 0.65)


@claim("G23", "D = Z/(Z + 1), Z = Σ_k e^{l_k}: softmax over K + 1 classes, the last logit 0", note="weng",
       paper=f"{SALIMANS}, section 5",
       computes={"discriminator": optimal.semi_supervised_discriminator},
       faults={"discriminator": [SCALE, SIGN, dropped("the + 1", lambda x: np.ones(x.shape[:-1])),
                                 wrong("the fake's share", lambda f: lambda x: 1 - f(x)),
                                 wrong("the fake class counted as real", lambda f: lambda x: f(
                                     np.concatenate([x, np.zeros_like(x[..., :1])], axis=-1)))]})
def semi_supervised(f: Any, lab: Lab) -> Iterator[Check]:
    from scipy.special import softmax

    for k in (1, 2, 10):
        logits = lab.rng.normal(0, 5, (8, k))
        everything = softmax(np.concatenate([logits, np.zeros((8, 1))], axis=1), axis=1)
        yield equals(f"K = {k}: Σ of the real classes' shares", f.discriminator(lab.array(logits)),
                     everything[:, :-1].sum(axis=1))
    extremes = lab.array([[1000.0, 0.0], [-1000.0, -1000.0], [0.0, -inf], [-inf, -inf]])
    yield equals("logits of ±1000, −∞: no overflow", f.discriminator(extremes), [1, 0, 0.5, 0])
    yield equals("K zeros: K/(K + 1)", f.discriminator(lab.array(np.zeros((1, 9)))), 0.9)


@claim("G24", "JS(p‖Σ wᵢqᵢ) ≤ Σ wᵢ JS(p‖qᵢ); equal shares of disjoint modes beat each alone, unequal ones need not",
       note="advanced", paper="Cover & Thomas (2006), theorem 2.7.2; Hoang et al. (2018)",
       computes={"optimal_value": optimal.optimal_value},
       faults={"optimal_value": [SCALE, SIGN, wrong("a concave V", lambda f: lambda p, q: -2 * log(2) + sqrt(
           max(f(p, q) + 2 * log(2), 0))), wrong("squared", lambda f: lambda p, q: -f(p, q) ** 2)]})
def mixtures(f: Any, lab: Lab) -> Iterator[Check]:
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


@claim("G25", "U ~ U(0, 1) ⇒ F⁻¹(U) ~ F, F⁻¹(u) = inf{x: F(x) ≥ u}", note="xu", paper="Devroye (1986), theorem II.2.1",
       computes={"inverse_transform": optimal.inverse_transform},
       faults={"inverse_transform": [SCALE, SIGN, wrong("1 − u", lambda f: lambda F, u, *a: f(F, 1 - u, *a)),
                                     wrong("F² for F", lambda f: lambda F, *a: f(lambda x: F(x) ** 2, *a))]})
def inverse_transform_sampling(f: Any, lab: Lab) -> Iterator[Check]:
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
