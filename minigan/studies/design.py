"""The design of a study: which methods, on which data, for which seeds; and what comes of it.

``plan`` decides everything before anything is trained, or refuses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, NamedTuple

import numpy as np

from minigan.lab import memory, run
from minigan.lab.config import Config, refuse_unread
from minigan.lab.data import Data, data_from
from minigan.lab.train import Training
from minigan.registry import choose
from minigan.studies import presets
from minigan.studies.presets import Preset

# they say where and how often one looks, not what is trained
LOOKING = {"evaluations", "device", "seed"}
Row = dict[str, Any]  # recipe, seed, failed ("" or why), and the metrics that were measured


@dataclass(frozen=True)
class Plan:
    """What a study is to train: a configuration for each method, checked, and the seeds."""

    source: Any  # see data_from
    data: Data  # for measuring; training scales its own as each method asks
    methods: dict[str, Config]
    seeds: tuple[int, ...]
    preset: Preset
    quick: bool = False
    given: Mapping[str, Any] = field(default_factory=dict)  # what the user set over recipe and preset

    def training_data(self, name: str) -> Data:
        """The data as a method learns from them: scaled or raw."""
        config = self.methods[name]
        return replace(run.load_data(config, self.source), name=config.data)


class Result(NamedTuple):
    """Of one method: a row and the samples of each seed (nan where it failed), and the seconds it trained."""

    rows: list[Row]
    samples: np.ndarray  # (seeds, n, d), data units
    seconds: float


@dataclass(frozen=True)
class Study:
    """A finished study: the plan, the results by method, and the rows of the ceiling and the null baseline."""

    plan: Plan
    results: dict[str, Result]
    yardsticks: list[Row]

    @property
    def rows(self) -> list[Row]:
        """A row for each method and seed, then the ceiling's and the null baseline's: the long table."""
        return [row for result in self.results.values() for row in result.rows] + self.yardsticks

    def median_row(self, name: str) -> Row:
        """Of a method or yardstick, the row of the seed with the median W₁, the lower of two; failed ones come last."""
        rows = sorted((row for row in self.rows if row["recipe"] == name), key=lambda row: row.get("w1", inf))
        return rows[(len(rows) - 1) // 2]


def plan(
    recipes: Sequence[str] | None = None,
    data: Any = None,
    seeds: int | Sequence[int] | None = None,
    settings: Mapping[str, Any] | None = None,
    preset: str = "own",
    quick: bool = False,
) -> Plan:
    """Every configuration of a study: see ``study.run_study`` for the arguments.

    ValueError for whatever cannot be trained, with the nearest name where one was misspelt.
    """
    row, given = presets.preset(preset), dict(settings or {})
    names = tuple(recipes or row.recipes)
    for name in names:
        choose(name, row.known, "recipe")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"each recipe once: {', '.join(twice)} is named more than once")
    source = row.settings.get("data", Config.data) if data is None else data
    chosen = {**row.settings, **given}
    known = data_from(source, **{key: chosen[key] for key in ("standardize", "holdout", "header") if key in chosen})
    usual = row.quick_seeds if quick else row.seeds
    numbers = seeds_from(usual if seeds is None else seeds, given.pop("seed", None))
    methods: dict[str, Config] = {}
    made = Plan(source if known.table is None else known.table, known, methods, numbers, row, quick, given)
    for name in names:
        try:
            methods[name] = replace(row.configure(name, quick, **given, seed=numbers[0]), data=known.name)
            training = Training(methods[name], made.training_data(name))  # whatever is refused there is refused here
            methods[name] = training.config  # with what it left to the data
            memory.refuse_run(training.config, training.game, len(numbers))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    refuse_unread(list(methods.values()), given)
    return made


def seeds_from(wanted: int | Sequence[int], first: int | None = None) -> tuple[int, ...]:
    """So many seeds from the first on (from 0), or the seeds themselves. ValueError unless each is there once, ≥ 0."""
    if isinstance(wanted, (int, np.integer)):
        numbers = tuple(range(first or 0, (first or 0) + int(wanted)))
    elif first is None:
        numbers = tuple(wanted)
    else:
        raise ValueError(f"seeds names every seed ({', '.join(map(str, wanted))}), so there is no first one: "
                         f"leave out seed {first}")
    whole = all(isinstance(seed, (int, np.integer)) for seed in numbers)
    if not numbers or not whole or len({*numbers}) < len(numbers) or min(numbers) < 0:
        raise ValueError(f"seeds: at least 1, each a whole number, once and not negative; got {wanted}")
    return tuple(map(int, numbers))


def as_published(plan: Plan) -> bool:
    """Whether the preset's settings were left as they are, but for how often one looks."""
    return not plan.quick and not set(plan.given) - LOOKING
