"""Is yours right? Checkers for anybody's divergence, loss, penalty, norm or sampler, and inputs to try them on.

    from minigan.testing import check_divergence, from_torch
    check_divergence(my_js, "js")                  # my_js: two NumPy arrays -> a number
    check_divergence(from_torch(my_js), "js")      # two tensors -> a tensor

A checker runs a list of named properties over random inputs (Hypothesis) and returns the names of those that
hold. If any fails it raises ``PropertyError``, an AssertionError that lists each that does, with the smallest
counterexample and the formula that was expected, and names those that hold:

    my_js breaks the property 'value'
      expected: JS(p, q) = ½ KL(p‖m) + ½ KL(q‖m), m = ½(p + q), in nats (0 ≤ JS ≤ log 2)
      smallest counterexample:
        p, q = ([0.5, 0.5], [0.3333333333, 0.6666666667])
      found: D(p, q) = 0.02872518313, expected 0.01436259156
      your values are twice ours (the un-halved JS of `xu`)
    and the property 'value at zeros'
      ...
    These hold: 'not negative', 'zero at P = Q', ...

What you do otherwise on purpose is skipped by name, ``skip=("value",)`` or ``skip={"value": "in bits"}``, and a
property of which people of good sense differ is no error when it fails: both are warnings (``Skipped``,
``Debatable``).

The verdict depends on ``seed`` alone; ``examples`` says how many inputs each property is tried on. The
inputs are float64, and so should the work be (a PyTorch network: ``net.double()``).

``properties.py`` what a property is, and how one is refuted · ``divergences.py`` D_f and f* · ``losses.py`` what each
player minimises, with ``kinds.py`` and ``f_gan.py``, the losses' formulas, ``conventions.py``, how else they are
written, and ``recognition.py``, which tells · ``terms.py`` pull-away, BEGAN's balance · ``critics.py`` Lipschitz
constants, clipped weights · ``penalties.py`` gradient penalties · ``norms.py`` spectral norm and its state ·
``normalization.py`` batch norms, minibatch discrimination · ``optimizers.py`` optimisers, schedules · ``averages.py``
what remembers its past · ``steps.py`` a training step: does each player move, along its own loss (with
``players.py``, ``moves.py``, and ``holders.py``, where anybody's parameters are read and put back) · ``samplers.py``
laws and random streams · ``adapters.py`` PyTorch, JAX and this package's tensors · ``strategies.py`` inputs for tests
of your own.
"""

try:
    import hypothesis as _hypothesis  # noqa: F401
except ImportError as error:
    raise ImportError("minigan.testing needs Hypothesis: pip install 'minigan[test]'") from error

from minigan.testing.adapters import (
    from_jax,
    from_tensors,
    from_torch,
    value_and_gradient_from_jax,
    value_and_gradient_from_tensors,
    value_and_gradient_from_torch,
)
from minigan.testing.averages import check_historical_averaging, check_moving_average
from minigan.testing.critics import check_lipschitz, check_weight_clipping
from minigan.testing.divergences import check_conjugate, check_divergence
from minigan.testing.holders import Part
from minigan.testing.losses import check_loss
from minigan.testing.normalization import (
    BatchNorm,
    check_batch_norm,
    check_minibatch_discrimination,
    check_virtual_batch_norm,
)
from minigan.testing.norms import PowerIteration, check_spectral_norm
from minigan.testing.optimizers import check_optimizer, check_schedule
from minigan.testing.penalties import check_gradient_penalty
from minigan.testing.players import Player
from minigan.testing.properties import Debatable, Finding, PropertyError, Skipped
from minigan.testing.samplers import check_sampler
from minigan.testing.steps import check_training_step
from minigan.testing.strategies import (
    disjoint_pairs,
    gaussians,
    markov_kernels,
    mixtures,
    pairs,
    pairs_with_common_support,
    point_clouds,
    probability_vectors,
)
from minigan.testing.terms import check_balance, check_pull_away

__all__ = [
    "BatchNorm", "Debatable", "Finding", "Part", "Player", "PowerIteration", "PropertyError", "Skipped",
    "check_balance", "check_batch_norm", "check_conjugate", "check_divergence", "check_gradient_penalty",
    "check_historical_averaging", "check_lipschitz", "check_loss", "check_minibatch_discrimination",
    "check_moving_average", "check_optimizer", "check_pull_away", "check_sampler", "check_schedule",
    "check_spectral_norm", "check_training_step", "check_virtual_batch_norm", "check_weight_clipping",
    "disjoint_pairs", "from_jax", "from_tensors", "from_torch", "gaussians", "markov_kernels", "mixtures", "pairs",
    "pairs_with_common_support", "point_clouds", "probability_vectors", "value_and_gradient_from_jax",
    "value_and_gradient_from_tensors", "value_and_gradient_from_torch",
]
