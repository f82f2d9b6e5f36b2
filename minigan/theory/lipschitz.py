"""Lipschitz functions: what the critic of W₁ may be, the best of them, and how steep a network can get.

    ‖f‖_L = sup |f(x) − f(y)| / ‖x − y‖,      W₁(P, Q) = max over ‖f‖_L ≤ 1 of E_P f − E_Q f
    f = W_L φ(… φ(W₁ x))  with |φ′| ≤ 1  ⇒  ‖f‖_L ≤ Π σ₁(Wₗ)
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from math import prod, sqrt

import numpy as np

from minigan import autodiff
from minigan.arrays import Array, finfo, namespace, to_host
from minigan.autodiff import Tensor, greater, matmul, maximum, where
from minigan.theory.transport import c_transform, emd, ground_cost, matrix

__all__ = [
    "clipping_bound", "kantorovich_potential", "layer_norms", "lipschitz_bound", "lipschitz_on_grid",
    "potential_slope_1d", "power_iteration", "power_step",
]


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
    x = to_host(x)
    cost = ground_cost(x, to_host(y))
    return partial(_extended, x, _central(cost, emd(cost, a, b).plan))


def _central(cost: Array, plan: Array) -> Array:
    """The mean of the extreme optimal potentials, tight only where every optimal one is.

    The program's own ψ is a vertex, tight in n − 1 places too many; a kink of ψ at a fake each.
    """
    held = np.flatnonzero(plan.sum(axis=1))
    reach = np.full((len(cost), len(cost)), np.inf)  # ψᵢ − ψₖ ≤ reachᵢₖ, from ψᵢ + ψᶜⱼ ≤ Cᵢⱼ and ψₖ + ψᶜⱼ = Cₖⱼ
    for k in held:
        used = plan[k] > 0
        reach[:, k] = (cost[:, used] - cost[k, used]).min(axis=1)
    # Round trips have length 0, and rounding must not make them negative: each round would double them.
    reach += 1e-12 * abs(cost).max()
    np.fill_diagonal(reach, 0.0)
    for k in held:  # all shortest paths (Floyd & Warshall): each column is one extreme potential
        reach = np.minimum(reach, reach[:, k, None] + reach[k])
    return reach[:, held].mean(axis=1)


def _extended(x: Array, psi: Array, z: Array) -> Array:
    return -c_transform(psi, ground_cost(x, to_host(z)))


def potential_slope_1d(log_cdf_p: Array, log_cdf_q: Array) -> Array:
    """ψ′ = sign(G − F): on the line the best critic of P (cdf F) against Q (cdf G) climbs towards P.

    E_P ψ − E_Q ψ = ∫ ψ′ (G − F) dx ≤ ∫ |F − G| dx = W₁. In logs, which tell F from G far out, where both
    are 1 − 10⁻³⁰: scipy's log_ndtr, say. 0 only where F = G: no mass passes there, any slope would do.
    Source: Santambrogio (2015), proposition 2.17. Checked by: W16.
    """
    xp = namespace(log_cdf_p, log_cdf_q)
    return xp.sign(xp.asarray(log_cdf_q) - xp.asarray(log_cdf_p))


def lipschitz_on_grid(points: Array, values: Array) -> float:
    """max over i ≠ j of |fᵢ − fⱼ| / ‖xᵢ − xⱼ‖₂: the constant of f on these points, below that of f itself.

    points: (n,) on the line, where neighbours suffice, or (n, dim), where every pair counts, O(n²) memory;
    values: (n,). In any order. inf if two points coincide and their values do not. Checked by: W12, W14.
    """
    xp = namespace(points, values)
    x, f = xp.asarray(points, dtype=float), xp.asarray(values, dtype=float)
    if x.ndim not in (1, 2) or not x.size or f.shape != x.shape[:1]:
        raise ValueError(f"points (n,) or (n, dim) and values (n,) do not have shapes {x.shape} and {f.shape}")
    if not bool(xp.isfinite(x).all() & xp.isfinite(f).all()):
        raise ValueError("points and values must be finite")
    if x.ndim == 1:
        order = xp.argsort(x)
        run, rise = xp.diff(x[order]), abs(xp.diff(f[order]))
    else:
        run, rise = ground_cost(x, x), abs(f[:, None] - f)
    at_once = xp.where(rise > 0, xp.inf, 0.0)  # no run: a jump, or nothing
    slopes = xp.where(run > 0, rise / xp.where(run > 0, run, 1.0), at_once)
    return float(slopes.max()) if slopes.size else 0.0


def layer_norms(weights: Sequence[Array]) -> list[float]:
    """σ₁(Wₗ) of each matrix, its largest singular value: the Lipschitz constant of h ↦ h Wₗ. By SVD.

    Source: Miyato et al. (2018), eq. 6. Checked by: W12, W13.
    """
    return [float(namespace(W).linalg.svd(matrix(W, "weights", "(m, n)"), compute_uv=False).max()) for W in weights]


def lipschitz_bound(weights: Sequence[Array]) -> float:
    """Lip(net) ≤ Πₗ σ₁(Wₗ), for activations with |φ′| ≤ 1 (relu, leaky relu, tanh, sigmoid, softplus).

    Attained where nothing is lost between the layers; usually far above the true constant.
    Source: Miyato et al. (2018), eq. 7; Szegedy et al. (2014), section 4.3. Checked by: W12, W13.
    """
    return prod(layer_norms(weights))


def clipping_bound(sizes: Sequence[int], c: float) -> float:
    """Πₗ c √(mₗ nₗ) ≥ Πₗ ‖Wₗ‖_F ≥ Πₗ σ₁(Wₗ): what |w| ≤ c allows a net of layer sizes (d_in, …, d_out).

    Attained by weights that are all c, so it cannot be improved; exponential in the depth, hence the
    vanishing and exploding of clipped critics. Source: Gulrajani et al. (2017), section 3. Checked by: W12.
    """
    if len(sizes) < 2 or min(sizes) < 1 or not c >= 0:
        raise ValueError(f"a net has two sizes or more, all positive, and c is not negative: not {sizes} and {c}")
    return prod(c * sqrt(m * n) for m, n in pairwise(sizes))


def power_iteration(u: Array, v: Array, W: Array) -> tuple[Array, Array, float]:
    """v′ = Wᵀu/‖Wᵀu‖, u′ = W v′/‖W v′‖, σ = u′ᵀ W v′: one step, a pure function of the state (u, v).

    u: (m,), v: (n,), W: (m, n), in W's dtype. σ ≤ σ₁ always, rising to it: an estimate, never a bound
    (from u orthogonal to the first singular vector it stays at σ₂). v is only for Wᵀu = 0 and u for
    W v′ = 0, which have no direction: then the old one is kept.
    Source: Miyato et al. (2018), algorithm 1; Golub & Van Loan (2013), section 7.3. Checked by: W13.
    """
    xp, W = namespace(u, v, W), matrix(W, "weights", "(m, n)")
    if u.shape != W.shape[:1] or v.shape != W.shape[1:]:
        raise ValueError(f"u {u.shape} and v {v.shape} do not fit W {W.shape}: they are (m,), (n,) and (m, n)")
    u, v = (x.value[:, 0] for x in power_step(Tensor(u[:, None]), Tensor(v[:, None]), Tensor(W)))
    y = W @ v
    return u, v, float(xp.sqrt((y * y).sum()))


def power_step(u: Tensor, v: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
    """(u′, v′) of ``power_iteration``, of tensors: u (..., m, 1), v (..., n, 1), W (..., m, n)."""
    v = _direction(matmul(W, u, ta=True), v)
    return _direction(W @ v, u), v


def _direction(x: Tensor, otherwise: Tensor) -> Tensor:
    norm = autodiff.sqrt((x * x).sum((-2, -1), keepdims=True))
    return where(greater(norm, 0.0), x / maximum(norm, float(finfo(x.dtype).tiny)), otherwise)
