"""Planted faults: each is noticed by those libraries that the table says, and NumPy alone misses most."""

import re
from pathlib import Path

import pytest

from minigan.autodiff import kernels
from tests.backends.backend import present
from tests.backends.faults import FAULTS, edited, table
from tests.backends.probe import PROBED, expected, noticed, probe, ready

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=present(PROBED, ready), scope="module")
def probed(request):
    expected()  # before anything is planted
    with ready(request.param) as backend:
        yield backend


def test_nothing_planted_nothing_noticed(probed):
    probe(probed)


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
@pytest.mark.slow("faults of code for a GPU, planted for each array library")
def test_a_planted_fault_is_noticed(fault, probed, monkeypatch, record_property):
    fault.plant(monkeypatch)
    error = noticed(probed)
    assert not isinstance(error, NameError), "the edit itself is at fault"
    record_property("fault", (fault.name, probed.name, error is not None))
    if f"{probed.name}?" not in fault.caught:
        assert (error is not None) == (probed.name in fault.caught.split()), error


def test_and_taken_out_again(monkeypatch):
    before = kernels.take.__code__
    with monkeypatch.context() as planted:
        for fault in FAULTS:
            if fault.function is kernels.take:
                fault.plant(planted)
                assert kernels.take.__code__ is not before
                planted.undo()
    assert kernels.take.__code__ is before
    assert not hasattr(kernels, "np")


def test_a_row_whose_source_has_changed_is_an_error():
    with pytest.raises(ValueError, match="take has 'no such text' 0 times"):
        edited(kernels.take, "no such text", "")


def test_every_fault_is_noticed_without_a_gpu_and_few_on_numpy_alone():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) > 40
    for fault in FAULTS:
        assert {*fault.caught.split()} & {"numpy", "strict", "double"}, fault.name
    assert {fault.name for fault in FAULTS if "numpy" in fault.caught.split()} == {
        "`Generator.normal`", "a float64 of NumPy in place of an array", "`xp.ones` without a dtype",
        "`if norm > c` in a step", "an index past the end, to wrap around", "a checkpoint fetched without a copy",
        "a reshape taken for a view", "a part with gaps reshaped, and written to", "`x.T` of a stack of matrices"}


def test_none_of_the_three_can_be_left_out():
    """dpnp and the dry run notice nothing that these do not: they show that a real library refuses it too."""
    for name in ("numpy", "strict", "double"):
        assert any(fault.caught.split() == [name] for fault in FAULTS), name


def test_the_table_of_the_documentation():
    page = (ROOT / "docs" / "arrays.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- faults -->\n(.*?)\n<!-- /faults -->", page, re.DOTALL)
    assert shown is not None, "docs/arrays.md has no table between <!-- faults --> and <!-- /faults -->"
    assert shown[1].strip().splitlines() == table(), "python -m tests.backends.faults prints it"
