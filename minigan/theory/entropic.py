"""Transport with an entropy: a smooth problem, solved by scaling rows and columns in turn.

    min ⟨C, Γ⟩ + ε KL(Γ ‖ a bᵀ),      Γᵢⱼ = aᵢ uᵢ e^{−Cᵢⱼ/ε} vⱼ bⱼ
"""

from math import isfinite

import numpy as np

from minigan.arrays import Array, namespace
from minigan.autodiff import logsumexp
from minigan.theory.plans import EPS, Transport, blocks, completed, lowest, problem

__all__ = ["sinkhorn"]

SAFE = 300.0  # costs that differ by so many ε: their kernel e^{−C/ε}, times what u and v can become, is in a float
GROWN = 1e100  # a factor beyond this goes into the potentials


def sinkhorn(
    cost: Array, a: Array | None, b: Array | None, epsilon: float,
    max_iterations: int = 10_000, tolerance: float = 1e-9,
) -> Transport:
    """min ⟨C, Γ⟩ + ε KL(Γ ‖ a bᵀ), by vⱼ ← 1/Σᵢ aᵢ uᵢ e^{−Cᵢⱼ/ε} and u likewise, in turn.

    Where e^{−C/ε} or a factor would leave the range of a float, potentials take in what is too large for it. Stops when
    the column sums are right to ``tolerance``. Then the plan is moved onto the marginals and the potential
    c-transformed, so that, converged or not, dual ≤ min ⟨C, Γ⟩ ≤ value, and ``gap`` bounds the error of both. It goes
    to 0 with ε only.
    Source: Peyré & Cuturi (2019), sections 4.2 and 4.4 (remark 4.23: stabilised);
    the rounding: Altschuler et al. (2017), algorithm 2.
    Checked by: W2.
    """
    cost, a, b = problem(cost, a, b)
    span = float(cost.max()) - float(cost.min())
    if not 0 < epsilon < np.inf:
        raise ValueError(f"epsilon must be positive and finite, not {epsilon}")
    with np.errstate(all="ignore"):  # log 0 = −inf, where there is no mass; what else is not finite is refused here
        kernel, f, g, psi = _scaled(cost, a, b, epsilon, max_iterations, tolerance, far=span > SAFE * epsilon)
        plan = _rounded(kernel, f, g, a, b)
    if not isfinite(float(plan.sum()) + float(psi.sum())):
        raise ValueError(f"epsilon {epsilon} is below the rounding of costs that differ by {span:.3g}")
    xp = namespace(cost)
    psi = xp.where(a > 0, psi - 8 * EPS * abs(psi), -np.inf)  # neither what rounding does to a huge ψ binds others, nor
    psi_c = lowest(psi, cost)  # points without mass
    psi = xp.maximum(psi, lowest(xp.where(b > 0, psi_c, -np.inf), cost.T))  # and none is lowered by rounding
    psi, psi_c = completed(psi, psi_c, cost, a, b)
    return Transport(float(plan.ravel() @ cost.ravel()), float((a * psi).sum()) + float((b * psi_c).sum()),
                     plan, psi, psi_c)


def _scaled(
    cost: Array, a: Array, b: Array, epsilon: float, iterations: int, tolerance: float, far: bool
) -> tuple[Array, Array, Array, Array]:
    """K, f, g and ψ of Γᵢⱼ = fᵢ Kᵢⱼ gⱼ. far: begin from potentials found in the log domain."""
    xp = namespace(cost)
    psi, phi = xp.zeros(a.shape), xp.zeros(b.shape) + (0.0 if far else cost.min())
    while True:
        if far and iterations > 0:
            psi, phi = _step_in_logs(psi, cost, a, b, epsilon)
            iterations -= 1
        kernel = xp.empty(cost.shape)
        for rows in blocks(xp, *cost.shape):
            block = xp.subtract(phi, cost[rows], out=kernel[rows])
            block += psi[rows, None]
            block /= epsilon
            xp.exp(block, out=block)
        u, v, iterations, done = _factors(kernel, a, b, iterations, tolerance)
        if not isfinite(float(u.sum()) + float(v.sum())):  # the next step in logs will do better
            u, v = xp.ones(a.shape), xp.ones(b.shape)
        if done:
            return kernel, a * u, b * v, psi + epsilon * xp.log(u)
        psi, phi = psi + epsilon * xp.log(u), phi + epsilon * xp.log(v)


def _factors(kernel: Array, a: Array, b: Array, iterations: int, tolerance: float) -> tuple[Array, Array, int, bool]:
    """v ← 1/Kᵀ(a u), u ← 1/K(b v) until the column sums are right, no iteration is left, or a factor has grown.

    Answers u, v, the iterations left, and whether that is all.
    """
    xp = namespace(kernel)
    u, v, more = xp.ones(a.shape), xp.ones(b.shape), True
    while iterations > 0 and more:
        iterations -= 1
        sums = (a * u) @ kernel
        wrong = float((b * xp.minimum(abs(v * sums - 1), 1)).sum())
        v = 1 / sums
        if wrong <= tolerance:
            return u, v, iterations, True
        u = 1 / (kernel @ (b * v))
        more = max(float(u.max()), float(v.max())) < GROWN and min(float(u.min()), float(v.min())) > 1 / GROWN
    return u, v, iterations, iterations <= 0


def _step_in_logs(psi: Array, cost: Array, a: Array, b: Array, epsilon: float) -> tuple[Array, Array]:
    """φⱼ ← −ε log Σᵢ aᵢ e^{(ψᵢ − Cᵢⱼ)/ε}, then ψ likewise: whatever the sizes."""
    xp = namespace(cost)
    log_a, log_b = xp.log(a)[:, None], xp.log(b)
    phi = -epsilon * logsumexp((psi[:, None] - cost) / epsilon + log_a, axis=0).value
    return -epsilon * logsumexp((phi - cost) / epsilon + log_b, axis=1).value, phi


def _rounded(K: Array, f: Array, g: Array, a: Array, b: Array) -> Array:
    """A plan near f K g that has the marginals: scale down what is too much, spread what is missing as a product.

    In the memory of K.
    """
    xp = namespace(K)
    tiny = float(np.finfo(float).tiny)
    f = f * xp.minimum(a / xp.maximum(f * (K @ g), tiny), 1)
    g = g * xp.minimum(b / xp.maximum((f @ K) * g, tiny), 1)
    short_a, short_b = xp.maximum(a - f * (K @ g), 0), xp.maximum(b - (f @ K) * g, 0)
    short_b = short_b / xp.maximum(short_a.sum(), tiny)
    for rows in blocks(xp, *K.shape):
        block = K[rows]
        block *= f[rows, None]
        block *= g
        block += short_a[rows, None] * short_b
    return K
