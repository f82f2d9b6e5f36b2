"""The transport problem solved exactly: the cheapest plan, and prices that prove it. On the host.

    min ⟨C, Γ⟩ over Γ ≥ 0 with Γ1 = a, Γᵀ1 = b  =  max Σ aᵢ ψᵢ + Σ bⱼ φⱼ over ψᵢ + φⱼ ≤ Cᵢⱼ

Equal weights of equal number are an assignment (SciPy's); all others go through the network simplex method
(``simplex.py``). From either only the routes are taken. Prices are then computed from them afresh, and they prove the
plan or refuse it.
"""

from collections.abc import Iterable, Iterator
from math import fsum
from typing import Any

import numpy as np

from minigan.arrays import Array, to_host
from minigan.theory.line import in_units, power_mean, wasserstein_1d
from minigan.theory.numbers import as_numbers
from minigan.theory.plans import (
    EPS,
    Prices,
    Transport,
    blocks,
    check_exponent,
    completed,
    costs,
    ground_cost,
    mass,
    points,
    problem,
)
from minigan.theory.simplex import optimal_tree, path_sums, two_sum

__all__ = ["emd", "emds", "wasserstein_assignment"]

# (parent, flow), both (n + m,): nodes are the rows, then the columns, each joined to its parent by a route; roots are
# their own parents.
Forest = tuple[np.ndarray, np.ndarray]
ROUNDS = 500  # of policy iteration; some twenty are enough
GROUPS = 6  # of rows, one at a time: half as many rounds as all at once
SLACK = 64 * EPS  # of a price: below that what is gained is rounding


def emd(cost: Array, a: Array | None = None, b: Array | None = None) -> Transport:
    """min ⟨C, Γ⟩ over Γ ≥ 0 with Γ1 = a, Γᵀ1 = b: the linear program, with its dual. On the host, exact.

    cost: (n, m), numbers up to 1e301 of any signs and sizes; for a forbidden cell, one far above the others. a: (n,),
    b: (m,), each summing to 1, of any sizes too. Masses are met to the last digits.
    Of two points that rounding sets against each other, one far away perhaps, the lighter one's price gives way; one
    without mass binds no other.
    RuntimeError, with the gap, if the prices do not prove the plan to 1e-9 of ⟨|C|, Γ⟩ (or 1e-12 of Σ a|ψ| + Σ b|φ|,
    what rounding makes of their sum). Equal weights of equal number take SciPy's linear_sum_assignment and some 10%
    more; others, at n = m = 500 .1 to 1 s, at 1,000 .5 to 4 s, of one core. Memory: three matrices like the cost, the
    plan among them (6 MB, 24 MB).
    Source: Peyré & Cuturi (2019), eqs. 2.11 and 2.20; `advanced`, "Wasserstein Distance". Checked by: W2.
    """
    return _transport(*problem(_here(cost, "cost"), _here(a, "a"), _here(b, "b")))


def emds(cost: Array, a: Array | None, bs: Iterable[Array]) -> Iterator[Transport]:
    """``emd(cost, a, b)`` for each b, one after another, each begun from the prices of the one before.

    bs: rows (k, m), or any iterable of weights (m,). One plan at a time is in memory, unless you keep them.
    """
    cost = costs(_here(cost, "cost"))
    return _each(cost, mass(np, _here(a, "a"), len(cost), "a"), bs)


def _each(cost: np.ndarray, a: np.ndarray, bs: Iterable[Array]) -> Iterator[Transport]:
    found = None
    for b in bs:
        b = mass(np, _here(b, "b"), cost.shape[1], "b")
        found = _transport(cost, a, b, found)
        yield found


def wasserstein_assignment(x: Array, y: Array, p: float = 1) -> float:
    """W_p = (min over permutations π of (1/n) Σᵢ ‖xᵢ − y_π(i)‖₂^p)^{1/p}: exact, no entropy, no projections.

    x, y: (n, dim), equal n. An optimal plan between samples of one size is a permutation (Birkhoff), so
    this is W_p itself. On the line the best π sorts both; elsewhere O(n³) time, O(n²) memory, on the host.
    Source: Peyré & Cuturi (2019), proposition 2.1 and section 2.6. Checked by: W3, W4, W5, W17.
    """
    check_exponent(p)
    x, y = (points(_here(x, what), what) for x, what in ((x, "x"), (y, "y")))
    if x.shape != y.shape:
        raise ValueError(f"assignment needs samples of equal size and dimension, not {x.shape} and {y.shape}")
    if x.shape[1] == 1:
        return wasserstein_1d(x[:, 0], y[:, 0], p)
    if p == np.inf:
        raise ValueError("p = inf is a bottleneck assignment, solved on the line only: p must be finite here")
    unit = 2.0 ** float(np.frexp(max(abs(x).max(), abs(y).max()))[1] - 1)  # so that no difference overflows
    gaps = ground_cost(x / unit, y / unit)
    equal = np.full(len(x), 1 / len(x))
    top, largest = 0.0, float(gaps.max())
    while largest and not (top and (largest / top) ** p > 1e-200):  # else the powers that matter may all be 0
        top = largest
        forest, _ = _solved(np.minimum(gaps / top, 2.0 ** (900 / p)) ** p, equal, equal)
        chosen = gaps[_routes(forest, len(x))[:2]]
        largest = float(chosen.max())
    return in_units(power_mean(chosen, equal, p) if largest else 0.0, unit)


def _here(x: Any, what: str) -> Any:
    """Numbers, on the host; None remains None."""
    return None if x is None else to_host(as_numbers(x, what, float))


# -- a proof -----------------------------------------------------------------------------------
def _transport(cost: np.ndarray, a: np.ndarray, b: np.ndarray, before: Transport | None = None) -> Transport:
    rows, columns = np.flatnonzero(a), np.flatnonzero(b)
    here = np.ix_(rows, columns)  # what holds no mass has no part in it
    all_hold = a.all() and b.all()
    forest, held = _solved(cost if all_hold else cost[here], a[rows], b[columns],
                           None if before is None else (before.psi[rows], before.psi_c[columns]))
    i, j, flow = _routes(forest, len(rows))
    plan = np.zeros(cost.shape)
    plan[rows[i], columns[j]] = flow
    psi, psi_c = np.zeros(len(a)), np.zeros(len(b))
    psi[rows], psi_c[columns] = held
    psi, psi_c = completed(psi, psi_c, cost, a, b)
    value = fsum((flow * cost[rows[i], columns[j]]).tolist())
    return Transport(value, _sum(a, psi) + _sum(b, psi_c), plan, psi, psi_c)


def _solved(
    cost: np.ndarray, a: np.ndarray, b: np.ndarray, before: Prices | None = None
) -> tuple[Forest, Prices]:
    """The routes of a cheapest plan, and the prices that prove it. RuntimeError if they do not. a, b: positive."""
    for forest in _forests(cost, a, b, before):
        i, j, flow = _routes(forest, len(a))
        psi, phi = settled(*_prices(cost, forest[0], np.concatenate([a, b])), cost, a, b)
        paid = flow * cost[i, j]
        gap = fsum(paid.tolist()) - _sum(a, psi) - _sum(b, phi)
        if abs(gap) <= max(1e-9 * abs(paid).sum(), 1e-12 * (_sum(a, abs(psi)) + _sum(b, abs(phi)))):
            return forest, (psi, phi)
    raise RuntimeError(f"the plan found for a cost of shape {cost.shape} is not proved optimal: it costs "
                       f"{fsum(paid.tolist()):.17g}, its prices are {gap:.3g} below")


def _forests(cost: np.ndarray, a: np.ndarray, b: np.ndarray, before: Prices | None) -> Iterator[Forest]:
    """Plans, the quickest method first: SciPy's assignment is not exact where costs are of very unlike sizes."""
    if len(a) == len(b) and (a == a[0]).all() and (b == b[0]).all():
        from scipy.optimize import linear_sum_assignment

        n = len(a)
        parent = np.arange(2 * n)
        reduced = cost - cost.min(axis=1)[:, None]  # SciPy does not begin with this, which may halve its time
        reduced -= reduced.min(axis=0)
        rows, columns = linear_sum_assignment(reduced)
        parent[n + columns] = rows
        yield parent, np.concatenate([np.zeros(n), a])
    yield optimal_tree(cost, a, b, before)


def _routes(forest: Forest, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows, columns, flows) of the routes of a forest over n rows."""
    parent, flow = forest
    v = np.flatnonzero(parent != np.arange(len(parent)))
    return np.minimum(v, parent[v]), np.maximum(v, parent[v]) - n, flow[v]


def _prices(cost: np.ndarray, parent: np.ndarray, masses: np.ndarray) -> Prices:
    """ψ, φ with ψᵢ + φⱼ = Cᵢⱼ on all routes of a forest, and ≤ elsewhere but for rounding, if there are any.

    Along a tree of the forest prices follow from each other, so each tree has but one number left, its height: at
    most what any other allows. In turn, some rows at a time, every tree that is too high is hung on the one that
    allows least, and what hangs is added up along the links (Howard), to twice a float's digits, for large costs
    cancel. Begun from prices of 0 (at the heaviest node of each tree), so that a cost that no mass pays, huge perhaps,
    does not get into them and take their digits.
    Source: Howard (1960), policy iteration; Ahuja, Magnanti & Orlin (1993), section 5.
    """
    n, m = cost.shape
    v = np.arange(n + m)
    i, j = np.minimum(v, parent), np.maximum(v, parent) - n
    paid = np.where(parent == v, 0.0, cost[i % n, j % m])
    high, low, root = path_sums(parent, np.where(v < n, paid, -paid))  # ψ of a row, −φ of a column
    tree = np.unique(root, return_inverse=True)[1]
    order = np.argsort(-masses, kind="stable")
    heaviest = order[np.unique(tree[order], return_index=True)[1]]
    start = _twice(high, low, -high[heaviest[tree]], -low[heaviest[tree]])
    u, alone, slack = start, np.arange(len(heaviest)), SLACK
    link, rise = alone.copy(), np.zeros((2, len(alone)))
    groups = np.array_split(v[:n], min(GROUPS, n))
    satisfied = turn = 0
    while satisfied < len(groups) and turn < ROUNDS * len(groups):
        rows = groups[turn % len(groups)]
        turn += 1
        at, least = _least_allowed(cost[rows[0] : rows[-1] + 1], u[0, n:])
        excess, of = u[0, rows] - least, n + at
        rounding = slack * (abs(least) + abs(u[0, rows]) + abs(u[0, of]))
        too_high = np.flatnonzero((excess > rounding) & (tree[rows] != tree[of]))  # no tree can hang on itself
        if not too_high.size:
            satisfied += 1
            continue
        satisfied = 0
        too_high = too_high[np.argsort(-excess[too_high], kind="stable")]
        changed, first = np.unique(tree[rows[too_high]], return_index=True)
        worst, of = rows[too_high[first]], of[too_high[first]]
        link[changed] = tree[of]
        above = _twice(cost[worst, of - n], np.zeros(len(of)), *start[:, of])
        rise[:, changed] = _twice(*above, *-start[:, worst])
        *height, top = path_sums(link, *rise)
        if (link[top] == top).all():
            u = _twice(*start, *(h[tree] for h in height))
        else:  # trees that hang on each other: what they gain is rounding, or the plan is not optimal
            start, link, rise, slack = u, alone.copy(), np.zeros((2, len(alone))), 4 * slack
    return u[0, :n], -u[0, n:]


def _twice(x: np.ndarray, x_rest: np.ndarray, y: np.ndarray, y_rest: np.ndarray) -> np.ndarray:
    """x + y, (2, k): rounded, and the rest."""
    total, lost = two_sum(x, y)
    return np.stack(two_sum(total, lost + (x_rest + y_rest)))


def settled(psi: np.ndarray, phi: np.ndarray, cost: np.ndarray, a: np.ndarray, b: np.ndarray) -> Prices:
    """ψ, φ with ψᵢ + φⱼ ≤ Cᵢⱼ: where they are above, if by rounding, the point that holds less gives way.

    C − φ of a huge φ, of a far point perhaps that holds next to nothing, is good to an ulp of φ: that must come off
    the price of that point, where it costs next to nothing.
    """
    above_psi, above_phi = (x + 8 * EPS * abs(x) for x in (psi, phi))
    down, left = np.zeros(len(a)), np.zeros(len(b))
    for rows in blocks(np, *cost.shape):
        i, j = np.nonzero(cost[rows] - above_psi[rows, None] <= above_phi)
        i += rows.start
        at, u, v = cost[i, j], psi[i], phi[j]
        excess = np.maximum(u - (at - v), v - (at - u))  # the one that is huge cancels first
        rows_give = a[i] < b[j]
        np.maximum.at(down, i[rows_give], excess[rows_give])
        np.maximum.at(left, j[~rows_give], excess[~rows_give])
    return _lowered(psi, down), _lowered(phi, left)


def _lowered(x: np.ndarray, by: np.ndarray) -> np.ndarray:
    """x − by or, where that is rounded, below."""
    return np.where(by > 0, x - by - EPS * abs(x), x)


def _least_allowed(cost: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each row minⱼ Cᵢⱼ + uⱼ: where, and what it is."""
    at, least = np.empty(len(cost), dtype=int), np.empty(len(cost))
    for rows in blocks(np, *cost.shape):
        allowed = cost[rows] + u
        at[rows] = allowed.argmin(axis=1)
        least[rows] = allowed[np.arange(len(allowed)), at[rows]]
    return at, least


def _sum(weights: np.ndarray, prices: np.ndarray) -> float:
    return fsum((weights * prices).tolist())
