"""Every loss of the table: values against scipy and by hand, derivatives, signs, float32, leading axes, recording."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, log_expit

from minigan.autodiff import check, grad, log, maximum, mean, minimum, record, sigmoid
from minigan.autodiff.tensor import Tensor
from minigan.gans.losses import LOSSES, discriminator, jensen_shannon_estimate
from minigan.gans.losses.critic_output import scored
from minigan.theory.divergences import jensen_shannon, le_cam, total_variation
from minigan.theory.family import DIVERGENCES
from minigan.theory.optimal import optimal_discriminator
from tests import by_hand
from tests.batches import both, draw, of_mass

SCORES = arrays(float, (6, 1), elements=st.floats(-300, 300))
WITH_CRITIC = [name for name, loss in LOSSES.items() if loss.critic]
every_loss = pytest.mark.parametrize("name", LOSSES)
every_critic = pytest.mark.parametrize("name", WITH_CRITIC)
ENERGIES = ("ebgan", "ebgan-pt", "ls-gan", "gls-gan")  # low for the data
LOGISTIC = ("minimax", "zero-sum", "non-saturating", "feature-matching", "semi-supervised", "relativistic",
            "relativistic-average",
            "f-gan", "f-gan-ratio", "f-js", "f-js-ratio", "f-le-cam", "f-le-cam-ratio")


def test_the_table() -> None:
    """Every loss of the notes, and every f-divergence both ways; but f′ = ±½ of total variation teaches nobody."""
    f_gans = {f"f-{name}" for name in DIVERGENCES} | {f"f-{name}-ratio" for name in DIVERGENCES}
    others = {"minimax", "zero-sum", "non-saturating", "lsgan", "lsgan-pearson", "wasserstein", "hinge", "ebgan",
              "ebgan-pt",
              "ls-gan", "gls-gan", "relativistic", "relativistic-average", "semi-supervised", "feature-matching",
              "imle", "mle", "reverse-kl"}
    known = others | f_gans - {"f-total-variation-ratio"}
    assert set(LOSSES) == known, f"tests/gans/losses/test_losses.py: `others` has not {set(LOSSES) ^ known}"
    assert [name for name, loss in LOSSES.items() if loss.critic is None] == ["imle", "mle", "reverse-kl"]
    assert {name: loss.constants for name, loss in LOSSES.items() if loss.constants} == {
        **{name: {"smoothing": 0} for name in
           ("minimax", "zero-sum", "non-saturating", "feature-matching", "semi-supervised")},
        "lsgan": {"a": 0, "b": 1, "c": 1}, "lsgan-pearson": {"a": -1, "b": 1, "c": 0},
        "ebgan": {"margin": 1, "pull_away": 0}, "ebgan-pt": {"margin": 1, "pull_away": 0.1},
        "ls-gan": {"margin": 1, "lam": 10}, "gls-gan": {"margin": 1, "slope": 0.5},
    }


# Values
@given(SCORES, SCORES)
def test_values(real: np.ndarray, fake: np.ndarray) -> None:
    for name, (critic, generator) in by_hand.losses(real, fake).items():
        loss, batches = LOSSES[name], (scored(real), scored(fake))
        np.testing.assert_allclose(loss.critic(*batches).value, critic, rtol=1e-12, atol=1e-12, err_msg=name)
        np.testing.assert_allclose(loss.generator(*batches).value, generator, rtol=1e-12, atol=1e-12, err_msg=name)


@given(SCORES, SCORES, st.floats(0, 0.99))
def test_one_sided_smoothing(real: np.ndarray, fake: np.ndarray, alpha: float) -> None:
    for name in ("minimax", "non-saturating"):
        plain, smooth = LOSSES[name], LOSSES[name].with_constants(smoothing=alpha)
        batches = scored(real), scored(fake)
        expected = np.mean((1 - alpha) * log_expit(real) + alpha * log_expit(-real)) + np.mean(log_expit(-fake))
        np.testing.assert_allclose(smooth.critic(*batches).value, -expected, rtol=1e-12, atol=1e-12)
        assert smooth.generator(*batches).item() == plain.generator(*batches).item()
        assert smooth.estimate(Tensor(real), Tensor(fake)).item() == plain.estimate(Tensor(real), Tensor(fake)).item()


# Derivatives: of both players, in everything that they see
@every_loss
def test_derivatives(name: str) -> None:
    rng, loss = np.random.default_rng(0), LOSSES[name]
    size = 0.1 if name == "f-alpha(3)" else 1.0  # f* = (1 + 2t)^{3/2} for t > −½, and at −½ f*″ is infinite
    points = [size * x for _ in range(2) for x in draw(rng, loss.head)]
    players = [loss.generator, loss.critic] if loss.critic else [loss.generator]
    for player in players:
        check(lambda *xs, player=player: player(*both(loss, *xs)), points)


@every_critic
def test_signs(name: str) -> None:
    """Real scores up: the critic's loss falls; fake scores up: it rises, the generator's falls. Energies: down."""
    loss, rng = LOSSES[name], np.random.default_rng(1)
    sign = -1 if name in ENERGIES else 1
    shift = -1.0 if name == "lsgan-pearson" else 0.0  # between its labels
    spans = [(0.5, 0.9), (0.1, 0.5)] if sign < 0 else [(0.1, 0.9)] * 2
    real, fake = (scored(rng.uniform(*span, size=(8, 1)) + shift) for span in spans)
    in_real, in_fake = grad(loss.critic(real, fake), [real.scores, fake.scores])
    assert (sign * in_real.value < 0).all() and (sign * in_fake.value > 0).all()
    if name == "feature-matching":  # looks at features; see test_matching.py
        return
    assert (sign * grad(loss.generator(real, fake), fake.scores).value < 0).all(), "the generator moves the wrong way"


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "mle"])  # that looks at no fake
def test_the_generator_moves(name: str) -> None:
    """A step of the fakes down the gradient lowers the generator's loss, by as much as the gradient says."""
    rng, loss, step = np.random.default_rng(2), LOSSES[name], 1e-6
    real, fake = ([Tensor(x) for x in draw(rng, loss.head, n=6)] for _ in range(2))
    before = loss.generator(*both(loss, *real, *fake))
    gs = grad(before, fake)
    square = sum((g.value**2).sum() for g in gs)
    assert square > 0
    moved = [Tensor(x.value - step * g.value) for x, g in zip(fake, gs, strict=True)]
    fall = before.item() - loss.generator(*both(loss, *real, *moved)).item()
    assert fall == pytest.approx(step * square, rel=1e-3)


def test_where_each_generator_loss_goes_flat() -> None:
    """G10: minimax where D is sure of a fake (s → −∞), non-saturating where D is fooled (s → +∞)."""
    def slope(name: str, s: float) -> float:
        fake = scored(np.full((1, 1), s))
        return grad(LOSSES[name].generator(fake, fake), fake.scores).item()

    for s in (-40.0, -2.0, 0.0, 2.0, 40.0):
        assert slope("minimax", s) == pytest.approx(-expit(s), rel=1e-12)
        assert slope("non-saturating", s) == pytest.approx(-expit(-s), rel=1e-12)
        assert slope("wasserstein", s) == slope("hinge", s) == -1.0
        assert slope("lsgan", s) == s - 1  # at D = c alone
        assert slope("ebgan", s) == 1.0


# What the estimates say, at exact expectations of p and q
P, Q = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.1, 0.3, 0.2, 0.4])
HALF = optimal_discriminator(np.log(P), np.log(Q))  # p/(p + q)
BEST = {  # name -> the best critic on these atoms, the distance
    "minimax": (np.log(P / Q), jensen_shannon(P, Q)),
    "zero-sum": (np.log(P / Q), jensen_shannon(P, Q)),
    "non-saturating": (np.log(P / Q), jensen_shannon(P, Q)),
    "feature-matching": (np.log(P / Q), jensen_shannon(P, Q)),
    "semi-supervised": (np.log(P / Q), jensen_shannon(P, Q)),
    "lsgan": (HALF, le_cam(P, Q)),
    "lsgan-pearson": (optimal_discriminator(np.log(P), np.log(Q), real=1.0, fake=-1.0), le_cam(P, Q)),
    "hinge": (np.sign(P - Q), total_variation(P, Q)),
    "ebgan": (1.0 * (P < Q), total_variation(P, Q)),
    "ebgan-pt": (1.0 * (P < Q), total_variation(P, Q)),
}


@pytest.mark.parametrize("name", BEST)
def test_the_estimate_is_the_distance_at_the_best_critic(name: str) -> None:
    loss, (best, distance) = LOSSES[name], BEST[name]
    assert loss.estimate(of_mass(best, P), of_mass(best, Q)).item() == pytest.approx(distance, rel=1e-12)
    assert loss.estimates and not loss.power
    if loss.verdict:
        np.testing.assert_allclose(loss.verdict(Tensor(best)).value, HALF, rtol=1e-12)


@given(arrays(float, 4, elements=st.floats(0, 3)))
def test_and_no_critic_says_more(scores: np.ndarray) -> None:
    for name, (_, distance) in BEST.items():
        for s in (scores, -scores):
            if name not in ENERGIES or s is scores:
                assert LOSSES[name].estimate(of_mass(s, P), of_mass(s, Q)).item() <= distance + 1e-12


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.6])
def test_the_best_smoothed_critic(alpha: float) -> None:
    """G11: D* = (1 − α) p/(p + q). It is where the critic's loss is flat, and the verdict undoes the 1 − α."""
    loss = LOSSES["non-saturating"].with_constants(smoothing=alpha)
    D = optimal_discriminator(np.log(P), np.log(Q), real=1 - alpha)
    s = np.log(D / (1 - D))
    real, fake = of_mass(s, P), of_mass(s, Q)
    gs = [g.value[:, 0] for g in grad(loss.critic(scored(real), scored(fake)), [real, fake])]
    for score in s:  # the two parts of the slope at one atom
        total = sum(g[np.isclose(x.value[:, 0], score)].sum() for g, x in zip(gs, (real, fake), strict=True))
        assert total == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(loss.verdict(Tensor(s)).value, HALF, rtol=1e-12)


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if loss.verdict])
def test_at_the_boundary_the_critic_cannot_tell(name: str) -> None:
    loss = LOSSES[name]
    assert loss.verdict(Tensor(np.array([loss.boundary]))).item() == pytest.approx(0.5, rel=1e-12)


def test_who_has_no_boundary() -> None:
    """Critics that only compare, and models without a critic. The hinge's and TV's say which side, not how likely."""
    assert {name for name, loss in LOSSES.items() if loss.boundary is None} == {
        "wasserstein", *ENERGIES, "relativistic", "relativistic-average", "imle", "mle", "reverse-kl"}
    for name in ("hinge", "f-total-variation"):
        assert LOSSES[name].boundary == 0.0 and LOSSES[name].verdict is None


def test_a_verdict_is_a_probability_that_rises_with_the_score() -> None:
    s = Tensor(np.linspace(-30, 30, 601))
    for name, loss in LOSSES.items():
        if loss.verdict:
            verdict = loss.verdict(s).value
            assert (verdict >= 0).all() and (verdict <= 1).all() and (np.diff(verdict) >= -1e-15).all(), name
            assert verdict[-1] > 0.85 and verdict[0] < 0.15, name


def test_the_js_estimate_at_known_discriminators() -> None:
    """D = ½ says JS = 0; a sure and right D says JS → log 2; a wrong one says less than 0 (a lower bound)."""
    zero, sure = Tensor(np.zeros((4, 1))), Tensor(np.full((4, 1), 60.0))
    assert jensen_shannon_estimate(zero, zero).item() == pytest.approx(0.0, abs=1e-15)
    assert jensen_shannon_estimate(sure, -sure).item() == pytest.approx(np.log(2), rel=1e-12)
    assert jensen_shannon_estimate(-sure, sure).item() < -1


# Shapes, types, programs
def player_values(loss, arrays):
    batches = both(loss, *arrays)
    players = [loss.generator] if loss.critic is None else [loss.generator, loss.critic]
    scores = [batch.scores for batch in batches]
    return [*(player(*batches) for player in players), loss.estimate(*scores)]


@every_loss
def test_a_leading_axis_is_a_row_of_runs(name: str) -> None:
    rng, loss = np.random.default_rng(0), LOSSES[name]
    arrays = [*draw(rng, loss.head, rows=(3,)), *draw(rng, loss.head, rows=(3,))]
    for k, rows in enumerate(player_values(loss, arrays)):
        assert rows.shape == (3,)
        singles = [player_values(loss, [x[r] for x in arrays])[k].item() for r in range(3)]
        np.testing.assert_allclose(rows.value, singles, rtol=1e-12, atol=1e-14)


@every_loss
def test_float32_stays_float32(name: str) -> None:
    rng, loss = np.random.default_rng(0), LOSSES[name]
    arrays = [Tensor(x) for k in range(2) for x in draw(rng, loss.head, dtype="float32")]
    values = player_values(loss, arrays)
    verdict = [] if loss.verdict is None else [loss.verdict(arrays[0])]
    assert {y.dtype for y in [*values, *verdict, *grad(sum(values[:-1], 0.0), arrays)]} == {np.dtype("float32")}


@every_loss
def test_a_step_can_be_recorded(name: str) -> None:
    rng, loss = np.random.default_rng(0), LOSSES[name]
    names = [f"{who}.{k}" for who in ("real", "fake") for k in range(4)]

    def step(state, inputs):
        xs = [state["points"] if key == "fake.0" else inputs[key] for key in names]
        *losses, _ = player_values(loss, xs)
        new = xs[4] - 0.1 * grad(sum(losses, 0.0), xs[4])
        return {"points": new}, {str(k): y for k, y in enumerate(losses)}

    inputs = dict(zip(names, [*draw(rng, loss.head), *draw(rng, loss.head)], strict=True))
    state = {"points": rng.normal(size=inputs["fake.0"].shape)}
    start = state["points"].copy()
    program = record(step, state, inputs)
    report = {key: float(y) for key, y in program().items()}
    new, eager = step({"points": Tensor(start)}, {key: Tensor(x) for key, x in inputs.items()})
    np.testing.assert_array_equal(state["points"], new["points"].value)
    assert report == {key: y.item() for key, y in eager.items()}


@pytest.mark.parametrize("name", LOGISTIC)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exact_at_scores_of_300(name: str, dtype: str) -> None:
    """|s| = 300, right and wrong: finite losses and slopes of either sign, no warning, and half the loss at half s."""
    loss = LOSSES[name]
    for real, fake in ((300.0, -300.0), (-300.0, 300.0), (300.0, 300.0)):
        batches = [scored(np.full((2, 1), s, dtype)) for s in (real, fake)]
        for player in (loss.critic, loss.generator):
            value = player(*batches)
            gs = grad(value, [batch.scores for batch in batches])
            assert np.isfinite(value.value).all() and all(np.isfinite(g.value).all() for g in gs)
    wrong = loss.critic(*[scored(np.full((2, 1), s, dtype)) for s in (-300.0, 300.0)]).item()
    bounded = name.startswith("f-le-cam")  # ½ − 2 and 2 − ½
    assert wrong == pytest.approx(3.0 if bounded else wrong, rel=1e-6)
    assert wrong > (2.9 if bounded else 299)


# Constants
def test_constants_make_another_row() -> None:
    loss = LOSSES["lsgan"].with_constants(a=-1, c=0)
    assert loss.constants == {"a": -1.0, "b": 1.0, "c": 0.0} and type(loss.constants["a"]) is float
    real, fake = (scored(np.random.default_rng(k).normal(size=(6, 1))) for k in range(2))
    for player in ("critic", "generator"):
        same = getattr(LOSSES["lsgan-pearson"], player)(real, fake)
        assert getattr(loss, player)(real, fake).item() == same.item()
    assert loss.boundary == LOSSES["lsgan-pearson"].boundary == 0.0
    assert LOSSES["wasserstein"].with_constants() is LOSSES["wasserstein"]
    assert LOSSES["ebgan"].with_constants(pull_away=0.1).constants == LOSSES["ebgan-pt"].constants


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if loss.constants])
def test_a_row_is_its_family_at_its_constants(name: str) -> None:
    loss = LOSSES[name]
    again = loss.family(**loss.constants)
    assert again.constants == loss.constants and again.head is loss.head and again.family is loss.family
    arrays = [x for _ in range(2) for x in draw(np.random.default_rng(3), loss.head)]
    assert [y.item() for y in player_values(again, arrays)] == [y.item() for y in player_values(loss, arrays)]


@pytest.mark.parametrize(("name", "changed", "words"), [
    ("lsgan", {"d": 1.0}, "no constant 'd'; it has: a = 0, b = 1, c = 1"),
    ("wasserstein", {"margin": 1.0}, "no constant 'margin'; it has: none"),
    ("ebgan", {"margin": float("nan")}, "margin must be a finite number"),
    ("ebgan", {"margin": float("inf")}, "margin must be a finite number"),
    ("ebgan", {"margin": "1"}, "margin must be a finite number"),
    ("ebgan", {"margin": True}, "margin must be a finite number"),
    ("ebgan", {"margin": 0.0}, "margin must be above 0"),
    ("ebgan", {"pull_away": -0.1}, "pull_away not below"),
    ("minimax", {"smoothing": 1.0}, "below 1"),
    ("semi-supervised", {"smoothing": -0.1}, "at least 0"),
    ("lsgan", {"a": 1.0}, "must differ"),
    ("gls-gan", {"slope": 1.5}, "not above 1"),
    ("ls-gan", {"lam": 0.0}, "above 0"),
])
def test_constants_that_mean_nothing(name: str, changed: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LOSSES[name].with_constants(**changed)


# Mistakes
def assert_exact_when_sure(loss) -> None:
    """At D(fake) = 0.9999..., in float32: −log(1 − D) and its slope, to 1e-5."""
    for s in (9.2, 12.0, 20.0, 80.0):
        fake = Tensor(np.full((1, 1), s, np.float32))
        value = loss(Tensor(np.zeros((1, 1), np.float32)), fake)
        assert value.item() - np.log(2) == pytest.approx(-log_expit(-s), rel=1e-5)
        assert grad(value, fake).item() == pytest.approx(expit(s), rel=1e-5)


def clipped_discriminator(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """A known mistake: log of a clipped probability."""
    def clip(p: Tensor) -> Tensor:
        return minimum(maximum(p, 1e-7), 1 - 1e-7)

    return -mean(log(clip(sigmoid(real_scores)))) - mean(log(1.0 - clip(sigmoid(fake_scores))))


def test_logits_are_exact_where_clipped_probabilities_fail() -> None:
    assert_exact_when_sure(discriminator)
    with pytest.raises(AssertionError):
        assert_exact_when_sure(clipped_discriminator)
