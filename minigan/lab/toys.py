"""Data sets small enough to know exactly: a sampler each, and an exact log-density where there is one.

A data set is a row, ``Toy``. The rows with published settings are in ``TOYS``; a builder
(``gaussian_mixture``, ``ring``, ``grid``, ``swiss_roll``, ``two_moons``) makes any other.
Host-side, float64, and every draw comes from the generator that is passed in. Samplers are
partials of module-level functions, not closures, so that a row can be pickled to another process.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from minigan.arrays import to_host
from minigan.registry import Registry, choose
from minigan.theory.fits import log_mixture

Sampler = Callable[[np.random.Generator, int], np.ndarray]  # (rng, n) -> (n, dim)
LogDensity = Callable[[np.ndarray], np.ndarray]  # (n, dim) -> (n,), in nats


@dataclass(frozen=True, eq=False)  # a row is itself: arrays have no useful ==
class Toy:
    """A row. No log_density: there is no closed form; no modes, sigma: it is not made of Gaussians."""

    name: str
    summary: str
    source: str
    dim: int
    sample: Sampler
    log_density: LogDensity | None = None
    modes: np.ndarray | None = None  # (k, dim): the centres of isotropic Gaussians
    sigma: float | None = None  # the standard deviation of each of them, along each axis
    weights: np.ndarray | None = None  # (k,), summing to 1; None: equal


def gaussian_mixture(means: ArrayLike, sigma: float, weights: ArrayLike | None = None) -> Toy:
    """p(x) = Σⱼ wⱼ N(x; μⱼ, σ² I).

    means: (k, dim), distinct; sigma > 0; weights: (k,), positive, scaled to sum to 1 (None: equal).
    ValueError for anything else.
    """
    mu = _frozen(means)
    if mu.ndim != 2 or 0 in mu.shape or not np.isfinite(mu).all():
        raise ValueError(f"means must be finite, of shape (k, dim), not of shape {mu.shape}")
    if not 0 < sigma < np.inf:
        raise ValueError(f"sigma must be positive and finite, not {sigma}")
    k, dim = mu.shape
    w = np.ones(k) if weights is None else np.array(weights, dtype=float)
    if w.shape != (k,) or not (w > 0).all() or not np.isfinite(w).all():
        raise ValueError(f"weights must be {k} positive numbers, one for each of the means {mu.shape}, not {weights!r}")
    w = _frozen(w / w.sum())
    # Two centres in one place are one mode counted as two, and no model could find them all: the
    # well-known linspace(0, 2π, 8) does that to a ring. They differ by rounding, hence the tolerance.
    i, j = np.triu_indices(k, 1)
    if (same := np.linalg.norm(mu[i] - mu[j], axis=1) < 1e-6 * sigma).any():
        raise ValueError(f"means {i[same][0]} and {j[same][0]} coincide at {mu[i[same][0]]}")
    cumulative = np.cumsum(w)
    return Toy(
        "gaussian-mixture", f"{k} Gaussians, sigma {sigma:g}", "", dim,
        sample=partial(_draw_mixture, mu, sigma, cumulative / cumulative[-1]),
        log_density=partial(_log_mixture, mu, sigma, w),
        modes=mu, sigma=sigma, weights=None if weights is None else w,
    )


def ring(k: int, radius: float, sigma: float) -> Toy:
    """μⱼ = r (cos 2πj/k, sin 2πj/k), j = 0 … k−1: k equal Gaussians on a circle."""
    angles = 2 * np.pi * np.arange(k) / k
    return gaussian_mixture(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), sigma)


def grid(side: int, spacing: float, sigma: float) -> Toy:
    """μᵢⱼ = spacing (i − (side−1)/2, j − (side−1)/2): side² equal Gaussians, centred on 0."""
    ticks = spacing * (np.arange(side) - (side - 1) / 2)
    return gaussian_mixture(np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2), sigma)


def swiss_roll(noise: float, divisor: float = 1.0) -> Toy:
    """x = (t cos t + ε₁, t sin t + ε₂) / divisor, t ~ U[3π/2, 9π/2], ε ~ N(0, noise² I).

    Axes 0 and 2 of scikit-learn's make_swiss_roll (axis 1, its width, is independent of both).
    """
    return Toy("swiss-roll", f"a spiral of one and a half turns, noise {noise:g}", "", 2,
               sample=partial(_draw_swiss_roll, noise, divisor))


def two_moons(noise: float) -> Toy:
    """x = (cos t, sin t) + ε or (1 − cos t, ½ − sin t) + ε, evenly; t ~ U[0, π], ε ~ N(0, noise² I).

    scikit-learn's make_moons, whose t are evenly spaced instead of random.
    """
    return Toy("moons", f"two interleaved half circles, noise {noise:g}", "", 2,
               sample=partial(_draw_moons, noise))


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """‖xᵢ − yⱼ‖², (n, k), of points (n, dim) and (k, dim).

    By coordinate: as exact as the (n, k, dim) array of differences, and 9 times as fast in the plane.
    ‖x‖² + ‖y‖² − 2⟨x, y⟩ would be faster still and lose the digits of a small distance.
    """
    total = np.zeros((len(x), len(y)))
    for x_i, y_i in zip(x.T, y.T, strict=True):
        total += (x_i[:, None] - y_i) ** 2
    return total


def _frozen(values: ArrayLike) -> np.ndarray:
    """A float64 copy that nobody can change: rows are shared by everything that trains."""
    copy = np.array(values, dtype=float)
    copy.setflags(write=False)
    return copy


def _draw_mixture(mu: np.ndarray, sigma: float, cumulative: np.ndarray, rng: np.random.Generator, n: int) -> np.ndarray:
    x = rng.standard_normal((n, mu.shape[1]))
    x *= sigma
    x += mu.take(cumulative.searchsorted(rng.random(n), side="right"), axis=0)
    return x


def _log_mixture(mu: np.ndarray, sigma: float, w: np.ndarray, x: np.ndarray) -> np.ndarray:
    x = np.asarray(to_host(x), dtype=float)
    if x.ndim != 2:
        raise ValueError(f"points of shape {x.shape} do not fit a mixture whose means have shape {mu.shape}")
    return log_mixture(x, mu, sigma, w)


def _draw_swiss_roll(noise: float, divisor: float, rng: np.random.Generator, n: int) -> np.ndarray:
    t = np.pi * rng.uniform(1.5, 4.5, (n, 1))
    return (t * np.concatenate([np.cos(t), np.sin(t)], axis=1) + noise * rng.standard_normal((n, 2))) / divisor


def _draw_moons(noise: float, rng: np.random.Generator, n: int) -> np.ndarray:
    t = rng.uniform(0, np.pi, (n, 1))
    outer = np.concatenate([np.cos(t), np.sin(t)], axis=1)
    x = np.where(rng.random((n, 1)) < 0.5, outer, (1.0, 0.5) - outer)
    return x + noise * rng.standard_normal((n, 2))


_GAN_TOY = "Gulrajani et al. (2017), gan_toy.py"
# gan_toy divides everything, noise too, by these roundings of the data's scale.
_RING, _GRID, _ROLL = 1.414, 2.828, 7.5

TOYS: Registry[Toy] = Registry("data set", {
    name: replace(data, name=name, summary=summary, source=source)
    for name, data, summary, source in [
        ("ring8", ring(8, 2 / _RING, 0.02 / _RING),
         "8 Gaussians on a circle: radius 2, sigma .02, divided by 1.414", _GAN_TOY),
        ("ring8-unit", ring(8, 1, 0.01),
         "8 Gaussians on a circle: radius 1, sigma .01",
         "Metz et al. (2017), with 8 distinct modes; Srivastava et al. (2017, VEEGAN); Lin et al. (2018, PacGAN)"),
        ("grid25", grid(5, 2 / _GRID, 0.05 / _GRID),
         "5 x 5 Gaussians: spacing 2, sigma .05, divided by 2.828", _GAN_TOY),
        ("grid25-wide", grid(5, 2, 0.05),
         "5 x 5 Gaussians: spacing 2, sigma .05", "Srivastava et al. (2017, VEEGAN); Lin et al. (2018, PacGAN)"),
        ("swiss-roll", swiss_roll(0.25, _ROLL),
         "a spiral of one and a half turns: noise .25, divided by 7.5", _GAN_TOY),
        ("moons", two_moons(0.05),
         "two interleaved half circles: noise .05", "make_moons of Pedregosa et al. (2011, scikit-learn)"),
        ("gaussian", gaussian_mixture([[0]], 1),
         "the standard normal on the line", "textbook"),
        ("bimodal", gaussian_mixture([[-2], [2]], 0.5),
         "two Gaussians on the line: means -2 and 2, variance .25", "claim D13"),
    ]
})


def toy(name: str) -> Toy:
    """The row of that name; ValueError, with the nearest name, if there is none."""
    return choose(name, TOYS, "data set")
