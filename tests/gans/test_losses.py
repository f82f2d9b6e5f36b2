"""Losses on logits against scipy's log D, their slopes where they matter, and clipped logs rejected."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, log_expit

from minigan.autodiff import check, grad, log, mean, minimum, sigmoid
from minigan.autodiff.primitives import maximum
from minigan.autodiff.tensor import Tensor
from minigan.gans import LOSSES
from minigan.gans.losses import discriminator, jensen_shannon_estimate

SCORES = arrays(float, (6, 1), elements=st.floats(-300, 300))


def expected(real: np.ndarray, fake: np.ndarray) -> dict[str, tuple[float, float]]:
    """(critic's loss, generator's loss) of each row, in log D = log_expit(s)."""
    value = np.mean(log_expit(real)) + np.mean(log_expit(-fake))
    return {
        "minimax": (-value, np.mean(log_expit(-fake))),
        "non-saturating": (-value, -np.mean(log_expit(fake))),
        "wasserstein": (np.mean(fake) - np.mean(real), -np.mean(fake)),
    }


@given(SCORES, SCORES)
def test_values(real: np.ndarray, fake: np.ndarray) -> None:
    for name, (critic, generator) in expected(real, fake).items():
        loss = LOSSES[name]
        np.testing.assert_allclose(loss.critic(Tensor(real), Tensor(fake)).value, critic, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(loss.generator(Tensor(fake)).value, generator, rtol=1e-12, atol=1e-12)
    assert expected(real, fake).keys() == LOSSES.keys()


@pytest.mark.parametrize("name", LOSSES)
def test_derivatives(name: str) -> None:
    rng, loss = np.random.default_rng(0), LOSSES[name]
    check(loss.critic, [rng.normal(size=(5, 1)), rng.normal(size=(5, 1))])
    check(loss.generator, [rng.normal(size=(5, 1))])


def test_a_leading_axis_is_a_row_of_runs() -> None:
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, 3, 8, 1))
    for loss in LOSSES.values():
        rows = loss.critic(Tensor(real), Tensor(fake))
        assert rows.shape == (3,)
        singles = [loss.critic(Tensor(real[r]), Tensor(fake[r])).item() for r in range(3)]
        np.testing.assert_allclose(rows.value, singles, rtol=1e-12)


def test_where_each_generator_loss_goes_flat() -> None:
    """G10: minimax where D is sure of a fake (s → −∞), non-saturating where D is fooled (s → +∞)."""
    def slope(name: str, s: float) -> float:
        scores = Tensor(np.full((1, 1), s))
        return grad(LOSSES[name].generator(scores), scores).item()

    for s in (-40.0, -2.0, 0.0, 2.0, 40.0):
        assert slope("minimax", s) == pytest.approx(-expit(s), rel=1e-12)
        assert slope("non-saturating", s) == pytest.approx(-expit(-s), rel=1e-12)
        assert slope("wasserstein", s) == -1.0


def test_the_js_estimate_at_known_discriminators() -> None:
    """D = ½ says JS = 0; a sure and right D says JS → log 2; a wrong one says less than 0 (a lower bound)."""
    zero, sure = Tensor(np.zeros((4, 1))), Tensor(np.full((4, 1), 60.0))
    assert jensen_shannon_estimate(zero, zero).item() == pytest.approx(0.0, abs=1e-15)
    assert jensen_shannon_estimate(sure, -sure).item() == pytest.approx(np.log(2), rel=1e-12)
    assert jensen_shannon_estimate(-sure, sure).item() < -1


def assert_exact_when_sure(loss) -> None:
    """At D(fake) = 0.9999..., in float32: −log(1 − D) and its slope, to 1e-5."""
    for s in (9.2, 12.0, 20.0, 80.0):
        fake = Tensor(np.full((1, 1), s, np.float32))
        value = loss(Tensor(np.zeros((1, 1), np.float32)), fake)
        assert value.item() - np.log(2) == pytest.approx(-log_expit(-s), rel=1e-5)
        assert grad(value, fake).item() == pytest.approx(expit(s), rel=1e-5)


def clipped_discriminator(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """A known mistake: log of a clipped probability."""
    def clip(p: Tensor) -> Tensor:
        return minimum(maximum(p, 1e-7), 1 - 1e-7)

    return -mean(log(clip(sigmoid(real_scores)))) - mean(log(1.0 - clip(sigmoid(fake_scores))))


def test_logits_are_exact_where_clipped_probabilities_fail() -> None:
    assert_exact_when_sure(discriminator)
    with pytest.raises(AssertionError):
        assert_exact_when_sure(clipped_discriminator)
