"""The door for rows of your own: a recipe, a loss, an f-divergence with all that follows from it."""

from typing import Any

from minigan.gans.losses.loss import Loss
from minigan.gans.losses.table import LOSSES, f_gan_losses
from minigan.gans.recipes import RECIPES, Recipe, f_gan_recipe, own_loss
from minigan.registry import Registry
from minigan.theory.family import DIVERGENCES
from minigan.theory.fdivergence import FDivergence


def register(row: Recipe | Loss | FDivergence, name: str | None = None) -> None:
    """Add a row to its table: whatever goes through the table, from ``minigan list`` to a study, then knows its name.

    A recipe and a divergence have names of their own; a loss is given one here. A recipe brings its loss, under its own
    name, if that has none yet. A divergence brings its losses f-NAME and f-NAME-ratio (the latter where f′ has a slope
    to learn by) and its recipe fgan-NAME.
    ValueError if a name is taken, and then nothing is added.

        >>> from minigan import GAN
        >>> from minigan.gans import LOSSES, Recipe, register
        >>> from minigan.theory.family import skew
        >>> register(Recipe("hinge-r1", "mine", "the hinge loss, flat on the data", "me, today", LOSSES["hinge"],
        ...                 {"critic_steps": 1, "penalty_kind": "r1"}))
        >>> register(LOSSES["lsgan"].with_constants(b=0.9), "lsgan-smooth")
        >>> register(skew(0.3))  # a row of the family: Huszár's JS_π
        >>> for name in ("hinge-r1", "fgan-js(0.3)"):
        ...     print(GAN(name, steps=2, evaluations=1).fit("ring8").sample(5).shape)
        (5, 2)
        (5, 2)
        >>> register(skew(0.3))
        Traceback (most recent call last):
        ValueError: there is a divergence 'js(0.3)' already: choose another name
    """
    new = _rows(row, name)
    for table, key, _ in new:
        table.refuse_taken(key)
    for table, key, value in new:
        table[key] = value


def _rows(row: Any, name: str | None) -> list[tuple[Registry, str, Any]]:
    """(its table, its name, the row) of all that is to be added."""
    if isinstance(row, Loss):
        if not name:
            raise ValueError("a loss has no name of its own: register(loss, name)")
        return [(LOSSES, name, row)]
    if not isinstance(row, Recipe | FDivergence):
        raise TypeError(f"a recipe, a loss or a divergence can be registered, not {row!r}")
    if name not in (None, row.name):
        raise ValueError(f"{row.name!r} has a name of its own and cannot be called {name!r}")
    if isinstance(row, Recipe):
        return [(RECIPES, row.name, row), *((LOSSES, key, loss) for key, loss in own_loss(row).items())]
    losses = f_gan_losses(row)
    game = f_gan_recipe(row, losses[f"f-{row.name}"])
    brought = ((LOSSES, key, loss) for key, loss in losses.items())
    return [(DIVERGENCES, row.name, row), *brought, (RECIPES, game.name, game)]
