"""Blocks whose clock stands still while they have nothing to do."""

from amaranth import ClockDomain, ClockSignal, DomainRenamer, Instance, Module, ResetSignal, Signal

#: Domains of the blocks that rest: of most; and of what is in a load engine, since the window unit
#: around one rests, too.
RESTING, LOADING = DOMAINS = ("resting", "loading")
#: The clock gate that a platform with ``ClockGates`` has: ``gated`` is ``clk`` in cycles that end
#: with ``enable``, else low.
CLOCK_GATE = "clock_gate"
#: Cycles in which a block finds out that what it was waiting for has come.
LOOK = 4


class ClockGates:
    """A platform, as ``elaborate`` is given one, with modules CLOCK_GATE."""


def add_resting(
    m: Module, platform, busy, settle: int, chain=None, domain: str = RESTING, watched=None,
    **blocks,
) -> None:
    """Make ``blocks`` submodules of ``m`` that rest if neither ``busy`` nor lately so.

    In cycles without ``busy``, and ``settle`` cycles after the last with it, a block's registers
    must all keep their values, or change in no way that matters.  So it makes no difference
    whether their clock runs then, and it does unless the platform has clock gates: an FPGA has few,
    and distributing an enable would cost more than it saves.  A reset counts as busy; one that
    ResetInserter adds, from its second cycle on.

    Args:
        m: gets the submodules; if there are clock gates, inside of a submodule ``resting``.
        platform: what ``elaborate`` was given.
        busy: one bit.
        settle: cycles.
        chain: the ResetChain (accel.rtl.parts.reset) that resets the blocks, if they have one of
            their own.
        domain: theirs, one of DOMAINS; not that of blocks around them that rest.
        watched: what may make a block busy, if any: bits that it sees and that are not its own.
            Whenever they change, the blocks wake for LOOK cycles.
        blocks: submodules by name.
    """
    assert domain in DOMAINS, f"accel.rtl.parts.reset would not reset {domain}"
    if isinstance(platform, ClockGates):
        m.submodules.resting = m = _gated(busy, settle, domain, watched)
        blocks = {name: DomainRenamer(domain)(block) for name, block in blocks.items()}
    for name, block in blocks.items():
        if chain:
            chain.add(name, block, m)
        else:
            m.submodules[name] = block


def _gated(busy, settle: int, name: str, watched) -> Module:
    """A module with the domain ``name``, local to it, whose clock is gated."""
    inner, domain = Module(), ClockDomain(name, local=True)
    inner.domains += domain
    left, awake, changed = Signal(range(settle + 1), init=settle), Signal(), Signal()
    with inner.If(busy):
        inner.d.sync += left.eq(settle)
    with inner.Elif(changed & (left < LOOK)):
        inner.d.sync += left.eq(LOOK)
    with inner.Elif(left != 0):
        inner.d.sync += left.eq(left - 1)
    if watched is not None:
        seen = Signal(len(watched), reset_less=True)
        inner.d.sync += seen.eq(watched)
        inner.d.comb += changed.eq(watched != seen)
    inner.d.comb += [
        awake.eq(busy | changed | (left != 0) | ResetSignal()),
        domain.rst.eq(ResetSignal()),
    ]
    inner.submodules.clock_gate = Instance(
        CLOCK_GATE, i_clk=ClockSignal(), i_enable=awake, o_gated=domain.clk
    )
    return inner
