"""The other route to a divergence: a sum over plain floats (``math.fsum``) of its own formula, in ``OWN``.

A row added to ``minigan.theory.family.DIVERGENCES`` gets one here; until then the claims that need it pass it by,
and a test asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import fsum, inf, log, pi, sqrt
from typing import NamedTuple

import numpy as np

from minigan.arrays import Array, to_host
from minigan.claims.claim import Lab
from minigan.claims.faults import wrong
from minigan.theory.divergences import DIVERGENCES, FDivergence

Vector = np.ndarray


class Own(NamedTuple):
    """A divergence's own formula, of which D(P‖Q) is the sum over the atoms."""

    atom: Callable[[float, float], float]  # q f(p/q), p and q positive
    bound: float  # its largest value, f(0) + f′(∞)


OWN = {
    "kl": Own(lambda p, q: p * log(p / q), inf),
    "reverse-kl": Own(lambda p, q: q * log(q / p), inf),
    "pearson": Own(lambda p, q: (p - q) ** 2 / q, inf),
    "neyman": Own(lambda p, q: (p - q) ** 2 / p, inf),
    "squared-hellinger": Own(lambda p, q: (p + q) / 2 - sqrt(p * q), 1),
    "gan": Own(lambda p, q: p * log(2 * p / (p + q)) + q * log(2 * q / (p + q)), 2 * log(2)),
    "js": Own(lambda p, q: 0.5 * (p * log(2 * p / (p + q)) + q * log(2 * q / (p + q))), log(2)),
    "total-variation": Own(lambda p, q: 0.5 * abs(p - q), 1),
    "jeffreys": Own(lambda p, q: (p - q) * log(p / q), inf),
    "le-cam": Own(lambda p, q: (p + q) / 2 - 2 * p * q / (p + q), 1),
}


def order(name: str) -> float | None:
    """α of the row alpha(α); None of any other."""
    return float(name[6:-1]) if name.startswith("alpha(") else None


def row_of(name: str) -> Own:
    """OWN[name]. ValueError that says what to add where, if there is none."""
    if name not in OWN:
        raise ValueError(f"minigan/claims/divergences/atoms.py: OWN has no row {name!r}; add "
                         f"{name!r}: Own(lambda p, q: its q f(p/q) of one atom, its largest value)")
    return OWN[name]


def own(name: str, p: Array, q: Array) -> float:
    """Σ of the divergence's own formula; of an alpha row, (Σ p^α q^{1−α} − 1)/(α(α − 1)). ValueError if none."""
    atoms = list(zip(to_host(p).tolist(), to_host(q).tolist(), strict=True))
    a = order(name)
    if a is not None:
        return (fsum(x**a * y ** (1 - a) for x, y in atoms) - 1) / (a * (a - 1))
    return fsum(row_of(name).atom(x, y) for x, y in atoms)


def bound(name: str) -> float:
    """The largest value; of an alpha row 1/α + 1/(1 − α) for 0 < α < 1, else ∞."""
    a = order(name)
    if a is not None:
        return 1 / (a * (1 - a)) if 0 < a < 1 else inf
    return row_of(name).bound


def rows_with_own() -> list[FDivergence]:
    """The rows of the family whose value has another route to it here."""
    return [row for row in DIVERGENCES.values() if row.name in OWN or order(row.name) is not None]


def normal(mu: float, sigma: float) -> Callable[[Vector], Vector]:
    """log N(x; μ, σ²)."""
    return lambda x: -0.5 * ((x - mu) / sigma) ** 2 - log(sigma * sqrt(2 * pi))


def uniform(low: float, high: float) -> Callable[[Vector], Vector]:
    return lambda x: np.where((x > low) & (x < high), -log(high - low), -inf)


def on_grid(*log_densities: Callable[[Vector], Vector], low: float = -40.0, high: float = 40.0) -> list[Vector]:
    """The densities as probability vectors on 40,001 points: the trapezoid rule, spectrally exact for Gaussians."""
    x = np.linspace(low, high, 40_001)
    weights = [np.exp(log_p(x)) for log_p in log_densities]
    return [w / w.sum() for w in weights]


def random_pairs(lab: Lab, count: int = 4) -> list[tuple[Array, Array]]:
    """Pairs of positive probability vectors, of random sizes."""
    sizes = lab.rng.integers(2, 9, count)
    return [tuple(lab.array(x) for x in lab.rng.dirichlet(np.ones(n), 2)) for n in sizes]


P_Q_SWAPPED = wrong("P and Q swapped", lambda f, row, p, q, *rest, **options: f(row, q, p, *rest, **options))
GAUSSIANS_SWAPPED = wrong("P and Q swapped", lambda f, *pair: f(*pair[2:], *pair[:2]))


def _only_where_q(f: Callable, *args: Array, **options: float) -> float:
    """As a sum over the support of q does."""
    *row, p, q = args
    p, q = p[q > 0], q[q > 0]
    return f(*row, p / p.sum(), q, **options) if float(p.sum()) else 0.0


Q_ZERO_DROPPED = wrong("atoms with q = 0 dropped", _only_where_q)
