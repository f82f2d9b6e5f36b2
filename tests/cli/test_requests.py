"""Requests of any kind: an exit status and a sentence, never a traceback; and what is refused leaves nothing behind."""

import random
import re
from pathlib import Path

import numpy as np
import pytest

from minigan.cli import main
from minigan.gans import RECIPES
from minigan.lab.config import NAMES
from minigan.lab.toys import TOYS
from minigan.studies.presets import PRESETS
from tests.selection import slow_but

QUICK = ["--steps", "2", "--batch", "8", "--generator", "4", "--critic", "4", "--samples", "20", "--evaluations", "1"]
NONSENSE = ["", "0", "-1", "-0.5", "nan", "inf", "-inf", "1e400", "1e12", "1e-300", "3.7", "x", "None", "0x10", "²",
            "1,5"]
NUMBERS = {"int": ["0", "1", "2", "3", "1e1", "1_0"], "float": ["0", "0.1", "0.5", "1", "2", "1e-3"]}


def random_value(rng: random.Random, name: str) -> list[str]:
    """Something for a setting, for most draws of what it takes."""
    setting = NAMES[name]
    kind, choices = str(setting.type), setting.metadata["choices"]
    if rng.random() < 0.15:
        return [rng.choice(NONSENSE)]
    if choices:
        return [rng.choice(list(choices)) if rng.random() < 0.8 else rng.choice(list(choices)).upper()]
    if kind in NUMBERS:
        return [rng.choice(NUMBERS[kind])]
    if name == "constants":
        return [rng.choice(["margin=2", "b=0.5", "margin", "=", "margin=x", "alpha=1"])]
    if name == "data":
        files = ["nowhere.csv", "points.csv", "words.csv", ".", "points.csv/x.npy", "x" * 300 + ".npy"]
        return [rng.choice([*TOYS, *files])]
    return [str(rng.choice([1, 2, 5, 0, -3])) for _ in range(rng.randint(1, 3))]


def random_settings(rng: random.Random) -> list[str]:
    words: list[str] = []
    for name in rng.sample(list(NAMES), rng.choice([0, 1, 1, 2, 3])):
        flag = f"--{name.replace('_', '-')}"
        if rng.random() < 0.05:
            flag = flag[:-1]
        if NAMES[name].type == "bool":
            words.append(rng.choice([flag, flag.replace("--", "--no-")]))
        else:
            words += [flag, *random_value(rng, name)]
    return words


def random_request(rng: random.Random) -> list[str]:
    folders = ["new", "new-2", "new-3", "deep/new", "deep/new-2", "points.csv", "points.csv/new", "run"]
    out = ["--out", rng.choice(folders)]
    others = ["compare", "compare", "sample", "sample", "list", "verify", "trian", "selfcheck"]
    command = rng.choice(["train"] * 12 + others)
    if command == "train":
        more = rng.choice([[]] * 6 + [["--preset", rng.choice([*PRESETS, "own2"])], ["--threads", rng.choice(NONSENSE)],
                                      ["--resume", rng.choice(["run", "nothing", "points.csv"])], ["--eager"]])
        if "--resume" in more:
            return ["train", *more, *(random_settings(rng) if rng.random() < 0.3 else [])]
        recipe = ["--recipe", rng.choice(list(RECIPES))] if rng.random() < 0.8 else []
        return ["train", *QUICK, *recipe, *random_settings(rng), *more, *out]
    if command == "compare":
        pair = ",".join(rng.choice([*RECIPES, "gan2"]) for _ in range(rng.choice([1, 2])))
        number = rng.choice(["1", "2", "0", "1e12", "x"])
        return ["compare", *QUICK, "--recipes", pair, "--seeds", number, "--jobs", "1", *random_settings(rng), *out]
    if command == "sample":
        return ["sample", rng.choice(["run", "run/checkpoint.npz", "nothing", "."]), "-n",
                rng.choice([*NONSENSE, "5", "7", "1e1"]), "--seed", rng.choice([*NONSENSE, "1"]),
                "--out", rng.choice(["a.csv", "new/a.npy", "a.txt", "run", "points.csv/a.csv", "a.npz"])]
    if command == "verify":
        return ["verify", rng.choice(["W3", "Z9", "G*", "-x"]), "--seed", rng.choice([*NONSENSE, "1"]),
                "--json", rng.choice(["v.json", "run", "points.csv/v.json"])]
    if command == "list":
        return ["list", "--markdown", rng.choice(["l.md", "run", "points.csv/l.md"])]
    if command == "selfcheck":
        return ["selfcheck", "--sizes", rng.choice(["Q", "S,"]), "--device", "none"]
    return [command, *QUICK]


@pytest.fixture
def place(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.savetxt("points.csv", np.random.default_rng(0).normal(size=(60, 2)), delimiter=",")
    Path("words.csv").write_text("a,b\nc,d\n")
    assert main(["train", *QUICK, "--out", "run"]) == 0
    return tmp_path


def check(request: list[str], capsys, place: Path) -> int:
    """The status of a request, which keeps the rules."""
    before = set(place.rglob("*"))
    try:
        status = main(request)
    except SystemExit as done:
        status = done.code
    except BaseException as error:
        raise AssertionError(f"{request}: {error!r}") from error
    error = capsys.readouterr().err
    assert status in (0, 1, 2) and "Traceback" not in error, request
    if status:
        assert re.search(r"^minigan: .{8,}", error, re.M), (request, error)
    if status == 2:
        assert set(place.rglob("*")) == before, request
    return status


@pytest.mark.parametrize("seed", slow_but([], range(40), "random requests"))
def test_random_requests_end_in_a_status_and_a_sentence(seed: int, capsys, place) -> None:
    rng = random.Random(seed)
    for _ in range(10):
        check(random_request(rng), capsys, place)
