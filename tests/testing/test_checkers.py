"""The public checkers accept what is right, ours included; what a verdict says. What they reject: test_mistakes.py."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import settings
from scipy.special import rel_entr
from scipy.stats import norm

from minigan.autodiff import Tensor
from minigan.gans import gradient_penalty, interpolate
from minigan.gans.losses import wasserstein_critic
from minigan.gans.losses.energy import pull_away
from minigan.lab.toys import TOYS
from minigan.nets import MLP
from minigan.testing import (
    PropertyError,
    check_conjugate,
    check_divergence,
    check_gradient_penalty,
    check_lipschitz,
    check_loss,
    check_pull_away,
    check_sampler,
    check_spectral_norm,
    check_virtual_batch_norm,
    from_tensors,
)
from minigan.testing import divergences as known
from minigan.theory.divergences import divergence, jensen_shannon, skew_jensen_shannon
from minigan.theory.family import DIVERGENCES, alpha
from minigan.theory.lipschitz import lipschitz_bound, power_iteration
from tests.selection import slow_but
from tests.testing.mistakes import Layer, first_singular_vectors, iterated, of_tensors, penalty, spectral, two_layers


def up_to(examples: int) -> int:
    """So many, or fewer in the quick suite."""
    return min(examples, 2 * settings.default.max_examples)


# Ours
@pytest.mark.parametrize("row", DIVERGENCES.values(), ids=lambda row: row.name)
def test_our_divergences(row) -> None:
    check_divergence(partial(divergence, row), row.name if row.name in known.KINDS else None, examples=15)


def test_every_kind_of_divergence_is_one_of_ours() -> None:
    assert set(known.KINDS) <= set(DIVERGENCES)


def test_our_jensen_shannon() -> None:
    check_divergence(jensen_shannon, "js", examples=15)
    check_divergence(lambda p, q: jensen_shannon(p, q, halved=False), "gan", examples=15)
    assert "joint convexity" in check_divergence(partial(skew_jensen_shannon, pi=0.2), examples=15)


@pytest.mark.parametrize("row", [*DIVERGENCES.values(), alpha(3), alpha(0.95), alpha(-1)], ids=lambda row: row.name)
def test_our_conjugates(row) -> None:
    check_conjugate(row.f, row.conjugate, row.domain, row.activation, examples=up_to(30))


@pytest.mark.parametrize(("name", "activation"), [  # decreasing, as people write them
    ("gan", lambda v: -np.exp(v)), ("reverse-kl", lambda v: -np.exp(v)), ("neyman", lambda v: 1 - np.exp(v)),
    ("squared-hellinger", lambda v: 0.5 - 0.5 * np.exp(v)), ("kl", lambda v: -v),
])
def test_a_decreasing_activation_is_one(name, activation) -> None:
    row = DIVERGENCES[name]
    names = check_conjugate(row.f, row.conjugate, row.domain, activation, examples=up_to(30))
    assert names[-1] == "activation reaches T*"


def test_our_pull_away_term() -> None:
    check_pull_away(from_tensors(pull_away), examples=up_to(50))


def test_a_right_pull_away_term() -> None:
    def pull_away(S):
        unit = S / np.linalg.norm(S, axis=1, keepdims=True)
        return (((unit @ unit.T) ** 2).sum() - len(S)) / (len(S) * (len(S) - 1))

    check_pull_away(pull_away)


def one_sided(critic, real, fake, eps):
    return gradient_penalty(critic, interpolate(real, fake, eps), one_sided=True)


def the_other_end(critic, real, fake, eps):
    return 10.0 * gradient_penalty(critic, interpolate(fake, real, eps))


def whole(critic, real, fake, eps):
    return wasserstein_critic(critic(real), critic(fake)) + the_other_end(critic, real, fake, eps)


def test_our_gradient_penalties() -> None:
    check_gradient_penalty(of_tensors(penalty), examples=up_to(50))
    check_gradient_penalty(of_tensors(one_sided), "one-sided", examples=up_to(50))
    check_gradient_penalty(of_tensors(the_other_end), lam=10, examples=up_to(50))  # which end takes eps is a convention
    check_gradient_penalty(of_tensors(whole), lam=10, whole_loss=True, examples=up_to(50))


def test_a_gradient_penalty_in_numpy_alone_and_our_critic() -> None:
    def by_hand(w, critic, real, fake, eps):
        x_hat = eps * real + (1 - eps) * fake
        g = critic.gradient(w, x_hat)
        r = np.linalg.norm(g, axis=1, keepdims=True)
        v = 2 * (r - 1) * g / np.where(r > 0, r, 1.0) / len(g)
        return ((r - 1) ** 2).mean(), critic.backward(v, x_hat)

    net = MLP((2, 8, 1))
    w = np.random.default_rng(0).standard_normal(net.size)
    assert len(check_gradient_penalty(by_hand, critic=lambda x: net(w, Tensor(x)).value)) == 7


class Ours(Layer):
    def train(self, W):
        self.u, self.v, sigma = power_iteration(self.u, self.v, W)
        return sigma, np.outer(self.u, self.v)


@pytest.mark.slow("checkers of layers and networks")
def test_spectral_norms() -> None:
    check_spectral_norm(spectral, first_singular_vectors, Layer)
    check_spectral_norm(lambda W: iterated(W, 60), layer=Ours)


def test_virtual_batch_norms() -> None:
    def with_itself(x, reference):  # the sample's own statistics have the weight 1/(m + 1)
        m = len(reference)
        mu = (x + reference.sum(axis=0)) / (m + 1)
        square = (x**2 + (reference**2).sum(axis=0)) / (m + 1)
        return (x - mu) / np.sqrt(square - mu**2 + 1e-5)

    check_virtual_batch_norm(with_itself)
    check_virtual_batch_norm(lambda x, reference: (x - reference.mean(axis=0)) / reference.std(axis=0))


@pytest.mark.slow("checkers of layers and networks")
def test_lipschitz_bounds() -> None:
    f, A, B = two_layers()
    check_lipschitz(f, lipschitz_bound([A, B]), 3)
    check_lipschitz(lambda x: (x**2).sum(axis=1), 2 * np.sqrt(200), 2)  # exact on the square of radius 10
    with pytest.raises(PropertyError):
        check_lipschitz(lambda x: (x**2).sum(axis=1), 2 * np.sqrt(200), 2, radius=11)


@pytest.mark.parametrize("name", slow_but(
    [name for name in TOYS if "grid" not in name], TOYS, "samplers of 25 modes checked"))
def test_our_samplers(name: str) -> None:
    data = TOYS[name]
    density = data.log_density and (lambda x: np.exp(data.log_density(x)))
    names = check_sampler(data.sample, density=density, modes=data.modes, sigma=data.sigma, weights=data.weights,
                          n=50_000)
    assert ("density" in names) == (density is not None)


def test_a_distribution_function() -> None:
    check_sampler(TOYS["gaussian"].sample, cdf=norm.cdf)


# The verdict
def test_the_error_names_the_property_the_counterexample_the_formula_and_the_slip() -> None:
    def my_js(p, q):
        return 2 * jensen_shannon(p, q)

    with pytest.raises(PropertyError) as error:
        check_divergence(my_js, "js")
    text = str(error.value)
    assert text.splitlines()[0] == "my_js breaks the property 'value'"
    assert "expected: JS(p, q) = ½ KL(p‖m) + ½ KL(q‖m)" in text
    assert "p, q = ([0.5, 0.5], [" in text  # shrunk: two outcomes, one of them even
    assert "your values are twice ours (the un-halved JS of `xu`)" in text
    p, q = error.value.counterexample["p_q"]
    assert my_js(p, q) != pytest.approx(jensen_shannon(p, q))


@pytest.mark.parametrize(("kind", "D", "words"), [
    ("kl", lambda p, q: rel_entr(q, p).sum(), "the arguments are swapped"),
    ("js", lambda p, q: jensen_shannon(p, q) ** 0.5, "the JS distance"),
    ("js", lambda p, q: jensen_shannon(p, q, base=2), "in bits"),
    ("js", lambda p, q: jensen_shannon(p, q, base=2, halved=False), "twice ours, in bits"),
    ("gan", jensen_shannon, "half of ours"),
    ("total-variation", lambda p, q: abs(p - q).sum(), "the L₁ distance"),
])
def test_a_convention_is_named(kind, D, words) -> None:
    with pytest.raises(PropertyError, match=words) as error:
        check_divergence(D, kind, examples=up_to(30))
    assert error.value.property == "value"


def test_a_verdict_can_be_repeated() -> None:
    def noisy(p, q):  # wrong somewhere, not everywhere
        return jensen_shannon(p, q) + (0.01 if p[0] > 0.7 else 0)

    def verdict(seed):
        with pytest.raises(PropertyError) as error:
            check_divergence(noisy, "js", seed=seed, examples=20)
        return str(error.value)

    assert verdict(0) == verdict(0)


def test_examples_says_how_many() -> None:
    calls = []

    def total_variation(p, q):
        calls.append(1)
        return 0.5 * abs(p - q).sum()

    def count(examples):
        calls.clear()
        check_divergence(total_variation, examples=examples)
        return len(calls)

    assert count(5) <= 7 * 3 * 5 < count(50)  # 7 properties, at most 3 calls each


@pytest.mark.parametrize(("D", "words"), [
    (lambda p, q: p - q, "not one number"),
    (lambda p, q: 1 / 0, "it raised ZeroDivisionError"),
    (lambda p, q: np.nan, "nan"),
    (lambda p, q: "much", "it raised ValueError"),
])
def test_whatever_a_function_does_is_a_finding(D, words) -> None:
    with pytest.raises(PropertyError, match=words):
        check_divergence(D, examples=5)


def test_a_function_that_differs_from_call_to_call_is_reported() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(PropertyError):
        check_divergence(lambda p, q: rng.normal(), examples=5)


def test_a_function_that_writes_into_its_arguments_spoils_nothing() -> None:
    def writes(p, q):
        value = jensen_shannon(p.copy(), q.copy())
        p[:] = 0
        return 2 * value

    with pytest.raises(PropertyError) as error:
        check_divergence(writes, "js", examples=10)
    p, _ = error.value.counterexample["p_q"]
    assert p.sum() == pytest.approx(1)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: check_divergence(jensen_shannon, "jss"), "did you mean 'js'"),
    (lambda: check_loss(max, max, "wassserstein"), "did you mean 'wasserstein'"),
    (lambda: check_loss(max, max, "wasserstein", smoothing=0.1), "no constant 'smoothing'; it has: none"),
    (lambda: check_gradient_penalty(max, "two"), "unknown gradient penalty"),
    (lambda: check_sampler(TOYS["ring8"].sample, modes=TOYS["ring8"].modes), "sigma"),
    (lambda: check_sampler(lambda rng, n: rng.random((n, 3)), density=len), "1 or 2 dimensions"),
])
def test_a_wrong_question_is_a_value_error(call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_without_hypothesis_the_message_says_what_to_install() -> None:
    code = "import sys; sys.modules['hypothesis'] = None; import minigan.testing"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'minigan[test]'" in result.stderr
