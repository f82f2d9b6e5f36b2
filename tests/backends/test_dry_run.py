"""On a machine with CuPy's wheel and no GPU: no call of the engine is one that CuPy refuses."""

import importlib.util

import numpy as np
import pytest

from minigan import arrays
from minigan.autodiff import Tensor, grad
from minigan.gans import RECIPES
from tests.gans.tiny import training
from tests.primitive_rows import ROWS

if importlib.util.find_spec("cupy") is None:
    pytest.skip("CuPy's wheel is not installed", allow_module_level=True)

from tests.backends import dry_run


@pytest.fixture
def cupy():
    if dry_run.cupy.cuda.is_available():
        pytest.skip("there is a GPU: the suite runs on it")
    with dry_run.installed() as module:
        yield module


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_primitive_and_its_rules_reach_the_driver(row, cupy):
    xs = [Tensor(dry_run.device(x)) for x in row.inputs]
    ys = row.of(dry_run.device)(*xs)
    for y in ys if isinstance(ys, list) else [ys]:
        first = grad((y * y).sum(), xs)
        second = grad(sum((g * g).sum() for g in first), xs)
        assert all(isinstance(x.value, dry_run.Array) for x in [y, *first, *second])
    assert dry_run.REACHED


@pytest.mark.parametrize("eager", [False, True], ids=["replay", "eager"])
@pytest.mark.parametrize("name", RECIPES)
def test_every_call_of_a_training_reaches_the_driver(name, eager, cupy):
    run = training(name, device="cuda", eager=eager)
    on_numpy = training(name)
    for _ in range(2):
        run.iterate()
        on_numpy.iterate()
    run.check_health()
    for key, x in on_numpy.state.items():
        np.testing.assert_allclose(arrays.to_host(run.state[key]), x, rtol=1e-9, atol=1e-12)
    assert dry_run.REACHED["matmul"] and dry_run.REACHED["multiply"] and dry_run.REACHED["asarray"]


@pytest.mark.parametrize("refused", [
    lambda cupy, x: cupy.matmul(x, x, x), lambda cupy, x: cupy.sum(x, where=x), lambda cupy, x: cupy.vecdot(x, x),
    lambda cupy, x: cupy.zeros(3, device="cpu"), lambda cupy, x: cupy.take(x, x, axes=0), lambda cupy, x: np.exp(x)])
def test_and_a_call_that_cupy_refuses_does_not(refused, cupy):
    with pytest.raises((TypeError, AttributeError)):
        refused(cupy, dry_run.device(np.eye(3)))
