"""Is a gradient penalty the one it is said to be: at the right points, of each sample's own slope, and felt by w?

With PyTorch, for a penalty(critic, real, fake) that takes x ↦ scores and draws its own ε:

    check_gradient_penalty(value_and_gradient_from_torch(
        lambda w, critic, real, fake: my_penalty(lambda x: critic(w, x), real, fake)), own_draws=True)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from minigan.arrays import to_host
from minigan.registry import choose
from minigan.testing.critics import LINEAR, QUADRATIC, TestCritic, own_scores, rows_of
from minigan.testing.properties import Property, Skip, equal, number, require, run

Trial = tuple[np.ndarray, ...]  # w, real, fake, and eps (n, 1, ...) or delta as real
CALLS = 1000  # of a penalty that draws for itself, compared with 10 times as many of ours
SIGNIFICANCE = 1e-6


def _segment(real: np.ndarray, fake: np.ndarray, eps: np.ndarray) -> np.ndarray:
    return eps * real + (1 - eps) * fake


def _around(real: np.ndarray, fake: np.ndarray, delta: np.ndarray) -> np.ndarray:
    return real + 0.5 * np.sqrt(((real - real.mean(axis=0)) ** 2).mean()) * delta


def _uniform(rng: np.random.Generator, real: np.ndarray) -> np.ndarray:
    return rng.random((len(real), *[1] * (real.ndim - 1)))


def _normal(rng: np.random.Generator, real: np.ndarray) -> np.ndarray:
    return rng.standard_normal(real.shape)


@dataclass(frozen=True)
class Kind:
    """A row: the penalty λ E φ(‖∇f(x̂)‖), φ′, where x̂ lies, and what is drawn for it (None: nothing)."""

    formula: str
    phi: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    points: Callable[..., np.ndarray] = _segment
    draws: Callable[[np.random.Generator, np.ndarray], np.ndarray] | None = _uniform
    smooth: bool = False  # at ∇f = 0


_squared: tuple[Any, Any] = (lambda r: (r - 1) ** 2, lambda r: 2 * (r - 1))
_half_square: tuple[Any, Any] = (lambda r: 0.5 * r**2, lambda r: r)

KINDS = {
    "two-sided": Kind("λ (1/n) Σᵢ (‖∇f(x̂ᵢ)‖ − 1)²", *_squared),
    "one-sided": Kind("λ (1/n) Σᵢ max(0, ‖∇f(x̂ᵢ)‖ − 1)²", lambda r: np.maximum(0, r - 1) ** 2,
                      lambda r: 2 * np.maximum(0, r - 1)),
    "zero-centred": Kind("λ (1/n) Σᵢ ‖∇f(x̂ᵢ)‖²", lambda r: r**2, lambda r: 2 * r, smooth=True),
    "dragan": Kind("λ (1/n) Σᵢ (‖∇f(xᵢ + ½ s δᵢ)‖ − 1)², s the deviation of the batch", *_squared, _around, _normal),
    "r1": Kind("λ (1/n) Σᵢ ½ ‖∇f(xᵢ)‖²", *_half_square, lambda real, fake: real, None, smooth=True),
    "r2": Kind("λ (1/n) Σᵢ ½ ‖∇f(x̃ᵢ)‖²", *_half_square, lambda real, fake: fake, None, smooth=True),
}
REDUCTIONS = {"mean": lambda n: 1.0, "sum": float}
PARTS = ("the value", "∂value/∂w")  # what a penalty answers with


def _trials(square: bool, kind: Kind, shape: tuple[int, ...] | None) -> SearchStrategy[Trial]:
    """(w, real, fake) and eps (n, 1, …), or δ as real: w (d, 1) or (d, d), real and fake (n, …).

    One for each number, the small ones first: a number is drawn and made smaller in no time, arrays are not. On coarse
    grids: a norm is then 0 or well away from it, where √(‖∇f‖² + 1e-12) passes for ‖∇f‖.
    """
    def trial(k: int) -> Trial:
        rng = np.random.default_rng(k)
        n, sample = 1 + k // 2 % 4, shape or (1 + k // 8 % 3,)
        d, steps = int(np.prod(sample)), 2 if k < 24 else 8

        def grid(*size: int) -> np.ndarray:
            return rng.integers(-steps, steps + 1, size) * (2.0 / steps)

        drawn = grid(d, d if square else 1), grid(n, *sample), grid(n, *sample)
        if kind.draws is None:
            return drawn
        return *drawn, grid(n, *sample) if kind.draws is _normal else (grid(n, *[1] * len(sample)) + 2) / 4

    return st.integers(0, 999).map(trial)


def check_gradient_penalty(
    penalty: Callable[..., tuple[Any, Any]], kind: str = "two-sided", *, lam: float = 1.0, reduction: str = "mean",
    whole_loss: bool = False, own_draws: bool = False, sample: tuple[int, ...] | None = None,
    critic: Callable[[np.ndarray], Any] | None = None, d: int = 2,
    examples: int = 100, seed: int = 0, rtol: float = 1e-5, atol: float = 1e-5, skip: Skip = (),
) -> list[str]:
    """λ E (‖∇f(x̂)‖ − 1)², x̂ = εx + (1−ε)x̃, ε one a sample: its value, and its gradient in the critic's parameters.

    penalty: (w, critic, real (n, d), fake (n, d), eps (n, 1)) -> (value, ∂value/∂w), where critic(w, x) is
    the checker's, made of operators that every array library has. Without autodiff, ``critic.gradient(w, x)`` is ∇ₓf
    and ``critic.backward(v, x)`` is ∂/∂w Σ⟨v, ∇ₓf⟩.
    kind: "two-sided", "one-sided", "zero-centred" (on the segments), "dragan" (δ (n, d) ~ N(0, I) for eps), "r1"
    or "r2", whose penalty is called without eps. own_draws: it draws ε or δ itself, is called without it, and judged by
    the distribution of many calls. sample: the shape of one sample, such as (3, 2, 2) of images: the norm is then over
    all of its axes, and eps is (n, 1, 1, 1).
    lam: your λ; a ½ that you have or have not belongs there. reduction: "mean" or "sum" over the samples. whole_loss:
    the value is E f(x̃) − E f(x) + λ penalty, what the critic minimises; a penalty that is never added is found so.
    critic: your own, (n, d) -> (n, 1); a sample's score must not depend on its batch-mates.
    Returns the names of the properties that hold. PropertyError: one does not. TypeError: sample is no shape.

    Source: Gulrajani et al. (2017), eq. 3 and algorithm 1; one-sided: Petzka et al. (2018), eq. 9; zero-centred:
    Thanh-Tung et al. (2019), eq. 8; Kodali et al. (2017), section 2.4; R1, R2: Mescheder et al. (2018), eq. 9, 10.
    """
    row, size = choose(kind, KINDS, "gradient penalty"), choose(reduction, REDUCTIONS, "reduction")
    if sample is not None and not _is_shape(sample):
        raise TypeError(f"sample must be a sample's shape, such as (3, 2, 2) or (4,), not {sample!r}")
    near = partial(equal, rtol=rtol, atol=atol)
    loss = "E f(x̃) − E f(x) + " if whole_loss else ""
    formula = f"{loss}{row.formula}, λ = {lam:g}"

    def evaluated(f: TestCritic, trial: Trial) -> tuple[Any, np.ndarray]:
        given = trial[:3] if own_draws else trial
        value, gradient = penalty(given[0].copy(), f, *[x.copy() for x in given[1:]])
        return value, np.asarray(to_host(gradient), dtype=float).reshape(-1)

    def expected(f: TestCritic, part: int, trial: Trial, of: Kind = row) -> list[Any]:
        """ε at either end: which one takes it is a convention, since it is uniform."""
        w, real, fake, *noise = trial
        ends = [noise, [1 - noise[0]]] if of.draws is _uniform else [noise]
        added = _loss(f, w, real, fake)[part] if whole_loss else 0.0
        return [_penalised(f, of, w, of.points(real, fake, *end))[part] * lam * size(len(real)) + added for end in ends]

    def penalised(w: np.ndarray, real: np.ndarray, fake: np.ndarray, noise: np.ndarray) -> float:
        """The value alone, of the quadratic critic: many are wanted."""
        r = np.linalg.norm(rows_of(QUADRATIC.gradient(w, row.points(real, fake, noise))), axis=1)
        added = _loss(QUADRATIC, w, real, fake)[0] if whole_loss else 0.0
        return float(row.phi(r).mean() * lam * size(len(real)) + added)

    @lru_cache  # for all inputs at once: asked at every counterexample on the way to the smallest
    def convention() -> str:
        return _convention(kind, lam, evaluated, expected, sample)

    @lru_cache
    def cut() -> str:
        return _cut(LINEAR if own_draws else QUADRATIC, row, evaluated, expected, sample, rtol, atol)

    def compare(f: TestCritic, part: int, w_real_fake_eps: Trial) -> None:
        if not row.smooth and _slopes(f, row, w_real_fake_eps).min() < 0.2:
            return  # where ∇f = 0 a norm has no one slope: a row of its own
        found = evaluated(f, w_real_fake_eps)[part]
        ends = expected(f, part, w_real_fake_eps)
        meant = next((x for x in ends if np.size(found) == np.size(x) and np.allclose(found, x, rtol, atol)), ends[0])
        near(PARTS[part], found, meant, hint=lambda: (cut() if part else "") or convention())

    def linear(d: int, slope: float) -> Trial:
        """Of the critic slope · x₁, a batch of two."""
        real = np.ones((2, *(sample or (d,))))
        noise = [] if row.draws is None else [np.full_like(row.draws(np.random.default_rng(0), real), 0.25)]
        return slope * np.eye(real[0].size, 1), real, -real, *noise

    def finite(d: int) -> None:
        gradient = evaluated(LINEAR, linear(d, 0.0))[1]
        require(np.isfinite(gradient).all(), f"at w = 0, where ‖∇f‖ = 0, ∂value/∂w = {gradient}")

    def flat(d: int) -> None:
        zero, *others = (linear(d, slope) for slope in (0.0, 0.5, 2.0))
        found = evaluated(LINEAR, zero)
        right = all(np.allclose(evaluated(LINEAR, trial)[0], expected(LINEAR, 0, trial)[0], rtol, atol)
                    for trial in others)
        if right and np.isfinite(found[1]).all():  # what is wrong elsewhere too has a row of its own, and so has nan
            for part, name in enumerate(PARTS):
                near(f"{name} at w = 0", found[part], expected(LINEAR, part, zero)[0])

    dims = {"d": st.integers(1, 3)}
    rows = [
        Property("finite at the zero critic", "‖∇f‖ has the sub-gradient 0 at 0; nothing is nan", dims, finite),
        Property("the zero critic", f"at w = 0, ‖∇f‖ = 0 and its sub-gradient is taken as 0: {formula}", dims, flat,
                 debatable="any number up to 1 is a slope of the norm at 0, and an ε such as norm(g + 1e-16) or "
                           "√(· + 1e-8) chooses one of them, or a value that is near; a critic is not 0 for long"),
    ]
    for f, what in ((LINEAR, "linear critic"), (QUADRATIC, "quadratic critic")):
        inputs = {"w_real_fake_eps": _trials(f is QUADRATIC, row, sample)}
        of_f = f"{formula}, of the critic {f.formula}"
        if own_draws and f is QUADRATIC and row.draws is not None:
            rows.append(Property("distribution, quadratic critic", f"the law of {of_f}, over many calls", {},
                                 partial(_distributed, row, penalised, evaluated, sample, seed)))
            continue
        rows += [Property(f"value, {what}", of_f, inputs, partial(compare, f, 0)),
                 Property(f"gradient, {what}", f"∂/∂w of {of_f}", inputs, partial(compare, f, 1))]
    if critic is not None:
        # ∇f(x̂ᵢ) is read off the gradient of Σ f(x̂): what mixes the samples breaks the penalty
        rows.append(own_scores(critic, d, "a sample's score is its own",
                               "f(batch)ᵢ = f(xᵢ): no batch norm inside the critic"))
    return run([penalty], rows, examples, seed, skip)


def _is_shape(sample: Any) -> bool:
    return isinstance(sample, tuple | list) and len(sample) > 0 and all(
        isinstance(n, int | np.integer) and n > 0 for n in sample)


def _slopes(f: TestCritic, row: Kind, trial: Trial) -> np.ndarray:
    """‖∇f‖ at every point that the penalty may look at."""
    w, real, fake, *noise = trial
    ends = [noise, [1 - noise[0]]] if row.draws is _uniform else [noise]
    return np.concatenate([np.linalg.norm(rows_of(f.gradient(w, row.points(real, fake, *end))), axis=1)
                        for end in ends])


def _penalised(f: TestCritic, row: Kind, w: np.ndarray, x_hat: np.ndarray) -> tuple[Any, np.ndarray]:
    """E φ(r) with r = ‖∇f(x̂)‖, and its gradient in w: that of Σ⟨v, ∇f⟩ at v = φ′(r) ∇f / (n r), 0 where r = 0."""
    g = rows_of(f.gradient(w, x_hat))
    r = np.linalg.norm(g, axis=1, keepdims=True)
    v = row.slope(r) * g / np.where(r > 0, r, 1.0) / len(g)
    return row.phi(r).mean(), f.backward(v, x_hat).reshape(-1)


def _loss(f: TestCritic, w: np.ndarray, real: np.ndarray, fake: np.ndarray) -> tuple[Any, np.ndarray]:
    """E f(x̃) − E f(x), and its gradient in w (Euler: degree · f = ⟨x, ∇f⟩)."""
    n = len(real) * f.degree
    gradient = (f.backward(fake, fake) - f.backward(real, real)) / n
    return f(w, fake).mean() - f(w, real).mean(), gradient.reshape(-1)


def _example(row: Kind, n: int, sample: tuple[int, ...] | None, seed: int) -> Trial:
    """A trial of the quadratic critic with slopes of about 1."""
    rng, shape = np.random.default_rng(seed), sample or (2,)
    d = int(np.prod(shape))
    real, fake = rng.standard_normal((n, *shape)) + 1, rng.standard_normal((n, *shape)) - 1
    w = rng.standard_normal((d, d)) / d
    return (w, real, fake) if row.draws is None else (w, real, fake, row.draws(rng, real))


def _distributed(row: Kind, value: Callable, evaluated: Callable, sample: Any, seed: int) -> None:
    """Kolmogorov and Smirnov: many values of theirs and of ours are of one law."""
    from scipy.stats import ks_2samp

    assert row.draws is not None
    w, real, fake, _ = _example(row, 4, sample, seed)
    rng = np.random.default_rng(seed)
    theirs = [number("the value", evaluated(QUADRATIC, (w, real, fake))[0]) for _ in range(CALLS)]
    ours = [value(w, real, fake, row.draws(rng, real)) for _ in range(10 * CALLS)]
    result = ks_2samp(theirs, ours)
    require(result.pvalue > SIGNIFICANCE,
            f"{CALLS} calls of one batch: mean {np.mean(theirs):.4g}, deviation {np.std(theirs):.4g}, expected "
            f"{np.mean(ours):.4g} and {np.std(ours):.4g}; sup |F − F′| = {result.statistic:.3g}, "
            f"p = {result.pvalue:.2g}")


def _cut(
    f: TestCritic, row: Kind, evaluated: Callable, expected: Callable, sample: Any, rtol: float, atol: float,
) -> str:
    """What to look for where on batches of one, two and three samples the value is right and the gradient is not."""
    examples = [_example(row, n, sample, n) for n in (1, 2, 3)]
    trials = [(w[:, :1] if f is LINEAR else w, *rest) for w, *rest in examples]
    answers = [evaluated(f, trial) for trial in trials]

    def right(part: int) -> bool:
        return all(any(np.size(found[part]) == np.size(meant) and np.allclose(found[part], meant, rtol, atol)
                       for meant in expected(f, part, trial))
                   for found, trial in zip(answers, trials, strict=True))

    if right(1) or not right(0):
        return ""
    return ("\n      its value is right, and its gradient in the critic's parameters is not: is ∇ₓf cut from the graph "
            "(PyTorch: create_graph=True, and no detach)?")


def _convention(kind: str, lam: float, evaluated: Callable, expected: Callable, sample: Any) -> str:
    """Which argument would make the values the same, on batches of one, two and three samples."""
    row = KINDS[kind]
    trials = [_example(row, n, sample, n) for n in (1, 2, 3)]
    found = np.array([number("the value", evaluated(QUADRATIC, trial)[0]) for trial in trials])
    for name, other in KINDS.items():
        if other is not row and (other.draws is row.draws or other.draws is None) and np.allclose(
                found, [expected(QUADRATIC, 0, trial[: 3 + (other.draws is not None)], other)[0] for trial in trials]):
            return f"\n      it is so with kind={name!r}"
    ratios = found / [expected(QUADRATIC, 0, trial)[0] for trial in trials]
    if np.allclose(ratios, 1.0, rtol=1e-4):
        return ""  # no convention changes what is right
    if np.allclose(ratios, ratios[0], rtol=1e-4):
        halves = " (R1 and R2 have a ½ in their paper, and often none in code)" if kind in ("r1", "r2") else ""
        return f"\n      it is {ratios[0]:.6g} times ours: so with lam={lam * ratios[0]:.6g}{halves}"
    if np.allclose(ratios, ratios[0] * np.array([1, 2, 3]), rtol=1e-4):
        return f"\n      it is so with reduction='sum', lam={lam * ratios[0]:.6g}"
    return ""
