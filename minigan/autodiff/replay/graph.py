"""What a recorded step computes, each value once and in a good order: what every way to run it starts from.

What the outputs do not need is left out, equal expressions become one, and what depends on no input is
a constant, kept as a value. Where the values lie is the business of what follows.
"""

from collections.abc import Iterable
from typing import Any

from minigan import arrays
from minigan.arrays import Array
from minigan.autodiff.primitive import PRIMITIVES
from minigan.autodiff.primitives import copy
from minigan.autodiff.replay.given import replica, root, share
from minigan.autodiff.tensor import Node, Tensor, TracingError, topological

Key = tuple[Any, int]  # what identifies a value: its node and which output, or the leaf itself
FEW = 4  # numbers or fewer: they lie in nobody's way


class Graph:
    """The graph behind a step's outputs, merged.

    nodes: in order; inputs: the keys that each node reads; sample: an example array of each key,
    which tells its shape and layout; fixed: the arrays of leaves and constants; old, given: the leaves by name, the
    state and the inputs; state, report: what is computed, the new state and what is told; outputs: the keys of both.
    """

    def __init__(
        self, old: dict[str, Tensor], given: dict[str, Tensor], state: dict[str, Tensor], report: dict[str, Tensor]
    ):
        self.old, self.given = [{name: x.key for name, x in xs.items()} for xs in (old, given)]
        self.inputs: dict[Node, list[Key]] = {}
        self.fixed: dict[Key, Array] = {x.key: x._value for x in [*old.values(), *given.values()]}
        self._leaves = set(self.fixed)
        self.sample = dict(self.fixed)
        self._same = {key: key for key in self.fixed}  # of every tensor: the key of the first equal expression
        self._first: dict[Any, Any] = {}  # an expression -> who had it first
        # An output that is a view of old state is copied out before that state is overwritten.
        seen = _views([*report.values(), *state.values()], of=set(self.fixed))
        state, report = [{k: copied(y) if y.key in seen else y for k, y in ys.items()} for ys in (state, report)]
        self._roots = {id(root(x)) for x in self.fixed.values() if x.size}
        for node in topological([*report.values(), *state.values()]):
            for x in node.inputs:
                self._check_leaf(x)
            if node.traced:
                keys = [self._key(x) for x in node.inputs]
                first = self._first.setdefault((node.primitive, *keys, _frozen(node.static)), node)
                self.inputs.setdefault(first, keys)
                self._same.update({(node, k): (first, k) for k in range(node.width)})
        self.report, self.state = [{name: self._key(y) for name, y in ys.items()} for ys in (report, state)]
        self.outputs = [*self.report.values(), *self.state.values()]
        self._look_through_relus()
        self.nodes = self._ordered()

    @property
    def reads(self) -> frozenset[str]:
        """The inputs on which any output depends."""
        read = self._read(self.inputs)
        return frozenset(name for name, key in self.given.items() if key in read)

    def _read(self, nodes: Iterable[Node]) -> set[Key]:
        """What these nodes read, and the outputs."""
        return {*self.outputs, *(key for node in nodes for key in self.inputs[node])}

    def _look_through_relus(self) -> None:
        """relu(x) > 0 iff x > 0: a ReLU that only masks ask for (a critic's last, behind its slope) goes unread."""
        zeros = {key for key, x in self.fixed.items()
                 if self.constant(key) and x.size == 1 and not arrays.to_host(x).any()}
        masks = {node for node, keys in self.inputs.items()
                 if node.primitive is PRIMITIVES["greater"] and keys[1] in zeros}
        read = self._read(node for node in self.inputs if node not in masks)
        for mask in masks:
            y, zero = self.inputs[mask]
            if y not in read and y not in self.fixed and y[0].primitive is PRIMITIVES["relu"]:
                self.inputs[mask] = [self.inputs[y[0]][0], zero]

    def _ordered(self) -> list[Node]:
        """The nodes in an order that keeps few values alive, each after what it reads.

        Single numbers and the like first, so that they break nobody's run of calls. Small outputs before large
        ones: losses read the old state that an update overwrites. Of a node's inputs the one with the longest way
        behind it first.
        """
        height: dict[Any, int] = {}
        ordered: dict[Any, None] = {}
        for node, read in self.inputs.items():
            height[node] = 1 + max((height.get(k[0], 0) for k in read), default=0)
            few = node.width == 1 and self.sample[(node, 0)].size <= FEW
            if few and all(k[0] in ordered or (k in self.fixed and self.sample[k].size <= FEW) for k in read):
                ordered[node] = None
        outputs = sorted([*self.state.values(), *self.report.values()], key=lambda k: -self.sample[k].size)
        stack = [(key[0], False) for key in outputs]
        while stack:
            node, ready = stack.pop()
            if ready:
                ordered[node] = None
            elif node in height and node not in ordered:
                behind = sorted((k[0] for k in self.inputs[node]), key=lambda n: height.get(n, 0))
                if node.primitive is PRIMITIVES["concat"]:  # the flat gradient: a layer's weights when they can be had
                    behind.reverse()
                stack += [(node, True), *((n, False) for n in behind)]
        return list(ordered)

    def constant(self, key: Key) -> bool:
        """Whether the value is the same at every call."""
        return key in self.fixed and key not in self._leaves

    def _check_leaf(self, x: Tensor) -> None:
        """A constant is copied once: refuse one whose memory the program is there to change, and what is no value."""
        if x.node is not None or x.key in self._leaves:
            return
        if x.traced:
            raise TracingError("the step uses a tensor that another recording was given (kept from a former call?)")
        if id(root(x._value)) not in self._roots:
            return
        for what, keys in (("state", self.old), ("input", self.given)):
            for name, key in keys.items():
                if share(self.fixed[key], x._value):
                    raise ValueError(f"the step takes the array of {what} {name!r} from elsewhere, as a constant: "
                                     "use the tensor that it is given under that name")

    def _key(self, x: Tensor) -> Key:
        if x.key not in self._same:  # a constant; equal small ones become one
            self._check_leaf(x)
            value = replica(x._value) if x.node is None or x.node.primitive.view is not None else x._value
            small = x.key if value.size >= 4096 else (
                value.shape, getattr(value, "strides", ()), str(value.dtype), arrays.to_host(value).tobytes())
            self._same[x.key] = self._first.setdefault(("constant", small), x.key)
            self.fixed[x.key] = self.sample[x.key] = value
        key = self._same[x.key]
        self.sample.setdefault(key, x._value)
        return key


def copied(y: Tensor) -> Tensor:
    """``copy``, of indices and masks too, which primitives refuse."""
    function, *args = copy.call(arrays.namespace(y._value), None, y._value)  # type: ignore[misc]
    return Tensor(function(*args), node=Node(copy, (y,), {}))


def _views(outputs: list[Tensor], of: set[Key]) -> set[Key]:
    """These keys, and those that look at one of them otherwise."""
    for node in topological(outputs):
        if node.primitive.view is not None and node.inputs[0].key in of:
            of.update((node, k) for k in range(node.width))
    return of


def _frozen(static: Any) -> Any:
    """The static arguments as something hashable (slices are not, before Python 3.12); 2 and 2.0 are two."""
    if isinstance(static, dict):
        return tuple((k, _frozen(v)) for k, v in sorted(static.items()))
    if isinstance(static, tuple | list):
        return tuple(_frozen(v) for v in static)
    return ("slice", static.start, static.stop, static.step) if isinstance(static, slice) else (type(static), static)
