"""Steps to replay, and what it means that their replay agrees with eager execution: every bit does."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from minigan.arrays import is_broadcast, to_host
from minigan.autodiff import Tensor, concat, eager, grad, mean, record, relu, safe_norm, split, sqrt, tanh
from tests.programs import MINIGAN, arrays, programs, run


def copies(arrays):
    return {name: x.copy(order="K") for name, x in arrays.items()}


def same(a, b):
    """Equal in kind, shape and every bit (so that -0 is not 0, and nan is nan)."""
    assert a.keys() == b.keys()
    for name in a:
        x, y = to_host(a[name]), to_host(b[name])
        assert (x.shape, x.dtype) == (y.shape, y.dtype), name
        assert x.tobytes() == y.tobytes(), f"{name} differs by up to {np.abs(x - y).max()}"


def unaligned(x):
    y = np.empty(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    y[...] = x
    return y


def flipped(x):
    return x[(..., *[slice(None, None, -1)] * x.ndim)]


# Where the numbers of an array may lie; eager execution reads a copy of the state, and the program its very array
LAYOUTS = {
    "its own": np.copy,
    "by columns": lambda x: x.copy(order="F"),
    "every other column": lambda x: np.repeat(np.atleast_1d(x), 2, axis=-1)[..., ::2].reshape(x.shape),
    "every other row": lambda x: np.repeat(np.atleast_1d(x), 2, axis=0)[::2].reshape(x.shape),
    "reversed": lambda x: flipped(flipped(x).copy()),
    "by columns, reversed": lambda x: flipped(flipped(x).copy(order="F")),
    "in a frame": lambda x: np.pad(x, 1, constant_values=np.nan)[(..., *[slice(1, -1)] * x.ndim)],
    "a field of records": lambda x: np.stack([x, x, x], axis=-1)[..., 1],
    "not aligned": unaligned,
}


def agree(step, state, inputs=None, schedule=({}, {}, {}, {}), array=np.asarray, layout=None):
    """Both executions over the same schedule of inputs, compared after every step; the program, and its state.

    array: from NumPy's arrays to those of another library, to run there. layout: by name, where states and inputs lie.
    """
    def there(arrays):
        return {name: array(x) if isinstance(x, np.ndarray) else x for name, x in arrays.items()}

    def fresh(xs):
        return {name: LAYOUTS[layout[name]](x) for name, x in xs.items()} if layout else there(copies(xs))

    by_hand, by_program = fresh(state), fresh(state)
    given, held = fresh(inputs or {}), fresh(inputs or {})
    one, other = eager(step, by_hand, given), record(step, by_program, held)
    same(by_hand, by_program)  # recording moves nothing
    for values in schedule:
        expected = one(**there(values))
        reported = other(**there(values))
        same(expected, reported)
        same(by_hand, by_program)
        same(given, held)  # and no step writes to its inputs
        for told in (*expected.values(), *reported.values()):  # a report is the caller's, who may write over it
            if getattr(getattr(told, "flags", None), "writeable", True) and not is_broadcast(told):
                told[...] = 1
    return other, by_program


# -- random programs -----------------------------------------------------------------------
@st.composite
def steps(draw):
    """A random step: states and inputs as leaves, derivatives of order 1 and 2 fed back into the program's values."""
    sizes = draw(st.sampled_from([(1, 2, 3, 4), (1, 7, 16), (5, 33, 64), (1, 2, 130)]))
    program = draw(programs(sizes, lines=12, limit=20000))
    n = len(run(MINIGAN, program, [Tensor(x) for x in arrays(program)]))
    choice = st.integers(0, n + 3)  # what is drawn beyond the values there are is taken modulo
    updates = draw(st.lists(st.sampled_from(["descend", "keep", "return", "swap", "value", "flat"]),
                            min_size=len(program.leaves), max_size=len(program.leaves)))
    return (program, updates, draw(choice), draw(choice), draw(st.lists(choice, max_size=4)), draw(st.booleans()))


def build(program, updates, scalar, target, reported, flat_order):
    names = [f"s{k}" for k in range(len(program.leaves) - 1)]  # the last leaf is an input

    def step(state, inputs):
        leaves = [state[name] for name in names]
        values = run(MINIGAN, program, [*leaves, inputs["x"]])
        y = mean(tanh(values[scalar % len(values)])) + 0.1 * sum((tanh(v) ** 2).mean() for v in values[-2:])
        x = values[target % len(values)]
        first = grad(y, [*leaves, x])
        second = grad(sum((g * g).sum() for g in first), leaves) if leaves else []
        flat = [g.reshape(g.size) for g in [*first, *second]]
        values += [*first, *second, concat(flat if flat_order else flat[::-1])]
        new = {}
        for k, name in enumerate(names):
            old = state[name]
            alike = [v for v in values if v.shape == old.shape]
            match updates[k]:
                case "descend":
                    new[name] = 0.9 * old - inputs["t"] * tanh(first[k] + second[k])
                case "return":
                    new[name] = old
                case "swap":
                    new[name] = next(state[other] for other in reversed(names) if state[other].shape == old.shape)
                case "value":
                    new[name] = alike[reported[0] % len(alike)] if reported else tanh(alike[-1])
                case "flat":
                    new[name] = tanh(values[-1][: old.size].reshape(old.shape))
        return new, {str(i): values[k % len(values)] for i, k in enumerate(reported)} | {"y": y, "flat": values[-1]}

    return step


def agree_on(drawn, dtype, length, array=np.asarray, layout=None):
    """``agree`` on a step of ``steps``, for so many calls with other inputs each."""
    *state, x = arrays(drawn[0], dtype=dtype)
    inputs = {"x": x, "t": np.array(0.1, dtype)}
    schedule = [{"t": 0.1 / (k + 1), "x": np.asarray(np.roll(x, k) * (1 - 0.1 * k), dtype)} for k in range(length)]
    step, state = build(*drawn), {f"s{k}": s for k, s in enumerate(state)}
    assume("value" not in drawn[1] or stays_finite(step, copies(state), copies(inputs), schedule))
    agree(step, state, inputs, schedule, array, layout and dict(zip([*state, *inputs], layout, strict=False)))


def stays_finite(step, state, inputs, schedule):
    """Whether the state does not grow out of all bounds (s ← (s s)² would): the eager step alone decides."""
    run = eager(step, state, inputs)
    try:
        with np.errstate(over="raise", invalid="raise"):
            for values in schedule:
                run(**values)
    except FloatingPointError:
        return False
    return True


# -- a training step -----------------------------------------------------------------------
SIZES = [(3, 16), (16, 8), (8, 1)]


def layers(theta):
    parts = split(theta, sizes=tuple(n for m, k in SIZES for n in (m * k, k)))
    return [(w.reshape(shape), b) for w, b, shape in zip(parts[::2], parts[1::2], SIZES, strict=True)]


def critic(theta, x):
    *hidden, (w, b) = layers(theta)
    for v, c in hidden:
        x = relu(x @ v + c)
    return x @ w + b


def penalized_step(state, inputs):
    """A WGAN-GP critic step with Adam: forward, gradient in x, second order in θ, update, schedule."""
    theta, m, v = state["theta"], state["m"], state["v"]
    x_hat = inputs["real"] + inputs["eps"] * (inputs["fake"] - inputs["real"])
    slope = grad(critic(theta, x_hat).sum(), x_hat)
    penalty = ((safe_norm(slope, axis=1) - 1.0) ** 2).mean()
    scores = critic(theta, concat([inputs["real"], inputs["fake"]], axis=0))
    real, fake = split(scores, sizes=(32, 32), axis=0)
    loss = fake.mean() - real.mean() + 10.0 * penalty
    g = grad(loss, theta)
    m, v = 0.5 * m + 0.5 * g, 0.9 * v + 0.1 * g * g
    new = theta - inputs["rate"] * m / (sqrt(v) + 1e-8)
    return {"theta": new, "m": m, "v": v}, {"loss": loss, "penalty": penalty, "scores": scores, "before": theta}


def training(dtype, steps=20):
    rng = np.random.default_rng(1)
    n = sum(m * k + k for m, k in SIZES)
    state = {"theta": rng.standard_normal(n) * 0.3, "m": np.zeros(n), "v": np.zeros(n)}
    draw = {"real": (32, 3), "fake": (32, 3), "eps": (32, 1)}
    inputs = {name: np.zeros(shape, dtype) for name, shape in draw.items()} | {"rate": np.array(0.0, dtype)}
    schedule = [{name: rng.standard_normal(shape).astype(dtype) for name, shape in draw.items()}
                | {"rate": 1e-2 * 0.9**k} for k in range(steps)]
    return {name: x.astype(dtype) for name, x in state.items()}, inputs, schedule
