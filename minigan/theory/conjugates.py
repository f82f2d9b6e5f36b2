"""f* and f**, found numerically: the tangents of any f, convex or not."""

from math import inf

import numpy as np

from minigan.arrays import Array, namespace
from minigan.theory.fdivergence import Formula
from minigan.theory.numbers import as_numbers
from minigan.theory.quadrature import argmax

__all__ = ["biconjugate", "conjugate"]

_HALF_LINE = np.exp(np.arange(-700.0, 700.1, 0.5))
_STEEP = 2.0 ** np.concatenate([np.arange(-40, 60, 0.5), np.arange(60, 1005, 4)])
_LINE = np.concatenate([-_STEEP[::-1], [0.0], _STEEP])
_LOOK = 16  # points to a step of u, where f is looked at for turns
_MOST = 50_000  # points to which u may grow


def conjugate(f: Formula, t: Array, u: Array = _HALF_LINE) -> Array:
    """f*(t) = sup_u {ut − f(u)}, found numerically, for any f, convex or not.

    t: (n,). u: (m,), increasing: where to look first, over the interval that it spans; left out, (0, ∞) in steps
    of half a nat. Every peak of ut − f(u) on u is climbed, and u is made finer where f is not convex and where a peak
    turns out to be several; a well narrower than 1/16 of u's steps may be missed: give a finer u. ValueError
    where the peaks are too many to tell, and for u that does not increase.
    To round-off, but where the sup is a limit as u → 0 or ∞, at the end of dom f*: there ut − f(u) is all rounding
    from some u on, and what it tends to is told by how it grew before, ∞ or a number (to 1e-4 of it where it is as
    slow as u^−.01). ValueError where that does not tell. A t within 1e-15 of the end counts as the end, and a
    sup beyond u = 1e300 as ∞.
    Source: Rockafellar (1970), section 12. Checked by: D7, D9.
    """
    t = as_numbers(t, "t", float).ravel()
    u = _increasing(u, "u")
    with np.errstate(all="ignore"):
        return _conjugate(f, t, _resolved(f, u))


def _increasing(x: Array, name: str) -> Array:
    x = as_numbers(x, name, float)
    if x.ndim != 1 or not len(x) or not bool((x[1:] > x[:-1]).all()) or not bool(namespace(x).isfinite(x).all()):
        raise ValueError(f"{name} must be finite numbers (m,) that increase: it says over which interval to look")
    return x


def _resolved(f: Formula, u: Array) -> Array:
    """u, with the points between its own where f is not convex to rounding."""
    xp = namespace(u)
    x = xp.concatenate([(u[:-1, None] + (u[1:] - u[:-1])[:, None] * xp.arange(_LOOK) / _LOOK).ravel(), u[-1:]])
    y = (f(x[None, :]) + 0.0 * x[None, :])[0]  # of a constant too
    width = x[1:] - x[:-1]
    slope = (y[1:] - y[:-1]) / width
    noise = 1e-13 * (xp.abs(y[1:]) + xp.abs(y[:-1])) / width
    turns = xp.zeros(len(x) - 1, dtype=bool)
    turns[1:] = slope[1:] + noise[1:] < slope[:-1] - noise[:-1]
    cells = xp.zeros(len(u) + 1, dtype=bool)
    cells[1:-1] = turns.reshape(-1, _LOOK).any(axis=1)
    near = xp.zeros((len(u), _LOOK), dtype=bool)
    near[:-1] = (cells[:-2] | cells[1:-1] | cells[2:])[:, None]
    near[:, 0] = True
    near = near.ravel()[:len(x)]
    return x[near]


def _conjugate(f: Formula, t: Array, u: Array) -> Array:
    """f*(t) by the peaks of ut − f(u) on u, of few enough t at once that (t, u) fits into memory."""
    xp = namespace(t)
    most = max(1, 300_000 // len(u))
    return xp.concatenate([_of_block(f, t[k:k + most], u) for k in range(0, max(len(t), 1), most)])


def _of_block(f: Formula, t: Array, u: Array) -> Array:
    xp = namespace(t)

    def rounding(x: Array) -> Array:  # of the difference ut − f(u) of large numbers
        return 1e-15 * (xp.abs(t[:, None] * x) + xp.abs(f(x)))

    def height(x: Array) -> Array:
        return t[:, None] * x - f(x)

    whole = float(u[-1]) > 1e300
    while True:
        best, y, between = _highest(f, t, u)
        if not len(between):
            break
        u = xp.unique(xp.concatenate([u, between.ravel()]))
        if len(u) > _MOST:
            raise ValueError("ut − f(u) has more peaks between the points of u than can be told apart: give a finer u, "
                             "over an interval that holds the sup")
    if whole:
        y = _limit(height, rounding, best, y)
    return xp.where(best < 1e300, y, inf)[:, 0]


def _highest(f: Formula, t: Array, u: Array) -> tuple[Array, Array, Array]:
    """Where ut − f(u) is highest (n, 1), how high, and points between u's where a peak of u's turns out to be several.

    Each peak of u's points is climbed: 17 rounds of the best of 17 points between its neighbours.
    """
    xp = namespace(t)
    y = f(u[None, :])
    h, size = _lowered(t[:, None] * u, y)
    beyond = xp.full((len(t), 1), -inf)
    rising, falling = h[:, 1:] > h[:, :-1], h[:, :-1] >= h[:, 1:]
    peaks = xp.ones(h.shape, dtype=bool)
    peaks[:, 1:] &= rising
    peaks[:, :-1] &= falling
    rows, at = xp.nonzero(peaks)
    ends = xp.concatenate([beyond, h, beyond], axis=1)
    rise = h[rows, at] - xp.minimum(ends[rows, at], ends[rows, at + 2])
    some = (rise > 1e-15 * size[rows, at]) | (h[rows, at] == h.max(axis=1)[rows])  # not of rounding alone
    rows, at = rows[some], at[some]
    low, high = u[xp.maximum(at - 1, 0)][:, None], u[xp.minimum(at + 1, len(u) - 1)][:, None]
    steps, order = xp.linspace(0.0, 1.0, 17), xp.arange(16)
    several = xp.zeros(len(rows), dtype=bool)
    first = low + (high - low) * steps
    x, tolerance = first, 1e-14 + 1e-9 * xp.sort(_lowered(t[rows, None] * first, f(first))[1], axis=1)[:, 8:9]
    for level in range(17):
        z, _ = _lowered(t[rows, None] * x, f(x))
        k = xp.argmax(z, axis=1)[:, None]
        if level < 6:  # then it is rounding that makes them rough
            rise = z[:, 1:] - z[:, :-1]
            several = several | (xp.where(order < k, -rise, rise) > tolerance).any(axis=1)
        low, top, high = (xp.take_along_axis(x, xp.clip(k + d, 0, 16), axis=1) for d in (-1, 0, 1))
        x = low + (high - low) * steps
    rank = xp.arange(len(rows)) - xp.searchsorted(rows, rows)  # of a peak among those of its t
    most = int(rank.max()) + 1 if len(rows) else 1
    place, value = xp.zeros((len(t), most)), xp.full((len(t), most), -inf)
    place[rows, rank] = top[:, 0]
    value[rows, rank] = xp.take_along_axis(z, k, axis=1)[:, 0]
    best = xp.take_along_axis(place, xp.argmax(value, axis=1)[:, None], axis=1)
    return best, xp.where(value.max(axis=1, keepdims=True) == inf, inf, t[:, None] * best - f(best)), first[several]


def _lowered(tu: Array, y: Array) -> tuple[Array, Array]:
    """ut − f(u) less its rounding, and |ut| + |f(u)|; what is no number is no height, and of f = −∞ it is ∞."""
    xp = namespace(tu)
    size = xp.abs(tu) + xp.abs(y)
    h = xp.where(y == -inf, inf, tu - y - 1e-15 * size)
    return xp.where(xp.isnan(h), -inf, h), size


def _limit(height: Formula, rounding: Formula, best: Array, y: Array) -> Array:
    """y, or what ``height`` tends to as u → 0 or ∞ where at u = best it is still rising, by less than its rounding."""
    xp = namespace(y)
    s = best**0.2
    first = xp.where(best < 1.0, 0.0, 1.0)  # at 1e304 itself all is rounding, at 1e-304 f alone has any
    h = [height(best / s ** (first + k)) for k in range(4)]
    rises = [h[k] - h[k + 1] for k in range(3)]
    hidden = ((best > 1e3) & (y - height(0.5 * best) < 100 * rounding(best))) | (best < 1e-303)
    rising = hidden & (y < inf) & (rises[0] > 100 * rounding(best / s**first))
    rate, before = rises[0] / rises[1], rises[1] / rises[2]
    if bool((rising & (rate < 0.995) & ((rate > 0.97) | (abs(rate - before) > 0.1))).any()):
        raise ValueError("f*(t) at the end of dom f* is a limit that f's rounding hides: it may be finite or not")
    return xp.where(rising, xp.where(rate < 0.97, h[0] + rises[0] * rate / (1 - rate), inf), y)


def biconjugate(f: Formula, u: Array, grid: Array = _HALF_LINE, slopes: Array = _LINE) -> Array:
    """f**(u) = sup_t {ut − f*(t)}, numerically: f itself if it is convex, else its convex hull.

    u: (n,); grid: as in ``conjugate``; slopes: (k,), increasing, where to look for t first.
    Source: Rockafellar (1970), theorem 12.2. Checked by: D9.
    """
    u = as_numbers(u, "u", float).ravel()
    grid, slopes = _increasing(grid, "grid"), _increasing(slopes, "slopes")
    with np.errstate(all="ignore"):
        grid = _resolved(f, grid)

        def height(t: Array) -> tuple[Array, Array]:  # f* is convex, so that this has one peak; and its rounding
            ut, star = u[:, None] * t, _conjugate(f, t.ravel(), grid).reshape(t.shape)
            return ut - star, 1e-15 * (abs(ut) + abs(star))

        def lowered(t: Array) -> Array:
            y, rounding = height(t)
            return y - rounding

        t = argmax(lowered, slopes)[:, None]
        y, rounding = height(t)
        # Outside of f's domain it grows with |t| for ever; at its end, such as u = 0, it may tend to a number
        endless = (abs(t) > 1e300) & (y - height(0.5 * t)[0] > 100 * rounding)
        return namespace(u).where(endless, inf, y)[:, 0]
