"""The window unit's parameters: WPARAM commands, and the two slots that they fill."""

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for, exact_log2

from accel.isa import Op
from accel.params import MAX_BURST, PARAM_PLANES, WINDOW_TILES, Params
from accel.rtl.interfaces import Done, command_layout, read_client
from accel.rtl.memory.records import TILES_BITS, RecordReader, entry_bytes

#: Parameter records: one in use, one on its way.
SLOTS = 2
#: Cycles from the address of a tile to its words.
READ_LATENCY = 2


def weights_read(params: Params) -> wiring.Signature:
    """A tile's address, and READ_LATENCY cycles later its words, one for each tap."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "slot": Out(1),
            "tile": Out(range(WINDOW_TILES)),
            "words": In(data.ArrayLayout(8 * params.cols, params.window_taps)),
        }
    )


def scale_layout(params: Params) -> data.StructLayout:
    """The multipliers and shifts of all columns."""
    return data.StructLayout(
        {
            "multiplier": data.ArrayLayout(32, params.cols),
            "shift": data.ArrayLayout(signed(8), params.cols),
        }
    )


def word_write(params: Params) -> wiring.Signature:
    """A C-byte word of a slot: byte plane ``number``, or a tap's weights in a tile."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "weights": Out(1),  # else a plane
            "slot": Out(1),
            "number": Out(range(WINDOW_TILES * params.window_taps)),
            "data": Out(8 * params.cols),
        }
    )


class WindowParamMemory(wiring.Component):
    """Two slots of channel parameters and weight tiles.

    Parameters:
        params: the machine.

    Members:
        write: a word.
        weights: a tile, READ_LATENCY cycles after its address.
        bias_slot, biases: a slot's biases, at once.
        scale_slot, scales: a slot's multipliers and shifts, at once.

    A word written and all reads each cycle.  Nothing is read before it is written.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "write": In(word_write(params)),
                "weights": In(weights_read(params)),
                "bias_slot": In(1),
                "biases": Out(data.ArrayLayout(signed(32), params.cols)),
                "scale_slot": In(1),
                "scales": Out(scale_layout(params)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        planes = [
            self._plane(m, n, self.bias_slot if n < 4 else self.scale_slot)
            for n in range(PARAM_PLANES)
        ]
        for c in range(self._params.cols):
            *words, shift = (plane.word_select(c, 8) for plane in planes)
            m.d.comb += [
                self.biases[c].eq(Cat(words[:4]).as_signed()),
                self.scales.multiplier[c].eq(Cat(words[4:])),
                self.scales.shift[c].eq(shift.as_signed()),
            ]
        for tap in range(self._params.window_taps):
            self._tap(m, tap)
        return m

    def _plane(self, m, number, slot):
        """A byte plane of both slots; returns its bytes in one of them."""
        memory = Memory(shape=8 * self._params.cols, depth=SLOTS, init=[])
        m.submodules[f"plane{number}"] = memory
        read, write = memory.read_port(domain="comb"), memory.write_port()
        written = self.write
        m.d.comb += [
            write.addr.eq(written.slot),
            write.data.eq(written.data),
            write.en.eq(written.valid & ~written.weights & (written.number == number)),
            read.addr.eq(slot),
        ]
        return read.data

    def _tap(self, m, tap):
        """The weights of one tap in all tiles of both slots, with a register behind."""
        memory = Memory(shape=8 * self._params.cols, depth=SLOTS * WINDOW_TILES, init=[])
        m.submodules[f"tap{tap}"] = memory
        read, write = memory.read_port(), memory.write_port()
        written, asked = self.write, self.weights
        tap_bits = exact_log2(self._params.window_taps)
        found, word = Signal(), Signal(8 * self._params.cols, name=f"word{tap}", reset_less=True)
        m.d.comb += [
            write.addr.eq(Cat(written.number[tap_bits:], written.slot)),
            write.data.eq(written.data),
            write.en.eq(written.valid & written.weights & (written.number[:tap_bits] == tap)),
            read.addr.eq(Cat(asked.tile, asked.slot)),
            read.en.eq(asked.valid),
            asked.words[tap].eq(word),
        ]
        m.d.sync += found.eq(asked.valid)
        with m.If(found):
            m.d.sync += word.eq(read.data)


class EntryCutter(wiring.Component):
    """Cuts entries of a queue into words of C bytes.

    Parameters:
        params: the machine.

    Members:
        input: entries.
        output: their words.
        drop: with a word that is taken: nothing more of its entry is wanted.

    Throughput: a word a cycle, and a cycle more for each entry, which keeps the way back to the
    queue's memory short.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "input": In(stream.Signature(8 * entry_bytes(params))),
                "output": Out(stream.Signature(8 * params.cols)),
                "drop": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        word_bits, count = 8 * self._params.cols, entry_bytes(self._params) // self._params.cols
        entry, left = Signal.like(self.input.payload, reset_less=True), Signal(range(count + 1))
        m.d.comb += [
            self.input.ready.eq(left == 0),
            self.output.valid.eq(left != 0),
            self.output.payload.eq(entry[:word_bits]),
        ]
        with m.If(self.input.valid & self.input.ready):
            m.d.sync += [entry.eq(self.input.payload), left.eq(count)]
        with m.Elif(self.output.valid & self.output.ready):
            m.d.sync += [entry.eq(entry >> word_bits), left.eq(Mux(self.drop, 0, left - 1))]
        return m


class WindowRecordWriter(wiring.Component):
    """Takes the words of parameter records from the queue to the slots.

    Slots are used in turn from 0, one for each record; a record waits until its slot is free.

    Parameters:
        params: the machine.

    Members:
        tiles: for each WPARAM command, its number of tiles.
        entries: the queue: the words of each record, in order; a record begins with an entry.
        slot_free: strobe: the oldest slot in use is free again.
        write: to the slots.
        completed: strobe: a record's last word is being written.

    Throughput: that of the EntryCutter.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "tiles": In(stream.Signature(TILES_BITS)),
                "entries": In(stream.Signature(8 * entry_bytes(params))),
                "slot_free": In(1),
                "write": Out(word_write(params)),
                "completed": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        params = self._params
        free, slot = Signal(range(SLOTS + 1), init=SLOTS), Signal()
        m.submodules.words = words = EntryCutter(params)
        connect(m, flipped(self.entries), words.input)
        weights = Signal()
        number = Signal(range(max(params.param_words, WINDOW_TILES * params.window_taps)))
        go, last_plane, last = Signal(), Signal(), Signal()
        m.d.sync += [
            free.eq((free + self.slot_free - (go & last))[: len(free)]),
            self.completed.eq(go & last),
            self.write.valid.eq(go & (weights | (number < PARAM_PLANES))),
        ]
        last_weights = self._count(m, go, weights)
        m.d.comb += [
            words.output.ready.eq(self.tiles.valid & (free != 0)),
            words.drop.eq(last),
            go.eq(words.output.valid & words.output.ready),
            last_plane.eq(~weights & (number == params.param_words - 1)),
            last.eq(weights & last_weights),
            self.tiles.ready.eq(go & last),
        ]
        with m.If(go):
            m.d.sync += [
                number.eq(Mux(last | last_plane, 0, number + 1)[: len(number)]),
                weights.eq((weights | last_plane) & ~last),
                slot.eq(slot ^ last),
            ]
            self._write(m, words.output.payload, weights, slot, number)
        return m

    def _write(self, m, word, weights, slot, number):
        """Write a word to its place; ``write.valid`` says whether it has one."""
        write = self.write
        m.d.sync += [
            write.weights.eq(weights),
            write.slot.eq(slot),
            write.number.eq(number[: len(write.number)]),
            write.data.eq(word),
        ]

    def _count(self, m, go, weights):
        """Count a record's words of weights; returns whether none is behind this one."""
        tap_bits = exact_log2(self._params.window_taps)
        # Words of weights behind this one; runs down to -1.
        left = Signal(signed(bits_for(WINDOW_TILES) + tap_bits + 1), reset_less=True)
        with m.If(~weights):
            count = self.tiles.payload << tap_bits
            m.d.sync += left.eq((count - 2)[: len(left)].as_signed())
        with m.Elif(go):
            m.d.sync += left.eq((left - 1)[: len(left)].as_signed())
        return left[-1]


def queue_beats(params: Params) -> int:
    """Capacity of that queue in beats.  The slots themselves hide most of a memory's latency."""
    return 4 * max(MAX_BURST, entry_bytes(params) // params.bus_bytes)


class WindowParamEngine(wiring.Component):
    """Executes WPARAM commands: parameter records from memory into the slots.

    Requests run ahead, across commands, as far as there is room in the queue.

    Parameters:
        params: the machine.

    Members:
        command: WPARAM commands, from the queue.
        done: completion counters; a command requests nothing before its waits are met.
        client: towards the read master.
        write, slot_free, completed: see :class:`WindowRecordWriter`.
        halt: ask for no further data.
        idle: no command is held or in flight.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "command": In(stream.Signature(command_layout(Op.WPARAM))),
                "done": In(Done),
                "client": Out(read_client(params)),
                "write": Out(word_write(params)),
                "slot_free": In(1),
                "completed": Out(1),
                "halt": In(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        params = self._params
        m.submodules.reader = reader = RecordReader(
            params, Op.WPARAM, params.window_taps * params.cols, queue_beats(params)
        )
        m.submodules.writer = writer = WindowRecordWriter(params)
        connect(m, flipped(self.command), reader.command)
        connect(m, reader.client, flipped(self.client))
        connect(m, reader.entries, writer.entries)
        connect(m, reader.tiles, writer.tiles)
        connect(m, writer.write, flipped(self.write))
        m.d.comb += [
            reader.done.eq(self.done),
            reader.halt.eq(self.halt),
            reader.completed.eq(writer.completed),
            writer.slot_free.eq(self.slot_free),
            self.completed.eq(writer.completed),
            self.idle.eq(reader.idle),
        ]
        return m
