"""Who takes part in a training step, and how to read, call and put back what the step changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigan.testing.holders import arrays_in, buffers_in, numpy_of, write
from minigan.testing.properties import require

Arrays = dict[str, np.ndarray]


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
class Training:
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
