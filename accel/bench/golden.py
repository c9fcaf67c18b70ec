"""Speed of the golden model beside ONNX Runtime's: ``accel bench golden``.

Ours and the yardstick take turns, so that whatever else the machine does meets both, and a figure
is the best of many calls: what else runs only ever adds.  Every pair is also compared, so that
nothing wrong is ever fast.
"""

import os
import resource
import subprocess
import sys
import tempfile

import numpy as np
import threadpoolctl

from accel import onnx_session
from accel.bench import whole, yardstick
from accel.bench.clock import measure
from accel.bench.header import header
from accel.bench.resnet18 import ResNet18
from accel.bench.shapes import RESNET18, Shape
from accel.golden import conv, threads
from accel.golden.layers import LAYERS
from accel.golden.tile import instructions
from accel.graph.ir import Conv, Requant, Tensor
from accel.isa import Rounding
from accel.quant import float_multipliers

#: Times ONNX Runtime's that ours may take.
INT8_TARGET, FLOAT_TARGET = 1.0, 2.0
#: Seconds of a ResNet-18 inference and of a second start; times the loops must beat plain Python.
RESNET_TARGET, START_TARGET, LOOPS_TARGET = 1.0, 2.0, 50.0

_START = """
import numpy as np
from accel.golden.layers import LAYERS
from accel.graph.ir import Conv, Requant, Tensor
one = np.ones(8, np.int32)
node = Conv("", "conv2d", "", "", np.ones((8, 3, 3, 8), np.int8), one,
            Requant(one << 30, one.astype(np.int8), 0), padding=(1, 1, 1, 1))
shape = Tensor("", (8, 8, 8), 1.0, 0)
LAYERS[Conv](node, shape, shape, np.ones((1, 8, 8, 8), np.int8))
"""


def _against(kind, what, shape, count, repeats, ours, theirs, target) -> dict:
    """One row: a layer in milliseconds beside ONNX Runtime's."""
    one, other = measure(repeats, ours, theirs, threads=count)
    return {
        "kind": kind, "what": what, "unit": "ms", "ours": one * 1e3, "ort": other * 1e3,
        "ratio": one / other, "target": target, "met": one <= target * other,
        "gmacs_per_second": shape.macs / one / 1e9,
    }  # fmt: skip


def int8_conv(shape: Shape, count: int, repeats: int) -> dict:
    """Our int8 layer on signed bytes beside QLinearConv on the same, as unsigned bytes."""
    random = np.random.default_rng(1)
    x = random.integers(-128, 128, (1, shape.size, shape.size, shape.channels), np.int8)
    w = random.integers(
        -127, 128, (shape.filters, shape.kernel, shape.kernel, shape.channels), np.int8
    )
    b = random.integers(-1000, 1000, shape.filters, np.int32)
    factor = random.uniform(0.5, 2, shape.filters) / (73 * np.sqrt(w[0].size))
    need = Requant(*float_multipliers(factor), 5, rounding=Rounding.FLOAT)
    node = Conv(
        "", "conv2d", "", "", w, b, need, (shape.stride,) * 2, (shape.padding,) * 4
    )
    source = Tensor("", x.shape[1:], 1.0, 3)
    target = Tensor("", (shape.out, shape.out, shape.filters), 1.0, 5)

    def ours():
        return LAYERS[Conv](node, source, target, x)

    planes = np.ascontiguousarray((x ^ -128).view(np.uint8).transpose(0, 3, 1, 2))
    theirs = yardstick.qlinear_conv(
        shape, planes, np.ascontiguousarray(w.transpose(0, 3, 1, 2)), b, 131, factor, 133, count
    )
    expected = theirs().transpose(0, 2, 3, 1).astype(int) - 128
    if not np.array_equal(ours(), expected):
        raise AssertionError(f"{shape}: differs from QLinearConv")
    return _against(
        "int8 convolution", str(shape), shape, count, repeats, ours, theirs, INT8_TARGET
    )


def float_conv(shape: Shape, count: int, repeats: int) -> dict:
    """Our float layer beside Conv."""
    random = np.random.default_rng(1)
    draw = random.standard_normal
    x = draw((1, shape.channels, shape.size, shape.size), np.float32)
    w = draw((shape.filters, shape.channels, shape.kernel, shape.kernel), np.float32)
    b = draw(shape.filters, np.float32)

    def ours():
        return conv.conv2d(x, w, b, stride=shape.stride, padding=shape.padding)

    theirs = yardstick.conv(shape, x, w, b, count)
    if not np.allclose(ours(), theirs(), rtol=0, atol=1e-5 * w[0].size):
        raise AssertionError(f"{shape}: differs from Conv")
    return _against(
        "float convolution", str(shape), shape, count, repeats, ours, theirs, FLOAT_TARGET
    )


def resnet18(count: int, repeats: int) -> dict:
    """One inference of one image."""
    network = ResNet18(seed=1)
    image = np.random.default_rng(1).integers(-128, 128, (1, 224, 224, 3), np.int8)
    (seconds,) = measure(repeats, lambda: network(image), threads=count)
    return {
        "kind": "ResNet-18 int8", "what": "224x224, one image, seeded random weights",
        "unit": "s", "ours": seconds, "ort": None, "ratio": None, "target": RESNET_TARGET,
        "met": seconds < RESNET_TARGET, "gmacs_per_second": network.macs / seconds / 1e9,
    }  # fmt: skip


def loops(repeats: int) -> dict:
    """The seven-loop nest compiled, and the very same lines in plain Python."""
    random = np.random.default_rng(1)
    x = random.standard_normal((1, 4, 12, 12), np.float32)
    w = random.standard_normal((8, 4, 3, 3), np.float32)
    y, b = np.empty((1, 8, 10, 10), np.float32), np.zeros(8, np.float32)
    options = (x, w, b, (1, 1), (0, 0), (1, 1), 1, y)
    compiled, plain = measure(
        min(repeats, 5), lambda: conv.convolve(*options), lambda: conv.convolve.py_func(*options)
    )
    return {
        "kind": "seven loops", "what": "12x12x4 3x3 to 8, plain Python / compiled", "unit": "ms",
        "ours": compiled * 1e3, "python": plain * 1e3, "ort": None, "ratio": plain / compiled,
        "target": LOOPS_TARGET, "met": plain >= LOOPS_TARGET * compiled,
    }  # fmt: skip


def second_start() -> dict:
    """A new process that imports and computes one layer, with its kernels compiled by a first.

    In processor time: what else runs does not count.
    """
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(4):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(
                [sys.executable, "-c", _START], check=True,
                env=os.environ | {"NUMBA_CACHE_DIR": folder},
            )  # fmt: skip
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {
        "kind": "second start", "what": f"import and one layer (first: {seconds[0]:.1f} s)",
        "unit": "s", "first": seconds[0], "ours": min(seconds[1:]), "ort": None, "ratio": None,
        "target": START_TARGET, "met": min(seconds[1:]) < START_TARGET,
    }  # fmt: skip


def kernels() -> dict:
    """What was compared: our kernels' instructions, and which execution of ONNX Runtime."""
    return {
        "golden": instructions(),
        "onnxruntime": "exact by uint8 weights" if onnx_session.saturates()
        else "exact by its own kernels",
    }  # fmt: skip


def run(count: int, repeats: int, progress=lambda stage, share: None) -> dict:
    """Measure everything.

    Args:
        count: threads, for ours and ONNX Runtime's.
        repeats: calls that a figure is the best of.
        progress: called with what is measured now and the share that is done.

    Returns:
        A report: machine, date, versions, threads, repeats, kernels and figures (a list of rows).
    """
    tasks = [(f"int8 {shape}", lambda s=shape: int8_conv(s, count, repeats)) for shape in RESNET18]
    tasks += [
        (f"float {shape}", lambda s=shape: float_conv(s, count, repeats)) for shape in RESNET18
    ]
    tasks += [
        (name, lambda n=name: whole.whole_network(n, count, repeats)) for name in whole.NETWORKS
    ]
    tasks += [
        ("ResNet-18", lambda: resnet18(count, repeats)), ("loops", lambda: loops(repeats)),
        ("second start", second_start),
    ]  # fmt: skip
    figures = []
    with threads.limit(count), threadpoolctl.threadpool_limits(count):
        for done, (stage, task) in enumerate(tasks):
            progress(stage, done / len(tasks))
            figures.append(task())
    return header("numba", "numpy", "onnxruntime") | {
        "threads": count,
        "repeats": repeats,
        "kernels": kernels(),
        "figures": figures,
    }
