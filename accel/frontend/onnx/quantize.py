"""Float ONNX to int8 ONNX by ONNX Runtime's own tools: calibrate on images, then quantise.

Its calibration takes the smallest and largest value of every tensor over the images, so the same
model and images give the same file.
"""

import logging
import pathlib
import shutil
import tempfile

import numpy as np
import onnx

from accel.frontend import load
from accel.frontend.errors import ModelError

#: What ONNX Runtime calls the two forms of a quantised file.
FORMS = {"qdq": "QDQ", "qoperator": "QOperator"}


class _Images:
    """The images one by one, as onnxruntime's calibration asks for them."""

    def __init__(self, name: str, images: np.ndarray):
        self.name, self.images = name, iter(images)

    def get_next(self):
        """Return the next image by input name, or None after the last."""
        image = next(self.images, None)
        return None if image is None else {self.name: image[None]}


def _read(source: pathlib.Path) -> onnx.ModelProto:
    try:
        model = onnx.load(source)
        onnx.checker.check_model(model)
    except OSError as error:
        raise ModelError(f"{source}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # whatever a damaged or hostile file provokes
        text = " ".join(str(error).split())
        raise ModelError(f"{source}: not a valid ONNX model: {text}") from error
    return model


def _input(source: pathlib.Path, model: onnx.ModelProto) -> tuple[str, tuple[int, ...]]:
    """Name and image shape of a float model's one input."""
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in stored]
    if len(inputs) != 1:
        raise ModelError(f"{source}: a model to quantise must have one input, not {len(inputs)}")
    kind = inputs[0].type.tensor_type
    quantised = any(node.op_type == "QuantizeLinear" or node.op_type.startswith("QLinear")
                    for node in model.graph.node)  # fmt: skip
    if kind.elem_type != onnx.TensorProto.FLOAT or quantised:
        raise ModelError(f"{source}: a model to quantise must be float32, not quantised already")
    batch = [dim.dim_value for dim in kind.shape.dim[:1] if dim.HasField("dim_value")]
    if batch not in ([], [1]):
        raise ModelError(f"{source}: input {inputs[0].name!r}: batch dimension must be 1 or "
                         f"symbolic, not {batch[0]}: export the model with a free batch")
    shape = tuple(dim.dim_value for dim in kind.shape.dim)[1:]
    if not shape or 0 in shape:
        raise ModelError(f"{source}: input {inputs[0].name!r}: shape must be known, not {shape}")
    return inputs[0].name, shape


def quantize(
    source, target, images, *,
    per_channel: bool = False, form: str = "qdq", reduce_range: bool = False,
    unsigned: bool = False,
) -> None:  # fmt: skip
    """Quantise a float ONNX model to int8 activations and weights.

    Args:
        source: the float model.
        target: where the int8 model goes; written only if the importer takes it.
        images: float32 [n, ...] in the model's own layout, to calibrate with.
        per_channel: one weight scale for every output channel instead of one a layer.
        form: "qdq" (float operators between conversions) or "qoperator" (integer operators).
        reduce_range: weights of 7 bits, -64 to 64, at some cost in accuracy: with them ONNX
            Runtime's default kernels are exact on processors without VNNI, too (they add pairs of
            products in 16 bits; accel.onnx_session).  Golden model and machine always are.
        unsigned: activations of uint8, which ONNX Runtime is fastest with.

    Raises:
        ModelError: naming the file and the rule.
    """
    source, target = pathlib.Path(source), pathlib.Path(target)
    name, shape = _input(source, _read(source))
    images = np.asarray(images)
    if images.dtype != np.float32 or images.shape[1:] != shape or not len(images):
        wanted = ", ".join(map(str, ("N", *shape)))
        raise ModelError(
            f"{source}: calibration images must be float32 ({wanted}), "
            f"not {images.dtype} {images.shape}"
        )
    if not np.isfinite(images).all():
        raise ModelError(f"{source}: calibration images must be finite, not NaN or infinite")
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        result = pathlib.Path(folder) / target.name
        try:
            _quantize(
                source, result, _Images(name, images), per_channel=per_channel,
                quant_format=FORMS[form], reduce_range=reduce_range,
                unsigned=unsigned,
            )  # fmt: skip
        except ModelError as error:
            raise ModelError(f"{source}: {error}") from None
        except Exception as error:  # onnxruntime raises what it likes
            text = " ".join(str(error).split())
            raise ModelError(f"{source}: onnxruntime cannot quantise it: {text}") from error
        try:
            load(result)
        except ModelError as error:
            text = str(error).replace(str(result), str(target))
            raise ModelError(f"quantised, but not for this accelerator: {text}") from None
        shutil.move(result, target)


def _quantize(source, result, reader, *, quant_format: str, unsigned: bool, **options) -> None:
    """Prepare (fold constants and batch normalisation), calibrate, quantise."""
    import onnxruntime
    from onnxruntime import quantization
    from onnxruntime.quantization import shape_inference

    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)  # it advises to prepare the model, which is done here
    onnxruntime.set_default_logger_severity(3)
    try:
        prepared = result.with_name("prepared.onnx")
        shape_inference.quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        _check_folded(onnx.load(prepared))
        quantization.quantize_static(
            str(prepared), str(result), reader,
            quant_format=quantization.QuantFormat[quant_format],
            activation_type=getattr(quantization.QuantType, "QUInt8" if unsigned else "QInt8"),
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax, **options,
        )  # fmt: skip
    finally:
        root.setLevel(before)


def _check_folded(prepared: onnx.ModelProto) -> None:
    """Refuse batch normalisation that preparing could not make part of a layer before it."""
    made_by = {name: node for node in prepared.graph.node for name in node.output}
    for node in prepared.graph.node:
        if node.op_type == "BatchNormalization":
            before = made_by.get(node.input[0])
            what = f"{before.op_type} {before.name!r}" if before else "the network's input"
            raise ModelError(
                f"node {node.name!r} (BatchNormalization): must follow a convolution directly, of "
                f"which it becomes a part, not {what}: move it there, or write it as a depthwise "
                "1x1 convolution"
            )
