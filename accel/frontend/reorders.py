"""Take channels in another order away where a neighbour can give or read them so.

A convolution of op "reorder" only moves channels (accel/frontend/pieces.py).  The weights of a
convolution before or behind it can do so at no cost: their filters, or their inputs, are put into
that order instead.  Where its output is only cut into channels, each part is reordered alone.
"""

import collections
import dataclasses

import numpy as np

from accel.frontend import origins
from accel.frontend.pieces import reordered
from accel.graph.ir import Conv, Node, Requant, Slice, Tensor


def fold(nodes: list[Node], tensors: dict[str, Tensor], kept: set[str]) -> list[Node]:
    """The nodes without the reorders that are not needed.

    Args:
        nodes: a network's, in order.
        tensors: its tensors by name.
        kept: tensors that somebody outside looks at.
    """
    if not any(isinstance(node, Conv) and node.op == "reorder" for node in nodes):
        return nodes
    nodes = _into_readers(_apart(_into_makers(nodes, kept), tensors, kept), kept)
    return origins.gather(nodes, tensors, kept) if any(map(_is_reorder, nodes)) else nodes


def _users(nodes: list[Node]) -> dict[str, list[Node]]:
    users = collections.defaultdict(list)
    for node in nodes:
        for name in node.inputs:
            users[name].append(node)
    return users


def _is_reorder(node: Node) -> bool:
    return isinstance(node, Conv) and node.op == "reorder"


def _is_permutation(node: Node) -> bool:
    """Whether a node is a reorder that leaves out no channel."""
    return _is_reorder(node) and len(set(_order(node))) == len(node.weights) == (
        node.weights.shape[3]
    )


def _order(node: Conv) -> np.ndarray:
    return node.weights[:, 0, 0].argmax(axis=1)


def _apart(nodes: list[Node], tensors, kept) -> list[Node]:
    """Reorders whose outputs are only cut into channels become one for each part."""
    users, made, found = _users(nodes), {}, []
    for node in nodes:
        readers = users[node.output] if _is_reorder(node) else []
        if readers and node.output not in kept and all(_cuts(one, tensors) for one in readers):
            made[node.output] = node
        elif isinstance(node, Slice) and node.input in made:
            whole = made[node.input]
            first = node.place.start[2]
            order = _order(whole)[first : first + node.shape[2]]
            source, target = tensors[whole.input], tensors[node.output]
            found.append(reordered(node.name, source, target, order))
        else:
            found.append(node)
    return found


def _cuts(node: Node, tensors) -> bool:
    """Whether a node cuts channels out of whole images."""
    return (isinstance(node, Slice) and node.place.start[:2] == (0, 0)
            and node.place.step == (1, 1) and node.shape[:2] == tensors[node.input].shape[:2])


def _into_makers(nodes: list[Node], kept) -> list[Node]:
    """Give the filters of the convolution before a reorder its order."""
    users = _users(nodes)
    makers = {node.output: number for number, node in enumerate(nodes)
              if isinstance(node, Conv) and node.op != "reorder" and node.groups == 1}
    result: list[Node | None] = list(nodes)
    for number, node in enumerate(nodes):
        at = makers.get(node.input) if _is_permutation(node) else None
        if at is None or len(users[node.input]) > 1 or node.input in kept:
            continue
        result[number] = None
        result[at] = _filters(result[at], _order(node), node.output)
    return [node for node in result if node is not None]


def _filters(node: Conv, order: np.ndarray, output: str) -> Conv:
    need: Requant = dataclasses.replace(
        node.requant, multiplier=np.asarray(node.requant.multiplier)[order],
        shift=np.asarray(node.requant.shift)[order],
    )
    return dataclasses.replace(node, output=output, weights=node.weights[order],
                               bias=node.bias[order], requant=need)


def _into_readers(nodes: list[Node], kept) -> list[Node]:
    """Give the weights of all convolutions behind a reorder their channels in the old order."""
    users, folded, found = _users(nodes), {}, []
    for node in nodes:
        if isinstance(node, Conv) and node.input in folded:
            source, order = folded[node.input]
            weights = np.empty_like(node.weights)
            weights[..., order] = node.weights
            node = dataclasses.replace(node, input=source, weights=weights)
        readers = users[node.output] if _is_permutation(node) else []
        plain = all(isinstance(one, Conv) and one.groups == 1 for one in readers)
        if readers and plain and node.output not in kept:
            folded[node.output] = node.input, _order(node)
        else:
            found.append(node)
    return found
