"""The host on the machine's AXI4-Lite port: start the program, await the interrupt, read results.

The reference of its cycles, too; accel/sim/harness.cpp does the same.  From cycle 0 the host writes
PROGRAM, COMMANDS, TIMEOUT, the registers that a run is given beside them, and CONTROL, each access
in the cycle after the one before was answered.  A write raises awvalid and wvalid together, each
until taken; a read raises arvalid until taken; bready and rready are always up.  From the cycle
after CONTROL was answered it waits for irq, and from the cycle after it sees irq it reads STATUS,
WHERE and the counters.
"""

from collections.abc import Mapping

from accel.isa import RECORD, RECORD_WORDS, Error
from accel.registers import Reg
from accel.sim.engine import MachineError, Outcome

#: Cycles within which the machine must answer a register access.
ANSWER = 1000
#: Registers read after the interrupt.
RESULTS = (Reg.STATUS, Reg.WHERE, *range(Reg.COUNTERS, Reg.COUNTERS + 4 * RECORD_WORDS, 4))

_DONE, _ERROR = 2, 4


def writes(
    start: int, commands: int, timeout: int, registers: Mapping[Reg, int] | None
) -> dict[Reg, int]:
    """What the host writes, in this order, to start a program."""
    return {Reg.PROGRAM: start, Reg.COMMANDS: commands, Reg.TIMEOUT: timeout, **(registers or {}),
            Reg.CONTROL: 1}  # fmt: skip


class Host:
    """The host's state.  Call ``end`` with the machine's outputs at the end of every cycle.

    The attributes awvalid, wvalid, arvalid, address and data are what it drives in the current
    cycle.  ``finished`` is set when ``results`` holds the values of RESULTS.
    """

    def __init__(self, start: int, commands: int, timeout: int, max_cycles: int,
                 registers: Mapping[Reg, int] | None = None):  # fmt: skip
        given = writes(start, commands, timeout, registers)
        self._script = iter(
            (
                *(("write", *access) for access in given.items()),
                ("await", 0, 0),
                *(("read", register, 0) for register in RESULTS),
            )
        )
        self._max_cycles = max_cycles
        self._cycle = -1
        self.results = []
        self.finished = False
        self.awvalid = self.wvalid = self.arvalid = self.address = self.data = 0
        self._next()

    def end(self, awready, wready, bvalid, bresp, arready, rvalid, rresp, rdata, irq) -> None:
        """Take the handshakes at the end of the cycle.

        Raises:
            MachineError: no interrupt within ``max_cycles``, or a register access failed.
        """
        self._cycle += 1
        if self._kind == "await":
            if irq:
                self._next()
            elif self._cycle + 1 >= self._max_cycles:
                raise MachineError(f"no interrupt within {self._max_cycles} cycles")
            return
        if awready:
            self.awvalid = 0
        if wready:
            self.wvalid = 0
        if arready:
            self.arvalid = 0
        if bvalid or rvalid:
            if bvalid and bresp or rvalid and rresp:
                raise MachineError(f"register {self.address:#x} answered an error")
            if rvalid:
                self.results.append(rdata)
            self._next()
        elif self._cycle - self._begun >= ANSWER:
            raise MachineError(
                f"register {self.address:#x} did not answer within {ANSWER} cycles"
            )

    def _next(self):
        """Do the script's next step from the next cycle on."""
        self._begun = self._cycle + 1
        self._kind, self.address, self.data = next(self._script, ("end", 0, 0))
        self.awvalid = self.wvalid = int(self._kind == "write")
        self.arvalid = int(self._kind == "read")
        self.finished = self._kind == "end"


def outcome(
    results: list[int], seconds: float, traffic: dict[str, int] | None = None
) -> Outcome:
    """Return what the register values ``results`` (in the order of RESULTS) say.

    ``traffic`` is what the memory counted, if the engine looks.

    Raises:
        MachineError: the status contradicts the interrupt, or its error code is unknown.
    """
    status, where, *counters = results
    code = status >> 8 & 0xFF
    if status & 1 or not status & (_DONE | _ERROR) or code not in iter(Error):
        raise MachineError(f"STATUS is {status:#x} after the interrupt")
    error = Error(code) if status & _ERROR else Error.NONE
    return Outcome(
        error, where, {name: counters[number] for name, number in RECORD.items()}, seconds,
        traffic or {},
    )
