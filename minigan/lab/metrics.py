"""How good a set of samples is: modes, their quality and balance, and exact W₁ to the data.

Host-side NumPy, in data units; samples may come from any array library. What they are measured against, and beside,
is drawn in ``reference.py``.
"""

import numpy as np

from minigan.arrays import to_host
from minigan.lab.toys import Sampler, Toy, squared_distances
from minigan.theory.transport import wasserstein_1d, wasserstein_assignment

W1_SAMPLES = 1024  # points, at most, that an exact W₁ is computed of: its assignment takes time cubic in this
KL_QUALITY = 0.5  # the share of samples at a mode, from which on the shares of the modes are about the modes


def nearest_mode(x: np.ndarray, modes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """jᵢ = argminⱼ ‖xᵢ − μⱼ‖, dᵢ = ‖xᵢ − μ_{jᵢ}‖, as (index (n,), distance (n,)).

    x: (n, dim), modes: (k, dim). ValueError if they do not fit, or a point is not finite.
    """
    x, modes = _points(x, "samples"), _points(modes, "modes")
    if x.shape[1] != modes.shape[1]:
        raise ValueError(f"samples of shape {x.shape} and modes of shape {modes.shape} have different dimensions")
    squared = squared_distances(x, modes)
    index = squared.argmin(axis=1)
    return index, np.sqrt(squared[np.arange(len(x)), index])


def modes_found(x: np.ndarray, modes: np.ndarray, sigma: float) -> int:
    """#{j : some sample nearest to μⱼ is within 3σ of it}: the published rule, of 2,500 samples.

    x: (n, dim), modes: (k, dim). One lucky sample is enough, so noise passes too: see ``modes_solid``.
    Source: Srivastava et al. (2017, VEEGAN), section 4.1; PacGAN's public code, MetricLogger.
    """
    return int((_held(x, modes, sigma) > 0).sum())


def modes_solid(x: np.ndarray, modes: np.ndarray, sigma: float) -> int:
    """#{j : at least n/(4k) of the n samples are nearest to μⱼ and within 3σ of it}.

    x: (n, dim), modes: (k, dim). A quarter of a mode's fair share (of equal weights). Source: ours.
    """
    return int((_held(x, modes, sigma) * 4 * len(modes) >= len(to_host(x))).sum())


def high_quality(x: np.ndarray, modes: np.ndarray, sigma: float) -> float:
    """(1/n) #{i : minⱼ ‖xᵢ − μⱼ‖ ≤ 3σ}, in [0, 1].

    x: (n, dim), modes: (k, dim). Perfect samples reach F_χ²(9; dim), far modes assumed:
    1 − e^{−9/2} = 98.89 % in the plane, 99.73 % on the line, never 100.
    Source: Srivastava et al. (2017, VEEGAN), section 4.1.
    """
    return float((nearest_mode(x, modes)[1] <= 3 * sigma).mean())


def reverse_kl(x: np.ndarray, modes: np.ndarray, weights: np.ndarray | None = None) -> float:
    """KL(q ‖ w) = Σⱼ qⱼ log(qⱼ/wⱼ), qⱼ the share of the samples whose nearest mode is μⱼ. In nats.

    x: (n, dim), modes: (k, dim), weights: (k,), summing to 1 (None: 1/k each). At most log k for
    equal weights (all samples in one mode); perfect samples give about (k − 1)/(2n), not 0.
    Every sample counts, however far from its mode. PacGAN's public code counts those within 3σ
    alone and logs the entropy H of that histogram (its KL is log k − H); for that number pass
    ``x[nearest_mode(x, modes)[1] <= 3 * sigma]``. They differ where quality is low.
    Source: Lin et al. (2018, PacGAN), table 1.
    """
    k = len(modes)
    w = np.full(k, 1 / k) if weights is None else np.asarray(weights, dtype=float)
    if w.shape != (k,) or not (w >= 0).all() or abs(w.sum() - 1) > 1e-6:
        raise ValueError(f"weights must be {k} probabilities that sum to 1, not {weights!r}")
    index = nearest_mode(x, modes)[0]
    q = np.bincount(index, minlength=k) / len(index)
    positive = q > 0  # 0 log 0 = 0
    with np.errstate(divide="ignore"):  # samples where the data have none: +inf, rightly
        return float((q[positive] * np.log(q[positive] / w[positive])).sum())


def wasserstein_1(x: np.ndarray, y: np.ndarray) -> float:
    """W₁ = min over permutations π of (1/n) Σᵢ ‖xᵢ − y_π(i)‖₂ between two samples of n points, exactly.

    x, y: (n, dim), equal n: ``theory.transport.wasserstein_assignment`` with p = 1.
    """
    return wasserstein_assignment(x, y)


def norms(x: np.ndarray) -> np.ndarray:
    """‖xᵢ‖₂ of vectors x (n, dim), in float64, where no square leaves its range: (n,)."""
    x = np.asarray(x, dtype=np.float64)
    largest = np.abs(x).max(initial=0.0) or 1.0
    return np.asarray(np.linalg.norm(x / largest, axis=1) * largest)


def sampling_floor(sample: Sampler, rng: np.random.Generator, n: int, repeats: int = 10) -> tuple[float, float]:
    """E W₁(p̂ₙ, p̂′ₙ), two fresh samples of the data itself, as (mean, sd of one draw) over the repeats.

    Not 0, and falling with n: a generator cannot be asked to be nearer to a sample than this.
    Checked by: W17.
    """
    if repeats < 2:
        raise ValueError(f"a standard deviation needs at least 2 repeats, not {repeats}")
    draws = [wasserstein_1(sample(rng, n), sample(rng, n)) for _ in range(repeats)]
    return float(np.mean(draws)), float(np.std(draws, ddof=1))


def mode_scores(x: np.ndarray, toy: Toy | None) -> dict[str, float]:
    """{modes_found, modes_solid, high_quality, reverse_kl, reverse_kl_near} of samples x; {} where no modes are known.

    reverse_kl counts a sample at its nearest mode, however far: balanced noise scores well. It is left out unless at
    least KL_QUALITY of them are within 3σ. reverse_kl_near: of those alone, as PacGAN's table has it; left out if
    there are none.
    """
    if toy is None or toy.modes is None or toy.sigma is None:
        return {}
    row = {
        "modes_found": modes_found(x, toy.modes, toy.sigma),
        "modes_solid": modes_solid(x, toy.modes, toy.sigma),
        "high_quality": high_quality(x, toy.modes, toy.sigma),
    }
    if row["high_quality"] >= KL_QUALITY:
        row["reverse_kl"] = reverse_kl(x, toy.modes, toy.weights)
    near = to_host(x)[nearest_mode(x, toy.modes)[1] <= 3 * toy.sigma]
    if len(near):
        row["reverse_kl_near"] = reverse_kl(near, toy.modes, toy.weights)
    return row


def marginal_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """W₁ of each column of x (n, d) to that of y (m, d), exactly, in standard deviations of y's: (d,).

    A column of y that is constant has none: 0 if x's is the same constant, else inf.
    """
    x, y = _points(x, "samples"), _points(y, "data")
    shift, scale = y[0], np.abs(y - y[0]).max(axis=0)
    constant = scale == 0
    u, v = ((points - shift) / np.where(constant, 1.0, scale) for points in (x, y))  # whose squares do not overflow
    distances = np.array([wasserstein_1d(*columns) for columns in zip(u.T, v.T, strict=True)])
    distances[constant] = np.where(distances[constant] > 0, np.inf, 0.0)
    return distances / np.where(constant, 1.0, v.std(axis=0))


def correlation_errors(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|r_jk(x) − r_jk(y)| of Pearson's correlations, (d, d); 0 where y has none, 1 where x alone has none."""
    r, truth = correlations(x), correlations(y)
    return np.where(np.isnan(truth), 0.0, np.where(np.isnan(r), 1.0, np.abs(r - truth)))


def correlations(x: np.ndarray) -> np.ndarray:
    """Pearson's r_jk of the columns of x (n, d), n ≥ 2: (d, d); nan for a constant column."""
    x = _points(x, "samples")
    x = x - x[0]
    scale = np.abs(x).max(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.atleast_2d(np.corrcoef(x / np.where(scale > 0, scale, 1.0), rowvar=False))


def _held(x: np.ndarray, modes: np.ndarray, sigma: float) -> np.ndarray:
    """How many samples each mode holds, (k,): nearest to it, so none counts twice, and within 3σ."""
    index, distance = nearest_mode(x, modes)
    return np.bincount(index[distance <= 3 * sigma], minlength=len(modes))


def _points(x: np.ndarray, what: str) -> np.ndarray:
    """x as float64 (n, dim), n and dim at least 1, all finite; a ValueError says what is wrong."""
    x = np.asarray(to_host(x), dtype=float)
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"{what} must have shape (n, dim), not {x.shape}")
    bad = len(x) - int(np.isfinite(x).all(axis=1).sum())
    if bad:
        raise ValueError(f"{what} of shape {x.shape}: {bad} of {len(x)} points are not finite")
    return x
