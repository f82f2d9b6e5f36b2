"""Optimisers against trajectories worked out in plain floats from the published recurrences."""

from math import sqrt

import numpy as np
import pytest

from minigan.autodiff import check, grad, record
from minigan.autodiff.tensor import Tensor
from minigan.nets import OPTIMIZERS, SCHEDULES
from tests.by_hand import ETA, GRADIENTS, optimizer, trajectory


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_trajectory_is_the_published_one(name: str) -> None:
    np.testing.assert_allclose(trajectory(name, "float64"), optimizer(name), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(trajectory(name, "float32"), optimizer(name), rtol=2e-6, atol=1e-6)


def test_adams_first_step_is_eta_times_the_sign() -> None:
    theta, _ = OPTIMIZERS["adam"].step(
        np.zeros(3), np.array([1e-3, -20.0, 0.0]), {"m": Tensor(np.zeros(3)), "v": Tensor(np.zeros(3))}, 1, ETA)
    np.testing.assert_allclose(theta.value, [-ETA, ETA, 0.0], rtol=1e-4)


@pytest.mark.parametrize(("name", "plain"), [("optimistic", "sgd"), ("optimistic-adam", "adam")])
def test_the_first_optimistic_step_is_the_plain_one(name: str, plain: str) -> None:
    g = np.array([0.3, -2.0])
    for t in (1, np.array(1.0), Tensor(np.ones(()))):
        (a, _), (b, _) = (
            OPTIMIZERS[row].step(np.ones(2), g, {k: Tensor(np.zeros(2)) for k in OPTIMIZERS[row].slots}, t, ETA)
            for row in (name, plain))
        np.testing.assert_allclose(a.value, b.value, rtol=1e-12)


def test_optimism_converges_on_xy_where_gradient_steps_diverge() -> None:
    """min over x max over y of xy. Optimistic: the radius falls; a plain simultaneous step multiplies it by √(1+η²)."""
    radius = {}
    for name in ("sgd", "optimistic"):
        row, theta = OPTIMIZERS[name], np.array([1.0, 1.0])
        state = row.init(theta)
        for t in range(1, 501):
            g = np.array([theta[1], -theta[0]])
            new, slots = row.step(theta, g, {k: Tensor(v) for k, v in state.items()}, t, ETA)
            theta, state = new.value, {k: v.value for k, v in slots.items()}
        radius[name] = np.linalg.norm(theta)
    assert radius["sgd"] == pytest.approx(sqrt(2) * sqrt(1 + ETA**2) ** 500, rel=1e-9)
    # its eigenvalues: λ² = (1 − 2iη)λ + iη, from x′ = x − 2ηJx + ηJx₋
    rate = max(abs(np.roots([1, -(1 - 2j * ETA), -1j * ETA])))
    assert rate < 1
    assert radius["optimistic"] == pytest.approx(sqrt(2) * rate**500, rel=0.1)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_can_be_differentiated_through(name: str) -> None:
    row, rng = OPTIMIZERS[name], np.random.default_rng(0)

    def step(theta, g, eta, *slots):
        squares = [s * s if slot == "v" else s for slot, s in zip(row.slots, slots, strict=True)]
        new, _ = row.step(theta, g, dict(zip(row.slots, squares, strict=True)), 3.0, eta)
        return new

    check(step, [rng.normal(size=4), rng.normal(size=4), np.array(0.1), *rng.normal(size=(len(row.slots), 4))], order=2)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_dead_unit_gives_no_nan_through_the_step(name: str, dtype: str) -> None:
    """v = 0 and g = 0 for ever: √v has an infinite slope there, and inf · 0 would be nan."""
    row = OPTIMIZERS[name]
    g = Tensor(np.zeros(3, dtype))
    new, _ = row.step(np.ones(3, dtype), g, {k: Tensor(np.zeros(3, dtype)) for k in row.slots}, 1, ETA)
    assert np.isfinite(new.value).all()
    assert np.isfinite(grad(new.sum(), g).value).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_recorded_with_a_schedule_it_is_the_same(name: str) -> None:
    row = OPTIMIZERS[name]
    state = {"theta": np.ones(2), **row.init(np.ones(2))}
    inputs = {"g": np.zeros(2), "t": np.ones(()), "eta": np.ones(())}

    def step(state, inputs):
        slots = {k: state[k] for k in row.slots}
        theta, slots = row.step(state["theta"], inputs["g"], slots, inputs["t"], inputs["eta"])
        return {"theta": theta, **slots}, {}

    program = record(step, state, inputs)
    for t, g in enumerate(GRADIENTS, 1):
        program(g=np.full(2, g), t=np.array(float(t)), eta=np.array(ETA))
    np.testing.assert_allclose(state["theta"], optimizer(name)[-1], rtol=1e-10)


@pytest.mark.parametrize(("name", "settings"), [("rmsprop", {"alpha": 0.5}), ("adam", {"beta2": 0.5})])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_dead_units_mean_of_squares_stays_a_normal_number(name: str, settings: dict, dtype: str) -> None:
    """v ← v/2 + tiny tends to 2 tiny from above: where 0.99 v would stick at a few denormal units, and be slow."""
    row, tiny = OPTIMIZERS[name], float(np.finfo(dtype).tiny)
    theta, g = Tensor(np.zeros(1, dtype)), Tensor(np.zeros(1, dtype))
    slots = {slot: Tensor(np.full(1, 64 * tiny, dtype)) for slot in row.slots}
    for t in range(1, 41):
        theta, slots = row.step(theta, g, slots, float(t), 0.1, **settings)
        assert slots["v"].value >= 2 * tiny
    np.testing.assert_allclose(slots["v"].value / tiny, 2, rtol=1e-5)
    assert np.isfinite(theta.value).all()


def test_schedules() -> None:
    expected = {"constant": [1, 1, 1], "linear": [1, 0.75, 0.25], "cosine": [1, 0.5 + sqrt(0.125), 0.5 - sqrt(0.125)]}
    assert expected.keys() == SCHEDULES.keys()
    for name, values in expected.items():
        np.testing.assert_allclose([SCHEDULES[name](s) for s in (0.0, 0.25, 0.75)], values, atol=1e-12)
