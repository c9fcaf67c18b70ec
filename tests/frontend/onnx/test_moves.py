"""Networks with operators that only move bytes: on the machine, with ONNX Runtime's bytes."""

import numpy as np
import pytest
from onnx import TensorProto

from accel import golden
from accel.compiler import compile_graph
from accel.frontend import load
from accel.graph import ports
from accel.graph.ir import Conv
from accel.onnx_session import session
from tests.compiler.test_networks import MACHINES
from tests.support.machine import Machine
from tests.support.onnx_pairs import Net

Y = 0.04, -3


class Layers(Net):
    """Quantises every value alike, behind each operator."""

    def __init__(self, shape):
        super().__init__(np.int8, 17)
        self.axes = len(shape) - 1
        self.at = self.params("y", *Y)
        self.last = self.real([self.input(["N", *shape], *Y)[0], *self.at])

    def op(self, kind, *inputs, name=None, **attributes):
        """An operator on values (the last one), quantised."""
        name = name or f"v{len(self.nodes)}"
        return self.quantised(self.node(kind, [*(inputs or [self.last])], name, **attributes))

    def quantised(self, name):
        self.node("QuantizeLinear", [name, *self.at], f"{name}_q")
        self.last = self.real([f"{name}_q", *self.at])
        return self.last

    def conv(self, outputs, inputs, kernel=1, kind="Conv", source=None, **attributes):
        name = f"w{len(self.nodes)}"
        size = [kernel] * self.axes
        shape = [outputs, inputs, *size] if kind == "Conv" else [inputs, outputs, *size]
        w = [self.const(name, self.random.integers(-127, 128, shape), np.int8),
             *self.params(name, 0.01, 0)]
        return self.op(kind, source or self.last, self.real(w), **attributes)

    def ints(self, *values):
        return self.const(f"i{len(self.initializers)}", values, np.int64)

    def parts(self, axis, count):
        """Split the last value evenly."""
        names = [f"p{len(self.nodes)}_{n}" for n in range(count)]
        self.split([self.last], names, axis=axis)
        return [self.quantised(name) for name in names]

    def shuffle(self, groups, channels, height, width):
        self.op("Reshape", self.last, self.ints(0, groups, channels // groups, height, width))
        self.op("Transpose", self.last, perm=[0, 2, 1, 3, 4])
        return self.op("Reshape", self.last, self.ints(0, channels, height, width))

    def done(self):
        return self.output(f"{self.last.removesuffix('_real')}", TensorProto.INT8)


def shuffle_unit():
    """A ShuffleNet v2 unit: half of the channels pass, both are shuffled, and the next halves."""
    net = Layers([8, 5, 4])
    net.conv(8, 8)
    for _ in range(2):
        one, net.last = net.parts(1, 2)
        net.conv(4, 4, 3, pads=[1] * 4)
        net.op("Concat", one, net.last, axis=1)
        net.shuffle(2, 8, 5, 4)
    net.conv(3, 8)
    return net.done()


def groups():
    """A ShuffleNet v1 unit: a shuffle between two convolutions, one of them grouped."""
    net = Layers([6, 4, 4])
    net.conv(12, 6)
    net.shuffle(3, 12, 4, 4)
    net.conv(12, 4, group=3)
    net.shuffle(3, 12, 4, 4)
    net.conv(4, 12)
    return net.done()


def enlarged():
    """A decoder: enlarged images, joined with what they came from, and a transposed convolution."""
    net = Layers([3, 6, 4])
    skip = net.conv(5, 3)
    net.conv(7, 5, 3, strides=[2, 2], pads=[1] * 4)
    scales = net.const("scales", [1, 1, 2, 2], np.float32)
    net.op("Resize", net.last, "", scales, coordinate_transformation_mode="asymmetric",
           nearest_mode="floor", mode="nearest")
    net.op("Concat", skip, net.last, axis=1)
    net.conv(4, 12, 3, pads=[1] * 4)
    net.conv(3, 4, 4, "ConvTranspose", strides=[2, 2], pads=[1] * 4)
    return net.done()


def super_resolution():
    """A pixel shuffle behind a convolution, and its inverse."""
    net = Layers([2, 4, 5])
    net.conv(12, 2, 3, pads=[1] * 4)
    net.op("DepthToSpace", blocksize=2, mode="CRD")
    net.conv(3, 3)
    net.op("SpaceToDepth", blocksize=2)
    net.conv(4, 12)
    return net.done()


def focus():
    """Every second row and column four times, joined; an input that is only cut; joined rows."""
    net = Layers([3, 6, 8])
    source, found = net.last, []
    for y in (0, 1):
        for x in (0, 1):
            found.append(net.op("Slice", source, net.ints(y, x), net.ints(99, 99), net.ints(2, 3),
                                net.ints(2, 2)))
    net.op("Concat", *found, axis=1)
    net.conv(6, 12)
    rows = net.parts(2, 3)
    net.op("Concat", *rows[::-1], axis=2)
    net.op("Concat", net.last, net.last, axis=3)
    net.conv(5, 6)
    return net.done()


def interpolated():
    """A decoder with linear interpolation: small factors at once, large ones in two steps."""
    net = Layers([3, 5, 4])
    net.conv(5, 3)
    for down, across, mode in ((2, 2, "half_pixel"), (1.5, 0.5, "half_pixel"),
                               (1, 8, "pytorch_half_pixel"), (4, 0.25, "asymmetric")):
        scales = net.const(f"s{len(net.nodes)}", [1, 1, down, across], np.float32)
        net.op("Resize", net.last, "", scales, mode="linear", coordinate_transformation_mode=mode)
    net.conv(4, 5)
    return net.done()


def borders():
    """Reflected, repeated and constant borders, and poolings with gaps."""
    net = Layers([5, 6, 4])
    net.op("Pad", net.last, net.ints(0, 0, 2, 1, 0, 0, 1, 3), mode="reflect")
    net.conv(6, 5, 3)
    net.op("Pad", net.last, net.ints(0, 0, 0, 2, 0, 0, 3, 1), mode="edge")
    net.op("MaxPool", kernel_shape=[3, 2], dilations=[2, 3], strides=[1, 2], pads=[1, 0, 0, 1])
    one = net.const("one", 0.5, np.float32)
    net.op("Pad", net.last, net.ints(0, 2, 1, 0, 0, 1, 4, 3), one)
    net.conv(4, 9, 2)
    net.op("GlobalMaxPool")
    return net.done()


def sound():
    """A network of lines, with a gate, channels joined and a turn."""
    net = Layers([3, 26])
    net.conv(8, 3, 5, strides=[2], pads=[2, 2])
    skip = net.last
    net.op("MaxPool", kernel_shape=[3], strides=[1], pads=[1, 1])
    net.conv(8, 1, 3, group=8, pads=[2, 2], dilations=[2])
    gate = net.op("GlobalAveragePool")
    net.op("Mul", skip, gate)
    net.op("Concat", net.last, skip, axis=1)
    net.conv(6, 16, 4, "ConvTranspose", strides=[2], pads=[1, 1])
    net.op("AveragePool", kernel_shape=[2], strides=[2])
    net.op("Transpose", perm=[0, 2, 1])
    return net.done()


#: By network: reorders that do not fold away; where ONNX Runtime computes in float (transposed
#: convolutions, products, means, interpolation), the most steps and how many bytes may be off.
NETWORKS = {
    shuffle_unit: {"reorder": 2}, groups: {}, enlarged: {"float": (1, 0.02)}, super_resolution: {},
    focus: {}, interpolated: {"float": (3, 0.4)}, borders: {}, sound: {"float": (1, 0.4)},
}  # fmt: skip


@pytest.mark.parametrize("machine", ["4x4", "8x8"])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.__name__)
def test_networks_on_the_machine(network, machine, tmp_path):
    net = network()
    graph = load(net.save(tmp_path), strict=True)
    reorders = [node for node in graph.nodes if isinstance(node, Conv) and node.op == "reorder"]
    assert len(reorders) == NETWORKS[network].get("reorder", 0)
    for batch in (1, 2):
        given = net.images(batch)
        (expected,) = session(net.proto()).run(None, given)
        program = compile_graph(graph, MACHINES[machine], batch)
        ran = Machine(program, ports.read_inputs(graph, given))
        ran.run()
        tensors = {graph.outputs[0].tensor: ran.output(graph.outputs[0].tensor)}
        (actual,) = ports.outputs(graph, tensors)
        off = np.abs(actual.astype(int) - expected)
        most, near = NETWORKS[network].get("float", (0, 0))
        assert off.max() <= most and (off > 0).mean() <= near
        (golden_one,) = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))
        assert (actual == golden_one).all()


def test_the_first_part_of_a_transposed_convolution_has_its_name(tmp_path):
    net = Layers([3, 4, 4])
    net.conv(2, 3, 2, "ConvTranspose", strides=[2, 1], name="up")
    nodes = load(net.done().save(tmp_path), strict=True).nodes
    names = [node.name for node in nodes if isinstance(node, Conv)]
    assert [name.removeprefix(names[0]) for name in names] == ["", "/1"]
