"""The checkers on PyTorch's and JAX's own functions, through the adapters: right ones pass, wrong ones are named."""

from pathlib import Path

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
from tests.test_pages import fences

PAGE = Path(__file__).parents[2] / "docs" / "checkers.md"
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


@pytest.mark.slow("examples of the page about the checkers")
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_the_glue_that_the_page_shows(library: str) -> None:
    pytest.importorskip(library, reason=PEER)
    shown = [fence.text for fence in fences(PAGE) if f"import {library}" in fence.text]
    assert shown
    for text in shown:
        exec(compile(text, PAGE.name, "exec"), {})


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

    both = value_and_gradient_from_jax(critic, 2)
    check_loss(from_jax(critic), from_jax(generator), "non-saturating", examples=5,
               critic_gradient=lambda s, t: both(s, t)[1:])

    def gradient_penalty(w, critic, real, fake, eps):
        slopes = jax.vmap(jax.grad(lambda x: critic(w, x[None])[0, 0]))(eps * real + (1 - eps) * fake)
        squares = (slopes**2).sum(axis=1)
        norms = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1.0)), 0.0)
        return ((norms - 1) ** 2).mean()

    check_gradient_penalty(value_and_gradient_from_jax(gradient_penalty), examples=5)
    assert jnp.asarray([1.0]).dtype == "float32"  # float64 was switched on inside the adapter alone


@pytest.mark.parametrize("jit", [True, False])
def test_jax_is_compiled_where_that_changes_nothing(jax, jit: bool) -> None:
    traced = []

    def f(x):
        traced.append(x)
        return (x * x).sum()

    g = from_jax(f, jit=jit)
    assert [g(np.full(3, float(k))) for k in range(20)] == [3.0 * k * k for k in range(20)]
    assert len(traced) == (5 if jit else 20)  # four calls as it is, one to compile


def test_jax_is_not_compiled_where_python_decides_or_draws(jax) -> None:
    rng = np.random.default_rng(0)
    branching = from_jax(lambda x: x.sum() if x[0] > 0 else -x.sum())
    assert [branching(np.array([s, 2.0])) for s in (1.0, -1.0) * 5] == [3.0, -1.0] * 5
    drawing = from_jax(lambda x: x.sum() + rng.random())
    assert len({float(drawing(np.ones(2))) for _ in range(10)}) == 10


def test_a_jax_function_that_keeps_its_input_is_told_what_to_say(jax) -> None:
    kept = []

    def f(x):
        kept.append(x)
        return x.sum() + kept[-2].sum() if len(kept) > 1 else x.sum()

    g = from_jax(f)
    with pytest.raises(ValueError, match="jit=False"):
        for _ in range(8):
            g(np.ones(2))
    kept.clear()
    h = from_jax(f, jit=False)
    assert [float(h(np.ones(2))) for _ in range(4)] == [2.0, 4.0, 4.0, 4.0]
