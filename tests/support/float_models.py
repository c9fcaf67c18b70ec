"""Small float ONNX models in the many forms in which people's tools write them."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.support.onnx_models import Model

IMAGES = np.random.default_rng(3).standard_normal((6, 3, 8, 8)).astype(np.float32)


class Float(Model):
    """A model of float layers with seeded random weights."""

    def __init__(self, shape=("N", 3, 8, 8), opset=17, seed=0):
        super().__init__(list(shape), opset)
        self.rng = np.random.default_rng(seed)

    def floats(self, name, *shape, low=-1.0, high=1.0):
        return self.const(name, self.rng.uniform(low, high, shape), np.float32)

    def conv(self, source, name, cin, cout, k=3, **attributes):
        w = self.floats(f"{name}_w", cout, cin, k, k, low=-0.4, high=0.4)
        return self.node("Conv", [source, w, self.floats(f"{name}_b", cout)], name,
                         pads=[k // 2] * 4, **attributes)

    def norm(self, source, name, channels):
        parts = [self.floats(f"{name}_{part}", channels, low=low, high=2.0)
                 for part, low in (("scale", -1), ("shift", -1), ("mean", -1), ("var", 0.3))]
        return self.node("BatchNormalization", [source, *parts], name)

    def relu(self, source):
        return self.node("Relu", [source], f"{source}_relu")

    def end(self, source, channels, classes=5):
        """Global average pooling and a layer of classes."""
        pooled = self.node("GlobalAveragePool", [source], "pooled")
        flat = self.node("Flatten", [pooled], "flat")
        w = self.floats("fc_w", channels, classes)
        return self.output(self.node("Gemm", [flat, w, self.floats("fc_b", classes)], "y"))


def dense():
    """Batch normalisation in front of ReLU and convolution, on a concatenation."""
    model = Float()
    a = model.conv("x", "a", 3, 4)
    joined = model.node("Concat", [a, "x"], "joined", axis=1)
    b = model.conv(model.relu(model.norm(joined, "n", 7)), "b", 7, 6)
    return model.end(model.relu(model.norm(b, "m", 6)), 6)


def normalised():
    """The mean and deviation of images within the graph."""
    model = Float()
    scaled = model.node("Div", ["x", model.const("most", 255.0, np.float32)], "scaled")
    mean = model.const("mean", np.reshape([0.1, -0.2, 0.3], (1, 3, 1, 1)), np.float32)
    centred = model.node("Sub", [scaled, mean], "centred")
    deviation = model.const("deviation", np.reshape([0.2, 0.3, 0.4], (3, 1, 1)), np.float32)
    return model.end(model.relu(model.conv(
        model.node("Div", [centred, deviation], "normal"), "a", 3, 4)), 4)


def normalised_hwc():
    """The same of images in HWC order, as TensorFlow has them."""
    model = Float(("N", 8, 8, 3))
    scaled = model.node("Mul", ["x", model.const("most", 1 / 255, np.float32)], "scaled")
    centred = model.node("Sub", [scaled, model.const("mean", [0.1, -0.2, 0.3], np.float32)], "c")
    normal = model.node("Div", [centred, model.const("deviation", [[[0.2, 0.3, 0.4]]], np.float32)],
                        "normal")
    turned = model.node("Transpose", [normal], "turned", perm=[0, 3, 1, 2])
    return model.end(model.relu(model.conv(turned, "a", 3, 4)), 4)


def on_pixels(batch):
    """A layer of every pixel's channels, in HWC order."""
    model = Float((batch, 3, 8, 8))
    a = model.relu(model.conv("x", "a", 3, 4))
    turned = model.node("Transpose", [a], "turned", perm=[0, 2, 3, 1])
    product = model.node("MatMul", [turned, model.floats("m_w", 4, 6)], "product")
    total = model.node("Add", [product, model.floats("m_b", 6)], "total")
    back = model.node("Transpose", [total], "back", perm=[0, 3, 1, 2])
    return model.end(model.relu(back), 6)


def per_channel(op, first):
    """An operator with a constant per channel between two ReLUs."""
    model = Float()
    a = model.relu(model.conv("x", "a", 3, 4))
    c = model.floats("c", 4, 1, 1, low=0.5, high=2.0)
    made = model.node(op, [c, a] if first else [a, c], "made")
    return model.end(model.conv(made, "b", 4, 4), 4)


def folded_late():
    """Batch normalisation behind a transposed convolution."""
    model = Float()
    w = model.floats("t_w", 3, 4, 2, 2, low=-0.4, high=0.4)
    up = model.node("ConvTranspose", ["x", w], "t", strides=[2, 2])
    return model.end(model.relu(model.norm(up, "n", 4)), 4)


def means(opset, axes, keep):
    """Global average pooling as ReduceMean, in both forms of its axes."""
    model = Float(opset=opset)
    a = model.relu(model.conv("x", "a", 3, 4))
    if opset >= 18:
        pooled = model.node("ReduceMean", [a, model.const("axes", axes, np.int64)], "pooled",
                            keepdims=keep)
    else:
        pooled = model.node("ReduceMean", [a], "pooled", axes=axes, keepdims=keep)
    flat = model.node("Flatten", [pooled], "flat") if keep else pooled
    w = model.floats("fc_w", 4, 5)
    return model.output(model.node("Gemm", [flat, w, model.floats("fc_b", 5)], "y"))


def plain(shape=("N", 3, 8, 8), opset=17):
    """Convolution, ReLU, classes."""
    model = Float(shape, opset)
    return model.end(model.relu(model.conv("x", "a", 3, 4)), 4)


def reshaped(batch, target):
    """Pooled features brought to rows by a Reshape that may repeat the batch."""
    model = Float((batch, 3, 8, 8))
    pooled = model.node("GlobalAveragePool", [model.relu(model.conv("x", "a", 3, 4))], "pooled")
    flat = model.node("Reshape", [pooled, model.const("to", target, np.int64)], "flat")
    w = model.floats("fc_w", 4, 5)
    return model.output(model.node("Gemm", [flat, w, model.floats("fc_b", 5)], "y"))


def biased(bias):
    """A layer of classes with an addend that is no vector."""
    model = Float()
    pooled = model.node("GlobalAveragePool", [model.relu(model.conv("x", "a", 3, 4))], "pooled")
    flat = model.node("Flatten", [pooled], "flat")
    b = model.const("fc_b", bias, np.float32)
    return model.output(model.node("Gemm", [flat, model.floats("fc_w", 4, 5), b], "y"))


def mixed():
    """The mean over the batch: every image's result depends on all others."""
    model = Float((4, 3, 8, 8))
    a = model.conv("x", "a", 3, 4)
    mean = model.node("ReduceMean", [a], "mean", axes=[0], keepdims=1)
    return model.end(model.node("Sub", [a, mean], "less"), 4)


def own_shape():
    """A Reshape whose target the graph computes from the input's own shape."""
    model = Float()
    pooled = model.node("GlobalAveragePool", [model.relu(model.conv("x", "a", 3, 4))], "pooled")
    shape = model.node("Shape", ["x"], "shape")
    first = model.node("Gather", [shape, model.const("zero", [0], np.int64)], "first", axis=0)
    to = model.node("Concat", [first, model.const("rest", [-1], np.int64)], "to", axis=0)
    flat = model.node("Reshape", [pooled, to], "flat")
    w = model.floats("fc_w", 4, 5)
    return model.output(model.node("Gemm", [flat, w, model.floats("fc_b", 5)], "y"))


def constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """All initializers as Constant nodes."""
    nodes = [helper.make_node("Constant", [], [tensor.name], value=tensor)
             for tensor in model.graph.initializer]
    rest = list(model.graph.node)
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes + rest)
    return model


def unsorted(model: onnx.ModelProto) -> onnx.ModelProto:
    """The nodes the other way round."""
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def version_3(model: onnx.ModelProto) -> onnx.ModelProto:
    """Initializers that are inputs as well, as the old format wanted them."""
    model.graph.input.extend(
        helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        for tensor in model.graph.initializer
    )
    model.ir_version = 3
    return model


def function(model: onnx.ModelProto) -> onnx.ModelProto:
    """The ReLU as a function of the file's own, as PyTorch's new exporter writes modules."""
    body = helper.make_function(
        "own", "Activation", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    model.functions.append(body)
    model.opset_import.append(helper.make_opsetid("own", 1))
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.op_type, node.domain = "Activation", "own"
    return model


def untyped(model: onnx.ModelProto) -> onnx.ModelProto:
    """Outputs without a shape."""
    for value in model.graph.output:
        value.type.CopyFrom(onnx.TypeProto())
        value.type.tensor_type.elem_type = TensorProto.FLOAT
    return model
