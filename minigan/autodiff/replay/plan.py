"""From a graph to bound calls on reused buffers: what makes replay fast.

1. *Live ranges*: a value lives from the call that makes it to the last call that reads it; a
   view (reshape, slice, split, ...) is a read of the array it looks at.
2. *Place*: a new state goes straight into the old state's array if nothing reads the old one
   afterwards; the pieces of a concatenation (the layers' gradients in the one flat gradient)
   straight into their part of it; an elementwise result over an input that dies there; the
   rest into a pool of buffers, reused as soon as they are free.
3. *Bind* each primitive's own kernel to its arrays.
4. *Strips*: elementwise calls one after another on large arrays are made strip by strip, so that
   a strip stays in the cache from the first to the last; what only they read needs the memory
   of one strip.

It decides where results lie, never what they are.

Source: the linear scan of Poletto & Sarkar (1999), for arrays instead of registers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from minigan import arrays
from minigan.arrays import Array, namespace, shares_memory
from minigan.autodiff.replay.graph import Graph, Key
from minigan.autodiff.tensor import PRIMITIVES, Node

END = 1 << 60  # later than any call
Bound = tuple[Node, Array, list[Array]]  # a node, where it writes, and what it reads
LARGE, STRIP = 1 << 19, 1 << 17  # bytes: an array that is computed by strips, and about how much of it at a time


class Plan:
    """Where every value of a graph lives, and the bound calls that compute it."""

    def __init__(self, graph: Graph, state: dict[str, Array]):
        self.graph = graph
        self.xp = namespace(*graph.fixed.values())
        self.calls: list[tuple[Callable, tuple]] = []
        self.nbytes = 0
        self._arrays = dict(graph.fixed)  # key -> its array, once it has one
        self._buffers: dict[Key, Array] = {}  # key -> the pooled buffer under it, while it lives
        self._free: list[Array] = []
        self._spare: list[Array] = []  # free for other strips of the same run
        self._steps = [node for node in graph.nodes if node.primitive.view is None]
        self._when = {(node, 0): i for i, node in enumerate(self._steps)}  # a computed key -> its call
        self._source = {  # a view's key -> the key it looks at
            (node, k): graph.inputs[node][0]
            for node in graph.nodes if node.primitive.view is not None for k in range(node.width)
        }
        self._part: dict[Key, tuple[Key, tuple]] = {}  # a key computed inside a concatenation: which, where
        self._settled: set[Node] = set()  # concatenations whose constant pieces are in place for good
        self._last_read: dict[Key, int] = {}
        self._reads: Counter[Key] = Counter()
        self._local: dict[Key, int] = {}  # a key that only its own strips need -> how many rows that is
        self._find_live_ranges()
        home = self._place_state(state)
        self._place_parts()
        for run in self._runs():
            self._bind(run)
        self.report = {name: self._array(key) for name, key in graph.report.items()}
        for name, key in graph.state.items():
            if name not in home:
                self.calls.append((self.xp.copyto, (state[name], self._array(key))))

    # -- 1. live ranges --------------------------------------------------------------------
    def _owner(self, key: Key) -> Key:
        """The key whose memory this one is, through views and into concatenations."""
        while key in self._source or key in self._part:
            key = self._source[key] if key in self._source else self._part[key][0]
        return key

    def _find_live_ranges(self) -> None:
        for i, node in enumerate(self._steps):
            owners = [self._owner(key) for key in self.graph.inputs[node]]
            self._last_read.update(dict.fromkeys(owners, i))
            self._reads.update(owners)
        outputs = [*self.graph.report.values(), *self.graph.state.values()]
        self._last_read.update((self._owner(key), END) for key in outputs)
        self._reads.update(self._owner(key) for key in outputs)

    # -- 2. places ---------------------------------------------------------------------------
    def _place_state(self, state: dict[str, Array]) -> set[str]:
        """Give each new state the old state's array, if the old state has been read by then: which ones."""
        leaves = {id(value): key for key, value in self.graph.fixed.items()}
        home: set[str] = set()
        for name, key in self.graph.state.items():
            old = leaves[id(state[name])]
            last = self._last_read.get(old, -1)
            if key in self._when and key not in self._arrays and self._alike(key, old) and (
                last < self._when[key] or (last == self._when[key] and self._overwrites(key, old))
            ):
                self._arrays[key] = state[name]
                home.add(name)
        return home

    def _overwrites(self, key: Key, old: Key) -> bool:
        """Whether the call that makes ``key`` may write over ``old``, one of its inputs."""
        node = self._steps[self._when[key]]
        return (
            node.primitive.in_place
            and self._alike(key, old)
            and all(k == old for k in self.graph.inputs[node] if self._owner(k) == old)
        )

    def _alike(self, key: Key, other: Key) -> bool:
        a, b = self.graph.sample[key], self.graph.sample[other]
        return (a.shape, a.strides, a.dtype) == (b.shape, b.strides, b.dtype)

    def _place_parts(self) -> None:
        """Let the pieces of a concatenation be computed in their part of it."""
        for node in reversed([n for n in self._steps if n.primitive is PRIMITIVES["concat"]]):
            whole = (node, 0)
            if whole in self._arrays:  # a new state's home: it may not be written before its time
                continue
            self._settle_constants(node)
            for piece, where in zip(self.graph.inputs[node], self._parts(node), strict=True):
                key = self._computed(piece)
                if key not in self._when or key in self._arrays or key in self._part:
                    continue  # it is not computed, or has a place already
                if not self._fits(key, self._layout(whole)[where]):
                    continue
                later = max(self._last_read[key], self._last_read[whole])
                self._part[key] = (whole, where)
                self._last_read[self._owner(whole)] = max(later, self._last_read[self._owner(whole)])

    def _settle_constants(self, node: Node) -> None:
        """Write the constant pieces of a concatenation (no penalty on a bias) once, into memory of its own."""
        whole, pieces = (node, 0), self.graph.inputs[node]
        if whole in self._part or self._last_read[whole] == END or not any(map(self.graph.constant, pieces)):
            return
        sample = self.graph.sample[whole]
        buffer = arrays.aligned_buffer(self.xp, sample.nbytes)
        self.nbytes += buffer.size
        self._arrays[whole] = arrays.arrange(buffer.view(sample.dtype), sample)
        self._settled.add(node)
        for piece, where in zip(pieces, self._parts(node), strict=True):
            if self.graph.constant(piece):
                self._arrays[whole][where] = self.graph.fixed[piece]

    def _parts(self, node: Node) -> list[tuple]:
        """The index of each input's part in a concatenation."""
        axis = node.static["axis"] % node.inputs[0].ndim
        sizes = [x.shape[axis] for x in node.inputs]
        starts = [sum(sizes[:k]) for k in range(len(sizes))]
        return [(slice(None),) * axis + (slice(i, i + n),) for i, n in zip(starts, sizes, strict=True)]

    def _computed(self, key: Key) -> Key:
        """The key behind this one, seen through reshapes."""
        while key in self._source and key[0].primitive is PRIMITIVES["reshape"]:
            key = self._source[key]
        return key

    def _layout(self, key: Key) -> Array:
        """An array laid out as the one of this key will be."""
        value = self.graph.sample[key]
        if key not in self._part:
            return value
        whole, where = self._part[key]
        return self._layout(whole)[where].reshape(value.shape)

    def _fits(self, key: Key, part: Array) -> bool:
        """Whether a value may be computed in this part of a concatenation.

        A part with gaps is for values that nobody else reads: over gaps a sum takes another order.
        """
        value = self.graph.sample[key]
        return value.flags.c_contiguous and (part.flags.c_contiguous or self._reads[key] == 1) and (
            shares_memory(part.reshape(value.shape), part))

    def _output(self, i: int, node: Node) -> Array:
        """The array that call i writes to."""
        key = (node, 0)
        for old in self.graph.inputs[node]:
            dies_here = old in self._buffers and self._last_read[old] == i and (
                old not in self._local or key in self._local)
            if key not in self._arrays and key not in self._part and dies_here and self._overwrites(key, old):
                self._buffers[key] = self._buffers.pop(old)
                self._arrays[key] = self._arrays[old]
                if old not in self._local:
                    self._local.pop(key, None)
        return self._allocate(key)

    def _allocate(self, key: Key) -> Array:
        """The array of a computed key: its place, its part of a concatenation, or one from the pool."""
        if key in self._arrays:
            return self._arrays[key]
        sample = self.graph.sample[key]
        if key in self._local:
            sample = sample[: self._local[key]]
        if key in self._part:
            whole, where = self._part[key]
            self._arrays[key] = self._allocate(whole)[where].reshape(sample.shape)
            return self._arrays[key]
        n = sample.size * sample.dtype.itemsize
        for free in ([self._spare] if key in self._local else []) + [self._free]:
            fitting = [k for k, buffer in enumerate(free) if n <= buffer.size <= 4 * n + 1024]
            if fitting:  # the smallest, and of these the last used: it may be in the cache
                buffer = free.pop(min(fitting, key=lambda k: (free[k].size, -k)))
                break
        else:
            buffer = arrays.aligned_buffer(self.xp, -(-n // 64) * 64)
            self.nbytes += buffer.size
        self._buffers[key] = buffer
        self._arrays[key] = arrays.arrange(buffer[:n].view(sample.dtype), sample)
        return self._arrays[key]

    # -- 3. bound calls -------------------------------------------------------------------------
    def _array(self, key: Key) -> Array:
        """The array of a key; of a view, the view."""
        if key not in self._arrays:
            node, k = key
            base = self._array(self._source[key])
            view = _view(node, base, k)
            if view.size and not shares_memory(view, base):  # this reshape has to copy
                view = self.xp.empty(view.shape, dtype=view.dtype)
                self.calls.append((self.xp.copyto, (view.reshape(base.shape), base)))
                self.nbytes += view.nbytes
            self._arrays[key] = view
        return self._arrays[key]

    def _bind(self, run: range) -> None:
        rows = self._rows(run)
        if rows:
            made = [(self._steps[i], 0) for i in run]
            self._local |= {key: rows for key in made if self._last_read.get(key, 0) < run.stop
                            and key not in self._arrays and key not in self._part}
        bound: list[Bound] = []
        for i in run:
            node = self._steps[i]
            inputs = [self._array(key) for key in self.graph.inputs[node]]
            bound.append((node, self._output(i, node), inputs))
            self._release(i, local=i < run.stop - 1)  # by strips a value is read again, until the last strip
        self._free += self._spare
        self._spare = []
        if rows:
            self._call_by_strips(bound, rows)
        else:
            for node, out, inputs in bound:
                self._call(node, out, inputs)

    def _release(self, i: int, local: bool) -> None:
        """Give back the buffers of what nobody reads after call i; or of strips alone, for other strips."""
        for key in [key for key in self._buffers if self._last_read.get(key, i) <= i]:
            if key in self._local or not local:
                (self._spare if local else self._free).append(self._buffers.pop(key))

    def _call(self, node: Node, out: Array, inputs: list[Array]) -> None:
        if node.primitive is PRIMITIVES["concat"]:
            for key, value, where in zip(self.graph.inputs[node], inputs, self._parts(node), strict=True):
                there = self._part.get(self._computed(key)) == ((node, 0), where)
                if not there and not (node in self._settled and self.graph.constant(key)):
                    self.calls.append((self.xp.copyto, (out[where], value)))
        else:
            function, *args = node.primitive.call(self.xp, out, *inputs, **node.static)  # type: ignore[misc]
            self.calls.append((function, tuple(args)))

    # -- 4. strips --------------------------------------------------------------------------------
    def _call_by_strips(self, bound: list[Bound], rows: int) -> None:
        n = len(self.graph.sample[(bound[0][0], 0)])
        rows_of: dict[int, Array] = {}  # a row under all strips (a bias) is laid out once, as high as a strip
        for node, out, inputs in bound:
            for key, x in zip(self.graph.inputs[node], inputs, strict=True):
                if x.size > 1 and not self._whole(key, node) and id(x) not in rows_of:
                    rows_of[id(x)] = self.xp.empty((rows, *out.shape[1:]), dtype=x.dtype)
                    self.nbytes += rows_of[id(x)].nbytes
                    self.calls.append((self.xp.copyto, (rows_of[id(x)], x)))
        for start in range(0, n, rows):
            part, first = slice(start, start + rows), slice(min(rows, n - start))
            for node, out, inputs in bound:
                strips = [x if x.size == 1 else rows_of.get(id(x), x) for x in [out, *inputs]]
                strips = [x if x.size == 1 else x[part] if len(x) == n else x[first] for x in strips]
                self._call(node, strips[0], strips[1:])

    def _runs(self) -> list[range]:
        """The calls in groups: elementwise calls on large arrays of one shape together, every other by itself."""
        runs: list[range] = []
        for i in range(len(self._steps)):
            longer = range(runs[-1].start, i + 1) if runs else range(1)
            if len(longer) > 1 and self._rows(longer):
                runs[-1] = longer
            else:
                runs.append(range(i, i + 1))
        return runs

    def _whole(self, key: Key, node: Node) -> bool:
        """Whether an input of a node by strips is as large as its output, and cut as it is."""
        return self.graph.sample[key].shape == self.graph.sample[(node, 0)].shape

    def _rows(self, run: range) -> int:
        """How many rows of its arrays a run of calls computes at a time; 0: it cannot go by strips, or need not."""
        sample = self.graph.sample
        made = {(self._steps[i], 0) for i in run}
        homes = [self._arrays[key] for key in made if key in self._arrays]
        shape = sample[(self._steps[run[0]], 0)].shape
        if len(run) < 2 or not shape or shape[0] < 2 or not arrays.on_host(self.xp):
            return 0
        for i in run:
            node = self._steps[i]
            y = sample[(node, 0)]
            if not node.primitive.elementwise or y.shape != shape or y.nbytes < LARGE or not y.flags.c_contiguous:
                return 0
            for key in self.graph.inputs[node]:
                x = sample[key]
                if key in self._source and self._owner(key) in made:  # seen otherwise than strip by strip
                    return 0
                if x.shape == shape and x.flags.c_contiguous:
                    continue
                row = x.shape in (shape[1:], (1, *shape[1:]))
                # what every strip reads must not be overwritten by the first
                source = self.graph.fixed.get(self._owner(key))
                if not (row or x.size == 1) or (source is not None and any(shares_memory(source, h) for h in homes)):
                    return 0
        return max(1, STRIP * shape[0] // y.nbytes)


def _view(node: Any, base: Array, k: int) -> Array:
    seen = node.primitive.view(base, **node.static)
    return seen[k] if isinstance(seen, list) else seen
