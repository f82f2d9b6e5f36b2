"""minigan.GAN from Python, as a stranger uses it."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance

import minigan
from minigan.gans.recipes import RECIPES
from minigan.lab import run
from minigan.lab.checkpoint import RunError
from minigan.lab.config import Config
from minigan.lab.estimator import NotFittedError
from minigan.lab.model import Model
from minigan.lab.table import Table
from minigan.lab.train import COLUMNS

SMALL = {"steps": 20, "batch": 16, "generator": (8,), "critic": (8,), "evaluations": 2, "samples": 50}
POINTS = np.random.default_rng(9).normal(size=(80, 2)) * [2.0, 0.5] + 3


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


def test_every_parameter_with_its_value() -> None:
    """As given, else as the recipe has it, else the default; the signature has the defaults."""
    settings = {field.name for field in dataclasses.fields(Config)} - {"data"}
    gan = minigan.GAN("wgan", seed=4, steps=10)
    params = gan.get_params()
    assert set(params) == settings | {"warm_start"}
    assert (params["recipe"], params["seed"], params["steps"]) == ("wgan", 4, 10)
    assert params["clip"] == RECIPES["wgan"].settings["clip"] and params["batch"] == Config.batch
    assert repr(gan) == "GAN(recipe='wgan', seed=4, steps=10)"
    assert minigan.GAN(**params).get_params() == params
    shown = inspect.signature(minigan.GAN).parameters
    assert {name: parameter.default for name, parameter in shown.items()} == minigan.GAN().get_params()
    assert [shown[name].kind for name in ("recipe", "seed", "steps")] == [
        inspect.Parameter.POSITIONAL_OR_KEYWORD, *[inspect.Parameter.KEYWORD_ONLY] * 2]


def test_what_is_not_given_follows_the_recipe() -> None:
    gan = minigan.GAN(seed=4, batch=32).set_params(recipe="wgan", steps=5)
    assert gan.get_params() == minigan.GAN("wgan", seed=4, batch=32, steps=5).get_params()
    assert gan.set_params(recipe="gan").get_params()["clip"] == 0


@pytest.mark.parametrize(("refused", "why"), [
    ({"steps": -3}, "steps must be at least 1"),
    ({"steps": 20, "lr_critic": "fast"}, "lr_critic must be"),
    ({"recipe": "wgangp"}, "did you mean 'wgan-gp'"),
    ({"critic_norm": "batch"}, "a gradient penalty needs"),
    ({"stpes": 20}, "did you mean 'steps'"),
    ({"gan__batch": 20}, "unknown setting 'gan__batch'; did you mean 'batch'"),
    ({"data": "moons"}, r"give the data to fit\(x\)"),
    ({"seed": -1}, "seed must be at least 0"),
    ({"warm_start": 1}, "warm_start must be True or False"),
])
def test_a_refused_set_params_changes_nothing(refused: dict, why: str) -> None:
    gan = minigan.GAN(steps=10)
    before = gan.get_params()
    with pytest.raises(ValueError, match=why):
        gan.set_params(**refused)
    assert gan.get_params() == before
    assert gan.set_params(batch=8).get_params() == before | {"batch": 8}
    with pytest.raises(ValueError, match=why):
        minigan.GAN(**{"steps": 10} | refused)


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


@pytest.mark.slow("training of each recipe: of a row of seeds, until it is near the data")
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


# -- going on ----------------------------------------------------------------------------------
@pytest.mark.parametrize(("recipe", "more"), [
    ("wgan-gp", {}), ("wgan", {"burst": 10}), ("optimistic", {"ema": 0.9}), ("sn-wgan", {"history": 0.01}),
    ("virtual-batch-norm", {}), ("gan", {"instance_noise": 0.1, "noise_schedule": "constant", "pack": 2}),
])
def test_a_warm_start_goes_on_as_one_long_fit(recipe: str, more: dict) -> None:
    """The same bits: of the players, their optimisers and streams, and of the samples that follow."""
    settings = SMALL | {"schedule": "constant", "warm_start": True} | more
    once = minigan.GAN(recipe, **settings | {"steps": 30, "evaluations": 3}).fit(POINTS)
    twice = minigan.GAN(recipe, **settings).fit(POINTS)
    twice.sample(7)
    twice.set_params(steps=30, evaluations=3).fit(POINTS)
    assert_same(once._checkpoint, twice._checkpoint)
    np.testing.assert_array_equal(twice.history_["step"], [10, 20, 30])
    np.testing.assert_array_equal(once.sample(9), twice.sample(9))


def test_a_fit_starts_anew_unless_it_is_warm() -> None:
    gan = minigan.GAN(**SMALL).fit(POINTS)
    first = gan.sample(5, seed=1)
    np.testing.assert_array_equal(gan.fit(POINTS).sample(5, seed=1), first)


def test_a_linear_schedule_falls_over_all_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """η at step t is η₀ (1 − t/N), N the steps in all: after 20 of 40 it is half of what it was at first."""
    rates: list[float] = []
    monkeypatch.setattr(run.Training, "iterate", lambda self: (iterate(self), rates.append(float(
        self.steps.numbers["eta.theta"]))))
    gan = minigan.GAN(warm_start=True, lr_generator=1e-3, **SMALL).fit(POINTS)
    assert rates[0] == pytest.approx(1e-3) and rates[-1] == pytest.approx(1e-3 / 20)
    gan.set_params(steps=40).fit(POINTS)
    np.testing.assert_allclose(rates[20:], 1e-3 * (1 - np.arange(20, 40) / 40), rtol=1e-6)


iterate = run.Training.iterate


def test_what_a_warm_start_refuses() -> None:
    gan = minigan.GAN(warm_start=True, **SMALL).fit(POINTS)
    before = gan.sample(5, seed=1)
    for steps in (20, 10):
        with pytest.raises(ValueError, match=r"goes on after 20 steps.*must have grown; got"):
            gan.set_params(steps=steps).fit(POINTS)
    with pytest.raises(ValueError, match=r"changed: steps, generator\): warm_start=False trains new ones"):
        gan.set_params(steps=30, generator=(9,)).fit(POINTS)
    with pytest.raises(ValueError, match="X has 3 features, but GAN is expecting 2 features"):
        gan.set_params(generator=(8,)).fit(np.ones((9, 3)))
    np.testing.assert_array_equal(gan.sample(5, seed=1), before)
    gan.fit(POINTS * 3)  # other points of the same columns: the players see them on the scale that they know
    np.testing.assert_array_equal(gan.model_.scaling.scale, minigan.GAN(**SMALL).fit(POINTS).model_.scaling.scale)


def test_a_warm_start_goes_on_after_control_c(monkeypatch: pytest.MonkeyPatch) -> None:
    gan = minigan.GAN(warm_start=True, **SMALL)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        pressed = iter([False] * 6 + [True])
        patch.setattr(run, "interruptible", lambda: nullcontext(lambda: next(pressed)))
        gan.fit(POINTS)
    assert gan._checkpoint["step"] == 7 and gan.sample(3).shape == (3, 2)
    assert_same(gan.fit(POINTS)._checkpoint, minigan.GAN(**SMALL).fit(POINTS)._checkpoint)


def test_a_warm_start_leaves_a_run_that_can_be_resumed(tmp_path: Path) -> None:
    """On the scale that its players know, though the rows are others."""
    gan = minigan.GAN(warm_start=True, **SMALL).fit(POINTS)
    gan.set_params(steps=30).fit(POINTS * 3, folder=tmp_path / "run")
    resumed = run.resume(tmp_path / "run")
    assert resumed.step == 30
    np.testing.assert_array_equal(resumed.data.scaling.scale, gan.model_.scaling.scale)
    np.testing.assert_array_equal(resumed.data.table.values, POINTS * 3)
    with pytest.raises(RunError, match="already holds a run"):
        gan.set_params(steps=40).fit(POINTS, folder=tmp_path / "run")


def test_a_fit_that_fails_keeps_the_last() -> None:
    gan = minigan.GAN(**SMALL).fit(POINTS)
    before = gan.sample(5, seed=1)
    with pytest.raises(ArithmeticError, match="stopped being finite"):
        gan.set_params(lr_generator=1e30, evaluations=1).fit(POINTS)
    np.testing.assert_array_equal(gan.sample(5, seed=1), before)


# -- keeping it --------------------------------------------------------------------------------
def through_a_folder(gan: minigan.GAN, folder: Path) -> minigan.GAN:
    gan.save(folder)
    return minigan.GAN.load(folder)


KEEP: dict[str, Callable[[minigan.GAN, Path], minigan.GAN]] = {
    "save": through_a_folder,
    "pickle": lambda gan, _: pickle.loads(pickle.dumps(gan)),
    "deepcopy": lambda gan, _: copy.deepcopy(gan),
}
MOMENTS: dict[str, Callable[[minigan.GAN], object]] = {
    "fit": lambda gan: gan,
    "sample": lambda gan: gan.sample(3),
    "critic": lambda gan: gan.critic(POINTS),
    "score": lambda gan: gan.score(POINTS),
}


@pytest.mark.parametrize("keep", KEEP)
def test_kept_before_it_is_fitted(keep: str, tmp_path: Path) -> None:
    gan = minigan.GAN("wgan", seed=3, generator=(8,), constants=(), steps=20, samples=50)
    back = KEEP[keep](gan, tmp_path / "gan")
    assert repr(back) == repr(gan) and back.get_params() == gan.get_params()
    with pytest.raises(NotFittedError):
        back.sample(3)
    np.testing.assert_array_equal(back.fit(POINTS).sample(3), gan.fit(POINTS).sample(3))


@pytest.mark.parametrize("keep", KEEP)
def test_numpys_numbers_are_kept_as_numbers(keep: str, tmp_path: Path) -> None:
    given = {"seed": np.int64(3), "steps": np.int16(20), "generator": np.array([8]), "lr_critic": np.float64(0.25)}
    back = KEEP[keep](minigan.GAN("wgan", **given), tmp_path / "gan")
    assert back._configure() == minigan.GAN("wgan", seed=3, steps=20, generator=(8,), lr_critic=0.25)._configure()


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("keep", KEEP)
def test_kept_at_any_moment(keep: str, moment: str, tmp_path: Path) -> None:
    """Twice, since what is made on the way must not stand in the way of the second; then everything is the same."""
    gan = minigan.GAN("sn-wgan", warm_start=True, schedule="constant", **SMALL).fit(POINTS)
    MOMENTS[moment](gan)
    back = KEEP[keep](gan, tmp_path / "gan")
    MOMENTS[moment](back), MOMENTS[moment](gan)
    again = KEEP[keep](back, tmp_path / "gan")
    assert again.get_params() == gan.get_params() and again.config_ == gan.config_
    np.testing.assert_array_equal(again.critic(POINTS), gan.critic(POINTS))
    assert again.score(POINTS) == gan.score(POINTS)
    assert_same(again.history_, gan.history_)
    np.testing.assert_array_equal(again.sample(5), gan.sample(5))
    for estimator in (gan, again):
        estimator.set_params(steps=25).fit(POINTS)
    np.testing.assert_array_equal(again.sample(5), gan.sample(5))


def test_a_saved_estimator_is_a_run_to_sample_and_to_go_on_with(tmp_path: Path) -> None:
    gan = minigan.GAN("gan", schedule="constant", **SMALL).fit("ring8")
    gan.save(tmp_path / "gan")
    resumed = run.resume(tmp_path / "gan", steps=30)
    assert run.drive(resumed, tmp_path / "gan")
    long = minigan.GAN("gan", schedule="constant", **SMALL | {"steps": 30}).fit("ring8")
    np.testing.assert_array_equal(resumed.model.theta, long.model_.theta)


def test_what_save_and_load_refuse(tmp_path: Path) -> None:
    gan = minigan.GAN(**SMALL).fit("ring8", folder=tmp_path / "run")
    with pytest.raises(RunError, match="already holds a run"):
        minigan.GAN().save(tmp_path / "run")
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(RunError, match="cannot be made a folder"):
            gan.save(path)
    for path in (tmp_path / "file", tmp_path / "missing", tmp_path / "run" / "checkpoint.npz"):
        with pytest.raises(RunError, match=rf"\b{path.name}\b"):
            minigan.GAN.load(path)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "estimator.toml").write_text("a = 1")
    with pytest.raises(RunError, match=r"no table \[parameters\]"):
        minigan.GAN.load(tmp_path / "odd")
    gan.save(tmp_path / "saved")
    minigan.GAN("gan").save(tmp_path / "saved")  # over what was saved before: nothing of that is left
    assert repr(minigan.GAN.load(tmp_path / "saved")) == "GAN(recipe='gan', seed=0)"
    with pytest.raises(RunError):
        run.load_model(tmp_path / "saved")


@pytest.mark.parametrize("recipe", ["mle", "imle", "wgan", "semi-supervised"])
def test_a_run_of_every_kind_is_an_estimator_again(recipe: str, tmp_path: Path) -> None:
    """Also where the data have settled what the recipe does not even read, as the Gaussian's latent."""
    gan = minigan.GAN(recipe, steps=2, evaluations=1, samples=50).fit("ring8", folder=tmp_path / "run")
    back = minigan.GAN.load(tmp_path / "run")
    assert back.config_ == gan.config_
    np.testing.assert_array_equal(back.fit("ring8").sample(5), gan.sample(5))


def test_a_run_is_loaded_with_what_it_was_given(tmp_path: Path) -> None:
    minigan.GAN("gan", **SMALL).fit(POINTS, folder=tmp_path / "run")
    back = minigan.GAN.load(tmp_path / "run")
    assert back.config_.data == "points"
    assert set(back._given) <= {"recipe", "seed", "warm_start", *SMALL, "standardize", "latent"}


# -- what it says ------------------------------------------------------------------------------
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The samples that models draw from now on."""
    draws: list[np.ndarray] = []
    sample = Model.sample
    monkeypatch.setattr(Model, "sample", lambda *args: draws.append(sample(*args)) or draws[-1])
    return draws


def test_the_score_is_minus_a_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the line SciPy's W₁, in data units; of columns scaled apart the best matching, in standard deviations."""
    x = np.random.default_rng(5).normal(size=(300, 1)) * 40 + 7
    gan = minigan.GAN(holdout=0.0, **SMALL).fit(x)
    draws = drawn(monkeypatch)
    assert gan.score(x) == pytest.approx(-wasserstein_distance(x[:, 0], draws[-1][:, 0]))
    assert len(draws[-1]) == 300
    unlike = np.random.default_rng(6).normal(size=(200, 2)) * [1e-3, 1e6]
    gan = minigan.GAN(holdout=0.0, **SMALL).fit(unlike)
    score, spread = gan.score(unlike[:50]), unlike.std(axis=0)
    cost = cdist(unlike[:50] / spread, draws[-1] / spread)
    assert score == pytest.approx(-cost[linear_sum_assignment(cost)].mean(), rel=1e-6)


def test_a_score_is_always_the_same_and_rises_with_training(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(5).normal(size=(3000, 2)) + 5
    settings = {"evaluations": 1, "samples": 50, "generator": (8,)}
    gan = minigan.GAN("imle", steps=20, **settings).fit(x)
    score = gan.score(x)
    gan.sample(10)
    draws = drawn(monkeypatch)
    assert score == gan.score(x, y=np.zeros(len(x))) < 0
    assert len(draws[-1]) == 1024 and isinstance(score, float)
    assert minigan.GAN("imle", steps=400, **settings).fit(x).score(x) > score
    assert gan.score(x[:1]) < 0 and gan.critic(x[:1]).shape == (1,)


def test_a_score_takes_rows_from_everywhere() -> None:
    """Of a sorted table, not the first 1,024."""
    x = np.random.default_rng(5).normal(size=(5000, 1))
    gan = minigan.GAN("mle", steps=300, evaluations=1).fit(x)
    assert gan.score(np.sort(x, axis=0)) == pytest.approx(gan.score(x), abs=0.1)


@pytest.mark.parametrize("ask", ["critic", "score"])
def test_other_columns_are_refused(ask: str) -> None:
    gan = minigan.GAN(**SMALL).fit(Table(POINTS, ("height", "width")))
    assert gan.n_features_in_ == 2 and gan.feature_names_in_.tolist() == ["height", "width"]
    question = getattr(gan, ask)
    question(POINTS), question(Table(POINTS, ("height", "width")))
    with pytest.raises(ValueError, match="X has 3 features, but GAN is expecting 2 features"):
        question(np.ones((5, 3)))
    with pytest.raises(ValueError, match=r"in another order than .*width, height.*height, width"):
        question(Table(POINTS, ("width", "height")))
    with pytest.raises(ValueError, match="finite"):
        question([[1.0, np.nan]])
    for x in ([1.0, 2.0], np.ones((2, 2, 2))):
        with pytest.raises(ValueError):
            question(x)


def test_what_only_fit_gives() -> None:
    gan = minigan.GAN()
    for name in ("n_features_in_", "feature_names_in_", "model_", "history_", "config_"):
        assert not hasattr(gan, name)
    for call in (gan.sample, lambda: gan.critic(POINTS), lambda: gan.score(POINTS)):
        with pytest.raises(NotFittedError):
            call()
    assert not hasattr(gan.set_params(**SMALL).fit(POINTS), "feature_names_in_")
    assert gan.config_.data == "points"


@pytest.mark.parametrize(("arguments", "why"), [
    ({"n": 0}, "n must be a whole number, at least 1, got 0"), ({"n": -1}, "n must be"), ({"n": 2.0}, "n must be"),
    ({"n": "3"}, "n must be"), ({"n": True}, "n must be"), ({"n": None}, "n must be"), ({"n": np.ones(2)}, "n must be"),
    ({"seed": -1}, "seed must be a whole number, at least 0, got -1"), ({"seed": 0.5}, "seed must be"),
    ({"seed": "a"}, "seed must be"), ({"seed": True}, "seed must be"),
])
def test_what_sample_refuses(arguments: dict, why: str) -> None:
    gan = minigan.GAN(**SMALL | {"steps": 1, "evaluations": 1}).fit(POINTS)
    state = gan._rng.bit_generator.state
    with pytest.raises(ValueError, match=why):
        gan.sample(**arguments)
    assert gan._rng.bit_generator.state == state
    np.testing.assert_array_equal(gan.sample(np.int32(3), np.uint8(4)), gan.sample(3, 4))


def fitted_samples(seed: int) -> np.ndarray:
    return minigan.GAN(seed=seed, **SMALL).fit(POINTS).sample(5)


@pytest.mark.slow("the same, in two processes")
def test_threads_and_processes_fit_too() -> None:
    """At the same time, and each as if it were alone."""
    expected = [fitted_samples(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as threads:
        np.testing.assert_array_equal(list(threads.map(fitted_samples, range(4))), expected)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        np.testing.assert_array_equal(list(processes.map(fitted_samples, range(2))), expected[:2])


def assert_same(a: dict, b: dict) -> None:
    assert set(a) == set(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def test_fit_tells_what_it_makes_of_the_data() -> None:
    x = np.random.default_rng(0).normal(size=(200, 2))
    gan = minigan.GAN(**SMALL).fit(x)
    assert "160 rows to train on; 40 held out" in gan.notes_[0] and "standard deviations" in gan.notes_[1]
    x[3, 1] = 1e6
    with pytest.warns(UserWarning, match="column 2 has a range of .* times its interquartile range"):
        minigan.GAN(**SMALL).fit(x)
