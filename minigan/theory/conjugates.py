"""f* and f**, found numerically: the tangents of any f, convex or not."""

from math import inf

import numpy as np

from minigan.arrays import Array, namespace
from minigan.theory.fdivergence import Formula
from minigan.theory.numbers import as_numbers
from minigan.theory.quadrature import argmax

__all__ = ["biconjugate", "conjugate"]

_HALF_LINE = np.exp(np.arange(-700.0, 700.1, 0.5))
_LINE = np.concatenate([-(2.0 ** np.arange(60, -40, -0.5)), [0.0], 2.0 ** np.arange(-40, 60, 0.5)])


def conjugate(f: Formula, t: Array, u: Array = _HALF_LINE) -> Array:
    """f*(t) = sup_u {ut − f(u)}, found numerically, for any f, convex or not.

    t: (n,). u: (m,), increasing: where to look first, over the interval that it spans; left out, (0, ∞) in steps
    of half a nat. To round-off, but where the sup is a limit as u → ∞, at the right end of dom f*: there
    ut − f(u) is all rounding from some u on, and what it tends to is told by how it grew before, ∞ or a number
    (to 1e-4 of it where it is as slow as u^−.01). ValueError where that does not tell. A t within 1e-15 of the end
    counts as the end, and a sup beyond u = 1e300 as ∞.
    Source: Rockafellar (1970), section 12. Checked by: D7, D9.
    """
    t = as_numbers(t, "t", float).ravel()
    xp = namespace(t)
    u = as_numbers(u, "u", float)

    def rounding(x: Array) -> Array:  # of the difference ut − f(u) of large numbers
        return 1e-15 * (xp.abs(t[:, None] * x) + xp.abs(f(x)))

    def height(x: Array) -> Array:
        return t[:, None] * x - f(x)

    with np.errstate(all="ignore"):
        best = argmax(lambda x: height(x) - rounding(x), u)[:, None]
        y = height(best)
        if float(u[-1]) > 1e300:
            y = _limit(height, rounding, best, y)
        return xp.where(best < 1e300, y, inf)[:, 0]


def _limit(height: Formula, rounding: Formula, best: Array, y: Array) -> Array:
    """y, or what ``height`` tends to as u → ∞ where at u = best it is still rising, by less than its rounding."""
    xp = namespace(y)
    s = best**0.2
    h = [height(best / s**k) for k in (1, 2, 3, 4)]
    rises = [h[k] - h[k + 1] for k in range(3)]
    rising = (best > 1e3) & (y - height(0.5 * best) < 100 * rounding(best)) & (rises[0] > 100 * rounding(best / s))
    rate, before = rises[0] / rises[1], rises[1] / rises[2]
    if bool((rising & (rate < 0.995) & ((rate > 0.97) | (abs(rate - before) > 0.1))).any()):
        raise ValueError("f*(t) at the end of dom f* is a limit that f's rounding hides: it may be finite or not")
    return xp.where(rising, xp.where(rate < 0.97, h[0] + rises[0] * rate / (1 - rate), inf), y)


def biconjugate(f: Formula, u: Array, grid: Array = _HALF_LINE, slopes: Array = _LINE) -> Array:
    """f**(u) = sup_t {ut − f*(t)}, numerically: f itself if it is convex, else its convex hull.

    u: (n,); grid: as in ``conjugate``; slopes: (k,), increasing, where to look for t first.
    Source: Rockafellar (1970), theorem 12.2. Checked by: D9.
    """
    return conjugate(lambda t: conjugate(f, t, grid).reshape(t.shape), u, slopes)
