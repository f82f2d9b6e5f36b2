"""The f-GANs' rows for ``kinds.py``: f, f′ and the published output activation; f* is found by solving f′(u) = T."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import exp, inf, log

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_expit

from minigan.registry import choose


def _identity(v: np.ndarray, **constants: float) -> np.ndarray:
    return v


@dataclass(frozen=True)
class FRow:
    """A row: f of u > 0, convex with f(1) = 0; f′; usual: T(v). conjugate: f*, where f′ is a step and tells nothing.

    Source: Nowozin et al. (2016), tables 1, 2 and 6, with the constants and factors by which D_f is the divergence
    that it is named after.
    """

    formula: str
    f: Callable[..., float]
    slope: Callable[..., float]
    usual: Callable[..., np.ndarray] = _identity
    at_zero: Callable[..., float] = lambda **constants: inf  # f(0)
    constants: Mapping[str, float] = field(default_factory=dict)
    conjugate: Callable[[np.ndarray], np.ndarray] | None = None

    def output(self, v: np.ndarray, activation: str = "usual", **constants: float) -> np.ndarray:
        """T(v)."""
        if choose(activation, dict.fromkeys(("usual", "ratio"), activation), "activation") == "usual":
            return self.usual(v, **constants)
        return np.vectorize(lambda x: self.slope(exp(x), **constants), otypes=[float])(v)


def cost_of(row: FRow, v: np.ndarray, activation: str = "usual", **constants: float) -> np.ndarray:
    """f*(T(v)) = uT − f(u) at the u of f′(u) = T; −f(0) for a T below f′(0)."""
    T = row.output(v, activation, **constants)
    if row.conjugate is not None:
        return row.conjugate(T)

    def at(t: float) -> float:
        def excess(x: float) -> float:
            return row.slope(exp(x), **constants) - t

        if excess(-60.0) >= 0:  # the supremum sits at u = 0
            return -row.at_zero(**constants)
        u = exp(brentq(excess, -60.0, 60.0, xtol=1e-14, rtol=1e-14))
        return u * t - row.f(u, **constants)

    return np.vectorize(at, otypes=[float])(T)


def _alpha(v: np.ndarray, alpha: float) -> np.ndarray:
    return v if alpha >= 1 else 1 / (1 - alpha) + log_expit(v)


F_ROWS = {
    "kl": FRow("u log u", lambda u: u * log(u), lambda u: log(u) + 1),
    "reverse-kl": FRow("−log u", lambda u: -log(u), lambda u: -1 / u, lambda v: -np.exp(-v)),
    "pearson": FRow("(u − 1)²", lambda u: (u - 1) ** 2, lambda u: 2 * (u - 1), at_zero=lambda: 1.0),
    "neyman": FRow("(1 − u)²/u", lambda u: (1 - u) ** 2 / u, lambda u: 1 - 1 / u**2, lambda v: 1 - np.exp(-v)),
    "squared-hellinger": FRow("½ (√u − 1)²", lambda u: 0.5 * (u**0.5 - 1) ** 2, lambda u: 0.5 - 0.5 * u**-0.5,
                              lambda v: 0.5 - 0.5 * np.exp(-v)),
    "gan": FRow("u log u − (u + 1) log(u + 1) + 2 log 2", lambda u: u * log(u) - (u + 1) * log(u + 1) + 2 * log(2),
                lambda u: log(u) - log(u + 1), log_expit),
    "js": FRow("½ [u log u − (u + 1) log((u + 1)/2)]", lambda u: 0.5 * (u * log(u) - (u + 1) * log(0.5 * (u + 1))),
               lambda u: 0.5 * (log(u) - log(0.5 * (u + 1))), lambda v: 0.5 * (log(2) + log_expit(v))),
    "total-variation": FRow("½ |u − 1|", lambda u: 0.5 * abs(u - 1), lambda u: float(np.sign(u - 1)) / 2,
                            lambda v: 0.5 * np.tanh(v), conjugate=lambda t: np.maximum(t, -0.5)),
    "jeffreys": FRow("(u − 1) log u", lambda u: (u - 1) * log(u), lambda u: log(u) + 1 - 1 / u),
    "le-cam": FRow("½ (u − 1)²/(u + 1)", lambda u: 0.5 * (u - 1) ** 2 / (u + 1), lambda u: 0.5 - 2 / (u + 1) ** 2,
                   lambda v: 0.5 - 2 / (1 + np.exp(v)) ** 2, at_zero=lambda: 0.5),
    "alpha": FRow("(u^α − 1 − α(u − 1))/(α(α − 1))",
                  lambda u, alpha: (u**alpha - 1 - alpha * (u - 1)) / (alpha * (alpha - 1)),
                  lambda u, alpha: (u ** (alpha - 1) - 1) / (alpha - 1), _alpha,
                  at_zero=lambda alpha: 1 / alpha, constants={"alpha": 0.5}),
}
