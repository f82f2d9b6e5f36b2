"""Transport on the line, where sorting solves it, and along directions through space.

    W_p = (∫₀¹ |F⁻¹(u) − G⁻¹(u)|^p du)^{1/p}

Points of any size, weights of any size: what a float64 cannot hold is an OverflowError.
"""

from math import inf
from types import ModuleType
from typing import Any

import numpy as np

from minigan.arrays import Array, namespace, to_host
from minigan.theory.numbers import as_numbers
from minigan.theory.plans import check_exponent, mass, points
from minigan.theory.simplex import whole

__all__ = ["earth_movers_piles", "sliced_wasserstein", "wasserstein_1d"]

EPS = float(np.finfo(float).eps)
ROUNDING = 16 * EPS  # of all mass to one side: so much a weight's last digit may leave over there
EXACT = 1e-13  # rounding above this part of W_p^p, times the number of points, is not put up with


def earth_movers_piles(p: Array, q: Array) -> Array:
    """δ₀ = 0, δᵢ₊₁ = δᵢ + Pᵢ₊₁ − Qᵢ₊₁: what is carried past pile i, (n + 1,). The cost is Σ|δᵢ|.

    p, q: (n,) piles in a row, a unit step apart, of equal totals. ValueError otherwise.
    Source: `weng`, "What is Wasserstein distance?", its indices corrected (E19). Checked by: W1.
    """
    p, q = as_numbers(p, "p", float), as_numbers(q, "q", float)
    xp = namespace(p, q)
    if p.ndim != 1 or p.shape != q.shape or not p.size:
        raise ValueError(f"piles must come in two rows of one length, not of shapes {p.shape} and {q.shape}")
    if not bool(((p >= 0) & (q >= 0)).all()):
        raise ValueError("piles must not be negative or nan")
    if not abs(float(p.sum()) - float(q.sum())) <= 1e-9 * float(p.sum()):
        raise ValueError(f"the piles must hold equal totals, not {float(p.sum()):g} and {float(q.sum()):g}")
    return xp.concat([xp.zeros(1), xp.cumsum(p - q)])


def wasserstein_1d(
    x: Array, y: Array, p: float = 1, x_weights: Array | None = None, y_weights: Array | None = None
) -> float:
    """W_p = (∫₀¹ |F⁻¹(u) − G⁻¹(u)|^p du)^{1/p}, exactly: both quantile functions are staircases.

    x: (n,), y: (m,) points on the line; weights (n,), (m,). Any p ≥ 1, ∞ too. Every mass counts, however small, but
    what the last digits of the weights leave over (.1 + .2 against .3) is no mass. Where rounding would show in the
    result, on the host and in whole numbers, some ten times as long.
    Source: Peyré & Cuturi (2019), remark 2.30; Santambrogio (2015), proposition 2.17. Checked by: W4, W6.
    """
    check_exponent(p)
    x, y = _line(x, "x"), _line(y, "y")
    xp = namespace(x, y)
    weights = [w if w is None else mass(xp, w, len(at), what)
               for w, at, what in ((x_weights, x, "x_weights"), (y_weights, y, "y_weights"))]
    return _wasserstein(xp, x, y, p, *weights)


def sliced_wasserstein(
    x: Array, y: Array, directions: Array, p: float = 1,
    x_weights: Array | None = None, y_weights: Array | None = None,
) -> float:
    """SW_p = (mean over θ of W_p^p(⟨x, θ⟩, ⟨y, θ⟩))^{1/p} ≤ W_p: the line's formula along directions θ.

    x: (n, dim), y: (m, dim), directions: (k, dim), of any length but 0 (rng.standard_normal((k, dim))).
    Source: Rabin et al. (2011), eq. 9; Bonneel et al. (2015), section 3. Checked by: W6.
    """
    check_exponent(p)
    x, y, theta = points(x, "x"), points(y, "y"), points(directions, "directions")
    xp = namespace(x, y, theta)
    if not x.shape[1] == y.shape[1] == theta.shape[1]:
        raise ValueError(f"x {x.shape}, y {y.shape} and directions {theta.shape} have different dimensions")
    largest = abs(theta).max(axis=1, keepdims=True)
    if not bool((largest > 0).all()):
        raise ValueError("a direction has length 0")
    theta = theta / largest  # so that no square over- or underflows
    theta = theta / xp.sqrt((theta**2).sum(axis=1, keepdims=True))
    unit = 2.0**60 if max(float(abs(x).max()), float(abs(y).max())) > 2.0**960 else 1.0  # nor a product
    weights = [w if w is None else mass(xp, w, len(at), what)
               for w, at, what in ((x_weights, x, "x_weights"), (y_weights, y, "y_weights"))]
    gaps = [_wasserstein(xp, (x / unit) @ t, (y / unit) @ t, p, *weights) for t in theta]
    return in_units(power_mean(np.asarray(gaps), np.full(len(gaps), 1 / len(gaps)), p), unit)


def power_mean(gaps: Array, masses: Array | float, p: float) -> float:
    """(Σ m g^p)^{1/p} in units of the largest gap, so that no power overflows; of p = ∞ the largest.

    masses: one for each gap, or one number for all. A gap of no mass must be 0.
    """
    top = float(gaps.max())
    if top == 0 or p == inf:
        return top
    powers = gaps / top if p == 1 else (gaps / top) ** p
    total = masses * float(powers.sum()) if isinstance(masses, float) else float((masses * powers).sum())
    return top * total ** (1 / p)


def in_units(value: float, unit: float) -> float:
    """value · unit; OverflowError if that is no float."""
    if value * unit == inf:
        raise OverflowError(f"the distance, {value:.17g} times {unit:g}, exceeds the largest float: use a larger unit")
    return value * unit


def _wasserstein(xp: ModuleType, x: Array, y: Array, p: float, a: Array | None, b: Array | None) -> float:
    """wasserstein_1d of float64 points, and of weights that sum to 1."""
    x, a = _in_order(xp, x, a)
    y, b = _in_order(xp, y, b)
    unit = 2.0 if max(abs(float(z[k])) for z in (x, y) for k in (0, -1)) > 2.0**1022 else 1.0
    if unit != 1:  # else a difference overflows
        x, y = x / unit, y / unit
    if a is None and b is None and len(x) == len(y):
        return in_units(power_mean(abs(x - y), 1 / len(x), p), unit)
    if p < inf and (a is not None or b is not None):
        rounded = _by_sums(xp, x, y, p, a, b)
        if rounded is not None:
            return in_units(rounded, unit)
    return in_units(_in_whole_numbers(xp, x, y, p, a, b), unit)


def _by_sums(xp: ModuleType, x: Array, y: Array, p: float, a: Array | None, b: Array | None) -> float | None:
    """By cumulated weights. None if W_p^p might be wrong by more than EXACT allows.

    Levels are right to 2 eps, so that W_p^p is to 2 eps · Σₖ |gₖ₊₁^p − gₖ^p|; and a mass that is lost in its sum might
    have come from the other end.
    """
    (F, lost), (G, lost_too) = (_cumulated(xp, w, len(z)) for w, z in ((a, x), (b, y)))
    levels = xp.sort(xp.concat([F, G]))  # both staircases are constant between neighbours
    gaps = abs(x[xp.searchsorted(F, levels)] - y[xp.searchsorted(G, levels)])
    top = float(gaps.max()) or 1.0
    powers = (gaps / top) ** p
    total = float((xp.diff(levels, prepend=xp.zeros(1)) * powers).sum())
    far = (max(float(x[-1]), float(y[-1])) - min(float(x[0]), float(y[0]))) / top
    wrong = 4 * EPS * float(abs(xp.diff(powers)).sum()) + (lost + lost_too and (lost + lost_too) * far**p)
    return top * total ** (1 / p) if wrong <= EXACT * len(levels) * total else None


def _cumulated(xp: ModuleType, w: Array | None, n: int) -> tuple[Array, float]:
    """F, its last 1, each right to its last digits; and the mass of those points that are too light to move it."""
    if w is None:
        return xp.arange(1, n + 1) / n, 0.0
    F = xp.cumsum(w)
    F = F + xp.cumsum(w - xp.diff(F, prepend=xp.zeros(1)))  # what each addition lost
    return F / F[-1], float(w[xp.diff(F, prepend=xp.zeros(1)) == 0].sum())


def _in_whole_numbers(xp: ModuleType, x: Array, y: Array, p: float, a: Array | None, b: Array | None) -> float:
    """The same with weights as whole numbers of a common unit, so that no sum is rounded and no mass lost."""
    x, y = to_host(x), to_host(y)
    kind = np.int64 if a is None and b is None else object  # Python's numbers, of any length
    A, B = (np.array([1] * len(z) if w is None else whole(to_host(w)), dtype=kind) for w, z in ((a, x), (b, y)))
    of_a, of_b = A.sum(), B.sum()
    A, B, total = A * of_b, B * of_a, of_a * of_b
    F, G = np.cumsum(A), np.cumsum(B)
    levels = np.sort(np.concatenate([F, G]))
    i, j = np.searchsorted(F, levels), np.searchsorted(G, levels)
    piece, before = np.diff(levels, prepend=levels[:1] * 0), np.concatenate([levels[:1] * 0, levels[:-1]])
    mass, side, ends = ((z / total).astype(float) for z in (
        piece, np.minimum(levels, total - before), np.minimum(A[i], B[j])))
    left_over = (mass <= ROUNDING * side) & (mass < ends / 2)  # of the weights' last digits
    gaps = np.where((piece > 0) & ~left_over, abs(x[i] - y[j]), 0.0)
    return power_mean(gaps, mass, p)


def _in_order(xp: ModuleType, x: Array, w: Array | None) -> tuple[Array, Array | None]:
    """The points in order and their weights with them; without those that weigh nothing."""
    if w is None:
        return xp.sort(x), None
    order = xp.argsort(x[w > 0])
    return x[w > 0][order], w[w > 0][order]


def _line(x: Any, what: str) -> Array:
    x = as_numbers(x, what, float)
    if x.ndim != 1:
        raise ValueError(f"{what} must be points on the line, of shape (n,), not {x.shape}")
    return points(x[:, None], what)[:, 0]
