"""What a step is given and what it answers: the bits of eager execution, or an error that names the thing."""

import copy
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from minigan.autodiff import (
    Tensor,
    TracingError,
    broadcast_to,
    cos,
    eager,
    grad,
    matmul,
    record,
    stack,
    swap,
    take,
    tanh,
)
from minigan.autodiff.replay import reads
from minigan.autodiff.replay.given import compact, replica
from tests.replays import LAYOUTS, agree, same

RNG = np.random.default_rng(3)
A = RNG.standard_normal((4, 6))
RUNS = {"record": record, "eager": eager, "reads": reads}
every_run = pytest.mark.parametrize("run_with", RUNS.values(), ids=RUNS)
both = pytest.mark.parametrize("run_with", [record, eager])


def double(s, i):
    return {"a": s["a"] * 2.0}, {"sum": s["a"].sum()}


def locked(x):
    x = x.copy()
    x.flags.writeable = False
    return x


# -- the dictionaries ------------------------------------------------------------------------------
WINDOWS = np.lib.stride_tricks.as_strided(np.zeros(9), (4, 6), (8, 8))
REFUSED = {  # state, inputs, the error and its words
    "a list for the state": ([A], {}, TypeError, "the state must be a dictionary by name, got list"),
    "None for the inputs": ({"a": A}, None, TypeError, "the inputs must be a dictionary by name, got NoneType"),
    "a key that is no string": ({"a": A}, {0: A}, TypeError, "the name of input 0 is no string"),
    "a float": ({"a": A}, {"t": 0.1}, TypeError, r"input 't' must be an array, got float 0.1; .*np.array\(x\)"),
    "a NumPy scalar": ({"a": A}, {"t": np.float64(0.1)}, TypeError, "input 't' must be an array, got float64"),
    "a list": ({"a": [1.0]}, {}, TypeError, "state 'a' must be an array, got list"),
    "None": ({"a": None}, {}, TypeError, "state 'a' must be an array, got NoneType"),
    "a Tensor": ({"a": Tensor(A)}, {}, TypeError, "state 'a' must be an array, got Tensor; give its array, x.value"),
    "a masked array": ({"a": A}, {"x": np.ma.masked_array(A)}, TypeError, "input 'x' is a MaskedArray"),
    "a matrix": ({"a": A.view(np.matrix)}, {}, TypeError, "state 'a' is a matrix"),
    "objects": ({"a": A.astype(object)}, {}, TypeError, "state 'a' has dtype object"),
    "text": ({"a": A}, {"x": np.array(["y"])}, TypeError, "input 'x' has dtype <U1"),
    "another byte order": ({"a": A.astype(A.dtype.newbyteorder())}, {}, TypeError, "state 'a' has dtype .*byte order"),
    "read-only, found before the other is written": (
        {"b": A[1:], "a": locked(A)}, {}, ValueError, "state 'a' cannot be written to, as it is read-only"),
    "a broadcast state": ({"a": np.broadcast_to(A[:1], A.shape)}, {}, ValueError, "state 'a' .*one number in memory"),
    "a state of windows": ({"a": WINDOWS}, {}, ValueError, "state 'a' .*several of its entries are one number"),
    "the same array twice": ({"a": A, "b": A}, {}, ValueError, "state 'a' shares its memory with 'b'"),
    "a view of it": ({"a": A}, {"x": A[::2, 1:]}, ValueError, "state 'a' shares its memory with 'x'"),
}


@every_run
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_dictionary_of_arrays_is_refused_by_name(case, run_with):
    state, inputs, error, words = REFUSED[case]
    before = A.copy()
    with pytest.raises(error, match=words):
        run_with(double, state, inputs)
    np.testing.assert_array_equal(A, before)


def test_arrays_of_two_libraries_are_refused_by_name():
    strict = pytest.importorskip("array_api_strict")
    with pytest.raises(TypeError, match=r"state 'a' of numpy and input 'x' of array_api_strict|no views of memory"):
        record(double, {"a": A.copy()}, {"x": strict.asarray(A)})


@both
def test_no_state_no_inputs_no_report(run_with):
    assert run_with(lambda s, i: ({}, {}), {}, {})() == {}
    assert run_with(lambda s, i: ({}, {"c": Tensor([1.0]) + 1.0}), {}, {})()["c"].tolist() == [2.0]
    with pytest.raises(TypeError, match="no input 'x': the step takes none"):
        run_with(lambda s, i: ({}, {}), {}, {})(x=1.0)


@both
def test_an_array_replaced_in_its_dictionary_is_noticed(run_with):
    state, inputs = {"a": A.copy()}, {"x": np.ones(6), "self": np.ones(())}
    call = run_with(lambda s, i: ({"a": s["a"] * i["x"] * i["self"]}, {}), state, inputs)
    call(self=1.0)
    state["of another step"] = np.ones(3)  # more than there was is nobody's harm
    call()
    for dictionary, name, what in ((state, "a", "state"), (inputs, "x", "input")):
        old = dictionary[name]
        dictionary[name] = old * 0.0
        with pytest.raises(ValueError, match=f"{what} '{name}' is another array than .*{name}.*record the step again"):
            call()
        dictionary[name] = old
    np.testing.assert_array_equal(state["a"], A)


def test_a_program_is_not_copied():
    program = record(double, {"a": A.copy()}, {})
    for make in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="record the step again"):
            make(program)


# -- layouts ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(5, 5), (33, 33), (1, 1)])
def test_a_state_of_any_layout_has_eager_bits(layout, shape):
    def step(s, i):
        w = matmul(s["w"], s["w"], tb=True) * 0.05 + i["x"]
        return {"w": tanh(w) @ s["w"], "t": s["t"] + w.sum()}, {
            "rows": s["w"].sum(axis=1), "all": s["w"].sum(), "old": s["w"], "part": swap(s["w"])[1:], "new": tanh(w)}

    rng = np.random.default_rng(0)
    state, inputs = {"w": rng.standard_normal(shape), "t": np.zeros(())}, {"x": rng.standard_normal(shape)}
    agree(step, state, inputs, layout=dict.fromkeys("wtx", layout))


@both
def test_interleaved_views_are_apart(run_with):
    whole = np.arange(12.0).reshape(3, 4)
    state = {"even": whole[:, ::2], "odd": whole[:, 1::2]}
    inputs = {"x": np.full(1, 0.5)}
    run_with(lambda s, i: ({"even": s["odd"] * 10.0, "odd": s["even"] + i["x"][0]}, {}), state, inputs)()
    np.testing.assert_array_equal(whole[:, ::2], [[10, 30], [50, 70], [90, 110]])
    np.testing.assert_array_equal(whole[:, 1::2], [[0.5, 2.5], [4.5, 6.5], [8.5, 10.5]])


def test_a_state_of_odd_strides_that_never_meet_is_taken():
    state = {"a": np.lib.stride_tricks.as_strided(np.zeros(8), (2, 3), (24, 16))}  # places 0 2 4 / 3 5 7
    state["a"][...] = A[:2, :3]
    record(double, state, {})()
    np.testing.assert_array_equal(state["a"], 2 * A[:2, :3])


def test_an_input_may_be_read_only_or_broadcast_until_it_is_set():
    inputs = {"y": np.ones(6), "x": np.broadcast_to(np.array([2.0]), (6,)), "z": locked(np.ones(6))}
    for run_with in (record, eager):
        call = run_with(lambda s, i: ({}, {"sum": (i["x"] * i["y"] * i["z"]).sum()}), {}, inputs)
        assert call()["sum"] == 12.0
        for name, why in (("x", "one number in memory"), ("z", "read-only")):
            with pytest.raises(ValueError, match=f"input '{name}' cannot be written to.*{why}"):
                call(**{"y": np.zeros(6), name: np.ones(6)})
        assert inputs["y"].tolist() == [1.0] * 6, "all are set or none"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_replica_has_the_values_and_the_layout_but_not_the_memory(layout):
    for x in (A, A[:1], A[0], A[0, 0, ...]):
        x = LAYOUTS[layout](x)
        y = replica(x)
        assert (y.strides, y.flags.aligned, compact(y)) == (x.strides, x.flags.aligned, compact(x))
        np.testing.assert_array_equal(y, x)
        assert not np.shares_memory(x, y)


def test_masks_and_indices_are_told_swapped_and_kept():
    def step(s, i):
        return {"k": i["k"], "m": s["n"], "n": s["m"]}, {"k": s["k"], "x": i["k"], "m": i["m"]}

    state = {"k": np.arange(8)[::2], "m": np.array([True, False]), "n": np.array([False, False])}
    agree(step, state, {"k": np.arange(4)[::-1], "m": np.ones(3, bool)}, [{}, {"k": np.arange(4)}, {}])


# -- what a step answers ---------------------------------------------------------------------------
ANSWERS = {
    "a float": (lambda s: 1.0, "two dictionaries of tensors, got float 1.0"),
    "None": (lambda s: None, "two dictionaries of tensors, got NoneType"),
    "only the state": (lambda s: {"a": s["a"], "b": s["b"]}, r"returns \(new state, report\), .*got dict"),
    "three": (lambda s: ({}, {}, {}), "got 3 values"),
    "a tensor for the report": (lambda s: ({}, s["a"]), "the report that a step returns .*got Tensor"),
    "None for the report": (lambda s: ({}, None), "the report that a step returns must be a dictionary .*got NoneType"),
    "a list of tensors": (lambda s: ({}, {"r": [s["a"]]}), r"report 'r' must be a tensor, got list; stack\(...\)"),
    "an array": (lambda s: ({"a": A * 1}, {}), r"new state 'a' must be a tensor, got ndarray; Tensor\(x\)"),
    "a number": (lambda s: ({}, {"r": 0.5}), "report 'r' must be a tensor, got float 0.5"),
}


@pytest.mark.parametrize("case", ANSWERS)
@every_run
def test_an_answer_of_another_kind_is_refused_by_name(case, run_with):
    answer, words = ANSWERS[case]
    state = {"a": A.copy(), "b": A.copy()}
    with pytest.raises(TypeError, match=words):
        call = run_with(lambda s, i: answer(s), state, {})
        call()
    np.testing.assert_array_equal(state["a"], A)


@both
def test_nothing_is_written_where_a_new_state_is_refused(run_with):
    state = {"a": A.copy(), "b": A.copy()}
    with pytest.raises(ValueError, match=r"the new 'b' has shape \(1, 6\)"):
        run_with(lambda s, i: ({"a": s["a"] * 2.0, "b": s["b"][:1]}, {}), state, {})()
    np.testing.assert_array_equal(state["a"], A)


def test_a_step_may_change_the_dictionaries_that_it_gets():
    def step(s, i):
        s["a"] = s["a"] * i.pop("x")
        s.pop("b")
        return s, {"sum": s["a"].sum()}

    agree(step, {"a": A, "b": A}, {"x": A[0]})


def test_an_error_in_a_run_says_that_the_state_is_written_in_part():
    program = record(lambda s, i: ({"a": s["a"] * 2.0, "b": 1.0 / s["b"]}, {}), {"a": A.copy(), "b": np.ones(2)}, {})
    program.given.state["b"][0] = 0.0
    with np.errstate(all="raise"), pytest.raises(FloatingPointError) as error:
        program()
    assert error.value.__notes__ == ["while a recorded step ran: its state (a, b) may be written to in part"]


@both
@pytest.mark.parametrize("use", [lambda x, k: take(x, k, axis=0), lambda x, k: x[k], lambda x, k: x[1:, 2:][k, k]])
def test_an_index_out_of_range_leaves_the_state_alone(run_with, use):
    def step(s, i):
        a = tanh(s["a"])
        loss = (use(s["b"], i["k"]) ** 2).sum()
        return {"a": a, "b": s["b"] - 0.1 * grad(loss, s["b"]), "t": s["t"] + 1.0}, {"loss": loss}

    state = {"a": A.copy(), "b": A.copy(), "t": np.zeros(())}
    call = run_with(step, state, {"k": np.array([0, 1])})
    call()
    before = {name: x.copy() for name, x in state.items()}
    with pytest.raises(IndexError, match="out of bounds"):
        call(k=np.array([0, 7]))
    same(before, state)


# -- reports ---------------------------------------------------------------------------------------
TOLD = {  # entries that might be somebody's memory: the state's, an input's, a constant's, another entry's
    "a new state": lambda s, i, new, c: new,
    "a view of it": lambda s, i, new, c: new[1:],
    "an old state": lambda s, i, new, c: s["a"],
    "an input": lambda s, i, new, c: i["x"],
    "a view of one": lambda s, i, new, c: i["x"][:, ::2],
    "a constant": lambda s, i, new, c: c,
    "a view of one that is broadcast": lambda s, i, new, c: broadcast_to(c[:1], shape=(4, 6)) + 0.0,
    "what another entry is a view of": lambda s, i, new, c: cos(s["a"]).reshape(24),
}


@pytest.mark.parametrize("case", TOLD)
def test_a_report_is_nobody_elses_memory(case):
    """``agree`` writes over every report that it gets."""
    constant = RNG.standard_normal((4, 6))

    def step(s, i):
        new, c = tanh(s["a"] + i["x"]), Tensor(constant)
        told = TOLD[case](s, i, new, c)
        return {"a": new}, {"told": told, "again": told, "cosines": cos(s["a"]), "after": (s["a"] * c + i["x"]).sum()}

    agree(step, {"a": A}, {"x": A[::-1]})
    for run_with in (record, eager):
        report = run_with(step, {"a": A.copy()}, {"x": A[::-1].copy()})()
        told = list(report.values())
        assert not any(np.shares_memory(x, y) for k, x in enumerate(told) for y in told[:k])


@both
def test_what_is_done_to_a_report_is_not_told_again(run_with):
    call = run_with(double, {"a": A.copy()}, {})
    report = call()
    report["sum"] = "mine"
    del report
    assert call()["sum"] == pytest.approx(2 * A.sum())


# -- constants -------------------------------------------------------------------------------------
USES = {
    "as it is": lambda s, c: s["a"] * c,
    "folded": lambda s, c: s["a"] * (Tensor(c) * 2.0),
    "through a view": lambda s, c: s["a"] * Tensor(c)[:1],
    "told": lambda s, c: s["a"] * 0.0 + Tensor(c),
}


@pytest.mark.parametrize("use", USES)
def test_a_constant_is_what_it_was_while_recording(use):
    constant, state = A.copy(), {"a": A.copy()}
    program = record(lambda s, i: ({}, {"y": USES[use](s, constant)}), state, {})
    expected = program()["y"].copy()
    constant[...] = np.nan
    np.testing.assert_array_equal(program()["y"], expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_constants_of_any_layout_have_eager_bits(layout):
    """Equal values in two layouts are two constants: BLAS does not treat them alike."""
    weights = LAYOUTS[layout](RNG.standard_normal((40, 40)))

    def step(s, i):
        return {}, {(0, "y"): i["x"] @ weights, "z": i["x"] @ np.ascontiguousarray(weights),
                    "sum": (i["x"] * weights).sum(), "constant": (Tensor(weights) * 2.0).sum()}

    agree(step, {}, {"x": RNG.standard_normal((7, 40))[:1].repeat(40, 0)})


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("run_with", [record, reads])
def test_the_array_of_a_state_is_no_constant(use, run_with):
    state, inputs = {"a": A.copy(), "b": A.copy()}, {"x": A.copy()}
    for what, name, array in (("state", "b", state["b"]), ("input", "x", inputs["x"][::-1])):
        with pytest.raises(ValueError, match=f"takes the array of {what} '{name}' from elsewhere"):
            run_with(lambda s, i, array=array: ({"a": USES[use](s, array)}, {}), state, inputs)


@pytest.mark.parametrize("run_with", [record, reads])
def test_a_tensor_of_another_recording_is_refused(run_with):
    kept = {}

    def step(s, i):
        half = kept.setdefault("half", s["a"] * 0.5)
        return {"a": s["a"] - half}, {}

    record(step, {"a": A.copy()}, {})()
    with pytest.raises(TracingError, match="another recording"):
        run_with(step, {"a": A.copy()}, {})


# -- values for inputs -----------------------------------------------------------------------------
def call(run_with, **values):
    inputs = {"x": np.ones(3), "y": np.zeros(3), "t": np.array(0.5), "f": np.array(0.5, "float32"), "k": np.array(7),
              "u": np.array(7, "uint8"), "m": np.array(False)}
    before = {name: x.copy() for name, x in inputs.items()}
    run = run_with(lambda s, i: ({}, {"y": stack([i["x"], i["y"]])}), {}, inputs)
    try:
        run(**{name: inputs[x] if isinstance(x, str) and x in inputs else x for name, x in values.items()})
    except Exception:
        assert all((inputs[name] == before[name]).all() for name in inputs), "all are set or none"
        raise
    return inputs


NUMBERS = {  # name, value, what the input then holds
    "an int": ("t", 3, 3.0), "a fraction": ("t", Fraction(1, 4), 0.25), "True": ("t", True, 1.0),
    "infinity": ("f", float("-inf"), -np.inf), "nan": ("f", float("nan"), np.nan),
    "a float32": ("f", np.float32(2), 2.0), "a small int": ("u", 200, 200),
    "a negative one": ("k", -5, -5), "a mask": ("m", True, True),
    "a Tensor": ("x", Tensor([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]),
    "a reversed view": ("x", np.arange(3.0)[::-1], [2, 1, 0]),
}


@both
@pytest.mark.parametrize("case", NUMBERS)
def test_values_that_fit(case, run_with):
    name, value, expected = NUMBERS[case]
    np.testing.assert_array_equal(call(run_with, **{name: value})[name], expected)


VALUES = {  # name, value, the error and its words
    "a list": ("t", [1.0], TypeError, "input 't' takes an array of shape .* or a number, got list"),
    "a list for an array": ("y", [1.0, 2.0, 3.0], TypeError, r"input 'y' takes an array of shape \(3,\).*got list"),
    "None, which NumPy takes for nan": ("t", None, TypeError, "input 't' .*got NoneType"),
    "text, which NumPy takes for a number": ("t", "3.5", TypeError, "input 't' .*got str '3.5'"),
    "a Decimal": ("t", Decimal("0.5"), TypeError, "input 't' .*got Decimal"),
    "a masked array": ("y", np.ma.masked_array(np.ones(3), [1, 0, 0]), TypeError, "input 'y' .*got MaskedArray"),
    "a complex number": ("t", 1j, ValueError, "'t' was recorded .*float64, got .*complex 1j"),
    "a float for an index": ("k", 2.5, ValueError, "'k' was recorded .*int64, got .*float 2.5"),
    "a number for a mask": ("m", 1, ValueError, "'m' was recorded .*bool, got .*int 1"),
    "too large": ("f", 1e300, ValueError, r"'f' has dtype float32, which has no number near 1e\+300"),
    "too large an int": ("k", 2**70, ValueError, "'k' has dtype int64, which has no number near 118"),
    "too large an int for any float": ("t", 10**400, ValueError, "'t' has dtype float64, which has no number near"),
    "negative where there is no sign": ("u", -1, ValueError, "'u' has dtype uint8, which has no number near -1"),
    "another dtype": ("f", np.float64(1.0), ValueError, r"'f' was recorded with .*float32, got \(\) and float64"),
}


@both
@pytest.mark.parametrize("case", VALUES)
def test_values_that_do_not_fit_are_refused_before_any_is_set(case, run_with):
    name, value, error, words = VALUES[case]
    with pytest.raises(error, match=words):
        call(run_with, x=np.full(3, 9.0), **{name: value})


@both
def test_inputs_that_change_places(run_with):
    inputs = call(run_with, x="y", y="x")
    assert inputs["x"].tolist() == [0.0, 0.0, 0.0] and inputs["y"].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("make", [record, eager])
@pytest.mark.parametrize("inputs", [lambda b: {"x": b, "z": b}, lambda b: {"x": b[:2], "z": b[1:3]}])
def test_inputs_on_one_memory_are_read_and_not_set(make, inputs):
    given = inputs(np.zeros(3))
    run = make(lambda s, i: ({}, {"y": i["x"] + i["z"]}), {"w": np.ones(1)}, given)
    assert not run()["y"].any()
    with pytest.raises(ValueError, match=r"input '[xz]' shares its memory with '[zx]'.*an array for each"):
        run(x=np.ones(given["x"].shape), z=np.full(given["z"].shape, 2.0))
    assert not given["x"].any()
