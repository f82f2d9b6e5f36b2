"""How much memory a run takes, from below, so that one which cannot work is refused before anything is made.

Counted in numbers of the run's dtype, b = batch · pack samples a step, p parameters of a player, h units of its layers:

    parameters    4 p: they, their gradient, and what comes and goes; more for each slot, mean and average
    a step        3 b h of either player, 3 b h of the critic's more for each step that is unrolled
    its draws     b (latent + 2 dim) for each of up to AT_ONCE steps
    samples       n (latent + two layers + 6 dim): in one piece, and as float64 with their yardsticks
    minibatch     b² · kernels · 5: every pair of a batch, by its distance in each kernel
"""

import os
from itertools import pairwise
from typing import Any

from minigan.gans.game import Game
from minigan.lab.config import NAMES, Config
from minigan.lab.steps import AT_ONCE
from minigan.nets import OPTIMIZERS

# what makes a run large
SIZES = ("batch", "pack", "latent", "generator", "critic", "generators", "minibatch", "unroll", "classes", "samples")


def needed(config: Config, game: Game, seeds: int = 1) -> int:
    """Bytes that so many seeds, trained at once, take at least."""
    players = (game.generator, game.critic)
    b, dim = config.batch * config.pack, game.generator.sizes[-1]
    kept = 4 + len(OPTIMIZERS[config.optimizer].slots) + (config.history > 0) + (config.ema > 0)
    units = [sum(net.sizes) for net in players]
    steps = max(1, min(AT_ONCE, config.critic_steps))
    numbers = kept * sum(net.size for net in players)
    numbers += 3 * b * units[0] + 3 * config.batch * units[1] * (1 + config.unroll)
    numbers += steps * b * (game.generator.sizes[0] + 2 * dim)
    numbers += 5 * config.batch**2 * config.minibatch
    return _itemsize(config) * (seeds * numbers + _drawn(config.samples, game))


def needed_to_sample(config: Config, game: Game, n: int) -> int:
    """Bytes that n samples take, drawn in one piece."""
    return _itemsize(config) * _drawn(n, game)


def refuse(bytes_needed: int, what: str) -> None:
    """ValueError if this computer has not so many bytes; what asks for them."""
    has = physical()
    if bytes_needed > has:
        raise ValueError(f"{what} would take about {_gigabytes(bytes_needed)} of memory, "
                         f"and this computer has {_gigabytes(has)}")


def refuse_run(config: Config, game: Game, seeds: int = 1) -> None:
    """ValueError, naming the setting that is largest beside its default, for a run beyond this computer's memory."""
    name = max(SIZES, key=lambda name: _largest(getattr(config, name)) / max(1, _largest(NAMES[name].default)))
    refuse(needed(config, game, seeds), f"{name} = {getattr(config, name)!r}, with the other settings,")


def physical() -> int:
    """The bytes of memory of this computer; where it does not tell, more than most have."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not POSIX
        return 2**40


def _drawn(n: int, game: Game) -> int:
    sizes = game.generator.sizes
    return n * (sizes[0] + max(m + k for m, k in pairwise(sizes)) + 6 * sizes[-1])


def _itemsize(config: Config) -> int:
    return 8 if config.dtype == "float64" else 4


def _largest(value: Any) -> int:
    return max(value, default=1) if isinstance(value, tuple) else value


def _gigabytes(n: int) -> str:
    return f"{n / 1e9:,.3g} GB" if n < 1e15 else f"{n / 1e9:.1e} GB"
