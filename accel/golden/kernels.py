"""The golden model's pooling loops: small pure functions of arrays, compiled by Numba.

All take and give [images, height, width, channels].  They release the interpreter's lock, so that
threads can share a batch (accel.golden.threads).  Compiled code is kept on disk.
"""

from accel.compiled import compiled


@compiled
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


@compiled
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
