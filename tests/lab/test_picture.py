"""The picture of a run: what is plotted is what was measured, it can be read, and it is always the same."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from math import exp, log

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.quiver import Quiver, QuiverKey

from minigan.autodiff import Tensor
from minigan.gans.losses import LOSSES, f_gan
from minigan.gans.recipes import RECIPES
from minigan.lab import clouds, curves, picture
from minigan.lab.config import configure
from minigan.lab.data import data_from
from minigan.lab.history import COLUMNS
from minigan.lab.toys import TOYS
from minigan.lab.train import Training
from minigan.theory.family import skew
from tests.selection import slow_but

rng = np.random.default_rng(3)
HISTORY = np.column_stack([np.arange(1, 31) * 1_000, rng.uniform(0.05, 2, (30, 6)), rng.integers(0, 9, (30, 2)),
                           rng.uniform(0, 1, (30, 6))]).tolist()
NAN_ROW = [[1.0, *[np.nan] * 6, *[np.inf] * 8]]
SHELL = np.array([10, 0, 0]) + rng.standard_normal((200, 3)) * [3, 2, 1]
SAMPLES, DISTANCE, QUALITY, LOSSES_ = "Data and samples", "Distance to the data", "Quality of the samples", "Losses"
CORRELATIONS = "Correlations"
BOUND, CONTRAST = "The critic's estimate", "The critic's contrast"
SCORES, SLOPE, VERDICT = "The critic's scores", "The critic's slope", "The critic's verdict"


def untrained(recipe="wgan-gp", source="ring8"):
    """(model, data, samples) of a run before its first step."""
    training = Training(configure(recipe, steps=20_000), data_from(source))
    return training.model, training.data, training.model.sample(np.random.default_rng(0), 300)


def report(recipe="wgan-gp", source="ring8", history=HISTORY):
    return picture.draw_report(*untrained(recipe, source), history, COLUMNS)


def with_critic(model, w):
    return replace(model, state={**model.state, "w": w})


def panels(figure):
    return {ax.get_title(loc="left"): ax for ax in figure.axes if ax.get_title(loc="left")}


def axes():
    return Figure().subplots()


def curve(ax, label):
    line, = (line for line in ax.get_lines() if line.get_label() == label)
    return np.asarray(line.get_ydata())


def about(ax):
    return ax.texts[0].get_text()


@pytest.mark.parametrize("recipe, source, game, last", slow_but(["gan", "ls-gan", "imle"], [
    ("wgan-gp", "ring8", ("score f(x)", SLOPE), [DISTANCE, QUALITY, LOSSES_]),
    ("wgan-gp", SHELL, ("score f(x)", SLOPE), [DISTANCE, LOSSES_]),
    ("wgan", SHELL[:, :1], ("score f(x)", SLOPE), [DISTANCE, LOSSES_]),
    ("gan", "ring8", ("logit s(x)", VERDICT), [DISTANCE, BOUND, QUALITY, LOSSES_]),
    ("gan-minimax", "moons", ("logit s(x)", VERDICT), [DISTANCE, BOUND, LOSSES_]),
    ("fgan-jeffreys", "ring8", ("score v(x)", VERDICT), [DISTANCE, BOUND, QUALITY, LOSSES_]),
    ("fgan-total-variation", "bimodal", ("score v(x)", SCORES), [DISTANCE, BOUND, QUALITY, LOSSES_]),
    ("ebgan", "bimodal", ("energy D(x), scaled units", SCORES), [DISTANCE, BOUND, QUALITY, LOSSES_]),
    ("ebgan-pt", SHELL, ("energy D(x), scaled units", SCORES), [DISTANCE, BOUND, LOSSES_]),
    ("relativistic", "ring8", ("score s(x), up to a constant", SCORES), [DISTANCE, BOUND, QUALITY, LOSSES_]),
    ("relativistic-average", "bimodal", ("score s(x), up to a constant", SCORES),
     [DISTANCE, CONTRAST, QUALITY, LOSSES_]),
    ("ls-gan", "ring8", ("loss L(x)", SCORES), [DISTANCE, CONTRAST, QUALITY, LOSSES_]),
    ("semi-supervised", "ring8", ("logit s(x) = log Z(x)", VERDICT), [DISTANCE, BOUND, QUALITY, LOSSES_]),
    ("packing", "ring8", ("logit s(x)", VERDICT), [DISTANCE, BOUND, QUALITY, LOSSES_]),
    ("minibatch", "moons", ("logit s(x)", VERDICT), [DISTANCE, BOUND, LOSSES_]),
    ("imle", "ring8", (), [DISTANCE, QUALITY, LOSSES_]),
    ("mle", "bimodal", (), [DISTANCE, QUALITY, LOSSES_]),
], "reports and pictures of more systems"))  # fmt: skip
def test_every_system_has_its_panels_and_no_text_lies_on_another(recipe, source, game, last):
    figure = report(recipe, source)
    name = source if isinstance(source, str) else "points"
    assert figure.get_suptitle() == f"{recipe} on {name}: 20,000 steps, seed 0"
    critic = [f"The critic: {game[0]}", game[1]] if game else []
    drawn = panels(figure)
    data = data_from(source)
    dim, first = data.dim, CORRELATIONS if data.dim > 2 else SAMPLES
    assert list(drawn) == [first, *critic, *last]
    assert drawn[first].get_xlabel() == {1: "x", 2: "x₁", 3: "r of the data"}[dim]
    assert not game or drawn[critic[0]].get_xlabel() == ("x" if dim == 1 else "x₁")
    assert all(drawn[title].get_xlabel() == "generator steps" for title in last)
    assert drawn[DISTANCE].get_ylabel() == f"W₁ ({data.scaling.unit}), log above the floor"
    loss = RECIPES[recipe].loss
    assert drawn[LOSSES_].get_ylabel() == ("loss (scaled data units)" if loss.power else "loss")
    if game:
        remark = about(drawn[critic[0]])
        assert ("slice through the data's mean" in remark) == (dim > 2)
        assert ("packs of 2 equal points" in remark) == (recipe == "packing")
        assert ("each point among data" in remark) == (recipe == "minibatch")
        assert ("where it cannot tell" in remark) == (loss.boundary is not None)
    parts = [drawn[title].get_subplotspec().get_gridspec().figure for title in (first, DISTANCE)]
    assert (parts[0] is parts[1]) == (not game)  # without a critic the distances fill the room above
    assert overlaps(figure) == []


def overlaps(figure):
    """Pairs of titles, labels, legends and remarks that cover each other, once drawn."""
    figure.draw_without_rendering()
    texts = [figure._suptitle]
    for ax in [*figure.axes, *(child for parent in figure.axes for child in parent.child_axes)]:
        texts += [ax._left_title, ax.xaxis.label, ax.yaxis.label, ax.yaxis.offsetText, *ax.texts]
        texts += [key.text for key in ax.get_children() if isinstance(key, QuiverKey)]
        texts += [] if ax.get_legend() is None else ax.get_legend().get_texts()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
    return [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if one.overlaps(other)]


def test_curves_are_the_columns_of_the_history():
    table, length = dict(zip(COLUMNS, np.array(HISTORY).T, strict=True)), data_from("ring8").scaling.length
    figure = report()
    figure.draw_without_rendering()
    drawn = panels(figure)
    np.testing.assert_array_equal(drawn[DISTANCE].get_lines()[0].get_xdata(), table["step"])
    for title, label, values in [
        (DISTANCE, "exact W₁", table["w1"]),
        (DISTANCE, "critic: (E f(x) − E f(G(z))) / max ‖∇f‖", table["estimate"] / table["slope"]),
        (DISTANCE, "floor: data to data", [np.median(table["w1_floor"])] * 2),
        (QUALITY, "% within 3σ of a mode", 100 * table["high_quality"]),
        (QUALITY, "modes solid (right)", 100 * table["modes_solid"] / 8),
        (QUALITY, "ceiling: 98.89 %", [100 * (1 - exp(-4.5))] * 2),
        (LOSSES_, "generator", table["estimate"] / length),  # −E f(G(z)) + E f(x), without the constant of f
        (LOSSES_, "critic", table["critic_loss"]),
    ]:
        np.testing.assert_allclose(curve(drawn[title], label), values, rtol=1e-12)
    right, = drawn[QUALITY].child_axes
    assert right.get_ylabel() == "modes solid, of 8"
    np.testing.assert_allclose(right.get_ylim(), np.array(drawn[QUALITY].get_ylim()) * 8 / 100)

    drawn = panels(report("gan"))
    np.testing.assert_array_equal(curve(drawn[BOUND], "critic"), table["estimate"])
    np.testing.assert_allclose(curve(drawn[BOUND], "log 2: disjoint supports"), log(2))
    assert about(drawn[BOUND]) == "at most JS (½KL + ½KL, nats)" and drawn[BOUND].get_ylabel() == "JS (½KL + ½KL, nats)"
    assert [line.get_label() for line in drawn[DISTANCE].get_lines()] == ["exact W₁", "floor: data to data"]
    dotted = [line.get_ydata()[0] for line in drawn[LOSSES_].get_lines() if line.get_linestyle() == ":"]
    np.testing.assert_allclose(dotted, [log(2), log(4)])  # where D is ½ everywhere


def test_distances_are_linear_up_to_the_floor_and_every_one_of_them_is_in_sight():
    table = picture.curves(HISTORY, COLUMNS)
    table["w1_floor"][:], table["estimate"][:3] = 0.1, [-0.02, -50, 30]
    table["slope"][:] = 1.0
    picture.draw_distances(ax := axes(), table)
    floor, doubled, double_again = ax.transData.transform([(0, 0.1), (0, 0.2), (0, 0.4)])[:, 1]
    assert doubled - floor == pytest.approx(double_again - doubled)
    zero, half = ax.transData.transform([(0, 0), (0, 0.05)])[:, 1]
    assert half - zero == pytest.approx(floor - half)
    low, high = ax.get_ylim()
    assert -0.2 < low < -0.02 and high > 30  # an early critic's -50 would leave no room for the rest
    assert ax.get_yticks()[0] == 0 and {0.1, 1, 10} <= set(ax.get_yticks())


@pytest.mark.parametrize("recipe, source", [("wgan-gp", "ring8"), ("gan", "moons"), ("wgan-gp", SHELL)])
def test_arrows_are_the_critics_gradient(recipe, source):
    model, data, samples = untrained(recipe, source)
    picture.draw_critic(ax := axes(), model, data, samples)
    arrows, = (child for child in ax.get_children() if isinstance(child, Quiver))
    key, = (child for child in ax.get_children() if isinstance(child, QuiverKey))
    points = np.tile(picture.shown_data(data).mean(axis=0), (len(arrows.XY), 1))
    points[:, :2] = arrows.XY
    slope = model.critic(points)[1][:, :2]
    norm = np.linalg.norm(slope, axis=1, keepdims=True)
    assert len(points) == 400 and key.label == f"slope {key.U:g} or more" and (norm < key.U).any()
    shown = slope * np.minimum(1, key.U / norm)  # steeper ones keep their direction
    np.testing.assert_allclose(np.column_stack([arrows.U, arrows.V]), shown, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(arrows.scale, 21 * key.U)
    assert arrows.angles == "uv" and ax.get_box_aspect() == 1


def test_the_surface_and_the_line_are_the_critics_scores():
    model, data, samples = untrained()
    picture.draw_critic(ax := axes(), model, data, samples)
    lines = ax.collections[1]
    assert ax.child_axes[0].get_ylabel() == "score f(x) − its mean on data"
    mean = model.critic(picture.shown_data(data))[0].mean()
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        if len(path.vertices):
            np.testing.assert_allclose(model.critic(path.vertices)[0] - mean, level, atol=0.02)  # on a grid
    median = np.median(np.linalg.norm(model.critic(picture.segments(data, samples))[1], axis=1))
    assert about(ax) == f"median slope between data and samples {median:.2g}"

    model, data, samples = untrained("gan", "bimodal")
    figure = Figure()
    picture.draw_critic(figure.subplots(), model, data, samples)
    left, right = figure.axes
    score, slope = model.critic(left.get_lines()[0].get_xdata()[:, None])
    np.testing.assert_array_equal(left.get_lines()[0].get_ydata(), score)
    np.testing.assert_array_equal(right.get_lines()[0].get_ydata(), slope[:, 0])
    assert (left.get_ylabel(), right.get_ylabel()) == ("logit s(x)", "slope (dashed)")
    assert left.get_lines()[1].get_ydata() == [0, 0]


def test_samples_lie_on_the_data_with_the_modes_drawn_to_scale():
    _, data, samples = untrained(source="grid25")
    clouds.draw_samples(ax := axes(), data, samples)
    np.testing.assert_array_equal(ax.collections[1].get_offsets(), samples.astype(float))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["data", "samples"]
    circles = [patch for patch in ax.patches if isinstance(patch, Circle)]
    np.testing.assert_allclose([circle.center for circle in circles], TOYS["grid25"].modes)
    assert {circle.radius for circle in circles} == {3 * TOYS["grid25"].sigma}
    assert about(ax).endswith("0 of 25 modes solid")

    _, data, samples = untrained(source="bimodal")
    clouds.draw_samples(ax := axes(), data, samples)
    x = ax.get_lines()[0].get_xdata()
    density = np.exp(-2 * (x - 2) ** 2) + np.exp(-2 * (x + 2) ** 2)
    np.testing.assert_allclose(curve(ax, "data, exact"), density / np.sqrt(2 * np.pi), atol=1e-12)


def test_the_two_histograms_of_the_critic():
    model, data, samples = untrained()
    picture.draw_slopes(ax := axes(), model, data, samples)
    norms = np.linalg.norm(model.critic(picture.segments(data, samples))[1], axis=1)
    heights, _ = np.histogram(norms, np.linspace(*ax.get_xlim(), 61), density=True)
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches], heights)
    assert (norms <= ax.get_xlim()[1]).mean() > 0.99
    assert ax.get_lines()[0].get_xdata()[0] == 1

    model, data, samples = untrained("gan")
    picture.draw_verdicts(ax := axes(), model, data, samples)
    heights, _ = np.histogram(1 / (1 + np.exp(-model.critic(samples)[0])), np.linspace(0, 1, 51), density=True)
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches if bar.get_alpha()], heights)
    picture.draw_verdicts(axes(), with_critic(model, 1e4 * model.w), data, samples)  # logits of millions: no overflow


@pytest.mark.slow("reports and pictures of more systems")
@pytest.mark.parametrize("recipe, history", [
    ("wgan-gp", HISTORY[:1]), ("gan", NAN_ROW), ("gan", NAN_ROW + HISTORY[1:3]), ("wgan-gp", []), ("imle", NAN_ROW),
])  # fmt: skip
def test_short_and_unmeasured_histories(recipe, history):
    figure = report(recipe, history=history)
    assert overlaps(figure) == []
    drawn = panels(figure)
    table = picture.curves(history, COLUMNS)
    length = data_from("ring8").scaling.length
    first = table["estimate"] / length if recipe == "wgan-gp" else table["generator_loss"]
    np.testing.assert_allclose(drawn[LOSSES_].get_lines()[0].get_ydata(), first)
    assert drawn[LOSSES_].get_lines()[0].get_marker() == "o"  # a single point has no line
    label = drawn[DISTANCE].get_lines()[0].get_label()
    assert label == ("exact W₁" if np.isfinite(table["w1"]).any() else "exact W₁: –")


def odd(rng, n):
    return rng.standard_normal((n, 2)) * 1e8


odd.__name__ = r"cost$\foo$"  # not mathematics


@pytest.mark.slow("reports and pictures of more systems")
@pytest.mark.parametrize("recipe, source, dead", [
    ("wgan-gp", "ring8", True), ("wgan-gp", np.full((20, 2), 3.0), False), ("gan", np.full((20, 1), 3.0), True),
    ("wgan-gp", odd, False), ("gan", SHELL * 1e-9, False),
])  # fmt: skip
def test_dead_critics_and_degenerate_data_are_drawn_too(recipe, source, dead):
    model, data, samples = untrained(recipe, source)
    model = with_critic(model, 0 * model.w) if dead else model
    assert overlaps(picture.draw_report(model, data, samples, HISTORY[:2], COLUMNS)) == []


@pytest.mark.slow("reports and pictures of more systems")
def test_the_same_run_gives_the_same_bytes_whatever_the_readers_settings(tmp_path):
    picture.save_picture(report(source="bimodal"), tmp_path / "one.png")
    with matplotlib.rc_context({"font.size": 20, "axes.grid": True, "savefig.bbox": "tight"}):
        picture.save_picture(report(source="bimodal"), tmp_path / "two.png")
        assert matplotlib.rcParams["font.size"] == 20
    one, two = ((tmp_path / name).read_bytes() for name in ("one.png", "two.png"))
    assert one == two and one.startswith(b"\x89PNG")
    assert not any(word in one for word in (b"tEXt", b"tIME", b"Software", str(tmp_path).encode()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "two.png"]  # and no half-written file


def test_no_pyplot_and_no_matplotlib_before_a_picture_is_made():
    script = """
import sys
import numpy as np
from minigan.lab import clouds, curves, picture
from minigan.lab.config import configure
from minigan.lab.data import data_from
from minigan.lab.history import COLUMNS
from minigan.lab.train import Training
from minigan.theory.family import DIVERGENCES
assert not any(name.startswith("matplotlib") for name in sys.modules)
run = Training(configure(), data_from("gaussian"))
figure = picture.draw_report(run.model, run.data, run.model.sample(np.random.default_rng(0), 50), [], COLUMNS)
import matplotlib
assert matplotlib.rcParams["font.size"] == matplotlib.rcParamsDefault["font.size"]
figure.draw_without_rendering()
assert "matplotlib.pyplot" not in sys.modules
"""
    no_display = os.environ | {"MPLBACKEND": "", "DISPLAY": ""}
    subprocess.run([sys.executable, "-c", script], check=True, env=no_display)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_estimates_are_drawn_for_every_row(name):
    row, table = LOSSES[name], picture.curves(HISTORY, COLUMNS)
    picture.draw_losses(ax := axes(), table, row)
    assert [line.get_label() for line in ax.get_lines() if line.get_linestyle() != ":"] == (
        ["generator"] if row.critic is None else ["generator", "critic"])
    picture.draw_estimate(ax := axes(), table, row)
    np.testing.assert_array_equal(curve(ax, "critic"), table["estimate"])
    assert ax.get_title() == (BOUND if row.estimates else CONTRAST)


@pytest.mark.parametrize("name, blind", [
    ("minimax", {"generator": -log(2), "critic": log(4)}), ("non-saturating", {"generator": log(2), "critic": log(4)}),
    ("semi-supervised", {"generator": log(2), "critic": log(4)}), ("feature-matching", {"critic": log(4)}),
    ("lsgan", {"generator": 1 / 8, "critic": 1 / 4}), ("lsgan-pearson", {"generator": 0, "critic": 1}),
    ("hinge", {"generator": 0, "critic": 2}), ("wasserstein", {"critic": 0}),
    ("ebgan", {"critic": 1}),  # the margin: theorem 1 of the paper has the value V = m at the equilibrium
    ("relativistic", {"generator": log(2), "critic": log(2)}),
    ("relativistic-average", {"generator": log(4), "critic": log(4)}),
    ("ls-gan", {}), ("gls-gan", {}),  # how far the pairs are apart matters too
    ("imle", {}), ("mle", {}), ("f-kl", {"generator": -1, "critic": 0}), ("f-js", {"generator": 0, "critic": 0}),
    ("f-jeffreys-ratio", {"generator": 0, "critic": 0}),
])  # fmt: skip
def test_what_the_players_lose_against_a_critic_that_cannot_tell(name, blind):
    assert curves.undecided(LOSSES[name]) == pytest.approx(blind, abs=1e-12)


def test_the_boundary_is_where_the_verdict_is_a_half_and_is_drawn_there():
    for name, row in LOSSES.items():
        if row.verdict is not None and row.boundary is not None:
            assert row.verdict(Tensor(np.array([row.boundary]))).item() == pytest.approx(0.5, abs=1e-9), name
    for recipe, boundary in [("lsgan", 0.5), ("label-smoothing", log(9 / 11)), ("fgan-kl", 1.0)]:
        model, data, samples = untrained(recipe)
        level = model.config.loss.boundary
        assert level == pytest.approx(boundary)
        model.w[-1] += boundary - np.median(model.critic(picture.segments(data, samples))[0])  # the last bias
        picture.draw_critic(ax := axes(), model, data, samples)
        thick, = (lines for lines in ax.collections if list(getattr(lines, "levels", [])) == [level])
        vertices = np.concatenate([path.vertices for path in thick.get_paths()])
        np.testing.assert_allclose(model.critic(vertices)[0], level, atol=0.02)  # on a grid, of a relu net


def test_a_loss_of_ones_own_has_its_line_at_the_largest_value():
    largest = -0.3 * log(0.3) - 0.7 * log(0.7)  # the entropy of which of the two a sample is from
    row = f_gan(skew(0.3))
    picture.draw_estimate(ax := axes(), picture.curves(HISTORY, COLUMNS), row)
    line, = (line for line in ax.get_lines() if line.get_linestyle() == ":")
    assert line.get_ydata() == pytest.approx([largest, largest]) and line.get_label() == "0.611: disjoint supports"
    assert ax.get_ylim()[1] > largest and ax.get_ylabel() == "D_f, f = js(0.3)"


def test_an_early_critics_estimate_leaves_room_for_the_rest():
    table = picture.curves(HISTORY, COLUMNS)
    table["estimate"][:2] = -1e6, -40
    for name in ("hinge", "f-kl"):
        picture.draw_estimate(ax := axes(), table, LOSSES[name])
        low, high = ax.get_ylim()
        assert -2.5 < low < 0 and high > table["estimate"].max()


def test_histograms_of_scores_are_of_the_critic_as_it_is_used():
    model, data, samples = untrained("sn-gan")
    picture.draw_scores(ax := axes(), model, data, samples)
    bins = np.append([bar.get_x() for bar in ax.patches if bar.get_alpha()], 0)
    bins[-1] = bins[-2] + bins[1] - bins[0]
    heights, _ = np.histogram(model.critic(samples)[0], bins, density=True)
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches if bar.get_alpha()], heights, rtol=1e-3)
    assert ax.get_xlabel() == "score f(x)" and ax.get_lines()[0].get_xdata()[0] == 0

    model, data, samples = untrained("packing")  # pairs of different samples, not the same one twice
    seen = (samples - model.scaling.shift) / model.scaling.scale
    pairs = np.hstack([seen[::2], seen[1::2]])
    expected = model.game.critic(model.w, pairs.astype("float32")).value[:, 0]
    np.testing.assert_allclose(model.judge(samples), expected, rtol=1e-5, atol=1e-6)
    assert len(model.judge(samples[:1])) == 1

    model, data, samples = untrained("minibatch")  # batches of its own kind
    scores = model.judge(samples)
    assert len(scores) == 300 // 64 * 64
    first = model.game.critic(model.w, model.scaling.to_net(samples[:64]).astype("float32")).value[:, 0]
    np.testing.assert_allclose(scores[:64], first, rtol=1e-4, atol=1e-5)
    picture.draw_verdicts(ax := axes(), model, data, samples)
    assert about(ax).endswith("batches of one kind")


def test_a_flat_critic_estimates_nothing():
    table = picture.curves(HISTORY, COLUMNS)
    table["slope"][3] = 0
    picture.draw_distances(ax := axes(), table)
    drawn = curve(ax, "critic: (E f(x) − E f(G(z))) / max ‖∇f‖")
    assert np.isnan(drawn[3]) and np.isfinite(np.delete(drawn, 3)).all()
