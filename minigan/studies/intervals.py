"""The interval of a mean over seeds: a bootstrap's, 95 %, for every table and picture; of fewer than 6 seeds, none.

10,000 resamples of the seeds, from a fixed random stream, and two quantiles of their means: not the 2.5 and 97.5 %
ones, which for few seeds are too near to each other (of 10 normal ones they hold the mean 90 times in 100), but the
expanded ones of ``level``. Chosen once, for every metric and study: BCa is not defined where all seeds agree, and they
often do. Whatever the quantiles, the means lie within the seeds' range, and the range of n seeds holds the middle of a
symmetric law with probability 1 − 2^(1−n): of 2 seeds that is 50 %, of 5 it is 94, and 95 % take 6.
Sources: Efron & Tibshirani (1993), section 13.3; Hesterberg (2015), What teachers should know about the bootstrap,
expanded percentiles.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

LEVEL, RESAMPLES = 0.95, 10_000
LEAST = 6  # seeds: the first n with 1 − 2^(1−n) ≥ LEVEL
BATCH = 2**22  # numbers that are resampled at once


class Estimate(NamedTuple):
    """A mean over seeds and its 95 % interval; nan where there is none: see ``LEAST``."""

    mean: Any
    low: Any
    high: Any


def interval(values: Sequence[float]) -> Estimate:
    """The mean of the values and the interval of it; those that are nan were not measured and do not count."""
    x = np.asarray(values, dtype=float)
    x = x[~np.isnan(x)]
    if not len(x):
        return Estimate(np.nan, np.nan, np.nan)
    if len(x) >= LEAST and (x == x[0]).all():  # and no rounding of the means
        return Estimate(float(x[0]), float(x[0]), float(x[0]))
    return Estimate(*map(float, interval_over(x, axis=0)))


def interval_over(x: np.ndarray, axis: int) -> Estimate:
    """The same for each of many numbers at once, along the axis of the seeds: arrays without that axis."""
    from scipy.stats import bootstrap

    mean, n = x.mean(axis), x.shape[axis]
    if n < LEAST:
        return Estimate(mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan))
    found = bootstrap((x,), np.mean, axis=axis, vectorized=True, batch=max(1, BATCH // x.size), method="percentile",
                      confidence_level=level(n), n_resamples=RESAMPLES, random_state=np.random.default_rng(0))
    return Estimate(mean, *found.confidence_interval)


def level(n: int) -> float:
    """1 − 2 Φ(−√(n/(n−1)) t), t the 97.5 % quantile of Student's t_{n−1}: the quantiles taken, for a level of 95 %.

    The means of resamples of n seeds vary by √((n−1)/n) of what they should, and the t interval is wider than the
    normal one: of normal seeds, these quantiles give the t interval.
    """
    from scipy.stats import norm, t

    return float(1 - 2 * norm.cdf(-np.sqrt(n / (n - 1)) * t.ppf((1 + LEVEL) / 2, n - 1)))
