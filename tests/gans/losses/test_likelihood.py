"""Forward and reverse KL of one Gaussian, against closed forms in its mean and width."""

import numpy as np
import pytest
from scipy.stats import norm

from minigan.autodiff import Tensor, grad, log, logsumexp
from minigan.gans.losses import LOSSES
from minigan.gans.losses.critic_output import Batch

X = np.random.default_rng(0).normal(1.0, 2.0, size=(40, 1))
Z = np.array([[-1.0], [1.0]])  # mean 0, mean square 1: expectations of quadratics are exact


def batches(theta, log_p=None, density=True, z=Z):
    """G(z) = m + s z, and its density; log p of the data."""
    m, s = theta[0], theta[1]

    def log_q(x):
        return (-0.5 * np.log(2 * np.pi) - log(s) - 0.5 * ((x - m) / s) ** 2).sum(-1)

    known = {"log_p": log_p, "log_q": log_q if density else None}
    return Batch(Tensor(X), lambda: None, **known), Batch(m + s * Tensor(z), lambda: None, **known)


def test_maximum_likelihood_matches_the_moments() -> None:
    """−E log q = ½ log 2πs² + (v + (x̄ − m)²)/(2s²), flat at m = x̄, s² = v (D13)."""
    mean, var = X.mean(), X.var()
    for m, s in ((0.0, 1.0), (mean, var**0.5)):
        theta = Tensor(np.array([m, s]))
        value = LOSSES["mle"].generator(*batches(theta))
        assert value.item() == pytest.approx(0.5 * np.log(2 * np.pi * s**2) + (var + (mean - m) ** 2) / (2 * s**2))
        by_hand = [(m - mean) / s**2, 1 / s - (var + (mean - m) ** 2) / s**3]
        np.testing.assert_allclose(grad(value, theta).value, by_hand, rtol=1e-10, atol=1e-12)


def test_reverse_kl_of_two_gaussians() -> None:
    """KL(N(m, s²) ‖ N(0, 4)) = log(2/s) + (s² + m²)/8 − ½, its gradient through the sample and the density."""
    def log_p(x):
        return (-0.5 * np.log(8 * np.pi) - x * x / 8).sum(-1)

    for m, s in ((0.5, 1.0), (-1.0, 3.0), (0.0, 2.0)):
        theta = Tensor(np.array([m, s]))
        value = LOSSES["reverse-kl"].generator(*batches(theta, log_p))
        assert value.item() == pytest.approx(np.log(2 / s) + (s**2 + m**2) / 8 - 0.5, abs=1e-12)
        np.testing.assert_allclose(grad(value, theta).value, [m / 4, s / 4 - 1 / s], rtol=1e-10, atol=1e-12)


def test_the_two_are_not_each_other() -> None:
    """A narrow q on one of two peaks: cheap for KL(q‖p), dear for KL(p‖q)."""
    peaks = np.array([[-3.0], [3.0]])

    def log_p(x):
        return logsumexp(-0.5 * (x - Tensor(peaks.T)) ** 2, -1) - np.log(2 * np.sqrt(2 * np.pi))

    data = np.vstack([peaks + d for d in (-1.0, 1.0)])
    z = norm.ppf((np.arange(200) + 0.5) / 200)[:, None]

    def losses(m, s):
        real, fake = batches(Tensor(np.array([m, s])), log_p, z=z)
        return [LOSSES[name].generator(Batch(Tensor(data), lambda: None, log_q=real.log_q), fake).item()
                for name in ("mle", "reverse-kl")]

    on_one, on_both = losses(3.0, 1.0), losses(0.0, 10**0.5)
    assert on_one[1] < on_both[1] and on_one[0] > on_both[0]


@pytest.mark.parametrize(("name", "density", "words"), [
    ("mle", False, "log q.* generator has none"),
    ("reverse-kl", False, "log q.* generator has none"),
    ("reverse-kl", True, "log p.* data has none"),
])
def test_without_the_density_there_is_no_likelihood(name: str, density: bool, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LOSSES[name].generator(*batches(Tensor(np.ones(2)), density=density))
    assert LOSSES[name].explicit
