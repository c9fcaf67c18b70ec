"""Programs for what random ones reach rarely: every bit of a requantiser, of an address, a count.

Like random ones they are checked by the interpreter (tests/mutation/test_cases.py), but for the
long ones, which would take it minutes.
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
_IDENTITY = {"multiplier": 1 << 30, "shift": 1}


def requantised(params: Params, rounding: Rounding, seed: int) -> Written:
    """Sums about every bias that is nasty, through the lanes of array and window unit.

    A ramp of bytes lies in both buffers; with a weight of 1 sums are the bias and what is around.
    """
    rng = np.random.default_rng([seed, rounding])
    ramp = np.arange(-AROUND, AROUND).astype(np.int8)
    writer = Writer(params, np.concatenate([ramp, ramp.repeat(params.cols)]).view(np.uint8))
    cols, count = params.cols, 2 * AROUND
    writer.add(Op.LOAD, src=0, inner=count, items=1, rows=1)
    writer.add(Op.WLOAD, src=count, inner=count * cols, items=1, rows=1)
    for _ in range(RECORDS):
        clamp = _clamp(rng)
        array, window = (_weights(writer, rng, rounding, rows)
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


def _weights(writer: Writer, rng, rounding: Rounding, rows: int) -> int:
    """Where a parameter record and a tile with ones in its first row lie."""
    cols = writer.params.cols
    x, multiplier, shift = vectors(rng, cols, rounding)
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


def averaged(params: Params, rounding: Rounding, seed: int) -> Written:
    """Averages of small images with any factor: from sums of a few units to the largest."""
    rng = np.random.default_rng([seed, rounding, 1])
    image = rng.integers(-128, 128, 4096).astype(np.int8)
    image[1024:1280], image[1280:1536] = -128, 127
    writer, cols = Writer(params, image.view(np.uint8)), params.cols
    size = min(params.input_bytes, image.size)
    writer.add(Op.LOAD, src=0, inner=size, items=1, rows=1)
    tile = np.zeros((params.rows, cols), np.uint8)
    tile[0] = 1
    record = writer.record(*([one] * cols for one in (0, *_IDENTITY.values())))
    where = writer.constants(np.concatenate([record.reshape(-1), tile.reshape(-1)]))
    for _ in range(AVERAGED):
        width, height = (int(one) for one in rng.choice([1, 2, 4, 8], 2))
        kw, kh = (int(rng.integers(1, one + 1)) for one in (width, height))
        scales = [_average(rng, rounding, n) for n in range(1, kw * kh + 1)]
        out_w, out_h = width - kw + 1, height - kh + 1
        writer.add(Op.TABLE, entries=1, index0=kw * kh,
                   **{f"{name}0": value for name, value in scales[-1].items()})  # fmt: skip
        writer.add(Op.WEIGHTS, src=where, tiles=1)
        base = int(rng.choice([rng.integers(size - 64), 1024, 1280]))
        writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=width * height, ny=1, step_x=1, k=1,
                   seg=1, base=base)  # fmt: skip
        writer.add(
            Op.POST, begin=1, count=width * height, cols=cols, lo=-128, hi=127, in_w=width,
            in_h=height, out_w=out_w, out_h=out_h, pool=Pool.AVERAGE, pool_rounding=rounding,
            pool_in_zero=rng.choice([-128, 127, *rng.integers(-128, 128, 2)]),
            pool_out_zero=rng.integers(-128, 128), kh=kh, kw=kw, sh=1, sw=1,
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
    record = writer.record(*([one] * cols for one in (0, *_IDENTITY.values())))
    where = writer.constants(np.concatenate([record.reshape(-1), tile]))
    writer.add(Op.WEIGHTS, src=where, tiles=1)
    writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=6, ny=1, step_x=4, k=1, seg=1)
    writer.add(Op.POST, begin=1, count=6, cols=cols, lo=-128, hi=127, in_w=3, in_h=2, out_w=3,
               out_h=2, **rows)  # fmt: skip
    rows["dst"] += 32
    writer.add(Op.WINDOW, mode=WindowMode.MAX, cols=cols, nx=3, ny=2, step_x=8, step_y=32, k=3,
               seg=3, lo=-128, hi=127, **_IDENTITY, **rows)  # fmt: skip
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
               hi=127, dst=writer.room(28), pitch_x=cols, **_IDENTITY)  # fmt: skip
    return writer.written()


def directed(params: Params) -> list[tuple[str, Written]]:
    """All of them that are short, with their names."""
    found = [(f"requantised {rounding.name}", requantised(params, rounding, 5))
             for rounding in Rounding]  # fmt: skip
    found += [(f"averaged {rounding.name}", averaged(params, rounding, 5))
              for rounding in Rounding]  # fmt: skip
    return found + [(f"far {pitch:x}", far(params, pitch)) for pitch in (0x55554, 0xAAAA8, 0x7FFFC)]


def long(params: Params) -> list[tuple[str, Written]]:
    """Counts with many bits: outputs of a row and rows, elements of a window, weight tiles, rows
    and items that are copied, pixels of an image."""
    most = {"nx": (0xAAAA, 1), "ny": (1, 0xAAAA)}
    found = [(f"long {name}", _many_outputs(params, *sizes)) for name, sizes in most.items()]
    found += [("long k", _deep(params, 0xAAAA)), ("long copies", _many_copies(params)),
              ("long row", _large_image(params, 0x5555, 1, 1)),
              ("long column", _large_image(params, 1, 0x5555, 1)),
              ("a large average", _large_image(params, 255, 90, 90))]  # fmt: skip
    return found


def _writer(params: Params, seed: int) -> Writer:
    """A program that has filled both buffers."""
    data = np.random.default_rng([8, seed]).integers(0, 256, params.input_bytes).astype(np.uint8)
    writer = Writer(params, data)
    writer.add(Op.LOAD, src=0, inner=params.input_bytes, items=1, rows=1)
    writer.add(Op.WLOAD, src=0, inner=params.window_bytes, items=1, rows=1)
    return writer


def _shown(writer: Writer) -> Written:
    """The program, and behind it what is in the array's buffer, in memory."""
    params = writer.params
    cols, tile = params.cols, np.zeros((params.rows, params.cols), np.uint8)
    tile[0] = 1
    record = writer.record(*([one] * cols for one in (0, *_IDENTITY.values())))
    where = writer.constants(np.concatenate([record.reshape(-1), tile.reshape(-1)]))
    for first in range(0, params.input_bytes, params.bank_rows * 8):
        count = params.bank_rows
        writer.add(Op.WEIGHTS, src=where, tiles=1)
        writer.add(Op.EXEC, first=1, last=1, cols=cols, base=first, nx=count, ny=1, step_x=8, k=1,
                   seg=1)  # fmt: skip
        writer.add(Op.POST, begin=1, count=count, cols=cols, lo=-128, hi=127, in_w=count, in_h=1,
                   out_w=count, out_h=1, dst=writer.room(count * cols), pitch_x=cols)  # fmt: skip
    return writer.written()


def _many_outputs(params: Params, width: int, height: int) -> Written:
    """A WINDOW of very many outputs, which stay on the chip."""
    writer = _writer(params, 1)
    writer.add(
        Op.WINDOW, mode=WindowMode.MAX, cols=params.cols, nx=width, ny=height, near=1,
        step_x=3 * params.cols, step_y=5 * params.cols, k=1, seg=1, lo=-128, hi=127, **_IDENTITY,
        pitch_x=7, pitch_y=11, **writer.mark(),
    )  # fmt: skip
    return _shown(writer)


def _deep(params: Params, depth: int) -> Written:
    """A sum, and a maximum, of very many elements."""
    writer, cols = _writer(params, 2), params.cols
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
    writer = _writer(params, 3)
    writer.add(Op.LOAD, rows=0xAAAA, items=1, fill_left=1, fill_value=5, dst=77)
    writer.add(Op.LOAD, rows=1, items=1365, inner=1, item_pitch=3, dst=1000, src=5)
    writer.add(Op.LOAD, rows=1, items=1365, inner=3, item_pitch=1, dst=3000)
    return _shown(writer)


def _large_image(params: Params, width: int, height: int, window: int) -> Written:
    """An image of very many pixels: a few maxima of it, or its average."""
    writer, cols = _writer(params, 4), params.cols
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
