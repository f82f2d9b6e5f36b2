"""Record a step once, run it many times: no Python graph, no allocation.

``record(step, state, inputs)`` calls ``step`` once on tensors and makes a program of the graph that this leaves.
``eager(step, state, inputs)`` has the same interface and builds the graph anew each time, so that a reader can
step through it with a debugger. Both make the very same calls of the array library: the same bits.

What changes between steps (draws, the learning rate, t) must be an input: a number or an array that the step
picks up from elsewhere is a constant of the program, copied while recording.
"""

from collections.abc import Callable

from minigan.arrays import Array, namespace
from minigan.autodiff.replay.given import Given, check_answer, compact
from minigan.autodiff.replay.graph import Graph, copied
from minigan.autodiff.replay.plan import lay_out
from minigan.autodiff.replay.run import Program
from minigan.autodiff.tensor import Tensor

# step(state, inputs) -> (new state, report): dictionaries of tensors by name
Step = Callable[[dict[str, Tensor], dict[str, Tensor]], tuple[dict[str, Tensor], dict[str, Tensor]]]


def eager(step: Step, state: dict[str, Array], inputs: dict[str, Array]) -> Callable[..., dict[str, Array]]:
    """The step as a function of its inputs that updates ``state`` in place, run without recording.

    Raises as ``record``; what the step answers is seen at each call, before any state is written to.
    """
    given = Given(state, inputs)
    order = {name: "K" if compact(array) else "C" for name, array in given.state.items()}  # as _trace lays it out

    def run(**values: Array) -> dict[str, Array]:
        given.check_held()
        given.set_inputs(values)
        # A copy of the state: tensors must not change under a graph that is still in use.
        tensors = {name: Tensor(namespace(array).array(array, order=order[name]))
                   for name, array in given.state.items()}
        answer = step(tensors, {name: Tensor(array) for name, array in given.inputs.items()})
        new_state, report = map(_own, check_answer(answer, given.state))
        given.check_writable(new_state)
        for name, array in new_state.items():
            given.state[name][...] = array
        return report

    return run


def record(step: Step, state: dict[str, Array], inputs: dict[str, Array]) -> Program:
    """The step as a program on these very arrays: it updates ``state`` in place.

    state, inputs: dictionaries of arrays of one library; the state can be written to, and shares no memory with
    another entry. Calling the program runs the step on whatever the arrays hold then; ``program(name=values)``
    copies new values into an input first. The report comes back as arrays that the next call overwrites, and that
    are nobody else's. Programs may share state. An index out of range leaves the state alone; an interrupt, or a
    FloatingPointError that was asked for, may leave it written to in part, and says so (``eager`` does not).

    Raises TracingError if the step looks at a value (its graph would depend on it), or uses a tensor of another
    recording; TypeError for what is not an array or a tensor in its dictionary, by name; ValueError if the new
    state differs from the old in shape or dtype, if a state cannot be written to or shares its memory, or if the
    step takes the array of a state or input from elsewhere: it would be a constant.
    """
    given = Given(state, inputs)
    graph = _trace(step, given)
    return Program(lay_out(graph), given, graph.reads)


def reads(step: Step, state: dict[str, Array], inputs: dict[str, Array]) -> frozenset[str]:
    """The inputs that matter to the step: the others need not be drawn. Raises as ``record``."""
    return _trace(step, Given(state, inputs)).reads


def _trace(step: Step, given: Given) -> Graph:
    leaves, inputs = [{k: Tensor(x, traced=True) for k, x in xs.items()} for xs in (given.state, given.inputs)]
    # Eager execution reads a copy; of a state with gaps the kernels would make other bits than of that.
    old = {name: x if compact(x._value) else copied(x) for name, x in leaves.items()}
    new_state, report = check_answer(step(dict(old), dict(inputs)), given.state)
    return Graph(leaves, inputs, {name: y for name, y in new_state.items() if y is not old[name]}, report)


def _own(ys: dict[str, Tensor]) -> dict[str, Array]:
    """The values, as arrays that are nobody else's: a leaf or a view may be an input, a constant, another value."""
    own: dict[str, Array] = {}
    told = set[int]()
    for name, y in ys.items():
        computed = y.node is not None and y.node.primitive.view is None
        own[name] = y.value if computed and id(y.value) not in told else namespace(y.value).array(y.value)
        told.add(id(y.value))
    return own
