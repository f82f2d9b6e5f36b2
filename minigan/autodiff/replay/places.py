"""Where a result goes at once: into the old state's array, or into its part of a concatenation.

A new state is computed straight into the old one's array if nothing reads the old one afterwards; the pieces of
a concatenation (the layers' gradients in the one flat gradient) straight into their part of it.
"""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

from minigan.arrays import Array, shares_memory
from minigan.autodiff.replay.graph import Graph, Key
from minigan.autodiff.replay.ranges import END, Ranges, alike, may_overwrite, unshaped
from minigan.autodiff.tensor import PRIMITIVES, Node


class Part(NamedTuple):
    """Where a piece lies: in which concatenation, as which of its inputs, at which index."""

    whole: Key
    piece: int
    where: tuple


def homes(graph: Graph, ranges: Ranges) -> dict[Key, Key]:
    """A new state's key -> the old state's, whose array it is computed in; the others are copied at the end."""
    found: dict[Key, Key] = {}
    for name, key in graph.state.items():
        old = graph.old[name]
        if key not in ranges.made or key in found or not alike(graph, key, old):
            continue
        made, last = ranges.made[key], ranges.last.get(old, -1)
        if last < made or (last == made and may_overwrite(graph, ranges, key, old)):
            found[key] = old
    return found


def parts(graph: Graph, ranges: Ranges, homes: dict[Key, Key]) -> tuple[dict[Key, Part], Ranges]:
    """A piece's key -> its part of a concatenation; and the ranges, in which that is now the owner."""
    placed: dict[Key, Part] = {}
    layout: dict[Key, Array] = {}  # an array laid out as the piece will be
    wholes: dict[Key, Key] = {}  # a piece -> the outermost concatenation
    last, behind = dict(ranges.last), unshaped(graph)
    for node in reversed(concatenations(ranges)):
        whole = (node, 0)
        if whole in homes:  # it may not be written before its time
            continue
        for k, (piece, where) in enumerate(pieces(graph, node)):
            key = behind.get(piece, piece)
            if key not in ranges.made or key in homes or key in placed:
                continue  # it is not computed, or has a place already
            value, part = graph.sample[key], layout.get(whole, graph.sample[whole])[where]
            if fits(value, part, ranges.reads[key]):
                placed[key], layout[key] = Part(whole, k, where), part.reshape(value.shape)
                owner = wholes[key] = wholes.get(whole, whole)
                last[owner] = max(last[key], last[whole], last[owner])
    owners = {key: wholes.get(owner, owner) for key, owner in ranges.owner.items()}
    return placed, ranges._replace(owner=owners, last=last)


def fits(value: Array, part: Array, reads: int) -> bool:
    """Whether a value that is read so often may be computed in this part of a concatenation.

    A part with gaps is for values that nobody else reads: over gaps a sum takes another order.
    """
    return value.flags.c_contiguous and (part.flags.c_contiguous or reads == 1) and (
        shares_memory(part.reshape(value.shape), part))


def settled(graph: Graph, ranges: Ranges, homes: dict[Key, Key], parts: dict[Key, Part]) -> set[Key]:
    """The concatenations whose constant pieces (no penalty on a bias) are written once, into memory of their own."""
    return {
        (node, 0) for node in concatenations(ranges)
        if (node, 0) not in homes and (node, 0) not in parts and ranges.last[(node, 0)] != END
        and any(map(graph.constant, graph.inputs[node]))
    }


def concatenations(ranges: Ranges) -> list[Node]:
    return [node for node in ranges.steps if node.primitive is PRIMITIVES["concat"]]


def pieces(graph: Graph, node: Node) -> list[tuple[Key, tuple]]:
    """The inputs of a concatenation, each with the index of its part."""
    axis = node.static["axis"] % node.inputs[0].ndim
    ends = accumulate(x.shape[axis] for x in node.inputs)
    return [
        (key, (slice(None),) * axis + (slice(end - x.shape[axis], end),))
        for key, x, end in zip(graph.inputs[node], node.inputs, ends, strict=True)
    ]
