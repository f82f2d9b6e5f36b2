"""f-divergences: D_f(P‖Q) = ∫ q f(p/q), f convex on (0, ∞) with f(1) = 0.

``family.py`` has the rows: KL, JS, total variation and the others. Here is what follows from any row: the
divergence itself, the variational bound that f-GAN maximises, the critic that attains it, and f*, f** found
numerically, for any f at all. In nats, and P comes first: the data; Q is the model.
"""

from functools import partial
from math import e, inf
from math import log as ln

import numpy as np

from minigan.arrays import Array, namespace
from minigan.theory import family
from minigan.theory.family import *  # noqa: F403
from minigan.theory.fdivergence import FDivergence, Form, Formula, perspective
from minigan.theory.quadrature import Function, LogDensity, argmax, integrals

__all__ = [
    "FDivergence", "Form", "biconjugate", "conjugate", "divergence", "divergence_between", "extended_conjugate",
    "jeffreys", "jensen_shannon", "jensen_shannon_unit", "kl", "le_cam", "neyman", "optimal_critic", "pearson",
    "perspective", "probabilities", "push_forward", "reverse_kl", "skew_jensen_shannon", "squared_hellinger",
    "total_variation", "variational_bound", "variational_bound_between",
]
__all__ += family.__all__


def divergence(row: FDivergence, p: Array, q: Array) -> float:
    """D_f(P‖Q) = Σ q f(p/q), with 0·f(0/0) = 0, q·f(0) where p = 0 and p·f′(∞) where q = 0. In nats.

    p, q: probability vectors (n,). +inf where it is infinite. ValueError for anything but probabilities.
    Never below 0 and never above f(0) + f′(∞), where round-off would put it: the sum is over the terms
    q f(p/q) − f′(1)(p − q) ≥ 0, the tangent at 1 taken off (its sum is 0), so that clipping each at 0 removes
    nothing but rounding, about 1e-16 in all.
    Source: Csiszár (1967); Ali & Silvey (1966); Liese & Vajda (2006) for the zeros. Checked by: D1–D6, D16.
    """
    p, q = probabilities(p, "p"), probabilities(q, "q")
    xp = namespace(p, q)
    same_shape(p=p, q=q)
    with np.errstate(all="ignore"):
        log_p, log_q = xp.log(p), xp.log(q)
        by_f = q * row.f(p / q) - float(row.f_prime(1.0)) * (p - q)
        # Beyond e^±40 a power of p/q may overflow though q f(p/q) does not
        inside = xp.where(xp.abs(log_p - log_q) < 40.0, by_f, row.integrand(log_p, log_q))
        total = float(xp.sum(_with_edges(row, log_p, log_q, inside)))
    return min(total, row.bound)


def divergence_between(
    row: FDivergence, log_p: LogDensity, log_q: LogDensity, low: float = -inf, high: float = inf,
    points: tuple[float, ...] = (),
) -> float:
    """D_f(P‖Q) = ∫ q f(p/q) dx over (low, high), by adaptive quadrature. In nats; +inf where it diverges.

    log_p, log_q: (n,) -> (n,), log-densities, -inf where a density is 0. Peaks of any width are found if
    each density has one; name the others (and jumps, for the last digits) in ``points``. About 1e-12 of the
    value. ValueError if a density does not integrate to 1. On the host. Checked by: D1, D6, D17.
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
    t = _floats(t)
    xp = namespace(t)
    inside = (t <= row.slope) if row.closed else (t < row.slope)
    with np.errstate(all="ignore"):
        y = row.conjugate(xp.where(inside & (t > -inf), t, float(row.f_prime(1.0))))
    return xp.where(inside, xp.where(t == -inf, -row.at_zero, y), inf)


def optimal_critic(row: FDivergence, p: Array, q: Array) -> Array:
    """T* = f′(p/q), the critic whose bound is D_f itself. f′(∞) where q = 0 < p, f′(0) where p = 0 < q.

    p, q: (n,), mass or density. Where neither has mass it does not matter, and is f′(1).
    Where q > 0 it stays inside dom f*, though f′(p/q) may round to the excluded end.
    Source: Nguyen et al. (2010), lemma 1; Nowozin et al. (2016), eq. 5. Checked by: D10.
    """
    p, q = _masses(p, "p"), _masses(q, "q")
    same_shape(p=p, q=q)
    xp = namespace(p, q)
    with np.errstate(all="ignore"):
        t = row.f_prime(xp.where((p == 0) & (q == 0), 1.0, p / q))
    last = row.slope if row.closed else float(np.nextafter(row.slope, -inf))
    return xp.where((q == 0) & (p > 0), row.slope, t if row.slope == inf else xp.minimum(t, last))


def variational_bound(row: FDivergence, T: Array, p: Array, q: Array) -> float:
    """E_P[T] − E_Q[f*(T)] ≤ D_f(P‖Q), for every T. In nats; −inf if T leaves dom f* where q > 0.

    T: (n,), the critic's value at each atom; p, q: probability vectors (n,). Source: Nguyen et al. (2010), lemma 1;
    Nowozin et al. (2016), eq. 4. Checked by: D10, D11.
    """
    p, q, T = probabilities(p, "p"), probabilities(q, "q"), _floats(T)
    same_shape(T=T, p=p, q=q)
    terms = _bound_terms(row, T, p, q)
    return -inf if bool((terms == -inf).any()) else float(terms.sum())


def variational_bound_between(
    row: FDivergence, critic: Function, log_p: LogDensity, log_q: LogDensity, low: float = -inf, high: float = inf,
    points: tuple[float, ...] = (),
) -> float:
    """E_P[T] − E_Q[f*(T)] for densities, T = critic: (n,) -> (n,). As ``divergence_between``. Checked by: D10."""
    def integrand(x: np.ndarray) -> np.ndarray:
        return _bound_terms(row, _floats(critic(x)), np.exp(log_p(x)), np.exp(log_q(x)))

    return integrals(integrand, log_p, log_q, low, high, points)


def _bound_terms(row: FDivergence, T: Array, p: Array, q: Array) -> Array:
    """p T − q f*(T), with 0 · ∞ = 0."""
    xp = namespace(p, q)
    if bool(xp.isnan(T).any()):
        raise ValueError("the critic's values T must not be nan")
    cost = extended_conjugate(row, T)
    with np.errstate(all="ignore"):
        gain = xp.where(p > 0, p * T, 0.0)
        return xp.where((q > 0) & (cost == inf), -inf, gain - xp.where(q > 0, q * cost, 0.0))


_HALF_LINE = np.exp(np.arange(-700.0, 700.1, 0.5))
_LINE = np.concatenate([-(2.0 ** np.arange(60, -40, -0.5)), [0.0], 2.0 ** np.arange(-40, 60, 0.5)])


def conjugate(f: Formula, t: Array, u: Array = _HALF_LINE) -> Array:
    """f*(t) = sup_u {ut − f(u)}, found numerically, for any f, convex or not.

    t: (n,). u: (m,), increasing: where to look first, over the interval that it spans; left out, (0, ∞) in steps
    of half a nat; +inf if the sup is beyond e⁷⁰⁰. To round-off, but where the sup is a limit as u → ∞: at the
    right end of dom f*, if that belongs to it, ut − f(u) is all rounding before it gets there (1e-8 for Neyman).
    Source: Rockafellar (1970), section 12. Checked by: D7, D9.
    """
    t = _floats(t).ravel()
    xp = namespace(t)
    u = xp.asarray(u)

    def certain(x: Array) -> Array:  # what is left of ut − f(u) after the rounding of a difference of large numbers
        linear, y = t[:, None] * x, f(x)
        return linear - y - 1e-15 * (xp.abs(linear) + xp.abs(y))

    with np.errstate(all="ignore"):
        best = argmax(certain, u)
        return xp.where(best < 1e300, t * best - f(best), inf)


def biconjugate(f: Formula, u: Array, grid: Array = _HALF_LINE, slopes: Array = _LINE) -> Array:
    """f**(u) = sup_t {ut − f*(t)}, numerically: f itself if it is convex, else its convex hull.

    u: (n,); grid: as in ``conjugate``; slopes: (k,), increasing, where to look for t first.
    Source: Rockafellar (1970), theorem 12.2. Checked by: D9.
    """
    return conjugate(lambda t: conjugate(f, t, grid).reshape(t.shape), u, slopes)


def push_forward(p: Array, kernel: Array) -> Array:
    """(pK)ⱼ = Σᵢ pᵢ Kᵢⱼ: what p becomes through a Markov kernel. No D_f grows by it (data processing).

    p: (n,), kernel: (n, m), rows summing to 1. Answers (m,). Source: Liese & Vajda (2006), theorem 14. Checked by: D12.
    """
    p, K = probabilities(p, "p"), _floats(kernel)
    if K.ndim != 2 or K.shape[0] != p.shape[0]:
        raise ValueError(f"a kernel of shape {K.shape} does not fit p of shape {p.shape}: a row for each entry")
    for row in K:
        probabilities(row, "a row of the kernel")
    return p @ K


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
def _floats(x: Array) -> Array:
    x = namespace(x).asarray(x)
    return x if x.dtype.kind == "f" else namespace(x).asarray(x, dtype=float)


def _masses(x: Array, name: str) -> Array:
    x = _floats(x)
    if not bool((x >= 0).all()):
        raise ValueError(f"{name} must be masses or densities, 0 or more, with no nan; the least is {float(x.min())}")
    return x


def probabilities(x: Array, name: str) -> Array:
    """x as a vector (n,) of probabilities: n ≥ 1, none negative or nan, the sum 1 to 1e-6. ValueError if not."""
    x = _masses(x, name)
    if x.ndim != 1 or not x.size:
        raise ValueError(f"{name} must be a vector of probabilities (n,), not of shape {x.shape}")
    if not abs(float(x.sum()) - 1) <= 1e-6:
        raise ValueError(f"{name} must sum to 1, not to {float(x.sum()):.9g}")
    return x


def same_shape(**arrays: Array) -> None:
    if len({x.shape for x in arrays.values()}) > 1:
        raise ValueError(f"different shapes: {', '.join(f'{name} {x.shape}' for name, x in arrays.items())}")


def _check_base(base: float) -> None:
    if not 1 < base < inf:
        raise ValueError(f"the base of a logarithm must be above 1, not {base}")
