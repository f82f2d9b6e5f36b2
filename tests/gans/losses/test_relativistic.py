"""Relativistic losses: only differences of scores count, and the paired one's value is a JS of pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit

from minigan.autodiff import Tensor, grad
from minigan.gans.losses import LOSSES
from minigan.gans.losses.critic_output import scored
from minigan.theory.divergences import jensen_shannon

BOTH = ("relativistic", "relativistic-average")


@given(arrays(float, (2, 5, 1), elements=st.floats(-5, 5)), st.floats(-50, 50))
def test_a_constant_on_every_score_changes_nothing(scores: np.ndarray, c: float) -> None:
    for name in BOTH:
        loss = LOSSES[name]
        for player in (loss.critic, loss.generator):
            plain, shifted = player(*map(scored, scores)), player(*map(scored, scores + c))
            assert shifted.item() == pytest.approx(plain.item(), rel=1e-9, abs=1e-9)
        ours = LOSSES["non-saturating"].critic(*map(scored, scores)).item()
        assert abs(c) < 1 or LOSSES["non-saturating"].critic(*map(scored, scores + c)).item() != ours


@given(arrays(float, (2, 5, 1), elements=st.floats(-5, 5)))
def test_the_players_are_each_others_mirror(scores: np.ndarray) -> None:
    for name in BOTH:
        real, fake = map(scored, scores)
        assert LOSSES[name].generator(real, fake).item() == LOSSES[name].critic(fake, real).item()


def test_the_average_generators_gradient_has_both_terms() -> None:
    """∂/∂t_j of E softplus(E s − t) + E softplus(s − E t): −σ(E s − t_j)/n − E σ(s − E t)/n."""
    s, t = np.random.default_rng(0).normal(size=(2, 4, 1))
    fake = Tensor(t)
    by_hand = -expit(s.mean() - t) / 4 - expit(s - t.mean()).mean() / 4
    loss = LOSSES["relativistic-average"].generator(scored(s), scored(fake))
    np.testing.assert_allclose(grad(loss, fake).value, by_hand, rtol=1e-12)


def all_pairs(scores: np.ndarray, p: np.ndarray, q: np.ndarray, n: int = 20) -> tuple[Tensor, Tensor]:
    """The scores of every pair of a batch of P with one of Q: the law P⊗Q exactly."""
    real, fake = (np.repeat(scores, np.rint(n * mass).astype(int)) for mass in (p, q))
    return Tensor(np.repeat(real, n)[:, None]), Tensor(np.tile(fake, n)[:, None])


P, Q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])


def test_the_paired_estimate_is_the_js_of_pairs() -> None:
    """log 2 − L_D = JS(P⊗Q ‖ Q⊗P) at s = log p/q, whatever constant is added; and no scores say more."""
    exact = jensen_shannon(np.outer(P, Q).ravel(), np.outer(Q, P).ravel())
    estimate = LOSSES["relativistic"].estimate
    assert estimate(*all_pairs(np.log(P / Q) + 7.0, P, Q)).item() == pytest.approx(exact, rel=1e-12)
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert estimate(*all_pairs(rng.normal(size=3) * 2, P, Q)).item() < exact
    assert LOSSES["relativistic"].estimates.label.startswith("JS of pairs")


def test_pairs_want_batches_of_one_size() -> None:
    three, four = scored(np.zeros((3, 1))), scored(np.zeros((4, 1)))
    for player in (LOSSES["relativistic"].critic, LOSSES["relativistic"].generator):
        with pytest.raises(ValueError, match=r"\(., 1\) and \(., 1\)"):
            player(three, four)
    assert LOSSES["relativistic-average"].critic(three, four).item() > 0
