"""The same loss written otherwise: the error names the arguments that say so, and with them it passes."""

import re
import warnings

import numpy as np
import pytest
from scipy.special import expit, log_expit

from minigan.testing import Debatable, PropertyError, check_loss
from tests.selection import slow_but
from tests.testing.mistakes import clipped, discriminator, hinge, least_squares, minus_mean, non_saturating, wasserstein
from tests.testing.test_checkers import up_to


def of_probabilities(d, e):
    return -np.log(d).mean() - np.log(1 - e).mean()


def of_energies(s, t):
    return s.mean() + np.maximum(0, 10 - t).mean()


def with_margin_10(s, t):
    return np.maximum(0, 10 - s).mean() + np.maximum(0, 10 + t).mean()


def labelled(a, b):
    return lambda s, t: 0.5 * ((s - b) ** 2).mean() + 0.5 * ((t - a) ** 2).mean()


def towards(c):
    return lambda t: 0.5 * ((t - c) ** 2).mean()


def smoothed(s, t):
    return discriminator(s, t) + 0.25 * s.mean()


def times(c, loss):
    return lambda *scores: c * loss(*scores)


def turned(loss):
    return lambda *scores: loss(*(-s for s in scores))


def relative(s, t):
    """−E log σ(s − E t) − E log(1 − σ(t − E s)), the critic's; of the fake scores s and the real t the generator's."""
    return -log_expit(s - t.mean()).mean() - log_expit(s.mean() - t).mean()


def f_gan(s, t):
    """Of the published table: without the constant 2 log 2."""
    return -log_expit(s).mean() - log_expit(-t).mean()


CONVENTIONS = [
    ("half", "non-saturating", times(0.5, discriminator), times(0.5, non_saturating), {"scale": 0.5}),
    ("half the critic's alone", "non-saturating", times(0.5, discriminator), non_saturating, {"scale": (0.5, 1.0)}),
    ("twice", "least-squares", times(2, least_squares), times(2, towards(1)), {"scale": 2.0}),
    ("a sum", "hinge", lambda s, t: len(s) * hinge(s, t), lambda t: -t.sum(), {"reduction": "sum"}),
    ("turned round", "wasserstein", turned(wasserstein), turned(minus_mean), {"direction": -1}),
    ("turned round", "non-saturating", turned(discriminator), turned(non_saturating), {"direction": -1}),
    ("to be maximised", "minimax", times(-1, discriminator), lambda t: -log_expit(-t).mean(), {"scale": -1.0}),
    ("labels", "least-squares", labelled(-1, 1), towards(0), {"labels": (-1.0, 1.0, 0.0)}),
    ("labels and twice", "least-squares", times(2, labelled(0, 0.9)), times(2, towards(0.9)),
     {"labels": (0.0, 0.9, 0.9), "scale": 2.0}),
    ("labels exchanged", "least-squares", labelled(1, 0), towards(0), {"labels": (1.0, 0.0, 0.0)}),
    ("a margin", "hinge", with_margin_10, minus_mean, {"margin": 10.0}),
    ("a margin", "energy", of_energies, np.mean, {"margin": 10.0}),
    ("a margin, half", "energy", times(0.5, of_energies), np.mean, {"margin": 10.0, "scale": (0.5, 1.0)}),
    ("smoothing", "minimax", smoothed, lambda t: log_expit(-t).mean(), {"smoothing": 0.25}),
    ("probabilities", "non-saturating", of_probabilities, lambda e: -np.log(e).mean(), {"outputs": "probabilities"}),
    ("probabilities that are 1 on fakes", "non-saturating", lambda d, e: of_probabilities(1 - d, 1 - e),
     lambda e: -np.log(1 - e).mean(), {"outputs": "probabilities", "direction": -1}),
    ("half, summed, of probabilities", "minimax", lambda d, e: 0.5 * len(d) * of_probabilities(d, e),
     lambda e: 0.5 * np.log(1 - e).sum(), {"outputs": "probabilities", "reduction": "sum", "scale": 0.5}),
    ("a constant", "f-gan", f_gan, lambda t: log_expit(-t).mean(), {"offset": (2 * np.log(2), -2 * np.log(2))}),
]


@pytest.mark.parametrize(("what", "kind", "critic", "generator", "said"), slow_but(
    ["labels", "a margin, half"], CONVENTIONS, "conventions recognised"),
    ids=[f"{row[1]}, {row[0]}" for row in CONVENTIONS])
def test_the_error_says_which_arguments_make_it_the_same_loss(what, kind, critic, generator, said) -> None:
    with pytest.raises(PropertyError) as error:
        check_loss(critic, generator, kind, examples=up_to(10))
    hint = error.value.hint.replace(", to be maximised and not minimised,", "")
    match = re.fullmatch(rf"With (.*) it is the loss '{kind}'", hint)
    assert match, str(error.value)
    arguments = eval(f"dict({match[1]})")  # as the caller would copy them
    assert arguments.keys() == said.keys()
    for name, value in said.items():
        assert arguments[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-5))
    names = check_loss(critic, generator, kind, examples=up_to(10), **arguments)
    assert {"critic's value", "generator's value in float32", "real scores up"} <= set(names)


@pytest.mark.parametrize(("critic", "generator", "kind", "words"), [
    (discriminator, lambda t: log_expit(-t).mean(), "non-saturating",
     "With kind='minimax' it is the loss 'minimax'"),
    (lambda s, t: -log_expit(s) - log_expit(-t), lambda t: -log_expit(t), "non-saturating",
     "With the mean of what is returned it is the loss 'non-saturating'"),
    (lambda s, t: wasserstein(s, t), np.mean, "wasserstein",
     "With scale=(1, -1), to be maximised and not minimised, it is the loss 'wasserstein'"),
    (lambda t, s: hinge(s, t), minus_mean, "hinge",
     "With its first two arguments exchanged your critic's loss is that of 'hinge'\n"
     "As it stands your generator's loss is that of 'hinge'"),
    (relative, relative, "relativistic-average",
     "As it stands your critic's loss is that of 'relativistic-average'\n"
     "With its first two arguments exchanged your generator's loss is that of 'relativistic-average'"),
    (hinge, minus_mean, "wasserstein", "With kind='hinge' it is the loss 'hinge'"),
    (lambda s, t: (s**3 - t).mean(), minus_mean, "hinge", "As it stands your generator's loss is that of 'hinge'"),
])
def test_what_is_half_right_is_said_of_each_player(critic, generator, kind, words) -> None:
    with pytest.raises(PropertyError) as error:
        check_loss(critic, generator, kind, examples=10)
    assert error.value.hint == words


def test_a_loss_of_no_kind_is_told_what_it_is() -> None:
    with pytest.raises(PropertyError, match="With kind='energy', margin=10 it is the loss 'energy'"):
        check_loss(of_energies, np.mean, examples=10)


@pytest.mark.parametrize(("critic", "words"), [
    (lambda s, t: None, "is None: nothing was returned"),
    (lambda s, t: (wasserstein(s, t), 3.0), r"has shape \(2,\), not one number"),
])
def test_what_is_no_number_is_said_and_not_explained_away(critic, words) -> None:
    with pytest.raises(PropertyError, match=words) as error:
        check_loss(critic, minus_mean, "wasserstein", examples=10)
    assert "critic" not in error.value.hint and "it is the loss" not in error.value.hint


@pytest.mark.slow("losses that no convention explains")
def test_what_is_wrong_is_not_explained_away() -> None:
    for critic in (lambda s, t: s.mean() + (1 - t).mean(), lambda s, t: s.mean() + max(0, 1 - t.mean())):
        with pytest.raises(PropertyError) as error:
            check_loss(critic, np.mean, "energy", examples=30)
        assert "it is the loss 'energy'" not in error.value.hint


@pytest.mark.slow("clipped probabilities")
def test_a_clip_of_probabilities_is_debatable_and_one_of_logits_is_wrong() -> None:
    def critic(d, e):
        return -clipped(d).mean() - clipped(1 - e).mean()

    with pytest.warns(Debatable, match="lost the digits"):
        names = check_loss(critic, lambda e: -clipped(e).mean(), "non-saturating", outputs="probabilities", examples=30)
    assert "critic's value" in names
    with pytest.raises(PropertyError, match="where D is sure"):
        check_loss(lambda s, t: critic(expit(s), expit(t)), non_saturating, "non-saturating", examples=30)


@pytest.mark.parametrize(("arguments", "words"), [
    ({"kind": "hinge", "labels": (0, 1, 1)}, "no constant 'labels'; it has: margin = 1.0"),
    ({"kind": "hinge", "reduction": "avg"}, "unknown reduction 'avg'"),
    ({"kind": "hinge", "outputs": "logits"}, "There are: scores, probabilities"),
    ({"kind": "hinge", "direction": 0}, "direction is 1 or -1"),
    ({"kind": "imle", "outputs": "probabilities"}, "sees no scores"),
    ({"scale": 2.0}, "name it"), ({"margin": 2.0}, "name it"),
    ({"kind": "imle"}, "has no critic: give None"),
    ({"kind": "least-squares", "labels": (0, 1)}, "labels.*none of the loss"),
    ({"kind": "hinge", "margin": "wide"}, "margin.*none of the loss"),
    ({"kind": "f-kl", "activation": "relu"}, "unknown activation 'relu'"),
    ({"kind": "hinge", "scale": (1, 2, 3)}, "scale is one number, or"),
    ({"kind": "hinge", "scale": 0}, "teaches nothing"),
    ({"kind": "hinge", "offset": np.nan}, "offset is one number"),
])
def test_a_convention_that_no_kind_has_is_refused(arguments, words) -> None:
    with pytest.raises(ValueError, match=words):
        check_loss(hinge, minus_mean, **arguments)


def test_a_small_multiple_must_be_as_near_as_the_whole() -> None:
    with pytest.raises(PropertyError):
        check_loss(times(1e-12, least_squares), times(1e-12, towards(0.9)), "least-squares", scale=1e-12, examples=10)
    check_loss(times(1e-12, least_squares), times(1e-12, towards(1)), "least-squares", scale=1e-12, examples=10)


def test_a_loss_that_writes_into_its_scores_spoils_nothing() -> None:
    def critic(s, t):
        value = wasserstein(s, t)
        s[:], t[:] = 0, 0
        return value

    check_loss(critic, minus_mean, "wasserstein", examples=10,
               critic_gradient=lambda s, t: (-np.ones_like(s) / len(s), np.ones_like(t) / len(t)))


def test_no_loss_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to check"):
        check_loss(None, None, "hinge")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_loss(None, minus_mean, "hinge", examples=5)[0] == "the generator moves"
