"""The gradient of the gradient penalty, written out: what ``grad`` called twice does.

For the critic of ``nets.MLP``, aₗ = hₗ₋₁Wₗ + bₗ, hₗ = φ(aₗ), f = a_L, and the penalty
P(w) = mean_b (‖g_b‖ − 1)² with g = ∇ₓf, four sweeps through the layers give ∇_w P.

1. *Forward*: aₗ and hₗ.
2. *Backward*: vₗ = ∂f/∂aₗ and uₗ = ∂f/∂hₗ. From v_L = 1,
       uₗ₋₁ = vₗ Wₗᵀ,    vₗ = uₗ ⊙ φ′(aₗ),    and g = u₀.
   So P is known, and r = ∂P/∂g = (2/B)(1 − 1/‖g‖) g, for each sample; 0 where g = 0.
3. *Tangent*. By the chain rule ∇_w P = ∇_w Σ_b ⟨r_b, g_b⟩ with r held fixed, and ⟨r, ∇ₓf⟩ is the
   derivative of f along r, which a forward sweep of tangents computes: from ḣ₀ = r,
       ȧₗ = ḣₗ₋₁ Wₗ,    ḣₗ = φ′(aₗ) ⊙ ȧₗ,    and Q = Σ_b ȧ_L.
   (A second derivative has become a first derivative of a longer program.)
4. *Weight gradients*: reverse mode through sweeps 1 and 3. The adjoint of ȧₗ is vₗ again, since ȧ obeys
   the linearised network. The adjoint of aₗ, call it sₗ, has two sources: φ′(aₗ) in the tangent sweep, and
   the next layer. From s_L = 0,
       sₗ = φ″(aₗ) ⊙ ȧₗ ⊙ uₗ + φ′(aₗ) ⊙ (sₗ₊₁ Wₗ₊₁ᵀ),
       ∂P/∂Wₗ = ḣₗ₋₁ᵀ vₗ + hₗ₋₁ᵀ sₗ,    ∂P/∂bₗ = Σ_b sₗ.

For a piecewise linear φ (ReLU) φ″ = 0, so every s is 0: the penalty does not move the biases, and the
double backward never visits the forward activations again.

Source: Gulrajani et al. (2017), eq. 3; the R-operator of Pearlmutter (1994).
Checked by: tests/gans/test_penalty_by_hand.py, against ``grad`` of ``grad`` and central differences.
"""

from __future__ import annotations

from typing import Any

from minigan.arrays import Array, namespace
from minigan.nets import MLP
from minigan.registry import choose


def _sigmoid(xp: Any, a: Array) -> Array:
    return 0.5 * (1.0 + xp.tanh(0.5 * a))


# name -> (φ, φ′, φ″), each a function of the array library and of a
DERIVATIVES: dict[str, tuple] = {
    "relu": (
        lambda xp, a: xp.maximum(a, 0.0),
        lambda xp, a: (a > 0).astype(a.dtype),
        lambda xp, a: xp.zeros_like(a),
    ),
    "leaky-relu": (
        lambda xp, a: xp.maximum(a, 0.2 * a),
        lambda xp, a: (a > 0).astype(a.dtype) * 0.8 + 0.2,
        lambda xp, a: xp.zeros_like(a),
    ),
    "tanh": (
        lambda xp, a: xp.tanh(a),
        lambda xp, a: 1.0 - xp.tanh(a) ** 2,
        lambda xp, a: -2.0 * xp.tanh(a) * (1.0 - xp.tanh(a) ** 2),
    ),
    "sigmoid": (
        _sigmoid,
        lambda xp, a: _sigmoid(xp, a) * _sigmoid(xp, -a),
        lambda xp, a: _sigmoid(xp, a) * _sigmoid(xp, -a) * -xp.tanh(0.5 * a),
    ),
    "softplus": (
        lambda xp, a: xp.maximum(a, 0.0) + xp.log1p(xp.exp(-xp.abs(a))),
        _sigmoid,
        lambda xp, a: _sigmoid(xp, a) * _sigmoid(xp, -a),
    ),
}


def penalty_and_gradient(net: MLP, w: Array, x_hat: Array, one_sided: bool = False) -> tuple[Array, Array]:
    """P = mean (‖∇f(x̂)‖ − 1)² (one-sided: of the excess alone) and ∇_w P, without autodiff.

    w: (net.size,), x_hat: (batch, d) arrays of one library; net has one output. Returns a scalar
    and an array shaped as w.
    """
    if net.sizes[-1] != 1:
        raise ValueError(f"a critic has one output; this network's sizes are {net.sizes}")
    xp = namespace(w, x_hat)
    phi, slope, curvature = choose(net.activation, DERIVATIVES, "activation")
    W, b = _layers(net, w)
    L = len(W)

    # 1. forward
    a, h = {}, {0: x_hat}
    for k in range(1, L + 1):
        a[k] = h[k - 1] @ W[k] + b[k]
        h[k] = phi(xp, a[k])

    # 2. backward, and the penalty
    u, v = {}, {L: xp.ones_like(a[L])}
    for k in range(L, 0, -1):
        u[k - 1] = v[k] @ W[k].T
        if k > 1:
            v[k - 1] = u[k - 1] * slope(xp, a[k - 1])
    g = u[0]
    norm = xp.sqrt(xp.sum(g * g, axis=1, keepdims=True))
    excess = xp.maximum(norm - 1.0, 0.0) if one_sided else norm - 1.0
    penalty = xp.mean(excess * excess)
    r = (2.0 / len(g)) * excess * g / xp.where(norm > 0, norm, 1.0)

    # 3. tangent, along r
    a_dot, h_dot = {}, {0: r}
    for k in range(1, L + 1):
        a_dot[k] = h_dot[k - 1] @ W[k]
        h_dot[k] = slope(xp, a[k]) * a_dot[k]

    # 4. weight gradients, last layer first
    s = {L: xp.zeros_like(a[L])}
    gradient: list[Array] = []
    for k in range(L, 0, -1):
        gradient = [(h_dot[k - 1].T @ v[k] + h[k - 1].T @ s[k]).ravel(), xp.sum(s[k], axis=0), *gradient]
        if k > 1:
            s[k - 1] = curvature(xp, a[k - 1]) * a_dot[k - 1] * u[k - 1] + slope(xp, a[k - 1]) * (s[k] @ W[k].T)
    return penalty, xp.concatenate(gradient)


def _layers(net: MLP, w: Array) -> tuple[dict[int, Array], dict[int, Array]]:
    """W and b by layer, 1 to L, as in the formulas."""
    if w.shape != (net.size,):
        raise ValueError(f"this network has {net.size} parameters, got an array of shape {w.shape}")
    views, start = [], 0
    for shape, n in zip(net.layout.shapes, net.layout.sizes, strict=True):
        views.append(w[start : start + n].reshape(shape))
        start += n
    return dict(enumerate(views[::2], 1)), dict(enumerate(views[1::2], 1))
