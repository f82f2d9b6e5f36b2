"""docs/penalty-by-hand.md: the penalty's gradient written out, against ``grad`` of ``grad`` and central differences."""

from itertools import product

import numpy as np
import pytest

from minigan.autodiff import grad
from minigan.autodiff.tensor import Tensor
from minigan.gans import gradient_penalty
from minigan.nets import MLP
from minigan.nets.mlp import ELEMENTWISE
from tests.test_pages import ROOT, fences

PAGE: dict = {}
for fence in fences(ROOT / "docs" / "penalty-by-hand.md"):
    if fence.language == "python":
        exec(fence.text, PAGE)
DERIVATIVES, penalty_and_gradient = PAGE["DERIVATIVES"], PAGE["penalty_and_gradient"]
CASES = list(product(ELEMENTWISE, [False, True], [(2, 7, 5, 1), (3, 4, 1)]))


def test_every_activation_of_the_networks_is_covered() -> None:
    assert DERIVATIVES.keys() == set(ELEMENTWISE)


@pytest.mark.parametrize(("activation", "one_sided", "sizes"), CASES)
def test_the_engine_agrees(activation: str, one_sided: bool, sizes: tuple[int, ...]) -> None:
    net = MLP(sizes, activation)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        w, x_hat = 1.5 * rng.normal(size=net.size), rng.normal(size=(9, sizes[0]))
        penalty, gradient = penalty_and_gradient(net, w, x_hat, one_sided)
        theta = Tensor(w)
        engine = gradient_penalty(lambda x, theta=theta: net(theta, x), x_hat, one_sided)
        assert penalty == pytest.approx(engine.item(), rel=1e-12)
        scale = np.abs(gradient).max() + 1e-12
        np.testing.assert_allclose(grad(engine, theta).value, gradient, atol=1e-12 * scale)


@pytest.mark.parametrize(("activation", "one_sided", "sizes"), CASES)
def test_central_differences_agree(activation: str, one_sided: bool, sizes: tuple[int, ...]) -> None:
    net, rng, h = MLP(sizes, activation), np.random.default_rng(3), 1e-6
    w, x_hat = 1.5 * rng.normal(size=net.size), rng.normal(size=(6, sizes[0]))
    _, gradient = penalty_and_gradient(net, w, x_hat, one_sided)
    for e in np.eye(net.size)[rng.permutation(net.size)[:12]]:
        up, down = (penalty_and_gradient(net, w + s * h * e, x_hat, one_sided)[0] for s in (1, -1))
        assert gradient @ e == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-6)


def test_the_zero_critic_and_float32() -> None:
    net = MLP((2, 4, 1), "tanh")
    penalty, gradient = penalty_and_gradient(net, np.zeros(net.size, np.float32), np.ones((5, 2), np.float32))
    assert penalty == 1 and (gradient == 0).all()
    assert penalty.dtype == gradient.dtype == np.float32
