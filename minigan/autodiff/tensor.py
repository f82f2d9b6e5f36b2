"""A value and how it was computed: the recorded graph is the program.

A ``Tensor`` holds an array and, unless it is a leaf, the ``Node`` that produced it: a
primitive, its input tensors and its static arguments. Nothing else is stored: no
``.grad``, no ``.backward()``. ``grad(y, xs)`` walks this record backwards and answers
with new tensors of the same graph.

Operators, methods and NumPy's functions of a tensor are the engine's functions of those names, found in
``FUNCTIONS``, which the files that define them fill (``@named``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minigan import arrays
from minigan.arrays import HOST, Array, DType, HostArray, is_array, namespace

Axis = int | tuple[int, ...] | None
ELSEWHERE = {  # what a tensor of another package has, and what stands for it here
    **dict.fromkeys(("backward", "grad", "zero_grad"), ": g = grad(loss, theta) answers with the gradient"),
    "requires_grad": ": every tensor can be differentiated by", "detach": ": use stop_gradient(t)",
    **dict.fromkeys(("numpy", "data", "tolist", "all", "any", "argmax", "argmin"),
                    ": use the array t.value, which no derivative follows"),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {}  # by name: what operators, methods and NumPy's functions of a tensor call


def named(f: Callable[..., Any]) -> Callable[..., Any]:
    """Enter a function into ``FUNCTIONS``: a decorator."""
    FUNCTIONS[f.__name__] = f
    return f


class TracingError(TypeError):
    """The value of a tensor was asked for while a step is being recorded."""


class Node:
    """One application of a primitive: outputs = primitive(*inputs, **static)."""

    __slots__ = ("inputs", "primitive", "static", "traced", "width")

    def __init__(self, primitive: Any, inputs: tuple[Tensor, ...], static: dict[str, Any], width: int = 1):
        self.primitive = primitive
        self.width = width  # the number of outputs
        self.inputs = inputs
        self.static = static
        self.traced = True in [x.traced for x in inputs]


def _method(name: str) -> Callable[..., Any]:
    """The function of that name as a method: f(x, ...)."""
    return lambda x, *args, **kwargs: FUNCTIONS[name](x, *args, **kwargs)


def _operator(name: str, swapped: bool = False) -> Callable[[Any, Any], Any]:
    """The function of that name as an operator: x ∘ other, or other ∘ x if ``swapped``."""
    if swapped:
        return lambda x, other: FUNCTIONS[name](other, x) if _operand(other) else _foreign(name, other)
    return lambda x, other: (
        FUNCTIONS[name](x, other) if type(other) is Tensor or _operand(other) else _foreign(name, other))


def _comparison(name: str) -> Callable[[Any, Any], Any]:
    """The same of a comparison, which is False for what is no number at all."""
    return lambda x, other: FUNCTIONS[name](x, other) if _operand(other) else NotImplemented


def _foreign(name: str, other: Any) -> Any:
    """Left to ``other`` (a sparse matrix, a data frame), it would convert the tensor, and lose its derivative."""
    raise TypeError(f"{name} of a tensor and a {type(other).__name__}: give numbers, an array or a tensor")


class _OfTheClass:
    """NumPy asks the class for ``__array_ufunc__``. Masked arrays and arrays of devices ask the tensor, and leave it
    its operators if it says None: they would take it for a constant."""

    def __init__(self, name: str):
        self.ours = _method(name)

    def __get__(self, x: Tensor | None, kind: type) -> Any:
        return self.ours if x is None else None


def _operand(x: Any) -> bool:
    """Whether an operator takes it: a tensor, numbers, an array, or a list of these."""
    return isinstance(x, Tensor | list | tuple | complex) or arrays.is_scalar(x) or is_array(x)


class Tensor:
    """A value (an array of any library) plus how it was computed.

    ``Tensor(x)`` of an array, a number or a list of numbers is a leaf. Operators and
    the functions of ``minigan.autodiff`` build the graph, and so do NumPy's functions of the same names, called
    with a tensor; those that the engine has not are refused (``numpy_functions.py``). Comparisons give a mask:
    0 or 1 in the tensor's dtype. ``.value`` is the array;
    ``float(t)``, ``bool(t)``, ``t.item()`` and conversion to an array on the host read it, which no derivative
    follows, and raise TracingError while ``replay.record`` is recording, since the recorded program
    could not follow a decision taken on a value.
    """

    __slots__ = ("__weakref__", "_origin", "_value", "index", "node", "traced")
    traced: bool  # made while recording, from what the program will be given

    def __init__(self, value: Any, *, node: Node | None = None, index: int = 0, traced: bool = False):
        if isinstance(value, Tensor):
            raise TypeError("Tensor(x) wants an array or numbers, and x is a Tensor already")
        if type(value) is not HostArray and holds_tensors(value):
            raise TypeError("Tensor(x) of a list of tensors would be a constant, which no derivative passes: "
                            "use stack(tensors)")
        self._value: Array = value if type(value) is HostArray else arrays.as_array(value)
        self.node = node
        self._origin = object() if node is None else node  # of a leaf a token: tensors do not compare as keys must
        self.index = index  # which output of the node: 0 but for `split`
        self.traced = traced if node is None else node.traced

    # -- what it is --------------------------------------------------------------------
    @property
    def value(self) -> Array:
        """The array. Raises TracingError while recording."""
        if self.traced:
            raise TracingError(
                "the value of a recorded tensor was asked for (bool, float, .item(), .value, asarray, t[mask]): "
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
        """What identifies this value in the graph: its node and output, or the leaf's token."""
        return (self._origin, self.index)

    def item(self) -> Any:
        return self.value.item()

    def __float__(self) -> float:
        return float(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"a tensor has no attribute {name!r}{ELSEWHERE.get(name, '')}")

    def __array__(self, dtype: Any = None, copy: Any = None) -> HostArray:
        return HOST.array(self.value, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        how = "leaf" if self.node is None else self.node.primitive.name
        what = "being recorded" if self.traced else HOST.array2string(arrays.to_host(self._value), threshold=20)
        return f"Tensor({what}, shape={self.shape}, dtype={self.dtype}, from={how})"

    def __len__(self) -> int:
        return len(self._value)

    __iter__ = None  # unpacking a tensor element by element is never what was meant

    # -- operators: each is the function of that name ------------------------------------
    __add__ = __radd__ = _operator("add")
    __sub__, __rsub__ = _operator("subtract"), _operator("subtract", swapped=True)
    __mul__ = __rmul__ = _operator("multiply")
    __truediv__, __rtruediv__ = _operator("divide"), _operator("divide", swapped=True)
    __matmul__, __rmatmul__ = _operator("matmul"), _operator("matmul", swapped=True)
    __pow__, __rpow__ = _operator("power"), _operator("power", swapped=True)
    __neg__, __abs__ = _method("negative"), _method("absolute")
    __getitem__ = _method("getitem")

    # A mask: 0 or 1 in the dtype of x. As a dictionary's key a tensor is itself.
    __lt__, __le__ = _comparison("less"), _comparison("less_equal")
    __gt__, __ge__ = _comparison("greater"), _comparison("greater_equal")
    __eq__, __ne__ = _comparison("equal"), _comparison("not_equal")
    __hash__ = object.__hash__

    __and__ = __rand__ = _method("both")
    __or__ = __ror__ = _method("either")
    __invert__ = _method("neither")

    def __deepcopy__(self, memo: Any) -> Tensor:
        if self.node is not None:
            raise TypeError("a deep copy of a computed tensor would have a graph of its own, of copies of its leaves: "
                            "no derivative by yours; a tensor never changes, so share it")
        return Tensor(namespace(self._value).array(self._value))

    # NumPy hands its functions of a tensor to these
    __array_ufunc__, __array_function__ = _OfTheClass("__array_ufunc__"), _method("__array_function__")

    # -- methods, as an array has them -----------------------------------------------------
    sum, mean, var, std = _method("sum"), _method("mean"), _method("var"), _method("std")
    max, min, prod, cumsum = _method("max"), _method("min"), _method("prod"), _method("cumsum")
    reshape, ravel, squeeze = _method("reshape"), _method("ravel"), _method("squeeze")
    transpose, astype, clip, dot = _method("transpose"), _method("astype"), _method("clip"), _method("dot")

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return self.transpose()

    @property
    def is_mask(self) -> bool:
        """Whether it is what a comparison made: then it picks entries as an index."""
        return self.node is not None and self.node.primitive.mask


def holds_tensors(x: Any) -> bool:
    """Whether a list (of lists, ...) has tensors in it, which NumPy would read as constants."""
    return isinstance(x, list | tuple) and any(isinstance(e, Tensor) or holds_tensors(e) for e in x)


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
