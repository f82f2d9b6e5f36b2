"""A step of either player: by hand, what it may touch, what it keeps; and wrong steps that must be noticed."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from minigan.autodiff import grad, record
from minigan.autodiff.tensor import Tensor
from minigan.gans import RECIPES
from minigan.gans.players import STEP_ORDERS, Players
from minigan.lab.train import Training
from minigan.nets import OPTIMIZERS
from tests.gans import reference
from tests.gans.checks import agrees
from tests.gans.faults import (
    AdvancedByTheGenerator,
    AdvancedInEvaluation,
    AdvancedTwice,
    AverageOfTheOld,
    AverageTurnedRound,
    ClippedBefore,
    CriticLeftAhead,
    GradientClipped,
    MeanOfNewAndOld,
    NeverAdvanced,
    NotCheckpointed,
    UnrollDetached,
    UnrolledFromAnotherCritic,
    UnrolledWithoutItsMoments,
    of_players,
)
from tests.gans.tiny import DATA, Arrays, point, steepest, taken, tensors, training

every_recipe = pytest.mark.parametrize("name", RECIPES)


# A step by hand
def by_hand(name: str, x, g, slots, t, eta, beta1=0.5, beta2=0.99, alpha=0.99, mu=0.9):
    """(x′, slots′) of each optimiser, from the papers, in NumPy."""
    if name in ("adam", "optimistic-adam"):
        m, v = beta1 * slots["m"] + (1 - beta1) * g, beta2 * slots["v"] + (1 - beta2) * g**2
        d = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + 1e-8)
        if name == "adam":
            return x - eta * d, {"m": m, "v": v}
        return x - 2 * eta * d + eta * (d if t == 1 else slots["d"]), {"m": m, "v": v, "d": d}
    if name == "rmsprop":
        v = alpha * slots["v"] + (1 - alpha) * g**2
        return x - eta * g / (np.sqrt(v) + 1e-8), {"v": v}
    if name == "momentum":
        u = mu * slots["u"] + g
        return x - eta * u, {"u": u}
    if name == "nesterov":
        u = mu * slots["u"] + g
        return x - eta * (g + mu * u), {"u": u}
    if name == "optimistic":
        return x - 2 * eta * g + eta * (g if t == 1 else slots["g"]), {"g": g}
    return x - eta * g, {}


def slope(run: Training, player: str, state: Arrays, inputs: Arrays) -> np.ndarray:
    return reference.slope(run.config, player, state, inputs)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_two_alternating_steps_by_hand(optimizer: str) -> None:
    """The critic first; the generator against the critic as it then is; each with its own count and rate."""
    run = training("gan", optimizer=optimizer)
    state, inputs = point(run, eta=0.1)
    inputs["eta.theta"] = np.full((), 0.02)
    found, expected = dict(state), dict(state)
    for t in (1, 2):
        for player in ("w", "theta"):
            drawn = inputs | {f"t.{player}": np.full((), float(t)), "real": inputs["real"] * t, "z": inputs["z"] / t}
            g = slope(run, player, expected, drawn)
            slots = {slot: expected[f"{player}.{slot}"] for slot in OPTIMIZERS[optimizer].slots}
            x, slots = by_hand(optimizer, expected[player], g, slots, t, drawn[f"eta.{player}"])
            expected |= {player: x, **{f"{player}.{slot}": value for slot, value in slots.items()}}
            found |= taken(run.players, player, found, drawn)
    for name in ("w", "theta", *(n for n in expected if n.startswith(("w.", "theta.")))):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_simultaneous_step_by_hand(optimizer: str) -> None:
    """Both gradients at the old state."""
    run = training("gan", optimizer=optimizer, update="simultaneous")
    state, inputs = point(run, eta=0.1)
    new = taken(run.players, "w", state, inputs)
    for player in ("w", "theta"):
        slots = {slot: state[f"{player}.{slot}"] for slot in OPTIMIZERS[optimizer].slots}
        x, _ = by_hand(optimizer, state[player], slope(run, player, state, inputs), slots, 1, 0.1)
        np.testing.assert_allclose(new[player], x, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_an_extragradient_step_by_hand(optimizer: str) -> None:
    """Both steps from the old place; both take in a gradient (ExtraAdam, Gidel et al., algorithm 1)."""
    run = training("extragradient", optimizer=optimizer)
    state, inputs = point(run, eta=0.1)
    ahead = dict(state)
    for player in ("w", "theta"):
        slots = {slot: state[f"{player}.{slot}"] for slot in OPTIMIZERS[optimizer].slots}
        x, slots = by_hand(optimizer, state[player], slope(run, player, state, inputs), slots, 1, 0.1)
        ahead |= {player: x, **{f"{player}.{slot}": value for slot, value in slots.items()}}
    new = taken(run.players, "w", state, inputs)
    for player in ("w", "theta"):
        slots = {slot: ahead[f"{player}.{slot}"] for slot in OPTIMIZERS[optimizer].slots}
        x, slots = by_hand(optimizer, state[player], slope(run, player, ahead, inputs), slots, 1, 0.1)
        np.testing.assert_allclose(new[player], x, rtol=1e-9, atol=1e-12)
        for slot, value in slots.items():
            np.testing.assert_allclose(new[f"{player}.{slot}"], value, rtol=1e-9, atol=1e-14)
    now = [run.game.critic_loss(tensors(state), inputs).item(), run.game.generator_loss(tensors(state), inputs).item()]
    assert [new["critic_loss"], new["generator_loss"]] == pytest.approx(now, rel=1e-12)  # where the step began


# What a step may touch
def touches_its_own(run: Training, players: Players) -> None:
    """The critic's step: w and what goes with it; the generator's: θ and what goes with it; either its loss."""
    state, inputs = point(run, eta=0.1)
    for player, loss in [("w", "critic_loss"), ("theta", "generator_loss")]:
        if player == "w" and run.config.loss.critic is None:
            continue
        for name in taken(players, player, state, inputs):
            assert name == loss or name.split(".")[0] == player, f"{player}'s step changes {name}"


@every_recipe
def test_a_step_touches_what_is_its_players_own(name: str) -> None:
    run = training(name, update="alternating")
    touches_its_own(run, run.players)


@pytest.mark.parametrize(("name", "wrong"), [("unrolled", CriticLeftAhead), ("sn-gan", AdvancedByTheGenerator)])
def test_a_step_that_touches_the_other_player_is_noticed(name: str, wrong: type) -> None:
    run = training(name)
    with pytest.raises(AssertionError, match="theta's step changes w"):
        touches_its_own(run, of_players(wrong)(run.players))


def test_the_losses_a_step_reports_are_those_before_it() -> None:
    for update in STEP_ORDERS:
        run = training("gan", update=update)
        state, inputs = point(run, eta=0.1)
        new = taken(run.players, "w", state, inputs) | taken(run.players, "theta", state, inputs)
        assert new["critic_loss"] == run.game.critic_loss(tensors(state), inputs).item()
        assert new["generator_loss"] == run.game.generator_loss(tensors(state), inputs).item()


# Spectral norm's u and v
def advance_once(run: Training, players: Players) -> None:
    """u and v go one iteration on in the critic's step, from the w before it, and nowhere else."""
    state, inputs = point(run, eta=0.1)
    expected = reference.iterated(run.game.critic, state["w"], state["w.s"])
    new = taken(players, "w", state, inputs).get("w.s", state["w.s"])
    np.testing.assert_allclose(new, expected, rtol=1e-10, atol=1e-14)
    if players.update == "alternating":
        assert "w.s" not in taken(players, "theta", state, inputs), "advanced by the generator"


@pytest.mark.parametrize("update", STEP_ORDERS)
@pytest.mark.parametrize("name", ["sn-gan", "sn-wgan"])
def test_power_iteration_advances_once_a_critic_step(name: str, update: str) -> None:
    run = training(name, update=update, critic_steps=1)
    advance_once(run, run.players)


@pytest.mark.parametrize("wrong", [AdvancedTwice, NeverAdvanced, AdvancedByTheGenerator])
def test_power_iteration_otherwise_is_noticed(wrong: type) -> None:
    run = training("sn-gan")
    with pytest.raises(AssertionError):
        advance_once(run, of_players(wrong)(run.players))


def test_a_run_advances_it_as_often_as_the_critic_steps() -> None:
    run = training("sn-wgan", critic_steps=3, steps=2, lr_critic=0.0)  # w stays, so iterations can be counted
    s = run.state["w.s"].copy()
    for _ in run.run():
        pass
    for _ in range(2 * 3):
        s = reference.iterated(run.game.critic, run.state["w"], s)
    np.testing.assert_allclose(run.state["w.s"], s, rtol=1e-9, atol=1e-13)


def evaluates_still(run: Training, critic) -> None:
    """A model's scores use u and v as they are, twice the same, and leave them."""
    x = DATA.sample(np.random.default_rng(0), 5)
    model = run.model
    before = model.state["w.s"].copy()
    scores = [critic(model, x)[0] for _ in (1, 2)]
    net = run.game.critic
    bar = reference.normalized(net, model.w, before)
    expected = net(bar, run.config.spectral_norm * (x - DATA.scaling.shift) / DATA.scaling.length).value[:, 0]
    np.testing.assert_allclose(scores[0], expected, rtol=1e-9)
    np.testing.assert_array_equal(scores[0], scores[1])
    np.testing.assert_array_equal(model.state["w.s"], before)


def test_evaluation_does_not_advance_it() -> None:
    run = training("sn-gan")
    run.iterate()
    evaluates_still(run, type(run.model).critic)
    with pytest.raises(AssertionError):
        evaluates_still(run, AdvancedInEvaluation.critic)


def resumes(cls: type) -> None:
    """A run restored from a checkpoint goes on with the bits of one that was never stopped."""
    config = training("sn-gan", lr_critic=0.1).config
    whole, second = Training(config, DATA), cls(config, DATA)
    for _ in range(2):
        whole.iterate()
    second.restore(whole.checkpoint())
    for run in (whole, second):
        run.iterate()
    for name, value in whole.state.items():
        np.testing.assert_array_equal(value, second.state[name], err_msg=name)


def test_it_survives_a_checkpoint() -> None:
    resumes(Training)
    with pytest.raises(AssertionError):
        resumes(NotCheckpointed)


# Unrolling
def test_no_steps_ahead_is_the_plain_gan() -> None:
    """k = 0: the minimax game, whose generator's gradient the term E log D(x) leaves alone. Checked by: G17."""
    plain, none = training("gan-minimax"), training("unrolled", unroll=0)
    state, inputs = point(plain, eta=0.1)
    assert none.players.unrolled(tensors(state), tensors(inputs)).keys() == state.keys()
    for player in ("w", "theta"):
        new = [taken(run.players, player, state, inputs) for run in (plain, none)]
        for name in new[0].keys() - {"generator_loss"}:
            np.testing.assert_allclose(new[0][name], new[1][name], rtol=1e-12)


def unrolled(k: int, **settings) -> Training:
    return training("unrolled", unroll=k, **settings)


def looks_ahead(run: Training, players: Players) -> None:
    """∇_θ of L_G(θ, w_k(θ)), read off Adam's first moment, m′ = β₁m + (1 − β₁)g, against differences."""
    state, inputs = point(run, eta=0.05)
    rng = np.random.default_rng(1)
    inputs["t.w"] = np.full((), 7.0)  # in the middle of a run: moments, and a count of steps
    for player in ("w", "theta"):
        if f"{player}.m" in state:
            state[f"{player}.m"], state[f"{player}.v"] = (f(size=state[player].shape) for f in (rng.normal, rng.random))
    new = taken(players, "theta", state, inputs)
    if run.config.optimizer == "sgd":
        claimed = (state["theta"] - new["theta"]) / 0.05
    else:
        beta1 = run.config.beta1
        claimed = (new["theta.m"] - beta1 * state["theta.m"]) / (1 - beta1)
    agrees(claimed, lambda theta: reference.generator(run.config, state | {"theta": theta}, inputs), state["theta"],
           "the unrolled generator")
    ahead = players.unrolled(tensors(state), tensors(inputs))
    np.testing.assert_allclose(ahead["w"].value, reference.ahead(run.config, state, inputs), rtol=1e-9, atol=1e-12)


KINDS = [{"optimizer": "adam"}, {"optimizer": "sgd"}, {"optimizer": "adam", "unroll_optimizer": "sgd"}]


@pytest.mark.parametrize("settings", KINDS, ids=str)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_generator_differentiates_through_the_critics_steps(k: int, settings: dict) -> None:
    run = unrolled(k, **settings)
    looks_ahead(run, run.players)


@pytest.mark.parametrize(("wrong", "settings"), [
    *product([UnrollDetached, UnrolledFromAnotherCritic], KINDS), (UnrolledWithoutItsMoments, KINDS[0]),
], ids=str)
def test_an_unroll_that_is_none_is_noticed(wrong: type, settings: dict) -> None:
    run = unrolled(2, **settings)
    with pytest.raises(AssertionError, match="differences"):
        looks_ahead(run, of_players(wrong)(run.players))


def test_looking_ahead_leaves_the_critic_where_it_is() -> None:
    run = unrolled(3)
    run.steps.take(run.steps.critic(1), run.step)
    before = {name: x.copy() for name, x in run.state.items() if name.startswith("w")}
    run.steps.take(run.steps.generator, run.step)
    for name, x in before.items():
        np.testing.assert_array_equal(run.state[name], x, err_msg=name)


def test_steps_ahead_are_clipped_as_the_critics_own() -> None:
    run = training("wgan", optimizer="sgd", unroll=2, clip=0.3)
    state, inputs = point(run, eta=0.1)
    w = np.clip(state["w"], -0.3, 0.3)
    ahead = run.players.unrolled(tensors(state | {"w": w}), tensors(inputs))["w"].value
    for _ in range(2):
        w = np.clip(w - 0.1 * slope(run, "w", state | {"w": w}, inputs), -0.3, 0.3)
    np.testing.assert_allclose(ahead, w, rtol=1e-9, atol=1e-12)


# What is kept of the past
def history_of(run: Training, players: Players, steps: int = 4) -> tuple[list[Arrays], Arrays]:
    """θ and w at each step of a recorded run, and the state at its end."""
    state, inputs = point(run, eta=0.1)
    for player in ("w", "theta"):
        for past in ("mean", "ema"):
            if f"{player}.{past}" in state:
                state[f"{player}.{past}"] = state[player].copy()
    programs = [record(step, state, inputs) for step in (players.critic_step, players.generator_step)]
    seen = [{p: state[p].copy() for p in ("w", "theta")}]
    for t in range(1, steps + 1):
        for program in programs:
            program(**{"t.w": np.full((), float(t)), "t.theta": np.full((), float(t))})
        seen.append({p: state[p].copy() for p in ("w", "theta")})
    return seen, state


def averages(run: Training, players: Players) -> None:
    """θ̄ is the mean of all that was, the start included; the EMA Σ β^{n−i} (1 − β) θᵢ + βⁿ θ₀."""
    seen, state = history_of(run, players)
    assert any(name in state for name in ("theta.mean", "theta.ema"))
    if "theta.mean" in state:
        for p in ("w", "theta"):
            np.testing.assert_allclose(state[f"{p}.mean"], np.mean([x[p] for x in seen], axis=0), rtol=1e-9, atol=1e-12)
    if "theta.ema" in state:
        beta, n = run.config.ema, len(seen) - 1
        ema = beta**n * seen[0]["theta"] + sum((1 - beta) * beta ** (n - i) * seen[i]["theta"] for i in range(1, n + 1))
        np.testing.assert_allclose(state["theta.ema"], ema, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "settings"), [("historical", {}), ("ema", {"ema": 0.8}), ("ema", {"ema": 0.3})])
def test_averages_by_hand(name: str, settings: dict) -> None:
    run = training(name, **settings)
    averages(run, run.players)


@pytest.mark.parametrize(("name", "wrong"), [
    ("historical", MeanOfNewAndOld), ("historical", AverageOfTheOld), ("ema", AverageTurnedRound),
    ("ema", AverageOfTheOld),
])
def test_wrong_averages_are_noticed(name: str, wrong: type) -> None:
    run = training(name, **({"ema": 0.8} if name == "ema" else {}))
    with pytest.raises(AssertionError):
        averages(run, of_players(wrong)(run.players))


def test_samples_come_from_the_average_and_training_from_the_parameters() -> None:
    plain, run = training("gan", lr_generator=0.1), training("ema", ema=0.9, lr_generator=0.1)
    for _ in range(4):
        plain.iterate()
        run.iterate()
    np.testing.assert_array_equal(plain.state["theta"], run.state["theta"])
    assert np.abs(run.state["theta"] - run.state["theta.ema"]).max() > 1e-3
    np.testing.assert_array_equal(run.model.theta, run.state["theta.ema"])
    z = np.random.default_rng(0).standard_normal((6, 2))
    drawn = run.model.sample(np.random.default_rng(0), 6)
    expected = run.game.generator(run.state["theta.ema"], z).value * DATA.scaling.length + DATA.scaling.shift
    np.testing.assert_allclose(drawn, expected, rtol=1e-12)


# Clipping
def clips(run: Training, players: Players) -> None:
    """w ← clip(w − η∇, −c, c), NumPy's."""
    state, inputs = point(run, eta=0.3)
    state["w"] = np.clip(state["w"], -0.2, 0.2)
    free = state["w"] - 0.3 * slope(run, "w", state, inputs)
    new = taken(players, "w", state, inputs)
    assert 0.05 < (np.abs(free) > 0.2).mean() < 0.95
    np.testing.assert_allclose(new["w"], np.clip(free, -0.2, 0.2), rtol=1e-9, atol=1e-12)
    assert np.abs(new["w"]).max() <= 0.2


@pytest.mark.parametrize("update", STEP_ORDERS[:2])
def test_the_weights_are_clipped_after_the_step(update: str) -> None:
    run = training("wgan", optimizer="sgd", clip=0.2, update=update, critic_steps=1, burst=0)
    clips(run, run.players)


@pytest.mark.parametrize("wrong", [ClippedBefore, GradientClipped])
def test_clipping_anything_else_is_noticed(wrong: type) -> None:
    run = training("wgan", optimizer="sgd", clip=0.2)
    with pytest.raises(AssertionError):
        clips(run, of_players(wrong)(run.players))


def test_the_generator_is_never_clipped() -> None:
    for update in STEP_ORDERS:
        run = training("wgan", optimizer="sgd", clip=0.01, update=update, critic_steps=1, burst=0)
        state, inputs = point(run, eta=0.1)
        assert np.abs(taken(run.players, "theta", state, inputs)["theta"]).max() > 0.1


# Before the game, and around it
@pytest.mark.parametrize("more", [{}, {"spectral_norm": 1.0}, {"history": 0.1}], ids=str)
def test_pretraining_is_the_critics_and_of_the_data_alone(more: dict) -> None:
    """w ← w − η ∇ E ‖x − AE(x)‖: no fake is drawn, θ stays; u, v and w̄ go on as in any critic step."""
    run = training("ebgan", optimizer="sgd", **more)
    state, inputs = point(run, eta=0.1)
    new = {k: x.value for k, x in run.players.pretrain_step(tensors(state), tensors(
        {k: x for k, x in inputs.items() if k != "z"}))[0].items()}
    assert {name.split(".")[0] for name in new} == {"w"}
    s = state | ({"w.s": reference.iterated(run.game.critic, state["w"], state["w.s"])} if "w.s" in state else {})

    def energy(w: np.ndarray) -> float:
        return reference.critic_output(run.config, s | {"w": w}, Tensor(inputs["real"])).scores.value.mean()

    agrees((state["w"] - new["w"]) / 0.1, energy, state["w"], "pretraining")
    if "w.s" in state:
        np.testing.assert_allclose(new["w.s"], s["w.s"], rtol=1e-10, atol=1e-14)
    if "w.mean" in state:
        np.testing.assert_allclose(new["w.mean"], (state["w.mean"] + new["w"]) / 2, rtol=1e-12)


def test_pretraining_comes_once_before_the_first_step() -> None:
    run = training("ebgan", pretrain=7, optimizer="adam")
    run.iterate()
    assert run.steps.critic_count == 7 + 1
    run.iterate()
    assert run.steps.critic_count == 7 + 2


@pytest.mark.parametrize("settings", [
    {"generator_norm": "virtual", "critic_norm": "virtual"}, {"generator_norm": "batch", "critic_norm": "batch"},
    {"minibatch": 3},
], ids=str)
def test_reference_batches_stay(settings: dict) -> None:
    run = training("gan", **settings)
    before = {k: x.copy() for k, x in run.state.items() if k.endswith("reference")}
    assert before
    for _ in run.run():
        pass
    for k, x in before.items():
        np.testing.assert_array_equal(run.state[k], x)
        np.testing.assert_array_equal(run.model.state[k], x)


def test_instance_noise_fades_to_nothing() -> None:
    run = training("instance-noise", steps=5, instance_noise=0.5)
    seen = []
    for _ in range(5):
        run.iterate()
        seen.append(float(run.steps.numbers["sigma"]))
    np.testing.assert_allclose(seen, 0.5 * (1 - np.arange(5) / 5), rtol=1e-12)  # and 0 at the step after the last
    still = training("instance-noise", noise_schedule="constant", instance_noise=0.5)
    for _ in range(3):
        still.iterate()
    assert float(still.steps.numbers["sigma"]) == 0.5


def test_each_players_noise_is_drawn_anew() -> None:
    run = training("instance-noise")
    drawn = []
    for step in (run.steps.critic(1), run.steps.critic(1), run.steps.generator):
        run.steps.take(step, run.step)
        drawn.append(run.steps.inputs["noise.fake"].copy())
    assert all(np.abs(a - b).min() > 0 for a, b in [(drawn[0], drawn[1]), (drawn[1], drawn[2])])
    assert np.abs(run.steps.inputs["noise.fake"] - run.steps.inputs["noise.real"]).min() > 0


def test_two_time_scales() -> None:
    """Each player's own rate: with one of them 0 that player stands still."""
    for rates, still in [({"lr_critic": 0.0}, "w"), ({"lr_generator": 0.0}, "theta")]:
        run = training("ttur", **rates)
        before = {p: run.state[p].copy() for p in ("w", "theta")}
        run.iterate()
        for p in ("w", "theta"):
            assert (np.abs(run.state[p] - before[p]).max() == 0) == (p == still)


# Optimistic and extra-gradient steps on min max xy, where plain ones diverge, are in test_linear.py.


# Rows
@pytest.mark.slow("rows of runs beside single runs, for each recipe")
@every_recipe
def test_rows_equal_single_runs_whatever_becomes_of_another_row(name: str) -> None:
    """Five steps of three seeds at once, the second of them nan from the start."""
    together = training(name, seeds=(3, 5, 8))
    together.state["theta"][1] = np.nan
    alone = [training(name, seed=seed) for seed in (3, 8)]
    for _ in range(5):
        for run in (together, *alone):
            run.iterate()
    together.check_health()
    assert list(together.failed) == [5] and together.seeds == (3, 5, 8)
    for r, run in zip((0, 2), alone, strict=True):
        for key, value in run.state.items():
            row = together.state[key][:, r] if key == "nonfinite" else together.state[key][r]
            np.testing.assert_allclose(row, value, rtol=1e-6, atol=1e-12, err_msg=f"{key} of seed {run.config.seed}")
            assert np.isfinite(row).all()
    player = "theta" if run.config.loss.critic is None else "w"
    assert np.abs(together.state[player][0] - together.state[player][2]).max() > 1e-3


def test_consensus_is_of_both_velocities_for_both_players() -> None:
    """The critic's step depends on the generator's velocity: with γ = 0 it does not."""
    for gamma, same in [(0.0, True), (0.5, False)]:
        run = steepest("consensus", consensus=gamma)
        state, inputs = point(run, eta=0.1)
        flat = replace(run.players, game=replace(run.game, loss=replace(
            run.game.loss, generator=lambda real, fake: 0.5 * fake.scores.mean())))
        new = [taken(players, "w", state, inputs)["w"] for players in (run.players, flat)]
        assert (np.abs(new[0] - new[1]).max() < 1e-12) == same


def test_the_gradient_of_one_player_never_enters_the_other() -> None:
    """θ's part of the critic's loss is there, and not followed."""
    run = training("gan")
    state, inputs = point(run)
    w, theta = Tensor(state["w"]), Tensor(state["theta"])
    loss = run.game.critic_loss(state | {"w": w, "theta": theta}, inputs)
    assert np.abs(grad(loss, theta).value).max() > 0
    assert np.abs(taken(run.players, "w", state, inputs).get("theta", state["theta"]) - state["theta"]).max() == 0
