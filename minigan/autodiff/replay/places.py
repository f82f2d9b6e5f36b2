"""Where a result goes at once: into the old state's array, or into its part of a concatenation.

A new state is computed straight into the old one's array if nothing reads the old one afterwards; the pieces of
a concatenation (the layers' gradients in the one flat gradient) straight into their part of it.
"""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

from minigan.arrays import Array, shares_memory
from minigan.autodiff.replay.graph import Graph, Key
from minigan.autodiff.replay.ranges import END, Ranges, alike, may_overwrite
from minigan.autodiff.tensor import PRIMITIVES


class Part(NamedTuple):
    """Where a piece lies: in which concatenation, as which of its inputs, at which index."""

    whole: Key
    piece: int
    where: tuple


class Places(NamedTuple):
    """The places that are given at once."""

    homes: dict[Key, Key]  # a new state -> the old one, in whose array it is computed; the others are copied there
    parts: dict[Key, Part]  # a piece -> its part of a concatenation
    settled: list[Key]  # concatenations whose constant pieces are written once, into memory of their own


def places(graph: Graph, ranges: Ranges) -> tuple[Places, Ranges]:
    """The places; and the ranges, in which a concatenation owns what is a part of it."""
    wholes = [(node, 0) for node in ranges.steps if node.primitive is PRIMITIVES["concat"]]
    homes = _homes(graph, ranges)
    parts, joined = _parts(graph, ranges, [whole for whole in wholes if whole not in homes], homes)
    settled = [whole for whole in wholes if whole not in homes and whole not in parts and ranges.last[whole] != END
               and any(map(graph.constant, graph.inputs[whole[0]]))]
    return Places(homes, parts, settled), joined


def _homes(graph: Graph, ranges: Ranges) -> dict[Key, Key]:
    found: dict[Key, Key] = {}
    for name, key in graph.state.items():
        old = graph.old[name]
        if key in ranges.made and key not in found and alike(graph, key, old):
            made, last = ranges.made[key], ranges.last.get(old, -1)
            if last < made or (last == made and may_overwrite(graph, ranges, key, old)):
                found[key] = old
    return found


def _parts(
    graph: Graph, ranges: Ranges, wholes: list[Key], homes: dict[Key, Key]
) -> tuple[dict[Key, Part], Ranges]:
    parts: dict[Key, Part] = {}
    layout: dict[Key, Array] = {}  # an array laid out as a part will be
    outermost: dict[Key, Key] = {}  # a part -> the concatenation that is no part itself
    last, behind = dict(ranges.last), _behind_reshapes(graph)
    for whole in reversed(wholes):
        outer, array = outermost.get(whole, whole), layout[whole] if whole in layout else graph.sample[whole]
        for k, (piece, where) in enumerate(pieces(graph, whole)):
            key = behind.get(piece, piece)
            if key not in ranges.made or key in homes or key in parts:
                continue  # it is not computed, or has a place already
            value, part = graph.sample[key], array[where]
            if fits(value, part, ranges.reads[key]):
                parts[key], layout[key], outermost[key] = Part(whole, k, where), part.reshape(value.shape), outer
                last[outer] = max(last[key], last[whole], last[outer])
    owner = {key: outermost.get(root, root) for key, root in ranges.owner.items()}
    return parts, ranges._replace(owner=owner, last=last)


def _behind_reshapes(graph: Graph) -> dict[Key, Key]:
    behind: dict[Key, Key] = {}
    for node in graph.nodes:
        if node.primitive is PRIMITIVES["reshape"]:
            source = graph.inputs[node][0]
            behind[(node, 0)] = behind.get(source, source)
    return behind


def fits(value: Array, part: Array, reads: int) -> bool:
    """Whether a value that is read so often may be computed in this part of a concatenation.

    A part with gaps is for values that nobody else reads: over gaps a sum takes another order.
    """
    return value.flags.c_contiguous and (part.flags.c_contiguous or reads == 1) and (
        shares_memory(part.reshape(value.shape), part))


def pieces(graph: Graph, whole: Key) -> list[tuple[Key, tuple]]:
    """The inputs of a concatenation, each with the index of its part."""
    node = whole[0]
    axis = node.static["axis"] % node.inputs[0].ndim
    sizes = [x.shape[axis] for x in node.inputs]
    return [(key, (slice(None),) * axis + (slice(end - n, end),))
            for key, n, end in zip(graph.inputs[node], sizes, accumulate(sizes), strict=True)]
