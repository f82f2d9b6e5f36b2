"""The data sets against closed forms, scipy.stats and the published constants."""

import pickle

import numpy as np
import pytest
from scipy import special, stats

from minigan.lab.toys import TOYS, gaussian_mixture, grid, ring, squared_distances, swiss_roll, toy, two_moons

EVERY = pytest.mark.parametrize("data", TOYS.values(), ids=TOYS)
MIXTURES = {name: row for name, row in TOYS.items() if row.modes is not None}
MIXTURES["weighted"] = gaussian_mixture([[0, 0, 0], [9, 0, 0], [0, 9, 9]], 0.7, [1, 2, 5])  # not a row: 3-D, unequal
EVERY_MIXTURE = pytest.mark.parametrize("data", MIXTURES.values(), ids=MIXTURES)
SIGNIFICANCE = 1e-3  # of tests at fixed seeds


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def shares(data):
    return np.full(len(data.modes), 1 / len(data.modes)) if data.weights is None else data.weights


# Rows


@EVERY
def test_a_row_is_complete_and_samples_have_its_shape(data):
    assert TOYS[data.name] is data and data.summary and data.source
    for n in (0, 1, 64):
        x = data.sample(generator(), n)
        assert x.shape == (n, data.dim) and x.dtype == np.float64 and np.isfinite(x).all()


@EVERY
def test_a_sample_depends_on_its_generator_alone(data):
    np.random.seed(1)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    x = data.sample(generator(5), 100)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    np.testing.assert_array_equal(x, data.sample(generator(5), 100))
    assert not np.array_equal(x, data.sample(generator(6), 100))
    rng = generator(5)
    data.sample(rng, 100)
    assert not np.array_equal(x, data.sample(rng, 100))  # the stream moves on
    np.testing.assert_array_equal(x, pickle.loads(pickle.dumps(data)).sample(generator(5), 100))


def test_an_unknown_name_suggests_the_nearest():
    assert toy("ring8") is TOYS["ring8"]
    with pytest.raises(ValueError, match=r"unknown data set 'rng8'; did you mean 'ring8'.*grid25-wide.*moons"):
        toy("rng8")
    with pytest.raises(ValueError, match=r"unknown data set 'zzzz'\. There are: ring8,"):
        toy("zzzz")


def test_rows_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="read-only"):
        TOYS["ring8"].modes[0] = 0


# The published constants


def test_ring8_has_the_centres_of_gan_toy():
    h = 1 / np.sqrt(2)
    centres = [(1, 0), (-1, 0), (0, 1), (0, -1), (h, h), (h, -h), (-h, h), (-h, -h)]
    assert_same_points(TOYS["ring8"].modes, np.array(centres) * 2 / 1.414)
    assert TOYS["ring8"].sigma == 0.02 / 1.414
    assert_same_points(TOYS["ring8-unit"].modes, np.array(centres))
    assert TOYS["ring8-unit"].sigma == 0.01


def test_grids_have_the_published_centres():
    centres = np.array([(2.0 * i, 2.0 * j) for i in range(-2, 3) for j in range(-2, 3)])
    assert_same_points(TOYS["grid25"].modes, centres / 2.828)
    assert_same_points(TOYS["grid25-wide"].modes, centres)
    assert (TOYS["grid25"].sigma, TOYS["grid25-wide"].sigma) == (0.05 / 2.828, 0.05)


def test_the_lines_are_those_of_the_claims():
    assert (TOYS["gaussian"].modes.tolist(), TOYS["gaussian"].sigma) == ([[0]], 1)
    assert (TOYS["bimodal"].modes.tolist(), TOYS["bimodal"].sigma ** 2) == ([[-2], [2]], 0.25)  # D13


def assert_same_points(x, y):
    assert x.shape == y.shape
    assert squared_distances(x, y).min(axis=0).max() < 1e-24
    assert squared_distances(x, y).min(axis=1).max() < 1e-24


@pytest.mark.parametrize("k", [1, 2, 7, 8, 25])
def test_a_ring_has_k_distinct_modes_evenly_spaced(k):
    modes = ring(k, 3.0, 0.1).modes
    np.testing.assert_allclose(np.linalg.norm(modes, axis=1), 3)
    if k > 1:
        gaps = np.linalg.norm(modes - np.roll(modes, 1, axis=0), axis=1)
        np.testing.assert_allclose(gaps, 6 * np.sin(np.pi / k))


def test_a_ring_whose_ends_coincide_is_rejected():
    def closed_ring(k, radius, sigma):  # the well-known mistake: linspace includes 2π
        angles = np.linspace(0, 2 * np.pi, k)
        return gaussian_mixture(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), sigma)

    with pytest.raises(ValueError, match="means 0 and 7 coincide"):
        closed_ring(8, 1.0, 0.01)


@EVERY_MIXTURE
def test_modes_are_far_enough_apart_for_three_sigma_to_tell_them(data):
    squared = squared_distances(data.modes, data.modes) + np.diag(np.full(len(data.modes), np.inf))
    assert squared.min() > (6 * data.sigma) ** 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0, 1.0], 1), r"shape \(k, dim\), not of shape \(2,\)"),
        (([[0.0, np.nan]], 1), "finite"),
        ((np.zeros((0, 2)), 1), r"\(0, 2\)"),
        (([[0.0]], 0), "sigma must be positive"),
        (([[0.0]], float("nan")), "sigma must be positive"),
        (([[0.0], [1.0]], 1, [1.0]), r"2 positive numbers.*\(2, 1\), not \[1.0\]"),
        (([[0.0], [1.0]], 1, [1.0, -1.0]), "positive"),
    ],
)
def test_a_mixture_that_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        gaussian_mixture(*arguments)


# Densities


@EVERY_MIXTURE
def test_log_density_is_that_of_scipy(data):
    x = np.concatenate([data.sample(generator(1), 50), generator(2).uniform(-30, 30, (50, data.dim))])
    parts = [stats.multivariate_normal(m, data.sigma**2 * np.eye(data.dim)).logpdf(x) for m in data.modes]
    expected = special.logsumexp(np.array(parts) + np.log(shares(data))[:, None], axis=0)
    np.testing.assert_allclose(data.log_density(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("data", [row for row in MIXTURES.values() if row.dim < 3], ids=lambda row: row.name)
def test_the_density_integrates_to_one(data):
    # The trapezoid rule on a Gaussian at step σ errs by 2 exp(−2π²) = 5e-9.
    lo, hi = data.modes.min() - 8 * data.sigma, data.modes.max() + 8 * data.sigma
    axis = np.arange(lo, hi, data.sigma)
    points = np.stack(np.meshgrid(*[axis] * data.dim), axis=-1).reshape(-1, data.dim)
    assert np.exp(data.log_density(points)).sum() * data.sigma**data.dim == pytest.approx(1, abs=1e-7)


@EVERY_MIXTURE
def test_log_density_is_finite_far_from_every_mode(data):
    x = np.full((1, data.dim), 1e3)
    assert np.isfinite(data.log_density(x)).all() and data.log_density(x)[0] < -1e4


def test_points_of_the_wrong_shape_have_no_density():
    for shape in [(5,), (5, 3)]:
        with pytest.raises(ValueError, match=rf"shape \({shape[0]},.*means have shape \(8, 2\)"):
            TOYS["ring8"].log_density(np.zeros(shape))


# Samples against densities


@EVERY_MIXTURE
@pytest.mark.parametrize("seed", range(3))
def test_samples_follow_the_density(data, seed):
    n = 20_000
    x = data.sample(generator(seed), n)
    squared = squared_distances(x, data.modes)
    nearest = squared.argmin(axis=1)
    counts = np.bincount(nearest, minlength=len(data.modes))
    assert len(counts) == 1 or stats.chisquare(counts, n * shares(data)).pvalue > SIGNIFICANCE
    radii = squared.min(axis=1) / data.sigma**2  # (distance/σ)² ~ χ²(dim)
    assert stats.kstest(radii, stats.chi2(data.dim).cdf).pvalue > SIGNIFICANCE
    for residual in ((x - data.modes[nearest]) / data.sigma).T:
        assert stats.kstest(residual, stats.norm.cdf).pvalue > SIGNIFICANCE
    # E[−log p(x)] is the entropy: of the choice of a mode, and of a Gaussian (modes far apart)
    surprise = -data.log_density(x)
    entropy = stats.entropy(shares(data)) + data.dim / 2 * np.log(2 * np.pi * np.e * data.sigma**2)
    assert abs(surprise.mean() - entropy) < 4 * surprise.std() / np.sqrt(n)


# The curves


def test_the_swiss_roll_is_its_formula():
    x = swiss_roll(0.0).sample(generator(), 5000)
    t = np.linalg.norm(x, axis=1)
    assert stats.kstest(t, stats.uniform(1.5 * np.pi, 3 * np.pi).cdf).pvalue > SIGNIFICANCE
    np.testing.assert_allclose(x, np.stack([t * np.cos(t), t * np.sin(t)], axis=1), atol=1e-9)
    noise = swiss_roll(0.25).sample(generator(), 5000) - x  # one seed, so the same t
    assert stats.kstest(noise.ravel() / 0.25, stats.norm.cdf).pvalue > SIGNIFICANCE
    np.testing.assert_allclose(TOYS["swiss-roll"].sample(generator(), 5000), (x + noise) / 7.5)


def test_the_swiss_roll_has_its_moments():
    n = 100_000
    x = TOYS["swiss-roll"].sample(generator(3), n) * 7.5
    # E t cos t = 2, E t sin t = 2/(3π), E t² = 39π²/4 for t ~ U[3π/2, 9π/2]
    for value, expected in [(x[:, 0], 2), (x[:, 1], 2 / (3 * np.pi)), ((x**2).sum(1), 9.75 * np.pi**2 + 2 * 0.25**2)]:
        assert abs(value.mean() - expected) < 4 * value.std() / np.sqrt(n)


def test_the_moons_are_their_formula():
    x = two_moons(0.0).sample(generator(), 5000)
    outer = np.isclose(np.linalg.norm(x, axis=1), 1) & (x[:, 1] >= 0)
    flipped = (1.0, 0.5) - x[~outer]  # the inner moon is the outer one turned about (½, ¼)
    np.testing.assert_allclose(np.linalg.norm(flipped, axis=1), 1)
    assert stats.binomtest(int(outer.sum()), 5000).pvalue > SIGNIFICANCE
    for moon in (x[outer], flipped):
        assert (moon[:, 1] >= 0).all()
        assert stats.kstest(np.arctan2(moon[:, 1], moon[:, 0]), stats.uniform(0, np.pi).cdf).pvalue > SIGNIFICANCE
    noise = TOYS["moons"].sample(generator(), 5000) - x
    assert stats.kstest(noise.ravel() / 0.05, stats.norm.cdf).pvalue > SIGNIFICANCE


def test_a_grid_is_centred():
    np.testing.assert_allclose(grid(4, 1.5, 0.1).modes.mean(axis=0), 0, atol=1e-15)
    assert grid(1, 2, 0.1).modes.tolist() == [[0, 0]]
