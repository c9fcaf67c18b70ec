"""The host's side: start and end of a run, errors, interrupt, watchdog, budget."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from accel.isa import Error
from accel.params import Params
from accel.rtl.control.check import ERROR_BITS
from accel.rtl.control.counters import record_layout
from accel.rtl.control.limits import Budget, Watchdog
from accel.rtl.control.registers import Registers, axi_lite
from accel.rtl.interfaces import base_bits
from accel.rtl.parts.reset import RESET_CYCLES


def core_port(params: Params) -> wiring.Signature:
    """What the control and the rest of the machine (the core) tell each other.

    From the control: ``start`` is a strobe that samples ``program`` and ``commands``; ``run`` is
    high while a program runs; ``halt`` tells everything to begin nothing new; ``base`` is added to
    all addresses.

    From the core: ``finished``: the program is over.  ``fetch_error``: strobe, the command of
    index ``fetch_where`` was refused for ``fetch_code``.  ``read_error``, ``write_error``:
    strobes, an AXI response was not OKAY.  ``outstanding``: a bus transaction is open.
    ``progress``: the machine moves.  ``record``: the counters.  ``wrong_parity``: a memory's word
    was wrong; only with parity.  ``wrong_checksum``: what came from memory does not sum up to
    ``checksum``, which is sampled at the end; only with checksums.
    """
    return wiring.Signature(
        {
            **({"wrong_parity": In(1)} if params.parity else {}),
            **({"checksum": Out(32), "wrong_checksum": In(1)} if params.checksum else {}),
            "start": Out(1),
            "program": Out(params.addr_bits),
            "commands": Out(32),
            "run": Out(1),
            "halt": Out(1),
            "base": Out(base_bits(params)),
            "finished": In(1),
            "fetch_error": In(1),
            "fetch_code": In(ERROR_BITS),
            "fetch_where": In(32),
            "read_error": In(1),
            "write_error": In(1),
            "outstanding": In(1),
            "progress": In(1),
            "record": In(record_layout),
        }
    )


class State(enum.Enum, shape=3):
    """Where the control is between two starts."""

    IDLE = 0
    AWAIT_BUS = 1
    RESET = 2
    START = 3
    RUN = 4
    DRAIN = 5


class Control(wiring.Component):
    """Starts a program, watches it to its end, and tells the host.

    A run: the host writes PROGRAM, COMMANDS and then CONTROL bit 0.  When no bus transaction of an
    earlier, failed run is open any more, ``reset`` clears the whole core for RESET_CYCLES, and
    RESET_CYCLES later (see accel.rtl.parts.reset) comes ``start``; then ``run`` is high until the
    program is finished or the first error, which is heard a cycle after it was told: it has come
    all across the chip.  Either ends ``run`` and raises ``irq``, which stays until CONTROL bit 1 is
    written or the next start.  Writing a start while busy does nothing.

    After an error ``halt`` stays high until the next start's reset: no engine begins anything
    new, and what is under way on the bus runs to its end.  Only the first error is kept; of several
    in one cycle the budget, then a memory's parity, a refused command, a read, a write error, the
    checksum, then the watchdog.

    The watchdog ends what stands still, the budget what goes on and on, as it may if a bit flips
    somewhere.  It counts the cycles from a start to the interrupt and ends the run in BUDGET
    whatever state this block is in, even none of its own.

    CONTROL bit 2 aborts a run: ``halt`` rises at once, and when no bus transaction is open any more
    the run ends in ABORTED.  Nothing is cut off, so the bus and the memory behind it need no reset,
    and the counters keep what they were.  Where the memory does not answer, the watchdog ends the
    abort, too, in TIMEOUT.  STATUS tells, also after an error, whether a transaction is still open:
    until then the memory may still be written.

    A start behind which the bus never falls silent ends in TIMEOUT like any other wait.  So does
    the next one, and each, until the memory answers or both sides are reset: AXI knows no way to
    take back what was asked.  One with a PROGRAM that is not aligned to the bus ends in
    UNALIGNED_PROGRAM before anything is fetched.

    Parameters:
        params: the machine.

    Members:
        bus: AXI4-Lite slave, see :class:`accel.rtl.control.registers.Registers`.
        core: see :func:`core_port`.
        reset: clears the core, before ``core.start``.
        irq: the interrupt, a level.

    Attributes:
        state: where it is between two starts.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "bus": In(axi_lite),
                "core": Out(core_port(params)),
                "reset": Out(1),
                "irq": Out(1),
            }
        )
        self.state = Signal(State)

    def elaborate(self, platform):
        m = Module()
        core = self.core
        m.submodules.registers = registers = Registers(self._params)
        m.submodules.watchdog = watchdog = Watchdog()
        m.submodules.budget = budget = Budget()
        connect(m, flipped(self.bus), registers.bus)

        busy, done = Signal(), Signal()
        code = Signal(Error)
        m.d.comb += [
            registers.record.eq(core.record),
            core.program.eq(registers.program),
            core.commands.eq(registers.commands),
            core.base.eq(registers.base),
            watchdog.progress.eq(core.progress),
            watchdog.limit.eq(registers.timeout),
            budget.limit.eq(registers.budget),
            budget.ended.eq(self.irq),
        ]
        if self._params.checksum:
            m.d.comb += core.checksum.eq(registers.checksum)
        running, may_open = self._run(m, registers, watchdog, budget, done, code)
        still = core.outstanding | may_open
        m.d.comb += [
            busy.eq(running),
            registers.busy.eq(busy),
            registers.status.eq(Cat(busy, done, code != Error.NONE, still, Const(0, 4), code)),
        ]
        return m

    def _run(self, m, registers, watchdog, budget, done, code):
        """From start to interrupt; returns whether the machine is between the two.

        Also whether it may yet open a bus transaction that ``core.outstanding`` does not tell of.
        """
        core = self.core
        failed, failure, failing = self._failure(m, watchdog.expired)
        m.d.comb += registers.where.eq(self._where(m, registers.start, failed))
        bus_bits = exact_log2(self._params.bus_bytes)
        with m.If(registers.clear):
            m.d.sync += self.irq.eq(0)
        # Cycles since the beginning of the reset, or since `halt` rose: as long as that takes to
        # reach all of the core, and what was begun before to be told of.
        since, settled, aborting = Signal(range(2 * RESET_CYCLES)), Signal(), Signal()
        starting = Signal()  # the state START: `start` has a long way
        unaligned = registers.program[:bus_bits].any()
        m.d.comb += [
            settled.eq(since == 2 * RESET_CYCLES - 1), core.start.eq(starting & ~unaligned)
        ]  # fmt: skip
        with m.If(registers.abort):
            m.d.sync += aborting.eq(1)
        with m.If(~settled):
            m.d.sync += since.eq(since + 1)
        state = self.state
        m.d.sync += starting.eq(0)
        with m.Switch(state):
            with m.Case(State.IDLE):
                m.d.sync += aborting.eq(0)
                m.d.comb += budget.start.eq(registers.start)
                with m.If(registers.start):
                    m.d.sync += [done.eq(0), code.eq(Error.NONE), self.irq.eq(0)]
                    m.d.sync += state.eq(State.AWAIT_BUS)
            with m.Case(State.AWAIT_BUS):
                m.d.comb += watchdog.enable.eq(1)
                with m.If(failed):
                    self._fail(m, code, failure, since)
                with m.Elif(aborting):
                    self._abort(m, since)
                with m.Elif(~core.outstanding):
                    m.d.sync += [self.reset.eq(1), since.eq(0), state.eq(State.RESET)]
            with m.Case(State.RESET):
                with m.If(since == RESET_CYCLES - 1):
                    m.d.sync += [self.reset.eq(0), core.halt.eq(0)]
                with m.If(settled):
                    m.d.sync += [starting.eq(1), state.eq(State.START)]
            with m.Case(State.START):
                # In the cycle that samples PROGRAM: it may be written until then.  Nothing else can
                # have gone wrong: no wire from the watchdog leads here.
                with m.If(unaligned):
                    self._fail(m, code, Error.UNALIGNED_PROGRAM, since)
                with m.Else():
                    m.d.sync += state.eq(State.RUN)
            with m.Case(State.RUN):
                m.d.comb += [watchdog.enable.eq(1), core.run.eq(1)]
                with m.If(failed):
                    self._fail(m, code, failure, since)
                with m.Elif(core.finished & ~failing):
                    m.d.sync += [done.eq(1), self.irq.eq(1), state.eq(State.IDLE)]
                with m.Elif(aborting):
                    self._abort(m, since)
            with m.Case(State.DRAIN), m.If(settled):
                m.d.comb += watchdog.enable.eq(1)
                with m.If(~core.outstanding):
                    self._fail(m, code, Error.ABORTED, since)
                with m.Elif(failed):
                    self._fail(m, code, Error.TIMEOUT, since)
        with m.If(budget.expired):
            self._fail(m, code, Error.BUDGET, since)
            m.d.sync += starting.eq(0)
        return state != State.IDLE, core.halt & ~settled

    def _where(self, m, start, failed):
        """The index of the command that was refused, if that ends the run."""
        where = Signal(32)
        with m.If((self.state == State.IDLE) & start):
            m.d.sync += where.eq(0)
        with m.Elif(self.core.run & self.core.fetch_error & ~failed):
            m.d.sync += where.eq(self.core.fetch_where)
        return where

    def _failure(self, m, expired):
        """Whether anything went wrong in the cycle before, and what: the first in this order.

        Both are registers, as what tells of errors comes from all over the chip.  Also whether
        anything but the watchdog says so in this cycle: then a run has not just finished.
        """
        core = self.core
        parity = core.wrong_parity if self._params.parity else Const(0, 1)
        checksum = core.wrong_checksum if self._params.checksum else Const(0, 1)
        failed, failure, failing = Signal(), Signal(Error), Signal()
        errors = parity | core.fetch_error | core.read_error | core.write_error
        m.d.comb += failing.eq(errors | checksum)
        m.d.sync += failed.eq(expired | core.run & (errors | core.finished & checksum))
        with m.If(core.run & parity):
            m.d.sync += failure.eq(Error.PARITY)
        with m.Elif(core.run & core.fetch_error):
            m.d.sync += failure.eq(core.fetch_code)
        with m.Elif(core.run & core.read_error):
            m.d.sync += failure.eq(Error.AXI_READ)
        with m.Elif(core.run & core.write_error):
            m.d.sync += failure.eq(Error.AXI_WRITE)
        with m.Elif(core.run & core.finished & checksum):
            m.d.sync += failure.eq(Error.CHECKSUM)
        with m.Else():
            m.d.sync += failure.eq(Mux(core.outstanding, Error.TIMEOUT, Error.DEADLOCK))
        return failed, failure, failing

    def _abort(self, m, since):
        """Let nothing new begin, and await the end of what has begun."""
        m.d.sync += [self.core.halt.eq(1), since.eq(0), self.state.eq(State.DRAIN)]

    def _fail(self, m, code, failure, since):
        m.d.sync += [code.eq(failure), self.irq.eq(1), self.core.halt.eq(1)]
        m.d.sync += self.state.eq(State.IDLE)
        with m.If(~self.core.halt):
            m.d.sync += since.eq(0)
