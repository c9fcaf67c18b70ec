"""Sends checked commands to the engines' queues, and holds the queues."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from accel.isa import COMMAND_BITS, FIELDS, Op
from accel.params import Params
from accel.rtl.control.check import checked_layout
from accel.rtl.control.command_queue import WORD_BITS, CommandQueue, words_of
from accel.rtl.control.rules import OPCODE_BITS, fields_of
from accel.rtl.interfaces import command_layout
from accel.rtl.parts.checksum import Checksum, sum_bits

#: 32-bit words of one that travels to the queues.
WORDS = WORD_BITS // 32
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


def queue_outputs(params: Params) -> dict:
    """The members of a component that has all queues' outputs."""
    return {
        name: Out(stream.Signature(queue_layout(ops)))
        for name, ops in command_queues(params).items()
    }


def queue_bits(ops) -> int:
    """Width of a queue for ``ops``: the longest of their commands, from the opcode on."""
    return max(field.low + field.width for op in ops for field in FIELDS[op])


class Dispatch(wiring.Component):
    """Writes each accepted command to the queue of its engine, a word a cycle.

    Parameters:
        params: the machine.

    Members:
        checked: commands with their verdicts, each offered until its last word is written.
        accepted: level: the one that is offered is to be sent.
        load, weights, exec, post: the engines' command queues, queue_depth deep.
        wload, wparam, window: those of the window unit, if there is one.
        dispatched: strobe per queue that a command entered it.
        pending: level per queue that it holds a command.
        counted: strobe: a command entered its queue in the cycle before.
        moves: a command is on its way, or moves from a queue's memory to its output, or leaves.
        halt: write nothing.
        checksum: of all words written (accel.rtl.parts.checksum); only with checksums.

    Back-pressure: a command whose queue is full waits, and all behind it wait with it.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "checked": In(stream.Signature(checked_layout)),
                "accepted": In(1),
                **queue_outputs(params),
                "dispatched": Out(Engines),
                "pending": Out(Engines),
                "counted": Out(1),
                "moves": Out(1),
                "halt": In(1),
                **({"checksum": Out(sum_bits(WORDS))} if params.checksum else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        begins, sending, entered = Signal(Engines), Signal(), self.checked.ready
        following, word = self._next_word(m, self.checked.p.command, sending)
        queues = self._queues(m)
        last = self._route(m, queues, begins, sending, following, word)
        moving = [Mux(queue.output.valid, queue.output.ready, queue.pending)
                  for queue, _ in queues.values()]  # fmt: skip
        m.d.comb += [
            entered.eq(sending & last & ~self.halt),
            self.moves.eq(Cat(sending, *moving).any()),
        ]
        if self._params.checksum:
            m.submodules.checksum = checksum = Checksum(WORDS)
            m.d.comb += [
                checksum.valid.eq(Cat(queue.write for queue, _ in queues.values()).any()),
                checksum.data.eq(word),
                self.checksum.eq(checksum.sum),
            ]
        m.d.sync += [
            sending.eq(begins.as_value().any() | (sending & ~entered)),
            self.counted.eq(entered),
        ]
        return m

    def _route(self, m, queues, begins, sending, following, word):
        """Write the words to the command's queue; returns a register: the word is the last one.

        Which queue that is is registered, and so is that it has got there: nothing is offered for
        some cycles after that.  A halted command's words are counted on, but not written.
        """
        route, verdict, last, lasts = Signal(Engines), self.checked.p, Signal(), []
        for name, (queue, ops) in queues.items():
            mine = Signal(name=f"for_{name}")
            words = words_of(queue_bits(ops))
            assert words > 1  # the first word is no last one: `last` looks a cycle ahead
            lasts.append(route[name] & (following == words - 1))
            m.d.comb += [
                mine.eq(Cat(verdict.kind[op] for op in ops).any()),
                begins[name].eq(self.accepted & mine & queue.free & ~sending),
                queue.word.eq(word),
                queue.write.eq(route[name] & ~self.halt),
                queue.entered.eq(self.dispatched[name]),
                self.dispatched[name].eq(queue.write & last),
                self.pending[name].eq(queue.pending),
            ]
            m.d.sync += route[name].eq(begins[name] | (route[name] & ~self.dispatched[name]))
        m.d.sync += last.eq(Cat(lasts).any())
        return last

    def _next_word(self, m, command, sending):
        """The word that is sent, looked for a cycle ahead, and the number of the one behind it."""
        following = Signal(range(words_of(COMMAND_BITS)), init=1)
        word = Signal(WORD_BITS, reset_less=True)
        m.d.sync += word.eq(
            Mux(sending, command.word_select(following, WORD_BITS), command[:WORD_BITS])
        )
        with m.If(self.checked.ready):
            m.d.sync += following.eq(1)
        with m.Elif(sending):
            m.d.sync += following.eq((following + 1)[: len(following)])
        return following, word

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
