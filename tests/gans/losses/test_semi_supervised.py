"""K + 1 classes: the unsupervised part is softmax over K + 1 logits, the supervised part that over the labelled K."""

import numpy as np
import pytest
from scipy.special import log_softmax

from minigan.autodiff import check, grad
from minigan.autodiff.tensor import Tensor
from minigan.gans.losses import LOSSES
from tests.batches import CLASSES as K
from tests.batches import both, draw

LOSS = LOSSES["semi-supervised"]
ARRAYS = [x for k in range(2) for x in draw(np.random.default_rng(k), LOSS.head, n=6)]
SOME = np.zeros((6, K))
SOME[[0, 2, 3], [1, 0, 1]] = 1


def with_fake_class(logits) -> np.ndarray:
    """log of the K + 1 probabilities, the fake class last, its logit 0 (G23)."""
    return log_softmax(np.concatenate([logits, np.zeros((*logits.shape[:-1], 1))], -1), axis=-1)


def unsupervised(real, fake) -> float:
    log_fake_of_real = with_fake_class(real)[:, -1]
    return -np.log(-np.expm1(log_fake_of_real)).mean() - with_fake_class(fake)[:, -1].mean()


def critic(labels, arrays=ARRAYS) -> float:
    return LOSS.critic(*both(LOSS, *arrays, labels=labels)).item()


def test_without_labels_it_is_the_gan_of_the_fake_class() -> None:
    assert critic(None) == pytest.approx(unsupervised(ARRAYS[1], ARRAYS[5]), rel=1e-12)


def test_labelled_samples_add_their_cross_entropy() -> None:
    """The mean over the three that have a label, not over the batch, and among the K real classes alone."""
    cross_entropy = -(SOME * log_softmax(ARRAYS[1], axis=-1)).sum() / 3
    assert critic(SOME) == pytest.approx(unsupervised(ARRAYS[1], ARRAYS[5]) + cross_entropy, rel=1e-12)


def test_a_batch_without_a_label_has_no_cross_entropy_and_a_finite_gradient() -> None:
    assert critic(np.zeros((6, K))) == critic(None)
    arrays = [Tensor(x) for x in ARRAYS]
    value = LOSS.critic(*both(LOSS, *arrays, labels=np.zeros((6, K))))
    plain = LOSS.critic(*both(LOSS, *arrays))
    np.testing.assert_array_equal(grad(value, arrays[1]).value, grad(plain, arrays[1]).value)


def test_leading_axes_have_labels_of_their_own() -> None:
    rng = np.random.default_rng(0)
    arrays = [x for _ in range(2) for x in draw(rng, LOSS.head, n=6, rows=(3,))]
    labels = np.stack([SOME, np.zeros((6, K)), np.roll(SOME, 2, axis=0)])
    rows = LOSS.critic(*both(LOSS, *arrays, labels=labels)).value
    np.testing.assert_allclose(rows, [critic(labels[r], [x[r] for x in arrays]) for r in range(3)], rtol=1e-12)


def test_derivatives_with_labels() -> None:
    check(lambda *xs: LOSS.critic(*both(LOSS, *xs, labels=SOME)), ARRAYS)


def test_the_generator_is_the_non_saturating_one() -> None:
    log_D = np.log(-np.expm1(with_fake_class(ARRAYS[5])[:, -1]))
    assert LOSS.generator(*both(LOSS, *ARRAYS)).item() == pytest.approx(-log_D.mean(), rel=1e-12)


def test_smoothing_is_of_the_real_label_against_the_fake_class() -> None:
    alpha = 0.1
    log_fake = with_fake_class(ARRAYS[1])[:, -1]
    more = alpha * (np.log(-np.expm1(log_fake)) - log_fake).mean()  # α (log D − log(1 − D))
    smooth = LOSS.with_constants(smoothing=alpha)
    assert smooth.head is LOSS.head and smooth.score == LOSS.score
    found = smooth.critic(*both(LOSS, *ARRAYS, labels=SOME)).item()
    assert found == pytest.approx(critic(SOME) + more, rel=1e-12)
