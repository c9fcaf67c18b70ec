"""ONNX importer: quantised models (QDQ and QOperator form) to checked graphs.

The file is parsed and checked by the onnx library, its nodes are put in order, and each node's
handler (onnx_qdq, onnx_qoperator) says what its output stands for.  Nothing is executed.
"""

import copy
import heapq
import math
import pathlib

import google.protobuf.message
import numpy as np
import onnx

from accel.frontend import onnx_qdq, onnx_qoperator
from accel.frontend.errors import ModelError
from accel.frontend.onnx_build import Builder, read_tensor
from accel.frontend.onnx_nodes import LIMIT, NodeView
from accel.frontend.onnx_values import (
    Activation,
    Constant,
    Input,
    Pending,
    memory_shape,
    settled,
)
from accel.graph.check import check
from accel.graph.ir import Graph, GraphError, Port, Reshape

HANDLERS = {**onnx_qdq.HANDLERS, **onnx_qoperator.HANDLERS}
#: Operator sets whose operators are known by the names in HANDLERS.
DOMAINS = ("", "ai.onnx", "com.microsoft")
#: Largest activation, in elements of one image.
LARGEST = 1 << 28

_DTYPES = {
    onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.INT8: "int8",
    onnx.TensorProto.UINT8: "uint8",
}
_QUANTISED = ("QuantizeLinear", "DequantizeLinear", *onnx_qoperator.HANDLERS)


def load(path) -> Graph:
    """Read a quantised ONNX model.

    Raises:
        ModelError: naming the file, the node, the rule and the value.
    """
    file = str(path)
    try:
        return _import(file)
    except ModelError:
        raise
    except Exception as error:  # whatever a damaged or hostile file provokes
        raise ModelError(f"{file}: malformed: {type(error).__name__}: {error}") from error


def _import(file: str) -> Graph:
    model = _parse(file)
    nodes = _order(file, model.graph)
    _check_operators(file, model.graph, nodes)
    builder = Builder(file, model.graph, nodes)
    _add_constants(builder, model.graph, nodes)
    _check_model(file, model, nodes)
    for value in model.graph.input:
        if value.name not in builder.stored:
            _add_input(builder, value, nodes)
    for node in nodes:
        if node.op != "Constant":
            _handle(builder, node)
    outputs = tuple(_output(builder, value, nodes) for value in model.graph.output)
    graph = Graph(
        pathlib.Path(file).stem, builder.tensors, tuple(builder.nodes), tuple(builder.inputs),
        outputs,
    )
    try:
        return check(graph)
    except GraphError as error:
        raise ModelError(f"{file}: {error}") from None


def _parse(file: str) -> onnx.ModelProto:
    try:
        model = onnx.load(file)
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror or error}") from None
    except (google.protobuf.message.DecodeError, ValueError, RuntimeError, MemoryError) as error:
        raise ModelError(f"{file}: truncated or not an ONNX file: {error}") from None
    except onnx.checker.ValidationError as error:
        raise ModelError(f"{file}: stored data are not to be had: {error}") from None
    if not model.graph.node or not model.graph.output:
        raise ModelError(
            f"{file}: truncated or not an ONNX file: it must have nodes and outputs, "
            f"not {len(model.graph.node)} and {len(model.graph.output)}"
        )
    return model


def _check_model(file: str, model: onnx.ModelProto, nodes: list[NodeView]) -> None:
    """Let the onnx library check versions, attributes and types.

    Some writers leave nodes unsorted or shapes of outputs out, or keep an old format version that
    wants every initializer to be an input too.  None of this makes a model ambiguous, so it is not
    held against it.
    """
    model = copy.deepcopy(model)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.SetInParent()
    model.ir_version = max(model.ir_version, 4)
    ordered = [copy.deepcopy(node.proto) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(ordered)
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        text = " ".join(str(error).split())
        raise ModelError(f"{file}: not a valid ONNX model: {text}") from None


def _order(file: str, graph: onnx.GraphProto) -> list[NodeView]:
    """Nodes in an order that computes inputs before their users, else as in the file."""
    views = [NodeView(file, node) for node in graph.node]
    ready = {value.name for value in graph.input} | {t.name for t in graph.initializer} | {""}
    made = {}
    for number, view in enumerate(views):
        for name in filter(None, view.proto.output):
            if name in made or name in ready:
                raise view.error(f"output {name!r} must be computed once, not twice")
            made[name] = number
    waiting, users = [], [[] for _ in views]
    for number, view in enumerate(views):
        missing = set(view.proto.input) - ready
        for name in missing:
            if name not in made:
                raise view.error(
                    f"input {name!r} must be an input, an initializer or computed, not missing"
                )
            users[made[name]].append(number)
        waiting.append(len(missing))
    queue = [number for number, count in enumerate(waiting) if not count]
    order = []
    while queue:
        number = heapq.heappop(queue)
        order.append(views[number])
        for user in users[number]:
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(queue, user)
    for number, count in enumerate(waiting):
        if count:
            raise views[number].error("nodes must not depend on themselves, not form a cycle")
    return order


def _check_operators(file: str, graph: onnx.GraphProto, nodes: list[NodeView]) -> None:
    """Refuse unknown operators and models that are not quantised."""
    unknown = next(
        (node for node in nodes
         if node.op not in (*HANDLERS, "Constant") or node.proto.domain not in DOMAINS),
        None,
    )
    text = unknown and (
        f"node {unknown.name!r} has the unsupported operator "
        f"{':'.join(filter(None, (unknown.proto.domain, unknown.op)))}"
    )
    stored = {tensor.name for tensor in graph.initializer}
    types = {v.type.tensor_type.elem_type for v in graph.input if v.name not in stored}
    quantised = any(node.op in _QUANTISED for node in nodes)
    if not quantised and types <= {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE}:
        first = next((node for node in nodes if node.op != "Constant"), nodes[0])
        raise ModelError(
            f"{file}: node {first.name!r} ({first.op}): the model is float; quantise it to int8 "
            "first, for example with onnxruntime.quantization.quantize_static"
            + (f"; also, {text}" if text else "")
        )
    if text:
        raise ModelError(f"{file}: {text}; supported are {', '.join(sorted(HANDLERS))}")


def _add_constants(builder: Builder, graph: onnx.GraphProto, nodes: list[NodeView]) -> None:
    """Read Constant nodes first: looking ahead at reshapes needs their values."""
    if graph.sparse_initializer:
        raise ModelError(f"{builder.file}: initializers must be dense, not sparse")
    for node in nodes:
        if node.op == "Constant":
            kinds = {"value_float": np.float32, "value_int": np.int64,
                     "value_floats": np.float32, "value_ints": np.int64}
            (kind, value), *others = node.attributes.items() or [("no value", None)]
            if kind == "value" and isinstance(value, onnx.TensorProto) and not others:
                array = read_tensor(builder.file, value)
            elif kind in kinds and not others:
                array = np.asarray(value, kinds[kind])
            else:
                raise node.error(f"a constant must be one tensor or number, not {kind}")
            node.require(len(node.proto.output) == 1, "a constant must have one output",
                         list(node.proto.output))
            builder.values[node.proto.output[0]] = Constant(array)


def _add_input(builder: Builder, value: onnx.ValueInfoProto, nodes: list[NodeView]) -> None:
    """Check a network input; an integer one becomes a tensor at once."""
    where = f"{builder.file}: input {value.name!r}"
    kind = value.type.tensor_type
    if kind.elem_type not in _DTYPES:
        raise ModelError(
            f"{where}: type must be one of {sorted(_DTYPES.values())}, "
            f"not {onnx.TensorProto.DataType.Name(kind.elem_type).lower()}"
            if kind.elem_type in onnx.TensorProto.DataType.values()
            else f"{where}: type must be one of {sorted(_DTYPES.values())}, not {kind.elem_type}"
        )
    if not kind.HasField("shape") or not kind.shape.dim:
        raise ModelError(f"{where}: shape must be known, not missing")
    dims = [d.dim_value if d.HasField("dim_value") else d.dim_param or "?"
            for d in kind.shape.dim]
    if isinstance(dims[0], int) and dims[0] != 1:
        raise ModelError(f"{where}: batch dimension must be 1 or symbolic, not {dims[0]}")
    shape = tuple(dims[1:])
    if not shape or not all(isinstance(d, int) and 1 <= d <= LIMIT for d in shape):
        raise ModelError(
            f"{where}: shape must be known, with sizes from 1 to {LIMIT} behind the batch "
            f"dimension, not {dims}"
        )
    if math.prod(shape) > LARGEST:
        raise ModelError(f"{where}: an image must have at most {LARGEST} elements, not {dims}")
    builder.input_shapes[value.name] = shape
    dtype = _DTYPES[kind.elem_type]
    if dtype == "float32":
        builder.values[value.name] = Input(value.name, shape)
        return
    scale, zero_point = _find_scale(builder, value.name, dtype, nodes)
    builder.values[value.name] = builder.add_input(
        (value.name, shape), shape, value.name, scale, zero_point, dtype, dtype
    )


def _find_scale(builder: Builder, name: str, dtype: str, nodes) -> tuple[float, int]:
    """Quantisation of an integer input, as its first reader (behind views) has it."""
    names = {name}
    for node in nodes:
        for at in [n for n, given in enumerate(node.proto.input) if given in names][:1]:
            if node.op in onnx_qoperator.HANDLERS or node.op == "DequantizeLinear":
                zero_point, _ = builder.zero_point(node, at + 2, np.dtype(dtype))
                return builder.scale(node, at + 1), zero_point
            names.update(node.proto.output)
    return 1.0, -128 if dtype == "uint8" else 0


def _handle(builder: Builder, node: NodeView) -> None:
    """Run a node's handler; an error that it did not foresee still names the node."""
    try:
        value = HANDLERS[node.op](builder, node)
    except ModelError:
        raise
    except Exception as error:
        raise node.error(f"malformed: {type(error).__name__}: {error}") from error
    shape = getattr(value, "shape", None)
    if shape is not None and math.prod(shape) > LARGEST:
        raise node.error(f"output must have at most {LARGEST} elements, not {list(shape)}")
    node.require(len(node.proto.output) > 0, "a node must have an output", "none")
    builder.values[node.proto.output[0]] = value


def _output(builder: Builder, value: onnx.ValueInfoProto, nodes: list[NodeView]) -> Port:
    """Return the port of a network output."""
    where = f"{builder.file}: output {value.name!r}"
    found = builder.values.get(value.name)
    node = next((n for n in nodes if value.name in n.proto.output), None)
    if isinstance(found, Pending) and settled(found):
        found = builder.settle(found, value.name, node)
    if isinstance(found, Pending):
        raise ModelError(
            f"{where}: node {node.name!r} ({node.op}) must be quantised (a QuantizeLinear is "
            "missing behind it), not float"
        )
    if not isinstance(found, Activation):
        raise ModelError(f"{where}: must be computed from the input, not missing or constant")
    tensor = found.tensor
    channels, pixels = found.order
    if channels > 1 and tensor.shape[2] != channels:
        # Flattened channel by channel for the user, pixel by pixel in memory: a port can
        # only reorder an image, so view the vector as one.
        image = builder.add_tensor(f"{value.name}_image", (channels, 1, pixels), found.order,
                                   found.scale, found.zero_point, found.dtype)
        name = builder.unique(f"{value.name}_image", value.name)
        builder.nodes.append(Reshape(name, tensor.name, image.tensor.name))
        tensor = image.tensor
    if not math.isclose(found.scale, tensor.scale, rel_tol=1e-6):
        raise ModelError(f"{where}: scale must be {tensor.scale} as it was quantised, "
                         f"not {found.scale}")
    image_shape = memory_shape(found.shape, found.order)
    layout = "CHW" if len(found.shape) == 3 and image_shape == tensor.shape else "N"
    return Port(value.name, tensor.name, found.shape, layout, found.dtype)
