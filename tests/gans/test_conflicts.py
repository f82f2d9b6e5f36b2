"""Every refusal has its reason, every neighbour of one is allowed, and what is allowed runs."""

from itertools import product

import numpy as np
import pytest

from minigan.gans import LOSSES, RECIPES, Recipe
from minigan.gans.conflicts import CONFLICTS
from minigan.lab.config import configure
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
    ("virtual-batch-norm", {"minibatch": 3}, "ties it to it again", {"generator_norm": "none"}),
]
FEWER = {"pretrain": 2, "unroll": 2, "burst": 2}


def tiny(name: str) -> dict:
    return TINY | {"dtype": "float32"} | {k: n for k, n in FEWER.items() if RECIPES[name].settings.get(k)}


def two_steps(name: str, settings: dict) -> None:
    """Recorded, from the start; everything stays finite."""
    run = Training(configure(name, tiny(name), **settings), DATA)
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
