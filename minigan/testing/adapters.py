"""From somebody's tensors to NumPy arrays and back, so that every checker can take their function.

    check_divergence(from_torch(my_js), "js")
    check_loss(from_jax(critic), from_jax(generator), "hinge")
    check_gradient_penalty(value_and_gradient_from_torch(my_penalty))

Arrays go in as float64 unless they are float32; whatever else is passed (a critic, a generator) passes
through. Neither library is imported before a function of its is wrapped.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import cache, partial, wraps
from importlib import import_module
from typing import Any

import numpy as np

from minigan.autodiff import Tensor, grad


def from_torch(f: Callable) -> Callable:
    """f of PyTorch tensors as a function of NumPy arrays."""
    torch = import_module("torch")
    return _wrapped(f, torch.tensor, lambda y: y.detach().cpu().numpy() if torch.is_tensor(y) else y)


def value_and_gradient_from_torch(f: Callable, count: int = 1) -> Callable:
    """(f(x₁, …), ∂f/∂x₁, …), the gradients in the first ``count`` arguments, as NumPy arrays.

    0 where f does not depend on the argument, a value that was detached included.
    """
    torch = import_module("torch")

    @wraps(f)
    def call(*args: Any) -> tuple[np.ndarray, ...]:
        tensors = _converted(args, torch.tensor)
        xs = [x.requires_grad_() for x in tensors[:count]]
        value = f(*tensors)
        connected = torch.is_tensor(value) and value.requires_grad
        gs = torch.autograd.grad(value, xs, allow_unused=True) if connected else [None] * count
        return np.asarray(value.detach() if torch.is_tensor(value) else value), *[
            np.zeros(x.shape) if g is None else g.numpy() for g, x in zip(gs, xs, strict=True)
        ]

    return call


def from_jax(f: Callable, jit: bool = True) -> Callable:
    """f of JAX arrays as a function of NumPy arrays; in float64, which JAX has to be told.

    jit: f is compiled, once for each shape, if it can be traced and compiling changes none of its first values;
    of a function that keeps what it was given (a past, a reference), say ``jit=False``.
    """
    jax = import_module("jax")
    return _wrapped(_compiled(jax, f) if jit else f, jax.numpy.asarray, _from_jax, _x64(jax), name=f)


def value_and_gradient_from_jax(f: Callable, count: int = 1, jit: bool = True) -> Callable:
    """(f(x₁, …), ∂f/∂x₁, …), the gradients in the first ``count`` arguments, as NumPy arrays; jit: see ``from_jax``."""
    jax = import_module("jax")

    def both(*args: Any) -> tuple:
        value, gradients = jax.value_and_grad(f, argnums=tuple(range(count)))(*args)
        return value, *gradients

    return _wrapped(_compiled(jax, both) if jit else both, jax.numpy.asarray, _from_jax, _x64(jax), name=f)


def from_tensors(f: Callable) -> Callable:
    """f of this package's tensors as a function of NumPy arrays."""
    return _wrapped(f, Tensor, _from_tensor)


def value_and_gradient_from_tensors(f: Callable, count: int = 1) -> Callable:
    """(f(x₁, …), ∂f/∂x₁, …), the gradients in the first ``count`` arguments, as NumPy arrays."""
    def both(*args: Any) -> tuple:
        value = f(*args)
        return value, *grad(value, list(args[:count]))

    return _wrapped(both, Tensor, _from_tensor, name=f)


def _wrapped(
    f: Callable, into: Callable, out: Callable, context: Callable = nullcontext, name: Callable | None = None
) -> Callable:
    """``f`` between two conversions; of a tuple that it returns, each part."""
    @wraps(name or f)
    def call(*args: Any) -> Any:
        with context():
            y = f(*_converted(args, into))
            return tuple(out(part) for part in y) if isinstance(y, tuple | list) else out(y)

    return call


def _converted(args: tuple, into: Callable) -> list[Any]:
    """The arguments, NumPy arrays among them as ``into`` makes them."""
    return [into(x) if isinstance(x, np.ndarray) else x for x in args]


def _x64(jax: Any) -> Callable:
    home = jax if hasattr(jax, "enable_x64") else import_module("jax.experimental")  # where it was before 0.8
    return partial(home.enable_x64, True)


PLAIN, TRIALS = 2, 2  # the first calls: without jit, and both ways


def _compiled(jax: Any, f: Callable) -> Callable:
    """f by jit, unless that fails or differs when both are tried: f branches on values, or draws by NumPy."""
    faithful, calls = True, 0

    @cache
    def jitted(static: tuple[int, ...]) -> Callable:
        return jax.jit(f, static_argnums=static)

    @wraps(f)
    def call(*args: Any) -> Any:
        nonlocal faithful, calls
        fast = jitted(tuple(i for i, x in enumerate(args) if callable(x)))
        calls += 1
        if faithful and calls > PLAIN + TRIALS:
            return fast(*args)
        try:
            y = f(*args)
        except jax.errors.UnexpectedTracerError as error:
            raise ValueError("the function keeps what it was given in an earlier call, where it was traced: "
                             "wrap it with jit=False") from error
        if calls > PLAIN:
            faithful = faithful and _agree(jax, y, lambda: fast(*args))
        return y

    return call


def _agree(jax: Any, y: Any, other: Callable[[], Any]) -> bool:
    try:
        pairs = list(zip(*map(jax.tree.leaves, (y, other())), strict=True))
    except Exception:  # whatever a function that cannot be traced raises
        return False
    return all(np.allclose(a, b, rtol=1e-6, atol=1e-12, equal_nan=True) for a, b in pairs)


def _from_jax(y: Any) -> Any:
    return np.asarray(y) if hasattr(y, "__array__") else y


def _from_tensor(y: Any) -> Any:
    return y.value if isinstance(y, Tensor) else y
