"""A system is a row: a loss, and the settings that make it what it is and work on toys.

The code that trains does not ask which row it has: a stabiliser that a row does not name is at a value that
does nothing. A row of your own: ``register.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from minigan.gans.losses import LOSSES, Loss
from minigan.registry import Registry, choose
from minigan.theory.family import DIVERGENCES, JEFFREYS, KL, NEYMAN
from minigan.theory.fdivergence import FDivergence


@dataclass(frozen=True)
class Recipe:
    """A row. ``settings``: what it changes of the configuration's defaults.

    ``shows``: what the ring of 8 looks like after them, if the recipe does not learn it; "" if it does: all modes
    solid and above 80 % high quality, for most seeds. Measured in ``docs/comparison.md``, "At the full budget".
    """

    name: str
    group: str  # where `minigan list` puts it
    summary: str
    source: str
    loss: Loss
    settings: Mapping[str, Any] = field(default_factory=dict)
    shows: str = ""


# One critic step a generator step, as a discriminator is trained
ONE_STEP = {"critic_steps": 1, "lr_critic": 1e-3, "lr_generator": 1e-3}
FAST_CRITIC = {"critic_steps": 1}  # at the defaults' learning rates, which a penalised critic bears
# flat on the data: a critic that nothing holds grows ever steeper, and its generator leaves modes out or runs away
HELD = ONE_STEP | {"penalty_kind": "r1"}
EXPONENTIAL = (KL, JEFFREYS, NEYMAN)  # in e^±v a few points outweigh all others: some seeds ran away at γ = 0.1
AUTOENCODER = FAST_CRITIC | {"penalty_kind": "r1", "penalty": 1.0, "critic": (64, 8, 64), "pretrain": 500}
TWO_SIDED = {"penalty_kind": "two-sided"}
ORIGINAL, OTHER_LOSSES = "the original game", "other losses"
F_GANS, LIPSCHITZ, STABILISED, OTHER_MODELS = "f-GANs", "a Lipschitz critic", "stabilised GANs", "other models"
_LOGISTIC = LOSSES["non-saturating"]


def own_loss(row: Recipe) -> dict[str, Loss]:
    """The loss of a recipe under the recipe's name, unless it has a name already: one row then brings both."""
    return {} if any(row.loss is loss for loss in LOSSES.values()) else {row.name: row.loss}


def f_gan_recipe(f: FDivergence, loss: Loss) -> Recipe:
    """The f-GAN of a divergence. Its critic tends to f′(p/q), which has no bound or is a step: R1 holds it."""
    return Recipe(f"fgan-{f.name}", F_GANS, f"the f-GAN of f(u) = {f.summary}", "Nowozin et al. (2016)", loss,
                  HELD | ({"penalty": 1.0} if f in EXPONENTIAL else {}))


RECIPES: Registry[Recipe] = Registry("recipe", {
    row.name: row
    for row in [
        Recipe("gan", ORIGINAL, "the original GAN with the non-saturating generator loss −E log D(G(z))",
               "Goodfellow et al. (2014)", _LOGISTIC, ONE_STEP,
               shows="leaves out a mode for 2 of 4 seeds; 89 to 96 % high quality"),
        Recipe("gan-minimax", ORIGINAL,
               "the original GAN as a minimax game: the generator minimises E log(1 − D(G(z)))",
               "Goodfellow et al. (2014), eq. 1", LOSSES["minimax"], ONE_STEP,
               shows="leaves out one to three modes for 2 of 4 seeds; 72 to 89 % high quality"),

        *(f_gan_recipe(f, LOSSES[f"f-{name}"]) for name, f in DIVERGENCES.items()),

        Recipe("lsgan", OTHER_LOSSES, "least squares: ½ E (D(x) − 1)² + ½ E D(G(z))², generator ½ E (D(G(z)) − 1)²",
               "Mao et al. (2017), eq. 9", LOSSES["lsgan"], HELD),
        Recipe("lsgan-pearson", OTHER_LOSSES,
               "least squares with a = −1, b = 1, c = 0: Pearson's χ² at the best critic",
               "Mao et al. (2017), eq. 8", LOSSES["lsgan-pearson"], FAST_CRITIC | {"penalty_kind": "r1"},
               shows="five or six of the eight modes, at 78 to 92 % high quality"),
        Recipe("hinge", OTHER_LOSSES, "E max(0, 1 − f(x)) + E max(0, 1 + f(G(z))), generator −E f(G(z))",
               "Lim & Ye (2017), eq. 12 and 13", LOSSES["hinge"], HELD),
        Recipe("ebgan", OTHER_LOSSES, "an autoencoder's error as an energy: E D(x) + E max(0, m − D(G(z)))",
               "Zhao et al. (2017), eq. 1 and 2", LOSSES["ebgan"], AUTOENCODER),
        Recipe("ebgan-pt", OTHER_LOSSES, "the same with a pull-away term: the codes of a batch shall not be parallel",
               "Zhao et al. (2017), section 2.4", LOSSES["ebgan-pt"], AUTOENCODER),
        Recipe("ls-gan", OTHER_LOSSES, "loss-sensitive: a fake's loss exceeds the datum's by a margin, their distance",
               "Qi (2020), LS-GAN", LOSSES["ls-gan"], ONE_STEP,
               shows="two modes at most, blurred: 3 to 11 % high quality"),
        Recipe("gls-gan", OTHER_LOSSES, "loss-sensitive with a leak: between LS-GAN (slope 0) and WGAN (slope 1)",
               "Qi (2020), GLS-GAN", LOSSES["gls-gan"], TWO_SIDED),
        Recipe("relativistic", OTHER_LOSSES, "is this datum more real than that fake? −E log σ(s(x) − s(G(z)))",
               "Jolicoeur-Martineau (2019), section 4.1", LOSSES["relativistic"], HELD),
        Recipe("relativistic-average", OTHER_LOSSES, "is this datum more real than the average fake?",
               "Jolicoeur-Martineau (2019), section 4.2", LOSSES["relativistic-average"], HELD),
        Recipe("semi-supervised", OTHER_LOSSES, "K classes and a fake one: D = Z/(Z + 1), Z = Σ exp(logits)",
               "Salimans et al. (2016), section 5", LOSSES["semi-supervised"], HELD | {"labelled": 0.1}),

        Recipe("wgan", LIPSCHITZ, "Wasserstein GAN, the critic's weights clipped to [−c, c]",
               "Arjovsky et al. (2017), algorithm 1", LOSSES["wasserstein"],
               {"clip": 0.1, "optimizer": "rmsprop", "lr_critic": 1e-3, "lr_generator": 1e-3, "burst": 100}),
        Recipe("wgan-gp", LIPSCHITZ, "Wasserstein GAN with the gradient penalty λ E (‖∇f(x̂)‖ − 1)²",
               "Gulrajani et al. (2017), algorithm 1", LOSSES["wasserstein"], TWO_SIDED),
        Recipe("wgan-lp", LIPSCHITZ, "the same, one-sided: λ E max(0, ‖∇f(x̂)‖ − 1)² leaves slopes below 1 alone",
               "Petzka et al. (2018), eq. 9", LOSSES["wasserstein"], {"penalty_kind": "one-sided"}),
        Recipe("sn-wgan", LIPSCHITZ, "Wasserstein GAN whose critic is 1-Lipschitz by spectral normalisation: W/σ(W)",
               "Miyato et al. (2018)", LOSSES["wasserstein"], {"spectral_norm": 1.0}),
        Recipe("sn-gan", LIPSCHITZ, "the hinge loss with a spectrally normalised critic",
               "Miyato et al. (2018), eq. 16 and 17", LOSSES["hinge"], {"spectral_norm": 20.0}),
        Recipe("dragan", LIPSCHITZ, "a GAN whose critic's slope is kept near 1 around the data",
               "Kodali et al. (2017)", _LOGISTIC, ONE_STEP | {"penalty_kind": "dragan", "penalty": 1.0}),
        Recipe("r1", LIPSCHITZ, "a GAN whose critic is kept flat on the data: ½γ E ‖∇s(x)‖²",
               "Mescheder et al. (2018), eq. 9", _LOGISTIC, FAST_CRITIC | {"penalty_kind": "r1"}),
        Recipe("r2", LIPSCHITZ, "a GAN whose critic is kept flat on the fakes: ½γ E ‖∇s(G(z))‖²",
               "Mescheder et al. (2018), eq. 10", _LOGISTIC, FAST_CRITIC | {"penalty_kind": "r2"}),

        Recipe("feature-matching", STABILISED, "the generator matches the mean of the critic's features",
               "Salimans et al. (2016), section 3.1", LOSSES["feature-matching"], ONE_STEP,
               shows="five to seven modes, blurred: 32 to 52 % high quality"),
        Recipe("minibatch", STABILISED, "minibatch discrimination: the critic sees how alike a batch is",
               "Salimans et al. (2016), section 3.2", _LOGISTIC, ONE_STEP | {"minibatch": 16},
               shows="six of eight modes, 61 % high quality after 3,000 steps; after more not measured: they are slow"),
        Recipe("historical", STABILISED, "historical averaging: λ‖θ − θ̄‖², θ̄ the mean of the past, for both players",
               "Salimans et al. (2016), section 3.3", _LOGISTIC, HELD | {"history": 1e-3}),
        Recipe("label-smoothing", STABILISED, "one-sided label smoothing: the real label is 1 − α",
               "Salimans et al. (2016), section 3.4", _LOGISTIC, ONE_STEP | {"smoothing": 0.1}),
        Recipe("virtual-batch-norm", STABILISED, "normalised by a fixed reference batch, in both players",
               "Salimans et al. (2016), section 3.5", _LOGISTIC,
               FAST_CRITIC | {"penalty_kind": "r1", "generator_norm": "virtual", "critic_norm": "virtual"}),
        # not in the critic, from which it would hide where the batch lies: its mean is subtracted in the first layer
        Recipe("batch-norm", STABILISED, "batch normalisation in the generator",
               "Ioffe & Szegedy (2015); Radford et al. (2016)", _LOGISTIC,
               {"critic_steps": 1, "lr_critic": 5e-3, "lr_generator": 5e-3, "penalty_kind": "r1",
                "generator_norm": "batch"}),
        Recipe("layer-norm", STABILISED, "layer normalisation in the critic, which a gradient penalty allows",
               "Ba et al. (2016); Gulrajani et al. (2017), section 4", LOSSES["wasserstein"],
               TWO_SIDED | {"critic_norm": "layer"},
               shows="no mode, W₁ 2 to 5: a normalised first layer tells in which direction a point lies, not how far"),
        Recipe("instance-noise", STABILISED, "noise on the data and on the fakes, fading: the supports overlap",
               "Sønderby et al. (2017); Arjovsky & Bottou (2017)", _LOGISTIC,
               FAST_CRITIC | {"penalty_kind": "r1", "instance_noise": 0.5}),
        Recipe("packing", STABILISED, "PacGAN: the critic judges packs of samples, and sees that they lack variety",
               "Lin et al. (2018)", _LOGISTIC, ONE_STEP | {"pack": 2}),
        Recipe("ema", STABILISED, "samples come from an exponential moving average of the generator",
               "Yazıcı et al. (2019)", _LOGISTIC, ONE_STEP | {"ema": 0.999},
               shows="what `gan` does: it leaves out a mode for 2 of 4 seeds; 89 to 96 % high quality"),
        Recipe("unrolled", STABILISED, "the generator looks k critic steps ahead, and differentiates through them",
               "Metz et al. (2017)", LOSSES["zero-sum"], ONE_STEP | {"unroll": 5},
               shows="all eight modes; 76 to 91 % high quality, above 80 % for 2 of 4 seeds"),
        Recipe("consensus", STABILISED, "both players also minimise ½γ‖v‖², v the velocity of both",
               "Mescheder et al. (2017)", _LOGISTIC,
               ONE_STEP | {"consensus": 0.01, "update": "simultaneous", "activation": "tanh", "lr_critic": 5e-4,
                           "lr_generator": 5e-4},
               shows="all eight modes, blurred: 71 to 78 % high quality"),
        Recipe("extragradient", STABILISED, "each step is taken along the gradient a step ahead",
               "Gidel et al. (2019)", _LOGISTIC, ONE_STEP | {"update": "extragradient"},
               shows="leaves out one or two modes for 2 of 4 seeds; 83 to 94 % high quality"),
        Recipe("optimistic", STABILISED, "each step adds the change of the gradient since the last one",
               "Daskalakis et al. (2018)", _LOGISTIC, ONE_STEP
               | {"optimizer": "optimistic-adam", "update": "simultaneous"},
               shows="leaves out one or two modes for 2 of 4 seeds; 86 to 94 % high quality"),
        Recipe("ttur", STABILISED, "two time scales: the critic learns faster than the generator",
               "Heusel et al. (2017)", _LOGISTIC, ONE_STEP | {"lr_critic": 2e-3, "lr_generator": 5e-4},
               shows="leaves out one to three modes for 3 of 4 seeds; 75 to 93 % high quality"),

        Recipe("imle", OTHER_MODELS, "implicit maximum likelihood: every datum has a near sample; no critic",
               "Li & Malik (2018), algorithm 1", LOSSES["imle"], {"critic_steps": 0, "lr_generator": 3e-3},
               shows="all eight modes, and samples between them: 75 to 81 % high quality"),
        Recipe("mle", OTHER_MODELS, "one Gaussian by maximum likelihood, KL(P‖Q): it matches the moments; no critic",
               "`weng`; Bishop (2006), section 10.1.2", LOSSES["mle"],
               ONE_STEP | {"critic_steps": 0, "model": "gaussian"},
               shows="one Gaussian over the whole ring: no mode, 0 % high quality"),
        Recipe("reverse-kl", OTHER_MODELS, "one Gaussian by KL(Q‖P): it locks onto one mode; no critic",
               "`weng`; Bishop (2006), section 10.1.2", LOSSES["reverse-kl"],
               ONE_STEP | {"critic_steps": 0, "model": "gaussian"},
               shows="one Gaussian on one of the eight modes, at 99 % high quality"),
        Recipe("ensemble", OTHER_MODELS, "a mixture of generators against one critic",
               "Hoang et al. (2018), without the classifier", _LOGISTIC, ONE_STEP | {"generators": 4}),
    ]
})

for _row in RECIPES.values():
    LOSSES.update(own_loss(_row))


def recipe(name: str) -> Recipe:
    """The row of that name; ValueError, with the nearest name, if there is none."""
    return choose(name, RECIPES, "recipe")
