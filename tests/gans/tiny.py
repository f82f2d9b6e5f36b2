"""The recipes as they are really assembled, with networks so small that finite differences are cheap."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from minigan.autodiff import Tensor
from minigan.gans import RECIPES
from minigan.gans.players import Players
from minigan.gans.spectral import settled
from minigan.lab.config import configure
from minigan.lab.data import Data, data_from
from minigan.lab.toys import gaussian_mixture
from minigan.lab.train import Training

Arrays = dict[str, np.ndarray]

DATA = data_from(gaussian_mixture([[2.0, 0.0], [-1.0, 1.5], [-1.0, -1.5]], 0.5))  # classes and a density are known
# tanh: no kinks of the networks' own; an autoencoder's narrowest layer in the middle
TINY: dict[str, Any] = {
    "steps": 5, "batch": 4, "generator": (5, 4), "critic": (6, 3, 5), "activation": "tanh", "init": "xavier",
    "dtype": "float64", "evaluations": 1, "samples": 20,
}
FEWER = {"pretrain": 2, "unroll": 2, "minibatch": 3, "burst": 2, "generators": 2}


def training(
    name: str, seeds: tuple[int, ...] | None = None, data: Data = DATA, eager: bool = False, **settings: Any
) -> Training:
    """A run of the recipe, its settings kept except for sizes and counts."""
    fewer = {key: few for key, few in FEWER.items() if RECIPES[name].settings.get(key)}
    return Training(configure(name, TINY | fewer, **settings), data, eager, seeds)


def steepest(name: str, **settings: Any) -> Training:
    """The same with plain gradient steps, so that a step tells the gradient; and no clipping in the way."""
    if RECIPES[name].settings.get("clip"):
        settings = {"clip": 100.0} | settings
    return training(name, optimizer="sgd", **settings)


def point(run: Training, seed: int = 0, eta: float = 1.0, lead: tuple[int, ...] = ()) -> tuple[Arrays, Arrays]:
    """A state and inputs of a run of one seed, all drawn at random: nothing is 0, or equal, by accident."""
    rng = np.random.default_rng(seed)
    state, inputs = {name: x.copy() for name, x in run.state.items()}, {}
    for player in ("theta", "w"):
        state[player] = 0.7 * rng.normal(size=state[player].shape)
        for past in ("mean", "ema"):
            if f"{player}.{past}" in state:
                state[f"{player}.{past}"] = state[player] + 0.3 * rng.normal(size=state[player].shape)
    if "w.s" in state:
        state["w.s"] = settled(run.game.critic, state["w"], state["w.s"], steps=2)  # on its way, not there
    for name, x in run.steps.inputs.items():
        inputs[name] = np.full((), 1.0) if name.startswith("t.") else np.full((), eta) if x.ndim == 0 else (
            rng.random(x.shape) if name == "eps" else rng.normal(size=x.shape))
    if "sigma" in inputs:
        inputs["sigma"] = np.full((), 0.4)
    if "labels" in inputs:
        inputs["labels"] = np.eye(inputs["labels"].shape[1])[rng.integers(0, 3, len(inputs["labels"]))]
        inputs["labels"][0] = 0.0  # one that has no label
    return state, inputs


def tensors(arrays: Arrays) -> dict[str, Tensor]:
    return {name: Tensor(x) for name, x in arrays.items()}


def taken(players: Players, player: str, state: Arrays, inputs: Arrays) -> Arrays:
    """What is new of the state after the step in which the player moves."""
    step = players.joint_step if players.update != "alternating" else {
        "w": players.critic_step, "theta": players.generator_step}[player]
    return {name: x.value for name, x in step(tensors(state), tensors(inputs))[0].items()}


def movers(run: Training) -> list[str]:
    return ["theta"] if run.config.loss.critic is None else ["w", "theta"]


def changed(players: Players, cls: type | None = None, **settings: Any) -> Players:
    """The players with other settings, or as an instance of another class."""
    cls = cls or type(players)
    return replace(cls(**vars(players)), **settings)
