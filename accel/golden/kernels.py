"""The golden model's inner loops: small pure functions of arrays, compiled by Numba.

All take and give [images, height, width, channels].  They release the interpreter's lock, so a
batch is spread over threads without Numba's own parallel machinery, whose compilation takes
several times as long.  Compiled code is kept on disk.
"""

import numba
import numpy as np

from accel import quant

#: The one definition of requantisation, compiled.
requantise_rows = numba.njit(cache=True, nogil=True)(quant.requantise_rows)


@numba.njit(cache=True, nogil=True)
def conv_sums(images, zero, weights, bias, kernel, stride, padding, dilation, groups, sums):
    """Sums of a convolution: bias + weights * (input - zero point); padding adds nothing.

    Args:
        images: int8 [n, height, width, channels].
        zero: the input's zero point.
        weights: int16 [out channels, kh * kw * channels / groups], (ky, kx, channel) order.
        bias: int32 [out channels].
        kernel: (kh, kw).
        stride: (vertical, horizontal).
        padding: (top, left).
        dilation: (vertical, horizontal).
        groups: input and output channels are split into this many independent parts.
        sums: int32 [n, out_h, out_w, out channels], written.
    """
    count, height, width, channels = images.shape
    _, out_h, out_w, out_channels = sums.shape
    part, out_part = channels // groups, out_channels // groups
    kernel_h, kernel_w = kernel
    patch = np.empty(kernel_h * kernel_w * part, np.int16)
    for n in range(count):
        for oy in range(out_h):
            for ox in range(out_w):
                for g in range(groups):
                    k = 0
                    for ky in range(kernel_h):
                        y = oy * stride[0] - padding[0] + ky * dilation[0]
                        for kx in range(kernel_w):
                            x = ox * stride[1] - padding[1] + kx * dilation[1]
                            if 0 <= y < height and 0 <= x < width:
                                for c in range(part):
                                    patch[k + c] = images[n, y, x, g * part + c] - zero
                            else:
                                for c in range(part):
                                    patch[k + c] = 0
                            k += part
                    for o in range(g * out_part, (g + 1) * out_part):
                        row = weights[o]
                        total = bias[o]
                        for i in range(k):
                            # Cast back at once: Numba widens, and 64-bit lanes are slower.
                            total = np.int32(total + np.int32(patch[i]) * np.int32(row[i]))
                        sums[n, oy, ox, o] = total


@numba.njit(cache=True, nogil=True)
def max_pool(images, kernel, stride, padding, out):
    """Write the maximum over each window's real elements to ``out``."""
    count, height, width, channels = images.shape
    _, out_h, out_w, _ = out.shape
    for n in range(count):
        for oy in range(out_h):
            top = oy * stride[0] - padding[0]
            for ox in range(out_w):
                left = ox * stride[1] - padding[1]
                for c in range(channels):
                    out[n, oy, ox, c] = -128
                for y in range(max(top, 0), min(top + kernel[0], height)):
                    for x in range(max(left, 0), min(left + kernel[1], width)):
                        for c in range(channels):
                            out[n, oy, ox, c] = max(out[n, oy, ox, c], images[n, y, x, c])


@numba.njit(cache=True, nogil=True)
def window_sums(images, zero, kernel, stride, padding, sums, counts):
    """Write sums of (input - zero point) over each window's real elements, and their number.

    ``sums`` is int32 [n, out_h, out_w, channels], ``counts`` int32 [out_h, out_w].
    """
    count, height, width, channels = images.shape
    _, out_h, out_w, _ = sums.shape
    for n in range(count):
        for oy in range(out_h):
            top = oy * stride[0] - padding[0]
            for ox in range(out_w):
                left = ox * stride[1] - padding[1]
                sums[n, oy, ox, :] = 0
                elements = 0
                for y in range(max(top, 0), min(top + kernel[0], height)):
                    for x in range(max(left, 0), min(left + kernel[1], width)):
                        elements += 1
                        for c in range(channels):
                            sums[n, oy, ox, c] += images[n, y, x, c] - zero
                counts[oy, ox] = elements
