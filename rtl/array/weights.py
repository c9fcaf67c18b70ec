"""The weight engine: streams weight tiles and channel parameters from memory, ahead of use."""

from typing import NamedTuple

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from accel.isa import Op
from accel.params import MAX_BURST, PARAM_PLANES, PARAM_SLOTS, SWAP_LATENCY, Params
from accel.rtl.interfaces import SLOT_BITS, param_write, weight_row
from accel.rtl.memory.records import (
    TILES_BITS,
    RecordEngine,
    add_checksum,
    checksum_member,
    entry_bytes,
)
from accel.rtl.parts.delay import Delay


def queue_beats(params: Params) -> int:
    """Capacity of the weight queue in bus beats: enough to hide a memory's latency in any case."""
    return max(params.weight_tiles * params.tile_bytes // params.bus_bytes, 4 * MAX_BURST)


class _Progress(NamedTuple):
    """How far the issue of words has come: a record, then its tiles, and so on."""

    #: Words are those of tiles; otherwise of a record.
    in_tiles: Signal
    #: Tiles of the record behind the next one.
    tiles_left: Signal
    #: Of the next word in its record, or of the next row in its tile.
    number: Signal
    #: Parameter slots that are free, and the one that the record goes to.
    slots: Signal
    slot: Signal
    #: Entries that have come and that no word was issued from yet (nor a tile begun).
    available: Signal
    #: A tile is on its way to the shadow weights; and: one is in them, or on its way.
    loading: Signal
    filled: Signal


class WeightLoader(wiring.Component):
    """Takes parameter records and tiles from the queue to where they are used, word by word.

    Decisions are made in *issue time*, the time in which the exec engine issues pixels and swaps;
    whatever they cause leaves this block SWAP_LATENCY cycles later, as a swap reaches the array.

    A tile is loaded row by row without a gap, from the cycle in which it is completely in the
    queue and the shadow weights are free: not before the previous tile's last row, and not before
    the cycle of the swap that takes the previous tile.  In the cycle after its first row it is
    ``ready``: a swap from then on follows the rows through the array and never overtakes them.

        issue cycle   t       t + 1           s >= t + 1     max(t + R, s)
                      row 0   row 1, ready    swap           the next tile's row 0 or later

    So tiles that stream at least R pixels follow each other without a gap, and shorter ones take R
    cycles.  The records between the tiles of two blocks take ``param_words`` cycles while no
    rows are loaded, hidden when a block's last tile streams R + param_words pixels.

    Parameters:
        params: the machine.

    Members:
        tiles: for each WEIGHTS command, its number of tiles.
        entries: the queue's.
        arrived: strobe, an entry has come.
        row: rows of weights to the array.
        param: byte planes of parameters.  Slots are used in turn from 0, one for each command.
        ready: the shadow weights may be swapped in.
        swap: the exec engine swaps; only while ready.
        slot_free: strobe, the oldest slot in use is free again.
        fifo_empty: nothing is loaded or loading, for lack of data.
        completed: strobe, a command's last row was issued.
        checksum: of all that was delivered (accel.rtl.parts.checksum); only with checksums.
    """

    def __init__(self, params: Params):
        self._params = params
        self._tile_entries = params.tile_bytes // entry_bytes(params)
        # Of a word's number, those bits that tell its place in an entry.
        self._sub_bits = bits_for(entry_bytes(params) // params.cols) - 1
        super().__init__(
            {
                "tiles": In(stream.Signature(TILES_BITS)),
                "entries": In(stream.Signature(8 * entry_bytes(params))),
                "arrived": In(1),
                "row": Out(weight_row(params)),
                "param": Out(param_write(params)),
                "ready": Out(1),
                "swap": In(1),
                "slot_free": In(1),
                "fifo_empty": Out(1),
                "completed": Out(1),
            }
            | checksum_member(params)
        )

    def elaborate(self, platform):
        m = Module()
        params, now = self._params, self._progress()
        begin, event = Signal(), Signal(self._event_layout())
        whole_tile = now.available[bits_for(self._tile_entries) - 1 :].any()
        m.d.comb += [
            begin.eq(now.in_tiles & ~now.loading & whole_tile & (~now.filled | self.swap)),
            event.row.eq(begin | now.loading),
            event.param.eq(
                ~now.in_tiles
                & ~now.loading
                & self.tiles.valid
                & (now.slots != 0)
                & (now.available != 0)
            ),
            event.pop.eq(now.number[: self._sub_bits].all() if self._sub_bits else 1),
            event.slot.eq(now.slot),
            event.number.eq(now.number),
            self.ready.eq(now.filled),
            self.fifo_empty.eq(
                ~now.loading & ~now.filled & ~Mux(now.in_tiles, whole_tile, now.available.any())
            ),
        ]
        last_row = now.loading & (now.number == params.rows - 1)
        last_param = event.param & (now.number == params.param_words - 1)
        self._count_words(m, now, event, last_row | last_param)
        self._load_shadow(m, now, begin, last_row)
        self._book(m, now, begin, event)
        m.d.comb += self.completed.eq(last_row & ~now.in_tiles)
        self._end_record(m, now, last_param)
        self._deliver(m, event)
        return m

    def _progress(self):
        """The registers of the issue of words."""
        in_tiles, tiles_left = Signal(), Signal(TILES_BITS, reset_less=True)
        number = Signal(self._event_layout()["number"].shape)
        slots, slot = Signal(range(PARAM_SLOTS + 1), init=PARAM_SLOTS), Signal(SLOT_BITS)
        available = Signal(bits_for(queue_beats(self._params)))
        return _Progress(
            in_tiles, tiles_left, number, slots, slot, available, loading=Signal(), filled=Signal()
        )

    def _event_layout(self):
        """What is issued: a row or a parameter word, the last one of its entry (``pop``) or not."""
        number_bits = bits_for(max(self._params.rows, self._params.param_words) - 1)
        return data.StructLayout(
            {"row": 1, "param": 1, "pop": 1, "slot": SLOT_BITS, "number": number_bits}
        )

    def _count_words(self, m, now, event, last):
        """Number the words of a record and the rows of a tile."""
        with m.If(last):
            m.d.sync += now.number.eq(0)
        with m.Elif(event.row | event.param):
            m.d.sync += now.number.eq(now.number + 1)

    def _load_shadow(self, m, now, begin, last_row):
        """Follow a tile from its first row to its last one, and until it is swapped in."""
        with m.If(begin):
            m.d.sync += [now.loading.eq(1), now.filled.eq(1)]
        with m.Else():
            m.d.sync += [
                now.loading.eq(now.loading & ~last_row),
                now.filled.eq(now.filled & ~self.swap),
            ]

    def _book(self, m, now, begin, event):
        """Count the tiles and the entries that are left.

        Nothing else can begin for R - 1 cycles, so the bookkeeping of a tile comes a cycle
        later and does not lengthen the path from the exec engine's swap.
        """
        began, used = Signal(), Signal.like(now.available)
        m.d.sync += began.eq(begin)
        with m.If(began):
            m.d.comb += used.eq(self._tile_entries)
            m.d.sync += [
                now.tiles_left.eq(now.tiles_left - 1),
                now.in_tiles.eq(now.tiles_left != 0),
            ]
        with m.Else():
            m.d.comb += used.eq(event.param & event.pop)
        m.d.sync += now.available.eq(now.available + self.arrived - used)

    def _end_record(self, m, now, last_param):
        """Go from a record to its tiles; the next one has a slot of its own."""
        m.d.comb += self.tiles.ready.eq(last_param)
        with m.If(last_param):
            m.d.sync += [
                now.in_tiles.eq(1),
                now.tiles_left.eq(self.tiles.payload - 1),
                now.slot.eq(now.slot + 1),
            ]
        m.d.sync += now.slots.eq(now.slots + self.slot_free - last_param)

    def _deliver(self, m, event):
        """Behind issue time, fetch the event's word: its register is the delay's last cycle."""
        params = self._params
        m.submodules.delay = delay = Delay(event.shape(), SWAP_LATENCY - 1)
        due, word = delay.o, Signal(8 * params.cols, reset_less=True)
        place = due.number[: self._sub_bits]
        m.d.comb += [
            delay.i.eq(event),
            self.entries.ready.eq((due.row | due.param) & due.pop),
            self.row.data.eq(word),
            self.param.data.eq(word),
        ]
        m.d.sync += [
            word.eq(self.entries.payload.word_select(place, 8 * params.cols)),
            self.row.valid.eq(due.row),
            self.row.index.eq(due.number),
            self.param.valid.eq(due.param & (due.number < PARAM_PLANES)),
            self.param.slot.eq(due.slot),
            self.param.plane.eq(due.number),
        ]
        if params.checksum:
            delivered = Signal()
            m.d.sync += delivered.eq(due.row | due.param)
            add_checksum(m, params, self, delivered, word)


class WeightEngine(RecordEngine):
    """Executes WEIGHTS commands: a parameter record and weight tiles from memory to the array.

    Requests run ahead of use, across commands, as far as the queue of ``weight_tiles`` tiles has
    room.  See :class:`WeightLoader` for the timing at the array.

    Parameters:
        params: the machine.

    Members:
        command, done, client, halt, idle: see :class:`RecordEngine`.
        row, param, ready, swap, slot_free, fifo_empty, completed, checksum: see
            :class:`WeightLoader`.
    """

    def __init__(self, params: Params):
        super().__init__(
            params, Op.WEIGHTS, params.tile_bytes, queue_beats(params), WeightLoader(params)
        )
