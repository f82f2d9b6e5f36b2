"""What is measured of a run as it goes: a row of numbers, every now and then."""

import numpy as np

from minigan.lab.data import Data
from minigan.lab.model import Model
from minigan.lab.reference import draw_reference, scores

W1_SAMPLES = 512  # for the exact W₁ during a run: fewer than at its end, since it is computed often
COLUMNS = [
    "step", "critic_loss", "generator_loss", "estimate", "slope", "w1", "w1_floor",
    "modes_found", "modes_solid", "high_quality", "reverse_kl",
    "spread", "reach", "critic_norm", "generator_norm",  # what ``signs.py`` looks at besides
]


def measure(model: Model, data: Data, rng: np.random.Generator, step: int) -> dict[str, float]:
    """What COLUMNS has of a model but for step and losses; rng draws the fakes, ``draw_reference`` the data.

    W₁ and the floor are between W1_SAMPLES points each (or as many as there are), in ``data.scaling.unit``, and so
    are a Wasserstein critic's estimate and slope. The norms are of the parameters, √(mean w²).
    """
    fake = model.sample(rng, model.config.samples)
    real, ceiling, _ = draw_reference(data, model.config.seed, len(fake), step)
    first = slice(W1_SAMPLES)
    row = scores(data, fake, real, W1_SAMPLES)
    row |= {**extent(data, fake, real), "generator_norm": root_mean_square(model.theta)}
    if ceiling is not None:
        row |= {"w1_floor": scores(data, ceiling, real, W1_SAMPLES)["w1"]}
    if model.config.loss.critic is not None:
        row |= {"estimate": model.estimate(real, fake), "slope": model.slope(real[first], fake[first]),
                "critic_norm": root_mean_square(model.w)}
    return row


def extent(data: Data, fake: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """How widely samples lie, as the networks see them, beside the data: 1 for a perfect generator.

    spread: √(tr Cov(G(z))/tr Cov(x)), 0 if it is stuck at one point; reach: √(E‖G(z) − E x‖²/E‖x − E x‖²).
    {} of data that are one point.
    """
    x, y = data.scaling.to_net(fake), data.scaling.to_net(real)
    deviations = {"spread": x - x.mean(axis=0), "reach": x - y.mean(axis=0)}
    own = np.linalg.norm(y - y.mean(axis=0))
    return {name: float(np.linalg.norm(d) / own * np.sqrt(len(y) / len(x))) for name, d in deviations.items() if own}


def root_mean_square(w: np.ndarray) -> float:
    """√(mean w²), in float64, where no float32 overflows."""
    return float(np.sqrt(np.mean(np.square(w, dtype=np.float64))))
