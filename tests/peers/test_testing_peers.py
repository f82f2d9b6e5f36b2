"""The checkers on PyTorch's and JAX's own functions, through the adapters: right ones pass, wrong ones are named."""

import numpy as np
import pytest

from minigan.testing import (
    PropertyError,
    check_divergence,
    check_gradient_penalty,
    check_lipschitz,
    check_loss,
    check_spectral_norm,
    from_jax,
    from_torch,
    value_and_gradient_from_jax,
    value_and_gradient_from_torch,
)

PEER = "a peer: pip install 'minigan[peers]'"


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch", reason=PEER)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # four numbers at a time: a pool of threads would only wait
    yield torch
    torch.set_num_threads(threads)


@pytest.fixture
def jax():
    return pytest.importorskip("jax", reason=PEER)


# PyTorch
def penalty(torch, per_sample=True, create_graph=True):
    """The penalty as it is written everywhere, and as it is written wrongly."""
    def gradient_penalty(w, critic, real, fake, eps):
        x_hat = (eps * real + (1 - eps) * fake).requires_grad_()
        (g,) = torch.autograd.grad(critic(w, x_hat).sum(), x_hat, create_graph=create_graph)
        norm = g.norm(2, dim=1) if per_sample else g.norm(2)
        return ((norm - 1) ** 2).mean()

    return value_and_gradient_from_torch(gradient_penalty)


def test_torch_gradient_penalty(torch) -> None:
    check_gradient_penalty(penalty(torch), examples=50)


@pytest.mark.parametrize(("wrong", "property"), [
    ({"per_sample": False}, "value, linear critic"),
    ({"create_graph": False}, "gradient, linear critic"),  # the value is right, and moves nothing
])
def test_torch_gradient_penalties_gone_wrong(torch, wrong, property) -> None:
    with pytest.raises(PropertyError) as error:
        check_gradient_penalty(penalty(torch, **wrong))
    assert error.value.property == property
    assert str(error.value).startswith("gradient_penalty breaks")


def test_torch_batch_norm_in_the_critic(torch) -> None:
    torch.manual_seed(0)
    layers = [torch.nn.Linear(2, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 1)]
    plain = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[2]).double()
    normed = torch.nn.Sequential(*layers).double().train()
    check_gradient_penalty(penalty(torch), critic=from_torch(plain), examples=20)
    with pytest.raises(PropertyError, match="its own"):
        check_gradient_penalty(penalty(torch), critic=from_torch(normed), examples=20)
    bound = np.prod([np.linalg.norm(layer.weight.detach().numpy(), 2) for layer in (layers[0], layers[2])])
    check_lipschitz(from_torch(plain), bound, 2, examples=50)


def test_torch_losses(torch) -> None:
    bce = torch.nn.functional.binary_cross_entropy_with_logits

    def critic(s, t):
        return bce(s, torch.ones_like(s)) + bce(t, torch.zeros_like(t))

    def generator(t):
        return bce(t, torch.ones_like(t))

    check_loss(
        from_torch(critic), from_torch(generator), "non-saturating", examples=50,
        critic_gradient=lambda s, t: value_and_gradient_from_torch(critic, 2)(s, t)[1:],
        generator_gradient=lambda t: value_and_gradient_from_torch(generator)(t)[1],
    )

    def of_probabilities(s, t):  # BCELoss clamps its logs at −100
        bce = torch.nn.functional.binary_cross_entropy
        return bce(torch.sigmoid(s), torch.ones_like(s)) + bce(torch.sigmoid(t), torch.zeros_like(t))

    with pytest.raises(PropertyError) as error:
        check_loss(from_torch(of_probabilities), from_torch(generator), "non-saturating")
    assert error.value.property == "critic's value where D is sure"


def test_torch_divergence(torch) -> None:
    def kl(p, q):
        return torch.where(p > 0, p * (p.log() - q.log()), torch.zeros_like(p))

    check_divergence(from_torch(lambda p, q: kl(p, q).sum()), "kl", examples=20)
    with pytest.raises(PropertyError, match="averaged over the entries"):  # what reduction="mean" does
        check_divergence(from_torch(lambda p, q: kl(p, q).mean()), "kl", examples=20)


class TorchSpectralNorm:
    """torch.nn.utils.parametrizations.spectral_norm behind the protocol of PowerIteration."""

    def __init__(self, w):
        import torch

        self.torch = torch
        torch.manual_seed(0)
        linear = torch.nn.Linear(w.shape[1], w.shape[0], bias=False).double()
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(w))
        self.layer = torch.nn.utils.parametrizations.spectral_norm(linear)
        self.norm = self.layer.parametrizations.weight[0]

    def sigma(self, w):
        """σ̂ = W/W̄: the layer itself only ever shows W̄ = W/σ̂."""
        inside = self.norm(w)
        k = w.detach().abs().argmax()
        return w.flatten()[k] / inside.flatten()[k]

    def train(self, w):
        self.norm.train()
        w = self.torch.tensor(w, requires_grad=True)
        sigma = self.sigma(w)
        (g,) = self.torch.autograd.grad(sigma, w)
        return sigma.detach().numpy(), g.numpy()

    def evaluate(self, w):
        self.norm.eval()
        return self.sigma(self.torch.tensor(w)).detach().numpy()

    def state(self):
        return self.norm._u.numpy().copy(), self.norm._v.numpy().copy()

    def load(self, state):
        for mine, saved in zip((self.norm._u, self.norm._v), state, strict=True):
            mine.copy_(self.torch.tensor(saved))


def test_torch_spectral_norm_keeps_its_state(torch) -> None:
    check_spectral_norm(from_torch(lambda w: torch.linalg.matrix_norm(w, 2)),
                        lambda w: value_and_gradient_from_torch(lambda w: torch.linalg.matrix_norm(w, 2))(w)[1],
                        TorchSpectralNorm, examples=30)


# JAX
def test_jax(jax) -> None:
    jnp = jax.numpy

    def js(p, q):
        m = 0.5 * (p + q)
        return 0.5 * (jax.scipy.special.rel_entr(p, m) + jax.scipy.special.rel_entr(q, m)).sum()

    check_divergence(from_jax(js), "js", examples=5)

    def critic(s, t):
        return jax.nn.softplus(-s).mean() + jax.nn.softplus(t).mean()

    def generator(t):
        return jax.nn.softplus(-t).mean()

    check_loss(from_jax(critic), from_jax(generator), "non-saturating", examples=5,
               critic_gradient=lambda s, t: value_and_gradient_from_jax(critic, 2)(s, t)[1:])

    def gradient_penalty(w, critic, real, fake, eps):
        slopes = jax.vmap(jax.grad(lambda x: critic(w, x[None])[0, 0]))(eps * real + (1 - eps) * fake)
        squares = (slopes**2).sum(axis=1)
        norms = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1.0)), 0.0)
        return ((norms - 1) ** 2).mean()

    check_gradient_penalty(value_and_gradient_from_jax(gradient_penalty), examples=5)
    assert jnp.asarray([1.0]).dtype == "float32"  # float64 was switched on inside the adapter alone
