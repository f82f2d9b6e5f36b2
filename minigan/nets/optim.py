"""Optimisers as pure, differentiable functions: (θ, g, state, t, η) → (θ′, state′).

g is the gradient of what θ minimises, t = 1, 2, ... the count of steps, η the learning rate; t and η
are numbers or 0-d tensors. The state is a dictionary of tensors shaped as θ, zeros at first. Being
made of primitives, a step can be differentiated through (unrolling) and recorded (replay).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, inf, log, pi
from typing import Any

from minigan.arrays import finfo, namespace
from minigan.autodiff import Tensor, equal, expm1, sqrt, where
from minigan.autodiff.functions import as_tensor

State = dict[str, Tensor]


def sgd(theta: Any, g: Any, state: State, t: Any, eta: Any) -> tuple[Tensor, State]:
    """θ′ = θ − η g.

    Source: Robbins & Monro (1951).
    """
    return theta - eta * as_tensor(g), state


def momentum(theta: Any, g: Any, state: State, t: Any, eta: Any, mu: float = 0.9) -> tuple[Tensor, State]:
    """u′ = μ u + g,   θ′ = θ − η u′.

    Source: Polyak (1964), in the form of Sutskever et al. (2013) that PyTorch uses.
    """
    u = mu * state["u"] + g
    return theta - eta * u, {"u": u}


def nesterov(theta: Any, g: Any, state: State, t: Any, eta: Any, mu: float = 0.9) -> tuple[Tensor, State]:
    """u′ = μ u + g,   θ′ = θ − η (g + μ u′): momentum whose gradient is taken a step of it ahead.

    θ is the point ahead, where the gradient is taken. The method as published walks from y with velocity V:
    V′ = μ V − η ∇f(y + μ V), y′ = y + V′. With V = −η u and θ = y + μ V this is the line above, at a constant η.

    Source: Nesterov (1983); Sutskever et al. (2013), eq. 3 and 4, in the form that PyTorch uses.
    """
    u = mu * state["u"] + g
    return theta - eta * (g + mu * u), {"u": u}


def rmsprop(
    theta: Any, g: Any, state: State, t: Any, eta: Any, alpha: float = 0.99, eps: float = 1e-8
) -> tuple[Tensor, State]:
    """v′ = α v + (1−α) g²,   θ′ = θ − η g / (√v′ + ε).

    Source: Tieleman & Hinton (2012), lecture 6e; α = 0.99 as in PyTorch and the code of WGAN.
    """
    g = as_tensor(g)
    v = _mean_square(alpha, state["v"], g)
    return theta - eta * g / (sqrt(v) + eps), {"v": v}


def adam(
    theta: Any, g: Any, state: State, t: Any, eta: Any, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
) -> tuple[Tensor, State]:
    """m′ = β₁m + (1−β₁)g,  v′ = β₂v + (1−β₂)g²,  θ′ = θ − η m̂ / (√v̂ + ε),  m̂ = m′/(1−β₁ᵗ), v̂ = v′/(1−β₂ᵗ).

    Computed as θ − (η c / (1−β₁ᵗ)) m′ / (√v′ + ε c) with c = √(1−β₂ᵗ): the same, one pass fewer.

    Source: Kingma & Ba (2015), algorithm 1.
    """
    step, state = _adam_step(as_tensor(g), state, t, eta, beta1, beta2, eps)
    return theta - step, state


def _adam_step(
    g: Tensor, state: State, t: Any, eta: Any, beta1: float, beta2: float, eps: float
) -> tuple[Tensor, State]:
    """η m̂ / (√v̂ + ε)."""
    t = as_tensor(t, like=g)
    m = beta1 * state["m"] + (1.0 - beta1) * g
    v = _mean_square(beta2, state["v"], g)
    one_minus_beta1_t, one_minus_beta2_t = _one_minus_powers(t, beta1, beta2)
    c = sqrt(one_minus_beta2_t)
    rate = eta * c / one_minus_beta1_t
    return rate * m / (sqrt(v) + eps * c), {"m": m, "v": v}


def optimistic(theta: Any, g: Any, state: State, t: Any, eta: Any) -> tuple[Tensor, State]:
    """θ′ = θ − 2η gₜ + η gₜ₋₁ = θ − η gₜ − η (gₜ − gₜ₋₁): the next gradient guessed from the last two.

    With g₀ = g₁, so that the first step is a plain one, of η and not of 2η. It converges on min max xy, where
    gradient steps diverge.
    Source: Popov (1980); Daskalakis et al. (2018), section 3.
    """
    g = as_tensor(g)
    return theta - eta * _ahead(g, state["g"], t), {"g": g}


def optimistic_adam(
    theta: Any, g: Any, state: State, t: Any, eta: Any, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
) -> tuple[Tensor, State]:
    """θ′ = θ − 2η dₜ + η dₜ₋₁ with Adam's dₜ = m̂ₜ/(√v̂ₜ + ε), and d₀ = d₁.

    Source: Daskalakis et al. (2018), algorithm 1.
    """
    d, after = _adam_step(as_tensor(g), state, t, 1.0, beta1, beta2, eps)
    return theta - eta * _ahead(d, state["d"], t), {**after, "d": d}


def _ahead(d: Tensor, before: Tensor, t: Any) -> Tensor:
    """2 dₜ − dₜ₋₁, and d₁ at t = 1, where there is nothing before."""
    return 2.0 * d - where(equal(as_tensor(t, like=d), 1.0), d, before)


def _mean_square(beta: float, v: Any, g: Tensor) -> Tensor:
    """β v + (1 − β) g² + tiny: at a dead unit, g = 0, v stays a normal number (others are slow), and √v has a slope."""
    return beta * v + (1.0 - beta) * (g * g) + float(finfo(g.dtype).tiny)


def _one_minus_powers(t: Tensor, *betas: float) -> list[Tensor]:
    """1 − βᵗ = −expm1(t log β) for each β: exact in float32 too, where 1 − 0.999 keeps four digits."""
    powers = -expm1(t * as_tensor([log(beta) if beta > 0 else -inf for beta in betas], like=t))
    return [powers[k] for k in range(len(betas))]


@dataclass(frozen=True)
class Optimizer:
    """A row: the step, the names of its state, and which settings it takes."""

    step: Callable[..., tuple[Tensor, State]]
    slots: tuple[str, ...]
    settings: tuple[str, ...]  # by their names in lab.config

    def init(self, theta: Any) -> dict[str, Any]:
        """A fresh state for θ: zeros."""
        return {slot: namespace(theta).zeros_like(theta) for slot in self.slots}


OPTIMIZERS = {
    "sgd": Optimizer(sgd, (), ()),
    "momentum": Optimizer(momentum, ("u",), ("mu",)),
    "nesterov": Optimizer(nesterov, ("u",), ("mu",)),
    "rmsprop": Optimizer(rmsprop, ("v",), ("alpha",)),
    "adam": Optimizer(adam, ("m", "v"), ("beta1", "beta2")),
    "optimistic": Optimizer(optimistic, ("g",), ()),
    "optimistic-adam": Optimizer(optimistic_adam, ("m", "v", "d"), ("beta1", "beta2")),
}

# The factor on the learning rate at fraction s ∈ [0, 1) of the training
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda s: 1.0,
    "linear": lambda s: 1.0 - s,
    "cosine": lambda s: 0.5 * (1.0 + cos(pi * s)),
}
