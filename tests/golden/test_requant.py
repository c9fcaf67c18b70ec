"""Requantisation in vectors against its one definition, for every rounding."""

import numpy as np
import pytest

from accel.golden import requant
from accel.graph.ir import Requant
from accel.isa import Rounding
from accel.quant import requantise

#: Sums and multipliers where something is about to round, overflow or change its sign.
SUMS = (0, 1, -1, 2, -2, 3, -3, 127, -128, 1 << 24, (1 << 24) + 1, -(1 << 24) - 1, 1 << 30,
        -(1 << 30), 2**31 - 1, -(2**31))  # fmt: skip
MULTIPLIERS = (0, 1 << 30, (1 << 30) + 1, 3 << 29, 2**31 - 128, 2**31 - 1)


def followed(need, sums, channels):
    """follow on the channels ``channels`` (a slice) of a recipe, into the middle of an array."""
    count = len(range(*channels.indices(len(need.multiplier))))
    full = np.zeros((len(sums), -(-count // requant.WIDTH) * requant.WIDTH), np.int32)
    full[:, :count] = sums
    out = np.full((len(sums), count + 5), 99, np.int8)
    requant.follow(
        requant.recipe(need), channels.start, full, len(sums), out.reshape(-1), 3, count + 5, count
    )
    assert (out[:, :3] == 99).all() and (out[:, 3 + count :] == 99).all()
    return out[:, 3 : 3 + count]


def expected(need, sums, channels):
    return requantise(
        sums, need.multiplier[channels], need.shift[channels], need.rounding, need.zero_point,
        need.lo, need.hi,
    )  # fmt: skip


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("shifts", [range(-31, 31), range(-31, 0)], ids=["all", "right"])
def test_corners_are_equal(rounding, shifts):
    pairs = [(0, 0), *((m, s) for m in MULTIPLIERS[1:] for s in shifts)]
    multiplier, shift = (np.array(each) for each in zip(*pairs, strict=True))
    need = Requant(multiplier.astype(np.int32), shift.astype(np.int8), -7, -100, 90, rounding)
    sums = np.repeat(np.array(SUMS, np.int32)[:, None], len(pairs), 1)
    every = slice(0, len(pairs))
    np.testing.assert_array_equal(followed(need, sums, every), expected(need, sums, every))


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("channels", [slice(0, 1), slice(0, 16), slice(16, 37), slice(0, 40)])
@pytest.mark.parametrize("most", [1, -1])
def test_random_sums_are_equal(rounding, channels, most):
    random = np.random.default_rng(int(rounding))
    multiplier = random.integers(1 << 30, 1 << 31, 40).astype(np.int32)
    shift = random.integers(-12, most + 1, 40).astype(np.int8)
    count = len(range(*channels.indices(40)))
    for zero, lo, hi in ((0, -128, 127), (-128, -128, 127), (127, -3, 5)):
        need = Requant(multiplier, shift, zero, lo, hi, rounding)
        for reach in (300, 30_000, 2**31):
            sums = random.integers(-reach, reach, (50, count)).astype(np.int32)
            np.testing.assert_array_equal(
                followed(need, sums, channels), expected(need, sums, channels)
            )


@pytest.mark.parametrize("rounding", Rounding)
def test_halves_are_equal(rounding):
    """Factors of 2**-k bring every sum exactly to halves and quarters."""
    shift = np.arange(-7, 1, dtype=np.int8)
    need = Requant(np.full(8, 1 << 30, np.int32), shift, 1, -128, 127, rounding)
    sums = np.repeat(np.arange(-300, 300, dtype=np.int32)[:, None], 8, 1)
    every = slice(0, 8)
    result = followed(need, sums, every)
    np.testing.assert_array_equal(result, expected(need, sums, every))
    assert len(np.unique(result)) > 200


def test_the_quick_way_is_for_right_shifts():
    """Of single rounding: a left shift, or none, needs all 64 bits."""
    ways = {}
    for shift in (-31, -1, 0, 30):
        one = np.array([1 << 30, 0], np.int32), np.array([shift, 0], np.int8)
        ways[shift] = requant.recipe(Requant(*one, 0)).way
    upper, once = requant.UPPER, requant.ONCE
    assert ways == {-31: upper, -1: upper, 0: once, 30: once}
