"""What sees the rest of a batch: batch norm and its running statistics, virtual batch norm, minibatch discrimination.

A layer is made once and used again and again, as in a training: what it forgets after its first use is found so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigan.registry import choose
from minigan.testing.properties import Property, Skip, array, equal, require, run

QUARTERS = st.integers(-8, 8).map(lambda k: k / 4)
REFERENCE = np.array([[-1.0, 2.0], [0.5, -1.0], [1.0, 0.0], [2.0, 3.0]])


def check_virtual_batch_norm(
    normalise: Callable[[np.ndarray, np.ndarray], Any] | None = None,
    layer: Callable[[np.ndarray], Callable[[np.ndarray], Any]] | None = None,
    *, examples: int = 100, seed: int = 0, rtol: float = 1e-6, atol: float = 1e-6, skip: Skip = (),
) -> list[str]:
    """(x − μ)/s with μ and s of a fixed reference batch (and x itself): nothing of a sample's batch-mates.

    normalise: (x (n, d), reference (m, d)) -> (n, d), its scale 1 and its shift 0. layer: reference -> (x -> (n, d)),
    for one that keeps its reference, such as a class of yours; it is made once and used several times, and a layer that
    loses its reference at the second use is found so. (A ``normalise`` that makes a new one for each call hides it.)
    Either may be left out.
    Returns the names of the properties that hold. PropertyError: one does not. ValueError: neither is given.

    Source: Salimans et al. (2016), section 3.5.
    """
    if normalise is None and layer is None:
        raise ValueError("give normalise, (x, reference) -> y, or layer, reference -> (x -> y)")
    near = partial(equal, rtol=rtol, atol=atol)
    x = {"x": arrays(float, (3, 2), elements=QUARTERS)}

    def made(reference: np.ndarray) -> Callable[[np.ndarray], Any]:
        """A layer with this reference."""
        assert layer is not None
        return layer(reference.copy())

    def fresh(x: np.ndarray, reference: np.ndarray) -> Any:
        return normalise(x, reference) if normalise is not None else made(reference)(x)

    def independent(x: np.ndarray) -> None:
        alone = [array("one output", fresh(row[None], REFERENCE), (1, 2)) for row in x]
        near("the outputs of the batch", array("the output", fresh(x, REFERENCE), x.shape), np.concatenate(alone))

    def referred(x: np.ndarray) -> None:
        moved = array("the output", fresh(x, REFERENCE + 5.0), x.shape)
        require(not np.allclose(moved, array("the output", fresh(x, REFERENCE), x.shape)),
                "the reference moved by 5, and the output did not")

    def shifted(x: np.ndarray) -> None:
        near("output of (x + 5, reference + 5)", fresh(x + 5, REFERENCE + 5),
             array("the output", fresh(x, REFERENCE), x.shape))

    def again(x: np.ndarray) -> None:
        one = made(REFERENCE)
        uses = [array("the output", one(batch.copy()), batch.shape) for batch in (x, 3.0 * x + 1.0, x[:1], x)]
        near("the output of the fourth use", uses[3], uses[0])
        alone = [array("the output", made(REFERENCE)(batch.copy()), batch.shape)
                 for batch in (3.0 * x + 1.0, x[:1])]
        near("the output of the second use", uses[1], alone[0])
        near("the output of the third use", uses[2], alone[1])

    def apart(x: np.ndarray) -> None:
        one, alone = made(REFERENCE), made(REFERENCE)
        expected = [array("the output", alone(x.copy()), x.shape).copy() for _ in range(2)]
        one(x.copy())
        made(REFERENCE + 5.0)(x.copy())
        near("the output after another layer was made and used", one(x.copy()), expected[1])

    rows = [
        Property("batch-mates do not matter", "the output of xᵢ in a batch = its output alone", x, independent),
        Property("the reference matters", "another reference, another output", x, referred),
        Property("shift", "x and the reference moved together change nothing", x, shifted),
    ]
    if layer is not None:
        rows += [Property("state: used again", "a layer's every use = the first use of a new one", x, again),
                 Property("state: its own", "another layer's reference is not this one's", x, apart)]
    return run([f for f in (normalise, layer) if f is not None], rows, examples, seed, skip)


class BatchNorm(Protocol):
    """Batch norm of d units, its scale 1 and its shift 0, its running statistics at mean 0 and variance 1 at first."""

    def train(self, x: np.ndarray) -> Any:
        """x (n, d) normalised in training, after which the running statistics have moved."""

    def evaluate(self, x: np.ndarray) -> Any:
        """x normalised by the running statistics as they are."""

    def statistics(self) -> tuple[Any, Any]:
        """The running mean and variance, (d,) each."""


RUNNING: dict[str, int] = {"unbiased": 1, "biased": 0}  # the ddof of the running variance


def check_batch_norm(
    make: Callable[[int], BatchNorm], *, rate: float = 0.1, eps: float = 1e-5, running: str = "unbiased",
    examples: int = 40, seed: int = 0, rtol: float = 1e-6, atol: float = 1e-8, skip: Skip = (),
) -> list[str]:
    """(x − μ)/√(σ² + ε): of its own batch in training, of the running statistics in evaluation, which moves nothing.

    make: d -> a ``BatchNorm``, new. rate: the share of a new batch, r′ = (1 − rate) r + rate · batch's (PyTorch's
    ``momentum``; 1 less Keras's). running: the running variance is of 1/(n−1), "unbiased", as PyTorch and the paper
    have it, or of 1/n, "biased", as Keras has it; in training σ² is 1/n Σ (x − μ)².
    Returns the names of the properties that hold. PropertyError: one does not.

    Source: Ioffe & Szegedy (2015), algorithms 1 and 2.
    """
    ddof = choose(running, RUNNING, "running variance")
    near = partial(equal, rtol=rtol, atol=atol)
    x = arrays(float, (4, 2), elements=QUARTERS)
    some = {"batches": st.lists(x, min_size=1, max_size=4)}

    def standard(x: np.ndarray) -> np.ndarray:
        return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)

    def statistics(layer: BatchNorm) -> tuple[np.ndarray, np.ndarray]:
        mean, variance = layer.statistics()
        return array("the running mean", mean, (2,)).copy(), array("the running variance", variance, (2,)).copy()

    def trained(batches: list[np.ndarray]) -> BatchNorm:
        layer = make(2)
        for batch in batches:
            layer.train(batch.copy())
        return layer

    def moved(batches: list[np.ndarray], rate: float, ddof: int) -> tuple[np.ndarray, np.ndarray]:
        mean, variance = np.zeros(2), np.ones(2)
        for batch in batches:
            mean = (1 - rate) * mean + rate * batch.mean(axis=0)
            variance = (1 - rate) * variance + rate * batch.var(axis=0, ddof=ddof)
        return mean, variance

    def convention(batches: list[np.ndarray], found: tuple) -> str:
        for name, change in ((f"rate={1 - rate:g}", (1 - rate, ddof)), ("running='biased'", (rate, 0)),
                             ("running='unbiased'", (rate, 1)),
                             (f"rate={1 - rate:g}, running='biased'", (1 - rate, 0))):
            if all(np.allclose(a, b, rtol, atol) for a, b in zip(found, moved(batches, *change), strict=True)):
                return f"\n      it is so with {name}"
        return ""

    def in_training(batches: list[np.ndarray]) -> None:
        layer = make(2)
        for k, batch in enumerate(batches):
            near(f"the output of batch {k + 1} in training", layer.train(batch.copy()), standard(batch))

    def runs(batches: list[np.ndarray]) -> None:
        found = statistics(trained(batches))
        for name, value, expected in zip(("mean", "variance"), found, moved(batches, rate, ddof), strict=True):
            near(f"the running {name} after {len(batches)} batches", value, expected,
                 hint=lambda: convention(batches, found))

    def in_evaluation(batches: list[np.ndarray]) -> None:
        layer = trained(batches)
        mean, variance = statistics(layer)
        for batch in (batches[-1], batches[-1][:1]):
            near("the output in evaluation", layer.evaluate(batch.copy()), (batch - mean) / np.sqrt(variance + eps))

    def still(batches: list[np.ndarray]) -> None:
        layer = trained(batches)
        before = statistics(layer)
        layer.evaluate(3.0 * batches[0] + 1.0)
        for name, old, new in zip(("mean", "variance"), before, statistics(layer), strict=True):
            near(f"the running {name} after an evaluation", new, old)

    def apart(batches: list[np.ndarray]) -> None:
        layer = trained(batches)
        before = statistics(layer)
        trained([batch + 5.0 for batch in batches])
        for name, old, new in zip(("mean", "variance"), before, statistics(layer), strict=True):
            near(f"the running {name} after another layer's training", new, old)

    return run([make], [
        Property("training: of its own batch", f"(x − μ)/√(σ² + ε), σ² = 1/n Σ (x − μ)², ε = {eps:g}, at every use",
                 some, in_training),
        Property("running statistics", f"r′ = (1 − {rate:g}) r + {rate:g} · the batch's, the variance {running}",
                 some, runs),
        Property("evaluation: of the running statistics", "(x − mean)/√(variance + ε), of a single sample too", some,
                 in_evaluation),
        Property("evaluation: moves nothing", "the running statistics are as before", some, still),
        Property("state: its own", "another layer's statistics are not this one's", some, apart),
    ], examples, seed, skip)


def check_minibatch_discrimination(
    features: Callable[[np.ndarray], Any], *, includes_self: bool = False, reduction: str = "sum",
    examples: int = 60, seed: int = 0, rtol: float = 1e-6, atol: float = 1e-9, skip: Skip = (),
) -> list[str]:
    """oᵦ(xᵢ) = Σⱼ exp(−‖Mᵢᵦ − Mⱼᵦ‖₁) over the other samples of the batch.

    features: M (n, B, C), C numbers of each of B kernels -> (n, B). includes_self: j = i is counted, which adds 1 (the
    paper's sum over all j; its code leaves it out). reduction: "sum", or "mean" over those that are counted.
    Returns the names of the properties that hold. PropertyError: one does not.

    Source: Salimans et al. (2016), section 3.2.
    """
    choose(reduction, {"sum": 0, "mean": 0}, "reduction")
    near = partial(equal, rtol=rtol, atol=atol)
    M = {"M": st.tuples(st.integers(2, 3), st.integers(1, 3), st.integers(1, 3)).flatmap(
        lambda shape: arrays(float, shape, elements=QUARTERS))}

    def expected(M: np.ndarray, includes_self: bool = includes_self, reduction: str = reduction) -> np.ndarray:
        o = np.exp(-np.abs(M[:, None] - M[None]).sum(axis=-1)).sum(axis=1) - (not includes_self)
        return o / (len(M) - (not includes_self)) if reduction == "mean" else o

    def convention(M: np.ndarray) -> str:
        found = array("o", features(M.copy()), M.shape[:2])
        for itself in (False, True):
            for reduced in ("sum", "mean"):
                if np.allclose(found, expected(M, itself, reduced), rtol, atol):
                    return f"\n      it is so with includes_self={itself}, reduction={reduced!r}"
        return ""

    def value(M: np.ndarray) -> None:
        near("o", features(M.copy()), expected(M), hint=lambda: convention(M))

    def reordered(M: np.ndarray) -> None:
        near("o of the batch the other way round", features(M[::-1].copy()), array("o", features(M), M.shape[:2])[::-1])

    def alike(n: int) -> None:
        near(f"o of {n} equal samples", features(np.ones((n, 2, 3))), expected(np.ones((n, 2, 3))))

    def far(n: int) -> None:
        apart = 1e3 * np.arange(n)[:, None, None] * np.ones((n, 2, 3))
        near(f"o of {n} samples that are far apart", features(apart), expected(apart))

    sizes = {"n": st.integers(2, 4)}
    return run([features], [
        Property("value", "oᵦ(xᵢ) = Σⱼ exp(−‖Mᵢᵦ − Mⱼᵦ‖₁), each kernel by itself", M, value),
        Property("order", "the features follow their samples", M, reordered),
        Property("equal samples", "n − 1 of n (n with the sample itself)", sizes, alike),
        Property("samples far apart", "0 (1 with the sample itself)", sizes, far),
    ], examples, seed, skip)
