"""The interval of a mean over seeds: the percentile bootstrap's, 95 %, for every table and picture.

10,000 resamples of the seeds, the 2.5 and the 97.5 % quantile of their means, from a fixed random stream. Chosen once,
for every metric and study: BCa is not defined where all seeds agree, and they often do.
Source: Efron & Tibshirani (1993), section 13.3.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

LEVEL, RESAMPLES = 0.95, 10_000
BATCH = 2**22  # numbers that are resampled at once


class Estimate(NamedTuple):
    """A mean over seeds and its 95 % interval; nan where there is none: of one seed there is no interval."""

    mean: Any
    low: Any
    high: Any


def interval(values: Sequence[float]) -> Estimate:
    """The mean of the values and the interval of it; those that are nan were not measured and do not count."""
    x = np.asarray(values, dtype=float)
    x = x[~np.isnan(x)]
    if not len(x):
        return Estimate(np.nan, np.nan, np.nan)
    if len(x) > 1 and (x == x[0]).all():  # and no rounding of the means
        return Estimate(float(x[0]), float(x[0]), float(x[0]))
    return Estimate(*map(float, interval_over(x, axis=0)))


def interval_over(x: np.ndarray, axis: int) -> Estimate:
    """The same for each of many numbers at once, along the axis of the seeds: arrays without that axis."""
    from scipy.stats import bootstrap

    mean = x.mean(axis)
    if x.shape[axis] < 2:
        return Estimate(mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan))
    found = bootstrap((x,), np.mean, axis=axis, vectorized=True, batch=max(1, BATCH // x.size), method="percentile",
                      confidence_level=LEVEL, n_resamples=RESAMPLES, random_state=np.random.default_rng(0))
    return Estimate(mean, *found.confidence_interval)
