"""Record a step once, run it many times: no Python graph, no allocation.

``record(step, state, inputs)`` calls ``step`` once on tensors and makes a program of the graph that this leaves.
``eager(step, state, inputs)`` has the same interface and builds the graph anew each time, so that a reader can
step through it with a debugger. Both make the very same calls of the array library: the same bits.

What changes between steps (draws, the learning rate, t) must be an input: a number or an array that the step
picks up from elsewhere is a constant of the program.
"""

from collections.abc import Callable

from minigan import arrays
from minigan.arrays import Array, namespace, overlaps
from minigan.autodiff.replay.graph import Graph
from minigan.autodiff.replay.plan import lay_out
from minigan.autodiff.replay.run import Program, set_inputs
from minigan.autodiff.tensor import Tensor

# step(state, inputs) -> (new state, report): dictionaries of tensors by name
Step = Callable[[dict[str, Tensor], dict[str, Tensor]], tuple[dict[str, Tensor], dict[str, Tensor]]]


def eager(step: Step, state: dict[str, Array], inputs: dict[str, Array]) -> Callable[..., dict[str, Array]]:
    """The step as a function of its inputs that updates ``state`` in place, run without recording."""

    _check_apart(state, inputs)

    def run(**values: Array) -> dict[str, Array]:
        set_inputs(inputs, values)
        # A copy of the state: tensors must not change under a graph that is still in use.
        tensors = {name: Tensor(namespace(array).array(array)) for name, array in state.items()}
        new_state, report = step(tensors, {name: Tensor(array) for name, array in inputs.items()})
        _check_state(new_state, state)
        for name, tensor in new_state.items():
            state[name][...] = tensor.value
        return {name: tensor.value for name, tensor in report.items()}

    return run


def record(step: Step, state: dict[str, Array], inputs: dict[str, Array]) -> Program:
    """The step as a program on these very arrays: it updates ``state`` in place.

    state, inputs: dictionaries of arrays of one library. Calling the program runs the step on
    whatever the arrays hold then; ``program(name=values)`` copies new values into an input
    first. The report comes back as arrays that the next call overwrites. Programs may share state.

    Raises TracingError if the step looks at a value (its graph would depend on it), ValueError if
    the new state differs from the old in shape or dtype.
    """
    graph = _trace(step, state, inputs)
    return Program(lay_out(graph), inputs, graph.reads)


def reads(step: Step, state: dict[str, Array], inputs: dict[str, Array]) -> frozenset[str]:
    """The inputs that matter to the step: the others need not be drawn. Raises as ``record``."""
    return _trace(step, state, inputs).reads


def _trace(step: Step, state: dict[str, Array], inputs: dict[str, Array]) -> Graph:
    _check_apart(state, inputs)
    old, given = [{k: Tensor(x, traced=True) for k, x in xs.items()} for xs in (state, inputs)]
    new_state, report = step(dict(old), dict(given))
    _check_state(new_state, state)
    return Graph(old, given, {name: y for name, y in new_state.items() if y is not old[name]}, report)


def _check_apart(state: dict[str, Array], inputs: dict[str, Array]) -> None:
    named = [*state.items(), *inputs.items()]
    shared = min((pair for pair in overlaps([x for _, x in named]) if pair[0] < len(state)), default=None)
    if shared is not None:
        name, other = (named[k][0] for k in shared)
        raise ValueError(f"state {name!r} shares its memory with {other!r}: an update of one would change both")


def _check_state(new: dict[str, Tensor], old: dict[str, Array]) -> None:
    for name, tensor in new.items():
        if name not in old:
            raise ValueError(f"the step returns a new {name!r}, which is not in the state ({', '.join(old)})")
        if (tensor.shape, tensor.dtype) != (old[name].shape, arrays.dtype(old[name])):
            raise ValueError(
                f"the new {name!r} has shape {tensor.shape} and dtype {tensor.dtype}, "
                f"the old one {old[name].shape} and {old[name].dtype}"
            )
