"""What a study says: the statistics against hand-made and scipy's values, tables that can be read back."""

import argparse
import csv
import shlex
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from minigan.cli import compare
from minigan.cli.common import given_settings
from minigan.studies import intervals, page, summary
from minigan.studies.design import Plan, Result, Study, plan
from minigan.studies.presets import PRESETS
from minigan.studies.summary import Estimate, interval, summarize, written

MODES = ("modes_found", "modes_solid", "high_quality", "reverse_kl", "reverse_kl_near", "w1")


def made_up(recipes=("gan", "wgan-gp"), data="ring8", seeds=4, failed=(), **options) -> Study:
    """A study that nobody trained: of each recipe and seed made-up numbers, recognisable ones."""
    todo = plan(recipes, data, seeds, **options)
    rng = np.random.default_rng(5)
    names = MODES if todo.data.modes(np.zeros((1, todo.data.dim))) else MODES[-1:]

    def row(recipe: str, seed: int) -> dict:
        if (recipe, seed) in failed:
            return {"recipe": recipe, "seed": seed, "failed": "at step 7, of old age"}
        numbers = {"modes_found": int(rng.integers(9)), "modes_solid": int(rng.integers(9))}
        return {"recipe": recipe, "seed": seed, "failed": "",
                **{name: numbers.get(name, float(rng.random())) for name in names}}

    samples = rng.standard_normal((len(todo.seeds), 60, todo.data.dim))
    for _, seed in failed:
        samples[todo.seeds.index(seed)] = np.nan
    results = {name: Result([row(name, seed) for seed in todo.seeds], samples, 12.0) for name in todo.methods}
    return Study(todo, results, [row(name, seed) for name in ("ceiling", "null") for seed in todo.seeds])


# -- the statistics -------------------------------------------------------------------------------
@pytest.mark.parametrize("values", [(0.0, 1.0, 0.0, 1.0, 1.0, 1.0), (0.3, 0.1, 0.9, 0.4, 0.2, 0.7)])
def test_the_interval_is_that_of_all_resamples(values: tuple) -> None:
    """Of so few seeds every resample can be listed: 6⁶ of them, equally likely."""
    means = np.mean(list(product(values, repeat=6)), axis=1)
    found, tail = interval(values), (1 - intervals.level(6)) / 2
    assert found.mean == pytest.approx(np.mean(values), abs=1e-12)
    for end, level in ((found.low, tail), (found.high, 1 - tail)):
        spread = 4 * np.sqrt(tail / intervals.RESAMPLES)
        low, high = np.quantile(means, np.clip([level - spread, level + spread], 0, 1), method="inverted_cdf")
        assert low - 1e-12 <= end <= high + 1e-12


def test_the_interval_is_scipys_percentile_bootstrap_and_always_the_same() -> None:
    x = np.random.default_rng(0).normal(size=10)
    theirs = stats.bootstrap((x,), np.mean, confidence_level=intervals.level(10), n_resamples=10_000,
                             method="percentile", random_state=np.random.default_rng(0)).confidence_interval
    assert interval(x) == Estimate(x.mean(), *theirs) == interval(x)
    rng = np.random.default_rng(0)
    means = x[rng.integers(10, size=(10_000, 10))].mean(axis=1)
    tail = (1 - intervals.level(10)) / 2
    np.testing.assert_allclose(interval(x)[1:], np.quantile(means, [tail, 1 - tail]))


@pytest.mark.parametrize("n", [6, 10])
def test_the_quantiles_are_those_that_give_normal_seeds_the_t_interval(n: int) -> None:
    """Of normal seeds the means of resamples are about N(x̄, s²(n − 1)/n²), s the seeds' standard deviation."""
    x = np.random.default_rng(3).normal(size=n)
    theirs = stats.t.interval(0.95, n - 1, x.mean(), x.std(ddof=1) / np.sqrt(n))
    resampled = stats.norm(x.mean(), x.std() / np.sqrt(n))
    assert resampled.interval(intervals.level(n)) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.slow("reports and pictures of more systems")
@pytest.mark.parametrize("n", [6, 10])
def test_the_interval_holds_the_mean_as_often_as_it_says(n: int) -> None:
    """Of normal seeds, and of skewed ones too few for any bootstrap to be exact on (95 ± 2 sd of 1,000, and 87)."""
    rng = np.random.default_rng(1)
    x, skewed = rng.normal(size=(n, 1000)), rng.exponential(size=(n, 1000))
    for seeds, mean, least, most in [(x, 0, 0.925, 0.97), (skewed, 1, 0.87, 0.97)]:
        found = intervals.interval_over(seeds, axis=0)
        assert least < np.mean((found.low <= mean) & (mean <= found.high)) < most


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_of_fewer_seeds_there_is_no_interval_for_even_their_range_is_not_one(n: int) -> None:
    """The range of 2 seeds holds the mean half of the time, that of 5 by 94 %: 1 − 2^(1−n), less than it would say."""
    x = np.random.default_rng(2).normal(size=(n, 20_000))
    held = np.mean((x.min(axis=0) <= 0) & (x.max(axis=0) >= 0))
    assert held == pytest.approx(1 - 2.0 ** (1 - n), abs=0.015) and held < 0.95
    np.testing.assert_array_equal(interval(range(n)), [(n - 1) / 2, np.nan, np.nan])


@pytest.mark.parametrize("value", [8.0, 0.1, 1 / 3])
def test_where_all_seeds_agree_the_interval_is_their_value(value: float) -> None:
    assert interval([value] * 10) == Estimate(value, value, value)  # a warning would be an error


def test_of_one_seed_there_is_no_interval_and_of_none_nothing() -> None:
    np.testing.assert_array_equal(interval([3.0]), [3, np.nan, np.nan])
    np.testing.assert_array_equal(interval([]), [np.nan] * 3)
    seen = [1.0, 2.0, 4.0, 8.0, 5.0, 7.0]
    assert interval([np.nan, *seen, np.nan]) == interval(seen)
    assert np.isnan(interval([*seen[:5], np.nan]).low)  # five are left


def test_failed_seeds_are_counted_and_not_averaged() -> None:
    study = made_up(failed=[("gan", 2)])
    gan, wgan, ceiling, _ = summarize(study)
    assert [row["recipe"] for row in summarize(study)] == ["gan", "wgan-gp", "ceiling", "null"]
    assert (gan["failed"], gan["seeds"], wgan["failed"]) == (1, 4, 0)
    kept = [row["w1"] for row in study.results["gan"].rows if row["seed"] != 2]
    assert gan["w1"].mean == pytest.approx(np.mean(kept)) and np.isnan(gan["w1"].low)
    assert np.isnan(ceiling["seconds"]) and gan["seconds"] == 12
    assert "1 of 4" in summary.cells(study)[1]
    assert "Failed: gan, seed 2: at step 7, of old age." in page.page(study)
    everything = made_up(failed=[("gan", seed) for seed in range(4)])
    assert summary.cells(everything)[1] == ["gan", *["–"] * 5, "4 of 4", "12"]


def test_how_numbers_are_written() -> None:
    assert written("modes_solid", Estimate(7.94, 7.6, 8)) == "7.9 [7.6, 8.0]"
    assert written("high_quality", Estimate(0.9651, 0.95, 0.981)) == "96.5 [95.0, 98.1]"
    assert written("w1", Estimate(0.08, np.nan, np.nan)) == "0.0800"
    assert written("reverse_kl", Estimate(np.nan, np.nan, np.nan)) == "–"


# -- the files --------------------------------------------------------------------------------------
def test_the_long_table_reads_back_as_it_was(tmp_path: Path) -> None:
    study = made_up(failed=[("wgan-gp", 1)])
    summary.write_rows(tmp_path / "table.csv", study.rows)
    assert summary.read_rows(tmp_path / "table.csv") == study.rows
    with (tmp_path / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 4 and [row["recipe"] for row in rows[::4]] == ["gan", "wgan-gp", "ceiling", "null"]
    assert rows[5]["w1"] == "" and rows[5]["failed"] == "at step 7, of old age"


@pytest.mark.parametrize(("data", "seeds"), [("ring8", 2), ("ring8", 6), ("moons", 6)])
def test_all_files_say_the_same(tmp_path: Path, data: str, seeds: int) -> None:
    study = made_up(data=data, seeds=seeds)
    page.write(study, tmp_path)
    names = ["comparison.png", "summary.csv", "summary.md", "table.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    with (tmp_path / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    metrics = MODES if data == "ring8" else MODES[-1:]
    assert {"modes_solid", "high_quality"} <= set(rows[0]) or data == "moons"
    for row, estimates in zip(rows, summarize(study), strict=True):
        for metric in metrics:
            told = [row[f"{metric}{end}"] for end in ("", "_low", "_high")]
            assert told == [str(x) if x == x else "" for x in estimates[metric]] and (told[1] == "") == (seeds < 6)
    text = (tmp_path / "summary.md").read_text()
    for line in summary.cells(study):
        assert all(cell in text for cell in line)
    assert ("Solid" in text) == (data == "ring8")


# -- the page -----------------------------------------------------------------------------------------
def section(text: str, start: str) -> list[list[str]]:
    """The table after the words."""
    lines = text[text.index(start):].splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith("|"))
    last = next((k for k in range(first, len(lines)) if not lines[k].startswith("|")), len(lines))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[first:last]]
    return [rows[0], *rows[2:]]


def test_the_page_states_every_setting_of_every_method() -> None:
    study = made_up(["gan", "wgan", "packing"], settings={"batch": 32, "evaluations": 3})
    text = page.page(study)
    header, *rows = section(text, "Of each method:")
    assert header[:2] == ["method", "recipe"] and {"optimizer", "lr_critic", "clip", "pack"} <= set(header)
    told = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    assert told["wgan"]["optimizer"] == "rmsprop" and told["gan"]["optimizer"] == "adam"
    assert (told["wgan"]["clip"], told["gan"]["clip"], told["packing"]["pack"]) == ("0.1", "0", "2")
    shared = text[text.index("The same for all:"):].split("\n")[0]
    assert "batch 32" in shared and "generator 64 64" in shared and "lr_critic" not in shared
    for name in study.plan.methods["gan"].__dataclass_fields__:
        assert name in header or f" {name} " in shared or name in ("recipe", "seed"), name
    assert "NumPy" in text and "seeds 0, 1, 2, 3, those" in text


def test_the_page_says_what_the_brackets_are_or_why_there_are_none() -> None:
    few, many = page.page(made_up(seeds=2)), page.page(made_up(seeds=10))
    assert "No intervals: a 95 % one takes 6 seeds." in few and "[" not in "".join(few.splitlines()[6:12])
    assert "In brackets 95 % intervals" in many and "10,000 resamples" in many
    assert "even if 26 % of all would not" in many and pytest.approx(0.05, abs=0.002) == 0.74**10
    for row in section(few, "```\n\n|"):
        assert not any("[" in cell for cell in row)
    assert all("[" in cell for row in section(many, "```\n\n|")[1:] for cell in row[1:6])


@pytest.mark.parametrize(("seeds", "first", "words"), [
    (3, None, ["--seeds", "3"]), (3, 5, ["--seeds", "3", "--seed", "5"]), ([7], None, ["--seeds", "1", "--seed", "7"]),
    ([3, 7, 11], None, ["--seeds", "3,7,11"]), ([4, 3], None, ["--seeds", "4,3"]),
])
def test_the_command_gives_the_same_seeds(seeds, first, words) -> None:
    todo = plan(["gan"], "ring8", seeds, {} if first is None else {"seed": first})
    told = shlex.split(page.command_of(todo))
    assert told[told.index("--seeds"):] == words
    parser = argparse.ArgumentParser()
    compare.add(parser.add_subparsers())
    args = parser.parse_args(told[1:])
    assert plan(["gan"], "ring8", args.seeds, given_settings(args) | {"data": "ring8"}).seeds == todo.seeds


def test_the_optimiser_is_stated_even_where_all_agree() -> None:
    header, *_ = section(page.page(made_up(["gan", "gan-minimax"])), "Of each method:")
    assert {"optimizer", "lr_critic", "lr_generator"} <= set(header)


def test_a_reduced_budget_is_called_so() -> None:
    assert "Reduced budget" in page.page(made_up(preset="collapse", data=None))
    assert "not to be quoted" in page.page(made_up(preset="own", quick=True))
    assert "educed" not in page.page(made_up(preset="wgan-paper", recipes=["wgan"]))


def published_plan(data="ring8-unit", **options) -> Plan:
    """The plan of a published configuration, without recording its large networks."""
    row = PRESETS["pacgan-synthetic"]
    todo = plan(["gan"], data, 4)
    configs = {name: replace(row.configure(name, options.get("quick", False)), data=data) for name in row.recipes}
    return replace(todo, preset=row, methods=configs, **options)


def test_published_numbers_stand_beside_the_published_configuration_alone() -> None:
    study = made_up(["gan", "packing"], "ring8-unit")
    results = {"gan": study.results["gan"], "packing-2": study.results["packing"]}
    rows = [{**row, "recipe": "packing-2"} for row in results["packing-2"].rows]
    results["packing-2"] = results["packing-2"]._replace(rows=rows)
    ours = replace(study, plan=published_plan(given={"evaluations": 7}), results=results)
    header, *table = section(page.page(ours), "## Beside the published numbers")
    assert len(table) == 4 + 5 and header[0] == "method"
    estimates = {row["recipe"]: row for row in summarize(ours)}
    told = {(row[0], row[1]): row[2:] for row in table}
    gan, packing = told["gan", "PacGAN"], told["packing-2", "PacGAN"]
    assert gan[::2] == ["6.3 ± 0.5", "98.2", "0.45 ± 0.09"] and packing[::2] == ["7.9", "95.6", "0.07"]
    assert packing[1::2] == [written(m, estimates["packing-2"][m])
                             for m in ("modes_found", "high_quality", "reverse_kl_near")]
    assert told["gan", "VEEGAN"][::2] == ["1", "99.3", ""] and told["veegan", "VEEGAN"][1::2] == [""] * 3
    for options, words in [({"given": {"steps": 9}}, "(steps differ)"), ({"quick": True}, "steps differ"),
                           ({"given": {"beta1": 0.5, "device": "cpu"}}, "(beta1 differ)")]:
        text = page.page(replace(ours, plan=published_plan(**options)))
        assert "Beside the published" not in text and words in text
    assert "published" not in page.page(replace(ours, plan=published_plan("ring8")))
