"""The rows that are tried; divergences in decimals of 100 digits, from their definitions; laws hard for a float."""

from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import pytest

from minigan.theory.family import DIVERGENCES, alpha, skew

ROWS = [*DIVERGENCES.values(), alpha(0.0), alpha(0.25), alpha(1.0), alpha(1 + 1e-9), skew(0.1), skew(0.9)]
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
ONE = Decimal(1)
Term = Callable[[Decimal, Decimal], Decimal]  # q f(p/q) − f′(1)(p − q) of p, q > 0


def _kl(p: Decimal, q: Decimal) -> Decimal:
    return p * (p / q).ln() - p + q


def _skew(pi: Decimal) -> Term:
    def term(p: Decimal, q: Decimal) -> Decimal:
        m = pi * p + (ONE - pi) * q
        return pi * _kl(p, m) + (ONE - pi) * _kl(q, m)

    return term


def _alpha(a: Decimal) -> Term:
    if a in (0, 1):
        return _kl if a else lambda p, q: _kl(q, p)
    return lambda p, q: (p**a * q ** (ONE - a) - q - a * (p - q)) / (a * (a - ONE))


TERMS: dict[str, Term] = {
    "kl": _kl,
    "reverse-kl": lambda p, q: _kl(q, p),
    "pearson": lambda p, q: (p - q) ** 2 / q,
    "neyman": lambda p, q: (p - q) ** 2 / p,
    "squared-hellinger": lambda p, q: (p.sqrt() - q.sqrt()) ** 2 / 2,
    "gan": lambda p, q: 2 * _skew(ONE / 2)(p, q),
    "js": _skew(ONE / 2),
    "total-variation": lambda p, q: abs(p - q) / 2,
    "jeffreys": lambda p, q: (p - q) * (p / q).ln(),
    "le-cam": lambda p, q: (p - q) ** 2 / (p + q) / 2,
}


def exact_divergence(row, p: np.ndarray, q: np.ndarray) -> Decimal:
    """Of the very numbers that p and q hold, the tangent at 1 off; zeros by the row's limits."""
    if (p == q).all():
        return Decimal(0)
    with localcontext() as context:
        context.prec, context.Emax, context.Emin = 100, 10**9, -(10**9)
        term, tilt = _term(row), Decimal(float(row.f_prime(1.0)))
        pairs = [(Decimal(float(a)), Decimal(float(b))) for a, b in zip(p, q, strict=True)]
        return sum((term(a, b) if a and b else a * (Decimal(row.slope) - tilt) if a else
                    b * (Decimal(row.at_zero) + tilt) if b else Decimal(0) for a, b in pairs), Decimal(0))


def _term(row) -> Term:
    name, _, parameter = row.name.partition("(")
    if not parameter:
        return TERMS[name]
    # a row's name has few digits of its parameter: take it from the formula itself
    if name == "alpha":
        return _alpha(Decimal(_closure(row.f, "a")))
    return _skew(Decimal(_closure(row.f, "pi")))


def _closure(f, name: str) -> float:
    return dict(zip(f.__code__.co_freevars, (cell.cell_contents for cell in f.__closure__), strict=True))[name]


def _normalised(p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return p / p.sum(), q / q.sum()


def _near(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    p = rng.dirichlet(np.ones(4))
    return _normalised(p, p * (1 + 10 ** rng.uniform(-13, -2) * rng.uniform(-1, 1, 4)))


def _mixed(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    p = rng.dirichlet(np.full(4, 0.1)) + 1e-5 * np.array([1, 0, 0, 0])
    return _normalised(p, p * np.where(rng.random(4) < 0.5, 1, 10 ** rng.uniform(-200, 0, 4)) + 1e-7)


PAIRS: dict[str, Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]] = {
    "common": lambda rng: tuple(rng.dirichlet(np.ones(4), 2)),
    "sparse": lambda rng: tuple(rng.dirichlet(np.full(4, 0.1), 2)),
    "near": _near,
    "extreme": lambda rng: _normalised(*10 ** rng.uniform(-rng.choice([30, 300]), 0, (2, 3))),
    "mixed": _mixed,
}
