"""Training steps: right ones pass, whatever the optimiser and the order; each mistake is named."""

from functools import partial

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
