"""Clipping and gradient penalties: exact on linear and quadratic critics, alone and in a game; wrong ones rejected."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.autodiff import check, grad, record
from minigan.autodiff.functions import as_tensor
from minigan.autodiff.tensor import Tensor
from minigan.gans import LOSSES, PENALTIES, Game, clip_weights, gradient_penalty, interpolate
from minigan.gans.lipschitz import perturb
from minigan.nets import MLP, Run
from minigan.testing import PropertyError, check_gradient_penalty, value_and_gradient_from_tensors
from tests.by_hand import A, draws, penalty
from tests.gans.faults import (
    AtTheData,
    GradientOfTheMean,
    InnerGradientDetached,
    NormOverTheBatch,
    OneWeightForTheBatch,
    PenaltyDetached,
    PenaltyNeverAdded,
    Swapped,
)
from tests.selection import slow_but

seeds = st.integers(0, 2**32 - 1)


def of_row(kind: str):
    """A row of PENALTIES as the public checker calls it."""
    return value_and_gradient_from_tensors(lambda w, critic, real, fake, eps: PENALTIES[kind].value(
        lambda x: critic(w, x), real, fake, {"eps": eps}))


@pytest.mark.parametrize("kind", ["two-sided", "one-sided"])
def test_the_rows_are_the_gradient_penalties(kind: str) -> None:
    """And one is not the other. tests/testing/mistakes.py holds the mistakes that this checker must catch."""
    assert "finite at the zero critic" in check_gradient_penalty(of_row(kind), kind, examples=40)
    other = {"two-sided": "one-sided", "one-sided": "two-sided"}[kind]
    with pytest.raises(PropertyError):
        check_gradient_penalty(of_row(other), kind)


@dataclass(frozen=True)
class Shown:
    """A network for a game: the checker's critic, or a generator whose samples are its noise."""

    f: Callable
    couples_samples: bool = False
    needs_reference: bool = False

    def run(self, parameters, x, reference=None):
        return Run(self.f(parameters, as_tensor(x)), ())


def of_game(kind: str, cls: type[Game] = Game):
    """A game's critic's loss as the public checker calls it."""

    def loss(w, critic, real, fake, eps):
        game = cls(loss=LOSSES["wasserstein"], generator=Shown(lambda theta, z: z), critic=Shown(critic),
                   penalty_kind=kind, penalty=0.7)
        return game.critic_loss({"w": w, "theta": None}, {"real": real, "z": fake, "eps": eps})

    return value_and_gradient_from_tensors(loss)


@pytest.mark.parametrize("kind", ["two-sided", "one-sided"])
def test_the_penalty_is_in_the_loss_of_a_game(kind: str) -> None:
    check_gradient_penalty(of_game(kind), kind, lam=0.7, whole_loss=True, examples=40)


@pytest.mark.parametrize("wrong", slow_but([InnerGradientDetached], [
    PenaltyNeverAdded, PenaltyDetached, InnerGradientDetached, NormOverTheBatch, OneWeightForTheBatch,
    GradientOfTheMean, AtTheData, Swapped,
], "mistakes planted in the games' gradients"))
def test_a_game_with_a_wrong_penalty_is_rejected(wrong: type[Game]) -> None:
    with pytest.raises(PropertyError) as error:
        check_gradient_penalty(of_game("two-sided", wrong), lam=0.7, whole_loss=True, examples=40)
    assert "raised" not in error.value.found


def value(kind: str, critic, real, fake, eps, delta):
    return PENALTIES[kind].value(critic, as_tensor(real), as_tensor(fake), {"eps": eps, "delta": delta})


KINDS = [kind for kind in PENALTIES if kind != "none"]
every_kind = pytest.mark.parametrize("kind", KINDS)


def test_the_table() -> None:
    assert list(PENALTIES) == ["none", "two-sided", "one-sided", "dragan", "r1", "r2"]
    assert PENALTIES["none"].value(None, None, None, {}) == 0
    assert all(PENALTIES[kind].formula and PENALTIES[kind].source for kind in KINDS)


@every_kind
def test_values_by_hand(kind: str) -> None:
    for seed in range(5):
        batch = draws(seed)
        found = value(kind, lambda x: ((x @ A) * x).sum(-1, keepdims=True) * 0.5, *batch)
        assert found.item() == pytest.approx(penalty(kind, *batch), rel=1e-9)


@every_kind
def test_second_order_through_a_network(kind: str) -> None:
    net, rng = MLP((2, 6, 5, 1), "tanh"), np.random.default_rng(0)
    _, _, eps, delta = draws(0)
    check(lambda w, real, fake: value(kind, lambda t: net(w, t), real, fake, eps, delta),
          [2 * rng.normal(size=net.size), *draws(0)[:2]], order=2, rtol=1e-5)


@every_kind
def test_rows_of_runs_are_single_runs(kind: str) -> None:
    net, rng = MLP((2, 6, 1)), np.random.default_rng(0)
    w, batch = rng.normal(size=(3, net.size)), draws(1, (3,))
    rows = value(kind, lambda t: net(w, t), *batch)
    assert rows.shape == (3,)
    singles = [value(kind, lambda t, r=r: net(w[r], t), *(x[r] for x in batch)).item() for r in range(3)]
    np.testing.assert_allclose(rows.value, singles, rtol=1e-12)


@every_kind
def test_the_slope_is_partial(kind: str) -> None:
    """Of a critic whose parameters depend on the batch, as they do after a step on it: D(x; w), w = w(x) held."""
    real, fake, eps, delta = (Tensor(x) for x in draws(2))
    w = real.sum(-2).reshape(2, 1) * 0.3 + fake.sum(-2).reshape(2, 1)
    found = value(kind, lambda x: x @ w, real, fake, eps, delta).item()
    r = np.linalg.norm(w.value)
    expected = {"one-sided": max(0, r - 1) ** 2, "r1": r**2 / 2, "r2": r**2 / 2}.get(kind, (r - 1) ** 2)
    assert found == pytest.approx(expected, rel=1e-9)
    through = grad(value(kind, lambda x: x @ w, real, fake, eps, delta), real).value
    assert np.abs(through).max() > 0, "and the way back to the batch is open"


@every_kind
@pytest.mark.filterwarnings("error")
def test_nothing_is_nan_at_the_zero_critic(kind: str) -> None:
    w = Tensor(np.zeros((2, 1)))
    loss = value(kind, lambda x: x @ w, *draws(0))
    assert np.isfinite(grad(loss, w).value).all()
    assert loss.item() == {"one-sided": 0, "r1": 0, "r2": 0}.get(kind, 1)


def test_dragans_neighbourhood() -> None:
    """x + ½ s δ, s the root mean square deviation of all coordinates of one row of runs."""
    real, delta = draws(0, (2,))[0], draws(1, (2,))[3]
    s = [np.sqrt(np.mean((x - x.mean(axis=0)) ** 2)) for x in real]
    expected = real + 0.5 * np.array(s)[:, None, None] * delta
    np.testing.assert_allclose(perturb(real, delta).value, expected, rtol=1e-12)
    np.testing.assert_allclose(perturb(real, delta, c=2.0).value - real, 4 * (expected - real), rtol=1e-9)
    one = np.ones((1, 2))
    np.testing.assert_array_equal(perturb(one, delta[0, :1]).value, one)  # a single datum has no spread


@given(seeds)
def test_one_sided_leaves_slopes_below_one_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(3, 1))
    x_hat = rng.normal(size=(rng.integers(1, 20), 3))
    one = gradient_penalty(lambda x: x @ w, x_hat, one_sided=True).item()
    assert one == pytest.approx(max(0.0, np.linalg.norm(w) - 1) ** 2, rel=1e-9)


def test_points_on_segments_are_where_the_docstring_says() -> None:
    rng = np.random.default_rng(4)
    real, fake, eps = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), rng.random((5, 1))
    eps[:2, 0] = 0.0, 1.0
    x_hat = interpolate(real, fake, eps).value
    for k in range(5):
        np.testing.assert_allclose(x_hat[k], eps[k] * real[k] + (1 - eps[k]) * fake[k], rtol=0, atol=1e-15)
    np.testing.assert_array_equal(x_hat[0], fake[0])


# What is a sample: the axes behind those of the scores


def steep(x: Tensor, slope: float = 3.0) -> Tensor:
    """slope · unit vector · x over all the axes of an image (…, 3, 4, 5): (…, 1)."""
    unit = np.ones((60, 1)) / 60**0.5
    return slope * (x.reshape((*x.shape[:-3], 60)) @ unit)


@every_kind
@pytest.mark.parametrize("lead", [(8,), (2, 8)])
def test_images_are_penalised_over_all_their_axes(kind: str, lead: tuple[int, ...]) -> None:
    """As their pixels in a row are: along the last axis alone the slope would be 3/√12 of the whole."""
    rng = np.random.default_rng(0)
    real, fake, delta = rng.normal(size=(3, *lead, 3, 4, 5))
    eps = rng.random((*lead, 1))
    found = value(kind, steep, real, fake, eps, delta)
    flat = [x.reshape(*lead, 60) for x in (real, fake, delta)]
    in_a_row = value(kind, lambda x: x @ np.full((60, 1), 3 / 60**0.5), flat[0], flat[1], eps, flat[2])
    np.testing.assert_allclose(found.value, np.full(lead[:-1], 4.5 if kind in ("r1", "r2") else 4.0), rtol=1e-12)
    np.testing.assert_allclose(found.value, in_a_row.value, rtol=1e-12)
    assert found.shape == lead[:-1]


@every_kind
def test_images_of_a_curved_critic(kind: str) -> None:
    """½ Σ x⁴/…: each image its own slope; DRAGAN's spread is of the batch, not of an image's rows."""
    rng = np.random.default_rng(1)
    real, fake, delta = rng.normal(size=(3, 6, 3, 4, 5))
    eps = rng.random((6, 1))
    critic = lambda x: ((x**4).reshape((*x.shape[:-3], 60)) * 0.01).sum(-1, keepdims=True)  # noqa: E731
    row = lambda x: (x**4 * 0.01).sum(-1, keepdims=True)  # noqa: E731
    flat = [x.reshape(6, 60) for x in (real, fake, delta)]
    expected = value(kind, row, flat[0], flat[1], eps, flat[2]).item()
    assert value(kind, critic, real, fake, eps, delta).item() == pytest.approx(expected, rel=1e-12)


@every_kind
@pytest.mark.parametrize(("critic", "words"), [
    (lambda x: (x * x).mean(), "got ()"), (lambda x: (x * x).sum(-1), "got (5,)"),
    (lambda x: x * x, "got (5, 2)"), (lambda x: (x * x).sum(0, keepdims=True), "got (1, 2)"),
])
def test_a_critic_without_one_score_a_sample_is_refused(kind: str, critic: Callable, words: str) -> None:
    """(z·z).mean() had the penalty .418 for 3.343: a slope that is the batch's share of it."""
    with pytest.raises(ValueError, match=r"one number a sample.*\(5, 1\) for samples of shape \(2,\)") as error:
        value(kind, critic, *draws(0))
    assert words in str(error.value)


@every_kind
@pytest.mark.parametrize("critic", [
    lambda x: Tensor(x.value) @ np.ones((2, 1)), lambda x: x.value @ np.ones((2, 1)), lambda x: np.ones((5, 1)),
])
def test_scores_that_are_not_made_of_x_are_refused(kind: str, critic: Callable) -> None:
    with pytest.raises(ValueError, match="do not depend on the x"):
        value(kind, critic, *draws(0))


def test_shapes_that_are_no_batch_are_refused() -> None:
    with pytest.raises(ValueError, match="no batch"):
        gradient_penalty(lambda x: x.sum(), np.ones(3))
    with pytest.raises(ValueError, match=r"one shape .* not \(4, 2\) and \(2,\)"):
        perturb(np.ones((4, 2)), np.ones(2))
    with pytest.raises(ValueError, match="2 axes a sample"):
        perturb(np.ones((4, 2)), np.ones((4, 2)), axes=2)


def test_a_box_may_be_an_input_of_a_recorded_step() -> None:
    state = {"w": np.array([3.0, -3.0, 0.1])}
    program = record(lambda s, inputs: ({"w": clip_weights(s["w"], inputs["c"])}, {}), state, {"c": np.array(2.0)})
    program(c=np.array(0.25))
    assert state["w"].tolist() == [0.25, -0.25, 0.1]


@pytest.mark.parametrize("c", [-0.1, np.nan])
def test_a_box_of_no_size_is_refused(c: float) -> None:
    with pytest.raises(ValueError, match="c ≥ 0, not"):
        clip_weights(np.ones(3), c)


@pytest.mark.parametrize(("shapes", "words"), [
    (((4, 3, 8, 8), (4, 3, 8, 8), (4, 1, 1, 1)), ["(4, 1) for samples of shape (3, 8, 8)", "(4, 1, 1, 1)"]),
    (((3, 4, 2), (3, 4, 2), (3, 1, 1)), ["(3, 4, 1)", "(3, 1, 1)"]),
    (((4, 2), (4, 2), (4,)), ["(4, 1)", "(4,)"]),
    (((4, 2), (4, 2), (1, 1)), ["(4, 1)", "(1, 1)"]),
    (((4, 2), (4, 2), (4, 2)), ["(4, 1)", "(4, 2)"]),
    (((4, 2), (5, 2), (4, 1)), ["pairs", "(5, 2)"]),
])
def test_shapes_that_would_broadcast_silently_are_refused(shapes, words) -> None:
    with pytest.raises(ValueError) as error:
        interpolate(*[np.ones(shape) for shape in shapes])
    assert all(word in str(error.value) for word in words)


@given(seeds, st.floats(1e-3, 2))
def test_clipping_is_numpys(seed: int, c: float) -> None:
    w = np.random.default_rng(seed).normal(size=50)
    np.testing.assert_array_equal(clip_weights(w, c).value, np.clip(w, -c, c))


@given(seeds, st.floats(0.05, 1))
def test_a_clipped_critic_is_lipschitz(seed: int, c: float) -> None:
    """W12: |f(x) − f(y)| ≤ Π ‖Wₗ‖₂ · ‖x − y‖ for a ReLU net; the norms by SVD."""
    net, rng = MLP((2, 7, 6, 1)), np.random.default_rng(seed)
    w = clip_weights(rng.normal(size=net.size), c).value
    x, y = rng.normal(size=(2, 40, 2))
    bound = np.prod([np.linalg.norm(weight.value, 2) for weight, _ in net.layers(w)])
    rise = np.abs(net(w, x).value - net(w, y).value)[:, 0]
    assert (rise <= bound * np.linalg.norm(x - y, axis=1) * (1 + 1e-9)).all()


def test_relu_penalty_does_not_touch_the_biases() -> None:
    net, rng = MLP((2, 8, 8, 1)), np.random.default_rng(0)
    w = Tensor(rng.normal(size=net.size))
    g = grad(gradient_penalty(lambda t: net(w, t), rng.normal(size=(9, 2))), w)
    for (weight, bias) in net.layers(g):
        np.testing.assert_array_equal(bias.value, 0.0)
        assert np.abs(weight.value).max() > 0
