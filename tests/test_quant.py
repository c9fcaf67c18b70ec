import math

import numpy as np
import pytest

from accel.isa import Rounding
from accel.quant import QuantError, quantize_multiplier, quantize_multipliers, requantise
from tests.support import naive


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (1.0, (1 << 30, 1)),
        (0.5, (1 << 30, 0)),
        (0.75, (3 << 29, 0)),
        (2.0**-31, (1 << 30, -30)),
        (2.0**-32, (1 << 30, -31)),
        (2.0**-33, (0, 0)),
        (1 - 2.0**-40, (1 << 30, 1)),  # rounds up to 2**31, which is the next power of two
        (2.0**29, (1 << 30, 30)),
    ],
)
def test_quantize_multiplier(real, expected):
    assert quantize_multiplier(real) == expected


@pytest.mark.parametrize(
    ("real", "text"),
    [
        (0.0, "must be positive and finite, not 0.0"),
        (-1.5, "must be positive and finite, not -1.5"),
        (math.nan, "must be positive and finite, not nan"),
        (math.inf, "must be positive and finite, not inf"),
        (2.0**30, r"must be below 2\*\*30"),
    ],
)
def test_quantize_multiplier_refuses(real, text):
    with pytest.raises(QuantError, match=text):
        quantize_multiplier(real)


def test_multiplier_is_precise():
    for real in np.random.default_rng(1).uniform(1e-6, 1e3, 200):
        multiplier, shift = quantize_multiplier(real)
        assert 1 << 30 <= multiplier < 1 << 31
        assert multiplier * 2.0 ** (shift - 31) == pytest.approx(real, rel=2.0**-31)


def test_multipliers_have_the_graphs_types():
    multiplier, shift = quantize_multipliers([0.5, 0.001])
    assert (multiplier.dtype, shift.dtype) == (np.int32, np.int8)


EDGES = [0, 1, -1, 2, -2, 3, -3, 127, -128, 1 << 20, -(1 << 20), (1 << 31) - 1, -(1 << 31)]


@pytest.mark.parametrize("rounding", Rounding)
def test_rounding_equals_rational_arithmetic(rounding):
    rng = np.random.default_rng(int(rounding))
    for shift in (*range(-31, 31, 3), -1, 0, 1):
        # Sums whose results are small, with many exact ties (multiplier 2**30).
        reach = int(min(2.0 ** (9 - shift), (1 << 31) - 1))
        sums = [*EDGES, *rng.integers(-reach - 1, reach + 1, 40).tolist()]
        for multiplier in (1 << 30, (1 << 31) - 1, int(rng.integers(1 << 30, 1 << 31)), 0):
            expected = [naive.requantise(s, multiplier, shift, rounding, 5, -120, 101)
                        for s in sums]
            actual = requantise(np.array(sums, np.int32), multiplier, shift, rounding, 5, -120, 101)
            assert actual.tolist() == expected, (shift, multiplier)


@pytest.mark.parametrize(
    ("rounding", "results"),
    [
        # sums -6, -2, 2, 6 times 1/4 are -1.5, -0.5, 0.5, 1.5
        (Rounding.SINGLE, [-1, 0, 1, 2]),
        (Rounding.AWAY, [-2, -1, 1, 2]),
        (Rounding.DOUBLE, [-2, -1, 1, 2]),  # the second of its roundings is away
    ],
)
def test_ties(rounding, results):
    sums = np.array([-6, -2, 2, 6], np.int32)
    assert requantise(sums, 1 << 30, -1, rounding).tolist() == results


def test_double_rounding_differs_from_single():
    # 0.49999 rounds to 0 once, but to 1/2 first and then to 1.
    multiplier, sums = (1 << 31) - 1, np.array([1, -1], np.int32)
    assert requantise(sums, multiplier, -1, Rounding.SINGLE).tolist() == [0, 0]
    assert requantise(sums, multiplier, -1, Rounding.DOUBLE).tolist() == [1, -1]


def test_columns_have_their_own_factors():
    sums = np.full((2, 3), 1000, np.int32)
    out = requantise(sums, [1 << 30] * 3, [-4, -5, -6], Rounding.SINGLE)
    assert out.tolist() == [[31, 16, 8]] * 2
