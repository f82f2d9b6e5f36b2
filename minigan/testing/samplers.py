"""Does a sampler draw from the law it names, from the generator it is given, and touch nothing else?

The statistical rows reject a right sampler with probability ``SIGNIFICANCE`` each, once for each of
three seeds; the draws depend on the seed alone, so a verdict does not change from run to run.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np
from hypothesis import strategies as st

from minigan.arrays import to_host
from minigan.testing.properties import Property, Skip, require, run

SIGNIFICANCE = 1e-6
Sampler = Callable[[np.random.Generator, int], Any]  # (rng, n) -> (n, d)


def check_sampler(
    sample: Sampler, *, cdf: Callable[[np.ndarray], Any] | None = None,
    density: Callable[[np.ndarray], Any] | None = None, modes: Any = None, sigma: float | None = None,
    weights: Any = None, d: int | None = None, dtype: Any = float, n: int = 100_000, seed: int = 0, skip: Skip = (),
) -> list[str]:
    """x ~ p: reproducible from its generator alone, (n, d), and of the law that you name.

    sample: (rng, n) -> (n, d). Name the law by any of: cdf, x (n,) -> F(x), on the line (Kolmogorov–Smirnov);
    density, x (n, d) -> p(x), d ≤ 2, smooth on a scale of 1/300 of its extent (χ² over cells of a grid);
    modes (k, d) with sigma and weights (None: equal) of a mixture of Gaussians far from each other
    (χ² over modes, then Kolmogorov–Smirnov of the squared distances within one).
    Returns the names of the properties that were checked. PropertyError: one does not hold.
    ValueError: modes without sigma, or a density in more than the plane.

    >>> check_sampler(lambda rng, n: rng.random((n, 1)), cdf=lambda x: x.clip(0, 1))[-1]
    'distribution function'
    """
    if (modes is None) != (sigma is None):
        raise ValueError("modes and sigma come together: the centres of Gaussians, and their standard deviation")
    mu = None if modes is None else np.asarray(modes, dtype=float)
    if d is None:
        d = mu.shape[1] if mu is not None else np.shape(to_host(_draw(sample, seed, 1)))[-1]
    if density is not None and d > 2:
        raise ValueError(f"a density is compared in 1 or 2 dimensions, not {d}")
    seeds = st.integers(seed, seed + 2)

    rows = [
        Property("shape and dtype", f"n draws are (n, {d}) of {np.dtype(dtype)}, finite",
                 {"size": st.sampled_from([1, 2, 1000])}, partial(_shaped, sample, d, dtype, seed)),
        Property("reproducible", "equal generators give equal draws, other generators others",
                 {"s": seeds}, partial(_reproducible, sample)),
        Property("no global state", "NumPy's and Python's global generators are neither read nor moved",
                 {"s": seeds}, partial(_no_global_state, sample)),
    ]

    def law(name: str, formula: str, holds: Callable[[np.ndarray], None]) -> Property:
        def of_seed(s: int) -> None:
            x = np.asarray(to_host(_draw(sample, s, n)), dtype=float).reshape(n, d)
            require(np.isfinite(x).all(), "a draw is not finite")
            holds(x)

        return Property(name, formula, {"s": seeds}, of_seed, examples=3)

    if mu is not None and sigma is not None:
        shares = np.full(len(mu), 1 / len(mu)) if weights is None else np.asarray(weights, dtype=float)
        rows += [
            Property("distinct modes", f"{len(mu)} modes in {len(mu)} places", {}, lambda: _distinct(mu, sigma)),
            law("shares of the modes", "χ²: each mode is nearest to its share of the draws",
                lambda x: _pearson(np.bincount(_nearest(x, mu)[0], minlength=len(mu)), shares * n)),
            law("spread of the modes", "‖x − μ‖²/σ² ~ χ²(d) within a mode", lambda x: _spread(x, mu, sigma)),
        ]
    if density is not None:
        rows.append(law("density", "χ²: ∫ p over each cell is its share of the draws", lambda x: _cells(x, density)))
    if cdf is not None:
        rows.append(law("distribution function", "sup |Fₙ − F| is as small as n draws make it",
                        lambda x: _kolmogorov(np.asarray(cdf(x[:, 0]), dtype=float))))
    return run([sample], rows, 20, seed, skip)


def _draw(sample: Sampler, seed: int, n: int) -> Any:
    return sample(np.random.default_rng(seed), n)


def _shaped(sample: Sampler, d: int, dtype: Any, seed: int, size: int) -> None:
    x = to_host(_draw(sample, seed, size))
    require(x.shape == (size, d), f"{size} draws have shape {x.shape}")
    require(x.dtype == np.dtype(dtype), f"the dtype is {x.dtype}")
    require(np.isfinite(x).all(), "a draw is not finite")


def _reproducible(sample: Sampler, s: int) -> None:
    first = to_host(_draw(sample, s, 50))
    require(np.array_equal(first, to_host(_draw(sample, s, 50))), "two equal generators gave different draws")
    require(not np.array_equal(first, to_host(_draw(sample, s + 1000, 50))), "two generators gave the same draws")


def _no_global_state(sample: Sampler, s: int) -> None:
    """Draw twice with the global generators in different states; see that nobody moved them."""
    # The global generator is what is on trial here, hence the exemptions
    kept = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        draws = []
        for state in (1, 2):
            random.seed(state)
            np.random.seed(state)  # noqa: NPY002
            before = _globals()
            draws.append(to_host(_draw(sample, s, 50)))
            require(before == _globals(), "a global generator was drawn from, or seeded")
        require(np.array_equal(draws[0], draws[1]), "the draws depend on a global generator")
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002


def _globals() -> tuple:
    state = cast(dict, np.random.get_state(legacy=False))["state"]  # noqa: NPY002
    return random.getstate(), state["key"].tolist(), state["pos"]


def _distinct(mu: np.ndarray, sigma: float) -> None:
    i, j = np.triu_indices(len(mu), 1)
    same = np.linalg.norm(mu[i] - mu[j], axis=1) < 1e-6 * sigma
    require(not same.any(), f"modes {i[same]} and {j[same]} coincide, such as the ends of linspace(0, 2π, k)")


def _nearest(x: np.ndarray, mu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    squared = ((x[:, None] - mu) ** 2).sum(axis=-1)
    index = squared.argmin(axis=1)
    return index, squared[np.arange(len(x)), index]


def _spread(x: np.ndarray, mu: np.ndarray, sigma: float) -> None:
    from scipy.stats import chi2

    _kolmogorov(chi2.cdf(_nearest(x, mu)[1] / sigma**2, mu.shape[1]))


def _kolmogorov(u: np.ndarray) -> None:
    """u = F(x) is uniform on [0, 1]."""
    from scipy.stats import kstest

    require(((u >= 0) & (u <= 1)).all(), "F(x) is not between 0 and 1")
    result = kstest(u, "uniform")
    require(result.pvalue > SIGNIFICANCE,
            f"sup |Fₙ − F| = {result.statistic:.4g} of {len(u)} draws, p = {result.pvalue:.2g}")


def _pearson(counts: np.ndarray, expected: np.ndarray) -> None:
    """Σ (counts − expected)²/expected ~ χ², the cells that expect fewer than 10 taken together."""
    from scipy.stats import chi2

    few = expected < 10
    if few.any():
        counts = np.append(counts[~few], counts[few].sum())
        expected = np.append(expected[~few], max(expected[few].sum(), 1.0))
    statistic = ((counts - expected) ** 2 / expected).sum()
    p = chi2.sf(statistic, len(counts) - 1) if len(counts) > 1 else 1.0  # all in one cell, whatever it expects
    worst = int(np.argmax(np.abs(counts - expected) / np.sqrt(expected)))
    require(p > SIGNIFICANCE, f"χ² = {statistic:.4g} of {len(counts)} cells, p = {p:.2g}; worst: "
                              f"{counts[worst]:g} draws in cell {worst}, {expected[worst]:.1f} expected")


def _cells(x: np.ndarray, density: Callable[[np.ndarray], Any]) -> None:
    """χ² over the cells of a grid on the draws' bounding box; ∫ p by the midpoint rule, 25 points a side of each."""
    n, d = x.shape
    cells, points = {1: 200, 2: 40}[d], 25
    low, high = x.min(axis=0), x.max(axis=0)
    low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)
    ticks = [a + (b - a) * (np.arange(cells * points) + 0.5) / (cells * points) for a, b in zip(low, high, strict=True)]
    volume = float(np.prod((high - low) / (cells * points)))
    mass = np.zeros((cells,) * d)
    for i in range(cells):  # a slab at a time: 1000² points at once are much memory
        slab = [ticks[0][i * points : (i + 1) * points], *ticks[1:]]
        at = np.stack(np.meshgrid(*slab, indexing="ij"), axis=-1).reshape(-1, d)
        p = np.asarray(to_host(density(at)), dtype=float).reshape([points, *[cells, points] * (d - 1)])
        mass[i] = p.sum(axis=(0, 2) if d == 2 else 0) * volume
    total = float(mass.sum())
    require(abs(total - 1) < 1e-2, f"∫ p = {total:.6g} over the box of the draws and a tenth around it")
    index = np.minimum(((x - low) / (high - low) * cells).astype(int), cells - 1)
    counts = np.zeros((cells,) * d)
    np.add.at(counts, tuple(index.T), 1)
    _pearson(counts.reshape(-1), mass.reshape(-1) / total * n)
