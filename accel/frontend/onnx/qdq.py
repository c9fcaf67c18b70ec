"""Float layers between DequantizeLinear and QuantizeLinear (the QDQ form).

A handler takes the builder and a node and returns what the node's first output stands for.  An
operator's result stays pending until the QuantizeLinear behind it says how it is quantised.
"""

import dataclasses

import numpy as np

from accel.frontend.notes import EXACT, OWN, STEP, runs
from accel.frontend.onnx import behind, layers, pixels, weighted
from accel.frontend.onnx.build import Builder
from accel.frontend.onnx.elementwise import apply
from accel.frontend.onnx.fused import fused
from accel.frontend.onnx.nodes import NodeView
from accel.frontend.onnx.values import Constant, Hosted, Mean, QuantConstant, Sums


def stored_weights(builder: Builder, node: NodeView, number: int) -> QuantConstant:
    """A layer's weights: a constant that was dequantised."""
    value = builder.value(node, number)
    if isinstance(value, Constant):
        raise node.error(
            f"weights {node.proto.input[number]!r} are {value.array.dtype} without "
            "DequantizeLinear: quantise the model first"
        )
    node.require(isinstance(value, QuantConstant),
                 f"weights {node.proto.input[number]!r} must be constant", "computed")
    return value


def stored_bias(builder: Builder, node: NodeView, number: int):
    """A layer's bias, if it has one: floats, or a constant that was dequantised."""
    if not builder.has(node, number):
        return None
    value = builder.value(node, number)
    if isinstance(value, QuantConstant):
        return value
    node.require(isinstance(value, Constant) and value.array.dtype.kind == "f",
                 f"bias {node.proto.input[number]!r} must be a float or dequantised constant",
                 type(value).__name__.lower())
    return value.array


@runs("array", EXACT, "stored weights with any zero point; groups, dilations, one or two "
      "dimensions")
def conv(builder: Builder, node: NodeView) -> Sums:
    """Conv."""
    source = builder.activation(node, 0, quantised=False)
    weights, bias = stored_weights(builder, node, 1), stored_bias(builder, node, 2)
    return weighted.convolution(node, source, weights, bias)


@runs("array", EXACT, "of a vector, or of all pixels; stored weights with any zero point; transA 0")
def gemm(builder: Builder, node: NodeView) -> Sums:
    """Gemm: alpha * A * B + beta * C."""
    node.require(node.integer("transA", 0) == 0, "transA must be 0", 1)
    beta, bias = node.number("beta", 1.0), stored_bias(builder, node, 2)
    if bias is not None and beta != 1.0:
        bias = (bias.real if isinstance(bias, QuantConstant) else bias) * beta
    source = pixels.seen(builder, node, builder.activation(node, 0, quantised=False))
    return weighted.fully_connected(
        node, source, stored_weights(builder, node, 1), bias,
        0 if node.integer("transB", 0) else 1, node.number("alpha", 1.0),
    )


@runs("array", EXACT, "of a vector, or of all pixels; stored weights with any zero point")
def matmul(builder: Builder, node: NodeView) -> Sums:
    """MatMul of an activation and stored weights."""
    weights = stored_weights(builder, node, 1)
    source = pixels.seen(builder, node, builder.activation(node, 0, quantised=False))
    return weighted.fully_connected(node, source, weights, None, 1)


@runs("window", STEP, "two tensors of one shape, or an image and a pixel [C, 1, 1]")
@runs("array", STEP, "a constant for each channel")
@runs("table", EXACT, "one number, or of one byte")
def add(builder: Builder, node: NodeView):
    """Add of two activations, or of a constant: a bias that its layer did not take."""
    values = [builder.value(node, number) for number in (0, 1)]
    known = [isinstance(value, (Constant, QuantConstant)) for value in values]
    node.require(not all(known), "Add must add something to an activation", "two constants")
    if not any(known):
        return layers.total(node, *pixels.together(builder, node, *(
            builder.activation(node, number, quantised=False) for number in (0, 1))))
    number = known.index(False)
    constant, value = values[1 - number], values[number]
    real = constant.real if isinstance(constant, QuantConstant) else constant.array
    node.require(real.dtype.kind == "f" and np.isfinite(real).all(),
                 "addend must be finite floats", real.dtype)
    if behind.takes(value):
        bias = behind.per_channel(node, value, real)
        stored = isinstance(constant, QuantConstant)
        return behind.shifted(node, value, constant if stored else bias)
    if real.size == 1:
        made = apply(builder, node, number, lambda x: x + np.float32(real.ravel()[0]))
        layers.check_rank(node, made, real)
        return fused(builder, node, made, values)
    source = builder.activation(node, number, quantised=False)
    return weighted.add_constant(source, node, real)


@runs("window", STEP, "windows of one size have one divisor")
def average_pool(builder: Builder, node: NodeView) -> Mean:
    """AveragePool."""
    return layers.average_pool(node, builder.activation(node, 0, quantised=False))


@runs("window", STEP)
def global_average_pool(builder: Builder, node: NodeView) -> Mean:
    """GlobalAveragePool."""
    return layers.global_average_pool(node, builder.activation(node, 0, quantised=False))


@runs("window", STEP, "over rows and columns")
def reduce_mean(builder: Builder, node: NodeView):
    """ReduceMean over rows and columns: a global average."""
    axes = builder.constant(node, 1)
    axes = node.attributes.get("axes") if axes is None else axes.ravel().tolist()
    source = builder.activation(node, 0, quantised=False)
    keep = layers.whole_image(node, 1 + len(source.shape), axes)
    mean = dataclasses.replace(layers.global_average_pool(node, source), apart=True)
    return mean if keep else dataclasses.replace(mean, shape=mean.shape[:1])


@runs("host", OWN, "over the channels an exact twin, else ONNX Runtime")
def softmax(builder: Builder, node: NodeView) -> Hosted:
    """Softmax; before opset 13 over all dimensions from the axis on."""
    joint = builder.opset < 13
    source = builder.activation(node, 0, quantised=False)
    return layers.softmax(node, source, node.integer("axis", 1 if joint else -1), joint)


@runs("host", STEP, "a twin of it in float32")
def local_response(builder: Builder, node: NodeView) -> Hosted:
    """LRN."""
    return layers.local_response(node, builder.activation(node, 0, quantised=False))


@runs("host", OWN, "with all that its scales go to: quantise statically")
def dynamic(builder: Builder, node: NodeView):
    """Refuse: its scales are not known before the network runs."""
    raise node.error("scales must be stored, not computed at run time: quantise statically")


HANDLERS = {
    "Conv": conv, "Gemm": gemm, "MatMul": matmul, "Add": add, "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool, "ReduceMean": reduce_mean, "Softmax": softmax,
    "LRN": local_response,
}  # fmt: skip
#: Operators that are refused, each with its reason.
REFUSED = {"DynamicQuantizeLinear": dynamic}
