"""Where the machine may come a step off ONNX Runtime's result, since that computes it in float32.

An import that is to be ``exact`` refuses such layers, so that the host has them.
"""

import dataclasses

import numpy as np

from accel.frontend.onnx.nodes import NodeView
from accel.frontend.onnx.state import State
from accel.frontend.onnx.values import (
    Activation,
    Constant,
    Mean,
    Pending,
    Product,
    QuantConstant,
    Sums,
    Total,
)

#: Operators of which ONNX Runtime makes an integer one where all their operands are dequantised
#: and their result is quantised at once, by a single QuantizeLinear.
_FUSED = frozenset({"Conv", "Gemm", "MatMul", "Add", "Mul", "GlobalAveragePool"})
#: What may stand in between: ONNX Runtime takes it away, or moves the conversion past it.
_MOVED = frozenset({"MaxPool", "Reshape", "Transpose", "Identity", "Dropout"})
#: What may stand behind as well; bounds that are not those of the bytes it leaves (see reason).
_BEHIND = _MOVED | {"Relu", "Clip"}


def reason(pending: Pending, result: Activation, clamp: tuple[int, int]) -> str:
    """Why a result may be a step off; "" if it cannot be.

    What sums and products of two tensors come to is known only with their factors: those are
    refused by add.py and mul.py, where no factors answer every pair of bytes.

    Args:
        pending: what the layer computes.
        result: its output, quantised.
        clamp: the bytes that the output is limited to.
    """
    if pending.near:
        return pending.near
    if isinstance(pending, Mean) and (pending.apart or not pending.whole):
        return "an average is a sum in float32"
    if not isinstance(pending, (Mean, Sums, Total, Product)):
        return ""
    if clamp != (-128, 127):
        return "with bounds within its bytes' it is computed in float32"
    sources = pending.source, getattr(pending, "other", pending.source)
    if any(source.centred != result.centred for source in sources):
        return "of int8 and uint8 together it is computed in float32"
    return ""


def marked(state: State, node: NodeView, made):
    """What a node makes; pending with the reason why ONNX Runtime leaves it in float32, if so."""
    if node.op not in _FUSED or not isinstance(made, (Mean, Sums, Total, Product)) or made.near:
        return made
    operands = {name: state.values.get(name) for name in node.proto.input if name}
    if any(isinstance(value, Sums) for value in operands.values()):
        return made  # a bias, or the scale of integer sums: they have the reason, if there is one
    bias = state.values.get(node.proto.input[2]) if len(node.proto.input) > 2 else None
    if isinstance(bias, QuantConstant) and bias.integers.dtype != np.int64:
        return dataclasses.replace(made, near="its bias is stored as bytes, not int32")
    if any(isinstance(value, QuantConstant) and value.narrow for value in operands.values()):
        return dataclasses.replace(made, near="weights of fewer than 8 bits are floats to it")
    computed = [name for name, value in operands.items() if not isinstance(value, Constant)]
    if not all(_dequantised(state, name) for name in computed):
        return dataclasses.replace(made, near="not all its operands are dequantised")
    if not _quantised_once(state, node):
        return dataclasses.replace(made, near="no single QuantizeLinear comes behind it")
    return made


def _dequantised(state: State, name: str) -> bool:
    maker = state.maker(name)
    while maker is not None and maker.op in _MOVED:
        maker = state.maker(maker.proto.input[0])
    return maker is not None and maker.op == "DequantizeLinear"


def _quantised_once(state: State, node: NodeView) -> bool:
    users = state.users(node.proto.output[0])
    while len(users) == 1 and users[0].op in _BEHIND:
        users = state.users(users[0].proto.output[0])
    return [user.op for user in users] == ["QuantizeLinear"]
