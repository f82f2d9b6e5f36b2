"""IV. The games: what each player minimises.

``losses/`` what each player minimises, a file a family · ``lipschitz.py`` clipping and gradient penalties ·
``spectral.py`` spectral norm · ``game.py`` two networks and a loss · ``players.py`` a step of either · ``recipes.py``
a system is a row · ``register.py`` rows of your own · ``conflicts.py`` what does not go together.
"""

from minigan.gans.game import Game, packed
from minigan.gans.lipschitz import PENALTIES, clip_weights, gradient_penalty, interpolate, zero_centered_penalty
from minigan.gans.losses import LOSSES, Batch, Loss, scored
from minigan.gans.players import Players
from minigan.gans.recipes import RECIPES, Recipe, recipe
from minigan.gans.register import register

__all__ = [
    "LOSSES", "PENALTIES", "RECIPES", "Batch", "Game", "Loss", "Players", "Recipe", "clip_weights", "gradient_penalty",
    "interpolate", "packed", "recipe", "register", "scored", "zero_centered_penalty",
]
