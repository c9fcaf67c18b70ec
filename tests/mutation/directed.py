"""Programs for what random ones reach rarely: every bit of a requantiser, of an address, a count.

Like random ones they are checked by the interpreter (tests/mutation/test_cases.py).
"""

import numpy as np

from accel.isa import FLOATS, Op, Pool, Rounding, WindowMode
from accel.params import Params
from tests.support.program_writer import Writer, Written
from tests.support.requantisers import vectors

#: Sums of a column around a bias: this many to either side.
AROUND = 8
#: Parameter records for either unit, and averaged images, of a rounding.
RECORDS, AVERAGED = 100, 60
IDENTITY = {"multiplier": 1 << 30, "shift": 1}


def requantised(params: Params, rounding: Rounding, seed: int, draw=vectors,
                records: int = RECORDS) -> Written:  # fmt: skip
    """Sums about every bias that is nasty, through the lanes of array and window unit.

    A ramp of bytes lies in both buffers; with a weight of 1 sums are the bias and what is around.
    ``draw`` gives biases, multipliers and shifts.
    """
    rng = np.random.default_rng([seed, rounding])
    ramp = np.arange(-AROUND, AROUND).astype(np.int8)
    writer = Writer(params, np.concatenate([ramp, ramp.repeat(params.cols)]).view(np.uint8))
    cols, count = params.cols, 2 * AROUND
    writer.add(Op.LOAD, src=0, inner=count, items=1, rows=1)
    writer.add(Op.WLOAD, src=count, inner=count * cols, items=1, rows=1)
    for _ in range(records):
        clamp = _clamp(rng)
        array, window = (_weights(writer, rng, rounding, rows, draw)
                         for rows in (params.rows, params.window_taps))  # fmt: skip
        places = [writer.room(count * cols) for _ in range(2)]
        writer.add(Op.WEIGHTS, src=array, tiles=1)
        writer.add(Op.WPARAM, src=window, tiles=1)
        writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=count, ny=1, step_x=1, k=1, seg=1)
        writer.add(
            Op.WINDOW, mode=WindowMode.MAC, cols=cols, nx=count, ny=1, step_x=cols, k=1, seg=1,
            rounding=rounding, dst=places[1], pitch_x=cols, **clamp,
        )  # fmt: skip
        writer.add(
            Op.POST, begin=1, count=count, cols=cols, rounding=rounding, in_w=count, out_w=count,
            in_h=1, out_h=1, dst=places[0], pitch_x=cols, **clamp,
        )  # fmt: skip
    return writer.written()


def _weights(writer: Writer, rng, rounding: Rounding, rows: int, draw) -> int:
    """Where a parameter record and a tile with ones in its first row lie."""
    cols = writer.params.cols
    x, multiplier, shift = draw(rng, cols, rounding)
    most = (1 << 31) - 1 - AROUND
    x = np.clip(x, -most, most)
    if rounding not in FLOATS:
        shift = np.minimum(shift, [31 - (abs(int(one)) + AROUND).bit_length() for one in x])
    tile = np.zeros((rows, cols), np.uint8)
    tile[0] = 1
    record = writer.record(x, multiplier, shift)
    return writer.constants(np.concatenate([record.reshape(-1), tile.reshape(-1)]))


def _clamp(rng) -> dict[str, int]:
    low, high = sorted(rng.integers(-128, 128, 2)) if rng.random() < 0.1 else (-128, 127)
    return {"lo": low, "hi": high, "out_zero": rng.choice([0, *rng.integers(-128, 128, 2)])}


def averaged(params: Params, rounding: Rounding, seed: int, factor=None) -> Written:
    """Averages of small images with any factor: from sums of a few units to the largest.

    Or of images of one byte, whose sums are known: ``factor`` gives theirs.
    """
    rng = np.random.default_rng([seed, rounding, 1])
    image = rng.integers(-128, 128, 4096).astype(np.int8)
    image[1024:1280], image[1280:1536] = -128, 127
    writer, cols = Writer(params, image.view(np.uint8)), params.cols
    size = min(params.input_bytes, image.size)
    writer.add(Op.LOAD, src=0, inner=size, items=1, rows=1)
    tile = np.zeros((params.rows, cols), np.uint8)
    tile[0] = 1
    record = writer.record(*([one] * cols for one in (0, *IDENTITY.values())))
    where = writer.constants(np.concatenate([record.reshape(-1), tile.reshape(-1)]))
    for _ in range(AVERAGED):
        width, height = (int(one) for one in rng.choice([1, 2, 4, 8], 2))
        kw, kh = (int(rng.integers(1, one + 1)) for one in (width, height))
        scales = [_average(rng, rounding, n) for n in range(1, kw * kh + 1)]
        out_w, out_h = width - kw + 1, height - kh + 1
        base = int(rng.choice([rng.integers(size - 64), 1024, 1280]))
        zero = int(rng.choice([-128, 127, *rng.integers(-128, 128, 2)]))
        if factor:
            base = int(rng.choice([1024, 1280]))
            away = int(rng.integers(1, 2 << rng.integers(8)))  # often a small sum
            zero = int(np.clip(int(image[base]) + away * (-1 if base == 1280 else 1), -128, 127))
            scales.append(factor(rng, rounding, max(1, kw * kh * abs(int(image[base]) - zero))))
        writer.add(Op.TABLE, entries=1, index0=kw * kh,
                   **{f"{name}0": value for name, value in scales[-1].items()})  # fmt: skip
        writer.add(Op.WEIGHTS, src=where, tiles=1)
        writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=width * height, ny=1, step_x=1, k=1,
                   seg=1, base=base)  # fmt: skip
        writer.add(
            Op.POST, begin=1, count=width * height, cols=cols, lo=-128, hi=127, in_w=width,
            in_h=height, out_w=out_w, out_h=out_h, pool=Pool.AVERAGE, pool_rounding=rounding,
            pool_in_zero=zero, pool_out_zero=rng.integers(-128, 128), kh=kh, kw=kw, sh=1, sw=1,
            dst=writer.room(out_w * out_h * cols), pitch_x=cols, pitch_y=out_w * cols,
        )  # fmt: skip
    return writer.written()


def _average(rng, rounding: Rounding, count: int) -> dict[str, int]:
    """A factor that makes bytes of such sums, as any multiplier and shift that give it."""
    most = (255 * count).bit_length()
    shift = int(rng.integers(-most - 2, 2))
    if rounding in FLOATS:
        return {"multiplier": int(rng.integers(1 << 23, 1 << 24)) << 7, "shift": shift}
    multiplier = int(rng.choice([1 << 30, 3 << 29, rng.integers(1 << 30, 1 << 31)]))
    further = int(rng.integers(0, 31 - most - max(shift, 0) + 1))
    return {"multiplier": multiplier >> further, "shift": shift + further}


def wide_pools(params: Params, seed: int) -> Written:
    """Maxima of windows with large kernels and strides, down and across."""
    rng = np.random.default_rng([4, seed])
    writer, cols = filled(params, 9), params.cols
    where = tiles_at(writer, rng, 1, params.tile_bytes)
    for number in range(16):
        stride = int(rng.integers(5, 18))
        kernel = int(rng.integers(1, 3 * stride))
        size = int(rng.integers(kernel, kernel + 4 * stride))
        pad = int(rng.integers(kernel)) // 2
        along = {"k": kernel, "s": stride, "p": pad, "in": size,
                 "out": (size + pad - kernel) // stride + 1}  # fmt: skip
        across = {"k": 2, "s": 1, "p": 0, "in": 3, "out": 2}
        rows, columns = (along, across) if number % 2 else (across, along)
        left = pixels = rows["in"] * columns["in"]
        values = {
            "cols": cols, "lo": -128, "hi": 127, "pool": Pool.MAX, "pool_in_zero": -128,
            "in_h": rows["in"], "in_w": columns["in"], "kh": rows["k"], "kw": columns["k"],
            "sh": rows["s"], "sw": columns["s"], "pt": rows["p"], "pl": columns["p"],
            "out_h": rows["out"], "out_w": columns["out"], "pitch_x": cols,
            "pitch_y": cols * columns["out"],
            "dst": writer.room(cols * columns["out"] * rows["out"]),
        }  # fmt: skip
        while left:
            count = min(left, params.bank_rows)
            writer.add(Op.WEIGHTS, src=where, tiles=1)
            writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=count, ny=1, step_x=7, k=4, seg=4,
                       base=rng.integers(params.input_bytes))  # fmt: skip
            writer.add(Op.POST, begin=left == pixels, count=count, **values)
            left -= count
    return writer.written()


def far(params: Params, pitch: int) -> Written:
    """Results that lie far apart: every second bit of a pitch, and the last rows first."""
    rng = np.random.default_rng([3, pitch])
    writer = Writer(params, rng.integers(0, 256, 4096).astype(np.uint8))
    cols = params.cols
    writer.add(Op.LOAD, src=0, inner=512, items=1, rows=1)
    writer.add(Op.WLOAD, src=0, inner=512, items=1, rows=1)
    first = writer.room(2 * pitch + 256)
    rows = {"pitch_x": pitch, "pitch_y": -64 % (1 << 32), "dst": first + 128}
    tile = np.ones(params.tile_bytes, np.uint8)
    record = writer.record(*([one] * cols for one in (0, *IDENTITY.values())))
    where = writer.constants(np.concatenate([record.reshape(-1), tile]))
    writer.add(Op.WEIGHTS, src=where, tiles=1)
    writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=6, ny=1, step_x=4, k=1, seg=1)
    writer.add(Op.POST, begin=1, count=6, cols=cols, lo=-128, hi=127, in_w=3, in_h=2, out_w=3,
               out_h=2, **rows)  # fmt: skip
    rows["dst"] += 32
    writer.add(Op.WINDOW, mode=WindowMode.MAX, cols=cols, nx=3, ny=2, step_x=8, step_y=32, k=3,
               seg=3, lo=-128, hi=127, **IDENTITY, **rows)  # fmt: skip
    # Back again, from as far apart.
    writer.add(Op.LOAD, src=first + 64, inner=cols, items=3, item_pitch=pitch, rows=2,
               row_pitch=64, dst_pitch=16, dst=300)  # fmt: skip
    writer.add(Op.WLOAD, src=first + 96 + 2 * pitch, inner=cols, items=3,
               item_pitch=-pitch % (1 << 32), rows=2, row_pitch=64, dst_pitch=16)  # fmt: skip
    writer.add(Op.WEIGHTS, src=where, tiles=1)
    writer.add(Op.EXEC, first=1, last=1, cols=cols, base=300, nx=28, ny=1, step_x=1, k=1, seg=1)
    writer.add(Op.POST, begin=1, count=28, cols=cols, lo=-128, hi=127, in_w=28, in_h=1, out_w=28,
               out_h=1, dst=writer.room(112), pitch_x=cols)  # fmt: skip
    writer.add(Op.WINDOW, mode=WindowMode.MAX, cols=cols, nx=7, ny=1, step_x=4, k=1, seg=1, lo=-128,
               hi=127, dst=writer.room(28), pitch_x=cols, **IDENTITY)  # fmt: skip
    return writer.written()


def filled(params: Params, seed: int) -> Writer:
    """A program that has filled both buffers."""
    data = np.random.default_rng([8, seed]).integers(0, 256, params.input_bytes).astype(np.uint8)
    writer = Writer(params, data)
    writer.add(Op.LOAD, src=0, inner=params.input_bytes, items=1, rows=1)
    writer.add(Op.WLOAD, src=0, inner=params.window_bytes, items=1, rows=1)
    return writer


def shown(writer: Writer) -> Written:
    """The program, and behind it what is in the array's buffer, in memory."""
    params = writer.params
    cols, tile = params.cols, np.zeros((params.rows, params.cols), np.uint8)
    tile[0] = 1
    record = writer.record(*([one] * cols for one in (0, *IDENTITY.values())))
    where = writer.constants(np.concatenate([record.reshape(-1), tile.reshape(-1)]))
    for first in range(0, params.input_bytes, params.bank_rows * 8):
        count = params.bank_rows
        writer.add(Op.WEIGHTS, src=where, tiles=1)
        writer.add(Op.EXEC, first=1, last=1, cols=cols, base=first, nx=count, ny=1, step_x=8, k=1,
                   seg=1)  # fmt: skip
        writer.add(Op.POST, begin=1, count=count, cols=cols, lo=-128, hi=127, in_w=count, in_h=1,
                   out_w=count, out_h=1, dst=writer.room(count * cols), pitch_x=cols)  # fmt: skip
    return writer.written()


def backlog(params: Params, seed: int) -> Written:
    """Commands that run ahead as far as they can, behind one that takes long: everything fills up.

    Parameters and weights come in all sizes; results wait, blocks wait for results to leave.
    """
    rng = np.random.default_rng([6, seed])
    writer, cols = filled(params, 5), params.cols
    writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=1, ny=1, k=1, seg=1,
               wait_load=1)  # fmt: skip
    where = tiles_at(writer, rng, 1, params.tile_bytes)
    writer.add(Op.WEIGHTS, src=where, tiles=1, wait_load=0, wait_exec=0, wait_post=0)
    writer.add(Op.POST, begin=1, count=1, cols=cols, lo=-128, hi=127, in_w=1, in_h=1, out_w=1,
               out_h=1, dst=writer.room(cols))  # fmt: skip
    writer.add(Op.WINDOW, mode=WindowMode.MAX, cols=cols, nx=1500, ny=1, step_x=cols, k=1, seg=1,
               lo=-128, hi=127, near=1, dst=0, pitch_x=1, **IDENTITY)  # fmt: skip
    for number in range(12):
        depth, taps = int(rng.integers(1, 40)), params.window_taps
        tiles, groups = -(-depth // params.rows), int(rng.integers(1, 33))
        count, width = int(rng.integers(1, params.bank_rows + 1)), int(rng.integers(1, 40))
        writer.add(Op.WEIGHTS, src=tiles_at(writer, rng, tiles, params.tile_bytes), tiles=tiles,
                   wait_load=0, wait_exec=0, wait_post=0)  # fmt: skip
        writer.add(Op.WPARAM, src=tiles_at(writer, rng, groups, taps * cols), tiles=groups,
                   wait_load=0, wait_exec=0, wait_post=0)  # fmt: skip
        writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=count, ny=1, step_x=3, k=depth, seg=3,
                   base=rng.integers(params.input_bytes), wait_window=1, wait_post=0)  # fmt: skip
        writer.add(Op.POST, begin=1, count=count, cols=cols, lo=-128, hi=127, in_w=count, in_h=1,
                   out_w=count, out_h=1, dst=writer.room(count * cols), pitch_x=cols,
                   wait_window=number % 3, wait_post=0)  # fmt: skip
        writer.add(
            Op.WINDOW, mode=WindowMode.MAC, cols=cols, nx=width, ny=1, step_x=cols, k=groups * taps,
            seg=7, lo=-128, hi=127, dst=writer.room(width * cols), pitch_x=cols, wait_post=0,
            wait_exec=0, base=rng.integers(params.window_bytes // cols) * cols, **writer.mark(),
        )  # fmt: skip
    return shown(writer)


def tiles_at(writer: Writer, rng, tiles: int, size: int) -> int:
    """Where a parameter record and so many random tiles lie."""
    cols = writer.params.cols
    record = writer.record(rng.integers(-9999, 9999, cols), [3 << 29] * cols,
                           rng.integers(-10, -5, cols))  # fmt: skip
    weights = rng.integers(0, 256, tiles * size).astype(np.uint8)
    return writer.constants(np.concatenate([record.reshape(-1), weights]))


def directed(params: Params) -> list[tuple[str, Written]]:
    """All of them that are short, with their names."""
    found = [(f"requantised {rounding.name}", requantised(params, rounding, 5))
             for rounding in Rounding]  # fmt: skip
    found += [(f"averaged {rounding.name}", averaged(params, rounding, 5))
              for rounding in Rounding]  # fmt: skip
    found.append(("wide pools", wide_pools(params, 1)))
    found += [(f"backlog {seed}", backlog(params, seed)) for seed in range(3)]
    return found + [(f"far {pitch:x}", far(params, pitch)) for pitch in (0x55554, 0xAAAA8, 0x7FFFC)]
