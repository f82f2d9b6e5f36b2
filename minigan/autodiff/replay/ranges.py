"""Live ranges: a value lives from the step that makes it to the last step that reads it.

A view (reshape, slice, split, ...) is no step: to read it is to read the array that it looks at, its owner.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

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
    told = [*graph.report.values(), *graph.state.values()]
    for i, keys in [*enumerate(graph.inputs[node] for node in steps), (END, told)]:
        owners = [owner[key] for key in keys]
        last.update(dict.fromkeys(owners, i))
        reads.update(owners)
    return Ranges(steps, made, owner, last, reads)


def alike(graph: Graph, key: Key, other: Key) -> bool:
    """Whether two values are laid out in the same way."""
    a, b = graph.sample[key], graph.sample[other]
    return (a.shape, a.strides, a.dtype) == (b.shape, b.strides, b.dtype)


def may_overwrite(graph: Graph, ranges: Ranges, key: Key, old: Key) -> bool:
    """Whether the step that makes ``key`` may write over ``old``, one of its inputs."""
    node = key[0]
    return (
        node.primitive.in_place
        and alike(graph, key, old)
        and all(k == old for k in graph.inputs[node] if ranges.owner[k] == old)
    )
