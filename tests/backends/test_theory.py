"""Every claim of the notes, its arrays on every library that has NumPy's functions: ``minigan verify --device D``."""

from __future__ import annotations

import os

import pytest

from minigan.claims import CLAIMS, verify
from minigan.cli import main
from tests.backends.backend import BACKENDS, Backend, present

# tests/claims verifies them on NumPy
elsewhere = pytest.mark.parametrize(
    "backend", present(row.name for row in BACKENDS.values() if row.methods and row.name != "numpy"), indirect=True)
MANY_CALLS = {"G1", "G12", "G13", "G14", "W2"}  # 10 to 30 seconds each where a call takes a tenth of a millisecond


@elsewhere
@pytest.mark.parametrize("id", CLAIMS)
@pytest.mark.slow("claims on each array library")
def test_a_claim_holds(id: str, backend: Backend) -> None:
    if backend.slow and id in MANY_CALLS and os.environ.get("MINIGAN_HYPOTHESIS") != "thorough":
        pytest.skip("too many calls for this library, unless MINIGAN_HYPOTHESIS=thorough")
    verdict = verify(CLAIMS[id], 0, backend.xp)
    assert verdict.passed, verdict.raised or verdict.worst


@elsewhere
def test_the_command(backend: Backend, capsys) -> None:
    assert main(["verify", "W3", "D1", "--device", backend.device]) == 0
    assert "2 of 2 claims hold" in capsys.readouterr().out
