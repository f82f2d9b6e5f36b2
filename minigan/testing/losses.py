"""Is a loss the one it is said to be: its values, its signs, its slopes, and where D is all but sure?

What is expected stands in ``kinds.py``, how else it may be written down in ``conventions.py``; what explains a
mismatch is found by ``recognition.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, signature
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from minigan.testing.conventions import SCORES, Convention, convention, inputs
from minigan.testing.kinds import PLAYERS
from minigan.testing.properties import Property, Skip, array, at_most, equal, number, require, run
from minigan.testing.recognition import recognise

Loss = Callable[..., Any]
SIZE = 4  # of most batches: one shape, so that a compiled loss is compiled once
DIGITS = ("within 1e-7 of 0 or 1 a probability has lost the digits of its log: a clip or an ε there is a choice, "
          "and a loss of logits needs neither")
SATURATES = ("total variation behind a sigmoid or a tanh does so, and so does a loss that lost its logs: a critic "
             "that is sure has no slope left to learn by")


def check_loss(
    critic_loss: Loss | None, generator_loss: Loss | None, kind: str | None = None, *,
    critic_gradient: Loss | None = None, generator_gradient: Loss | None = None,
    scale: float | tuple[float, float] = 1.0, offset: float | tuple[float, float] = 0.0, reduction: str = "mean",
    outputs: str = "scores", direction: int = 1,
    examples: int = 100, seed: int = 0, rtol: float = 1e-6, atol: float = 1e-9, skip: Skip = (), **constants: Any,
) -> list[str]:
    """What each player minimises, of raw scores s = f(x) and s̃ = f(G(z)), (batch, 1), or of what else it sees.

    critic_loss: (s, s̃) -> a number; generator_loss: s̃ -> a number; batches of equal size, means over them. None: it
    is not checked. kind: a name in ``KINDS``, whose row says what each of its losses sees, in this order: points,
    features and codes are (batch, d), a classifier's outputs and one-hot labels (batch, K), log-densities (batch,),
    BEGAN's k a number. Values are compared, also of scores up to ±300. kind=None: the signs, what no pair of losses
    may do, and gradients against differences of your own losses; the values may be anything.
    critic_gradient: what the critic sees -> (∂L/∂ of the real input, of the fake one); generator_gradient: what the
    generator sees -> ∂L/∂ of the fake one. A loss that answers with an array must keep float32 in float32.

    How yours is written: scale, offset: L is offset + scale times the kind's, one number or (critic's, generator's).
    reduction: "sum" over the batch. outputs: "probabilities" D in place of logits, drawn in (0, 1). direction: −1 if
    scores are turned round, −s for s. constants: those of the row, such as margin=10.0, labels=(-1, 1, 0) of a fake, of
    a datum and the generator's, smoothing=α of a real label 1 − α, −(1 − α) log D(x) − α log(1 − D(x)). Where such a
    thing explains what fails, the error says which.
    Returns the names of the properties that hold. PropertyError: one does not. ValueError: an unknown kind or constant.

    >>> check_loss(lambda s, t: t.mean() - s.mean(), lambda t: -t.mean(), "wasserstein")[:2]
    ['real scores up', 'fake scores up']

    Source: Goodfellow et al. (2014), eq. 1; Arjovsky et al. (2017), eq. 3; Lim & Ye (2017), eq. 12, 13;
    Mao et al. (2017), eq. 2, 9; Zhao et al. (2017), eq. 1, 2, 4; Salimans et al. (2016), sections 3.1, 3.4, 5;
    Jolicoeur-Martineau (2019), sections 4.1, 4.2; Berthelot et al. (2017), section 3.4; Qi (2020); Li & Malik (2018),
    algorithm 1; Nowozin et al. (2016), eq. 6.
    """
    losses = (critic_loss, generator_loss)
    if critic_loss is None and generator_loss is None:
        raise ValueError("neither the critic's nor the generator's loss was given: there is nothing to check")
    if kind is None and (constants or (scale, offset, reduction) != (1.0, 0.0, "mean")):
        raise ValueError("scale, offset, reduction and constants, such as smoothing, are those of a kind: name it")
    # Who names no kind promises the signs of every kind: those of the plainest
    assumed = convention(kind or "wasserstein", constants, scale, offset, reduction, outputs, direction)
    players = [_Player(k, loss, _sees(k, loss, kind, assumed), assumed, kind is not None)
               for k, loss in enumerate(losses) if loss is not None]
    rows = [row for player in players for row in _signs(player)] + [_keeps_float32(players)]
    if kind is not None:
        rows += [_value(player, (rtol, atol)) for player in players]
        rows += [_value(player, (1e-4, 1e-4), " in float32", dtype="float32") for player in players]
        rows += [_value_where_sure(player, (rtol, atol)) for player in players
                 if assumed.kind.sure and player.sees_scores]
    elif outputs == "scores":
        rows += _of_any_pair(players, direction)
    for player in players:
        gradient = (critic_gradient, generator_gradient)[player.index]
        rows += [] if gradient is None else [_gradient(player, gradient, rtol)]
    return run([player.loss for player in players], rows, examples, seed, skip,
               lambda: recognise(losses, assumed if kind else None))


@dataclass(frozen=True)
class _Player:
    """One of the two, the loss that is judged, what it sees, and what is expected of it."""

    index: int
    loss: Loss
    sees: tuple[str, ...]
    assumed: Convention
    named: bool  # the kind: the values are promised, not the signs alone

    @property
    def who(self) -> str:
        return PLAYERS[self.index]

    @property
    def sees_scores(self) -> bool:
        return bool(set(SCORES) & set(self.sees))

    @property
    def probabilities(self) -> bool:
        return self.assumed.outputs == "probabilities"

    @property
    def formula(self) -> str:
        said = str(self.assumed)
        return f"L_{self.who} = {self.assumed.kind.formulas[self.index]}{f'; with {said}' if said else ''}"

    def expected(self, values: Sequence[Any]) -> float:
        """In float64. Of a named kind what it sees; else the plainest loss of the scores."""
        known = values if self.named else [x for name, x in zip(self.sees, values, strict=True)
                                           if name in self.assumed.kind.sees[self.index]]
        return self.assumed.expected(self.index, [x if np.isscalar(x) else np.asarray(x, float) for x in known])

    def inputs(self, scores: SearchStrategy[float] | None = None, dtype: Any = float, one: bool = True) -> dict:
        usual = st.floats(0.05, 0.95) if self.probabilities else st.floats(-3, 3, allow_subnormal=False)
        least = self.assumed.kind.least if self.named else 1
        sizes = [max(1, least), SIZE] if one else [SIZE]
        return inputs(self.sees, usual if scores is None else scores, dtype, sizes)

    @property
    def size(self) -> float:
        """What an absolute tolerance is of: a small multiple of the loss must be as near as the loss itself."""
        return min(1.0, abs(self.assumed.scale[self.index]))

    def values(self, drawn: Any) -> tuple:
        """What was drawn, as the arguments of the loss."""
        return drawn if isinstance(drawn, tuple) else (drawn,)

    def __call__(self, *values: Any) -> Any:
        """The loss, of copies: it may write into what it is given."""
        return self.loss(*[x if np.isscalar(x) else x.copy() for x in values])


def _sees(index: int, loss: Loss, kind: str | None, assumed: Convention) -> tuple[str, ...]:
    """What the kind's loss sees; of no kind scores, for a generator those of the data too if it takes two arguments."""
    if kind is not None or index == 0:
        sees = assumed.kind.sees[index]
        if not sees:
            raise ValueError(f"the kind {kind!r} has no {PLAYERS[index]}: give None for its loss")
        return sees
    try:
        needed = [p for p in signature(loss).parameters.values()
                  if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD) and p.default is p.empty]
    except (TypeError, ValueError):  # a built-in function tells nothing
        return ("fake",)
    return SCORES if len(needed) == 2 else ("fake",)


def _signs(player: _Player) -> list[Property]:
    """Does the loss rise and fall, strictly, where it should? A constant loss moves nobody."""
    low, high = (2, 14) if player.probabilities or not player.named else (-80, 80)
    grid = st.integers(low, high - 1).map(lambda k: k / 16)

    def moved(name: str, **drawn: Any) -> None:
        values = player.values(*drawn.values())
        raised = [x + 1 / 32 if seen == name else x for seen, x in zip(player.sees, values, strict=True)]
        should = player.expected(raised) - player.expected(values)
        if abs(should) > 1e-9 * player.size:
            first, then = (number(f"the {player.who}'s loss", player(*x)) for x in (values, raised))
            require((then - first) * should > 0, f"the {player.who}'s loss goes from {first:.10g} to {then:.10g}, "
                                                 f"and should {'rise' if should > 0 else 'fall'}")

    names = [("real", "real scores up"), ("fake", "fake scores up" if player.index == 0 else "the generator moves")]
    known = f"{player.formula}: raising {{}} scores by 1/32 moves both the same way" if player.named else (
        f"raising {{}} scores by 1/32 moves the {player.who}'s loss")
    return [Property(title, known.format(name),
                     player.inputs(grid, one=False), partial(moved, name))
            for name, title in names if name in player.sees and (player.index == 0 or name == "fake")]


def _value(
    player: _Player, tolerances: tuple[float, float], name: str = "", scores: SearchStrategy | None = None,
    debatable: str = "", dtype: Any = float,
) -> Property:
    rtol, atol = tolerances

    def holds(**drawn: Any) -> None:
        values = player.values(*drawn.values())
        equal(f"the {player.who}'s loss", player(*values), player.expected(values), rtol, atol * player.size)

    drawn = player.inputs(scores, dtype)
    return Property(f"{player.who}'s value{name}", player.formula, drawn, holds, debatable=debatable)


def _value_where_sure(player: _Player, tolerances: tuple[float, float]) -> Property:
    # Beyond |s| = 9.2 D is within 1e-4 of 0 or 1, beyond 37 it rounds to it, beyond 89 float32's e^s overflows
    end = player.assumed.kind.sure
    scores = st.one_of(st.sampled_from([-end, -9.21, 9.21, end]), st.floats(-end, end))
    where = " where D is sure"
    if player.probabilities:
        of_d = st.sampled_from([1e-4, 1e-7, 1e-9, 1 - 1e-4, 1 - 1e-7])
        return _value(player, tolerances, where, of_d, DIGITS)
    return _value(player, tolerances, where, scores)


def _keeps_float32(players: Sequence[_Player]) -> Property:
    """A NumPy float64 scalar, unlike a Python float, promotes float32: twice the memory and half the speed."""
    drawn = [player.inputs(dtype="float32", one=False) for player in players]
    titles = [next(iter(inputs)) for inputs in drawn]

    def holds(**values: Any) -> None:
        for title, player in zip(titles, players, strict=True):
            given = player.values(values[title])
            loss = player(*given)
            dtype = str(getattr(loss, "dtype", "float32")).removeprefix("torch.")
            require(dtype == "float32", f"the {player.who}'s loss of float32 inputs is {dtype}")

    return Property("float32 stays float32", "the loss of float32 inputs is float32",
                    {title: strategy for inputs in drawn for title, strategy in inputs.items()}, holds)


def _of_any_pair(players: Sequence[_Player], direction: int) -> list[Property]:
    """What holds of every kind, so that it can be asked of a loss of none."""
    critic = next((player for player in players if player.index == 0), None)
    generator = next((player for player in players if player.index == 1), None)
    rows = []
    if critic is not None and generator is not None:
        three = inputs(("real", "fake", "fake"), st.floats(-3, 3, allow_subnormal=False), sizes=[SIZE])
        rows.append(Property(
            "differences alone", "a critic whose loss is the same for s + c, s̃ + c as for s, s̃ knows differences of "
            "scores alone; then c must not change what a step of the generator gains either",
            {"real_fake_moved": next(iter(three.values()))}, partial(_differences_alone, critic.loss, generator)))
    if critic is not None:
        rows.append(Property(
            "the best critic is not sure", "where x is of the data in 2 of 3 cases, a score that says so costs less "
            "than one without end, if the loss levels off at all", {}, partial(_not_sure, critic.loss, direction),
            debatable=SATURATES))
    return rows


def _differences_alone(critic: Loss, generator: _Player, real_fake_moved: tuple) -> None:
    apart = np.array([[0.3], [-1.1], [2.3], [0.7]])  # of equal scores many a loss makes nothing
    s, t, moved = (x + c * apart for x, c in zip(real_fake_moved, (1.0, -0.5, -0.5), strict=True))
    value = number("the critic's loss", critic(s, t))
    shifts = [number("the critic's loss", critic(s + c, t + c)) for c in (1.5, 40.0, -40.0)]
    if not np.allclose(shifts, value, rtol=1e-9, atol=1e-9):
        return

    def gain(c: float) -> float:
        before, after = ([x + c for x in ([s, fake] if len(generator.sees) == 2 else [fake])] for fake in (t, moved))
        return number("the generator's loss", generator(*after)) - number("it", generator(*before))

    equal("the gain of a step of the generator's, all scores moved by 1.5,", gain(1.5), gain(0.0), 1e-6, 1e-8)


def _not_sure(critic: Loss, direction: int) -> None:
    """Two kinds of points: two real in three, one real in three; a critic of ±r, r = 0 … 64. Every pair occurs."""
    mostly_real = np.array([[1.0], [1.0], [-1.0]]) * direction
    real, fake = np.repeat(mostly_real, 3, axis=0), np.tile(-mostly_real, (3, 1))
    radii = [0.0, *(2.0**k for k in range(-3, 7))]
    values = [number("the critic's loss", critic(r * real, r * fake)) for r in radii]
    gain = values[0] - values[-1]
    level = abs(values[-1] - values[-2]) <= 1e-6 * abs(gain)
    at_most("its gain from being sure, with no slope left, over saying what it knows",
            gain if level else 0.0, values[0] - min(values[:-3]))


def _gradient(player: _Player, gradient: Loss, rtol: float) -> Property:
    """∂L/∂ of each score by the slopes of a kind of terms, at every score; of another by differences of the loss."""
    slopes = player.named and player.assumed.kind.slopes is not None and player.sees_scores
    # Never where a hinge has its kink: 0.1234, -0.1266, 0.3734, ...
    wide = st.integers(-1200, 1199).map(lambda k: k / 4 + 0.1234)
    elements = wide if slopes and not player.probabilities else st.floats(0.1, 0.9)
    inner = range(2) if player.index == 0 else [next((k for k, x in enumerate(player.sees) if x.startswith("fake")), 0)]

    def holds(**drawn: Any) -> None:
        values = player.values(*drawn.values())
        found = gradient(*[x if np.isscalar(x) else x.copy() for x in values])
        found = found if player.index == 0 else (found,)
        require(len(found) == len(inner), f"{len(found)} gradients, not {len(inner)}")
        for k, g in zip(inner, found, strict=True):
            g = array("∂L/∂s", g, values[k].shape)
            if slopes:
                equal("∂L/∂s", g, player.assumed.slope(k if player.index == 0 else 2, values[k]), rtol, 1e-15)
            else:
                equal("∂L/∂s", g, _differences(player, values, k, g), 1e-5, 1e-7 * player.size)

    formula = "∂L/∂sᵢ is the slope of its term" if slopes else "the central difference of the loss"
    return Property(f"{player.who}'s gradient", f"{formula}: {player.formula}", player.inputs(elements), holds)


def _differences(loss: Loss, values: Sequence[Any], k: int, found: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """∂L/∂ of the k-th argument, by central differences: error O(h²) + O(ulp/h). At a kink any slope between is right.
    """
    def moved(i: int, step: float) -> float:
        other: list[Any] = [x if np.isscalar(x) else x.copy() for x in values]
        other[k].flat[i] += step
        return number("the loss", loss(*other))

    here = number("the loss", loss(*values))
    ends = np.array([[(moved(i, h) - here) / h, (here - moved(i, -h)) / h] for i in range(values[k].size)])
    kinks = np.ptp(ends, axis=1) > 1e-3 * (1 + np.abs(ends).max(axis=1))
    slopes = np.where(kinks, np.clip(found.reshape(-1), ends.min(axis=1), ends.max(axis=1)), ends.mean(axis=1))
    return slopes.reshape(values[k].shape)
