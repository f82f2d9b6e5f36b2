"""Minibatch discrimination against its double sum, and what it makes of a collapsed batch."""

import numpy as np
import pytest

from minigan.autodiff import check, grad, record
from minigan.autodiff.tensor import Tensor
from minigan.nets import MLP, minibatch_features
from tests import by_hand

M, COMPANY = np.split(np.random.default_rng(1).normal(size=(10, 3, 2)), [6])


def test_the_double_sum() -> None:
    np.testing.assert_allclose(minibatch_features(M).value, by_hand.minibatch_features(M), rtol=1e-12)
    np.testing.assert_allclose(minibatch_features(M, COMPANY).value, by_hand.minibatch_features(M, COMPANY), rtol=1e-12)
    counted = minibatch_features(M, M).value  # the paper's sum over all j: 1 more
    np.testing.assert_allclose(counted, by_hand.minibatch_features(M) + 1, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_collapsed_batch_and_a_spread_one(dtype: str) -> None:
    same = np.broadcast_to(M[:1], (9, 3, 2)).astype(dtype)
    apart = (1000 * np.arange(9)[:, None, None] + same).astype(dtype)
    for features, expected in [(minibatch_features(same), 8), (minibatch_features(apart), 0)]:
        assert features.dtype == dtype and features.shape == (9, 3)
        np.testing.assert_array_equal(features.value, expected)
    pairs = np.repeat(apart[:4], 2, axis=0)
    np.testing.assert_array_equal(minibatch_features(pairs).value, 1)


def test_derivatives() -> None:
    check(minibatch_features, [M], order=2)
    check(minibatch_features, [M, COMPANY], order=2)
    same = Tensor(np.ones((4, 2, 3)))  # the kink of every |Mᵢ − Mⱼ|: a subgradient, not nan
    assert (grad(minibatch_features(same).sum(), same).value == 0).all()


def test_derivatives_of_the_net() -> None:
    rng = np.random.default_rng(0)
    net = MLP((2, 4, 3, 1), "tanh", minibatch=2, kernel=3)
    points = [rng.normal(size=net.size), rng.normal(size=(5, 2)), rng.normal(size=(4, 2))]
    check(net, points[:2], order=2, rtol=1e-5)
    check(net, points, order=2, rtol=1e-5)


@pytest.mark.parametrize("given", [False, True])
def test_the_net_by_hand(given: bool) -> None:
    rng = np.random.default_rng(0)
    net = MLP((2, 4, 3, 1), "tanh", minibatch=2, kernel=3)
    theta, x = rng.normal(size=net.size), rng.normal(size=(5, 2))
    reference = rng.normal(size=(4, 2)) if given else None
    w1, b1, w2, b2, T, w3, b3 = (v.value for v in net.layout.views(theta))

    def h(x):
        return np.tanh(np.tanh(x @ w1 + b1) @ w2 + b2)

    def kernels(x):
        return (h(x) @ T).reshape(len(x), 2, 3)

    o = by_hand.minibatch_features(kernels(x), None if reference is None else kernels(reference))
    run = net.run(theta, x, reference)
    np.testing.assert_allclose(run.outputs.value, np.hstack([h(x), o]) @ w3 + b3, rtol=1e-10)
    np.testing.assert_allclose(run.hidden[-1].value, h(x), rtol=1e-12)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_a_batch_that_is_its_own_reference_counts_each_row_once_more(norm: str) -> None:
    """So the reference is normalised as x is, layer by layer."""
    net, rng = MLP((2, 4, 3, 1), "relu", norm, minibatch=2), np.random.default_rng(0)
    theta, x = rng.normal(size=net.size), rng.normal(size=(6, 2))
    last = net.layers(theta)[-1][0].value
    np.testing.assert_allclose(net(theta, x, x).value, net(theta, x).value + last[3:].sum(), rtol=1e-10)


def test_a_critic_sees_that_a_batch_is_one_point() -> None:
    """What it is for: the same point scores otherwise in a collapsed batch than in a varied one."""
    net, plain = MLP((2, 8, 1), minibatch=4), MLP((2, 8, 1))
    theta, w = (n.init(np.random.default_rng(0), dtype="float64") for n in (net, plain))
    varied = 3 * np.random.default_rng(0).normal(size=(16, 2))
    collapsed = np.repeat(varied[:1], 16, axis=0)
    assert abs(net(theta, varied).value[0] - net(theta, collapsed).value[0]) > 0.1
    np.testing.assert_allclose(plain(w, varied).value[0], plain(w, collapsed).value[0])


def test_leading_axes_and_replay() -> None:
    rng = np.random.default_rng(0)
    many, companies = rng.normal(size=(3, 2, 6, 3, 2)), rng.normal(size=(3, 2, 4, 3, 2))
    for given in ([], [companies], [COMPANY]):
        together = minibatch_features(many, *given).value
        for k in np.ndindex(3, 2):
            alone = minibatch_features(many[k], *[c[k] if c.ndim == 5 else c for c in given]).value
            np.testing.assert_allclose(together[k], alone, rtol=1e-12)

    def step(state, inputs):
        return {"M": state["M"] - 0.1 * grad(minibatch_features(state["M"]).sum(), state["M"])}, {}

    state = {"M": many.astype("float32")}
    eager = step({"M": Tensor(state["M"].copy())}, {})[0]["M"].value
    record(step, state, {})()
    np.testing.assert_array_equal(state["M"], eager)


def test_errors() -> None:
    for args in [(M[0],), (M, COMPANY[..., :1])]:
        with pytest.raises(ValueError, match=r"\(\.\.\., batch, B, C\)"):
            minibatch_features(*args)
