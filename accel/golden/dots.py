"""Dot products of many rows with many rows: what convolutions run on where there are no tiles.

A convolution's filters are rows of weights, and its windows, written one after another into a
*panel* that stays in the processor's cache, are rows of the same length.  Six filters meet four
windows at a time: every loaded number is used four or six times, and the 24 sums stay in registers
as vectors along the reduction.
"""

import numpy as np

from accel.compiled import compiled

#: Rows of windows and weights are filled up with zeros to this, so that no vector has a rest.
VECTOR = 16
#: Bytes of a panel, to lie in half of a second-level cache of 1 MiB.
PANEL_BYTES = 1 << 19
#: Bytes of a row that are multiplied at a time: six rows and four lie in a first-level cache.
STRETCH = 1 << 12


# Sums in vectors add in another order than written ("reassoc"), with multiply and add in one.
# All is one function: with the last lines in one of their own it takes 1.2 to 4.6 times as long.
@compiled(fastmath={"reassoc", "contract", "nsz"})
def multiply(w, b, panel, count, y):
    """Write y[p, o] = b[o] + w[o] . panel[p] for the panel's first ``count`` rows.

    Sums are of b's type.  Bytes (uint8 windows, int8 weights, int32 bias) give exact sums, modulo
    2**32 like all int32 arithmetic; a cast at every step keeps Numba from widening to 64 bits.
    At the end of the filters or windows, the last one stands in for those that are missing.

    Args:
        w: [filters, K].
        b: [filters], float32, float64 or int32.
        panel: [at least count, at least K].
        count: windows.
        y: [count, filters] of b's type, any strides.
    """
    last, end = len(w) - 1, count - 1
    kind = b.dtype.type
    step = STRETCH // w.itemsize
    for first in range(0, w.shape[1], step):
        for o in range(0, len(w), 6):
            o1, o2, o3 = min(o + 1, last), min(o + 2, last), min(o + 3, last)
            o4, o5 = min(o + 4, last), min(o + 5, last)
            w0, w1 = w[o][first : first + step], w[o1][first : first + step]
            w2, w3 = w[o2][first : first + step], w[o3][first : first + step]
            w4, w5 = w[o4][first : first + step], w[o5][first : first + step]
            for p in range(0, count, 4):
                p1, p2, p3 = min(p + 1, end), min(p + 2, end), min(p + 3, end)
                c0, c1 = panel[p][first : first + w0.size], panel[p1][first : first + w0.size]
                c2, c3 = panel[p2][first : first + w0.size], panel[p3][first : first + w0.size]
                s00 = s01 = s02 = s03 = kind(0)
                s10 = s11 = s12 = s13 = kind(0)
                s20 = s21 = s22 = s23 = kind(0)
                s30 = s31 = s32 = s33 = kind(0)
                s40 = s41 = s42 = s43 = kind(0)
                s50 = s51 = s52 = s53 = kind(0)
                for k in range(w0.size):
                    s00 = kind(s00 + kind(w0[k]) * kind(c0[k]))
                    s01 = kind(s01 + kind(w0[k]) * kind(c1[k]))
                    s02 = kind(s02 + kind(w0[k]) * kind(c2[k]))
                    s03 = kind(s03 + kind(w0[k]) * kind(c3[k]))
                    s10 = kind(s10 + kind(w1[k]) * kind(c0[k]))
                    s11 = kind(s11 + kind(w1[k]) * kind(c1[k]))
                    s12 = kind(s12 + kind(w1[k]) * kind(c2[k]))
                    s13 = kind(s13 + kind(w1[k]) * kind(c3[k]))
                    s20 = kind(s20 + kind(w2[k]) * kind(c0[k]))
                    s21 = kind(s21 + kind(w2[k]) * kind(c1[k]))
                    s22 = kind(s22 + kind(w2[k]) * kind(c2[k]))
                    s23 = kind(s23 + kind(w2[k]) * kind(c3[k]))
                    s30 = kind(s30 + kind(w3[k]) * kind(c0[k]))
                    s31 = kind(s31 + kind(w3[k]) * kind(c1[k]))
                    s32 = kind(s32 + kind(w3[k]) * kind(c2[k]))
                    s33 = kind(s33 + kind(w3[k]) * kind(c3[k]))
                    s40 = kind(s40 + kind(w4[k]) * kind(c0[k]))
                    s41 = kind(s41 + kind(w4[k]) * kind(c1[k]))
                    s42 = kind(s42 + kind(w4[k]) * kind(c2[k]))
                    s43 = kind(s43 + kind(w4[k]) * kind(c3[k]))
                    s50 = kind(s50 + kind(w5[k]) * kind(c0[k]))
                    s51 = kind(s51 + kind(w5[k]) * kind(c1[k]))
                    s52 = kind(s52 + kind(w5[k]) * kind(c2[k]))
                    s53 = kind(s53 + kind(w5[k]) * kind(c3[k]))
                for j, t0, t1, t2, t3, t4, t5 in (
                    (0, s00, s10, s20, s30, s40, s50),
                    (1, s01, s11, s21, s31, s41, s51),
                    (2, s02, s12, s22, s32, s42, s52),
                    (3, s03, s13, s23, s33, s43, s53),
                ):  # fmt: skip
                    if p + j > end:
                        break  # a stand-in
                    line = y[p + j]
                    t0 = kind(t0 + (line[o] if first else b[o]))
                    t1 = kind(t1 + (line[o1] if first else b[o1]))
                    t2 = kind(t2 + (line[o2] if first else b[o2]))
                    t3 = kind(t3 + (line[o3] if first else b[o3]))
                    t4 = kind(t4 + (line[o4] if first else b[o4]))
                    t5 = kind(t5 + (line[o5] if first else b[o5]))
                    line[o] = t0
                    line[o1] = t1
                    line[o2] = t2
                    line[o3] = t3
                    line[o4] = t4
                    line[o5] = t5


def panel_rows(row_bytes: int) -> int:
    """Windows of a panel whose rows take ``row_bytes``: a multiple of four."""
    return max(1, PANEL_BYTES // row_bytes // 4) * 4


def fill_up(w: np.ndarray) -> np.ndarray:
    """[filters, K] with K filled up with zeros to whole vectors; no copy where it is whole."""
    if w.shape[1] % VECTOR:
        w = np.pad(w, ((0, 0), (0, -w.shape[1] % VECTOR)))
    return np.ascontiguousarray(w)
