"""The calculus on every array library: values, rules, dtypes, layouts, replay; expected values are the host's."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from minigan import autodiff as ad
from minigan.autodiff import PRIMITIVES, Tensor, check, grad
from minigan.autodiff.check import listed
from minigan.devices.primitives import Row
from tests.backends.backend import BACKENDS, Backend, assert_close, present
from tests.primitive_rows import KINKS, ROWS, TAKEN, Y, assert_float32
from tests.programs import MINIGAN, NUMPY, arrays, programs, run
from tests.replays import agree, agree_on, penalized_step, steps, training

few = settings(max_examples=max(5, settings.default.max_examples // 4))
every_row = pytest.mark.parametrize("row", ROWS, ids=[f"{k}-{row.name}" for k, row in enumerate(ROWS)])


@pytest.fixture(autouse=True)
def computable(request, backend: Backend) -> None:
    row = request.node.callspec.params.get("row") if hasattr(request.node, "callspec") else None
    if row is not None and not backend.has(row):
        pytest.skip("the library has no such index")


replaying = pytest.mark.parametrize(
    "backend", present(row.name for row in BACKENDS.values() if row.replays), indirect=True)
SCATTERED = {"take", "scatter_add", "gather", "scatter"}  # no complex step: CuPy's add.at takes no complex numbers
ELEMENTWISE = [row for row in ROWS if PRIMITIVES[row.name].elementwise]


# -- primitives --------------------------------------------------------------------------------
@every_row
def test_value(row: Row, backend: Backend) -> None:
    there = row.of(backend.array)
    for dtype, rtol in (("float64", 1e-13), ("float32", 1e-5)):
        xs = [np.asarray(x, dtype) for x in row.inputs]
        found = listed(there(*map(backend.array, xs)))
        for y, numpys, reference in zip(found, listed(row(*xs)), listed(row.value(*row.inputs)), strict=True):
            backend.assert_equal(y, numpys, rtol)
            np.testing.assert_allclose(numpys.value, reference, rtol, atol=1e-7 if dtype == "float32" else 0)


@every_row
def test_rule_at_orders_1_and_2(row: Row, backend: Backend) -> None:
    there = row.of(backend.array)
    xs = [backend.tensor(x) for x in row.inputs]
    if row.flat:
        for g in grad(there(*xs).sum(), xs):
            assert_close(g, np.zeros(g.shape))
    else:
        analytic = backend.analytic and PRIMITIVES[row.name].analytic and row.name not in SCATTERED
        check(there, [x.value for x in xs], order=2, analytic=analytic, directions=1)


@every_row
def test_float32_stays_float32(row: Row, backend: Backend) -> None:
    assert_float32(row.of(backend.array), row.inputs, backend.array)
    if PRIMITIVES[row.name].elementwise:  # NumPy makes scalars of results without axes
        scalars = replace(row, before=tuple(m[0, 0] for m in row.before))
        assert_float32(scalars.of(backend.array), [x.flat[0] for x in row.inputs], backend.array)


@pytest.mark.parametrize("row", ELEMENTWISE, ids=lambda row: row.name)
def test_elementwise_on_small_shapes(row: Row, backend: Backend) -> None:
    for shape in [(), (1,), (0,), (1, 0), (1, 1, 1)]:
        inputs = [np.full(shape, x.flat[0]) for x in row.inputs]
        masked = replace(row, before=(np.ones(shape, bool),)) if row.before else row
        xs = [backend.tensor(x) for x in inputs]
        y = masked.of(backend.array)(*xs)
        backend.assert_equal(y, masked(*inputs))
        for g, x, slope in zip(grad(y.sum(), xs), inputs, gradients(masked, inputs), strict=True):
            assert g.shape == x.shape
            backend.assert_equal(g, slope)


def gradients(f, inputs):
    """Of the sum of all outputs, by NumPy."""
    xs = [Tensor(x) for x in inputs]
    return grad(sum(y.sum() for y in listed(f(*xs))), xs)


def transposed(xp, x):
    return xp.permute_dims(xp.asarray(np.ascontiguousarray(x.T)), tuple(range(x.ndim))[::-1])


def strided(xp, x):
    return xp.asarray(np.repeat(x, 2, axis=-1))[..., ::2]


def sliced(xp, x):
    return xp.asarray(np.pad(x, 1, constant_values=np.nan))[(slice(1, -1),) * x.ndim]


def broadcast(xp, x):
    return xp.broadcast_to(xp.asarray(x[:1]), x.shape)


@pytest.mark.parametrize("layout", [transposed, strided, sliced, broadcast])
@every_row
def test_views_as_inputs(row: Row, layout, backend: Backend) -> None:
    """What a library computes of a view is what it computes of the numbers (but for BLAS, which copies some)."""
    there, xs = row.of(backend.array), [Tensor(layout(backend.xp, x)) for x in row.inputs]
    inputs = [layout(np, x) for x in row.inputs]
    ys = listed(there(*xs))
    for y, expected in zip(ys, listed(row(*inputs)), strict=True):
        assert_close(y, expected, rtol=1e-13)
    if not row.flat:
        for g, expected in zip(grad(sum(y.sum() for y in ys), xs), gradients(row, inputs), strict=True):
            assert_close(g, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("f", "at", "expected"), KINKS)
def test_convention_at_a_kink(f, at, expected, backend: Backend) -> None:
    x = backend.tensor(at, float)
    g = grad(f(x).sum(), x)
    assert_close(g, np.array(expected))
    assert_close(ad.isfinite(grad((g * g).sum(), x)), np.ones(len(at)))


def test_a_tensor_with_arrays_and_numbers_beside_it(backend: Backend) -> None:
    """To its right: an array to its left decides itself, and those of dpnp and of the standard refuse."""
    def expressions(x, b, b_t):
        return [x + b, x - b, x * b, x / b, abs(x) ** b, x @ b_t, np.float64(2) * x, 2 - x, 1.5 / x, 2**x, -x[1:, ::2],
                x[None, 0], abs(x)]

    b = np.abs(Y) + 0.5
    found = expressions(backend.tensor(Y), backend.array(b), backend.array(b.T))
    for y, expected in zip(found, expressions(Y, b, b.T), strict=True):
        assert_close(y, expected, rtol=1e-13)


# -- products ----------------------------------------------------------------------------------
@pytest.mark.parametrize("lead", [((), ()), ((3,), ()), ((), (3,)), ((2, 1), (3,)), ((1,), (2,))], ids=str)
def test_matmul(lead, backend: Backend) -> None:
    rng = np.random.default_rng(5)
    for inner, ta, tb in product([1, 4], [False, True], [False, True]):
        a = rng.standard_normal((*lead[0], *((inner, 2) if ta else (2, inner))))
        b = rng.standard_normal((*lead[1], *((3, inner) if tb else (inner, 3))))
        expected = np.einsum(f"...{'ki' if ta else 'ik'},...{'jk' if tb else 'kj'}->...ij", a, b)

        def f(a, b, flags={"ta": ta, "tb": tb}):  # noqa: B006
            return ad.matmul(a, b, **flags)

        assert_close(f(backend.array(a), backend.array(b)), expected, rtol=1e-12, atol=1e-14)
        check(f, [backend.array(a), backend.array(b)], order=2, analytic=backend.analytic, directions=1)


@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 1), (1, 5, 1), (5, 1, 1), (1, 1, 5), (2, 0, 3), (0, 2, 3)])
def test_matmul_of_thin_matrices(m: int, k: int, n: int, backend: Backend) -> None:
    a, b = backend.tensor(np.ones((m, k))), backend.tensor(np.ones((k, n)))
    y = a @ b
    assert_close(y, np.full((m, n), float(k)))
    for g, expected in zip(grad(y.sum(), [a, b]), (np.full((m, k), float(n)), np.full((k, n), float(m))), strict=True):
        assert_close(g, expected)


def test_matmul_with_itself(backend: Backend) -> None:
    a = np.random.default_rng(0).standard_normal((5, 3))
    gram = backend.tensor(a)
    assert_close(ad.matmul(gram, gram, tb=True), a @ a.T, rtol=1e-12)
    check(lambda a: a @ ad.swap(a), [gram.value], order=2, analytic=backend.analytic)


@pytest.mark.parametrize(("axis", "indices"), TAKEN, ids=str)
def test_take_and_scatter_add_are_adjoint(axis: int, indices, backend: Backend) -> None:
    """⟨take(x), u⟩ = ⟨x, scatter_add(u)⟩: repeated indices add up."""
    i, x = np.asarray(indices), backend.tensor(Y)
    there = backend.array(i)
    y = ad.take(x, there, axis=axis)
    assert_close(y, np.take(Y, i, axis))
    u = np.random.default_rng(0).standard_normal(y.shape)
    expected = np.zeros_like(Y)
    np.add.at(expected, (slice(None),) * (axis % 2) + (i,), u)
    assert_close(grad(y, x, cotangent=backend.array(u)), expected, rtol=1e-12)
    check(lambda x: ad.take(x, there, axis=axis) ** 3, [x.value], order=2, directions=1)


# -- functions ---------------------------------------------------------------------------------
X = np.random.default_rng(3).standard_normal((3, 4))
FUNCTIONS = {
    "logsumexp": (ad.logsumexp, scipy.special.logsumexp),
    "logsumexp of columns": (lambda x: ad.logsumexp(x, 0), lambda x: scipy.special.logsumexp(x, 0)),
    "softmax": (ad.softmax, lambda x: scipy.special.softmax(x, -1)),
    "log_sigmoid": (ad.log_sigmoid, scipy.special.log_expit),
    "leaky_relu": (ad.leaky_relu, lambda x: np.where(x > 0, x, 0.2 * x)),
    "safe_norm": (ad.safe_norm, lambda x: np.linalg.norm(x, axis=-1)),
    "safe_norm of all": (lambda x: ad.safe_norm(x, None), np.linalg.norm),
    "square_norm": (ad.square_norm, lambda x: (x**2).sum(-1)),
    "mean": (lambda x: ad.mean(x, 0), lambda x: x.mean(0)),
    "max": (lambda x: ad.max(x, 1), lambda x: x.max(1)),
    "stack": (lambda x: ad.stack([x, 2.0 * x]), lambda x: np.stack([x, 2 * x])),
    "swap": (ad.swap, lambda x: x.T),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str, backend: Backend) -> None:
    f, reference = FUNCTIONS[name]
    assert_close(f(backend.array(X)), reference(X), rtol=1e-13, atol=1e-15)
    assert f(backend.array(X, "float32")).dtype == np.float32
    check(f, [backend.array(X)], order=2, directions=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_infinite_and_huge_entries(dtype: str, backend: Backend) -> None:
    """Warnings are errors here: no log 0, no ∞ − ∞."""
    inf, eps = np.inf, np.finfo(dtype).eps
    for entries in ([-inf, -inf], [-inf, 0], [inf, 0], [inf, -inf], [1e37, 1e37], [1e3, 1e3], [-1e3, -1001], [2, 2, 2]):
        x = np.array(entries, dtype)
        with np.errstate(all="ignore"):
            expected = np.asarray(scipy.special.logsumexp(x), dtype)
        assert_close(ad.logsumexp(backend.array(x)), expected, rtol=4 * eps)
    x = np.array([-1e4, -30, -1e-3, 0, 1e-3, 30, 1e4], dtype)
    t = backend.tensor(x)
    assert_close(ad.softplus(t), np.logaddexp(x, 0, dtype=float).astype(dtype), rtol=10 * eps)
    floor = {"float32": 2e-38, "float64": 1e-304}[dtype]  # the logistic function stays there
    assert_close(ad.sigmoid(t), scipy.special.expit(x), rtol=20 * eps, atol=floor)
    assert_close(ad.isfinite(backend.array([inf, -inf, np.nan, 1], dtype)), np.array([0, 0, 0, 1], dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_safe_norm_is_finite_at_zero_to_second_order(dtype: str, backend: Backend) -> None:
    x = backend.tensor([[0, 0], [3, 4], [1e-30, 0]], dtype)
    y = ad.safe_norm(x, axis=1)
    penalty = grad(((y - 1.0) ** 2).sum(), x)
    second = grad((penalty * penalty).sum(), x)
    assert_close(y, np.array([0, 5, 0], dtype), rtol=1e-6, atol=1e-9)
    for t in (penalty, second):
        assert_close(ad.isfinite(t), np.ones((3, 2), dtype))


# -- random programs, and steps made of them --------------------------------------------------------
@few
@given(programs(lines=10, limit=300))
def test_a_random_program_is_numpys(backend: Backend, program) -> None:
    """Values against NumPy alone; gradients, and the gradient of a function of them, against the engine on NumPy."""
    def derivatives(leaves):
        values = run(MINIGAN, program, leaves)
        first = grad(sum(ad.tanh(v).mean() for v in values), leaves)
        return values, first, grad(sum((g * g).sum() for g in first), leaves)

    inputs = arrays(program)
    found, first, second = derivatives([backend.tensor(x) for x in inputs])
    _, *expected = derivatives([Tensor(x) for x in inputs])
    for y, value in zip(found, run(NUMPY, program, inputs), strict=True):
        assert_close(y, value, rtol=1e-10, atol=1e-10)
    for order, gs in zip((first, second), expected, strict=True):
        for g, reference in zip(order, gs, strict=True):
            assert_close(g, reference, rtol=1e-8, atol=1e-8 * max(1.0, abs(reference.value).max(initial=0)))


@replaying
@few
@given(drawn=steps(), dtype=st.sampled_from(["float32", "float64"]))
def test_replay_is_eager_bit_for_bit(backend: Backend, drawn, dtype: str) -> None:
    agree_on(drawn, dtype, 3, backend.array)


@replaying
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_training_step_replayed(dtype: str, backend: Backend) -> None:
    """WGAN-GP with Adam: in place, the inputs left alone, and what NumPy gets."""
    state, inputs, schedule = training(dtype, steps=3)
    _, found = agree(penalized_step, state, inputs, schedule, backend.array)
    _, expected = agree(penalized_step, state, inputs, schedule)
    for name, x in expected.items():
        backend.assert_equal(found[name], x, rtol=1e-9 if dtype == "float64" else 1e-3, atol=1e-6)
