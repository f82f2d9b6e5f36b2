"""The double of CuPy refuses what the wheel refuses, counts what waits, and computes NumPy's bits.

Where the wheel is installed it is asked too, in a process of its own: its arrays can be laid over host memory without a
GPU, so that a call is either refused or gets as far as the driver that is missing.
"""

import builtins
import copy
import gc
import importlib
import importlib.util
import json
import operator
import pickle
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.backends import cupy_surface, double
from tests.backends.double import functions
from tests.backends.double.wheel import TABLE

WHEEL = importlib.util.find_spec("cupy") is not None
needs_the_wheel = pytest.mark.lacking("" if WHEEL else "CuPy's wheel: pip install 'minigan[cuda12]'")

# The expressions' names: x, y (3, 4) and s () of float32, d (3, 4) of float64, i (2) of int64, b (3, 4) of bool,
# all on the device; h (3, 4) of float32 on the host.
HOST = {
    "x": np.arange(12, dtype="f").reshape(3, 4), "y": np.ones((3, 4), "f"), "s": np.ones((), "f"),
    "d": np.ones((3, 4)), "i": np.array([0, 1]), "b": np.arange(12).reshape(3, 4) % 2 == 0,
}

# What the wheel refuses before it asks for a device.
REFUSED = {
    # names that it does not have
    "cupy.vecdot": "AttributeError", "cupy.errstate": "AttributeError", "cupy.block": "AttributeError",
    "cupy.linalg.vector_norm": "AttributeError", "cupy.linalg.svdvals": "AttributeError",
    "cupy.longdouble": "AttributeError", "cupy.add.identity": "AttributeError", "cupy.no_such": "AttributeError",
    "cupy.random.Generator.normal": "AttributeError", "cupy.random.Generator.permutation": "AttributeError",
    "cupy.random.Generator.shuffle": "AttributeError", "cupy.random.Generator.choice": "AttributeError",
    "x.ctypes": "AttributeError", "x.resize": "AttributeError", "x.setflags": "AttributeError",
    "x.to_device": "AttributeError", "x.__array_interface__": "AttributeError", "x.__imatmul__": "AttributeError",
    "x.flags.writeable": "AttributeError", "x.flags['WRITEABLE']": "KeyError",
    # parameters that it does not have
    "cupy.add(x, y, where=True)": "TypeError", "cupy.add(x, y, order='C')": "TypeError",
    "cupy.add(x, y, subok=True)": "TypeError", "cupy.add.reduce(x, initial=0)": "TypeError",
    "cupy.add.reduce(x, where=b)": "TypeError", "cupy.sum(x, where=b)": "TypeError", "x.sum(where=b)": "TypeError",
    "cupy.sum(x, initial=0)": "TypeError", "cupy.max(x, initial=0)": "TypeError", "x.min(initial=0)": "TypeError",
    "cupy.mean(x, where=True)": "TypeError", "x.std(0, correction=1)": "TypeError", "cupy.clip(x, min=0)": "TypeError",
    "cupy.clip(x, max=0)": "TypeError", "x.clip(0, 1, dtype='f')": "TypeError", "x.item(0)": "TypeError",
    "cupy.zeros(3, device='cpu')": "TypeError", "cupy.asarray(h, device='cpu')": "TypeError",
    "cupy.asarray(h, like=x)": "TypeError", "cupy.eye(3, device=None)": "TypeError",
    "cupy.ones_like(x, shape=(2,), device=None)": "TypeError", "cupy.take(x, i, mode='clip')": "TypeError",
    "cupy.broadcast_to(x, (2, 3, 4), subok=True)": "TypeError", "x.reshape(shape=(4, 3))": "TypeError",
    "x.transpose(axes=(1, 0))": "TypeError", "cupy.linalg.eigh(x, 'L', 1)": "TypeError",
    "cupy.where(b, x, y, x)": "TypeError", "cupy.matmul(x, y.T, cupy)": "TypeError",
    "cupy.add(x)": "TypeError", "cupy.add(x, y, x, y)": "TypeError", "cupy.add(x, y, x, out=x)": "ValueError",
    "x.astype('f8', casting='no')": "TypeError", "x.astype('f8', 'K', 'unsafe')": "TypeError",
    # methods of ufuncs
    "cupy.maximum.reduce(x)": "NotImplementedError", "cupy.subtract.reduce(x)": "NotImplementedError",
    "cupy.multiply.at(x, i, 1.0)": "NotImplementedError", "cupy.maximum.accumulate(x)": "NotImplementedError",
    "cupy.multiply.reduceat(x, i)": "NotImplementedError", "cupy.add.at(b, i, b[:2])": "TypeError",
    # NumPy's way in, and host arrays
    "np.asarray(x)": "TypeError", "np.array(x)": "TypeError", "np.asarray([x, y])": "TypeError",
    "h.__setitem__(Ellipsis, x)": "TypeError", "np.testing.assert_array_equal(x, y)": "TypeError",
    "cupy.array([x, h])": "TypeError", "cupy.matmul(x, h.T)": "TypeError", "x @ h.T": "TypeError",
    "h @ x.T": "TypeError", "x @ 2.0": "TypeError", "2.0 @ x": "TypeError", "cupy.dot(x, h.T)": "TypeError",
    "x.dot(h.T)": "TypeError", "x.sum(0, None, h)": "TypeError", "x.cumsum(0, out=h)": "TypeError",
    "cupy.matmul(x, y.T, out=h)": "TypeError", "cupy.stack([x, h])": "TypeError", "cupy.take(h, i, 0)": "TypeError",
    "cupy.take(x, i, 0, h)": "TypeError", "cupy.broadcast_to(h, (2, 3, 4))": "TypeError",
    "cupy.may_share_memory(x, h)": "TypeError", "cupy.nonzero(h)": "TypeError", "cupy.any(h)": "TypeError",
    "cupy.cumsum(h)": "TypeError", "cupy.tensordot(h, h)": "TypeError", "x.set(y)": "TypeError",
    "x.__setitem__(Ellipsis, h)": "ValueError", "x.__setitem__(0, h[0])": "ValueError",
    "x.__setitem__(0, [1, 2, 3, 4])": "ValueError", "cupy.copyto(x, h)": "ValueError", "x.fill(h)": "ValueError",
    # dtypes, shapes, indices
    "cupy.copyto(i, x[0, :2])": "TypeError", "cupy.take(d, i, 0, x[:2])": "TypeError",
    "cupy.take(x, i, 0, y)": "ValueError", "cupy.dot(x, y.T, x)": "ValueError", "x.astype('S3')": "ValueError",
    "x.set(d_host)": "TypeError", "x.set(h[0])": "ValueError", "x[:, ::2].set(h[:, ::2])": "RuntimeError",
    "x.T.view('u1')": "ValueError", "x[0, :3].view('f8')": "ValueError", "x.view('f4', np.ndarray)": "ValueError",
    "i.mT": "ValueError", "x.reshape(5, 3)": "ValueError", "x.transpose(0, 0)": "ValueError",
    "x.squeeze(0)": "ValueError", "x[3]": "IndexError", "x[s]": "IndexError", "x[0, 0, 0]": "IndexError",
    "x[..., ...]": "IndexError", "x.sum(7)": "AxisError", "cupy.where(b, x)": "ValueError",
    "x.sort(kind='heapsort')": "ValueError",
    "cupy.where(True, x, y)": "AttributeError", "cupy.may_share_memory(x, y, 1)": "NotImplementedError",
    "cupy.broadcast_to(x, (2, 2))": "ValueError", "cupy.copyto(x, y[:2, :2])": "ValueError",
    # Python's ways in
    "bool(x)": "ValueError", "x.item()": "ValueError", "iter(s)": "TypeError", "len(s)": "TypeError",
    "hash(x)": "TypeError", "range(s)": "TypeError", "operator.index(i[0])": "TypeError",
    "setattr(x, 'T', y)": "AttributeError", "setattr(x, 'dtype', 'i4')": "AttributeError",
}
# What its kernels refuse: it asks for a device first, so that without a GPU only its sources tell.
REFUSED_BY_KERNELS = {
    "x + h": "TypeError", "h + x": "TypeError", "x - np.array(1.0)": "TypeError", "x + [1, 2]": "TypeError",
    "[1, 2] + x": "TypeError", "x + 'a'": "TypeError", "x + None": "TypeError", "x < h": "TypeError",
    "x.__iadd__(h)": "TypeError", "h.__iadd__(x)": "TypeError", "cupy.add(x, h)": "TypeError",
    "cupy.add(x, y, h)": "TypeError", "cupy.add(x, y, out=h)": "TypeError", "cupy.exp(h)": "TypeError",
    "np.add(x, h)": "TypeError", "cupy.where(b, x, h)": "TypeError", "cupy.where(h > 0, x, y)": "TypeError",
    "cupy.concatenate([x, h])": "TypeError", "cupy.clip(x, h, h)": "TypeError", "cupy.outer(x, h)": "TypeError",
    "cupy.add(x, y, b)": "TypeError", "i.__iadd__(1.5)": "TypeError",
    "i.__itruediv__(2)": "TypeError", "cupy.add(x, y, y[:2])": "ValueError", "cupy.asarray('a')": "ValueError",
    "cupy.asarray(object())": "ValueError",
}
# What it would do, or try to, and the double refuses all the same.
STRICTER = {
    "x + np.float64(1)": "TypeError", "np.float64(1) * x": "TypeError", "cupy.maximum(x, np.float64(0))": "TypeError",
    "cupy.where(b, x, np.float64(0))": "TypeError", "np.add(x, y)": "TypeError", "np.sum(x)": "TypeError",
    "np.concatenate([x, y])": "TypeError", "np.shape(x)": "TypeError", "cupy.sum(h)": "TypeError",
    "cupy.sort(h)": "TypeError", "cupy.fuse": "NotImplementedError", "cupy.ElementwiseKernel": "NotImplementedError",
    "cupy.argmax(x, 0, i)": "TypeError",  # its third is the dtype, NumPy's is out
    "x.flat": "NotImplementedError",
}
# What it takes: without a GPU it gets as far as the driver or a library of CUDA's.
TAKEN = [
    "cupy.add(x, y, x)", "cupy.add(x, y, None)", "cupy.add(x, y, out=(x,))", "cupy.add(x, y, dtype='f4')",
    "cupy.add.reduce(x, (0,), None, None, True)", "cupy.add.at(x, i, 1.0)", "cupy.add.at(i, i, i)",
    "cupy.max(x, (0,), None, True)", "cupy.matmul(x, y.T)", "cupy.concatenate((x, y), 0, None)",
    "cupy.where(b, x, 0.0)", "cupy.take(x, i, 0)", "cupy.take(x, [0, 1], 0)", "cupy.copyto(x, 1.0)",
    "cupy.copyto(x, np.array(1.0))", "cupy.asarray(h)", "cupy.array(x, order='C')", "cupy.array([x, y])",
    "cupy.empty(4, dtype='uint8')", "cupy.zeros_like(h)", "x.copy(order='K')", "x.fill(np.array(1.0))", "x + 1.0",
    "x + np.float32(1)", "np.float32(2) * x", "x ** 2", "2.0 ** x", "x < 1", "abs(x)", "x.__iadd__(d)", "x[i]",
    "x[:, i]", "x[[0, 1]]", "x[np.array([0, 1])]", "x[b]", "x.__setitem__(i, h[:2])", "x.__setitem__(0, d[0])",
    "x.__setitem__(Ellipsis, np.float64(1))", "x.__setitem__((0, 1), np.array(1.0))", "x.set(h)", "float(s)", "x.get()",
    "x.tolist()", "str(x)", "cupy.linalg.svd(x)", "cupy.random.default_rng(0)", "cupy.isfinite(x, x)", "x.clip(min=0)",
    "cupy.ndarray((2,), 'f')",
    "cupy.random.Philox4x3210(np.random.SeedSequence(3))", "cupy.logaddexp(x, y, x)", "cupy.shares_memory(x, y)",
]
# What it answers without a device, as Python shows it: layouts, views and sizes, which the double must share.
ANSWERED = [
    "x.T.strides", "x.mT.shape", "x[None].strides", "x[:, :1].strides", "x[0, 1].shape", "x[..., None].shape",
    "x.reshape([4, 3]).transpose([1, 0]).strides", "x.T.reshape(3, 4, order='F').strides", "x.T.flags.c_contiguous",
    "x.T.flags['F_CONTIGUOUS']", "x[0].flags.owndata", "x[0].base is x", "x[1:].T[0].base is x", "x.base",
    "x.astype('f4', copy=False) is x", "cupy.ascontiguousarray(x) is x", "x.view() is x", "x.view('u1').shape",
    "cupy.broadcast_to(x, (2, 3, 4)).strides", "cupy.may_share_memory(x, x[1:])", "cupy.may_share_memory(x, y)",
    "cupy.may_share_memory(x[:1], x[1:])", "type(x).__module__", "type(x).__qualname__", "len(x)", "x.size, x.nbytes",
    "x.itemsize, x.ndim, x.dtype", "cupy.add.nin, cupy.add.nout, cupy.add.nargs, cupy.add.name", "cupy.float32(1)",
    "cupy.ndim(x), cupy.shape(x)", "cupy.result_type(x, 1.0)", "cupy.get_array_module(x) is cupy", "cupy.newaxis",
    "cupy.get_array_module(h) is np", "isinstance(x, np.ndarray)", "len(list(x))",
    "x[1].data.ptr - x.data.ptr", "x.swapaxes(0, 1).strides", "cupy.moveaxis(x, 0, 1).strides",
    "setattr(x.flags, 'writeable', False)",
]
# How many bytes it asks for, call by call, before it needs the driver.
ALLOCATED = {
    "allocated(lambda: cupy.random.Generator(None).random(out=x, dtype=x.dtype))": "[4]",  # one number
    "allocated(lambda: cupy.random.Generator(None).random(x.shape, x.dtype, x))": "[48]",
    "allocated(lambda: cupy.random.Generator(None).standard_normal(out=x, dtype=x.dtype))": "[]",  # straight into x
}


@pytest.fixture
def names() -> dict:
    with double.installed() as cupy:
        yield {"cupy": cupy, "h": HOST["x"].copy(), "d_host": HOST["d"], "np": np, "operator": operator,
               **{name: cupy.asarray(value) for name, value in HOST.items()}}


# -- refusals ----------------------------------------------------------------------------------
@pytest.mark.parametrize(("expression", "error"), {**REFUSED, **REFUSED_BY_KERNELS, **STRICTER}.items())
def test_it_refuses(expression: str, error: str, names: dict) -> None:
    with pytest.raises(getattr(np.exceptions, error, None) or getattr(builtins, error)):
        eval(expression, names)


@pytest.mark.parametrize("expression", TAKEN)
def test_it_takes(expression: str, names: dict) -> None:
    eval(expression, names)


def test_a_mistake_names_what_is_wrong(names: dict) -> None:
    for expression, message in {
        "cupy.sum(x, where=b)": "sum() got an unexpected keyword argument 'where'",
        "x + h": "Unsupported type <class 'numpy.ndarray'>",
        "np.asarray(x)": "Implicit conversion to a NumPy array is not allowed. Please use `.get()`",
        "cupy.vecdot": "module 'cupy' has no attribute 'vecdot'",
        "cupy.fuse": "the double has no cupy.fuse; CuPy has",
    }.items():
        with pytest.raises(Exception, match=re.escape(message)):
            eval(expression, names)


# -- counts --------------------------------------------------------------------------------------
@pytest.mark.parametrize("expression", [
    "float(s)", "int(s)", "complex(s)", "bool(s)", "s.item()", "x.tolist()", "x.get()", "cupy.asnumpy(x)",
    "x.tobytes()", "str(x)", "repr(x)", "f'{s:.2f}'", "cupy.nonzero(x)", "x.nonzero()", "cupy.where(b)",
    "cupy.unique(x)", "x[b]", "x.__setitem__(b, 1.0)",
    "cupy.repeat(x, i[1:])", "cupy.arange(s)", "cupy.linalg.svd(x)", "cupy.bincount(i)",
    "cupy.cuda.runtime.deviceSynchronize()", "cupy.cuda.Stream.null.synchronize()", "cupy.cuda.Event().synchronize()",
    "cupy.cuda.Device().synchronize()", "pickle.dumps(x)", "s if s else x", "cupy.shares_memory(x, y)",
])
def test_it_waits_once(expression: str, names: dict) -> None:
    with double.counting() as counts:
        eval(expression, names | {"pickle": pickle})
    assert counts.syncs == 1, counts.waited


@pytest.mark.parametrize("expression", [
    "x + y", "cupy.add(x, 1.0, x)", "x @ y.T", "x.sum(0)", "x[0]", "x[i]", "x[:, 1:]", "x.__setitem__(i, 1.0)",
    "x.copy()", "x.__setitem__(Ellipsis, y)", "cupy.zeros(3)", "cupy.linspace(0, 1, 5)", "cupy.where(b, x, y)",
    "cupy.take(x, i, 0)", "cupy.array_equal(x, y)", "x.astype('f8')", "len(x)", "list(x)",
    "cupy.repeat(x, 2)", "copy.deepcopy(x)", "cupy.random.default_rng(0).standard_normal(5)", "cupy.full(3, s)",
    "cupy.array([x, y])",
    "cupy.linalg.norm(x)",
])
def test_it_does_not_wait(expression: str, names: dict) -> None:
    with double.counting() as counts:
        eval(expression, names | {"copy": copy})
    assert (counts.waited, counts.uploaded) == ([], [])


@pytest.mark.parametrize("expression", [
    "cupy.asarray(h)", "cupy.array(h)", "cupy.asarray(1.0)", "x.set(h)", "x[[0, 1]]", "x[np.array([0, 1])]",
    "cupy.take(x, [0, 1], 0)", "x.__setitem__(i, h[:2])",
])
def test_it_uploads_once(expression: str, names: dict) -> None:
    with double.counting() as counts:
        eval(expression, names)
    assert (counts.syncs, counts.uploads) == (0, 1)


def test_a_wait_says_where(names: dict) -> None:
    with double.counting() as outer, double.counting() as inner:
        float(names["s"])
    line = sys._getframe().f_lineno - 1
    assert inner.waited == outer.waited
    assert inner.waited[0].startswith(f"float at test_double.py:{line} < ")


# -- bits ------------------------------------------------------------------------------------------
LAYOUTS = {
    "C": lambda xp, x: x, "transposed": lambda xp, x: x.T, "strided": lambda xp, x: x[:, ::2],
    "backwards": lambda xp, x: x[::-1], "broadcast": lambda xp, x: xp.broadcast_to(x[:1], (5, 4)),
}
FORMULAS = {
    "arithmetic": lambda xp, x: (x * 2.0 + 1.0) / (x * x + 3.0) - x ** 2,
    "functions": lambda xp, x: xp.tanh(x) + xp.exp(-xp.abs(x)) * xp.log1p(x * x),
    "kinks": lambda xp, x: xp.where(x > 0.5, xp.maximum(x, 0.1), xp.minimum(x, -0.1)),
    "mask": lambda xp, x: xp.greater(x, 0.5, xp.empty_like(x)),
    "sums": lambda xp, x: xp.add.reduce(x, (0,), None, None, True) + x.mean(1, keepdims=True),
    "product": lambda xp, x: xp.matmul(x, x.mT, out=xp.empty((len(x), len(x)), x.dtype)),
    "take": lambda xp, x: xp.take(x, xp.asarray([2, 0, 2]), 0),
    "indices": lambda xp, x: x[xp.asarray([0, 1]), 1:],
    "joined": lambda xp, x: xp.concatenate([x, x[:, :1]], 1),
    "linear algebra": lambda xp, x: xp.linalg.eigh(x @ x.mT)[0],
    "sorted": lambda xp, x: xp.sort(x, 0) + xp.cumsum(x, 1),
    "einsum": lambda xp, x: xp.einsum("ij,kj->ik", x, x),
    "like": lambda xp, x: xp.zeros_like(x),
    "copy": lambda xp, x: x.copy(order="K"),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("formula", FORMULAS)
def test_its_bits_and_layouts_are_numpys(formula: str, layout: str, dtype: str) -> None:
    values = np.random.default_rng(0).standard_normal((5, 4)).astype(dtype)
    compute, arrange = FORMULAS[formula], LAYOUTS[layout]
    with double.installed() as cupy:
        y, expected = compute(cupy, arrange(cupy, cupy.asarray(values))), compute(np, arrange(np, values))
    assert type(y) is double.cupy.ndarray
    assert (y.shape, y.strides, y.dtype) == (expected.shape, expected.strides, expected.dtype)
    assert y.get().tobytes() == expected.tobytes()


def test_linear_algebra_answers_with_plain_tuples(names: dict) -> None:
    cupy, x = names["cupy"], names["x"]
    assert type(cupy.linalg.eigh(x @ x.T)) is type(cupy.linalg.svd(x)) is tuple


def test_numbers_of_a_reduction_stay_on_the_device(names: dict) -> None:
    x, cupy = names["x"], names["cupy"]
    for y in (x.sum(), x.max(), cupy.mean(x), x[0, 0], cupy.array_equal(x, x), cupy.count_nonzero(x), cupy.sqrt(2.0)):
        assert isinstance(y, double.cupy.ndarray) and y.shape == ()


# -- memory ----------------------------------------------------------------------------------------
def test_indices_wrap_around(names: dict) -> None:
    x, cupy = names["x"], names["cupy"]
    far = cupy.asarray([3, -4, 7])
    near = cupy.asarray([0, 2, 1])
    for y, expected in [(x[far], x[near]), (cupy.take(x, far, 0), x[near]), (x.take(far, 0), x[near]),
                        (x[:, far + 1], x[:, [0, 1, 0]]), (x[..., far[:1]], x[..., [3]])]:
        assert (y == expected).all()
    x[far] = cupy.asarray(9.0)
    assert (x == 9.0).all()
    total = cupy.zeros(3)
    cupy.add.at(total, cupy.asarray([0, 3, 6, -1]), 1.0)
    assert total.tolist() == [3.0, 0.0, 1.0]
    with pytest.raises(IndexError):
        x[3]  # an integer does not


def test_views_share_memory_and_arrays_by_index_do_not(names: dict) -> None:
    x, i = names["x"], names["i"]
    for view in (x[0], x[..., 0], x.T, x.reshape(-1), x[0, 0]):
        view[...] = -1.0
        assert x[0, 0] == -1.0 and view.base is view[...].base is x
        x[0, 0] = 0.0
    for fresh in (x[i], x[i[0]], x.copy(), x + 0, x.astype("f4")):
        fresh[...] = -1.0
        assert x[0, 0] == 0.0 and fresh.base is None


def test_an_output_is_the_array_that_was_given(names: dict) -> None:
    x, y, cupy = names["x"], names["y"], names["cupy"]
    assert cupy.add(x, y, x) is x and cupy.exp(x, out=y) is y and cupy.sum(x, 0, None, z := cupy.empty(4, "f")) is z
    before = x
    x += 1.0
    assert x is before


def test_host_memory_is_not_shared() -> None:
    h = np.zeros(3)
    with double.installed() as cupy:
        x = cupy.asarray(h)
        x[...] = 1.0
        x.get()[...] = 2.0
    assert (h == 0.0).all() and x.tolist() == [1.0, 1.0, 1.0]


def test_unwritten_memory_shows() -> None:
    with double.installed() as cupy:
        assert cupy.isnan(cupy.empty((2, 3), "f")).all() and cupy.isnan(cupy.empty(16, "u1").view("f8")).all()
        assert (cupy.empty_like(cupy.zeros(2, int)) == -1).all()


def test_the_pool_knows_what_lives() -> None:
    with double.installed() as cupy:
        pool = cupy.get_default_memory_pool()
        gc.collect()  # what other tests have left behind
        before = pool.used_bytes()
        x = cupy.zeros(1000)
        view = x[10:]
        assert pool.used_bytes() - before == x.nbytes
        del x, view
        assert pool.used_bytes() == before


def test_a_device_has_no_flags_to_raise() -> None:
    with double.installed() as cupy, np.errstate(all="raise"):
        assert cupy.isinf(1.0 / cupy.zeros(1)).all() and cupy.isnan(cupy.log(cupy.zeros(1) - 1.0)).all()


def test_a_tensors_operators_come_first(names: dict) -> None:
    """Whoever sets ``__array_ufunc__ = None`` has the say, as with NumPy's arrays."""

    class Tensor:
        __array_ufunc__ = None

        def __radd__(self, other: object) -> str:
            return "mine"

    assert names["x"] + Tensor() == "mine"


def test_draws_go_where_they_are_told() -> None:
    with double.installed() as cupy:
        rng, again = cupy.random.default_rng(1), cupy.random.Generator(cupy.random.XORWOW(1))
        out = cupy.empty((2, 3), "f")
        assert rng.standard_normal(out=out, dtype=out.dtype) is out and not cupy.isnan(out).any()
        assert (out == again.standard_normal((2, 3), "f")).all()
        assert rng.uniform(0.0, 1.0, 4, "f4").dtype == "f4"


def test_random_without_a_size_is_one_number_everywhere() -> None:
    """As CuPy's: `rng.random(out=x)` fills x with copies, `rng.random(x.shape, out=x)` and standard_normal do not."""
    with double.installed() as cupy:
        rng, out = cupy.random.default_rng(1), cupy.empty((2, 3), "f")
        assert rng.random(out=out, dtype="f") is out and len(cupy.unique(out)) == 1
        assert rng.random(out.shape, "f", out) is out and len(cupy.unique(out)) == 6
        assert len(cupy.unique(rng.standard_normal(out=out, dtype="f"))) == 6


# -- the module ------------------------------------------------------------------------------------
def test_it_is_cupy_as_long_as_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sys.modules.get("cupy")
    with double.installed() as cupy:
        import cupy.cuda.runtime
        import cupy.lib.stride_tricks

        assert importlib.import_module("cupy") is sys.modules["cupy"] is cupy
        assert sys.modules[type(cupy.zeros(1)).__module__] is cupy
        assert cupy.cuda.runtime.getDeviceCount() == 1
        assert cupy.cuda.runtime.getDeviceProperties(0)["name"] == b"double"
        start, end = cupy.cuda.Event(), cupy.cuda.Event()
        start.record(), end.record()
        assert cupy.cuda.get_elapsed_time(start, end) >= 0
        with pytest.raises(cupy.cuda.runtime.CUDARuntimeError):
            cupy.cuda.Device(1)
    assert sys.modules.get("cupy") is before
    assert double.install(monkeypatch) is sys.modules["cupy"]
    monkeypatch.undo()
    assert sys.modules.get("cupy") is before


# -- the wheel ---------------------------------------------------------------------------------------
ASK = """
import json, operator, sys, warnings
warnings.simplefilter("ignore")
import cupy, numpy as np
def device(a):
    memory = cupy.cuda.UnownedMemory(a.ctypes.data, a.nbytes, a, device_id=0)
    return cupy.ndarray(a.shape, a.dtype, cupy.cuda.MemoryPointer(memory, 0), a.strides)
def allocated(function):
    sizes = []
    def allocate(n):
        sizes.append(n)
        return device(np.empty(n, "u1")).data
    with cupy.cuda.using_allocator(allocate):
        try:
            function()
        except Exception:
            return sizes
def answer(expression, names):
    try:
        return repr(eval(expression, names))
    except Exception as error:
        return [kind.__name__ for kind in type(error).__mro__]
def names():
    x = np.arange(12, dtype="f").reshape(3, 4)
    host = {"x": x, "y": np.ones((3, 4), "f"), "s": np.ones((), "f"), "d": np.ones((3, 4)), "i": np.array([0, 1]),
            "b": np.arange(12).reshape(3, 4) % 2 == 0}
    return {"cupy": cupy, "np": np, "operator": operator, "allocated": allocated, "h": x.copy(), "d_host": host["d"],
            **{name: device(a) for name, a in host.items()}}
print(json.dumps({expression: answer(expression, names()) for expression in json.load(sys.stdin)}))
"""


@pytest.fixture(scope="module")
def wheel() -> dict:
    """What the wheel answers to every expression: its repr, or the names of its error's classes."""
    count = "import cupy; print(cupy.cuda.runtime.getDeviceCount())"
    if subprocess.run([sys.executable, "-c", count], capture_output=True, text=True).stdout.strip() not in ("", "0"):
        pytest.skip("a GPU answers, and it would take the host's memory for its own")
    asked = subprocess.run([sys.executable, "-c", ASK], input=json.dumps([*REFUSED, *TAKEN, *ANSWERED, *ALLOCATED]),
                           text=True, capture_output=True, check=True)
    return json.loads(asked.stdout)


@needs_the_wheel
def test_the_table_is_the_wheels() -> None:
    script = Path(cupy_surface.__file__)
    printed = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout
    assert json.loads(printed) == TABLE, f"write it anew: python {script} --write"


@needs_the_wheel
@pytest.mark.parametrize(("expression", "error"), REFUSED.items())
def test_the_wheel_refuses_it_too(expression: str, error: str, wheel: dict) -> None:
    assert error in wheel[expression]


@needs_the_wheel
@pytest.mark.parametrize("expression", TAKEN)
def test_the_wheel_takes_it_as_far_as_the_driver(expression: str, wheel: dict) -> None:
    assert isinstance(wheel[expression], str) or {"CUDARuntimeError", "ImportError"} & {*wheel[expression]}


@needs_the_wheel
@pytest.mark.parametrize("expression", ANSWERED)
def test_the_wheel_answers_the_same(expression: str, wheel: dict, names: dict) -> None:
    assert repr(eval(expression, names)) == wheel[expression]


@needs_the_wheel
@pytest.mark.parametrize(("expression", "sizes"), ALLOCATED.items())
def test_the_wheel_draws_as_many_numbers(expression: str, sizes: str, wheel: dict) -> None:
    assert wheel[expression] == sizes


def test_what_is_written_by_hand_has_the_tables_parameters() -> None:
    modules, classes = TABLE["modules"], TABLE["classes"]
    written = [(f, modules["cupy"][name]) for name, f in vars(functions).items() if name in modules["cupy"]]
    for kind in (double.cupy.ndarray, double.cupy.ufunc):
        written += [(f, classes[kind.__name__][name]) for name, f in vars(kind).items()
                    if name in classes[kind.__name__] and f.__class__.__name__ == "function"]
    written = [(f, entry) for f, entry in written if getattr(f, "__module__", "").startswith(double.__name__)
               and entry.startswith("function")]
    assert len(written) > 20
    for f, entry in written:
        assert cupy_surface.entry(f, method="." in f.__qualname__) == entry, f.__qualname__


def test_the_table_holds_what_it_should() -> None:
    kinds = Counter(entry.split()[0] for entry in TABLE["modules"]["cupy"].values())
    assert kinds["ufunc"] > 90 and kinds["function"] > 250
    assert TABLE["modules"]["cupy"]["clip"] == "function a, a_min, a_max, out=0"
    assert TABLE["modules"]["cupy"]["add"] == "ufunc 2 1 accumulate at outer reduce reduceat"
