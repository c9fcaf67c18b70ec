"""A SCALE-Sim layer on this machine: a network of one convolution, and the array's floor."""

import numpy as np

from accel.graph.ir import Conv, Graph, Port, Requant, Tensor
from accel.graph.shapes import out_size
from accel.params import Params
from accel.scalesim.topology import Layer

#: A requantisation by one: the cycles do not depend on it.
_ONE = 1 << 30


def padding(layer: Layer, same: bool) -> tuple[int, int, int, int]:
    """None, or (kernel - 1) / 2 on all sides as most networks have it: top, left, bottom, right."""
    before = [(taps - 1) // 2 if same else 0 for taps in layer.kernel]
    after = [taps // 2 if same else 0 for taps in layer.kernel]
    return (*before, *after)


def output_size(layer: Layer, same: bool) -> tuple[int, int]:
    """Height and width of the output here: only whole windows count."""
    pads = padding(layer, same)
    height, width = (
        out_size(size, taps, layer.strides[axis], (pads[axis], pads[axis + 2]))
        for axis, (size, taps) in enumerate(
            zip((layer.height, layer.width), layer.kernel, strict=True)
        )
    )
    return height, width


def graph(layer: Layer, same: bool) -> Graph:
    """The layer as a network, with weights of zero, padded or not."""
    outputs = layer.filters * layer.copies
    weights = (outputs, *layer.kernel, 1 if layer.depthwise else layer.channels)
    source = Tensor("input", (layer.height, layer.width, layer.channels), 1.0, 0)
    target = Tensor("output", (*output_size(layer, same), outputs), 1.0, 0)
    node = Conv(
        layer.name, "conv2d", source.name, target.name, np.zeros(weights, np.int8),
        np.zeros(outputs, np.int32),
        Requant(np.full(outputs, _ONE, np.int32), np.ones(outputs, np.int8), 0),
        layer.strides, padding(layer, same), groups=layer.copies,
    )  # fmt: skip
    ports = (Port(tensor.name, tensor.name, tensor.shape, "HWC", "int8")
             for tensor in (source, target))  # fmt: skip
    first, last = ports
    return Graph(
        layer.name, {source.name: source, target.name: target}, (node,), (first,), (last,)
    )


def vectors(layer: Layer, same: bool, params: Params) -> int:
    """Pixel vectors that the array takes, one a cycle: the output pixels for every weight tile."""
    height, width = output_size(layer, same)
    return height * width * tiles(layer, params)


def tiles(layer: Layer, params: Params) -> int:
    """Weight tiles of a layer; K and the filters are cut as in SCALE-Sim's weight stationary."""
    return -(-layer.reduction // params.rows) * -(-layer.filters // params.cols)
