"""IV. The games: what each player minimises."""

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
