"""Reverse mode: ``grad(y, xs)`` walks the record backwards and answers with tensors.

    ∂y/∂x = Σ over the paths from x to y of the products of local derivatives

summed from y's end, each node once. The answers are tensors of the same graph, so
``grad`` of ``grad`` is a second derivative, to any order.

Source: Griewank & Walther, Evaluating Derivatives (2008), ch. 3; Pearlmutter (1994) for hvp.
"""

from collections.abc import Callable, Sequence
from typing import Any, overload

from minigan.arrays import PRECISION, is_array, namespace
from minigan.autodiff.functions import as_tensor
from minigan.autodiff.primitives import alias, reduce_sum, reshape
from minigan.autodiff.tensor import Node, Tensor, topological


@overload
def grad(y: Tensor, xs: Tensor, cotangent: Any = None) -> Tensor: ...
@overload
def grad(y: Tensor, xs: Sequence[Tensor], cotangent: Any = None) -> list[Tensor]: ...
def grad(y: Tensor, xs: Any, cotangent: Any = None) -> Any:
    """∂⟨cotangent, y⟩/∂x for each x of ``xs`` (a tensor, or a list of them).

    y: a scalar (one element), or any shape with a ``cotangent`` of that shape.
    xs: tensors of the graph, leaves or not. Answers: tensors, each shaped as its x, in the
    graph and differentiable again. An x that y does not depend on, or only through masks and
    ``stop_gradient``, has the derivative zero and gets zeros.

    Raises TypeError if y or an x is not a tensor of floats, or if y depends on a real x through complex numbers;
    ValueError if y is not a scalar and has no cotangent, or has one of another shape.
    """
    targets = [xs] if isinstance(xs, Tensor) or is_array(xs) else list(xs)
    for name, t in [("y", y), *((f"xs[{k}]", x) for k, x in enumerate(targets))]:
        if not isinstance(t, Tensor):
            raise TypeError(f"grad: {name} must be a Tensor, got {type(t).__name__}: {_LOST[name == 'y']}")
        if t.dtype not in PRECISION:
            raise TypeError(f"grad: {name} has dtype {t.dtype}; derivatives want floats")
    cotangents = {y.key: _seed(y, cotangent)}
    for node, y_k, needed in reversed(_paths(y, {x.key for x in targets})):
        gs = [cotangents.get((node, k)) for k in range(node.width)]
        for x, g in zip(node.inputs, _vjp(node, gs, y_k, needed), strict=False):
            if g is not None:
                cotangents[x.key] = cotangents[x.key] + g if x.key in cotangents else g
    answers = [cotangents[x.key] if x.key in cotangents else _zeros(x) for x in targets]
    return answers[0] if isinstance(xs, Tensor) else answers


_LOST = (
    "x = Tensor(array) before y is computed from it",
    "float(), .item(), .value, np.asarray() and math.exp() read a number, which no derivative follows; compute it by "
    "the functions of minigan.autodiff",
)


def _paths(y: Tensor, targets: set) -> list[tuple[Node, Tensor, list[bool]]]:
    """The nodes on differentiable paths from a target to y, in topological order.

    Each with (one of) its output tensors, and which of its inputs the paths come through.
    """
    output = {y.key[0]: y}
    paths, on_path = [], set()
    only = next(iter(targets))[0] if len(targets) == 1 else None  # what came before it does not depend on it
    for node in topological([y], stop=only):
        needed = [
            node.primitive.differentiable(k) and (x.key in targets or x.node in on_path)
            for k, x in enumerate(node.inputs)
        ]
        output.update((x.node, x) for x in node.inputs)
        if any(needed):
            on_path.add(node)
            paths.append((node, needed))
    return [(node, output[node], needed) for node, needed in paths]


def _vjp(node: Node, gs: list[Tensor | None], y: Tensor, needed: list[bool]) -> Sequence[Tensor | None]:
    """The cotangents of the node's inputs, those needed, for the cotangents gs of its outputs."""
    primitive, inputs = node.primitive, node.inputs
    if all(g is None for g in gs):
        return [None] * len(inputs)
    if primitive.joint is not None:
        answers = primitive.joint(gs, y, *inputs, **node.static)
        return [g if need else None for g, need in zip(answers, needed, strict=True)]
    return [
        unbroadcast(_real(rule(gs[0], y, *inputs, **node.static), x, node), x.shape) if rule and need else None
        for rule, x, need in zip(primitive.rules, inputs, needed, strict=False)
    ]


def _real(g: Tensor, x: Tensor, node: Node) -> Tensor:
    """The cotangent g of x; TypeError if it is complex and x is real."""
    if g._value.dtype != x._value.dtype:
        raise TypeError(f"grad: {node.primitive.name} makes {g.dtype} of {x.dtype}, and a derivative by real numbers "
                        "is real; write real and imaginary part as two tensors")
    return g


def unbroadcast(g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """g summed down to ``shape``: the adjoint of broadcasting from that shape."""
    if g._value.shape == shape:
        return g
    lead = g.ndim - len(shape)
    for k in range(g.ndim):  # axis by axis: each sum is then a ones-vector product where it can be
        if g.shape[k] != 1 and (k < lead or shape[k - lead] == 1):
            g = reduce_sum(g, axis=(k,))
    return g if g._value.shape == shape else reshape(g, shape=shape)


def _seed(y: Tensor, cotangent: Any) -> Tensor:
    if cotangent is None:
        if y.size != 1:
            raise ValueError(
                f"grad: y has shape {y.shape}, and a derivative is of a scalar: reduce it (y.sum(), y.mean()) "
                "or give a cotangent of that shape"
            )
        return Tensor(namespace(y._value).ones(y.shape, dtype=y.dtype))
    g = as_tensor(cotangent, like=y)
    if g.shape != y.shape:
        raise ValueError(f"grad: the cotangent has shape {g.shape}, y has shape {y.shape}")
    if g.dtype not in PRECISION or PRECISION[g.dtype] != PRECISION[y.dtype]:
        raise TypeError(f"grad: the cotangent has dtype {g.dtype}, y has dtype {y.dtype}; convert one first")
    return g


def _zeros(x: Tensor) -> Tensor:
    return Tensor(namespace(x._value).zeros(x.shape, dtype=x.dtype))


def value_and_grad(f: Callable[..., Tensor], *xs: Any) -> tuple[Tensor, list[Tensor]]:
    """f(*xs) and its partial derivatives, one for each of xs (tensors or arrays), whatever else they depend on."""
    points = [_argument(x) for x in xs]
    y = f(*points)
    return y, grad(y, points)


def _argument(x: Any) -> Tensor:
    """x under a name of its own: one tensor may be two arguments, or depend on another, and each has its partial."""
    return alias(x) if isinstance(x, Tensor) else as_tensor(x)


def hvp(f: Callable[[Tensor], Tensor], x: Any, v: Any) -> Tensor:
    """∇²f(x) v = ∇ₓ⟨∇f(x), v⟩: a Hessian times a vector by reverse over reverse. v: shaped as x."""
    point = _argument(x)
    return grad(grad(f(point), point), point, cotangent=v)


def jvp(f: Callable[..., Tensor], xs: Sequence[Any], vs: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """f(*xs) and its directional derivative Σᵢ ∂f/∂xᵢ vᵢ, by two reverse passes.

    u ↦ Jᵀu is linear in u, and its own adjoint is v ↦ J v (Townsend's trick).
    """
    points = [_argument(x) for x in xs]
    y = f(*points)
    u = _zeros(y)
    pullback = grad(y, points, cotangent=u)
    tangent = _zeros(y)
    for g, v in zip(pullback, vs, strict=True):
        tangent = tangent + grad(g, u, cotangent=v)
    return y, tangent
