"""What remembers its past: moving averages, historical averaging. Each is made once, then called."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigan.registry import choose
from minigan.testing.properties import Property, Skip, array, equal, number, require, run

GRID = st.integers(-8, 8).map(lambda k: k / 4)
BEGINNINGS = ("first", "zero", "corrected")


def check_moving_average(
    make: Callable[[np.ndarray], Callable[[np.ndarray], Any]], beta: float | None = None, *, start: str = "first",
    examples: int = 60, seed: int = 0, rtol: float = 1e-6, atol: float = 1e-9, skip: Skip = (),
) -> list[str]:
    """EMA′ = β EMA + (1−β) θ; without β the mean of all so far, θ̄′ = θ̄ + (θ − θ̄)/(t + 1).

    make: θ₀ (2,) -> update, a fresh average; update: θ -> the average, called once after each step. start: the average
    begins at θ₀ ("first"), at 0 ("zero"), or at 0 and divided by 1 − βᵗ ("corrected").
    Returns the names of the properties that hold. PropertyError: one does not.

    Source: Yazıcı et al. (2019), section 3.1; Salimans et al. (2016), section 3.3.
    """
    choose(start, dict.fromkeys(BEGINNINGS, 0), "start")
    near = partial(equal, rtol=rtol, atol=atol)
    walks = {"thetas": st.integers(2, 6).flatmap(lambda n: arrays(float, (n, 2), elements=GRID))}
    formula = "the mean of θ₀ … θₜ" if beta is None else f"EMA′ = {beta:g} EMA + {1 - beta:g} θ, {start!r} at the start"

    def expected(thetas: np.ndarray, beta: float | None, start: str) -> np.ndarray:
        if beta is None:
            return np.cumsum(thetas, axis=0)[1:] / np.arange(2, len(thetas) + 1)[:, None]
        mean, out = thetas[0] if start == "first" else np.zeros(2), []
        for t, theta in enumerate(thetas[1:], 1):
            mean = beta * mean + (1 - beta) * theta
            out.append(mean / (1 - beta**t) if start == "corrected" else mean)
        return np.array(out)

    def walked(thetas: np.ndarray) -> np.ndarray:
        update = make(thetas[0].copy())
        return np.array([array("the average", update(theta.copy()), (2,)).copy() for theta in thetas[1:]])

    def convention(thetas: np.ndarray, found: np.ndarray) -> str:
        swapped = [] if beta is None else [(1 - beta, begin) for begin in BEGINNINGS]
        for rate, begin in [*((beta, begin) for begin in BEGINNINGS), *swapped, (None, "first")]:
            if np.allclose(found, expected(thetas, rate, begin), rtol, atol):
                return f"\n      so far it is so with beta={rate and round(rate, 9)}, start={begin!r}"
        return ""

    def value(thetas: np.ndarray) -> None:
        found = walked(thetas)
        near("the averages", found, expected(thetas, beta, start), hint=lambda: convention(thetas, found))

    def apart(thetas: np.ndarray) -> None:
        first, second = make(thetas[0].copy()), make(-thetas[0])
        for theta, alone in zip(thetas[1:], walked(thetas), strict=True):
            second(-theta)
            near("an average beside another", array("the average", first(theta.copy()), (2,)), alone)

    def copied(theta: np.ndarray) -> None:
        given, update = theta.copy(), make(np.ones(2))
        before = array("the average", update(given), (2,)).copy()
        require(np.array_equal(given, theta), "the average wrote into the parameters that it was given")
        given += 1.0  # as an optimiser does in place
        after = array("the average", update(theta.copy()), (2,))
        fresh = make(np.ones(2))
        fresh(theta.copy())
        near("the average of two equal steps, the first array changed since,", after, fresh(theta.copy()))
        require(np.isfinite(before).all(), "an average is not finite")

    return run([make], [
        Property("value", formula, walks, value),
        Property("state: its own", "another average's past is not this one's", walks, apart),
        Property("the parameters are copied", "what is done to θ later changes no average",
                 {"theta": arrays(float, 2, elements=GRID)}, copied),
    ], examples, seed, skip)


def check_historical_averaging(
    make: Callable[[np.ndarray], Callable[[np.ndarray], Any]], *, lam: float = 1.0, includes_now: bool = True,
    examples: int = 60, seed: int = 0, rtol: float = 1e-6, atol: float = 1e-9, skip: Skip = (),
) -> list[str]:
    """λ ‖θ − (1/t) Σᵢ θᵢ‖², a term of a player's loss, the mean being of all its parameters so far.

    make: θ₀ (2,) -> term, fresh; term: θ -> the value, called once a step, with θ₀ at first. includes_now: θ itself is
    the last of the mean, as in the paper; else the mean is of those before it, and of θ₀ at first.
    Returns the names of the properties that hold. PropertyError: one does not.

    Source: Salimans et al. (2016), section 3.3.
    """
    near = partial(equal, rtol=rtol, atol=atol)
    walks = {"thetas": st.integers(2, 6).flatmap(lambda n: arrays(float, (n, 2), elements=GRID))}

    def expected(thetas: np.ndarray, now: bool, factor: float = 1.0) -> np.ndarray:
        ends = [thetas[: max(t + now, 1)].mean(axis=0) for t in range(len(thetas))]
        return factor * lam * ((thetas - np.array(ends)) ** 2).sum(axis=1)

    def value(thetas: np.ndarray) -> None:
        term = make(thetas[0].copy())
        found = np.array([number("the term", term(theta.copy())) for theta in thetas])

        def convention() -> str:
            for now in (includes_now, not includes_now):
                for factor in (1.0, 0.5, 2.0):
                    if np.allclose(found, expected(thetas, now, factor), rtol, atol):
                        return f"\n      so far it is so with includes_now={now}, lam={factor * lam:g}"
            return ""

        near("the terms", found, expected(thetas, includes_now), hint=convention)

    def apart(thetas: np.ndarray) -> None:
        alone, first, second = make(thetas[0].copy()), make(thetas[0].copy()), make(-thetas[0])
        for theta in thetas:
            second(-theta)
            near("a term beside another", first(theta.copy()), number("the term", alone(theta.copy())))

    return run([make], [
        Property("value", f"{lam:g} ‖θ − θ̄‖², θ̄ the mean of θ₀ … {'θₜ' if includes_now else 'θₜ₋₁'}", walks, value),
        Property("state: its own", "another player's past is not this one's", walks, apart),
    ], examples, seed, skip)
