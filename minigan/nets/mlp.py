"""Multilayer perceptrons as pure functions of a flat θ.

    h₀ = x,   aₗ = hₗ₋₁ Wₗ + bₗ,   hₗ = φ(aₗ),   net(θ, x) = a_L
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigan.autodiff import Tensor, leaky_relu, relu, sigmoid, softplus, tanh
from minigan.autodiff.functions import as_tensor
from minigan.nets.params import Layout

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": relu,
    "leaky-relu": leaky_relu,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
}


def _orthogonal(rng: np.random.Generator, m: int, n: int, gain: float) -> np.ndarray:
    q, r = np.linalg.qr(rng.standard_normal((max(m, n), min(m, n))))
    q = q * np.sign(np.diag(r))  # the sign that makes q uniform over orthogonal matrices
    return gain * (q if m >= n else q.T)


# name -> W of shape (m, n), biases being zero; ``gain`` multiplies the usual standard deviation
INITS: dict[str, Callable[[np.random.Generator, int, int, float], np.ndarray]] = {
    # Var W = 2/m: He et al. (2015), eq. 10
    "he": lambda rng, m, n, gain: gain * np.sqrt(2.0 / m) * rng.standard_normal((m, n)),
    # Var W = 2/(m + n): Glorot & Bengio (2010), eq. 12
    "xavier": lambda rng, m, n, gain: gain * np.sqrt(2.0 / (m + n)) * rng.standard_normal((m, n)),
    # WᵀW = gain² I: Saxe et al. (2014)
    "orthogonal": _orthogonal,
    # N(0, gain²): gain = 0.02 in Radford et al. (2016)
    "normal": lambda rng, m, n, gain: gain * rng.standard_normal((m, n)),
}


@dataclass(frozen=True)
class MLP:
    """A perceptron of layer sizes (d_in, ..., d_out); the last layer is affine.

    ``net(theta, x)``: theta (..., size), x (..., batch, d_in) → (..., batch, d_out). Leading axes
    of theta are independent networks in one call, and row r equals the single run of theta[r].
    """

    sizes: tuple[int, ...]
    activation: str = "relu"

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise ValueError(f"an MLP needs an input and an output size, all positive; got {self.sizes}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"unknown activation {self.activation!r}: choose one of {', '.join(ACTIVATIONS)}")

    @property
    def layout(self) -> Layout:
        """W₁, b₁, W₂, b₂, ... in this order."""
        pairs = zip(self.sizes[:-1], self.sizes[1:], strict=True)
        return Layout(tuple(shape for m, n in pairs for shape in ((m, n), (1, n))))

    @property
    def size(self) -> int:
        """The number of parameters."""
        return self.layout.size

    def init(
        self, rng: np.random.Generator, method: str = "he", gain: float = 1.0, dtype: Any = "float32"
    ) -> np.ndarray:
        """A fresh θ of shape (size,): weights by ``INITS[method]``, biases zero."""
        if method not in INITS:
            raise ValueError(f"unknown initialisation {method!r}: choose one of {', '.join(INITS)}")
        weights = (INITS[method](rng, m, n, gain) for m, n in zip(self.sizes[:-1], self.sizes[1:], strict=True))
        return np.concatenate([a.ravel() for w in weights for a in (w, np.zeros(w.shape[1]))]).astype(dtype)

    def __call__(self, theta: Any, x: Any) -> Tensor:
        h = as_tensor(x)
        if h.ndim < 2 or h.shape[-1] != self.sizes[0]:
            raise ValueError(f"this MLP takes inputs of shape (..., batch, {self.sizes[0]}), got {h.shape}")
        phi = ACTIVATIONS[self.activation]
        *hidden, last = self.layers(theta)
        for weight, bias in hidden:
            h = phi(h @ weight + bias)
        weight, bias = last
        return h @ weight + bias

    def layers(self, theta: Any) -> list[tuple[Tensor, Tensor]]:
        """(Wₗ, bₗ) for each layer, as views of θ."""
        views = self.layout.views(theta)
        return list(zip(views[::2], views[1::2], strict=True))
