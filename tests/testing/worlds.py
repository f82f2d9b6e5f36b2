"""Small games with PyTorch's habits, right ones and wrong ones: what a backward pass finds adds up until it is zeroed.

``World`` is right; each of its children makes one mistake of real code. NumPy arrays; slopes by our ``grad``.
"""

import numpy as np

from minigan.autodiff import Tensor, concat, exp, grad, log, mean, sigmoid, softplus, stop_gradient, tanh
from minigan.gans import gradient_penalty, interpolate
from minigan.testing.steps import Player

ADAM = {"rate": 0.01, "beta1": 0.5, "beta2": 0.9}


def score(net, x):
    return tanh(x @ net["W"] + net["b"]) @ net["v"] + net["c"]


def network(rng, sizes=(2, 6, 1), scale=1.0):
    m, h, n = sizes
    return {"W": scale * rng.normal(size=(m, h)), "b": 0.1 * rng.normal(size=h),
            "v": scale * rng.normal(size=(h, n)), "c": np.zeros(n)}


class World:
    """A critic D and a generator G, their optimiser (``sgd``, ``momentum`` or ``adam``), their ``.grad``."""

    optimizer = "adam"
    clip = 0.0

    def __init__(self, optimizer=None):
        rng = np.random.default_rng(0)
        self.nets = {"critic": network(rng), "generator": network(rng, (2, 6, 2))}
        self.encoder = {"W": rng.normal(size=(2, 2))}
        self.moments = {"critic": {}, "generator": {}}
        self.grads = {}
        self.optimizer = optimizer or self.optimizer
        self.real, self.z, self.eps = rng.normal(size=(8, 2)) + 1, rng.normal(size=(8, 2)), rng.random((8, 1))

    # What each minimises, of dictionaries of tensors
    def fake(self, nets):
        return score(nets["generator"], self.z)

    def critic_loss(self, nets, fake):
        return mean(softplus(-score(nets["critic"], self.real))) + mean(softplus(score(nets["critic"], fake)))

    def generator_loss(self, nets):
        return mean(softplus(-score(nets["critic"], self.fake(nets))))

    # How they step
    def tensors(self):
        return {name: {key: Tensor(x) for key, x in net.items()} for name, net in self.nets.items()}

    def backward(self, loss, nets):
        """Add the gradients of all that the loss reaches, as ``loss.backward()`` does."""
        keys = [(name, key) for name, net in nets.items() for key in net]
        for (name, key), g in zip(keys, grad(loss, [nets[name][key] for name, key in keys]), strict=True):
            self.grads[name, key] = self.grads.get((name, key), 0.0) + g.value

    def zero_grad(self, name):
        self.grads = {key: g for key, g in self.grads.items() if key[0] != name}

    def step(self, name):
        slots = self.moments[name]
        slots["t"] = slots.get("t", 0) + 1
        for key, x in self.nets[name].items():
            if (name, key) in self.grads:
                x -= self.move(slots, key, self.grads[name, key])

    def move(self, slots, key, g):
        if self.optimizer == "adam":
            rate, beta1, beta2 = ADAM.values()
            m = slots["m", key] = beta1 * slots.get(("m", key), 0.0) + (1 - beta1) * g
            v = slots["v", key] = beta2 * slots.get(("v", key), 0.0) + (1 - beta2) * g**2
            return rate * m / (1 - beta1 ** slots["t"]) / (np.sqrt(v / (1 - beta2 ** slots["t"])) + 1e-8)
        if self.optimizer == "rmsprop":
            v = slots["v", key] = 0.99 * slots.get(("v", key), 0.0) + 0.01 * g**2
            return 1e-3 * g / (np.sqrt(v) + 1e-8)
        u = slots["u", key] = {"sgd": 0.0, "momentum": 0.9}[self.optimizer] * slots.get(("u", key), 0.0) + g
        return 0.01 * u

    def detached(self, fake):
        return stop_gradient(fake)

    def critic_step(self):
        nets = self.tensors()
        self.zero_grad("critic")
        self.backward(self.critic_loss(nets, self.detached(self.fake(nets))), nets)
        self.step("critic")
        self.after_critic()

    def after_critic(self):
        for x in self.nets["critic"].values():
            if self.clip:
                np.clip(x, -self.clip, self.clip, out=x)

    def generator_step(self):
        nets = self.tensors()
        self.zero_grad("generator")
        self.backward(self.generator_loss(nets), nets)
        self.step("generator")

    # What the checker is given
    def steps(self):
        return {"critic": self.critic_step, "generator": self.generator_step}

    def players(self):
        def critic_loss():
            nets = self.tensors()
            return self.critic_loss(nets, self.fake(nets))

        return {"critic": Player(self.nets["critic"], critic_loss, judges=True, clip=self.clip),
                "generator": Player(self.nets["generator"], lambda: self.generator_loss(self.tensors()))}

    def memory(self):
        return [self.moments]


class Simultaneous(World):
    def iteration(self):
        nets = self.tensors()
        self.grads = {}
        self.backward(self.critic_loss(nets, self.detached(self.fake(nets))), nets)
        kept, self.grads = self.grads, {}
        self.backward(self.generator_loss(nets), nets)
        self.grads |= {key: g for key, g in kept.items() if key[0] == "critic"}
        for name in self.nets:
            self.step(name)


class Alternating(World):
    critic_steps = 1

    def iteration(self):
        for _ in range(self.critic_steps):
            self.critic_step()
        self.generator_step()


class SeveralCriticSteps(Alternating):
    critic_steps = 5


class GeneratorFirst(World):
    def iteration(self):
        self.generator_step()
        self.critic_step()


class WassersteinPenalised(World):
    def critic_loss(self, nets, fake):
        def critic(x):
            return score(nets["critic"], x)

        x_hat = interpolate(self.real, fake, self.eps)
        return mean(critic(fake)) - mean(critic(self.real)) + 10.0 * gradient_penalty(critic, x_hat)

    def generator_loss(self, nets):
        return -mean(score(nets["critic"], self.fake(nets)))


class Clipped(WassersteinPenalised):
    optimizer = "rmsprop"
    clip = 0.05

    def critic_loss(self, nets, fake):
        return mean(score(nets["critic"], fake)) - mean(score(nets["critic"], self.real))


# Mistakes
class GeneratorNeverMoves(WassersteinPenalised):
    """The fakes are cut off in the generator's step too."""

    def generator_step(self):
        nets = self.tensors()
        self.zero_grad("generator")
        self.backward(-mean(score(nets["critic"], self.detached(self.fake(nets)))), nets)
        self.step("generator")


class GeneratorUnreached(World):
    """Its loss is of a batch that was made once and for all."""

    def generator_loss(self, nets):
        return mean(softplus(-score(nets["critic"], self.z)))


class NeverDifferentiated(World):
    def backward(self, loss, nets):
        if "critic_step" not in self.__dict__.get("now", ""):
            super().backward(loss, nets)

    def critic_step(self):
        self.now = "critic_step"
        super().critic_step()
        self.now = ""


class FakesNeverDifferentiated(World):
    """The half of the loss that is of the fakes is computed, and not differentiated."""

    def critic_step(self):
        nets = self.tensors()
        self.zero_grad("critic")
        self.backward(mean(softplus(-score(nets["critic"], self.real))), nets)
        self.step("critic")


class SoftmaxBeforeLogits(World):
    """A softmax over two classes, then a cross-entropy that takes logits."""

    def cross_entropy(self, logits, k):
        return mean(log(exp(logits[:, 0:1]) + exp(logits[:, 1:2])) - logits[:, k : k + 1])

    def probabilities(self, net, x):
        p = sigmoid(score(net, x))
        return concat([1.0 - p, p], -1)

    def critic_loss(self, nets, fake):
        return (self.cross_entropy(self.probabilities(nets["critic"], self.real), 1)
                + self.cross_entropy(self.probabilities(nets["critic"], fake), 0))


class SigmoidBeforeLogits(World):
    def critic_loss(self, nets, fake):
        return (mean(softplus(-sigmoid(score(nets["critic"], self.real))))
                + mean(softplus(sigmoid(score(nets["critic"], fake)))))


class SigmoidInTheWasserstein(World):
    def critic_loss(self, nets, fake):
        return mean(sigmoid(score(nets["critic"], fake))) - mean(sigmoid(score(nets["critic"], self.real)))


class GeneratorMovesTheCritic(World):
    """One optimiser of both networks' parameters."""

    def generator_step(self):
        super().generator_step()
        self.step("critic")


class NoZeroGrad(World):
    def zero_grad(self, name):
        pass


class NoZeroGradOfTheCritic(World):
    """What the generator's step left in the critic's gradient is in the critic's next step."""

    def zero_grad(self, name):
        if name != "critic":
            super().zero_grad(name)

    def critic_step(self):
        super().critic_step()
        super().zero_grad("critic")


class FakesNotDetached(World):
    """And the generator's gradient is zeroed after its step, not before: the critic's loss is in it."""

    def detached(self, fake):
        return fake

    def zero_grad(self, name):
        if name != "generator":
            super().zero_grad(name)

    def generator_step(self):
        super().generator_step()
        super().zero_grad("generator")


class CriticStepMovesGenerator(World):
    """Not detached, and one optimiser for both."""

    def detached(self, fake):
        return fake

    def critic_step(self):
        self.zero_grad("generator")
        super().critic_step()
        self.step("generator")


class CriticAscends(World):
    def move(self, slots, key, g):
        return super().move(slots, key, -g if slots is self.moments["critic"] else g)


class ClippedBefore(Clipped):
    def critic_step(self):
        super().after_critic()
        super().critic_step()

    def after_critic(self):
        pass


class NeverClipped(Clipped):
    def after_critic(self):
        pass


class EncoderMoves(World):
    """It is in the generator's optimiser."""

    def generator_step(self):
        super().generator_step()
        self.encoder["W"] *= 0.999


class BiasInNoOptimizer(World):
    def step(self, name):
        self.grads.pop(("generator", "b"), None)
        super().step(name)


class AnothersLoss(World):
    """The generator descends on the critic's loss: it helps to tell the fakes from the data."""

    def generator_step(self):
        nets = self.tensors()
        self.zero_grad("generator")
        self.backward(self.critic_loss(nets, self.fake(nets)), nets)
        self.step("generator")


class OneCountForBoth(World):
    """Adam's t, kept where the checker, and a checkpoint, do not see it."""

    count = 0

    def step(self, name):
        self.count += 1
        self.moments[name]["t"] = self.count - 1
        super().step(name)

    def memory(self):
        return [self.moments]


class BatchDrawnAnew(World):
    def fake(self, nets):
        self.z = np.random.default_rng().normal(size=(8, 2))
        return super().fake(nets)
