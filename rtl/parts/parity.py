"""Parity on memories: a bit more for each part of a word, and a flag that stops the machine.

A memory's block says when a word that it reads matters; what was never written, or is overwritten
before it is used, may be anything.  Who wants parity elaborates the blocks with ``Guards`` as their
platform, and finds in it a flag for each memory.  With any other platform nothing of this is built.
"""

from amaranth import Cat, Module, Signal, Value
from amaranth.hdl import Shape
from amaranth.lib.memory import Memory, ReadPort

from accel.rtl.parts.rest import ClockGates

#: Bits whose parity is found in one go, between two registers.
CHUNK = 16
#: Flags that become one between two registers.
FLAGS = 16


class Guards:
    """A platform, as ``elaborate`` is given one, in which watched memories have parity.

    Attributes:
        flags: one bit for each memory, in the domain of its block: a word that mattered was wrong,
            some cycles ago or any time before, since the block's reset.
    """

    def __init__(self):
        self.flags: list[Signal] = []
        self._watched: list[tuple[ReadPort, Value]] = []

    def watch(self, port: ReadPort, when) -> None:
        """Check what ``port`` reads, in cycles with ``when``: a bit, or one for each part.

        A part is what a write can change alone.
        """
        self._watched.append((port, Value.cast(when)))

    def get_memory(self, memory: Memory):
        """Elaborate a memory: Amaranth asks its platform to."""
        watched = [(port, when) for port, when in self._watched if port.memory is memory]
        if not watched:
            return memory.elaborate(None)
        m = Module()
        (write,) = memory.write_ports
        width = Shape.cast(memory.shape).width
        part = write.signature.granularity or width
        wide = width // part * (part + 1)
        assert not any(port.transparent_for for port in memory.read_ports), "not known here"
        m.submodules.words = words = Memory(
            shape=wide, depth=memory.depth, init=[], attrs=memory.attrs
        )
        writer = words.write_port(domain=write.domain, granularity=part + 1)
        m.d.comb += [
            writer.addr.eq(write.addr),
            writer.en.eq(write.en),
            writer.data.eq(with_parity(write.data, part)),
        ]
        for port in memory.read_ports:
            reader = words.read_port(domain=port.domain)
            found = [reader.data[n : n + part + 1] for n in range(0, wide, part + 1)]
            m.d.comb += [
                reader.addr.eq(port.addr), Value.cast(port.data).eq(Cat(one[:-1] for one in found))
            ]  # fmt: skip
            if port.domain != "comb":
                m.d.comb += reader.en.eq(port.en)
            for when in (when for one, when in watched if one is port):
                self.check(m, found, when)
        return m

    def check(self, m: Module, parts, when) -> None:
        """Raise a flag if one of ``parts``, each with its parity, is wrong while ``when``.

        The parities of CHUNK bits each are registered: memories answer late.
        """
        when = Value.cast(when)
        when = when.replicate(len(parts) // len(when))
        matters, flag = Signal(len(parts), name="matters"), Signal(name="wrong_parity")
        m.d.sync += matters.eq(when)
        wrong = []
        for number, part in enumerate(parts):
            chunks = [part[n : n + CHUNK].xor() for n in range(0, len(part), CHUNK)]
            odd = Signal(len(chunks), name=f"odd_{number}")
            m.d.sync += odd.eq(Cat(chunks))
            wrong.append(odd.xor() & matters[number])
        with m.If(Cat(wrong).any()):
            m.d.sync += flag.eq(1)
        self.flags.append(flag)


class GatedGuards(Guards, ClockGates):
    """Guards on a platform with clock gates."""


def guards(platform) -> Guards:
    """Guards for what is elaborated on ``platform``."""
    return GatedGuards() if isinstance(platform, ClockGates) else Guards()


def watch(platform, port: ReadPort, when) -> None:
    """See :meth:`Guards.watch`; nothing on a platform without guards."""
    if isinstance(platform, Guards):
        platform.watch(port, when)


def with_parity(value, part: int) -> Value:
    """A value's parts of ``part`` bits, each with a bit behind it that makes its ones even."""
    value = Value.cast(value)
    parts = [value[n : n + part] for n in range(0, len(value), part)]
    return Cat(bits for one in parts for bits in (one, one.xor()))


def collected(m: Module, flags: list[Signal]) -> Signal:
    """Whether any of the flags is up, some cycles later: they come from all over the chip."""
    while len(flags) > 1:
        groups, flags = [flags[n : n + FLAGS] for n in range(0, len(flags), FLAGS)], []
        for group in groups:
            flags.append(Signal(name="any_wrong"))
            m.d.sync += flags[-1].eq(Cat(group).any())
    return flags[0]
