"""Writing windows one after another as rows of a panel, from either order of an image.

im2col's columns, but lying down and only as many at a time as stay in the cache: im2col's whole
matrix would go through memory.
"""

import numpy as np

from accel.compiled import compiled
from accel.golden.columns import inside
from accel.golden.threads import spread


@compiled
def frame(images, offset, fill, padding, y, first, last):
    """Write images plus ``offset`` into the middle of y, with ``fill`` around them.

    Args:
        images: [n, height, width, channels], any strides.
        offset: added to every element.
        fill: the padding, of y's type.
        padding: (top, left).
        y: [n, padded height, padded width * channels].
        first: image * padded height to begin at.
        last: one behind the last.
    """
    _, height, width, channels = images.shape
    kind = y.dtype.type
    for at in range(first, last):
        n, line = at // y.shape[1], y[at // y.shape[1], at % y.shape[1]]
        top = at % y.shape[1] - padding[0]
        line[:] = fill
        if 0 <= top < height:
            middle = line[padding[1] * channels :]
            if images.strides[3] <= images.strides[2]:  # the inner loop runs along memory
                for x in range(width):
                    for c in range(channels):
                        middle[x * channels + c] = kind(images[n, top, x, c] + offset)
            else:
                for c in range(channels):
                    for x in range(width):
                        middle[x * channels + c] = kind(images[n, top, x, c] + offset)


@compiled
def lay_rows(framed, size, channel, channels, kernel, stride, dilation, wide, start, stop, panel):
    """Write windows ``start`` to ``stop`` - 1 of one framed image as rows of ``panel``.

    Only ``channels`` of the ``size`` channels, from ``channel`` on; a row is in (ky, kx, channel)
    order, so it is made of whole stretches of the image.  ``wide`` windows stand side by side.
    """
    stretches, length = kernel[1], channels
    if dilation[1] == 1 and channels == size:
        stretches, length = 1, channels * kernel[1]
    for p in range(start, stop):
        row, k = panel[p - start], 0
        oy, ox = p // wide * stride[0], p % wide * stride[1]
        for ky in range(kernel[0]):
            line = framed[oy + ky * dilation[0]]
            for kx in range(stretches):
                begin = (ox + kx * dilation[1]) * size + channel
                target, source = row[k : k + length], line[begin : begin + length]
                for i in range(target.size):
                    target[i] = source[i]
                k += length


@compiled
def lay_planes(x, channel, channels, kernel, stride, padding, dilation, out, start, stop, panel):
    """Write windows ``start`` to ``stop`` - 1 (in (image, oy, ox) order) as rows of ``panel``.

    Only ``channels`` channels from ``channel`` on; a row is in (channel, ky, kx) order.
    """
    _, _, height, width = x.shape
    edges = np.empty((kernel[1], 2), np.int64)
    # A step the compiler cannot foresee, or it would use vector scatters, which take twice as long;
    # unsigned, so that it need not ask whether an index is negative.
    step = np.ones(1, np.uint64)
    at = start
    while at < stop:  # one run of windows beside each other
        n, oy, ox = at // (out[0] * out[1]), at // out[1] % out[0], at % out[1]
        run = min(out[1] - ox, stop - at)
        rows = panel[at - start : at - start + run]
        begin = ox * stride[1] - padding[1]
        for kx in range(kernel[1]):
            edges[kx] = inside(width, run, stride[1], begin + kx * dilation[1])
        k = 0
        for c in range(channel, channel + channels):
            for ky in range(kernel[0]):
                y = oy * stride[0] - padding[0] + ky * dilation[0]
                for kx in range(kernel[1]):
                    left, right = edges[kx]
                    if not 0 <= y < height:
                        left = right = run  # nothing is read
                    for j in range(left):
                        rows[j, k] = 0
                    target = rows[left:right, k]
                    source = x[n, c, y, left * stride[1] + begin + kx * dilation[1] :: stride[1]]
                    i, count = np.uint64(0), np.uint64(target.size)
                    while i < count:
                        target[i] = source[i]
                        i += step[0]
                    for j in range(right, run):
                        rows[j, k] = 0
                    k += 1
        at += run


def frame_images(images, padding, dtype, offset, fill) -> np.ndarray:
    """[n, height, width, channels] plus ``offset``, with ``fill`` as (top, left, bottom, right).

    Returns:
        ``dtype`` [n, padded height, padded width * channels].
    """
    batch, height, width, channels = images.shape
    top, left, bottom, right = map(int, padding)
    y = np.empty((batch, height + top + bottom, (width + left + right) * channels), dtype)

    def part(first, last):
        frame(images, offset, y.dtype.type(fill), (top, left), y, first, last)

    spread(part, batch * y.shape[1], y.size)
    return y
