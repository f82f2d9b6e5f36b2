"""What an operation is: how it is computed, and its derivative rule. ``primitives.py`` has each of them."""

import inspect
from collections.abc import Callable, Container, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from minigan import arrays
from minigan.arrays import HOST, PRECISION, is_array, namespace
from minigan.autodiff.tensor import FUNCTIONS, Node, Tensor, holds_tensors
from minigan.registry import Registry

PRIMITIVES: Registry["Primitive"] = Registry("primitive")  # by name: filled as primitives.py defines them


class NotAnalytic(TypeError):
    """A function of real numbers alone was given complex ones."""


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
    ordered: bool = False  # of real numbers: it asks which is the larger

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
        dtypes = {arrays.dtype(x._value) for x in inputs}
        if self.ordered and any(dtype.kind == "c" for dtype in dtypes):
            raise NotAnalytic(f"{self.name} is of real numbers, and an argument is complex: complex tensors are for "
                              "analytic functions of them alone")
        if len(dtypes) == 1 and not self.discrete and dtypes <= PRECISION.keys():  # as nearly always
            return inputs
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
            found = " and ".join(str(x.dtype) for k, x in enumerate(inputs) if k not in self.discrete)
            raise TypeError(f"{self.name}: arguments of different precision ({found}); convert one first")
        return inputs

    def _converted(self, args: tuple[Any, ...]) -> tuple[Tensor, ...]:
        """Numbers take the dtype and library of the tensors beside them; a list of tensors is stacked."""
        kinds = [type(x) for x in args]
        if not self.discrete and Tensor in kinds and {*kinds} <= {Tensor, float, int}:  # as nearly always
            like = args[kinds.index(Tensor)]._value
            xp, dtype = namespace(like), like.dtype if arrays.dtype(like) in PRECISION else None
            return tuple(x if type(x) is Tensor else Tensor(xp.asarray(x, dtype=dtype)) for x in args)
        args = tuple(FUNCTIONS["stack"](x) if holds_tensors(x) else x for x in args)
        near = [x for x in args if (isinstance(x, Tensor) or is_array(x)) and arrays.dtype(x) in PRECISION]
        like = next((x for x in near if not isinstance(x, HOST.generic)), near[0] if near else None)
        xp = HOST if like is None else namespace(like._value if isinstance(like, Tensor) else like)
        inputs = []
        for k, x in enumerate(args):
            if not isinstance(x, Tensor):
                if python_numbers(x):
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


def python_numbers(x: Any) -> bool:
    """Whether it is a number, or a list (of lists, ...) of numbers: they have no precision of their own."""
    return all(map(python_numbers, x)) if isinstance(x, list | tuple) else arrays.is_scalar(x)
