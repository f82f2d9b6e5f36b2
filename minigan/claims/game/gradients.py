"""The gradients that a generator gets (G6–G10, G22): where they vanish, what they descend, how they scatter."""

from __future__ import annotations

from collections.abc import Callable
from math import exp as e
from math import log, pi, sqrt
from typing import Any

import numpy as np

from minigan import autodiff as ad
from minigan.arrays import to_host
from minigan.autodiff import Tensor, sigmoid, softplus
from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.faults import SCALE, SIGN, SWAPPED, changed, dropped, instead, wrong
from minigan.claims.game.batches import batch, estimate, laws, player, slope_by_atom
from minigan.claims.routes import (
    HERMITE,
    HERMITE_WEIGHTS,
    jensen_shannon_by_hand,
    js_of,
    js_shifted,
    log_normal,
    probability_pairs,
    quad,
    within_dkw,
)
from minigan.gans import losses
from minigan.gans.losses.critic_output import scored
from minigan.theory import optimal

GOODFELLOW = "Goodfellow et al. (2014)"
ARJOVSKY = "Arjovsky & Bottou (2017)"


def of_the_sum(gradient: Callable, loss: Callable, g: Callable, theta: Any, z: Any, weights: Any = None) -> Any:
    return gradient(loss, g, theta, z, np.ones(len(z)))


def unweighted(loss: Callable, g: Callable, theta: Any, z: Any, weights: Any) -> Any:
    return optimal.generator_gradient(loss, g, theta, z)


# In the body of a claim that weighs its points itself
WEIGHTED_FAULTS = [SCALE, SIGN, dropped("the weights", unweighted)]


@claim("G6", "|D − D*| + |∇(D − D*)| ≤ ε ⇒ ‖∇θ E log(1 − D(g_θ))‖ ≤ M ε/(1 − ε); ε must hold the slope too",
       note="xu, weng", paper=f"{ARJOVSKY}, theorem 2.4",
       computes={"generator_gradient": optimal.generator_gradient,
                 "saturation_bound": optimal.saturation_bound})
def saturation(f: Any, lab: Lab) -> Checks:
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

saturation.must_notice(
    generator_gradient=[SCALE, SIGN,
                        wrong("sum for mean", of_the_sum),
                        changed("θ read backwards", lambda g: g[::-1])],
    saturation_bound=[SCALE, SIGN, SWAPPED, dropped("1 − ε", lambda m, eps: m * eps)])


@claim("G7", "∇θ E[−log D*(g_θ)], D* fixed at θ₀, = ∇θ [KL(p_g‖p_r) − 2 JS(p_g‖p_r)] at θ₀", note="xu",
       paper=f"{ARJOVSKY}, theorem 2.5", computes={"generator_gradient": optimal.generator_gradient})
def non_saturating_gradient(f: Any, lab: Lab) -> Checks:
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

        js_slopes = np.array([js(lambda x: (x - mu) / sigma**2),
                              js(lambda x: (x - mu) ** 2 / sigma**3 - 1 / sigma)])
        name = f"N({m:.2f}, {s:.2f}²) ← N({mu:.2f}, {sigma:.2f}²)"
        yield equals(f"{name}: ∇(KL − 2 JS)", g, kl - 2 * js_slopes, rtol=1e-6)
    # In the last of these D* moves with θ: then E[−log D*] has another gradient
    D_moves = quad(lambda x: (x - mu) / sigma**2 * e(log_g(x)) * (
        np.logaddexp(0, log_g(x) - log_r(x)) + expit(log_g(x) - log_r(x))))
    yield at_least("not the gradient of E[−log D*_θ] with a moving D*", abs(float(g[0]) - D_moves), 0.1)


def of_log_one_minus_d(gradient: Callable, minus_log_d: Callable, *rest: Any) -> Any:
    return gradient(lambda x: ad.log(-ad.expm1(-minus_log_d(x))), *rest)

non_saturating_gradient.must_notice(
    generator_gradient=[*WEIGHTED_FAULTS, wrong("log(1 − D) for −log D", of_log_one_minus_d)])


@claim("G8", "D = ε, ∇D = r both noise ⇒ ∇θ[−log D(g_θ)] = −J r/ε is Cauchy: no mean, no variance", note="xu",
       paper=f"{ARJOVSKY}, theorem 2.6", computes={"generator_gradient": optimal.generator_gradient})
def cauchy_gradients(f: Any, lab: Lab) -> Checks:
    n, J, sd_eps, sd_r = 200_000, 2.0, 0.1, 0.3
    eps, r = sd_eps * lab.rng.standard_normal(n), sd_r * lab.rng.standard_normal(n)
    D = (lab.array(eps), lab.array(r))
    # One θ for each draw. D may be negative, as their noise may: −log|D| has the slope −∇D/D all the same
    g = f.generator_gradient(lambda x: -ad.log(ad.absolute(x * D[1] + D[0])), lambda t, z: J * t + z,
                             lab.xp.zeros(n), lab.xp.zeros(n), lab.xp.ones(n))
    yield equals("−J r/ε, each draw", g * D[0], -J * r)
    draws, scale = to_host(g), J * sd_r / sd_eps

    def cauchy(x: np.ndarray) -> np.ndarray:
        return 0.5 + np.arctan(x / scale) / pi

    yield within_dkw(f"{n} draws ~ Cauchy(0, {scale:g})", draws, cauchy)
    for size in (10, 100, 1000):  # a mean that settled would narrow by √size
        yield within_dkw(f"means of {size} draws ~ the same law", draws.reshape(-1, size).mean(axis=1), cauchy)


def of_minus_d(loss: Callable, *rest: Any) -> Any:
    return optimal.generator_gradient(lambda x: ad.exp(loss(x)), *rest)

cauchy_gradients.must_notice(generator_gradient=[SCALE, SIGN, dropped("1/D", of_minus_d)])


@claim("G9", "LSGAN: D* = (b p_r + a p_g)/(p_r + p_g); b − c = 1, b − a = 2 ⇒ 2C = ∫(p_r − p_g)²/(p_r + p_g)",
       note="advanced", paper="Mao et al. (2017), eqs. 5–11",
       computes={"optimal_discriminator": optimal.optimal_discriminator,
                 "least_squares_value": optimal.least_squares_value,
                 "least_squares_value_between": optimal.least_squares_value_between,
                 "generator_gradient": optimal.generator_gradient, "critic": player("lsgan", "critic"),
                 "estimate": estimate("lsgan")})
def least_squares(f: Any, lab: Lab) -> Checks:
    for p, q in probability_pairs(lab, 3):
        p, q = (np.maximum(x, 1e-6) / np.maximum(x, 1e-6).sum() for x in (p, q))
        a, b = lab.rng.normal(0, 2, 2).tolist()
        D = f.optimal_discriminator(lab.array(np.log(p)), lab.array(np.log(q)), real=b, fake=a)
        # argmin of p (D − b)² + q (D − a)², a parabola: by its three values at −1, 0, 1
        low, mid, high = (p * (t - b) ** 2 + q * (t - a) ** 2 for t in (-1, 0, 1))
        yield equals("argmin_D p_r (D − b)² + p_g (D − a)²", D, (low - high) / (2 * (low + high - 2 * mid)))
        c = lab.rng.normal()
        C = f.least_squares_value(lab.array(p), lab.array(q), a=c - 1, b=c + 1, c=c)
        yield equals("2C = χ²(2p_g ‖ p_r + p_g)", 2 * C, (((2 * q - (p + q)) ** 2) / (p + q)).sum())
        p, q = laws(lab, empty=False)
        D, n = (b * p + a * q) / (p + q), p.sum()
        real, fake = batch(lab, D, p), batch(lab, D, q)
        loss = f.critic(real, fake, a=a, b=b)
        yield equals("L_D(D*) = ½ (b − a)² Σ pq/(p + q)", loss.value,
                     0.5 * (b - a) ** 2 * (p * q / (p + q)).sum() / n)
        yield equals("is flat there", slope_by_atom(loss, real, fake, p, q), np.zeros(len(p)))
        le_cam = 0.5 * ((p - q) ** 2 / (p + q)).sum() / n
        yield equals("1 − 4 L_D/(b − a)² = ½ Σ (p − q)²/(p + q)", f.estimate(real, fake, a=a, b=b).value, le_cam)
    log_p, log_q, z, w = log_normal(0, 1), log_normal(1, 1), lab.array(HERMITE), lab.array(HERMITE_WEIGHTS)

    def D_star(x: Any) -> Any:  # labels ±1 for N(0, 1) against N(1, 1): tanh(s*/2) with s* = ½ − x
        return np.tanh((0.5 - x) / 2)

    C = f.least_squares_value_between(log_p, log_q, a=-1.0, b=1.0, c=0.0)
    chi2 = quad(lambda x: (e(log_p(x)) - e(log_q(x))) ** 2 / (e(log_p(x)) + e(log_q(x))), -20, 20)
    yield equals("N(0,1), N(1,1): 2C = ∫(p_r − p_g)²/(p_r + p_g)", 2 * C, chi2, rtol=1e-8)
    fixed = f.generator_gradient(lambda x: 0.5 * ad.tanh(0.5 * (0.5 - x)) ** 2, lambda t, z: t + z,
                                 lab.array(1.0), z, w)

    def moves(x: float) -> float:  # ∂p_g/∂θ at θ = 1
        return (x - 1) * e(log_q(x))

    yield equals("D* fixed: ½ ∫ ∂p_g D*²", fixed, quad(lambda x: 0.5 * moves(x) * D_star(x) ** 2), rtol=1e-6)
    h = 1e-3
    slope = np.diff([f.least_squares_value_between(log_p, log_normal(1 + d, 1), a=-1.0, b=1.0, c=0.0)
                     for d in (-h, h)])
    envelope = quad(lambda x: -0.5 * moves(x) * (2 * D_star(x) + D_star(x) ** 2))
    yield equals("∇C = −½ ∫ ∂p_g (2D* + D*²)", slope[0] / (2 * h), envelope, rtol=1e-5)
    yield at_least("the generator's gradient is not ∇C", abs(float(fixed) - envelope), 0.1)


def without_c(p: Any, q: Any, a: float, b: float, c: float) -> Any:
    return optimal.least_squares_value(p, q, a, b, 0.0)

least_squares.must_notice(
    optimal_discriminator=[SCALE, SIGN, SWAPPED,
                           wrong("a, b swapped", lambda f, p, q, real, fake: f(p, q, fake, real))],
    # no SWAPPED of the values: they are symmetric in p_r, p_g
    least_squares_value=[SCALE, SIGN, dropped("c", without_c)],
    least_squares_value_between=[SCALE, SIGN],
    generator_gradient=WEIGHTED_FAULTS,
    critic=[SCALE, SIGN, SWAPPED,
            wrong("labels 0, 1 always", lambda critic, real, fake, a, b: critic(real, fake, a=0.0, b=1.0))],
    estimate=[SCALE, SIGN, SWAPPED])


def _least_squares_generator(fake_scores: Tensor, c: float) -> Tensor:
    fake = scored(fake_scores)
    return losses.LOSSES["lsgan"].with_constants(c=c).generator(fake, fake)


@claim("G10", "slopes in the fake's score: minimax → 0 at −∞, non-saturating → 0 at +∞, LSGAN 0 only at D = c",
       note="xu, weng", paper=f"{GOODFELLOW}, section 3; Mao et al. (2017), section 3.2",
       computes={"minimax": losses.minimax_generator, "non_saturating": losses.non_saturating_generator,
                 "least_squares": _least_squares_generator, "generator_gradient": optimal.generator_gradient})
def where_losses_go_flat(f: Any, lab: Lab) -> Checks:
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
    at_c = f.generator_gradient(lambda x: f.least_squares(x, c), lambda t, z: t, lab.array([[c]]), None,
                                lab.array(1.0))
    yield equals("LSGAN at D = c", at_c, 0)
    yield at_least("a far fake (D = −40) is pulled 40 times as hard as minimax ever pulls", -pull[1], 40)

where_losses_go_flat.must_notice(
    minimax=[SCALE, SIGN, instead("−log D", losses.non_saturating_generator)],
    non_saturating=[SCALE, SIGN, instead("log(1 − D)", losses.minimax_generator)],
    least_squares=[SCALE, SIGN, wrong("label 0", lambda loss, s, c: loss(s, 0.0))],
    generator_gradient=[SCALE, SIGN, instead("mean", unweighted)])


@claim("G22", "instance noise: JS(p_r ∗ N‖p_g ∗ N) < log 2, and the generator gets ∇θ V(D*) = 2 ∇θ JS ≠ 0",
       note="weng", paper="Sønderby et al. (2017), section 3; Arjovsky & Bottou (2017), section 3",
       computes={"optimal_value": optimal.optimal_value,
                 "optimal_value_between": optimal.optimal_value_between,
                 "generator_gradient": optimal.generator_gradient})
def instance_noise(f: Any, lab: Lab) -> Checks:
    from scipy.special import ndtr

    delta = lab.array([1.0])
    yield equals("δ₀, δ₀: JS", js_of(f.optimal_value(delta, delta)), 0)
    for apart in (1, 3, 5):  # δ at 0 and δ at 1, 3, 5: as far as JS can tell, all the same
        p, q = np.eye(6)[[0, apart]]
        yield equals(f"δ₀, δ_{apart}: JS", js_of(f.optimal_value(lab.array(p), lab.array(q))), log(2))
    ratios, sigmas = (lab.rng.uniform(low, high, 3).tolist() for low, high in ((0.3, 2.5), (0.4, 2)))
    for ratio, sigma in [(1.0, 1.0), *zip(ratios, sigmas, strict=True)]:
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
    yield equals("θ = σ = 1: JS", js_of(f.optimal_value_between(log_normal(0, 1), log_normal(1, 1))), js_shifted())

    def blurred(low: float) -> Callable[[Any], Any]:  # U(low, low + 1) ∗ N(0, ¼)
        def log_density(x: Any) -> Any:
            z = -np.abs(x - low - 0.5) / 0.5
            return np.log(ndtr(z + 1) - ndtr(z - 1))

        return log_density

    js = js_of(f.optimal_value_between(blurred(0.0), blurred(2.0), -15.0, 18.0))
    by_hand = jensen_shannon_by_hand(blurred(0.0), blurred(2.0), -10, 13)
    yield equals("U(0,1), U(2,3) in noise of ½: JS", js, by_hand, rtol=1e-7)
    yield at_most("below log 2", js, 0.65)

instance_noise.must_notice(
    optimal_value=[SCALE, SIGN, wrong("p_g read as p_r", lambda value, p, q: value(p, p))],
    optimal_value_between=[SCALE, SIGN],
    generator_gradient=WEIGHTED_FAULTS)
