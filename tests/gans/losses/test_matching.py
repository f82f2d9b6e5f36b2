"""Feature matching and IMLE by hand; and what each of them is 0 for."""

import numpy as np
import pytest

from minigan.autodiff import Tensor, grad
from minigan.gans.losses import LOSSES
from minigan.gans.losses.critic_output import Batch
from minigan.gans.losses.matching import feature_matching, nearest_sample
from tests.batches import both, draw


def points(x) -> Batch:
    return Batch(Tensor(np.asarray(x, float)), lambda: None)


# Feature matching
def test_feature_matching_by_hand() -> None:
    arrays = [x for k in range(2) for x in draw(np.random.default_rng(k))]
    loss = LOSSES["feature-matching"]
    found = loss.generator(*both(loss, *arrays)).item()
    assert found == pytest.approx(((arrays[2].mean(0) - arrays[6].mean(0)) ** 2).sum(), rel=1e-12)
    assert loss.critic(*both(loss, *arrays)).item() == LOSSES["non-saturating"].critic(*both(loss, *arrays)).item()


def test_feature_matching_is_of_means_not_of_samples() -> None:
    """G19: 0 iff the moments agree, however the samples lie; the mean of squares would not be 0 here."""
    arrays = [x for k in range(2) for x in draw(np.random.default_rng(k))]
    arrays[6] = 2 * arrays[2].mean(0) - arrays[2][::-1]  # mirrored at the mean
    loss = LOSSES["feature-matching"]
    assert loss.generator(*both(loss, *arrays)).item() == pytest.approx(0, abs=1e-30)
    arrays[6] = arrays[6] + 0.1
    assert loss.generator(*both(loss, *arrays)).item() == pytest.approx(4 * 0.01, rel=1e-12)


def test_the_features_need_no_detach() -> None:
    """In θ alone, through x̃: the features of the data are a constant for it."""
    rng = np.random.default_rng(0)
    A, theta = Tensor(rng.normal(size=(2, 3))), Tensor(rng.normal(size=2))
    x, z = Tensor(rng.normal(size=(5, 2))), Tensor(rng.normal(size=(5, 2)))

    class Features(Batch):
        features = property(lambda self: self.points @ A)

    def batch(points):
        return Features(points, lambda: None)

    value = feature_matching(batch(x), batch(z + theta))
    apart = (z.value + theta.value).mean(0) @ A.value - x.value.mean(0) @ A.value
    np.testing.assert_allclose(grad(value, theta).value, 2 * A.value @ apart, rtol=1e-12)


# IMLE
def imle_by_hand(x, y) -> float:
    return float(np.mean([min(((a - b) ** 2).sum() for b in y) for a in x]))


@pytest.mark.parametrize(("n", "m"), [(5, 5), (3, 8), (8, 3), (1, 1)])
def test_imle_by_hand(n: int, m: int) -> None:
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))
    assert nearest_sample(points(x), points(y)).item() == pytest.approx(imle_by_hand(x, y), rel=1e-12)


def test_a_sample_is_drawn_to_the_data_that_are_nearest_to_it_alone() -> None:
    x, y = np.array([[0.0], [1.0], [10.0]]), np.array([[0.4], [9.0], [50.0]])
    fake = points(y)
    gradient = grad(nearest_sample(points(x), fake), fake.points).value
    np.testing.assert_allclose(gradient[:, 0], [2 * (0.4 - 0.0) / 3 + 2 * (0.4 - 1.0) / 3, 2 * (9.0 - 10.0) / 3, 0.0])


MODES = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]])


def assert_no_mode_is_dropped(loss) -> None:
    """G18: 0 iff every datum is hit."""
    assert loss(points(MODES), points(np.vstack([MODES, [[7.0, 7.0]]]))).item() == 0
    assert loss(points(MODES), points(MODES[[0, 1, 1]])).item() > 1


def test_every_datum_has_a_near_sample() -> None:
    assert_no_mode_is_dropped(LOSSES["imle"].generator)


def test_the_other_way_round_is_rejected() -> None:
    """A mistake: every sample near a datum, which a collapsed generator is."""
    with pytest.raises(AssertionError):
        assert_no_mode_is_dropped(lambda real, fake: nearest_sample(fake, real))
