"""Replay: the recorded program equals eager execution bit for bit, allocates nothing, and refuses what it must."""

import sys
import tracemalloc
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.autodiff import (
    Tensor,
    TracingError,
    concat,
    cos,
    eager,
    exp,
    grad,
    greater,
    logsumexp,
    matmul,
    maximum,
    record,
    relu,
    safe_norm,
    sigmoid,
    sin,
    softplus,
    split,
    stop_gradient,
    swap,
    take,
    tanh,
    transpose,
    where,
)
from minigan.autodiff.replay.buffers import BLOCK
from tests.replays import LAYOUTS, agree, agree_on, penalized_step, same, steps, training
from tests.selection import slow_but

RNG = np.random.default_rng(2)
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])


# -- random programs -----------------------------------------------------------------------------------
@BOTH
@given(drawn=steps())
def test_random_programs_are_replayed_bit_for_bit(dtype, drawn):
    agree_on(drawn, dtype, 4)


@BOTH
@given(drawn=steps(), layout=st.lists(st.sampled_from(list(LAYOUTS)), min_size=4, max_size=4))
def test_random_programs_on_arrays_of_any_layout(dtype, drawn, layout):
    agree_on(drawn, dtype, 3, layout=layout)


def test_a_power_of_one_number():
    """NumPy takes another way where it writes over the base (found by the test above)."""
    state = {f"s{k}": np.array([[x]]) for k, x in enumerate(np.linspace(0.2, 3.0, 200))}
    agree(lambda s, i: ({}, {name: (cos(x) + 1.5) ** (x * 0.0 + 2.0) for name, x in s.items()}), state)


# -- a training step -----------------------------------------------------------------------------------------
@BOTH
def test_a_training_step_with_second_order_adam_and_a_schedule(dtype):
    state, inputs, schedule = training(dtype)
    program, after = agree(penalized_step, state, inputs, schedule)
    assert after["theta"].dtype == dtype and np.abs(after["theta"] - state["theta"]).max() > 0.01
    assert all(array.dtype == dtype for array in program.report.values())


# -- states ----------------------------------------------------------------------------------------------------
A, B, V = RNG.standard_normal((4, 6)), RNG.standard_normal((4, 6)), RNG.standard_normal(24)
CASES = {
    "swapped": lambda s, i: ({"a": s["b"], "b": s["a"]}, {}),
    "swapped and changed": lambda s, i: ({"a": s["b"] * 2.0, "b": s["a"] + 1.0}, {"a": s["a"], "b": s["b"]}),
    "one overwrites the other": lambda s, i: ({"a": s["b"]}, {"b": s["b"]}),
    "returned unchanged": lambda s, i: ({"a": s["a"], "b": s["b"] + 1.0}, {"sum": s["a"] + s["b"]}),
    "left out": lambda s, i: ({"b": s["b"] * 0.5}, {}),
    "nothing new": lambda s, i: ({}, {"a": s["a"] * 2.0}),
    "two equal to one tensor": lambda s, i: (dict.fromkeys("ab", sin(s["a"])), {}),
    "two equal to one expression": lambda s, i: ({"a": sin(s["a"]), "b": sin(s["a"])}, {}),
    "a constant": lambda s, i: ({"a": Tensor(np.full((4, 6), 2.0)), "b": s["a"] * 1.0}, {}),
    "an input": lambda s, i: ({"a": i["x"], "b": s["a"]}, {}),
    "a view of itself": lambda s, i: ({"a": s["a"][::-1]}, {}),
    "a view of the other": lambda s, i: ({"a": s["b"][:, ::-1], "v": s["a"].reshape(24)}, {"v": s["v"]}),
    "a stopped state": lambda s, i: ({"a": stop_gradient(s["b"]), "b": stop_gradient(s["a"])}, {}),
    "a view of a new value": lambda s, i: ({"a": swap(sin(swap(s["a"]))), "b": exp(-(s["v"] ** 2)).reshape(4, 6)}, {}),
    "read after its update could be placed": lambda s, i: (
        (lambda new: ({"a": new, "v": (new * s["a"]).reshape(24)}, {"x": new + s["a"]}))(cos(s["a"]))),
    "its view read after its update": lambda s, i: (
        (lambda new: ({"a": new, "b": new * s["a"][:1]}, {"x": new @ swap(s["a"])}))(cos(s["a"]))),
    "updated in two ways": lambda s, i: ({"a": (s["a"] + 1.0) * s["a"], "b": s["a"] - s["b"]}, {}),
    "updated by its own views": lambda s, i: ({"a": s["a"] + s["a"][::-1]}, {}),
    "updated by a product": lambda s, i: ({"a": s["a"] @ swap(s["b"]) @ s["b"] * 0.1}, {}),
    "a concatenation": lambda s, i: ({"a": concat([s["a"][:1] * 2.0, s["a"][1:] * 3.0], axis=0)}, {}),
    "a concatenation of changed parts, crosswise": lambda s, i: (
        {"a": concat([s["a"][2:] * 2.0, s["a"][:2] * 3.0], axis=0)}, {}),
    "a concatenation of old views": lambda s, i: ({"a": concat([s["a"][2:], s["a"][:2]], axis=0)}, {}),
    "a chain through the states": lambda s, i: (
        {"a": s["b"] * 0.5, "b": s["v"].reshape(4, 6) + 1.0, "v": s["a"].reshape(24) - 1.0}, {}),
    "reports are views of the old": lambda s, i: (
        {"a": s["a"] * 0.9, "v": s["v"] + 1.0},
        {"a": s["a"], "row": s["a"][1], "one": s["a"][0, 0], "part": split(s["v"], sizes=(3, 21))[0], "x": i["x"]}),
    "reports are views of the new": lambda s, i: (
        (lambda new: ({"a": new}, {"new": new, "row": new[1], "flat": swap(new).reshape(24)}))(s["a"] * 0.9)),
}


@pytest.mark.parametrize("name", CASES)
def test_states(name):
    agree(CASES[name], {"a": A, "b": B, "v": V}, {"x": B + 1}, [{}, {"x": A - 1}, {}])


def test_the_report_of_an_old_state_is_the_old_value():
    state = {"a": A.copy()}
    program = record(CASES["reports are views of the old"], state | {"v": V.copy()}, {"x": B.copy()})
    report = program()
    np.testing.assert_array_equal(report["a"], A)
    np.testing.assert_array_equal(report["row"], A[1])
    np.testing.assert_array_equal(state["a"], A * 0.9)


def test_one_name_may_be_a_state_and_an_input():
    agree(lambda s, i: ({"a": s["a"] + i["a"]}, {"a": i["a"] * 2.0}), {"a": A}, {"a": B}, [{}, {"a": A}, {}])


def test_states_that_share_memory_are_refused():
    zeros = np.zeros(4)
    for run_with in (eager, record):
        with pytest.raises(ValueError, match="'m' shares its memory with 'v'"):
            run_with(lambda s, i: ({}, {}), {"m": zeros, "v": zeros}, {})
        with pytest.raises(ValueError, match="'m' shares its memory with 'x'"):
            run_with(lambda s, i: ({}, {}), {"m": zeros}, {"x": zeros[1:]})
        run_with(lambda s, i: ({}, {}), {"m": zeros[:2], "v": zeros[2:]}, {})  # halves of one array are apart


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda x: np.repeat(x, 2, axis=1)[:, ::2]], ids=["F", "strided"])
@pytest.mark.parametrize("n", [3, 33, 64])
def test_states_of_other_layouts(layout, n):
    def step(s, i):
        w = s["w"] @ (s["w"] * 0.05) + i["x"]
        new = tanh(w) @ cos(w)
        return {"w": new}, {"norm": (w @ w).sum(), "rows": s["w"].sum(axis=1), "old": s["w"].sum(), "new": new.sum()}

    rng = np.random.default_rng(n)
    agree(step, {"w": layout(rng.standard_normal((n, n)))}, {"x": layout(rng.standard_normal((n, n)))})


def test_programs_share_states():
    """Two players in turn, each a program on the same arrays, against the same two steps eagerly."""
    def first(s, i):
        return {"a": s["a"] - 0.1 * s["b"]}, {"product": (s["a"] * s["b"]).sum()}

    def second(s, i):
        return {"b": s["b"] + 0.1 * s["a"]}, {}

    by_hand, by_program = ({"a": A.copy(), "b": B.copy()} for _ in range(2))
    players = [[make(step, state, {}) for step in (first, second)]
               for make, state in ((eager, by_hand), (record, by_program))]
    for _ in range(10):
        for one, other in zip(*players, strict=True):
            same(one(), other())
            same(by_hand, by_program)


def test_a_state_changed_from_outside_is_seen():
    state = {"a": A.copy()}
    program = record(lambda s, i: ({"a": s["a"] * 2.0}, {}), state, {})
    state["a"][...] = 1.0
    program()
    assert (state["a"] == 2.0).all()


# -- where values lie ------------------------------------------------------------------------------------------
X = RNG.standard_normal((64, 50))
PLACES = {
    "pieces along the first axis": lambda x: concat([exp(-x * x), sin(x)], axis=0),
    "pieces along the last axis": lambda x: concat([exp(-x * x), sin(x)], axis=1),
    "pieces with leading axes": lambda x: concat(
        [sin(x).reshape(2, 1600), (cos(x).reshape(2, 32, 50) @ x[:50, :7]).reshape(2, 224), x.reshape(2, 1600)]),
    "one piece twice": lambda x: concat([exp(-x * x)] * 2, axis=0),
    "equal pieces": lambda x: concat([sin(x), cos(x), sin(x)], axis=1),
    "a piece in two concatenations": lambda x: (
        (lambda p: concat([p, cos(x)]) + 2.0 * concat([cos(x), p]))(sin(x))),
    "a concatenation within another": lambda x: (
        (lambda p, q: concat([concat([p, q]), p], axis=1) * 2.0)(sin(x), cos(x))),
    "a concatenation within another, with gaps": lambda x: (
        (lambda a, b: concat([concat([a, b], axis=0), concat([a * b, b], axis=0)], axis=1))(
            sin(x).reshape(100, 32), cos(x).reshape(100, 32))),
    "a piece read by others too": lambda x: (
        (lambda p: concat([p, cos(x)]) * p.sum() + p.sum(axis=0).sum() + (p @ swap(p)).sum())(sin(x))),
    "a piece read after the concatenation": lambda x: (
        (lambda p: (lambda c: c * 0.5 + concat([p, p * c[:, :50]]))(concat([p, cos(x)])))(sin(x))),
    "a piece reshaped": lambda x: concat([sin(x).reshape(3200), cos(x).reshape(3200)]),
    "a piece seen through a transpose": lambda x: concat([swap(sin(x)), swap(cos(x))], axis=0),
    "a piece of size zero": lambda x: concat([sin(x), x[:0]], axis=0),
    "columns": lambda x: concat([sin(x[:, :1]), x[:, 1:] @ x[:49, :1], x.sum(axis=1, keepdims=True)]),
    "a reshape that copies": lambda x: swap(sin(x)).reshape(25, 128) * 2.0,
    "a reshape of an input that copies": lambda x: swap(x).reshape(25, 128) * 2.0,
    "a reshape that copies, read twice": lambda x: (
        (lambda r: r[:5] @ swap(r) + r.sum())(swap(sin(x)).reshape(25, 128))),
    "elements": lambda x: sin(x)[3, 4] * x[0, 0] + exp(x[1, 1]).reshape(1) * x[5],
    "sums over gaps": lambda x: sin(x)[::2, ::3].sum() + (cos(x) * x)[:, 1:].sum(axis=(0, 1)),
    "broadcasts": lambda x: (sin(x[:, :1]) + x[:1]) * cos(x[0]) + x.sum(axis=1, keepdims=True),
    "0-d values": lambda x: sigmoid(x.mean()) * softplus(x.sum()) + tanh(sigmoid(x[0, 0]) + greater(x.max(), 0.0)),
    "masks": lambda x: where(greater(x, 0.0), sin(x), x * x) + maximum(x, 0.1) * relu(x),
    "equal expressions": lambda x: sin(x) * sin(x) + sin(x) @ swap(sin(x)) @ x,
    "an expression times its own transpose": lambda x: matmul(sin(x), sin(x), tb=True) @ swap(sin(x) @ swap(sin(x))),
    "a batch of those": lambda x: matmul(sin(x).reshape(2, 32, 50), swap(sin(x).reshape(2, 32, 50))),
    "constants": lambda x: (
        x * np.ones(x.shape, x.dtype) + float(Tensor(2.0) * 3.0) + sin(np.arange(50).astype(x.dtype))),
    "dead code": lambda x: (sin(x), cos(x) @ swap(exp(x)), x * 3.0)[2],
    "the input itself": lambda x: x,
    "a view of the input": lambda x: transpose(x, axes=(1, 0))[3:],
    "an expression of no input": lambda x: Tensor(np.ones(3, x.dtype)) * 2.0,
    "taken": lambda x: take(sin(x), np.array([3, 3, 0, 63]), axis=0) @ swap(x),
    "logsumexp": lambda x: logsumexp(3.0 * x, axis=1) + logsumexp(x),
}  # fmt: skip


@pytest.mark.parametrize("shape", [(37, 303), (7, 1000), (64, 50), (3, 1)])
def test_a_piece_with_gaps_is_summed_as_one_without(shape):
    def step(s, i):
        p = cos(i["x"])
        return {}, {"both": concat([p, i["x"]]), "sum": p.sum(), "rows": p.sum(axis=1), "product": swap(p) @ p}

    for seed in range(5):
        agree(step, {}, {"x": np.random.default_rng(seed).standard_normal(shape)})


@BOTH
@pytest.mark.parametrize("name", PLACES)
def test_where_values_lie_does_not_change_them(name, dtype):
    def step(s, i):
        y = PLACES[name](i["x"])
        return {"s": s["s"] + y.mean()}, {"y": y, "gradient": grad((tanh(y) * 0.5).sum(), i["x"]), "x": i["x"]}

    x = X.astype(dtype)
    agree(step, {"s": np.zeros((), dtype)}, {"x": x}, [{}, {"x": -x}, {"x": x[::-1] * np.array(0.7, dtype)}])


def test_constants_are_frozen_and_inputs_are_not():
    rate = 1.0
    state = {"a": np.zeros(2)}
    program = record(lambda s, i: ({"a": s["a"] + rate * i["t"]}, {}), state, {"t": np.array(1.0)})
    rate = 100.0
    program()
    program(t=5.0)
    assert state["a"].tolist() == [6.0, 6.0]


def test_indices_and_masks_are_inputs():
    """A minibatch by its row numbers, a dropout mask: integers and booleans may come in."""
    def step(s, i):
        batch = take(i["data"], i["rows"], axis=0)
        y = where(i["mask"], batch @ s["w"], 0.0)
        return {"w": s["w"] - 0.1 * grad((y * y).sum(), s["w"])}, {"y": y, "batch": batch}

    rng = np.random.default_rng(0)
    inputs = {"data": X, "rows": np.arange(8), "mask": np.ones((8, 3), bool)}
    schedule = [{"rows": rng.integers(0, 64, 8), "mask": rng.random((8, 3)) < 0.5} for _ in range(5)]
    agree(step, {"w": rng.standard_normal((50, 3)) * 0.1}, inputs, schedule)


def test_inputs_keep_their_last_value():
    state = {"a": np.zeros(())}
    inputs = {"t": np.array(1.0), "u": np.array(10.0)}
    program = record(lambda s, i: ({"a": s["a"] + i["t"] + i["u"]}, {}), state, inputs)
    program(t=2.0)
    program()
    inputs["u"][...] = 0.0
    program()
    assert float(state["a"]) == 26.0


LONG = {  # a step's value, of n operations one after another
    "multiplications": lambda x, t, n: reduce(lambda y, _: y * 0.999 + t, range(n), x),
    "layers": lambda x, t, n: reduce(lambda y, _: relu(y * 0.999 + t), range(n), x),
    "views": lambda x, t, n: reduce(lambda y, _: y[::-1], range(n), x) * t,
    "reshapes": lambda x, t, n: reduce(lambda y, k: y.reshape((2, 2) if k % 2 else (4,)), range(n), x).reshape(4) * t,
    "reshapes that copy": lambda x, t, n: reduce(
        lambda y, _: swap(y).reshape(2, 2), range(n), x.reshape(2, 2)).reshape(4) * t,
    "concatenations": lambda x, t, n: reduce(lambda y, _: concat([y, x[:1] * t]), range(n), x),
    "splits": lambda x, t, n: reduce(lambda y, _: concat(split(y, sizes=(1, 3))[::-1]), range(n), x) * t,
    "pieces": lambda x, t, n: concat([p * t for p in split(concat([x] * n), sizes=(1,) * (4 * n))]),
}


@pytest.mark.parametrize("name", slow_but(["views", "splits"], LONG, "programs of thousands of operations"))
def test_long_programs(name):
    """Thousands of operations, none of them by recursion."""
    def step(s, i):
        y = LONG[name](s["a"], i["t"], 5000 if name in ("views", "reshapes") else 2000)
        return {"a": s["a"] - 0.1 * grad(y.mean(), s["a"])}, {"y": y[-4:]}

    agree(step, {"a": np.linspace(0.1, 1.0, 4)}, {"t": np.array(1e-3)}, [{"t": 2e-3}])


def test_many_states_and_inputs():
    names = [f"s{k}" for k in range(2000)]
    step = record(lambda s, i: ({name: s[name] + i[name] for name in names}, {}),
                  {name: np.zeros(2) for name in names}, {name: np.ones(2) for name in names})
    assert len(step.calls) == 2000 and step.reads == set(names)


def work(n):
    """To record n layers and their gradient: how many lines of Python run, every turn of a loop counted."""
    count = 0

    def line(frame, event, arg):
        nonlocal count
        count += event == "line"
        return line if "replay" in frame.f_code.co_filename else None

    def step(s, i):
        y = reduce(lambda y, _: relu(y * 1.001), range(n), i["x"])
        return {}, {"y": grad((y * y).sum(), i["x"])}

    before = sys.gettrace()
    sys.settrace(line)
    try:
        record(step, {}, {"x": np.ones(4)})
    finally:
        sys.settrace(before)
    return count


def test_recording_is_linear_in_the_length_of_the_program():
    assert work(400) < 4.2 * work(100)


# -- no allocation -----------------------------------------------------------------------------------------------
def test_no_allocation_while_running():
    """A critic step on 1024 × 512 activations, 4 MB each: all it may allocate is NumPy's cast buffers, 64 kB each."""
    n, h = 1024, 512
    rng = np.random.default_rng(0)

    def net(theta, x):
        w, b, v = split(theta, sizes=(h * h, h, h))
        return relu(tanh(x @ w.reshape(h, h) + b)) @ v.reshape(h, 1)

    def step(s, i):
        slope = grad(net(s["theta"], i["x"]).sum(), i["x"])
        loss = ((safe_norm(slope, axis=1) - 1.0) ** 2).mean() + softplus(sigmoid(net(s["theta"], i["x"]))).mean()
        g = grad(loss, s["theta"])
        m = 0.9 * s["m"] + g
        flat = swap(tanh(i["x"])).reshape(n * h)  # a reshape that has to copy
        return {"theta": s["theta"] - i["t"] * m, "m": m}, {"loss": loss + flat[:100].max(), "top": s["theta"][:5]}

    theta = rng.standard_normal(h * h + 2 * h) / 16
    program = record(step, {"theta": theta, "m": np.zeros_like(theta)},
                     {"x": rng.standard_normal((n, h)), "t": np.array(0.1)})
    program()
    tracemalloc.start()
    program(t=0.01)
    program()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4e6 / 20, f"{peak} bytes allocated at the peak"


def test_buffers_are_reused():
    """On 1 MB arrays: 60 elementwise calls live in one buffer, 20 products in two; a gradient keeps what it needs."""
    mb, little = 1 << 20, BLOCK + 4096
    x = np.ones((1024, 128))

    def chain(s, i, derivative=False):
        y = i["x"]
        for _ in range(30):
            y = sin(y) + 0.5
        return {}, {"y": (grad(y.sum(), i["x"]) if derivative else y).sum()}

    def products(s, i):
        y = i["x"]
        for _ in range(20):
            y = y @ i["w"]
        return {}, {"y": y.sum()}

    def nbytes(step):
        return record(step, {"s": np.ones(1)}, {"x": x, "w": np.eye(128)}).nbytes

    assert nbytes(chain) <= mb + little
    assert nbytes(products) <= 2 * mb + little
    # kept for the backward: the 30 arguments of sin, one of them an input; not the 120 values beside them
    assert nbytes(lambda s, i: chain(s, i, derivative=True)) <= 29 * mb + little


def test_gradients_are_written_into_the_flat_gradient():
    """No copy for a concatenation whose pieces are computed in their place, nor for a state in its own."""
    state, inputs, _ = training("float64")
    program = record(penalized_step, state, inputs)
    copied = [args for function, args in program.calls if function is np.copyto]
    given = 2 * 32 * 3 + 1 + 209  # real and fake into one batch; the report's "before"
    assert sum(args[0].size for args in copied) <= given, [args[0].shape for args in copied]
    assert not any(args[0] is array for args in copied for array in state.values())
    assert record(lambda s, i: (s, {}), state, {}).calls == [], "a state returned as it was"


def test_an_update_is_not_made_over_its_own_views():
    """a ← a + reversed a: NumPy would see the overlap and copy; another library need not."""
    state = {"a": A.copy()}
    for function, args in record(CASES["updated by its own views"], state, {}).calls:
        assert function is np.copyto or args[-1] is not state["a"]


# -- refusals ----------------------------------------------------------------------------------------------------
LOOKS = {
    "bool": lambda t: bool(t), "if": lambda t: 1 if t else 2, "float": lambda t: float(t), "item": lambda t: t.item(),
    "asarray": lambda t: np.asarray(t), "value": lambda t: t.value, "math": lambda t: round(float(t * 2.0)),
    "numpy": lambda t: np.argmax(np.atleast_1d(t)), "equal": lambda t: 1 if t == 3.0 else 2,
    "gradient": lambda t: float(grad(t * t, t)),
    "while": lambda t: [None for _ in iter(lambda: bool(greater(t, 0.0)), False)],
}


@pytest.mark.parametrize("where_from", ["state", "inputs"])
@pytest.mark.parametrize("name", LOOKS)
def test_a_step_that_looks_at_a_value_is_refused(name, where_from):
    def step(s, i):
        LOOKS[name]((s if where_from == "state" else i)["x"])
        return {}, {}

    held = {"state": {"y": np.ones(())}, "inputs": {}}
    held[where_from] = {"x": np.zeros(())}
    with pytest.raises(TracingError, match="recorded"):
        record(step, held["state"], held["inputs"])
    eager(step, held["state"], held["inputs"])()


def test_tracing_spares_constants_and_ends_with_the_recording():
    def step(s, i):
        assert float(Tensor(2.0) * 3.0) == 6.0
        assert "being recorded" in repr(s["a"]) and s["a"].shape == (2,)
        return {"a": s["a"] * 2.0}, {}

    record(step, {"a": np.ones(2)}, {})()
    assert float((Tensor(np.ones(2)) * 2.0).sum()) == 4.0


def double(s, i):
    return {"a": s["a"] * i["x"]}, {}


@pytest.mark.parametrize("run_with", [eager, record])
@pytest.mark.parametrize("values, error, words", [
    ({"x": np.ones(4)}, ValueError, r"'x'.*\(3,\).*\(4,\)"),
    ({"x": np.ones((1, 3))}, ValueError, r"'x'.*\(3,\).*\(1, 3\)"),
    ({"x": np.ones(3, np.float32)}, ValueError, "'x'.*float64.*float32"),
    ({"x": np.ones(3, int)}, ValueError, "'x'.*float64.*int64"),
    ({"x": 1.0}, ValueError, r"'x'.*\(3,\).*\(\)"),
    ({"y": np.ones(3)}, TypeError, "no input 'y'.*x"),
])
def test_inputs_of_another_kind_are_refused(run_with, values, error, words):
    state = {"a": np.ones(3)}
    call = run_with(double, state, {"x": np.ones(3)})
    with pytest.raises(error, match=words):
        call(**values)
    np.testing.assert_array_equal(state["a"], 1.0)


@pytest.mark.parametrize("new, words", [
    (lambda s: {"a": s["a"][:2]}, r"'a'.*\(2,\).*\(3,\)"),
    (lambda s: {"a": Tensor(np.ones(3, np.float32))}, "'a'.*float32.*float64"),
    (lambda s: {"b": s["a"]}, r"'b'.*not in the state \(a\)"),
])
@pytest.mark.parametrize("run_with", [lambda *args: eager(*args)(), record], ids=["eager", "record"])
def test_new_states_of_another_kind_are_refused(run_with, new, words):
    with pytest.raises(ValueError, match=words):
        run_with(lambda s, i: (new(s), {}), {"a": np.ones(3)}, {})


def test_a_failing_step_leaves_the_state_alone():
    def step(s, i):
        raise RuntimeError("in the middle")

    state = {"a": np.ones(3)}
    with pytest.raises(RuntimeError, match="middle"):
        record(step, state, {})
    np.testing.assert_array_equal(state["a"], 1.0)


# -- what need not be computed ---------------------------------------------------------------------------------
def called(program):
    return [getattr(f, "func", f).__name__ for f, _ in program.calls]


SIGNED = np.arange(-3.0, 3.0).reshape(2, 3)


@pytest.mark.parametrize(("report", "relus"), [
    (lambda y: {"slope": greater(y, 0.0)}, 0),
    (lambda y: {"slope": greater(y, 0.0), "y": y}, 1),
    (lambda y: {"slope": greater(y, 0.5)}, 1),
    (lambda y: {"slope": greater(y, -0.5)}, 1),
    (lambda y: {"slope": greater(y, 0.0), "more": greater(y, 1.0)}, 1),
    (lambda y: {"slope": greater(0.0, y)}, 1),
])
def test_a_relu_of_which_only_the_sign_is_asked_for(report, relus):
    program, _ = agree(lambda s, i: ({}, report(relu(i["x"]))), {}, {"x": SIGNED})
    assert called(program).count("maximum") == relus


def test_a_threshold_that_is_an_input_is_not_taken_for_zero():
    program, _ = agree(lambda s, i: ({}, {"m": greater(relu(i["x"]), i["c"])}), {}, {"x": SIGNED, "c": np.array(0.0)},
                       [{}, {"c": -1.0}, {"c": 1.0}])
    assert "maximum" in called(program)


def test_constant_pieces_are_written_once():
    """But a report is the caller's, who may write over it."""
    def step(s, i):
        whole = concat([np.zeros(3), i["x"] * 2.0, np.ones(2)])
        return {}, {"whole": concat([whole, i["x"]]) + 0.0, "again": concat([np.zeros(2), i["x"]])}

    program, _ = agree(step, {}, {"x": np.arange(4.0)}, [{}, {"x": np.ones(4)}, {"x": -np.ones(4)}])
    for _ in range(2):
        report = program()
        np.testing.assert_array_equal(report["whole"], [0, 0, 0, -2, -2, -2, -2, 1, 1, -1, -1, -1, -1])
        np.testing.assert_array_equal(report["again"], [0, 0, -1, -1, -1, -1])
        for array in report.values():
            array[...] = np.nan
    one = record(lambda s, i: ({}, {"y": (concat([np.zeros(3), i["x"]]) * 2.0).sum()}), {}, {"x": np.arange(4.0)})
    assert len([f for f, _ in one.calls if f is np.copyto]) == 1
