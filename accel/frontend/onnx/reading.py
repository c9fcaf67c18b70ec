"""Float files as their writers leave them, read into one form that ONNX Runtime's tools take.

Weights may lie in a file beside (PyTorch's ``.onnx.data``), operators in functions of the file's
own (the new exporter's), constants in nodes; nodes may be unsorted, initializers may be inputs as
well (format version 3), the operator set may be years old.  None of this changes what is computed.
"""

import pathlib

import onnx
from onnx import external_data_helper, inliner, version_converter

from accel.frontend.errors import ModelError
from accel.frontend.onnx.order import in_order
from accel.frontend.onnx.slices import check_slices

#: The first operator set that has what quantising needs: a scale per channel.
OPSET = 13
#: The format version to write: the first that has all of that set, and read by all that know it.
IR_VERSION = 8
#: What a file can hold: the library that writes it counts bytes in 31 bits.
LARGEST_FILE = 2**31 - 1
#: Constant nodes' attributes that are numbers, and their types.
_NUMBERS = {
    "value_float": onnx.TensorProto.FLOAT, "value_floats": onnx.TensorProto.FLOAT,
    "value_int": onnx.TensorProto.INT64, "value_ints": onnx.TensorProto.INT64,
}  # fmt: skip


def read(path) -> onnx.ModelProto:
    """Read a float model in that form.

    Raises:
        ModelError: naming the file and the rule.
    """
    path = pathlib.Path(path)
    try:
        model = onnx.load(path, load_external_data=False)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # whatever a damaged or hostile file provokes
        raise _invalid(path, error) from error
    load_data(path, model)
    try:
        return _tidy(path, model)
    except ModelError:
        raise
    except Exception as error:
        raise _invalid(path, error) from error


def _invalid(path, error: Exception) -> ModelError:
    return ModelError(f"{path}: not a valid ONNX model: {one_line(error)}")


def one_line(error: Exception) -> str:
    """What a library says, in one line."""
    return " ".join(str(error).split())


def load_data(path, model: onnx.ModelProto) -> None:
    """Take the weights in that lie in files beside the model's own.

    Raises:
        ModelError: one is missing, too short, somewhere else, or all are too large for one file.
    """
    path = pathlib.Path(path)
    stored = [tensor for tensor in model.graph.initializer
              if external_data_helper.uses_external_data(tensor)]
    try:
        infos = [external_data_helper.ExternalDataInfo(tensor) for tensor in stored]
    except Exception as error:  # numbers that are none
        raise _invalid(path, error) from error
    places = {info.location for info in infos}
    for place in sorted(places):
        if not (path.parent / place).is_file():
            raise ModelError(
                f"{path}: its weights lie in {place!r}, which must be beside it and is not there: "
                "keep the two files together, or export into one file"
            )
    sizes = {place: (path.parent / place).stat().st_size for place in places}
    # Before anything is read: thousands of tensors may name the same bytes.
    size = model.ByteSize() + sum(info.length or sizes[info.location] for info in infos)
    if size > LARGEST_FILE:
        raise ModelError(f"{path}: with its weights it must be below 2 GB, not {size / 1e9:.1f} GB")
    try:
        onnx.load_external_data_for_model(model, str(path.parent))
    except Exception as error:  # too short a file, a path that leads elsewhere
        raise ModelError(f"{path}: its weights in {sorted(places)} cannot be read: "
                         f"{one_line(error)}") from error  # fmt: skip


def _tidy(path: pathlib.Path, model: onnx.ModelProto) -> onnx.ModelProto:
    for part in (*model.opset_import, *model.graph.node):
        if part.domain == "ai.onnx":  # the default domain's other name, which onnx does not know
            part.domain = ""
    if model.functions:
        model = inliner.inline_local_functions(model)
    model.ir_version = max(model.ir_version, 4)
    graph = model.graph
    _store_constants(graph)
    stored = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in stored]
    del graph.input[:]
    graph.input.extend(inputs)
    ordered = [onnx.NodeProto.FromString(view.proto.SerializeToString())
               for view in in_order(str(path), graph)]
    del graph.node[:]
    graph.node.extend(ordered)
    check_slices(str(path), model)
    taken = {node.name for node in graph.node}
    for node in graph.node:  # what is to stay float is named
        if not node.name:
            node.name = next(name for name in _names(node) if name not in taken)
            taken.add(node.name)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.SetInParent()
    model = _newer(path, model)
    model.ir_version = max(model.ir_version, IR_VERSION)
    onnx.checker.check_model(model)
    return model


def _names(node: onnx.NodeProto):
    """Names for a node: its first output, or that with a number."""
    name = next((name for name in node.output if name), node.op_type)
    yield name
    number = 0
    while True:
        number += 1
        yield f"{name}_{number}"


def _store_constants(graph: onnx.GraphProto) -> None:
    """Constant nodes become initializers, where they hold one tensor or numbers."""
    kept = []
    for node in graph.node:
        tensor = _constant(node) if node.op_type == "Constant" and not node.domain else None
        if tensor is None:
            kept.append(node)
        else:
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
    del graph.node[:]
    graph.node.extend(kept)


def _constant(node: onnx.NodeProto) -> onnx.TensorProto | None:
    [attribute] = node.attribute
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return value
    if attribute.name not in _NUMBERS:
        return None
    dims = [len(value)] if isinstance(value, (list, tuple)) else []
    values = value if dims else [value]
    return onnx.helper.make_tensor("", _NUMBERS[attribute.name], dims, values)


def _newer(path: pathlib.Path, model: onnx.ModelProto) -> onnx.ModelProto:
    """The model in an operator set that can be quantised."""
    versions = [entry.version for entry in model.opset_import if not entry.domain]
    newest = onnx.defs.onnx_opset_version()
    if len(versions) != 1 or not 1 <= versions[0] <= newest:
        raise ModelError(f"{path}: the operator set of ONNX must be one version from 1 to "
                         f"{newest}, not {versions or 'missing'}")  # fmt: skip
    if versions[0] >= OPSET:
        return model
    try:
        return version_converter.convert_version(model, OPSET)
    except Exception as error:  # an operator without a way to the newer set
        raise ModelError(
            f"{path}: its operator set {versions[0]} cannot be brought to {OPSET}: "
            f"{one_line(error)}; export it with opset {OPSET} or newer"
        ) from error
