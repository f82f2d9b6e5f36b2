"""The checker itself: it must reject planted wrong rules, whatever their scale, and accept right ones."""

import numpy as np
import pytest

from minigan.autodiff import (
    PRIMITIVES,
    GradientError,
    Primitive,
    Tensor,
    absolute,
    check,
    concat,
    exp,
    log,
    maximum,
    relu,
    sin,
    softmax,
    split,
    sqrt,
    stop_gradient,
    tanh,
)

X = np.array([0.4, -0.9, 1.3])


@pytest.fixture
def plant():
    """Make a primitive y = sin(x) with a rule of one's own, which nobody else gets to see."""
    def planted(rule):
        made = Primitive("planted", call=lambda xp, out, x: (xp.sin, x, out), rules=[rule])
        del PRIMITIVES["planted"]
        return made

    return planted


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
    words = r"order 1: grad says .*the central difference with step 1e-04 says .*allowed 1e-06 of"
    with pytest.raises(GradientError, match=words):
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


# -- every output, every argument, every point ---------------------------------------------------------
def half(plant):
    """sin x with a derivative that is twice too large."""
    return plant(WRONG["factor 2"])


@pytest.mark.parametrize("analytic", [False, True], ids=["central", "complex step"])
@pytest.mark.parametrize("ratio", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("build", [
    lambda x, y, ratio: [x.sum() * ratio, y],
    lambda x, y, ratio: concat([x * ratio, y]),
    lambda x, y, ratio: concat([x * 0.0, x * ratio, y]),
], ids=["two outputs", "entries of one", "some of them zero"])
def test_an_output_that_is_wrong_is_found_beside_one_a_million_times_as_large(plant, build, ratio, analytic):
    f = half(plant)
    check(lambda x: build(x, sin(x), ratio), [X], order=3, analytic=analytic)
    with pytest.raises(GradientError, match="order 1"):
        check(lambda x: build(x, f(x), ratio), [X], order=1, analytic=analytic)


@pytest.mark.parametrize("ratio", [1.0, 1e3, 1e6])
def test_so_is_a_second_derivative_and_the_output_is_named(plant, ratio):
    f = plant(WRONG_SECOND["second is doubled"])
    with pytest.raises(GradientError, match="order 2"):
        check(lambda x: [(x * x).sum() * ratio, f(x)], [X])
    g = half(plant)
    with pytest.raises(GradientError, match=r"order 1.*in output 1 of 3"):
        check(lambda x: [(x * x).sum() * ratio, g(x), sin(x)], [X])


def test_so_is_an_argument_of_which_f_depends_a_million_times_less(plant):
    f = half(plant)
    with pytest.raises(GradientError, match="order 1"):
        check(lambda a, b: (a * 1e6).sum() + f(b).sum(), [np.array([1e-6, 2e-6]), X], order=1)


def test_so_is_a_coordinate_a_million_times_smaller(plant):
    """Its derivative is ten million times as large, and all that directions of one size see."""
    f = plant(lambda g, y, x: g * cosine(x) * np.array([2.0, 1.0]))
    with pytest.raises(GradientError, match=r"order 1.*step .* of \|x\|"):
        check(lambda x: f(x * np.array([1.0, 1e7])).sum(), [np.array([0.5, 1e-7])], order=1)


def norm(x):
    return sqrt((x * x).sum())


POINTS = [1e-12, 1e-9, 1e-6, 1e-3, 0.01, 1.0, 1e3, 1e6, 1e12]


@pytest.mark.parametrize("analytic", [False, True], ids=["central", "complex step"])
@pytest.mark.parametrize("x", POINTS)
@pytest.mark.parametrize("f", [log, sqrt, norm, tanh, lambda x: 1.0 / x, lambda x: x * x, lambda x: sqrt(1.0 + x * x)],
                         ids=["log", "sqrt", "norm", "tanh", "1/x", "x²", "√(1 + x²)"])
def test_right_rules_are_accepted_at_any_point(f, x, analytic):
    check(f, [np.array([1.0, 2.0, 0.7]) * x], order=2, analytic=analytic)


@pytest.mark.parametrize("x", POINTS)
@pytest.mark.parametrize("name", [
    "sign", "factor 2", "one part in 10⁵", "constant", "zero", "nan", "one entry of three"])
def test_wrong_rules_are_rejected_at_any_point(plant, name, x):
    f, point = plant(WRONG[name]), np.array([0.5, 0.9, 1.3]) * x
    with pytest.raises(GradientError, match="order 1"):
        check(lambda y: f(y / x), [point], order=1)


@pytest.mark.parametrize("f, x", [
    (lambda x: x * x * x, 0.0), (lambda x: x * x * x + sin(x) * x, 0.0), (lambda x: x * absolute(x), 1e-3),
    (exp, -300.0), (exp, 300.0), (softmax, 0.1), (lambda x: softmax(x * np.array([1.0, 500.0, -500.0])), 0.1),
    (relu, 1e-7), (lambda x: x**2.5, 1e-3), (lambda x: 1.0 + 1e-11 * sin(x), 0.3), (lambda x: 1e5 + sin(x), 0.3),
])
def test_right_rules_are_accepted_where_differences_are_hard(f, x):
    check(f, [np.full(3, x)], order=2)


def test_points_of_many_sizes_at_once():
    check(lambda x: [log(x), log(x).sum(), sqrt(x)], [np.array([1.0, 1e-9, 1e5])], order=2)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("order", [1, 2])
def test_a_rule_that_is_not_finite_is_rejected(plant, order, value):
    f = plant(lambda g, y, x: g * value)
    with pytest.raises(GradientError, match=rf"order 1: grad says -?{abs(value)}.* for an entry of argument 1"):
        check(lambda y, x: y.sum() + f(x), [X, X], order=order)
    with pytest.raises(GradientError, match=r"order 1: grad says -?inf"):
        check(sqrt, [np.zeros(2)], order=1)


NOTHING_SETTLES = {
    "noise": lambda x, rng: x * float(rng.standard_normal()),
    "a little noise": lambda x, rng: x + 1e-6 * float(rng.standard_normal()),
    "rounded to eight digits": lambda x, rng: (1e8 + sin(x)) - 1e8,
    "a point beyond the edge": lambda x, rng: log(x - 0.4 + 1e-17) if x.value[0] != 0.4 else x,
}


@pytest.mark.parametrize("name", NOTHING_SETTLES)
def test_where_no_difference_settles_that_is_said(name):
    rng = np.random.default_rng(0)
    with pytest.raises(GradientError, match=r"grad says .*with other steps something else: is the point at a kink"):
        check(lambda x: NOTHING_SETTLES[name](x, rng), [X[:1]], order=1)


def test_the_message_says_which_step_it_was():
    with pytest.raises(GradientError, match="the central difference with step 1e-04 says"):
        check(lambda x: stop_gradient(sin(x)), [X])
    with pytest.raises(GradientError, match=r"the central difference with step [1-4]e-0[67] says"):
        check(lambda x: stop_gradient(log(x)), [X[:1] * 1e-3])
    with pytest.raises(GradientError, match="the complex step says"):
        check(lambda x: stop_gradient(sin(x)), [X], analytic=True)


@pytest.mark.parametrize("f", [absolute, lambda x: x * absolute(x), lambda x: sqrt(x * absolute(x) + 2.0),
                               lambda x: absolute(x) * stop_gradient(x)])
def test_a_function_that_is_not_analytic_is_no_proof(plant, f):
    with pytest.raises(GradientError, match=r"the complex step (says .*not analytic|fails: .* of real numbers)"):
        check(f, [X], order=1, analytic=True)


def test_a_wrong_rule_that_the_complex_step_shares_is_rejected():
    """|x| with the derivative zero: Im |x + iε| is 0 too."""
    flat = Primitive("flat", call=lambda xp, out, x: (xp.absolute, x, out), rules=[lambda g, y, x: g * 0.0])
    del PRIMITIVES["flat"]
    with pytest.raises(GradientError, match="not analytic"):
        check(flat, [X], order=1, analytic=True)


# -- what cannot be checked ----------------------------------------------------------------------------
UNCHECKED = {
    "a float": (lambda x: 1.0, [X], {}, TypeError, "f gives a tensor in float64, .* or a list, got float"),
    "a tensor in float32": (lambda x: x.astype("float32"), [X], {}, TypeError, "got one of dtype float32"),
    "None": (lambda x: None, [X], {}, TypeError, "got NoneType"),
    "an array": (lambda x: x.value, [X], {}, TypeError, "got ndarray"),
    "a float among tensors": (lambda x: [x, 1.0], [X], {}, TypeError, "got float"),
    "no output": (lambda x: [], [X], {}, TypeError, "an empty list"),
    "a nan": (log, [-np.abs(X)], {}, ValueError, "f is not finite at the point"),
    "an infinity": (lambda x: 1.0 / x, [np.zeros(2)], {}, ValueError, "f is not finite at the point"),
    "a point that is none": (sin, [np.array([1.0, np.nan])], {}, ValueError, r"xs\[0\] is not finite"),
    "complex points": (sin, [X, X * 1j], {}, TypeError, r"xs\[1\] has dtype complex128"),
    "masks": (sin, [X > 0], {}, TypeError, r"xs\[0\] has dtype bool.*let f hold"),
    "an array for the list": (sin, X[None], {}, TypeError, r"xs is a list.*check\(f, \[x\]\)"),
    "a tensor for the list": (sin, Tensor(X), {}, TypeError, "xs is a list"),
    "a number for the list": (sin, 0.3, {}, TypeError, "xs is a list"),
    "no argument": (lambda: Tensor(1.0), [], {}, ValueError, "xs is empty"),
    "order 0": (sin, [X], {"order": 0}, ValueError, "order 0, .* would check nothing"),
    "no direction": (sin, [X], {"directions": 0}, ValueError, "directions 0 .* would check nothing"),
    "any difference allowed": (sin, [X], {"rtol": np.inf}, ValueError, "rtol inf would check nothing"),
}


@pytest.mark.parametrize("name", UNCHECKED)
def test_what_cannot_be_checked_is_refused(name):
    f, xs, settings, error, words = UNCHECKED[name]
    with pytest.raises(error, match=words):
        check(f, xs, **settings)


def test_integers_and_tensors_are_points_and_a_constant_has_the_derivative_zero():
    check(lambda x, y: x * x * y, [[1, 2, 3], Tensor(X)], order=2)
    check(lambda x: Tensor([2.0, 0.0]), [X], order=2)
    check(lambda x: x * 2.0, [np.zeros((0, 3))], order=2)
    with pytest.raises(GradientError, match="grad says 0, the central difference"):
        check(lambda x: Tensor(np.sin(x.value)), [X])
