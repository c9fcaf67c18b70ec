"""The pooling unit's first half: windows along a row."""

from amaranth import Module, Mux, ResetInserter, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from accel.isa import Pool
from accel.params import POOL_OPEN, POOL_TABLE, Params
from accel.rtl.interfaces import vector_layout
from accel.rtl.parts.compare import less
from accel.rtl.parts.slice import StreamSlice
from accel.rtl.pool.windows import PoolConfig, WindowWalk

#: A byte less a zero point.
DIFFERENCE_BITS = 9
#: 255 such differences: the widest window of one row.
ROW_SUM_BITS = DIFFERENCE_BITS + 8
#: Entries of the queue behind the row stage, and how many may be on their way into it.
QUEUE_DEPTH, IN_FLIGHT = 8, 4


def partial_layout(params: Params, bits: int) -> data.StructLayout:
    """A (partly) pooled pixel: C sums or maxima, how many elements they have; or ``end``."""
    return data.StructLayout(
        {
            "sums": data.ArrayLayout(signed(bits), params.cols),
            "count": range(POOL_TABLE),
            "end": 1,
        }
    )


def combine(stored, added, opens, compares, sums):
    """``added`` if it ``opens`` or, if it ``compares``, is larger; else the sum or ``stored``.

    Maxima are bytes: comparing no more, and choosing only once, makes this a short path.
    """
    greater = less(stored[:8].as_signed(), added[:8].as_signed())
    return Mux(opens | (compares & greater), added, Mux(sums, stored + added, stored))


#: What happens to a pixel in a window.
_plan = data.StructLayout(
    {
        "slot": range(POOL_OPEN),  # the window's
        "inside": 1,  # it is in the window; else in none
        "opens": 1,  # it is the window's first one
        "leaves": 1,  # it is the last one: the window leaves
        "takes": 1,  # it is in no younger window
    }
)


class PoolRows(wiring.Component):
    """Pools each image row by itself: in_w pixels become out_w partial results, left to right.

    A pixel is added to each window it lies in, one a cycle, in a small memory of open
    windows; a window that ends with the pixel (or with the row) leaves.  So the stage takes
    a pixel a cycle where windows do not overlap, else one every ceil(kw / sw) cycles.

    Parameters:
        params: the machine.

    Members:
        config: constant from one cycle before ``begin`` until the last pixel's ``end`` has left.
        begin: start at the left edge; only while nothing is inside.
        input: pixels of rows, and ``end`` tokens.
        output: for AVERAGE, sums of (q - pool_in_zero), for MAX, maxima of q; with counts
            modulo POOL_TABLE.  ``end`` tokens come behind everything before them.
        active: strobe: an operation starts.

    Latency 3 cycles from the pixel that ends a window; back-pressure through a queue.
    """

    def __init__(self, params: Params):
        self._params = params
        self._item = partial_layout(params, ROW_SUM_BITS)
        super().__init__(
            {
                "config": In(PoolConfig),
                "begin": In(1),
                "input": In(stream.Signature(vector_layout(params))),
                "output": Out(stream.Signature(self._item)),
                "active": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.walk = walk = WindowWalk(POOL_OPEN)
        m.submodules.queue = queue = SyncFIFO(width=self._item.size, depth=QUEUE_DEPTH)
        plans = self._plans(m, walk)
        plan, planned, done = plans.payload, plans.valid, plans.ready

        # Nothing is held up behind this point: an operation starts if its result has a place.
        room, start = Signal(), Signal()
        pixel = self.input.payload
        m.d.sync += room.eq(queue.level <= QUEUE_DEPTH - IN_FLIGHT)
        m.d.comb += [
            start.eq(self.input.valid & room & planned),
            done.eq(start & ~pixel.end),
            self.input.ready.eq(room & planned & (pixel.end | plan.takes)),
            self.active.eq(start),
        ]
        result, leaves = self._add_pixel(m, start, pixel, plan)
        m.d.comb += [
            queue.w_data.eq(result),
            queue.w_en.eq(leaves),
            self.output.payload.eq(queue.r_data),
            self.output.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.output.ready),
        ]
        return m

    def _plans(self, m, walk):
        """Let the walk find out what to do with each pixel; returns the stream of plans.

        That depends on the pixel's place only, and is found out ahead of it.
        """
        config = self.config
        plans = StreamSlice(_plan)
        m.submodules.plans = ResetInserter(self.begin)(plans)
        m.d.comb += [
            walk.kernel.eq(config.kw), walk.stride.eq(config.sw), walk.pad.eq(config.pl),
            walk.size.eq(config.in_w), walk.windows.eq(config.out_w), walk.pitch.eq(1),
            walk.restart.eq(self.begin), walk.advance.eq(walk.last),
            walk.step.eq(plans.input.ready),
            plans.input.valid.eq(1),
            plans.input.payload.slot.eq(walk.slot),
            plans.input.payload.inside.eq(walk.inside),
            plans.input.payload.opens.eq(walk.opens),
            plans.input.payload.leaves.eq(walk.inside & walk.closes),
            plans.input.payload.takes.eq(walk.last),
        ]  # fmt: skip
        return plans.output

    def _add_pixel(self, m, start, pixel, plan):
        """A cycle to read the pixel's window, one to add the pixel and write it back."""
        config = self.config
        m.submodules.open = memory = Memory(shape=self._item, depth=POOL_OPEN, init=[])
        read, write = memory.read_port(domain="comb"), memory.write_port()

        added = Signal(
            data.ArrayLayout(signed(DIFFERENCE_BITS), self._params.cols), reset_less=True
        )
        inside, leaves, opens = Signal(), Signal(), Signal()
        end = Signal()
        slot = Signal(range(POOL_OPEN), reset_less=True)
        fetched, updated = Signal(self._item, reset_less=True), Signal(self._item)
        stored, forward = Signal(self._item), Signal(reset_less=True)
        result, result_leaves = Signal(self._item, reset_less=True), Signal()
        zero, largest = Signal.like(config.pool_in_zero), Signal()
        m.d.sync += [
            zero.eq(Mux(config.pool == Pool.AVERAGE, config.pool_in_zero, 0)),
            largest.eq(config.pool == Pool.MAX),
            *(new.eq(old - zero) for new, old in zip(added, pixel.data, strict=True)),
            inside.eq(start & plan.inside & ~pixel.end),
            leaves.eq(start & (plan.leaves | pixel.end)),
            opens.eq(plan.opens),
            end.eq(pixel.end),
            slot.eq(plan.slot),
            fetched.eq(read.data),
            # The window that is being written in that cycle is taken on the way.
            forward.eq(inside & (slot == plan.slot)),
            result.eq(updated),
            result_leaves.eq(leaves),
        ]
        m.d.comb += [
            read.addr.eq(plan.slot),
            stored.eq(Mux(forward, result, fetched)),
            updated.count.eq(Mux(opens, 1, stored.count + 1)),
            updated.end.eq(end),
            write.addr.eq(slot),
            write.data.eq(updated),
            write.en.eq(inside),
        ]
        for new, old, value in zip(updated.sums, stored.sums, added, strict=True):
            m.d.comb += new.eq(combine(old, value, opens, largest, ~largest))

        return result, result_leaves
