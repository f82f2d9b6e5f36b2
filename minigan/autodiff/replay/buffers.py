"""Memory for results: a pool of buffers, reused as soon as they are free.

An elementwise result goes over an input that dies there, what has no place yet into the buffer that fits best.

Source: the linear scan of Poletto & Sarkar (1999), for arrays instead of registers.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from typing import Any

from minigan import arrays
from minigan.arrays import Array
from minigan.autodiff.replay.blocks import Run
from minigan.autodiff.replay.graph import Graph, Key
from minigan.autodiff.replay.places import Part
from minigan.autodiff.replay.ranges import Ranges, may_overwrite


class Pool:
    """Free buffers."""

    def __init__(self) -> None:
        self._sizes: list[int] = []  # in ascending order
        self._free: dict[int, list[Array]] = defaultdict(list)  # by size, the last used last

    def give(self, buffer: Array) -> None:
        if not self._free[buffer.size]:
            insort(self._sizes, buffer.size)
        self._free[buffer.size].append(buffer)

    def take(self, nbytes: int) -> Array | None:
        """The smallest that is large enough, and of these the last used: it may be in the cache."""
        k = bisect_left(self._sizes, nbytes)
        if k == len(self._sizes) or self._sizes[k] > 4 * nbytes + 1024:
            return None
        buffer = self._free[self._sizes[k]].pop()
        if not self._free[buffer.size]:
            del self._sizes[k]
        return buffer

    def take_over(self, other: Pool) -> None:
        for buffers in other._free.values():
            for buffer in buffers:
                self.give(buffer)


def allocate(
    graph: Graph, ranges: Ranges, homes: dict[Key, Key], parts: dict[Key, Part], settled: set[Key], runs: list[Run]
) -> tuple[dict[Key, Array], list[Array]]:
    """The array of each leaf, constant and computed value; and the buffers that were made for them.

    A value that only its own run reads, where that goes by blocks, has the rows of one block.
    """
    xp, sample = arrays.namespace(*graph.fixed.values()), graph.sample
    placed = graph.fixed | {key: graph.fixed[old] for key, old in homes.items()}
    memory: list[Array] = []
    for key in settled:
        memory.append(arrays.aligned_buffer(xp, sample[key].nbytes))
        placed[key] = arrays.arrange(memory[-1].view(sample[key].dtype), sample[key])
    held: dict[Key, Array] = {}  # the buffer under a value, while it lives
    dying: dict[int, list[Key]] = defaultdict(list)  # by the step after which nobody reads them
    end = {i: run.steps[-1] for run in runs for i in run.steps}  # a run reads a value again, until its last block
    free = Pool()
    for run in runs:
        local, numbers = _local(ranges, run, placed, parts), _numbers(graph, ranges, run)
        spare = Pool()  # free for other local values
        for i in run.steps:
            key = owner = (ranges.steps[i], 0)
            way = []  # out of the concatenations that it is a part of
            while owner in parts and owner not in placed:
                way.append(owner)
                owner = parts[owner].whole
            if owner not in placed:
                over = [k for k in graph.inputs[key[0]] if k in held and ranges.last[k] == i and k not in numbers
                        and (key in local or k not in local) and may_overwrite(graph, ranges, key, k)]
                if over and owner == key:
                    held[key], placed[key] = held.pop(over[0]), placed[over[0]]
                    if over[0] not in local:
                        local.discard(key)
                else:
                    like = sample[owner][: run.rows] if owner in local else sample[owner]
                    nbytes = like.size * like.dtype.itemsize
                    found = spare.take(nbytes) if owner in local else None
                    found = free.take(nbytes) if found is None else found
                    if found is None:
                        found = arrays.aligned_buffer(xp, -(-nbytes // 64) * 64)
                        memory.append(found)
                    held[owner], placed[owner] = found, arrays.arrange(found[:nbytes].view(like.dtype), like)
                last = ranges.last.get(owner, i)
                dying[last if owner in local else end.get(last, last)].append(owner)
            for inner in reversed(way):
                placed[inner] = placed[parts[inner].whole][parts[inner].where].reshape(sample[inner].shape)
            for dead in dying.pop(i, ()):
                if dead in held:  # nothing was written over it
                    (free if i == run.steps[-1] else spare).give(held.pop(dead))
        free.take_over(spare)
    return placed, memory


def _local(ranges: Ranges, run: Run, *places: dict[Key, Any]) -> set[Key]:
    """What only the steps of a run by blocks read, and has no place yet."""
    made = [(ranges.steps[i], 0) for i in run.steps if run.rows]
    return {key for key in made
            if ranges.last.get(key, 0) < run.steps.stop and not any(key in place for place in places)}


def _numbers(graph: Graph, ranges: Ranges, run: Run) -> set[Key]:
    """The values of which every block reads one number: the first block must not overwrite them."""
    keys = [key for i in run.steps if run.rows for key in graph.inputs[ranges.steps[i]]]
    return {ranges.owner[key] for key in keys if graph.sample[key].size == 1}
