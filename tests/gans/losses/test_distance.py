"""What a critic's value says: the largest value of each distance, by the f of its row and by a critic that is sure."""

from math import inf, log

import numpy as np
import pytest

from minigan.autodiff import Tensor
from minigan.gans.losses import LOSSES, W1, Distance, distance_of
from minigan.theory.family import DIVERGENCES, JS, skew

LARGEST = {  # f(0) + lim f(u)/u, by hand; the others have no end
    "JS (½KL + ½KL, nats)": (log(2), "log 2"),
    "JS of pairs (P⊗Q ‖ Q⊗P, nats)": (log(2), "log 2"),
    "2 JS (KL + KL, nats)": (2 * log(2), "2 log 2"),
    "TV (½ ∫ |p − q|)": (1.0, "1"),
    "Le Cam (½ ∫ (p − q)²/(p + q))": (1.0, "1"),
    "H² (½ ∫ (√p − √q)²)": (1.0, "1"),
    "D_α, α = 0.5": (4.0, "4"),
}
ROWS = {row.estimates.label: row.estimates for row in LOSSES.values() if row.estimates}


def test_the_largest_values_are_those_by_hand() -> None:
    ends = {label: (row.largest, row.largest_name) for label, row in ROWS.items() if row.largest < inf}
    assert ends.keys() == LARGEST.keys()
    for label, (largest, name) in LARGEST.items():
        assert ends[label] == (pytest.approx(largest, rel=1e-14), name)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_an_f_divergence_ends_where_f_does(name: str) -> None:
    f = DIVERGENCES[name].f
    with np.errstate(over="ignore"):
        end = float(f(1e-300) + f(1e100) / 1e100)
    row = LOSSES[f"f-{name}"].estimates
    assert row == distance_of(DIVERGENCES[name])
    if row.largest < inf:
        assert row.largest == pytest.approx(end, rel=1e-9)
    else:
        assert not end < 50  # no end, or one nobody would recognise


@pytest.mark.parametrize(("name", "real", "fake"), [
    ("non-saturating", 50.0, -50.0), ("relativistic", 50.0, -50.0), ("ebgan", 0.0, 1.0), ("hinge", 1.0, -1.0),
    ("lsgan", 1.0, 0.0),
])
def test_a_critic_that_is_sure_and_right_says_the_largest(name: str, real: float, fake: float) -> None:
    estimate = LOSSES[name].estimate(*(Tensor(np.full((1, 1), s)) for s in (real, fake))).item()
    assert estimate == pytest.approx(LOSSES[name].estimates.largest)


def test_how_a_largest_value_is_written() -> None:
    assert [Distance("", x).largest_name for x in (log(2), 3 * log(2), 1.0, 0.25, inf)] == [
        "log 2", "3 log 2", "1", "0.25", "inf"]
    own = distance_of(skew(0.3))
    assert own == Distance("D_f, f = js(0.3)", own.largest) and own.largest_name == "0.611"
    assert W1.largest == inf and distance_of(JS) is not W1
