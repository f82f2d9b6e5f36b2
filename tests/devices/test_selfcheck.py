"""``minigan selfcheck`` passes where all is well, and finds and names each of the faults planted here."""

import json
import re
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from minigan import arrays
from minigan.autodiff import PRIMITIVES, kernels
from minigan.cli import main
from minigan.devices import trainings
from minigan.devices.compare import worst
from minigan.devices.primitives import LARGE, SMALL, of_primitive, rows
from minigan.lab.train import Training
from tests.backends import double
from tests.selection import slow_but

devices = import_module("minigan.devices.selfcheck")  # the module, and not its function
BOTH = {"float64": 1.0, "float32": 1.0}
DIFFERENTIABLE = [name for name, p in PRIMITIVES.items() if p.joint or any(p.rules)]


def of(name):
    return of_primitive(name, rows())


def run(device="cpu", sizes=()):
    """The results, and those that failed by name."""
    results = list(devices.selfcheck(device, sizes))
    return results, {result.name: result for result in results if not result.passed}


@pytest.fixture
def few(monkeypatch):
    """Three primitives and one recipe of few steps: the command itself is what is tested."""
    monkeypatch.setattr(devices, "PRIMITIVES", {name: PRIMITIVES[name] for name in ("tanh", "matmul", "reduce_sum")})
    monkeypatch.setattr(trainings, "RUNS", {"gan": {}})
    monkeypatch.setattr(trainings, "STEPS", 10)


@pytest.mark.slow("the self-check of a device, whole, and with short products")
def test_the_rows_cover_the_registry_at_both_sizes():
    table = rows()
    assert all(of_primitive(name, table) for name in PRIMITIVES)
    for m, n, _ in (SMALL, LARGE):
        assert {row.name for row in table if any(m in x.shape for x in row.inputs)} == {*PRIMITIVES}
        assert {row.name for row in table if any(n in x.shape for x in row.inputs)} == {*PRIMITIVES} - {"broadcast_to"}
    assert all(row.by_numbers for name in DIFFERENTIABLE for row in of(name)[:1])


@pytest.mark.parametrize("device", slow_but(
    ["cpu"], ["cpu", "cuda"], "the self-check of a device, whole, and with short products"))
def test_where_all_is_well_every_check_passes(device, monkeypatch):
    monkeypatch.setattr(trainings, "STEPS", 10)
    with double.installed():
        results, failed = run(device)
    assert not failed
    assert {result.group for result in results} == {"arithmetic", "primitives", "random numbers", "training"}
    assert {result.name for result in results} >= {*PRIMITIVES, "float32 products", "keys", "sn-gan, float64",
                                                   "wgan-gp, replay", "gan, resume"}


# -- primitives -------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_wrong_rule_is_found(name, monkeypatch):
    """On the host too, which the device is compared with: by numbers."""
    p = PRIMITIVES[name]
    if p.joint:
        monkeypatch.setattr(p, "joint", lambda *args, joint=p.joint, **static: [
            g * 1.0001 for g in joint(*args, **static)])
    else:
        wrong = [rule and (lambda *args, rule=rule, **static: rule(*args, **static) * 1.0001) for rule in p.rules]
        monkeypatch.setattr(p, "rules", wrong)
    with pytest.raises(AssertionError, match="derivative of order 1: grad says"):
        worst(np, of(name), BOTH)


def test_a_wrong_second_derivative_is_found(monkeypatch):
    """The slope of tanh as a number that does not depend on x."""
    from minigan.autodiff import stop_gradient

    monkeypatch.setattr(PRIMITIVES["tanh"], "rules", [lambda g, y, x: g * stop_gradient(1.0 - y * y)])
    with pytest.raises(AssertionError, match="derivative of order 2"):
        worst(np, of("tanh"), BOTH)


@pytest.mark.parametrize("name", ["exp", "divide", "matmul", "reduce_sum", "relu", "take", "scatter_add", "copy"])
@pytest.mark.parametrize("off", [1e-5, np.nan])
def test_a_wrong_kernel_is_found(name, off, monkeypatch):
    call = PRIMITIVES[name].call

    def wrong(function, *args):
        y = function(*args)
        return None if y is None else np.multiply(y, 1.0 + off, dtype=y.dtype)

    monkeypatch.setattr(PRIMITIVES[name], "call", lambda xp, out, *args, **static: (
        wrong, *call(xp, out, *args, **static)) if out is None else call(xp, out, *args, **static))
    table = [replace(row, by_numbers=False, ordered=False) for row in of(name)]
    error, bound, where = worst(np, table, {"float32": 1.0})
    assert not error <= bound and where


def test_a_replay_with_other_bits_is_found(monkeypatch):
    def call(xp, out, x):
        return (np.sin, x) if out is None else (lambda x, out: np.multiply(np.sin(x), 1 + 2.0**-23, out), x, out)

    monkeypatch.setattr(PRIMITIVES["sin"], "call", call)
    with pytest.raises(ArithmeticError, match="the value has other bits replayed than executed eagerly"):
        worst(np, of("sin"), BOTH)


def test_a_promotion_of_float32_is_found(monkeypatch):
    call = PRIMITIVES["sin"].call
    monkeypatch.setattr(PRIMITIVES["sin"], "call", lambda xp, out, x: call(
        xp, out, x.astype(float) if x.dtype == "float32" else x))
    with pytest.raises(TypeError, match="different precision") as error:  # as soon as the cotangent meets it
        worst(np, of("sin"), BOTH)
    assert error.value.__notes__ == ["(at (3, 4), float32)"]


# -- products of short numbers --------------------------------------------------------------------------
def short(bits):
    """A product whose operands, if float32, keep so many bits of their mantissas (by Veltkamp's splitting)."""

    def cut(x):
        if arrays.dtype(x) != "float32":
            return x
        t = x * float(2 ** (23 - bits) + 1)
        return t - (t - x)

    def product(xp, left, right, out):
        return (lambda a, b, out: xp.matmul(cut(a), cut(b), out=out)), left, right, out

    return product


@pytest.mark.slow("the self-check of a device, whole, and with short products")
@pytest.mark.parametrize(("device", "bits", "words"), [
    ("cuda", 10, "TF32: products keep 10 bits of 23, so gradients are good to 1e-03.*CUPY_TF32=0"),
    ("cpu", 7, "bfloat16: products keep 7 bits of 23"),
])
def test_short_products_are_named_and_the_rest_judged_by_them(device, bits, words, few, monkeypatch):
    monkeypatch.setattr(devices, "PRIMITIVES", PRIMITIVES)
    monkeypatch.setattr(kernels, "_product", short(bits))
    with double.installed():
        _, failed = run(device)
        assert list(failed) == ["float32 products"]
        check = failed["float32 products"]
        assert re.match(words, check.note) and check.error == 2.0 ** (22 - bits)
        error, bound, where = worst(arrays.library(device), of("matmul"), BOTH)
        assert error > 3 * bound and "float32" in where  # had nobody looked, the bound would not have held


def test_products_that_keep_all_but_a_few_bits(few, monkeypatch):
    monkeypatch.setattr(kernels, "_product", short(14))
    _, failed = run()
    assert list(failed) == ["float32 products"] and "short numbers: products keep 14" in failed["float32 products"].note


def test_a_device_without_float64_fails_once(few, monkeypatch):
    monkeypatch.setattr(devices, "float64", lambda xp: 1 / 0)
    results, failed = run()
    assert list(failed) == ["float64"] and failed["float64"].raised == "ZeroDivisionError: division by zero"
    assert "gan, float64" not in {result.name for result in results}


# -- random numbers ----------------------------------------------------------------------------------------
class Faulty(arrays.Stream):
    def __init__(self, seed, uniform=None, normal=None):
        super().__init__(np.random.Generator(np.random.Philox(seed)))
        self.uniform, self.normal = uniform, normal

    def random(self, out):
        super().random(out)
        if self.uniform:
            out[...] = self.uniform(out)

    def standard_normal(self, out):
        super().standard_normal(out)
        if self.normal:
            out[...] = self.normal(out)


@pytest.mark.parametrize(("fault", "where", "words"), [
    (lambda s: Faulty(s, uniform=lambda x: 0.98 * x), "random", ""),
    (lambda s: Faulty(s, uniform=lambda x: 0.5 + 0.98 * (x - 0.5)), "random", ""),
    (lambda s: Faulty(s, uniform=lambda x: np.repeat(x[::2], 2)), "random", ""),
    (lambda s: Faulty(s, uniform=lambda x: np.where(x > 0.99999, 1, x)), "random", r"not in \[0, 1\)"),
    (lambda s: Faulty(s, normal=lambda z: z + 0.02), "standard_normal", ""),
    (lambda s: Faulty(s, normal=lambda z: 1.01 * z), "standard_normal", ""),
    (lambda s: Faulty(s, normal=lambda z: np.sign(z)), "standard_normal", ""),
    (lambda s: Faulty(s, normal=lambda z: (z * z - 1) / np.sqrt(2)), "standard_normal", ""),
    (lambda s: Faulty(s, normal=lambda z: np.where(np.arange(z.size) == 7, np.nan, z)), "standard_normal", ""),
    (lambda s: Faulty(0), "keys", ""),
    (lambda s: Faulty(np.random.SeedSequence(s.entropy[:2])), "keys", ""),
    (lambda s: Faulty(None), "keys", "the same key gave other numbers"),
])
def test_wrong_random_numbers_are_found(fault, where, words, few, monkeypatch):
    monkeypatch.setitem(arrays.LIBRARIES, "numpy", replace(
        arrays.LIBRARIES["numpy"], stream=lambda numpy, seed: fault(seed)))
    monkeypatch.setattr(devices, "PRIMITIVES", {})
    monkeypatch.setattr(trainings, "RUNS", {})
    _, failed = run()
    assert any(name.startswith(where) for name in failed) and all(name.startswith((where, "keys")) for name in failed)
    assert all(re.search(words, check.raised) and bool(words) == bool(check.raised) for check in failed.values())


# -- training ---------------------------------------------------------------------------------------------
@pytest.fixture
def on_the_double(monkeypatch):
    """Trainings there alone, and a place for a fault: what a run does after each step of it on the device."""
    faults = []

    class Drifting(Training):
        def iterate(self):
            super().iterate()
            if self.config.device == "cuda":
                for fault in faults:
                    fault(self)

    monkeypatch.setattr(trainings, "Training", Drifting)
    monkeypatch.setattr(devices, "PRIMITIVES", {})
    monkeypatch.setattr(trainings, "RUNS", {"gan": {}})
    with double.installed():
        yield faults


def test_a_training_that_drifts_is_found(on_the_double):
    def drift(training):
        training.state["theta"] *= 1 + 1e-12

    on_the_double.append(drift)
    _, failed = run("cuda")
    assert list(failed) == ["gan, float64"] and 1e-11 < failed["gan, float64"].error < 1e-9


def test_a_training_that_breaks_down_is_found(on_the_double):
    def poison(training):
        training.state["theta"][...] = np.nan

    on_the_double.append(poison)
    _, failed = run("cuda")
    assert {*failed} == {"gan, float64", "gan, float32", "gan, replay", "gan, resume"}
    assert "TrainingError: at step" in failed["gan, float32"].raised


def test_a_replay_that_differs_from_eager_steps_is_found(on_the_double):
    def hurried(training):
        if hasattr(training.programs[1], "calls"):
            training.state["w"][..., 3] += 1e-2

    on_the_double.append(hurried)
    _, failed = run("cuda")
    assert {*failed} == {"gan, float64", "gan, replay"} and failed["gan, replay"].error > 0


def test_a_run_that_resumes_with_something_forgotten_is_found(on_the_double, monkeypatch):
    restore = Training.restore

    def forgetful(self, checkpoint):
        restore(self, {**checkpoint, "state.w.m": 0 * checkpoint["state.w.m"]})

    monkeypatch.setattr(Training, "restore", forgetful)
    _, failed = run("cuda")
    assert {*failed} == {"gan, resume"} and failed["gan, resume"].error > 0


# -- time and memory ------------------------------------------------------------------------------------------
def test_memory_is_the_programs_and_what_the_library_tells(monkeypatch):
    monkeypatch.setitem(trainings.SIZES, "S", (1, 8, 8))
    with double.installed():
        gpu, host = [trainings.timed(device, "S", rounds=2, seconds=0.0)
                     for device in ("cuda", "cpu")]
    assert gpu.memory["pool"] >= gpu.memory["in use"] >= gpu.nbytes and host.memory == {}
    assert gpu.nbytes == host.nbytes > 0 and gpu.calls == host.calls > 100
    assert len(gpu.ratios) == 2 and min(gpu.ratios) <= gpu.ratio <= max(gpu.ratios)


# -- the command ----------------------------------------------------------------------------------------------
@pytest.mark.slow("the self-check of a device, whole, and with short products")
def test_the_command_where_all_is_well(few, tmp_path, capsys):
    assert main(["selfcheck", "--json", str(tmp_path / "all.json")]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^minigan selfcheck on cpu: .*\nminigan \S+, Python \S+, NumPy \S+, system ", out)
    assert re.search(r"^  pass  tanh +[\d.]+ ≤ 24 +2nd derivative at \(257, 300\), float32$", out, re.M)
    assert re.search(r"^  pass  gan, replay +exact +3 steps against eager ones, 0 numbers", out, re.M)
    assert re.search(
        r"^  S +[\d.]+ ms   NumPy +[\d.]+ ms   ratio \S+ \[\S+, \S+\]   \d+ calls   MB: buffers [\d.]+$", out, re.M)
    n = out.count("  pass  ")
    assert re.search(rf"^PASSED: all {n} checks passed on cpu \(.*\) in \d+ s$", out, re.M) and "FAIL" not in out
    told = json.loads((tmp_path / "all.json").read_text())
    assert told["verdict"] == "passed" and told["device"] == "cpu" and told["about"]["NumPy"] == np.__version__
    assert len(told["results"]) == n + 1 and all(result.get("passed", True) for result in told["results"])
    assert {result["name"]: result["bound"] for result in told["results"][:-1]}["gan, float32"] == "inf"
    assert told["results"][-1]["nbytes"] > 0 and len(told["results"][-1]["ratios"]) == 5


def test_the_command_where_a_check_raises(few, tmp_path, capsys, monkeypatch):
    def broken(device, size):
        raise MemoryError("out of memory:\n    0 bytes left")

    monkeypatch.setattr(trainings, "timed", broken)
    monkeypatch.setattr(PRIMITIVES["tanh"], "rules", [lambda g, y, x: g * y])
    assert main(["selfcheck", "--json", str(tmp_path / "all.json"), "--sizes", "S, M"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"^  FAIL  tanh +raised +GradientError: derivative of order 1", out, re.M)
    assert re.search(r"^  FAIL  M +raised +MemoryError: out of memory: 0 bytes left$", out, re.M)
    assert re.search(r"^  pass  matmul", out, re.M) and "Traceback" not in out
    assert re.search(r"^FAILED: 3 of \d+ checks failed on .*\n  primitives, tanh: G.*\n  time, S: Memory", out, re.M)
    assert json.loads((tmp_path / "all.json").read_text())["verdict"] == "failed"


def test_control_c_tells_what_is_known(few, tmp_path, capsys, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(trainings, "trained", interrupted)
    assert main(["selfcheck", "--json", str(tmp_path / "all.json")]) == 130
    out = capsys.readouterr().out
    assert re.search(r"^STOPPED: all \d+ checks passed on cpu .*; the rest has not been run$", out, re.M)
    told = json.loads((tmp_path / "all.json").read_text())
    assert told["verdict"] == "stopped" and told["results"][-1]["group"] == "random numbers"


@pytest.mark.parametrize(("args", "words"), [
    (["--device", "cuda"], "needs cupy, which is not installed.*pip install.*--device cpu"),
    (["--device", "cdua"], "unknown device 'cdua'"),
    (["--sizes", "S,XL"], "unknown size 'XL'.*There are: S, M, L"),
    (["--json", "."], "is a folder, not a file"),
])
def test_a_request_that_cannot_be_met(args, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "cupy", None)  # as if it were not installed
    assert main(["selfcheck", *args]) == 2
    out, err = capsys.readouterr()
    assert out == "" and re.search(words, err) and "Traceback" not in err
