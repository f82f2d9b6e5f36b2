"""Data in data units, whatever the scaling; and files that cannot be learned from are refused."""

import numpy as np
import pytest

from minigan.autodiff import Tensor, check
from minigan.lab.data import data_from
from minigan.lab.reference import scores
from minigan.lab.toys import TOYS


def points(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(500, 3)) * 40 + [1000.0, -5.0, 0.3]


def test_columns_are_scaled_apart_and_restored() -> None:
    x = points() * [1, 100, 1e-3]
    data = data_from(x)
    assert data.dim == 3 and data.scaling.kind == "columns" and data.points is not None
    np.testing.assert_allclose(data.scaling.shift, data.points.mean(axis=0))
    np.testing.assert_allclose(data.scaling.scale, data.points.std(axis=0))
    batch = np.empty((4000, 3), np.float32)
    data.draw(np.random.default_rng(0), batch)
    assert np.abs(batch.mean(axis=0)).max() < 0.1
    np.testing.assert_allclose(batch.std(axis=0), 1, atol=0.05)
    back = data.scaling.to_data(batch)
    assert back.dtype == np.float64
    assert all((np.abs(x - row) / x.std(axis=0)).sum(axis=1).min() < 1e-5 for row in back[:20]), "they are the points"


def test_data_at_the_end_of_float64_are_refused() -> None:
    with pytest.raises(ValueError, match="divide them by a power of ten"):
        data_from(points() * 1e305)


def test_one_scale_for_all_on_request_and_for_a_toy() -> None:
    x = points()
    data = data_from(x, "whole", holdout=0)
    np.testing.assert_allclose(data.scaling.scale, np.sqrt(x.var(axis=0).mean()))
    assert not data.scaling.apart and data_from("ring8").scaling.kind == "whole"


def test_no_scaling_on_request_and_none_for_identical_points() -> None:
    scaling = data_from(points(), standardize="none").scaling
    assert (scaling.scale == 1).all() and (scaling.shift == 0).all()
    for kind in ("columns", "whole"):
        flat = data_from(np.full((5, 2), 0.1), kind).scaling
        assert (flat.to_data(np.random.default_rng(0).normal(size=(9, 2))) == 0.1).all()
        assert (flat.to_net(np.full((5, 2), 0.1)) == 0).all()


@pytest.mark.parametrize("kind", ["columns", "whole"])
@pytest.mark.parametrize(("factor", "offset"), [(1, 1.6e9), (1e38, 0), (1e-200, 0), (1e150, 0), (1e-310, 0), (3, -7)])
def test_any_unit_gives_the_networks_the_same(kind: str, factor: float, offset: float) -> None:
    """Of points in binary fractions, so that x + 1.6e9 loses nothing of them."""
    x = np.round(np.random.default_rng(1).normal(size=(400, 2)) * 256) / 256
    here, there = data_from(x, kind), data_from(x * factor + offset, kind)
    seen, other = here.scaling.to_net(x), there.scaling.to_net(x * factor + offset)
    np.testing.assert_allclose(other, seen, rtol=1e-9, atol=4e-16 * offset + 1e-9)  # its float64
    np.testing.assert_allclose(there.scaling.to_data(other), x * factor + offset, rtol=1e-12, atol=1e-15 * factor)
    unit = 1.0 if kind == "columns" else factor
    a, b = x[:100], x[100:200] + 1
    assert scores(there, a * factor + offset, b * factor + offset)["w1"] == pytest.approx(
        unit * scores(here, a, b)["w1"], rel=1e-6)


@pytest.mark.parametrize(
    ("n", "share", "held"), [(2000, 0.2, 400), (49, 0.2, 0), (50, 0.2, 10), (300, 0.0, 0), (60, 0.5, 30)])
def test_rows_are_held_out_and_never_drawn(n: int, share: float, held: int) -> None:
    x = np.random.default_rng(0).normal(size=(n, 2))
    data = data_from(x, holdout=share)
    assert data.points is not None and len(data.points) == n - held
    rows = [data.points, *([] if data.held is None else [data.held])]
    assert sorted(map(tuple, np.concatenate(rows))) == sorted(map(tuple, x)), "each row once"
    assert (data.held is None) == (held == 0)
    drawn = data.sample(np.random.default_rng(1), 20_000)
    assert {*map(tuple, drawn)} <= {*map(tuple, data.points)}
    assert f"{n - held:,} rows to train on" in data.notes[0] and (f"{held:,} held out" in data.notes[0] or not held)


@pytest.mark.parametrize("name", TOYS)
def test_a_toys_scaling_is_that_of_its_distribution(name: str) -> None:
    data, big = data_from(name), TOYS[name].sample(np.random.default_rng(5), 200_000)
    assert data.toy is TOYS[name] and data.name == name
    np.testing.assert_allclose(data.scaling.shift, big.mean(axis=0), atol=0.05 * data.scaling.length)
    assert data.scaling.length == pytest.approx(np.sqrt(big.var(axis=0).mean()), rel=0.03)


def test_a_sampler_from_python() -> None:
    def triangle(rng: np.random.Generator, n: int) -> np.ndarray:
        return rng.triangular(10, 20, 60, size=(n, 1))

    data = data_from(triangle, rng=np.random.default_rng(0))
    assert (data.name, data.dim, data.points) == ("triangle", 1, None)
    assert data.scaling.shift[0] == pytest.approx(30, rel=0.02)
    assert data.modes(np.zeros((5, 1))) == {}


@pytest.mark.parametrize("suffix", [".npy", ".csv"])
def test_files_hold_the_points(tmp_path, suffix: str) -> None:
    path, x = tmp_path / f"cloud{suffix}", points()
    np.save(path, x) if suffix == ".npy" else np.savetxt(path, x, delimiter=",", header="x,y,z", comments="")
    data = data_from(str(path))
    assert data.name == "cloud"
    np.testing.assert_array_equal(data.table.values, x)


def test_a_missing_file_and_an_unknown_name() -> None:
    with pytest.raises(ValueError, match=r"no such data file: nowhere\.npy"):
        data_from("nowhere.npy")
    with pytest.raises(ValueError, match=r"unknown data set 'ring9'; did you mean 'ring8'"):
        data_from("ring9")


# Labels, for a critic of K classes
def test_a_toys_label_is_the_mode_that_a_point_comes_from() -> None:
    data, one_hot, x = data_from("grid25"), np.empty((4000, 25), "float32"), np.empty((4000, 2), "float32")
    data.draw_labelled(np.random.default_rng(0), x, one_hot, 0.25)
    assert data.classes == 25
    labelled = one_hot.sum(axis=1)
    assert set(labelled) == {0.0, 1.0} and abs(labelled.mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 4000)
    modes = data.scaling.to_net(data.toy.modes)
    distance = np.linalg.norm(x[labelled > 0] - modes[one_hot[labelled > 0].argmax(axis=1)], axis=1)
    assert distance.max() < 6 * data.toy.sigma / data.scaling.length  # the spacing is 14 sigma
    plain = np.empty((7, 2))
    data.draw_labelled(np.random.default_rng(1), plain, np.empty((7, 25)), 1.0)
    other = np.empty((7, 2))
    data.draw(np.random.default_rng(1), other)
    np.testing.assert_array_equal(plain, other)  # labels are drawn after the points


def test_labels_of_your_own_points_stay_with_them() -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = np.where(x[:, 0] > 0, 1, 0)
    y[::3] = -1
    data = data_from(x, labels=y, holdout=0)
    assert data.classes == 2
    seen, one_hot = np.empty((500, 2)), np.empty((500, 2))
    data.draw_labelled(np.random.default_rng(0), seen, one_hot, 1.0)
    points = data.scaling.to_data(seen)
    index = np.array([np.abs(x - p).sum(axis=1).argmin() for p in points])
    np.testing.assert_array_equal(one_hot, np.eye(2)[np.maximum(y[index], 0)] * (y[index] >= 0)[:, None])


@pytest.mark.parametrize("labels", [[0, 1], np.zeros(60), np.full(60, -1), np.full(60, -2)])
def test_labels_that_make_no_sense(labels: object) -> None:
    with pytest.raises(ValueError, match=r"whole numbers, -1 \(unknown\) or 0, 1, \.\.\., one for each of 60 points"):
        data_from(np.random.default_rng(0).normal(size=(60, 2)), labels=labels)


def test_data_without_classes_say_so() -> None:
    with pytest.raises(ValueError, match="swiss-roll has no classes"):
        data_from("swiss-roll").draw_labelled(np.random.default_rng(0), np.empty((3, 2)), np.empty((3, 1)), 1.0)


# The data's own density, as the reverse KL needs it
@pytest.mark.parametrize("name", ["ring8", "bimodal", "gaussian"])
def test_the_density_of_scaled_data(name: str) -> None:
    """p of (x − shift)/scale is p(x) scaleᵈ, and its gradient is right."""
    data = data_from(name)
    x = data.toy.sample(np.random.default_rng(0), 40)
    expected = data.toy.log_density(x) + data.dim * np.log(data.scaling.length)
    scaled = data.scaling.to_net(x)
    np.testing.assert_allclose(data.log_density(Tensor(scaled)).value, expected, rtol=1e-9, atol=1e-9)
    check(lambda x: data.log_density(x).sum(), [scaled[:5]])


def test_a_density_that_is_not_known() -> None:
    with pytest.raises(ValueError, match="the density of moons is not known"):
        data_from("moons").log_density(Tensor(np.zeros((2, 2))))
