"""Programs that fill up what waits for the memory: results scattered in it, behind a slow answer.

Each vector is a burst of its own, so that as many as may be are under way when a completion record
comes; both stores write at once, and every reader asks.
"""

import numpy as np

from accel.isa import Op, WindowMode
from accel.params import Params
from accel.sim.engine import Memory
from tests.mutation.directed import IDENTITY, filled, shown, tiles_at
from tests.support.program_writer import Writer, Written

#: Vectors of a command, and how far apart they are in memory: one beat each, none behind another.
VECTORS, APART = 48, 24
#: Memories behind which all waits: slow to answer, slow to move data, rarely ready.
SLOW = {
    "late": Memory(latency_cycles=500), "later": Memory(latency_cycles=90),
    "narrow": Memory(latency_cycles=40, bytes_per_cycle=1),
    "busy": Memory(latency_cycles=3, stall_seed=5, stall_percent=85),
}  # fmt: skip


def scattered(params: Params, seed: int) -> Written:
    """Results of both stores, with and without records, behind one another and side by side."""
    rng = np.random.default_rng([21, seed])
    writer = filled(params, 30 + seed)
    for number in range(6):
        _window(writer, rng, number)
        _image(writer, rng, number)
    _copies(writer, rng)
    return shown(writer)


def _window(writer: Writer, rng, number: int) -> None:
    """A WINDOW that waits for nothing but the buffer's first contents."""
    cols = writer.params.cols
    count = VECTORS if number % 3 else 1
    writer.add(
        Op.WINDOW, mode=WindowMode.MAX, cols=cols, nx=count, ny=1, step_x=cols * 3, k=1, seg=1,
        base=int(rng.integers(64)) * cols, lo=-128, hi=127, pitch_x=APART, wait_exec=0, wait_post=0,
        wait_wload=1, dst=writer.room(count * APART), **IDENTITY,
        **(writer.mark() if number % 2 == 0 else {}),
    )  # fmt: skip


def _image(writer: Writer, rng, number: int) -> None:
    """A block of the array whose pixels are scattered, or near one another."""
    cols = writer.params.cols
    pitch = APART if number % 3 != 1 else cols
    writer.add(Op.WEIGHTS, src=tiles_at(writer, rng, 1, writer.params.tile_bytes), tiles=1,
               wait_load=0, wait_exec=0, wait_post=0)  # fmt: skip
    writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=VECTORS, ny=1, step_x=5, k=4, seg=4,
               base=rng.integers(writer.params.input_bytes), wait_load=1, wait_window=0,
               wait_post=0)  # fmt: skip
    writer.add(
        Op.POST, begin=1, count=VECTORS, cols=cols, lo=-128, hi=127, in_w=VECTORS, in_h=1,
        out_w=VECTORS, out_h=1, dst=writer.room(VECTORS * APART) + number, pitch_x=pitch,
        wait_window=0, wait_post=0, **(writer.mark() if number % 2 else {}),
    )  # fmt: skip


def _copies(writer: Writer, rng) -> None:
    """Bytes that lie apart in memory, and many tiles, for whoever reads last."""
    cols = writer.params.cols
    for op in (Op.LOAD, Op.WLOAD):
        writer.add(op, src=rng.integers(99), inner=1, items=80 * cols, item_pitch=12,
                   rows=1)  # fmt: skip
        writer.add(op, src=rng.integers(99), inner=cols, items=4, item_pitch=300, rows=20,
                   row_pitch=17, dst_pitch=4 * cols, dst=512)  # fmt: skip
    writer.add(Op.WEIGHTS, src=tiles_at(writer, rng, 30, writer.params.tile_bytes), tiles=30)
    writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=1, ny=1, k=30 * writer.params.rows, seg=99)
    writer.add(Op.POST, begin=1, count=1, cols=cols, lo=-128, hi=127, in_w=1, in_h=1, out_w=1,
               out_h=1, dst=writer.room(cols))  # fmt: skip


def crowded(params: Params) -> list[tuple[str, Written, Memory]]:
    """All of them, with their names and memories."""
    return [(f"scattered {name}", scattered(params, seed), memory)
            for seed, (name, memory) in enumerate(SLOW.items())]  # fmt: skip
