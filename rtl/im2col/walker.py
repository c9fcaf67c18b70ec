"""The pixel walker: which im2col vector comes next."""

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, exact_log2

from accel.isa import Op
from accel.params import Params
from accel.rtl.interfaces import Done, command_layout, waits_met


class PixelWalker(wiring.Component):
    """Walks an EXEC command's pixels, once for every weight tile.

    The command under way is taken apart into counters.  The next one waits in a register of its
    own until its ``wait_*`` are met, and follows without a gap.

    Members:
        command, done: the commands in their order, and what has been completed so far.
        issue: the vector described below goes out in this cycle; only while ``valid``.
        valid: there is a vector, its command's waits are met.
        waiting: a command is held whose vectors cannot start yet.
        base: where in the im2col buffer the vector's reduction index t*R is, for tile t.
        row: the pixel's number in its block.
        starts: first vector of a tile.
        opens: first vector of a block.
        first: of a block's first tile.
        ends: last vector of a command.
        closes: last vector of a block.
        lanes, cols: rows and columns of the array that do useful work on this vector.

    One vector a cycle; a command that came late is walked from 3 cycles after it was taken on.
    """

    def __init__(self, params: Params):
        self.params = params
        command = command_layout(Op.EXEC)
        super().__init__(
            {
                "command": In(stream.Signature(command)),
                "done": In(Done),
                "issue": In(1),
                "valid": Out(1),
                "waiting": Out(1),
                "base": Out(bits_for(params.input_bytes - 1)),
                "row": Out(bits_for(params.bank_rows - 1)),
                "starts": Out(1),
                "opens": Out(1),
                "first": Out(1),
                "ends": Out(1),
                "closes": Out(1),
                "lanes": Out(bits_for(params.rows)),
                "cols": Out(bits_for(params.cols)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        following = Signal(command_layout(Op.EXEC), reset_less=True)
        take = self._follow(m, following)
        ends_x = self._count(m, take, "x", following.nx)
        ends_y = self._count(m, take, "y", following.ny, ends_x)
        last_tile = self._tiles(m, take, following, ends_x & ends_y)
        last_command = Signal(reset_less=True)
        m.d.comb += [
            self.ends.eq(ends_x & ends_y & last_tile),
            self.closes.eq(self.ends & last_command),
            self.opens.eq(self.starts & self.first),
        ]
        self._addresses(m, take, following, ends_x, ends_y)

        with m.If(self.issue):
            m.d.sync += self.row.eq(Mux(ends_x & ends_y, 0, self.row + 1)[: len(self.row)])
        with m.If(take):
            m.d.sync += [
                self.valid.eq(1),
                self.row.eq(0),
                self.cols.eq(following.cols[: len(self.cols)]),
                last_command.eq(following.last),
            ]
        with m.Elif(self.issue & self.ends):
            m.d.sync += self.valid.eq(0)
        return m

    def _follow(self, m, following):
        """Hold the next command in ``following``; return when it becomes the one under way.

        Whether its waits are met is decided a cycle before it matters: three wide comparisons
        would be too long a path to a read of the buffer.  Done counts never go back, and taking a
        command clears ``met``, so it is never about the one before.
        """
        held, met, take = Signal(), Signal(), Signal()
        m.d.comb += [
            take.eq(met & (~self.valid | (self.issue & self.ends))),
            self.command.ready.eq(~held),
            self.waiting.eq(held & ~self.valid),
        ]
        m.d.sync += met.eq(held & ~take & waits_met(following, self.done))
        with m.If(take):
            m.d.sync += held.eq(0)
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += [held.eq(1), following.eq(self.command.payload)]
        return take

    def _count(self, m, take, name, total, carry=1):
        """Count ``total`` vectors (of those with ``carry``) over and over; return: the last one.

        The count runs down to -1, so that "last" is a sign bit and costs no comparison.
        """
        left = Signal(signed(len(total) + 1), name=f"{name}_left", reset_less=True)
        again = Signal.like(left, name=f"{name}_again")
        with m.If(self.issue & carry):
            m.d.sync += left.eq(Mux(left[-1], again, left - 1)[: len(left)].as_signed())
        with m.If(take):
            m.d.sync += [
                left.eq((total - 2)[: len(left)].as_signed()),
                again.eq((total - 2)[: len(left)].as_signed()),
            ]
        return left[-1]

    def _tiles(self, m, take, following, tile_ends):
        """Count tiles; return whether this is the command's last."""
        rows = self.params.rows
        left = Signal(signed(len(following.k) + 1), name="tiles_left", reset_less=True)
        last_lanes = Signal.like(self.lanes, reset_less=True)
        m.d.comb += self.lanes.eq(Mux(left[-1], last_lanes, rows))
        with m.If(self.issue):
            m.d.sync += self.starts.eq(tile_ends)
        with m.If(self.issue & tile_ends):
            m.d.sync += [
                left.eq((left - 1)[: len(left)].as_signed()),
                self.first.eq(0),
            ]
        with m.If(take):
            m.d.sync += [
                left.eq((following.k - (rows + 1)) >> exact_log2(rows)),
                last_lanes.eq(((following.k - 1)[: exact_log2(rows)] + 1)[: len(last_lanes)]),
                self.starts.eq(1),
                self.first.eq(following.first),
            ]
        return left[-1]

    def _addresses(self, m, take, following, ends_x, ends_y):
        """Step ``base`` through the pixels; addresses wrap at the buffer's size."""
        width = len(self.base)
        line = Signal(width, reset_less=True)  # of the pixel row's first vector
        tile = Signal(width, reset_less=True)  # of the tile's first vector
        step_x, step_y = Signal(width, reset_less=True), Signal(width, reset_less=True)
        next_line = (line + step_y)[:width]
        next_tile = (tile + self.params.rows)[:width]
        with m.If(self.issue):
            with m.If(~ends_x):
                m.d.sync += self.base.eq((self.base + step_x)[:width])
            with m.Elif(~ends_y):
                m.d.sync += [self.base.eq(next_line), line.eq(next_line)]
            with m.Else():
                m.d.sync += [self.base.eq(next_tile), line.eq(next_tile), tile.eq(next_tile)]
        with m.If(take):
            m.d.sync += [
                *(address.eq(following.base[:width]) for address in (self.base, line, tile)),
                step_x.eq(following.step_x[:width]),
                step_y.eq(following.step_y[:width]),
            ]
