"""Cache blocking: elementwise steps one after another on large arrays are made block by block of rows.

A block stays in the cache from the first step to the last, and what only these steps read needs the memory of one.
"""

from __future__ import annotations

from typing import NamedTuple

from minigan import arrays
from minigan.autodiff.replay.graph import Graph, Key
from minigan.autodiff.replay.ranges import Ranges
from minigan.autodiff.tensor import Node

LARGE, BLOCK = 1 << 19, 1 << 17  # bytes: an array that is computed by blocks, and about how much of it at a time


class Run(NamedTuple):
    """Steps that go together, so many rows of their arrays at a time; 0: a step by itself, all at once."""

    steps: range
    rows: int = 0


class Reads(NamedTuple):
    """What an elementwise step on a large array reads otherwise than block by block; keys of owners."""

    viewed: set[Key]  # through a view: it must be there before the first block
    under: set[Key]  # state, inputs and constants read by every block: the first must not overwrite them
    over: set[Key]  # the old state that the step overwrites


def runs(graph: Graph, ranges: Ranges, homes: dict[Key, Key]) -> list[Run]:
    """The steps in groups: elementwise ones on large arrays of one shape together, every other by itself."""
    found: list[Run] = []
    shape, made, under, over = None, set(), set(), set()  # of the last run; no shape: it takes no other step
    for i, node in enumerate(ranges.steps):
        y, reads = graph.sample[(node, 0)], _reads(graph, ranges, homes, node)
        if (
            reads and y.shape == shape and made.isdisjoint(reads.viewed)
            and under.isdisjoint(reads.over) and over.isdisjoint(reads.under)
        ):
            found[-1] = Run(range(found[-1].steps.start, i + 1), max(1, BLOCK * shape[0] // y.nbytes))
        else:
            found.append(Run(range(i, i + 1)))
            shape, made, under, over = y.shape if reads else None, set(), set(), set()
        if reads:
            made.add((node, 0))
            under |= reads.under
            over |= reads.over
    return found


def _reads(graph: Graph, ranges: Ranges, homes: dict[Key, Key], node: Node) -> Reads | None:
    """None: the step cannot go by blocks, or need not."""
    key = (node, 0)
    y = graph.sample[key]
    if not (node.primitive.elementwise and y.nbytes >= LARGE and y.flags.c_contiguous and y.ndim and len(y) > 1
            and arrays.on_host(arrays.namespace(y))):
        return None
    viewed, under = set(), set()
    for k in graph.inputs[node]:
        x, owner = graph.sample[k], ranges.owner[k]
        if k != owner:
            viewed.add(owner)
        if x.shape == y.shape and x.flags.c_contiguous:
            continue
        if x.size > 1 and x.shape not in (y.shape[1:], (1, *y.shape[1:])):
            return None
        if owner in graph.fixed:
            under.add(owner)
    over = {homes[key]} if key in homes else set()
    return Reads(viewed, under, over) if under.isdisjoint(over) else None
