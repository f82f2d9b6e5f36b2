"""II. The players: pure functions of one flat parameter vector.

``params.py`` the flat θ and its views · ``mlp.py`` multilayer perceptrons · ``optim.py``
optimiser steps as pure functions (θ, g, state, t) → (θ′, state′).
"""

from minigan.nets.mlp import ACTIVATIONS, INITS, MLP
from minigan.nets.optim import OPTIMIZERS, SCHEDULES, Optimizer, adam, momentum, rmsprop, sgd
from minigan.nets.params import Layout

__all__ = [
    "ACTIVATIONS", "INITS", "MLP", "OPTIMIZERS", "SCHEDULES",
    "Layout", "Optimizer", "adam", "momentum", "rmsprop", "sgd",
]
