"""``backend``: each array library in turn, those that this machine has."""

import pytest
from backends.backend import BACKENDS, REQUIRED, available

from minigan.arrays import DeviceError


@pytest.fixture(params=BACKENDS)
def backend(request):
    row = BACKENDS[request.param]
    try:
        with available(row) as ready:
            yield ready
    except DeviceError as error:
        if row.name in REQUIRED:
            raise
        pytest.skip(str(error))
