"""Which operators a host's part of a TFLite network has."""

from accel.frontend.tflite.file import parse
from accel.frontend.tflite.macs import macs
from accel.graph.ir import External

#: Conversions at the ends of what the host computes.
_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")


def operators(part: External) -> list[tuple[str, int]]:
    """Kinds of a part's operators, as the file names them, and their MACs."""
    contents = parse(part.name, part.model)
    return [(one.op, macs(one, contents.tensors)) for one in contents.operators
            if one.op not in _CONVERSIONS]
