"""What the tests of primitives share beside the table of minigan/devices/primitives.py."""

import numpy as np

from minigan.autodiff import Tensor, absolute, grad, maximum, minimum, relu, softplus
from minigan.autodiff.check import listed
from minigan.devices.primitives import small_rows

ROWS = small_rows()
RNG = np.random.default_rng(11)
Y = RNG.uniform(0.3, 1.7, (3, 4)) * np.where(np.arange(4) % 2, 1.0, -1.0)  # of both signs, off 0
# axis, indices to take along it: repeated ones, negative ones, a table of them, one, none
TAKEN = [(0, [0, 0, 2, 0]), (1, [[3, 3], [1, 3]]), (-1, [-1, 3, -4]), (0, 1), (1, np.zeros((0,), int)), (-2, [2])]
# f, where it has a kink, the derivative that it is documented to have there
KINKS = [
    (relu, [0.0], [0.0]),
    (absolute, [0.0], [0.0]),
    (lambda x: maximum(x, 0.0), [0.0], [1.0]),
    (lambda x: maximum(0.0, x), [0.0], [0.0]),
    (lambda x: minimum(x, 0.0), [0.0], [1.0]),
    (lambda x: minimum(0.0, x), [0.0], [0.0]),
    (lambda x: maximum(x, x), [2.0], [1.0]),
    (lambda x: x.max(), [3.0, 1.0, 3.0, 3.0], [1 / 3, 0.0, 1 / 3, 1 / 3]),
    (softplus, [0.0], [0.5]),
]


def assert_float32(row, inputs, array=np.asarray):
    """To second order, and with NumPy float64 scalars beside it, which would promote a NumPy expression."""
    xs = [Tensor(array(np.asarray(x, dtype=np.float32))) for x in inputs]
    ys = listed(row(*[x * np.sqrt(2.0) for x in xs]))
    first = grad(sum((np.float64(0.3) * y * y).sum() for y in ys), xs)
    second = grad(sum((g * g).sum() for g in first) * np.sqrt(2.0), xs)
    assert [t.dtype for t in [*ys, *first, *second]] == [np.float32] * len([*ys, *first, *second])
    assert [t.shape for t in [*first, *second]] == [x.shape for x in [*xs, *xs]]
