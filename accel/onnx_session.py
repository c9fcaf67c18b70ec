"""Sessions of ONNX Runtime that compute integer layers exactly: the only place that makes any.

ONNX Runtime chooses its kernels by the processor, and not all of them compute the same.  On x86-64
with AVX2 or AVX-512 but without VNNI, the kernels for uint8 activations and int8 weights ("U8S8")
use ``vpmaddubsw``: it multiplies two pairs of bytes and adds the two products in *16 bits, with
saturation*.  255 * 127 + 255 * 127 = 64,770 becomes 32,767, and a whole network differs by a
hundred steps and in its top-1.  That trades accuracy for speed; an oracle it is not.

Three settings make a session exact everywhere, and integer wherever it can be:

- ``session.x64quantprecision`` = 1 turns constant int8 weights into uint8 with a zero point of
  128, for which the kernels add in 32 bits.  It is set only where it is needed: with VNNI all
  kernels are exact, and uint8 weights would take 2.5 times as long there (as a yardstick of speed
  that would flatter us).  And it must not be set for files whose activations are int8 ("S8S8",
  always exact): ONNX Runtime would turn their weights, too, and then finds no kernel for them.
- ``session.qdqisint8allowed`` = 1 computes int8 files of the QDQ form (``accel quantize`` writes
  them) as they are.  Without it ONNX Runtime on x86 turns their activations into uint8, and the
  layers into U8S8, where it can, and leaves the other layers in float.
- All graph optimisations, as by default: both settings work within them.
"""

import functools
import os

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

#: What multiplies its first input by weights of its own.
_WEIGHTED = ("Conv", "ConvInteger", "Gemm", "MatMul", "MatMulInteger", "QGemm", "QLinearConv",
             "QLinearMatMul")  # fmt: skip
#: Which input of these tells by its type the type of the result.
_ZERO_POINT = {"QuantizeLinear": 2, "QLinearConv": 7, "QLinearMatMul": 7, "QGemm": 8,
               "QLinearAdd": 7, "QLinearMul": 7, "QLinearConcat": 1}  # fmt: skip
_U8S8, _S8S8 = (TensorProto.UINT8, TensorProto.INT8), (TensorProto.INT8, TensorProto.INT8)


def session(
    model: onnx.ModelProto | bytes | str | os.PathLike, threads: int = 1,
    profile: str | None = None,
):  # fmt: skip
    """Return an exact ``onnxruntime.InferenceSession`` on the processor.

    Args:
        model: or the bytes or the path of its file.
        threads: that ONNX Runtime may use within an operator.
        profile: what the name of a file begins with that ONNX Runtime writes each node's time to.

    Raises:
        ValueError: without VNNI no execution of this model is exact: see ``needs_precision``.
    """
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # errors are raised
    if profile is not None:
        options.enable_profiling, options.profile_file_prefix = True, profile
    if saturates() and needs_precision(_read(model)):
        options.add_session_config_entry("session.x64quantprecision", "1")
    return _open(model, options)


@functools.cache
def saturates() -> bool:
    """Whether U8S8 kernels saturate on this processor: asked of ONNX Runtime itself."""
    w = numpy_helper.from_array(np.full((64, 16), 127, np.int8), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])], "probe",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [1, 64])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [1, 16])], [w],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    [sums] = _open(model, onnxruntime.SessionOptions()).run(
        None, {"x": np.full((1, 64), 255, np.uint8)}
    )
    return bool((sums != 64 * 255 * 127).any())


def needs_precision(model: onnx.ModelProto) -> bool:
    """Whether a model has U8S8 layers.

    Raises:
        ValueError: the setting could not be made, or would not reach all of them.
    """
    found = kinds(model)
    constant, computed = (_U8S8 + (fixed,) in found for fixed in (True, False))
    if constant and (*_S8S8, True) in found:
        problem = "layers with uint8 and layers with int8 activations in one model"
    elif computed:
        problem = "uint8 activations are multiplied by int8 values that are not constant"
    else:
        return constant
    raise ValueError(
        f"{model.graph.name}: {problem}: ONNX Runtime has no exact execution of it on a processor "
        "without VNNI"
    )


def kinds(model: onnx.ModelProto) -> set[tuple[int, int, bool]]:
    """Types of activations and weights of all layers, and whether the weights are constant.

    Types are TensorProto's numbers; of the QDQ form, those of the integers behind the floats.
    """
    constant = {tensor.name for tensor in model.graph.initializer} | {""}
    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    types |= {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    found = set()
    for node in model.graph.node:
        if node.op_type in _WEIGHTED:
            weights = node.input[3 if node.op_type.startswith("Q") else 1]
            found.add((types.get(node.input[0]), types.get(weights), weights in constant))
        if constant.issuperset(node.input):
            constant.update(node.output)
        types.update(dict.fromkeys(node.output, _type(node, types)))
    return found


def _type(node, types) -> int | None:
    """What a node's results are, or, if they are floats, which integers they come from."""
    zero = _ZERO_POINT.get(node.op_type)
    if zero is not None:
        return types.get(node.input[zero] if len(node.input) > zero else "", TensorProto.UINT8)
    if node.op_type == "Constant":
        return next((item.t.data_type for item in node.attribute if item.name == "value"), None)
    return types.get(node.input[0]) if node.input else None


def _read(model) -> onnx.ModelProto:
    """The model itself, without the weights that lie in files beside it."""
    if isinstance(model, onnx.ModelProto):
        return model
    if isinstance(model, bytes):
        return onnx.load_from_string(model)
    return onnx.load(model, load_external_data=False)


def _open(model, options) -> onnxruntime.InferenceSession:
    if isinstance(model, onnx.ModelProto):
        model = model.SerializeToString()
    elif not isinstance(model, bytes):
        model = os.fspath(model)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
