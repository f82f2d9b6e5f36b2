"""The strategies keep what they promise, reach the awkward cases, and shrink to what can be read."""

from random import Random

import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from minigan.testing import (
    disjoint_pairs,
    gaussians,
    markov_kernels,
    mixtures,
    pairs,
    pairs_with_common_support,
    point_clouds,
    probability_vectors,
)


def is_probability(p) -> bool:
    return p.ndim == 1 and p.dtype == float and (p >= 0).all() and abs(p.sum() - 1) < 1e-12


@given(probability_vectors(), probability_vectors(3, zeros=False))
def test_probability_vectors(p, full) -> None:
    assert is_probability(p) and 1 <= len(p) <= 8
    assert is_probability(full) and len(full) == 3 and full.min() > 0


@given(pairs(), pairs_with_common_support(), disjoint_pairs(), disjoint_pairs(2))
def test_pairs(any_pair, common, disjoint, two) -> None:
    for p, q in (any_pair, common, disjoint, two):
        assert is_probability(p) and is_probability(q) and p.shape == q.shape
    assert np.array_equal(common[0] > 0, common[1] > 0)
    assert not (disjoint[0] * disjoint[1]).any()


@given(gaussians(), gaussians(0.5, 2))
def test_gaussians(wide, narrow) -> None:
    assert abs(wide[0]) <= 1e3 and 1e-3 <= wide[1] <= 1e3
    assert abs(narrow[0]) <= 2 and 0.5 <= narrow[1] <= 2


@given(mixtures(), mixtures(2))
def test_mixtures(line, plane) -> None:
    for dim, (means, sigma, weights) in enumerate((line, plane), 1):
        assert means.shape == (len(weights), dim) and means.dtype == float
        assert sigma > 0 and is_probability(weights) and weights.min() > 0


@given(point_clouds(), point_clouds(5, 2))
def test_point_clouds(x, fixed) -> None:
    assert x.ndim == 2 and x.dtype == float and np.isfinite(x).all() and fixed.shape == (5, 2)


@given(st.data(), st.integers(1, 4), st.integers(1, 4))
def test_markov_kernels(data, n, m) -> None:
    kernel = data.draw(markov_kernels(n, m))
    assert kernel.shape == (n, m) and all(map(is_probability, kernel))
    assert is_probability(data.draw(probability_vectors(n)) @ kernel)
    assert data.draw(markov_kernels(n)).shape == (n, n)


@pytest.mark.slow("awkward inputs that the strategies must reach")
@pytest.mark.parametrize(("strategy", "awkward"), [
    (probability_vectors(), lambda p: (p == 0).any()),
    (probability_vectors(zeros=False), lambda p: p.min() < 1e-90),
    (pairs(), lambda pair: ((pair[0] > 0) & (pair[1] == 0)).any() and ((pair[0] == 0) & (pair[1] > 0)).any()),
    (pairs(), lambda pair: np.array_equal(*pair)),
    (pairs_with_common_support(), lambda pair: (pair[0] == 0).any() and len(pair[0]) > 2),
    (gaussians(), lambda g: g[1] < 2e-3),
    (gaussians(), lambda g: g[1] > 500),
    (point_clouds(), lambda x: len(x) > 2 and (x == x[0]).all()),
])
def test_awkward_cases_are_reached(strategy, awkward) -> None:
    find(strategy, awkward)


def test_examples_shrink_to_round_ones() -> None:
    p, q = find(pairs(), lambda pair: len(pair[0]) == 2 and not np.array_equal(*pair), random=Random(0))
    assert set(p) | set(q) <= {0, 0.5, 1}


def test_one_outcome_has_no_disjoint_pair() -> None:
    with pytest.raises(ValueError, match="n >= 2"):
        find(disjoint_pairs(1), lambda pair: True)
