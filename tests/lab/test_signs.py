"""Each fault shows its own sign, once, and a good run shows none."""

import numpy as np
import pytest

from minigan.gans.recipes import RECIPES
from minigan.lab.config import configure
from minigan.lab.data import data_from
from minigan.lab.history import COLUMNS, extent
from minigan.lab.signs import SIGNS, warnings
from minigan.lab.train import Training

GOOD = {"critic_loss": 1.0, "generator_loss": 1.0, "estimate": 0.1, "slope": 3.0, "w1": 0.1, "w1_floor": 0.1,
        "modes_found": 8, "modes_solid": 8, "high_quality": 0.95, "reverse_kl": 0.01, "spread": 1.0, "reach": 1.0,
        "critic_norm": 0.3, "generator_norm": 0.3}


def history(rows=100, since=40, until=100, **changed):
    """A good run, but for some columns from one measurement on until another: numbers, or functions of how long."""
    table = [GOOD | {"step": 100.0 * (k + 1)} for k in range(rows)]
    for k in range(since, until):
        table[k] |= {name: value(k - since + 1) if callable(value) else value for name, value in changed.items()}
    return [[row[name] for name in COLUMNS] for row in table]


def names(rows, recipe="gan", modes=8, **settings):
    return [warned.name for warned in warnings(rows, configure(recipe, **settings), modes)]


FAULTS = {
    "collapsed generator": {"spread": 0.02}, "dropped modes": {"modes_solid": 4, "high_quality": 0.9},
    "saturated discriminator": {"estimate": 0.69}, "flat critic": {"slope": 0.0},
    "growing norm": {"critic_norm": lambda k: 3.0 * 1.05**k}, "runaway generator": {"reach": 15.0},
    "NaN to come": {"generator_loss": 1e8},
}


def test_every_sign_has_its_fault_and_shows_for_no_other():
    assert {*FAULTS} == {sign.name for sign in SIGNS}
    assert names(history()) == []
    for name, fault in FAULTS.items():
        assert names(history(**fault)) == [name]
        (warned,) = warnings(history(**fault), configure("gan"), 8)
        assert (warned.step, warned.until) == (4100, None) and str(warned).startswith(f"{name} (from step 4,100 on): ")
        assert "To try (" in warned.advice and "nan" not in str(warned)
        (warned,) = warnings(history(until=70, **fault), configure("gan"), 8)
        assert (warned.until, warned.when) == (7000, "steps 4,100 to 7,000")


def test_what_does_not_last_is_no_sign():
    for name, fault in FAULTS.items():
        assert names(history(until=42, **fault)) == (["NaN to come"] if name == "NaN to come" else [])
    assert names(history(rows=4, since=2, until=4, spread=0.0), evaluations=4) == ["collapsed generator"]
    assert names([]) == []


def test_a_critic_saturates_only_where_its_estimate_has_an_end():
    wasserstein, kl = (names(history(estimate=1e3), recipe) for recipe in ("wgan-gp", "fgan-kl"))
    assert wasserstein == kl == []
    assert names(history(estimate=0.95), "fgan-total-variation") == ["saturated discriminator"]


def test_slopes_of_logits_are_counted_in_the_datas_spread():
    rows = history(slope=1e200, since=0)  # of data of 1e-200, per data unit: 1 for each of their standard deviations
    assert [w.name for w in warnings(rows, configure("gan"), 8, length=1e-200)] == []


def test_unmeasured_rows_are_no_sign():
    for recipe in ("gan", "imle"):
        assert names(history(since=0, **dict.fromkeys(GOOD, np.nan)), recipe) == []


def test_spread_and_reach():
    data, rng = data_from("ring8"), np.random.default_rng(0)
    real = data.sample(rng, 4000)
    assert extent(data, data.sample(rng, 4000), real) == pytest.approx({"spread": 1, "reach": 1}, rel=0.02)
    assert extent(data, np.full((9, 2), 3.0), real)["spread"] == 0
    around = 3 * real  # three times as wide, about the same mean
    assert extent(data, around, real) == pytest.approx({"spread": 3, "reach": 3}, rel=0.02)
    moved = extent(data, real + [8.0, 0.0], real)  # the ring's radius is √2
    assert moved == pytest.approx({"spread": 1, "reach": np.sqrt(1 + 64 / 2)}, rel=0.02)
    assert extent(data, real, real[:1]) == {}


# Planted in the training itself

def run(recipe, plant, steps=60, source="ring8", **settings):
    training = Training(configure(recipe, steps=steps, evaluations=20, samples=300, **settings), data_from(source))
    for _ in training.run():
        plant(training)
    return [warned.name for warned in training.warnings]


def stuck(training):
    training.state["theta"][:-2] = 0.0  # all but the last bias


def growing(training):
    training.state["w"][...] *= 1.08


def apart(training):
    training.state["theta"][:-2] *= 0.0
    training.state["theta"][-2:] = [30.0, 0.0]


def nothing(training):
    pass


@pytest.mark.parametrize("recipe, plant, settings, sign", [
    ("wgan-gp", stuck, {"lr_generator": 0.0}, "collapsed generator"),
    ("gan", growing, {}, "growing norm"),
    ("gan-minimax", apart, {"lr_generator": 0.0, "steps": 150}, "saturated discriminator"),
    ("wgan-gp", apart, {"lr_generator": 0.0}, "runaway generator"),
])
def test_planted_faults_are_found(recipe, plant, settings, sign):
    assert sign in run(recipe, plant, **settings)


def test_learning_rates_a_hundred_times_too_large_are_found():
    for recipe in ("gan", "wgan-gp"):
        rates = {"lr_critic": 100 * configure(recipe).lr_critic, "lr_generator": 100 * configure(recipe).lr_generator}
        assert run(recipe, nothing, steps=400, **rates), recipe


@pytest.mark.slow("signs over whole runs")
@pytest.mark.parametrize("recipe", ["gan", "wgan-gp", "r1", "fgan-kl", "hinge"])
def test_no_sign_shows_in_good_runs(recipe):
    assert recipe in RECIPES
    training = Training(configure(recipe, steps=3000), data_from("ring8"), seeds=range(3))
    for _ in training.run():
        pass
    for rows in training.histories:
        assert names(rows, recipe) == []
