"""I. The calculus: a tensor remembers how it was computed, and ``grad`` walks that record.

``sum``, ``max`` and ``min`` are imported by name; ``import *`` leaves Python's own alone.
"""

from minigan.autodiff import (  # noqa: F401  (indexing and numpy_functions serve the tensors' operators)
    functions,
    indexing,
    numpy_functions,
    primitives,
    products,
    reductions,
)
from minigan.autodiff.check import GradientError, check
from minigan.autodiff.functions import *  # noqa: F403  (what its __all__ names)
from minigan.autodiff.grad import grad, hvp, jvp, value_and_grad
from minigan.autodiff.primitive import PRIMITIVES, Primitive
from minigan.autodiff.primitives import *  # noqa: F403
from minigan.autodiff.products import *  # noqa: F403
from minigan.autodiff.reductions import *  # noqa: F403
from minigan.autodiff.reductions import max as max
from minigan.autodiff.reductions import min as min
from minigan.autodiff.reductions import sum as sum
from minigan.autodiff.replay import Program, eager, record
from minigan.autodiff.tensor import Tensor, TracingError

__all__ = [
    "PRIMITIVES", "GradientError", "Primitive", "Program", "Tensor", "TracingError", "check", "eager", "grad", "hvp",
    "jvp", "record", "value_and_grad",
]
BY_NAME = ["max", "min", "sum"]
__all__ += functions.__all__
__all__ += primitives.__all__
__all__ += products.__all__
__all__ += reductions.__all__
