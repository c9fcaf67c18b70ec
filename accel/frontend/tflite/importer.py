"""TFLite importer: int8 and uint8 models to checked graphs that compute LiteRT's reference bytes.

The file is read by file.py; each operator's handler appends nodes to the graph.  Operators come
in the order of execution, and an operator may only read what was computed before it.
"""

import pathlib

from accel.frontend.errors import CostError, FloatModelError, ModelError
from accel.frontend.tflite import (
    bilinear,
    functions,
    moves,
    pairs,
    pointwise,
    slopes,
    takes,
    transposed,
    transposes,
    weighted,
    windows,
)
from accel.frontend.tflite.build import Builder
from accel.frontend.tflite.file import read
from accel.frontend.tflite.parts import Parts
from accel.frontend.tflite.values import Dequantised, Elsewhere
from accel.frontend.tflite.view import View
from accel.graph.check import check, check_node
from accel.graph.ir import Graph, GraphError, Port, Tensor
from accel.quant import QuantError

HANDLERS = {
    "CONV_2D": weighted.conv_2d,
    "DEPTHWISE_CONV_2D": weighted.depthwise_conv_2d,
    "FULLY_CONNECTED": weighted.fully_connected,
    "AVERAGE_POOL_2D": windows.average_pool_2d,
    "MAX_POOL_2D": windows.max_pool_2d,
    "MEAN": windows.mean,
    "PAD": windows.pad, "PADV2": windows.padv2, "REDUCE_MAX": windows.reduce_max,
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
    "TRANSPOSE": transposes.transpose, "TRANSPOSE_CONV": transposed.transpose_conv,
    **pairs.HANDLERS, **slopes.HANDLERS, **moves.HANDLERS, **takes.HANDLERS,
    **functions.HANDLERS, **bilinear.HANDLERS,
}

#: Types of integers that stand for real numbers.
_INTEGERS = ("int8", "uint8", "int16")
#: In so many ways a file may quantise its float inputs.
MOST_WAYS = 64


def load(path, strict: bool = False, exact: bool = False) -> Graph:
    """Read a quantised TFLite model.

    Nodes are named opNN_OPERATOR by their place in the file, tensors as the file names them.

    Args:
        path: of the file.
        strict: refuse what the machine cannot compute, instead of giving it to the host.
        exact: nothing changes: all that the machine takes equals LiteRT's bytes.

    Raises:
        ModelError: naming the file, the operator or tensor, the rule and the value.
    """
    file = str(path)
    builder = Builder(read(file))
    _check_quantised(builder)
    parts = Parts(builder)
    for index in builder.contents.inputs:
        _add_input(builder, index, strict)
    for operator in builder.contents.operators:
        view, mark = View(builder, operator), builder.mark()
        try:
            _handle(view, mark)
        except ModelError as error:
            if strict or isinstance(error, CostError):
                raise
            builder.restore(mark, operator)
            parts.claim(view, view.reason(error))
    outputs = tuple(_output(builder, index, None if strict else parts)
                    for index in builder.contents.outputs)
    parts.finish(port.tensor for port in outputs)
    for index in builder.contents.inputs:
        if not strict:
            parts.input(index)
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


def _handle(view: View, mark: tuple[int, int]) -> None:
    """Run an operator's handler, and see that the machine can do what it made of it."""
    op, builder = view.op, view.builder
    if op not in HANDLERS:
        raise view.error("the machine has no such operator")
    try:
        (functions.chain if functions.begins(view) else HANDLERS[op])(view)
        for node in builder.nodes[mark[0] :]:
            check_node(builder.tensors, node)
    except QuantError as error:
        raise view.error(str(error)) from None
    except GraphError as error:
        raise ModelError(f"{builder.file}: {error}") from None


def _check_quantised(builder: Builder) -> None:
    """Refuse models in which no integer stands for a real number."""
    contents = builder.contents
    made = [index for one in contents.operators for index in one.outputs]
    records = [contents.tensors[index] for index in (*contents.inputs, *made)
               if 0 <= index < len(contents.tensors)]
    quantised = any(record.quantisation is not None and record.dtype in _INTEGERS
                    for record in records)
    if not quantised and any(record.dtype == "float32" for record in records):
        where = ""
        if contents.operators:
            where = f"operator 0 ({contents.operators[0].op}): "
        raise FloatModelError(
            f"{builder.file}: {where}the model is float; quantise it to int8 first, with `accel "
            "quantize` and some images to calibrate with, or give `accel run` images"
        )


def _add_input(builder: Builder, index: int, strict: bool) -> None:
    """Make a network input a tensor, or wait for what reads a float or another one."""
    record = builder.record("an input of the subgraph", index)
    title = f"{builder.file}: input {builder.title(index)}"
    if index in builder.values:
        raise ModelError(f"{title} must be given once, not twice")
    if record.data is not None:
        raise ModelError(f"{title} must be given, not constant")
    if any(size < 0 for size in record.signature[1:]):
        raise ModelError(f"{title} must have a static shape behind the batch (export it with one), "
                         f"not {list(record.signature)}")
    try:
        if record.dtype == "float32":
            builder.shape(index)
            builder.values[index] = Dequantised(None)
            return
        tensor = builder.activation(index)
    except ModelError:
        if strict:
            raise
        builder.values[index] = Elsewhere()
        return
    builder.values[index] = tensor
    builder.ports[index].append(
        Port(tensor.name, tensor.name, record.shape[1:], "HWC", record.dtype)
    )


def _input(builder: Builder, index: int) -> list[Port]:
    """The ports of a network input: one for every way in which a float one is quantised."""
    ports = builder.ports[index]
    if not ports:
        raise ModelError(f"{builder.file}: input {builder.title(index)}: nothing quantises it")
    return ports


def _output(builder: Builder, index: int, parts: Parts | None) -> Port:
    """Return the port of a network output, one of the host's where there are ``parts``."""
    record = builder.record("an output of the subgraph", index)
    where = f"{builder.file}: output {builder.title(index)}"
    found = builder.values.get(index)
    if isinstance(found, Dequantised):
        found = found.tensor
    if not isinstance(found, Tensor) and parts and found is not None:
        return parts.output(index)
    if not isinstance(found, Tensor):
        raise ModelError(f"{where}: must be computed from the input, not constant or missing")
    return Port(builder.names[index], found.name, record.shape[1:], "HWC", record.dtype)
