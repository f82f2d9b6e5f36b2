"""Elementwise calls on large arrays go block by block: the same bits, whatever reads or overwrites what."""

import numpy as np
import pytest
from hypothesis import given, settings

from minigan.autodiff import broadcast_to, concat, exp, grad, greater, record, relu, sqrt, swap, tanh
from minigan.autodiff.replay import buffers
from tests.replays import agree, agree_on, copies, critic, penalized_step, steps, training

BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])
RNG = np.random.default_rng(7)


@pytest.fixture(autouse=True, scope="module")
def everything_is_large():
    """Blocks of four or eight numbers, so that small programs are cut to pieces."""
    before = buffers.LARGE, buffers.BLOCK
    buffers.LARGE, buffers.BLOCK = 1, 32
    yield
    buffers.LARGE, buffers.BLOCK = before


@pytest.mark.slow("random programs by blocks of rows")
@BOTH
@given(drawn=steps())
@settings(max_examples=60)
def test_random_programs(dtype, drawn):
    agree_on(drawn, dtype, 3)


@BOTH
def test_a_training_step(dtype):
    state, inputs, schedule = training(dtype)
    program, _ = agree(penalized_step, state, inputs, schedule[:4])
    buffers.LARGE = 1 << 60
    try:
        assert len(program.calls) > 3 * len(record(penalized_step, copies(state), copies(inputs)).calls)
    finally:
        buffers.LARGE = 1


A = RNG.standard_normal((13, 6))
ROW = RNG.standard_normal((1, 6))
# step(state, inputs) -> (new state, report), each a way to read what a block may have overwritten
CASES = {
    "a row of the state that is overwritten": lambda s, i: ({"a": tanh(s["a"] + s["a"][0:1]) * 0.5}, {}),
    "its last row": lambda s, i: ({"a": tanh(s["a"] + s["a"][12:13]) * 0.5}, {}),
    "a number of it": lambda s, i: ({"a": tanh(s["a"] * s["a"][0:1, 0:1]) * 0.5}, {}),
    "its own reverse": lambda s, i: ({"a": tanh(s["a"] + s["a"][::-1]) * 0.5}, {}),
    "a column of it": lambda s, i: ({"a": tanh(s["a"] + s["a"][:, 2:3]) * 0.5}, {}),
    "shifted by a row": lambda s, i: ({"a": concat([s["a"][:1], tanh(s["a"][:-1] * s["a"][1:])], axis=0)}, {}),
    "two states that change places": lambda s, i: ({"a": tanh(s["b"] + 1.0), "b": exp(s["a"] - 4.0)}, {}),
    "one over the other": lambda s, i: ({"a": (u := tanh(s["a"] + s["b"])), "b": tanh(u * s["b"] - s["a"])}, {}),
    "a report from the middle": lambda s, i: ({"a": tanh(u := s["a"] + i["row"])}, {"u": u, "v": relu(u) * 2.0}),
    "a row of a row": lambda s, i: ({"a": tanh(relu(s["a"] + tanh(i["row"])) + i["row"])}, {}),
    "a broadcast row": lambda s, i: ({"a": tanh(s["a"] + broadcast_to(i["row"], shape=(13, 6)))}, {}),
    "a reshape in between": lambda s, i: ({"a": tanh(exp(s["a"]).reshape(6, 13) * 0.1).reshape(13, 6) + 1.0}, {}),
    "its transpose, laid out anew": lambda s, i: (
        {"a": exp(swap(u := tanh(s["a"])).reshape(13, 6) - 2.0) * u}, {}),
    "masks": lambda s, i: ({"a": greater(tanh(s["a"]), 0.1) * s["b"] + greater(s["b"], s["a"])}, {}),
    "a sum in between": lambda s, i: ({"a": tanh(u := s["a"] * s["b"]) * u.sum()}, {"u": u.sum(0)}),
    "a derivative": lambda s, i: ({"a": s["a"] - 0.1 * grad(sqrt(1.0 + s["a"] ** 2).sum(), s["a"])}, {}),
    "the first row of what is being computed in its part of a concatenation": lambda s, i: (
        {}, {"u": concat([(p := tanh(s["a"] * i["row"])), p * p[0:1]], axis=0)}),
    "a number of what is overwritten at its last read": lambda s, i: (
        {}, {"u": tanh((p := s["a"] @ i["square"]) + exp(s["b"]) * p[0:1, 0:1])}),
    "a row of that": lambda s, i: ({}, {"u": tanh((p := s["a"] @ i["square"]) + exp(s["b"]) * p[0:1])}),
    "pieces of a concatenation": lambda s, i: ({}, {"u": concat([tanh(s["a"]) * 2.0, exp(s["b"]) + 1.0], axis=0)}),
}


@pytest.mark.parametrize("case", CASES)
@BOTH
def test_nothing_is_overwritten_before_its_last_read(case, dtype):
    state = {"a": A.astype(dtype), "b": A[::-1].astype(dtype)}
    inputs = {"row": ROW.astype(dtype), "square": A[:6].astype(dtype)}
    schedule = [{name: (x * (1 + k)).astype(dtype) for name, x in inputs.items()} for k in range(3)]
    agree(CASES[case], state, inputs, schedule)


def test_what_only_a_block_needs_takes_the_memory_of_a_block():
    buffers.LARGE, buffers.BLOCK = 1 << 19, 1 << 17
    try:
        x = np.ones((1 << 10, 1 << 8))
        program = record(lambda s, i: ({"x": tanh(exp(s["x"] * 0.1) + relu(s["x"])) * 0.5}, {}), {"x": x}, {})
        assert program.nbytes <= 3 << 17 < x.nbytes
        assert len(program.calls) == 6 * 16
    finally:
        buffers.LARGE, buffers.BLOCK = 1, 32


def test_a_network_on_a_large_batch():
    theta, x = RNG.standard_normal(209) * 0.3, RNG.standard_normal((512, 3))

    def step(s, i):
        loss = tanh(critic(s["theta"], i["x"])).mean()
        return {"theta": s["theta"] - 0.1 * grad(loss, s["theta"])}, {"loss": loss}

    agree(step, {"theta": theta}, {"x": x})
