"""Each primitive at work: inputs, what NumPy says it is, and how far rounding may take a device from that.

    |ŷ − y| ≤ ε max|y| · (c (1 + k) + 2√n),    k = 0 for the value, 1 and 2 for the derivatives

in the dtype's ε. Where c comes from: a vendor's float32 function may be off by several ulp (CUDA: 2, power 4;
OpenCL: 5, power 16), one ulp is at most ε|y|, and a derivative makes one more of them and a few exact products. Where
2√n = 4√n u comes from: a sum of n numbers strays by √n u/3 (one standard deviation, all of one sign, one after
another), so this is twelve of them; every sum here is of numbers of one sign, or nearly. c = 0, n = 1: the bits.

Source: Higham & Mary (2019), A new approach to probabilistic rounding error analysis; CUDA C++ Programming Guide,
mathematical functions; The OpenCL C Specification, relative error as ulps.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, reduce
from math import inf, isnan, sqrt
from typing import Any

import numpy as np

from minigan import arrays
from minigan.autodiff import PRIMITIVES, Tensor, check, eager, grad, record

SMALL, LARGE = (3, 4, 5), (257, 300, 129)  # (m, n, k): odd, and past the block of any kernel
Outputs = dict[tuple[int, int], Any]  # by (order, which): values y, then ∇⟨u, y⟩, then ∇⟨v, ∇⟨u, y⟩⟩
ORDERS = ("value", "1st derivative", "2nd derivative")


@dataclass(frozen=True)
class Row:
    """A primitive, its inputs and static arguments, and ``value``, NumPy's way to the same number.

    forward, backward: the most numbers summed up for an entry of the value and of a derivative. by_numbers: compare
    the derivatives with numerical ones, which wants a small row, away from its kinks. ordered: it adds up in an order
    that does not change from one call to the next.
    """

    name: str
    inputs: tuple[np.ndarray, ...]
    value: Callable[..., Any]
    static: dict[str, Any] = field(default_factory=dict)
    before: tuple[Any, ...] = ()  # a mask
    after: tuple[Any, ...] = ()  # indices
    c: float = 8.0
    forward: int = 1
    backward: int = 1
    by_numbers: bool = True
    ordered: bool = True

    @property
    def where(self) -> str:
        said = ", ".join(f"{key}={value}" for key, value in self.static.items())
        return " and ".join(str(x.shape) for x in self.inputs) + f", {said}" * (0 < len(said) < 40)

    def bound(self, order: int) -> float:
        """What the error may be, in ε of the largest entry."""
        n = max(self.forward, self.backward) if order else self.forward
        return self.c * (1 + order) + (2 * sqrt(n) if n > 1 else 0.0)

    def sums(self, order: int) -> bool:
        """Whether a matrix product may be behind it (sums are products with ones), from shorter numbers then."""
        return self.name == "matmul" or self.forward > 1 or (order > 0 and self.backward > 1)

    def on(self, xp: Any) -> Callable[..., Any]:
        """The primitive as a function of tensors of that library."""
        before, after = ([xp.asarray(x) for x in some] for some in (self.before, self.after))
        return lambda *xs: PRIMITIVES[self.name](*before, *xs, *after, **self.static)

    def step(self, xp: Any) -> Callable[[dict[str, Tensor], dict[str, Tensor]], tuple[dict, dict]]:
        """Value and derivatives as a step that can be recorded: it reports Outputs."""
        f = self.on(xp)

        def step(state: dict[str, Tensor], inputs: dict[str, Tensor]) -> tuple[dict, dict]:
            xs, us, vs = ([t for name, t in inputs.items() if name[0] == letter] for letter in "xuv")
            ys = _listed(f(*xs))
            first = grad(_paired(ys, us), xs)
            second = grad(_paired(first, vs), [*xs, *us])
            orders = enumerate([ys, first, second])
            return {}, {(order, k): t for order, ts in orders for k, t in enumerate(ts)}

        return step

    @cached_property
    def given(self) -> dict[str, np.ndarray]:
        """Inputs x, cotangents u of the outputs and v of the gradients, all float32 numbers and none of them near 0."""
        rng = np.random.default_rng(len(self.inputs[0]))
        us = [_positive(rng, np.shape(y)) for y in _listed(self.value(*self.inputs))]
        vs = [_positive(rng, x.shape) for x in self.inputs]
        return {f"{letter}{k}": x for letter, some in (("x", self.inputs), ("u", us), ("v", vs))
                for k, x in enumerate(some)}

    @cached_property
    def expected(self) -> Outputs:
        """In float64 on the host; AssertionError if the derivatives are not those of ``value``, by numbers."""
        if self.by_numbers and self.differentiable:
            check(self.on(np), self.inputs, analytic=PRIMITIVES[self.name].analytic)
        computed: Any = eager(self.step(np), {}, dict(self.given))()
        return computed | {(0, k): np.asarray(y) for k, y in enumerate(_listed(self.value(*self.inputs)))}

    @property
    def differentiable(self) -> bool:
        """Whether its derivative is ever other than zero."""
        return any(PRIMITIVES[self.name].differentiable(k) for k in range(3))


def rows() -> list[Row]:
    """Every primitive, at both sizes and at its kinks."""
    return [*_rows(*SMALL, by_numbers=True), *_rows(*LARGE, by_numbers=False), *_kinks()]


def _listed(y: Any) -> list[Any]:
    return y if isinstance(y, list) else [y]


def _paired(ys: list[Tensor], us: list[Tensor]) -> Tensor:
    return reduce(operator.add, [(y * u).sum() for y, u in zip(ys, us, strict=True)])


def _positive(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Between 0.3 and 1.7, and numbers of float32, so that both dtypes start from the same."""
    return rng.uniform(0.3, 1.7, shape).astype(np.float32).astype(float)


# -- a library, compared --------------------------------------------------------------------------
def worst(xp: Any, some: list[Row], shortened: dict[str, float]) -> tuple[float, float, str]:
    """(error, bound, where) of the worst by its bound, of all rows, dtypes and orders, eager and replayed.

    shortened: the dtypes, and how many times less exact products are in this library (TF32: 2¹³). Raises if a dtype or
    a shape is another, if replay gives other bits than eager execution, or if the host is wrong itself.
    """
    most, found = -1.0, (0.0, 0.0, "")
    for row in some:
        for dtype, less in shortened.items():
            try:
                errors = list(_errors(xp, row, dtype))
            except Exception as problem:  # whatever a library raises: say of which row
                problem.add_note(f"(at {row.where}, {dtype})")
                raise
            for order, error in errors:
                bound = row.bound(order) * (less if row.sums(order) else 1.0)
                share = error / bound if bound else 0.0 if error == 0.0 else inf
                share = inf if isnan(share) else share
                if share > most:
                    most, found = share, (error, bound, f"{ORDERS[order]} at {row.where}, {dtype}" if error else "")
    return found


def _errors(xp: Any, row: Row, dtype: str) -> Iterator[tuple[int, float]]:
    """(order, error in ε of the largest entry) of each value and derivative."""
    expected = row.expected
    inputs = {name: xp.asarray(x.astype(dtype)) for name, x in row.given.items()}
    ways: list[Any] = [run(row.step(xp), {}, dict(inputs))() for run in (eager, record)]
    for (order, k), right in expected.items():
        computed = [way[order, k] for way in ways]
        for y in computed:
            assert_dtype(y, dtype, f"the {ORDERS[order]}")
        now, again = (arrays.to_host(y) for y in computed)
        if row.ordered and not np.array_equal(now, again, equal_nan=True):
            raise ArithmeticError(f"the {ORDERS[order]} has other bits replayed than executed eagerly")
        error = np.max([distance(now, right), distance(again, right)])  # of nan, nan: Python's max may lose it
        yield order, float(error / arrays.finfo(dtype).eps)


def distance(y: np.ndarray, expected: np.ndarray) -> float:
    """max |y − expected| / max |expected|; of zeros the absolute error."""
    if y.shape != expected.shape:
        raise ValueError(f"shape {y.shape} instead of {expected.shape}")
    scale = np.abs(expected).max(initial=0.0)
    return float(np.abs(y - expected.astype(float)).max(initial=0.0) / (scale or 1.0))


def assert_dtype(x: Any, dtype: str, what: str) -> None:
    if arrays.dtype(x) != dtype:
        raise TypeError(f"{what} came out as {arrays.dtype(x)}, not {dtype}")


# -- the rows -------------------------------------------------------------------------------------
def _rows(m: int, n: int, k: int, by_numbers: bool) -> Iterator[Row]:
    rng = np.random.default_rng([m, n, k])

    def X(*shape: int) -> np.ndarray:  # positive: sums of it do not cancel
        return _positive(rng, shape)

    def S(*shape: int) -> np.ndarray:  # of both signs
        return X(*shape) * rng.choice([-1.0, 1.0], shape)

    def row(name: str, inputs: tuple, value: Callable, static: dict[str, Any] | None = None, **rest: Any) -> Row:
        return Row(name, inputs, value, static or {}, by_numbers=by_numbers, **rest)

    exact: dict[str, Any] = {"c": 0.0}  # it only moves, compares or picks numbers
    yield row("add", (X(m, n), X(n)), np.add, backward=m)
    yield row("subtract", (X(n), S(m, n)), np.subtract, backward=m)
    yield row("multiply", (X(m, n), X(m, 1)), np.multiply, backward=n)
    yield row("divide", (X(m, n), X(n)), np.divide, backward=m)
    yield row("power", (X(m, n), S(m, n)), np.power, c=16.0)
    yield row("power", (X(n), X(m, n)), np.power, c=16.0, backward=m)
    for name in ("exp", "expm1", "sin", "cos", "tanh"):
        yield row(name, (S(m, n),), getattr(np, name))
    for name in ("log", "log1p", "sqrt"):
        yield row(name, (X(m, n),), getattr(np, name))
    yield row("sigmoid", (S(m, n),), lambda x: 0.5 + 0.5 * np.tanh(0.5 * x))
    yield row("softplus", (S(m, n),), lambda x: np.log1p(np.exp(x)))
    yield row("negative", (S(m, n),), np.negative, **exact)
    yield row("absolute", (S(m, n),), np.absolute, **exact)
    yield row("relu", (S(m, n),), lambda x: np.where(x > 0, x, 0.0), **exact)
    yield row("sign", (S(m, n),), np.sign, **exact)
    yield row("isfinite", (S(m, n),), np.isfinite, **exact)
    for name in ("greater", "greater_equal", "equal"):
        yield row(name, (S(m, n), X(n)), getattr(np, name), **exact)
    for name in ("maximum", "minimum"):
        yield row(name, (S(m, n), 0.5 * X(n)), getattr(np, name), **exact, backward=m)
    mask = rng.random((m, n)) < 0.5
    yield row("where", (S(m, n), X(n)), lambda a, b: np.where(mask, a, b), before=(mask,), **exact, backward=m)

    many = max(m, n, k)
    yield row("matmul", (X(m, k), X(k, n)), np.matmul, forward=k, backward=many)
    yield row("matmul", (X(k, m), X(k, n)), lambda a, b: a.T @ b, {"ta": True}, forward=k, backward=many)
    yield row("matmul", (X(m, k), X(n, k)), lambda a, b: a @ b.T, {"tb": True}, forward=k, backward=many)
    yield row("matmul", (X(4, m, k), X(4, k, n)), np.matmul, forward=k, backward=many)
    yield row("matmul", (X(4, m, k), X(k, n)), np.matmul, forward=k, backward=4 * many)
    yield row("matmul", (X(m, 1), X(1, n)), np.matmul, backward=many)
    for axes, terms in (((0,), m), ((1,), n), ((0, 1), m * n)):
        yield row("reduce_sum", (X(m, n),), lambda x, a=axes: x.sum(a, keepdims=True), {"axis": axes}, forward=terms)
    yield row("reduce_sum", (X(4, m, n),), lambda x: x.sum((0, 1), keepdims=True), {"axis": (0, 1)}, forward=4 * m)
    for axes, terms in (((0,), m), ((1,), n), ((0, 1), m * n)):
        yield row("reduce_max", (S(m, n),), lambda x, a=axes: x.max(a, keepdims=True), {"axis": axes}, **exact,
                  backward=terms)

    yield row("reshape", (S(m, n),), lambda x: x.reshape(n, m), {"shape": (n, m)}, **exact)
    yield row("transpose", (S(2, m, n),), lambda x: np.moveaxis(x, 0, 2), {"axes": (1, 2, 0)}, **exact)
    yield row("broadcast_to", (X(m, 1),), lambda x: np.stack([np.repeat(x, n, 1)] * 2), {"shape": (2, m, n)},
              **exact, backward=2 * n)
    yield row("getitem", (S(m, n),), lambda x: x[1, ::-2], {"key": (1, slice(None, None, -2))}, **exact)
    yield row("getitem", (S(m, n),), lambda x: x[:, :2], {"key": (slice(None), slice(2))}, **exact)
    yield row("embed", (S(m, n),), lambda x: np.pad(x, ((1, 0), (1, 2))),
              {"key": (slice(1, None), slice(1, n + 1)), "shape": (m + 1, n + 3)}, **exact)
    for name in ("stop_gradient", "alias"):
        yield row(name, (S(m, n),), lambda x: x, **exact)
    yield row("copy", (S(m, n),), np.copy, **exact)
    yield row("split", (S(m, n),), lambda x: [x[:, :1], x[:, 1:]], {"sizes": (1, n - 1)}, **exact)
    yield row("split", (S(m, n),), lambda x: [x[:2], x[2:]], {"sizes": (2, m - 2), "axis": 0}, **exact)
    yield row("concat", (S(m, n), S(m, 1), S(m, n)), lambda *xs: np.concatenate(xs, -1), {"axis": -1}, **exact)
    yield row("concat", (S(m, n), S(1, n)), lambda *xs: np.concatenate(xs), {"axis": 0}, **exact)
    at = rng.integers(n, size=(2, n))  # a GPU adds repeated indices up in no fixed order
    often = int(np.bincount(at.ravel()).max())
    yield row("take", (X(m, n),), lambda x: x[:, at], {"axis": 1}, after=(at,), **exact, backward=often, ordered=False)
    yield row("take", (X(m, n),), lambda x: x[[2, 0, 2]], after=(np.array([2, 0, -m + 2]),), **exact, backward=2,
              ordered=False)
    yield row("scatter_add", (X(m, 2, n),), lambda g: _scattered(g, at, n), {"axis": 1, "n": n}, after=(at,), **exact,
              forward=often, ordered=False)


def _scattered(g: np.ndarray, at: np.ndarray, n: int) -> np.ndarray:
    """out_ij = Σ g_ikl over the k, l with at_kl = j."""
    return np.einsum("ikl,klj->ij", g, (at[..., None] == np.arange(n)).astype(float))


def _kinks() -> Iterator[Row]:
    """At ties, at zero, where eˣ overflows, and at what is no number: the library's own conventions must be NumPy's."""

    def row(name: str, inputs: tuple, value: Callable, static: dict[str, Any] | None = None, c: float = 0.0) -> Row:
        return Row(name, inputs, value, static or {}, c=c, by_numbers=False)

    zero, one = np.array([-1.0, 0.0, 0.0, 2.0]), np.array([-1.0, 1.0, 0.0, 1.0])
    for name in ("relu", "absolute", "sign"):
        yield row(name, (zero,), (lambda x: np.where(x > 0, x, 0.0)) if name == "relu" else getattr(np, name))
    for name in ("maximum", "minimum", "greater", "greater_equal", "equal"):
        yield row(name, (zero, one), getattr(np, name))
    yield row("reduce_max", (one,), lambda x: x.max(keepdims=True), {"axis": (0,)}, c=8.0)
    yield row("isfinite", (np.array([np.inf, -np.inf, np.nan, 1e30]),), np.isfinite)
    far = np.array([-1e4, -90.0, 0.5, 90.0, 1e4])
    yield row("sigmoid", (far,), lambda x: 0.5 + 0.5 * np.tanh(0.5 * x), c=8.0)
    yield row("tanh", (far,), np.tanh, c=8.0)
    yield row("softplus", (far,), lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))), c=8.0)
