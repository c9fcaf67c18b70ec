"""Clamps behind a layer become the layer's own limits, which cost nothing.

A clamp of bytes is a table: Brevitas writes a Clip behind each QuantizeLinear, for types of fewer
than 8 bits, and some exporters a Relu.
"""

import collections
import dataclasses

import numpy as np

from accel.graph.ir import Add, Conv, Mul, Node, Table, Tensor

_BYTES = np.arange(-128, 128)


def fold(nodes: list[Node], tensors: dict[str, Tensor], kept: set[str]) -> list[Node]:
    """The nodes without the clamps of what nobody else reads.

    Args:
        nodes: a network's, in order.
        tensors: its tensors by name; those that are no longer made are taken away.
        kept: tensors that somebody outside looks at.
    """
    readers = collections.Counter(name for node in nodes for name in node.inputs)
    makers: dict[str, int] = {}
    result: list[Node | None] = list(nodes)
    for number, node in enumerate(nodes):
        limits = _limits(node, tensors)
        if limits and node.input in makers and readers[node.input] == 1 and node.input not in kept:
            at = makers[node.output] = makers[node.input]
            result[at] = _limited(result[at], limits, node.output)
            result[number] = None
            del tensors[node.input]
        elif isinstance(node, (Conv, Add, Mul, Table)):
            makers[node.output] = number
    return [node for node in result if node is not None]


def _limits(node: Node, tensors: dict[str, Tensor]) -> tuple[int, int] | None:
    """The least and the largest byte of a table that only clamps."""
    if not isinstance(node, Table):
        return None
    source, target = tensors[node.input], tensors[node.output]
    if (source.scale, source.zero_point) != (target.scale, target.zero_point):
        return None
    low, high = int(node.values.min()), int(node.values.max())
    return (low, high) if np.array_equal(node.values, _BYTES.clip(low, high)) else None


def _limited(node: Conv | Add | Mul | Table, limits: tuple[int, int], output: str) -> Node:
    low, high = limits
    if isinstance(node, Table):
        return dataclasses.replace(node, output=output, values=node.values.clip(low, high))
    requant = node.requant
    lo, hi = (min(max(end, low), high) for end in (requant.lo, requant.hi))
    return dataclasses.replace(node, output=output,
                               requant=dataclasses.replace(requant, lo=lo, hi=hi))
