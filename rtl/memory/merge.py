"""From pieces of bus beats to whole beats."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from accel.params import Params
from accel.rtl.memory.burst import beat_bits, beat_layout, finish_layout


def piece_layout(params: Params) -> data.StructLayout:
    """A part of a run of bytes that lies in one beat, or what follows on the run (``close``).

    The run starts at byte ``offset`` of its ``first`` piece's beat.  ``bytes`` are the run's next
    bytes, as many as a beat has; those that do not fit into the beat after ``offset``
    belong to the next piece.  The run ends at byte ``bound`` of this piece's beat.
    """
    return data.StructLayout(
        {
            "write": 1,
            "first": 1,
            "addr": beat_bits(params),
            "offset": range(params.bus_bytes),
            "bound": range(params.bus_bytes + 1),
            "bytes": 8 * params.bus_bytes,
            "close": 1,
            "finish": finish_layout(params),
        }
    )


class BeatMerger(wiring.Component):
    """Turns pieces into beats: moves bytes to their lanes and joins pieces of the same beat.

    A beat leaves when a piece of another one comes, or with ``close``.

    Parameters:
        params: the machine.

    Members:
        valid, piece: a piece a cycle, taken at once.
        valid_out, beat: a beat, with or without ``close``.
        busy: something is inside.

    Latency 3 cycles from the piece that drives a beat out; no back-pressure.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "valid": In(1),
                "piece": In(piece_layout(params)),
                "valid_out": Out(1),
                "beat": Out(beat_layout(params)),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        rotated, rotated_valid, rotating = self._rotate(m)
        placed, placed_valid, same, same_soon = self._place(m, rotated, rotated_valid)

        # The beat that is being put together; `write` says that there is one.
        current = Signal(beat_layout(self._params))
        enable = _spread(m, placed.strobe, "enable")
        # Whether it leaves is known a cycle ahead: queues wait for that.
        there = Mux(placed_valid, placed.write, current.write)
        m.d.sync += self.valid_out.eq(rotated_valid & (rotated.close | (there & ~same_soon)))
        m.d.comb += [
            self.beat.eq(current),
            self.beat.close.eq(placed.close),
            self.beat.finish.eq(placed.finish),
            self.busy.eq(rotating | placed_valid | current.write),
        ]
        with m.If(placed_valid):
            m.d.sync += [
                current.write.eq(placed.write),
                current.addr.eq(placed.addr),
                current.data.eq((current.data & ~enable) | (placed.data & enable)),
                current.strobe.eq(placed.strobe | Mux(current.write & same, current.strobe, 0)),
                current.follows.eq(Mux(current.write & same, current.follows, placed.follows)),
            ]
        return m

    def _rotate(self, m):
        """A piece, its bytes at their lanes; whether there is one, and whether one is inside."""
        layout = piece_layout(self._params)
        taken, taken_valid = Signal(layout, reset_less=True), Signal()
        rotated, rotated_valid = Signal(layout, reset_less=True), Signal()
        m.d.sync += [
            taken.eq(self.piece),
            taken_valid.eq(self.valid),
            rotated.eq(taken),
            rotated.bytes.eq(_rotate_bytes(m, taken.bytes, taken.offset)),
            rotated_valid.eq(taken_valid),
        ]
        return rotated, rotated_valid, taken_valid | rotated_valid

    def _place(self, m, rotated, rotated_valid):
        """Complete a beat by what the run's piece before it left over, and find its strobes.

        Returns it, whether it is there, whether its address is that of the piece before it, and
        whether that is so for the next one.  All pieces of a burst are one behind the other, so
        ``follows`` may mean the piece before.
        """
        bus_bytes = self._params.bus_bytes
        left_over = Signal.like(rotated.bytes, reset_less=True)
        last_addr = Signal.like(rotated.addr, reset_less=True)
        placed, placed_valid = Signal(beat_layout(self._params), reset_less=True), Signal()
        same, same_soon = Signal(reset_less=True), Signal()
        next_addr = Signal.like(rotated.addr, reset_less=True)
        m.d.comb += same_soon.eq(rotated.addr == last_addr)
        lanes = range(bus_bytes)
        begun, unbounded = Signal(bus_bytes), Signal(bus_bytes)
        m.d.comb += [
            begun.eq(Cat(rotated.offset <= lane for lane in lanes)),
            unbounded.eq(Cat(rotated.bound > lane for lane in lanes)),
        ]
        begun_bytes = _spread(m, begun, "begun_bytes")
        m.d.sync += [
            placed.write.eq(rotated.write),
            placed.addr.eq(rotated.addr),
            placed.data.eq((rotated.bytes & begun_bytes) | (left_over & ~begun_bytes)),
            placed.strobe.eq((begun | ~rotated.first.replicate(bus_bytes)) & unbounded),
            placed.close.eq(rotated.close),
            placed.finish.eq(rotated.finish),
            placed_valid.eq(rotated_valid),
            placed.follows.eq(rotated.addr == next_addr),
            same.eq(same_soon),
        ]
        with m.If(rotated_valid):
            m.d.sync += [
                left_over.eq(rotated.bytes),
                last_addr.eq(rotated.addr),
                next_addr.eq(rotated.addr + 1),
            ]
        return placed, placed_valid, same, same_soon


def _rotate_bytes(m, value, count):
    """``value`` with byte n moved to byte n + count, around the end."""
    for n, bit in enumerate(count):
        # A signal for each level: as one expression, the levels' operands would multiply.
        turned = Signal.like(value, name=f"rotated_by_{1 << n}")
        m.d.comb += turned.eq(Mux(bit, Cat(value[-8 << n :], value[: -8 << n]), value))
        value = turned
    return value


def _spread(m, lanes, name):
    """A mask of bits from a mask of bytes."""
    mask = Signal(8 * len(lanes), name=name)
    lane_bits = Signal(len(lanes), name=f"{name}_lanes")
    m.d.comb += [lane_bits.eq(lanes), mask.eq(Cat(bit.replicate(8) for bit in lane_bits))]
    return mask
