"""∫ and argmax on the line, without being told where or how wide: what densities and conjugates need.

A density may be a peak of width 10⁻³ at 900 beside one of width 10³ at 0. Both are found through their
logarithms, which point to the peak from afar (the densities themselves underflow to 0), and integrated over
segments that grow by octaves from each peak, each bisected until it agrees with its halves.

Why not scipy.integrate: it calls its integrand a point at a time. On the same segments quad_vec takes 94 ms for
a KL of two Gaussians, this 0.4 ms, and the claims and their properties make tens of thousands of such integrals.
The tests hold it against QUADPACK.
"""

from collections.abc import Callable, Sequence
from math import inf, isfinite

import numpy as np

from minigan.arrays import Array, namespace, to_host

__all__ = ["argmax", "integrate"]

Function = Callable[[Array], Array]
LogDensity = Callable[[np.ndarray], np.ndarray]  # (n,) -> (n,), in nats; -inf where the density is 0

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(15)
# Octaves to 2⁴⁰ on both sides of a peak; then, for heavy tails, 16-fold steps to 2²⁰⁰ = 10⁶⁰.
_STEPS = 2.0 ** np.concatenate([np.arange(-40, 40), np.arange(40, 201, 4)])


def integrate(g: Function, breaks: Array, rtol: float = 1e-12, atol: float = 1e-16) -> np.ndarray:
    """∫ g over [breaks₀, breaks₋₁], by 15-point Gauss–Legendre on segments, each bisected as often as it takes.

    A segment is good when the rule on it and on its two halves agree to rtol · |∫g| + atol.

    g: (n,) -> (k, n), k functions at the same points; breaks: increasing; put them at kinks and peaks. Answers (k,).
    An infinite node makes the integral infinite; nan raises ValueError. On the host.
    """
    breaks = to_host(breaks)
    rises = falls = np.zeros(1, dtype=bool)  # is a node +inf, -inf?

    def rule(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        x = (a + b)[:, None] / 2 + (b - a)[:, None] / 2 * _NODES
        y = g(x.ravel())
        if (bad := np.isnan(y).any(axis=0)).any():
            raise ValueError(f"the integrand is nan at x = {x.ravel()[bad][0]:g}")
        nonlocal rises, falls
        rises, falls = rises | (y == inf).any(axis=1), falls | (y == -inf).any(axis=1)
        return np.where(np.isinf(y), 0.0, y).reshape(len(y), *x.shape) @ _WEIGHTS * (b - a) / 2

    a, b = breaks[:-1], breaks[1:]
    coarse = rule(a, b)
    total = np.zeros(len(coarse))
    for _ in range(64):  # 2⁻⁶⁴ of a segment is below its rounding
        m = (a + b) / 2
        left, right = rule(a, m), rule(m, b)
        fine = left + right
        scale = np.abs(total) + np.abs(fine).sum(axis=1)
        refine = (np.abs(fine - coarse) > rtol * scale[:, None] + atol).any(axis=0)
        # More is not a peak but noise; and in a narrower segment nodes round to its end, which may be a singularity
        refine &= (refine.sum() < 10_000) & (b - a > 2e-13 * np.abs(m))
        total += fine[:, ~refine].sum(axis=1)
        if not refine.any():
            break
        a, b = np.concatenate([a[refine], m[refine]]), np.concatenate([m[refine], b[refine]])
        coarse = np.concatenate([left[:, refine], right[:, refine]], axis=1)
    else:
        total += coarse.sum(axis=1)
    return np.where(falls, -inf, np.where(rises, inf, total))  # of both, -inf: for a lower bound the safe answer


def argmax(h: Function, grid: Array) -> Array:
    """argmaxₓ hᵢ(x), (n,): the best of the grid, then 17 rounds of the best of 17 points between its neighbours.

    h: (1, m) or (n, 17) -> (n, the same); grid: (m,), increasing. Exact to round-off if h has one peak between
    neighbours of the grid, kinks included; nan counts as -inf.
    """
    xp = namespace(grid)
    x = grid[None, :]
    for _ in range(18):
        y = h(x)
        best = xp.argmax(xp.where(xp.isnan(y), -inf, y), axis=1)[:, None]
        x = xp.broadcast_to(x, y.shape)
        low, best_x, high = (
            xp.take_along_axis(x, xp.minimum(xp.maximum(best + k, 0), y.shape[1] - 1), axis=1) for k in (-1, 0, 1)
        )
        x = low + (high - low) * xp.linspace(0.0, 1.0, 17)
    return best_x[:, 0]


def segments(log_densities: Sequence[LogDensity], low: float, high: float, points: Sequence[float]) -> np.ndarray:
    """The breaks for densities on (low, high): octaves around the mode of each, around points and finite ends.

    ValueError if the interval is empty, or a point is not in it.
    """
    if not low < high:
        raise ValueError(f"the interval ({low:g}, {high:g}) is empty; low must be below high")
    if outside := [x for x in points if not low <= x <= high or not isfinite(x)]:
        raise ValueError(f"points {outside} are not in the interval ({low:g}, {high:g})")
    centres = [*points, *(x for x in (low, high) if isfinite(x))]
    grid = _octaves([0.0, *centres], low, high)
    centres += [float(argmax(lambda x: _log_density(log_p, x.ravel())[None], grid)[0]) for log_p in log_densities]
    return _octaves(centres, low, high)


def integrals(
    g: Function, log_p: LogDensity, log_q: LogDensity, low: float, high: float, points: Sequence[float] = (),
) -> float:
    """∫ g over (low, high) with the segments of log p and log q, after checking that ∫p = ∫q = 1.

    g: (n,) -> (n,), may be +inf. The integral is +inf also where it does not converge: where the outermost
    of the segments, at |x| = 10⁶⁰, still adds a millionth. On the host. ValueError if p or q does not integrate to 1.
    """
    def all_three(x: np.ndarray) -> np.ndarray:
        return np.stack([g(x), np.exp(_log_density(log_p, x)), np.exp(_log_density(log_q, x))])

    with np.errstate(all="ignore"):
        breaks = segments([log_p, log_q], low, high, points)
        total, *masses = integrate(all_three, breaks)
        for name, mass in zip(("log_p", "log_q"), masses, strict=True):
            if not abs(mass - 1) < 1e-6:  # a peak that was missed shows here, not as a wrong divergence
                raise ValueError(f"exp({name}) integrates to {mass:.6g} over ({low:g}, {high:g}), not to 1: normalise "
                                 "it, or name its peaks in points=")
        ends = [breaks[:2]] * (low == -inf) + [breaks[-2:]] * (high == inf)
        tail = sum(abs(float(integrate(lambda x: g(x)[None], end)[0])) for end in ends)
    return inf if tail > 1e-6 * abs(total) else float(total)


def _octaves(centres: Sequence[float], low: float, high: float) -> np.ndarray:
    c = np.asarray(centres, dtype=float)[:, None]
    x = np.unique(np.concatenate([c, c - _STEPS, c + _STEPS], axis=None))
    x = x[(x >= low) & (x <= high)]
    return x[np.append(np.diff(x) > 1e-12 * np.abs(x[1:]), True)]


def _log_density(log_p: LogDensity, x: np.ndarray) -> np.ndarray:
    y = np.asarray(to_host(log_p(x)), dtype=float)
    if y.shape != x.shape:
        raise ValueError(f"a log-density at points of shape {x.shape} must have that shape, not {y.shape}")
    if (bad := np.isnan(y)).any():
        raise ValueError(f"a log-density is nan at x = {x[bad][0]:g}")
    return y
