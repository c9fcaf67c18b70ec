"""Counts cycles, MACs, bus beats, and charges every cycle to exactly one cause."""

from amaranth import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from accel.isa import RECORD, RECORD_WORDS
from accel.rtl.interfaces import Done

#: What a cycle can be charged to, in the order of their tests (the first that holds).
CAUSES = ("busy", "fill", "memory", "post", "weight", "sync")
#: What is counted beside: cycles in which something happens.
STROBES = ("cycles", "read_beats", "write_beats", "window_busy")
WORD_BITS = 32
MAC_BITS = 16

record_layout = data.ArrayLayout(WORD_BITS, RECORD_WORDS)


class Counters(wiring.Component):
    """The performance counters: what STATUS reads and completion records contain.

    Every cycle with ``run`` is charged to one cause:

    * busy: a vector enters the array,
    * fill: none has entered yet, or none will any more (filling and draining the machine),
    * memory: waiting for a load or for weights that are still on their way from memory,
    * post: both accumulator banks are waiting for post-processing,
    * weight: weights are at hand, but their tile is still being put into the array,
    * sync: all the rest: no command, or one that waits for another engine.

    So busy + fill + weight + memory + post + sync = cycles, in every cycle.

    Members:
        run: count this cycle.
        busy, wait_load, wait_bank, wait_weights: levels of the exec engine.
        load_active: a load is past its waits.  fifo_empty: the weight FIFO lacks a whole tile.
        drained: all EXEC commands of the program are behind us.
        macs, window_macs: multiplications to add.  read_beat, write_beat: strobes.
        window_busy: the window unit computes.
        done: the engines' done counters.
        record: the counters in the order of accel.isa.RECORD, two cycles behind the inputs
            (causes and macs are registered before they are counted); frozen while ``run`` is low.

    The 64-bit MAC count is never torn in ``record``; a reader of its two words may be too late by
    one carry while the machine runs.
    """

    run: In(1)
    busy: In(1)
    wait_load: In(1)
    wait_bank: In(1)
    wait_weights: In(1)
    load_active: In(1)
    fifo_empty: In(1)
    drained: In(1)
    macs: In(MAC_BITS)
    window_macs: In(MAC_BITS)
    window_busy: In(1)
    read_beat: In(1)
    write_beat: In(1)
    done: In(Done)
    record: Out(record_layout)

    def elaborate(self, platform):
        m = Module()
        started = Signal()
        with m.If(self.run & self.busy):
            m.d.sync += started.eq(1)

        starved = Signal()
        m.d.comb += starved.eq(
            (self.wait_load & self.load_active) | (self.wait_weights & self.fifo_empty)
        )

        # One register stage between the engines and the adders.
        # Before a run it is all 0, so no reset has to reach it.
        cause = Signal(data.StructLayout({name: 1 for name in CAUSES}), reset_less=True)
        strobes = Signal(data.StructLayout(dict.fromkeys(STROBES, 1)), reset_less=True)
        macs = Signal(MAC_BITS + 1, reset_less=True)
        m.d.sync += [cause.eq(0), strobes.eq(0), macs.eq(0)]
        with m.If(self.run):
            m.d.sync += [
                strobes.cycles.eq(1),
                strobes.read_beats.eq(self.read_beat),
                strobes.write_beats.eq(self.write_beat),
                strobes.window_busy.eq(self.window_busy),
                macs.eq(self.macs + self.window_macs),
            ]
            self._charge(m, cause, started, starved)
        self._count(m, cause, strobes, macs)
        return m

    def _charge(self, m, cause, started, starved):
        """Charge the cycle to the first cause that holds (in a cycle with ``run``)."""
        with m.If(self.busy):
            m.d.sync += cause.busy.eq(1)
        with m.Elif(~started | self.drained):
            m.d.sync += cause.fill.eq(1)
        with m.Elif(starved):
            m.d.sync += cause.memory.eq(1)
        with m.Elif(self.wait_bank):
            m.d.sync += cause.post.eq(1)
        with m.Elif(self.wait_weights):
            m.d.sync += cause.weight.eq(1)
        with m.Else():
            m.d.sync += cause.sync.eq(1)

    def _count(self, m, cause, strobes, macs):
        """Add to the record what was registered; copy the done counters into it."""
        word = {name: self.record[number] for name, number in RECORD.items()}
        for source in (cause, strobes):
            for name in source.shape().members:
                with m.If(source[name]):
                    m.d.sync += word[name].eq(word[name] + 1)
        total = Signal(2 * WORD_BITS)
        m.d.comb += total.eq(Cat(word["macs_low"], word["macs_high"]))
        m.d.sync += Cat(word["macs_low"], word["macs_high"]).eq(total + macs)
        with m.If(self.run):
            m.d.sync += [
                word[f"done_{name}"].eq(self.done[name])
                for name in Done.members
                if f"done_{name}" in RECORD
            ]
