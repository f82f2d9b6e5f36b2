"""The Gaussian model against scipy's density, and against the law of what it generates."""

import numpy as np
import pytest
import scipy.stats

from minigan.autodiff import check, grad, record
from minigan.autodiff.tensor import Tensor
from minigan.nets import Gaussian
from tests.by_hand import gaussian_moments


@pytest.mark.parametrize("dim", [1, 2, 3, 5])
def test_the_density_is_scipys_and_the_samples_are_its(dim: int) -> None:
    rng, model = np.random.default_rng(dim), Gaussian(dim)
    assert model.size == dim * (dim + 3) // 2 and model.sizes == (dim, dim) and not model.couples_samples
    theta, z, x = rng.normal(size=model.size), rng.normal(size=(9, dim)), 3 * rng.normal(size=(9, dim))
    mu, L = gaussian_moments(theta, dim)
    np.testing.assert_allclose(model(theta, z).value, mu + z @ L.T, rtol=1e-12, atol=1e-13)
    law = scipy.stats.multivariate_normal(mu, L @ L.T)
    found = model.log_density(theta, x)
    assert found.shape == (9,)
    np.testing.assert_allclose(found.value, np.atleast_1d(law.logpdf(x)), rtol=1e-8)


@pytest.mark.parametrize("dim", [1, 2, 4])
def test_the_change_of_variables(dim: int) -> None:
    """log q(x(z)) = log N(z; 0, I) − log |det L|."""
    rng, model = np.random.default_rng(0), Gaussian(dim)
    theta, z = rng.normal(size=model.size), rng.normal(size=(7, dim))
    expected = scipy.stats.norm.logpdf(z).sum(1) - theta[dim : 2 * dim].sum()
    np.testing.assert_allclose(model.log_density(theta, model(theta, z)).value, expected, rtol=1e-9)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_derivatives(dim: int) -> None:
    rng, model = np.random.default_rng(0), Gaussian(dim)
    points = [0.5 * rng.normal(size=model.size), rng.normal(size=(4, dim))]
    check(model, points, order=2)
    check(model.log_density, points, order=2)


def test_the_likelihood_is_greatest_at_the_samples_moments() -> None:
    rng, model = np.random.default_rng(0), Gaussian(3)
    x = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 3)) + [1.0, -2.0, 0.5]
    L = np.linalg.cholesky(np.cov(x.T, bias=True))
    theta = Tensor(np.concatenate([x.mean(0), np.log(np.diag(L)), L[np.tril_indices(3, -1)]]))
    np.testing.assert_allclose(grad(model.log_density(theta, x).mean(), theta).value, 0, atol=1e-10)


def test_leading_axes_replay_and_float32() -> None:
    rng, model = np.random.default_rng(0), Gaussian(3)
    theta, x = rng.normal(size=(2, 4, model.size)), rng.normal(size=(2, 4, 6, 3))
    samples, densities = model(theta, x).value, model.log_density(theta, x).value
    assert densities.shape == (2, 4, 6)
    for k in np.ndindex(2, 4):
        np.testing.assert_allclose(samples[k], model(theta[k], x[k]).value, rtol=1e-12)
        np.testing.assert_allclose(densities[k], model.log_density(theta[k], x[k]).value, rtol=1e-12)
    np.testing.assert_allclose(model.log_density(theta, x[0, 0]).value[1, 2],
                               model.log_density(theta[1, 2], x[0, 0]).value, rtol=1e-12)

    def step(state, inputs):
        loss = -model.log_density(state["theta"], inputs["x"]).mean() + (model(state["theta"], inputs["x"]) ** 2).mean()
        return {"theta": state["theta"] - 0.1 * grad(loss, state["theta"])}, {"loss": loss}

    state, inputs = {"theta": theta.astype("float32")}, {"x": x.astype("float32")}
    new, report = step({"theta": Tensor(state["theta"].copy())}, {"x": Tensor(inputs["x"])})
    assert report["loss"].dtype == "float32"
    np.testing.assert_array_equal(record(step, state, inputs)()["loss"], report["loss"].value)
    np.testing.assert_array_equal(state["theta"], new["theta"].value)


def test_init_is_off_the_centre_and_narrow() -> None:
    for dim in (1, 2, 6):
        model = Gaussian(dim)
        theta = model.init(np.random.default_rng(0))
        assert theta.shape == (model.size,) and theta.dtype == "float32"
        mu, L = gaussian_moments(theta, dim)
        assert 0 < abs(mu).max() < 2 and abs(L - np.exp(-1) * np.eye(dim)).max() < 0.5
        assert len(set(theta)) == model.size
    run = Gaussian(2).run(Gaussian(2).init(np.random.default_rng(0)), np.zeros((3, 2), "float32"))
    assert run.hidden == () and run.outputs.shape == (3, 2)


def test_errors() -> None:
    with pytest.raises(ValueError, match="one dimension or more, not 0"):
        Gaussian(0)
    with pytest.raises(ValueError, match=r"batch, 2.*\(4, 3\)"):
        Gaussian(2)(np.zeros(5), np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"5 parameters.*\(6,\)"):
        Gaussian(2).log_density(np.zeros(6), np.zeros((4, 2)))
