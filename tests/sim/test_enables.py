"""Byte enables as one masked write.

That the machine computes the same is what tests/sim/test_top.py and tests/cyclemodel show: pysim
knows nothing of this Verilog.
"""

import numpy as np
import pytest

from accel.sim.enables import merge_enables

TWO = """\
    if (en [0])
      bank [row][7:0] <= data [7:0];
    if (en [1])
      bank [row][15:8] <= other [3:0];
"""


def test_a_word_is_written_at_once():
    assert merge_enables(f"begin\n{TWO}  end\n") == (
        "begin\n"
        "    if ({en [1], en [0]})\n"
        "      bank [row] <= bank [row] ^ ((bank [row] ^ {other [3:0], data [7:0]})"
        " & {{8{en [1]}}, {8{en [0]}}});\n"
        "  end\n"
    )


def test_two_words_stay_two():
    merged = merge_enables(TWO + TWO.replace("bank", "next"))
    assert merged.count("bank [row] <= bank [row]") == merged.count("next [row] <= next") == 1


@pytest.mark.parametrize(
    "text",
    [
        "    if (en)\n      bank [row] <= data;\n",
        "    if (en [0])\n      bank [row][7:0] <= data [7:0];\n",
        TWO.replace("15:8", "23:16"),  # a gap
        TWO.replace("[7:0] <=", "[8:1] <=").replace("15:8", "16:9"),  # not from bit 0 on
        TWO.replace("    if (en [1])", "    // between\n    if (en [1])"),
    ],
)
def test_what_is_not_such_a_word_stays(text):
    assert merge_enables(text) == text


def test_a_mask_keeps_what_is_not_enabled():
    """The arithmetic of it: old ^ ((old ^ new) & mask) is new where the mask is, else old."""
    old, new, mask = (np.arange(256, dtype=np.uint8) for _ in range(3))
    written = old[:, None, None] ^ ((old[:, None, None] ^ new[:, None]) & mask)
    wanted = (old[:, None, None] & ~mask) | (new[:, None] & mask)
    assert np.array_equal(written, wanted)
