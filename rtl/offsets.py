"""The lane offsets: where in the im2col buffer each lane of a weight tile finds its byte."""

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from accel.isa import Op
from accel.params import Params
from rtl.interfaces import command_layout, offsets_layout, row_bits


def reduction_layout() -> data.StructLayout:
    """The fields of an EXEC command that shape its reduction dimension."""
    command = command_layout(Op.EXEC)
    return data.StructLayout(
        {name: command[name].shape for name in ("k", "seg", "seg_skip")}
    )


class OffsetGenerator(wiring.Component):
    """Computes the row offset of each lane, one tile ahead of the pixel walker.

    Lane r of tile t is reduction index i = t*R + r.  Kernel rows are ``seg`` bytes long and
    ``seg_skip`` buffer rows further apart than that, so the lane's offset is
    (i // seg) * seg_skip, modulo the depth of the buffer.  It is found by counting: one index
    a cycle, into a shadow register that a swap turns into the working one.

    Members:
        command: the commands in their order.  One is held beside the one under way.
        swap, take: the first vector of a tile is issued; once for each ``soon``.  Both are the same
            but for the register that they come from: ``take`` goes to all of ``offsets``.
        soon: strobe, the next tile's offsets will be complete two cycles later; a swap may come
            from then on.
        offsets: of the tile of the last swap, from the cycle after it to the next swap's.

    Throughput: a tile's R offsets take R cycles from the cycle of the previous tile's swap on, so
    tiles of R vectors follow without a gap, also from one command to the next if that came (any
    time) before the last swap of the one before.
    """

    def __init__(self, params: Params):
        self.params = params
        super().__init__(
            {
                "command": In(stream.Signature(reduction_layout())),
                "swap": In(1),
                "take": In(1),
                "soon": Out(1),
                "offsets": Out(offsets_layout(params)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        rows, width = self.params.rows, row_bits(self.params)
        held, held_valid = Signal(reduction_layout(), reset_less=True), Signal()
        m.d.comb += self.command.ready.eq(~held_valid)

        # Counters run down to -1, so that "last" is a sign bit and costs no comparison.
        active = Signal()  # the fields below are those of an unfinished command
        segment = Signal(signed(held.seg.shape().width + 1), reset_less=True)
        seg_left = Signal.like(segment, reset_less=True)
        tiles_left = Signal(signed(held.k.shape().width + 1), reset_less=True)
        skip = Signal(width, reset_less=True)
        offset = Signal(width, reset_less=True)
        lane, last_lane = Signal(exact_log2(rows)), Signal()

        shadow = Signal(rows * width, reset_less=True)
        working = Signal(rows * width, reset_less=True)
        step, tile_ends, load, ready = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            step.eq(active & (~ready | self.swap)),
            self.soon.eq(step & (lane == rows - 2)),
            tile_ends.eq(step & last_lane),
            load.eq(held_valid & (~active | (tile_ends & tiles_left[-1]))),
            self.offsets.eq(working),
        ]
        with m.If(self.take):
            m.d.sync += working.eq(shadow)
        with m.If(self.swap):
            m.d.sync += ready.eq(0)
        with m.If(step):
            m.d.sync += [
                # The oldest offset, lane 0's, ends up in the lowest bits.
                shadow.eq(Cat(shadow[width:], offset)),
                lane.eq((lane + 1)[: len(lane)]),
                last_lane.eq(lane == rows - 2),
                seg_left.eq(Mux(seg_left[-1], segment, seg_left - 1)[: len(segment)].as_signed()),
                offset.eq((offset + Mux(seg_left[-1], skip, 0))[:width]),
            ]
        with m.If(tile_ends):
            m.d.sync += [
                ready.eq(1),
                tiles_left.eq((tiles_left - 1)[: len(tiles_left)].as_signed()),
                active.eq(~tiles_left[-1]),
            ]
        with m.If(load):
            m.d.sync += [
                held_valid.eq(0),
                active.eq(1),
                segment.eq((held.seg - 2)[: len(segment)].as_signed()),
                seg_left.eq((held.seg - 2)[: len(segment)].as_signed()),
                tiles_left.eq((held.k - (rows + 1)) >> exact_log2(rows)),
                skip.eq(held.seg_skip[:width]),
                offset.eq(0),
            ]
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += [held.eq(self.command.payload), held_valid.eq(1)]
        return m
