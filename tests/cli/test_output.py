"""What is printed, to a terminal, a file, or nobody; and what is written as JSON."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigan import GAN
from minigan.claims import CLAIMS
from minigan.cli import main
from minigan.cli.output import Tenths, write_json
from minigan.gans.recipes import RECIPES
from tests.selection import slow_but

SMALL = ["--batch", "16", "--generator", "8", "--critic", "8", "--samples", "50"]
TINY = [*SMALL, "--steps", "400", "--evaluations", "20"]


def test_json_has_numpys_values_and_what_is_not_finite(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"passed": np.bool_(True), "n": np.int64(3), "x": np.float32(0.5), "y": np.nan,
                                     "z": [np.inf, -np.inf], "array": np.array([1.0, np.nan]), "ω": None})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {
        "passed": True, "n": 3, "x": 0.5, "y": "nan", "z": ["inf", "-inf"], "array": [1.0, "nan"], "ω": None}


def test_a_line_for_every_tenth(capsys) -> None:
    with Tenths(30_000, "step", initial=4_000) as bar:
        bar.set_postfix_str("loss 1")
        for _ in range(26_000):
            bar.update()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == [str(n) for n in range(20, 101, 10)]  # from 13 % on
    assert lines[-1].startswith("100 % 30000/30000 [") and lines[-1].endswith("loss 1]")


def test_progress_in_a_pipe_is_ten_lines(tmp_path: Path, capsys) -> None:
    assert main(["train", *TINY, "--out", str(tmp_path / "run")]) == 0
    err = capsys.readouterr().err
    assert err.count("\n") == 10 and "\r" not in err and "400/400" in err


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal is opened as a POSIX pseudo-terminal")
def test_progress_on_a_terminal_is_one_line_and_an_error_has_its_own(tmp_path: Path) -> None:
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    wild = ["--optimizer", "sgd", "--lr-critic", "1e4"]
    process = subprocess.Popen([sys.executable, "-m", "minigan", "train", *TINY, *wild, "--out", tmp_path / "run"],
                               stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    text = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # nobody has it open any more
            break
        if not piece:
            break
        text += piece
    os.close(ours)
    assert process.wait() == 1
    *bar, error, rest = text.decode().split("\r\n")
    assert len(bar) == 1 and all(len(line) <= 100 for line in bar[0].split("\r")) and "/400 [" in bar[0]
    assert error.startswith("minigan: at step") and rest == ""


def piped(command: str, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess:
    line = f"set -o pipefail; {sys.executable} -m minigan {command}"
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=tmp_path,
                          env=os.environ | environment, timeout=120)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of a POSIX shell")
@pytest.mark.parametrize(("command", "environment"), [
    ("list | head -1", {}), ("train --help | head -1", {}), ("list >&-", {}), ("list 2>&-", {}),
    ("verify W3 2>&1 | head -1", {}),
    ("list", {"PYTHONIOENCODING": "ascii"}), ("train --help", {"PYTHONIOENCODING": "ascii"}),
    ("verify D1 G1", {"PYTHONIOENCODING": "latin-1"}),
])
def test_readers_who_leave_and_terminals_without_letters(command, environment, tmp_path) -> None:
    done = piped(command, tmp_path, **environment)
    assert done.returncode == 0 and "Traceback" not in done.stderr and "Error" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a full disk is /dev/full")
@pytest.mark.parametrize("command", ["list > /dev/full", "list --markdown /dev/full", "verify W3 --json /dev/full"])
def test_a_full_disk_is_a_sentence(command, tmp_path) -> None:
    done = piped(command, tmp_path)
    assert done.returncode == 1 and "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


@pytest.mark.slow("every written format of all claims")
def test_every_claim_can_be_written(tmp_path: Path, capsys) -> None:
    """W14's verdict was a bool of NumPy's, which JSON has not."""
    json_file, page = tmp_path / "new" / "claims.json", tmp_path / "new" / "claims.md"
    assert main(["verify", "--json", str(json_file), "--markdown", str(page)]) == 0
    written = json.loads(json_file.read_text(encoding="utf-8"))
    assert {claim["id"] for claim in written} == set(CLAIMS) and all(claim["passed"] is True for claim in written)
    assert all(type(check["passed"]) is bool for claim in written for check in claim["checks"])
    assert all(f"{name}" in page.read_text(encoding="utf-8") for name in CLAIMS)
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 10 and f"{len(CLAIMS)}/{len(CLAIMS)}" in err


# Every recipe, to the end of its files

LAYERS = ["--generator", "4", "--critic", "4"]
OTHERS = {"mle": [], "reverse-kl": [], "imle": ["--generator", "4"]}  # no critic; the first two, no layers either
AUTOENCODERS = ["--generator", "4", "--critic", "4", "2", "4", "--pretrain", "2"]


def layers(recipe: str) -> list[str]:
    return OTHERS.get(recipe, AUTOENCODERS if recipe.startswith("ebgan") else LAYERS)


@pytest.mark.parametrize("recipe", slow_but(["mle"], RECIPES, "run folders of recipes"))
def test_every_recipe_leaves_a_folder_that_can_be_read(recipe: str, tmp_path, capsys) -> None:
    folder = tmp_path / "a run"
    words = ["train", "--recipe", recipe, "--steps", "4", "--batch", "8", "--samples", "60", "--evaluations", "2"]
    assert main([*words, *layers(recipe), "--out", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "nan" not in told and {path.name for path in folder.iterdir()} == {
        "config.toml", "checkpoint.npz", "history.csv", "samples.npz", "scores.csv", "report.png"}
    with (folder / "scores.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["samples"].split()[0] for row in rows] == ["generator", "ceiling", "null"]
    assert all(float(row["w1"]) > 0 for row in rows)
    dim = np.load(folder / "samples.npz")["samples"].shape[1]
    assert main(["sample", str(folder), "-n", "5", "--out", str(tmp_path / "x.csv")]) == 0
    x = np.loadtxt(tmp_path / "x.csv", delimiter=",", ndmin=2)
    assert x.shape == (5, dim) and np.array_equal(x, GAN.load(folder).sample(5))
    assert main(["train", "--resume", str(folder), "--steps", "6"]) == 0
