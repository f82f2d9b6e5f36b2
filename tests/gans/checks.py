"""Checks that the tests give to our own players, and to the wrong ones of ``faults.py``. Each raises AssertionError."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from minigan.autodiff import record
from minigan.gans.players import Players
from minigan.lab.train import Training
from tests.gans import reference
from tests.gans.tiny import Arrays, movers, point, taken, tensors

POINTS = [(0, 1.0), (1, 3.0)]  # (seed, how large w is): in the second some hinges are open and some shut
ETA = 0.05  # short, for those who look ahead


def steps_are_gradients(run: Training, players: Players, sure: float = 0.0) -> None:
    """(x − x′)/η of each player's plain step is ∇L, L by ``reference.py`` and ∇ by central differences.

    sure: what all scores are raised by.
    """
    for (seed, size), player in product(POINTS, movers(run)):
        state, inputs = point(run, seed, ETA)
        state["w"] = size * state["w"]
        state["w"][-1] += sure
        new = taken(players, player, state, inputs)
        claimed = (state[player] - new[player]) / ETA
        at = start(run, player, state, inputs)
        agrees(claimed, partial(loss_at, run, player, at, inputs), at[player], f"{run.config.recipe}, {player}")


def loss_at(run: Training, player: str, state: Arrays, inputs: Arrays, x: np.ndarray) -> float:
    return reference.value(run.config, player, state | {player: x}, inputs)


def start(run: Training, player: str, state: Arrays, inputs: Arrays) -> Arrays:
    """Where a step takes its gradient: a critic's with u and v one iteration on, an extra-gradient's a step ahead."""
    c, advanced = run.config, state
    if c.spectral_norm and (player == "w" or c.update != "alternating"):
        advanced = state | {"w.s": reference.iterated(run.game.critic, state["w"], state["w.s"])}
    if c.update == "extragradient":
        ahead = taken(replace(run.players, update="simultaneous"), player, state, inputs)
        return advanced | {p: ahead[p] for p in ("w", "theta")}
    return advanced


def agrees(claimed: np.ndarray, f: Any, x: np.ndarray, what: str, rtol: float = 1e-6, directions: int = 3) -> None:
    """⟨claimed, v⟩ = d/dε f(x + εv) for random v of length 1."""
    rng = np.random.default_rng(0)
    for _ in range(directions):
        v = rng.normal(size=x.shape)
        v /= np.linalg.norm(v)
        measured, said = along(f, x, v), float((claimed * v).sum())
        scale = max(np.linalg.norm(claimed), abs(measured))
        near = abs(said - measured) <= rtol * scale + 1e-14
        assert near, f"{what}: the step says {said:.9g}, differences {measured:.9g}"
        assert scale > 0, f"{what} does not depend on its player"


def along(f: Any, x: np.ndarray, v: np.ndarray, h: float = 1e-3) -> float:
    """d/dε f(x + εv) by two central differences, extrapolated: error O(h⁴)."""
    coarse, fine = [(f(x + s * v) - f(x - s * v)) / (2 * s) for s in (h, h / 2)]
    return (4 * fine - coarse) / 3


def downhill(run: Training, players: Players) -> None:
    """A short step of a player's own optimiser, from empty slots, moves it, and lowers what it minimises."""
    for seed in range(3):
        state, inputs = point(run, seed, eta=1e-5)
        state["w"] = 0.4 * state["w"]  # scores near 0: the conjugates of some f are flat far below
        for player in movers(run):
            at = start(run, player, state, inputs)
            new = taken(players, player, state, inputs)[player]
            assert np.abs(new - state[player]).max() > 0, f"{player} never moves"
            before, after = (reference.value(run.config, player, at | {player: x}, inputs)
                             for x in (state[player], new))
            assert after < before, f"{player} went uphill: {before} -> {after}"


def learned(players: Players, player: str, state: Arrays, inputs: Arrays, steps: int, eta: float) -> Arrays:
    """The state after so many recorded steps of one player alone, on one batch."""
    step = {"w": players.critic_step, "theta": players.generator_step}[player]
    state = {name: np.array(x) for name, x in state.items()}
    inputs = inputs | {f"eta.{p}": np.full((), eta) for p in ("w", "theta")}
    program = record(step, state, inputs)
    for t in range(1, steps + 1):
        program(**{f"t.{player}": np.full((), float(t))})
    return state


def the_right_way(run: Training, players: Players, low_is_real: bool = False, steps: int = 60) -> None:
    """A critic that learns alone tells data from fakes; then a generator that learns alone is taken for data."""
    players = replace(players, update="alternating")
    state, inputs = point(run, 1)
    state["w"] = 0.3 * state["w"]
    inputs["real"] = inputs["real"] * 0.3 + 1.5
    sign = -1.0 if low_is_real else 1.0

    def scores(state: Arrays) -> list[float]:
        game = run.game  # an honest one looks on
        seen = game.batches(tensors(state), tensors(inputs))
        return [sign * batch.scores.value.mean() for batch in seen]

    if run.config.loss.critic is not None:
        before = scores(state)
        state = learned(players, "w", state, inputs, steps, 0.03)
        real, fake = scores(state)
        told = real - fake > max(0.01, before[0] - before[1])
        assert told, f"the critic scores data {real}, fakes {fake}; before {before}"
        moved = learned(players, "theta", state, inputs, steps, 0.03)
        assert np.abs(moved["theta"] - state["theta"]).max() > 1e-3, "the generator never moves"
        after = scores(moved)[1]
        assert after > fake + 1e-3, f"the generator's fakes were scored {fake}, and now {after}"
