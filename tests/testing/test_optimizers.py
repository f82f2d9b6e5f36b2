"""Optimisers and schedules: ours and right ones pass, mistakes are named, conventions are told from mistakes."""

import numpy as np
import pytest

from minigan.autodiff import Tensor
from minigan.nets import OPTIMIZERS, SCHEDULES
from minigan.testing import PropertyError, check_optimizer, check_schedule
from tests.selection import slow_but

ETA = 0.1


def ours(name, **settings):
    """A row of OPTIMIZERS behind the protocol."""
    class Step:
        def __init__(self, theta):
            self.theta, self.t = theta, 0
            self.slots = {slot: Tensor(x) for slot, x in OPTIMIZERS[name].init(theta).items()}

        def __call__(self, g):
            self.t += 1
            theta, self.slots = OPTIMIZERS[name].step(self.theta, g, self.slots, self.t, ETA, **settings)
            self.theta = theta.value
            return self.theta

        def state(self):
            return self.t, self.slots

        def load(self, state):
            self.t, self.slots = state

    return Step


@pytest.mark.parametrize("name", slow_but(["nesterov", "adam"], OPTIMIZERS, "optimisers before the checker"))
def test_our_optimisers(name: str) -> None:
    assert len(check_optimizer(ours(name), name, lr=ETA, examples=20)) == 6


@pytest.mark.slow("optimisers before the checker")
def test_our_settings() -> None:
    check_optimizer(ours("momentum", mu=0.5), "momentum", lr=ETA, mu=0.5)
    check_optimizer(ours("nesterov", mu=0.5), "nesterov", lr=ETA, mu=0.5)
    check_optimizer(ours("adam", beta1=0.0, beta2=0.9), "adam", lr=ETA, beta1=0.0, beta2=0.9)


class Adam:
    """Right, to be broken by its children. epsilon: where ε stands."""

    epsilon = "outside"
    corrected = True
    begin = 1
    beta1, beta2 = 0.9, 0.999

    def __init__(self, theta):
        self.theta, self.t, self.m, self.v = theta, self.begin - 1, np.zeros_like(theta), np.zeros_like(theta)

    def __call__(self, g):
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        c1, c2 = (1 - self.beta1**self.t, 1 - self.beta2**self.t) if self.corrected else (1.0, 1.0)
        root = {"outside": np.sqrt(self.v / c2) + 1e-8, "inside": np.sqrt(self.v / c2 + 1e-8),
                "uncorrected": (np.sqrt(self.v) + 1e-8) / np.sqrt(c2)}[self.epsilon]
        self.theta = self.theta - ETA * self.m / c1 / root
        return self.theta

    def state(self):
        return self.t, self.m.copy(), self.v.copy()

    def load(self, state):
        self.t, self.m, self.v = state


def changed(base=Adam, **attributes):
    return type("Changed", (base,), attributes)


@pytest.mark.slow("optimisers before the checker")
def test_right_adams_of_each_convention() -> None:
    check_optimizer(Adam, "adam", lr=ETA)
    check_optimizer(changed(epsilon="inside"), "adam", lr=ETA, epsilon="inside")
    check_optimizer(changed(epsilon="uncorrected"), "adam", lr=ETA, epsilon="uncorrected")
    check_optimizer(changed(corrected=False), "adam", lr=ETA, bias_correction=False)


class Momentum:
    """factor: of the learning rate; carried: of u."""

    ahead, factor, forgets = False, 1.0, False

    def __init__(self, theta):
        self.theta, self.u = theta, 0.0

    def __call__(self, g):
        self.u = g if self.forgets else 0.9 * self.u + g
        self.theta = self.theta - self.factor * ETA * (g + 0.9 * self.u if self.ahead else self.u)
        return self.theta


class Rmsprop:
    start, squared = 0.0, True

    def __init__(self, theta):
        self.theta, self.v = theta, self.start

    def __call__(self, g):
        self.v = 0.99 * self.v + 0.01 * g**2
        self.theta = self.theta - ETA * g / ((np.sqrt(self.v) if self.squared else self.v) + 1e-8)
        return self.theta


@pytest.mark.parametrize(("make", "kind", "words"), [
    (changed(epsilon="inside"), "adam", "epsilon='inside'"),
    (changed(epsilon="uncorrected"), "adam", "epsilon='uncorrected'"),
    (changed(corrected=False), "adam", "bias_correction=False"),
    (changed(Momentum, ahead=True), "momentum", "'nesterov'"),
    (changed(Momentum, factor=0.1), "momentum", "lr=0.01"),  # u′ = μ u + (1 − μ) g
    (changed(Momentum, factor=-1.0), "momentum", "ascends"),
    (changed(Rmsprop, start=1.0), "rmsprop", "start=1.0"),
])
def test_a_convention_is_named_with_the_argument_that_makes_it_right(make, kind, words) -> None:
    with pytest.raises(PropertyError, match=words):
        check_optimizer(make, kind, lr=ETA, examples=30)


def test_the_gradient_before_the_first_is_a_convention() -> None:
    def published(theta):
        past = [0.0]

        def step(g):
            theta[:] -= 2 * ETA * g - ETA * past[0]
            past[0] = g
            return theta

        return step

    check_optimizer(published, "optimistic", lr=ETA, past="zero")
    with pytest.raises(PropertyError, match="past='zero'"):
        check_optimizer(published, "optimistic", lr=ETA)


class SharedCount(Adam):
    count = 0

    def __call__(self, g):
        SharedCount.count += 1
        self.t = SharedCount.count - 1
        return super().__call__(g)


class WritesTheGradient(Momentum):
    def __call__(self, g):
        g *= ETA
        self.u = 0.9 * self.u + g
        self.theta = self.theta - self.u
        return self.theta


class NotCheckpointed(Adam):
    def load(self, state):
        self.t = state[0]


class NanWhereDead(Rmsprop):
    def __call__(self, g):
        self.v = 0.99 * self.v + 0.01 * g**2
        with np.errstate(all="ignore"):
            self.theta = self.theta - ETA * g / np.sqrt(self.v)
        return self.theta


@pytest.mark.slow("what keeps a state, wrongly, before the checkers")
@pytest.mark.parametrize(("make", "kind", "property"), [
    (changed(begin=0), "adam", "first step"), (changed(begin=2), "adam", "first step"),
    (changed(beta1=0.999, beta2=0.9), "adam", "trajectory"),
    (changed(Momentum, forgets=True), "momentum", "trajectory"),
    (changed(Rmsprop, squared=False), "rmsprop", "first step"),
    (SharedCount, "adam", "a state of its own"), (WritesTheGradient, "momentum", "the gradient is only read"),
    (NotCheckpointed, "adam", "survives a checkpoint"), (NanWhereDead, "rmsprop", "no gradient, no move"),
], ids=lambda x: x.__name__ if isinstance(x, type) else None)
def test_mistakes(make, kind, property) -> None:
    with pytest.raises(PropertyError) as error:
        check_optimizer(make, kind, lr=ETA, examples=30)
    assert property in [finding.property for finding in error.value.findings], str(error.value)


# Schedules
@pytest.mark.parametrize("name", SCHEDULES)
def test_our_schedules(name: str) -> None:
    check_schedule(lambda t: 0.1 * SCHEDULES[name](t / 50), name, 50, lr=0.1)
    check_schedule([0.1 * SCHEDULES[name](t / 50) for t in range(50)], name, 50, lr=0.1)


def test_schedules_gone_wrong_or_counted_otherwise() -> None:
    for rates, words in [(lambda t: 1 - t / 49, "steps less 1"), (lambda t: 1 - (t + 1) / 50, "first=-1"),
                         (lambda t: (1 - t / 50) ** 2, "expected")]:
        with pytest.raises(PropertyError, match=words):
            check_schedule(rates, "linear", 50)
    with pytest.raises(PropertyError, match="first rate"):
        check_schedule(lambda t: 0.2 - 0.1 * t / 50, "linear", 50, lr=0.1)
    check_schedule(lambda t: 0.99**t, "exponential", 20)
    check_schedule(lambda t: 0.1 + 0.45 * (1 + np.cos(np.pi * t / 50)), "cosine", 50, least=0.1)
