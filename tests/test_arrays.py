"""Floor 0: which library, which device, which stream, and what `import minigan` leaves alone."""

import subprocess
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from minigan import arrays


class Foreign:
    dtype = np.dtype(float)

    def __dlpack__(self): ...


@pytest.fixture
def foreign(monkeypatch):
    """An array of another library, and the library."""
    library = ModuleType("elsewhere")
    library.asarray = lambda x: x
    monkeypatch.setitem(sys.modules, "elsewhere", library)
    monkeypatch.setattr(Foreign, "__module__", "elsewhere.core.arrays")
    return Foreign(), library


def test_the_namespace_of_numpy():
    x = np.ones(2)
    assert arrays.namespace(x) is np
    assert arrays.namespace(x, np.float32(1.0), x[0], np.ones(1, int)) is np


def test_the_namespace_of_another_library_is_looked_up_and_never_imported(foreign, monkeypatch):
    x, library = foreign
    assert arrays.namespace(x) is library and arrays.namespace(x, x) is library
    with pytest.raises(TypeError, match="numpy, elsewhere"):
        arrays.namespace(np.ones(2), x)
    monkeypatch.delitem(sys.modules, "elsewhere")
    with pytest.raises(TypeError, match=r"elsewhere.*not an array of a known library"):
        arrays.namespace(x)
    assert "elsewhere" not in sys.modules


def test_is_array(foreign):
    assert all(arrays.is_array(x) for x in (np.ones(2), np.float32(1.0), foreign[0]))
    assert not any(arrays.is_array(x) for x in (1.0, 2, [1.0], "x", None))


# -- devices -------------------------------------------------------------------------------------
def test_devices(monkeypatch):
    assert arrays.library("cpu") is np
    with pytest.raises(arrays.DeviceError, match=r"unknown device 'tpu'.*cpu, cuda, sycl"):
        arrays.library("tpu")
    monkeypatch.setitem(sys.modules, "cupy", None)  # as if it were not installed
    with pytest.raises(arrays.DeviceError, match=r"needs cupy.*pip install.*minigan\[cuda12\].*--device cpu"):
        arrays.library("cuda")


@pytest.mark.parametrize("count, words", [(0, "no CUDA device"), (RuntimeError("no driver"), "answers.*no driver")])
def test_cupy_without_a_device(monkeypatch, count, words):
    def devices():
        if isinstance(count, Exception):
            raise count
        return count

    cupy = ModuleType("cupy")
    cupy.cuda = SimpleNamespace(runtime=SimpleNamespace(CUDARuntimeError=RuntimeError, getDeviceCount=devices))
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    with pytest.raises(arrays.DeviceError, match=f"{words}.*--device cpu"):
        arrays.library("cuda")


def test_to_host():
    x = np.ones(2)
    assert arrays.to_host(x) is x
    assert arrays.to_host([1.0, 2.0]).tolist() == [1.0, 2.0]


# -- streams -------------------------------------------------------------------------------------
def test_streams_are_reproducible_and_independent():
    one, again, other = (arrays.streams(seed, "noise", "data") for seed in (3, 3, 4))
    draws = {name: rng.standard_normal(1000) for name, rng in one.items()}
    again["data"].standard_normal(17)  # looking at one stream does not move the other
    np.testing.assert_array_equal(again["noise"].standard_normal(1000), draws["noise"])
    assert abs(np.corrcoef(draws["noise"], draws["data"])[0, 1]) < 0.15
    assert abs(np.corrcoef(draws["noise"], other["noise"].standard_normal(1000))[0, 1]) < 0.15


def test_a_name_added_at_the_end_leaves_the_others_as_they_were():
    short, long = arrays.streams(0, "a", "b"), arrays.streams(0, "a", "b", "c")
    assert all(short[name].random() == long[name].random() for name in short)


# -- memory --------------------------------------------------------------------------------------
@pytest.mark.parametrize("like", [
    np.ones((3, 4)), np.ones((3, 4)).T, np.ones((2, 3, 4)).transpose(1, 0, 2), np.ones(()), np.ones((1, 3))])
def test_a_flat_buffer_arranged_like_an_array(like):
    flat = np.arange(30.0)
    view = arrays.arrange(flat, like)
    assert (view.shape, view.strides) == (like.shape, like.strides)
    assert arrays.shares_memory(view, flat)


@pytest.mark.parametrize("nbytes", [1, 64, 1000])
def test_buffers_start_on_a_line(nbytes):
    buffer = arrays.aligned_buffer(np, nbytes)
    assert buffer.nbytes == nbytes and buffer.dtype == np.uint8 and buffer.ctypes.data % 64 == 0


def test_shares_memory():
    x = np.ones(4)
    assert arrays.shares_memory(x, x[1:]) and not arrays.shares_memory(x[:2], x[2:])


# -- what an import costs ---------------------------------------------------------------------------
@pytest.mark.parametrize("module", ["minigan", "minigan.autodiff", "minigan.nets", "minigan.gans"])
def test_an_import_brings_neither_scipy_nor_matplotlib_nor_a_device(module):
    heavy = ["scipy", "matplotlib", "cupy", "dpnp", "torch", "tqdm"]
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_masked_entries_are_no_values():
    x = np.ma.masked_array([1.0, 2.0], [False, True])
    with pytest.raises(TypeError, match=r"1 of 2 entries of a MaskedArray are masked.*filled"):
        arrays.to_host(x)
    assert arrays.to_host(x[:1]).tolist() == [1.0]
