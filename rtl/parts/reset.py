"""Distributes the core's reset and halt: a local register per block, not a net across the chip."""

from amaranth import Module, ResetInserter, Signal, Value
from amaranth.lib import wiring

from accel.rtl.parts.rest import DOMAINS, add_resting

#: Cycles the control holds the core's reset, and then waits before it starts a program: longer
#: than the chain of local registers, so that all blocks are in reset together for a while.
RESET_CYCLES = 32


def distribute(m: Module, platform, name: str, value, blocks: dict[str, wiring.Component]):
    """Give each block's input ``name`` a register of its own, fed by the one before.

    For what may come some cycles late and would otherwise be wires across the chip.  The registers
    rest once the value has stayed what it is for a cycle each.
    """
    chain, registers = Module(), []
    for owner, block in blocks.items():
        register = Signal.like(value, name=f"{name}_{owner}", reset_less=True)
        chain.d.sync += register.eq(registers[-1] if registers else value)
        m.d.comb += getattr(block, name).eq(register)
        registers.append(register)
    m.submodules[f"{name}_chain"] = shell = Module()
    # Seen by the first one: the last may have the value while others do not.
    changes = Value.cast(value) != Value.cast(registers[0])
    add_resting(shell, platform, changes, len(blocks), registers=chain)


class ResetChain:
    """Adds submodules to ``m`` that are reset one cycle after one another.

    A single reset register would drive thousands of flip-flops all over the chip, and its wires
    would limit the clock.  So there is a chain of registers, one for each block, and beside it a
    register for the block itself, which need not lie on the way to the next one.  No two of them
    are equal at all times, hence no synthesiser merges them: a block's reset begins with its
    register of the chain, and ends a cycle later.

    A block with an input ``reset`` gets its reset there, for a chain of its own inside.
    """

    def __init__(self, m: Module, reset: Signal):
        self._m, self._last, self._blocks = m, reset, 0

    def add(self, name: str, block: wiring.Component, into: Module | None = None):
        """Make ``block`` the submodule ``name`` of the module, or of another; return it."""
        self._blocks += 1
        assert self._blocks < RESET_CYCLES, "RESET_CYCLES must be longer than the chain"
        link = Signal(name=f"reset_chain_{name}", reset_less=True)
        local = Signal(name=f"reset_{name}", reset_less=True)
        self._m.d.sync += [link.eq(self._last), local.eq(self._last | link)]
        into = into or self._m
        if hasattr(block, "reset"):
            into.submodules[name] = block
            self._m.d.comb += block.reset.eq(local)
        else:
            domains = dict.fromkeys(("sync", *DOMAINS), local)
            into.submodules[name] = ResetInserter(domains)(block)
        self._last = link
        return block
