"""Float networks as ONNX files: one image in, the last layer's output out.

Batch normalisation is folded into the weights and dropout left out (accel.network.fold), so the
file holds inference only.  The same network always gives the same bytes.
"""

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper

from accel.network import (
    LRN,
    Add,
    AveragePool,
    BatchNorm,
    Concat,
    Conv2d,
    Dense,
    Flatten,
    GlobalAveragePool,
    LeakyReLU,
    MaxPool,
    Network,
    NetworkError,
    Node,
    ReLU,
    Sigmoid,
    Tanh,
)
from accel.network.fold import fold

#: Operator set and format version that every reader of recent years takes.
OPSET, IR_VERSION = 13, 8
_PLAIN = {
    ReLU: "Relu", Sigmoid: "Sigmoid", Tanh: "Tanh", Add: "Add", Flatten: "Flatten",
    GlobalAveragePool: "GlobalAveragePool",
}  # fmt: skip


def _window(node: Node) -> dict:
    """ONNX attributes of a sliding window."""
    view = node.layer.window(node.shapes[0])
    return {"kernel_shape": view.kernel, "strides": view.stride, "pads": view.padding}


def _operator(node: Node) -> tuple[str, dict, tuple[str, ...]]:
    """ONNX operator, attributes and the names of the stored arrays it takes."""
    layer = node.layer
    match layer:
        case Conv2d():
            view = layer.window(node.shapes[0])
            options = {**_window(node), "dilations": view.dilation, "group": layer.groups}
            return "Conv", options, tuple(layer.parameters)
        case Dense():
            return "Gemm", {"transB": 1}, tuple(layer.parameters)
        case MaxPool():
            return "MaxPool", {**_window(node), "ceil_mode": int(layer.ceil)}, ()
        case AveragePool():
            return "AveragePool", {**_window(node), "ceil_mode": int(layer.ceil)}, ()
        case BatchNorm():
            names = ("scale", "bias", "mean", "variance")
            return "BatchNormalization", {"epsilon": layer.epsilon}, names
        case LRN():
            return "LRN", {"size": layer.size, **layer.options}, ()
        case LeakyReLU():
            return "LeakyRelu", {"alpha": layer.slope}, ()
        case Concat():
            return "Concat", {"axis": 1}, ()
    if type(layer) in _PLAIN:
        return _PLAIN[type(layer)], {}, ()
    raise NetworkError(f"layer {node.name!r}: {layer.op} has no ONNX form here")


def to_model(network: Network) -> onnx.ModelProto:
    """Return an initialised or trained network as a checked ONNX model.

    Raises:
        NetworkError: no parameters yet, or a layer without ONNX form.
    """
    network = fold(network) if network.parameters() or not network.parameter_count else network
    nodes, stored = [], []
    for node in network.nodes:
        operator, options, names = _operator(node)
        arrays = {**node.layer.parameters, **node.layer.state}
        if node.parameters and not arrays:
            raise NetworkError(f"layer {node.name!r} has no parameters yet: initialise the network")
        for name in names:
            array = np.ascontiguousarray(arrays[name], np.float32)
            stored.append(onnx.numpy_helper.from_array(array, f"{node.name}.{name}"))
        inputs = [*node.inputs, *(f"{node.name}.{name}" for name in names)]
        output = "output" if node is network.nodes[-1] else node.name
        nodes.append(onnx.helper.make_node(operator, inputs, [output], node.name, **options))
    ports = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (1, *shape))
        for name, shape in ((network.INPUT, network.input_shape), ("output", network.output_shape))
    ]
    graph = onnx.helper.make_graph(nodes, network.name, ports[:1], ports[1:], stored)
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
        producer_name="accel",
    )  # fmt: skip
    onnx.checker.check_model(model, full_check=True)
    return model


def to_bytes(network: Network) -> bytes:
    """Return an initialised or trained network as an ONNX file's content."""
    return to_model(network).SerializeToString(deterministic=True)
