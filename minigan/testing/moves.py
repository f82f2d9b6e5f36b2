"""What must hold of a training step: a function for each property that ``steps.py`` lists.

Slopes are central differences of a player's loss, believed only where rounding and kinks leave digits.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minigan.testing.holders import arrays_in, buffers_in, write
from minigan.testing.players import Arrays, Training
from minigan.testing.properties import Wrong, require, show

COORDINATES = 30  # of each player, whose slopes are compared with how they moved, from each of two places
BOUND = 20.0  # a loss whose values lie closer together than that, however large the scores, is bounded


# -- losses and their slopes ----------------------------------------------------------------------
def repeats(training: Training) -> None:
    """Two calls of a loss give one value, and a finite one."""
    at = training.start()["parameters"]
    for name in training.players:
        first, again = training.loss(name, at), training.loss(name, at)
        require(np.isfinite(first), f"the loss of {name} is {first}")
        require(abs(first - again) <= 1e-6 * abs(first) + 1e-12, f"the loss of {name} is {show(first)}, then "
                f"{show(again)}: fix the batch, or let reseed= seed the generators that draw it")


def _slope(training: Training, name: str, at: Mapping[str, Arrays], direction: Arrays) -> float:
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


def _dependent(training: Training, name: str, at: Mapping[str, Arrays]) -> list[str]:
    """The arrays of a player that its loss depends on: the slope in one of two random directions is not 0."""
    rng = np.random.default_rng(training.seed)

    def depends(key: str, x: np.ndarray) -> bool:
        directions = [rng.standard_normal(x.shape) for _ in range(2)]
        return any(not np.isnan(_slope(training, name, at, {key: d})) for d in directions)

    return [key for key, x in at[name].items() if depends(key, x)]


def reached(training: Training) -> None:
    """Each loss changes with some array of its player."""
    at = training.start()["parameters"]
    unreached = [name for name in training.players if not _dependent(training, name, at)]
    require(not unreached, f"the loss of {' and of '.join(unreached)} does not change with any of its parameters")


def _moved(before: Arrays, after: Arrays) -> list[str]:
    return [key for key, x in before.items() if key not in after or not np.array_equal(x, after[key], equal_nan=True)]


def moves(training: Training) -> None:
    """Each array whose slope is not 0 has moved, and is finite."""
    at = training.start()["parameters"]
    for name in training.players:
        after = training.taken(training.mover(name))["parameters"][name]
        require(all(np.isfinite(x).all() for x in after.values()), f"parameters of {name} are not finite after a step")
        moved = _moved(at[name], after)
        still = [key for key in _dependent(training, name, at) if key not in moved]
        require(not still, f"{name} stayed where it was, though its loss depends on it: {', '.join(still)} (in no "
                "optimiser, cut off from the loss, a loss that is never differentiated, or a step that writes into "
                f"something else; what stays on purpose is left out by Part){_boxed(training, name, after)}")
        require(moved, f"nothing of {name} moved")


def _boxed(training: Training, name: str, after: Arrays) -> str:
    """What to declare where, after a step, several parameters lie at either bound of [−c, c], and none beyond."""
    w = _flat(after)
    c = float(np.abs(w).max())
    if training.players[name].clip or min((w == c).sum(), (w == -c).sum()) < 2:
        return ""
    return f"; several of its parameters lie at ±{c:.6g}, none beyond: if weights are clipped, say clip={c:.6g}"


def downhill(training: Training, share: float) -> None:
    """Δθᵢ ∂L/∂θᵢ < 0, from one or two places; of all players in one step there, or where the others came to."""
    for before in _places(training):
        for name in training.players:
            training.begin()
            training.put(before)
            training.steps[training.mover(name)]()
            after = training.now()
            points = [before] if training.apart else [before, {**after, name: before[name]}]
            agreed, tried = max(_agreement(training, name, at, after[name]) for at in points)
            hint = "its gradient has the wrong sign" if agreed < 0.1 else (
                "part of its loss is not differentiated, or another loss's gradient, or a step's before, is in it; or "
                "the optimiser decays weights or has stepped before: agreement=")
            require(not tried or agreed >= share, f"{name} moved down along {agreed:.1%} of its {tried} slopes tried, "
                    f"by size, not {share:.0%}: {hint}{_boxed(training, name, after[name])}")


def _places(training: Training) -> list[dict[str, Arrays]]:
    """The start and another place; of a player clipped to |w| ≤ c within c/2, so that a step is not a clipping."""
    rng = np.random.default_rng(training.seed)
    start = training.start()["parameters"]
    other = {name: {key: _elsewhere(x, rng) for key, x in own.items()} for name, own in start.items()}
    half = {name: player.clip / 2 or np.inf for name, player in training.players.items()}
    # What a module keeps, such as spectral norm's u and v, belongs to the parameters that it has at the start
    keeps = any(buffers_in(player.parameters) for player in training.players.values())
    return [{name: {key: x.clip(-half[name], half[name]) for key, x in own.items()} for name, own in at.items()}
            for at in ([start] if keeps else [start, other])]


def _agreement(training: Training, name: str, at: Mapping[str, Arrays], after: Arrays) -> tuple[float, int]:
    """(Σ |∂L/∂θᵢ| over the coordinates that moved against their slope / over all tried, how many these are)."""
    own, rng = at[name], np.random.default_rng(training.seed)
    each = max(4, COORDINATES // len(own))
    slopes, ways = [], []
    for key, x in own.items():
        for i in rng.permutation(x.size)[:each]:
            unit = np.zeros(x.size)
            unit[i] = 1.0
            slopes.append(_slope(training, name, at, {key: unit.reshape(x.shape)}))
            ways.append(float(after[key].reshape(-1)[i]) - float(x.reshape(-1)[i]))
    g, moved = np.array(slopes), np.array(ways)
    seen = np.isfinite(g) & (moved != 0)  # what stays has a row of its own
    g, moved = g[seen], moved[seen]
    size = float(np.abs(g).sum())
    return (float(np.abs(g[g * moved < 0]).sum()) / size if size else 0.0), len(g)


# -- what else a step does ------------------------------------------------------------------------
def keeps_nothing(training: Training) -> None:
    """Step; put back; step elsewhere; put back; step: the first and the last end alike."""
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
            require(not where, f"{step} moves {' and '.join(where)} otherwise after {first}, taken elsewhere, though "
                    "all was put back: it kept a gradient (zero_grad), or something that is not in memory=")


def _elsewhere(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Other parameters of that size, where slopes have other signs."""
    size = max(float(np.sqrt(np.mean(x.astype(float) ** 2))), 0.1)
    return (size * rng.standard_normal(x.shape)).astype(x.dtype)


def _difference(start: Arrays, one: Arrays, other: Arrays) -> float:
    """max |one − other| / max |one − start| over all arrays; 0 if they are equal."""
    apart = max(float(np.abs(one[key] - other[key]).max(initial=0.0)) for key in start)
    moved = max(float(np.abs(one[key] - start[key]).max(initial=0.0)) for key in start)
    return apart / max(moved, 1e-300) if apart else 0.0


def own_only(training: Training) -> None:
    """No array of another player has moved."""
    at = training.start()["parameters"]
    for step in training.steps:
        after = training.taken(step)["parameters"]
        moved = [f"{name}'s {', '.join(_moved(own, after[name]))}" for name, own in at.items()
                 if name != step and _moved(own, after[name])]
        require(not moved, f"the step of {step} moves {'; '.join(moved)}")


def buffers(training: Training) -> None:
    """No buffer of another player has moved."""
    at = training.start()["buffers"]
    for step, reached in training.after.items():  # of those that went through: what raises is told elsewhere
        after = reached["buffers"]
        moved = [f"{name}'s {', '.join(_moved(own, after[name]))}" for name, own in at.items()
                 if name != step and _moved(own, after[name])]
        require(not moved, f"the step of {step} moves {'; '.join(moved)}")


def stays(training: Training) -> None:
    """Nothing that is frozen has moved."""
    at = training.start()["frozen"]
    for step in training.steps:
        after = training.taken(step)["frozen"]
        moved = [f"{name}'s {', '.join(_moved(own, after[name]))}" for name, own in at.items()
                 if _moved(own, after[name])]
        require(not moved, f"{step} moves {'; '.join(moved)}")


def clipped(training: Training) -> None:
    """From weights up to 3c, none is beyond c after a step."""
    rng = np.random.default_rng(training.seed)
    for name, player in training.players.items():
        if not player.clip:
            continue
        own = training.start()["parameters"][name]
        training.put({name: {key: 3 * player.clip * rng.uniform(-1, 1, x.shape) for key, x in own.items()}})
        training.steps[training.mover(name)]()
        largest = max(float(np.abs(x).max(initial=0.0)) for x in training.now()[name].values())
        require(largest <= player.clip * (1 + 1e-6), f"|w| = {largest:.10g} of {name} after a step, c = "
                f"{player.clip:g}: clipped before the step, or not at all")


def averaged(training: Training) -> None:
    """From an average elsewhere, it moves by one share of its distance to the parameters."""
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


def unbounded(training: Training) -> None:
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
