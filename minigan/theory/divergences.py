"""f-divergences: D_f(P‖Q) = ∫ q f(p/q), f convex on (0, ∞) with f(1) = 0.

``family.py`` has the rows: KL, JS, total variation and the others. Here is what follows from any row: the
divergence itself, the variational bound that f-GAN maximises, the critic that attains it, and f*, f** found
numerically, for any f at all. In nats, and P comes first: the data; Q is the model.
"""

from collections.abc import Callable
from functools import partial
from math import e, inf
from math import log as ln

import numpy as np

from minigan.arrays import Array, DType, dtype, finfo, namespace, on_host
from minigan.theory import family
from minigan.theory.conjugates import biconjugate, conjugate
from minigan.theory.densities import integrals
from minigan.theory.family import *  # noqa: F403
from minigan.theory.fdivergence import FDivergence, Form, perspective
from minigan.theory.numbers import as_numbers
from minigan.theory.quadrature import Function, LogDensity

__all__ = [
    "FDivergence", "Form", "biconjugate", "conjugate", "divergence", "divergence_between", "extended_conjugate",
    "jeffreys", "jensen_shannon", "jensen_shannon_unit", "kl", "le_cam", "neyman", "optimal_critic", "pearson",
    "perspective", "probabilities", "push_forward", "reverse_kl", "skew_jensen_shannon", "squared_hellinger",
    "total_variation", "variational_bound", "variational_bound_between",
]
__all__ += family.__all__


def divergence(row: FDivergence, p: Array, q: Array) -> float:
    """D_f(P‖Q) = Σ q f(p/q), with 0·f(0/0) = 0, q·f(0) where p = 0 and p·f′(∞) where q = 0. In nats.

    p, q: probability vectors (n,), of any precision: float64 inside. +inf where it is infinite, or beyond 1.8e308.
    ValueError for anything but probabilities. The sum is over the terms q f(p/q) − f′(1)(p − q) ≥ 0, the tangent
    at 1 taken off: for laws its sum is 0, so that a sum of p that is not 1 to the last digit does not count. To
    about 1e-13 of the value for the rows of ``family``, however near P is to Q; for an f of your own to its own
    rounding, 1e-16 or so times its terms. Never below 0 and never above f(0) + f′(∞). On the host in blocks, with
    1 MB of its own.
    Source: Csiszár (1967); Ali & Silvey (1966); Liese & Vajda (2006) for the zeros. Checked by: D1–D6, D16.
    """
    p, q = probabilities(p, "p"), probabilities(q, "q")
    same_shape(p=p, q=q)

    def total(terms: Callable[[FDivergence, Array, Array], Array]) -> float:
        size = _BLOCK if on_host(namespace(p, q)) else len(p)
        return sum(float(terms(row, p[k : k + size], q[k : k + size]).sum()) for k in range(0, len(p), size))

    with np.errstate(all="ignore"):
        by_f = total(_by_f)
        return min(by_f if by_f > _NEAR else total(_by_logarithms), row.bound)


_BLOCK = 8192  # entries: so many stay in a core's own cache through all the operations of a formula
_NEAR = 1e-3  # below it the rounding of f, 1e-16, would be more than 1e-13 of the value


def _by_f(row: FDivergence, p: Array, q: Array) -> Array:
    """The terms of a divergence by f itself; where that overflows, or p or q is 0, by logarithms."""
    u = p / q
    y = q * row.f(u) - float(row.f_prime(1.0)) * (p - q)
    # e^±40: beyond, f may have lost what q f(p/q) keeps. Not so written that nan, of 0/0, passes
    if bool((u.min() > 4e-18) & (u.max() < 2e17) & (y.max() < inf)):
        return namespace(y).maximum(y, 0.0)
    plain = (u > 4e-18) & (u < 2e17) & (y < inf)
    return namespace(y).where(plain, namespace(y).maximum(y, 0.0), _by_logarithms(row, p, q))


def _by_logarithms(row: FDivergence, p: Array, q: Array) -> Array:
    """The terms by the row's own integrand, with log p − log q to all its digits where p is near q."""
    xp = namespace(p, q)
    d, near = (p - q) / q, abs(p - q) < 0.5 * q
    v = xp.log1p(xp.where(near, d, 0.0))
    close = xp.maximum(q * row.integrand(v, xp.zeros_like(v)), 0.0)  # homogeneous: q times what it is at (p/q, 1)
    if bool(near.all()):
        return close
    log_p, log_q = xp.log(p), xp.log(q)
    return xp.where(near, close, _with_edges(row, log_p, log_q, row.integrand(log_p, log_q)))


def divergence_between(
    row: FDivergence, log_p: LogDensity, log_q: LogDensity, low: float = -inf, high: float = inf,
    points: tuple[float, ...] = (),
) -> float:
    """D_f(P‖Q) = ∫ q f(p/q) dx over (low, high), by adaptive quadrature. In nats; +inf where it diverges.

    log_p, log_q: (n,) -> (n,), log-densities, -inf where a density is 0. Peaks of width 1e-58 to 1e58, at c of 1e-9 |c|
    at least, are found if each density has one; name the others in ``points``. Singularities at ends, at points and
    elsewhere are found, and whether the integral converges there, to what |x − c| ≥ 1e-14 |c| (1e-58 at c = 0, and
    |x| ≤ 1e60) tell.
    About 1e-12 of the value D, or 1e-16 √D where that is more: as much is left by the rounding of log p − log q (1e-16
    for total variation). Less near a singularity at c ≠ 0: 1e-10 where a term is |x − c|^−0.9, 1e-8 at the worst; name
    jumps, for the last digits. ValueError where that cannot be told, and if a density does not integrate to 1. On the
    host. Checked by: D1, D6, D17.
    """
    def integrand(x: np.ndarray) -> np.ndarray:
        a, b = (np.asarray(log_density(x), dtype=float) for log_density in (log_p, log_q))
        return _with_edges(row, a, b, row.integrand(a, b))

    return min(integrals(integrand, log_p, log_q, low, high, points), row.bound)


def _with_edges(row: FDivergence, log_p: Array, log_q: Array, inside: Array) -> Array:
    """max(inside, 0) where p, q > 0; p (f′(∞) − f′(1)) where q = 0; q (f(0) + f′(1)) where p = 0; 0 where both are."""
    xp, tilt = namespace(log_p), float(row.f_prime(1.0))

    def cost(log_mass: Array, rate: float) -> Array:
        mass = xp.exp(log_mass)
        return mass * rate if rate < inf else xp.where(log_mass > -inf, inf, 0.0)  # ∞ even if the mass underflows

    inside = xp.where((log_p > -inf) & (log_q > -inf), xp.maximum(inside, 0.0), 0.0)
    inside = xp.where((log_p > -inf) & (log_q == -inf), cost(log_p, row.slope - tilt), inside)
    return xp.where((log_p == -inf) & (log_q > -inf), cost(log_q, row.at_zero + tilt), inside)


def extended_conjugate(row: FDivergence, t: Array) -> Array:
    """f*(t) on the whole line: the row's formula in dom f*, +∞ to its right, −f(0) at −∞. Checked by: D7."""
    given, t = as_numbers(t, "t"), as_numbers(t, "t", float)
    xp = namespace(t)
    inside = (t <= row.slope) if row.closed else (t < row.slope)
    with np.errstate(all="ignore"):
        y = row.conjugate(xp.where(inside & (t > -inf), t, float(row.f_prime(1.0))))
        return xp.where(inside, xp.where(t == -inf, -row.at_zero, y), inf).astype(given.dtype)


def optimal_critic(row: FDivergence, p: Array, q: Array) -> Array:
    """T* = f′(p/q), the critic whose bound is D_f itself. f′(∞) where q = 0 < p, f′(0) where p = 0 < q.

    p, q: (n,), mass or density. Where neither has mass it does not matter, and is f′(1).
    Of the precision of p and q. Where q > 0 it stays inside dom f*, though f′(p/q) may round to the excluded end,
    and where p > 0 it is finite: of an f′(p/q) below the least float that float, whose bound is below D_f.
    Source: Nguyen et al. (2010), lemma 1; Nowozin et al. (2016), eq. 5. Checked by: D10.
    """
    xp = namespace(as_numbers(p, "p"), as_numbers(q, "q"))
    kept = xp.result_type(as_numbers(p, "p"), as_numbers(q, "q"))
    p, q = _masses(p, "p"), _masses(q, "q")
    same_shape(p=p, q=q)
    least, last = float(finfo(kept).min), _last(row, kept)
    with np.errstate(all="ignore"):
        t = row.f_prime(xp.where((p == 0) & (q == 0), 1.0, p / q))
        t = xp.where(p > 0, xp.maximum(t, least), t)
        return xp.where((q == 0) & (p > 0), row.slope, xp.minimum(t, last)).astype(kept)


def _last(row: FDivergence, kept: DType) -> float:
    """The largest number of that precision in dom f*."""
    rounded = np.asarray(row.slope, dtype=kept)
    beyond = float(rounded) > row.slope or (float(rounded) == row.slope < inf and not row.closed)
    return float(np.nextafter(rounded, np.asarray(-inf, dtype=kept)) if beyond else rounded)


def variational_bound(row: FDivergence, T: Array, p: Array, q: Array) -> float:
    """E_P[T] − E_Q[f*(T)] ≤ D_f(P‖Q), for every T. In nats; −inf if T leaves dom f* where q > 0, or T = −inf, p > 0.

    T: (n,), the critic's value at each atom; p, q: probability vectors (n,). Source: Nguyen et al. (2010), lemma 1;
    Nowozin et al. (2016), eq. 4. Checked by: D10, D11.
    """
    p, q, T = probabilities(p, "p"), probabilities(q, "q"), as_numbers(T, "T", float)
    same_shape(T=T, p=p, q=q)
    terms = _bound_terms(row, T, p, q)
    return -inf if bool((terms == -inf).any()) else float(terms.sum())


def variational_bound_between(
    row: FDivergence, critic: Function, log_p: LogDensity, log_q: LogDensity, low: float = -inf, high: float = inf,
    points: tuple[float, ...] = (),
) -> float:
    """E_P[T] − E_Q[f*(T)] for densities, T = critic: (n,) -> (n,). As ``divergence_between``. Checked by: D10."""
    def integrand(x: np.ndarray) -> np.ndarray:
        return _bound_terms(row, as_numbers(critic(x), "T", float), np.exp(log_p(x)), np.exp(log_q(x)))

    return integrals(integrand, log_p, log_q, low, high, points)


def _bound_terms(row: FDivergence, T: Array, p: Array, q: Array) -> Array:
    """p T − q f*(T), with 0 · ∞ = 0."""
    xp = namespace(p, q)
    if bool(xp.isnan(T).any()):
        raise ValueError("the critic's values T must not be nan")
    cost = extended_conjugate(row, T)
    lost = ((q > 0) & (cost == inf)) | ((p > 0) & (-inf == T))  # there p T outweighs f*(T), which is at most linear
    with np.errstate(all="ignore"):
        return xp.where(lost, -inf, xp.where(p > 0, p * T, 0.0) - xp.where(q > 0, q * cost, 0.0))


def push_forward(p: Array, kernel: Array) -> Array:
    """(pK)ⱼ = Σᵢ pᵢ Kᵢⱼ: what p becomes through a Markov kernel. No D_f grows by it (data processing).

    p: (n,), kernel: (n, m), rows summing to 1. Answers (m,). Source: Liese & Vajda (2006), theorem 14. Checked by: D12.
    """
    kept = namespace(as_numbers(p, "p")).result_type(as_numbers(p, "p"), as_numbers(kernel, "kernel"))
    p, K = probabilities(p, "p"), as_numbers(kernel, "kernel", float)
    if K.ndim != 2 or K.shape[0] != p.shape[0]:
        raise ValueError(f"a kernel of shape {K.shape} does not fit p of shape {p.shape}: a row for each entry")
    for row in K:
        probabilities(row.astype(kept), "a row of the kernel")
    return (p @ K).astype(kept)


# -- by name ----------------------------------------------------------------------------------
kl = partial(divergence, family.KL)  # KL(P‖Q) = Σ p log(p/q)
reverse_kl = partial(divergence, family.REVERSE_KL)  # KL(Q‖P) = Σ q log(q/p)
pearson = partial(divergence, family.PEARSON)  # χ²(P‖Q) = Σ (p − q)²/q
neyman = partial(divergence, family.NEYMAN)  # χ²(Q‖P) = Σ (p − q)²/p
squared_hellinger = partial(divergence, family.HELLINGER)  # H²(P, Q) = ½ Σ (√p − √q)²
total_variation = partial(divergence, family.TOTAL_VARIATION)  # TV(P, Q) = ½ Σ |p − q|
jeffreys = partial(divergence, family.JEFFREYS)  # KL(P‖Q) + KL(Q‖P) = Σ (p − q) log(p/q)
le_cam = partial(divergence, family.LE_CAM)  # ½ Σ (p − q)²/(p + q)


def jensen_shannon(p: Array, q: Array, *, base: float = e, halved: bool = True) -> float:
    """JS(P‖Q) = ½ KL(P‖M) + ½ KL(Q‖M), M = ½(P + Q), in nats: between 0 and log 2.

    base=2: in bits, between 0 and 1. halved=False: KL(P‖M) + KL(Q‖M), `xu`'s convention, between 0 and 2 log 2.
    Print the number with ``jensen_shannon_unit`` of the same options. Source: Lin (1991); `weng`.
    Checked by: D3, D4.
    """
    _check_base(base)
    return divergence(family.JS, p, q) / ln(base) * (1 if halved else 2)


def jensen_shannon_unit(*, base: float = e, halved: bool = True) -> str:
    """The convention and the unit of ``jensen_shannon``, to be printed beside it."""
    _check_base(base)
    unit = {e: "nats", 2: "bits", 10: "decimal digits"}.get(base, f"units of log {base:g}")
    return f"{'½KL(p‖m) + ½KL(q‖m)' if halved else 'KL(p‖m) + KL(q‖m)'}, {unit}"


def skew_jensen_shannon(p: Array, q: Array, pi: float) -> float:
    """JS_π(P‖Q) = π KL(P‖M) + (1 − π) KL(Q‖M), M = πP + (1 − π)Q. In nats; see ``skew``. Checked by: D15."""
    return divergence(family.skew(pi), p, q)


# -- what may go in -----------------------------------------------------------------------------
def _masses(x: Array, name: str) -> Array:
    x = as_numbers(x, name, float)
    if not bool((x >= 0).all()):
        raise ValueError(f"{name} must be masses or densities, 0 or more, with no nan; the least is {float(x.min())}")
    return x


def probabilities(x: Array, name: str) -> Array:
    """x as a float64 vector (n,) of probabilities: n ≥ 1, none negative or nan, the sum 1 to 1e-6. ValueError if not.

    In float16 to 1e-3, as its rounding leaves it.
    """
    given, x = as_numbers(x, name), _masses(x, name)
    if x.ndim != 1 or not x.size:
        raise ValueError(f"{name} must be a vector of probabilities (n,), not of shape {x.shape}")
    if not abs(float(x.sum()) - 1) <= max(1e-6, float(finfo(dtype(given)).eps)):
        raise ValueError(f"{name} must sum to 1, not to {float(x.sum()):.9g}")
    return x


def same_shape(**arrays: Array) -> None:
    if len({x.shape for x in arrays.values()}) > 1:
        raise ValueError(f"different shapes: {', '.join(f'{name} {x.shape}' for name, x in arrays.items())}")


def _check_base(base: float) -> None:
    if not 1 < base < inf:
        raise ValueError(f"the base of a logarithm must be above 1, not {base}")
