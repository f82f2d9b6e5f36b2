"""What a step is given and what it answers, looked at before anything is computed or written over.

The state and the inputs are dictionaries of arrays of one library, by name; the answer is (new state, report), two
dictionaries of tensors. Whatever else comes is an error that names it, from ``record``, ``eager`` and ``reads`` alike.
"""

from collections.abc import Iterable, Mapping
from numbers import Complex, Integral, Real
from operator import is_
from typing import Any

from minigan import arrays
from minigan.arrays import (
    HOST,
    Array,
    HostArray,
    aligned_buffer,
    is_array,
    is_broadcast,
    namespace,
    on_host,
    overlaps,
    shares_memory,
)
from minigan.autodiff.tensor import Tensor

KINDS = {"b": bool, "i": Integral, "f": Real, "c": Complex}  # of dtypes: masks, indices, what is computed with
INFINITE = float("inf")
WORK = 1 << 16  # how far to search whether two interleaved views meet; beyond it they are taken to


class Given:
    """The arrays of a step: those that the dictionaries held when it was made, and no others."""

    def __init__(self, state: Mapping[str, Array], inputs: Mapping[str, Array]):
        self.state, self.inputs = _arrays("state", state), _arrays("input", inputs)
        _check_one_library(self.state, self.inputs)
        for name, x in self.state.items():
            _check_writable("state", name, x)
        self._shared = _shared_inputs(self.state, self.inputs)  # may be read, but to set one would set another
        self._closed = {name for name, x in self.inputs.items() if not _writable(x)}  # to be read, not to be set
        self._dictionaries = ("state", state, [*state.values()]), ("input", inputs, [*inputs.values()])
        self._roots = {id(root(x)) for x in self.inputs.values()}
        # of the inputs that take a Python float, the largest
        self._largest = {name: float(HOST.finfo(arrays.dtype(x)).max) for name, x in self.inputs.items()
                         if x.shape == () and arrays.dtype(x).kind == "f"}

    def check_held(self) -> None:
        """ValueError if a dictionary holds another array by now: nobody would notice that it goes unread."""
        for _, now, held in self._dictionaries:
            if not all(map(is_, now.values(), held)):
                self._check_replaced()

    def _check_replaced(self) -> None:
        for (what, now, held), names in zip(self._dictionaries, (self.state, self.inputs), strict=True):
            for name, x in zip(names, held, strict=True):
                if now.get(name, x) is not x:
                    raise ValueError(
                        f"{what} {name!r} is another array than when the step was recorded: write new values "
                        f"into the old one ({name}[...] = values), or record the step again"
                    )

    def check_writable(self, names: Iterable[str]) -> None:
        """ValueError if a state of these names cannot be written to."""
        for name in names:
            _check_writable("state", name, self.state[name])

    def set_inputs(self, values: dict[str, Any]) -> None:
        """Copy new values into the inputs, all or none.

        Raises TypeError for a name or a kind of value, ValueError for a shape, dtype or number that does not fit.
        """
        new = []
        for name, value in values.items():
            into = self.inputs.get(name)
            if into is None:
                raise TypeError(f"no input {name!r}: the step takes {', '.join(self.inputs) or 'none'}")
            if value is into:
                continue
            if type(value) is not type(into):
                value = self._converted(name, into, value)
            elif (value.shape, value.dtype) != (into.shape, into.dtype):
                raise _other(name, into, value.shape, value.dtype)
            elif id(root(value)) in self._roots:  # it may change as another input is set
                value = namespace(value).array(value)
            new.append((into, value))
        for name in values:
            if name in self._closed:
                _check_writable("input", name, self.inputs[name])
            if name in self._shared and values[name] is not self.inputs[name]:
                raise ValueError(f"input {name!r} shares its memory with {self._shared[name]!r}: to set one would "
                                 "change both; record the step with an array for each")
        for into, value in new:
            into[...] = value

    def _converted(self, name: str, into: Array, value: Any) -> Any:
        """A value of another type than the input's array: a number that fits, an array that is one in all but type."""
        if type(value) is float and name in self._largest and not self._largest[name] < abs(value) < INFINITE:
            return value
        if isinstance(value, Complex) and not is_array(value):
            return _number(name, into, value)
        if isinstance(value, Tensor):
            value = value.value
        if not is_array(value) or isinstance(value, HOST.ma.MaskedArray):
            raise TypeError(f"input {name!r} takes an array of shape {into.shape} and dtype {into.dtype}"
                            f"{' or a number' if into.shape == () else ''}, got {_kind(value)}")
        if (value.shape, value.dtype) != (into.shape, into.dtype):
            raise _other(name, into, value.shape, value.dtype)
        if namespace(value).__name__ != namespace(into).__name__:
            raise TypeError(f"input {name!r} is an array of {namespace(into).__name__}, got one of "
                            f"{namespace(value).__name__}; move it there first")
        return namespace(value).array(value)


def check_answer(answer: Any, state: dict[str, Array]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The step's new state and report. TypeError if they are not, ValueError if the state does not fit the old one."""
    if not (isinstance(answer, tuple | list) and len(answer) == 2):
        found = f"{len(answer)} values" if isinstance(answer, tuple | list) else _kind(answer)
        raise TypeError(f"a step returns (new state, report), two dictionaries of tensors, got {found}")
    for what, ys in zip(("new state", "report"), answer, strict=True):
        _check_mapping(f"the {what} that a step returns", ys)
        for name, y in ys.items():
            if not isinstance(y, Tensor):
                hint = "stack(...) makes one of a list" if isinstance(y, list | tuple) else "Tensor(x) is a constant"
                raise TypeError(f"{what} {name!r} must be a tensor, got {_kind(y)}; {hint}")
    new, report = answer
    for name, y in new.items():
        if name not in state:
            raise ValueError(f"the step returns a new {name!r}, which is not in the state ({', '.join(state)})")
        if (y.shape, y.dtype) != (state[name].shape, arrays.dtype(state[name])):
            raise ValueError(
                f"the new {name!r} has shape {y.shape} and dtype {y.dtype}, "
                f"the old one {state[name].shape} and {state[name].dtype}"
            )
    return dict(new), dict(report)


# -- the dictionaries ------------------------------------------------------------------------------
def _check_mapping(what: str, xs: Any) -> None:
    if not isinstance(xs, Mapping):
        raise TypeError(f"{what} must be a dictionary by name, got {_kind(xs)}")


def _arrays(what: str, xs: Mapping[str, Array]) -> dict[str, Array]:
    _check_mapping("the state" if what == "state" else "the inputs", xs)
    for name, x in xs.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of {what} {name!r} is no string")
        if not is_array(x) or isinstance(x, HOST.generic):
            hint = "give its array, x.value" if isinstance(x, Tensor) else "make it one: np.array(x)"
            raise TypeError(f"{what} {name!r} must be an array, got {_kind(x)}; {hint}")
        if isinstance(x, HOST.ma.MaskedArray | HOST.matrix):
            raise TypeError(f"{what} {name!r} is a {type(x).__name__}, which is no plain array; convert it first")
        try:
            xp, dtype = namespace(x), arrays.dtype(x)
        except TypeError as error:
            raise TypeError(f"{what} {name!r}: {error}") from error
        if not hasattr(xp, "may_share_memory"):
            raise TypeError(f"{what} {name!r} is an array of {xp.__name__}, which has no views of memory to write to")
        if dtype.kind not in "biufc" or not dtype.isnative:
            raise TypeError(f"{what} {name!r} has dtype {dtype}; a step takes numbers in this machine's byte order")
    return {name: HOST.asarray(x) if isinstance(x, HostArray) else x for name, x in xs.items()}


def _check_one_library(state: dict[str, Array], inputs: dict[str, Array]) -> None:
    named = [("state", name, x) for name, x in state.items()] + [("input", name, x) for name, x in inputs.items()]
    first: dict[str, str] = {}
    for what, name, x in named:
        first.setdefault(namespace(x).__name__, f"{what} {name!r}")
    if len(first) > 1:
        found = " and ".join(f"{who} of {library}" for library, who in first.items())
        raise TypeError(f"arrays of several libraries in one step: {found}; move them to one first")


def _writable(x: Array) -> bool:
    flags = getattr(x, "flags", None)
    return getattr(flags, "writeable", True) and (getattr(flags, "c_contiguous", True) or not _meets_itself(x))


def _check_writable(what: str, name: str, x: Array) -> None:
    if not _writable(x):
        why = "several of its entries are one number in memory" if _meets_itself(x) else "it is read-only"
        raise ValueError(f"{what} {name!r} cannot be written to, as {why}: give a copy of it")


def _meets_itself(x: Array) -> bool:
    """Whether several entries lie on one place: exact on the host."""
    if not on_host(namespace(x)):
        return is_broadcast(x)
    reach = x.itemsize
    for step, n in sorted((abs(step), n) for step, n in zip(x.strides, x.shape, strict=True) if n > 1):
        if step < reach:
            break
        reach += (n - 1) * step  # an axis beyond all that the smaller ones reach
    else:
        return False
    places = sum((step * HOST.arange(n)).reshape((-1,) + (1,) * (x.ndim - k - 1))
                 for k, (step, n) in enumerate(zip(x.strides, x.shape, strict=True)))
    return x.size > 1 and bool((HOST.diff(HOST.sort(places, axis=None)) < x.itemsize).any())


def _shared_inputs(state: dict[str, Array], inputs: dict[str, Array]) -> dict[str, str]:
    """The inputs that lie on the memory of another input, with its name. ValueError if a state does."""
    shared: dict[str, str] = {}
    named = [*state.items(), *inputs.items()]
    for i, j in sorted(overlaps([x for _, x in named])):
        if not share(named[i][1], named[j][1]):
            continue
        if i < len(state):
            raise ValueError(f"state {named[i][0]!r} shares its memory with {named[j][0]!r}: "
                             "an update of one would change both")
        shared |= {named[i][0]: named[j][0], named[j][0]: named[i][0]}
    return shared


# -- values for the inputs -------------------------------------------------------------------------
def _number(name: str, into: Array, value: Any) -> Any:
    """A Python number for an input without axes: of its kind or a simpler one, and in its range."""
    dtype = arrays.dtype(into)
    kind = next(kind for kind, of in KINDS.items() if isinstance(value, of))
    if into.shape != () or "biufc".index(kind) > "biufc".index(dtype.kind.replace("u", "i")):
        raise _other(name, into, (), f"{type(value).__name__} {value!r:.60}")
    if dtype.kind in "iuf":
        limits = HOST.finfo(dtype) if dtype.kind == "f" else HOST.iinfo(dtype)
        if not (int(limits.min) <= value <= int(limits.max) or value != value or abs(value) == INFINITE):
            raise ValueError(f"input {name!r} has dtype {dtype}, which has no number near {value!r:.60}")
    return value


def _other(name: str, into: Array, shape: tuple[int, ...], dtype: Any) -> ValueError:
    return ValueError(f"input {name!r} was recorded with shape {into.shape} and dtype {into.dtype}, "
                      f"got {shape} and {dtype}: record the step again for a new shape")


def _kind(x: Any) -> str:
    return f"{type(x).__name__} {x!r:.60}" if isinstance(x, Complex | str | None) else type(x).__name__


# -- memory ----------------------------------------------------------------------------------------
def share(a: Array, b: Array) -> bool:
    """Whether two arrays have a number in common, interleaved views too: on the host exactly, elsewhere by bounds."""
    if not shares_memory(a, b) or not on_host(namespace(a, b)):
        return shares_memory(a, b)
    try:
        return bool(HOST.shares_memory(a, b, max_work=WORK))  # type: ignore[arg-type]
    except HOST.exceptions.TooHardError:
        return True


def root(x: Any) -> Any:
    """Whose memory an array looks at: different roots, different memory."""
    while (base := getattr(x, "base", None)) is not None:
        x = base
    return x


def compact(x: Array) -> bool:
    """Whether the array is laid out as its own copy would be: no gaps, no reversed axis; kernels care."""
    if not hasattr(x, "strides"):
        return True
    return x.strides == namespace(x).empty_like(x).strides and getattr(x.flags, "aligned", True)


def replica(x: Array) -> Array:
    """A copy with the very layout of x, so that every kernel takes the same path: gaps and all, on the host."""
    if compact(x) or x.size == 0 or not on_host(namespace(x)):
        return namespace(x).array(x)
    start, end = HOST.lib.array_utils.byte_bounds(x)
    lead = start % 64
    memory = aligned_buffer(HOST, lead + end - start)[lead:]
    y = HOST.ndarray(x.shape, x.dtype, memory, x.ctypes.data - start, x.strides)
    y[...] = x
    return y
