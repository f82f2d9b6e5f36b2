"""``check_loss``: ours pass as the kinds they are, each kind its own formula; what says a loss is written otherwise."""

import re

import numpy as np
import pytest
from scipy.special import expit

from minigan.gans import LOSSES
from minigan.gans.losses.critic_output import Batch, CriticOutput
from minigan.testing import (
    Debatable,
    PropertyError,
    check_balance,
    check_loss,
    from_tensors,
    value_and_gradient_from_tensors,
)
from minigan.testing.kinds import KINDS
from tests.selection import slow_but
from tests.testing.test_checkers import up_to

OF_A_KIND = {  # which of ours is which kind, and with what constants
    "minimax": ("minimax", {}), "zero-sum": ("zero-sum", {}), "non-saturating": ("non-saturating", {}),
    "wasserstein": ("wasserstein", {}), "hinge": ("hinge", {}), "lsgan": ("least-squares", {}),
    "lsgan-pearson": ("least-squares", {"labels": (-1, 1, 0)}), "ebgan": ("energy", {}),
    "ebgan-pt": ("energy-pull-away", {}), "ls-gan": ("loss-sensitive", {}),
    "gls-gan": ("generalised-loss-sensitive", {}), "relativistic": ("relativistic", {}),
    "relativistic-average": ("relativistic-average", {}), "semi-supervised": ("semi-supervised", {}),
    "feature-matching": ("feature-matching", {}), "imle": ("imle", {}), "mle": ("mle", {}),
    "reverse-kl": ("reverse-kl", {}),
}


def kind_of(name):
    """The kind and the constants of a row of LOSSES: f-kl, f-kl-ratio, f-alpha(0.5), ..."""
    if name in OF_A_KIND:
        return OF_A_KIND[name]
    f, alpha, ratio = re.fullmatch(r"(f-[a-z-]*?)(?:\((.*)\))?(-ratio)?", name).groups()
    return f, ({"alpha": float(alpha)} if alpha else {}) | ({"activation": "ratio"} if ratio else {})


def batch(side, known):
    """What a loss of ours may look at, of the inputs of one side."""
    def of(name, otherwise=None):
        return known.get(f"{side}_{name}", otherwise)

    scores = known.get(side)
    if scores is None and of("outputs") is not None:
        scores = LOSSES["semi-supervised"].head.score(of("outputs"), None)
    answer = CriticOutput(scores, of("outputs", scores), of("features", scores), of("codes", scores))
    densities = {name: (lambda x, name=name: known[name]) for name in ("log_p", "log_q") if name in known}
    return Batch(of("points", scores), lambda: answer, known.get("labels") if side == "real" else None, **densities)


def of_ours(objective, sees):
    """An objective of (real, fake) as a loss of what the kind's player sees."""
    def loss(*values):
        known = dict(zip(sees, values, strict=True))
        return objective(batch("real", known), batch("fake", known))

    return loss


def gradient(loss, sees):
    """∂L/∂ of the real and the fake input, or of the generator's one."""
    count = max(k for k, name in enumerate(sees) if name.startswith(("real", "fake", "log_q"))) + 1
    return lambda *values: value_and_gradient_from_tensors(loss, count)(*values)[1:]


@pytest.mark.parametrize("name", slow_but(
    ["non-saturating", "relativistic", "ebgan-pt", "imle", "f-gan"], LOSSES,
    "losses of ours checked as the kinds they are"))
def test_ours_are_the_kinds_they_are(name: str) -> None:
    kind, constants = kind_of(name)
    sees, loss = KINDS[kind].sees, LOSSES[name]
    generator = of_ours(loss.generator, sees[1])
    critic = of_ours(loss.critic, sees[0]) if loss.critic else None
    fake = next((k for k, seen in enumerate(sees[1]) if seen.startswith("fake")), 0)
    names = check_loss(
        from_tensors(critic) if critic else None, from_tensors(generator), kind, examples=up_to(20), **constants,
        critic_gradient=critic and (lambda *values: gradient(critic, sees[0])(*values)[:2]),
        generator_gradient=lambda *values: gradient(generator, sees[1])(*values)[fake])
    assert {"generator's value", "generator's gradient", "float32 stays float32"} <= set(names)


def test_every_kind_is_one_of_ours_or_has_a_reason() -> None:
    assert {kind_of(name)[0] for name in LOSSES} == KINDS.keys() - {"began"}  # minigan has no BEGAN


@pytest.mark.parametrize("name", slow_but(
    ["minimax"], ["minimax", "zero-sum", "non-saturating", "semi-supervised", "feature-matching"],
    "losses of ours with smoothed labels"))
def test_ours_smoothed(name: str, alpha: float = 0.3) -> None:
    loss, sees = LOSSES[name].with_constants(smoothing=alpha), KINDS[name].sees
    critic = of_ours(loss.critic, sees[0])
    check_loss(from_tensors(critic), from_tensors(of_ours(loss.generator, sees[1])), name, smoothing=alpha,
               examples=up_to(20), critic_gradient=lambda *values: gradient(critic, sees[0])(*values)[:2])


@pytest.mark.parametrize(("name", "constants"), slow_but(["ebgan"], [
    ("lsgan", {"a": -1.0, "b": 1.0, "c": 0.0}), ("ebgan", {"margin": 10.0}), ("ls-gan", {"margin": 2.0, "lam": 0.5}),
    ("gls-gan", {"margin": 0.5, "slope": -1.0}),
], "losses of ours with other constants"))
def test_ours_with_other_constants(name, constants) -> None:
    kind, _ = OF_A_KIND[name]
    loss, sees = LOSSES[name].with_constants(**constants), KINDS[kind].sees
    declared = {"labels": tuple(constants.values())} if name == "lsgan" else constants
    check_loss(from_tensors(of_ours(loss.critic, sees[0])), from_tensors(of_ours(loss.generator, sees[1])), kind,
               examples=up_to(20), **declared)


@pytest.mark.parametrize("name", slow_but(["began", "f-pearson"], KINDS, "kinds of losses"))
def test_each_kind_accepts_its_own_formula(name: str) -> None:
    kind = KINDS[name]


    def of(loss):
        return loss and (lambda *x: np.asarray(loss(*x, **kind.constants)).astype(x[0].dtype))

    names = check_loss(*map(of, kind.losses), name, examples=5)
    assert len(names) == len(set(names)) >= 2


# Of no kind: what may be said all the same
def test_a_relativistic_pair_of_no_kind_is_accepted_whole_and_refused_by_half() -> None:
    def paired(s, t):
        return np.logaddexp(0, t - s).mean()

    assert "differences alone" in check_loss(paired, lambda s, t: paired(t, s), examples=10)
    assert "differences alone" in check_loss(lambda s, t: t.mean() - s.mean(), lambda t: -t.mean(), examples=10)
    with pytest.raises(PropertyError) as error:
        check_loss(paired, lambda t: np.logaddexp(0, -t).mean(), examples=10)
    assert error.value.property == "differences alone"
    assert error.value.hint == ("As it stands your critic's loss is that of 'relativistic'\n"
                                "As it stands your generator's loss is that of 'non-saturating'")


@pytest.mark.parametrize("critic", [
    lambda s, t: -expit(s).mean() - (1 - expit(t)).mean(),  # JS with its logs lost
    lambda s, t: (np.tanh(t) - np.tanh(s)).mean(),
])
def test_a_critic_that_is_best_when_sure_is_debatable(critic) -> None:
    with pytest.warns(Debatable, match="lost its logs"):
        names = check_loss(critic, lambda t: (1 - expit(t)).mean(), examples=30)
    assert "the best critic is not sure" not in names and "differences alone" in names


@pytest.mark.parametrize("name", slow_but(
    ["relativistic-average"], ["non-saturating", "lsgan", "wasserstein", "hinge", "relativistic-average"],
    "losses of ours asked as if of no kind"))
def test_ours_are_not_debatable(name: str) -> None:
    loss = LOSSES[name]
    critic = from_tensors(of_ours(loss.critic, ("real", "fake")))
    generator = from_tensors(of_ours(loss.generator, ("real", "fake")))
    names = check_loss(critic, lambda s, t: generator(s, t), examples=5)
    assert {"differences alone", "the best critic is not sure"} <= set(names)


def test_a_balance() -> None:
    def balance(k, real, fake):
        return min(max(k + 0.01 * (0.7 * real.mean() - fake.mean()), 0.0), 1.0)

    assert check_balance(balance, gamma=0.7, lam=0.01) == ["the next k", "k stays in [0, 1]"]
    with pytest.raises(PropertyError, match="the next k"):
        check_balance(balance)
