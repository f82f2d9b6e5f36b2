"""Is a critic kept Lipschitz as it is said to be: constants, clipped weights? And the critics that penalties get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis import target
from hypothesis.extra.numpy import arrays

from minigan.arrays import to_host
from minigan.testing.properties import Property, Skip, array, equal, require, run, show


@dataclass(frozen=True)
class TestCritic:
    """A row: a critic f(w, x) with f homogeneous in x, ⟨x, ∇ₓf⟩ = degree · f, its gradient, and that one's in w.

    Called with anybody's arrays it keeps to operators and methods that all libraries share (``@``, ``*``,
    ``.sum(-1)``, ``.reshape``): NumPy's, PyTorch's, JAX's, and tensors that record. Images are read as rows.
    """

    __test__ = False  # the name is for people; pytest shall not collect it

    formula: str
    degree: int
    score: Callable[[Any, Any], Any]  # (w, x (batch, d)) -> (batch, 1)
    rows_gradient: Callable[[np.ndarray, np.ndarray], np.ndarray]  # (w, x) -> ∇ₓf, (batch, d)
    rows_backward: Callable[[np.ndarray, np.ndarray], np.ndarray]  # (v, x) -> ∂/∂w Σ_b ⟨v_b, ∇ₓf(x_b)⟩, as w

    def __call__(self, w: Any, x: Any) -> Any:
        return self.score(w, x if len(x.shape) == 2 else x.reshape((x.shape[0], -1)))

    def gradient(self, w: np.ndarray, x: np.ndarray) -> np.ndarray:
        """∇ₓf, as x."""
        return self.rows_gradient(w, rows_of(x)).reshape(x.shape)

    def backward(self, v: np.ndarray, x: np.ndarray) -> np.ndarray:
        """∂/∂w Σ_b ⟨v_b, ∇ₓf(x_b)⟩, as w."""
        return self.rows_backward(rows_of(v), rows_of(x))


def rows_of(x: np.ndarray) -> np.ndarray:
    """(n, …) → (n, d): all axes of a sample in one."""
    return x.reshape(len(x), -1)


def _symmetric(a: np.ndarray) -> np.ndarray:
    return 0.5 * (a + a.T)


LINEAR = TestCritic(
    "f(x) = ⟨w, x⟩, w (d, 1)", 1, lambda w, x: x @ w,
    lambda w, x: np.broadcast_to(w[:, 0], x.shape), lambda v, x: v.sum(axis=0)[:, None])
QUADRATIC = TestCritic(  # its slope differs from sample to sample, and mixes the coordinates
    "f(x) = ½ ⟨x, w x⟩, w (d, d)", 2, lambda w, x: ((x @ w) * x).sum(-1).reshape((-1, 1)) * 0.5,
    lambda w, x: x @ _symmetric(w), lambda v, x: _symmetric(v.T @ x))


def own_scores(critic: Callable[[np.ndarray], Any], d: int, name: str, formula: str) -> Property:
    """The score of a sample in a batch is its score alone."""
    def holds(x: np.ndarray) -> None:
        alone = np.array([_scores(critic, x[i : i + 1])[0] for i in range(len(x))])
        equal("the scores of the batch", _scores(critic, x), alone, rtol=1e-6, atol=1e-6)

    quarters = st.integers(-8, 8).map(lambda k: k / 4)
    return Property(name, formula, {"x": arrays(float, (3, d), elements=quarters)}, holds)


def _scores(f: Callable[[np.ndarray], Any], x: np.ndarray) -> np.ndarray:
    return array("the scores", np.reshape(to_host(f(x)), -1), (len(x),))


def check_lipschitz(
    f: Callable[[np.ndarray], Any], K: float, d: int,
    *, radius: float = 10.0, examples: int = 200, seed: int = 0, rtol: float = 1e-6, atol: float = 1e-9,
    skip: Skip = (),
) -> list[str]:
    """|f(x) − f(y)| ≤ K ‖x − y‖ for x, y in [−radius, radius]ᵈ: is K, or the bound that certifies it, a bound?

    f: (n, d) -> (n, 1) or (n,); K: the constant claimed, such as the product of the layers' spectral norms
    (which a few power iterations give from below, so that they certify nothing).
    Hypothesis climbs towards steep pairs, and each point is also tried along its own numerical gradient.
    No search proves a bound; this one finds most that are none.
    Returns the names of the properties that hold. PropertyError: one does not.

    >>> check_lipschitz(lambda x: abs(x).sum(axis=1), K=2**0.5, d=2)
    ["a point's value is its own", 'far pairs', 'near pairs', 'along the gradient']
    """
    coordinate = st.one_of(st.integers(-2, 2).map(lambda k: k * radius / 2), st.floats(-radius, radius))
    points = arrays(float, d, elements=coordinate)

    def inside(x: np.ndarray) -> np.ndarray:
        return np.clip(x, -radius, radius)

    def steep(x: np.ndarray, y: np.ndarray) -> None:
        distance = float(np.linalg.norm(x - y))
        values = _scores(f, np.stack([x, y]))
        rise = float(abs(values[0] - values[1]))
        if distance > 0 and np.isfinite(rise):
            target(rise / distance, label="slope")
        slack = rtol * K * distance + atol + 1e-12 * np.abs(values).max()
        require(rise <= K * distance + slack,
                f"a slope of {rise / max(distance, 1e-300):.10g}: |f(x) − f(y)| = {rise:.10g}, "
                f"‖x − y‖ = {distance:.10g}, y = {show(y)}")

    def uphill(x: np.ndarray) -> None:
        h = 1e-4 * radius
        around = _scores(f, np.concatenate([x + h * np.eye(d), x - h * np.eye(d)]))
        g = around[:d] - around[d:]
        if g.any():
            steep(x, inside(x + 10 * h * g / np.linalg.norm(g)))

    formula = f"|f(x) − f(y)| ≤ K‖x − y‖, K = {K:.10g}"
    rows = [
        own_scores(f, d, "a point's value is its own", "f(batch)ᵢ = f(xᵢ)"),
        Property("far pairs", formula, {"x": points, "y": points}, steep),
        Property("near pairs", formula, {"x": points, "step": points},
                 lambda x, step: steep(x, inside(x + 1e-3 * step))),
        Property("along the gradient", formula, {"x": points}, uphill),
    ]
    return run([f], rows, examples, seed, skip)


def check_weight_clipping(
    clip: Callable[[np.ndarray], Any], c: float, *, examples: int = 40, seed: int = 0, rtol: float = 1e-6,
    skip: Skip = (),
) -> list[str]:
    """w ← clip(w, −c, c), each weight by itself.

    clip: w (n,) -> (n,), what the weights are after it (return them, if it writes into its argument).
    Returns the names of the properties that hold. PropertyError: one does not.

    Source: Arjovsky et al. (2017), algorithm 1, line 8.
    """
    weights = {"w": arrays(float, (3,), elements=st.integers(-12, 12).map(lambda k: k * c / 4))}

    def near(w: np.ndarray, expected: np.ndarray, what: str = "clip(w)") -> None:
        equal(what, clip(w.copy()), expected, rtol=rtol, atol=1e-12 * c)

    def twice(w: np.ndarray) -> None:
        once = array("clip(w)", clip(w.copy()), w.shape)
        near(once.copy(), once, "clip(clip(w))")

    return run([clip], [
        Property("inside", "what lies within [−c, c] stays", {"w": weights["w"].map(lambda w: w / 3)},
                 lambda w: near(w, w)),
        Property("outside", f"what lies without goes to the nearer end of [−c, c], c = {c:g}", weights,
                 lambda w: near(w, np.minimum(np.maximum(w, -c), c))),
        Property("once is enough", "clip(clip(w)) = clip(w)", weights, twice),
    ], examples, seed, skip)
