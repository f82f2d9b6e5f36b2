"""Errata about the game and its losses (E2, E3, E8, E11, E12, E16, E21)."""

from __future__ import annotations

from math import exp, log, log10, sqrt
from typing import Any

import numpy as np

from minigan.arrays import Array, to_host
from minigan.autodiff import Tensor, grad, relu
from minigan.claims.claim import Checks, Lab, claim, equals
from minigan.claims.faults import SCALE, SIGN, SWAPPED, instead, shifted, wrong
from minigan.claims.routes import log_normal
from minigan.gans.losses import discriminator
from minigan.lab.metrics import modes_found
from minigan.lab.toys import TOYS
from minigan.theory import dynamics
from minigan.theory.optimal import optimal_discriminator, optimal_value_between

LOG_2 = log(2.0)


def within_mode_spread(x: np.ndarray, modes: np.ndarray, sigma: float) -> float:
    """The samples' root mean square deviation inside their modes, by σ: 1 for the data themselves."""
    nearest = ((x[:, None] - modes) ** 2).sum(-1).argmin(1)
    groups = [x[nearest == k] for k in range(len(modes)) if (nearest == k).any()]
    return float(np.sqrt(np.mean(np.concatenate([(g - g.mean(0)).ravel() for g in groups]) ** 2)) / sigma)


@claim("E2", "mode collapse: variety inside the modes, some modes missing; mode dropping: all modes, no variety inside",
       truth="the other way round: dropping loses modes and keeps their inside, collapse loses what is inside them",
       note="advanced", paper="Arjovsky et al. (2017); Lin et al. (2018, PacGAN), section 1",
       computes={"found": modes_found, "spread": within_mode_spread})
def dropping_and_collapse(f: Any, lab: Lab) -> Checks:
    toy: Any = TOYS["ring8"]
    modes, sigma = toy.modes, toy.sigma
    dropped = np.repeat(modes[:4], 3000, axis=0) + sigma * lab.rng.normal(size=(12000, 2))
    collapsed = np.repeat(modes, 1500, axis=0)
    yield equals("dropping: modes found of 8", f.found(dropped, modes, sigma), 4)
    yield equals("dropping: spread inside a mode, by σ", f.spread(dropped, modes, sigma), 1.0, atol=0.02)
    yield equals("collapse inside: modes found of 8", f.found(collapsed, modes, sigma), 8)
    yield equals("collapse inside: spread, by σ", f.spread(collapsed, modes, sigma), 0.0, atol=1e-9)

dropping_and_collapse.must_notice(
    found=[SCALE, shifted(1)],
    spread=[SCALE, shifted(0.1)])


def hinge(m: float, energy: float) -> tuple[float, float]:
    """max(0, m − D) and its slope in D."""
    d = Tensor(np.array(energy))
    y = relu(m - d)
    return y.item(), grad(y, d).item()


@claim("E3", "EBGAN's margin term is max(m − D(G(z))), of one argument",
         truth="max(0, m − D(G(z))): without the 0 nothing stops the energy of fakes from rising for ever",
         note="advanced", paper="Zhao et al. (2017), eq. 1", computes={"hinge": hinge})
def the_margin(f: Any, lab: Lab) -> Checks:
    yield equals("m = 1, D = 0.25: value and slope", f.hinge(1.0, 0.25), [0.75, -1.0])
    yield equals("m = 1, D = 3: value and slope (without the 0: −2 and −1)", f.hinge(1.0, 3.0), [0.0, 0.0])

the_margin.must_notice(
    hinge=[instead("without the 0", lambda m, energy: (m - energy, -1.0)), SWAPPED])


@claim("E8", "the derivative of the integrand carries 1/ln 10",
       truth="only if log is to base 10; D* is the same in any base", note="weng",
       paper="Goodfellow et al. (2014), proposition 1", computes={"best": optimal_discriminator})
def the_base_does_not_matter(f: Any, lab: Lab) -> Checks:
    from scipy.optimize import minimize_scalar

    for a, b in [(0.3, 0.9), (2.0, 0.5)]:
        d = float(f.best(np.array([log(a)]), np.array([log(b)]))[0])
        for name, scale in [("ln", 1.0), ("log₁₀", log10(np.e))]:
            found = minimize_scalar(lambda y, a=a, b=b, s=scale: -s * (a * log(y) + b * log(1 - y)),
                                    bounds=(1e-9, 1 - 1e-9), method="bounded", options={"xatol": 1e-10}).x
            yield equals(f"argmax of {a:g} {name} y + {b:g} {name}(1 − y)", d, found, atol=1e-7)

the_base_does_not_matter.must_notice(best=[SCALE, SWAPPED])


@claim("E11", "one-sided label smoothing uses 0.9 and 0.1 for 1 and 0",
       truth="one-sided smooths the real label alone; a fake label of 0.1 puts p_g into the numerator of D*, which "
             "then rewards fakes far from the data", note="weng", paper="Salimans et al. (2016), section 3.4",
       computes={"best": optimal_discriminator})
def one_sided_smoothing(f: Any, lab: Lab) -> Checks:
    p, q = np.array([0.5, 0.2, 0.0]), np.array([0.5, 0.4, 0.3])
    with np.errstate(divide="ignore"):
        log_p, log_q = np.log(p), np.log(q)
    yield equals("labels 0.9, 0: D*", f.best(log_p, log_q, 0.9, 0.0), [0.45, 0.3, 0.0])
    yield equals("labels 0.9, 0.1: D*, which is not 0 where only fakes are", f.best(log_p, log_q, 0.9, 0.1),
                 [0.5, (0.18 + 0.04) / 0.6, 0.1])

one_sided_smoothing.must_notice(
    best=[SCALE, wrong("swapped p and q", lambda best, p, q, *labels: best(q, p, *labels))])


@claim("E12", "in min max xy the oscillation grows once x and y have different signs",
         truth="every simultaneous step multiplies the radius by √(1 + η²), whatever the signs", note="weng",
         paper="Goodfellow (2016), section 8.2", computes={"trajectory": dynamics.trajectory})
def every_step_grows(f: Any, lab: Lab) -> Checks:
    for start in [(1.0, 1.0), (1.0, -1.0)]:
        path = f.trajectory(dynamics.XY, dynamics.UPDATES["simultaneous"], lab.array(start), 1, 0.1)
        x, y = start
        yield equals(f"a step from {start}", path[1], [x - 0.1 * y, y + 0.1 * x])
        yield equals(f"its radius, by {sqrt(2):.6g}", np.hypot(*to_host(path)[1]) / sqrt(2), sqrt(1.01))

every_step_grows.must_notice(
    trajectory=[SIGN,
                wrong("alternating steps",
                      lambda f, game, update, *rest: f(game, dynamics.UPDATES["alternating"], *rest)),
                wrong("half the step",
                      lambda f, game, update, start, steps, eta: f(game, update, start, steps, eta / 2))])


def loss_of_a_datum(score: float) -> float:
    """The discriminator's loss of one real datum, the fakes being certain."""
    return discriminator(Tensor(np.full((1, 1), score)), Tensor(np.full((1, 1), -800.0))).item()


@claim("E16", "a real datum that is misclassified has D near 1", truth="near 0, where −log D is large",
       note="blog", paper="Goodfellow et al. (2014), eq. 1",
       computes={"loss": loss_of_a_datum})
def a_misclassified_datum(f: Any, lab: Lab) -> Checks:
    """A real datum's loss −log D at D = 0.01 and 0.99, the fakes being certain."""
    for d in (0.01, 0.99):
        yield equals(f"D = {d:g}: −log D", f.loss(log(d / (1 - d))), -log(d))

a_misclassified_datum.must_notice(
    loss=[SCALE, SIGN, wrong("real and fake swapped", lambda loss, s: loss(-s))])


@claim("E21", "the change of variables from z to x = G(z) needs G invertible",
         truth="it does not: E_z h(G(z)) = E_x h(x), x ~ p_g, for every G", note="blog",
         paper="Goodfellow et al. (2014), proposition 1", computes={"value": optimal_value_between})
def no_inverse_needed(f: Any, lab: Lab) -> Checks:
    """G(z) = |z|, z ~ N(0,1), two z for every x; data from the exponential law. V(D*, G) over x and over z."""
    from scipy.integrate import quad

    def log_data(x: Array) -> Array:
        return np.where(x > 0, -x, -np.inf)

    def log_fake(x: Array) -> Array:
        return np.where(x > 0, log_normal(0.0)(x) + LOG_2, -np.inf)

    def logit(x: Any) -> Any:  # of D* = p_r/(p_r + p_g)
        return -x - log_normal(0.0)(x) - LOG_2

    over_x = quad(lambda x: -exp(-x) * np.logaddexp(0, -logit(x)), 0, 60)[0]
    over_z = quad(lambda z: -np.exp(log_normal(0.0)(z)) * np.logaddexp(0, logit(abs(z))), -12, 12,
                  points=[0])[0]
    yield equals("E_x log D* + E_z log(1 − D*(G(z))), over z", f.value(log_data, log_fake, points=(0.0,)),
                 over_x + over_z, rtol=1e-7)

no_inverse_needed.must_notice(value=[SCALE, SIGN, shifted(0.01)])
