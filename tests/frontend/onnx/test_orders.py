"""How ONNX values lie in memory."""

import pytest

from accel.frontend.onnx.orders import memory_shape


@pytest.mark.parametrize("shape, order, expected", [
    ((3, 4, 5), (3, 20), (4, 5, 3)), ((3, 4, 5), (1, 60), (1, 1, 60)), ((4, 6), (4, 6), (1, 6, 4)),
    ((4, 6), (1, 24), (1, 1, 24)), ((7,), (1, 7), (1, 1, 7)), ((1,), (1, 1), (1, 1, 1)),
])  # fmt: skip
def test_images_lines_and_vectors(shape, order, expected):
    assert memory_shape(shape, order) == expected
