"""An engine's command queue: filled a word at a time, read a command at a time."""

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from accel.rtl.parts.parity import Guards, with_parity
from accel.rtl.parts.queue import RamQueue

#: Commands travel from the fetcher to their queues in words of this many bits, low word first: the
#: way is long, and a whole command is up to 512 wires and as many memory cells' write enables.
WORD_BITS = 64


def words_of(bits: int) -> int:
    """Words that carry ``bits`` bits."""
    return -(-bits // WORD_BITS)


class CommandQueue(wiring.Component):
    """Holds commands in block RAM, and the oldest one in a register of its own.

    With Guards (accel.rtl.parts.parity) that register has parity, too: a command waits there, and
    engines read it while they work.

    Parameters:
        bits: width of a command.
        depth: commands it holds; a power of two.

    Members:
        word, write: a command's ``words_of(bits)`` words, one in every cycle with ``write``.
        entered: strobe, with a command's last word.  A command may be begun only while ``free``;
            the answer to ``entered`` is there two cycles later.
        free: it has room for a command.
        pending: it holds a command.
        output: the commands, in order.

    Latency: ``words_of(bits) + RamQueue.LATENCY + 1`` cycles from the first word to the output.
    """

    def __init__(self, bits: int, depth: int):
        if not isinstance(bits, int) or bits < 1:
            raise ValueError(f"bits must be an integer of at least 1, not {bits!r}")
        if not isinstance(depth, int) or depth < 1 or depth & (depth - 1):
            raise ValueError(f"depth must be a power of two, not {depth!r}")
        self._bits, self._words, self._depth = bits, words_of(bits), depth
        super().__init__(
            {
                "word": In(WORD_BITS),
                "write": In(1),
                "entered": In(1),
                "free": Out(1, init=1),
                "pending": Out(1),
                "output": Out(stream.Signature(bits)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        guarded = isinstance(platform, Guards)
        width = WORD_BITS + guarded
        # At least a command more than `depth` fits, with what is on its way to the register.
        m.submodules.words = words = RamQueue(
            width, max(4, 1 << ceil_log2(self._words * self._depth))
        )
        word = Signal(width, reset_less=True)
        given = with_parity(self.word, WORD_BITS) if guarded else self.word
        m.d.sync += [word.eq(given), words.input.valid.eq(self.write)]
        m.d.comb += words.input.payload.eq(word)

        taken = Signal()
        held = Signal(range(self._depth + 1))
        m.d.sync += [
            taken.eq(self.output.valid & self.output.ready),
            held.eq((held + self.entered - taken)[: len(held)]),
            self.free.eq(held != self._depth),
        ]
        m.d.comb += self.pending.eq(held != 0)
        offered = self._offer(m, words, width)
        if guarded:
            platform.check(m, offered, self.output.valid)
        return m

    def _offer(self, m, words, width):
        """Collect the oldest command's words in the output's register; returns what it has of each.

        They are shifted in: none has an address, and one enable serves the whole register.
        """
        command = Signal(self._words * width, reset_less=True)
        parts = [command[n : n + width] for n in range(0, len(command), width)]
        whole = Cat(part[:WORD_BITS] for part in parts) if width > WORD_BITS else command
        left = Signal(range(self._words), init=self._words - 1)
        m.d.comb += [
            self.output.payload.eq(whole[: self._bits]),
            words.output.ready.eq(~self.output.valid),
        ]
        with m.If(self.output.ready):
            m.d.sync += self.output.valid.eq(0)
        with m.If(words.output.valid & ~self.output.valid):
            m.d.sync += [
                command.eq(Cat(command, words.output.payload)[width:]),
                left.eq((left - 1)[: len(left)]),
            ]
            with m.If(left == 0):
                m.d.sync += [left.eq(self._words - 1), self.output.valid.eq(1)]
        return parts
