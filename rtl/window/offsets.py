"""The tap offsets: where in the window buffer each word of a group of taps lies."""

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from accel.isa import Op
from accel.rtl.im2col.banks import Banks
from accel.rtl.interfaces import banks_offsets, command_layout


class TapOffsets(wiring.Component):
    """Computes, for one group of T elements a cycle, the row offset of each.

    Element i of an output has the offset (i // seg) * seg_skip, modulo the depth of the buffer.
    Tap t of group g is element g*T + t, so from group to group every tap goes T elements on: it
    counts down the elements ``left`` in its segment by T % seg, and its offset grows by T // seg
    skips, and one more when ``left`` runs below 0.

    Where the taps start, and how much they step, is found by counting through the first T + 1
    elements while the command before is still under way.

    Parameters:
        banks: the buffer; T is the number of its banks.

    Members:
        seg, seg_skip: of the next command; constant while ``prepare``.
        prepare: count; to ``take``.
        prepared: the next command may be taken.
        take: the next command is the one under way from the next cycle on; not with a ``step``.
        step: a group is issued.
        restart: with ``step``: it is its output's last.
        offsets: in the cycle after a ``step``: the group's offsets.

    Latency: T + 1 cycles from ``prepare`` to ``prepared``.  Throughput: a group a cycle.
    """

    def __init__(self, banks: Banks):
        self._banks = banks
        fields = command_layout(Op.WINDOW).members
        super().__init__(
            {
                "seg": In(fields["seg"]),
                "seg_skip": In(fields["seg_skip"]),
                "prepare": In(1),
                "prepared": Out(1),
                "take": In(1),
                "step": In(1),
                "restart": In(1),
                "offsets": Out(banks_offsets(banks)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        *first, behind = self._prepare(m)
        # Offsets change a cycle after the counts, which frees the counts' carries from the
        # offsets' adders.
        late = Signal(data.StructLayout({"step": 1, "restart": 1}))
        m.d.sync += [late.step.eq(self.step), late.restart.eq(self.restart)]
        width = self._banks.row_bits
        change = Signal(signed(len(self.seg) + 1), reset_less=True)  # -(T % seg)
        change_wrapped = Signal(len(self.seg), reset_less=True)  # seg - T % seg
        grows, grows_wrapped = Signal(width, reset_less=True), Signal(width, reset_less=True)
        with m.If(self.take):
            m.d.sync += [
                change.eq((behind.left + 1 - self.seg)[: len(change)].as_signed()),
                change_wrapped.eq((behind.left + 1)[: len(self.seg)]),
                grows.eq(behind.offset),
                grows_wrapped.eq((behind.offset + self.seg_skip)[:width]),
            ]
        for tap, start in enumerate(first):
            wrapped = self._count(m, f"tap{tap}", start.left, change, change_wrapped)
            offset = self.offsets[tap]
            again = Signal.like(offset, name=f"tap{tap}_again", reset_less=True)
            with m.If(self.take):
                m.d.sync += [offset.eq(start.offset), again.eq(start.offset)]
            with m.Elif(late.step):
                following = (offset + Mux(wrapped, grows_wrapped, grows))[:width]
                m.d.sync += offset.eq(Mux(late.restart, again, following))
        return m

    def _prepare(self, m):
        """Count through elements 0 to T; return the state of each."""
        count = self._banks.count
        element = data.StructLayout({"left": len(self.seg), "offset": self._banks.row_bits})
        elements = Signal(data.ArrayLayout(element, count + 1), reset_less=True)
        done = Signal(range(count + 2))
        newest = elements[count]
        with m.If(self.take):
            m.d.sync += [done.eq(0), self.prepared.eq(0)]
        with m.Elif(self.prepare & ~self.prepared):
            m.d.sync += [
                done.eq((done + 1)[: len(done)]),
                self.prepared.eq(done == count),
                *(elements[n].eq(elements[n + 1]) for n in range(count)),
                newest.left.eq((newest.left - 1)[: len(newest.left)]),
            ]
            with m.If((newest.left == 0) | (done == 0)):
                m.d.sync += newest.left.eq((self.seg - 1)[: len(newest.left)])
            with m.If(done == 0):
                m.d.sync += newest.offset.eq(0)
            with m.Elif(newest.left == 0):
                m.d.sync += newest.offset.eq(
                    (newest.offset + self.seg_skip)[: len(newest.offset)]
                )
        return elements

    def _count(self, m, name, start, change, change_wrapped):
        """A tap's elements left in its segment; returns whether the last step left the segment."""
        left = Signal.like(start, name=f"{name}_left", reset_less=True)
        again = Signal.like(left, name=f"{name}_left_again", reset_less=True)
        wrapped = Signal(name=f"{name}_wrapped", reset_less=True)
        stepped = Signal(signed(len(left) + 1), name=f"{name}_stepped")
        m.d.comb += stepped.eq((left + change)[: len(left) + 1].as_signed())
        with m.If(self.take):
            m.d.sync += [left.eq(start), again.eq(start)]
        with m.Elif(self.step):
            following = Mux(stepped[-1], (left + change_wrapped)[: len(left)], stepped[:-1])
            m.d.sync += [
                left.eq(Mux(self.restart, again, following)),
                wrapped.eq(stepped[-1]),
            ]
        return wrapped
