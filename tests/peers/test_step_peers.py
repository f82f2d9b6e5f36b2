"""``check_training_step`` on PyTorch: modules, ``.grad``, optimisers, batch and spectral norm as people use them."""

import copy
import warnings
from types import SimpleNamespace

import pytest

from minigan.testing import Debatable, Player, PropertyError, check_training_step

torch = pytest.importorskip("torch", reason="a peer: pip install 'minigan[peers]'")
F = torch.nn.functional
OPTIMIZERS = {
    "adam": lambda p: torch.optim.Adam(p, lr=2e-4, betas=(0.5, 0.999)),
    "nesterov": lambda p: torch.optim.SGD(p, lr=1e-3, momentum=0.9, nesterov=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=5e-5),
}


def game(loss="logistic", optimizer="adam", dtype=torch.float64, head=None, spectral=False):
    """Two networks and their optimisers, an average of G, a frozen encoder; the losses as everybody writes them."""
    torch.manual_seed(0)
    Linear, norm = torch.nn.Linear, torch.nn.utils.parametrizations.spectral_norm if spectral else lambda layer: layer
    heads = [] if head is None else [head]
    G = torch.nn.Sequential(Linear(4, 16), torch.nn.BatchNorm1d(16), torch.nn.ReLU(), Linear(16, 2)).to(dtype)
    D = torch.nn.Sequential(norm(Linear(2, 16)), torch.nn.LeakyReLU(0.2), norm(Linear(16, 2)), *heads).to(dtype)
    E = torch.nn.Sequential(Linear(2, 3), torch.nn.BatchNorm1d(3)).to(dtype)
    it = SimpleNamespace(D=D, G=G, E=E, average=copy.deepcopy(G), d=OPTIMIZERS[optimizer](D.parameters()),
                         g=OPTIMIZERS[optimizer](G.parameters()), real=torch.randn(16, 2, dtype=dtype) + 1)
    it.fake = lambda: G(torch.randn(16, 4, dtype=dtype))
    one, zero = torch.ones(16, dtype=torch.long), torch.zeros(16, dtype=torch.long)

    def logistic():
        return F.cross_entropy(D(it.real), one) + F.cross_entropy(D(it.fake().detach()), zero)

    def wasserstein():
        fake, eps = it.fake().detach(), torch.rand(16, 1, dtype=dtype)
        x_hat = (eps * it.real + (1 - eps) * fake).requires_grad_()
        (slope,) = torch.autograd.grad(D(x_hat)[:, 0].sum(), x_hat, create_graph=True)
        return D(fake)[:, 0].mean() - D(it.real)[:, 0].mean() + 10 * ((slope.norm(2, dim=1) - 1) ** 2).mean()

    it.critic_loss = {"logistic": logistic, "wasserstein": wasserstein}[loss]
    it.generator_loss = {"logistic": lambda: F.cross_entropy(D(it.fake()), one),
                         "wasserstein": lambda: -D(it.fake())[:, 0].mean()}[loss]

    def critic_step():
        it.d.zero_grad()
        it.critic_loss().backward()
        it.d.step()

    def generator_step():
        it.g.zero_grad()
        it.generator_loss().backward()
        it.g.step()
        with torch.no_grad():
            for mean, x in zip(it.average.parameters(), G.parameters(), strict=True):
                mean.mul_(0.99).add_(x, alpha=0.01)

    it.critic_step, it.generator_step = critic_step, generator_step
    return it


def checked(it, **settings):
    """The four lines of glue."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Debatable)
        return check_training_step(
            {"critic": it.critic_step, "generator": it.generator_step},
            {"critic": Player(it.D, it.critic_loss, judges=True),
             "generator": Player(it.G, it.generator_loss, average=it.average)},
            memory=[it.d, it.g], frozen={"encoder": it.E}, reseed=lambda: torch.manual_seed(1), **settings)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", ["logistic", "wasserstein"])
def test_right_steps(loss, optimizer) -> None:
    assert len(checked(game(loss, optimizer))) == 9


def test_right_steps_in_float32_and_with_spectral_norm() -> None:
    checked(game(dtype=torch.float32))
    checked(game(spectral=True))


def test_batch_norm_of_the_generator_in_the_critics_step_is_debatable() -> None:
    it = game()
    with pytest.warns(Debatable, match="running_mean"):
        check_training_step({"critic": it.critic_step, "generator": it.generator_step},
                            {"critic": Player(it.D, it.critic_loss), "generator": Player(it.G, it.generator_loss)},
                            memory=[it.d, it.g], reseed=lambda: torch.manual_seed(1))


def detached(it):
    def generator_step():
        it.g.zero_grad()
        (F.cross_entropy(it.D(it.fake().detach()), torch.ones(16, dtype=torch.long))).backward()
        it.g.step()

    it.generator_step = generator_step


def never_backward(it):
    it.critic_step = lambda: (it.d.zero_grad(), it.critic_loss(), it.d.step())


def no_zero_grad(it):
    it.critic_step = lambda: (it.critic_loss().backward(), it.d.step())


def zeroed_after_the_step(it):
    """Right if nobody else calls backward; the generator's step does."""
    it.critic_step = lambda: (it.critic_loss().backward(), it.d.step(), it.d.zero_grad())


def one_optimizer(it):
    it.g = torch.optim.Adam([*it.G.parameters(), *it.D.parameters()], lr=2e-4)


def ascends(it):
    it.critic_step = lambda: (it.d.zero_grad(), (-it.critic_loss()).backward(), it.d.step())


def encoder_in_training_mode(it):
    right = it.critic_step
    it.critic_step = lambda: (it.E(it.real), right())


def layer_forgotten(it):
    it.d = torch.optim.Adam(it.D[0].parameters(), lr=2e-4)


def average_of_the_average(it):
    right = it.generator_step

    def generator_step():
        right()
        with torch.no_grad():
            for mean in it.average.parameters():
                mean.mul_(1.01)

    it.generator_step = generator_step


@pytest.mark.parametrize(("fault", "property"), [
    (detached, "moves"), (never_backward, "moves"), (no_zero_grad, "nothing is kept"),
    (zeroed_after_the_step, "nothing is kept"), (one_optimizer, "its own only"), (ascends, "downhill"),
    (encoder_in_training_mode, "frozen"), (layer_forgotten, "moves"), (average_of_the_average, "average"),
], ids=lambda x: getattr(x, "__name__", None))
def test_wrong_steps(fault, property) -> None:
    it = game()
    fault(it)
    with pytest.raises(PropertyError) as error:
        checked(it)
    assert property in [finding.property for finding in error.value.findings], str(error.value)


def test_a_softmax_before_a_cross_entropy_that_takes_logits() -> None:
    with pytest.raises(PropertyError) as error:
        checked(game(head=torch.nn.Softmax(dim=1)))
    assert error.value.property == "punished where sure and wrong"
    assert "softmax" in error.value.found


def test_a_generator_that_never_moves() -> None:
    it = game("wasserstein")
    it.generator_step = lambda: (it.g.zero_grad(), it.generator_loss(), it.g.step())
    with pytest.raises(PropertyError, match="generator stayed where it was"):
        checked(it)
