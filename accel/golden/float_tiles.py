"""float32 convolution by tiles of vector instructions: rows are filters, lanes are windows.

Windows side by side in the result are a *strip*.  A strip's panel holds, for every element of the
reduction, that element of all its windows; so results leave a tile in the order of the image, and
filters are read as they are.  Some strips, and as much of the reduction as leaves their panels in
the cache, are computed at a time; the sums of the next stretch add to those of the last.
"""

import functools
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from accel.compiled import compiled
from accel.golden.emit import F32, I32, I64, constant, load, loop, pointer
from accel.golden.threads import spread
from accel.golden.tile import FLOATS, features, float_blocking, tile
from accel.golden.window import Window

BLOCKING = float_blocking(features())
LANES, ROWS, VECTORS = BLOCKING
#: Windows of a strip; an image's last ones are one vector wide unless they nearly fill a strip.
STRIP = LANES * VECTORS
#: Strips at a time, and elements of their panels, to lie in half of a cache of 1 MiB.
STRIPS, PANEL = 4, 1 << 17
_full = tile(BLOCKING, FLOATS)
_one_vector = tile(BLOCKING._replace(vectors=1), FLOATS)


class View(NamedTuple):
    """Windows on a padded image; pairs are (vertical, horizontal)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    out: tuple[int, int]


def _emit_lay(builder, step, arguments):
    """Emit a function of ``_layer``."""
    offsets, elements, runs, run_count, panel, pitch = arguments
    vector, skip = ir.VectorType(F32, LANES), constant(4 * LANES)
    wide = ir.VectorType(F32, LANES * step)
    picked = ir.Constant(ir.VectorType(I32, LANES), [step * lane for lane in range(LANES)])

    def element(k, carried):
        offset = load(builder, I64, offsets, builder.mul(k, constant(8)), align=8)
        line = builder.add(panel, builder.mul(k, pitch))

        def run(number, carried):
            entry = builder.add(runs, builder.mul(number, constant(24)))
            source, target, vectors = (
                load(builder, I64, entry, constant(8 * i), align=8) for i in range(3)
            )
            source, target = builder.add(source, offset), builder.add(line, target)

            def copy(i, carried):
                far = builder.mul(builder.mul(i, skip), constant(step))
                value = load(builder, wide, source, far)
                value = builder.shuffle_vector(value, value, picked)
                place = pointer(builder, target, builder.mul(i, skip), to=vector)
                builder.store(value, place).align = 4
                return carried

            return loop(builder, "copy", vectors, carried, copy)

        return loop(builder, "run", run_count, carried, run)

    loop(builder, "element", elements, [], element)


def _layer(step: int):
    """Make a function for compiled code: copy runs of every ``step``-th float, element by element.

    Its arguments are six numbers, for addresses and distances in bytes:

        offsets    address of what is added to the runs' sources, int64 [elements]
        elements   lines of the panel; at least 1
        runs       address of int64 [run_count, 3]: source, target in a line, and vectors to copy
        run_count  at least 1
        panel      address of the lines
        pitch      from line to line

    Whole vectors are copied: what is behind a run must be written later, as is the next line.
    """

    @intrinsic
    def compute(context, offsets, elements, runs, run_count, panel, pitch):
        def generate(context, builder, signature, values):
            _emit_lay(builder, step, values)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 6), generate

    return compute


_lay_each, _lay_second = _layer(1), _layer(2)


@compiled
def strip_width(windows, first):
    """Return the windows of the strip that begins at ``first``, filled up to whole vectors."""
    return STRIP if windows - first > STRIP - LANES else LANES


@compiled
def lay_strip(base, pitch, view, start, stop, offsets, panel, width, runs):
    """Write a strip's panel: windows ``start`` to ``stop`` - 1.

    Args:
        base: address of the padded image.
        pitch: bytes from row to row of it.
        view: see View.
        start: window of the image.
        stop: one behind the last.
        offsets: int64 [elements], bytes from a window's corner to the elements of its reduction.
        panel: float32, flat; up to a vector is written behind it.
        width: windows from one element of the panel to the next.
        runs: int64 [at least windows, 3], overwritten.
    """
    at, count, step = start, 0, view.stride[1]
    while at < stop:  # one run of windows beside each other
        y, x = at // view.out[1], at % view.out[1]
        run = min(view.out[1] - x, stop - at) if step <= 2 else 1
        runs[count, 0] = base + y * view.stride[0] * pitch + 4 * x * step
        runs[count, 1] = 4 * (at - start)
        runs[count, 2] = (run + LANES - 1) // LANES
        count += 1
        at += run
    lines = offsets.ctypes.data, len(offsets), runs.ctypes.data, count, panel.ctypes.data, 4 * width
    if step == 2:
        _lay_second(lines[0], lines[1], lines[2], lines[3], lines[4], lines[5])
    else:
        _lay_each(lines[0], lines[1], lines[2], lines[3], lines[4], lines[5])


@compiled
def multiply_strip(rows, filters, depth, panel, width, y, start, count, spare):
    """Add the panel's products to y[:filters, start : start + count], ROWS filters at a time.

    Args:
        rows: uint64 [filters and ROWS more], addresses of the filters' elements.
        filters: how many.
        depth: elements of the reduction.
        panel: float32, flat.
        width: windows of the panel.
        y: float32 [filters, windows].
        start: window.
        count: windows.
        spare: float32 [ROWS, STRIP].
    """
    offset, one = np.zeros(1, np.int64), np.uint64(1)
    taps, stream, steps = np.uint64(offset.ctypes.data), panel.ctypes.data, np.uint64(depth)
    for o in range(0, filters, ROWS):
        whole = count == width and filters - o >= ROWS
        many = min(ROWS, filters - o)
        if whole:
            out, pitch = y.ctypes.data + o * y.strides[0] + 4 * start, y.strides[0]
        else:
            out, pitch = spare.ctypes.data, spare.strides[0]
            spare[:many, :count] = y[o : o + many, start : start + count]
        place, target = np.uint64(rows.ctypes.data + 8 * o), np.uint64(out)
        step = np.uint64(pitch)
        if width == LANES:
            _one_vector(place, taps, one, steps, np.uint64(stream), target, step, target, step)
        else:
            _full(place, taps, one, steps, np.uint64(stream), target, step, target, step)
        if not whole:
            y[o : o + many, start : start + count] = spare[:many, :count]


@compiled
def convolve(image, pitch, offsets, w, b, view, y, first, last):
    """Write strips ``first`` to ``last`` - 1 of one image, for all filters in ``w``.

    Args:
        image: address of the group's channels in the padded image.
        pitch: bytes from row to row of it.
        offsets: int64 [K], bytes from a window's corner to the elements of its reduction.
        w: float32 [filters, K].
        b: float32 [filters].
        view: see View.
        y: float32 [filters, windows], written.
        first: strip to begin at.
        last: one behind the last.
    """
    (filters, length), windows = w.shape, y.shape[1]
    depth = min(length, PANEL // (STRIPS * STRIP))
    memory = np.zeros(STRIPS * STRIP * depth + 2 * LANES, np.float32)
    panel = memory[-memory.ctypes.data // 4 % LANES :]
    spare, runs = np.zeros((ROWS, STRIP), np.float32), np.empty((STRIP, 3), np.int64)
    rows = np.empty(filters + ROWS, np.uint64)
    for start in range(first * STRIP, min(last * STRIP, windows), STRIPS * STRIP):
        stop = min(start + STRIPS * STRIP, last * STRIP, windows)
        for o in range(filters):
            y[o, start:stop] = b[o]
        for k in range(0, length, depth):
            some = offsets[k : k + depth]
            for o in range(filters + ROWS):  # the last stands in for those that are missing
                rows[o] = w.ctypes.data + min(o, filters - 1) * w.strides[0] + 4 * k
            at = start
            while at < stop:
                width = strip_width(windows, at)
                lay_strip(image, pitch, view, at, min(at + width, stop), some,
                          panel[(at - start) * depth :], width, runs)  # fmt: skip
                at += width
            for o in range(0, filters, ROWS):  # these stay in the cache for all strips
                own, at = y[o : o + ROWS], start
                while at < stop:
                    width = strip_width(windows, at)
                    multiply_strip(rows[o:], len(own), some.size, panel[(at - start) * depth :],
                                   width, own, at, min(width, stop - at), spare)  # fmt: skip
                    at += width


@compiled
def convolve_all(framed, offsets, w, b, view, y, first, last, first_filter, last_filter):
    """Do ``convolve`` for strips of all images, and for some of each group's filters.

    Args:
        framed: float32 [n, groups, channels / groups, padded height, padded width].
        offsets: see ``convolve``.
        w: float32 [groups, filters / groups, K].
        b: float32 [groups, filters / groups].
        view: see View.
        y: float32 [n, groups, filters / groups, windows], written.
        first: image * strips to begin at.
        last: one behind the last.
        first_filter: of each group.
        last_filter: one behind the last.
    """
    strips = -(-y.shape[3] // STRIP)
    step, group, own = framed.strides[0], framed.strides[1], slice(first_filter, last_filter)
    while first < last:
        n, begin = first // strips, first % strips
        end = min(strips, begin + last - first)
        for g in range(len(w)):
            convolve(framed.ctypes.data + n * step + g * group, framed.strides[3], offsets,
                     w[g, own], b[g, own], view, y[n, g, own], begin, end)  # fmt: skip
        first += end - begin


def frame_planes(x, view: Window, groups: int) -> np.ndarray:
    """[n, groups, channels / groups, padded height, padded width], readable beyond its end."""
    batch, channels, height, width = x.shape
    top, left, bottom, right = view.padding
    shape = batch, channels, height + top + bottom, width + left + right
    size = int(np.prod(shape))
    memory = np.zeros(size + 2 * STRIP, x.dtype)
    framed = memory[:size].reshape(shape)
    framed[:, :, top : top + height, left : left + width] = x
    return framed.reshape(batch, groups, channels // groups, *shape[2:])


def convolve_by_tiles(x, w, b, view: Window, groups: int) -> np.ndarray:
    """Convolution of float32 images for a resolved window, spread over the processors."""
    own, windows, stride = len(w) // groups, view.out[0] * view.out[1], view.stride
    if view.kernel == (1, 1) and not any(view.padding):  # the rest is never read
        x, stride = x[:, :, :: stride[0], :: stride[1]], (1, 1)
    framed = frame_planes(x, view, groups)
    bias = np.zeros(len(w), x.dtype) if b is None else np.ascontiguousarray(b)
    rows = np.ascontiguousarray(w).reshape(groups, own, -1)
    bias, y = bias.reshape(groups, own), np.empty((len(x), groups, own, windows), x.dtype)
    places = (
        np.arange(length) * step * skip for length, step, skip in zip(
            w.shape[1:], (1, *view.dilation), framed.strides[2:], strict=True
        )
    )  # fmt: skip
    offsets = functools.reduce(np.add.outer, places).ravel()
    options = View(view.kernel, stride, view.dilation, view.out)
    strips, tiles = len(x) * -(-windows // STRIP), -(-own // ROWS)
    work = 2 * y.size * rows.shape[2] // LANES  # of which each takes twice a byte's time

    def part(*edges):
        convolve_all(framed, offsets, rows, bias, options, y, *edges)

    if strips > tiles:
        spread(lambda first, last: part(first, last, 0, own), strips, work)
    else:
        spread(
            lambda first, last: part(0, strips, first * ROWS, min(last * ROWS, own)), tiles, work
        )
    return y.reshape(len(x), groups * own, *view.out)
