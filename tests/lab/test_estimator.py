"""minigan.GAN from Python, as a stranger uses it."""

from pathlib import Path

import numpy as np
import pytest

import minigan
from minigan.lab import run
from minigan.lab.estimator import NotFittedError
from minigan.lab.train import COLUMNS

SMALL = {"steps": 20, "batch": 16, "generator": (8,), "critic": (8,), "evaluations": 2, "samples": 50}


def test_fit_sample() -> None:
    x = np.random.default_rng(0).normal(size=(100, 2)) * 5 + 100
    gan = minigan.GAN("wgan-gp", seed=1, **SMALL)
    assert gan.fit(x) is gan
    samples = gan.sample(1000)
    assert samples.shape == (1000, 2) and np.abs(samples.mean(axis=0) - 100).max() < 20
    assert set(gan.history_) == set(COLUMNS) and len(gan.history_["step"]) == 2
    assert gan.critic(x).shape == (100,)
    assert not np.array_equal(gan.sample(5), gan.sample(5))
    np.testing.assert_array_equal(gan.sample(5, seed=3), gan.sample(5, seed=3))


def test_the_same_seed_fits_the_same() -> None:
    a, b = (minigan.GAN(seed=2, **SMALL).fit("moons") for _ in range(2))
    np.testing.assert_array_equal(a.sample(9), b.sample(9))


def test_a_folder_on_request_and_back(tmp_path) -> None:
    gan = minigan.GAN("gan", **SMALL).fit("bimodal", folder=tmp_path / "run")
    back = minigan.GAN.load(tmp_path / "run")
    assert (tmp_path / "run" / "report.png").exists()
    assert back.get_params()["steps"] == 20 and back.recipe == "gan"
    np.testing.assert_array_equal(back.sample(4), gan.sample(4))


def test_parameters_as_scikit_learn_wants_them() -> None:
    gan = minigan.GAN("wgan", seed=4, steps=10)
    assert gan.get_params() == {"recipe": "wgan", "seed": 4, "steps": 10}
    assert minigan.GAN(**gan.get_params()).get_params() == gan.get_params()
    assert gan.set_params(steps=5, recipe="gan").get_params() == {"recipe": "gan", "seed": 4, "steps": 5}
    assert repr(gan) == "GAN(recipe='gan', seed=4, steps=5)"


def test_errors() -> None:
    with pytest.raises(NotFittedError, match="not been trained"):
        minigan.GAN().sample(3)
    with pytest.raises(ValueError, match="did you mean 'wgan-gp'"):
        minigan.GAN("wgangp")
    with pytest.raises(ValueError, match="steps must be at least 1"):
        minigan.GAN(steps=0)
    with pytest.raises(ValueError, match="finite"):
        minigan.GAN(**SMALL).fit([[1.0, 2.0], [float("nan"), 1.0]])


def test_eager_is_the_same() -> None:
    a, b = (minigan.GAN(**SMALL).fit("ring8", eager=eager).sample(5) for eager in (False, True))
    np.testing.assert_array_equal(a, b)


def test_a_critic_of_classes_learns_from_labels(tmp_path: Path) -> None:
    """Semi-supervised: with y, the critic's logits tell the classes; the run folder keeps the labels."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, size=300)
    x = rng.normal(size=(300, 2)) * 0.2 + np.array([[0.0, 2.0], [2.0, -1.0], [-2.0, -1.0]])[y]
    known = np.where(rng.random(300) < 0.3, y, -1)
    gan = minigan.GAN("semi-supervised", labelled=1.0, steps=300, evaluations=1).fit(x, known, folder=tmp_path / "run")
    model = gan.model_
    assert model.config.classes == 3
    look = model.game.critic_output(model.state, ((x - model.scaling.shift) / model.scaling.scale).astype("float32"))
    assert (look.outputs.value.argmax(axis=1) == y).mean() > 0.95
    held = np.load(tmp_path / "run" / "data.npz")
    np.testing.assert_array_equal(held["labels"], known)
    resumed = run.resume(tmp_path / "run")
    assert resumed.data.classes == 3
    with pytest.raises(ValueError, match="has no classes"):
        minigan.GAN("semi-supervised", steps=1).fit(x)
