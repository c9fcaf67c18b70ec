"""Blocks whose clock stands still while they have nothing to do."""

from amaranth import ClockDomain, ClockSignal, DomainRenamer, Instance, Module, ResetSignal, Signal

#: Domain of the blocks that rest.
RESTING = "resting"
#: The clock gate that a platform with ``ClockGates`` has: ``clk``, ``enable`` (sampled at clk's
#: falling edge) and ``gated``.
CLOCK_GATE = "clock_gate"


class ClockGates:
    """A platform, as ``elaborate`` is given one, with modules CLOCK_GATE."""


def add_resting(m: Module, platform, busy, settle: int, add=None, **blocks) -> None:
    """Make ``blocks`` submodules of ``m`` that rest if neither ``busy`` nor lately so.

    In cycles without ``busy``, and ``settle`` cycles after the last with it, a block's registers
    must all keep their values, or change in no way that matters.  So it makes no difference
    whether their clock runs then, and it does unless the platform has clock gates: an FPGA has few,
    and distributing an enable would cost more than it saves.  A reset counts as busy.

    Args:
        m: gets the submodules, and the domain RESTING if there are clock gates.
        platform: what ``elaborate`` was given.
        busy: one bit; must not depend on the machine's inputs but through registers.
        settle: cycles.
        add: makes a block (the second argument) the submodule of a name (the first); by default
            without any further ado.
        blocks: submodules by name.
    """
    if isinstance(platform, ClockGates):
        domain = ClockDomain(RESTING, local=True)
        m.domains += domain
        left = Signal(range(settle + 1), init=settle)
        with m.If(busy):
            m.d.sync += left.eq(settle)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        m.d.comb += domain.rst.eq(ResetSignal())
        m.submodules.clock_gate = Instance(
            CLOCK_GATE,
            i_clk=ClockSignal(),
            i_enable=busy | (left != 0) | ResetSignal(),
            o_gated=domain.clk,
        )
        blocks = {name: DomainRenamer(RESTING)(block) for name, block in blocks.items()}
    for name, block in blocks.items():
        (add or m.submodules.__setitem__)(name, block)
