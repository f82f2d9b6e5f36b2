"""When a value lives, and where it goes at once: into the old state's array, or into its part of a concatenation.

It lives from the step that makes it to the last step that reads it. A view (reshape, slice, split, ...) is no step:
to read it is to read the array that it looks at, its owner. A new state is computed straight into the old one's array
if nothing reads the old one afterwards; the pieces of a concatenation (the layers' gradients in the one flat
gradient) straight into their part of it.
"""

from collections import Counter
from itertools import accumulate
from typing import NamedTuple

from minigan.arrays import Array, dtype, shares_memory
from minigan.autodiff.primitive import PRIMITIVES
from minigan.autodiff.replay.graph import Graph, Key
from minigan.autodiff.tensor import Node

END = 1 << 60  # later than any step


class Ranges(NamedTuple):
    """When values are made and read."""

    steps: list[Node]  # the nodes that compute something, in order
    made: dict[Key, int]  # a computed key -> its step
    owner: dict[Key, Key]  # any key -> whose memory it is
    last: dict[Key, int]  # an owner -> the last step that reads it; an output's is END
    reads: Counter[Key]  # an owner -> how often it is read


class Places(NamedTuple):
    """The places that are given at once."""

    homes: dict[Key, Key]  # a new state -> the old one, in whose array it is computed; the others are copied there
    parts: dict[Key, tuple[Key, tuple]]  # a piece -> the concatenation of which it is a part, and at which index
    settled: list[Key]  # concatenations whose constant pieces are written once, into memory of their own
    written: set[tuple[Key, int]]  # a concatenation, which of its pieces: those that need no copy


def live_ranges(graph: Graph) -> Ranges:
    """The first table, in which every computed value owns itself."""
    steps = [node for node in graph.nodes if node.primitive.view is None]
    made = {(node, 0): i for i, node in enumerate(steps)}
    owner = {key: key for key in [*graph.fixed, *made]}
    for node in graph.nodes:
        if node.primitive.view is not None:
            owner.update({(node, k): owner[graph.inputs[node][0]] for k in range(node.width)})
    last: dict[Key, int] = {}
    reads: Counter[Key] = Counter()
    for i, keys in [*enumerate(graph.inputs[node] for node in steps), (END, graph.outputs)]:
        owners = [owner[key] for key in keys]
        last.update(dict.fromkeys(owners, i))
        reads.update(owners)
    return Ranges(steps, made, owner, last, reads)


def alike(graph: Graph, key: Key, other: Key) -> bool:
    """Whether two values are laid out in the same way."""
    a, b = graph.sample[key], graph.sample[other]
    aligned = [getattr(x.flags, "aligned", True) for x in (a, b)]  # some kernels refuse to write to what is not
    return (a.shape, a.strides, a.dtype, aligned[0]) == (b.shape, b.strides, b.dtype, aligned[1])


def by_one(node: Node) -> bool:
    """Whether one number by itself may have other bits: NumPy's power takes x·x for x² where it sees one exponent.

    Where it sees one depends on the memory, of a single number at least: whether it is written over.
    """
    return node.primitive is PRIMITIVES["power"]


def may_overwrite(graph: Graph, ranges: Ranges, key: Key, old: Key) -> bool:
    """Whether the step that makes ``key`` may write over ``old``, one of its inputs."""
    node = key[0]
    return (node.primitive.in_place and not by_one(node) and alike(graph, key, old)
            and all(k == old for k in graph.inputs[node] if ranges.owner[k] == old))


def places(graph: Graph, ranges: Ranges) -> tuple[Places, Ranges]:
    """The places; and the ranges, in which a concatenation owns what is a part of it."""
    homes: dict[Key, Key] = {}
    fallible = max((i for i, node in enumerate(ranges.steps) if _may_fail(graph, node)), default=-1)
    for name, key in graph.state.items():
        old = graph.old[name]
        if key in ranges.made and key not in homes and alike(graph, key, old):
            made, last = ranges.made[key], ranges.last.get(old, -1)
            if made > fallible and (last < made or (last == made and may_overwrite(graph, ranges, key, old))):
                homes[key] = old
    wholes = [(node, 0) for node in ranges.steps if node.primitive is PRIMITIVES["concat"] and (node, 0) not in homes]
    parts, written, joined = _parts(graph, ranges, wholes, homes)
    settled = [whole for whole in wholes if whole not in parts and ranges.last[whole] != END
               and any(map(graph.constant, graph.inputs[whole[0]]))]
    written.update((whole, k) for whole in settled for k, piece in enumerate(graph.inputs[whole[0]])
                   if graph.constant(piece))
    return Places(homes, parts, settled, written), joined


def _may_fail(graph: Graph, node: Node) -> bool:
    """Whether the step fails on some values: indices out of range. Until then no state may be written to."""
    return any(dtype(graph.sample[key]).kind in "iu" and not graph.constant(key) for key in graph.inputs[node])


def _parts(graph: Graph, ranges: Ranges, wholes: list[Key], homes: dict[Key, Key]) -> tuple[dict, set, Ranges]:
    behind: dict[Key, Key] = {}  # a reshape -> what it reshapes
    for node in graph.nodes:
        if node.primitive is PRIMITIVES["reshape"]:
            source = graph.inputs[node][0]
            behind[(node, 0)] = behind.get(source, source)
    parts: dict[Key, tuple[Key, tuple]] = {}
    written: set[tuple[Key, int]] = set()
    layout: dict[Key, Array] = {}  # an array laid out as a part will be
    outermost: dict[Key, Key] = {}  # a part -> the concatenation that is no part itself
    last = dict(ranges.last)
    for whole in reversed(wholes):
        outer, array = outermost.get(whole, whole), layout.get(whole, graph.sample[whole])
        for k, (piece, where) in enumerate(pieces(graph, whole)):
            key = behind.get(piece, piece)
            if key not in ranges.made or key in homes or key in parts:
                continue  # it is not computed, or has a place already
            value, part = graph.sample[key], array[where]
            if fits(value, part, ranges.reads[key]):
                parts[key], layout[key], outermost[key] = (whole, where), part.reshape(value.shape), outer
                written.add((whole, k))
                last[outer] = max(last[key], last[whole], last[outer])
    owner = {key: outermost.get(root, root) for key, root in ranges.owner.items()}
    return parts, written, ranges._replace(owner=owner, last=last)


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
