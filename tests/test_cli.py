"""The program, as a user meets it: in a process of its own where signals and exit statuses matter."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minigan.cli import main
from minigan.gans import RECIPES
from minigan.lab.config import NAMES
from minigan.lab.toys import TOYS

QUICK = ["--batch", "16", "--generator", "8", "--critic", "8", "--samples", "50"]
TINY = [*QUICK, "--steps", "20", "--evaluations", "2"]
LONG = [*QUICK, "--steps", "4000", "--evaluations", "40", "--critic-steps", "2"]


def start(*args: object, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "minigan", *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def finish(process: subprocess.Popen) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_train_leaves_a_run_and_sample_draws_from_it(tmp_path: Path) -> None:
    status, out, err = finish(start("train", *TINY, "--out", tmp_path / "run"))
    assert status == 0 and "20/20" in err and "exact W₁" in err and "modes" in err
    assert "ceiling" in out and "null" in out
    for suffix in (".npy", ".npz", ".csv"):
        file = tmp_path / f"drawn{suffix}"
        assert main(["sample", str(tmp_path / "run"), "-n", "30", "--out", str(file)]) == 0
    x = np.load(tmp_path / "drawn.npy")
    assert x.shape == (30, 2)
    np.testing.assert_array_equal(np.load(tmp_path / "drawn.npz")["samples"], x)
    np.testing.assert_allclose(np.loadtxt(tmp_path / "drawn.csv", delimiter=","), x, rtol=1e-6)


def test_the_default_folder_is_named_by_the_run_and_never_reused(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert main(["train", "--recipe", "gan", "--data", "moons", "--seed", "7", *TINY]) == 0
    a, b = tmp_path / "runs" / "gan-moons-seed7", tmp_path / "runs" / "gan-moons-seed7-2"
    for file in a.iterdir():
        assert file.read_bytes() == (b / file.name).read_bytes()


def test_kill_minus_nine_and_resume_gives_the_bits_of_an_uninterrupted_run(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert finish(start("train", *LONG, "--out", whole))[0] == 0
    process = start("train", *LONG, "--out", killed)
    while not (killed / "history.csv").exists() or len((killed / "history.csv").read_text().splitlines()) < 4:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert not (killed / "samples.npz").exists()
    status, _, err = finish(start("train", "--resume", killed))
    assert status == 0, err
    for file in whole.iterdir():
        assert file.read_bytes() == (killed / file.name).read_bytes(), file.name


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a POSIX signal")
def test_control_c_saves_and_says_how_to_resume(tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    process = start("train", *LONG, "--out", stopped)
    while not (stopped / "history.csv").exists() or len((stopped / "history.csv").read_text().splitlines()) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    status, _, err = finish(process)
    assert status == 130 and "Traceback" not in err
    step = int(re.search(r"stopped at step (\d+), saved; to continue: minigan train --resume (\S+)", err)[1])
    assert np.load(stopped / "checkpoint.npz")["step"] == step > 0
    assert finish(start("train", "--resume", stopped))[0] == 0
    assert finish(start("train", *LONG, "--out", whole))[0] == 0
    assert (whole / "checkpoint.npz").read_bytes() == (stopped / "checkpoint.npz").read_bytes()


def test_a_run_that_blows_up_fails_with_its_last_checkpoint(tmp_path: Path) -> None:
    wild = ["--optimizer", "sgd", "--lr-critic", "1e4"]
    status, _, err = finish(start("train", *LONG, *wild, "--out", tmp_path / "run"))
    assert status == 1
    assert re.search(r"at step \d+ the critic's (loss|parameters) stopped being finite", err)
    assert f"last good checkpoint is kept in {tmp_path / 'run'}" in err and "Traceback" not in err
    kept = np.load(tmp_path / "run" / "checkpoint.npz")
    assert all(np.isfinite(kept[name]).all() for name in kept if name.startswith("state."))


@pytest.mark.parametrize(("args", "words"), [
    (["--recipe", "wgan-gpp"], ["wgan-gpp", "did you mean 'wgan-gp'"]),
    (["--data", "rnig8"], ["rnig8", "did you mean 'ring8'"]),
    (["--data", "nowhere.npy"], ["no such data file", "nowhere.npy"]),
    (["--steps", "0"], ["steps must be at least 1"]),
    (["--dtype", "float16"], ["dtype", "float32"]),
    (["--device", "cuda"], ["CuPy"]),
    (["--resume", "nothing-here"], ["not a run folder"]),
    (["--resume", "nothing-here", "--steps", "5"], ["its own settings", "--steps"]),
])
def test_bad_requests_say_what_was_wrong(args: list[str], words: list[str], capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", *args]) == 2
    error = capsys.readouterr().err
    assert all(word in error for word in words) and "Traceback" not in error
    assert not (tmp_path / "runs").exists()


def test_data_files(tmp_path: Path, capsys) -> None:
    np.save(tmp_path / "bad.npy", np.array([[1.0, np.nan], [2, 3]]))
    assert main(["train", "--data", str(tmp_path / "bad.npy")]) == 2
    assert "bad.npy must be finite: nan at row 0, column 1" in capsys.readouterr().err
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(50, 3)))
    assert main(["train", "--data", str(tmp_path / "points.npy"), *TINY, "--out", str(tmp_path / "run")]) == 0
    assert str(tmp_path) not in (tmp_path / "run" / "config.toml").read_text()
    assert (tmp_path / "run" / "data.npz").exists()


def test_help_lists_every_choice_with_its_default(capsys) -> None:
    with pytest.raises(SystemExit) as done:
        main(["train", "--help"])
    assert done.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for name, setting in NAMES.items():
        flag = f"--{name.replace('_', '-')}"
        default = setting.default
        shown = " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
        assert re.search(rf"{flag}[ ,][^()]*(\([^()]*\)[^()]*)*\(default: {re.escape(shown)}", text), flag
    assert "0.001" in text and "gan: 1;" in text  # and what a recipe prefers


def test_list_names_every_row(capsys) -> None:
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    for name, row in [*RECIPES.items(), *TOYS.items()]:
        assert re.search(rf"^  {re.escape(name)} .*{re.escape(row.summary)}", text, re.M)


def test_sample_refuses_what_it_cannot_do(tmp_path: Path, capsys) -> None:
    assert main(["sample", str(tmp_path), "--out", "x.npy"]) == 2
    assert main(["sample", str(tmp_path), "--out", "x.txt"]) == 2
    assert main(["sample", str(tmp_path), "-n", "0", "--out", "x.npy"]) == 2
    assert re.search(r"not a run folder.*\.npy, \.npz, \.csv.*at least 1", capsys.readouterr().err, re.S)
