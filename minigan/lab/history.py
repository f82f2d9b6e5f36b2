"""What is measured of a run as it goes: a row of numbers, every now and then."""

import numpy as np

from minigan.lab.data import Data
from minigan.lab.model import Model
from minigan.lab.reference import draw_reference, scores

W1_SAMPLES = 512  # for the exact W₁ during a run: fewer than at its end, since it is computed often
COLUMNS = [
    "step", "critic_loss", "generator_loss", "estimate", "slope", "w1", "w1_floor",
    "modes_found", "modes_solid", "high_quality", "reverse_kl",
]


def measure(model: Model, data: Data, rng: np.random.Generator, step: int) -> dict[str, float]:
    """What COLUMNS has of a model but for step and losses; rng draws the fakes, ``draw_reference`` the data.

    W₁ and the floor are between W1_SAMPLES points each (or ``samples``, if those are fewer).
    """
    fake = model.sample(rng, model.config.samples)
    real, ceiling, _ = draw_reference(data, model.config.seed, len(fake), step)
    first = slice(W1_SAMPLES)
    row = scores(data, fake, real, W1_SAMPLES)
    if ceiling is not None:
        row |= {"w1_floor": scores(data, ceiling, real, W1_SAMPLES)["w1"]}
    if model.config.loss.critic is not None:
        row |= {"estimate": model.estimate(real, fake), "slope": model.slope(real[first], fake[first])}
    return row
