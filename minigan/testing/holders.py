"""Read, write and put back what a training step changes: dictionaries, modules, optimisers, generators, objects.

A holder is whatever holds arrays: a dictionary or list (nested as you like) of NumPy arrays, of this package's or
anybody's tensors, a PyTorch module, a Keras model, an optimiser, an object with attributes. No library is imported
here: each thing is asked what it can do. Arrays are written in place where they can be, since a step may hold them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, MutableSequence
from copy import deepcopy
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor

_WHOLE = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)  # not looked into


def numpy_of(x: Any) -> np.ndarray:
    """A copy of anybody's array or tensor on the host."""
    for method in ("detach", "cpu"):
        x = getattr(x, method)() if hasattr(x, method) else x
    return np.array(to_host(x.value if isinstance(x, Tensor) else x))


@dataclass(frozen=True)
class Part:
    """Of what a holder holds, the arrays whose names fit one of the patterns: "w", "encoder.*"."""

    holder: Any
    patterns: tuple[str, ...]

    def __init__(self, holder: Any, *patterns: str):
        object.__setattr__(self, "holder", holder)
        object.__setattr__(self, "patterns", patterns)


def arrays_in(holder: Any) -> dict[str, np.ndarray]:
    """Copies of the arrays of floats by name, "layer.0.w" where nested.

    Of a PyTorch module the parameters, not the buffers; of a Keras model the trainable variables.
    ValueError if there are none.
    """
    every = {name: numpy_of(leaf) for name, leaf, *_ in _leaves(holder)}
    found = {name: x for name, x in every.items() if x.dtype.kind == "f"}
    if not found:
        raise ValueError(f"{holder!r} holds no array of floats")
    return found


def write(holder: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Give the arrays of these names these values."""
    for name, leaf, container, key in list(_leaves(holder)):
        if name in arrays:
            _put(leaf, arrays[name], container, key)


def buffers_in(holder: Any) -> dict[str, np.ndarray]:
    """What a module keeps that is no parameter, such as running statistics; nothing of other holders."""
    return {name: numpy_of(x) for name, x in holder.named_buffers()} if hasattr(holder, "named_buffers") else {}


def keep(holder: Any) -> Any:
    """All that ``holder`` remembers, to be given to ``restore``."""
    return _keep(holder, set())


def _keep(thing: Any, seen: set[int]) -> Any:
    if id(thing) in seen:
        return lambda: None
    seen.add(id(thing))
    if isinstance(thing, Part):
        return _keep(thing.holder, seen)
    if hasattr(thing, "load_state_dict"):
        saved = deepcopy(thing.state_dict())
        copied = hasattr(thing, "named_parameters")  # a module copies what it loads; an optimiser goes on in it
        return lambda: thing.load_state_dict(saved if copied else deepcopy(saved))
    if hasattr(thing, "bit_generator"):
        state = thing.bit_generator.state
        return lambda: setattr(thing.bit_generator, "state", state)
    if hasattr(thing, "get_state") and hasattr(thing, "set_state"):  # a generator of PyTorch
        now = thing.get_state()
        return lambda: thing.set_state(now)
    if hasattr(thing, "trainable_variables"):
        values = [(x, numpy_of(x)) for x in thing.variables]
        return lambda: [x.assign(value) for x, value in values]
    inside = _inside(thing)
    if inside is None:
        return lambda: None
    entries = {key: (value, _kept_leaf(value), _keep(value, seen)) for key, value in inside.items()}

    def restore_entries() -> None:
        _refill(thing, {key: value for key, (value, *_) in entries.items()})
        for key, (value, copy, again) in entries.items():
            again()
            if copy is not None:
                _put(value, copy, thing, key)

    return restore_entries


def restore(kept: Any) -> None:
    """Put back what ``keep`` kept."""
    kept()


def _kept_leaf(value: Any) -> np.ndarray | None:
    """A copy of an array that can be written into; numbers and such are put back as they are."""
    return numpy_of(value) if _writable(value) else None


def _writable(x: Any) -> bool:
    return (isinstance(x, np.ndarray) and x.flags.writeable) or hasattr(x, "copy_") or hasattr(x, "assign")


def _put(leaf: Any, x: np.ndarray, container: Any, key: Any) -> None:
    if hasattr(leaf, "copy_"):  # PyTorch
        leaf.data.copy_(leaf.data.new_tensor(x))
    elif hasattr(leaf, "assign"):  # TensorFlow
        leaf.assign(x)
    elif _writable(leaf):
        leaf[...] = x
    else:
        x = x.astype(getattr(leaf, "dtype", x.dtype))
        _assign(container, key, Tensor(x) if isinstance(leaf, Tensor) else x)


def _assign(container: Any, key: Any, value: Any) -> None:
    if isinstance(container, MutableMapping | MutableSequence):
        container[key] = value
    elif isinstance(container, tuple) or container is None:
        raise TypeError("an array that cannot be written into must be held by a list, a dictionary or an object")
    else:
        setattr(container, key, value)


def _refill(container: Any, entries: dict[Any, Any]) -> None:
    """Let the container hold these values again, and nothing else."""
    if isinstance(container, MutableSequence):
        container.clear()
        container.extend(entries.values())
    elif not isinstance(container, tuple):
        held = container if isinstance(container, MutableMapping) else vars(container)
        for key in held.keys() - entries.keys():
            del held[key]
        held.update(entries)


def _inside(thing: Any) -> dict[Any, Any] | None:
    """What a container or an object holds, by key; None for what has no inside to look into."""
    if isinstance(thing, Mapping):
        return dict(thing)
    if isinstance(thing, MutableSequence | tuple):
        return dict(enumerate(thing))
    if isinstance(thing, (*_WHOLE, Tensor, np.ndarray)) or hasattr(thing, "dtype") or not hasattr(thing, "__dict__"):
        return None
    return dict(vars(thing))


def _leaves(
    holder: Any, path: str = "", container: Any = None, key: Any = None, above: tuple[int, ...] = (),
) -> Iterator[tuple[str, Any, Any, Any]]:
    """(name, array, the container, its key there) of each. above: the containers that it is in, none entered twice."""
    if isinstance(holder, Part):
        yield from (leaf for leaf in _leaves(holder.holder) if any(fnmatchcase(leaf[0], p) for p in holder.patterns))
    elif hasattr(holder, "named_parameters"):
        yield from ((f"{path}{name}", x, None, None) for name, x in holder.named_parameters())
    elif hasattr(holder, "trainable_variables"):
        yield from ((f"{path}{k}.{x.name}", x, None, None) for k, x in enumerate(holder.trainable_variables))
    elif hasattr(holder, "dtype") and hasattr(holder, "shape"):
        yield path.removesuffix("."), holder, container, key
    elif id(holder) not in above:
        for name, value in (_inside(holder) or {}).items():
            yield from _leaves(value, f"{path}{name}.", holder, name, (*above, id(holder)))
