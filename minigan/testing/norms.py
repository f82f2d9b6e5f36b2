"""Is it a spectral norm, of a matrix or of a convolution, with power iteration's state kept in order?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from minigan.arrays import to_host
from minigan.registry import choose
from minigan.testing.properties import Property, Skip, array, at_most, equal, number, run


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
def _weights(draw: DrawFn, least: int = 1, taps: int = 1) -> np.ndarray:
    """W = U diag(s) Vᵀ, (m, n · taps), sizes ``least`` … 4, diagonal at first; σ₁ = 2σ₂, so that u₁, v₁, ∂σ₁ exist."""
    m, n = draw(st.integers(least, 4)), draw(st.integers(least, 4 if taps == 1 else 2)) * taps
    k, seed = min(m, n), draw(st.integers(0, 2**16))
    s = draw(st.sampled_from([1.0, 3.0, 0.25])) * np.array([1.0, *[0.5] * (k - 1)])
    rng = np.random.default_rng(seed)
    U, V = (np.linalg.qr(rng.standard_normal((size, k)))[0] if seed else np.eye(size, k) for size in (m, n))
    return U @ np.diag(s) @ V.T


@dataclass(frozen=True)
class Layout:
    """A row: a kernel of 2 × 2 taps from a matrix (out, in · 4), back, and to the axes (out, in, 2, 2)."""

    kernel: Callable[[np.ndarray], np.ndarray]
    matrix: Callable[[np.ndarray], np.ndarray]
    oihw: Callable[[np.ndarray], np.ndarray]


LAYOUTS = {
    "OIHW": Layout(lambda W: W.reshape(len(W), -1, 2, 2), lambda K: K.reshape(len(K), -1), lambda K: K),  # PyTorch
    "HWIO": Layout(lambda W: W.T.reshape(2, 2, -1, len(W)), lambda K: K.reshape(-1, K.shape[-1]).T,
                   lambda K: K.transpose(3, 2, 0, 1)),  # TensorFlow, JAX
}
OPERATORS = ("matrix", "kernel", "convolution")


def _first(W: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(u₁, v₁, all σ) of NumPy's svd."""
    U, s, Vt = np.linalg.svd(W)
    return U[:, 0], Vt[0], s


def check_spectral_norm(
    sigma: Callable[[np.ndarray], Any], gradient: Callable[[np.ndarray], Any] | None = None,
    layer: Callable[[np.ndarray], PowerIteration] | None = None,
    *, operator: str = "matrix", layout: str = "OIHW", size: int = 4,
    examples: int = 50, seed: int = 0, rtol: float = 1e-6, atol: float = 1e-9, skip: Skip = (),
) -> list[str]:
    """σ(W) = max_{‖h‖=1} ‖Wh‖ = σ₁, ∂σ/∂W = u₁v₁ᵀ; and a power iteration that keeps its state.

    sigma: W (m, n) -> a number, exact or iterated to convergence (σ₁ ≥ 2σ₂ in all that is tried); gradient:
    W -> ∂σ/∂W. layer: W -> a ``PowerIteration``, whose state must advance once in ``train``, not in
    ``evaluate``, be held constant in the gradient (u vᵀ), and survive being saved and loaded.
    operator: of a convolution's kernel of 2 × 2 taps, two things are called its spectral norm. "kernel": that of the
    kernel reshaped to (out, in · taps), as Miyato et al. have it, which does not bound the convolution; gradient and
    layer are then of kernels too, u (out,) and v (in · taps,). "convolution": that of the map itself, of images of
    size × size that wrap around; sigma alone is checked. layout: the kernel's axes, "OIHW" or "HWIO".
    Returns the names of the properties that hold. PropertyError: one does not.

    Source: Miyato et al. (2018), eq. 6, 12 and algorithm 1; of the map itself: Sedghi et al. (2019), theorem 6.
    """
    axes = choose(layout, LAYOUTS, "layout")
    choose(operator, dict.fromkeys(OPERATORS, 0), "operator")
    if operator == "convolution":
        near = partial(equal, rtol=max(rtol, 1e-5), atol=atol)
        return _of_a_convolution(sigma, axes, size, examples, seed, near, skip)
    title = [sigma]
    if operator == "kernel":
        sigma, gradient, layer = _of_kernels(sigma, gradient, layer, axes)
    taps = 4 if operator == "kernel" else 1
    near = partial(equal, rtol=rtol, atol=atol)
    w = {"W": _weights(taps=taps)}

    def homogeneous(W: np.ndarray, c: float) -> None:
        near("σ(cW)", sigma(c * W), abs(c) * number("σ(W)", sigma(W)))

    def hint() -> str:
        if operator != "kernel":
            return ""
        others: dict[str, Callable] = {
            f"layout={name!r}": lambda kernel, other=other: np.linalg.norm(other.matrix(kernel), 2)
            for name, other in LAYOUTS.items() if other is not axes}
        others["operator='convolution'"] = lambda kernel: _largest(axes.oihw(kernel), size)
        return _so_with(sigma, axes, others)

    def normalised(W: np.ndarray) -> None:
        near("σ(W/σ(W))", sigma(W / number("σ(W)", sigma(W))), 1.0)

    def outer(W: np.ndarray) -> None:
        u, v, _ = _first(W)
        near("∂σ/∂W", gradient(W) if gradient else None, np.outer(u, v))

    rows = [
        Property("normalises", "σ(W/σ(W)) = 1", w, normalised),
        Property("largest singular value", "σ(W) = σ₁, the largest of NumPy's svd", w,
                 lambda W: near("σ(W)", sigma(W), _first(W)[2][0], hint=hint)),
        Property("homogeneous", "σ(cW) = |c| σ(W)", w | {"c": st.sampled_from([-1.0, 2.0, 1e-3, 1e3])}, homogeneous),
        Property("a dead layer", "σ(0) = 0, not nan", {},
                 lambda: near("σ(0)", sigma(np.zeros((2, 3 * taps))), 0.0, atol=max(atol, 1e-6))),
    ]
    if gradient is not None:
        rows.append(Property("gradient", "∂σ/∂W = u₁v₁ᵀ", w, outer))
    if layer is not None:
        rows += _of_the_state(layer, near, taps)
    return run(title, rows, examples, seed, skip)


def _of_kernels(sigma: Callable, gradient: Callable | None, layer: Callable | None, axes: Layout) -> tuple:
    """The three as functions of the reshaped matrix."""
    class Reshaped:
        def __init__(self, W: np.ndarray):
            assert layer is not None
            self.inner = layer(axes.kernel(W).copy())

        def train(self, W: np.ndarray) -> tuple[Any, Any]:
            value, slope = self.inner.train(axes.kernel(W).copy())
            return value, axes.matrix(np.asarray(to_host(slope)))

        def evaluate(self, W: np.ndarray) -> Any:
            return self.inner.evaluate(axes.kernel(W).copy())

        def state(self) -> Any:
            return self.inner.state()

        def load(self, state: Any) -> None:
            self.inner.load(state)

    def of_matrix(W: np.ndarray) -> Any:
        return sigma(axes.kernel(W).copy())

    def slope(W: np.ndarray) -> np.ndarray:
        assert gradient is not None
        return axes.matrix(np.asarray(to_host(gradient(axes.kernel(W).copy()))))

    return of_matrix, slope if gradient else None, Reshaped if layer else None


def _so_with(of: Callable, axes: Layout, others: Mapping[str, Callable[[np.ndarray], Any]]) -> str:
    """What σ is on all of several kernels, in words: on one, of one input and one output, it may be any of them."""
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((m, 4 * n)) for m, n in ((1, 1), (2, 1), (1, 2), (2, 3), (4, 2))]
    try:
        found = [number("σ", of(W)) for W in weights]
    except Exception:  # a stranger's function may raise anything
        return ""
    for name, other in others.items():
        # What is iterated may not have come to its end where σ₂ is near σ₁
        if np.allclose(found, [other(axes.kernel(W)) for W in weights], 1e-3):
            return f"\n      it is so with {name}"
    return ""


def _largest(kernel: np.ndarray, size: int) -> float:
    """σ₁ of the convolution with wrapped edges: the largest of all that the kernel's transform has at a frequency."""
    of_frequency = np.moveaxis(np.fft.fft2(kernel, (size, size)), (0, 1), (2, 3))
    return float(np.linalg.svd(of_frequency, compute_uv=False).max())


def _of_a_convolution(
    sigma: Callable, axes: Layout, size: int, examples: int, seed: int, near: Callable, skip: Skip,
) -> list[str]:
    def of(W: np.ndarray) -> Any:
        return sigma(axes.kernel(W).copy())

    others = {"operator='kernel', the reshaped matrix of Miyato et al.":
              lambda kernel: np.linalg.norm(axes.matrix(kernel), 2)}

    # Of one sign, or of signs like a chessboard's: σ₁ is then of one frequency alone, 0 or the highest
    def signed(W: np.ndarray, chessboard: bool) -> np.ndarray:
        kernel = np.abs(axes.kernel(W))
        axes.oihw(kernel)[..., [0, 1], [1, 0]] *= -1.0 if chessboard else 1.0  # a view
        return axes.matrix(kernel)

    w = {"W": st.builds(signed, _weights(taps=4), st.booleans())}
    return run([sigma], [
        Property("largest singular value", f"σ₁ of the convolution of {size} × {size} images that wrap around", w,
                 lambda W: near("σ", of(W), _largest(axes.oihw(axes.kernel(W)), size),
                                hint=lambda: _so_with(of, axes, others))),
        Property("homogeneous", "σ(cW) = |c| σ(W)", w | {"c": st.sampled_from([-1.0, 2.0, 1e-3])},
                 lambda W, c: near("σ(cW)", of(c * W), abs(c) * number("σ(W)", of(W)))),
        Property("a dead layer", "σ(0) = 0, not nan", {}, lambda: near("σ(0)", of(np.zeros((2, 8))), 0.0, atol=1e-6)),
    ], examples, seed, skip)


def _of_the_state(layer: Callable[[np.ndarray], PowerIteration], near: Callable, taps: int) -> list[Property]:
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

    w = {"W": _weights(least=2, taps=taps)}
    return [
        Property("state: once a step", "tan∠(u, u₁) ← (σ₂/σ₁)² tan∠(u, u₁) in train, and so for v", w, once),
        Property("state: not in evaluation", "evaluate gives uᵀWv and leaves u, v as they are", w, still),
        Property("state: a constant of the gradient", "∂σ̂/∂W = u vᵀ, u and v after the step", w, constant),
        Property("state: from below", "σ̂ = uᵀWv ≤ σ₁", w, below),
        Property("state: survives a checkpoint", "a loaded state goes on as the saved one would", w, resumed),
    ]
