"""Hypothesis strategies: random inputs of the mathematics, the awkward ones included.

    @given(pairs())
    def test_kl_is_not_negative(pair):
        p, q = pair
        assert kl(p, q) >= 0

Everything is float64 NumPy. A size left out is drawn too. Failing examples shrink towards few, equal,
round entries, so that they can be read.
"""

from __future__ import annotations

from functools import lru_cache
from math import log10

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

Pair = tuple[np.ndarray, np.ndarray]

LARGEST = 8  # entries or points, where the caller does not say how many
# Small whole numbers first: what shrinks does so towards 1. Then weights that differ by 100 orders of
# magnitude, yet whose ratios can still be cubed without an overflow.
_SHRINKING_TO_1 = [*range(1, 10)] * 10 + [1e-6, 1e-12, 1e-30, 1e-100] * 20 + [10 ** (k / 31) for k in range(-93, 94)]
# One choice an entry: what is drawn here is drawn thousands of times, and each choice costs
_POSITIVE = st.sampled_from([float(w) for w in _SHRINKING_TO_1])
_WEIGHT = st.sampled_from([0.0, *map(float, _SHRINKING_TO_1), *[0.0] * 180])
_OWNERS = st.sampled_from("pq-")
_COORDINATE = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3, allow_subnormal=False))


def _finite(low: float, high: float) -> SearchStrategy[float]:
    return st.floats(low, high, allow_subnormal=False)


def _sizes(n: int | None, least: int = 1) -> SearchStrategy[int]:
    return st.integers(least, LARGEST) if n is None else st.just(n)


@lru_cache(maxsize=256)  # a strategy is not cheap to make, and these are wanted at every draw
def _tuples(elements: SearchStrategy, n: int) -> SearchStrategy[tuple]:
    return st.tuples(*[elements] * n)


def _normalised(w: np.ndarray) -> np.ndarray:
    """w/Σw; all on the first where there is nothing."""
    if not w.any():
        w[0] = 1.0
    return w / w.sum()


@st.composite
def probability_vectors(draw: DrawFn, n: int | None = None, zeros: bool = True) -> np.ndarray:
    """p ≥ 0, Σ p = 1, (n,): n in 1 … 8 if left out; with zeros (unless excluded) and near-zeros down to 1e-100."""
    weight = _POSITIVE if not zeros or draw(st.booleans()) else _WEIGHT
    return _normalised(np.array(draw(_tuples(weight, draw(_sizes(n))))))


@st.composite
def pairs(draw: DrawFn, n: int | None = None) -> Pair:
    """(p, q), each (n,): independent supports, so that p may be 0 where q is not, or q where p is not."""
    size = draw(_sizes(n))
    return draw(probability_vectors(size)), draw(probability_vectors(size))


@st.composite
def pairs_with_common_support(draw: DrawFn, n: int | None = None) -> Pair:
    """(p, q), each (n,): p > 0 exactly where q > 0, so that every f-divergence is finite."""
    p = draw(probability_vectors(n))
    q = np.array(draw(_tuples(_POSITIVE, len(p))))
    return p, _normalised(np.where(p > 0, q, 0.0))


@st.composite
def disjoint_pairs(draw: DrawFn, n: int | None = None) -> Pair:
    """(p, q), each (n,), p · q = 0: KL = ∞ both ways, JS = log 2. ValueError if n < 2."""
    if n is not None and n < 2:
        raise ValueError(f"disjoint supports need n >= 2, not {n}")
    size = draw(_sizes(n, least=2))
    # Each entry belongs to p, to q or to neither; one of each is certain
    owner, w = np.array(draw(_tuples(_OWNERS, size))), np.array(draw(_tuples(_POSITIVE, size)))
    first = draw(st.integers(0, size - 1))
    second = (first + draw(st.integers(1, size - 1))) % size
    owner[first], owner[second] = "p", "q"
    return _normalised(np.where(owner == "p", w, 0.0)), _normalised(np.where(owner == "q", w, 0.0))


@st.composite
def gaussians(draw: DrawFn, low: float = 1e-3, high: float = 1e3) -> tuple[float, float]:
    """(μ, σ) of N(μ, σ²): log₁₀ σ uniform between low and high, |μ| ≤ high."""
    sigma = 10 ** draw(_finite(log10(low), log10(high)))
    return draw(_finite(-high, high)), min(max(sigma, low), high)


@st.composite
def mixtures(draw: DrawFn, dim: int = 1) -> tuple[np.ndarray, float, np.ndarray]:
    """(means (k, dim), σ, weights (k,)) of Σⱼ wⱼ N(μⱼ, σ² I): k ≤ 5, |μ| ≤ 10, .01 ≤ σ ≤ 10, w > 0."""
    k = draw(st.integers(1, 5))
    means = draw(_tuples(_finite(-10, 10), k * dim))
    sigma = 10 ** draw(_finite(-2, 1))
    weights = draw(_tuples(st.integers(1, 9), k))
    return np.reshape(means, (k, dim)).astype(float), float(sigma), np.array(weights) / sum(weights)


@st.composite
def point_clouds(draw: DrawFn, n: int | None = None, d: int | None = None) -> np.ndarray:
    """x, (n, d), |x| ≤ 1000; sometimes with duplicated points, sometimes all of them one point."""
    size, dim = draw(_sizes(n)), draw(st.integers(1, 3) if d is None else st.just(d))
    x = np.reshape(draw(_tuples(_COORDINATE, size * dim)), (size, dim)).astype(float)
    if draw(st.booleans()):
        return x
    return x[list(draw(_tuples(st.integers(0, size - 1), size)))]


@st.composite
def markov_kernels(draw: DrawFn, n: int, m: int | None = None) -> np.ndarray:
    """K ≥ 0, (n, m), each row summing to 1: p ↦ p K takes distributions on n points to ones on m (n if left out)."""
    return np.stack([draw(probability_vectors(n if m is None else m)) for _ in range(n)])
