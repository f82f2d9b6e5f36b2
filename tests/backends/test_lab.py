"""The laboratory looks at arrays of every library: metrics, pictures, data and the estimator, as of the host's."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

import minigan
from minigan.lab import metrics, picture
from minigan.lab.config import configure
from minigan.lab.data import data_from
from minigan.lab.history import COLUMNS
from minigan.lab.reference import draw_reference, scores
from minigan.lab.toys import TOYS
from minigan.lab.train import Training
from tests.backends.backend import Backend

SMALL = {"steps": 4, "batch": 8, "generator": (5,), "critic": (5,), "critic_steps": 1, "evaluations": 2, "samples": 30,
         "dtype": "float64"}
RING = TOYS["ring8"]
SAMPLES, OTHERS = (RING.sample(np.random.default_rng(seed), 40) for seed in (0, 1))


def test_metrics_are_those_of_the_host(backend: Backend) -> None:
    x, y = backend.array(SAMPLES), backend.array(OTHERS)
    assert metrics.mode_scores(x, RING) == metrics.mode_scores(SAMPLES, RING)
    assert metrics.reverse_kl(x, RING.modes) == metrics.reverse_kl(SAMPLES, RING.modes)
    assert metrics.wasserstein_1(x, y) == metrics.wasserstein_1(SAMPLES, OTHERS)
    np.testing.assert_array_equal(RING.log_density(x), RING.log_density(SAMPLES))

    def there(rng: np.random.Generator, n: int):
        return backend.array(RING.sample(rng, n))

    cloud = replace(RING, sample=there)
    for here, host in zip(draw_reference(data_from(cloud), 2, 50), draw_reference(data_from(RING), 2, 50), strict=True):
        np.testing.assert_array_equal(here, host)
    assert scores(data_from(RING), x, y) == scores(data_from(RING), SAMPLES, OTHERS)
    floors = (metrics.sampling_floor(sample, np.random.default_rng(3), 20) for sample in (there, RING.sample))
    assert next(floors) == next(floors)


@pytest.mark.slow("reports drawn from each array library's arrays")
@pytest.mark.parametrize("recipe", ["wgan-gp", "gan"])
def test_a_picture_is_the_hosts(recipe: str, backend: Backend) -> None:
    training = Training(configure(recipe, **SMALL), data_from("ring8"))
    model, data = training.model, training.data
    history = [[float(k)] * len(COLUMNS) for k in (1, 2)]
    pictures = []
    for samples in (SAMPLES, backend.array(SAMPLES)):
        picture.draw_scores(Figure().subplots(), model, data, samples)
        pictures.append(io.BytesIO())
        picture.draw_report(model, data, samples, history, COLUMNS).savefig(pictures[-1], format="rgba", dpi=15)
    here, there = (drawn.getvalue() for drawn in pictures)
    assert here == there and len({*here}) > 50


def test_the_estimator_takes_a_devices_points_and_scores_them(backend: Backend) -> None:
    """Fitted where it is told to be fitted, on points from wherever they are."""
    labels = np.arange(40) % 3
    seed = 1  # with seed 0 a generator whose every unit is off puts a sample on a kink of the critic, at x = 0
    for recipe, y in (("wgan-gp", None), ("semi-supervised", labels)):
        here = minigan.GAN(recipe, seed=seed, **SMALL).fit(SAMPLES, y)
        eager = not backend.replays
        there = minigan.GAN(recipe, seed=seed, device=backend.device, **SMALL).fit(
            backend.array(SAMPLES), None if y is None else backend.array(y), eager=eager)
        np.testing.assert_allclose(there.sample(9, seed=1), here.sample(9, seed=1), rtol=1e-9)
        np.testing.assert_allclose(there.critic(backend.array(OTHERS)), here.critic(OTHERS), rtol=1e-8, atol=1e-12)
        for column, values in here.history_.items():
            np.testing.assert_allclose(there.history_[column], values, rtol=1e-7, err_msg=column)
        model, x, z = there.model_, backend.array(SAMPLES), backend.array(OTHERS)
        assert model.estimate(x, z) == model.estimate(SAMPLES, OTHERS)
        assert model.slope(x, z) == model.slope(SAMPLES, OTHERS)


def test_a_sampler_may_answer_from_a_device(backend: Backend) -> None:
    def cloud(rng: np.random.Generator, n: int):
        return backend.array(RING.sample(rng, n))

    here, there = data_from(RING.sample), data_from(cloud)
    batches = np.empty((2, 7, 2))
    for data, batch in zip((here, there), batches, strict=True):
        data.draw(np.random.default_rng(4), batch)
    np.testing.assert_array_equal(*batches)
    assert there.scaling.length == here.scaling.length
