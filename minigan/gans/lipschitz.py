"""Keeping the critic Lipschitz: clipped weights, or a penalty on the norm of its gradient.

A critic of W₁ must be 1-Lipschitz; a differentiable function on a convex domain is K-Lipschitz iff
‖∇f‖ ≤ K there (`advanced`, "Wasserstein GAN").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigan.autodiff import Tensor, grad, maximum, minimum, relu, safe_norm
from minigan.autodiff.functions import as_tensor

Critic = Callable[[Tensor], Tensor]  # (..., batch, d) -> (..., batch, 1)


def clip_weights(w: Any, c: float) -> Tensor:
    """w ← clip(w, −c, c) after every critic step: a compact family, hence K-Lipschitz for some K.

    Source: Arjovsky et al. (2017), algorithm 1.
    """
    return minimum(maximum(as_tensor(w), -c), c)


def interpolate(real: Any, fake: Any, eps: Any) -> Tensor:
    """x̂ = ε x + (1 − ε) x̃: a point on the segment of each pair. eps: (..., batch, 1), one a sample.

    One ε shared by the batch is a known mistake; a shape that would broadcast to it is refused.
    Source: Gulrajani et al. (2017), algorithm 1, line 6.
    """
    real, fake, eps = as_tensor(real), as_tensor(fake), as_tensor(eps)
    if real.shape != fake.shape:
        raise ValueError(f"real and fake must come in pairs: shapes {real.shape} and {fake.shape}")
    if eps.shape != (*real.shape[:-1], 1):
        raise ValueError(f"eps must have shape {(*real.shape[:-1], 1)}, one number a sample, got {eps.shape}")
    return eps * real + (1.0 - eps) * fake


def gradient_penalty(critic: Critic, x_hat: Any, one_sided: bool = False) -> Tensor:
    """E (‖∇f(x̂)‖₂ − 1)², or E max(0, ‖∇f(x̂)‖₂ − 1)² if one-sided; the mean over the batch, shape (...).

    The norm is each sample's own, over its coordinates. Since every row of the critic depends on its
    own sample alone, the gradient of the sum of scores holds each sample's gradient; a critic with
    batch norm breaks this. At ∇f = 0 the norm's derivative is taken as 0, so nothing is nan.

    Source: Gulrajani et al. (2017), eq. 3; one-sided: their section 4, and Petzka et al. (2018), eq. 9.
    """
    x_hat = as_tensor(x_hat)
    slope = safe_norm(grad(critic(x_hat).sum(), x_hat), axis=-1)
    excess = relu(slope - 1.0) if one_sided else slope - 1.0
    return (excess * excess).mean(-1)
