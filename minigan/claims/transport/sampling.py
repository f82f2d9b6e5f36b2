"""The sampling floor (W17): two samples of one law are apart."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from minigan.claims.claim import Checks, Lab, at_most, claim, equals
from minigan.claims.faults import SCALE, SIGN, changed, instead
from minigan.claims.transport.programs import best_critic, by_permutations, exact_w1
from minigan.lab.metrics import sampling_floor
from minigan.lab.toys import TOYS
from minigan.theory import transport


@claim("W17", "E W₁(p̂ₙ, p̂′ₙ) > 0 falls with n; on the ring it is that of the modes' counts, to the modes' width",
       note="xu", paper="Dudley (1969); Fournier & Guillin (2015), theorem 1",
       computes={"wasserstein_assignment": transport.wasserstein_assignment,
                 "sampling_floor": sampling_floor})
def floor(f: Any, lab: Lab) -> Checks:
    x, y, shift = *lab.rng.normal(size=(2, 6, 2)), lab.rng.normal(size=2)
    yield equals("all 6! pairings", f.wasserstein_assignment(x, y), by_permutations(x, y))
    yield equals("a shifted sample", f.wasserstein_assignment(x, x + shift), np.linalg.norm(shift))
    ring, unit = TOYS["ring8"], TOYS["ring8-unit"]
    seed = int(lab.rng.integers(2**32))
    rng = np.random.default_rng(seed)
    draws = [exact_w1(ring.sample(rng, 32), ring.sample(rng, 32)) for _ in range(4)]
    yield equals("mean and sd of four draws, n = 32", f.sampling_floor(ring.sample, np.random.default_rng(seed), 32, 4),
                 [np.mean(draws), np.std(draws, ddof=1)])
    floors = {}
    for n, repeats in ((256, 20), (1024, 8)):
        found, spread = floors[n] = f.sampling_floor(ring.sample, np.random.default_rng(seed), n, repeats)
        counts, widths = _of_the_counts(ring, np.random.default_rng(seed), n, repeats)
        yield equals(f"the floor at n = {n}: of the counts of the 8 modes, by program", found, counts.mean(), rtol=0,
                     atol=widths.mean())
        # |sd(a) − sd(b)| ≤ sd(a − b), and no |aᵢ − bᵢ| is more than the widths
        yield equals("the sd of a draw", spread, counts.std(ddof=1), rtol=0,
                     atol=widths.max() * sqrt(repeats / (repeats - 1)))
    yield at_most("it falls with n", floors[1024][0], floors[256][0])
    rngs = [np.random.default_rng(seed) for _ in range(2)]
    halves = [f.sampling_floor(data.sample, rng, 64, 4)[0] for data, rng in zip((ring, unit), rngs, strict=True)]
    yield equals("radius 1 is the ring × 1.414/2", halves[1], halves[0] * 1.414 / 2)


def _of_the_counts(ring: Any, rng: np.random.Generator, n: int, repeats: int) -> tuple[np.ndarray, np.ndarray]:
    """W₁ of two samples whose points are moved to their modes, and by how far they moved, of so many draws.

    A linear program over the 8 modes. Moving both changes W₁ by at most what it moves: the triangle inequality.
    """
    cost = np.linalg.norm(ring.modes[:, None] - ring.modes, axis=2)
    distances, moves = [], []
    for _ in range(repeats):
        gaps = [np.linalg.norm(ring.sample(rng, n)[:, None] - ring.modes, axis=2) for _ in "xy"]
        distances.append(best_critic(cost, *(np.bincount(gap.argmin(axis=1), minlength=8) / n for gap in gaps)))
        moves.append(sum(gap.min(axis=1).mean() for gap in gaps))
    return np.array(distances), np.array(moves)

floor.must_notice(
    wasserstein_assignment=[SCALE, SIGN,
                            instead("no assignment", lambda x, y: float(np.linalg.norm(x - y, axis=1).mean()))],
    sampling_floor=[changed("scale", lambda s: (1.05 * s[0], 1.05 * s[1])),
                    changed("sign", lambda s: (-s[0], s[1])),
                    changed("sd of the mean", lambda s: (s[0], s[1] / 4)),
                    instead("one sample, twice", lambda sample, rng, n, repeats: (0.0, 0.0))])
