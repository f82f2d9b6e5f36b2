"""What a loss may look at: a batch of points, and what the critic makes of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

from minigan.autodiff import Tensor, concat, split
from minigan.autodiff.functions import as_tensor


class CriticOutput(NamedTuple):
    """A critic's answer on a batch, one row a sample."""

    scores: Tensor  # (..., batch, 1)
    outputs: Tensor  # (..., batch, k): what the network says; a head makes the score of it
    features: Tensor  # (..., batch, h): the last hidden layer
    code: Tensor  # (..., batch, c): the narrowest hidden layer, an autoencoder's code


@dataclass(frozen=True)
class Batch:
    """A batch, real or fake, as the critic sees it: computed when a loss first asks, so what is not asked for is free.

    points: (..., batch, d), what the generator made or the data gave; evaluate: what the critic makes of them;
    labels: (..., batch, k), one-hot rows, zero where a sample has no label; log_p, log_q: the log-density
    of the data and of the generator at these points, where they are known, (..., batch).
    """

    points: Tensor
    evaluate: Callable[[], CriticOutput]
    labels: Tensor | None = None
    log_p: Callable[[Tensor], Tensor] | None = None
    log_q: Callable[[Tensor], Tensor] | None = None

    @cached_property
    def output(self) -> CriticOutput:
        return self.evaluate()

    scores = property(attrgetter("output.scores"))
    outputs = property(attrgetter("output.outputs"))
    features = property(attrgetter("output.features"))
    code = property(attrgetter("output.code"))


def scored(scores: Any) -> Batch:
    """A batch of which only the scores (..., batch, 1) are known: to try a loss on."""
    scores = as_tensor(scores)
    return Batch(scores, lambda: CriticOutput(scores, scores, scores, scores))


def in_one_pass(critic: Callable[[Tensor], CriticOutput], real: Tensor, fake: Tensor) -> tuple[Callable, Callable]:
    """The critic's outputs on both batches from one pass: half the calls, where rows do not see each other."""
    outputs: list[CriticOutput] = []
    n = real.shape[-2], fake.shape[-2]

    def part(k: int) -> CriticOutput:
        if not outputs:
            outputs.append(critic(concat([real, fake], axis=-2)))
        return CriticOutput(*(split(y, sizes=n, axis=-2)[k] for y in outputs[0]))

    return (lambda: part(0)), (lambda: part(1))
