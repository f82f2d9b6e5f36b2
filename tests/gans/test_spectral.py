"""Spectral normalisation against the SVD, its state against the published mistakes."""

import numpy as np
import pytest

from minigan.autodiff import check, concat, grad, record
from minigan.autodiff.functions import swap
from minigan.autodiff.tensor import Tensor
from minigan.gans.spectral import initial_state, power_iteration, spectral_normalize, spectral_norms
from minigan.nets import MLP, Ensemble
from minigan.testing import PropertyError, check_spectral_norm
from minigan.theory.lipschitz import lipschitz_bound, lipschitz_on_grid
from tests.selection import slow_but

NETS = [
    MLP((2, 6, 5, 1)), MLP((1, 3, 1), "tanh"), MLP((2, 4, 3), "maxout", "batch"), MLP((2, 5, 1), minibatch=2),
    Ensemble(MLP((2, 3, 1)), 2),
]


def matrices(net, w):
    return [net.layout.views(w)[k].value for k in net.weights]


def converged(net, w, steps=500):
    s = initial_state(net, np.random.default_rng(0), w.dtype)
    for _ in range(steps):
        s = power_iteration(net, w, s).value
    return s


def one_matrix(W):
    """A net of one layer whose weight is W."""
    net = MLP(W.shape)
    return net, np.concatenate([W.ravel(), np.zeros(W.shape[1])])


@pytest.mark.parametrize("net", NETS, ids=str)
def test_every_matrix_comes_out_with_norm_one_and_the_rest_as_it_was(net) -> None:
    w = np.random.default_rng(1).normal(size=net.size)
    s = converged(net, w)
    bar = spectral_normalize(net, w, s).value
    sigma = [np.linalg.svd(W)[1][0] for W in matrices(net, w)]
    np.testing.assert_allclose(spectral_norms(net, w, s).value, sigma, rtol=1e-6)
    for W, W_bar, first in zip(matrices(net, w), matrices(net, bar), sigma, strict=True):
        np.testing.assert_allclose(np.linalg.norm(W_bar, 2), 1, rtol=1e-6)
        np.testing.assert_allclose(W_bar, W / first, rtol=1e-6)
    before, after = net.layout.views(w), net.layout.views(bar)
    for k in set(range(len(before))) - set(net.weights):
        np.testing.assert_array_equal(after[k].value, before[k].value)


def test_one_step_is_algorithm_one() -> None:
    net, rng = MLP((3, 4, 2)), np.random.default_rng(0)
    w, s = rng.normal(size=net.size), initial_state(net, rng, "float64")
    expected = []
    for W, (u, _) in zip(matrices(net, w), [(s[:3], s[3:7]), (s[7:11], s[11:13])], strict=True):
        v = W.T @ u / np.linalg.norm(W.T @ u)
        expected += [W @ v / np.linalg.norm(W @ v), v]
    np.testing.assert_allclose(power_iteration(net, w, s).value, np.concatenate(expected), rtol=1e-12)
    for part in np.split(s, [3, 7, 11]):
        assert np.linalg.norm(part) == pytest.approx(1)


@pytest.mark.parametrize("net", NETS, ids=str)
def test_derivatives_with_u_and_v_constant(net) -> None:
    rng = np.random.default_rng(2)
    w = rng.normal(size=net.size)
    s = power_iteration(net, w, initial_state(net, rng, "float64")).value
    check(lambda w: spectral_normalize(net, w, s), [w], order=2, rtol=1e-5)


def test_the_gradient_through_the_net_end_to_end() -> None:
    net, rng = MLP((2, 6, 5, 1), "tanh"), np.random.default_rng(2)
    w, x = rng.normal(size=net.size), rng.normal(size=(4, 2))
    s = power_iteration(net, w, initial_state(net, rng, "float64")).value
    check(lambda w: net(spectral_normalize(net, w, s), x), [w], order=2)


def test_the_gradient_of_sigma_is_uv() -> None:
    """∂σ/∂W by central differences of uᵀWv, and of the true σ₁ once u and v have converged."""
    W = np.random.default_rng(0).normal(size=(3, 4))
    net, w = one_matrix(W)
    s = converged(net, w)
    tensor = Tensor(w)
    found = grad(spectral_norms(net, tensor, s).sum(), tensor).value[:12].reshape(3, 4)
    np.testing.assert_allclose(found, np.outer(s[:3], s[3:]), rtol=1e-12)
    h, steps = 1e-6, np.eye(12).reshape(12, 3, 4)
    rise = [(np.linalg.norm(W + h * e, 2) - np.linalg.norm(W - h * e, 2)) / (2 * h) for e in steps]
    np.testing.assert_allclose(found.ravel(), rise, atol=1e-7)


class Ours:
    """``minigan.gans.spectral`` as the checker drives it: σ̂ read off W̄ = W/σ̂, by ‖W‖²/⟨W, W̄⟩."""

    advance = staticmethod(power_iteration)
    normalize = staticmethod(spectral_normalize)

    def __init__(self, W):
        self.net = one_matrix(W)[0]
        self.shape, self.s = W.shape, initial_state(self.net, np.random.default_rng(1), "float64")

    def sigma(self, W, s):
        w = Tensor(one_matrix(W)[1])
        s = s(w)  # a tensor of w: whatever is not held constant shows in the gradient
        before, after = (self.net.layout.views(x)[0] for x in (w, self.normalize(self.net, w, s)))
        sigma = (before * before).sum() / (before * after).sum()
        return sigma, grad(sigma, w).value[: W.size].reshape(W.shape), s

    def train(self, W):
        value, gradient, s = self.sigma(W, lambda w: self.advance(self.net, w, self.s))
        self.s = s.value
        return value.item(), gradient

    def evaluate(self, W):
        return self.sigma(W, lambda w: Tensor(self.s))[0].item()

    def state(self):
        return self.s[: self.shape[0]], self.s[self.shape[0] :]

    def load(self, state):
        self.s = np.concatenate(state)


def sigma(W):
    net, w = one_matrix(W)
    return spectral_norms(net, w, converged(net, w, 40)).item()


def gradient_of_sigma(W):
    net, w = one_matrix(W)
    tensor = Tensor(w)
    return grad(spectral_norms(net, tensor, converged(net, w, 40)).sum(), tensor).value[: W.size].reshape(W.shape)


@pytest.mark.slow("checkers of layers and networks")
def test_the_public_checker_agrees() -> None:
    names = check_spectral_norm(sigma, gradient_of_sigma, Ours, examples=20)
    assert "gradient" in names and "state: survives a checkpoint" in names


def _unit(x):
    return x / ((x * x).sum() ** 0.5)


def _differentiated(net, w, s):
    """The step of ``power_iteration`` without stop_gradient."""
    W = net.layout.views(w)[0]
    v = _unit(swap(W) @ Tensor(s[: W.shape[0], None]))
    return concat([x.reshape(x.size) for x in (_unit(W @ v), v)])


def _not_held(net, w, s):
    """``spectral_normalize`` without stop_gradient."""
    W, b = net.layout.views(w)
    u, v = s[: W.shape[0]].reshape(-1, 1), s[W.shape[0] :].reshape(-1, 1)
    return concat([(W / (swap(u) @ W @ v)).reshape(W.size), b.reshape(b.size)])


class Differentiated(Ours):
    advance, normalize = staticmethod(_differentiated), staticmethod(_not_held)


class AdvancedTwice(Ours):
    advance = staticmethod(lambda net, w, s: power_iteration(net, w, power_iteration(net, w, s)))


class NeverAdvanced(Ours):
    advance = staticmethod(lambda net, w, s: Tensor(s))


class AdvancedInEvaluation(Ours):
    def evaluate(self, W):
        return self.train(W)[0]


class NotCheckpointed(Ours):
    def load(self, state):
        pass


@pytest.mark.parametrize(("wrong", "property"), slow_but([NeverAdvanced], [
    (Differentiated, "state: a constant of the gradient"), (AdvancedTwice, "state: once a step"),
    (NeverAdvanced, "state: once a step"), (AdvancedInEvaluation, "state: not in evaluation"),
    (NotCheckpointed, "state: survives a checkpoint"),
], "mistakes that minigan.testing must catch"))
def test_the_known_mistakes_around_it_are_rejected(wrong, property: str) -> None:
    with pytest.raises(PropertyError) as error:
        check_spectral_norm(sigma, gradient_of_sigma, wrong, examples=20)
    assert error.value.property == property and "raised" not in error.value.found


def test_a_state_that_depends_on_w_is_held_constant_all_the_same() -> None:
    """stop_gradient in both places: the gradient is the same whether s came as a tensor of w or as an array."""
    net, rng = MLP((2, 4, 1)), np.random.default_rng(0)
    w, s, x = rng.normal(size=net.size), initial_state(net, rng, "float64"), rng.normal(size=(5, 2))
    tensor = Tensor(w)
    one = power_iteration(net, tensor, s)
    a, b = (grad(net(spectral_normalize(net, tensor, state), x).sum(), tensor).value for state in (one, one.value))
    np.testing.assert_array_equal(a, b)
    assert (grad(power_iteration(net, tensor, s).sum(), tensor).value == 0).all()
    state = Tensor(one.value)
    assert (grad(spectral_normalize(net, tensor, state).sum(), state).value == 0).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_dead_matrix_keeps_its_direction_and_can_come_back(dtype: str) -> None:
    net, rng = MLP((2, 4, 1)), np.random.default_rng(0)
    w = net.init(rng, dtype=dtype)
    w[:8] = 0.0
    s = initial_state(net, rng, dtype)
    after = power_iteration(net, w, s)
    np.testing.assert_array_equal(after.value[:6], s[:6])
    assert not np.allclose(after.value[6:], s[6:])
    tensor = Tensor(w)
    bar = spectral_normalize(net, tensor, after)
    g = grad((bar * bar).sum() + bar.sum(), tensor)
    assert bar.dtype == g.dtype == after.dtype == dtype
    np.testing.assert_array_equal(bar.value[:8], 0)
    assert np.isfinite(g.value).all() and (g.value[:8] == 1).all()
    assert np.isfinite(grad((g * g).sum(), tensor).value).all()


@pytest.mark.parametrize(("dtype", "scale"), [
    ("float32", 1e-36), ("float32", 1e-22), ("float32", 1e22), ("float32", 1e36),
    ("float64", 1e-200), ("float64", 1e200),
])
def test_weights_of_any_scale_are_normalised(dtype: str, scale: float) -> None:
    """Unscaled squares lose 1e-22 in float32, so that û is no unit vector, and overflow at 1e20, where σ̂ was 0."""
    net, rng = MLP((3, 6, 4, 1)), np.random.default_rng(0)
    w = net.init(rng, dtype=dtype)
    small = (w * scale).astype(dtype)
    s = converged(net, small, 100)
    assert np.linalg.norm(s[:3].astype(float)) == pytest.approx(1, rel=1e-6)  # û of the first
    expected = [np.linalg.norm(W.value.astype(float), 2) for W, _ in net.layers(w)]
    np.testing.assert_allclose(spectral_norms(net, small, s).value / scale, expected, rtol=1e-5)
    bar, same = (spectral_normalize(net, x, s).value[: 3 * 6] for x in (small, w))
    np.testing.assert_allclose(bar, same, rtol=1e-5)


def test_leading_axes_row_by_row() -> None:
    net, rng = MLP((2, 4, 3, 1), "maxout"), np.random.default_rng(0)
    w = rng.normal(size=(3, net.size))
    w[1, : 2 * 20] = 0.0  # a dead matrix in one row leaves the others alone
    s = np.stack([initial_state(net, np.random.default_rng(r), "float64") for r in range(3)])
    after = power_iteration(net, w, s).value
    bar, norms = spectral_normalize(net, w, after).value, spectral_norms(net, w, after).value
    assert norms.shape == (3, 3)
    for r in range(3):
        np.testing.assert_allclose(after[r], power_iteration(net, w[r], s[r]).value, rtol=1e-12)
        np.testing.assert_allclose(bar[r], spectral_normalize(net, w[r], after[r]).value, rtol=1e-12)
        np.testing.assert_allclose(norms[r], spectral_norms(net, w[r], after[r]).value, rtol=1e-12)


def test_replay_is_eager_with_the_state() -> None:
    net, rng = MLP((2, 8, 8, 1)), np.random.default_rng(0)
    state = {"w": net.init(rng), "s": initial_state(net, rng)}
    inputs = {"x": rng.normal(size=(6, 2)).astype("float32")}

    def step(state, inputs):
        s = power_iteration(net, state["w"], state["s"])
        y = net(spectral_normalize(net, state["w"], s), inputs["x"])
        return {"w": state["w"] - 0.1 * grad((y * y).mean() - y.mean(), state["w"]), "s": s}, {"y": y}

    eager = {name: value.copy() for name, value in state.items()}
    program = record(step, state, inputs)
    for _ in range(4):
        new, report = step({k: Tensor(v) for k, v in eager.items()}, {"x": Tensor(inputs["x"])})
        eager = {name: value.value for name, value in new.items()}
        np.testing.assert_array_equal(program()["y"], report["y"].value)
    for name, value in eager.items():
        np.testing.assert_array_equal(state[name], value)
        assert value.dtype == "float32"


def test_the_certified_bound_of_a_normalised_critic() -> None:
    """Πσ₁ by SVD is 1 once converged, above the slope measured; before, σ̂ ≤ σ₁ and it is larger."""
    rng = np.random.default_rng(0)
    for net in (MLP((2, 8, 8, 1)), MLP((2, 8, 8, 1), "maxout")):
        w = net.init(rng, dtype="float64")
        x = 2 * rng.normal(size=(60, 2))
        for s, exact in [(converged(net, w), True), (initial_state(net, rng, "float64"), False)]:
            if not exact:
                s = power_iteration(net, w, s).value
            bar = spectral_normalize(net, w, s)
            bound = lipschitz_bound([W.value for W, _ in net.layers(bar)])
            assert bound == pytest.approx(1) if exact else bound > 1 + 1e-6
            assert lipschitz_on_grid(x, net(bar, x).value[:, 0]) <= bound
