"""The notes' examples, and the formulas against what the layers really do."""

import itertools

import numpy as np
import pytest

from accel.golden import arithmetic, conv, pool


def test_ten_5x5_filters_on_32x32x3():
    shape = arithmetic.conv_output_shape((3, 32, 32), 10, 5, stride=1, padding=2)
    assert shape == (10, 32, 32)
    assert arithmetic.conv_parameters(3, 10, 5) == 760  # 10 * (5 * 5 * 3 + 1)
    assert arithmetic.conv_macs((3, 32, 32), 10, 5, 1, 2) == 32 * 32 * 10 * 75
    assert arithmetic.conv_macs((3, 32, 32), 10, 5) == 28 * 28 * 10 * 75


def test_7x7_with_3x3():
    assert arithmetic.output_size(7, 3, 1) == 5
    assert arithmetic.output_size(7, 3, 2) == 3
    with pytest.raises(ValueError) as caught:
        arithmetic.output_size(7, 3, 3)
    assert str(caught.value) == (
        "stride must divide size - kernel + padding = 4 (or ask for floor), not be 3: "
        "the output size 4/3 + 1 is not whole"
    )
    assert arithmetic.output_size(7, 3, 3, floor=True) == 2
    with pytest.raises(ValueError, match="is not whole$"):
        arithmetic.conv_output_shape((1, 7, 7), 1, 3, 3)
    assert arithmetic.conv_output_shape((1, 7, 7), 1, 3, 3, floor=True) == (1, 2, 2)


def test_the_inception_bottleneck():
    assert arithmetic.conv_parameters(16, 32, 3, bias=False) == 4608  # 3 * 3 * 16 * 32
    narrow = arithmetic.conv_parameters(16, 5, 1, bias=False)
    wide = arithmetic.conv_parameters(5, 32, 3, bias=False)
    assert (narrow, wide, narrow + wide) == (80, 1440, 1520)


def test_groups_and_dense():
    assert arithmetic.conv_parameters(96, 256, 5, groups=2) == 256 * (25 * 48 + 1)  # AlexNet's 2nd
    assert arithmetic.conv_macs((96, 27, 27), 256, 5, 1, 2, groups=2) == 27 * 27 * 256 * 25 * 48
    assert arithmetic.dense_parameters(9216, 4096) == 37_752_832
    assert arithmetic.dense_macs(9216, 4096) == 37_748_736


def test_pool_shapes():
    assert arithmetic.pool_output_shape((64, 112, 112), 2) == (64, 56, 56)
    assert arithmetic.pool_output_shape((64, 112, 112), 3, 2, 1, floor=True) == (64, 56, 56)
    assert arithmetic.pool_output_shape((64, 112, 112), 3, 2, ceil=True) == (64, 56, 56)
    assert arithmetic.pool_output_shape((96, 55, 55), 3, 2) == (96, 27, 27)
    with pytest.raises(ValueError, match="^stride must divide size - kernel [+] padding = 109 "):
        arithmetic.pool_output_shape((64, 112, 112), 3, 2)


def test_receptive_fields():
    assert arithmetic.receptive_field([]) == 1
    assert arithmetic.receptive_field([(3, 1)] * 2) == 5  # two 3x3 see what one 5x5 sees
    assert arithmetic.receptive_field([(3, 1)] * 3) == 7
    assert arithmetic.receptive_field([(7, 2), (3, 2), (3, 1)]) == 7 + 2 * 2 + 2 * 4
    assert arithmetic.receptive_field([(3, 1, 2)]) == 5
    assert arithmetic.receptive_field([(1, 2), (3, 1), (1, 1, 7)]) == 1 + 2 * 2


@pytest.mark.parametrize("layers", [[(3, 2), (2, 1), (3, 3)], [(2, 2, 3), (3, 1, 2)]])
def test_receptive_field_is_what_the_gradient_reaches(layers):
    length = arithmetic.receptive_field(layers)
    x = [np.ones((1, 1, 1, length))]
    for kernel, stride, dilation in (layer if len(layer) == 3 else (*layer, 1) for layer in layers):
        x.append(conv.conv2d(x[-1], np.ones((1, 1, 1, kernel)), stride=stride, dilation=dilation))
    assert x[-1].size == 1  # one element longer than this, and nothing would see it
    dy = x.pop()
    for kernel, stride, dilation in (
        layer if len(layer) == 3 else (*layer, 1) for layer in layers[::-1]
    ):
        dy, _, _ = conv.conv2d_backward(
            dy, x.pop(), np.ones((1, 1, 1, kernel)), stride=stride, dilation=dilation
        )
    assert dy[..., 0].all() and dy[..., -1].all()


def test_shapes_are_what_the_layers_give():
    for size, kernel, stride, pad, dilation in itertools.product(
        (5, 8), (1, 3), (1, 2, 3), (0, 1, (0, 2, 1, 1), "same"), (1, 2)
    ):
        x = np.ones((1, 2, size, size + 1))
        y = conv.conv2d(x, np.ones((3, 2, kernel, kernel)), stride=stride, padding=pad,
                        dilation=dilation)
        options = (kernel, stride, pad, dilation)
        shape = arithmetic.conv_output_shape(x.shape[1:], 3, *options, floor=True)
        assert shape == y.shape[1:]
        assert arithmetic.conv_macs(x.shape[1:], 3, *options, floor=True) == (
            y.size * 2 * kernel * kernel
        )
    for ceil, stride, pad in itertools.product((False, True), (1, 2, 3, None), (0, 1)):
        y, _ = pool.max_pool(np.ones((1, 2, 8, 9)), 3, stride, pad, ceil=ceil)
        assert y.shape[1:] == arithmetic.pool_output_shape(
            (2, 8, 9), 3, stride, pad, floor=True, ceil=ceil
        )


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: arithmetic.output_size(5, 7), "kernel must fit the padded size 5, not be 7 with "
                                               "dilation 1"),
        (lambda: arithmetic.output_size(5, 3, 0), "stride must be a whole number of at least 1, "
                                                  "not 0"),
        (lambda: arithmetic.output_size(5, 3, dilation=0),
         "dilation must be a whole number of at least 1, not 0"),
        (lambda: arithmetic.output_size(5.0, 3), "size must be a whole number of at least 1, "
                                                 "not 5.0"),
        (lambda: arithmetic.conv_output_shape((32, 32), 1, 3),
         "shape must be (channels, height, width), not (32, 32)"),
        (lambda: arithmetic.conv_parameters(3, 4, 3, groups=2),
         "groups must divide the 3 channels and the 4 filters, not 2"),
        (lambda: arithmetic.dense_macs(0, 3), "inputs must be a whole number of at least 1, not 0"),
        (lambda: arithmetic.receptive_field([3]),
         "layers must be (kernel, stride[, dilation]), not 3"),
    ],
)  # fmt: skip
def test_errors(call, message):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message
