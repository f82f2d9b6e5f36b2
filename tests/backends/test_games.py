"""Losses, penalties, layers and optimisers on every array library, against NumPy, SciPy and plain floats."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from minigan.autodiff import Tensor, check, grad, isfinite
from minigan.gans import LOSSES, PENALTIES, clip_weights
from minigan.gans.losses.critic_output import scored
from minigan.gans.spectral import initial_state, power_iteration, spectral_normalize, spectral_norms
from minigan.nets import MLP, NORMS, OPTIMIZERS, Ensemble, Gaussian, batch_norm, layer_norm, minibatch_features
from minigan.nets import virtual_batch_norm as virtual_norm
from tests import by_hand
from tests.backends.backend import Backend, assert_close
from tests.batches import CLASSES, both, draw
from tests.gans.reference import iterated, normalized
from tests.gans.tiny import point, taken, tensors, training

RNG = np.random.default_rng(0)
KINDS = [kind for kind in PENALTIES if kind != "none"]
every_kind = pytest.mark.parametrize("kind", KINDS)
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


# -- losses ------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_and_its_gradients(name: str, backend: Backend) -> None:
    """In all that either player's loss looks at; by central differences, and as NumPy has them, in both dtypes."""
    loss, rng = LOSSES[name], np.random.default_rng(0)
    size = 0.1 if name == "f-alpha(3)" else 1.0  # f* = (1 + 2t)^{3/2} for t > −½, and at −½ f*″ is infinite
    points = [size * x for _ in range(2) for x in draw(rng, loss.head)]
    labels = np.eye(CLASSES)[rng.integers(CLASSES, size=5)] if loss.head.name == "classes" else None
    for player in [loss.generator, loss.critic] if loss.critic else [loss.generator]:
        for dtype, rtol in (("float64", 1e-11), ("float32", 1e-4)):
            here = [Tensor(x.astype(dtype)) for x in points]
            there = [backend.tensor(x, dtype) for x in points]
            known = (None, None) if labels is None else (labels.astype(dtype), backend.array(labels, dtype))
            expected, y = (player(*both(loss, *xs, labels=y)) for xs, y in zip((here, there), known, strict=True))
            backend.assert_equal(y, expected, rtol)
            for g, slope in zip(grad(y, there), grad(expected, here), strict=True):
                backend.assert_equal(g, slope, rtol, atol=rtol * abs(slope.value).max())
        known = None if labels is None else backend.array(labels)
        check(lambda *xs: player(*both(loss, *xs, labels=known)), [x.value for x in map(backend.tensor, points)],
              order=1, directions=1)


def test_losses_of_scores_by_hand(backend: Backend) -> None:
    real, fake = 3 * RNG.normal(size=(2, 6, 1))
    for name, (critic, generator) in by_hand.losses(real, fake).items():
        batches = scored(backend.array(real)), scored(backend.array(fake))
        assert_close(LOSSES[name].critic(*batches), critic)
        assert_close(LOSSES[name].generator(*batches), generator)


# -- keeping the critic Lipschitz ------------------------------------------------------------------
def penalty(kind: str, critic, real, fake, eps, delta):
    return PENALTIES[kind].value(critic, real, fake, {"eps": eps, "delta": delta})


@every_kind
def test_a_penalty_by_hand(kind: str, backend: Backend) -> None:
    batch, A = by_hand.draws(0), backend.tensor(by_hand.A)
    found = penalty(kind, lambda x: ((x @ A) * x).sum(-1, keepdims=True) * 0.5, *map(backend.tensor, batch))
    assert_close(found, by_hand.penalty(kind, *batch))


@every_kind
def test_a_penalty_to_second_order_through_a_network(kind: str, backend: Backend) -> None:
    net = MLP((2, 6, 5, 1), "tanh")
    real, fake, *draws = map(backend.tensor, by_hand.draws(0))
    w = backend.tensor(2 * np.random.default_rng(0).normal(size=net.size))
    check(lambda w, real, fake: penalty(kind, lambda x: net(w, x), real, fake, *draws),
          [w.value, real.value, fake.value], order=2, rtol=1e-5, directions=1)


@every_kind
def test_nothing_is_nan_at_the_zero_critic(kind: str, backend: Backend) -> None:
    w = backend.tensor(np.zeros((2, 1)))
    loss = penalty(kind, lambda x: x @ w, *map(backend.tensor, by_hand.draws(0)))
    assert_close(isfinite(grad(loss, w)), np.ones((2, 1)))
    assert_close(loss, {"one-sided": 0.0, "r1": 0.0, "r2": 0.0}.get(kind, 1.0), atol=1e-9)


def test_clipping(backend: Backend) -> None:
    w = RNG.normal(size=50)
    for dtype in ("float32", "float64"):
        assert_close(clip_weights(backend.array(w, dtype), 0.3), np.clip(w.astype(dtype), -0.3, 0.3), rtol=0)


@pytest.mark.parametrize("net", [MLP((2, 6, 5, 1)), MLP((2, 4, 3), "maxout", "batch"), Ensemble(MLP((2, 3, 1)), 2)],
                         ids=str)
def test_spectral_norm(net, backend: Backend) -> None:
    """One step of algorithm 1, W/(uᵀWv), σ by the SVD once it has converged, and derivatives with u, v constant."""
    rng = np.random.default_rng(1)
    w, s = rng.normal(size=net.size), initial_state(net, rng, "float64")
    there = backend.array(w)
    after = power_iteration(net, there, backend.array(s))
    assert_close(after, iterated(net, w, s))
    assert_close(spectral_normalize(net, there, after), normalized(net, w, iterated(net, w, s)), rtol=1e-11)
    check(lambda w: spectral_normalize(net, w, after), [there], order=2, rtol=1e-5, directions=1)
    for _ in range(200):
        s = iterated(net, w, s)
    sigma = [np.linalg.norm(net.layout.views(w)[k].value, 2) for k in net.weights]
    assert_close(spectral_norms(net, there, backend.array(s)), np.array(sigma), rtol=1e-6)


def test_only_a_critic_step_advances_the_state_of_spectral_norm(backend: Backend) -> None:
    """Neither the generator's step nor looking at the critic does: u and v are where they were."""
    run = training("sn-gan")
    state, inputs = point(run)
    there, given = ({name: backend.array(x) for name, x in arrays.items()} for arrays in (state, inputs))
    new = taken(run.players, "w", there, given)
    assert_close(new["w.s"], iterated(run.game.critic, state["w"], state["w.s"]))
    assert "w.s" not in taken(run.players, "theta", there, given)
    run.game.critic_output(tensors(there), given["real"])
    for name, x in there.items():
        assert_close(x, state[name], rtol=0)


# -- layers --------------------------------------------------------------------------------------
A, R = 3 * RNG.normal(size=(6, 4)) + 5, 2 * RNG.normal(size=(5, 4)) - 1
LAYERS = {
    "batch": (batch_norm, [A], by_hand.standard(A, A)),
    "batch of a reference": (batch_norm, [A, R], by_hand.standard(A, R)),
    "layer": (layer_norm, [A], by_hand.standard(A, A, 1)),
    "virtual": (virtual_norm, [A, R], np.array([by_hand.standard(a, np.vstack([R, a]))[0] for a in A[:, None]])),
    "minibatch": (minibatch_features, [A.reshape(6, 2, 2)], by_hand.minibatch_features(A.reshape(6, 2, 2))),
    "minibatch and company": (minibatch_features, [A.reshape(6, 2, 2), R.reshape(5, 2, 2)],
                              by_hand.minibatch_features(A.reshape(6, 2, 2), R.reshape(5, 2, 2))),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer(name: str, backend: Backend) -> None:
    f, inputs, expected = LAYERS[name]
    xs = [backend.array(x) for x in inputs]
    assert_close(f(*xs), expected, rtol=1e-10)
    assert f(*[backend.array(x, "float32") for x in inputs]).dtype == np.float32
    check(f, xs, order=2, rtol=1e-5, directions=1)


@pytest.mark.parametrize(("norm", "given"), [
    ("batch", False), ("batch", True), ("layer", False), ("layer", True), ("virtual", True)])
def test_a_network_with_norms(norm: str, given: bool, backend: Backend) -> None:
    """The reference goes through the net with the batch, and the gradient through its statistics."""
    net, rng = MLP((2, 4, 3, 1), "tanh", norm), np.random.default_rng(2)
    points = [rng.normal(size=net.size), rng.normal(size=(5, 2)), rng.normal(size=(4, 2))][: 3 if given else 2]
    assert_close(net(*map(backend.array, points)), by_hand.normed_net(net, *points, *[None] * (3 - len(points))),
                 rtol=1e-9)
    check(net, [backend.array(x) for x in points], order=2, rtol=1e-5, directions=1)
    assert set(NORMS) == {"none", "batch", "layer", "virtual"}


def test_row_i_of_an_ensemble_is_network_i_mod_count(backend: Backend) -> None:
    net, rng = MLP((2, 5, 3), "relu", minibatch=2), np.random.default_rng(0)
    mixture = Ensemble(net, 3)
    theta, z = rng.normal(size=mixture.size), rng.normal(size=(12, 2))
    y = mixture(backend.array(theta), backend.array(z))
    for k, own in enumerate(theta.reshape(3, net.size)):
        assert_close(y[k::3], net(own, z[k::3]), rtol=1e-12, atol=1e-13)
    check(mixture, [backend.array(theta), backend.array(z)], order=1, rtol=1e-5, directions=1)


@pytest.mark.parametrize("dim", [1, 3])
def test_the_gaussian_and_its_density(dim: int, backend: Backend) -> None:
    rng, model = np.random.default_rng(dim), Gaussian(dim)
    theta, z, x = rng.normal(size=model.size), rng.normal(size=(9, dim)), 3 * rng.normal(size=(9, dim))
    mu, L = by_hand.gaussian_moments(theta, dim)
    there = backend.array(theta)
    assert_close(model(there, backend.array(z)), mu + z @ L.T, rtol=1e-12, atol=1e-13)
    law = scipy.stats.multivariate_normal(mu, L @ L.T)
    assert_close(model.log_density(there, backend.array(x)), np.atleast_1d(law.logpdf(x)), rtol=1e-8)
    check(model.log_density, [0.5 * there, backend.array(x)], order=2, directions=1)


# -- optimisers ------------------------------------------------------------------------------------
@every_optimizer
def test_the_trajectory_is_the_published_one(name: str, backend: Backend) -> None:
    for dtype, rtol in (("float64", 1e-10), ("float32", 2e-6)):
        found = by_hand.trajectory(name, dtype, backend.array)
        np.testing.assert_allclose(found, by_hand.optimizer(name), rtol=rtol, atol=rtol / 2)


@every_optimizer
def test_two_steps_can_be_differentiated_through(name: str, backend: Backend) -> None:
    """As an unrolled critic's are: in θ, both gradients, the rate and what the optimiser remembers."""
    row, rng = OPTIMIZERS[name], np.random.default_rng(0)

    def steps(theta, g, eta, *memory):
        slots = {slot: s * s if slot == "v" else s for slot, s in zip(row.slots, memory, strict=True)}
        for t in (3.0, 4.0):
            theta, slots = row.step(theta, g * theta, slots, t, eta)
        return theta

    points = [rng.normal(size=4), rng.normal(size=4), np.array(0.1), *rng.normal(size=(len(row.slots), 4))]
    check(steps, [backend.array(x) for x in points], order=2, rtol=1e-5, directions=1)


@every_optimizer
def test_a_dead_unit_gives_no_nan_through_the_step(name: str, backend: Backend) -> None:
    row = OPTIMIZERS[name]
    for dtype in ("float32", "float64"):
        zeros = np.zeros(3, dtype)
        g = backend.tensor(zeros)
        new, _ = row.step(backend.tensor(zeros + 1), g, {k: backend.tensor(zeros) for k in row.slots}, 1, by_hand.ETA)
        for x in (new, grad(new.sum(), g)):
            assert_close(isfinite(x), np.ones(3, dtype))
