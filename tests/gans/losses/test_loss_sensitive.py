"""Loss-sensitive GANs by hand, and G16: leak 0 is LS-GAN's hinge, leak 1 is WGAN, values and gradients."""

import numpy as np
import pytest

from minigan.autodiff import Tensor, grad
from minigan.gans.losses import LOSSES, wasserstein_critic, wasserstein_generator
from minigan.gans.losses.critic_output import Batch, CriticOutput
from minigan.gans.losses.heads import POSITIVE, SCALAR
from minigan.nets import MLP
from tests.batches import both, draw


def arrays_of(head, seed=0):
    rng = np.random.default_rng(seed)
    return [x for _ in range(2) for x in draw(rng, head, n=6)]


@pytest.mark.parametrize(("margin", "lam"), [(1.0, 10.0), (0.2, 1.0), (0.0, 3.0)])
def test_loss_sensitive_by_hand(margin: float, lam: float) -> None:
    loss = LOSSES["ls-gan"].with_constants(margin=margin, lam=lam)
    arrays = arrays_of(POSITIVE)
    x, x_fake, L, L_fake = arrays[0], arrays[4], np.abs(arrays[1]), np.abs(arrays[5])
    hinges = [max(0.0, margin * np.abs(x[i] - x_fake[i]).sum() + L[i, 0] - L_fake[i, 0]) for i in range(6)]
    batches = both(loss, *arrays)
    assert loss.critic(*batches).item() == pytest.approx(L.mean() + lam * np.mean(hinges), rel=1e-12)
    assert loss.generator(*batches).item() == pytest.approx(L_fake.mean(), rel=1e-12)
    assert np.count_nonzero(hinges)


@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.3, 1.0])
def test_generalised_by_hand(slope: float) -> None:
    loss = LOSSES["gls-gan"].with_constants(slope=slope, margin=0.3)
    arrays = arrays_of(SCALAR)
    a = 0.3 * np.abs(arrays[0] - arrays[4]).sum(-1) + arrays[1][:, 0] - arrays[5][:, 0]
    assert (a > 0).any() and (a < 0).any()
    found = loss.critic(*both(loss, *arrays)).item()
    assert found == pytest.approx(np.where(a > 0, a, slope * a).mean(), rel=1e-12)
    assert loss.unbounded == (slope > 0)


# A critic with parameters: the gradients of G16 are in these
NET = MLP((2, 8, 1), activation="tanh")
W = np.random.default_rng(3).normal(size=NET.size)
REAL, FAKE = np.random.default_rng(4).normal(size=(2, 7, 2))


def value_and_gradients(of) -> list[np.ndarray]:
    """A loss of L(x; w), and its gradients in w and in the fakes."""
    w, real, fake = Tensor(W), Tensor(REAL), Tensor(FAKE)

    def critic_output(x):
        return Batch(x, lambda: CriticOutput(NET(w, x), NET(w, x), x, x))

    value = of(critic_output(real), critic_output(fake))
    return [value.value, *(g.value for g in grad(value, [w, fake]))]


def test_leak_1_is_wgan() -> None:
    """The critic f = −L: the same gradient in w, and values that differ by m E Δ, which has no w in it."""
    margin = 0.7
    ours = value_and_gradients(LOSSES["gls-gan"].with_constants(slope=1.0, margin=margin).critic)
    wgan = value_and_gradients(lambda real, fake: wasserstein_critic(-real.scores, -fake.scores))
    np.testing.assert_allclose(ours[1], wgan[1], rtol=1e-12, atol=1e-15)
    assert ours[0] - wgan[0] == pytest.approx(margin * np.abs(REAL - FAKE).sum(1).mean(), rel=1e-12)
    generators = [value_and_gradients(f) for f in (
        LOSSES["gls-gan"].generator, lambda real, fake: wasserstein_generator(-fake.scores))]
    for a, b in zip(*generators, strict=True):
        np.testing.assert_array_equal(a, b)


def test_leak_0_is_ls_gan_without_its_separate_term() -> None:
    margin, lam = 0.1, 4.0
    ours = value_and_gradients(LOSSES["gls-gan"].with_constants(slope=0.0, margin=margin).critic)
    both_terms = value_and_gradients(LOSSES["ls-gan"].with_constants(margin=margin, lam=lam).critic)
    separate = value_and_gradients(lambda real, fake: real.scores.mean())
    for hinge, whole, term in zip(ours, both_terms, separate, strict=True):
        np.testing.assert_allclose(whole, term + lam * hinge, rtol=1e-12, atol=1e-14)
    half = value_and_gradients(LOSSES["gls-gan"].with_constants(slope=0.5, margin=margin).critic)
    assert np.abs(half[1] - ours[1]).max() > 1e-3  # the leak matters


def test_the_loss_of_ls_gan_is_kept_positive() -> None:
    """Its E L(x) would fall without end; that of GLS-GAN is of gaps, so any constant may be added to L."""
    assert LOSSES["ls-gan"].head is POSITIVE and LOSSES["gls-gan"].head is SCALAR
    arrays = arrays_of(SCALAR)
    shifted = [a + 5.0 if k in (1, 5) else a for k, a in enumerate(arrays)]
    found, plain = (LOSSES["gls-gan"].critic(*both(LOSSES["gls-gan"], *a)).item() for a in (shifted, arrays))
    assert found == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize("name", ["ls-gan", "gls-gan"])
def test_pairs_want_batches_of_one_size(name: str) -> None:
    loss = LOSSES[name]
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="one size"):
        loss.critic(*both(loss, *draw(rng, loss.head, n=3), *draw(rng, loss.head, n=4)))
