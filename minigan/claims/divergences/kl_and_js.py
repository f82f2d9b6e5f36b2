"""KL and JS (D1–D4, D15–D17): by every route, their bounds and conventions, on disjoint supports, under noise."""

from __future__ import annotations

from math import e, fsum, inf, log
from typing import Any

import numpy as np

from minigan.arrays import Array, to_host
from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.divergences.atoms import (
    GAUSSIANS_SWAPPED,
    P_Q_SWAPPED,
    Q_ZERO_DROPPED,
    normal,
    on_grid,
    own,
    random_pairs,
    uniform,
)
from minigan.claims.faults import SCALE, SIGN, SWAPPED, instead, wrong
from minigan.claims.routes import js_shifted
from minigan.theory import divergences, fits
from minigan.theory.divergences import HELLINGER, JS, KL, REVERSE_KL, TOTAL_VARIATION


@claim("D1", "KL(p‖q) = ∫ p log(p/q)", note="weng", paper="Kullback & Leibler (1951), eq. 2.4",
       computes={"kl": divergences.kl, "divergence_between": divergences.divergence_between,
                 "kl_gaussians": fits.kl_gaussians})
def kl_three_ways(f: Any, lab: Lab) -> Checks:
    for p, q in random_pairs(lab):
        yield equals(f"Σ p log(p/q), {len(p)} atoms", f.kl(p, q), own("kl", p, q))
    closed = log(2) + 2 / 8 - 1 / 2
    yield equals("N(0,1) to N(1,4): log(σ₂/σ₁) + (σ₁² + (μ₁ − μ₂)²)/(2σ₂²) − ½", f.kl_gaussians(0, 1, 1, 2), closed)
    yield equals("N(0,1) to N(1,4), ∫", f.divergence_between(KL, normal(0, 1), normal(1, 2)), closed)
    for _ in range(3):
        (m1, m2), (s1, s2) = lab.rng.uniform(-2, 2, 2), lab.rng.uniform(0.5, 2, 2)
        closed = log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5
        p, q = (x + 1e-300 for x in on_grid(normal(m1, s1), normal(m2, s2)))
        yield equals("random Gaussians, on a grid", f.kl(lab.array(p), lab.array(q)), closed, atol=1e-9)
        yield equals("random Gaussians, ∫", f.divergence_between(KL, normal(m1, s1), normal(m2, s2)), closed)
        yield equals("random Gaussians, closed form", f.kl_gaussians(m1, s1, m2, s2), own("kl", p, q), atol=1e-9)

kl_three_ways.must_notice(
    kl=[SCALE, SIGN, SWAPPED],
    divergence_between=[SCALE, SIGN, P_Q_SWAPPED],
    kl_gaussians=[SCALE, SIGN, GAUSSIANS_SWAPPED])


@claim("D2", "KL(p‖q) ≠ KL(q‖p), and KL = ∞ where q = 0 < p", note="weng", paper="Kullback & Leibler (1951)",
       computes={"kl": divergences.kl, "kl_gaussians": fits.kl_gaussians})
def kl_is_asymmetric(f: Any, lab: Lab) -> Checks:
    p, q, r = lab.array([0.5, 0.5]), lab.array([0.25, 0.75]), lab.array([1.0, 0.0])
    yield equals("KL((½,½)‖(¼,¾)) = ½ log(4/3)", f.kl(p, q), 0.5 * log(4 / 3))
    yield equals("KL((¼,¾)‖(½,½)) = ¾ log 3 − log 2", f.kl(q, p), 0.75 * log(3) - log(2))
    yield at_least("|KL(p‖q) − KL(q‖p)|", abs(f.kl(p, q) - f.kl(q, p)), 0.013)
    yield equals("KL((½,½)‖(1,0))", f.kl(p, r), inf)
    yield equals("KL((1,0)‖(½,½))", f.kl(r, p), log(2))
    yield equals("N(0,1), N(1,1), `weng`'s pair: 0.5 one way", f.kl_gaussians(0, 1, 1, 1), 0.5)
    yield equals("and 0.5 the other: not an example of asymmetry", f.kl_gaussians(1, 1, 0, 1), 0.5)
    yield equals("N(0,1) to N(0,4)", f.kl_gaussians(0, 1, 0, 2), log(2) - 0.375)
    yield equals("N(0,4) to N(0,1)", f.kl_gaussians(0, 2, 0, 1), 1.5 - log(2))
    for p, q in random_pairs(lab):
        yield equals("KL(p‖q) − KL(q‖p)", f.kl(p, q) - f.kl(q, p), own("kl", p, q) - own("kl", q, p))

kl_is_asymmetric.must_notice(
    kl=[SCALE, SIGN, SWAPPED, Q_ZERO_DROPPED],
    kl_gaussians=[SCALE, SIGN, GAUSSIANS_SWAPPED])


@claim("D3", "JS(p,q) = JS(q,p), 0 ≤ JS ≤ log 2 (1 bit), = log 2 iff disjoint", note="weng",
       paper="Lin (1991)",
       computes={"jensen_shannon": divergences.jensen_shannon,
                 "divergence_between": divergences.divergence_between})
def js_is_bounded(f: Any, lab: Lab) -> Checks:
    value = f.divergence_between(JS, normal(0, 1), normal(1, 1))
    yield equals("JS(N(0,1), N(1,1)) = 0.1114215", value, js_shifted())
    yield equals("the same on a grid", value, own("js", *(x + 1e-300 for x in on_grid(normal(0, 1), normal(1, 1)))))
    for p, q in random_pairs(lab):
        js = f.jensen_shannon(p, q)
        yield equals("JS(p,q) = H(½(p + q)) − ½H(p) − ½H(q)", js,
                     _entropy((p + q) / 2) - 0.5 * _entropy(p) - 0.5 * _entropy(q))
        yield equals("JS(p,q) = JS(q,p)", js, f.jensen_shannon(q, p))
        yield at_least("JS ≥ 0", js, 0.0, slack=0)
        yield at_most("JS < log 2 where the supports meet", js, log(2) - 1e-6)
    p, q = lab.array([0.3, 0.7, 0, 0]), lab.array([0, 0, 0.1, 0.9])
    yield equals("disjoint: log 2", f.jensen_shannon(p, q), log(2))
    yield equals("disjoint, in bits: 1", f.jensen_shannon(p, q, base=2), 1.0)
    yield at_most("disjoint: not a bit above", f.jensen_shannon(p, q), log(2), slack=0)
    yield equals("p = q: 0", f.jensen_shannon(p, p), 0.0, atol=0)

def _entropy(p: Array) -> float:
    return -fsum(x * log(x) for x in to_host(p).tolist() if x)

js_is_bounded.must_notice(
    jensen_shannon=[SCALE, SIGN,
                    wrong("nats for bits", lambda f, p, q, base=e: f(p, q)),
                    instead("KL for JS", lambda p, q, base=e: divergences.kl(p, q))],
    divergence_between=[SCALE, SIGN])


@claim("D4", "JS_xu = KL(p‖m) + KL(q‖m) = 2 JS = V(D*,G) + 2 log 2", note="xu",
       paper="Goodfellow et al. (2014), theorem 1",
       computes={"jensen_shannon": divergences.jensen_shannon})
def two_conventions(f: Any, lab: Lab) -> Checks:
    for p, q in random_pairs(lab):
        js_xu = f.jensen_shannon(p, q, halved=False)
        m = (p + q) / 2
        yield equals("JS_xu = KL(p‖m) + KL(q‖m)", js_xu, own("kl", p, m) + own("kl", q, m))
        yield equals("JS_xu = 2 JS", f.jensen_shannon(p, q), 0.5 * (own("kl", p, m) + own("kl", q, m)))
        a, b = to_host(p).tolist(), to_host(q).tolist()
        value = fsum(x * log(x / (x + y)) + y * log(y / (x + y)) for x, y in zip(a, b, strict=True))
        yield equals("V(D*,G) = JS_xu − 2 log 2", js_xu - 2 * log(2), value)
    p, q = lab.array([1.0, 0.0]), lab.array([0.0, 1.0])
    yield equals("disjoint: JS_xu = 2 log 2", f.jensen_shannon(p, q, halved=False), 2 * log(2))
    yield equals("disjoint: JS = log 2", f.jensen_shannon(p, q), log(2))

two_conventions.must_notice(
    jensen_shannon=[SCALE, SIGN,
                    wrong("the ½ left in", lambda f, p, q, halved=True: f(p, q)),
                    wrong("the ½ left out", lambda f, p, q, halved=True: f(p, q, halved=False))])


@claim("D15", "JS_π/π → KL(p‖q) as π → 0;  JS_π/(1−π) → KL(q‖p) as π → 1", note="xu", paper="Huszár (2015)",
       computes={"skew_jensen_shannon": divergences.skew_jensen_shannon})
def js_interpolates(f: Any, lab: Lab) -> Checks:
    for p, q in random_pairs(lab):
        w = 1e-7
        yield equals("π = 1e-7: JS_π/π = KL(p‖q)", f.skew_jensen_shannon(p, q, w) / w, own("kl", p, q), rtol=1e-3)
        yield equals("π = 1 − 1e-7: JS_π/(1−π) = KL(q‖p)", f.skew_jensen_shannon(p, q, 1 - w) / w, own("kl", q, p),
                     rtol=1e-3)
        yield equals("π = ½: JS", f.skew_jensen_shannon(p, q, 0.5), own("js", p, q))
        w = lab.rng.uniform(0.05, 0.45)
        m = w * p + (1 - w) * q
        yield equals(f"π = {w:.3f}: π KL(p‖m) + (1−π) KL(q‖m)", f.skew_jensen_shannon(p, q, w),
                     w * own("kl", p, m) + (1 - w) * own("kl", q, m))
    far = lab.array([1.0, 0.0]), lab.array([0.0, 1.0])
    yield equals("disjoint, π = 0.1: the entropy of π", f.skew_jensen_shannon(*far, 0.1),
                 -0.1 * log(0.1) - 0.9 * log(0.9))

js_interpolates.must_notice(
    skew_jensen_shannon=[SCALE, SIGN, SWAPPED,
                         wrong("1 − π for π", lambda f, p, q, w: f(p, q, 1 - w)),
                         wrong("½ for π", lambda f, p, q, w: f(p, q, 0.5))])


@claim("D16", "Disjoint supports: KL = ∞ both ways, JS = log 2, TV = 1, H² = 1, near or far",
       note="xu, weng, advanced", paper="Arjovsky & Bottou (2017), theorem 2.3",
       computes={"kl": divergences.kl, "jensen_shannon": divergences.jensen_shannon,
                 "tv": divergences.total_variation, "squared_hellinger": divergences.squared_hellinger,
                 "divergence_between": divergences.divergence_between})
def disjoint_supports(f: Any, lab: Lab) -> Checks:
    for n in lab.rng.integers(1, 6, 3):
        p, q = (lab.array(x) for x in np.kron(np.eye(2), lab.rng.dirichlet(np.ones(n))))
        yield equals("KL(p‖q), KL(q‖p)", [f.kl(p, q), f.kl(q, p)], [inf, inf])
        yield equals("JS", f.jensen_shannon(p, q), log(2))
        yield equals("TV", f.tv(p, q), 1.0)
        yield equals("H²", f.squared_hellinger(p, q), 1.0)
    for gap in (0.0, 1e-3, 1.0, 1e3):
        pair = uniform(0, 1), uniform(1 + gap, 2 + gap)
        values = [f.divergence_between(row, *pair, low=0.0, high=2.0 + gap, points=(1.0, 1.0 + gap))
                  for row in (KL, REVERSE_KL, JS, TOTAL_VARIATION, HELLINGER)]
        yield equals(f"U[0,1] and U[{1 + gap:g}, {2 + gap:g}]: KL, its reverse, JS, TV, H²", values,
                     [inf, inf, log(2), 1.0, 1.0])

disjoint_supports.must_notice(
    kl=[SIGN, Q_ZERO_DROPPED],
    jensen_shannon=[SCALE, SIGN, Q_ZERO_DROPPED],
    tv=[SCALE, SIGN, Q_ZERO_DROPPED],
    squared_hellinger=[SCALE, SIGN, Q_ZERO_DROPPED],
    divergence_between=[SCALE, SIGN])


@claim("D17", "KL(N(0,σ²)‖N(θ,σ²)) = θ²/2σ² both ways: noise makes it finite", note="weng, xu",
       paper="Arjovsky & Bottou (2017), section 3",
       computes={"kl": divergences.kl, "kl_gaussians": fits.kl_gaussians,
                 "divergence_between": divergences.divergence_between})
def noise_makes_it_finite(f: Any, lab: Lab) -> Checks:
    yield equals("without noise, δ₀ and δ_θ: ∞", f.kl(lab.array([1.0, 0.0]), lab.array([0.0, 1.0])), inf)
    yield equals("θ = 1, σ = ½: 2", f.kl_gaussians(0, 0.5, 1, 0.5), 2.0)
    for _ in range(4):
        theta, sigma = lab.rng.uniform(-2, 2), 10 ** lab.rng.uniform(-1, 1)
        value = theta**2 / (2 * sigma**2)
        yield equals("θ²/2σ²", f.kl_gaussians(0, sigma, theta, sigma), value)
        yield equals("and back", f.kl_gaussians(theta, sigma, 0, sigma), value)
        for row in (KL, REVERSE_KL):
            yield equals(f"{row.name}, ∫", f.divergence_between(row, normal(0, sigma), normal(theta, sigma)), value)

noise_makes_it_finite.must_notice(
    kl=[SIGN, Q_ZERO_DROPPED],
    kl_gaussians=[SCALE, SIGN, wrong("σ for σ²", lambda f, *pair: f(*pair) * pair[1])],
    divergence_between=[SCALE, SIGN])
