"""Training on every array library: NumPy's parameters after the same steps, replay, seeds, noise, checkpoints."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from minigan import arrays
from minigan.cli import main
from minigan.gans import RECIPES
from minigan.lab import run
from minigan.lab.config import configure
from minigan.lab.estimator import GAN
from minigan.lab.state import STREAMS
from minigan.lab.train import Training
from tests.backends.backend import Backend, assert_close
from tests.gans.tiny import TINY, training
from tests.selection import slow_but

every_recipe = pytest.mark.parametrize("name", RECIPES)
# a gradient penalty, power iteration, clipping after bursts, a reference batch, a mean of the past, unrolling
SOME = ["wgan-gp", "sn-gan", "wgan", "virtual-batch-norm", "historical", "unrolled"]


def trained(backend: Backend, name: str, steps: int = 3, eager: bool | None = None, **settings) -> Training:
    """So many steps of the recipe, by replay where the library has views of memory."""
    eager = not backend.replays if eager is None else eager
    made = training(name, device=backend.device, eager=eager, **settings)
    for _ in range(steps):
        made.iterate()
    return made


def state_of(made: Training) -> dict[str, np.ndarray]:
    return {name: arrays.to_host(x).copy() for name, x in made.state.items()}


@cache
def numpys(name: str, steps: int = 3, **settings) -> dict[str, np.ndarray]:
    return state_of(trained(Backend("numpy", "cpu"), name, steps, **settings))


def same_bits(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    assert a.keys() == b.keys()
    for name, x in a.items():
        np.testing.assert_array_equal(x, b[name], err_msg=name)


# -- recipes -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", slow_but(SOME, RECIPES, "recipes on each array library"))
def test_a_recipe_is_numpys(name: str, backend: Backend) -> None:
    found = trained(backend, name).state
    assert found.keys() == numpys(name).keys()
    for key, x in numpys(name).items():
        backend.assert_equal(found[key], x, rtol=1e-9, atol=1e-9 * abs(x).max())


@every_recipe
@pytest.mark.slow("recipes on each array library")
def test_float32_and_replay(name: str, backend: Backend) -> None:
    """float32 stays float32, near what NumPy's is; and replay is eager, bit for bit."""
    settings = {"steps": 1, "dtype": "float32", "optimizer": "sgd"}  # Adam divides rounding errors by their own size
    found = trained(backend, name, **settings)
    assert {arrays.dtype(x) for x in [*found.state.values(), *found.steps.inputs.values()]} == {np.dtype("float32")}
    for key, x in numpys(name, **settings).items():
        assert_close(found.state[key], x, rtol=1e-4, atol=1e-5 * abs(x).max())
    if backend.replays:
        same_bits(state_of(found), state_of(trained(backend, name, eager=True, **settings)))


@pytest.mark.parametrize("name", SOME)
@pytest.mark.slow("recipes on each array library")
def test_a_row_of_many_is_numpys_run_of_its_seed(name: str, backend: Backend) -> None:
    many = state_of(trained(backend, name, seeds=(3, 8)))
    for key, x in numpys(name, seed=8).items():
        row = many[key][:, 1] if key == "nonfinite" else many[key][1]
        np.testing.assert_allclose(row, x, rtol=1e-7, atol=1e-9, err_msg=key)


# -- noise drawn on the device -----------------------------------------------------------------------
@pytest.mark.parametrize("name", ["wgan-gp", "dragan"])
@pytest.mark.slow("recipes on each array library")
def test_a_run_with_the_devices_noise_resumes_anywhere(name: str, backend: Backend) -> None:
    noisy = {"device_rng": True, "critic_steps": 1, "burst": 2}
    whole = state_of(trained(backend, name, steps=4, **noisy))
    assert all(abs(whole[key] - numpys(name, steps=4, **noisy | {"device_rng": False})[key]).max() > 1e-6
               for key in ("theta", "w")), "other numbers than the host's"
    for stop in (0, 3):
        first, second = trained(backend, name, steps=stop, **noisy), trained(backend, name, steps=0, **noisy)
        second.restore(first.checkpoint())
        for _ in range(4 - stop):
            second.iterate()
        same_bits(state_of(second), whole)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.slow("recipes on each array library")
def test_the_devices_noise_is_of_each_seeds_own(dtype: str, backend: Backend) -> None:
    settings = {"device_rng": True, "dtype": dtype, "batch": 1000}
    many = trained(backend, "dragan", steps=2, seeds=(3, 8), **settings)
    alone = trained(backend, "dragan", steps=2, seed=8, **settings)
    for key, x in state_of(alone).items():
        row = arrays.to_host(many.state[key])[:, 1] if key == "nonfinite" else arrays.to_host(many.state[key])[1]
        np.testing.assert_allclose(row, x, rtol=1e-3 if dtype == "float32" else 1e-9, atol=1e-6, err_msg=key)
    drawn = {name: arrays.to_host(many.steps.inputs[name]) for name in ("z", "delta")}
    for name, x in drawn.items():
        assert x.dtype == dtype
        np.testing.assert_array_equal(x[1], arrays.to_host(alone.steps.inputs[name]))
        assert stats.kstest(x.ravel(), "norm").pvalue > 1e-3
        assert abs(np.corrcoef(x[0].ravel(), x[1].ravel())[0, 1]) < 0.1
    alone.iterate()
    z = arrays.to_host(alone.steps.inputs["z"]).ravel()
    assert abs(np.corrcoef(drawn["z"][1].ravel(), z)[0, 1]) < 0.1, "each step"
    eps = arrays.to_host(trained(backend, "wgan-gp", steps=1, **settings).steps.inputs["eps"])
    assert eps.dtype == dtype and stats.kstest(eps.ravel(), "uniform").pvalue > 1e-3


# -- checkpoints go from one library to another --------------------------------------------------------
def half(device: str, folder: Path, eager: bool) -> None:
    """A run of 6 steps, left after 3."""
    settings = {key: value for key, value in TINY.items() if key != "steps"}
    made = run.start(configure("sn-gan", steps=6, device=device, critic_steps=2, **settings), "ring8", folder, eager)
    for _ in range(3):
        made.iterate()
    run.save(made, folder)


def finished(folder: Path, eager: bool, device: str | None = None) -> dict[str, np.ndarray]:
    made = run.resume(folder, eager=eager, device=device)
    assert made.step == 3 and run.drive(made, folder)
    return state_of(made)


@pytest.mark.slow("recipes on each array library")
def test_a_run_goes_on_on_another_library(tmp_path: Path, backend: Backend) -> None:
    eager = not backend.replays
    half("cpu", tmp_path / "here", False)
    half(backend.device, tmp_path / "there", eager)
    for name in ("to", "and"):  # one is resumed to the other, and is itself resumed where it was
        for start in ("here", "there"):
            (tmp_path / f"{start} {name}").mkdir()
            for file in (tmp_path / start).iterdir():
                (tmp_path / f"{start} {name}" / file.name).write_bytes(file.read_bytes())
    expected = finished(tmp_path / "here and", False)
    for found in (finished(tmp_path / "here to", eager, backend.device), finished(tmp_path / "there to", False, "cpu"),
                  finished(tmp_path / "there and", eager)):
        for key, x in expected.items():
            backend.assert_equal(found[key], x, rtol=1e-9, atol=1e-9 * abs(x).max())
    assert run.resume(tmp_path / "there", eager=eager).config.device == backend.device


def test_samples_of_a_devices_run_need_no_device(tmp_path: Path, backend: Backend, monkeypatch) -> None:
    half(backend.device, tmp_path / "run", not backend.replays)
    stream = arrays.streams(5, *STREAMS)["samples"]  # before there is no library
    drawn = run.resume(tmp_path / "run", eager=not backend.replays).model.sample(stream, 7)

    def absent(device: str) -> None:
        raise arrays.DeviceError(f"no {device} on this machine")

    monkeypatch.setattr(arrays, "library", absent)
    np.testing.assert_array_equal(GAN.load(tmp_path / "run").sample(7, seed=5), drawn)
    assert main(["sample", str(tmp_path / "run"), "-n", "7", "--seed", "5", "--out", str(tmp_path / "x.npy")]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), drawn)
