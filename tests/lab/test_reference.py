"""A generator that makes the data's own law is at the floor of independent draws, on every path that prints a W₁."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

import minigan
from minigan.lab.config import configure
from minigan.lab.data import data_from
from minigan.lab.history import COLUMNS
from minigan.lab.metrics import wasserstein_1
from minigan.lab.reference import draw_reference, memorised, scores
from minigan.lab.report import final_table
from minigan.lab.toys import TOYS
from minigan.lab.train import Training
from minigan.studies.study import measured

N, SEEDS = 512, range(24)
# the law of W₁ between two independent samples of N(0, 1), by SciPy's own distance
FLOOR = [wasserstein_distance(*np.random.default_rng([7, k]).standard_normal((2, N))) for k in range(400)]


def at_the_floor(values) -> bool:
    """Whether W₁ of so many seeds has the mean and the least value of independent draws."""
    values, mean, deviation = np.asarray(values), np.mean(FLOOR), np.std(FLOOR)
    return abs(values.mean() - mean) < 4 * deviation / np.sqrt(len(values)) and values.min() > 0.9 * min(FLOOR)


def perfect(dtype: str, seed: int = 0, seeds=None) -> Training:
    """The recipe mle at θ = 0, where G is the identity: it makes N(0, 1), which is the data."""
    config = configure("mle", samples=N, steps=1, standardize="none", dtype=dtype, seed=seed)
    training = Training(config, data_from("gaussian", standardize="none"), seeds=seeds)
    training.state["theta"][...] = 0.0
    return training


def of_the_final_table(dtype: str) -> list[float]:
    return [final_table(perfect(dtype, seed))[0]["w1"] for seed in SEEDS]


def of_its_ceiling(dtype: str) -> list[float]:
    return [final_table(perfect(dtype, seed))[1]["w1"] for seed in SEEDS]


def of_the_history(dtype: str) -> list[float]:
    return [row[COLUMNS.index("w1")] for row in perfect(dtype, seeds=SEEDS).measure()]


def of_the_historys_floor(dtype: str) -> list[float]:
    return [row[COLUMNS.index("w1_floor")] for row in perfect(dtype, seeds=SEEDS).measure()]


def of_a_study(dtype: str) -> list[float]:
    training = perfect(dtype, seeds=SEEDS)
    return [row["w1"] for row in measured(training, "mle", training.data)[0]]


def of_the_estimator(dtype: str) -> list[float]:
    """Samples of a seed beside data that a user draws with the same seed."""
    gan, distances = minigan.GAN("mle", dtype=dtype), []
    gan._fitted(perfect(dtype).model, perfect(dtype).checkpoint())
    for seed in SEEDS:
        data = TOYS["gaussian"].sample(np.random.default_rng(seed), N)
        distances.append(wasserstein_distance(gan.sample(N, seed=seed)[:, 0], data[:, 0]))
    return distances


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("path", [of_the_final_table, of_its_ceiling, of_the_history, of_the_historys_floor, of_a_study,
                                  of_the_estimator])
def test_w1_of_a_perfect_generator_is_that_of_independent_draws(path, dtype) -> None:
    assert at_the_floor(path(dtype))


def test_draws_that_share_a_stream_are_found_out() -> None:
    """As the final table once had it: the data from a second copy of the noise's stream."""
    training = perfect("float64")
    rng = np.random.default_rng
    shared = [wasserstein_distance(*(x.sample(rng(seed), N)[:, 0] for x in (training.model, TOYS["gaussian"])))
              for seed in SEEDS]
    assert max(shared) == 0.0 and not at_the_floor(shared)


def test_the_reference_is_of_seed_and_step_alone_and_its_parts_are_independent() -> None:
    data = data_from("gaussian")
    again = draw_reference(data, 3, N, 5)
    for one, other in zip(draw_reference(data, 3, N, 5), again, strict=True):
        np.testing.assert_array_equal(one, other)
    draws = [x[:, 0] for key in [(3, 5), (3, 0), (4, 5), (0, 3)] for x in draw_reference(data, key[0], N, key[1])]
    correlations = np.corrcoef(draws)[np.triu_indices(len(draws), 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(N)


# A user's own rows: those held out judge, and learning the others by heart is seen

def normal(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 2))


def test_held_out_rows_judge_and_the_ceiling_is_of_fresh_data() -> None:
    """N(0, I₂), 100 held out and 400 trained on: the ceiling is W₁ of fresh data, where resampled rows score .14."""
    ceilings, truth = [], []
    for seed in range(20):
        data = data_from(normal(500, seed), "none")
        real, ceiling, null = draw_reference(data, seed, 2500)
        assert data.held is not None and ceiling is not None and len(real) == len(ceiling) == len(null) == 100
        assert {*map(tuple, real)} == {*map(tuple, data.held)} and {*map(tuple, ceiling)} <= {*map(tuple, data.points)}
        ceilings.append(scores(data, ceiling, real)["w1"])
        truth.append(wasserstein_1(normal(100, 1000 + seed), normal(100, 2000 + seed)))
    error = np.sqrt((np.var(ceilings, ddof=1) + np.var(truth, ddof=1)) / 20)
    assert abs(np.mean(ceilings) - np.mean(truth)) < 4 * error


def test_without_rows_held_out_there_is_no_ceiling() -> None:
    reference = draw_reference(data_from(normal(40)), 0, 100)
    assert reference.ceiling is None and list(reference.yardsticks) == ["null"]


def test_learning_by_heart_is_seen() -> None:
    data, fresh, rng = data_from(normal(1000)), normal(4000, 1), np.random.default_rng(2)
    assert data.points is not None
    copies = data.points[rng.integers(len(data.points), size=2000)]
    assert memorised(data, copies) == 1
    assert memorised(data, copies + 1e-3 * rng.normal(size=copies.shape)) > 0.99
    assert memorised(data, fresh) == pytest.approx(0.5, abs=0.06)  # 200 held out: sd of the median's rank .035
    assert memorised(data, fresh + 9) == 0
    halves = np.concatenate([copies, fresh[:2000]])
    assert memorised(data, halves) == pytest.approx(0.75, abs=0.04)
    coins = np.random.default_rng(3).integers(2, size=(600, 2))  # ties: every fresh row is a row of the training
    assert memorised(data_from(coins), coins[:100]) == 0.5
    assert np.isnan(memorised(data_from(normal(40)), fresh))
