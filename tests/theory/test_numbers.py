"""What may be called numbers, and what is refused by name."""

from fractions import Fraction

import numpy as np
import pytest

from minigan.autodiff import Tensor
from minigan.theory.numbers import as_numbers


@pytest.mark.parametrize(("x", "dtype"), [
    (3, "float64"), ([1, 2], "float64"), ((True, False), "float64"), (range(3), "float64"), ([], "float64"),
    (np.arange(3, dtype="uint8"), "float64"), (np.float32([1, 2]), "float32"), (np.float16(1), "float16"),
    (np.ma.array([1.0, 2.0]), "float64"), ([np.float32(1), 2.0], "float64"),
])
def test_numbers_keep_their_precision_and_become_plain_arrays(x, dtype) -> None:
    found = as_numbers(x, "x")
    assert type(found) is np.ndarray and found.dtype == dtype
    np.testing.assert_array_equal(found, np.asarray(x))
    assert as_numbers(x, "x", float).dtype == "float64"


def test_nan_and_infinity_are_numbers() -> None:
    np.testing.assert_array_equal(as_numbers([np.nan, np.inf], "x"), [np.nan, np.inf])


MASKED = np.ma.array([1.0, 2.0], mask=[False, True])


@pytest.mark.parametrize("x", [MASKED, [MASKED, MASKED], [[1.0, np.ma.masked]], np.ma.masked, (1.0, [MASKED])])
def test_masked_entries_are_refused_in_lists_too(x) -> None:
    with pytest.raises(ValueError, match=r"weights has \d+ masked entries of \d+: leave them out"):
        as_numbers(x, "weights")


@pytest.mark.parametrize("x", ["1.5", ["1"], None, [None], [Fraction(1, 2)], {1}, np.array(["a"]), 1j, [1j],
                               np.ones(2, "m8[s]"), [10**400], (k for k in range(3))])
def test_what_is_no_number_is_refused(x) -> None:
    with pytest.raises(TypeError, match="weights must hold real numbers, not"):
        as_numbers(x, "weights")


@pytest.mark.parametrize("x", [Tensor(np.ones(2)), [Tensor(np.ones(2))]])
def test_tensors_are_refused_for_their_gradient_would_be_lost(x) -> None:
    with pytest.raises(TypeError, match=r"weights is a Tensor, .* pass its value \(tensor.value\)"):
        as_numbers(x, "weights")


def test_ragged_lists_are_refused() -> None:
    with pytest.raises(ValueError, match="weights does not convert to an array of numbers"):
        as_numbers([[1], [1, 2]], "weights")
