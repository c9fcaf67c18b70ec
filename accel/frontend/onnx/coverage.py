"""Which operators a host's part of an ONNX network has."""

import onnx

from accel.frontend.onnx import facts
from accel.graph.ir import External

#: Conversions at the ends of what the host computes.
_CONVERSIONS = ("QuantizeLinear", "DequantizeLinear", "Constant")


def operators(part: External) -> list[tuple[str, int]]:
    """Kinds of a part's operators, as the file names them, and their MACs."""
    model = onnx.load_from_string(part.model)
    known = facts.Facts(part.name, model)
    return [(node.op_type, facts.macs(node, known)) for node in model.graph.node
            if node.op_type not in _CONVERSIONS]
