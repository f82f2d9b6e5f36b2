"""Every player of every recipe: its gradient end to end, that it moves, and the right way; and planted mistakes."""

import pytest
from gans.checks import downhill, steps_are_gradients, the_right_way
from gans.faults import GRADIENTS, WAYS
from gans.tiny import steepest, training

from minigan.gans import RECIPES

every_recipe = pytest.mark.parametrize("name", RECIPES)
# f* of these is flat for scores below −2 and −½: a critic that is sure stops the generator, as it should not yet
SURE = {"fgan-pearson": 10, "fgan-alpha(3)": 5}
ENERGIES = ("ebgan", "ebgan-pt", "ls-gan", "gls-gan")  # whose score is low on the data


@every_recipe
def test_each_step_is_the_gradient_of_what_the_player_minimises(name: str) -> None:
    run = steepest(name)
    steps_are_gradients(run, run.players)


@every_recipe
def test_a_short_step_of_its_own_optimiser_lowers_its_own_loss(name: str) -> None:
    run = training(name, **({"clip": 100.0} if name == "wgan" else {}))
    downhill(run, run.players)


@every_recipe
def test_the_critic_learns_which_is_which_and_the_generator_to_be_taken_for_data(name: str) -> None:
    run = training(name, batch=8, **({"consensus": 0.1} if name == "consensus" else {}))  # 10 keeps a lone critic flat
    the_right_way(run, run.players, name in ENERGIES, SURE.get(name, 60))


@pytest.mark.parametrize(("mistake", "name", "make"), GRADIENTS, ids=[row[0] for row in GRADIENTS])
def test_the_gradient_end_to_end_rejects(mistake: str, name: str, make) -> None:
    run = steepest(name)
    with pytest.raises(AssertionError):
        steps_are_gradients(run, make(run.players))


@pytest.mark.parametrize(("mistake", "name", "make"), WAYS, ids=[row[0] for row in WAYS])
def test_the_way_that_a_player_goes_rejects(mistake: str, name: str, make) -> None:
    run = training(name, batch=8)
    with pytest.raises(AssertionError):
        the_right_way(run, make(run.players))
