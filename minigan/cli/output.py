"""What the commands print and write: tables, progress, JSON; to a terminal, a file, or a reader who leaves."""

import io
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

from minigan.arrays import to_host

NOT_FINITE = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}  # JSON has no such numbers: they become text


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """A table, its header first: names to the left, numbers to the right."""
    first, *others = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *numbers in rows:
        print("  ".join([name.ljust(first), *map(str.rjust, numbers, others)]).rstrip())


def progress_bar(total: int, unit: str, **options: Any) -> Any:
    """tqdm's, as wide as the terminal; where nobody watches, a line for every tenth."""
    from tqdm import tqdm

    if not sys.stderr.isatty():
        return Tenths(total, unit, options.get("initial", 0))
    return tqdm(total=total, unit=unit, dynamic_ncols=True, **options)


class Tenths:
    """Progress in a file or a pipe: a line whenever another tenth is done. What it is called with is tqdm's."""

    def __init__(self, total: int, unit: str, initial: int = 0):
        self.total, self.unit, self.n, self.initial = total, unit, initial, initial
        self.postfix, self.start = "", time.perf_counter()

    def __enter__(self) -> "Tenths":
        return self

    def __exit__(self, *error: object) -> None:
        """Every line has been ended already."""

    def set_postfix_str(self, text: str, refresh: bool = False) -> None:
        self.postfix = text

    def update(self, n: int = 1) -> None:
        from tqdm import tqdm

        before, self.n = self.n, self.n + n
        if self.total and 10 * before // self.total < 10 * self.n // self.total:
            seconds = time.perf_counter() - self.start
            line = "{percentage:.0f} % {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
            print(tqdm.format_meter(self.n, self.total, seconds, unit=self.unit, initial=self.initial,
                                    postfix=self.postfix, bar_format=line), file=sys.stderr, flush=True)


def write_json(path: Path, document: Any) -> None:
    """The document as JSON: NumPy's numbers and arrays as plain ones, what is not finite as text."""
    text = json.dumps(document, default=lambda x: to_host(x).tolist())
    finite = json.loads(text, parse_constant=NOT_FINITE.get)
    path.write_text(json.dumps(finite, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """Within, what is printed for a reader who has left (``minigan list | head -1``) is dropped, and the work goes on.

    Where the encoding has not a letter it is replaced; a stream that was closed before is none.
    """
    streams = [Listened(stream) for stream in (sys.stdout, sys.stderr)]
    with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        try:
            yield
        finally:
            for stream in streams:
                stream.flush()


class Listened:
    """A text stream, or none, whose reader may leave."""

    def __init__(self, stream: Any):
        self.stream = io.StringIO() if stream is None else stream
        if isinstance(self.stream, io.TextIOWrapper):
            self.stream.reconfigure(errors="replace")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        with self._left():
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._left():
            self.stream.flush()

    @contextmanager
    def _left(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            with suppress(OSError):  # what is still in the buffer would be tried again at exit
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())
            if not isinstance(error, BrokenPipeError):
                raise
