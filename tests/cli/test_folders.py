"""Files and folders that cannot be what they are asked to be, said before any work; and what a full disk leaves."""

import os
import random
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigan import GAN
from minigan.cli import main
from minigan.lab import checkpoint, run
from minigan.lab.checkpoint import RunError
from tests.selection import slow_but

INLINE = "module://matplotlib_inline.backend_that_is_missing"
QUICK = ["--steps", "4", "--batch", "8", "--generator", "4", "--critic", "4", "--samples", "20", "--evaluations", "2"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    np.savetxt(folder.parent / "points.csv", np.random.default_rng(0).normal(size=(60, 2)), delimiter=",")
    assert main(["train", *QUICK, "--data", str(folder.parent / "points.csv"), "--out", str(folder)]) == 0
    return folder


def untouched(monkeypatch) -> None:
    """Whoever begins to work in spite of a bad request fails."""
    def work(*args, **options):
        raise AssertionError("the work was begun")

    for name in ("minigan.lab.run.start", "minigan.cli.compare.carry_out", "minigan.claims.verify",
                 "minigan.lab.estimator.GAN.sample"):
        monkeypatch.setattr(name, work)


@pytest.mark.parametrize("below", ["", "/x", "/x/y"])
@pytest.mark.parametrize("command", [
    ["train", *QUICK, "--out", "{}"], ["compare", *QUICK, "--recipes", "gan", "--seeds", "1", "--out", "{}"],
    ["sample", "RUN", "--out", "{}/a.csv"], ["verify", "W3", "--json", "{}/a.json"],
    ["verify", "--markdown", "{}/a.md"], ["selfcheck", "--json", "{}/a.json"], ["list", "--markdown", "{}/a.md"],
], ids=" ".join)
def test_a_file_is_no_folder(command, below, tmp_path, finished, monkeypatch, capsys) -> None:
    untouched(monkeypatch)
    (tmp_path / "file").write_text("mine")
    words = [word.format(f"{tmp_path / 'file'}{below}") if word != "RUN" else str(finished) for word in command]
    assert main(words) == 2
    assert f"{tmp_path / 'file'} is a file, not a folder" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("command", [
    ["verify", "--json", "."], ["verify", "--markdown", "."], ["selfcheck", "--json", "."], ["list", "--markdown", "."],
], ids=" ".join)
def test_a_folder_is_no_file(command, tmp_path, monkeypatch, capsys) -> None:
    untouched(monkeypatch)
    assert main(command) == 2 and ". is a folder, not a file" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions bind no administrator")
def test_a_locked_folder(tmp_path, finished, monkeypatch, capsys) -> None:
    untouched(monkeypatch)
    tmp_path.chmod(0o500)
    for words in (["train", *QUICK, "--out", "{}"], ["sample", str(finished), "--out", "{}/a.csv"],
                  ["verify", "--json", "{}/a.json"], ["list", "--markdown", "{}/a.md"]):
        assert main([word.format(tmp_path / "new") for word in words]) == 2
        assert "permission denied" in capsys.readouterr().err
    tmp_path.chmod(0o700)


def test_sample_makes_the_folder_of_its_file(tmp_path, finished) -> None:
    assert main(["sample", str(finished), "-n", "1e1", "--out", str(tmp_path / "a" / "b" / "x.npy")]) == 0
    assert np.load(tmp_path / "a" / "b" / "x.npy").shape == (10, 2)


def test_a_file_is_no_run(finished, capsys) -> None:
    file = finished / "checkpoint.npz"
    for words in (["sample", str(file), "--out", "x.csv"], ["train", "--resume", str(file)]):
        assert main(words) == 2 and f"{file} is a file, not a run folder" in capsys.readouterr().err
    with pytest.raises(RunError, match="is a file, not a run folder"):
        GAN.load(file)


@pytest.mark.parametrize(("file", "change"), [
    ("config.toml", lambda text: text.replace(b"steps = 4", b'steps = "four"')),
    ("config.toml", lambda text: text.replace(b"steps = 4", b"steps = 4.5")),
    ("config.toml", lambda text: text.replace(b'recipe = "wgan-gp"', b"recipe = [1]")),
    ("config.toml", lambda text: text.replace(b"[columns]", b"[rows]")),
    ("config.toml", lambda text: text.replace(b"shift = [", b"shift = 3\nother = [")),
    ("config.toml", lambda text: text.replace(b"scale = [", b'scale = ["a", ')),
    ("config.toml", lambda text: text[:100]),
    ("config.toml", lambda text: b""),
    ("checkpoint.npz", lambda text: text[:-200]),
    ("checkpoint.npz", lambda text: text[:20]),
    ("checkpoint.npz", lambda text: b"not a zip"),
])
def test_a_damaged_run_is_named(file, change, finished, tmp_path, capsys) -> None:
    shutil.copytree(finished, tmp_path / "run")
    held = (finished / file).read_bytes()
    assert change(held) != held
    (tmp_path / "run" / file).write_bytes(change(held))
    assert main(["sample", str(tmp_path / "run"), "--out", str(tmp_path / "x.csv")]) == 2
    assert str(tmp_path / "run") in capsys.readouterr().err
    assert main(["train", "--resume", str(tmp_path / "run")]) in (0, 2)
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize("missing", ["state.theta", "state.w", "step", "format", "streams", "history"])
def test_a_checkpoint_that_lacks_something(missing, finished, tmp_path, capsys) -> None:
    shutil.copytree(finished, tmp_path / "run")
    arrays = checkpoint.read_arrays(finished / "checkpoint.npz")
    del arrays[missing]
    checkpoint.write_arrays(tmp_path / "run" / "checkpoint.npz", arrays)
    assert main(["train", "--resume", str(tmp_path / "run")]) == 2
    assert str(tmp_path / "run") in capsys.readouterr().err


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow("runs damaged at random"))])
def test_random_damage_ends_in_a_status(seed, finished, tmp_path, capsys) -> None:
    rng = random.Random(seed)
    for k in range(10 + 90 * seed):
        where = tmp_path / str(k)
        shutil.copytree(finished, where)
        file = where / rng.choice(["config.toml", "checkpoint.npz", "data.npz"])
        content = bytearray(file.read_bytes())
        for _ in range(rng.choice([1, 3, 30])):
            content[rng.randrange(len(content))] = rng.randrange(256)
        file.write_bytes(content[: rng.choice([len(content), rng.randrange(len(content))])])
        for words in (["sample", str(where), "--out", str(tmp_path / "x.csv")], ["train", "--resume", str(where)]):
            assert main(words) in (0, 1, 2)
        assert "Traceback" not in capsys.readouterr().err


def test_a_disk_that_fills_up_keeps_what_was_saved(tmp_path, monkeypatch, capsys) -> None:
    """One checkpoint does not fit; the one before is as it was, and the command to go on is one for a shell."""
    written = run.save
    saves = []

    def full(training, folder):
        saves.append(training.step)
        if training.step == 4:
            monkeypatch.setattr(os, "replace", no_space)
        written(training, folder)

    def no_space(a, b):
        raise OSError(28, "No space left on device", str(b))

    monkeypatch.setattr(run, "save", full)
    folder = tmp_path / "a run (1)"
    assert main(["train", *QUICK, "--out", str(folder)]) == 1
    err = capsys.readouterr().err
    assert "checkpoint.npz: No space left on device" in err and saves == [0, 2, 4]
    assert int(checkpoint.read_checkpoint(folder)["step"]) == 2 and not list(folder.glob(".*"))
    again = err[err.index("minigan train --resume"):].splitlines()[0]
    monkeypatch.undo()
    assert main(shlex.split(again)[1:]) == 0 and (folder / "report.png").exists()


def test_memory_that_runs_out(tmp_path, monkeypatch, capsys) -> None:
    def starved(*args):
        raise MemoryError("Unable to allocate 7 GiB")

    monkeypatch.setattr("minigan.lab.train.Training.iterate", starved)
    assert main(["train", *QUICK, "--out", str(tmp_path / "run")]) == 1
    assert "not enough memory: Unable to allocate 7 GiB" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--batch", "9e8"], ["--samples", "9e8"], ["--generator", "1e8", "1e8"],
                                   ["--latent", "9e8"], ["--batch", "1e12"], ["--samples", "1e12"]], ids=" ".join)
def test_what_no_memory_holds_is_refused_and_leaves_nothing(words, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("minigan.lab.memory.physical", lambda: 64 * 10**9)
    for command in (["train"], ["compare", "--recipes", "gan", "--seeds", "1"]):
        assert main([*command, *words, "--out", str(tmp_path / "new")]) == 2
        assert words[0][2:] in capsys.readouterr().err and not (tmp_path / "new").exists()


@pytest.mark.parametrize("backend", slow_but([], [INLINE, "nonsense", "svg"], "other backends of matplotlib"))
def test_a_backend_that_is_missing_is_no_matter(backend, tmp_path) -> None:
    done = subprocess.run([sys.executable, "-m", "minigan", "train", *QUICK, "--out", tmp_path / "run"],
                          capture_output=True, text=True, env=os.environ | {"MPLBACKEND": backend}, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "report.png").stat().st_size > 10_000 and "ceiling" in done.stdout


@pytest.mark.parametrize("command", [["train"], ["compare", "--recipes", "gan", "--seeds", "1"]], ids=" ".join)
def test_pictures_that_cannot_be_drawn_are_known_before_step_1(command, tmp_path, monkeypatch, capsys) -> None:
    untouched(monkeypatch)
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main([*command, *QUICK, "--out", str(tmp_path / "new")]) == 2
    assert "matplotlib" in capsys.readouterr().err and not (tmp_path / "new").exists()


def test_a_setting_that_one_of_several_recipes_reads_is_taken(tmp_path, capsys) -> None:
    study = ["compare", *QUICK, "--seeds", "1", "--jobs", "1"]
    assert main([*study, "--recipes", "gan,r1", "--penalty", "0.5", "--out", str(tmp_path / "a")]) == 0
    assert main([*study, "--recipes", "gan,gan-minimax", "--penalty", "0.5", "--out", str(tmp_path / "b")]) == 2
    assert "penalty = 0.5 would do nothing" in capsys.readouterr().err and not (tmp_path / "b").exists()


def test_a_run_with_settings_that_nothing_reads_is_loaded(tmp_path) -> None:
    """A preset names layers and a critic, and the recipe that is asked for has a Gaussian model and none."""
    words = ["train", "--preset", "own", "--recipe", "mle", "--steps", "4", "--samples", "20", "--data", "gaussian"]
    assert main([*words, "--out", str(tmp_path / "a")]) == 0
    assert GAN.load(tmp_path / "a").sample(3).shape == (3, GAN.load(tmp_path / "a").model_.game.generator.sizes[-1])


def test_resume_prints_a_command_that_a_shell_reads(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minigan.lab.run.drive", lambda *args: False)
    assert main(["train", "--recipe", "fgan-alpha(0.5)", *QUICK]) == 130
    err = capsys.readouterr().err
    folder = "runs/fgan-alpha(0.5)-ring8-seed0"
    assert f"to continue: minigan train --resume '{folder}'" in err
