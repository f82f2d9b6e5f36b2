"""Does everything work on this device? Arithmetic, primitives, random numbers, trainings; time and memory.

    for result in selfcheck("cuda"): ...      # a Check each: error ≤ bound; at the end a Timing each

A check compares the device with float64 on the host; where the host itself could be wrong (a derivative) it is
compared first, with numbers. A check that raises has failed, and the others go on.

Source: Higham, Accuracy and Stability of Numerical Algorithms (2002), ch. 1 and 3.
"""

import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from math import isfinite
from types import ModuleType

import numpy as np

import minigan
from minigan import arrays
from minigan.autodiff import PRIMITIVES, Tensor, matmul
from minigan.devices import trainings
from minigan.devices.compare import Measured, assert_dtype, worst
from minigan.devices.primitives import of_primitive, rows
from minigan.devices.trainings import Timing

DRAWS = 2**18
SIGMAS = 5.0  # standard errors that a moment may be off: one of 19 of a good generator is, with probability 1e-5
# Names for what is left of a mantissa of 23 bits where products shorten it
SHORT = {10: "TF32", 7: "bfloat16"}


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
    for primitive in PRIMITIVES:
        yield _checked("primitives", primitive, "ε",
                       lambda: worst(device.xp, of_primitive(primitive, table), device.shortened))
    for dtype in device.dtypes:
        for kind, moments in {"random": uniform_moments, "standard_normal": normal_moments}.items():
            yield _checked("random numbers", f"{kind}, {dtype}", "standard errors",
                           lambda: draws(device.xp, kind, dtype, moments))
    yield _checked("random numbers", "keys", "standard errors", lambda: keys(device.xp, device.dtypes[-1]))
    name = device.name
    for recipe in trainings.RUNS:
        for dtype in device.dtypes:
            yield _checked("training", f"{recipe}, {dtype}", "relative", lambda: trainings.trained(name, recipe, dtype))
        yield _checked("training", f"{recipe}, replay", "relative", lambda: trainings.replayed(name, recipe))
        yield _checked("training", f"{recipe}, resume", "numbers that differ", lambda: trainings.resumed(name, recipe))
    for size in sizes:
        try:
            yield trainings.timed(name, size)
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
