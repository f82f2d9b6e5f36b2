"""A value and how it was computed: the recorded graph is the program.

A ``Tensor`` holds an array and, unless it is a leaf, the ``Node`` that produced it: a
primitive, its input tensors and its static arguments. Nothing else is stored: no
``.grad``, no ``.backward()``. ``grad(y, xs)`` walks this record backwards and answers
with new tensors of the same graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from math import prod
from typing import Any

from minigan import arrays
from minigan.arrays import HOST, PRECISION, Array, DType, HostArray, is_array, namespace
from minigan.registry import Registry

Axis = int | tuple[int, ...] | None


class TracingError(TypeError):
    """The value of a tensor was asked for while a step is being recorded."""


class Node:
    """One application of a primitive: outputs = primitive(*inputs, **static)."""

    __slots__ = ("inputs", "primitive", "static", "traced", "width")

    def __init__(self, primitive: Primitive, inputs: tuple[Tensor, ...], static: dict[str, Any], width: int = 1):
        self.primitive = primitive
        self.width = width  # the number of outputs
        self.inputs = inputs
        self.static = static
        self.traced = any(x.traced for x in inputs)


def _operator(name: str, swapped: bool = False) -> Callable[[Any, Any], Tensor]:
    """The primitive of that name as a method: x ∘ other, or other ∘ x if ``swapped``."""
    if swapped:
        return lambda x, other: PRIMITIVES[name](other, x)
    return lambda x, other: PRIMITIVES[name](x, other)


class Tensor:
    """A value (an array of any library) plus how it was computed.

    ``Tensor(x)`` of an array, a number or a list of numbers is a leaf. Operators and
    the functions of ``minigan.autodiff`` build the graph. ``.value`` is the array;
    ``float(t)``, ``bool(t)``, ``t.item()`` and conversion to an array on the host read it, and raise
    TracingError while ``replay.record`` is recording, since the recorded program
    could not follow a decision taken on a value.
    """

    __slots__ = ("__weakref__", "_value", "index", "node", "traced")
    traced: bool  # made while recording, from what the program will be given
    __array_ufunc__ = None  # so that array * tensor is the tensor's business

    def __init__(self, value: Any, *, node: Node | None = None, index: int = 0, traced: bool = False):
        if isinstance(value, Tensor):
            raise TypeError("Tensor(x) wants an array or numbers, and x is a Tensor already")
        self._value: Array = value if type(value) is HostArray else arrays.as_array(value)
        self.node = node
        self.index = index  # which output of the node: 0 but for `split`
        self.traced = traced if node is None else node.traced

    # -- what it is --------------------------------------------------------------------
    @property
    def value(self) -> Array:
        """The array. Raises TracingError while recording."""
        if self.traced:
            raise TracingError(
                "the value of a recorded tensor was asked for (bool, float, .item(), .value, asarray): "
                "a recorded step must not depend on values; make it an input, or run eagerly"
            )
        return self._value

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape

    @property
    def ndim(self) -> int:
        return self._value.ndim

    @property
    def size(self) -> int:
        return self._value.size

    @property
    def dtype(self) -> DType:
        return arrays.dtype(self._value)

    @property
    def key(self) -> tuple[object, int]:
        """What identifies this value in the graph: its node and output, or the leaf itself."""
        return (self if self.node is None else self.node, self.index)

    def item(self) -> Any:
        return self.value.item()

    def __float__(self) -> float:
        return float(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __array__(self, dtype: Any = None, copy: Any = None) -> HostArray:
        return HOST.array(self.value, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        how = "leaf" if self.node is None else self.node.primitive.name
        what = "being recorded" if self.traced else HOST.array2string(arrays.to_host(self._value), threshold=20)
        return f"Tensor({what}, shape={self.shape}, dtype={self.dtype}, from={how})"

    def __len__(self) -> int:
        return len(self._value)

    __iter__ = None  # unpacking a tensor element by element is never what was meant

    # -- operators: each is the primitive of that name -----------------------------------
    __add__ = __radd__ = _operator("add")
    __sub__, __rsub__ = _operator("subtract"), _operator("subtract", swapped=True)
    __mul__ = __rmul__ = _operator("multiply")
    __truediv__, __rtruediv__ = _operator("divide"), _operator("divide", swapped=True)
    __matmul__, __rmatmul__ = _operator("matmul"), _operator("matmul", swapped=True)
    __rpow__ = _operator("power", swapped=True)

    def __pow__(self, p: Any) -> Tensor:
        return self * self if isinstance(p, int) and p == 2 else PRIMITIVES["power"](self, p)

    def __neg__(self) -> Tensor:
        return PRIMITIVES["negative"](self)

    def __abs__(self) -> Tensor:
        return PRIMITIVES["absolute"](self)

    def __getitem__(self, key: Any) -> Tensor:
        key = key if isinstance(key, tuple) else (key,)
        y = PRIMITIVES["getitem"](self, key=tuple(k for k in key if k is not None))
        if any(k is None for k in key):  # a new axis selects nothing: it is a reshape
            return y.reshape(HOST.broadcast_to(0.0, self.shape)[key].shape)
        return y

    def reshape(self, *shape: Any) -> Tensor:
        return PRIMITIVES["reshape"](self, shape=shape[0] if shape and isinstance(shape[0], tuple) else shape)

    # -- reductions over the axes given (None: all) ----------------------------------------
    def sum(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        return self._reduce("reduce_sum", axis, keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        return self.sum(axis, keepdims) * (1.0 / prod(self.shape[k] for k in self.axes(axis)))

    def max(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        return self._reduce("reduce_max", axis, keepdims)

    def axes(self, axis: Axis) -> tuple[int, ...]:
        """The axes meant, counted from the front; ValueError if there is no such axis."""
        chosen = range(self.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        if any(not -self.ndim <= k < self.ndim for k in chosen):
            raise ValueError(f"axis {axis} does not exist in shape {self.shape}")
        return tuple(sorted({k % self.ndim for k in chosen}))

    def _reduce(self, name: str, axis: Axis, keepdims: bool) -> Tensor:
        axes = self.axes(axis)
        long = tuple(k for k in axes if self.shape[k] != 1)  # an axis of one has nothing to reduce
        y = PRIMITIVES[name](self, axis=long) if long else self
        rest = tuple(n for k, n in enumerate(self.shape) if k not in axes)
        return y if keepdims or not axes else y.reshape(rest)


PRIMITIVES: Registry[Primitive] = Registry("primitive")  # by name: filled as primitives.py defines them


@dataclass(eq=False, repr=False)
class Primitive:
    """An operation: how it is computed, and its derivative rule.

    ``call(xp, out, *arrays, **static)`` answers with the call to make: a function, then
    its arguments, writing to ``out`` (or allocating, where ``out`` is None). Eager
    execution makes that call now and replay makes it many times: the same kernel, so
    the same bits. A primitive that only looks at its input differently gives ``view``
    instead, a function to an array (or to a list of them) of the same memory.

    ``rules`` has one function an input, ``rule(g, y, *inputs, **static)``: the cotangent
    of that input for the cotangent g of the output y, written in primitives, so that it
    is differentiable itself; None where the derivative is zero everywhere. ``joint``
    replaces it where one call serves all inputs (``concat``, ``split``).
    ``elementwise`` outputs may overwrite a dying input, unless ``in_place`` is False (a mask: NumPy would
    copy its input first, as the dtypes differ). ``dense`` kernels do not take
    broadcast views (BLAS would not). ``discrete`` lists inputs that are indices or masks.
    Cotangents are summed down over broadcast axes by the caller, not by the rule.
    """

    name: str
    _: KW_ONLY
    call: Callable | None = None
    view: Callable | None = None
    rules: Sequence[Callable | None] = ()
    joint: Callable | None = None
    elementwise: bool = False
    in_place: bool = True
    dense: bool = False
    discrete: tuple[int, ...] = ()
    analytic: bool = True  # complex-differentiable: `check` may take a complex step

    def __post_init__(self) -> None:
        self.in_place = self.elementwise and self.in_place
        PRIMITIVES[self.name] = self

    def __call__(self, *args: Any, **static: Any) -> Any:
        """Apply the primitive: one tensor (for `split`, a list of them)."""
        inputs = self._lift(args)
        if self.dense:
            inputs = tuple(PRIMITIVES["copy"](x) if arrays.is_broadcast(x._value) else x for x in inputs)
        values = [x._value for x in inputs]
        if self.view is not None:
            value = self.view(*values, **static)
        else:
            function, *operands = self.call(namespace(*values), None, *values, **static)  # type: ignore[misc]
            value = function(*operands)
        if isinstance(value, list):
            node = Node(self, inputs, static, len(value))
            return [Tensor(v, node=node, index=k) for k, v in enumerate(value)]
        return Tensor(value, node=Node(self, inputs, static))

    def differentiable(self, k: int) -> bool:
        """Whether the derivative with respect to input k can be other than zero."""
        return self.joint is not None or (k < len(self.rules) and self.rules[k] is not None)

    def _lift(self, args: tuple[Any, ...]) -> tuple[Tensor, ...]:
        """Arguments to tensors: numbers take the dtype and library of the tensors beside them."""
        near = [x for x in args if (isinstance(x, Tensor) or is_array(x)) and arrays.dtype(x) in PRECISION]
        like = next((x for x in near if not isinstance(x, HOST.generic)), near[0] if near else None)
        xp = HOST if like is None else namespace(like._value if isinstance(like, Tensor) else like)
        inputs = []
        for k, x in enumerate(args):
            if not isinstance(x, Tensor):
                if arrays.is_scalar(x):
                    dtype = None if k in self.discrete else float if like is None else arrays.dtype(like)
                    x = xp.asarray(x, dtype=dtype)
                x = Tensor(x)
            if k not in self.discrete and x.dtype not in PRECISION:
                raise TypeError(
                    f"{self.name} wants floats, and argument {k} has dtype {x.dtype}; "
                    "convert it first, e.g. x.astype('float32')"
                )
            inputs.append(x)
        floats = [x for k, x in enumerate(inputs) if k not in self.discrete]
        if any(PRECISION[x.dtype] != PRECISION[floats[0].dtype] for x in floats[1:]):
            dtypes = " and ".join(str(x.dtype) for x in floats)
            raise TypeError(f"{self.name}: arguments of different precision ({dtypes}); convert one first")
        return tuple(inputs)


def topological(outputs: Sequence[Tensor], stop: Any = None) -> Iterator[Node]:
    """The nodes behind the outputs, each after those it depends on (no recursion), without ``stop`` and its past."""
    done: set[Any] = {stop}
    stack = [(t.node, False) for t in reversed(outputs) if t.node is not None and t.node is not stop]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif node not in done:
            done.add(node)
            stack.append((node, True))
            stack.extend((x.node, False) for x in reversed(node.inputs) if x.node is not None and x.node not in done)
