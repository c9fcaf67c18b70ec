"""A short queue for whom it is told late whether an entry comes."""

from amaranth import Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2


class EagerFIFO(wiring.Component):
    """Amaranth's ``SyncFIFO`` for a late ``w_en``, which goes to a single register.

    What is offered is written to the next free place in every cycle, and ``w_en`` only says that
    it counts.  Nothing is counted before the cycle after: until then the register of ``w_en`` is
    part of the level.

    Parameters:
        width: bits of an entry.
        depth: entries; a power of two.

    Members:
        w_data, w_en, w_rdy: an entry enters where both are high.
        r_data, r_rdy, r_en: the oldest entry, which leaves where both are high.
        level: how many it holds.
    """

    def __init__(self, width: int, depth: int):
        self.depth = depth
        bits = exact_log2(depth)
        super().__init__(
            {
                "w_data": In(width),
                "w_en": In(1),
                "w_rdy": Out(1),
                "r_data": Out(width),
                "r_en": In(1),
                "r_rdy": Out(1),
                "level": Out(bits + 1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.storage = storage = memory.Memory(
            shape=len(self.w_data), depth=self.depth, init=[]
        )
        write, read = storage.write_port(), storage.read_port(domain="comb")
        first, behind = Signal(range(self.depth)), Signal(range(self.depth))
        counted = Signal.like(self.level)
        pushed, pop = Signal(), Signal()
        m.d.comb += [
            pop.eq(self.r_en & self.r_rdy),
            self.level.eq(counted + pushed),
            self.w_rdy.eq(self.level != self.depth),
            write.en.eq(self.w_rdy),
            write.addr.eq(behind + pushed),
            write.data.eq(self.w_data),
            read.addr.eq(first),
            self.r_data.eq(read.data),
            self.r_rdy.eq(self.level != 0),
        ]
        m.d.sync += [
            pushed.eq(self.w_en & self.w_rdy),
            first.eq(first + pop),
            behind.eq(behind + pushed),
            counted.eq(self.level - pop),
        ]
        return m
