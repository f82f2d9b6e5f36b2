"""IV. The games: what each player minimises.

``losses.py`` on logits · ``lipschitz.py`` clipping and gradient penalties · ``penalty_by_hand.py``
the penalty's gradient without autodiff · ``recipes.py`` a system is a row · ``game.py`` a recipe
and two networks.
"""

from minigan.gans.game import Game
from minigan.gans.lipschitz import clip_weights, gradient_penalty, interpolate
from minigan.gans.losses import LOSSES, Loss
from minigan.gans.recipes import RECIPES, Recipe, recipe

__all__ = [
    "LOSSES", "RECIPES", "Game", "Loss", "Recipe", "clip_weights", "gradient_penalty", "interpolate", "recipe",
]
