"""Reads the program from memory and has each command checked before it is dispatched."""

from amaranth import C, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from accel.isa import COMMAND_BITS, COMMAND_BYTES, Error
from accel.params import DONE_BITS, MAX_BURST, Params
from accel.rtl.control.check import CHECK_LATENCY, ERROR_BITS, CommandCheck
from accel.rtl.control.dispatch import (
    WORDS,
    Dispatch,
    Engines,
    command_queues,
    queue_outputs,
)
from accel.rtl.control.products import POOL_LATENCY
from accel.rtl.interfaces import read_client
from accel.rtl.parts.checksum import sum_bits
from accel.rtl.parts.parity import Guards, with_parity
from accel.rtl.parts.rest import add_resting

#: Commands that the prefetch buffer holds, and that one burst brings at most.
PREFETCH = 8
BURST_COMMANDS = 4
#: Cycles in which everything comes to rest after a command has moved on.
SETTLE = CHECK_LATENCY + POOL_LATENCY + 2


class Prefetch(wiring.Component):
    """Reads the program's beats ahead of their use.

    Parameters:
        params: the machine.

    Members:
        start: strobe; ``program`` (bus-aligned) and ``commands`` are sampled with it.
        client: to the read master.  A burst is asked for only when the buffer has room for it,
            so beats are always taken at once.
        beats: the program's beats in order, at up to one a cycle.
        halt: ask for no more (a burst already offered stays offered).

    A program may be started once after each reset.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "start": In(1),
                "program": In(params.addr_bits),
                "commands": In(DONE_BITS),
                "client": Out(read_client(params)),
                "beats": Out(stream.Signature(8 * params.bus_bytes)),
                "halt": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        bus = self._params.bus_bytes
        depth = PREFETCH * COMMAND_BYTES // bus
        guarded = isinstance(platform, Guards)
        m.submodules.buffer = buffer = SyncFIFOBuffered(width=8 * bus + guarded, depth=depth)
        m.d.comb += [
            buffer.w_data.eq(
                with_parity(self.client.data, 8 * bus) if guarded else self.client.data
            ),
            buffer.w_en.eq(self.client.valid),
            self.beats.payload.eq(buffer.r_data[: 8 * bus]),
            self.beats.valid.eq(buffer.r_rdy),
            buffer.r_en.eq(self.beats.ready),
        ]
        room = Signal(range(depth + 1), init=depth)
        if guarded:
            platform.check(m, [buffer.r_data], buffer.r_rdy)
        issue, size = self._ask(m, room)
        taken = self.beats.valid & self.beats.ready
        m.d.sync += room.eq(room - Mux(issue, size, 0) + taken)
        return m

    def _ask(self, m, room):
        """Ask for one burst after the other; returns the strobe that one is asked for, its beats.

        Bursts end at multiples of the longest, so they never cross one of MAX_BURST beats.
        """
        bus = self._params.bus_bytes
        burst = min(MAX_BURST, BURST_COMMANDS * COMMAND_BYTES // bus)
        request = self.client.request
        beat = Signal(self._params.addr_bits - exact_log2(bus))
        left = Signal(DONE_BITS + exact_log2(COMMAND_BYTES))
        issue, size = Signal(), Signal(range(burst + 1))
        with m.If(request.ready):
            m.d.sync += request.valid.eq(0)
        with m.FSM():
            with m.State("MEASURE"), m.If(left != 0):
                ahead = (burst - beat[: exact_log2(burst)])[: len(size)]
                m.d.sync += size.eq(Mux(left < ahead, left, ahead)[: len(size)])
                m.next = "ASK"
            with m.State("ASK"):
                m.d.comb += issue.eq(
                    (room >= burst) & (~request.valid | request.ready) & ~self.halt
                )
                with m.If(issue):
                    m.next = "MEASURE"
        with m.If(issue):
            m.d.sync += [
                request.valid.eq(1),
                request.p.addr.eq(Cat(C(0, exact_log2(bus)), beat)),
                request.p.beats.eq(size),
                beat.eq(beat + size),
                left.eq(left - size),
            ]
        with m.If(self.start):
            bytes_ = Cat(C(0, exact_log2(COMMAND_BYTES)), self.commands)
            m.d.sync += [
                beat.eq(self.program[exact_log2(bus) :]),
                left.eq((bytes_ + bus - 1) >> exact_log2(bus)),
            ]
        return issue, size


class Assemble(wiring.Component):
    """Turns beats into 64-byte commands: several beats to a command, or several commands to one.

    One command per cycle where a beat is a command or more; otherwise one per
    COMMAND_BYTES / bus_bytes + 1 cycles.
    """

    GROUP = 4

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "beats": In(stream.Signature(8 * params.bus_bytes)),
                "commands": Out(stream.Signature(COMMAND_BITS)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        if self._params.bus_bytes >= COMMAND_BYTES:
            self._cut(m, self._params.bus_bytes // COMMAND_BYTES)
        else:
            self._join(m, COMMAND_BYTES // self._params.bus_bytes)
        return m

    def _cut(self, m, pieces):
        """Offer each of a beat's commands in turn."""
        beats, commands = self.beats, self.commands
        piece = Signal(range(pieces))
        m.d.comb += [
            commands.payload.eq(beats.payload.word_select(piece, COMMAND_BITS)),
            commands.valid.eq(beats.valid),
            beats.ready.eq(commands.ready & (piece == pieces - 1)),
        ]
        with m.If(commands.valid & commands.ready):
            m.d.sync += piece.eq(piece + 1)

    def _join(self, m, pieces):
        """Collect beats until there are as many as a command has."""
        beats, commands = self.beats, self.commands
        filled = Signal(range(pieces + 1))
        m.d.comb += [commands.valid.eq(filled == pieces), beats.ready.eq(~commands.valid)]
        with m.If(commands.valid & commands.ready):
            m.d.sync += filled.eq(0)
        with m.Elif(beats.valid & beats.ready):
            m.d.sync += filled.eq(filled + 1)
        # A beat goes to one piece of every GROUP, where those before it move down: it comes from
        # far, out of a block RAM.  One group of all pieces would have an enable of 512 flip-flops.
        group, width = min(self.GROUP, pieces), len(beats.payload)
        for first in range(0, pieces, group):
            words = commands.payload[first * width :][: group * width]
            with m.If(beats.valid & (filled >= first) & (filled < first + group)):
                m.d.sync += words.eq(Cat(words[width:], beats.payload))


class Fetch(wiring.Component):
    """Prefetches, checks and dispatches a program's commands in order.

    Parameters:
        params: the machine.

    Members:
        start: strobe, once after each reset; samples ``program`` and ``commands``.
        program: byte address of the first command.  commands: how many there are.
        client: to the read master.
        load, weights, exec, post: the engines' command queues, queue_depth deep.
        wload, wparam, window: those of the window unit, if there is one.
        dispatched: strobe per queue that a command entered it.
        pending: level per queue that it holds a command.
        finished: every command has been dispatched; low from reset to start and after an error.
        error: strobe, with ``code`` and ``where``: the index of the refused command.  Nothing is
            dispatched from then on.  An unaligned ``program`` or 2**DONE_BITS commands or
            more (the done counters could not count them) are refused as command 0.
        halt: dispatch nothing and ask for nothing more; a level until the next reset.
        checksum: of all words dispatched; only with checksums.

    Throughput: a command every CHECK_LATENCY + 2 cycles (see accel.rtl.control.check) and a cycle
    for each word that its queue stores, or what the bus brings.
    Back-pressure: a command whose queue is full waits, and all behind it wait with it.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "start": In(1),
                "program": In(params.addr_bits),
                "commands": In(32),
                "client": Out(read_client(params)),
                **queue_outputs(params),
                "dispatched": Out(Engines),
                "pending": Out(Engines),
                "finished": Out(1),
                "error": Out(1),
                "code": Out(ERROR_BITS),
                "where": Out(32),
                "halt": In(1),
            }
            | ({"checksum": Out(sum_bits(WORDS))} if params.checksum else {})
        )

    def elaborate(self, platform):
        top, m = Module(), Module()
        params = self._params
        m.submodules.prefetch = prefetch = Prefetch(params)
        m.submodules.assemble = assemble = Assemble(params)
        m.submodules.check = check = CommandCheck(params)
        m.submodules.dispatch = dispatch = Dispatch(params)
        connect(m, prefetch.client, flipped(self.client))
        connect(m, prefetch.beats, assemble.beats)
        connect(m, assemble.commands, check.commands)
        connect(m, check.checked, dispatch.checked)
        for name in command_queues(params):
            connect(m, getattr(dispatch, name), flipped(getattr(self, name)))
        if params.checksum:
            m.d.comb += self.checksum.eq(dispatch.checksum)
        running = self._progress(m, check.checked, dispatch)
        m.d.comb += [
            prefetch.start.eq(self.start),  # of one that is unusable it asks for nothing
            prefetch.program.eq(self.program),
            prefetch.commands.eq(self.commands[:DONE_BITS]),
            prefetch.halt.eq(self.halt | ~running),
            dispatch.halt.eq(self.halt),
            self.dispatched.eq(dispatch.dispatched),
            self.pending.eq(dispatch.pending),
        ]
        asks = self.client.request.valid | self.client.valid
        beat = prefetch.beats.valid & prefetch.beats.ready
        taken = check.commands.valid & check.commands.ready
        moves = self.start | asks | beat | taken | dispatch.moves
        add_resting(top, platform, moves, SETTLE, fetcher=m)
        return top

    def _unusable(self):
        """Whether the program cannot be begun."""
        unaligned = self.program[: exact_log2(self._params.bus_bytes)].any()
        return unaligned | self.commands[DONE_BITS:].any()

    def _progress(self, m, checked, dispatch):
        """Count the commands to the last one or to the first refused; returns whether it runs."""
        running, index, left = Signal(), Signal(DONE_BITS), Signal(DONE_BITS)
        wanted = Signal()  # it runs, and there is a command left
        offered, sound = Signal(), checked.p.error == Error.NONE
        m.d.comb += [
            # Behind the last command of a wide beat may lie rubbish, which is not looked at.
            offered.eq(checked.valid & wanted & ~self.halt),
            dispatch.accepted.eq(offered & sound),
            self.finished.eq(running & (left == 0)),
        ]
        m.d.sync += self.error.eq(0)
        with m.If(dispatch.counted):
            m.d.sync += [index.eq(index + 1), left.eq(left - 1), wanted.eq(wanted & (left != 1))]
        with m.If(running):  # the values of the last such cycle stay
            m.d.sync += [self.code.eq(checked.p.error), self.where.eq(index)]
        with m.If(offered & ~sound):
            m.d.sync += [running.eq(0), wanted.eq(0), self.error.eq(1)]
        with m.If(self.start):
            m.d.sync += [
                running.eq(~self._unusable()),
                wanted.eq(~self._unusable() & self.commands[:DONE_BITS].any()),
                left.eq(self.commands[:DONE_BITS]),
                self.error.eq(self._unusable()),
                self.code.eq(Error.ILLEGAL_FIELD),
            ]
        return running
