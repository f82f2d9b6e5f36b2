"""Keeping the critic Lipschitz: clipped weights, or a penalty on the norm of its gradient. (``spectral.py``: a third.)

A critic of W₁ must be 1-Lipschitz; a differentiable function on a convex domain is K-Lipschitz iff
‖∇f‖ ≤ K there (`advanced`, "Wasserstein GAN").
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minigan.arrays import is_scalar
from minigan.autodiff import Tensor, alias, grad, maximum, mean, minimum, relu, safe_norm, sqrt, square_norm
from minigan.autodiff.functions import as_tensor
from minigan.autodiff.tensor import topological
from minigan.registry import Registry

Critic = Callable[[Tensor], Tensor]  # (..., batch, *sample) -> (..., batch, 1)


def clip_weights(w: Any, c: float) -> Tensor:
    """w ← clip(w, −c, c) after every critic step: a compact family, hence K-Lipschitz for some K. ValueError for c < 0.

    Source: Arjovsky et al. (2017), algorithm 1.
    """
    if is_scalar(c) and not c >= 0:  # a recorded c has no value yet
        raise ValueError(f"weights are clipped to [−c, c] with c ≥ 0, not {c}")
    return minimum(maximum(as_tensor(w), -c), c)


def sample_axes(x: Tensor, numbers: Tensor, what: str) -> tuple[int, ...]:
    """The axes of a sample in x (..., batch, *sample), told by numbers (..., batch, 1), one a sample: those behind.

    Points (batch, d) with scores (batch, 1): (−1,). Images (batch, c, h, w) with scores (batch, 1): (−3, −2, −1).
    Points of several runs (runs, batch, d) with scores (runs, batch, 1): (−1,). ValueError for numbers of any
    other shape: they would be broadcast, or are not one a sample.
    """
    shapes = [(*x.shape[:k], 1) for k in range(1, x.ndim)]
    if numbers.shape not in shapes:
        meant = "; ".join(f"{shape} for samples of shape {x.shape[len(shape) - 1 :]}" for shape in shapes)
        raise ValueError(f"{what} must be one number a sample: of x {x.shape}, shape "
                         f"{meant or 'none: x has no batch'}; got {numbers.shape}")
    return tuple(range(numbers.ndim - 1 - x.ndim, 0))


def interpolate(real: Any, fake: Any, eps: Any) -> Tensor:
    """x̂ = ε x + (1 − ε) x̃: a point on the segment of each pair, (..., batch, *sample). eps: (..., batch, 1).

    One ε a sample, also of images: (batch, 1). One ε shared by the batch is a known mistake; a shape that would
    broadcast to it is refused. Source: Gulrajani et al. (2017), algorithm 1, line 6.
    """
    real, fake, eps = as_tensor(real), as_tensor(fake), as_tensor(eps)
    if real.shape != fake.shape:
        raise ValueError(f"real and fake must come in pairs: shapes {real.shape} and {fake.shape}")
    axes = sample_axes(real, eps, "eps")
    if len(axes) > 1:
        eps = eps.reshape((*eps.shape[:-1], *[1] * len(axes)))
    return fake + eps * (real - fake)  # the same, in one pass fewer


def gradient_penalty(critic: Critic, x_hat: Any, one_sided: bool = False) -> Tensor:
    """E (‖∇f(x̂)‖₂ − 1)², or E max(0, ‖∇f(x̂)‖₂ − 1)² if one-sided; the mean over the batch, shape (...).

    x̂: (..., batch, *sample), points or images; the critic answers one score a sample, (..., batch, 1), and
    ValueError if not. The norm is each sample's own, over all its axes. Since every row of the critic depends on
    its own sample alone, the gradient of the sum of scores holds each sample's gradient; a critic with
    batch norm breaks this. At ∇f = 0 the norm's derivative is taken as 0, so nothing is nan. ∇f is the partial
    derivative, at an alias of x̂: after a step (unrolling, extra-gradient) the critic's parameters depend on x̂ too.

    Source: Gulrajani et al. (2017), eq. 3; one-sided: their section 4, and Petzka et al. (2018), eq. 9.
    """
    x_hat = alias(as_tensor(x_hat))
    scores, axes = _scores(critic, x_hat)
    slope = safe_norm(grad(scores.sum(), x_hat), axis=axes)
    excess = relu(slope - 1.0) if one_sided else slope - 1.0
    return (excess * excess).mean(-1)


def zero_centered_penalty(critic: Critic, x: Any) -> Tensor:
    """½ E ‖∇f(x)‖²: R1 on the data, R2 on the fakes; weighted by γ. The mean over the batch, shape (...).

    x and the critic as ``gradient_penalty`` takes them. At the equilibrium a discriminator should be flat on the
    data; pulling its slope to 0 there makes the training converge, where the slope 1 of a Wasserstein critic makes
    it circle (G13).
    Source: Mescheder et al. (2018), eq. 9 and 10. Checked by: G30.
    """
    x = alias(as_tensor(x))
    scores, axes = _scores(critic, x)
    return 0.5 * square_norm(grad(scores.sum(), x), axis=axes).mean(-1)


def _scores(critic: Critic, x: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """The scores of x, and the axes of a sample in x. ValueError unless the scores are one a sample, and made of x."""
    scores = as_tensor(critic(x))
    behind = (y.node for node in topological([scores], stop=x.node) for y in node.inputs)
    if scores.node is not x.node and x.node not in behind:
        raise ValueError("the critic's scores do not depend on the x that it was given: their slope would be 0 "
                         "everywhere. Make them of that tensor, not of its value")
    return scores, sample_axes(x, scores, "the critic's scores")


def perturb(real: Any, delta: Any, c: float = 0.5, axes: int = 1) -> Tensor:
    """x̂ = x + c s δ, δ ~ N(0, I), s the batch's standard deviation: DRAGAN's neighbourhood of the data.

    real, delta: (..., batch, *sample) of one shape; axes: how many a sample has, 1 for points, 3 for images.
    s is the root mean square of x minus its batch's mean. ValueError for another shape.
    Source: Kodali et al. (2017), section 2.4 and their code, where c = ½. Checked by: G30.
    """
    real, delta = as_tensor(real), as_tensor(delta)
    if real.shape != delta.shape or not 0 < axes < real.ndim:
        raise ValueError(f"real and delta must have one shape (..., batch, *sample) with {axes} axes a sample: "
                         f"not {real.shape} and {delta.shape}")
    centred = real - mean(real, axis=-1 - axes, keepdims=True)
    s = sqrt(mean(centred * centred, axis=tuple(range(-1 - axes, 0)), keepdims=True))
    return real + c * s * delta


@dataclass(frozen=True)
class Penalty:
    """A row: (critic, real, fake, inputs) -> (...); inputs: ``eps`` (..., batch, 1), ``delta`` as real."""

    value: Callable[[Critic, Tensor, Tensor, dict[str, Any]], Any]
    formula: str
    source: str


PENALTIES: Registry[Penalty] = Registry("penalty", {
    "none": Penalty(lambda critic, real, fake, inputs: 0.0, "0", ""),
    "two-sided": Penalty(
        lambda critic, real, fake, inputs: gradient_penalty(critic, interpolate(real, fake, inputs["eps"])),
        "E (‖∇f(x̂)‖ − 1)², x̂ on the segments between real and fake", "Gulrajani et al. (2017), eq. 3"),
    "one-sided": Penalty(
        lambda critic, real, fake, inputs: gradient_penalty(critic, interpolate(real, fake, inputs["eps"]), True),
        "E max(0, ‖∇f(x̂)‖ − 1)², x̂ on the segments", "Petzka et al. (2018), eq. 9"),
    "dragan": Penalty(
        lambda critic, real, fake, inputs: gradient_penalty(
            critic, perturb(real, inputs["delta"], axes=len(_scores(critic, alias(real))[1]))),
        "E (‖∇f(x + δ)‖ − 1)², around the data", "Kodali et al. (2017), section 2.4"),
    "r1": Penalty(
        lambda critic, real, fake, inputs: zero_centered_penalty(critic, real),
        "½ E ‖∇f(x)‖², on the data", "Mescheder et al. (2018), eq. 9"),
    "r2": Penalty(
        lambda critic, real, fake, inputs: zero_centered_penalty(critic, fake),
        "½ E ‖∇f(G(z))‖², on the fakes", "Mescheder et al. (2018), eq. 10"),
})
