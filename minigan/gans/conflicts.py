"""Which settings contradict each other, and which do nothing beside the others, and why: a row each.

Any stabiliser goes with any loss where that means something; where it does not, the combination is
refused with the reason, before anything is computed. So is a setting that somebody gives and nothing reads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minigan.gans.losses import Loss
from minigan.nets import NORMS, OPTIMIZERS


@dataclass(frozen=True)
class Conflict:
    """A row: refused when ``holds`` of (settings, loss)."""

    holds: Callable[[Any, Loss], bool]
    reason: str


def couples_samples(c: Any) -> bool:
    """Whether the critic's score of a sample depends on the others of its batch."""
    return NORMS[c.critic_norm].couples_samples or c.minibatch > 0


def is_penalised(c: Any) -> bool:
    return c.penalty_kind != "none" and c.penalty > 0


def is_kept_lipschitz(c: Any) -> bool:
    return is_penalised(c) or c.clip > 0 or c.spectral_norm > 0


def needs_a_spread(c: Any) -> bool:
    """Whether anything compares the samples of one batch."""
    return couples_samples(c) or "virtual" in (c.critic_norm, c.generator_norm)


def asks_for_a_critic(c: Any) -> bool:
    return any(getattr(c, name) != silent for name, silent in OF_THE_CRITIC.items())


# settings that speak of the critic, and what they are when they say nothing
OF_THE_CRITIC = {
    "penalty_kind": "none", "clip": 0.0, "spectral_norm": 0.0, "critic_norm": "none", "minibatch": 0, "pack": 1,
    "instance_noise": 0.0, "unroll": 0, "consensus": 0.0, "update": "alternating", "pretrain": 0, "critic_steps": 0,
    "burst": 0,
}

CONFLICTS = [
    Conflict(lambda c, loss: couples_samples(c) and is_penalised(c),
             "a gradient penalty needs each score to depend on its own sample alone, and batch norm or minibatch "
             "discrimination in the critic ties the batch together: use critic_norm = layer or virtual"),
    Conflict(lambda c, loss: c.clip > 0 and c.spectral_norm > 0,
             "spectral norm divides each weight by its norm, so clipping it changes nothing but the rounding: "
             "choose one of clip and spectral_norm"),
    Conflict(lambda c, loss: c.spectral_norm > 0 and c.critic_norm != "none",
             "a norm layer rescales its input by its own spread, and so undoes the bound that spectral norm gives"),
    Conflict(lambda c, loss: loss.unbounded and not is_kept_lipschitz(c),
             "this critic's loss has no lower bound unless the critic is kept Lipschitz: "
             "choose a penalty_kind (with penalty > 0), clip > 0 or spectral_norm"),
    Conflict(lambda c, loss: c.smoothing > 0 and "smoothing" not in loss.constants,
             "label smoothing needs a loss whose real label is a probability (the logistic ones)"),
    Conflict(lambda c, loss: c.labelled > 0 and loss.head.name != "classes",
             "labels need a critic of K classes: the recipe semi-supervised"),
    Conflict(lambda c, loss: c.labelled > 1, "labelled is a share of the data, 1 at most"),
    Conflict(lambda c, loss: c.pack > 1 and loss.head.name == "classes",
             "a pack of samples has no one class"),
    Conflict(lambda c, loss: c.pretrain > 0 and loss.pretrain is None,
             "this loss has nothing to learn from real data alone (pretrain is EBGAN's)"),
    Conflict(lambda c, loss: loss.critic is None and asks_for_a_critic(c),
             f"this system has no critic: leave alone {', '.join(OF_THE_CRITIC)}"),
    Conflict(lambda c, loss: loss.critic is not None and c.critic_steps < 1,
             "critic_steps must be at least 1, or the critic never learns"),
    Conflict(lambda c, loss: c.update != "alternating" and c.critic_steps > 1,
             "in simultaneous and extra-gradient steps both players move at once: critic_steps must be 1"),
    Conflict(lambda c, loss: c.update != "alternating" and (c.unroll > 0 or c.burst > 1),
             "unrolling and bursts of critic steps belong to alternating updates"),
    Conflict(lambda c, loss: c.unroll > 0 and c.consensus > 0,
             "unrolling looks ahead along the critic's plain steps, and under consensus the critic takes others"),
    Conflict(lambda c, loss: c.update == "extragradient" and c.optimizer.startswith("optimistic"),
             "an optimistic optimiser stands in for extra-gradient's step ahead: choose one of the two"),
    Conflict(lambda c, loss: loss.explicit and c.model != "gaussian",
             "this loss needs a generator whose density is known: model = gaussian"),
    Conflict(lambda c, loss: c.model == "gaussian" and (c.generators > 1 or c.generator_norm != "none"),
             "the Gaussian model is one affine map, without layers to normalise or copies to mix"),
    Conflict(lambda c, loss: c.batch * c.pack % c.generators != 0,
             "the generators of an ensemble make equal shares: batch · pack must be a multiple of generators"),
    Conflict(lambda c, loss: c.batch < 2 and needs_a_spread(c),
             "a batch of one has no spread: batch norm, virtual or not, and minibatch discrimination need batch ≥ 2"),
    Conflict(lambda c, loss: c.generator_norm == "batch" and c.batch * c.pack < 2 * c.generators,
             "a batch of one has no spread: batch norm needs two samples or more of each generator"),
    Conflict(lambda c, loss: c.critic_norm == "virtual" and c.minibatch > 0,
             "virtual batch norm frees a sample of its batch, and minibatch discrimination ties it to it again"),
]


def refuse(settings: Any, loss: Loss) -> None:
    """ValueError with the reason if the settings contradict each other or the loss."""
    for conflict in CONFLICTS:
        if conflict.holds(settings, loss):
            raise ValueError(conflict.reason)


@dataclass(frozen=True)
class Unread:
    """A row: nothing reads these settings unless ``read`` of (settings, loss)."""

    names: tuple[str, ...]
    read: Callable[[Any, Loss], bool]
    reason: str


def _of_optimizers(name: str) -> Unread:
    having = " and ".join(key for key, row in OPTIMIZERS.items() if name in row.settings)
    return Unread((name,), lambda c, loss: name in OPTIMIZERS[c.optimizer].settings, f"it is a number of {having}")


def _activates(c: Any, loss: Loss) -> bool:
    """Whether any hidden layer has the common activation."""
    in_critic = loss.critic is not None and c.critic_activation == "same" and len(c.critic) > 0
    return in_critic or (c.model == "mlp" and len(c.generator) > 0)


# device_rng is none of them: on the cpu, too, it draws other numbers
UNREAD = [
    *(_of_optimizers(name) for name in dict.fromkeys(name for row in OPTIMIZERS.values() for name in row.settings)),
    Unread(("lr_critic", "critic"), lambda c, loss: loss.critic is not None, "this system has no critic"),
    Unread(("critic_activation",), lambda c, loss: loss.critic is not None and len(c.critic) > 0,
           "there is no critic with hidden layers"),
    Unread(("burst",), lambda c, loss: c.burst == 0 or c.burst > c.critic_steps,
           "a burst is of more steps than critic_steps"),
    Unread(("generator", "latent"), lambda c, loss: c.model == "mlp",
           "the Gaussian model has no layers, and noise of the data's own dimension"),
    Unread(("init",), lambda c, loss: c.model == "mlp" or loss.critic is not None,
           "the Gaussian model has no layers to start"),
    Unread(("activation",), _activates, "no hidden layer asks for it"),
    Unread(("generator_norm",), lambda c, loss: len(c.generator) > 0, "the generator has no hidden layers"),
    Unread(("critic_norm",), lambda c, loss: len(c.critic) > 0, "the critic has no hidden layers"),
    Unread(("penalty_kind",), lambda c, loss: c.penalty > 0, "penalty = 0 leaves the gradient penalty out"),
    Unread(("penalty",), lambda c, loss: c.penalty_kind != "none",
           "there is no gradient penalty to weigh: choose a penalty_kind"),
    Unread(("noise_schedule",), lambda c, loss: c.instance_noise > 0, "there is no instance_noise to fall"),
    Unread(("unroll_optimizer", "unroll_rate"), lambda c, loss: c.unroll > 0, "no step is unrolled (unroll = 0)"),
    Unread(("classes",), lambda c, loss: loss.head.name == "classes",
           "it is for a critic of K classes: the recipe semi-supervised"),
]


def unread(settings: Any, loss: Loss) -> dict[str, str]:
    """The settings that nothing reads beside the others and the loss, each with the reason."""
    return {name: row.reason for row in UNREAD if not row.read(settings, loss) for name in row.names}
