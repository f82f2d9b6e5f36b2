"""``backend``: each array library in turn, those that this machine has."""

import pytest

from tests.backends.backend import BACKENDS, available, present


@pytest.fixture(params=present(BACKENDS), scope="module")
def backend(request):
    with available(request.param) as ready:
        yield ready


def pytest_terminal_summary(terminalreporter):
    """Which library noticed which planted fault."""
    from tests.backends.faults import summary
    from tests.conftest import recorded

    caught = {(fault, library): noticed for fault, library, noticed in recorded(terminalreporter, "fault")}
    if caught:
        terminalreporter.section("faults that were planted, and the libraries whose probe noticed")
        for line in summary(caught):
            terminalreporter.write_line(line)
