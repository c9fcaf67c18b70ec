"""Proofs of the done counters, of the end of a program, and of the gate that waits for both."""

from amaranth import Cat, Module, Signal
from amaranth.hdl import Assume, Cover

from accel.isa import Op
from accel.params import DONE_BITS, Params
from accel.rtl.interfaces import Done
from tests.formal.follow import stays
from tests.formal.inside import Inside
from tests.formal.prove import claim, free, implies

#: A machine with all engines.
MACHINE = Params(rows=4, cols=4)


def scoreboard(component) -> Module:
    """Each counter is the number of its engine's completed commands, and grows one by one at most.

    An engine completes only what it was given.  ``finished`` comes only when nothing that was
    dispatched is incomplete, and stays, if dispatching has ended for good and engines without
    commands neither begin a bus transaction nor stop being idle.
    """
    m = Module()
    dut = component(MACHINE)
    inside = Inside.of(m, "dut", dut)
    names = list(inside.signal("open_"))
    dispatched, completed, idle = (
        free(m, len(names), name) for name in ("dispatched", "completed", "idle")
    )
    over, bus = free(m, 1, "over"), free(m, 2, "bus")
    for n, name in enumerate(names):
        m.d.comb += [
            dut.dispatched[name].eq(dispatched[n]),
            dut.completed[name].eq(completed[n]),
            dut.idle[name].eq(idle[n]),
        ]
    m.d.comb += [
        dut.dispatch_finished.eq(over),
        Cat(dut.outstanding_read, dut.outstanding_write).eq(bus),
        dut.exec_pending.eq(free(m, 1, "exec_pending")),
        dut.activity.as_value().eq(free(m, len(dut.activity.as_value()), "activity")),
    ]
    given, was_over, still = [], Signal(), Signal()
    for n, name in enumerate(names):
        given.append(_engine(m, dut, inside, name, dispatched[n], completed[n]))
    quiet = Signal()
    m.d.comb += quiet.eq(over & idle.all() & ~Cat(given).any() & ~bus.any())
    m.d.sync += [was_over.eq(over), still.eq(quiet)]
    m.d.comb += [
        # accel.rtl.control.fetch says so two cycles after the last command went into its queue.
        Assume(implies(over, ~dispatched.any())),
        Assume(implies(was_over, over)),
        Assume(implies(still, idle.all() & ~bus.any())),
    ]
    _finished(m, dut, inside, quiet, still)
    return m


def _engine(m, dut, inside, name, dispatched, completed):
    """Claim that the scoreboard counts as we do, a cycle later; return the commands inside."""
    given, total = Signal(DONE_BITS, name=f"given_{name}"), Signal(DONE_BITS, name=f"total_{name}")
    seen = inside.signal("seen")
    m.d.sync += [given.eq(given + dispatched - completed), total.eq(total + completed)]
    # The queues hold a few commands; and what was not given cannot be completed.
    m.d.comb += [
        Assume(implies(completed, given != 0)),
        Assume(implies(given == (1 << DONE_BITS) - 1, ~dispatched)),
    ]
    on_its_way = seen["completed"][name]
    open_ = inside.signal("open_")[name]
    claim(m, open_ + seen["dispatched"][name] - on_its_way == given)
    if name in Done.members:
        done = dut.done[name]
        before = Signal.like(done, name=f"done_{name}_before")
        grew = Signal(DONE_BITS, name=f"grew_{name}")
        m.d.sync += before.eq(done)
        m.d.comb += grew.eq(done - before)
        claim(m, (done + on_its_way)[:DONE_BITS] == total, grew <= 1)
    return given


def _finished(m, dut, inside, quiet, still):
    """``finished`` tells of two cycles ago, and stays."""
    before, earlier = Signal(), Signal()
    m.d.sync += [before.eq(dut.finished), earlier.eq(still)]
    claim(m, implies(dut.finished, earlier), implies(before, dut.finished))
    m.d.comb += Cover(dut.finished & (dut.done.load == 2))


def command_gate(component, op: Op = Op.EXEC) -> Module:
    """A command passes only when all that it waits for is done; once, and then without delay.

    The queue holds a command while it is offered; done counters only grow (scoreboard).
    """
    m = Module()
    m.submodules.dut = dut = component(op)
    bits = dut.input.payload.as_value()
    done = Signal(Done)
    m.d.comb += [
        dut.input.valid.eq(free(m, 1, "offer")),
        bits.eq(free(m, len(bits), "command")),
        dut.output.ready.eq(free(m, 1, "take")),
        dut.done.as_value().eq(free(m, len(done.as_value()), "done")),
    ]
    stays(m, dut.input.valid, dut.input.ready, bits, "input", assume=True)
    stays(m, dut.output.valid, dut.output.ready, dut.output.payload, "output")
    before = Signal(Done)
    m.d.sync += before.eq(dut.done)
    met, command = Signal(), dut.input.p
    waits = [name for name in command.shape().members if name.startswith("wait_")]
    m.d.comb += [
        met.eq(Cat(dut.done[w.removeprefix("wait_")] >= command[w] for w in waits).all()),
        *(Assume(dut.done[name] >= before[name]) for name in Done.members),
    ]
    could, waited = Signal(), Signal()
    taken = dut.output.valid & dut.output.ready
    m.d.comb += could.eq(dut.input.valid & met)
    m.d.sync += waited.eq(could & ~taken)
    claim(
        m,
        implies(dut.output.valid, could & (dut.output.payload.as_value() == bits)),
        implies(waited, dut.output.valid),
        (dut.input.valid & dut.input.ready) == taken,
        dut.held == dut.input.valid,
    )
    m.d.comb += Cover(taken & (command[waits[0]] != 0))
    return m


def budget(component) -> Module:
    """It strobes in the ``limit``-th cycle behind a start, unless the run has ended, and only then.

    ``limit`` is that of the start, and the same in the cycle before.
    """
    m = Module()
    dut = component()
    inside = Inside.of(m, "dut", dut)
    start, ended, limit = (free(m, bits, name) for bits, name in
                           ((1, "start"), (1, "ended"), (len(dut.limit), "limit")))  # fmt: skip
    m.d.comb += [dut.start.eq(start), dut.ended.eq(ended), dut.limit.eq(limit)]
    before, kept = Signal.like(limit), Signal.like(limit)
    since, runs = Signal(len(limit) + 1), Signal()
    m.d.sync += before.eq(limit)
    m.d.comb += Assume(implies(start, limit == before))
    with m.If(start):
        m.d.sync += [since.eq(1), kept.eq(limit), runs.eq(limit != 0)]
    with m.Elif(runs):
        m.d.sync += since.eq(since + 1)
        with m.If(ended | (since == kept)):
            m.d.sync += runs.eq(0)
    left, armed = inside.signal("left"), inside.signal("armed")
    claim(
        m, dut.expired == (runs & (since == kept)), armed == runs,
        inside.signal("limited") == (before != 0), inside.signal("one") == (before == 1),
        implies(runs, (left + since == kept + 1) & (since != 0) & (since <= kept)),
        implies(runs, inside.signal("last") == (left == 1)),
    )  # fmt: skip
    m.d.comb += Cover(dut.expired & (kept == 3))
    return m
