"""Cut a network into steps: what one start of the machine computes, and the host behind it."""

import dataclasses
import typing

from accel.graph.ir import Graph, HostNode, Node


@dataclasses.dataclass
class Part:
    """Nodes of one step, in the graph's order."""

    machine: list[Node] = dataclasses.field(default_factory=list)
    host: list[Node] = dataclasses.field(default_factory=list)


def split(graph: Graph) -> list[Part]:
    """The steps of a network: each node as early as its inputs allow."""
    hosts = typing.get_args(HostNode)
    parts = [Part()]
    where, by_host = {}, set()
    for node in graph.nodes:
        on_host = isinstance(node, hosts)
        # What the host computes is there for the host at once, for the machine a step later.
        step = max(
            (where.get(name, 0) + (name in by_host and not on_host) for name in node.inputs),
            default=0,
        )
        while len(parts) <= step:
            parts.append(Part())
        (parts[step].host if on_host else parts[step].machine).append(node)
        where |= dict.fromkeys(node.outputs, step)
        if on_host:
            by_host.update(node.outputs)
    return parts
