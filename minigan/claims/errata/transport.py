"""Errata about WGAN, its critics and their penalties (E4, E5, E10, E13–E15, E18, E19, E22)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor, grad
from minigan.claims.claim import Checks, Lab, at_least, claim, equals
from minigan.claims.faults import SCALE, SIGN, SWAPPED, instead, shifted, wrong
from minigan.gans.lipschitz import gradient_penalty
from minigan.gans.losses import wasserstein_generator
from minigan.theory.lipschitz import layer_norms, lipschitz_on_grid
from minigan.theory.transport import earth_movers_piles, wasserstein_1d


@claim("E4", "spectral normalisation divides W by \"the singular value\"",
         truth="by the largest: divided by any other, W stays too steep", note="advanced",
         paper="Miyato et al. (2018), eq. 8", computes={"norm": lambda w: layer_norms([w])[0]})
def the_largest_singular_value(f: Any, lab: Lab) -> Checks:
    w = lab.rng.normal(size=(5, 3))
    directions = lab.rng.normal(size=(20_000, 3))
    stretch = np.linalg.norm(directions @ w.T, axis=1) / np.linalg.norm(directions, axis=1)
    singular = np.sqrt(np.linalg.eigvalsh(w.T @ w))  # another route than an SVD
    yield equals("‖W/σ₁‖", f.norm(w / singular[2]), 1.0)
    yield equals("‖W/σ₂‖ = σ₁/σ₂ > 1", f.norm(w / singular[1]), singular[2] / singular[1])
    yield at_least("σ₁ ≥ ‖Wx‖/‖x‖ for 20,000 x", f.norm(w), stretch.max())

the_largest_singular_value.must_notice(
    norm=[SCALE, SIGN, instead("the smallest", lambda w: np.linalg.svd(w)[1].min())])


def generator_step(theta: float, w: float, loss: Callable = wasserstein_generator) -> float:
    """θ − 0.1 ∂L/∂θ for G(z) = θ + z and the critic f(x) = wx."""
    t, z = Tensor(np.array(theta)), np.linspace(-1, 1, 5)[:, None]
    return theta - 0.1 * grad(loss((t + z) * w), t).item()


@claim("E5", "the generator is updated \"to maximize\" −(1/m) Σ D(G(z))",
         truth="its formula minimises it: the step raises the critic's score of the fakes", note="advanced",
         paper="Arjovsky et al. (2017), algorithm 1", computes={"step": generator_step})
def the_generators_sign(f: Any, lab: Lab) -> Checks:
    for w in (2.0, -3.0):
        yield equals(f"θ after a step from 1, f(x) = {w:g}x", f.step(1.0, w), 1.0 + 0.1 * w)

UPHILL = wrong("the other sign", lambda step, theta, w: 2 * theta - step(theta, w))
the_generators_sign.must_notice(step=[UPHILL, SCALE])


@claim("E10", "a function that is continuously differentiable everywhere is Lipschitz",
         truth="x² is not, on the whole line: its constant on [−R, R] is 2R", note="weng",
         paper="Rudin (1976), theorem 5.19", computes={"constant": lipschitz_on_grid})
def smooth_is_not_lipschitz(f: Any, lab: Lab) -> Checks:
    for r in (1.0, 10.0, 1000.0):
        x = np.linspace(-r, r, 4001)
        yield equals(f"x² on [−{r:g}, {r:g}]", f.constant(lab.array(x), lab.array(x**2)), 2 * r, rtol=1e-3)
        yield equals(f"|x| on [−{r:g}, {r:g}], not differentiable at 0",
                     f.constant(lab.array(x), lab.array(abs(x))), 1.0)

smooth_is_not_lipschitz.must_notice(constant=[SCALE, SIGN])


def quantiles(mu: float, n: int = 2000) -> np.ndarray:
    from scipy.special import ndtri

    return mu + ndtri((np.arange(n) + 0.5) / n)


@claim("E13", "in the loss of WGAN, E over z ~ p_r(z)",
       truth="z ~ p_z: p_r is the law of the data, not of the noise", note="weng",
       paper="Arjovsky et al. (2017), eq. 3", computes={"w1": wasserstein_1d})
def the_noise_is_not_the_data(f: Any, lab: Lab) -> Checks:
    """G(z) = z, p_z = N(0,1), p_r = N(5,1): with z drawn from p_r a useless generator would look perfect."""
    data = lab.array(quantiles(5.0))
    yield equals("G(z) = z, z ~ N(0,1): W₁ to N(5,1)", f.w1(lab.array(quantiles(0.0)), data), 5.0)
    yield equals("z ~ p_r instead: the same G", f.w1(lab.array(quantiles(5.0)), data), 0.0)

the_noise_is_not_the_data.must_notice(w1=[SCALE, SIGN, shifted(0.1)])


@claim("E14", "algorithm 2's generator step descends +ψ(G(z))",
       truth="it descends −ψ(G(z)), as the same note's ∇W₁ has it", note="xu",
       paper="Arjovsky et al. (2017), theorem 3", computes={"step": generator_step, "w1": wasserstein_1d})
def the_step_of_algorithm_2(f: Any, lab: Lab) -> Checks:
    """Data at 3, G(z) = θ + z with θ = 0, the optimal critic ψ(x) = x."""
    z, data = np.linspace(-1, 1, 5), np.full(5, 3.0)
    theta = f.step(0.0, 1.0)
    yield equals("W₁ before", f.w1(lab.array(z), lab.array(data)), 3.0)
    yield equals("W₁ after a step down −ψ", f.w1(lab.array(theta + z), lab.array(data)), 2.9)
    yield equals("W₁ after a step down +ψ, as printed", f.w1(lab.array(-theta + z), lab.array(data)), 3.1)

the_step_of_algorithm_2.must_notice(
    step=[UPHILL, SCALE],
    w1=[SCALE, SIGN])


@claim("E15", "a family of K-Lipschitz functions yields W₁ up to a multiplicative constant",
         truth="a lower bound on K·W₁, which may be 0 for W₁ > 0", note="xu, weng",
         paper="Arjovsky et al. (2017), section 3", computes={"w1": wasserstein_1d})
def a_family_gives_a_lower_bound(f: Any, lab: Lab) -> Checks:
    """The family wx, |w| ≤ 1, sees means alone: P = δ₀, and Q = ½δ₋₁ + ½δ₁ or δ₁."""
    p = np.zeros(2)
    for name, q, w1 in [("½δ₋₁ + ½δ₁", np.array([-1.0, 1.0]), 1.0), ("δ₁", np.ones(2), 1.0)]:
        exact = f.w1(lab.array(p), lab.array(q))
        best = max(w * (p.mean() - q.mean()) for w in np.linspace(-1, 1, 201))
        yield equals(f"W₁(δ₀, {name})", exact, w1)
        yield at_least(f"W₁ and the family's best, {best:.6g}", exact, best)

a_family_gives_a_lower_bound.must_notice(w1=[SCALE, SIGN, shifted(-1.0)])


def linear_penalty(norm: float, one_sided: bool) -> float:
    """The gradient penalty of a linear critic of that slope, on a batch of 3."""
    w = Tensor(np.array([[0.6 * norm], [0.8 * norm]]))
    return gradient_penalty(lambda x: x @ w, np.eye(3, 2), one_sided).item()


@claim("E18", "the penalty max(0, ‖∇‖ − 1) is about (‖∇‖ − 1)²",
       truth="they differ: one-sided and unsquared leaves slopes below 1 alone, two-sided and squared pulls them up",
       note="advanced", paper="Gulrajani et al. (2017), eq. 3 and section 4",
       computes={"penalty": linear_penalty})
def two_penalties(f: Any, lab: Lab) -> Checks:
    for slope in (0.5, 3.0):
        yield equals(f"(‖∇‖ − 1)² at slope {slope:g}", f.penalty(slope, False), (slope - 1) ** 2)
        yield equals(f"max(0, ‖∇‖ − 1)² at slope {slope:g}", f.penalty(slope, True), max(0.0, slope - 1) ** 2)
    yield at_least("max(0, 3 − 1) and (3 − 1)² differ by", f.penalty(3.0, False) - 2.0, 2.0)

two_penalties.must_notice(
    penalty=[SCALE, SIGN,
             wrong("the other side", lambda penalty, slope, one_sided: penalty(slope, not one_sided))])


@claim("E19", "δᵢ₊₁ = δᵢ + Pᵢ − Qᵢ",
       truth="δᵢ₊₁ = δᵢ + Pᵢ₊₁ − Qᵢ₊₁: δ counts what has been carried past pile i + 1", note="weng",
       paper="Rubner et al. (2000), section 4", computes={"piles": earth_movers_piles})
def the_index_of_delta(f: Any, lab: Lab) -> Checks:
    p, q = lab.array([3, 2, 1, 4]), lab.array([1, 2, 4, 3])
    yield equals("δ of the four piles", f.piles(p, q), [0, 2, 2, -1, 0])
    yield equals("δ₄ with the index as printed (P₀ = Q₀ = 0): earth is left over",
                 float(to_host(f.piles(p, q))[3]), -1.0)

the_index_of_delta.must_notice(
    piles=[SIGN, SCALE, SWAPPED,
           wrong("the printed index", lambda piles, p, q: np.append(0, piles(p, q))[:-1])])


def best_of_clipped_family(c: float) -> float:
    """f′(2)/f′(1) of the best f(x) = v tanh(wx), |v|, |w| ≤ c, for P = δ₂ against Q = δ₁."""
    w = np.linspace(-c, c, 200_001)
    best = w[np.abs(np.tanh(2 * w) - np.tanh(w)).argmax()]
    return float((np.cosh(best) / np.cosh(2 * best)) ** 2)


@claim("E22", "K only scales the gradient",
         truth="not for a clipped family: c bounds the class, and changes which function is best",
         note="blog", paper="Arjovsky et al. (2017), section 3", computes={"ratio": best_of_clipped_family})
def clipping_changes_the_critic(f: Any, lab: Lab) -> Checks:
    """If c only scaled the critic, its slope at 2 by its slope at 1 would be the same for every c."""
    yield equals("c = 0.1, where w = c is best: slope at 2 by slope at 1", f.ratio(0.1),
                 (np.cosh(0.1) / np.cosh(0.2)) ** 2)
    yield equals("c = 5, where d/dw (tanh 2w − tanh w) = 0 is best", f.ratio(5.0), 0.5, atol=1e-3)

clipping_changes_the_critic.must_notice(
    ratio=[SCALE, SIGN, wrong("one c for all", lambda ratio, c: ratio(0.1))])
