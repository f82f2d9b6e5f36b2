"""Every known mistake is rejected, and by the property that says what is wrong."""

import pytest
from mistakes import CAUGHT, ROWS

from minigan.testing import PropertyError


@pytest.mark.parametrize(("family", "mistake", "property", "call"), ROWS, ids=[row[1] for row in ROWS])
def test_is_caught(family, mistake, property, call) -> None:
    with pytest.raises(PropertyError) as error:
        call()
    assert error.value.property in (property if isinstance(property, tuple) else (property,)), str(error.value)
    assert "raised" not in error.value.found, f"caught by accident: {error.value}"
    CAUGHT[mistake] = family, error.value.property


def test_no_mistake_has_the_name_of_another() -> None:
    assert len({row[1] for row in ROWS}) == len(ROWS)
