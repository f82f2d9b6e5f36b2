"""What to learn from: a toy, an array of points, a file, or any sampler; centred and scaled.

Training sees x = (data − shift)/scale, with one scale for all coordinates, so that Euclidean distances
and W₁ in data units are ``scale`` times those that the critic sees. Metrics are in data units.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor
from minigan.lab.metrics import mode_scores, nearest_mode
from minigan.lab.toys import Sampler, Toy, toy
from minigan.theory.fits import log_mixture


@dataclass(frozen=True)
class Data:
    """A distribution to draw from, in data units, and the scaling under which it is learned."""

    name: str
    sample: Sampler
    shift: np.ndarray  # (dim,)
    scale: float
    points: np.ndarray | None = None  # of a finite data set
    toy: Toy | None = None  # what is known of it: modes, density
    labels: np.ndarray | None = None  # (n,) of the points: their classes 0, 1, ...; −1 where it is not known

    @property
    def dim(self) -> int:
        return len(self.shift)

    def modes(self, x: np.ndarray) -> dict[str, float]:
        """The mode metrics of samples x, in data units; {} where the data have no known modes."""
        return mode_scores(x, self.toy)

    def draw(self, rng: np.random.Generator, out: np.ndarray) -> None:
        """Fill ``out`` (batch, dim) with a batch, centred and scaled."""
        out[...] = (self.sample(rng, len(out)) - self.shift) / self.scale

    @property
    def mixture(self) -> Any:
        """The toy, if it is made of Gaussians, so that its modes are known; else None."""
        return None if self.toy is None or self.toy.modes is None or self.toy.sigma is None else self.toy

    @property
    def classes(self) -> int:
        """How many classes the labels have: of a toy, its modes; 0 if there are no labels."""
        if self.labels is not None:
            return int(self.labels.max()) + 1
        return len(self.mixture.modes) if self.mixture else 0

    def draw_labelled(self, rng: np.random.Generator, out: np.ndarray, one_hot: np.ndarray, share: float) -> None:
        """``draw``, and fill ``one_hot`` (batch, classes): a row of zeros for all but a share of the labels.

        A toy's label is its nearest mode; points come with labels of their own, −1 where there is none.
        """
        if self.points is not None and self.labels is not None:
            index = rng.integers(len(self.points), size=len(out))
            x, label = self.points[index], self.labels[index]
        elif self.mixture:
            x = self.sample(rng, len(out))
            label = nearest_mode(x, self.mixture.modes)[0]
        else:
            raise ValueError(f"{self.name} has no classes: give labels y with the points, or choose a toy with modes")
        label = np.where(rng.random(len(out)) < share, label, -1)
        out[...] = (x - self.shift) / self.scale
        one_hot[...] = label[:, None] == np.arange(one_hot.shape[1])

    def log_density(self, x: Tensor) -> Tensor:
        """log p of the centred and scaled data at x (..., batch, dim), a tensor (..., batch), in nats.

        ValueError unless the data are a mixture of Gaussians, whose density has a closed form.
        """
        toy = self.mixture
        if not toy:
            raise ValueError(f"the density of {self.name} is not known; choose a mixture of Gaussians, such as bimodal")
        k = len(toy.modes)
        weights = np.full(k, 1 / k) if toy.weights is None else toy.weights
        return log_mixture(x, (toy.modes - self.shift) / self.scale, toy.sigma / self.scale, weights)

    def restore(self, x: np.ndarray) -> np.ndarray:
        """From what the networks see back to data units."""
        return (x * self.scale + self.shift).astype(x.dtype)


def data_from(
    source: Any, standardize: bool = True, rng: np.random.Generator | None = None, labels: Any = None
) -> Data:
    """The data behind a toy's name, a file's path, an array (n, d), a Toy or a sampler (rng, n) → (n, d).

    labels: of points, (n,) whole numbers, −1 where the class is not known.

    Shift and scale are the mean and the root mean square deviation a coordinate: of the points, or
    of 10,000 draws with ``rng`` from a sampler. Raises ValueError for data that cannot be learned from.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    points, row = None, None
    if isinstance(source, str | Path) and Path(source).suffix in READERS:
        name, points = Path(source).stem, read_points(Path(source))
    elif isinstance(source, str | Toy):
        row = toy(source) if isinstance(source, str) else source
        name, sample = row.name, row.sample
    elif callable(source):
        name, sample = getattr(source, "__name__", "sampler"), partial(_draw_on_host, source)
    else:
        name, points = "points", check_points(source)
    if points is None:
        known = check_points(sample(rng, 10_000), f"10,000 draws of {name}")
    else:
        known, sample = points, partial(_draw_points, points)
    shift, scale = np.zeros(known.shape[1]), 1.0
    if standardize:
        shift = known.mean(axis=0)
        scale = float(np.sqrt(np.mean((known - shift) ** 2))) or 1.0  # identical points have no scale
    return Data(name, sample, shift, scale, points, row, None if labels is None else _classes(labels, points))


def _draw_points(points: np.ndarray, rng: np.random.Generator, n: int) -> np.ndarray:
    return points[rng.integers(len(points), size=n)]


def _draw_on_host(sampler: Sampler, rng: np.random.Generator, n: int) -> np.ndarray:
    return to_host(sampler(rng, n))


def _classes(labels: Any, points: np.ndarray | None) -> np.ndarray:
    y = np.asarray(to_host(labels))
    if points is None or y.shape != (len(points),) or y.dtype.kind not in "iu" or y.min() < -1 or y.max() < 0:
        n = "no points" if points is None else f"{len(points)} points"
        raise ValueError(f"labels must be whole numbers, -1 (unknown) or 0, 1, ..., one for each of {n}; "
                         f"got shape {y.shape}, dtype {y.dtype}")
    return y


def check_points(x: Any, what: str = "the data") -> np.ndarray:
    """x as a float64 array of shape (n, d), n ≥ 2; ValueError says what is wrong with it."""
    array = np.asarray(to_host(x))
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{what} must be numbers, got an array of dtype {array.dtype}")
    if array.ndim != 2 or array.shape[1] < 1:
        raise ValueError(f"{what} must have shape (n, d): n points in d columns, got shape {array.shape}")
    if len(array) < 2:
        raise ValueError(f"{what} must have 2 points at least, got {len(array)}")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise ValueError(f"{what} must be finite: {array[tuple(bad[0])]} at row {bad[0][0]}, column {bad[0][1]} "
                         f"({len(bad)} such entries)")
    return array.astype(np.float64)


def _read_csv(path: Path) -> np.ndarray:
    """Comma-separated numbers, after at most one line of column names."""
    rows = path.read_text(encoding="utf-8-sig").splitlines()
    try:
        float("".join(rows[:1]).split(",")[0])
    except ValueError:  # a name, and no number
        rows = rows[1:]
    if not rows:
        raise ValueError("it has no rows")
    return np.loadtxt(rows, delimiter=",", ndmin=2)


READERS: dict[str, Callable[[Path], np.ndarray]] = {".npy": partial(np.load, allow_pickle=False), ".csv": _read_csv}


def read_points(path: Path) -> np.ndarray:
    """The points of a file .npy or .csv, checked; ValueError names the file and the fault."""
    if not path.is_file():
        raise ValueError(f"no such data file: {path}")
    try:
        array = READERS[path.suffix](path)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path.name} does not hold a table of numbers: {error}") from error
    return check_points(array, path.name)
