"""The golden model's loops over pools and tables: small pure functions of arrays.

Images are [images, height, width, channels].  Numba compiles them; they release the interpreter's
lock, so that threads can share the work (accel.golden.threads).  Compiled code is kept on disk.
"""

import numpy as np

from accel.compiled import compiled
from accel.golden.requant import WIDTH, Recipe, follow_alike


@compiled
def max_pool(images, kernel, stride, padding, out, first, last):
    """Write the maximum over each window's real elements to lines ``first`` to ``last`` - 1.

    A line's rows first, which lie beside each other in memory, then what is left of its columns.
    """
    _, height, width, channels = images.shape
    _, out_h, out_w, _ = out.shape
    tallest = np.empty(width * channels, np.int8)
    for line in range(first, last):
        n, top = line // out_h, line % out_h * stride[0] - padding[0]
        tallest[:] = -128
        for y in range(max(top, 0), min(top + kernel[0], height)):
            row = images[n, y].ravel()
            for i in range(len(row)):
                tallest[i] = max(tallest[i], row[i])
        for ox in range(out_w):
            left, target = ox * stride[1] - padding[1], out[n, line % out_h, ox]
            target[:] = -128
            for x in range(max(left, 0), min(left + kernel[1], width)):
                pixel = tallest[x * channels : (x + 1) * channels]
                for c in range(channels):
                    target[c] = max(target[c], pixel[c])


@compiled
def average_pool(
    images, zero, kernel, stride, padding, places, numbers, steps, out, first, last
):  # fmt: skip
    """Write each window's requantised sum of (input - zero) to lines ``first`` to ``last`` - 1.

    Args:
        images: int8.
        zero: the input's zero point.
        kernel: (vertical, horizontal), as are ``stride`` and ``padding`` (before the image).
        stride: see ``kernel``.
        padding: see ``kernel``.
        places: int64, by a window's number of real elements: its place in the recipe.
        numbers: int64 [4], the plain numbers of a Recipe of ``recipe_alike``.
        steps: its steps.
        out: int8, written.
        first: image * lines to begin at.
        last: one behind the last.
    """
    _, height, width, channels = images.shape
    _, out_h, out_w, _ = out.shape
    recipe = Recipe(numbers[0], numbers[1], numbers[2], numbers[3], steps)
    sums, flat = np.zeros(-(-channels // WIDTH) * WIDTH, np.int32), out.ravel()
    for line in range(first, last):
        n, top = line // out_h, line % out_h * stride[0] - padding[0]
        above, below = max(top, 0), min(top + kernel[0], height)
        for ox in range(out_w):
            left = ox * stride[1] - padding[1]
            begin, end = max(left, 0), min(left + kernel[1], width)
            count = (below - above) * (end - begin)
            sums[:] = -count * zero
            for y in range(above, below):
                for x in range(begin, end):
                    pixel = images[n, y, x]
                    for c in range(channels):
                        sums[c] += pixel[c]
            at = (line * out_w + ox) * channels
            follow_alike(recipe, places[count], sums, flat, at, channels)


@compiled
def look_up(values, source, out, first, last):
    """Write ``values`` of the bytes ``first`` to ``last`` - 1 of ``source``; both are flat.

    Unsigned indices need no question whether they are negative: that takes as long as the rest.
    """
    for i in range(np.uint64(first), np.uint64(last)):
        out[i] = values[np.uint64(source[i])]
