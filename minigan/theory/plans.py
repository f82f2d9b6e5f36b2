"""A plan, the prices that prove how good it is, and what a transport problem is made of.

    inf over couplings Γ of ⟨C, Γ⟩  =  sup over ψ of Σ aᵢ ψᵢ + Σ bⱼ ψᶜⱼ,      ψᶜⱼ = minᵢ Cᵢⱼ − ψᵢ
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isfinite
from types import ModuleType
from typing import Any

import numpy as np

from minigan.arrays import Array, namespace, on_host
from minigan.theory.divergences import probabilities
from minigan.theory.numbers import as_numbers

__all__ = ["Transport", "c_transform", "ground_cost", "kantorovich_dual"]

LARGEST = 2.0**1000  # of a cost or a price, 1e301: sums of some of them are finite
SMALLEST = 2.0**-900  # a square below this has lost digits, or soon will
SMALLEST_COST = float(np.finfo(float).tiny)
EPS = float(np.finfo(float).eps)
CACHED = 2**15  # entries of a matrix that are worked on at once on the host: they stay near the processor

Prices = tuple[Array, Array]  # ψ (n,), φ (m,)


@dataclass(frozen=True, eq=False)  # arrays have no useful ==
class Transport:
    """A plan, and potentials that prove how good it is: dual ≤ the infimum ≤ value, whoever made them."""

    value: float  # ⟨C, plan⟩
    dual: float  # Σ aᵢ ψᵢ + Σ bⱼ ψᶜⱼ
    plan: Array  # Γ (n, m)
    psi: Array  # ψ (n,)
    psi_c: Array  # ψᶜ (m,): ψᵢ + ψᶜⱼ ≤ Cᵢⱼ everywhere, with equality where an optimal plan has mass

    @property
    def gap(self) -> float:
        """value − dual: by how much, at most, the plan is not optimal. Rounding apart, ≥ 0."""
        return self.value - self.dual


def ground_cost(x: Array, y: Array, p: float = 1) -> Array:
    """Cᵢⱼ = ‖xᵢ − yⱼ‖₂^p, (n, m), of points (n, dim) and (m, dim), p > 0.

    From differences, exact for points of any size, where ‖x‖² + ‖y‖² − 2⟨x, y⟩ loses small distances. OverflowError
    if a power exceeds the largest float, or if all are below the smallest (one alone beside larger ones counts as 0).
    """
    if not 0 < p < inf:
        raise ValueError(f"the power p of a distance must be positive and finite, not {p}")
    x, y = points(x, "x"), points(y, "y")
    xp = namespace(x, y)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"points of shapes {x.shape} and {y.shape} have different dimensions")
    unit = _unit(x, y)
    squares = _squares(x, y) if unit == 1 else _squares(x / unit, y / unit)
    few = xp.nonzero(squares < SMALLEST) if float(squares.min()) < SMALLEST else None
    with np.errstate(over="ignore", under="ignore"):
        cost = squares if p == 2 else xp.sqrt(squares, out=squares) if p == 1 else squares ** (p / 2)
        if unit != 1:  # in two steps, for unit^p alone may be 0 or infinite
            cost = cost * unit ** (p / 2) * unit ** (p / 2)
        if few is not None:
            cost[few] = _small_powers(x[few[0]], y[few[1]], p)
    if unit == 1 and p <= 2 and few is None:  # nothing can have gone beyond a float
        return cost
    top = float(cost.max())
    if top == inf or (top < SMALLEST_COST and bool((x != y[:1]).any() or (y != y[:1]).any())):
        beyond, use = ("above the largest", "larger") if top > 1 else ("below the smallest", "smaller")
        raise OverflowError(f"distances to the power {p:g} are {beyond} float: give the points in a {use} unit")
    return cost


def _unit(x: Array, y: Array) -> float:
    """A power of two in whose units no square of a difference overflows, nor all vanish; 1 where that is so anyway."""
    top = max(float(abs(x).max()), float(abs(y).max()))
    return 1.0 if 1e-100 < top < 1e100 or top == 0 else 2.0 ** float(np.frexp(top)[1] - 1)


def _squares(x: Array, y: Array) -> Array:
    """‖x − y‖²."""
    xp = namespace(x, y)
    if on_host(xp):
        from scipy.spatial.distance import cdist

        return cdist(x, y, "sqeuclidean")
    return sum((x[:, k, None] - y[:, k]) ** 2 for k in range(x.shape[1]))


def _small_powers(x: Array, y: Array, p: float) -> Array:
    """‖x − y‖^p of pairs whose squares are too small to be exact."""
    xp = namespace(x, y)
    length = xp.zeros(len(x))
    for k in range(x.shape[1]):
        length = xp.hypot(length, x[:, k] - y[:, k])
    return length**p


def c_transform(psi: Array, cost: Array) -> Array:
    """ψᶜⱼ = minᵢ Cᵢⱼ − ψᵢ, (m,), of ψ (n,) and C (n, m); of a potential on y, with C's transpose.

    Source: `xu`, "Wasserstein-p distance"; Santambrogio (2015), definition 1.10. Checked by: W7.
    """
    psi, cost = as_numbers(psi, "the potential", float), costs(cost)
    if psi.shape != cost.shape[:1]:
        raise ValueError(f"a potential of shape {psi.shape} has not one number for each row of a cost {cost.shape}")
    if not bool((abs(psi) <= 4 * LARGEST).all()):
        raise ValueError(f"the potential must be finite, none beyond {4 * LARGEST:.0e}")
    return lowest(psi, cost)


def lowest(psi: Array, cost: Array) -> Array:
    """ψᶜ of numbers that are known to be good."""
    xp = namespace(psi, cost)
    if cost.T.flags.c_contiguous and on_host(xp):  # a transpose: along its own rows
        return xp.concat([(cost.T[rows] - psi).min(axis=1) for rows in blocks(xp, *cost.T.shape)])
    found = xp.full(cost.shape[1], inf)
    for rows in blocks(xp, *cost.shape):
        found = xp.minimum(found, (cost[rows] - psi[rows, None]).min(axis=0))
    return found


def completed(psi: Array, phi: Array, cost: Array, a: Array, b: Array) -> Prices:
    """ψ and φ, those of points without mass as high as the others allow, and an ulp less: they bind no other.

    C − ψ of a huge ψ is good to an ulp of ψ, which must not come off the price of a point that holds mass.
    """
    xp = namespace(cost)
    if bool((a > 0).all() & (b > 0).all()):
        return psi, phi
    psi = xp.where(a > 0, psi, _below(lowest(xp.where(b > 0, phi, -inf), cost.T)))
    return psi, xp.where(b > 0, phi, _below(lowest(psi, cost)))


def _below(x: Array) -> Array:
    return x - EPS * abs(x)


def kantorovich_dual(psi: Array, cost: Array, a: Array | None = None, b: Array | None = None) -> float:
    """Σ aᵢ ψᵢ + Σ bⱼ ψᶜⱼ ≤ min ⟨C, Γ⟩, whatever ψ; the best ψ attains it. For C = ‖x − y‖^p/p: W_p^p/p.

    Source: Kantorovich (1942); `xu`, "Wasserstein-p distance". Checked by: W7.
    """
    cost, a, b = problem(cost, a, b)
    psi = as_numbers(psi, "the potential", float)
    return float((b * c_transform(psi, cost)).sum()) + float((a * psi).sum())


# -- what may go in -----------------------------------------------------------------------------
def problem(cost: Any, a: Any, b: Any) -> tuple[Array, Array, Array]:
    """C (n, m), a (n,) and b (m,) as float64; ValueError if they are no transport problem."""
    cost = costs(cost)
    xp = namespace(cost)
    return cost, mass(xp, a, cost.shape[0], "a"), mass(xp, b, cost.shape[1], "b")


def costs(x: Any) -> Array:
    x = matrix(as_numbers(x, "cost", float), "cost", "(n, m)")
    if max(float(x.max()), -float(x.min())) > LARGEST:
        raise ValueError(f"cost must hold no number beyond {LARGEST:.0e} in size: give it in a larger unit; for a "
                         "forbidden cell any number will do that is far above the others")
    return x


def matrix(x: Array, what: str, axes: str) -> Array:
    """x itself; ValueError unless it is a finite matrix, not empty. axes: its shape in letters."""
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"{what} must have shape {axes}, not {x.shape}")
    if not (isfinite(float(x.max())) and isfinite(float(x.min()))):  # nan too; quicker than to ask each
        raise ValueError(f"{what} of shape {x.shape} must be finite")
    return x


def mass(xp: ModuleType, w: Any, n: int, what: str) -> Array:
    """w as n float64 probabilities, the last digits of their sum put right; None: equal."""
    if w is None:
        return xp.full(n, 1 / n)
    w = probabilities(as_numbers(w, what, float), what)
    if w.shape != (n,):
        raise ValueError(f"{what} must have shape ({n},), one weight a point, not {w.shape}")
    return w / w.sum()


def points(x: Any, what: str) -> Array:
    """x as float64 (n, dim), n and dim at least 1, all finite."""
    x = as_numbers(x, what, float)
    xp = namespace(x)
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"{what} must have shape (n, dim), not {x.shape}")
    if bad := len(x) - int(xp.isfinite(x).all(axis=1).sum()):
        raise ValueError(f"{what} of shape {x.shape}: {bad} of {len(x)} points are not finite")
    return x


def check_exponent(p: float) -> None:
    if not p >= 1:
        raise ValueError(f"p must be at least 1, not {p}")


def blocks(xp: ModuleType, n: int, m: int) -> Iterator[slice]:
    """The rows of an (n, m) matrix in slices of CACHED entries; on a device all at once."""
    step = max(1, CACHED // m) if on_host(xp) else n
    return (slice(start, start + step) for start in range(0, n, step))
