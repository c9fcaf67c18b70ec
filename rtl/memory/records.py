"""Parameter records and weight tiles, read from memory ahead of their use."""

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from accel.isa import FIELDS, Op
from accel.params import Params
from accel.rtl.control.gate import CommandGate
from accel.rtl.interfaces import Done, command_layout, read_client
from accel.rtl.memory.read import ReadSplitter
from accel.rtl.memory.readahead import ReadAhead
from accel.rtl.parts.checksum import WORD_BITS, Checksum, sum_bits
from accel.rtl.parts.forward import forward
from accel.rtl.parts.full import some_flag

TILES_BITS = next(field.width for field in FIELDS[Op.WEIGHTS] if field.name == "tiles")


def entry_bytes(params: Params) -> int:
    """Width of the queue of data: a word of C bytes or a bus beat, whichever is wider."""
    return max(params.cols, params.bus_bytes)


def checksum_member(params: Params) -> dict:
    """The member ``checksum`` of who takes records and tiles to their places, if it has one."""
    return {"checksum": Out(sum_bits(_words(params)))} if params.checksum else {}


def add_checksum(m: Module, params: Params, owner, valid, word) -> None:
    """Let ``owner.checksum`` be the sum of all C-byte words."""
    m.submodules.checksum = checksum = Checksum(_words(params))
    m.d.comb += [
        checksum.valid.eq(valid), checksum.data.eq(word), owner.checksum.eq(checksum.sum),
    ]  # fmt: skip


def _words(params: Params) -> int:
    return 8 * params.cols // WORD_BITS


class RecordReader(wiring.Component):
    """Reads what WEIGHTS or WPARAM commands name: a parameter record and its tiles.

    Requests run ahead of use, across commands, as far as the queue of data has room.

    Parameters:
        params: the machine.
        op: which of the two.
        tile_bytes: size of a tile; a power of two.
        beats: capacity of the queue.

    Members:
        command: the commands, from their queue.
        done: completion counters; a command requests nothing before its waits are met.
        client: towards the read master.
        tiles: for each command, its number of tiles.
        entries: the data; every command's begins with an entry.
        arrived: strobe, an entry has come.
        completed: strobe, everything of a command has been used.
        halt: ask for no further data.
        active: a command is past its waits and not everything of it has been used.
        idle: no command is held or in flight.
    """

    #: Commands whose data may have been asked for before they are used up.
    COMMANDS = 8

    def __init__(self, params: Params, op: Op, tile_bytes: int, beats: int):
        self._params, self._op, self._beats = params, op, beats
        self._tile_shift = exact_log2(tile_bytes)
        super().__init__(
            {
                "command": In(stream.Signature(command_layout(op))),
                "done": In(Done),
                "client": Out(read_client(params)),
                "tiles": Out(stream.Signature(TILES_BITS)),
                "entries": Out(stream.Signature(8 * entry_bytes(params))),
                "arrived": Out(1),
                "completed": In(1),
                "halt": In(1),
                "active": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        params = self._params
        m.submodules.gate = gate = CommandGate(self._op)
        m.submodules.splitter = splitter = ReadSplitter(params, TILES_BITS + self._tile_shift + 1)
        m.submodules.ahead = ahead = ReadAhead(params, entry_bytes(params), self._beats)
        m.submodules.tiles = tiles = SyncFIFO(width=TILES_BITS, depth=self.COMMANDS)
        connect(m, flipped(self.command), gate.input)
        connect(m, splitter.output, ahead.request)
        connect(m, ahead.client, flipped(self.client))
        connect(m, ahead.output, flipped(self.entries))
        # Whether there is a command decides what is done with each word of data, far from here.
        m.d.comb += [
            self.tiles.valid.eq(some_flag(m, tiles)),
            self.tiles.payload.eq(tiles.r_data),
            tiles.r_en.eq(self.tiles.ready),
        ]

        taken = self._take(m, gate.output, splitter.input, tiles)
        under_way = Signal(range(self.COMMANDS + 2))
        m.d.sync += under_way.eq((under_way + taken - self.completed)[: len(under_way)])
        m.d.comb += [
            gate.done.eq(self.done),
            ahead.halt.eq(self.halt),
            self.arrived.eq(ahead.arrived),
            self.active.eq(gate.output.valid | under_way.any()),
            self.idle.eq(~gate.held & ~under_way.any()),
        ]
        return m

    def _take(self, m, command, range_, tiles):
        """Turn a command into a range of memory and a number of tiles; returns when it is taken."""
        payload, taken = command.payload, Signal()
        pending, source = Signal(), Signal.like(range_.payload, reset_less=True)
        m.d.comb += [
            command.ready.eq(~pending & tiles.w_rdy),
            taken.eq(command.valid & command.ready),
            tiles.w_en.eq(taken),
            tiles.w_data.eq(payload.tiles),
            range_.valid.eq(pending),
            range_.payload.eq(source),
        ]
        m.d.sync += pending.eq(taken | (pending & ~range_.ready))
        with m.If(~pending):
            m.d.sync += [
                source.addr.eq(payload.src),
                source.bytes.eq((payload.tiles << self._tile_shift) + self._params.param_bytes),
            ]
        return taken


class RecordEngine(wiring.Component):
    """Executes WEIGHTS or WPARAM commands: reads their records and tiles, and has them used.

    Parameters:
        params, op, tile_bytes, beats: see :class:`RecordReader`.
        user: takes the data to its place.  Its members ``tiles``, ``entries`` and, if it counts
            them, ``arrived`` are the reader's, the other way round; ``completed`` is a strobe:
            everything of a command has been used.

    Members:
        command, done, client, halt, active, idle: see :class:`RecordReader`.
        completed and all others: the user's own.
    """

    #: What the reader shows, and what it gives to the user.
    _SHOWN = ("command", "done", "client", "halt", "active", "idle")
    _GIVEN = ("tiles", "entries", "arrived")

    def __init__(
        self, params: Params, op: Op, tile_bytes: int, beats: int, user: wiring.Component
    ):
        self._reader, self._user = RecordReader(params, op, tile_bytes, beats), user
        shown, used = self._reader.signature.members, user.signature.members
        super().__init__(
            {name: shown[name] for name in self._SHOWN}
            | {name: member for name, member in used.items() if name not in self._GIVEN}
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.reader = reader = self._reader
        m.submodules.user = user = self._user
        used = user.signature.members
        forward(m, self, reader, self._SHOWN)
        forward(m, self, user, (name for name in used if name not in self._GIVEN))
        connect(m, reader.tiles, user.tiles)
        connect(m, reader.entries, user.entries)
        if "arrived" in used:
            m.d.comb += user.arrived.eq(reader.arrived)
        m.d.comb += reader.completed.eq(user.completed)
        return m
