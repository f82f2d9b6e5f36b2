"""``backend``: each array library in turn, those that this machine has."""

import pytest

from tests.backends.backend import BACKENDS, available, required


@pytest.fixture(params=BACKENDS, scope="module")
def backend(request):
    with required(request.param), available(BACKENDS[request.param]) as ready:
        yield ready


def pytest_terminal_summary(terminalreporter):
    """Which library noticed which planted fault."""
    from tests.backends.faults import CAUGHT, summary

    if CAUGHT:
        terminalreporter.section("faults that were planted, and the libraries whose probe noticed")
        for line in summary():
            terminalreporter.write_line(line)
