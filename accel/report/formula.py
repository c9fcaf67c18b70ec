"""The numbers behind a layer's multiplications: pixels, channels, taps, inputs.

For a convolution, and for a fully connected layer as one of a single pixel, all of its images:
macs = images * pixels * outputs * kernel * depth, with the depth of one group.
"""

import math

from accel.graph.ir import NO_MACS, Conv, Graph


def add(graph: Graph, batches: list, rows: list[dict]) -> None:
    """Give each row whose layer is a convolution the field ``conv``."""
    nodes = {node.name: node for node in graph.nodes}
    layers = {}
    for program in (batch.program for batch in reversed(batches)):
        for layer in program.layers:
            layers |= {layer.name: layer, f"{layer.name} (batch {program.batch})": layer}
    for row in rows:
        layer = layers.get(row["name"])
        found = [nodes[name] for name in layer.nodes if name in nodes] if layer else []
        convs = [node for node in found if isinstance(node, Conv) and node.op not in NO_MACS]
        if len(convs) == 1 and (factors := _factors(graph, convs[0], row["macs"])):
            row["conv"] = factors


def _factors(graph: Graph, node: Conv, macs: int) -> dict | None:
    """What ``macs`` is the product of; None where the layer is but a part of the node."""
    outputs, high, wide, depth = node.weights.shape
    pixels = graph.tensors[node.output].shape[:2]
    images, rest = divmod(macs, math.prod((*pixels, outputs, high, wide, depth)))
    if rest or not images:
        return None
    return {
        "images": images, "pixels": list(pixels), "outputs": outputs, "kernel": [high, wide],
        "depth": depth, "groups": node.groups, "stride": list(node.stride),
    }  # fmt: skip
