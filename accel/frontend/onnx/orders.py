"""How the elements of an ONNX value lie in memory.

ONNX lists an image's elements channel by channel (CHW), the machine pixel by pixel (HWC).  A
value therefore carries an ``order`` (C, P): its elements lie in memory as P pixels of C channels,
while ONNX numbers them as C planes of P pixels.  Flattening an image keeps its order; the
weights of a fully connected layer behind it are permuted instead of the data.
"""

import numpy as np

Shape = tuple[int, ...]
Order = tuple[int, int]


def order_of(shape: Shape) -> Order:
    """Order of an ONNX shape (without batch): an image's (C, H*W), (1, n) where both agree."""
    size = int(np.prod(shape, dtype=np.int64))
    if len(shape) == 3 and 1 < shape[0] < size:
        return shape[0], size // shape[0]
    return 1, size


def flat(shape: Shape) -> Order:
    """Order of a value whose elements lie in memory as ONNX numbers them."""
    return 1, int(np.prod(shape, dtype=np.int64))


def permutation(order: Order) -> np.ndarray:
    """ONNX's number of each element, listed in memory order."""
    channels, pixels = order
    return np.arange(channels * pixels).reshape(channels, pixels).T.ravel()


def memory_shape(shape: Shape, order: Order) -> tuple[int, int, int]:
    """Shape (height, width, channels) of the tensor that holds an ONNX value."""
    if len(shape) == 3 and order_of(shape) == order:
        channels, height, width = shape
        return height, width, channels
    if len(shape) == 2 and shape[0] == order[0]:  # a line is an image of one row
        return 1, shape[1], shape[0]
    return 1, 1, int(np.prod(shape, dtype=np.int64))
