"""The load engine: copies rows of memory into a buffer and pads them."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from accel.isa import Op
from accel.params import Params
from accel.rtl.control.gate import CommandGate
from accel.rtl.im2col.banks import Banks, im2col_banks
from accel.rtl.im2col.place import Placer, piece_layout
from accel.rtl.interfaces import Done, banks_write, command_layout, read_client
from accel.rtl.memory.read import ReadSplitter, read_range
from accel.rtl.memory.readahead import ReadAhead
from accel.rtl.parts.full import full_flag
from accel.rtl.parts.queue import RamQueue
from accel.rtl.parts.rest import LOADING, add_resting

#: More cycles than anything moves after the last command was completed.
SETTLE = 8


class Part(enum.Enum, shape=2):
    """What a row of the buffer consists of, in this order."""

    LEFT = 0
    COPY = 1
    RIGHT = 2


#: Which parts a command's rows have, and whether COPY is a single item.
_row_layout = data.StructLayout(dict.fromkeys(("left", "copy", "right", "single"), 1))


class PieceGenerator(wiring.Component):
    """Walks through the rows of LOAD commands, a piece (left fill, item or right fill) a cycle.

    Parameters:
        params: the machine.
        banks: the buffer.

    Members:
        command: a LOAD that may start; taken with its last piece.
        pieces: what the placer is to write.
        ranges: the memory that the pieces copy, in the same order.
        started: strobe, a command was begun.
        halt: produce nothing.

    Latency: two cycles from a valid command to its first piece.  Throughput: a piece each cycle;
    two idle cycles between commands.  An empty part costs nothing.
    """

    def __init__(self, params: Params, banks: Banks):
        self._params, self._banks = params, banks
        super().__init__(
            {
                "command": In(stream.Signature(command_layout(Op.LOAD))),
                "pieces": Out(stream.Signature(piece_layout(params, banks))),
                "ranges": Out(stream.Signature(read_range(params))),
                "started": Out(1),
                "halt": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        command = self.command.payload

        # Before the first row: note what a row has, then let a new row do the rest.
        advance, begin, running = Signal(), Signal(), Signal()
        m.d.comb += self.started.eq(self.command.valid & ~begin & ~running)
        m.d.sync += begin.eq(self.started)
        has, next_src, next_dst, rows_left = self._start(m)

        # The walk along a row.  `items_left` counts the items behind this one.
        src, dst = Signal(32, reset_less=True), Signal(20, reset_less=True)
        row_ends, items_left = Signal(reset_less=True), Signal.like(command.items, reset_less=True)
        part = self._parts(m, has, begin, begin | advance, row_ends, items_left)
        size, copying = self._size(m, part)
        # What a register takes does not ask whether it does: its enable does that.
        new_row = begin | row_ends
        with m.If(begin | advance):
            m.d.sync += dst.eq(Mux(new_row, next_dst, dst + size))
        with m.If(begin | (advance & (row_ends | copying))):
            m.d.sync += [
                src.eq(Mux(new_row, next_src, src + command.item_pitch)),
                items_left.eq(Mux(new_row, command.items - 1, items_left - 1)),
            ]
        last_row = self._step_row(m, begin | (advance & row_ends), next_src, next_dst, rows_left)
        m.d.comb += self.command.ready.eq(advance & row_ends & last_row)
        m.d.sync += running.eq((running | begin) & ~self.command.ready)

        self._hand_over(m, running, advance, copying, src, dst, size)
        return m

    def _start(self, m):
        """Note a command's rows: their parts, the next one's addresses, and how many are left."""
        command = self.command.payload
        has = Signal(_row_layout, reset_less=True)
        next_src, next_dst = Signal(32, reset_less=True), Signal(20, reset_less=True)
        rows_left = Signal.like(command.rows, reset_less=True)
        with m.If(self.started):
            m.d.sync += [
                has.left.eq(command.fill_left.any()),
                has.copy.eq(command.inner.any()),
                has.right.eq(command.fill_right.any()),
                has.single.eq(command.items == 1),
                next_src.eq(command.src),
                next_dst.eq(command.dst),
                rows_left.eq(command.rows),
            ]
        return has, next_src, next_dst, rows_left

    def _size(self, m, part):
        """The bytes of a piece of this part, and whether it is a copy."""
        command = self.command.payload
        size, copying = Signal.like(command.inner), part == Part.COPY
        with m.Switch(part):
            with m.Case(Part.LEFT):
                m.d.comb += size.eq(command.fill_left)
            with m.Case(Part.COPY):
                m.d.comb += size.eq(command.inner)
            with m.Default():
                m.d.comb += size.eq(command.fill_right)
        return size, copying

    def _step_row(self, m, step, next_src, next_dst, rows_left):
        """Let the next row become the present one; returns whether that is the last."""
        command, last_row = self.command.payload, Signal(reset_less=True)
        with m.If(step):
            m.d.sync += [
                next_src.eq(next_src + command.row_pitch),
                next_dst.eq(next_dst + command.dst_pitch),
                rows_left.eq(rows_left - 1),
                last_row.eq(rows_left == 1),
            ]
        return last_row

    def _hand_over(self, m, running, advance, copying, src, dst, size):
        """Hold the piece that was walked over until it is taken; ``advance`` when there is room.

        Its address and length are seen from its first chunk.
        """
        command = self.command.payload
        chunk_bits = bits_for(self._banks.chunk(self._params.bus_bytes) - 1)
        bus_shift = bits_for(self._params.bus_bytes - 1)
        held, fire = Signal(), Signal()
        piece = Signal(piece_layout(self._params, self._banks), reset_less=True)
        source = Signal(read_range(self._params), reset_less=True)
        skip = Mux(copying, src[:chunk_bits], 0)
        m.d.comb += [
            fire.eq(held & self.pieces.ready & (piece.fill | self.ranges.ready)),
            advance.eq(running & (~held | fire) & ~self.halt),
            self.pieces.valid.eq(held & (piece.fill | self.ranges.ready)),
            self.pieces.payload.eq(piece),
            self.ranges.valid.eq(held & ~piece.fill & self.pieces.ready),
            self.ranges.payload.eq(source),
        ]
        with m.If(~held | fire):
            m.d.sync += [
                held.eq(advance),
                source.addr.eq(src),
                source.bytes.eq(size),
                piece.dst.eq((dst - skip)[: len(piece.dst)]),  # a ring
                piece.left.eq(size + (skip - 1)),
                piece.skip.eq(skip),
                piece.chunk.eq(src[chunk_bits:bus_shift]),
                piece.fill.eq(~copying),
                piece.value.eq(command.fill_value),
                piece.last.eq(self.command.ready),
            ]

    def _parts(self, m, has, begin, step, row_ends, items_left):
        """Walk a row's parts; returns the present one.

        ``row_ends``, this piece is its row's last, is found out a step ahead.
        """
        part, following = Signal(Part, reset_less=True), Signal(Part)
        last_item, item_follows_last = Signal(reset_less=True), Signal()
        after_left = Mux(has.copy, Part.COPY, Part.RIGHT)
        m.d.comb += item_follows_last.eq(has.single)
        with m.If(begin | row_ends):
            m.d.comb += following.eq(Mux(has.left, Part.LEFT, after_left))
        with m.Elif(part == Part.COPY):
            m.d.comb += [
                following.eq(Mux(last_item, Part.RIGHT, Part.COPY)),
                item_follows_last.eq(items_left == 1),
            ]
        with m.Else():
            m.d.comb += following.eq(after_left)
        with m.If(step):
            m.d.sync += [part.eq(following), last_item.eq(item_follows_last)]
            with m.Switch(following):
                with m.Case(Part.LEFT):
                    m.d.sync += row_ends.eq(~has.copy & ~has.right)
                with m.Case(Part.COPY):
                    m.d.sync += row_ends.eq(item_follows_last & ~has.right)
                with m.Default():
                    m.d.sync += row_ends.eq(1)
        return part


class LoadEngine(wiring.Component):
    """Executes LOAD or WLOAD commands: strided rows of memory and padding into a buffer.

    The generator and the requests run ahead of the data, across commands, up to ``load_beats``
    beats; the placer follows with the data.

    Parameters:
        params: the machine.
        op: which of the two.
        banks: the buffer; None is the im2col buffer.

    Members:
        command: the commands, from the queue.
        done: completion counters; a command requests nothing before its waits are met.
        client: towards the read master.
        write: to the buffer.
        stall: keep the port free PLACE_LATENCY cycles later.
        completed: strobe in the cycle of a command's last write.
        active: a command is past its waits and not yet completed.
        halt: ask for no further data.
        idle: no command is held or in flight.

    Throughput: a beat each cycle where rows have at least a bus word; otherwise a piece each
    cycle.
    """

    #: Ranges that wait for the splitter: enough to cut the path from the bus's ready to the walk.
    RANGES = 4

    def __init__(self, params: Params, op: Op = Op.LOAD, banks: Banks | None = None):
        self._params, self._op, self._banks = params, op, banks or im2col_banks(params)
        super().__init__(
            {
                "command": In(stream.Signature(command_layout(op))),
                "done": In(Done),
                "client": Out(read_client(params)),
                "write": Out(banks_write(self._banks)),
                "stall": In(1),
                "completed": Out(1),
                "active": Out(1),
                "halt": In(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        params = self._params
        m.submodules.gate = gate = CommandGate(self._op)
        generator = PieceGenerator(params, self._banks)
        ahead = ReadAhead(params, params.bus_bytes, params.load_beats)
        connect(m, flipped(self.command), gate.input)
        connect(m, gate.output, generator.command)
        ranges, splitter = self._request(m, generator, ahead)
        pieces, placer = self._place(m, generator, ahead)

        under_way = Signal(range(params.load_beats + 4))
        m.d.sync += under_way.eq(under_way + generator.started - placer.completed)
        m.d.comb += [
            gate.done.eq(self.done),
            generator.halt.eq(self.halt),
            ahead.halt.eq(self.halt),
            self.completed.eq(placer.completed),
            self.active.eq(gate.output.valid | under_way.any()),
            self.idle.eq(~gate.held & ~under_way.any()),
        ]
        add_resting(
            m, platform, self.active, SETTLE, domain=LOADING, generator=generator,
            splitter=splitter, ahead=ahead, placer=placer, ranges=ranges, pieces=pieces,
        )  # fmt: skip
        return m

    def _request(self, m, generator, ahead):
        """What the generator copies, asked for from memory; returns the blocks on the way."""
        ranges = SyncFIFO(width=read_range(self._params).size, depth=self.RANGES)
        splitter = ReadSplitter(self._params)
        # Instead of the queue's own `w_rdy`, which compares.
        full = full_flag(m, ranges)
        m.d.comb += [
            ranges.w_data.eq(generator.ranges.payload),
            ranges.w_en.eq(generator.ranges.valid & ~full),
            generator.ranges.ready.eq(~full),
        ]
        connect(m, ranges.r_stream, splitter.input)
        connect(m, splitter.output, ahead.request)
        connect(m, ahead.client, flipped(self.client))
        return ranges, splitter

    def _place(self, m, generator, ahead):
        """The generator's pieces and their data, into the buffer; returns the blocks on the way."""
        params, banks = self._params, self._banks
        # Every copy has at least one beat, so pieces never keep copies from running ahead.
        pieces = RamQueue(piece_layout(params, banks), params.load_beats)
        placer = Placer(params, banks)
        connect(m, generator.pieces, pieces.input)
        connect(m, pieces.output, placer.input)
        connect(m, ahead.output, placer.beats)
        connect(m, placer.write, flipped(self.write))
        m.d.comb += placer.stall.eq(self.stall)
        return pieces, placer
