"""The runner: every property is tried, what fails is listed, what is skipped or debatable is a warning."""

import pytest
from hypothesis import strategies as st

from minigan.testing import Debatable, PropertyError, Skipped, check_divergence
from minigan.testing.properties import Property, require, run

NUMBERS = {"x": st.integers(0, 9)}


def row(name: str, bound: int, **more) -> Property:
    """x ≤ bound, which breaks for a bound below 9."""
    return Property(name, f"x ≤ {bound}", NUMBERS, lambda x: require(x <= bound, f"x = {x}"), **more)


def ours():
    """A function that is judged."""


def test_each_property_that_fails_is_reported() -> None:
    with pytest.raises(PropertyError) as error:
        run([ours], [row("a", 9), row("b", 4), row("c", 9), row("d", 6)], 100, 0)
    found = [(f.property, f.formula, f.counterexample, f.found) for f in error.value.findings]
    assert found == [("b", "x ≤ 4", {"x": 5}, "x = 5"), ("d", "x ≤ 6", {"x": 7}, "x = 7")]
    assert error.value.held == ("a", "c") and error.value.skipped == {}
    assert (error.value.property, error.value.found) == ("b", "x = 5")  # the first one's
    assert str(error.value) == """\
ours breaks the property 'b'
  expected: x ≤ 4
  smallest counterexample:
    x = 5
  found: x = 5
and the property 'd'
  expected: x ≤ 6
  smallest counterexample:
    x = 7
  found: x = 7
These hold: 'a', 'c'"""


def test_what_holds_is_returned() -> None:
    assert run([ours], [row("a", 9), row("b", 10)], 10, 0) == ["a", "b"]


@pytest.mark.parametrize(("skip", "why"), [
    (("b",), "the caller said so"), ("b", "the caller said so"), ({"b": "ours is in bits"}, "ours is in bits"),
])
def test_what_is_skipped_is_not_tried_and_said(skip, why) -> None:
    rows = [row("a", 9), row("b", 4)]
    with pytest.warns(Skipped, match=f"ours: skipped the property 'b': {why}"):
        assert run([ours], rows, 10, 0, skip) == ["a"]
    with pytest.warns(Skipped), pytest.raises(PropertyError, match=f"Skipped: 'b' \\({why}\\)") as error:
        run([ours], [*rows, row("c", 4)], 100, 0, skip)
    assert error.value.property == "c" and error.value.skipped == {"b": why}


def test_an_unknown_name_to_skip_is_an_error_that_lists_the_names() -> None:
    with pytest.raises(ValueError, match=r"property 'valu'; did you mean 'value'\? There are: .*, joint convexity"):
        check_divergence(lambda p, q: 0.0, "js", skip=("valu",))


def test_what_is_debatable_warns() -> None:
    rows = [row("a", 9), row("b", 4, debatable="some count from 1"), row("c", 9, debatable="never seen")]
    with pytest.warns(Debatable) as warned:
        assert run([ours], rows, 100, 0) == ["a", "c"]
    (warning,) = warned
    assert str(warning.message) == """\
ours breaks the property 'b'
  expected: x ≤ 4
  smallest counterexample:
    x = 5
  found: x = 5
  debatable, not wrong: some count from 1"""


@pytest.mark.parametrize(("examples", "error"), [(0, ValueError), (-3, ValueError), (2.5, TypeError),
                                                 (True, TypeError)])
def test_nothing_is_checked_without_examples(examples, error) -> None:
    row = Property("never asked", "x = x", {"x": st.integers()}, lambda x: None)
    with pytest.raises(error, match="examples must be"):
        run([max], [row], examples, 0)
