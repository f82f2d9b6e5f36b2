"""Which parameters of a test the quick suite takes: the others are marked slow, and left to ``pytest --all``."""

from collections.abc import Iterable
from typing import Any

import pytest


def slow_but(quick: Iterable[Any], values: Iterable[Any], what: str) -> list[Any]:
    """The values as parameters, all but the quick ones marked slow; a tuple goes by its first entry.

    what: what the slow ones do more, said at the end of a run without them.
    """
    quick, values = list(quick), list(values)
    names = [value[0] if isinstance(value, tuple) else value for value in values]
    assert set(quick) <= set(names), f"no such parameter: {set(quick) - set(names)}"
    slow = pytest.mark.slow(what)
    return [value if name in quick else pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=slow)
            for name, value in zip(names, values, strict=True)]
