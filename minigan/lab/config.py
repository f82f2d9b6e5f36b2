"""Every choice of a training run, typed, with its default and its meaning: one row each.

The command line, the run folder's ``config.toml`` and ``minigan.GAN`` are all made from this table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from numbers import Integral, Real
from typing import Any

import numpy as np

from minigan.arrays import DEVICES, DTYPES
from minigan.gans.conflicts import refuse, unread
from minigan.gans.lipschitz import PENALTIES
from minigan.gans.losses import Loss
from minigan.gans.players import STEP_ORDERS
from minigan.gans.recipes import RECIPES, recipe
from minigan.lab.read import HEADERS
from minigan.lab.scaling import SCALINGS
from minigan.nets import ACTIVATIONS, INITS, NORMS, OPTIMIZERS, SCHEDULES
from minigan.registry import choose

MODELS = ("mlp", "gaussian")


LARGE, SMALL = 1e31, 1e-12  # of floats: beyond them, squares are no numbers of float32, or change nothing


def _row(default: Any, about: str, choices: Any = None, least: float | None = None, below: float | None = None,
         grain: float = SMALL) -> Any:
    """least ≤ value < below; a float is 0 or ``grain`` at least, unless its least is more."""
    ranges = {"least": least, "below": below or (LARGE if isinstance(default, float) else 10**9), "grain": grain}
    return field(default=default, metadata={"about": about, "choices": choices, **ranges})


@dataclass(frozen=True)
class Config:
    """The settings of one run, all concrete. ``configure`` fills in what a recipe prefers.

    Raises ValueError, naming the setting, its value and what was expected.
    """

    recipe: str = _row("wgan-gp", "the system to train (see: minigan list)", RECIPES)
    data: str = _row("ring8", "the data: a name (see: minigan list), or a file .npy or .csv of n points in d columns")
    steps: int = _row(30_000, "generator steps", least=1)
    batch: int = _row(64, "samples a step", least=1)
    seed: int = _row(0, "of all random streams", least=0, below=2**63)
    device: str = _row("cpu", "where to compute", DEVICES)
    device_rng: bool = _row(False, "draw the noise (z, ε, δ) on the device: quicker there, and other numbers than the "
                            "host's, which are the same on every device")
    dtype: str = _row("float32", "of parameters and samples", DTYPES)
    lr_critic: float = _row(2e-3, "the critic's learning rate", least=0)
    lr_generator: float = _row(2e-3, "the generator's learning rate", least=0)
    schedule: str = _row("linear", "how the learning rates fall over the run", SCHEDULES)
    optimizer: str = _row("adam", "of both players", OPTIMIZERS)
    beta1: float = _row(0.5, "adam's β₁", least=0, below=1)
    beta2: float = _row(0.99, "adam's β₂", least=0, below=1)
    alpha: float = _row(0.99, "rmsprop's α", least=0, below=1)
    mu: float = _row(0.9, "momentum's and nesterov's μ", least=0, below=1)
    critic_steps: int = _row(5, "critic steps before each generator step", least=0, below=10_001)
    burst: int = _row(0, "critic steps before the first 25 generator steps and every 500th, if more",
                      least=0, below=10_001)
    update: str = _row("alternating", "how the two players step", STEP_ORDERS)
    # the players
    generator: tuple[int, ...] = _row((64, 64), "widths of the generator's hidden layers", least=1)
    critic: tuple[int, ...] = _row((64, 64), "widths of the critic's hidden layers", least=1)
    latent: int = _row(0, "dimension of the noise z ~ N(0, I); 0: the data's, at least 2", least=0)
    activation: str = _row("relu", "of the hidden layers", ACTIVATIONS)
    critic_activation: str = _row("same", "of the critic's hidden layers, if another", ("same", *ACTIVATIONS))
    init: str = _row("he", "how the weights start", INITS)
    gain: float = _row(1.0, "factor on the initial weights' standard deviation", least=1e-6)
    generator_norm: str = _row("none", "normalisation in the generator", NORMS)
    critic_norm: str = _row("none", "normalisation in the critic", NORMS)
    minibatch: int = _row(0, "kernels of minibatch discrimination in the critic", least=0)
    generators: int = _row(1, "how many generators make equal shares of a batch", least=1)
    model: str = _row("mlp", "the generator: a network, or one Gaussian whose density is known", MODELS)
    # keeping the critic Lipschitz
    penalty_kind: str = _row("none", "the gradient penalty", PENALTIES)
    penalty: float = _row(0.1, "λ (or γ), the weight of the gradient penalty", least=0)
    clip: float = _row(0.0, "c, the bound on the critic's weights; 0: none", least=0, grain=1e-6)
    spectral_norm: float = _row(0.0, "K: the critic is a net of weights W/σ(W) on K x; 0: as it is",
                                least=0, grain=1e-6)
    # stabilisers; as they stand, they do nothing
    smoothing: float = _row(0.0, "α of one-sided label smoothing: the real label is 1 − α", least=0, below=1)
    instance_noise: float = _row(0.0, "standard deviation of the noise on all that the critic sees, at first", least=0)
    noise_schedule: str = _row("linear", "how that noise falls over the run", SCHEDULES)
    history: float = _row(0.0, "λ of historical averaging", least=0)
    pack: int = _row(1, "samples that the critic judges together (PacGAN)", least=1)
    ema: float = _row(0.0, "β of the generator's moving average, which draws the samples; 0: none", least=0, below=1)
    unroll: int = _row(0, "critic steps that the generator looks ahead", least=0, below=101)
    unroll_optimizer: str = _row("same", "of those steps: the critic's own, or another", ("same", "sgd"))
    unroll_rate: float = _row(1.0, "their learning rate, as a multiple of the critic's", least=0)
    consensus: float = _row(0.0, "γ of consensus optimisation", least=0)
    pretrain: int = _row(0, "critic steps on real data alone, before the game (EBGAN)", least=0, below=1_000_001)
    labelled: float = _row(0.0, "the share of data whose class the critic is told (semi-supervised)", least=0)
    classes: int = _row(0, "how many classes; 0: as many as the data have modes", least=0)
    constants: tuple[str, ...] = _row((), "numbers of the loss's formula, as name=value (margin=2)")
    # looking at it
    standardize: str = _row("auto", "how the data are scaled for training: each column by its own standard deviation, "
                            "all by one, or not; auto: columns, but whole for a toy; samples come back in data units",
                            SCALINGS)
    holdout: float = _row(0.2, "share of the rows of a table, if it has 50, not trained on, to judge by",
                          least=0, below=1)
    header: str = _row("auto", "whether a file's first line has names; auto: if no cell of it is a number", HEADERS)
    evaluations: int = _row(100, "how many times to measure during the run", least=1)
    samples: int = _row(2_500, "how many samples to measure modes on, and to write", least=1)

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = _plain(getattr(self, setting.name), setting)
            _check(setting, value)
            object.__setattr__(self, setting.name, value)

    @property
    def loss(self) -> Loss:
        """The recipe's loss, with the constants that this configuration gives it."""
        smoothing = {"smoothing": self.smoothing} if self.smoothing else {}
        return recipe(self.recipe).loss.with_constants(**dict(map(_constant, self.constants)), **smoothing)


def configure(name: str = "wgan-gp", under: Mapping[str, Any] | None = None, **settings: Any) -> Config:
    """The configuration of a recipe: its own settings over the defaults, then those given here.

    under: a preset's, below those given here; what the recipe does not read of them is left alone. ValueError for
    a setting that is given here, and that nothing would read.
    """
    below = dict(under or {})
    unknown = [key for key in (below | settings) if key not in NAMES]
    if unknown:
        choose(unknown[0], NAMES, "setting")
    config = checked(Config(recipe=name, **{**recipe(name).settings, **below, **settings}))
    refuse_unread([config], settings)
    return config


def refuse_unread(configs: Sequence[Config], given: Collection[str]) -> None:
    """ValueError with the reason for a given setting that none of the configurations reads.

    One that says what holds without it is let pass, so that all settings may be given at once.
    """
    reasons = [unread(config, recipe(config.recipe).loss) for config in configs]
    for name in given:
        pairs = zip(configs, reasons, strict=True)
        if all(name in row and getattr(c, name) not in _usual(c, name) for c, row in pairs):
            value = getattr(configs[0], name)
            raise ValueError(f"{name} = {value!r} would do nothing: {reasons[0][name]}")


def _usual(config: Config, name: str) -> tuple[Any, Any]:
    default = NAMES[name].default
    return default, recipe(config.recipe).settings.get(name, default)


def read_settings(config: Config) -> dict[str, Any]:
    """The settings that something reads, by name: with ``configure`` they give the configuration again."""
    left = unread(config, recipe(config.recipe).loss)
    return {name: getattr(config, name) for name in NAMES if name not in left}


def checked(config: Config) -> Config:
    """The configuration; ValueError with the reason if its settings contradict each other."""
    refuse(config, recipe(config.recipe).loss.with_constants(**dict(map(_constant, config.constants))))
    return config


def as_dict(config: Config) -> dict[str, Any]:
    """Plain values by name, as TOML holds them."""
    return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(config).items()}


def from_dict(values: dict[str, Any]) -> Config:
    """The configuration of such a dictionary; ValueError names a setting that is missing or unknown."""
    wrong = set(values) ^ set(NAMES)
    if wrong:
        raise ValueError(f"a configuration has the settings {', '.join(NAMES)}; missing or unknown: {sorted(wrong)}")
    settings: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    return checked(Config(**settings))


def _constant(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise ValueError(f"constants are given as name=value, a number, not {text!r}") from None


def _plain(value: Any, setting: Field) -> Any:
    """The value as Python's own: NumPy's scalars are numbers, and 1e4 is a whole one where that is wanted."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if isinstance(setting.default, tuple) and isinstance(value, tuple | list | np.ndarray):
        return tuple(_number(v, int) for v in value)
    return _number(value, type(setting.default))


def _number(value: Any, kind: Any) -> Any:
    """The number as one of that kind, int or float, if it is one; else as it is."""
    if isinstance(value, bool) or kind not in (int, float) or not isinstance(value, Real):
        return value
    if isinstance(value, Integral) and kind is int:
        return int(value)
    number: Any = float(value) if -1e300 < value < 1e300 else value  # type: ignore[operator]
    return int(number) if kind is int and number.is_integer() else number


def _check(setting: Any, value: Any) -> None:
    name, about, kind = setting.name, setting.metadata, type(setting.default)
    entries: Any = value if isinstance(value, tuple) else (value,)
    of: Any = kind if kind is not tuple else str if "str" in str(setting.type) else int
    fits = all(isinstance(v, of) and (of is bool or not isinstance(v, bool)) for v in entries)  # a bool is an int, too
    if not isinstance(value, kind) or not fits:
        raise ValueError(f"{name} must be of type {setting.type}, got {value!r}")
    if about["choices"] is not None:
        choose(value, dict.fromkeys(about["choices"]), name)
    if about["least"] is None:
        return
    if not all(about["least"] <= v < about["below"] for v in entries):
        raise ValueError(f"{name} must be at least {about['least']:g} and below {about['below']:g}, got {value!r}")
    if kind is float and 0 < value < about["grain"]:
        raise ValueError(f"{name} must be 0 or at least {about['grain']:g}, got {value!r}: less would change nothing")


NAMES: dict[str, Field] = {setting.name: setting for setting in fields(Config)}
assert all(setting.default is not MISSING for setting in NAMES.values())

# The settings by what one wants of them: the groups of `minigan train --help`
ERRANDS: dict[str, tuple[str, ...]] = {
    "what to train": ("recipe", "data", "header", "standardize", "holdout", "seed", "constants"),
    "how long and how fast": ("steps", "batch", "lr_critic", "lr_generator", "schedule", "optimizer", "beta1", "beta2",
                              "alpha", "mu", "critic_steps", "burst", "update"),
    "the players": ("generator", "critic", "latent", "activation", "critic_activation", "init", "gain",
                    "generator_norm", "critic_norm", "generators", "model"),
    "keeping the critic Lipschitz": ("penalty_kind", "penalty", "clip", "spectral_norm"),
    "stabilisers": ("smoothing", "instance_noise", "noise_schedule", "history", "pack", "minibatch", "ema", "unroll",
                    "unroll_optimizer", "unroll_rate", "consensus", "pretrain"),
    "classes": ("labelled", "classes"),
    "looking at it": ("evaluations", "samples"),
    "this computer": ("device", "device_rng", "dtype"),
}
