"""The floor: the bare matrix products of an iteration, outputs preallocated, operands warm, nothing else.

No program on this BLAS that computes these gradients by these products can be faster. For the layers
aₗ = hₗ₋₁Wₗ + bₗ of a critic on n rows, with da the cotangents (docs/penalty-by-hand.md has the penalty's):

    forward    hₗ₋₁ Wₗ             backward   daₗ Wₗᵀ         weights    hₗ₋₁ᵀ daₗ

A small product is done by ``np.dot``, which has less overhead than ``np.matmul``, and a larger one by the latter.
Sums of columns (the biases' gradients) and means are not counted.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from tests.benchmarks.problem import Problem

Product = tuple[int, int, int, str]  # (m, k, n) of (m, k) @ (k, n), and which operand is seen transposed


def products(problem: Problem) -> list[Product]:
    """The matrix products of one iteration."""
    return problem.critic_steps * _critic_step(problem) + _generator_step(problem)


def _critic_step(problem: Problem) -> list[Product]:
    n, layers = problem.batch, list(pairwise(problem.critic_sizes))
    hidden = layers[:-1]
    fake = _forward(n, list(pairwise(problem.generator_sizes)))
    real_and_fake = _forward(2 * n, _read(problem)) + _backward(2 * n, layers[1:]) + _weights(2 * n, layers)
    if problem.recipe == "gan":
        return fake + real_and_fake
    # The penalty: its forward and backward sweep to the input, the tangents, the weights' gradients.
    penalty = _forward(n, hidden) + _backward(n, layers) + _forward(n, hidden) + _weights(n, hidden)
    if problem.activation != "relu":  # phi'' is not 0: the adjoint of the forward sweep, and its weights' gradients
        penalty += _backward(n, hidden[1:]) + _weights(n, hidden)
    return fake + real_and_fake + penalty


def _generator_step(problem: Problem) -> list[Product]:
    n, generator = problem.batch, list(pairwise(problem.generator_sizes))
    critic = list(pairwise(problem.critic_sizes))
    return (_forward(n, generator) + _forward(n, _read(problem)) + _backward(n, critic)
            + _backward(n, generator[1:]) + _weights(n, generator))


def _read(problem: Problem) -> list[tuple[int, int]]:
    """The critic's layers whose output the gradients depend on: the scores are the last's."""
    layers = list(pairwise(problem.critic_sizes))
    return layers if problem.recipe == "gan" else layers[:-1]


def _forward(n: int, layers: list[tuple[int, int]]) -> list[Product]:
    return [(n, i, o, "") for i, o in layers]


def _backward(n: int, layers: list[tuple[int, int]]) -> list[Product]:
    return [(n, o, i, "right") for i, o in reversed(layers)]


def _weights(n: int, layers: list[tuple[int, int]]) -> list[Product]:
    return [(i, n, o, "left") for i, o in layers]


def multiplications(problem: Problem) -> int:
    """Σ m k n over the products."""
    return sum(m * k * n for m, k, n, _ in products(problem))


class Contender:
    name = "matrix products alone"

    def __init__(self, problem: Problem):
        rng = np.random.default_rng(0)
        arrays: dict[tuple, np.ndarray] = {}

        def array(role: str, *shape: int) -> np.ndarray:  # one for each shape and role: the warmest caches
            return arrays.setdefault((role, shape), rng.standard_normal(shape).astype(problem.dtype))

        self.calls = []
        for m, k, n, transposed in products(problem):
            a = array("left", k, m).T if transposed == "left" else array("left", m, k)
            b = array("right", n, k).T if transposed == "right" else array("right", k, n)
            self.calls.append((np.dot if k == 1 or m * n <= 8192 else np.matmul, a, b, array("out", m, n)))

    def iterate(self, n: int) -> None:
        for _ in range(n):
            for product, a, b, out in self.calls:
                product(a, b, out)

    def describe(self) -> str:
        return f"NumPy {np.__version__}, {len(self.calls)} products an iteration"
