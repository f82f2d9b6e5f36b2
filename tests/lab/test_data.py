"""Data in data units, whatever the scaling; and files that cannot be learned from are refused."""

import numpy as np
import pytest

from minigan.autodiff import Tensor, check
from minigan.lab.data import check_points, data_from, read_points
from minigan.lab.toys import TOYS


def points(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(500, 3)) * 40 + [1000.0, -5.0, 0.3]


def test_points_are_centred_and_scaled_by_one_number_and_restored() -> None:
    x = points()
    data = data_from(x)
    assert data.dim == 3
    np.testing.assert_allclose(data.shift, x.mean(axis=0))
    assert data.scale == pytest.approx(np.sqrt(x.var(axis=0).mean()))
    batch = np.empty((4000, 3), np.float32)
    data.draw(np.random.default_rng(0), batch)
    assert np.abs(batch.mean(axis=0)).max() < 0.1 and batch.std() == pytest.approx(1, abs=0.05)
    back = data.restore(batch.astype(float))
    assert all(np.abs(x - row).sum(axis=1).min() < 1e-3 for row in back[:20]), "a batch holds the points themselves"


def test_no_scaling_on_request_and_none_for_identical_points() -> None:
    data = data_from(points(), standardize=False)
    assert data.scale == 1 and (data.shift == 0).all()
    flat = data_from(np.ones((5, 2)))
    assert flat.scale == 1 and (flat.shift == 1).all()


@pytest.mark.parametrize("name", TOYS)
def test_a_toys_scaling_is_that_of_its_distribution(name: str) -> None:
    data, big = data_from(name), TOYS[name].sample(np.random.default_rng(5), 200_000)
    assert data.toy is TOYS[name] and data.name == name
    np.testing.assert_allclose(data.shift, big.mean(axis=0), atol=0.05 * data.scale)
    assert data.scale == pytest.approx(np.sqrt(big.var(axis=0).mean()), rel=0.03)


def test_a_sampler_from_python() -> None:
    def triangle(rng: np.random.Generator, n: int) -> np.ndarray:
        return rng.triangular(10, 20, 60, size=(n, 1))

    data = data_from(triangle, rng=np.random.default_rng(0))
    assert (data.name, data.dim, data.points) == ("triangle", 1, None)
    assert data.shift[0] == pytest.approx(30, rel=0.02)
    assert data.modes(np.zeros((5, 1))) == {}


BAD_ARRAYS = {
    "text": (np.array([["a", "b"]] * 3), ["numbers"]),
    "objects": (np.array([[1, None], [2, 3]], dtype=object), ["numbers"]),
    "complex": (np.ones((3, 2)) * 1j, ["numbers", "complex128"]),
    "one row": (np.ones((1, 2)), ["2 points", "1"]),
    "a vector": (np.ones(5), ["(n, d)", "(5,)"]),
    "a cube": (np.ones((5, 2, 2)), ["(n, d)", "(5, 2, 2)"]),
    "no column": (np.ones((5, 0)), ["(n, d)", "(5, 0)"]),
    "nan": (np.array([[1.0, 2], [3, np.nan], [5, 6]]), ["finite", "nan", "row 1", "column 1"]),
    "infinity": (np.array([[1.0, 2], [3, 4], [np.inf, 6]]), ["finite", "inf", "row 2", "column 0"]),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_arrays_that_cannot_be_learned_from(case: str) -> None:
    array, words = BAD_ARRAYS[case]
    with pytest.raises(ValueError) as error:
        check_points(array)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("suffix", [".npy", ".csv"])
def test_files_hold_the_points(tmp_path, suffix: str) -> None:
    path, x = tmp_path / f"cloud{suffix}", points()
    np.save(path, x) if suffix == ".npy" else np.savetxt(path, x, delimiter=",", header="x,y,z", comments="")
    np.testing.assert_array_equal(read_points(path), x)
    data = data_from(str(path))
    assert data.name == "cloud"
    np.testing.assert_array_equal(data.points, x)


BAD_FILES = {
    "words.csv": b"x,y\n1,2\nred,4\n",
    "ragged.csv": b"1,2\n3\n",
    "empty.csv": b"",
    "nan.csv": b"1,2\nnan,4\n5,6\n",
    "one.csv": b"1,2\n",
    "text.npy": b"hello",
    "empty.npy": b"",
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_refused_by_name(tmp_path, name: str) -> None:
    (tmp_path / name).write_bytes(BAD_FILES[name])
    with pytest.raises(ValueError, match=name):
        read_points(tmp_path / name)


def test_pickled_objects_are_never_loaded(tmp_path) -> None:
    np.save(tmp_path / "objects.npy", np.array([[1, "a"]], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"objects\.npy"):
        read_points(tmp_path / "objects.npy")


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
    modes = (data.toy.modes - data.shift) / data.scale
    distance = np.linalg.norm(x[labelled > 0] - modes[one_hot[labelled > 0].argmax(axis=1)], axis=1)
    assert distance.max() < 6 * data.toy.sigma / data.scale  # the spacing is 14 sigma
    plain = np.empty((7, 2))
    data.draw_labelled(np.random.default_rng(1), plain, np.empty((7, 25)), 1.0)
    other = np.empty((7, 2))
    data.draw(np.random.default_rng(1), other)
    np.testing.assert_array_equal(plain, other)  # labels are drawn after the points


def test_labels_of_your_own_points_stay_with_them() -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = np.where(x[:, 0] > 0, 1, 0)
    y[::3] = -1
    data = data_from(x, labels=y)
    assert data.classes == 2
    seen, one_hot = np.empty((500, 2)), np.empty((500, 2))
    data.draw_labelled(np.random.default_rng(0), seen, one_hot, 1.0)
    points = seen * data.scale + data.shift
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
    expected = data.toy.log_density(x) + data.dim * np.log(data.scale)
    scaled = (x - data.shift) / data.scale
    np.testing.assert_allclose(data.log_density(Tensor(scaled)).value, expected, rtol=1e-9, atol=1e-9)
    check(lambda x: data.log_density(x).sum(), [scaled[:5]])


def test_a_density_that_is_not_known() -> None:
    with pytest.raises(ValueError, match="the density of moons is not known"):
        data_from("moons").log_density(Tensor(np.zeros((2, 2))))
