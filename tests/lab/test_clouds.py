"""More than two columns: pairs of them, each alone, and their correlations; nothing of them hides in the first two."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from minigan.lab import clouds, picture
from minigan.lab.config import configure
from minigan.lab.data import data_from
from minigan.lab.history import COLUMNS
from minigan.lab.report import final_report
from minigan.lab.signs import Warned
from minigan.lab.table import Table
from minigan.lab.train import Training
from tests.lab.test_picture import HISTORY, overlaps, panels
from tests.selection import slow_but

rng = np.random.default_rng(0)


def helix(n=200):
    t = rng.uniform(0, 4 * np.pi, n)
    return np.column_stack([np.cos(t), np.sin(t), t / 6])


def draw(points, names=None, samples=None, recipe="wgan-gp"):
    training = Training(configure(recipe, steps=20_000, samples=300), data_from(Table(points, names)))
    samples = training.model.sample(rng, 300) if samples is None else samples
    report = final_report(training)
    return picture.draw_report(training.model, training.data, samples, HISTORY, COLUMNS, report), training.data


@pytest.mark.parametrize("dim, pairs, margins", slow_but([3, 14], [(3, 3, 3), (4, 6, 4), (10, 6, 10), (14, 6, 12)],
                                                           "pictures of more columns"))
def test_tiles_are_pairs_of_the_first_columns_and_each_column(dim, pairs, margins):
    points = rng.normal(size=(60, dim)) * 10.0 ** np.arange(dim)
    names = tuple(f"c{k}" for k in range(dim))
    figure, _ = draw(points, names)
    shown = [(ax.get_xlabel(), ax.get_ylabel()) for ax in figure.axes if ax.get_xlabel().startswith("c")
             and not ax.get_title(loc="left")]
    first = [(f"c{i}", f"c{j}") for i in range(min(dim, 4)) for j in range(i + 1, min(dim, 4))]
    bare = [(x.split(" ")[0].strip("("), y.split(" ")[0].strip("(")) for x, y in shown]
    assert bare == first[:pairs] + [(f"c{k}", "density") for k in range(margins)]
    assert overlaps(figure) == [] and "Correlations" in panels(figure)


def test_a_helix_is_no_circle():
    samples = helix()
    figure, _ = draw(helix(), samples=samples)
    tiles = [ax for ax in figure.axes if ax.collections and not ax.get_title(loc="left") and ax.get_xlabel()]
    for ax, pair in zip(tiles, ([0, 1], [0, 2], [1, 2]), strict=True):
        np.testing.assert_array_equal(ax.collections[1].get_offsets(), samples[:, pair])
        assert ax.get_box_aspect() == 1
    third, = (ax for ax in figure.axes if (ax.get_xlabel(), ax.get_ylabel()) == ("x₃", "density"))
    heights = [bar.get_height() for bar in third.patches if bar.get_alpha()]
    expected, _ = np.histogram(samples[:, 2], np.linspace(*third.get_xlim(), 81), density=True)
    np.testing.assert_allclose(heights, expected)


def test_correlations_lie_on_the_diagonal_where_they_are_right_and_the_worst_is_named():
    x = rng.normal(size=(500, 4))
    x[:, 1] += 2 * x[:, 0]
    data = data_from(Table(x, ("a", "b", "c", "d")))
    clouds.draw_correlations(ax := Figure().subplots(), data, x)
    dots = ax.collections[0].get_offsets()
    np.testing.assert_allclose(dots[:, 0], np.corrcoef(x.T)[np.triu_indices(4, 1)], atol=1e-12)
    np.testing.assert_allclose(dots[:, 0], dots[:, 1], atol=1e-12)
    clouds.draw_correlations(ax := Figure().subplots(), data, np.column_stack([x[:, 0], rng.normal(size=(500, 3))]))
    assert ax.texts[0].get_text().endswith("worst: a, b")


UNLIKE = np.column_stack([rng.uniform(20, 70, 80), rng.normal(size=80) * 5000 + 60_000])


@pytest.mark.parametrize("points", [
    UNLIKE, np.column_stack([UNLIKE, np.full(80, 3.0)]), helix(80) + 1.6e9, helix(80) * 1e38, helix(80)[:, :1] * 1e38,
    helix(80)[:, :2] * 1e-200, np.full((80, 2), 1.7e9), helix(20), rng.normal(size=(80, 1)) + 1.6e9,
], ids=["units", "constant", "stamps", "huge", "huge line", "tiny", "a point", "few rows", "stamps alone"])
def test_odd_data_are_drawn_and_no_text_lies_on_another(points):
    figure, data = draw(points)
    assert overlaps(figure) == []
    assert all(np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all() for ax in figure.axes)
    assert panels(figure)["Distance to the data"].get_ylabel().startswith(f"W₁ ({data.scaling.unit}") or (
        "10" in panels(figure)["Distance to the data"].get_ylabel())


def test_units_apart_are_told_and_arrows_are_right():
    """Income is worth 1/5000 of a year of age here: the axes have as many standard deviations each."""
    figure, data = draw(UNLIKE, ("age", "income"))
    drawn = panels(figure)
    for panel in ("Data and samples", "The critic: score f(x)"):
        ax = drawn[panel]
        spans = np.ptp([ax.get_xlim(), ax.get_ylim()], axis=1) / data.scaling.scale
        assert spans[0] == pytest.approx(spans[1]) and ax.get_box_aspect() == 1
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("age", "income")
    assert drawn["Distance to the data"].get_ylabel() == "W₁ (standard deviations), log above the floor"
    gan, _ = draw(UNLIKE, recipe="gan")
    assert any("/sd or more" in str(getattr(child, "label", "")) for ax in gan.axes for child in ax.get_children())


def test_words_and_warnings_are_in_the_picture():
    training = Training(configure("wgan-gp", steps=20, samples=100), data_from(helix()))
    report = final_report(training)._replace(warned=[Warned("flat critic", 30, None, "its slope is 0", "Do this")])
    lines = picture.in_short(report)
    assert lines[0].startswith("exact W₁ of 40 samples to as many data, in standard deviations: ")
    assert "warning: flat critic (from step 30 on): its slope is 0" in lines
    assert any("the worst column" in line for line in lines)
