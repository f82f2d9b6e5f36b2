"""The program, as a user meets it: in a process of its own where signals and exit statuses matter."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minigan.cli import main
from minigan.gans import RECIPES
from minigan.lab.config import NAMES, as_dict
from minigan.lab.run import read_config
from minigan.lab.toys import TOYS
from minigan.studies import summary
from minigan.studies.design import plan
from minigan.studies.presets import PRESETS

QUICK = ["--batch", "16", "--generator", "8", "--critic", "8", "--samples", "50"]
TINY = [*QUICK, "--steps", "20", "--evaluations", "2"]
LONG = [*QUICK, "--steps", "1500", "--evaluations", "15"]


def start(*args: object, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "minigan", *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def finish(process: subprocess.Popen) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The folder of a run that nobody interrupts."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert finish(start("train", *LONG, "--out", folder))[0] == 0
    return folder


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


@pytest.mark.slow("reports and pictures of more systems")
def test_the_default_folder_is_named_by_the_run_and_never_reused(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert main(["train", "--recipe", "gan", "--data", "moons", "--seed", "7", *TINY]) == 0
    a, b = tmp_path / "runs" / "gan-moons-seed7", tmp_path / "runs" / "gan-moons-seed7-2"
    for file in a.iterdir():
        assert file.read_bytes() == (b / file.name).read_bytes()


@pytest.mark.slow("finished runs that go on, from the command line")
def test_a_finished_run_goes_on(tmp_path: Path, capsys) -> None:
    """As the run that was so long from the start, where the learning rate is constant."""
    here, there = tmp_path / "here", tmp_path / "there"
    settings = [*TINY, "--schedule", "constant", "--evaluations", "1"]
    steps = int(TINY[TINY.index("--steps") + 1])
    assert main(["train", *settings, "--out", str(here)]) == 0
    assert main(["train", "--resume", str(here), "--steps", str(2 * steps)]) == 0
    assert main(["train", *settings, "--steps", str(2 * steps), "--out", str(there)]) == 0
    for file in ("samples.npz", "config.toml"):
        assert (here / file).read_bytes() == (there / file).read_bytes(), file
    assert main(["train", "--resume", str(here), "--steps", str(steps)]) == 2
    assert f"has taken {2 * steps} steps already" in capsys.readouterr().err


@pytest.mark.slow("runs and studies killed, and gone on with")
def test_kill_minus_nine_and_resume_gives_the_bits_of_an_uninterrupted_run(whole: Path, tmp_path: Path) -> None:
    killed = tmp_path / "killed"
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
@pytest.mark.slow("runs and studies killed, and gone on with")
def test_control_c_saves_and_says_how_to_resume(whole: Path, tmp_path: Path) -> None:
    stopped = tmp_path / "stopped"
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
    (["--device", "cuda"], ["cupy"]),
    (["--resume", "nothing-here"], ["not a run folder"]),
    (["--resume", "nothing-here", "--steps", "5"], ["not a run folder"]),
    (["--resume", "nothing-here", "--batch", "5"], ["its own settings", "--batch"]),
    (["--resume", "nothing-here", "--preset", "collapse"], ["its own settings", "--preset"]),
    (["--preset", "colapse"], ["colapse", "did you mean 'collapse'"]),
    (["--preset", "collapse", "--recipe", "unroled"], ["did you mean 'unrolled'"]),
    (["--constants", "margin"], ["name=value"]),
    (["--critic-norm", "batch"], ["gradient penalty"]),
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
    assert "bad.npy, row 1, column 2: all must be finite in float64, but this is NaN" in capsys.readouterr().err
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
    assert re.search(r"--critic-steps .*default: 5; 1 for gan, gan-minimax, fgan-kl and \d+ more;", text)


def test_list_names_every_row_and_groups_the_recipes(capsys) -> None:
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    for name, row in [*RECIPES.items(), *TOYS.items(), *PRESETS.items()]:
        source = re.escape(f" [{row.source}]") if row.source else ""
        shows = rf"\n +shows: {re.escape(row.shows)}" if getattr(row, "shows", "") else r"(?!\n +shows)"
        assert re.search(rf"^  {re.escape(name)} +{re.escape(row.summary)}{source}{shows}$", text, re.M)
    groups = re.split(r"^ (\S.*)\n", text[: text.index("Data sets")], flags=re.M)[1:]
    assert len(groups[::2]) == len({row.group for row in RECIPES.values()})
    for group, rows in zip(groups[::2], groups[1::2], strict=True):
        assert re.findall(r"^  (\S+)", rows, re.M) == [name for name, row in RECIPES.items() if row.group == group]


def test_train_with_a_preset(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--preset", "collapse", "--recipe", "r1", "--beta1", "0.25", *TINY]) == 0
    config, _ = read_config(tmp_path / "runs" / "collapse-r1-ring8-unit-seed0")
    tiny = {"batch": 16, "generator": (8,), "critic": (8,), "samples": 50, "steps": 20, "evaluations": 2}
    assert config == PRESETS["collapse"].configure("r1", **tiny, beta1=0.25)
    assert main(["train", "--preset", "wgan-paper", *TINY, "--out", "mine"]) == 0
    assert read_config(Path("mine"))[0].recipe == "wgan"


# -- compare ------------------------------------------------------------------------------------------
STUDY = ["compare", "--recipes", "gan,wgan-gp", "--seeds", "2", *TINY]


def test_compare_prints_one_table_and_leaves_a_study(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*STUDY, "--data", "ring8", "--jobs", "2"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == ["gan,", "recipe", "gan", "wgan-gp", "ceiling", "null", "wrote"]
    assert re.split(r" {2,}", lines[1]) == ["recipe", "modes found", "modes solid", "% high quality",
                                            "reverse KL (nats)", "exact W₁", "failed", "seconds"]
    assert all(len(re.findall(r"  (?:[\d.]+|–)", line)) >= 5 and "[" not in line for line in lines[2:6])  # of 2 seeds
    assert all("0 of 2" in line for line in lines[2:4]) and "40/40" in err
    folder = tmp_path / "runs" / "compare-ring8"
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == {"summary.md", "summary.csv", "table.csv", "comparison.png", *(
        f"{name}/{file}" for name in ("gan", "wgan-gp")
        for file in ("config.toml", "samples.npz", "table.csv", "timing.toml"))}
    for line in lines[1:6]:
        assert all(cell in (folder / "summary.md").read_text() for cell in re.split(r" {2,}", line))
    first = {path: path.read_bytes() for path in folder.rglob("*.*")}
    assert main([*STUDY, "--data", "ring8", "--out", str(folder)]) == 0  # nothing is left to do
    again, err = capsys.readouterr()
    assert again.splitlines()[1:6] == lines[1:6] and "step" not in err
    assert first == {path: path.read_bytes() for path in folder.rglob("*.*")}
    assert main([*STUDY, "--data", "ring8", "--steps", "21", "--out", str(folder)]) == 2
    assert "steps 20 there, 21 now" in capsys.readouterr().err
    assert main([*STUDY, "--data", "moons", "--jobs", "1"]) == 0 and (tmp_path / "runs" / "compare-moons").exists()
    assert re.search(r"^recipe +exact W₁ +failed +seconds$", capsys.readouterr().out, re.M)


def test_the_command_on_the_page_makes_the_same_study(tmp_path: Path, capsys) -> None:
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(50, 3)))
    wanted = ["--recipes", "gan, r1", "--seeds", "2", "--seed", "5", "--preset", "collapse", "--quick",
              "--standardize", "none", "--data", str(tmp_path / "points.npy"), *TINY]
    assert main(["compare", *wanted, "--out", str(tmp_path / "a"), "--jobs", "1"]) == 0
    page = (tmp_path / "a" / "summary.md").read_text()
    command = re.search(r"```sh\nminigan (.*)\n```", page)[1]
    assert main([*shlex.split(command), "--out", str(tmp_path / "b"), "--jobs", "1"]) == 0
    for name in ("table.csv", "gan/config.toml", "r1/samples.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert {row["seed"] for row in summary.read_rows(tmp_path / "b" / "table.csv")} == {5, 6}
    assert "not to be quoted" in page and "not to be quoted" in (tmp_path / "b" / "summary.md").read_text()


def test_compare_takes_what_a_preset_says(tmp_path: Path, monkeypatch, capsys) -> None:
    planned = []

    def carry_out(todo, *rest):
        planned.append(todo)
        raise KeyboardInterrupt

    monkeypatch.setattr("minigan.cli.compare.carry_out", carry_out)
    small = ["--batch", "8", "--critic-activation", "tanh", "--generator", "8", "--critic", "8"]
    for args in (["--preset", "pacgan-synthetic", "--data", "grid25-wide", *small], ["--quick"], []):
        assert main(["compare", *args, "--out", str(tmp_path)]) == 130
    pac, quick, own = planned
    assert list(pac.methods) == ["gan", "packing-2", "packing-3", "packing-4"] and len(pac.seeds) == 10
    assert [config.pack for config in pac.methods.values()] == [1, 2, 3, 4] and pac.data.name == "grid25-wide"
    assert as_dict(quick.methods["gan"])["steps"] == PRESETS["own"].quick["steps"] and len(quick.seeds) == 4
    assert own.methods == plan().methods
    error = capsys.readouterr().err
    assert "minigan compare --preset pacgan-synthetic --data grid25-wide" in error and f"--out {tmp_path}" in error


@pytest.mark.parametrize(("args", "words"), [
    (["--recipes", "gan,unroled"], ["'unroled'", "did you mean 'unrolled'"]),
    (["--recipes", "gan,r1,gan"], ["gan is named more than once"]),
    (["--seeds", "0"], ["--seeds must be at least 1"]),
    (["--jobs", "0"], ["--jobs must be at least 1"]),
    (["--data", "rnig8"], ["did you mean 'ring8'"]),
    (["--preset", "gantoy"], ["did you mean 'gan-toy'"]),
    (["--recipes", "gan,wgan-gp", "--critic-norm", "batch"], ["wgan-gp: a gradient penalty needs"]),
    (["--recipes", "gan,semi-supervised", "--data", "moons"], ["semi-supervised: moons has no classes"]),
    (["--steps", "0"], ["steps must be at least 1"]),
])
def test_compare_refuses_before_it_trains(args: list[str], words: list[str], capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *args]) == 2
    out, error = capsys.readouterr()
    assert all(word in error for word in words) and out == ""
    assert not (tmp_path / "runs").exists()


def test_failed_seeds_are_told(tmp_path: Path, capsys) -> None:
    assert main([*STUDY, "--optimizer", "sgd", "--lr-critic", "1e30", "--out", str(tmp_path), "--jobs", "1"]) == 0
    out = capsys.readouterr().out
    assert "2 of 2" in out and len(re.findall(r"^failed: (gan|wgan-gp), seed [01]: at step", out, re.M)) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a POSIX signal")
@pytest.mark.slow("runs and studies killed, and gone on with")
def test_control_c_keeps_what_is_done_and_goes_on(tmp_path: Path) -> None:
    """Two processes at work: the signal reaches them all, as from a terminal."""
    study = ["compare", "--recipes", "gan,wgan-gp", "--seeds", "2", "--jobs", "2", *LONG, "--evaluations", "5"]
    process = start(*study, "--out", tmp_path / "a", start_new_session=True)
    while not (tmp_path / "a" / "wgan-gp" / "checkpoint.npz").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    status, _, err = finish(process)  # which waits for all that could still write: nobody is left behind
    assert status == 130 and "Traceback" not in err and "to go on: minigan compare" in err
    assert list((tmp_path / "a").rglob("checkpoint.npz")) and not (tmp_path / "a" / "summary.md").exists()
    assert finish(start(*study, "--out", tmp_path / "a"))[0] == 0
    assert finish(start(*study, "--out", tmp_path / "b"))[0] == 0
    assert (tmp_path / "a" / "table.csv").read_bytes() == (tmp_path / "b" / "table.csv").read_bytes()


def test_sample_refuses_what_it_cannot_do(tmp_path: Path, capsys) -> None:
    assert main(["sample", str(tmp_path), "--out", "x.npy"]) == 2
    assert main(["sample", str(tmp_path), "--out", "x.txt"]) == 2
    assert main(["sample", str(tmp_path), "-n", "0", "--out", "x.npy"]) == 2
    assert re.search(r"not a run folder.*\.npy, \.npz, \.csv.*at least 1", capsys.readouterr().err, re.S)
