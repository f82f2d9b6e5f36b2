"""Trainings on a device, beside NumPy's: do they get to the same parameters, replay, go on after a stop; how fast?"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigan import arrays
from minigan.devices.compare import Measured, assert_dtype, distance
from minigan.lab.config import configure
from minigan.lab.run import load_data
from minigan.lab.train import Training

SIZES = {"S": (2, 64, 64), "M": (3, 128, 256), "L": (3, 512, 256)}  # hidden layers, width, batch: as in docs/speed.md
STEPS, FEW = 100, 3
# The recipes trained, with few critic steps for the sake of slow devices: second order, logistic, power iteration
RUNS: dict[str, dict[str, Any]] = {"wgan-gp": {"critic_steps": 2}, "gan": {}, "sn-gan": {"critic_steps": 1}}
PLAYERS = ("theta", "w")
# Rounding is a nudge at every step. A run on the host whose parameters are nudged once, by so many ε, tells what the
# dynamics make of it; 16 covers that there are 100 such nudges, in random directions (√100), and two to spare.
NUDGES, SPARE = (1, 8, 64), 16.0


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


def trained(device: str, recipe: str, dtype: str) -> Measured:
    """Parameters after 100 steps against NumPy's of the same numbers; of float64 they are bounded."""
    theirs = state(training(device, recipe, dtype), STEPS)
    ours = state(training("cpu", recipe, dtype), STEPS)
    error = _apart(theirs, ours)
    if dtype == "float32":
        return error, np.inf, "not bounded: over 100 steps rounding may grow"
    return error, _strayed(recipe, dtype, ours, STEPS), f"{STEPS} steps"


def _strayed(recipe: str, dtype: str, ours: Mapping[str, np.ndarray], steps: int) -> float:
    """How far rounding may take a run from NumPy's ``ours``: what nudging its parameters by ±n ε comes to."""
    apart = []
    for n in NUDGES:
        run, rng = training("cpu", recipe, dtype), np.random.default_rng(n)
        for name in PLAYERS:
            run.state[name] *= 1.0 + n * arrays.finfo(dtype).eps * rng.choice([-1.0, 1.0], run.state[name].shape)
        apart.append(_apart(state(run, steps), ours))
    return SPARE * max(apart)


def _apart(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> float:
    return float(np.max([distance(a[name], b[name]) for name in PLAYERS]))


def replayed(device: str, recipe: str) -> Measured:
    """A few steps, recorded and replayed against eager ones: the same bits on the host.

    Elsewhere as near as rounding lets them be: a library may multiply by another kernel where results lie otherwise.
    """
    a, b = (state(training(device, recipe, "float32", eager=way), FEW) for way in (False, True))
    note = f"{FEW} steps against eager ones, {_differing(a, b):.0f} numbers of the state differ"
    if arrays.on_host(arrays.library(device)):
        return _apart(a, b) if _differing(a, b) == 0 else np.inf, 0.0, note
    return _apart(a, b), _strayed(recipe, "float32", state(training("cpu", recipe, "float32"), FEW), FEW), note


def resumed(device: str, recipe: str) -> Measured:
    """A run that is stopped, brought to the host and taken up by another; noise is drawn on the device."""
    whole = state(training(device, recipe, "float32", device_rng=True), 2 * FEW)
    first, second = (training(device, recipe, "float32", device_rng=True) for _ in range(2))
    state(first, FEW)
    second.restore(first.checkpoint())
    return _differing(state(second, FEW), whole), 0.0, f"after {FEW} steps, for {FEW} more"


def _differing(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> float:
    return float(sum((a[name] != b[name]).sum() for name in b))


def timed(device: str, size: str, rounds: int = 5, seconds: float = 0.25) -> Timing:
    """The device and NumPy in turns, the order swapped each round; on the CPU, NumPy against itself: the resolution.

    Whole iterations of Training, its draws included: on the device where that is another than the host.
    """
    depth, width, batch = SIZES[size]
    both = []
    for name, own in ((device, not arrays.on_host(arrays.library(device))), ("cpu", False)):
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
                  arrays.memory(both[0][0].xp))


def _seconds(run: Training, iterations: int) -> float:
    """For one iteration, the device's work done."""
    arrays.synchronize(run.xp)
    start = time.perf_counter()
    for _ in range(iterations):
        run.iterate()
    arrays.synchronize(run.xp)
    return (time.perf_counter() - start) / iterations
