"""The network simplex method for transport, in whole numbers: an optimal tree of routes, whatever the sizes.

    reduced cost of a route = Cᵢⱼ − ψᵢ − φⱼ = the cost of sending a unit round the cycle that it closes in the tree

A basic plan uses n + m − 1 routes that form a tree. A route whose cycle has a negative cost enters; as much mass goes
round the cycle as its falling flows allow, and the route that is empty first leaves.

Nothing is decided by a rounded number. Masses are floats, hence whole numbers of some power of two, and Python's whole
numbers have no limit: flows are exact, ties are ties, and a mass of 1e-300 is a mass. A cycle's cost is an exactly
rounded sum (``math.fsum``), so that its sign is right beside costs of any size. And no flow of a basic plan is ever 0,
for every row holds one more unit, too small to matter (Orden's perturbation), so that each exchange lowers the cost,
and the method ends.

Why not scipy.optimize.linprog: its tolerances are absolute, 1e-10, so that huge costs make the plan wrong and small
weights the program infeasible; it takes all n·m routes at once (44 s and 391 MB for n = m = 500), and grown round by
round from a few routes it took 68 s where this takes 7 (squared distances on the line, n = 1,000).
Source: Dantzig (1951); Orden (1956) for the perturbation; Peyré & Cuturi (2019), section 3.5.
"""

from math import fsum

import numpy as np

EPS = float(np.finfo(float).eps)
BLOCK = 2**16  # entries of the cost matrix that are looked at together
HEAD, SMOOTHING, ROUNDS = 0.1, 8, 100  # of the first guess: see ``guess``


def whole(w: np.ndarray) -> list[int]:
    """Positive floats as whole numbers of a common unit, exactly."""
    mantissas, exponents = np.frexp(w)
    shifts = exponents - exponents.min()
    return [k << s for k, s in zip((mantissas * 2.0**53).astype(np.int64).tolist(), shifts.tolist(), strict=True)]


def optimal_tree(
    cost: np.ndarray, a: np.ndarray, b: np.ndarray, prices: tuple[np.ndarray, np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The routes of a cheapest plan, and what each carries.

    cost: (n, m); a: (n,), b: (m,), positive, of sum 1 but for rounding; prices: ψ (n,) and φ (m,) to begin with.
    Answers (parent, flow), both (n + m,): nodes are the rows, then the columns, and node v is joined to its parent by
    a route that carries flow[v] > 0; roots are their own parents.
    """
    n = len(cost)
    A, B, total = _masses(a, b)
    spread = 2 * n + 1  # units to one of the masses', so that the perturbation cannot matter
    psi, phi = prices or guess(cost, a, b)
    tree = Tree(cost, *_least_cost(cost - psi[:, None] - phi, [spread * x + 1 for x in A],
                                   [spread * y for y in B[:-1]] + [spread * B[-1] + n]))
    while sum(tree.enter(i, j) for i, j in tree.candidates()):  # all of them: most are still good after the others
        pass
    flow = np.array([(f + n) // spread / total for f in tree.flow])
    parent = _without_rounding(np.array(tree.parent), flow, a, b)
    return parent, _flows(parent, A, B, total)


def _masses(a: np.ndarray, b: np.ndarray) -> tuple[list[int], list[int], int]:
    """a and b as whole numbers of the same total, which is third."""
    A, B = whole(a), whole(b)
    of_a, of_b = sum(A), sum(B)
    return [x * of_b for x in A], [y * of_a for y in B], of_a * of_b


class Tree:
    """A spanning tree of routes, hung from node 0. Node v's route to its parent carries flow[v] at cost[v] a unit."""

    def __init__(self, costs: np.ndarray, parent: list[int], flow: list[int]):
        self.costs, self.parent, self.flow = costs, parent, flow
        self.n = len(costs)
        self.cost = [0.0, *(float(costs[self.route(v)]) for v in range(1, len(parent)))]

    def route(self, v: int) -> tuple[int, int]:
        """(row, column) of the route from v to its parent."""
        n, up = self.n, self.parent[v]
        return (v, up - n) if v < n else (up, v - n)

    def candidates(self) -> list[tuple[int, int]]:
        """For each row its route of the most negative reduced cost, if that is more than rounding; the best first."""
        n = self.n
        steps = np.array(self.cost)
        steps[n:] *= -1
        high, low, _ = path_sums(np.array(self.parent), steps)  # ψ of a row, −φ of a column
        best, at = np.empty(n), np.empty(n, dtype=int)
        for start in range(0, n, step := max(1, BLOCK // self.costs.shape[1])):
            rows = slice(start, start + step)
            reduced = self.costs[rows] - (high[:n][rows, None] - high[n:])  # the large parts of ψ and φ cancel first
            reduced -= low[:n][rows, None] - low[n:]
            reduced += 4 * EPS * abs(self.costs[rows])
            at[rows] = reduced.argmin(axis=1)
            best[rows] = reduced.min(axis=1)
        order = np.argsort(best)[: int((best < 0).sum())]
        return list(zip(order.tolist(), at[order].tolist(), strict=True))

    def enter(self, i: int, j: int) -> bool:
        """Send round the cycle of route (i, j) what it bears, and exchange a route; False if that would not pay."""
        j += self.n
        parent, flow, cost, entering = self.parent, self.flow, self.cost, float(self.costs[i, j - self.n])
        left, right = self._cycle(i, j)
        falling, rising = left[::2] + right[::2], left[1::2] + right[1::2]
        if fsum([entering, *(cost[v] for v in rising), *(-cost[v] for v in falling)]) >= 0:
            return False
        leaving = min(falling, key=flow.__getitem__)
        amount = flow[leaving]
        for v in falling:
            flow[v] -= amount
        for v in rising:
            flow[v] += amount
        side, v, up = (left, i, j) if leaving in left else (right, j, i)
        carried, price = amount, entering
        for v in side[: side.index(leaving) + 1]:  # what hung from the leaving route hangs from the entering one
            following = v, flow[v], cost[v]
            parent[v], flow[v], cost[v] = up, carried, price
            up, carried, price = following
        return True

    def _cycle(self, i: int, j: int) -> tuple[list[int], list[int]]:
        """The nodes from i, and those from j, up to below where their ways to the root meet."""
        parent = self.parent
        left, right, place = [i], [], {i: 0}
        while (v := parent[left[-1]]) != left[-1]:
            place[v] = len(left)
            left.append(v)
        v = j
        while v not in place:
            right.append(v)
            v = parent[v]
        return left[: place[v]], right


def path_sums(
    parent: np.ndarray, step: np.ndarray, rest: np.ndarray | float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(s, rest, root): for each node of a forest Σ step + rest over its way to the root, to twice a float's digits.

    By doubling: so many times as the longest way has binary digits. Rounding errors are summed apart. Should parents
    form a circle, the numbers mean nothing.
    """
    up, below = parent, parent != np.arange(len(parent))
    s, low = np.where(below, step, 0.0), np.where(below, rest, 0.0)
    for _ in range(len(parent).bit_length()):
        s, lost = two_sum(s, s[up])
        low = low + low[up] + lost
        before, up = up, up[up]
        if (before == up).all():
            break
    return *two_sum(s, low), up


def two_sum(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x + y, rounded, and what rounding lost: exactly. Source: Knuth, TAOCP 2, section 4.2.2, theorem B."""
    total = x + y
    grown = total - x
    return total, (x - (total - grown)) + (y - grown)


def _least_cost(cost: np.ndarray, a: list[int], b: list[int]) -> tuple[list[int], list[int]]:
    """The least-cost rule: the cheapest route takes all it can, then the next: a first tree, as (parent, flow).

    a, b: whole masses of equal totals, no sum of some a being a sum of some b; they are used up.
    Source: Hitchcock (1941); Dantzig (1951).
    """
    n, m = cost.shape
    routes: list[list[tuple[int, int]]] = [[] for _ in range(n + m)]
    left = n + m - 1
    while left:
        rows, columns = (np.array([k for k, mass in enumerate(masses) if mass]) for masses in (a, b))
        rest = cost if len(rows) == n and len(columns) == m else cost[np.ix_(rows, columns)]
        few = min(rest.size, 8 * (len(rows) + len(columns)))  # of the cheapest: then most rows and columns are done
        at = np.argpartition(rest, few - 1, axis=None)[:few]
        at = at[np.argsort(rest.ravel()[at], kind="stable")]
        for i, j in zip(rows[at // len(columns)].tolist(), columns[at % len(columns)].tolist(), strict=True):
            if amount := min(a[i], b[j]):
                a[i], b[j], left = a[i] - amount, b[j] - amount, left - 1
                routes[i].append((n + j, amount))
                routes[n + j].append((i, amount))
    parent, flow, reached = [0] * (n + m), [0] * (n + m), [0]
    for v in reached:
        for w, amount in routes[v]:
            if w and w != parent[v]:
                parent[w], flow[w] = v, amount
                reached.append(w)
    return parent, flow


def guess(cost: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ψ, φ near the optimal ones, by Sinkhorn's scaling with costs capped: only time depends on them.

    ε: an eighth of what a row's cheaper routes (a tenth of them) differ by, in the median row.
    """
    psi = cost.min(axis=1)
    reduced = cost - psi[:, None]
    phi = reduced.min(axis=0)
    reduced -= phi
    head = int(HEAD * (cost.shape[1] - 1))
    epsilon = float(np.median(np.partition(reduced, head, axis=1)[:, head])) / SMOOTHING or 1.0
    with np.errstate(over="ignore"):
        kernel = np.exp(-np.minimum(reduced / epsilon, 300.0))
    u = np.ones(len(a))
    for _ in range(ROUNDS):
        v = 1 / ((a * u) @ kernel)
        u = 1 / (kernel @ (b * v))
    return psi + epsilon * np.log(u), phi + epsilon * np.log(v)


def _without_rounding(parent: np.ndarray, flow: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The tree without its empty routes, and without those that only the rounding of the weights fills.

    .1 + .2 against .3 leaves 3e-17 over, and where all other routes are forbidden that would cost 3e-17 times
    whatever stands for infinity. A flow is rounding if it is below 4 eps of all masses on the smaller side of its
    route, and is less than half of what either of its ends holds: a mass so small by itself stays.
    """
    nodes = np.arange(len(parent))
    masses = np.concatenate([a, b])
    depth = path_sums(parent, np.ones(len(parent)))[0]
    below = masses.tolist()
    for v in np.argsort(-depth)[:-1].tolist():  # the root is last
        below[parent[v]] += below[v]
    side = np.minimum(below, below[0] - np.array(below))
    ends = np.minimum(masses, masses[parent])
    kept = (flow > 0) & ~((flow <= 4 * EPS * abs(side)) & (flow < ends / 2))
    return np.where(kept, parent, nodes)


def _flows(parent: np.ndarray, A: list[int], B: list[int], total: int) -> np.ndarray:
    """What each route of a forest carries, for each node to have its mass.

    What is left over in a tree of it is rounding, and its heaviest node takes that: of a mass of 1e-12, 1e-17 would be
    the fifth digit.
    """
    depth, _, root = path_sums(parent, np.ones(len(parent)))
    masses, roots = [*A, *(-y for y in B)], root.tolist()
    over, heaviest = dict.fromkeys(roots, 0), {r: r for r in roots}
    for v, r in enumerate(roots):
        over[r] += masses[v]
        heaviest[r] = max(heaviest[r], v, key=lambda w: abs(masses[w]))
    for r, v in heaviest.items():
        masses[v] -= over[r]
    for v in np.argsort(-depth, kind="stable")[: int((depth > 0).sum())].tolist():
        masses[parent[v]] += masses[v]
    sent = (k if v < len(A) else -k for v, k in enumerate(masses))  # up by rows, down to columns
    return np.array([max(k, 0) / total for k in sent])
