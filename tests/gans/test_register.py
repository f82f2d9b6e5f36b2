"""Rows of one's own: what one row brings, who then knows it, and that a taken name leaves everything as it was."""

import doctest
from dataclasses import replace
from importlib import import_module

import pytest

from minigan.cli import main
from minigan.gans import LOSSES, PENALTIES, RECIPES, Recipe, register
from minigan.gans.losses.f_gan import f_gan, is_piecewise_linear
from minigan.gans.losses.heads import HEADS
from minigan.lab.config import configure
from minigan.studies.design import plan
from minigan.theory.family import DIVERGENCES, TOTAL_VARIATION, FDivergence, alpha, maximum, sign, skew

TABLES = (RECIPES, LOSSES, DIVERGENCES)
HOCKEY_STICK = FDivergence(  # (u − 2)₊: piecewise linear, like total variation
    name="hockey-stick", summary="(u − 2)₊", source="Polyanskiy et al. (2010)", f=lambda u: maximum(u - 2.0, 0.0),
    f_prime=lambda u: 0.5 + 0.5 * sign(u - 2.0), conjugate=lambda t: 2.0 * t, activation=lambda v: 0.0 * v,
    at_zero=0.0, slope=1.0, closed=True, integrand=lambda a, b: maximum(a - b, 0.0))


@pytest.fixture(autouse=True)
def tables():
    """As they were, afterwards."""
    before = [dict(table) for table in TABLES]
    yield
    for table, rows in zip(TABLES, before, strict=True):
        for name in table.keys() - rows.keys():
            del table[name]
        assert dict(table) == rows


KNOWN = [set(table) for table in TABLES]


def added() -> list[set[str]]:
    return [set(table) - known for table, known in zip(TABLES, KNOWN, strict=True)]


OWN = Recipe("own", "ours", "a row of one's own", "", LOSSES["hinge"], {"critic_steps": 1})


def test_the_example() -> None:
    assert doctest.testmod(import_module("minigan.gans.register")).failed == 0


def test_a_recipe_is_known_everywhere(capsys, tmp_path, monkeypatch) -> None:
    register(OWN)
    assert added() == [{"own"}, set(), set()]
    assert configure("own").critic_steps == 1
    assert plan(["own", "gan"], "ring8", settings={"steps": 2}).methods["own"].recipe == "own"
    monkeypatch.chdir(tmp_path)
    assert main(["list"]) == 0 and " ours\n  own " in capsys.readouterr().out
    assert main(["train", "--recipe", "own", "--steps", "2", "--evaluations", "1", "--out", "run"]) == 0
    assert "own on ring8" in capsys.readouterr().out


def test_a_recipe_brings_a_loss_that_has_no_name() -> None:
    loss = f_gan(skew(0.3))
    register(replace(OWN, loss=loss))
    assert added() == [{"own"}, {"own"}, set()] and LOSSES["own"] is loss
    register(replace(OWN, name="again", loss=loss))
    assert added()[1] == {"own"}
    with pytest.raises(ValueError, match="there is a loss 'hinge-like' already"):
        register(loss, "hinge-like")
        register(replace(OWN, name="hinge-like", loss=f_gan(skew(0.4))))
    assert "hinge-like" not in RECIPES


def test_a_loss_is_given_a_name() -> None:
    register(f_gan(skew(0.3)), "mine")
    assert added() == [set(), {"mine"}, set()]
    with pytest.raises(ValueError, match="no name of its own"):
        register(LOSSES["hinge"])


def test_a_divergence_brings_its_losses_and_its_recipe() -> None:
    register(skew(0.3))
    assert added() == [{"fgan-js(0.3)"}, {"f-js(0.3)", "f-js(0.3)-ratio"}, {"js(0.3)"}]
    assert RECIPES["fgan-js(0.3)"].loss is LOSSES["f-js(0.3)"]
    register(alpha(2.5))
    assert [RECIPES[f"fgan-{f}"].settings.get("penalty_kind") for f in ("js(0.3)", "alpha(2.5)")] == ["r1", "r1"]


def test_a_piecewise_linear_f_has_no_ratio_form() -> None:
    assert [f for f in DIVERGENCES.values() if is_piecewise_linear(f)] == [TOTAL_VARIATION]
    register(HOCKEY_STICK)
    assert added()[1] == {"f-hockey-stick"}
    with pytest.raises(ValueError, match="slope is 0"):
        f_gan(HOCKEY_STICK, "ratio")


@pytest.mark.parametrize(("row", "name", "message"), [
    (OWN, None, "recipe 'gan'"), (LOSSES["hinge"], "lsgan", "loss 'lsgan'"),
    (replace(skew(0.3), name="kl"), None, "divergence 'kl'"),
])
def test_a_taken_name(row, name, message) -> None:
    row = replace(row, name="gan") if row is OWN else row
    with pytest.raises(ValueError, match=f"there is a {message} already"):
        register(row, name)
    assert added() == [set(), set(), set()]


@pytest.mark.parametrize("taken", [("fgan-js(0.3)", RECIPES), ("f-js(0.3)-ratio", LOSSES)], ids=lambda x: str(x)[:12])
def test_nothing_is_half_registered(taken) -> None:
    """A divergence whose own name is free, and the name of something that it brings is not."""
    name, table = taken
    table[name] = OWN if table is RECIPES else LOSSES["hinge"]
    before = [dict(table) for table in TABLES]
    with pytest.raises(ValueError, match="already"):
        register(skew(0.3))
    assert [dict(table) for table in TABLES] == before


def test_what_cannot_be_registered() -> None:
    with pytest.raises(ValueError, match="cannot be called 'other'"):
        register(OWN, "other")
    with pytest.raises(TypeError, match="can be registered, not 3"):
        register(3)


@pytest.mark.parametrize("table", [RECIPES, LOSSES, PENALTIES, HEADS], ids=lambda table: table.what)
def test_the_tables_are_shut(table) -> None:
    name = next(iter(table))
    with pytest.raises(ValueError, match=f"there is a {table.what} '{name}' already"):
        table[name] = table[name]
