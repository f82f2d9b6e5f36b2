"""The picture of a study: what is drawn is what was measured, and nothing lies on anything else."""

from itertools import combinations

import matplotlib
import numpy as np
import pytest
from matplotlib.patches import Circle

from minigan.lab.picture import save_picture, shown_data
from minigan.lab.reference import draw_reference
from minigan.lab.toys import TOYS
from minigan.studies import picture
from minigan.studies.design import Result, Study, plan
from minigan.studies.summary import summarize

METRICS = ("modes_found", "modes_solid", "high_quality", "reverse_kl", "w1")


def made_up(recipes=("gan", "wgan-gp", "r1"), data="ring8", seeds=5, failed=(), **options) -> Study:
    """A study that nobody trained, of made-up numbers."""
    todo = plan(recipes, data, seeds, **options)
    rng = np.random.default_rng(2)
    names = METRICS if todo.data.modes(np.zeros((1, todo.data.dim))) else METRICS[-1:]
    k = len(todo.data.mixture.modes) if todo.data.mixture else 0

    def row(recipe: str, seed: int) -> dict:
        if (recipe, seed) in failed:
            return {"recipe": recipe, "seed": seed, "failed": "it did"}
        numbers = dict(zip(METRICS, [*rng.integers(0, k + 1, 2).tolist(), *rng.random(3).tolist()], strict=True))
        return {"recipe": recipe, "seed": seed, "failed": "", **{name: numbers[name] for name in names}}

    results = {}
    for name in todo.methods:
        samples = 1.5 * rng.standard_normal((len(todo.seeds), 80, todo.data.dim))
        rows = [row(name, seed) for seed in todo.seeds]
        samples[[bool(row["failed"]) for row in rows]] = np.nan
        results[name] = Result(rows, samples, 3.0)
    drawn = draw_reference(todo.data, 0, 9).yardsticks  # a handful of points has no ceiling
    yardsticks = [row(name, seed) for name in drawn for seed in todo.seeds]
    for line in yardsticks[-len(todo.seeds):]:
        line["w1"] = 0.5 + line["w1"] / 10  # noise is farther away than what was trained, unless that runs away
    return Study(todo, results, yardsticks)


def panels(figure) -> dict:
    return {ax.get_title(loc="left"): ax for ax in figure.axes if ax.get_title(loc="left")}


def heights(ax) -> dict[str, float]:
    return {label.get_text(): y for label, y in zip(ax.get_yticklabels(), ax.get_yticks(), strict=True)}


def points(ax, marker: str, y: float) -> list[float]:
    """Where the markers of a kind stand at a height."""
    return sorted(x for line in ax.get_lines() if line.get_marker() == marker
                  for x, height in zip(line.get_xdata(), line.get_ydata(), strict=True) if abs(height - y) < 1e-9)


def bars(ax, y: float) -> list[list[float]]:
    return [list(line.get_xdata()) for line in ax.get_lines()
            if line.get_marker() == "None" and len(line.get_xdata()) == 2 and set(line.get_ydata()) == {y}
            and list(line.get_xdata()) != [0, 1]]  # the line above the yardsticks


def test_means_intervals_and_seeds_are_drawn_where_they_are() -> None:
    study = made_up(seeds=7, failed=[("r1", 3)])
    drawn = panels(picture.draw_comparison(study))
    for title, metric, factor in [("Modes, of 8", "modes_solid", 1), ("% within 3σ of a mode", "high_quality", 100),
                                  ("Exact W₁", "w1", 1)]:
        ax = drawn[title]
        at = heights(drawn["Modes, of 8"])
        assert list(at) == ["gan", "wgan-gp", "r1", "ceiling", "null"] and list(at.values()) == [4, 3, 2, 1, 0]
        for row in summarize(study):
            y = at[row["recipe"]]
            values = [factor * other[metric] for other in study.rows
                      if other["recipe"] == row["recipe"] and not other["failed"]]
            np.testing.assert_allclose(points(ax, "o", y), [factor * row[metric].mean])
            np.testing.assert_allclose(bars(ax, y), [[factor * row[metric].low, factor * row[metric].high]])
            np.testing.assert_allclose(points(ax, "o", y + 0.26), sorted({*values}))
            if metric == "modes_solid":
                np.testing.assert_allclose(points(ax, "D", y - 0.26), [row["modes_found"].mean])
                np.testing.assert_allclose(bars(ax, y - 0.26), [list(row["modes_found"][1:])])


def test_seeds_that_agree_are_one_larger_dot() -> None:
    study = made_up(["gan"], seeds=4)
    for row, solid in zip(study.results["gan"].rows, (8, 8, 8, 2), strict=True):
        row["modes_solid"] = solid
    ax = panels(picture.draw_comparison(study))["Modes, of 8"]
    y = heights(ax)["gan"] + 0.26
    sizes = {line.get_xdata()[0]: line.get_markersize() for line in ax.get_lines() if line.get_ydata()[0] == y}
    assert sizes[8] == pytest.approx(np.sqrt(3) * sizes[2])


def test_of_too_few_seeds_no_interval_is_drawn() -> None:
    drawn = panels(picture.draw_comparison(made_up(seeds=5)))
    for ax in list(drawn.values())[-3:]:
        assert [bars(ax, y + d) for y in range(5) for d in (0, -0.26)] == [[]] * 10
        assert "95" not in "".join(text.get_text() for text in ax.texts)


def test_one_runaway_does_not_ruin_the_axis() -> None:
    """Beyond the axis' end are a triangle and the number, and nothing is cut off in silence."""
    study = made_up(seeds=7)
    for row in study.results["r1"].rows:
        row["w1"] = 31.0 + row["seed"]  # total variation's, as it was by default
    study.results["gan"].rows[2]["w1"] = 1e30  # and one seed of another's
    ax = panels(picture.draw_comparison(study))["Exact W₁"]
    null = summarize(study)[-1]["w1"].mean
    end = ax.get_xlim()[1]
    assert 0.5 < max(row["w1"] for row in study.results["wgan-gp"].rows) < end < 2.1 * null
    assert points(ax, "o", 2) == [] and points(ax, "o", 2.26) == []  # r1 is all beyond it
    assert all(0.95 * end < x <= end for y in (4, 4.26, 2, 2.26) for x in points(ax, ">", y))
    assert [len(points(ax, ">", y)) for y in (4, 4.26, 3, 3.26, 2, 2.26)] == [1, 1, 0, 0, 1, 1]
    assert {text.get_text() for text in ax.texts} >= {"34", "1.43e+29"}
    seen = points(ax, "o", 4.26)
    assert seen == sorted(row["w1"] for row in study.results["gan"].rows if row["seed"] != 2 and row["w1"] < end)


@pytest.mark.parametrize(("seeds", "null", "end"), [
    ([0.1, 0.2, 0.3], 0.5, 0.3),  # nobody runs away: the largest
    ([0.1, 0.2, 31.0], 0.5, 1.0),  # twice the null
    ([7.0, 8.0, 9.0, 0.1], 0.5, 1.0),  # most of them do
    ([0.1, 0.2, 0.3, 5e5], 5e5, 2.5),  # the null itself does: an outlier among the data
    ([0.0, 0.0], 0.0, 1 / 1.01), ([], np.nan, 1 / 1.01),  # data of one point; everything failed
])
def test_where_the_axis_of_w1_ends(seeds, null, end) -> None:
    assert picture.end_of_axis(seeds, null) == pytest.approx(1.01 * end)


@pytest.mark.parametrize(("w1", "median"), [
    ([0.3, 0.1, 0.2], 2), ([0.4, 0.1, 0.3, 0.2], 3), ([0.4, None, 0.3], 0), ([None, None, 0.3], None), ([0.5], 0),
])
def test_the_median_seed_is_the_lower_of_two_and_failures_come_last(w1, median) -> None:
    study = made_up(["gan"], seeds=len(w1), failed=[("gan", seed) for seed, x in enumerate(w1) if x is None])
    for row, x in zip(study.results["gan"].rows, w1, strict=True):
        row |= {} if x is None else {"w1": x}
    found = study.median_row("gan")
    assert found["failed"] if median is None else found["seed"] == median


def test_samples_of_the_median_seeds_lie_over_the_data() -> None:
    study = made_up(seeds=[4, 2, 9])
    drawn = panels(picture.draw_comparison(study))
    assert list(drawn)[:5] == ["gan", "wgan-gp", "r1", "ceiling", "null"]
    for name, result in study.results.items():
        k = int(np.argsort([row["w1"] for row in result.rows])[1])
        data, samples = drawn[name].collections
        np.testing.assert_allclose(samples.get_offsets(), result.samples[k])
        assert len(data.get_offsets()) == len(shown_data(study.plan.data))
        solid, share = (result.rows[k][metric] for metric in ("modes_solid", "high_quality"))
        (left, right), (low, high) = drawn[name].get_xlim(), drawn[name].get_ylim()
        outside = np.mean([not (left <= x <= right and low <= y <= high) for x, y in result.samples[k]])
        assert [text.get_text() for text in drawn[name].texts] == [
            f"{solid} of 8 solid, {100 * share:.0f} % hq", f"seed {(4, 2, 9)[k]}", f"{100 * outside:.0f} % outside"]
        circles = [patch for patch in drawn[name].patches if isinstance(patch, Circle)]
        np.testing.assert_allclose([circle.center for circle in circles], TOYS["ring8"].modes)
        assert {circle.radius for circle in circles} == {3 * TOYS["ring8"].sigma}
    for name, rows in (("ceiling", study.yardsticks[:3]), ("null", study.yardsticks[3:])):
        seed = sorted(rows, key=lambda row: row["w1"])[1]["seed"]
        shown = drawn[name].collections[1].get_offsets()
        np.testing.assert_allclose(shown, getattr(draw_reference(study.plan.data, seed, 2500), name))


def test_the_headline_says_what_it_is() -> None:
    assert picture.headline(made_up(seeds=1)) == "ring8: 30,000 steps; 1 seed"
    quick = made_up(["gan"], data=None, seeds=None, preset="collapse", quick=True)
    steps = quick.plan.preset.quick["steps"]
    words = f"ring8-unit: {steps:,} steps; 4 seeds; preset collapse; a quick look"
    assert picture.headline(quick) == words + "\nof each, the seed with the median W₁ is shown"
    assert "preset collapse, changed" in picture.headline(made_up(["gan"], preset="collapse", settings={"steps": 9}))


def overlaps(figure) -> list:
    """Pairs of titles, labels and remarks that cover each other, once drawn."""
    figure.draw_without_rendering()
    texts = [figure._suptitle]
    for ax in figure.axes:
        names = ax.get_yticklabels() if ax.get_subplotspec().is_first_col() else []
        texts += [ax._left_title, *ax.texts, *names]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text().strip()]
    assert len(boxes) > 5
    return [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if one.overlaps(other)]


EIGHT = ["gan", "unrolled", "packing", "wgan-gp", "sn-gan", "r1", "virtual-batch-norm", "fgan-squared-hellinger"]


@pytest.mark.slow("reports and pictures of more systems")
@pytest.mark.parametrize(("recipes", "data"), [
    (["gan"], "ring8"), (EIGHT[2:], "grid25"), (EIGHT, "moons"), (EIGHT[:6], "bimodal"),
    (["gan", "r1"], np.random.default_rng(0).normal(size=(30, 3))),
    (["gan"], np.full((5, 2), 3.0)),
])
def test_nothing_lies_on_anything_else(recipes, data) -> None:
    study = made_up(recipes, data, failed=[(recipes[0], seed) for seed in range(3)])
    figure = picture.draw_comparison(study)
    assert overlaps(figure) == []
    drawn = panels(figure)
    assert drawn[recipes[0]].texts[0].get_text() == "this seed failed"
    assert ("Modes, of 8" in drawn) == (isinstance(data, str) and data == "ring8")
    assert any("Exact W₁" in title for title in drawn)


def test_densities_on_the_line_are_of_all_samples() -> None:
    study = made_up(["gan"], "gaussian")
    ax = panels(picture.draw_comparison(study))["gan"]
    data, samples = (patch.get_data() for patch in ax.patches)
    x = study.results["gan"].samples[0][:, 0]
    width = np.diff(samples.edges)
    left, right = ax.get_xlim()
    assert (samples.values * width).sum() == pytest.approx(np.mean((left <= x) & (x <= right)))
    middle = np.abs(data.edges[:-1] + width / 2) < 0.3
    assert data.values[middle].mean() == pytest.approx(0.39, abs=0.05)


def test_a_method_whose_every_seed_failed_has_an_empty_line() -> None:
    study = made_up(failed=[("gan", seed) for seed in range(5)])
    ax = panels(picture.draw_comparison(study))["Exact W₁"]
    y = heights(panels(picture.draw_comparison(study))["Modes, of 8"])["gan"]
    assert np.isnan(points(ax, "o", y)).all() and bars(ax, y) == []


def test_the_same_study_gives_the_same_bytes(tmp_path) -> None:
    study = made_up(["gan"], seeds=2)
    save_picture(picture.draw_comparison(study), tmp_path / "one.png")
    with matplotlib.rc_context({"font.size": 20, "axes.grid": True}):
        save_picture(picture.draw_comparison(study), tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
