"""A plan run as calls of the array library: no Python graph, no allocation, the bits of eager execution."""

from collections.abc import Callable, Iterator

from minigan.arrays import Array, namespace
from minigan.autodiff.replay.plan import Block, Operation, Plan


class Program:
    """A recorded step: a flat list of bound calls. Made by ``record``."""

    def __init__(self, plan: Plan, inputs: dict[str, Array], reads: frozenset[str]):
        self.inputs = inputs
        self.reads = reads  # see the function of that name
        self.calls = [bind(operation) for block in plan.blocks for operation in by_rows(block)]
        self.report = plan.report
        self.nbytes = plan.nbytes  # of its buffers; state, inputs and constants come on top

    def __call__(self, **values: Array) -> dict[str, Array]:
        if values:
            set_inputs(self.inputs, values)
        for function, args in self.calls:
            function(*args)
        return self.report


def bind(operation: Operation) -> tuple[Callable, tuple]:
    """The call that computes the operation: a function and its arguments, the very ones of eager execution."""
    primitive, out, inputs, static = operation
    function, *args = primitive.call(namespace(out), out, *inputs, **static)  # type: ignore[misc]
    return function, tuple(args)


def by_rows(block: Block) -> Iterator[Operation]:
    """The operations of a block, cut to so many rows at a time."""
    if not block.rows:
        yield from block.operations
        return
    length = max(len(operation.out) for operation in block.operations)
    for start in range(0, length, block.rows):
        part, first = slice(start, start + block.rows), slice(min(block.rows, length - start))
        for primitive, out, inputs, static in block.operations:
            out, *inputs = (x if x.size == 1 else x[part if len(x) == length else first] for x in (out, *inputs))
            yield Operation(primitive, out, inputs, static)


def set_inputs(inputs: dict[str, Array], values: dict[str, Array]) -> None:
    """Copy new values into the inputs. TypeError for a name, ValueError for a shape or dtype that was not recorded."""
    for name, value in values.items():
        if name not in inputs:
            raise TypeError(f"no input {name!r}: the step takes {', '.join(inputs)}")
        into = inputs[name]
        if value is into:
            continue
        shape, dtype = getattr(value, "shape", ()), getattr(value, "dtype", into.dtype)
        if (shape, dtype) != (into.shape, into.dtype):
            raise ValueError(
                f"input {name!r} was recorded with shape {into.shape} and dtype {into.dtype}, "
                f"got {shape} and {dtype}: record the step again for a new shape"
            )
        into[...] = value
