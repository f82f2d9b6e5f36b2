"""Cache blocking: elementwise steps one after another on large arrays are made block by block of rows.

A block stays in the cache from the first step to the last, and what only these steps read needs the memory of one.
"""

from __future__ import annotations

from typing import NamedTuple

from minigan.arrays import namespace, on_host
from minigan.autodiff.replay.graph import Graph, Key
from minigan.autodiff.replay.places import Places
from minigan.autodiff.replay.ranges import Ranges
from minigan.autodiff.tensor import Node

LARGE, BLOCK = 1 << 19, 1 << 17  # bytes: an array that is computed by blocks, and about how much of it at a time


class Run(NamedTuple):
    """Steps that go together, so many rows of their arrays at a time; 0: a step by itself, all at once."""

    steps: range
    rows: int = 0


def runs(graph: Graph, ranges: Ranges, places: Places) -> list[Run]:
    """The steps in groups: elementwise ones on large arrays of one shape together, every other by itself."""
    found: list[Run] = []
    shape: tuple[int, ...] = ()  # of the last run's arrays; none: it takes no other step
    written, read = set[Key](), set[Key]()  # by the last run
    for i, node in enumerate(ranges.steps):
        y, key = graph.sample[(node, 0)], (node, 0)
        writes, reads = {key, places.homes.get(key, key)}, _read_by_all(graph, ranges, node)
        by_rows = reads is not None and writes.isdisjoint(reads)
        if by_rows and y.shape == shape and written.isdisjoint(reads or ()) and writes.isdisjoint(read):
            found[-1] = Run(range(found[-1].steps.start, i + 1), max(1, BLOCK * len(y) // y.nbytes))
        else:
            found.append(Run(range(i, i + 1)))
            shape, written, read = y.shape if by_rows else (), set(), set()
        written |= writes
        read.update(reads or ())
    return found


def _read_by_all(graph: Graph, ranges: Ranges, node: Node) -> set[Key] | None:
    """Whose values every block of a step reads, be it a row or a number of them; None: it goes all at once.

    The run must not make these, nor write over them. A view of a computed value is taken for one too.
    """
    y = graph.sample[(node, 0)]
    large = y.ndim > 0 and len(y) > 1 and y.nbytes >= LARGE and on_host(namespace(y))
    if not (large and node.primitive.elementwise and y.flags.c_contiguous):
        return None
    read = set()
    for key in graph.inputs[node]:
        x, owner = graph.sample[key], ranges.owner[key]
        cut = x.shape == y.shape and x.flags.c_contiguous
        if not cut and x.size > 1 and x.shape not in (y.shape[1:], (1, *y.shape[1:])):
            return None
        if (owner in graph.fixed and not cut) or (owner not in graph.fixed and key != owner):
            read.add(owner)
    return read
