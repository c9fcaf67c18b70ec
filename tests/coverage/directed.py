"""Programs for what others reach rarely; the interpreter tells what they must leave."""

import numpy as np

from accel.isa import Op, Pool, WindowMode
from accel.params import Params
from accel.sim.engine import Memory
from tests.mutation.counts import large_image
from tests.mutation.directed import IDENTITY, filled, shown, tiles_at
from tests.support.program_writer import Written

#: Cycles until a memory answers that lets queues fill up.
_LATE = 1500
#: Pixels of a row or a column whose number has 16 bits.
LONG = 0x8002


def directed(params: Params) -> list[tuple[str, Written, Memory]]:
    """All of them, with their names and their memories."""
    late = Memory(latency_cycles=_LATE)
    return [("late bytes for LOADs", late_copies(params, Op.LOAD), late),
            ("late bytes for WLOADs", late_copies(params, Op.WLOAD), late),
            ("late answers to WINDOWs", late_windows(params), late),
            ("late answers to POSTs", late_posts(params), late),
            ("pooled rows", pooled_rows(params), Memory(latency_cycles=5)),
            ("averages of all lengths", averages(params), Memory(latency_cycles=5)),
            ("sums by all shifts", shifts(params), Memory(latency_cycles=5)),
            ("long waits", long_waits(params), Memory(latency_cycles=5))]  # fmt: skip


def unchecked(params: Params) -> list[tuple[str, Written]]:
    """Programs that the interpreter does not take, or for too long; with their names."""
    return [("wide images", wide(params)), ("overwriting", overwriting(params)),
            ("the longest row", large_image(params, LONG, 1, 1)),
            ("the longest column", large_image(params, 1, LONG, 1))]  # fmt: skip


def late_copies(params: Params, op: Op) -> Written:
    """Copies of nothing but padding, behind one that waits for memory."""
    writer, cols = filled(params, 40), params.cols
    writer.add(op, src=8, inner=64, items=1, rows=1)
    for number in range(48):
        writer.add(op, inner=0, items=1, rows=1, fill_left=cols, fill_value=number,
                   dst=8 * cols * number % 2048)  # fmt: skip
    writer.add(Op.WINDOW, mode=WindowMode.MAX, cols=cols, nx=params.window_bytes // cols, ny=1,
               step_x=cols, k=1, seg=1, lo=-128, hi=127, dst=writer.room(params.window_bytes),
               pitch_x=cols, **IDENTITY)  # fmt: skip
    return shown(writer)


def late_windows(params: Params) -> Written:
    """Commands whose few bytes lie far apart, each with a record: answers come when the record of
    the command before is being written."""
    writer, cols = filled(params, 41), params.cols
    for number in range(90):
        count = 1 + number % 5 * (number < 24)
        writer.add(Op.WINDOW, mode=WindowMode.MAX, cols=cols, nx=count, ny=1, step_x=cols, k=1,
                   seg=1, lo=-128, hi=127, dst=writer.room(count * 256), pitch_x=256,
                   **IDENTITY, **(writer.mark() if number % 3 and number < 24 else {}))  # fmt: skip
    return writer.written()


def late_posts(params: Params) -> Written:
    """The same of the array's results; between them so many bytes that no more may be open."""
    writer, cols = filled(params, 42), params.cols
    weights = tiles_at(writer, np.random.default_rng(43), 1, params.tile_bytes)
    free = {"wait_post": 0, "wait_exec": 0}
    for number in range(18):
        count = params.bank_rows if number % 3 == 2 else 1
        writer.add(Op.WEIGHTS, src=weights, tiles=1, **free, wait_load=1)
        writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=count, ny=1, step_x=1, k=1, seg=1,
                   wait_post=0, wait_load=1)  # fmt: skip
        writer.add(
            Op.POST, begin=1, count=count, cols=cols, lo=-128, hi=127, in_w=count, in_h=1,
            out_w=count, out_h=1, dst=writer.room(count * 256), pitch_x=256, **free,
            **(writer.mark() if count == 1 else {}),
        )  # fmt: skip
    return writer.written()


def wide(params: Params) -> Written:
    """The first pixels of images whose sizes have many bits; the interpreter wants them whole."""
    writer, cols = filled(params, 44), params.cols
    weights = tiles_at(writer, np.random.default_rng(45), 1, params.tile_bytes)
    for size in (0x5557, 0xAAAC, 0xFFFF, 3, 0xAAAB, 0x5556, 1):
        count = min(size, 5)
        writer.add(Op.WEIGHTS, src=weights, tiles=1)
        writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=count, ny=1, step_x=1, k=1, seg=1)
        writer.add(Op.POST, begin=1, count=count, cols=cols, lo=-128, hi=127, in_w=size, in_h=size,
                   out_w=size, out_h=size, dst=writer.room(count * cols), pitch_x=cols,
                   pool=Pool.NONE)  # fmt: skip
    return writer.written()


def pooled_rows(params: Params) -> Written:
    """Pooled rows as long as they may be; and addresses for records that are none."""
    writer, cols, width = filled(params, 47), params.cols, params.pool_entries
    weights = tiles_at(writer, np.random.default_rng(48), 1, params.tile_bytes)
    for mark_addr in (0x5555_5557, 0xAAAA_AAA8):
        place = writer.room(2 * width * cols)
        for row in range(2):
            writer.add(Op.WEIGHTS, src=weights, tiles=1)
            writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=width, ny=1, step_x=1, k=1, seg=1)
            writer.add(
                Op.POST, begin=row == 0, count=width, cols=cols, lo=-128, hi=127, in_w=width,
                in_h=2, out_w=width, out_h=2, kw=1, kh=1, sw=1, sh=1, pool=Pool.MAX, dst=place,
                pitch_x=cols, pitch_y=width * cols, mark_addr=mark_addr,
            )  # fmt: skip
    return writer.written()


def overwriting(params: Params) -> Written:
    """Copies whose rows go round their buffers many times, which the interpreter does not want."""
    writer = filled(params, 49)
    for op, size in ((Op.LOAD, params.input_bytes), (Op.WLOAD, params.window_bytes)):
        for pitch in (size - params.cols, size - 5 * params.cols):
            writer.add(op, inner=params.cols, items=1, rows=1 + (1 << 20) // pitch, row_pitch=1,
                       dst_pitch=pitch)  # fmt: skip
    return shown(writer)


def long_waits(params: Params) -> Written:
    """Parameters that wait for very many commands, which are shifted in while others come."""
    writer, cols = filled(params, 51), params.cols
    where = tiles_at(writer, np.random.default_rng(52), 1, params.window_taps * cols)
    for _ in range(1100):
        writer.add(Op.LOAD, inner=0, items=1, rows=1, fill_left=cols)
    for _ in range(2100):
        writer.add(Op.TABLE, entries=1, index0=1, multiplier0=1 << 30)
    for _ in range(4):
        writer.add(Op.WPARAM, src=where, tiles=1)
    for _ in range(4):
        writer.add(Op.WINDOW, mode=WindowMode.MAC, cols=cols, nx=1, ny=1, step_x=cols, k=1, seg=1,
                   lo=-128, hi=127, dst=writer.room(cols), pitch_x=cols)  # fmt: skip
    return writer.written()


def shifts(params: Params) -> Written:
    """Sums of pairs whose numbers are shifted to the right by every distance."""
    writer, cols = filled(params, 50), params.cols
    for distance in range(32):
        for a_shift, b_shift in ((-distance, 0), (0, -distance)):
            writer.add(
                Op.WINDOW, mode=WindowMode.ADD, cols=cols, nx=3, ny=1, step_x=2 * cols, k=2, seg=2,
                lo=-128, hi=127, dst=writer.room(3 * cols), pitch_x=cols, a_multiplier=1 << 30,
                b_multiplier=1 << 30, a_shift=a_shift, b_shift=b_shift, multiplier=1 << 30,
                shift=-9,
            )  # fmt: skip
    return writer.written()


def averages(params: Params) -> Written:
    """Averages of one pixel and of many in turns, so that sums get shorter and longer again."""
    writer, cols = filled(params, 46), params.cols
    tile = np.zeros(params.tile_bytes, np.uint8)
    record = writer.record([127] * cols, [1 << 30] * cols, [1] * cols)
    where = writer.constants(np.concatenate([record.reshape(-1), tile]))
    for width, height in ((1, 1), (8, 8), (1, 1), (64, 16), (1, 1), (64, 8), (1, 2),
                          (255, 130), (1, 1), (255, 66), (1, 1), (64, 1)):
        pixels, place = width * height, writer.room(cols)
        writer.add(Op.TABLE, entries=1, index0=pixels % 256, multiplier0=(1 << 30) // pixels,
                   shift0=1)  # fmt: skip
        for left in range(pixels, 0, -params.bank_rows):
            count = min(left, params.bank_rows)
            writer.add(Op.WEIGHTS, src=where, tiles=1)
            writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=count, ny=1, step_x=1, k=1, seg=1)
            writer.add(
                Op.POST, begin=left == pixels, count=count, cols=cols, lo=-128, hi=127, in_w=width,
                in_h=height, out_w=1, out_h=1, kw=width, kh=height, sw=width, sh=height,
                pool=Pool.AVERAGE, pool_in_zero=-128, dst=place, pitch_x=cols,
            )  # fmt: skip
    return writer.written()
