"""Is an optimiser the published one, with a state of its own? Does a learning rate fall as it is said to?

    def my_adam(theta):                                    # PyTorch, in four lines
        p = torch.nn.Parameter(torch.tensor(theta))
        optimizer = torch.optim.Adam([p], lr=0.1)
        def step(g):
            p.grad = torch.tensor(g); optimizer.step()
            return p.detach().numpy().copy()
        return step

    check_optimizer(my_adam, "adam", lr=0.1)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import cos, pi
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigan.registry import choose
from minigan.testing.properties import Property, Skip, array, number, require, run, show

State = dict[str, np.ndarray]
EPSILONS = ("outside", "inside", "uncorrected")
PASTS = ("same", "zero")


@dataclass(frozen=True)
class Settings:
    """What a recurrence reads; the last four are conventions."""

    lr: float
    mu: float = 0.9
    alpha: float = 0.99
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    epsilon: str = "outside"  # √v̂ + ε; "inside": √(v̂ + ε); "uncorrected": ε beside √v, before its correction
    dampening: float = 0.0  # of momentum: u′ = μ u + (1 − dampening) g
    bias_correction: bool = True
    past: str = "same"  # the gradient before the first: "same" as the first, or "zero"
    start: float = 0.0  # of the mean of squares


@dataclass(frozen=True)
class Kind:
    """A row: the move θ′ − θ of one step; it writes its state. t = 1, 2, …"""

    formula: str
    move: Callable[[np.ndarray, State, int, Settings], np.ndarray]
    conventions: tuple[dict[str, Any], ...] = ()  # other settings that people use


def _sgd(g: np.ndarray, state: State, t: int, s: Settings) -> np.ndarray:
    return -s.lr * g


def _momentum(g: np.ndarray, state: State, t: int, s: Settings) -> np.ndarray:
    state["u"] = s.mu * state["u"] + (1 - s.dampening) * g if "u" in state else g
    return -s.lr * state["u"]


def _nesterov(g: np.ndarray, state: State, t: int, s: Settings) -> np.ndarray:
    """Nesterov's walk: velocity V from y, the gradient taken at θ = y + μ V."""
    V = state.get("V", np.zeros_like(g))
    state["V"] = s.mu * V - s.lr * g
    return -s.mu * V + state["V"] + s.mu * state["V"]


def _rmsprop(g: np.ndarray, state: State, t: int, s: Settings) -> np.ndarray:
    v = state["v"] = s.alpha * state.get("v", s.start) + (1 - s.alpha) * g**2
    return -s.lr * g / _root(v, 1.0, s)


def _adam_direction(g: np.ndarray, state: State, t: int, s: Settings) -> np.ndarray:
    m = state["m"] = s.beta1 * state.get("m", 0.0) + (1 - s.beta1) * g
    v = state["v"] = s.beta2 * state.get("v", s.start) + (1 - s.beta2) * g**2
    c1, c2 = (1 - s.beta1**t, 1 - s.beta2**t) if s.bias_correction else (1.0, 1.0)
    return (m / c1) / _root(v, c2, s)


def _adam(g: np.ndarray, state: State, t: int, s: Settings) -> np.ndarray:
    return -s.lr * _adam_direction(g, state, t, s)


def _root(v: Any, correction: float, s: Settings) -> Any:
    """√v̂ + ε, v̂ = v/correction, or where else people put the ε."""
    if s.epsilon == "inside":
        return np.sqrt(v / correction + s.eps)
    if s.epsilon == "uncorrected":
        return (np.sqrt(v) + s.eps) / np.sqrt(correction)
    return np.sqrt(v / correction) + s.eps


def _ahead(d: np.ndarray, state: State, t: int, s: Settings) -> np.ndarray:
    """−2η dₜ + η dₜ₋₁."""
    before = state.get("d", d if s.past == "same" else 0.0)
    state["d"] = d
    return -2 * s.lr * d + s.lr * before


def _optimistic(g: np.ndarray, state: State, t: int, s: Settings) -> np.ndarray:
    return _ahead(g, state, t, s)


def _optimistic_adam(g: np.ndarray, state: State, t: int, s: Settings) -> np.ndarray:
    return _ahead(_adam_direction(g, state, t, s), state, t, s)


_INSIDE, _UNCORRECTED = {"epsilon": "inside"}, {"epsilon": "uncorrected"}
_ADAMS: tuple[dict[str, Any], ...] = (_INSIDE, _UNCORRECTED, {"bias_correction": False})
_ZERO: dict[str, Any] = {"past": "zero"}

KINDS = {
    "sgd": Kind("θ′ = θ − η g", _sgd),
    "momentum": Kind("u′ = μ u + g, θ′ = θ − η u′", _momentum),
    "nesterov": Kind("u′ = μ u + g, θ′ = θ − η (g + μ u′)", _nesterov),
    "rmsprop": Kind("v′ = α v + (1−α) g², θ′ = θ − η g/(√v′ + ε)", _rmsprop,
                    (_INSIDE, {"start": 1.0}, {"start": 1.0} | _INSIDE)),
    "adam": Kind("m′ = β₁ m + (1−β₁) g, v′ = β₂ v + (1−β₂) g², θ′ = θ − η m̂/(√v̂ + ε), "
                 "m̂ = m′/(1−β₁ᵗ), v̂ = v′/(1−β₂ᵗ)", _adam, _ADAMS),
    "optimistic": Kind("θ′ = θ − 2η gₜ + η gₜ₋₁, g₀ = g₁", _optimistic, (_ZERO,)),
    "optimistic-adam": Kind("θ′ = θ − 2η dₜ + η dₜ₋₁, d Adam's direction m̂/(√v̂ + ε), d₀ = d₁", _optimistic_adam,
                            (_ZERO, *_ADAMS, *(_ZERO | row for row in _ADAMS))),
}


def check_optimizer(
    make: Callable[[np.ndarray], Any], kind: str, *, lr: float, mu: float = 0.9, alpha: float = 0.99,
    beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, epsilon: str = "outside", dampening: float = 0.0,
    bias_correction: bool = True, past: str = "same", start: float = 0.0,
    examples: int = 60, seed: int = 0, rtol: float = 1e-6, atol: float = 1e-10, skip: Skip = (),
) -> list[str]:
    """θ after every step of a few is the published recurrence's; the state is the optimiser's own.

    make: θ₀ (n,) -> step, a fresh optimiser; step: g (n,) -> θ′ (n,), called once for each step, g the gradient of what
    is minimised. If step has ``state()`` and ``load(state)``, a checkpoint is tried too.
    kind: a name in ``KINDS``. Conventions: epsilon, where ε stands: "outside" the root, "inside" it, or "uncorrected",
    beside √v before its correction (as in the quick form of Adam's paper); bias_correction; dampening of momentum:
    u′ = μ u + (1 − dampening) g, as PyTorch has it, u = g at first; past: the gradient before the first, the "same" or
    "zero"; start, of the mean of squares. Which one makes yours the same is said where one does.
    Returns the names of the properties that hold. PropertyError: one does not.

    >>> def sgd(theta):
    ...     def step(g):
    ...         theta[:] -= 0.1 * g
    ...         return theta
    ...     return step
    >>> check_optimizer(sgd, "sgd", lr=0.1)
    ['first step', 'trajectory', 'no gradient, no move', 'a state of its own', 'the gradient is only read']

    Source: Robbins & Monro (1951); Polyak (1964); Nesterov (1983); Sutskever et al. (2013), eq. 1 to 4; Tieleman &
    Hinton (2012), lecture 6e; Kingma & Ba (2015), algorithm 1; Daskalakis et al. (2018), algorithm 1.
    """
    row = choose(kind, KINDS, "optimiser")
    choose(epsilon, dict.fromkeys(EPSILONS), "epsilon")
    choose(past, dict.fromkeys(PASTS), "past")
    settings = Settings(lr, mu, alpha, beta1, beta2, eps, epsilon, dampening, bias_correction, past, start)
    values = st.sampled_from([0.0, 1.0, -1.0, 2.0, -0.5, 1e-2, -1e-4, 1e-4, 1e-8])

    def same(found: np.ndarray, expected: np.ndarray) -> bool:
        """Of the way from θ₀, each coordinate at its own scale."""
        return bool((np.abs(found - expected) <= atol + rtol * np.abs(expected)).all())

    def compare(gradients: np.ndarray) -> None:
        found, expected = _walk(make, gradients), _expected(row, gradients, settings)
        wrong = [t for t in range(len(found)) if not same(found[t], expected[t])]
        if wrong:
            hint = _convention(kind, settings, gradients, found, same)
            require(False, f"θ − θ₀ = {show(found[wrong[0]])} after step {wrong[0] + 1}, "
                           f"expected {show(expected[wrong[0]])}{hint}")

    def dead(steps: int) -> None:
        walked = _walk(make, np.zeros((steps, 2)))
        require((walked == 0).all(), f"θ − θ₀ = {show(walked[-1])} after {steps} steps of g = 0")

    def own(gradients: np.ndarray) -> None:
        first, second = make(np.ones(2)), make(np.ones(2))
        turns = [(_place(first(g.copy())), _place(second(-3 * g))) for g in gradients]
        alone = _walk(make, gradients)
        require(all(same(mine - 1, expected) for (mine, _), expected in zip(turns, alone, strict=True)),
                "two optimisers that step in turn walk otherwise than each alone: they share a state, or a count")

    def reads(g: np.ndarray) -> None:
        given = g.copy()
        make(np.ones(2))(given)
        require(np.array_equal(given, g), f"it wrote {show(given)} over the gradient that it was given")

    def resumed(gradients: np.ndarray) -> None:
        whole = make(np.ones(2))
        places = [_place(whole(g.copy())) for g in gradients[:-1]]
        saved = whole.state()
        later = make(places[-1].copy())
        later.load(saved)
        found, expected = _place(later(gradients[-1].copy())), _place(whole(gradients[-1].copy()))
        require(same(found - 1, expected - 1), f"the step after loading led to {show(found)}, not {show(expected)}")

    some = {"gradients": st.integers(2, 8).flatmap(lambda n: arrays(float, (n, 2), elements=values))}
    rows = [
        Property("first step", row.formula, {"gradients": arrays(float, (1, 2), elements=values)}, compare),
        Property("trajectory", row.formula, some, compare),
        Property("no gradient, no move", "g = 0 from the beginning: θ stays, and is never nan",
                 {"steps": st.integers(1, 3)}, dead),
        Property("a state of its own", "two optimisers in turn = each alone", some, own, 10),
        Property("the gradient is only read", "g is as before after the step", {"g": arrays(float, 2, elements=values)},
                 reads, 10),
    ]
    if hasattr(make(np.ones(2)), "load"):
        rows.append(Property("survives a checkpoint", "a loaded state goes on as the saved one would", some, resumed,
                             20))
    return run([make], rows, examples, seed, skip)


def _place(theta: Any) -> np.ndarray:
    return array("θ", theta, (2,)).copy()


def _walk(make: Callable, gradients: np.ndarray) -> np.ndarray:
    """θ − θ₀ after each step, from θ₀ = 1."""
    step = make(np.ones(2))
    return np.array([_place(step(g.copy())) - 1.0 for g in gradients])


def _expected(row: Kind, gradients: np.ndarray, settings: Settings) -> np.ndarray:
    state: State = {}
    return np.cumsum([row.move(g, state, t, settings) for t, g in enumerate(gradients, 1)], axis=0)


def _convention(kind: str, s: Settings, gradients: np.ndarray, found: np.ndarray, same: Callable) -> str:
    """Which argument would make it the same, on a walk long enough to tell; nothing if none does."""
    others: list[tuple[str, dict[str, Any]]] = [(kind, change) for change in KINDS[kind].conventions]
    if "momentum" in kind:
        others.append((kind, {"dampening": s.mu}))
    ratio = next((f / e for f, e in zip(found.flat, _expected(KINDS[kind], gradients, s).flat, strict=True) if e), 0.0)
    if ratio:
        others.append((kind, {"lr": float(f"{s.lr * ratio:.6g}")}))
    others += [(other, {}) for other in KINDS if other != kind]
    for other, change in others:
        if all(map(same, found, _expected(KINDS[other], gradients, replace(s, **change)))):
            arguments = ", ".join(f"{name}={value!r}" for name, value in change.items())
            ascends = "; it ascends: is −g what it takes?" if change.get("lr", 1.0) < 0 else ""
            return f"\n      so far it is {other!r}" + (f" with {arguments}" if change else "") + ascends
    return ""


# -- schedules ------------------------------------------------------------------------------------
SCHEDULES: dict[str, tuple[str, Callable[[float, float, float], float]]] = {  # (formula, (s, t, γ) -> the factor)
    "constant": ("η", lambda s, t, gamma: 1.0),
    "linear": ("η (1 − s)", lambda s, t, gamma: 1.0 - s),
    "cosine": ("½ η (1 + cos πs)", lambda s, t, gamma: 0.5 * (1.0 + cos(pi * s))),
    "exponential": ("η γᵗ", lambda s, t, gamma: gamma**t),
}


def check_schedule(
    rates: Callable[[int], Any] | Sequence[Any], kind: str, steps: int, *, lr: float = 1.0, least: float = 0.0,
    gamma: float = 0.99, first: int = 0, rtol: float = 1e-6, skip: Skip = (),
) -> list[str]:
    """ηₜ = least + (η − least) factor(s), s = (t − first)/steps: the learning rate of each step of a training.

    rates: t -> ηₜ, or ηₜ of t = first, first + 1, … in a row. kind: "constant", "linear", "cosine" or "exponential"
    (γ a step). first: 0 or 1, the count of the first step. Where s = (t − first)/(steps − 1) would make it the same, so
    that the last rate is ``least``, that is said.
    Returns the names of the properties that hold. PropertyError: one does not.

    Source: Loshchilov & Hutter (2017), eq. 5 (cosine).
    """
    formula, factor = choose(kind, SCHEDULES, "schedule")

    def found(k: int) -> float:
        return number(f"η of step {k + first}", rates(k + first) if callable(rates) else rates[k])

    def expected(k: float, last: float) -> float:
        return least + (lr - least) * factor(k / last if last else 0.0, k, gamma)

    def fits(last: float, offset: float = 0.0) -> bool:
        return all(abs(found(k) - expected(k + offset, last)) <= rtol * lr for k in range(steps))

    def begins() -> None:
        require(abs(found(0) - lr) <= rtol * lr, f"the first rate is {found(0):.10g}, not {lr:.10g}")

    def values() -> None:
        hints = {"steps less 1, whose last rate is the least": fits(steps - 1),
                 f"first={first - 1}": fits(steps, 1.0), f"first={first + 1}": fits(steps, -1.0)}
        hint = "".join(f"\n      it is so with {name}" for name, same in hints.items() if same)
        for k in range(steps):
            require(abs(found(k) - expected(k, steps)) <= rtol * lr,
                    f"η of step {k + first} is {found(k):.10g}, expected {expected(k, steps):.10g}{hint}")

    named: Any = rates if callable(rates) else SimpleNamespace(__name__="the schedule")
    return run([named], [
        Property("first rate", f"η = {lr:g} in the first step", {}, begins),
        Property("each rate", f"ηₜ = {formula}, s = (t − {first})/{steps}", {}, values),
    ], 1, 0, skip)
