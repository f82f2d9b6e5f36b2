"""∫ over the line of functions of two densities, without being told where these are or how wide.

A density may be a peak of width 10⁻³ at 900 beside one of width 10³ at 0. Both are found through their logarithms,
which point to the peak from afar (the densities themselves underflow to 0), and integrated over segments that grow
by octaves from each peak, each bisected until it agrees with its halves.
"""

from collections.abc import Sequence
from functools import partial
from math import inf, isfinite

import numpy as np

from minigan.arrays import to_host
from minigan.theory.quadrature import Function, LogDensity, octaves, peak
from minigan.theory.tails import with_tails

__all__: list[str] = []


def segments(
    log_densities: Sequence[LogDensity], low: float, high: float, points: Sequence[float],
) -> tuple[np.ndarray, list[float]]:
    """The breaks for densities on (low, high), and their centres: finite ends, ``points``, the mode of each density.

    Octaves around each centre. ValueError if the interval is empty, or a point is not in it.
    """
    if not low < high:
        raise ValueError(f"the interval ({low:g}, {high:g}) is empty; low must be below high")
    if outside := [x for x in points if not low <= x <= high or not isfinite(x)]:
        raise ValueError(f"points {outside} are not in the interval ({low:g}, {high:g})")
    centres = [*(x for x in (low, high) if isfinite(x)), *points]
    grid = octaves([0.0, *centres] if low <= 0 <= high else centres, low, high)
    for log_p in log_densities:
        mode = peak(partial(_values, log_p), grid)  # where a nan at an end, of 0 · log 0, does not count
        if all(abs(mode - c) > 1e-9 * abs(mode) for c in centres):
            centres.append(mode)
    return octaves(centres, low, high), centres


def integrals(
    g: Function, log_p: LogDensity, log_q: LogDensity, low: float, high: float, points: Sequence[float] = (),
) -> float:
    """∫ g over (low, high) with the segments of log p and log q, after checking that ∫p = ∫q = 1.

    g: (n,) -> (n,), may be +inf. Where bisection finds no end, at a singularity or at 10^±60, the octaves towards
    it tell whether the integral converges, and what is left of it; see ``tails.py``. On the host. ValueError if p or
    q does not integrate to 1, or if convergence is not to be told.
    """
    def all_three(x: np.ndarray) -> np.ndarray:
        a, b = _log_density(log_p, x), _log_density(log_q, x)
        if (pole := (a == inf) | (b == inf)).any():  # the point itself has no mass: the next one tells as much
            return all_three(np.where(pole, np.nextafter(x, inf), x))
        return np.stack([g(x), np.exp(a), np.exp(b)])

    low, high, points = float(low), float(high), [float(x) for x in points]  # a float32 would round what is added to it
    with np.errstate(all="ignore"):
        breaks, centres = segments([log_p, log_q], low, high, points)
        value, *masses = with_tails(all_three, breaks, centres, low, high)
        for name, mass in zip(("log_p", "log_q"), masses, strict=True):
            if not abs(mass - 1) < 1e-6:  # a peak that was missed shows here, not as a wrong divergence
                raise ValueError(f"exp({name}) integrates to {mass:.6g} over ({low:g}, {high:g}), not to 1: normalise "
                                 "it, or name its peaks in points=")
    return float(value)


def _values(log_p: LogDensity, x: np.ndarray) -> np.ndarray:
    y = np.asarray(to_host(log_p(x)), dtype=float)
    if y.shape != x.shape:
        raise ValueError(f"a log-density at points of shape {x.shape} must have that shape, not {y.shape}")
    return y


def _log_density(log_p: LogDensity, x: np.ndarray) -> np.ndarray:
    y = _values(log_p, x)
    if (bad := np.isnan(y)).any():
        raise ValueError(f"a log-density is nan at x = {x[bad][0]:g}")
    return y
