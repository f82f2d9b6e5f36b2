"""How a run begins: the random streams of a seed, and the arrays that its steps then change."""

from typing import Any

import numpy as np

from minigan.arrays import streams
from minigan.gans.game import Game
from minigan.gans.spectral import initial_state as initial_directions
from minigan.gans.spectral import settled
from minigan.lab.config import Config
from minigan.lab.data import Data
from minigan.nets import OPTIMIZERS

# One stream for each purpose: looking at a run (scaling, metrics, samples) does not change it.
STREAMS = ("init", "data", "noise", "metrics", "samples")
NORM_SAMPLES = 1_000  # whose statistics batch norm uses in evaluation
# what of the state a model needs: the critic's own moments, say, are training's business
EVALUATED = ("theta", "w", "theta.ema", "w.s", "theta.reference", "w.reference")


def sampling_stream(seed: int) -> np.random.Generator:
    """Of samples alone: data drawn with ``np.random.default_rng(seed)`` share nothing with them."""
    return streams(seed, *STREAMS)["samples"]


def initial_state(config: Config, game: Game, data: Data, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The state of one seed by name: parameters, their optimisers' slots, and what the stabilisers keep.

    See ``gans/game.py`` for the names. Everything is drawn from rng, the seed's stream "init".
    """
    state: dict[str, Any] = {}
    networks = {"theta": game.generator, "w": game.critic}
    for player, net in networks.items():
        state[player] = net.init(rng, config.init, config.gain, config.dtype)
        slots = OPTIMIZERS[config.optimizer].init(state[player])
        state.update((f"{player}.{slot}", value) for slot, value in slots.items())
    for name in ("critic_loss", "generator_loss"):
        state[name] = np.zeros((), config.dtype)
    if config.spectral_norm:
        state["w.s"] = settled(game.critic, state["w"], initial_directions(game.critic, rng, config.dtype))
    if config.history:
        state |= {f"{player}.mean": state[player].copy() for player in networks}
    if config.ema:
        state["theta.ema"] = state["theta"].copy()
    if config.generator_norm in ("batch", "virtual"):
        n = config.batch if config.generator_norm == "virtual" else NORM_SAMPLES
        state["theta.reference"] = rng.standard_normal((n, game.generator.sizes[0])).astype(config.dtype)
    if config.critic_norm in ("batch", "virtual") or config.minibatch:
        n = config.batch - (config.minibatch > 0)  # minibatch discrimination: as many as a sample has mates
        reference = np.empty((n * config.pack, data.dim), config.dtype)
        data.draw(rng, reference)
        state["w.reference"] = reference.reshape(n, -1)
    return state
