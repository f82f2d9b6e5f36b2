"""I. The calculus: a tensor remembers how it was computed, and ``grad`` walks that record.

``tensor.py`` the record · ``primitives.py`` the operations and their rules, ``kernels.py`` the calls that
compute them · ``functions.py`` what is made of them · ``grad.py`` reverse mode · ``replay/`` record once, run
many · ``check.py`` numerical checks of any function.
"""

from minigan.autodiff.check import GradientError, check
from minigan.autodiff.functions import (
    leaky_relu,
    log_sigmoid,
    logsumexp,
    max,
    mean,
    safe_norm,
    softmax,
    square_norm,
    stack,
    sum,
    swap,
)
from minigan.autodiff.grad import grad, hvp, jvp, value_and_grad
from minigan.autodiff.primitives import (
    absolute,
    alias,
    broadcast_to,
    concat,
    copy,
    cos,
    equal,
    exp,
    expm1,
    greater,
    greater_equal,
    isfinite,
    log,
    log1p,
    matmul,
    maximum,
    minimum,
    power,
    relu,
    reshape,
    sigmoid,
    sign,
    sin,
    softplus,
    split,
    sqrt,
    stop_gradient,
    take,
    tanh,
    transpose,
    where,
)
from minigan.autodiff.replay import Program, eager, record
from minigan.autodiff.tensor import PRIMITIVES, Primitive, Tensor, TracingError

__all__ = [
    "PRIMITIVES", "GradientError", "Primitive", "Program", "Tensor", "TracingError",
    "absolute", "alias", "broadcast_to", "check", "concat", "copy", "cos", "eager", "equal", "exp", "expm1",
    "grad", "greater", "greater_equal", "hvp", "isfinite", "jvp", "leaky_relu", "log", "log1p",
    "log_sigmoid", "logsumexp", "matmul", "max", "maximum", "mean", "minimum", "power", "record",
    "relu", "reshape", "safe_norm", "sigmoid", "sign", "sin", "softmax", "softplus", "split",
    "sqrt", "square_norm", "stack", "stop_gradient", "sum", "swap", "take", "tanh", "transpose",
    "value_and_grad", "where",
]
