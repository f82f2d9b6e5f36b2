"""matmul of vectors and matrices, dot, outer and einsum: NumPy's numbers, and their derivatives."""

import numpy as np
import pytest

from minigan.autodiff import Tensor, check, dot, einsum, grad, matmul, outer

RNG = np.random.default_rng(5)
A, B, V, W = (RNG.standard_normal(s) for s in [(2, 3), (3, 4), (3,), (4,)])
STACK = RNG.standard_normal((5, 2, 3))


@pytest.mark.parametrize(("a", "b"), [(A, B), (A, V), (V, B), (V, V), (STACK, B), (STACK, V), (V[:2], STACK), (B.T,
    A.T)],
                         ids=lambda x: str(x.shape))
def test_matmul_with_vectors(a, b):
    for y in (matmul(a, b), Tensor(a) @ b, a @ Tensor(b)):
        np.testing.assert_allclose(y.value, a @ b, rtol=1e-13)
    assert matmul(a, b).shape == (a @ b).shape
    check(matmul, [a, b], order=2, analytic=True, directions=1)


def test_matmul_by_flags_with_a_vector():
    np.testing.assert_allclose(matmul(A, V[:2], ta=True).value, A.T @ V[:2])
    np.testing.assert_allclose(matmul(V, A, tb=True).value, V @ A.T)


def test_dot_and_outer():
    for f, numpys in ((dot, np.dot), (outer, np.outer)):
        for a, b in ((V, V), (A, B), (A, V)) if f is dot else ((V, W), (A, W)):
            np.testing.assert_allclose(f(a, b).value, numpys(a, b), rtol=1e-14)
            check(f, [a, b], order=2, analytic=True, directions=1)
    np.testing.assert_allclose(dot(Tensor(A), 2.0).value, 2 * A)
    np.testing.assert_allclose(Tensor(V).dot(V).value, V @ V)


EINSUMS = [
    ("ij,jk->ik", A, B), ("ij,jk", A, B), ("ij,j", A, V), ("i,i", V, V), ("i,i->i", V, V), ("i,j->ji", V, W),
    ("ij->", A),
    ("ij->i", A), ("ij->ji", A), ("ij", A), ("ji", A), ("bij,jk->bik", STACK, B), ("bij,bij->b", STACK, STACK),
    ("bij,bik->bjk", STACK, STACK), ("bij,kj->kb", STACK, A), ("ij,jk,k->i", A, B, W), ("i,ij,j->", V[:2], A, V),
    ("...ij,jk->...ik", STACK, B), ("...i,...i->...", STACK, STACK), ("...i,i", STACK, V), ("i...,i...", STACK, STACK),
    ("...,->...", A, np.array(2.0)), ("b...,b->...", STACK, np.arange(5.0)), ("ij,kl->ijkl", A, B),
    (" i j , j -> i ", A, V),
    ("ba,cb", A, B.T[:, :2]), ("ZaY,aX->XYZ", STACK, RNG.standard_normal((2, 2))),
]


@pytest.mark.parametrize("case", EINSUMS, ids=lambda c: c[0])
def test_einsum(case):
    subscripts, *operands = case
    y, expected = einsum(*case), np.einsum(*case)
    assert y.shape == expected.shape
    np.testing.assert_allclose(y.value, expected, rtol=1e-12, atol=1e-14)
    check(lambda *xs: einsum(subscripts, *xs), operands, order=2, analytic=True, directions=1)


def test_numbers_and_float32_in_einsum():
    x = Tensor(V.astype(np.float32))
    assert einsum("i,->i", x, 2.0).dtype == np.float32
    np.testing.assert_allclose(grad(einsum("i,i,->", x, x, 0.5), x).value, V, rtol=1e-6)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: einsum("ij,jk", A, A), r"'j' is 3 and 2 long"),
    (lambda: einsum("ii->i", np.eye(3)), "a letter twice in 'ii'.*diagonal"),
    (lambda: einsum("ij->ik", A), "'k' is in no operand"),
    (lambda: einsum("ij->iij", A), "a letter twice in 'iij'"),
    (lambda: einsum("ij,jk", A), "of 2 operands, got 1"),
    (lambda: einsum("ijk", A), "'ijk' names 3 axes, and operand 0 has 2"),
    (lambda: einsum("i", A), "'i' names 1 axes, and operand 0 has 2"),
    (lambda: matmul(A, 2.0), r"vectors or matrices.*\(2, 3\), \(\)"),
    (lambda: matmul(A, W), r"inner sizes of shapes \(2, 3\) and \(4,\)"),
    (lambda: matmul(V, V, ta=True), "transposes matrices only"),
    (lambda: dot(STACK, B), "matmul or einsum"),
])
def test_a_clear_error(call, words):
    with pytest.raises(ValueError, match=words):
        call()
