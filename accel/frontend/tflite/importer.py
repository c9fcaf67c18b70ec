"""TFLite importer: int8 and uint8 models to checked graphs that compute LiteRT's reference bytes.

The file is read by file.py; each operator's handler appends nodes to the graph.  Operators come
in the order of execution, and an operator may only read what was computed before it.
"""

import pathlib

from accel.frontend.errors import ModelError
from accel.frontend.tflite import (
    moves,
    pairs,
    pointwise,
    slopes,
    transposed,
    weighted,
    windows,
)
from accel.frontend.tflite.build import Builder, Dequantised, View
from accel.frontend.tflite.file import read
from accel.graph.check import check
from accel.graph.ir import Graph, GraphError, Port, Tensor
from accel.quant import QuantError

HANDLERS = {
    "CONV_2D": weighted.conv_2d,
    "DEPTHWISE_CONV_2D": weighted.depthwise_conv_2d,
    "FULLY_CONNECTED": weighted.fully_connected,
    "AVERAGE_POOL_2D": windows.average_pool_2d,
    "MAX_POOL_2D": windows.max_pool_2d,
    "MEAN": windows.mean,
    "PAD": windows.pad,
    "CONCATENATION": pointwise.concatenation,
    "RESHAPE": pointwise.reshape,
    "SHAPE": pointwise.sizes,
    "SOFTMAX": pointwise.softmax,
    "QUANTIZE": pointwise.quantize,
    "DEQUANTIZE": pointwise.dequantize,
    "RELU": pointwise.relu,
    "RELU6": pointwise.relu,
    "RELU_N1_TO_1": pointwise.relu,
    "LOGISTIC": pointwise.smooth,
    "TANH": pointwise.smooth,
    "HARD_SWISH": pointwise.hard_swish,
    "TRANSPOSE_CONV": transposed.transpose_conv,
    **pairs.HANDLERS,
    **slopes.HANDLERS,
    **moves.HANDLERS,
}

#: In so many ways a file may quantise its float inputs.
MOST_WAYS = 64


def load(path, strict: bool = True) -> Graph:
    """Read a quantised TFLite model; what the machine cannot compute is refused.

    Nodes are named opNN_OPERATOR by their place in the file, tensors as the file names them.

    Raises:
        ModelError: naming the file, the operator or tensor, the rule and the value.
    """
    file = str(path)
    builder = Builder(read(file))
    for index in builder.contents.inputs:
        _add_input(builder, index)
    for operator in builder.contents.operators:
        view = View(builder, operator)
        if operator.op not in HANDLERS:
            raise view.error(f"operator must be one of {', '.join(sorted(HANDLERS))}, "
                             f"not {operator.op}")
        try:
            HANDLERS[operator.op](view)
        except QuantError as error:
            raise view.error(str(error)) from None
    outputs = tuple(_output(builder, index) for index in builder.contents.outputs)
    inputs = tuple(port for index in builder.contents.inputs for port in _input(builder, index))
    ways = 1 + len(inputs) - len(builder.contents.inputs)
    if ways > MOST_WAYS:
        raise ModelError(f"{file}: inputs must be quantised in at most {MOST_WAYS} ways, "
                         f"not {ways}")
    graph = Graph(pathlib.Path(file).stem, builder.tensors, tuple(builder.nodes), inputs, outputs)
    try:
        return check(graph)
    except GraphError as error:
        raise ModelError(f"{file}: {error}") from None


def _add_input(builder: Builder, index: int) -> None:
    """Make a network input a tensor, or wait for the QUANTIZE behind a float one."""
    record = builder.record("an input of the subgraph", index)
    if index in builder.values:
        raise ModelError(f"{builder.file}: input {builder.title(index)} must be given once, not "
                         "twice")
    if record.dtype == "float32" and record.data is None:
        builder.shape(index)
        builder.values[index] = Dequantised(None)
        return
    tensor = builder.activation(index)
    builder.values[index] = tensor
    builder.ports[index].append(
        Port(tensor.name, tensor.name, record.shape[1:], "HWC", record.dtype)
    )


def _input(builder: Builder, index: int) -> list[Port]:
    """The ports of a network input: one for every way in which a float one is quantised."""
    ports = builder.ports[index]
    if not ports:
        raise ModelError(f"{builder.file}: input {builder.title(index)}: the model is float here; "
                         "quantise it to int8 first, with a TFLite converter's full integer "
                         "quantisation")
    return ports


def _output(builder: Builder, index: int) -> Port:
    """Return the port of a network output."""
    record = builder.record("an output of the subgraph", index)
    where = f"{builder.file}: output {builder.title(index)}"
    found = builder.values.get(index)
    if isinstance(found, Dequantised):
        found = found.tensor
    if not isinstance(found, Tensor):
        raise ModelError(f"{where}: must be computed from the input, not constant or missing")
    return Port(builder.names[index], found.name, record.shape[1:], "HWC", record.dtype)
