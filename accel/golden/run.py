"""Walk a network, layer by layer, on the processor."""

from collections.abc import Iterable

import numpy as np

from accel import host
from accel.golden.layers import compute
from accel.graph.ir import External, Graph, GraphError, Node


def run(graph: Graph, images, keep: Iterable[str] | None = None, layer=compute):
    """Compute every tensor of a network.

    Args:
        graph: a checked network.
        images: [batch, height, width, channels] by input tensor name (as
            ``accel.graph.ports.read_inputs`` gives them), or one array if there is one input.
        keep: names of the tensors that are wanted; by default all.  The others are freed as soon as
            no layer needs them: the next ones take their memory, which is in the cache by then.
        layer: who computes a node, of network, node and tensors; to time it, for example.

    Returns:
        int8 [batch, height, width, channels] by tensor name, inputs included unless ``keep`` leaves
        them out; float32 where the tensor is.

    Raises:
        GraphError: when the images do not fit the network.
    """
    if isinstance(images, np.ndarray):
        if len(graph.inputs) != 1:
            raise GraphError(f"the network has {len(graph.inputs)} inputs, not 1")
        images = {graph.inputs[0].tensor: images}
    tensors = {port.tensor: _check(graph, port.tensor, images) for port in graph.inputs}
    last = {} if keep is None else _last_readers(graph)
    kept = {*graph.tensors} if keep is None else {*keep}
    for number, node in enumerate(graph.nodes):
        tensors |= made(graph, node, tensors, layer)
        for name in last.get(number, ()):
            if name not in kept:
                del tensors[name]
    return tensors


def made(graph: Graph, node: Node, tensors, layer=compute) -> dict[str, np.ndarray]:
    """What a node makes of ``tensors``, by name; a part of the host's own is computed there."""
    if isinstance(node, External):
        return host.compute(graph, node, tensors)
    return {node.output: layer(graph, node, tensors)}


def _last_readers(graph: Graph) -> dict[int, list[str]]:
    """Tensors that nobody reads any more, by the number of the node after which this is so."""
    readers = {port.tensor: 0 for port in graph.inputs}
    for number, node in enumerate(graph.nodes):
        readers |= dict.fromkeys((*node.inputs, *node.outputs), number)
    last = {}
    for name, number in readers.items():
        last.setdefault(number, []).append(name)
    return last


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
