"""I. The calculus: a tensor remembers how it was computed, and ``grad`` walks that record."""

from minigan.autodiff import functions, primitives
from minigan.autodiff.check import GradientError, check
from minigan.autodiff.functions import *  # noqa: F403  (what its __all__ names)
from minigan.autodiff.grad import grad, hvp, jvp, value_and_grad
from minigan.autodiff.primitives import *  # noqa: F403
from minigan.autodiff.replay import Program, eager, record
from minigan.autodiff.tensor import PRIMITIVES, Primitive, Tensor, TracingError

__all__ = [
    "PRIMITIVES", "GradientError", "Primitive", "Program", "Tensor", "TracingError", "check", "eager", "grad", "hvp",
    "jvp", "record", "value_and_grad",
]
__all__ += functions.__all__
__all__ += primitives.__all__
