"""What a step is given and what it answers, looked at before anything is computed or written over.

The state and the inputs are dictionaries of arrays of one library, by name; the answer is (new state, report), two
dictionaries of tensors. Whatever else comes is an error that names it, from ``record``, ``eager`` and ``reads`` alike.
"""

from collections.abc import Mapping
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

KINDS = "biufc"  # of dtypes: what is computed with, indices and masks
WORK = 1 << 16  # how far to search whether two interleaved views meet; beyond it they are taken to


class Given:
    """The arrays of a step: those that the dictionaries held when it was made, and no others."""

    def __init__(self, state: Mapping[str, Array], inputs: Mapping[str, Array]):
        self.state, self.inputs = _arrays("state", state), _arrays("input", inputs)
        _check_one_library(self.state, self.inputs)
        for name, x in self.state.items():
            _check_writable("state", name, x)
        _check_apart(self.state, self.inputs)
        self._held = [(what, xs, list(xs), list(xs.values())) for what, xs in (("state", state), ("input", inputs))]
        self._roots = {id(root(x)) for x in self.inputs.values()}

    def check_held(self) -> None:
        """ValueError if a dictionary holds another array by now: nobody would notice that it goes unread."""
        for what, xs, names, held in self._held:
            if not all(map(is_, map(xs.get, names), held)):
                name = next(name for name, x in zip(names, held, strict=True) if xs.get(name) is not x)
                raise ValueError(
                    f"{what} {name!r} is another array than when the step was recorded: write new values "
                    f"into the old one ({name}[...] = values), or record the step again"
                )

    def check_writable(self, name: str) -> None:
        """ValueError if the state of that name cannot be written to."""
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
                value = _value(name, into, value)
            if is_array(value):
                if (value.shape, value.dtype) != (into.shape, into.dtype):
                    raise _other(name, into, value.shape, value.dtype)
                if id(root(value)) in self._roots:  # it may change as another input is set
                    value = namespace(value).array(value)
            _check_writable("input", name, into)
            new.append((into, value))
        for into, value in new:
            into[...] = value


def check_answer(answer: Any, state: dict[str, Array]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The step's new state and report. TypeError if they are not, ValueError if the state does not fit the old one."""
    if not (isinstance(answer, tuple | list) and len(answer) == 2):
        found = f"{len(answer)} values" if isinstance(answer, tuple | list) else _kind(answer)
        raise TypeError(f"a step returns (new state, report), two dictionaries of tensors, got {found}")
    for what, ys in zip(("new state", "report"), answer, strict=True):
        _check_names(f"the {what} that a step returns", ys)
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
def _check_names(what: str, xs: Any) -> None:
    if not isinstance(xs, Mapping):
        raise TypeError(f"{what} must be a dictionary by name, got {_kind(xs)}")
    for name in xs:
        if not isinstance(name, str):
            raise TypeError(f"{what} must be a dictionary by name: {name!r} is no string")


def _arrays(what: str, xs: Mapping[str, Array]) -> dict[str, Array]:
    _check_names("the state" if what == "state" else "the inputs", xs)
    for name, x in xs.items():
        if not is_array(x) or isinstance(x, HOST.generic):
            hint = "give its array, x.value" if isinstance(x, Tensor) else "make it one that can be written to: np.array(x)"
            raise TypeError(f"{what} {name!r} must be an array, got {_kind(x)}; {hint}")
        if isinstance(x, HOST.ma.MaskedArray | HOST.matrix):
            raise TypeError(f"{what} {name!r} is a {type(x).__name__}, which is no plain array; convert it first")
        try:
            xp, dtype = namespace(x), arrays.dtype(x)
        except TypeError as error:
            raise TypeError(f"{what} {name!r}: {error}") from error
        if not hasattr(xp, "may_share_memory"):
            raise TypeError(f"{what} {name!r} is an array of {xp.__name__}, which has no views of memory to write to")
        if dtype.kind not in KINDS or not dtype.isnative:
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


def _check_writable(what: str, name: str, x: Array) -> None:
    flags = getattr(x, "flags", None)
    if not getattr(flags, "writeable", True):
        raise ValueError(f"{what} {name!r} is read-only: give a copy of it")
    if not getattr(flags, "c_contiguous", True) and _meets_itself(x):
        raise ValueError(f"{what} {name!r} cannot be written to: several of its entries are one number in memory "
                         "(a broadcast view?); give a copy of it")


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


def _check_apart(state: dict[str, Array], inputs: dict[str, Array]) -> None:
    named = [*state.items(), *inputs.items()]
    for i, j in sorted(pair for pair in overlaps([x for _, x in named]) if pair[0] < len(state)):
        if share(named[i][1], named[j][1]):
            raise ValueError(f"state {named[i][0]!r} shares its memory with {named[j][0]!r}: "
                             "an update of one would change both")


# -- values for the inputs -------------------------------------------------------------------------
def _value(name: str, into: Array, value: Any) -> Any:
    """A value of another type than the input's array: a number that fits, or an array that is one in all but type."""
    if isinstance(value, Tensor):
        value = value.value
    if isinstance(value, Complex) and not is_array(value):
        return _number(name, into, value)
    if not is_array(value) or isinstance(value, HOST.ma.MaskedArray):
        raise TypeError(f"input {name!r} takes an array of shape {into.shape} and dtype {into.dtype}"
                        f"{' or a number' if into.shape == () else ''}, got {_kind(value)}")
    if namespace(value).__name__ != namespace(into).__name__:
        raise TypeError(f"input {name!r} is an array of {namespace(into).__name__}, got one of "
                        f"{namespace(value).__name__}; move it there first")
    return value


def _number(name: str, into: Array, value: Complex) -> Complex:
    dtype = arrays.dtype(into)
    if into.shape != ():
        raise _other(name, into, (), dtype)
    kind = "b" if isinstance(value, bool) else "u" if isinstance(value, Integral) else (
        "f" if isinstance(value, Real) else "c")
    if KINDS.index(kind) > KINDS.index(dtype.kind.replace("i", "u")):
        raise _other(name, into, (), f"{type(value).__name__} ({value!r})")
    limits = {"u": HOST.iinfo, "i": HOST.iinfo, "f": HOST.finfo}.get(dtype.kind)
    if limits is not None and not float("-inf") in (value, -value):  # type: ignore[operator]
        least, most = int(limits(dtype).min), int(limits(dtype).max)  # type: ignore[operator]
        if value < least or value > most:  # type: ignore[operator]
            raise ValueError(f"input {name!r} has dtype {dtype}, which has no number near {value!r}")
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
        return bool(HOST.shares_memory(a, b, max_work=WORK))
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
