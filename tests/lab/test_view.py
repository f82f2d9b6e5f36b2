"""Ticks can be read and points lie where they should, whatever the numbers."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from minigan.lab.data import data_from
from minigan.lab.table import Table
from minigan.lab.view import factor_of, offset_and_factor, power_of_ten, view_of


@pytest.mark.parametrize("low, high, label", [
    (-2.0, 2.0, "x"), (0.0, 70.0, "x"), (20_000.0, 120_000.0, "x"), (0.0, 0.0, "x"), (3.5, 3.5, "x"),
    (1.6e9 - 90, 1.6e9 + 80, "x − 1,600,000,000"), (-1.6e9 - 9, -1.6e9 + 8, "x + 1,600,000,000"),
    (-3e38, 2e38, "x / 10³⁸"), (-3e-200, 2e-200, "x / 10⁻²⁰⁰"),
    (1e12 + 1e7, 1e12 + 9e7, "(x − 1,000,000,000,000) / 10⁷"),
    (27.406, 27.414, "(x − 27.41) / 10⁻³"), (1.7e9, 1.7e9, "x − 1,700,000,000"),
])
def test_labels(low, high, label):
    view = view_of(data_from(Table(np.array([[low], [high], [(low + high) / 2]]), ("x",))))
    assert view.label(0) == label
    offset, factor = offset_and_factor(low, high)
    ends = (np.array([low, high]) - offset) / factor
    assert np.abs(ends).max() < 1e6 and (low == high or 0.05 <= np.ptp(ends) < 1e6)


def test_what_is_on_the_axis_is_the_data_and_a_look_back_is_the_same():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3)) * [50, 1e38, 1e-200] + [1.6e9, 0, 0]
    data = data_from(np.column_stack([x, np.full(100, 4.0)]))
    view, rows = view_of(data), data.table.values
    np.testing.assert_allclose(view.of_net(data.scaling.to_net(rows)), view(rows), rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(view.to_data(data.scaling.to_net(rows)), rows, rtol=1e-12)
    np.testing.assert_allclose(view(rows)[:, 0] + 1.6e9, x[:, 0], rtol=1e-15)
    box = view.box(data, rows, [0, 1])
    sides = np.ptp(box, axis=1)
    assert sides[0] == pytest.approx(sides[1])  # a square of what the networks see


def test_names_are_no_mathematics_and_not_too_long():
    names = (r"cost$\\foo$", "a very long name of a column", "two\nlines")
    view = view_of(data_from(Table(np.random.default_rng(0).normal(size=(60, 3)), names)))
    ax = Figure().subplots()
    view.name_axes(ax, 0, 1)
    assert ax.get_xlabel() == names[0] and not ax.xaxis.label.get_parse_math()
    assert ax.get_ylabel() == "a very long name …" and view.label(2) == "two lines"


def test_powers_of_ten():
    assert [factor_of(size) for size in (0.09, 3.0, 9e5, 2e6, 3e-5)] == [1, 1, 1, 1e6, 1e-5]
    assert power_of_ten(1e-200) == "10⁻²⁰⁰" and power_of_ten(1e38) == "10³⁸"
