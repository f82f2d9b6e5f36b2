"""Every choice of a training run, typed, with its default and its meaning: one row each.

The command line, the run folder's ``config.toml`` and ``minigan.GAN`` are all made from this table.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Any

from minigan.arrays import DEVICES, DTYPES
from minigan.gans.recipes import RECIPES, recipe
from minigan.names import choose
from minigan.nets import ACTIVATIONS, INITS, OPTIMIZERS, SCHEDULES


def _row(default: Any, about: str, choices: Any = None, least: float | None = None) -> Any:
    return field(default=default, metadata={"about": about, "choices": choices, "least": least})


@dataclass(frozen=True)
class Config:
    """The settings of one run, all concrete. ``configure`` fills in what a recipe prefers.

    Raises ValueError, naming the setting, its value and what was expected.
    """

    recipe: str = _row("wgan-gp", "the system to train (see: minigan list)", RECIPES)
    data: str = _row("ring8", "the data: a name (see: minigan list), or a file .npy or .csv of n points in d columns")
    steps: int = _row(30_000, "generator steps", least=1)
    batch: int = _row(64, "samples a step", least=1)
    seed: int = _row(0, "of all random streams", least=0)
    device: str = _row("cpu", "where to compute", DEVICES)
    dtype: str = _row("float32", "of parameters and samples", DTYPES)
    lr_critic: float = _row(2e-3, "the critic's learning rate", least=0)
    lr_generator: float = _row(2e-3, "the generator's learning rate", least=0)
    schedule: str = _row("linear", "how the learning rates fall over the run", SCHEDULES)
    optimizer: str = _row("adam", "of both players", OPTIMIZERS)
    beta1: float = _row(0.5, "adam's β₁", least=0)
    beta2: float = _row(0.99, "adam's β₂", least=0)
    alpha: float = _row(0.99, "rmsprop's α", least=0)
    mu: float = _row(0.9, "momentum's μ", least=0)
    critic_steps: int = _row(5, "critic steps before each generator step", least=1)
    burst: int = _row(0, "critic steps before the first 25 generator steps and every 500th, if more", least=0)
    penalty: float = _row(0.1, "λ, the weight of the gradient penalty", least=0)
    clip: float = _row(0.1, "c, the bound on the critic's weights where they are clipped", least=0)
    generator: tuple[int, ...] = _row((64, 64), "widths of the generator's hidden layers", least=1)
    critic: tuple[int, ...] = _row((64, 64), "widths of the critic's hidden layers", least=1)
    latent: int = _row(2, "dimension of the noise z ~ N(0, I)", least=1)
    activation: str = _row("relu", "of the hidden layers", ACTIVATIONS)
    init: str = _row("he", "how the weights start", INITS)
    gain: float = _row(1.0, "factor on the initial weights' standard deviation", least=0)
    standardize: bool = _row(True, "centre and scale the data for training; samples come back in data units")
    evaluations: int = _row(100, "how many times to measure during the run", least=1)
    samples: int = _row(2_500, "how many samples to measure modes on, and to write", least=1)

    def __post_init__(self) -> None:
        for setting in fields(self):
            _check(setting, getattr(self, setting.name))


def configure(name: str = "wgan-gp", **settings: Any) -> Config:
    """The configuration of a recipe: its own settings over the defaults, then those given here."""
    unknown = [key for key in settings if key not in NAMES]
    if unknown:
        choose(unknown[0], NAMES, "setting")
    return Config(recipe=name, **(recipe(name).settings | settings))


def as_dict(config: Config) -> dict[str, Any]:
    """Plain values by name, as TOML holds them."""
    return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(config).items()}


def from_dict(values: dict[str, Any]) -> Config:
    """The configuration of such a dictionary; ValueError names a setting that is missing or unknown."""
    wrong = set(values) ^ set(NAMES)
    if wrong:
        raise ValueError(f"a configuration has the settings {', '.join(NAMES)}; missing or unknown: {sorted(wrong)}")
    settings: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    return Config(**settings)


def _check(setting: Field, value: Any) -> None:
    name, about = setting.name, setting.metadata
    kinds: dict[str, Any] = {"int": int, "float": (int, float), "str": str, "bool": bool}
    wanted = kinds.get(str(setting.type), tuple)
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise ValueError(f"{name} must be of type {setting.type}, got {value!r}")
    if about["choices"] is not None:
        choose(value, about["choices"] if isinstance(about["choices"], dict) else dict.fromkeys(about["choices"]), name)
    numbers = value if isinstance(value, tuple) else (value,)
    if about["least"] is not None and not all(about["least"] <= v < float("inf") for v in numbers):
        raise ValueError(f"{name} must be at least {about['least']}, got {value!r}")


NAMES: dict[str, Field] = {setting.name: setting for setting in fields(Config)}
assert all(setting.default is not MISSING for setting in NAMES.values())
