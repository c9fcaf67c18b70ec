"""Cases that networks and random programs seldom are: a crowded memory, addresses beyond it, each
wait alone, products near a tie, bytes scaled to any size, very many copies under way, an error
after very many commands, or in front of even more; and what all of these missed."""

import dataclasses

import numpy as np

from accel.isa import COMMAND_BYTES, Op, Rounding, WindowMode
from accel.params import Params
from accel.sim.engine import Memory
from tests.mutation.beyond import beyond
from tests.mutation.case import Case
from tests.mutation.cases import raised
from tests.mutation.crowded import crowded
from tests.mutation.directed import IDENTITY, filled, shown, tiles_at
from tests.mutation.host import HostCase
from tests.mutation.missed import missed
from tests.mutation.scaled import scaled
from tests.mutation.singles import SOUND
from tests.mutation.ties import ties
from tests.mutation.waits import waits
from tests.support.program_writer import Writer, Written
from tests.support.random_programs import random_program

#: Random programs behind slow memories; blocks of commands in each.
SLOW, BLOCKS = 6, 5
#: The number of a command that is refused: as many as the time allows, every second bit.
LATE = 0x1555
#: The highest bit of a number of commands, of which the fourth is refused, or the first if these
#: are more than can be counted.
LONG = range(10, 32)
#: Commands that are fetched ahead, at most.
AHEAD = 64
#: A memory that takes eight cycles a beat, and the cycles without one that a program is allowed.
NARROW, PATIENCE = Memory(latency_cycles=2, bytes_per_cycle=1), 40
#: Copies of one byte, one behind the other.
COPIES = 90


def rare(params: Params) -> list[Case | HostCase]:
    """All of them."""
    rng = np.random.default_rng(29)
    found = [raised(_case(name, program, memory), int(rng.integers(1 << 20)) << 12)
             for name, program, memory in crowded(params)]  # fmt: skip
    found += [_case(name, program, Memory(latency_cycles=4)) for name, program in beyond(params)]
    found += [_case(name, program, Memory(latency_cycles=40)) for name, program in waits(params)]
    found += [_case(name, program, Memory(latency_cycles=2)) for name, program in ties(params)]
    found.append(_case("a late error", late(params), Memory(latency_cycles=1)))
    found += [_case(f"scaled {rounding.name}", scaled(params, rounding), Memory(latency_cycles=2))
              for rounding in Rounding]  # fmt: skip
    found += [_case(f"many copies {number}", program, memory)
              for number, (program, memory) in enumerate(copies(params))]  # fmt: skip
    found += [_case(f"last a {op.name}", last(params, op), Memory(latency_cycles=30)) for op in Op]
    found += [_case(f"cut short {1 << bit:x}", cut_short(params, bit), Memory(latency_cycles=2))
              for bit in LONG]  # fmt: skip
    found += [dataclasses.replace(_case(f"patience {op.name}", long_bursts(params, op), NARROW),
                                  timeout=PATIENCE) for op in (Op.POST, Op.WINDOW)]  # fmt: skip
    for number in range(SLOW):
        memory = Memory(latency_cycles=int(rng.integers(100, 400)), stall_seed=1 + number,
                        stall_percent=int(rng.choice([0, 50, 80])))  # fmt: skip
        found.append(_case(f"slow instructions {number}", random_program(params, rng, BLOCKS),
                           memory))  # fmt: skip
    return found + missed(params)


def late(params: Params) -> Written:
    """LATE short commands, and one that is none."""
    writer = Writer(params, np.zeros(64, np.uint8))
    for number in range(LATE):
        writer.add(Op.LOAD, inner=0, items=1, rows=1, fill_left=1, fill_value=number % 100,
                   dst=number % params.input_bytes)  # fmt: skip
    program = writer.written()
    end = program.start + LATE * COMMAND_BYTES
    memory = np.concatenate([program.memory[:end], np.full(COMMAND_BYTES, 0xFF, np.uint8)])
    return Written(memory, program.start, LATE + 1, ())


def cut_short(params: Params, bit: int) -> Written:
    """A few commands and one that is none, at the beginning of a program of 2**bit and a few."""
    writer = Writer(params, np.zeros(64, np.uint8))
    for number in range(3):
        writer.add(Op.LOAD, inner=0, items=1, rows=1, fill_left=1, dst=number)
    written = writer.written()
    ahead = np.full(AHEAD * COMMAND_BYTES, 0xFF, np.uint8)
    memory = np.concatenate([written.memory[: written.start + 3 * COMMAND_BYTES], ahead])
    return Written(memory, written.start, (1 << bit) + 5, ())


def copies(params: Params) -> list[tuple[Written, Memory]]:
    """As many copies of a byte under way as may be: of each buffer, and of both in turn; and
    memories that are slow to answer."""
    found = []
    for latency, ops in ((700, (Op.LOAD,)), (700, (Op.WLOAD,)), (550, (Op.LOAD, Op.WLOAD)),
                         (333, (Op.WLOAD,))):  # fmt: skip
        writer = filled(params, 50)
        for number in range(COPIES):
            writer.add(
                ops[number % len(ops)], src=7 * number, inner=1, items=1, rows=1,
                dst=number * params.cols, wait_exec=0, wait_post=0, wait_window=0,
            )  # fmt: skip
        found.append((shown(writer), Memory(latency_cycles=latency)))
    return found


def last(params: Params, op: Op) -> Written:
    """A little of everything, and an ``op`` at the end, with no more than it needs before it."""
    writer, rng = filled(params, 60), np.random.default_rng(61)
    tile = {"src": tiles_at(writer, rng, 1, params.tile_bytes)}
    before = {Op.EXEC: (Op.WEIGHTS,), Op.POST: (Op.WEIGHTS, Op.EXEC), Op.WINDOW: (Op.WPARAM,)}
    for one in (Op.WEIGHTS, Op.EXEC, Op.POST, *before.get(op, ()), op):
        writer.add(one, **SOUND[one] | (tile if one in (Op.WEIGHTS, Op.WPARAM) else {}))
    return writer.written()


def long_bursts(params: Params, op: Op) -> Written:
    """Results of one command that lie side by side, and nothing that moves beside them."""
    writer, rng, cols = filled(params, 62), np.random.default_rng(63), params.cols
    count = params.bank_rows
    if op is Op.POST:
        tile = tiles_at(writer, rng, 1, params.tile_bytes)
        writer.add(Op.WEIGHTS, src=tile, tiles=1)
        writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=count, ny=1, step_x=3, k=4, seg=4)
        writer.add(op, begin=1, count=count, cols=cols, lo=-128, hi=127, in_w=count, in_h=1,
                   out_w=count, out_h=1, dst=writer.room(count * cols), pitch_x=cols)  # fmt: skip
    else:
        writer.add(op, mode=WindowMode.MAX, cols=cols, nx=count, ny=1, step_x=cols, k=1, seg=1,
                   lo=-128, hi=127, **IDENTITY, dst=writer.room(count * cols),
                   pitch_x=cols)  # fmt: skip
    return writer.written()


def _case(name: str, program: Written, memory: Memory) -> Case:
    return Case(name, program.memory, program.start, program.commands, memory)
