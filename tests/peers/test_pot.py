"""Transport beside POT, over random inputs: the program, Sinkhorn, the line, slices and Gaussians."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.testing.strategies import gaussians, point_clouds, probability_vectors
from minigan.theory.fits import gaussian_w2
from minigan.theory.transport import (
    emd,
    ground_cost,
    sinkhorn,
    sliced_wasserstein,
    wasserstein_1d,
    wasserstein_assignment,
)

with warnings.catch_warnings():  # it warns of the backends that it does not find
    warnings.simplefilter("ignore")
    ot = pytest.importorskip("ot", reason="a peer: pip install 'minigan[peers]'")

seeds, exponents = st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 3])


@st.composite
def measures(draw, dims=(1, 2, 3), zeros=True):
    """Two weighted point clouds in one space."""
    d = draw(st.sampled_from(dims))
    x, y = draw(point_clouds(d=d)), draw(point_clouds(d=d))
    return x, y, draw(probability_vectors(len(x), zeros=zeros)), draw(probability_vectors(len(y), zeros=zeros))


@given(measures(), exponents)
def test_the_program_is_pots(given_measures, p) -> None:
    x, y, a, b = given_measures
    cost = ground_cost(x, y, p)
    found, unit = emd(cost, a, b), max(cost.max(), 1e-300)
    assert found.value == pytest.approx(ot.emd2(a, b, cost), rel=1e-9, abs=1e-9 * unit)
    assert found.dual == pytest.approx(ot.emd2(a, b, cost), rel=1e-9, abs=1e-9 * unit)


@given(measures(zeros=False), st.sampled_from([0.3, 1.0]))
def test_sinkhorn_is_pots(given_measures, epsilon) -> None:
    x, y, a, b = given_measures
    a, b = ((w + 0.1) / (w + 0.1).sum() for w in (a, b))  # POT takes its time with masses of 1e-100
    cost = ground_cost(x, y)
    cost /= max(cost.max(), 1e-300)
    expected = ot.bregman.sinkhorn_log(a, b, cost, epsilon, numItermax=10_000, stopThr=1e-12, warn=False)
    np.testing.assert_allclose(sinkhorn(cost, a, b, epsilon, tolerance=1e-12).plan, expected, atol=1e-9)


@given(measures(dims=(1,)), exponents)
def test_on_the_line_it_is_pots(given_measures, p) -> None:
    x, y, a, b = given_measures
    expected = float(ot.wasserstein_1d(x[:, 0], y[:, 0], a, b, p=p))  # W_p^p
    size = max(abs(x).max(), abs(y).max(), 1e-300) ** p
    assert wasserstein_1d(x[:, 0], y[:, 0], p, a, b) ** p == pytest.approx(expected, rel=1e-9, abs=1e-11 * size)


@given(st.integers(1, 30), st.integers(1, 3), seeds)
def test_assignment_is_pots(n, d, seed) -> None:
    x, y = np.random.default_rng(seed).normal(size=(2, n, d))
    expected = ot.emd2([], [], ot.dist(x, y, metric="euclidean"))
    assert wasserstein_assignment(x, y) == pytest.approx(expected, rel=1e-9)


@given(measures(dims=(2, 3)), exponents, seeds)
def test_slices_are_pots(given_measures, p, seed) -> None:
    x, y, a, b = given_measures
    theta = np.random.default_rng(seed).normal(size=(5, x.shape[1]))
    theta /= np.linalg.norm(theta, axis=1, keepdims=True)
    expected = float(ot.sliced_wasserstein_distance(x, y, a, b, projections=theta.T, p=p))
    size = max(abs(x).max(), abs(y).max(), 1e-300)
    found = sliced_wasserstein(x, y, theta, p, a, b)
    assert found**p == pytest.approx(expected**p, rel=1e-7, abs=1e-11 * size**p)


@given(gaussians(1e-2, 1e2), gaussians(1e-2, 1e2), st.integers(1, 4), seeds)
def test_gaussians_are_pots(one, two, d, seed) -> None:
    A, B, mu, nu = *np.random.default_rng(seed).normal(size=(2, d, d)), one[0] * np.ones(d), two[0] * np.ones(d)
    S, T = one[1] ** 2 * (A @ A.T + np.eye(d)), two[1] ** 2 * (B @ B.T + np.eye(d))
    expected = float(ot.gaussian.bures_wasserstein_distance(mu, nu, S, T))
    size = np.trace(S) + np.trace(T)
    assert gaussian_w2(mu, S, nu, T) ** 2 == pytest.approx(expected**2, rel=1e-6, abs=1e-9 * size)
