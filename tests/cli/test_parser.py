"""The command line's words: numbers as people write them, and errors that say which option was meant."""

import argparse
import re

import pytest

from minigan.cli import main
from minigan.cli.parser import count, number, whole
from minigan.lab.config import ERRANDS


@pytest.mark.parametrize(("text", "value"), [
    ("12", 12), ("1e4", 10_000), ("10_000", 10_000), ("2.0", 2), ("-3", -3), (" 7 ", 7), ("1.5e3", 1500),
    ("999999999999999999", 999999999999999999),  # exact, where a float is not
])
def test_whole_numbers(text: str, value: int) -> None:
    assert whole(text) == value and type(whole(text)) is int


@pytest.mark.parametrize("text", ["1.5", "1e-3", "nan", "inf", "", "x", "1,000", "0x10", "1e999999999", "0e999999999"])
def test_what_is_no_whole_number_is_refused_at_once(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="must be a whole number, got"):
        whole(text)


def test_other_numbers() -> None:
    assert number("1e-3") == 0.001 and number("1_0") == 10.0
    with pytest.raises(argparse.ArgumentTypeError, match="must be a number, got '1,5'"):
        number("1,5")
    with pytest.raises(argparse.ArgumentTypeError, match="must be at least 1 and below 10, got 10"):
        count(1, 10)("10")


@pytest.mark.parametrize(("words", "error"), [
    (["trian"], "unknown command 'trian'; did you mean 'train'"),
    ([], "required: COMMAND"),
    (["train", "--recpe", "gan"], "no option --recpe; did you mean --recipe?"),
    (["train", "--steps=3", "--lr_critic", "1"], "no option --lr_critic; did you mean --lr-critic?"),
    (["train", "--Recipe=gan"], "no option --Recipe; did you mean --recipe?"),
    (["train", "--rec", "gan"], "no option --rec; did you mean --recipe?"),  # no abbreviations
    (["compare", "--recipe", "gan"], "no option --recipe; did you mean --recipes?"),
    (["sample", "x", "--output", "y.csv"], "required: --out"),
    (["verify", "--sed", "3"], "no option --sed; did you mean --seed?"),
    (["list", "everything"], "'everything' belongs to no option"),
    (["train", "--recipe", "WGAN-GP"], "did you mean 'wgan-gp'?"),
    (["train", "--recipe", "wgan_gp"], "did you mean 'wgan-gp'?"),
    (["train", "--data", "Ring8"], "did you mean 'ring8'?"),
    (["train", "--preset", "Collapse"], "did you mean 'collapse'?"),
    (["train", "--steps", "1.5"], "--steps must be a whole number, got '1.5'"),
    (["train", "--lr-critic", "fast"], "--lr-critic must be a number, got 'fast'"),
    (["train", "--steps"], "--steps: expected one argument"),
    (["train", "--generator", "64,64"], "--generator must be a whole number, got '64,64'"),
    (["train", "--threads", "-2"], "--threads must be at least 1"),
    (["compare", "--seeds", "1e12"], "--seeds must be at least 1 and below 10001"),
    (["sample", "x", "-n", "0", "--out", "y.csv"], "-n must be at least 1"),
    (["sample", "x", "--seed", "-1", "--out", "y.csv"], "--seed must be at least 0"),
    (["verify", "--seed", "-1"], "--seed must be at least 0"),
    (["verify", "--self-test", "--json", "x.json"], "leave out --json"),
])
def test_errors_are_a_line_that_helps(words, error, capsys) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert error in err and err.startswith("minigan: ") and err.count("\n") == 1 and out == ""


def test_help_has_a_group_for_each_errand(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = capsys.readouterr().out
    groups = dict(re.findall(r"^([a-z].*):\n((?:  .*\n|\n)+)", text, re.M))
    for errand, names in ERRANDS.items():
        flags = re.findall(r"^  --([a-z0-9-]+)", groups[errand], re.M)
        assert flags == [name.replace("_", "-") for name in names]
