"""What the networks' and games' parts compute, written out once more: NumPy, SciPy, Python's floats."""

from collections.abc import Callable
from math import sqrt

import numpy as np
from scipy.special import log_expit

from minigan.arrays import to_host
from minigan.autodiff import Tensor
from minigan.nets import MLP, OPTIMIZERS

# -- optimisers ----------------------------------------------------------------------------------
ETA = 0.1
GRADIENTS = [0.5, -1.25, 0.0, 3.0, 1e-4, -0.75]


def optimizer(name: str) -> list[float]:
    """θ after each gradient, from θ = 1: the recurrences as PyTorch documents them, in Python floats."""
    theta, u, v, m, before, out = 1.0, 0.0, 0.0, 0.0, None, []
    for t, g in enumerate(GRADIENTS, 1):
        if name == "sgd":
            theta -= ETA * g
        elif name == "momentum":
            u = 0.9 * u + g
            theta -= ETA * u
        elif name == "nesterov":  # as published: velocity V, and the gradient is that of the point ahead, θ = y + μV
            y = theta - 0.9 * u
            u = 0.9 * u - ETA * g
            theta = y + u + 0.9 * u
        elif name == "rmsprop":
            v = 0.99 * v + 0.01 * g * g
            theta -= ETA * g / (sqrt(v) + 1e-8)
        elif name == "optimistic":
            theta = theta - 2 * ETA * g + ETA * (g if before is None else before)
            before = g
        else:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            d = (m / (1 - 0.9**t)) / (sqrt(v / (1 - 0.999**t)) + 1e-8)
            if name == "optimistic-adam":
                theta = theta - 2 * ETA * d + ETA * (d if before is None else before)
                before = d
            else:
                assert name == "adam"
                theta -= ETA * d
        out.append(theta)
    return out


def trajectory(name: str, dtype: str, array: Callable = np.asarray) -> list[float]:
    """Ours, on the same gradients. array: from NumPy's arrays to those of another library, to run there."""
    row = OPTIMIZERS[name]
    theta = array(np.ones(2, dtype))
    state, out = row.init(theta), []
    for t, g in enumerate(GRADIENTS, 1):
        new, slots = row.step(Tensor(theta), Tensor(array(np.full(2, g, dtype))),
                               {k: Tensor(v) for k, v in state.items()}, t, ETA)
        theta, state = new.value, {k: v.value for k, v in slots.items()}
        assert new.dtype == dtype and all(v.dtype == dtype for v in slots.values())
        assert set(state) == set(row.slots)
        out.append(float(to_host(theta)[1]))
    return out


# -- losses and penalties ------------------------------------------------------------------------
def losses(real: np.ndarray, fake: np.ndarray) -> dict[str, tuple[float, float]]:
    """(critic's loss, generator's loss) of each row that looks at scores alone, in log D = log_expit(s)."""
    value = np.mean(log_expit(real)) + np.mean(log_expit(-fake))
    return {
        "minimax": (-value, np.mean(log_expit(-fake))),
        "zero-sum": (-value, value),
        "non-saturating": (-value, -np.mean(log_expit(fake))),
        "f-gan": (-value - 2 * np.log(2), np.mean(log_expit(-fake)) + 2 * np.log(2)),
        "f-js": (-value / 2 - np.log(2), np.mean(log_expit(-fake)) / 2 + np.log(2) / 2),
        "wasserstein": (np.mean(fake) - np.mean(real), -np.mean(fake)),
        "hinge": (np.mean(np.maximum(0, 1 - real)) + np.mean(np.maximum(0, 1 + fake)), -np.mean(fake)),
        "lsgan": ((np.mean((real - 1) ** 2) + np.mean(fake**2)) / 2, np.mean((fake - 1) ** 2) / 2),
        "lsgan-pearson": ((np.mean((real - 1) ** 2) + np.mean((fake + 1) ** 2)) / 2, np.mean(fake**2) / 2),
        "ebgan": (np.mean(real) + np.mean(np.maximum(0, 1 - fake)), np.mean(fake)),
        "relativistic": (-np.mean(log_expit(real - fake)), -np.mean(log_expit(fake - real))),
        "relativistic-average": (
            -np.mean(log_expit(real - fake.mean())) - np.mean(log_expit(real.mean() - fake)),
            -np.mean(log_expit(fake - real.mean())) - np.mean(log_expit(fake.mean() - real))),
    }


# of a critic f(x) = ½ ⟨x, A x⟩, whose slope A x differs from sample to sample
A = np.array([[2.0, 0.5], [0.5, -1.0]])


def penalty(kind: str, real, fake, eps, delta) -> float:
    deviation = np.sqrt(((real - real.mean(axis=0)) ** 2).sum() / real.size)
    x = {"two-sided": eps * real + (1 - eps) * fake, "one-sided": eps * real + (1 - eps) * fake,
         "dragan": real + 0.5 * deviation * delta, "r1": real, "r2": fake}[kind]
    r = np.linalg.norm(x @ A, axis=1)
    return np.mean({"one-sided": np.maximum(0, r - 1) ** 2, "r1": r**2 / 2, "r2": r**2 / 2}.get(kind, (r - 1) ** 2))


def draws(seed: int, rows: tuple[int, ...] = ()):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(*rows, 5, 2)), rng.normal(size=(*rows, 5, 2)) + 1, rng.random((*rows, 5, 1)),
            rng.normal(size=(*rows, 5, 2)))


# -- layers -------------------------------------------------------------------------------------
EPS = 1e-5


def standard(a, over, axis=0):
    return (a - over.mean(axis, keepdims=True)) / np.sqrt(over.var(axis, keepdims=True) + EPS)


def normed_net(net: MLP, theta: np.ndarray, x: np.ndarray, reference: np.ndarray | None) -> np.ndarray:
    """Two hidden tanh layers, x and the reference side by side, in NumPy."""
    w1, b1, g1, w2, b2, g2, w3, b3 = (v.value for v in net.layout.views(theta))
    h, r = x, reference
    for W, b, gain in [(w1, b1, g1), (w2, b2, g2)]:
        a, c = h @ W, None if r is None else r @ W
        if net.norm == "layer":
            h = standard(a, a, 1)
        elif net.norm == "virtual":
            h = np.array([standard(row, np.vstack([c, row]))[0] for row in a[:, None]])
        else:
            h = standard(a, a if c is None else c)
        h = np.tanh(gain * h + b)
        r = None if c is None else np.tanh(gain * standard(c, c) + b)
    return h @ w3 + b3


def minibatch_features(M: np.ndarray, reference: np.ndarray | None = None) -> np.ndarray:
    o = np.zeros(M.shape[:2])
    for i, mine in enumerate(M):
        for j, other in enumerate(M if reference is None else reference):
            if reference is not None or j != i:
                o[i] += np.exp(-np.abs(mine - other).sum(axis=1))
    return o


def gaussian_moments(theta: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """μ and L of θ, entry by entry."""
    L = np.diag(np.exp(theta[dim : 2 * dim]))
    L[np.tril_indices(dim, -1)] = theta[2 * dim :]
    return theta[:dim], L
