"""The run folder: the same bytes for the same seed, nothing pickled, nothing lost."""

import csv
import io
import shutil
import signal
import tokenize
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import minigan
from minigan.lab import checkpoint as files
from minigan.lab import report, run
from minigan.lab.checkpoint import RunError
from minigan.lab.config import configure
from minigan.lab.data import data_from
from minigan.lab.history import COLUMNS
from minigan.lab.metrics import wasserstein_1
from minigan.lab.reference import draw_reference
from minigan.lab.train import Training, TrainingError

SMALL = {"steps": 30, "batch": 16, "generator": (8,), "critic": (8,), "evaluations": 3, "samples": 60}
FILES = ["checkpoint.npz", "config.toml", "history.csv", "report.png", "samples.npz", "scores.csv"]


def leave(folder: Path, source: object = "ring8", **settings) -> Path:
    training = run.start(configure("wgan-gp", **(SMALL | settings)), source, folder)
    assert run.drive(training, folder)
    run.finish(training, folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return leave(tmp_path_factory.mktemp("runs") / "one", seed=7)


def test_it_holds_what_it_says(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == FILES
    config = tomllib.loads((folder / "config.toml").read_text())
    assert config["seed"] == 7 and config["recipe"] == "wgan-gp" and len(config["columns"]["shift"]) == 2
    header, *rows = csv.reader(io.StringIO((folder / "history.csv").read_text()))
    assert header == COLUMNS and [row[0] for row in rows] == ["10.0", "20.0", "30.0"]
    samples = np.load(folder / "samples.npz", allow_pickle=False)["samples"]
    assert samples.shape == (60, 2) and samples.dtype == np.float64
    assert (folder / "report.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = leave(tmp_path / "elsewhere" / "two", seed=7)
    for name in FILES:
        assert (folder / name).read_bytes() == (again / name).read_bytes(), name
    other = leave(tmp_path / "three", seed=8)
    assert (folder / "samples.npz").read_bytes() != (other / "samples.npz").read_bytes()


def test_files_hold_no_time_and_no_path(folder: Path) -> None:
    for name in FILES:
        content = (folder / name).read_bytes()
        assert str(folder).encode() not in content and b"20" + b"26-" not in content
    for name in ("checkpoint.npz", "samples.npz"):
        assert {item.date_time for item in zipfile.ZipFile(folder / name).infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.slow("finished runs that go on, from the command line")
def test_the_users_points_stay_with_the_run(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(50, 3)) * 9 + 4
    whole = leave(tmp_path / "whole", x)
    part = tmp_path / "part"
    training = run.start(configure("wgan-gp", **SMALL), x, part)
    for _ in training.run():
        if training.step == 13:
            break
    run.save(training, part)
    resumed = run.resume(part)
    assert run.drive(resumed, part)
    run.finish(resumed, part)
    for name in [*FILES, "data.npz"]:
        assert (whole / name).read_bytes() == (part / name).read_bytes(), name


@pytest.mark.slow("finished runs that go on, from the command line")
def test_a_finished_run_goes_on_to_more_steps(tmp_path: Path) -> None:
    """With constant schedules the very files of a run that was so long from the start; its data stay with it."""
    x = np.random.default_rng(0).normal(size=(50, 3)) * 9 + 4
    settings = {"schedule": "constant", "ema": 0.9}
    long = leave(tmp_path / "long", x, steps=60, evaluations=6, **settings)
    short = leave(tmp_path / "short", x, **settings)
    resumed = run.resume(short, steps=60)
    assert resumed.step == 30 and run.read_config(short)[0].steps == 60
    assert run.drive(run.resume(short), short)  # the new number is the folder's own
    left, right = (files.read_checkpoint(folder) for folder in (short, long))
    assert set(left) == set(right)
    for name in set(left) - {"history", "streams"}:  # measured half as often in the second half
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def test_a_linear_schedule_falls_over_all_steps_of_a_longer_run(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "run")
    resumed = run.resume(tmp_path / "run", steps=40)
    resumed.set_numbers()
    rate = resumed.config.lr_generator * (1 - 30 / 40)
    assert float(resumed.steps.numbers["eta.theta"]) == pytest.approx(rate)


def test_a_run_has_no_fewer_steps_than_it_has_taken(folder: Path) -> None:
    before = (folder / "config.toml").read_bytes()
    with pytest.raises(RunError, match="has taken 30 steps already: --steps must be at least that, got 29"):
        run.resume(folder, steps=29)
    assert run.resume(folder, steps=30).step == 30
    assert (folder / "config.toml").read_bytes() == before


def test_a_loaded_model_is_the_trained_one(folder: Path) -> None:
    training = run.resume(folder)
    assert training.step == 30
    model = run.load_model(folder)
    np.testing.assert_array_equal(model.theta, training.model.theta)
    gan = minigan.GAN.load(folder)
    np.testing.assert_array_equal(gan.sample(60), np.load(folder / "samples.npz")["samples"])


def test_a_folder_with_a_run_is_not_overwritten(folder: Path) -> None:
    with pytest.raises(RunError, match="already holds a run"):
        run.start(configure("wgan-gp", **SMALL), "ring8", folder)


def test_a_failed_run_keeps_its_last_good_checkpoint(tmp_path: Path) -> None:
    training = run.start(configure("wgan-gp", **SMALL), "ring8", tmp_path)

    def spoil(training) -> None:
        if training.step == 15:
            training.state["w"][0] = np.inf

    with pytest.raises(TrainingError, match="at step 16"), np.errstate(all="ignore"):
        run.drive(training, tmp_path, spoil)
    assert run.resume(tmp_path).step == 10
    assert np.isfinite(run.load_model(tmp_path).w).all()


def test_what_control_c_leaves_is_saved_whenever_it_comes(tmp_path: Path) -> None:
    """Between the save and the end of a step too: the next step is the last, and the folder has it."""
    training = run.start(configure("wgan-gp", **SMALL), "ring8", tmp_path)
    assert not run.drive(training, tmp_path, lambda run: run.step == 7 and signal.raise_signal(signal.SIGINT))
    assert run.resume(tmp_path).step == training.step == 8


@pytest.mark.parametrize(("damage", "words"), [
    (lambda d: (d / "config.toml").unlink(), "not a run folder: it has no config.toml"),
    (lambda d: (d / "checkpoint.npz").unlink(), "not a run folder: it has no checkpoint.npz"),
    (lambda d: (d / "checkpoint.npz").write_bytes(b"PK\x03\x04 half"), "checkpoint.npz cannot be read"),
    (lambda d: (d / "config.toml").write_text("recipe = "), "config.toml cannot be read"),
    (lambda d: (d / "config.toml").write_text("steps = 3\n"), "columns"),
    (lambda d: np.savez(d / "checkpoint.npz", format=99), "format"),
])
def test_damaged_folders_are_refused_with_the_reason(tmp_path: Path, damage, words: str) -> None:
    run.save(run.start(configure("wgan-gp", **SMALL), "ring8", tmp_path), tmp_path)
    damage(tmp_path)
    with pytest.raises(ValueError, match=words):
        run.load_model(tmp_path)


def test_the_table_has_the_ceiling_and_a_null_baseline(tmp_path: Path) -> None:
    training = run.start(configure("wgan-gp", **(SMALL | {"samples": 2500})), "ring8", tmp_path)
    generator, ceiling, null = report.final_table(training)
    assert ceiling["high_quality"] == pytest.approx(0.9889, abs=0.01) and ceiling["modes_solid"] == 8
    assert null["high_quality"] < 0.02 and generator["modes_solid"] == 0
    assert ceiling["w1"] < null["w1"]


def test_nothing_in_the_package_pickles() -> None:
    for path in Path(minigan.__file__).parent.rglob("*.py"):
        names = [t.string for t in tokenize.generate_tokens(io.StringIO(path.read_text()).readline)]
        assert "pickle" not in names and "allow_pickle=True" not in path.read_text().replace(" ", ""), path


def test_a_sampler_from_python_is_given_again_to_resume(tmp_path: Path) -> None:
    def cloud(rng: np.random.Generator, n: int) -> np.ndarray:
        return rng.normal(size=(n, 2))

    run.start(configure("wgan-gp", **SMALL), cloud, tmp_path)
    with pytest.raises(ValueError, match="unknown data set 'cloud'"):
        run.resume(tmp_path)
    assert replace(run.resume(tmp_path, cloud).config, data="x").steps == 30


def test_the_critics_w1_is_in_data_units_and_certified() -> None:
    """E f(x) − E f(G(z)) over a Lipschitz bound is below the exact W₁ of the same samples (W8), clipped or not."""
    for name, settings in (("wgan", {"clip": 0.03}), ("wgan-gp", {}), ("sn-wgan", {"spectral_norm": 5.0})):
        x = np.random.default_rng(0).normal(size=(600, 2)) * [5.0, 20.0] + [300.0, 0.0]  # far from unit scale
        config = configure(name, steps=60, evaluations=1, samples=500, **settings)
        training = Training(config, data_from(x, standardize="whole", holdout=0))
        assert run.drive(training)
        told = report.critic_distance(training)
        rng = np.random.default_rng(5)
        points, away = rng.normal(size=(2, 400, 2)) * 30 + [300.0, 0.0], 1e-2 * rng.normal(size=(400, 2))
        f = training.model.critic(points[0])[0], training.model.critic(points[0] + away)[0]
        rise = np.abs(f[0].astype(float) - f[1]) / np.linalg.norm(away, axis=1)
        assert 0 < told["slope"] <= told["bound"] * 1.001 and np.quantile(rise, 0.9) <= told["bound"] * 1.001
        fake, real = report.final_samples(training), draw_reference(training.data, 0, 500).real
        exact = wasserstein_1(real, fake.astype(float))
        assert told["at_least"] <= exact * 1.001
        assert told["w1"] == pytest.approx(told["estimate"] / told["slope"])
    assert report.critic_distance(Training(configure("gan", steps=1), data_from("ring8"))) == {}


def test_a_run_of_a_recipe_that_is_not_registered_says_so(tmp_path: Path) -> None:
    run.start(configure("gan", **SMALL), "ring8", tmp_path)
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace('recipe = "gan"', 'recipe = "my-gan"'))
    for use in (run.load_model, run.resume):
        with pytest.raises(RunError, match="recipe 'my-gan', which is not known here: run the code that registers it"):
            use(tmp_path)
