"""``backend``: each array library in turn, those that this machine has."""

import pytest
from backends.backend import BACKENDS, REQUIRED, available

from minigan.arrays import DeviceError


@pytest.fixture(params=BACKENDS, scope="module")
def backend(request):
    row = BACKENDS[request.param]
    try:
        with available(row) as ready:
            yield ready
    except DeviceError as error:
        if row.name in REQUIRED:
            raise
        pytest.skip(str(error))


def pytest_terminal_summary(terminalreporter):
    """Which library noticed which planted fault."""
    from backends.faults import CAUGHT, summary

    if CAUGHT:
        terminalreporter.section("faults that were planted, and the libraries whose probe noticed")
        for line in summary():
            terminalreporter.write_line(line)
