"""How a network's outputs become a score: each head by hand, its width, and its derivative where it is delicate."""

import numpy as np
import pytest
from scipy.special import logsumexp

from minigan.autodiff import Tensor, check, grad, sigmoid
from minigan.gans.losses.heads import CLASSES, ENERGY, HEADS, POSITIVE, SCALAR
from minigan.theory.optimal import semi_supervised_discriminator

WIDTHS = {"scalar": 1, "positive": 1, "energy": 5, "classes": 3}
every_head = pytest.mark.parametrize("head", HEADS.values(), ids=lambda head: head.name)


def outputs_and_points(head, rows=(), dtype=float):
    rng = np.random.default_rng(0)
    return (rng.normal(size=(*rows, 4, head.outputs(5, 3))).astype(dtype), rng.normal(size=(*rows, 4, 5)).astype(dtype))


@every_head
def test_one_score_a_sample(head) -> None:
    assert head.outputs(5, 3) == WIDTHS[head.name] and HEADS[head.name] is head
    outputs, x = outputs_and_points(head, rows=(2,), dtype="float32")
    scores = head.score(Tensor(outputs), Tensor(x))
    assert scores.shape == (2, 4, 1) and scores.dtype == "float32"
    for r in range(2):
        single = head.score(Tensor(outputs[r]), Tensor(x[r])).value
        np.testing.assert_allclose(scores.value[r], single, rtol=1e-6)


def test_by_hand() -> None:
    by_hand = {
        SCALAR: lambda o, x: o,
        POSITIVE: lambda o, x: np.abs(o),
        ENERGY: lambda o, x: np.linalg.norm(o - x, axis=-1, keepdims=True),
        CLASSES: lambda o, x: logsumexp(o, axis=-1, keepdims=True),
    }
    for head, f in by_hand.items():
        outputs, x = outputs_and_points(head)
        np.testing.assert_allclose(head.score(Tensor(outputs), Tensor(x)).value, f(outputs, x), rtol=1e-13)


@every_head
def test_derivatives(head) -> None:
    check(head.score, list(outputs_and_points(head)))


def test_a_perfect_autoencoder_has_no_energy_and_a_finite_slope() -> None:
    x = Tensor(np.ones((3, 2)))
    energy = ENERGY.score(x, x)
    assert (energy.value < 1e-70).all()
    assert (grad(energy.sum(), x).value == 0).all()


def test_the_classes_make_a_discriminator() -> None:
    """G23: σ(log Z) = Z/(Z + 1), at logits whose exponentials overflow too."""
    logits = np.array([[0.0, 1.0, -2.0], [300.0, -300.0, 0.0], [-300.0, -310.0, -305.0], [1000.0, 999.0, 0.0]])
    D = sigmoid(CLASSES.score(Tensor(logits), Tensor(logits))).value[:, 0]
    np.testing.assert_allclose(D, semi_supervised_discriminator(logits), rtol=1e-12)


def test_data_without_classes_have_no_class_logits() -> None:
    with pytest.raises(ValueError, match="0 classes"):
        CLASSES.outputs(2, 0)
