"""Signs that a run goes wrong: what was measured, when it counts, and what the notes say to try.

A row a sign. It looks at the history alone, so it costs nothing, needs no memory and says the same after ``--resume``.
It must last: players overshoot, and a warning that cries too soon is not read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any, NamedTuple

import numpy as np

from minigan.lab.config import Config
from minigan.lab.history import COLUMNS

Table = dict[str, np.ndarray]  # the history by its columns, (rows,) each


@dataclass(frozen=True)
class Sign:
    """A row. holds: (history, facts) -> (rows,) of bool. lasting: for what share of a run's measurements, in a row.

    Two of them at least; 0: one is enough.
    """

    name: str
    holds: Callable[[Table, dict[str, float]], np.ndarray]
    measured: str  # what is said of the first such row: a format of its numbers and of the facts
    advice: str
    lasting: float = 0.05


class Warned(NamedTuple):
    """A sign that has shown: since which step, until which (None: it still does), and what to say of it."""

    name: str
    step: int
    until: int | None
    measured: str
    advice: str

    @property
    def when(self) -> str:
        return f"from step {self.step:,} on" if self.until is None else f"steps {self.step:,} to {self.until:,}"

    def __str__(self) -> str:
        return f"{self.name} ({self.when}): {self.measured}. {self.advice}"


def _growing(table: Table, facts: dict[str, float]) -> np.ndarray:
    """Where the parameters of a player are GROWTH times what they were first, and still grow by 1 % a measurement."""
    return np.any([_grown(table[name]) for name in ("critic_norm", "generator_norm")], axis=0)


def _grown(norm: np.ndarray) -> np.ndarray:
    before = np.concatenate([norm[:1], norm[:-1]])
    return (norm > GROWTH * norm[0]) & (norm > 1.01 * before)


def _huge(table: Table, facts: dict[str, float]) -> np.ndarray:
    slope = table["slope"] * facts["length"]
    return np.abs([table["critic_loss"], table["generator_loss"], slope]).max(axis=0) > HUGE


GROWTH = 10.0  # of the root mean square of a player's parameters since the first measurement; good runs: up to 5
HUGE = 1e6  # of a loss or a slope; float32 ends at 3e38, and its squares at 2e19
SIGNS = (
    Sign("collapsed generator", lambda table, facts: table["spread"] < 0.1,
         "the samples' spread is {spread:.2g} of the data's",
         "To try (weng, Mode collapse; xu, Problems in GAN): packs (--pack 2), minibatch discrimination, an unrolled "
         "discriminator, a Wasserstein critic (wgan-gp), smaller learning rates"),
    Sign("dropped modes",
         lambda table, facts: (table["high_quality"] >= 0.5) & (2 * table["modes_solid"] <= facts["modes"]),
         "{modes_solid:.0f} of {modes:.0f} modes solid, with {high_quality:.0%} of the samples at one",
         "To try (advanced, Mode collapse and dropping; xu, Problems in GAN): packs (--pack 2), several generators "
         "(ensemble), an unrolled discriminator, imle, a Wasserstein critic (wgan-gp)", lasting=0.1),
    Sign("saturated discriminator", lambda table, facts: table["estimate"] >= 0.9 * facts["largest"],
         "the critic's estimate is {estimate:.3g} of at most {largest:.3g}: it tells all samples from data, and the "
         "generator's gradient vanishes",
         "To try (weng, Vanishing gradient and (6) Adding noises): --instance-noise 0.5, fewer critic steps or a "
         "smaller --lr-critic, a Wasserstein critic (wgan-gp)"),
    Sign("flat critic", lambda table, facts: table["slope"] <= 1e-6 * np.fmax.reduce(table["slope"], initial=0.0),
         "its steepest slope is {slope:.2g}: the generator has no gradient to learn from",
         "To try (xu, Performance of WGAN): smaller learning rates, a larger --clip or a gradient penalty in its "
         "place, --critic-activation leaky-relu"),
    Sign("growing norm", _growing,
         "√(mean w²) of the parameters is {critic_norm:.3g} (critic) and {generator_norm:.3g} (generator), and grows",
         "To try (weng, (3) Historical averaging; xu, Non-convergence): smaller learning rates, a gradient penalty, "
         "--spectral-norm 1, --history 1e-3"),
    Sign("runaway generator", lambda table, facts: table["reach"] > 3,
         "samples lie {reach:.3g} times as far from the data's mean as data do",
         "To try (weng, Hard to achieve Nash equilibrium; advanced, f-GAN): smaller learning rates, a gradient penalty "
         "(--penalty-kind r1), --spectral-norm 1"),
    Sign("NaN to come", _huge,
         "losses are {critic_loss:.2g} (critic) and {generator_loss:.2g} (generator), the critic's slope {slope:.2g}",
         "To try (advanced, Weight clipping and gradient penalty): smaller learning rates, a gradient penalty, "
         "another activation of the f-GAN", lasting=0.0),
)


def warnings(
    history: Sequence[Sequence[float]], config: Config, modes: int = 0, length: float = 1.0
) -> list[Warned]:
    """What a history of COLUMNS shows, one for each sign.

    modes: how many the data are known to have; 0: unknown. length: the unit of the scaled data, see ``Scaling``.
    """
    if not len(history):
        return []
    rows = np.array(history, dtype=float)
    table = dict(zip(COLUMNS, rows.T, strict=True))
    largest = config.loss.estimates.largest if config.loss.estimates else np.inf
    facts = {"modes": float(modes or np.nan), "largest": largest if isfinite(largest) else np.nan,
             "length": length ** (1 - config.loss.power)}
    with np.errstate(invalid="ignore"):
        shown = [(sign, _streak(sign.holds(table, facts), sign.lasting * config.evaluations)) for sign in SIGNS]
    told = []
    for sign, streak in shown:
        if streak is not None:
            first, last = streak
            row: dict[str, Any] = {name: column[first] for name, column in table.items()} | facts
            until = None if last == len(rows) - 1 else int(table["step"][last])
            told.append(Warned(sign.name, int(table["step"][first]), until, sign.measured.format(**row), sign.advice))
    return told


def _streak(holds: np.ndarray, lasting: float) -> tuple[int, int] | None:
    """The first and the last row of those where it holds, from the first streak that is long enough; None: no such."""
    need = max(2, ceil(lasting)) if lasting else 1
    full = np.convolve(holds, np.ones(need))[:len(holds)] >= need
    at = np.flatnonzero(full)
    return None if not len(at) else (int(at[0]) - need + 1, int(at[-1]))
