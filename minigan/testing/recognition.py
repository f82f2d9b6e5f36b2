"""Which convention explains what somebody's losses compute, and which arguments of ``check_loss`` declare it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.testing.conventions import OUTPUTS, REDUCTIONS, Convention, probes
from minigan.testing.kinds import KINDS, PLAYERS, Kind


@dataclass(frozen=True)
class _Match:
    """A convention that explains the values of some players, and what it costs to believe in it."""

    convention: Convention
    surprise: int
    players: tuple[int, ...]


def recognise(losses: Sequence[Callable | None], asked: Convention | None) -> str:
    """Which arguments make the caller's losses those of a kind, in words; empty if none do, or none need to."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is tried may be no input of these losses
        return _recognised(losses, asked)


def _recognised(losses: Sequence[Callable | None], asked: Convention | None) -> str:
    given = tuple(player for player, loss in enumerate(losses) if loss is not None)
    answers = _Answers(losses)
    both, single = [], []
    for candidate, surprise in _candidates(losses, asked):
        fits = {player: fit for player in given if (fit := answers.fit(candidate, player)) is not None}
        single += [_matched(candidate, surprise, {player: fit}, asked) for player, fit in fits.items()]
        both += [_matched(candidate, surprise, fits, asked)] if tuple(fits) == given else []
    best = min(both, key=lambda match: match.surprise, default=None)
    exchanged = [player for player in given if asked is not None and _fits_exchanged(losses, asked, player)]
    if best is not None and not (0 in exchanged and np.ptp(np.sign(best.convention.scale))):
        averaged = any(answers.averaged(best.convention, player) for player in given)
        if best.convention == asked and not averaged:
            return ""
        kind = [] if asked and best.convention.name == asked.name else [f"kind={best.convention.name!r}"]
        if asked is not None and best.convention.direction != asked.direction and tuple(exchanged) == given:
            return (f"With the real and the fake ones exchanged, or {_with(kind, best.convention, averaged).lower()} "
                    f"it is the loss {best.convention.name!r}")
        return f"{_with(kind, best.convention, averaged)} it is the loss {best.convention.name!r}"
    lines = []
    for player in given:
        of_player = [match for match in single if match.players == (player,)]
        if player in exchanged and asked is not None:
            lines.append(f"With its first two arguments exchanged your {PLAYERS[player]}'s loss is that of "
                         f"{asked.name!r}")
        elif of_player:
            found = min(of_player, key=lambda match: match.surprise).convention
            words = _with([], found, answers.averaged(found, player))
            lines.append(f"{words} your {PLAYERS[player]}'s loss is that of {found.name!r}")
    return "\n".join(lines)


def _fits_exchanged(losses: Sequence[Callable | None], asked: Convention, player: int) -> bool:
    """Whether the player's loss takes the fake ones first, where it sees real ones too, and is not one either way."""
    loss = losses[player]
    if loss is None or len(asked.kind.sees[player]) < 2:
        return False
    plain, wanted = replace(asked, scale=(1.0, 1.0), offset=(0.0, 0.0)), (asked.scale[player], asked.offset[player])
    turned: list[Callable | None] = [None, None]
    turned[player] = lambda first, second, *rest: loss(second, first, *rest)
    return _Answers(turned).fit(plain, player) == wanted != _Answers(losses).fit(plain, player)


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
            self.known[key] = _answers(self.losses[player], probes(*key[1:]))
        return self.known[key]

    def averaged(self, candidate: Convention, player: int) -> bool:
        answers = self.of(candidate, player)
        return answers is not None and answers[1]

    def fit(self, candidate: Convention, player: int) -> tuple[float, float] | None:
        """(scale, offset) by which the candidate explains the player's values."""
        answers = self.of(candidate, player) if candidate.kind.losses[player] is not None else None
        if answers is None:
            return None
        asked = probes(candidate.kind.sees[player], candidate.outputs)
        expected = [candidate.expected(player, probe) for probe in asked]
        return _fit(answers[0], np.array(expected))


def _answers(loss: Callable | None, asked: list[list[Any]]) -> tuple[np.ndarray, bool] | None:
    """The loss at the probes, and whether they are means of arrays that it answers with; None if it cannot answer."""
    if loss is None:
        return None
    try:
        answers = [np.asarray(to_host(loss(*[x if np.isscalar(x) else x.copy() for x in probe])), dtype=float)
                   for probe in asked]
    except Exception:  # a stranger's function may raise anything
        return None
    # One number a sample stands for its mean; other arrays for nothing
    if any(answer.size not in (1, len(probe[0])) for answer, probe in zip(answers, asked, strict=True)):
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
