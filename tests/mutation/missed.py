"""What all other cases missed: short programs that reach one thing each, and a host that does.

Each was written for a mutant that had lived, and says what is special about it.
"""

import dataclasses

import numpy as np

from accel.isa import FLOATS, Op, Pool, Rounding, WindowMode, pack
from accel.params import Params
from accel.registers import Reg
from accel.sim.engine import Memory
from tests.mutation.case import Case
from tests.mutation.directed import IDENTITY, filled, tiles_at
from tests.mutation.host import HostCase, accesses
from tests.mutation.singles import POOLED, SOUND, one_by_one
from tests.support.program_writer import Writer, Written

#: A memory that takes eight cycles a beat, and the cycles without progress that are allowed.
NARROW, BEATS = Memory(latency_cycles=2, bytes_per_cycle=1), 40
#: Powers of two that are sums, and those that are averaged.
SUMS, AVERAGED = 30, 13
#: Of a factor that brings 2**n just above a half that would be rounded down: what its multiplier
#: has beside the unit of its own, and what its shift has beside -n.
ABOVE = {Rounding.FLOAT: (1 << 30, 0), Rounding.FLOAT_ODD: (3 << 29, 1)}
#: Vectors of POSTs, the first with a record, that fill a store up behind a memory that is so slow.
FILLING, SLOW = (1, 1, 64, 64), 300
#: Vectors of WINDOWs, all with records.
MARKED = (4, 7) * 16
#: How far apart in memory vectors are that are a burst each.
APART = 24
#: Cycles of a memory's answer, of a WINDOW at least, and when in it a program is aborted.
ANSWER, OUTPUTS, ABORTED = 1000, 4000, 2400
#: Cycles without progress that an abort waits; what a host does then.
PATIENCE, AFTERWARDS = 100, 700


def missed(params: Params) -> list[Case | HostCase]:
    """All of them."""
    found = [_case("odd copies", odd_copies(params), Memory(latency_cycles=2)),
             dataclasses.replace(_case("patience alone", long_bursts_alone(params), NARROW),
                                 timeout=BEATS),
             _case("late sums", late_exec(params), Memory(latency_cycles=2))]  # fmt: skip
    for rounding in FLOATS:
        for name, program in (("just above", just_above),
                              ("average just above", average_just_above)):  # fmt: skip
            found.append(_case(f"{name} {rounding.name}", program(params, rounding),
                               Memory(latency_cycles=2)))  # fmt: skip
    found += [_case("a full store", full_store(params), Memory(latency_cycles=SLOW)),
              _case("records behind", records_behind(params), Memory(latency_cycles=2)),
              _case("long segments", long_segments(params), Memory(latency_cycles=2)),
              one_by_one("divisions", divisions(params)), aborted(params)]  # fmt: skip
    return found


def odd_copies(params: Params) -> Written:
    """Copies of a few bytes into the window unit's buffer, that end anywhere in a word; then all
    of the buffer is shown, with what is beside them."""
    rng, writer, cols = np.random.default_rng(70), filled(params, 70), params.cols
    for dst in range(0, params.window_bytes, 32):
        writer.add(Op.WLOAD, src=rng.integers(1, 4000), inner=rng.integers(1, 12), items=1, rows=1,
                   dst=dst + rng.integers(8))  # fmt: skip
    words = params.window_bytes // cols
    writer.add(Op.WINDOW, mode=WindowMode.MAX, cols=cols, nx=words, ny=1, step_x=cols, k=1, seg=1,
               lo=-128, hi=127, **IDENTITY, dst=writer.room(words * cols),
               pitch_x=cols)  # fmt: skip
    return writer.written()


def long_bursts_alone(params: Params) -> Written:
    """A WINDOW whose results lie side by side, and no reads beside it: in a narrow memory a burst
    takes longer than the time limit, and only its beats are progress."""
    writer, cols, count = Writer(params, np.arange(256).astype(np.uint8)), params.cols, 64
    writer.add(Op.WLOAD, src=0, inner=count * cols, items=1, rows=1)
    writer.add(Op.WINDOW, mode=WindowMode.MAX, cols=cols, nx=count, ny=1, step_x=cols, k=1, seg=1,
               lo=-128, hi=127, **IDENTITY, dst=writer.room(count * cols),
               pitch_x=cols)  # fmt: skip
    return writer.written()


def late_exec(params: Params) -> Written:
    """An EXEC at the end that comes when the one before it is long over: on its way through its
    queue it is all that is left of the array's work."""
    writer, rng = Writer(params, np.arange(256).astype(np.uint8)), np.random.default_rng(71)
    writer.add(Op.LOAD, src=0, inner=16, items=1, rows=1)
    writer.add(Op.WEIGHTS, src=tiles_at(writer, rng, 2, params.tile_bytes), tiles=2)
    for first in (1, 0):
        for number in range(0 if first else 12):
            writer.add(Op.LOAD, inner=0, items=1, rows=1, fill_left=1, dst=100 + number,
                       wait_exec=0)  # fmt: skip
        writer.add(Op.EXEC, first=first, cols=params.cols, nx=1, ny=1, step_x=1, k=params.rows,
                   seg=params.rows)  # fmt: skip
    return writer.written()


def just_above(params: Params, rounding: Rounding) -> Written:
    """Powers of two in every column of both units, brought to a half and the least more that
    float32 has: they go as far to the left as they can, or the least more is lost."""
    writer, cols = Writer(params, np.zeros(64, np.uint8)), params.cols
    for op in (Op.LOAD, Op.WLOAD):
        writer.add(op, src=0, inner=64, items=1, rows=1)
    sums = [sign << bit for bit in range(SUMS) for sign in (1, -1)]
    sums += [*sums[1:], sums[0]]
    for first in range(0, len(sums), cols):
        some = sums[first : first + cols]
        array, window = (_record(writer, rounding, some, rows)
                         for rows in (params.rows, params.window_taps))  # fmt: skip
        limits = {"cols": cols, "rounding": rounding, "lo": -128, "hi": 127, "pitch_x": cols}
        writer.add(Op.WEIGHTS, src=array, tiles=1)
        writer.add(Op.WPARAM, src=window, tiles=1)
        writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=1, ny=1, k=1, seg=1)
        writer.add(Op.WINDOW, mode=WindowMode.MAC, nx=1, ny=1, k=1, seg=1, dst=writer.room(cols),
                   **limits)  # fmt: skip
        writer.add(Op.POST, begin=1, count=1, in_w=1, out_w=1, in_h=1, out_h=1,
                   dst=writer.room(cols), **limits)  # fmt: skip
    return writer.written()


def average_just_above(params: Params, rounding: Rounding) -> Written:
    """The same of averages: zeroes, of which one or 64 are a power of two above the zero point."""
    writer, cols = Writer(params, np.zeros(64, np.uint8)), params.cols
    writer.add(Op.LOAD, src=0, inner=64, items=1, rows=1)
    where = _record(writer, Rounding.SINGLE, [0] * cols, params.rows)
    for bit, sign in ((bit, sign) for bit in range(AVERAGED) for sign in (1, -1)):
        size = 8 if bit > 6 else 1
        zero = -sign << (bit - 6 if bit > 6 else bit)
        multiplier, shift = _factor(rounding, bit)
        writer.add(Op.WEIGHTS, src=where, tiles=1)
        writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=size * size, ny=1, k=1, seg=1)
        writer.add(Op.TABLE, entries=1, index0=size * size, multiplier0=multiplier, shift0=shift)
        writer.add(
            Op.POST, begin=1, count=size * size, cols=cols, lo=-128, hi=127, in_w=size, in_h=size,
            out_w=1, out_h=1, kw=size, kh=size, sw=1, sh=1, pool=Pool.AVERAGE,
            pool_rounding=rounding, pool_in_zero=zero, dst=writer.room(cols), pitch_x=cols,
        )  # fmt: skip
    return writer.written()


def _record(writer: Writer, rounding: Rounding, sums: list[int], rows: int) -> int:
    """Where a record lies whose biases are these powers of two, and a tile of zeroes behind it."""
    factors = [_factor(rounding, abs(one).bit_length() - 1) for one in sums]
    record = writer.record(sums, *zip(*factors, strict=True))
    zeroes = np.zeros(rows * writer.params.cols, np.uint8)
    return writer.constants(np.concatenate([record.reshape(-1), zeroes]))


def _factor(rounding: Rounding, bit: int) -> tuple[int, int]:
    """Multiplier and shift that bring 2**bit just above a half."""
    multiplier, shift = ABOVE.get(rounding, (0, 0))
    return multiplier | 1 << 7, shift - bit


def full_store(params: Params) -> Written:
    """A completion record that is written when the store's queue has all but no room, as vectors
    of two beats each wait for a slow memory: the queue then has all that it may ever have."""
    writer, rng = Writer(params, np.arange(256).astype(np.uint8)), np.random.default_rng(72)
    writer.add(Op.LOAD, src=0, inner=256, items=1, rows=1)
    tile, cols = tiles_at(writer, rng, 1, params.tile_bytes), params.cols
    for number, count in enumerate(FILLING):
        writer.add(Op.WEIGHTS, src=tile, tiles=1, wait_load=0, wait_exec=0, wait_post=0)
        writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=count, ny=1, step_x=1, k=params.rows,
                   seg=params.rows, wait_load=1, wait_window=0, wait_post=0)  # fmt: skip
        writer.add(
            Op.POST, begin=1, count=count, cols=cols, lo=-128, hi=127, in_w=count, in_h=1,
            out_w=count, out_h=1, dst=writer.room(count * APART + 8) + 6, pitch_x=APART,
            wait_window=0, wait_post=0, **({} if number else writer.mark()),
        )  # fmt: skip
    return writer.written()


def records_behind(params: Params) -> Written:
    """WINDOWs of a few bursts, each with a record that takes longer than they: more and more
    bursts are answered while an end is held, as many as may be."""
    writer, cols = Writer(params, np.arange(256).astype(np.uint8)), params.cols
    writer.add(Op.WLOAD, src=0, inner=256, items=1, rows=1)
    for count in MARKED:
        writer.add(
            Op.WINDOW, mode=WindowMode.MAX, cols=cols, nx=count, ny=1, step_x=cols, k=1, seg=1,
            lo=-128, hi=127, **IDENTITY, dst=writer.room(count * APART), pitch_x=APART,
            **writer.mark(),
        )  # fmt: skip
    return writer.written()


def aborted(params: Params) -> HostCase:
    """A host that aborts a program in a long WINDOW whose results stay on the chip, while a LOAD
    waits for a slow memory: nothing may move then, and the time limit ends it."""
    writer, cols = Writer(params, np.arange(256).astype(np.uint8)), params.cols
    writer.add(Op.WLOAD, src=0, inner=64, items=1, rows=1)
    for outputs in (1, OUTPUTS):
        writer.add(Op.WINDOW, mode=WindowMode.MAX, cols=cols, nx=outputs, ny=1, near=1, step_x=cols,
                   k=1, seg=1, lo=-128, hi=127, **IDENTITY, dst=1024)  # fmt: skip
    writer.add(Op.LOAD, src=0, inner=64, items=1, rows=1, wait_window=1)
    written = writer.written()
    rng = np.random.default_rng(73)
    steps = [(0, Reg.PROGRAM, written.start), (0, Reg.COMMANDS, written.commands),
             (0, Reg.TIMEOUT, 5 * ANSWER), (0, Reg.CONTROL, 1), (ABORTED, Reg.TIMEOUT, PATIENCE),
             (0, Reg.CONTROL, 4), (AFTERWARDS, Reg.CONTROL, 2)]  # fmt: skip
    writes = accesses(rng, [address for _, address, _ in steps])
    reads = accesses(rng, [Reg.STATUS, Reg.STATUS])
    writes[:, 0], writes[:, 3] = ([step[part] for step in steps] for part in (0, 2))
    writes[:, 4] = 15
    reads[:, 0] = ABORTED + AFTERWARDS - 200, AFTERWARDS
    return HostCase("an abort", written.memory, Memory(latency_cycles=ANSWER), writes, reads, ())


def long_segments(params: Params) -> Written:
    """WINDOWs of a few elements in segments that are a power of two and a few long: without that
    one bit they would end soon, in the first output or in those that begin again."""
    writer, cols = filled(params, 72), params.cols
    for bit in range(3, 16):
        for more in (2, 3, 6, 7):
            writer.add(Op.WINDOW, mode=WindowMode.MAX, cols=cols, nx=3, ny=2, step_x=3 * cols,
                       step_y=31 * cols, k=12, seg=(1 << bit) + more, seg_skip=15 * cols, lo=-128,
                       hi=127, **IDENTITY, dst=writer.room(6 * cols), pitch_x=cols,
                       pitch_y=3 * cols)  # fmt: skip
    return writer.written()


def divisions(params: Params) -> list[bytes]:
    """POSTs that pool, with ceil(kh / sh) * out_w at its limit and just above it: every remainder
    of one bit, and quotients of all sizes."""
    kernels = [(whole * stride + rest, stride) for rest in (1 << bit for bit in range(8))
               for whole in range(3)
               for stride in (rest + 1, 2 * rest, (255 - rest) // max(whole, 1))
               if rest < stride]  # fmt: skip
    kernels += [(kernel, stride) for kernel in range(1, 256, 9) for stride in (1, 2, 3, 9, 40, 100)]
    found = []
    for kernel, stride in kernels:
        rows = -(-kernel // stride)
        if kernel < 256 and stride < 256 and rows <= params.pool_entries:
            most = params.pool_entries // rows
            found += [pack(Op.POST, **SOUND[Op.POST] | POOLED | {
                "kh": kernel, "sh": stride, "out_w": out_w})
                for out_w in (most, most + 1)]  # fmt: skip
    return list(dict.fromkeys(found))


def _case(name: str, program: Written, memory: Memory) -> Case:
    return Case(name, program.memory, program.start, program.commands, memory)
