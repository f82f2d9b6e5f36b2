"""Spectral normalisation: W̄ = W/σ(W), a map θ → θ̄ before the net; and power iteration, a map s → s′.

σ(W) = max_{‖h‖=1} ‖Wh‖ is estimated by uᵀWv, with u and v one step of power iteration further for every
critic step. The flat state s holds u (m) and v (n) of each matrix W (m, n) of the net, in the order of
``net.weights``. Only ``power_iteration`` advances it, so that an evaluation cannot; both functions hold u and
v constant. Biases and gains stay as they are, so with 1-Lipschitz activations and no norm Lip(net) ≈ 1 from
above: σ̂ ≤ σ, an estimate and not a bound (``theory.lipschitz.lipschitz_bound`` is one).

Source: Miyato et al. (2018), algorithm 1. Checked by: W13, G32.
"""

from typing import Any

from minigan.arrays import HOST, Generator, HostArray, finfo
from minigan.autodiff import Tensor, absolute, concat, greater, matmul, stop_gradient, where
from minigan.nets.params import Layout, Network
from minigan.theory.lipschitz import power_step


def state_layout(net: Network) -> Layout:
    """u (m, 1) and v (n, 1) of each matrix, alternating."""
    shapes = net.layout.shapes
    return Layout(tuple((n, 1) for k in net.weights for n in shapes[k]))


def initial_state(net: Network, rng: Generator, dtype: Any = "float32") -> HostArray:
    """A fresh s of shape (size,): directions drawn uniformly from the sphere, each of norm 1."""
    draws = (rng.standard_normal(n) for n in state_layout(net).sizes)
    return HOST.concatenate([x / HOST.linalg.norm(x) for x in draws]).astype(dtype)


def settled(net: Network, w: HostArray, s: HostArray, steps: int = 15) -> HostArray:
    """s after some power iterations at the initial w: the first σ̂ would else be far too small, and W/σ̂ too large."""
    for _ in range(steps):
        s = power_iteration(net, w, s).value
    return s


def power_iteration(net: Network, w: Any, s: Any) -> Tensor:
    """v′ = Wᵀu/‖Wᵀu‖, u′ = W v′/‖W v′‖ for each matrix: s → s′, one step, a constant of every gradient.

    w: (..., net.size), s: (..., size) → as s. Where Wᵀu or W v′ is 0 there is no direction, and the old one stays.
    """
    after: list[Tensor] = []
    for W, u, v in _matrices(net, w, s):
        after += power_step(u, v, W)
    return stop_gradient(_flat(after))


def spectral_normalize(net: Network, w: Any, s: Any) -> Tensor:
    """w̄: every matrix of w divided by σ = uᵀWv, with u and v constants: ∂σ/∂W = uvᵀ.

    w: (..., net.size), s: (..., size) → as w, with the Jacobian (I − uvᵀ/σ ⊗ W)/σ in each matrix. A matrix with
    σ = 0 is left as it is, and so is its gradient: 0/0 would kill it for good.
    """
    views = net.layout.views(w)
    for k, (W, u, v) in zip(net.weights, _matrices(net, w, s), strict=True):
        sigma = _sigma(W, stop_gradient(u), stop_gradient(v))
        views[k] = W / where(greater(absolute(sigma), float(finfo(sigma.dtype).tiny)), sigma, 1.0)
    return _flat(views)


def spectral_norms(net: Network, w: Any, s: Any) -> Tensor:
    """σ̂ = uᵀWv of each matrix, (..., matrices): what W is divided by, a lower estimate of its norm."""
    return _flat([_sigma(*matrix) for matrix in _matrices(net, w, s)])


def _sigma(W: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """uᵀWv, (..., 1, 1)."""
    return matmul(u, W, ta=True) @ v


def _matrices(net: Network, w: Any, s: Any) -> list[tuple[Tensor, Tensor, Tensor]]:
    views, directions = net.layout.views(w), state_layout(net).views(s)
    return list(zip([views[k] for k in net.weights], directions[::2], directions[1::2], strict=True))


def _flat(views: list[Tensor]) -> Tensor:
    """(..., m, n) each → (..., Σ m n), one after the other."""
    return concat([x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1]) for x in views])
