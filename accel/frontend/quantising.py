"""What quantising float files has in common, whatever their format."""

import dataclasses
import difflib
import importlib
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from accel.frontend.errors import ModelError

#: Module by the file's suffix; each has a class ``FloatModel``.
FORMATS = {".onnx": "accel.frontend.onnx.quantize", ".tflite": "accel.frontend.tflite.quantize"}


@dataclasses.dataclass(frozen=True)
class Options:
    """How to quantise.

    Attributes:
        per_channel: one weight scale for every output channel instead of one a layer.
        form: "qdq" (float operators between conversions) or "qoperator" (integer operators).
        method: of calibration: "minmax", "entropy" or "percentile".
        reduce_range: weights of 7 bits, -64 to 64, at some cost in accuracy: with them ONNX
            Runtime's default kernels are exact on processors without VNNI, too (they add pairs of
            products in 16 bits; accel.onnx_session).  Golden model and machine always are.
        activations: "int8" or "uint8".
        keep_float: names of nodes that stay float; the host computes them.
    """

    per_channel: bool = False
    form: str = "qdq"
    method: str = "minmax"
    reduce_range: bool = False
    activations: str = "int8"
    keep_float: Sequence[str] = ()

    def told(self, library: str) -> dict:
        """What a report says of the way of quantising."""
        return {
            "library": library, "method": self.method, "per_channel": self.per_channel,
            "reduce_range": self.reduce_range, "activations": self.activations, "form": self.form,
            "keep_float": list(self.keep_float),
        }  # fmt: skip


def float_model(path, shapes: Mapping[str, Sequence[int]] | None = None):
    """Open a float file.

    Args:
        path: of the file.
        shapes: of its inputs by name, batch first, where the file leaves dimensions open.

    Raises:
        ModelError: naming the file and the rule.
    """
    suffix = pathlib.Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise ModelError(f"{os.fspath(path)}: a float network's file must end in one of "
                         f"{sorted(FORMATS)}, not {suffix!r}")  # fmt: skip
    return importlib.import_module(FORMATS[suffix]).FloatModel(path, shapes)


def check_images(file, inputs: Mapping[str, tuple[int, ...]], images) -> dict[str, np.ndarray]:
    """Images by input name; of a model with one input they may be given alone.

    Args:
        file: for messages.
        inputs: shapes without the batch, by name.
        images: float32, along the first axis.

    Raises:
        ModelError: wrong names, shapes, types or values.
    """
    if not isinstance(images, Mapping):
        arrays = list(images) if isinstance(images, (list, tuple)) else [images]
        if len(arrays) != len(inputs):
            raise ModelError(f"{file}: calibration needs images for the inputs {list(inputs)}, "
                             f"not {len(arrays)} arrays")  # fmt: skip
        images = dict(zip(inputs, arrays, strict=True))
    if images.keys() != inputs.keys():
        raise ModelError(f"{file}: the inputs are {list(inputs)}, not {list(images)}")
    images = {name: np.asarray(images[name]) for name in inputs}
    for name, shape in inputs.items():
        array = images[name]
        if array.dtype != np.float32 or array.shape[1:] != shape or not len(array):
            wanted = ", ".join(map(str, ("N", *shape)))
            raise ModelError(f"{file}: calibration images must be float32 ({wanted}), "
                             f"not {array.dtype} {array.shape}")  # fmt: skip
        if not np.isfinite(array).all():
            raise ModelError(f"{file}: calibration images must be finite, not NaN or infinite")
    if len(set(map(len, images.values()))) > 1:
        raise ModelError(f"{file}: all inputs must have the same number of images")
    return images


def unknown(file, name: str, known: Iterable[str]) -> ModelError:
    """The error about a node that is to be kept float and does not exist."""
    known = list(known)
    near = difflib.get_close_matches(name, known, 3, 0) or known[:3]
    return ModelError(f"{file}: no node {name!r} to keep float; the nearest are {near}")
