"""What looks odd in a table of numbers, in sentences for its user; and columns and their names in words."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

import numpy as np

FAR = 50  # a range of so many interquartile ranges: it is 5 for 2,000 of N(0, 1), 8 of an exponential, 20 of e^N(0, 1)


def column(j: int, names: Sequence[str] | None = None) -> str:
    """column 2 (income): column j, counted from 0, in words, which count from 1."""
    return f"column {j + 1}" + (f" ({names[j]})" if names and names[j] != f"column {j + 1}" else "")


def listed(words: Sequence[str]) -> str:
    """The words, or the first 12 of them."""
    return ", ".join([*words[:12], "…"] if len(words) > 12 else words)


def shape_told(values: np.ndarray, names: Sequence[str] | None) -> str:
    """2,000 rows, 2 columns (age, income)"""
    n, d = values.shape
    return f"{n:,} rows, {d} column{'s' * (d != 1)}" + (f" ({listed(names)})" if names else "")


def distinct_names(given: Iterable[object]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of columns, each once and none empty; and what had to be done for it, in sentences."""
    old = [" ".join(str(name).split()) for name in given]
    new: list[str] = []
    for j, name in enumerate(old):
        others = (f"{name}.{k}" for k in count(2)) if name else (f"column {k}" for k in count(j + 1))
        new.append(name if name and name not in new else next(k for k in others if k not in {*new, *old}))
    renamed = [f"column {j + 1} is called {b}" for j, (a, b) in enumerate(zip(old, new, strict=True)) if a and a != b]
    nameless = [str(j + 1) for j, name in enumerate(old) if not name]
    notes = [f"a name that stands twice: {', '.join(renamed)}"] if renamed else []
    notes += [f"without a name: column {', '.join(nameless)}"] if nameless else []
    return tuple(new), tuple(notes)


def describe(values: np.ndarray, names: Sequence[str] | None = None) -> tuple[str, ...]:
    """Sentences on columns (n, d) that are constant, and on rows that repeat."""
    if len(values) < 3:
        return ()
    constant = [f"{column(j, names)}, {x[0]:g}" for j, x in enumerate(values.T) if x.min() == x.max()]
    notes = [f"constant: {'; '.join(constant)}: samples have exactly that"] if constant else []
    if (values % 1 != 0).any():  # whole numbers alone repeat by their nature
        repeated = len(values) - len({row.tobytes() for row in values + 0.0})  # −0 is 0
        notes += [f"{repeated:,} of {len(values):,} rows repeat an earlier one"] if repeated else []
    return tuple(notes)


def doubts(values: np.ndarray, names: Sequence[str] | None = None) -> tuple[str, ...]:
    """Sentences on columns (n, d) that count the rows or have far entries: they may not be meant."""
    return tuple(doubt for j, x in enumerate(values.T) if len(x) > 2 for doubt in _doubts(x, column(j, names)))


def _doubts(x: np.ndarray, name: str) -> Iterator[str]:
    n, low, high = len(x), x.min(), x.max()
    if n >= 10 and low in (0, 1) and high - low == n - 1 and (np.sort(x) == np.arange(n) + low).all():
        yield f"{name} counts {low:.0f} … {high:.0f}: is it an index? Leave it out, or it is learned like all else"
    elif (ratio := _far(x)) > FAR:
        yield (f"{name} has a range of {ratio:.3g} times its interquartile range ({low:.4g} … {high:.4g}): a few far "
               "entries set its scale, and all others are squeezed together. Are they right?")


def _far(x: np.ndarray) -> float:
    """(max − min)/(Q₃ − Q₁); where half of x is one number, of the others; 0 where that says nothing."""
    if x.min() == x.max():
        return 0.0
    x = x / np.abs(x).max()  # the range of what is near the largest float would be inf
    for part in (x, x[x != np.median(x)]):
        q1, q3 = np.percentile(part, [25, 75])
        if q3 > q1:
            with np.errstate(over="ignore"):
                return float((part.max() - part.min()) / (q3 - q1))
    return 0.0
