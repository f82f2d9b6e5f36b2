"""Does a training step move each player, along its own loss, and nothing else?

Nothing is assumed of how the step is made: it is called, and what it changed is read. The slopes that it should follow
are differences of each player's loss, so that neither a detached graph nor a wrong gradient can hide. The worst
mistakes of real GAN code lie here, and no check of a formula sees them: a generator that is never reached, a loss that
is never differentiated, a softmax before a loss that takes logits, a gradient kept from the step before.

PyTorch (a step draws its own noise: ``reseed`` lets it and the loss draw alike; float64 sees most: ``net.double()``):

    check_training_step(
        {"critic": lambda: critic_step(real), "generator": lambda: generator_step(real)},
        {"critic": Player(D, lambda: critic_loss(D, G, real), judges=True), "generator": Player(G, lambda: g_loss(D, G))},
        memory=[opt_d, opt_g], frozen={"encoder": E}, reseed=lambda: torch.manual_seed(0))

NumPy, JAX and this package's tensors: whatever dictionary (or list, or object) the step writes its arrays into.

    check_training_step(step, {"critic": Player(Part(state, "w"), critic_loss), ...}, memory=[state])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from minigan.testing.holders import arrays_in, buffers_in, keep, numpy_of, restore, write
from minigan.testing.properties import Property, Skip, Wrong, require, run, show

Arrays = dict[str, np.ndarray]
COORDINATES = 40  # of each player, whose slopes are compared with how they moved
BOUND = 20.0  # a loss whose values lie closer together than that, however large the scores, is bounded


@dataclass(frozen=True)
class Player:
    """One who moves: its arrays and what it minimises, of the state as it is at the call, on the batch that steps use.

    parameters: whatever holds them (``holders.py``). loss: () -> a number, or several by name, whose sum it minimises.
    judges: it gives scores, and its loss has no bound where it is sure and wrong. clip: c, if |w| ≤ c after each step.
    average: the holder of a moving average of its parameters, in the same order.
    """

    parameters: Any
    loss: Callable[[], Any]
    judges: bool = False
    clip: float = 0.0
    average: Any = None


@dataclass(frozen=True)
class _Training:
    """The steps, the players, and how to come back to where they began."""

    steps: Mapping[str, Callable[[], Any]]
    players: Mapping[str, Player]
    frozen: Mapping[str, Any]
    apart: bool  # each player has a step of its own
    begin: Callable[[], None]
    again: Callable[[], None]  # the same for a loss, which no optimiser minds: theirs are slow to put back
    seed: int
    after: dict[str, dict[str, Any]] = field(default_factory=dict)  # what each step, taken first of all, led to

    def now(self) -> dict[str, Arrays]:
        return {name: arrays_in(player.parameters) for name, player in self.players.items()}

    def read(self) -> dict[str, Any]:
        """All that is looked at: parameters, buffers, averages, what is frozen."""
        averages = {name: p.average for name, p in self.players.items() if p.average is not None}
        return {
            "parameters": self.now(),
            "buffers": {name: buffers_in(player.parameters) for name, player in self.players.items()},
            "averages": {name: arrays_in(holder) for name, holder in averages.items()},
            "frozen": {name: arrays_in(holder) | buffers_in(holder) for name, holder in self.frozen.items()},
        }

    def start(self) -> dict[str, Any]:
        self.begin()
        return self.read()

    def taken(self, step: str) -> dict[str, Any]:
        """What there is after that step, from the start; it is taken once, before any other of its name."""
        if step not in self.after:
            self.begin()
            self.steps[step]()
            self.after[step] = self.read()
        return self.after[step]

    def put(self, arrays: Mapping[str, Arrays]) -> None:
        for name, values in arrays.items():
            write(self.players[name].parameters, values)

    def terms(self, name: str, at: Mapping[str, Arrays]) -> np.ndarray:
        """The terms of a player's loss at these parameters."""
        self.again()
        self.put(at)
        loss = self.players[name].loss()
        values = loss.values() if isinstance(loss, Mapping) else loss if isinstance(loss, tuple | list) else [loss]
        numbers = [numpy_of(value).astype(float) for value in values]
        require(all(x.size == 1 for x in numbers), f"the loss of {name} has shape {[x.shape for x in numbers]}, not ()")
        return np.array([float(x.reshape(())) for x in numbers])

    def loss(self, name: str, at: Mapping[str, Arrays]) -> float:
        return float(self.terms(name, at).sum())

    def mover(self, name: str) -> str:
        """The step in which a player moves."""
        return name if self.apart else next(iter(self.steps))


def check_training_step(
    step: Callable[[], Any] | Mapping[str, Callable[[], Any]], players: Mapping[str, Player], *,
    memory: Sequence[Any] = (), frozen: Mapping[str, Any] | None = None, reseed: Callable[[], Any] | None = None,
    agreement: float | None = None, seed: int = 0, skip: Skip = (),
) -> list[str]:
    """After a step each player has moved, down its own loss and not another's; nothing is kept, nothing else moved.

    step: one of each player by its name, () -> anything, which sees most; or one function in which all of them move (in
    any order, or at once, the critic once or several times). memory: what else a step remembers, to be put back between
    the steps that are tried: optimisers, their moments and counts, random generators. frozen: by name, what no step may
    move. reseed: called before every step and every loss. agreement: the share of the slopes tried, by size, along
    which a player must move down: .95, or .75 of all players in one step, where one moves on from where another came
    to. Steps should be the optimiser's first: later ones follow the past too. An optimiser that decays weights by
    itself, or mixes coordinates, needs less. All is put back at the end, but for a gradient that ``.grad`` holds.
    Returns the names of the properties that hold. PropertyError: one does not. ValueError: a step of no player.
    """
    apart = isinstance(step, Mapping)
    steps = dict(step) if isinstance(step, Mapping) else {getattr(step, "__name__", "the step"): step}
    if apart and steps.keys() != players.keys():
        raise ValueError(f"steps of {', '.join(steps)}, and players {', '.join(players)}: each needs the other")
    frozen = dict(frozen or {})
    averages = [player.average for player in players.values() if player.average is not None]
    holders = [*(player.parameters for player in players.values()), *memory, *frozen.values(), *averages]
    kept = [(holder, keep(holder)) for holder in holders]

    def back(ones: list[Any]) -> None:
        for one in ones:
            restore(one)
        if reseed is not None:
            reseed()

    begin = partial(back, [one for _, one in kept])
    again = partial(back, [one for holder, one in kept if not hasattr(holder, "param_groups")])
    training = _Training(steps, players, frozen, apart, begin, again, seed)
    share = agreement if agreement is not None else 0.95 if apart else 0.75
    rows = [_once(row, training) for row in _rows(training, share)]
    try:
        return run([SimpleNamespace(__name__=f"a training step ({', '.join(steps)})")], rows, 1, seed, skip)
    finally:
        begin()


def _rows(training: _Training, share: float) -> list[Property]:
    def row(name: str, formula: str, holds: Callable[[_Training], None], debatable: str = "") -> Property:
        return Property(name, formula, {}, partial(holds, training), debatable=debatable)

    rows = [
        row("the same loss twice", "a loss depends on the parameters and on a batch that stays", _repeats),
        row("reached", "each player's loss depends on its parameters", _reached),
        row("moves", "each array that a player's loss depends on moves in its step", _moves),
        row("downhill", "a player moves against the slopes of its own loss: sign Δθᵢ = −sign ∂L/∂θᵢ",
            partial(_downhill, share=share)),
        row("nothing is kept", "a step depends on the parameters, the optimiser's state and the batch alone: "
            "a step elsewhere, with all that put back, changes nothing", _keeps_nothing),
    ]
    if training.apart:
        rows.append(row("its own only", "in a player's step no other player moves", _own_only))
        rows.append(row("buffers of others", "in a player's step no buffer of another player moves", _buffers,
                        "running statistics of the generator move in the critic's step too, where it makes a batch "
                        "in training mode; whether they should is a matter of taste"))
    players = training.players.values()
    if training.frozen:
        rows.append(row("frozen", "what is frozen stays, bit for bit", _stays))
    if any(player.clip for player in players):
        rows.append(row("clipped", "|w| ≤ c after the step, from wherever it starts", _clipped))
    if any(player.average is not None for player in players):
        rows.append(row("average", "EMA′ = β EMA + (1−β) θ′, one β in (0, 1), in the player's own step alone", _averaged))
    if any(player.judges for player in players):
        rows.append(row("punished where sure and wrong", "a loss of raw scores grows without bound with the scores",
                        _unbounded))
    return rows


def _once(row: Property, training: _Training) -> Property:
    """The row, tried once: where a step keeps a gradient, a second try would find something else."""
    outcome: list[Exception | None] = []

    def tried() -> None:
        if not outcome:
            try:
                row.holds()
                outcome.append(None)
            except Exception as error:
                outcome.append(error)
        if outcome[0] is not None:
            raise outcome[0]

    return Property(row.name, row.formula, {}, tried, debatable=row.debatable)


# -- losses and their slopes ----------------------------------------------------------------------
def _repeats(training: _Training) -> None:
    at = training.start()["parameters"]
    for name in training.players:
        first, again = training.loss(name, at), training.loss(name, at)
        require(np.isfinite(first), f"the loss of {name} is {first}")
        require(abs(first - again) <= 1e-6 * abs(first) + 1e-12, f"the loss of {name} is {show(first)}, then "
                f"{show(again)}: fix the batch, or let reseed= seed the generators that draw it")


def _slope(training: _Training, name: str, at: Mapping[str, Arrays], direction: Arrays) -> float:
    """d/dh L(θ + h direction) by central differences; nan where rounding, or a kink nearby, leaves no digit."""
    own = at[name]
    dtype = np.result_type(*own.values())
    size = max(float(np.sqrt(np.mean([np.mean(x.astype(float) ** 2) for x in own.values()]))), 1e-3)
    h = float(np.cbrt(np.finfo(dtype).eps)) * size

    def loss(step: float) -> float:
        moved = {key: (own[key] + step * d).astype(own[key].dtype) for key, d in direction.items()}
        return training.loss(name, {**at, name: {**own, **moved}})

    values = {k: loss(k * h) for k in (-2, -1, 1, 2)}
    noise = 100 * float(np.finfo(dtype).eps) * max(map(abs, values.values())) / h
    near, wide = (values[1] - values[-1]) / (2 * h), (values[2] - values[-2]) / (4 * h)
    trusted = abs(near) > noise and abs(near - wide) <= 0.1 * abs(near)
    return near if trusted else float("nan")


def _dependent(training: _Training, name: str, at: Mapping[str, Arrays]) -> list[str]:
    """The arrays of a player that its loss depends on: the slope in one of two random directions is not 0."""
    rng = np.random.default_rng(training.seed)

    def depends(key: str, x: np.ndarray) -> bool:
        directions = [rng.standard_normal(x.shape) for _ in range(2)]
        return any(not np.isnan(_slope(training, name, at, {key: d})) for d in directions)

    return [key for key, x in at[name].items() if depends(key, x)]


def _reached(training: _Training) -> None:
    at = training.start()["parameters"]
    unreached = [name for name in training.players if not _dependent(training, name, at)]
    require(not unreached, f"the loss of {' and of '.join(unreached)} does not change with any of its parameters")


def _moved(before: Arrays, after: Arrays) -> list[str]:
    return [key for key, x in before.items() if key not in after or not np.array_equal(x, after[key], equal_nan=True)]


def _moves(training: _Training) -> None:
    at = training.start()["parameters"]
    for name in training.players:
        after = training.taken(training.mover(name))["parameters"][name]
        require(all(np.isfinite(x).all() for x in after.values()), f"parameters of {name} are not finite after a step")
        moved = _moved(at[name], after)
        still = [key for key in _dependent(training, name, at) if key not in moved]
        require(not still, f"{name} stayed where it was, though its loss depends on it: {', '.join(still)} (in no "
                "optimiser, cut off from the loss, or a loss that is never differentiated; what stays on purpose is "
                "left out by Part)")
        require(moved, f"nothing of {name} moved")


def _downhill(training: _Training, share: float) -> None:
    before = _inside_clip(training)
    for name in training.players:
        training.begin()
        training.put(before)
        training.steps[training.mover(name)]()
        after = training.now()
        points = [before] if training.apart else [before, {**after, name: before[name]}]
        agreed, tried = max(_agreement(training, name, at, after[name]) for at in points)
        hint = "its gradient has the wrong sign" if agreed < 0.1 else (
            "part of its loss is not differentiated, or another loss's gradient, or a step's before, is in it; or the "
            "optimiser decays weights or has stepped before: agreement=")
        require(not tried or agreed >= share,
                f"{name} moved down along {agreed:.0%} of its slopes by size, of {tried} tried, not {share:.0%}: {hint}")


def _inside_clip(training: _Training) -> dict[str, Arrays]:
    """The start; of a player that is clipped to |w| ≤ c, within c/2, so that a step is not a clipping."""
    at = training.start()["parameters"]
    half = {name: player.clip / 2 or np.inf for name, player in training.players.items()}
    return {name: {key: x.clip(-half[name], half[name]) for key, x in own.items()} for name, own in at.items()}


def _agreement(training: _Training, name: str, at: Mapping[str, Arrays], after: Arrays) -> tuple[float, int]:
    """(Σ |∂L/∂θᵢ| over the coordinates that moved against their slope / over all that were tried, how many these are)."""
    own, rng = at[name], np.random.default_rng(training.seed)
    each = max(4, COORDINATES // len(own))
    slopes, moves = [], []
    for key, x in own.items():
        for i in rng.permutation(x.size)[:each]:
            unit = np.zeros(x.size)
            unit[i] = 1.0
            slopes.append(_slope(training, name, at, {key: unit.reshape(x.shape)}))
            moves.append(float(after[key].reshape(-1)[i]) - float(x.reshape(-1)[i]))
    g, moved = np.array(slopes), np.array(moves)
    g, moved = g[np.isfinite(g)], moved[np.isfinite(g)]
    size = float(np.abs(g).sum())
    return (float(np.abs(g[g * moved < 0]).sum()) / size if size else 0.0), len(g)


# -- what else a step does ------------------------------------------------------------------------
def _keeps_nothing(training: _Training) -> None:
    rng = np.random.default_rng(training.seed)
    for step in training.steps:
        start, expected = training.start()["parameters"], training.taken(step)["parameters"]
        for first in training.steps:
            training.begin()
            training.put({name: {key: _elsewhere(x, rng) for key, x in own.items()} for name, own in start.items()})
            training.steps[first]()
            training.begin()
            training.steps[step]()
            other = training.now()
            where = [f"{name} (by up to {worst:.3g} of its move)" for name in start
                     for worst in [_difference(start[name], expected[name], other[name])] if worst > 1e-4]
            require(not where, f"{step} moves {' and '.join(where)} otherwise after {first}, taken elsewhere, though all "
                    "was put back: it kept a gradient (zero_grad), or something that is not in memory=")


def _elsewhere(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Other parameters of that size, where slopes have other signs."""
    size = max(float(np.sqrt(np.mean(x.astype(float) ** 2))), 0.1)
    return (size * rng.standard_normal(x.shape)).astype(x.dtype)


def _difference(start: Arrays, one: Arrays, other: Arrays) -> float:
    """max |one − other| / max |one − start| over all arrays; 0 if they are equal."""
    apart = max(float(np.abs(one[key] - other[key]).max(initial=0.0)) for key in start)
    moved = max(float(np.abs(one[key] - start[key]).max(initial=0.0)) for key in start)
    return apart / max(moved, 1e-300) if apart else 0.0


def _own_only(training: _Training) -> None:
    at = training.start()["parameters"]
    for step in training.steps:
        after = training.taken(step)["parameters"]
        moved = [f"{name}'s {', '.join(_moved(own, after[name]))}" for name, own in at.items()
                 if name != step and _moved(own, after[name])]
        require(not moved, f"the step of {step} moves {'; '.join(moved)}")


def _buffers(training: _Training) -> None:
    at = training.start()["buffers"]
    for step in training.steps:
        after = training.taken(step)["buffers"]
        moved = [f"{name}'s {', '.join(_moved(own, after[name]))}" for name, own in at.items()
                 if name != step and _moved(own, after[name])]
        require(not moved, f"the step of {step} moves {'; '.join(moved)}")


def _stays(training: _Training) -> None:
    at = training.start()["frozen"]
    for step in training.steps:
        after = training.taken(step)["frozen"]
        moved = [f"{name}'s {', '.join(_moved(own, after[name]))}" for name, own in at.items() if _moved(own, after[name])]
        require(not moved, f"{step} moves {'; '.join(moved)}")


def _clipped(training: _Training) -> None:
    rng = np.random.default_rng(training.seed)
    for name, player in training.players.items():
        if not player.clip:
            continue
        own = training.start()["parameters"][name]
        training.put({name: {key: (3 * player.clip * rng.uniform(-1, 1, x.shape)).astype(x.dtype) for key, x in own.items()}})
        training.steps[training.mover(name)]()
        largest = max(float(np.abs(x).max(initial=0.0)) for x in training.now()[name].values())
        require(largest <= player.clip * (1 + 1e-6), f"|w| = {largest:.10g} of {name} after a step, c = {player.clip:g}: "
                "clipped before the step, or not at all")


def _averaged(training: _Training) -> None:
    rng = np.random.default_rng(training.seed)
    for step in training.steps:
        training.begin()
        for player in training.players.values():  # away from the parameters, where an average begins
            if player.average is not None:
                write(player.average, {key: _elsewhere(x, rng) for key, x in arrays_in(player.average).items()})
        before = training.read()
        training.steps[step]()
        after = training.read()
        for name, old in before["averages"].items():
            new = after["averages"][name]
            if training.apart and name != step:
                require(not _moved(old, new), f"the average of {name} moves in the step of {step}")
            else:
                _one_rate(name, old, new, before["parameters"][name], after["parameters"][name])


def _one_rate(name: str, old: Arrays, new: Arrays, before: Arrays, after: Arrays) -> None:
    """EMA′ − EMA = (1−β)(θ − EMA), θ after the step or before it (a convention)."""
    require([x.shape for x in old.values()] == [x.shape for x in after.values()],
            f"the average of {name} holds {list(old)}, and {name} {list(after)}")
    change = _flat(new) - _flat(old)
    misfits = []
    for theta in (after, before):
        pull = _flat(theta) - _flat(old)
        rate = float(change @ pull / (pull @ pull))
        misfits.append((float(np.abs(change - rate * pull).max() / np.abs(pull).max()), rate))
    misfit, rate = min(misfits)
    require(0 < rate < 1 and misfit < max(1e-5 * rate, 1e-7), f"the average of {name} moves by {rate:.4g} of its "
            f"distance to the parameters, give or take {misfit:.2g}")


def _flat(arrays: Arrays) -> np.ndarray:
    return np.concatenate([x.astype(float).reshape(-1) for x in arrays.values()])


def _unbounded(training: _Training) -> None:
    """Every term of a judge's loss, at parameters larger and larger: what is squashed first stays in a small range."""
    rng = np.random.default_rng(training.seed)
    at = training.start()["parameters"]
    for name, player in training.players.items():
        if not player.judges:
            continue
        draws = [{key: _elsewhere(x, rng) for key, x in at[name].items()} for _ in range(12)]
        values = np.array([training.terms(name, {**at, name: {key: k * x for key, x in draw.items()}})
                           for draw in draws for k in (1e2, 1e4)])
        low, high = values.min(axis=0), values.max(axis=0)
        for k in np.flatnonzero(high - low < BOUND):  # what has overflown is not bounded
            raise Wrong(f"term {k} of the loss of {name} stays between {low[k]:.4g} and {high[k]:.4g} with parameters "
                        "10⁴ times as large: a sigmoid, softmax or tanh comes before a loss of raw scores (logits)")
