"""Other routes to a value, which share nothing with the package: QUADPACK, a numerical argmax, scipy's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from math import log, pi, sqrt
from typing import Any

import numpy as np

from minigan.claims.claim import Check, Lab, at_most

HERMITE, HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(80)  # E over N(0, 1)
HERMITE_WEIGHTS = HERMITE_WEIGHTS / HERMITE_WEIGHTS.sum()


def log_normal(mu: float, sigma: float = 1.0) -> Callable[[Any], Any]:
    """log N(x; μ, σ²), of arrays and of tensors."""
    return lambda x: -0.5 * ((x - mu) * (1 / sigma)) ** 2 - log(sigma * sqrt(2 * pi))


def quad(integrand: Callable[[float], float], low: float = -40.0, high: float = 40.0, *points: float) -> float:
    """∫ by QUADPACK: the other route."""
    from scipy.integrate import quad as quadpack

    return float(quadpack(integrand, low, high, points=points or None, limit=400, epsabs=1e-13, epsrel=1e-12)[0])


def jensen_shannon_by_hand(log_p: Callable, log_q: Callable, low: float = -40.0, high: float = 40.0) -> float:
    """½ KL(p‖m) + ½ KL(q‖m), m = (p + q)/2, by QUADPACK."""
    def integrand(x: float) -> float:
        m = np.logaddexp(log_p(x), log_q(x)) - log(2)
        return sum(0.5 * np.exp(d(x)) * (d(x) - m) for d in (log_p, log_q) if d(x) > -700)

    return quad(integrand, low, high)


@cache
def js_shifted() -> float:
    """JS(N(0,1), N(1,1)) = .1114215, in nats, with the ½."""
    return jensen_shannon_by_hand(log_normal(0, 1), log_normal(1, 1))


def js_of(v: float) -> float:
    """JS = ½ (log 4 + V(D*, G))."""
    return 0.5 * (log(4) + v)


def largest_at(f: Callable[[float], float]) -> float:
    """argmax over (0, 1) of a unimodal f, numerically."""
    from scipy.optimize import minimize_scalar

    return float(minimize_scalar(lambda y: -f(y), bounds=(0, 1), method="bounded", options={"xatol": 1e-11}).x)


def within_dkw(what: str, sample: np.ndarray, cdf: Callable[[np.ndarray], np.ndarray]) -> Check:
    """sup |F_n − F| ≤ √(log(2/δ)/2n), δ = 1e-9: Dvoretzky–Kiefer–Wolfowitz, with Massart's constant."""
    from scipy.stats import kstest

    return at_most(what, kstest(sample, cdf).statistic, sqrt(log(2 / 1e-9) / (2 * len(sample))))


def probability_pairs(lab: Lab, count: int, n: int = 6) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Random probability vectors on n points, each missing some."""
    for _ in range(count):
        p, q = (np.where(lab.rng.random(n) < 0.25, 0, lab.rng.exponential(size=n)) + 1e-12 for _ in "pq")
        p[p < 1e-9], q[q < 1e-9] = 0, 0
        p[0], q[-1] = 1 / n, 1 / n
        yield p / p.sum(), q / q.sum()
