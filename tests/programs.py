"""Random programs: straight-line code over arrays, drawn by Hypothesis and run alike by any array library.

A program is a list of lines ``(name, operands, static)``; every line appends its value (or values)
to the list of values so far, which starts with the leaves. ``run(library, program, leaves)`` says
what that means in a library: a namespace of about 20 functions (NUMPY and MINIGAN here, the peers'
in tests/peers). Kinks lie at odd offsets, so that no two values tie at one by algebra.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import scipy.special
from hypothesis import strategies as st

from minigan import autodiff as ad
from minigan.arrays import namespace


@dataclass(frozen=True)
class Program:
    leaves: tuple[tuple[int, ...], ...]  # their shapes
    lines: tuple[tuple[str, tuple[int, ...], dict], ...]


def run(library, program, leaves):
    """All values of the program: the leaves, then those of its lines."""
    values = list(leaves)
    for name, operands, static in program.lines:
        value = OPERATIONS[name](library, *[values[k] for k in operands], **static)
        values += value if isinstance(value, list) else [value]
    return values


def arrays(program, seed=0, dtype="float64"):
    """Normal values for the leaves."""
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.standard_normal(shape), dtype) for shape in program.leaves]


UNARY = {
    "negative": lambda L, x: -x,
    "affine": lambda L, x: 0.5 * x - 1.0,
    "square": lambda L, x: x**2,
    "cube": lambda L, x: 0.1 * x**3,
    "first power": lambda L, x: L.relu(x - 0.5233) ** 1.0,
    "zeroth power": lambda L, x: x**0 + 0.5 * x,
    "fourth power at zero": lambda L, x: L.relu(x - 0.4177) ** 4 * 0.1,
    "power of a row": lambda L, x: 0.2 * L.power(L.relu(x - 0.3719) + 0.1, 2.0 + 0.0 * x),  # at 0 the peers say nan
    "reciprocal": lambda L, x: 1.0 / (x * x + 1.0),
    "root": lambda L, x: (x * x + 1.0) ** 0.7,
    "exp": lambda L, x: L.exp(-x * x),
    "expm1": lambda L, x: L.expm1(-x * x),
    "log": lambda L, x: L.log(x * x + 0.5),
    "log1p": lambda L, x: L.log1p(x * x),
    "sqrt": lambda L, x: L.sqrt(x * x + 0.3),
    "sin": lambda L, x: L.sin(x),
    "cos": lambda L, x: L.cos(x),
    "tanh": lambda L, x: L.tanh(x),
    "sigmoid": lambda L, x: L.sigmoid(x),
    "softplus": lambda L, x: L.softplus(x),
    "relu": lambda L, x: L.relu(x - 0.3141),
    "absolute": lambda L, x: L.absolute(x + 0.7071),
}
BINARY = {
    "add": lambda L, x, y: x + y,
    "subtract": lambda L, x, y: x - y,
    "multiply": lambda L, x, y: x * y,
    "divide": lambda L, x, y: x / (y * y + 1.0),
    "power": lambda L, x, y: L.power(x * x + 0.5, L.tanh(y)),
    "maximum": lambda L, x, y: L.maximum(x, y + 0.1371),
    "minimum": lambda L, x, y: L.minimum(x, y - 0.1371),
    "where": lambda L, x, y: L.where(L.greater(x, y + 0.2113), x, 0.5 * y),
    "where less": lambda L, x, y: L.where(x < y - 0.1719, 0.5 * x, y),
    "where unequal": lambda L, x, y: L.where(x != y + 0.3331, x, y),
    "mask of a comparison": lambda L, x, y: L.mask(x >= y + 0.1577) * y,
    "mask of an equality": lambda L, x, y: x + L.mask(x == y + 0.7731) * y,
}
SHAPED = {
    "matmul": lambda L, x, y, ta, tb: 0.5 * L.matmul(x, y, ta, tb),
    "sum": lambda L, x, axis, keepdims: 0.3 * L.sum(x, axis, keepdims),
    "mean": lambda L, x, axis, keepdims: L.mean(x, axis, keepdims),
    "max": lambda L, x, axis, keepdims: L.max(x, axis, keepdims),
    "logsumexp": lambda L, x, axis, keepdims: L.logsumexp(x, axis, keepdims),
    "reshape": lambda L, x, shape: x.reshape(shape),
    "transpose": lambda L, x, axes: L.transpose(x, axes),
    "broadcast_to": lambda L, x, shape: L.broadcast_to(x, shape),
    "getitem": lambda L, x, key: x[key],
    "concat": lambda L, *xs, axis: L.concat(xs, axis),
    "split": lambda L, x, sizes, axis: list(L.split(x, sizes, axis)),
    "take": lambda L, x, indices, axis: L.take(x, np.array(indices), axis),
    "index": lambda L, x, key: x[tuple(np.array(k) if isinstance(k, list) else k for k in key)],
    "list": lambda L, *xs: L.total([0.5 * x.sum() for x in xs]) * xs[0],
}
OPERATIONS = UNARY | BINARY | SHAPED
KINKED = {  # no place for finite differences
    "relu", "absolute", "maximum", "minimum", "where", "max", "first power", "fourth power at zero", "power of a row",
    "where less", "where unequal", "mask of a comparison", "mask of an equality"}


def pick(draw, options):
    options = list(options)
    return options[draw(st.integers(0, len(options) - 1))]


def subsets(items):
    return [c for n in range(1, len(items) + 1) for c in combinations(items, n)]


def draw_shaped(draw, name, shapes):
    """Operands and static arguments of a shaped line, or None where no operand fits."""
    rank = 2 if name == "matmul" else 1
    fitting = [k for k, shape in enumerate(shapes) if len(shape) >= rank or name in ("reshape", "broadcast_to")]
    if not fitting:
        return None
    k = pick(draw, fitting)
    shape = shapes[k]
    axes = range(len(shape))
    match name:
        case "matmul":
            pairs = [(j, ta, tb) for j in fitting for ta in (False, True) for tb in (False, True)
                     if shape[-2 if ta else -1] == shapes[j][-1 if tb else -2] and agree(shape[:-2], shapes[j][:-2])]
            if not pairs:
                return None
            j, ta, tb = pick(draw, pairs)
            return (k, j), {"ta": ta, "tb": tb}
        case "sum" | "mean" | "max" | "logsumexp":
            return (k,), {"axis": pick(draw, subsets(axes)), "keepdims": draw(st.booleans())}
        case "reshape":
            size = int(np.prod(shape))
            return (k,), {"shape": pick(draw, [(n, size // n) for n in range(1, size + 1) if size % n == 0]
                                        + [(size,), (1, size, 1)])}
        case "transpose":
            return (k,), {"axes": tuple(draw(st.permutations(axes)))}
        case "broadcast_to":
            wide = tuple(draw(st.sampled_from([1, 3, 6])) if n == 1 else n for n in shape)
            return (k,), {"shape": draw(st.sampled_from([(), (2,), (1, 3)])) + wide}
        case "getitem":
            parts = [st.integers(-n, n - 1) | st.builds(slice, st.integers(0, n - 1), st.none(), st.integers(1, 2))
                     | st.just(slice(None)) for n in shape]
            return (k,), {"key": tuple(draw(part) for part in parts[: draw(st.integers(1, len(shape)))])}
        case "index":  # lists of integers next to each other, so that no library moves their axes
            first = draw(st.integers(0, len(shape) - 1))
            count = draw(st.integers(1, 3))
            many = draw(st.integers(1, min(2, len(shape) - first)))
            picked = [draw(st.lists(st.integers(0, n - 1), min_size=count, max_size=count))
                      for n in shape[first : first + many]]
            return (k,), {"key": (slice(None),) * first + tuple(picked)}
        case "list":
            return (k, draw(st.integers(0, len(shapes) - 1))), {}
        case "concat":
            axis = draw(st.integers(0, len(shape) - 1))
            rest = [j for j, other in enumerate(shapes) if len(other) == len(shape)
                    and all(m == n for i, (m, n) in enumerate(zip(other, shape, strict=True)) if i != axis)]
            return (k, *draw(st.lists(st.sampled_from(rest), min_size=1, max_size=2))), {"axis": axis}
        case "split":
            axis = draw(st.integers(0, len(shape) - 1))
            edges = sorted(draw(st.lists(st.integers(1, shape[axis]), max_size=2, unique=True)) + [0, shape[axis]])
            sizes = tuple(n for n in np.diff(edges).tolist() if n)
            return (k,), {"sizes": sizes, "axis": axis}
        case "take":
            axis = draw(st.integers(0, len(shape) - 1))
            indices = draw(st.lists(st.integers(0, shape[axis] - 1), min_size=1, max_size=5))
            return (k,), {"indices": indices, "axis": axis}


def agree(a, b):
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


@st.composite
def programs(draw, sizes=(1, 2, 3, 4), lines=16, limit=2000):
    """A program whose values stay within limit elements, and near enough to 1 for a fair comparison."""
    a, b, c = [draw(st.sampled_from(sizes)) for _ in range(3)]
    common = [(a, b), (b, c), (a, c), (b,), (c,), (1, b), (a, 1), (2, a, b), ()]
    leaves = tuple(draw(st.lists(st.sampled_from(common), min_size=2, max_size=3)))
    code = []
    values = arrays(Program(leaves, ()))
    often = [*OPERATIONS, *SHAPED, "matmul", "matmul", "matmul", "split", "concat"]
    for _ in range(draw(st.integers(3, lines))):
        name = draw(st.sampled_from(often))
        shapes = [x.shape for x in values]
        if name in SHAPED:
            found = draw_shaped(draw, name, shapes)
            if found is None:
                continue
            operands, static = found
        else:
            operands, static = (draw(st.integers(0, len(values) - 1)),), {}
            if name in BINARY:
                operands += (pick(draw, [k for k, s in enumerate(shapes) if agree(s, shapes[operands[0]])]),)
        value = OPERATIONS[name](NUMPY, *[values[k] for k in operands], **static)
        new = value if isinstance(value, list) else [value]
        if any(y.size > limit or y.ndim > 4 or y.size == 0 for y in new):
            continue
        code.append((name, operands, static))
        values += new
        for k in range(len(values) - len(new), len(values)):
            if np.abs(values[k]).max() > 20:
                code.append(("tanh", (k,), {}))
                values.append(np.tanh(values[k]))
    return Program(leaves, tuple(code))


def _split(x, sizes, axis):
    return np.split(x, np.cumsum(sizes)[:-1], axis)


NUMPY = SimpleNamespace(
    exp=np.exp, expm1=np.expm1, log=np.log, log1p=np.log1p, sqrt=np.sqrt, sin=np.sin, cos=np.cos, tanh=np.tanh,
    sigmoid=scipy.special.expit, softplus=lambda x: np.logaddexp(x, 0), relu=lambda x: np.maximum(x, 0),
    absolute=np.abs, power=np.power, maximum=np.maximum, minimum=np.minimum, where=np.where, greater=np.greater,
    matmul=lambda x, y, ta, tb: (x.mT if ta else x) @ (y.mT if tb else y),
    sum=lambda x, axis, keepdims: np.asarray(x.sum(axis, keepdims=keepdims)),
    mean=lambda x, axis, keepdims: np.asarray(x.mean(axis, keepdims=keepdims)),
    max=lambda x, axis, keepdims: np.asarray(x.max(axis, keepdims=keepdims)),
    logsumexp=lambda x, axis, keepdims: np.asarray(scipy.special.logsumexp(x, axis, keepdims=keepdims)),
    transpose=np.transpose, broadcast_to=np.broadcast_to, concat=np.concatenate, split=_split, take=np.take,
    mask=lambda m: np.asarray(m, float), total=lambda xs: np.asarray(np.sum(xs)),
)
MINIGAN = SimpleNamespace(
    exp=ad.exp, expm1=ad.expm1, log=ad.log, log1p=ad.log1p, sqrt=ad.sqrt, sin=ad.sin, cos=ad.cos, tanh=ad.tanh,
    sigmoid=ad.sigmoid, softplus=ad.softplus, relu=ad.relu,
    absolute=ad.absolute, power=ad.power, maximum=ad.maximum, minimum=ad.minimum, where=ad.where, greater=ad.greater,
    matmul=lambda x, y, ta, tb: ad.matmul(x, y, ta=ta, tb=tb),
    sum=ad.sum, mean=ad.mean, max=ad.max, logsumexp=ad.logsumexp,
    transpose=lambda x, axes: ad.transpose(x, axes=axes),
    broadcast_to=lambda x, shape: ad.broadcast_to(x, shape=shape),
    concat=ad.concat, split=lambda x, sizes, axis: ad.split(x, sizes=sizes, axis=axis),
    take=lambda x, indices, axis: ad.take(x, namespace(x._value).asarray(indices), axis=axis),
    mask=lambda m: m, total=ad.sum,
)
