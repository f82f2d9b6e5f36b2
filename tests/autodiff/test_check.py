"""The checker itself: it must reject planted wrong rules, whatever their scale, and accept right ones."""

import numpy as np
import pytest

from minigan.autodiff import (
    PRIMITIVES,
    GradientError,
    Primitive,
    absolute,
    check,
    exp,
    maximum,
    relu,
    sin,
    split,
    stop_gradient,
    tanh,
)

X = np.array([0.4, -0.9, 1.3])


@pytest.fixture
def plant():
    """Make a primitive y = sin(x) with a rule of one's own; taken out of the registry afterwards."""
    before = set(PRIMITIVES)
    yield lambda rule: Primitive("planted", call=lambda xp, out, x: (xp.sin, x, out), rules=[rule])
    for name in set(PRIMITIVES) - before:
        del PRIMITIVES[name]


def cosine(x):
    return PRIMITIVES["cos"](x)


WRONG = {
    "sign": lambda g, y, x: -(g * cosine(x)),
    "factor 2": lambda g, y, x: 2.0 * g * cosine(x),
    "50 times": lambda g, y, x: 50.0 * g * cosine(x),
    "one part in 10⁵": lambda g, y, x: 1.00001 * g * cosine(x),
    "missing term": lambda g, y, x: g * (1.0 - 0.5 * x * x),
    "sine for cosine": lambda g, y, x: g * y,
    "forgotten cotangent": lambda g, y, x: cosine(x) + 0.0 * g,
    "constant": lambda g, y, x: g * 0.7,
    "zero": lambda g, y, x: g * 0.0,
    "nan": lambda g, y, x: g * float("nan"),
    "one entry of three": lambda g, y, x: g * cosine(x) * np.array([1.0, 1.0, 1.01]),
}
# first derivative right: cos x, by value, and its own derivative wrong
WRONG_SECOND = {
    "second is zero": lambda g, y, x: g * stop_gradient(cosine(x)),
    "second has the sign wrong": lambda g, y, x: g * (2.0 * stop_gradient(cosine(x)) - cosine(x)),
    "second is doubled": lambda g, y, x: g * (2.0 * cosine(x) - stop_gradient(cosine(x))),
    "cotangent detached": lambda g, y, x: stop_gradient(g) * cosine(x),
}


@pytest.mark.parametrize("analytic", [False, True], ids=["central", "complex step"])
@pytest.mark.parametrize("scale", [1.0, 1e-12, 1e12])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_rejected_at_any_scale(plant, name, order, scale, analytic):
    f = plant(WRONG[name])
    with pytest.raises(GradientError, match="order 1"):
        check(lambda x: scale * f(x), [X], order=order, analytic=analytic)


@pytest.mark.parametrize("analytic", [False, True], ids=["central", "complex step"])
@pytest.mark.parametrize("scale", [1.0, 1e-12])
@pytest.mark.parametrize("name", WRONG_SECOND)
def test_a_wrong_second_derivative_behind_a_right_first_is_rejected(plant, name, scale, analytic):
    f = plant(WRONG_SECOND[name])
    check(lambda x: scale * f(x), [X], order=1, analytic=analytic)
    with pytest.raises(GradientError, match="order 2"):
        check(lambda x: scale * f(x), [X], order=2, analytic=analytic)


def test_a_wrong_third_derivative_behind_two_right_ones_is_rejected():
    def f(x):  # sin x by its Taylor polynomial of degree 2 about x itself
        held = stop_gradient(x)
        d = x - held
        return sin(held) + PRIMITIVES["cos"](held) * d - 0.5 * sin(held) * d * d

    check(f, [X], order=2)
    with pytest.raises(GradientError, match="order 3"):
        check(f, [X], order=3)


@pytest.mark.parametrize("analytic", [False, True], ids=["central", "complex step"])
def test_the_right_rule_is_accepted(plant, analytic):
    check(plant(lambda g, y, x: g * cosine(x)), [X], order=3, analytic=analytic)


@pytest.mark.parametrize("scale", [1e-200, 1e-12, 1.0, 1e12, 1e100])
@pytest.mark.parametrize("analytic", [False, True], ids=["central", "complex step"])
def test_right_rules_are_accepted_at_any_scale(scale, analytic):
    check(lambda x: scale * tanh(x) * sin(x), [X], order=2, analytic=analytic)


@pytest.mark.parametrize("f, xs", [
    (lambda x, y: exp(x) * y, [X, X[:1]]),
    (lambda x: split(x * x, sizes=(1, 2)), [X]),
    (lambda x: [x.sum(), x * 2.0], [X]),
    (lambda x: x * 0.0 + 5.0, [X]),
    (lambda x: stop_gradient(x) * 0.0, [X]),
    (lambda x: x.reshape(3, 1) @ x.reshape(1, 3), [X]),
    (lambda x: x * x, [np.array(2.0)]),
    (lambda x: x * x, [X.astype(np.float32)]),
    (lambda x: x * x, [[1, 2, 3]]),
])
@pytest.mark.parametrize("analytic", [False, True], ids=["central", "complex step"])
def test_functions_of_many_kinds_are_accepted(f, xs, analytic):
    check(f, xs, order=2, analytic=analytic)


@pytest.mark.parametrize("f", [relu, absolute, lambda x: maximum(x, 0.1)])
def test_piecewise_functions_are_accepted_by_central_differences(f):
    check(f, [X], order=2)


def test_a_derivative_lost_across_a_stop_is_rejected():
    with pytest.raises(GradientError):
        check(lambda x: stop_gradient(x) * x, [X])


def test_the_complex_step_is_wrong_through_an_absolute_value():
    """Why analytic is not the default: |z| is no analytic function, and the step through it is silently zero."""
    with pytest.raises(GradientError, match="complex step"):
        check(absolute, [X], order=1, analytic=True)


def test_the_message_tells_both_numbers_and_the_rule_of_comparison():
    with pytest.raises(GradientError, match=r"order 1: grad says .*the central difference with step 1e-04 says .*allowed 1e-06 of"):
        check(lambda x: stop_gradient(x) * 2.0, [X])


def test_it_does_not_disturb_its_inputs_and_is_deterministic():
    x = X.copy()
    check(sin, [x])
    np.testing.assert_array_equal(x, X)
    messages = []
    for _ in range(2):
        with pytest.raises(GradientError) as error:
            check(lambda x: stop_gradient(x) * x, [X], seed=4)
        messages.append(str(error.value))
    assert messages[0] == messages[1]
