"""What a loss may look at: a batch of points, and what the critic makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from minigan.autodiff import Tensor, concat, split
from minigan.autodiff.functions import as_tensor


class Look(NamedTuple):
    """A critic's answer on a batch, one row a sample."""

    scores: Tensor  # (..., batch, 1)
    outputs: Tensor  # (..., batch, k): what the network says; a head makes the score of it
    features: Tensor  # (..., batch, h): the last hidden layer
    code: Tensor  # (..., batch, c): the narrowest hidden layer, an autoencoder's code


@dataclass(frozen=True)
class Seen:
    """A batch, real or fake, as the critic sees it: computed when a loss first asks, so what is not asked for is free.

    points: (..., batch, d), what the generator made or the data gave; look: what the critic makes of them;
    labels: (..., batch, k), one-hot rows, zero where a sample has no label; log_p, log_q: the log-density
    of the data and of the generator at these points, where they are known, (..., batch).
    """

    points: Tensor
    look: Callable[[], Look]
    labels: Tensor | None = None
    log_p: Callable[[Tensor], Tensor] | None = None
    log_q: Callable[[Tensor], Tensor] | None = None

    @cached_property
    def seen(self) -> Look:
        return self.look()

    @property
    def scores(self) -> Tensor:
        return self.seen.scores

    @property
    def outputs(self) -> Tensor:
        return self.seen.outputs

    @property
    def features(self) -> Tensor:
        return self.seen.features

    @property
    def code(self) -> Tensor:
        return self.seen.code


def scored(scores: Any) -> Seen:
    """A batch of which only the scores (..., batch, 1) are known: to try a loss on."""
    scores = as_tensor(scores)
    return Seen(scores, lambda: Look(scores, scores, scores, scores))


def together(critic: Callable[[Tensor], Look], real: Tensor, fake: Tensor) -> tuple[Callable, Callable]:
    """The looks at both batches from one pass of the critic: half the calls, where rows do not see each other."""
    looks: list[Look] = []
    n = real.shape[-2], fake.shape[-2]

    def part(k: int) -> Look:
        if not looks:
            looks.append(critic(concat([real, fake], axis=-2)))
        return Look(*(split(y, sizes=n, axis=-2)[k] for y in looks[0]))

    return (lambda: part(0)), (lambda: part(1))
