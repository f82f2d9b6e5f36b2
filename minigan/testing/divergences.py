"""Is D a divergence, and is f* the conjugate of f?

The expected values are sums over plain Python floats, compensated (``math.fsum``), and a supremum by
search: nothing of the package's own formulas is in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import fsum, inf, log, sqrt
from typing import Any

import numpy as np
from hypothesis import strategies as st

from minigan.registry import choose
from minigan.testing.properties import Property, Skip, array, at_most, equal, number, require, run
from minigan.testing.strategies import (
    disjoint_pairs,
    markov_kernels,
    pairs,
    pairs_with_common_support,
    probability_vectors,
)


def _kl(p: float, q: float) -> float:
    """p log(p/q) with 0 log 0 = 0, and ∞ where q = 0 < p."""
    if p == 0:
        return 0.0
    return p * (log(p) - log(q)) if q > 0 else inf


def _over(numerator: float, denominator: float) -> float:
    """numerator/denominator with 0/0 = 0 and, for a positive numerator, ∞ over 0."""
    if numerator == 0:
        return 0.0
    return numerator / denominator if denominator > 0 else inf


@dataclass(frozen=True)
class Kind:
    """A row: D(p, q) = Σᵢ term(pᵢ, qᵢ), and what people call other multiples and powers of it."""

    formula: str
    term: Callable[[float, float], float]
    names: dict[str, str] = field(default_factory=dict)

    def __call__(self, p: np.ndarray, q: np.ndarray) -> float:
        return fsum(self.term(a, b) for a, b in zip(p.tolist(), q.tolist(), strict=True))


KINDS = {
    "kl": Kind("KL(p‖q) = Σ p log(p/q), in nats", _kl),
    "reverse-kl": Kind("KL(q‖p) = Σ q log(q/p), in nats", lambda p, q: _kl(q, p)),
    "js": Kind("JS(p, q) = ½ KL(p‖m) + ½ KL(q‖m), m = ½(p + q), in nats (0 ≤ JS ≤ log 2)",
               lambda p, q: 0.5 * (_kl(p, 0.5 * (p + q)) + _kl(q, 0.5 * (p + q))),
               {"twice": "the un-halved JS of `xu`", "root": "the JS distance, SciPy's jensenshannon"}),
    "gan": Kind("2 JS(p, q) = KL(p‖m) + KL(q‖m), m = ½(p + q), in nats",
                lambda p, q: _kl(p, 0.5 * (p + q)) + _kl(q, 0.5 * (p + q)), {"half": "JS itself, halved"}),
    "total-variation": Kind("TV(p, q) = ½ Σ |p − q|", lambda p, q: 0.5 * abs(p - q), {"twice": "the L₁ distance"}),
    "pearson": Kind("χ²(p‖q) = Σ (p − q)²/q", lambda p, q: _over((p - q) ** 2, q)),
    "neyman": Kind("χ²(q‖p) = Σ (p − q)²/p", lambda p, q: _over((p - q) ** 2, p)),
    "squared-hellinger": Kind("H²(p, q) = ½ Σ (√p − √q)²", lambda p, q: 0.5 * (sqrt(p) - sqrt(q)) ** 2,
                              {"twice": "H² without its ½", "root": "the Hellinger distance"}),
    "jeffreys": Kind("J(p, q) = Σ (p − q) log(p/q), in nats", lambda p, q: _kl(p, q) + _kl(q, p)),
    "le-cam": Kind("LC(p, q) = ½ Σ (p − q)²/(p + q)", lambda p, q: _over(0.5 * (p - q) ** 2, p + q)),
}

# How values may differ from the expected ones and still be somebody's convention, or a known slip
SLIPS: dict[str, tuple[str, Callable[[Kind, np.ndarray, np.ndarray], float]]] = {
    "swapped": ("D(q, p): the arguments are swapped", lambda D, p, q: D(q, p)),
    "twice": ("twice ours", lambda D, p, q: 2 * D(p, q)),
    "half": ("half of ours", lambda D, p, q: D(p, q) / 2),
    "root": ("the square root of ours", lambda D, p, q: sqrt(D(p, q))),
    "bits": ("ours in bits, by log₂", lambda D, p, q: D(p, q) / log(2)),
    "twice in bits": ("twice ours, in bits", lambda D, p, q: 2 * D(p, q) / log(2)),
    "minus": ("ours with the sign lost", lambda D, p, q: -D(p, q)),
    "mean": ("ours averaged over the entries, not summed", lambda D, p, q: D(p, q) / len(p)),
}
_PROBES = [
    (np.array([0.9, 0.1]), np.array([0.3, 0.7])),
    (np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])),
    (np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.4, 0.3, 0.1, 0.2])),
]


def check_divergence(
    D: Callable[[np.ndarray, np.ndarray], Any], kind: str | None = None,
    *, examples: int = 100, seed: int = 0, rtol: float = 1e-9, atol: float = 1e-9, skip: Skip = (),
) -> list[str]:
    """D(P‖Q) = Σ q f(p/q): is D a divergence of probability vectors, and the one it is said to be?

    D: (p (n,), q (n,)) -> a number, float64. kind: a name in ``KINDS`` ("kl", "js", ...), whose values
    are compared, infinities included; None: whatever every f-divergence does.
    Returns the names of the properties that were checked. PropertyError: one does not hold.

    >>> check_divergence(lambda p, q: abs(p - q).sum() / 2, "total-variation")[:2]
    ['not negative', 'zero at P = Q']

    Source: Csiszár & Shields (2004), section 4 (convexity, data processing, invariances).
    """
    near, below = partial(equal, rtol=rtol, atol=atol), partial(at_most, rtol=rtol, atol=atol)

    def monotone(p_q: tuple, kernel: np.ndarray) -> None:
        p, q = p_q
        below("D(pK, qK)", D(p @ kernel, q @ kernel), number("D(p, q)", D(p, q)))

    def convex(p1_q1: tuple, p2_q2: tuple, weight: float) -> None:
        ends = weight * number("D(p₁, q₁)", D(*p1_q1)) + (1 - weight) * number("D(p₂, q₂)", D(*p2_q2))
        mixed = [weight * a + (1 - weight) * b for a, b in zip(p1_q1, p2_q2, strict=True)]
        below("D of the mixtures", D(*mixed), ends)

    def split(p_q: tuple, share: float) -> None:
        p, q = p_q
        finer = [np.concatenate([share * x, (1 - share) * x]) for x in p_q]
        near("D of the split pair", D(*finer), number("D(p, q)", D(p, q)))

    def reordered(p_q: tuple, order: list[int]) -> None:
        p, q = p_q
        near("D(p[order], q[order])", D(p[order], q[order]), number("D(p, q)", D(p, q)))

    def padded(p_q: tuple) -> None:
        near("D([p, 0], [q, 0])", D(*[np.append(x, 0.0) for x in p_q]), number("D(p, q)", D(*p_q)))

    # Few sizes, so that a compiled D is compiled few times. 4 entries: kernels and orders must fit, and every known
    # mistake shows itself there
    size, four = st.sampled_from([2, 4]), pairs(4)
    both, common, disjoint = map(size.flatmap, (pairs, pairs_with_common_support, disjoint_pairs))
    equals = probability_vectors(4).map(lambda p: (p, p))  # towards D = 0 a root is concave
    shares = st.sampled_from([0.5, 0.25, 0.1])
    rows = [
        Property("not negative", "D(p, q) ≥ 0", {"p_q": both},
                 lambda p_q: below("−D(p, q)", -number("D(p, q)", D(*p_q)), 0.0)),
        Property("zero at P = Q", "D(p, p) = 0", {"p": st.sampled_from([1, 2, 4]).flatmap(probability_vectors)},
                 lambda p: near("D(p, p)", D(p, p), 0.0)),
        Property("reordering", "the order of the outcomes does not matter",
                 {"p_q": four, "order": st.permutations(range(4))}, reordered),
        Property("empty outcome", "an outcome with p = q = 0 adds nothing (0 log 0/0 = 0)", {"p_q": both}, padded),
        Property("splitting", "an outcome split in the same shares under p and q changes nothing",
                 {"p_q": four, "share": shares}, split),
        Property("data processing", "D(pK, qK) ≤ D(p, q) for every Markov kernel K",
                 {"p_q": four, "kernel": markov_kernels(4, 3)}, monotone),
        Property("joint convexity", "D(λp₁+(1−λ)p₂, λq₁+(1−λ)q₂) ≤ λ D(p₁, q₁) + (1−λ) D(p₂, q₂)",
                 {"p1_q1": st.one_of(equals, four), "p2_q2": four, "weight": shares}, convex),
    ]
    if kind is not None:
        known = choose(kind, KINDS, "divergence")

        def value(p_q: tuple) -> None:
            near("D(p, q)", D(*p_q), known(*p_q), hint=lambda: _slip(D, known))

        rows[2:2] = [
            Property("value", known.formula, {"p_q": common}, value),
            Property("value at zeros", f"{known.formula}; 0 log 0 = 0, and ∞ where it must be",
                     {"p_q": st.one_of(disjoint, both)}, value),
        ]
    return run([D], rows, examples, seed, skip)


def _slip(D: Callable, known: Kind) -> str:
    """The slip that explains the values on every probe, in words; empty if none does."""
    for name, (words, wrong) in SLIPS.items():
        if all(np.isclose(number("D(p, q)", D(p, q)), wrong(known, p, q), rtol=1e-6) for p, q in _PROBES):
            convention = f" ({known.names[name]})" if name in known.names else ""
            return f"\n  your values are {words}{convention}"
    return ""


def check_conjugate(
    f: Callable[[np.ndarray], Any], f_star: Callable[[np.ndarray], Any], domain: tuple[float, float] = (-inf, inf),
    activation: Callable[[np.ndarray], Any] | None = None,
    *, examples: int = 100, seed: int = 0, rtol: float = 1e-6, atol: float = 1e-8, skip: Skip = (),
) -> list[str]:
    """f*(t) = sup_{u > 0} {ut − f(u)} on all of dom f*, and is the discriminator's output in it?

    f: convex, on arrays of u > 0; f_star: on arrays of t. domain: the ends of dom f*, which for a function
    of u ≥ 0 is (−∞, f′(∞)], open or closed; below f′(0) the supremum sits at u = 0, where published tables
    are often wrong. activation: v ↦ T, from a network's raw output onto the values T* = f′(p/q) may take.
    t is drawn from the part of the domain in [−20, 20].
    Returns the names of the properties that were checked. PropertyError: one does not hold.

    >>> check_conjugate(lambda u: (u - 1) ** 2, lambda t: t + t**2 / 4)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    minigan.testing.properties.PropertyError: <lambda> breaks the property 'supremum'...

    Source: Nowozin et al. (2016), section 2.4 and tables 2 and 6.
    """
    low, high = domain
    near = partial(equal, rtol=rtol, atol=atol)
    margin = 0.05  # nearer to f′(∞) than this the supremum sits at a u beyond all floats, for some f
    t_values = st.floats(max(low, -20.0), min(high - margin, 20.0), allow_subnormal=False)
    u_values = st.one_of(st.integers(1, 9).map(float), st.floats(1e-3, 1e3))

    def at(g: Callable, x: float) -> float:
        return float(array("its value", g(np.array([x])), (1,))[0])

    def slope(u: float) -> float:
        """f′(u), or at a kink a number between the slopes at its sides; never past the domain by rounding."""
        h = 1e-6 * u
        return float(np.clip((at(f, u + h) - at(f, u - h)) / (2 * h), low, high))

    def conjugate(t: float) -> None:
        sup = supremum(f, t)
        if not np.isnan(sup):
            near("f*(t)", at(f_star, t), sup)

    def attained(u: float) -> None:
        t = slope(u)
        near(f"f*({t:.10g})", at(f_star, t), u * t - at(f, u), atol=max(atol, rtol * abs(u * t)))

    def young(u: float, t: float) -> None:
        least, total = u * t, at(f, u) + at(f_star, t)
        require(total >= least - atol - rtol * abs(least), f"f(u) + f*(t) = {total:.10g} < ut = {least:.10g}")

    def whole(t: float) -> None:
        sup = supremum(f, t)
        require(sup == inf, f"t = {t:.10g} is outside the domain you gave, yet sup (ut − f(u)) = {sup:.10g}")

    beyond = [t for t in (low - 0.5, low - 5, high + 0.5, high + 5) if np.isfinite(t)]
    rows = [
        Property("Fenchel–Young", "f(u) + f*(t) ≥ ut", {"u": u_values, "t": t_values}, young),
        Property("equality at t = f′(u)", "f*(f′(u)) = u f′(u) − f(u)", {"u": u_values}, attained),
        Property("supremum", "f*(t) = sup_{u > 0} {ut − f(u)}", {"t": t_values}, conjugate),
    ]
    if beyond:
        rows.append(Property("whole domain", "dom f* is every t whose supremum is finite: (−∞, f′(∞)]",
                             {"t": st.sampled_from(beyond)}, whole))
    if activation is not None:
        rows += _of_the_activation(partial(at, activation), partial(at, f_star), slope, low, high)
    return run([f_star], rows, examples, seed, skip)


def _of_the_activation(a: Callable, f_star: Callable, slope: Callable, low: float, high: float) -> list[Property]:
    def inside(v: float) -> None:
        require(low <= a(v) <= high, f"the activation gives {a(v):.10g}, outside [{low:g}, {high:g}]")
        # Far out, an activation rounds to the end of an open domain, and f* there is rightly infinite
        require(abs(v) > 10 or np.isfinite(f_star(a(v))), f"f* of the activation's {a(v):.10g} is not finite")

    def onto(u: float) -> None:
        t, ends = slope(u), sorted([a(-100.0), a(100.0)])  # a decreasing activation is as good: v is free
        slack = 1e-6 * (1 + abs(t))
        require(ends[0] - slack <= t <= ends[1] + slack,
                f"T* = {t:.10g}, but the activation's values lie between {ends[0]:.10g} and {ends[1]:.10g}")

    return [
        Property("activation lands in dom f*", "a(v) ∈ dom f* for every real v", {"v": st.floats(-100, 100)}, inside),
        Property("activation reaches T*", "T* = f′(p/q) is among its values", {"u": st.floats(0.1, 10)}, onto),
    ]


def supremum(f: Callable[[np.ndarray], Any], t: float) -> float:
    """sup_{u > 0} {ut − f(u)} of a convex f, by search in log u from 1e-100 to 1e100; ∞ if it is still rising there.

    nan where ut and f(u) cancel to rounding at a large u, as at t = f′(∞): no search can tell what it tends to.
    """
    left, right = -100.0, 100.0
    best = -inf
    for points in (2001, 101, 101, 101, 101, 101):
        u = 10.0 ** np.linspace(left, right, points)
        gain = u * t - np.asarray(f(u), dtype=float)
        gain[np.isnan(gain)] = -inf
        i = int(gain.argmax())
        if points == 2001 and i == points - 1:
            return inf
        if u[i] > 1e6 and abs(gain[i]) < 1e-6 * abs(u[i] * t - gain[i]):
            return np.nan
        best = max(best, float(gain[i]))
        step = (right - left) / (points - 1)
        left, right = np.log10(u[i]) - step, np.log10(u[i]) + step
    return best
