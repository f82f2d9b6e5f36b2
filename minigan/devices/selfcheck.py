"""Does everything work on this device? Arithmetic, primitives, random numbers, trainings; time and memory.

    for result in selfcheck("cuda"): ...      # a Check each: error ≤ bound; at the end a Timing each

A check compares the device with float64 on the host; where the host itself could be wrong (a derivative) it is
compared first, with numbers. A check that raises has failed, and the others go on.

Source: Higham, Accuracy and Stability of Numerical Algorithms (2002), ch. 1 and 3.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from types import ModuleType
from typing import Any

import numpy as np

import minigan
from minigan import arrays
from minigan.autodiff import PRIMITIVES, Tensor, matmul
from minigan.devices.primitives import assert_dtype, distance, rows, worst
from minigan.lab.config import configure
from minigan.lab.run import load_data
from minigan.lab.train import Training

SIZES = {"S": (2, 64, 64), "M": (3, 128, 256), "L": (3, 512, 256)}  # hidden layers, width, batch: as in docs/speed.md
DRAWS = 2**18
SIGMAS = 5.0  # standard errors that a moment may be off: one of 19 of a good generator is, with probability 1e-5
STEPS, FEW = 100, 3
# Names for what is left of a mantissa of 23 bits where products shorten it
SHORT = {10: "TF32", 7: "bfloat16"}
# The recipes trained, with few critic steps for the sake of slow devices: second order, logistic, power iteration
RUNS: dict[str, dict[str, Any]] = {"wgan-gp": {"critic_steps": 2}, "gan": {}, "sn-gan": {"critic_steps": 1}}
PLAYERS = ("theta", "w")
# Rounding is a nudge at every step. A run on the host whose parameters are nudged once, by so many ε, tells what the
# dynamics make of it; 16 covers that there are 100 such nudges, in random directions (√100), and two to spare.
NUDGES, SPARE = (1, 8, 64), 16.0


@dataclass(frozen=True)
class Check:
    """What was compared: the worst error and what it may be, in a unit; where it was, or what it means."""

    group: str
    name: str
    error: float = float("nan")
    bound: float = 0.0  # infinite: shown, and only to be finite
    unit: str = "ε"
    note: str = ""
    raised: str = ""

    @property
    def passed(self) -> bool:
        return not self.raised and isfinite(self.error) and self.error <= self.bound


@dataclass(frozen=True)
class Timing:
    """One iteration of wgan-gp (5 critic steps and 1) on the device and by NumPy, in turns; medians."""

    size: str
    ms: float
    ms_numpy: float
    ratios: list[float]  # the device's time in NumPy's, a round each
    calls: int  # of the array library, an iteration
    nbytes: int  # of the programs' buffers
    memory: dict[str, int]  # as the library tells
    group: str = "time"

    @property
    def ratio(self) -> float:
        return float(np.median(self.ratios))


Measured = tuple[float, float, str]  # error, bound, note


@dataclass
class _Device:
    """The device under test, and what has been found out about it."""

    name: str
    xp: ModuleType
    dtypes: tuple[str, ...] = ("float64", "float32")
    kept: dict[str, int] = field(default_factory=lambda: {d: arrays.finfo(d).nmant for d in arrays.DTYPES})

    @property
    def shortened(self) -> dict[str, float]:
        """Each dtype, and 2^(bits that its products drop): so many times less exact they are."""
        return {dtype: 2.0 ** (arrays.finfo(dtype).nmant - self.kept[dtype]) for dtype in self.dtypes}


def about(xp: ModuleType) -> dict[str, str]:
    """Versions, and what is known of the device."""
    library = {} if arrays.on_host(xp) else {xp.__name__: xp.__version__}
    return {"minigan": minigan.__version__, "Python": platform.python_version(), "NumPy": np.__version__, **library,
            "system": platform.platform(terse=True), **arrays.facts(xp)}


def selfcheck(device: str, sizes: Iterable[str] = ("S",)) -> Iterator[Check | Timing]:
    """The checks one after another, as they are done. Raises DeviceError, at once, where there is no such device."""
    return _results(_Device(device, arrays.library(device)), list(sizes))


def _results(device: _Device, sizes: list[str]) -> Iterator[Check | Timing]:
    yield (first := _checked("arithmetic", "float64", "ε", lambda: float64(device.xp)))
    if not first.passed:  # one failure says it; the other checks are of float32 then
        device.dtypes = ("float32",)
    for dtype in device.dtypes:
        yield _checked("arithmetic", f"{dtype} products", "ε", lambda: products(device, dtype))
    table = rows()
    for name in PRIMITIVES:
        some = [row for row in table if row.name == name]
        yield _checked("primitives", name, "ε", lambda: worst(device.xp, some, device.shortened))
    for dtype in device.dtypes:
        for kind, moments in {"random": uniform_moments, "standard_normal": normal_moments}.items():
            yield _checked("random numbers", f"{kind}, {dtype}", "standard errors",
                           lambda: draws(device.xp, kind, dtype, moments))
    yield _checked("random numbers", "keys", "standard errors", lambda: keys(device.xp, device.dtypes[-1]))
    for recipe in RUNS:
        for dtype in device.dtypes:
            yield _checked("training", f"{recipe}, {dtype}", "relative", lambda: trained(device, recipe, dtype))
        yield _checked("training", f"{recipe}, replay", "relative", lambda: replayed(device, recipe))
        yield _checked("training", f"{recipe}, resume", "numbers that differ", lambda: resumed(device, recipe))
    for size in sizes:
        try:
            yield timed(device, size)
        except Exception as error:  # whatever a library raises
            yield Check("time", size, raised=_told(error))


def _checked(group: str, name: str, unit: str, job: Callable[[], Measured]) -> Check:
    try:
        error, bound, note = job()
    except Exception as problem:  # whatever a library raises
        return Check(group, name, unit=unit, raised=_told(problem))
    return Check(group, name, float(error), float(bound), unit, note)


def _told(error: Exception) -> str:
    return " ".join(" ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])]).split())[:600]


# -- arithmetic ------------------------------------------------------------------------------------
def float64(xp: ModuleType) -> Measured:
    """(1 + 2⁻⁵²) − 1 = 2⁻⁵², on the device: some GPUs have no float64."""
    x = xp.asarray(np.array([1.0, 2.0**-52]))
    assert_dtype(x, "float64", "an array of them")
    computed = arrays.to_host((x[:1] + x[1:]) - x[:1])[0]
    return abs(computed * 2.0**52 - 1.0), 0.0, ""


def products(device: _Device, dtype: str) -> Measured:
    """Σ_k (1 + 2⁻ᵇ)·1 over 256 numbers, b = 1, 2, ...: exact in any order, unless the products shorten their numbers.

    TF32 keeps 10 bits of float32's 23, and the answer for b = 11 is off by 2⁻¹¹: 4096 ε.
    """
    real, n = arrays.finfo(dtype), 256
    b = 1 + np.arange(n) % (real.nmant - 8)  # 8 bits of the mantissa are the sum's
    a = np.repeat(1.0 + 2.0**-b[:, None], n, axis=1)
    y = matmul(*[Tensor(device.xp.asarray(x.astype(dtype))) for x in (a, np.ones((n, n)))]).value
    assert_dtype(y, dtype, "a product")
    off = np.abs(arrays.to_host(y).astype(float) / n - a).max(axis=1)
    lost = b[off > 2.0**-b / 4]
    note = ""
    if lost.size:
        kept = device.kept[dtype] = int(lost.min()) - 1
        note = (f"{SHORT.get(kept, 'short numbers') if dtype == 'float32' else 'short numbers'}: products keep {kept} "
                f"bits of {real.nmant}, so gradients are good to {2.0**-kept:.0e} instead of {real.eps:.0e} (other "
                f"bounds allow for it). For products in full: {arrays.full_products(device.xp) or 'ask the library'}")
    return off.max() / real.eps, 1.0, note


# -- random numbers ----------------------------------------------------------------------------------
def uniform_moments(x: np.ndarray) -> list[float]:
    """x ~ U[0, 1): mean ½, variance 1/12, neighbours uncorrelated; in standard errors."""
    if outside := int(((x < 0) | (x >= 1)).sum()):
        raise ArithmeticError(f"{outside} of {x.size} numbers are not in [0, 1)")
    c, n = x - 0.5, x.size
    return [c.mean() * (12 * n) ** 0.5, ((c * c).mean() - 1 / 12) * (180 * n) ** 0.5, _correlation(c[1:], c[:-1]) * 12]


def normal_moments(z: np.ndarray) -> list[float]:
    """z ~ N(0, 1): E z, z², z³, z⁴ = 0, 1, 0, 3, neighbours uncorrelated; in standard errors."""
    expected = {1: (0, 1), 2: (1, 2), 3: (0, 15), 4: (3, 96)}  # power: its mean, its variance
    moments = [((z**k).mean() - m) * (z.size / var) ** 0.5 for k, (m, var) in expected.items()]
    return [*moments, _correlation(z[1:], z[:-1])]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).mean()) * a.size**0.5


def _drawn(xp: ModuleType, kind: str, dtype: str, *key: int) -> np.ndarray:
    out = xp.asarray(np.full(DRAWS, np.nan, dtype))  # what is not drawn, shows
    getattr(arrays.device_stream(xp, *key), kind)(out)
    assert_dtype(out, dtype, kind)
    return arrays.to_host(out)


def draws(xp: ModuleType, kind: str, dtype: str, moments: Callable[[np.ndarray], list[float]]) -> Measured:
    x = _drawn(xp, kind, dtype, 0, 1, 2).astype(float)
    return np.max(np.abs(moments(x))), SIGMAS, f"of {DRAWS} numbers"


def keys(xp: ModuleType, dtype: str) -> Measured:
    """The same key gives the same bits; another key, in any of its places, uncorrelated ones."""
    one, again, *others = (_drawn(xp, "standard_normal", dtype, *key)
                           for key in [(0, 1, 2), (0, 1, 2), (1, 1, 2), (0, 2, 2), (0, 1, 3)])
    if not np.array_equal(one, again, equal_nan=True):
        raise ArithmeticError("the same key gave other numbers the second time")
    return np.max([abs(_correlation(one, x)) for x in others]), SIGMAS, "between streams of different keys"


# -- training ------------------------------------------------------------------------------------------
def training(device: str, recipe: str, dtype: str, eager: bool = False, **settings: Any) -> Training:
    config = configure(recipe, **RUNS[recipe], device=device, dtype=dtype, steps=STEPS, batch=32, generator=(32, 32),
                       critic=(32, 32), **settings)
    return Training(config, load_data(config, config.data), eager)


def state(run: Training, steps: int) -> dict[str, np.ndarray]:
    """What the run holds after so many more steps, on the host; ArithmeticError or TypeError if that is no good."""
    for _ in range(steps):
        run.iterate()
    run.check_health()
    for name, x in run.state.items():
        assert_dtype(x, run.config.dtype, f"the state's {name}")
    return {name: arrays.to_host(x).copy() for name, x in run.state.items()}


def trained(device: _Device, recipe: str, dtype: str) -> Measured:
    """Parameters after 100 steps against NumPy's of the same numbers; of float64 they are bounded."""
    theirs = state(training(device.name, recipe, dtype), STEPS)
    ours = state(training("cpu", recipe, dtype), STEPS)
    error = _apart(theirs, ours)
    if dtype == "float32":
        return error, np.inf, "not bounded: over 100 steps rounding may grow"
    return error, _strayed(recipe, dtype, ours, STEPS), f"{STEPS} steps"


def _strayed(recipe: str, dtype: str, ours: Mapping[str, np.ndarray], steps: int) -> float:
    """How far rounding may take a run from NumPy's ``ours``."""
    return SPARE * max(_apart(_nudged(recipe, dtype, n, steps), ours) for n in NUDGES)


def _nudged(recipe: str, dtype: str, n: int, steps: int) -> dict[str, np.ndarray]:
    """NumPy's run whose first parameters are off by n ε, up or down."""
    run, rng = training("cpu", recipe, dtype), np.random.default_rng(n)
    for name in PLAYERS:
        run.state[name] *= 1.0 + n * arrays.finfo(dtype).eps * rng.choice([-1.0, 1.0], run.state[name].shape)
    return state(run, steps)


def _apart(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> float:
    return float(np.max([distance(a[name], b[name]) for name in PLAYERS]))


def replayed(device: _Device, recipe: str) -> Measured:
    """A few steps, recorded and replayed against eager ones: the same bits on the host.

    Elsewhere as near as rounding lets them be: a library may multiply by another kernel where results lie otherwise.
    """
    a, b = (state(training(device.name, recipe, "float32", eager=way), FEW) for way in (False, True))
    note = f"{FEW} steps against eager ones, {_differing(a, b):.0f} numbers of the state differ"
    if arrays.on_host(device.xp):
        return _apart(a, b) if _differing(a, b) == 0 else np.inf, 0.0, note
    return _apart(a, b), _strayed(recipe, "float32", state(training("cpu", recipe, "float32"), FEW), FEW), note


def resumed(device: _Device, recipe: str) -> Measured:
    """A run that is stopped, brought to the host and taken up by another; noise is drawn on the device."""
    whole = state(training(device.name, recipe, "float32", device_rng=True), 2 * FEW)
    first, second = (training(device.name, recipe, "float32", device_rng=True) for _ in range(2))
    state(first, FEW)
    second.restore(first.checkpoint())
    return _differing(state(second, FEW), whole), 0.0, f"after {FEW} steps, for {FEW} more"


def _differing(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> float:
    return float(sum((a[name] != b[name]).sum() for name in b))


# -- time and memory --------------------------------------------------------------------------------------
def timed(device: _Device, size: str, rounds: int = 5, seconds: float = 0.25) -> Timing:
    """The device and NumPy in turns, the order swapped each round; on the CPU, NumPy against itself: the resolution.

    Whole iterations of Training, its draws included: on the device where that is another than the host.
    """
    depth, width, batch = SIZES[size]
    both = []
    for name, own in ((device.name, not arrays.on_host(device.xp)), ("cpu", False)):
        config = configure("wgan-gp", device=name, device_rng=own, batch=batch, generator=(width,) * depth,
                           critic=(width,) * depth)
        run = Training(config, load_data(config, config.data))
        _seconds(run, 2)  # kernels are compiled, memory is taken
        both.append((run, max(1, int(seconds / _seconds(run, 1)))))
    times = np.empty((rounds, 2))
    for k in range(rounds):
        for side in (0, 1) if k % 2 else (1, 0):
            times[k, side] = _seconds(*both[side])
    critics, generator = both[0][0].programs
    programs: list[Any] = [*critics, generator]
    ms, ms_numpy = np.median(times, axis=0) * 1e3
    return Timing(size, float(ms), float(ms_numpy), (times[:, 0] / times[:, 1]).tolist(),
                  sum(len(p.calls) for p in programs), sum(p.nbytes for p in {id(p): p for p in programs}.values()),
                  arrays.memory(device.xp))


def _seconds(run: Training, iterations: int) -> float:
    """For one iteration, the device's work done."""
    arrays.synchronize(run.xp)
    start = time.perf_counter()
    for _ in range(iterations):
        run.iterate()
    arrays.synchronize(run.xp)
    return (time.perf_counter() - start) / iterations
