"""What to learn from: a toy, a table of the user's own (some rows of it held out), or any sampler; centred and scaled.

Training sees ``scaling.to_net(x)``. Samples and metrics are in data units, distances in ``scaling.unit``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor
from minigan.lab.metrics import mode_scores, nearest_mode
from minigan.lab.read import is_file_name, read_table
from minigan.lab.scaling import Scaling, fit_scaling
from minigan.lab.table import Table, as_table
from minigan.lab.toys import Sampler, Toy, toy
from minigan.theory.fits import log_mixture

ENOUGH = 50  # rows, below which none is held out: a handful of points judges nothing
DRAWS = 10_000  # of a sampler, whose scaling is theirs


@dataclass(frozen=True)
class Data:
    """A distribution to draw from, in data units, and the scaling under which it is learned."""

    name: str
    sample: Sampler
    scaling: Scaling
    names: tuple[str, ...] = ()  # of the columns, if they have any
    table: Table | None = None  # of a finite data set: all its rows
    points: np.ndarray | None = None  # those that are trained on,
    held: np.ndarray | None = None  # and those that are not, against which samples are judged
    toy: Toy | None = None  # what is known of it: modes, density
    labels: np.ndarray | None = None  # (n,) of the points: their classes 0, 1, ...; −1 where it is not known
    notes: tuple[str, ...] = ()  # what its user should be told

    @property
    def dim(self) -> int:
        return len(self.scaling.shift)

    def modes(self, x: np.ndarray) -> dict[str, float]:
        """The mode metrics of samples x, in data units; {} where the data have no known modes."""
        return mode_scores(x, self.toy)

    def draw(self, rng: np.random.Generator, out: np.ndarray) -> None:
        """Fill ``out`` (batch, dim) with a batch, centred and scaled."""
        out[...] = self.scaling.to_net(self.sample(rng, len(out)))

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
        out[...] = self.scaling.to_net(x)
        one_hot[...] = label[:, None] == np.arange(one_hot.shape[1])

    def log_density(self, x: Tensor) -> Tensor:
        """log p of the centred and scaled data at x (..., batch, dim), a tensor (..., batch), in nats.

        ValueError unless the data are a mixture of Gaussians under one scale, whose density has a closed form.
        """
        toy, scaling = self.mixture, self.scaling
        if not toy:
            raise ValueError(f"the density of {self.name} is not known; choose a mixture of Gaussians, such as bimodal")
        if scaling.apart:
            raise ValueError("columns scaled apart are no mixture of round Gaussians: standardize = whole or none")
        k = len(toy.modes)
        weights = np.full(k, 1 / k) if toy.weights is None else toy.weights
        return log_mixture(x, scaling.to_net(toy.modes), toy.sigma / scaling.length, weights)


def data_from(
    source: Any, standardize: str = "auto", rng: np.random.Generator | None = None, labels: Any = None,
    holdout: float = 0.2, header: str = "auto",
) -> Data:
    """The data behind a toy's name, a file, points (n, d) or a Table of them, a Toy, or a sampler (rng, n) → (n, d).

    standardize: see ``fit_scaling``; auto: whole for a toy, whose geometry matters, and columns for all else, of
    10,000 draws with ``rng`` where it is a sampler. labels: of points, (n,) whole numbers, −1 where the class is not
    known. holdout: the share of rows that are not trained on. header: of a file, see ``read_table``.

    Raises ValueError for data that cannot be learned from.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    kind = "columns" if standardize == "auto" else standardize
    if isinstance(source, str | Path) and is_file_name(source):
        name = "standard input" if str(source) == "-" else Path(source).name.split(".")[0]
        return _of_table(name, read_table(source, header), kind, labels, holdout)
    if isinstance(source, str | Toy):
        row = toy(source) if isinstance(source, str) else source
        kind = "whole" if standardize == "auto" else standardize
        name, sample = row.name, row.sample
    elif callable(source):
        row, name, sample = None, getattr(source, "__name__", "sampler"), partial(_draw_on_host, source)
    else:
        return _of_table("points", source if isinstance(source, Table) else as_table(source), kind, labels, holdout)
    if labels is not None:
        raise ValueError("labels are of points: a toy has its modes, and a sampler has none")
    known = as_table(sample(rng, DRAWS), f"{DRAWS:,} draws of {name}").values
    return Data(name, sample, fit_scaling(known, kind), toy=row)


def _of_table(name: str, table: Table, kind: str, labels: Any, holdout: float) -> Data:
    """Every fifth row or so held out, the same ones in every run."""
    labels = table.labels if labels is None else _classes(labels, len(table.values))
    table, n = replace(table, labels=labels), len(table.values)
    count = round(holdout * n) if n >= ENOUGH else 0
    apart = np.random.default_rng(n).permutation(n) < count
    points, held = table.values[~apart], table.values[apart] if count else None
    scaling = fit_scaling(points, kind)
    notes = [*table.notes, *table.doubts, _split_told(n, count, holdout)]
    if scaling.apart:
        notes.append("columns are scaled apart: W₁ and slopes are in standard deviations of each "
                     "(standardize = whole keeps the data's own unit)")
    return Data(name, partial(_draw_points, points), scaling, table.names or (), table, points, held,
                labels=None if labels is None else labels[~apart], notes=tuple(notes))


def _split_told(n: int, count: int, holdout: float) -> str:
    if count:
        return f"{n - count:,} rows to train on; {count:,} held out, against which samples are judged"
    why = f"fewer than {ENOUGH}" if holdout else "holdout = 0"
    return f"{n:,} rows to train on, none held out ({why}): whoever learns them by heart is judged well"


def _draw_points(points: np.ndarray, rng: np.random.Generator, n: int) -> np.ndarray:
    return points[rng.integers(len(points), size=n)]


def _draw_on_host(sampler: Sampler, rng: np.random.Generator, n: int) -> np.ndarray:
    return to_host(sampler(rng, n))


def _classes(labels: Any, n: int) -> np.ndarray:
    y = np.asarray(to_host(labels))
    if y.shape != (n,) or y.dtype.kind not in "iu" or y.min() < -1 or y.max() < 0:
        raise ValueError(f"labels must be whole numbers, -1 (unknown) or 0, 1, ..., one for each of {n} points; "
                         f"got shape {y.shape}, dtype {y.dtype}")
    return y


def column_names(data_names: Sequence[str], dim: int) -> list[str]:
    """The names of the columns, or x₁, x₂, ...; of one, x."""
    digits = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
    return list(data_names) or (["x"] if dim == 1 else [f"x{str(k + 1).translate(digits)}" for k in range(dim)])
