"""What a node of a network is made of: arrays by name, and what else a reader must know."""

import dataclasses

import numpy as np

from accel.graph.ir import External, Node, Requant
from accel.isa import Rounding

#: Arrays of a node, by what they are called in files.
_ARRAYS = ("weights", "bias", "values")
_LEFT_OUT = ("name", "op", "input", "output", "inputs", *_ARRAYS)


def arrays(node: Node) -> dict[str, np.ndarray]:
    """The node's constants: weights, bias, multiplier, shift, and the table of a function."""
    found = {name: getattr(node, name) for name in _ARRAYS if hasattr(node, name)}
    if "values" in found:
        found["table"] = found.pop("values")
    if isinstance(getattr(node, "requant", None), Requant):
        found |= {name: np.atleast_1d(getattr(node.requant, name))
                  for name in ("multiplier", "shift")}  # fmt: skip
    return found


def attributes(node: Node) -> dict:
    """Everything else of the node, as JSON has it."""
    if isinstance(node, External):
        return {"runtime": node.runtime, "reason": node.reason}
    fields = [one.name for one in dataclasses.fields(node) if one.name not in _LEFT_OUT]
    return {name: _plain(getattr(node, name)) for name in fields}


def _plain(value):
    if isinstance(value, Requant):
        return {"zero_point": value.zero_point, "lo": value.lo, "hi": value.hi,
                "rounding": value.rounding.name}  # fmt: skip
    if isinstance(value, Rounding):
        return value.name
    if dataclasses.is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value
