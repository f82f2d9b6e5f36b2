"""The perceptron against plain NumPy, its initialisations against their variances, and many nets at once."""

import numpy as np
import pytest

from minigan.autodiff import check, grad, record
from minigan.autodiff.tensor import Tensor, topological
from minigan.nets import ACTIVATIONS, ELEMENTWISE, INITS, MLP, NORMS, Layout

NUMPY = {
    "relu": lambda a: np.maximum(a, 0),
    "leaky-relu": lambda a: np.where(a > 0, a, 0.2 * a),
    "tanh": np.tanh,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "softplus": lambda a: np.log1p(np.exp(a)),
}
COMBINATIONS = [(norm, minibatch) for norm in NORMS for minibatch in (0, 3) if (norm, minibatch) != ("virtual", 3)]


def random_theta(net: MLP, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=net.size)


def test_every_activation_has_its_numbers_here() -> None:
    assert NUMPY.keys() | {"maxout"} == ACTIVATIONS.keys() and tuple(NUMPY) == ELEMENTWISE
    a = np.random.default_rng(0).normal(size=(4, 15))
    for name, phi in NUMPY.items():
        np.testing.assert_allclose(ACTIVATIONS[name](Tensor(a)).value, phi(a), rtol=1e-12)


@pytest.mark.parametrize("activation", NUMPY)
def test_the_forward_pass_is_the_formula(activation: str) -> None:
    net = MLP((3, 5, 4, 2), activation)
    theta, x = random_theta(net), np.random.default_rng(1).normal(size=(7, 3))
    pieces = np.split(theta, np.cumsum([15, 5, 20, 4, 8]))
    w1, b1, w2, b2, w3, b3 = pieces
    phi = NUMPY[activation]
    h = phi(phi(x @ w1.reshape(3, 5) + b1) @ w2.reshape(5, 4) + b2)
    np.testing.assert_allclose(net(theta, x).value, h @ w3.reshape(4, 2) + b3, rtol=1e-12)


def test_maxout_is_the_largest_of_five_affine_maps() -> None:
    net = MLP((3, 4, 2), "maxout")
    theta, x = random_theta(net), np.random.default_rng(1).normal(size=(7, 3))
    assert net.size == theta.size == 5 * (3 * 4 + 4) + 4 * 2 + 2
    w1, b1, w2, b2 = np.split(theta, np.cumsum([60, 20, 8]))
    w1, b1 = w1.reshape(3, 20), b1
    h = np.max([x @ w1[:, 4 * k : 4 * k + 4] + b1[4 * k : 4 * k + 4] for k in range(5)], axis=0)
    run = net.run(theta, x)
    np.testing.assert_allclose(run.hidden[0].value, h, rtol=1e-12)
    np.testing.assert_allclose(run.outputs.value, h @ w2.reshape(4, 2) + b2, rtol=1e-12)
    # Goodfellow et al. (2013): it can be |x|, and relu: the largest of x, −x and of 0, x
    signs = np.array([[1.0, -1, 0, 0, 0]])
    one = MLP((1, 1, 1), "maxout")
    line = np.linspace(-2, 2, 9)[:, None]
    both = np.concatenate([signs.ravel(), np.zeros(5), [1.0, 0.0]])
    np.testing.assert_array_equal(one(both, line).value, abs(line))


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


@pytest.mark.parametrize("method", INITS)
def test_init_draws_the_weights_in_order_and_nothing_else(method: str) -> None:
    """What a seed gave before norms and pieces existed."""
    rng = np.random.default_rng(11)
    draws = [(INITS[method](rng, m, n, 0.7), np.zeros(n)) for m, n in [(2, 5), (5, 3), (3, 1)]]
    expected = np.concatenate([a.ravel() for pair in draws for a in pair])
    for net in (MLP((2, 5, 3, 1)), MLP((2, 5, 3, 1), "tanh", "none", 0)):
        np.testing.assert_array_equal(net.init(np.random.default_rng(11), method, 0.7, "float64"), expected)


def test_init_of_norms_pieces_and_kernels() -> None:
    net = MLP((2, 30, 1), "maxout", "batch", minibatch=4, kernel=3)
    theta = net.init(np.random.default_rng(0), "orthogonal", dtype="float64")
    W, b, gain, T, last, bias = (v.value for v in net.layout.views(theta))
    assert (W.shape, T.shape, last.shape) == ((2, 150), (30, 12), (34, 1))
    assert (b == 0).all() and (bias == 0).all() and (gain == 1).all()
    for piece in np.split(W, 5, axis=1):  # each its own draw, of its own size
        np.testing.assert_allclose(piece @ piece.T, np.eye(2), atol=1e-12)
    assert len({piece.tobytes() for piece in np.split(W, 5, axis=1)}) == 5
    np.testing.assert_allclose(T.T @ T, np.eye(12), atol=1e-12)


def test_the_plain_net_costs_what_it_did() -> None:
    net, x = MLP((2, 4, 4, 1)), np.ones((3, 2))
    nodes = topological([net(Tensor(random_theta(net)), x)])
    names = [node.primitive.name for node in nodes if node.primitive.view is None]
    assert names == ["matmul", "add", "relu"] * 2 + ["matmul", "add"]
    with_reference = topological([net(Tensor(random_theta(net)), x, np.ones((5, 2)))])
    assert [node.primitive.name for node in with_reference if node.primitive.view is None] == names


def test_run_gives_the_hidden_layers_without_the_minibatch_features() -> None:
    rng = np.random.default_rng(0)
    for net in [MLP((2, 5, 3, 1)), MLP((2, 5, 3, 1), "maxout", "layer", minibatch=2)]:
        run = net.run(random_theta(net), rng.normal(size=(6, 2)))
        assert [h.shape for h in run.hidden] == [(6, 5), (6, 3)]
        assert run.outputs.shape == (6, 1)
    plain = MLP((2, 5, 3, 1), "tanh")
    theta, x = random_theta(plain), rng.normal(size=(6, 2))
    (w1, b1), (w2, b2), _ = plain.layers(theta)
    h = np.tanh(x @ w1.value + b1.value)
    for found, expected in zip(plain.run(theta, x).hidden, [h, np.tanh(h @ w2.value + b2.value)], strict=True):
        np.testing.assert_allclose(found.value, expected, rtol=1e-12)


def test_weights_are_the_matrices_however_flat() -> None:
    assert MLP((1, 3, 1)).weights == (0, 2)  # (1, 3) and its bias (1, 3), (3, 1) and its bias (1, 1)
    assert MLP((1, 1, 1), norm="layer").weights == (0, 3)
    net = MLP((1, 3, 1), "maxout", "batch", minibatch=2, kernel=3)
    assert net.layout.shapes == ((1, 15), (1, 15), (1, 15), (3, 6), (5, 1), (1, 1))
    assert net.weights == (0, 3, 4)
    assert [(W.shape, b.shape) for W, b in net.layers(random_theta(net))] == [((1, 15), (1, 15)), ((5, 1), (1, 1))]


def test_mixes_says_whether_rows_see_each_other() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 2))
    for norm, minibatch in COMBINATIONS:
        net = MLP((2, 5, 1), "tanh", norm, minibatch)
        theta = random_theta(net)
        reference = rng.normal(size=(4, 2)) if norm == "virtual" else None
        together, alone = (net(theta, batch, reference).value for batch in (x, x[:3]))
        assert np.allclose(together[:3], alone, rtol=1e-9, atol=1e-12) != net.couples_samples, (norm, minibatch)


@pytest.mark.parametrize(("norm", "minibatch"), COMBINATIONS)
@pytest.mark.parametrize("activation", ["relu", "maxout"])
def test_replay_is_eager_and_float32_stays(norm: str, minibatch: int, activation: str) -> None:
    rng = np.random.default_rng(0)
    net = MLP((2, 6, 6, 1), activation, norm, minibatch)
    theta = net.init(rng)
    x, reference = rng.normal(size=(9, 2)).astype("float32"), rng.normal(size=(7, 2)).astype("float32")
    references = [reference] if norm == "virtual" else [None, reference]

    def step(state, inputs):
        y = [net(state["theta"], inputs["x"], None if r is None else inputs["reference"]) for r in references]
        slope = grad(y[-1].sum(), inputs["x"])
        loss = (slope * slope).sum() + sum(((one - 1.0) * (one - 1.0)).mean() for one in y)
        g = grad(loss, state["theta"])
        return {"theta": state["theta"] - 0.01 * g}, {"loss": loss, "slope": slope}

    inputs = {"x": x, "reference": reference}
    program = record(step, {"theta": theta}, inputs)
    by_hand = theta.copy()
    for _ in range(3):
        new, report = step({"theta": Tensor(by_hand)}, {k: Tensor(v) for k, v in inputs.items()})
        assert new["theta"].dtype == report["loss"].dtype == "float32"
        by_hand = new["theta"].value
        replayed = program()
        for name, value in report.items():
            np.testing.assert_array_equal(replayed[name], value.value)
    np.testing.assert_array_equal(theta, by_hand)
    assert np.isfinite(theta).all()


@pytest.mark.parametrize(("norm", "minibatch"), COMBINATIONS)
def test_leading_axes_row_by_row_with_norms_and_kernels(norm: str, minibatch: int) -> None:
    rng, R = np.random.default_rng(0), 4
    net = MLP((2, 6, 5, 1), "maxout", norm, minibatch)
    theta, x, reference = rng.normal(size=(R, net.size)), rng.normal(size=(R, 9, 2)), rng.normal(size=(R, 7, 2))
    for given in [[reference]] if norm == "virtual" else [[], [reference]]:
        t = Tensor(theta)
        together = net.run(t, x, *given)
        gradient = grad((together.outputs * together.outputs).sum(), t).value
        for r in range(R):
            one = Tensor(theta[r])
            alone = net.run(one, x[r], *[part[r] for part in given])
            np.testing.assert_allclose(together.outputs.value[r], alone.outputs.value, rtol=1e-12, atol=1e-13)
            for h, h_alone in zip(together.hidden, alone.hidden, strict=True):
                np.testing.assert_allclose(h.value[r], h_alone.value, rtol=1e-12, atol=1e-13)
            expected = grad((alone.outputs * alone.outputs).sum(), one).value
            np.testing.assert_allclose(gradient[r], expected, rtol=1e-9, atol=1e-10)
    if norm == "virtual":  # one reference batch for all
        np.testing.assert_allclose(net(theta, x, reference[0]).value[2], net(theta[2], x[2], reference[0]).value)


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
    (lambda: MLP((2, 3, 1), norm="bacth"), ["'bacth'", "'batch'"]),
    (lambda: MLP((2, 3, 1), minibatch=-1), ["minibatch", "-1"]),
    (lambda: MLP((2, 3, 1), minibatch=1, kernel=0), ["minibatch", "0"]),
    (lambda: MLP((2, 3, 1), norm="virtual", minibatch=2), ["virtual", "minibatch=2", "batch-mates"]),
    (lambda: MLP((2, 3, 1), norm="virtual")(np.zeros(16), np.zeros((4, 2))), ["virtual", "reference", "(..., m, 2)"]),
    (lambda: MLP((2, 3, 1), norm="virtual")(np.zeros(16), np.zeros((4, 2)), np.zeros((4, 3))),
     ["reference", "batch, 2", "(4, 3)"]),
    (lambda: MLP((2, 3, 1), norm="batch")(np.zeros(16), np.zeros((1, 2))), ["two values", "(1, 3)"]),
])
def test_errors_name_what_was_wrong(make, words: list[str]) -> None:
    with pytest.raises(ValueError) as error:
        make()
    assert all(word in str(error.value) for word in words)
