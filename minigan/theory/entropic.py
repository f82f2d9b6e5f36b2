"""Transport with an entropy: a smooth problem, solved by scaling rows and columns in turn.

    min ⟨C, Γ⟩ + ε KL(Γ ‖ a bᵀ),      Γᵢⱼ = aᵢ uᵢ e^{−Cᵢⱼ/ε} vⱼ bⱼ
"""

import numpy as np

from minigan.arrays import Array, namespace
from minigan.autodiff import logsumexp
from minigan.theory.plans import LARGEST, Transport, lowest, problem

__all__ = ["sinkhorn"]

# Costs, in units of ε, may differ by so much that u, v, the kernel and their products stay between e^{∓708}, whatever
# the weights: u and v then differ by no more within themselves.
SAFE = 300.0


def sinkhorn(
    cost: Array, a: Array | None, b: Array | None, epsilon: float,
    max_iterations: int = 10_000, tolerance: float = 1e-9,
) -> Transport:
    """min ⟨C, Γ⟩ + ε KL(Γ ‖ a bᵀ), by vⱼ ← 1/Σᵢ aᵢ uᵢ e^{−Cᵢⱼ/ε} and u likewise, in turn.

    In the log domain if max C − min C > 300 ε, some ten times as long. Stops when the column sums are right to
    ``tolerance``. Then the plan is moved onto the marginals and the potential c-transformed, so that, converged or
    not, dual ≤ min ⟨C, Γ⟩ ≤ value, and ``gap`` bounds the error of both. It goes to 0 with ε only.
    Source: Peyré & Cuturi (2019), sections 4.2 and 4.4; the rounding: Altschuler et al. (2017), algorithm 2.
    Checked by: W2.
    """
    cost, a, b = problem(cost, a, b)
    span = float(cost.max()) - float(cost.min())
    if not 0 < epsilon < np.inf:
        raise ValueError(f"epsilon must be positive and finite, not {epsilon}")
    if span > LARGEST * epsilon:
        raise ValueError(f"epsilon {epsilon} is nothing beside costs that differ by {span:.3g}")
    scaled = _scaled if span <= SAFE * epsilon else _scaled_in_logs
    plan, psi = scaled(cost, a, b, epsilon, max_iterations, tolerance)
    plan = _round(plan, a, b)
    psi_c = lowest(psi, cost)
    psi = lowest(psi_c, cost.T)
    return Transport(float(plan.ravel() @ cost.ravel()), float((a * psi).sum()) + float((b * psi_c).sum()),
                     plan, psi, psi_c)


def _scaled(
    cost: Array, a: Array, b: Array, epsilon: float, max_iterations: int, tolerance: float
) -> tuple[Array, Array]:
    """The plan and ψ, by products with the kernel e^{−C/ε}."""
    xp = namespace(cost)
    kernel = (cost - cost.min()) / -epsilon
    kernel = xp.exp(kernel, out=kernel)
    u, v = xp.ones(a.shape), xp.ones(b.shape)
    for _ in range(max_iterations):
        sums = (a * u) @ kernel
        wrong = float((b * xp.minimum(abs(v * sums - 1), 1)).sum())
        v = 1 / sums
        if wrong <= tolerance:
            break
        u = 1 / (kernel @ (b * v))
    kernel *= (a * u)[:, None]
    kernel *= b * v
    return kernel, epsilon * xp.log(u)


def _scaled_in_logs(
    cost: Array, a: Array, b: Array, epsilon: float, max_iterations: int, tolerance: float
) -> tuple[Array, Array]:
    """The same by ψᵢ ← −ε log Σⱼ bⱼ e^{(φⱼ − Cᵢⱼ)/ε} and φ likewise."""
    xp = namespace(cost)
    with np.errstate(divide="ignore"):  # no mass: log 0 = −inf, and e^{−inf} = 0 does the rest
        log_a, log_b = xp.log(a)[:, None], xp.log(b)
    psi, phi = xp.zeros(a.shape), xp.zeros(b.shape)
    for _ in range(max_iterations):
        previous, phi = phi, -epsilon * logsumexp((psi[:, None] - cost) / epsilon + log_a, axis=0).value
        if float((b * abs(xp.expm1(xp.minimum((previous - phi) / epsilon, 1)))).sum()) <= tolerance:
            break
        psi = -epsilon * logsumexp((phi - cost) / epsilon + log_b, axis=1).value
    return xp.exp((psi[:, None] + phi - cost) / epsilon + log_a + log_b), psi


def _round(plan: Array, a: Array, b: Array) -> Array:
    """A plan nearby that has the marginals: scale down what is too much, spread what is missing as a product."""
    xp = namespace(plan)
    tiny = float(np.finfo(float).tiny)
    plan *= xp.minimum(a / xp.maximum(plan.sum(axis=1), tiny), 1)[:, None]
    plan *= xp.minimum(b / xp.maximum(plan.sum(axis=0), tiny), 1)
    short_a, short_b = xp.maximum(a - plan.sum(axis=1), 0), xp.maximum(b - plan.sum(axis=0), 0)
    plan += short_a[:, None] * (short_b / xp.maximum(short_a.sum(), tiny))
    return plan
