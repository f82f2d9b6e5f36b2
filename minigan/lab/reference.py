"""What samples are measured against: fresh draws of the data, as many again, and noise that knows only their box.

No number of a table means much alone: uniform noise "finds" most modes of a grid, perfect samples are not 100 %
high quality, and W₁ between two samples of one law is not 0. So every table has two rows more, the ceiling and the
null baseline, and all of them, the history and the studies, are measured against draws made here: from a stream that
neither training nor sampling touches, so that no fake shares its randomness with a datum.
"""

from typing import NamedTuple

import numpy as np

from minigan.arrays import to_host
from minigan.lab.data import Data
from minigan.lab.state import STREAMS

YARDSTICKS = {"ceiling": "the data itself", "null": "uniform noise"}  # rows of ``Reference`` that are measured, too


class Reference(NamedTuple):
    """Independent draws, (n, d) each, in data units."""

    real: np.ndarray  # the data, against which samples are measured
    ceiling: np.ndarray  # the data once more: what a perfect generator would score
    null: np.ndarray  # U(box of real): what scores who knows nothing else


def draw_reference(data: Data, seed: int, n: int, step: int = 0) -> Reference:
    """The reference of a run's seed at a step; 0: of its end. Of (seed, step) alone, so every recipe meets the same."""
    rng = np.random.default_rng([seed, len(STREAMS) + 1, step])
    real, again = (to_host(data.sample(rng, n)) for _ in range(2))
    return Reference(real, again, rng.uniform(real.min(axis=0), real.max(axis=0), real.shape))
