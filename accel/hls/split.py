"""Which part of a network becomes C++: all but what the host computes behind it."""

import dataclasses

from accel.graph.ir import Graph, GraphError, HostNode, LocalResponse, Node, Reshape, Softmax
from accel.graph.rules import title


@dataclasses.dataclass(frozen=True)
class Part:
    """The exported part of ``graph``.

    ``nodes`` in the graph's order; ``inputs`` and ``outputs`` are tensors' names, each once;
    ``left_out`` are the nodes behind it.  The host's layers among ``nodes`` have others behind
    them: they become C++ as well, but none for synthesis.
    """

    graph: Graph
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    left_out: tuple[Node, ...]

    @property
    def hosted(self) -> bool:
        """Whether the host computes layers in the middle."""
        return any(on_host(node) for node in self.nodes)


def on_host(node: Node) -> bool:
    """Whether the host computes a node."""
    return isinstance(node, HostNode)


def split(graph: Graph) -> Part:
    """Return the part of a network that becomes C++.

    Raises:
        GraphError: what no C++ of ours computes has others behind it, or there is no layer that
            the host does not compute.
    """
    before_others = _before_others(graph)
    nodes, left_out, makers = [], [], set()  # of the host's tensors behind the part
    for node in graph.nodes:
        behind = any(name in makers for name in node.inputs)
        if on_host(node) and node.name not in before_others or behind:
            left_out.append(node)
            makers.update(node.outputs)
        else:
            nodes.append(node)
    if all(map(on_host, nodes)):
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


def _before_others(graph: Graph) -> set[str]:
    """The host's nodes that others than the host's (and views of theirs) wait for."""
    needed: dict[str, Node] = {}  # by tensor: who waits for it, at last
    found = set()
    for node in reversed(graph.nodes):
        waiting = next((needed[name] for name in node.outputs if name in needed), None)
        if waiting is not None and on_host(node):
            _check(graph, node, waiting)
            found.add(node.name)
        if waiting is None and not on_host(node) and not isinstance(node, Reshape):
            waiting = node
        if waiting is not None:
            for name in node.inputs:
                needed.setdefault(name, waiting)
    return found


def _check(graph: Graph, node: Node, follower: Node) -> None:
    """Refuse a layer of the host, with another behind it, that host.h does not have."""
    known = isinstance(node, LocalResponse)
    known |= isinstance(node, Softmax) and node.arithmetic in ("float", "table")
    if not known or graph.tensors[node.output].dtype != "int8":
        raise GraphError(
            f"{graph.name}: {title(node)} ({node.op}): only the host's runtime computes it, so it "
            f"must be among the network's last, not before {title(follower)} ({follower.op})"
        )
