"""Every refusal has its reason, every neighbour of one is allowed, and what is allowed runs."""

from itertools import product

import numpy as np
import pytest

from minigan.gans import LOSSES, RECIPES, Recipe
from minigan.gans.conflicts import CONFLICTS, UNREAD, unread
from minigan.lab.config import NAMES, configure, read_settings
from minigan.lab.train import Training
from tests.gans.tiny import DATA, TINY
from tests.selection import slow_but

# (recipe, settings, words of the reason, what is allowed beside it)
REFUSED = [
    ("wgan-gp", {"critic_norm": "batch"}, "ties the batch together", {"critic_norm": "layer"}),
    ("wgan-gp", {"minibatch": 4}, "ties the batch together", {"critic_norm": "virtual"}),
    ("r1", {"critic_norm": "batch"}, "ties the batch together", {"critic_norm": "batch", "penalty": 0.0}),
    ("sn-gan", {"clip": 0.1}, "choose one of clip and spectral_norm", {"clip": 0.1, "spectral_norm": 0.0}),
    ("sn-gan", {"critic_norm": "layer"}, "undoes the bound", {"generator_norm": "batch"}),
    ("sn-gan", {"critic_norm": "virtual"}, "undoes the bound", {"critic_norm": "virtual", "spectral_norm": 0.0}),
    ("wgan", {"clip": 0.0}, "no lower bound", {"clip": 0.0, "penalty_kind": "one-sided"}),
    ("wgan-gp", {"penalty": 0.0}, "no lower bound", {"penalty": 0.0, "spectral_norm": 1.0}),
    ("gls-gan", {"penalty_kind": "none"}, "no lower bound", {"penalty_kind": "none", "clip": 0.1}),
    ("hinge", {"smoothing": 0.1}, "label is a probability", {}),
    ("lsgan", {"smoothing": 0.1}, "label is a probability", {"constants": ("b=0.9",)}),
    ("gan", {"labelled": 0.1}, "critic of K classes", {"labelled": 0.0}),
    ("semi-supervised", {"pack": 2}, "no one class", {"pack": 1, "smoothing": 0.1}),
    ("gan", {"pretrain": 1}, "EBGAN's", {"pretrain": 0}),
    ("imle", {"critic_steps": 1}, "no critic", {"history": 0.1, "ema": 0.9}),
    ("imle", {"burst": 3}, "no critic", {"generators": 2}),
    ("mle", {"instance_noise": 0.1}, "no critic", {"history": 0.1}),
    ("imle", {"update": "simultaneous"}, "no critic", {"optimizer": "sgd"}),
    ("gan", {"critic_steps": 0}, "never learns", {"critic_steps": 2}),
    ("gan", {"update": "simultaneous", "critic_steps": 2}, "move at once", {"update": "simultaneous"}),
    ("wgan-gp", {"update": "extragradient"}, "move at once", {"update": "extragradient", "critic_steps": 1}),
    ("unrolled", {"update": "simultaneous"}, "belong to alternating", {"pack": 2}),
    ("wgan", {"update": "simultaneous", "critic_steps": 1}, "belong to alternating", {"update": "simultaneous",
                                                                                      "critic_steps": 1, "burst": 0}),
    ("unrolled", {"consensus": 0.1}, "the critic takes others", {"history": 0.1}),
    ("extragradient", {"optimizer": "optimistic-adam"}, "choose one of the two", {"optimizer": "rmsprop"}),
    ("optimistic", {"update": "extragradient"}, "choose one of the two", {"update": "alternating"}),
    ("mle", {"model": "mlp"}, "density is known", {}),
    ("reverse-kl", {"model": "mlp"}, "density is known", {}),
    ("mle", {"generators": 2}, "one affine map", {"generators": 1}),
    ("gan", {"model": "gaussian", "generator_norm": "batch"}, "one affine map", {"model": "gaussian"}),
    ("ensemble", {"generators": 3}, "equal shares", {"generators": 3, "batch": 6}),
    ("ensemble", {"generators": 8}, "equal shares", {"generators": 8, "pack": 2}),
    ("gan", {"batch": 1, "critic_norm": "batch"}, "no spread", {"batch": 1, "critic_norm": "layer"}),
    ("gan", {"batch": 1, "critic_norm": "virtual"}, "no spread", {"batch": 2, "critic_norm": "virtual"}),
    ("gan", {"batch": 1, "minibatch": 3}, "no spread", {"batch": 2, "minibatch": 3}),
    ("batch-norm", {"generators": 4}, "of each generator", {"generators": 2}),
    ("batch-norm", {"batch": 1}, "of each generator", {"batch": 1, "pack": 2}),
    ("semi-supervised", {"labelled": 1.5}, "1 at most", {"labelled": 1.0}),
    ("virtual-batch-norm", {"minibatch": 3, "penalty_kind": "none"}, "ties it to it again",
     {"minibatch": 0, "penalty_kind": "none"}),
]
FEWER = {"pretrain": 2, "unroll": 2, "burst": 2}


def tiny(name: str) -> dict:
    return TINY | {"dtype": "float32"} | {k: n for k, n in FEWER.items() if RECIPES[name].settings.get(k)}


def two_steps(name: str, settings: dict) -> None:
    """Recorded, from the start; everything stays finite."""
    run = Training(configure(name, tiny(name) | settings), DATA)
    before = run.state["theta"].copy()
    for _ in (1, 2):
        run.iterate()
    for key, value in run.state.items():
        assert np.isfinite(value).all(), key
    assert np.abs(run.state["theta"] - before).max() > 0


@pytest.mark.parametrize(("name", "settings", "words", "allowed"), REFUSED, ids=str)
def test_a_refusal_says_why_and_its_neighbour_runs(name: str, settings: dict, words: str, allowed: dict) -> None:
    with pytest.raises(ValueError, match=words) as error:
        configure(name, tiny(name), **settings)
    assert str(error.value) in {row.reason for row in CONFLICTS}
    two_steps(name, allowed)


def test_every_row_refuses_something_above() -> None:
    said = set()
    for name, settings, _, _ in REFUSED:
        with pytest.raises(ValueError) as error:
            configure(name, tiny(name), **settings)
        said.add(str(error.value))
    assert said == {row.reason for row in CONFLICTS}
    assert len({row.reason for row in CONFLICTS}) == len(CONFLICTS)


# Any stabiliser with any loss
STABILISERS = {
    "two-sided": {"penalty_kind": "two-sided"}, "one-sided": {"penalty_kind": "one-sided"},
    "dragan": {"penalty_kind": "dragan"}, "r1": {"penalty_kind": "r1"}, "r2": {"penalty_kind": "r2"},
    "clip": {"clip": 0.1}, "spectral norm": {"spectral_norm": 2.0}, "batch norm": {"critic_norm": "batch"},
    "layer norm": {"critic_norm": "layer"}, "virtual": {"critic_norm": "virtual"}, "minibatch": {"minibatch": 3},
    "smoothing": {"smoothing": 0.1}, "noise": {"instance_noise": 0.5}, "pack": {"pack": 2}, "unroll": {"unroll": 2},
    "consensus": {"consensus": 0.1}, "simultaneous": {"update": "simultaneous"},
    "extragradient": {"update": "extragradient"}, "optimistic": {"optimizer": "optimistic-adam"},
    "history": {"history": 0.1}, "ema": {"ema": 0.9}, "ensemble": {"generators": 2},
    "batch norm in G": {"generator_norm": "batch"}, "virtual in G": {"generator_norm": "virtual"},
    "sgd": {"optimizer": "sgd", "lr_critic": 1e-4, "lr_generator": 1e-4}, "maxout": {"activation": "maxout"},
}
LIPSCHITZ = ("two-sided", "one-sided", "dragan", "r1", "r2", "clip", "spectral norm")
OF_THE_CRITIC = {"batch norm", "layer norm", "virtual", "minibatch", "noise", "pack", "unroll", "consensus",
                 "simultaneous", "extragradient", *LIPSCHITZ}
OF_A_NETWORK = {"ensemble", "batch norm in G", "virtual in G"}
LOGISTIC = ("minimax", "zero-sum", "non-saturating", "feature-matching", "semi-supervised")


def meaningful(loss: str, stabiliser: str) -> bool:
    """What is allowed, said once more, and in another way."""
    row = LOSSES[loss]
    if row.critic is None and stabiliser in OF_THE_CRITIC:
        return False
    if row.explicit and stabiliser in OF_A_NETWORK:
        return False
    if loss == "semi-supervised" and stabiliser == "pack":
        return False
    return stabiliser != "smoothing" or loss in LOGISTIC


def sampled() -> list[str]:
    """Of the many f-GANs, which differ in a formula of the scores alone, each stabiliser has two in turn."""
    return [f"{loss} {stabiliser}" for (i, loss), (k, stabiliser) in product(enumerate(LOSSES), enumerate(STABILISERS))
            if not loss.startswith("f-") or (i + k) % 13 == 0]


@pytest.mark.parametrize("loss", slow_but(["hinge"], LOSSES, "systems put together: stabilisers with every loss"))
def test_a_loss_with_every_stabiliser(loss: str, monkeypatch) -> None:
    """A system of one's own, a row of existing parts: two recorded steps of each that means something."""
    row, rows = LOSSES[loss], set(sampled())
    base = {"critic_steps": 0 if row.critic is None else 1, "model": "gaussian" if row.explicit else "mlp"}
    name = f"{loss} of one's own"
    monkeypatch.setitem(RECIPES, name, Recipe(name, "ours", "", "", row, base))
    for stabiliser, settings in STABILISERS.items():
        if f"{loss} {stabiliser}" not in rows:
            continue
        held = {"clip": 0.1} if row.unbounded and stabiliser not in LIPSCHITZ else {}
        if meaningful(loss, stabiliser):
            two_steps(name, settings | held)
        else:
            with pytest.raises(ValueError) as error:
                configure(name, tiny(name), **settings | held)
            assert str(error.value) in {row.reason for row in CONFLICTS}


def test_the_sample_leaves_out_no_stabiliser_and_no_loss() -> None:
    pairs = [pair.split(" ", 1) for pair in sampled()]
    assert {loss for loss, _ in pairs} == set(LOSSES) and {s for _, s in pairs} == set(STABILISERS)


# (recipe, a setting that is given and that nothing reads there, words of the reason, what makes it read)
UNREAD_THERE = [
    ("wgan-gp", {"alpha": 0.5}, "rmsprop", {"optimizer": "rmsprop"}),
    ("wgan-gp", {"mu": 0.5}, "momentum and nesterov", {"optimizer": "momentum"}),
    ("wgan-gp", {"mu": 0.5, "optimizer": "sgd"}, "momentum and nesterov", {"optimizer": "nesterov"}),
    ("wgan", {"beta1": 0.1}, "adam and optimistic-adam", {"optimizer": "adam"}),
    ("wgan", {"beta2": 0.1}, "adam and optimistic-adam", {"optimizer": "adam"}),
    ("wgan-gp", {"beta1": 0.1, "optimizer": "sgd"}, "adam and optimistic-adam", {"optimizer": "optimistic-adam"}),
    ("imle", {"lr_critic": 1.0}, "no critic", None),
    ("imle", {"critic": (3,)}, "no critic", None),
    ("imle", {"critic_activation": "tanh"}, "no critic", None),
    ("gan", {"critic_activation": "tanh", "critic": ()}, "no critic with hidden", {"critic": (3,)}),
    ("wgan-gp", {"burst": 5}, "more steps", {"critic_steps": 4}),
    ("mle", {"generator": (3,)}, "Gaussian", None),
    ("mle", {"latent": 3}, "Gaussian", None),
    ("mle", {"init": "normal"}, "no layers to start", None),
    ("mle", {"activation": "tanh"}, "no hidden layer asks", None),
    ("gan", {"activation": "tanh", "generator": (), "critic_activation": "sigmoid"}, "no hidden", {"generator": (3,)}),
    ("gan", {"generator_norm": "batch", "generator": ()}, "no hidden layers", {"generator": (3,)}),
    ("gan", {"critic_norm": "layer", "critic": ()}, "no hidden layers", {"critic": (3,)}),
    ("sn-gan", {"penalty_kind": "r1", "penalty": 0.0}, "penalty = 0", {"penalty": 0.2}),
    ("gan", {"penalty": 0.5}, "choose a penalty_kind", {"penalty_kind": "r2"}),
    ("gan", {"noise_schedule": "cosine"}, "instance_noise", {"instance_noise": 0.1}),
    ("gan", {"unroll_rate": 0.5}, "unroll = 0", {"unroll": 2}),
    ("gan", {"unroll_optimizer": "sgd"}, "unroll = 0", {"unroll": 2}),
    ("wgan-gp", {"classes": 3}, "semi-supervised", None),
]


@pytest.mark.parametrize(("name", "settings", "words", "remedy"), UNREAD_THERE, ids=str)
def test_a_setting_that_nothing_reads_is_refused_where_it_is_given(name, settings, words, remedy) -> None:
    with pytest.raises(ValueError, match="would do nothing: ") as error:
        configure(name, **settings)
    assert words in str(error.value) and next(iter(settings)) in str(error.value)
    assert configure(name, settings)  # a preset's: below what is given
    if remedy is not None:
        configure(name, **settings | remedy)


def test_every_row_of_the_unread_refuses_something_above() -> None:
    judged = {name for row in UNREAD for name in row.names}
    assert judged == {next(iter(settings)) for _, settings, _, _ in UNREAD_THERE} and judged <= set(NAMES)


@pytest.mark.parametrize("name", RECIPES)
def test_all_settings_of_a_recipe_may_be_given_at_once(name: str) -> None:
    """As a copy of an estimator gives them: at their defaults, or at the recipe's."""
    config = configure(name)
    assert configure(name, **{key: getattr(config, key) for key in NAMES if key != "recipe"}) == config
    assert configure(**{"name" if key == "recipe" else key: value for key, value in read_settings(config).items()}
                     ) == config


@pytest.mark.parametrize("name", ["gan", "wgan", "mle", "unrolled"])
def test_what_is_unread_changes_no_number(name: str) -> None:
    """Two runs that differ in an unread setting alone are the same to the last bit."""
    others = {"alpha": 0.5, "mu": 0.1, "beta1": 0.3, "beta2": 0.7, "critic": (3,), "critic_activation": "tanh",
              "burst": 1, "generator": (3,), "init": "normal", "activation": "tanh", "penalty": 0.7, "lr_critic": 0.1,
              "noise_schedule": "cosine", "unroll_rate": 0.1, "unroll_optimizer": "sgd", "classes": 4, "latent": 5}
    base = configure(name, tiny(name))
    left = [key for key in others if key in unread(base, base.loss)]
    assert left or name == "unrolled"
    ends = []
    for config in (base, configure(name, tiny(name) | {key: others[key] for key in left})):
        run = Training(config, DATA)
        run.iterate()
        ends.append(run.state["theta"])
    np.testing.assert_array_equal(*ends)
