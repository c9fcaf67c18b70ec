"""Stored tensors: checked before anyone asks for their data, then read."""

import math

import numpy as np
import onnx

from accel.frontend.errors import ModelError

#: Most elements of a stored tensor.
LARGEST_STORED = 1 << 29


def check_stored(file: str, tensor: onnx.TensorProto) -> None:
    """Refuse data that lie elsewhere or do not fill the dimensions, before anyone asks for them."""
    where = f"{file}: initializer {tensor.name!r}"
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise ModelError(f"{where}: data must lie in the file itself, not in another one")
    size = math.prod(tensor.dims)
    if size > LARGEST_STORED or any(dim < 0 for dim in tensor.dims):
        raise ModelError(f"{where}: dimensions must hold at most {LARGEST_STORED} elements, "
                         f"not {list(tensor.dims)[:8]}")


def read_tensor(file: str, tensor: onnx.TensorProto) -> np.ndarray:
    """Convert an ONNX tensor, refusing one whose data do not fit its dimensions."""
    check_stored(file, tensor)
    try:
        array = onnx.numpy_helper.to_array(tensor)
        if array.shape != tuple(tensor.dims):
            raise ValueError(f"{array.shape}")
    except (ValueError, TypeError, KeyError, RuntimeError, OSError, MemoryError,
            OverflowError) as error:
        raise ModelError(
            f"{file}: initializer {tensor.name!r}: data must fit its dimensions "
            f"{list(tensor.dims)} and type {tensor.data_type}, not: {error}"
        ) from None
    return array
