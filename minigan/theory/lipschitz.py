"""Lipschitz functions: what the critic of W₁ may be, the best of them, and how steep a network can get.

    ‖f‖_L = sup |f(x) − f(y)| / ‖x − y‖,      W₁(P, Q) = max over ‖f‖_L ≤ 1 of E_P f − E_Q f
    f = W_L φ(… φ(W₁ x))  with |φ′| ≤ 1  ⇒  ‖f‖_L ≤ Π σ₁(Wₗ)
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from math import frexp, inf, sqrt
from types import ModuleType

import numpy as np

from minigan import autodiff
from minigan.arrays import Array, finfo, namespace, to_host
from minigan.autodiff import Tensor, absolute, greater, matmul, maximum, where
from minigan.theory.numbers import as_numbers
from minigan.theory.plans import completed
from minigan.theory.program import settled
from minigan.theory.transport import Transport, c_transform, emd, ground_cost, matrix

__all__ = [
    "clipping_bound", "kantorovich_potential", "layer_norms", "lipschitz_bound", "lipschitz_on_grid",
    "potential_slope_1d", "power_iteration", "power_step",
]

EPS = float(finfo("float64").eps)
Scaled = tuple[float, int]  # x 2ᵏ, which a float may not hold


def kantorovich_potential(
    x: Array, y: Array, a: Array | None = None, b: Array | None = None
) -> Callable[[Array], Array]:
    """ψ(z) = maxᵢ ψᵢ − ‖z − xᵢ‖: an optimal 1-Lipschitz critic on all of space, E_x ψ − E_y ψ = W₁.

    x: (n, dim) of weights a (n,), y: (m, dim) of weights b (m,); the answer takes points (k, dim) to (k,).
    Optimal potentials are seldom unique: ψᵢ is the mean of the extreme ones, and the rest of space is as
    low as 1-Lipschitz allows (McShane). So its kinks are at the data x, and at a fake y only if y is
    coupled to several x: there ∇ψ is the gradient that the generator wants. On the host, O(n³).
    Source: Villani (2009), theorem 5.10 and its case 5.16. Checked by: W7, W10, W11.
    """
    x, y = (to_host(as_numbers(points, name, float)) for points, name in ((x, "x"), (y, "y")))
    cost = ground_cost(x, y)
    found = emd(cost, a, b)
    psi, weights = _central(cost, found), found.plan.sum(axis=1)
    psi, _ = settled(psi, -psi, ground_cost(x, x), weights, weights)  # rounding at a far x must not raise ψ elsewhere
    return partial(_extended, x, psi)


def _central(cost: Array, found: Transport) -> Array:
    """The mean of the extreme optimal potentials, tight only where every optimal one is.

    The program's own ψ is a vertex, tight in n − 1 places too many; a kink of ψ at a fake each.
    """
    a, b = found.plan.sum(axis=1), found.plan.sum(axis=0)
    held = np.flatnonzero(a)
    moved = found.plan > 1e-9 * np.minimum(a[:, None], b)  # a plan rounded onto its marginals is a little everywhere
    gap = cost - found.psi[:, None] - found.psi_c  # 0 where mass is moved
    size = cost + abs(found.psi)[:, None] + abs(found.psi_c)
    # What ψ may still rise, δᵢ − δₖ ≤ reachᵢₖ, from ψᵢ + ψᶜⱼ ≤ Cᵢⱼ and ψₖ + ψᶜⱼ = Cₖⱼ: never negative, so that no round
    # trip is, which would double with each round (Johnson).
    reach = np.full((len(cost), len(cost)), np.inf)
    for k in held:
        used = np.flatnonzero(moved[k])
        used = used[(gap[k, used] <= 1e-9 * size[k, used]) | (gap[k, used] == gap[k, used].min())]
        reach[:, k] = np.maximum(gap[:, used].min(axis=1), 0)
    np.fill_diagonal(reach, 0.0)
    for k in held:  # all shortest paths (Floyd & Warshall): each column is one extreme potential
        reach = np.minimum(reach, reach[:, k, None] + reach[k])
    # A far point that holds next to nothing has an extreme potential whose rounding would be everybody's.
    psi = found.psi + reach[:, a > 1e-6 * a.max()].mean(axis=1)
    source = np.where(moved, a[:, None], 0).argmax(axis=0)  # of each y, the heaviest x that is coupled to it
    phi = cost[source, np.arange(len(b))] - psi[source]
    columns = np.flatnonzero(b)
    psi[held], phi[columns] = settled(psi[held], phi[columns], cost[np.ix_(held, columns)], a[held], b[columns])
    return completed(psi, phi, cost, a, b)[0]


def _extended(x: Array, psi: Array, z: Array) -> Array:
    return -c_transform(psi, ground_cost(x, to_host(as_numbers(z, "z", float))))


def potential_slope_1d(log_cdf_p: Array, log_cdf_q: Array) -> Array:
    """ψ′ = sign(G − F): on the line the best critic of P (cdf F) against Q (cdf G) climbs towards P.

    E_P ψ − E_Q ψ = ∫ ψ′ (G − F) dx ≤ ∫ |F − G| dx = W₁. In logs, which tell F from G far out, where both
    are 1 − 10⁻³⁰: scipy's log_ndtr, say. 0 only where F = G: no mass passes there, any slope would do.
    Source: Santambrogio (2015), proposition 2.17. Checked by: W16.
    """
    F, G = as_numbers(log_cdf_p, "log_cdf_p"), as_numbers(log_cdf_q, "log_cdf_q")
    xp = namespace(F, G)
    if F.shape != G.shape or bool(xp.isnan(F).any() | xp.isnan(G).any()):
        raise ValueError(f"log_cdf_p and log_cdf_q must have one shape and no nan, not shapes {F.shape} and {G.shape}")
    return xp.where(F < G, 1.0, xp.where(F > G, -1.0, 0.0))  # by a difference, −∞ from −∞ would be nan


def lipschitz_on_grid(points: Array, values: Array) -> float:
    """max over i ≠ j of |fᵢ − fⱼ| / ‖xᵢ − xⱼ‖₂: the constant of f on these points, below that of f itself.

    points: (n,) on the line, where neighbours suffice, or (n, dim), where every pair counts, O(n²) memory;
    values: (n,). In any order. inf if two points coincide and their values do not; OverflowError if a distance or a
    slope is above 1.8e308. Of the values as they are: rounded by ε, they make a slope wrong by 2ε/‖xᵢ − xⱼ‖.
    Checked by: W12, W14.
    """
    x, f = as_numbers(points, "points", float), as_numbers(values, "values", float)
    xp = namespace(x, f)
    if x.ndim not in (1, 2) or not x.size or f.shape != x.shape[:1]:
        raise ValueError(f"points (n,) or (n, dim) and values (n,) do not have shapes {x.shape} and {f.shape}")
    if not bool(xp.isfinite(x).all() & xp.isfinite(f).all()):
        raise ValueError("points and values must be finite")
    with np.errstate(over="ignore"):
        if x.ndim == 1:
            order = xp.argsort(x)
            run, rise = xp.diff(x[order]), abs(xp.diff(f[order]))
        else:
            run, rise = ground_cost(x, x), abs(f[:, None] - f)
        at_once = xp.where(rise > 0, xp.inf, 0.0)  # no run: a jump, or nothing
        slopes = xp.where(run > 0, rise / xp.where(run > 0, run, 1.0), at_once)
    if not bool((xp.isfinite(run) & xp.isfinite(rise) & (xp.isfinite(slopes) | (run == 0))).all()):
        raise OverflowError("points or values are so far apart, or a slope so steep, that it is above 1.8e308: scale "
                            "the points or the values")
    return float(slopes.max()) if slopes.size else 0.0


def layer_norms(weights: Sequence[Array]) -> list[float]:
    """σ₁(Wₗ) of each matrix (m, n), its largest singular value: the Lipschitz constant of h ↦ h Wₗ. From above.

    In float64 on the host. Never below σ₁, rounding included, and above it by some (m + n) min(m, n) · 2e-16 of
    it; inf beyond 1.8e308. Source: Miyato et al. (2018), eq. 6. Checked by: W12, W13.
    """
    return [_product_above([norm]) for norm in _norms_above(weights)]


def lipschitz_bound(weights: Sequence[Array]) -> float:
    """Lip(net) ≤ Πₗ σ₁(Wₗ), for activations with |φ′| ≤ 1 (relu, leaky relu, tanh, sigmoid, softplus).

    Never below the product, as ``layer_norms`` are not, of whatever sizes its factors are. Attained where nothing
    is lost between the layers; usually far above the true constant. It bounds the function that the weights
    define; that function's own values, in floats, are rounded besides.
    Source: Miyato et al. (2018), eq. 7; Szegedy et al. (2014), section 4.3. Checked by: W12, W13.
    """
    return _product_above(_norms_above(weights))


def _norms_above(weights: Sequence[Array]) -> list[Scaled]:
    weights = [matrix(to_host(as_numbers(W, "weights", float)), "weights", "(m, n)") for W in weights]
    if not weights:
        raise ValueError("weights must hold a matrix or more, not none")
    return [_norm_above(W) for W in weights]


def _norm_above(W: Array) -> Scaled:
    """σ₁(W) ≤ ‖U‖ σ̂₁ ‖V‖ + ‖W − U Σ̂ Vᵀ‖_F, of the factors as LAPACK rounded them: whatever they are, a bound.

    √((1 + ‖UᵀU − I‖)(1 + ‖VᵀV − I‖)) ≤ 1 + half their sum bounds ‖U‖ ‖V‖; the whole is taken for the half, which
    covers the roundings of the norms. Products of p terms are rounded by p 2⁻⁵³ |A||B| (Higham 2002, eq. 3.13), here
    k (m + n + k + 2) 2⁻⁵³ σ̂₁ in all: ``rounding`` is more than that.
    """
    size = frexp(float(abs(W).max()))[1]
    W = np.ldexp(W, -size)  # entries below 1, which may be squared
    (m, n), k = W.shape, min(W.shape)
    U, sigma, Vt = np.linalg.svd(W, full_matrices=False)
    skew = sum(float(np.linalg.norm(Q - np.eye(k))) for Q in (U.T @ U, Vt @ Vt.T))
    residual, rounding = float(np.linalg.norm(W - (U * sigma) @ Vt)), k * (m + n + 8) * EPS
    return float(sigma[0]) * (1 + skew + rounding) + 2 * residual, size


def _product_above(factors: Iterable[Scaled]) -> float:
    """Π x 2ᵏ of pairs (x, k), x ≥ 0, rounded upwards: never 0 for a product that is not, whatever its factors are."""
    product, exponent = 1.0, 0
    for x, k in factors:
        product, shift = frexp(product * x * (1 + 4 * EPS))
        exponent += shift + k
    with np.errstate(over="ignore", under="ignore"):
        return float(np.nextafter(np.ldexp(product, exponent), inf)) if product else 0.0


def clipping_bound(sizes: Sequence[int], c: float) -> float:
    """Πₗ c √(mₗ nₗ) ≥ Πₗ ‖Wₗ‖_F ≥ Πₗ σ₁(Wₗ): what |w| ≤ c allows a net of layer sizes (d_in, …, d_out).

    Attained by weights that are all c, so it cannot be improved (but for its last digits: it is rounded upwards);
    exponential in the depth, hence the vanishing and exploding of clipped critics.
    Source: Gulrajani et al. (2017), section 3. Checked by: W12.
    """
    sizes = tuple(sizes)
    if not all(isinstance(n, int | np.integer) for n in sizes):
        raise TypeError(f"the sizes of a net's layers are whole numbers, not {sizes}")
    if len(sizes) < 2 or min(sizes) < 1 or not c >= 0:
        raise ValueError(f"a net has two sizes or more, all positive, and c is not negative: not {sizes} and {c}")
    return _product_above(scaled for m, n in pairwise(sizes) for scaled in (frexp(c), (sqrt(int(m) * int(n)), 0)))


def power_iteration(u: Array, v: Array, W: Array) -> tuple[Array, Array, float]:
    """v′ = Wᵀu/‖Wᵀu‖, u′ = W v′/‖W v′‖, σ = u′ᵀ W v′: one step, a pure function of the state (u, v).

    u: (m,), v: (n,), W: (m, n), of any scale; u′ and v′ in W's dtype, σ in float64. σ ≤ σ₁ always, but for the
    last digit, rising to it: an estimate, never a bound. From u orthogonal to the first singular vector it stays
    at σ₂ in exact arithmetic; in floats rounding brings in a little of that vector, which grows by (σ₁/σ₂)² a
    step, so that after some tens of steps (log(1/ε) / 2 log(σ₁/σ₂), ε the dtype's) σ leaves σ₂ for σ₁.
    v is only for Wᵀu = 0 and u for W v′ = 0, which have no direction: then the old one is kept.
    Source: Miyato et al. (2018), algorithm 1; Golub & Van Loan (2013), section 7.3. Checked by: W13.
    """
    W = matrix(as_numbers(W, "weights"), "weights", "(m, n)")
    u, v = as_numbers(u, "u", W.dtype), as_numbers(v, "v", W.dtype)
    xp = namespace(u, v, W)
    if u.shape != W.shape[:1] or v.shape != W.shape[1:]:
        raise ValueError(f"u {u.shape} and v {v.shape} do not fit W {W.shape}: they are (m,), (n,) and (m, n)")
    if not bool(xp.isfinite(u).all() & xp.isfinite(v).all()):
        raise ValueError("u and v must be finite")
    exponent = frexp(float(abs(W).max()))[1]
    W = xp.ldexp(W, -exponent)  # entries below 1, whose sums do not overflow
    u, v = (x.value[:, 0] for x in power_step(Tensor(u[:, None]), Tensor(v[:, None]), Tensor(W)))
    size = _length(xp, v)
    sigma = _length(xp, W.astype(float) @ (v.astype(float) / size)) if size else 0.0
    return u, v, float(np.ldexp(sigma, exponent))


def _length(xp: ModuleType, x: Array) -> float:
    """‖x‖₂ in float64, of entries of any size."""
    x = x.astype(float)
    size = float(abs(x).max())
    return size * float(xp.linalg.norm(x / size)) if size else 0.0


def power_step(u: Tensor, v: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
    """(u′, v′) of ``power_iteration``, of tensors: u (..., m, 1), v (..., n, 1), W (..., m, n)."""
    v = _direction(matmul(W, u, ta=True), v)
    return _direction(W @ v, u), v


def _direction(x: Tensor, otherwise: Tensor) -> Tensor:
    """x/‖x‖₂; ``otherwise`` where x = 0. By ‖x‖₁ first, which squares nothing: 1e-30² is 0 in float32, 1e30² is inf."""
    tiny, size = float(finfo(x.dtype).tiny), absolute(x).sum((-2, -1), keepdims=True)
    x = x / maximum(size, tiny)
    norm = autodiff.sqrt(matmul(x, x, ta=True))  # at least 1/√n, unless x = 0
    return where(greater(size, 0.0), x / maximum(norm, tiny), otherwise)
