"""Reads the program from memory, has each command checked and hands it to its engine's queue."""

from amaranth import C, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from accel.isa import COMMAND_BITS, COMMAND_BYTES, FIELDS, Error, Op
from accel.params import DONE_BITS, MAX_BURST, Params
from rtl.check import (
    CHECK_LATENCY,
    ERROR_BITS,
    OPCODE_BITS,
    POOL_LATENCY,
    CommandCheck,
    fields_of,
)
from rtl.command_queue import WORD_BITS, CommandQueue, words_of
from rtl.interfaces import command_layout, read_client
from rtl.rest import add_resting

#: Commands that the prefetch buffer holds, and that one burst brings at most.
PREFETCH = 8
BURST_COMMANDS = 4
#: Cycles in which everything comes to rest after a command has moved on.
SETTLE = CHECK_LATENCY + POOL_LATENCY + 2

#: What the post engine's queue holds: a POST, TABLE or ACTIVATION command without its opcode.
post_queue_layout = data.StructLayout(
    {"table": 1, "activation": 1, "bits": COMMAND_BITS - OPCODE_BITS}
)

#: Which opcodes go to which engine's queue.
_ARRAY_QUEUES = {
    "load": (Op.LOAD,),
    "weights": (Op.WEIGHTS,),
    "exec": (Op.EXEC,),
    "post": (Op.POST, Op.TABLE, Op.ACTIVATION),
}
_WINDOW_QUEUES = {"wload": (Op.WLOAD,), "wparam": (Op.WPARAM,), "window": (Op.WINDOW,)}

#: One bit for each engine's command queue; a machine without a window unit leaves its bits at 0.
Engines = data.StructLayout(dict.fromkeys((*_ARRAY_QUEUES, *_WINDOW_QUEUES), 1))


def command_queues(params: Params) -> dict[str, tuple[Op, ...]]:
    """The machine's engines, and the opcodes that go to each one's queue."""
    return _ARRAY_QUEUES | (_WINDOW_QUEUES if params.window_taps else {})


def queue_layout(ops: tuple[Op, ...]) -> data.StructLayout:
    """What a queue for ``ops`` holds: the command's fields if there is but one."""
    return command_layout(ops[0]) if len(ops) == 1 else post_queue_layout


def queue_bits(ops) -> int:
    """Width of a queue for ``ops``: the longest of their commands, from the opcode on."""
    return max(field.low + field.width for op in ops for field in FIELDS[op])


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
        burst = min(MAX_BURST, BURST_COMMANDS * COMMAND_BYTES // bus)

        m.submodules.buffer = buffer = SyncFIFOBuffered(width=8 * bus, depth=depth)
        m.d.comb += [
            buffer.w_data.eq(self.client.data),
            buffer.w_en.eq(self.client.valid),
            self.beats.payload.eq(buffer.r_data),
            self.beats.valid.eq(buffer.r_rdy),
            buffer.r_en.eq(self.beats.ready),
        ]

        # Bursts end at multiples of `burst` beats, so they never cross one of MAX_BURST beats.
        beat = Signal(self._params.addr_bits - exact_log2(bus))
        left = Signal(DONE_BITS + exact_log2(COMMAND_BYTES))
        room = Signal(range(depth + 1), init=depth)
        size = Signal(range(burst + 1))
        request = self.client.request
        issue = Signal()
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
        taken = self.beats.valid & self.beats.ready
        m.d.sync += room.eq(room - Mux(issue, size, 0) + taken)
        with m.If(self.start):
            bytes_ = Cat(C(0, exact_log2(COMMAND_BYTES)), self.commands)
            m.d.sync += [
                beat.eq(self.program[exact_log2(bus) :]),
                left.eq((bytes_ + bus - 1) >> exact_log2(bus)),
            ]
        return m


class Assemble(wiring.Component):
    """Turns beats into 64-byte commands: several beats to a command, or several commands to one.

    One command per cycle where a beat is a command or more; otherwise one per
    COMMAND_BYTES / bus_bytes + 1 cycles.
    """

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
        beats, commands = self.beats, self.commands
        bus = self._params.bus_bytes
        if bus >= COMMAND_BYTES:
            pieces = bus // COMMAND_BYTES
            piece = Signal(range(pieces))
            m.d.comb += [
                commands.payload.eq(beats.payload.word_select(piece, COMMAND_BITS)),
                commands.valid.eq(beats.valid),
                beats.ready.eq(commands.ready & (piece == pieces - 1)),
            ]
            with m.If(commands.valid & commands.ready):
                m.d.sync += piece.eq(piece + 1)
        else:
            pieces = COMMAND_BYTES // bus
            filled = Signal(range(pieces + 1))
            m.d.comb += [
                commands.valid.eq(filled == pieces),
                beats.ready.eq(~commands.valid),
            ]
            with m.If(commands.valid & commands.ready):
                m.d.sync += filled.eq(0)
            with m.Elif(beats.valid & beats.ready):
                m.d.sync += filled.eq(filled + 1)
            # Each piece has an enable of its own: one for all would go to 512 flip-flops.
            for piece in range(pieces):
                with m.If(beats.valid & (filled == piece)):
                    m.d.sync += commands.payload.word_select(piece, 8 * bus).eq(beats.payload)
        return m


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
        halt: dispatch nothing and ask for nothing more.

    Throughput: a command every CHECK_LATENCY + 2 cycles (see rtl.check) and a cycle for each word
    that its queue stores, or what the bus brings.
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
                **{
                    name: Out(stream.Signature(queue_layout(ops)))
                    for name, ops in command_queues(params).items()
                },
                "dispatched": Out(Engines),
                "pending": Out(Engines),
                "finished": Out(1),
                "error": Out(1),
                "code": Out(ERROR_BITS),
                "where": Out(32),
                "halt": In(1),
            }
        )

    def elaborate(self, platform):
        top, m = Module(), Module()
        params = self._params
        m.submodules.prefetch = prefetch = Prefetch(params)
        m.submodules.assemble = assemble = Assemble(params)
        m.submodules.check = check = CommandCheck(params)
        connect(m, prefetch.client, flipped(self.client))
        connect(m, prefetch.beats, assemble.beats)
        connect(m, assemble.commands, check.commands)

        unusable = Signal()
        running = Signal()
        m.d.comb += [
            unusable.eq(
                self.program[: exact_log2(params.bus_bytes)].any()
                | self.commands[DONE_BITS:].any()
            ),
            prefetch.start.eq(self.start & ~unusable),
            prefetch.program.eq(self.program),
            prefetch.commands.eq(self.commands[:DONE_BITS]),
            prefetch.halt.eq(self.halt | ~running),
        ]

        index = Signal(DONE_BITS)
        left = Signal(DONE_BITS)
        verdict = check.checked.p
        # Behind the last command of a wide beat may lie rubbish, which is not looked at.
        offered = Signal()
        accepted = Signal()
        refused = Signal()
        m.d.comb += [
            offered.eq(check.checked.valid & running & (left != 0) & ~self.halt),
            accepted.eq(offered & (verdict.error == Error.NONE)),
            refused.eq(offered & (verdict.error != Error.NONE)),
            self.finished.eq(running & (left == 0)),
        ]

        sending, counted, queued = self._send(m, check.checked, accepted)

        m.d.sync += self.error.eq(0)
        with m.If(counted):
            m.d.sync += [index.eq(index + 1), left.eq(left - 1)]
        with m.If(running):  # the values of the last such cycle stay
            m.d.sync += [self.code.eq(verdict.error), self.where.eq(index)]
        with m.If(refused):
            m.d.sync += [running.eq(0), self.error.eq(1)]
        with m.If(self.start):
            m.d.sync += [
                running.eq(~unusable),
                left.eq(self.commands[:DONE_BITS]),
                self.error.eq(unusable),
                self.code.eq(Error.ILLEGAL_FIELD),
            ]
        asks = self.client.request.valid | self.client.valid
        beat = prefetch.beats.valid & prefetch.beats.ready
        taken = check.commands.valid & check.commands.ready
        moves = self.start | asks | beat | taken | sending | queued
        add_resting(top, platform, moves, SETTLE, dispatch=m)
        return top

    def _send(self, m, checked, accepted):
        """Send accepted commands to their queues, a word a cycle.

        Returns:
            Level: a command is being written.  Strobe: its last word was written in the cycle
            before.  Level: a command moves from a queue's memory to its output, or leaves it.
        """
        verdict = checked.p
        # Which queue that is is registered, and so is that it has got there: nothing is offered for
        # some cycles after that.
        route, begins, sending = Signal(Engines), Signal(Engines), Signal()
        sent = Signal(range(words_of(COMMAND_BITS)))
        # The word that goes next is looked for a cycle ahead, by `following` = `sent` + 1.
        following, word = Signal.like(sent, init=1), Signal(WORD_BITS, reset_less=True)
        found = verdict.command.word_select(following, WORD_BITS)
        m.d.sync += word.eq(Mux(sending, found, verdict.command[:WORD_BITS]))
        queues, moving = self._queues(m), []
        for name, (queue, ops) in queues.items():
            mine = Signal(name=f"for_{name}")
            m.d.comb += [
                mine.eq(Cat(verdict.kind[op] for op in ops).any()),
                queue.word.eq(word),
                queue.write.eq(route[name] & ~self.halt),
                queue.entered.eq(self.dispatched[name]),
                self.dispatched[name].eq(queue.write & (sent == words_of(queue_bits(ops)) - 1)),
                self.pending[name].eq(queue.pending),
            ]
            m.d.comb += begins[name].eq(accepted & mine & queue.free & ~sending)
            m.d.sync += route[name].eq(begins[name] | (route[name] & ~self.dispatched[name]))
            moving.append(Mux(queue.output.valid, queue.output.ready, queue.pending))
        # A halted command's words are counted on, but not written.
        entered, counted = Signal(), Signal()
        m.d.sync += sending.eq(begins.as_value().any() | (sending & ~entered))
        m.d.comb += [
            entered.eq(self.dispatched.as_value().any()),
            checked.ready.eq(entered),
        ]
        m.d.sync += counted.eq(entered)
        with m.If(entered):
            m.d.sync += [sent.eq(0), following.eq(1)]
        with m.Elif(sending):
            m.d.sync += [sent.eq(following), following.eq((following + 1)[: len(sent)])]
        return sending, counted, Cat(moving).any()

    def _queues(self, m):
        """Build the queues and connect their outputs; return each with the opcodes it takes."""
        queues = {}
        for name, ops in command_queues(self._params).items():
            queue = CommandQueue(queue_bits(ops), self._params.queue_depth)
            m.submodules[f"{name}_queue"] = queue
            command, out = queue.output.payload, getattr(self, name)
            if name == "post":
                opcode = command[:OPCODE_BITS]
                kinds = Cat(opcode == Op.TABLE, opcode == Op.ACTIVATION)
                m.d.comb += out.payload.eq(Cat(kinds, command[OPCODE_BITS:]))
            else:
                m.d.comb += out.payload.eq(fields_of(command, *ops))
            m.d.comb += [out.valid.eq(queue.output.valid), queue.output.ready.eq(out.ready)]
            queues[name] = queue, ops
        return queues
