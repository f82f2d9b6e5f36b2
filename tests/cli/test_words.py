"""What ``minigan train`` says of data and of a run, and what ``sample`` writes, as a user meets them."""

import csv
from pathlib import Path

import numpy as np

import minigan
from minigan.cli import main

SHORT = ["--steps", "40", "--evaluations", "4", "--samples", "200", "--batch", "16"]


def table(path: Path, n: int = 100) -> np.ndarray:
    rng = np.random.default_rng(0)
    age = rng.uniform(20, 70, n)
    x = np.column_stack([1.6e9 + 50 * rng.normal(size=n), 1000 * age + rng.normal(0, 5000, n)])
    path.write_text("\n".join(["time,income", *(f"{a!r},{b!r}" for a, b in x.tolist())]) + "\n")
    return x


def test_a_run_of_ones_own_table_says_what_its_numbers_are_of(tmp_path, capsys) -> None:
    x = table(tmp_path / "mine.csv")
    assert main(["train", "--data", str(tmp_path / "mine.csv"), "--out", str(tmp_path / "run"), *SHORT]) == 0
    out = capsys.readouterr().out
    assert "80 rows to train on; 20 held out" in out and "in standard deviations of each" in out
    assert "w1: exact W₁ of 20 samples to as many data, in standard deviations" in out
    head, generator, ceiling, null = (next(line.split() for line in out.splitlines() if line.startswith(name))
                                      for name in ("samples ", "generator ", "ceiling ", "null "))
    assert head == ["samples", "w1", "marginal", "correlation", "memorised"] and generator[-1].endswith("%")
    assert ceiling[1:3] == ["(training", "rows)"] and ceiling[-1] == "50.0%" and null[1:3] == ["(uniform", "noise)"]
    assert "not to be trusted yet: " in out and "nan" not in out
    written = list(csv.DictReader((tmp_path / "run" / "scores.csv").open(encoding="utf-8")))
    assert [row["samples"].split()[0] for row in written] == ["generator", "ceiling", "null"]
    assert {row["pair"] for row in written} == {"time–income"} and float(written[1]["memorised"]) == 0.5

    file = tmp_path / "new.csv"
    assert main(["sample", str(tmp_path / "run"), "-n", "500", "--out", str(file)]) == 0
    header, *rows = csv.reader(file.open(encoding="utf-8"))
    samples = np.array(rows, dtype=float)
    assert header == ["time", "income"] and len(np.unique(samples[:, 0])) == 500
    np.testing.assert_array_equal(samples, minigan.GAN.load(tmp_path / "run").sample(500))
    assert abs(samples[:, 0].mean() - x[:, 0].mean()) < 500


def test_a_warning_is_told_once_in_the_log_and_once_in_the_report(tmp_path, capsys) -> None:
    rates = ["--lr-critic", "0.2", "--lr-generator", "0.2"]
    steps = ["--steps", "400", "--evaluations", "20", "--samples", "200"]
    assert main(["train", "--recipe", "gan", *rates, *steps, "--out", str(tmp_path / "run")]) == 0
    out, err = capsys.readouterr()
    assert err.count("warning: collapsed generator (from step ") == out.count("warning: collapsed generator") == 1
    gan = minigan.GAN("gan", lr_critic=0.2, lr_generator=0.2, steps=400, evaluations=20, samples=200).fit("ring8")
    assert [warned.name for warned in gan.warnings_] == ["collapsed generator"]


def test_samples_without_names_have_no_header(tmp_path, capsys) -> None:
    assert main(["train", *SHORT, "--out", str(tmp_path / "run")]) == 0
    assert main(["sample", str(tmp_path / "run"), "-n", "3", "--out", str(tmp_path / "x.csv")]) == 0
    assert np.loadtxt(tmp_path / "x.csv", delimiter=",").shape == (3, 2)
    assert "below what this batch can tell" in (out := capsys.readouterr().out) or "the table has the exact one" in out
