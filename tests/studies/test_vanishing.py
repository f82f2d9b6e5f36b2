"""Arjovsky and Bottou's experiment: the saturating gradient dies, the others do not; and it is what it says it is."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.stats import bootstrap

from minigan import arrays
from minigan.autodiff import Tensor, grad
from minigan.gans.players import Players
from minigan.lab.config import configure
from minigan.lab.data import data_from
from minigan.lab.state import STREAMS
from minigan.lab.train import Training, TrainingError
from minigan.studies import vanishing
from minigan.studies.intervals import interval_over, level
from minigan.theory.optimal import saturation_bound

LOSSES = ("saturating", "non-saturating", "wasserstein")
SMALL = partial(vanishing.spots, side=6)
# smooth, and small enough for finite differences
TINY = {"generator": (4,), "critic": (5,), "activation": "tanh", "batch": 16, "latent": 2}
TINY_SPOTS = partial(vanishing.spots, side=3)


@pytest.fixture(scope="module")
def found():
    return vanishing.vanishing_gradients(data=SMALL, **vanishing.QUICK)


def tiny(**changed):
    settings = {"budgets": (5, 20), "steps": 6, "seeds": (0, 3), "data": TINY_SPOTS, "every": 3, **TINY}
    return vanishing.vanishing_gradients(**settings | changed)


# -- what must hold of a result ----------------------------------------------------------------------
def check_the_story(found):
    fallen = {name: np.log10(found[name][..., 0] / found[name][..., -1]) for name in LOSSES}
    assert fallen["saturating"].min() > 2  # of every seed, at every budget
    assert np.abs(fallen["wasserstein"]).max() < 1
    assert fallen["non-saturating"].max() < 0
    assert (np.diff(np.log(found["saturating"][..., 2:]).mean(1)) < 0).all()  # once it falls, it goes on


def check_fresh(found):
    """At the first look a discriminator knows nothing, whatever the budget; at the last it is nearly sure."""
    assert found["js"][..., 0].max() < 0.2
    assert found["js"][..., -1].min() > np.log(2) - 0.01


def check_frozen(found, **settings):
    """θ is what a training of the same seed, alone and uninterrupted, has after so many steps."""
    for r, budget in enumerate(found["budgets"]):
        config = configure("gan", steps=int(budget), seed=int(found["seeds"][-1]), **{**vanishing.SETTINGS, **settings})
        training = Training(config, data_from(TINY_SPOTS))
        for _ in range(budget):
            training.iterate()
        np.testing.assert_allclose(found["theta"][r, -1], training.state["theta"], rtol=1e-5, atol=1e-6)


def test_the_saturating_gradient_dies_by_orders_of_magnitude_and_the_others_do_not(found):
    check_the_story(found)
    check_fresh(found)
    assert {found[name].shape for name in (*LOSSES, "js", "w1")} == {(3, 3, 21)}  # budgets, seeds, steps
    assert found["steps"].tolist() == list(range(0, 501, 25)) and found["budgets"].tolist() == [30, 100, 300]
    assert all(x.dtype == np.float64 for x in found.values() if x.dtype.kind == "f")
    assert (found["w1"][..., -1].mean(1) > 1).all() and (np.diff(found["w1"][..., -1].mean(1)) < 0).all()  # G learned


def test_generators_are_frozen_where_their_training_stood():
    check_frozen(tiny(), **TINY)


def test_rows_are_the_runs_of_their_seeds_and_budgets_alone():
    both = tiny()
    alone = tiny(seeds=(3,), budgets=(20,))
    for name in (*LOSSES, "js", "w1"):
        np.testing.assert_allclose(alone[name][0, 0], both[name][1, 1], rtol=1e-6)
    assert (both["saturating"][0] != both["saturating"][1]).all()


def test_critics_start_fresh_each_from_its_seed_and_the_same_for_every_budget():
    data, config = data_from(TINY_SPOTS), configure("gan", dtype="float64", **TINY)
    theta = tiny()["theta"]
    for opponent in vanishing.OPPONENTS:
        here = vanishing.set_up(opponent, config, data, theta, (0, 3))
        for r, seed in enumerate((0, 3)):
            stream = arrays.streams(seed, *STREAMS, *vanishing.FRESH)["fresh critic"]
            w = here.players.game.critic.init(stream, dtype="float64")
            np.testing.assert_array_equal(here.state["w"][:, r], [w, w])
            seen_before = np.concatenate([
                Training(replace(config, seed=seed), data).state["w"], theta[:, r].ravel()]).astype("float32")
            assert not np.isin(w[w != 0].astype("float32"), seen_before).any()  # no draw of the training before


def watched(data, seed, latent):
    """The batch that the norms are of, drawn again."""
    stream = arrays.streams(seed, *STREAMS, *vanishing.FRESH)["the watched batch"]
    real = np.empty((vanishing.WATCHED, data.dim))
    data.draw(stream, real)
    return real, stream.standard_normal((vanishing.WATCHED, latent))


def by_hand(shapes, parameters, x):
    """A perceptron of tanh, in plain NumPy."""
    arrays_, start = [], 0
    for shape in shapes:
        arrays_.append(parameters[start : start + np.prod(shape)].reshape(shape))
        start += np.prod(shape)
    for k in range(0, len(arrays_), 2):
        x = x @ arrays_[k] + arrays_[k + 1]
        x = np.tanh(x) if k + 2 < len(arrays_) else x
    return x


FORMULAS = {
    "saturating": lambda s: np.log(1 - 1 / (1 + np.exp(-s))), "non-saturating": lambda s: -np.log(1 / (1 + np.exp(-s))),
    "wasserstein": lambda s: -s,
}


def check_norms(steps=7):
    """Against central differences of the loss in plain NumPy, by each coordinate of θ, of critics half-learned."""
    data, config, theta = data_from(TINY_SPOTS), configure("gan", dtype="float64", **TINY), tiny()["theta"]
    for opponent in vanishing.OPPONENTS:
        here = vanishing.set_up(opponent, config, data, theta, (0, 3))
        step = vanishing.record(here.players.critic_step, here.state, here.inputs)
        for _ in range(steps):
            vanishing.draw_batches(here, data)
            step()
        told = vanishing.watcher(opponent, here, data)()
        match = here.players.game
        for r, seed in enumerate((0, 3)):
            _, z = watched(data, seed, 2)

            def loss(name, at, w, z=z, match=match):
                fakes = by_hand(match.generator.layout.shapes, at, z)
                return FORMULAS[name](by_hand(match.critic.layout.shapes, w, fakes)).mean()

            for name in opponent.watched:
                at, w, h = theta[1, r], here.state["w"][1, r], 1e-5
                slopes = [(loss(name, at + h * e, w) - loss(name, at - h * e, w)) / (2 * h) for e in np.eye(len(at))]
                np.testing.assert_allclose(told[name][1, r], np.linalg.norm(slopes), rtol=1e-6)


def test_norms_are_those_of_finite_differences():
    check_norms()


def test_norms_keep_under_the_bound_of_theorem_2_4(monkeypatch):
    monkeypatch.setattr(vanishing, "WATCHED", 64)
    data, theta = data_from(TINY_SPOTS), tiny()["theta"]
    config = configure("gan", dtype="float64", lr_critic=0.02, **TINY)
    opponent = vanishing.OPPONENTS[0]
    here = vanishing.set_up(opponent, config, data, theta, (0, 3))
    step = vanishing.record(here.players.critic_step, here.state, here.inputs)
    watch = vanishing.watcher(opponent, here, data)
    bounded = 0
    for t in range(1500):
        vanishing.draw_batches(here, data)
        here.inputs["t.w"][...] = t + 1
        step()
        if t % 300 == 299:
            norms = watch()["saturating"]
            for r, seed in enumerate((0, 3)):
                z = watched(data, seed, 2)[1]
                rows = Tensor(np.tile(theta[0, r], (len(z), 1)))  # a θ for each sample: its gradients are the rows of J
                x = here.players.game.generator(rows, z[:, None, :])
                jacobian = np.stack([grad(x[..., k].sum(), rows).value for k in range(data.dim)])
                points = Tensor(x.value[:, 0])
                scores = here.players.game.critic(here.state["w"][0, r], points)
                slope = np.linalg.norm(grad(scores.sum(), points).value, axis=1)
                D = 1 / (1 + np.exp(-scores.value[:, 0]))
                eps = float((D + D * (1 - D) * slope).max())
                if eps < 1:
                    bounded += 1
                    bound = saturation_bound(float(np.sqrt((jacobian**2).sum((0, 2)).mean())), eps)
                    assert 0 < norms[0, r] <= bound
    assert bounded >= 4


# -- planted faults ----------------------------------------------------------------------------------
def test_a_generator_that_is_not_frozen_is_noticed(monkeypatch):
    honest = Players.critic_step

    def both(self, state, inputs):
        new, report = honest(self, state, inputs)
        loss = self.game.generator_loss(state, inputs)
        return new | {"theta": state["theta"] - 1e-3 * grad(loss.sum(), state["theta"])}, report

    monkeypatch.setattr(Players, "critic_step", both)
    with pytest.raises(RuntimeError, match="stand still"):
        tiny()


def test_generators_frozen_a_step_too_late_are_noticed(monkeypatch):
    honest = vanishing.frozen_generators
    monkeypatch.setattr(vanishing, "frozen_generators", lambda config, data, budgets, seeds: honest(
        config, data, [budget + 1 for budget in budgets], seeds))
    with pytest.raises(AssertionError):
        check_frozen(tiny(), **TINY)


def test_a_critic_that_is_not_fresh_is_noticed(monkeypatch):
    honest = vanishing.set_up

    def trained(opponent, config, data, theta, seeds):
        here = honest(opponent, config, data, theta, seeds)
        step = vanishing.record(here.players.critic_step, here.state, here.inputs)
        for _ in range(50):
            vanishing.draw_batches(here, data)
            step()
        return here

    monkeypatch.setattr(vanishing, "set_up", trained)
    with pytest.raises(AssertionError):
        check_fresh(vanishing.vanishing_gradients(data=SMALL, **vanishing.QUICK | {"steps": 50, "budgets": (30,)}))


def test_losses_swapped_are_noticed(found, monkeypatch):
    with pytest.raises(AssertionError):
        check_the_story(found | {"saturating": found["non-saturating"], "non-saturating": found["saturating"]})
    logistic, critic = vanishing.OPPONENTS
    swapped = replace(logistic, watched={"saturating": "non-saturating", "non-saturating": "minimax"})
    monkeypatch.setattr(vanishing, "OPPONENTS", (swapped, critic))
    with pytest.raises(AssertionError):
        check_norms()


@pytest.mark.parametrize("budgets", [(), (0, 5), (5, 5), (20, 5)])
def test_budgets_must_ascend(budgets):
    with pytest.raises(ValueError, match="ascend"):
        tiny(budgets=budgets)


def test_a_training_that_breaks_down_is_no_generator_to_freeze():
    with pytest.raises(TrainingError), np.errstate(over="ignore", invalid="ignore"):
        tiny(lr_generator=1e30, activation="relu")


# -- what is made of it ------------------------------------------------------------------------------
def test_spots_are_pictures_of_a_spot():
    x = vanishing.spots(np.random.default_rng(1), 5, side=7)
    centres = np.random.default_rng(1).uniform(-0.7, 0.7, (5, 2))
    grid = [-1 + 2 * k / 6 for k in range(7)]
    for picture, (across, down) in zip(x.reshape(5, 7, 7), centres, strict=True):
        for i in range(7):
            for j in range(7):
                square = (grid[j] - across) ** 2 + (grid[i] - down) ** 2
                assert picture[i, j] == pytest.approx(np.exp(-square / (2 * (2 / 7) ** 2)))


def test_the_interval_is_the_bootstraps_over_seeds():
    x = np.random.default_rng(2).standard_normal((2, 10, 3)) * [1, 2, 3]
    found = interval_over(x, axis=-2)
    for b in range(2):
        for t in range(3):
            seeds = x[b, :, t]
            peer = bootstrap((seeds,), np.mean, method="percentile", confidence_level=level(10),
                             random_state=np.random.default_rng(3))
            assert found.mean[b, t] == pytest.approx(seeds.mean())
            ends = (found.low[b, t], found.high[b, t])
            assert ends == pytest.approx(tuple(peer.confidence_interval), abs=0.05 * seeds.std())
    norms = np.array([[[1.0, 0.5, 1e-2], [1.0, 0.1, 1e-4]]])  # falls by 2 and by 4 orders
    assert vanishing.fall(norms).mean == pytest.approx([3])
    assert np.isnan(vanishing.fall(norms).low) and np.isnan(vanishing.fall(norms).high)  # of two seeds


def test_the_picture_and_the_table_say_what_was_found(found):
    figure = vanishing.draw_vanishing(found)
    figure.draw_without_rendering()
    for ax, name in zip(figure.axes, LOSSES, strict=True):
        assert ax.get_yscale() == "log" and ax.get_ylim() == figure.axes[0].get_ylim()
        *lines, = ax.get_lines()
        for norms in found[name]:  # three seeds are too few for a band: each has a line, and their mean
            expected = [*norms, np.exp(np.log(norms).mean(0))]
            for values in expected:
                line = lines.pop(0)
                np.testing.assert_allclose(line.get_ydata(), values)
                np.testing.assert_array_equal(line.get_xdata(), found["steps"])
        assert not lines
    assert [ax.texts[0].get_text().split()[0] for ax in figure.axes] == ["falls", "rises", "changes"]
    header, *rows = vanishing.vanishing_table(found)
    assert len(rows) == 9 and {len(row) for row in rows} == {len(header)}
    assert rows[0][-1] == f"{vanishing.fall(found['saturating']).mean[0]:.2f}"
    six = {**found, **{name: np.concat([found[name], 1.1 * found[name]], axis=1) for name in LOSSES}}
    orders = vanishing.fall(six["saturating"])
    told = f"{orders.mean[0]:.2f} [{orders.low[0]:.2f}, {orders.high[0]:.2f}]"
    assert vanishing.vanishing_table(six)[1][-1] == told and not np.isnan(orders.low[0])
    assert float(rows[1][2]) == pytest.approx(np.exp(np.log(found["saturating"][1, :, 0]).mean()), rel=0.05)
