"""A network's constants as two arrays: int8 weights and int32 parameters (see layers.h)."""

import dataclasses

import numpy as np

from accel.graph.ir import AveragePool, Conv, Node, Table
from accel.graph.shapes import pool_counts
from accel.hls.plan import aligned
from accel.hls.split import Part


@dataclasses.dataclass(frozen=True)
class Constants:
    """Both arrays, and where each node's part of them begins, by its name, in elements."""

    weights: np.ndarray
    parameters: np.ndarray
    weights_at: dict[str, int]
    parameters_at: dict[str, int]


def constants(part: Part) -> Constants:
    """Lay all nodes' constants one behind the other."""
    weights = {node.name: _weights(node) for node in part.nodes}
    parameters = {node.name: _parameters(part, node) for node in part.nodes}
    bytes_, weights_at = _join(weights, "<i1")
    words, parameters_at = _join(parameters, "<i4")
    return Constants(bytes_, words, weights_at, parameters_at)


def elements(part: Part, node: AveragePool) -> tuple[int, int]:
    """The least and the most elements that a window of a pool has."""
    counts = pool_counts(node, part.graph.tensors[node.input], part.graph.tensors[node.output])
    return int(counts.min()), int(counts.max())


def _weights(node: Node) -> np.ndarray | None:
    match node:
        case Conv():
            return node.weights
        case Table():
            return node.values
    return None


def _parameters(part: Part, node: Node) -> np.ndarray | None:
    match node:
        case Conv():
            return np.stack([node.bias, node.requant.multiplier, node.requant.shift])
        case AveragePool():
            least, most = elements(part, node)
            pairs = [node.table.get(count, (0, 0)) for count in range(least, most + 1)]
            return np.array(pairs).T
    return None


def _join(arrays, dtype) -> tuple[np.ndarray, dict[str, int]]:
    """One flat array of all that are not None, each from an aligned byte on."""
    size = np.dtype(dtype).itemsize
    starts, end = {}, 0
    for name, values in arrays.items():
        if values is not None:
            starts[name] = end
            end += aligned(values.size * size) // size
    joined = np.zeros(end, dtype)
    for name, start in starts.items():
        joined[start : start + arrays[name].size] = arrays[name].ravel()
    return joined, starts
