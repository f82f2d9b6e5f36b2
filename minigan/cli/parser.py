"""argparse in this program's manner: errors in a line that suggests the nearest name; numbers as people write them.

An option is not to be abbreviated: one that is added later would change what the short form means.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from minigan.registry import nearest


class RequestError(ValueError):
    """The command line is not one of this program."""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are a RequestError, so that ``main`` returns a status, and prints no usage."""

    def __init__(self, **options: Any):
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        plain = re.sub("^argument ([^:]*):(?= must)|^argument ", r"\1", message)
        raise RequestError(f"{plain} (see: {self.prog} --help)")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """A command's parser is called by this name: it knows its own options, and so which is nearest."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(self._unknown(unknown))
        return known, unknown

    def _unknown(self, words: Sequence[str]) -> str:
        word = next((word for word in words if word.startswith("-")), words[0]).partition("=")[0]
        if not word.startswith("-"):
            return f"{word!r} belongs to no option"
        near = nearest(word, self._option_string_actions)
        return f"there is no option {word}" + (f"; did you mean {near}?" if near else "")


def whole(text: str) -> int:
    """A whole number: 10000, 10_000 and 1e4 are the same one."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or number.adjusted() > 18 or number != number.to_integral_value():
        raise argparse.ArgumentTypeError(f"must be a whole number, got {text!r}")
    return int(number)


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, got {text!r}") from None


def count(least: int, below: int = 10**9) -> Callable[[str], int]:
    """The type of an option that is a whole number from ``least`` on."""

    def read(text: str) -> int:
        n = whole(text)
        if not least <= n < below:
            raise argparse.ArgumentTypeError(f"must be at least {least} and below {below}, got {text}")
        return n

    return read
