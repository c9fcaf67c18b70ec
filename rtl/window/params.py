"""The way of the window unit's parameters: WPARAM commands, from memory into the two slots."""

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for, exact_log2

from accel.isa import Op
from accel.params import MAX_BURST, PARAM_PLANES, WINDOW_TILES, Params
from accel.rtl.memory.records import (
    TILES_BITS,
    RecordEngine,
    add_checksum,
    checksum_member,
    entry_bytes,
)
from accel.rtl.window.slots import SLOTS, word_write


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
        checksum: of all words (accel.rtl.parts.checksum); only with checksums.

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
            | checksum_member(params)
        )

    def elaborate(self, platform):
        m = Module()
        params = self._params
        slot = Signal()
        m.submodules.words = words = EntryCutter(params)
        connect(m, flipped(self.entries), words.input)
        weights = Signal()
        number = Signal(range(max(params.param_words, WINDOW_TILES * params.window_taps)))
        go, last_plane, last = Signal(), Signal(), Signal()
        one_free = self._room(m, go & last)
        m.d.sync += [
            self.completed.eq(go & last),
            self.write.valid.eq(go & (weights | (number < PARAM_PLANES))),
        ]
        last_weights = self._count(m, go, weights)
        m.d.comb += [
            words.output.ready.eq(self.tiles.valid & one_free),
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
        if params.checksum:
            add_checksum(m, params, self, go, words.output.payload)
        return m

    def _room(self, m, ends):
        """Whether a slot is free: each word waits for that, so it is a register of its own."""
        free = Signal(range(SLOTS + 1), init=SLOTS)
        free_soon, one_free = Signal.like(free), Signal(init=1)
        m.d.comb += free_soon.eq((free + self.slot_free - ends)[: len(free)])
        m.d.sync += [free.eq(free_soon), one_free.eq(free_soon != 0)]
        return one_free

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


class WindowParamEngine(RecordEngine):
    """Executes WPARAM commands: parameter records from memory into the slots.

    Requests run ahead, across commands, as far as there is room in the queue.

    Parameters:
        params: the machine.

    Members:
        command, done, client, halt, idle: see :class:`RecordEngine`.
        write, slot_free, completed, checksum: see :class:`WindowRecordWriter`.
    """

    def __init__(self, params: Params):
        tile_bytes = params.window_taps * params.cols
        super().__init__(
            params, Op.WPARAM, tile_bytes, queue_beats(params), WindowRecordWriter(params)
        )
