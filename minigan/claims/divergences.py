"""D: the divergences of the notes, in nats unless said otherwise.

Expected values are sums over plain floats (``math.fsum``) of each divergence's own formula, closed forms for
Gaussians, sums over a fine grid, and searches; what is on trial comes from ``minigan.theory``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import e, exp, fsum, inf, log, pi, sqrt
from typing import Any

import numpy as np

from minigan.arrays import Array, to_host
from minigan.claims.claim import SCALE, SIGN, SWAPPED, Check, Fault, Lab, at_least, at_most, claim, equals, wrong
from minigan.theory import divergences, fits
from minigan.theory.divergences import DIVERGENCES, GAN, HELLINGER, JS, KL, PEARSON, REVERSE_KL, TOTAL_VARIATION, alpha

Checks = Iterator[Check]
Vector = np.ndarray

# q f(p/q) atom by atom, p and q positive: each divergence's own formula, its Gaussian pair N(0,1), N(1,1) in the tests
OWN: dict[str, Callable[[float, float], float]] = {
    "kl": lambda p, q: p * log(p / q),
    "reverse-kl": lambda p, q: q * log(q / p),
    "pearson": lambda p, q: (p - q) ** 2 / q,
    "neyman": lambda p, q: (p - q) ** 2 / p,
    "squared-hellinger": lambda p, q: (p + q) / 2 - sqrt(p * q),
    "gan": lambda p, q: p * log(2 * p / (p + q)) + q * log(2 * q / (p + q)),
    "js": lambda p, q: 0.5 * (p * log(2 * p / (p + q)) + q * log(2 * q / (p + q))),
    "total-variation": lambda p, q: 0.5 * abs(p - q),
    "jeffreys": lambda p, q: (p - q) * log(p / q),
    "le-cam": lambda p, q: (p + q) / 2 - 2 * p * q / (p + q),
}


def own(name: str, p: Array, q: Array) -> float:
    """Σ of the divergence's own formula; of an alpha row, (Σ p^α q^{1−α} − 1)/(α(α − 1))."""
    atoms = list(zip(to_host(p).tolist(), to_host(q).tolist(), strict=True))
    if name in OWN:
        return fsum(OWN[name](a, b) for a, b in atoms)
    a = float(name.removeprefix("alpha(").removesuffix(")"))
    return (fsum(x**a * y ** (1 - a) for x, y in atoms) - 1) / (a * (a - 1))


def normal(mu: float, sigma: float) -> Callable[[Vector], Vector]:
    return lambda x: -0.5 * ((x - mu) / sigma) ** 2 - log(sigma * sqrt(2 * pi))


def uniform(low: float, high: float) -> Callable[[Vector], Vector]:
    return lambda x: np.where((x > low) & (x < high), -log(high - low), -inf)


def on_grid(*log_densities: Callable[[Vector], Vector], low: float = -40.0, high: float = 40.0) -> list[Vector]:
    """The densities as probability vectors on 40,001 points: the trapezoid rule, spectrally exact for Gaussians."""
    x = np.linspace(low, high, 40_001)
    weights = [np.exp(log_p(x)) for log_p in log_densities]
    return [w / w.sum() for w in weights]


def random_pairs(lab: Lab, count: int = 4) -> list[tuple[Array, Array]]:
    """Pairs of positive probability vectors, of random sizes."""
    sizes = lab.rng.integers(2, 9, count)
    return [tuple(lab.array(x) for x in lab.rng.dirichlet(np.ones(n), 2)) for n in sizes]


P_Q_SWAPPED = wrong("P and Q swapped", lambda f: lambda row, p, q, *rest, **k: f(row, q, p, *rest, **k))
GAUSSIANS_SWAPPED = wrong("P and Q swapped", lambda f: lambda *pair: f(*pair[2:], *pair[:2]))
CRITICS_P_Q_SWAPPED = wrong("P and Q swapped", lambda f: lambda row, T, p, q, **k: f(row, T, q, p, **k))


def _only_where_q(f: Callable) -> Callable:
    """Leave out the atoms with q = 0, as a sum over the support of q does."""
    def planted(*args: Any, **options: Any) -> float:
        *row, p, q = args
        seen = q > 0
        p = p[seen]
        return 0.0 if not float(p.sum()) else f(*row, p / p.sum(), q[seen], **options)

    return planted


Q_ZERO_DROPPED: Fault = wrong("atoms with q = 0 dropped", _only_where_q)


@claim("D1", "KL(p‖q) = ∫ p log(p/q)", note="weng", paper="Kullback & Leibler (1951), eq. 2.4",
       computes={"kl": divergences.kl, "divergence_between": divergences.divergence_between,
                 "kl_gaussians": fits.kl_gaussians},
       faults={"kl": [SCALE, SIGN, SWAPPED], "divergence_between": [SCALE, SIGN, P_Q_SWAPPED],
               "kl_gaussians": [SCALE, SIGN, GAUSSIANS_SWAPPED]})
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


@claim("D2", "KL(p‖q) ≠ KL(q‖p), and KL = ∞ where q = 0 < p", note="weng", paper="Kullback & Leibler (1951)",
       computes={"kl": divergences.kl, "kl_gaussians": fits.kl_gaussians},
       faults={"kl": [SCALE, SIGN, SWAPPED, Q_ZERO_DROPPED], "kl_gaussians": [SCALE, SIGN, GAUSSIANS_SWAPPED]})
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


@claim("D3", "JS(p,q) = JS(q,p), 0 ≤ JS ≤ log 2 (1 bit), = log 2 iff disjoint", note="weng", paper="Lin (1991)",
       computes={"jensen_shannon": divergences.jensen_shannon, "divergence_between": divergences.divergence_between},
       faults={"jensen_shannon": [SCALE, SIGN,
                                  wrong("nats for bits", lambda f: lambda p, q, base=e: f(p, q)),
                                  wrong("KL for JS", lambda f: lambda p, q, base=e: divergences.kl(p, q))],
               "divergence_between": [SCALE, SIGN]})
def js_is_bounded(f: Any, lab: Lab) -> Checks:
    value = f.divergence_between(JS, normal(0, 1), normal(1, 1))
    yield equals("JS(N(0,1), N(1,1)) = 0.1114215", value, 0.1114215, atol=5e-8)
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


@claim("D4", "JS_xu = KL(p‖m) + KL(q‖m) = 2 JS = V(D*,G) + 2 log 2", note="xu",
       paper="Goodfellow et al. (2014), theorem 1",
       computes={"jensen_shannon": divergences.jensen_shannon},
       faults={"jensen_shannon": [SCALE, SIGN,
                                  wrong("the ½ left in", lambda f: lambda p, q, halved=True: f(p, q)),
                                  wrong("the ½ left out", lambda f: lambda p, q, halved=True: f(p, q, halved=False))]})
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


@claim("D5", "D_f(P‖Q) ≥ 0, and = 0 iff P = Q (f strictly convex at 1)", note="advanced", paper="Csiszár (1967)",
       computes={"divergence": divergences.divergence},
       faults={"divergence": [SCALE, SIGN, wrong("f-GAN's GAN row, f(1) = −2 log 2", lambda f: lambda row, p, q: (
           f(row, p, q) - 2 * log(2) * (row is GAN)))]})
def not_negative(f: Any, lab: Lab) -> Checks:
    for row in DIVERGENCES.values():
        yield equals(f"{row.name}: f(1) = 0", row.f(1.0), 0.0)
        for p, q in random_pairs(lab, 2):
            yield equals(f"{row.name}: D(P‖P) = 0", f.divergence(row, p, p), 0.0)
            D = f.divergence(row, p, q)
            yield at_least(f"{row.name}: D(P‖Q) ≥ 0", D, 0.0, slack=0)
            yield equals(f"{row.name}: D(P‖Q) = Σ q f(p/q)", D, own(row.name, p, q))
            nearly = p + 1e-9 * (q - p)  # where round-off could turn the sign
            yield at_least(f"{row.name}: D(P‖≈P) ≥ 0", f.divergence(row, p, nearly), 0.0, slack=0)


@claim("D6", "The family: each D_f from f is its own closed form", note="advanced",
       paper="Nowozin et al. (2016), tables 1 and 6; Cichocki & Amari (2010)",
       computes={"divergence": divergences.divergence, "divergence_between": divergences.divergence_between,
                 "alpha": divergences.alpha, "alpha_gaussians": fits.alpha_gaussians},
       faults={"divergence": [SCALE, SIGN, P_Q_SWAPPED, Q_ZERO_DROPPED],
               "divergence_between": [SCALE, SIGN, P_Q_SWAPPED],
               "alpha": [wrong("1 − α for α", lambda f: lambda a: f(1 - a)),
                         wrong("Pearson for every α", lambda f: lambda a: PEARSON)],
               "alpha_gaussians": [SCALE, SIGN,
                                   wrong("P and Q swapped", lambda f: lambda a, *g: f(a, *g[2:], *g[:2]))]})
def the_family(f: Any, lab: Lab) -> Checks:
    for row in DIVERGENCES.values():
        for p, q in random_pairs(lab, 2):
            yield equals(f"{row.name}: Σ q f(p/q)", f.divergence(row, p, q), own(row.name, p, q))
        (m1, m2), (s1, s2) = lab.rng.uniform(-0.5, 0.5, 2), lab.rng.uniform(0.95, 1.05, 2)
        x = np.linspace(-14, 14, 4001)
        densities = [np.exp(normal(m, s)(x)) * (x[1] - x[0]) for m, s in ((m1, s1), (m2, s2))]
        rtol = 1e-5 if row is TOTAL_VARIATION else 1e-9  # |p − q| has kinks, where the grid's sum is of second order
        yield equals(f"{row.name}: ∫ of Gaussians", f.divergence_between(row, normal(m1, s1), normal(m2, s2)),
                     own(row.name, *densities), rtol=rtol)
        # P = (½, ½, 0), Q = (½, 0, ½): the sum is ½ (f′(∞) + f(0)), and so ∞ unless both are finite
        p, q = lab.array([0.5, 0.5, 0.0]), lab.array([0.5, 0.0, 0.5])
        bound = {"squared-hellinger": 1.0, "gan": 2 * log(2), "js": log(2), "total-variation": 1.0, "le-cam": 1.0,
                 "alpha(0.5)": 4.0}.get(row.name, inf)
        yield equals(f"{row.name}: half in common", f.divergence(row, p, q), 0.5 * bound)
    between = f.divergence_between
    unit = normal(0, 1), normal(1, 1)
    yield equals("N(0,1), N(1,1): Pearson = e − 1", between(PEARSON, *unit), e - 1)
    yield equals("N(0,1), N(1,1): H² = 1 − e^{−1/8}", between(HELLINGER, *unit), 1 - exp(-1 / 8))
    yield equals("KL((1,0)‖(½,½)), q f(0) + …", f.divergence(KL, lab.array([1.0, 0]), lab.array([0.5, 0.5])), log(2))
    yield equals("Pearson of Gaussians, σ_p² = 2σ_q²: ∞", between(PEARSON, normal(0, sqrt(2)), normal(0, 1)), inf)
    yield equals("Pearson of Gaussians, σ_p² > 2σ_q²: ∞", between(PEARSON, normal(0, 1.5), normal(0.3, 1)), inf)
    yield equals("and in closed form", f.alpha_gaussians(2, 0, 1.5, 0.3, 1), inf)
    for p, q in random_pairs(lab, 2):
        half = f.divergence(f.alpha(0.5), p, q)
        yield equals("α = ½: 4 H²", half, 4 * own("squared-hellinger", p, q))
        yield equals("α = 2: ½ Pearson", f.divergence(f.alpha(2), p, q), 0.5 * own("pearson", p, q))
        yield equals("α = −1: ½ Neyman", f.divergence(f.alpha(-1), p, q), 0.5 * own("neyman", p, q))
        for a in (1, 1 - 1e-9):
            yield equals("α → 1: KL", f.divergence(f.alpha(a), p, q), own("kl", p, q), rtol=1e-6)
        for a in (0, 1e-9):
            yield equals("α → 0: reverse KL", f.divergence(f.alpha(a), p, q), own("reverse-kl", p, q), rtol=1e-6)
    for a in (-0.5, 0.3, 1.5, 3.0):
        m1, s1, m2, s2 = 0.2, 0.9, -0.7, 1.1
        x = np.linspace(-25, 25, 5001)
        integral = fsum(np.exp(a * normal(m1, s1)(x) + (1 - a) * normal(m2, s2)(x)) * (x[1] - x[0]))
        yield equals(f"α = {a:g}: Gaussians in closed form", f.alpha_gaussians(a, m1, s1, m2, s2),
                     (integral - 1) / (a * (a - 1)))


def _table_two(f: Callable) -> Callable:
    """f-GAN's table: Pearson's f* without its second piece."""
    return lambda row, t: t + t**2 / 4 if row is PEARSON else f(row, t)


@claim("D7", "f*(t) = sup_{u ≥ 0} {ut − f(u)};  (x log x)* = e^{t−1}", note="advanced",
       paper="Nowozin et al. (2016), eq. 2 and table 6",
       computes={"extended_conjugate": divergences.extended_conjugate, "conjugate": divergences.conjugate},
       faults={"extended_conjugate": [SCALE, SIGN, wrong("the piece at u = 0 left out", _table_two)],
               "conjugate": [SCALE, SIGN, wrong("f(0) for f*(t)", lambda f: lambda g, t: 0.0 * t)]})
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


def f_of(row: divergences.FDivergence, u: Array) -> Array:
    """f(u)."""
    return row.f(u)


def slope_of(row: divergences.FDivergence, u: Array) -> Array:
    """f′(u)."""
    return row.f_prime(u)


@claim("D8", "f(u) + f*(t) ≥ ut, = iff t ∈ ∂f(u);  f*(f′(u)) = u f′(u) − f(u)", note="advanced",
       paper="Rockafellar (1970), theorem 23.5",
       computes={"extended_conjugate": divergences.extended_conjugate, "f": f_of, "slope": slope_of},
       faults={"extended_conjugate": [SCALE, SIGN, wrong("the piece at u = 0 left out", _table_two)],
               "f": [SCALE, SIGN, wrong("½ left in or out", lambda f: lambda row, u: 2 * f(row, u))],
               "slope": [SCALE, SIGN, wrong("1/u for u", lambda f: lambda row, u: f(row, 1 / u))]})
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


def double_well(x: Array) -> Array:
    """(x² − 1)²."""
    return (x * x - 1) ** 2


@claim("D9", "f** = f for convex f; else f** is the convex hull of f", note="advanced",
       paper="Rockafellar (1970), theorem 12.2",
       computes={"biconjugate": divergences.biconjugate, "conjugate": divergences.conjugate},
       faults={"biconjugate": [SCALE, SIGN, wrong("f for f**", lambda f: lambda g, u, *grids: g(u))],
               "conjugate": [SCALE, SIGN,
                             wrong("inf for sup", lambda f: lambda g, t, *u: -f(lambda x: -g(x), -t, *u))]})
def biconjugates(f: Any, lab: Lab) -> Checks:
    for row in DIVERGENCES.values():
        u = 10 ** lab.rng.uniform(-2, 2, 5)
        yield equals(f"{row.name}: f** = f", f.biconjugate(row.f, u), row.f(u))
    x, t = np.linspace(-3, 3, 241), np.linspace(-90, 90, 241)
    inner, outer = lab.rng.uniform(-1, 1, 5), np.concatenate([lab.rng.uniform(1, 2, 3), lab.rng.uniform(-2, -1, 3)])
    yield equals("(x² − 1)²: f** = 0 on [−1, 1]", f.biconjugate(double_well, inner, x, t), np.zeros(5))
    yield equals("(x² − 1)²: f** = f outside", f.biconjugate(double_well, outer, x, t), double_well(outer))
    # at t = f′(2) = 24 the sup sits at x = 2: 48 − 9
    yield equals("(x² − 1)²: f*(24) = 39, f*(0) = 0, f*(−24) = 39",
                 f.conjugate(double_well, np.array([24.0, 0, -24]), x), [39, 0, 39])


@claim("D10", "E_P[T] − E_Q[f*(T)] ≤ D_f(P‖Q), = at T* = f′(p/q)", note="advanced",
       paper="Nguyen et al. (2010), lemma 1; Nowozin et al. (2016), eq. 4–5",
       computes={"variational_bound": divergences.variational_bound, "optimal_critic": divergences.optimal_critic,
                 "variational_bound_between": divergences.variational_bound_between},
       faults={"variational_bound": [SCALE, SIGN, CRITICS_P_Q_SWAPPED,
                                     wrong("T for f*(T)", lambda f: lambda row, T, p, q: float(((p - q) * T).sum()))],
               "optimal_critic": [SCALE, SIGN, P_Q_SWAPPED],
               "variational_bound_between": [SCALE, SIGN, CRITICS_P_Q_SWAPPED]})
def variational_bounds(f: Any, lab: Lab) -> Checks:
    for row in DIVERGENCES.values():
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
        def critic(x: Vector, row: Any = row) -> Vector:
            u = np.exp(np.clip(log_p(x) - log_q(x), -300, 300))  # the ratio alone: in the tails p and q underflow
            return f.optimal_critic(row, u, np.ones_like(u))

        yield equals(f"{row.name}: N(0,1), N(1,1), tight at T*, ∫",
                     f.variational_bound_between(row, critic, log_p, log_q), own(row.name, p, q), atol=1e-6)
        slack = f.variational_bound_between(row, lambda x, row=row: row.activation(0.5 - x**2 / 9), log_p, log_q)
        yield at_most(f"{row.name}: another T, ∫", slack, own(row.name, p, q))


@claim("D11", "A critic of limited capacity gives a smaller bound", note="advanced",
       paper="Nowozin et al. (2016), section 2.2",
       computes={"variational_bound": divergences.variational_bound, "optimal_critic": divergences.optimal_critic},
       faults={"variational_bound": [SCALE, SIGN, CRITICS_P_Q_SWAPPED],
               "optimal_critic": [SCALE, SIGN, P_Q_SWAPPED]})
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


@claim("D12", "D_f(PK‖QK) ≤ D_f(P‖Q);  D_f is jointly convex", note="advanced",
       paper="Liese & Vajda (2006), theorem 14",
       computes={"divergence": divergences.divergence, "push_forward": divergences.push_forward},
       faults={"divergence": [SCALE, SIGN, P_Q_SWAPPED],
               "push_forward": [SCALE, SIGN, wrong("Kᵀ for K", lambda f: lambda p, K: K @ p),
                                wrong("not applied", lambda f: lambda p, K: p)]})
def data_processing(f: Any, lab: Lab) -> Checks:
    for row in DIVERGENCES.values():
        p, q, r, s = (lab.array(x) for x in lab.rng.dirichlet(np.ones(5), 4))
        K = lab.array(lab.rng.dirichlet(np.ones(5), 5))
        D = f.divergence(row, p, q)
        yield at_most(f"{row.name}: after a kernel", f.divergence(row, f.push_forward(p, K), f.push_forward(q, K)), D)
        shuffle = lab.array(np.eye(5)[lab.rng.permutation(5)])
        yield equals(f"{row.name}: a permutation loses nothing", own(row.name, f.push_forward(p, shuffle),
                                                                   f.push_forward(q, shuffle)), D)
        weight = lab.rng.uniform(0.1, 0.9)
        mixed = f.divergence(row, weight * p + (1 - weight) * r, weight * q + (1 - weight) * s)
        both = weight * D + (1 - weight) * f.divergence(row, r, s)
        yield at_most(f"{row.name}: of mixtures ≤ mixture of D", mixed, both)
        empty = lab.array(np.zeros(5))
        apart = [lab.xp.concatenate([weight * x, empty]) + lab.xp.concatenate([empty, (1 - weight) * y])
                 for x, y in ((p, r), (q, s))]
        yield equals(f"{row.name}: = if told apart", f.divergence(row, *apart), both)
        yield equals(f"{row.name}: D", D, own(row.name, p, q))
    p, K = lab.array([0.25, 0.75]), lab.array([[0.5, 0.5, 0], [0.2, 0, 0.8]])
    yield equals("(¼, ¾) K", f.push_forward(p, K), [0.275, 0.125, 0.6])


def moments(means: Vector, sigmas: Vector, weights: Vector) -> list[float]:
    mean = float(weights @ means)
    return [mean, sqrt(float(weights @ (sigmas**2 + means**2)) - mean**2)]


def each(of: Callable[[float, float], tuple[float, float]]) -> Callable[[Callable], Callable]:
    """Plant a change of a fitted (μ, σ)."""
    return lambda f: lambda *args: of(*f(*args))


FIT_FAULTS = [wrong("scale of μ", each(lambda mu, sigma: (1.05 * mu, sigma))),
              wrong("scale of σ", each(lambda mu, sigma: (mu, 1.05 * sigma))),
              wrong("sign of μ", each(lambda mu, sigma: (-mu, sigma))),
              wrong("σ² for σ", each(lambda mu, sigma: (mu, sigma**2)))]


@claim("D13", "argmin_q KL(p‖q) over Gaussians q = N(E_p x, Var_p x): between the peaks", note="xu, advanced",
       paper="Bishop (2006), eq. 10.187",
       computes={"fit_forward_kl": fits.fit_forward_kl},
       faults={"fit_forward_kl": [*FIT_FAULTS, wrong("E x² for Var x", each(lambda mu, sigma: (
           mu, sqrt(sigma**2 + mu**2)))), wrong("locks onto a peak", lambda f: lambda log_p: (2.0, 0.5))]})
def forward_kl_covers(f: Any, lab: Lab) -> Checks:
    log_p = fits.mixture_log_density([-2.0, 2.0], 0.5)
    mu, sigma = f.fit_forward_kl(log_p)
    yield equals("½N(−2,.25) + ½N(2,.25): mean 0, variance 4.25", [mu, sigma**2], [0.0, 4.25])
    at_mean, at_peak = np.exp(log_p(np.array([mu, 2.0])))
    yield at_most("p at the fitted mean: a valley, not a peak", at_mean, 0.001 * at_peak)
    for _ in range(3):
        means, sigmas = lab.rng.uniform(-5, 5, 3), lab.rng.uniform(0.3, 1.5, 3)
        weights = lab.rng.dirichlet(np.ones(3))
        log_p = fits.mixture_log_density(means, sigmas, weights)
        mu, sigma = f.fit_forward_kl(log_p)
        yield equals("a random mixture: its mean and deviation", [mu, sigma], moments(means, sigmas, weights))
        x = np.linspace(-20, 20, 8001)
        p = np.exp(log_p(x)) * (x[1] - x[0])

        def cross_entropy(m: float, s: float) -> float:
            return float(-(p * normal(m, s)(x)).sum())

        h, least = 1e-3, cross_entropy(mu, sigma)
        around = [cross_entropy(mu + a * h, sigma + b * h) for a in (-1, 0, 1) for b in (-1, 0, 1)]
        yield at_least("KL(p‖q) around it: a minimum", np.array(around), least, slack=1e-13)


@claim("D14", "argmin_q KL(q‖p) over Gaussians q: a local minimum at each peak of p", note="xu, advanced",
       paper="Bishop (2006), section 10.1.2", computes={"fit_reverse_kl": fits.fit_reverse_kl},
       faults={"fit_reverse_kl": [*FIT_FAULTS,
                                  wrong("covers both", lambda f: lambda log_p, mu, sigma: (0.0, sqrt(4.25))),
                                  wrong("the other peak", lambda f: lambda log_p, mu, sigma: f(log_p, -mu, sigma))]})
def reverse_kl_locks(f: Any, lab: Lab) -> Checks:
    yield from _locks(f, lab, np.array([-2.0, 2.0]), 0.5, np.array([0.5, 0.5]))
    w = lab.rng.uniform(0.2, 0.8)
    yield from _locks(f, lab, np.array([-3.0, 2.5]), 0.6, np.array([w, 1 - w]))


def _locks(f: Any, lab: Lab, means: Vector, deviation: float, weights: Vector) -> Checks:
    log_p = fits.mixture_log_density(means, deviation, weights)
    z = np.linspace(-9, 9, 2001)
    gauss = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()

    def kl(m: float, s: float) -> float:  # E_q[log q − log p]
        return float(gauss @ (normal(m, s)(m + s * z) - log_p(m + s * z)))

    for peak, w in zip(means, weights, strict=True):
        start = peak + lab.rng.uniform(-0.4, 0.4), lab.rng.uniform(0.3, 0.8)
        mu, sigma = f.fit_reverse_kl(log_p, *start)
        yield equals(f"at the peak {peak:g}: μ, σ", [mu, sigma], [peak, deviation], atol=2e-3)
        yield equals("KL = −log of the peak's weight", kl(mu, sigma), -log(w), atol=1e-3)
        h = 1e-3
        slopes = [(kl(mu + h, sigma) - kl(mu - h, sigma)) / (2 * h), (kl(mu, sigma + h) - kl(mu, sigma - h)) / (2 * h)]
        yield equals("∇KL = 0, by differences", slopes, [0, 0], atol=1e-4)
        around = [kl(mu + h * np.cos(a), sigma + h * np.sin(a)) for a in np.arange(8) * pi / 4]
        yield at_least("a minimum: more all around", np.array(around), kl(mu, sigma))
        yield at_least("better than covering both", kl(*moments(means, np.full(2, deviation), weights)), kl(mu, sigma))


@claim("D15", "JS_π/π → KL(p‖q) as π → 0;  JS_π/(1−π) → KL(q‖p) as π → 1", note="xu", paper="Huszár (2015)",
       computes={"skew_jensen_shannon": divergences.skew_jensen_shannon},
       faults={"skew_jensen_shannon": [SCALE, SIGN, SWAPPED,
                                       wrong("1 − π for π", lambda f: lambda p, q, w: f(p, q, 1 - w)),
                                       wrong("½ for π", lambda f: lambda p, q, w: f(p, q, 0.5))]})
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


@claim("D16", "Disjoint supports: KL = ∞ both ways, JS = log 2, TV = 1, H² = 1, near or far", note="xu, weng, advanced",
       paper="Arjovsky & Bottou (2017), theorem 2.3",
       computes={"kl": divergences.kl, "jensen_shannon": divergences.jensen_shannon, "tv": divergences.total_variation,
                 "squared_hellinger": divergences.squared_hellinger,
                 "divergence_between": divergences.divergence_between},
       faults={"kl": [SIGN, Q_ZERO_DROPPED], "jensen_shannon": [SCALE, SIGN, Q_ZERO_DROPPED],
               "tv": [SCALE, SIGN, Q_ZERO_DROPPED], "squared_hellinger": [SCALE, SIGN, Q_ZERO_DROPPED],
               "divergence_between": [SCALE, SIGN]})
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


@claim("D17", "KL(N(0,σ²)‖N(θ,σ²)) = θ²/2σ² both ways: noise makes it finite", note="weng, xu",
       paper="Arjovsky & Bottou (2017), section 3",
       computes={"kl": divergences.kl, "kl_gaussians": fits.kl_gaussians,
                 "divergence_between": divergences.divergence_between},
       faults={"kl": [SIGN, Q_ZERO_DROPPED],
               "kl_gaussians": [SCALE, SIGN, wrong("σ for σ²", lambda f: lambda *g: f(*g) * g[1])],
               "divergence_between": [SCALE, SIGN]})
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
