"""Reverse mode against closed forms and explicit matrices, at orders 1 to 3; what it prunes; what it refuses."""

import sys
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.autodiff import (
    PRIMITIVES,
    Primitive,
    Tensor,
    check,
    concat,
    cos,
    exp,
    grad,
    greater,
    hvp,
    jvp,
    log,
    matmul,
    safe_norm,
    sigmoid,
    sin,
    softmax,
    softplus,
    split,
    sqrt,
    stop_gradient,
    tanh,
    transpose,
    value_and_grad,
)
from minigan.autodiff.reductions import logsumexp
from minigan.autodiff.tensor import topological
from tests.programs import KINKED, MINIGAN, arrays, programs, run

X = np.array([0.3, -1.2, 2.0])


def exactly(tensor, expected):
    np.testing.assert_array_equal(tensor.value, expected)
    return True


def close(tensor, expected, rtol=1e-12):
    np.testing.assert_allclose(tensor.value, expected, rtol=rtol, atol=1e-14)
    return True


# -- closed forms ---------------------------------------------------------------------------------
def sech2(x):
    return 1 / np.cosh(x) ** 2


CLOSED = {  # f, f', f'', f''' for a sum over entries
    "exp": (exp, np.exp, np.exp, np.exp),
    "sin": (sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)),
    "cube": (lambda x: x**3, lambda x: 3 * x**2, lambda x: 6 * x, lambda x: 6 + 0 * x),
    "tanh": (tanh, sech2, lambda x: -2 * np.tanh(x) * sech2(x),
             lambda x: sech2(x) * (6 * np.tanh(x) ** 2 - 2)),
    "log(1 + x²)": (lambda x: log(1.0 + x * x), lambda x: 2 * x / (1 + x**2),
                    lambda x: 2 * (1 - x**2) / (1 + x**2) ** 2, lambda x: 4 * x * (x**2 - 3) / (1 + x**2) ** 3),
    "1/x": (lambda x: 1.0 / x, lambda x: -1 / x**2, lambda x: 2 / x**3, lambda x: -6 / x**4),
    "√(x²)": (lambda x: sqrt(x * x), np.sign, lambda x: 0 * x, lambda x: 0 * x),
    "softplus": (softplus, lambda x: 1 / (1 + np.exp(-x)), lambda x: sech2(x / 2) / 4,
                 lambda x: -np.tanh(x / 2) * sech2(x / 2) / 4),
    "sin exp": (lambda x: sin(exp(x)), lambda x: np.exp(x) * np.cos(np.exp(x)),
                lambda x: np.exp(x) * np.cos(np.exp(x)) - np.exp(2 * x) * np.sin(np.exp(x)),
                lambda x: (np.exp(x) - np.exp(3 * x)) * np.cos(np.exp(x)) - 3 * np.exp(2 * x) * np.sin(np.exp(x))),
}


@pytest.mark.parametrize("name", CLOSED)
def test_three_orders_in_closed_form(name):
    f, *derivatives = CLOSED[name]
    x = Tensor(X)
    y = f(x)
    for derivative in derivatives:
        y = grad(y.sum(), x)
        assert y.shape == x.shape
        np.testing.assert_allclose(y.value, derivative(X), rtol=1e-10, atol=1e-12)


def test_softmax_is_the_gradient_of_logsumexp_and_the_hessian_is_its_covariance():
    p = np.exp(X) / np.exp(X).sum()
    x = Tensor(X)
    assert close(grad(logsumexp(x), x), p) and close(softmax(x), p)
    v = np.array([1.0, -2.0, 0.5])
    assert close(hvp(logsumexp, X, v), (np.diag(p) - np.outer(p, p)) @ v)


def test_the_gradient_of_a_log_determinant_is_the_inverse_transposed():
    a = np.array([[2.0, 0.3], [-0.4, 1.5]])
    x = Tensor(a)
    y = log(x[0, 0] * x[1, 1] - x[0, 1] * x[1, 0])
    assert close(grad(y, x), np.linalg.inv(a).T)


def test_the_penalty_of_a_linear_critic():
    """R(w) = (‖w‖ − 1)², whose gradient 2(‖w‖ − 1) w/‖w‖ is a second derivative: D(x) = ⟨w, x⟩."""
    w, x = Tensor(np.array([3.0, -4.0])), Tensor(np.ones((5, 2)))
    slope = grad((x @ w.reshape(2, 1)).sum(), x)
    penalty = ((safe_norm(slope, axis=1) - 1.0) ** 2).mean()
    assert float(penalty) == 16.0
    assert close(grad(penalty, w), 2 * 4.0 * np.array([0.6, -0.8]))


@given(n=st.integers(1, 5), m=st.integers(1, 4), seed=st.integers(0, 999))
def test_quadratic_forms(n, m, seed):
    """q(x) = ½ xᵀAx + bᵀx: ∇q = ½(A + Aᵀ)x + b, ∇²q v = ½(A + Aᵀ)v; and J v of x ↦ Bx."""
    rng = np.random.default_rng(seed)
    a, b, x, v = (rng.standard_normal(shape) for shape in [(n, n), (n, 1), (n, 1), (n, 1)])
    big = rng.standard_normal((m, n))

    def q(x):
        return (0.5 * matmul(x, matmul(a, x), ta=True) + matmul(b, x, ta=True)).sum()

    y, (g,) = value_and_grad(q, x)
    close(y, (0.5 * x.T @ a @ x + b.T @ x).item())
    close(g, 0.5 * (a + a.T) @ x + b)
    close(hvp(q, x, v), 0.5 * (a + a.T) @ v)
    y, tangent = jvp(lambda x: matmul(big, x), [x], [v])
    close(y, big @ x)
    close(tangent, big @ v)


@given(program=programs(), seed=st.integers(0, 99))
def test_hvp_is_the_derivative_of_grad_and_jvp_its_transpose_on_random_programs(program, seed):
    leaves = arrays(program, seed)
    vs = arrays(program, seed + 1)

    def f(*xs):
        return tanh(run(MINIGAN, program, xs)[-1])

    if not KINKED & {name for name, *_ in program.lines}:
        check(f, leaves, order=2, directions=1, rtol=1e-4)
    y, tangent = jvp(f, leaves, vs)
    _, gradients = value_and_grad(lambda *xs: (f(*xs) * 0.7).sum(), *leaves)
    pairing = sum((g.value * v).sum() for g, v in zip(gradients, vs, strict=True))
    np.testing.assert_allclose(0.7 * tangent.value.sum(), pairing, rtol=1e-9, atol=1e-9)
    assert tangent.shape == y.shape


def test_hvp_is_symmetric_and_is_the_column_of_the_hessian():
    def f(x):
        return (sin(x) * x[::-1] + exp(x[:1] * x)).sum()

    hessian = np.stack([hvp(f, X, e).value for e in np.eye(3)])
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-13, atol=1e-15)
    h = 1e-5
    for e, column in zip(np.eye(3), hessian, strict=True):
        ahead, behind = (value_and_grad(f, X + s * e)[1][0].value for s in (h, -h))
        np.testing.assert_allclose(column, (ahead - behind) / (2 * h), rtol=1e-8, atol=1e-8)


def test_jvp_of_several_arguments_and_of_a_constant():
    xs, vs = [X, X + 1], [np.ones(3), 2 * X]
    _, tangent = jvp(lambda a, b: a * b, xs, vs)
    assert close(tangent, vs[0] * xs[1] + xs[0] * vs[1])
    assert exactly(jvp(lambda a: stop_gradient(a) * 2.0, [X], [X])[1], np.zeros(3))
    assert exactly(jvp(lambda a: Tensor(np.ones(2)), [X], [X])[1], np.zeros(2))


def test_a_cotangent_is_differentiated_too():
    x, u = Tensor(X), Tensor(X + 1)
    g = grad(x * x, x, cotangent=u * u)
    assert close(g, 2 * X * (X + 1) ** 2)
    assert close(grad(g.sum(), u), 4 * X * (X + 1))
    assert close(grad(x * x, x, cotangent=[1, 0, 2]), 2 * X * [1, 0, 2])


# -- which x -----------------------------------------------------------------------------------------
def test_intermediate_tensors_and_their_ancestors_together():
    x = Tensor(X)
    a = x * x
    b = sin(a)
    y = (a * b).sum()
    dx, da, db, dy = grad(y, [x, a, b, y])
    assert close(db, X**2) and close(da, np.sin(X**2) + X**2 * np.cos(X**2)) and float(dy) == 1.0
    assert close(dx, da.value * 2 * X)
    for alone, together in zip([x, a, b], [dx, da, db], strict=True):
        assert exactly(grad(y, alone), together.value)


def test_repeated_and_unrelated_and_later_targets():
    x, other = Tensor(X), Tensor(np.ones((2, 2), np.float32))
    y = (x * x).sum()
    later = y * 3.0
    first, second, zeros, after = grad(y, [x, x, other, later])
    assert exactly(first, 2 * X) and exactly(second, 2 * X)
    assert exactly(zeros, np.zeros((2, 2))) and zeros.dtype == np.float32
    assert exactly(after, 0.0) and after.shape == ()
    assert exactly(grad(zeros.sum(), x), np.zeros(3)), "zeros are differentiable again"
    assert grad(y, []) == []


def test_answers_come_as_asked():
    x = Tensor(X)
    y = (x * x).sum()
    assert isinstance(grad(y, x), Tensor)
    assert isinstance(grad(y, [x]), list) and isinstance(grad(y, (x, x)), list)


def test_paths_add_up():
    x = Tensor(X)
    a = x + x
    assert exactly(grad((a * a + a).sum(), x), 8 * X + 2)


def test_stop_gradient_and_masks_stop():
    x = Tensor(X)
    assert exactly(grad((stop_gradient(x * x) * x).sum(), x), X * X)
    assert exactly(grad(stop_gradient(x).sum(), x), np.zeros(3))
    assert exactly(grad((greater(x, 0.0) * x).sum(), x), X > 0)
    held = stop_gradient(x)
    assert exactly(grad((held * x).sum(), held), X), "a derivative with respect to the stopped tensor itself"


def test_split_with_unused_outputs():
    x = Tensor(np.arange(12.0).reshape(2, 6))
    a, _, c = split(x, sizes=(1, 2, 3), axis=1)
    g = grad((a * a).sum() + c.sum(), x)
    assert exactly(g, [[0, 0, 0, 1, 1, 1], [12, 0, 0, 1, 1, 1]])
    assert exactly(grad((g * g).sum(), x), [[0, 0, 0, 0, 0, 0], [48, 0, 0, 0, 0, 0]])
    assert exactly(grad((a * a).sum(), a), 2 * a.value), "with respect to one of the outputs"


def test_every_shape_of_reduction():
    x = np.arange(24.0).reshape(2, 3, 4) / 7
    for axis in (None, 0, 1, 2, -1, (0, 1), (0, 2), (1, 2), (0, 1, 2), ()):
        for keepdims in (False, True):
            t = Tensor(x)
            for name in ("sum", "mean", "max"):
                y = getattr(t, name)(axis, keepdims)
                assert close(y, getattr(x, name)(axis=axis, keepdims=keepdims))
            g = grad((t.sum(axis, keepdims) ** 2).sum(), t)
            assert close(g, 2 * np.broadcast_to(x.sum(axis=axis, keepdims=True), x.shape))


def test_zero_d_and_axes_of_one():
    x = Tensor(2.0)
    assert float(grad(grad(x.sum() * x.max() * x.mean(), x), x)) == 12.0
    y = Tensor(np.full((1, 1), 3.0))
    assert exactly(grad((y.sum(0) * y.max(1)).sum(), y), [[6.0]])


# -- only what is needed ---------------------------------------------------------------------------------
@pytest.fixture
def trap():
    """An operation with two inputs: the rule of the first must not be called."""

    def forbidden(g, y, a, b):
        raise AssertionError("this rule is not on a path that matters")

    planted = Primitive("trap", call=PRIMITIVES["multiply"].call, rules=[forbidden, lambda g, y, a, b: g * a])
    yield planted
    del PRIMITIVES["trap"]


def test_rules_off_the_paths_are_not_called(trap):
    theta, data = Tensor(X), Tensor(X + 1)
    assert exactly(grad(trap(data, theta).sum(), theta), X + 1)
    assert exactly(grad(trap(data * data, theta).sum(), theta), (X + 1) ** 2)
    assert exactly(grad((stop_gradient(trap(theta, data)) + theta).sum(), theta), np.ones(3))
    assert exactly(grad((greater(trap(theta, data), 0.0) * theta).sum(), theta), (X * (X + 1) > 0) * 1.0)
    middle = trap(theta, data)
    assert exactly(grad((middle * middle).sum(), middle), 2 * middle.value), "nothing below the target is visited"
    with pytest.raises(AssertionError, match="not on a path"):
        grad(trap(theta, data).sum(), theta)


def test_the_double_backward_of_a_relu_network_does_not_visit_its_masks(trap):
    """∇_w of a function of ∇_x: relu's derivative is piecewise constant, so no path runs through the mask."""
    x, w = Tensor(X), Tensor(X + 2)
    mask = greater(trap(x, w), 0.0)
    slope = mask * w
    assert exactly(grad((slope * slope).sum(), w), 2 * (X + 2) * (X * (X + 2) > 0))


def test_deep_graphs_do_not_recurse():
    depth = 5000
    assert depth > 2 * sys.getrecursionlimit()
    x = Tensor(np.array([1.0, 2.0]))
    y = x
    for _ in range(depth):
        y = y * 1.0 + 1e-3
    assert exactly(grad(y.sum(), x), [1.0, 1.0])
    y = x
    for _ in range(depth):
        y = 0.5 * (y + x)
    g = grad((y * x).sum(), x)
    assert close(g, 2 * x.value) and close(grad(g.sum(), x), [2.0, 2.0])
    del y, g


# -- errors ------------------------------------------------------------------------------------------------
class Foreign:
    """An array of another library, as far as minigan looks."""

    dtype, shape, ndim, size = np.dtype(float), (3,), 1, 3

    def __dlpack__(self): ...


@pytest.fixture
def foreign(monkeypatch):
    library = ModuleType("elsewhere")
    library.asarray = lambda x: x
    monkeypatch.setitem(sys.modules, "elsewhere", library)
    monkeypatch.setattr(Foreign, "__module__", "elsewhere.arrays")
    return Foreign()


def test_two_array_libraries_do_not_mix(foreign):
    for call in (lambda: Tensor(X) + foreign, lambda: foreign * Tensor(X), lambda: concat([foreign, Tensor(X)])):
        with pytest.raises(TypeError, match=r"several libraries.*(numpy, elsewhere|elsewhere, numpy)"):
            call()


x32, x64 = Tensor(np.ones(3, np.float32)), Tensor(X)


@pytest.mark.parametrize("call, error, words", [
    (lambda: grad(x64, x64), ValueError, r"shape \(3,\).*scalar.*cotangent"),
    (lambda: grad(x64, x64, cotangent=np.ones(2)), ValueError, r"\(2,\).*\(3,\)"),
    (lambda: grad(x64.sum(), x64, cotangent=np.ones(1)), ValueError, r"\(1,\).*\(\)"),
    (lambda: grad(x32, x32, cotangent=x64), TypeError, "float64.*float32"),
    (lambda: grad(x64, x64, cotangent=Tensor(np.arange(3))), TypeError, "int64.*float64"),
    (lambda: grad(x64.sum(), X), TypeError, r"xs\[0\] must be a Tensor, got ndarray"),
    (lambda: grad(x64.sum(), [x64, X]), TypeError, r"xs\[1\] must be a Tensor, got ndarray"),
    (lambda: grad(3.0, x64), TypeError, "y must be a Tensor, got float"),
    (lambda: grad(x64.sum(), Tensor(np.arange(3))), TypeError, r"xs\[0\] has dtype int64"),
    (lambda: grad(Tensor(3), x64), TypeError, "y has dtype int64"),
    (lambda: value_and_grad(lambda x: (x * 2.0).sum(), np.arange(3)), TypeError, "int64"),
    (lambda: hvp(lambda x: (x * x).sum(), X, np.ones(2)), ValueError, r"\(2,\).*\(3,\)"),
    (lambda: jvp(lambda x: x * x, [X], [np.ones(4)]), ValueError, r"\(4,\).*\(3,\)"),
    (lambda: jvp(lambda x, y: x * y, [X, X], [X]), ValueError, "shorter"),
])
def test_a_clear_error(call, error, words):
    with pytest.raises(error, match=words):
        call()


# -- tensors themselves ---------------------------------------------------------------------------------------
def test_a_tensor_is_read_as_a_number_or_an_array():
    t = Tensor(np.array(2.5))
    assert float(t) == 2.5 and t.item() == 2.5 and bool(t) and np.asarray(t) == 2.5
    assert "from=multiply" in repr(t * 2.0) and "from=leaf" in repr(t)
    assert len(Tensor(X)) == 3 and Tensor(X).size == 3 and Tensor(X).ndim == 1


def test_operators_with_numbers_and_numpy_on_either_side():
    x = Tensor(X)
    for make in (lambda v: v + 2, lambda v: 2 + v, lambda v: v - 2, lambda v: 2 - v, lambda v: 2 * v, lambda v: v / 2,
                 lambda v: 2 / v, lambda v: np.float64(2) * v, lambda v: np.float32(2) - v, lambda v: np.int64(2) / v,
                 lambda v: X * v, lambda v: X[:, None] - v, lambda v: v**2, lambda v: v**3, lambda v: 2**v,
                 lambda v: abs(v), lambda v: -v, lambda v: np.eye(3) @ v[:, None], lambda v: v[None] @ np.eye(3)):
        y = make(x)
        assert isinstance(y, Tensor) and close(y, make(X))


@given(program=programs())
def test_the_graph_of_a_gradient_is_a_graph(program):
    """Σ‖∇‖² has the gradient 2 H g: twice the Hessian applied to the gradient, by hvp."""
    xs = [Tensor(x) for x in arrays(program)]
    y = tanh(run(MINIGAN, program, xs)[-1]).sum()
    gradients = grad(y, xs)
    twice = grad(sum((g * g).sum() for g in gradients), xs)
    fixed = [Tensor(g.value) for g in gradients]
    pairing = sum((g * v).sum() for g, v in zip(gradients, fixed, strict=True))
    for a, b in zip(twice, grad(pairing, xs), strict=True):
        np.testing.assert_allclose(a.value, 2 * b.value, rtol=1e-9, atol=1e-9)


def test_transpose_sigmoid_cos_are_exercised_in_a_product():
    check(lambda a, b: transpose(sigmoid(a), axes=(1, 0)) @ cos(b), [np.eye(2) + 0.3, np.eye(2) - 0.4], analytic=True)


def test_the_past_of_a_single_target_is_not_walked():
    """Unrolling differentiates by each iterate in turn: in linear time, if none of them looks back."""
    x = Tensor(np.array([0.3, 0.7]))
    for _ in range(50):
        x = tanh(x * 1.1)
    y = (x * x).sum()
    assert len(list(topological([y], stop=x.node))) == len(list(topological([y]))) - 100
    np.testing.assert_allclose(grad(y, x).value, 2 * x.value)
    first, second = split(x, sizes=(1, 1))
    assert grad((first * second).sum() + x.sum(), first).value == second.value  # and not through the other piece
    assert grad(x, x, cotangent=x.value).value.tolist() == x.value.tolist()


def test_one_target_behind_another():
    a = Tensor(np.array(2.0))
    b = a * a
    da, db = grad(b * b, [a, b])
    assert (da.item(), db.item()) == (32.0, 8.0)
