"""Factors as LiteRT computes them: exact averages, bounds, and the ends of what can be written."""

import math

import numpy as np
import pytest

from accel.frontend.tflite import scales
from accel.quant import QuantError

INFINITE = 3e38


@pytest.mark.parametrize("counts", [range(1, 200), [255, 256, 257, 999, 12544, 50176, 1 << 20]])
def test_reciprocals_divide_exactly(counts):
    for count in counts:
        multiplier, shift = scales.reciprocal(count)
        assert 1 << 30 <= multiplier < 1 << 31
        if count < 1000:
            sums = np.arange(-128 * count, 128 * count, dtype=np.int64)
        else:  # the last sums before each half, the halves, and the first behind them
            halves = np.arange(-255, 256, dtype=np.int64) * count // 2
            sums = np.unique(halves[:, None] + np.arange(-2, 3))
        size = np.abs(sums)
        rounded = (size * multiplier + (1 << (30 - shift))) >> (31 - shift)
        expected = (size + count // 2) // count  # LiteRT's division, away from zero
        np.testing.assert_array_equal(rounded, expected, err_msg=str(count))


@pytest.mark.parametrize("values", [np.float32([0.5, 1.5, -0.5, -2.5, 0.49999997, -0.0, 8388609])])
def test_halves_go_away_from_zero(values):
    assert scales.round_away(values).tolist() == [1, 2, -1, -3, 0, 0, 8388609]


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("NONE", (-128, 127)), ("RELU", (-10, 127)), ("RELU6", (-10, 50)),
     ("RELU_N1_TO_1", (-20, 0))],
)
def test_activation_bounds(activation, expected):
    found = scales.activation_range(activation, np.float32(0.1), -10, -128, 127)
    assert found == expected


def test_activation_bound_at_a_half():
    # 6 / 0.64 = 9.375 and 1 / 0.4 = 2.5, which float32 has as 2.5 exactly.
    assert scales.activation_range("RELU6", np.float32(0.64), 0, -128, 127) == (0, 9)
    assert scales.activation_range("RELU_N1_TO_1", np.float32(0.4), 0, -128, 127) == (-3, 3)


def test_a_uint8_convolution_multiplies_scales_in_float32():
    a, b = np.float32(0.1), np.float32([0.3])
    in32, in64 = (scales.weighted(a, b, np.float32(1), kind)[0][0]
                  for kind in ("float32", "float64"))
    assert in32 == math.frexp(float(a * b[0]))[0] * 2**31  # 24 bits: exact
    assert in64 == round(math.frexp(float(a) * float(b[0]))[0] * 2**31) != in32


def test_a_mean_of_many_keeps_its_shift():
    multiplier, shift = scales.mean(np.float32(1), np.float32(1), 12544)
    assert shift == 1 - 13
    assert multiplier == (1 << 30 << 13) // 12544
    multiplier, shift = scales.mean(np.float32(2.0**-25), np.float32(1), 1 << 10)
    assert (multiplier, shift) == ((1 << 30 << 7) >> 10, -31)


def test_addition_factors():
    first, second, total = scales.addition(np.float32(0.5), np.float32(0.25), np.float32(1))
    assert first == (1 << 30, 0)  # 1/2
    assert second == (1 << 30, -1)  # 1/4
    assert total == (1 << 30, -19)  # 2**-20


@pytest.mark.parametrize(("beta", "scale", "expected"), [
    (1.0, 0.125, (1 << 30, 24)),  # 2**23
    (1.0, INFINITE, ((1 << 31) - 1, 31)),  # capped
])
def test_softmax_factor(beta, scale, expected):
    assert scales.softmax(beta, np.float32(scale)) == expected


def test_the_largest_rescaling():
    assert scales.rescale(3 * 2.0**20) == (3 << 29, 22)


@pytest.mark.parametrize("make", [
    lambda: scales.addition(np.float32(1), np.float32(1), np.float32(1e-45)),
    lambda: scales.addition(np.float32(1), np.float32(1), np.float32(INFINITE)),
    lambda: scales.weighted(np.float32(1e-45), np.float32([1e-45]), np.float32(1), "float32"),
    lambda: scales.weighted(np.float32(1), np.float32([1]), np.float32(1e-45), "float64"),
    lambda: scales.rescale(2.0**22),
])  # fmt: skip
def test_what_cannot_be_written(make):
    with pytest.raises(QuantError, match="must be"):
        make()
