"""The operators of an array, and its methods that differ from NumPy's by their signature alone."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.backends.double.arrays import ndarray
from tests.backends.double.calls import call, function, operand
from tests.backends.double.waits import wait
from tests.backends.double.wheel import TABLE


def _converter(name: str, convert: Callable) -> Callable:
    def method(self: ndarray, *args: Any) -> Any:
        if self.size == 1 or name not in ("__float__", "__int__", "__complex__", "__bool__"):
            wait(name.strip("_"))  # else NumPy's error, before there is anything to wait for
        return convert(self._host, *args)

    return method


def _operator(symbol: Callable, swapped: bool = False) -> Callable:
    def method(self: ndarray, other: Any) -> Any:
        if getattr(other, "__array_ufunc__", 0) is None or (
                symbol in (operator.eq, operator.ne) and type(other).__eq__ is object.__eq__):
            return NotImplemented
        if isinstance(other, np.ndarray) and other.ndim == 0 and symbol in COMPARISONS:
            other = other.item()
        operand(other)
        if symbol is operator.matmul and not isinstance(other, ndarray):
            raise TypeError(f"Cannot convert {type(other).__name__} to cupy._core.core._ndarray_base")
        return call(symbol, (other, self) if swapped else (self, other), {})

    return method


COMPARISONS = [getattr(operator, name) for name in ("lt", "le", "eq", "ne", "gt", "ge")]
for _symbol in COMPARISONS:
    setattr(ndarray, f"__{_symbol.__name__}__", _operator(_symbol))
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lshift", "rshift", "and", "or", "xor",
              "matmul"):
    _symbol = getattr(operator, f"__{_name}__")
    setattr(ndarray, f"__{_name}__", _operator(_symbol))
    setattr(ndarray, f"__r{_name}__", _operator(_symbol, swapped=True))
    if _name != "matmul":  # x @= y makes a new array
        setattr(ndarray, f"__i{_name}__", _operator(getattr(operator, f"__i{_name}__")))
ndarray.__divmod__, ndarray.__rdivmod__ = _operator(divmod), _operator(divmod, swapped=True)
for _symbol in (operator.neg, operator.pos, operator.abs, operator.invert):
    setattr(ndarray, f"__{_symbol.__name__}__", lambda self, _symbol=_symbol: call(_symbol, (self,), {}))
for _name, _convert in {"float": float, "int": int, "complex": complex, "bool": bool, "bytes": bytes, "str": str,
                        "repr": repr, "format": format}.items():
    setattr(ndarray, f"__{_name}__", _converter(f"__{_name}__", _convert))


def _attribute(name: str) -> property:
    if name in ("T", "mT", "real", "imag"):
        return property(lambda self: call(getattr, (self, name), {}))
    return property(lambda self: getattr(self._host, name))


for _name, _entry in TABLE["classes"]["ndarray"].items():
    if _name in vars(ndarray) or not hasattr(np.ndarray, _name):
        continue
    if _entry == "attribute" and _name != "flat":
        setattr(ndarray, _name, _attribute(_name))
    elif _entry.startswith("function") and callable(getattr(np.ndarray, _name)):  # NumPy 2.0's ptp is not
        _parameters = ", ".join(["self", *filter(None, [_entry.removeprefix("function").strip()])])
        setattr(ndarray, _name, function(_name, _parameters, getattr(np.ndarray, _name)))
