"""The memory, the random numbers and the manners of every array library, as ``minigan.arrays`` promises them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from minigan import arrays
from minigan.autodiff import Tensor
from tests.backends.backend import Backend, assert_close


def test_to_the_device_and_back(backend: Backend) -> None:
    for dtype in ("float32", "float64", "int64", "bool"):
        x = np.arange(6).reshape(2, 3).astype(dtype)
        there = backend.array(x)
        assert arrays.is_array(there) and arrays.namespace(there).__name__ == backend.xp.__name__
        assert arrays.dtype(there) == x.dtype
        assert_close(there, x)
    assert arrays.facts(backend.xp)["device"]
    arrays.synchronize(backend.xp)


def test_libraries_do_not_mix(backend: Backend) -> None:
    if backend.name == "numpy":
        pytest.skip("there is nothing to mix it with")
    host, there = np.ones(3), backend.array(np.ones(3))
    with pytest.raises(TypeError, match="arrays of several libraries in one expression: "):
        arrays.namespace(there, host)
    for mixed in (lambda: Tensor(there) + host, lambda: host * Tensor(there), lambda: Tensor(there) / Tensor(host)):
        with pytest.raises(TypeError, match="to_host"):
            mixed()


def test_which_arrays_share_memory(backend: Backend) -> None:
    x = backend.array(np.arange(24.0).reshape(4, 6))
    shares = arrays.shares_memory
    top, low, last, none = x[:2, :], x[2:, :], x[3:, 5:], x[:0, :]
    assert shares(x, x) and shares(x[1:, :], top) and shares(last, x) and shares(low, last)
    assert shares(x[:, ::2], x) and shares(backend.xp.reshape(x, (24,)), x)
    assert not shares(top, low) and not shares(top, last) and not shares(none, x)
    assert not shares(x, backend.array(np.ones((4, 6))))


def test_what_is_broadcast_and_what_is_laid_out_alike(backend: Backend) -> None:
    if not backend.replays:
        pytest.skip("the library does not tell its strides")
    xp, x = backend.xp, backend.array(np.ones((3, 1)))
    assert arrays.is_broadcast(xp.broadcast_to(x, (3, 2))) and not arrays.is_broadcast(xp.broadcast_to(x, (3, 1)))
    assert not arrays.is_broadcast(x) and not arrays.is_broadcast(xp.broadcast_to(x[:1], (1, 1)))
    a = backend.array(np.ones((3, 4)))
    assert arrays.same_layout(a, backend.array(np.zeros((3, 4)))) and not arrays.same_layout(a, a.T)
    assert not arrays.same_layout(backend.array(np.ones((4, 4))), backend.array(np.ones((4, 4))).T)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)], ids=str)
def test_a_buffer_arranged_like_an_array(order: tuple[int, ...], backend: Backend) -> None:
    if not backend.replays:
        pytest.skip("the library has no views of memory")
    like = backend.array(np.zeros((2, 3, 4))).transpose(order)
    buffer = arrays.aligned_buffer(backend.xp, 8 * 30)
    assert (arrays.dtype(buffer), buffer.shape) == (np.uint8, (240,))
    view = arrays.arrange(buffer.view(like.dtype), like)
    assert (view.shape, view.strides) == (like.shape, like.strides) and arrays.shares_memory(view, buffer)
    view[...] = 7.0
    assert (arrays.to_host(buffer.view(like.dtype))[:24] == 7).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_numbers_of_the_device(dtype: str, backend: Backend) -> None:
    """U[0, 1] and N(0, 1), to what 20,000 of them can tell; a function of the key, into any part of an array."""
    def drawn(method: str, *key: int) -> np.ndarray:
        out = backend.xp.ones((3, 5000, 4), dtype=dtype)
        getattr(arrays.device_stream(backend.xp, *key), method)(out[1, ...])
        found = arrays.to_host(out)
        assert found.dtype == dtype and (found[::2] == 1).all(), "beside the part"
        return found[1].ravel()

    for method, law in (("random", stats.uniform), ("standard_normal", stats.norm)):
        x = drawn(method, 3, 1, 7)
        assert stats.kstest(x, law.cdf).pvalue > 1e-3
        assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 4 / np.sqrt(x.size)
        np.testing.assert_array_equal(drawn(method, 3, 1, 7), x)
        for other in ((4, 1, 7), (3, 2, 7), (3, 1, 8), (3, 1)):
            assert abs(np.corrcoef(drawn(method, *other), x)[0, 1]) < 4 / np.sqrt(x.size)
