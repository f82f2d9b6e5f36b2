"""The demos of the family of systems, from collapse to IMLE: what they ``found`` against theory, scipy and recounts."""

from itertools import pairwise
from math import exp, log, prod

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.special import expit


@pytest.fixture
def found(run):
    return run


def exact_w1(x, y):
    cost = cdist(x, y)
    return cost[linear_sum_assignment(cost)].mean()


def layers(w, sizes):
    """The weights and biases in a flat w: W₁, b₁, W₂, b₂, ..."""
    parts, start = [], 0
    for m, n in pairwise(sizes):
        parts.append((w[start : start + m * n].reshape(m, n), w[start + m * n : start + (m + 1) * n]))
        start += (m + 1) * n
    assert start == w.size
    return parts


def forward(w, sizes, x, phi=lambda a: np.maximum(a, 0)):
    *hidden, (W, b) = layers(w, sizes)
    for V, c in hidden:
        x = phi(x @ V + c)
    return x @ W + b


RING = 2 * np.exp(2j * np.pi * np.arange(8) / 8)


def held(x, centres, radius):
    """The share of the samples within the radius of each centre, their nearest."""
    distance = abs(x[:, 0] + 1j * x[:, 1] - centres[:, None])
    nearest = distance.argmin(axis=0)
    return np.bincount(nearest[distance.min(axis=0) <= radius], minlength=len(centres)) / len(x)


# -- mode collapse -----------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["packing", "unrolled", "wgan-gp"])
def test_the_repairs_keep_every_mode(found, method):
    end = found("mode_collapse")[method]
    assert (held(end["samples"][2500], RING, 0.3) >= 1 / 32).all() and end["modes_solid"] == 8
    assert end["reverse_kl"] < 0.03


def test_the_gan_drops_modes_in_opposite_pairs_and_its_quality_does_not_show_it(found):
    end = found("mode_collapse")["gan"]
    missing = held(end["samples"][2500], RING, 0.3) < 1 / 32
    assert 2 <= missing.sum() == 8 - end["modes_solid"]
    assert (missing == np.roll(missing, 4)).all()
    assert end["reverse_kl"] > 0.08
    others = [found("mode_collapse")[name]["high_quality"] for name in ("packing", "unrolled", "wgan-gp")]
    assert end["high_quality"] > 0.6 and end["high_quality"] > min(others) - 0.15


@pytest.mark.parametrize("method", ["gan", "packing", "unrolled", "wgan-gp"])
def test_shares_of_the_modes_count_every_sample(found, method):
    end = found("mode_collapse")[method]
    assert end["shares"] == pytest.approx(held(end["samples"][2500], RING, np.inf))


# -- clipping and penalty ----------------------------------------------------------------------------
CRITICS = [(data, name) for data in ("ring8", "swiss-roll") for name in ("clipped", "penalised")]


@pytest.mark.parametrize("key", CRITICS)
def test_a_critic_says_at_most_its_lipschitz_constant_times_w1(found, key):
    end, sizes = found("clipping_and_penalty")[key], (2, 64, 64, 64, 1)
    w1 = exact_w1(end["real"], end["fake"])
    said = forward(end["w"], sizes, end["real"]).mean() - forward(end["w"], sizes, end["fake"]).mean()
    bound = prod(np.linalg.norm(W, 2) for W, _ in layers(end["w"], sizes))
    assert end["w1"] == pytest.approx(w1) and end["says"] == pytest.approx(said)
    assert 0 < end["says"] <= bound * w1
    assert end["slopes"].max() <= bound


@pytest.mark.parametrize("data", ["ring8", "swiss-roll"])
def test_clipping_presses_weights_against_the_bound_and_wastes_the_slope(found, data):
    clipped, penalised = (found("clipping_and_penalty")[data, name] for name in ("clipped", "penalised"))
    assert abs(clipped["w"]).max() == 0.05
    assert (abs(clipped["w"]) == 0.05).mean() > 0.6
    assert len(np.unique(penalised["w"])) > 0.99 * penalised["w"].size
    assert abs(penalised["slopes"].mean() - 1) < 0.06 and penalised["slopes"].std() < 0.15
    assert clipped["slopes"].max() < 0.7
    w1 = exact_w1(clipped["real"], clipped["fake"])
    assert clipped["says"] < 0.4 * w1 < 0.6 * w1 < penalised["says"] < w1


# -- power iteration ---------------------------------------------------------------------------------
def test_power_iteration_converges_at_the_rates_of_the_theory_and_from_below(found):
    end = found("power_iteration")
    sigma = np.linalg.svd(end["W"])[1]
    ratio, error = sigma[1] / sigma[0], sigma[0] - end["estimate"]
    assert sigma[:2] == pytest.approx([2, 1.8])
    assert (end["tangent"][40 - 1] / end["tangent"][30 - 1]) ** 0.1 == pytest.approx(ratio**2, rel=2e-3)
    assert (error[39] / error[29]) ** 0.1 == pytest.approx(ratio**4, rel=2e-3)
    assert (error > 0).all() and (np.diff(error) < 0).all()
    assert end["unlucky"] == pytest.approx(np.full(12, sigma[1]))


def test_the_normalised_network_has_no_slope_above_1(found):
    end, sizes = found("power_iteration"), (2, 32, 32, 1)
    for name, w in (("before", end["w"]), ("after", end["w_bar"])):
        norms = [np.linalg.norm(W, 2) for W, _ in layers(w, sizes)]
        assert end["bounds"][name] == pytest.approx(prod(norms))
        assert end["slopes"][name].max() <= prod(norms) * (1 + 1e-12)
    assert norms == pytest.approx([1, 1, 1], rel=1e-4) and min(norms) > 1 - 1e-12  # from above, as σ̂ ≤ σ₁
    assert end["slopes"]["before"].max() > 1
    x = np.random.default_rng(5).uniform(-3, 3, (400, 2))
    f = forward(end["w_bar"], sizes, x, lambda a: np.where(a > 0, a, 0.2 * a))[:, 0]
    steepest = (abs(f[:, None] - f) / np.where(cdist(x, x) > 0, cdist(x, x), np.inf)).max()
    assert 0 < steepest <= end["slopes"]["after"].max() * 1.02 <= 1


# -- energies ----------------------------------------------------------------------------------------
def test_no_energy_beats_total_variation_and_without_the_zero_there_is_no_bottom(found):
    end = found("ebgan_energy")
    m, half = end["m"], end["half"]
    grid = (np.arange(1500) + 0.5) / 1500 * 2 * half - half
    x, y = np.meshgrid(grid, grid)
    centres = 1.2 * np.exp(2j * np.pi * np.arange(8) / 8)
    p = sum(np.exp(-abs(x + 1j * y - c) ** 2 / (2 * 0.12**2)) for c in centres) / (8 * 2 * np.pi * 0.12**2)
    least = m * np.minimum(p, 1 / (2 * half) ** 2).mean() * (2 * half) ** 2  # m (1 − TV)
    trained = end["with a margin"]
    value = trained["real"].mean() + np.maximum(0, m - trained["fake"]).mean()
    assert least <= value <= least + 0.25 * m  # what a network of this size gets to
    assert trained["real"].mean() < 0.25 * m and np.median(trained["fake"]) > m
    assert end["data alone"]["real"].mean() < 0.01 * m
    assert end["data alone"]["fake"].mean() < 0.05 * m  # low where there never were data
    assert end["without max(0, ·)"]["losses"][-1] < -1e3 < 0 < trained["losses"].min()


# -- least squares -----------------------------------------------------------------------------------
def test_slopes_of_three_generator_losses(found):
    end = found("lsgan_pull")
    s, slopes = end["s"], end["slopes"]
    assert slopes["minimax"] == pytest.approx(-expit(s))
    assert slopes["non-saturating"] == pytest.approx(-expit(-s))
    assert slopes["least squares"] == pytest.approx(s - 1, abs=1e-12)


def test_least_squares_pulls_far_fakes_back_to_its_level_and_the_logistic_loss_does_not(found):
    end = found("lsgan_pull")
    far = slice(len(end["left"]), None)
    logistic, squares = end["non-saturating"], end["least squares"]
    label = np.repeat([1.0, 0.0], [len(end["real"]), len(end["left"])])
    root = np.where(label == 1, len(end["real"]) ** -0.5, len(end["left"]) ** -0.5)  # each batch counts by its mean
    x = np.c_[np.ones(len(label)), np.concatenate([end["real"], end["left"]])]
    best = np.linalg.lstsq(root[:, None] * x, root * label, rcond=None)[0]
    assert squares["w"] == pytest.approx(best, abs=1e-3)
    moved = {name: np.linalg.norm(end[name]["path"][-1] - end[name]["path"][0], axis=1)
             for name in ("non-saturating", "least squares")}
    assert (squares["scores"][0][far] > 1.5).all() and (logistic["scores"][0][far] > 5).all()
    assert moved["non-saturating"][far].max() < 1e-3 < 1 < moved["least squares"][far].min()
    # along a straight line s − c falls by 1 − η‖w‖² a step, whichever side the fake is on
    shrunk = (1 - 0.1 * (squares["w"][1:] ** 2).sum()) ** 300
    assert squares["scores"][-1] - 1 == pytest.approx(shrunk * (squares["scores"][0] - 1))
    assert abs(squares["scores"][-1] - 1).max() < 0.1


# -- implicit maximum likelihood ---------------------------------------------------------------------
def test_each_datum_pulls_its_nearest_sample_and_no_other(found):
    end = found("imle")
    x, y = end["x"], end["samples"]
    squares = cdist(x, y, "sqeuclidean")
    by_datum, by_sample = np.zeros_like(y), np.zeros_like(y)
    for i, j in enumerate(squares.argmin(axis=1)):
        by_datum[j] += 2 / len(x) * (x[i] - y[j])
    for j, i in enumerate(squares.argmin(axis=0)):
        by_sample[j] = 2 / len(y) * (x[i] - y[j])
    assert end["forces"]["each datum chooses"] == pytest.approx(by_datum, abs=1e-12)
    assert end["forces"]["each sample chooses"] == pytest.approx(by_sample, abs=1e-12)


def test_imle_drops_no_mode_and_its_mirror_all_but_one(found):
    end, ring = found("imle"), 0.75 * RING
    for name, axis in [("each datum chooses", 1), ("each sample chooses", 0)]:
        squares = cdist(end[name]["real"], end[name]["made"], "sqeuclidean")
        assert end[name][f"loss when {name}"] == pytest.approx(squares.min(axis=axis).mean())
    covers, picks = end["each datum chooses"], end["each sample chooses"]
    assert (held(covers["made"], ring, 0.15) > 0).all() and covers["loss when each datum chooses"] < 0.005
    assert (held(picks["made"], ring, 0.15) > 0).sum() == 1 and picks["loss when each sample chooses"] < 1e-3
    # all samples at one point of the ring: E ‖x − μ₁‖² = 2 r² + d σ², as the modes' mean is 0
    assert picks["loss when each datum chooses"] == pytest.approx(2 * 1.5**2, rel=0.05)
    assert covers["high_quality"] < picks["high_quality"]  # the price


# -- the comparison ----------------------------------------------------------------------------------
def test_every_system_lies_between_the_null_and_the_ceiling(found):
    end = found("comparison")
    rows, n, q = end["rows"], 3 * 2500, 1 - exp(-4.5)
    assert rows["ceiling"]["high_quality"].mean == pytest.approx(q, abs=4 * (q * (1 - q) / n) ** 0.5)
    assert rows["ceiling"]["modes_solid"].mean == 8 and rows["null"]["modes_solid"].mean == 0
    assert rows["null"]["modes_found"].mean == 8  # one lucky sample is enough
    for name in end["samples"]:
        assert rows["null"]["high_quality"].mean < rows[name]["high_quality"].mean < q
        assert rows["ceiling"]["w1"].mean < rows[name]["w1"].mean
        assert 0 <= rows[name]["reverse_kl"].mean <= log(8)


@pytest.mark.parametrize("name", ["gan", "lsgan", "packing", "r1", "wgan-gp", "imle"])
def test_the_numbers_are_those_of_the_samples(found, name):
    end = found("comparison")
    row = next(row for row in end["by_seed"] if row["recipe"] == name and row["seed"] == 0)
    x = end["samples"][name][0].astype(float)
    shares = held(x, RING, 0.3)
    assert row["high_quality"] == pytest.approx(shares.sum())
    assert row["modes_found"] == (shares > 0).sum() and row["modes_solid"] == (shares >= 1 / 32).sum()
    assert row["w1"] == pytest.approx(exact_w1(x[:1024], end["real"][:1024]))
    values = [other["w1"] for other in end["by_seed"] if other["recipe"] == name]
    assert len(values) == 3 and end["rows"][name]["w1"].mean == pytest.approx(np.mean(values))
