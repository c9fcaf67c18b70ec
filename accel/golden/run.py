"""Walk a network, layer by layer, on the processor."""

import numpy as np

from accel import host
from accel.golden.layers import compute
from accel.graph.ir import External, Graph, GraphError, Node


def run(graph: Graph, images) -> dict[str, np.ndarray]:
    """Compute every tensor of a network.

    Args:
        graph: a checked network.
        images: [batch, height, width, channels] by input tensor name (as
            ``accel.graph.ports.read_inputs`` gives them), or one array if there is one input.

    Returns:
        int8 [batch, height, width, channels] by tensor name, inputs included; float32 where the
        tensor is.

    Raises:
        GraphError: when the images do not fit the network.
    """
    if isinstance(images, np.ndarray):
        if len(graph.inputs) != 1:
            raise GraphError(f"the network has {len(graph.inputs)} inputs, not 1")
        images = {graph.inputs[0].tensor: images}
    tensors = {port.tensor: _check(graph, port.tensor, images) for port in graph.inputs}
    for node in graph.nodes:
        tensors |= made(graph, node, tensors)
    return tensors


def made(graph: Graph, node: Node, tensors) -> dict[str, np.ndarray]:
    """What a node makes of ``tensors``, by name; a part of the host's own is computed there."""
    if isinstance(node, External):
        return host.compute(graph, node, tensors)
    return {node.output: compute(graph, node, tensors)}


def _check(graph: Graph, name: str, images) -> np.ndarray:
    shape, dtype = graph.tensors[name].shape, graph.tensors[name].dtype
    values = images.get(name)
    if values is None:
        raise GraphError(f"no images for input tensor {name!r}, only for {sorted(images)}")
    if values.dtype != dtype or values.shape[1:] != shape or not len(values):
        raise GraphError(
            f"images of {name!r} must be {dtype} [batch, {shape[0]}, {shape[1]}, {shape[2]}], "
            f"not {values.dtype} {list(values.shape)}"
        )
    return np.ascontiguousarray(values)
