"""A tensor as a reader meets it: lists of them, comparisons, one tensor twice, complex numbers, other names."""

import builtins
import copy

import numpy as np
import pytest

import minigan.autodiff
from minigan.autodiff import (
    Tensor,
    TracingError,
    astype,
    broadcast_to,
    clip,
    concat,
    grad,
    hvp,
    jvp,
    logsumexp,
    max,
    maximum,
    mean,
    record,
    reshape,
    split,
    stack,
    transpose,
    value_and_grad,
    where,
)

V = np.array([3.0, 4.0])


def derivative(f, x=V):
    x = Tensor(x)
    return grad(f(x), x).value


# -- lists of tensors ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(("f", "expected"), [
    (lambda v: mean([(v * v).sum(), v.sum()]), [3.5, 4.5]),
    (lambda v: (v * [v[0], v[1]]).sum(), [6, 8]),
    (lambda v: ([v[0], v[1]] * v).sum(), [6, 8]),
    (lambda v: (v - (v[1], v[0])).sum(), [0, 0]),
    (lambda v: (maximum(v, [v[1], v[0]]) * [1.0, 2.0]).sum(), [0, 3]),
    (lambda v: logsumexp([v[0], v[1]]), np.exp(V) / np.exp(V).sum()),
    (lambda v: max([v[0], v[1] * v[1]]), [0, 8]),
    (lambda v: stack([[v[0], 1.0], [2.0, v[1]]])[1, 1], [0, 1]),
    (lambda v: (Tensor(np.eye(2)) @ [v[0], v[1]]).sum() + (v @ [[v[0], 1.0], [0.0, 1.0]]).sum(), [8, 2]),
    (lambda v: concat([[v[0]], v]).sum(), [2, 1]),
    (lambda v: where([True, False], [v[1], v[0]], 0.0).sum(), [0, 1]),
    (lambda v: grad((v * v).sum(), v, cotangent=None)[0], [2, 0]),
    (lambda v: minimum_of(v), [1, 0]),
])
def test_a_list_of_tensors_is_stacked(f, expected):
    np.testing.assert_allclose(derivative(f), expected, rtol=1e-14)


def minimum_of(v):
    return minigan.autodiff.min([v[0], v[1]])


def test_a_cotangent_that_is_a_list_of_tensors():
    v = Tensor(V)
    g = grad(v * v, v, cotangent=[v[0], v[1]])
    np.testing.assert_allclose(grad(g.sum(), v).value, 4 * V)


@pytest.mark.parametrize("value", [lambda v: [v[0], v[1]], lambda v: (v, v), lambda v: [[v[0]], [1.0]]])
def test_a_leaf_of_tensors_is_refused(value):
    with pytest.raises(TypeError, match=r"stack\(tensors\)"):
        Tensor(value(Tensor(V)))


def test_arrays_of_tensors_are_refused():
    v = Tensor(V)
    held = np.empty(2, object)
    held[:] = [v[0], v[1]]
    for call in (lambda: v * held, lambda: held * v, lambda: maximum(v, held)):
        with pytest.raises(TypeError, match=r"stack\(tensors\)"):
            call()


def test_lists_of_numbers_have_no_precision_of_their_own():
    x = Tensor(V.astype(np.float32))
    assert (x * [1, 2.5]).dtype == np.float32 and ([[1], [2]] - x).shape == (2, 2)
    with pytest.raises(TypeError, match="precision"):
        x * [np.ones(2), np.ones(2)]


# -- comparisons -----------------------------------------------------------------------------------------------
COMPARISONS = [lambda a, b: a == b, lambda a, b: a != b, lambda a, b: a < b, lambda a, b: a <= b, lambda a, b: a > b,
               lambda a, b: a >= b]


@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("other", [3.0, 4, np.float32(3.0), V[::-1], [3.0, 5.0], np.nan, True])
def test_comparisons_are_masks(compare, other):
    v = Tensor(V)
    other_array = np.asarray(other, dtype=float)
    for y, expected in ((compare(v, other), compare(V, other_array)), (compare(other, v), compare(other_array, V)),
                        (compare(v, Tensor(other_array + 0.0 * V)), compare(V, other_array + 0.0 * V))):
        assert isinstance(y, Tensor) and y.is_mask and y.dtype == float
        np.testing.assert_array_equal(y.value, expected)
    assert compare(Tensor(V.astype(np.float32)), 3.0).dtype == np.float32


def test_masks_choose():
    v = Tensor(V)
    assert where(v == 3.0, 0.0, v).value.tolist() == [0.0, 4.0]
    assert derivative(lambda v: ((v != 3.0) * v * v).sum()).tolist() == [0.0, 8.0]
    assert mean(v >= 4.0).item() == 0.5
    assert not grad((v < 4.0).sum(), v).value.any()


def test_a_mask_decides_where_it_is_one_number_and_nothing_is_recorded():
    v = Tensor(V)
    assert v.sum() == 7.0 and v[0] < v[1] and builtins.max([v[0], v[1]]) is not None
    with pytest.raises(ValueError, match="ambiguous"):
        bool(v == 3.0)


@pytest.mark.parametrize("compare", COMPARISONS)
def test_a_mask_refuses_to_decide_while_recording(compare):
    def step(s, i):
        return ({"w": s["w"] * 0.0} if compare(s["w"].sum(), 3.0) else {"w": s["w"] * 2.0}), {}

    with pytest.raises(TracingError, match="bool"):
        record(step, {"w": np.array([1.0, 2.0])}, {})


def test_a_tensor_is_a_key_by_itself():
    a, b = Tensor(V), Tensor(V)
    assert {a: 1, b: 2}[a] == 1 and len({a, b, a}) == 2
    assert (a == None) is False and (a != "text") is True  # noqa: E711
    with pytest.raises(TypeError, match="'<' not supported"):
        _ = a < "text"


# -- one tensor for two arguments ---------------------------------------------------------------------------------
def test_partial_derivatives_of_one_tensor_for_two_arguments():
    t = Tensor(3.0)
    y, (da, db) = value_and_grad(lambda a, b: a * b * b, t, t)
    assert (y.item(), da.item(), db.item()) == (27.0, 9.0, 18.0)
    assert jvp(lambda a, b: a * b * b, [t, t], [1.0, 0.0])[1].item() == 9.0
    assert jvp(lambda a, b: a * b * b, [t, t], [0.0, 1.0])[1].item() == 18.0


def test_partial_derivatives_where_one_argument_depends_on_another():
    t = Tensor(3.0)
    for u in (2.0 * t, t * t):
        _, (da, db) = value_and_grad(lambda a, b: a * b, t, u)
        assert (da.item(), db.item()) == (u.item(), 3.0)
    assert hvp(lambda x: x * x * t, t, 1.0).item() == 6.0, "t itself is held"
    _, (da,) = value_and_grad(lambda a: a * t, t)
    assert da.item() == 3.0


# -- complex numbers, other arrays ----------------------------------------------------------------------------------
def test_complex_of_real_is_refused():
    z = Tensor(V)
    for call in (lambda: z * (1 + 2j), lambda: (1 + 2j) * z, lambda: z + np.array([1j, 2j]), lambda: z ** (1j)):
        with pytest.raises(TypeError, match="complex beside a real tensor"):
            call()
    with pytest.raises(TypeError, match="real and imaginary part"):
        grad((z * Tensor(np.array(1 + 2j))).sum(), z)
    c = Tensor(np.array([1j, 1.0]))
    for call in (abs, max, minigan.autodiff.norm, logsumexp, minigan.autodiff.std, minigan.autodiff.var,
                 lambda c: c > 0.0, lambda c: maximum(c, 0.0)):
        with pytest.raises(TypeError, match=r"of (real|complex) numbers"):
            call(c)
    assert (Tensor(np.array([1 + 2j])) * 2.0).dtype == complex, "complex numbers themselves are computed with"


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("make", [lambda: np.ma.masked_array(V, [False, True]), lambda: np.matrix(V)])
def test_arrays_that_mean_something_else_are_refused(make):
    v, other = Tensor(V), make()
    for call in (lambda: Tensor(other), lambda: v * other, lambda: other * v, lambda: maximum(v, other)):
        with pytest.raises(TypeError, match=r"MaskedArray is not taken.*filled|matrix is not taken.*asarray"):
            call()


def test_a_foreign_operand_is_refused_before_it_takes_the_tensor_for_a_constant():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    for call in (lambda: Tensor(V) @ scipy_sparse.eye_array(2), lambda: Tensor(V) * "text", lambda: Tensor(V) + None):
        with pytest.raises(TypeError, match="of a tensor and a"):
            call()


def test_a_deep_copy_of_a_graph_is_refused():
    v = Tensor(V)
    assert copy.deepcopy(v).value.tolist() == V.tolist() and copy.copy(v * 2.0).value.tolist() == (2 * V).tolist()
    with pytest.raises(TypeError, match="share it"):
        copy.deepcopy(v * 2.0)


def test_masks_together():
    v = Tensor(np.array([1.0, 2.0, 3.0]))
    assert v[(v > 1.0) & (v < 3.0)].value.tolist() == [2.0] and v[(v < 2.0) | (v > 2.0)].value.tolist() == [1.0, 3.0]
    assert (~(v > 1.0)).value.tolist() == [1.0, 0.0, 0.0]
    for call in (lambda: v & v, lambda: ~v, lambda: (v > 1.0) | 1):
        with pytest.raises(TypeError, match="of masks"):
            call()


def test_numbers_in_lists_of_float32_tensors():
    x = Tensor(V.astype(np.float32))
    for y in (x * [x[0], 2.0], stack([x[0], 1.0]), x @ [1.0, 2.0], [[1, 2], [3, x[0]]] * x, x ** np.array(3)):
        assert y.dtype == np.float32
    assert x[[Tensor(1), Tensor(0)]].value.tolist() == [4.0, 3.0]


# -- astype ----------------------------------------------------------------------------------------------------------
def test_astype():
    x = Tensor(np.array([0.5, 2.7]))
    y = (x.astype(np.float32) * 2.0).astype("float64")
    assert y.dtype == float and x.astype(float) is x
    g = grad((y * y).sum(), x)
    np.testing.assert_allclose(g.value, 8 * x.value, rtol=1e-6)
    assert g.dtype == float and grad(g.sum(), x).value.tolist() == [8.0, 8.0]
    whole = x.astype(int)
    assert whole.value.tolist() == [0, 2] and grad((whole.astype(float) * x).sum(), x).value.tolist() == [0.0, 2.0]
    assert astype([1, 2], float).dtype == float and (x > 1.0).astype(bool).value.tolist() == [False, True]
    for dtype in (complex, np.float16, "U2"):
        with pytest.raises(TypeError, match="float32, float64"):
            x.astype(dtype)


# -- shapes, numbers, what is printed ---------------------------------------------------------------------
def test_static_arguments_by_position():
    x = Tensor(np.arange(6.0))
    assert reshape(x, (3, 2)).shape == reshape(x, 3, 2).shape == reshape(x, [3, -1]).shape == (3, 2)
    assert reshape(x, shape=(3, 2)).shape == x.reshape(np.int64(3), 2).shape == (3, 2)
    m = x.reshape(2, 3)
    assert transpose(m).shape == m.T.shape == transpose(m, (1, 0)).shape == m.transpose(1, 0).shape == (3, 2)
    assert broadcast_to(m, (4, 2, 3)).shape == (4, 2, 3)
    assert [p.shape for p in split(m, (1, 2), 1)] == [(2, 1), (2, 2)]
    assert stack([m, m], axis=-1).shape == stack([m, m], 2).shape == (2, 3, 2)
    assert m.squeeze().shape == (2, 3) and m[:1].squeeze(0).shape == (3,) and m.ravel().shape == (6,)


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda t: maximum(t), TypeError, "maximum takes 2 tensors; got 1"),
    (lambda t: maximum(t, t, t), TypeError, "maximum takes 2 tensors; got 3"),
    (lambda t: broadcast_to(t, (2, 2), (3,)), TypeError, r"broadcast_to takes 1 tensor, shape=; got 3"),
    (lambda t: broadcast_to(t, (2, 2), shape=(3,)), TypeError, r"broadcast_to takes 1 tensor, shape="),
    (lambda t: concat([]), ValueError, "concat: an empty list"),
    (lambda t: stack([]), ValueError, "stack: an empty list"),
    (lambda t: stack([t, t[:1]]), ValueError, r"several shapes, \(2,\), \(1,\)"),
    (lambda t: t.squeeze(0), ValueError, "not of length one"),
    (lambda t: minigan.autodiff.expand_dims(t, 3), ValueError, "axis 3"),
    (lambda t: grad(float(t.sum()), t), TypeError, "got float.*no derivative follows"),
    (lambda t: grad(t.sum(), V), TypeError, "got ndarray.*before y is computed"),
    (lambda t: t.reshape(2.0), TypeError, "float"),
    (lambda t: split(t, sizes=(3, -1)), ValueError, "sizes"),
    (lambda t: np.moveaxis(t[None], 0, 5), ValueError, "axis 5"),
    (lambda t: np.einsum(t, [0]), TypeError, "letters first.*Tensor"),
    (lambda t: f"{t:.3f}", ValueError, "size 1|one element|only convert"),
])
def test_a_clear_error(call, error, words):
    with pytest.raises(error, match=words):
        call(Tensor(V))


def test_numbers_print():
    loss = Tensor(V).sum() / 3.0
    assert f"{loss:.3f}" == "2.333" and f"{loss:8.1e}" == " 2.3e+00"
    assert f"{loss}" == str(loss) and "Tensor(" in f"{loss}"


@pytest.mark.parametrize(("name", "words"), [
    ("backward", r"grad\(loss, theta\)"), ("detach", r"stop_gradient\(t\)"), ("grad", r"grad\(loss, theta\)"),
    ("numpy", r"t\.value"), ("zero_grad", r"grad\(loss, theta\)"), ("requires_grad", "differentiated"), ("tolist",
     "value"),
])
def test_names_of_other_packages_point_at_ours(name, words):
    with pytest.raises(AttributeError, match=words):
        getattr(Tensor(V), name)
    assert not hasattr(Tensor(V), "anything")


def test_clip():
    x = Tensor(np.array([-1.0, 0.0, 0.5, 1.0, 2.0]))
    for y in (clip(x, 0.0, 1.0), x.clip(min=0.0, max=1.0), x.clip(0.0, 1.0)):
        assert y.value.tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
        assert grad(y.sum(), x).value.tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]
    for both in ({"min": 0.0}, {"a_max": 1.0, "max": 2.0}):
        with pytest.raises(TypeError, match="a bound is given twice"):
            clip(x, **{"a_min": 0.0} | both)
    assert clip(x, None, x[::-1]).value.tolist() == [-1.0, 0.0, 0.5, 0.0, -1.0]


def test_import_star_leaves_pythons_own_names():
    assert not set(minigan.autodiff.__all__) & set(dir(builtins))
    assert minigan.autodiff.sum([1.0, 2.0]).item() == 3.0
