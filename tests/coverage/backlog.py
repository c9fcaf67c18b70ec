"""Programs that fill up what waits for memory, and memories that let it: they take many bursts at
once, and answer writes much later than reads.

The interpreter tells what they must leave.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from accel.isa import Op, Pool, WindowMode
from accel.params import MAX_BURST, Params
from accel.sim.engine import Memory
from tests.mutation.case import Case
from tests.mutation.directed import IDENTITY, tiles_at
from tests.support.program_writer import Writer, Written

#: Bytes from a result to the next one, so that each is a burst of its own.
APART = 256
#: Cycles from a write to its answer, and from a read to its data, where that comes late.
_LATE, _LATE_READ = 6000, 1500
#: Bytes that each buffer has of the source.
_FILLED = 512
_FREE = {"wait_post": 0, "wait_exec": 0}


@dataclasses.dataclass(frozen=True)
class Backlog(Case):
    """A program on a memory that takes ``outstanding`` bursts each way before it has answered, and
    answers writes after ``write_latency_cycles``."""

    write_latency_cycles: int = _LATE
    outstanding: int = 256

    def config(self, memory: np.ndarray, limit: int):
        """What a run is given."""
        config = super().config(memory, limit)
        config.write_latency_cycles = self.write_latency_cycles
        config.outstanding = self.outstanding
        return config


def backlogs(params: Params) -> list[tuple[Backlog, Written]]:
    """All of them, each with its program."""
    soon, late = Memory(latency_cycles=3), Memory(latency_cycles=_LATE_READ)
    far, narrow = Memory(latency_cycles=90), Memory(latency_cycles=3, bytes_per_cycle=1)
    listed = [("open commands", _open(params), soon, _LATE),
              ("waiting EXECs", _waiting_execs(params), soon, _LATE),
              ("waiting weights", _waiting_weights(params), soon, 3),
              ("waiting WINDOWs", _waiting_windows(params), soon, _LATE),
              ("waiting averages", _pooled(params, Pool.AVERAGE), soon, _LATE),
              ("records behind results", _records(params), narrow, 3),
              ("due records of POSTs", due_records(params, 3, Op.POST), soon, 120),
              ("due records of WINDOWs", due_records(params, 3, Op.WINDOW), soon, 200),
              ("more due records of POSTs", due_records(params, 8, Op.POST), far, 90),
              ("more due records of WINDOWs", due_records(params, 12, Op.WINDOW), far, 90),
              ("many reads", _reads(params), late, 3)]  # fmt: skip
    found = [(Backlog(name, program.memory, program.start, program.commands, memory,
                      timeout=4 * _LATE, write_latency_cycles=latency), program)
             for name, program, memory, latency in listed]  # fmt: skip
    # Eight writes at a time: what waits comes in gushes.
    maxima = _pooled(params, Pool.MAX)
    return [*found, (Backlog("waiting maxima", maxima.memory, maxima.start, maxima.commands, soon,
                             write_latency_cycles=60, outstanding=8), maxima)]  # fmt: skip


class _Program:
    """A program that grows: blocks of a few pixels, and what else there is."""

    def __init__(self, params: Params, seed: int):
        self.cols = params.cols
        self.writer = Writer(params, np.random.default_rng([9, seed]).integers(
            0, 256, params.window_bytes).astype(np.uint8))  # fmt: skip
        for op in (Op.LOAD, Op.WLOAD):
            self.writer.add(op, src=0, inner=_FILLED, items=1, rows=1)
        rng = np.random.default_rng(seed)
        self.array = tiles_at(self.writer, rng, 1, params.tile_bytes)
        self.window = tiles_at(self.writer, rng, 1, params.window_taps * params.cols)

    def block(self, count: int) -> None:
        """The sums of so many pixels, and the weights for them."""
        self.weights()
        self.sums(count)

    def weights(self) -> None:
        """Weights for the array."""
        self.writer.add(Op.WEIGHTS, src=self.array, tiles=1, wait_load=1, **_FREE)

    def sums(self, count: int, wait_load: int = 1) -> None:
        """The sums of so many pixels."""
        self.writer.add(Op.EXEC, first=1, last=1, cols=self.cols, nx=count, ny=1, step_x=1, k=1,
                        seg=1, wait_load=wait_load, wait_post=0, wait_window=0)  # fmt: skip

    def post(self, count: int, **values: int) -> None:
        """Their bytes, far apart."""
        here = {"begin": 1, "in_w": count, "in_h": 1, "out_w": count, "out_h": 1, "pitch_x": APART}
        if "dst" not in values:
            here["dst"] = self.writer.room(count * APART)
        self.writer.add(Op.POST, count=count, cols=self.cols, lo=-128, hi=127,
                        wait_window=0, **_FREE, **here | values)  # fmt: skip

    def parameters(self) -> None:
        """Parameters for the window unit."""
        self.writer.add(Op.WPARAM, src=self.window, tiles=1, wait_load=1, **_FREE)

    def outputs(self, count: int, mode: WindowMode = WindowMode.MAX, **values: int) -> None:
        """Results of the window unit, far apart."""
        self.writer.add(
            Op.WINDOW, mode=mode, cols=self.cols, nx=count, ny=1, step_x=self.cols, k=1, seg=1,
            lo=-128, hi=127, dst=self.writer.room(count * APART), pitch_x=APART,
            **({} if mode is WindowMode.MAC else IDENTITY), **{"wait_wload": 1} | _FREE | values,
        )  # fmt: skip


def _open(params: Params) -> Written:
    """Commands of one result each, as many as may be open: of the window unit, of the array, and
    then of both side by side."""
    made = _Program(params, 50)
    for number in range(240):
        if number < 120 or number % 2:
            made.outputs(1)
        else:
            made.block(1)
            made.post(1)
    for _ in range(90):
        made.block(1)
        made.post(1)
    return made.writer.written()


def _waiting_execs(params: Params) -> Written:
    """EXECs behind POSTs that wait for memory, with their weights long before them."""
    made, full = _Program(params, 51), params.bank_rows
    sums, post = (functools.partial(one, 1) for one in (made.sums, made.post))
    _repeat(2, functools.partial(made.block, full), functools.partial(made.post, full))
    _repeat(6, made.weights)
    _repeat(4, sums, post, made.weights)
    _repeat(6, sums)
    _repeat(6, post)
    return made.writer.written()


def _waiting_windows(params: Params) -> Written:
    """WINDOWs behind others that wait for memory, with their parameters long before them."""
    made = _Program(params, 56)
    output = functools.partial(made.outputs, 1, WindowMode.MAC)
    _repeat(2, functools.partial(made.outputs, params.bank_rows))
    _repeat(6, made.parameters)
    _repeat(12, output, made.parameters)
    _repeat(6, output)
    return made.writer.written()


def _repeat(count: int, *commands: Callable[[], None]) -> None:
    """List these commands so many times."""
    for _ in range(count):
        for command in commands:
            command()


def _pooled(params: Params, pool: Pool) -> Written:
    """Windows of one pixel, one behind the other, into a memory that takes no more."""
    made, rows, width = _Program(params, 52), 4, params.pool_entries
    made.writer.add(Op.TABLE, entries=1, index0=1, multiplier0=1 << 30, shift0=1)
    place = made.writer.room(rows * width * APART)
    for row in range(rows):
        made.block(width)
        made.post(
            width, begin=row == 0, in_w=width, in_h=rows, out_w=width, out_h=rows, kw=1, kh=1, sw=1,
            sh=1, pool=pool, dst=place, pitch_y=width * APART,
        )  # fmt: skip
    return made.writer.written()


def _records(params: Params) -> Written:
    """Completion records that must wait while answers to results behind them come."""
    made = _Program(params, 53)
    for _ in range(4):
        for count in (1, 1, params.bank_rows):
            made.block(count)
            made.post(count, **made.writer.mark())
        for count in (1, 1, 80):
            made.outputs(count, **made.writer.mark())
    return made.writer.written()


def due_records(params: Params, few: int, op: Op) -> Written:
    """Results that fill the queues, and behind them ``few`` single ones with a completion record
    each: with more than four more records are due at once than have places."""
    made = _Program(params, 58)
    for _ in range(3):
        for count, mark in [(params.bank_rows, False)] * 2 + [(1, True)] * few:
            values = made.writer.mark() if mark else {}
            if op is Op.POST:
                made.block(count)
                made.post(count, **values)
            else:
                made.outputs(count, **values)
    return made.writer.written()


def _waiting_weights(params: Params) -> Written:
    """EXECs that wait for a copy, with their weights long before them."""
    made, ahead, behind = _Program(params, 57), 8, 5
    made.writer.add(Op.LOAD, src=0, inner=1, items=400, item_pitch=3, rows=1, dst=1024, **_FREE)
    for _ in range(ahead):
        made.weights()
    for number in range(ahead + behind):
        made.sums(1, wait_load=2)
        made.post(1)
        if number < behind:
            made.weights()
    return made.writer.written()


def _reads(params: Params) -> Written:
    """Every reader asks for as much as it may, in the shortest bursts: single words, and records
    that lie across the end of a burst, and wait until the commands behind them are there."""
    made, few = _Program(params, 55), 6
    made.array, made.window = (_across(made.writer, params, rows)
                               for rows in (params.rows, params.window_taps))  # fmt: skip
    for op in (Op.LOAD, Op.WLOAD):
        made.writer.add(op, src=0, inner=made.cols, items=120, item_pitch=8 * params.bus_bytes,
                        rows=1, dst=1024, **_FREE)  # fmt: skip
    for _ in range(few):
        made.weights()
        made.parameters()
    for _ in range(3):
        made.outputs(2, WindowMode.MAC, wait_wload=2)
        made.parameters()
    for _ in range(few):
        made.sums(2)
        made.post(2)
        made.outputs(2, WindowMode.MAC)
    return made.writer.written()


def _across(writer: Writer, params: Params, rows: int) -> int:
    """Where a parameter record and a tile lie that begin with a burst's last beat."""
    rng, cols, burst = np.random.default_rng(rows), params.cols, MAX_BURST * params.bus_bytes
    record = writer.record([9] * cols, [3 << 29] * cols, [-6] * cols).reshape(-1)
    tile = rng.integers(0, 256, rows * cols).astype(np.uint8)
    gap = (-writer.room(0) - params.bus_bytes) % burst  # what is next lies there
    where = writer.constants(np.concatenate([np.zeros(gap, np.uint8), record, tile]))
    return where + gap
