"""NumPy's functions called on a tensor: what each does, in a table; and no other one loses a derivative unheard."""

import inspect
import math

import numpy as np
import pytest
import scipy.special

from minigan.autodiff import Tensor, check, grad, record
from minigan.autodiff.numpy_functions import ADAPTED, COMPUTED, READ, SAID_OTHERWISE

X = np.array([[0.3, 1.2, 0.7], [1.9, 0.4, 1.1]])  # no ties, no kinks
V = np.array([0.6, 1.3, 0.9])
MASK = np.array([[True, False, True], [False, True, True]])

# -- the table ----------------------------------------------------------------------------------------
# computed, with its derivative: NumPy's name, calls of it
COMPUTES = {
    **{name: [lambda f, x: f(x)] for name in (
        "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh", "arctan", "atan", "abs", "absolute", "fabs",
        "square",
        "negative", "positive", "reciprocal", "ravel", "copy", "atleast_1d", "matrix_transpose")},
    **{name: [lambda f, x: f(x, V), lambda f, x: f(V, x), lambda f, x: f(x, 0.8), lambda f, x: f(2.0, x)]
       for name in ("add", "subtract", "multiply", "divide", "true_divide", "power", "pow", "float_power", "maximum",
                    "minimum")},
    **{name: [lambda f, x: f(x), lambda f, x: f(x, axis=0), lambda f, x: f(x, axis=(0, 1), keepdims=True)]
       for name in ("sum", "mean", "max", "min", "amax", "amin", "prod", "var", "std")},
    "cumsum": [lambda f, x: f(x), lambda f, x: f(x, axis=1), lambda f, x: f(x, 0)],
    "reshape": [lambda f, x: f(x, (3, 2)), lambda f, x: f(x, -1)],
    "transpose": [lambda f, x: f(x), lambda f, x: f(x, (1, 0))],
    "permute_dims": [lambda f, x: f(x, (1, 0))],
    "swapaxes": [lambda f, x: f(x, 0, 1)],
    "moveaxis": [lambda f, x: f(x[None], 0, -1), lambda f, x: f(x[None], 2, 0)],
    "squeeze": [lambda f, x: f(x[:, :1]), lambda f, x: f(x[:1], axis=0)],
    "expand_dims": [lambda f, x: f(x, 1), lambda f, x: f(x, axis=-1)],
    "broadcast_to": [lambda f, x: f(x, (4, 2, 3)), lambda f, x: f(x[0, 0], 3)],
    "concatenate": [lambda f, x: f([x, x]), lambda f, x: f([x, V[None]], axis=0), lambda f, x: f((x, 2.0 * x), -1),
                    lambda f, x: f([x, x], axis=None)],
    "concat": [lambda f, x: f([x, x])],
    "stack": [lambda f, x: f([x, x * x]), lambda f, x: f([x, x], axis=-1), lambda f, x: f([x[0, 0], x[1, 1]])],
    "where": [lambda f, x: f(MASK, x, 0.0), lambda f, x: f(x > 1.0, x * x, x)],
    "clip": [lambda f, x: f(x, 0.35, 1.15), lambda f, x: f(x, None, 1.0), lambda f, x: f(x, 0.5, None)],
    "take": [lambda f, x: f(x, [0, 2, 2], axis=1), lambda f, x: f(x, np.array([[5, 0]]))],
    "matmul": [lambda f, x: f(x, V), lambda f, x: f(x.T, x), lambda f, x: f(x[0], x[1]), lambda f, x: f(V[:2], x)],
    "dot": [lambda f, x: f(x, V), lambda f, x: f(V, V * x[0]), lambda f, x: f(x.T, x), lambda f, x: f(x, 2.0)],
    "inner": [lambda f, x: f(x[0], V), lambda f, x: f(x, x), lambda f, x: f(2.0, x), lambda f, x: f(x, 2.0)],
    "outer": [lambda f, x: f(x, V), lambda f, x: f(V, x[0])],
    "linalg.norm": [lambda f, x: f(x), lambda f, x: f(x, axis=1), lambda f, x: f(x[0], 2),
                    lambda f, x: f(x, 2, -1, True), lambda f, x: f(x, "fro"), lambda f, x: f(x, axis=1, keepdims=True)],
    "linalg.outer": [lambda f, x: f(x[0], x[1])],
    "linalg.matmul": [lambda f, x: f(x, x.T)],
    "einsum": [lambda f, x: f("ij,j->i", x, V), lambda f, x: f("ij,kj", x, x), lambda f, x: f("ij->j", x),
               lambda f, x: f("ij,ij", x, x), lambda f, x: f("...j,j->...", x, V), lambda f, x: f("ij,kj,kl->il", x,
               x, x),
               lambda f, x: f("ij->ji", x), lambda f, x: f("i,j->ij", x[0], V), lambda f, x: f("bi,bj->bij", x, x)],
}
FLAT = {  # computed, of derivative zero: a mask as 0 or 1, signs
    "sign": lambda f, x: f(x), "isfinite": lambda f, x: f(x), "greater": lambda f, x: f(x, 1.0),
    "greater_equal": lambda f, x: f(x, 1.1), "less": lambda f, x: f(x, V), "less_equal": lambda f, x: f(V, x),
    "equal": lambda f, x: f(x, 0.4), "not_equal": lambda f, x: f(x, 0.4),
}
READS = {  # read from the value: no derivative could follow
    **{name: lambda f, x: f(x) for name in (
        "shape", "ndim", "size", "argmax", "argmin", "argsort", "nonzero", "flatnonzero", "count_nonzero",
        "argwhere", "all",
        "any", "isnan", "isinf", "signbit", "zeros_like", "ones_like", "iscomplexobj", "isrealobj", "array2string")},
    **{name: lambda f, x: f(x, X) for name in ("isclose", "allclose", "array_equal", "array_equiv")},
    "searchsorted": lambda f, x: f(x[0], V), "digitize": lambda f, x: f(x, [0.5, 1.0]),
}
REFUSES = [  # and says what to write
    "tan", "sinh", "cosh", "arcsin", "arccos", "arctanh", "arcsinh", "exp2", "log2", "log10", "cbrt", "floor",
    "ceil", "rint",
    "trunc", "round", "around", "fix", "sinc", "i0", "deg2rad", "sort", "median", "unique",
    "cumprod", "diff", "gradient", "ediff1d", "trapezoid", "nansum", "nanmean", "nanmax", "nan_to_num", "ptp",
    "average",
    "cov", "corrcoef", "trace", "diag", "diagonal", "tril", "triu", "flip", "fliplr", "rot90", "atleast_2d",
    "logical_not",
    "real", "imag", "conj", "linalg.inv", "linalg.det", "linalg.slogdet", "linalg.svd", "linalg.svdvals", "linalg.eigh",
    "linalg.cholesky", "linalg.pinv", "linalg.qr", "linalg.cond", "linalg.matrix_norm", "linalg.vector_norm",
    "linalg.trace",
    "histogram", "fft.fft", "fft.rfft",
]
REFUSES_TWO = ["arctan2", "hypot", "logaddexp", "logaddexp2", "heaviside", "fmax", "fmin", "mod", "remainder", "fmod",
               "floor_divide", "copysign", "logical_and", "logical_or", "vdot", "tensordot", "kron", "convolve",
               "correlate",
               "append"]
# Python and NumPy convert by np.asarray(t), and cannot be told from a reader who means it
CONVERTS = {"array", "asarray", "asanyarray", "asarray_chkfinite", "ascontiguousarray", "asfortranarray", "asmatrix",
    "bmat",
            "require", "fromiter", "full", "arange", "empty", "ones", "zeros", "identity", "tri", "indices", "angle",
            "real_if_close", "linalg.matrix_rank", "tril_indices", "triu_indices", "diag_indices", "mask_indices",
            "repeat", "roll", "take",  # as how many, and which
            "bartlett", "blackman", "hamming", "hanning", "kaiser", "format_float_positional",
            "format_float_scientific"}
NO_VALUES = {"isscalar", "issubdtype", "iterable", "printoptions", "promote_types", "mintypecode", "is_busday",
             "set_printoptions"}


def numpy_function(name):
    room, _, function = name.rpartition(".")
    return getattr(getattr(np, room) if room else np, function, None)


@pytest.mark.parametrize(("name", "k"), [(name, k) for name, calls in COMPUTES.items() for k in range(len(calls))])
def test_computed_with_its_derivative(name, k):
    f, call = numpy_function(name), COMPUTES[name][k]
    if f is None:
        pytest.skip("a name of later versions of NumPy")
    y = call(f, Tensor(X))
    assert isinstance(y, Tensor)
    np.testing.assert_allclose(y.value, call(f, X), rtol=1e-13)
    check(lambda x: call(f, x), [X], order=2, directions=1)
    small = call(f, Tensor(X.astype(np.float32)) if "V" not in inspect.getsource(call) else Tensor(X))
    assert small.dtype == (np.float64 if "V" in inspect.getsource(call) else np.float32)


@pytest.mark.parametrize("name", FLAT)
def test_masks_and_signs(name):
    x = Tensor(X)
    y = FLAT[name](numpy_function(name), x)
    np.testing.assert_array_equal(y.value, FLAT[name](numpy_function(name), X))
    assert not grad(y.sum(), x).value.any()


@pytest.mark.parametrize("name", READS)
def test_read_from_the_value(name):
    answer, expected = (READS[name](numpy_function(name), x) for x in (Tensor(X), X))
    assert not isinstance(answer, Tensor)
    assert str(answer) == str(expected)


@pytest.mark.parametrize("name", [n for n in REFUSES if numpy_function(n)])
def test_refused_and_told_what_to_write(name):
    f = numpy_function(name)
    with pytest.raises(TypeError, match=r"of a tensor.*derivative: (write|use).*t\.value"):
        f(Tensor(X[:, :2] + np.eye(2)))


@pytest.mark.parametrize("name", [n for n in REFUSES_TWO if numpy_function(n)])
@pytest.mark.parametrize("order", [1, -1])
def test_refused_of_two(name, order):
    with pytest.raises(TypeError, match=r"of a tensor.*derivative: (write|use).*t\.value"):
        numpy_function(name)(*(Tensor(V), V)[::order])


def test_every_computed_name_has_a_call_here():
    assert COMPUTED | ADAPTED.keys() <= COMPUTES.keys() | FLAT.keys() | {"expit", "log_expit"}
    assert not READ & (COMPUTED | ADAPTED.keys() | SAID_OTHERWISE.keys())


def _public():
    for room, module in (("", np), ("linalg.", np.linalg), ("fft.", np.fft)):
        for name in sorted(dir(module)):
            f = getattr(module, name)
            files = name.startswith(("save", "load", "from", "gen", "memmap", "info", "test", "get_include", "show"))
            if callable(f) and not (name.startswith("_") or inspect.isclass(f) or inspect.ismodule(f) or files):
                yield room + name, f


def test_no_other_function_of_numpy_loses_a_derivative():
    def calls():  # fresh: some of NumPy's functions write into their arguments
        t, v, a = Tensor(X[:, :2].copy()), Tensor(V.copy()), V.copy()
        return [(t,), (v,), (v[0],), (v, v), (t, t), (v, 0), (v, a), (a, v), (v, v, v), (2, v), (v, 1, 2), ((2, 2), v)]

    lost = set()
    for name, f in _public():
        for args in calls():
            try:
                with np.errstate(all="ignore"):
                    answer = f(*args)
            except Exception:  # refused: by us, or by NumPy for other reasons
                continue
            answers = answer if isinstance(answer, list | tuple) else [answer]
            if not all(isinstance(a, Tensor) for a in answers) and name.rpartition(".")[2] not in READ:
                lost.add(name)
    lost -= CONVERTS | NO_VALUES
    assert not lost, "they took a tensor for a constant"


# -- the ways to ask --------------------------------------------------------------------------------------
def test_the_examples_that_lost_their_derivatives():
    v = Tensor([3.0, 4.0])
    np.testing.assert_allclose(grad((v / np.linalg.norm(v))[0], v).value, [0.128, -0.096], rtol=1e-14)
    np.testing.assert_allclose(grad(np.mean(v * np.exp(-v)), v).value, (1 - v.value) * np.exp(-v.value) / 2, rtol=1e-14)
    np.testing.assert_allclose(grad(np.dot(v, v), v).value, [6, 8])
    np.testing.assert_allclose(grad(scipy.special.expit(v).sum(), v).value,
    (s := scipy.special.expit(v.value)) * (1 - s))


def test_scipys_other_ufuncs_are_refused():
    with pytest.raises(TypeError, match="erf of a tensor"):
        scipy.special.erf(Tensor(V))


def test_arrays_on_the_left():
    v = Tensor(V)
    for make in (lambda a, v: a * v, lambda a, v: a - v, lambda a, v: a / v, lambda a, v: a**v, lambda a, v: a @ v,
                 lambda a, v: a < v, lambda a, v: a >= v, lambda a, v: a == v, lambda a, v: a != v):
        y = make(V[::-1].copy(), v)
        assert isinstance(y, Tensor)
        np.testing.assert_allclose(y.value, make(V[::-1], V))


@pytest.mark.parametrize(("call", "words"), [
    (lambda t: np.sum(t, dtype=float), "sum of a tensor.*'dtype'.*without it"),
    (lambda t: np.sum(t, 0, np.float32), "'dtype'"),
    (lambda t: np.max(t, initial=0.0), "'initial'"),
    (lambda t: np.add.reduce(t), "add.reduce of a tensor"),
    (lambda t: np.add.outer(t, t), "add.outer of a tensor"),
    (lambda t: np.exp(t, where=MASK), "exp of a tensor"),
    (lambda t: np.add(X, t, out=np.empty_like(X)), r"cannot be written into an array"),
    (lambda t: np.linalg.norm(t, ord=1), "ord=1"),
    (lambda t: t.sum(0, "float64"), "keepdims is True or False"),
    (lambda t: np.bincount([0, 1], weights=t[0, :2]), "bincount of a tensor"),
    (lambda t: np.linalg.norm(t, 2), "ord=2"),  # of a matrix: its largest singular value
    (lambda t: np.full_like(t, 2.0), "full_like of a tensor.*broadcast_to"),
    (lambda t: np.copyto(X.copy(), t), "copyto of a tensor.*a new tensor"),
    (lambda t: np.split(t, 2), r"split\(x, sizes="),
    (lambda t: np.hstack([t, t]), "concat"),
    (lambda t: np.reshape(t, (3, 2), order="F"), "'order'"),
    (lambda t: np.where(t), "where takes 3 tensors"),
])
def test_arguments_that_would_be_ignored_are_refused(call, words):
    with pytest.raises(TypeError, match=words):
        call(Tensor(X))


def test_an_array_cannot_take_a_tensor_in():
    a = X.copy()
    with pytest.raises(TypeError, match=r"array \+= tensor.*write x = x \+ t"):
        a += Tensor(X)
    np.testing.assert_array_equal(a, X)


def test_conversion_reads_the_value():
    t = Tensor(V) * 2.0
    np.testing.assert_array_equal(np.asarray(t), 2 * V)
    np.testing.assert_array_equal(np.array(t, dtype=np.float32), (2 * V).astype(np.float32))
    assert math.exp(t[0]) == math.exp(1.2)
    np.testing.assert_allclose(t, 2 * V)


def test_while_recording_values_are_not_read():
    def step(s, i):
        return {"w": np.tanh(s["w"]) * np.sum(i["x"], axis=0)}, {"n": np.mean(s["w"])}

    w, x = V.copy(), X.copy()
    report = record(step, {"w": w}, {"x": x})()
    np.testing.assert_allclose(w, np.tanh(V) * X.sum(0))
    np.testing.assert_allclose(report["n"], V.mean())
    shapes = record(lambda s, i: ({}, {"n": s["w"] * np.ones_like(s["w"])}), {"w": w}, {"x": x})()
    np.testing.assert_array_equal(shapes["n"], w)
    for read in (np.argmax, np.isnan, lambda t: np.allclose(t, 1.0)):
        with pytest.raises(TypeError, match="recorded"):
            record(lambda s, i, read=read: ({}, {"n": read(s["w"])}), {"w": w}, {"x": x})
