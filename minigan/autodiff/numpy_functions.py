"""What NumPy's functions do on a tensor: the engine's function of that name, or an error that names it.

NumPy asks by its protocols: ``__array_ufunc__`` for np.exp, np.add, array * tensor; ``__array_function__`` for np.sum,
np.where, np.linalg.norm. Each is one of

- *computed*, by the engine, with its derivative: ``COMPUTED`` by the function of that name, ``ADAPTED`` where names or
  arguments differ;
- *read*, from the tensor's value, where no derivative could follow in any case: ``READ``;
- *refused*: a constant in its place would lose the derivative without a word.

``np.asarray(t)``, ``float(t)`` and so ``math.exp(t)`` read the value: Python does not tell them apart.

Source: NumPy Enhancement Proposals 13 and 18.
"""

import inspect
from collections.abc import Callable
from typing import Any

from minigan.arrays import HOST, HostArray
from minigan.autodiff import functions, products, reductions
from minigan.autodiff.functions import as_tensor
from minigan.autodiff.primitives import broadcast_to, concat, copy, take
from minigan.autodiff.tensor import FUNCTIONS, Tensor, holds_tensors


def _with_arguments(f: Callable[..., Tensor], *names: str) -> Callable[..., Tensor]:
    """f with NumPy's arguments after the first, in NumPy's order; those that f has not are refused."""
    ours = inspect.signature(f).parameters

    def adapted(x: Any, *given: Any, **named: Any) -> Tensor:
        named |= dict(zip(names, given, strict=False))
        for name in named.keys() - ours.keys():
            if named.pop(name) is not None:
                raise TypeError(f"{f.__name__}() got an unexpected keyword argument {name!r}")
        return f(x, **named)

    return adapted


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    vector = as_tensor(x).ndim == 1 or hasattr(axis, "__index__")
    if not (ord is None or (ord == 2 and vector) or (ord == "fro" and not vector)):
        raise TypeError(f"numpy.linalg.norm of a tensor with ord={ord!r}: only ‖x‖₂ is computed; write sum(abs(x)), "
                        "max(abs(x)), or see minigan.gans.spectral")
    return reductions.norm(x, axis, keepdims)


def _inner(a: Any, b: Any) -> Tensor:
    return products.dot(a, functions.transpose(b) if HOST.ndim(a) and HOST.ndim(b) else b)


def _taken(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    return take(functions.ravel(x) if axis is None else x, indices, axis=0 if axis is None else axis)


def _joined(xs: Any, axis: int | None = 0) -> Tensor:
    return concat([functions.ravel(x) for x in xs] if axis is None else xs, axis=0 if axis is None else axis)


def _swapped(x: Any, axis1: int, axis2: int) -> Tensor:
    order = list(range(as_tensor(x).ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return functions.transpose(x, tuple(order))


def _moved(x: Any, source: int, destination: int) -> Tensor:
    order = list(range(as_tensor(x).ndim))
    (source,), (destination,) = (functions.axes_of(as_tensor(x), k) for k in (source, destination))
    order.insert(destination, order.pop(source))
    return functions.transpose(x, tuple(order))


COMPUTED = frozenset((
    "add", "subtract", "multiply", "divide", "power", "negative", "exp", "log", "log1p", "expm1", "sqrt", "sin", "cos",
    "tanh", "arctan", "sign", "absolute", "maximum", "minimum", "greater", "greater_equal", "less", "less_equal",
    "equal", "not_equal", "isfinite", "matmul", "reshape", "transpose", "ravel", "squeeze", "expand_dims", "stack",
    "where", "clip", "dot", "outer", "einsum"))
COMPARISONS = frozenset(("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"))
# NumPy's name: with NumPy's arguments
ADAPTED: dict[str, Callable[..., Any]] = {
    **{name: _with_arguments(FUNCTIONS[name], "axis", "dtype", "out", "keepdims") for name in ("sum", "prod", "mean")},
    **{name: _with_arguments(FUNCTIONS[name], "axis", "dtype", "out", "ddof", "keepdims") for name in ("var", "std")},
    **{name: _with_arguments(FUNCTIONS[name[-3:]], "axis", "out", "keepdims")
       for name in ("max", "min", "amax", "amin")},
    "cumsum": _with_arguments(reductions.cumsum, "axis", "dtype", "out"),
    "linalg.norm": _norm,
    "concatenate": _joined, "concat": _joined, "take": _taken, "swapaxes": _swapped, "moveaxis": _moved,
    "broadcast_to": lambda x, shape: broadcast_to(x, shape=(shape,) if isinstance(shape, int) else tuple(shape)),
    "copy": lambda x: copy(x),
    "atleast_1d": lambda x: x if as_tensor(x).ndim else functions.reshape(x, 1),
    "permute_dims": functions.transpose,
    "matrix_transpose": functions.swap, "linalg.outer": products.outer, "linalg.matmul": products.matmul,
    "inner": _inner,
    "fabs": abs, "square": lambda x: x * x, "reciprocal": lambda x: 1.0 / x,
    "positive": lambda x: x, "float_power": functions.power, "pow": functions.power,
    "expit": FUNCTIONS["sigmoid"], "log_expit": functions.log_sigmoid,  # SciPy's ufuncs
}
# Values that no derivative could follow: shapes, places, masks of what is special, files, comparisons in tests
READ = frozenset(("shape", "ndim", "size", "argmax", "argmin", "argsort", "nonzero", "flatnonzero", "count_nonzero",
                  "argwhere", "searchsorted", "digitize", "all", "any", "isclose", "allclose", "array_equal",
                  "array_equiv", "isnan", "isinf", "isposinf", "isneginf", "signbit", "zeros_like", "ones_like",
                  "empty_like", "array_repr", "array_str", "array2string", "save", "savez",
                  "savez_compressed", "savetxt", "result_type", "can_cast", "min_scalar_type", "common_type",
                  "iscomplexobj", "isrealobj", "iscomplex", "isreal", "shares_memory", "may_share_memory"))
SHAPES = frozenset(("shape", "ndim", "size", "zeros_like", "ones_like", "empty_like"))  # may be asked while recording
# What is refused, and what says the same
SAID_OTHERWISE = {
    "histogram": "t.value and minigan.autodiff.take", "bincount": "a product with a one-hot matrix",
    "full_like": "broadcast_to", "copyto": "a new tensor", "linalg.vector_norm": "norm", "linalg.matrix_norm": "norm",
    "vstack": "concat(xs, axis=0)", "hstack": "concat(xs, axis=1)", "column_stack": "concat(xs, axis=1)",
    "split": "split(x, sizes=(...), axis=0)", "array_split": "split(x, sizes=(...), axis=0)",
    "vdot": "sum(a * b)", "tensordot": "einsum", "trace": "einsum or sum(x[i, i])", "kron": "outer and reshape",
    "average": "sum(w * x) / sum(w)", "logaddexp": "logsumexp(stack([a, b]), axis=0)", "exp2": "2.0 ** x",
    "log2": "log(x) / math.log(2)", "log10": "log(x) / math.log(10)", "tan": "sin(x) / cos(x)",
    "heaviside": "where(x > 0, 1.0, 0.0)", "cbrt": "x ** (1 / 3) for x > 0", "hypot": "norm(stack([x, y]), axis=0)",
    "flip": "x[::-1]", "roll": "concat([x[-k:], x[:-k]], axis=0)", "tile": "broadcast_to and reshape",
    "repeat": "x[indices]", "diag": "x[i, i] with i = np.arange(n)", "diagonal": "x[i, i] with i = np.arange(n)",
    "sort": "x[np.argsort(x)]", "median": "x[np.argsort(x)]", "diff": "x[1:] - x[:-1]", "nan_to_num": "where",
    "atleast_2d": "x[None]", "rollaxis": "transpose(x, axes)", "delete": "x[indices]", "append": "concat",
    "logical_and": "a product of masks", "logical_or": "maximum of masks", "logical_not": "mask == 0",
    "bitwise_and": "a product of masks", "bitwise_or": "maximum of masks", "invert": "mask == 0",
    "fmax": "maximum", "fmin": "minimum", "nansum": "where", "nanmean": "where", "compress": "x[mask]",
    "select": "where", "choose": "where", "extract": "x[mask]", "put": "where", "piecewise": "where",
}


def _ufunc(tensor: Tensor, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    name = ufunc.__name__
    if kwargs.get("out") is not None:
        raise TypeError(f"numpy.{name} of a tensor cannot be written into an array (out=, array += tensor): "
                        "write x = x + t, a new tensor")
    if method != "__call__":
        raise TypeError(f"numpy.{name}.{method} of a tensor is not computed: write sum, prod, max, cumsum of it")
    if name in COMPARISONS:  # np.float32(3) == t comes as an array, and a number has no precision of its own
        inputs = tuple(x[()] if type(x) is HostArray and x.ndim == 0 else x for x in inputs)
    return _call(name, ufunc, inputs, kwargs)


def _function(tensor: Tensor, function: Any, types: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    module = function.__module__.removeprefix("numpy")
    return _call(f"{module}.{function.__name__}".lstrip("."), function, args, kwargs)


def _call(name: str, original: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    if name in SHAPES and not kwargs:
        return original(*[HOST.broadcast_to(HOST.zeros((), x.dtype), x.shape) if isinstance(x, Tensor) else x
                          for x in args])
    if name in READ:
        return original(*[_value(x) for x in args], **{key: _value(x) for key, x in kwargs.items()})
    ours = ADAPTED.get(name) or (FUNCTIONS[name] if name in COMPUTED else None)
    if ours is None:
        instead = f"write {SAID_OTHERWISE[name]}" if name in SAID_OTHERWISE else "use a function of minigan.autodiff"
        raise TypeError(f"numpy.{name} of a tensor would lose its derivative: {instead}, "
                        "or call it on t.value if only the value is meant")
    try:
        return ours(*args, **kwargs)
    except TypeError as error:
        if "unexpected keyword" in str(error) or "positional argument" in str(error):
            raise TypeError(f"numpy.{name} of a tensor: {str(error).partition('() ')[2] or error}; "
                            f"minigan.autodiff computes {name} without it") from error
        raise


def _value(x: Any) -> Any:
    """Tensors as their arrays, in lists too."""
    if holds_tensors(x):
        return type(x)(_value(e) for e in x)
    return HOST.asarray(x) if isinstance(x, Tensor) else x


FUNCTIONS["__array_ufunc__"], FUNCTIONS["__array_function__"] = _ufunc, _function
