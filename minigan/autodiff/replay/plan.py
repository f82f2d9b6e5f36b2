"""A plan is data: which operations, in which order, on which arrays. It decides where results lie, never what they are.

``lay_out`` makes it, pass by pass, each a function from tables to a table: *live ranges* and the *places* given at
once (``places.py``), *runs* of steps by blocks and *buffers* for the rest (``buffers.py``).
To run it is another's business: ``run.py`` makes calls of the array library of it.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from minigan.arrays import Array, namespace, shares_memory
from minigan.autodiff.primitive import PRIMITIVES, Primitive
from minigan.autodiff.primitives import copy
from minigan.autodiff.replay.buffers import allocate, runs
from minigan.autodiff.replay.graph import Graph, Key
from minigan.autodiff.replay.places import live_ranges, pieces, places
from minigan.autodiff.tensor import Node


class Operation(NamedTuple):
    """out ← primitive(*inputs, **static); never a view or a concatenation: the one is an array, the other is copies."""

    primitive: Primitive
    out: Array
    inputs: list[Array]
    static: dict[str, Any]


class Block(NamedTuple):
    """Operations one after another, on so many rows of their arrays at a time; 0: on all of them.

    By rows, an array that is shorter than the longest is there for every block, and so is a number.
    """

    operations: list[Operation]
    rows: int = 0


class Plan(NamedTuple):
    """The blocks in order, the arrays of what is told, and the size of the buffers; state and inputs come on top."""

    blocks: list[Block]
    report: dict[str, Array]
    nbytes: int


def lay_out(graph: Graph) -> Plan:
    """The plan of a graph: it updates the state's arrays in place, all else lies in buffers of its own."""
    ranges = live_ranges(graph)
    given, joined = places(graph, ranges)
    together = runs(graph, ranges, given)
    lie, memory = allocate(graph, joined, given, together)
    blocks: list[Block] = []
    for run in together:
        nodes = [ranges.steps[i] for i in run.steps]
        copies = _find_views(graph, lie, memory, [key for node in nodes for key in graph.inputs[node]])
        operations = [operation for node in nodes for operation in _operations(graph, lie, given.written, node)]
        if run.rows:
            copies += _high_rows(graph, memory, nodes, operations, run.rows)
        blocks += [Block(copies), Block(operations, run.rows)]
    ends = _find_views(graph, lie, memory, graph.outputs)
    told, report = _report(graph, lie, memory, {*graph.fixed, *given.homes}, joined.owner)
    ends += told
    ends += [Operation(copy, graph.fixed[graph.old[name]], [lie[key]], {})
             for name, key in graph.state.items() if given.homes.get(key) != graph.old[name]]
    nbytes = sum(array.nbytes for array in memory)
    return Plan([block for block in [*blocks, Block(ends)] if block.operations], report, nbytes)


def _find_views(graph: Graph, lie: dict[Key, Array], memory: list[Array], keys: Iterable[Key]) -> list[Operation]:
    """Find where the keys lie that are views; the copies that it takes where a reshape cannot be a view."""
    copies: list[Operation] = []
    for key in keys:
        behind: list[Node] = []
        while key not in lie:
            behind.append(key[0])
            key = graph.inputs[key[0]][0]
        for node in reversed(behind):
            base = lie[graph.inputs[node][0]]
            views = node.primitive.view(base, **node.static)
            for k, view in enumerate(views if isinstance(views, list) else [views]):
                if view.size and not shares_memory(view, base):
                    view = namespace(base).empty(view.shape, dtype=view.dtype)
                    memory.append(view)
                    copies.append(Operation(copy, view.reshape(base.shape), [base], {}))
                lie[(node, k)] = view
    return copies


def _report(graph: Graph, lie: dict[Key, Array], memory: list[Array], taken: set[Key], owner: dict[Key, Key]
            ) -> tuple[list[Operation], dict[str, Array]]:
    """What is told, in arrays of the caller's own (no state's, constant's or other report's); and copies to them."""
    copies: list[Operation] = []
    report: dict[str, Array] = {}
    for name, key in graph.report.items():
        report[name] = lie[key]
        if owner[key] in taken:
            report[name] = namespace(lie[key]).empty(lie[key].shape, dtype=lie[key].dtype)
            memory.append(report[name])
            copies.append(Operation(copy, report[name], [lie[key]], {}))
        taken.add(owner[key])
    return copies, report


def _operations(graph: Graph, lie: dict[Key, Array], written: set[tuple[Key, int]], node: Node) -> list[Operation]:
    """A step's operation; a concatenation is a copy of each piece that is not written in its part already."""
    key = (node, 0)
    inputs = [lie[k] for k in graph.inputs[node]]
    if node.primitive is not PRIMITIVES["concat"]:
        return [Operation(node.primitive, lie[key], inputs, node.static)]
    return [Operation(copy, lie[key][where], [value], {})
            for k, ((_, where), value) in enumerate(zip(pieces(graph, key), inputs, strict=True))
            if (key, k) not in written]


def _high_rows(
    graph: Graph, memory: list[Array], nodes: list[Node], operations: list[Operation], rows: int
) -> list[Operation]:
    """Lay out each row under all blocks (a bias) once, as high as a block, for the operations to read: the copies."""
    high: dict[int, Array] = {}
    copies = []
    for node, operation in zip(nodes, operations, strict=True):
        for k, (key, x) in enumerate(zip(graph.inputs[node], operation.inputs, strict=True)):
            if x.size == 1 or graph.sample[key].shape == graph.sample[(node, 0)].shape:
                continue
            if id(x) not in high:
                high[id(x)] = namespace(x).empty((rows, *operation.out.shape[1:]), dtype=x.dtype)
                memory.append(high[id(x)])
                copies.append(Operation(copy, high[id(x)], [x], {}))
            operation.inputs[k] = high[id(x)]
    return copies
