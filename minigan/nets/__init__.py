"""II. The players: pure functions of one flat parameter vector."""

from minigan.nets.ensemble import Ensemble
from minigan.nets.gaussian import Gaussian
from minigan.nets.minibatch import minibatch_features
from minigan.nets.mlp import ACTIVATIONS, ELEMENTWISE, INITS, MLP, Activation
from minigan.nets.norm import NORMS, Norm, batch_norm, layer_norm, virtual_batch_norm
from minigan.nets.optim import (
    OPTIMIZERS,
    SCHEDULES,
    Optimizer,
    adam,
    momentum,
    nesterov,
    optimistic,
    optimistic_adam,
    rmsprop,
    sgd,
)
from minigan.nets.params import Layout, Network, Run

__all__ = [
    "ACTIVATIONS", "ELEMENTWISE", "INITS", "MLP", "NORMS", "OPTIMIZERS", "SCHEDULES",
    "Activation", "Ensemble", "Gaussian", "Layout", "Network", "Norm", "Optimizer", "Run",
    "adam", "batch_norm", "layer_norm", "minibatch_features", "momentum", "nesterov", "optimistic",
    "optimistic_adam", "rmsprop", "sgd", "virtual_batch_norm",
]
