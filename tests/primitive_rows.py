"""Primitives, a row each or more: static arguments, what it should compute, and inputs away from its kinks."""

from typing import NamedTuple

import numpy as np
import scipy.special

from minigan.autodiff import PRIMITIVES, Tensor, absolute, grad, maximum, minimum, relu, softplus

RNG = np.random.default_rng(11)
X = RNG.uniform(0.3, 1.7, (3, 4))  # positive
Y = RNG.uniform(0.3, 1.7, (3, 4)) * np.where(np.arange(4) % 2, 1.0, -1.0)  # of both signs, off 0 and off X
B = RNG.uniform(0.3, 1.7, (4,))  # broadcasts
M = np.array([[True, False, True, True], [False, False, True, False], [True, True, False, True]])
AT = np.array([[2, 0], [2, 2]])  # repeated indices, two axes
W = RNG.standard_normal((4, 2))


class Row(NamedTuple):
    """A primitive with static arguments, what it should compute, and inputs away from its kinks."""

    name: str
    inputs: tuple
    reference: object
    static: dict = {}  # noqa: RUF012
    before: tuple = ()  # discrete first arguments
    after: tuple = ()  # discrete last arguments

    def __call__(self, *xs):
        return PRIMITIVES[self.name](*self.before, *xs, *self.after, **self.static)

    def of(self, array):
        """The row with its discrete arguments as arrays of another library."""
        return self._replace(before=tuple(map(array, self.before)), after=tuple(map(array, self.after)))


def scattered(g):
    out = np.zeros((3, 5))
    for i in range(3):
        for j in np.ndindex(AT.shape):
            out[i, AT[j]] += g[(i, *j)]
    return out


def embedded(g):
    out = np.zeros((4, 6))
    out[1:, 1:5] = g
    return out


ROWS = [
    Row("add", (X, B), np.add),
    Row("subtract", (B, Y), np.subtract),
    Row("multiply", (X, Y[:, :1]), np.multiply),
    Row("divide", (Y, B), np.divide),
    Row("power", (X, Y), np.power),
    Row("power", (B, X), np.power),
    Row("negative", (Y,), np.negative),
    Row("exp", (Y,), np.exp),
    Row("log", (X,), np.log),
    Row("log1p", (X,), np.log1p),
    Row("expm1", (Y,), np.expm1),
    Row("sqrt", (X,), np.sqrt),
    Row("sin", (Y,), np.sin),
    Row("cos", (Y,), np.cos),
    Row("tanh", (Y,), np.tanh),
    Row("sigmoid", (Y,), scipy.special.expit),
    Row("softplus", (Y,), lambda x: scipy.special.logsumexp([x, 0 * x], axis=0)),
    Row("greater", (Y, 0.5 * B), np.greater),
    Row("greater_equal", (Y, 0.5 * B), np.greater_equal),
    Row("equal", (Y, np.where(M, Y, 9.0)), np.equal),
    Row("isfinite", (Y,), np.isfinite),
    Row("sign", (Y,), np.sign),
    Row("maximum", (Y, 0.5 * B - 0.5), np.maximum),
    Row("minimum", (Y, 0.5 * B - 0.5), np.minimum),
    Row("relu", (Y,), lambda x: np.where(x > 0, x, 0)),
    Row("absolute", (Y,), np.abs),
    Row("where", (Y, B), lambda a, b: np.where(M, a, b), before=(M,)),
    Row("matmul", (Y, W), np.matmul),
    Row("matmul", (Y, X), lambda a, b: np.einsum("ji,jk->ik", a, b), {"ta": True}),
    Row("reduce_sum", (Y,), lambda x: np.sum(x, 0, keepdims=True), {"axis": (0,)}),
    Row("reduce_sum", (Y,), lambda x: np.sum(x, 1, keepdims=True), {"axis": (1,)}),
    Row("reduce_sum", (Y,), lambda x: np.sum(x, keepdims=True), {"axis": (0, 1)}),
    Row("reduce_max", (Y,), lambda x: np.max(x, 1, keepdims=True), {"axis": (1,)}),
    Row("reshape", (Y,), lambda x: x.reshape(2, 6), {"shape": (2, 6)}),
    Row("transpose", (W[None],), lambda x: np.moveaxis(x, 0, 2), {"axes": (1, 2, 0)}),
    Row("transpose", (W[None],), lambda x: np.moveaxis(x, 0, 2), {"axes": (-2, -1, 0)}),
    Row("broadcast_to", (W[:, :1],), lambda x: np.concatenate([[x, x]] * 3, axis=2), {"shape": (2, 4, 3)}),
    Row("getitem", (Y,), lambda x: x[1, ::-2], {"key": (1, slice(None, None, -2))}),
    Row("getitem", (Y,), lambda x: x[:, :2], {"key": (slice(None), slice(2))}),
    Row("getitem", (Y,), lambda x: x[2, 3], {"key": (2, 3)}),
    Row("stop_gradient", (Y,), lambda x: x),
    Row("alias", (Y,), lambda x: x),
    Row("split", (Y,), lambda x: [x[:, :1], x[:, 1:]], {"sizes": (1, 3)}),
    Row("split", (Y,), lambda x: [x[:2], x[2:]], {"sizes": (2, 1), "axis": 0}),
    Row("copy", (Y,), np.copy),
    Row("concat", (Y, X[:, :1], Y), lambda *xs: np.concatenate(xs, axis=-1), {"axis": -1}),
    Row("concat", (Y, X[:1]), lambda *xs: np.concatenate(xs), {"axis": 0}),
    Row("embed", (Y,), embedded, {"key": (slice(1, None), slice(1, 5)), "shape": (4, 6)}),
    Row("take", (Y,), lambda x: x[:, AT], {"axis": 1}, after=(AT,)),
    Row("take", (Y,), lambda x: x[[2, 0, 2]], after=(np.array([2, 0, -1]),)),
    Row("scatter_add", (Y[:, [[0, 1], [2, 3]]],), scattered, {"axis": 1, "n": 5}, after=(AT,)),
]
DISCRETE = {"greater", "greater_equal", "equal", "isfinite", "sign", "stop_gradient"}  # derivative zero, on purpose
# axis, indices to take along it: repeated ones, negative ones, a table of them, one, none
TAKEN = [(0, [0, 0, 2, 0]), (1, [[3, 3], [1, 3]]), (-1, [-1, 3, -4]), (0, 1), (1, np.zeros((0,), int)), (-2, [2])]
# f, where it has a kink, the derivative that it is documented to have there
KINKS = [
    (relu, [0.0], [0.0]),
    (absolute, [0.0], [0.0]),
    (lambda x: maximum(x, 0.0), [0.0], [1.0]),
    (lambda x: maximum(0.0, x), [0.0], [0.0]),
    (lambda x: minimum(x, 0.0), [0.0], [1.0]),
    (lambda x: minimum(0.0, x), [0.0], [0.0]),
    (lambda x: maximum(x, x), [2.0], [1.0]),
    (lambda x: x.max(), [3.0, 1.0, 3.0, 3.0], [1 / 3, 0.0, 1 / 3, 1 / 3]),
    (softplus, [0.0], [0.5]),
]


def listed(y):
    return y if isinstance(y, list) else [y]


def assert_float32(row, inputs, array=np.asarray):
    """To second order, and with NumPy float64 scalars beside it, which would promote a NumPy expression."""
    xs = [Tensor(array(np.asarray(x, dtype=np.float32))) for x in inputs]
    ys = listed(row(*[x * np.sqrt(2.0) for x in xs]))
    first = grad(sum((np.float64(0.3) * y * y).sum() for y in ys), xs)
    second = grad(sum((g * g).sum() for g in first) * np.sqrt(2.0), xs)
    assert [t.dtype for t in [*ys, *first, *second]] == [np.float32] * len([*ys, *first, *second])
    assert [t.shape for t in [*first, *second]] == [x.shape for x in [*xs, *xs]]
