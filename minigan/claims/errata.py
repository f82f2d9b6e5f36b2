"""Errata: where the notes are wrong, or disagree. Each has a counterexample in numbers, and what is true.

A claim's statement says what the note says (in our words), its ``truth`` what is so; its checks are the
counterexample. ``minigan verify errata --markdown docs/errata.md`` writes them as a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import erf, exp, log, log10, sqrt
from typing import Any

import numpy as np

from minigan.arrays import Array, to_host
from minigan.autodiff import Tensor, grad, relu
from minigan.claims.claim import (
    SCALE,
    SIGN,
    SWAPPED,
    Check,
    Fault,
    Lab,
    at_least,
    claim,
    equals,
    wrong,
)
from minigan.gans.lipschitz import gradient_penalty
from minigan.gans.losses import discriminator, wasserstein_generator
from minigan.lab.metrics import modes_found
from minigan.lab.toys import TOYS
from minigan.theory import dynamics
from minigan.theory.divergences import JS, KL, conjugate, divergence_between, jensen_shannon
from minigan.theory.lipschitz import layer_norms, lipschitz_on_grid
from minigan.theory.optimal import optimal_discriminator, optimal_value_between
from minigan.theory.transport import earth_movers_piles, wasserstein_1d

LOG_2 = log(2.0)
Checks = Iterator[Check]


def normal(mu: float, sigma: float = 1.0) -> Callable[[Any], Any]:
    """The log-density of N(μ, σ²)."""
    return lambda x: -0.5 * ((x - mu) / sigma) ** 2 - log(sigma * sqrt(2 * np.pi))


def shifted(by: float) -> Fault:
    return wrong(f"{by:+g}", lambda f: lambda *a, **k: f(*a, **k) + by)


def erratum(number: int, says: str, truth: str, *, note: str, paper: str, **options: Any) -> Callable:
    return claim(f"E{number}", says, note=note, paper=paper, truth=truth, **options)


@erratum(1, "with hardly any overlap JS is near 0 and the discriminator's objective near log 2",
         "JS → log 2 and V(D*, G) → 0", note="advanced", paper="Goodfellow et al. (2014), theorem 1",
         computes={"between": divergence_between, "value": optimal_value_between},
         faults={"between": [SCALE, SIGN], "value": [shifted(-2 * LOG_2), shifted(0.01)]})
def js_of_disjoint_supports(f: Any, lab: Lab) -> Checks:
    p, q = normal(0.0), normal(14.0)
    overlap = 1 - erf(7 / sqrt(2))  # ∫ min(p, q), two tails beyond 7σ
    yield equals("JS of N(0,1) and N(14,1)", f.between(JS, p, q), LOG_2, atol=overlap + 1e-9)
    yield equals("V(D*, G) of the same", f.value(p, q), 0.0, atol=30 * overlap)
    yield equals("JS of a pair that overlaps wholly", f.between(JS, p, p), 0.0)


def within_mode_spread(x: np.ndarray, modes: np.ndarray, sigma: float) -> float:
    """The samples' root mean square deviation inside their modes, by σ: 1 for the data themselves."""
    nearest = ((x[:, None] - modes) ** 2).sum(-1).argmin(1)
    groups = [x[nearest == k] for k in range(len(modes)) if (nearest == k).any()]
    return float(np.sqrt(np.mean(np.concatenate([(g - g.mean(0)).ravel() for g in groups]) ** 2)) / sigma)


@erratum(2, "mode collapse: variety inside the modes, some modes missing; mode dropping: all modes, no variety inside",
         "the other way round: dropping loses modes and keeps their inside, collapse loses what is inside them",
         note="advanced", paper="Arjovsky et al. (2017); Lin et al. (2018, PacGAN), section 1",
         computes={"found": modes_found, "spread": within_mode_spread},
         faults={"found": [SCALE, shifted(1)], "spread": [SCALE, shifted(0.1)]})
def dropping_and_collapse(f: Any, lab: Lab) -> Checks:
    toy: Any = TOYS["ring8"]
    modes, sigma = toy.modes, toy.sigma
    dropped = np.repeat(modes[:4], 3000, axis=0) + sigma * lab.rng.normal(size=(12000, 2))
    collapsed = np.repeat(modes, 1500, axis=0)
    yield equals("dropping: modes found of 8", f.found(dropped, modes, sigma), 4)
    yield equals("dropping: spread inside a mode, by σ", f.spread(dropped, modes, sigma), 1.0, atol=0.02)
    yield equals("collapse inside: modes found of 8", f.found(collapsed, modes, sigma), 8)
    yield equals("collapse inside: spread, by σ", f.spread(collapsed, modes, sigma), 0.0, atol=1e-9)


def hinge(m: float, energy: float) -> tuple[float, float]:
    """max(0, m − D) and its slope in D."""
    d = Tensor(np.array(energy))
    y = relu(m - d)
    return y.item(), grad(y, d).item()


@erratum(3, "EBGAN's margin term is max(m − D(G(z))), of one argument",
         "max(0, m − D(G(z))): without the 0 nothing stops the energy of fakes from rising for ever",
         note="advanced", paper="Zhao et al. (2017), eq. 1", computes={"hinge": hinge},
         faults={"hinge": [wrong("without the 0", lambda f: lambda m, d: (m - d, -1.0)), SWAPPED]})
def the_margin(f: Any, lab: Lab) -> Checks:
    yield equals("m = 1, D = 0.25: value and slope", f.hinge(1.0, 0.25), [0.75, -1.0])
    yield equals("m = 1, D = 3: value and slope (without the 0: −2 and −1)", f.hinge(1.0, 3.0), [0.0, 0.0])


@erratum(4, "spectral normalisation divides W by \"the singular value\"",
         "by the largest: divided by any other, W stays too steep", note="advanced",
         paper="Miyato et al. (2018), eq. 8", computes={"norm": lambda w: layer_norms([w])[0]},
         faults={"norm": [SCALE, SIGN, wrong("the smallest", lambda f: lambda w: np.linalg.svd(w)[1].min())]})
def the_largest_singular_value(f: Any, lab: Lab) -> Checks:
    w = lab.rng.normal(size=(5, 3))
    directions = lab.rng.normal(size=(20_000, 3))
    stretch = np.linalg.norm(directions @ w.T, axis=1) / np.linalg.norm(directions, axis=1)
    singular = np.sqrt(np.linalg.eigvalsh(w.T @ w))  # another route than an SVD
    yield equals("‖W/σ₁‖", f.norm(w / singular[2]), 1.0)
    yield equals("‖W/σ₂‖ = σ₁/σ₂ > 1", f.norm(w / singular[1]), singular[2] / singular[1])
    yield at_least("σ₁ ≥ ‖Wx‖/‖x‖ for 20,000 x", f.norm(w), stretch.max())


def generator_step(theta: float, w: float, loss: Callable = wasserstein_generator) -> float:
    """θ − 0.1 ∂L/∂θ for G(z) = θ + z and the critic f(x) = wx."""
    t, z = Tensor(np.array(theta)), np.linspace(-1, 1, 5)[:, None]
    return theta - 0.1 * grad(loss((t + z) * w), t).item()


UPHILL = wrong("the other sign", lambda f: lambda t, w: 2 * t - f(t, w))


@erratum(5, "the generator is updated \"to maximize\" −(1/m) Σ D(G(z))",
         "its formula minimises it: the step raises the critic's score of the fakes", note="advanced",
         paper="Arjovsky et al. (2017), algorithm 1", computes={"step": generator_step},
         faults={"step": [UPHILL, SCALE]})
def the_generators_sign(f: Any, lab: Lab) -> Checks:
    for w in (2.0, -3.0):
        yield equals(f"θ after a step from 1, f(x) = {w:g}x", f.step(1.0, w), 1.0 + 0.1 * w)


@erratum(6, "x log x \"can be approximated as\" e^{t−1}",
         "e^{t−1} is its conjugate, a function of the slope t, not of x",
         note="advanced", paper="Rockafellar (1970), section 12",
         computes={"conjugate": lambda t: float(conjugate(KL.f, np.array([t]))[0])},
         faults={"conjugate": [SCALE, SIGN, wrong("f itself", lambda f: lambda t: abs(t) * log(abs(t) + 1e-300))]})
def conjugate_is_no_approximation(f: Any, lab: Lab) -> Checks:
    for t in (-1.0, 1.0, 2.0):
        yield equals(f"sup of {t:g}u − u log u", f.conjugate(t), exp(t - 1))
    yield at_least("2 log 2 and e^{2−1} differ by", abs(f.conjugate(2.0) - 2 * LOG_2), 1.3)


def disjoint(n: int = 4) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat([1.0, 0.0], n) / n, np.repeat([0.0, 1.0], n) / n


@erratum(7, "JS is bounded by [0, 1]", "in bits; in nats by [0, log 2]", note="weng", paper="Lin (1991), theorem 4",
         computes={"js": jensen_shannon}, faults={"js": [SCALE, SIGN]})
def bounds_of_js(f: Any, lab: Lab) -> Checks:
    p, q = map(lab.array, disjoint())
    yield equals("JS of disjoint p, q in nats", f.js(p, q), LOG_2)
    yield equals("the same in bits", f.js(p, q, base=2), 1.0)
    yield equals("JS(p, p)", f.js(p, p), 0.0)


@erratum(8, "the derivative of the integrand carries 1/ln 10", "only if log is to base 10; D* is the same in any base",
         note="weng", paper="Goodfellow et al. (2014), proposition 1", computes={"best": optimal_discriminator},
         faults={"best": [SCALE, SWAPPED]})
def the_base_does_not_matter(f: Any, lab: Lab) -> Checks:
    from scipy.optimize import minimize_scalar

    for a, b in [(0.3, 0.9), (2.0, 0.5)]:
        d = float(f.best(np.array([log(a)]), np.array([log(b)]))[0])
        for name, scale in [("ln", 1.0), ("log₁₀", log10(np.e))]:
            found = minimize_scalar(lambda y, a=a, b=b, s=scale: -s * (a * log(y) + b * log(1 - y)),
                                    bounds=(1e-9, 1 - 1e-9), method="bounded", options={"xatol": 1e-10}).x
            yield equals(f"argmax of {a:g} {name} y + {b:g} {name}(1 − y)", d, found, atol=1e-7)


@erratum(9, "N(0,1) and N(1,1) illustrate that KL is asymmetric",
         "equal variances: KL = 0.5 both ways; N(0,1) and N(0,4) do",
         note="weng", paper="Kullback & Leibler (1951)", computes={"between": divergence_between},
         faults={"between": [SCALE, SIGN, wrong("swapped p and q", lambda f: lambda row, p, q: f(row, q, p))]})
def asymmetry_of_kl(f: Any, lab: Lab) -> Checks:
    yield equals("KL(N(0,1) ‖ N(1,1))", f.between(KL, normal(0), normal(1)), 0.5)
    yield equals("KL(N(1,1) ‖ N(0,1))", f.between(KL, normal(1), normal(0)), 0.5)
    yield equals("KL(N(0,1) ‖ N(0,4))", f.between(KL, normal(0), normal(0, 2)), LOG_2 + 1 / 8 - 1 / 2)
    yield equals("KL(N(0,4) ‖ N(0,1))", f.between(KL, normal(0, 2), normal(0)), -LOG_2 + 2 - 1 / 2)


@erratum(10, "a function that is continuously differentiable everywhere is Lipschitz",
         "x² is not, on the whole line: its constant on [−R, R] is 2R", note="weng",
         paper="Rudin (1976), theorem 5.19", computes={"constant": lipschitz_on_grid},
         faults={"constant": [SCALE, SIGN]})
def smooth_is_not_lipschitz(f: Any, lab: Lab) -> Checks:
    for r in (1.0, 10.0, 1000.0):
        x = np.linspace(-r, r, 4001)
        yield equals(f"x² on [−{r:g}, {r:g}]", f.constant(lab.array(x), lab.array(x**2)), 2 * r, rtol=1e-3)
        yield equals(f"|x| on [−{r:g}, {r:g}], not differentiable at 0",
                     f.constant(lab.array(x), lab.array(abs(x))), 1.0)


@erratum(11, "one-sided label smoothing uses 0.9 and 0.1 for 1 and 0",
         "one-sided smooths the real label alone; a fake label of 0.1 puts p_g into the numerator of D*, which then "
         "rewards fakes far from the data", note="weng", paper="Salimans et al. (2016), section 3.4",
         computes={"best": optimal_discriminator},
         faults={"best": [SCALE, wrong("swapped p and q", lambda f: lambda p, q, *a: f(q, p, *a))]})
def one_sided_smoothing(f: Any, lab: Lab) -> Checks:
    p, q = np.array([0.5, 0.2, 0.0]), np.array([0.5, 0.4, 0.3])
    with np.errstate(divide="ignore"):
        log_p, log_q = np.log(p), np.log(q)
    yield equals("labels 0.9, 0: D*", f.best(log_p, log_q, 0.9, 0.0), [0.45, 0.3, 0.0])
    yield equals("labels 0.9, 0.1: D*, which is not 0 where only fakes are", f.best(log_p, log_q, 0.9, 0.1),
                 [0.5, (0.18 + 0.04) / 0.6, 0.1])


@erratum(12, "in min max xy the oscillation grows once x and y have different signs",
         "every simultaneous step multiplies the radius by √(1 + η²), whatever the signs", note="weng",
         paper="Goodfellow (2016), section 8.2", computes={"trajectory": dynamics.trajectory},
         faults={"trajectory": [
             wrong("alternating steps", lambda f: lambda g, u, *a: f(g, dynamics.UPDATES["alternating"], *a)), SIGN,
             wrong("half the step", lambda f: lambda g, u, s, n, eta: f(g, u, s, n, eta / 2))]})
def every_step_grows(f: Any, lab: Lab) -> Checks:
    for start in [(1.0, 1.0), (1.0, -1.0)]:
        path = f.trajectory(dynamics.XY, dynamics.UPDATES["simultaneous"], lab.array(start), 1, 0.1)
        x, y = start
        yield equals(f"a step from {start}", path[1], [x - 0.1 * y, y + 0.1 * x])
        yield equals(f"its radius, by {sqrt(2):.6g}", np.hypot(*to_host(path)[1]) / sqrt(2), sqrt(1.01))


def quantiles(mu: float, n: int = 2000) -> np.ndarray:
    from scipy.special import ndtri

    return mu + ndtri((np.arange(n) + 0.5) / n)


@erratum(13, "in the loss of WGAN, E over z ~ p_r(z)", "z ~ p_z: p_r is the law of the data, not of the noise",
         note="weng", paper="Arjovsky et al. (2017), eq. 3", computes={"w1": wasserstein_1d},
         faults={"w1": [SCALE, SIGN, shifted(0.1)]})
def the_noise_is_not_the_data(f: Any, lab: Lab) -> Checks:
    """G(z) = z, p_z = N(0,1), p_r = N(5,1): with z drawn from p_r a useless generator would look perfect."""
    data = lab.array(quantiles(5.0))
    yield equals("G(z) = z, z ~ N(0,1): W₁ to N(5,1)", f.w1(lab.array(quantiles(0.0)), data), 5.0)
    yield equals("z ~ p_r instead: the same G", f.w1(lab.array(quantiles(5.0)), data), 0.0)


@erratum(14, "algorithm 2's generator step descends +ψ(G(z))", "it descends −ψ(G(z)), as the same note's ∇W₁ has it",
         note="xu", paper="Arjovsky et al. (2017), theorem 3", computes={"step": generator_step, "w1": wasserstein_1d},
         faults={"step": [UPHILL, SCALE], "w1": [SCALE, SIGN]})
def the_step_of_algorithm_2(f: Any, lab: Lab) -> Checks:
    """Data at 3, G(z) = θ + z with θ = 0, the optimal critic ψ(x) = x."""
    z, data = np.linspace(-1, 1, 5), np.full(5, 3.0)
    theta = f.step(0.0, 1.0)
    yield equals("W₁ before", f.w1(lab.array(z), lab.array(data)), 3.0)
    yield equals("W₁ after a step down −ψ", f.w1(lab.array(theta + z), lab.array(data)), 2.9)
    yield equals("W₁ after a step down +ψ, as printed", f.w1(lab.array(-theta + z), lab.array(data)), 3.1)


@erratum(15, "a family of K-Lipschitz functions yields W₁ up to a multiplicative constant",
         "a lower bound on K·W₁, which may be 0 for W₁ > 0", note="xu, weng",
         paper="Arjovsky et al. (2017), section 3", computes={"w1": wasserstein_1d},
         faults={"w1": [SCALE, SIGN, shifted(-1.0)]})
def a_family_gives_a_lower_bound(f: Any, lab: Lab) -> Checks:
    """The family wx, |w| ≤ 1, sees means alone: P = δ₀, and Q = ½δ₋₁ + ½δ₁ or δ₁."""
    p = np.zeros(2)
    for name, q, w1 in [("½δ₋₁ + ½δ₁", np.array([-1.0, 1.0]), 1.0), ("δ₁", np.ones(2), 1.0)]:
        exact = f.w1(lab.array(p), lab.array(q))
        best = max(w * (p.mean() - q.mean()) for w in np.linspace(-1, 1, 201))
        yield equals(f"W₁(δ₀, {name})", exact, w1)
        yield at_least(f"W₁ and the family's best, {best:.6g}", exact, best)


@erratum(16, "a real datum that is misclassified has D near 1", "near 0, where −log D is large", note="blog",
         paper="Goodfellow et al. (2014), eq. 1",
         computes={"loss": lambda s: discriminator(Tensor(np.full((1, 1), s)), Tensor(np.full((1, 1), -800.0))).item()},
         faults={"loss": [SCALE, SIGN, wrong("real and fake swapped", lambda f: lambda s: f(-s))]})
def a_misclassified_datum(f: Any, lab: Lab) -> Checks:
    """A real datum's loss −log D at D = 0.01 and 0.99, the fakes being certain."""
    for d in (0.01, 0.99):
        yield equals(f"D = {d:g}: −log D", f.loss(log(d / (1 - d))), -log(d))


@erratum(17, "JS with and without the ½; 2 log 2 for JS itself",
         "a convention, to be said wherever a number is printed: with the ½ at most log 2, without it 2 log 2",
         note="xu, weng, advanced", paper="Lin (1991), eq. 3.1", computes={"js": jensen_shannon},
         faults={"js": [SCALE, SIGN, wrong("always halved", lambda f: lambda p, q, **k: f(p, q))]})
def two_conventions(f: Any, lab: Lab) -> Checks:
    p, q = map(lab.array, disjoint())
    yield equals("with the ½ (Lin, weng)", f.js(p, q), LOG_2)
    yield equals("without (xu)", f.js(p, q, halved=False), 2 * LOG_2)


def linear_penalty(norm: float, one_sided: bool) -> float:
    """The gradient penalty of a linear critic of that slope, on a batch of 3."""
    w = Tensor(np.array([[0.6 * norm], [0.8 * norm]]))
    return gradient_penalty(lambda x: x @ w, np.eye(3, 2), one_sided).item()


@erratum(18, "the penalty max(0, ‖∇‖ − 1) is about (‖∇‖ − 1)²",
         "they differ: one-sided and unsquared leaves slopes below 1 alone, two-sided and squared pulls them up",
         note="advanced", paper="Gulrajani et al. (2017), eq. 3 and section 4", computes={"penalty": linear_penalty},
         faults={"penalty": [SCALE, SIGN, wrong("the other side", lambda f: lambda n, one: f(n, not one))]})
def two_penalties(f: Any, lab: Lab) -> Checks:
    for slope in (0.5, 3.0):
        yield equals(f"(‖∇‖ − 1)² at slope {slope:g}", f.penalty(slope, False), (slope - 1) ** 2)
        yield equals(f"max(0, ‖∇‖ − 1)² at slope {slope:g}", f.penalty(slope, True), max(0.0, slope - 1) ** 2)
    yield at_least("max(0, 3 − 1) and (3 − 1)² differ by", f.penalty(3.0, False) - 2.0, 2.0)


@erratum(19, "δᵢ₊₁ = δᵢ + Pᵢ − Qᵢ", "δᵢ₊₁ = δᵢ + Pᵢ₊₁ − Qᵢ₊₁: δ counts what has been carried past pile i + 1",
         note="weng", paper="Rubner et al. (2000), section 4", computes={"piles": earth_movers_piles},
         faults={"piles": [SIGN, SCALE, SWAPPED,
                           wrong("the printed index", lambda f: lambda p, q: np.append(0, f(p, q))[:-1])]})
def the_index_of_delta(f: Any, lab: Lab) -> Checks:
    p, q = lab.array([3, 2, 1, 4]), lab.array([1, 2, 4, 3])
    yield equals("δ of the four piles", f.piles(p, q), [0, 2, 2, -1, 0])
    yield equals("δ₄ with the index as printed (P₀ = Q₀ = 0): earth is left over",
                 float(to_host(f.piles(p, q))[3]), -1.0)


@erratum(20, "in JS of the parallel lines both sums are at x = 0", "the second is at x = θ: at x = 0 it would vanish",
         note="weng", paper="Arjovsky et al. (2017), example 1", computes={"js": jensen_shannon},
         faults={"js": [SCALE, SIGN, wrong("both sums at 0", lambda f: lambda p, q: 0.5 * LOG_2)]})
def where_the_sums_are(f: Any, lab: Lab) -> Checks:
    p, q = map(lab.array, ([1.0, 0.0], [0.0, 1.0]))  # the mass at x = 0 and at x = θ
    yield equals("½·1·log(1/½) at 0 + ½·1·log(1/½) at θ", f.js(p, q), 0.5 * log(2) + 0.5 * log(2))
    yield at_least("more than the first sum alone", f.js(p, q), 0.5 * LOG_2 + 0.3)


@erratum(21, "the change of variables from z to x = G(z) needs G invertible",
         "it does not: E_z h(G(z)) = E_x h(x), x ~ p_g, for every G", note="blog",
         paper="Goodfellow et al. (2014), proposition 1", computes={"value": optimal_value_between},
         faults={"value": [SCALE, SIGN, shifted(0.01)]})
def no_inverse_needed(f: Any, lab: Lab) -> Checks:
    """G(z) = |z|, z ~ N(0,1), two z for every x; data from the exponential law. V(D*, G) over x and over z."""
    from scipy.integrate import quad

    def log_data(x: Array) -> Array:
        return np.where(x > 0, -x, -np.inf)

    def log_fake(x: Array) -> Array:
        return np.where(x > 0, normal(0.0)(x) + LOG_2, -np.inf)

    def logit(x: Any) -> Any:  # of D* = p_r/(p_r + p_g)
        return -x - normal(0.0)(x) - LOG_2

    over_x = quad(lambda x: -exp(-x) * np.logaddexp(0, -logit(x)), 0, 60)[0]
    over_z = quad(lambda z: -np.exp(normal(0.0)(z)) * np.logaddexp(0, logit(abs(z))), -12, 12, points=[0])[0]
    yield equals("E_x log D* + E_z log(1 − D*(G(z))), over z", f.value(log_data, log_fake, points=(0.0,)),
                 over_x + over_z, rtol=1e-7)


def best_of_clipped_family(c: float) -> float:
    """f′(2)/f′(1) of the best f(x) = v tanh(wx), |v|, |w| ≤ c, for P = δ₂ against Q = δ₁."""
    w = np.linspace(-c, c, 200_001)
    best = w[np.abs(np.tanh(2 * w) - np.tanh(w)).argmax()]
    return float((np.cosh(best) / np.cosh(2 * best)) ** 2)


@erratum(22, "K only scales the gradient",
         "not for a clipped family: c bounds the class, and changes which function is best",
         note="blog", paper="Arjovsky et al. (2017), section 3", computes={"ratio": best_of_clipped_family},
         faults={"ratio": [SCALE, SIGN, wrong("one c for all", lambda f: lambda c: f(0.1))]})
def clipping_changes_the_critic(f: Any, lab: Lab) -> Checks:
    """If c only scaled the critic, its slope at 2 by its slope at 1 would be the same for every c."""
    yield equals("c = 0.1, where w = c is best: slope at 2 by slope at 1", f.ratio(0.1),
                 (np.cosh(0.1) / np.cosh(0.2)) ** 2)
    yield equals("c = 5, where d/dw (tanh 2w − tanh w) = 0 is best", f.ratio(5.0), 0.5, atol=1e-3)
