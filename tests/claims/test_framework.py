"""The framework of claims: it fails when it should, and planted faults are noticed or shown as missed."""

import json

import numpy as np
import pytest

from minigan.claims import CLAIMS, comparison, select, self_test, verify
from minigan.claims.claim import Claim, at_least, at_most, claim, equals
from minigan.claims.faults import SCALE, SIGN, SWAPPED
from minigan.cli import main
from tests.selection import slow_but


@pytest.mark.parametrize(("check", "passed"), [
    (equals("", 1.0, 1.0), True),
    (equals("", 1.0, 1.0 + 1e-8), False),
    (equals("", [1.0, np.inf], [1.0, np.inf]), True),
    (equals("", [1.0, np.inf], [1.0, -np.inf]), False),
    (equals("", np.inf, 1.0), False),
    (equals("", np.nan, np.nan), False),
    (equals("", np.nan, 1.0), False),
    (equals("", [1.0, 2.0], [1.0, 2.0, 3.0]), False),
    (equals("", 0.0, 1e-13), True),
    (at_most("", 1.0, 1.0), True),
    (at_most("", 1.1, 1.0), False),
    (at_most("", np.nan, 1.0), False),
    (at_most("", [0.0, 2.0], 1.0), False),
    (at_least("", 1.0, 1.1), False),
    (at_least("", np.inf, 1.1), True),
])
def test_a_check_fails_when_it_should(check, passed: bool) -> None:
    assert check.passed is passed
    assert (check.error == 0) or not passed or check.error <= check.tolerance


@pytest.mark.parametrize(("check", "seven", "exact"), [
    (equals("", 2.0, 2.0), "=", "="),
    (equals("", 1.0, 1 + 1e-12), "=", "≈"),
    (equals("", 2.372915, 2.230811, atol=0.38), "≈", "≈"),  # W5, which was printed "2.373 = 2.231"
    (equals("", -1.5e-16, 0.0), "≈", "≈"),
    (equals("", -0.0, 0.0), "=", "="),
    (equals("", [1.0, np.inf], [1.0, np.inf]), "=", "="),
    (equals("", np.ones(20), 1.0), "=", "="),
    (equals("", [*np.ones(20), 1.01], 1.0, atol=0.1), "≈", "≈"),  # an entry that is not shown counts
    (equals("", 2.0, 3.0), "≠", "≠"),
    (equals("", np.nan, 3.0), "≠", "≠"),
    (at_most("", 1.0, 1.0), "≤", "≤"),
    (at_most("", 1.0 + 1e-13, 1.0), "≤", "≲"),
    (at_most("", 1.01, 1.0, 0.1), "≲", "≲"),
    (at_most("", 1.01, 1.0), "≰", "≰"),
    (at_least("", [0.99, 2.0], 1.0, 0.1), "≳", "≳"),
    (at_least("", 0.99, 1.0), "≱", "≱"),
])
def test_a_sign_is_what_the_printed_digits_say(check, seven: str, exact: str) -> None:
    assert check.holds_as("{:.7g}".format) == seven and check.holds_as(repr) == exact


def signs_hold(check) -> bool:
    """Of the page, whose digits are fewest: = between the same digits; another sign of equality has its tolerance."""
    computed, sign, expected = comparison(check, "{:.4g}".format, ", ...", 10**6)
    sides = [[float(x) for x in side.split(", ") if x] for side in (computed, expected.partition(" (±")[0])]
    return (sign in "≈≲≳") == ("(±" in expected) and (sign != "=" or bool(np.all(np.equal(*sides))))


def row(body) -> Claim:
    made = Claim("X1", "a − b", "note", "paper", {"minus": lambda a, b: a - b}, body)
    made.must_notice(minus=[SCALE, SIGN, SWAPPED])
    return made


def test_a_good_claim_passes_and_notices_its_faults() -> None:
    good = row(lambda f, lab: iter([equals("2 − 1", f.minus(2.0, 1.0), 1.0)]))
    assert verify(good).passed
    assert [noticed for _, _, noticed in self_test(good)] == [True, True, True]


def test_a_lax_claim_is_shown_to_miss() -> None:
    lax = row(lambda f, lab: iter([at_most("2 − 1", f.minus(2.0, 1.0), 5.0)]))
    assert verify(lax).passed
    assert not any(noticed for _, _, noticed in self_test(lax))


def test_what_raises_or_checks_nothing_fails() -> None:
    def raises(f, lab):
        yield equals("", 1.0, 1.0)
        raise ZeroDivisionError("here")

    verdict = verify(row(raises))
    assert not verdict.passed and "ZeroDivisionError: here" in verdict.raised
    assert not verify(row(lambda f, lab: iter([]))).passed


def test_a_claim_draws_from_its_own_stream() -> None:
    draw = row(lambda f, lab: iter([equals("", lab.rng.random(), 0.0)]))
    first, again, other = draw.run(0)[0].computed, draw.run(0)[0].computed, draw.run(1)[0].computed
    assert first == again != other


def test_a_claim_names_its_faults_or_misses_one() -> None:
    """For each function on trial, and for nothing else."""
    bare = Claim("X1", "a", "note", "paper", {"f": abs, "g": abs}, lambda f, lab: iter([equals("", f.f(1), f.g(1))]))
    assert self_test(bare) == [("f", "no fault is planted", False), ("g", "no fault is planted", False)]
    for faults in ({"f": [SIGN]}, {"f": [SIGN], "g": []}, {"f": [SIGN], "g": [SIGN], "h": [SIGN]}):
        with pytest.raises(ValueError, match="claim X1: faults are to be planted in each of f, g, and in nothing else"):
            bare.must_notice(**faults)
    assert not bare.faults


def test_registration_refuses_a_taken_id_and_one_of_no_chapter() -> None:
    taken = next(iter(CLAIMS))
    with pytest.raises(ValueError, match=f"there is a claim '{taken}' already"):
        claim(taken, "", note="", paper="", computes={"f": abs})(lambda f, lab: iter([]))
    for id in ("Q1", "D", "D01", "1"):
        with pytest.raises(ValueError, match=f"claim {id}: an id is a letter of DGWEX and a number"):
            claim(id, "", note="", paper="", computes={"f": abs})


def test_selection() -> None:
    ids = [c.id for c in select([])]
    assert sorted(ids) == sorted(CLAIMS) and ids[0] == "D1" and ids[-1] == "E22" and ids.index("G2") < ids.index("G10")
    assert [c.id for c in select(["w3", "D1"])] == ["D1", "W3"]
    assert {c.id[0] for c in select(["errata"])} == {"E"}
    with pytest.raises(ValueError, match=r"no claim matches 'Q\*'"):
        select(["Q*"])


def test_the_program_prints_the_claims_and_writes_json(tmp_path, capsys) -> None:
    ids = ["D1", "W1", "W14"]  # W14's tolerance is a NumPy number, and so was its verdict
    assert main(["verify", *ids, "--verbose", "--json", str(tmp_path / "out.json")]) == 0
    text = capsys.readouterr().out
    assert "pass  D1" in text and "3 of 3 claims hold" in text
    rows = json.loads((tmp_path / "out.json").read_text())
    assert [row["id"] for row in rows] == ids and all(row["passed"] and row["checks"] for row in rows)
    for check in (check for row in rows for check in row["checks"]):
        same = check["computed"] == check["expected"]
        assert (check["relation"] == "=") <= same and check["relation"] in "=≈≤≥≲≳"
    assert main(["verify", "Q1"]) == 2


def test_what_agrees_to_a_tolerance_is_printed_so(tmp_path, capsys) -> None:
    assert main(["verify", "E10", "--verbose", "--markdown", str(tmp_path / "page.md")]) == 0
    assert "computed 1.9995 ≈ expected 2, error 5.0e-04 (allowed 2.0e-03)" in capsys.readouterr().out
    assert "| x² on [−1, 1] | 1.999 | ≈ | 2 (± 0.002) |" in (tmp_path / "page.md").read_text(encoding="utf-8")


def test_a_failing_claim_is_exit_status_1(monkeypatch, capsys) -> None:
    bad = row(lambda f, lab: iter([equals("2 − 1", f.minus(2.0, 1.0), 3.0)]))
    monkeypatch.setitem(CLAIMS, "X1", bad)
    assert main(["verify", "X1"]) == 1
    assert "FAIL  X1" in capsys.readouterr().out


@pytest.mark.parametrize("id", CLAIMS)
def test_every_claim_holds(id: str) -> None:
    verdict = verify(CLAIMS[id])
    assert verdict.passed, (verdict.raised, [c for c in verdict.checks if not c.passed])
    assert all(signs_hold(check) for check in verdict.checks if np.size(check.computed) < 1000)


@pytest.mark.parametrize("id", slow_but(["D2", "W1", "G2", "E1"], CLAIMS, "faults planted for each claim"))
def test_every_claim_notices_its_planted_faults(id: str) -> None:
    missed = [row for row in self_test(CLAIMS[id]) if not row[2]]
    assert not missed
    assert all(CLAIMS[id].faults.get(name) for name in CLAIMS[id].computes), "each function on trial has its faults"


def test_every_claim_has_a_property_test(request) -> None:
    """tests/claims/test_*.py hold a Hypothesis property named test_<id>_... for each claim."""
    text = "\n".join(path.read_text() for path in request.path.parent.glob("test_*.py"))
    assert not [id for id in CLAIMS if f"def test_{id}_" not in text]
