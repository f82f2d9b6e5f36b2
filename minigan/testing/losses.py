"""Is a loss the one it is said to be: its values, its signs, its slopes, and where D is all but sure?

A loss is a sum of means over the batch of one term for each score. The expected terms are written with
SciPy's log_expit, log D = log σ(s): no probability is formed, so they are exact at every logit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil, floor
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import SearchStrategy
from scipy.special import expit, log_expit

from minigan.registry import choose
from minigan.testing.properties import Property, Skip, array, equal, number, require, run
from minigan.testing.strategies import point_clouds

Terms = Callable[[np.ndarray], np.ndarray]  # of each score


@dataclass(frozen=True)
class Kind:
    """A row: L_critic = E real(s) + E fake(s̃), L_generator = E generator(s̃), each term with its derivative."""

    formula: str
    generator_formula: str
    real: tuple[Terms, Terms]
    fake: tuple[Terms, Terms]
    generator: tuple[Terms, Terms]
    span: tuple[float, float] = (-5.0, 5.0)  # where the signs below hold strictly
    direction: int = 1  # of an energy, −1: low for real data

    def smoothed(self, alpha: float) -> Kind:
        """The real label is 1 − α; the fake one stays 0."""
        def weighted(real: Terms, fake: Terms) -> Terms:
            return lambda s: (1 - alpha) * real(s) + alpha * fake(s)

        term, slope = map(weighted, self.real, self.fake)
        formula = f"{self.formula}, its first term with the label 1 − α: (1−α) log D + α log(1−D), α = {alpha:g}"
        return Kind(formula, self.generator_formula, (term, slope), self.fake, self.generator, (-0.9, 0.9))


_minus_log_d: tuple[Terms, Terms] = (lambda s: -log_expit(s), lambda s: -expit(-s))
_minus_log_1_d: tuple[Terms, Terms] = (lambda s: -log_expit(-s), lambda s: expit(s))
_negative: tuple[Terms, Terms] = (lambda s: -s, lambda s: -np.ones_like(s))
_identity: tuple[Terms, Terms] = (lambda s: s, lambda s: np.ones_like(s))
_D = "−E log D(x) − E log(1 − D(x̃)), D = σ(s)"

KINDS = {
    "minimax": Kind(_D, "E log(1 − D(x̃))", _minus_log_d, _minus_log_1_d,
                    (lambda s: log_expit(-s), lambda s: -expit(s))),
    "non-saturating": Kind(_D, "−E log D(x̃)", _minus_log_d, _minus_log_1_d, _minus_log_d),
    "wasserstein": Kind("E f(x̃) − E f(x)", "−E f(x̃)", _negative, _identity, _negative),
    "hinge": Kind(
        "E max(0, 1 − f(x)) + E max(0, 1 + f(x̃))", "−E f(x̃)",
        (lambda s: np.maximum(0, 1 - s), lambda s: -1.0 * (s < 1)),
        (lambda s: np.maximum(0, 1 + s), lambda s: 1.0 * (s > -1)), _negative, span=(-0.9, 0.9)),
    "least-squares": Kind(
        "½ E (D(x) − 1)² + ½ E D(x̃)², D = s", "½ E (D(x̃) − 1)²",
        (lambda s: 0.5 * (s - 1) ** 2, lambda s: s - 1), (lambda s: 0.5 * s**2, lambda s: s),
        (lambda s: 0.5 * (s - 1) ** 2, lambda s: s - 1), span=(0.1, 0.9)),
    "energy": Kind(  # EBGAN; the margin is each sample's own, inside the mean
        "E D(x) + E max(0, 1 − D(x̃)), D = s an energy, margin 1", "E D(x̃)", _identity,
        (lambda s: np.maximum(0, 1 - s), lambda s: -1.0 * (s < 1)), _identity, span=(-0.9, 0.9), direction=-1),
}


def _scores(elements: SearchStrategy, n: int, dtype: Any = float) -> SearchStrategy[np.ndarray]:
    """(n, 1)."""
    return arrays(dtype, (n, 1), elements=elements)


def _batches(elements: SearchStrategy, count: int) -> SearchStrategy[tuple[np.ndarray, ...]]:
    """``count`` arrays (n, 1) of one n, 1 … 4."""
    return st.integers(1, 4).flatmap(lambda n: st.tuples(*[_scores(elements, n)] * count))


def check_loss(
    critic_loss: Callable[[np.ndarray, np.ndarray], Any], generator_loss: Callable[[np.ndarray], Any],
    kind: str | None = None, *, critic_gradient: Callable[[np.ndarray, np.ndarray], Any] | None = None,
    generator_gradient: Callable[[np.ndarray], Any] | None = None, smoothing: float = 0.0,
    examples: int = 100, seed: int = 0, rtol: float = 1e-6, atol: float = 1e-9, skip: Skip = (),
) -> list[str]:
    """What each player minimises, on raw scores s = f(x) and s̃ = f(G(z)), of shape (batch, 1).

    critic_loss: (s, s̃) -> a number; generator_loss: s̃ -> a number; batches of equal size, means over them.
    kind: a name in ``KINDS`` ("minimax", "non-saturating", "wasserstein", "hinge", "least-squares",
    "energy"), whose values are compared, at |s| up to 300 too; None: the signs, and the gradients against
    finite differences of your own losses. critic_gradient: (s, s̃) -> (∂L/∂s, ∂L/∂s̃);
    generator_gradient: s̃ -> ∂L/∂s̃. smoothing: α of the one-sided label 1 − α (logistic losses).
    A loss that answers with an array must keep float32 in float32.
    Returns the names of the properties that were checked. PropertyError: one does not hold.

    >>> check_loss(lambda s, t: t.mean() - s.mean(), lambda t: -t.mean(), "wasserstein")[:2]
    ['real scores up', 'fake scores up']

    Source: Goodfellow et al. (2014), eq. 1; Arjovsky et al. (2017), eq. 3; Lim & Ye (2017), eq. 12, 13;
    Mao et al. (2017), eq. 9; Zhao et al. (2017), eq. 1, 2; Salimans et al. (2016), section 3.4.
    """
    row = None if kind is None else choose(kind, KINDS, "loss")
    if smoothing:
        if row is None or row.real is not _minus_log_d:
            raise ValueError(f"label smoothing is of a logistic loss, not of kind {kind!r}")
        row = row.smoothed(smoothing)
    signs = _signs(critic_loss, generator_loss, row.direction if row else 1, row.span if row else (0.1, 0.9))
    rows = signs + [_keeps_float32(critic_loss, generator_loss)]
    near = partial(equal, rtol=rtol, atol=atol)
    if row:
        rows += _values(critic_loss, generator_loss, row, near)
    if critic_gradient is not None:
        terms = [row.real, row.fake] if row else None
        rows.append(_gradient("critic's gradient", critic_loss, critic_gradient, 2, terms, near))
    if generator_gradient is not None:
        terms = [row.generator] if row else None
        rows.append(_gradient(
            "generator's gradient", generator_loss, lambda t: (generator_gradient(t),), 1, terms, near))
    return run([critic_loss, generator_loss], rows, examples, seed, skip)


def _signs(critic: Callable, generator: Callable, direction: int, span: tuple[float, float]) -> list[Property]:
    """Does each loss fall, strictly, when it should? A constant loss moves nobody."""
    low, high = span
    elements = st.integers(ceil(16 * low), floor(16 * high) - 1).map(lambda k: k / 16)
    two = {"real_fake": st.tuples(*[_scores(elements, 2)] * 2)}
    step = 1 / 32 * direction

    def falls(what: str, before: Any, after: Any) -> None:
        first, then = number(what, before), number(what, after)
        require(then < first, f"{what} goes from {first:.10g} to {then:.10g}")

    def real(real_fake: tuple) -> None:
        s, t = real_fake
        falls("the critic's loss", critic(s, t), critic(s + step, t))

    def fake(real_fake: tuple) -> None:
        s, t = real_fake
        falls("the critic's loss, the step reversed,", critic(s, t + step), critic(s, t))

    def fool(fake: np.ndarray) -> None:
        falls("the generator's loss", generator(fake), generator(fake + step))

    words = ("scores", "up", "raised by 1/32") if direction > 0 else ("energies", "down", "lowered by 1/32")
    scores, up, raised = words
    return [
        Property(f"real {scores} {up}", f"the critic's loss falls when real {scores} are {raised}", two, real),
        Property(f"fake {scores} {up}", f"the critic's loss rises when fake {scores} are {raised}", two, fake),
        Property("the generator moves", f"the generator's loss falls when fake {scores} are {raised}",
                 {"fake": _scores(elements, 2)}, fool),
    ]


def _values(critic: Callable, generator: Callable, row: Kind, near: Callable) -> list[Property]:
    def of_critic(real_fake: tuple) -> None:
        s, t = real_fake
        near("the critic's loss", critic(s, t), row.real[0](s).mean() + row.fake[0](t).mean())

    def of_generator(fake: np.ndarray) -> None:
        near("the generator's loss", generator(fake), row.generator[0](fake).mean())

    # Beyond |s| = 9.2 D is within 1e-4 of 0 or 1, beyond 37 it rounds to it, beyond 89 float32's e^s overflows
    sure = st.one_of(st.sampled_from([-300.0, -9.21, 9.21, 300.0]), st.floats(-300, 300))
    rows = []
    for where, elements in (("", st.floats(-3, 3)), (" where D is sure", sure)):
        pair = _batches(elements, 2)
        rows += [
            Property(f"critic's value{where}", f"L_critic = {row.formula}", {"real_fake": pair}, of_critic),
            Property(f"generator's value{where}", f"L_generator = {row.generator_formula}",
                     {"fake": _batches(elements, 1).map(lambda scores: scores[0])}, of_generator),
        ]
    return rows


def _keeps_float32(critic: Callable, generator: Callable) -> Property:
    """A NumPy float64 scalar, unlike a Python float, promotes float32: twice the memory and half the speed."""
    def holds(real_fake: tuple) -> None:
        s, t = real_fake
        for who, loss in (("critic's", critic(s, t)), ("generator's", generator(t))):
            dtype = str(getattr(loss, "dtype", "float32")).removeprefix("torch.")
            require(dtype == "float32", f"the {who} loss of float32 scores is {dtype}")

    scores = _scores(st.floats(-3, 3, width=32), 2, "float32")
    return Property("float32 stays float32", "the loss of float32 scores is float32",
                    {"real_fake": st.tuples(scores, scores)}, holds)


def _gradient(
    name: str, loss: Callable, gradient: Callable, count: int, terms: Any, near: Callable,
) -> Property:
    """∂L/∂sᵢ = term′(sᵢ)/n of a known loss, at every score; of another, central differences of the loss itself."""
    # Never a whole number, where a hinge has its kink: 0.125, -0.125, 0.375, ...
    wide = st.integers(-1200, 1199).map(lambda k: k / 4 + 0.125)
    elements = wide if terms else st.floats(0.1, 0.9)

    def holds(scores: tuple) -> None:
        found = gradient(*scores)
        require(len(found) == count, f"{len(found)} gradients, not {count}")
        for k, (s, g) in enumerate(zip(scores, found, strict=True)):
            if terms:
                near("∂L/∂s", array("∂L/∂s", g, s.shape), terms[k][1](s) / len(s), atol=1e-15)
            else:
                near("∂L/∂s", array("∂L/∂s", g, s.shape), _differences(loss, scores, k), rtol=1e-5, atol=1e-7)

    return Property(name, "∂L/∂sᵢ = (1/n) d term/ds at sᵢ" if terms else "the central difference of the loss",
                    {"scores": _batches(elements, count)}, holds)


def _differences(loss: Callable, scores: tuple, k: int, h: float = 1e-5) -> np.ndarray:
    """∂L/∂s of the k-th argument, by central differences: error O(h²) + O(ulp/h)."""
    def moved(i: int, step: float) -> float:
        other = [s.copy() for s in scores]
        other[k].flat[i] += step
        return number("the loss", loss(*other))

    return np.reshape([(moved(i, h) - moved(i, -h)) / (2 * h) for i in range(scores[k].size)], scores[k].shape)


def check_pull_away(
    pull_away: Callable[[np.ndarray], Any], *, examples: int = 100, seed: int = 0, rtol: float = 1e-6,
    atol: float = 1e-9, skip: Skip = (),
) -> list[str]:
    """PT(S) = 1/(N(N−1)) Σ_{i≠j} (⟨Sᵢ, Sⱼ⟩ / ‖Sᵢ‖‖Sⱼ‖)²: EBGAN's term against a collapsed batch.

    pull_away: S (N, d), N ≥ 2, rows not 0 -> a number in [0, 1].
    Returns the names of the properties that were checked. PropertyError: one does not hold.

    Source: Zhao et al. (2017), eq. 4.
    """
    near = partial(equal, rtol=rtol, atol=atol)
    formula = "PT(S) = 1/(N(N−1)) Σ_{i≠j} cos²(Sᵢ, Sⱼ)"
    clouds = point_clouds(3, 2).map(lambda x: x + (np.abs(x).sum(1, keepdims=True) < 1e-3))  # no row is 0

    def value(S: np.ndarray) -> None:
        unit = S / np.linalg.norm(S, axis=1, keepdims=True)
        cosines = unit @ unit.T
        n = len(S)
        near("PT(S)", pull_away(S), ((cosines**2).sum() - n) / (n * (n - 1)))

    def opposite(v: np.ndarray) -> None:
        near("PT(v, −v)", pull_away(np.stack([v, -v])), 1.0)

    return run([pull_away], [
        Property("orthogonal rows", "PT = 0", {}, lambda: near("PT(identity)", pull_away(np.eye(3)), 0.0)),
        Property("equal rows", "PT = 1", {}, lambda: near("PT(ones)", pull_away(np.ones((4, 2))), 1.0)),
        Property("opposite rows", "PT = 1: the cosine is squared", {"v": clouds.map(lambda x: x[0])}, opposite),
        Property("value", formula, {"S": clouds}, value),
    ], examples, seed, skip)
