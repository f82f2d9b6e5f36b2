"""Every kind of gradient penalty: ours pass; images, penalties that draw for themselves, conventions, the debatable."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from minigan.autodiff import Tensor, grad, mean, safe_norm, sqrt, square_norm
from minigan.gans.lipschitz import PENALTIES, clip_weights
from minigan.testing import (
    Debatable,
    PropertyError,
    check_gradient_penalty,
    check_weight_clipping,
    from_tensors,
    value_and_gradient_from_tensors,
)
from minigan.testing.penalties import KINDS
from tests.selection import slow_but


def ours(kind, factor=1.0):
    """A row of PENALTIES as the checker calls it; ``eps`` or ``delta`` where it reads one."""
    noise = {"dragan": "delta"}.get(kind, "eps")
    return value_and_gradient_from_tensors(lambda w, critic, real, fake, *drawn: factor * PENALTIES[kind].value(
        lambda x: critic(w, x), real, fake, dict(zip([noise], drawn, strict=False))))


@pytest.mark.parametrize("kind", slow_but(["r1"], [name for name in PENALTIES if name != "none"], "penalties"))
def test_our_penalties(kind: str) -> None:
    assert len(check_gradient_penalty(ours(kind), kind, examples=40)) == 6
    check_gradient_penalty(ours(kind, 10.0), kind, lam=10, examples=20)


def test_a_kind_for_each_of_ours() -> None:
    assert set(PENALTIES) - {"none"} == set(KINDS) - {"zero-centred"}


# In NumPy, over all axes of a sample
def by_hand(kind, w, critic, real, fake, *noise, axes=None, reduce=np.mean, rng=None, shared=False):
    """A right penalty by its row in ``KINDS``. axes: of the norm; rng: it draws for itself; shared: one ε a batch."""
    row = KINDS[kind]
    if rng is not None and row.draws is not None:
        noise = (row.draws(rng, real),)
        noise = (np.broadcast_to(noise[0][:1], noise[0].shape),) if shared else noise
    x_hat = row.points(real, fake, *noise)
    g = critic.gradient(w, x_hat)
    r = np.sqrt((g**2).sum(axis=axes or tuple(range(1, g.ndim)), keepdims=True))
    v = row.slope(r) * g / np.where(r > 0, r, 1.0) * reduce(np.ones(r.size)) / r.size
    return reduce(row.phi(r)), critic.backward(v, x_hat)


@pytest.mark.slow("penalties")
@pytest.mark.parametrize("kind", ["two-sided", "one-sided", "dragan", "r1", "r2"])
def test_our_penalties_of_images(kind: str) -> None:
    """Our ε is (batch, 1), of images too."""
    def flat(w, critic, real, fake, *drawn):
        drawn = [x.reshape(len(x), 1) if x.size == len(x) else x for x in drawn]
        return ours(kind)(w, critic, real, fake, *drawn)

    check_gradient_penalty(flat, kind, sample=(2, 1, 2), examples=30)


@pytest.mark.parametrize("kind", slow_but(["two-sided"], KINDS, "penalties"))
def test_images(kind: str) -> None:
    for sample in [(4,), (2, 2), (2, 1, 2)]:
        check_gradient_penalty(partial(by_hand, kind), kind, sample=sample, examples=30)


@pytest.mark.parametrize("kind", slow_but(["two-sided"], KINDS, "penalties"))
def test_the_norm_over_the_last_axis_alone(kind: str) -> None:
    with pytest.raises(PropertyError) as error:
        check_gradient_penalty(partial(by_hand, kind, axes=(-1,)), kind, sample=(2, 2), examples=30)
    assert error.value.property == "value, linear critic"


@pytest.mark.parametrize("kind", slow_but(
    ["two-sided"], ["two-sided", "one-sided", "zero-centred", "dragan"], "penalties"))
def test_penalties_that_draw_for_themselves(kind: str) -> None:
    rng = np.random.default_rng(0)
    names = check_gradient_penalty(partial(by_hand, kind, rng=rng), kind, own_draws=True, examples=30)
    assert "distribution, quadratic critic" in names


@pytest.mark.slow("penalties that draw for themselves, wrongly")
@pytest.mark.parametrize(("kind", "fault"), [
    ("two-sided", {"shared": True}), ("dragan", {"shared": True}),
    ("two-sided", {"rng": SimpleNamespace(random=lambda size: np.full(size, 0.5))}),
    ("two-sided", {"rng": SimpleNamespace(random=np.random.default_rng(0).standard_normal)}),
])
def test_wrong_draws(kind, fault) -> None:
    settings = {"rng": np.random.default_rng(0)} | fault
    with pytest.raises(PropertyError) as error:
        check_gradient_penalty(partial(by_hand, kind, **settings), kind, own_draws=True, examples=30)
    assert error.value.property == "distribution, quadratic critic"


# Conventions
@pytest.mark.parametrize(("kind", "penalty", "words"), [
    ("r1", lambda w, *args: tuple(2 * x for x in by_hand("r1", w, *args)), r"it is 2 times ours: so with lam=2 \(R1"),
    ("two-sided", lambda *args: tuple(10 * x for x in by_hand("two-sided", *args)), "lam=10"),
    ("two-sided", partial(by_hand, "two-sided", reduce=np.sum), "reduction='sum'"),
    ("two-sided", partial(by_hand, "one-sided"), "kind='one-sided'"),
    ("r1", partial(by_hand, "r2"), "kind='r2'"),
    ("zero-centred", partial(by_hand, "two-sided"), "kind='two-sided'"),
])
def test_a_convention_is_named(kind, penalty, words) -> None:
    with pytest.raises(PropertyError, match=words):
        check_gradient_penalty(penalty, kind, examples=30)


@pytest.mark.slow("penalties before the checkers")
def test_the_argument_makes_it_right() -> None:
    check_gradient_penalty(lambda *args: tuple(2 * x for x in by_hand("r1", *args)), "r1", lam=2.0, examples=30)
    check_gradient_penalty(partial(by_hand, "two-sided", reduce=np.sum), reduction="sum", examples=30)


# Debatable: an ε in the norm
def slopes(w, critic, real, fake, eps):
    x_hat = eps * real + (1.0 - eps) * fake
    return grad(critic(w, x_hat).sum(), x_hat)


def with_an_epsilon_in_the_slope(*args):
    return mean((safe_norm(slopes(*args) + 1e-16) - 1.0) ** 2)


def with_an_epsilon_in_the_root(*args):
    return mean((sqrt(square_norm(slopes(*args)) + 1e-8) - 1.0) ** 2)


@pytest.mark.parametrize("penalty", [with_an_epsilon_in_the_slope, with_an_epsilon_in_the_root])
def test_an_epsilon_in_the_norm_is_debatable(penalty) -> None:
    with pytest.warns(Debatable, match="debatable, not wrong: any number up to 1"):
        names = check_gradient_penalty(value_and_gradient_from_tensors(penalty), examples=30)
    assert "the zero critic" not in names and "gradient, quadratic critic" in names


def test_a_penalty_that_is_not_felt_by_the_critic_is_still_wrong() -> None:
    def detached(*args):
        return Tensor(with_an_epsilon_in_the_root(*args).value) + 0.0 * with_an_epsilon_in_the_root(*args)

    with pytest.raises(PropertyError) as error, pytest.warns(Debatable):
        check_gradient_penalty(value_and_gradient_from_tensors(detached), examples=30)
    assert error.value.property == "gradient, linear critic"


# Clipped weights
def test_weight_clipping() -> None:
    check_weight_clipping(from_tensors(lambda w: clip_weights(w, 0.01)), 0.01)
    check_weight_clipping(lambda w: np.clip(w, -0.5, 0.5), 0.5)


@pytest.mark.slow("weights clipped otherwise before the checkers")
@pytest.mark.parametrize(("clip", "property"), [
    (lambda w: w * min(1, 0.5 / max(np.linalg.norm(w), 1e-9)), "outside"),  # the norm of all
    (lambda w: np.minimum(w, 0.5), "outside"), (lambda w: np.clip(w, 0, 0.5), "inside"),
    (lambda w: np.where(abs(w) > 0.5, 0, w), "outside"), (lambda w: 0.5 * np.tanh(w / 0.5), "inside"),
    (lambda w: np.where(abs(w) > 0.5, w / 2, w), "once is enough"),
])
def test_weights_clipped_otherwise(clip, property) -> None:
    with pytest.raises(PropertyError) as error:
        check_weight_clipping(clip, 0.5)
    assert property in [finding.property for finding in error.value.findings]


def cut_off(kind, w, critic, real, fake, *noise, whole_loss=False, rng=None):
    """The right value, whose gradient does not reach w: of the whole loss, that of the scores alone does."""
    noise = (rng.random((len(real), 1)),) if rng is not None else noise
    value, gradient = by_hand(kind, w, critic, real, fake, *noise)
    if not whole_loss:
        return value, 0 * gradient
    scores = (critic.backward(fake, fake) - critic.backward(real, real)) / len(real) / critic.degree
    return value + critic(w, fake).mean() - critic(w, real).mean(), scores


@pytest.mark.parametrize(("kind", "options"), [
    ("two-sided", {}), ("r1", {}), ("two-sided", {"whole_loss": True}), ("two-sided", {"own_draws": True}),
])
def test_a_penalty_without_create_graph_is_told_so(kind, options) -> None:
    rng = {"rng": np.random.default_rng(0)} if "own_draws" in options else {}
    whole = {key: on for key, on in options.items() if key == "whole_loss"}
    with pytest.raises(PropertyError, match="its value is right, and its gradient") as error:
        check_gradient_penalty(partial(cut_off, kind, **rng, **whole), kind, examples=20, **options)
    assert "create_graph=True" in str(error.value) and "lam=" not in str(error.value)


def test_a_factor_is_still_told() -> None:
    with pytest.raises(PropertyError, match="it is 10 times ours: so with lam=10"):
        check_gradient_penalty(lambda *trial: tuple(10 * x for x in by_hand("two-sided", *trial)), examples=20)


@pytest.mark.parametrize("sample", [4, (), (3, 0), (2.5,), "12"])
def test_a_sample_is_a_shape(sample) -> None:
    with pytest.raises(TypeError, match=r"sample must be a sample's shape, such as \(3, 2, 2\)"):
        check_gradient_penalty(partial(by_hand, "two-sided"), sample=sample)
