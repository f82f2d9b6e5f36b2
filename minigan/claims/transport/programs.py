"""Other routes to a transport: a linear program over critics, which shares nothing with ours over plans; all pairings.

And the faults of plans and of critics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np

from minigan.claims.claim import Lab
from minigan.claims.faults import changed, wrong


def best_critic(cost: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """max Σ aψ + Σ bφ over ψᵢ + φⱼ ≤ Cᵢⱼ, as scipy solves it: the other side of every transport here."""
    from scipy.optimize import linprog

    n, m = cost.shape
    rows, columns = np.repeat(np.eye(n), m, axis=0), np.tile(np.eye(m), (n, 1))
    found = linprog(-np.concat([a, b]), A_ub=np.hstack([rows, columns]), b_ub=cost.ravel(), bounds=(None, None))
    return float(-found.fun)


def best_lipschitz(distance: np.ndarray, excess: np.ndarray, K: float) -> float:
    """max Σ excessᵢ fᵢ over |fᵢ − fⱼ| ≤ K dᵢⱼ: the supremum over K-Lipschitz functions on these points."""
    from scipy.optimize import linprog

    n = len(distance)
    i, j = np.nonzero(~np.eye(n, dtype=bool))
    differences = np.eye(n)[i] - np.eye(n)[j]
    found = linprog(-excess, A_ub=differences, b_ub=K * distance[i, j], A_eq=np.eye(n)[:1], b_eq=[0],
                    bounds=(None, None))
    return float(-found.fun)


def by_permutations(x: np.ndarray, y: np.ndarray, p: float = 1) -> float:
    """W_p of two small samples of one size, all pairings tried."""
    gaps = np.linalg.norm(x[:, None] - y, axis=2) ** p
    rows = np.arange(len(x))
    return min(float(gaps[rows, list(order)].mean()) for order in permutations(rows)) ** (1 / p)


def exact_w1(x: np.ndarray, y: np.ndarray) -> float:
    from scipy.optimize import linear_sum_assignment

    gaps = np.linalg.norm(x[:, None] - y, axis=2)
    return float(gaps[linear_sum_assignment(gaps)].mean())


def plane(ticks: np.ndarray) -> np.ndarray:
    """The square grid of these coordinates, (k², 2)."""
    return np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)


def shares(lab: Lab, n: Any) -> np.ndarray:
    return lab.rng.dirichlet(np.ones(n))


def on_common_support(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two empirical laws as probability vectors over the points of either."""
    points, index = np.unique(np.concat([x, y]), axis=0, return_inverse=True)
    return tuple(np.bincount(part, minlength=len(points)) / len(part)  # type: ignore[return-value]
                 for part in np.split(index.ravel(), [len(x)]))


def _equal_weights(f: Callable, cost: np.ndarray, a: np.ndarray, b: np.ndarray, *rest: Any) -> Any:
    return f(cost, np.full(len(a), 1 / len(a)), np.full(len(b), 1 / len(b)), *rest)


EQUAL_WEIGHTS = wrong("equal weights", _equal_weights)
VALUE_SCALED = changed("value × 1.05", lambda t: replace(t, value=1.05 * t.value))
VALUE_FAULTS = [VALUE_SCALED, changed("value × −1", lambda t: replace(t, value=-t.value)), EQUAL_WEIGHTS]
CRITIC_FAULTS = [
    changed("scale", lambda psi: lambda z: 1.05 * psi(z)),
    changed("sign", lambda psi: lambda z: -psi(z)),
]
FLAT = changed("flat", lambda psi: lambda z: 0 * psi(z))
