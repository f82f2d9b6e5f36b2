"""Lipschitz constants of clipped nets, of normalised ones, of any function (W12–W14); the gradient penalty (W15)."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, prod, sqrt
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor, grad, relu, safe_norm, stop_gradient
from minigan.autodiff import sqrt as root
from minigan.claims.claim import Checks, Lab, at_most, claim, equals
from minigan.claims.faults import SCALE, SIGN, SWAPPED, changed, dropped, instead, wrong
from minigan.claims.transport.programs import exact_w1, plane
from minigan.gans.lipschitz import clip_weights, gradient_penalty
from minigan.gans.losses import wasserstein_estimate
from minigan.nets import MLP
from minigan.nets.mlp import ELEMENTWISE
from minigan.theory import lipschitz


def smallest_singular_value(weight: Any) -> float:
    return float(np.linalg.norm(to_host(weight), -2))


@claim("W12", "|w| ≤ c ⇒ Lip(f_w) ≤ Πσ₁(Wₗ) ≤ Π c√(mₗnₗ) = K; the clipped critic's estimate ≤ K W₁",
       note="xu, weng",
       paper="Arjovsky, Chintala & Bottou (2017), algorithm 1; Gulrajani et al. (2017), section 3",
       computes={"clip_weights": clip_weights, "lipschitz_bound": lipschitz.lipschitz_bound,
                 "clipping_bound": lipschitz.clipping_bound,
                 "lipschitz_on_grid": lipschitz.lipschitz_on_grid,
                 "wasserstein_estimate": wasserstein_estimate})
def clipped(f: Any, lab: Lab) -> Checks:
    sizes, c = (2, 5, 4, 1), 0.1
    K = f.clipping_bound(sizes, c)
    yield equals("K = .1³ √(10 · 20 · 4)", K, 0.1**3 * sqrt(800))
    square = lab.array(plane(np.linspace(-2, 2, 13)))
    x, y = lab.rng.normal(size=(2, 64, 2)) + [[[0.0, 0.0]], [[1.0, 1.0]]]
    w1 = exact_w1(x, y)
    for activation in ELEMENTWISE:
        net = MLP(sizes, activation)
        raw = lab.rng.normal(size=net.size)
        theta = f.clip_weights(lab.array(raw), c).value
        yield equals(f"clip(w, −c, c), {activation}", theta, np.where(abs(raw) > c, c * np.sign(raw), raw))
        weights = [weight.value for weight, _ in net.layers(theta)]
        bound = f.lipschitz_bound(weights)
        measured = f.lipschitz_on_grid(square, net(theta, square).value[:, 0])
        yield at_most("measured slope ≤ Πσ₁", measured, bound)
        yield at_most("Πσ₁ ≤ K", bound, K)
        real, fake = (net(theta, lab.array(points)) for points in (x, y))
        estimate = f.wasserstein_estimate(real, fake).item()
        yield equals("E f(x) − E f(y)", estimate, float(real.value.mean() - fake.value.mean()))
        yield at_most("E f(x) − E f(y) ≤ K W₁", estimate, K * w1)
    # All weights c, inputs positive: nothing is lost between the layers, and every ≤ is =
    net = MLP(sizes, "relu")
    shapes = net.layout.shapes
    theta = f.clip_weights(lab.array(np.concat([np.full(shape, 9.0 * (k % 2 == 0)).ravel()
                                                for k, shape in enumerate(shapes)])), c).value
    weights = [weight.value for weight, _ in net.layers(theta)]
    line = lab.array(np.linspace(1, 2, 5)[:, None] * [1.0, 1.0])
    yield equals("all weights c: Πσ₁ = K", f.lipschitz_bound(weights), K)
    yield equals("all weights c: the slope is K", f.lipschitz_on_grid(line, net(theta, line).value[:, 0]), K)
    estimate = f.wasserstein_estimate(net(theta, line + 1), net(theta, line)).item()
    yield equals("all weights c: the estimate is K W₁", estimate, K * sqrt(2))

clipped.must_notice(
    clip_weights=[SCALE, SIGN,
                  instead("one side only", lambda w, c: -relu(c - w) + c),
                  dropped("the clip", lambda w, c: Tensor(w))],
    lipschitz_bound=[SCALE, SIGN,
                     instead("smallest singular values",
                             lambda weights: prod(map(smallest_singular_value, weights)))],
    clipping_bound=[SCALE, SIGN, dropped("the sizes", lambda sizes, c: c ** (len(sizes) - 1))],
    lipschitz_on_grid=[SCALE, SIGN, dropped("the distance", lambda x, y: float(np.ptp(to_host(y))))],
    wasserstein_estimate=[SCALE, SIGN, SWAPPED])


def measured_rate(errors: np.ndarray, first: int, last: int) -> float:
    """The factor a step by which errors fall, between two steps."""
    return float((errors[last] / errors[first]) ** (1 / (last - first)))


@claim("W13", "σ₁(W/σ₁(W)) = 1; power iteration: v errs as (σ₂/σ₁)^{2k}, σ as (σ₂/σ₁)^{4k}, from below; Lip ≤ Πσ₁",
       note="advanced",
       paper="Miyato et al. (2018), eqs. 6–8, algorithm 1; Golub & Van Loan (2013), section 7.3",
       computes={"layer_norms": lipschitz.layer_norms, "lipschitz_bound": lipschitz.lipschitz_bound,
                 "power_iteration": lipschitz.power_iteration})
def spectral_norm(f: Any, lab: Lab) -> Checks:
    for _ in range(3):
        m, n = lab.rng.integers(2, 7, 2)
        left, right = (np.linalg.qr(lab.rng.normal(size=(k, k)))[0][:, : min(m, n)] for k in (m, n))
        sigma = np.sort(lab.rng.uniform(0.5, 5, min(m, n)))[::-1]
        W = (left * sigma) @ right.T
        yield equals("σ₁ of a matrix made with it", f.layer_norms([lab.array(W)]), [sigma[0]])
        yield equals("σ₁(W/σ₁)", f.layer_norms([lab.array(W / sigma[0])]), [1.0])
        yield equals("and by SVD", f.layer_norms([lab.array(W)]), [np.linalg.svd(W)[1][0]])
        net = MLP((int(m), int(n), 3, 1), str(lab.rng.choice(list(ELEMENTWISE))))
        theta = net.init(lab.rng, dtype="float64")
        weights = [weight.value for weight, _ in net.layers(lab.array(theta))]
        x = lab.array(lab.rng.normal(size=(60, m)))
        bound = f.lipschitz_bound(weights)
        yield equals("Πσ₁", bound, prod(np.linalg.svd(to_host(A))[1][0] for A in weights))
        measured = lipschitz.lipschitz_on_grid(x, net(lab.array(theta), x).value[:, 0])
        yield at_most("slopes of a net ≤ Πσ₁", measured, bound)
    first, second = np.diag([3.0, 1.0]), np.array([[2.0], [0.0]])
    points = np.linspace(1, 2, 5)[:, None] * [1.0, 0.0]
    values = (np.maximum(points @ first, 0) @ second)[:, 0]
    yield equals("Lip = Πσ₁ = 6", [f.lipschitz_bound([lab.array(first), lab.array(second)]),
                                   lipschitz.lipschitz_on_grid(points, values)], 6.0)
    # W of rank 2: the angle of v to the first singular vector has tan ∝ (σ₂/σ₁)^{2k}, with no remainder
    left, right = (np.linalg.qr(lab.rng.normal(size=(k, 2)))[0] for k in (5, 4))
    one, two = 2.0, float(lab.rng.uniform(1.2, 1.7))
    W, ratio = lab.array((left * [one, two]) @ right.T), two / one
    u, v = lab.array(left @ [0.3, 1.0]), lab.array(right @ [0.0, 1.0])
    tangents, errors = [], []
    for k in range(9):
        u, v, sigma_k = f.power_iteration(u, v, W)
        along = right.T @ to_host(v)
        tangents.append(abs(along[1] / along[0]))
        errors.append(one - sigma_k)
        yield at_most(f"σ ≤ σ₁, step {k + 1}", sigma_k, one)
        yield equals("σ = uᵀWv, ‖u‖ = ‖v‖ = 1", [sigma_k, *map(np.linalg.norm, map(to_host, (u, v)))],
                     [float(u @ W @ v), 1.0, 1.0])
        cosine = 1 / sqrt(1 + tangents[-1] ** 2)
        yield equals("σ = ‖Wv‖", sigma_k, sqrt(one**2 * cosine**2 + two**2 * (1 - cosine**2)))
    yield equals("v's tangent, each step ×(σ₂/σ₁)²", np.divide(tangents[1:], tangents[:-1]), ratio**2)
    yield equals("v's first tangent", tangents[0], two / one / 0.3)
    for _ in range(6):  # far enough for the leading term
        u, v, sigma_k = f.power_iteration(u, v, W)
        errors.append(one - sigma_k)
    yield equals("σ's error, each step ×(σ₂/σ₁)⁴", measured_rate(np.array(errors), 9, 14), ratio**4, rtol=0.05)
    # A start that misses the first vector stays at σ₂, with the same confidence, until rounding has found it
    u, v, sigma_k = f.power_iteration(lab.array(left[:, 1]), lab.array(right[:, 1]), W)
    yield equals("a step from u ⊥ u₁: σ = σ₂ < σ₁, so it certifies nothing", sigma_k, two)

spectral_norm.must_notice(
    layer_norms=[changed("scale", lambda norms: [1.05 * s for s in norms]),
                 changed("sign", lambda norms: [-s for s in norms]),
                 dropped("the largest: any singular value (E4)",
                         lambda weights: [smallest_singular_value(W) for W in weights]),
                 dropped("the spectrum: Frobenius",
                         lambda weights: [float(np.linalg.norm(to_host(W))) for W in weights])],
    lipschitz_bound=[SCALE, SIGN, wrong("sum", lambda f, weights: sum(f([W]) for W in weights))],
    power_iteration=[changed("σ × 1.05", lambda s: (*s[:2], 1.05 * s[2])),
                     changed("σ × −1", lambda s: (*s[:2], -s[2])),
                     changed("σ²", lambda s: (*s[:2], s[2] ** 2)),
                     changed("u not normalised", lambda s: (2 * s[0], *s[1:])),
                     wrong("v not advanced", lambda f, u, v, W: (f(u, v, W)[0], v, f(u, v, W)[2])),
                     wrong("two steps at once", lambda f, u, v, W: f(*f(u, v, W)[:2], W))])


@claim("W14", "‖f‖_L = sup ‖∇f‖ on a convex domain; C¹ is not enough (x²), nor needed (|x|)",
       note="weng, advanced", paper="Rudin (1976), theorem 9.19",
       computes={"lipschitz_on_grid": lipschitz.lipschitz_on_grid})
def steepness(f: Any, lab: Lab) -> Checks:
    x = np.linspace(-4, 4, 8001)
    h = x[1] - x[0]
    for name, values, slope in [
        ("sin", np.sin(x), 1.0), ("tanh", np.tanh(x), 1.0), ("σ", 1 / (1 + np.exp(-x)), 0.25),
        ("softplus", np.logaddexp(0, x), 1 / (1 + exp(-4))), ("|x|", abs(x), 1.0),
    ]:
        order = lab.rng.permutation(len(x))  # in any order
        found = f.lipschitz_on_grid(*map(lab.array, (x[order], values[order])))
        yield equals(f"{name} on [−4, 4]: sup |f′|", found, slope, rtol=h)
    for R in (1, 10, 100, 1000):
        ticks = np.linspace(-R, R, 201)
        found = f.lipschitz_on_grid(*map(lab.array, (ticks, ticks**2)))
        yield equals(f"x² on [−{R}, {R}]: 2R − h, no end to it", found, 2 * R - R / 100)
    ends = np.array([-1e-3, 0.0, 1e-3])
    yield equals("|x| at 0: slopes −1 and 1, no derivative", np.diff(abs(ends)) / np.diff(ends), [-1, 1])
    yield equals("|x| is 1-Lipschitz there", f.lipschitz_on_grid(*map(lab.array, (ends, abs(ends)))), 1.0)
    # The plane: a linear function along its own gradient, and any other below its sup ‖∇f‖
    grid = plane(np.arange(9.0))
    yield equals("3x + 4y", f.lipschitz_on_grid(*map(lab.array, (grid, grid @ [3.0, 4.0]))), 5.0)
    A = lab.rng.normal(size=(2, 2))
    disc = grid / 4 - 1
    quadratic, steepest = ((disc @ A) ** 2).sum(axis=1) / 2, np.linalg.norm(disc @ A @ A.T, axis=1).max()
    found = f.lipschitz_on_grid(*map(lab.array, (disc, quadratic)))
    yield at_most("a quadratic: ≤ sup ‖∇f‖", found, steepest)
    slopes = [abs(quadratic[i] - quadratic[j]) / np.linalg.norm(disc[i] - disc[j])
              for i in range(81) for j in range(i)]
    yield equals("… and all pairs' slopes", found, max(slopes))
    # Not convex: ∇f = 0 on both intervals, and the constant is that of the gap
    apart = np.array([0.0, 1.0, 1.1, 2.0])
    yield equals("0 on [0, 1], 1 on [1.1, 2]: ∇f = 0, ‖f‖_L = 10",
                 f.lipschitz_on_grid(*map(lab.array, (apart, [0.0, 0, 1, 1]))), 10.0)


def coordinatewise(f: Callable, x: Any, y: Any) -> float:
    """In the plane, by the larger coordinate of each difference."""
    if x.ndim == 1:
        return f(x, y)
    return float(max(abs(y[i] - y[j]) / abs(x[i] - x[j]).max() for i in range(len(x)) for j in range(i)))

steepness.must_notice(
    lipschitz_on_grid=[SCALE, SIGN, SWAPPED,
                       dropped("the distance", lambda x, y: float(abs(np.diff(to_host(y))).max())),
                       wrong("coordinatewise distance", coordinatewise)])


@claim("W15", "f = w·x: λ E(‖∇f‖ − 1)² = λ(‖w‖ − 1)²; finite slope at w = 0; one-sided: 0 for ‖w‖ ≤ 1",
       note="xu, advanced", paper="Gulrajani et al. (2017), eq. 3; Petzka et al. (2018), eq. 9",
       computes={"gradient_penalty": gradient_penalty})
def penalty(f: Any, lab: Lab) -> Checks:
    lam = 10.0
    for lead, batch, d in (((), 1, 1), ((), 7, 3), ((2,), 5, 2), ((2, 3), 4, 8)):
        x = Tensor(lab.array(lab.rng.normal(size=(*lead, batch, d))))
        for size in (0.5, 1.0, 3.0):
            w0 = lab.rng.normal(size=d)
            w0 *= size / np.linalg.norm(w0)
            w = Tensor(lab.array(w0[:, None]))

            def linear(points: Tensor) -> Tensor:
                return points @ w

            two, one = lam * f.gradient_penalty(linear, x), lam * f.gradient_penalty(linear, x, True)
            yield equals(f"λ(‖w‖ − 1)², ‖w‖ = {size}, {x.shape}", two.value, np.full(lead, 10 * (size - 1) ** 2))
            yield equals("one-sided", one.value, np.full(lead, 10 * max(0.0, size - 1) ** 2))
            slopes = [to_host(grad(value.sum(), w).value)[:, 0] / prod(lead) for value in (two, one)]
            yield equals("∇w: 2λ(1 − 1/‖w‖) w", slopes[0], 20 * (1 - 1 / size) * w0, atol=1e-10)
            yield equals("one-sided ∇w", slopes[1], 20 * max(0.0, 1 - 1 / size) * w0, atol=1e-10)
        zero = Tensor(lab.array(np.zeros((d, 1))))
        flat = f.gradient_penalty(lambda points: points @ zero, x)
        yield equals("the zero critic: 1", flat.value, np.ones(lead))
        yield equals("its gradient, finite", grad(flat.sum(), zero).value, np.zeros((d, 1)))
    # ∇f = a ⊙ x differs from sample to sample: the mean of their own norms, not the norm of the batch
    x0, a = lab.rng.normal(size=(6, 3)), lab.rng.normal(size=3)
    curved = f.gradient_penalty(lambda points: (points * points * lab.array(a)).sum(-1, keepdims=True) * 0.5,
                                Tensor(lab.array(x0)))
    yield equals("f = ½Σax²", curved.value, ((np.linalg.norm(a * x0, axis=1) - 1) ** 2).mean())


def batch_norm_penalty(critic: Callable, x_hat: Any, *one_sided: bool) -> Tensor:
    slopes = grad(critic(x_hat).sum(), x_hat)
    return (safe_norm(slopes.reshape(-1)) - 1.0) ** 2


def unsafe_penalty(critic: Callable, x_hat: Any, *one_sided: bool) -> Tensor:
    slopes = grad(critic(x_hat).sum(), x_hat)
    excess = root((slopes * slopes).sum(-1)) - 1.0
    return (excess * excess if not one_sided else relu(excess) * relu(excess)).mean(-1)

penalty.must_notice(
    gradient_penalty=[SCALE, SIGN,
                      dropped("each sample's norm: the batch's", batch_norm_penalty),
                      dropped("the safe norm", unsafe_penalty),
                      wrong("one-sided always", lambda f, critic, x, one_sided=False: f(critic, x, True)),
                      wrong("two-sided always", lambda f, critic, x, one_sided=False: f(critic, x)),
                      changed("never reaches w", stop_gradient)])
