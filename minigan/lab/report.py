"""What a finished run says: its samples, the table beside the yardsticks, and W₁ by the critic alone."""

from typing import Any

import numpy as np

from minigan.gans.losses import W1
from minigan.lab.reference import YARDSTICKS, draw_reference, scores
from minigan.lab.state import sampling_stream
from minigan.lab.train import Training


def final_samples(training: Training) -> np.ndarray:
    """config.samples draws of the generator: always the same ones of a given run."""
    return training.model.sample(sampling_stream(training.config.seed), training.config.samples)


def final_table(training: Training) -> list[dict[str, Any]]:
    """The scores of the final samples, then of the yardsticks; ``samples`` says whose a row is."""
    reference = draw_reference(training.data, training.config.seed, training.config.samples)
    rows = {"generator": final_samples(training)}
    rows |= {f"{name} ({YARDSTICKS[name]})": x for name, x in reference.yardsticks.items()}
    return [{"samples": name, **scores(training.data, x, reference.real)} for name, x in rows.items()]


def critic_distance(training: Training) -> dict[str, float]:
    """W₁ in data units from the critic alone: E f(x) − E f(G(z)) ≤ Lip(f) W₁, so divide it by Lip(f).

    ``estimate`` E f(x) − E f(G(z)); ``slope`` the steepest ‖∇f‖ seen and ``w1`` the quotient; ``bound`` the certified
    upper bound of Lip(f) and ``at_least`` the quotient, below which W₁ of these samples cannot be. {} for other losses.
    """
    if training.config.loss.estimates != W1:
        return {}
    fake, model = final_samples(training), training.model
    real = draw_reference(training.data, training.config.seed, len(fake)).real
    estimate, slope, bound = model.estimate(real, fake), model.slope(real, fake), model.lipschitz_bound()
    return {"estimate": estimate, "slope": slope, "w1": estimate / slope,
            "bound": bound, "at_least": max(estimate, 0.0) / bound}
