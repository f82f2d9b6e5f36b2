"""A value and how it was computed: the recorded graph is the program.

A ``Tensor`` holds an array and, unless it is a leaf, the ``Node`` that produced it: a
primitive, its input tensors and its static arguments. Nothing else is stored: no
``.grad``, no ``.backward()``. ``grad(y, xs)`` walks this record backwards and answers
with new tensors of the same graph.

Operators, methods and NumPy's functions of a tensor are the engine's functions of those names, found in
``FUNCTIONS``, which the files that define them fill (``@named``). The file is long because a tensor and a primitive
make one another.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from minigan import arrays
from minigan.arrays import HOST, PRECISION, Array, DType, HostArray, is_array, namespace
from minigan.registry import Registry

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

    def __init__(self, primitive: Primitive, inputs: tuple[Tensor, ...], static: dict[str, Any], width: int = 1):
        self.primitive = primitive
        self.width = width  # the number of outputs
        self.inputs = inputs
        self.static = static
        self.traced = any(x.traced for x in inputs)


def _method(name: str) -> Callable[..., Any]:
    """The function of that name as a method: f(x, ...)."""
    return lambda x, *args, **kwargs: FUNCTIONS[name](x, *args, **kwargs)


def _operator(name: str, swapped: bool = False) -> Callable[[Any, Any], Any]:
    """The function of that name as an operator: x ∘ other, or other ∘ x if ``swapped``."""
    if swapped:
        return lambda x, other: FUNCTIONS[name](other, x) if _operand(other) else NotImplemented
    return lambda x, other: (
        FUNCTIONS[name](x, other) if type(other) is Tensor or _operand(other) else NotImplemented)


class _OfTheClass:
    """NumPy asks the class for ``__array_ufunc__``. Masked arrays and arrays of devices ask the tensor, and leave it
    its operators if it says None: they would take it for a constant."""

    def __init__(self, name: str):
        self.ours = _method(name)

    def __get__(self, x: Tensor | None, kind: type) -> Any:
        return self.ours if x is None else None


def _operand(x: Any) -> bool:
    """Whether an operator has anything to do with it: else Python asks the other side, and then refuses."""
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
    __lt__, __le__ = _operator("less"), _operator("less_equal")
    __gt__, __ge__ = _operator("greater"), _operator("greater_equal")
    __eq__, __ne__ = _operator("equal"), _operator("not_equal")
    __hash__ = object.__hash__

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


def _python_numbers(x: Any) -> bool:
    """Whether it is a number, or a list (of lists, ...) of numbers: they have no precision of their own."""
    return all(map(_python_numbers, x)) if isinstance(x, list | tuple) else arrays.is_scalar(x)


def holds_tensors(x: Any) -> bool:
    """Whether a list (of lists, ...) has tensors in it, which NumPy would read as constants."""
    return isinstance(x, list | tuple) and any(isinstance(e, Tensor) or holds_tensors(e) for e in x)


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
    broadcast views (BLAS would not). ``discrete`` lists inputs that are indices or masks. ``mask`` outputs are 0 or 1.
    Tensors come first, ``len(rules)`` of them unless it is ``variadic``; what follows is static, by its name or not.
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
    discrete: Container[int] = ()
    mask: bool = False
    variadic: bool = False
    analytic: bool = True  # complex-differentiable: `check` may take a complex step

    def __post_init__(self) -> None:
        self.in_place = self.elementwise and self.in_place
        PRIMITIVES[self.name] = FUNCTIONS[self.name] = self

    def __call__(self, *args: Any, **static: Any) -> Any:
        """Apply the primitive: one tensor (for `split`, a list of them)."""
        if not self.variadic and len(args) != len(self.rules):
            args, static = self._arguments(args, static)
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

    def _arguments(self, args: tuple[Any, ...], static: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The tensors among positional arguments, and all that is static by its name."""
        n = len(self.rules)
        kernel = self.view or self.call
        names = list(inspect.signature(kernel).parameters)[n + (0 if self.view else 2) :]  # type: ignore[arg-type]
        named = dict(zip(names, args[n:], strict=False))
        if len(args) < n or len(args) > n + len(names) or named.keys() & static.keys():
            takes = ", ".join([f"{n} tensor{'s' * (n != 1)}", *(f"{name}=" for name in names)])
            raise TypeError(f"{self.name} takes {takes}; got {len(args)} arguments"
                            + "".join(f", {name}=" for name in static))
        return args[:n], named | static

    def _lift(self, args: tuple[Any, ...]) -> tuple[Tensor, ...]:
        """Arguments as tensors, floats of one precision but for indices and masks; TypeError if they are not."""
        inputs = args if all(type(x) is Tensor for x in args) else self._converted(args)
        precisions = set()
        for k, x in enumerate(inputs):
            if k in self.discrete:
                continue
            if x.dtype not in PRECISION:
                raise TypeError(f"{self.name} wants float32 or float64, and argument {k} has dtype {x.dtype}; "
                                + ("stack a list of tensors by stack(tensors)" if x.dtype.kind == "O" else
                                   "convert it first, e.g. x.astype('float32')"))
            precisions.add(PRECISION[x.dtype])
        if len(precisions) > 1:
            dtypes = " and ".join(str(x.dtype) for k, x in enumerate(inputs) if k not in self.discrete)
            raise TypeError(f"{self.name}: arguments of different precision ({dtypes}); convert one first")
        return inputs

    def _converted(self, args: tuple[Any, ...]) -> tuple[Tensor, ...]:
        """Numbers take the dtype and library of the tensors beside them; a list of tensors is stacked."""
        args = tuple(FUNCTIONS["stack"](x) if holds_tensors(x) else x for x in args)
        near = [x for x in args if (isinstance(x, Tensor) or is_array(x)) and arrays.dtype(x) in PRECISION]
        like = next((x for x in near if not isinstance(x, HOST.generic)), near[0] if near else None)
        xp = HOST if like is None else namespace(like._value if isinstance(like, Tensor) else like)
        inputs = []
        for k, x in enumerate(args):
            if not isinstance(x, Tensor):
                if _python_numbers(x):
                    dtype = None if k in self.discrete else float if like is None else arrays.dtype(like)
                    x = xp.asarray(x, dtype=dtype)
                x = Tensor(x)
                self._refuse_complex(k, x, args)
            inputs.append(x)
        return tuple(inputs)

    def _refuse_complex(self, k: int, x: Tensor, args: tuple[Any, ...]) -> None:
        """A real tensor times 1 + 2j would have a complex derivative."""
        if x.dtype.kind == "c" and any(isinstance(z, Tensor) and z.dtype.kind == "f" for z in args):
            raise TypeError(f"{self.name}: argument {k} is complex beside a real tensor; write real and imaginary part "
                            "as two tensors")


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
