"""Every player of every recipe: its gradient end to end, that it moves, and the right way; and planted mistakes."""

import numpy as np
import pytest

from minigan.gans import RECIPES
from tests.gans.checks import agrees, downhill, steps_are_gradients, the_right_way
from tests.gans.faults import CLIPPED, CONTROLS, DOWNHILL, GRADIENTS, WAYS, WITH
from tests.gans.tiny import steepest, training

every_recipe = pytest.mark.parametrize("name", RECIPES)
# f* of these is flat for scores below −2 and −½: a critic that is sure stops the generator, as it should not yet
SURE = {"fgan-pearson": 10, "fgan-alpha(3)": 5}
ENERGIES = ("ebgan", "ebgan-pt", "ls-gan", "gls-gan")  # whose score is low on the data


@every_recipe
def test_each_step_is_the_gradient_of_what_the_player_minimises(name: str) -> None:
    run = steepest(name)
    steps_are_gradients(run, run.players)


@pytest.mark.slow("systems put together: stabilisers with every loss")
@pytest.mark.parametrize(("name", "settings"), [
    ("batch-norm", {"critic_norm": "batch", "penalty_kind": "none"}), ("virtual-batch-norm", {"generators": 2}),
    ("wgan-gp", {"pack": 2}),
    ("wgan-gp", {"instance_noise": 0.5, "critic_norm": "virtual"}), ("dragan", {"pack": 2, "instance_noise": 0.5}),
    ("sn-gan", {"penalty_kind": "r1", "penalty": 1.0}), ("unrolled", {"spectral_norm": 2.0, "history": 0.1}),
    ("unrolled", {"penalty_kind": "r2", "penalty": 1.0, "pack": 2}), ("unrolled", {"minibatch": 3, "unroll": 1}),
    ("consensus", {"penalty_kind": "two-sided", "history": 0.1}), ("consensus", {"spectral_norm": 1.0}),
    ("consensus", {"update": "alternating", "spectral_norm": 1.0}), ("consensus", {"update": "extragradient"}),
    ("ebgan-pt", {"spectral_norm": 1.0, "pack": 2}), ("semi-supervised", {"smoothing": 0.1, "instance_noise": 0.5}),
    ("feature-matching", {"pack": 2, "critic_norm": "layer"}), ("ls-gan", {"pack": 2, "history": 0.1}),
    ("relativistic-average", {"penalty_kind": "r1", "unroll": 2}), ("extragradient", {"spectral_norm": 1.0}),
    ("extragradient", {"penalty_kind": "r1", "penalty": 1.0}), ("extragradient", {"penalty_kind": "two-sided"}),
    ("consensus", {"penalty_kind": "r1", "update": "alternating"}),
    ("fgan-kl", {"model": "gaussian"}), ("hinge", {"generators": 2, "minibatch": 3, "generator_norm": "batch",
                                           "penalty_kind": "none"}),
], ids=str)
def test_and_of_systems_combined(name: str, settings: dict) -> None:
    run = steepest(name, **settings)
    steps_are_gradients(run, run.players)


@every_recipe
def test_a_short_step_of_its_own_optimiser_lowers_its_own_loss(name: str) -> None:
    run = training(name, **({"clip": 100.0} if name == "wgan" else {}))
    downhill(run, run.players)


@every_recipe
def test_the_critic_learns_which_is_which_and_the_generator_to_be_taken_for_data(name: str) -> None:
    run = training(name, batch=8, **({"consensus": 0.1} if name == "consensus" else {}))  # 10 keeps a lone critic flat
    the_right_way(run, run.players, name in ENERGIES, SURE.get(name, 60))


@pytest.mark.slow("mistakes planted in the games' gradients")
@pytest.mark.parametrize(("mistake", "name", "make"), GRADIENTS, ids=[f"{row[0]}, {row[1]}" for row in GRADIENTS])
def test_the_gradient_end_to_end_rejects(mistake: str, name: str, make) -> None:
    run = steepest(name, **WITH.get(mistake, {}))
    with pytest.raises(AssertionError, match="differences"):
        steps_are_gradients(run, make(run.players))


@pytest.mark.parametrize(("name", "make"), CONTROLS)
def test_and_not_what_is_right_but_written_in_another_way(name: str, make) -> None:
    run = steepest(name)
    steps_are_gradients(run, make(run.players))


@pytest.mark.parametrize("sure", [-20.0, 20.0])
@pytest.mark.parametrize("name", ["gan", "gan-minimax", "relativistic", "semi-supervised"])
def test_gradients_where_the_critic_is_sure(name: str, sure: float) -> None:
    run = steepest(name)
    steps_are_gradients(run, run.players, sure)


@pytest.mark.parametrize(("name", "make"), CLIPPED)
@pytest.mark.parametrize("sure", [-20.0, 20.0])
def test_logs_of_clipped_probabilities_are_rejected_there(name: str, make, sure: float) -> None:
    run = steepest(name)
    with pytest.raises(AssertionError, match="differences"):
        steps_are_gradients(run, make(run.players), sure)


@pytest.mark.parametrize(("mistake", "name", "make"), DOWNHILL, ids=[row[0] for row in DOWNHILL])
def test_a_step_that_does_not_lower_its_own_loss_is_noticed(mistake: str, name: str, make) -> None:
    run = training(name, **({"clip": 100.0} if name == "wgan" else {}))
    with pytest.raises(AssertionError, match=r"went uphill|never moves"):
        downhill(run, make(run.players))


@pytest.mark.parametrize("factor", [50.0, 1.0001, -1.0, 0.0])
def test_the_check_itself_is_strict(factor: float) -> None:
    """Of a gradient known by hand: ∇ Σ x⁴ = 4x³."""
    x = np.linspace(-1, 2, 7)
    agrees(4 * x**3, lambda x: (x**4).sum(), x, "right")
    with pytest.raises(AssertionError, match="differences"):
        agrees(factor * 4 * x**3, lambda x: (x**4).sum(), x, "wrong")
    with pytest.raises(AssertionError, match="does not depend"):
        agrees(0 * x, lambda x: 1.0, x, "nothing")


@pytest.mark.parametrize(("mistake", "name", "make"), WAYS, ids=[row[0] for row in WAYS])
def test_the_way_that_a_player_goes_rejects(mistake: str, name: str, make) -> None:
    run = training(name, batch=8)
    with pytest.raises(AssertionError, match=r"scores data|never moves|were scored"):
        the_right_way(run, make(run.players))
