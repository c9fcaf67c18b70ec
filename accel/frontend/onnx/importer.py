"""ONNX importer: quantised models (QDQ and QOperator form) to checked graphs.

The file is parsed and checked by the onnx library, its nodes are put in order, and each node's
handler (in the modules of HANDLERS) says what its output stands for.  Nothing is executed.
"""

import copy
import pathlib

import google.protobuf.message
import numpy as np
import onnx

from accel.frontend import clamps, reorders
from accel.frontend.errors import EmptyError, FloatModelError, ModelError
from accel.frontend.onnx import (
    batches,
    borders,
    chains,
    elementwise,
    integer,
    lines,
    maxima,
    moves,
    nearly,
    perchannel,
    pixels,
    qdq,
    qoperator,
    quant,
    resize,
    transposed,
    views,
)
from accel.frontend.onnx.build import Builder
from accel.frontend.onnx.fitting import check_windows
from accel.frontend.onnx.nodes import NodeView
from accel.frontend.onnx.order import in_order
from accel.frontend.onnx.parts import Parts
from accel.frontend.onnx.ports import add_input, check_size, output_port
from accel.frontend.onnx.reading import load_data
from accel.frontend.onnx.slices import check_slices
from accel.frontend.onnx.stored import check_stored, read_tensor
from accel.frontend.onnx.values import Constant, Elsewhere
from accel.graph.check import check
from accel.graph.ir import Graph, GraphError

#: Operators whose presence makes a model quantised.
_QUANTISED = {**quant.HANDLERS, **qoperator.HANDLERS, **integer.HANDLERS,
              "DynamicQuantizeLinear": None}  # fmt: skip
#: Types of inputs that a float model has.
_FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE}
HANDLERS = {
    **quant.HANDLERS, **qdq.HANDLERS, **elementwise.HANDLERS, **views.HANDLERS,
    **moves.HANDLERS, **borders.HANDLERS, **resize.HANDLERS, **maxima.HANDLERS,
    **transposed.HANDLERS,
    **qoperator.HANDLERS, **chains.HANDLERS, **perchannel.HANDLERS, **integer.HANDLERS,
    **integer.SCALING, **qdq.REFUSED,
}  # fmt: skip
#: Operator sets whose operators are known by the names in HANDLERS.
DOMAINS = ("", "com.microsoft")
#: Most nodes, and most inputs and outputs, of a file.
MOST_NODES, MOST_PORTS = 20_000, 64
#: The first version of ONNX's operators with QuantizeLinear.
OLDEST_OPSET = 10


def load(path, strict: bool = False, exact: bool = False) -> Graph:
    """Read a quantised ONNX model.

    Args:
        path: of the file.
        strict: refuse what the machine cannot compute, instead of giving it to the host.
        exact: as if the machine could not compute what may be a step off ONNX Runtime's result.

    Raises:
        ModelError: naming the file, the node, the rule and the value.
    """
    file = str(path)
    try:
        return _import(file, strict, exact)
    except ModelError:
        raise
    except Exception as error:  # whatever a damaged or hostile file provokes
        raise ModelError(f"{file}: malformed: {type(error).__name__}: {error}") from error


def _import(file: str, strict: bool, exact: bool) -> Graph:
    model = batches.one_image(file, _parse(file))
    check_slices(file, model)
    nodes = in_order(file, model.graph)
    _check_operators(file, nodes, strict)
    builder = Builder(file, model.graph, nodes, _opset(file, model), exact)
    _add_constants(builder, model.graph, nodes)
    _check_model(file, model, nodes)
    check_windows(file, model)
    inputs = [value for value in model.graph.input if value.name not in builder.stored]
    if len(inputs) > MOST_PORTS:
        raise ModelError(f"{file}: must have at most {MOST_PORTS} inputs, not {len(inputs)}")
    outputs = _walk(builder, model, nodes, inputs, strict)
    kept = {port.tensor for port in outputs}
    made = reorders.fold(builder.nodes, builder.tensors, kept)
    made = clamps.fold(made, builder.tensors, kept)
    graph = Graph(
        pathlib.Path(file).stem, builder.tensors, tuple(made), tuple(builder.inputs), outputs,
    )
    try:
        return check(graph)
    except GraphError as error:
        raise ModelError(f"{file}: {error}") from None


def _walk(builder: Builder, model: onnx.ModelProto, nodes, inputs, strict: bool) -> tuple:
    """Run all handlers; return the outputs' ports.  What is refused, the host gets."""
    parts = Parts(builder, model, nodes)
    for value in inputs:
        try:
            add_input(builder, value, nodes)
        except ModelError:
            if strict or not _shaped(value):
                raise
            builder.values[value.name] = Elsewhere(value.name, "")
    for number, node in enumerate(nodes):
        if node.op != "Constant":
            try:
                _handle(builder, node)
            except ModelError as error:
                if strict or isinstance(error, EmptyError):
                    raise
                parts.claim(number, str(error).removeprefix(str(node.error(""))))
    if len(builder.inputs) > MOST_PORTS:
        raise ModelError(f"{builder.file}: inputs must be quantised in at most {MOST_PORTS} ways, "
                         f"not {len(builder.inputs)}")
    outputs = []
    for value in model.graph.output:
        try:
            outputs.append(output_port(builder, value, nodes))
        except ModelError:
            if strict:
                raise
            outputs.append(parts.output(value))
    parts.finish(port.tensor for port in outputs)
    return tuple(outputs)


def _shaped(value: onnx.ValueInfoProto) -> bool:
    """Whether an input's shape is known, but for the number of images."""
    kind = value.type.tensor_type
    return kind.HasField("shape") and all(dim.dim_value > 0 for dim in kind.shape.dim[1:])


def _parse(file: str) -> onnx.ModelProto:
    try:
        model = onnx.load(file, load_external_data=False)
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror or error}") from None
    except (google.protobuf.message.DecodeError, ValueError, RuntimeError, MemoryError) as error:
        raise ModelError(f"{file}: truncated or not an ONNX file: {error}") from None
    if not model.graph.node or not model.graph.output:
        raise ModelError(
            f"{file}: truncated or not an ONNX file: it must have nodes and outputs, "
            f"not {len(model.graph.node)} and {len(model.graph.output)}"
        )
    for what, most, values in (
        ("nodes", MOST_NODES, model.graph.node), ("outputs", MOST_PORTS, model.graph.output),
        ("initializers", MOST_NODES, model.graph.initializer),
        ("inputs", MOST_NODES, model.graph.input),
    ):
        if len(values) > most:
            raise ModelError(f"{file}: must have at most {most} {what}, not {len(values)}")
    _check_quantised(file, model)
    load_data(file, model)
    for tensor in model.graph.initializer:
        check_stored(file, tensor)
    for part in (*model.opset_import, *model.graph.node):
        if part.domain == "ai.onnx":  # the default domain's other name, which onnx does not know
            part.domain = ""
    check_slices(file, model)
    return model


def _check_quantised(file: str, model: onnx.ModelProto) -> None:
    """Refuse models that are float, before anything that those alone have, as weights elsewhere."""
    graph = model.graph
    stored = {tensor.name for tensor in graph.initializer}
    types = {v.type.tensor_type.elem_type for v in graph.input if v.name not in stored}
    nodes = [*graph.node, *(node for function in model.functions for node in function.node)]
    if types <= _FLOATS and not any(node.op_type in _QUANTISED for node in nodes):
        node = next((node for node in graph.node if node.op_type != "Constant"), graph.node[0])
        raise FloatModelError(str(NodeView(file, node).error(
            "the model is float; quantise it to int8 first, with `accel quantize` and some images "
            "to calibrate with, or give `accel run` images"
        )))  # fmt: skip


def _opset(file: str, model: onnx.ModelProto) -> int:
    """Version of ONNX's own operators."""
    versions = {entry.version for entry in model.opset_import if not entry.domain}
    newest = onnx.defs.onnx_opset_version()
    if len(versions) != 1 or not OLDEST_OPSET <= max(versions) <= newest:
        raise ModelError(
            f"{file}: the operator set of ONNX must be one version from {OLDEST_OPSET} to "
            f"{newest}, not {sorted(versions) or 'missing'}"
        )
    return versions.pop()


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
    _rename_early(model, ordered)
    del model.graph.node[:]
    model.graph.node.extend(ordered)
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        text = " ".join(str(error).split())
        raise ModelError(f"{file}: not a valid ONNX model: {text}") from None


def _rename_early(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> None:
    """Call what ONNX Runtime had before ONNX, under ONNX's name, by its own; for the check alone.

    Its optimiser writes LayerNormalization into files of any opset.
    """
    version, own = _opset("", model), "com.microsoft"
    for node in nodes:
        if not node.domain and onnx.defs.has(node.op_type) \
                and not onnx.defs.has(node.op_type, version):  # fmt: skip
            node.domain = own
    if all(one.domain != own for one in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid(own, 1))


def _check_operators(file: str, nodes: list[NodeView], strict: bool) -> None:
    """Refuse unknown operators if ``strict``."""
    unknown = next(
        (node for node in nodes
         if node.op not in (*HANDLERS, "Constant") or node.proto.domain not in DOMAINS),
        None,
    )
    text = unknown and (
        f"node {unknown.name!r} has the unsupported operator "
        f"{':'.join(filter(None, (unknown.proto.domain, unknown.op)))}"
    )
    if text and strict:
        raise ModelError(f"{file}: {text}, which the machine does not compute")


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


def _handle(builder: Builder, node: NodeView) -> None:
    """Run a node's handler; an error that it did not foresee still names the node."""
    try:
        if node.op not in HANDLERS or node.proto.domain not in DOMAINS:
            raise node.error("the machine has no such operator")
        listed = pixels.are_listed(builder, node)
        if lines.are_lines(builder, node):
            value = lines.handle(builder, node, HANDLERS[node.op])
        else:
            value = HANDLERS[node.op](builder, node)
    except ModelError:
        raise
    except RecursionError:
        raise node.error("quantisations must not be so far apart, not hundreds of nodes") from None
    except Exception as error:
        raise node.error(f"malformed: {type(error).__name__}: {error}") from error
    node.require(len(node.proto.output) > 0, "a node must have an output", "none")
    values = value if isinstance(value, tuple) else (value,)
    for name, made in zip(node.proto.output, values, strict=False):
        if listed and node.op != "Reshape":
            made = pixels.bare(made)
        shape = getattr(made, "shape", None)
        if shape is not None:
            check_size(shape, node.error)
        for stored in ("array", "integers", "weights"):
            if hasattr(made, stored):
                builder.spend(node, getattr(made, stored))
        builder.values[name] = nearly.marked(builder, node, made)
