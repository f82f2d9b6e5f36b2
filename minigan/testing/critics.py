"""Is a critic kept Lipschitz as it is said to be: gradient penalties, constants, batches that do not mix?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis import target
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import DrawFn

from minigan.arrays import to_host
from minigan.registry import choose
from minigan.testing.properties import Property, array, equal, require, run, show


@dataclass(frozen=True)
class TestCritic:
    """A row: a critic f(w, x) with f homogeneous in x, ⟨x, ∇ₓf⟩ = degree · f, its gradient, and that one's in w.

    Called with anybody's arrays it keeps to operators and methods that all libraries share (``@``, ``*``,
    ``.sum(-1)``, ``.reshape``): NumPy's, PyTorch's, JAX's, and tensors that record.
    """

    __test__ = False  # the name is for people; pytest shall not collect it

    formula: str
    degree: int
    score: Callable[[Any, Any], Any]  # (w, x (batch, d)) -> (batch, 1)
    gradient: Callable[[np.ndarray, np.ndarray], np.ndarray]  # (w, x) -> ∇ₓf, (batch, d)
    backward: Callable[[np.ndarray, np.ndarray], np.ndarray]  # (v, x) -> ∂/∂w Σ_b ⟨v_b, ∇ₓf(x_b)⟩, as w

    def __call__(self, w: Any, x: Any) -> Any:
        return self.score(w, x)


def _symmetric(a: np.ndarray) -> np.ndarray:
    return 0.5 * (a + a.T)


LINEAR = TestCritic(
    "f(x) = ⟨w, x⟩, w (d, 1)", 1, lambda w, x: x @ w,
    lambda w, x: np.broadcast_to(w[:, 0], x.shape), lambda v, x: v.sum(axis=0)[:, None])
QUADRATIC = TestCritic(  # its slope differs from sample to sample, and mixes the coordinates
    "f(x) = ½ ⟨x, w x⟩, w (d, d)", 2, lambda w, x: ((x @ w) * x).sum(-1).reshape((-1, 1)) * 0.5,
    lambda w, x: x @ _symmetric(w), lambda v, x: _symmetric(v.T @ x))


@dataclass(frozen=True)
class Kind:
    """A row: the penalty λ E φ(‖∇f(x̂)‖), and φ′."""

    formula: str
    phi: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]


KINDS = {
    "two-sided": Kind("λ (1/n) Σᵢ (‖∇f(x̂ᵢ)‖ − 1)²", lambda r: (r - 1) ** 2, lambda r: 2 * (r - 1)),
    "one-sided": Kind("λ (1/n) Σᵢ max(0, ‖∇f(x̂ᵢ)‖ − 1)²", lambda r: np.maximum(0, r - 1) ** 2,
                      lambda r: 2 * np.maximum(0, r - 1)),
}


PARTS = ("the value", "∂value/∂w")  # what a penalty answers with


@st.composite
def _trials(draw: DrawFn, square: bool) -> tuple[np.ndarray, ...]:
    """(w, real, fake, eps): w (d, 1) or (d, d), real and fake (batch, d), eps (batch, 1).

    On coarse grids: a norm is then 0 or well away from it, where √(‖∇f‖² + 1e-12) passes for ‖∇f‖.
    """
    n, d = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    quarters, eighths = (st.integers(-8, 8).map(lambda k: k / 4), st.integers(0, 8).map(lambda k: k / 8))
    shapes = [(d, d if square else 1), (n, d), (n, d)]
    drawn = [draw(arrays(float, shape, elements=quarters)) for shape in shapes]
    return *drawn, draw(arrays(float, (n, 1), elements=eighths))


def check_gradient_penalty(
    penalty: Callable[..., tuple[Any, Any]], kind: str = "two-sided", *, lam: float = 1.0, whole_loss: bool = False,
    critic: Callable[[np.ndarray], Any] | None = None, d: int = 2,
    examples: int = 100, seed: int = 0, rtol: float = 1e-5, atol: float = 1e-5,
) -> list[str]:
    """λ E (‖∇f(x̂)‖ − 1)², x̂ = εx + (1−ε)x̃, ε one a sample: its value, and its gradient in the critic's parameters.

    penalty: (w, critic, real (n, d), fake (n, d), eps (n, 1)) -> (value, ∂value/∂w), where critic(w, x) is
    the checker's, made of operators that every array library has. With PyTorch, for a penalty(critic, ...)
    that takes x ↦ scores:

        check_gradient_penalty(value_and_gradient_from_torch(
            lambda w, critic, real, fake, eps: my_penalty(lambda x: critic(w, x), real, fake, eps)))

    Without autodiff, ``critic.gradient(w, x)`` is ∇ₓf and ``critic.backward(v, x)`` is ∂/∂w Σ⟨v, ∇ₓf⟩.
    kind: "two-sided" or "one-sided". lam: your λ. whole_loss: the value is E f(x̃) − E f(x) + λ penalty,
    what the critic minimises; a penalty that is computed and never added is found so.
    critic: your own, (n, d) -> (n, 1); a sample's score must not depend on its batch-mates.
    Returns the names of the properties that were checked. PropertyError: one does not hold.

    Source: Gulrajani et al. (2017), eq. 3 and algorithm 1; one-sided: Petzka et al. (2018), eq. 9.
    """
    row = choose(kind, KINDS, "gradient penalty")
    near = partial(equal, rtol=rtol, atol=atol)
    loss = "E f(x̃) − E f(x) + " if whole_loss else ""
    formula = f"{loss}{row.formula}, λ = {lam:g}"

    def evaluated(f: TestCritic, trial: tuple) -> tuple[Any, np.ndarray]:
        value, gradient = penalty(trial[0].copy(), f, *[x.copy() for x in trial[1:]])
        return value, np.asarray(to_host(gradient), dtype=float).reshape(-1)

    def compare(f: TestCritic, part: int, w_real_fake_eps: tuple) -> None:
        w, real, fake, eps = w_real_fake_eps
        found = evaluated(f, w_real_fake_eps)[part]
        added = _loss(f, w, real, fake)[part] if whole_loss else 0.0
        # Which end takes ε is a convention, since ε is uniform: the nearer of the two is meant
        of_real, of_fake = (
            _penalised(f, row, w, e * real + (1 - e) * fake)[part] * lam + added for e in (eps, 1 - eps)
        )
        swapped = np.size(found) == np.size(of_fake) and np.allclose(found, of_fake, rtol, atol)
        near(PARTS[part], found, of_fake if swapped else of_real)

    def finite(d: int) -> None:
        zeros = np.zeros((d, 1))
        gradient = evaluated(LINEAR, (zeros, np.ones((2, d)), -np.ones((2, d)), np.full((2, 1), 0.25)))[1]
        require(np.isfinite(gradient).all(), f"at w = 0, where ‖∇f‖ = 0, ∂value/∂w = {gradient}")

    rows = [Property("finite at the zero critic", "‖∇f‖ has the sub-gradient 0 at 0; nothing is nan",
                     {"d": st.integers(1, 3)}, finite)]
    for f, what in ((LINEAR, "linear critic"), (QUADRATIC, "quadratic critic")):
        inputs, of_f = {"w_real_fake_eps": _trials(square=f is QUADRATIC)}, f"{formula}, of the critic {f.formula}"
        rows += [Property(f"value, {what}", of_f, inputs, partial(compare, f, 0)),
                 Property(f"gradient, {what}", f"∂/∂w of {of_f}", inputs, partial(compare, f, 1))]
    if critic is not None:
        # ∇f(x̂ᵢ) is read off the gradient of Σ f(x̂): what mixes the samples breaks the penalty
        rows.append(_own_scores(critic, d, "a sample's score is its own",
                                "f(batch)ᵢ = f(xᵢ): no batch norm inside the critic"))
    return run([penalty], rows, examples, seed)


def _penalised(f: TestCritic, row: Kind, w: np.ndarray, x_hat: np.ndarray) -> tuple[Any, np.ndarray]:
    """E φ(r) with r = ‖∇f(x̂)‖, and its gradient in w: that of Σ⟨v, ∇f⟩ at v = φ′(r) ∇f / (n r), 0 where r = 0."""
    g = f.gradient(w, x_hat)
    r = np.linalg.norm(g, axis=1, keepdims=True)
    v = row.slope(r) * g / np.where(r > 0, r, 1.0) / len(g)
    return row.phi(r).mean(), f.backward(v, x_hat).reshape(-1)


def _loss(f: TestCritic, w: np.ndarray, real: np.ndarray, fake: np.ndarray) -> tuple[Any, np.ndarray]:
    """E f(x̃) − E f(x), and its gradient in w (Euler: degree · f = ⟨x, ∇f⟩)."""
    n = len(real) * f.degree
    gradient = (f.backward(fake, fake) - f.backward(real, real)) / n
    return f(w, fake).mean() - f(w, real).mean(), gradient.reshape(-1)


def _own_scores(critic: Callable[[np.ndarray], Any], d: int, name: str, formula: str) -> Property:
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
) -> list[str]:
    """|f(x) − f(y)| ≤ K ‖x − y‖ for x, y in [−radius, radius]ᵈ: is K, or the bound that certifies it, a bound?

    f: (n, d) -> (n, 1) or (n,); K: the constant claimed, such as the product of the layers' spectral norms
    (which a few power iterations give from below, so that they certify nothing).
    Hypothesis climbs towards steep pairs, and each point is also tried along its own numerical gradient.
    No search proves a bound; this one finds most that are none.
    Returns the names of the properties that were checked. PropertyError: one does not hold.

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
        _own_scores(f, d, "a point's value is its own", "f(batch)ᵢ = f(xᵢ)"),
        Property("far pairs", formula, {"x": points, "y": points}, steep),
        Property("near pairs", formula, {"x": points, "step": points},
                 lambda x, step: steep(x, inside(x + 1e-3 * step))),
        Property("along the gradient", formula, {"x": points}, uphill),
    ]
    return run([f], rows, examples, seed)
