"""Memory for results: a pool of buffers, reused as soon as they are free; on large arrays, the rows of one block.

Elementwise steps one after another on large arrays are made block by block of rows: a block stays in the cache from
the first step to the last, and what only these steps read needs the memory of one. An elementwise result goes over
an input that dies there, what has no place yet into the buffer that fits best.

Source: the linear scan of Poletto & Sarkar (1999), for arrays instead of registers.
"""

from collections import defaultdict
from typing import NamedTuple

from minigan.arrays import Array, aligned_buffer, arrange, namespace, on_host
from minigan.autodiff.replay.graph import Graph, Key
from minigan.autodiff.replay.places import Places, Ranges, by_one, may_overwrite, pieces
from minigan.autodiff.tensor import Node

LARGE, BLOCK = 1 << 19, 1 << 17  # bytes: an array that is computed by blocks, and about how much of it at a time
Pool = defaultdict[int, list[Array]]  # free buffers by size, the last used last


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
    if not (large and node.primitive.elementwise and not by_one(node) and y.flags.c_contiguous):
        return None
    read = set()
    for key in graph.inputs[node]:
        x, owner = graph.sample[key], ranges.owner[key]
        cut = x.shape == y.shape and x.flags.c_contiguous
        if not cut and x.size > 1 and x.shape not in (y.shape[1:], (1, *y.shape[1:])):
            return None
        if not cut if owner in graph.fixed else key != owner:
            read.add(owner)
    return read


def allocate(graph: Graph, ranges: Ranges, places: Places, runs: list[Run]) -> tuple[dict[Key, Array], list[Array]]:
    """The array of each leaf, constant and computed value; and the buffers that were made for them."""
    sample, parts, memory = graph.sample, places.parts, list[Array]()

    def new(nbytes: int) -> Array:
        memory.append(aligned_buffer(namespace(*graph.fixed.values()), nbytes))
        return memory[-1]

    lie = graph.fixed | {key: graph.fixed[old] for key, old in places.homes.items()}
    for key in places.settled:
        lie[key] = arrange(new(sample[key].nbytes).view(sample[key].dtype), sample[key])
        for piece, where in pieces(graph, key):
            if graph.constant(piece):
                lie[key][where] = graph.fixed[piece]
    held: dict[Key, Array] = {}  # the buffer under a value, while it lives
    dying: dict[int, list[Key]] = defaultdict(list)  # by the step after which nobody reads them
    end = {i: run.steps[-1] for run in runs for i in run.steps}  # a run reads a value again, until its last block
    free: Pool = defaultdict(list)
    for run in runs:
        by_rows = [(ranges.steps[i], 0) for i in run.steps if run.rows]
        local = {key for key in by_rows  # only this run reads them: a block's rows will do
                 if ranges.last.get(key, 0) < run.steps.stop and key not in lie and key not in parts}
        # of which every block reads one number: the first must not overwrite them
        numbers = {ranges.owner[k] for key in by_rows for k in graph.inputs[key[0]] if sample[k].size == 1}
        spare: Pool = defaultdict(list)  # free for other local values
        for i in run.steps:
            key = (ranges.steps[i], 0)
            owner = ranges.owner[key]  # itself, or the concatenation that it is a part of
            if owner not in lie:
                over = [k for k in graph.inputs[key[0]] if k in held and ranges.last[k] == i and k not in numbers
                        and (key in local or k not in local) and may_overwrite(graph, ranges, key, k)]
                if over and owner == key:
                    held[key], lie[key] = held.pop(over[0]), lie[over[0]]
                    if over[0] not in local:
                        local.discard(key)
                else:
                    like = sample[owner][: run.rows] if owner in local else sample[owner]
                    nbytes = like.size * like.dtype.itemsize
                    buffer = _take(nbytes, [spare, free] if owner in local else [free])
                    held[owner] = new(-(-nbytes // 64) * 64) if buffer is None else buffer
                    lie[owner] = arrange(held[owner][:nbytes].view(like.dtype), like)
                last = ranges.last.get(owner, i)
                dying[last if owner in local else end.get(last, last)].append(owner)
            for dead in dying.pop(i, ()):
                if dead in held:  # nothing was written over it
                    buffer = held.pop(dead)
                    (free if i == run.steps[-1] else spare)[buffer.size].append(buffer)
        for size, buffers in spare.items():
            free[size] += buffers
    for part, (whole, where) in parts.items():  # the outer concatenations first
        lie[part] = lie[whole][where].reshape(sample[part].shape)
    return lie, memory


def _take(nbytes: int, pools: list[Pool]) -> Array | None:
    """The smallest buffer that is large enough, and of these the last used: it may be in the cache."""
    for pool in pools:
        sizes = [size for size, buffers in pool.items() if buffers and nbytes <= size <= 4 * nbytes + 1024]
        if sizes:
            return pool[min(sizes)].pop()
    return None
