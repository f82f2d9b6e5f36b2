"""Training steps: right ones pass, whatever the optimiser and the order; each mistake is named."""

import numpy as np
import pytest

from minigan.testing import PropertyError, check_training_step
from tests.testing import worlds
from tests.testing.worlds import World

RIGHT = [World, worlds.WassersteinPenalised, worlds.Clipped]


def checked(world, whole=False, **settings):
    step = world.iteration if whole else world.steps()
    return check_training_step(step, world.players(), memory=world.memory(), frozen={"encoder": world.encoder}, **settings)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
@pytest.mark.parametrize("world", RIGHT)
def test_right_steps_of_each_player(world, optimizer) -> None:
    names = checked(world(optimizer))
    assert {"moves", "downhill", "its own only", "nothing is kept", "frozen"} <= set(names)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
@pytest.mark.parametrize("world", [worlds.Alternating, worlds.Simultaneous, worlds.SeveralCriticSteps,
                                   worlds.GeneratorFirst])
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


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
@pytest.mark.parametrize(("world", "property"), WRONG, ids=[world.__name__ for world, _ in WRONG])
def test_wrong_steps(world, property, optimizer) -> None:
    if world is worlds.OneCountForBoth and optimizer != "adam":
        pytest.skip("Adam alone counts")
    with pytest.raises(PropertyError) as error:
        checked(world(optimizer))
    assert property in [finding.property for finding in error.value.findings], str(error.value)
    assert "raised" not in str(error.value)
