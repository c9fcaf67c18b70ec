"""What of a quantised network the machine does not run, by operator."""

import dataclasses
import importlib

from accel.graph.ir import External, Graph, HostNode
from accel.graph.macs import graph_macs

#: Module by ``External.runtime``; each has ``operators(part) -> kinds and MACs``.
_FORMATS = {"onnxruntime": "accel.frontend.onnx.coverage",
            "litert": "accel.frontend.tflite.coverage"}


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
    return importlib.import_module(_FORMATS[part.runtime]).operators(part)
