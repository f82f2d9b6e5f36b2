"""Settings: a recipe's own over the defaults, yours over both, and clear refusals."""

from dataclasses import fields

import pytest

from minigan.gans import RECIPES
from minigan.lab.config import NAMES, Config, as_dict, configure, from_dict


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
    ({"learning_rate": 1.0}, ["setting 'learning_rate'"]),
    ({"critc_steps": 1}, ["critc_steps", "did you mean 'critic_steps'"]),
])
def test_bad_settings_are_named(settings: dict, words: list[str]) -> None:
    with pytest.raises(ValueError) as error:
        configure("wgan-gp", **settings)
    assert all(word in str(error.value) for word in words)


def test_a_damaged_file_is_named() -> None:
    values = as_dict(Config())
    del values["steps"]
    with pytest.raises(ValueError, match="missing or unknown: \\['steps'\\]"):
        from_dict(values)
    assert set(NAMES) - set(values) == {"steps"}
