"""On CuPy's double: a replayed step waits for nothing, and what is looked at is looked at between steps."""

import pytest

from minigan.gans import RECIPES
from minigan.lab.config import configure
from minigan.lab.run import load_data
from minigan.lab.train import Training, TrainingError
from tests.backends import double
from tests.gans.tiny import training
from tests.selection import slow_but


@pytest.fixture(autouse=True)
def cupy():
    with double.installed() as module:
        yield module


@pytest.mark.parametrize("device_rng", slow_but([False], [False, True], "recipes on each array library"))
@pytest.mark.parametrize("name", RECIPES)
def test_no_step_waits_for_the_device(name, device_rng):
    run = training(name, device="cuda", device_rng=device_rng)
    with double.counting() as counts:
        for _ in range(3):
            run.iterate()
    assert counts.syncs == 0, counts.waited
    # an input of pretraining, critics, generator
    assert counts.uploads <= 3 * 3 * len(run.steps.inputs), counts.uploaded


@pytest.mark.parametrize("seeds", [None, (0, 1)])
def test_the_bits_of_a_run_with_the_defaults_are_those_on_the_host(seeds):
    """64-64 networks in float32, where NumPy has kernels of its own for speed."""

    def run(device):
        config = configure("wgan-gp", device=device, steps=20, evaluations=2, samples=100)
        run = Training(config, load_data(config, config.data), seeds=seeds)
        for _ in run.run():
            pass
        return run

    there, here = run("cuda"), run("cpu")
    assert all((x.get() == here.state[name]).all() for name, x in there.state.items())
    assert there.histories == here.histories


def test_the_device_keeps_the_first_bad_step_until_somebody_looks():
    run = training("gan", device="cuda", steps=20)
    with double.counting() as counts:
        for step in range(10):
            if step == 4:
                run.state["w"][...] = float("nan")
            run.iterate()
        assert counts.syncs == 0
        with pytest.raises(TrainingError, match="at step 5 the critic's loss stopped being finite"):
            run.check_health()
        assert counts.syncs == 1


def test_a_look_at_the_run_waits():
    run = training("gan", device="cuda")
    with double.counting() as counts:
        run.measure()
        run.checkpoint()
    assert counts.syncs >= len(run.state), counts.waited
