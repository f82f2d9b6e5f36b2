"""Gaussians in closed form and fitted to a density: against mpmath's digits, scipy and by hand; any scale."""

from math import e, inf, nextafter, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minigan.autodiff import Tensor, check
from minigan.theory import fits


def test_gaussian_closed_forms():
    assert fits.kl_gaussians(0, 1, 1, 1) == fits.kl_gaussians(1, 1, 0, 1) == 0.5
    assert fits.kl_gaussians(3, 0.7, 3, 0.7) == 0
    assert fits.kl_gaussians(0, 1, 0, nextafter(1, 2)) >= 0
    assert 2 * fits.alpha_gaussians(2, 0, 1, 1, 1) == pytest.approx(e - 1)
    assert fits.alpha_gaussians(0.5, 0, 1, 1, 1) == pytest.approx(4 * (1 - np.exp(-1 / 8)))
    assert fits.alpha_gaussians(2, 0, sqrt(2), 0, 1) == inf
    assert fits.alpha_gaussians(2, 0, 1, 1e6, 1) == inf  # e^{10¹²}: too large for a float, and not an error
    for bad in ((0, 0, 0, 1), (0, 1, 0, -1), (inf, 1, 0, 1), (0, 1, 0, float("nan"))):
        with pytest.raises(ValueError, match="finite mean and a positive"):
            fits.kl_gaussians(*bad)
        with pytest.raises(ValueError, match="finite mean and a positive"):
            fits.alpha_gaussians(0.5, *bad)


def test_mixtures_are_of_arrays_and_tensors():
    log_p = fits.mixture_log_density([-2.0, 2.0, 9.0], [0.5, 1.0, 1.0], [0.3, 0.7, 0.0])
    x = np.linspace(-4, 4, 9)
    expected = np.log(0.3 * stats.norm(-2, 0.5).pdf(x) + 0.7 * stats.norm(2, 1).pdf(x))
    np.testing.assert_allclose(log_p(x), expected)
    np.testing.assert_allclose(log_p(Tensor(x)).value, expected)
    check(fits.mixture_log_density([-2.0, 2.0], 0.5), [x], order=2)
    for arguments, message in [(([], 1), "means must be"), (([0.0], 1, [0.5]), "sum to 1"), (([0.0], -1), "positive")]:
        with pytest.raises(ValueError, match=message):
            fits.mixture_log_density(*arguments)


def test_fits():
    bimodal = fits.mixture_log_density([-2.0, 2.0], 0.5)
    assert fits.fit_forward_kl(bimodal) == pytest.approx((0.0, sqrt(4.25)), abs=1e-12)
    assert fits.fit_reverse_kl(bimodal, 1.5, 1.0) == pytest.approx((2.0, 0.5), abs=1e-3)
    one = fits.mixture_log_density([3.0], 0.2)  # both fits of a Gaussian are the Gaussian
    assert fits.fit_forward_kl(one) == pytest.approx((3.0, 0.2))
    assert fits.fit_reverse_kl(one, 0.0, 1.0) == pytest.approx((3.0, 0.2), rel=1e-6)
    assert fits.fit_forward_kl(lambda x: -x, 0.0) == pytest.approx((1.0, 1.0))  # an exponential
    with pytest.raises(ValueError, match="no finite variance"):
        fits.fit_forward_kl(stats.cauchy().logpdf)
    with pytest.raises(RuntimeError, match="no local minimum"):
        fits.fit_reverse_kl(lambda x: 0.0 * x, 0.0, 1.0)  # flat: the wider the better, without end


@pytest.mark.parametrize(("a", "p", "q", "expected"), [  # of the very floats, by mpmath with 50 digits
    (1, (0, 1e-300), (0, 1e100), 920.53403719761827),
    (1, (0, 1.00000001), (0, 1), 9.9999998451172485e-17),
    (1, (1e-9, 1), (0, 1), 5.0000000000000006e-19),
    (1e-14, (0, 1), (0.5, 2), 0.93185281944003217),
    (0.99999999999999, (0, 1), (0.5, 2), 0.34939718055994671),
    (0.5, (0, 1e-170), (1e-170, 2e-170), 0.59677815138943924),
    (0.5, (0, 1e170), (1e170, 2e170), 0.59677815138943924),
    (2, (0, 1), (1e-8, 1.00000001), 1.4999999378450605e-16),
    (-1, (0, 3e-200), (0, 2e-200), 0.10133779430295487),
    (1e-40, (0, 1), (1e25, 1), 1.0000000000000001e40),
    (1000, (0, 1), (0.05, 1), inf),  # 2e536
    (1, (1e200, 1), (-1e200, 1), inf),
    (1, (1.5e308, 1e308), (-1.5e308, 1e308), 4.5),
    (0.5, (1e300, 1e-300), (-1e300, 1e-300), 4.0),
    (2, (0, sqrt(2)), (0, 1), inf),  # √2 rounds up: s² = −4e-16
    (2, (0, nextafter(sqrt(2), 1)), (0, 1), 18775122.948398796),
])
def test_gaussians_of_any_scale_and_distance(a, p, q, expected):
    assert fits.alpha_gaussians(a, *p, *q) == pytest.approx(expected, rel=1e-13, abs=0)
    if a > 1e-30:  # of which 1 − α would lose all digits
        assert fits.alpha_gaussians(1 - a, *q, *p) == pytest.approx(expected, rel=1e-9, abs=0)


@given(st.floats(-3, 4), st.floats(-2, 2), st.floats(0.1, 10), st.integers(-900, 900))
def test_a_scale_of_both_changes_nothing(a, mu, sigma, exponent):
    unit = 2.0**exponent  # so that no digit is rounded
    here, there = fits.alpha_gaussians(a, 0, 1, mu, sigma), fits.alpha_gaussians(a, 0, unit, mu * unit, sigma * unit)
    assert there == pytest.approx(here, rel=1e-13, abs=0)


def test_alpha_is_checked():
    for a in (inf, float("nan")):
        with pytest.raises(ValueError, match="alpha must be finite"):
            fits.alpha_gaussians(a, 0, 1, 0, 1)


@pytest.mark.parametrize(("x", "y", "expected"), [
    (([1e154, 0], np.eye(2)), ([-1e154, 0], np.eye(2)), 2e154),
    (([1e308, 0], np.eye(2)), ([2e307, 0], np.eye(2)), 8e307),
    (([1.7e308, 0], np.eye(2)), ([-1.7e308, 0], np.eye(2)), inf),  # 3.4e308
    (([1e300, 0], np.eye(2)), ([1e300, 0], 4 * np.eye(2)), sqrt(2)),
    (([0.0], [[1e300]]), ([0.0], [[4e300]]), 1e150),
    (([0.0], [[1e-300]]), ([0.0], [[4e-300]]), 1e-150),
    (([1e-200], [[0.0]]), ([0.0], [[0.0]]), 1e-200),
    (([3.0, 4.0], np.zeros((2, 2))), ([0.0, 0.0], np.zeros((2, 2))), 5.0),
])
def test_w2_of_any_scale(x, y, expected):
    assert fits.gaussian_w2(*x, *y) == pytest.approx(expected, rel=1e-13, abs=0)


@pytest.mark.parametrize("scale", [1e-100, 3e5, 1e100])
@pytest.mark.parametrize("start", [(10.0, 0.1)])
def test_the_reverse_fit_is_free_of_scale(scale, start):
    mu, sigma = (x * scale for x in start)
    one = fits.mixture_log_density([3 * scale], 0.2 * scale)
    assert fits.fit_reverse_kl(one, mu, sigma) == pytest.approx((3 * scale, 0.2 * scale), rel=1e-6, abs=0)
    found = fits.fit_reverse_kl(fits.mixture_log_density([-2 * scale, 2 * scale], 0.5 * scale), mu, sigma)
    here = fits.fit_reverse_kl(fits.mixture_log_density([-2.0, 2.0], 0.5), *start)
    assert np.array(found) / scale == pytest.approx(here, rel=1e-6)


def test_a_mixture_of_tiny_peaks_is_no_nan():
    log_p = fits.mixture_log_density([0.0, 1e-170], [1e-170, 2e-170])
    expected = fits.mixture_log_density([0.0, 1.0], [1.0, 2.0])(np.array([0.5])) + 170 * np.log(10)
    np.testing.assert_allclose(log_p(np.array([0.5e-170])), expected, rtol=1e-13)
    assert np.isfinite(log_p(np.array([0.0]))).all()


def test_masked_entries_are_refused_and_lists_taken():
    masked = np.ma.masked_array([0.0, 1.0], [False, True])
    assert fits.gaussian_w2([0.0, 0.0], [[1, 0], [0, 1]], [3, 4], [[1, 0], [0, 1]]) == pytest.approx(5)
    for call in (lambda: fits.gaussian_w2(masked, np.eye(2), [0.0, 0.0], np.eye(2)),
                 lambda: fits.gaussian_w2([0.0, 0.0], np.eye(2), masked, np.eye(2)),
                 lambda: fits.mixture_log_density(masked, 1.0), lambda: fits.mixture_log_density([0.0, 1.0], masked),
                 lambda: fits.mixture_log_density([0.0, 1.0], 1.0, masked)):
        with pytest.raises(ValueError, match="1 masked entries of 2"):
            call()
