"""The lane offsets: where in the im2col buffer each lane of a weight tile finds its byte."""

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from accel.isa import Op
from accel.params import Params
from accel.rtl.interfaces import command_layout, offsets_layout, row_bits


def reduction_layout() -> data.StructLayout:
    """The fields of an EXEC command that shape its reduction dimension."""
    command = command_layout(Op.EXEC)
    return data.StructLayout({name: command[name].shape for name in ("k", "seg", "seg_skip")})


class _Index:
    """The reduction index whose offset is found next.

    Counters run down to -1, so that "last" is a sign bit and costs no comparison.

    Attributes:
        lane, last_lane: its place in the tile; it is the last one.
        segment, skip: a segment's indices less 2, and what is added to the offset behind it.
        seg_left, tiles_left: indices of the segment, tiles of the command that follow, less 1.
        offset: its row offset.
    """

    def __init__(self, params: Params):
        command, width = reduction_layout(), row_bits(params)
        self.rows = params.rows
        lane, last_lane = Signal(exact_log2(params.rows)), Signal()
        self.lane, self.last_lane = lane, last_lane
        self.segment = Signal(signed(command["seg"].width + 1), reset_less=True)
        self.seg_left = Signal.like(self.segment, reset_less=True)
        self.tiles_left = Signal(signed(command["k"].width + 1), reset_less=True)
        self.skip = Signal(width, reset_less=True)
        self.offset = Signal(width, reset_less=True)

    @property
    def before_last_lane(self):
        """Its lane is the last but one of its tile."""
        return self.lane == self.rows - 2

    @property
    def last_tile(self):
        """Its tile is the command's last one."""
        return self.tiles_left[-1]

    def start(self, command):
        """Assignments that go to the first index of ``command``."""
        segment = (command.seg - 2)[: len(self.segment)].as_signed()
        return [
            self.segment.eq(segment),
            self.seg_left.eq(segment),
            self.tiles_left.eq((command.k - (self.rows + 1)) >> exact_log2(self.rows)),
            self.skip.eq(command.seg_skip[: len(self.skip)]),
            self.offset.eq(0),
        ]

    def next_lane(self):
        """Assignments that go on to the next lane, from the last one to lane 0."""
        again, left = self.segment, self.seg_left
        return [
            self.lane.eq((self.lane + 1)[: len(self.lane)]),
            self.last_lane.eq(self.before_last_lane),
            left.eq(Mux(left[-1], again, left - 1)[: len(left)].as_signed()),
            self.offset.eq((self.offset + Mux(left[-1], self.skip, 0))[: len(self.offset)]),
        ]

    def next_tile(self):
        """Assignments that go on to the next tile."""
        left = self.tiles_left
        return [left.eq((left - 1)[: len(left)].as_signed())]


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
        width = row_bits(self.params)
        held, held_valid = Signal(reduction_layout(), reset_less=True), Signal()
        active = Signal()  # `index` is one of an unfinished command
        index = _Index(self.params)
        shadow = Signal(self.params.rows * width, reset_less=True)
        step, tile_ends, load, ready = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            self.command.ready.eq(~held_valid),
            step.eq(active & (~ready | self.swap)),
            self.soon.eq(step & index.before_last_lane),
            tile_ends.eq(step & index.last_lane),
            load.eq(held_valid & (~active | (tile_ends & index.last_tile))),
        ]
        self._take(m, shadow)
        with m.If(self.swap):
            m.d.sync += ready.eq(0)
        with m.If(step):
            # The oldest offset, lane 0's, ends up in the lowest bits.
            m.d.sync += [shadow.eq(Cat(shadow[width:], index.offset)), *index.next_lane()]
        with m.If(tile_ends):
            m.d.sync += [ready.eq(1), *index.next_tile(), active.eq(~index.last_tile)]
        with m.If(load):
            m.d.sync += [held_valid.eq(0), active.eq(1), *index.start(held)]
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += [held.eq(self.command.payload), held_valid.eq(1)]
        return m

    def _take(self, m, shadow):
        """Put out the offsets that were in ``shadow`` at the last ``take``."""
        working = Signal.like(shadow)
        m.d.comb += self.offsets.eq(working)
        with m.If(self.take):
            m.d.sync += working.eq(shadow)
