"""Gaussians: how far apart, in closed form, and on the line the Gaussian that is nearest to a target.

    forward:  min_q KL(p‖q) = the Gaussian with p's mean and variance: it covers p, between its peaks if need be
    reverse:  min_q KL(q‖p) has a local minimum at each well-separated peak: it takes one and drops the rest
"""

from collections.abc import Callable
from fractions import Fraction
from math import exp as exp_of
from math import expm1, hypot, inf, isfinite, log, log1p, sqrt
from typing import Any

import numpy as np

from minigan.arrays import Array, namespace
from minigan.autodiff import Tensor, exp, hvp, logsumexp, square_norm, value_and_grad
from minigan.autodiff.functions import as_tensor
from minigan.theory.densities import integrals
from minigan.theory.numbers import as_numbers
from minigan.theory.quadrature import LogDensity

__all__ = ["alpha_gaussians", "fit_forward_kl", "fit_reverse_kl", "gaussian_w2", "kl_gaussians"]


def kl_gaussians(mu_p: float, sigma_p: float, mu_q: float, sigma_q: float) -> float:
    """KL(N(μ_p, σ_p²) ‖ N(μ_q, σ_q²)) = log(σ_q/σ_p) + (σ_p² + (μ_p − μ_q)²)/(2σ_q²) − ½. In nats.

    To nearly all digits, near equality and at any scale; inf beyond 1.8e308. ValueError unless the σ are positive and
    everything is finite. Source: Bishop (2006), eq. 1.113 with ex. 1.30. Checked by: D1, D17.
    """
    return alpha_gaussians(1.0, mu_p, sigma_p, mu_q, sigma_q)


def alpha_gaussians(a: float, mu_p: float, sigma_p: float, mu_q: float, sigma_q: float) -> float:
    """D_α between Gaussians = (∫p^α q^{1−α} − 1)/(α(α − 1)), with s² = α σ_q² + (1 − α) σ_p²

        ∫p^α q^{1−α} = σ_p^{1−α} σ_q^α / s · exp(−α(1−α)(μ_p − μ_q)²/(2s²)),   ∞ if s² ≤ 0

    α = 2: ½ Pearson, infinite where σ_p² ≥ 2σ_q²; ½: 4 H²; −1: ½ Neyman; 1, 0: the KLs. In exact fractions up to the
    logarithms, so that nothing cancels or overflows on the way. ValueError as ``kl_gaussians``, and unless α is finite.
    Source: Gil et al. (2013), by completing the square. Checked by: D6.
    """
    _check_gaussians((mu_p, sigma_p), (mu_q, sigma_q))
    if not isfinite(a):
        raise ValueError(f"alpha must be finite, not {a}")
    alpha, p, q = (Fraction(float(x)) for x in (a, sigma_p, sigma_q))
    P, Q, shift = p * p, q * q, (Fraction(float(mu_p)) - Fraction(float(mu_q))) ** 2
    if alpha > Fraction(1, 2):  # D_α(P‖Q) = D_{1−α}(Q‖P), so that α ≤ ½ and nothing is divided by 1 − α ≈ 0
        alpha, P, Q = 1 - alpha, Q, P
    ratio = Q / P - 1
    share = 1 + alpha * ratio  # s²/σ_p²
    if share <= 0:
        return inf
    # D_α = (1 − e^{−αK})/(α(1 − α)), K = ½ [log(σ_p²/σ_q²) + log(s²/σ_p²)/α] + ½ (1 − α)(μ_p − μ_q)²/s², KL at α = 0
    if abs(ratio) < Fraction(1, 2) and abs(alpha * ratio) < Fraction(1, 2):
        K = _log1p_excess(ratio) - (_log1p_excess(alpha * ratio) / _float(alpha) if alpha else 0.0)
    else:
        K = _log(P / Q) + (_log(share) / _float(alpha) if alpha else _float(ratio))
    K = 0.5 * K + 0.5 * _float((1 - alpha) * shift / (share * P))
    e, rest = _float(alpha), _float(1 - alpha)
    if not e or abs(e * K) < 1e-17:
        return max(K, 0.0) / rest
    if -e * K < 700:
        return max(-expm1(-e * K) / e, 0.0) / rest
    exponent = -e * K - log(-e) - log(rest)
    return exp_of(exponent) if exponent < 709.78 else inf


def _float(x: Fraction) -> float:
    """The nearest float, ±inf where there is none."""
    try:
        return float(x)
    except OverflowError:
        return inf if x > 0 else -inf


def _log(x: Fraction) -> float:
    if Fraction(1, 2) < x < 2:
        return log1p(float(x - 1))
    return log(float(x)) if Fraction(2) ** -1000 < x < Fraction(2) ** 1000 else log(x.numerator) - log(x.denominator)


def _log1p_excess(exact: Fraction) -> float:
    """x − log(1 + x), |x| < ½: with s = x/(2 + x) it is s (x − 2 (s²/3 + s⁴/5 + ...)): log(1 + x) = 2 artanh s."""
    x, s = float(exact), float(exact / (2 + exact))
    return s * (x - 2 * sum(s ** (2 * n) / (2 * n + 1) for n in range(1, 18)))


def gaussian_w2(mean_x: Array, cov_x: Array, mean_y: Array, cov_y: Array) -> float:
    """W₂² = ‖μ − ν‖² + tr(Σ + T − 2 (Σ^½ T Σ^½)^½) = ‖μ − ν‖² + min over rotations U of ‖A − B U‖²_F.

    Σ = A Aᵀ, T = B Bᵀ. Computed by the second form, a sum of squares: the first cancels for near laws.
    Means (d,), covariances (d, d), symmetric and positive semi-definite, singular ones included.
    Source: Olkin & Pukelsheim (1982); Bhatia, Jain & Lim (2019), theorem 1. Checked by: W5.
    """
    mu, nu = as_numbers(mean_x, "mean_x", float), as_numbers(mean_y, "mean_y", float)
    xp = namespace(mu, nu)
    A, B = _root(cov_x, mu, "x"), _root(cov_y, nu, "y")
    if mu.shape != nu.shape:
        raise ValueError(f"Gaussians of dimensions {mu.size} and {nu.size}")
    with np.errstate(over="ignore"):
        shift = mu - nu  # beyond 1.8e308 so is the distance
    unit = float(abs(xp.stack([A, B])).max()) or 1.0  # the squares of A and B may overflow or underflow, not these
    A, B = A / unit, B / unit
    left, _, right = xp.linalg.svd(A.T @ B)
    return hypot(_norm(shift), unit * _norm(A - B @ (left @ right).T))


def _norm(x: Array) -> float:
    """The root of the sum of squares, in units of the largest entry, since squares overflow and underflow."""
    unit = float(abs(x).max())
    return unit * float((((x / unit) ** 2).sum()) ** 0.5) if 0 < unit < inf else unit


def mixture_log_density(means: Array, sigmas: Array, weights: Array | None = None) -> Callable[[Any], Any]:
    """log Σⱼ wⱼ N(x; μⱼ, σⱼ²) as a function (n,) -> (n,), of arrays and of tensors.

    means: (k,); sigmas: (k,), or one for all; weights: (k,), summing to 1 (None: equal). ValueError otherwise.
    """
    mu = as_numbers(means, "means", float)
    if mu.ndim != 1 or not mu.size:
        raise ValueError(f"means must be a vector (k,), not of shape {mu.shape}")
    w = np.full(mu.shape, 1 / len(mu)) if weights is None else as_numbers(weights, "weights", float)
    if w.shape != mu.shape or not (w >= 0).all() or not abs(w.sum() - 1) <= 1e-6:
        raise ValueError(f"weights must be {len(mu)} probabilities that sum to 1, not {weights}")
    sigma = np.broadcast_to(as_numbers(sigmas, "sigmas", float), mu.shape).copy()
    _check_gaussians(*zip(mu, sigma, strict=True))
    return lambda x: log_mixture(x.reshape(-1, 1), mu[:, None], sigma, w)


def log_mixture(x: Any, mu: np.ndarray, sigma: Any, w: np.ndarray) -> Any:
    """log Σⱼ wⱼ N(x; μⱼ, σⱼ² I) at x (..., dim), an array or a tensor as x is: (...), in nats.

    mu: (k, dim); sigma: (k,) or one number; w: (k,). By log-sum-exp: far from every mode each exp alone would be 0.
    ValueError where the dimensions differ.
    """
    dim = mu.shape[1]
    points = as_tensor(x)
    if points.ndim < 1 or points.shape[-1] != dim:
        raise ValueError(f"points of shape {points.shape} do not fit a mixture whose means have shape {mu.shape}")
    with np.errstate(divide="ignore"):  # a weight of 0
        log_w = as_tensor(np.log(w) - dim * (np.log(sigma) + 0.5 * np.log(2 * np.pi)), like=points)
    unit = as_tensor(sigma[:, None], like=points) if np.ndim(sigma) else float(sigma)
    z = (points.reshape((*points.shape[:-1], 1, dim)) - as_tensor(mu, like=points)) / unit  # σ² might underflow
    y = logsumexp(log_w - 0.5 * square_norm(z), axis=-1)
    return y if isinstance(x, Tensor) else y.value


def fit_forward_kl(
    log_p: LogDensity, low: float = -inf, high: float = inf, points: tuple[float, ...] = (),
) -> tuple[float, float]:
    """argmin over N(μ, σ²) of KL(p ‖ N(μ, σ²)), as (μ, σ): p's own mean and standard deviation.

    −KL is E_p log N(x; μ, σ²) up to a constant, which sees nothing of p but its first two moments.
    log_p, low, high, points: as for ``divergence_between``. ValueError if p has no variance.
    Source: Bishop (2006), section 10.7, eq. 10.187. Checked by: D13.
    """
    def moment(g: Callable[[np.ndarray], np.ndarray]) -> float:
        return integrals(lambda x: np.exp(log_p(x)) * g(x), log_p, log_p, low, high, points)

    mu = moment(lambda x: x)
    variance = moment(lambda x: (x - mu) ** 2) if isfinite(mu) else inf
    if not isfinite(variance):
        raise ValueError("the target has no finite variance: KL(p‖q) is infinite for every Gaussian q")
    return mu, sqrt(variance)


def fit_reverse_kl(log_p: Callable[[Any], Any], mu: float, sigma: float) -> tuple[float, float]:
    """A local argmin over N(μ, σ²) of KL(N(μ, σ²) ‖ p), as (μ, σ): the one reached from the start given.

    log_p: of tensors, (n,) -> (n,), as ``mixture_log_density`` makes it. KL = −log σ − E_z log p(μ + σz) up to a
    constant, E_z by the trapezoid rule (spectrally exact for smooth p), gradient and Hessian by ``minigan.autodiff``,
    trust-region Newton by scipy, on the host, in units of the Gaussian reached so far: μ to 1e-6 σ whatever the scale.
    RuntimeError if it does not converge. Source: Bishop (2006), section 10.1.2. Checked by: D14.
    """
    from scipy.optimize import minimize

    _check_gaussians((mu, sigma))
    z = np.linspace(-10, 10, 601)
    weights = np.exp(-0.5 * z * z) / np.exp(-0.5 * z * z).sum()
    start = f"({mu:g}, {sigma:g})"

    def kl(theta: Tensor) -> Tensor:  # N(μ + σ θ₀, σ² exp(2θ₁))
        return -theta[1] - (log_p((theta[0] + exp(theta[1]) * z) * sigma + mu) * weights).sum()

    def value_and_slope(theta: np.ndarray) -> tuple[float, np.ndarray]:
        y, (slope,) = value_and_grad(kl, theta)
        return float(y), slope.value

    for _ in range(_RESTARTS):
        with np.errstate(all="ignore"):  # σ may run away, where p has no peak to hold it
            found = minimize(value_and_slope, np.zeros(2), jac=True, method="trust-ncg",
                             hessp=lambda theta, direction: hvp(kl, theta, direction).value, options={"gtol": 1e-7})
            moved = float(abs(found.x).max())
            mu, sigma = mu + sigma * float(found.x[0]), sigma * float(np.exp(found.x[1]))
        # a small slope: where log p is large its rounding hides the last improvements, and success is denied
        settled = found.success or float(abs(found.jac).max()) < 1e-5
        if not (settled and isfinite(found.fun) and isfinite(mu) and 0 < sigma < inf):
            break
        if moved < 1e-6:
            return mu, sigma
    raise RuntimeError(f"no local minimum of the reverse KL was found from {start}: {found.message}")


_RESTARTS = 30


def _root(cov: Array, mean: Array, what: str) -> Array:
    """A with A Aᵀ = Σ."""
    cov = as_numbers(cov, f"cov_{what}", float)
    xp = namespace(cov, mean)
    if mean.ndim != 1 or not mean.size or cov.shape != (mean.size, mean.size):
        raise ValueError(f"Gaussian {what} needs a mean (d,) and a covariance (d, d), not {mean.shape} and {cov.shape}")
    if not bool(xp.isfinite(mean).all() & xp.isfinite(cov).all()):
        raise ValueError(f"the mean and the covariance of {what} must be finite")
    values, vectors = xp.linalg.eigh(cov)
    slack = 1e-9 * float(abs(values).max())
    if float(abs(cov - cov.T).max()) > slack or float(values[0]) < -slack:
        raise ValueError(f"the covariance of {what} must be symmetric and positive semi-definite")
    return vectors * xp.sqrt(xp.maximum(values, 0))


def _check_gaussians(*gaussians: tuple[float, float]) -> None:
    for mu, sigma in gaussians:
        if not (isfinite(mu) and 0 < sigma < inf):
            raise ValueError(f"a Gaussian needs a finite mean and a positive, finite sigma, not ({mu}, {sigma})")
