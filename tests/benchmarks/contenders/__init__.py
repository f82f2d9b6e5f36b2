"""Who runs: a file each. All take a ``Problem`` and offer ``iterate(n)`` and ``describe()``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, eq=False)
class Entry:
    """A contender in the tables, and how it is timed. ``multiple``: it takes so many iterations at a time."""

    label: str
    module: str
    name: str = "Contender"
    settings: dict[str, Any] = field(default_factory=dict)
    threads: tuple[int, ...] = (1, 2)
    sizes: str = "SML"
    multiple: int = 1
    quick: bool = False  # whether --quick times it
    checked: bool = True  # whether it has gradients


MINIGAN, AGAIN, EAGER, JAX, FLOOR = (
    "minigan", "minigan again", "PyTorch eager", "JAX jit", "matrix products alone")  # whom the tables compare
ENTRIES = [
    Entry(MINIGAN, "training", quick=True),
    Entry(AGAIN, "training", threads=(1,), quick=True),
    Entry("minigan, steps alone", "training", "Steps"),
    Entry("minigan, eager", "training", "Eager", sizes="SM"),
    Entry(EAGER, "torch_eager", quick=True),
    Entry("PyTorch compiled", "torch_compiled"),
    Entry(JAX, "jax_jit", quick=True),
    Entry("JAX jit, 100 a call", "jax_jit", settings={"iterations_per_call": 100}, threads=(1,), sizes="SM",
          multiple=100),
    Entry("HIPS autograd", "hips"),
    Entry(FLOOR, "floor", quick=True, checked=False),
]
