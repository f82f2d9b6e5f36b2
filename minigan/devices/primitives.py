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

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from importlib import import_module
from math import sqrt
from typing import Any

import numpy as np

from minigan.autodiff import PRIMITIVES, Tensor, check, eager, grad
from minigan.autodiff.check import listed, paired
from minigan.autodiff.functions import as_tensor
from minigan.autodiff.kernels import HOLE

SMALL, LARGE = (3, 4, 5), (257, 300, 129)  # (m, n, k): odd, and past the block of any kernel
Outputs = dict[tuple[int, int], Any]  # by (order, which): values y, then ∇⟨u, y⟩, then ∇⟨v, ∇⟨u, y⟩⟩
ORDERS = ("value", "1st derivative", "2nd derivative")


@dataclass(frozen=True)
class Row:
    """A primitive, its inputs and static arguments, and ``value``, NumPy's or SciPy's way to the same number.

    forward, backward: the most numbers summed up for an entry of the value and of a derivative. by_numbers: compare
    the derivatives with numerical ones, which wants a small row, away from its kinks. ordered: it adds up in an order
    that does not change from one call to the next. flat: its derivative is 0 everywhere, on purpose. back: to another
    dtype, and back to that of the input.
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
    flat: bool = False
    back: bool = False

    def __call__(self, *xs: Any) -> Any:
        y = PRIMITIVES[self.name](*self.before, *xs, *self.after, **self.static)
        return PRIMITIVES[self.name](y, dtype=as_tensor(xs[0]).dtype) if self.back else y

    def of(self, array: Callable[[Any], Any]) -> Row:
        """The row with its mask and its indices as arrays of another library."""
        return replace(self, before=tuple(map(array, self.before)), after=tuple(map(array, self.after)))

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

    def step(self, xp: Any) -> Callable[[dict[str, Tensor], dict[str, Tensor]], tuple[dict, dict]]:
        """Value and derivatives as a step that can be recorded: it reports Outputs."""
        f = self.of(xp.asarray)

        def step(state: dict[str, Tensor], inputs: dict[str, Tensor]) -> tuple[dict, dict]:
            xs, us, vs = ([t for name, t in inputs.items() if name[0] == letter] for letter in "xuv")
            ys = listed(f(*xs))
            first = grad(paired(ys, us), xs)
            second = grad(paired(first, vs), [*xs, *us])
            orders = enumerate([ys, first, second])
            return {}, {(order, k): t for order, ts in orders for k, t in enumerate(ts)}

        return step

    @cached_property
    def given(self) -> dict[str, np.ndarray]:
        """Inputs x, cotangents u of the outputs and v of the gradients, all float32 numbers and none of them near 0."""
        rng = np.random.default_rng(len(self.inputs[0]))
        us = [_positive(rng, np.shape(y)) for y in listed(self.value(*self.inputs))]
        vs = [_positive(rng, x.shape) for x in self.inputs]
        return {f"{letter}{k}": x for letter, some in (("x", self.inputs), ("u", us), ("v", vs))
                for k, x in enumerate(some)}

    @cached_property
    def expected(self) -> Outputs:
        """In float64 on the host; AssertionError if the derivatives are not those of ``value``, by numbers."""
        if self.by_numbers and not self.flat:
            check(self, self.inputs, analytic=PRIMITIVES[self.name].analytic)
        computed: Any = eager(self.step(np), {}, dict(self.given))()
        return computed | {(0, k): np.asarray(y) for k, y in enumerate(listed(self.value(*self.inputs)))}


def rows() -> list[Row]:
    """Every primitive, at both sizes and at its kinks."""
    return [*small_rows(), *_rows(*LARGE, by_numbers=False), *_kinks()]


def small_rows() -> list[Row]:
    """Every primitive, on a few numbers away from its kinks: small enough for numerical derivatives."""
    return list(_rows(*SMALL, by_numbers=True))


def of_primitive(name: str, table: list[Row]) -> list[Row]:
    """The primitive's rows; LookupError, that says what to add, if there are none."""
    found = [row for row in table if row.name == name]
    if not found:
        raise LookupError(f"minigan/devices/primitives.py has no row for {name!r}: add row({name!r}, inputs, value) to "
                          "_rows, the value as NumPy or SciPy computes it")
    return found


def _positive(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Between 0.3 and 1.7, and numbers of float32, so that both dtypes start from the same."""
    return rng.uniform(0.3, 1.7, shape).astype(np.float32).astype(float)


# -- the rows -------------------------------------------------------------------------------------
def _scipy(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """scipy.special's function of that name, imported when it is called."""
    return lambda x: getattr(import_module("scipy.special"), name)(x)


def _relu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.0)


def _softplus(x: np.ndarray) -> np.ndarray:
    return -_scipy("log_expit")(-x)


def _rows(m: int, n: int, k: int, by_numbers: bool) -> Iterator[Row]:
    rng = np.random.default_rng([m, n, k])

    def X(*shape: int) -> np.ndarray:  # positive: sums of it do not cancel
        return _positive(rng, shape)

    def S(*shape: int) -> np.ndarray:  # of both signs
        return X(*shape) * rng.choice([-1.0, 1.0], shape)

    row = partial(Row, by_numbers=by_numbers)
    exact: dict[str, Any] = {"c": 0.0}  # it only moves, compares or picks numbers
    flat = exact | {"flat": True}
    mask = rng.random((m, n)) < 0.5
    yield row("add", (X(m, n), X(n)), np.add, backward=m)
    yield row("subtract", (X(n), S(m, n)), np.subtract, backward=m)
    yield row("multiply", (X(m, n), S(m, 1)), np.multiply, backward=n)
    yield row("divide", (S(m, n), X(n)), np.divide, backward=m)
    yield row("power", (X(m, n), S(m, n)), np.power, c=16.0)
    yield row("power", (X(n), X(m, n)), np.power, c=16.0, backward=m)
    yield row("power", (X(m, n), X(n)), lambda a, p: a**p * np.log(a), {"logs": 1}, c=16.0, backward=m)
    for c in (3.0, -0.5):
        yield row("constant_power", (X(m, n),), lambda x, c=c: x**c, {"exponent": c}, c=16.0)
    for name in ("exp", "expm1", "sin", "cos", "tanh", "arctan"):
        yield row(name, (S(m, n),), getattr(np, name))
    for name in ("log", "log1p", "sqrt"):
        yield row(name, (X(m, n),), getattr(np, name))
    yield row("sigmoid", (S(m, n),), _scipy("expit"))
    yield row("softplus", (S(m, n),), _softplus)
    yield row("negative", (S(m, n),), np.negative, **exact)
    yield row("absolute", (S(m, n),), np.absolute, **exact)
    yield row("relu", (S(m, n),), _relu, **exact)
    yield row("sign", (S(m, n),), np.sign, **flat)
    yield row("isfinite", (S(m, n),), np.isfinite, **flat)
    for name in ("greater", "greater_equal"):
        yield row(name, (S(m, n), X(n)), getattr(np, name), **flat)
    y = S(m, n)
    yield row("equal", (y, np.where(mask, y, 9.0)), np.equal, **flat)
    for name in ("maximum", "minimum"):
        yield row(name, (S(m, n), 0.5 * S(n)), getattr(np, name), **exact, backward=m)
    yield row("where", (S(m, n), X(n)), lambda a, b: np.where(mask, a, b), before=(mask,), **exact, backward=m)

    many = max(m, n, k)
    yield row("matmul", (S(m, k), S(k, n)), np.matmul, forward=k, backward=many)
    yield row("matmul", (S(k, m), X(k, n)), lambda a, b: a.T @ b, {"ta": True}, forward=k, backward=many)
    yield row("matmul", (X(m, k), X(n, k)), lambda a, b: a @ b.T, {"tb": True}, forward=k, backward=many)
    yield row("matmul", (X(4, m, k), X(4, k, n)), np.matmul, forward=k, backward=many)
    yield row("matmul", (X(4, m, k), X(k, n)), np.matmul, forward=k, backward=4 * many)
    yield row("matmul", (X(m, 1), X(1, n)), np.matmul, backward=many)
    for axes, terms, x in (((0,), m, S(m, n)), ((1,), n, S(m, n)), ((0, 1), m * n, X(m, n))):
        yield row("reduce_sum", (x,), lambda x, a=axes: x.sum(a, keepdims=True), {"axis": axes}, forward=terms)
    yield row("reduce_sum", (X(4, m, n),), lambda x: x.sum((0, 1), keepdims=True), {"axis": (0, 1)}, forward=4 * m)
    for axis, terms in ((0, m), (1, n)):
        yield row("cumsum", (X(m, n),), lambda x, axis=axis: np.cumsum(x, axis), {"axis": axis}, forward=terms,
                  backward=terms)
    for axes, terms in (((0,), m), ((1,), n), ((0, 1), m * n)):
        yield row("reduce_max", (S(m, n),), lambda x, a=axes: x.max(a, keepdims=True), {"axis": axes}, **exact,
                  backward=terms)

    yield row("reshape", (S(m, n),), lambda x: x.reshape(n, m), {"shape": (n, m)}, **exact)
    for last in ((1, 2, 0), (-2, -1, 0)):
        yield row("transpose", (S(2, m, n),), lambda x: np.moveaxis(x, 0, 2), {"axes": last}, **exact)
    yield row("broadcast_to", (S(m, 1),), lambda x: np.stack([np.repeat(x, n, 1)] * 2), {"shape": (2, m, n)},
              **exact, backward=2 * n)
    yield row("getitem", (S(m, n),), lambda x: x[1, ::-2], {"key": (1, slice(None, None, -2))}, **exact)
    yield row("getitem", (S(m, n),), lambda x: x[:, :2], {"key": (slice(None), slice(2))}, **exact)
    yield row("getitem", (S(m, n),), lambda x: x[2, 3], {"key": (2, 3)}, **exact)
    yield row("embed", (S(m, n),), lambda x: np.pad(x, ((1, 0), (1, 2))),
              {"key": (slice(1, None), slice(1, n + 1)), "shape": (m + 1, n + 3)}, **exact)
    yield row("stop_gradient", (S(m, n),), lambda x: x, **flat)
    yield row("alias", (S(m, n),), lambda x: x, **exact)
    yield row("copy", (S(m, n),), np.copy, **exact)
    yield row("split", (S(m, n),), lambda x: [x[:, :1], x[:, 1:]], {"sizes": (1, n - 1)}, **exact)
    yield row("split", (S(m, n),), lambda x: [x[:2], x[2:]], {"sizes": (2, m - 2), "axis": 0}, **exact)
    yield row("concat", (S(m, n), S(m, 1), S(m, n)), lambda *xs: np.concatenate(xs, -1), {"axis": -1}, **exact)
    yield row("concat", (S(m, n), S(1, n)), lambda *xs: np.concatenate(xs), {"axis": 0}, **exact)
    yield row("cast", (S(m, n),), lambda x: x, {"dtype": np.dtype("float64")}, back=True, **exact)
    yield row("convert", (4.0 * S(m, n),), np.trunc, {"dtype": np.dtype("int64")}, back=True, **flat)
    at = rng.integers(n, size=(2, n))  # a GPU adds repeated indices up in no fixed order
    often = int(np.bincount(at.ravel()).max())
    yield row("take", (S(m, n),), lambda x: x[:, at], {"axis": 1}, after=(at,), **exact, backward=often, ordered=False)
    yield row("take", (S(m, n),), lambda x: x[[2, 0, 2]], after=(np.array([2, 0, -m + 2]),), **exact, backward=2,
              ordered=False)
    yield row("scatter_add", (S(m, 2, n),), lambda g: _scattered(g, at, n), {"axis": 1, "n": n}, after=(at,), **exact,
              forward=often, ordered=False)
    down, across = np.array([0, -1, 0]), rng.integers(n, size=(2, 3))
    yield row("gather", (S(m, n),), lambda x: x[down, across], {"key": (HOLE, HOLE)}, after=(down, across), **exact,
              backward=6, ordered=False)
    yield row("gather", (S(2, m, n),), lambda x: x[:, down, 1:], {"key": (slice(None), HOLE, slice(1, None))},
              after=(down,), **exact, backward=2, ordered=False)
    rows_of = rng.integers(-m, m, size=m)
    yield row("scatter", (X(m, n),), lambda g: _scattered(g.T[..., None], rows_of[:, None] % m, m).T,
              {"key": (HOLE,), "shape": (m, n)}, after=(rows_of,), **exact, forward=m, ordered=False)


def _scattered(g: np.ndarray, at: np.ndarray, n: int) -> np.ndarray:
    """out_ij = Σ g_ikl over the k, l with at_kl = j."""
    return np.einsum("ikl,klj->ij", g, (at[..., None] == np.arange(n)).astype(float))


def _kinks() -> Iterator[Row]:
    """At ties, at zero, where eˣ overflows, and at what is no number: the library's own conventions must be NumPy's."""
    row = partial(Row, c=0.0, by_numbers=False)
    zero, one = np.array([-1.0, 0.0, 0.0, 2.0]), np.array([-1.0, 1.0, 0.0, 1.0])
    for name in ("relu", "absolute", "sign"):
        yield row(name, (zero,), _relu if name == "relu" else getattr(np, name))
    for name in ("maximum", "minimum", "greater", "greater_equal", "equal"):
        yield row(name, (zero, one), getattr(np, name))
    yield row("reduce_max", (one,), lambda x: x.max(keepdims=True), {"axis": (0,)}, c=8.0)
    yield row("isfinite", (np.array([np.inf, -np.inf, np.nan, 1e30]),), np.isfinite)
    far = np.array([-1e4, -90.0, 0.5, 90.0, 1e4])
    yield row("sigmoid", (far,), _scipy("expit"), c=8.0)
    yield row("tanh", (far,), np.tanh, c=8.0)
    yield row("softplus", (far,), _softplus, c=8.0)
