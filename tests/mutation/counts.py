"""Programs whose counts have many bits; most are too long for the interpreter."""

import numpy as np

from accel.isa import Op, Pool, WindowMode
from accel.params import Params
from tests.mutation.directed import IDENTITY, filled, shown, tiles_at
from tests.support.program_writer import Written

#: Commands of each engine in the program that has many.
MANY = 530


def many(params: Params) -> Written:
    """So many commands of every engine that waits for their numbers have ten bits."""
    rng = np.random.default_rng(12)
    writer, cols = filled(params, 6), params.cols
    weights = [tiles_at(writer, rng, 1, params.tile_bytes) for _ in range(8)]
    records = [tiles_at(writer, rng, 1, params.window_taps * cols) for _ in range(8)]
    sizes = params.input_bytes, params.window_bytes
    results = writer.room(2 * MANY * cols)
    for number in range(MANY):
        for op, size in zip((Op.LOAD, Op.WLOAD), sizes, strict=True):
            writer.add(op, inner=cols, items=1, rows=1, src=number, dst=number * cols % size)
        writer.add(Op.WEIGHTS, src=weights[number % 8], tiles=1)
        writer.add(Op.WPARAM, src=records[number * 3 % 8], tiles=1)
        writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=1, ny=1, k=params.rows, seg=1,
                   base=number * cols % sizes[0])  # fmt: skip
        writer.add(Op.WINDOW, mode=WindowMode.MAC, cols=cols, nx=1, ny=1, k=1, seg=1, lo=-128,
                   hi=127, base=number * cols % sizes[1], dst=results + 2 * number * cols)
        writer.add(Op.POST, begin=1, count=1, cols=cols, lo=-128, hi=127, in_w=1, in_h=1, out_w=1,
                   out_h=1, dst=results + (2 * number + 1) * cols)  # fmt: skip
    return writer.written()


def long(params: Params) -> list[tuple[str, Written]]:
    """Counts with many bits: outputs of a row and rows, elements of a window, weight tiles, rows
    and items that are copied, pixels of an image."""
    most = {"nx": (0xAAAA, 1), "ny": (1, 0xAAAA)}
    found = [(f"long {name}", _many_outputs(params, *sizes)) for name, sizes in most.items()]
    found += [("many commands", many(params)), ("long k", _deep(params, 0xAAAA)),
              ("deep k", _deep(params, 0x5555)), ("long copies", _many_copies(params)),
              ("long row", large_image(params, 0x5555, 1, 1)),
              ("long column", large_image(params, 1, 0x5555, 1)),
              ("long row", large_image(params, 0x2AAA, 1, 1)),
              ("long column", large_image(params, 1, 0x2AAA, 1)),
              ("a large average", large_image(params, 255, 90, 90)),
              ("many rows", _many_rows(params, 0x2AAA)),
              ("segments", segments(params))]  # fmt: skip
    return found


def segments(params: Params) -> Written:
    """Windows and vectors whose elements come in segments of any length, some only begun."""
    rng = np.random.default_rng(14)
    writer, cols = filled(params, 7), params.cols
    for bits in (*range(2, 12), 9, 10, 11, 11):
        segment = int(rng.integers(1 << bits - 1, 1 << bits))
        depth = segment + int(rng.integers(1, segment + 2))
        tiles = -(-depth // params.rows)
        values = {"cols": cols, "nx": 2, "ny": 2, "k": depth, "seg": segment,
                  "seg_skip": int(rng.integers(1 << 10))}  # fmt: skip
        if bits < 11:
            writer.add(Op.WEIGHTS, src=tiles_at(writer, rng, tiles, params.tile_bytes), tiles=tiles)
            writer.add(Op.EXEC, first=1, last=1, step_x=7, step_y=99, **values)
            writer.add(Op.POST, begin=1, count=4, cols=cols, lo=-128, hi=127, in_w=4, in_h=1,
                       out_w=4, out_h=1, dst=writer.room(4 * cols), pitch_x=cols)  # fmt: skip
        writer.add(
            Op.WINDOW, mode=WindowMode.SUM, step_x=7 * cols, step_y=64 * cols, lo=-128, hi=127,
            multiplier=3 << 29, shift=-(bits // 2), dst=writer.room(4 * cols), pitch_x=cols,
            pitch_y=2 * cols, **values,
        )  # fmt: skip
    for segment in (1, 2):
        writer.add(Op.WINDOW, mode=WindowMode.SUM, cols=cols, nx=1, ny=1, k=5000, seg=segment,
                   seg_skip=3, lo=-128, hi=127, multiplier=3 << 29, shift=-9,
                   dst=writer.room(cols), pitch_x=cols)  # fmt: skip
    return writer.written()


def _many_rows(params: Params, rows: int) -> Written:
    """An image of very many rows of one pixel, and windows of one pixel, which stay on the chip."""
    writer, cols = filled(params, 8), params.cols
    where = tiles_at(writer, np.random.default_rng(15), 1, params.tile_bytes)
    left = rows
    while left:
        count = min(left, params.bank_rows)
        writer.add(Op.WEIGHTS, src=where, tiles=1)
        writer.add(Op.EXEC, first=1, last=1, cols=cols, base=left % 997, nx=count, ny=1, step_x=5,
                   k=params.rows, seg=params.rows)  # fmt: skip
        writer.add(
            Op.POST, begin=left == rows, count=count, cols=cols, lo=-128, hi=127, in_w=1, in_h=rows,
            kw=1, kh=1, sw=1, sh=1, out_w=1, out_h=rows, pool=Pool.MAX, near=1, pitch_x=cols,
            pitch_y=cols,
        )  # fmt: skip
        left -= count
    writer.add(Op.WINDOW, mode=WindowMode.MAX, cols=cols, nx=99, ny=1, step_x=cols, k=1, seg=1,
               lo=-128, hi=127, **IDENTITY, dst=writer.room(99 * cols), pitch_x=cols)  # fmt: skip
    return writer.written()


def _many_outputs(params: Params, width: int, height: int) -> Written:
    """A WINDOW of very many outputs, which stay on the chip."""
    writer = filled(params, 1)
    writer.add(
        Op.WINDOW, mode=WindowMode.MAX, cols=params.cols, nx=width, ny=height, near=1,
        step_x=3 * params.cols, step_y=5 * params.cols, k=1, seg=1, lo=-128, hi=127, **IDENTITY,
        pitch_x=7, pitch_y=11, **writer.mark(),
    )  # fmt: skip
    return shown(writer)


def _deep(params: Params, depth: int) -> Written:
    """A sum, and a maximum, of very many elements."""
    writer, cols = filled(params, 2), params.cols
    tiles = -(-depth // params.rows)
    weights = np.random.default_rng(9).integers(-2, 3, tiles * params.tile_bytes).astype(np.int8)
    record = writer.record(*([one] * cols for one in (0, 3 << 29, -10)))
    where = writer.constants(np.concatenate([record.reshape(-1), weights.view(np.uint8)]))
    writer.add(Op.WEIGHTS, src=where, tiles=tiles)
    writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=2, ny=2, step_x=1, step_y=9, k=depth,
               seg=0x5555, seg_skip=0x5555)  # fmt: skip
    writer.add(Op.POST, begin=1, count=4, cols=cols, lo=-128, hi=127, in_w=4, in_h=1, out_w=4,
               out_h=1, dst=writer.room(4 * cols), pitch_x=cols, **writer.mark())  # fmt: skip
    writer.add(Op.WINDOW, mode=WindowMode.SUM, cols=cols, nx=1, ny=1, k=depth, seg=0x2AAA,
               seg_skip=0x5555, lo=-128, hi=127, multiplier=1 << 30, shift=-14, a_zero=-3,
               dst=writer.room(cols), pitch_x=cols)  # fmt: skip
    return writer.written()


def _many_copies(params: Params) -> Written:
    """Rows of one byte, one over the other, and items of one byte."""
    writer = filled(params, 3)
    writer.add(Op.LOAD, rows=0xAAAA, items=1, fill_left=1, fill_value=5, dst=77)
    writer.add(Op.LOAD, rows=1, items=1365, inner=1, item_pitch=3, dst=1000, src=5)
    writer.add(Op.LOAD, rows=1, items=1365, inner=3, item_pitch=1, dst=3000)
    return shown(writer)


def large_image(params: Params, width: int, height: int, window: int) -> Written:
    """An image of very many pixels: a few maxima of it, or its average."""
    writer, cols = filled(params, 4), params.cols
    tile = np.random.default_rng(10).integers(-30, 99, params.tile_bytes).astype(np.int8)
    record = writer.record(*([one] * cols for one in (20_000, 3 << 29, -8)))
    where = writer.constants(np.concatenate([record.reshape(-1), tile.view(np.uint8)]))
    kw, kh = (min(255, size) for size in (width, height))
    out_w, out_h = (-(-size // 0x2AB) for size in (width, height))
    values = {
        "cols": cols, "lo": -128, "hi": 127, "in_w": width, "in_h": height, "kw": kw, "kh": kh,
        "sw": kw, "sh": kh, "out_w": out_w, "out_h": out_h, "pitch_x": cols, "pitch_y": cols,
        "dst": writer.room(out_w * out_h * cols), "pool": Pool.MAX, "pool_in_zero": -128,
    }  # fmt: skip
    if window > 1:
        values["pool"] = Pool.AVERAGE
        writer.add(Op.TABLE, entries=1, index0=width * window % 256, multiplier0=1 << 30,
                   shift0=-15)  # fmt: skip
    left = width * height
    while left:
        count = min(left, params.bank_rows)
        writer.add(Op.WEIGHTS, src=where, tiles=1)
        writer.add(Op.EXEC, first=1, last=1, cols=cols, base=left % 997, nx=count, ny=1, step_x=5,
                   k=params.rows, seg=params.rows)  # fmt: skip
        writer.add(Op.POST, begin=left == width * height, count=count, **values)
        left -= count
    return writer.written()
