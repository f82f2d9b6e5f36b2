"""A plan run as calls of the array library: no Python graph, no allocation, the bits of eager execution."""

from collections.abc import Callable, Iterator
from typing import Any

from minigan.arrays import Array, namespace
from minigan.autodiff.replay.given import Given
from minigan.autodiff.replay.plan import Block, Operation, Plan


class Program:
    """A recorded step: a flat list of bound calls. Made by ``record``."""

    def __init__(self, plan: Plan, given: Given, reads: frozenset[str]):
        self.given = given
        self.reads = reads  # see the function of that name
        self.calls = [bind(operation) for block in plan.blocks for operation in by_rows(block)]
        self.report = plan.report
        self.nbytes = plan.nbytes  # of its buffers; state, inputs and constants come on top

    def __call__(self, /, **values: Array) -> dict[str, Array]:
        self.given.check_held()
        if values:
            self.given.set_inputs(values)
        try:
            for function, args in self.calls:
                function(*args)
        except BaseException as error:
            state = ", ".join(self.given.state)
            error.add_note(f"while a recorded step ran: its state ({state}) may be written to in part")
            raise
        return self.report.copy()

    def __reduce__(self) -> Any:
        raise TypeError("a program is bound to the memory of its arrays, and cannot be copied: record the step again")


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
