import math

import numpy as np
import pytest

from accel import quant
from accel.golden.requant import requantise_rows
from accel.isa import FLOATS, Rounding
from accel.quant import (
    FLOAT_UNIT,
    QuantError,
    float_multiplier,
    float_multipliers,
    quantize_multiplier,
    quantize_multipliers,
    requantise,
)
from tests.support import naive

#: Factors that no multiplier stands for, and what is said about them.
REFUSED = [
    (0.0, "must be positive and finite, not 0.0"),
    (-1.5, "must be positive and finite, not -1.5"),
    (math.nan, "must be positive and finite, not nan"),
    (math.inf, "must be positive and finite, not inf"),
    (2.0**30, r"must be below 2\*\*30, not 1073741824.0"),
]


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


@pytest.mark.parametrize(("real", "text"), REFUSED)
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
            if rounding in FLOATS:
                multiplier -= multiplier % FLOAT_UNIT
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
        (Rounding.FLOAT, [-2, 0, 0, 2]),
        (Rounding.FLOAT_ODD, [-1, -1, 1, 1]),
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


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (1.0, (1 << 30, 1)),
        (0.1, (0xCCCCCD << 7, -3)),  # float32(0.1) = 0xCCCCCD * 2**-27
        (1 - 2.0**-24, (0xFFFFFF << 7, 0)),
        (1 - 2.0**-26, (1 << 30, 1)),  # rounds up to the next power of two
        (2.0**-32, (1 << 30, -31)),
        (2.0**-33, (0, 0)),
        (1e-60, (0, 0)),  # 0 as a float32
        (2.0**30 - 64, (0xFFFFFF << 7, 30)),
    ],
)
def test_float_multiplier(real, expected):
    assert float_multiplier(real) == expected


@pytest.mark.parametrize(
    ("real", "text"),
    [
        *REFUSED,
        (2.0**30 - 1, r"must be below 2\*\*30"),  # 2**30 as a float32
        (1e60, r"must be below 2\*\*30, not 1e\+60"),
    ],
)
def test_float_multiplier_refuses(real, text):
    with pytest.raises(QuantError, match=text):
        float_multiplier(real)


def test_float_multiplier_is_the_float32():
    reals = np.exp2(np.random.default_rng(2).uniform(-32, 30, 2000)) * 0.999
    multiplier, shift = float_multipliers(reals)
    assert (multiplier.dtype, shift.dtype) == (np.int32, np.int8)
    assert not (multiplier % FLOAT_UNIT).any()
    factors = np.ldexp(multiplier.astype(np.float64), shift - 31)
    kept = reals >= 2.0**-32
    np.testing.assert_array_equal(factors[kept], reals[kept].astype(np.float32))
    assert not factors[~kept].any()


#: Sums where float32 has its edges: ties and neighbours of ties, at every number of bits.
CORNERS = sorted({
    sign * (base + step)
    for sign in (1, -1)
    for bits in range(32)
    for base in (1 << bits, (1 << bits) + (1 << max(bits - 24, 0)), 3 << max(bits - 24, 0))
    for step in range(-2, 3)
    if abs(base + step) < 1 << 31
} | {-(1 << 31), (1 << 31) - 65, (1 << 31) - 64, (1 << 31) - 63})  # fmt: skip


def numpy_float32(sums, factor, zero, lo, hi):
    """ONNX Runtime's requantisation as its source has it, in NumPy's float32."""
    scaled = sums.astype(np.float32) * np.float32(factor)
    return np.clip(np.rint(scaled) + np.float64(zero), lo, hi).astype(np.int8)


@pytest.mark.parametrize("compiled", [False, True])
def test_float_rounding_equals_float32(compiled):
    """In Numba, too: nothing is promoted to float64, and nothing fused."""
    rng = np.random.default_rng(3)
    factors = [*np.exp2(rng.uniform(-31, 3, 300)), *2.0 ** np.arange(-32, 29), 2.0**30 - 64]
    for number, factor in enumerate(np.array(factors, np.float32)):
        reach = min(300 / float(factor), 2.0**31 - 1)
        sums = rng.uniform(-reach, reach, 40 if not compiled else 4000).astype(np.int32)
        if compiled or number % 8 == 0:
            sums = np.concatenate([sums, np.array(CORNERS, np.int32)])
        multiplier, shift = (
            np.full((1, len(sums)), value, np.int64) for value in float_multiplier(float(factor))
        )
        out = np.empty((1, len(sums)), np.int8)
        rows = requantise_rows if compiled else quant.requantise_rows
        rows(sums[None], multiplier, shift, int(Rounding.FLOAT), -3, -120, 101, out)
        np.testing.assert_array_equal(out[0], numpy_float32(sums, factor, -3, -120, 101))


def test_float_rounds_the_sum_and_the_product():
    """Either rounding to 24 bits makes a tie, which goes to the even 0, of just above 1/2."""
    for total, multiplier, shift in (
        ((1 << 24) + 1, 1 << 30, -24),  # times 2**-25
        (3, 0xAAAAAB << 7, -2),  # 3 * 0xAAAAAB = 2**25 + 1, times 2**-26
    ):
        for rounding, expected in ((Rounding.SINGLE, 1), (Rounding.FLOAT, 0)):
            assert requantise(np.array([total], np.int32), multiplier, shift, rounding) == expected
            assert naive.requantise(total, multiplier, shift, rounding) == expected
