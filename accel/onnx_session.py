"""Sessions of ONNX Runtime that compute integer layers exactly: the only place that makes any.

ONNX Runtime chooses its kernels by the processor, and not all of them compute the same.  On x86-64
with AVX2 or AVX-512 but without VNNI, the kernels for uint8 activations and int8 weights ("U8S8")
use ``vpmaddubsw``: it multiplies two pairs of bytes and adds the two products in *16 bits, with
saturation*.  255 * 127 + 255 * 127 = 64,770 becomes 32,767, and a whole network differs by a
hundred steps and in its top-1.  That trades accuracy for speed; an oracle it is not.

Three things make a session exact everywhere, and integer wherever it can be:

- Where uint8 activations meet int8 weights, these become uint8 with a zero point of 128
  (``accel.onnx_unsigned``), for which the kernels add in 32 bits.  It is done only where it is
  needed: with VNNI all kernels are exact, and uint8 weights would take 2.5 times as long there (as
  a yardstick of speed that would flatter us).  ONNX Runtime can do it itself
  (``session.x64quantprecision`` = 1), but does not reach every layer.
- ``session.qdqisint8allowed`` = 1 computes int8 files of the QDQ form (``accel quantize`` writes
  them) as they are.  Without it ONNX Runtime on x86 turns their activations into uint8, and the
  layers into U8S8, where it can, and leaves the other layers in float.
- All graph optimisations, as by default.
"""

import functools
import os

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from accel.onnx_unsigned import mixed, unsigned


def session(
    model: onnx.ModelProto | bytes | str | os.PathLike, threads: int = 1,
    profile: str | None = None,
):  # fmt: skip
    """Return an exact ``onnxruntime.InferenceSession`` on the processor.

    Args:
        model: or the bytes or the path of its file.
        threads: that ONNX Runtime may use within an operator.
        profile: what the name of a file begins with that ONNX Runtime writes each node's time to.
    """
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # errors are raised
    if profile is not None:
        options.enable_profiling, options.profile_file_prefix = True, profile
    if saturates() and mixed(_read(model)):
        model = unsigned(_read(model, whole=True))
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


def _read(model, whole=False) -> onnx.ModelProto:
    """The model itself; of a file, with the weights that lie in files beside it or without."""
    if isinstance(model, onnx.ModelProto):
        return model
    if isinstance(model, bytes):
        return onnx.load_from_string(model)
    return onnx.load(model, load_external_data=whole)


def _open(model, options) -> onnxruntime.InferenceSession:
    """Without a second try, of which its Python would print a notice."""
    if isinstance(model, onnx.ModelProto):
        model = model.SerializeToString()
    elif not isinstance(model, bytes):
        model = os.fspath(model)
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], enable_fallback=0
    )
