"""The benchmark's driver on a tiny problem: what it refuses, leaves out, prints and writes. No test looks at a time."""

import json
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from tests.benchmarks import __main__ as driver
from tests.benchmarks import check, table
from tests.benchmarks.contenders import EAGER, ENTRIES, JAX, MINIGAN, Entry, floor, training
from tests.benchmarks.problem import Problem, problem
from tests.benchmarks.timing import Result, Timing, measure

TINY = Problem(width=8, batch=8)
NAMES = [MINIGAN, "matrix products alone", *(label for label, library in ((EAGER, "torch"), (JAX, "jax"))
                                             if find_spec(library))]
PRESENT = [replace(entry, threads=(1,)) for entry in ENTRIES if entry.label in NAMES]


class Wrong(training.Contender):
    def gradients(self):
        return tuple([(1.001 * w, 1.001 * b) for w, b in net] for net in super().gradients())


class Refusing(training.Contender):
    def iterate(self, n):
        raise RuntimeError("not today\nand a second line")


WRONG = Entry("wrong", __name__ if "." in __name__ else f"tests.peers.{__name__}", "Wrong", threads=(1,))
REFUSING = replace(WRONG, label="refusing", name="Refusing")
MISSING = Entry("missing", "tests.peers.no_such_module", threads=(1,))


# -- the driver -----------------------------------------------------------------------------------------
def test_who_computes_the_same_is_allowed_and_who_does_not_is_refused():
    entries = [*PRESENT, WRONG, replace(WRONG, label="wrong again"), MISSING]
    made = {c.label: c for c in check.checks(entries, [TINY, replace(TINY, recipe="gan", activation="tanh")])}
    assert {*made} == {*NAMES, "wrong", "missing"} - {"matrix products alone"}  # which has no gradients
    assert [label for label, c in made.items() if c.refused] == ["wrong"]
    assert made["wrong"].largest["float64", "relu"] == pytest.approx(1e-3, rel=1e-6)
    assert "ModuleNotFoundError" in made["missing"].reason and not made["missing"].differences
    assert made[MINIGAN].largest["float64", "tanh"] < 1e-12
    assert check.allowed(entries, list(made.values())) == [*PRESENT, MISSING]
    printed = table.checked(list(made.values())).splitlines()
    assert len(printed) == 2 + len(made)
    assert [line.split(" | ")[0][2:] for line in printed if "refused" in line] == ["wrong"]


def test_a_difference_that_is_not_a_number_is_refused():
    assert check.Check("", {TINY: float("nan")}).refused
    assert not check.Check("", {TINY: 0.0}).refused


def test_every_contender_has_a_line_and_who_cannot_says_why():
    results = measure([*PRESENT, REFUSING, MISSING], TINY, rounds=2, seconds=0.003)
    assert [r.label for r in results] == [*(entry.label for entry in PRESENT), "refusing", "missing"]
    assert all(len(r.timing.seconds) == 2 for r in results[:-2])
    lines = table.iterations(results).splitlines()
    assert len(lines) == 2 + len(results)
    assert "n/a: RuntimeError: not today |" in lines[-2] and "n/a: ModuleNotFoundError" in lines[-1]


@pytest.mark.slow("the benchmark's driver from end to end")
def test_a_run_writes_what_it_prints(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    few = [replace(entry, quick=True) for entry in PRESENT if entry.label in NAMES[:2]]
    monkeypatch.setattr(driver, "ENTRIES", [*few, replace(WRONG, quick=True), replace(MISSING, quick=True)])
    monkeypatch.setattr(driver, "PROBLEMS", [TINY])
    monkeypatch.setattr(driver, "QUICK_SECONDS", 0.003)
    assert driver.main(["--quick", "--rounds", "2", "--out", str(tmp_path)]) == 1  # for one is wrong
    printed = capsys.readouterr().out
    assert (tmp_path / "speed.md").read_text().strip() == printed.strip()
    assert all(name in printed for name in ("Python", "torch", "kernel", "wrong", *NAMES[:2]))
    data = json.loads((tmp_path / "speed.json").read_text())
    assert {*data} == {"what runs", "checks", "iterations"}
    assert [(row["contender"], len(row["seconds"])) for row in data["iterations"]] == [
        *((entry.label, 2) for entry in few), ("missing", 0)]
    assert (tmp_path / "speed.png").stat().st_size > 1000


def test_the_driver_wants_parts_that_it_has():
    for wrong in (["--only", "everything"], ["--rounds", "1"]):
        with pytest.raises(SystemExit):
            driver.main(wrong)


# -- the tables -----------------------------------------------------------------------------------------
def results(**micros):
    """label -> µs in each round, with one thread and with two."""
    return [Result(label.replace("_", " "), threads, Timing([t * 1e-6 for t in times]))
            for label, settings in micros.items() for threads, times in enumerate(settings, 1)]


def test_the_summary_compares_best_with_best():
    measured = results(minigan=([100, 100, 200], [150, 150, 150]), minigan_again=([101, 101, 202],),
                       PyTorch_eager=([900, 900, 900], [700, 800, 1400]), JAX_jit=([100, 80, 400], [500, 500, 500]),
                       matrix_products_alone=([50, 50, 100], [1, 1, 1]))
    line = table.summary([(problem("S"), measured), (problem("S", activation="tanh"), measured)]).splitlines()
    assert len(line) == 5  # headings, dashes, one row (tanh has no aim), nothing, the resolution
    assert "7.00 (7.00 to 7.50); aim ≥ 7: reached" in line[2]
    assert "1.00 (0.75 to 1.12); aim ≤ 1.15: reached" in line[2]
    assert "2.00 (2.00 to 2.00); aim ≤ 2.2: reached" in line[2]
    assert line[4].endswith("WGAN-GP, S, relu: 1.01 (1.01 to 1.01); WGAN-GP, S, tanh: 1.01 (1.01 to 1.01).")


def test_the_summary_does_without_those_that_are_missing():
    absent = [Result(JAX, 1, None, "no such library")]
    slow = results(minigan=([100, 100],), PyTorch_eager=([120, 120],))
    line = table.summary([(problem("L"), absent + slow)]).splitlines()[2]
    assert line == "| WGAN-GP, L, relu | 1.20 (1.20 to 1.20); aim ≥ 1.3: **missed** | n/a | n/a |"


# -- the floor ------------------------------------------------------------------------------------------
# n = 8 rows, layers 2-8-8-2 of the generator and 2-8-8-1 of the critic
FORWARD_G = 8 * (2 * 8 + 8 * 8 + 8 * 2)
CRITIC_STEP = {  # on 16 rows the real and the fake, on 8 the penalty's
    "fake": FORWARD_G, "forward": 16 * (2 * 8 + 8 * 8), "backward": 16 * (1 * 8 + 8 * 8),
    "weights": 16 * (2 * 8 + 8 * 8 + 8 * 1)}
PENALTY = {
    "forward": 8 * (2 * 8 + 8 * 8), "slope": 8 * (1 * 8 + 8 * 8 + 8 * 2), "tangent": 8 * (2 * 8 + 8 * 8),
    "weights": 8 * (2 * 8 + 8 * 8)}
CURVED = {"adjoint": 8 * 8 * 8, "weights": 8 * (2 * 8 + 8 * 8)}  # where φ″ is not 0
GENERATOR_STEP = {
    "forward": FORWARD_G + 8 * (2 * 8 + 8 * 8), "slope": 8 * (1 * 8 + 8 * 8 + 8 * 2),
    "backward": 8 * (2 * 8 + 8 * 8), "weights": FORWARD_G}
SCORES = {"critic step": 16 * 8, "generator step": 8 * 8}


def total(*parts):
    return sum(sum(part.values()) for part in parts)


@pytest.mark.parametrize(("recipe", "activation", "expected"), [
    ("wgan-gp", "relu", 5 * total(CRITIC_STEP, PENALTY) + total(GENERATOR_STEP)),
    ("wgan-gp", "tanh", 5 * total(CRITIC_STEP, PENALTY, CURVED) + total(GENERATOR_STEP)),
    ("gan", "relu", total(CRITIC_STEP, GENERATOR_STEP, SCORES)),
    ("gan", "tanh", total(CRITIC_STEP, GENERATOR_STEP, SCORES)),
])
def test_the_floor_counts_what_a_hand_counts(recipe, activation, expected):
    assert floor.multiplications(replace(TINY, recipe=recipe, activation=activation)) == expected


@pytest.fixture
def products(monkeypatch):
    """(m, k, n) of the products that NumPy has been asked for, without those that only add up rows or columns."""
    def spy(product):
        def asked(a, b, *out, **kwargs):
            (m, k), n = a.shape, b.shape[1]
            if not (1 in (m, n) and any((x == 1).all() for x in (a, b))):
                made.append((m, k, n))
            return product(a, b, *out, **kwargs)

        return asked

    made = []
    for name in ("matmul", "dot"):
        monkeypatch.setattr(np, name, spy(getattr(np, name)))
    return made


@pytest.mark.parametrize("recipe", ["wgan-gp", "gan"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_minigans_programs_make_the_floors_products_and_hardly_more(products, recipe, activation):
    given = problem("S", recipe, activation)
    critic, generator = training.Contender(given).training.programs
    products.clear()  # of recording
    for program in (*critic, generator):
        program()
    rest = list(products)
    for m, k, n, _ in floor.products(given):
        rest.remove((m, k, n))  # ValueError: a product of the floor's that minigan does without
    assert sum(m * k * n for m, k, n in rest) <= 0.1 * floor.multiplications(given)
