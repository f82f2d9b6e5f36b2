"""What is left of an integral at a singularity, at a finite end, within, or at ∞: does it converge, and to what?

Near a singularity c an integrand is t^s (a + b log t + ...), t = |x − c|, or of t = |x| at ∞. Over octaves of t it
integrates to a sum of geometric sequences (times k where there is a logarithm), which obeys a linear recurrence. The
recurrence is read off the octaves; its largest root r = 2^∓(s + 1) tells convergence, r < 1, from divergence, and
its sum is the rest, where no float is left between t and 0. That is Shanks' transformation, as QUADPACK's
ε-algorithm computes it, but that the root is looked at.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import frexp, inf, ldexp
from typing import NamedTuple

import numpy as np

from minigan.theory.quadrature import Function, Integrals, peak, refine, total

__all__: list[str] = []

_INNER, _OUTER = -46, -12  # octaves of t from 2⁻⁴⁶ |c|, 2⁻⁷ of which are a float's resolution, to 2⁻¹²
_FEWEST = 14
_WINDOWS = (21, 12)  # octaves that a recurrence is fitted to


def with_tails(
    g: Function, breaks: np.ndarray, centres: Sequence[float], low: float, high: float,
) -> np.ndarray:
    """∫ g over (low, high), (k,): by ``refine``, and by octaves towards each point where that finds no end.

    g: (n,) -> (k, n); breaks: where segments may end; centres: where singularities may be, others are found.
    ValueError where an integral cannot be settled to 1e-8 of ∫|g|.
    """
    poles: dict[float, int] = {}  # singular points, and how many octaves there are towards each
    while True:
        body = refine(g, *_body(breaks, poles))
        arms = [_towards(c, sign, n) for c, n in poles.items() for sign in (-1, 1) if low < c + sign * _least(c) < high]
        octaves = [refine(g, a, b, exact=True) for a, b in arms]
        every = np.concatenate([body.parts, *(x.parts for x in octaves)], axis=1)
        scale = np.abs(np.where(np.isfinite(every), every, 0.0)).sum(axis=1)
        found = _poles(g, scale, body, [*poles, *centres], _reach)
        for x in octaves:  # another pole among the octaves towards one
            found += _poles(g, scale, x, [*poles, *found], lambda c: 2.0**16 * _least(c))
        found = [c for c in dict.fromkeys(found) if c not in poles]
        if not found or len(poles) + len(found) > _MOST:  # more are noise
            break
        poles = {c: _room(c, [*centres, *poles, *found]) for c in [*poles, *found]}
    ends = [_outwards(sign) for sign, end, last in ((-1, low, body.parts[:, 0]), (1, high, body.parts[:, -1]))
            if abs(end) == inf and (np.abs(last) > 1e-17 * scale).any()]
    rests = [_rests(x.parts, scale, a[-1]) for x, (a, _) in zip(octaves, arms, strict=True)]
    rests += [_rests(refine(g, a, b).parts, scale, a[-1]) for a, b in ends]
    sums = total(np.concatenate([every, *rests], axis=1))
    doubt = sum(x.errors.sum(axis=1) for x in [body, *octaves])
    if (np.isfinite(sums) & (doubt > 1e-8 * scale + 1e-13 * np.sqrt(scale))).any():
        raise ValueError("the integrand is too rough to be integrated to 1e-8: is it random, or full of jumps?")
    return sums


_MOST = 16


def _body(breaks: np.ndarray, poles: dict[float, int]) -> tuple[np.ndarray, np.ndarray]:
    """The segments between the breaks, without the octaves around the poles."""
    holes = [(c - _least(c) * 2.0**n, c + _least(c) * 2.0**n) for c, n in poles.items()]
    ends = np.array([x for hole in holes for x in hole if breaks[0] < x < breaks[-1]])
    x = np.unique(np.concatenate([breaks, ends]))
    kept = np.ones(len(x) - 1, dtype=bool)
    for left, right in holes:
        kept &= (x[1:] <= left) | (x[:-1] >= right)
    return x[:-1][kept], x[1:][kept]


def _poles(
    g: Function, scale: np.ndarray, of: Integrals, centres: Sequence[float], reach: Callable[[float], float],
) -> list[float]:
    """Where bisection found no end, and it matters: at the nearest centre within reach, or where |g| is largest."""
    found: list[float] = []
    doubt = (of.errors / (1e-12 * scale + 1e-16 * np.sqrt(scale) + 1e-300)[:, None]).max(axis=0)
    for i in np.argsort(-doubt)[: np.count_nonzero(doubt > 1)]:
        if len({*found}) > _MOST:
            break
        a, b = of.stuck[i]
        near = [c for c in [*found, *centres] if a - 2 * reach(c) <= c <= b + 2 * reach(c)]
        worst = int((of.errors[:, i] / (scale + 1e-300)).argmax())
        found.append(sorted(near, key=partial(_gap, a, b))[0] if near else
                     peak(partial(_size, g, worst), np.linspace(a, b, 65)))
    return found


def _gap(a: float, b: float, c: float) -> float:
    return max(a - c, c - b, 0.0)


def _size(g: Function, k: int, x: np.ndarray) -> np.ndarray:
    return np.abs(g(x)[k])


def _least(c: float) -> float:
    """The least t = |x − c|, a power of 2, so that c ± 2ʲ t are floats."""
    return max(ldexp(1.0, frexp(c)[1] + _INNER), 2.0**-190) if c else 2.0**-190


def _reach(c: float) -> float:
    return _least(c) * 2.0 ** (_OUTER - _INNER)


def _room(c: float, others: Sequence[float]) -> int:
    """How many octaves from the least t, so that they reach no other centre."""
    gaps = [abs(x - c) for x in others if abs(x - c) > 4 * _least(c)]
    n = min(_OUTER - _INNER, int(np.log2(min(gaps, default=inf) / 2 / _least(c))) if gaps else inf)
    if n < _FEWEST:
        raise ValueError(f"the integrand is singular at x = {c!r}, too near to another singularity or a peak")
    return int(n)


def _towards(c: float, sign: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The octaves of t = |x − c| on one side, from the outermost inwards."""
    t = _least(c) * 2.0 ** np.arange(n, -1, -1)
    return (c + t[1:], c + t[:-1]) if sign > 0 else (c - t[:-1], c - t[1:])


def _outwards(sign: int) -> tuple[np.ndarray, np.ndarray]:
    t = 2.0 ** np.arange(176, 201)
    return (t[:-1], t[1:]) if sign > 0 else (-t[1:], -t[:-1])


def _rests(octaves: np.ndarray, scale: np.ndarray, place: float) -> np.ndarray:
    return np.array([[_rest(x, s, place)] for x, s in zip(octaves, scale, strict=True)])


def _rest(x: np.ndarray, scale: float, place: float) -> float:
    """What is missing from the sum of the octaves x towards a singularity: ±∞ if they diverge."""
    if not np.isfinite(x).all() or np.abs(x[-3:]).max() <= 1e-17 * scale:
        return 0.0
    fits = sorted(_recurrences(x), key=lambda fit: max(fit.residual, 3e-15))
    best, likely = fits[0], [fit for fit in fits if fit.residual < 2 * max(fits[0].residual, 3e-15)]
    roots = np.abs(next((fit for fit in _recurrences(x) if fit.residual < 1e-6), best).roots)
    # a root above 1 counts if its part is the largest in the end: else it is of a singularity a float's breadth aside
    diverges = roots.max() > 0.999 and abs(x[-1]) > 0.97 * abs(x[-2])
    slow = 0.97 < roots.max() < 0.999 and np.ptp(roots) > 1e-2  # as 1/k, which no power is
    rest = np.copysign(inf, x[-1]) if diverges else best.rest(x)
    doubt = max(abs(fit.rest(x) - rest) for fit in likely) if not diverges else 0.0
    if (best.residual > 1e-6 or slow or doubt > 1e-7 * scale) and not abs(rest) < 1e-8 * scale:
        raise ValueError(f"whether and to what the integral converges near x = {place:g} is not to be told from the "
                         "octaves there: use a variable in which that point is 0, where floats are densest")
    return float(rest)


class _Recurrence(NamedTuple):
    """xᵢ₊ₘ = Σⱼ cⱼ xᵢ₊ⱼ, from the octaves before ``end``; residual: of x, relative."""

    c: np.ndarray
    end: int
    residual: float

    @property
    def roots(self) -> np.ndarray:
        return np.roots([1.0, *-self.c[::-1]])

    def rest(self, x: np.ndarray) -> float:
        """What follows x[:end] by the recurrence, less what x says of it."""
        last = x[self.end - len(self.c) : self.end]
        follows = sum(c * last[j:].sum() for j, c in enumerate(self.c)) / (1 - self.c.sum())
        return float(follows - x[self.end :].sum())


def _recurrences(x: np.ndarray) -> Iterator[_Recurrence]:
    """Of orders 1, 2, 3, of the last octaves; then of others further out, in case a density is rounded near the end."""
    for end in range(len(x), 11, -6):
        for window in _WINDOWS:
            for order in (1, 2, 3, 4, 5) if window <= end else ():
                rows = np.lib.stride_tricks.sliding_window_view(x[end - window : end], order + 1)
                rows = rows / (np.abs(rows).max(axis=1, keepdims=True) + 1e-300)
                c = np.linalg.lstsq(rows[:, :-1], rows[:, -1])[0]
                yield _Recurrence(c, end, float(np.abs(rows[:, :-1] @ c - rows[:, -1]).max()))
