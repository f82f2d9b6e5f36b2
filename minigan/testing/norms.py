"""Is it a spectral norm, with power iteration's state kept in order? Is it virtual batch norm?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import DrawFn

from minigan.arrays import to_host
from minigan.testing.properties import Property, array, at_most, equal, number, require, run


class PowerIteration(Protocol):
    """σ̂ = uᵀWv of one weight (m, n) with its state, u (m,) and v (n,): what ``check_spectral_norm`` drives.

    A thin class around your layer; ``load`` may come right after the layer was made anew.
    """

    def train(self, w: np.ndarray) -> tuple[Any, Any]:
        """One critic step at W: (σ̂, ∂σ̂/∂W), after the state has advanced."""

    def evaluate(self, w: np.ndarray) -> Any:
        """σ̂ of the state as it is."""

    def state(self) -> tuple[Any, Any]:
        """(u, v), what a checkpoint holds."""

    def load(self, state: tuple[np.ndarray, np.ndarray]) -> None:
        """Go on from that state."""


@st.composite
def _weights(draw: DrawFn, least: int = 1) -> np.ndarray:
    """W = U diag(s) Vᵀ, (m, n), sizes ``least`` … 4, diagonal at first; σ₁ = 2σ₂, so that u₁, v₁, ∂σ₁ exist."""
    m, n = draw(st.integers(least, 4)), draw(st.integers(least, 4))
    k, seed = min(m, n), draw(st.integers(0, 2**16))
    s = draw(st.sampled_from([1.0, 3.0, 0.25])) * np.array([1.0, *[0.5] * (k - 1)])
    rng = np.random.default_rng(seed)
    U, V = (np.linalg.qr(rng.standard_normal((size, k)))[0] if seed else np.eye(size, k) for size in (m, n))
    return U @ np.diag(s) @ V.T


def _first(W: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(u₁, v₁, all σ) of NumPy's svd."""
    U, s, Vt = np.linalg.svd(W)
    return U[:, 0], Vt[0], s


def check_spectral_norm(
    sigma: Callable[[np.ndarray], Any], gradient: Callable[[np.ndarray], Any] | None = None,
    layer: Callable[[np.ndarray], PowerIteration] | None = None,
    *, examples: int = 50, seed: int = 0, rtol: float = 1e-6, atol: float = 1e-9,
) -> list[str]:
    """σ(W) = max_{‖h‖=1} ‖Wh‖ = σ₁, ∂σ/∂W = u₁v₁ᵀ; and a power iteration that keeps its state.

    sigma: W (m, n) -> a number, exact or iterated to convergence (σ₁ ≥ 2σ₂ in all that is tried); gradient:
    W -> ∂σ/∂W. layer: W -> a ``PowerIteration``, whose state must advance once in ``train``, not in
    ``evaluate``, be held constant in the gradient (u vᵀ), and survive being saved and loaded.
    Returns the names of the properties that were checked. PropertyError: one does not hold.

    Source: Miyato et al. (2018), eq. 6, 12 and algorithm 1.
    """
    near = partial(equal, rtol=rtol, atol=atol)
    w = {"W": _weights()}

    def homogeneous(W: np.ndarray, c: float) -> None:
        near("σ(cW)", sigma(c * W), abs(c) * number("σ(W)", sigma(W)))

    def normalised(W: np.ndarray) -> None:
        near("σ(W/σ(W))", sigma(W / number("σ(W)", sigma(W))), 1.0)

    def outer(W: np.ndarray) -> None:
        u, v, _ = _first(W)
        near("∂σ/∂W", gradient(W) if gradient else None, np.outer(u, v))

    rows = [
        Property("normalises", "σ(W/σ(W)) = 1", w, normalised),
        Property("largest singular value", "σ(W) = σ₁, the largest of NumPy's svd", w,
                 lambda W: near("σ(W)", sigma(W), _first(W)[2][0])),
        Property("homogeneous", "σ(cW) = |c| σ(W)", w | {"c": st.sampled_from([-1.0, 2.0, 1e-3, 1e3])}, homogeneous),
        Property("a dead layer", "σ(0) = 0, not nan", {},
                 lambda: near("σ(0)", sigma(np.zeros((2, 3))), 0.0, atol=max(atol, 1e-6))),
    ]
    if gradient is not None:
        rows.append(Property("gradient", "∂σ/∂W = u₁v₁ᵀ", w, outer))
    if layer is not None:
        rows += _of_the_state(layer, near)
    return run([sigma], rows, examples, seed)


def _of_the_state(layer: Callable[[np.ndarray], PowerIteration], near: Callable) -> list[Property]:
    def state(it: PowerIteration) -> tuple[np.ndarray, np.ndarray]:
        u, v = (np.array(to_host(part), dtype=float).reshape(-1) for part in it.state())
        return u, v

    def started(W: np.ndarray) -> PowerIteration:
        """After one step, since a fresh v may owe nothing to u."""
        it = layer(W.copy())
        it.train(W.copy())
        return it

    def angle(a: np.ndarray, first: np.ndarray) -> float:
        """tan of the angle between a and a singular vector."""
        along = a @ first
        return float(np.linalg.norm(a - along * first) / abs(along))

    def once(W: np.ndarray) -> None:
        it = started(W)
        *first, s = _first(W)
        before = state(it)
        it.train(W.copy())
        for name, old, new, a in zip("uv", before, state(it), first, strict=True):
            near(f"tan of {name}'s angle to {name}₁, from {angle(old, a):.6g},", angle(new, a),
                 (s[1] / s[0]) ** 2 * angle(old, a), rtol=1e-3, atol=1e-6)

    def still(W: np.ndarray) -> None:
        it = started(W)
        before = state(it)
        u, v = before
        near("σ̂ in evaluation", it.evaluate(W.copy()), u @ W @ v)
        for name, old, new in zip("uv", before, state(it), strict=True):
            near(f"{name} after an evaluation", new, old)

    def constant(W: np.ndarray) -> None:
        it = started(W)
        value, gradient = it.train(W.copy())
        u, v = state(it)
        near("σ̂", value, u @ W @ v)
        near("∂σ̂/∂W", array("∂σ̂/∂W", gradient, W.shape), np.outer(u, v), atol=1e-6)

    def below(W: np.ndarray) -> None:
        at_most("σ̂", started(W).train(W.copy())[0], _first(W)[2][0], 1e-6)

    def resumed(W: np.ndarray) -> None:
        it = started(W)
        saved = state(it)
        other = layer(np.flip(W).copy())  # made anew, of another weight: a start that it must forget
        other.load((saved[0].copy(), saved[1].copy()))
        expected = number("σ̂", it.train(W.copy())[0])
        near("σ̂ of the step after loading", other.train(W.copy())[0], expected)
        for name, old, new in zip("uv", state(it), state(other), strict=True):
            near(f"{name} of the step after loading", new, old)

    w = {"W": _weights(least=2)}
    return [
        Property("state: once a step", "tan∠(u, u₁) ← (σ₂/σ₁)² tan∠(u, u₁) in train, and so for v", w, once),
        Property("state: not in evaluation", "evaluate gives uᵀWv and leaves u, v as they are", w, still),
        Property("state: a constant of the gradient", "∂σ̂/∂W = u vᵀ, u and v after the step", w, constant),
        Property("state: from below", "σ̂ = uᵀWv ≤ σ₁", w, below),
        Property("state: survives a checkpoint", "a loaded state goes on as the saved one would", w, resumed),
    ]


def check_virtual_batch_norm(
    normalise: Callable[[np.ndarray, np.ndarray], Any],
    *, examples: int = 100, seed: int = 0, rtol: float = 1e-6, atol: float = 1e-6,
) -> list[str]:
    """(x − μ)/s with μ and s of a fixed reference batch (and x itself): nothing of a sample's batch-mates.

    normalise: (x (n, d), reference (m, d)) -> (n, d), its scale 1 and its shift 0.
    Returns the names of the properties that were checked. PropertyError: one does not hold.

    Source: Salimans et al. (2016), section 3.5.
    """
    near = partial(equal, rtol=rtol, atol=atol)
    quarters = st.integers(-8, 8).map(lambda k: k / 4)
    reference = np.array([[-1.0, 2.0], [0.5, -1.0], [1.0, 0.0], [2.0, 3.0]])
    x = {"x": arrays(float, (3, 2), elements=quarters)}

    def independent(x: np.ndarray) -> None:
        alone = [array("one output", normalise(row[None], reference), (1, 2)) for row in x]
        near("the outputs of the batch", array("the output", normalise(x, reference), x.shape), np.concatenate(alone))

    def referred(x: np.ndarray) -> None:
        moved = array("the output", normalise(x, reference + 5.0), x.shape)
        require(not np.allclose(moved, array("the output", normalise(x, reference), x.shape)),
                "the reference moved by 5, and the output did not")

    def shifted(x: np.ndarray) -> None:
        near("output of (x + 5, reference + 5)", normalise(x + 5, reference + 5),
             array("the output", normalise(x, reference), x.shape))

    return run([normalise], [
        Property("batch-mates do not matter", "the output of xᵢ in a batch = its output alone", x, independent),
        Property("the reference matters", "another reference, another output", x, referred),
        Property("shift", "x and the reference moved together change nothing", x, shifted),
    ], examples, seed)
