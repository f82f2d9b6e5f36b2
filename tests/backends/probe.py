"""What the suite of this folder amounts to, in half a second: is the package right on an array library?

``probe(backend)`` raises what it notices. Expected values are those of NumPy with nothing planted (``expected``, to be
called before anything is); ``test_faults.py`` plants faults and asks which library's probe notices.
"""

from __future__ import annotations

import importlib.util
import io
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from minigan import arrays
from minigan import autodiff as ad
from minigan.arrays import DeviceError
from minigan.autodiff import Tensor, grad
from minigan.autodiff.check import listed
from tests.backends import double
from tests.backends.backend import BACKENDS, Backend, assert_close, available
from tests.gans.tiny import training
from tests.primitive_rows import ROWS

HOST, DRY = BACKENDS["numpy"], Backend("dry", "cuda", analytic=False)
PROBED = {name: BACKENDS[name] for name in ("numpy", "strict", "double", "dpnp")} | {"dry": DRY}
RUNS: list[tuple[str, dict[str, Any], bool, int]] = [  # recipe, settings, eager, steps
    ("wgan-gp", {"critic_steps": 2, "dtype": "float32"}, False, 1),  # a penalty: derivatives of second order
    ("gan", {}, True, 1),
    ("sn-gan", {"activation": "relu"}, False, 1),  # a state beside the parameters
]
LARGE = np.array([-1e4, -100, -30, -1e-3, 0, 1e-3, 30, 100, 1e4], "float32")
EXTREMES: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": ad.sigmoid, "softplus": ad.softplus, "logsumexp": ad.logsumexp,
    "safe_norm": lambda x: ad.safe_norm(x.reshape(9, 1) * 0.01),
}


@contextmanager
def ready(name: str) -> Iterator[Backend]:
    """The backend of that name, ready to use; DeviceError where this machine has it not."""
    if name != DRY.name:
        with available(name) as backend:
            yield backend
        return
    if importlib.util.find_spec("cupy") is None:
        raise DeviceError("CuPy's wheel is not installed")
    from tests.backends import dry_run

    if dry_run.cupy.cuda.is_available():
        raise DeviceError("there is a GPU: nothing to run dry")
    with dry_run.installed():
        yield DRY


def probe(backend: Backend) -> None:
    for part in (calculus, extremes, layouts, streams, training_runs):
        part(backend)


def noticed(backend: Backend) -> Exception | None:
    """What the probe raises. A dry run that ends for want of a driver has noticed nothing."""
    try:
        probe(backend)
    except Exception as error:  # whatever a library raises
        return None if backend is DRY and _for_want_of_a_driver(error) else error
    return None


def _for_want_of_a_driver(error: Exception) -> bool:
    from tests.backends.dry_run import NO_DRIVER

    return isinstance(error, NO_DRIVER) or "numpy._core" in str(error)  # what CuPy is made of, NumPy does not have


@cache
def expected() -> dict[Any, Any]:
    """What NumPy gives, with nothing planted."""
    rows = [[x.value for x in derivatives(row, [Tensor(x) for x in row.inputs])] for row in ROWS]
    runs = [ended(HOST, *run) for run in RUNS]
    return {calculus: rows, extremes: {name: f(Tensor(LARGE)).value for name, f in EXTREMES.items()},
            layouts: stepped(HOST, ad.eager), training_runs: runs}


@contextmanager
def no_waits(backend: Backend, uploads: float = math.inf) -> Iterator[None]:
    """AssertionError if the host waits for the device in the block, or sends it more arrays; where that can be told."""
    if backend.name == "double":
        with double.counting() as counts:
            yield
        assert not counts.syncs, counts.waited
        assert counts.uploads <= uploads, counts.uploaded
    elif backend is DRY:
        from tests.backends.dry_run import REACHED

        before = REACHED["get"]
        yield
        assert REACHED["get"] == before, "a value was fetched"
    else:
        yield


# -- its parts ---------------------------------------------------------------------------------
def derivatives(f: Callable, xs: list[Tensor]) -> list[Tensor]:
    """Values, and derivatives of orders 1 and 2 of functions of them."""
    ys = listed(f(*xs))
    first = grad(sum((y * y).sum() for y in ys), xs)
    return [*ys, *first, *grad(sum((g * g).sum() for g in first), xs)]


def calculus(backend: Backend) -> None:
    """Each primitive and its rules in float32 are those in NumPy's float64, and nothing waits."""
    for row, references in zip(ROWS, expected()[calculus], strict=True):
        if not backend.has(row):
            continue
        there, xs = row.of(backend.array), [backend.tensor(x, "float32") for x in row.inputs]
        with no_waits(backend):
            found = derivatives(there, xs)
        for y, reference in zip(found, references, strict=True):
            assert_close(y, reference.astype("float32"), rtol=1e-4, atol=1e-5)


def extremes(backend: Backend) -> None:
    """No overflow, and no underflow where the formula has none."""
    for name, f in EXTREMES.items():
        assert_close(f(backend.tensor(LARGE)), expected()[extremes][name], rtol=1e-5)


def layouts(backend: Backend) -> None:
    """Replay is eager execution where a view cannot be had, or has gaps; and stacks of matrices are transposed."""
    for name, x in stepped(backend, ad.record if backend.replays else ad.eager).items():
        assert_close(x, expected()[layouts][name], rtol=1e-12)


def awkward(state: dict[str, Tensor], inputs: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A step whose views are of no simple layout: a transpose reshaped, flat pieces side by side, stacks."""
    x, a = state["x"], inputs["a"]
    flat = ad.swap(x).reshape(12)
    pieces = ad.concat([ad.tanh(flat).reshape(3, 4), ad.exp(-flat).reshape(3, 4)], axis=1)
    products = ad.matmul(a, x, ta=True) @ ad.swap(a * x)
    slope = grad((pieces * pieces).sum() + (products * products).mean(), x)
    return {"x": x - inputs["rate"] * slope}, {"pieces": pieces, "products": products}


def stepped(backend: Backend, execute: Callable) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    state = {"x": backend.array(rng.standard_normal((3, 4)))}
    inputs = {"a": backend.array(rng.standard_normal((2, 3, 4))), "rate": backend.array(0.0)}
    step = execute(awkward, state, inputs)
    with no_waits(backend):
        for rate in (0.01, 0.02, 0.04):
            report = step(rate=rate)
    return {name: arrays.to_host(x).copy() for name, x in (state | report).items()}


def streams(backend: Backend) -> None:
    """Numbers drawn on the device have the moments they should."""
    if backend is DRY:  # its generators need a driver
        return
    stream, n = arrays.device_stream(backend.xp, 1, 2), 2000
    for draw, mean, deviation in ((stream.random, 0.5, 12**-0.5), (stream.standard_normal, 0.0, 1.0)):
        x = backend.xp.zeros((n // 2, 2), dtype="float32")
        draw(x)
        x = arrays.to_host(x)
        assert x.dtype == np.float32
        np.testing.assert_allclose([x.mean(), x.std()], [mean, deviation], atol=4 * deviation * n**-0.5)


def training_runs(backend: Backend) -> None:
    """Steps wait for nothing and give NumPy's parameters; a run is looked at, stopped, and goes on unchanged."""
    runs = RUNS[:2] if backend.name == "dpnp" else RUNS  # it is slow
    for run, references in zip(runs, expected()[training_runs], strict=False):
        for name, x in ended(backend, *run).items():
            rtol = 1e-3 if x.dtype == np.float32 else 1e-9
            assert_close(x, references[name], rtol, rtol * abs(references[name]).max())
    if backend is not DRY:
        ended(backend, "gan", {"device_rng": True}, False, 1)  # its numbers are the library's own


def ended(backend: Backend, recipe: str, settings: dict[str, Any], eager: bool, steps: int) -> dict[str, np.ndarray]:
    """The state after so many steps and one more, on the host; that one is taken twice, from a saved checkpoint."""
    eager = eager or not backend.replays
    run = training(recipe, device=backend.device, eager=eager, **settings)
    # An iteration needs two uploads of batches; constants are uploaded when a program is made
    recorded = [*run.steps.critic(1), *run.steps.generator]
    uploads = math.inf if eager else steps * sum(len(step.batches) for step in recorded)
    with no_waits(backend, uploads):
        for _ in range(steps):
            run.iterate()
    run.check_health()
    run.failed = dict.fromkeys(run.seeds, "left out: distances take long")
    run.measure()
    assert run.model.sample(np.random.default_rng(0), 3).shape == (3, 2)
    saved, taken = run.checkpoint(), []
    for _ in range(2):
        with no_waits(backend):
            run.iterate()
        taken.append({name: arrays.to_host(x).copy() for name, x in run.state.items()})
        file = io.BytesIO()
        np.savez(file, **saved)
        file.seek(0)
        run.restore(dict(np.load(file)))
    for name, x in taken[0].items():
        assert_close(taken[1][name], x, 0.0)
    return taken[0]
