"""A registry grows and never changes a row, whichever of dict's doors is used."""

import pytest

from minigan.registry import Registry, choose, nearest

BY = {
    "[name] =": lambda rows: rows.__setitem__("one", 2),
    "update": lambda rows: rows.update({"one": 2}),
    "update by keyword": lambda rows: rows.update(one=2),
    "pairs that repeat themselves": lambda rows: Registry("number", [*rows.items(), ("one", 2)]),
    "|=": lambda rows: rows.__ior__({"one": 2}),
}


@pytest.mark.parametrize("way", BY)
def test_a_taken_name_is_refused(way):
    rows = Registry("number", {"one": 1})
    with pytest.raises(ValueError, match="there is a number 'one' already"):
        BY[way](rows)
    assert rows == {"one": 1}


def test_the_rest_is_a_dictionary():
    rows = Registry("number", {"one": 1})
    rows["two"] = 2
    rows |= {"three": 3}
    assert rows.setdefault("one", 5) == 1 and rows.setdefault("four", 4) == 4
    del rows["one"]
    rows["one"] = 10
    assert rows == {"two": 2, "three": 3, "four": 4, "one": 10} and isinstance(rows, dict)


def test_a_misspelt_name_is_answered():
    with pytest.raises(ValueError, match="unknown number 'twoo'; did you mean 'two'"):
        choose("twoo", Registry("number", {"one": 1, "two": 2}), "number")


@pytest.mark.parametrize("written", ["WGAN-GP", "wgan_gp", "Wgan_Gp", "wgangp"])
def test_capitals_and_underscores_are_no_distance(written):
    assert nearest(written, ["gan", "wgan", "wgan-gp", "wgan-lp"]) == "wgan-gp"


def test_what_is_no_name_is_refused_and_what_is_like_none_has_no_suggestion():
    with pytest.raises(ValueError, match=r"unknown number \[1\]\. There are: one"):
        choose([1], {"one": 1}, "number")
    assert nearest("zzzz", ["one"]) is None
