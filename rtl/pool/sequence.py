"""The order in which the pooling unit's second half works on its window rows."""

from amaranth import Module, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from accel.params import Params
from accel.rtl.pool.windows import PoolConfig, WindowWalk


class Phase(enum.Enum, shape=2):
    """What is being planned."""

    ROWS = 0  # what the image's rows are combined into
    SKIP = 1  # nothing: the oldest window row has left with the last image row
    REST = 2  # reading out the window rows that ended with it


def plan_layout(params: Params) -> data.StructLayout:
    """An operation on an entry, as far as the image's shape alone decides about it."""
    return data.StructLayout(
        {
            "column": range(params.pool_entries),
            "address": range(params.pool_entries),
            "uses": 1,  # it has an entry; else the partial result is in no window
            "opens": 1,  # replaces the entry instead of combining with it
            "keeps": 1,  # leaves the entry as it is and needs no partial result
            "leaves": 1,  # the result leaves
            "takes": 1,  # the partial result is not needed again
        }
    )


class PoolSequence(wiring.Component):
    """Plans the operations of an image, one a cycle, ahead of the data.

    For each partial result of an image row, one operation for each window row that it lies in; it
    leaves with the oldest of them when that ends.  Below the last image row several window rows
    may end at once: the oldest leaves as usual, then the others are read out one by one, so that
    the results come in raster order.  Then the next image.

    Parameters:
        params: the machine.

    Members:
        config: constant from one cycle before ``begin``; later only while the output waits.
        begin: start at the image's top left.
        output: the plans, from a register; the first one comes two cycles after ``begin``.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "config": In(PoolConfig),
                "begin": In(1),
                "output": Out(stream.Signature(plan_layout(params))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        phase, go, next_column = Signal(Phase), Signal(), Signal()
        column, last_column = self._columns(m, next_column)
        walk = self._walk(m)
        m.d.comb += go.eq(~self.output.valid | self.output.ready)
        with m.If(go):
            self._place(m, phase, walk, column)
        with m.Switch(phase):
            with m.Case(Phase.ROWS):
                self._combine(m, go, walk, last_column)
                m.d.comb += next_column.eq(go & walk.last)
                with m.If(next_column & last_column & walk.end & ~walk.first):
                    m.d.sync += phase.eq(Phase.SKIP)
            with m.Case(Phase.SKIP):
                m.d.comb += walk.step.eq(go)
                with m.If(go):
                    m.d.sync += phase.eq(Phase.REST)
            with m.Case(Phase.REST):
                self._read_out(m, go, walk, last_column)
                m.d.comb += next_column.eq(go)
                with m.If(go & last_column & walk.last):
                    m.d.sync += phase.eq(Phase.ROWS)
        with m.If(self.begin):
            m.d.sync += [self.output.valid.eq(0), phase.eq(Phase.ROWS)]
        return m

    def _walk(self, m):
        """The walk down the image; returns it."""
        config = self.config
        m.submodules.walk = walk = WindowWalk(self._params.pool_entries)
        m.d.comb += [
            walk.kernel.eq(config.kh), walk.stride.eq(config.sh), walk.pad.eq(config.pt),
            walk.size.eq(config.in_h), walk.windows.eq(config.out_h),
            walk.pitch.eq(config.out_w), walk.restart.eq(self.begin),
        ]  # fmt: skip
        return walk

    def _place(self, m, phase, walk, column):
        """Plan an operation, if any, on the entry of the walk's window row in ``column``."""
        plan = self.output.payload
        m.d.sync += [
            self.output.valid.eq(phase != Phase.SKIP),
            plan.column.eq(column),
            plan.address.eq(walk.slot + column),
            plan.keeps.eq(phase == Phase.REST),
        ]

    def _combine(self, m, go, walk, last_column):
        """Plan what is done with a partial result: window row by window row, then column."""
        plan = self.output.payload
        m.d.comb += [
            walk.step.eq(go),
            walk.advance.eq(walk.last & last_column & (walk.first | ~walk.end)),
        ]
        with m.If(go):
            m.d.sync += [
                plan.uses.eq(walk.inside),
                plan.opens.eq(walk.opens),
                plan.leaves.eq(walk.inside & walk.first & walk.closes),
                plan.takes.eq(walk.last),
            ]

    def _read_out(self, m, go, walk, last_column):
        """Plan that an entry leaves: column by column, then window row."""
        plan = self.output.payload
        m.d.comb += [walk.step.eq(go & last_column), walk.advance.eq(walk.last)]
        with m.If(go):
            m.d.sync += [
                plan.uses.eq(1),
                plan.opens.eq(0),
                plan.leaves.eq(1),
                plan.takes.eq(0),
            ]

    def _columns(self, m, step):
        """Count columns around; returns the count, and whether it is the last one."""
        out_w = self.config.out_w
        column, last = Signal.like(out_w), Signal()
        before_last, single = Signal.like(out_w), Signal()
        m.d.sync += [before_last.eq(out_w - 2), single.eq(out_w == 1)]
        with m.If(self.begin | (step & last)):
            m.d.sync += [column.eq(0), last.eq(single)]
        with m.Elif(step):
            m.d.sync += [column.eq(column + 1), last.eq(column == before_last)]
        return column, last
