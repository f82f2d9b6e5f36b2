"""What samples are measured against: other data, as many again, and noise that knows only their box.

No number of a table means much alone: uniform noise "finds" most modes of a grid, perfect samples are not 100 %
high quality, and W₁ between two samples of one law is not 0. So every table has two rows more, the ceiling and the
null baseline, and all of them, the history and the studies, are measured against draws made here: from a stream that
neither training nor sampling touches, so that no fake shares its randomness with a datum.

Of a user's table there is no more than its rows. Those held out are the data to be judged by, and the ceiling is the
rows of the training; a generator that has these by heart scores as well, and ``memorised`` tells it.
"""

from typing import NamedTuple

import numpy as np

from minigan.arrays import to_host
from minigan.lab.data import Data
from minigan.lab.metrics import W1_SAMPLES, mode_scores, wasserstein_1
from minigan.lab.state import STREAMS

YARDSTICKS = {"ceiling": "the data itself", "null": "uniform noise"}  # rows of ``Reference`` that are measured, too


class Reference(NamedTuple):
    """Independent draws, (n, d) each, in data units."""

    real: np.ndarray  # the data, against which samples are measured
    ceiling: np.ndarray | None  # the data once more: what a perfect generator would score; None: there are no more
    null: np.ndarray  # U(box of real): what scores who knows nothing else

    @property
    def yardsticks(self) -> dict[str, np.ndarray]:
        """The rows of YARDSTICKS that there are."""
        return {name: x for name in YARDSTICKS if (x := getattr(self, name)) is not None}


def draw_reference(data: Data, seed: int, n: int, step: int = 0) -> Reference:
    """The reference of a run's seed at a step; 0: of its end. Of (seed, step) alone, so every recipe meets the same.

    n draws of each; of a table at most as many as are held out, none twice. Nothing held out: real are the rows of
    the training, and there is no ceiling.
    """
    rng = np.random.default_rng([seed, len(STREAMS) + 1, step])
    again: np.ndarray | None
    n = reference_size(data, n)
    if data.held is not None and data.points is not None:
        real, again = (rng.choice(rows, n, replace=False) for rows in (data.held, data.points))
    else:
        real, again = (to_host(data.sample(rng, n)) for _ in range(2))
        again = again if data.points is None else None
    return Reference(real, again, rng.uniform(real.min(axis=0), real.max(axis=0), real.shape))


def reference_size(data: Data, n: int) -> int:
    """How many points each draw of a reference has, of n that are asked for."""
    return n if data.held is None or data.points is None else min(n, len(data.held), len(data.points))


def scores(data: Data, x: np.ndarray, real: np.ndarray, w1_samples: int = W1_SAMPLES) -> dict[str, float]:
    """Every number of samples x (n, d) that is printed: {w1} to the data ``real``, and of modes if they are known.

    W₁ is in ``data.scaling.unit``, between the first ``w1_samples`` points of each, or as many as there are.
    """
    x, real = to_host(x), to_host(real)
    n = min(len(x), len(real), w1_samples)
    seen = (data.scaling.to_net(points[:n]) for points in (x, real))  # where no square overflows
    return {**mode_scores(x, data.toy), "w1": data.scaling.length * wasserstein_1(*seen)}


def memorised(data: Data, x: np.ndarray) -> float:
    """The share of samples x (n, d) nearer to a row of the training than half of the rows held out are.

    Fresh data score ½, copies of the training 1, samples far from all data 0. Distances as the networks see them; a
    tie counts half. nan where nothing is held out. Source: the nearest-neighbour test of the training set, as in
    Meehan et al. (2020), "A non-parametric test to detect data-copying in generative models".
    """
    from scipy.spatial import KDTree

    if data.held is None or data.points is None:
        return float("nan")
    tree = KDTree(data.scaling.to_net(data.points))
    usual, distance = (tree.query(data.scaling.to_net(rows))[0] for rows in (data.held, x))
    typical = np.median(usual)
    return float(np.mean(distance < typical) + 0.5 * np.mean(distance == typical))
