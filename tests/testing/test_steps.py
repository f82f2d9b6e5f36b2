"""Training steps: right ones pass, whatever the optimiser and the order; each mistake is named."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from minigan.gans import RECIPES
from minigan.testing import Part, Player, PropertyError, check_training_step
from tests.gans import reference
from tests.gans.tiny import movers, point, tensors, training
from tests.selection import slow_but
from tests.testing import worlds
from tests.testing.worlds import World

every_optimizer = pytest.mark.parametrize("optimizer", slow_but(
    ["adam"], ["sgd", "momentum", "rmsprop", "adam"], "training steps before the checker, with every optimiser"))
RIGHT = [World, worlds.WassersteinPenalised, worlds.Clipped]


def checked(world, whole=False, **settings):
    step = world.iteration if whole else world.steps()
    return check_training_step(step, world.players(), memory=world.memory(), frozen={"encoder": world.encoder},
                               **settings)


@every_optimizer
@pytest.mark.parametrize("world", RIGHT)
def test_right_steps_of_each_player(world, optimizer) -> None:
    names = checked(world(optimizer))
    assert {"moves", "downhill", "its own only", "nothing is kept", "frozen"} <= set(names)


@every_optimizer
@pytest.mark.parametrize("world", slow_but([worlds.SeveralCriticSteps], [
    worlds.Alternating, worlds.Simultaneous, worlds.SeveralCriticSteps, worlds.GeneratorFirst], "orders of the steps"))
def test_right_iterations_of_both(world, optimizer) -> None:
    assert "its own only" not in checked(world(optimizer), whole=True)


WRONG = [
    (worlds.GeneratorNeverMoves, "moves"), (worlds.GeneratorUnreached, "reached"),
    (worlds.NeverDifferentiated, "moves"), (worlds.FakesNeverDifferentiated, "downhill"),
    (worlds.SoftmaxBeforeLogits, "punished where sure and wrong"),
    (worlds.SigmoidBeforeLogits, "punished where sure and wrong"),
    (worlds.SigmoidInTheWasserstein, "punished where sure and wrong"),
    (worlds.GeneratorMovesTheCritic, "its own only"), (worlds.NoZeroGrad, "nothing is kept"),
    (worlds.NoZeroGradOfTheCritic, "nothing is kept"), (worlds.FakesNotDetached, "nothing is kept"),
    (worlds.CriticStepMovesGenerator, "its own only"), (worlds.CriticAscends, "downhill"),
    (worlds.ClippedBefore, "clipped"), (worlds.NeverClipped, "clipped"), (worlds.EncoderMoves, "frozen"),
    (worlds.BiasInNoOptimizer, "moves"), (worlds.AnothersLoss, "downhill"),
    (worlds.OneCountForBoth, "nothing is kept"), (worlds.BatchDrawnAnew, "the same loss twice"),
]
QUICK = [worlds.GeneratorNeverMoves, worlds.NeverDifferentiated, worlds.SoftmaxBeforeLogits, worlds.NoZeroGrad]


@every_optimizer
@pytest.mark.parametrize(("world", "property"), slow_but(QUICK, WRONG, "mistakes of training steps"),
                         ids=[world.__name__ for world, _ in WRONG])
def test_wrong_steps(world, property, optimizer) -> None:
    if world is worlds.OneCountForBoth and optimizer != "adam":
        pytest.skip("Adam alone counts")
    with pytest.raises(PropertyError) as error:
        checked(world(optimizer))
    assert property in [finding.property for finding in error.value.findings], str(error.value)
    assert "raised" not in str(error.value)


class ClippedInSilence(worlds.Clipped):
    """As it should be, but for the Player, who is not told of it."""

    def players(self):
        return {name: replace(player, clip=0.0) for name, player in super().players().items()}


def test_clipping_that_is_not_declared_is_told() -> None:
    with pytest.raises(PropertyError, match=r"lie at ±0\.05, none beyond: if weights are clipped, say clip=0\.05"):
        checked(ClippedInSilence())


# This package's own steps
def ours(name, **settings):
    """(what the checker is given) of a recipe's step as it is really assembled; the losses are the tests' own."""
    run = training(name, **settings)
    state, inputs = point(run, eta=1e-3)
    players = run.players
    apart = players.update == "alternating"

    def step(which):
        def walk():
            new, _ = getattr(players, which)(tensors(state), tensors(inputs))
            state.update({key: x.value for key, x in new.items()})

        return walk

    def loss(player):  # u and v of spectral norm advance at the beginning of a critic step, or of one of both
        advances = player == "w" or not apart
        ahead = {key: x.value for key, x in players.power_step(tensors(state)).items()} if advances else {}
        return reference.value(run.config, player, state | ahead, inputs)

    parts = {"critic": "w", "generator": "theta"} if "w" in movers(run) else {"generator": "theta"}
    average = Part(state, "theta.ema") if "theta.ema" in state else None
    rows = {who: Player(Part(state, part), partial(loss, part), judges=who == "critic" and name in JUDGED,
                        clip=run.config.clip if who == "critic" else 0.0,
                        average=average if who == "generator" else None) for who, part in parts.items()}
    steps = {who: step(f"{who}_step") for who in parts} if apart else step("joint_step")
    return {"step": steps, "players": rows, "memory": [state]}


JUDGED = ("gan", "wgan", "wgan-gp", "lsgan", "hinge", "sn-gan", "layer-norm", "unrolled", "consensus", "ema")


@pytest.mark.parametrize("name", slow_but(["wgan"], RECIPES,
                                          "the steps of each recipe before the checker"))
def test_our_recipes(name: str) -> None:
    names = check_training_step(**ours(name))
    assert {"moves", "downhill", "nothing is kept"} <= set(names)
    assert ("average" in names) == (name == "ema") and ("clipped" in names) == (name == "wgan")


# What it is given, and what is left when it has gone
class Network:
    """Two layers and their gradient by hand; its arrays are replaced, not written into."""

    def __init__(self, rng, m, n):
        self.W, self.V = rng.normal(size=(m, 5)), rng.normal(size=(5, n))

    def __call__(self, x):
        self.x, self.h = x, np.tanh(x @ self.W)
        return self.h @ self.V

    def backward(self, g):
        back = (g @ self.V.T) * (1 - self.h**2)
        return {"V": self.h.T @ g, "W": self.x.T @ back}, back @ self.W.T


class Game:
    """A GAN in one object, as people write it: its own generator of noise, momentum, a list of losses, itself."""

    def __init__(self):
        self.rng = np.random.default_rng(0)
        self.D, self.G = Network(self.rng, 2, 1), Network(self.rng, 3, 2)
        self.real = self.rng.normal(size=(8, 2)) + 1
        self.velocity, self.losses, self.me = {}, [], self

    def fake(self):
        return self.G(self.rng.normal(size=(8, 3)))

    def critic_loss(self):
        return self.D(self.fake()).mean() - self.D(self.real).mean()

    def generator_loss(self):
        return -self.D(self.fake()).mean()

    def critic_step(self):
        slopes = []
        for x, sign in ((self.fake(), 1), (self.real, -1)):
            self.D(x)
            slopes.append(self.D.backward(np.full((8, 1), sign / 8))[0])
        self.move("D", {key: slopes[0][key] + slopes[1][key] for key in slopes[0]})

    def generator_step(self):
        self.D(self.fake())
        self.move("G", self.G.backward(self.D.backward(np.full((8, 1), -1 / 8))[1])[0])

    def move(self, name, gradient):
        net = getattr(self, name)
        for key, g in gradient.items():
            self.velocity[name, key] = 0.9 * self.velocity.get((name, key), 0.0) + g
            setattr(net, key, getattr(net, key) - 0.01 * self.velocity[name, key])
        self.losses.append(float(len(self.losses)))

    def checked(self, **changes):
        settings = {"step": {"critic": self.critic_step, "generator": self.generator_step},
                    "players": {"critic": Player(Part(self.D, "?"), self.critic_loss, judges=True),
                                "generator": Player(Part(self.G, "?"), self.generator_loss)}, "memory": [self]}
        return check_training_step(**settings | changes)


def test_a_game_in_an_object_is_left_as_it_was() -> None:
    game = Game()
    W, place = game.D.W, game.rng.bit_generator.state
    before = W.copy()
    assert len(game.checked()) == 8
    assert game.D.W is W and np.array_equal(W, before)
    assert game.rng.bit_generator.state == place and not game.losses and not game.velocity


def test_a_loss_that_is_never_the_same_is_all_that_is_told() -> None:
    with pytest.raises(PropertyError, match="reseed=") as error:
        Game().checked(memory=[])
    assert [finding.property for finding in error.value.findings] == ["the same loss twice"]


@pytest.mark.parametrize(("change", "words"), [
    ({"step": {"d": print}}, "steps of d, and players critic, generator"), ({"step": 3}, "callable"),
    ({"step": print, "players": {}}, "callable"),
    ({"players": {"critic": Player({}, print)}, "step": print}, "no array"),
    ({"skip": ["down hill"]}, "did you mean 'downhill'"),
])
def test_a_wrong_question_is_a_value_error(change, words) -> None:
    with pytest.raises(ValueError, match=words):
        Game().checked(**change)


def test_a_step_that_raises_is_a_finding() -> None:
    def broken():
        raise RuntimeError("out of patience")

    with pytest.raises(PropertyError, match="it raised RuntimeError: out of patience"):
        Game().checked(step={"critic": broken, "generator": broken})


def test_terms_of_a_loss_are_looked_at_one_by_one() -> None:
    """A loss on raw scores beside one that is squashed first: their sum has no bound."""
    game = Game()

    def terms():
        return {"adversarial": game.critic_loss(), "class": np.log1p(np.exp(-np.tanh(game.D(game.real)))).mean()}

    with pytest.raises(PropertyError, match="term 1 of the loss of critic stays between"):
        check_training_step(game.critic_step, {"critic": Player(Part(game.D, "?"), terms, judges=True)}, memory=[game])
