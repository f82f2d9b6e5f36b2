"""The perceptron against plain NumPy, its initialisations against their variances, and many nets at once."""

import numpy as np
import pytest

from minigan.autodiff import check, grad
from minigan.autodiff.tensor import Tensor
from minigan.nets import ACTIVATIONS, INITS, MLP, Layout

NUMPY = {
    "relu": lambda a: np.maximum(a, 0),
    "leaky-relu": lambda a: np.where(a > 0, a, 0.2 * a),
    "tanh": np.tanh,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "softplus": lambda a: np.log1p(np.exp(a)),
}


def random_theta(net: MLP, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=net.size)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_forward_pass_is_the_formula(activation: str) -> None:
    net = MLP((3, 5, 4, 2), activation)
    theta, x = random_theta(net), np.random.default_rng(1).normal(size=(7, 3))
    pieces = np.split(theta, np.cumsum([15, 5, 20, 4, 8]))
    w1, b1, w2, b2, w3, b3 = pieces
    phi = NUMPY[activation]
    h = phi(phi(x @ w1.reshape(3, 5) + b1) @ w2.reshape(5, 4) + b2)
    np.testing.assert_allclose(net(theta, x).value, h @ w3.reshape(4, 2) + b3, rtol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_derivatives_in_theta_and_x(activation: str) -> None:
    net = MLP((2, 4, 3, 1), activation)
    check(net, [random_theta(net), np.random.default_rng(1).normal(size=(5, 2))], order=2,
          analytic=activation in ("tanh", "sigmoid"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_row_r_of_a_leading_axis_equals_the_single_net(dtype: str) -> None:
    net = MLP((2, 16, 16, 1))
    rows = [net.init(np.random.default_rng(r), dtype=dtype) for r in range(5)]
    x = np.random.default_rng(9).normal(size=(5, 32, 2)).astype(dtype)
    together, theta = None, Tensor(np.stack(rows))
    together = net(theta, x)
    gradient = grad((together * together).sum(), theta)
    for r, row in enumerate(rows):
        one = Tensor(row)
        alone = net(one, x[r])
        assert alone.dtype == together.dtype == dtype
        np.testing.assert_array_equal(together.value[r], alone.value)
        np.testing.assert_allclose(gradient.value[r], grad((alone * alone).sum(), one).value, rtol=1e-5)


def test_initialisations_have_their_variance() -> None:
    m, n = 300, 500
    expected = {"he": 2 / m, "xavier": 2 / (m + n), "orthogonal": 1 / n, "normal": 1.0}
    assert expected.keys() == INITS.keys()
    for name, variance in expected.items():
        w = INITS[name](np.random.default_rng(0), m, n, 1.0)
        assert w.shape == (m, n)
        assert np.var(w) == pytest.approx(variance, rel=0.02), name
        np.testing.assert_allclose(INITS[name](np.random.default_rng(0), m, n, 0.5), 0.5 * w)
    for shape in [(3, 7), (7, 3), (4, 4)]:
        q = INITS["orthogonal"](np.random.default_rng(0), *shape, 1.0)
        gram = q @ q.T if shape[0] <= shape[1] else q.T @ q
        np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-12)


def test_init_is_a_function_of_the_generator_alone_and_biases_are_zero() -> None:
    net = MLP((2, 3, 1))
    a, b = (net.init(np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert a.dtype == np.float32 and a.shape == (net.size,) == (13,)
    np.testing.assert_array_equal(a[[6, 7, 8, 12]], 0)


def test_layout_views_are_where_they_should_be() -> None:
    layout = Layout(((2, 3), (1, 3), (4,)))
    a, b, c = layout.views(np.arange(13.0))
    np.testing.assert_array_equal(a.value, [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(b.value, [[6, 7, 8]])
    np.testing.assert_array_equal(c.value, [9, 10, 11, 12])


@pytest.mark.parametrize(("make", "words"), [
    (lambda: MLP((2,)), ["input and an output", "(2,)"]),
    (lambda: MLP((2, 0, 1)), ["positive", "(2, 0, 1)"]),
    (lambda: MLP((2, 1), "rleu"), ["'rleu'", "relu"]),
    (lambda: MLP((2, 1)).init(np.random.default_rng(0), "hee"), ["'hee'", "xavier"]),
    (lambda: MLP((2, 3, 1))(np.zeros(12), np.zeros((4, 2))), ["13", "(12,)"]),
    (lambda: MLP((2, 3, 1))(np.zeros(13), np.zeros((4, 3))), ["batch, 2", "(4, 3)"]),
    (lambda: MLP((2, 3, 1))(np.zeros(13), np.zeros(2)), ["batch, 2", "(2,)"]),
])
def test_errors_name_what_was_wrong(make, words: list[str]) -> None:
    with pytest.raises(ValueError) as error:
        make()
    assert all(word in str(error.value) for word in words)
