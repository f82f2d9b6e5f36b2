"""Batch, layer and virtual batch norm against NumPy, and what a row may know of its batch."""

import numpy as np
import pytest

from minigan.autodiff import GradientError, check, grad, stop_gradient
from minigan.autodiff.tensor import Tensor
from minigan.nets import MLP, NORMS, batch_norm, layer_norm, virtual_batch_norm
from minigan.testing import PropertyError, check_virtual_batch_norm, from_tensors
from tests.by_hand import EPS, normed_net, standard

A, R = (scale * np.random.default_rng(scale).normal(size=(n, 4)) + shift for n, scale, shift in [(6, 3, 5), (5, 2, -1)])
COMBINATIONS = [(norm, minibatch) for norm in NORMS for minibatch in (0, 3) if (norm, minibatch) != ("virtual", 3)]


def test_the_formulas() -> None:
    np.testing.assert_allclose(batch_norm(A).value, standard(A, A), rtol=1e-10)
    np.testing.assert_allclose(batch_norm(A, R).value, standard(A, R), rtol=1e-10)
    np.testing.assert_allclose(layer_norm(A).value, standard(A, A, 1), rtol=1e-10)
    # the definition: each sample with the reference batch makes a batch of its own
    expected = [standard(a, np.vstack([R, a]))[0] for a in A[:, None]]
    np.testing.assert_allclose(virtual_batch_norm(A, R).value, expected, rtol=1e-10)
    np.testing.assert_allclose(batch_norm(A).value.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(batch_norm(A).value.var(0), 1, rtol=1e-4)


def test_virtual_batch_norm_keeps_its_digits() -> None:
    """Far from 0 the mean of the squares less the square of the mean would be nothing but rounding."""
    far = (A / 100 + 1000).astype("float32"), (R / 100 + 1000).astype("float32")
    exact = virtual_batch_norm(*(x.astype("float64") for x in far)).value
    np.testing.assert_allclose(virtual_batch_norm(*far).value, exact, atol=0.05)
    m = len(R)
    mean = ((m * far[1].mean(0) + far[0]) / (m + 1)).astype("float32")
    textbook = (far[0] - mean) / np.sqrt(
        np.maximum((m * (far[1] ** 2).mean(0) + far[0] ** 2) / (m + 1) - mean**2, 0) + np.float32(EPS))
    assert abs(textbook - exact).max() > 0.5


@pytest.mark.parametrize("f", [
    batch_norm, layer_norm, lambda a: batch_norm(a, R), lambda a: virtual_batch_norm(a, R),
    lambda r: batch_norm(A, r), lambda r: virtual_batch_norm(A, r),
], ids=["batch", "layer", "batch of a reference", "virtual", "the reference, batch", "the reference, virtual"])
def test_derivatives(f) -> None:
    check(f, [np.random.default_rng(0).normal(size=(5, 4))], order=2, rtol=1e-5)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("activation", ["tanh", "maxout"])
def test_derivatives_of_the_nets(norm: str, activation: str) -> None:
    """In θ, x and the reference: its statistics depend on θ, and nothing of them is held constant."""
    draw = np.random.default_rng(2)  # away from maxout's kinks
    net = MLP((2, 4, 3, 1), activation, norm)
    points = [draw.normal(size=net.size), draw.normal(size=(5, 2)), draw.normal(size=(4, 2))]
    if norm != "virtual":
        check(net, points[:2], order=2, rtol=1e-5)
    if norm in ("batch", "virtual"):
        check(net, points, order=2, rtol=1e-5)


def test_a_reference_held_constant_is_noticed() -> None:
    """The planted fault: running statistics where the gradient should see θ in them."""
    x, reference, W = A[:, :2], R[:, :2], np.random.default_rng(0).normal(size=(2, 3))
    check(lambda W: virtual_batch_norm(Tensor(x) @ W, Tensor(reference) @ W), [W], order=1)
    with pytest.raises(GradientError):
        check(lambda W: virtual_batch_norm(Tensor(x) @ W, stop_gradient(Tensor(reference) @ W)), [W], order=1)


@pytest.mark.parametrize(("norm", "given"), [
    ("batch", False), ("batch", True), ("layer", False), ("layer", True), ("virtual", True)])
def test_the_forward_pass_by_hand(norm: str, given: bool) -> None:
    net = MLP((2, 4, 3, 2), "tanh", norm)
    draw = np.random.default_rng(1)
    theta, x = draw.normal(size=net.size), draw.normal(size=(6, 2))
    reference = draw.normal(size=(5, 2)) if given else None
    np.testing.assert_allclose(net(theta, x, reference).value, normed_net(net, theta, x, reference), rtol=1e-9)


def test_batch_norm_with_itself_for_reference_is_training() -> None:
    net, rng = MLP((2, 4, 3, 2), "relu", "batch"), np.random.default_rng(0)
    theta, x = rng.normal(size=net.size), rng.normal(size=(6, 2))
    np.testing.assert_allclose(net(theta, x, x).value, net(theta, x).value, rtol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
def test_the_learned_scale_and_shift(norm: str) -> None:
    """Doubling γ doubles what is normalised, b shifts it; without a norm there is no γ."""
    net, rng = MLP((2, 3, 3), "leaky-relu", norm), np.random.default_rng(0)
    theta = net.init(rng, dtype="float64")
    shapes = net.layout.shapes
    assert len(shapes) == (4 if norm == "none" else 5)
    if norm == "none":
        return
    assert shapes[:3] == ((2, 3), (1, 3), (1, 3))
    np.testing.assert_array_equal(theta[6:12], [0, 0, 0, 1, 1, 1])
    x, reference = rng.normal(size=(5, 2)), rng.normal(size=(4, 2))
    first = net.run(theta, x, reference).hidden[0].value
    doubled, shifted = theta.copy(), theta.copy()
    doubled[9:12] = 2.0
    shifted[6:9] = 100.0
    np.testing.assert_allclose(net.run(doubled, x, reference).hidden[0].value, 2 * first, rtol=1e-12)
    a = np.where(first > 0, first, 5 * first)
    np.testing.assert_allclose(net.run(shifted, x, reference).hidden[0].value, a + 100, rtol=1e-12)


def without_reference(net: MLP, theta: np.ndarray):
    """The planted fault: virtual batch norm that drops its reference."""
    return lambda x, reference: net(theta, x)


def test_virtual_batch_norm_is_one_and_batch_norm_is_not() -> None:
    check_virtual_batch_norm(from_tensors(virtual_batch_norm))
    net, fault = MLP((2, 5, 4, 2), "tanh", "virtual"), MLP((2, 5, 4, 2), "tanh", "batch")
    theta = np.random.default_rng(0).normal(size=net.size)
    check_virtual_batch_norm(lambda x, reference: net(theta, x, reference).value, examples=30)
    for wrong in (from_tensors(without_reference(fault, theta)), from_tensors(lambda x, reference: batch_norm(x))):
        with pytest.raises(PropertyError) as error:
            check_virtual_batch_norm(wrong, examples=30)
        assert error.value.property == "batch-mates do not matter"
    with pytest.raises(PropertyError) as error:  # of the sample alone: no mates, and no reference either
        check_virtual_batch_norm(from_tensors(lambda x, reference: layer_norm(x)), examples=30)
    assert error.value.property == "the reference matters"


@pytest.mark.parametrize(("norm", "minibatch"), COMBINATIONS)
def test_in_evaluation_no_row_knows_its_mates(norm: str, minibatch: int) -> None:
    net, rng = MLP((2, 6, 5, 1), "tanh", norm, minibatch), np.random.default_rng(0)
    theta, x, reference = rng.normal(size=net.size), rng.normal(size=(8, 2)), rng.normal(size=(5, 2))
    together = net(theta, x, reference).value
    alone = np.concatenate([net(theta, row[None], reference).value for row in x])
    np.testing.assert_allclose(together, alone, rtol=1e-10)
    tensor = Tensor(x)
    slope = grad(net(theta, tensor, reference)[0].sum(), tensor).value
    assert np.linalg.norm(slope[0]) > 0 and (slope[1:] == 0).all()
    if net.couples_samples:
        training = grad(net(theta, tensor)[0].sum(), tensor).value
        assert np.linalg.norm(training[1:]) > 1e-3


def test_a_constant_unit_is_finite_at_both_orders() -> None:
    for f in (batch_norm, layer_norm, lambda a: virtual_batch_norm(a, np.ones((3, 4), "float32"))):
        a = Tensor(np.ones((3, 4), "float32"))
        y = f(a)
        g = grad((y * y).sum() + y.sum(), a)
        assert (y.value == 0).all() and y.dtype == g.dtype == "float32"
        assert np.isfinite(g.value).all() and np.isfinite(grad((g * g).sum(), a).value).all()
