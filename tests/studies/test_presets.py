"""Named configurations: equal to what was published, valid, and over one another in the stated order."""

from dataclasses import replace

import pytest

from minigan.gans import RECIPES
from minigan.lab.config import Config, configure
from minigan.lab.toys import TOYS
from minigan.studies.presets import PRESETS, PUBLISHED, Preset, preset, published

# As the papers and their public code have them, by method. Adam's β₂ is the default of their libraries.
PAPER = {
    ("gan-toy", "wgan-gp"): {
        "generator": (512, 512, 512), "critic": (512, 512, 512), "activation": "relu", "init": "he", "latent": 2,
        "batch": 256, "critic_steps": 5, "penalty_kind": "two-sided", "penalty": 0.1, "clip": 0, "optimizer": "adam",
        "lr_critic": 1e-4, "lr_generator": 1e-4, "beta1": 0.5, "beta2": 0.9, "steps": 100_000,
    },
    ("gan-toy", "wgan"): {
        "generator": (512, 512, 512), "critic": (512, 512, 512), "batch": 256, "critic_steps": 5, "burst": 0,
        "penalty_kind": "none", "clip": 0.01, "optimizer": "rmsprop", "alpha": 0.9, "lr_critic": 5e-5,
        "lr_generator": 5e-5,
    },
    ("wgan-paper", "wgan"): {
        "optimizer": "rmsprop", "lr_critic": 5e-5, "lr_generator": 5e-5, "clip": 0.01, "batch": 64,
        "critic_steps": 5, "burst": 100,
    },
    ("unrolled-notebook", "unrolled"): {
        "recipe": "unrolled", "latent": 256, "generator": (128, 128), "critic": (128, 128), "activation": "tanh",
        "init": "orthogonal", "gain": 1.4, "batch": 512, "optimizer": "adam", "lr_critic": 1e-4, "lr_generator": 1e-3,
        "beta1": 0.5, "beta2": 0.999, "steps": 25_000, "critic_steps": 1, "unroll": 5, "unroll_optimizer": "same",
    },
    ("unrolled-notebook", "gan-minimax"): {"recipe": "gan-minimax", "unroll": 0, "latent": 256, "batch": 512},
    ("pacgan-synthetic", "gan"): {
        "latent": 2, "generator": (400,) * 4, "generator_norm": "batch", "activation": "relu", "critic": (200,) * 3,
        "critic_activation": "maxout", "critic_norm": "none", "init": "normal", "gain": 0.02, "optimizer": "adam",
        "lr_critic": 1e-4, "lr_generator": 1e-4, "beta1": 0.8, "beta2": 0.999, "batch": 100, "pack": 1,
        "steps": 400 * 100_000 // 100, "critic_steps": 1, "update": "simultaneous",
    },
    ("pacgan-synthetic", "packing-2"): {"recipe": "packing", "pack": 2, "batch": 100},
    ("pacgan-synthetic", "packing-3"): {"recipe": "packing", "pack": 3, "batch": 100},
    ("pacgan-synthetic", "packing-4"): {"recipe": "packing", "pack": 4, "batch": 100},
}
STANDING = ["gan-toy", "unrolled-notebook", "pacgan-synthetic", "wgan-paper"]  # those that a publication stands behind


@pytest.mark.parametrize(("name", "method"), PAPER)
def test_published_presets_are_the_published_settings(name: str, method: str) -> None:
    config = PRESETS[name].configure(method)
    assert {key: getattr(config, key) for key in PAPER[name, method]} == PAPER[name, method]
    assert config.standardize == "none" and config.schedule == "constant"  # raw coordinates, constant rates


@pytest.mark.parametrize("name", [*STANDING, "collapse"])
def test_no_setting_of_a_published_preset_is_left_to_a_recipes_tuning(name: str) -> None:
    """What a recipe is (its kind of penalty, its unrolling) is its own; numbers it was tuned with are stated here."""
    row = PRESETS[name]
    for method in {*row.recipes, *row.methods}:
        own = {"recipe": method, **row.methods.get(method, {})}
        left = set(RECIPES[own["recipe"]].settings) - set(row.settings) - set(own)
        assert left <= {"penalty_kind", "unroll"}, method


@pytest.mark.parametrize("name", STANDING)
def test_published_presets_train_on_the_published_data(name: str) -> None:
    ours = {"gan-toy": "ring8", "wgan-paper": "ring8"}.get(name, "ring8-unit")
    assert PRESETS[name].settings["data"] == ours and PRESETS[name].source
    assert not PRESETS[name].reduced


@pytest.mark.parametrize("name", PRESETS)
def test_every_method_of_every_preset_is_a_configuration(name: str) -> None:
    row = PRESETS[name]
    assert row.recipes and set(row.recipes) <= set(row.known) and preset(name) is row
    assert set(row.quick) and row.quick_seeds < row.seeds
    for method in {*row.recipes, *row.methods}:
        full, quick = row.configure(method), row.configure(method, quick=True)
        assert quick == replace(full, **row.quick)
        assert full.recipe == row.methods.get(method, {}).get("recipe", method)
        assert full.data == row.settings.get("data", Config.data)


def test_in_the_comparison_of_collapse_only_the_methods_optimisers_differ() -> None:
    """The same networks, data, batch and generator steps."""
    configs = [PRESETS["collapse"].configure(name) for name in PRESETS["collapse"].recipes]
    for key in ("data", "generator", "critic", "activation", "init", "gain", "latent", "batch", "steps", "standardize",
                "generator_norm", "critic_norm", "dtype"):
        assert len({getattr(config, key) for config in configs}) == 1, key
    assert PRESETS["collapse"].recipes == ("gan", "unrolled", "packing", "wgan-gp", "sn-gan", "r1")
    assert PRESETS["collapse"].seeds == 10 and PRESETS["collapse"].reduced


def test_the_later_one_wins() -> None:
    """defaults < recipe < preset < preset's method < quick < user."""
    row = Preset("x", "", "", {"critic_steps": 2, "beta1": 0.1, "beta2": 0.2, "batch": 8, "steps": 7},
                 {"r1": {"beta2": 0.3, "batch": 9, "steps": 8}}, quick={"batch": 10, "steps": 9})
    assert Config().penalty_kind == "none" and Config().latent == 0
    full, quick = row.configure("r1"), row.configure("r1", True, steps=11)
    assert full.latent == Config().latent  # the default
    assert full.penalty_kind == RECIPES["r1"].settings["penalty_kind"] != Config().penalty_kind  # the recipe's
    assert full.critic_steps == 2 != RECIPES["r1"].settings["critic_steps"]  # the preset's
    assert (full.beta1, full.beta2, full.batch) == (0.1, 0.3, 9)  # and of the method
    assert (quick.batch, quick.steps) == (10, 11)  # and the user's
    assert row.configure("gan").beta2 == 0.2


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="preset 'colapse'; did you mean 'collapse'"):
        preset("colapse")
    with pytest.raises(ValueError, match=r"recipe 'packing-5'; did you mean 'packing-[234]'"):
        PRESETS["pacgan-synthetic"].configure("packing-5")
    with pytest.raises(ValueError, match="recipe 'packing-2'"):
        PRESETS["collapse"].configure("packing-2")
    assert PRESETS["own"].configure("gan") == configure("gan")


def test_the_published_tables() -> None:
    """Srivastava et al. (2017), table 1, and Lin et al. (2018), table 1: modes / % high quality / reverse KL."""
    veegan, pacgan = PUBLISHED["VEEGAN"], PUBLISHED["PacGAN"]
    assert (veegan.runs, pacgan.runs) == (5, 10)
    assert {data: {name: tuple(row[:3]) for name, row in rows.items()} for data, rows in veegan.rows.items()} == {
        "ring8-unit": {"gan": (1, 0.993, None), "ali": (2.8, 0.0013, None), "unrolled": (7.6, 0.356, None),
                       "veegan": (8, 0.529, None)},
        "grid25-wide": {"gan": (3.3, 0.005, None), "ali": (15.8, 0.016, None), "unrolled": (23.6, 0.16, None),
                        "veegan": (24.6, 0.4, None)},
    }
    assert {data: {name: tuple(row[:3]) for name, row in rows.items()} for data, rows in pacgan.rows.items()} == {
        "ring8-unit": {"gan": (6.3, 0.982, 0.45), "ali": (6.6, 0.976, 0.36), "packing-2": (7.9, 0.956, 0.07),
                       "packing-3": (7.8, 0.977, 0.10), "packing-4": (7.8, 0.959, 0.07)},
        "grid25-wide": {"gan": (17.3, 0.948, 0.70), "ali": (24.1, 0.957, 0.14), "packing-2": (23.8, 0.913, 0.13),
                        "packing-3": (24.6, 0.942, 0.06), "packing-4": (24.8, 0.936, 0.04)},
    }
    assert [pacgan.rows[data]["gan"].error for data in pacgan.rows] == [(0.5, 0.09), (0.8, 0.07)]
    assert all(data in TOYS for table in PUBLISHED.values() for data in table.rows)


def test_published_numbers_belong_to_a_configuration() -> None:
    assert set(published("pacgan-synthetic", "grid25-wide")) == {"VEEGAN", "PacGAN"}
    assert published("pacgan-synthetic", "ring8") == {}  # another radius
    assert published("collapse", "ring8-unit") == {} == published("own", "ring8-unit")
