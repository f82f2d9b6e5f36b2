"""The same loss in other words: half of it, a sum for a mean, scores turned round, probabilities for logits.

A ``Convention`` is a kind and how somebody writes it down; ``recognise`` finds the one that explains what a
function computes, and says which arguments of ``check_loss`` declare it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import SearchStrategy
from scipy.special import logit

from minigan.arrays import to_host
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
            for probe in _probes(sees, outputs)[:1] if sees else ():
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
def _probes(sees: tuple[str, ...], outputs: str) -> list[list[Any]]:
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


# Recognition
@dataclass(frozen=True)
class _Match:
    """A convention that explains the values of some players, and what it costs to believe in it."""

    convention: Convention
    surprise: int
    players: tuple[int, ...]


def recognise(losses: Sequence[Callable | None], asked: Convention | None) -> str:
    """Which arguments make the caller's losses those of a kind, in words; empty if none do, or none need to."""
    given = tuple(player for player, loss in enumerate(losses) if loss is not None)
    answers = _Answers(losses)
    both, single = [], []
    for candidate, surprise in _candidates(losses, asked):
        fits = {player: fit for player in given if (fit := answers.fit(candidate, player)) is not None}
        single += [_matched(candidate, surprise, {player: fit}, asked) for player, fit in fits.items()]
        both += [_matched(candidate, surprise, fits, asked)] if tuple(fits) == given else []
    if both:
        best = min(both, key=lambda match: match.surprise)
        averaged = any(answers.averaged(best.convention, player) for player in given)
        if best.convention == asked and not averaged:
            return ""
        kind = [] if asked and best.convention.name == asked.name else [f"kind={best.convention.name!r}"]
        return f"{_with(kind, best.convention, averaged)} it is the loss {best.convention.name!r}"
    lines = []
    for player in given:
        of_player = [match for match in single if match.players == (player,)]
        if player == 0 and asked is not None and _fits_exchanged(losses, asked):
            lines.append(f"With its first two arguments exchanged your critic's loss is that of {asked.name!r}")
        elif of_player:
            found = min(of_player, key=lambda match: match.surprise).convention
            words = _with([], found, answers.averaged(found, player))
            lines.append(f"{words} your {PLAYERS[player]}'s loss is that of {found.name!r}")
    return "\n".join(lines)


def _fits_exchanged(losses: Sequence[Callable | None], asked: Convention) -> bool:
    """Whether the critic's loss takes the fake ones first."""
    critic = losses[0]
    if critic is None:
        return False
    plain = replace(asked, scale=(1.0, 1.0), offset=(0.0, 0.0))
    fit = _Answers([lambda first, second, *rest: critic(second, first, *rest), None]).fit(plain, 0)
    return fit == (asked.scale[0], asked.offset[0])


def _with(kind: list[str], found: Convention, averaged: bool) -> str:
    """With scale=2, …; as it stands, if nothing need be said."""
    said = [*kind, *filter(None, [str(found)]), *(["the mean of what is returned"] if averaged else [])]
    maximised = ", to be maximised and not minimised," if min(found.scale) < 0 else ""
    return f"With {', '.join(said)}{maximised}" if said else "As it stands"


def _matched(
    candidate: Convention, surprise: int, fits: Mapping[int, tuple[float, float]], asked: Convention | None,
) -> _Match:
    """The candidate with the scales and offsets that were found; a player who was not asked has another's."""
    usual = asked or candidate
    for player, (scale, offset) in fits.items():
        surprise += (scale != usual.scale[player]) + 3 * (scale < 0) + 3 * (offset != usual.offset[player])
    any_fit = next(iter(fits.values()))
    (scales, offsets) = zip(*(fits.get(player, any_fit) for player in range(len(PLAYERS))), strict=True)
    surprise += len(set(scales)) - 1
    return _Match(replace(candidate, scale=scales, offset=offsets), surprise, tuple(fits))


class _Answers:
    """What the caller's losses say at the probes, asked once for each thing that they may be taken to see."""

    def __init__(self, losses: Sequence[Callable | None]):
        self.losses = losses
        self.known: dict[tuple, tuple[np.ndarray, bool] | None] = {}

    def of(self, candidate: Convention, player: int) -> tuple[np.ndarray, bool] | None:
        """The values, and whether they are means of arrays that were returned; None where it cannot answer."""
        key = (player, candidate.kind.sees[player], candidate.outputs)
        if key not in self.known:
            self.known[key] = _answers(self.losses[player], _probes(*key[1:]))
        return self.known[key]

    def averaged(self, candidate: Convention, player: int) -> bool:
        answers = self.of(candidate, player)
        return answers is not None and answers[1]

    def fit(self, candidate: Convention, player: int) -> tuple[float, float] | None:
        """(scale, offset) by which the candidate explains the player's values."""
        answers = self.of(candidate, player) if candidate.kind.losses[player] is not None else None
        if answers is None:
            return None
        probes = _probes(candidate.kind.sees[player], candidate.outputs)
        return _fit(answers[0], np.array([candidate.expected(player, probe) for probe in probes]))


def _answers(loss: Callable | None, probes: list[list[Any]]) -> tuple[np.ndarray, bool] | None:
    """The loss at the probes, and whether they are means of arrays that it answers with; None if it cannot answer."""
    if loss is None:
        return None
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the probes may be no inputs of this loss
            answers = [np.asarray(to_host(loss(*[x if np.isscalar(x) else x.copy() for x in probe])), dtype=float)
                       for probe in probes]
    except Exception:  # a stranger's function may raise anything
        return None
    values = np.array([answer.mean() for answer in answers])
    return (values, any(answer.size > 1 for answer in answers)) if np.isfinite(values).all() else None


def _fit(values: np.ndarray, expected: np.ndarray) -> tuple[float, float] | None:
    """(scale, offset) of values = offset + scale · expected on all probes, rounded; None if there is none."""
    if not np.isfinite(expected).all() or np.ptp(expected) < 1e-9:
        return None
    scale, offset = (float(x) for x in np.polyfit(expected, values, 1))
    size = float(np.abs(values).max())
    if abs(scale) < 1e-9 or not np.allclose(offset + scale * expected, values, rtol=0, atol=1e-6 * size):
        return None
    return _rounded(scale), 0.0 if abs(offset) < 1e-6 * size else _rounded(offset)


def _candidates(losses: Sequence[Callable | None], asked: Convention | None) -> Iterator[tuple[Convention, int]]:
    """Conventions with scale 1, and how surprising each is: another kind, a turn, probabilities, a sum, a constant."""
    for name, kind in KINDS.items():
        same_kind = asked is None or name == asked.name
        for reduction, outputs, direction in product(REDUCTIONS, OUTPUTS, (1, -1)):
            plain = Convention(name, {}, reduction=reduction, outputs=outputs, direction=direction)
            usual = asked or Convention(name)
            if outputs != usual.outputs and not kind.logistic:
                continue  # the same loss on fewer scores
            surprise = 8 * (not same_kind) + (reduction != usual.reduction) + 2 * (outputs != usual.outputs) \
                + 2 * (direction != usual.direction)
            yield plain, surprise
            for constants in [*([usual.constants] if same_kind else []), _guessed(kind, losses, plain)]:
                if constants:
                    yield replace(plain, constants=dict(constants)), surprise + (constants != usual.constants)


def _guessed(kind: Kind, losses: Sequence[Callable | None], turned: Convention) -> dict[str, Any]:
    """The constants that the kind reads off the values; empty if it cannot, or if they are the usual ones."""
    critic, generator = (_of_numbers(loss, turned.direction) for loss in losses)
    if turned.outputs != "scores" or turned.reduction != "mean":
        return {}
    try:
        constants = {name: _rounded(value) for name, value in kind.guess(critic, generator).items()}
    except Exception:  # a stranger's function may raise anything
        return {}
    usable = all(np.isfinite(value).all() for value in constants.values())
    return constants if usable and constants != dict(kind.constants) else {}


def _rounded(value: Any) -> Any:
    """To as few digits as make it the same number to 1e-7; of a tuple, each."""
    if isinstance(value, tuple):
        return tuple(map(_rounded, value))
    shorter = [float(f"{value:.{digits}g}") for digits in (3, 6, 10)]
    return next((x for x in shorter if abs(x - value) <= 1e-7 * max(abs(value), 1e-2)), shorter[-1]) + 0.0


def _of_numbers(loss: Callable | None, direction: int) -> Callable[..., float]:
    """The loss of one score each."""
    def at(*scores: float) -> float:
        if loss is None:
            raise ValueError("there is no such player")
        return float(np.mean(to_host(loss(*[np.full((1, 1), direction * float(s)) for s in scores]))))

    return at
