"""The estimator among scikit-learn's tools: its own checks of an estimator, and the tools at work."""

import pickle
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import minigan

sklearn = pytest.importorskip("sklearn", reason="a peer: pip install 'minigan[peers]'")
joblib = pytest.importorskip("joblib", reason="a peer: comes with scikit-learn")

from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import FitFailedWarning  # noqa: E402
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score  # noqa: E402
from sklearn.pipeline import Pipeline, make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils import get_tags  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402
from sklearn.utils.validation import check_is_fitted  # noqa: E402

SMALL = {"steps": 4, "batch": 8, "generator": (4,), "critic": (4,), "evaluations": 1, "samples": 20}
POINTS = np.random.default_rng(9).normal(size=(90, 2)) * [2.0, 0.5] + 3

# scikit-learn's checks that the estimator is not meant to pass, and why
LEFT_OUT = {
    "check_do_not_raise_errors_in_init_or_set_params":
        "a wrong setting is refused where it is written: fit may come hours later, on another machine",
    "check_dtype_object":
        "a cell that is no number is refused as in all data, by row and column: a ValueError, not NumPy's TypeError",
}


def test_scikit_learns_checks() -> None:
    """All pass, but those left out, which all fail; the array API's is skipped unless SciPy is asked for it."""
    with warnings.catch_warnings():  # check_set_params warns that set_params refused what it should refuse
        warnings.simplefilter("ignore")
        rows = check_estimator(minigan.GAN(**SMALL), expected_failed_checks=LEFT_OUT, on_fail=None, on_skip=None)
    names: dict[str, set[str]] = {}
    for row in rows:
        names.setdefault(row["status"], set()).add(row["check_name"])
    assert names.get("failed", set()) == set(), [row["exception"] for row in rows if row["status"] == "failed"]
    assert names["xfail"] == set(LEFT_OUT)
    assert len(names["passed"]) > 25 and names.get("skipped", set()) <= {"check_array_api_input"}


def test_a_clone_has_the_same_parameters_and_follows_the_recipe() -> None:
    gan = minigan.GAN(seed=2, **SMALL).fit(POINTS)
    copy = clone(gan)
    assert copy.get_params() == gan.get_params() and not hasattr(copy, "model_")
    assert copy.set_params(recipe="gan").get_params()["critic_steps"] == 1  # as the recipe has it
    assert clone(minigan.GAN("gan", critic_steps=5)).set_params(recipe="r1").get_params()["critic_steps"] == 5


def test_tags() -> None:
    tags = get_tags(minigan.GAN())
    assert tags.estimator_type == "density_estimator" and not tags.target_tags.required
    assert not tags.input_tags.sparse and not tags.input_tags.allow_nan
    gan = minigan.GAN(**SMALL)
    with pytest.raises(sklearn.exceptions.NotFittedError):
        check_is_fitted(gan)
    check_is_fitted(gan.fit(POINTS))


def test_last_in_a_pipeline() -> None:
    """Samples go back through the steps before it; the score is that of the estimator on scaled points."""
    pipe = make_pipeline(StandardScaler(), minigan.GAN(**SMALL)).fit(POINTS)
    scaled = StandardScaler().fit_transform(POINTS)
    alone = minigan.GAN(**SMALL).fit(scaled)
    assert pipe.score(POINTS) == alone.score(scaled)
    samples = pipe[:-1].inverse_transform(pipe[-1].sample(50, seed=0))
    np.testing.assert_allclose((samples - POINTS.mean(axis=0)) / POINTS.std(axis=0), alone.sample(50, seed=0))
    pipe.set_params(gan__steps=5)
    assert pipe.get_params()["gan__steps"] == 5
    with pytest.raises(ValueError, match="did you mean 'steps'"):
        pipe.set_params(gan__stepps=5)


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow("the same, in two processes"))])
def test_a_grid_search_without_a_scorer(n_jobs: int | None) -> None:
    """It takes the settings whose score is highest on the rows left out, and scores are those of a hand-made loop."""
    grid, folds = {"recipe": ["gan", "wgan-gp"], "steps": [1, 60]}, KFold(2)
    search = GridSearchCV(minigan.GAN(**SMALL), grid, cv=folds, n_jobs=n_jobs).fit(POINTS)
    for params, found in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
        scores = [minigan.GAN(**SMALL | params).fit(POINTS[a]).score(POINTS[b]) for a, b in folds.split(POINTS)]
        assert found == np.mean(scores) < 0
    best = search.cv_results_["params"][int(np.argmax(search.cv_results_["mean_test_score"]))]
    assert search.best_params_ == best and search.best_estimator_.sample(3).shape == (3, 2)
    assert search.score(POINTS) == minigan.GAN(**SMALL | best).fit(POINTS).score(POINTS)
    assert "GAN" in search._repr_html_()


def test_a_search_of_several_grids_and_through_a_pipeline() -> None:
    """Settings of one recipe beside those of another; of each only what its grid names changes."""
    grids = [{"gan__recipe": ["wgan"], "gan__clip": [0.05, 0.1]}, {"gan__recipe": ["wgan-gp"], "gan__penalty": [1.0]}]
    pipe = Pipeline([("scale", StandardScaler()), ("gan", minigan.GAN(**SMALL))])
    search = GridSearchCV(pipe, grids, cv=2).fit(POINTS)
    assert len(search.cv_results_["params"]) == 3 and np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_training_that_breaks_down_is_a_failed_fit_of_the_search() -> None:
    grid = {"lr_generator": [1e-3, 1e30], "steps": [20]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitFailedWarning)
        warnings.filterwarnings("ignore", "One or more of the test scores are non-finite")
        search = GridSearchCV(minigan.GAN(**SMALL), grid, cv=2).fit(POINTS)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]
    assert search.best_params_["lr_generator"] == 1e-3


def test_cross_validation() -> None:
    scores = cross_val_score(minigan.GAN(**SMALL), POINTS, cv=3)
    assert scores.shape == (3,) and (scores < 0).all()


def test_joblib_keeps_and_knows_it(tmp_path: Path) -> None:
    """dump and load give all bits back; the hash changes with what it knows, not with what it was asked."""
    gan = minigan.GAN(**SMALL)
    for moment in (lambda: gan, lambda: gan.fit(POINTS), lambda: gan.sample(2)):
        moment()
        joblib.dump(gan, tmp_path / "gan.joblib")
        assert joblib.hash(joblib.load(tmp_path / "gan.joblib")) == joblib.hash(gan)
    before = joblib.hash(gan)
    gan.critic(POINTS), gan.score(POINTS)
    assert joblib.hash(gan) == before
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(gan)).sample(4), gan.sample(4))
    assert joblib.hash(gan) != before
    fit = joblib.Memory(tmp_path, verbose=0).cache(lambda estimator, x: estimator.fit(x))
    np.testing.assert_array_equal(fit(clone(gan), POINTS).sample(3), fit(clone(gan), POINTS).sample(3))


def test_the_guides_example(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[2] / "docs" / "guide.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```py\n(.*?)```", text, re.S)
    names = {"x": POINTS, "GAN": lambda **settings: minigan.GAN(**settings | SMALL)}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "n_quantiles")  # more than the rows of this test
        exec(compile(block, "docs/guide.md", "exec"), names)
    assert names["new"].shape == (1000, 2) and set(names["search"].best_params_) == {"recipe", "batch"}


def test_columns_of_a_data_frame() -> None:
    pandas = pytest.importorskip("pandas", reason="a peer of a peer: pip install pandas")
    frame = pandas.DataFrame(POINTS, columns=["height", "width"])
    gan = minigan.GAN(**SMALL).fit(frame)
    assert gan.feature_names_in_.tolist() == ["height", "width"] and gan.score(frame) == gan.score(POINTS)
    with pytest.raises(ValueError, match="width, height"):
        gan.critic(frame[["width", "height"]])
