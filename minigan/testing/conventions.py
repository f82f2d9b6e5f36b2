"""The same loss in other words: half of it, a sum for a mean, scores turned round, probabilities for logits.

A ``Convention`` is a kind and how somebody writes it down, and ``inputs`` what its players see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import SearchStrategy
from scipy.special import logit

from minigan.registry import choose
from minigan.testing.kinds import KINDS, PLAYERS, Kind

SCORES = ("real", "fake")
OUTPUTS = ("scores", "probabilities")
REDUCTIONS = ("mean", "sum")
WIDTH = 3  # features, coordinates, classes


@dataclass(frozen=True)
class Convention:
    """``offset`` + ``scale`` · the kind's loss, of the critic and of the generator, in the caller's own variables.

    constants: the kind's that are not its usual ones. reduction: "sum" over the batch, where the kind has the mean.
    outputs: "probabilities" D where a logistic kind has logits log D/(1 − D), another the D itself.
    direction: −1 if the scores are turned round, s for −s (probabilities: D for 1 − D).
    """

    name: str
    constants: Mapping[str, Any] = field(default_factory=dict)
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)
    reduction: str = "mean"
    outputs: str = "scores"
    direction: int = 1

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]

    def expected(self, player: int, inputs: Sequence[Any]) -> float:
        """What the player's loss is at these inputs, given in the order in which the kind sees them."""
        sees, loss = self.kind.sees[player], self.kind.losses[player]
        if loss is None:
            raise ValueError(f"the kind {self.name!r} has no loss of the {PLAYERS[player]}")
        ours = [self._score(x) if name in SCORES else x for name, x in zip(sees, inputs, strict=True)]
        value = loss(*ours, **{**self.kind.constants, **self.constants})
        return float(self.offset[player] + self._factor(player, len(inputs[0])) * value)

    def slope(self, term: int, x: np.ndarray) -> np.ndarray:
        """∂L/∂x of each score, of a kind that has slopes: term 0 and 1 the critic's, 2 the generator's."""
        slopes = self.kind.slopes
        if slopes is None:
            raise ValueError(f"the kind {self.name!r} is no sum of terms of one score")
        of_score = slopes(**{**self.kind.constants, **self.constants})[term](self._score(x))
        inner = self.direction / (x * (1 - x) if self._is_probability else 1.0)
        return self._factor(term // 2, len(x)) / len(x) * of_score * inner

    def _factor(self, player: int, n: int) -> float:
        return self.scale[player] * (n if self.reduction == "sum" else 1)

    @property
    def _is_probability(self) -> bool:
        return self.outputs == "probabilities" and self.kind.logistic

    def _score(self, x: np.ndarray) -> np.ndarray:
        return self.direction * (logit(np.asarray(x, dtype=float)) if self._is_probability else x)

    def __str__(self) -> str:
        """The arguments of ``check_loss`` that declare it."""
        usual = Convention(self.name)
        said = [f"{name}={_words(value)}" for name, value in self.constants.items()]
        for name in ("scale", "offset", "reduction", "outputs", "direction"):
            value = getattr(self, name)
            if value != getattr(usual, name):
                said.append(f"{name}={_words(value)}")
        return ", ".join(said)


def _words(value: Any) -> str:
    if isinstance(value, tuple):
        same = len(set(value)) == 1 and len(value) == 2
        return f"{value[0]:.10g}" if same else "(" + ", ".join(f"{x:.10g}" for x in value) + ")"
    return repr(value) if isinstance(value, str) else f"{value:.10g}"


def convention(
    name: str, constants: Mapping[str, Any], scale: Any, offset: Any, reduction: str, outputs: str, direction: int,
) -> Convention:
    """What the caller declared; ValueError for what no such kind has."""
    kind = choose(name, KINDS, "loss")
    for constant in constants:
        if constant not in kind.constants:
            has = ", ".join(f"{k} = {v}" for k, v in kind.constants.items()) or "none"
            raise ValueError(f"the loss {name!r} has no constant {constant!r}; it has: {has}")
    if direction not in (1, -1):
        raise ValueError(f"direction is 1 or -1, not {direction!r}")
    if outputs == "probabilities" and not set(SCORES) & {*kind.sees[0], *kind.sees[1]}:
        raise ValueError(f"the loss {name!r} sees no scores that could be probabilities")
    choose(reduction, dict.fromkeys(REDUCTIONS), "reduction")
    choose(outputs, dict.fromkeys(OUTPUTS), "kind of outputs")
    pairs = _pair("scale", scale), _pair("offset", offset)
    said = Convention(name, dict(constants), *pairs, reduction, outputs, direction)
    if 0 in said.scale:
        raise ValueError(f"a loss that is 0 times another teaches nothing: scale is {scale}")
    try:  # what the constants may be, the formulas say
        for player, sees in enumerate(kind.sees):
            for probe in probes(sees, outputs)[:1] if sees else ():
                said.expected(player, probe)
    except (TypeError, ValueError, IndexError, ArithmeticError) as error:
        raise ValueError(f"the constants {dict(constants)} are none of the loss {name!r}, "
                         f"whose own are {dict(kind.constants)}: {error}") from error
    return said


def _pair(name: str, value: Any) -> tuple[float, float]:
    """(critic's, generator's), from one number or two."""
    numbers = np.asarray(value, dtype=float).reshape(-1)
    if numbers.size not in (1, 2) or not np.isfinite(numbers).all():
        raise ValueError(f"{name} is one number, or the critic's and the generator's, not {value!r}")
    return float(numbers[0]), float(numbers[-1])


# Inputs
_FLOATS = st.floats(-3, 3, allow_subnormal=False)


def inputs(
    sees: Sequence[str], scores: SearchStrategy[float], dtype: Any = float, sizes: Sequence[int] = (1, 4),
) -> dict[str, SearchStrategy]:
    """One input for ``Property``: the tuple of what a player sees, or the one thing, of a batch of one of the sizes."""
    drawn = st.sampled_from(sizes).flatmap(lambda n: st.tuples(*(_input(name, n, scores, dtype) for name in sees)))
    title = "_".join(name.replace("_", " ") for name in sees)
    return {title: drawn.map(lambda values: values[0] if len(values) == 1 else values)}


def _input(name: str, n: int, scores: SearchStrategy[float], dtype: Any) -> SearchStrategy:
    if name in SCORES:
        return arrays(dtype, (n, 1), elements=scores.map(lambda s: float(np.asarray(s, dtype))))
    if name == "k":
        return st.sampled_from([0.5, 0.0, 1.0])
    if name == "labels":
        return st.tuples(*[st.integers(0, WIDTH - 1)] * n).map(lambda k: np.eye(WIDTH, dtype=dtype)[list(k)])
    shape = (n,) if name in ("log_q", "log_p") else (n, WIDTH)
    values = arrays(float, shape, elements=_FLOATS)
    if name == "fake_codes":  # no row is 0
        values = values.map(lambda x: x + (np.abs(x).sum(axis=1, keepdims=True) < 1e-3))
    return values.map(lambda x: x.astype(dtype))


@lru_cache
def probes(sees: tuple[str, ...], outputs: str) -> list[list[Any]]:
    """Fixed inputs of several batch sizes, on which one convention is told from another."""
    rng = np.random.default_rng(0)

    def draw(name: str, n: int) -> Any:
        if name == "k":
            return float(rng.choice([0.25, 0.5, 1.0]))
        if name == "labels":
            return np.eye(WIDTH)[rng.integers(WIDTH, size=n)]
        if name in SCORES:
            x = rng.uniform(-3, 3, size=(n, 1))
            return x if outputs == "scores" else 1 / (1 + np.exp(-x))
        return rng.uniform(-3, 3, size=(n,) if name in ("log_q", "log_p") else (n, WIDTH))

    return [[draw(name, n) for name in sees] for n in (2, 4, 4, 3, 5, 5)]
