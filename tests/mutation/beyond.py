"""Programs whose addresses lie beyond the memory: every bit of an address on the bus is seen.

A machine's memory is small in tests, and addresses within it have few bits.  A read or write beyond
it is answered by an error, which ends the program.
"""

import numpy as np

from accel.isa import Op, WindowMode
from accel.params import Params
from tests.mutation.directed import IDENTITY, tiles_at
from tests.support.program_writer import Writer, Written

#: Programs of each kind, every second one with all bits of an address the other way round.
EACH = 6
#: What is beyond: where a command's data begins, or its second item, row, vector; or its record.
_FIELDS = {
    Op.LOAD: ("src", "item_pitch", "row_pitch"), Op.WLOAD: ("src", "item_pitch", "row_pitch"),
    Op.WEIGHTS: ("src",), Op.WPARAM: ("src",), Op.POST: ("dst", "pitch_y", "mark_addr"),
    Op.WINDOW: ("dst", "pitch_y", "mark_addr"),
}  # fmt: skip


def beyond(params: Params) -> list[tuple[str, Written]]:
    """All programs, with their names."""
    rng, found = np.random.default_rng(23), []
    for op, fields in _FIELDS.items():
        for field in fields:
            for number in range(EACH):
                # Far from either end: what is around an address lies beyond the memory, too.
                if number % 2 == 0:
                    far = int(rng.integers(1 << 24, (1 << 32) - (1 << 24)))
                address = (far ^ -(number % 2)) % (1 << 32) & -params.bus_bytes
                name = f"beyond {op.name.lower()} {field} {address:x}"
                found.append((name, _program(params, rng, op, {field: address})))
    return found


def _program(params: Params, rng, op: Op, values: dict[str, int]) -> Written:
    """A little of all that a command needs, and the command with these values."""
    writer = Writer(params, rng.integers(0, 256, 256).astype(np.uint8))
    cols = params.cols
    places = {"dst": writer.room(256), "pitch_x": cols, "pitch_y": 64}
    copy = {"inner": 16, "items": 2, "item_pitch": 16, "rows": 2, "row_pitch": 32, "dst_pitch": 32}
    values = {"mark": 1} | values if "mark_addr" in values else values
    tile = tiles_at(writer, rng, 1, params.tile_bytes)
    for copies in (Op.LOAD, Op.WLOAD):
        writer.add(copies, **copy | (values if copies is op else {}))
    if op in (Op.WEIGHTS, Op.WPARAM):
        writer.add(op, tiles=3, **values)
    elif op is Op.POST:
        writer.add(Op.WEIGHTS, src=tile, tiles=1)
        writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=8, ny=1, step_x=1, k=1, seg=1)
        writer.add(op, begin=1, count=8, cols=cols, lo=-128, hi=127, in_w=4, in_h=2, out_w=4,
                   out_h=2, **places | values)  # fmt: skip
    elif op is Op.WINDOW:
        writer.add(op, mode=WindowMode.MAX, cols=cols, nx=4, ny=2, step_x=cols, k=1, seg=1, lo=-128,
                   hi=127, **IDENTITY, **places | values)  # fmt: skip
    return writer.written()
