"""Memory for results: a pool of buffers, reused as soon as they are free.

An elementwise result goes over an input that dies there, what has no place yet into the buffer that fits best.

Source: the linear scan of Poletto & Sarkar (1999), for arrays instead of registers.
"""

from __future__ import annotations

from collections import defaultdict

from minigan.arrays import Array, aligned_buffer, arrange, namespace
from minigan.autodiff.replay.blocks import Run
from minigan.autodiff.replay.graph import Graph, Key
from minigan.autodiff.replay.places import Places, pieces
from minigan.autodiff.replay.ranges import Ranges, may_overwrite

Pool = defaultdict[int, list[Array]]  # free buffers by size, the last used last


def allocate(graph: Graph, ranges: Ranges, places: Places, runs: list[Run]) -> tuple[dict[Key, Array], list[Array]]:
    """The array of each leaf, constant and computed value; and the buffers that were made for them.

    A value that only its own run reads, where that goes by blocks, has the rows of one block.
    """
    sample, parts = graph.sample, places.parts
    xp = namespace(*graph.fixed.values())
    lie = graph.fixed | {key: graph.fixed[old] for key, old in places.homes.items()}
    memory: list[Array] = []
    for key in places.settled:
        memory.append(aligned_buffer(xp, sample[key].nbytes))
        lie[key] = arrange(memory[-1].view(sample[key].dtype), sample[key])
        for piece, where in pieces(graph, key):
            if graph.constant(piece):
                lie[key][where] = graph.fixed[piece]
    held: dict[Key, Array] = {}  # the buffer under a value, while it lives
    dying: dict[int, list[Key]] = defaultdict(list)  # by the step after which nobody reads them
    end = {i: run.steps[-1] for run in runs for i in run.steps}  # a run reads a value again, until its last block
    free: Pool = defaultdict(list)
    for run in runs:
        local = {
            key for key in [(ranges.steps[i], 0) for i in run.steps if run.rows]
            if ranges.last.get(key, 0) < run.steps.stop and key not in lie and key not in parts
        }
        numbers = {  # of which every block reads one number: the first must not overwrite them
            ranges.owner[key] for i in run.steps if run.rows
            for key in graph.inputs[ranges.steps[i]] if sample[key].size == 1
        }
        spare: Pool = defaultdict(list)  # free for other local values
        for i in run.steps:
            key = owner = (ranges.steps[i], 0)
            inside = []  # it and the concatenations that it is a part of
            while owner in parts and owner not in lie:
                inside.append(owner)
                owner = parts[owner].whole
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
                    if buffer is None:
                        buffer = aligned_buffer(xp, -(-nbytes // 64) * 64)
                        memory.append(buffer)
                    held[owner], lie[owner] = buffer, arrange(buffer[:nbytes].view(like.dtype), like)
                last = ranges.last.get(owner, i)
                dying[last if owner in local else end.get(last, last)].append(owner)
            for part in reversed(inside):
                lie[part] = lie[parts[part].whole][parts[part].where].reshape(sample[part].shape)
            for dead in dying.pop(i, ()):
                if dead in held:  # nothing was written over it
                    buffer = held.pop(dead)
                    (free if i == run.steps[-1] else spare)[buffer.size].append(buffer)
        for size, buffers in spare.items():
            free[size] += buffers
    return lie, memory


def _take(nbytes: int, pools: list[Pool]) -> Array | None:
    """The smallest buffer that is large enough, and of these the last used: it may be in the cache."""
    for pool in pools:
        sizes = [size for size, buffers in pool.items() if buffers and nbytes <= size <= 4 * nbytes + 1024]
        if sizes:
            return pool[min(sizes)].pop()
    return None
