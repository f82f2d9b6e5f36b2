"""A study: each seed is the run of that seed, nothing is lost or done twice, what cannot be trained is refused."""

from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from minigan.lab import metrics, report, run
from minigan.lab.checkpoint import RunError
from minigan.lab.config import configure
from minigan.lab.data import data_from
from minigan.lab.reference import draw_reference
from minigan.lab.toys import TOYS
from minigan.lab.train import Training
from minigan.studies import page, summary
from minigan.studies import study as studies
from minigan.studies.design import plan
from minigan.studies.presets import PRESETS
from minigan.studies.study import StudyError, carry_out, run_study
from tests.selection import slow_but

TINY = {"steps": 12, "batch": 8, "generator": (8,), "critic": (8,), "evaluations": 3, "samples": 60}
ALL_FAIL = {"optimizer": "sgd", "lr_critic": 1e30, "standardize": "none"}
FILES = ["config.toml", "samples.npz", "table.csv", "timing.toml"]


def tiny(recipes=("gan", "wgan-gp"), data="ring8", seeds=3, settings=(), preset="own", jobs=1, folder=None, watch=None):
    return carry_out(plan(recipes, data, seeds, TINY | dict(settings), preset), jobs, folder, watch)


def same(a, b) -> bool:
    """The same rows and samples, bit for bit."""
    return a.rows == b.rows and all(
        np.array_equal(a.results[name].samples, b.results[name].samples, equal_nan=True) for name in a.results)


@pytest.fixture(scope="module")
def whole():
    return tiny()


@pytest.fixture
def no_training(monkeypatch) -> None:
    def run(self):
        raise AssertionError("it was trained")
        yield

    monkeypatch.setattr(Training, "run", run)


# -- what it measures -------------------------------------------------------------------------------
def test_each_seed_is_the_run_of_that_seed() -> None:
    done = tiny(["wgan-gp"], seeds=[3, 7])
    for k, seed in enumerate((3, 7)):
        config = configure("wgan-gp", **TINY, seed=seed)
        alone = Training(config, run.load_data(config, "ring8"))
        for _ in alone.run():
            pass
        samples = done.results["wgan-gp"].samples[k]
        np.testing.assert_allclose(samples, report.final_samples(alone), rtol=1e-4, atol=1e-4)
        assert done.results["wgan-gp"].rows[k]["seed"] == seed


def test_rows_are_the_metrics_of_the_samples(whole) -> None:
    toy = TOYS["ring8"]
    assert [(row["recipe"], row["seed"]) for row in whole.rows] == [
        (name, seed) for name in ("gan", "wgan-gp", "ceiling", "null") for seed in range(3)]
    for name, result in whole.results.items():
        for seed, (row, x) in enumerate(zip(result.rows, result.samples, strict=True)):
            expected = metrics.mode_scores(x, toy)
            real = draw_reference(data_from("ring8"), seed, 60).real
            cost = cdist(x, real)
            expected["w1"] = cost[linear_sum_assignment(cost)].mean()
            assert {key: row[key] for key in expected} == pytest.approx(expected, rel=1e-6), (name, seed)
            assert row["failed"] == "" and result.seconds > 0


@pytest.mark.slow("reports and pictures of more systems")
def test_the_yardsticks_are_fresh_data_and_noise_on_their_box(whole) -> None:
    done = tiny(["gan"], settings={"samples": 2500}, seeds=2)
    ceiling, null = done.yardsticks[:2], done.yardsticks[2:]
    assert all(row["modes_solid"] == 8 and abs(row["high_quality"] - 0.9889) < 0.01 for row in ceiling)
    assert all(row["modes_solid"] == 0 and row["high_quality"] < 0.02 for row in null)
    assert ceiling[0]["w1"] < null[0]["w1"] and ceiling[0]["w1"] != ceiling[1]["w1"]
    real, again, noise = draw_reference(data_from("ring8"), 0, 2500)
    assert noise.min() >= real.min() and noise.max() <= real.max() and not np.array_equal(real, again)
    assert tiny(["r1"]).yardsticks == whole.yardsticks  # whatever is trained beside them


def test_data_without_modes_have_w1_alone() -> None:
    for data in ("swiss-roll", np.random.default_rng(0).normal(size=(40, 3))):
        done = tiny(["gan"], data, 2)
        assert all(set(row) == {"recipe", "seed", "failed", "w1"} for row in done.rows)
        assert summary.cells(done)[0] == ["recipe", "exact W₁", "failed", "seconds"]


@pytest.mark.parametrize(("holdout", "told"), [
    (0.2, ["| ceiling", "96 rows of the training against 24 held out", "% near a training row"]),
    (0.0, ["No ceiling: no rows are held out"]),
])
def test_a_study_of_a_users_own_file(tmp_path: Path, holdout: float, told: list[str]) -> None:
    """Columns of unlike units: distances are in standard deviations, and the page says so and what judges them."""
    rng = np.random.default_rng(4)
    age = rng.uniform(20, 70, 120)
    lines = [f"{a:.1f},{1000 * a + 5000 * e:.0f}" for a, e in zip(age, rng.normal(size=120), strict=True)]
    (tmp_path / "people.csv").write_text("\n".join(["age,income", *lines]))
    done = tiny(["gan"], str(tmp_path / "people.csv"), 6, {"holdout": holdout}, folder=tmp_path / "study")
    page.write(done, tmp_path / "study")
    text = (tmp_path / "study" / "summary.md").read_text()
    assert all(words in text for words in ["exact W₁, in standard deviations, on the first", *told])
    assert ("| ceiling" in text) == (holdout > 0)
    null = [row["w1"] for row in done.rows if row["recipe"] == "null"]
    assert 0.3 < np.mean(null) < 1.5  # of 20 to 70 years and as many thousands: not thousands
    assert same(tiny(["gan"], str(tmp_path / "people.csv"), 6, {"holdout": holdout}, folder=tmp_path / "study"), done)


def test_presets_and_what_is_given_over_them() -> None:
    todo = plan(None, None, None, {"steps": 9}, "collapse")
    assert tuple(todo.methods) == PRESETS["collapse"].recipes and todo.seeds == tuple(range(10))
    assert todo.data.name == "ring8-unit" and {config.steps for config in todo.methods.values()} == {9}
    quick = plan(["r1"], "ring8", None, {"seed": 5}, "collapse", quick=True)
    assert quick.seeds == (5, 6, 7, 8) and quick.methods["r1"].data == "ring8"
    assert quick.methods["r1"] == replace(PRESETS["collapse"].configure("r1", True, seed=5), data="ring8")
    assert plan(["gan"], None, np.int64(2), {"seed": np.int32(3)}).seeds == (3, 4)  # NumPy's numbers are numbers
    assert list(plan(None, None, 1).methods) == ["gan", "unrolled", "wgan", "wgan-gp", "sn-gan"]


# -- several at a time --------------------------------------------------------------------------------
def test_processes_give_the_same_bits_and_tell_how_far_they_are(whole, tmp_path: Path) -> None:
    seen: list[dict[str, int]] = []
    done = tiny(jobs=2, watch=lambda steps: seen.append(dict(steps)), folder=tmp_path)
    assert same(done, whole)
    assert seen[-1] == {"wgan-gp": 12, "gan": 12}
    assert all(a[name] <= b[name] for a, b in pairwise(seen) for name in a)


def test_the_longest_comes_first() -> None:
    seen: list[str] = []
    tiny(["gan", "unrolled", "wgan-gp"], seeds=1, watch=lambda steps: seen.append(max(steps, key=steps.get)))
    assert next(name for name in seen) == "unrolled"


def test_a_method_that_cannot_be_sent_to_a_process_does_not_lose_the_others(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"(?s)gan.*kept in"):
        tiny(data=lambda rng, n: rng.normal(size=(n, 2)), jobs=2, folder=tmp_path)
    assert tiny(["gan"], lambda rng, n: rng.normal(size=(n, 2)), 1).rows


# -- failing ------------------------------------------------------------------------------------------
def test_a_seed_that_fails_is_counted_and_the_others_stay_as_they_are(whole, monkeypatch, tmp_path: Path) -> None:
    class Sick(Training):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            if options.get("seeds"):
                self.state["theta"][1] = np.nan

    monkeypatch.setattr(studies, "Training", Sick)
    done = tiny(folder=tmp_path)
    for name in ("gan", "wgan-gp"):
        rows, samples = done.results[name].rows, done.results[name].samples
        assert "stopped being finite" in rows[1]["failed"] and np.isnan(samples[1]).all()
        assert set(rows[1]) == {"recipe", "seed", "failed"}
        for k in (0, 2):
            assert rows[k] == whole.results[name].rows[k]
            np.testing.assert_array_equal(samples[k], whole.results[name].samples[k])
    assert "1 of 3" in summary.cells(done)[1]
    assert same(tiny(folder=tmp_path), done)  # what has failed is done


def test_a_method_of_which_every_seed_fails_is_a_result_too(tmp_path: Path) -> None:
    done = tiny(["gan"], settings=ALL_FAIL, folder=tmp_path)
    assert all("stopped being finite" in row["failed"] for row in done.results["gan"].rows)
    assert summary.cells(done)[1][1:6] == ["–"] * 5
    page.write(done, tmp_path)


# -- refusals, before anything is trained -----------------------------------------------------------
@pytest.mark.parametrize(("request_", "words"), [
    ({"recipes": ["gan", "unroled"]}, "unknown recipe 'unroled'; did you mean 'unrolled'"),
    ({"recipes": ["gan", "r1", "gan"]}, "each recipe once: gan"),
    ({"seeds": 0}, "seeds: at least 1"),
    ({"seeds": -3}, "seeds: at least 1"),
    ({"seeds": []}, "seeds: at least 1"),
    ({"seeds": [1, 2, 1]}, "each a whole number, once"),
    ({"seeds": [1, -2]}, "not negative"),
    ({"seeds": [1, 2.5]}, "a whole number"),
    ({"seeds": [3, 7], "settings": {"seed": 5}}, r"seeds names every seed \(3, 7\).*leave out seed 5"),
    ({"data": "rnig8"}, "did you mean 'ring8'"),
    ({"preset": "colapse"}, "did you mean 'collapse'"),
    ({"settings": {"stpes": 3}}, "gan: unknown setting 'stpes'; did you mean 'steps'"),
    ({"settings": {"critic_norm": "batch"}}, "wgan-gp: a gradient penalty needs"),
    ({"recipes": ["gan", "semi-supervised"], "data": "moons"}, "semi-supervised: moons has no classes"),
    ({"recipes": ["gan", "reverse-kl"], "data": "moons"}, "reverse-kl: the density of moons is not known"),
])
def test_what_cannot_be_trained_is_refused_before_anything_is(no_training, tmp_path, request_, words) -> None:
    usual = {"recipes": ["gan", "wgan-gp"], "data": "ring8", "seeds": 2, "jobs": 1, "folder": tmp_path / "x"}
    with pytest.raises(ValueError, match=words):
        run_study(**usual | request_)
    assert not (tmp_path / "x").exists()


# -- in a folder ----------------------------------------------------------------------------------------
def test_what_is_done_is_not_done_again(whole, tmp_path: Path, monkeypatch) -> None:
    first = tiny(folder=tmp_path)
    assert same(first, whole)
    for name in ("gan", "wgan-gp"):
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == FILES
        np.testing.assert_array_equal(np.load(tmp_path / name / "samples.npz")["samples"], first.results[name].samples)
    trained = []
    monkeypatch.setattr(studies, "train_method", lambda todo, name, *rest: trained.append(name))
    again = tiny(folder=tmp_path)
    assert same(again, first) and again.results["gan"].seconds == first.results["gan"].seconds and not trained
    with pytest.raises(KeyboardInterrupt):  # our stand-in returns nothing, as if stopped
        tiny(["gan", "r1", "wgan-gp"], folder=tmp_path)
    assert trained == ["r1"]


@pytest.mark.slow("studies to the same bytes, stopped anywhere and gone on with")
def test_the_same_study_writes_the_same_bytes_but_for_the_seconds(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        run_study(["gan"], "ring8", 2, TINY, jobs=1, folder=tmp_path / folder)
    for name in ("gan/config.toml", "gan/samples.npz", "gan/table.csv", "table.csv", "comparison.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


@pytest.mark.parametrize(("changes", "words"), [
    ({"settings": {"steps": 13}}, "steps 12 there, 13 now"),
    ({"seeds": 4}, r"seeds \[0, 1, 2\] there, \[0, 1, 2, 3\] now"),
    ({"data": "grid25"}, "data ring8 there, grid25 now"),
    ({"data": np.ones((5, 2)) * [[1], [2], [3], [4], [5]]}, "other data"),
    ({"preset": "collapse"}, "results of other settings"),
])
def test_results_of_other_settings_are_not_mixed_in(whole, tmp_path: Path, no_training, monkeypatch, changes, words):
    where = tmp_path / "gan"
    where.mkdir()
    todo = plan(["gan"], "ring8", 3, TINY)
    studies.files.write_toml(where / "config.toml", studies._settings(todo, "gan"))
    with pytest.raises(RunError, match=words):
        tiny(["gan"], folder=tmp_path, **changes)
    assert sorted(path.name for path in where.iterdir()) == ["config.toml"]


def test_the_users_points_stay_with_the_study(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 2))
    first = tiny(["gan"], x, 2, folder=tmp_path)
    np.testing.assert_array_equal(np.load(tmp_path / "data.npz")["values"], x)
    assert same(tiny(["gan"], x.copy(), 2, folder=tmp_path), first)
    with pytest.raises(RunError, match="other data"):
        tiny(["gan"], x + 1, 2, folder=tmp_path)


def test_a_run_folder_is_not_a_study(tmp_path: Path, no_training) -> None:
    (tmp_path / "config.toml").write_text("steps = 3\n")
    with pytest.raises(RunError, match="holds a run"):
        tiny(folder=tmp_path)


@pytest.mark.parametrize("stop", slow_but(
    [5], [1, 5, 12, 17, 23], "studies to the same bytes, stopped anywhere and gone on with"))
def test_a_stopped_study_goes_on_to_the_same_bits(whole, tmp_path: Path, monkeypatch, stop: int) -> None:
    """Ctrl-C after so many steps of 24, in the midst of a method or between two."""
    taken: list[int] = []

    @contextmanager
    def interruptible():
        yield lambda: len(taken) >= stop

    with monkeypatch.context() as patch:
        patch.setattr(run, "interruptible", interruptible)
        with pytest.raises(KeyboardInterrupt):
            tiny(folder=tmp_path, watch=lambda done: taken.append(1))
    assert len(taken) == stop
    assert (tmp_path / "wgan-gp" / "table.csv").exists() == (stop >= 12)  # the longest came first
    again = tiny(folder=tmp_path, watch=lambda done: taken.append(1))
    assert same(again, whole) and len(taken) == 24
    assert not list(tmp_path.rglob("checkpoint.npz"))
