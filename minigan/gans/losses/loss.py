"""What a loss is: a row of formulas over what the critic makes of a real and of a fake batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from numbers import Real

from minigan.autodiff import Tensor, sigmoid
from minigan.gans.losses.critic_output import Batch
from minigan.gans.losses.distance import Distance
from minigan.gans.losses.heads import SCALAR, Head

BATCH_AXES = (-2, -1)  # the axes of one run's scores
Scores = Callable[[Tensor, Tensor], Tensor]  # (real_scores, fake_scores), (..., batch, 1) each -> (...)
Objective = Callable[[Batch, Batch], Tensor]  # (real, fake) -> (...)


@dataclass(frozen=True)
class Loss:
    """A row: what the critic and the generator minimise, and what the critic's value says of a distance."""

    critic: Objective | None  # None: a model without a critic
    generator: Objective
    estimate: Scores  # a lower bound of ``estimates``, or if of nothing known E s(x) − E s(G(z))
    estimates: Distance | None  # of what; None if of nothing known
    power: int = 0  # the estimate in data units is the estimate times scale ** power
    score: str = "logit s(x)"  # what the score is, for the axis of a picture
    boundary: float | None = 0.0  # the score at which the critic cannot tell; None: there is none
    verdict: Callable[[Tensor], Tensor] | None = sigmoid  # score -> P(data | x), if the score says so much
    head: Head = SCALAR
    pretrain: Callable[[Batch], Tensor] | None = None  # what the critic minimises on real data, before the game
    unbounded: bool = False  # the critic's loss has no lower bound unless something keeps the critic Lipschitz
    explicit: bool = False  # it asks for the generator's density
    constants: dict[str, float] = field(default_factory=dict)  # the numbers of its formula
    family: Callable[..., Loss] | None = None  # constants -> the row

    def with_constants(self, **changed: float) -> Loss:
        """The same loss with other constants; ValueError for one that it has not, or that is no finite number."""
        for name, value in changed.items():
            if name not in self.constants:
                has = ", ".join(f"{k} = {v:g}" for k, v in self.constants.items()) or "none"
                raise ValueError(f"this loss has no constant {name!r}; it has: {has}")
            if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value):
                raise ValueError(f"the constant {name} must be a finite number, not {value!r}")
        if self.family is None:
            return self
        return self.family(**self.constants | {name: float(value) for name, value in changed.items()})


def of_scores(critic: Scores, generator: Callable[[Tensor], Tensor]) -> tuple[Objective, Objective]:
    """Two players who look at scores alone: (real_scores, fake_scores) -> (...), and fake_scores -> (...)."""
    return (lambda real, fake: critic(real.scores, fake.scores)), (lambda real, fake: generator(fake.scores))


def without_critic(generator: Objective, explicit: bool = False) -> Loss:
    """A model whose generator learns alone."""
    return Loss(None, generator, contrast, None, score="", boundary=None, verdict=None, explicit=explicit)


def contrast(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """E s(x) − E s(G(z))."""
    return real_scores.mean(BATCH_AXES) - fake_scores.mean(BATCH_AXES)
