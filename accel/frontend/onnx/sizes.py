"""Sizes of a model's values, inferred without its weights, functions and graphs of control flow."""

import math

import onnx

#: Elements of constants that may be sizes, and are inferred with.
_SIZES = 64


def skeleton(model: onnx.ModelProto) -> onnx.ModelProto:
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


def add(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """Add a node to the skeleton, unless it has a graph inside."""
    kinds = onnx.AttributeProto
    if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
        tensor = onnx.TensorProto()
        tensor.CopyFrom(node.attribute[0].t)
        tensor.name = node.output[0]
        _add_constant(graph, tensor)
    elif node.domain in ("", "ai.onnx") and not any(
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


def known(model: onnx.ModelProto) -> dict[str, list[int]]:
    """The known sizes of all values; where nothing can be inferred, what the inputs say."""
    try:
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError):
        graph = model.graph
    found = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    return found | {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.value_info)
    }
