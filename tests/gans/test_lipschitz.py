"""Clipping and gradient penalties: exact on linear critics, and a checker that known mistakes do not pass."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.autodiff import check, grad, relu, safe_norm, sqrt, square_norm
from minigan.autodiff.tensor import Tensor
from minigan.gans import clip_weights, gradient_penalty, interpolate
from minigan.nets import MLP

seeds = st.integers(0, 2**32 - 1)


def quadratic(a: np.ndarray):
    """f(x) = ½ Σ aᵢxᵢ², whose gradient a ⊙ x differs from sample to sample."""
    return lambda x: (x * x * a).sum(-1, keepdims=True) * 0.5


def assert_is_the_gradient_penalty(penalty) -> None:
    """penalty(critic, real, fake, eps) = mean over samples of (‖∇f(εx + (1−ε)x̃)‖ − 1)², a usable gradient included."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        n, d = rng.integers(2, 9), rng.integers(1, 5)
        real, fake, eps = rng.normal(size=(n, d)), rng.normal(size=(n, d)), rng.random((n, 1))
        w = rng.normal(size=(d, 1))
        linear = penalty(lambda x, w=w: x @ w, real, fake, eps).item()
        assert linear == pytest.approx((np.linalg.norm(w) - 1) ** 2, rel=1e-6)  # W15: whatever the batch
        a, x_hat = rng.normal(size=d), eps * real + (1 - eps) * fake
        expected = np.mean((np.linalg.norm(a * x_hat, axis=1) - 1) ** 2)
        assert penalty(quadratic(a), real, fake, eps).item() == pytest.approx(expected, rel=1e-9)
    zero = Tensor(np.zeros((d, 1)))
    at_zero = penalty(lambda x: x @ zero, real, fake, eps)
    assert at_zero.item() == pytest.approx(1.0, abs=1e-9)
    assert np.isfinite(grad(at_zero, zero).value).all(), "the zero critic's gradient is not finite"
    w = Tensor(np.array([[3.0]] * d))
    slope = grad(penalty(lambda x: x @ w, real, fake, eps), w).value
    assert np.abs(slope).min() > 0, "the penalty does not reach the parameters"


def ours(critic, real, fake, eps):
    return gradient_penalty(critic, interpolate(real, fake, eps))


def test_ours_is_the_gradient_penalty() -> None:
    assert_is_the_gradient_penalty(ours)


# Each a mistake found in well-known code
def norm_over_the_batch(critic, real, fake, eps):
    x_hat = interpolate(real, fake, eps)
    norm = safe_norm(grad(critic(x_hat).sum(), x_hat).reshape(-1))
    return (norm - 1.0) ** 2


def one_weight_for_the_batch(critic, real, fake, eps):
    return gradient_penalty(critic, Tensor(eps[0] * real + (1 - eps[0]) * fake))


def detached(critic, real, fake, eps):
    return Tensor(ours(critic, real, fake, eps).value)


def norm_not_safe_at_zero(critic, real, fake, eps):
    x_hat = interpolate(real, fake, eps)
    return ((sqrt(square_norm(grad(critic(x_hat).sum(), x_hat))) - 1.0) ** 2).mean()


def of_the_mean_score(critic, real, fake, eps):
    x_hat = interpolate(real, fake, eps)
    return ((safe_norm(grad(critic(x_hat).mean(), x_hat)) - 1.0) ** 2).mean()


def mean_outside(critic, real, fake, eps):
    x_hat = interpolate(real, fake, eps)
    return (safe_norm(grad(critic(x_hat).sum(), x_hat)).mean() - 1.0) ** 2


def squared_norm(critic, real, fake, eps):
    x_hat = interpolate(real, fake, eps)
    return ((square_norm(grad(critic(x_hat).sum(), x_hat)) - 1.0) ** 2).mean()


@pytest.mark.parametrize("wrong", [
    norm_over_the_batch, one_weight_for_the_batch, detached, norm_not_safe_at_zero,
    of_the_mean_score, mean_outside, squared_norm,
])
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_known_mistakes_are_rejected(wrong) -> None:
    with pytest.raises(AssertionError):
        assert_is_the_gradient_penalty(wrong)


@given(seeds)
def test_one_sided_leaves_slopes_below_one_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(3, 1))
    x_hat = rng.normal(size=(rng.integers(1, 20), 3))
    one = gradient_penalty(lambda x: x @ w, x_hat, one_sided=True).item()
    assert one == pytest.approx(max(0.0, np.linalg.norm(w) - 1) ** 2, rel=1e-9)


@pytest.mark.parametrize("one_sided", [False, True])
def test_second_order_of_a_network(one_sided: bool) -> None:
    net, rng = MLP((2, 6, 5, 1), "tanh"), np.random.default_rng(0)
    check(lambda w, x: gradient_penalty(lambda t: net(w, t), x, one_sided),
          [2 * rng.normal(size=net.size), rng.normal(size=(4, 2))], order=2)


def test_a_leading_axis_is_a_row_of_runs() -> None:
    net, rng = MLP((2, 6, 1)), np.random.default_rng(0)
    w, x = rng.normal(size=(3, net.size)), rng.normal(size=(3, 5, 2))
    rows = gradient_penalty(lambda t: net(w, t), x)
    singles = [gradient_penalty(lambda t, r=r: net(w[r], t), x[r]).item() for r in range(3)]
    np.testing.assert_allclose(rows.value, singles, rtol=1e-12)


@pytest.mark.parametrize(("shapes", "words"), [
    (((4, 2), (4, 2), (4,)), ["(4, 1)", "(4,)"]),
    (((4, 2), (4, 2), (1, 1)), ["(4, 1)", "(1, 1)"]),
    (((4, 2), (4, 2), (4, 2)), ["(4, 1)", "(4, 2)"]),
    (((4, 2), (5, 2), (4, 1)), ["pairs", "(5, 2)"]),
])
def test_shapes_that_would_broadcast_silently_are_refused(shapes, words) -> None:
    with pytest.raises(ValueError) as error:
        interpolate(*[np.ones(shape) for shape in shapes])
    assert all(word in str(error.value) for word in words)


@given(seeds, st.floats(1e-3, 2))
def test_clipping_is_numpys(seed: int, c: float) -> None:
    w = np.random.default_rng(seed).normal(size=50)
    np.testing.assert_array_equal(clip_weights(w, c).value, np.clip(w, -c, c))


@given(seeds, st.floats(0.05, 1))
def test_a_clipped_critic_is_lipschitz(seed: int, c: float) -> None:
    """W12: |f(x) − f(y)| ≤ Π ‖Wₗ‖₂ · ‖x − y‖ for a ReLU net; the norms by SVD."""
    net, rng = MLP((2, 7, 6, 1)), np.random.default_rng(seed)
    w = clip_weights(rng.normal(size=net.size), c).value
    x, y = rng.normal(size=(2, 40, 2))
    bound = np.prod([np.linalg.norm(weight.value, 2) for weight, _ in net.layers(w)])
    rise = np.abs(net(w, x).value - net(w, y).value)[:, 0]
    assert (rise <= bound * np.linalg.norm(x - y, axis=1) * (1 + 1e-9)).all()


def test_relu_penalty_does_not_touch_the_biases() -> None:
    net, rng = MLP((2, 8, 8, 1)), np.random.default_rng(0)
    w = Tensor(rng.normal(size=net.size))
    g = grad(gradient_penalty(lambda t: net(w, t), rng.normal(size=(9, 2))), w)
    for (weight, bias) in net.layers(g):
        np.testing.assert_array_equal(bias.value, 0.0)
        assert np.abs(weight.value).max() > 0
    assert relu(Tensor(np.zeros(1))).item() == 0
