"""A mixture of generators: each row from its own network, and nothing lost on the way."""

import numpy as np
import pytest

from minigan.autodiff import check, grad, record
from minigan.autodiff.tensor import Tensor
from minigan.nets import MLP, Ensemble, Gaussian

NETS = [MLP((2, 5, 3), "tanh"), MLP((2, 5, 3), "tanh", "batch"), MLP((2, 5, 3), "tanh", "virtual"),
        MLP((2, 5, 3), "relu", minibatch=2), Gaussian(2)]


def parts(net, theta, count):
    return theta.reshape(count, net.size)


@pytest.mark.parametrize("net", NETS, ids=str)
def test_row_i_is_network_i_mod_count(net) -> None:
    rng, count = np.random.default_rng(0), 3
    mixture = Ensemble(net, count)
    assert (mixture.size, mixture.sizes, mixture.couples_samples) == (3 * net.size, net.sizes, net.couples_samples)
    assert mixture.needs_reference == net.needs_reference == (getattr(net, "norm", "none") == "virtual")
    theta, z, reference = rng.normal(size=mixture.size), rng.normal(size=(12, 2)), rng.normal(size=(5, 2))
    for given in [[reference]] if net.needs_reference else [[], [reference]]:
        run = mixture.run(theta, z, *given)
        assert run.outputs.shape == (12, net.sizes[-1])
        np.testing.assert_array_equal(mixture(theta, z, *given).value, run.outputs.value)
        for k, own in enumerate(parts(net, theta, count)):
            alone = net.run(own, z[k::count], *given)
            np.testing.assert_allclose(run.outputs.value[k::count], alone.outputs.value, rtol=1e-12, atol=1e-13)
            for h, h_alone in zip(run.hidden, alone.hidden, strict=True):
                np.testing.assert_allclose(h.value[k::count], h_alone.value, rtol=1e-12, atol=1e-13)


def test_the_gradient_of_each_network_is_its_own() -> None:
    rng, net = np.random.default_rng(1), MLP((2, 4, 2), "tanh", "batch")
    mixture = Ensemble(net, 2)
    theta, z = rng.normal(size=mixture.size), rng.normal(size=(6, 2))
    check(mixture, [theta, z], order=2, rtol=1e-5)
    tensor = Tensor(theta)
    g = grad((mixture(tensor, z)[0::2] ** 2).sum(), tensor).value
    assert np.linalg.norm(g[: net.size]) > 0 and (g[net.size :] == 0).all()


def test_leading_axes_replay_and_float32() -> None:
    rng = np.random.default_rng(2)
    mixture = Ensemble(MLP((2, 4, 2), "relu", "batch"), 2)
    theta, z = rng.normal(size=(3, mixture.size)), rng.normal(size=(3, 8, 2))
    together = mixture(theta, z).value
    for r in range(3):
        np.testing.assert_allclose(together[r], mixture(theta[r], z[r]).value, rtol=1e-12)
    np.testing.assert_allclose(mixture(theta, z[0]).value[2], mixture(theta[2], z[0]).value, rtol=1e-12)
    np.testing.assert_allclose(mixture(theta[0], z).value[2], mixture(theta[0], z[2]).value, rtol=1e-12)

    def step(state, inputs):
        y = mixture(state["theta"], inputs["z"])
        return {"theta": state["theta"] - 0.1 * grad((y * y).mean(), state["theta"])}, {"y": y}

    state, inputs = {"theta": theta.astype("float32")}, {"z": z.astype("float32")}
    new, report = step({"theta": Tensor(state["theta"].copy())}, {"z": Tensor(inputs["z"])})
    replayed = record(step, state, inputs)()
    np.testing.assert_array_equal(replayed["y"], report["y"].value)
    np.testing.assert_array_equal(state["theta"], new["theta"].value)
    assert report["y"].dtype == "float32"


def test_one_network_is_itself() -> None:
    net = MLP((2, 4, 2), "tanh", "batch")
    rng = np.random.default_rng(0)
    theta, z = rng.normal(size=net.size), rng.normal(size=(7, 2))
    np.testing.assert_allclose(Ensemble(net, 1)(theta, z).value, net(theta, z).value, rtol=1e-14)
    np.testing.assert_array_equal(
        Ensemble(net, 1).init(np.random.default_rng(3)), net.init(np.random.default_rng(3)))


def test_init_is_independent_draws_and_weights_are_found() -> None:
    net = MLP((1, 4, 2), norm="layer")
    mixture = Ensemble(net, 3)
    theta = mixture.init(np.random.default_rng(0), "xavier", 0.5)
    assert theta.dtype == "float32" and theta.shape == (mixture.size,)
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(theta, np.concatenate([net.init(rng, "xavier", 0.5) for _ in range(3)]))
    assert mixture.weights == (0, 3, 5, 8, 10, 13)
    assert [mixture.layout.shapes[k] for k in mixture.weights] == [(1, 4), (4, 2)] * 3


def test_a_batch_that_does_not_divide() -> None:
    rng = np.random.default_rng(0)
    plain, mixing = Ensemble(MLP((2, 4, 2)), 3), Ensemble(MLP((2, 4, 2), norm="batch"), 3)
    for n in (1, 2, 7, 8):
        theta, z, reference = rng.normal(size=plain.size), rng.normal(size=(n, 2)), rng.normal(size=(6, 2))
        run = plain.run(theta, z)
        assert run.outputs.shape == run.hidden[0].shape[:-1] + (2,) == (n, 2)
        for i in range(n):
            own = parts(plain.net, theta, 3)[i % 3]
            np.testing.assert_allclose(run.outputs.value[i], plain.net(own, z[i : i + 1]).value[0], rtol=1e-12)
        w = rng.normal(size=mixing.size)
        with pytest.raises(ValueError, match=f"batch of {n} rows.*3 equal shares"):
            mixing(w, z)
        assert mixing(w, z, reference).shape == (n, 2)


def test_errors() -> None:
    with pytest.raises(ValueError, match="one network or more, not 0"):
        Ensemble(MLP((2, 1)), 0)
    with pytest.raises(ValueError, match=r"has 6 parameters, and theta has shape \(5,\)"):
        Ensemble(MLP((2, 1)), 2)(np.zeros(5), np.zeros((4, 2)))
    with pytest.raises(ValueError, match=r"batch, 2.*\(4, 3\)"):
        Ensemble(MLP((2, 1)), 2)(np.zeros(6), np.zeros((4, 3)))
