"""The engine beside PyTorch and HIPS autograd: the same random programs, and the WGAN-GP critic, at orders 1 and 2."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.autodiff import Tensor, concat, grad, safe_norm, split
from tests.programs import MINIGAN, arrays, programs, run

torch = pytest.importorskip("torch", reason="a peer: pip install 'minigan[peers]'")
autograd = pytest.importorskip("autograd", reason="a peer: pip install 'minigan[peers]'")
anp = pytest.importorskip("autograd.numpy")
logsumexp = pytest.importorskip("autograd.scipy.special").logsumexp


def keyword(reduce):
    return lambda x, axis, keepdims: reduce(x, axis, keepdims=keepdims)


TORCH = SimpleNamespace(
    exp=torch.exp, expm1=torch.expm1, log=torch.log, log1p=torch.log1p, sqrt=torch.sqrt, sin=torch.sin, cos=torch.cos,
    tanh=torch.tanh, sigmoid=torch.sigmoid, softplus=torch.nn.functional.softplus, relu=torch.relu,
    absolute=torch.abs, power=torch.pow, maximum=torch.maximum, minimum=torch.minimum, where=torch.where,
    greater=torch.gt,
    matmul=lambda x, y, ta, tb: (x.mT if ta else x) @ (y.mT if tb else y),
    sum=torch.sum, mean=torch.mean, max=torch.amax, logsumexp=torch.logsumexp,
    transpose=torch.permute, broadcast_to=torch.broadcast_to, concat=torch.cat, split=torch.split,
    take=lambda x, indices, axis: torch.index_select(x, axis, torch.as_tensor(indices)),
    mask=lambda m: m.double(), total=lambda xs: torch.stack(xs).sum(),
)
AUTOGRAD = SimpleNamespace(
    exp=anp.exp, expm1=anp.expm1, log=anp.log, log1p=anp.log1p, sqrt=anp.sqrt, sin=anp.sin, cos=anp.cos, tanh=anp.tanh,
    sigmoid=lambda x: 0.5 * (anp.tanh(0.5 * x) + 1.0), softplus=lambda x: anp.logaddexp(x, 0.0),
    relu=lambda x: anp.maximum(x, 0.0), absolute=anp.abs, power=anp.power, maximum=anp.maximum, minimum=anp.minimum,
    greater=lambda x, y: x > y,
    where=lambda mask, x, y: anp.where(mask, x * np.ones(mask.shape), y * np.ones(mask.shape)),  # no broadcasting there
    matmul=lambda x, y, ta, tb: anp.matmul(anp.swapaxes(x, -1, -2) if ta else x, anp.swapaxes(y, -1, -2) if tb else y),
    sum=keyword(anp.sum), mean=keyword(anp.mean), max=keyword(anp.max), logsumexp=keyword(logsumexp),
    transpose=anp.transpose, concat=lambda xs, axis: anp.concatenate(xs, axis),
    broadcast_to=lambda x, shape: x * np.ones(shape),  # its own broadcast_to refuses new leading axes
    split=lambda x, sizes, axis: anp.split(x, np.cumsum(sizes)[:-1], axis),
    take=lambda x, indices, axis: x[(slice(None),) * axis + (indices,)],
    mask=lambda m: np.asarray(m, float), total=lambda xs: anp.sum(anp.array(xs)),
)


# Each peer answers with f(xs) for a scalar f, its gradients, and those of Σ‖gradient‖².
def by_minigan(f, xs):
    xs = [Tensor(x) for x in xs]
    y = f(MINIGAN, xs)
    first = grad(y, xs)
    second = grad(sum((g * g).sum() for g in first), xs)
    return [t.value for t in (y, *first, *second)]


def by_torch(f, xs):
    xs = [torch.tensor(x, requires_grad=True) for x in xs]
    y = f(TORCH, xs)
    kwargs = {"allow_unused": True, "materialize_grads": True, "create_graph": True}
    first = torch.autograd.grad(y, xs, **kwargs)
    second = torch.autograd.grad(sum((g * g).sum() for g in first) + 0.0 * sum(x.sum() for x in xs), xs, **kwargs)
    return [t.detach().numpy() for t in (y, *first, *second)]


def by_autograd(f, xs):
    def tied(xs):  # autograd warns of an x that f does not see: let it see all
        return f(AUTOGRAD, xs) + 0.0 * sum(anp.sum(x) for x in xs)

    def square(xs):
        return sum(anp.sum(g * g) for g in autograd.grad(tied)(xs)) + 0.0 * sum(anp.sum(x) for x in xs)

    return [np.asarray(t) for t in (tied(xs), *autograd.grad(tied)(xs), *autograd.grad(square)(xs))]


def assert_agreement(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(b).max(initial=0)))


@pytest.mark.parametrize("peer", [by_torch, by_autograd])
@given(program=programs(), seed=st.integers(0, 99), output=st.integers(0, 99))
def test_random_programs(peer, program, seed, output):
    def f(library, xs):
        values = run(library, program, xs)
        return library.tanh(values[-1]).sum() + library.sin(0.3 * values[output % len(values)]).sum()

    xs = arrays(program, seed)
    assert_agreement(by_minigan(f, xs), peer(f, xs))


# -- the critic of WGAN-GP: MLP 2-16-16-1 on one flat vector ---------------------------------------------------
SHAPES = [(2, 16), (16,), (16, 16), (16,), (16, 1), (1,)]
SIZES = [int(np.prod(shape)) for shape in SHAPES]
LAM = 10.0


def critic(theta, x, split, phi):
    w1, b1, w2, b2, w3, b3 = [part.reshape(shape) for part, shape in zip(split(theta), SHAPES, strict=True)]
    return phi(phi(x @ w1 + b1) @ w2 + b2) @ w3 + b3


def ours(activation):
    phi = getattr(MINIGAN, activation)

    def net(theta, x):
        return critic(theta, x, lambda theta: split(theta, sizes=tuple(SIZES)), phi)

    def loss(theta, real, fake, eps):
        theta, x_hat = Tensor(theta), Tensor(real + eps * (fake - real))
        slope = grad(net(theta, x_hat).sum(), x_hat)
        penalty = ((safe_norm(slope, axis=1) - 1.0) ** 2).mean()
        value = net(theta, Tensor(fake)).mean() - net(theta, Tensor(real)).mean() + LAM * penalty
        return value.value, grad(value, theta).value

    return loss


def ours_in_one_pass(activation):
    """Real and fake through the critic together, as the laboratory does it."""
    phi = getattr(MINIGAN, activation)

    def loss(theta, real, fake, eps):
        theta, x_hat = Tensor(theta), Tensor(real + eps * (fake - real))
        cut = split(theta, sizes=tuple(SIZES))
        slope = grad(critic(theta, x_hat, lambda _: cut, phi).sum(), x_hat)
        penalty = ((safe_norm(slope, axis=1) - 1.0) ** 2).mean()
        scores = critic(theta, concat([fake, real], axis=0), lambda _: cut, phi)
        fake_scores, real_scores = split(scores, sizes=(len(fake), len(real)), axis=0)
        value = fake_scores.mean() - real_scores.mean() + LAM * penalty
        return value.value, grad(value, theta).value

    return loss


def torchs(activation):
    phi = getattr(TORCH, activation)

    def net(theta, x):
        return critic(theta, x, lambda theta: torch.split(theta, SIZES), phi)

    def loss(theta, real, fake, eps):
        theta, real, fake, eps = (torch.tensor(x, requires_grad=k == 0) for k, x in enumerate((theta, real, fake, eps)))
        x_hat = (real + eps * (fake - real)).requires_grad_()
        (slope,) = torch.autograd.grad(net(theta, x_hat).sum(), x_hat, create_graph=True)
        penalty = ((slope.norm(dim=1) - 1.0) ** 2).mean()
        value = net(theta, fake).mean() - net(theta, real).mean() + LAM * penalty
        return value.item(), torch.autograd.grad(value, theta)[0].numpy()

    return loss


def autograds(activation):
    phi = getattr(AUTOGRAD, activation)

    def net(theta, x):
        return critic(theta, x, lambda theta: anp.split(theta, np.cumsum(SIZES)[:-1]), phi)

    def loss(theta, real, fake, eps):
        def value(theta):
            slope = autograd.grad(lambda x: anp.sum(net(theta, x)))(real + eps * (fake - real))
            penalty = anp.mean((anp.sqrt(anp.sum(slope**2, axis=1)) - 1.0) ** 2)
            return anp.mean(net(theta, fake)) - anp.mean(net(theta, real)) + LAM * penalty

        return value(theta), autograd.grad(value)(theta)

    return loss


@pytest.mark.parametrize("peer", [torchs, autograds])
@pytest.mark.parametrize("make", [ours, ours_in_one_pass])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("seed", range(3))
def test_the_critic_of_wgan_gp(peer, make, activation, seed):
    rng = np.random.default_rng(seed)
    theta = rng.standard_normal(sum(SIZES)) * 0.4
    real, fake, eps = rng.standard_normal((32, 2)), rng.standard_normal((32, 2)) + 1.0, rng.uniform(size=(32, 1))
    value, gradient = make(activation)(theta, real, fake, eps)
    expected, by_peer = peer(activation)(theta, real, fake, eps)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient, by_peer, rtol=1e-9, atol=1e-9 * np.abs(by_peer).max())
    assert np.abs(gradient).max() > 1e-2
