"""The checkers of what keeps a state, on PyTorch's own optimisers, schedules, layers and penalties."""

import numpy as np
import pytest

from minigan.testing import (
    PropertyError,
    check_batch_norm,
    check_gradient_penalty,
    check_minibatch_discrimination,
    check_moving_average,
    check_optimizer,
    check_schedule,
    check_weight_clipping,
    from_torch,
    value_and_gradient_from_torch,
)

torch = pytest.importorskip("torch", reason="a peer: pip install 'minigan[peers]'")


def optimizer(cls, **settings):
    """The glue."""
    def make(theta):
        p = torch.nn.Parameter(torch.tensor(theta))
        theirs = cls([p], lr=0.1, **settings)

        def step(g):
            p.grad = torch.tensor(g)
            theirs.step()
            return p.detach().numpy().copy()

        return step

    return make


@pytest.mark.parametrize(("kind", "make", "settings"), [
    ("sgd", optimizer(torch.optim.SGD), {}),
    ("momentum", optimizer(torch.optim.SGD, momentum=0.9), {}),
    ("momentum", optimizer(torch.optim.SGD, momentum=0.5, dampening=0.25), {"mu": 0.5, "dampening": 0.25}),
    ("nesterov", optimizer(torch.optim.SGD, momentum=0.9, nesterov=True), {}),
    ("rmsprop", optimizer(torch.optim.RMSprop), {}),
    ("adam", optimizer(torch.optim.Adam), {}),
    ("adam", optimizer(torch.optim.Adam, betas=(0.5, 0.9), eps=1e-3), {"beta1": 0.5, "beta2": 0.9, "eps": 1e-3}),
])
def test_optimizers(kind, make, settings) -> None:
    assert len(check_optimizer(make, kind, lr=0.1, examples=15, **settings)) == 5


@pytest.mark.parametrize("make", [optimizer(torch.optim.Adam, weight_decay=0.1), optimizer(torch.optim.AdamW)])
def test_an_optimizer_that_decays_weights_is_another(make) -> None:
    with pytest.raises(PropertyError):
        check_optimizer(make, "adam", lr=0.1, examples=15)


@pytest.mark.parametrize(("kind", "make", "settings"), [
    ("cosine", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=20, eta_min=0.01), {"least": 0.01}),
    ("linear", lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.1, total_iters=20), {"least": 0.01}),
    ("exponential", lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9), {"gamma": 0.9}),
])
def test_schedules(kind, make, settings) -> None:
    inner = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule, rates = make(inner), []
    for _ in range(20):
        rates.append(schedule.get_last_lr()[0])
        inner.step()
        schedule.step()
    check_schedule(rates, kind, 20, lr=0.1, **settings)


class BatchNorm:
    def __init__(self, d):
        self.layer = torch.nn.BatchNorm1d(d, affine=False).double()

    def train(self, x):
        return self.layer.train()(torch.tensor(x)).numpy()

    def evaluate(self, x):
        return self.layer.eval()(torch.tensor(x)).numpy()

    def statistics(self):
        return self.layer.running_mean.numpy(), self.layer.running_var.numpy()


def test_batch_norm() -> None:
    check_batch_norm(BatchNorm, examples=20)


def gradient(critic, w, x):
    x = x.detach().requires_grad_()
    (g,) = torch.autograd.grad(critic(w, x).sum(), x, create_graph=True)
    return g


def r1(w, critic, real, fake):
    return 0.5 * gradient(critic, w, real).pow(2).flatten(1).sum(1).mean()


def r1_as_it_is_often_written(w, critic, real, fake):
    return gradient(critic, w, real).pow(2).flatten(1).sum(1).mean()


def wgan_gp(w, critic, real, fake):
    eps = torch.rand(len(real), *[1] * (real.dim() - 1), dtype=real.dtype)
    return ((gradient(critic, w, eps * real + (1 - eps) * fake).flatten(1).norm(2, dim=1) - 1) ** 2).mean()


def wgan_gp_with_one_epsilon(w, critic, real, fake):
    eps = torch.rand(1, dtype=real.dtype)
    return ((gradient(critic, w, eps * real + (1 - eps) * fake).flatten(1).norm(2, dim=1) - 1) ** 2).mean()


@pytest.mark.parametrize("sample", [None, (3, 2, 2)])
def test_penalties(sample) -> None:
    torch.manual_seed(0)
    check_gradient_penalty(value_and_gradient_from_torch(r1), "r1", sample=sample, examples=20)
    names = check_gradient_penalty(value_and_gradient_from_torch(wgan_gp), own_draws=True, sample=sample, examples=20)
    assert "distribution, quadratic critic" in names
    with pytest.raises(PropertyError, match=r"lam=2 \(R1"):
        check_gradient_penalty(value_and_gradient_from_torch(r1_as_it_is_often_written), "r1", sample=sample)
    with pytest.raises(PropertyError) as error:
        check_gradient_penalty(value_and_gradient_from_torch(wgan_gp_with_one_epsilon), own_draws=True, examples=20)
    assert error.value.property == "distribution, quadratic critic"


def test_the_rest() -> None:
    def features(M):
        return torch.exp(-(M[:, None] - M[None]).abs().sum(-1)).sum(1) - 1.0

    check_minibatch_discrimination(from_torch(features), examples=20)
    check_weight_clipping(from_torch(lambda w: w.clamp_(-0.01, 0.01)), 0.01, examples=20)

    def average(theta):
        model = torch.nn.Linear(2, 1, bias=False).double()
        with torch.no_grad():
            model.weight.copy_(torch.tensor(theta))
        mean = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
        mean.update_parameters(model)

        def update(theta):
            with torch.no_grad():
                model.weight.copy_(torch.tensor(theta))
            mean.update_parameters(model)
            return mean.module.weight.detach().numpy().reshape(-1).copy()

        return update

    check_moving_average(average, 0.9, examples=15)
    assert np.isfinite(average(np.ones(2))(np.zeros(2))).all()
