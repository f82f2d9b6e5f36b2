"""How much of the suite a run is, and what it says about the rest.

``pytest`` looks at everything once. What is marked ``slow("what it does more")`` is left to ``pytest --all``, and so is
most of Hypothesis: each property is tried on few inputs here, on more with ``--all``, on thousands with
MINIGAN_HYPOTHESIS=thorough. What a run leaves out is named at its end.
"""

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

# One thread for each process: the matrices are small, and ``pytest -n auto`` has a process for each core. NumPy reads
# these when it is imported, which nobody has yet; whoever has set them keeps what they set.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

SLOW, LACKING = "slow; to run them too: pytest --all", "this machine has not what they run on:"
LEFT_OUT: Counter[tuple[str, str]] = Counter()  # why, what → how many tests
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=8, derandomize=True, **COMMON)
settings.register_profile("all", max_examples=30, **COMMON)
settings.register_profile("ci", max_examples=60, derandomize=True, print_blob=True, **COMMON)
settings.register_profile("thorough", max_examples=2000, print_blob=True, **COMMON)


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="run the slow tests too, and try more inputs for each property")


def pytest_configure(config):
    in_ci = os.environ.get("CI", "").lower() in ("1", "true")
    profile = ("ci" if in_ci else "all") if config.getoption("--all") else "quick"
    settings.load_profile(os.environ.get("MINIGAN_HYPOTHESIS", profile))


@pytest.hookimpl(trylast=True)  # after -k and -m
def pytest_collection_modifyitems(config, items):
    """Leave out what lacks its library, and what is slow unless all was asked for."""
    kept, dropped = [], []
    for item in items:
        why = [(LACKING, mark.args[0]) for mark in item.iter_markers("lacking") if mark.args[0]]
        if not config.getoption("--all"):
            why += [(SLOW, mark.args[0]) for mark in item.iter_markers("slow")]
        LEFT_OUT.update(why[:1])
        (dropped if why else kept).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=dropped)
    if hasattr(config, "workeroutput"):  # a process of pytest-xdist, which tells the one that prints
        config.workeroutput["left_out"] = dict(LEFT_OUT)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    if not LEFT_OUT:  # each process leaves out the same
        LEFT_OUT.update(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter):
    if LEFT_OUT:
        terminalreporter.section(f"left out: {LEFT_OUT.total():,} tests")
    for why in sorted({why for why, _ in LEFT_OUT}, reverse=True):
        terminalreporter.write_line(why)
        for what, count in sorted((what, count) for (other, what), count in LEFT_OUT.items() if other == why):
            terminalreporter.write_line(f"{count:6,}  {what}")


def recorded(terminalreporter, name):
    """What the tests of this run gave ``record_property`` under that name, whichever process they ran in."""
    return [value for report in terminalreporter.getreports("passed") for key, value in report.user_properties
            if key == name]


@pytest.fixture
def short_measurements(monkeypatch):
    """W₁ of 64 points in place of 1,024: of the short run of an example it takes nearly all the time."""
    from minigan.lab import metrics

    exact = metrics.wasserstein_assignment
    monkeypatch.setattr(metrics, "wasserstein_assignment", lambda x, y: exact(x[:64], y[:64]))
