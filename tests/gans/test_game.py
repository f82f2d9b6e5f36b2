"""What either player minimises: values by hand, what a critic is shown, leading axes, and what is asked for."""

import numpy as np
import pytest
from scipy.special import logsumexp

from minigan.autodiff import grad
from minigan.autodiff.tensor import Tensor
from minigan.gans import LOSSES, RECIPES, Game, packed, recipe
from minigan.lab.config import configure
from minigan.lab.model import build_game
from minigan.lab.train import Training
from minigan.nets import MLP, Ensemble
from tests.gans import reference
from tests.gans.faults import Promoted
from tests.gans.tiny import DATA, movers, point, steepest, tensors, training

every_recipe = pytest.mark.parametrize("name", RECIPES)


def losses(g: Game, player: str):
    return g.critic_loss if player == "w" else g.generator_loss


# Values
@every_recipe
def test_values_are_those_written_out_once_more(name: str) -> None:
    """Derivatives are in test_recipes.py: those would not tell a constant."""
    run = training(name, unroll=0, consensus=0.0)
    for seed in range(3):
        state, inputs = point(run, seed)
        for player in movers(run):
            found = losses(run.game, player)(tensors(state), tensors(inputs)).item()
            assert found == pytest.approx(reference.value(run.config, player, state, inputs), rel=1e-9, abs=1e-12)


def test_wgan_gp_by_hand() -> None:
    """f(x) = tanh(x W + b) v + c, ∇f = W (v ⊙ (1 − h²)): not one function of the package."""
    rng = np.random.default_rng(0)
    w, theta, real, z, eps = [rng.normal(size=n) for n in (4 * 5 + 1, 8, (6, 2), (6, 2), (6, 1))]
    found = Game(loss=LOSSES["wasserstein"], generator=MLP((2, 1, 2), "tanh"), critic=MLP((2, 5, 1), "tanh"),
                 penalty_kind="two-sided", penalty=0.7)
    theta = rng.normal(size=found.generator.size)
    A, a, B, b = theta[:2].reshape(2, 1), theta[2:3], theta[3:5].reshape(1, 2), theta[5:7]
    W, bias, v, c = w[:10].reshape(2, 5), w[10:15], w[15:20], w[20]
    fake = np.tanh(z @ A + a) @ B + b

    def f(x):
        return np.tanh(x @ W + bias) @ v + c

    slopes = ((1 - np.tanh((eps * real + (1 - eps) * fake) @ W + bias) ** 2) * v) @ W.T
    critic = f(fake).mean() - f(real).mean() + 0.7 * np.mean((np.linalg.norm(slopes, axis=1) - 1) ** 2)
    state, inputs = {"w": Tensor(w), "theta": Tensor(theta)}, {"real": real, "z": z, "eps": eps}
    assert found.critic_loss(state, inputs).item() == pytest.approx(critic, rel=1e-12)
    assert found.generator_loss(state, inputs).item() == pytest.approx(-f(fake).mean(), rel=1e-12)


def test_semi_supervised_is_softmax_over_the_classes_and_a_fake_one() -> None:
    """K + 1 logits, the last of them 0: −log of the right one, of "real" or of "fake". Checked by: G23."""
    run = training("semi-supervised", penalty_kind="none")
    state, inputs = point(run)
    real, fake = run.game.batches(tensors(state), tensors(inputs))
    tops = [np.hstack([x.outputs.value, np.zeros((4, 1))]) for x in (real, fake)]
    log_p, log_q = (x - logsumexp(x, axis=1, keepdims=True) for x in tops)
    told = inputs["labels"].sum(axis=1) > 0
    classes = tops[0][told, :-1] - logsumexp(tops[0][told, :-1], axis=1, keepdims=True)
    expected = (-logsumexp(log_p[:, :-1], axis=1).mean() - log_q[:, -1].mean()
                - (classes * inputs["labels"][told]).sum(axis=1).mean())
    assert told.sum() == 3
    assert run.game.critic_loss(tensors(state), tensors(inputs)).item() == pytest.approx(expected, rel=1e-12)


# What the critic is shown
@every_recipe
def test_one_pass_for_real_and_fake_is_two_passes(name: str) -> None:
    run = training(name)
    state, inputs = (tensors(x) for x in point(run))
    for one, other in zip(*[run.game.batches(state, inputs, jointly) for jointly in (True, False)], strict=True):
        for part in ("scores", "outputs", "features", "code"):
            np.testing.assert_allclose(getattr(one, part).value, getattr(other, part).value, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("settings", [{"critic_norm": "batch"}, {"minibatch": 3}], ids=str)
def test_data_and_fakes_are_batches_of_their_own(settings: dict) -> None:
    """Other fakes change no score of the data, and a critic that couples samples is never shown both at once."""
    run = training("gan", **settings)
    state, inputs = point(run)
    others = inputs | {"z": np.sin(3 * inputs["z"])}
    shown = []
    plain = Game.critic_output

    class Watched(Game):
        def critic_output(self, state, x, reference=None):
            shown.append(x.shape)
            return plain(self, state, x, reference)

    watched = Watched(**vars(run.game))
    before = [x.scores.value for x in watched.batches(tensors(state), tensors(inputs), jointly=True)]
    after = [x.scores.value for x in watched.batches(tensors(state), tensors(others), jointly=True)]
    assert set(shown) == {(4, 2)}
    np.testing.assert_array_equal(before[0], after[0])
    assert np.abs(before[1] - after[1]).min() > 1e-6
    one = inputs["real"].copy()
    one[0] += 0.5
    moved = watched.batches(tensors(state), tensors(inputs | {"real": one}))[0].scores.value
    assert np.abs(moved - before[0]).min() > 1e-9, "batch-mates do matter"


def test_virtual_batch_norm_sees_nothing_of_the_batch() -> None:
    run = training("virtual-batch-norm")
    state, inputs = point(run)
    other = inputs | {name: np.concatenate([inputs[name][:1], 3 * inputs[name][1:]]) for name in ("real", "z")}
    for one, two in zip(*[run.game.batches(tensors(state), tensors(x)) for x in (inputs, other)], strict=True):
        np.testing.assert_allclose(one.points.value[0], two.points.value[0], rtol=1e-12)
        np.testing.assert_allclose(one.scores.value[0], two.scores.value[0], rtol=1e-12)
    for name in ("w.reference", "theta.reference"):
        moved = state | {name: 2 * state[name]}
        assert np.abs(run.game.batches(tensors(moved), tensors(inputs))[1].scores.value - one.scores.value).max() > 1e-6


def test_instance_noise_is_on_all_that_either_player_sees() -> None:
    run = training("instance-noise")
    state, inputs = point(run)
    plain = {name: x for name, x in inputs.items() if name != "sigma"}
    noisy, clean = (run.game.batches(tensors(state), tensors(x)) for x in (inputs, plain))
    for kind, one, other in zip(("real", "fake"), noisy, clean, strict=True):
        np.testing.assert_allclose(one.points.value - other.points.value, 0.4 * inputs[f"noise.{kind}"], atol=1e-12)
    for player in ("w", "theta"):
        still = losses(run.game, player)(tensors(state), tensors(inputs | {"sigma": np.zeros(())})).item()
        assert still == pytest.approx(losses(run.game, player)(tensors(state), tensors(plain)).item(), rel=1e-14)


def test_packs_are_samples_side_by_side() -> None:
    x = np.arange(12.0).reshape(6, 2)
    np.testing.assert_array_equal(packed(Tensor(x), 3).value, [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]])
    np.testing.assert_array_equal(packed(Tensor(np.stack([x, -x])), 2).value[1], -x.reshape(3, 4))
    assert packed(t := Tensor(x), 1) is t
    with pytest.raises(ValueError, match="6 samples do not make packs of 4"):
        packed(Tensor(x), 4)
    run = training("packing", pack=3)
    state, inputs = point(run)
    real, fake = run.game.batches(tensors(state), tensors(inputs))
    assert real.points.shape == fake.points.shape == (4, 6) and inputs["real"].shape == (12, 2)
    np.testing.assert_array_equal(real.points.value[1], inputs["real"][3:6].ravel())
    assert real.scores.shape == (4, 1)


def test_an_ensemble_makes_equal_shares() -> None:
    """A generator learns from its own share alone, and the loss is the mean over all."""
    run = training("ensemble", generators=2)
    state, inputs = point(run)
    net = run.game.generator
    assert isinstance(net, Ensemble)
    thetas = state["theta"].reshape(2, -1)
    fake = run.game.fake(tensors(state), tensors(inputs)).value
    for k in (0, 1):
        np.testing.assert_allclose(fake[k::2], net.net(thetas[k], inputs["z"][k::2]).value, rtol=1e-12)
    theta = Tensor(state["theta"])
    whole = grad(run.game.generator_loss(state | {"theta": theta}, inputs), theta).value.reshape(2, -1)
    alone = Game(loss=run.game.loss, generator=net.net, critic=run.game.critic)
    for k in (0, 1):
        one = Tensor(thetas[k])
        loss = alone.generator_loss(state | {"theta": one}, inputs | {"z": inputs["z"][k::2]})
        np.testing.assert_allclose(whole[k], 0.5 * grad(loss, one).value, rtol=1e-9, atol=1e-12)


def test_label_smoothing_is_of_the_data_alone() -> None:
    """−0.9 log D(x) − 0.1 log(1 − D(x)), and −log(1 − D(G(z))) as it was."""
    plain, smooth = training("gan"), training("label-smoothing")
    state, inputs = point(plain)
    real = plain.game.batches(tensors(state), tensors(inputs))[0].scores.value
    rise = [x.game.critic_loss(tensors(state), tensors(inputs)).item() for x in (plain, smooth)]
    assert rise[1] - rise[0] == pytest.approx(0.1 * real.mean(), rel=1e-9)
    same = [x.game.generator_loss(tensors(state), tensors(inputs)).item() for x in (plain, smooth)]
    assert same[0] == same[1]


def test_what_the_critics_output_holds() -> None:
    wide = training("ebgan")
    state, inputs = point(wide)
    found = wide.game.critic_output(tensors(state), inputs["real"])
    assert [x.shape for x in found] == [(4, 1), (4, 2), (4, 5), (4, 3)]  # the last hidden layer; the narrowest one
    energy = np.linalg.norm(found.outputs.value - inputs["real"], axis=1, keepdims=True)
    np.testing.assert_allclose(found.scores.value, energy, rtol=1e-12)
    flat = training("gan", critic=())
    state, inputs = point(flat)
    found = flat.game.critic_output(tensors(state), inputs["real"])
    np.testing.assert_array_equal(found.features.value, inputs["real"])  # no hidden layer: the point itself


# What is asked for
class Asked(dict):
    """A dictionary that remembers what was taken from it."""

    def __init__(self, values: dict):
        super().__init__(values)
        self.names: set[str] = set()

    def __getitem__(self, name):
        self.names.add(name)
        return super().__getitem__(name)


MORE = {  # than θ, w, real data and z
    **{key: {"eps"} for key in ["wgan-gp", "wgan-lp", "layer-norm", "gls-gan"]}, "dragan": {"delta"},
    "instance-noise": {"sigma", "noise.real", "noise.fake"}, "semi-supervised": {"labels"},
    "sn-gan": {"w.s"}, "sn-wgan": {"w.s"}, "virtual-batch-norm": {"w.reference", "theta.reference"},
    "historical": {"theta.mean", "w.mean"},
}


@every_recipe
def test_a_game_needs_no_more_than_it_says(name: str) -> None:
    run = training(name)
    state, inputs = point(run)
    inputs = {k: x for k, x in inputs.items() if k in {"real", "z"} | MORE.get(name, set())}
    state = {k: x for k, x in state.items() if k in {"theta", "w"} | MORE.get(name, set())}
    asked = [Asked(tensors(state)), Asked(tensors(inputs))]
    for player in movers(run):
        losses(run.game, player)(*asked).item()
    assert asked[0].names <= set(state) and MORE.get(name, set()) <= {*state, *inputs}


# Rows and precision
@every_recipe
def test_rows_of_runs_equal_single_runs(name: str) -> None:
    run = steepest(name)
    points = [point(run, seed) for seed in range(3)]
    state, inputs = ({k: np.stack([p[i][k] for p in points]) if points[0][i][k].ndim else points[0][i][k]
                      for k in points[0][i]} for i in (0, 1))
    for player in movers(run):
        loss = losses(run.game, player)
        x = Tensor(state[player])
        rows = loss(tensors(state) | {player: x}, tensors(inputs))
        assert rows.shape == (3,)
        g = grad(rows.sum(), x).value
        for r, (one, drawn) in enumerate(points):
            y = Tensor(one[player])
            alone = loss(tensors(one) | {player: y}, tensors(drawn))
            assert rows.value[r] == pytest.approx(alone.item(), rel=1e-12, abs=1e-13)
            np.testing.assert_allclose(g[r], grad(alone, y).value, rtol=1e-8, atol=1e-11)


def keeps_float32(run: Training, game: Game) -> None:
    state, inputs = ({k: x.astype("float32") for k, x in part.items()} for part in point(run))
    for player in movers(run):
        x = Tensor(state[player])
        loss = losses(game, player)(tensors(state) | {player: x}, tensors(inputs))
        assert loss.dtype == grad(loss, x).dtype == "float32"


@every_recipe
def test_float32_stays_float32(name: str) -> None:
    run = training(name)
    keeps_float32(run, run.game)


def test_a_promotion_is_noticed() -> None:
    run = training("gan")
    with pytest.raises((AssertionError, TypeError)):
        keeps_float32(run, Promoted(**vars(run.game)))


# What is refused
def test_what_a_game_cannot_do_is_an_error_that_says_so() -> None:
    imle, gan = training("imle"), training("gan")
    state, inputs = point(imle)
    with pytest.raises(ValueError, match="no critic"):
        imle.game.critic_loss(tensors(state), tensors(inputs))
    with pytest.raises(ValueError, match="nothing to learn before"):
        gan.game.pretrain_loss(*map(tensors, point(gan)))
    blind = build_game(training("reverse-kl").config, DATA.dim)  # no density of the data
    with pytest.raises(ValueError, match=r"needs log p\(x\)"):
        blind.generator_loss(*map(tensors, point(training("reverse-kl"))))
    with pytest.raises(ValueError, match="must come in pairs"):
        wgan = training("wgan-gp")
        state, inputs = point(wgan)
        wgan.game.critic_loss(tensors(state), tensors(inputs | {"real": inputs["real"][:2]}))


def test_an_unknown_recipe_suggests_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"unknown recipe 'wgan-gpp'; did you mean 'wgan-gp'\?.*gan-minimax"):
        recipe("wgan-gpp")


def test_what_a_recipe_does_not_name_does_nothing() -> None:
    plain = build_game(configure("gan", latent=2), 2)
    # a weight of no penalty
    neutral = Game(loss=plain.loss, generator=plain.generator, critic=plain.critic, penalty=plain.penalty)
    assert plain == neutral and plain.penalty_kind == "none"
