"""The batches that a step reads: their shapes, and how each is drawn."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigan.arrays import Array
from minigan.lab.config import Config
from minigan.lab.data import Data


def batch_shapes(config: Config, latent: int, dim: int) -> dict[str, tuple[int, ...]]:
    """The batches that a step may read (see ``gans/game.py``), in the order in which they are drawn."""
    n = config.batch
    shapes: dict[str, tuple[int, ...]] = {"real": (n * config.pack, dim)}
    if config.loss.head.name == "classes":
        shapes["labels"] = (n * config.pack, config.classes)
    shapes |= {"z": (n * config.pack, latent), "eps": (n, 1), "delta": (n, config.pack * dim)}
    if config.instance_noise:
        shapes |= {"noise.real": shapes["real"], "noise.fake": shapes["real"]}
    return shapes


def batch_draws(
    batches: dict[str, Array], config: Config, data: Data, rng: np.random.Generator, noise: Callable[[], Any]
) -> list[Callable[[int], Any]]:
    """Calls that fill the first n of one seed's batches, each (steps, samples, numbers), in place.

    x comes from ``data`` by rng; z, δ and instance noise are N(0, 1), ε is U[0, 1), from the stream ``noise()``.
    """

    def rows(name: str, n: int) -> np.ndarray:
        return batches[name][:n].reshape(-1, batches[name].shape[-1])

    def draw(name: str) -> Callable[[int], Any]:
        method = "random" if name == "eps" else "standard_normal"
        return lambda n: getattr(noise(), method)(batches[name][:n, ...])

    calls: list[Callable[[int], Any]] = []
    if "labels" in batches:
        calls.append(lambda n: data.draw_labelled(rng, rows("real", n), rows("labels", n), config.labelled))
    elif "real" in batches:
        calls.append(lambda n: data.draw(rng, rows("real", n)))
    return calls + [draw(name) for name in batches if name not in ("real", "labels")]
