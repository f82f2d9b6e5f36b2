"""Named configurations: what a paper (or its public code) trained, and ours for the comparison of collapse and cure.

A number belongs to a configuration: the same "GAN" finds 1 mode of 8 in one published table and 6.3 in another.
So the published numbers stand here beside the configurations that they belong to, and every setting is stated.
Over one another, the later one wins: the defaults, the recipe's settings, the preset's, the preset's for
that method, the preset's ``quick`` ones where they are asked for, and what the user gives.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from minigan.gans.recipes import RECIPES
from minigan.lab.config import Config, configure
from minigan.registry import Registry, choose


@dataclass(frozen=True)
class Preset:
    """A row. ``methods``: what it changes for one method alone; a method is a recipe, or a variant of one.

    A variant has a name of its own and says ``recipe=...`` among its settings: ``"packing-3": {"recipe":
    "packing", "pack": 3}``. ``recipes``, ``seeds``: what a comparison takes unless told otherwise;
    ``quick``, ``quick_seeds``: a reduced budget, to look and not to quote.
    """

    name: str
    summary: str
    source: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    methods: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recipes: tuple[str, ...] = ()
    seeds: int = 10
    quick: Mapping[str, Any] = field(default_factory=dict)
    quick_seeds: int = 4
    reduced: str = ""  # how it is smaller than what it is modelled on; "": it is not

    @property
    def known(self) -> Mapping[str, Any]:
        """The names of methods: every recipe, and the variants of this preset."""
        return {**RECIPES, **self.methods}

    def configure(self, method: str, quick: bool = False, **given: Any) -> Config:
        """All settings of a method. ValueError, with the nearest name, for one that is not known.

        What the method does not read is let pass, given or not: one call may be for several methods.
        """
        choose(method, self.known, "recipe")
        own = {"recipe": method, **self.methods.get(method, {})}
        settings = {**self.settings, **own, **(self.quick if quick else {}), **given}
        return configure(settings.pop("recipe"), settings)


_COMPARED = ("gan", "unrolled", "packing", "wgan-gp", "sn-gan", "r1")
_WGAN = {"optimizer": "rmsprop", "lr_critic": 5e-5, "lr_generator": 5e-5, "clip": 0.01, "critic_steps": 5}
_RAW = {"standardize": "none", "schedule": "constant"}  # no published set-up here does either

PRESETS: Registry[Preset] = Registry("preset", {
    row.name: row
    for row in [
        Preset(
            "own", "each recipe with settings of its own, those of `minigan train`", "",
            recipes=("gan", "unrolled", "wgan", "wgan-gp", "sn-gan"),
            quick={"steps": 2_000, "evaluations": 10},
        ),
        Preset(
            "everything", "every recipe on the ring, with settings of its own and a short budget: to see them side by "
            "side, not to rank them", "",
            {"data": "ring8", "steps": 3_000, "evaluations": 1}, recipes=tuple(RECIPES),
            quick={"steps": 300}, quick_seeds=2, reduced="3,000 steps for the 30,000 of `minigan train`",
        ),
        Preset(
            "collapse", "the ring on which the plain GAN collapses, and five repairs: the same networks, data, batch "
            "and generator steps; the critic's steps and its control are each method's own",
            "after Metz et al. (2017), public notebook",
            {"data": "ring8-unit", "generator": (64, 64), "critic": (64, 64), "activation": "tanh",
             "init": "he", "gain": 1.0, "latent": 16, "batch": 128, "steps": 15_000, "evaluations": 20,
             "optimizer": "adam", "beta1": 0.5, "beta2": 0.99, "lr_critic": 2e-3, "lr_generator": 2e-3,
             "schedule": "linear", "critic_steps": 1, "standardize": "none"},
            {"packing": {"pack": 2}, "wgan-gp": {"critic_steps": 5, "penalty": 0.1},
             "sn-gan": {"critic_steps": 5, "spectral_norm": 20.0}, "r1": {"penalty": 1.0}},
            recipes=_COMPARED, quick={"steps": 6_000, "evaluations": 6},
            reduced="networks of 64 for 128, z of 16 for 256, batch 128 for 512, 15,000 steps for 25,000",
        ),
        Preset(
            "gan-toy", "WGAN-GP and clipping on the ring, the grid and the roll: 3 layers of 512",
            "Gulrajani et al. (2017), gan_toy.py",
            {"data": "ring8", "generator": (512, 512, 512), "critic": (512, 512, 512), "activation": "relu",
             "init": "he", "gain": 1.0, "latent": 2, "batch": 256, "steps": 100_000, "critic_steps": 5, **_RAW},
            {"wgan-gp": {"penalty": 0.1, "optimizer": "adam", "beta1": 0.5, "beta2": 0.9,
                         "lr_critic": 1e-4, "lr_generator": 1e-4},
             # TensorFlow's RMSProp forgets with .9, PyTorch's with .99
             "wgan": {**_WGAN, "alpha": 0.9, "burst": 0}},
            recipes=("wgan-gp", "wgan"), seeds=10, quick={"steps": 200, "evaluations": 2}, quick_seeds=2,
        ),
        Preset(
            "unrolled-notebook", "the unrolled GAN's demonstration: a minimax game on the ring, 0 and 5 steps unrolled",
            "Metz et al. (2017), public notebook (its ring of 8 repeats a mode; ours has 8)",
            {"data": "ring8-unit", "generator": (128, 128), "critic": (128, 128), "activation": "tanh",
             "init": "orthogonal", "gain": 1.4, "latent": 256, "batch": 512, "steps": 25_000, "critic_steps": 1,
             "optimizer": "adam", "beta1": 0.5, "beta2": 0.999, "lr_critic": 1e-4, "lr_generator": 1e-3, **_RAW},
            {"unrolled": {"unroll": 5, "unroll_optimizer": "same"}},
            recipes=("gan-minimax", "unrolled"), quick={"steps": 300, "evaluations": 3}, quick_seeds=2,
        ),
        Preset(
            "pacgan-synthetic", "the ring and the grid of VEEGAN's and PacGAN's tables, packs of 1 to 4; a maxout "
            "critic, batch norm in the generator",
            "Lin et al. (2018, PacGAN), public code; after Srivastava et al. (2017, VEEGAN)",
            {"data": "ring8-unit", "generator": (400,) * 4, "generator_norm": "batch", "activation": "relu",
             "critic": (200,) * 3, "critic_activation": "maxout", "init": "normal", "gain": 0.02, "latent": 2,
             "batch": 100, "steps": 400_000, "critic_steps": 1, "update": "simultaneous",  # 400 times 100,000 points
             "optimizer": "adam", "beta1": 0.8, "beta2": 0.999, "lr_critic": 1e-4, "lr_generator": 1e-4, **_RAW},
            {f"packing-{m}": {"recipe": "packing", "pack": m} for m in (2, 3, 4)}
            | {"unrolled": {"update": "alternating"}},
            recipes=("gan", "packing-2", "packing-3", "packing-4"),
            quick={"steps": 200, "evaluations": 2}, quick_seeds=2,
        ),
        Preset(
            "wgan-paper", "clipping as first published: optimiser, clipping, batch and bursts of critic steps; "
            "networks ours, as theirs draw images", "Arjovsky et al. (2017), algorithm 1 and public code",
            {"data": "ring8", **_WGAN, "alpha": 0.99, "burst": 100, "batch": 64, **_RAW},
            recipes=("wgan",), quick={"steps": 1_000, "evaluations": 5},
        ),
    ]
})


def preset(name: str) -> Preset:
    """The row of that name; ValueError, with the nearest name, if there is none."""
    return choose(name, PRESETS, "preset")


class Published(NamedTuple):
    """A row of a published table: means over its runs, ± as printed there. Quality in [0, 1], KL in nats."""

    modes_found: float
    high_quality: float
    reverse_kl: float | None = None  # of the samples within 3σ alone: see metrics.reverse_kl
    error: tuple[float, ...] = ()  # of modes found and of the KL, where they are printed


class Table(NamedTuple):
    """A published table: 2,500 samples a run; rows by data set and by our name of the method."""

    source: str
    runs: int
    presets: tuple[str, ...]  # which of ours are its configuration
    rows: Mapping[str, Mapping[str, Published]]


PUBLISHED: dict[str, Table] = {
    # PacGAN's section 4.1 takes over this set-up, and its GAN differs: one more reason to name configurations
    "VEEGAN": Table("Srivastava et al. (2017, VEEGAN), table 1", 5, ("pacgan-synthetic",), {
        "ring8-unit": {
            "gan": Published(1, 0.993), "ali": Published(2.8, 0.0013), "unrolled": Published(7.6, 0.356),
            "veegan": Published(8, 0.529),
        },
        "grid25-wide": {
            "gan": Published(3.3, 0.005), "ali": Published(15.8, 0.016), "unrolled": Published(23.6, 0.16),
            "veegan": Published(24.6, 0.40),
        },
    }),
    "PacGAN": Table("Lin et al. (2018, PacGAN), table 1", 10, ("pacgan-synthetic",), {
        "ring8-unit": {
            "gan": Published(6.3, 0.982, 0.45, (0.5, 0.09)), "ali": Published(6.6, 0.976, 0.36),
            "packing-2": Published(7.9, 0.956, 0.07), "packing-3": Published(7.8, 0.977, 0.10),
            "packing-4": Published(7.8, 0.959, 0.07),
        },
        "grid25-wide": {
            "gan": Published(17.3, 0.948, 0.70, (0.8, 0.07)), "ali": Published(24.1, 0.957, 0.14),
            "packing-2": Published(23.8, 0.913, 0.13), "packing-3": Published(24.6, 0.942, 0.06),
            "packing-4": Published(24.8, 0.936, 0.04),
        },
    }),
}


def published(name: str, data: str) -> dict[str, Mapping[str, Published]]:
    """The rows, by table, that were published for the configuration of a preset on a data set."""
    return {title: table.rows[data] for title, table in PUBLISHED.items()
            if name in table.presets and data in table.rows}
