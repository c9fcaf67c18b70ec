"""Functions of one byte, however many operators they take: x * sigmoid(x), GELU's five, and others.

Where all that an operator combines follows from one and the same byte, its result is one of 256
numbers, which ONNX Runtime itself computes here.  So a whole chain is a table, and exact.
"""

import dataclasses
import functools

import numpy as np
import onnx
from onnx import TensorProto, helper

from accel import onnx_session
from accel.frontend.notes import EXACT, HALVES, STEP, runs
from accel.frontend.onnx import layers, perchannel, pixels
from accel.frontend.onnx.build import Builder, real_values
from accel.frontend.onnx.fused import fused
from accel.frontend.onnx.nodes import NodeView
from accel.frontend.onnx.values import Activation, Constant, Function, Pending, QuantConstant

#: Operators that compute each element from the elements at its place.
OPERATORS = (
    "Abs", "Ceil", "Celu", "Cos", "Div", "Elu", "Erf", "Exp", "Floor", "Gelu", "Log", "Max", "Min",
    "Mish", "Mul", "Neg", "PRelu", "Pow", "Reciprocal", "Round", "Selu", "Sign", "Sin", "Softplus",
    "Softsign", "Sqrt", "Sub", "Tan", "ThresholdedRelu",
)  # fmt: skip

#: Operators on different tensors.
_PAIRS = {"Mul": layers.product, "Sub": functools.partial(layers.total, minus=True),
          "Max": layers.extremes, "Min": layers.extremes}  # fmt: skip
#: When operators are the machine's, as the table of operators has it.
_ONE_BYTE = "of one byte and single numbers, however many operators"
_PAIR = "two tensors of one shape, or an image and a pixel [C, 1, 1]"


def ways(builder: Builder, value) -> list[tuple[Activation, np.ndarray]]:
    """The bytes that a value follows from, the nearest first, each with float32 [256].

    The numbers are what the value is for each byte q, at q + 128.  All bytes are seen as the value
    is: a Transpose or Reshape on the way only sees the same elements otherwise.
    """
    if isinstance(value, Function):
        source, real = _seen_as(value, value.source), value.real
    elif isinstance(value, Activation):
        source, real = value, real_values(value)
    else:
        return []
    found = [(source, real)]
    while source.tensor.name in builder.tables:
        earlier, values = builder.tables[source.tensor.name]
        # Bytes of the source, by those of what it comes from.
        real = real[values.astype(np.int64) + 128]
        source = _seen_as(value, earlier)
        found.append((source, real))
    return found


def _seen_as(value, source: Activation) -> Activation:
    """An activation, seen in the shape and order of a value that has the same elements."""
    return dataclasses.replace(source, shape=value.shape, order=value.order)


@runs("table", EXACT, _ONE_BYTE)
@runs("table", EXACT, _ONE_BYTE, of=(*_PAIRS, "Div"))
@runs("window", HALVES, _PAIR, of=("Mul",))
@runs("window", STEP, _PAIR, of=("Sub",))
@runs("window", EXACT, _PAIR, of=("Max", "Min"))
@runs("array", STEP, "a stored constant for each channel", of=("Mul", "Div", "Sub"))
@runs("window", STEP, "a stored constant for each channel", of=("Max", "Min"))
def combine(builder: Builder, node: NodeView) -> Pending:
    """An element-wise operator on functions of one byte and on single numbers.

    Tensors that are not may be multiplied, subtracted and compared, and have constants per channel.
    """
    found = perchannel.arithmetic(builder, node)
    return _functions(builder, node) if found is None else found


@runs("table", EXACT, "one slope")
@runs("window", STEP, "a slope of at most 1 for each channel")
def prelu(builder: Builder, node: NodeView) -> Pending:
    """PRelu with one slope, or one per channel."""
    found = perchannel.prelu(builder, node)
    return _functions(builder, node) if found is None else found


def _functions(builder: Builder, node: NodeView) -> Pending:
    operands, arrays, values, tensors = [], [], [], []
    for number in range(len(node.proto.input)):
        value = builder.value(node, number) if builder.has(node, number) else None
        values.append(value)
        if isinstance(value, (Constant, QuantConstant)):
            array = value.array if isinstance(value, Constant) else value.real
            node.require(array.size == 1 and array.dtype.kind == "f", "constants must be single "
                         "numbers, the same for all elements", f"{array.dtype} {array.shape}")
            arrays.append(np.float32(array.ravel()))
        elif value is not None:
            if not isinstance(value, Function):
                value = builder.activation(node, number, quantised=False)
            tensors.append(value)
            operands.append(ways(builder, value))
            arrays.append(len(operands) - 1)
    node.require(len(operands) > 0, "must have something to compute", "constants alone")
    for value in values:
        if isinstance(value, (Constant, QuantConstant)):
            stored = value.array if isinstance(value, Constant) else value.integers
            layers.check_rank(node, tensors[0], stored)
    found = _common(operands)
    if found is None:
        node.require(node.op in _PAIRS and len(arrays) == len(tensors), "its operands must follow "
                     "from one tensor, byte by byte", "different ones")
        if node.op in ("Max", "Min"):
            return layers.extremes(node, tensors, node.op == "Max")
        return _PAIRS[node.op](node, *pixels.together(builder, node, *(
            builder.activation(node, number, quantised=False) for number in (0, 1)
        )))
    source, reals = found
    given = [reals[array] if isinstance(array, int) else array for array in arrays]
    real = _compute(node, builder.opset, given)
    node.require(np.isfinite(real).all(), "results must be finite for every byte", "NaN or inf")
    made = Function(node.name, source, source.shape, source.order, op=node.op.lower(), real=real)
    return fused(builder, node, made, values)


def _common(operands) -> tuple[Activation, list[np.ndarray]] | None:
    """The first byte that all operands follow from, and what they are for each value of it.

    What lies between is then left out, unless somebody else needs it.  None if there is none.
    """
    for source, real in reversed(operands[0]):
        reals = [real]
        for ways_of in operands[1:]:
            reals += [other for at, other in ways_of if _same_place(at, source)][:1]
        if len(reals) == len(operands):
            return source, reals
    return None


def _same_place(one: Activation, other: Activation) -> bool:
    """Whether two values are the same tensor, seen alike."""
    return (one.tensor.name, one.shape, one.order) == (other.tensor.name, other.shape, other.order)


def _compute(node: NodeView, opset: int, given: list[np.ndarray]) -> np.ndarray:
    """ONNX Runtime's results for 256 elements."""
    try:
        model = _model(node.proto.SerializeToString(), opset, tuple(map(len, given)))
        [result] = model.run(None, {f"x{n}": array for n, array in enumerate(given)})
    except Exception as error:
        text = " ".join(str(error).split())
        raise node.error(f"ONNX Runtime does not compute it: {text}") from None
    return np.asarray(result, np.float32)


@functools.lru_cache(64)
def _model(proto: bytes, opset: int, sizes: tuple[int, ...]):
    """A session of one node, on flat inputs of these sizes."""
    node = onnx.NodeProto.FromString(proto)
    names = [f"x{number}" for number in range(len(sizes))]
    places = iter(names)
    node.input[:] = [next(places) if name else "" for name in node.input]
    node.output[:] = ["y"]
    graph = helper.make_graph(
        [node], "function",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [size])
         for name, size in zip(names, sizes, strict=True)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [256])],
    )  # fmt: skip
    versions = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return onnx_session.session(helper.make_model(graph, opset_imports=versions, ir_version=8))


HANDLERS = dict.fromkeys(OPERATORS, combine) | {"PRelu": prelu}
