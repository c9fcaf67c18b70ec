"""Which part of a network becomes C++: all but what the host computes behind it."""

import dataclasses

from accel.graph.ir import Graph, GraphError, HostNode, Node, Reshape
from accel.graph.rules import title


@dataclasses.dataclass(frozen=True)
class Part:
    """The exported part of ``graph``.

    ``nodes`` in the graph's order; ``inputs`` and ``outputs`` are tensors' names, each once;
    ``left_out`` are the nodes behind it.
    """

    graph: Graph
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    left_out: tuple[Node, ...]


def split(graph: Graph) -> Part:
    """Return the part of a network that becomes C++.

    Raises:
        GraphError: a node that only the host can compute has others behind it, or there is
            nothing else.
    """
    makers: dict[str, Node] = {}  # of the host's tensors
    nodes, left_out = [], []
    for node in graph.nodes:
        before = next((makers[name] for name in node.inputs if name in makers), None)
        if isinstance(node, HostNode) or before and isinstance(node, Reshape):
            left_out.append(node)
            makers |= dict.fromkeys(node.outputs, before or node)
            continue
        if before:
            raise GraphError(
                f"{graph.name}: {title(before)} ({before.op}): only the host computes it, so it "
                f"must be among the network's last, not before {title(node)} ({node.op})"
            )
        nodes.append(node)
    if not nodes:
        only = f"only {left_out[0].op!r}" if left_out else "no layer at all"
        raise GraphError(f"{graph.name}: the network must have a layer that the host does not "
                         f"compute, not {only}")
    given = {port.tensor for port in graph.inputs}
    used = {name for node in nodes for name in node.inputs}
    wanted = [port.tensor for port in graph.outputs]
    wanted += [name for node in left_out for name in node.inputs if name not in given - used]
    return Part(
        graph,
        tuple(nodes),
        tuple(port.tensor for port in graph.inputs if graph.tensors[port.tensor].dtype == "int8"),
        tuple(dict.fromkeys(name for name in wanted if name not in makers)),
        tuple(left_out),
    )
