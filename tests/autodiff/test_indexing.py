"""t[key] is NumPy's a[key], whatever the key, with the adjoint for its derivative."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays, basic_indices, integer_array_indices

from minigan.autodiff import Tensor, TracingError, check, grad, logsumexp, mean, record, where

A = np.random.default_rng(2).standard_normal((3, 4, 2))
KEYS = [
    [0, 2, 0], (slice(None), [1, -1]), (np.array([0, 1]), np.array([3, 3])), (np.array([[0], [2]]), [1, 3]), (...,
     [0, 0, 1]),
    ([0, 1], slice(None), [1, 0]), (None, [2, 0]), ([1], None, slice(1, 3)), A > 0.3, A[:, :, 0] > 0, (slice(None),
     A[0, :, 1] > 0),
    [True, False, True], (1, [True, False, True, True]), [], (np.zeros((0,), int), 1), np.array(2), np.int64(1),
    (np.int32(1), slice(np.int64(1), np.int64(3))), (np.argmax(A[:, 0, 0]), 0), (slice(None, None, -1), [0, 1]),
     ([[0, 1], [2, 2]],),
]


@pytest.mark.parametrize("key", KEYS, ids=[str(k)[:40] for k in KEYS])
def test_it_is_numpys(key):
    t = Tensor(A)
    y = t[key]
    np.testing.assert_array_equal(y.value, A[key])
    u = np.random.default_rng(0).standard_normal(y.shape)
    expected = np.zeros_like(A)
    np.add.at(expected, key, u)
    np.testing.assert_allclose(grad(y, t, cotangent=u).value, expected, rtol=1e-14)
    check(lambda t: t[key] ** 3, [A], order=2, analytic=True, directions=1)


@given(key=st.one_of(integer_array_indices((3, 4, 2)), arrays(bool, (3, 4)), arrays(bool, (3, 4, 2)),
                     basic_indices((3, 4, 2), allow_newaxis=True)))
def test_any_key(key):
    np.testing.assert_array_equal(Tensor(A)[key].value, A[key])


def test_a_mask_of_a_tensor():
    x = Tensor(A)
    y = x[x > 0.3]
    np.testing.assert_array_equal(y.value, A[A > 0.3])
    np.testing.assert_array_equal(grad((y * y).sum(), x).value, np.where(A > 0.3, 2 * A, 0))
    assert x[x > 1e9].shape == (0,)


def test_a_cross_entropy_by_labels():
    """−(1/n) Σ log softmax(x)[i, kᵢ], whose gradient is (softmax − one-hot)/n."""
    logits, labels = np.random.default_rng(1).standard_normal((5, 3)), np.array([0, 2, 1, 1, 0])
    x = Tensor(logits)
    loss = mean(logsumexp(x, axis=1) - x[np.arange(5), labels])
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(grad(loss, x).value, (p - np.eye(3)[labels]) / 5, rtol=1e-12, atol=1e-15)


def test_labels_that_are_inputs_of_a_recorded_step():
    def step(s, i):
        picked = s["x"][np.arange(3), i["k"]]
        return {"x": s["x"] - grad(picked.sum(), s["x"])}, {"picked": picked}

    x, k = A[:, :, 0].copy(), np.array([0, 3, 3])
    program = record(step, {"x": x}, {"k": k})
    np.testing.assert_array_equal(program()["picked"], A[[0, 1, 2], [0, 3, 3], 0])
    np.testing.assert_array_equal(program(k=np.array([1, 1, 1]))["picked"], A[:, 1, 0])
    np.testing.assert_array_equal(x, A[:, :, 0] - np.eye(4)[[0, 3, 3]] - np.eye(4)[[1, 1, 1]])


def test_how_many_a_mask_picks_is_no_part_of_a_recorded_step():
    with pytest.raises(TracingError, match=r"t\[mask\]"):
        record(lambda s, i: ({}, {"y": s["x"][s["x"] > 0]}), {"x": A.copy()}, {})
    report = record(lambda s, i: ({}, {"y": s["x"][A > 0], "z": where(s["x"] > 0, s["x"], 0.0)}), {"x": A.copy()}, {})()
    np.testing.assert_array_equal(report["y"], A[A > 0])
    np.testing.assert_array_equal(report["z"], np.maximum(A, 0))


def test_an_index_that_changes_afterwards_is_not_followed():
    at = np.array([0, 2])
    x = Tensor(A)
    y = x[at].sum()
    at[:] = 1
    assert grad(y, x).value[0].all() and not grad(y, x).value[1].any()


@pytest.mark.parametrize(("key", "error", "words"), [
    ([0, 3], IndexError, "out of bounds"),
    (np.ones(4, bool), IndexError, "boolean"),
    (np.array([True, True, False, False]), IndexError, "boolean"),
    ((0, 0, 0, 0), IndexError, "too many"),
    ([0.0, 1.0], TypeError, "float64"),
    (1.0, TypeError, "float64"),
    ("x", TypeError, "integers, slices"),
    (True, TypeError, "bool"),
    (np.True_, TypeError, "bool"),
    (Tensor([0.0, 1.0]), TypeError, r"masks \(t\[t > 0\]"),
    (slice(0.0, 1.0), TypeError, "integer"),
    (([0, 1], [0, 1, 2]), IndexError, "broadcast"),
], ids=str)
def test_a_clear_error(key, error, words):
    with pytest.raises(error, match=words):
        Tensor(A)[key]
