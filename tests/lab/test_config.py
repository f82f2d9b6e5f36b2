"""Settings: a recipe's own over the defaults, yours over both, and clear refusals."""

from dataclasses import fields

import numpy as np
import pytest

from minigan.gans import LOSSES, RECIPES
from minigan.lab.config import ERRANDS, NAMES, Config, as_dict, configure, from_dict


def test_a_recipes_settings_come_over_the_defaults_and_yours_over_both() -> None:
    assert configure("wgan-gp").critic_steps == Config().critic_steps == 5
    assert configure("gan").critic_steps == RECIPES["gan"].settings["critic_steps"] == 1
    assert configure("gan", critic_steps=3).critic_steps == 3


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_configures_and_survives_toml(name: str) -> None:
    config = configure(name, {"generator": (8, 9)})
    assert from_dict(as_dict(config)) == config


def test_every_setting_says_what_it_is() -> None:
    assert all(setting.metadata["about"] for setting in fields(Config))


@pytest.mark.parametrize(("settings", "words"), [
    ({"steps": 0}, ["steps", "at least 1", "0"]),
    ({"steps": 1.5}, ["steps", "int", "1.5"]),
    ({"lr_critic": -1.0}, ["lr_critic", "-1.0"]),
    ({"lr_critic": float("nan")}, ["lr_critic", "nan"]),
    ({"lr_critic": float("inf")}, ["lr_critic", "inf"]),
    ({"batch": True}, ["batch", "int", "True"]),
    ({"dtype": "float16"}, ["dtype", "float16", "float32"]),
    ({"device": "tpu"}, ["device", "tpu", "cpu"]),
    ({"activation": "rulu"}, ["activation", "did you mean 'relu'"]),
    ({"optimizer": "adamm"}, ["optimizer", "did you mean 'adam'"]),
    ({"generator": (64, 0)}, ["generator", "(64, 0)"]),
    ({"generator": 64}, ["generator", "64"]),
    ({"beta1": 1.0}, ["beta1", "below 1"]),
    ({"beta2": 2}, ["beta2", "below 1"]),
    ({"alpha": 1.0, "optimizer": "rmsprop"}, ["alpha", "below 1"]),
    ({"mu": 1.5, "optimizer": "momentum"}, ["mu", "below 1"]),
    ({"clip": 1e-300}, ["clip", "1e-300", "0 or at least 1e-06"]),
    ({"penalty": 1e-40}, ["penalty", "0 or at least"]),
    ({"gain": 0.0}, ["gain", "at least 1e-06"]),
    ({"lr_generator": 1e39}, ["lr_generator", "below 1e+31"]),
    ({"unroll": 1e9}, ["unroll", "below 101"]),
    ({"batch": 10**12}, ["batch", "below 1e+09"]),
    ({"seed": 2**70}, ["seed", "below"]),
    ({"seed": 10**400}, ["seed"]),
    ({"penalty": 10**400}, ["penalty"]),
    ({"steps": float("nan")}, ["steps", "nan"]),
    ({"constants": (2,)}, ["constants", "(2,)"]),
    ({"generator": (8, True)}, ["generator", "True"]),
    ({"device_rng": 1}, ["device_rng", "bool"]),
    ({"recipe_": "gan"}, ["did you mean 'recipe'"]),
    ({"learning_rate": 1.0}, ["setting 'learning_rate'"]),
    ({"critc_steps": 1}, ["critc_steps", "did you mean 'critic_steps'"]),
])
def test_bad_settings_are_named(settings: dict, words: list[str]) -> None:
    with pytest.raises(ValueError) as error:
        configure("wgan-gp", **settings)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(("name", "given", "held"), [
    ("steps", 1e4, 10_000), ("steps", np.int64(7), 7), ("steps", np.float32(7), 7), ("batch", np.array(8), 8),
    ("penalty", np.float64(0.5), 0.5), ("penalty", np.float32(0.5), 0.5), ("penalty", 1, 1.0),
    ("generator", np.array([3, 4]), (3, 4)), ("generator", [3, 4.0], (3, 4)), ("device_rng", np.True_, True),
    ("activation", np.str_("tanh"), "tanh"),
], ids=str)
def test_numpys_scalars_are_numbers_and_whole_floats_are_whole(name, given, held) -> None:
    value = getattr(configure("wgan-gp", **{name: given}), name)
    assert value == held and type(value) is type(held)
    assert all(type(v) is int for v in value) if isinstance(value, tuple) else True


def test_numpys_scalars_are_constants_of_a_loss() -> None:
    loss = LOSSES["ebgan"].with_constants(margin=np.float32(2))
    assert loss.constants["margin"] == 2.0 and type(loss.constants["margin"]) is float


def test_every_setting_has_its_place_in_the_help() -> None:
    placed = [name for names in ERRANDS.values() for name in names]
    assert sorted(placed) == sorted(NAMES)


def test_a_damaged_file_is_named() -> None:
    values = as_dict(Config())
    del values["steps"]
    with pytest.raises(ValueError, match="missing or unknown: \\['steps'\\]"):
        from_dict(values)
    assert set(NAMES) - set(values) == {"steps"}
