"""Memory: the count is of the right size, and what is beyond any computer is refused by name."""

import tracemalloc

import numpy as np
import pytest

from minigan.lab import memory
from minigan.lab.config import configure
from minigan.lab.data import data_from
from minigan.lab.model import build_game
from minigan.lab.train import Training, resolved


@pytest.mark.parametrize("settings", [
    {"batch": 20_000}, {"generator": (1500, 1500)}, {"critic": (1500, 1500)}, {"latent": 20_000}, {"pack": 300},
    pytest.param({"batch": 500, "minibatch": 20}, marks=pytest.mark.slow("memory of minibatch discrimination")),
], ids=str)
def test_a_step_takes_what_was_counted_or_little_more(settings: dict) -> None:
    """Never less than half of the count, so that nothing is refused that would fit; and not twenty times it."""
    name = "gan" if "minibatch" in settings else "wgan-gp"
    data = data_from("ring8")
    config = resolved(configure(name, {"samples": 10, "critic_steps": 1} | settings), data)
    counted = memory.needed(config, build_game(config, 2))
    tracemalloc.start()
    run = Training(config, data)
    run.iterate()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.5 * counted < peak < 20 * counted


@pytest.mark.parametrize(("settings", "name"), [
    ({"batch": 900_000_000}, "batch"), ({"samples": 999_999_999}, "samples"),
    ({"generator": (10**8, 10**8)}, "generator"), ({"critic": (10**8, 10**8)}, "critic"),
    ({"latent": 999_999_999, "generator": (512, 512)}, "latent"),
    ({"pack": 10**8}, "pack"),
], ids=str)
def test_the_setting_that_asks_for_too_much_is_named(settings: dict, name: str, monkeypatch) -> None:
    monkeypatch.setattr(memory, "physical", lambda: 64 * 10**9)
    with pytest.raises(ValueError, match=rf"^{name} = .* would take about .* GB of memory, and this .* 64 GB"):
        Training(configure("wgan-gp", **settings), data_from("ring8"))


def test_all_seeds_at_once_are_counted() -> None:
    config = resolved(configure("gan", samples=10), data_from("ring8"))
    game = build_game(config, 2)
    assert memory.needed(config, game, 10) > 4 * memory.needed(config, game)
    assert memory.needed_to_sample(config, game, 1000) >= np.empty((1000, 64), np.float32).nbytes
