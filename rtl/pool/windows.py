"""Which pooling windows a coordinate lies in, found by counting instead of dividing."""

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from accel.isa import FIELDS, Op
from accel.rtl.parts.compare import less, negative

#: The fields of a POST command that the pooling unit looks at, constant while it works.
POOL_FIELDS = (
    "pool", "pool_rounding", "pool_in_zero", "pool_out_zero",
    "kh", "kw", "sh", "sw", "pt", "pl", "in_w", "in_h", "out_w", "out_h",
)  # fmt: skip


def post_fields(names) -> data.StructLayout:
    """A structure of some fields of a POST command, as wide as they are there."""
    fields = {field.name: field for field in FIELDS[Op.POST]}
    return data.StructLayout(
        {
            name: signed(fields[name].width) if fields[name].signed else fields[name].width
            for name in names
        }
    )


#: The pooling unit's configuration.
PoolConfig = post_fields(POOL_FIELDS)


class WindowWalk(wiring.Component):
    """Walks the coordinates 0..size-1 of one axis and, at each, the windows that it lies in.

    Window n covers ``kernel`` coordinates from ``n * stride - pad`` on.  At each coordinate the
    walk starts at the oldest window that has not closed and steps to younger ones until they begin
    later.  Every open window has a slot, an address in a ring of ``entries`` of which it takes
    ``pitch``; slots are handed out in turn, so ``ceil(kernel / stride) * pitch <= entries`` keeps
    open windows apart.  After the last coordinate the walk starts again.

    Every window must hold at least one coordinate (no window wholly inside the padding).

    Parameters:
        entries: size of the ring.

    Members:
        kernel, stride, pad, size, windows, pitch: constant from one cycle before use;
            ``pad < kernel``, ``windows`` is the number of windows.
        restart: go to coordinate 0, whatever else is asked.
        step: go to this coordinate's next window; from the last one, back to the first.
        advance: with ``step``: go to the next coordinate.
        slot: where the current window's entry is.
        inside: the coordinate lies in the current window (else it lies in none).
        first, last: no older, no younger window has the coordinate.
        opens, closes: it is the first, the last coordinate of the current window in the image.
        end: it is the last coordinate.

    One step a cycle.
    """

    def __init__(self, entries: int):
        if not isinstance(entries, int) or entries < 1:
            raise ValueError(f"entries must be an integer of at least 1, not {entries!r}")
        self._entries = entries
        fields = PoolConfig.members
        super().__init__(
            {
                "kernel": In(fields["kh"]), "stride": In(fields["sh"]), "pad": In(fields["pt"]),
                "size": In(fields["in_h"]), "windows": In(fields["out_h"]),
                "pitch": In(fields["out_w"]),
                "restart": In(1), "step": In(1), "advance": In(1),
                "slot": Out(range(entries)), "inside": Out(1), "first": Out(1), "last": Out(1),
                "opens": Out(1), "closes": Out(1), "end": Out(1),
            }
        )  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        window = self._window_layout()
        oldest, current = Signal(window), Signal(window)  # at this coordinate
        coordinate = Signal.like(self.size)
        begins = Signal()  # the coordinate is 0
        before_last, single, last_offset = self._lasts(m)
        younger = Signal(window)  # than the current one
        self._next_window(m, younger, current, 0)
        self._describe(m, current, begins, last_offset)
        start = self._start(m)
        following = self._following(m, oldest, last_offset)

        with m.If(self.restart | (self.step & self.advance & self.end)):
            m.d.sync += [coordinate.eq(0), begins.eq(1), self.end.eq(single)]
            m.d.sync += [oldest.eq(start), current.eq(start), self.first.eq(1)]
        with m.Elif(self.step & self.advance):
            m.d.sync += [
                coordinate.eq(coordinate + 1),
                begins.eq(0),
                self.end.eq(coordinate == before_last),
            ]
            m.d.sync += [oldest.eq(following), current.eq(following), self.first.eq(1)]
        with m.Elif(self.step):
            m.d.sync += [current.eq(Mux(self.last, oldest, younger)), self.first.eq(self.last)]
        return m

    def _window_layout(self):
        """A window, seen from a coordinate.

        What can be known a step ahead is kept in flags: counting is then no longer than choosing.
        """
        return data.StructLayout(
            {
                "left": len(self.windows),  # windows from this one on
                "final": 1,  # left == 1
                "none": 1,  # left == 0
                # Position in the window; below 0 before it begins.
                "offset": signed(len(self.kernel) + 2),
                "newest": 1,  # the next window's offset is below 0
                "slot": bits_for(self._entries - 1),
            }
        )

    def _lasts(self, m):
        """Find out what comes last.  Comparing with a register is faster than adding one first.

        Returns the coordinate before the last, whether there is only one, and a window's last
        offset.
        """
        before_last = Signal.like(self.size)
        single = Signal()
        last_offset = Signal(self._window_layout()["offset"].shape)
        m.d.sync += [
            before_last.eq((self.size - 2)[: len(self.size)]),
            single.eq(self.size == 1),
            last_offset.eq(self.kernel - 1),
        ]
        return before_last, single, last_offset

    def _describe(self, m, window, begins, last_offset):
        """Tell what the coordinate is to the current ``window``."""
        m.d.comb += [
            self.slot.eq(window.slot),
            self.inside.eq(~negative(window.offset) & ~window.none),
            self.last.eq(window.newest | window.final | window.none),
            self.opens.eq((window.offset == 0) | begins),
            self.closes.eq((window.offset == last_offset) | self.end),
        ]

    def _start(self, m):
        """Return the first window, seen from coordinate 0."""
        start = Signal(self._window_layout())
        m.d.sync += [
            start.left.eq(self.windows),
            start.final.eq(self.windows == 1),
            start.offset.eq(self.pad),
            start.newest.eq(less(self.pad, self.stride)),
        ]
        return start

    def _following(self, m, oldest, last_offset):
        """Return the oldest window at the next coordinate: this one's, unless that closes here."""
        following = Signal.like(oldest)
        after_oldest = Signal.like(oldest)
        self._next_window(m, after_oldest, oldest, 1)
        with m.If((oldest.offset == last_offset) & ~oldest.none):
            m.d.comb += following.eq(after_oldest)
        with m.Else():
            m.d.comb += [
                following.eq(oldest),
                following.offset.eq(oldest.offset + 1),
                following.newest.eq(negative(after_oldest.offset)),
            ]
        return following

    def _next_window(self, m, following, window, ahead):
        """The window after ``window``, seen from ``ahead`` coordinates further on."""
        # A slot is free if all of its `pitch` entries lie in the ring; comparing the current
        # slot with a constant is faster than comparing the next one.
        bound = Signal(signed(len(self.pitch) + 2 + len(window.slot)), name=f"bound{ahead}")
        change = Signal.like(window.offset, name=f"change{ahead}")
        next_change = Signal(signed(len(window.offset) + 1), name=f"next_change{ahead}")
        m.d.sync += [
            next_change.eq(ahead - 2 * self.stride),
            bound.eq(self._entries - 2 * self.pitch),
            change.eq(ahead - self.stride),
        ]
        m.d.comb += [
            following.left.eq(window.left - 1),
            following.final.eq(window.left == 2),
            following.none.eq(window.final),
            following.offset.eq(window.offset + change),
            following.newest.eq(negative(window.offset + next_change)),
            following.slot.eq(
                Mux(less(bound, window.slot), 0, (window.slot + self.pitch)[: len(window.slot)])
            ),
        ]
