"""Multilayer perceptrons as pure functions of a flat θ.

    h₀ = x,   aₗ = hₗ₋₁ Wₗ + bₗ,   hₗ = φ(aₗ),   net(θ, x) = a_L

With a norm, aₗ = γₗ ⊙ norm(hₗ₋₁ Wₗ) + bₗ in the hidden layers: the bias is the norm's learned shift, since
one added before the norm would be subtracted again. With minibatch discrimination, o(h T) stands beside
the last h.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import sqrt
from typing import Any

from minigan.arrays import HOST, Generator, HostArray
from minigan.autodiff import Tensor, concat, leaky_relu, maximum, relu, sigmoid, softplus, split, tanh
from minigan.nets.minibatch import minibatch_features
from minigan.nets.norm import NORMS
from minigan.nets.params import Layout, Network, Run, checked_batch
from minigan.registry import choose


@dataclass(frozen=True)
class Activation:
    """A row: h = φ(a). A unit takes ``pieces`` affine maps of the layer below, so a is (..., pieces · n)."""

    phi: Callable[[Tensor], Tensor]
    pieces: int = 1

    def __call__(self, a: Tensor) -> Tensor:
        return self.phi(a)


def maxout(a: Tensor, pieces: int = 5) -> Tensor:
    """max over k of aₖ, for a = (a₁, ..., a_K) side by side: (..., K n) → (..., n), convex and piecewise linear.

    Source: Goodfellow et al. (2013), section 3.
    """
    first, *rest = split(a, sizes=(a.shape[-1] // pieces,) * pieces)
    for piece in rest:
        first = maximum(first, piece)
    return first


ACTIVATIONS = {
    "relu": Activation(relu),
    "leaky-relu": Activation(leaky_relu),
    "tanh": Activation(tanh),
    "sigmoid": Activation(sigmoid),
    "softplus": Activation(softplus),
    "maxout": Activation(maxout, pieces=5),
}
ELEMENTWISE = tuple(name for name, phi in ACTIVATIONS.items() if phi.pieces == 1)


def _orthogonal(rng: Generator, m: int, n: int, gain: float) -> HostArray:
    q, r = HOST.linalg.qr(rng.standard_normal((max(m, n), min(m, n))))
    q = q * HOST.sign(HOST.diag(r))  # the sign that makes q uniform over orthogonal matrices
    return gain * (q if m >= n else q.T)


# name -> W of shape (m, n), biases being zero; ``gain`` multiplies the usual standard deviation
INITS: dict[str, Callable[[Generator, int, int, float], HostArray]] = {
    # Var W = 2/m: He et al. (2015), eq. 10
    "he": lambda rng, m, n, gain: gain * sqrt(2.0 / m) * rng.standard_normal((m, n)),
    # Var W = 2/(m + n): Glorot & Bengio (2010), eq. 12
    "xavier": lambda rng, m, n, gain: gain * sqrt(2.0 / (m + n)) * rng.standard_normal((m, n)),
    # WᵀW = gain² I: Saxe et al. (2014)
    "orthogonal": _orthogonal,
    # N(0, gain²): gain = 0.02 in Radford et al. (2016)
    "normal": lambda rng, m, n, gain: gain * rng.standard_normal((m, n)),
}


@dataclass(frozen=True)
class MLP(Network):
    """A perceptron of layer sizes (d_in, ..., d_out); the last layer is affine.

    ``net(theta, x)``: theta (..., size), x (..., batch, d_in) → (..., batch, d_out). Leading axes
    of theta are independent networks in one call, and row r equals the single run of theta[r].
    norm: a name of ``NORMS``, for the hidden layers. minibatch: how many kernels of ``kernel`` numbers
    each compare the last hidden layer's rows (``minibatch_features``); 0: none.
    """

    sizes: tuple[int, ...]
    activation: str = "relu"
    norm: str = "none"
    minibatch: int = 0
    kernel: int = 5

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise ValueError(f"an MLP needs an input and an output size, all positive; got {self.sizes}")
        choose(self.activation, ACTIVATIONS, "activation")
        choose(self.norm, NORMS, "norm")
        if self.minibatch < 0 or self.kernel < 1:
            raise ValueError(f"minibatch ≥ 0 kernels of ≥ 1 numbers each, got {self.minibatch} and {self.kernel}")
        if self.minibatch and self.needs_reference:
            raise ValueError(f"norm={self.norm!r} and minibatch={self.minibatch} contradict each other: the one lets a "
                             "sample look at the reference batch alone, the other compares it with its batch-mates")

    @cached_property
    def _arrays(self) -> tuple[tuple[str, tuple[int, int]], ...]:
        """(role, shape) of each array in θ."""
        arrays = []
        for m, n in pairwise(self.sizes[:-1]):
            units = ACTIVATIONS[self.activation].pieces * n
            arrays += [("weight", (m, units)), ("bias", (1, units))]
            if NORMS[self.norm].gain:
                arrays.append(("gain", (1, units)))
        m, n = self.sizes[-2:]
        if self.minibatch:
            arrays.append(("comparison", (m, self.minibatch * self.kernel)))
        return (*arrays, ("weight", (m + self.minibatch, n)), ("bias", (1, n)))

    @cached_property
    def layout(self) -> Layout:
        """W₁, b₁, (γ₁,) W₂, b₂, (γ₂,) ..., (T,) W_L, b_L in this order."""
        return Layout(tuple(shape for _, shape in self._arrays))

    @cached_property
    def weights(self) -> tuple[int, ...]:
        """Which of ``layout.shapes`` are the matrices: each Wₗ, and T of minibatch discrimination."""
        return tuple(k for k, (role, _) in enumerate(self._arrays) if role in ("weight", "comparison"))

    @property
    def couples_samples(self) -> bool:
        return NORMS[self.norm].couples_samples or self.minibatch > 0

    @property
    def needs_reference(self) -> bool:
        return NORMS[self.norm].needs_reference

    def init(self, rng: Generator, method: str = "he", gain: float = 1.0, dtype: Any = "float32") -> HostArray:
        """A fresh θ of shape (size,): weights by ``INITS[method]``, each piece on its own; biases 0, norms' γ 1."""
        draw, pieces = choose(method, INITS, "initialisation"), ACTIVATIONS[self.activation].pieces
        last = self.weights[-1]
        theta = []
        for k, (role, (m, n)) in enumerate(self._arrays):
            if role in ("bias", "gain"):
                theta.append(HOST.full(n, float(role == "gain")))
            else:
                count = pieces if role == "weight" and k != last else 1
                theta.append(HOST.hstack([draw(rng, m, n // count, gain) for _ in range(count)]).ravel())
        return HOST.concatenate(theta).astype(dtype)

    def run(self, theta: Any, x: Any, reference: Any = None) -> Run:
        """The outputs and the hidden layers of x, normalised or compared by the reference batch (..., m, d_in).

        The reference goes through the net with x, layer by layer, normalised by its own statistics: these
        depend on θ and are differentiated. norm="virtual" needs it (ValueError). norm="batch" and minibatch
        discrimination take x's own batch without it, as in training; with it, the reference's rows alone,
        so that x's rows do not mix, as in evaluation: in place of running averages, which lag
        behind θ, these statistics are exact for the θ at hand. Other nets ignore it.
        """
        norm, phi = NORMS[self.norm], ACTIVATIONS[self.activation]
        h, h_ref = checked_batch(x, self.sizes[0]), None
        if self.needs_reference and reference is None:
            raise ValueError(f"norm={self.norm!r} needs a reference batch of shape (..., m, {self.sizes[0]})")
        if reference is not None and (norm.uses_reference or self.minibatch):
            h_ref = checked_batch(reference, self.sizes[0], "a reference")
        arrays, hidden = iter(self.layout.views(theta)), []
        for _ in self.sizes[1:-1]:
            weight, bias = next(arrays), next(arrays)
            gain = next(arrays) if norm.gain else None
            a, a_ref = h @ weight, None if h_ref is None else h_ref @ weight
            h = phi(_scaled(norm.batch(a, a_ref), gain) + bias)
            hidden.append(h)
            if a_ref is not None:
                h_ref = phi(_scaled(norm.reference(a_ref), gain) + bias)
        if self.minibatch:
            T = next(arrays)
            M_ref = None if h_ref is None else self._kernels(h_ref @ T)
            h = concat([h, minibatch_features(self._kernels(h @ T), M_ref)])
        weight, bias = arrays
        return Run(h @ weight + bias, tuple(hidden))

    def _kernels(self, M: Tensor) -> Tensor:
        return M.reshape(*M.shape[:-1], self.minibatch, self.kernel)

    def layers(self, theta: Any) -> list[tuple[Tensor, Tensor]]:
        """(Wₗ, bₗ) for each layer, as views of θ."""
        views = self.layout.views(theta)
        return [(views[k], views[k + 1]) for k, (role, _) in enumerate(self._arrays) if role == "weight"]


def _scaled(a: Tensor, gain: Tensor | None) -> Tensor:
    return a if gain is None else gain * a
