"""The best a player can do: D* and what the game is worth to it, and the gradients that a generator then gets.

    V(D, G) = E_p log D(x) + E_q log(1 − D(x)),    max over D at D* = p/(p + q),    V(D*, G) = 2 JS(p‖q) − 2 log 2

with p the data's law (p_r) and q the generator's (p_g); JS is the mean of two KLs to the middle (with its ½).
Discriminators are given by their logits s, D = σ(s), and densities by their logarithms, so that nothing is
clipped and −∞ (no mass there) is welcome. Values are in nats.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import numpy as np

from minigan.arrays import Array, namespace
from minigan.autodiff import Tensor, grad, logsumexp
from minigan.autodiff.functions import as_tensor
from minigan.theory.densities import integrals
from minigan.theory.divergences import probabilities, same_shape
from minigan.theory.fdivergence import exp, softplus
from minigan.theory.numbers import as_numbers

__all__ = [
    "energy_value", "energy_value_between", "generator_gradient", "inverse_transform", "least_squares_value",
    "least_squares_value_between", "optimal_discriminator", "optimal_energy", "optimal_logit", "optimal_value",
    "optimal_value_between", "saturation_bound", "semi_supervised_discriminator", "value", "value_between",
]

OnLine = Callable[[np.ndarray], np.ndarray]  # points (n,) -> values (n,): a log-density, a logit


def optimal_logit(log_p: Array, log_q: Array) -> Array:
    """s* = log p − log q, with D* = σ(s*). Elementwise; 0 where neither has mass, as any value would do there.

    log_p, log_q: log-densities (or log-probabilities), −∞ allowed. ValueError for nan, +∞ or different shapes.
    Source: Goodfellow et al. (2014), proposition 1. Checked by: G1, G7.
    """
    log_p, log_q = as_numbers(log_p, "log_p"), as_numbers(log_q, "log_q")
    xp = namespace(log_p, log_q)
    same_shape(log_p=log_p, log_q=log_q)
    if not bool(((log_p < inf) & (log_q < inf)).all()):
        raise ValueError("log-densities must be below +inf and not nan")
    both_empty = xp.isneginf(log_p) & xp.isneginf(log_q)
    return xp.where(both_empty, 0, log_p) - xp.where(both_empty, 0, log_q)  # −∞ − (−∞) would be nan


def optimal_discriminator(log_p: Array, log_q: Array, real: float = 1.0, fake: float = 0.0) -> Array:
    """D* = (b p + a q)/(p + q), b = ``real`` and a = ``fake`` the labels: what the label of x is on average.

    Labels 1, 0 give the GAN's p/(p + q); 1 − α, 0 (one-sided smoothing) scale it; 1 − α, β put q in the
    numerator too (two-sided). Cross-entropy and squared error have the same D*, so it is LSGAN's as well.
    Elementwise, as ``optimal_logit``. Where neither has mass: the middle of the labels.
    Source: Goodfellow et al. (2014), prop. 1; Mao et al. (2017), eq. 5; Salimans et al. (2016), section 3.4.
    Checked by: G1, G3, G5, G9, G11.
    """
    return fake + (real - fake) * _sigmoid(optimal_logit(log_p, log_q))


def value(logits: Array, p: Array, q: Array) -> float:
    """V(D, G) = Σ p log D + Σ q log(1 − D) ≤ 0, D = σ(logits), of probability vectors. −∞ if D rules out what occurs.

    logits, p, q: (n,). ValueError unless p and q are probabilities that sum to 1 and the shapes agree.
    Source: Goodfellow et al. (2014), eq. 1. Checked by: G4, G5.
    """
    p, q = _probabilities(p, q)
    logits = as_numbers(logits, "logits", float)
    same_shape(logits=logits, p=p)
    if bool(namespace(logits).isnan(logits).any()):
        raise ValueError("logits must not be nan")
    return float(_payoff(logits, p, q).sum())


def optimal_value(p: Array, q: Array) -> float:
    """V(D*, G) = Σ p log(p/(p+q)) + Σ q log(q/(p+q)) = 2 JS(p‖q) − 2 log 2, in [−2 log 2, 0].

    p, q: (n,) probability vectors; ValueError otherwise. 0 iff they are disjoint, −2 log 2 iff they are equal.
    Source: Goodfellow et al. (2014), theorem 1. Checked by: G2, G3, G4, G5, G24.
    """
    p, q = _probabilities(p, q)
    return float(_payoff(optimal_logit(_log(p), _log(q)), p, q).sum())


def value_between(
    logit: OnLine, log_p: OnLine, log_q: OnLine, low: float = -inf, high: float = inf, points: Sequence[float] = ()
) -> float:
    """V(D, G) = ∫ p log D + q log(1 − D) dx over (low, high), D = σ(logit(x)), of densities on the line.

    Functions of points (n,), by adaptive quadrature on the host. points: where there are jumps, kinks or hidden
    peaks. ValueError if a density does not integrate to 1 there. Checked by: G4.
    """
    return integrals(lambda x: _payoff(logit(x), np.exp(log_p(x)), np.exp(log_q(x))),
                     log_p, log_q, low, high, points)


def optimal_value_between(
    log_p: OnLine, log_q: OnLine, low: float = -inf, high: float = inf, points: Sequence[float] = ()
) -> float:
    """V(D*, G) = ∫ p log(p/(p+q)) + q log(q/(p+q)) dx = 2 JS(p‖q) − 2 log 2: ``value_between`` at D*.

    Source: Goodfellow et al. (2014), theorem 1. Checked by: G2, G3, G22.
    """
    return value_between(lambda x: optimal_logit(log_p(x), log_q(x)), log_p, log_q, low, high, points)


def least_squares_value(p: Array, q: Array, a: float = -1.0, b: float = 1.0, c: float = 0.0) -> float:
    """C(G) = ½ E_p (D* − c)² + ½ E_q (D* − c)², D* = (b p + a q)/(p + q): LSGAN's game at its best D.

    With b − c = 1 and b − a = 2, 2C is Pearson's χ²(2q ‖ p + q) = Σ (p − q)²/(p + q). Of values only: the
    generator descends ½ E_q (D* − c)² with D* held fixed, whose gradient is not that of C.
    p, q: (n,) probability vectors; ValueError otherwise. Source: Mao et al. (2017), eqs. 6–11. Checked by: G9.
    """
    p, q = _probabilities(p, q)
    return float(_squared_error(p, q, _log(p), _log(q), a, b, c).sum())


def least_squares_value_between(
    log_p: OnLine, log_q: OnLine, low: float = -inf, high: float = inf, points: Sequence[float] = (),
    *, a: float = -1.0, b: float = 1.0, c: float = 0.0,
) -> float:
    """C(G) = ∫ ½ (p + q)(D* − c)² dx of densities on the line: as ``value_between`` and ``least_squares_value``.

    Checked by: G9.
    """
    def term(x: np.ndarray) -> np.ndarray:
        log_p_x, log_q_x = log_p(x), log_q(x)
        return _squared_error(np.exp(log_p_x), np.exp(log_q_x), log_p_x, log_q_x, a, b, c)

    return integrals(term, log_p, log_q, low, high, points)


def optimal_energy(log_p: Array, log_q: Array, margin: float = 1.0) -> Array:
    """D* = m where p < q, else 0: the energies in [0, ∞) that minimise E_p D(x) + E_q max(0, m − D(x)).

    Elementwise, as ``optimal_logit``; m is ``margin``. Where p = q any value in [0, m] would do.
    Source: Zhao et al. (2017), lemma 1. Checked by: G15.
    """
    s = optimal_logit(log_p, log_q)
    return namespace(s).where(s < 0, _margin(margin), 0.0).astype(s.dtype)


def energy_value(p: Array, q: Array, margin: float = 1.0) -> float:
    """V(D*, G) = m Σ min(p, q) = m (1 − TV(p, q)): EBGAN's game at its best D; m iff p = q, which is its equilibrium.

    V is what the critic minimises, E_q D(x) what the generator does. The hinge loss is this game with m = 2 and the
    score 1 − D. p, q: (n,) probability vectors; ValueError otherwise.
    Source: Zhao et al. (2017), theorems 1–2. Checked by: G15, G27.
    """
    p, q = _probabilities(p, q)
    return _margin(margin) * float(namespace(p).minimum(p, q).sum())


def energy_value_between(
    log_p: OnLine, log_q: OnLine, low: float = -inf, high: float = inf, points: Sequence[float] = (),
    *, margin: float = 1.0,
) -> float:
    """V(D*, G) = m ∫ min(p, q) dx of densities: as ``value_between`` and ``energy_value``. Checked by: G15."""
    return _margin(margin) * integrals(lambda x: np.exp(np.minimum(log_p(x), log_q(x))),
                                       log_p, log_q, low, high, points)


def generator_gradient(
    objective: Callable[[Tensor], Tensor], generator: Callable[[Tensor, Any], Tensor], theta: Array, z: Any,
    weights: Array | None = None,
) -> Array:
    """∇θ Σᵢ wᵢ ℓ(g_θ(zᵢ)) for an objective ℓ that does not know θ: the discriminator in it is held fixed.

    objective: tensors x to tensors ℓ(x), e.g. −softplus(s(x)) = log(1 − D(x)); generator: (θ, z) to x. theta: any
    shape, and so is the answer. weights: shaped as ℓ (None: the mean), so that z may be quadrature nodes.
    Source: Arjovsky & Bottou (2017), theorems 2.4–2.6. Checked by: G6, G7, G8, G9, G10, G22.
    """
    parameters = Tensor(theta)
    losses = objective(generator(parameters, z))
    total = losses.mean() if weights is None else (losses * as_tensor(weights, like=parameters)).sum()
    return grad(total, parameters).value


def saturation_bound(m: float, eps: float) -> float:
    """M ε/(1 − ε) ≥ ‖∇θ E log(1 − D(g_θ(z)))‖, D within ε < 1 of a perfect D* *and* its slope within ε of ∇D*.

    ε ≥ sup (|D − D*| + ‖∇(D − D*)‖) on the fakes, where D* = 0 and ∇D* = 0; M² ≥ E ‖J_θ g_θ(z)‖². A D that is
    near D* in value alone may be steep, and then nothing bounds the gradient. ValueError unless 0 ≤ ε < 1, M ≥ 0.
    Source: Arjovsky & Bottou (2017), theorem 2.4. Checked by: G6.
    """
    if not (0 <= eps < 1 and m >= 0):
        raise ValueError(f"the bound holds for 0 <= eps < 1 and m >= 0, not for eps = {eps}, m = {m}")
    return m * eps / (1 - eps)


def semi_supervised_discriminator(logits: Array) -> Array:
    """D = Z/(Z + 1), Z = Σ_k exp(l_k): the share of the K real classes beside a fake class of logit 0.

    logits: (..., K) to D: (...); −∞ allowed, nan refused. Overflows nowhere: D = σ(log Z), by log-sum-exp.
    Source: Salimans et al. (2016), section 5. Checked by: G23.
    """
    logits = as_numbers(logits, "logits")
    xp = namespace(logits)
    if not logits.ndim or not logits.shape[-1] or bool(xp.isnan(logits).any()):
        raise ValueError(f"class logits must have shape (..., K), K >= 1, and not be nan; got shape {logits.shape}")
    return _sigmoid(logsumexp(logits, -1).value)


def inverse_transform(cdf: Callable[[Array], Array], u: Array, low: float, high: float) -> Array:
    """F⁻¹(u) = inf {x : F(x) ≥ u}, by 100 bisections of [low, high]: if U ~ U(0, 1) then F⁻¹(U) ~ F.

    cdf: non-decreasing, points to probabilities, jumps allowed; u: any shape, within F(low) … F(high).
    ValueError otherwise. A generator of one latent, and exact (`xu`).
    Source: Devroye (1986), theorem II.2.1. Checked by: G25.
    """
    if not -inf < low < high < inf:
        raise ValueError(f"the quantiles must be sought in a finite range, low < high, not from {low} to {high}")
    u = as_numbers(u, "u")
    xp = namespace(u)
    below, above = xp.full_like(u, low), xp.full_like(u, high)
    if not bool(((cdf(below) <= u) & (u <= cdf(above))).all()):
        raise ValueError(f"every u must lie between F({low:g}) and F({high:g}), and not be nan: widen the range?")
    for _ in range(100):
        middle = 0.5 * below + 0.5 * above  # halved first: the sum of two large ends would overflow
        reached = cdf(middle) >= u
        below, above = xp.where(reached, below, middle), xp.where(reached, middle, above)
    return above


def _payoff(s: Array, p: Array, q: Array) -> Array:
    """p log σ(s) + q log(1 − σ(s)), entry by entry, with 0 · ∞ = 0."""
    xp = namespace(p)
    return -(xp.where(p > 0, p * softplus(xp.where(p > 0, -s, 0)), 0)
             + xp.where(q > 0, q * softplus(xp.where(q > 0, s, 0)), 0))


def _margin(m: float) -> float:
    if not 0 < m < inf:
        raise ValueError(f"a margin must be positive and finite, not {m}")
    return m


def _squared_error(p: Array, q: Array, log_p: Array, log_q: Array, a: float, b: float, c: float) -> Array:
    return 0.5 * (p + q) * (optimal_discriminator(log_p, log_q, real=b, fake=a) - c) ** 2


def _sigmoid(s: Array) -> Array:
    """1/(1 + e^{−s}) = exp(−softplus(−s)): to full relative precision at both ends."""
    return exp(-softplus(-s))


def _log(p: Array) -> Array:
    with np.errstate(divide="ignore"):  # log 0 = −∞ is meant
        return namespace(p).log(p)


def _probabilities(p: Array, q: Array) -> tuple[Array, Array]:
    p, q = probabilities(p, "p"), probabilities(q, "q")
    same_shape(p=p, q=q)
    return p, q
