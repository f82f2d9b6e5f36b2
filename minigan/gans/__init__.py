"""IV. The games: what each player minimises.

A loss is a row of ``losses.py`` (its formulas: ``scores.py``, ``f_gan.py``, ``energy.py``, ...), on what a critic sees
(``seen.py``, ``heads.py``) · ``lipschitz.py`` clipping and gradient penalties · ``spectral.py`` spectral norm ·
``game.py`` two networks and a loss · ``players.py`` a step of either · ``recipes.py`` a system is a row ·
``conflicts.py`` what does not go together · ``penalty_by_hand.py`` the penalty's gradient without autodiff.
"""

from minigan.gans.game import Game, packed
from minigan.gans.lipschitz import PENALTIES, clip_weights, gradient_penalty, interpolate, zero_centered_penalty
from minigan.gans.losses import LOSSES, Batch, Loss, scored
from minigan.gans.players import Players
from minigan.gans.recipes import RECIPES, Recipe, recipe

__all__ = [
    "LOSSES",
    "PENALTIES",
    "RECIPES",
    "Batch",
    "Game",
    "Loss",
    "Players",
    "Recipe",
    "clip_weights",
    "gradient_penalty",
    "interpolate",
    "packed",
    "recipe",
    "scored",
    "zero_centered_penalty",
]
