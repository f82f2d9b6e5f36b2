"""Small faults of code for a GPU, most of them what somebody with NumPy alone might write, and who notices them.

A row is a function of the package, an edit of its source, and the libraries whose ``probe`` notices the edit.
conftest.py prints at the end who did; ``python -m tests.backends.faults`` prints the table of ``docs/arrays.md``.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from minigan import arrays
from minigan.autodiff import kernels, primitives, replay
from minigan.autodiff.replay.places import fits
from minigan.autodiff.replay.plan import _find_views
from minigan.gans.players import Players
from minigan.lab.steps import Steps
from minigan.lab.train import Training
from minigan.nets import optim

NAMES = ("numpy", "strict", "double", "dpnp", "dry")  # the columns
OTHERS = "strict double dpnp dry"


class Fault(NamedTuple):
    name: str
    function: Callable  # of the package
    old: str  # what of its source
    new: str  # becomes what
    caught: str  # by whom; "numpy?": it is luck if NumPy does

    @property
    def place(self) -> str:
        return f"{self.function.__module__.removeprefix('minigan.')}.{self.function.__qualname__}"

    def plant(self, monkeypatch: Any) -> None:
        """The function with the edit in place of itself, wherever it is known; ``np`` is imported there."""
        function = inspect.unwrap(self.function)
        monkeypatch.setitem(function.__globals__, "np", np)
        code = edited(function, self.old, self.new).__code__
        if function is self.function:
            monkeypatch.setattr(function, "__code__", code)
        else:  # it remembers its answers, which must be forgotten
            again = type(function)(code, function.__globals__, function.__name__, function.__defaults__)
            monkeypatch.setitem(function.__globals__, function.__name__, cache(again))


def edited(function: Callable, old: str, new: str) -> Callable:
    """The function made from its source again; ValueError unless ``old`` is in it once."""
    source = textwrap.dedent(inspect.getsource(function))
    if source.count(old) != 1:
        raise ValueError(f"{function.__qualname__} has {old!r} {source.count(old)} times, not once")
    source = source.replace(old, new)
    made: dict[str, Any] = {}
    exec(compile("from __future__ import annotations\n" + source, "<fault>", "exec"), dict(function.__globals__), made)
    again = made[function.__name__]
    return inspect.unwrap(getattr(again, "fget", again))


FAULTS = [
    # NumPy's own, of values that need not be NumPy's
    Fault("`np.asarray` of a mask", kernels._as_float, "xp.asarray(", "np.asarray(", OTHERS),
    Fault("`isinstance(x, np.ndarray)`", arrays.as_array, "if is_array(value):",
          "if isinstance(value, np.ndarray | np.generic):", OTHERS),
    Fault("a pointer, by `x.ctypes`", arrays.aligned_buffer,
          'if xp is not np:\n        return xp.empty(nbytes, dtype="uint8")\n    raw = np.empty(',
          "raw = xp.empty(", "double dpnp dry"),
    # arrays of the host among those of the device
    Fault("`np.zeros` in a rule", primitives._join, "xp.zeros(", "np.zeros(", OTHERS),
    Fault("`np.ones` in a kernel", kernels.reduce_sum, "xp.ones((1,", "np.ones((1,", OTHERS),
    Fault("a constant made by `np.array`", optim._one_minus_powers,
          "as_tensor([log(beta) if beta > 0 else -inf for beta in betas], like=t)",
          "np.array([log(beta) if beta > 0 else -inf for beta in betas], dtype=t.dtype)", OTHERS),
    Fault("`np.array` to copy the state", replay.eager, "namespace(array).array(", "np.array(", OTHERS),
    Fault("the first state not uploaded", Training.__init__, "self.xp.asarray(value) for name, value in state",
          "value for name, value in state", OTHERS),
    Fault("draws not uploaded", Steps.take, "self.xp.asarray(x[", "(x[", "strict double dry"),
    Fault("a checkpoint not uploaded", Training.restore, 'self.xp.asarray(checkpoint[f"state.{name}"])',
          'checkpoint[f"state.{name}"]', "strict double dry"),
    Fault("a buffer on the host for the device's noise", Steps._library_of, "self.xp if", "np if",
          "strict double dpnp"),
    # arrays of the device where the host's are wanted
    Fault("a checkpoint not fetched", Training.checkpoint, "arrays.to_host(value).copy()", "value.copy()",
          "strict double dpnp"),
    Fault("players looked at where they are", Training.models.fget, "arrays.to_host(x).copy()", "x.copy()",
          "strict double dpnp"),
    Fault("`np.asarray` of a loss, to note it", Training.measure, "arrays.to_host(self.state[name])",
          "np.asarray(self.state[name])", OTHERS),
    # names and parameters that CuPy has not
    Fault("`xp.vecdot`", kernels.reduce_sum,
          "return _product(xp, x, xp.ones((x.shape[-1], 1), dtype=x.dtype), out)",
          "return arrays.written(lambda x: xp.vecdot(x, xp.ones_like(x))[..., None], 1), x, out", "double dry"),
    Fault("`xp.clip(x, max=c)`", kernels._sigmoid, "xp.minimum(out, cap, out=out)", "xp.clip(out, max=cap, out=out)",
          "strict double dry"),
    Fault("`where=` of a ufunc", kernels._sigmoid, "xp.minimum(out, cap, out=out)",
          "xp.minimum(out, cap, out=out, where=xp.greater(out, cap))", OTHERS),
    Fault("`initial=` of a sum", kernels.reduce_sum, "axis, None, out, True", "axis, None, out, True, 0.0", OTHERS),
    Fault("`out` by position where it is a keyword", arrays._adapted,
          "LIBRARIES[module.__name__].differences(module) if module.__name__ in LIBRARIES else {}", "{}", OTHERS),
    Fault("`xp.random.PCG64`", arrays.device_stream, "LIBRARIES[xp.__name__].stream(xp, SeedSequence(key))",
          "Stream(xp.random.Generator(xp.random.PCG64(SeedSequence(key))))", "strict double dpnp"),
    Fault("`Generator.normal`", arrays.Stream.standard_normal,
          "self.generator.standard_normal(out.shape, out=out, dtype=out.dtype)",
          "out[...] = self.generator.normal(size=out.shape)", "numpy " + OTHERS),
    # no error, and other numbers
    Fault("`xp.empty` taken for zeros", kernels._embed, "out[...] = 0.0", "pass", "numpy? strict? double dpnp? dry?"),
    Fault("`random(out=x)` without a size", arrays.Stream.random, "out.shape, out=out", "out=out", "double"),
    Fault("overflow found by `np.errstate`", kernels._sigmoid,
          "    if (cap := _CAP.get(arrays.dtype(out))) is not None:\n        xp.minimum(out, cap, out=out)\n"
          "    xp.exp(out, out)\n", """    try:
        with np.errstate(over="raise"):
            y = xp.exp(out)
    except FloatingPointError:
        y = xp.exp(xp.minimum(out, _CAP[arrays.dtype(out)]))
    out[...] = y
""", "double dpnp"),
    Fault("a float64 of NumPy in place of an array", kernels.zero, "xp.zeros((), dtype=x.dtype)", "np.float64(0.0)",
          "numpy " + OTHERS),
    Fault("`xp.ones` without a dtype", kernels.reduce_sum, "xp.ones((1, x.shape[-2]), dtype=x.dtype)",
          "xp.ones((1, x.shape[-2]))", "numpy " + OTHERS),
    # wrong everywhere, where memory is laid out so (the standard has no views, and no replay)
    Fault("a reshape taken for a view", _find_views, "view.size and not shares_memory(view, base)", "False",
          "numpy double dpnp dry"),
    Fault("a part with gaps reshaped, and written to", fits,
          "value.flags.c_contiguous and (part.flags.c_contiguous or reads == 1) and (\n"
          "        shares_memory(part.reshape(value.shape), part))", "value.flags.c_contiguous", "numpy double dpnp"),
    Fault("`x.T` of a stack of matrices", kernels.matmul, "a.mT if ta", "a.T if ta", "numpy " + OTHERS),
    # no error, no other number, and the device waits
    Fault("`if norm > c` in a step", Players.move, "    t, eta =",
          "    if float((gradient * gradient).sum()) > 1e12:\n        gradient = 0.0 * gradient\n    t, eta =",
          "numpy " + OTHERS),
    Fault("`if any(x > c)` in a kernel", kernels._sigmoid, "is not None:",
          "is not None and xp.any(xp.greater(out, cap)):", "double dry"),
    Fault("a check for NaN after each step", Training.iterate, "self.step += 1",
          "assert np.isfinite(float(self.state['critic_loss']))\n    self.step += 1", "double dry"),
    Fault("a line of progress after each step", Training.iterate, "self.step += 1",
          "self.line = f\"step {self.step}: {self.state['critic_loss']}\"\n    self.step += 1", "double dry"),
    Fault("bounds of indices checked", kernels.take, "return xp.take",
          "assert not xp.any(xp.greater_equal(indices, x.shape[axis]))\n    return xp.take", "double dry"),
    Fault("indices as a list", kernels.take, "return xp.take, x, indices, axis, out",
          "key = (slice(None),) * (axis % x.ndim) + (indices.tolist(),)\n"
          "    return arrays.written(lambda x: x[key], 1), x, out", OTHERS),
    Fault("a selection by a mask", kernels._where, "chosen = xp.where(mask, a, b)",
          "mask, a, b = xp.broadcast_arrays(xp.asarray(mask, dtype=bool), a, b)\n"
          "    chosen = xp.array(b)\n    chosen[mask] = a[mask]", "double"),
    Fault("a number sent as an array", Steps.take, "= float(host)", "= self.xp.asarray(host)", "double"),
    Fault("a wait after each step, to be safe", Steps.take, "step.program()",
          "step.program(), arrays.synchronize(self.xp)", "double"),
    # CuPy lets these pass, or should (it hands NumPy's functions on to its own); other libraries do not
    Fault("`np.exp` of a value", kernels._sigmoid, "xp.exp(", "np.exp(", "strict double dpnp"),
    Fault("`np.where` of values", kernels._where, "xp.where(", "np.where(", "strict double dpnp"),
    Fault("`np.add.at`", kernels._scatter_add, "xp.add.at(", "np.add.at(", "strict double dpnp"),
    Fault("`np.copyto` in a recorded program", kernels.copy, "(xp.copyto,", "(np.copyto,", "double dpnp"),
    Fault("a number of the host assigned as it is", Steps.take, "= float(host)", "= host", "strict"),
    Fault("a creation that leaves the device to chance", kernels.zero, "xp.zeros((), dtype=x.dtype)",
          "xp.full((), 0.0, dtype=x.dtype)", "strict"),
    Fault("a float64 of NumPy beside an array", kernels._sigmoid, "cap, out=out", "np.float64(cap), out=out",
          "strict double"),
    # right on a GPU, wrong on the host
    Fault("an index past the end, to wrap around", kernels.take, "xp.take, x, indices,",
          "xp.take, x, xp.subtract(indices, x.shape[axis]),", "numpy strict dpnp dry"),
    Fault("a checkpoint fetched without a copy", Training.checkpoint, "arrays.to_host(value).copy()",
          "arrays.to_host(value)", "numpy"),
]


def marks(fault: Fault) -> list[str]:
    """Of each column: whether the library notices the fault, or may by luck."""
    return ["x" if name in fault.caught.split() else "?" if f"{name}?" in fault.caught else " " for name in NAMES]


def table() -> list[str]:
    """The lines of ``docs/arrays.md``: who notices what."""
    head = ["| fault | planted in | " + " | ".join(NAMES) + " |", "| --- | --- |" + " :-: |" * len(NAMES)]
    return head + [f"| {fault.name} | `{fault.place}` | {' | '.join(marks(fault))} |" for fault in FAULTS]


def summary(caught: dict[tuple[str, str], bool]) -> list[str]:
    """Whether a fault was noticed on a library, in this run: one that was not asked has no mark."""
    found = list(dict.fromkeys(fault for fault, _ in caught))
    width, mark = max(map(len, found)), {True: "x", False: "-", None: ""}
    return [" " * width + "".join(f"{name:>8}" for name in NAMES)] + [
        f"{fault:{width}}" + "".join(f"{mark[caught.get((fault, name))]:>8}" for name in NAMES) for fault in found]


if __name__ == "__main__":
    print("\n".join(table()))
