"""What of a quantised ONNX network the machine does not run, by operator."""

import dataclasses

import onnx

from accel.frontend.onnx import facts
from accel.graph.ir import External, Graph, HostNode
from accel.graph.macs import graph_macs

#: Conversions at the ends of what the host computes.
_CONVERSIONS = ("QuantizeLinear", "DequantizeLinear", "Constant")


@dataclasses.dataclass
class Missing:
    """Operators of one kind on the host: how many, their share of all MACs, and why the first."""

    op: str
    count: int
    share: float
    reason: str


def missing(graph: Graph) -> list[Missing]:
    """What an imported network leaves to the host, the largest share of the MACs first."""
    parts = [node for node in graph.nodes if isinstance(node, HostNode)]
    total = graph_macs(graph) + sum(part.macs for part in parts if isinstance(part, External))
    found: dict[str, Missing] = {}
    for part in parts:
        for op, macs in _operators(part):
            reason = getattr(part, "reason", "")
            entry = found.setdefault(op, Missing(op, 0, 0.0, reason))
            entry.count += 1
            entry.share += macs / max(total, 1)
    return sorted(found.values(), key=lambda one: (-one.share, -one.count, one.op))


def _operators(part: HostNode) -> list[tuple[str, int]]:
    """Kinds of a part's operators, as the file names them, and their MACs."""
    if not isinstance(part, External):
        return [(part.op, 0)]
    model = onnx.load_from_string(part.model)
    known = facts.Facts(part.name, model)
    return [(node.op_type, facts.macs(node, known)) for node in model.graph.node
            if node.op_type not in _CONVERSIONS]
