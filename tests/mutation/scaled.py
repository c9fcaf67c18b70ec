"""Sums, differences and products of two bytes whose lowest bits are seen, whatever scales them.

Random factors of 31 bits make numbers so large that the last shift leaves nothing of their lowest
bits.  Here a byte's scaled value has between no and 26 bits beside a byte's own, and the sum is
brought back to a byte.
"""

import numpy as np

from accel.isa import FLOATS, Op, Rounding, WindowMode
from accel.params import Params
from tests.mutation.directed import filled
from tests.support.program_writer import Written

#: Commands of a program; pairs of each command.
COMMANDS, PAIRS = 120, 12
#: A byte's difference to its zero point, times 2**20, times a multiplier of so many bits, and
#: divided by 2**31, is at most as large as the difference, and at least half of it.
AS_LARGE = 11


def scaled(params: Params, rounding: Rounding) -> Written:
    """A program for one rounding."""
    rng = np.random.default_rng([41, rounding])
    writer, cols = filled(params, 40 + rounding), params.cols
    for _ in range(COMMANDS):
        mode = WindowMode(rng.choice([WindowMode.ADD, WindowMode.SUB, WindowMode.MUL], p=_SHARES))
        values = _product(rng) if mode == WindowMode.MUL else _sum(rng)
        if rounding in FLOATS:
            values["multiplier"] = int(rng.integers(1 << 23, 1 << 24)) << 7
            values["shift"] -= 1
        writer.add(
            Op.WINDOW, mode=mode, cols=cols, nx=PAIRS, ny=1, step_x=3 * cols, k=2, seg=1,
            seg_skip=5 * cols, base=int(rng.integers(params.window_bytes // cols)) * cols,
            rounding=rounding, lo=-128, hi=127, a_zero=rng.integers(-64, 64),
            b_zero=rng.integers(-64, 64), out_zero=rng.integers(-20, 21),
            dst=writer.room(PAIRS * cols), pitch_x=cols, **values,
        )  # fmt: skip
    return writer.written()


_SHARES = 0.45, 0.45, 0.1


def _sum(rng) -> dict[str, int]:
    """How both operands come to numbers of so many bits, and their sum to a byte."""
    more = int(rng.choice([0, 0, 1, 2, 3, rng.integers(20)]))
    values = {"multiplier": 1 << 30, "shift": 1 - more}
    for name in "ab":
        right = int(rng.integers(0, 32 - AS_LARGE - more)) * int(rng.integers(2))
        bits = AS_LARGE + more + right
        values[f"{name}_multiplier"] = int(rng.integers(1 << bits - 1, 1 << bits))
        values[f"{name}_shift"] = -right
    if rng.integers(2):
        values["offset"] = int(rng.integers(-50, 50))
    return values


def _product(rng) -> dict[str, int]:
    """A factor for products of two differences."""
    return {"multiplier": int(rng.integers(1 << 30, 1 << 31)), "shift": int(rng.integers(-10, -5))}
