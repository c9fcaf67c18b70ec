"""What the driver computes on the processor, against the importers' and golden's own arithmetic."""

import ctypes
import dataclasses
import functools

import numpy as np
import pytest

from accel import golden
from accel.graph import ports
from accel.graph.ir import Graph, Port, Softmax, Tensor
from accel.package import network_c
from accel.package.plan import Entry, Plan
from accel.program import Placement
from tests.package.support import DRIVER, PARAMS, library

READ = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32)
WRITE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)
#: Nothing runs: STATUS is 0.
IO = READ(lambda context, offset: 0), WRITE(lambda context, offset, value: None)


class Io(ctypes.Structure):
    _fields_ = [
        ("read", READ), ("write", WRITE), ("wait", ctypes.c_void_p), ("clean", ctypes.c_void_p),
        ("invalidate", ctypes.c_void_p), ("context", ctypes.c_void_p),
    ]  # fmt: skip


class Device(ctypes.Structure):
    _fields_ = [("io", Io), ("memory", ctypes.c_void_p), *(
        (name, ctypes.c_uint32) for name in (
            "base", "bytes", "poll_limit", "milliseconds", "start", "commands", "batch",
            "sum", "budget",
        ))]  # fmt: skip


@dataclasses.dataclass
class _Program:
    params = PARAMS
    batch: int = 2
    memory_bytes: int = 0
    tensors: dict = dataclasses.field(default_factory=dict)


def place(shape, address, pad=0):
    """Two images with gaps of ``pad`` bytes between pixels and rows."""
    height, width, channels = shape
    pixel = channels + pad
    row = width * pixel + pad
    return Placement("t", address, shape, 2, pixel, row, height * row + pad)


def driver(entry, tmp_path, output):
    """A library with the port of ``entry``, and the memory behind it."""
    graph = Graph("net", {}, (), (), ())
    inputs, outputs = ((), (entry,)) if output else ((entry,), ())
    made = Plan(graph, _Program(), inputs or outputs, outputs or inputs, (), (), 0)
    (tmp_path / "net.h").write_text(network_c.header(made))
    (tmp_path / "net.c").write_text(network_c.source(made))
    lib = library([DRIVER / "accel.c", DRIVER / "accel_host.c", tmp_path / "net.c"], tmp_path)
    for name in ("accel_put", "accel_get"):
        getattr(lib, name).argtypes = [
            ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p
        ]  # fmt: skip
    memory = np.full(entry.place.address + entry.place.size + 64, 0x55, np.uint8)
    device = Device(Io(*IO), memory.ctypes.data, commands=1, batch=2)
    port = ctypes.addressof(ctypes.c_char.in_dll(lib, "net_outputs" if output else "net_inputs"))
    return lib, device, port, memory


LAYOUTS = {"HWC": lambda h, w, c: (h, w, c), "CHW": lambda h, w, c: (c, h, w)}


@functools.cache
def edges(scale, zero):
    """Floats between two bytes, beyond the last one, and just beside both."""
    steps = np.arange(-140, 140, dtype=np.float32) + np.float32(0.5)
    exact = ((steps - zero) * np.float32(scale)).astype(np.float32)
    return np.concatenate([exact, np.nextafter(exact, 9e9), np.nextafter(exact, -9e9)])


@pytest.mark.parametrize("away", [False, True], ids=["even", "away"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
def test_put(dtype, layout, away, tmp_path):
    shape, rng = (3, 5, 7), np.random.default_rng(1)
    tensor = Tensor("t", shape, 0.0371, -7)
    port = Port("x", "t", LAYOUTS[layout](*shape), layout, dtype, away)
    if dtype == "float32":
        values = rng.choice(edges(tensor.scale, tensor.zero_point), (2, *port.shape))
    else:
        kind = np.iinfo(dtype)
        values = rng.integers(kind.min, kind.max + 1, (2, *port.shape)).astype(dtype)
    entry = Entry(port, tensor, place(shape, 32, pad=3))
    lib, device, given, memory = driver(entry, tmp_path, output=False)
    for image in range(2):
        array = np.ascontiguousarray(values[image])
        assert lib.accel_put(ctypes.byref(device), given, image, array.ctypes.data) == 0
    expected = np.full_like(memory, 0x55)
    entry.place.view(expected)[...] = ports.to_tensor(port, tensor, values)
    np.testing.assert_array_equal(memory, expected)
    assert lib.accel_put(ctypes.byref(device), given, 2, array.ctypes.data) == 32


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
def test_get(dtype, layout, tmp_path):
    shape, rng = (3, 5, 7), np.random.default_rng(2)
    tensor = Tensor("t", shape, 0.0371, -7)
    port = Port("x", "t", LAYOUTS[layout](*shape), layout, dtype)
    entry = Entry(port, tensor, place(shape, 16, pad=1))
    lib, device, given, memory = driver(entry, tmp_path, output=True)
    values = rng.integers(-128, 128, (2, *shape)).astype(np.int8)
    entry.place.view(memory)[...] = values
    expected = ports.from_tensor(port, tensor, values)
    for image in range(2):
        found = np.zeros(port.shape, dtype)
        assert lib.accel_get(ctypes.byref(device), given, image, found.ctypes.data) == 0
        np.testing.assert_array_equal(found, expected[image])


SOFTMAX = {
    "integer": (Softmax("s", "t", "y", "integer", 1588306044, 24), Tensor("y", (2, 3, 12), 1 / 256,
                                                                       -128)),
    "table": (Softmax("s", "t", "y", "table"), Tensor("y", (2, 3, 12), 1 / 256, -128)),
    "float": (Softmax("s", "t", "y", "float"), Tensor("y", (2, 3, 12), 1.0, 0, "float32")),
    "rounded": (Softmax("s", "t", "y", "float"), Tensor("y", (2, 3, 12), 0.004, -128)),
}  # fmt: skip


@pytest.mark.parametrize("name", SOFTMAX)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_softmax(name, layout, tmp_path):
    softmax, target = SOFTMAX[name]
    shape, rng = (2, 3, 12), np.random.default_rng(3)
    source = Tensor("t", shape, 0.0917, 5)
    port = Port("y", "y", LAYOUTS[layout](*shape), layout,
                "float32" if target.dtype == "float32" else "int8")  # fmt: skip
    entry = Entry(port, source, place(shape, 0, pad=2), softmax, target)
    lib, device, given, memory = driver(entry, tmp_path, output=True)
    graph = Graph("net", {"t": source, "y": target}, (softmax,), (), (port,))
    for spread in (3, 40, 128):
        values = rng.integers(-spread, spread, (2, *shape)).astype(np.int8)
        entry.place.view(memory)[...] = values
        made = golden.layers.compute(graph, softmax, {"t": values})
        expected = ports.from_tensor(port, target, made)
        for image in range(2):
            found = np.zeros(port.shape, port.dtype)
            assert lib.accel_get(ctypes.byref(device), given, image, found.ctypes.data) == 0
            if name in ("integer", "table"):
                np.testing.assert_array_equal(found, expected[image])
            elif name == "float":
                np.testing.assert_allclose(found, expected[image], rtol=1e-5, atol=1e-7)
            else:  # another library's exponential: a byte may be one step off
                difference = np.abs(found.astype(int) - expected[image])
                assert difference.max() <= 1 and (difference > 0).mean() < 0.02
