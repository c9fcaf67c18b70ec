"""Writing small quantised ONNX models for the importer's tests."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Model:
    """Collects nodes and initializers; every method returns the name of what it made."""

    def __init__(self, shape, opset=19, elem_type=TensorProto.FLOAT, name="x"):
        self.inputs = [helper.make_tensor_value_info(name, elem_type, shape)]
        self.outputs, self.nodes, self.initializers = [], [], []
        self.opset = opset

    def const(self, name, array, dtype=None):
        self.initializers.append(numpy_helper.from_array(np.asarray(array, dtype), name))
        return name

    def node(self, op, inputs, output, domain="", **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=f"{output}_node",
                                           domain=domain, **attributes))
        return output

    def params(self, name, scale, zero_point, dtype=np.int8):
        """Scale and zero point initializers."""
        return [self.const(f"{name}_scale", scale, np.float32),
                self.const(f"{name}_zero", zero_point, dtype)]

    def quantise(self, value, scale, zero_point, dtype=np.int8, name=None):
        """QuantizeLinear, then DequantizeLinear."""
        name = name or value
        params = self.params(name, scale, zero_point, dtype)
        self.node("QuantizeLinear", [value, *params], f"{name}_q")
        return self.node("DequantizeLinear", [f"{name}_q", *params], f"{name}_dq")

    def weights(self, name, integers, scale, zero_point=0, dtype=np.int8, axis=0):
        """A stored tensor behind a DequantizeLinear."""
        integers = self.const(f"{name}_q", integers, dtype)
        zero = np.full(np.shape(scale), zero_point, dtype)
        return self.node("DequantizeLinear", [integers, *self.params(name, scale, zero, dtype)],
                         name, axis=axis)

    def output(self, name, elem_type=TensorProto.FLOAT, shape=None):
        self.outputs.append(helper.make_tensor_value_info(name, elem_type, shape))
        return self

    def proto(self):
        graph = helper.make_graph(self.nodes, "graph", self.inputs, self.outputs,
                                  self.initializers)
        return helper.make_model(
            graph, ir_version=9,
            opset_imports=[helper.make_opsetid("", self.opset),
                           helper.make_opsetid("com.microsoft", 1)],
        )

    def save(self, folder, name="model.onnx"):
        path = folder / name
        onnx.save(self.proto(), path)
        return path


def qdq_conv(rng, shape=(1, 3, 8, 7), channels=4, kernel=(3, 3), groups=1, dtype=np.int8,
             per_channel=True, weight_dtype=np.int8, relu=None, **attributes) -> Model:
    """Conv in QDQ form, with an optional activation node between it and its quantisation."""
    centre = 128 if dtype == np.uint8 else 0
    model = Model(list(shape))
    source = model.quantise("x", 0.02, int(rng.integers(-50, 50)) + centre, dtype)
    scale = rng.uniform(0.005, 0.02, channels) if per_channel else rng.uniform(0.005, 0.02)
    weights = rng.integers(-127, 128, (channels, shape[1] // groups, *kernel))
    zero = 128 if weight_dtype == np.uint8 else 0
    weight_name = model.weights("w", weights + zero, scale, zero, weight_dtype)
    bias_scale = np.float64(scale) * 0.02
    bias = model.weights("b", rng.integers(-2000, 2000, channels),
                         np.broadcast_to(bias_scale, channels), 0, np.int32)
    result = model.node("Conv", [source, weight_name, bias], "c", group=groups, **attributes)
    if relu:
        result = model.node(*relu[:1], [result, *relu[1:]], "r")
    out = model.quantise(result, 0.05, int(rng.integers(-50, 50)) + centre, dtype, "y")
    return model.output(out)
