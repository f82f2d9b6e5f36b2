"""Slopes from values alone: against derivatives in closed form, wherever the point lies, and honest where they fail."""

import numpy as np
import pytest

from minigan.autodiff import Tensor, absolute, concat, cos, exp, log, sin, sqrt, tanh
from minigan.autodiff.slopes import Point, complex_step, differences, direction

ENOUGH = 1e-7


def slope(measure, f, x, proportional=False, seed=0):
    """As measured, as the entry's own account of its error says, and the direction."""
    with np.errstate(all="ignore"):  # steps beyond the edge of where f is defined
        return _slope(measure, f, np.array(x, float), proportional, seed)


def _slope(measure, f, x, proportional, seed):
    values = [f(Tensor(x)).value]
    at = Point(f, np, [x], [np.zeros(y.shape) for y in values])
    v = direction(np.random.default_rng(seed), [x], 1, proportional)
    found = measure(at, v, values, *([] if measure is complex_step else [ENOUGH]))[0]
    return found, v.vs[0]


SMOOTH = {  # f, and its derivative entry by entry
    "log": (log, lambda x: 1 / x),
    "sqrt": (sqrt, lambda x: 0.5 / np.sqrt(x)),
    "1/x": (lambda x: 1.0 / x, lambda x: -1 / x**2),
    "x²": (lambda x: x * x, lambda x: 2 * x),
    "x^-1.5": (lambda x: x**-1.5, lambda x: -1.5 * x**-2.5),
    "√(1 + x²)": (lambda x: sqrt(1.0 + x * x), lambda x: x / np.hypot(1.0, x)),
}


@pytest.mark.parametrize("measure", [differences, complex_step])
@pytest.mark.parametrize("proportional", [False, True], ids=["of one size", "in proportion"])
@pytest.mark.parametrize("name", SMOOTH)
def test_the_slope_of_a_smooth_function_from_1e_minus_12_to_1e12(name, proportional, measure):
    f, derivative = SMOOTH[name]
    x = 10.0 ** np.arange(-12, 13)
    found, v = slope(measure, f, x, proportional)
    size = np.abs(f(Tensor(x)).value)
    unit = np.maximum(np.abs(derivative(x) * v), 1e-4 * size / (1.0 if proportional else np.median(x)))
    assert (np.abs(found.value - derivative(x) * v) <= 1e-7 * unit).all()
    assert (found.error <= 1e-6 * np.maximum(unit, 1e-4 * found.size)).all()


@pytest.mark.parametrize(("f", "x", "derivative"), [
    # false alarms with a step of 1e-3
    (log, 0.01, 100.0), (sqrt, 0.01, 5.0), (lambda x: sqrt((x * x).sum()), 1e-3, 1.0),
    (exp, -300.0, np.exp(-300.0)), (exp, 300.0, np.exp(300.0)),
    (lambda x: sin(1e6 * x), 0.3, 1e6 * np.cos(3e5)),
    (lambda x: x * x * x, 0.0, 0.0), (lambda x: x * absolute(x), 0.0, 0.0), (cos, 1e-12, 0.0),
    (lambda x: tanh(1e9 * x), 1e-9, 1e9 / np.cosh(1.0) ** 2), (lambda x: 1e-300 * sin(x), 0.5, 1e-300 * np.cos(0.5)),
])
def test_the_step_is_found_where_it_must_be_small(f, x, derivative):
    found, v = slope(differences, f, [x])
    assert found.value == pytest.approx(derivative * v[0], rel=2e-7, abs=1e-11)
    assert found.error <= 1e-7 * max(abs(derivative * v[0]), 1e-4 * found.size)


def test_each_entry_has_a_step_of_its_own():
    found, _ = slope(differences, log, [1.0, 1e-6, 1e-11])
    assert found.step[0] == 2.0**-13 and found.step[2] < 1e-12 < found.step[1] < 1e-7


NONE = {  # values of which no step gives the slope
    "noise": lambda x: x * float(np.random.default_rng(abs(hash(float(x.value[0])))).standard_normal()),
    "a pole": lambda x: 1.0 / absolute(x - 0.3) ** 0.5 if x.value[0] != 0.3 else x,
    "only defined there": lambda x: log(concat([x, x])[:1] * np.array([1.0 if x.value[0] == 0.3 else -1.0])),
}


@pytest.mark.parametrize("name", NONE)
def test_what_has_no_slope_says_so(name):
    found, _ = slope(differences, NONE[name], [0.3])
    assert not found.error <= 1e-3 * abs(found.value)


@pytest.mark.parametrize("proportional", [False, True])
def test_steps_are_exact(proportional):
    """x + hv and x − hv lie at the very distance 2hv (unless a power of two lies between): only f rounds."""
    rng = np.random.default_rng(1)
    x = rng.uniform(1.3, 1.7, 1000) * 2.0 ** rng.integers(-10, 11, 1000)
    v = direction(rng, [x], 1, proportional)
    for h in v.steps[:6]:
        step = h * v.vs[0]
        near = np.abs(step) < 0.2 * np.abs(x)
        assert near.sum() > 300
        np.testing.assert_array_equal(((x + step) - (x - step))[near], 2 * step[near])
