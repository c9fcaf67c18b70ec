"""Weights of nine bits: what a byte minus a zero point may need, in layers whose weights are int8.

Weights w, from -255 to 255, are taken apart into two or three of int8 that add up to them.  The
layer then reads its input as often, each time with one part; the sums are the same integers.

- *Beside*: where every output reads all channels, the copies of the input lie side by side in the
  channels, and so do the parts.
- *Across*: where channels are in groups, the copies of a pixel must stay in its group.  The same
  bytes, [H, W, copies * C], are also an image [H, copies * W, C] in which every pixel stands
  ``copies`` times in a row.  Kernel, stride and padding are so many times as wide in it.
"""

import numpy as np


def fits(weights: np.ndarray) -> bool:
    """Whether weights are int8 as they are."""
    return weights.min(initial=0) >= -128 and weights.max(initial=0) <= 127


def parts(weights: np.ndarray) -> list[np.ndarray]:
    """Arrays within int8 that add up to weights from -255 to 255."""
    copies = 2 if weights.max() < 255 else 3
    return [((weights + n) // copies).astype(np.int8) for n in range(copies)]


def beside(pieces) -> np.ndarray:
    """The parts of weights [Cout, kh, kw, Cin] for copies in the channels."""
    return np.concatenate(pieces, axis=3)


def across_shape(shape, copies: int, dilation: int) -> tuple[int, int, int, int]:
    """Shape of what :func:`across` makes of weights [Cout, kh, kw, Cin / groups]."""
    reach = (shape[2] - 1) * dilation + 1
    return shape[0], shape[1], copies * reach, shape[3]


def across(pieces, dilation: int) -> np.ndarray:
    """The parts of weights [Cout, kh, kw, Cin / groups] for copies of each pixel in a row.

    A horizontal dilation becomes zeros.
    """
    shape, copies = pieces[0].shape, len(pieces)
    wide = np.zeros(across_shape(shape, copies, dilation), np.int8)
    for number, piece in enumerate(pieces):
        wide[:, :, number :: copies * dilation] = piece
    return wide
