"""What a run's page shows of the layers themselves: maps of the first image, filters, histograms.

Everything is small: the page of two hundred layers stays below five million bytes.
"""

import base64
import math

import numpy as np

from accel.graph.ir import Conv

#: Maps of a layer, and the longest side of one: longer ones are shown with gaps.
MAPS, SIDE = 16, 28
#: Filters of a layer, and input channels of one.
FILTERS, CHANNELS = 16, 8
#: Bars of a histogram of int8.
BARS = 32


def described(inside) -> dict[str, dict]:
    """By the row's name, what is shown of each layer of the first batch.

    Args:
        inside: an accel.result.Inside.
    """
    batch, graph = inside.batches[0], inside.graph
    nodes = {node.name: node for node in graph.nodes}
    copies = batch.program.copies
    found = {}
    for layer in batch.program.layers:
        name = copies.get(layer.output, layer.output)
        golden = inside.golden.get(name)
        values = golden if layer.near else batch.tensors[layer.output]
        if values is None:
            continue  # on the chip alone, and the golden model has failed
        one = {
            "maps": _maps(values[0]), "histogram": _histogram(values[0]),
            "zero": graph.tensors[name].zero_point, "near": layer.near,
        }  # fmt: skip
        if golden is not None and not layer.near:
            first = np.asarray(golden[0]).reshape(values[0].shape)
            one["differ"] = int(np.count_nonzero(first != values[0]))
            if one["differ"]:
                one["golden"] = _maps(first)
        convs = [nodes[name] for name in layer.nodes if isinstance(nodes.get(name), Conv)]
        if convs:
            one["filters"] = _filters(convs[0])
        found[layer.name] = one
    return found


def _maps(values: np.ndarray) -> dict:
    """The first channels of int8 [height, width, channel], with gaps if they are large."""
    height, width, channels = values.shape
    step = max(1, math.ceil(max(height, width) / SIDE))
    most = 256 if height * width == 1 else MAPS
    shown = np.ascontiguousarray(values[::step, ::step, :most])
    return {"shape": shown.shape, "step": step, "of": channels, "bytes": _packed(shown)}


def _histogram(values: np.ndarray) -> list[int]:
    return np.bincount((values.ravel().astype(int) + 128) * BARS // 256, minlength=BARS).tolist()


def _filters(node: Conv) -> dict | None:
    """A layer's first filters, if they are larger than a pixel."""
    if node.weights.shape[1] * node.weights.shape[2] == 1:
        return None
    shown = node.weights[:FILTERS, :, :, :CHANNELS]
    return {"shape": shown.shape, "bytes": _packed(shown)}


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
