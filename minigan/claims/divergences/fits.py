"""Gaussians fitted by KL (D13, D14): forwards between the peaks, backwards onto one of them."""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Any

import numpy as np

from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.divergences.atoms import Vector, normal
from minigan.claims.faults import changed, instead, wrong
from minigan.theory import fits


def moments(means: Vector, sigmas: Vector, weights: Vector) -> list[float]:
    mean = float(weights @ means)
    return [mean, sqrt(float(weights @ (sigmas**2 + means**2)) - mean**2)]


FIT_FAULTS = [  # of a fitted (μ, σ)
    changed("scale of μ", lambda fit: (1.05 * fit[0], fit[1])),
    changed("scale of σ", lambda fit: (fit[0], 1.05 * fit[1])),
    changed("sign of μ", lambda fit: (-fit[0], fit[1])),
    changed("σ² for σ", lambda fit: (fit[0], fit[1] ** 2)),
]


@claim("D13", "argmin_q KL(p‖q) over Gaussians q = N(E_p x, Var_p x): between the peaks", note="xu, advanced",
       paper="Bishop (2006), eq. 10.187",
       computes={"fit_forward_kl": fits.fit_forward_kl})
def forward_kl_covers(f: Any, lab: Lab) -> Checks:
    log_p = fits.mixture_log_density([-2.0, 2.0], 0.5)
    mu, sigma = f.fit_forward_kl(log_p)
    yield equals("½N(−2,.25) + ½N(2,.25): mean 0, variance 4.25", [mu, sigma**2], [0.0, 4.25])
    at_mean, at_peak = np.exp(log_p(np.array([mu, 2.0])))
    yield at_most("p at the fitted mean: a valley, not a peak", at_mean, 0.001 * at_peak)
    for _ in range(3):
        means, sigmas = lab.rng.uniform(-5, 5, 3), lab.rng.uniform(0.3, 1.5, 3)
        weights = lab.rng.dirichlet(np.ones(3))
        log_p = fits.mixture_log_density(means, sigmas, weights)
        mu, sigma = f.fit_forward_kl(log_p)
        yield equals("a random mixture: its mean and deviation", [mu, sigma], moments(means, sigmas, weights))
        x = np.linspace(-20, 20, 8001)
        p = np.exp(log_p(x)) * (x[1] - x[0])

        def cross_entropy(m: float, s: float) -> float:
            return float(-(p * normal(m, s)(x)).sum())

        h, least = 1e-3, cross_entropy(mu, sigma)
        around = [cross_entropy(mu + a * h, sigma + b * h) for a in (-1, 0, 1) for b in (-1, 0, 1)]
        yield at_least("KL(p‖q) around it: a minimum", np.array(around), least, slack=1e-13)

forward_kl_covers.must_notice(
    fit_forward_kl=[*FIT_FAULTS,
                    changed("E x² for Var x", lambda fit: (fit[0], sqrt(fit[1] ** 2 + fit[0] ** 2))),
                    instead("locks onto a peak", lambda log_p: (2.0, 0.5))])


@claim("D14", "argmin_q KL(q‖p) over Gaussians q: a local minimum at each peak of p", note="xu, advanced",
       paper="Bishop (2006), section 10.1.2", computes={"fit_reverse_kl": fits.fit_reverse_kl})
def reverse_kl_locks(f: Any, lab: Lab) -> Checks:
    yield from _locks(f, lab, np.array([-2.0, 2.0]), 0.5, np.array([0.5, 0.5]))
    w = lab.rng.uniform(0.2, 0.8)
    yield from _locks(f, lab, np.array([-3.0, 2.5]), 0.6, np.array([w, 1 - w]))


def _locks(f: Any, lab: Lab, means: Vector, deviation: float, weights: Vector) -> Checks:
    log_p = fits.mixture_log_density(means, deviation, weights)
    z = np.linspace(-9, 9, 2001)
    gauss = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()

    def kl(m: float, s: float) -> float:  # E_q[log q − log p]
        return float(gauss @ (normal(m, s)(m + s * z) - log_p(m + s * z)))

    for peak, w in zip(means, weights, strict=True):
        start = peak + lab.rng.uniform(-0.4, 0.4), lab.rng.uniform(0.3, 0.8)
        mu, sigma = f.fit_reverse_kl(log_p, *start)
        yield equals(f"at the peak {peak:g}: μ, σ", [mu, sigma], [peak, deviation], atol=2e-3)
        yield equals("KL = −log of the peak's weight", kl(mu, sigma), -log(w), atol=1e-3)
        h = 1e-3
        rises = [kl(mu + h, sigma) - kl(mu - h, sigma), kl(mu, sigma + h) - kl(mu, sigma - h)]
        yield equals("∇KL = 0, by differences", [rise / (2 * h) for rise in rises], [0, 0], atol=1e-4)
        around = [kl(mu + h * np.cos(a), sigma + h * np.sin(a)) for a in np.arange(8) * pi / 4]
        yield at_least("a minimum: more all around", np.array(around), kl(mu, sigma))
        yield at_least("better than covering both", kl(*moments(means, np.full(2, deviation), weights)), kl(mu, sigma))

reverse_kl_locks.must_notice(
    fit_reverse_kl=[*FIT_FAULTS,
                    instead("covers both", lambda log_p, mu, sigma: (0.0, sqrt(4.25))),
                    wrong("the other peak", lambda fit, log_p, mu, sigma: fit(log_p, -mu, sigma))])
