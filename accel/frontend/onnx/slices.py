"""Slices of what would have fewer than no rows: refused before a library sees them.

A window larger than what it goes over makes a size negative.  No library minds at first, but where
a Slice comes behind it, the shape inference of onnx, and of ONNX Runtime, which has the same, ends
the whole process (an assertion of C++, in onnx 1.23 and ONNX Runtime 1.32).  So sizes are inferred
up to the first Slices of every path, looked at, then up to the next ones, and so on; of long chains
of Slices only as far as that takes a fraction of a second.  Into functions and the graphs of
control flow nothing looks, so neither does the inference here.
"""

import collections
import math

import onnx

from accel.frontend.onnx.order import in_order

#: Elements of constants that may be sizes, and are inferred with.
_SIZES = 64
#: Nodes whose sizes are inferred, those that are inferred again included.
_MOST = 50_000


def check_slices(file: str, model: onnx.ModelProto) -> None:
    """Refuse a model with a Slice of something of negative size.

    Raises:
        ModelError: naming the file, the node, its input and the sizes.
    """
    if all(node.op_type != "Slice" for node in model.graph.node):
        return
    levels, rounds = collections.defaultdict(int), collections.defaultdict(list)
    for view in in_order(file, model.graph):
        node = view.proto
        level = max((levels[name] for name in node.input), default=0)
        rounds[level].append(view)
        levels.update(dict.fromkeys(node.output, level + (node.op_type == "Slice")))
    skeleton, slices, inferred = _skeleton(model), [], 0
    for level in range(len(rounds)):
        skeleton.graph.node.extend(view.proto for view in slices)
        slices = [view for view in rounds[level] if view.proto.op_type == "Slice"]
        for view in rounds[level]:
            _add(skeleton.graph, view.proto)
        inferred += len(skeleton.graph.node)
        if inferred > _MOST:
            return
        sizes = sizes_of(skeleton)
        for view in slices:
            found = sizes.get(view.proto.input[0], [])
            if min(found, default=0) < 0:
                raise view.error(f"input {view.proto.input[0]!r} must not have negative sizes, as "
                                 f"behind a window larger than the image, not {found}")


def _skeleton(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without nodes and functions, and large constants without their values.

    Inputs of -1 rows, as some writers have them, are inputs of any number.
    """
    result = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    result.graph.name = model.graph.name
    result.graph.input.extend(model.graph.input)
    for value in result.graph.input:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_value < 0:
                dim.ClearField("dim_value")
    for tensor in model.graph.initializer:
        _add_constant(result.graph, tensor)
    return result


def _add(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """Add a node to the skeleton, unless it is a Slice or has a graph inside."""
    kinds = onnx.AttributeProto
    if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
        tensor = onnx.TensorProto()
        tensor.CopyFrom(node.attribute[0].t)
        tensor.name = node.output[0]
        _add_constant(graph, tensor)
    elif node.op_type != "Slice" and node.domain in ("", "ai.onnx") and not any(
        item.type in (kinds.GRAPH, kinds.GRAPHS) for item in node.attribute
    ):
        graph.node.append(node)


def _add_constant(graph: onnx.GraphProto, tensor: onnx.TensorProto) -> None:
    if math.prod(tensor.dims) <= _SIZES:
        graph.initializer.append(tensor)
    else:
        graph.input.append(
            onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )


def sizes_of(model: onnx.ModelProto) -> dict[str, list[int]]:
    """The known sizes of all values; where nothing can be inferred, what the inputs say."""
    try:
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError):
        graph = model.graph
    return {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.value_info)
    }
